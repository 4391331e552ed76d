//! An Official Account, in each of its modes.

use std::collections::HashMap;
use std::marker::PhantomData;

use anyhow::Result;
use async_trait::async_trait;
use bytes::Bytes;
use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::Process;
use jarvis_tests::site::Site;
use jarvis_tests::wechat_official::{FakeOfficial, Mode, Settings};
use jarvis_tests::weixin::{Entry, Fault, Person};

use super::platform::{Platform, Spot};

/// How messages are posted.
pub(super) trait Posted: Send {
    const MODE: Mode;
}

/// Encrypted.
pub(super) struct Encrypted;
/// In the open and encrypted.
pub(super) struct Compatible;
/// In the open.
pub(super) struct Plain;

impl Posted for Encrypted {
    const MODE: Mode = Mode::Encrypted;
}
impl Posted for Compatible {
    const MODE: Mode = Mode::Compatible;
}
impl Posted for Plain {
    const MODE: Mode = Mode::Plain;
}

/// An account of the fake platform.
pub(super) struct OnOfficial<M> {
    site: Site,
    wechat: FakeOfficial,
    url: String,
    adapter: Option<Process>,
    people: HashMap<String, Person>,
    mode: PhantomData<M>,
}

#[async_trait]
impl<M: Posted> Platform for OnOfficial<M> {
    async fn start() -> Result<Self> {
        let settings = Settings {
            mode: M::MODE,
            ..Settings::default()
        };
        let wechat = FakeOfficial::start_with(settings).await?;
        let jarvis = Jarvis::new()?;
        let url = jarvis.configure_official(&wechat)?;
        let mut whole = Self {
            site: Site::start(jarvis, &["web-1"]).await?,
            wechat,
            url,
            adapter: None,
            people: HashMap::new(),
            mode: PhantomData,
        };
        whole.start_adapter().await?;
        Ok(whole)
    }

    fn site(&mut self) -> &mut Site {
        &mut self.site
    }

    async fn person(&mut self, name: &str) {
        let person = self.wechat.person(name);
        self.people.insert(name.to_owned(), person);
    }

    async fn group(&mut self, _: &str) -> usize {
        unreachable!("an account is in no groups")
    }

    async fn says(&mut self, name: &str, _: Spot, text: &str) {
        self.people[name].says(text);
    }

    async fn mutters(&mut self, _: &str, _: Spot, _: &str) {
        unreachable!("an account is in no groups")
    }

    async fn sees(&mut self, name: &str, _: Spot, text: &str) -> String {
        self.people[name].sees(text).await.text
    }

    async fn everything(&mut self, name: &str, _: Spot) -> String {
        let log = self.people[name].log();
        let line = |entry: Entry| entry.text + "\n";
        log.into_iter().map(line).collect()
    }

    async fn sent(&mut self, name: &str, _: Spot) -> usize {
        self.people[name].log().len()
    }

    async fn sends_file(&mut self, _: &str, _: &str, _: Bytes, _: &str) {
        unreachable!("people cannot send files")
    }

    async fn gets_file(&mut self, _: &str, _: &str) -> Bytes {
        unreachable!("an account sends no files")
    }

    async fn cuts_line(&mut self) {
        unreachable!("there is no line")
    }

    async fn repeats_last_event(&mut self) {
        self.wechat.repeats_last_anew();
    }

    async fn set_down(&mut self, is_down: bool) {
        self.wechat.is_down(is_down);
    }

    async fn uses_up_quota(&mut self) {
        let send = "message/custom/send";
        self.wechat.fail(send, 1, &Fault::Code(45_033));
        self.wechat.fail(send, 1, &Fault::Code(-1));
    }

    fn adapter(&mut self) -> &mut Option<Process> {
        &mut self.adapter
    }

    async fn start_adapter(&mut self) -> Result<()> {
        self.adapter = Some(self.site.jarvis.start(&["adapter", "wechat-official"])?);
        self.wechat.set_callback(&self.url).await
    }

    async fn finish(&mut self) {
        // What the platform calls a mistake of the app, whatever else was refused.
        let calls = self.wechat.calls();
        let passing = [0, -1, 42_001, 45_033];
        let wrong: Vec<_> = calls
            .iter()
            .filter(|call| !passing.contains(&call.code))
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert!(
            self.wechat.mistakes().is_empty(),
            "{:?}",
            self.wechat.mistakes()
        );
    }
}
