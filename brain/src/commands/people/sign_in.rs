//! `signin [PLATFORM]`: a line of one's own, on platforms where each person has one.

use super::SigninArgs;
use crate::answer::{After, Answer, Place};
use crate::commands::{Call, Trouble};
use crate::sign_in::{self, NewSignIn};
use crate::text::{Text, text};

/// Begins a sign-in; its states follow by themselves.
pub(in crate::commands) fn signin(call: &Call<'_>, args: SigninArgs) -> Result<Answer, Trouble> {
    let language = call.language();
    let mut sessions = sign_in::sessions(call.brain);
    let names: Vec<String> = sessions
        .iter()
        .map(|session| session.bot().kind.clone())
        .collect();
    if let Some(platform) = &args.platform {
        sessions.retain(|session| session.bot().kind.eq_ignore_ascii_case(platform));
    }
    let (session, rest) = match (sessions.pop(), args.platform) {
        (Some(session), _) => (session, sessions),
        (None, Some(platform)) => {
            let reply = text!(language, "sign-in-not-there", platform = platform);
            return Ok(Answer::say(reply).refused());
        }
        (None, None) => return Ok(Answer::say(text!(language, "sign-in-nowhere")).refused()),
    };
    if rest
        .iter()
        .any(|other| other.bot().kind != session.bot().kind)
    {
        let names = crate::command::target::listed(language, &names);
        return Ok(Answer::say(text!(
            language,
            "sign-in-where",
            platforms = names,
            command = Text::code("signin PLATFORM"),
        )));
    }
    let platform = session.bot().kind.clone();
    let new = NewSignIn {
        session,
        account: call.account().clone(),
        place: Place {
            account: Some(call.account().clone()),
            ..Place::unasked(call.room().clone())
        },
        language,
    };
    Ok(
        Answer::say(text!(language, "sign-in-begins", platform = platform))
            .then(After::SignIn(Box::new(new))),
    )
}
