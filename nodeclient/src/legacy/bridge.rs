//! A legacy node as a node like any other: orders become scripts, files and questions, and what comes
//! of them becomes the events of a session.

pub(super) mod ask;
mod files;
mod keep;
mod run;
mod short;
mod wrapper;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jarvis_proto::legacy::NodeBaseInfo;
use jarvis_proto::node::{
    Accepted, Done, Ended, Facts, Order, Progress, Refused, RefusedReason, SignedOrder, Unknown,
    ended, order, root_frame,
};
use prost::Message as _;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::ask::Asked;
pub(crate) use self::keep::keep;
use super::PeerStatus;
use crate::clock::unix_ms;
use crate::root::Shared;
use crate::root::event::{DisconnectReason, RootEvent};
use crate::root::registry::{Admission, SessionHandle};
use crate::stop::Stop;

/// Orders that may wait for the node.
const QUEUE: usize = 64;
/// How long asking a node about itself may hold up its session.
const FACTS: Duration = Duration::from_secs(10);
/// Endings that are kept until somebody acknowledges them.
const MOST_KEPT: usize = 10_000;

/// What came of an order.
pub(super) enum Outcome {
    Refused(Refused),
    Ended(ended::Outcome),
}

impl Outcome {
    fn refused(reason: RefusedReason, detail: &str) -> Self {
        Self::Refused(Refused {
            reason: reason.into(),
            detail: format!(
                "legacy node: {}",
                detail.chars().take(500).collect::<String>()
            ),
            ..Refused::default()
        })
    }

    fn too_large(size: u64, detail: &str) -> Self {
        match Self::refused(RefusedReason::TooLarge, detail) {
            Self::Refused(refused) => Self::Refused(Refused { size, ..refused }),
            ended @ Self::Ended(_) => ended,
        }
    }

    fn done(detail: impl Into<String>) -> Self {
        Self::Ended(ended::Outcome::Done(Done {
            had_effect: true,
            detail: detail.into(),
            ..Done::default()
        }))
    }
}

/// What is known of an order.
#[derive(Default)]
struct Known {
    accepted_ms: Option<i64>,
    progress: Option<Progress>,
    ended: Option<Ended>,
}

/// One legacy node, through all its sessions.
pub(super) struct Bridge {
    shared: Arc<Shared>,
    asked: Asked,
    /// How often a running job is looked after.
    beat: Duration,
    orders: Mutex<HashMap<String, Known>>,
    /// Cancelled when its present connection is over.
    line: Mutex<CancellationToken>,
}

impl Bridge {
    /// Cancelled when the present connection is over: what it was to bring does not come any more.
    fn line(&self) -> CancellationToken {
        let line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        line.clone()
    }

    fn orders(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One connection, from its greeting to its end.
    async fn session(
        self: &Arc<Self>,
        server_address: &str,
        peer: &PeerStatus,
        over: CancellationToken,
    ) {
        self.line
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(&over);
        let (line, mut frames) = mpsc::channel(QUEUE);
        let handle = SessionHandle {
            line,
            stop: Stop::new(),
            finished: CancellationToken::new(),
        };
        let _finished = handle.finished.clone().drop_guard();
        let address = &self.asked.address;
        let facts = self.facts(&peer.info).await;
        let incarnation = hex::encode(rand::random::<[u8; 16]>());
        let admission = self.shared.registry.admit(address, &handle, |status| {
            status.incarnation = Some(incarnation);
            status.facts = Some(facts);
            status.peer = Some(format!("legacy {server_address}"));
            status.clock_offset_ms = peer.clock_offset_s.saturating_mul(1000);
        });
        let Admission::Admitted {
            status,
            same_incarnation,
        } = admission
        else {
            return;
        };
        let name = status.name.clone();
        tracing::info!(node.name = %name, at = server_address, "legacy node connected");
        // What runs there was given by an earlier life of ours, or is known to whoever asks.
        let connected = RootEvent::Connected {
            node: name.clone(),
            status,
            open_orders: Vec::new(),
            same_incarnation,
        };
        let _ = self.shared.events.send(connected).await;
        let reason = loop {
            tokio::select! {
                reason = handle.stop.asked() => break reason,
                () = self.shared.stop.cancelled() => break DisconnectReason::Stopping,
                () = over.cancelled() => {
                    break DisconnectReason::LineCut("the legacy node ended it".into());
                }
                frame = frames.recv() => match frame {
                    Some(Ok(frame)) => self.take(frame.frame).await,
                    Some(Err(_)) | None => break DisconnectReason::LineCut("the line was cut".into()),
                },
            }
        };
        tracing::info!(node.name = %name, %reason, "legacy node disconnected");
        over.cancel();
        self.shared.registry.offline(address, &handle);
        let node = self.shared.registry.name_of(address).unwrap_or(name);
        let disconnected = RootEvent::Disconnected { node, reason };
        tokio::select! {
            _ = self.shared.events.send(disconnected) => {}
            () = self.shared.kill.cancelled() => {}
        }
        self.shared.registry.release(address, &handle);
    }

    /// What a legacy node tells of itself, and what two files say.
    async fn facts(&self, info: &NodeBaseInfo) -> Facts {
        let mut facts = Facts {
            node_type: info.node_type.clone(),
            version: info.node_type_version.clone(),
            core_version: info.core_version.clone(),
            legacy: true,
            ..Facts::default()
        };
        let look = async {
            match self.asked.whole("/etc/hostname").await {
                Ok(name) => facts.hostname = one_line(&name),
                Err(fault) if fault.reason() == RefusedReason::UntrustedRoot => {
                    tracing::warn!(node.address = %self.asked.address, "this legacy node does not trust this root: put the root's address into its `lsttrustnode`");
                    return;
                }
                Err(fault) => tracing::debug!(%fault, "a legacy node does not tell its name"),
            }
            if let Ok(release) = self.asked.whole("/etc/os-release").await {
                let release = String::from_utf8_lossy(&release);
                let name = release
                    .lines()
                    .find_map(|line| line.strip_prefix("PRETTY_NAME="));
                facts.os = one_line(name.unwrap_or_default().trim_matches('"').as_bytes());
            }
        };
        if timeout(FACTS, look).await.is_err() {
            tracing::debug!("a legacy node is slow to tell of itself");
        }
        facts
    }

    async fn take(self: &Arc<Self>, frame: Option<root_frame::Frame>) {
        match frame {
            Some(root_frame::Frame::Order(signed)) => self.order(signed).await,
            Some(root_frame::Frame::Reconcile(ask)) => {
                for order in ask.orders {
                    self.reconcile(order).await;
                }
            }
            Some(root_frame::Frame::EndedAck(ack)) => {
                self.orders().remove(&ack.order);
            }
            _ => {}
        }
    }

    fn spawn(self: &Arc<Self>, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.shared.stop.clone();
        self.shared
            .tasks
            .spawn(stop.run_until_cancelled_owned(work));
    }

    async fn order(self: &Arc<Self>, signed: SignedOrder) {
        // Our own bytes; they are signed for nodes that check that.
        let Ok(order) = Order::decode(signed.order) else {
            return tracing::error!("an order of ours cannot be read");
        };
        if self.orders().contains_key(&order.id) {
            return self.tell_state(&order.id).await;
        }
        self.orders().insert(order.id.clone(), Known::default());
        let bridge = Arc::clone(self);
        self.spawn(async move {
            let outcome = if unix_ms() > order.expires_ms {
                Outcome::refused(RefusedReason::Expired, "the order came too late")
            } else {
                bridge.carry_out(&order.id, order.body).await
            };
            bridge.end(&order.id, outcome).await;
        });
    }

    async fn carry_out(self: &Arc<Self>, order: &str, body: Option<order::Body>) -> Outcome {
        match body {
            Some(order::Body::Run(job)) => run::run(self, order, job).await,
            Some(order::Body::Put(put)) => files::put(self, order, put).await,
            Some(order::Body::Get(get)) => files::get(self, order, get).await,
            Some(order::Body::Cancel(cancel)) => self.cancel(order, &cancel.order).await,
            Some(order::Body::ClearLogs(clear)) => self.clear_logs(order, &clear).await,
            Some(order::Body::Update(update)) => self.update(order, &update).await,
            Some(order::Body::Trust(_)) => Outcome::refused(
                RefusedReason::NotSupported,
                "no trust orders: change `lsttrustnode` in its configuration",
            ),
            _ => Outcome::refused(RefusedReason::NotSupported, "it cannot do that"),
        }
    }

    /// The node has the order.
    async fn accepted(&self, order: &str) {
        let now = unix_ms();
        let is_new = self
            .orders()
            .get_mut(order)
            .is_some_and(|known| known.accepted_ms.replace(now).is_none());
        if is_new {
            self.tell_accepted(order, now).await;
        }
    }

    async fn tell_accepted(&self, order: &str, time_ms: i64) {
        let accepted = Accepted {
            order: order.to_owned(),
            time_ms,
        };
        self.tell(|node| RootEvent::Accepted { node, accepted })
            .await;
    }

    fn progress(&self, progress: Progress) {
        if let Some(known) = self.orders().get_mut(&progress.order) {
            known.progress = Some(progress.clone());
        }
        if let Some(node) = self.shared.registry.name_of(&self.asked.address) {
            let _ = self
                .shared
                .events
                .try_send(RootEvent::Progress { node, progress });
        }
    }

    async fn end(&self, order: &str, outcome: Outcome) {
        let accepted_ms = self.orders().get(order).and_then(|known| known.accepted_ms);
        let outcome = match (outcome, accepted_ms) {
            (Outcome::Refused(refused), None) => {
                self.orders().remove(order);
                let order = order.to_owned();
                let refused = Refused { order, ..refused };
                return self.tell(|node| RootEvent::Refused { node, refused }).await;
            }
            // Refused after it was taken: it failed.
            (Outcome::Refused(refused), Some(_)) => {
                let order = order.to_owned();
                ended::Outcome::Failed(Refused { order, ..refused })
            }
            (Outcome::Ended(outcome), _) => outcome,
        };
        let now = unix_ms();
        let ended = Ended {
            order: order.to_owned(),
            started_ms: accepted_ms.unwrap_or(now),
            ended_ms: now,
            outcome: Some(outcome),
        };
        {
            let mut orders = self.orders();
            if orders.len() > MOST_KEPT {
                orders.retain(|_, known| known.ended.is_none());
            }
            if let Some(known) = orders.get_mut(order) {
                known.ended = Some(ended.clone());
            }
        }
        let ended = Box::new(ended);
        self.tell(|node| RootEvent::Ended { node, ended }).await;
    }

    async fn reconcile(self: &Arc<Self>, order: String) {
        if self.orders().contains_key(&order) {
            return self.tell_state(&order).await;
        }
        if uuid::Uuid::try_parse(&order).is_err() {
            return;
        }
        self.orders().insert(order.clone(), Known::default());
        let bridge = Arc::clone(self);
        self.spawn(async move {
            match run::recover(&bridge, &order).await {
                Some(outcome) => bridge.end(&order, outcome).await,
                None => {
                    bridge.orders().remove(&order);
                    let unknown = Unknown { order };
                    bridge
                        .tell(|node| RootEvent::Unknown { node, unknown })
                        .await;
                }
            }
        });
    }

    async fn tell_state(&self, order: &str) {
        let (accepted_ms, progress, ended) = match self.orders().get(order) {
            Some(known) => (
                known.accepted_ms,
                known.progress.clone(),
                known.ended.clone(),
            ),
            None => return,
        };
        if let Some(ended) = ended {
            let ended = Box::new(ended);
            return self.tell(|node| RootEvent::Ended { node, ended }).await;
        }
        if let Some(time_ms) = accepted_ms {
            self.tell_accepted(order, time_ms).await;
        }
        if let Some(progress) = progress {
            self.tell(|node| RootEvent::Progress { node, progress })
                .await;
        }
    }

    async fn tell(&self, event: impl FnOnce(crate::name::NodeName) -> RootEvent) {
        if let Some(node) = self.shared.registry.name_of(&self.asked.address) {
            tokio::select! {
                _ = self.shared.events.send(event(node)) => {}
                () = self.shared.stop.cancelled() => {}
            }
        }
    }
}

fn one_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().next().unwrap_or_default().trim();
    line.chars().filter(|c| !c.is_control()).take(100).collect()
}
