//! `glossary`.

use super::{GlossaryArgs, keep, settings};
use crate::answer::Answer;
use crate::commands::Call;
use crate::reply::Reply;
use crate::text::{Text, excerpt, text};
use crate::translate::settings::{MOST_TERMS, Term};

/// Longest word and translation, in characters.
const LONGEST: usize = 100;
/// Terms that one answer lists.
const LISTED: usize = 50;

/// `glossary [add WORD [TRANSLATION] | remove WORD | list]`.
pub(in crate::commands) fn glossary(call: &Call<'_>, args: GlossaryArgs) -> Answer {
    match (args.action.as_deref(), args.word) {
        (Some("add"), Some(word)) => add(
            call,
            Term {
                word,
                becomes: args.becomes,
                tongue: args.language,
            },
        ),
        (Some("remove"), Some(word)) => remove(call, &word),
        (Some("add" | "remove"), None) => Answer::say(text!(
            call.language(),
            "glossary-which",
            example = Text::code("/glossary add 节点 node")
        )),
        _ => list(call),
    }
}

fn add(call: &Call<'_>, term: Term) -> Answer {
    let language = call.language();
    let fits = |word: &str| (1..=LONGEST).contains(&word.trim().chars().count());
    if !fits(&term.word) || !term.becomes.as_deref().is_none_or(fits) {
        return Answer::say(text!(language, "glossary-too-long", limit = LONGEST));
    }
    let mut settings = settings(call);
    let same = |known: &Term| known.word == term.word && known.tongue == term.tongue;
    settings.glossary.retain(|known| !same(known));
    if settings.glossary.len() >= MOST_TERMS {
        return Answer::say(text!(language, "glossary-full", limit = MOST_TERMS));
    }
    let said = text!(language, "glossary-added", term = Text::plain(&line(&term)));
    settings.glossary.push(term);
    keep(Answer::say(said), call.room(), settings)
}

fn remove(call: &Call<'_>, word: &str) -> Answer {
    let language = call.language();
    let mut settings = settings(call);
    let before = settings.glossary.len();
    settings.glossary.retain(|term| term.word != word);
    if settings.glossary.len() == before {
        return Answer::say(text!(language, "glossary-unknown", word = excerpt(word)));
    }
    let said = text!(language, "glossary-removed", word = word);
    keep(Answer::say(said), call.room(), settings)
}

fn list(call: &Call<'_>) -> Answer {
    let language = call.language();
    let settings = settings(call);
    if settings.glossary.is_empty() {
        return Answer::say(text!(
            language,
            "glossary-empty",
            example = Text::code("/glossary add 节点 node")
        ));
    }
    let count = settings.glossary.len();
    let mut reply = Reply::new().line(text!(language, "translate-terms", count = count));
    for term in settings.glossary.iter().rev().take(LISTED) {
        reply = reply.line(Text::plain(&line(term)));
    }
    Answer::say(reply)
}

fn line(term: &Term) -> String {
    let becomes = term.becomes.as_deref().unwrap_or(&term.word);
    match term.tongue {
        Some(tongue) => format!("{} → {becomes} ({tongue})", term.word),
        None => format!("{} → {becomes}", term.word),
    }
}
