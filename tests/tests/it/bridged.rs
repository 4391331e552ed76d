//! Rooms that read each other, and what follows a message that is changed or deleted, over the bare
//! contract with a platform that can do it all.

use std::time::Duration;

use jarvis_brain::{Brain, BrainConfig, Clock, EngineConfig, EngineKind, TranslateConfig};
use jarvis_nodeclient::Identity;
use jarvis_tests::engines::FakeEngines;
use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::platform::{Platform, Way};
use jarvis_tests::qq::FakeQq;
use jarvis_tests::qq::milky::Milky;
use jarvis_tests::qq::onebot::OneBot;
use jarvis_tests::site::{Site, TelegramSite};
use jarvis_tests::telegram::{FakeTelegram, Settings};
use tempfile::TempDir;

/// A brain in this process, with an engine and the owner at its terminal.
struct House {
    brain: Brain,
    way: Way,
    console: Platform,
    engines: FakeEngines,
    _folder: TempDir,
}

impl House {
    async fn new() -> Self {
        let engines = FakeEngines::start().await.unwrap();
        for (zh, en) in [("好了", "It is"), ("大家早上好", "Good morning all")] {
            engines.knows(("zh", zh), ("en", en));
        }
        let folder = TempDir::with_prefix("jarvis-story.").unwrap();
        let mut config = BrainConfig::new(folder.path().to_owned());
        config.messages_per_minute = 60_000;
        config.translate = TranslateConfig {
            engines: vec![EngineConfig {
                url: Some(engines.url()),
                ..EngineConfig::new("home", EngineKind::LibreTranslate)
            }],
            delayed_after: Duration::from_secs(60),
            ..TranslateConfig::default()
        };
        let brain = Brain::start(config, Identity::generate(), Clock::system())
            .await
            .unwrap();
        let way = Way::to(&brain);
        let console = Platform::join(&way, "console", "terminal").await.unwrap();
        Self {
            brain,
            way,
            console,
            engines,
            _folder: folder,
        }
    }

    async fn platform(&self, kind: &str, bot: &str) -> Platform {
        Platform::join(&self.way, kind, bot).await.unwrap()
    }

    /// Gives a person, who has spoken before, the role of an operator.
    async fn promotes(&self, person: &str) {
        let order = format!("role {person} operator");
        self.console.says("seat", "root", &order).await.unwrap();
        let done = format!("{person} is now operator");
        self.console.sees("seat", &done).await;
    }
}

/// Somebody speaks, so that they are known, and becomes operator.
async fn operator(house: &House, platform: &Platform, room: &str, person: &str) {
    platform.says(room, person, "/whoami").await.unwrap();
    platform.sees(room, person).await;
    house.promotes(person).await;
}

/// Ties two rooms; the first reads Chinese, the other English.
async fn tie(house: &House, one: (&Platform, &str), other: (&Platform, &str)) {
    operator(house, one.0, one.1, "Li").await;
    operator(house, other.0, other.1, "Bob").await;
    one.0.says(one.1, "Li", "/link --lang zh").await.unwrap();
    let offered = one.0.sees(one.1, "/link ").await.text;
    let code = offered.rsplit("/link ").next().unwrap().trim();
    let accept = format!("/link {code} --lang en");
    other.0.says(other.1, "Bob", &accept).await.unwrap();
    other.0.sees(other.1, "read each other from now on").await;
    one.0.sees(one.1, "read each other from now on").await;
    // A code is good once.
    other.0.says(other.1, "Bob", &accept).await.unwrap();
    other.0.sees(other.1, "That code is not good").await;
}

#[tokio::test]
async fn two_rooms_read_each_other_in_their_own_languages() {
    let house = House::new().await;
    let alpha = house.platform("alpha", "a-bot").await;
    let beta = house.platform("beta", "b-bot").await;
    tie(&house, (&alpha, "east"), (&beta, "west")).await;
    let asked = alpha.says("east", "Li", "好了").await.unwrap();
    let copy = beta.sees("west", "It is").await;
    assert_eq!(copy.text, "Li (alpha): It is\n↳ 好了");
    // The answer to the copy answers the original.
    beta.answers("west", "Bob", &copy.id, "Good morning all")
        .await
        .unwrap();
    let back = alpha.sees("east", "大家早上好").await;
    assert_eq!(back.text, "Bob (beta): 大家早上好\n↳ Good morning all");
    assert_eq!(back.reply_to, asked);
    // What is in the language of the other side comes as it is.
    alpha.says("east", "Li", "fine for me").await.unwrap();
    assert_eq!(
        beta.sees("west", "fine for me").await.text,
        "Li (alpha): fine for me"
    );
    // Changes and ends follow.
    alpha
        .edits("east", "Li", &asked, "大家早上好")
        .await
        .unwrap();
    let edited = beta.sees("west", "Good morning all\n↳").await;
    assert_eq!((edited.id, edited.edits), (copy.id.clone(), 1));
    alpha.deletes("east", "Li", &asked).await.unwrap();
    beta.sees_where("west", "a gap", |shown| {
        shown.id == copy.id && shown.is_deleted
    })
    .await;
    // The end.
    beta.says("west", "Bob", "/unlink").await.unwrap();
    alpha.sees("east", "no longer tied").await;
    alpha.says("east", "Li", "nobody hears this").await.unwrap();
    alpha.says("east", "Li", "/link").await.unwrap();
    let used = alpha.sees("east", "/link ").await.id;
    alpha
        .sees_where("east", "a new code", |shown| {
            shown.text.contains("within 10 min") && shown.id != used
        })
        .await;
    let heard = beta.messages("west");
    assert!(
        !heard
            .iter()
            .any(|shown| shown.text.contains("nobody hears")),
        "{heard:#?}"
    );
    house.brain.shutdown().await;
}

#[tokio::test]
async fn no_message_goes_in_a_circle() {
    let house = House::new().await;
    let alpha = house.platform("alpha", "a-bot").await;
    let beta = house.platform("beta", "b-bot").await;
    tie(&house, (&alpha, "east"), (&beta, "west")).await;
    // A second bot of ours in the same room hears what the first one says, from what looks like a person.
    let second = house.platform("alpha", "a-bot-2").await;
    second
        .says("east", "a-bot", "Bob (beta): whatever he said")
        .await
        .unwrap();
    alpha
        .says("east", "a-bot-2", "Bob (beta): whatever he said")
        .await
        .unwrap();
    alpha.says("east", "Li", "好了").await.unwrap();
    beta.sees("west", "It is").await;
    let copies: Vec<_> = beta
        .messages("west")
        .into_iter()
        .filter(|shown| shown.text.contains("whatever"))
        .collect();
    assert!(copies.is_empty(), "{copies:#?}");
    // The same room cannot be tied to itself through another bot.
    second.says("east", "Li", "/link").await.unwrap();
    let offered = second.sees("east", "/link ").await.text;
    let code = offered.rsplit("/link ").next().unwrap().trim().to_owned();
    alpha
        .says("east", "Li", &format!("/link {code}"))
        .await
        .unwrap();
    alpha.sees("east", "That is this room").await;
    house.brain.shutdown().await;
}

#[tokio::test]
async fn a_translation_goes_with_its_message() {
    let house = House::new().await;
    let alpha = house.platform("alpha", "a-bot").await;
    operator(&house, &alpha, "east", "Li").await;
    alpha
        .says("east", "Li", "/translate on zh en")
        .await
        .unwrap();
    alpha.sees("east", "Translation is on here").await;
    let message = alpha.says("east", "Li", "好了").await.unwrap();
    let shown = alpha.sees("east", "Li: It is").await;
    assert_eq!(shown.reply_to, message);
    alpha.deletes("east", "Li", &message).await.unwrap();
    alpha
        .sees_where("east", "a gap", |known| {
            known.id == shown.id && known.is_deleted
        })
        .await;
    // What is deleted before it was translated is never shown.
    house.engines.holds();
    let message = alpha.says("east", "Li", "大家早上好").await.unwrap();
    house.engines.is_called(2).await;
    alpha.deletes("east", "Li", &message).await.unwrap();
    alpha.says("east", "Li", "/translate status").await.unwrap();
    alpha
        .sees_where("east", "the state", |shown| {
            shown.text.contains("characters this month")
        })
        .await;
    house.engines.releases();
    alpha.says("east", "Li", "这句话还在").await.unwrap();
    alpha
        .sees_where("east", "the next", |shown| {
            shown.text.starts_with("Li: en8fd9")
        })
        .await;
    let said = alpha.messages("east");
    assert!(
        !said.iter().any(|shown| shown.text.contains("Good morning")),
        "{said:#?}"
    );
    // The same room is not translated by a second bot of ours.
    let second = house.platform("alpha", "a-bot-2").await;
    second
        .says("east", "Li", "/translate on zh en")
        .await
        .unwrap();
    second
        .sees(
            "east",
            "Another bot of ours, a-bot, translates here already",
        )
        .await;
    house.brain.shutdown().await;
}

#[tokio::test]
async fn two_hundred_messages_at_once_stay_in_order() {
    let house = House::new().await;
    let alpha = house.platform("alpha", "a-bot").await;
    operator(&house, &alpha, "east", "Li").await;
    alpha
        .says("east", "Li", "/translate on zh en")
        .await
        .unwrap();
    alpha.sees("east", "Translation is on here").await;
    for number in 0..200 {
        let text = format!("message number {number} of many");
        alpha.says("east", "Bob", &text).await.unwrap();
    }
    alpha.sees("east", "译199").await;
    let said: Vec<String> = alpha
        .messages("east")
        .into_iter()
        .map(|shown| shown.text)
        .filter(|text| text.starts_with("Bob: "))
        .collect();
    let expected: Vec<String> = (0..200)
        .map(|number| format!("Bob: 译message 译number 译{number} 译of 译many"))
        .collect();
    assert_eq!(said, expected);
    // A thousand while the engine stands still: what has no place is told of once, and commands go on.
    house.engines.holds();
    for number in 0..1_000 {
        let text = format!("another message, number {number}");
        alpha.says("east", "Bob", &text).await.unwrap();
    }
    alpha.sees("east", "So many messages are waiting").await;
    house.engines.releases();
    alpha.sees("east", "译number 译250").await;
    let told = alpha.messages("east");
    let told = told.iter().filter(|shown| shown.text.contains("So many"));
    assert_eq!(told.count(), 1);
    house.brain.shutdown().await;
}

#[tokio::test]
async fn two_telegram_groups_pass_on_names_answers_and_files() {
    let start = async |token: &str| {
        let settings = Settings {
            privacy: false,
            token: token.to_owned(),
            ..Settings::default()
        };
        FakeTelegram::start_with(settings).await.unwrap()
    };
    let one = start("4242424242:AAFakeTokenForStoriesOnly-0123456789").await;
    let other = start("5353535353:AAFakeTokenForStoriesOnly-9876543210").await;
    let engines = FakeEngines::start().await.unwrap();
    engines.knows(("zh", "好了"), ("en", "It is"));
    let jarvis = Jarvis::new().unwrap();
    jarvis.configure_telegram(&one).unwrap();
    let keys = format!("kind = \"libretranslate\"\nurl = \"{}\"", engines.url());
    jarvis.configure("translate.engines.home", &keys).unwrap();
    let site = Site::start(jarvis, &[]).await.unwrap();
    let mut site = TelegramSite {
        adapter: None,
        site,
        telegram: one,
    };
    site.start_adapter().await.unwrap();
    let polls = other.polls();
    let token = format!("telegram.token={}", other.token());
    let url = format!("telegram.api_url={}", other.url());
    let arguments = ["adapter", "telegram", "--set", &token, "--set", &url];
    let _second = site.site.jarvis.start(&arguments).unwrap();
    other.is_polled(polls).await;
    // People have other ids there.
    for number in 0..20 {
        other.person(&format!("Somebody {number}"));
    }
    let li = site.person_speaking("李雷", "zh-hans", "operator").await;
    let bob = other.person("Bob");
    bob.says("/start");
    bob.sees_where(bob.room(), "a greeting", |_| true).await;
    site.site.owner.says("role Bob operator").await;
    site.site.owner.sees("Bob is now operator").await;
    let (east, west) = (site.telegram.group("东"), other.group("west"));
    li.says_in(&east, "/link --lang zh");
    let offered = li.sees_in(&east, "/link ").await.text;
    let code = offered.rsplit("/link ").next().unwrap().trim();
    bob.says_in(&west, &format!("/link {code} --lang en"));
    bob.sees_in(&west, "read each other from now on").await;
    let asked = li.says_in(&east, "好了");
    let copy = bob.sees_in(&west, "It is").await;
    assert_eq!(copy.text, "李雷（telegram）：It is\n↳ 好了");
    bob.replies_in(&west, copy.message, "thank you");
    let seen = li.sees_in(&east, "译thank 译you").await;
    assert_eq!(seen.reply_to, Some(asked));
    li.sends_file_in(&east, "error.log", "what went wrong", "好了");
    bob.sees_in(&west, "It is").await;
    let file = bob
        .sees_where(&west, "the file", |entry| {
            entry.file.as_deref() == Some("error.log")
        })
        .await;
    assert_eq!(file.file.as_deref(), Some("error.log"));
    assert_eq!(west.file("error.log").unwrap(), "what went wrong");
}

#[tokio::test]
async fn a_telegram_group_and_a_qq_group_read_each_other() {
    let qq = FakeQq::new();
    let onebot = OneBot::start(&qq).await.unwrap();
    let keys = format!("transport = \"websocket\"\nurl = \"{}\"\n", onebot.url());
    let token = onebot.token().unwrap();
    reads_telegram(&qq, &token, &keys, "get_version_info").await;
    assert_eq!(qq.count_calls("upload_group_file"), 1);
    assert_eq!(qq.count_calls("get_group_file_url"), 1);
}

#[tokio::test]
async fn a_telegram_group_and_a_qq_group_behind_milky_read_each_other() {
    let qq = FakeQq::new();
    let milky = Milky::start(&qq).await.unwrap();
    let keys = format!("transport = \"milky-sse\"\nurl = \"{}\"\n", milky.url());
    reads_telegram(&qq, milky.token(), &keys, "get_impl_info").await;
    assert_eq!(qq.count_calls("upload_group_file"), 1);
    assert_eq!(qq.count_calls("get_group_file_download_url"), 1);
}

/// `ready` is the last call before the adapter hears people.
async fn reads_telegram(qq: &FakeQq, token: &str, keys: &str, ready: &str) {
    let settings = Settings {
        privacy: false,
        ..Settings::default()
    };
    let telegram = FakeTelegram::start_with(settings).await.unwrap();
    let engines = FakeEngines::start().await.unwrap();
    for (zh, en) in [("好了", "It is"), ("大家早上好", "Good morning all")] {
        engines.knows(("zh", zh), ("en", en));
        engines.knows(("en", en), ("zh", zh));
    }
    let jarvis = Jarvis::new().unwrap();
    jarvis.configure_telegram(&telegram).unwrap();
    jarvis.configure_qq_with(Some(token), keys).unwrap();
    let keys = format!("kind = \"libretranslate\"\nurl = \"{}\"", engines.url());
    jarvis.configure("translate.engines.home", &keys).unwrap();
    let site = Site::start(jarvis, &[]).await.unwrap();
    let mut site = TelegramSite {
        adapter: None,
        site,
        telegram,
    };
    site.start_adapter().await.unwrap();
    let _qq = site.site.jarvis.start(&["adapter", "onebot"]).unwrap();
    qq.hears(ready, 0).await;
    let bob = site.person_speaking("Bob", "en", "operator").await;
    let li = qq.person("李雷");
    li.says("/start");
    li.sees("/bind").await;
    site.site.owner.says("role 李雷 operator").await;
    site.site.owner.sees("李雷 is now operator").await;

    let (west, east) = (site.telegram.group("west"), qq.group("东"));
    bob.says_in(&west, "/link --lang en");
    let offered = bob.sees_in(&west, "/link ").await.text;
    let code = offered.rsplit("/link ").next().unwrap().trim();
    li.asks_in(east, &format!("/link {code} --lang zh"));
    li.sees_in(east, "/unlink").await;

    let asked = bob.says_in(&west, "Good morning all");
    let copy = li.sees_in(east, "大家早上好").await;
    assert!(copy.text.contains("Bob"), "{}", copy.text);
    li.replies_in(east, copy.id, "好了");
    let seen = bob.sees_in(&west, "It is").await;
    assert!(seen.text.contains("李雷"), "{}", seen.text);
    assert_eq!(seen.reply_to, Some(asked));
    bob.sends_file_in(&west, "error.log", "what went wrong", "It is");
    li.sees_in(east, "好了").await;
    assert_eq!(li.gets_file_in(east, "error.log").await, "what went wrong");
    li.sends_file_in(east, "fixed.log", "what went right");
    let file = bob
        .sees_where(&west, "the file", |entry| {
            entry.file.as_deref() == Some("fixed.log")
        })
        .await;
    assert_eq!(file.file.as_deref(), Some("fixed.log"));
    assert_eq!(west.file("fixed.log").unwrap(), "what went right");
    assert!(qq.complaints().is_empty(), "{:?}", qq.complaints());
}
