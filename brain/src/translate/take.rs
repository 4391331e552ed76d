//! What a message needs: decided in its room's lane, without asking any engine.

use jarvis_proto::chat::Message;

use super::pieces::{parts, pieces};
use super::settings::{Goal, RoomTranslation};
use super::show;
use super::work::{FileHandle, Origin, Style, Work, key_prefix};
use crate::answer::{After, Answer};
use crate::commands::{Call, Trouble};
use crate::room::RoomKey;
use crate::store::{Op, StoreError};
use crate::text::{format, text};

/// Longest text that is translated, in characters.
pub(crate) const MOST_CHARACTERS: usize = 20_000;
/// Files of one message that are copied to another room.
const MOST_FILES: usize = 10;

/// Whether anything of a room is translated or copied.
pub(crate) fn is_on(call: &Call<'_>) -> bool {
    settings(call).is_some()
}

fn settings(call: &Call<'_>) -> Option<std::sync::Arc<RoomTranslation>> {
    let settings = call.brain.translations().room(call.room())?;
    (settings.is_on() || settings.link.is_some()).then_some(settings)
}

/// Whether a message of ours that somebody answers shows what a person said: the answer is then for
/// that person, not for us.
///
/// # Errors
/// When the store cannot be asked.
pub(crate) async fn is_shown(call: &Call<'_>, message: &str) -> Result<bool, StoreError> {
    if message.is_empty() {
        return Ok(false);
    }
    let prefix = key_prefix(call.room());
    let shown = call.brain.store().translation_shown_by(&prefix, message);
    Ok(shown.await?.is_some())
}

/// What a message needs; `None` when nothing is translated or copied here.
///
/// # Errors
/// When the store cannot be asked.
pub(crate) async fn message(
    call: &Call<'_>,
    message: &Message,
    is_edit: bool,
) -> Result<Option<Answer>, Trouble> {
    let Some(settings) = settings(call) else {
        return Ok(None);
    };
    let identity = &call.speaker.identity;
    let translations = call.brain.translations();
    if is_one_of_ours(call) || is_command(&message.text) {
        return Ok(None);
    }
    if message.text.chars().count() > MOST_CHARACTERS {
        let limit = format::count(MOST_CHARACTERS as u64);
        return Ok(Some(Answer::say(text!(
            call.language(),
            "translation-too-long",
            limit = limit
        ))));
    }
    translations.note_name(call.room(), &identity.name);
    let origin = Origin {
        room: call.room().clone(),
        message: message.message_id.clone(),
    };
    let mut works = Vec::new();
    let mut answer = Answer::nothing();
    if is_edit {
        // What was to be said of the older text is not said any more.
        answer = answer.op(Op::DropTranslations {
            origin: origin.mark(),
        });
    }
    if settings.is_on() {
        let goals = needed(&settings, &identity.key.person, &message.text);
        if !goals.is_empty() {
            works.push(work(call, &origin, message, goals, Style::Here));
        } else if is_edit {
            withdraw(call, call.room(), &settings, &origin, &mut answer).await?;
        }
    }
    for (room, there) in bundle(call, &settings) {
        works.push(copy(call, &origin, message, room, &there, is_edit));
    }
    for work in works {
        if translations.is_full(&work.room) {
            if translations.may_tell(&work.room, "full", call.brain.now_ms()) {
                let said = text!(call.language(), "translation-full");
                answer.append(Answer::say(said));
            }
            continue;
        }
        answer = answer
            .op(Op::PutTranslation(Box::new(work.clone())))
            .then(After::Translate(Box::new(work)));
    }
    Ok(Some(answer))
}

/// What the end of a message needs: everything that shows it goes too.
///
/// # Errors
/// When the store cannot be asked.
pub(crate) async fn deleted(call: &Call<'_>, message: &str) -> Result<Answer, Trouble> {
    let Some(settings) = settings(call) else {
        return Ok(Answer::nothing());
    };
    let origin = Origin {
        room: call.room().clone(),
        message: message.to_owned(),
    };
    let mut answer = Answer::nothing().op(Op::DropTranslations {
        origin: origin.mark(),
    });
    withdraw(call, call.room(), &settings, &origin, &mut answer).await?;
    for (room, there) in bundle(call, &settings) {
        withdraw(call, &room, &there, &origin, &mut answer).await?;
    }
    Ok(answer)
}

/// What `tr` asks for.
pub(crate) fn asked(call: &Call<'_>, message: &Message, text: String, goal: Goal) -> Work {
    let origin = Origin {
        room: call.room().clone(),
        message: message.message_id.clone(),
    };
    let mut work = work(call, &origin, message, vec![goal], Style::Asked);
    work.text = text;
    work
}

/// The other rooms of the bundle.
fn bundle(
    call: &Call<'_>,
    settings: &RoomTranslation,
) -> Vec<(RoomKey, std::sync::Arc<RoomTranslation>)> {
    let Some(link) = &settings.link else {
        return Vec::new();
    };
    let mut tied = call.brain.translations().bundle(&link.bundle);
    tied.retain(|(room, _)| room != call.room());
    tied
}

/// The goals for which an engine has something to do.
fn needed(settings: &RoomTranslation, person: &str, text: &str) -> Vec<Goal> {
    let mut goals = settings.goals(person);
    let pieces = pieces(text, &settings.tongues(), settings.hint(person));
    goals.retain(|goal| parts(&pieces, goal.to, &settings.fixed(goal.to)).is_some());
    goals
}

fn work(
    call: &Call<'_>,
    origin: &Origin,
    message: &Message,
    goals: Vec<Goal>,
    style: Style,
) -> Work {
    let identity = &call.speaker.identity;
    let context = call.inbound.event.reply_context.as_ref();
    let settings = call.brain.translations().room(&origin.room);
    Work {
        id: uuid::Uuid::now_v7().to_string(),
        room: call.room().clone(),
        kind: call.kind,
        origin: origin.clone(),
        author: identity.name.clone(),
        person: identity.key.person.clone(),
        account: call.account().clone(),
        text: message.text.clone(),
        goals,
        local_only: settings.is_some_and(|settings| settings.local_only),
        style,
        language: call.language().code().to_owned(),
        received_ms: call.brain.now_ms(),
        context: context.map(|context| (context.token.clone(), context.expires_ms)),
        is_delayed: false,
    }
}

/// The message for another room of the bundle.
fn copy(
    call: &Call<'_>,
    origin: &Origin,
    message: &Message,
    room: RoomKey,
    there: &RoomTranslation,
    is_edit: bool,
) -> Work {
    let reads = there.link.as_ref().and_then(|link| link.reads);
    let goals = reads.map(|to| Goal {
        to,
        engine: there.engine.clone(),
        round_trip: false,
    });
    // The files of an edited message were copied with it.
    let files: Vec<FileHandle> = if is_edit {
        Vec::new()
    } else {
        message
            .attachments
            .iter()
            .take(MOST_FILES)
            .map(FileHandle::from)
            .collect()
    };
    let style = Style::Copy {
        reply_to: message.reply_to.clone(),
        reply_text: message.reply_to_text.clone(),
        is_reply_to_us: message.reply_to_bot,
        from: origin.room.bot.kind.clone(),
        files,
    };
    let mut work = work(call, origin, message, goals.into_iter().collect(), style);
    // Either side may forbid it.
    work.local_only |= there.local_only;
    work.room = room;
    work.kind = there.kind;
    work.context = None;
    work
}

/// Takes back the message that shows another one in a room, if there is or will be one.
async fn withdraw(
    call: &Call<'_>,
    room: &RoomKey,
    settings: &RoomTranslation,
    origin: &Origin,
    answer: &mut Answer,
) -> Result<(), Trouble> {
    let key = origin.key_in(room);
    let store = call.brain.store();
    // What is on its way is asked first: it is gone from there when its message is known. A deletion
    // of nothing does nothing, and also meets what is said at this very moment.
    if show::can_delete(call.brain, room)
        || store.is_on_its_way(&key).await?
        || store.progress(&key).await?.is_some()
    {
        answer.act(show::withdrawn(call.brain, room, settings, &key));
    }
    Ok(())
}

/// Commands are not talk, whoever they are for.
fn is_command(text: &str) -> bool {
    let Some(rest) = text.trim_start().strip_prefix(['/', '／', '!', '！']) else {
        return false;
    };
    let word = rest.split_whitespace().next().unwrap_or_default();
    // A path is talk.
    rest.starts_with(char::is_alphanumeric) && !word.contains('/')
}

/// Whether another bot of ours said it. Platforms do not always tell that somebody is a bot, and what
/// one bot of ours says must never come back through another.
fn is_one_of_ours(call: &Call<'_>) -> bool {
    let key = &call.speaker.identity.key;
    call.brain
        .sessions()
        .all()
        .iter()
        .any(|session| session.bot().kind == key.kind && session.bot().bot == key.person)
}
