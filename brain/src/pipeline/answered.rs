//! From an answer to what follows from it: one transaction with its event, the acknowledgement, and what
//! it sets going.

use std::time::Duration;

use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{Action, AnswerPress, Event, action, event};
use prost::Message as _;
use tracing::{Instrument, debug, error, warn};

use super::Begun;
use crate::answer::{After, Answer, Place, Speech, audit_entry};
use crate::blob::Pins;
use crate::brain::Brain;
use crate::commands;
use crate::outbox::OutboxItem;
use crate::people::Speaker;
use crate::reply::Reply;
use crate::room::{Inbound, RoomKey, RoomKind};
use crate::service::SessionHandle;
use crate::store::{Committed, EventKey, Op, StoreError, Unit};
use crate::text::{Language, text};

/// Tries to commit an answer while the store is busy, before its sender is told.
const COMMIT_TRIES: u32 = 20;

/// Says, past the outbox, that nothing was done because the store does not answer. The event is over
/// then: its sender knows. If nobody could be told, the adapter keeps it and sends it again.
pub(super) async fn apologize(
    brain: &Brain,
    inbound: &Inbound,
    kind: RoomKind,
    language: Language,
    trace: &str,
) {
    let is_waited_for = inbound.event.addressed || kind == RoomKind::Private;
    if is_waited_for {
        let reply = Reply::from(text!(language, "error-store", trace = trace));
        let mut speech = Speech::new(brain);
        speech.say(&Place::unasked(inbound.room.clone()), kind, &reply);
        for item in speech.items {
            let Ok(action) = Action::decode(item.action.as_slice()) else {
                return;
            };
            let told = inbound.session.perform(action).await;
            if !matches!(told, Ok(Outcome::Ok(_))) {
                return;
            }
        }
    }
    let _ = inbound.session.acknowledge(&inbound.event.id).await;
}

/// Says something about an event past the outbox, once: it is worth nothing later.
pub(super) async fn say_in_passing(
    brain: &Brain,
    session: &SessionHandle,
    event: &Event,
    kind: RoomKind,
    reply: &Reply,
) {
    let Some(room) = &event.room else { return };
    let message = match &event.kind {
        Some(event::Kind::Message(message)) => message.message_id.clone(),
        _ => String::new(),
    };
    let place = Place {
        room: RoomKey {
            bot: session.bot().clone(),
            room: room.id.clone(),
            thread: room.thread.clone(),
        },
        reply_to: message,
        context: event.reply_context.clone(),
        account: None,
    };
    let mut speech = Speech::new(brain);
    speech.say(&place, kind, reply);
    for item in speech.items {
        if let Ok(mut action) = Action::decode(item.action.as_slice()) {
            action.transient = true;
            let _ = session.say(action).await;
        }
    }
}

/// An event that was answered, until its answer is safe.
pub(super) struct Answered {
    pub(super) inbound: Inbound,
    pub(super) speaker: Speaker,
    pub(super) kind: RoomKind,
    pub(super) trace: String,
    /// Until the commit: what the answer refers to must not go in between.
    pub(super) _pins: Pins,
}

impl Answered {
    /// Hands the answer to the store together with the event.
    pub(super) async fn commit(self, brain: &Brain, answer: Answer) -> Begun {
        let place = place_of(&self.inbound, &self.speaker);
        let mut speech = Speech::new(brain);
        for reply in &answer.replies {
            speech.say(&place, self.kind, reply);
        }
        for (elsewhere, reply) in &answer.elsewhere {
            speech.say(elsewhere, RoomKind::Private, reply);
        }
        let mut ops = answer.ops;
        ops.append(&mut speech.ops);
        if let Some(note) = answer.audit {
            let mut entry = audit_entry(brain, *note);
            entry.account = Some(self.speaker.account.id.clone());
            entry.identity = Some(self.speaker.identity.key.clone());
            self.trace.clone_into(&mut entry.trace);
            ops.push(Op::Audit(entry));
        }
        ops.extend(speech.items.iter().cloned().map(Op::Outbox));
        if ops.is_empty() && answer.after.is_empty() && self.is_talk() {
            return self.nothing_to_store();
        }
        let unit = Unit::answering(self.event_key(brain), ops);
        let is_apart = unit.is_common() && answer.after.is_empty();
        let receipt = brain.store().enqueue(unit.clone()).await;
        let (items, after) = (speech.items, answer.after);
        let span = tracing::Span::current();
        let brain = brain.clone();
        let rest = async move {
            let committed = match receipt {
                Ok(receipt) => receipt.outcome().await,
                Err(error) => Err(error),
            };
            let committed = match committed {
                Err(error) if error.is_passing() => commit_event(&brain, unit).await,
                other => other,
            };
            self.finish(&brain, committed, items, after).await;
        };
        Begun {
            rest: Box::pin(rest.instrument(span)),
            is_apart,
        }
    }

    /// Whether this is a message on a platform; the terminal's programs ask for their last event, and a
    /// pressed button waits.
    fn is_talk(&self) -> bool {
        let is_press = matches!(self.inbound.event.kind, Some(event::Kind::Press(_)));
        !is_press && !self.inbound.session.is_terminal()
    }

    /// What people say to each other, and we have nothing to do with: a repetition would cause nothing
    /// either, so it is not even noted.
    fn nothing_to_store(self) -> Begun {
        let span = tracing::Span::current();
        let rest = async move {
            self.acknowledge().await;
        };
        Begun {
            rest: Box::pin(rest.instrument(span)),
            is_apart: true,
        }
    }

    async fn acknowledge(&self) {
        let inbound = &self.inbound;
        if inbound
            .session
            .acknowledge(&inbound.event.id)
            .await
            .is_err()
        {
            debug!(
                "the adapter went away before the acknowledgement; it will send the event again"
            );
        }
    }

    /// Says what was stored, sets going what follows, and acknowledges.
    async fn finish(
        self,
        brain: &Brain,
        committed: Result<Committed, StoreError>,
        items: Vec<OutboxItem>,
        after: Vec<After>,
    ) {
        match committed {
            Ok(Committed::Applied) => {
                if after
                    .iter()
                    .any(|after| matches!(after, After::FollowNotes))
                {
                    brain.notes().follow().await;
                }
                brain.outbox().push(brain, items);
                for after in after {
                    set_going(brain, after).await;
                }
            }
            Ok(Committed::Duplicate) => debug!("a repeated event does nothing"),
            Ok(Committed::Unmet) => {
                // Somebody was faster: the code or question was used up in between.
                let reply = Reply::from(text!(self.speaker.language(), "press-gone"));
                let mut speech = Speech::new(brain);
                let place = place_of(&self.inbound, &self.speaker);
                speech.say(&place, self.kind, &reply);
                let ops = speech.items.iter().cloned().map(Op::Outbox).collect();
                match commit_event(brain, Unit::answering(self.event_key(brain), ops)).await {
                    Ok(_) => brain.outbox().push(brain, speech.items),
                    Err(error) => return self.fail(brain, &error).await,
                }
            }
            Err(error) => return self.fail(brain, &error).await,
        }
        if let Some(event::Kind::Press(_)) = &self.inbound.event.kind {
            release_button(brain, &self.inbound);
        }
        self.acknowledge().await;
    }

    async fn fail(&self, brain: &Brain, error: &StoreError) {
        error!(%error, "cannot store an answer");
        let language = self.speaker.language();
        apologize(brain, &self.inbound, self.kind, language, &self.trace).await;
    }

    fn event_key(&self, brain: &Brain) -> EventKey {
        EventKey {
            bot: self.inbound.room.bot.clone(),
            id: self.inbound.event.id.clone(),
            received_ms: brain.now_ms(),
        }
    }
}

/// Stops the spinner of a pressed button. Best effort: a press is worth nothing a minute later.
fn release_button(brain: &Brain, inbound: &Inbound) {
    let answer = AnswerPress {
        event: inbound.event.id.clone(),
        text: String::new(),
    };
    let action = Action {
        id: uuid::Uuid::now_v7().to_string(),
        room: inbound.event.room.clone(),
        transient: true,
        kind: Some(action::Kind::AnswerPress(answer)),
        ..Action::default()
    };
    let session = inbound.session.clone();
    brain.spawn(async move {
        let _ = session.perform(action).await;
    });
}

async fn commit_event(brain: &Brain, unit: Unit) -> Result<Committed, StoreError> {
    let mut tries = 0;
    loop {
        match brain.store().commit(unit.clone()).await {
            Err(error) if error.is_passing() && tries < COMMIT_TRIES => {
                tries += 1;
                warn!(%error, tries, "the store is busy; once more");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            other => return other,
        }
    }
}

async fn set_going(brain: &Brain, after: After) {
    match after {
        After::StartJob(new) => brain.jobs().start(brain, *new),
        After::Cancel(number) => drop(brain.jobs().cancel(number).await),
        After::Follow(new) => brain.jobs().follows().start(brain, *new),
        After::StopFollow(id) => brain.jobs().follows().stop(&id),
        After::ForgetPeople => brain.people().forget(),
        After::KeepNode(record) => brain.fleet().keep(brain, record),
        // That was first of all.
        After::FollowNotes => {}
        After::RebuildNotes(told) => {
            let rebuilding = brain.clone();
            brain.spawn(async move { commands::rebuild_notes(&rebuilding, *told).await });
        }
        After::ImportNotes(import) => crate::note::import::run::start(brain, *import),
        After::ForgetSubscriptions => brain.watch().forget_subscriptions(),
        After::ForgetNode(name) => brain.fleet().forget(brain, &name),
        After::TidyFiles(hash) => {
            let tidying = brain.clone();
            brain.spawn(async move {
                if let Err(error) = crate::file::remove_bytes(&tidying, &hash).await {
                    tracing::warn!(%error, "the bytes of a removed file stay");
                }
            });
        }
        After::Send(item) => brain.outbox().push(brain, vec![*item]),
        After::Translate(work) => brain.translations().begin(brain, *work),
        After::KeepTranslation(room, settings) => {
            brain.translations().keep_room(room, *settings);
        }
        After::RenameNode(name, new) => {
            brain.fleet().rename(brain, &name, &new);
            brain.jobs().node_renamed(brain, &name, &new);
        }
        After::TagNode(name, tags) => brain.fleet().tag(&name, tags),
    }
}

fn place_of(inbound: &Inbound, speaker: &Speaker) -> Place {
    let reply_to = match &inbound.event.kind {
        Some(event::Kind::Message(message)) => message.message_id.clone(),
        _ => String::new(),
    };
    Place {
        room: inbound.room.clone(),
        reply_to,
        context: inbound.event.reply_context.clone(),
        account: Some(speaker.account.id.clone()),
    }
}
