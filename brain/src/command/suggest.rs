//! Did you mean …?

use strsim::damerau_levenshtein;

use super::grammar::Command;
use super::permission::{Object, Subject, decide};
use super::registry::Registry;
use super::target::NodeFacts;

/// The candidate that a person may have meant by `typed`, without regard to case. `None` when nothing
/// is near enough, or when it is one of the candidates already.
pub fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let length = typed.chars().count();
    // One slip in a short word, two in a word, three in a long one; a single letter says nothing.
    let most = match length {
        // Nobody means a command by a text.
        0 | 1 | 41.. => return None,
        2..=4 => 1,
        5..=7 => 2,
        _ => 3,
    };
    candidates
        .into_iter()
        .map(|candidate| {
            (
                damerau_levenshtein(&typed, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, _)| (1..=most).contains(distance))
        .min_by_key(|(distance, candidate)| {
            // A slip rarely hits the first letter, and rarely changes the length.
            let first = candidate.to_lowercase().chars().next() != typed.chars().next();
            (*distance, first, candidate.chars().count().abs_diff(length))
        })
        .map(|(_, candidate)| candidate)
}

/// The command that a person may have meant by `word`, among those that they may run.
pub fn name<'a>(registry: &'a Registry, subject: &Subject, word: &str) -> Option<&'a str> {
    let allowed = registry
        .commands()
        .filter(|command| may_run(subject, command));
    let names = allowed.flat_map(|command| {
        std::iter::once(command.spec.name).chain(command.spec.aliases.iter().copied())
    });
    nearest(word, names)
}

/// The line that a person may have meant by `word` and the `rest` behind it: `rnu` and `local uptime`
/// give `run local uptime`; so do `local` and `uptime` where `local` is a node, and `local:/a.log`
/// gives `get local:/a.log`. Only commands that the person may run are offered.
pub fn line(
    registry: &Registry,
    subject: &Subject,
    word: &str,
    rest: &str,
    nodes: &[NodeFacts],
) -> Option<String> {
    let rest = rest.trim();
    let known = |name: &str| {
        nodes
            .iter()
            .any(|node| node.name.eq_ignore_ascii_case(name))
    };
    let offered = |name: &str| {
        registry
            .find(name)
            .is_some_and(|found| may_run(subject, found))
    };
    if known(word) {
        let name = if rest.is_empty() { "node" } else { "run" };
        return offered(name).then(|| format!("{name} {word} {rest}").trim_end().to_owned());
    }
    let node = word.split_once(':').map(|(node, _)| node);
    if rest.is_empty() && node.is_some_and(known) && offered("get") {
        return Some(format!("get {word}"));
    }
    let name = name(registry, subject, word)?;
    Some(format!("{name} {rest}").trim_end().to_owned())
}

fn may_run(subject: &Subject, command: &Command) -> bool {
    let decision = decide(subject, command.spec.permission, &Object::None);
    !command.spec.hidden && decision.is_allowed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Role;
    use crate::commands;

    #[test]
    fn slips_are_understood() {
        let rows = [
            ("rnu", Some("run")),
            ("runn", Some("run")),
            ("RNU", Some("run")),
            ("ndoes", Some("nodes")),
            ("hlep", Some("help")),
            ("xyzzy", None),
            ("r", None),
            ("run", None),
        ];
        for (typed, meant) in rows {
            assert_eq!(
                nearest(typed, ["run", "nodes", "node", "help"]),
                meant,
                "{typed}"
            );
        }
    }

    #[test]
    fn the_rest_of_the_line_is_kept_and_only_allowed_commands_are_offered() {
        let registry = commands::registry();
        let owner = Subject::new(Role::Owner);
        assert_eq!(
            line(registry, &owner, "rnu", " local uptime", &[]).as_deref(),
            Some("run local uptime")
        );
        assert_eq!(
            line(registry, &owner, "节店", "", &[]).as_deref(),
            Some("节点")
        );
        let nodes = [NodeFacts {
            name: "local".to_owned(),
            ..NodeFacts::default()
        }];
        for (word, rest, meant) in [
            ("local", "uptime", "run local uptime"),
            ("local", "", "node local"),
            ("local:/a.log", "", "get local:/a.log"),
        ] {
            assert_eq!(
                line(registry, &owner, word, rest, &nodes).as_deref(),
                Some(meant)
            );
        }
        let guest = Subject::new(Role::Guest);
        assert_eq!(line(registry, &guest, "local", "uptime", &nodes), None);
        assert_eq!(line(registry, &guest, "rnu", "local uptime", &nodes), None);
        assert_eq!(
            line(registry, &guest, "hlep", "", &[]).as_deref(),
            Some("help")
        );
    }
}
