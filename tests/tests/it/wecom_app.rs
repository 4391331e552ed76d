//! An app of WeCom: what the conformance suite does not ask of every platform.

use std::time::Duration;

use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::{PATIENCE, Process};
use jarvis_tests::site::Site;
use jarvis_tests::wecom_app::{FakeWeCom, Settings, signed};
use jarvis_tests::weixin::{Entry, Fault, Person};

const SEND: &str = "message/send";

/// A site with an app.
struct App {
    site: Site,
    wecom: FakeWeCom,
    url: String,
    adapter: Option<Process>,
}

impl App {
    async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    async fn with(settings: Settings) -> Self {
        let wecom = FakeWeCom::start_with(settings).await.unwrap();
        let jarvis = Jarvis::new().unwrap();
        let url = jarvis.configure_wecom_app(&wecom).unwrap();
        let mut whole = Self {
            site: Site::start(jarvis, &["web-1"]).await.unwrap(),
            wecom,
            url,
            adapter: None,
        };
        whole.start_adapter().await;
        whole
    }

    async fn start_adapter(&mut self) {
        self.adapter = Some(self.site.jarvis.start(&["adapter", "wecom-app"]).unwrap());
        self.wecom.set_callback(&self.url).await.unwrap();
    }

    fn log(&self) -> String {
        self.adapter.as_ref().unwrap().everything()
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
}

/// Asks for something and gets it.
async fn works(person: &Person, number: u32) {
    person.says(&format!("/job {number}"));
    person.sees(&format!("There is no job {number}")).await;
}

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_secs()
}

/// The inner message of somebody who never wrote it.
fn forged(app: &App, content: &str) -> String {
    let corp = &app.wecom.settings().corp_id;
    format!(
        "<xml><ToUserName><![CDATA[{corp}]]></ToUserName><FromUserName><![CDATA[Ann]]></FromUserName>\
         <CreateTime>{}</CreateTime><MsgType><![CDATA[text]]></MsgType>{content}<MsgId>4242</MsgId>\
         <AgentID>{}</AgentID></xml>",
        now(),
        app.wecom.settings().agent_id
    )
}

fn outer(sealed: &str) -> String {
    format!("<xml><ToUserName>t</ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>")
}

#[tokio::test]
async fn bad_calls_are_turned_away_and_do_nothing() {
    let mut app = App::start().await;
    let ann = app.operator("Ann").await;
    let before = ann.log().len();
    let sealing = app.wecom.sealing();
    let time = now().to_string();
    let bad = |content: &str| forged(&app, content);
    let said = "<Content><![CDATA[/job 6666]]></Content>";
    let good = sealing.seal(&bad(said));
    let refused = async |query: Vec<(String, String)>, body: String, status: u16, why: &str| {
        let answer = app.wecom.posts(&query, body).await.unwrap();
        assert_eq!(answer.0, status, "{why}: {}", app.log());
    };
    let call = |sealed: &str, nonce: &str| (signed(&sealing, sealed, &time, nonce), outer(sealed));
    // Not signed by WeCom, or not for this message.
    let (mut query, body) = call(&good, "n1");
    query[0].1 = "0".repeat(40);
    refused(query, body, 403, "a made-up signature").await;
    let (query, _) = call(&good, "n2");
    let other = sealing.seal(&bad("<Content>x</Content>"));
    refused(
        query,
        outer(&other),
        403,
        "the signature of another message",
    )
    .await;
    // Signed, but not meant for us.
    let (query, body) = call(&sealing.seal_for(&bad(said), "ww0000000000000000"), "n3");
    refused(query, body, 403, "another receiver").await;
    let stranger = bad(said).replace("1000002", "1000003");
    let (query, body) = call(&sealing.seal(&stranger), "n4");
    refused(query, body, 403, "another app").await;
    // Not encrypted as WeCom does.
    for (at, padding) in [0_u8, 33, 2].into_iter().enumerate() {
        let mut block = vec![7; 64];
        block[63] = padding;
        let (query, body) = call(&sealing.encrypt(&block), &format!("p{at}"));
        refused(query, body, 403, "a wrong padding").await;
    }
    for (at, sealed) in ["!!!", "AAAA", &good[..good.len() - 8]]
        .into_iter()
        .enumerate()
    {
        let (query, body) = call(sealed, &format!("f{at}"));
        refused(query, body, 400, "no ciphertext").await;
    }
    // From another time.
    for off in [-301_i64, 301, -1_000_000_000] {
        let time = (i64::try_from(now()).unwrap() + off).to_string();
        let query = signed(&sealing, &good, &time, "n5");
        refused(query, outer(&good), 403, "a time far off").await;
    }
    refused(
        signed(&sealing, &good, "soon", "n6"),
        outer(&good),
        403,
        "no time",
    )
    .await;
    // XML that callbacks never have, outside and inside.
    let doctype = "<!DOCTYPE xml [<!ENTITY e SYSTEM \"file:///etc/hostname\">]>";
    let (query, body) = call(&good, "n7");
    refused(query, format!("{doctype}{body}"), 400, "a document type").await;
    for (at, content) in [
        "<Content>&e;</Content>",
        "<Content><![CDATA[/job 6666]]></Content><FromUserName>Eve</FromUserName>",
        "<Content><![CDATA[/job 6666</Content>",
        &format!("{}{}", "<a>".repeat(20), "</a>".repeat(20)),
    ]
    .into_iter()
    .enumerate()
    {
        let (query, body) = call(&sealing.seal(&bad(content)), &format!("x{at}"));
        refused(query, body, 400, content).await;
    }
    let (query, body) = call(&sealing.seal(&format!("{doctype}{}", bad(said))), "n8");
    refused(query, body, 400, "a document type inside").await;
    // Other bodies.
    let (query, _) = call(&good, "n9");
    for body in [String::new(), "{}".to_owned(), "<xml/>".to_owned()] {
        refused(query.clone(), body, 400, "nothing in it").await;
    }
    let huge = format!("<xml><Encrypt>{}</Encrypt></xml>", "A".repeat(10 << 20));
    // The line may be closed before all of it is written.
    let huge = app.wecom.posts(&query, huge).await;
    assert!(huge.is_err() || huge.is_ok_and(|answer| answer.0 == 413));
    let (mut query, body) = call(&good, "n10");
    query.push(("nonce".to_owned(), "n11".to_owned()));
    refused(query, body, 400, "two nonces").await;
    works(&ann, 9001).await;
    let log = ann.log();
    assert_eq!(log.len(), before + 1, "{log:#?}");
}

#[tokio::test]
async fn a_call_that_was_heard_before_is_believed_once() {
    let mut app = App::start().await;
    let ann = app.operator("Ann").await;
    let sealing = app.wecom.sealing();
    let time = now().to_string();
    let post = async |number: u32, nonce: &str| {
        let content = format!("<Content>/job {number}</Content>");
        let inner = forged(&app, &content).replace("4242", &number.to_string());
        let sealed = sealing.seal(&inner);
        let query = signed(&sealing, &sealed, &time, nonce);
        let first = app.wecom.posts(&query, outer(&sealed)).await.unwrap();
        (first.0, query, outer(&sealed))
    };
    let (status, query, body) = post(7001, "once").await;
    assert_eq!(status, 200);
    ann.sees("There is no job 7001").await;
    // The platform's own repetition is confirmed and does nothing.
    let again = app.wecom.posts(&query, body).await.unwrap();
    assert_eq!(again, (200, String::new()));
    // The same nonce for something else is somebody who has heard it.
    let (status, ..) = post(7002, "once").await;
    assert_eq!(status, 403);
    works(&ann, 7003).await;
    assert_eq!(ann.count("There is no job 7001"), 1);
    assert_eq!(ann.count("There is no job 7002"), 0);
}

#[tokio::test]
async fn a_message_that_the_brain_could_not_keep_comes_again() {
    let mut app = App::start().await;
    let ann = app.operator("Ann").await;
    app.site.kill_brain().await.unwrap();
    let message = ann.says("/job 9001");
    app.wecom.is_answered(&message, 1).await;
    assert_eq!(app.wecom.answers().last().unwrap().status, 503);
    app.site.start_brain().await.unwrap();
    ann.sees("There is no job 9001").await;
    works(&ann, 9002).await;
    assert_eq!(ann.count("There is no job 9001"), 1);
}

#[tokio::test]
async fn a_token_that_ends_in_mid_send_is_renewed_once_for_all() {
    let mut app = App::start().await;
    let mut people = Vec::new();
    for name in ["Ann", "Bob", "Cid", "Dan"] {
        people.push(app.operator(name).await);
    }
    let (made, asked) = app.wecom.tokens();
    app.wecom.fail(SEND, 1, &Fault::TokenEnds);
    for person in &people {
        person.says("/job 9001");
    }
    for person in &people {
        person.sees("There is no job 9001").await;
        assert_eq!(person.count("There is no job 9001"), 1);
    }
    assert_eq!(app.wecom.tokens(), (made + 1, asked + 1));
    assert!(app.wecom.count_calls(SEND, 42_001) >= 1);
}

#[tokio::test]
async fn a_wrong_secret_ends_the_adapter_with_a_reason() {
    let wecom = FakeWeCom::start().await.unwrap();
    let jarvis = Jarvis::new().unwrap();
    jarvis.configure_wecom_app(&wecom).unwrap();
    let arguments = [
        "adapter",
        "wecom-app",
        "--set",
        "wecom_app.secret=another-secret",
    ];
    let run = jarvis.run(&arguments, "", PATIENCE).await.unwrap();
    assert!(!run.status.success());
    assert!(run.err.contains("refuses the token"), "{}", run.err);
    assert!(run.err.contains("40001"), "{}", run.err);
    assert!(!run.err.contains("another-secret"), "{}", run.err);
    let run = jarvis
        .run(
            &["adapter", "wecom-app", "--set", "wecom_app.aes_key=short"],
            "",
            PATIENCE,
        )
        .await
        .unwrap();
    assert!(run.err.contains("43 letters"), "{}", run.err);
}

/// An operator has to act: until then everything is kept, and the log says what to do.
#[tokio::test]
async fn what_cannot_be_sent_from_this_address_is_kept_until_it_is_allowed() {
    let mut app = App::start().await;
    let ann = app.operator("Ann").await;
    app.wecom.is_stranger(true);
    ann.says("/job 9001");
    app.wecom.refuses(60_020).await;
    let adapter = app.adapter.as_ref().unwrap();
    let told = adapter.err().find(0, PATIENCE, |log| {
        (log.contains("60020") && log.contains("203.0.113.7") && log.contains("allowed ones"))
            .then_some(())
    });
    assert!(told.await.is_some(), "{}", app.log());
    app.wecom.is_stranger(false);
    ann.sees("There is no job 9001").await;
}

#[tokio::test]
async fn a_message_whose_confirmation_is_lost_is_not_shown_twice() {
    let mut app = App::start().await;
    let ann = app.operator("Ann").await;
    app.wecom.fail(SEND, 1, &Fault::CutAfter);
    works(&ann, 9001).await;
    works(&ann, 9002).await;
    assert_eq!(ann.count("There is no job 9001"), 1);
    // The same words on purpose are shown each time.
    works(&ann, 9002).await;
    assert_eq!(ann.count("There is no job 9002"), 2);
}

#[tokio::test]
async fn a_message_that_was_sent_when_the_adapter_died_is_not_shown_twice() {
    let mut app = App::start().await;
    let ann = app.operator("Ann").await;
    let long = Duration::from_secs(600);
    app.wecom.fail(SEND, 1, &Fault::Silent(long));
    ann.says("/job 9001");
    ann.sees("There is no job 9001").await;
    app.adapter.take().unwrap().kill().await.unwrap();
    app.start_adapter().await;
    works(&ann, 9002).await;
    assert_eq!(ann.count("There is no job 9001"), 1);
    works(&ann, 9002).await;
    assert_eq!(ann.count("There is no job 9002"), 2);
}

#[tokio::test]
async fn too_many_messages_wait_for_the_next_minute() {
    let settings = Settings {
        patience: Duration::from_secs(120),
        ..Settings::default()
    };
    let mut app = App::with(settings).await;
    let ann = app.operator("Ann").await;
    app.wecom.fail(SEND, 1, &Fault::Code(45_009));
    ann.says("/job 9001");
    app.wecom.refuses(45_009).await;
    let refused = app.wecom.count_calls(SEND, 45_009);
    ann.sees("There is no job 9001").await;
    assert_eq!(
        app.wecom.count_calls(SEND, 45_009),
        refused,
        "asked again too early"
    );
    assert_eq!(ann.count("There is no job 9001"), 1);
}

/// Who cannot be written to does not stand in the way of others.
#[tokio::test]
async fn people_who_cannot_see_the_app_any_more_are_given_up() {
    let mut app = App::start().await;
    let ann = app.operator("Ann").await;
    let bob = app.operator("Bob").await;
    let cid = app.operator("Cid").await;
    ann.loses_sight();
    bob.leaves();
    ann.says("/job 9001");
    bob.says("/job 9001");
    app.wecom.refuses(81_013).await;
    let adapter = app.adapter.as_ref().unwrap();
    let told = adapter.err().find(0, PATIENCE, |log| {
        (log.contains("not among those who may see this app") && log.contains("81013"))
            .then_some(())
    });
    assert!(told.await.is_some(), "{}", app.log());
    works(&cid, 9002).await;
    assert_eq!(ann.count("There is no job"), 0);
}

#[tokio::test]
async fn a_picture_comes_in_and_one_that_is_gone_is_told() {
    let mut app = App::start().await;
    let ann = app.operator("Ann").await;
    let folder = app.site.node(0).files();
    let bytes: Vec<u8> = [b"\xff\xd8".as_slice(), &[7; 70_000]].concat();
    let id = ann.sends_picture(bytes.clone());
    ann.sees(&format!("{id}.jpg")).await;
    ann.says(&format!("web-1:{}/", folder.display()));
    let arrived = folder.join(format!("{id}.jpg"));
    jarvis_tests::process::appears(&arrived).await;
    ann.sees("web-1").await;
    assert_eq!(std::fs::read(&arrived).unwrap(), bytes);
    app.wecom.fail("media/get", 1, &Fault::Code(40_007));
    ann.sends_picture(bytes);
    ann.sees("three days").await;
}

/// A menu that the operator has made: its keys are commands. Who gets the app is greeted.
#[tokio::test]
async fn menus_and_newcomers() {
    let mut app = App::start().await;
    let ann = app.operator("Ann").await;
    ann.does("click", "<EventKey><![CDATA[/job 9001]]></EventKey>");
    ann.sees("There is no job 9001").await;
    let eve = app.wecom.person("Eve");
    eve.does("enter_agent", "<EventKey></EventKey>");
    eve.does("subscribe", "");
    eve.sees("I don't know you yet").await;
    assert_eq!(eve.log().len(), 1);
}

#[tokio::test]
async fn a_picture_is_shown_as_one() {
    let mut app = App::start().await;
    let ann = app.operator("Ann").await;
    let until = tokio::time::Instant::now() + PATIENCE;
    let shown = loop {
        ann.says("/top");
        let is_answer = |entry: &Entry| entry.kind == "image" || entry.text.contains("measured");
        let entry = ann.sees_where("an answer", is_answer).await;
        if entry.kind == "image" {
            break entry;
        }
        // The node has not reported yet.
        assert!(tokio::time::Instant::now() < until, "no picture");
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    assert!(shown.file.unwrap().ends_with(".png"));
    assert!(
        app.wecom.mistakes().is_empty(),
        "{:?}",
        app.wecom.mistakes()
    );
}

#[tokio::test]
async fn the_check_says_what_is_wrong_and_what_to_do() {
    let wecom = FakeWeCom::start().await.unwrap();
    let jarvis = Jarvis::new().unwrap();
    jarvis.configure_wecom_app(&wecom).unwrap();
    let check = async |set: &[&str]| {
        let arguments = [&["adapter", "wecom-app", "--check"], set].concat();
        let run = jarvis.run(&arguments, "", PATIENCE).await.unwrap();
        run.out + &run.err
    };
    let good = check(&[]).await;
    assert!(good.contains("1000002 is `Jarvis`"), "{good}");
    assert!(good.contains("is free"), "{good}");
    let other = check(&["--set", "wecom_app.agent_id=1000003"]).await;
    assert!(other.contains("compare `wecom_app.agent_id`"), "{other}");
    wecom.fail("agent/get", 1, &Fault::Code(60_020));
    let stranger = check(&[]).await;
    assert!(stranger.contains("trusted IP addresses"), "{stranger}");
    let missing = jarvis
        .run(
            &[
                "adapter",
                "wecom-app",
                "--check",
                "--set",
                "wecom_app.aes_key=",
            ],
            "",
            PATIENCE,
        )
        .await
        .unwrap();
    assert!(!missing.status.success());
}
