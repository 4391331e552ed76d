//! What can be configured, and its defaults.
//!
//! One struct per section of `jarvis.toml`; [`load`](Sources::load) puts the layers together. A new
//! key goes into its struct, its `Default` and `jarvis.example.toml`; a test compares the three.

mod callback;
mod chats;
mod error;
mod layer;
mod load;
mod parse;
mod qq;
mod secret;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
mod translate;
mod wechat;
mod wechat_official;
mod wechaty;
mod wecom;
mod wecom_app;
mod wecom_robot;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

pub(crate) use chats::{OneBot, OneBotTransport, Telegram, TelegramMode};
pub(crate) use error::ConfigError;
pub(crate) use load::{Loaded, Sources};
pub(crate) use parse::{Listen, OneOrMany};
pub(crate) use qq::{Qq, QqMode};
pub(crate) use secret::Secret;
pub(crate) use translate::Translate;
pub(crate) use wechat::WeChat;
pub(crate) use wechat_official::{WeChatMode, WeChatOfficial};
pub(crate) use wechaty::{MessageTypes, Wechaty};
pub(crate) use wecom::{Wecom, WecomMode};
pub(crate) use wecom_app::WeComApp;
pub(crate) use wecom_robot::WeComRobot;

/// The configuration file with every key, its default and what it means.
pub(crate) const EXAMPLE: &str = include_str!("../../jarvis.example.toml");

/// Everything that can be configured.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Folder of everything that Jarvis keeps.
    #[serde(deserialize_with = "parse::path")]
    pub(crate) data: PathBuf,
    pub(crate) log: Log,
    pub(crate) brain: Brain,
    pub(crate) jobs: Jobs,
    pub(crate) adapter: Adapter,
    pub(crate) telegram: Telegram,
    pub(crate) onebot: OneBot,
    pub(crate) qq: Qq,
    pub(crate) wecom: Wecom,
    pub(crate) wecom_app: WeComApp,
    pub(crate) wecom_robot: WeComRobot,
    pub(crate) wechat_official: WeChatOfficial,
    pub(crate) wechat: WeChat,
    pub(crate) wechaty: Wechaty,
    pub(crate) files: Files,
    pub(crate) nodes: Nodes,
    pub(crate) watch: Watch,
    pub(crate) translate: Translate,
    /// Nodes that the brain knows from the start.
    pub(crate) node: Vec<KnownNode>,
    pub(crate) legacy: Legacy,
    pub(crate) local_node: LocalNode,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("data"),
            log: Log::default(),
            brain: Brain::default(),
            jobs: Jobs::default(),
            adapter: Adapter::default(),
            telegram: Telegram::default(),
            onebot: OneBot::default(),
            qq: Qq::default(),
            wecom: Wecom::default(),
            wecom_app: WeComApp::default(),
            wecom_robot: WeComRobot::default(),
            wechat_official: WeChatOfficial::default(),
            wechat: WeChat::default(),
            wechaty: Wechaty::default(),
            files: Files::default(),
            nodes: Nodes::default(),
            watch: Watch::default(),
            translate: Translate::default(),
            node: Vec::new(),
            legacy: Legacy::default(),
            local_node: LocalNode::default(),
        }
    }
}

/// Says what a section lacks that has something of what it needs.
fn incomplete(section: &str, needed: &[(&str, bool)]) -> Option<String> {
    let missing: Vec<String> = needed
        .iter()
        .filter(|(_, is_there)| !is_there)
        .map(|(key, _)| format!("`{section}.{key}`"))
        .collect();
    let is_used = missing.len() < needed.len();
    (is_used && !missing.is_empty()).then(|| {
        let missing = missing.join(", ");
        format!("[{section}] is not complete: {missing} is missing; `jarvis check --example` says what each is")
    })
}

impl Config {
    /// The values that must never be seen: every token, and the database's password.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let tokens = [
            &self.brain.database,
            &self.adapter.token,
            &self.telegram.token,
            &self.telegram.webhook.secret,
            &self.onebot.token,
            &self.onebot.secret,
            &self.qq.secret,
            &self.wecom.secret,
            &self.wecom.callback.token,
            &self.wecom.callback.aes_key,
            &self.wecom_app.secret,
            &self.wecom_app.token,
            &self.wecom_app.aes_key,
            &self.wecom_robot.key,
            &self.wechat_official.secret,
            &self.wechat_official.token,
            &self.wechat_official.aes_key,
            &self.wechaty.token,
        ];
        let adapters = self.brain.adapters.iter().map(|adapter| &adapter.token);
        let engines = self.translate.engines.values().map(|engine| &engine.key);
        let mut values: Vec<String> = tokens
            .into_iter()
            .chain(adapters)
            .chain(engines)
            .flatten()
            .map(|secret| secret.reveal().to_owned())
            .collect();
        // The address of the database is no secret where it has no password.
        values.retain(|value| !value.starts_with("sqlite:"));
        let password = self
            .brain
            .database
            .as_ref()
            .and_then(|database| url::Url::parse(database.reveal()).ok())
            .and_then(|url| url.password().map(str::to_owned));
        values.extend(password);
        values
    }
}

/// `[log]`: what is written to standard error.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Log {
    /// `None`: "warn" while a person chats on this terminal, else "info".
    pub(crate) level: Option<Level>,
    pub(crate) format: LogFormat,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// One readable line.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// `[brain]`: the service that decides.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Brain {
    /// `sqlite:PATH` or `postgres://…`; `None`: `jarvis.db` in the data folder. Holds a password.
    pub(crate) database: Option<Secret>,
    #[serde(deserialize_with = "parse::optional_path")]
    pub(crate) database_file: Option<PathBuf>,
    /// Unix socket for programs on this machine; `None`: `jarvis.sock` in the data folder.
    #[serde(deserialize_with = "parse::optional_path")]
    pub(crate) socket: Option<PathBuf>,
    /// TCP address for adapters on other machines.
    pub(crate) listen: Listen,
    #[serde(deserialize_with = "parse::optional_path")]
    pub(crate) tls_certificate: Option<PathBuf>,
    #[serde(deserialize_with = "parse::optional_path")]
    pub(crate) tls_key: Option<PathBuf>,
    /// A command older than this is answered with "too old, send again".
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) too_old: Duration,
    /// Messages that one account may send in a minute; the owner's terminal has no limit.
    pub(crate) messages_per_minute: u32,
    /// Largest file taken from a chat, bytes.
    pub(crate) attachment_limit: u64,
    /// Adapters that may connect from outside this machine's socket.
    pub(crate) adapters: Vec<AdapterToken>,
}

impl Default for Brain {
    fn default() -> Self {
        Self {
            database: None,
            database_file: None,
            socket: None,
            listen: Listen::OFF,
            tls_certificate: None,
            tls_key: None,
            too_old: Duration::from_secs(600),
            messages_per_minute: 120,
            attachment_limit: 4 << 30,
            adapters: Vec::new(),
        }
    }
}

/// `[jobs]`: limits of jobs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Jobs {
    /// Ended jobs and lines of the audit log are forgotten after this; zero keeps them for ever.
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) keep: Duration,
    /// Jobs that one person may have open.
    pub(crate) most_open: usize,
    /// Jobs of one person that may wait for one node.
    pub(crate) most_waiting: usize,
}

impl Default for Jobs {
    fn default() -> Self {
        let limits = jarvis_brain::JobLimits::default();
        Self {
            keep: limits.keep,
            most_open: limits.most_open,
            most_waiting: limits.most_waiting,
        }
    }
}

/// `[[brain.adapters]]`: one adapter that the brain lets in.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdapterToken {
    /// "telegram", "console", or the kind that a foreign adapter says in its hello.
    pub(crate) kind: String,
    /// The bot's id on its platform; empty: any bot of this kind.
    #[serde(default)]
    pub(crate) bot: String,
    #[serde(default)]
    pub(crate) token: Option<Secret>,
    #[serde(default, deserialize_with = "parse::optional_path")]
    pub(crate) token_file: Option<PathBuf>,
}

/// `[adapter]`: how `jarvis adapter` and `jarvis chat` reach their brain.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Adapter {
    /// `unix:PATH`, `http://HOST:PORT` (loopback only) or `https://HOST:PORT`; `None`: the socket in
    /// the data folder.
    pub(crate) brain: Option<String>,
    pub(crate) token: Option<Secret>,
    #[serde(deserialize_with = "parse::optional_path")]
    pub(crate) token_file: Option<PathBuf>,
    /// PEM file with the certificates that may vouch for the brain's.
    #[serde(deserialize_with = "parse::optional_path")]
    pub(crate) ca_file: Option<PathBuf>,
}

/// `[files]`: the store of files that came from chats and nodes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Files {
    /// Bytes that it may hold.
    #[serde(deserialize_with = "parse::bytes")]
    pub(crate) quota: u64,
    /// How long a file is kept.
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) keep: Duration,
}

impl Default for Files {
    fn default() -> Self {
        Self {
            quota: 10 << 30,
            keep: Duration::from_secs(30 * 86_400),
        }
    }
}

/// `[nodes]`: the brain's side of the node network.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Nodes {
    /// TCP address that nodes dial.
    pub(crate) listen: Listen,
    /// `HOST:PORT` under which servers reach that address; `None`: as it is.
    pub(crate) public: Option<String>,
    /// `jarvis-node` programs that servers may download, by architecture, beside the one for this
    /// machine's.
    pub(crate) programs: BTreeMap<String, PathBuf>,
    /// How long an old key stays good when the root or a node gets a new one.
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) key_overlap: Duration,
    /// Nodes send a heartbeat this often.
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) heartbeat: Duration,
}

impl Default for Nodes {
    fn default() -> Self {
        Self {
            listen: Listen::OFF,
            public: None,
            programs: BTreeMap::new(),
            key_overlap: Duration::from_secs(24 * 3600),
            heartbeat: Duration::from_secs(10),
        }
    }
}

/// `[watch]`: when a node's coming and going is told to subscribers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Watch {
    /// A node that is away for less is not reported.
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) away_after: Duration,
    /// So many changes …
    pub(crate) flapping_changes: u32,
    /// … within this time are flapping.
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) flapping_within: Duration,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            away_after: Duration::from_secs(30),
            flapping_changes: 6,
            flapping_within: Duration::from_secs(300),
        }
    }
}

/// `[[node]]`: one node that the brain knows from the start.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KnownNode {
    pub(crate) name: String,
    /// The address that `jarvis-node init` printed.
    pub(crate) address: String,
    #[serde(default)]
    pub(crate) tags: OneOrMany,
    /// `HOST:PORT` that the brain dials; `None`: the node dials.
    #[serde(default)]
    pub(crate) dial: Option<String>,
    /// `HOST:PORT` of a jarviscore 0.7 node, in place of `dial`.
    #[serde(default)]
    pub(crate) legacy: Option<String>,
}

/// `[legacy]`: a network of jarviscore 0.7 nodes (`jarvissh`).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Legacy {
    /// TCP address that legacy nodes dial; "off": no part in such a network.
    pub(crate) listen: Listen,
    /// `HOST:PORT` that they are told to dial; `None`: the address listened on.
    pub(crate) address: Option<String>,
    /// What the brain is called there.
    pub(crate) name: String,
    /// Key towards legacy nodes; `None`: the root's own.
    #[serde(deserialize_with = "parse::optional_path")]
    pub(crate) key_file: Option<PathBuf>,
}

impl Default for Legacy {
    fn default() -> Self {
        Self {
            listen: Listen::OFF,
            address: None,
            name: "jarvis".to_owned(),
            key_file: None,
        }
    }
}

/// `[local_node]`: the node inside `jarvis up`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LocalNode {
    pub(crate) enabled: bool,
    pub(crate) name: String,
    pub(crate) tags: OneOrMany,
    /// Folders whose files chat may read and write.
    pub(crate) allow: Vec<PathBuf>,
}

impl Default for LocalNode {
    fn default() -> Self {
        Self {
            enabled: true,
            name: "local".to_owned(),
            tags: OneOrMany::default(),
            allow: vec![PathBuf::from("/")],
        }
    }
}
