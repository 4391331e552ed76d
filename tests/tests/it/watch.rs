//! Watching the fleet: who is told when nodes come and go and jobs end, and pictures of the load.

use std::collections::HashSet;
use std::io::Cursor;

use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::PATIENCE;
use jarvis_tests::site::{Site, TelegramSite};
use jarvis_tests::telegram::{FakeTelegram, Person};
use tokio::time::Instant;

/// A site with a bot and these keys in the section `watch`.
async fn site(names: &[&str], keys: &str) -> TelegramSite {
    let telegram = FakeTelegram::start().await.unwrap();
    let jarvis = Jarvis::new().unwrap();
    jarvis.configure_telegram(&telegram).unwrap();
    jarvis.configure("watch", keys).unwrap();
    let site = Site::start(jarvis, names).await.unwrap();
    let mut whole = TelegramSite {
        adapter: None,
        site,
        telegram,
    };
    whole.start_adapter().await.unwrap();
    whole
}

/// Waits until everything that was on its way to a person is there.
async fn all_is_said(person: &Person) {
    person.says("/version");
    person.sees("Jarvis 0.").await;
}

async fn subscribes(person: &Person, what: &str) {
    person.says(&format!("/subscribe {what}"));
    person.sees("Subscribed here").await;
}

#[tokio::test]
async fn a_subscriber_is_told_once_when_a_node_goes_and_once_when_it_is_back() {
    let mut site = site(&["web-1", "web-2"], "away_after = \"1s\"").await;
    let ann = site.person_with_role("Ann", "member").await;
    let bob = site.person_with_role("Bob", "operator").await;
    let li = site.person_speaking("李雷", "zh-hans", "member").await;
    subscribes(&ann, "nodes").await;
    subscribes(&bob, "nodes --node web-2").await;
    li.says("订阅 nodes");
    li.sees("节点离线和恢复时会通知你").await;
    site.site.node(0).kill().await.unwrap();
    let away = ann.sees("web-1 is away since").await;
    assert_eq!(away.buttons, ["load before"]);
    let away = li.sees("起离线").await;
    assert_eq!(away.buttons, ["离线前的负载"]);
    site.site.node(0).start().unwrap();
    ann.sees("web-1 is back after").await;
    li.sees("web-1 已恢复").await;
    all_is_said(&ann).await;
    let room = ann.room();
    assert_eq!(room.count("web-1 is away"), 1, "{}", room.transcript());
    assert_eq!(room.count("web-1 is back"), 1, "{}", room.transcript());
    // Bob follows another node; Ann has enough.
    ann.says("/subscriptions");
    ann.sees("nodes").await;
    ann.says("/unsubscribe nodes");
    ann.sees("Ended:").await;
    site.site.node(1).kill().await.unwrap();
    bob.sees("web-2 is away since").await;
    all_is_said(&ann).await;
    assert_eq!(ann.room().count("web-2 is away"), 0);
    assert_eq!(bob.room().count("web-1"), 0, "{}", bob.room().transcript());
    ann.says("/subscriptions");
    ann.sees("Nothing is subscribed here").await;
}

/// The first node dies, and is there again.
async fn goes_and_comes_back(site: &mut TelegramSite) {
    site.site.node(0).kill().await.unwrap();
    site.site.is_offline("web-1").await;
    site.site.node(0).start().unwrap();
    site.site.is_online("web-1").await;
}

#[tokio::test]
async fn a_node_that_comes_and_goes_is_told_once_until_it_is_calm() {
    // Going and coming back is two changes, so however slow the machine is, one round is enough.
    let keys = "away_after = \"1s\"\nflapping_changes = 2\nflapping_within = \"10s\"";
    let mut site = site(&["web-1"], keys).await;
    let ann = site.person_with_role("Ann", "member").await;
    subscribes(&ann, "nodes").await;
    goes_and_comes_back(&mut site).await;
    ann.sees("web-1 is flapping: ").await;
    // What it does from now on is not told until it stays.
    goes_and_comes_back(&mut site).await;
    ann.sees("web-1 is calm again: online").await;
    all_is_said(&ann).await;
    let said = ann.room().bot_messages();
    let of = |words: &str| said.iter().position(|text| text.contains(words)).unwrap();
    let (flapping, calm) = (of("flapping"), of("calm again"));
    assert_eq!(calm, flapping + 1, "{said:#?}");
    assert_eq!(ann.room().count("is flapping"), 1);
}

#[tokio::test]
async fn a_dead_brain_makes_no_noise_and_a_lost_site_one_message() {
    let names = ["web-1", "web-2", "web-3", "web-4", "web-5"];
    let mut site = site(&names, "away_after = \"5s\"").await;
    let ann = site.person_with_role("Ann", "member").await;
    subscribes(&ann, "nodes --tag web").await;
    // All nodes come back to a new brain: nothing to tell.
    site.site.kill_brain().await.unwrap();
    site.site.start_brain().await.unwrap();
    for name in names {
        site.site.is_online(name).await;
    }
    // Four do not.
    site.site.kill_brain().await.unwrap();
    for place in 0..4 {
        site.site.node(place).kill().await.unwrap();
    }
    site.site.start_brain().await.unwrap();
    let lost = ann.sees("4 of 5 nodes went away at").await;
    assert!(
        lost.text.contains("web-1, web-2, web-3, web-4"),
        "{}",
        lost.text
    );
    // What was told is not told again by the next brain.
    site.site.kill_brain().await.unwrap();
    site.site.start_brain().await.unwrap();
    for place in 0..4 {
        site.site.node(place).start().unwrap();
    }
    ann.sees("4 nodes are back after").await;
    all_is_said(&ann).await;
    let room = ann.room();
    assert_eq!(room.count("went away at"), 1, "{}", room.transcript());
    assert_eq!(room.count("back after"), 1, "{}", room.transcript());
}

#[tokio::test]
async fn only_those_who_may_are_told() {
    let mut site = site(&["web-1"], "away_after = \"1s\"").await;
    let mallory = site.telegram.person("Mallory");
    for command in ["/subscribe nodes", "/top web-1", "/drift", "/subscriptions"] {
        mallory.says(command);
        mallory.sees("I don't know you yet").await;
    }
    let mel = site.person_with_role("Mel", "member").await;
    let bob = site.person_with_role("Bob", "operator").await;
    let eve = site.person_with_role("Eve", "operator").await;
    let group = site.telegram.group("Ops");
    mel.says_in(&group, "/subscribe nodes");
    mel.sees_in(&group, "That is for the role operator").await;
    bob.says_in(&group, "/subscribe nodes");
    bob.sees_in(&group, "Subscribed here").await;
    subscribes(&eve, "nodes").await;
    mel.says("/subscribe nodes --node web-9");
    mel.sees("There is no node web-9").await;
    mel.says("/subscribe cats");
    mel.sees("There are nodes, jobs and notes").await;
    // Whoever may see nothing any more is told nothing any more; nor is one whose tags do not fit.
    subscribes(&mel, "nodes").await;
    site.site.owner.says("role Mel guest").await;
    site.site.owner.sees("Mel is now guest").await;
    site.site.owner.says("role Eve operator --tag db").await;
    site.site.owner.sees("Eve is now operator on tag:db").await;
    site.site.node(0).kill().await.unwrap();
    bob.sees_in(&group, "web-1 is away").await;
    eve.says("/version");
    eve.sees("Jarvis 0.").await;
    mel.says("/nodes");
    mel.sees("I don't know you yet").await;
    assert_eq!(mel.room().count("is away"), 0);
    assert_eq!(eve.room().count("is away"), 0);
}

#[tokio::test]
async fn an_operator_with_tags_hears_of_own_nodes_only() {
    let mut site = site(&["web-1", "db-1"], "away_after = \"1s\"").await;
    let owner = &mut site.site.owner;
    owner.says("untag db-1 web").await;
    owner.sees("db-1 has no tags now").await;
    owner.says("tag db-1 db").await;
    owner.sees("db-1 · #db").await;
    let ann = site.person_with_role("Ann", "member").await;
    let bob = site.person_with_role("Bob", "operator").await;
    site.site.owner.says("role Bob operator --tag db").await;
    site.site.owner.sees("Bob is now operator on tag:db").await;
    subscribes(&ann, "nodes").await;
    subscribes(&bob, "nodes").await;
    site.site.node(0).kill().await.unwrap();
    ann.sees("web-1 is away since").await;
    site.site.node(1).kill().await.unwrap();
    bob.sees("db-1 is away since").await;
    site.site.node(0).start().unwrap();
    ann.sees("web-1 is back after").await;
    site.site.node(1).start().unwrap();
    bob.sees("db-1 is back after").await;
    all_is_said(&bob).await;
    let heard = bob.room();
    assert_eq!(heard.count("web-1"), 0, "{}", heard.transcript());
    assert_eq!(heard.count("db-1 is away"), 1, "{}", heard.transcript());
}

#[tokio::test]
async fn ended_jobs_of_others_are_told_to_owners() {
    let mut site = site(&["web-1"], "").await;
    let ann = site.person_with_role("Ann", "owner").await;
    let bob = site.person_with_role("Bob", "operator").await;
    subscribes(&ann, "jobs").await;
    subscribes(&bob, "jobs --all").await;
    site.site.owner.says("run web-1 true").await;
    site.site.owner.sees("job 1").await;
    site.site.owner.says("run web-1 exit 3").await;
    let told = ann.sees("job 2 of").await;
    assert!(
        told.text.contains("web-1 · failed · exit 3"),
        "{}",
        told.text
    );
    ann.presses("show it");
    ann.sees("✖ job 2").await;
    all_is_said(&ann).await;
    assert_eq!(ann.room().count("job 1 of"), 0);
    // Jobs of others are no operator's to see; one's own need no second message.
    bob.says("/run web-1 exit 4");
    bob.sees("exit 4").await;
    ann.sees("job 3 of Bob").await;
    all_is_said(&bob).await;
    assert_eq!(
        bob.room().count("job 3 of"),
        0,
        "{}",
        bob.room().transcript()
    );
}

/// Width, height, and how many colours a PNG has.
fn look(bytes: &[u8]) -> (u32, u32, usize) {
    let mut reader = png::Decoder::new(Cursor::new(bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let colors: HashSet<&[u8]> = pixels[..info.buffer_size()].chunks(3).collect();
    (info.width, info.height, colors.len())
}

#[tokio::test]
async fn load_is_shown_as_a_picture() {
    let mut site = site(&["web-1", "web-2"], "away_after = \"1s\"").await;
    let ann = site.person_with_role("Ann", "member").await;
    let until = Instant::now() + PATIENCE;
    // The first heartbeats have to come first.
    let seen = loop {
        ann.says("/top web-1");
        let seen = ann.sees("web-1").await;
        if seen.file.is_some() {
            break seen;
        }
        assert!(Instant::now() < until, "{}", seen.text);
    };
    assert!(seen.text.contains("the last hour") && seen.text.contains("CPU "));
    let (width, height, colors) = look(&ann.room().file("top-web-1.png").unwrap());
    assert_eq!((width, height), (800, 460));
    assert!(colors >= 10, "{colors} colours");
    site.site.node(1).kill().await.unwrap();
    site.site.is_offline("web-2").await;
    ann.says("/top --tag web --hours 24");
    let picture = ann.gets_file("top.png").await;
    let (width, height, colors) = look(&picture);
    assert_eq!((width, height), (800, 40 + 2 * 58 + 16));
    assert!(colors >= 8, "{colors} colours");
    assert!(
        ann.room()
            .bot_messages()
            .iter()
            .any(|text| text.contains("web-2 (offline)"))
    );
    // At the terminal there are bars, too.
    site.site.owner.says("top web-1").await;
    site.site.owner.sees("cpu ").await;
    ann.says("/top web-7");
    ann.sees("There is no node web-7").await;
}

#[tokio::test]
async fn drift_shows_which_versions_run_where() {
    let mut site = Site::with_nodes(&["web-1", "web-2"]).await.unwrap();
    site.owner.says("drift").await;
    site.owner.sees("all 2 nodes have").await;
    let node = site.node(1);
    node.kill().await.unwrap();
    let config = std::fs::read_to_string(node.config()).unwrap();
    let config = format!("version = \"99.1\"\n{config}");
    std::fs::write(node.config(), config).unwrap();
    node.start().unwrap();
    let until = Instant::now() + PATIENCE;
    loop {
        site.owner.says("drift").await;
        let answer = site.owner.sees("core").await;
        if answer.contains("2 versions on 2 nodes") {
            break;
        }
        assert!(Instant::now() < until, "{answer}");
    }
    site.owner.sees("99.1 × 1: web-2").await;
    site.node(1).kill().await.unwrap();
    site.is_offline("web-2").await;
    site.owner.says("drift").await;
    site.owner.sees("web-2 (offline)").await;
    site.owner.says("nodes --offline").await;
    site.owner.sees("web-2").await;
    site.owner.says("drift -t nothing").await;
    site.owner.sees("No node of type nothing").await;
    site.owner.says("health").await;
    site.owner.sees("systemctl status jarvis-node").await;
}
