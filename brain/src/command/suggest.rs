//! Did you mean …?

use strsim::damerau_levenshtein;

use super::permission::{self, Subject};
use super::registry::Registry;

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

/// The line that a person may have meant by `word` and what followed it: `rnu`, `local uptime` gives
/// `run local uptime`. Only commands that the person may run are offered.
pub fn line(registry: &Registry, subject: &Subject, word: &str, rest: &str) -> Option<String> {
    let allowed = registry
        .commands()
        .filter(|command| !command.spec.hidden)
        .filter(|command| {
            permission::decide(subject, command.spec.permission, &permission::Object::None)
                .is_allowed()
        })
        .flat_map(|command| {
            std::iter::once(command.spec.name).chain(command.spec.aliases.iter().copied())
        });
    let name = nearest(word, allowed)?;
    let rest = rest.trim();
    Some(if rest.is_empty() {
        name.to_owned()
    } else {
        format!("{name} {rest}")
    })
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
            line(registry, &owner, "rnu", " local uptime").as_deref(),
            Some("run local uptime")
        );
        assert_eq!(line(registry, &owner, "节店", "").as_deref(), Some("节点"));
        let guest = Subject::new(Role::Guest);
        assert_eq!(line(registry, &guest, "rnu", "local uptime"), None);
        assert_eq!(line(registry, &guest, "hlep", "").as_deref(), Some("help"));
    }
}
