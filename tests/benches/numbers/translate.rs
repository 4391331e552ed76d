//! What a translation costs beyond the engine's own time: from a person's message to its translation
//! over the real contract, against the same text sent straight to the same engine.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use jarvis_brain::{Brain, BrainConfig, Clock, EngineConfig, EngineKind, TranslateConfig};
use jarvis_nodeclient::Identity;
use jarvis_tests::engines::FakeEngines;
use jarvis_tests::platform::{Platform, Way};
use serde_json::json;
use tempfile::TempDir;

use crate::in_runtime;
use crate::table::{Goal, Table, Times, show};

/// Messages of each sort.
const MESSAGES: usize = 300;
/// Rooms in which translation is on.
const ROOMS: usize = 1_000;
/// Between two messages when all rooms talk.
const PACE: Duration = Duration::from_millis(4);

struct Numbers {
    engine: Times,
    translated: Times,
    remembered: Times,
    rooms: Times,
}

/// A new text, a known text, and a thousand rooms.
pub(crate) fn talk(table: &mut Table) -> Result<()> {
    let numbers = in_runtime(async {
        let engines = FakeEngines::start().await?;
        let folder = TempDir::with_prefix("jarvis-bench.")?;
        let mut config = BrainConfig::new(folder.path().to_owned());
        config.messages_per_minute = 10_000_000;
        config.translate = TranslateConfig {
            engines: vec![EngineConfig {
                url: Some(engines.url()),
                ..EngineConfig::new("home", EngineKind::LibreTranslate)
            }],
            ..TranslateConfig::default()
        };
        let brain = Brain::start(config, Identity::generate(), Clock::system()).await?;
        let numbers = measure(&brain, &engines).await;
        brain.shutdown().await;
        numbers
    })?;
    let millis = |time: Duration| (show(time), time.as_secs_f64() * 1e3);
    table.row(
        "a message translated, median; floor the engine alone",
        millis(numbers.engine.median()),
        millis(numbers.translated.median()),
        Goal::Above(2.0),
    );
    table.row(
        "a message whose translation is known, median",
        (String::new(), f64::NAN),
        millis(numbers.remembered.median()),
        Goal::Bound(1.0),
    );
    for (name, share) in [("median", 0.5), ("p99", 0.99)] {
        table.row(
            format!("1,000 rooms, 250 messages a second, {name}; floor the engine alone"),
            millis(numbers.engine.quantile(share)),
            millis(numbers.rooms.quantile(share)),
            Goal::None,
        );
    }
    Ok(())
}

async fn measure(brain: &Brain, engines: &FakeEngines) -> Result<Numbers> {
    let way = Way::to(brain);
    let console = Platform::join(&way, "console", "terminal").await?;
    let bench = Platform::join(&way, "bench", "bot").await?;
    bench.says("room-0", "Ann", "/whoami").await?;
    bench.sees("room-0", "Ann").await;
    console.says("seat", "root", "role Ann operator").await?;
    console.sees("seat", "Ann is now operator").await;
    for number in 0..ROOMS {
        let room = format!("room-{number}");
        bench.says(&room, "Ann", "/translate on zh en").await?;
        bench.sees(&room, "Translation is on here").await;
    }
    Ok(Numbers {
        engine: alone(engines).await?,
        translated: one_by_one(&bench, |number| format!("this is message {number}")).await?,
        remembered: {
            one_by_one(&bench, |_| "the same again".to_owned()).await?;
            one_by_one(&bench, |_| "the same again".to_owned()).await?
        },
        rooms: everywhere(&bench).await?,
    })
}

/// The engine without us.
async fn alone(engines: &FakeEngines) -> Result<Times> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let url = format!("{}/translate", engines.url());
    let mut times = Times::default();
    for number in 0..MESSAGES {
        let body = json!({
            "q": [format!("this is text {number}")],
            "source": "en", "target": "zh", "format": "text",
        });
        let begun = Instant::now();
        let answer = client.post(&url).json(&body).send().await?;
        ensure!(answer.status().is_success(), "{}", answer.status());
        answer.bytes().await?;
        times.push(begun.elapsed());
    }
    Ok(times)
}

/// One message after the other in one room.
async fn one_by_one(bench: &Platform, text: impl Fn(usize) -> String) -> Result<Times> {
    let mut times = Times::default();
    for number in 0..MESSAGES {
        let begun = Instant::now();
        let message = bench.says("room-0", "Ann", &text(number)).await?;
        let shown = bench
            .sees_where("room-0", "its translation", |shown| {
                shown.reply_to == message
            })
            .await;
        times.push(shown.at.saturating_duration_since(begun));
    }
    Ok(times)
}

/// One message in each room, at a pace, whatever becomes of the earlier ones.
async fn everywhere(bench: &Platform) -> Result<Times> {
    let begun = Instant::now();
    let mut sent = Vec::with_capacity(ROOMS);
    for number in 0..ROOMS {
        let due = begun + PACE * u32::try_from(number)?;
        tokio::time::sleep_until(due.into()).await;
        let text = format!("every room has its own words, here number {number}");
        let room = format!("room-{number}");
        let message = bench.says(&room, "Ann", &text).await?;
        sent.push((room, message, due));
    }
    let mut times = Times::default();
    for (room, message, due) in sent {
        bench
            .sees_where(&room, "its translation", |shown| shown.reply_to == message)
            .await;
        let shown = bench.messages(&room);
        let shown = shown.iter().find(|shown| shown.reply_to == message);
        let at = shown.context("it was there a moment ago")?.at;
        times.push(at.saturating_duration_since(due));
    }
    Ok(times)
}
