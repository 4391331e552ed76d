//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::{Level, LogFormat};

/// Run jobs on your own servers from the chat that you have at hand.
#[derive(Debug, Parser)]
#[command(name = "jarvis", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command.
#[derive(Debug, Default, Args)]
pub(crate) struct Global {
    /// Folder of everything that Jarvis keeps [default: data]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Configuration file [default: jarvis.toml in the data folder, else in the working folder]
    #[arg(long, global = true, value_name = "FILE", env = "JARVIS_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Set one key of the configuration, as in --set nodes.listen=0.0.0.0:7788
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = assignment)]
    pub(crate) set: Vec<(String, String)>,
    /// How much is logged to standard error
    #[arg(long, global = true, value_name = "LEVEL")]
    pub(crate) log: Option<Level>,
    /// How a log line looks
    #[arg(long, global = true, value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
}

impl Global {
    /// The flags as keys of the configuration, the strongest last.
    pub(crate) fn as_keys(&self) -> Vec<(String, String)> {
        let mut keys = self.set.clone();
        if let Some(data) = &self.data {
            keys.push(("data".to_owned(), data.display().to_string()));
        }
        if let Some(level) = self.log.and_then(|level| level.to_possible_value()) {
            keys.push(("log.level".to_owned(), level.get_name().to_owned()));
        }
        if let Some(format) = self
            .log_format
            .and_then(|format| format.to_possible_value())
        {
            keys.push(("log.format".to_owned(), format.get_name().to_owned()));
        }
        keys
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything in one process: brain, a node named `local`, a chat on this terminal, and
    /// the chat platforms that are configured
    Up(Up),
    /// Run the brain alone; adapters and nodes connect to it
    Brain,
    /// Run one chat adapter alone, against a brain elsewhere
    Adapter(Adapter),
    /// Chat with a running brain on this terminal, or from a pipe
    Chat(Chat),
    /// Look whether the configuration and the machine are ready
    Check(Check),
    /// Show the address that nodes trust, or make tokens for adapters
    Keys(Keys),
    /// Move over from jarviscore 0.7 (`jarvissh`)
    Legacy(Legacy),
    /// Print the version
    Version,
    /// Read what a file says; the brain starts it
    #[command(name = jarvis_brain::note::reader::READ_FILE, hide = true)]
    ReadFile {
        /// How, the mark before the answer, and the file
        arguments: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Send all piped lines at once instead of one after the other
    #[arg(long)]
    pub(crate) parallel: bool,
    /// No chat on this terminal (for service managers)
    #[arg(long, conflicts_with = "parallel")]
    pub(crate) no_console: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Adapter {
    /// The platform
    pub(crate) kind: AdapterKind,
    /// Where the brain is: unix:PATH, https://HOST:PORT, or http://127.0.0.1:PORT
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) brain: Option<String>,
    /// Only look whether it would work, and say what to do where it would not
    #[arg(long)]
    pub(crate) check: bool,
    /// With --check: log in, though that takes the robot from a program that has it (wecom only)
    #[arg(long, requires = "check")]
    pub(crate) take_over: bool,
    /// Make a bot by scanning a code with the phone, and keep its secret (qq only)
    #[arg(long, conflicts_with = "check")]
    pub(crate) create: bool,
    /// Sign somebody in by scanning a code with the phone, and keep their line (wechat only)
    #[arg(long, conflicts_with_all = ["check", "create"])]
    pub(crate) login: bool,
}

/// Platforms that have an adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AdapterKind {
    Console,
    Onebot,
    Qq,
    Telegram,
    Wecom,
    WechatOfficial,
    WecomApp,
    WecomRobot,
    Wechat,
    Wechaty,
}

impl AdapterKind {
    /// Every platform.
    pub(crate) const ALL: [Self; 10] = [
        Self::Console,
        Self::Onebot,
        Self::Qq,
        Self::Telegram,
        Self::Wecom,
        Self::WechatOfficial,
        Self::WecomApp,
        Self::WecomRobot,
        Self::Wechat,
        Self::Wechaty,
    ];

    /// As on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Onebot => "onebot",
            Self::Qq => "qq",
            Self::Telegram => "telegram",
            Self::Wecom => "wecom",
            Self::WechatOfficial => "wechat-official",
            Self::WecomApp => "wecom-app",
            Self::WecomRobot => "wecom-robot",
            Self::Wechat => "wechat",
            Self::Wechaty => "wechaty",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Chat {
    /// Where the brain is: unix:PATH, https://HOST:PORT, or http://127.0.0.1:PORT [default: the
    /// socket in the data folder]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) brain: Option<String>,
    /// Send all piped lines at once instead of one after the other
    #[arg(long)]
    pub(crate) parallel: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Print a configuration file with every key and its default instead
    #[arg(long)]
    pub(crate) example: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Legacy {
    #[command(subcommand)]
    pub(crate) command: LegacyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LegacyCommand {
    /// Print a jarvissh configuration as the node.toml of a jarvis-node, with notes on standard error
    Import {
        /// The YAML file of jarvissh
        #[arg(value_name = "CONFIG.yaml")]
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    pub(crate) command: Option<KeysCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Show the root address and which adapter tokens there are (what happens without a word, too)
    Show {
        /// Print the tokens themselves
        #[arg(long)]
        reveal: bool,
    },
    /// Give this Jarvis a new key. Nodes learn it from the old one at their next contact. For a brain that
    /// does not run; in the chat it is `/rotateroot`
    Rotate,
    /// Make a random token for an adapter and say what to configure
    New {
        /// What the adapter calls itself: telegram, console, …
        kind: String,
        /// Only for this bot (its id on the platform)
        #[arg(long, default_value = "")]
        bot: String,
        /// Print the token itself
        #[arg(long)]
        reveal: bool,
    },
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.to_owned()))
        }
        _ => Err("write it as KEY=VALUE, for example nodes.listen=0.0.0.0:7788".to_owned()),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_flags_stand_anywhere_and_become_keys() {
        for line in [
            "jarvis --data d --log debug --log-format json --set a.b=c=d up",
            "jarvis up --data d --log debug --log-format json --set a.b=c=d",
        ] {
            let keys = parse(line).unwrap().global.as_keys();
            let expected = [
                ("a.b", "c=d"),
                ("data", "d"),
                ("log.level", "debug"),
                ("log.format", "json"),
            ];
            let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
            assert_eq!(keys, expected, "{line}");
        }
    }

    #[test]
    fn an_assignment_needs_its_key() {
        for line in ["jarvis up --set x", "jarvis up --set =x"] {
            let error = parse(line).unwrap_err().to_string();
            assert!(error.contains("KEY=VALUE"), "{error}");
        }
    }

    #[test]
    fn slips_are_answered_with_the_nearest_word() {
        let error = parse("jarvis adapter telegrm").unwrap_err().to_string();
        assert!(error.contains("telegram"), "{error}");
        let error = parse("jarvis chekc").unwrap_err().to_string();
        assert!(error.contains("check"), "{error}");
    }

    #[test]
    fn keys_shows_unless_told_otherwise() {
        let Command::Keys(keys) = parse("jarvis keys").unwrap().command else {
            panic!("another command");
        };
        assert!(keys.command.is_none());
    }
}
