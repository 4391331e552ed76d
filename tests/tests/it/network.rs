//! A real network that loses packets, between a brain and a node in network namespaces of their own.

use std::sync::Arc;
use std::time::Duration;

use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::network::Network;
use jarvis_tests::node::Node;
use jarvis_tests::process::PATIENCE;
use jarvis_tests::square::{Bot, Square};
use tokio::time::{Instant, sleep};

async fn node_becomes(square: &Square, state: &str) {
    let until = Instant::now() + PATIENCE;
    loop {
        let answer = square.ask(0, "node web-1").await;
        if answer.contains(state) {
            return;
        }
        assert!(Instant::now() < until, "not {state}: {answer}");
        sleep(Duration::from_millis(50)).await;
    }
}

fn ran(node: &Node) -> Vec<String> {
    let text = std::fs::read_to_string(node.folder().join("data/files/ran")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_pulled_cable_is_noticed_at_both_ends_and_loses_no_order() {
    let Some(network) = Network::lay().unwrap() else {
        return;
    };
    let [brain_end, node_end] = network.ends();
    let mut jarvis = Jarvis::new().unwrap();
    jarvis.move_to(brain_end).unwrap();
    let _brain = jarvis.brain().await.unwrap();
    let root = jarvis.root().await.unwrap();
    let mut node = Node::new("web-1", &root, jarvis.nodes()).await.unwrap();
    node.configure("redial_at_most = \"300ms\"").unwrap();
    let square = Square::default();
    let bot = Bot {
        square: square.clone(),
        repeated: Arc::default(),
    };
    let socket = format!("unix:{}", jarvis.data().join("jarvis.sock").display());
    let _bot = bot.live(socket.parse().unwrap(), None);
    let enroll = format!("enroll web-1 {}", node.address());
    square.ask(0, &enroll).await;
    node.start_at(&node_end).unwrap();
    node_becomes(&square, "online since").await;

    // One job runs when the cable is pulled, and ends before it is plugged in again.
    let asking = square.clone();
    let running = tokio::spawn(async move {
        let job = "run web-1 echo first >> ran; sleep 0.5; echo went on";
        asking.ask(1, job).await
    });
    let until = Instant::now() + PATIENCE;
    while ran(&node).is_empty() {
        assert!(Instant::now() < until, "the job does not start");
        sleep(Duration::from_millis(20)).await;
    }
    network.pull().unwrap();
    // No packet says so: only the missing heartbeats do, at both ends.
    node_becomes(&square, "offline since").await;
    node.running().unwrap();
    let silent = "the root was silent";
    let until = Instant::now() + PATIENCE;
    while !node.everything_said().contains(silent) {
        assert!(Instant::now() < until, "{}", node.everything_said());
        sleep(Duration::from_millis(20)).await;
    }
    // Another one is ordered meanwhile.
    let asking = square.clone();
    let waiting = tokio::spawn(async move {
        let job = "run --wait 2m web-1 echo second >> ran; echo came late";
        asking.ask(2, job).await
    });
    square.ask(0, "version").await;
    network.plug().unwrap();
    let (first, second) = (running.await.unwrap(), waiting.await.unwrap());
    assert!(first.contains("went on"), "{first}");
    assert!(second.contains("came late"), "{second}");
    assert_eq!(ran(&node), ["first", "second"]);

    // Packets that come late, in another order, or not at all.
    if network.disturb(&["delay", "40ms", "30ms", "loss", "10%"]) {
        for number in 0..10 {
            let job = format!("run --wait 2m web-1 echo {number} >> ran; echo did {number}");
            let end = square.ask(3, &job).await;
            assert!(end.contains(&format!("did {number}")), "{end}");
        }
        assert_eq!(ran(&node).len(), 12, "{:?}", ran(&node));
    }
}
