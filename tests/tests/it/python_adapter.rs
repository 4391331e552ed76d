//! The adapter in another language (`examples/adapter-python`), against a real brain.

use std::path::Path;

use jarvis_tests::console::word_after;
use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::{PATIENCE, Process, free_port};
use tokio::process::Command;

use crate::python_clients::python;

const TOKEN: &str = "a-token-of-the-story-0123456789";

fn start(python: &str, port: u16, token: &str) -> Process {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = Command::new(python);
    command
        .arg(root.join("examples/adapter-python/adapter.py"))
        .arg(format!("127.0.0.1:{port}"))
        .arg(root.join("proto"))
        .env("JARVIS_TOKEN", token);
    Process::start("adapter.py", &mut command).unwrap()
}

/// Waits for `text` in what the adapter says of itself.
async fn tells(adapter: &Process, text: &str) -> String {
    let found = adapter
        .err()
        .find(0, PATIENCE, |said| {
            said.contains(text).then(|| said.to_owned())
        })
        .await;
    found.unwrap_or_else(|| panic!("no {text:?} in:\n{}", adapter.everything()))
}

/// Waits until a message with `text` was written to the room.
async fn sees(adapter: &Process, text: &str) -> String {
    let found = adapter
        .out()
        .find(0, PATIENCE, |said| {
            let line = said.lines().find(|line| line.contains(text))?;
            Some(line.to_owned())
        })
        .await;
    found.unwrap_or_else(|| panic!("no {text:?} in:\n{}", adapter.everything()))
}

#[tokio::test]
async fn an_adapter_in_python_chats_dies_and_comes_back() {
    let Some(python) = python() else { return };
    let jarvis = Jarvis::new().unwrap();
    let port = free_port().unwrap();
    let keys = format!(
        "listen = \"127.0.0.1:{port}\"\n[[brain.adapters]]\nkind = \"lines\"\ntoken = \"{TOKEN}\"\n"
    );
    jarvis.configure("brain", &keys).unwrap();
    let mut brain = jarvis.brain().await.unwrap();
    // A wrong token is told, and nothing is tried again.
    let mut stranger = start(&python, port, "wrong");
    tells(&stranger, "REFUSED_REASON_TOKEN").await;
    assert!(!stranger.ends(PATIENCE).await.unwrap().success());

    let mut first = start(&python, port, TOKEN);
    tells(&first, "connected").await;
    first.write_line("home ann /bind").await.unwrap();
    let asked = sees(&first, "/bind ").await;
    let code = word_after(&asked, "/bind ").unwrap();
    let mut owner = jarvis.chat().unwrap();
    owner.says(&format!("bind {code}")).await;
    owner.sees("lines account “ann”").await;
    owner.says("yes").await;
    owner.sees("is you now").await;
    first.write_line("home ann whoami").await.unwrap();
    sees(&first, "owner").await;

    // A second one by mistake is told why it has to wait; when the first dies it takes over.
    let mut second = start(&python, port, TOKEN);
    tells(&second, "REFUSED_REASON_ALREADY_CONNECTED").await;
    first.kill().await.unwrap();
    tells(&second, "connected").await;
    second.write_line("home ann job 9001").await.unwrap();
    sees(&second, "There is no job 9001").await;

    // What is said while the brain is dead is answered when it is back, once.
    brain.kill().await.unwrap();
    tells(&second, "away: ").await;
    second.write_line("home ann job 9002").await.unwrap();
    let _brain = jarvis.brain().await.unwrap();
    sees(&second, "There is no job 9002").await;
    second.write_line("home ann job 9003").await.unwrap();
    sees(&second, "There is no job 9003").await;
    assert_eq!(second.out().text().matches("job 9002").count(), 1);
}
