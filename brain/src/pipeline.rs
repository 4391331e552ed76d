//! One message through the brain: identify, rate limit, command, fallback; then one transaction, the
//! acknowledgement, and what follows from it.

mod answered;

use std::time::Duration;

use futures::future::BoxFuture;
use jarvis_proto::chat::{Event, Message, RoomKind as WireRoomKind, event};
use tracing::{Instrument, error, info_span};

use self::answered::{Answered, apologize};

use crate::account::Role;
use crate::answer::{Answer, AuditNote};
use crate::blob::Pins;
use crate::brain::Brain;
use crate::command::help;
use crate::command::permission::Subject;
use crate::command::registry::{Addressing, Found};
use crate::commands::{self, Call, Drafted, Trouble};
use crate::people::Speaker;
use crate::reply::Reply;
use crate::room::{Inbound, RoomKind};
use crate::service::SessionHandle;
use crate::text::{Language, format, text};
use crate::translate::take;

/// How long people are asked to wait when more comes in than can be done.
const BUSY_FOR: Duration = Duration::from_secs(10);
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
    if is_talk(&call, &found) && !is_drafted {
        return talk(&call, false).await;
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
    if is_talk(call, &found) {
        return talk(call, false).await;
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

/// Whether people speak to each other. Files are theirs too where they are translated or passed on.
fn is_talk(call: &Call<'_>, found: &Found) -> bool {
    matches!(found, Found::Nothing) && (call.message.attachments.is_empty() || take::is_on(call))
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

/// Whether an event would run a command. Cheap: nobody is asked who the person is.
pub(crate) fn is_command(session: &SessionHandle, event: &Event) -> bool {
    let Some(event::Kind::Message(message)) = &event.kind else {
        return false;
    };
    let is_private = room_kind(event) == RoomKind::Private;
    let addressing = Addressing {
        private: is_private,
        addressed: is_private || event.addressed,
        bot_name: session.bot_name(),
    };
    !matches!(
        commands::registry().look_up(&message.text, addressing),
        Found::Nothing
    )
}

/// Refuses an event for which there is no place or no time: polite if somebody waits for an answer, never
/// run, and nothing of it is stored.
pub(crate) async fn refuse_busy(brain: &Brain, session: &SessionHandle, event: &Event) {
    let kind = room_kind(event);
    if kind == RoomKind::Private || event.addressed || is_command(session, event) {
        let person = event.person.clone().unwrap_or_default();
        let language = Language::negotiate(None, &person.language);
        let wait = format::duration(language, BUSY_FOR);
        let reply = Reply::from(text!(language, "error-busy", duration = wait));
        answered::say_in_passing(brain, session, event, kind, &reply).await;
    }
    let _ = session.acknowledge(&event.id).await;
}

fn room_kind(event: &Event) -> RoomKind {
    match event.room.as_ref().map(jarvis_proto::chat::Room::kind) {
        Some(WireRoomKind::Group) => RoomKind::Group,
        Some(WireRoomKind::Channel) => RoomKind::Channel,
        _ => RoomKind::Private,
    }
}
