//! One message through the brain: identify, rate limit, command, fallback; then one transaction, the
//! acknowledgement, and what follows from it.

use std::time::Duration;

use futures::future::BoxFuture;
use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{
    Action, AnswerPress, Event, Message, RoomKind as WireRoomKind, action, event,
};
use prost::Message as _;
use tracing::{Instrument, debug, error, info_span, warn};

use crate::account::Role;
use crate::answer::{After, Answer, AuditNote, Place, Speech, audit_entry};
use crate::blob::Pins;
use crate::brain::Brain;
use crate::command::help;
use crate::command::permission::Subject;
use crate::command::registry::{Addressing, Found};
use crate::commands::{self, Call, Drafted, Trouble};
use crate::outbox::OutboxItem;
use crate::people::Speaker;
use crate::reply::Reply;
use crate::room::{Inbound, RoomKind};
use crate::store::{Committed, EventKey, Op, StoreError, Unit};
use crate::text::{Language, format, text};
use crate::translate::take;

/// Tries to commit an answer while the store is busy, before its sender is told.
const COMMIT_TRIES: u32 = 20;
/// How long people are asked to wait when a room's lane is full.
const BUSY_FOR: Duration = Duration::from_secs(30);
/// Most commands in one message.
const MOST_LINES: usize = 20;
/// Longest text that is looked at, in bytes; more than any platform's message and a 100 KiB script.
const TEXT_LIMIT: usize = 256 << 10;

/// An event whose answer is on its way into the store.
pub(crate) struct Begun {
    /// Waits for the commit, acknowledges the event, and sets going what follows.
    pub(crate) rest: BoxFuture<'static, ()>,
    /// Whether the room's next event may be looked at before `rest` is done: the answer changes nothing
    /// that another answer could depend on.
    pub(crate) is_apart: bool,
}

/// Finds the answer to an event and hands it to the store, behind all earlier ones.
pub(crate) async fn begin(brain: &Brain, inbound: Inbound) -> Begun {
    let trace = crate::code::trace();
    let span = info_span!(
        "event",
        trace,
        adapter.kind = %inbound.room.bot.kind,
        room.id = %inbound.room.room,
        event.id = %inbound.event.id,
    );
    begin_traced(brain, inbound, trace).instrument(span).await
}

async fn begin_traced(brain: &Brain, inbound: Inbound, trace: String) -> Begun {
    brain.outbox().room_spoke(&inbound.room);
    let kind = room_kind(&inbound.event);
    let person = inbound.event.person.clone().unwrap_or_default();
    let speaker = match brain
        .people()
        .recognise(brain, &inbound.session, &person)
        .await
    {
        Ok(speaker) => speaker,
        Err(error) => {
            error!(%error, "cannot tell who speaks");
            let hint = Language::negotiate(None, &person.language);
            apologize(brain, &inbound, kind, hint, &trace).await;
            return Begun::nothing();
        }
    };
    // Until the commit: what the answer refers to must not go in between.
    let pins = Pins::default();
    let mut answer = if person.is_bot {
        Answer::nothing()
    } else {
        match answer(brain, &inbound, &speaker, kind, &trace, &pins).await {
            Ok(answer) => answer,
            Err(trouble) => {
                error!(error = %trouble, "the command failed");
                Answer::say(text!(
                    speaker.language(),
                    "error-internal",
                    trace = trace.as_str()
                ))
            }
        }
    };
    if kind == RoomKind::Private && !inbound.session.is_terminal() {
        answer.ops.extend(
            brain
                .people()
                .note_private_room(&speaker.account, &inbound.room),
        );
        let alone = brain.people().note_alone(&speaker.account, &inbound.room);
        answer.ops.extend(alone);
    }
    let answered = Answered {
        inbound,
        speaker,
        kind,
        trace,
        _pins: pins,
    };
    answered.commit(brain, answer).await
}

impl Begun {
    fn nothing() -> Self {
        Self {
            rest: Box::pin(async {}),
            is_apart: true,
        }
    }
}

/// Says, past the outbox, that nothing was done because the store does not answer. The event is over
/// then: its sender knows. If nobody could be told, the adapter keeps it and sends it again.
async fn apologize(
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

/// An event that was answered, until its answer is safe.
struct Answered {
    inbound: Inbound,
    speaker: Speaker,
    kind: RoomKind,
    trace: String,
    _pins: Pins,
}

impl Answered {
    /// Hands the answer to the store together with the event.
    async fn commit(self, brain: &Brain, answer: Answer) -> Begun {
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
        if self
            .inbound
            .session
            .acknowledge(&self.inbound.event.id)
            .await
            .is_err()
        {
            debug!(
                "the adapter went away before the acknowledgement; it will send the event again"
            );
        }
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

/// What to do about an event.
async fn answer(
    brain: &Brain,
    inbound: &Inbound,
    speaker: &Speaker,
    kind: RoomKind,
    trace: &str,
    pins: &Pins,
) -> Result<Answer, Trouble> {
    let message = match &inbound.event.kind {
        Some(event::Kind::Message(message) | event::Kind::Edited(message)) => message.clone(),
        Some(event::Kind::Deleted(_)) => Message::default(),
        Some(event::Kind::Press(press)) => Message {
            text: press.data.clone(),
            message_id: press.message_id.clone(),
            ..Message::default()
        },
        Some(event::Kind::Joined(_)) if kind == RoomKind::Private => Message {
            text: "start".to_owned(),
            ..Message::default()
        },
        _ => return Ok(Answer::nothing()),
    };
    let is_press = matches!(inbound.event.kind, Some(event::Kind::Press(_)));
    let call = Call {
        brain,
        inbound,
        speaker,
        kind,
        message: &message,
        trace,
        is_confirmed: false,
        kept_file: None,
        pins,
    };
    match &inbound.event.kind {
        // An edit never runs a command.
        Some(event::Kind::Edited(_)) => return talk(&call, true).await,
        Some(event::Kind::Deleted(message)) => return take::deleted(&call, message).await,
        _ => {}
    }
    // Who answers words that we only pass on speaks to the person who said them.
    let is_passed_on = message.reply_to_bot
        && take::is_on(&call)
        && take::is_shown(&call, &message.reply_to).await?;
    let addressed =
        is_press || kind == RoomKind::Private || (inbound.event.addressed && !is_passed_on);
    let addressing = Addressing {
        private: kind == RoomKind::Private,
        addressed,
        bot_name: inbound.session.bot_name(),
    };
    if message.text.len() > TEXT_LIMIT {
        return Ok(if addressed {
            Answer::say(text!(
                call.language(),
                "error-too-long",
                size = format::bytes(message.text.len() as u64),
                limit = format::bytes(TEXT_LIMIT as u64),
            ))
        } else {
            Answer::nothing()
        });
    }
    let picked = brain.choices().pick(&inbound.room, &message.text);
    let line = picked.as_deref().unwrap_or(&message.text);
    let found = commands::registry().look_up(line, addressing);
    let is_drafted = !is_press && commands::may_be_drafted(&call, addressed);
    if matches!(found, Found::Nothing) && message.attachments.is_empty() && !is_drafted {
        return Ok(Answer::nothing());
    }
    if let Some(refusal) = rate_limited(&call) {
        return Ok(refusal);
    }
    // Notes take in old messages too.
    let drafted = if is_drafted {
        commands::continue_draft(&call, &found, addressed).await?
    } else {
        Drafted::No
    };
    match drafted {
        Drafted::No => meant(&call, found, line, addressed).await,
        Drafted::Taken(answer) => Ok(*answer),
        Drafted::Before(mut answer) => {
            let next = meant(&call, found, line, addressed).await?;
            answer.append(next);
            Ok(*answer)
        }
    }
}

/// What to do about a message that is no part of a note.
async fn meant(
    call: &Call<'_>,
    found: Found,
    line: &str,
    addressed: bool,
) -> Result<Answer, Trouble> {
    let (brain, inbound, message) = (call.brain, call.inbound, call.message);
    if matches!(found, Found::Nothing) && message.attachments.is_empty() {
        return Ok(Answer::nothing());
    }
    if is_too_old(brain, &inbound.event) && (addressed || matches!(found, Found::Commands(_))) {
        return Ok(Answer::say(text!(
            call.language(),
            "error-too-old",
            when = format::ago(
                call.language(),
                inbound.event.time_ms,
                brain.now_ms(),
                &brain.zone()
            ),
        )));
    }
    match found {
        Found::Commands(lines) => {
            let mut answer = Answer::nothing();
            for line in lines.into_iter().take(MOST_LINES) {
                let mut next = commands::run_line(call, &line).await?;
                answer.audit = next.audit.take().or(answer.audit);
                answer.append(next);
            }
            Ok(answer)
        }
        Found::Nothing if addressed => commands::take_files(call, "").await,
        Found::Nothing => Ok(Answer::nothing()),
        Found::Unknown { word, rest } => {
            if !message.attachments.is_empty() {
                return commands::take_files(call, &message.text).await;
            }
            if let Some(answer) = commands::continue_dialog(call, line).await? {
                return Ok(answer);
            }
            if let Some(answer) = commands::notes_of_key(call, line).await? {
                return Ok(answer);
            }
            // Who answers what we passed on talks, even before it is known which message that was.
            if (call.kind == RoomKind::Private || message.reply_to_bot) && take::is_on(call) {
                return talk(call, false).await;
            }
            unknown(call, &word, &rest).await
        }
    }
}

/// What people say to each other: translated where the room wants it, and no more than they may say.
async fn talk(call: &Call<'_>, is_edit: bool) -> Result<Answer, Trouble> {
    if !take::is_on(call) || rate_limited(call).is_some() {
        return Ok(Answer::nothing());
    }
    let answer = take::message(call, call.message, is_edit).await?;
    Ok(answer.unwrap_or_default())
}

/// An unknown command gets the nearest one that the person may run.
async fn unknown(call: &Call<'_>, word: &str, rest: &str) -> Result<Answer, Trouble> {
    let language = call.language();
    let subject = Subject::from(&call.speaker.account);
    if subject.role == Role::Guest {
        return Ok(Answer::say(
            commands::general::run::start_reply(call).await?,
        ));
    }
    Ok(Answer::say(help::unknown(
        language,
        commands::registry(),
        &subject,
        word,
        rest,
        &call.node_facts(),
    )))
}

fn rate_limited(call: &Call<'_>) -> Option<Answer> {
    if call.inbound.session.is_terminal() {
        return None;
    }
    let wait_ms = call
        .brain
        .people()
        .may_speak(&call.speaker.account.id)
        .err()?;
    let wait = format::duration(call.language(), Duration::from_millis(wait_ms.max(1000)));
    let note = AuditNote {
        what: "rate-limit".to_owned(),
        result: "refused",
        ..AuditNote::default()
    };
    let mut answer = Answer::say(text!(call.language(), "error-rate", duration = wait));
    answer.audit = Some(Box::new(note));
    Some(answer)
}

fn is_too_old(brain: &Brain, event: &Event) -> bool {
    let limit_ms = i64::try_from(brain.config().too_old.as_millis()).unwrap_or(i64::MAX);
    event.time_ms > 0 && brain.now_ms() - event.time_ms > limit_ms
}

/// Answers an event for which the room's lane has no place left: polite, and never run.
pub(crate) async fn refuse_busy(brain: Brain, inbound: Inbound) {
    let person = inbound.event.person.clone().unwrap_or_default();
    let Ok(speaker) = brain
        .people()
        .recognise(&brain, &inbound.session, &person)
        .await
    else {
        return;
    };
    let kind = room_kind(&inbound.event);
    let answer = if inbound.event.addressed {
        Answer::say(text!(
            speaker.language(),
            "error-busy",
            duration = format::duration(speaker.language(), BUSY_FOR),
        ))
    } else {
        Answer::nothing()
    };
    let answered = Answered {
        inbound,
        speaker,
        kind,
        trace: String::new(),
        _pins: Pins::default(),
    };
    answered.commit(&brain, answer).await.rest.await;
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

fn room_kind(event: &Event) -> RoomKind {
    match event.room.as_ref().map(jarvis_proto::chat::Room::kind) {
        Some(WireRoomKind::Group) => RoomKind::Group,
        Some(WireRoomKind::Channel) => RoomKind::Channel,
        _ => RoomKind::Private,
    }
}
