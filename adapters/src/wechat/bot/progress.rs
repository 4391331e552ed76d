//! A running job: a bubble while the platform gives it time, else few messages.

use std::sync::Arc;

use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{Progress, Sent};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::answers::Token;
use super::bubble::Bubble;
use super::line::{Verdict, lock};
use super::outbound::{self, Layout};
use super::send::{Done, Part, Sender};
use crate::host::Turn;

impl Sender<'_> {
    pub(super) async fn progress(&self, progress: &Progress) -> Done {
        let layout = self.layout(&progress.text);
        let key = format!("{} {}", self.place.room(), progress.key);
        let is_started = !self.errand.parts_sent().is_empty();
        let bubble = if is_started {
            None
        } else {
            self.bubble(&key, progress).await?
        };
        let Some(bubble) = bubble else {
            return self.without_bubble(progress, &layout).await;
        };
        let mut bubble = bubble.lock().await;
        if bubble.is_over(self.core.config.rules.stream_life) {
            return self.late(&key, bubble, progress, &layout).await;
        }
        let text = self.text(progress, &layout);
        if !progress.r#final && bubble.shows(&text) {
            return Ok(sent(&bubble.id));
        }
        self.errand.turn(Turn::Call).await?;
        if !progress.r#final {
            bubble.turn(self.core.config.rules.stream_gap).await;
        }
        let was_ending = bubble.is_ending;
        let shown = bubble.show(self.core, &text, progress.r#final).await;
        let Err(error) = shown else {
            return self.shown(&key, &bubble.id, progress, &layout).await;
        };
        match error.verdict() {
            // Its end was shown, and the word about it was lost.
            Some(Verdict::BubbleEnded) if was_ending && progress.r#final => {
                self.shown(&key, &bubble.id, progress, &layout).await
            }
            Some(verdict @ (Verdict::BubbleEnded | Verdict::AnswerDead)) => {
                tracing::info!(%error, "a bubble cannot go on");
                self.core.bubbles.remove(&key);
                if progress.r#final {
                    return self.send(self.whole(progress, &layout)).await;
                }
                if verdict == Verdict::BubbleEnded {
                    return self.anew(&key, &bubble.req_id, &text).await;
                }
                lock(&self.core.answers).dies(&Token::Message(bubble.req_id.clone()));
                Ok(sent(&bubble.id))
            }
            // The next state comes soon.
            Some(Verdict::Limited | Verdict::Conflict)
                if !progress.r#final && !progress.message_id.is_empty() =>
            {
                tracing::debug!(%error, "a passing state is not shown");
                Ok(sent(&bubble.id))
            }
            Some(Verdict::Fatal | Verdict::Gone) => {
                self.core.bubbles.remove(&key);
                Err(self.outcome(&error))
            }
            _ => Err(self.outcome(&error)),
        }
    }

    /// The object's bubble: the one that is open, one of an earlier life of this program, or a new one.
    async fn bubble(
        &self,
        key: &str,
        progress: &Progress,
    ) -> Result<Option<Arc<Mutex<Bubble>>>, Outcome> {
        if let Some(bubble) = self.core.bubbles.get(key) {
            return Ok(Some(bubble));
        }
        let Some(Token::Message(req_id)) = self.token() else {
            return Ok(None);
        };
        let token = Token::Message(req_id.clone());
        if lock(&self.core.answers).is_dead(&token) {
            return Ok(None);
        }
        let is_new = progress.message_id.is_empty();
        if !is_new {
            let again = Bubble::again(&req_id, &progress.message_id);
            return Ok(again.map(|bubble| self.core.bubbles.put(key, bubble)));
        }
        // What is over at once is one message.
        if progress.r#final {
            return Ok(None);
        }
        if !lock(&self.core.answers).take(&token, key) {
            return Ok(None);
        }
        if let Err(wait) = lock(&self.core.limits).take(&self.place, Instant::now()) {
            return Err(super::core::wait_for(wait));
        }
        let bubble = Bubble::new(&req_id, &self.errand.action().id);
        Ok(Some(self.core.bubbles.put(key, bubble)))
    }

    /// The first state, the last, and few between.
    async fn without_bubble(&self, progress: &Progress, layout: &Layout) -> Done {
        let room = self.place.room();
        let is_shown = !self.errand.parts_sent().is_empty()
            || lock(&self.core.few).shows(&room, progress, Instant::now());
        if !is_shown {
            return Ok(sent(&progress.message_id));
        }
        let done = self.send(self.whole(progress, layout)).await;
        if done.is_err() {
            lock(&self.core.few).forget(&room, &progress.key);
        }
        done
    }

    /// The platform's time for the bubble is over: its job's end is a message of its own.
    async fn late(
        &self,
        key: &str,
        mut bubble: MutexGuard<'_, Bubble>,
        progress: &Progress,
        layout: &Layout,
    ) -> Done {
        if !bubble.is_closed && !bubble.shows("") {
            bubble.close(self.core).await;
        }
        if !progress.r#final {
            return Ok(sent(&bubble.id));
        }
        let done = self.send(self.whole(progress, layout)).await;
        if done.is_ok() {
            self.core.bubbles.remove(key);
        }
        done
    }

    /// A bubble of the same message in place of one that has ended early.
    async fn anew(&self, key: &str, req_id: &str, text: &str) -> Done {
        let mut bubble = Bubble::new(req_id, &self.errand.action().id);
        let id = bubble.id.clone();
        match bubble.show(self.core, text, false).await {
            Ok(()) => drop(self.core.bubbles.put(key, bubble)),
            Err(error) => tracing::info!(%error, "nor can a new one begin"),
        }
        Ok(sent(&id))
    }

    /// A state is shown; after the last one follows what has no place in a bubble.
    async fn shown(&self, key: &str, id: &str, progress: &Progress, layout: &Layout) -> Done {
        lock(&self.core.limits).taken(&self.place);
        if !progress.r#final {
            return Ok(sent(id));
        }
        self.core.bubbles.remove(key);
        let parts = self.whole(progress, layout);
        if parts.len() > 1 {
            self.errand.part_sent(id);
            self.send(parts).await?;
        }
        Ok(sent(id))
    }

    /// All messages of a state: its texts, and a card below them where it has buttons.
    fn whole(&self, progress: &Progress, layout: &Layout) -> Vec<Part<'static>> {
        let card = self
            .card(&progress.buttons, None)
            .filter(|_| progress.r#final);
        let Some((card, _)) = card else {
            return self.parts_with_choices(layout, progress);
        };
        let mut parts = self.parts(layout, &[]);
        parts.push(Part::Card(card));
        parts
    }

    fn parts_with_choices(&self, layout: &Layout, progress: &Progress) -> Vec<Part<'static>> {
        let mut layout = layout.clone();
        if let Some(last) = layout.texts.last_mut() {
            let more = outbound::choices(&progress.buttons);
            let limit = self.core.config.rules.text_limit;
            last.markdown = outbound::joined(&last.markdown, &more, limit);
        }
        self.parts(&layout, &[])
    }

    /// What the bubble shows. Lines to type stand in for buttons while the job runs.
    fn text(&self, progress: &Progress, layout: &Layout) -> String {
        match self.whole(progress, layout).into_iter().next() {
            Some(Part::Text(text)) => text.markdown,
            // A bubble without any text is refused.
            _ => "…".to_owned(),
        }
    }
}

fn sent(id: &str) -> Sent {
    Sent {
        message_id: id.to_owned(),
    }
}
