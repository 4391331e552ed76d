//! `jarvis keys`: the address that nodes trust, and tokens for adapters.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use jarvis_nodeclient::KeyRing;
use rand::RngCore;

use crate::config::Config;
use crate::data::{self, DataDir};

/// Random bytes of a token; twice as many characters.
const TOKEN_BYTES: usize = 24;

/// What `jarvis keys` prints. Makes the root key if there is none yet, so that nodes may be set up
/// before the first start.
///
/// # Errors
/// The root key cannot be read or made.
pub(crate) fn show(config: &Config, reveal: bool) -> anyhow::Result<String> {
    let data = DataDir::at(&config.data);
    data.create()?;
    let root = KeyRing::open_or_create(&data.root_key())?;
    let mut text = format!("root      {} (nodes trust this address)\n", root.address());
    let adapters = &config.brain.adapters;
    if adapters.is_empty() {
        text.push_str(
            "adapters  none configured; local programs use the socket and need no token. `jarvis \
             keys new KIND` makes one\n",
        );
    }
    for adapter in adapters {
        let bot = if adapter.bot.is_empty() {
            "any bot"
        } else {
            &adapter.bot
        };
        let token = match &adapter.token {
            Some(token) if reveal => token.reveal().to_owned(),
            Some(_) => "token is there (--reveal prints it)".to_owned(),
            None => "no token".to_owned(),
        };
        writeln!(text, "adapter   {} · {bot} · {token}", adapter.kind).expect("a string takes all");
    }
    Ok(text)
}

/// Gives the root a new key, which the old one vouches for.
///
/// # Errors
/// A brain runs on the data folder, or a key file cannot be read or written.
pub(crate) fn rotate(config: &Config) -> anyhow::Result<String> {
    let data = DataDir::at(&config.data);
    data.create()?;
    // A running brain would go on with the old key.
    let _lock = data.lock().context("in the chat, /rotateroot does it")?;
    let old = KeyRing::open_or_create(&data.root_key())?;
    let overlap = config.nodes.key_overlap;
    let new = old.rotate(jarvis_nodeclient::unix_ms(), overlap)?;
    Ok(format!(
        "root      {} (new)\nbefore    {} (good for {} more)\n\
         Nodes learn the new address from the old key at their next contact.\n",
        new.address(),
        old.address(),
        humantime::format_duration(overlap)
    ))
}

/// Makes a token, keeps it in the data folder, and says what to configure.
///
/// # Errors
/// There is one already, or it cannot be written.
pub(crate) fn new(config: &Config, kind: &str, bot: &str, reveal: bool) -> anyhow::Result<String> {
    let name = file_name(kind, bot)?;
    let folder = DataDir::at(&config.data).tokens();
    data::make_private(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let path = folder.join(name);
    if path.exists() {
        bail!(
            "{} is there already; delete it first to make a new one",
            path.display()
        );
    }
    let token = random_token();
    data::write_private(&path, &token)
        .with_context(|| format!("cannot write {}", path.display()))?;
    let path = path.canonicalize().unwrap_or(path);
    Ok(advice(kind, bot, &path, reveal.then_some(&token)))
}

fn advice(kind: &str, bot: &str, path: &Path, token: Option<&String>) -> String {
    let path = path.display();
    let bot_line = if bot.is_empty() {
        String::new()
    } else {
        format!("bot = \"{bot}\"\n")
    };
    let mut text = format!(
        "The token is in {path}.\n\n\
         Where the brain runs, add to jarvis.toml and start it again:\n\n\
         [[brain.adapters]]\n\
         kind = \"{kind}\"\n\
         {bot_line}\
         token_file = \"{path}\"\n\n\
         Where the adapter runs, copy that file and set:\n\n\
         [adapter]\n\
         brain = \"https://THE-BRAIN:7787\"\n\
         token_file = \"COPY-OF-THE-FILE\"\n"
    );
    if let Some(token) = token {
        writeln!(text, "\ntoken: {token}").expect("a string takes all");
    }
    text
}

fn file_name(kind: &str, bot: &str) -> anyhow::Result<PathBuf> {
    for (what, word) in [("kind", kind), ("bot", bot)] {
        let plain = word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if !plain || (what == "kind" && word.is_empty()) {
            bail!("the {what} `{word}` must be made of letters, digits, - and _");
        }
    }
    Ok(if bot.is_empty() {
        format!("{kind}.token").into()
    } else {
        format!("{kind}-{bot}.token").into()
    })
}

fn random_token() -> String {
    let mut bytes = [0_u8; TOKEN_BYTES];
    rand::rng().fill_bytes(&mut bytes);
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all");
        text
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::config::AdapterToken;

    #[test]
    fn a_new_token_is_kept_and_printed_only_when_asked() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config {
            data: dir.path().join("data"),
            ..Config::default()
        };
        let quiet = new(&config, "telegram", "", false).unwrap();
        let token = std::fs::read_to_string(config.data.join("tokens/telegram.token")).unwrap();
        assert_eq!(token.len(), 2 * TOKEN_BYTES);
        assert!(!quiet.contains(&token));
        assert!(quiet.contains("[[brain.adapters]]"), "{quiet}");

        let again = new(&config, "telegram", "", false).unwrap_err().to_string();
        assert!(again.contains("delete it first"), "{again}");

        let loud = new(&config, "telegram", "42", true).unwrap();
        let token = std::fs::read_to_string(config.data.join("tokens/telegram-42.token")).unwrap();
        assert!(loud.contains(&token));
        assert!(loud.contains("bot = \"42\""), "{loud}");
    }

    #[test]
    fn a_kind_cannot_leave_the_folder() {
        for kind in ["", "../x", "a/b", "a b"] {
            assert!(file_name(kind, "").is_err(), "{kind}");
        }
    }

    #[test]
    fn show_hides_tokens_unless_asked() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config {
            data: dir.path().to_owned(),
            ..Config::default()
        };
        let text = show(&config, true).unwrap();
        assert!(text.contains("none configured"), "{text}");
        let root = KeyRing::open_or_create(&dir.path().join("root.key")).unwrap();
        assert!(text.contains(&root.address().to_string()), "{text}");

        config.brain.adapters.push(AdapterToken {
            kind: "telegram".to_owned(),
            bot: String::new(),
            token: Some("very-secret".to_owned().into()),
            token_file: None,
        });
        let quiet = show(&config, false).unwrap();
        assert!(quiet.contains(&root.address().to_string()), "{quiet}");
        assert!(!quiet.contains("very-secret"), "{quiet}");
        assert!(show(&config, true).unwrap().contains("very-secret"));
    }
}
