//! QQ by way of OneBot v11 and of Milky, each on its three ways.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use bytes::Bytes;
use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::{Process, free_port};
use jarvis_tests::qq::milky::{self, Milky};
use jarvis_tests::qq::onebot::{OneBot, Settings};
use jarvis_tests::qq::{FakeQq, Fault, Person, Piece, Place};
use jarvis_tests::site::Site;

use super::platform::{Platform, Spot};

/// We connect.
pub(super) struct Forward;
/// It connects to us, and writes messages as strings.
pub(super) struct Reverse;
/// We call it by HTTP, and it posts events.
pub(super) struct Http;

/// A program with the login.
#[async_trait]
pub(super) trait Program: Send {
    fn connections(&self) -> usize;
    async fn is_connected(&self, after: usize);
    fn cut(&self);
    fn set_down(&self, is_down: bool);
}

#[async_trait]
impl Program for OneBot {
    fn connections(&self) -> usize {
        self.connections()
    }

    async fn is_connected(&self, after: usize) {
        self.is_connected(after).await;
    }

    fn cut(&self) {
        self.cut();
    }

    fn set_down(&self, is_down: bool) {
        self.set_down(is_down);
    }
}

#[async_trait]
impl Program for Milky {
    fn connections(&self) -> usize {
        self.connections()
    }

    async fn is_connected(&self, after: usize) {
        self.is_connected(after).await;
    }

    fn cut(&self) {
        self.cut();
    }

    fn set_down(&self, is_down: bool) {
        self.set_down(is_down);
    }
}

/// How the adapter and the program with the login find each other.
#[async_trait]
pub(super) trait Way: Send + Sync + 'static {
    /// The last call before the adapter hears people.
    const LAST_CALL: &str = "get_version_info";
    /// The call that says something in private.
    const SEND: &str = "send_private_msg";
    /// Events come on a connection that stays.
    const HAS_LINE: bool = true;
    /// Starts the program and tells the configuration of it.
    async fn start(qq: &FakeQq, jarvis: &Jarvis) -> Result<Box<dyn Program>>;
}

async fn onebot(qq: &FakeQq, as_strings: bool) -> Result<OneBot> {
    let settings = Settings {
        as_strings,
        ..Settings::default()
    };
    Ok(OneBot::start_with(qq, settings).await?)
}

/// Milky over its WebSocket.
pub(super) struct ByMilky;
/// Over server-sent events, from an end that holds its first words back and cuts its events anywhere.
pub(super) struct ByMilkySse;
/// It posts events.
pub(super) struct ByMilkyWebhook;

async fn milky(
    qq: &FakeQq,
    jarvis: &Jarvis,
    settings: milky::Settings,
    keys: &str,
) -> Result<Milky> {
    let milky = Milky::start_with(qq, settings).await?;
    let keys = format!("url = \"{}\"\n{keys}", milky.url());
    jarvis.configure_qq_with(Some(milky.token()), &keys)?;
    Ok(milky)
}

#[async_trait]
impl Way for ByMilky {
    const LAST_CALL: &str = "get_impl_info";
    const SEND: &str = "send_private_message";

    async fn start(qq: &FakeQq, jarvis: &Jarvis) -> Result<Box<dyn Program>> {
        let settings = milky::Settings::default();
        let milky = milky(qq, jarvis, settings, "transport = \"milky\"\n").await?;
        Ok(Box::new(milky))
    }
}

#[async_trait]
impl Way for ByMilkySse {
    const LAST_CALL: &str = "get_impl_info";
    const SEND: &str = "send_private_message";

    async fn start(qq: &FakeQq, jarvis: &Jarvis) -> Result<Box<dyn Program>> {
        let settings = milky::Settings {
            heartbeat: None,
            holds_head: true,
            in_pieces: true,
            ..milky::Settings::default()
        };
        let milky = milky(qq, jarvis, settings, "transport = \"milky-sse\"\n").await?;
        Ok(Box::new(milky))
    }
}

#[async_trait]
impl Way for ByMilkyWebhook {
    const LAST_CALL: &str = "get_impl_info";
    const SEND: &str = "send_private_message";
    const HAS_LINE: bool = false;

    async fn start(qq: &FakeQq, jarvis: &Jarvis) -> Result<Box<dyn Program>> {
        let here = format!("127.0.0.1:{}", free_port()?);
        let keys = format!("transport = \"milky-webhook\"\nlisten = \"{here}\"\n");
        let mut milky = milky(qq, jarvis, milky::Settings::default(), &keys).await?;
        milky.posts_to(&format!("http://{here}/milky"));
        Ok(Box::new(milky))
    }
}

#[async_trait]
impl Way for Forward {
    async fn start(qq: &FakeQq, jarvis: &Jarvis) -> Result<Box<dyn Program>> {
        let onebot = onebot(qq, false).await?;
        jarvis.configure_qq(&onebot)?;
        Ok(Box::new(onebot))
    }
}

#[async_trait]
impl Way for Reverse {
    async fn start(qq: &FakeQq, jarvis: &Jarvis) -> Result<Box<dyn Program>> {
        let mut onebot = onebot(qq, true).await?;
        let here = format!("127.0.0.1:{}", free_port()?);
        let keys = format!("transport = \"reverse\"\nlisten = \"{here}\"\n");
        jarvis.configure_qq_with(onebot.token().as_deref(), &keys)?;
        onebot.connects_to(&format!("ws://{here}/onebot/v11/ws"));
        Ok(Box::new(onebot))
    }
}

#[async_trait]
impl Way for Http {
    const HAS_LINE: bool = false;

    async fn start(qq: &FakeQq, jarvis: &Jarvis) -> Result<Box<dyn Program>> {
        let mut onebot = onebot(qq, false).await?;
        let here = format!("127.0.0.1:{}", free_port()?);
        let url = onebot.http_url();
        let keys = format!(
            "transport = \"http\"\nurl = \"{url}\"\nlisten = \"{here}\"\nsecret = \"{SECRET}\"\n"
        );
        jarvis.configure_qq_with(onebot.token().as_deref(), &keys)?;
        onebot.posts_to(&format!("http://{here}/"), Some(SECRET));
        Ok(Box::new(onebot))
    }
}

const SECRET: &str = "a secret of the story 密";

/// An account of the fake QQ.
pub(super) struct OnOneBot<W> {
    way: PhantomData<W>,
    site: Site,
    qq: FakeQq,
    program: Box<dyn Program>,
    adapter: Option<Process>,
    people: HashMap<String, Person>,
    groups: Vec<Place>,
}

impl<W: Way> OnOneBot<W> {
    fn place(&self, name: &str, spot: Spot) -> Place {
        match spot {
            Spot::Private => self.people[name].room(),
            Spot::Group(number) => self.groups[number],
        }
    }
}

#[async_trait]
impl<W: Way> Platform for OnOneBot<W> {
    async fn start() -> Result<Self> {
        let qq = FakeQq::new();
        // Half of the pace that we promise to keep, for the machine may be busy.
        qq.set_pace(Some(Duration::from_millis(5)));
        let jarvis = Jarvis::new()?;
        let program = W::start(&qq, &jarvis).await?;
        let mut whole = Self {
            way: PhantomData,
            site: Site::start(jarvis, &["web-1"]).await?,
            qq,
            program,
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
        let connections = self.program.connections();
        self.program.cut();
        self.program.is_connected(connections).await;
    }

    async fn repeats_last_event(&mut self) {
        self.qq.repeat_last_event();
    }

    async fn uses_up_quota(&mut self) {
        // QQ does not say no: it says yes and shows nothing.
        self.qq.fail(W::SEND, 2, &Fault::Swallow);
    }

    async fn set_down(&mut self, is_down: bool) {
        self.program.set_down(is_down);
    }

    fn adapter(&mut self) -> &mut Option<Process> {
        &mut self.adapter
    }

    async fn start_adapter(&mut self) -> Result<()> {
        let (asked, connections) = (
            self.qq.count_calls(W::LAST_CALL),
            self.program.connections(),
        );
        self.adapter = Some(self.site.jarvis.start(&["adapter", "onebot"])?);
        self.qq.hears(W::LAST_CALL, asked).await;
        if W::HAS_LINE {
            self.program.is_connected(connections).await;
        }
        Ok(())
    }

    async fn finish(&mut self) {
        let complaints = self.qq.complaints();
        assert!(complaints.is_empty(), "{complaints:?}");
    }
}
