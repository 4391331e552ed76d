//! Orders to a real `jarvis-node`, given by a root that this test plays: what is refused, and what a
//! killed node still knows.

use std::time::Duration;

use jarvis_nodeclient::{
    Address, Enrolment, Identity, NodeName, OrderSpec, Root, RootEvent, RootOptions, sign_order,
    unix_ms,
};
use jarvis_proto::node::{
    CancelOrder, Ended, RefusedReason, RunJob, SignedOrder, ended, order, run_ended,
};
use jarvis_tests::node::Node;
use jarvis_tests::process::PATIENCE;
use tokio::sync::mpsc;
use tokio::time::timeout;

struct Network {
    root: Root,
    events: mpsc::Receiver<RootEvent>,
    node: Node,
    address: Address,
    name: NodeName,
}

impl Network {
    async fn start() -> Self {
        let options = RootOptions {
            heartbeat: Duration::from_millis(500),
            ..RootOptions::default()
        };
        let (root, events) = Root::start(Identity::generate(), options);
        let at = root.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let mut node = Node::new("web-1", &root.address().to_string(), at)
            .await
            .unwrap();
        let name = NodeName::parse("web-1").unwrap();
        let address = Address::parse(node.address()).unwrap();
        root.enroll(Enrolment::new(name.clone(), address.clone()));
        node.start().unwrap();
        let mut network = Self {
            root,
            events,
            node,
            address,
            name,
        };
        network.is_connected().await;
        network
    }

    /// The next event that `pick` takes.
    async fn next<T>(&mut self, what: &str, pick: impl Fn(RootEvent) -> Option<T>) -> T {
        let search = async {
            while let Some(event) = self.events.recv().await {
                if let Some(picked) = pick(event) {
                    return picked;
                }
            }
            panic!("the root has ended");
        };
        match timeout(PATIENCE, search).await {
            Ok(found) => found,
            Err(_) => panic!(
                "{what} did not come; the node said:\n{}",
                self.node.everything_said()
            ),
        }
    }

    /// Open orders that the node names when it connects.
    async fn is_connected(&mut self) -> Vec<String> {
        self.next("a session", |event| match event {
            RootEvent::Connected { open_orders, .. } => Some(open_orders),
            _ => None,
        })
        .await
    }

    async fn refused(&mut self) -> RefusedReason {
        self.next("a refusal", |event| match event {
            RootEvent::Refused { refused, .. } => Some(refused.reason()),
            RootEvent::Accepted { accepted, .. } => panic!("it was accepted: {accepted:?}"),
            _ => None,
        })
        .await
    }

    async fn ended(&mut self, order: &str) -> Ended {
        self.next("an ending", |event| match event {
            RootEvent::Ended { ended, .. } if ended.order == order => Some(*ended),
            _ => None,
        })
        .await
    }

    fn run(&self, script: &str) -> (String, SignedOrder) {
        let spec = run(script);
        (spec.id.clone(), self.root.sign(&self.address, spec))
    }

    async fn send(&self, order: &SignedOrder) {
        self.root.send(&self.name, order).await.unwrap();
    }
}

fn run(script: &str) -> OrderSpec {
    OrderSpec {
        id: uuid::Uuid::now_v7().to_string(),
        issued_ms: unix_ms(),
        expires_ms: unix_ms() + 60_000,
        body: order::Body::Run(RunJob {
            script: script.to_owned(),
            ..RunJob::default()
        }),
    }
}

/// Exit code and output of a job that ran to its end.
fn exit(ended: &Ended) -> (i32, String) {
    let Some(ended::Outcome::Run(run)) = &ended.outcome else {
        panic!("{ended:?}");
    };
    let Some(run_ended::How::ExitCode(code)) = run.how else {
        panic!("{ended:?}");
    };
    (code, String::from_utf8_lossy(&run.stdout_tail).into_owned())
}

#[tokio::test]
async fn wrong_orders_are_refused_each_for_its_reason_and_nothing_runs() {
    let mut network = Network::start().await;
    let proof = network.node.folder().join("proof");
    let script = format!("touch {}", proof.display());

    let stranger = Identity::generate();
    let foreign = sign_order(&stranger, &network.address, run(&script));
    network.send(&foreign).await;
    assert_eq!(network.refused().await, RefusedReason::UntrustedRoot);

    // One changed letter of the script: the signature covers all of it.
    let (_, mut tampered) = network.run(&format!("{script} # {}", "x".repeat(100)));
    let mut bytes = tampered.order.to_vec();
    let last = bytes.iter().rposition(|byte| *byte == b'x').unwrap();
    bytes[last] = b'y';
    tampered.order = bytes.into();
    network.send(&tampered).await;
    assert_eq!(network.refused().await, RefusedReason::BadSignature);

    let elsewhere = network
        .root
        .sign(Identity::generate().address(), run(&script));
    network.send(&elsewhere).await;
    assert_eq!(network.refused().await, RefusedReason::WrongNode);

    let expired = OrderSpec {
        expires_ms: unix_ms() - 60_000,
        ..run(&script)
    };
    let expired = network.root.sign(&network.address, expired);
    network.send(&expired).await;
    assert_eq!(network.refused().await, RefusedReason::Expired);
    assert!(!proof.exists(), "nothing of it ran");

    // A used id with other content.
    let (id, first) = network.run("printf first");
    network.send(&first).await;
    assert_eq!(exit(&network.ended(&id).await), (0, "first".to_owned()));
    let second = network
        .root
        .sign(&network.address, OrderSpec { id, ..run(&script) });
    network.send(&second).await;
    assert_eq!(network.refused().await, RefusedReason::Replayed);
    assert!(!proof.exists());
}

#[tokio::test]
async fn the_same_order_again_is_answered_and_runs_once() {
    let mut network = Network::start().await;
    let count = network.node.folder().join("count");
    let (id, order) = network.run(&format!("echo x >> {}", count.display()));
    for _ in 0..3 {
        network.send(&order).await;
        assert_eq!(exit(&network.ended(&id).await).0, 0);
    }
    // Also by a new process with the old journal.
    network.node.kill().await.unwrap();
    network.node.start().unwrap();
    network.is_connected().await;
    network.send(&order).await;
    assert_eq!(exit(&network.ended(&id).await).0, 0);
    assert_eq!(std::fs::read_to_string(count).unwrap(), "x\n");
}

#[tokio::test]
async fn what_has_ended_is_known_after_a_kill_until_it_is_acknowledged() {
    let mut network = Network::start().await;
    let (id, order) = network.run("printf done; exit 7");
    network.send(&order).await;
    assert_eq!(exit(&network.ended(&id).await), (7, "done".to_owned()));
    network.node.kill().await.unwrap();
    network.node.start().unwrap();
    let open = network.is_connected().await;
    assert_eq!(open, std::slice::from_ref(&id));
    network
        .root
        .reconcile(&network.name, vec![id.clone()])
        .await
        .unwrap();
    assert_eq!(exit(&network.ended(&id).await), (7, "done".to_owned()));
    network.root.acknowledge(&network.name, &id).await.unwrap();
    // A later order is answered after the acknowledgement was taken.
    let (next, order) = network.run("true");
    network.send(&order).await;
    network.ended(&next).await;
    network
        .root
        .acknowledge(&network.name, &next)
        .await
        .unwrap();
    network.node.running().unwrap().stop().await.unwrap();
    network.node.start().unwrap();
    let open = network.is_connected().await;
    assert!(!open.contains(&id), "{open:?}");
}

#[tokio::test]
async fn what_ran_during_a_kill_is_lost_and_its_processes_are_dead() {
    let mut network = Network::start().await;
    let pid = network.node.folder().join("pid");
    let (id, order) = network.run(&format!(
        "echo $$ > {0}.new; mv {0}.new {0}; echo ready; sleep 1000",
        pid.display()
    ));
    network.send(&order).await;
    network
        .next("progress", |event| match event {
            RootEvent::Progress { progress, .. } if progress.tail.contains("ready") => Some(()),
            _ => None,
        })
        .await;
    network.node.kill().await.unwrap();
    network.node.start().unwrap();
    assert_eq!(network.is_connected().await, std::slice::from_ref(&id));
    network
        .root
        .reconcile(&network.name, vec![id.clone()])
        .await
        .unwrap();
    let ended = network.ended(&id).await;
    assert!(
        matches!(ended.outcome, Some(ended::Outcome::Lost(_))),
        "{ended:?}"
    );
    let pid = std::fs::read_to_string(pid).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.trim()));
    assert!(status.is_err() || status.unwrap().contains("State:\tZ"));
}

#[tokio::test]
async fn a_cancel_overtakes_a_job_that_talks_without_end() {
    let mut network = Network::start().await;
    let (id, order) = network.run("trap '' TERM; yes");
    network.send(&order).await;
    network
        .next("progress", |event| match event {
            RootEvent::Progress { progress, .. } if progress.order == id => Some(()),
            _ => None,
        })
        .await;
    let cancel = OrderSpec {
        body: order::Body::Cancel(CancelOrder {
            order: id.clone(),
            grace_ms: 100,
        }),
        ..run("")
    };
    let cancel = network.root.sign(&network.address, cancel);
    network.send(&cancel).await;
    let ended = network.ended(&id).await;
    let Some(ended::Outcome::Run(run)) = ended.outcome else {
        panic!("{ended:?}");
    };
    assert!(run.cancelled, "{run:?}");
}
