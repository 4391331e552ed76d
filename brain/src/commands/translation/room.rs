//! `translate`.

use super::{
    TranslateArgs, engine, keep, nothing_to_translate_with, own_names, privacy, settings, status,
};
use crate::answer::Answer;
use crate::command::permission::{Object, Permission};
use crate::commands::{Call, Trouble};
use crate::reply::Reply;
use crate::text::{Text, excerpt, text};
use crate::translate::settings::{MOST_LANGUAGES, Member};
use crate::translate::tongue::Tongue;

/// `translate [on LANG LANG… | me LANG | off | status | usage]`.
pub(in crate::commands) async fn translate(
    call: &Call<'_>,
    args: TranslateArgs,
    line: &str,
) -> Result<Answer, Trouble> {
    match args.action.as_deref() {
        Some("on") => Ok(on(call, args, line)),
        Some("off") => Ok(off(call, line)),
        Some("me") => Ok(me(call, &args)),
        Some("usage") => match call.check(Permission::Member, &Object::None, line) {
            Ok(()) => status::usage(call).await,
            Err(refused) => Ok(refused),
        },
        _ => Ok(status::status(call, line)),
    }
}

fn on(call: &Call<'_>, args: TranslateArgs, line: &str) -> Answer {
    let language = call.language();
    if let Err(refused) = call.check(Permission::Operator, &Object::None, line) {
        return refused;
    }
    let tongues = match tongues(call, &args.languages) {
        Ok(tongues) => tongues,
        Err(answer) => return answer,
    };
    if !(2..=MOST_LANGUAGES).contains(&tongues.len()) {
        return Answer::say(text!(
            language,
            "translate-on-which",
            limit = MOST_LANGUAGES,
            example = Text::code("/translate on zh en"),
        ));
    }
    if let Some(other) = call.brain.translations().other_bot_in(call.room()) {
        return Answer::say(text!(
            language,
            "translate-other-bot",
            bot = other.bot.bot.as_str()
        ));
    }
    let engine = match engine(call, args.engine) {
        Ok(engine) => engine,
        Err(answer) => return answer,
    };
    let mut settings = settings(call);
    settings.local_only = args.local_only;
    settings.round_trip = args.round_trip;
    settings.engine = engine;
    if let Some(answer) = nothing_to_translate_with(call, &settings) {
        return answer;
    }
    settings.languages = tongues;
    let mut reply = Reply::new().line(text!(
        language,
        "translate-is-on",
        languages = own_names(&settings.languages)
    ));
    for seen in privacy(call, &settings) {
        reply = reply.line(seen);
    }
    let reply = reply.line(text!(language, "translate-is-on-more"));
    keep(Answer::say(reply), call.room(), settings)
}

fn off(call: &Call<'_>, line: &str) -> Answer {
    if let Err(refused) = call.check(Permission::Operator, &Object::None, line) {
        return refused;
    }
    let mut settings = settings(call);
    let was_on = settings.is_on();
    settings.languages.clear();
    settings.everyone = None;
    for member in settings.people.values_mut() {
        member.rule = None;
    }
    settings.people.retain(|_, member| member.tongue.is_some());
    let said = if was_on {
        text!(call.language(), "translate-is-off")
    } else {
        text!(call.language(), "translate-was-off")
    };
    keep(Answer::say(said), call.room(), settings)
}

fn me(call: &Call<'_>, args: &TranslateArgs) -> Answer {
    let language = call.language();
    let mut settings = settings(call);
    // Strangers may say what they read where a room wants them to be understood, and nowhere else.
    if settings.languages.is_empty() {
        return Answer::say(text!(language, "translate-me-off"));
    }
    let identity = &call.speaker.identity;
    let person = identity.key.person.clone();
    let wants_none = args.languages.first().is_some_and(|word| word == "off");
    let tongue = if wants_none {
        None
    } else {
        match tongues(call, &args.languages) {
            Ok(tongues) if tongues.len() == 1 => Some(tongues[0]),
            Ok(_) => {
                return Answer::say(text!(
                    language,
                    "translate-me-which",
                    example = Text::code("/translate me en")
                ));
            }
            Err(answer) => return answer,
        }
    };
    let member = settings.people.entry(person.clone()).or_default();
    member.name.clone_from(&identity.name);
    member.tongue = tongue;
    if *member
        == (Member {
            name: member.name.clone(),
            ..Member::default()
        })
    {
        settings.people.remove(&person);
    }
    if settings.tongues().len() > MOST_LANGUAGES {
        return Answer::say(text!(
            language,
            "translate-too-many",
            limit = MOST_LANGUAGES
        ));
    }
    let said = match tongue {
        Some(tongue) => text!(language, "translate-me-is", language = tongue.own_name()),
        None => text!(language, "translate-me-none"),
    };
    keep(Answer::say(said), call.room(), settings)
}

/// The languages that were typed, none twice.
fn tongues(call: &Call<'_>, typed: &[String]) -> Result<Vec<Tongue>, Answer> {
    let mut tongues: Vec<Tongue> = Vec::new();
    for word in typed {
        match word.parse() {
            Ok(tongue) if tongues.contains(&tongue) => {}
            Ok(tongue) => tongues.push(tongue),
            Err(_) => {
                return Err(Answer::say(text!(
                    call.language(),
                    "value-tongue",
                    value = excerpt(word)
                )));
            }
        }
    }
    Ok(tongues)
}
