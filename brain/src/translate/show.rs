//! Says a translation: an answer to the original, with its author, in a message that follows edits.

use jarvis_proto::chat::{Action, Delete, FileRef, Progress, Segment, SendFile, action, segment};
use tracing::debug;

use super::make::{Made, Said};
use super::month;
use super::settings::RoomTranslation;
use super::translator::Failure;
use super::work::{Style, Work};
use crate::answer::{redact, wire_room};
use crate::brain::Brain;
use crate::outbox::OutboxItem;
use crate::reply::Reply;
use crate::room::{RoomKey, RoomKind};
use crate::store::{Condition, Op, TranslationCount, Unit};
use crate::text::{Text, text};

/// Longest original that is shown under the copy of it, in characters.
const ORIGINAL: usize = 1_000;
/// What is quoted of a message that is answered elsewhere.
const QUOTED: usize = 80;

/// Tells people, once, that a translation takes long.
pub(super) async fn delayed(brain: &Brain, work: &mut Work) {
    if work.is_delayed {
        return;
    }
    let delayed = text!(work.ui(), "translation-delayed");
    let reply = match &work.style {
        // Who reads elsewhere sees at least what was written.
        Style::Copy { .. } => copy(work, &Made::default()).line(delayed),
        _ => author(work).more(delayed),
    };
    let item = progress(brain, work, &Made::default(), &reply, false);
    let ops = vec![
        Op::Require(Condition::DelayTranslation {
            id: work.id.clone(),
        }),
        Op::Outbox(item.clone()),
    ];
    if brain.commit_patiently(Unit::of(ops)).await {
        brain.outbox().push(brain, vec![item]);
    }
    work.is_delayed = true;
}

/// Says what was made, and takes the work out of the store, both or neither.
pub(super) async fn made(brain: &Brain, work: &Work, made: Made) {
    let mut ops = vec![Op::Require(Condition::TakeTranslation {
        id: work.id.clone(),
    })];
    let month = month(brain);
    ops.extend(made.spent.iter().map(|spent| {
        Op::CountTranslation(Box::new(TranslationCount {
            month: month.clone(),
            engine: spent.engine.clone(),
            account: work.account.clone(),
            room: work.origin.room.clone(),
            characters: i64::try_from(spent.characters).unwrap_or(i64::MAX),
        }))
    }));
    let mut items = Vec::new();
    if let Some(reply) = worded(brain, work, &made) {
        items.push(progress(brain, work, &made, &reply, true));
    }
    items.extend(made.files.iter().map(|file| {
        let file = FileRef {
            blob: file.blob.clone(),
            name: file.name.clone(),
            mime: file.mime.clone(),
            size: file.size,
        };
        let send = SendFile {
            file: Some(file),
            caption: Vec::new(),
        };
        item(brain, work, "", action::Kind::File(send))
    }));
    ops.extend(items.iter().cloned().map(Op::Outbox));
    if brain.commit_patiently(Unit::of(ops)).await {
        brain.outbox().push(brain, items);
    } else {
        debug!(work = %work.id, "the message was changed or deleted meanwhile");
    }
}

/// What is said; `None` when nothing is to be.
fn worded(brain: &Brain, work: &Work, made: &Made) -> Option<Reply> {
    if let Style::Copy { .. } = work.style {
        return Some(copy(work, made));
    }
    if made.texts.is_empty() {
        let Some(failure) = &made.failure else {
            let same = || text!(work.ui(), "translation-same");
            return (work.is_asked() || work.is_delayed).then(|| Reply::from(same()));
        };
        let is_told = work.is_asked() || work.is_delayed || {
            let now_ms = brain.now_ms();
            brain
                .translations()
                .may_tell(&work.room, trouble(failure), now_ms)
        };
        return is_told.then(|| Reply::from(explain(work, failure)));
    }
    let is_asked = work.is_asked();
    let mut reply = if is_asked { Reply::new() } else { author(work) };
    let several = work.goals.len() > 1 && made.texts.len() > 1;
    for (index, said) in made.texts.iter().enumerate() {
        if several {
            if index > 0 || !is_asked {
                reply = reply.line(Text::plain(""));
            }
            let code = Text::plain(said.to.code());
            reply = reply.more(text!(work.ui(), "translation-label", language = code));
        }
        reply = reply.more(Text::plain(&said.text));
        reply = back(work, said, reply);
    }
    Some(reply)
}

/// Who wrote it.
fn author(work: &Work) -> Reply {
    Reply::new().more(text!(
        work.ui(),
        "translation-author",
        name = Text::bold(&work.author)
    ))
}

/// How it reads when translated back.
fn back(work: &Work, said: &Said, reply: Reply) -> Reply {
    let Some((text, is_misread)) = &said.back else {
        return reply;
    };
    let reply = reply.line(text!(
        work.ui(),
        "translation-back",
        text = Text::plain(text)
    ));
    if *is_misread {
        reply.line(text!(work.ui(), "translation-misread"))
    } else {
        reply
    }
}

/// A message of a person in another room, as it is shown here.
fn copy(work: &Work, made: &Made) -> Reply {
    let language = work.ui();
    let Style::Copy {
        reply_to,
        reply_text,
        from,
        files,
        ..
    } = &work.style
    else {
        return Reply::new();
    };
    let mut reply = Reply::new();
    // The platform shows what is answered only where it knows the message.
    if !reply_to.is_empty() && made.reply_to.is_empty() && !reply_text.trim().is_empty() {
        let quoted: String = reply_text.trim().chars().take(QUOTED).collect();
        let quoted = quoted.replace('\n', " ");
        reply = reply
            .line(Text::plain(&format!("> {quoted}")))
            .line(Text::plain(""));
    }
    reply = reply.more(text!(
        language,
        "link-author",
        name = Text::bold(&work.author),
        from = Text::plain(from)
    ));
    match made.texts.first() {
        Some(said) => {
            let original: String = work.text.chars().take(ORIGINAL).collect();
            reply = reply.more(Text::plain(&said.text)).line(text!(
                language,
                "link-original",
                text = Text::plain(&original)
            ));
        }
        None => reply = reply.more(Text::plain(&work.text)),
    }
    if work.text.trim().is_empty() {
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        reply = reply.more(Text::plain(&names.join(", ")));
    }
    for name in &made.lost {
        reply = reply.line(text!(language, "link-file-lost", name = name.as_str()));
    }
    reply
}

fn explain(work: &Work, failure: &Failure) -> Text {
    let language = work.ui();
    match failure {
        Failure::NoEngine => text!(language, "translation-no-engine"),
        Failure::NoLocalEngine => text!(language, "translation-no-local-engine"),
        Failure::Pair(to) => text!(language, "translation-no-pair", language = to.own_name()),
        Failure::Budget => text!(language, "translation-no-budget"),
        Failure::Nonsense(_) => text!(language, "translation-nonsense"),
        Failure::Down(_) => text!(language, "translation-down"),
    }
}

fn trouble(failure: &Failure) -> &'static str {
    match failure {
        Failure::NoEngine | Failure::NoLocalEngine => "engine",
        Failure::Pair(_) => "pair",
        Failure::Budget => "budget",
        Failure::Nonsense(_) => "nonsense",
        Failure::Down(_) => "down",
    }
}

fn progress(brain: &Brain, work: &Work, made: &Made, reply: &Reply, is_final: bool) -> OutboxItem {
    let progress = Progress {
        key: work.key(),
        message_id: String::new(),
        text: redact(&brain.config().secrets, reply.segments().to_vec()),
        buttons: Vec::new(),
        r#final: is_final,
    };
    let answers = match work.style {
        Style::Copy { .. } => made.reply_to.as_str(),
        _ => work.origin.message.as_str(),
    };
    item(brain, work, answers, action::Kind::Progress(progress))
}

fn item(brain: &Brain, work: &Work, reply_to: &str, kind: action::Kind) -> OutboxItem {
    let action = Action {
        id: uuid::Uuid::now_v7().to_string(),
        room: Some(wire_room(&work.room, work.kind)),
        reply_to: reply_to.to_owned(),
        reply_context: work.reply_context(),
        transient: false,
        kind: Some(kind),
    };
    OutboxItem::new(&work.room, &action, brain.now_ms())
}

/// Whether messages of a room can be deleted, as far as is known.
pub(super) fn can_delete(brain: &Brain, room: &RoomKey) -> bool {
    brain
        .sessions()
        .get(&room.bot)
        .is_none_or(|session| session.capabilities().delete)
}

/// Takes back what shows a message that is no longer there: deletes it where the platform can, else
/// says so in it.
pub(super) fn withdrawn(
    brain: &Brain,
    room: &RoomKey,
    settings: &RoomTranslation,
    key: &str,
) -> OutboxItem {
    let kind: RoomKind = settings.kind;
    let what = if can_delete(brain, room) {
        // The outbox knows its id when its turn comes.
        action::Kind::Delete(Delete {
            message_id: String::new(),
        })
    } else {
        action::Kind::Progress(Progress {
            key: key.to_owned(),
            message_id: String::new(),
            text: vec![Segment {
                kind: Some(segment::Kind::Text("—".to_owned())),
            }],
            buttons: Vec::new(),
            r#final: true,
        })
    };
    let action = Action {
        id: uuid::Uuid::now_v7().to_string(),
        room: Some(wire_room(room, kind)),
        kind: Some(what),
        ..Action::default()
    };
    let mut item = OutboxItem::new(room, &action, brain.now_ms());
    item.progress_key = Some(key.to_owned());
    item
}
