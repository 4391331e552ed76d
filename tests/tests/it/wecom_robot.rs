//! The robot of a WeCom group: nobody can speak to it, and owners direct things to its room.

use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::{PATIENCE, Process};
use jarvis_tests::site::Site;
use jarvis_tests::wecom_app::{FakeWeCom, Settings};
use jarvis_tests::weixin::{Fault, Person};

const SEND: &str = "webhook/send";

/// A site with a robot in the group `ops group`.
struct Robot {
    site: Site,
    wecom: FakeWeCom,
    group: Person,
    adapter: Option<Process>,
}

impl Robot {
    async fn start() -> Self {
        let wecom = FakeWeCom::start().await.unwrap();
        let jarvis = Jarvis::new().unwrap();
        jarvis.configure_wecom_robot(&wecom, "ops group").unwrap();
        let mut whole = Self {
            site: Site::start(jarvis, &["web-1"]).await.unwrap(),
            group: wecom.group(),
            wecom,
            adapter: None,
        };
        whole.start_adapter().await;
        whole
    }

    /// Starts the adapter and waits until its room is known.
    async fn start_adapter(&mut self) {
        let adapter = self.site.jarvis.start(&["adapter", "wecom-robot"]).unwrap();
        let connected = adapter.err().find(0, PATIENCE, |log| {
            log.contains("session with the brain").then_some(())
        });
        assert!(connected.await.is_some(), "{}", adapter.everything());
        self.adapter = Some(adapter);
    }

    async fn says(&mut self, line: &str, answer: &str) {
        self.site.owner.says(line).await;
        self.site.owner.sees(answer).await;
    }
}

#[tokio::test]
async fn an_owner_directs_reports_to_the_group() {
    let mut robot = Robot::start().await;
    robot
        .says(
            "subscribe jobs --all --room 'Ops Group'",
            "every job that ends",
        )
        .await;
    robot.says("run web-1 true", "exit 0").await;
    let report = robot.group.sees("job 1").await;
    assert_eq!(report.kind, "text");
    assert!(
        !report.text.contains('['),
        "nobody can choose: {}",
        report.text
    );
    robot
        .says("subscriptions --room 'ops group'", "jobs --all")
        .await;
    // It is remembered over a restart of the adapter.
    robot.adapter.take().unwrap().kill().await.unwrap();
    robot.says("run web-1 true", "exit 0").await;
    robot.start_adapter().await;
    robot.group.sees("job 2").await;
    robot
        .says("unsubscribe all --room 'ops group'", "Ended:")
        .await;
    robot.says("run web-1 true", "exit 0").await;
    robot
        .says("subscriptions --room 'ops group'", "Nothing is subscribed")
        .await;
    assert_eq!(robot.group.count("job 1"), 1);
    assert_eq!(robot.group.count("job 3"), 0);
    assert!(robot.wecom.mistakes().is_empty());
}

#[tokio::test]
async fn only_owners_and_only_rooms_that_are_there() {
    let mut robot = Robot::start().await;
    let answer = "No room in which nobody can ask is called nowhere. There is: ops group";
    robot.says("subscribe nodes --room nowhere", answer).await;
    let wecom = FakeWeCom::start().await.unwrap();
    let url = robot.site.jarvis.configure_wecom_app(&wecom).unwrap();
    let _app = robot.site.jarvis.start(&["adapter", "wecom-app"]).unwrap();
    wecom.set_callback(&url).await.unwrap();
    let ann = wecom.person("Ann");
    ann.says("/start");
    ann.sees("I don't know you yet").await;
    robot.says("role Ann operator", "Ann is now operator").await;
    for line in [
        "/subscribe nodes --room 'ops group'",
        "/unsubscribe all --room 'ops group'",
        "/subscriptions --room 'ops group'",
    ] {
        ann.says(line);
        ann.sees("owner").await;
    }
    ann.says("/subscribe nodes");
    ann.sees("Subscribed here").await;
    assert!(robot.group.log().is_empty());
}

#[tokio::test]
async fn a_lost_line_and_a_full_minute_lose_nothing() {
    let mut robot = Robot::start().await;
    robot
        .says(
            "subscribe jobs --all --room 'ops group'",
            "every job that ends",
        )
        .await;
    robot.wecom.fail(SEND, 1, &Fault::CutBefore);
    robot.wecom.fail(SEND, 1, &Fault::Code(45_033));
    robot.wecom.fail(SEND, 1, &Fault::Code(-1));
    for number in 1..=3 {
        robot.says("run web-1 true", "exit 0").await;
        robot.group.sees(&format!("job {number}")).await;
    }
    let log = robot.group.log();
    assert_eq!(log.len(), 3, "{log:#?}");
}

#[tokio::test]
async fn a_wrong_key_ends_the_adapter_and_the_key_is_never_told() {
    let settings = Settings::default();
    let key = settings.robot.clone();
    let wecom = FakeWeCom::start_with(settings).await.unwrap();
    let jarvis = Jarvis::new().unwrap();
    jarvis.configure_wecom_robot(&wecom, "ops").unwrap();
    let check = jarvis
        .run(&["adapter", "wecom-robot", "--check"], "", PATIENCE)
        .await
        .unwrap();
    assert!(
        check.out.contains("lets us in"),
        "{}{}",
        check.out,
        check.err
    );
    assert!(!(check.out + &check.err).contains(&key));
    let other = [
        "adapter",
        "wecom-robot",
        "--set",
        "wecom_robot.key=another-key",
    ];
    let run = jarvis.run(&other, "", PATIENCE).await.unwrap();
    assert!(!run.status.success());
    assert!(run.err.contains("the robot's key"), "{}", run.err);
    assert!(!run.err.contains("another-key"), "{}", run.err);
    assert!(wecom.group().log().is_empty(), "a check says nothing");
}
