//! An adapter that cannot go on ends alone, and owners hear of it where another bot knows them.

use jarvis_tests::console::word_after;
use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::{PATIENCE, Process};
use jarvis_tests::telegram::{FakeTelegram, Person};
use jarvis_tests::wecom_bot::FakeWecom;

use super::wecom_fake::Robot;

/// A Telegram bot and a robot of WeCom.
struct Both {
    jarvis: Jarvis,
    telegram: FakeTelegram,
    wecom: FakeWecom,
}

impl Both {
    async fn new() -> Self {
        let both = Self::without_telegram().await;
        both.jarvis.configure_telegram(&both.telegram).unwrap();
        both
    }

    async fn without_telegram() -> Self {
        let both = Self {
            jarvis: Jarvis::new().unwrap(),
            telegram: FakeTelegram::start().await.unwrap(),
            wecom: FakeWecom::start().await.unwrap(),
        };
        both.jarvis.configure_wecom(&both.wecom).unwrap();
        both
    }

    /// Everything in one process, without a console.
    fn up(&self, more: &[&str]) -> Process {
        let arguments = [&["up", "--no-console"], more].concat();
        self.jarvis.start(&arguments).unwrap()
    }

    /// The owner, who came in by Telegram.
    async fn owner(&self, shows_code: &Process, language: &str) -> Person {
        let ann = self.telegram.person_speaking("Ann", language);
        let code = shows_code
            .err()
            .find(0, PATIENCE, |said| word_after(said, "/claim "));
        ann.says(&format!("/claim {}", code.await.unwrap()));
        ann.sees("/help").await;
        ann.says("/whoami");
        ann.sees("Ann").await;
        ann
    }

    /// The secret of the robot is in no log.
    fn finish(&self) {
        assert!(
            self.wecom.complaints().is_empty(),
            "{:?}",
            self.wecom.complaints()
        );
        let said = self.jarvis.everything_said().unwrap();
        for secret in [self.wecom.credentials().1, self.telegram.token()] {
            assert!(!said.contains(&secret), "a secret was logged");
        }
    }
}

#[tokio::test]
async fn a_robot_that_is_taken_over_ends_alone_and_its_owner_hears_of_it_in_telegram() {
    let both = Both::new().await;
    let mut up = both.up(&[]);
    both.wecom.is_connected(0).await;
    let ann = both.owner(&up, "en").await;
    let bob = both.wecom.person("Bob");
    bob.says("/start");
    bob.sees("I don't know you yet").await;

    let logins = both.wecom.logins();
    let _other = Robot::of(&both.wecom).await;
    let alarm = ann.sees("The adapter wecom").await.text;
    assert!(
        alarm.contains("another program has logged in as this bot"),
        "{alarm}"
    );
    ann.says("/version");
    ann.sees("Jarvis 0").await;
    ann.says("/health");
    let health = ann.sees("another program has logged in").await.text;
    assert!(health.contains("✔ telegram"), "{health}");
    assert!(health.contains("✖ wecom"), "{health}");
    // It is said once, and the robot is left to the other.
    assert_eq!(ann.room().count("The adapter wecom"), 1);
    assert_eq!(both.wecom.logins(), logins + 1);
    let log = up.err().text();
    assert_eq!(
        log.matches("has logged in as this robot").count(),
        1,
        "{log}"
    );
    assert!(up.stop().await.unwrap().success());
    both.finish();
}

#[tokio::test]
async fn refused_credentials_end_one_adapter_and_are_told_in_the_owners_language() {
    let both = Both::new().await;
    let mut up = both.up(&[
        "--set",
        "wecom.secret=another-secret",
        "--set",
        "wecom.limits.logins=2",
    ]);
    up.logs("compare `wecom.bot_id`").await.unwrap();
    let ann = both.owner(&up, "zh-CN").await;
    ann.says("/health");
    ann.sees("平台拒绝了机器人的令牌或密钥").await;
    assert_eq!((both.wecom.logins(), both.wecom.refused_logins()), (0, 2));
    assert!(up.stop().await.unwrap().success());

    // Now she is known, and hears of it by herself.
    let mut up = both.up(&["--set", "wecom.secret=another-secret"]);
    ann.sees("适配器 wecom 已停止").await;
    assert!(up.stop().await.unwrap().success());
    both.finish();
}

#[tokio::test]
async fn the_last_adapter_ends_a_jarvis_without_a_console() {
    let both = Both::without_telegram().await;
    let mut up = both.up(&[]);
    both.wecom.is_connected(0).await;
    let _other = Robot::of(&both.wecom).await;
    assert!(!up.ends(PATIENCE).await.unwrap().success());
    let log = up.err().text();
    assert!(
        log.contains("another program has logged in as this robot"),
        "{log}"
    );
    both.finish();
}

#[tokio::test]
async fn an_adapter_in_a_process_of_its_own_says_why_it_ends_and_may_come_back() {
    let both = Both::new().await;
    let brain = both.jarvis.brain().await.unwrap();
    let _by_telegram = both.jarvis.telegram().unwrap();
    let ann = both.owner(&brain, "en").await;
    let mut by_wecom = both.jarvis.start(&["adapter", "wecom"]).unwrap();
    both.wecom.is_connected(0).await;
    by_wecom.logs("session with the brain").await.unwrap();
    // A second one on this machine has to go, which is nobody's alarm: the robot is served.
    let second = both.jarvis.run(&["adapter", "wecom"], "", PATIENCE).await;
    assert!(!second.unwrap().status.success());
    let other = Robot::of(&both.wecom).await;
    ann.sees("The adapter wecom").await;
    assert!(!by_wecom.ends(PATIENCE).await.unwrap().success());
    ann.says("/health");
    ann.sees("✖ wecom").await;
    drop(other);
    let logins = both.wecom.logins();
    let by_wecom = both.jarvis.start(&["adapter", "wecom"]).unwrap();
    both.wecom.is_connected(logins).await;
    by_wecom.logs("session with the brain").await.unwrap();
    ann.says("/health");
    let health = ann.sees("✔ wecom").await.text;
    assert!(!health.contains("✖ wecom"), "{health}");
    assert_eq!(ann.room().count("The adapter wecom"), 1);
    both.finish();
}
