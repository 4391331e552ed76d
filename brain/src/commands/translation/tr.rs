//! `tr`: one text, asked for.

use super::{TrArgs, nothing_to_translate_with, settings};
use crate::answer::{After, Answer};
use crate::commands::{Call, Trouble};
use crate::store::Op;
use crate::text::{Language, Text, text};
use crate::translate::settings::{Goal, RoomTranslation};
use crate::translate::take::{MOST_CHARACTERS, asked};
use crate::translate::tongue::Tongue;
use crate::translate::{may_wait, tongue_of};

/// `tr [-d LANG] [LANG] TEXT`, or as a reply.
pub(in crate::commands) fn tr(call: &Call<'_>, args: TrArgs) -> Result<Answer, Trouble> {
    let language = call.language();
    let settings = settings(call);
    let answered = call.message.reply_to_text.trim();
    let typed = args.text.unwrap_or_default();
    let (named, text) = match args.to {
        Some(to) => (Some(to), typed.as_str()),
        None => split(&typed, !answered.is_empty()),
    };
    let text = if text.trim().is_empty() {
        answered
    } else {
        text.trim()
    };
    if text.is_empty() {
        return Ok(Answer::say(text!(
            language,
            "tr-nothing",
            example = Text::code("/tr en 你好")
        )));
    }
    if text.chars().count() > MOST_CHARACTERS {
        let limit = crate::text::format::count(MOST_CHARACTERS as u64);
        return Ok(Answer::say(text!(
            language,
            "translation-too-long",
            limit = limit
        )));
    }
    if let Some(answer) = nothing_to_translate_with(call, &settings) {
        return Ok(answer);
    }
    if !may_wait(call.brain, call.room()) {
        return Ok(Answer::say(text!(language, "translation-full")));
    }
    let to = named.unwrap_or_else(|| wanted(call, &settings, text));
    let goal = Goal {
        to,
        engine: settings.engine,
        round_trip: settings.round_trip,
    };
    let work = asked(call, call.message, text.to_owned(), goal);
    Ok(Answer::nothing()
        .op(Op::PutTranslation(Box::new(work.clone())))
        .then(After::Translate(Box::new(work))))
}

/// A language at the head of the text, if it is one and something is left to translate.
fn split(typed: &str, has_answered: bool) -> (Option<Tongue>, &str) {
    let typed = typed.trim();
    let end = typed.find(char::is_whitespace).unwrap_or(typed.len());
    let (head, rest) = typed.split_at(end);
    match Tongue::at_head(head) {
        Some(tongue) if !rest.trim().is_empty() || has_answered => (Some(tongue), rest),
        _ => (None, typed),
    }
}

/// What the person reads; for a text that is in it already, what others here read.
fn wanted(call: &Call<'_>, settings: &RoomTranslation, text: &str) -> Tongue {
    let own = settings
        .hint(&call.speaker.identity.key.person)
        .unwrap_or(match call.language() {
            Language::En => Tongue::EN,
            Language::Zh => Tongue::ZH,
        });
    let mut others = settings.tongues();
    others.extend([Tongue::EN, Tongue::ZH]);
    if tongue_of(text, &others) != Some(own) {
        return own;
    }
    others
        .into_iter()
        .find(|other| *other != own)
        .unwrap_or(own)
}
