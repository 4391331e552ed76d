//! The fake Telegram as python-telegram-bot sees it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use jarvis_tests::telegram::{FakeTelegram, Fault, FloodRules, Room};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;

/// Set by `scripts/test` to a Python that has python-telegram-bot.
const PYTHON: &str = "JARVIS_TEST_PYTHON";

#[tokio::test]
async fn python_telegram_bot_finds_nothing_wrong() {
    let Ok(python) = std::env::var(PYTHON) else {
        assert!(
            std::env::var("CI").as_deref() != Ok("true") || !python_is_here(),
            "python3 is here but {PYTHON} is not set: run scripts/test"
        );
        eprintln!("skipped: {PYTHON} names no Python with python-telegram-bot (see scripts/test)");
        return;
    };
    let telegram = FakeTelegram::start().await.unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/check_telegram_fake.py");
    let mut child = Command::new(python)
        .arg(script)
        .args([telegram.url(), telegram.token()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut answers = child.stdin.take().unwrap();
    let mut requests = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut other_side = OtherSide {
        ann: telegram.person("Ann"),
        telegram,
        group: None,
    };
    let mut last = String::new();
    let play = async {
        while let Some(request) = requests.next_line().await.unwrap() {
            let answer = other_side.does(&request);
            last = request;
            // The script reads no answer to its last line.
            let _ = answers.write_all(format!("{answer}\n").as_bytes()).await;
        }
        child.wait().await.unwrap()
    };
    let status = tokio::time::timeout(Duration::from_secs(120), play)
        .await
        .expect("the script ends in time");
    assert!(
        status.success(),
        "the script failed, see its last words above"
    );
    assert!(last.starts_with("passed "), "{last}");
}

fn python_is_here() -> bool {
    let version = std::process::Command::new("python3")
        .arg("--version")
        .output();
    version.is_ok_and(|output| output.status.success())
}

/// The people whom the script wants to meet.
struct OtherSide {
    telegram: FakeTelegram,
    ann: jarvis_tests::telegram::Person,
    group: Option<Room>,
}

impl OtherSide {
    fn does(&mut self, request: &str) -> String {
        let (verb, rest) = request.split_once(' ').unwrap_or((request, ""));
        match verb {
            "say" => drop(self.ann.says(rest)),
            "press" => drop(self.ann.presses(rest)),
            "send-file" => {
                let (name, size) = rest.split_once(' ').unwrap();
                let bytes: Vec<u8> = (0..size.parse::<u32>().unwrap())
                    .map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1])
                    .collect();
                let digest = hex::encode(Sha256::digest(&bytes));
                self.ann.sends_file(name, bytes, "web-1:/srv/");
                return digest;
            }
            "big-file" => {
                let big = vec![0; 20 * 1024 * 1024 + 1];
                self.ann.sends_file("big.bin", big, "");
            }
            "block" => self.ann.blocks_bot(),
            "unblock" => self.ann.unblocks_bot(),
            "group" => {
                let group = self.telegram.group(rest);
                let id = group.id().to_string();
                self.group = Some(group);
                return id;
            }
            "group-say" => drop(self.ann.says_in(self.group.as_ref().unwrap(), rest)),
            "flood-on" => self.telegram.set_flood(Some(FloodRules::default())),
            "flood-off" => self.telegram.set_flood(None),
            "cut-next" => self.telegram.fail("*", 1, &Fault::CutBefore),
            _ => {}
        }
        "ok".to_owned()
    }
}
