#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::HashSet;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::commands;
use crate::text::Language;

const PRIVATE: Addressing<'_> = Addressing {
    private: true,
    addressed: true,
    bot_name: "jarvisbot",
};
const GROUP: Addressing<'_> = Addressing {
    private: false,
    addressed: false,
    bot_name: "jarvisbot",
};
const MENTIONED: Addressing<'_> = Addressing {
    addressed: true,
    ..GROUP
};

fn found(text: &str, addressing: Addressing<'_>) -> Vec<String> {
    match commands::registry().look_up(text, addressing) {
        Found::Commands(lines) => lines.iter().map(Line::text).collect(),
        Found::Unknown { word, rest } => vec![format!("?{word}|{rest}")],
        Found::Nothing => Vec::new(),
    }
}

fn parse(text: &str) -> Result<Invocation, ParseProblem> {
    let Found::Commands(lines) = commands::registry().look_up(text, PRIVATE) else {
        panic!("`{text}` is no command");
    };
    lines[0].parse()
}

fn run(text: &str) -> commands::jobs::RunArgs {
    match parse(text) {
        Ok(Invocation::Run(arguments)) => arguments,
        other => panic!("{text}: {other:?}"),
    }
}

fn explained(text: &str) -> String {
    let Found::Commands(lines) = commands::registry().look_up(text, PRIVATE) else {
        panic!("`{text}` is no command");
    };
    let problem = lines[0].parse().unwrap_err();
    assert!(!problem.explain(Language::Zh, lines[0].command).is_empty());
    problem
        .explain(Language::En, lines[0].command)
        .plain()
        .lines()
        .next()
        .unwrap()
        .to_owned()
}

#[test]
fn names_and_aliases_are_unique_and_valid() {
    let mut names = HashSet::new();
    for command in commands::registry().commands() {
        for name in std::iter::once(&command.spec.name).chain(command.spec.aliases) {
            assert!(names.insert(name.to_lowercase()), "`{name}` stands twice");
            assert!(
                !name.contains(char::is_whitespace) && !name.contains('@'),
                "`{name}`"
            );
            assert_eq!(fold(name), *name, "`{name}` could never be found");
        }
    }
}

#[test]
fn grammars_are_sound() {
    for command in commands::registry().commands() {
        command.grammar.clone().debug_assert();
        if let Rest::Verbatim { after, .. } = command.spec.rest {
            assert_eq!(command.grammar.get_positionals().count(), after + 1);
        }
    }
}

#[test]
fn commands_are_found_where_they_are_meant() {
    let rows: [(&str, Addressing<'_>, &[&str]); 26] = [
        ("/nodes", PRIVATE, &["nodes"]),
        ("nodes", PRIVATE, &["nodes"]),
        ("NODES -n 3", PRIVATE, &["nodes -n 3"]),
        ("节点", PRIVATE, &["nodes"]),
        ("／ｎｏｄｅｓ", PRIVATE, &["nodes"]),
        ("/nodes@JarvisBot", PRIVATE, &["nodes"]),
        ("/nodes@otherbot", PRIVATE, &[]),
        ("/nodes", GROUP, &["nodes"]),
        ("/nodes@jarvisbot x", GROUP, &["nodes x"]),
        ("/nodes@otherbot", MENTIONED, &[]),
        ("nodes", GROUP, &[]),
        ("nodes", MENTIONED, &["nodes"]),
        ("/nothing", GROUP, &[]),
        ("/nothing@jarvisbot 1", GROUP, &["?nothing|1"]),
        ("hello there", GROUP, &[]),
        ("rnu local uptime", PRIVATE, &["?rnu|local uptime"]),
        ("rnu local", MENTIONED, &["?rnu|local"]),
        ("", PRIVATE, &[]),
        (" \n ", PRIVATE, &[]),
        (
            "nodes\n/version\n\n帮助 run",
            PRIVATE,
            &["nodes", "version", "help run"],
        ),
        ("nodes\nand more", PRIVATE, &["nodes and more"]),
        ("run a ls\nnodes", PRIVATE, &["run a ls\nnodes"]),
        ("run a ls\nrun b ls", PRIVATE, &["run a ls", "run b ls"]),
        ("/run a ls\n/nodes", PRIVATE, &["run a ls", "nodes"]),
        (
            "/run a cd /srv\n/usr/bin/make",
            PRIVATE,
            &["run a cd /srv\n/usr/bin/make"],
        ),
        ("run a make\nget", PRIVATE, &["run a make\nget"]),
    ];
    for (text, addressing, expected) in rows {
        assert_eq!(found(text, addressing), expected, "{text}");
    }
}

#[test]
fn predecessors_names_still_work() {
    for text in [
        "version",
        "mystate",
        "nodes -t jarvisshell -n 128",
        "nodes --nums=12",
        "users -n 12",
        "user 3",
        "user -n Ann",
        "user --username Ann",
        "start",
        "help",
        "requestfile -n web-1 -f /var/log/a.log",
        "requestfile --nodename=web-1 --filepath=/var/log/a.log",
        "requestfile web-1:/var/log/a.log",
        "requestfile web-1 /var/log/a.log",
    ] {
        parse(text).unwrap();
    }
}

#[test]
fn run_takes_the_command_exactly_as_typed() {
    let rows = [
        ("run web-1 uptime", "uptime"),
        (
            "run web-1 echo \"a  b\" | grep 'x y' > /tmp/z",
            "echo \"a  b\" | grep 'x y' > /tmp/z",
        ),
        ("run web-1 ls -la --color", "ls -la --color"),
        ("run web-1   cd /srv\nmake  all\n", "cd /srv\nmake  all"),
        ("run --timeout 5s web-1 sleep 9", "sleep 9"),
        ("run web-1 —timeout 5s sleep 9", "sleep 9"),
        ("run -t5s -y web-1 sleep 9", "sleep 9"),
        ("run --timeout=5s web-1 -- --odd", "--odd"),
        ("run web-1 'my prog' -x", "'my prog' -x"),
        ("run web-1 \"-x\"", "\"-x\""),
        ("run -- web-1 -x", "-x"),
        ("运行 web-1 echo “hi”", "echo \"hi\""),
        ("run web-1 echo 「全角：ａ」", "echo 「全角：ａ」"),
        ("run web-1 echo --help", "echo --help"),
    ];
    for (text, command) in rows {
        let arguments = run(text);
        assert_eq!(arguments.target.to_string(), "web-1", "{text}");
        assert_eq!(arguments.command.as_deref(), Some(command), "{text}");
    }
}

#[test]
fn run_takes_its_flags() {
    let arguments = run(
        "run --timeout 10m --cwd '/srv/my app' -e A=1 -e 'B=x y' --files '*.csv' --wait 1h \
         --stdin 'in put' --yes tag:web,db-1 make -j2",
    );
    assert_eq!(arguments.timeout, Some(Duration::from_secs(600)));
    assert_eq!(arguments.cwd.as_deref(), Some("/srv/my app"));
    assert_eq!(arguments.env[1], ("B".to_owned(), "x y".to_owned()));
    assert_eq!(arguments.wait, Some(Duration::from_secs(3600)));
    assert!(arguments.yes);
    // The normalized command means the same.
    let again = run(&arguments.to_string());
    assert_eq!(
        again,
        commands::jobs::RunArgs {
            yes: false,
            ..arguments
        }
    );
    // Without a command there may be a script in a file.
    assert_eq!(run("run web-1").command, None);
}

#[test]
fn other_arguments() {
    assert!(matches!(parse("log #4 --err"), Ok(Invocation::Log(log)) if log.job == 4 && log.err));
    assert!(
        matches!(parse("retry 4"), Ok(Invocation::Retry(retry)) if retry.which == crate::command::value::Which::Failed)
    );
    assert!(
        matches!(parse("enroll a 1x --tag web,eu --tag x"), Ok(Invocation::Enroll(enroll)) if enroll.tag.len() == 3)
    );
    assert!(matches!(parse("授权 小明 操作员"), Ok(Invocation::Role(role)) if role.user == "小明"));
    let get = |text: &str| match parse(text) {
        Ok(Invocation::Get(get)) => get.file_place().unwrap().to_string(),
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(get("get web-1:/a/b.log --tail 1,000"), "web-1:/a/b.log");
    assert_eq!(get("get -n web-1 -f '/a b'"), "web-1:/a b");
    assert_eq!(get("get web-1 /a"), "web-1:/a");
    assert_eq!(get("get 'web-1:/a b' --gzip"), "web-1:/a b");
    let Ok(Invocation::Log(log)) = parse("log 4 --grep '-x' --err") else {
        panic!("a quoted value may begin with a dash");
    };
    assert_eq!((log.grep.as_deref(), log.err), (Some("-x"), true));
}

#[test]
fn help_may_follow_any_command() {
    for text in [
        "run --help",
        "run -h",
        "run web-1 --help",
        "nodes -h",
        "help run",
    ] {
        let Ok(Invocation::Help(help)) = parse(text) else {
            panic!("{text}");
        };
        assert!(help.command.is_some());
    }
}

#[test]
fn why_takes_a_person_or_none() {
    let question = |text: &str| match parse(text) {
        Ok(Invocation::Why(why)) => {
            let (user, line) = why.question(commands::registry()).unwrap();
            (user, line.to_owned())
        }
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(
        question("why run db-1 reboot"),
        (None, "run db-1 reboot".to_owned())
    );
    assert_eq!(
        question("why \"Ann Lee\" run db-1 'x"),
        (Some("Ann Lee".to_owned()), "run db-1 'x".to_owned())
    );
}

#[test]
fn what_is_wrong_is_said() {
    let rows = [
        ("run", "`run` needs `TARGET`."),
        (
            "run web-1 --timeot 5s ls",
            "`--timeot` is no flag of `run`. Did you mean `--timeout`?",
        ),
        ("again 4 -on x", "`-o` is no flag of `again`."),
        ("nodes -x", "`-x` is no flag of `nodes`."),
        (
            "version now",
            "`now` is one word too many for `version`. Words with blanks belong in quotes.",
        ),
        ("nodes -t", "`--type TYPE` needs a value after it."),
        ("run --timeout", "`--timeout TIME` needs a value after it."),
        (
            "run --timeout soon web-1 ls",
            "`soon` is no length of time. Write 90s, 10m or 1h30m. (`--timeout TIME`)",
        ),
        ("jobs --all=yes", "`--all` takes no value."),
        (
            "users -n 0",
            "`0` is no number from 1 up. (`--number NUMBER`)",
        ),
        ("job x", "`x` is no job number. See `jobs`. (`JOB`)"),
        (
            "role Ann boss",
            "`boss` is no role. Roles are guest, member, operator and owner. (`ROLE`)",
        ),
        (
            "role Ann member --tag x",
            "`--tag` does not go together with the rest, or stands twice.",
        ),
        ("get", "`get` needs `NODE:PATH`."),
        ("get -n web-1", "`get` needs `--file PATH`."),
        (
            "get web-1:/a b",
            "`b` is one word too many for `get`. Words with blanks belong in quotes.",
        ),
        (
            "get a:/x --tail 3 --head 4",
            "`--tail` does not go together with the rest, or stands twice.",
        ),
        (
            "run web-1 echo \"hi",
            "The quote \" at character 12 is never closed. Close it, or put a \\ before it if it is meant as text.",
        ),
        (
            "user 'Ann",
            "The quote ' at character 1 is never closed. Close it, or put a \\ before it if it is meant as text.",
        ),
        (
            "run a:b:c ls",
            "`a:b:c` is no target. Name a node, `tag:NAME`, `type:NAME`, several with commas, or `*` for all. (`TARGET`)",
        ),
        (
            "run --yes --yes web-1 ls",
            "`--yes` does not go together with the rest, or stands twice.",
        ),
        ("enroll", "`enroll` needs `NAME` `ADDRESS`."),
    ];
    for (text, sentence) in rows {
        assert_eq!(explained(text), sentence, "{text}");
    }
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(text in any::<String>()) {
        let _ = found(&text, PRIVATE);
        let _ = found(&text, GROUP);
    }

    #[test]
    fn no_arguments_make_it_panic(
        name in proptest::sample::select(vec!["run", "get", "why", "nodes", "role", "log", "enroll"]),
        rest in "([ -~]|[“”—：，你]){0,40}",
    ) {
        if let Found::Commands(lines) = commands::registry().look_up(&format!("{name} {rest}"), PRIVATE) {
            for line in lines {
                if let Err(problem) = line.parse() {
                    prop_assert!(!problem.explain(Language::Zh, line.command).is_empty());
                }
            }
        }
    }
}

#[test]
fn answers_to_nonsense_stay_short() {
    let long = "x".repeat(100_000);
    for text in [
        format!("version {long}"),
        format!("nodes --{long}"),
        format!("run {long} ls"),
        format!(
            "run {} ls",
            (0..9_000).map(|n| format!("n{n},")).collect::<String>()
        ),
        format!("get {long}"),
        format!("run --timeout {long} a ls"),
        format!("retry 4 {long}"),
    ] {
        assert!(explained(&text).chars().count() < 400);
    }
    let marks = "‚ “a ".repeat(10_000);
    assert!(matches!(&found(&marks, PRIVATE)[..], [_]));
}

#[test]
fn the_audit_log_gets_no_secrets() {
    let audit = |text: &str| {
        let Found::Commands(lines) = commands::registry().look_up(text, PRIVATE) else {
            panic!("`{text}` is no command");
        };
        lines[0].parse().unwrap().audit_text(&lines[0])
    };
    let rows = [
        ("/claim 7QK4-MZ2P", "claim …"),
        ("绑定 4821-KD", "bind …"),
        ("bind", "bind"),
        (
            "运行 -e TOKEN=abc --stdin pw web-1 ls",
            "run --env 'TOKEN=…' --stdin '…' web-1 ls",
        ),
        ("/nodes  -t x", "nodes -t x"),
    ];
    for (text, logged) in rows {
        assert_eq!(audit(text), logged);
    }
}
