#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use super::*;
use crate::account::Role;
use crate::command::registry::{Addressing, Found};
use crate::commands;

#[test]
fn every_command_and_argument_has_its_texts() {
    for command in commands::registry().commands() {
        let name = command.spec.name;
        assert!(text::has(&format!("cmd-{name}")), "cmd-{name}");
        for argument in command.arguments() {
            let key = argument_key(name, argument);
            assert!(text::has(&key), "{key}");
        }
    }
}

#[test]
fn menus_fit_the_platforms() {
    let menus = menus(commands::registry(), &Subject::new(Role::Owner));
    assert_eq!(menus.languages.len(), 2);
    for item in menus.languages.iter().flat_map(|menu| &menu.items) {
        let name = &item.name;
        assert!((1..=32).contains(&name.len()), "{name}");
        assert!(
            name.bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_')),
            "{name}"
        );
        let length = item.description.chars().count();
        assert!((1..=256).contains(&length), "{name}");
        assert!(!item.description.contains('`'), "{name}");
    }
    assert!(menus.languages[0].items.len() <= 100);
}

#[test]
fn help_lists_only_what_one_may_run() {
    let guest = overview(
        Language::En,
        commands::registry(),
        &Subject::new(Role::Guest),
    )
    .plain();
    assert!(
        guest.contains("`claim`") && !guest.contains("`run`"),
        "{guest}"
    );
    let member = overview(
        Language::En,
        commands::registry(),
        &Subject::new(Role::Member),
    )
    .plain();
    assert!(
        member.contains("`nodes`") && !member.contains("`audit`"),
        "{member}"
    );
}

#[test]
fn help_reads_well() {
    let registry = commands::registry();
    let owner = Subject::new(Role::Owner);
    for language in Language::ALL {
        insta::assert_snapshot!(
            format!("overview-{language}"),
            overview(language, registry, &owner).plain()
        );
        for name in ["run", "get", "claim", "forget", "version"] {
            let command = registry.find(name).unwrap();
            insta::assert_snapshot!(
                format!("{name}-{language}"),
                of_command(language, command).plain()
            );
        }
    }
}

#[test]
fn unknown_words_are_answered() {
    let registry = commands::registry();
    let owner = Subject::new(Role::Owner);
    let say = |word, rest| unknown(Language::En, registry, &owner, word, rest, &[]).plain();
    assert_eq!(
        say("rnu", "local uptime"),
        "I don't know `rnu`. Did you mean `run local uptime`?\n[run it]"
    );
    assert_eq!(
        say("xyzzy", "1"),
        "I don't know `xyzzy`. Send `help` to see what I can do."
    );
    assert!(say(&"x".repeat(100_000), "").len() < 200);
    let arguments = HelpArgs {
        command: Some("rnu".to_owned()),
    };
    let reply = answer(Language::En, registry, &owner, &arguments);
    assert_eq!(reply.buttons().next().unwrap()[0].command, "help run");
}

#[test]
fn the_written_reference_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/commands.md");
    let current = reference(commands::registry());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &current).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == current,
        "docs/commands.md is old: run with UPDATE_DOCS=1"
    );
}

#[test]
fn examples_are_commands_that_work() {
    let addressing = Addressing {
        private: true,
        addressed: true,
        bot_name: "",
    };
    let registry = commands::registry();
    for command in registry.commands() {
        for language in Language::ALL {
            let key = format!("cmd-{}-examples", command.spec.name);
            for example in optional(language, &key)
                .unwrap_or_default()
                .to_string()
                .lines()
            {
                let Found::Commands(lines) = registry.look_up(example, addressing) else {
                    panic!("{key}: {example}");
                };
                assert_eq!(lines[0].command.spec.name, command.spec.name, "{example}");
                lines[0].parse().unwrap();
            }
        }
    }
}
