//! Personal WeChat: everybody has a line of their own, opened from the owner's terminal.

use std::collections::HashMap;

use anyhow::Result;
use async_trait::async_trait;
use bytes::Bytes;
use jarvis_tests::ilink::{Entry, FakeWeChat, Fault, Person, Rules, Settings};
use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::Process;
use jarvis_tests::site::Site;
use tokio::time::Duration;

use super::platform::{Platform, Spot};

/// Lines of the fake platform.
pub(super) struct OnWeChat {
    site: Site,
    wechat: FakeWeChat,
    adapter: Option<Process>,
    people: HashMap<String, Person>,
}

impl OnWeChat {
    fn log(&self, name: &str) -> Vec<Entry> {
        let log = self.people[name].log();
        log.into_iter().filter(|entry| entry.is_bot).collect()
    }
}

#[async_trait]
impl Platform for OnWeChat {
    async fn start() -> Result<Self> {
        // The figures of the platform have stories of their own.
        let usual = Settings::default();
        let settings = Settings {
            rules: Rules {
                replies: 100,
                burst: (100, Duration::from_secs(1)),
                ..usual.rules
            },
            ..usual
        };
        let wechat = FakeWeChat::start_with(settings).await?;
        let jarvis = Jarvis::new()?;
        let limits = "replies = 100\ngap = \"10ms\"\npause = \"1s\"\n";
        jarvis.configure_wechat(&wechat, limits)?;
        let mut whole = Self {
            site: Site::start(jarvis, &["web-1"]).await?,
            wechat,
            adapter: None,
            people: HashMap::new(),
        };
        whole.start_adapter().await?;
        Ok(whole)
    }

    fn site(&mut self) -> &mut Site {
        &mut self.site
    }

    async fn person(&mut self, name: &str) {
        let person = self.wechat.person(name);
        let owner = &mut self.site.owner;
        owner.says("signin wechat").await;
        owner.sees("Scan this with wechat").await;
        person.signs_in().await;
        owner.sees("Connected").await;
        self.people.insert(name.to_owned(), person);
    }

    /// The platform tells no names: the owner knows people by their ids.
    async fn person_with_role(&mut self, name: &str, role: &str) {
        self.person(name).await;
        let person = self.people[name].clone();
        person.says("/start");
        person.sees("I don't know you yet").await;
        let id = person.id();
        let owner = &mut self.site.owner;
        owner.says(&format!("role {id} {role}")).await;
        owner.sees(&format!("{id} is now {role}")).await;
    }

    async fn group(&mut self, _title: &str) -> usize {
        unreachable!("there are no groups")
    }

    async fn says(&mut self, name: &str, _spot: Spot, text: &str) {
        self.people[name].says(text);
    }

    async fn mutters(&mut self, _name: &str, _spot: Spot, _text: &str) {
        unreachable!("there are no groups")
    }

    async fn sees(&mut self, name: &str, _spot: Spot, text: &str) -> String {
        self.people[name].sees(text).await.text
    }

    async fn everything(&mut self, name: &str, _spot: Spot) -> String {
        let mut said = String::new();
        for entry in self.log(name) {
            said.push_str(&entry.text);
            if entry.file.as_deref() == Some("message.txt") {
                said.push_str(&String::from_utf8_lossy(&entry.bytes));
            }
            said.push('\n');
        }
        said
    }

    async fn sent(&mut self, name: &str, _spot: Spot) -> usize {
        self.log(name).len()
    }

    async fn sends_file(&mut self, name: &str, file: &str, bytes: Bytes, caption: &str) {
        self.people[name].sends_file_and_says(file, bytes, caption);
    }

    async fn gets_file(&mut self, name: &str, file: &str) -> Bytes {
        self.people[name].gets_file(file).await
    }

    async fn cuts_line(&mut self) {
        let before: Vec<(Person, usize)> = self
            .people
            .values()
            .map(|person| (person.clone(), person.polls()))
            .collect();
        self.wechat.cut_lines();
        for (person, polls) in before {
            person.is_listened_to(polls).await;
        }
    }

    async fn repeats_last_event(&mut self) {
        for person in self.people.values() {
            person.repeats_last();
        }
    }

    async fn set_down(&mut self, is_down: bool) {
        self.wechat.is_down(is_down);
    }

    async fn uses_up_quota(&mut self) {
        self.wechat.fail("sendmessage", 2, &Fault::Code(-2));
    }

    fn adapter(&mut self) -> &mut Option<Process> {
        &mut self.adapter
    }

    async fn start_adapter(&mut self) -> Result<()> {
        let before: Vec<(Person, usize)> = self
            .people
            .values()
            .map(|person| (person.clone(), person.polls()))
            .collect();
        let adapter = self.site.jarvis.start(&["adapter", "wechat"])?;
        adapter.logs("session with the brain").await?;
        self.adapter = Some(adapter);
        for (person, polls) in before {
            person.is_listened_to(polls).await;
        }
        Ok(())
    }

    async fn finish(&mut self) {
        let complaints = self.wechat.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}
