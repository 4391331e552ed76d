//! Layers, slips of the pen, secrets, and the example file.

use std::path::PathBuf;

use proptest::prelude::*;

use super::load::complete_example;
use super::*;

/// A folder with `jarvis.toml` in it.
fn folder(text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("jarvis.toml");
    std::fs::write(&file, text).unwrap();
    (dir, file)
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

fn load(text: &str) -> Result<Config, ConfigError> {
    let (_dir, file) = folder(text);
    Sources {
        file: Some(file),
        ..Sources::default()
    }
    .load()
    .map(|loaded| loaded.config)
}

fn complaint(text: &str) -> String {
    load(text).unwrap_err().to_string()
}

#[test]
fn later_layers_win() {
    let (_dir, file) = folder("[local_node]\nname = 'file'\ntags = ['a']\n[log]\nlevel = 'warn'");
    let load = |environment, flags| {
        Sources {
            file: Some(file.clone()),
            environment,
            flags,
        }
        .load()
        .unwrap()
        .config
    };
    assert_eq!(load(vec![], vec![]).local_node.name, "file");
    let environment = pairs([
        ("JARVIS__LOCAL_NODE__NAME", "variable"),
        ("JARVIS__BRAIN__MESSAGES_PER_MINUTE", "7"),
        ("HOME", "/root"),
        ("JARVIS_CONFIG", "not a key"),
    ]);
    let config = load(environment.clone(), vec![]);
    assert_eq!(config.local_node.name, "variable");
    assert_eq!(config.brain.messages_per_minute, 7);
    let flags = pairs([
        ("local_node.name", "first"),
        ("local_node.name", "flag"),
        ("local_node.tags", "[\"x\", \"y\"]"),
        ("brain.listen", "127.0.0.1:0"),
    ]);
    let config = load(environment, flags);
    assert_eq!(config.local_node.name, "flag");
    assert_eq!(config.local_node.tags.0, ["x", "y"]);
    assert_eq!(config.log.level, Some(Level::Warn), "the file still counts");
}

#[test]
fn the_file_is_found_in_the_data_folder() {
    let (dir, file) = folder("[local_node]\nname = 'here'");
    let flags = pairs([("data", dir.path().to_str().unwrap())]);
    let loaded = Sources {
        flags,
        ..Sources::default()
    }
    .load()
    .unwrap();
    assert_eq!(loaded.config.local_node.name, "here");
    assert_eq!(loaded.file, Some(file));
}

#[test]
fn a_named_file_must_exist() {
    let error = Sources {
        file: Some("/nonexistent/jarvis.toml".into()),
        ..Sources::default()
    }
    .load()
    .unwrap_err();
    assert!(
        error.to_string().contains("/nonexistent/jarvis.toml"),
        "{error}"
    );
}

#[test]
fn relative_paths_start_at_the_file() {
    let (dir, file) = folder("data = 'd'\n[telegram]\ntoken_file = 'tg'");
    std::fs::write(dir.path().join("tg"), " 1:abc \n").unwrap();
    let config = Sources {
        file: Some(file),
        ..Sources::default()
    }
    .load()
    .unwrap()
    .config;
    assert_eq!(config.data, dir.path().join("d"));
    assert_eq!(config.telegram.token.unwrap().reveal(), "1:abc");
}

#[test]
fn unknown_keys_are_answered_with_the_nearest() {
    for (text, key, hint) in [
        (
            "[telegram]\ntokne = 'x'",
            "`telegram.tokne`",
            "did you mean `telegram.token`?",
        ),
        (
            "[telegrm]\ntoken = 'x'",
            "`telegrm`",
            "did you mean `telegram`?",
        ),
        (
            "[brain]\npoll_timeout = 'x'",
            "`brain.poll_timeout`",
            "did you mean `telegram.poll_timeout`?",
        ),
        ("[log]\nzzz = 1", "`log.zzz`", "known here: level, format"),
        (
            "[[brain.adapters]]\nkind = 'a'\ntoken = 'b'\nbott = 'c'",
            "`brain.adapters.0.bott`",
            "did you mean `brain.adapters.bot`?",
        ),
    ] {
        let error = complaint(text);
        assert!(
            error.contains(key) && error.contains(hint),
            "{text}: {error}"
        );
        assert!(error.contains("jarvis.toml"), "{text}: {error}");
    }
}

#[test]
fn slips_outside_the_file_name_the_variable_or_flag() {
    let error = Sources {
        environment: pairs([("JARVIS__TELEGRAM__TOKNE", "x")]),
        ..Sources::default()
    }
    .load()
    .unwrap_err()
    .to_string();
    assert!(
        error.contains("environment variable JARVIS__TELEGRAM__TOKNE"),
        "{error}"
    );
    let error = Sources {
        flags: pairs([("log.format", "jsn")]),
        ..Sources::default()
    }
    .load()
    .unwrap_err()
    .to_string();
    assert!(error.contains("--set log.format"), "{error}");
    assert!(error.contains("did you mean \"json\"?"), "{error}");
    assert!(error.contains("accepted: text, json"), "{error}");
}

#[test]
fn bad_values_say_what_is_accepted() {
    for (text, key, accepted) in [
        ("[brain]\ntoo_old = 10", "`brain.too_old`", "\"10m\""),
        ("[brain]\ntoo_old = '0s'", "`brain.too_old`", "\"10m\""),
        (
            "[nodes]\nlisten = 7788",
            "`nodes.listen`",
            "\"0.0.0.0:7788\"",
        ),
        ("[nodes]\nlisten = 'here'", "`nodes.listen`", "\"off\""),
        (
            "[telegram]\nmode = 'webhok'",
            "`telegram.mode`",
            "did you mean \"webhook\"?",
        ),
        ("data = ''", "`data`", "empty"),
        ("[[node]]\nname = 'a'", "`node.0.address`", "missing"),
    ] {
        let error = complaint(text);
        assert!(
            error.contains(key) && error.contains(accepted),
            "{text}: {error}"
        );
    }
}

#[test]
fn each_way_to_a_qq_program_asks_for_what_it_needs() {
    let complaint_of = |keys: &str| complaint(&format!("[onebot]\n{keys}"));
    for transport in ["websocket", "http", "milky", "milky-sse", "milky-webhook"] {
        let alone = format!("transport = '{transport}'");
        assert!(complaint_of(&alone).contains("`onebot.url` is missing"));
        let wrong = format!("{alone}\nurl = 'ftp://127.0.0.1/'");
        assert!(complaint_of(&wrong).contains("must begin with"), "{wrong}");
    }
    // Where others can knock there must be a secret.
    let open = "listen = '0.0.0.0:8082'\nurl = 'http://127.0.0.1:3000'\n";
    for (transport, secret) in [
        ("reverse", "token"),
        ("milky-webhook", "token"),
        ("http", "secret"),
    ] {
        let keys = format!("transport = '{transport}'\n{open}");
        let error = complaint_of(&keys);
        assert!(error.contains(&format!("set `onebot.{secret}`")), "{error}");
        assert!(load(&format!("[onebot]\n{keys}{secret} = 'x'")).is_ok());
    }
    let error = complaint_of("transport = 'milky-ssee'");
    assert!(error.contains("did you mean \"milky-sse\"?"), "{error}");
}

#[test]
fn no_secret_is_in_an_error_or_a_debug_print() {
    for text in [
        "[telegram]\ntoken = 'hush-hush",
        "[telegram]\ntoken = ['hush-hush']",
        "[telegram]\ntoken = 'hush-hush'\ntoken_file = 'x'",
        "[brain]\ndatabase = { a = 'hush-hush' }",
    ] {
        let error = complaint(text);
        assert!(!error.contains("hush"), "{error}");
    }
    let config = load("[telegram]\ntoken = 'hush-hush'").unwrap();
    assert!(!format!("{config:?}").contains("hush"));
}

#[test]
fn syntax_errors_name_the_line() {
    let error = complaint("data = 'x'\n[log\nlevel = 'info'");
    assert!(error.contains("line 2"), "{error}");
}

#[test]
fn a_secret_has_one_source_unless_a_stronger_layer_replaces_it() {
    let (dir, file) = folder("[telegram]\ntoken_file = 'tg'");
    std::fs::write(dir.path().join("tg"), "1:file").unwrap();
    let load = |environment| {
        Sources {
            file: Some(file.clone()),
            environment,
            flags: vec![],
        }
        .load()
        .unwrap()
        .config
        .telegram
        .token
        .unwrap()
    };
    assert_eq!(load(vec![]).reveal(), "1:file");
    let environment = pairs([("JARVIS__TELEGRAM__TOKEN", "0012345")]);
    assert_eq!(load(environment).reveal(), "0012345");
    let environment = pairs([("JARVIS__TELEGRAM__TOKEN", "12345")]);
    assert_eq!(load(environment).reveal(), "12345");

    let error = complaint("[telegram]\ntoken = 'a'\ntoken_file = 'b'");
    assert!(error.contains("keep one of them"), "{error}");
}

#[test]
fn secrets_are_listed_for_the_redactor() {
    let config = load(
        "[brain]\ndatabase = 'postgres://me:pass%20word@db/x'\n\
         [[brain.adapters]]\nkind = 'a'\ntoken = 'adapter-token'\n\
         [telegram]\ntoken = '1:bot'\n[telegram.webhook]\nsecret = 'hook'",
    )
    .unwrap();
    let secrets = config.secrets();
    for secret in ["pass%20word", "adapter-token", "1:bot", "hook"] {
        assert!(secrets.iter().any(|known| known == secret), "{secret}");
    }
    let config = load("[brain]\ndatabase = 'sqlite:jarvis.db'").unwrap();
    assert_eq!(config.secrets(), Vec::<String>::new());
}

#[test]
fn what_cannot_work_together_is_refused() {
    for (text, word) in [
        ("[brain]\nlisten = '0.0.0.0:1'", "tls_certificate"),
        ("[brain]\ntls_key = 'k'", "together"),
        (
            "[[brain.adapters]]\nkind = 'telegram'",
            "jarvis keys new telegram",
        ),
        ("[telegram]\nmode = 'webhook'", "telegram.webhook.url"),
        (
            "[[node]]\nname = 'local'\naddress = 'a'",
            "two nodes have the name `local`",
        ),
        ("[brain]\nmessages_per_minute = 0", "at least 1"),
        ("[local_node]\nallow = ['srv']", "absolute"),
    ] {
        let error = complaint(text);
        assert!(error.contains(word), "{text}: {error}");
    }
}

#[test]
fn the_team_example_is_valid() {
    let (dir, file) = folder(include_str!("../../../examples/team.toml"));
    std::fs::write(
        dir.path().join("database"),
        "postgres://jarvis:pw@127.0.0.1/jarvis",
    )
    .unwrap();
    std::fs::write(dir.path().join("telegram.token"), "1:token").unwrap();
    let config = Sources {
        file: Some(file),
        ..Sources::default()
    }
    .load()
    .unwrap()
    .config;
    for node in &config.node {
        node.address.parse::<jarvis_nodeclient::Address>().unwrap();
    }
    assert_eq!(config.node.len(), 3);
}

#[test]
fn the_example_equals_the_defaults() {
    assert_eq!(load(EXAMPLE).unwrap(), Config::default());
}

#[test]
fn a_named_data_folder_is_stronger_than_the_file_in_it() {
    let (dir, _file) = folder("data = 'elsewhere'");
    let loaded = Sources {
        environment: pairs([("JARVIS__DATA", dir.path().to_str().unwrap())]),
        ..Sources::default()
    }
    .load();
    assert_eq!(loaded.unwrap().config.data, dir.path());
}

proptest! {
    #[test]
    fn no_file_panics_and_no_secret_is_quoted(text in "[a-z\\[\\]=.'\"{}\n ]{0,60}") {
        let text = format!("{text}\n[telegram]\ntoken = 'hush-hush'\n");
        if let Err(error) = load(&text) {
            prop_assert!(!error.to_string().contains("hush"), "{}", error);
        }
    }

    #[test]
    fn no_variable_panics(key in "[A-Z_]{0,20}", value in "\\PC{0,40}") {
        let environment = vec![(format!("JARVIS__{key}"), value)];
        let _ = Sources { environment, ..Sources::default() }.load();
    }
}

#[test]
fn the_example_has_every_key_and_no_other() {
    let complete: toml::Table = toml::from_str(&complete_example()).unwrap();
    let mut sections = Vec::new();
    collect_sections("", &complete, false, &mut sections);
    assert!(
        sections
            .iter()
            .any(|section| section.header == "[[brain.adapters]]")
    );
    for section in sections {
        assert_eq!(section.keys, keys_of(&section.header), "{}", section.header);
    }
}

struct Section {
    /// The line that opens it; empty at the top.
    header: String,
    /// Its keys in the example, sorted.
    keys: Vec<String>,
}

fn collect_sections(path: &str, table: &toml::Table, list: bool, sections: &mut Vec<Section>) {
    let header = match (path, list) {
        ("", _) => String::new(),
        (path, true) => format!("[[{path}]]"),
        (path, false) => format!("[{path}]"),
    };
    let keys = table.keys().cloned().collect();
    // The keys of this one are names of one's own.
    if path != "translate.engines" {
        sections.push(Section { header, keys });
    }
    for (name, value) in table {
        let inner = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        match value {
            // A table with names of one's own, as `nodes.programs`, has no keys to compare.
            toml::Value::Table(table) if table.is_empty() => {}
            toml::Value::Table(table) => collect_sections(&inner, table, false, sections),
            toml::Value::Array(items) => {
                if let Some(table) = items.first().and_then(toml::Value::as_table) {
                    collect_sections(&inner, table, true, sections);
                }
            }
            _ => {}
        }
    }
}

/// The keys that a section takes, sorted: a word that it does not know makes it tell.
fn keys_of(header: &str) -> Vec<String> {
    let error = complaint(&format!("{header}\nzzzz = 1"));
    let (_, keys) = error.split_once("known here: ").unwrap();
    let mut keys: Vec<String> = keys.split(", ").map(str::to_owned).collect();
    keys.sort();
    keys
}
