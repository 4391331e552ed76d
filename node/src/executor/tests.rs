#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Mutex;

use super::output::TAIL_BYTES;
use super::session::carries_order;
use super::*;

struct Bench {
    folder: tempfile::TempDir,
    task: Task,
    stop: watch::Sender<Option<Duration>>,
}

fn bench(script: &str) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let task = Task {
        order: uuid::Uuid::now_v7().to_string(),
        script: script.to_owned(),
        args: Vec::new(),
        env: HashMap::new(),
        cwd: folder.path().to_owned(),
        stdin: Bytes::new(),
        timeout: Duration::from_secs(60),
        result_globs: Vec::new(),
        name: String::new(),
        shell: "/bin/sh".to_owned(),
        grace: Duration::from_secs(20),
        folder: folder.path().join("job"),
        output_limit: 64 << 20,
        most_output: None,
    };
    let (stop, _) = watch::channel(None);
    Bench { folder, task, stop }
}

impl Bench {
    async fn run(&self) -> RunEnded {
        self.run_telling(|_| {}).await
    }

    async fn run_telling(&self, tell: impl Fn(Event)) -> RunEnded {
        run(&self.task, &Places::default(), self.stop.subscribe(), tell).await
    }

    /// Runs the job and cancels it with `grace` once a file `ready` is in its working directory.
    async fn cancel_when_ready(&self, grace: Duration) -> RunEnded {
        let ready = self.folder.path().join("ready");
        let cancel = async {
            while !ready.exists() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            self.stop.send_replace(Some(grace));
        };
        let (ended, ()) = tokio::join!(self.run(), cancel);
        ended
    }

    /// Living processes that were started for this job, whatever session they are in.
    fn survivors(&self) -> Vec<i32> {
        std::fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|pid| carries_order(*pid, &self.task.order))
            .filter(|pid| ProcessStat::read(*pid).is_some_and(|process| !process.is_zombie))
            .collect()
    }
}

fn exit_code(ended: &RunEnded) -> i32 {
    match ended.how {
        Some(run_ended::How::ExitCode(code)) => code,
        ref other => panic!("{other:?}"),
    }
}

fn signal(ended: &RunEnded) -> i32 {
    match ended.how {
        Some(run_ended::How::Signal(signal)) => signal,
        ref other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn output_and_exit_code_come_back_also_on_failure() {
    let ended = bench("echo hi; echo oh >&2; exit 3").run().await;
    assert_eq!(exit_code(&ended), 3);
    assert_eq!(ended.stdout_tail, "hi\n");
    assert_eq!(ended.stderr_tail, "oh\n");
    let counts = Counts {
        stdout_bytes: 3,
        stdout_lines: 1,
        stderr_bytes: 3,
        stderr_lines: 1,
    };
    assert_eq!(ended.counts, Some(counts));
    assert!(!ended.timed_out && !ended.cancelled);
}

#[tokio::test]
async fn a_signal_is_told_apart_from_an_exit_code() {
    assert_eq!(signal(&bench("kill -SEGV $$").run().await), 11);
}

#[tokio::test]
async fn args_env_stdin_and_directory_reach_the_script() {
    let mut bench = bench(r#"echo "$1|$2|$GREETING|$(pwd)|$(cat)""#);
    bench.task.args = vec!["a b".to_owned(), "$(x)".to_owned()];
    bench.task.env = HashMap::from([("GREETING".to_owned(), "hé 'llo".to_owned())]);
    bench.task.stdin = Bytes::from_static(b"from stdin");
    let ended = bench.run().await;
    let expected = format!(
        "a b|$(x)|hé 'llo|{}|from stdin\n",
        bench.folder.path().display()
    );
    assert_eq!(ended.stdout_tail, expected);
}

#[tokio::test]
async fn the_jobs_environment_names_its_order() {
    let bench = bench("echo $JARVIS_ORDER");
    assert_eq!(
        bench.run().await.stdout_tail,
        format!("{}\n", bench.task.order)
    );
}

#[tokio::test]
async fn standard_input_that_nobody_reads_does_no_harm() {
    let mut bench = bench("exit 0");
    bench.task.stdin = Bytes::from(vec![b'x'; 1 << 20]);
    assert_eq!(exit_code(&bench.run().await), 0);
}

#[tokio::test]
async fn without_standard_input_a_reader_ends_at_once() {
    assert_eq!(exit_code(&bench("cat; read x || exit 7").run().await), 7);
}

#[tokio::test]
async fn a_shebang_chooses_the_interpreter() {
    let mut bench = bench("#!/usr/bin/awk -f\nBEGIN { print \"awk\", ARGV[1] }\n");
    bench.task.args = vec!["x".to_owned()];
    let ended = bench.run().await;
    assert_eq!(ended.stdout_tail, "awk x\n", "{:?}", ended.stderr_tail);
}

#[tokio::test]
async fn a_script_longer_than_an_argument_may_be_runs() {
    let ended = bench(&format!(
        "echo start\n# {}\necho \"end $0 $1\"",
        "x".repeat(300 * 1024)
    ))
    .run()
    .await;
    assert!(ended.stdout_tail.starts_with(b"start\nend "), "{ended:?}");
}

#[tokio::test]
async fn line_numbers_in_messages_are_those_of_the_script() {
    let ended = bench("true\nno-such-command").run().await;
    assert_eq!(exit_code(&ended), 127);
    assert!(
        String::from_utf8_lossy(&ended.stderr_tail).contains("2:"),
        "{ended:?}"
    );
}

#[tokio::test]
async fn a_missing_directory_is_said_so() {
    let mut bench = bench("echo hi");
    bench.task.cwd = "/no/such/place".into();
    let Some(run_ended::How::NotStarted(reason)) = bench.run().await.how else {
        panic!("it ran");
    };
    assert!(reason.contains("/no/such/place"), "{reason}");
}

#[tokio::test]
async fn binary_output_is_kept_as_it_is() {
    let ended = bench(r"printf '\377\000\201'").run().await;
    assert_eq!(ended.stdout_tail, &b"\xff\x00\x81"[..]);
}

#[tokio::test]
async fn the_time_limit_ends_the_job() {
    let mut bench = bench("echo begun; sleep 600");
    bench.task.timeout = Duration::from_millis(100);
    let ended = bench.run().await;
    assert!(ended.timed_out && !ended.cancelled);
    assert_eq!(signal(&ended), 15);
    assert_eq!(ended.stdout_tail, "begun\n");
    assert_eq!(bench.survivors(), Vec::<i32>::new());
}

#[tokio::test]
async fn a_script_that_ignores_term_is_killed() {
    let bench = bench("trap '' TERM; touch ready; while :; do sleep 1; done");
    let ended = bench.cancel_when_ready(Duration::from_millis(200)).await;
    assert!(ended.cancelled);
    assert_eq!(signal(&ended), 9);
    assert_eq!(bench.survivors(), Vec::<i32>::new());
}

#[tokio::test]
async fn a_script_that_handles_term_may_tidy_up() {
    let bench = bench("trap 'echo tidy; exit 5' TERM; touch ready; while :; do sleep 0.01; done");
    let ended = bench.cancel_when_ready(Duration::from_secs(30)).await;
    assert_eq!(exit_code(&ended), 5);
    assert_eq!(ended.stdout_tail, "tidy\n");
}

#[tokio::test]
async fn cancelling_kills_grandchildren_in_the_group() {
    let bench = bench("(sleep 600 & sleep 600 & wait) & sleep 600 & touch ready; wait");
    assert!(
        bench
            .cancel_when_ready(Duration::from_secs(30))
            .await
            .cancelled
    );
    assert_eq!(bench.survivors(), Vec::<i32>::new());
}

#[tokio::test]
async fn cancelling_kills_children_with_groups_of_their_own() {
    let bench = bench(
        "set -m; trap '' TERM; (trap '' TERM; sleep 600; sleep 600) >/dev/null 2>&1 & touch ready; wait; wait",
    );
    let ended = bench.cancel_when_ready(Duration::from_millis(200)).await;
    assert!(ended.cancelled);
    assert_eq!(bench.survivors(), Vec::<i32>::new());
}

#[tokio::test]
async fn cancelling_kills_background_children_that_let_go_of_the_output() {
    let bench = bench("nohup sleep 600 >/dev/null 2>&1 & touch ready; sleep 600");
    assert!(
        bench
            .cancel_when_ready(Duration::from_millis(300))
            .await
            .cancelled
    );
    assert_eq!(bench.survivors(), Vec::<i32>::new());
}

#[tokio::test]
async fn a_background_child_that_holds_the_output_does_not_hang_the_job() {
    let bench = bench("sleep 600 & echo done");
    let ended = bench.run().await;
    assert_eq!(exit_code(&ended), 0);
    assert_eq!(ended.stdout_tail, "done\n");
    assert_eq!(bench.survivors(), Vec::<i32>::new());
}

#[tokio::test]
async fn a_background_child_that_let_go_of_the_output_lives_on() {
    let bench = bench("nohup sleep 600 >/dev/null 2>&1 & echo done");
    assert_eq!(bench.run().await.stdout_tail, "done\n");
    let survivors = bench.survivors();
    assert_eq!(survivors.len(), 1);
    session::signal_process(survivors[0], Signal::KILL);
}

#[tokio::test]
async fn a_storm_of_children_ends_with_the_time_limit() {
    let mut bench = bench(
        "i=0; while [ $i -lt 200 ]; do (trap '' TERM; sleep 600; sleep 600) & i=$((i+1)); done; wait",
    );
    bench.task.timeout = Duration::from_millis(300);
    bench.task.grace = Duration::from_millis(200);
    assert!(bench.run().await.timed_out);
    assert_eq!(bench.survivors(), Vec::<i32>::new());
}

#[tokio::test]
async fn two_hundred_megabytes_of_output_take_no_memory() {
    let mut bench = bench("head -c 200000000 /dev/zero; echo; echo end");
    bench.task.output_limit = 1 << 20;
    let before = resident_kib();
    let ended = bench.run().await;
    assert_eq!(ended.counts.unwrap().stdout_bytes, 200_000_005);
    assert!(ended.output_truncated);
    assert_eq!(ended.stdout_tail.len(), TAIL_BYTES);
    assert!(ended.stdout_tail.ends_with(b"\nend\n"));
    // Other tests of this process run meanwhile; 200 MB would still stand out.
    assert!(resident_kib() < before + 150_000);
    let stored = std::fs::metadata(bench.task.folder.join("stdout"))
        .unwrap()
        .len();
    assert!(stored < (1 << 20) + 2 * TAIL_BYTES as u64, "{stored}");
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn progress_tells_counts_and_last_lines() {
    let bench = bench("echo first; touch ready; while [ ! -e go ]; do sleep 0.01; done; echo last");
    let told = Mutex::new(Vec::new());
    let go = bench.folder.path().join("go");
    let ended = bench
        .run_telling(|event| {
            if let Event::Progress { .. } = event {
                std::fs::write(&go, "").unwrap();
            }
            told.lock().unwrap().push(event);
        })
        .await;
    assert_eq!(ended.tail, "first\nlast\n");
    let told = told.into_inner().unwrap();
    assert!(matches!(&told[0], Event::Started(process) if process.session == process.pid));
    assert!(
        matches!(&told[1], Event::Progress { counts, tail, .. } if counts.stdout_lines == 1 && tail == "first\n")
    );
    // Output of a job that lasts is on the disk before the job ends.
    assert_eq!(
        std::fs::read(bench.task.folder.join("stdout")).unwrap(),
        b"first\nlast\n"
    );
}

#[tokio::test]
async fn result_files_are_listed() {
    let mut bench = bench("echo 12345 > a.out; echo > b.txt");
    bench.task.result_globs = vec!["*.out".to_owned()];
    let ended = bench.run().await;
    assert_eq!(ended.files.len(), 1);
    assert_eq!(
        (ended.files[0].name.as_str(), ended.files[0].size),
        ("a.out", 6)
    );
}

#[tokio::test]
async fn a_job_that_may_not_write_so_much_is_ended_and_its_output_kept() {
    let mut bench = bench("printf '%050000d' 0; sleep 600 & wait");
    bench.task.most_output = Some(40_000);
    let ended = bench.run().await;
    assert!(!ended.timed_out && !ended.cancelled, "{ended:?}");
    assert!(ended.counts.unwrap().stdout_bytes > 40_000);
    assert!(bench.survivors().is_empty());
    // However short, the output is a file when there is a limit.
    let mut short = self::bench("echo hi");
    short.task.most_output = Some(10);
    short.run().await;
    assert_eq!(
        std::fs::read_to_string(short.task.folder.join("stdout")).unwrap(),
        "hi\n"
    );
}
