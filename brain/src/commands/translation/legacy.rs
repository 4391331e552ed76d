//! `starttranslate` and `stoptranslate`: one direction, for a room or one person in it.

use super::{
    StarttranslateArgs, StoptranslateArgs, engine, keep, nothing_to_translate_with, privacy,
    settings,
};
use crate::account::Identity;
use crate::answer::Answer;
use crate::commands::people::run::find;
use crate::commands::{Call, Trouble};
use crate::reply::Reply;
use crate::text::text;
use crate::translate::settings::Rule;

/// `starttranslate -s LANG -d LANG [-p ENGINE] [-u USER] [-r]`.
pub(in crate::commands) async fn start(
    call: &Call<'_>,
    args: StarttranslateArgs,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let (Some(from), Some(to)) = (args.from, args.to) else {
        return Ok(Answer::nothing());
    };
    if from == to {
        return Ok(Answer::say(text!(language, "starttranslate-same")));
    }
    let engine = match engine(call, args.engine) {
        Ok(engine) => engine,
        Err(answer) => return Ok(answer),
    };
    if let Some(other) = call.brain.translations().other_bot_in(call.room()) {
        return Ok(Answer::say(text!(
            language,
            "translate-other-bot",
            bot = other.bot.bot.as_str()
        )));
    }
    let mut settings = settings(call);
    if let Some(answer) = nothing_to_translate_with(call, &settings) {
        return Ok(answer);
    }
    let rule = Rule {
        from,
        to,
        engine,
        round_trip: args.round_trip,
    };
    let who = match args.user {
        None => {
            settings.everyone = Some(rule);
            text!(language, "translate-everyone").to_string()
        }
        Some(user) => {
            let identity = match identity(call, &user).await? {
                Ok(identity) => identity,
                Err(answer) => return Ok(answer),
            };
            let member = settings.people.entry(identity.key.person).or_default();
            member.name.clone_from(&identity.name);
            member.rule = Some(rule);
            identity.name
        }
    };
    let mut reply = Reply::new().line(text!(
        language,
        "translate-rule",
        who = who,
        from = from.own_name(),
        to = to.own_name()
    ));
    for seen in privacy(call, &settings) {
        reply = reply.line(seen);
    }
    Ok(keep(Answer::say(reply), call.room(), settings))
}

/// `stoptranslate [-u USER]`.
pub(in crate::commands) async fn stop(
    call: &Call<'_>,
    args: StoptranslateArgs,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let mut settings = settings(call);
    let was_on = settings.is_on();
    let said = match args.user {
        None => {
            settings.everyone = None;
            settings.languages.clear();
            for member in settings.people.values_mut() {
                member.rule = None;
            }
            settings.people.retain(|_, member| member.tongue.is_some());
            if was_on {
                text!(language, "translate-is-off")
            } else {
                text!(language, "translate-was-off")
            }
        }
        Some(user) => {
            let identity = match identity(call, &user).await? {
                Ok(identity) => identity,
                Err(answer) => return Ok(answer),
            };
            let known = settings.people.get_mut(&identity.key.person);
            match known.and_then(|member| member.rule.take()) {
                Some(_) => text!(
                    language,
                    "stoptranslate-person",
                    name = identity.name.as_str()
                ),
                None => text!(
                    language,
                    "stoptranslate-nothing",
                    name = identity.name.as_str()
                ),
            }
        }
    };
    Ok(keep(Answer::say(said), call.room(), settings))
}

/// A person as this room's platform knows them.
async fn identity(call: &Call<'_>, user: &str) -> Result<Result<Identity, Answer>, Trouble> {
    let user = user.trim_start_matches('@');
    let account = match find(call, user).await? {
        Ok(account) => account,
        Err(answer) => return Ok(Err(answer)),
    };
    let identities = call.brain.store().identities_of(&account.id).await?;
    let here = |identity: &Identity| identity.key.kind == call.room().bot.kind;
    Ok(identities.into_iter().find(here).ok_or_else(|| {
        Answer::say(text!(
            call.language(),
            "starttranslate-elsewhere",
            name = account.name
        ))
    }))
}
