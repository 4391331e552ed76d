//! The real Apertium APy: people who speak English and Spanish in one room.

use std::path::Path;
use std::time::Duration;

use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::{PATIENCE, Process, free_port};
use jarvis_tests::site::{Site, TelegramSite};
use jarvis_tests::telegram::{FakeTelegram, Settings};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

/// Set by `scripts/test` to the folder of Apertium's modes.
const MODES: &str = "JARVIS_TEST_APERTIUM";

/// Starts it on loopback and waits until it takes connections.
async fn start(modes: &str) -> (Process, u16) {
    let port = free_port().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/apertium_loopback.py");
    let mut command = Command::new("/usr/bin/python3");
    command
        .arg(script)
        .args([port.to_string().as_str(), modes])
        .env("LC_ALL", "C.UTF-8");
    let apertium = Process::start("apertium-apy", &mut command).unwrap();
    let until = Instant::now() + PATIENCE;
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        assert!(Instant::now() < until, "{}", apertium.everything());
        // There is no event for "a port is open".
        sleep(Duration::from_millis(50)).await;
    }
    (apertium, port)
}

#[tokio::test]
async fn english_and_spanish_speakers_understand_each_other() {
    let Ok(modes) = std::env::var(MODES) else {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "{MODES} is not set: run scripts/test"
        );
        eprintln!("skipped: {MODES} names no folder of Apertium's modes (see scripts/test)");
        return;
    };
    let (_apertium, port) = start(&modes).await;
    let settings = Settings {
        privacy: false,
        ..Settings::default()
    };
    let telegram = FakeTelegram::start_with(settings).await.unwrap();
    let jarvis = Jarvis::new().unwrap();
    jarvis.configure_telegram(&telegram).unwrap();
    let keys = format!("kind = \"apertium\"\nurl = \"http://127.0.0.1:{port}\"");
    jarvis
        .configure("translate.engines.apertium", &keys)
        .unwrap();
    let site = Site::start(jarvis, &[]).await.unwrap();
    let mut site = TelegramSite {
        adapter: None,
        site,
        telegram,
    };
    site.start_adapter().await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    let carlos = site.telegram.person_speaking("Carlos", "es");
    let room = site.telegram.group("casa");
    ann.says_in(&room, "/translate on en es -r");
    ann.sees_in(&room, "Translation is on here: English, Español")
        .await;
    let message = carlos.says_in(&room, "La casa es grande y el perro duerme");
    let seen = ann
        .sees_in(&room, "The house is big and the dog sleeps")
        .await;
    assert_eq!(seen.reply_to, Some(message));
    // The way back reads otherwise, as engines of this sort do.
    assert!(seen.text.contains("↩ La casa es grande"), "{}", seen.text);
    ann.says_in(
        &room,
        "Where is the library? Ask @carlos_1 about `/srv/books`",
    );
    let seen = carlos.sees_in(&room, "biblioteca").await;
    assert!(seen.text.contains("@carlos_1"), "{}", seen.text);
    assert!(seen.text.contains("/srv/books"), "{}", seen.text);
    // What it has no pair for is said.
    ann.says_in(&room, "/tr ja the house is big");
    ann.sees_in(&room, "No engine translates that to 日本語")
        .await;
}
