//! What heartbeats brought: averages of each minute for a day, in a bounded ring per node.
//!
//! A minute that has ended is handed out once by [`History::finished`] to be written down, all nodes
//! together in a few rows, and comes back through [`History::restore`] after a restart.

use std::collections::{BTreeMap, HashMap, VecDeque};

use jarvis_nodeclient::Address;
use jarvis_proto::node::Load;

use crate::store::LoadMinute;

/// Minutes that are kept.
pub(crate) const MINUTES: usize = 24 * 60;
/// Nodes in one stored row.
const PART: usize = 250;
/// Ended minutes that wait to be written; the oldest are given up.
const MOST_UNWRITTEN: usize = 60;
const MINUTE_MS: i64 = 60_000;

/// The averages of one minute of one node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Point {
    /// Thousandths of all processor time.
    pub cpu: u16,
    /// Thousandths of all memory.
    pub memory: u16,
    /// Thousandths of the disk.
    pub disk: u16,
    /// Hundredths of the load average.
    pub load: u16,
}

#[derive(Debug, Default)]
struct Sum {
    minute: i64,
    count: f64,
    values: [f64; 4],
}

impl Sum {
    fn average(&self) -> Option<Point> {
        let average = |place: usize| self.values[place] / self.count;
        (self.count > 0.0).then(|| Point {
            cpu: number(average(0) * 1000.0),
            memory: number(average(1) * 1000.0),
            disk: number(average(2) * 1000.0),
            load: number(average(3) * 100.0),
        })
    }
}

/// The nearest number that fits.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float becomes the nearest number that fits"
)]
fn number(value: f64) -> u16 {
    value.round() as u16
}

/// What a node claims, made sane.
fn measured(load: &Load) -> [f64; 4] {
    let sane = |value: f64| {
        if value.is_finite() {
            value.max(0.0)
        } else {
            0.0
        }
    };
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more")]
    let share = |used: u64, all: u64| match all {
        0 => 0.0,
        all => (used as f64 / all as f64).min(1.0),
    };
    [
        sane(load.cpu).min(1.0),
        share(load.memory_used_bytes, load.memory_total_bytes),
        share(load.disk_used_bytes, load.disk_total_bytes),
        sane(load.load1).min(650.0),
    ]
}

#[derive(Debug, Default)]
struct Ring {
    /// Ended minutes, oldest first.
    points: VecDeque<(i64, Point)>,
    sum: Sum,
    /// The node's time of the last heartbeat that was counted.
    counted_ms: i64,
}

impl Ring {
    fn push(&mut self, minute: i64, point: Point) {
        match self.points.back_mut() {
            // After a restart within a minute both halves are there.
            Some(last) if last.0 == minute => *last = (minute, point),
            Some(last) if last.0 > minute => {}
            _ => self.points.push_back((minute, point)),
        }
        if self.points.len() > MINUTES {
            self.points.pop_front();
        }
    }
}

/// The minutes of all nodes.
#[derive(Debug, Default)]
pub(super) struct History {
    rings: HashMap<Address, Ring>,
    unwritten: BTreeMap<i64, Vec<(Address, Point)>>,
}

impl History {
    /// Counts a heartbeat's load, unless it was counted before.
    pub(super) fn note(&mut self, address: &Address, load: &Load, now_ms: i64) {
        if !self.rings.contains_key(address) {
            self.rings.insert(address.clone(), Ring::default());
        }
        let Some(ring) = self.rings.get_mut(address) else {
            return;
        };
        if ring.counted_ms == load.time_ms {
            return;
        }
        ring.counted_ms = load.time_ms;
        let minute = now_ms.div_euclid(MINUTE_MS);
        if ring.sum.minute != minute {
            end(&mut self.unwritten, address, ring);
            ring.sum.minute = minute;
        }
        ring.sum.count += 1.0;
        for (sum, value) in ring.sum.values.iter_mut().zip(measured(load)) {
            *sum += value;
        }
    }

    /// The minutes that ended and are not written down yet.
    pub(super) fn finished(&mut self, now_ms: i64) -> Vec<LoadMinute> {
        let minute = now_ms.div_euclid(MINUTE_MS);
        for (address, ring) in &mut self.rings {
            if ring.sum.minute < minute {
                end(&mut self.unwritten, address, ring);
            }
        }
        while self.unwritten.len() > MOST_UNWRITTEN {
            self.unwritten.pop_first();
        }
        let rows = self.unwritten.range(..minute).flat_map(|(minute, points)| {
            (0_i64..)
                .zip(points.chunks(PART))
                .map(|(part, points)| LoadMinute {
                    minute: *minute,
                    part,
                    points: encode(points),
                })
        });
        rows.collect()
    }

    /// The minutes up to this one are written down.
    pub(super) fn written(&mut self, minute: i64) {
        self.unwritten = self.unwritten.split_off(&(minute + 1));
    }

    /// Takes over a row that was written down, oldest first.
    pub(super) fn restore(&mut self, row: &LoadMinute) {
        for (address, point) in decode(&row.points) {
            self.rings
                .entry(address)
                .or_default()
                .push(row.minute, point);
        }
    }

    /// Forgets all nodes but these.
    pub(super) fn retain(&mut self, is_known: impl Fn(&Address) -> bool) {
        self.rings.retain(|address, _| is_known(address));
    }

    /// The last minute of a node that has a point, if any has.
    pub(super) fn last_minute(&self, address: &Address) -> Option<i64> {
        let ring = self.rings.get(address)?;
        if ring.sum.count > 0.0 {
            return Some(ring.sum.minute);
        }
        ring.points.back().map(|(minute, _)| *minute)
    }

    /// The points of so many minutes up to and with `last`, oldest first; `None` where there are none.
    pub(super) fn series(
        &self,
        address: &Address,
        last: i64,
        minutes: usize,
    ) -> Vec<Option<Point>> {
        let mut series = vec![None; minutes];
        let Some(ring) = self.rings.get(address) else {
            return series;
        };
        let current = ring.sum.average().map(|point| (ring.sum.minute, point));
        for (minute, point) in ring.points.iter().copied().chain(current) {
            let before = usize::try_from(last - minute);
            if let Some(place) = before
                .ok()
                .and_then(|before| (minutes - 1).checked_sub(before))
            {
                series[place] = Some(point);
            }
        }
        series
    }
}

/// Ends the minute of a ring.
fn end(unwritten: &mut BTreeMap<i64, Vec<(Address, Point)>>, address: &Address, ring: &mut Ring) {
    let sum = std::mem::take(&mut ring.sum);
    if let Some(point) = sum.average() {
        ring.push(sum.minute, point);
        let minute = unwritten.entry(sum.minute).or_default();
        minute.push((address.clone(), point));
    }
}

/// Per point: the length of the address, the address, and four numbers of two bytes.
fn encode(points: &[(Address, Point)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(points.len() * 43);
    for (address, point) in points {
        let address = address.to_string();
        bytes.push(u8::try_from(address.len()).unwrap_or(0));
        bytes.extend_from_slice(address.as_bytes());
        for value in [point.cpu, point.memory, point.disk, point.load] {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
    }
    bytes
}

fn decode(mut bytes: &[u8]) -> Vec<(Address, Point)> {
    let mut points = Vec::new();
    while let Some((length, rest)) = bytes.split_first() {
        let Some((address, rest)) = rest.split_at_checked(usize::from(*length)) else {
            break;
        };
        let Some((values, rest)) = rest.split_at_checked(8) else {
            break;
        };
        bytes = rest;
        let address = std::str::from_utf8(address).ok();
        let Some(address) = address.and_then(|text| Address::parse(text).ok()) else {
            continue;
        };
        let value = |place: usize| u16::from_le_bytes([values[place], values[place + 1]]);
        let point = Point {
            cpu: value(0),
            memory: value(2),
            disk: value(4),
            load: value(6),
        };
        points.push((address, point));
    }
    points
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use jarvis_nodeclient::Identity;
    use proptest::prelude::*;

    use super::*;

    fn load(cpu: f64, time_ms: i64) -> Load {
        Load {
            cpu,
            load1: 2.5,
            memory_used_bytes: 1,
            memory_total_bytes: 4,
            disk_used_bytes: 9,
            disk_total_bytes: 10,
            time_ms,
            ..Load::default()
        }
    }

    #[test]
    fn minutes_are_averages_and_come_back_after_a_restart() {
        let address = Identity::generate().address().clone();
        let mut history = History::default();
        for second in (0_i64..180).step_by(10) {
            let cpu = if second < 60 { 0.25 } else { 0.75 };
            let load = load(cpu, second);
            history.note(&address, &load, second * 1000);
            // The same heartbeat, seen again.
            history.note(&address, &load, second * 1000 + 5000);
        }
        let rows = history.finished(180_000);
        assert_eq!(
            rows.iter().map(|row| row.minute).collect::<Vec<_>>(),
            [0, 1, 2]
        );
        assert_eq!(history.finished(180_000), rows, "not written yet");
        history.written(2);
        assert_eq!(history.finished(180_000), []);
        let mut restored = History::default();
        rows.iter().for_each(|row| restored.restore(row));
        for history in [&history, &restored] {
            let series = history.series(&address, 3, 5);
            let cpu: Vec<Option<u16>> = series.iter().map(|point| point.map(|p| p.cpu)).collect();
            assert_eq!(cpu, [None, Some(250), Some(750), Some(750), None]);
            let point = series[1].unwrap();
            assert_eq!((point.memory, point.disk, point.load), (250, 900, 250));
            assert_eq!(history.last_minute(&address), Some(2));
        }
    }

    #[test]
    fn the_ring_is_bounded() {
        let address = Identity::generate().address().clone();
        let mut history = History::default();
        for minute in 0..3000 {
            history.note(&address, &load(0.5, minute + 1), minute * MINUTE_MS);
        }
        let rows = history.finished(3000 * MINUTE_MS);
        assert_eq!(rows.len(), MOST_UNWRITTEN);
        assert_eq!(history.rings[&address].points.len(), MINUTES);
        history.retain(|_| false);
        assert_eq!(history.last_minute(&address), None);
    }

    #[test]
    fn a_minute_of_many_nodes_is_a_few_rows() {
        let mut history = History::default();
        for _ in 0..600 {
            history.note(Identity::generate().address(), &load(0.1, 1), 0);
        }
        let rows = history.finished(MINUTE_MS);
        assert_eq!(rows.len(), 3);
        assert!(rows.iter().all(|row| row.points.len() < 11_000));
    }

    #[test]
    fn absurd_values_become_sane_ones() {
        let address = Identity::generate().address().clone();
        let mut history = History::default();
        for (time, value) in (1_i64..).zip([f64::NAN, f64::INFINITY, -5.0, 1e300]) {
            let mut load = load(value, time);
            load.load1 = value;
            load.memory_used_bytes = u64::MAX;
            history.note(&address, &load, 0);
        }
        let point = history.series(&address, 0, 1)[0].unwrap();
        assert!(point.cpu <= 1000 && point.memory == 1000 && point.load <= 65_000);
    }

    proptest! {
        #[test]
        fn no_stored_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            decode(&bytes);
        }
    }
}
