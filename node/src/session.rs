//! One session with one root, from the first frame to the last.

use std::sync::Arc;
use std::time::Duration;

use jarvis_nodeclient::{Address, NodeLink, RootMessage};
use jarvis_proto::node::Heartbeat;
use jarvis_proto::node::node_frame::Frame;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use crate::clock::now_ms;
use crate::core::Core;
use crate::orders;

/// A heartbeat is never sent more often than this, nor more seldom than hourly.
const FASTEST_HEARTBEAT: Duration = Duration::from_millis(20);
const SLOWEST_HEARTBEAT: Duration = Duration::from_secs(3600);

/// Serves a session until it is over, or the node stops, or its root is no longer trusted.
pub(crate) async fn serve(
    core: &Arc<Core>,
    me: &Address,
    link: NodeLink,
    mut inbox: mpsc::Receiver<RootMessage>,
) {
    // Whatever key a root has now, its orders are kept under the first.
    let root = core.trust.origin(link.root());
    tracing::info!(root = %link.root(), name = link.welcome().node_name, "session begins");
    let number = core.lines.add(&root, &link);
    core.updates.session_with(&root);
    // Three lanes that never wait for each other: a full line holds up neither orders nor cancels.
    tokio::select! {
        () = listen(core, &root, &link, &mut inbox) => {}
        () = tell_again(core, &root) => {}
        () = beat(core, me, &link) => {}
        () = core.stopping.cancelled() => {
            // Endings of jobs that are being stopped still go out.
            core.tasks.wait().await;
            link.close("the node was stopped").await;
        }
    }
    core.lines.remove(&root, number);
    let reason = link.closed().await;
    tracing::info!(root = %root, %reason, "session over");
}

async fn listen(
    core: &Arc<Core>,
    root: &Address,
    link: &NodeLink,
    inbox: &mut mpsc::Receiver<RootMessage>,
) {
    while let Some(message) = inbox.recv().await {
        match message {
            RootMessage::Order(order) => {
                orders::take(core, root, link.root_clock_offset_ms(), order);
            }
            RootMessage::EndedAck(order) => {
                if let Err(error) = core.ledger.acknowledge(root, &order) {
                    tracing::error!(order, %error, "the acknowledgement cannot be written to the journal");
                }
            }
            RootMessage::Reconcile(orders) => {
                let (core, root) = (Arc::clone(core), root.clone());
                let tasks = core.tasks.clone();
                tasks.spawn(async move {
                    for order in orders {
                        core.tell_state(&root, &order).await;
                    }
                });
            }
        }
    }
}

/// Tells the root each ending that it has not acknowledged, then waits for ever.
async fn tell_again(core: &Core, root: &Address) {
    for order in core.ledger.unacknowledged(root) {
        core.tell_state(root, &order).await;
    }
    std::future::pending::<()>().await;
}

/// Sends heartbeats; returns when the root is no longer trusted, or this node has another key.
async fn beat(core: &Core, me: &Address, link: &NodeLink) {
    let mut renewals = core.renewals();
    let every = Duration::from_millis(link.welcome().heartbeat_ms)
        .clamp(FASTEST_HEARTBEAT, SLOWEST_HEARTBEAT);
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_tick = tokio::select! {
            _ = ticks.tick() => true,
            // The sender lives as long as the core.
            _ = renewals.changed() => false,
        };
        core.trust.retire(now_ms());
        if core.keys().address() != me {
            return link.close("the node has a new key").await;
        }
        if !core.trust.is_trusted(link.root()) {
            return link.close("this root is no longer trusted").await;
        }
        if !is_tick {
            continue;
        }
        let load = core.load.measure(core.data(), core.jobs.in_use());
        if link
            .send(Frame::Heartbeat(Heartbeat { load: Some(load) }))
            .await
            .is_err()
        {
            return;
        }
    }
}
