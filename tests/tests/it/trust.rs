//! Whom nodes obey, and keys that change.

use std::path::Path;
use std::time::Duration;

use jarvis_brain::{Brain, BrainConfig, Clock};
use jarvis_nodeclient::{Identity, unix_ms};
use jarvis_tests::console::word_after;
use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::node::Node;
use jarvis_tests::process::PATIENCE;
use jarvis_tests::site::{Site, TelegramSite};
use tokio::time::{Instant, sleep};

/// The `trust` list of a node's file, and the rest of it.
fn config_of(node: &Node) -> String {
    std::fs::read_to_string(node.config()).unwrap()
}

#[tokio::test]
async fn two_roots_order_at_once_until_one_is_removed() {
    let mut site = Site::with_nodes(&["web-1"]).await.unwrap();
    let mut other = Site::start(Jarvis::new().unwrap(), &[]).await.unwrap();
    let (mine, theirs) = (
        site.jarvis.root().await.unwrap(),
        other.jarvis.root().await.unwrap(),
    );
    site.owner
        .says(&format!("trust web-1 {theirs} --yes"))
        .await;
    site.owner.sees("obeys").await;
    site.owner.says("trusted web-1").await;
    let listed = site.owner.sees("(this Jarvis)").await;
    assert!(
        listed.contains(&mine) && listed.contains(&theirs),
        "{listed}"
    );

    let (address, at) = (site.node(0).address().to_owned(), other.jarvis.nodes());
    let config = format!(
        "{}\n[[root]]\naddress = \"{theirs}\"\nconnect = \"{at}\"\n",
        config_of(site.node(0))
    );
    std::fs::write(site.node(0).config(), config).unwrap();
    other.owner.says(&format!("enroll shared {address}")).await;
    other.owner.sees("I know shared now").await;
    site.node(0).kill().await.unwrap();
    site.node(0).start().unwrap();
    other.is_online("shared").await;
    site.is_online("web-1").await;

    // Both wait for the same file: they run at the same time.
    let go = site.node(0).folder().join("go");
    let wait = format!("while [ ! -e {} ]; do sleep 0.05; done; echo", go.display());
    site.owner
        .says(&format!("run web-1 {wait} for the first"))
        .await;
    other
        .owner
        .says(&format!("run shared {wait} for the second"))
        .await;
    site.owner.says("node web-1").await;
    site.owner.sees("Running: ").await;
    other.owner.says("node shared").await;
    other.owner.sees("Running: ").await;
    std::fs::write(&go, "").unwrap();
    site.owner.sees("for the first").await;
    other.owner.sees("for the second").await;
    assert_eq!(site.owner.count("second"), 0);
    assert_eq!(other.owner.count("first"), 0);

    // Removed at once, and after a restart as well.
    site.owner
        .says(&format!("untrust web-1 {theirs} --yes"))
        .await;
    site.owner.sees("no longer obeys").await;
    other.is_offline("shared").await;
    site.node(0).kill().await.unwrap();
    site.node(0).start().unwrap();
    site.is_online("web-1").await;
    other.is_offline("shared").await;
    assert!(!config_of(site.node(0)).contains(&format!("\"{theirs}\"]")));

    // The last one stays, even for a yes to the warning.
    site.owner
        .says(&format!("untrust web-1 {mine} --yes"))
        .await;
    let asked = site.owner.sees("yes ").await;
    let code = word_after(&asked, "yes ").unwrap();
    site.owner.says(&format!("yes {code}")).await;
    site.owner.sees("the last root that this node trusts").await;
    site.owner.says("run web-1 echo still obeyed").await;
    site.owner.sees("still obeyed").await;
}

#[tokio::test]
async fn a_node_gets_a_new_key_and_the_brain_knows_it() {
    let mut site = Site::with_nodes(&["web-1"]).await.unwrap();
    let old = site.node(0).address().to_owned();
    site.owner.says("rotatekey web-1 --yes").await;
    site.owner.sees("has a new key").await;
    site.owner
        .says("run web-1 --wait 20s echo under the new key")
        .await;
    site.owner.sees("under the new key").await;
    site.owner.says("keys").await;
    let line = site.owner.sees("stays good for").await;
    assert!(line.contains(&old), "{line}");
    // Everybody dies and comes back.
    site.kill_brain().await.unwrap();
    site.node(0).kill().await.unwrap();
    site.start_brain().await.unwrap();
    site.node(0).start().unwrap();
    site.owner = site.jarvis.chat().unwrap();
    site.is_online("web-1").await;
    site.owner.says("run web-1 echo and again").await;
    site.owner.sees("and again").await;

    // A backup with the old key is the same node as long as that one is good.
    site.node(0).kill().await.unwrap();
    let folder = site.node(0).folder().to_owned();
    std::fs::rename(folder.join("node.key.old"), folder.join("node.key")).unwrap();
    site.node(0).start().unwrap();
    site.is_online("web-1").await;
    site.owner.says("run web-1 echo from a backup").await;
    site.owner.sees("from a backup").await;
}

#[tokio::test]
async fn the_root_gets_a_new_key_and_nodes_follow_even_later() {
    let mut site = Site::with_nodes(&["web-1", "web-2"]).await.unwrap();
    let old = site.jarvis.root().await.unwrap();
    site.node(1).kill().await.unwrap();
    site.is_offline("web-2").await;
    let go = site.node(0).folder().join("go");
    let wait = format!("while [ ! -e {} ]; do sleep 0.05; done; echo", go.display());
    site.owner
        .says(&format!("run web-1 {wait} through the change"))
        .await;
    site.owner.says("node web-1").await;
    site.owner.sees("Running: ").await;

    site.owner.says("rotateroot --yes").await;
    site.owner.sees("has a new key").await;
    let new = site.jarvis.root().await.unwrap();
    assert_ne!(old, new);
    site.owner
        .says("run web-1 --wait 20s echo by the new one")
        .await;
    site.owner.sees("by the new one").await;
    std::fs::write(&go, "").unwrap();
    site.owner.sees("through the change").await;
    assert!(config_of(site.node(0)).contains(&format!("address = \"{new}\"")));
    site.owner.says("keys").await;
    site.owner.sees("Not yet heard of it: ").await;

    // The brain restarts, and the one that was away hears of it at its next contact.
    site.kill_brain().await.unwrap();
    site.start_brain().await.unwrap();
    site.owner = site.jarvis.chat().unwrap();
    site.node(1).start().unwrap();
    for name in ["web-1", "web-2"] {
        site.is_online(name).await;
    }
    site.owner.says("run * --yes echo all of them").await;
    site.owner.sees("all of them").await;
    site.owner.sees("all of them").await;
    site.node(1).kill().await.unwrap();
    site.node(1).start().unwrap();
    site.is_offline("web-2").await;
    site.is_online("web-2").await;
}

#[tokio::test]
async fn the_root_key_is_changed_at_the_server() {
    let mut site = Site::with_nodes(&["web-1"]).await.unwrap();
    let refused = site
        .jarvis
        .run(&["keys", "rotate"], "", PATIENCE)
        .await
        .unwrap();
    assert!(
        !refused.status.success() && refused.err.contains("/rotateroot"),
        "{}",
        refused.err
    );
    let old = site.jarvis.root().await.unwrap();
    site.kill_brain().await.unwrap();
    let rotated = site
        .jarvis
        .run(&["keys", "rotate"], "", PATIENCE)
        .await
        .unwrap()
        .good();
    assert!(rotated.contains(&old), "{rotated}");
    site.start_brain().await.unwrap();
    site.owner = site.jarvis.chat().unwrap();
    site.is_online("web-1").await;
    site.owner.says("run web-1 echo obeyed").await;
    site.owner.sees("obeyed").await;
}

#[tokio::test]
async fn a_node_that_comes_with_another_key_is_refused_and_owners_are_told_once() {
    let mut world = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let ann = world.person_with_role("ann", "owner").await;
    ann.says("/nodes");
    ann.sees("web-1").await;
    let node = world.site.node(0);
    node.kill().await.unwrap();
    std::fs::remove_file(node.folder().join("node.key")).unwrap();
    let thief = Identity::create_file(&node.folder().join("node.key")).unwrap();
    node.start().unwrap();
    let told = ann.sees("with another key").await;
    assert!(
        format!("{told:?}").contains(&thief.address().to_string()),
        "{told:?}"
    );
    assert_eq!(ann.room().count("with another key"), 1);
    // However often it comes, and to whatever brain: owners know it already.
    for _ in 0..2 {
        world.site.kill_brain().await.unwrap();
        world.site.start_brain().await.unwrap();
        let node = world.site.node(0);
        node.kill().await.unwrap();
        node.start().unwrap();
        let running = world.site.node(0).running().unwrap();
        running.logs("no session").await.unwrap();
    }
    world.site.is_offline("web-1").await;
    world.site.owner.says("health").await;
    world.site.owner.sees(&thief.address().to_string()).await;
    ann.says("/version");
    ann.sees("Jarvis 0.").await;
    let room = ann.room();
    assert_eq!(room.count("with another key"), 1, "{}", room.transcript());
}

#[tokio::test]
async fn a_clock_that_is_ten_minutes_off_locks_nobody_out() {
    for offset_ms in [600_000, -600_000] {
        let jarvis = Jarvis::new().unwrap();
        let data = jarvis.data();
        std::fs::create_dir_all(&data).unwrap();
        let mut config = BrainConfig::new(data.clone());
        config.node_listen = Some("127.0.0.1:0".parse().unwrap());
        config.messages_per_minute = 6000;
        // People's clocks are right, and what they say must not look old.
        config.too_old = Duration::from_secs(3600);
        // The brain's clock is wrong; to it, the node's is.
        let clock = Clock::from_fn(move || unix_ms() + offset_ms);
        let brain = Brain::start(config, Identity::generate(), clock)
            .await
            .unwrap();
        brain.serve_unix(&data.join("jarvis.sock")).await.unwrap();
        let mut owner = jarvis.chat().unwrap();
        let (root, at) = (
            brain.root().address().to_string(),
            brain.node_address().unwrap(),
        );
        let mut node = Node::new("web-1", &root, at).await.unwrap();
        owner
            .says(&format!("enroll web-1 {}", node.address()))
            .await;
        owner.sees("I know web-1 now").await;
        node.start().unwrap();
        owner.says("run web-1 --wait 20s echo in time").await;
        owner.sees("in time").await;
        owner.says("node web-1").await;
        let said = owner.sees("clock is off by").await;
        assert!(said.contains("10 min") || said.contains("9 min"), "{said}");
        owner.says("health").await;
        owner.sees("The clock of web-1 is off by").await;
        brain.shutdown().await;
    }
}

/// Waits until a file is there.
async fn appears(path: &Path) {
    let until = Instant::now() + PATIENCE;
    while !path.exists() {
        assert!(Instant::now() < until, "there is no {}", path.display());
        // There is no event for "a file appears" that is worth its code.
        sleep(Duration::from_millis(1)).await;
    }
}

/// What has happened when `kill -9` strikes: nothing that is known, the change is written down, or the
/// new key is in its place.
const MOMENTS: [Option<&str>; 3] = [None, Some("changes"), Some("old")];

#[tokio::test]
async fn a_brain_that_dies_while_its_key_changes_comes_back_with_one_that_nodes_obey() {
    for moment in MOMENTS {
        let mut site = Site::with_nodes(&["web-1"]).await.unwrap();
        let old = site.jarvis.root().await.unwrap();
        let go = site.node(0).folder().join("go");
        let wait = format!("while [ ! -e {} ]; do sleep 0.05; done; echo", go.display());
        site.owner.says(&format!("run web-1 {wait} went on")).await;
        site.owner.says("node web-1").await;
        site.owner.sees("Running: ").await;

        site.owner.says("rotateroot --yes").await;
        if let Some(moment) = moment {
            appears(&site.jarvis.data().join(format!("root.key.{moment}"))).await;
        }
        site.kill_brain().await.unwrap();
        site.start_brain().await.unwrap();
        // What was asked for is done, once, whether it was done before or not.
        let said = site.owner.sees("has a new key").await;
        let new = site.jarvis.root().await.unwrap();
        assert!(new != old && said.contains(&new), "{moment:?}: {said}");
        site.is_online("web-1").await;
        std::fs::write(&go, "").unwrap();
        site.owner.sees("went on").await;
        site.owner.says("run web-1 echo obeyed").await;
        site.owner.sees("obeyed").await;
        site.owner.says("keys").await;
        site.owner.sees(&format!("before it: {old}")).await;
        site.owner.sees("All nodes know it").await;
        assert_eq!(site.owner.count("has a new key"), 1, "{moment:?}");
        assert!(config_of(site.node(0)).contains(&format!("address = \"{new}\"")));
    }
}

#[tokio::test]
async fn whoever_dies_while_a_node_changes_its_key_the_node_stays_the_same() {
    for moment in MOMENTS.into_iter().flatten() {
        for brain_dies in [true, false] {
            let case = format!("{moment}, brain: {brain_dies}");
            let mut site = Site::with_nodes(&["web-1"]).await.unwrap();
            let old = site.node(0).address().to_owned();
            site.owner.says("rotatekey web-1 --yes").await;
            appears(&site.node(0).folder().join(format!("node.key.{moment}"))).await;
            if brain_dies {
                site.kill_brain().await.unwrap();
                site.start_brain().await.unwrap();
            } else {
                site.node(0).kill().await.unwrap();
                site.node(0).start().unwrap();
            }
            let ended = site.owner.sees("job 1 · web-1 · ").await;
            // A node that dies with an order in its hands says so; the key has changed or not.
            let is_known = ended.contains("has a new key");
            let is_lost = ended.contains("the node restarted while it ran");
            assert!(is_known || (is_lost && !brain_dies), "{case}: {ended}");
            site.is_online("web-1").await;
            site.owner.says("run web-1 --wait 20s echo obeyed").await;
            site.owner.sees("obeyed").await;
            site.owner.says("keys").await;
            let line = site.owner.sees("stays good for").await;
            assert!(line.contains(&format!("; {old} stays")), "{case}: {line}");
            assert_eq!(site.owner.count("job 1 · web-1 · "), 1, "{case}");
            assert_eq!(site.owner.count("stays good for"), 1, "{case}");
        }
    }
}

#[tokio::test]
async fn trust_and_keys_are_changed_from_a_phone() {
    let mut world = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let root = world.site.jarvis.root().await.unwrap();
    let bob = world.person_with_role("Bob", "operator").await;
    for command in ["/trusted web-1", "/rotatekey web-1", "/rotateroot"] {
        bob.says(command);
        bob.sees("That is for the role owner").await;
    }
    let li = world.person_speaking("李雷", "zh-hans", "owner").await;
    li.says("信任列表 web-1");
    li.sees(&format!("{root}（这个 Jarvis）")).await;
    li.says("/rotatekey web-1");
    li.sees("要给 web-1 换新密钥吗？").await;
    li.presses("是");
    li.sees("已换新密钥").await;
    li.says("/untrust web-1 1PMycacnJaSqwwJqjawXBErnLsZ7RkXUAs");
    li.sees("下达指令的权利吗").await;
    li.presses("否");
    li.sees("什么都没做").await;
    world.site.is_online("web-1").await;
    li.says("/rotateroot");
    li.sees("要给这个 Jarvis 换新密钥吗").await;
    li.presses("是");
    let said = li.sees("这个 Jarvis 已换新密钥").await;
    assert!(!said.text.contains(&root), "{}", said.text);
    li.says("/run web-1 --wait 20s echo 听从");
    li.sees("听从").await;
}
