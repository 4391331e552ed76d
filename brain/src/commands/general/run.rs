//! `start`, `help`, `lang`, `yes`, `no`.

use super::{HelpArgs, LangArgs, NoArgs, StartArgs, YesArgs};
use crate::account::Account;
use crate::answer::{After, Answer};
use crate::command::help;
use crate::command::registry::{Addressing, Found};
use crate::commands::attach::KeptFile;
use crate::commands::{Call, Trouble, registry};
use crate::reply::Reply;
use crate::store::{Condition, Op, Question};
use crate::text::text;

/// `start`; a start link may carry a binding code.
pub(in crate::commands) async fn start(
    call: &Call<'_>,
    args: StartArgs,
) -> Result<Answer, Trouble> {
    if let Some(code) = args.code {
        let args = crate::commands::people::BindArgs { code: Some(code) };
        return crate::commands::people::bind::bind(call, args).await;
    }
    Ok(Answer::say(start_reply(call).await?))
}

/// The greeting, by what the person is here.
pub(crate) async fn start_reply(call: &Call<'_>) -> Result<Reply, Trouble> {
    let claimed = call.brain.is_claimed().await?;
    Ok(super::start(
        call.language(),
        &call.speaker.account.name,
        &call.subject(),
        claimed,
    ))
}

/// `help [COMMAND]`.
pub(in crate::commands) fn help(call: &Call<'_>, args: &HelpArgs) -> Answer {
    Answer::say(help::answer(
        call.language(),
        registry(),
        &call.subject(),
        args,
    ))
}

/// `lang [en|zh]`.
pub(in crate::commands) fn lang(call: &Call<'_>, args: &LangArgs) -> Answer {
    let Some(language) = args.language else {
        return Answer::say(super::language(call.language(), false));
    };
    let account = Account {
        language: Some(language.code().to_owned()),
        ..call.speaker.account.clone()
    };
    Answer::say(super::language(language, true))
        .op(Op::PutAccount(account))
        .then(After::ForgetPeople)
}

/// `yes [CODE]`: runs what was asked.
pub(in crate::commands) async fn yes(call: &Call<'_>, args: YesArgs) -> Result<Answer, Trouble> {
    let question = match question(call, args.code).await? {
        Ok(question) => question,
        Err(answer) => return Ok(answer),
    };
    let kept = serde_json::from_value::<KeptFile>(question.data.clone()).ok();
    if let Some(kept) = &kept {
        call.pin(&kept.blob);
    }
    let call = &Call {
        is_confirmed: true,
        kept_file: kept.as_ref(),
        ..*call
    };
    let addressing = Addressing {
        private: true,
        addressed: true,
        bot_name: "",
    };
    let Found::Commands(lines) = registry().look_up(&question.command, addressing) else {
        return Ok(Answer::say(text!(call.language(), "confirm-expired")));
    };
    let used = Op::Require(Condition::UseQuestion {
        id: question.id,
        account: call.account().clone(),
        now_ms: call.brain.now_ms(),
    });
    let mut answer = Answer::nothing().op(used);
    for line in &lines {
        let next = Box::pin(crate::commands::run_line(call, line)).await?;
        answer.audit.clone_from(&next.audit);
        answer.append(next);
    }
    Ok(answer)
}

/// `no [CODE]`: forgets what was asked.
pub(in crate::commands) async fn no(call: &Call<'_>, args: NoArgs) -> Result<Answer, Trouble> {
    let question = match question(call, args.code).await? {
        Ok(question) => question,
        Err(answer) => return Ok(answer),
    };
    let used = Condition::UseQuestion {
        id: question.id,
        account: call.account().clone(),
        now_ms: call.brain.now_ms(),
    };
    Ok(Answer::say(text!(call.language(), "confirm-declined")).op(Op::Require(used)))
}

/// The question that is meant, if it still waits for this person.
async fn question(
    call: &Call<'_>,
    code: Option<String>,
) -> Result<Result<Question, Answer>, Trouble> {
    let now_ms = call.brain.now_ms();
    let store = call.brain.store();
    let typed = code.clone();
    let found = match code {
        Some(code) => store.question(&code.to_uppercase(), now_ms).await?,
        None => {
            store
                .latest_question(call.account(), call.room(), now_ms)
                .await?
        }
    };
    let meant_here =
        |question: &Question| question.account == *call.account() && question.room == *call.room();
    Ok(match found {
        Some(question) if meant_here(&question) => Ok(question),
        Some(_) => Err(Answer::say(text!(call.language(), "confirm-not-yours"))),
        None if typed.is_some() => Err(Answer::say(text!(
            call.language(),
            "confirm-wrong",
            code = typed.unwrap_or_default(),
        ))),
        None => Err(Answer::say(text!(call.language(), "confirm-none"))),
    })
}
