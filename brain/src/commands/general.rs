//! Finding one's way: `start`, `help`, `version`, `ping`, `lang`, and the answers `yes` and `no`.

pub(crate) mod run;

use clap::Args;

use crate::account::Role;
use crate::command::permission::{Permission, Subject};
use crate::command::registry::{Arguments, CommandSpec, Confirm, Family, Place, Rest};
use crate::command::value;
use crate::reply::Reply;
use crate::text::{Language, text};

/// Characters that `ping` says back.
const PONG_CHARACTERS: usize = 64;
/// What every command of this file starts from: open to all, everywhere, at once.
const OPEN: CommandSpec = CommandSpec {
    name: "",
    aliases: &[],
    family: Family::General,
    permission: Permission::Everyone,
    place: Place::Anywhere,
    confirm: Confirm::Never,
    hidden: false,
    rest: Rest::Words,
};

/// `start`: the first contact.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct StartArgs {
    /// What a platform's start link carries; a bind code.
    #[arg(value_name = "CODE", hide = true)]
    pub code: Option<String>,
}

impl Arguments for StartArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "start",
        aliases: &["hello", "hi", "开始", "你好"],
        ..OPEN
    };
}

/// `help [COMMAND]`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct HelpArgs {
    /// The command to tell of.
    #[arg(value_name = "COMMAND")]
    pub command: Option<String>,
}

impl Arguments for HelpArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "help",
        aliases: &["?", "帮助"],
        ..OPEN
    };
}

/// `version`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct VersionArgs {}

impl Arguments for VersionArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "version",
        aliases: &["ver", "版本"],
        family: Family::System,
        ..OPEN
    };
}

/// `ping [WORD]`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct PingArgs {
    /// What to say back, so that many can be told apart.
    #[arg(value_name = "WORD")]
    pub word: Option<String>,
}

impl Arguments for PingArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "ping",
        aliases: &["在吗"],
        family: Family::System,
        ..OPEN
    };
}

/// `lang [LANGUAGE]`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct LangArgs {
    /// The language to speak from now on; none tells which one it is.
    #[arg(value_name = "LANGUAGE", value_parser = value::language)]
    pub language: Option<Language>,
}

impl Arguments for LangArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "lang",
        aliases: &["language", "语言"],
        ..OPEN
    };
}

/// `yes [CODE]`: confirms what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct YesArgs {
    /// Which question, when several are open.
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

impl Arguments for YesArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "yes",
        aliases: &["y", "ok", "是", "好", "确认"],
        ..OPEN
    };
}

/// `no [CODE]`: refuses what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct NoArgs {
    /// Which question, when several are open.
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

impl Arguments for NoArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "no",
        aliases: &["n", "否", "不", "不要"],
        ..OPEN
    };
}

/// The answer to `version`.
pub fn version(language: Language) -> Reply {
    text!(language, "version", version = env!("CARGO_PKG_VERSION")).into()
}

/// The answer to `ping`: the way from the chat to the brain and back works.
pub fn pong(language: Language, args: &PingArgs) -> Reply {
    match &args.word {
        Some(word) => {
            let word: String = word.chars().take(PONG_CHARACTERS).collect();
            text!(language, "pong-word", word = word).into()
        }
        None => text!(language, "pong").into(),
    }
}

/// The answer to `start`, by what the person is already.
pub fn start(language: Language, name: &str, subject: &Subject, claimed: bool) -> Reply {
    if subject.role > Role::Guest {
        let role = subject.describe(language);
        return Reply::new()
            .line(text!(language, "start-known", name = name, role = role))
            .line(text!(language, "start-next"));
    }
    let reply = Reply::new().line(text!(language, "start-stranger", name = name));
    if claimed {
        reply.line(text!(language, "start-bind"))
    } else {
        reply.line(text!(language, "start-claim"))
    }
}

/// The answer to `lang` without a language, and after one was set.
pub fn language(language: Language, just_set: bool) -> Reply {
    if just_set {
        text!(language, "lang-set").into()
    } else {
        let reply = Reply::new().line(text!(language, "lang-now", language = language.own_name()));
        Language::ALL
            .into_iter()
            .filter(|other| *other != language)
            .fold(reply, |reply, other| {
                reply.button(
                    crate::text::Text::plain(other.own_name()),
                    format!("lang {}", other.code()),
                )
            })
    }
}
