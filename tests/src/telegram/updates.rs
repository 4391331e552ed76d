//! The queue of updates: offsets, confirmation, what a bot asked to see.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::error::ApiError;

/// Kinds that a bot sees only when it lists them.
const ON_DEMAND: [&str; 3] = ["chat_member", "message_reaction", "message_reaction_count"];

/// One update, with the name of its kind.
#[derive(Clone, Debug)]
pub(crate) struct Update {
    pub(crate) id: i64,
    kind: &'static str,
    body: Value,
}

impl Update {
    pub(crate) fn json(&self) -> Value {
        json!({ "update_id": self.id, (self.kind): self.body })
    }
}

/// Updates that wait, and those that were made before.
#[derive(Debug)]
pub(crate) struct Updates {
    next: i64,
    pending: VecDeque<Update>,
    made: Vec<Update>,
    /// Delivered again whatever the offset says, then forgotten.
    again: Vec<Update>,
    allowed: Vec<String>,
    /// Counts the calls of getUpdates and setWebhook: a waiting call that is no longer the newest ends.
    pub(crate) generation: u64,
    /// Why the newest generation ended the one before.
    pub(crate) ended_by: &'static str,
}

impl Default for Updates {
    fn default() -> Self {
        Self {
            next: 815_000_001,
            pending: VecDeque::new(),
            made: Vec::new(),
            again: Vec::new(),
            allowed: Vec::new(),
            generation: 0,
            ended_by: "",
        }
    }
}

impl Updates {
    /// Queues an update, unless the bot did not ask for its kind.
    pub(crate) fn push(&mut self, kind: &'static str, body: Value) -> Option<i64> {
        let wanted = if self.allowed.is_empty() {
            !ON_DEMAND.contains(&kind)
        } else {
            self.allowed.iter().any(|allowed| allowed == kind)
        };
        if !wanted {
            return None;
        }
        let update = Update {
            id: self.next,
            kind,
            body,
        };
        self.next += 1;
        self.made.push(update.clone());
        self.pending.push_back(update);
        Some(self.next - 1)
    }

    /// Remembers the kinds that the bot wants; an empty list is the default set.
    pub(crate) fn allow(&mut self, kinds: Option<Value>) -> Result<(), ApiError> {
        let Some(kinds) = kinds else {
            return Ok(());
        };
        self.allowed = serde_json::from_value(kinds)
            .map_err(|_| ApiError::bad("can't parse allowed_updates JSON object"))?;
        Ok(())
    }

    pub(crate) fn allowed(&self) -> &[String] {
        &self.allowed
    }

    /// Forgets what `offset` confirms: everything below it, or, when negative, all but the last.
    pub(crate) fn confirm(&mut self, offset: i64) {
        if offset > 0 {
            self.pending.retain(|update| update.id >= offset);
        } else if offset < 0 {
            let keep = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
            let extra = self.pending.len().saturating_sub(keep);
            self.pending.drain(..extra);
        }
    }

    /// Up to `limit` unconfirmed updates, oldest first.
    pub(crate) fn take(&mut self, limit: usize) -> Vec<Value> {
        let again = std::mem::take(&mut self.again);
        again
            .iter()
            .chain(&self.pending)
            .take(limit)
            .map(Update::json)
            .collect()
    }

    /// The oldest waiting update, for a webhook.
    pub(crate) fn first(&self) -> Option<Update> {
        self.again.first().or(self.pending.front()).cloned()
    }

    /// The webhook took `update`.
    pub(crate) fn delivered(&mut self, update: &Update) {
        if self
            .again
            .first()
            .is_some_and(|first| first.id == update.id)
        {
            self.again.remove(0);
        } else {
            self.confirm(update.id + 1);
        }
    }

    /// Delivers an update once more, as happens when its confirmation is lost.
    pub(crate) fn replay(&mut self, id: i64) -> bool {
        let Some(update) = self.made.iter().find(|update| update.id == id) else {
            return false;
        };
        self.again.push(update.clone());
        true
    }

    pub(crate) fn waiting(&self) -> usize {
        self.pending.len() + self.again.len()
    }

    pub(crate) fn clear(&mut self) {
        self.pending.clear();
        self.again.clear();
    }

    pub(crate) fn last_id(&self) -> Option<i64> {
        self.made.last().map(|update| update.id)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn ids(updates: &[Value]) -> Vec<i64> {
        updates
            .iter()
            .map(|update| update["update_id"].as_i64().unwrap())
            .collect()
    }

    #[test]
    fn unconfirmed_updates_come_again() {
        let mut updates = Updates::default();
        let all: Vec<i64> = (0..3)
            .map(|n| updates.push("message", json!({ "n": n })).unwrap())
            .collect();
        assert_eq!(ids(&updates.take(2)), all[..2]);
        assert_eq!(ids(&updates.take(100)), all);
        updates.confirm(all[1]);
        assert_eq!(ids(&updates.take(100)), all[1..]);
        updates.confirm(-1);
        assert_eq!(ids(&updates.take(100)), all[2..]);
    }

    #[test]
    fn only_wanted_kinds_are_queued() {
        let mut updates = Updates::default();
        assert_eq!(updates.push("chat_member", json!({})), None);
        updates.allow(Some(json!(["callback_query"]))).unwrap();
        assert_eq!(updates.push("message", json!({})), None);
        assert!(updates.push("callback_query", json!({})).is_some());
        updates.allow(None).unwrap();
        assert_eq!(
            updates.push("message", json!({})),
            None,
            "the list is remembered"
        );
        assert!(updates.allow(Some(json!("message"))).is_err());
    }

    #[test]
    fn a_replayed_update_comes_back_after_its_confirmation() {
        let mut updates = Updates::default();
        let id = updates.push("message", json!({})).unwrap();
        updates.confirm(id + 1);
        assert!(updates.take(10).is_empty());
        assert!(updates.replay(id));
        assert_eq!(ids(&updates.take(10)), [id]);
        assert!(updates.take(10).is_empty());
    }
}
