//! `drift`: which versions run where.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::DriftArgs;
use crate::answer::Answer;
use crate::command::permission::{Object, decide};
use crate::command::target::{NodeFacts, listed};
use crate::commands::Call;
use crate::reply::Reply;
use crate::text::{Language, Text, text};

/// Node types that are listed.
const MOST_TYPES: usize = 20;

/// A node as far as its versions go.
struct Versions {
    name: String,
    online: bool,
    version: String,
    core: String,
}

/// `drift [-t TYPE]`.
pub(in crate::commands) fn drift(call: &Call<'_>, args: &DriftArgs) -> Answer {
    let language = call.language();
    let mut types: BTreeMap<String, Vec<Versions>> = BTreeMap::new();
    let mut never = Vec::new();
    for node in call.brain.fleet().all(call.brain) {
        let Some(facts) = node.facts() else {
            never.push(node.record.name);
            continue;
        };
        let wanted = args.node_type.as_ref();
        if wanted.is_none_or(|wanted| facts.node_type.eq_ignore_ascii_case(wanted)) {
            types.entry(facts.node_type).or_default().push(Versions {
                online: node.status.is_some_and(|status| status.online),
                name: node.record.name,
                version: facts.version,
                core: facts.core_version,
            });
        }
    }
    if types.is_empty() {
        return Answer::say(match &args.node_type {
            Some(wanted) => text!(language, "drift-none-of-type", type = wanted.as_str()),
            None => text!(language, "drift-none"),
        });
    }
    let mut reply = Reply::new();
    let all_types = types.len();
    for (node_type, nodes) in types.into_iter().take(MOST_TYPES) {
        reply = of_type(call, reply, &node_type, &nodes);
    }
    if all_types > MOST_TYPES {
        let more = all_types - MOST_TYPES;
        reply = reply.line(text!(language, "drift-more", more = more));
    }
    if args.node_type.is_none() && !never.is_empty() {
        let nodes = listed(language, &never);
        reply = reply.line(text!(language, "drift-never", nodes = nodes));
    }
    Answer::say(reply)
}

fn of_type(call: &Call<'_>, mut reply: Reply, node_type: &str, nodes: &[Versions]) -> Reply {
    let language = call.language();
    let versions = grouped(nodes, |node| &node.version);
    let cores = grouped(nodes, |node| &node.core);
    let core = |core: &str, of: &[&Versions]| match cores.len() {
        1 => text!(language, "drift-core", core = core),
        _ => text!(language, "drift-core-of", core = core, count = of.len()),
    };
    let cores = Text::join(
        cores.iter().map(|(name, of)| core(name, of)),
        &text!(language, "list-separator").to_string(),
    );
    if let [(version, _)] = versions.as_slice() {
        return reply.line(text!(
            language,
            "drift-same",
            type = node_type,
            count = nodes.len(),
            version = *version,
            cores = cores,
        ));
    }
    reply = reply.line(text!(
        language,
        "drift-differ",
        type = node_type,
        versions = versions.len(),
        count = nodes.len(),
        cores = cores,
    ));
    for (version, of) in &versions {
        let names: Vec<String> = of.iter().map(|node| name(language, node)).collect();
        reply = reply.line(text!(
            language,
            "drift-version",
            version = *version,
            count = of.len(),
            nodes = listed(language, &names),
        ));
    }
    let newest = versions.first().map_or("", |(version, _)| *version);
    if newest.is_empty() || !may_update(call, node_type) {
        return reply;
    }
    reply.row().button(
        text!(language, "drift-button", type = node_type, version = newest),
        format!("updnodes -t {node_type} -v {newest}"),
    )
}

/// Whether there is a command for updates that the caller may use on all nodes of a type.
fn may_update(call: &Call<'_>, node_type: &str) -> bool {
    let Some(command) = crate::commands::registry().find("updnodes") else {
        return false;
    };
    let nodes: Vec<NodeFacts> = call
        .node_facts()
        .into_iter()
        .filter(|node| node.node_type == node_type)
        .collect();
    let object = Object::Nodes(&nodes);
    decide(&call.subject(), command.spec.permission, &object).is_allowed()
}

fn name(language: Language, node: &Versions) -> String {
    if node.online {
        node.name.clone()
    } else {
        text!(language, "drift-offline", node = node.name.as_str()).to_string()
    }
}

/// Nodes by what `of` says of them, newest version first.
fn grouped(nodes: &[Versions], of: fn(&Versions) -> &String) -> Vec<(&str, Vec<&Versions>)> {
    let mut groups: BTreeMap<&str, Vec<&Versions>> = BTreeMap::new();
    for node in nodes {
        groups.entry(of(node)).or_default().push(node);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by(|(one, _), (other, _)| compare(other, one));
    groups
}

/// Compares versions as people read them: numbers as numbers (`1.10` after `1.9`), and a version with
/// an addition (`1.0-rc1`) before the one without.
fn compare(one: &str, other: &str) -> Ordering {
    let release = |version: &str| {
        let version = version.trim_start_matches(['v', 'V']);
        let end = version.find(['-', '+', '~', ' ']).unwrap_or(version.len());
        (version[..end].to_owned(), version[end..].to_owned())
    };
    let ((one_release, one_rest), (other_release, other_rest)) = (release(one), release(other));
    numbers(&one_release)
        .cmp(&numbers(&other_release))
        .then_with(|| one_rest.is_empty().cmp(&other_rest.is_empty()))
        .then_with(|| numbers(&one_rest).cmp(&numbers(&other_rest)))
        .then_with(|| one.cmp(other))
}

/// The parts of a version: numbers after words, so that a missing part is the least.
fn numbers(version: &str) -> Vec<(bool, u64, String)> {
    let mut parts: Vec<(bool, u64, String)> = Vec::new();
    for part in version.split(|c: char| !c.is_alphanumeric()) {
        let digits = part
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(part.len());
        let (number, word) = part.split_at(digits);
        match number.parse() {
            Ok(number) => parts.push((true, number, word.to_owned())),
            Err(_) => {
                let tail = word
                    .find(|c: char| c.is_ascii_digit())
                    .unwrap_or(word.len());
                let number = word[tail..].parse().unwrap_or(0);
                parts.push((false, 0, word[..tail].to_owned()));
                parts.push((true, number, String::new()));
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_people_read_them() {
        let rows = [
            ("1.10.0", "1.9.9"),
            ("0.3.1", "0.3.0"),
            ("1.0", "1.0-rc2"),
            ("1.0-rc10", "1.0-rc9"),
            ("v2", "1.9"),
            ("1.0.1", "1.0"),
            ("2026.11", "2026.9"),
            ("1.0", ""),
        ];
        for (newer, older) in rows {
            assert_eq!(compare(newer, older), Ordering::Greater, "{newer} {older}");
            assert_eq!(compare(older, newer), Ordering::Less, "{newer} {older}");
            assert_eq!(compare(newer, newer), Ordering::Equal);
        }
    }
}
