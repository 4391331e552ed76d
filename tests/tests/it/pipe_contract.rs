//! `jarvis up` and `jarvis chat` in a pipe: what others script against.

use std::time::Duration;

use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::PATIENCE;

#[tokio::test]
async fn a_line_is_answered_once_and_the_program_ends_well() {
    let jarvis = Jarvis::new().unwrap();
    let run = jarvis
        .pipe("run local printf '%s-%s' just once\n")
        .await
        .unwrap();
    assert_eq!(run.count("just-once"), 1, "{}", run.out);
    assert_eq!(run.count("exit 0"), 1, "{}", run.out);
    assert_eq!(run.count("⏳"), 0, "progress is not printed: {}", run.out);
    run.good();
}

#[tokio::test]
async fn the_exit_code_of_a_job_is_not_that_of_the_program() {
    let jarvis = Jarvis::new().unwrap();
    let out = jarvis.pipe("run local exit 3\n").await.unwrap().good();
    assert!(out.contains("✖ job 1 · local · exit 3"), "{out}");
}

#[tokio::test]
async fn no_input_is_no_failure() {
    let jarvis = Jarvis::new().unwrap();
    jarvis.pipe("").await.unwrap().good();
    jarvis.pipe("\n\n").await.unwrap().good();
}

#[tokio::test]
async fn each_line_waits_for_the_work_of_the_line_before() {
    let jarvis = Jarvis::new().unwrap();
    let flag = jarvis.folder().join("flag");
    let flag = flag.display();
    let input = format!(
        "run local sleep 0.5; touch {flag}\nrun local test -e {flag} && printf '%s-%s' in order\n"
    );
    let out = jarvis.pipe(&input).await.unwrap().good();
    assert!(out.contains("in-order"), "{out}");
}

#[tokio::test]
async fn parallel_lines_do_not_wait_for_each_other() {
    let jarvis = Jarvis::new().unwrap();
    let flag = jarvis.folder().join("flag");
    let flag = flag.display();
    // The first job ends only because the second one runs beside it.
    let input = format!(
        "run --timeout 20s local while ! test -e {flag}; do sleep 0.05; done\nrun local touch {flag}\n"
    );
    let run = jarvis.run(&["up", "--parallel"], &input, PATIENCE).await;
    let out = run.unwrap().good();
    assert_eq!(out.matches("exit 0").count(), 2, "{out}");
}

#[tokio::test]
async fn result_files_are_saved_and_named() {
    let jarvis = Jarvis::new().unwrap();
    let bytes: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let source = jarvis.folder().join("source.bin");
    std::fs::write(&source, &bytes).unwrap();
    let input = format!(
        "run --files 'out/*.bin' local mkdir -p out; cp {} out/result.bin\n",
        source.display()
    );
    let out = jarvis.pipe(&input).await.unwrap().good();
    let line = out
        .lines()
        .find(|line| line.starts_with("[file] "))
        .unwrap_or_else(|| panic!("no file in:\n{out}"));
    let mut words = line.split_whitespace().skip(1);
    assert_eq!(words.next(), Some("result.bin"));
    assert_eq!(words.next(), Some(bytes.len().to_string().as_str()));
    let path = words.next().unwrap();
    assert!(path.contains("downloads"), "{path}");
    let saved = std::fs::read(jarvis.folder().join(path)).unwrap();
    assert_eq!(blake3::hash(&saved), blake3::hash(&bytes));
}

#[tokio::test]
async fn a_script_and_a_file_are_attached_with_an_at_sign() {
    let jarvis = Jarvis::new().unwrap();
    let script = jarvis.folder().join("greet.sh");
    std::fs::write(&script, "#!/bin/sh\nprintf '%s-%s\\n' from script\n").unwrap();
    let target = jarvis.folder().join("put-here");
    std::fs::create_dir(&target).unwrap();
    let input = format!(
        "@{script} local\n@{script} local:{target}/\n@/no/such/file local\n",
        script = script.display(),
        target = target.display()
    );
    let out = jarvis.pipe(&input).await.unwrap().good();
    assert_eq!(out.matches("from-script").count(), 1, "{out}");
    assert!(out.contains("I could not get the file"), "{out}");
    let put = std::fs::read(target.join("greet.sh")).unwrap();
    assert_eq!(put, std::fs::read(&script).unwrap());
}

#[tokio::test]
async fn a_file_is_fetched_from_a_node() {
    let jarvis = Jarvis::new().unwrap();
    let source = jarvis.folder().join("error.log");
    std::fs::write(&source, "one\ntwo\nthree\n").unwrap();
    let out = jarvis
        .pipe(&format!("get local:{}\n", source.display()))
        .await
        .unwrap()
        .good();
    assert!(out.contains("[file] error.log 14 "), "{out}");
}

#[tokio::test]
async fn chat_does_the_same_against_a_running_brain() {
    let jarvis = Jarvis::new().unwrap();
    let _brain = jarvis.brain().await.unwrap();
    let address = format!("unix:{}", jarvis.data().join("jarvis.sock").display());
    let arguments = ["chat", "--brain", &address];
    for _ in 0..2 {
        let run = jarvis
            .run(&arguments, "version\nwhoami\n", PATIENCE)
            .await
            .unwrap();
        assert_eq!(run.count("Jarvis 0."), 1, "{}", run.out);
        assert_eq!(run.count("· owner"), 1, "{}", run.out);
        run.good();
    }
}

#[tokio::test]
async fn chat_without_a_brain_fails_with_a_sentence() {
    let jarvis = Jarvis::new().unwrap();
    let run = jarvis
        .run(&["chat"], "version\n", Duration::from_secs(90))
        .await
        .unwrap();
    assert!(!run.status.success());
    assert!(run.err.contains("jarvis.sock"), "{}", run.err);
}

#[tokio::test]
async fn what_one_run_stored_the_next_one_knows() {
    let jarvis = Jarvis::new().unwrap();
    jarvis
        .pipe("run local printf '%s-%s' kept here\n")
        .await
        .unwrap()
        .good();
    let out = jarvis.pipe("log 1\n").await.unwrap().good();
    assert!(out.contains("kept-here"), "{out}");
}
