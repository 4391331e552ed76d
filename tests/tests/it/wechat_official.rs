//! An Official Account: what the conformance suite does not ask of every platform.

use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::{PATIENCE, Process, appears};
use jarvis_tests::site::Site;
use jarvis_tests::wechat_official::{FakeOfficial, Mode, Settings, plainly};
use jarvis_tests::weixin::{Fault, Person, Way};

const SEND: &str = "message/custom/send";

/// A site with an account.
struct Official {
    site: Site,
    wechat: FakeOfficial,
    url: String,
    adapter: Option<Process>,
}

impl Official {
    async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    async fn with(settings: Settings) -> Self {
        let wechat = FakeOfficial::start_with(settings).await.unwrap();
        let jarvis = Jarvis::new().unwrap();
        let url = jarvis.configure_official(&wechat).unwrap();
        let mut whole = Self {
            site: Site::start(jarvis, &["web-1"]).await.unwrap(),
            wechat,
            url,
            adapter: None,
        };
        whole.start_adapter().await;
        whole
    }

    async fn start_adapter(&mut self) {
        let adapter = self.site.jarvis.start(&["adapter", "wechat-official"]);
        self.adapter = Some(adapter.unwrap());
        self.wechat.set_callback(&self.url).await.unwrap();
    }

    async fn operator(&mut self, name: &str) -> Person {
        let person = self.wechat.person(name);
        person.says("/start");
        person.sees("I don't know you yet").await;
        let owner = &mut self.site.owner;
        owner.says(&format!("role {name} operator")).await;
        owner.sees(&format!("{name} is now operator")).await;
        person
    }

    /// Begins a job that waits for the story; its `go` file.
    async fn job(&mut self, person: &Person, name: &str) -> std::path::PathBuf {
        let folder = self.site.node(0).folder();
        let (begun, go) = (folder.join(format!("{name}.begun")), folder.join(name));
        person.says(&format!(
            "/run web-1 touch {}; until [ -e {} ]; do sleep 0.1; done; printf '%s-%s' {name} done",
            begun.display(),
            go.display()
        ));
        appears(&begun).await;
        go
    }

    /// Waits until the owner sees that a job has ended.
    async fn ended(&mut self, number: u32) {
        let until = tokio::time::Instant::now() + PATIENCE;
        let owner = &mut self.site.owner;
        loop {
            owner.says(&format!("job {number}")).await;
            let said = owner.sees(&format!("job {number} ·")).await;
            if said.contains("exit 0") {
                return;
            }
            assert!(tokio::time::Instant::now() < until, "{said}");
        }
    }
}

/// Asks for something and gets it on the call itself.
async fn works(person: &Person, number: u32) {
    person.says(&format!("/job {number}"));
    person.sees(&format!("There is no job {number}")).await;
}

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_secs()
}

#[tokio::test]
async fn what_is_there_in_time_is_the_answer_and_what_is_later_is_a_message() {
    let mut official = Official::start().await;
    let ann = official.operator("Ann").await;
    ann.says("/job 9001");
    let answer = ann.sees("There is no job 9001").await;
    assert_eq!(answer.way, Way::Answered);
    assert_eq!(official.wechat.count_calls(SEND, 0), 0);
    let go = official.job(&ann, "slow").await;
    let begun = ann.sees("⏳ job").await;
    assert_eq!(begun.way, Way::Answered);
    std::fs::write(go, "").unwrap();
    let done = ann.sees("slow-done").await;
    assert_eq!(done.way, Way::Sent);
    assert_eq!(ann.count("slow-done"), 1);
    assert!(official.wechat.mistakes().is_empty());
}

/// Nobody is told that the account does not answer: WeChat hears from us before its five seconds are over,
/// whether there is something to say or not.
#[tokio::test]
async fn a_message_that_nothing_is_said_to_is_confirmed_in_time() {
    let official = Official::start().await;
    let eve = official.wechat.person("Eve");
    // A picture of somebody who may do nothing with it.
    let id = eve.sends_picture(vec![0xff; 500]);
    official.wechat.is_answered(&id, 1).await;
    let answers = official.wechat.answers();
    let answer = answers.iter().find(|answer| answer.message == id).unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, "success"));
    assert_eq!(eve.log().len(), 0, "{:?}", eve.log());
    // What is nothing for us is confirmed at once.
    eve.does("VIEW", "<EventKey>http://x</EventKey>");
    eve.does("subscribe", "<EventKey></EventKey>");
    let hello = eve.sees("I don't know you yet").await;
    assert_eq!(hello.way, Way::Answered);
}

/// WeChat hears within its five seconds that we have not kept a message, and comes again.
#[tokio::test]
async fn a_message_that_the_brain_could_not_keep_comes_again() {
    let mut official = Official::start().await;
    let ann = official.operator("Ann").await;
    official.site.kill_brain().await.unwrap();
    let message = ann.says("/job 9001");
    official.wechat.is_answered(&message, 1).await;
    let answers = official.wechat.answers();
    assert_eq!(answers.last().unwrap().status, 503);
    official.site.start_brain().await.unwrap();
    ann.sees("There is no job 9001").await;
    works(&ann, 9002).await;
    assert_eq!(ann.count("There is no job 9001"), 1);
    assert_eq!(ann.count("the app does not answer"), 0);
}

#[tokio::test]
async fn an_answer_that_was_lost_comes_again_and_nothing_else() {
    let mut official = Official::start().await;
    let ann = official.operator("Ann").await;
    let id = ann.says("/job 9001");
    official.wechat.is_answered(&id, 1).await;
    // The platform has not heard it and comes again, with the same call and with another one.
    official.wechat.repeats_last();
    official.wechat.is_answered(&id, 2).await;
    official.wechat.repeats_last_anew();
    official.wechat.is_answered(&id, 3).await;
    let answers = official.wechat.answers();
    let mut bodies: Vec<_> = answers
        .iter()
        .filter(|answer| answer.message == id)
        .map(|answer| (answer.status, answer.body.clone()))
        .collect();
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert!(bodies[0].1.contains("Encrypt"), "{bodies:?}");
    assert_eq!(official.wechat.count_calls(SEND, 0), 0);
}

/// Two days are over, as far as WeChat is concerned.
#[tokio::test]
async fn a_result_out_of_time_waits_for_the_next_word() {
    let mut official = Official::start().await;
    let ann = official.operator("Ann").await;
    let go = official.job(&ann, "late").await;
    ann.sees("⏳ job").await;
    official.wechat.fail(SEND, 1, &Fault::Code(45_015));
    std::fs::write(go, "").unwrap();
    official.wechat.refuses(45_015).await;
    ann.says("/job 9001");
    ann.sees("late-done").await;
    ann.sees("There is no job 9001").await;
    assert_eq!(ann.count("late-done"), 1);
    assert_eq!(official.wechat.count_calls(SEND, 45_015), 1);
}

/// One message is all that may be sent after a word.
#[tokio::test]
async fn results_beyond_the_count_wait_for_the_next_word() {
    let settings = Settings {
        messages: 1,
        ..Settings::default()
    };
    let mut official = Official::with(settings).await;
    let ann = official.operator("Ann").await;
    let first = official.job(&ann, "first").await;
    ann.sees("⏳ job 1").await;
    let second = official.job(&ann, "second").await;
    ann.sees("⏳ job 2").await;
    std::fs::write(first, "").unwrap();
    ann.sees("first-done").await;
    std::fs::write(second, "").unwrap();
    official.wechat.refuses(45_047).await;
    official.ended(2).await;
    assert_eq!(ann.count("second-done"), 0);
    ann.says("/job 9001");
    ann.sees("second-done").await;
    ann.sees("There is no job 9001").await;
    assert_eq!(ann.count("second-done"), 1);
    assert_eq!(official.wechat.count_calls(SEND, 45_047), 1);
}

/// An account that is not verified answers at once or not at all; the next word brings everything.
#[tokio::test]
async fn an_account_without_rights_answers_with_the_next_word() {
    let settings = Settings {
        is_verified: false,
        ..Settings::default()
    };
    let mut official = Official::with(settings).await;
    let ann = official.operator("Ann").await;
    let go = official.job(&ann, "job").await;
    ann.sees("⏳ job 1").await;
    std::fs::write(go, "").unwrap();
    official.wechat.refuses(48_001).await;
    ann.says("/job 9001");
    let all = ann.sees("job-done").await;
    assert_eq!(all.way, Way::Answered);
    assert!(all.text.contains("There is no job 9001"), "{}", all.text);
    // Nothing is late any more.
    ann.says("/job 9002");
    let answer = ann.sees("There is no job 9002").await;
    assert!(!answer.text.contains("9001"), "{}", answer.text);
    assert_eq!(
        official.wechat.count_calls(SEND, 48_001),
        1,
        "it is asked once"
    );
    assert_eq!(ann.count("job-done"), 1);
}

#[tokio::test]
async fn bad_calls_are_turned_away_and_do_nothing() {
    for mode in [Mode::Plain, Mode::Compatible, Mode::Encrypted] {
        let mut official = Official::with(Settings {
            mode,
            ..Settings::default()
        })
        .await;
        let ann = official.operator("Ann").await;
        let before = ann.log().len();
        let sealing = official.wechat.sealing();
        let fields = |content: &str, id: u32| {
            format!(
                "<FromUserName><![CDATA[Ann]]></FromUserName><CreateTime>{}</CreateTime>\
                 <MsgType>text</MsgType>{content}<MsgId>{id}</MsgId>",
                now()
            )
        };
        let said = "<Content>/job 6666</Content>";
        let refused = async |query: &[(String, String)], body: String, status: u16, why: &str| {
            let answer = official.wechat.posts(query, body).await.unwrap();
            assert_eq!(answer.0, status, "{mode:?}: {why}");
        };
        // The signature that counts in this mode.
        let counts = match mode {
            Mode::Plain => "signature",
            _ => "msg_signature",
        };
        let (mut query, body) = official.wechat.wrapped(&fields(said, 1));
        for (name, value) in &mut query {
            if name == counts {
                *value = "f".repeat(40);
            }
        }
        refused(&query, body.clone(), 403, "a made-up signature").await;
        query.retain(|(name, _)| name != counts);
        refused(&query, body, 403, "no signature").await;
        // An encrypted account takes nothing in the open, although its address is signed.
        if mode != Mode::Plain {
            let query = plainly(&sealing, &now().to_string(), "open");
            let body = format!("<xml><ToUserName>gh</ToUserName>{}</xml>", fields(said, 2));
            refused(&query, body, 400, "in the open").await;
        }
        for content in [
            "<Content>&e;</Content>",
            "<Content>a</Content><FromUserName>Eve</FromUserName>",
            "<Content><![CDATA[/job 6666</Content>",
        ] {
            let (query, body) = official.wechat.wrapped(&fields(content, 3));
            refused(&query, body, 400, content).await;
        }
        let old = (now() - 3600).to_string();
        let query = plainly(&sealing, &old, "old");
        refused(&query, "<xml/>".to_owned(), 403, "a time far off").await;
        let (query, _) = official.wechat.wrapped(&fields(said, 4));
        // The line may be closed before all of it is written.
        let huge = official.wechat.posts(&query, "A".repeat(10 << 20)).await;
        assert!(huge.is_err() || huge.is_ok_and(|answer| answer.0 == 413));
        // A nonce is good for one message.
        let (query, body) = official
            .wechat
            .wrapped(&fields("<Content>/job 7001</Content>", 5));
        refused(&query, body.clone(), 200, "a good one").await;
        let other = match mode {
            Mode::Plain => body.replace("7001", "7002").replace(">5<", ">6<"),
            _ => body.replace("</xml>", "<Note>x</Note></xml>"),
        };
        refused(&query, other, 403, "a replayed nonce").await;
        works(&ann, 9001).await;
        let log = ann.log();
        assert_eq!(ann.count("6666") + ann.count("7002"), 0, "{log:#?}");
        assert!(log.len() <= before + 2, "{log:#?}");
    }
}

#[tokio::test]
async fn a_token_that_ends_in_mid_send_is_renewed_by_force() {
    let mut official = Official::start().await;
    let ann = official.operator("Ann").await;
    let (made, _) = official.wechat.tokens();
    official.wechat.fail(SEND, 1, &Fault::TokenEnds);
    let go = official.job(&ann, "slow").await;
    ann.sees("⏳ job").await;
    std::fs::write(go, "").unwrap();
    ann.sees("slow-done").await;
    assert_eq!(ann.count("slow-done"), 1);
    assert_eq!(official.wechat.tokens().0, made + 1);
}

#[tokio::test]
async fn a_picture_comes_in() {
    let mut official = Official::start().await;
    let ann = official.operator("Ann").await;
    let folder = official.site.node(0).files();
    let bytes: Vec<u8> = [b"\xff\xd8".as_slice(), &[7; 70_000]].concat();
    let id = ann.sends_picture(bytes.clone());
    ann.sees(&format!("{id}.jpg")).await;
    ann.says(&format!("web-1:{}/", folder.display()));
    let arrived = folder.join(format!("{id}.jpg"));
    appears(&arrived).await;
    ann.sees("web-1").await;
    assert_eq!(std::fs::read(&arrived).unwrap(), bytes);
}

#[tokio::test]
async fn the_check_says_what_is_wrong_and_what_to_do() {
    let wechat = FakeOfficial::start().await.unwrap();
    let jarvis = Jarvis::new().unwrap();
    jarvis.configure_official(&wechat).unwrap();
    let check = async |set: &[&str]| {
        let arguments = [&["adapter", "wechat-official", "--check"], set].concat();
        let run = jarvis.run(&arguments, "", PATIENCE).await.unwrap();
        run.out + &run.err
    };
    let good = check(&[]).await;
    assert!(good.contains("its calls are answered"), "{good}");
    assert!(good.contains("may be sent"), "{good}");
    wechat.fail("customservice/getkflist", 1, &Fault::Code(48_001));
    let unverified = check(&[]).await;
    assert!(
        unverified.contains("this account is not verified"),
        "{unverified}"
    );
    wechat.fail("get_api_domain_ip", 1, &Fault::Code(40_164));
    let stranger = check(&[]).await;
    assert!(stranger.contains("IP allow-list"), "{stranger}");
    let plain = check(&["--set", "wechat_official.mode=plain"]).await;
    assert!(plain.contains("choose the encrypted mode"), "{plain}");
    let wrong = check(&["--set", "wechat_official.secret=another-secret"]).await;
    assert!(wrong.contains("refuses the token"), "{wrong}");
    assert!(!wrong.contains("another-secret"), "{wrong}");
}
