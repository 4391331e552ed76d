//! QQ by way of OneBot v11, over a WebSocket that we open.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use bytes::Bytes;
use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::Process;
use jarvis_tests::qq::onebot::OneBot;
use jarvis_tests::qq::{FakeQq, Fault, Person, Piece, Place};
use jarvis_tests::site::Site;

use super::platform::{Platform, Spot};

/// An account of the fake QQ.
pub(super) struct OnOneBot {
    site: Site,
    qq: FakeQq,
    onebot: OneBot,
    adapter: Option<Process>,
    people: HashMap<String, Person>,
    groups: Vec<Place>,
}

impl OnOneBot {
    fn place(&self, name: &str, spot: Spot) -> Place {
        match spot {
            Spot::Private => self.people[name].room(),
            Spot::Group(number) => self.groups[number],
        }
    }
}

#[async_trait]
impl Platform for OnOneBot {
    async fn start() -> Result<Self> {
        let qq = FakeQq::new();
        // Half of the pace that we promise to keep, for the machine may be busy.
        qq.set_pace(Some(Duration::from_millis(5)));
        let onebot = OneBot::start(&qq).await?;
        let jarvis = Jarvis::new()?;
        jarvis.configure_qq(&onebot)?;
        let mut whole = Self {
            site: Site::start(jarvis, &["web-1"]).await?,
            qq,
            onebot,
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

    async fn group(&mut self, title: &str) -> usize {
        self.groups.push(self.qq.group(title));
        self.groups.len() - 1
    }

    async fn says(&mut self, name: &str, spot: Spot, text: &str) {
        let person = &self.people[name];
        match self.place(name, spot) {
            Place::Private(_) => person.says(text),
            group @ Place::Group(_) => person.asks_in(group, text),
        };
    }

    async fn mutters(&mut self, name: &str, spot: Spot, text: &str) {
        self.people[name].says_in(self.place(name, spot), text);
    }

    async fn sees(&mut self, name: &str, spot: Spot, text: &str) -> String {
        let place = self.place(name, spot);
        self.people[name].sees_in(place, text).await.text
    }

    async fn everything(&mut self, name: &str, spot: Spot) -> String {
        self.qq.everything(self.place(name, spot))
    }

    async fn sent(&mut self, name: &str, spot: Spot) -> usize {
        self.qq.sent(self.place(name, spot))
    }

    async fn sends_file(&mut self, name: &str, file: &str, bytes: Bytes, caption: &str) {
        let person = &self.people[name];
        // QQ has no words beside a file: it is sent, then answered with them.
        let room = person.room();
        let sent = person.sends_file_in(room, file, bytes);
        person.sees(file).await;
        person.writes(room, vec![Piece::Text(caption.to_owned())], Some(sent));
    }

    async fn gets_file(&mut self, name: &str, file: &str) -> Bytes {
        self.people[name].gets_file(file).await
    }

    async fn cuts_line(&mut self) {
        let connections = self.onebot.connections();
        self.onebot.cut();
        self.onebot.is_connected(connections).await;
    }

    async fn repeats_last_event(&mut self) {
        self.qq.repeat_last_event();
    }

    async fn uses_up_quota(&mut self) {
        // QQ does not say no: it says yes and shows nothing.
        self.qq.fail("send_private_msg", 2, &Fault::Swallow);
    }

    fn adapter(&mut self) -> &mut Option<Process> {
        &mut self.adapter
    }

    async fn start_adapter(&mut self) -> Result<()> {
        let asked = self.qq.count_calls("get_version_info");
        self.adapter = Some(self.site.jarvis.start(&["adapter", "onebot"])?);
        self.qq.hears("get_version_info", asked).await;
        Ok(())
    }

    async fn finish(&mut self) {
        let complaints = self.qq.complaints();
        assert!(complaints.is_empty(), "{complaints:?}");
    }
}
