//! WeChat, through a gateway that speaks Wechaty's Puppet Service.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use bytes::Bytes;
use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::Process;
use jarvis_tests::site::Site;
use jarvis_tests::wechaty::{FakeWechaty, Fault, Person, Place};
use tonic::Code;

use super::platform::{Platform, Spot};

/// What the stories have no time for. Everything else is as it is by default.
const LIMITS: &str = "pause = \"2s\"\n";

/// An account of the fake gateway.
pub(super) struct OnWechaty {
    site: Site,
    gateway: FakeWechaty,
    adapter: Option<Process>,
    people: HashMap<String, Person>,
    rooms: Vec<Place>,
}

impl OnWechaty {
    fn place(&self, name: &str, spot: Spot) -> Place {
        match spot {
            Spot::Private => self.people[name].chat(),
            Spot::Group(number) => self.rooms[number].clone(),
        }
    }
}

#[async_trait]
impl Platform for OnWechaty {
    async fn start() -> Result<Self> {
        let gateway = FakeWechaty::start().await?;
        // Far less than the pace that we promise to keep, for the machine may be busy.
        gateway.set_pace(Some(Duration::from_millis(50)));
        let jarvis = Jarvis::new()?;
        jarvis.configure_wechaty(&gateway.endpoint(), gateway.token(), "", LIMITS)?;
        let mut whole = Self {
            site: Site::start(jarvis, &["web-1"]).await?,
            gateway,
            adapter: None,
            people: HashMap::new(),
            rooms: Vec::new(),
        };
        whole.start_adapter().await?;
        Ok(whole)
    }

    fn site(&mut self) -> &mut Site {
        &mut self.site
    }

    async fn person(&mut self, name: &str) {
        let person = self.gateway.person(name);
        self.people.insert(name.to_owned(), person);
    }

    async fn group(&mut self, title: &str) -> usize {
        self.rooms.push(self.gateway.room(title));
        self.rooms.len() - 1
    }

    async fn says(&mut self, name: &str, spot: Spot, text: &str) {
        let person = &self.people[name];
        match self.place(name, spot) {
            Place::Private(_) => person.says(text),
            room @ Place::Room(_) => person.asks_in(&room, text),
        };
    }

    async fn mutters(&mut self, name: &str, spot: Spot, text: &str) {
        self.people[name].says_in(&self.place(name, spot), text);
    }

    async fn sees(&mut self, name: &str, spot: Spot, text: &str) -> String {
        let place = self.place(name, spot);
        self.people[name].sees_in(&place, text).await.text
    }

    async fn everything(&mut self, name: &str, spot: Spot) -> String {
        self.gateway.everything(&self.place(name, spot))
    }

    async fn sent(&mut self, name: &str, spot: Spot) -> usize {
        self.gateway.sent(&self.place(name, spot))
    }

    async fn sends_file(&mut self, name: &str, file: &str, bytes: Bytes, caption: &str) {
        // WeChat has no words beside a file: it is sent, and what is to happen is said after it.
        let person = &self.people[name];
        person.sends_file_in(&person.chat(), file, bytes);
        person.sees(file).await;
        person.says(caption);
    }

    async fn gets_file(&mut self, name: &str, file: &str) -> Bytes {
        self.people[name].gets_file(file).await
    }

    async fn cuts_line(&mut self) {
        let connections = self.gateway.connections();
        self.gateway.cut();
        self.gateway.is_connected(connections).await;
    }

    async fn repeats_last_event(&mut self) {
        self.gateway.repeat_last_event();
    }

    async fn uses_up_quota(&mut self) {
        let fault = Fault::Failed(Code::Unknown, "操作过于频繁，请稍后再试".to_owned());
        self.gateway.fail("MessageSendText", 2, &fault);
    }

    async fn set_down(&mut self, is_down: bool) {
        self.gateway.set_down(is_down);
    }

    fn adapter(&mut self) -> &mut Option<Process> {
        &mut self.adapter
    }

    async fn start_adapter(&mut self) -> Result<()> {
        let connections = self.gateway.connections();
        if connections > 0 {
            // A new life does not know how lately the last one has said something.
            self.gateway.set_pace(None);
        }
        self.adapter = Some(self.site.jarvis.start(&["adapter", "wechaty"])?);
        self.gateway.is_connected(connections).await;
        Ok(())
    }

    async fn finish(&mut self) {
        let complaints = self.gateway.complaints();
        assert!(complaints.is_empty(), "{complaints:?}");
    }
}
