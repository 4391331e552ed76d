//! Orders on their way: who in the brain waits for word of which order.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jarvis_nodeclient::{Address, NodeName, OrderSpec, RootEvent, SendError};
use jarvis_proto::node::{Accepted, CancelOrder, Ended, Progress, Refused, SignedOrder, order};
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, info, warn};

use crate::brain::Brain;

/// For how long a node may take an order that is sent at once.
const ORDER_LIFE: Duration = Duration::from_secs(300);
/// Reports that one job may have waiting.
pub(super) const REPORT_LIMIT: usize = 256;

/// What a node reports of an order.
#[derive(Debug, Clone)]
pub(super) enum Report {
    /// It is in the node's journal.
    Accepted(Accepted),
    /// It was not taken.
    Refused(Refused),
    /// It goes on.
    Progress(Progress),
    /// It ended.
    Ended(Ended),
    /// The node does not know it.
    Unknown,
}

/// A report, and the order it is about.
#[derive(Debug, Clone)]
pub(super) struct OrderReport {
    /// Id of the order.
    pub order: String,
    /// What happened.
    pub report: Report,
}

/// How a short order came out.
#[derive(Debug)]
pub(super) enum Ending {
    /// It was not taken.
    Refused(Refused),
    /// It was carried out.
    Ended(Ended),
}

/// Why nothing is known of a short order.
#[derive(Debug, thiserror::Error)]
pub(super) enum ErrandError {
    /// It could not be sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The line was cut before an answer came.
    #[error("the line to the node was cut")]
    Cut,
    /// No answer came.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
}

enum Waiting {
    /// A job with several orders.
    Job(mpsc::Sender<OrderReport>),
    /// One short order.
    Errand(oneshot::Sender<Ending>),
}

struct Route {
    node: NodeName,
    waiting: Waiting,
    /// Its place among the jobs on the node; 0 for short orders.
    place: u64,
}

#[derive(Default)]
struct Routes {
    by_order: HashMap<String, Route>,
    /// The places of the jobs on each node.
    on_node: HashMap<NodeName, BTreeSet<u64>>,
    last_place: u64,
}

impl Routes {
    fn take_out(&mut self, order: &str) -> Option<Route> {
        let route = self.by_order.remove(order)?;
        if let Some(places) = self.on_node.get_mut(&route.node) {
            places.remove(&route.place);
            if places.is_empty() {
                self.on_node.remove(&route.node);
            }
        }
        Some(route)
    }
}

/// Orders that somebody waits for.
#[derive(Default)]
pub struct Orders {
    routes: Mutex<Routes>,
}

impl std::fmt::Debug for Orders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Orders")
            .field("open", &self.open())
            .finish()
    }
}

/// Takes an order off the list when its owner is done with it.
#[derive(Debug)]
pub(super) struct RouteGuard<'a> {
    orders: &'a Orders,
    order: String,
}

impl Drop for RouteGuard<'_> {
    fn drop(&mut self) {
        self.orders.remove(&self.order);
    }
}

impl Orders {
    /// Reports of this order of this node go to the job.
    pub(super) fn add_job(&self, order: &str, node: &NodeName, reports: mpsc::Sender<OrderReport>) {
        let mut routes = self.lock();
        let place = match routes.by_order.get(order) {
            Some(known) => known.place,
            None => routes.last_place + 1,
        };
        routes.last_place = routes.last_place.max(place);
        routes
            .on_node
            .entry(node.clone())
            .or_default()
            .insert(place);
        let route = Route {
            node: node.clone(),
            waiting: Waiting::Job(reports),
            place,
        };
        routes.by_order.insert(order.to_owned(), route);
    }

    /// Nobody waits any more.
    pub(super) fn remove(&self, order: &str) {
        self.lock().take_out(order);
    }

    /// Orders that somebody waits for.
    pub fn open(&self) -> usize {
        self.lock().by_order.len()
    }

    /// Jobs that were sent to the node before this one and still go on there; all of them for an order
    /// that was not sent yet.
    pub(super) fn ahead(&self, node: &NodeName, order: &str) -> usize {
        let routes = self.lock();
        let place = routes
            .by_order
            .get(order)
            .map_or(u64::MAX, |route| route.place);
        routes
            .on_node
            .get(node)
            .map_or(0, |places| places.range(..place).count())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Routes> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes and signs an order that is to be taken now.
pub(super) fn make(brain: &Brain, node: &Address, id: &str, body: order::Body) -> SignedOrder {
    let now_ms = brain.now_ms();
    let life_ms = i64::try_from(ORDER_LIFE.as_millis()).unwrap_or(i64::MAX);
    let spec = OrderSpec {
        id: id.to_owned(),
        issued_ms: now_ms,
        expires_ms: now_ms + life_ms,
        body,
    };
    brain.root().sign(node, spec)
}

/// Sends a short order and waits for its end.
///
/// # Errors
/// See [`ErrandError`].
pub(super) async fn errand(
    brain: &Brain,
    node: &NodeName,
    signed: &SignedOrder,
    id: &str,
    limit: Duration,
) -> Result<Ending, ErrandError> {
    let (sender, receiver) = oneshot::channel();
    let route = Route {
        node: node.clone(),
        waiting: Waiting::Errand(sender),
        place: 0,
    };
    brain.orders().lock().by_order.insert(id.to_owned(), route);
    let _guard = RouteGuard {
        orders: brain.orders(),
        order: id.to_owned(),
    };
    brain.root().send(node, signed).await?;
    match tokio::time::timeout(limit, receiver).await {
        Ok(Ok(ending)) => Ok(ending),
        Ok(Err(_)) => Err(ErrandError::Cut),
        Err(_) => Err(ErrandError::TimedOut(limit)),
    }
}

/// Reads what the node network reports, for the life of the brain.
pub(crate) async fn pump(brain: Brain, mut events: mpsc::Receiver<RootEvent>) {
    // What is not taken at the stop is told again: a node repeats until it is acknowledged.
    let stopping = brain.stopping().clone();
    while let Some(Some(event)) = stopping.run_until_cancelled(events.recv()).await {
        match event {
            RootEvent::Accepted { node, accepted } => {
                let order = accepted.order.clone();
                deliver(&brain, &node, order, Report::Accepted(accepted)).await;
            }
            RootEvent::Refused { node, refused } => {
                let order = refused.order.clone();
                deliver(&brain, &node, order, Report::Refused(refused)).await;
            }
            RootEvent::Progress { node, progress } => {
                let order = progress.order.clone();
                deliver(&brain, &node, order, Report::Progress(progress)).await;
            }
            RootEvent::Ended { node, ended } => {
                let order = ended.order.clone();
                deliver(&brain, &node, order, Report::Ended(*ended)).await;
            }
            RootEvent::Unknown { node, unknown } => {
                deliver(&brain, &node, unknown.order, Report::Unknown).await;
            }
            RootEvent::Connected {
                node,
                status,
                open_orders,
                same_incarnation,
            } => {
                debug!(node.name = %node, same_incarnation, "taking up its jobs");
                brain.watch().changed(&brain, &node, true);
                brain.jobs().node_connected(&brain, &node);
                settle_strays(&brain, &node, open_orders).await;
                brain.fleet().connected(&brain, &node, &status).await;
            }
            RootEvent::Disconnected { node, .. } => {
                brain.watch().changed(&brain, &node, false);
                cut_errands(&brain, &node);
                brain.jobs().node_disconnected(&node);
                brain.fleet().disconnected(&brain, &node);
            }
            RootEvent::Stranger {
                address,
                claims,
                peer,
            } => {
                brain.fleet().stranger(&brain, &address, &peer);
                if let Some(claims) = claims {
                    crate::join::raise_alarm(&brain, &claims, &address, &peer).await;
                }
            }
        }
    }
}

async fn deliver(brain: &Brain, node: &NodeName, order: String, report: Report) {
    let job = {
        let mut routes = brain.orders().lock();
        match routes.by_order.get(&order) {
            Some(route) if !is_same(brain, &route.node, node) => {
                warn!(node.name = %node, order, "report on another node's order is ignored");
                return;
            }
            Some(Route {
                waiting: Waiting::Job(reports),
                ..
            }) => Some(reports.clone()),
            Some(Route {
                waiting: Waiting::Errand(_),
                ..
            }) => {
                let ending = match report.clone() {
                    Report::Refused(refused) => Ending::Refused(refused),
                    Report::Ended(ended) => Ending::Ended(ended),
                    // A short order that the node forgot is one that was cut.
                    Report::Unknown => {
                        routes.take_out(&order);
                        return;
                    }
                    Report::Accepted(_) | Report::Progress(_) => return,
                };
                if let Some(Route {
                    waiting: Waiting::Errand(waiting),
                    ..
                }) = routes.take_out(&order)
                {
                    drop(waiting.send(ending));
                }
                None
            }
            None => None,
        }
    };
    let is_ending = matches!(report, Report::Ended(_));
    match (job, report) {
        (Some(reports), report @ Report::Progress(_)) => {
            // Passing news; a busy job does without.
            let _ = reports.try_send(OrderReport { order, report });
        }
        // The job acknowledges an ending itself, when it is stored.
        (Some(reports), report) => {
            let _ = reports.send(OrderReport { order, report }).await;
        }
        (None, _) if is_ending => {
            if let Err(error) = brain.root().acknowledge(node, &order).await {
                debug!(%error, order, "cannot acknowledge an ending; the node will tell it again");
            }
        }
        (None, _) => {}
    }
}

/// Whether two names mean one node: it may have been renamed while an order was under way.
fn is_same(brain: &Brain, one: &NodeName, other: &NodeName) -> bool {
    one == other
        || match (brain.root().node(one), brain.root().node(other)) {
            (Some(one), Some(other)) => one.address == other.address,
            _ => false,
        }
}

/// Answers nothing any more to those who wait for short orders of a node that went away.
fn cut_errands(brain: &Brain, node: &NodeName) {
    brain.orders().lock().by_order.retain(|_, route| {
        !is_same(brain, &route.node, node) || matches!(route.waiting, Waiting::Job(_))
    });
}

/// Orders that the node still has open though nobody here waits for them: jobs that were cancelled
/// while it was away are stopped now, endings are fetched so that the node can forget them.
async fn settle_strays(brain: &Brain, node: &NodeName, open_orders: Vec<String>) {
    let strays: Vec<String> = {
        let routes = brain.orders().lock();
        open_orders
            .into_iter()
            .filter(|order| !routes.by_order.contains_key(order))
            .collect()
    };
    let Some(status) = brain.root().node(node) else {
        return;
    };
    for order in &strays {
        info!(node.name = %node, order, "stopping an order that nobody waits for");
        let id = uuid::Uuid::now_v7().to_string();
        let body = order::Body::Cancel(CancelOrder {
            order: order.clone(),
            grace_ms: 0,
        });
        let signed = make(brain, &status.address, &id, body);
        if let Err(error) = brain.root().send(node, &signed).await {
            debug!(%error, "the node went away again");
            return;
        }
    }
    if !strays.is_empty() {
        let _ = brain.root().reconcile(node, strays).await;
    }
}
