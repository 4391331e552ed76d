//! One installation of Jarvis: a folder with a configuration and data, and what runs from it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep};

use crate::console::Console;
use crate::ilink::FakeWeChat;
use crate::network::End;
use crate::process::{Heard, PATIENCE, Process, free_port};
use crate::qq::onebot::OneBot;
use crate::qq_official::FakeQq;
use crate::telegram::FakeTelegram;
use crate::wechat_official::FakeOfficial;
use crate::wecom_app::FakeWeCom;
use crate::wecom_bot::FakeWecom;

/// A folder in which `jarvis` programs run. Everything in it goes when it is dropped.
#[derive(Debug)]
pub struct Jarvis {
    folder: TempDir,
    nodes: SocketAddr,
    /// Where its programs run, when not in our own network.
    end: Option<End>,
    /// What the configuration says so far, by section.
    sections: Mutex<BTreeMap<String, String>>,
    /// The streams of every process that was started here, for the search for secrets.
    heard: Mutex<Vec<Heard>>,
}

/// A run of `jarvis` that has ended.
#[derive(Debug)]
pub struct Run {
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output: the final messages.
    pub out: String,
    /// Standard error: the log.
    pub err: String,
}

impl Run {
    /// How many times `text` stands in the messages.
    pub fn count(&self, text: &str) -> usize {
        self.out.matches(text).count()
    }

    /// The messages, when the run was good.
    ///
    /// # Panics
    /// When it ended with another code than 0.
    pub fn good(self) -> String {
        assert!(
            self.status.success(),
            "{}\nmessages:\n{}\nlog:\n{}",
            self.status,
            self.out,
            self.err
        );
        self.out
    }
}

impl Jarvis {
    /// A new, empty installation whose brain takes nodes on a port of its own.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn new() -> Result<Self> {
        let folder = TempDir::with_prefix("jarvis-story.")?;
        let nodes = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let jarvis = Self {
            folder,
            nodes,
            end: None,
            sections: Mutex::default(),
            heard: Mutex::default(),
        };
        // Stories ask more often than people do.
        jarvis.configure("brain", "messages_per_minute = 6000\n")?;
        jarvis.configure(
            "nodes",
            &format!("listen = \"{nodes}\"\nheartbeat = \"1s\"\n"),
        )?;
        Ok(jarvis)
    }

    /// Adds keys to a section of the configuration.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn configure(&self, section: &str, keys: &str) -> Result<()> {
        let mut sections = self.sections.lock().expect("no holder panics");
        let text = sections.entry(section.to_owned()).or_default();
        writeln!(text, "{keys}")?;
        let whole = sections
            .iter()
            .fold(String::new(), |mut whole, (section, keys)| {
                let _ = writeln!(whole, "[{section}]\n{keys}");
                whole
            });
        std::fs::write(self.config(), whole)?;
        Ok(())
    }

    /// Lets nodes send heartbeats as often as this, such as `300ms`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_heartbeat(&self, every: &str) -> Result<()> {
        self.listen_for_nodes(self.nodes, every)
    }

    fn listen_for_nodes(&self, nodes: SocketAddr, heartbeat: &str) -> Result<()> {
        let keys = format!("listen = \"{nodes}\"\nheartbeat = \"{heartbeat}\"\n");
        self.set("nodes", keys)
    }

    /// Makes this all of a section of the configuration.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set(&self, section: &str, keys: String) -> Result<()> {
        let mut sections = self.sections.lock().expect("no holder panics");
        sections.insert(section.to_owned(), keys);
        drop(sections);
        self.configure(section, "")
    }

    /// Puts the programs of this installation at one end of a network of their own.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn move_to(&mut self, end: End) -> Result<()> {
        self.nodes.set_ip(end.address());
        self.end = Some(end);
        self.listen_for_nodes(self.nodes, "1s")
    }

    /// Tells the configuration where the Telegram bot lives.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn configure_telegram(&self, telegram: &FakeTelegram) -> Result<()> {
        self.configure_telegram_at(&telegram.url(), &telegram.token())
    }

    /// The same with any address, for a proxy before it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn configure_telegram_at(&self, url: &str, token: &str) -> Result<()> {
        let keys = format!("token = \"{token}\"\napi_url = \"{url}\"\npoll_timeout = \"2s\"\n");
        self.configure("telegram", &keys)
    }

    /// Tells the configuration where the Telegram bot lives, and that it is to use a webhook.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn configure_telegram_by_webhook(&self, telegram: &FakeTelegram, port: u16) -> Result<()> {
        let (url, token) = (telegram.url(), telegram.token());
        let keys = format!("token = \"{token}\"\napi_url = \"{url}\"\nmode = \"webhook\"\n");
        self.configure("telegram", &keys)?;
        let here = format!("127.0.0.1:{port}");
        let keys = format!("listen = \"{here}\"\nurl = \"http://{here}/telegram\"\n");
        self.configure("telegram.webhook", &keys)
    }

    /// Tells the configuration where the program with the QQ login is; Jarvis connects to it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn configure_qq(&self, onebot: &OneBot) -> Result<()> {
        let url = onebot.url();
        let keys = format!("transport = \"websocket\"\nurl = \"{url}\"\n");
        self.configure_qq_with(onebot.token().as_deref(), &keys)
    }

    /// The same with other keys.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn configure_qq_with(&self, token: Option<&str>, keys: &str) -> Result<()> {
        let token = token.map_or_else(String::new, |token| format!("token = \"{token}\"\n"));
        // The stories read English.
        self.configure("onebot", &format!("language = \"en\"\n{token}{keys}"))
    }

    /// Tells the configuration of the official bot of QQ.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn configure_qq_official(&self, qq: &FakeQq) -> Result<()> {
        let (app_id, secret) = qq.credentials();
        let (url, token_url) = (qq.url(), qq.token_url());
        // The stories read English.
        let keys = format!(
            "app_id = \"{app_id}\"\nsecret = \"{secret}\"\napi_url = \"{url}\"\n\
             token_url = \"{token_url}\"\nportal_url = \"{url}\"\nlanguage = \"en\"\n"
        );
        self.configure("qq", &keys)
    }

    /// Tells the configuration of the robot of WeCom. It waits less long for answers than outside.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn configure_wecom(&self, wecom: &FakeWecom) -> Result<()> {
        let (bot_id, secret) = wecom.credentials();
        let url = wecom.url();
        // The stories read English.
        let keys = format!(
            "bot_id = \"{bot_id}\"\nsecret = \"{secret}\"\nurl = \"{url}\"\nlanguage = \"en\"\n"
        );
        self.configure("wecom", &keys)?;
        self.configure("wecom.limits", "ack = \"2s\"\n")
    }

    /// Tells the configuration of the app of WeCom, and where it listens; where WeCom finds it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn configure_wecom_app(&self, wecom: &FakeWeCom) -> Result<String> {
        let here = format!("127.0.0.1:{}", free_port()?);
        let (settings, api) = (wecom.settings(), wecom.url());
        // The stories read English.
        let keys = format!(
            "corp_id = \"{}\"\nagent_id = {}\nsecret = \"{}\"\ntoken = \"{}\"\naes_key = \"{}\"\n\
             api_url = \"{api}\"\nlisten = \"{here}\"\nurl = \"http://{here}/wecom\"\n\
             language = \"en\"\n",
            settings.corp_id, settings.agent_id, settings.secret, settings.token, settings.aes_key,
        );
        self.configure("wecom_app", &keys)?;
        Ok(format!("http://{here}/wecom"))
    }

    /// Tells the configuration of the robot of a group.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn configure_wecom_robot(&self, wecom: &FakeWeCom, name: &str) -> Result<()> {
        let (key, api) = (&wecom.settings().robot, wecom.url());
        let keys = format!("key = \"{key}\"\nname = \"{name}\"\napi_url = \"{api}\"\n");
        self.configure("wecom_robot", &keys)
    }

    /// Tells the configuration of the Official Account, and where it listens; where WeChat finds it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn configure_official(&self, wechat: &FakeOfficial) -> Result<String> {
        let here = format!("127.0.0.1:{}", free_port()?);
        let (settings, api) = (wechat.settings(), wechat.url());
        // The stories read English.
        let keys = format!(
            "app_id = \"{}\"\nsecret = \"{}\"\ntoken = \"{}\"\naes_key = \"{}\"\nmode = \"{}\"\n\
             api_url = \"{api}\"\nlisten = \"{here}\"\nurl = \"http://{here}/wechat\"\n\
             language = \"en\"\n",
            settings.app_id,
            settings.secret,
            settings.token,
            settings.aes_key,
            settings.mode.name(),
        );
        self.configure("wechat_official", &keys)?;
        Ok(format!("http://{here}/wechat"))
    }

    /// Tells the configuration where personal WeChat is. The figures that a story waits for are small.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn configure_wechat(&self, wechat: &FakeWeChat, limits: &str) -> Result<()> {
        let (url, cdn_url) = (wechat.url(), wechat.cdn_url());
        // The stories read English.
        let keys = format!(
            "enabled = true\napi_url = \"{url}\"\ncdn_url = \"{cdn_url}\"\nlanguage = \"en\"\n\
             [wechat.limits]\npoll = \"10s\"\n{limits}"
        );
        self.configure("wechat", &keys)
    }

    /// Tells the configuration of a gateway with a WeChat account, with these lines in the section and
    /// these limits.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn configure_wechaty(
        &self,
        endpoint: &str,
        token: &str,
        keys: &str,
        limits: &str,
    ) -> Result<()> {
        // The stories read English.
        let section =
            format!("endpoint = \"{endpoint}\"\ntoken = \"{token}\"\nlanguage = \"en\"\n{keys}");
        self.configure("wechaty", &section)?;
        self.configure("wechaty.limits", limits)
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("jarvis.toml")
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A place for files of the story.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where nodes dial the brain.
    pub fn nodes(&self) -> SocketAddr {
        self.nodes
    }

    /// Starts `jarvis` with this installation's folder and `arguments`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&self, arguments: &[&str]) -> Result<Process> {
        let mut command = match &self.end {
            Some(end) => end.command("jarvis", arguments)?,
            None => Process::command("jarvis", arguments)?,
        };
        command
            .current_dir(self.folder.path())
            .arg("--config")
            .arg(self.config())
            .arg("--data")
            .arg(self.data());
        let process = Process::start(&format!("jarvis {}", arguments.join(" ")), &mut command)?;
        let mut heard = self.heard.lock().expect("no holder panics");
        heard.extend([process.out().clone(), process.err().clone()]);
        Ok(process)
    }

    /// Runs `jarvis` to its end with `input` on standard input.
    ///
    /// # Errors
    /// When it does not end within `limit`.
    pub async fn run(&self, arguments: &[&str], input: &str, limit: Duration) -> Result<Run> {
        let mut process = self.start(arguments)?;
        for line in input.lines() {
            if process.write_line(line).await.is_err() {
                break;
            }
        }
        process.close_input();
        let status = process.ends(limit).await?;
        Ok(Run {
            status,
            out: process.out().text(),
            err: process.err().text(),
        })
    }

    /// `jarvis up` with `input` in a pipe.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn pipe(&self, input: &str) -> Result<Run> {
        self.run(&["up"], input, PATIENCE).await
    }

    /// Starts the brain and waits until it takes connections.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn brain(&self) -> Result<Process> {
        let brain = self.start(&["brain"])?;
        let socket = self.data().join("jarvis.sock");
        let until = Instant::now() + PATIENCE;
        while UnixStream::connect(&socket).await.is_err() {
            if Instant::now() > until {
                bail!(
                    "the brain takes no connections; it said:\n{}",
                    brain.everything()
                );
            }
            // There is no event for "a socket appears" that is worth its code.
            sleep(Duration::from_millis(20)).await;
        }
        Ok(brain)
    }

    /// Starts the Telegram adapter against this installation's brain.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn telegram(&self) -> Result<Process> {
        self.start(&["adapter", "telegram"])
    }

    /// Opens a console against the running brain, as the owner at the server.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn chat(&self) -> Result<Console> {
        Ok(Console::new(self.start(&["chat", "--parallel"])?))
    }

    /// Opens a console in a process with everything: `jarvis up`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn up(&self) -> Result<Console> {
        Ok(Console::new(self.start(&["up", "--parallel"])?))
    }

    /// The address that nodes have to trust.
    ///
    /// # Errors
    /// When `jarvis keys` does not show it.
    pub async fn root(&self) -> Result<String> {
        let run = self.run(&["keys"], "", PATIENCE).await?;
        let mut words = run.out.split_whitespace();
        let address = words.find(|word| word.starts_with('1') && (26..=35).contains(&word.len()));
        address
            .map(ToOwned::to_owned)
            .with_context(|| format!("`jarvis keys` shows no address:\n{}{}", run.out, run.err))
    }

    /// Everything that any process said here, and every crash report.
    ///
    /// # Errors
    /// When a report cannot be read.
    pub fn everything_said(&self) -> Result<String> {
        let heard = self.heard.lock().expect("no holder panics");
        let mut text: String = heard.iter().map(Heard::text).collect();
        let crashes = self.data().join("crash");
        if crashes.is_dir() {
            for report in std::fs::read_dir(crashes)? {
                text.push_str(&std::fs::read_to_string(report?.path())?);
            }
        }
        Ok(text)
    }
}
