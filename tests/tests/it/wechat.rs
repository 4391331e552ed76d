//! Personal WeChat: what the conformance suite does not ask of every platform.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jarvis_tests::ilink::{FakeWeChat, Fault, Person, Rules, Settings};
use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::{PATIENCE, Process, appears};
use jarvis_tests::site::Site;
use jarvis_tests::telegram::{self, FakeTelegram};
use serde_json::json;

/// A site with lines to WeChat.
struct Lines {
    site: Site,
    wechat: FakeWeChat,
    adapter: Option<Process>,
    telegram: Option<(FakeTelegram, Process)>,
}

impl Lines {
    async fn start() -> Self {
        Self::with(Settings::default(), "gap = \"600ms\"\npause = \"1s\"\n").await
    }

    async fn with(settings: Settings, limits: &str) -> Self {
        let wechat = FakeWeChat::start_with(settings).await.unwrap();
        let jarvis = Jarvis::new().unwrap();
        jarvis.configure_wechat(&wechat, limits).unwrap();
        let mut whole = Self {
            site: Site::start(jarvis, &["web-1"]).await.unwrap(),
            wechat,
            adapter: None,
            telegram: None,
        };
        whole.start_adapter().await;
        whole
    }

    async fn start_adapter(&mut self) {
        let adapter = self.site.jarvis.start(&["adapter", "wechat"]).unwrap();
        adapter.logs("session with the brain").await.unwrap();
        self.adapter = Some(adapter);
    }

    async fn kill_adapter(&mut self) {
        self.adapter.take().unwrap().kill().await.unwrap();
    }

    /// Somebody who signs in by the owner's terminal.
    async fn newcomer(&mut self, name: &str) -> Person {
        let person = self.wechat.person(name);
        self.signs_in(&person).await;
        person
    }

    async fn signs_in(&mut self, person: &Person) {
        let owner = &mut self.site.owner;
        owner.says("signin").await;
        owner.sees("Scan this with wechat").await;
        person.signs_in().await;
        owner.sees("Connected: say hello to me in wechat").await;
    }

    async fn operator(&mut self, name: &str) -> Person {
        let person = self.newcomer(name).await;
        person.says("/start");
        person.sees("I don't know you yet").await;
        let owner = &mut self.site.owner;
        owner.says(&format!("role {} operator", person.id())).await;
        owner
            .sees(&format!("{} is now operator", person.id()))
            .await;
        person
    }

    /// An operator who is known on Telegram.
    async fn on_telegram(&mut self, name: &str) -> telegram::Person {
        self.on_telegram_speaking(name, "").await
    }

    async fn on_telegram_speaking(&mut self, name: &str, language: &str) -> telegram::Person {
        let (telegram, adapter) = match self.telegram.take() {
            Some(there) => there,
            None => {
                let telegram = FakeTelegram::start().await.unwrap();
                self.site.jarvis.configure_telegram(&telegram).unwrap();
                let adapter = self.site.jarvis.telegram().unwrap();
                telegram.is_polled(0).await;
                (telegram, adapter)
            }
        };
        let person = telegram.person_speaking(name, language);
        person.says("/start");
        person.sees("/bind").await;
        let owner = &mut self.site.owner;
        owner.says(&format!("role {name} operator")).await;
        owner.sees(&format!("{name} is now operator")).await;
        self.telegram = Some((telegram, adapter));
        person
    }

    /// Asks for something and gets it.
    async fn works(&self, person: &Person, number: u32) {
        person.says(&format!("/job {number}"));
        person.sees(&format!("There is no job {number}")).await;
    }

    /// The files in which lines are kept.
    fn kept(&self) -> Vec<PathBuf> {
        let folder = self.site.jarvis.data().join("wechat");
        let files = std::fs::read_dir(folder).unwrap();
        files.map(|file| file.unwrap().path()).collect()
    }

    fn no_complaints(&self) {
        let complaints = self.wechat.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}

#[tokio::test]
async fn somebody_signs_in_from_another_chat_and_is_a_newcomer_until_they_bind() {
    let mut lines = Lines::start().await;
    let ann = lines.on_telegram("Ann").await;
    let phone = lines.wechat.person("Ann");
    ann.says("/wechat");
    ann.sees("I ask wechat for a code").await;
    let link = lines.wechat.shows_code().await;
    let said = ann.sees("Scan this with wechat").await;
    let picture = ann.room().file("wechat.png").unwrap();
    assert!(picture.starts_with(b"\x89PNG"), "a picture");
    assert!(said.text.contains(&link), "{}", said.text);
    phone.scans_and_shows("4829").await;
    ann.sees("The phone shows digits").await;
    ann.says("1111");
    ann.sees("Those digits were not right").await;
    ann.says("４ 829");
    ann.sees("Now confirm on the phone").await;
    phone.confirms();
    ann.sees("Connected: say hello to me in wechat").await;
    phone.is_listened_to(0).await;
    // Nobody is who they say they are: they bind as anywhere.
    phone.says("/nodes");
    phone.sees("I don't know you yet").await;
    phone.says("/bind");
    let asked = phone.sees("/bind ").await;
    let code = jarvis_tests::console::word_after(&asked.text, "/bind ").unwrap();
    ann.says(&format!("/bind {code}"));
    ann.sees("asks to be you").await;
    ann.says("yes");
    ann.sees("is you now").await;
    phone.says("/whoami");
    let me = phone.sees("operator").await;
    assert!(me.text.contains("Ann"), "{}", me.text);
    // What is typed after the end is no digits any more.
    ann.says("4829");
    ann.sees("4829").await;
    lines.no_complaints();
    let kept = lines.kept();
    assert_eq!(kept.len(), 1);
    let mode = std::fs::metadata(&kept[0]).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn only_members_sign_in_and_only_in_private() {
    let mut lines = Lines::start().await;
    let ann = lines.on_telegram("Ann").await;
    let (telegram, _) = lines.telegram.as_ref().unwrap();
    let eve = telegram.person("Eve");
    eve.says("/wechat");
    eve.sees("I don't know you yet").await;
    let group = telegram.group("ops");
    ann.says_in(&group, &format!("/signin@{} wechat", telegram.bot_name()));
    ann.sees_in(&group, "private").await;
    ann.says("/signin nowhere");
    ann.sees("do not sign in to “nowhere”").await;
    assert_eq!(lines.wechat.codes(), 0);
    lines.kill_adapter().await;
    ann.says("/signin");
    ann.sees("no platform here").await;
}

#[tokio::test]
async fn a_code_that_runs_out_is_replaced_and_the_third_is_the_last() {
    let mut lines = Lines::start().await;
    let ann = lines.on_telegram("Ann").await;
    ann.says("/signin");
    for code in 1..=3 {
        ann.sees("Scan this with wechat").await;
        assert_eq!(lines.wechat.codes(), code);
        lines.wechat.shows_code().await;
        lines.wechat.expires_code();
    }
    ann.sees("every code ran out").await;
    // Digits that are wrong too often spend a code too; a phone of another region asks elsewhere.
    let phone = lines.wechat.person("Ann");
    ann.presses("new code");
    ann.sees("Scan this with wechat").await;
    phone.scans_and_shows("77").await;
    for _ in 0..3 {
        ann.sees("digits").await;
        ann.says("78");
    }
    ann.sees("Scan this with wechat").await;
    phone.scans_elsewhere().await;
    ann.sees("Now confirm on the phone").await;
    phone.confirms();
    ann.sees("Connected").await;
    phone.is_listened_to(0).await;
    // The same phone once more: its line goes on.
    ann.says("/signin");
    ann.sees("Scan this with wechat").await;
    phone.scans().await;
    phone.confirms();
    ann.sees("Connected").await;
    phone.says("/start");
    phone.sees("I don't know you yet").await;
    lines.no_complaints();
}

#[tokio::test]
async fn why_nobody_was_signed_in_is_said_in_the_readers_language() {
    let mut lines = Lines::start().await;
    let ann = lines.on_telegram_speaking("Ann", "en").await;
    let wei = lines.on_telegram_speaking("Wei", "zh-CN").await;
    for (person, words) in [
        (
            &ann,
            "it cannot be reached, or does not answer as it should",
        ),
        (&wei, "联系不上对方平台"),
    ] {
        lines.wechat.fail("get_bot_qrcode", 1, &Fault::Status(503));
        person.says("/signin");
        let told = person.sees(words).await.text;
        assert!(told.contains("503"), "the platform's own words: {told}");
    }
    for (person, words) in [(&ann, "every code ran out"), (&wei, "二维码接连失效")] {
        let shown = lines.wechat.codes() + 3;
        person.says("/signin");
        for _ in 0..3 {
            lines.wechat.shows_code().await;
            lines.wechat.expires_code();
        }
        person.sees(words).await;
        assert_eq!(lines.wechat.codes(), shown);
    }
    lines.no_complaints();
}

#[tokio::test]
async fn a_line_that_was_ended_is_told_elsewhere_and_a_new_scan_brings_what_waited() {
    let mut lines = Lines::start().await;
    let ann = lines.on_telegram("Ann").await;
    let phone = lines.operator("Ann").await;
    phone.says("/bind");
    let asked = phone.sees("/bind ").await;
    let code = jarvis_tests::console::word_after(&asked.text, "/bind ").unwrap();
    ann.says(&format!("/bind {code}"));
    ann.sees("asks to be you").await;
    ann.says("yes");
    ann.sees("is you now").await;
    let folder = lines.site.node(0).folder();
    let (begun, go) = (folder.join("begun"), folder.join("go"));
    phone.says(&format!(
        "/run web-1 touch {}; until [ -e {} ]; do sleep 0.1; done; printf '%s-%s' really done",
        begun.display(),
        go.display()
    ));
    phone.sees("⏳ job").await;
    appears(&begun).await;
    phone.loses_line();
    ann.sees("Your line on wechat was cut").await;
    std::fs::write(&go, "").unwrap();
    // It is told once, also over a restart of the adapter.
    lines.kill_adapter().await;
    lines.start_adapter().await;
    ann.presses("new code");
    ann.sees("Scan this with wechat").await;
    phone.signs_in().await;
    ann.sees("Connected").await;
    phone.says("/job 9001");
    phone.sees("really-done").await;
    phone.sees("There is no job 9001").await;
    assert_eq!(phone.count("really-done"), 1);
    let told = ann.room().count("Your line on wechat was cut");
    assert_eq!(told, 1, "it is told once");
    lines.no_complaints();
}

#[tokio::test]
async fn a_line_of_somebody_known_nowhere_else_is_told_to_the_owner() {
    let mut lines = Lines::start().await;
    let owner = lines.on_telegram("Olga").await;
    let console = &mut lines.site.owner;
    console.says("role Olga owner").await;
    console.sees("Olga is now owner").await;
    owner.says("/ping");
    owner.sees("pong").await;
    let bob = lines.operator("Bob").await;
    // Another program has signed the same phone in: one line lives.
    bob.loses_line();
    let told = owner.sees("I know them nowhere else").await;
    assert!(told.text.contains(bob.id()), "{}", told.text);
}

#[tokio::test]
async fn too_many_messages_wait_and_come_in_order_and_once() {
    let mut lines = Lines::start().await;
    let ann = lines.operator("Ann").await;
    lines.wechat.fail("sendmessage", 3, &Fault::Code(-2));
    for number in 9001..9004 {
        ann.says(&format!("/job {number}"));
    }
    for number in 9001..9004 {
        ann.sees(&format!("There is no job {number}")).await;
        assert_eq!(ann.count(&format!("There is no job {number}")), 1);
    }
    assert_eq!(lines.wechat.faults_waiting(), 0);
    lines.no_complaints();
}

#[tokio::test]
async fn after_so_many_messages_the_rest_waits_for_the_persons_next_word() {
    let usual = Settings::default();
    let settings = Settings {
        rules: Rules {
            replies: 2,
            ..usual.rules
        },
        ..usual
    };
    let mut lines = Lines::with(settings, "replies = 2\ngap = \"600ms\"\npause = \"1s\"\n").await;
    let ann = lines.operator("Ann").await;
    ann.says("/job 9001\n/job 9002\n/job 9003");
    ann.sees("There is no job 9001").await;
    ann.sees("There is no job 9002").await;
    // The owner sees that the brain is at work, and nothing is tried in vain.
    let owner = &mut lines.site.owner;
    owner.says("ping").await;
    owner.sees("pong").await;
    assert_eq!(ann.count("There is no job 9003"), 0);
    ann.says("/job 9004");
    ann.sees("There is no job 9003").await;
    ann.sees("There is no job 9004").await;
    assert_eq!(lines.wechat.count_calls("sendmessage", -2), 0);
    // The same when the platform has closed the window earlier than we know.
    ann.says("/run web-1 sleep 1; printf '%s-%s' in time");
    ann.sees("⏳ job").await;
    ann.was_silent_for_long();
    lines.wechat.is_called("sendmessage", -2, 0).await;
    ann.says("/ping");
    ann.sees("in-time").await;
    lines.no_complaints();
}

#[tokio::test]
async fn a_message_of_an_unknown_kind_is_answered_and_holds_nothing_up() {
    let lines = &mut Lines::start().await;
    let ann = lines.operator("Ann").await;
    let known = ann.known();
    ann.sends_items(
        "hologram",
        &json!([{ "type": 99, "hologram_item": { "x": [1] } }]),
    );
    ann.sends_items(
        "tools",
        &json!([{ "type": 11, "tool_call_start_item": {} }]),
    );
    ann.sends("broken", |message| {
        message["item_list"] = json!({ "not": "a list" });
        message["message_id"] = json!([]);
    });
    ann.sends("of somebody else", |message| {
        message["from_user_id"] = json!("eve@im.wechat");
    });
    ann.sends("in a group", |message| message["group_id"] = json!("g1"));
    ann.sees("[99]").await;
    ann.is_known(known + 5).await;
    lines.works(&ann, 9001).await;
    assert_eq!(ann.count("of somebody else"), 0);
}

#[tokio::test]
async fn files_come_in_with_any_form_of_key_and_never_with_a_wrong_one() {
    let usual = Settings::default();
    let settings = Settings {
        full_urls: true,
        ..usual
    };
    let mut lines = Lines::with(settings, "gap = \"600ms\"\n").await;
    let ann = lines.operator("Ann").await;
    let folder = lines.site.node(0).files();
    let bytes: Vec<u8> = (0..70_000_u32).map(|byte| (byte % 251) as u8).collect();
    type Form = fn([u8; 16]) -> String;
    let forms: [(&str, Form); 3] = [
        ("raw.bin", |key| STANDARD.encode(key)),
        ("hex.bin", |key| STANDARD.encode(hex::encode(key))),
        ("bare.bin", hex::encode),
    ];
    for (name, form) in forms {
        ann.sends_file_with_key(name, bytes.clone(), form);
        ann.sees(&format!("{name} (")).await;
        ann.says(&format!("web-1:{}/", folder.display()));
        let short = blake3::hash(&bytes).to_hex()[..4].to_owned();
        ann.sees(&short).await;
        let arrived = std::fs::read(folder.join(name)).unwrap();
        assert!(arrived == bytes, "{name} came whole");
    }
    ann.sends_file_with_key("wrong.bin", bytes.clone(), |_| STANDARD.encode([7; 16]));
    ann.sees("key and file do not belong together").await;
    assert!(!folder.join("wrong.bin").exists());
    // One that is too large to be opened at once shows it at its end.
    let bytes = vec![3_u8; (4 << 20) + 1];
    ann.sends_file_with_key("large.bin", bytes, |_| STANDARD.encode([7; 16]));
    ann.sees("key and file do not belong together").await;
    assert_eq!(ann.count("stream was cut"), 0);
    assert!(!folder.join("large.bin").exists());
    lines.no_complaints();
}

#[tokio::test]
async fn pictures_go_both_ways_with_a_key_and_without() {
    let mut lines = Lines::start().await;
    let ann = lines.operator("Ann").await;
    let folder = lines.site.node(0).files();
    for (place, is_sealed) in [("sealed.jpg", true), ("plain.jpg", false)] {
        let mut bytes = b"\xff\xd8\xff\xe0 a picture, ".to_vec();
        bytes.extend(place.bytes().cycle().take(30_000));
        ann.sends_picture(bytes.clone(), is_sealed);
        ann.sees("picture.jpg (").await;
        ann.says(&format!("web-1:{}/{place}", folder.display()));
        ann.sees(&blake3::hash(&bytes).to_hex()[..4]).await;
        let arrived = std::fs::read(folder.join(place)).unwrap();
        assert!(arrived == bytes, "{place} came whole");
        // What was asked for by its name is a file, with each byte.
        ann.says(&format!("/get web-1:{}/{place}", folder.display()));
        assert!(ann.gets_file(place).await == bytes, "{place} went whole");
    }
    // What Jarvis draws is a picture.
    ann.says("/note -k db -k nginx something");
    ann.sees("Saved note").await;
    ann.says("/expnotes -g");
    let picture = ann.gets_file("picture").await;
    assert!(picture.starts_with(b"\x89PNG"));
    lines.no_complaints();
}

#[tokio::test]
async fn files_go_out_and_a_broken_server_is_asked_again() {
    let mut lines = Lines::start().await;
    let ann = lines.operator("Ann").await;
    let folder = lines.site.node(0).files();
    for (name, size) in [
        ("empty.bin", 0),
        ("block.bin", 16),
        ("large-大.bin", 300_001),
    ] {
        let bytes = vec![7_u8; size];
        std::fs::write(folder.join(name), &bytes).unwrap();
        lines.wechat.fail("upload", 1, &Fault::Status(500));
        lines.wechat.fail("sendmessage", 1, &Fault::CutAfter);
        ann.says(&format!("/get web-1:{}/{name}", folder.display()));
        let got = ann.gets_file(name).await;
        assert!(got == bytes, "{name}");
    }
    let files = ann.log();
    let count = files.iter().filter(|entry| entry.file.is_some()).count();
    assert_eq!(count, 3, "each came once");
    lines.no_complaints();
}

#[tokio::test]
async fn two_people_have_lines_of_their_own() {
    let mut lines = Lines::start().await;
    let ann = lines.operator("Ann").await;
    let bob = lines.operator("Bob").await;
    for number in 9001..9003 {
        ann.says(&format!("/job {number}"));
        bob.says(&format!("/job {}", number + 100));
    }
    ann.sees("There is no job 9002").await;
    bob.sees("There is no job 9102").await;
    assert_eq!(ann.count("job 91"), 0);
    assert_eq!(bob.count("job 90"), 0);
    ann.sees_typing_end().await;
    bob.loses_line();
    lines.wechat.is_called("getupdates", -14, 0).await;
    lines.works(&ann, 9003).await;
    lines.no_complaints();
}

#[tokio::test]
async fn what_was_said_while_the_adapter_was_dead_is_answered_once() {
    let mut lines = Lines::start().await;
    let ann = lines.operator("Ann").await;
    lines.works(&ann, 9000).await;
    // Killed when the brain has stored messages, and before the cursor was: as if the file were older.
    let file = lines.kept().remove(0);
    let older = std::fs::read(&file).unwrap();
    let known = ann.known();
    lines.works(&ann, 9001).await;
    ann.is_known(known + 1).await;
    lines.kill_adapter().await;
    ann.says("/job 9002");
    std::fs::write(&file, older).unwrap();
    lines.start_adapter().await;
    ann.sees("There is no job 9002").await;
    lines.works(&ann, 9003).await;
    for number in 9000..9004 {
        let answers = ann.count(&format!("There is no job {number}"));
        assert_eq!(answers, 1, "{number}");
    }
    lines.no_complaints();
}

#[tokio::test]
async fn an_answer_whose_confirmation_is_lost_is_not_shown_twice() {
    let mut lines = Lines::start().await;
    let ann = lines.operator("Ann").await;
    for fault in [
        Fault::CutAfter,
        Fault::CutBefore,
        Fault::Status(502),
        Fault::Nonsense,
    ] {
        lines.wechat.fail("sendmessage", 1, &fault);
    }
    for number in 9001..9005 {
        lines.works(&ann, number).await;
    }
    for number in 9001..9005 {
        assert_eq!(ann.count(&format!("There is no job {number}")), 1);
    }
    lines.no_complaints();
}

#[tokio::test]
async fn news_come_through_whatever_happens_to_the_question() {
    let mut lines = Lines::start().await;
    let ann = lines.operator("Ann").await;
    let faults = [
        Fault::CutBefore,
        Fault::Status(503),
        Fault::Nonsense,
        Fault::Code(-1),
        Fault::CutAfter,
    ];
    for (number, fault) in faults.iter().enumerate() {
        lines.wechat.fail("getupdates", 2, fault);
        lines.wechat.cut_lines();
        let number = 9000 + u32::try_from(number).unwrap();
        lines.works(&ann, number).await;
        assert_eq!(ann.count(&format!("There is no job {number}")), 1);
    }
}

#[tokio::test]
async fn a_quote_by_its_id_alone_is_understood_and_speech_is_text() {
    let mut lines = Lines::start().await;
    let ann = lines.operator("Ann").await;
    let said = ann.says("the gateway needs two fans");
    ann.quotes(said, "/note");
    ann.sees("Saved note").await;
    ann.says("/find fans");
    ann.sees("gateway needs two").await;
    ann.speaks("ping");
    ann.sees("pong").await;
    ann.sees_typing_end().await;
    lines.no_complaints();
}

#[tokio::test]
async fn somebody_signs_in_on_the_server_and_a_running_adapter_finds_them() {
    let lines = Lines::start().await;
    let ann = lines.wechat.person("Ann");
    let mut login = lines
        .site
        .jarvis
        .start(&["adapter", "wechat", "--login"])
        .unwrap();
    let link = lines.wechat.shows_code().await;
    ann.scans_and_shows("12").await;
    let asked = login.out().find(0, PATIENCE, |said| {
        said.contains("Type the digits").then_some(())
    });
    assert!(asked.await.is_some(), "{}", login.everything());
    login.write_line("12").await.unwrap();
    let scanned = login
        .out()
        .find(0, PATIENCE, |said| said.contains("Scanned").then_some(()));
    assert!(scanned.await.is_some(), "{}", login.everything());
    ann.confirms();
    let status = login.ends(PATIENCE).await.unwrap();
    let said = login.everything();
    assert!(status.success() && said.contains(&link), "{said}");
    assert!(
        said.contains(ann.id()) && said.contains("enabled = true"),
        "{said}"
    );
    ann.is_listened_to(0).await;
    ann.says("/start");
    ann.sees("I don't know you yet").await;
    // The token is nowhere but in its file.
    let file = std::fs::read_to_string(lines.kept().remove(0)).unwrap();
    let kept: serde_json::Value = serde_json::from_str(&file).unwrap();
    let token = kept["token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("bot-token-"), "{token}");
    let log = lines.site.everything_said().unwrap();
    let log = log + &said + &lines.adapter.as_ref().unwrap().everything();
    assert!(!log.contains(&token), "the token is in a log");
}

#[tokio::test]
async fn the_check_says_which_line_stands() {
    let mut lines = Lines::start().await;
    let check = async |lines: &Lines| {
        let run = lines
            .site
            .jarvis
            .run(&["adapter", "wechat", "--check"], "", PATIENCE)
            .await
            .unwrap();
        run.out + &run.err
    };
    let said = check(&lines).await;
    assert!(said.contains("nobody has signed in"), "{said}");
    assert!(said.contains("adapter wechat --login"), "{said}");
    let ann = lines.operator("Ann").await;
    let said = check(&lines).await;
    assert!(
        said.contains(&format!("{}: the line stands", ann.id())),
        "{said}"
    );
    ann.loses_line();
    let said = check(&lines).await;
    assert!(said.contains("WeChat has ended this line"), "{said}");
    assert!(said.contains("scan a new code"), "{said}");
}

#[tokio::test]
async fn a_stop_says_goodbye_to_the_platform() {
    let mut lines = Lines::start().await;
    let ann = lines.operator("Ann").await;
    assert!(ann.is_connected());
    let status = lines.adapter.as_mut().unwrap().stop().await.unwrap();
    assert!(status.success());
    assert!(!ann.is_connected(), "notifystop was said");
    let polls = ann.polls();
    lines.start_adapter().await;
    ann.is_listened_to(polls).await;
    lines.works(&ann, 9001).await;
}

#[tokio::test]
async fn an_adapter_that_dies_in_a_sign_in_is_told() {
    let mut lines = Lines::start().await;
    let ann = lines.on_telegram("Ann").await;
    ann.says("/signin");
    ann.sees("Scan this with wechat").await;
    lines.kill_adapter().await;
    ann.sees("its adapter went away").await;
    lines.start_adapter().await;
    ann.says("/signin");
    ann.sees("Scan this with wechat").await;
    let phone = lines.wechat.person("Ann");
    phone.signs_in().await;
    ann.sees("Connected").await;
}
