//! What the node knows of every order that it took: an index in memory over the [`Journal`].

mod bounds;
mod known;
pub(crate) mod recent;
mod spent;

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jarvis_nodeclient::Address;
use jarvis_proto::node::{Ended, Order, SignedOrder};
use prost::Message;

use crate::clock::now_ms;
use crate::journal::{Accepted, Entry, Journal, Place, Record, Started};

pub(crate) use self::bounds::{Bounds, Held};
use self::known::Known;
use self::spent::SpentOrders;

/// The journal is not rewritten below this size.
const REWRITE_BYTES: u64 = 4 << 20;

/// All orders, with the file that makes them outlive the process.
#[derive(Debug)]
pub(crate) struct Ledger(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    journal: Journal,
    orders: HashMap<String, Known>,
    /// Orders of which only that is known.
    spent: SpentOrders,
    /// Orders whose endings are acknowledged.
    settled: usize,
    /// Something was written since the last [`Ledger::sync`].
    is_dirty: bool,
    /// Size that the file had, or would have had, after a rewriting.
    rewritten_bytes: u64,
}

/// What [`Ledger::accept`] found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Acceptance {
    /// Never seen before; it is in the journal now.
    New,
    /// These very bytes were accepted before.
    Again,
    /// The id was used for other bytes.
    Replayed,
}

/// What became of an order.
#[derive(Debug, PartialEq)]
pub(crate) enum State {
    /// Never seen, forgotten, or of another root.
    Unknown,
    /// Accepted then, in Unix milliseconds, and not ended.
    Open {
        accepted_ms: i64,
    },
    Ended(Box<Ended>),
}

/// An order that an earlier process of this node accepted and did not end.
#[derive(Debug)]
pub(crate) struct Interrupted {
    pub(crate) order: String,
    pub(crate) root: Address,
    pub(crate) accepted_ms: i64,
    pub(crate) started: Option<Started>,
}

impl Ledger {
    /// Opens the journal at `path`, and tells which orders were left open.
    ///
    /// # Errors
    ///
    /// See [`Journal::open`].
    pub(crate) fn open(path: &Path) -> io::Result<(Self, Vec<Interrupted>)> {
        let mut orders = HashMap::new();
        let mut spent = SpentOrders::default();
        let journal = Journal::open(path, |place, record| match record.entry {
            Some(Entry::Spent(some)) => spent.learn(&some),
            _ => learn(&mut orders, place, record),
        })?;
        let interrupted = orders
            .iter()
            .filter(|(_, known)| known.ended.is_none())
            .map(|(order, known)| Interrupted {
                order: order.clone(),
                root: known.root.clone(),
                accepted_ms: known.accepted_ms,
                started: known.started.as_ref().map(|(_, started)| started.clone()),
            })
            .collect();
        let rewritten_bytes = orders.values().map(Known::bytes).sum();
        let settled = orders.values().filter(|known| known.acknowledged.is_some());
        let inner = Inner {
            settled: settled.count(),
            spent,
            journal,
            orders,
            is_dirty: false,
            rewritten_bytes,
        };
        Ok((Self(Mutex::new(inner)), interrupted))
    }

    /// Takes note of a checked order, if it is new.
    ///
    /// # Errors
    ///
    /// When the journal cannot be written; the order is not accepted then.
    pub(crate) fn accept(
        &self,
        root: &Address,
        order: &Order,
        signed: &SignedOrder,
    ) -> io::Result<Acceptance> {
        self.accept_from(root, order, signed, false)
    }

    /// Takes note of an order of a legacy root.
    ///
    /// # Errors
    ///
    /// When the journal cannot be written; the order is not accepted then.
    pub(crate) fn accept_legacy(
        &self,
        root: &Address,
        order: &Order,
        signed: &SignedOrder,
    ) -> io::Result<Acceptance> {
        self.accept_from(root, order, signed, true)
    }

    fn accept_from(
        &self,
        root: &Address,
        order: &Order,
        signed: &SignedOrder,
        legacy: bool,
    ) -> io::Result<Acceptance> {
        let mut inner = self.lock();
        if let Some(known) = inner.orders.get(&order.id) {
            let is_same = known.digest == blake3::hash(&signed.order);
            return Ok(if is_same {
                Acceptance::Again
            } else {
                Acceptance::Replayed
            });
        }
        if inner.spent.contains(&order.id) {
            return Ok(Acceptance::Replayed);
        }
        let accepted = Accepted {
            root: root.to_string(),
            signed: signed.encode_to_vec(),
            expires_ms: order.expires_ms,
            legacy,
        };
        inner.append(&order.id, Entry::Accepted(accepted))?;
        Ok(Acceptance::New)
    }

    /// Whether exactly these bytes were accepted before.
    pub(crate) fn has_accepted(&self, order: &str, bytes: &[u8]) -> bool {
        self.lock()
            .orders
            .get(order)
            .is_some_and(|known| known.digest == blake3::hash(bytes))
    }

    /// Takes note of the process that leads a job's session.
    ///
    /// # Errors
    ///
    /// When the journal cannot be written.
    pub(crate) fn started(&self, order: &str, started: Started) -> io::Result<()> {
        self.lock().append(order, Entry::Started(started))
    }

    /// Takes note of an ending. The first one counts; returns whether this was it.
    ///
    /// # Errors
    ///
    /// When the journal cannot be written.
    pub(crate) fn ended(&self, ended: &Ended) -> io::Result<bool> {
        let mut inner = self.lock();
        let is_open = inner
            .orders
            .get(&ended.order)
            .is_some_and(|known| known.ended.is_none());
        if is_open {
            inner.append(&ended.order, Entry::Ended(ended.encode_to_vec()))?;
        }
        Ok(is_open)
    }

    /// Takes note that `root` has stored the ending of its order. Anything else is ignored.
    ///
    /// # Errors
    ///
    /// When the journal cannot be written.
    pub(crate) fn acknowledge(&self, root: &Address, order: &str) -> io::Result<()> {
        let mut inner = self.lock();
        let is_due = inner.orders.get(order).is_some_and(|known| {
            known.root == *root && known.ended.is_some() && known.acknowledged.is_none()
        });
        if is_due {
            inner.append(order, Entry::Acknowledged(()))?;
        }
        Ok(())
    }

    /// What became of an order of `root`.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub(crate) fn state(&self, root: &Address, order: &str) -> io::Result<State> {
        let inner = self.lock();
        let Some(known) = inner.orders.get(order).filter(|known| known.root == *root) else {
            return Ok(State::Unknown);
        };
        match known.ended {
            None => Ok(State::Open {
                accepted_ms: known.accepted_ms,
            }),
            Some((place, _)) => match inner.journal.read(place)?.entry {
                Some(Entry::Ended(bytes)) => Ok(State::Ended(Box::new(Ended::decode(&bytes[..])?))),
                _ => Err(io::ErrorKind::InvalidData.into()),
            },
        }
    }

    /// The order itself, if `root` gave it.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub(crate) fn order(&self, root: &Address, order: &str) -> io::Result<Option<Order>> {
        let inner = self.lock();
        let Some(known) = inner.orders.get(order).filter(|known| known.root == *root) else {
            return Ok(None);
        };
        match inner.journal.read(known.accepted)?.entry {
            Some(Entry::Accepted(accepted)) => {
                let signed = SignedOrder::decode(&accepted.signed[..])?;
                Ok(Some(Order::decode(signed.order)?))
            }
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// When an order was accepted, if it is known.
    pub(crate) fn accepted_ms(&self, order: &str) -> Option<i64> {
        Some(self.lock().orders.get(order)?.accepted_ms)
    }

    /// Orders of `root` that are not ended, or whose ending it has not acknowledged; oldest first.
    pub(crate) fn open_orders(&self, root: &Address) -> Vec<String> {
        self.select(|known| known.root == *root && !known.legacy && known.acknowledged.is_none())
    }

    /// Orders of `root` whose ending it has not acknowledged; oldest first.
    pub(crate) fn unacknowledged(&self, root: &Address) -> Vec<String> {
        self.select(|known| {
            known.root == *root
                && !known.legacy
                && known.ended.is_some()
                && known.acknowledged.is_none()
        })
    }

    /// All orders that ended and whose roots have stored the ending, with the time of their end; the one
    /// that ended first comes first.
    pub(crate) fn settled(&self) -> Vec<(String, i64)> {
        let inner = self.lock();
        let settled = inner.orders.iter().filter_map(|(order, known)| {
            known.acknowledged?;
            known.ended.map(|(_, at)| (order.clone(), at))
        });
        let mut settled: Vec<_> = settled.collect();
        settled.sort_unstable_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
        settled
    }

    /// Orders of `root` that ended before `cutoff_ms`, and whose ending it has stored; oldest first.
    pub(crate) fn ended_before(&self, root: &Address, cutoff_ms: i64) -> Vec<String> {
        self.select(|known| {
            known.root == *root
                && known.acknowledged.is_some()
                && known.ended.is_some_and(|(_, at)| at <= cutoff_ms)
        })
    }

    /// Whether there is so much to forget that it should not wait.
    pub(crate) fn is_full(&self, bounds: Bounds) -> bool {
        let inner = self.lock();
        inner.settled > bounds.orders + bounds.orders / 10
            || inner.journal.bytes() > 2 * inner.rewritten_bytes.max(bounds.bytes)
    }

    /// How much there is.
    pub(crate) fn held(&self) -> Held {
        let inner = self.lock();
        let open = inner.orders.values().filter(|known| known.ended.is_none());
        let open = open.count();
        Held {
            open,
            unacknowledged: inner.orders.len() - open - inner.settled,
            settled: inner.settled,
            bytes: inner.journal.bytes(),
        }
    }

    /// Forgets what ended, was acknowledged, and is beyond `bounds`; the oldest goes first. The ids of
    /// what could be replayed stay. Returns the forgotten ids.
    ///
    /// # Errors
    ///
    /// When the journal had to be rewritten and could not be; nothing is lost then.
    pub(crate) fn forget(&self, bounds: Bounds) -> io::Result<Vec<String>> {
        let now = now_ms();
        let retention = i64::try_from(bounds.retention.as_millis()).unwrap_or(i64::MAX);
        let mut inner = self.lock();
        let mut settled: Vec<(i64, String, u64)> = inner
            .orders
            .iter()
            .filter(|(_, known)| known.acknowledged.is_some())
            .filter_map(|(order, known)| Some((known.ended?.1, order.clone(), known.bytes())))
            .collect();
        settled.sort_unstable();
        let mut orders = settled.len();
        let mut bytes: u64 = settled.iter().map(|(_, _, bytes)| bytes).sum();
        let mut forgotten = Vec::new();
        for (ended_ms, order, size) in settled {
            let is_old = ended_ms.saturating_add(retention) < now;
            if !is_old && orders <= bounds.orders && bytes <= bounds.bytes {
                break;
            }
            orders -= 1;
            bytes -= size;
            if let Some(known) = inner.orders.remove(&order) {
                inner.settled -= 1;
                inner.spent.add(&order, known.expires_ms);
            }
            forgotten.push(order);
        }
        inner.spent.forget(now);
        inner.rewrite_if_worth_it()?;
        Ok(forgotten)
    }

    /// Makes everything written so far survive a power cut. Does nothing if nothing was written; must
    /// not be called on an async thread.
    ///
    /// # Errors
    ///
    /// What the disk says.
    pub(crate) fn sync(&self) -> io::Result<()> {
        let handle = {
            let mut inner = self.lock();
            if !inner.is_dirty {
                return Ok(());
            }
            inner.is_dirty = false;
            inner.journal.sync_handle()?
        };
        // Without the lock: orders go on being accepted meanwhile.
        handle.sync_data()
    }

    fn select(&self, is_wanted: impl Fn(&Known) -> bool) -> Vec<String> {
        let inner = self.lock();
        let wanted = inner.orders.iter().filter(|(_, known)| is_wanted(known));
        let mut wanted: Vec<_> = wanted
            .map(|(order, known)| (known.accepted_ms, order.clone()))
            .collect();
        wanted.sort_unstable();
        wanted.into_iter().map(|(_, order)| order).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn append(&mut self, order: &str, entry: Entry) -> io::Result<()> {
        let record = Record {
            order: order.to_owned(),
            time_ms: now_ms(),
            entry: Some(entry),
        };
        let place = self.journal.append(&record)?;
        self.is_dirty = true;
        let is_settling = matches!(record.entry, Some(Entry::Acknowledged(())));
        learn(&mut self.orders, place, record);
        self.settled += usize::from(is_settling);
        Ok(())
    }

    fn rewrite_if_worth_it(&mut self) -> io::Result<()> {
        // Whatever it was when it was opened: a node that restarts often must not let it grow each time.
        self.rewritten_bytes =
            self.orders.values().map(Known::bytes).sum::<u64>() + self.spent.bytes();
        if self.journal.bytes() < (2 * self.rewritten_bytes).max(REWRITE_BYTES) {
            return Ok(());
        }
        let mut kept: Vec<(i64, &mut Known)> = self
            .orders
            .values_mut()
            .map(|known| (known.accepted_ms, known))
            .collect();
        kept.sort_unstable_by_key(|(accepted_ms, _)| *accepted_ms);
        let mut places: Vec<&mut Place> = Vec::with_capacity(kept.len() * 4);
        for (_, known) in kept {
            places.push(&mut known.accepted);
            places.extend(known.started.as_mut().map(|(place, _)| place));
            places.extend(known.ended.as_mut().map(|(place, _)| place));
            places.extend(known.acknowledged.as_mut());
        }
        let spent = self.spent.records();
        let old: Vec<Place> = places.iter().map(|place| **place).collect();
        for (place, new) in places.into_iter().zip(self.journal.rewrite(&spent, &old)?) {
            *place = new;
        }
        self.rewritten_bytes = self.journal.bytes();
        Ok(())
    }
}

/// Takes one record into the index. What does not fit to anything is left out.
fn learn(orders: &mut HashMap<String, Known>, place: Place, record: Record) {
    let Record {
        order,
        time_ms,
        entry,
    } = record;
    match (entry, orders.get_mut(&order)) {
        (Some(Entry::Accepted(accepted)), None) => {
            let signed = SignedOrder::decode(&accepted.signed[..]);
            let (Ok(root), Ok(signed)) = (Address::parse(&accepted.root), signed) else {
                tracing::warn!(order, "the journal holds an order that cannot be read");
                return;
            };
            let known = Known {
                root,
                legacy: accepted.legacy,
                digest: blake3::hash(&signed.order),
                expires_ms: accepted.expires_ms,
                accepted: place,
                accepted_ms: time_ms,
                started: None,
                ended: None,
                acknowledged: None,
            };
            orders.insert(order, known);
        }
        (Some(Entry::Started(started)), Some(known)) => known.started = Some((place, started)),
        (Some(Entry::Ended(_)), Some(known)) => known.ended = Some((place, time_ms)),
        (Some(Entry::Acknowledged(())), Some(known)) => known.acknowledged = Some(place),
        _ => {}
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::time::Duration;

    use super::*;
    use jarvis_nodeclient::{Identity, OrderSpec, sign_order};
    use jarvis_proto::node::{Done, RunJob, ended, order};

    struct World {
        _folder: tempfile::TempDir,
        path: std::path::PathBuf,
        root: Identity,
    }

    fn world() -> World {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        World {
            _folder: folder,
            path,
            root: Identity::generate(),
        }
    }

    impl World {
        fn open(&self) -> (Ledger, Vec<Interrupted>) {
            Ledger::open(&self.path).unwrap()
        }

        fn order(&self, id: &str, script: &str, expires_ms: i64) -> (Order, SignedOrder) {
            let run = RunJob {
                script: script.to_owned(),
                ..RunJob::default()
            };
            let spec = OrderSpec {
                id: id.to_owned(),
                issued_ms: 0,
                expires_ms,
                body: order::Body::Run(run),
            };
            let signed = sign_order(&self.root, Identity::generate().address(), spec);
            (Order::decode(signed.order.clone()).unwrap(), signed)
        }

        fn accept(&self, ledger: &Ledger, id: &str, expires_ms: i64) {
            let (order, signed) = self.order(id, "echo", expires_ms);
            assert_eq!(
                ledger.accept(self.root.address(), &order, &signed).unwrap(),
                Acceptance::New
            );
        }
    }

    fn ended(order: &str) -> Ended {
        let done = Done {
            had_effect: true,
            detail: "x".repeat(100),
            ..Done::default()
        };
        Ended {
            order: order.to_owned(),
            started_ms: 1,
            ended_ms: 2,
            outcome: Some(ended::Outcome::Done(done)),
        }
    }

    #[test]
    fn an_id_is_good_for_one_order_also_after_a_restart() {
        let world = world();
        let root = world.root.address();
        let (order, signed) = world.order("a", "echo", i64::MAX);
        let (other, other_signed) = world.order("a", "rm", i64::MAX);
        let (ledger, _) = world.open();
        assert_eq!(
            ledger.accept(root, &order, &signed).unwrap(),
            Acceptance::New
        );
        for ledger in [ledger, world.open_again()] {
            assert_eq!(
                ledger.accept(root, &order, &signed).unwrap(),
                Acceptance::Again
            );
            assert_eq!(
                ledger.accept(root, &other, &other_signed).unwrap(),
                Acceptance::Replayed
            );
            drop(ledger);
        }
    }

    impl World {
        /// A copy of the journal as another process would find it.
        fn open_again(&self) -> Ledger {
            let copy = self.path.with_extension("copy");
            std::fs::copy(&self.path, &copy).unwrap();
            Ledger::open(&copy).unwrap().0
        }
    }

    #[test]
    fn endings_wait_for_their_acknowledgement_across_restarts() {
        let world = world();
        let root = world.root.address();
        let (ledger, _) = world.open();
        for id in ["a", "b", "c"] {
            world.accept(&ledger, id, i64::MAX);
        }
        assert!(ledger.ended(&ended("a")).unwrap());
        assert!(
            !ledger.ended(&ended("a")).unwrap(),
            "the first ending counts"
        );
        ledger.ended(&ended("b")).unwrap();
        ledger.acknowledge(root, "b").unwrap();
        drop(ledger);

        let (ledger, interrupted) = world.open();
        assert_eq!(
            interrupted
                .iter()
                .map(|left| left.order.as_str())
                .collect::<Vec<_>>(),
            ["c"]
        );
        assert_eq!(ledger.unacknowledged(root), ["a"]);
        let settled: Vec<String> = ledger.settled().into_iter().map(|(id, _)| id).collect();
        assert_eq!(settled, ["b"]);
        assert_eq!(ledger.ended_before(root, i64::MAX), ["b"]);
        assert_eq!(ledger.open_orders(root), ["a", "c"]);
        assert_eq!(
            ledger.state(root, "a").unwrap(),
            State::Ended(Box::new(ended("a")))
        );
        assert!(matches!(
            ledger.state(root, "c").unwrap(),
            State::Open { .. }
        ));
        assert_eq!(ledger.state(root, "d").unwrap(), State::Unknown);
    }

    #[test]
    fn one_root_sees_nothing_of_another() {
        let world = world();
        let other = Identity::generate();
        let (ledger, _) = world.open();
        world.accept(&ledger, "a", i64::MAX);
        ledger.ended(&ended("a")).unwrap();
        ledger.acknowledge(other.address(), "a").unwrap();
        assert_eq!(ledger.state(other.address(), "a").unwrap(), State::Unknown);
        assert_eq!(ledger.order(other.address(), "a").unwrap(), None);
        assert!(ledger.open_orders(other.address()).is_empty());
        assert_eq!(ledger.unacknowledged(world.root.address()), ["a"]);
    }

    const HOUR: Bounds = Bounds {
        retention: Duration::from_secs(3600),
        orders: 1_000,
        bytes: u64::MAX,
    };
    const NOTHING: Bounds = Bounds {
        retention: Duration::ZERO,
        ..HOUR
    };

    fn wait_past(ended_ms: i64) {
        while now_ms() <= ended_ms {
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_is_forgotten_is_never_taken_again() {
        let world = world();
        let root = world.root.address();
        let (ledger, _) = world.open();
        let long_ago = now_ms() - 10 * spent::MARGIN_MS;
        for (id, expires_ms) in [
            ("old", long_ago),
            ("replayable", now_ms()),
            ("unacknowledged", long_ago),
        ] {
            world.accept(&ledger, id, expires_ms);
            ledger.ended(&ended(id)).unwrap();
            if id != "unacknowledged" {
                ledger.acknowledge(root, id).unwrap();
            }
        }
        assert!(ledger.forget(HOUR).unwrap().is_empty(), "retention");
        let last = ledger.lock().orders["replayable"].ended.unwrap().1;
        wait_past(last);
        assert_eq!(ledger.forget(NOTHING).unwrap(), ["old", "replayable"]);
        assert_eq!(ledger.state(root, "old").unwrap(), State::Unknown);
        assert_eq!(ledger.unacknowledged(root), ["unacknowledged"]);
        let held = ledger.held();
        assert_eq!((held.unacknowledged, held.settled), (1, 0));
        assert_eq!(ledger.lock().spent.count(), 1);
        // Neither the same bytes nor others: the root has its ending.
        for script in ["echo", "rm"] {
            let (order, signed) = world.order("replayable", script, now_ms());
            assert_eq!(
                ledger.accept(root, &order, &signed).unwrap(),
                Acceptance::Replayed
            );
        }
    }

    /// An order without a signature: the ledger takes what was checked.
    fn unsigned(id: &str, root: &Identity) -> (Order, SignedOrder) {
        let order = Order {
            id: id.to_owned(),
            root: root.address().to_string(),
            expires_ms: now_ms() + 300_000,
            body: Some(order::Body::Run(RunJob {
                script: "true".to_owned(),
                ..RunJob::default()
            })),
            ..Order::default()
        };
        let signed = SignedOrder {
            order: order.encode_to_vec().into(),
            signature: vec![0; 64].into(),
            public_key: vec![0; 33].into(),
        };
        (order, signed)
    }

    #[test]
    fn fifty_thousand_short_orders_stay_within_bounds_and_none_runs_twice() {
        let world = world();
        let root = world.root.address();
        let bounds = Bounds {
            retention: Duration::from_secs(7 * 24 * 3600),
            orders: 2_000,
            bytes: 1 << 20,
        };
        let (mut ledger, _) = world.open();
        let id = |number: usize| format!("00000000-0000-7000-8000-{number:012}");
        let mut most = (Held::default(), 0);
        for number in 0..50_000 {
            let id = id(number);
            let (order, signed) = unsigned(&id, &world.root);
            ledger.accept(root, &order, &signed).unwrap();
            ledger.started(&id, Started::default()).unwrap();
            ledger.ended(&ended(&id)).unwrap();
            ledger.acknowledge(root, &id).unwrap();
            if ledger.is_full(bounds) {
                ledger.forget(bounds).unwrap();
            }
            let held = ledger.held_quickly();
            most.0.settled = most.0.settled.max(held.settled);
            most.0.bytes = most.0.bytes.max(held.bytes);
            most.1 = most.1.max(ledger.lock().orders.len());
            if number % 10_000 == 9_999 {
                // A restart in between neither loses an id nor lets the file grow.
                drop(ledger);
                ledger = world.open().0;
            }
        }
        ledger.forget(bounds).unwrap();
        let held = ledger.held();
        println!("at most {most:?}, at the end {held:?}");
        assert!(most.0.settled <= 2_201 && most.1 <= 2_201, "{most:?}");
        // Twice what is kept, and 24 bytes for each id that could still be replayed.
        assert!(most.0.bytes <= (4 << 20) + 50_000 * 32, "{most:?}");
        assert_eq!(held.settled + ledger.lock().spent.count(), 50_000);
        for number in [0, 1, 25_000, 47_000, 49_999] {
            let (order, signed) = unsigned(&id(number), &world.root);
            assert_ne!(
                ledger.accept(root, &order, &signed).unwrap(),
                Acceptance::New,
                "{number}"
            );
        }
        // Those that ended last are known with all that is to be said of them.
        assert!(matches!(
            ledger.state(root, &id(49_999)).unwrap(),
            State::Ended(_)
        ));
    }

    impl Ledger {
        fn held_quickly(&self) -> Held {
            let inner = self.lock();
            Held {
                settled: inner.settled,
                bytes: inner.journal.bytes(),
                ..Held::default()
            }
        }
    }

    #[test]
    fn a_large_journal_is_rewritten_and_loses_nothing_that_is_known() {
        let world = world();
        let root = world.root.address();
        let (ledger, _) = world.open();
        world.accept(&ledger, "kept", i64::MAX);
        ledger.ended(&ended("kept")).unwrap();
        let mut large = ended("large");
        large.outcome = Some(ended::Outcome::Done(Done {
            had_effect: true,
            detail: "x".repeat(5 << 20),
            ..Done::default()
        }));
        world.accept(&ledger, "large", 0);
        ledger.ended(&large).unwrap();
        ledger.acknowledge(root, "large").unwrap();
        let last = ledger.lock().orders["large"].ended.unwrap().1;
        wait_past(last);
        assert_eq!(ledger.forget(NOTHING).unwrap(), ["large"]);
        assert!(std::fs::metadata(&world.path).unwrap().len() < 10_000);
        assert_eq!(
            ledger.state(root, "kept").unwrap(),
            State::Ended(Box::new(ended("kept")))
        );
        world.accept(&ledger, "new", i64::MAX);
        drop(ledger);
        let (ledger, interrupted) = world.open();
        assert_eq!(interrupted.len(), 1);
        assert_eq!(
            ledger.state(root, "kept").unwrap(),
            State::Ended(Box::new(ended("kept")))
        );
    }
}
