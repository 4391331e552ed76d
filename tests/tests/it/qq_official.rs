//! The official bot of QQ: what the conformance suite does not ask of every platform.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use jarvis_tests::console::word_after;
use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::{PATIENCE, Process, appears, free_port};
use jarvis_tests::qq_official::{FakeQq, Fault, Person, Settings};
use jarvis_tests::site::Site;
use serde_json::{Value, json};

/// A site with an official bot.
struct Official {
    site: Site,
    qq: FakeQq,
    adapter: Option<Process>,
}

impl Official {
    async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    async fn with(settings: Settings) -> Self {
        let qq = FakeQq::start_with(settings).await.unwrap();
        let jarvis = Jarvis::new().unwrap();
        jarvis.configure_qq_official(&qq).unwrap();
        let mut whole = Self {
            site: Site::start(jarvis, &["web-1"]).await.unwrap(),
            qq,
            adapter: None,
        };
        whole.start_adapter().await;
        whole
    }

    async fn start_adapter(&mut self) {
        let connections = self.connections();
        self.adapter = Some(self.site.jarvis.start(&["adapter", "qq"]).unwrap());
        self.qq.is_connected(connections).await;
    }

    fn connections(&self) -> usize {
        let (begun, gone_on) = self.qq.sessions();
        begun + gone_on
    }

    async fn operator(&mut self, name: &str) -> Person {
        let person = self.qq.person(name);
        person.says("/start");
        person.sees("I don't know you yet").await;
        self.allow(&person.openid()).await;
        person
    }

    async fn allow(&mut self, openid: &str) {
        let owner = &mut self.site.owner;
        owner.says(&format!("role {openid} operator")).await;
        owner.sees(&format!("{openid} is now operator")).await;
    }

    /// Waits until the platform has refused something with this code.
    async fn refused(&self, code: i64) {
        let until = tokio::time::Instant::now() + PATIENCE;
        while !self.qq.calls().iter().any(|call| call.code == code) {
            assert!(tokio::time::Instant::now() < until, "{code} in time");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Asks for something and gets it.
    async fn works(&self, person: &Person, number: u32) {
        person.says(&format!("/job {number}"));
        person.sees(&format!("There is no job {number}")).await;
    }
}

#[tokio::test]
async fn the_gateway_may_end_a_connection_in_any_way() {
    let mut official = Official::start().await;
    let ann = official.operator("Ann").await;
    let mut number = 9000;
    for code in [4009, 4006, 4900, 1001] {
        let before = official.connections();
        official.qq.close(code);
        official.qq.is_connected(before).await;
        number += 1;
        official.works(&ann, number).await;
    }
    let before = official.connections();
    official.qq.ask_to_reconnect();
    official.qq.is_connected(before).await;
    official.works(&ann, 9100).await;
    let (begun, _) = official.qq.sessions();
    let before = official.connections();
    official.qq.forget_session();
    official.qq.is_connected(before).await;
    official.works(&ann, 9101).await;
    assert_eq!(official.qq.sessions().0, begun + 1, "a new session");
    // The token has ended: the next connection is made with another.
    let tokens = official.qq.tokens_made();
    let before = official.connections();
    official.qq.end_token();
    official.qq.cut_line();
    official.qq.is_connected(before).await;
    official.works(&ann, 9102).await;
    assert!(official.qq.tokens_made() > tokens);
    official.qq.beats(1).await;
}

#[tokio::test]
async fn a_bot_that_may_not_connect_says_what_to_do() {
    let mut official = Official::start().await;
    official.qq.close(4914);
    let mut adapter = official.adapter.take().unwrap();
    let status = adapter.ends(PATIENCE).await.unwrap();
    assert!(!status.success());
    assert!(adapter.err().text().contains("publish it at q.qq.com"));
}

#[tokio::test]
async fn a_wrong_secret_ends_the_adapter_with_a_reason() {
    let qq = FakeQq::start().await.unwrap();
    let jarvis = Jarvis::new().unwrap();
    jarvis.configure_qq_official(&qq).unwrap();
    let run = jarvis
        .run(
            &["adapter", "qq", "--set", "qq.secret=another-secret"],
            "",
            PATIENCE,
        )
        .await
        .unwrap();
    assert!(!run.status.success());
    assert!(run.err.contains("refuses the token"), "{}", run.err);
    assert!(!run.err.contains("another-secret"), "{}", run.err);
}

#[tokio::test]
async fn what_was_said_while_the_adapter_was_dead_is_answered_once() {
    let mut official = Official::start().await;
    let ann = official.operator("Ann").await;
    official.adapter.take().unwrap().kill().await.unwrap();
    ann.says("/job 9001");
    ann.says("/job 9002");
    official.start_adapter().await;
    ann.sees("There is no job 9001").await;
    ann.sees("There is no job 9002").await;
    assert_eq!(official.qq.sessions(), (1, 1), "the session went on");
    official.works(&ann, 9003).await;
    assert_eq!(ann.count("There is no job"), 3);
}

#[tokio::test]
async fn an_answer_whose_confirmation_is_lost_is_not_shown_twice() {
    let mut official = Official::start().await;
    let ann = official.operator("Ann").await;
    official.qq.fail("messages", 1, &Fault::CutAfter);
    official.works(&ann, 9001).await;
    official.works(&ann, 9002).await;
    assert_eq!(ann.count("There is no job 9001"), 1);
    assert_eq!(official.qq.count_calls("messages", 40_054_005), 1);
}

#[tokio::test]
async fn a_token_that_ends_in_mid_send_is_renewed_once() {
    let mut official = Official::start().await;
    let ann = official.operator("Ann").await;
    let tokens = official.qq.tokens_made();
    official.qq.fail("messages", 1, &Fault::TokenEnds);
    official.works(&ann, 9001).await;
    assert_eq!(ann.count("There is no job 9001"), 1);
    assert_eq!(official.qq.tokens_made(), tokens + 1);
    assert_eq!(official.qq.count_calls("messages", 11_244), 1);
}

/// Answers run out in mid-job, and the group takes nothing unasked: the end waits for the next word.
#[tokio::test]
async fn a_result_waits_until_the_group_speaks() {
    let mut settings = Settings::default();
    settings.rules.replies = 1;
    let mut official = Official::with(settings).await;
    let ann = official.operator("Ann").await;
    let group = official.qq.group("ops");
    ann.asks_in(&group, "/start");
    ann.sees_in(&group, "I don't know you yet").await;
    official.allow(&ann.member_openid()).await;
    let folder = official.site.node(0).folder();
    let (begun, go) = (folder.join("begun"), folder.join("go"));
    ann.asks_in(
        &group,
        &format!(
            "/run web-1 touch {}; until [ -e {} ]; do sleep 0.1; done; printf '%s-%s' really done",
            begun.display(),
            go.display()
        ),
    );
    ann.sees_in(&group, "⏳ job").await;
    appears(&begun).await;
    std::fs::write(&go, "").unwrap();
    // First refused as an answer, then as an unasked message.
    official.refused(40_034_105).await;
    assert!(official.qq.count_calls("messages", 40_034_128) > 0);
    ann.asks_in(&group, "/job 9001");
    ann.sees_in(&group, "really-done").await;
    // The one word allowed one answer; the next one waits for the next word, in its order.
    ann.asks_in(&group, "/job 9002");
    ann.sees_in(&group, "There is no job 9001").await;
    let log = group.log();
    let done = log
        .iter()
        .filter(|entry| entry.text.contains("really-done"));
    assert_eq!(done.count(), 1);
}

#[tokio::test]
async fn a_result_that_answers_nothing_goes_unasked_where_that_is_allowed() {
    let mut settings = Settings::default();
    settings.rules.replies = 1;
    let mut official = Official::with(settings).await;
    let ann = official.operator("Ann").await;
    ann.says("/run web-1 sleep 2; printf '%s-%s' really done");
    // The bubble goes on, for it is one answer.
    ann.sees("⏳ job").await;
    let done = ann.sees("really-done").await;
    assert!(done.is_change, "{done:?}");
    let group = official.qq.group("ops");
    group.takes_unasked(true);
    ann.asks_in(&group, "/start");
    ann.sees_in(&group, "I don't know you yet").await;
    official.allow(&ann.member_openid()).await;
    ann.asks_in(&group, "/run web-1 sleep 1; printf '%s-%s' all over");
    let first = ann.sees_in(&group, "⏳ job").await;
    assert!(first.answers.is_some());
    let done = ann.sees_in(&group, "all-over").await;
    assert_eq!(done.answers, None, "{done:?}");
}

#[tokio::test]
async fn without_markdown_and_buttons_there_is_text_to_type() {
    let settings = Settings {
        markdown: false,
        ..Settings::default()
    };
    let mut official = Official::with(settings).await;
    let ann = official.operator("Ann").await;
    ann.says("/rnu web-1 printf '%s-%s' did run");
    let asked = ann.sees("Did you mean").await;
    assert!(!asked.markdown && asked.buttons.is_empty(), "{asked:?}");
    assert!(asked.text.contains("[run it] run web-1"), "{asked:?}");
    ann.says("/run web-1 sleep 1; printf '%s-%s' all over");
    ann.sees("all-over").await;

    let settings = Settings {
        buttons: false,
        ..Settings::default()
    };
    let mut official = Official::with(settings).await;
    let ann = official.operator("Ann").await;
    ann.says("/rnu web-1 printf '%s-%s' did run");
    let asked = ann.sees("Did you mean").await;
    assert!(asked.markdown && asked.buttons.is_empty(), "{asked:?}");
    assert!(asked.text.contains("[run it] run web-1"), "{asked:?}");
}

#[tokio::test]
async fn addresses_that_are_refused_are_broken_up_and_forbidden_words_stop_nothing() {
    let mut official = Official::start().await;
    let ann = official.operator("Ann").await;
    official.qq.refuse_links();
    ann.says("/run web-1 echo see https://example.org/x");
    let said = ann.sees("example．org/x").await;
    assert!(said.text.contains("exit 0"), "{said:?}");
    official.qq.forbid("naughty");
    ann.says("/run web-1 printf '%s%s' naug hty");
    official.works(&ann, 9001).await;
    assert_eq!(ann.count("naughty"), 0);
    // What it said is seen in its log alone, and what comes after it is not kept waiting.
    official.refused(40_034_006).await;
    official.works(&ann, 9002).await;
    assert_eq!(ann.count("naughty"), 0);
}

#[tokio::test]
async fn limits_and_bad_days_of_the_platform_cost_nothing() {
    let mut official = Official::start().await;
    let ann = official.operator("Ann").await;
    official.qq.fail("messages", 1, &Fault::TooMany(1));
    official.works(&ann, 9001).await;
    official
        .qq
        .fail("messages", 2, &Fault::Code(500, 50_055_001));
    official.works(&ann, 9002).await;
    official.qq.fail("messages", 1, &Fault::Status(502));
    official.works(&ann, 9003).await;
    official.qq.fail("messages", 1, &Fault::CutBefore);
    official.works(&ann, 9004).await;
    for number in 9001..9005 {
        assert_eq!(ann.count(&format!("There is no job {number}")), 1);
    }
    // What waits for a moderator is as good as sent: it is not sent once more.
    let accepted = [(202, 304_023), (200, 304_024)];
    for (number, (status, code)) in (9005..).zip(accepted) {
        official.qq.fail("messages", 1, &Fault::Code(status, code));
        ann.says(&format!("/job {number}"));
        official.refused(code).await;
        official.works(&ann, number + 10).await;
        assert_eq!(ann.count(&format!("There is no job {number}")), 0);
    }
}

/// The outbox waits for as long as it takes, and keeps the order.
#[tokio::test]
async fn a_platform_that_was_away_gets_everything_in_order() {
    let mut official = Official::start().await;
    let ann = official.operator("Ann").await;
    let folder = official.site.node(0).folder();
    let (begun, go) = (folder.join("begun"), folder.join("go"));
    ann.says(&format!(
        "/run web-1 touch {}; until [ -e {} ]; do sleep 0.1; done; printf '%s-%s' really done",
        begun.display(),
        go.display()
    ));
    ann.sees("⏳ job").await;
    appears(&begun).await;
    let connections = official.connections();
    official.qq.is_down(true);
    std::fs::write(&go, "").unwrap();
    for number in 1..=5 {
        official
            .site
            .owner
            .says(&format!("job {}", 9000 + number))
            .await;
        official
            .site
            .owner
            .sees(&format!("There is no job {}", 9000 + number))
            .await;
    }
    let adapter = official.adapter.as_ref().unwrap();
    adapter.logs("status 502").await.unwrap();
    official.qq.is_down(false);
    official.qq.is_connected(connections).await;
    ann.sees("really-done").await;
    official.works(&ann, 9101).await;
    let log = ann.log();
    let done = log
        .iter()
        .filter(|entry| entry.text.contains("really-done"));
    assert_eq!(done.count(), 1);
}

#[tokio::test]
async fn odd_frames_do_no_harm() {
    let mut official = Official::start().await;
    let ann = official.operator("Ann").await;
    let deep = (0..300).fold(json!(1), |inner, _| json!([inner]));
    for d in [json!({}), json!("x"), Value::Null, json!([1]), deep] {
        official.qq.dispatch("C2C_MESSAGE_CREATE", &d);
        official.qq.dispatch("SOMETHING_NEW", &d);
    }
    official.qq.send_frame(json!({"op": 99, "d": null}));
    official.qq.send_frame(json!("no frame"));
    // Without an id a message can be taken, and is answered by way of an unasked one.
    for id in [json!(0), json!("0"), json!("")] {
        let author = json!({"user_openid": ann.openid()});
        let content = format!("/job 90{}", id.to_string().len());
        official.qq.dispatch(
            "C2C_MESSAGE_CREATE",
            &json!({"id": id, "author": author, "content": content}),
        );
        let number = content.trim_start_matches("/job ").to_owned();
        ann.sees(&format!("There is no job {number}")).await;
    }
    official.works(&ann, 9100).await;
}

#[tokio::test]
async fn parts_of_a_file_are_tried_again() {
    let mut official = Official::start().await;
    let ann = official.operator("Ann").await;
    let folder = official.site.node(0).files();
    let bytes: Vec<u8> = (0..12_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    std::fs::write(folder.join("large.bin"), &bytes).unwrap();
    official.qq.fail("storage", 2, &Fault::Status(503));
    official
        .qq
        .fail("upload_part_finish", 2, &Fault::Code(400, 40_093_001));
    ann.says(&format!("/get web-1:{}/large.bin", folder.display()));
    let got = ann.gets_file("large.bin").await;
    assert_eq!(blake3::hash(&got), blake3::hash(&bytes));
    assert_eq!(official.qq.faults_waiting(), 0);
}

#[tokio::test]
async fn a_webhook_takes_what_qq_has_signed_and_nothing_else() {
    let qq = FakeQq::start().await.unwrap();
    let jarvis = Jarvis::new().unwrap();
    jarvis.configure_qq_official(&qq).unwrap();
    let port = free_port().unwrap();
    jarvis.configure("qq", "mode = \"webhook\"\n").unwrap();
    let url = format!("http://127.0.0.1:{port}/qq");
    let keys = format!("listen = \"127.0.0.1:{port}\"\nurl = \"{url}\"\n");
    jarvis.configure("qq.webhook", &keys).unwrap();
    let mut site = Site::start(jarvis, &["web-1"]).await.unwrap();
    let adapter = site.jarvis.start(&["adapter", "qq"]).unwrap();
    adapter.logs("QQ may call this webhook").await.unwrap();
    qq.set_webhook(&url).await.unwrap();

    let (_, secret) = qq.credentials();
    let event = json!({"op": 0, "t": "SOMETHING_NEW", "id": "x", "d": {}}).to_string();
    let call =
        async |secret: &str, body: String| qq.call_webhook(&url, secret, body).await.unwrap();
    assert_eq!(call("another secret", event.clone()).await, 401);
    assert_eq!(call(&secret, event.clone()).await, 200);
    let deep = format!("{{\"op\":0,\"d\":{}1{}}}", "[".repeat(500), "]".repeat(500));
    assert_eq!(call(&secret, deep).await, 400);
    assert_eq!(call(&secret, "no json".to_owned()).await, 400);
    // A body that is too large may be cut off before the answer is read.
    let large = qq.call_webhook(&url, &secret, "x".repeat(10 << 20)).await;
    assert!(large.is_err() || large.is_ok_and(|status| status == 413));

    let ann = qq.person("Ann");
    ann.says("/start");
    ann.sees("I don't know you yet").await;
    site.owner
        .says(&format!("role {} operator", ann.openid()))
        .await;
    site.owner.sees("is now operator").await;
    ann.says("/run web-1 printf '%s-%s' was here");
    ann.sees("was-here").await;
    qq.replay_last_event();
    ann.says("/job 9001");
    ann.sees("There is no job 9001").await;
    assert_eq!(qq.events_waiting(), 0);
    let log = ann.log();
    let seen = log.iter().filter(|entry| entry.text.contains("was-here"));
    assert_eq!(seen.count(), 1);
}

#[tokio::test]
async fn a_bot_is_made_by_scanning_a_code() {
    let qq = FakeQq::start().await.unwrap();
    let jarvis = Jarvis::new().unwrap();
    let portal = format!("qq.portal_url={}", qq.url());
    let mut making = jarvis
        .start(&["adapter", "qq", "--create", "--set", &portal])
        .unwrap();
    qq.scan().await;
    let status = making.ends(PATIENCE).await.unwrap();
    assert!(status.success(), "{}", making.everything());
    let (app_id, secret) = qq.credentials();
    let said = making.out().text();
    assert!(said.contains("▀") && said.contains("task_id="), "{said}");
    assert!(said.contains(&format!("app_id = \"{app_id}\"")), "{said}");
    assert!(!said.contains(&secret), "the secret is not shown");
    let file = jarvis.data().join("qq.secret");
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), secret);
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = jarvis
        .run(
            &["adapter", "qq", "--create", "--set", &portal],
            "",
            PATIENCE,
        )
        .await
        .unwrap();
    assert!(!again.status.success());
    assert!(again.err.contains("is there already"), "{}", again.err);
}

#[tokio::test]
async fn a_check_asks_the_platform_and_says_what_to_do() {
    let qq = FakeQq::start().await.unwrap();
    let jarvis = Jarvis::new().unwrap();
    let check = async |arguments: &[&str]| {
        let arguments = [&["adapter", "qq", "--check"], arguments].concat();
        jarvis.run(&arguments, "", PATIENCE).await.unwrap()
    };
    let none = check(&[]).await;
    assert!(none.out.contains("--create"), "{}", none.out);
    jarvis.configure_qq_official(&qq).unwrap();
    let (app_id, _) = qq.credentials();
    let good = check(&[]).await;
    assert!(
        good.out.contains(&format!("lets us in as {app_id}")),
        "{}",
        good.out
    );
    assert!(good.out.contains("takes connections"), "{}", good.out);
    assert!(good.out.contains("0 s off the platform's"), "{}", good.out);
    let wrong = check(&["--set", "qq.secret=another-secret"]).await;
    assert!(!wrong.status.success());
    assert!(wrong.out.contains("refuses the token"), "{}", wrong.out);
    let here = "http://127.0.0.1:1/qq";
    let set = format!("qq.webhook.url={here}");
    let webhook = check(&["--set", "qq.mode=webhook", "--set", &set]).await;
    assert!(
        webhook.out.contains("QQ does not call http"),
        "{}",
        webhook.out
    );
}

/// Where a member of a group has another openid than in private, both become one person.
#[tokio::test]
async fn a_member_with_another_openid_is_bound_from_the_group() {
    let mut official = Official::start().await;
    let ann = official.operator("Ann").await;
    let eve = official.operator("Eve").await;
    let group = official.qq.group("ops");
    ann.asks_in(&group, "/whoami");
    let stranger = ann.sees_in(&group, "").await;
    assert!(!stranger.text.contains("operator"), "{stranger:?}");
    ann.asks_in(&group, "/bind");
    let asked = ann.sees_in(&group, "Others can read it here").await;
    let code = word_after(&asked.text, "/bind ").unwrap();
    ann.says(&format!("/bind {code}"));
    let said = ann.sees("/bind ").await;
    let second = word_after(&said.text, "/bind ").unwrap();
    // It is worth nothing to anybody else.
    eve.asks_in(&group, &format!("/bind {second}"));
    eve.sees_in(&group, "private").await;
    ann.asks_in(&group, &format!("/bind {second}"));
    ann.sees_in(&group, "now belongs to").await;
    ann.asks_in(&group, "/whoami");
    ann.sees_in(&group, "operator").await;
}
