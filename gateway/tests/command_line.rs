//! The program as a user starts it: exit codes, and what goes where.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn jarvis(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jarvis"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_version_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    let output = jarvis(dir.path(), &["version"]);
    assert!(output.status.success());
    assert_eq!(
        text(&output.stdout),
        concat!("jarvis ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn the_example_checks_itself() {
    let dir = tempfile::tempdir().unwrap();
    let example = jarvis(dir.path(), &["check", "--example"]);
    std::fs::write(dir.path().join("jarvis.toml"), &example.stdout).unwrap();
    let output = jarvis(dir.path(), &["check"]);
    let report = text(&output.stdout);
    assert!(output.status.success(), "{report}");
    assert!(report.contains("ok    configuration"), "{report}");
    assert!(report.ends_with("Ready.\n"), "{report}");
    assert!(!dir.path().join("data").exists(), "a check changes nothing");
}

#[test]
fn a_slip_in_the_configuration_is_found_by_check_and_stops_everything_else() {
    let dir = tempfile::tempdir().unwrap();
    let slip = "[telegram]\ntokne = 'hush-hush'\n";
    std::fs::write(dir.path().join("jarvis.toml"), slip).unwrap();
    let check = jarvis(dir.path(), &["check"]);
    assert_eq!(check.status.code(), Some(1));
    let report = text(&check.stdout);
    assert!(
        report.contains("did you mean `telegram.token`?"),
        "{report}"
    );
    for command in ["up", "brain", "chat", "keys"] {
        let output = jarvis(dir.path(), &[command]);
        assert_eq!(output.status.code(), Some(1), "{command}");
        let error = text(&output.stderr);
        assert!(error.contains("did you mean `telegram.token`?"), "{error}");
        assert!(!error.contains("hush"), "{error}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_piped_line_is_run_and_the_program_ends() {
    let dir = tempfile::tempdir().unwrap();
    let mut up = Command::new(env!("CARGO_BIN_EXE_jarvis"))
        .args(["up", "--data", "data"])
        .current_dir(dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = up.stdin.take().unwrap();
    input.write_all(b"run local echo hi there\n").unwrap();
    drop(input);
    let output = up.wait_with_output().unwrap();
    let (said, log) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{said}\n{log}");
    assert!(
        said.contains("exit 0") && said.contains("hi there"),
        "{said}\n{log}"
    );
    assert!(log.contains("brain stopped"), "{log}");
    // A second life finds the same key and database.
    let check = jarvis(dir.path(), &["check"]);
    assert!(check.status.success(), "{}", text(&check.stdout));
    let keys = jarvis(dir.path(), &["keys"]);
    assert!(log.contains(text(&keys.stdout).split_whitespace().nth(1).unwrap()));
}

#[test]
fn a_data_folder_in_use_is_named_with_its_process() {
    let dir = tempfile::tempdir().unwrap();
    let mut brain = Command::new(env!("CARGO_BIN_EXE_jarvis"))
        .arg("brain")
        .current_dir(dir.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(brain.stderr.take().unwrap()).lines();
    let listening = log.any(|line| line.unwrap().contains("listening for adapters"));
    assert!(listening);

    let second = jarvis(dir.path(), &["up"]);
    assert_eq!(second.status.code(), Some(1));
    let error = text(&second.stderr);
    assert!(
        error.contains(&format!("(process {})", brain.id())),
        "{error}"
    );
    assert!(error.contains("jarvis chat"), "{error}");

    let pid = rustix::process::Pid::from_child(&brain);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(brain.wait().unwrap().success(), "SIGTERM is a good end");
    let rest: Vec<String> = log.map(Result::unwrap).collect();
    assert!(
        rest.iter().any(|line| line.contains("brain stopped")),
        "{rest:?}"
    );
}

#[test]
fn an_unknown_flag_is_a_usage_error() {
    let dir = tempfile::tempdir().unwrap();
    let output = jarvis(dir.path(), &["up", "--no-consol"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--no-console"));
}

#[test]
fn a_token_is_made_and_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let output = jarvis(dir.path(), &["keys", "new", "telegram"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let token = std::fs::read_to_string(dir.path().join("data/tokens/telegram.token")).unwrap();
    assert!(!text(&output.stdout).contains(&token));
}
