//! A whole site: a brain, its nodes behind a line that can be cut, and the owner at the server.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::time::{Instant, sleep};

use crate::console::Console;
use crate::jarvis::Jarvis;
use crate::node::Node;
use crate::process::{PATIENCE, Process};
use crate::proxy::Proxy;
use crate::telegram::{FakeTelegram, Person};

/// A running site. Everything in it ends when it is dropped.
#[derive(Debug)]
pub struct Site {
    /// The brain; `None` while it is down.
    pub brain: Option<Process>,
    /// The owner at the server.
    pub owner: Console,
    /// The nodes, in the order of their names.
    pub nodes: Vec<Node>,
    /// The line between nodes and brain.
    pub line: Proxy,
    /// The installation behind it.
    pub jarvis: Jarvis,
}

impl Site {
    /// Starts a brain and nodes with these names, enrolled with the tag `web`, and waits until all
    /// are there.
    ///
    /// # Errors
    /// When something does not start.
    pub async fn with_nodes(names: &[&str]) -> Result<Self> {
        Self::start(Jarvis::new()?, names).await
    }

    /// The same on an installation that is already configured.
    ///
    /// # Errors
    /// When something does not start.
    pub async fn start(jarvis: Jarvis, names: &[&str]) -> Result<Self> {
        let brain = jarvis.brain().await?;
        let root = jarvis.root().await?;
        let line = Proxy::to(jarvis.nodes()).await?;
        let mut owner = jarvis.chat()?;
        let mut nodes = Vec::new();
        for name in names {
            let mut node = Node::new(name, &root, line.address()).await?;
            let enroll = format!("enroll {name} {} --tag web", node.address());
            owner.says(&enroll).await;
            owner.sees(&format!("I know {name} now")).await;
            node.start()?;
            nodes.push(node);
        }
        let mut site = Self {
            brain: Some(brain),
            owner,
            nodes,
            line,
            jarvis,
        };
        for name in names {
            site.is_online(name).await;
        }
        Ok(site)
    }

    /// Waits until the brain says that the node is there.
    pub async fn is_online(&mut self, name: &str) {
        self.node_becomes(name, "online since").await;
    }

    /// Waits until the brain has noticed that the node is away.
    pub async fn is_offline(&mut self, name: &str) {
        self.node_becomes(name, "offline since").await;
    }

    async fn node_becomes(&mut self, name: &str, state: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            self.owner.says(&format!("node {name}")).await;
            let answer = self.owner.sees(&format!("{name} · ")).await;
            if answer.contains(state) {
                return;
            }
            assert!(Instant::now() < until, "still: {answer}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// `kill -9` for the brain.
    ///
    /// # Errors
    /// When it is down already.
    pub async fn kill_brain(&mut self) -> Result<()> {
        let mut brain = self.brain.take().context("the brain is down already")?;
        brain.kill().await
    }

    /// Starts the brain again.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start_brain(&mut self) -> Result<()> {
        self.brain = Some(self.jarvis.brain().await?);
        Ok(())
    }

    /// The node of this name.
    ///
    /// # Panics
    /// When there is none.
    pub fn node(&mut self, place: usize) -> &mut Node {
        &mut self.nodes[place]
    }

    /// Everything that any process of the site has said.
    ///
    /// # Errors
    /// When a crash report cannot be read.
    pub fn everything_said(&self) -> Result<String> {
        let mut text = self.jarvis.everything_said()?;
        for node in &self.nodes {
            text.push_str(&node.everything_said());
        }
        Ok(text)
    }
}

/// A site with a Telegram bot.
#[derive(Debug)]
pub struct TelegramSite {
    /// The bot's process; `None` while it is down.
    pub adapter: Option<Process>,
    /// The site.
    pub site: Site,
    /// Telegram.
    pub telegram: FakeTelegram,
}

impl TelegramSite {
    /// Starts a site with a Telegram bot of its own.
    ///
    /// # Errors
    /// When something does not start.
    pub async fn with_nodes(names: &[&str]) -> Result<Self> {
        Self::on(FakeTelegram::start().await?, names).await
    }

    /// The same on a Telegram with settings of its own.
    ///
    /// # Errors
    /// When something does not start.
    pub async fn on(telegram: FakeTelegram, names: &[&str]) -> Result<Self> {
        let jarvis = Jarvis::new()?;
        jarvis.configure_telegram(&telegram)?;
        let site = Site::start(jarvis, names).await?;
        let mut whole = Self {
            adapter: None,
            site,
            telegram,
        };
        whole.start_adapter().await?;
        Ok(whole)
    }

    /// Starts the Telegram adapter and waits until it polls.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn start_adapter(&mut self) -> Result<()> {
        let polls = self.telegram.polls();
        self.adapter = Some(self.site.jarvis.telegram()?);
        self.telegram.is_polled(polls).await;
        Ok(())
    }

    /// `kill -9` for the adapter.
    ///
    /// # Errors
    /// When it is down already.
    pub async fn kill_adapter(&mut self) -> Result<()> {
        let mut adapter = self.adapter.take().context("the adapter is down already")?;
        adapter.kill().await
    }

    /// A new person whom the owner has given a role.
    pub async fn person_with_role(&mut self, name: &str, role: &str) -> Person {
        let person = self.telegram.person(name);
        self.give_role(&person, name, role).await;
        person
    }

    /// The same with a phone in `language`.
    pub async fn person_speaking(&mut self, name: &str, language: &str, role: &str) -> Person {
        let person = self.telegram.person_speaking(name, language);
        self.give_role(&person, name, role).await;
        person
    }

    async fn give_role(&mut self, person: &Person, name: &str, role: &str) {
        person.says("/start");
        let room = person.room();
        person.sees_where(room, "a greeting", |_| true).await;
        self.site.owner.says(&format!("role {name} {role}")).await;
        let done = format!("{name} is now {role}");
        self.site.owner.sees(&done).await;
    }
}
