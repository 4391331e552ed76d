//! The official bot of QQ, over the gateway, with the platform's own windows and quotas.

use std::collections::HashMap;

use anyhow::Result;
use async_trait::async_trait;
use bytes::Bytes;
use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::Process;
use jarvis_tests::qq_official::{Entry, FakeQq, Fault, Group, Person, Settings};
use jarvis_tests::site::Site;

use super::platform::{Platform, Spot};

/// A bot of the fake platform.
pub(super) struct OnQqOfficial {
    site: Site,
    qq: FakeQq,
    adapter: Option<Process>,
    people: HashMap<String, Person>,
    groups: Vec<Group>,
}

impl OnQqOfficial {
    fn log(&self, name: &str, spot: Spot) -> Vec<Entry> {
        let log = match spot {
            Spot::Private => self.people[name].log(),
            Spot::Group(number) => self.groups[number].log(),
        };
        log.into_iter()
            .filter(|entry| entry.from.is_empty())
            .collect()
    }

    fn connections(&self) -> usize {
        let (begun, gone_on) = self.qq.sessions();
        begun + gone_on
    }
}

#[async_trait]
impl Platform for OnQqOfficial {
    async fn start() -> Result<Self> {
        let settings = Settings {
            one_openid: true,
            ..Settings::default()
        };
        let qq = FakeQq::start_with(settings).await?;
        let jarvis = Jarvis::new()?;
        jarvis.configure_qq_official(&qq)?;
        let mut whole = Self {
            site: Site::start(jarvis, &["web-1"]).await?,
            qq,
            adapter: None,
            people: HashMap::new(),
            groups: Vec::new(),
        };
        whole.start_adapter().await?;
        Ok(whole)
    }

    fn site(&mut self) -> &mut Site {
        &mut self.site
    }

    async fn person(&mut self, name: &str) {
        self.people.insert(name.to_owned(), self.qq.person(name));
    }

    /// The platform tells no names: the owner knows people by their openids.
    async fn person_with_role(&mut self, name: &str, role: &str) {
        self.person(name).await;
        let person = self.people[name].clone();
        person.says("/start");
        person.sees("I don't know you yet").await;
        let openid = person.openid();
        let owner = &mut self.site.owner;
        owner.says(&format!("role {openid} {role}")).await;
        owner.sees(&format!("{openid} is now {role}")).await;
    }

    async fn group(&mut self, title: &str) -> usize {
        self.groups.push(self.qq.group(title));
        self.groups.len() - 1
    }

    async fn says(&mut self, name: &str, spot: Spot, text: &str) {
        let person = &self.people[name];
        match spot {
            Spot::Private => person.says(text),
            Spot::Group(number) => person.asks_in(&self.groups[number], text),
        };
    }

    async fn mutters(&mut self, name: &str, spot: Spot, text: &str) {
        let Spot::Group(number) = spot else { return };
        self.groups[number].lets_bot_hear_all();
        self.people[name].says_in(&self.groups[number], text);
    }

    async fn sees(&mut self, name: &str, spot: Spot, text: &str) -> String {
        let person = &self.people[name];
        match spot {
            Spot::Private => person.sees(text).await.text,
            Spot::Group(number) => person.sees_in(&self.groups[number], text).await.text,
        }
    }

    async fn everything(&mut self, name: &str, spot: Spot) -> String {
        let mut now: Vec<(String, String)> = Vec::new();
        for entry in self.log(name, spot) {
            let mut text = entry.text;
            if entry.file.as_deref() == Some("message.txt") {
                let bytes = self.qq.file("message.txt").unwrap_or_default();
                text.push_str(&String::from_utf8_lossy(&bytes));
            }
            match now.iter_mut().find(|(id, _)| *id == entry.id) {
                Some((_, state)) => *state = text,
                None => now.push((entry.id, text)),
            }
        }
        now.into_iter().map(|(_, text)| text + "\n").collect()
    }

    async fn sent(&mut self, name: &str, spot: Spot) -> usize {
        let log = self.log(name, spot);
        log.iter().filter(|entry| !entry.is_change).count()
    }

    async fn chooses(&mut self, name: &str, spot: Spot, label: &str) {
        let person = &self.people[name];
        let press = match spot {
            Spot::Private => person.presses(label),
            Spot::Group(number) => person.presses_in(&self.groups[number], label),
        };
        person.press_is_acknowledged(&press).await;
    }

    async fn sends_file(&mut self, name: &str, file: &str, bytes: Bytes, caption: &str) {
        self.people[name].sends_file(file, bytes, caption);
    }

    async fn gets_file(&mut self, name: &str, file: &str) -> Bytes {
        self.people[name].gets_file(file).await
    }

    async fn cuts_line(&mut self) {
        let connections = self.connections();
        self.qq.cut_line();
        self.qq.is_connected(connections).await;
    }

    async fn repeats_last_event(&mut self) {
        self.qq.replay_last_event();
    }

    async fn set_down(&mut self, is_down: bool) {
        self.qq.is_down(is_down);
    }

    async fn uses_up_quota(&mut self) {
        self.qq
            .fail("stream_messages", 1, &Fault::Code(429, 50_002));
        self.qq.fail("messages", 1, &Fault::Code(400, 40_034_100));
    }

    fn adapter(&mut self) -> &mut Option<Process> {
        &mut self.adapter
    }

    async fn start_adapter(&mut self) -> Result<()> {
        let connections = self.connections();
        self.adapter = Some(self.site.jarvis.start(&["adapter", "qq"])?);
        self.qq.is_connected(connections).await;
        Ok(())
    }

    async fn finish(&mut self) {
        // What the platform calls a mistake of the bot, whatever else was refused.
        let calls = self.qq.calls();
        let mistakes: Vec<_> = calls
            .iter()
            .filter(|call| {
                matches!(
                    call.code,
                    40_034_002 | 40_034_029 | 50_006 | 40_054_007 | 40_093_000 | 11_251
                )
            })
            .collect();
        assert!(mistakes.is_empty(), "{mistakes:#?}");
    }
}
