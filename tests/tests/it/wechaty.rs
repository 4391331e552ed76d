//! A Wechaty gateway: what only it has, and what goes wrong there.

use std::time::Duration;

use jarvis_tests::engines::FakeEngines;
use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::{PATIENCE, Process, free_port};
use jarvis_tests::site::Site;
use jarvis_tests::wechaty::{FakeWechaty, Fault, Settings};
use tonic::Code;

/// What the stories have no time for.
const LIMITS: &str = "room_per_second = 20\ngroup_per_minute = 0\npause = \"1s\"\n";

/// A gateway, a brain, and an adapter between them.
struct Stage {
    gateway: FakeWechaty,
    jarvis: Jarvis,
    adapter: Process,
    _brain: Process,
}

impl Stage {
    async fn set(settings: Settings, keys: &str, limits: &str) -> Self {
        let stage = Self::begin(settings, keys, limits).await;
        stage.gateway.is_connected(0).await;
        stage
    }

    /// The same, for a gateway where nobody is logged in yet.
    async fn begin(settings: Settings, keys: &str, limits: &str) -> Self {
        Self::begin_at(Jarvis::new().unwrap(), settings, keys, limits).await
    }

    /// The same on an installation that is already configured otherwise.
    async fn begin_at(jarvis: Jarvis, settings: Settings, keys: &str, limits: &str) -> Self {
        let gateway = FakeWechaty::start_with(settings).await.unwrap();
        let mut keys = keys.to_owned();
        if let Some(pem) = gateway.certificate() {
            let file = jarvis.folder().join("gateway.pem");
            std::fs::write(&file, pem).unwrap();
            keys.push_str(&format!("ca_file = \"{}\"\n", file.display()));
        }
        let limits = format!("{LIMITS}{limits}");
        jarvis
            .configure_wechaty(&gateway.endpoint(), gateway.token(), &keys, &limits)
            .unwrap();
        let brain = jarvis.brain().await.unwrap();
        let adapter = jarvis.start(&["adapter", "wechaty"]).unwrap();
        Self {
            gateway,
            jarvis,
            adapter,
            _brain: brain,
        }
    }

    async fn usual() -> Self {
        Self::set(Settings::default(), "", "").await
    }

    /// Waits for `text` in the adapter's log.
    async fn logs(&self, text: &str) {
        logs(&self.adapter, text).await;
    }

    fn is_clean(&self) {
        let complaints = self.gateway.complaints();
        assert!(complaints.is_empty(), "{complaints:?}");
    }
}

async fn logs(process: &Process, text: &str) {
    let found = process.err().find(0, PATIENCE, |log| log.find(text)).await;
    assert!(found.is_some(), "no {text:?} in:\n{}", process.everything());
}

#[tokio::test]
async fn a_wrong_token_is_told_and_nothing_is_tried_again() {
    let gateway = FakeWechaty::start().await.unwrap();
    let jarvis = Jarvis::new().unwrap();
    let token = "insecure_wrong-token-of-story";
    jarvis
        .configure_wechaty(&gateway.endpoint(), token, "", LIMITS)
        .unwrap();
    let arguments = ["adapter", "wechaty", "--log", "trace"];
    let mut adapter = jarvis.start(&arguments).unwrap();
    let status = adapter.ends(PATIENCE).await.unwrap();
    let log = adapter.everything();
    assert!(
        !status.success() && log.contains("refuses the token"),
        "{log}"
    );
    // The gateway has sent it back, in words and in metadata.
    assert!(!log.contains("wrong-token-of-story"), "{log}");
}

#[tokio::test]
async fn check_says_what_to_do() {
    let check = async |jarvis: &Jarvis, more: &[&str]| {
        let mut arguments = vec!["adapter", "wechaty", "--check"];
        arguments.extend(more);
        let run = jarvis.run(&arguments, "", PATIENCE).await.unwrap();
        (run.status.success(), run.out)
    };
    let stage = Stage::usual().await;
    let (is_good, said) = check(&stage.jarvis, &[]).await;
    assert!(
        is_good && said.contains("an adapter hears this gateway already"),
        "{said}"
    );
    let connections = stage.gateway.connections();
    let mut stage = stage;
    stage.adapter.kill().await.unwrap();
    let (is_good, said) = check(&stage.jarvis, &[]).await;
    assert!(
        is_good && said.contains("logged in as wxid_jarvis0001 (Jarvis)"),
        "{said}"
    );
    assert_eq!(stage.gateway.connections(), connections + 1);
    let wrong = "wechaty.token=insecure_wrong-token-of-story";
    let (is_good, said) = check(&stage.jarvis, &["--set", wrong]).await;
    assert!(!is_good && said.contains("WECHATY_TOKEN"), "{said}");
    assert!(!said.contains("wrong-token-of-story"), "{said}");
    let nowhere = format!("wechaty.endpoint=http://127.0.0.1:{}", free_port().unwrap());
    let (is_good, said) = check(&stage.jarvis, &["--set", &nowhere]).await;
    assert!(
        !is_good && said.contains("look whether the gateway runs"),
        "{said}"
    );
    let (is_good, said) = check(&Jarvis::new().unwrap(), &[]).await;
    assert!(
        !is_good && said.contains("set `wechaty.endpoint`"),
        "{said}"
    );
    // A certificate that nobody we know has signed, and one for another name.
    let settings = Settings {
        tls: Some("insecure".to_owned()),
        needs_scan: true,
        ..Settings::default()
    };
    let secret = FakeWechaty::start_with(settings).await.unwrap();
    let jarvis = Jarvis::new().unwrap();
    jarvis
        .configure_wechaty(&secret.endpoint(), secret.token(), "", LIMITS)
        .unwrap();
    let (is_good, said) = check(&jarvis, &[]).await;
    assert!(!is_good && said.contains("set `wechaty.ca_file`"), "{said}");
    let file = jarvis.folder().join("gateway.pem");
    std::fs::write(&file, secret.certificate().unwrap()).unwrap();
    let authority = format!("wechaty.ca_file={}", file.display());
    let other = "wechaty.server_name=gateway.example";
    let (is_good, said) = check(&jarvis, &["--set", &authority, "--set", other]).await;
    assert!(
        !is_good && said.contains("`wechaty.server_name` to the name"),
        "{said}"
    );
    let (is_good, said) = check(&jarvis, &["--set", &authority]).await;
    assert!(
        !is_good && said.contains("takes our token") && said.contains("scan the code"),
        "{said}"
    );
}

#[tokio::test]
async fn a_login_waits_for_a_phone_and_goes_on_after_another_one() {
    let settings = Settings {
        needs_scan: true,
        ..Settings::default()
    };
    let stage = Stage::begin(settings, "", "").await;
    stage.logs("https://login.weixin.qq.com/l/fakefake").await;
    let drawn = stage.adapter.err().text();
    assert!(drawn.contains('█'), "{drawn}");
    stage.gateway.is_scanned();
    stage.logs("WeChat knows us").await;
    let ann = stage.gateway.person("Ann");
    ann.says("/start");
    ann.sees("I don't know you yet").await;
    // The phone ends it. What is said meanwhile is answered when somebody has scanned again.
    stage.gateway.is_logged_out();
    stage.logs("was logged out").await;
    ann.says("/version");
    stage.gateway.hears("MessagePayload", 2).await;
    stage.gateway.is_scanned();
    ann.sees("Jarvis 0.").await;
    stage.is_clean();
}

#[tokio::test]
async fn another_account_is_not_taken_for_ours() {
    let mut stage = Stage::usual().await;
    let ann = stage.gateway.person("Ann");
    ann.says("/start");
    ann.sees("I don't know you yet").await;
    stage.gateway.changes_account();
    let status = stage.adapter.ends(PATIENCE).await.unwrap();
    let log = stage.adapter.everything();
    assert!(
        !status.success() && log.contains("another WeChat account is logged in there now"),
        "{log}"
    );
}

#[tokio::test]
async fn a_gateway_that_went_silent_is_dialled_again() {
    let stage = Stage::set(Settings::default(), "", "liveness = \"500ms\"\n").await;
    let ann = stage.gateway.person("Ann");
    ann.says("/start");
    ann.sees("I don't know you yet").await;
    // It is asked, and an answer keeps the line.
    stage.gateway.hears("Ding", 3).await;
    let connections = stage.gateway.connections();
    assert_eq!(connections, 1);
    stage.gateway.set_mute(true);
    stage.logs("it went silent").await;
    stage.gateway.set_mute(false);
    stage.gateway.is_connected(connections).await;
    ann.says("/version");
    ann.sees("Jarvis 0.").await;
}

#[tokio::test]
async fn a_stream_that_lingers_is_waited_for() {
    let stage = Stage::usual().await;
    let ann = stage.gateway.person("Ann");
    ann.says("/start");
    ann.sees("I don't know you yet").await;
    let connections = stage.gateway.connections();
    stage.gateway.lingers(3);
    stage.gateway.cut();
    stage.logs("our last connection is not over there").await;
    stage.gateway.is_connected(connections).await;
    ann.says("/version");
    ann.sees("Jarvis 0.").await;
    stage.is_clean();
}

#[tokio::test]
async fn a_second_adapter_waits_and_takes_over() {
    let mut stage = Stage::usual().await;
    let ann = stage.gateway.person("Ann");
    ann.says("/start");
    ann.sees("I don't know you yet").await;
    let second = stage.jarvis.start(&["adapter", "wechaty"]).unwrap();
    logs(&second, "another program hears this gateway").await;
    let connections = stage.gateway.connections();
    stage.adapter.kill().await.unwrap();
    stage.gateway.is_connected(connections).await;
    ann.says("/version");
    ann.sees("Jarvis 0.").await;
}

#[tokio::test]
async fn in_a_room_we_are_called_by_any_of_our_names() {
    for tells_mentions in [true, false] {
        let settings = Settings {
            tells_mentions,
            ..Settings::default()
        };
        let stage = Stage::set(settings, "", "").await;
        let room = stage.gateway.room("运维群");
        let ann = stage.gateway.person("Ann");
        ann.says_in(&room, "@Jarvis /version");
        ann.says_in(&room, "@everybody\u{2005}/version");
        ann.asks_in(&room, "/start");
        let asked = ann.sees_in(&room, "I don't know you yet").await;
        assert_eq!(stage.gateway.sent(&room), 1);
        stage.gateway.calls_us(&room, "运维 机器人");
        ann.asks_in(&room, "/version");
        ann.sees_in(&room, "Jarvis 0.").await;
        ann.answers(&room, &asked.text, "/help version");
        ann.sees_in(&room, "version –").await;
        stage.is_clean();
    }
}

#[tokio::test]
async fn what_wechat_forbids_is_not_tried_twice() {
    let stage = Stage::usual().await;
    let room = stage.gateway.room("ops");
    let ann = stage.gateway.person("Ann");
    let eve = stage.gateway.stranger("Eve");
    eve.says("/start");
    stage.gateway.hears("MessageSendText", 0).await;
    ann.asks_in(&room, "/start");
    ann.sees_in(&room, "I don't know you yet").await;
    stage.gateway.throws_us_out(&room);
    ann.asks_in(&room, "/version");
    stage.gateway.hears("MessageSendText", 2).await;
    ann.says("/version");
    ann.sees("Jarvis 0.").await;
    assert_eq!(stage.gateway.count_calls("MessageSendText"), 4);
}

#[tokio::test]
async fn what_gets_lost_on_the_way_is_said_again() {
    let stage = Stage::usual().await;
    let ann = stage.gateway.person("Ann");
    for fault in [
        Fault::CutBefore,
        Fault::Failed(Code::Internal, "TypeError: undefined".to_owned()),
        Fault::Failed(Code::ResourceExhausted, "slow down".to_owned()),
        Fault::Slow(Duration::from_millis(300)),
    ] {
        let before = stage.gateway.sent(&ann.chat());
        stage.gateway.fail("MessageSendText", 1, &fault);
        ann.says("/start");
        ann.sees("I don't know you yet").await;
        assert_eq!(stage.gateway.sent(&ann.chat()), before + 1, "{fault:?}");
        let connections = stage.gateway.connections();
        stage.gateway.is_connected(connections - 1).await;
    }
    // A message that the gateway does not have yet is asked for again.
    let late = Fault::Failed(Code::Unknown, "no payload found for id 7".to_owned());
    stage.gateway.fail("MessagePayload", 2, &late);
    ann.says("/version");
    ann.sees("Jarvis 0.").await;
    // Who cannot be looked up is answered nevertheless.
    let failed = Fault::Failed(Code::Unknown, "oops".to_owned());
    let bob = stage.gateway.person("Bob");
    stage.gateway.fail("ContactPayload", 1, &failed);
    bob.says("/start");
    bob.sees("I don't know you yet").await;
    stage.is_clean();
}

#[tokio::test]
async fn nobody_answers_official_accounts_and_strange_events() {
    let stage = Stage::usual().await;
    let news = stage.gateway.official_account("每日新闻");
    news.says("今天的新闻");
    for (number, payload) in [
        (2, "not JSON"),
        (2, "{\"messageId\": 7}"),
        (2, "{}"),
        (19, "{\"roomId\": \"\", \"inviteeIdList\": 5}"),
        (20, "[]"),
        (22, "{\"status\": \"x\", \"qrcode\": []}"),
        (25, "{\"contactId\": \"\"}"),
        (27, "{}"),
        (99, "{\"a\": 1}"),
        (-1, ""),
    ] {
        stage.gateway.tells(number, payload);
    }
    let ann = stage.gateway.person("Ann");
    ann.says("/start");
    ann.sees("I don't know you yet").await;
    assert_eq!(stage.gateway.sent(&news.chat()), 0);
    assert_eq!(stage.gateway.connections(), 1);
    stage.is_clean();
}

#[tokio::test]
async fn gateways_differ_in_numbers_ids_and_files() {
    let settings = Settings {
        tells_ids: true,
        counts_by_contract: true,
        files_by_address: true,
        tls: Some("insecure".to_owned()),
        ..Settings::default()
    };
    let stage = Stage::set(settings, "message_types = \"proto\"\n", "").await;
    let mut owner = stage.jarvis.chat().unwrap();
    let ann = stage.gateway.person("Ann");
    ann.says("/start");
    ann.sees("I don't know you yet").await;
    owner.says("role Ann operator").await;
    owner.sees("Ann is now operator").await;
    ann.sends_file_in(&ann.chat(), "a.log", "one\ntwo\n");
    ann.sees("a.log").await;
    ann.sends_file_in(&ann.chat(), "picture.png", vec![7; 100_000]);
    ann.sees("picture.png").await;
    stage.gateway.lose_files(true);
    ann.sends_file_in(&ann.chat(), "gone.log", "one\n");
    ann.sees("could not get the file").await;
    stage.is_clean();
}

#[tokio::test]
async fn a_file_that_is_gone_is_told() {
    let stage = Stage::usual().await;
    let mut owner = stage.jarvis.chat().unwrap();
    let ann = stage.gateway.person("Ann");
    ann.says("/start");
    ann.sees("I don't know you yet").await;
    owner.says("role Ann operator").await;
    owner.sees("Ann is now operator").await;
    stage.gateway.lose_files(true);
    ann.sends_file_in(&ann.chat(), "a.log", "one\ntwo\n");
    ann.sees("could not get the file").await;
    stage.gateway.lose_files(false);
    ann.sends_file_in(&ann.chat(), "b.log", vec![7; 50_000]);
    ann.sees("b.log").await;
}

#[tokio::test]
async fn who_takes_words_back_takes_back_their_translation() {
    for tells_ids in [true, false] {
        let engines = FakeEngines::start().await.unwrap();
        engines.knows(
            ("zh", "服务器重启好了吗？"),
            ("en", "Is the server back up?"),
        );
        let jarvis = Jarvis::new().unwrap();
        let keys = format!("kind = \"libretranslate\"\nurl = \"{}\"", engines.url());
        jarvis.configure("translate.engines.home", &keys).unwrap();
        let settings = Settings {
            tells_ids,
            ..Settings::default()
        };
        let stage = Stage::begin_at(jarvis, settings, "", "").await;
        stage.gateway.is_connected(0).await;
        let mut owner = stage.jarvis.chat().unwrap();
        let room = stage.gateway.room("运维群");
        let ann = stage.gateway.person("Ann");
        ann.says("/start");
        ann.sees("I don't know you yet").await;
        owner.says("role Ann operator").await;
        owner.sees("Ann is now operator").await;
        ann.asks_in(&room, "/translate on zh en");
        ann.sees_in(&room, "home").await;
        let asked = ann.says_in(&room, "服务器重启好了吗？");
        let shown = ann.sees_in(&room, "Is the server back up?").await;
        ann.recalls(&asked);
        // A room is served in order.
        ann.asks_in(&room, "/version");
        ann.sees_in(&room, "Jarvis 0.").await;
        if tells_ids {
            stage.gateway.hears("MessageRecall", 0).await;
            let history = stage.gateway.history(&room);
            let shown = history.iter().find(|entry| entry.id == shown.id).unwrap();
            assert!(shown.is_recalled, "{history:#?}");
        } else {
            // The gateway did not say which message it was.
            assert_eq!(stage.gateway.count_calls("MessageRecall"), 0);
        }
        stage.is_clean();
    }
}

#[tokio::test]
async fn a_gateway_that_cannot_be_asked_may_be_silent() {
    let gateway = FakeWechaty::start().await.unwrap();
    let unknown = Fault::Failed(Code::Unimplemented, "unknown method Ding".to_owned());
    gateway.fail("Ding", 1000, &unknown);
    let jarvis = Jarvis::new().unwrap();
    let limits = format!("{LIMITS}liveness = \"300ms\"\n");
    jarvis
        .configure_wechaty(&gateway.endpoint(), gateway.token(), "", &limits)
        .unwrap();
    let _brain = jarvis.brain().await.unwrap();
    let adapter = jarvis.start(&["adapter", "wechaty"]).unwrap();
    logs(&adapter, "cannot be asked whether it lives").await;
    let ann = gateway.person("Ann");
    ann.says("/start");
    ann.sees("I don't know you yet").await;
    assert_eq!(gateway.connections(), 1);
    assert!(!adapter.everything().contains("went silent"));
}

#[tokio::test]
async fn a_file_that_breaks_off_on_its_way_arrives_whole_and_once() {
    let gateway = FakeWechaty::start().await.unwrap();
    let jarvis = Jarvis::new().unwrap();
    jarvis
        .configure_wechaty(&gateway.endpoint(), gateway.token(), "", LIMITS)
        .unwrap();
    let mut site = Site::start(jarvis, &["web-1"]).await.unwrap();
    let _adapter = site.jarvis.start(&["adapter", "wechaty"]).unwrap();
    gateway.is_connected(0).await;
    let ann = gateway.person("Ann");
    ann.says("/start");
    ann.sees("I don't know you yet").await;
    site.owner.says("role Ann operator").await;
    site.owner.sees("Ann is now operator").await;
    let folder = site.node(0).files();
    for (number, (call, fault)) in [
        ("Upload", Fault::CutBefore),
        ("Upload", Fault::CutAfter),
        ("MessageSendFile", Fault::CutBefore),
        (
            "MessageSendFile",
            Fault::Failed(Code::Internal, "ECONNRESET".to_owned()),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("large-{number}.bin");
        let bytes = vec![u8::try_from(number).unwrap() + 1; 3_000_000];
        std::fs::write(folder.join(&name), &bytes).unwrap();
        gateway.fail(call, 1, &fault);
        ann.says(&format!("/get web-1:{}/{name}", folder.display()));
        assert!(ann.gets_file(&name).await == bytes, "{call} {fault:?}");
        let connections = gateway.connections();
        gateway.is_connected(connections - 1).await;
    }
    ann.says("/version");
    ann.sees("Jarvis 0.").await;
    let files = gateway.history(&ann.chat());
    assert_eq!(files.iter().filter(|entry| entry.file.is_some()).count(), 4);
    assert!(
        gateway.complaints().is_empty(),
        "{:?}",
        gateway.complaints()
    );
}
