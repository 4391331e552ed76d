//! A bubble in a private chat whose text is replaced while a job runs.

use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use super::api::CallError;
use super::core::Core;
use super::place::Place;
use super::replies::{Origin, Slot};

/// A bubble that is still open.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    slot: Slot,
    /// What the platform calls the bubble; empty before its first answer.
    pub(super) id: String,
    /// Number of the next state.
    index: u32,
    shown: String,
    at: Option<Instant>,
}

impl Stream {
    /// A bubble that answers a message; `None` when the platform would not know which.
    pub(super) fn new(slot: Slot) -> Option<Self> {
        let is_message = matches!(slot.origin, Origin::Message(_)) && !slot.frame.is_empty();
        is_message.then(|| Self {
            slot,
            id: String::new(),
            index: 0,
            shown: String::new(),
            at: None,
        })
    }

    /// What the bubble answers.
    pub(super) fn origin(&self) -> &Origin {
        &self.slot.origin
    }

    /// Whether it shows this text already.
    pub(super) fn shows(&self, text: &str) -> bool {
        self.shown == text
    }

    /// Waits until the platform takes the next state.
    pub(super) async fn turn(&self, gap: Duration) {
        if let Some(at) = self.at {
            sleep(gap.saturating_sub(at.elapsed())).await;
        }
    }

    /// Shows the whole text in place of the one before.
    pub(super) async fn show(
        &mut self,
        core: &Core,
        place: &Place,
        text: &str,
        is_last: bool,
    ) -> Result<(), CallError> {
        let body = self.frame(text, is_last);
        // A state that was refused or lost has used its number up.
        self.index += 1;
        self.at = Some(Instant::now());
        let answer = core.api.post(&place.path("stream_messages"), &body).await?;
        if let Some(id) = answer["id"].as_str()
            && self.id.is_empty()
        {
            id.clone_into(&mut self.id);
        }
        text.clone_into(&mut self.shown);
        Ok(())
    }

    fn frame(&self, text: &str, is_last: bool) -> Value {
        let message = match &self.slot.origin {
            Origin::Message(id) | Origin::Event(id) => id,
        };
        let mut body = json!({
            "input_mode": "replace",
            "input_state": if is_last { 10 } else { 1 },
            "content_type": "markdown",
            "content_raw": text,
            "event_id": self.slot.frame,
            "msg_id": message,
            "msg_seq": self.slot.number,
            "index": self.index,
        });
        if !self.id.is_empty() {
            body["stream_msg_id"] = json!(self.id);
        }
        body
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_bubble_answers_a_message_whose_frame_is_known() {
        let slot = |origin, frame: &str| Slot {
            origin,
            frame: frame.to_owned(),
            number: 7,
        };
        let message = || Origin::Message("m".to_owned());
        assert!(Stream::new(slot(message(), "")).is_none());
        assert!(Stream::new(slot(Origin::Event("e".to_owned()), "f")).is_none());
        let mut stream = Stream::new(slot(message(), "f")).unwrap();
        let first = stream.frame("a", false);
        assert_eq!(first["stream_msg_id"], Value::Null);
        assert_eq!(
            (&first["index"], &first["input_state"]),
            (&json!(0), &json!(1))
        );
        stream.id = "s".to_owned();
        stream.index = 1;
        let last = stream.frame("b", true);
        assert_eq!(last["stream_msg_id"], "s");
        assert_eq!(
            (&last["msg_seq"], &last["input_state"]),
            (&json!(7), &json!(10))
        );
    }
}
