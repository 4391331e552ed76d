//! Telegram, polled, with Telegram's own flood control.

use std::collections::HashMap;

use anyhow::Result;
use async_trait::async_trait;
use bytes::Bytes;
use jarvis_tests::process::Process;
use jarvis_tests::site::{Site, TelegramSite};
use jarvis_tests::telegram::{Fault, Person, Room};

use super::platform::{Platform, Spot};

/// A bot of the fake Telegram.
pub(super) struct OnTelegram {
    site: TelegramSite,
    people: HashMap<String, Person>,
    groups: Vec<Room>,
}

impl OnTelegram {
    fn room(&self, name: &str, spot: Spot) -> Room {
        match spot {
            Spot::Private => self.people[name].room().clone(),
            Spot::Group(number) => self.groups[number].clone(),
        }
    }
}

#[async_trait]
impl Platform for OnTelegram {
    async fn start() -> Result<Self> {
        Ok(Self {
            site: TelegramSite::with_nodes(&["web-1"]).await?,
            people: HashMap::new(),
            groups: Vec::new(),
        })
    }

    fn site(&mut self) -> &mut Site {
        &mut self.site.site
    }

    async fn person(&mut self, name: &str) {
        let person = self.site.telegram.person(name);
        self.people.insert(name.to_owned(), person);
    }

    async fn group(&mut self, title: &str) -> usize {
        self.groups.push(self.site.telegram.group(title));
        self.groups.len() - 1
    }

    async fn says(&mut self, name: &str, spot: Spot, text: &str) {
        let room = self.room(name, spot);
        let text = match spot {
            Spot::Private => text.to_owned(),
            Spot::Group(_) => format!("@{} {text}", self.site.telegram.bot_name()),
        };
        self.people[name].says_in(&room, &text);
    }

    async fn mutters(&mut self, name: &str, spot: Spot, text: &str) {
        let room = self.room(name, spot);
        self.people[name].says_in(&room, text);
    }

    async fn sees(&mut self, name: &str, spot: Spot, text: &str) -> String {
        let room = self.room(name, spot);
        self.people[name].sees_in(&room, text).await.text
    }

    async fn everything(&mut self, name: &str, spot: Spot) -> String {
        let room = self.room(name, spot);
        let mut said = room.bot_messages().join("\n");
        if let Some(text) = room.file("message.txt") {
            said.push_str(&String::from_utf8_lossy(&text));
        }
        said
    }

    async fn sent(&mut self, name: &str, spot: Spot) -> usize {
        self.room(name, spot).sent()
    }

    async fn chooses(&mut self, name: &str, spot: Spot, label: &str) {
        let room = self.room(name, spot);
        self.people[name].presses_in(&room, label).answered().await;
    }

    async fn sends_file(&mut self, name: &str, file: &str, bytes: Bytes, caption: &str) {
        self.people[name].sends_file(file, bytes, caption);
    }

    async fn gets_file(&mut self, name: &str, file: &str) -> Bytes {
        self.people[name].gets_file(file).await
    }

    async fn cuts_line(&mut self) {
        let polls = self.site.telegram.polls();
        self.site.telegram.fail("getUpdates", 1, &Fault::CutBefore);
        // The one that waits, the one that is cut, and one that is not.
        self.site.telegram.is_polled(polls + 1).await;
    }

    async fn repeats_last_event(&mut self) {
        self.site.telegram.replay_last_update();
    }

    async fn uses_up_quota(&mut self) {
        self.site
            .telegram
            .fail("editMessageText", 1, &Fault::TooMany(2));
        self.site
            .telegram
            .fail("sendMessage", 1, &Fault::TooMany(2));
    }

    async fn set_down(&mut self, is_down: bool) {
        if is_down {
            self.site.telegram.fail("*", 100_000, &Fault::Status(502));
        } else {
            self.site.telegram.heal();
        }
    }

    fn adapter(&mut self) -> &mut Option<Process> {
        &mut self.site.adapter
    }

    async fn start_adapter(&mut self) -> Result<()> {
        self.site.start_adapter().await
    }

    async fn finish(&mut self) {
        let unknown = self.site.telegram.unknown_methods();
        assert!(unknown.is_empty(), "{unknown:?}");
        assert_eq!(self.site.telegram.impatient_calls(), 0);
    }
}
