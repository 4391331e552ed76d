//! `trust`, `untrust`, `trusted`, `rotatekey`, `rotateroot`, `keys`.

use jarvis_nodeclient::{Address, KeyRingError};
use serde_json::Value;

use super::{RotateKeyArgs, RotateRootArgs, TrustArgs, TrustedArgs, UntrustArgs};
use crate::answer::Answer;
use crate::command::permission::Permission;
use crate::command::target::{Target, listed};
use crate::commands::{Call, Trouble};
use crate::fleet::FleetNode;
use crate::job::{self, Instruction, JobSpec};
use crate::reply::Reply;
use crate::text::{Text, format, text};

/// A second change of the root's key so soon is the first one, said twice.
const SAME_CHANGE_MS: i64 = 60_000;

/// `trust NODE ADDRESS`.
pub(in crate::commands) async fn trust(
    call: &Call<'_>,
    args: TrustArgs,
    line: &str,
) -> Result<Answer, Trouble> {
    let (nodes, address) = match meant(call, &args.target, &args.address, line) {
        Ok(meant) => meant,
        Err(answer) => return Ok(answer),
    };
    if !args.yes && !call.is_confirmed {
        let preview = Reply::new().line(text!(
            call.language(),
            "trust-ask",
            address = Text::code(&address),
            nodes = names(call, &nodes)
        ));
        return Ok(call.ask(preview, line, Value::Null));
    }
    instruct(
        call,
        &nodes,
        Instruction::Trust {
            address,
            trusted: true,
        },
    )
    .await
}

/// `untrust NODE ADDRESS`.
pub(in crate::commands) async fn untrust(
    call: &Call<'_>,
    args: UntrustArgs,
    line: &str,
) -> Result<Answer, Trouble> {
    let (nodes, address) = match meant(call, &args.target, &args.address, line) {
        Ok(meant) => meant,
        Err(answer) => return Ok(answer),
    };
    let is_me = is_own(call, &address);
    if !call.is_confirmed && (is_me || !args.yes) {
        let language = call.language();
        let (address, names) = (Text::code(&address), names(call, &nodes));
        let preview = Reply::new().line(if is_me {
            text!(
                language,
                "untrust-ask-self",
                address = address,
                nodes = names
            )
        } else {
            text!(language, "untrust-ask", address = address, nodes = names)
        });
        return Ok(call.ask(preview, line, Value::Null));
    }
    instruct(
        call,
        &nodes,
        Instruction::Trust {
            address,
            trusted: false,
        },
    )
    .await
}

/// `trusted NODE`.
pub(in crate::commands) async fn trusted(
    call: &Call<'_>,
    args: TrustedArgs,
    line: &str,
) -> Result<Answer, Trouble> {
    match call.nodes_for(&args.target, Permission::Owner, line) {
        Ok(nodes) => instruct(call, &nodes, Instruction::ListTrust {}).await,
        Err(answer) => Ok(answer),
    }
}

/// `rotatekey NODE`.
pub(in crate::commands) async fn rotate_key(
    call: &Call<'_>,
    args: RotateKeyArgs,
    line: &str,
) -> Result<Answer, Trouble> {
    let nodes = match call.nodes_for(&args.target, Permission::Owner, line) {
        Ok(nodes) => nodes,
        Err(answer) => return Ok(answer),
    };
    let overlap = call.brain.config().key_overlap;
    if !args.yes && !call.is_confirmed {
        let preview = Reply::new().line(text!(
            call.language(),
            "rotate-key-ask",
            nodes = names(call, &nodes),
            duration = format::duration(call.language(), overlap)
        ));
        return Ok(call.ask(preview, line, Value::Null));
    }
    let overlap_ms = u64::try_from(overlap.as_millis()).unwrap_or(u64::MAX);
    instruct(call, &nodes, Instruction::RotateKey { overlap_ms }).await
}

/// `rotateroot`.
pub(in crate::commands) async fn rotate_root(
    call: &Call<'_>,
    args: RotateRootArgs,
    line: &str,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let brain = call.brain;
    let overlap = brain.config().key_overlap;
    let life = format::duration(language, overlap);
    if !args.yes && !call.is_confirmed {
        let preview = Reply::new().line(text!(
            language,
            "rotate-root-ask",
            nodes = brain.fleet().all(brain).len(),
            duration = life
        ));
        return Ok(call.ask(preview, line, Value::Null));
    }
    let now_ms = brain.now_ms();
    let keys = brain.root().keys();
    let last = keys.last_change();
    // An event that is handled again after a fault changes nothing again.
    let is_done = last.is_some_and(|last| (0..SAME_CHANGE_MS).contains(&(now_ms - last.time_ms)));
    if !is_done {
        let rotated = tokio::task::spawn_blocking(move || keys.rotate(now_ms, overlap)).await;
        match rotated.map_err(std::io::Error::other)? {
            Ok(keys) => brain.root().set_keys(keys),
            Err(error @ KeyRingError::Fixed) => {
                return Ok(Answer::say(Text::plain(&error.to_string())));
            }
            Err(error) => return Err(std::io::Error::other(error).into()),
        }
    }
    let address = brain.root().address().to_string();
    Ok(Answer::say(text!(
        language,
        "rotate-root-done",
        address = Text::code(&address),
        duration = life
    ))
    .about(address))
}

/// `keys`.
pub(in crate::commands) async fn keys(call: &Call<'_>) -> Result<Answer, Trouble> {
    let language = call.language();
    let brain = call.brain;
    let (now_ms, zone) = (brain.now_ms(), brain.zone());
    let keys = brain.root().keys();
    let mut reply = Reply::new().line(text!(
        language,
        "keys-root",
        address = Text::code(&keys.address().to_string())
    ));
    if let Some(last) = keys.last_change() {
        reply = reply.line(text!(
            language,
            "keys-root-since",
            since = format::ago(language, last.time_ms, now_ms, &zone),
            old = Text::code(&last.old.to_string())
        ));
        let behind: Vec<String> = brain
            .fleet()
            .all(brain)
            .into_iter()
            .filter(|node| !node.is_online() && node.record.last_seen_ms < last.time_ms)
            .map(|node| node.record.name)
            .collect();
        reply = reply.line(if behind.is_empty() {
            text!(language, "keys-root-all")
        } else {
            text!(
                language,
                "keys-root-behind",
                nodes = listed(language, &behind)
            )
        });
    }
    for former in brain.store().former_addresses().await? {
        let Some(node) = brain.fleet().by_address(&former.node) else {
            continue;
        };
        if former.until_ms > now_ms {
            let left = u64::try_from(former.until_ms - now_ms).unwrap_or(0);
            reply = reply.line(text!(
                language,
                "keys-node",
                node = node.name.as_str(),
                address = Text::code(&former.node),
                old = Text::code(&former.address),
                duration = format::duration(language, std::time::Duration::from_millis(left))
            ));
        }
    }
    Ok(Answer::say(reply))
}

async fn instruct(
    call: &Call<'_>,
    nodes: &[FleetNode],
    instruction: Instruction,
) -> Result<Answer, Trouble> {
    Ok(job::plan(call, JobSpec::Instruct(instruction), nodes, None).await?)
}

/// Nodes and address of a command about trust.
fn meant(
    call: &Call<'_>,
    target: &Target,
    address: &str,
    line: &str,
) -> Result<(Vec<FleetNode>, String), Answer> {
    let nodes = call.nodes_for(target, Permission::Owner, line)?;
    match Address::parse(address) {
        Ok(address) => Ok((nodes, address.to_string())),
        Err(error) => Err(Answer::say(text!(
            call.language(),
            "enroll-malformed",
            detail = error.to_string()
        ))),
    }
}

/// Whether an address is this Jarvis', now or before.
fn is_own(call: &Call<'_>, address: &str) -> bool {
    let keys = call.brain.root().keys();
    keys.address().to_string() == address
        || keys
            .former()
            .iter()
            .any(|step| step.old.to_string() == address)
}

fn names(call: &Call<'_>, nodes: &[FleetNode]) -> Text {
    let names: Vec<String> = nodes.iter().map(|node| node.record.name.clone()).collect();
    Text::plain(&listed(call.language(), &names))
}
