//! `link` and `unlink`: rooms whose people read each other.

use serde::{Deserialize, Serialize};

use super::{LinkArgs, keep, nothing_to_translate_with, privacy, settings};
use crate::answer::{Answer, Place, Speech};
use crate::commands::{Call, Trouble};
use crate::reply::Reply;
use crate::room::{RoomKey, RoomKind};
use crate::store::Op;
use crate::text::{Text, format, text};
use crate::translate::settings::{Link, RoomTranslation, room_mark};
use crate::translate::tongue::Tongue;

/// Settings that keep codes: this and the mark of the room that was given one.
const CODE: &str = "link-code:";
/// How long a code is good.
const LIFE: std::time::Duration = std::time::Duration::from_secs(600);
/// What the digests of codes are for.
const PURPOSE: &str = "link";
/// Rooms of one bundle.
const MOST_ROOMS: usize = 8;

/// A code that waits for the other room.
#[derive(Debug, Serialize, Deserialize)]
struct Offer {
    digest: String,
    room: RoomKey,
    kind: RoomKind,
    reads: Option<Tongue>,
    expires_ms: i64,
}

/// `link [CODE] [--lang LANG]`.
pub(in crate::commands) async fn link(call: &Call<'_>, args: LinkArgs) -> Result<Answer, Trouble> {
    let mut settings = settings(call);
    let reads = args
        .language
        .or_else(|| settings.link.as_ref().and_then(|link| link.reads))
        .or_else(|| settings.languages.first().copied());
    if reads.is_some()
        && let Some(answer) = nothing_to_translate_with(call, &settings)
    {
        return Ok(answer);
    }
    match args.code {
        None => Ok(offer(call, reads)),
        Some(code) => accept(call, &code, reads, &mut settings).await,
    }
}

/// A code for the other room.
fn offer(call: &Call<'_>, reads: Option<Tongue>) -> Answer {
    let code = crate::code::short(4);
    let offer = Offer {
        digest: crate::code::digest(PURPOSE, &code),
        room: call.room().clone(),
        kind: call.kind,
        reads,
        expires_ms: call.brain.now_ms() + i64::try_from(LIFE.as_millis()).unwrap_or(i64::MAX),
    };
    let Ok(value) = serde_json::to_string(&offer) else {
        return Answer::nothing();
    };
    let said = text!(
        call.language(),
        "link-code",
        command = Text::code(&format!("/link {code}")),
        duration = format::duration(call.language(), LIFE)
    );
    Answer::say(said).op(Op::PutSetting {
        name: format!("{CODE}{}", room_mark(call.room())),
        value,
    })
}

async fn accept(
    call: &Call<'_>,
    code: &str,
    reads: Option<Tongue>,
    here: &mut RoomTranslation,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let say = |text: Text| Ok(Answer::say(text));
    let Some((name, offer)) = find(call, code).await? else {
        return say(text!(language, "link-no-code"));
    };
    let is_same = offer.room.bot.kind == call.room().bot.kind
        && offer.room.room == call.room().room
        && offer.room.thread == call.room().thread;
    if is_same {
        return say(text!(language, "link-same-room"));
    }
    let translations = call.brain.translations();
    let known = translations.room(&offer.room);
    let mut there = known.map_or_else(RoomTranslation::default, std::sync::Arc::unwrap_or_clone);
    there.kind = offer.kind;
    let bundle = match (&there.link, &here.link) {
        (_, Some(_)) => return say(text!(language, "link-already")),
        (Some(link), None) => link.bundle.clone(),
        (None, None) => uuid::Uuid::now_v7().to_string(),
    };
    if translations.bundle(&bundle).len() >= MOST_ROOMS {
        return say(text!(language, "link-full", limit = MOST_ROOMS));
    }
    there.link = Some(Link {
        bundle: bundle.clone(),
        reads: offer.reads,
    });
    here.link = Some(Link { bundle, reads });
    let mut reply = Reply::new().line(text!(
        language,
        "link-made",
        platform = offer.room.bot.kind.as_str()
    ));
    if reads.is_some() || offer.reads.is_some() {
        for seen in privacy(call, here) {
            reply = reply.line(seen);
        }
    }
    let mut answer = Answer::say(reply.clone()).op(Op::DropSetting { name });
    let mut speech = Speech::new(call.brain);
    speech.say(&Place::unasked(offer.room.clone()), offer.kind, &reply);
    speech.items.into_iter().for_each(|item| answer.act(item));
    let answer = keep(answer, &offer.room, there);
    Ok(keep(answer, call.room(), here.clone()))
}

/// The offer of a code that is still good, and the setting that keeps it.
async fn find(call: &Call<'_>, code: &str) -> Result<Option<(String, Offer)>, Trouble> {
    let digest = crate::code::digest(PURPOSE, code);
    let now_ms = call.brain.now_ms();
    let settings = call.brain.store().settings().await?;
    Ok(settings.into_iter().find_map(|(name, value)| {
        name.strip_prefix(CODE)?;
        let offer: Offer = serde_json::from_str(&value).ok()?;
        (offer.digest == digest && now_ms < offer.expires_ms).then_some((name, offer))
    }))
}

/// `unlink`.
pub(in crate::commands) fn unlink(call: &Call<'_>) -> Answer {
    let language = call.language();
    let mut settings = settings(call);
    let Some(link) = settings.link.take() else {
        return Answer::say(text!(language, "link-none"));
    };
    let mut answer = Answer::say(text!(language, "link-ended"));
    let mut rest = call.brain.translations().bundle(&link.bundle);
    rest.retain(|(room, _)| room != call.room());
    // A room alone is tied to nobody.
    if let [(room, there)] = rest.as_slice() {
        let mut there = RoomTranslation::clone(there);
        there.link = None;
        let mut speech = Speech::new(call.brain);
        let said = Reply::from(text!(language, "link-ended"));
        speech.say(&Place::unasked(room.clone()), there.kind, &said);
        speech.items.into_iter().for_each(|item| answer.act(item));
        answer = keep(answer, room, there);
    }
    keep(answer, call.room(), settings)
}
