//! A robot of WeCom: what the conformance suite does not ask of every platform.

use std::time::Duration;

use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::{PATIENCE, Process, appears, free_port};
use jarvis_tests::site::Site;
use jarvis_tests::wecom_bot::{FakeWecom, Fault, Person, Settings};
use serde_json::{Value, json};

use super::wecom_fake::Robot;

const TOKEN: &str = "fake-callback-token";
const AES_KEY: &str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";

/// A site with a robot.
struct Wecom {
    site: Site,
    wecom: FakeWecom,
    adapter: Option<Process>,
}

/// A job that waits for the story.
struct Job {
    go: std::path::PathBuf,
}

impl Wecom {
    async fn start() -> Self {
        Self::with(Settings::default(), "").await
    }

    /// With limits of its own.
    async fn with(settings: Settings, limits: &str) -> Self {
        let wecom = FakeWecom::start_with(settings).await.unwrap();
        let jarvis = Jarvis::new().unwrap();
        jarvis.configure_wecom(&wecom).unwrap();
        jarvis.configure("wecom.limits", limits).unwrap();
        let mut whole = Self {
            site: Site::start(jarvis, &["web-1"]).await.unwrap(),
            wecom,
            adapter: None,
        };
        whole.start_adapter().await;
        whole
    }

    /// One that WeCom calls.
    async fn called(limits: &str) -> Self {
        let wecom = FakeWecom::start().await.unwrap();
        let jarvis = Jarvis::new().unwrap();
        jarvis.configure_wecom(&wecom).unwrap();
        jarvis.configure("wecom.limits", limits).unwrap();
        let port = configure_callback(&jarvis);
        let site = Site::start(jarvis, &["web-1"]).await.unwrap();
        let adapter = site.jarvis.start(&["adapter", "wecom"]).unwrap();
        adapter.logs("WeCom may call this robot").await.unwrap();
        let url = format!("http://127.0.0.1:{port}/wecom");
        wecom.set_address(&url, TOKEN, AES_KEY).await.unwrap();
        Self {
            site,
            wecom,
            adapter: Some(adapter),
        }
    }

    async fn start_adapter(&mut self) {
        let logins = self.wecom.logins();
        self.adapter = Some(self.site.jarvis.start(&["adapter", "wecom"]).unwrap());
        self.wecom.is_connected(logins).await;
    }

    async fn operator(&mut self, name: &str) -> Person {
        let person = self.wecom.person(name);
        person.says("/start");
        person.sees("I don't know you yet").await;
        let owner = &mut self.site.owner;
        owner.says(&format!("role {name} operator")).await;
        owner.sees(&format!("{name} is now operator")).await;
        person
    }

    /// Asks for something and gets it.
    async fn works(&self, person: &Person, number: u32) {
        person.says(&format!("/job {number}"));
        person.sees(&format!("There is no job {number}")).await;
    }

    /// A job that runs until [`Job::ends`].
    async fn job(&mut self, person: &Person) -> Job {
        let folder = self.site.node(0).folder();
        let (begun, go) = (folder.join("begun"), folder.join("go"));
        person.says(&format!(
            "/run web-1 touch {}; until [ -e {} ]; do sleep 0.1; done; printf '%s-%s' really done",
            begun.display(),
            go.display()
        ));
        person.sees("⏳ job").await;
        appears(&begun).await;
        Job { go }
    }

    /// Looks back: nothing forbidden was done, and no log line holds a secret.
    fn finish(&self) {
        let complaints = self.wecom.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
        let log = self.adapter.as_ref().unwrap().everything();
        let (_, secret) = self.wecom.credentials();
        for secret in [secret.as_str(), TOKEN, AES_KEY, "a-secret-of-the-address"] {
            assert!(!log.contains(secret), "a secret in the log:\n{log}");
        }
    }
}

impl Job {
    fn ends(&self) {
        std::fs::write(&self.go, "").unwrap();
    }
}

fn configure_callback(jarvis: &Jarvis) -> u16 {
    let port = free_port().unwrap();
    jarvis.configure("wecom", "mode = \"callback\"\n").unwrap();
    let keys = format!(
        "listen = \"127.0.0.1:{port}\"\nurl = \"http://127.0.0.1:{port}/wecom\"\n\
         token = \"{TOKEN}\"\naes_key = \"{AES_KEY}\"\n"
    );
    jarvis.configure("wecom.callback", &keys).unwrap();
    port
}

#[tokio::test]
async fn a_robot_that_was_taken_over_is_not_fought_for() {
    let mut wecom = Wecom::start().await;
    let logins = wecom.wecom.logins();
    let _other = Robot::of(&wecom.wecom).await;
    let adapter = wecom.adapter.as_mut().unwrap();
    let status = adapter.ends(PATIENCE).await.unwrap();
    assert!(!status.success());
    let log = adapter.err().text();
    assert!(
        log.contains("another program has logged in as this robot"),
        "{log}"
    );
    assert_eq!(wecom.wecom.logins(), logins + 1, "it stays away");
    wecom.finish();
}

#[tokio::test]
async fn a_second_jarvis_of_the_same_folder_does_not_take_the_robot() {
    let wecom = Wecom::start().await;
    let run = |arguments: &'static [&'static str]| wecom.site.jarvis.run(arguments, "", PATIENCE);
    let second = run(&["adapter", "wecom"]).await.unwrap();
    assert!(!second.status.success());
    assert!(
        second.err.contains("another Jarvis on this machine"),
        "{}",
        second.err
    );
    let check = run(&["adapter", "wecom", "--check"]).await.unwrap();
    assert!(check.out.contains("has the robot now"), "{}", check.out);
    assert!(check.out.contains("takes connections"), "{}", check.out);
    assert_eq!(wecom.wecom.takeovers(), 0);
    wecom.finish();
}

#[tokio::test]
async fn a_wrong_secret_ends_the_adapter_with_a_reason() {
    let wecom = FakeWecom::start().await.unwrap();
    let jarvis = Jarvis::new().unwrap();
    jarvis.configure_wecom(&wecom).unwrap();
    let set = ["--set", "wecom.secret=another-secret"];
    let arguments = ["adapter", "wecom", "--set", "wecom.limits.logins=2"];
    let arguments = [&arguments[..], &set].concat();
    let run = jarvis.run(&arguments, "", PATIENCE).await.unwrap();
    assert!(!run.status.success());
    assert!(run.err.contains("refuses the token"), "{}", run.err);
    assert!(run.err.contains("compare `wecom.bot_id`"), "{}", run.err);
    assert!(!run.err.contains("another-secret"), "{}", run.err);
    assert_eq!((wecom.logins(), wecom.refused_logins()), (0, 2));
    assert!(wecom.complaints().is_empty(), "{:?}", wecom.complaints());
}

#[tokio::test]
async fn a_bubble_is_closed_in_time_and_the_result_follows_as_a_message() {
    let mut wecom = Wecom::with(Settings::default(), "stream_life = \"4s\"\n").await;
    let ann = wecom.operator("Ann").await;
    let job = wecom.job(&ann).await;
    let closed = ann.sees("the result comes as a message of its own").await;
    assert!(closed.is_finished && closed.is_change, "{closed:?}");
    job.ends();
    let done = ann.sees("really-done").await;
    assert_ne!(done.id, closed.id);
    assert_eq!(done.answers, None, "it is pushed");
    wecom.works(&ann, 9001).await;
    assert_eq!(ann.count("really-done"), 1);
    wecom.finish();
}

/// Nothing happens for a while, and the bubble is kept from ending by itself.
#[tokio::test]
async fn a_bubble_that_stands_still_is_shown_anew() {
    let mut settings = Settings::default();
    settings.rules.stream_gap = Duration::ZERO;
    let limits = "stream_refresh = \"200ms\"\nstream_gap = \"1h\"\n";
    let mut wecom = Wecom::with(settings, limits).await;
    let ann = wecom.operator("Ann").await;
    let job = wecom.job(&ann).await;
    let frames = wecom.wecom.count_calls("aibot_respond_msg", 0);
    wecom
        .wecom
        .has_answered("aibot_respond_msg", 0, frames + 4)
        .await;
    let log = ann.log();
    let bubble = log.last().unwrap();
    let states = log.iter().filter(|entry| entry.id == bubble.id);
    assert!(states.clone().count() > 4);
    assert!(states.clone().all(|entry| entry.text == bubble.text));
    drop(job);
}

#[tokio::test]
async fn a_bubble_that_the_platform_ends_begins_anew_or_is_pushed() {
    let mut wecom = Wecom::start().await;
    let ann = wecom.operator("Ann").await;
    for (round, (code, pushed)) in [(846_608, false), (846_605, true)].into_iter().enumerate() {
        let job = wecom.job(&ann).await;
        let before = wecom.wecom.count_calls("aibot_respond_msg", code);
        wecom.wecom.fail("aibot_respond_msg", 1, Fault::Code(code));
        wecom
            .wecom
            .has_answered("aibot_respond_msg", code, before)
            .await;
        job.ends();
        let done = ann.sees("really-done").await;
        assert_eq!(done.answers.is_none(), pushed, "{done:?}");
        assert!(done.is_finished);
        wecom
            .works(&ann, 9001 + u32::try_from(round).unwrap())
            .await;
        let log = ann.log();
        let ends = log
            .iter()
            .filter(|entry| entry.text.contains("really-done"));
        assert_eq!(ends.count(), round + 1, "{log:#?}");
        for file in ["begun", "go"] {
            std::fs::remove_file(wecom.site.node(0).folder().join(file)).unwrap();
        }
    }
    wecom.finish();
}

#[tokio::test]
async fn a_pressed_card_shows_what_was_chosen_whoever_remembers_it() {
    let mut wecom = Wecom::start().await;
    let ann = wecom.operator("Ann").await;
    let group = wecom.wecom.group("ops");
    ann.asks_in(&group, "/rnu web-1 printf '%s-%s' did run");
    let asked = ann.sees_in(&group, "Did you mean").await;
    assert!(!asked.buttons.is_empty(), "{asked:?}");
    let press = ann.presses_in(&group, "run it");
    ann.press_is_shown(&press).await;
    let shown = ann.sees_in(&group, "Did you mean").await;
    assert_eq!(shown.buttons.len(), 1);
    assert!(shown.buttons[0].0.contains("✓ run it"), "{shown:?}");
    ann.sees_in(&group, "did-run").await;
    // After a restart the card is not known any more, but the press is.
    ann.says("/rnu web-1 printf '%s-%s' did too");
    ann.sees("Did you mean").await;
    wecom.works(&ann, 9001).await;
    wecom.adapter.take().unwrap().kill().await.unwrap();
    wecom.start_adapter().await;
    let press = ann.presses("run it");
    ann.press_is_shown(&press).await;
    ann.sees("Chosen").await;
    ann.sees("did-too").await;
    wecom.finish();
}

#[tokio::test]
async fn who_comes_in_is_greeted() {
    let wecom = Wecom::start().await;
    let ann = wecom.wecom.person("Ann");
    ann.enters();
    ann.sees("I don't know you yet").await;
    assert_eq!(wecom.wecom.count_calls("aibot_respond_welcome_msg", 0), 1);
    wecom.finish();
}

#[tokio::test]
async fn files_that_cannot_be_had_are_told_of() {
    let mut wecom = Wecom::start().await;
    let ann = wecom.operator("Ann").await;
    // The key is another one; of a large file as of a small one that is said.
    for size in [10, (4 << 20) + 1] {
        let mut file = ann.stores("secret.bin", &vec![7; size]);
        file["aeskey"] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        ann.sends("file", file, None);
        ann.sees("key and file do not belong together").await;
    }
    // One whose address has ended says so: it was called before, and can no longer be fetched.
    let quote = ann.sends_file("late.bin", &[7; 1000]);
    ann.sees("late.bin").await;
    wecom.wecom.end_links();
    let folder = wecom.site.node(0).files();
    ann.says_quoting(&format!("web-1:{}/", folder.display()), quote);
    ann.sees("403").await;
    assert!(!folder.join("late.bin").exists());
    wecom.works(&ann, 9001).await;
    wecom.finish();
}

#[tokio::test]
async fn a_link_of_yesterday_says_that_its_minutes_are_over() {
    let mut wecom = Wecom::with(Settings::default(), "link_life = \"1ms\"\n").await;
    let ann = wecom.operator("Ann").await;
    wecom.wecom.end_links();
    ann.sends_file("old.bin", &[7; 1000]);
    ann.sees("send it again").await;
    wecom.finish();
}

#[tokio::test]
async fn pictures_and_files_of_a_few_bytes_are_sent_as_what_they_are() {
    let mut wecom = Wecom::start().await;
    let ann = wecom.operator("Ann").await;
    let folder = wecom.site.node(0).files();
    std::fs::write(folder.join("tiny.txt"), "ok\n").unwrap();
    ann.says(&format!("/get web-1:{}/tiny.txt", folder.display()));
    ann.sees("tiny.txt (3 B)").await;
    let picture = b"\x89PNG\r\n\x1a\n and more";
    std::fs::write(folder.join("shot.png"), picture).unwrap();
    ann.says(&format!("/get web-1:{}/shot.png", folder.display()));
    assert_eq!(&ann.gets_file("shot.png").await[..], picture);
    // A line that breaks between two pieces costs nothing.
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    std::fs::write(folder.join("large.bin"), &bytes).unwrap();
    let chunk = "aibot_upload_media_chunk";
    wecom.wecom.fail(chunk, 1, Fault::CutAfter);
    wecom.wecom.fail(chunk, 1, Fault::Code(6000));
    ann.says(&format!("/get web-1:{}/large.bin", folder.display()));
    let got = ann.gets_file("large.bin").await;
    assert_eq!(blake3::hash(&got), blake3::hash(&bytes));
    assert_eq!(wecom.wecom.faults_waiting(), 0);
    wecom.finish();
}

#[tokio::test]
async fn bad_days_of_the_platform_cost_nothing() {
    let mut wecom = Wecom::start().await;
    let ann = wecom.operator("Ann").await;
    let respond = "aibot_respond_msg";
    let faults = [
        Fault::Code(6000),
        Fault::Code(45_009),
        Fault::Code(846_605),
        Fault::CutBefore,
        // It was shown, and its answer was lost: it is not shown twice.
        Fault::CutAfter,
        Fault::Silent,
    ];
    let mut number = 9000;
    for fault in faults {
        let logins = wecom.wecom.logins();
        wecom.wecom.fail(respond, 1, fault);
        number += 1;
        wecom.works(&ann, number).await;
        if matches!(fault, Fault::CutBefore | Fault::CutAfter) {
            wecom.wecom.is_connected(logins).await;
        }
    }
    for number in 9001..=number {
        let log = ann.log();
        let answer = format!("There is no job {number}");
        let shown = log.iter().filter(|entry| entry.text.contains(&answer));
        assert_eq!(shown.count(), 1, "{number}: {log:#?}");
    }
    wecom.finish();
}

#[tokio::test]
async fn a_platform_that_does_not_answer_heartbeats_is_left() {
    let mut wecom = Wecom::with(Settings::default(), "ping = \"300ms\"\n").await;
    let ann = wecom.operator("Ann").await;
    let beaten = wecom.wecom.beaten();
    wecom.wecom.beats(beaten + 1).await;
    let logins = wecom.wecom.logins();
    wecom.wecom.fail("ping", 2, Fault::Silent);
    wecom.wecom.is_connected(logins).await;
    wecom.works(&ann, 9001).await;
    wecom.finish();
}

#[tokio::test]
async fn odd_frames_do_no_harm() {
    let mut wecom = Wecom::start().await;
    let ann = wecom.operator("Ann").await;
    let deep = (0..300).fold(json!(1), |inner, _| json!([inner]));
    for body in [Value::Null, json!("x"), json!([1]), json!({}), deep] {
        wecom.wecom.call_back(&body);
    }
    let from = json!({"userid": "Ann"});
    for kind in ["location", "text", "mixed", "file", "event", "stream"] {
        let mut body = json!({"msgid": "X", "from": from, "chattype": "single", "msgtype": kind});
        wecom.wecom.call_back(&body);
        body[kind] = json!("odd");
        wecom.wecom.call_back(&body);
        body[kind] = json!({"content": 7, "msg_item": [1, {"msgtype": "text"}], "url": []});
        wecom.wecom.call_back(&body);
    }
    for text in [
        "no json",
        "[]",
        "{\"cmd\":7}",
        "{\"headers\":{\"req_id\":\"none\"},\"errcode\":0}",
    ] {
        wecom.wecom.send_raw(text);
    }
    wecom.works(&ann, 9001).await;
    wecom.finish();
}

#[tokio::test]
async fn calls_that_are_not_of_wecom_are_refused() {
    let mut wecom = Wecom::called("").await;
    let ann = wecom.operator("Ann").await;
    let fake = &wecom.wecom;
    let message = |number: u32| {
        json!({
            "msgid": format!("STORY{number}"), "aibotid": "B", "chattype": "single",
            "from": {"userid": "Ann"}, "msgtype": "text",
            "text": {"content": format!("/job {number}")},
        })
    };
    // Replayed.
    let signed = fake.signed(&message(9001), "", 0).unwrap();
    assert_eq!(fake.post(&signed).await.unwrap(), 200);
    assert_eq!(fake.post(&signed).await.unwrap(), 403);
    // Of another hour, for somebody else, signed with another token, cut.
    for off in [-3600, 3600] {
        let signed = fake.signed(&message(9002), "", off).unwrap();
        assert_eq!(fake.post(&signed).await.unwrap(), 403);
    }
    let signed = fake.signed(&message(9002), "wx1234", 0).unwrap();
    assert_eq!(fake.post(&signed).await.unwrap(), 403);
    let mut signed = fake.signed(&message(9002), "", 0).unwrap();
    signed.query[0].1 = "0".repeat(40);
    assert_eq!(fake.post(&signed).await.unwrap(), 403);
    let mut signed = fake.signed(&message(9002), "", 0).unwrap();
    signed.encrypt.truncate(40);
    assert_eq!(fake.post(&signed).await.unwrap(), 403);
    let mut signed = fake.signed(&message(9002), "", 0).unwrap();
    signed.encrypt = "x".repeat(10 << 20);
    // Whether the refusal is read, or the line ends before all is written, is chance.
    assert!(matches!(fake.post(&signed).await, Ok(413) | Err(_)));
    let signed = fake.signed(&json!("no callback"), "", 0).unwrap();
    assert_eq!(fake.post(&signed).await.unwrap(), 200);
    wecom.works(&ann, 9003).await;
    assert_eq!(ann.count("There is no job 9002"), 0);
    wecom.finish();
}

/// The brain is away: WeCom calls again, and the answer comes once.
#[tokio::test]
async fn a_callback_that_cannot_be_stored_in_time_comes_again() {
    let mut wecom = Wecom::called("").await;
    let ann = wecom.operator("Ann").await;
    wecom.site.kill_brain().await.unwrap();
    ann.says("/job 9001");
    let adapter = wecom.adapter.as_ref().unwrap();
    adapter.logs("could not be stored in time").await.unwrap();
    wecom.site.start_brain().await.unwrap();
    ann.sees("There is no job 9001").await;
    wecom.works(&ann, 9002).await;
    let log = ann.log();
    let seen = log
        .iter()
        .filter(|entry| entry.text.contains("no job 9001"));
    assert_eq!(seen.count(), 1, "{log:#?}");
    wecom.finish();
}

/// One bubble and one message are all that a callback takes: the rest waits for the next word.
#[tokio::test]
async fn what_finds_no_way_waits_until_somebody_speaks() {
    let mut wecom = Wecom::called("stream_life = \"3s\"\n").await;
    let ann = wecom.operator("Ann").await;
    let job = wecom.job(&ann).await;
    let closed = ann.sees("the result comes as a message of its own").await;
    assert!(closed.is_change && closed.is_finished, "{closed:?}");
    wecom.wecom.fail("response_url", 1, Fault::Code(60_140));
    job.ends();
    wecom.wecom.has_answered("response_url", 60_140, 0).await;
    assert_eq!(ann.count("really-done"), 0);
    ann.says("/job 9001");
    ann.sees("really-done").await;
    ann.sees_where("the answer", |entry| entry.text.contains("no job 9001"))
        .await;
    wecom.works(&ann, 9002).await;
    for once in ["really-done", "no job 9001"] {
        let log = ann.log();
        let seen = log
            .iter()
            .filter(|entry| entry.is_finished && entry.text.contains(once));
        assert_eq!(seen.count(), 1, "{log:#?}");
    }
    wecom.finish();
}

#[tokio::test]
async fn a_check_asks_the_platform_and_says_what_to_do() {
    let wecom = FakeWecom::start().await.unwrap();
    let jarvis = Jarvis::new().unwrap();
    let check = async |arguments: &[&str]| {
        let arguments = [&["adapter", "wecom", "--check"], arguments].concat();
        jarvis.run(&arguments, "", PATIENCE).await.unwrap()
    };
    let none = check(&[]).await;
    assert!(none.out.contains("wecom.bot_id"), "{}", none.out);
    jarvis.configure_wecom(&wecom).unwrap();
    // A program elsewhere that has the robot keeps it, unless a login is asked for.
    let _other = Robot::of(&wecom).await;
    let careful = check(&[]).await;
    assert!(careful.status.success(), "{}", careful.out);
    assert!(careful.out.contains("are not tried"), "{}", careful.out);
    assert!(careful.out.contains("--take-over"), "{}", careful.out);
    assert!(careful.out.contains("takes connections"), "{}", careful.out);
    assert_eq!((wecom.logins(), wecom.takeovers()), (1, 0));
    let good = check(&["--take-over"]).await;
    assert_eq!(wecom.takeovers(), 1);
    let (bot_id, _) = wecom.credentials();
    assert!(
        good.out.contains(&format!("lets us in as {bot_id}")),
        "{}",
        good.out
    );
    assert!(good.out.contains("takes connections"), "{}", good.out);
    let set = ["--set", "wecom.secret=x", "--set", "wecom.limits.logins=1"];
    let wrong = check(&[&["--take-over"], &set[..]].concat()).await;
    assert!(!wrong.status.success());
    assert!(wrong.out.contains("refuses the token"), "{}", wrong.out);
    let missing = check(&["--set", "wecom.mode=callback"]).await;
    assert!(!missing.status.success());
    let whole = format!("{}{}", missing.out, missing.err);
    assert!(whole.contains("wecom.callback.token"), "{whole}");
    // The address leads here, though nobody listens but the check itself.
    configure_callback(&jarvis);
    let callback = check(&[]).await;
    assert!(callback.out.contains("leads here"), "{}", callback.out);
    let astray = check(&["--set", "wecom.callback.url=http://127.0.0.1:1/wecom"]).await;
    assert!(!astray.status.success());
    assert!(astray.out.contains("reverse proxy"), "{}", astray.out);
}
