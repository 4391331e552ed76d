//! What has to be sent, in order: one lane per room, progress coalesced, repeated actions answered
//! from memory. No clock and no task of its own: the host asks and tells.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use jarvis_proto::chat::action::Kind;
use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{Action, ActionResult, RateLimited, Sent};
use tokio::time::Instant;

use crate::errand::SentParts;
use crate::recent::Recent;

/// Shortest time between two states of one progress object, the last state excepted.
const PROGRESS_GAP: Duration = Duration::from_millis(1500);
/// How many actions may wait in all lanes together.
const MOST_WAITING: usize = 4096;
/// How long a room takes nothing after a failure, so that what the brain sent before it knew of it comes
/// back. Shorter than the brain's own pauses.
const TURN_BACK: Duration = Duration::from_millis(250);
/// How many results and progress objects are remembered.
const REMEMBERED: usize = 4096;
/// When to ask again while all lanes are full.
const BUSY_RETRY: Duration = Duration::from_secs(2);

/// Names a progress object: the room and the object's key.
type ProgressKey = (String, String);

/// All lanes of one bot.
#[derive(Debug)]
pub(super) struct Lanes {
    rooms: HashMap<String, Lane>,
    /// Rooms with something to do and nothing running.
    ready: VecDeque<String>,
    /// States that came too soon after the one before.
    held: HashMap<ProgressKey, Held>,
    /// Ids of actions that wait or run.
    known: HashSet<String>,
    results: Recent<String, Outcome>,
    shown: Recent<ProgressKey, Shown>,
    parts: Recent<String, SentParts>,
    waiting: usize,
}

#[derive(Debug, Default)]
struct Lane {
    queue: VecDeque<Entry>,
    running: Option<Entry>,
    paused_until: Option<Instant>,
}

#[derive(Debug)]
struct Entry {
    action: Action,
    /// Ids of stored actions that this newer state replaced: they share its outcome.
    replaced: Vec<String>,
}

impl Entry {
    /// Ids of all actions that it stands for.
    fn ids(self) -> impl Iterator<Item = String> {
        std::iter::once(self.action.id).chain(self.replaced)
    }
}

#[derive(Debug)]
struct Held {
    due: Instant,
    entry: Entry,
}

#[derive(Debug)]
struct Shown {
    message_id: String,
    at: Instant,
}

impl Lanes {
    pub(super) fn new() -> Self {
        Self {
            rooms: HashMap::new(),
            ready: VecDeque::new(),
            held: HashMap::new(),
            known: HashSet::new(),
            results: Recent::new(REMEMBERED),
            shown: Recent::new(REMEMBERED),
            parts: Recent::new(REMEMBERED),
            waiting: 0,
        }
    }

    /// Takes an action of the brain; returns the results that are known at once.
    pub(super) fn accept(&mut self, action: Action, now: Instant) -> Vec<ActionResult> {
        if let Some(outcome) = self.results.get(&action.id) {
            return vec![result(&action.id, outcome.clone())];
        }
        if self.known.contains(&action.id) {
            return Vec::new();
        }
        let room = room_of(&action);
        if let Some(left) = self.rooms.get(&room).and_then(|lane| lane.pause_left(now)) {
            return vec![result(&action.id, rate_limited(left))];
        }
        if self.waiting >= MOST_WAITING {
            return vec![result(&action.id, rate_limited(BUSY_RETRY))];
        }
        self.known.insert(action.id.clone());
        self.waiting += 1;
        let entry = Entry {
            action,
            replaced: Vec::new(),
        };
        match progress_of(&entry.action) {
            Some((key, is_final)) => self.accept_progress(entry, key, is_final, now),
            None => {
                self.push(room, entry);
                Vec::new()
            }
        }
    }

    /// The next action to perform, if some room has one and nothing running.
    pub(super) fn next(&mut self, now: Instant) -> Option<(Action, SentParts)> {
        self.release_held(now);
        let room = self.ready.pop_front()?;
        let lane = self.rooms.get_mut(&room)?;
        let mut entry = lane.queue.pop_front()?;
        self.waiting -= 1;
        if let Some((key, _)) = progress_of(&entry.action) {
            let message_id = match self.shown.get(&key) {
                Some(shown) => shown.message_id.clone(),
                None => String::new(),
            };
            if let Some(Kind::Progress(progress)) = &mut entry.action.kind {
                if message_id.is_empty() {
                    self.shown.insert(
                        key,
                        Shown {
                            message_id: progress.message_id.clone(),
                            at: now,
                        },
                    );
                } else {
                    progress.message_id.clone_from(&message_id);
                    self.shown.insert(
                        key,
                        Shown {
                            message_id,
                            at: now,
                        },
                    );
                }
            }
        }
        let action = entry.action.clone();
        let parts = match self.parts.get(&action.id) {
            Some(parts) => parts.clone(),
            None => {
                let parts = SentParts::default();
                self.parts.insert(action.id.clone(), parts.clone());
                parts
            }
        };
        lane.running = Some(entry);
        Some((action, parts))
    }

    /// The running action of this room has ended; returns the results to report.
    pub(super) fn done(
        &mut self,
        action: &Action,
        outcome: &Outcome,
        now: Instant,
    ) -> Vec<ActionResult> {
        let room = room_of(action);
        let Some(lane) = self.rooms.get_mut(&room) else {
            return Vec::new();
        };
        let Some(entry) = lane.running.take() else {
            return Vec::new();
        };
        let mut behind = Vec::new();
        if let Some(pause) = pause_after(outcome) {
            // Whatever waits behind would overtake the action: all of it goes back, and so does what is
            // on its way here.
            lane.paused_until = Some(now + pause);
            self.waiting -= lane.queue.len();
            behind.extend(lane.queue.drain(..));
        }
        self.settle(&room, now);
        if let (Some((key, _)), Outcome::Ok(sent)) = (progress_of(action), outcome)
            && !sent.message_id.is_empty()
        {
            self.shown.insert(
                key,
                Shown {
                    message_id: sent.message_id.clone(),
                    at: now,
                },
            );
        }
        let mut results = Vec::new();
        for id in entry.ids() {
            self.known.remove(&id);
            if is_settled(outcome) {
                self.parts.remove(&id);
                self.results.insert(id.clone(), outcome.clone());
            }
            results.push(result(&id, outcome.clone()));
        }
        for id in behind.into_iter().flat_map(Entry::ids) {
            self.known.remove(&id);
            results.push(result(&id, not_tried(outcome)));
        }
        results
    }

    /// When [`Lanes::next`] should be asked again although nothing has ended or arrived.
    pub(super) fn due(&self) -> Option<Instant> {
        self.held.values().map(|held| held.due).min()
    }

    fn accept_progress(
        &mut self,
        mut entry: Entry,
        key: ProgressKey,
        is_final: bool,
        now: Instant,
    ) -> Vec<ActionResult> {
        let mut results = Vec::new();
        if let Some(held) = self.held.remove(&key) {
            self.replace(held.entry, &mut entry, &mut results);
        }
        let queued = self.rooms.get_mut(&key.0).and_then(|lane| {
            let same = |entry: &&mut Entry| {
                progress_of(&entry.action).is_some_and(|(queued, _)| queued == key)
            };
            lane.queue.iter_mut().find(same)
        });
        if let Some(place) = queued {
            let older = std::mem::replace(
                place,
                Entry {
                    action: entry.action.clone(),
                    replaced: Vec::new(),
                },
            );
            self.replace(older, &mut entry, &mut results);
            // The borrow above had to end before the older entry could be answered.
            if let Some(place) = self.rooms.get_mut(&key.0).and_then(|lane| {
                lane.queue
                    .iter_mut()
                    .find(|queued| queued.action.id == entry.action.id)
            }) {
                *place = entry;
            }
            return results;
        }
        match self.shown.get(&key) {
            Some(shown) if !is_final && shown.at + PROGRESS_GAP > now => {
                let due = shown.at + PROGRESS_GAP;
                self.held.insert(key, Held { due, entry });
            }
            _ => self.push(key.0, entry),
        }
        results
    }

    /// `newer` takes the place of `older`. A transient state is answered now; a stored one shares the
    /// newer one's outcome, because the brain has to learn the message's id.
    fn replace(&mut self, older: Entry, newer: &mut Entry, results: &mut Vec<ActionResult>) {
        self.waiting -= 1;
        newer.replaced.extend(older.replaced);
        if older.action.transient {
            self.known.remove(&older.action.id);
            let outcome = Outcome::Ok(Sent::default());
            self.results
                .insert(older.action.id.clone(), outcome.clone());
            results.push(result(&older.action.id, outcome));
        } else {
            newer.replaced.push(older.action.id);
        }
    }

    fn push(&mut self, room: String, entry: Entry) {
        let lane = self.rooms.entry(room.clone()).or_default();
        if lane.queue.is_empty() && lane.running.is_none() {
            self.ready.push_back(room);
        }
        lane.queue.push_back(entry);
    }

    fn release_held(&mut self, now: Instant) {
        let due: Vec<ProgressKey> = self
            .held
            .iter()
            .filter(|(_, held)| held.due <= now)
            .map(|(key, _)| key.clone())
            .collect();
        for key in due {
            if let Some(held) = self.held.remove(&key) {
                self.push(key.0, held.entry);
            }
        }
    }

    /// After an end: the room waits for its next turn, or is forgotten.
    fn settle(&mut self, room: &str, now: Instant) {
        let Some(lane) = self.rooms.get(room) else {
            return;
        };
        if !lane.queue.is_empty() {
            self.ready.push_back(room.to_owned());
        } else if lane.pause_left(now).is_none() {
            self.rooms.remove(room);
        }
    }
}

impl Lane {
    fn pause_left(&self, now: Instant) -> Option<Duration> {
        let left = self.paused_until?.saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }
}

fn room_of(action: &Action) -> String {
    action
        .room
        .as_ref()
        .map(|room| room.id.clone())
        .unwrap_or_default()
}

fn progress_of(action: &Action) -> Option<(ProgressKey, bool)> {
    match &action.kind {
        Some(Kind::Progress(progress)) => {
            Some(((room_of(action), progress.key.clone()), progress.r#final))
        }
        _ => None,
    }
}

/// Whether asking again could not change the outcome.
fn is_settled(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Ok(_) | Outcome::Gone(_) | Outcome::Forbidden(_) | Outcome::Fatal(_) => true,
        Outcome::RateLimited(_)
        | Outcome::Transient(_)
        | Outcome::Held(_)
        | Outcome::Unreachable(_) => false,
    }
}

/// How long a room takes nothing after this outcome: what follows must not overtake.
fn pause_after(outcome: &Outcome) -> Option<Duration> {
    match outcome {
        Outcome::RateLimited(limited) => Some(Duration::from_millis(limited.retry_after_ms)),
        Outcome::Transient(_) | Outcome::Held(_) | Outcome::Unreachable(_) => Some(TURN_BACK),
        Outcome::Ok(_) | Outcome::Gone(_) | Outcome::Forbidden(_) | Outcome::Fatal(_) => None,
    }
}

/// The outcome of what waited behind an action with this outcome.
fn not_tried(outcome: &Outcome) -> Outcome {
    match outcome {
        // It failed nothing itself.
        Outcome::Transient(_) => rate_limited(TURN_BACK),
        other => other.clone(),
    }
}

fn rate_limited(wait: Duration) -> Outcome {
    let retry_after_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
    Outcome::RateLimited(RateLimited { retry_after_ms })
}

fn result(action: &str, outcome: Outcome) -> ActionResult {
    ActionResult {
        action: action.to_owned(),
        outcome: Some(outcome),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use jarvis_proto::chat::{Progress, Room, Say};

    use super::*;

    fn say(id: &str, room: &str) -> Action {
        let room = Some(Room {
            id: room.into(),
            ..Room::default()
        });
        Action {
            id: id.into(),
            room,
            kind: Some(Kind::Say(Say::default())),
            ..Action::default()
        }
    }

    fn progress(id: &str, is_final: bool) -> Action {
        let progress = Progress {
            key: "job".into(),
            r#final: is_final,
            ..Progress::default()
        };
        Action {
            kind: Some(Kind::Progress(progress)),
            transient: !is_final,
            ..say(id, "a")
        }
    }

    fn ok(message_id: &str) -> Outcome {
        Outcome::Ok(Sent {
            message_id: message_id.into(),
        })
    }

    fn ids(results: &[ActionResult]) -> Vec<&str> {
        results
            .iter()
            .map(|result| result.action.as_str())
            .collect()
    }

    #[test]
    fn a_room_keeps_its_order_and_rooms_run_side_by_side() {
        let (mut lanes, now) = (Lanes::new(), Instant::now());
        for action in [say("1", "a"), say("2", "a"), say("3", "b")] {
            assert!(lanes.accept(action, now).is_empty());
        }
        let (first, _) = lanes.next(now).unwrap();
        let (other, _) = lanes.next(now).unwrap();
        assert_eq!((first.id.as_str(), other.id.as_str()), ("1", "3"));
        assert!(lanes.next(now).is_none());
        assert_eq!(ids(&lanes.done(&first, &ok("m1"), now)), ["1"]);
        assert_eq!(lanes.next(now).unwrap().0.id, "2");
    }

    #[test]
    fn a_repeated_action_is_answered_from_memory() {
        let (mut lanes, now) = (Lanes::new(), Instant::now());
        lanes.accept(say("1", "a"), now);
        let (action, _) = lanes.next(now).unwrap();
        assert!(
            lanes.accept(say("1", "a"), now).is_empty(),
            "it runs: its result will come"
        );
        lanes.done(&action, &ok("m1"), now);
        assert_eq!(lanes.accept(say("1", "a"), now)[0].outcome, Some(ok("m1")));
        assert!(lanes.next(now).is_none());
    }

    #[test]
    fn a_limit_sends_the_whole_lane_back_in_order() {
        let (mut lanes, now) = (Lanes::new(), Instant::now());
        for id in ["1", "2", "3"] {
            lanes.accept(say(id, "a"), now);
        }
        let (action, parts) = lanes.next(now).unwrap();
        parts.lock().unwrap().push("m1".into());
        let limited = rate_limited(Duration::from_secs(5));
        assert_eq!(ids(&lanes.done(&action, &limited, now)), ["1", "2", "3"]);
        assert_eq!(ids(&lanes.accept(say("4", "a"), now)), ["4"]);
        assert!(lanes.accept(say("5", "b"), now).is_empty());
        assert_eq!(lanes.next(now).unwrap().0.id, "5");
        assert!(lanes.next(now).is_none());
        let later = now + Duration::from_secs(5);
        assert!(lanes.accept(say("1", "a"), later).is_empty());
        let (again, parts) = lanes.next(later).unwrap();
        assert_eq!(again.id, "1");
        assert_eq!(
            *parts.lock().unwrap(),
            ["m1"],
            "what was sent is known at the next try"
        );
    }

    #[test]
    fn nothing_overtakes_what_failed() {
        let (mut lanes, now) = (Lanes::new(), Instant::now());
        for action in [say("1", "a"), say("2", "a"), say("3", "b")] {
            lanes.accept(action, now);
        }
        let (first, _) = lanes.next(now).unwrap();
        let trouble = Outcome::Transient("reset".to_owned());
        let results = lanes.done(&first, &trouble, now);
        assert_eq!(ids(&results), ["1", "2"]);
        let limited = Some(rate_limited(TURN_BACK));
        assert_eq!(results[0].outcome, Some(trouble));
        assert_eq!(results[1].outcome, limited, "it failed nothing itself");
        // The brain did not know of it yet when it sent this.
        assert_eq!(lanes.accept(say("4", "a"), now)[0].outcome, limited);
        assert_eq!(lanes.next(now).unwrap().0.id, "3", "other rooms go on");
        let later = now + TURN_BACK;
        for id in ["1", "2"] {
            assert!(lanes.accept(say(id, "a"), later).is_empty());
        }
        assert_eq!(lanes.next(later).unwrap().0.id, "1");
        let away = Outcome::Unreachable("no connection".to_owned());
        let results = lanes.done(&first, &away, later);
        assert_eq!(ids(&results), ["1", "2"]);
        assert!(
            results
                .iter()
                .all(|result| result.outcome == Some(away.clone()))
        );
    }

    #[test]
    fn states_that_come_too_soon_are_coalesced_and_the_last_is_shown() {
        let (mut lanes, now) = (Lanes::new(), Instant::now());
        let mut first = progress("1", false);
        first.transient = false;
        lanes.accept(first, now);
        let (first, _) = lanes.next(now).unwrap();
        assert!(lanes.accept(progress("2", false), now).is_empty());
        lanes.done(&first, &ok("m1"), now);
        assert_eq!(ids(&lanes.accept(progress("3", false), now)), ["2"]);
        assert!(lanes.next(now).is_none());
        assert_eq!(lanes.due(), Some(now + PROGRESS_GAP));
        let later = now + PROGRESS_GAP;
        let (third, _) = lanes.next(later).unwrap();
        assert_eq!(third.id, "3");
        let Some(Kind::Progress(shown)) = &third.kind else {
            unreachable!()
        };
        assert_eq!(shown.message_id, "m1");
        lanes.accept(progress("4", false), later);
        assert_eq!(ids(&lanes.accept(progress("5", true), later)), ["4"]);
        lanes.done(&third, &ok("m1"), later);
        assert_eq!(
            lanes.next(later).unwrap().0.id,
            "5",
            "the last state waits for nobody"
        );
        assert_eq!(lanes.due(), None);
    }

    #[test]
    fn a_stored_state_that_was_replaced_shares_the_newer_ones_outcome() {
        let (mut lanes, now) = (Lanes::new(), Instant::now());
        let mut first = progress("1", false);
        first.transient = false;
        lanes.accept(say("0", "a"), now);
        lanes.accept(first, now);
        assert!(lanes.accept(progress("2", true), now).is_empty());
        lanes.accept(say("3", "a"), now);
        let (action, _) = lanes.next(now).unwrap();
        lanes.done(&action, &ok(""), now);
        let (action, _) = lanes.next(now).unwrap();
        assert_eq!(action.id, "2");
        let results = lanes.done(&action, &ok("m2"), now);
        assert_eq!(ids(&results), ["2", "1"]);
        assert!(
            results
                .iter()
                .all(|result| result.outcome == Some(ok("m2")))
        );
        assert_eq!(lanes.next(now).unwrap().0.id, "3");
    }

    #[test]
    fn full_lanes_say_busy() {
        let (mut lanes, now) = (Lanes::new(), Instant::now());
        for id in 0..MOST_WAITING {
            assert!(lanes.accept(say(&id.to_string(), "a"), now).is_empty());
        }
        assert_eq!(ids(&lanes.accept(say("more", "b"), now)), ["more"]);
        let (action, _) = lanes.next(now).unwrap();
        lanes.done(&action, &ok(""), now);
        assert!(lanes.accept(say("more", "b"), now).is_empty());
    }
}
