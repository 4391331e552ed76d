//! `whoami`, `users`, `user`, `role`, `why`.

use super::{RoleArgs, UserArgs, UsersArgs, WhyArgs, why};
use crate::account::{Account, Role};
use crate::answer::{After, Answer};
use crate::command::permission::{Decision, Object, Subject, decide, decide_command};
use crate::command::registry::{Addressing, Found};
use crate::command::target::{NodeFacts, Target};
use crate::commands::{Call, Invocation, Trouble, registry};
use crate::reply::Reply;
use crate::store::Op;
use crate::text::{Text, format, text};

/// How many people `users` lists unasked, as before.
const LISTED: usize = 128;

/// `whoami`.
pub(in crate::commands) async fn whoami(call: &Call<'_>) -> Result<Answer, Trouble> {
    describe(call, &call.speaker.account).await
}

/// `users [-n N]`.
pub(in crate::commands) async fn users(
    call: &Call<'_>,
    args: UsersArgs,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let limit = args.number.map_or(LISTED, |number| number as usize);
    let accounts = call.brain.store().accounts(limit).await?;
    let mut reply = Reply::new().line(text!(language, "users-head", count = accounts.len()));
    for account in &accounts {
        let platforms: Vec<String> = call
            .brain
            .store()
            .identities_of(&account.id)
            .await?
            .into_iter()
            .map(|identity| identity.key.kind)
            .collect();
        reply = reply.line(text!(
            language,
            "users-row",
            number = account.number,
            name = account.name.as_str(),
            role = Subject::from(account).describe(language),
            identities = crate::command::target::listed(language, &platforms),
        ));
    }
    Ok(Answer::say(reply))
}

/// `user USER`.
pub(in crate::commands) async fn user(call: &Call<'_>, args: UserArgs) -> Result<Answer, Trouble> {
    let found = match (&args.name, &args.user) {
        (Some(name), _) => by_name(call, name).await?,
        (None, Some(user)) => find(call, user).await?,
        (None, None) => Err(Answer::nothing()),
    };
    match found {
        Ok(account) => describe(call, &account).await,
        Err(answer) => Ok(answer),
    }
}

async fn describe(call: &Call<'_>, account: &Account) -> Result<Answer, Trouble> {
    let language = call.language();
    let role = Subject::from(account).describe(language);
    let mut reply = Reply::new().line(text!(
        language,
        "whoami-head",
        name = account.name.as_str(),
        number = account.number,
        role = role,
    ));
    for identity in call.brain.store().identities_of(&account.id).await? {
        let handle = if identity.handle.is_empty() {
            String::new()
        } else {
            format!(" @{}", identity.handle)
        };
        let line = text!(
            language,
            "whoami-identity",
            platform = identity.key.kind.as_str(),
            name = format!("{}{handle}", identity.name),
            person = Text::code(&identity.key.person),
        );
        reply = reply.line(line);
        if identity.key == call.speaker.identity.key {
            reply = reply
                .more(Text::plain(" "))
                .more(text!(language, "whoami-here"));
        }
    }
    let since = format::date_time(account.created_ms, &call.brain.zone());
    Ok(Answer::say(reply.line(text!(
        language,
        "user-since",
        since = since
    ))))
}

/// `role USER ROLE [--tag T]…`.
pub(in crate::commands) async fn role(call: &Call<'_>, args: RoleArgs) -> Result<Answer, Trouble> {
    let language = call.language();
    let account = match find(call, &args.user).await? {
        Ok(account) => account,
        Err(answer) => return Ok(answer),
    };
    if account.role == Role::Owner && args.role != Role::Owner {
        let owners = call.brain.store().accounts_by_role(Role::Owner).await?;
        if owners.len() == 1 {
            return Ok(Answer::say(text!(
                language,
                "role-last-owner",
                name = account.name.as_str()
            ))
            .refused());
        }
    }
    let changed = Account {
        role: args.role,
        tags: args.tag,
        ..account.clone()
    };
    let role = Subject::from(&changed).describe(language);
    let reply = if changed == account {
        text!(
            language,
            "role-same",
            name = changed.name.as_str(),
            role = role
        )
    } else {
        text!(
            language,
            "role-done",
            name = changed.name.as_str(),
            role = role
        )
    };
    Ok(Answer::say(reply)
        .about(format!("account {}", changed.number))
        .op(Op::PutAccount(changed))
        .then(After::ForgetPeople))
}

/// `why [USER] COMMAND…`: the gate, run dry.
pub(in crate::commands) async fn why_command(
    call: &Call<'_>,
    args: WhyArgs,
    shown: &str,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let (user, line) = match args.question(registry()) {
        Ok(question) => question,
        Err(problem) => {
            let command = registry()
                .find("why")
                .map(|command| problem.explain(language, command));
            return Ok(command.map_or_else(Answer::nothing, Answer::say));
        }
    };
    let account = match user {
        None => call.speaker.account.clone(),
        Some(user) => match find(call, &user).await? {
            Ok(account) => account,
            Err(answer) => return Ok(answer),
        },
    };
    let object = Object::Person {
        own: account.id == *call.account(),
    };
    if let Err(answer) = call.check(
        crate::command::permission::Permission::Everyone,
        &object,
        shown,
    ) {
        return Ok(answer);
    }
    if account.id != *call.account() && call.speaker.account.role != Role::Owner {
        let refused = call.check(
            crate::command::permission::Permission::Owner,
            &object,
            shown,
        );
        if let Err(answer) = refused {
            return Ok(answer);
        }
    }
    let addressing = Addressing {
        private: true,
        addressed: true,
        bot_name: "",
    };
    let Found::Commands(lines) = registry().look_up(line, addressing) else {
        return Ok(Answer::say(text!(language, "unknown", word = line)));
    };
    let Some(line) = lines.into_iter().next() else {
        return Ok(Answer::nothing());
    };
    let subject = Subject::from(&account);
    let spec = line.command.spec;
    let decision = decide_command(&subject, &spec, &Object::None, call.kind);
    let decision = match line.parse() {
        Ok(invocation) if decision.is_allowed() => {
            decide_on_nodes(call, &subject, &invocation).unwrap_or(decision)
        }
        Ok(_) => decision,
        Err(problem) => return Ok(Answer::say(problem.explain(language, line.command))),
    };
    Ok(Answer::say(why(
        language,
        &account.name,
        &subject,
        &line.text(),
        &decision,
    )))
}

/// The decision on the nodes that the command is for; `None` for a command without nodes.
fn decide_on_nodes(
    call: &Call<'_>,
    subject: &Subject,
    invocation: &Invocation,
) -> Option<Decision> {
    let targets: Vec<Target> = match invocation {
        Invocation::Run(args) => vec![args.target.clone()],
        Invocation::Get(args) => vec![args.file_place().ok()?.target],
        Invocation::Put(args) => vec![args.file_place().ok()?.target],
        Invocation::Cp(args) => vec![args.from.target.clone(), args.to.target.clone()],
        Invocation::Call(args) => vec![args.target.clone()],
        Invocation::Docker(args) => vec![args.target.clone()],
        _ => return None,
    };
    let known = call.node_facts();
    let mut facts: Vec<NodeFacts> = Vec::new();
    for target in targets {
        facts.extend(target.resolve(&known).ok()?.into_iter().cloned());
    }
    Some(decide(
        subject,
        invocation.spec().permission,
        &Object::Nodes(&facts),
    ))
}

/// The account of a number, a name or an `@handle`.
///
/// # Errors
/// (inner) what to answer instead.
pub(in crate::commands) async fn find(
    call: &Call<'_>,
    user: &str,
) -> Result<Result<Account, Answer>, Trouble> {
    if let Ok(number) = user.trim_start_matches('#').parse::<i64>()
        && let Some(account) = call.brain.store().account_by_number(number).await?
    {
        return Ok(Ok(account));
    }
    by_name(call, user).await
}

async fn by_name(call: &Call<'_>, name: &str) -> Result<Result<Account, Answer>, Trouble> {
    let language = call.language();
    let accounts = call
        .brain
        .store()
        .accounts_by_name(name.trim_start_matches('@'), 5)
        .await?;
    Ok(match accounts.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Answer::say(text!(language, "user-unknown", user = name))),
        several => {
            let numbers: Vec<String> = several
                .iter()
                .map(|account| account.number.to_string())
                .collect();
            Err(Answer::say(text!(
                language,
                "user-several",
                user = name,
                users = numbers.join(", "),
            )))
        }
    })
}
