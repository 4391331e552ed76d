//! `subscribe`, `unsubscribe`, `subscriptions`.

use super::{SubscribeArgs, SubscriptionsArgs, Topics, UnsubscribeArgs};
use crate::account::Role;
use crate::answer::{After, Answer};
use crate::command::permission::{Object, Permission};
use crate::command::target::Target;
use crate::commands::{Call, Trouble};
use crate::reply::Reply;
use crate::room::{RoomKey, RoomKind};
use crate::service::{MuteRoom, SessionHandle};
use crate::store::Op;
use crate::text::{Language, Text, text};
use crate::watch::{Subscription, Topic};

/// Subscriptions that a room may have.
const MOST: usize = 20;

/// Where something is told.
struct Told {
    room: RoomKey,
    kind: RoomKind,
    /// What the room is called, when it is not the one of the command.
    elsewhere: Option<String>,
}

impl Told {
    /// In the room of the command, or in the one that it names. In a private room everybody decides for
    /// themselves, in a group operators and owners do; into a room where nobody can object, only owners send
    /// anything.
    fn find(call: &Call<'_>, room: Option<&str>, line: &str) -> Result<Self, Answer> {
        let Some(name) = room else {
            match call.kind {
                RoomKind::Private => {}
                RoomKind::Group | RoomKind::Channel => {
                    call.check(Permission::Operator, &Object::None, line)?;
                }
            }
            return Ok(Self {
                room: call.room().clone(),
                kind: call.kind,
                elsewhere: None,
            });
        };
        call.check(Permission::Owner, &Object::None, line)?;
        let sessions = call.brain.sessions().all();
        let rooms: Vec<&MuteRoom> = sessions
            .iter()
            .flat_map(SessionHandle::mute_rooms)
            .collect();
        let same = |room: &&&MuteRoom| room.title.to_lowercase() == name.trim().to_lowercase();
        let mut named = rooms.iter().filter(same);
        match (named.next(), named.next()) {
            (Some(room), None) => Ok(Self {
                room: room.key.clone(),
                kind: RoomKind::Group,
                elsewhere: Some(room.title.clone()),
            }),
            (Some(_), Some(_)) => Err(Answer::say(text!(
                call.language(),
                "subscribe-room-twice",
                room = name
            ))),
            (None, _) => {
                let mut titles: Vec<&str> = rooms.iter().map(|room| room.title.as_str()).collect();
                titles.sort_unstable();
                Err(Answer::say(text!(
                    call.language(),
                    "subscribe-no-such-room",
                    room = name,
                    count = titles.len(),
                    rooms = titles.join(", ")
                )))
            }
        }
    }

    /// The beginning of an answer: it says which room it is about.
    fn begin(&self, language: Language) -> Reply {
        match &self.elsewhere {
            None => Reply::new(),
            Some(room) => {
                Reply::new().line(text!(language, "subscribe-elsewhere", room = room.as_str()))
            }
        }
    }

    async fn subscriptions(&self, call: &Call<'_>) -> Result<Vec<Subscription>, Trouble> {
        let all = call.brain.watch().subscriptions(call.brain).await?;
        let here = all.iter().filter(|one| one.room == self.room);
        Ok(here.cloned().collect())
    }
}

/// How a button's command names a room.
fn named(room: Option<&str>) -> String {
    room.map_or_else(String::new, |room| {
        let room = room.trim().replace(['\'', '\n'], " ");
        format!(" --room '{room}'")
    })
}

/// `subscribe nodes|jobs [--tag T] [--node N] [--all]`.
pub(in crate::commands) async fn subscribe(
    call: &Call<'_>,
    args: SubscribeArgs,
    line: &str,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let told = match Told::find(call, args.room.as_deref(), line) {
        Ok(told) => told,
        Err(answer) => return Ok(answer),
    };
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
        room: told.room.clone(),
        room_kind: told.kind,
        account: call.account().clone(),
        topic: args.topic,
        tag: args.tag.unwrap_or_default(),
        node: notebook.or(args.node).unwrap_or_default(),
        everything: args.all && args.topic == Topic::Jobs,
        language: language.code().to_owned(),
        created_ms: call.brain.now_ms(),
    };
    let here = told.subscriptions(call).await?;
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
    let mut reply = told.begin(language).line(match new.topic {
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
    let elsewhere = named(args.room.as_deref());
    let begun = match topic {
        Topic::Notes => crate::note::news::begin(call.brain, &new).await?,
        _ => None,
    };
    let mut answer = Answer::say(reply.button(
        text!(language, "button-unsubscribe"),
        format!("unsubscribe {topic}{elsewhere}"),
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
    let told = match Told::find(call, args.room.as_deref(), line) {
        Ok(told) => told,
        Err(answer) => return Ok(answer),
    };
    let topic = match args.which {
        Some(Topics::One(topic)) => Some(topic),
        Some(Topics::All) | None => None,
    };
    let ended: Vec<Subscription> = told
        .subscriptions(call)
        .await?
        .into_iter()
        .filter(|one| topic.is_none_or(|topic| one.topic == topic))
        .collect();
    if ended.is_empty() {
        return Ok(Answer::say(text!(language, "unsubscribe-none")));
    }
    let mut reply = told
        .begin(language)
        .line(text!(language, "unsubscribe-done"));
    for one in &ended {
        reply = reply.line(text!(
            language,
            "subscriptions-row",
            what = Text::code(&one.describe())
        ));
    }
    let room = told.room;
    Ok(Answer::say(reply)
        .op(Op::Unsubscribe { room, topic })
        .then(After::ForgetSubscriptions))
}

/// `subscriptions`.
pub(in crate::commands) async fn subscriptions(
    call: &Call<'_>,
    args: SubscriptionsArgs,
    line: &str,
) -> Result<Answer, Trouble> {
    let language = call.language();
    // Anybody may look at what is told where they are.
    let told = match &args.room {
        None => Told {
            room: call.room().clone(),
            kind: call.kind,
            elsewhere: None,
        },
        Some(room) => match Told::find(call, Some(room), line) {
            Ok(told) => told,
            Err(answer) => return Ok(answer),
        },
    };
    let here = told.subscriptions(call).await?;
    if here.is_empty() && args.room.is_some() {
        return Ok(Answer::say(text!(language, "subscriptions-none")));
    }
    if here.is_empty() {
        return Ok(Answer::say(
            Reply::new()
                .line(text!(language, "subscriptions-none"))
                .button(text!(language, "button-subscribe-nodes"), "subscribe nodes")
                .button(text!(language, "button-subscribe-jobs"), "subscribe jobs"),
        ));
    }
    let mut reply = told
        .begin(language)
        .line(text!(language, "subscriptions-head"));
    for one in here {
        let what = Text::code(&one.describe());
        if told.kind == RoomKind::Private {
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
        format!("unsubscribe all{}", named(args.room.as_deref())),
    )))
}
