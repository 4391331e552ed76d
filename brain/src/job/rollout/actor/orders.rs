//! What an update sends: packages, orders, and the order to go back.

use jarvis_proto::node::{SignedOrder, Update, order};
use prost::Message as _;
use tokio::time::Instant;
use tracing::info;

use super::{Rollout, Sending};
use crate::job::TaskState;
use crate::job::ending::TaskEnding;
use crate::job::orders::make;
use crate::job::rollout::{Outcome, Phase, UpdateKind, WayBack, package};

impl Rollout {
    /// Sends the package beside all other work.
    pub(super) fn start_sending(&mut self, position: usize) {
        let (Some(package), live) = (self.spec.package.clone(), &self.nodes[position].live) else {
            return;
        };
        let folder = self.package_folder(position);
        let (brain, node, address) = (self.brain.clone(), live.node.clone(), live.address.clone());
        let news = self.sendings.0.clone();
        self.senders.spawn(async move {
            let meters = news.clone();
            let began = move |meter| {
                // Only for show.
                let _ = meters.try_send(Sending::Began { position, meter });
            };
            let result = if folder.is_empty() {
                Err("the node takes no packages".to_owned())
            } else {
                package::send(&brain, &node, &address, &folder, &package, began).await
            };
            let _ = news.send(Sending::Ended { position, result }).await;
        });
    }

    fn package_folder(&self, position: usize) -> String {
        self.status(position)
            .and_then(|status| status.facts)
            .map(|facts| facts.package_folder)
            .unwrap_or_default()
    }

    pub(super) async fn take_sending(&mut self, news: Sending) {
        match news {
            Sending::Began { position, meter } => self.nodes[position].now.meter = Some(meter),
            Sending::Ended { position, result } => match result {
                _ if self.nodes[position].part.phase != Phase::Sending => {}
                Ok(()) => self.order(position).await,
                Err(why) => self.over(position, Outcome::NotSent { why }).await,
            },
        }
    }

    /// Makes the order, stores it, and sends it.
    pub(super) async fn order(&mut self, position: usize) {
        let folder = self.package_folder(position);
        let now_ms = self.brain.now_ms();
        let node = &mut self.nodes[position];
        let mut update = Update {
            version: self.spec.wanted(&node.live.task.node).to_owned(),
            restart_only: self.spec.kind == UpdateKind::Restart,
            rollback: self.spec.kind == UpdateKind::Rollback,
            timeout_ms: self.spec.timeout_ms,
            ..Update::default()
        };
        if let Some(package) = &self.spec.package {
            update.package = package::place(&folder, package);
            update.package_blake3 = hex::decode(&package.blob).unwrap_or_default().into();
        }
        let order = &node.live.task.order;
        let body = order::Body::Update(update);
        let signed = make(&self.brain, &node.live.address, order, body);
        node.live.task.signed_order = signed.encode_to_vec();
        node.live.task.state = TaskState::Sent;
        node.part.phase = Phase::Working;
        node.part.sent_ms = now_ms;
        node.now.working_since = Some(Instant::now());
        self.listen(position);
        self.keep(position).await;
        self.ask_or_send(position).await;
    }

    pub(super) fn listen(&self, position: usize) {
        let node = &self.nodes[position];
        let order = node.current_order();
        let orders = self.brain.orders();
        orders.add_job(order, &node.live.node, self.reports.0.clone());
    }

    /// A new order goes out. One that the node has is asked about. The same bytes twice are harmless.
    pub(super) async fn ask_or_send(&mut self, position: usize) {
        let node = &self.nodes[position];
        let root = self.brain.root();
        let is_taken = node.live.task.state == TaskState::Running && node.part.way_back.is_none();
        let sent = if is_taken {
            root.reconcile(&node.live.node, vec![node.current_order().to_owned()])
                .await
        } else {
            match SignedOrder::decode(node.current_signed()) {
                Ok(signed) => root.send(&node.live.node, &signed).await,
                Err(_) => return,
            }
        };
        if let Err(error) = sent {
            info!(%error, node.name = %node.live.node, "the order goes out when the node is back");
        }
    }

    /// Orders a node on which it failed back to its old version.
    pub(super) async fn go_back(
        &mut self,
        position: usize,
        outcome: Outcome,
        incarnation: String,
        is_there: bool,
    ) {
        let now_ms = self.brain.now_ms();
        let node = &mut self.nodes[position];
        self.brain.orders().remove(&node.live.task.order);
        let mut way = WayBack {
            order: uuid::Uuid::now_v7().to_string(),
            signed: Vec::new(),
            incarnation,
            sent_ms: now_ms,
            worked: None,
            why: String::new(),
        };
        // A node that replaces its own program has brought the old one back by itself.
        let is_undone = node
            .live
            .ending
            .as_ref()
            .and_then(TaskEnding::refusal)
            .is_some();
        if is_there && is_undone {
            way.worked = Some(true);
            node.part.way_back = Some(way);
            return self.over(position, outcome).await;
        }
        let body = order::Body::Update(Update {
            version: node.part.old_version.clone(),
            rollback: true,
            timeout_ms: self.spec.timeout_ms,
            ..Update::default()
        });
        way.signed = make(&self.brain, &node.live.address, &way.order, body).encode_to_vec();
        node.part.way_back = Some(way);
        node.part.outcome = Some(outcome);
        node.part.phase = Phase::GoingBack;
        node.now.restarting_since = None;
        node.now.working_since = Some(Instant::now());
        self.listen(position);
        self.keep(position).await;
        self.ask_or_send(position).await;
    }
}
