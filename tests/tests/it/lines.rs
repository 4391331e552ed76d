//! Bad lines: cut, repeated, flooded.

use std::time::Duration;

use jarvis_tests::process::PATIENCE;
use jarvis_tests::site::TelegramSite;
use jarvis_tests::telegram::{Change, FakeTelegram, Fault, FloodRules, Rate, Settings};

#[tokio::test]
async fn a_job_outlives_a_line_that_is_cut_for_thirty_seconds() {
    let settings = Settings {
        patience: Duration::from_secs(90),
        ..Settings::default()
    };
    let telegram = FakeTelegram::start_with(settings).await.unwrap();
    let mut site = TelegramSite::on(telegram, &["web-1"]).await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    // It ends while the line is down.
    ann.says("/run web-1 sleep 5; printf '%s-%s' still here");
    ann.sees("⏳ job 1 ").await;
    site.site.line.cut_for(Duration::from_secs(30)).await;
    ann.sees("still-here").await;
    assert_eq!(ann.room().count("still-here"), 1);
    assert_eq!(
        ann.room().count("job 1 ·"),
        1,
        "{}",
        ann.room().transcript()
    );
    site.site.is_online("web-1").await;
}

#[tokio::test]
async fn a_line_that_is_cut_again_and_again_loses_no_job() {
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    for round in 0..5 {
        ann.says(&format!(
            "/run --wait 30s web-1 sleep 0.3; printf '%s-%s' round {round}"
        ));
        ann.sees("job ").await;
        site.site.line.cut_for(Duration::from_millis(200)).await;
    }
    for round in 0..5 {
        ann.room().shows(&format!("round-{round}")).await;
    }
    for round in 0..5 {
        assert_eq!(ann.room().count(&format!("round-{round}")), 1);
    }
}

#[tokio::test]
async fn the_same_update_twice_runs_once() {
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    let count = site.site.node(0).folder().join("count");
    ann.says(&format!(
        "/run web-1 echo x >> {}; printf '%s-%s' ran once",
        count.display()
    ));
    ann.sees("ran-once").await;
    site.telegram.is_drained().await;
    for _ in 0..2 {
        site.telegram.replay_last_update();
        site.telegram.is_drained().await;
    }
    // Also after a restart of the adapter, which then knows nothing of the update.
    site.kill_adapter().await.unwrap();
    site.telegram.replay_last_update();
    site.start_adapter().await.unwrap();
    site.telegram.is_drained().await;
    ann.says("/version");
    ann.sees("Jarvis 0.").await;
    assert_eq!(
        ann.room().count("ran-once"),
        1,
        "{}",
        ann.room().transcript()
    );
    assert_eq!(std::fs::read_to_string(count).unwrap(), "x\n");
}

#[tokio::test]
async fn a_burst_of_two_hundred_messages_keeps_its_order_and_obeys_429() {
    const PEOPLE: usize = 10;
    const MESSAGES: usize = 20;
    let telegram = FakeTelegram::start_with(Settings {
        patience: Duration::from_secs(120),
        ..Settings::default()
    })
    .await
    .unwrap();
    let mut site = TelegramSite::on(telegram, &[]).await.unwrap();
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        people.push(site.person_with_role(&format!("P{number}"), "member").await);
    }
    // Stricter than what a bot would guess: only obeying the answers helps.
    site.telegram.set_flood(Some(FloodRules {
        all: Rate::new(15, Duration::from_secs(1)),
        private: Rate::new(4, Duration::from_secs(5)),
        group: Rate::new(20, Duration::from_secs(60)),
    }));
    for number in 0..MESSAGES {
        for person in &people {
            person.says(&format!("/word{number:02}"));
        }
    }
    for person in &people {
        person.sees(&format!("word{:02}", MESSAGES - 1)).await;
        let answers: Vec<String> = person
            .room()
            .history()
            .into_iter()
            .filter(|entry| entry.change == Change::Sent && entry.text.contains("know word"))
            .map(|entry| entry.text)
            .collect();
        assert_eq!(answers.len(), MESSAGES, "{answers:#?}");
        for (number, answer) in answers.iter().enumerate() {
            assert!(answer.contains(&format!("word{number:02}")), "{answers:#?}");
        }
    }
    assert!(
        site.telegram.refused_by_flood() > 0,
        "the limits were reached"
    );
    assert_eq!(site.telegram.impatient_calls(), 0, "retry_after was obeyed");
}

#[tokio::test]
async fn what_telegram_refuses_for_a_while_is_sent_again() {
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    site.telegram.fail("sendMessage", 1, &Fault::TooMany(1));
    site.telegram.fail("sendMessage", 1, &Fault::CutBefore);
    site.telegram.fail("editMessageText", 1, &Fault::TooMany(1));
    site.telegram.fail("getUpdates", 2, &Fault::CutBefore);
    ann.says("/run web-1 printf '%s-%s' got through");
    ann.sees("got-through").await;
    assert_eq!(
        ann.room().count("got-through"),
        1,
        "{}",
        ann.room().transcript()
    );
}

#[tokio::test]
async fn a_webhook_delivers_as_polling_does() {
    let telegram = FakeTelegram::start().await.unwrap();
    let jarvis = jarvis_tests::jarvis::Jarvis::new().unwrap();
    let port = jarvis_tests::process::free_port().unwrap();
    jarvis
        .configure_telegram_by_webhook(&telegram, port)
        .unwrap();
    let _brain = jarvis.brain().await.unwrap();
    let _adapter = jarvis.telegram().unwrap();
    telegram.hears("setwebhook", 0).await;
    let ann = telegram.person("Ann");
    ann.says("/start");
    ann.sees("I don't know you yet").await;
    telegram.is_drained().await;
    // Nobody else can speak in Telegram's name.
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let forged = r#"{"update_id":1,"message":{"message_id":1,"date":1,"text":"/start",
        "chat":{"id":7,"type":"private","first_name":"X"},
        "from":{"id":7,"is_bot":false,"first_name":"X"}}}"#;
    for secret in [None, Some("guess")] {
        let mut request = client
            .post(format!("http://127.0.0.1:{port}/telegram"))
            .header("content-type", "application/json")
            .timeout(PATIENCE)
            .body(forged);
        if let Some(secret) = secret {
            request = request.header("X-Telegram-Bot-Api-Secret-Token", secret);
        }
        let status = request.send().await.unwrap().status();
        assert!(status.is_client_error(), "{secret:?}: {status}");
    }
}
