//! `subscribe`, `unsubscribe`, `subscriptions`.

use super::{SubscribeArgs, Topics, UnsubscribeArgs};
use crate::account::Role;
use crate::answer::{After, Answer};
use crate::command::permission::{Object, Permission};
use crate::command::target::Target;
use crate::commands::{Call, Trouble};
use crate::reply::Reply;
use crate::room::RoomKind;
use crate::store::Op;
use crate::text::{Text, text};
use crate::watch::{Subscription, Topic};

/// Subscriptions that a room may have.
const MOST: usize = 20;

/// In a private room everybody decides for themselves; elsewhere operators and owners do.
fn admit(call: &Call<'_>, line: &str) -> Result<(), Answer> {
    match call.kind {
        RoomKind::Private => Ok(()),
        RoomKind::Group | RoomKind::Channel => {
            call.check(Permission::Operator, &Object::None, line)
        }
    }
}

async fn here(call: &Call<'_>) -> Result<Vec<Subscription>, Trouble> {
    let all = call.brain.watch().subscriptions(call.brain).await?;
    let here = all.iter().filter(|one| one.room == *call.room());
    Ok(here.cloned().collect())
}

/// `subscribe nodes|jobs [--tag T] [--node N] [--all]`.
pub(in crate::commands) async fn subscribe(
    call: &Call<'_>,
    args: SubscribeArgs,
    line: &str,
) -> Result<Answer, Trouble> {
    let language = call.language();
    if let Err(refusal) = admit(call, line) {
        return Ok(refusal);
    }
    if args.topic != Topic::Notes
        && let Some(node) = &args.node
        && let Err(problem) = Target::node(node).resolve(&call.node_facts())
    {
        return Ok(Answer::say(problem.explain(language)));
    }
    let notebook = match (args.topic, &args.notebook) {
        (Topic::Notes, Some(name)) => {
            match crate::commands::notes::follow::notebook(call, name).await? {
                Ok(name) => Some(name),
                Err(answer) => return Ok(answer),
            }
        }
        (Topic::Notes, None) => {
            return Ok(Answer::say(text!(language, "subscribe-which-notebook")));
        }
        (_, Some(_)) => return Ok(Answer::say(text!(language, "subscribe-no-notebook"))),
        (_, None) => None,
    };
    let new = Subscription {
        room: call.room().clone(),
        room_kind: call.kind,
        account: call.account().clone(),
        topic: args.topic,
        tag: args.tag.unwrap_or_default(),
        node: notebook.or(args.node).unwrap_or_default(),
        everything: args.all && args.topic == Topic::Jobs,
        language: language.code().to_owned(),
        created_ms: call.brain.now_ms(),
    };
    let here = here(call).await?;
    let is_same =
        |one: &&Subscription| (one.topic, &one.tag, &one.node) == (new.topic, &new.tag, &new.node);
    if here.len() >= MOST && !here.iter().any(|one| is_same(&one)) {
        return Ok(Answer::say(text!(
            language,
            "subscribe-too-many",
            most = MOST
        )));
    }
    let what = Text::code(&new.describe());
    let mut reply = Reply::new().line(match new.topic {
        Topic::Nodes => text!(language, "subscribe-nodes", what = what),
        Topic::Jobs if new.everything => text!(language, "subscribe-jobs-all", what = what),
        Topic::Jobs => text!(language, "subscribe-jobs", what = what),
        Topic::Notes => text!(language, "subscribe-notes", what = what),
    });
    let no_such_tag = |tag: &str| {
        let tagged = |node: &crate::command::target::NodeFacts| {
            node.tags.iter().any(|own| own.eq_ignore_ascii_case(tag))
        };
        !tag.is_empty() && !call.node_facts().iter().any(tagged)
    };
    if no_such_tag(&new.tag) {
        reply = reply.line(text!(
            language,
            "subscribe-no-such-tag",
            tag = new.tag.as_str()
        ));
    }
    if new.topic == Topic::Jobs && call.subject().role != Role::Owner {
        reply = reply.line(text!(language, "subscribe-jobs-own"));
    }
    let topic = new.topic;
    let begun = match topic {
        Topic::Notes => crate::note::news::begin(call.brain, &new).await?,
        _ => None,
    };
    let mut answer = Answer::say(reply.button(
        text!(language, "button-unsubscribe"),
        format!("unsubscribe {topic}"),
    ));
    answer.ops.extend(begun);
    Ok(answer
        .op(Op::Subscribe(new))
        .then(After::ForgetSubscriptions))
}

/// `unsubscribe [nodes|jobs|all]`.
pub(in crate::commands) async fn unsubscribe(
    call: &Call<'_>,
    args: UnsubscribeArgs,
    line: &str,
) -> Result<Answer, Trouble> {
    let language = call.language();
    if let Err(refusal) = admit(call, line) {
        return Ok(refusal);
    }
    let topic = match args.which {
        Some(Topics::One(topic)) => Some(topic),
        Some(Topics::All) | None => None,
    };
    let ended: Vec<Subscription> = here(call)
        .await?
        .into_iter()
        .filter(|one| topic.is_none_or(|topic| one.topic == topic))
        .collect();
    if ended.is_empty() {
        return Ok(Answer::say(text!(language, "unsubscribe-none")));
    }
    let mut reply = Reply::new().line(text!(language, "unsubscribe-done"));
    for one in &ended {
        reply = reply.line(text!(
            language,
            "subscriptions-row",
            what = Text::code(&one.describe())
        ));
    }
    let room = call.room().clone();
    Ok(Answer::say(reply)
        .op(Op::Unsubscribe { room, topic })
        .then(After::ForgetSubscriptions))
}

/// `subscriptions`.
pub(in crate::commands) async fn subscriptions(call: &Call<'_>) -> Result<Answer, Trouble> {
    let language = call.language();
    let here = here(call).await?;
    if here.is_empty() {
        return Ok(Answer::say(
            Reply::new()
                .line(text!(language, "subscriptions-none"))
                .button(text!(language, "button-subscribe-nodes"), "subscribe nodes")
                .button(text!(language, "button-subscribe-jobs"), "subscribe jobs"),
        ));
    }
    let mut reply = Reply::new().line(text!(language, "subscriptions-head"));
    for one in here {
        let what = Text::code(&one.describe());
        if call.kind == RoomKind::Private {
            reply = reply.line(text!(language, "subscriptions-row", what = what));
            continue;
        }
        let account = call.brain.store().account(&one.account).await?;
        let who = account.map(|account| account.name).unwrap_or_default();
        reply = reply.line(text!(
            language,
            "subscriptions-row-of",
            what = what,
            who = who
        ));
    }
    Ok(Answer::say(reply.button(
        text!(language, "button-unsubscribe"),
        "unsubscribe all",
    )))
}
