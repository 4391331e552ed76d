//! `join`, `rename`, `tag`, `untag`.

use std::time::Duration;

use jarvis_nodeclient::{Address, NodeName};

use super::{JoinArgs, RenameArgs, TagArgs, UntagArgs};
use crate::answer::{After, Answer};
use crate::command::permission::Permission;
use crate::command::target::Target;
use crate::commands::nodes::run::unknown_node;
use crate::commands::{Call, Trouble};
use crate::fleet::FleetNode;
use crate::join::{Host, Line, digest};
use crate::reply::Reply;
use crate::store::{JoinToken, Op};
use crate::text::{Text, format, text};

/// How long a token can be used.
const TOKEN_LIFE: Duration = Duration::from_secs(15 * 60);
/// Hex digits of a token: 128 bits.
const TOKEN_DIGITS: usize = 32;
/// Most tags of a node.
const MOST_TAGS: usize = 32;

/// `join [--name N] [--tag T]… [--roots ADDRESS…]`.
pub(in crate::commands) async fn join(call: &Call<'_>, args: JoinArgs) -> Result<Answer, Trouble> {
    let language = call.language();
    let brain = call.brain;
    let Some(listening) = brain.node_address() else {
        return Ok(Answer::say(text!(language, "join-no-listener")));
    };
    if let Some(name) = &args.name {
        if NodeName::parse(name).is_err() {
            return Ok(Answer::say(text!(language, "name-malformed", name = name)));
        }
        if brain.fleet().get(brain, name).is_some() {
            let said = text!(language, "join-taken", node = name.as_str());
            return Ok(Answer::say(said));
        }
    }
    for root in &args.roots {
        if let Err(error) = Address::parse(root) {
            let said = text!(language, "enroll-malformed", detail = error.to_string());
            return Ok(Answer::say(said));
        }
    }
    let token: String = crate::code::secret().chars().take(TOKEN_DIGITS).collect();
    let host = Host::of(brain.config(), listening);
    let root = brain.root().address().to_string();
    let programs = brain.config().node_programs.clone();
    let (made_with, extra) = (token.clone(), args.roots.clone());
    // Reads the programs, which takes a while.
    let made =
        tokio::task::spawn_blocking(move || Line::make(host, &root, &made_with, &extra, &programs));
    let line = made
        .await
        .map_err(std::io::Error::other)
        .and_then(|line| line)?;
    let life = format::duration(language, TOKEN_LIFE);
    let mut reply = Reply::new();
    reply = match &line.fetched {
        Some(fetched) => reply
            .line(text!(language, "join-line", duration = life))
            .pre(fetched)
            .line(text!(language, "join-short"))
            .pre(&line.short),
        None => reply
            .line(text!(language, "join-line-short", duration = life))
            .pre(&line.short),
    };
    if let Host::Guessed(host) = &line.host {
        reply = reply.line(text!(language, "join-guessed", host = Text::code(host)));
    }
    let life_ms = i64::try_from(TOKEN_LIFE.as_millis()).unwrap_or(i64::MAX);
    Ok(Answer::say(reply)
        .about(args.name.clone().unwrap_or_default())
        .op(Op::PutJoin(JoinToken {
            token_hash: digest(&token),
            name: args.name.unwrap_or_default(),
            tags: args.tag,
            script: line.script,
            room: call.room().clone(),
            reply_to: call.message.message_id.clone(),
            language: language.code().to_owned(),
            expires_ms: brain.now_ms() + life_ms,
            node: None,
        })))
}

/// `rename NODE NEW`.
pub(in crate::commands) fn rename(call: &Call<'_>, args: &RenameArgs) -> Answer {
    let language = call.language();
    let fleet = call.brain.fleet();
    let Some(node) = fleet.get(call.brain, &args.node) else {
        return Answer::say(unknown_node(call, &args.node));
    };
    if let Some(answer) = configured(call, &node) {
        return answer;
    }
    let Ok(new) = NodeName::parse(&args.new) else {
        let said = text!(language, "name-malformed", name = args.new.as_str());
        return Answer::say(said);
    };
    if args.node == args.new {
        return Answer::say(text!(language, "rename-same", node = args.new.as_str()));
    }
    if fleet.get(call.brain, &args.new).is_some() {
        return Answer::say(text!(language, "rename-taken", node = args.new.as_str()));
    }
    let back = format!("rename {} {}", args.new, args.node);
    let reply = Reply::from(text!(
        language,
        "rename-done",
        node = args.node.as_str(),
        new = args.new.as_str()
    ))
    .button(text!(language, "button-undo"), back);
    Answer::say(reply)
        .about(args.new.clone())
        .op(Op::RenameNode {
            address: node.record.address,
            name: args.new.clone(),
        })
        .then(After::RenameNode(args.node.clone(), new))
}

/// `tag TARGET TAG…`.
pub(in crate::commands) fn tag(call: &Call<'_>, args: &TagArgs, line: &str) -> Answer {
    change_tags(call, &args.target, line, |tags| {
        for tag in &args.tags {
            if !tags.contains(tag) {
                tags.push(tag.clone());
            }
        }
    })
}

/// `untag TARGET TAG…`.
pub(in crate::commands) fn untag(call: &Call<'_>, args: &UntagArgs, line: &str) -> Answer {
    change_tags(call, &args.target, line, |tags| {
        tags.retain(|tag| !args.tags.contains(tag));
    })
}

fn change_tags(
    call: &Call<'_>,
    target: &Target,
    line: &str,
    change: impl Fn(&mut Vec<String>),
) -> Answer {
    let language = call.language();
    let nodes = match call.nodes_for(target, Permission::Owner, line) {
        Ok(nodes) => nodes,
        Err(answer) => return answer,
    };
    let mut answer = Answer::nothing().about(target.to_string());
    let mut reply = Reply::new();
    for node in nodes {
        if let Some(refusal) = configured(call, &node) {
            answer.replies.extend(refusal.replies);
            continue;
        }
        let name = node.record.name;
        let mut tags = node.record.tags.clone();
        change(&mut tags);
        if tags.len() > MOST_TAGS {
            reply = reply.line(text!(
                language,
                "tag-too-many",
                node = name.as_str(),
                most = MOST_TAGS
            ));
            continue;
        }
        reply = reply.line(if tags.is_empty() {
            text!(language, "tag-none", node = name.as_str())
        } else {
            let listed: Vec<String> = tags.iter().map(|tag| format!("#{tag}")).collect();
            text!(
                language,
                "tag-now",
                node = name.as_str(),
                tags = listed.join(" ")
            )
        });
        if tags != node.record.tags {
            answer.ops.push(Op::TagNode {
                address: node.record.address,
                tags: tags.clone(),
            });
            answer.after.push(After::TagNode(name, tags));
        }
    }
    if !reply.segments().is_empty() {
        answer.replies.push(reply);
    }
    answer
}

/// The answer for a node that the configuration names: it would be undone at the next start.
fn configured(call: &Call<'_>, node: &FleetNode) -> Option<Answer> {
    let mut entries = call.brain.config().nodes.iter();
    let is_configured = entries.any(|entry| entry.address == node.record.address);
    is_configured.then(|| {
        Answer::say(text!(
            call.language(),
            "node-configured",
            node = node.record.name.as_str()
        ))
    })
}
