//! An app of WeCom.

use std::collections::HashMap;

use anyhow::Result;
use async_trait::async_trait;
use bytes::Bytes;
use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::Process;
use jarvis_tests::site::Site;
use jarvis_tests::wecom_app::FakeWeCom;
use jarvis_tests::weixin::{Entry, Fault, Person};

use super::platform::{Platform, Spot};

/// An app of the fake platform.
pub(super) struct OnWeComApp {
    site: Site,
    wecom: FakeWeCom,
    url: String,
    adapter: Option<Process>,
    people: HashMap<String, Person>,
}

#[async_trait]
impl Platform for OnWeComApp {
    async fn start() -> Result<Self> {
        let wecom = FakeWeCom::start().await?;
        let jarvis = Jarvis::new()?;
        let url = jarvis.configure_wecom_app(&wecom)?;
        let mut whole = Self {
            site: Site::start(jarvis, &["web-1"]).await?,
            wecom,
            url,
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
        let person = self.wecom.person(name);
        self.people.insert(name.to_owned(), person);
    }

    async fn group(&mut self, _: &str) -> usize {
        unreachable!("an app hears nothing in groups")
    }

    async fn says(&mut self, name: &str, _: Spot, text: &str) {
        self.people[name].says(text);
    }

    async fn mutters(&mut self, _: &str, _: Spot, _: &str) {
        unreachable!("an app hears nothing in groups")
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

    async fn chooses(&mut self, name: &str, _: Spot, label: &str) {
        self.people[name].presses(label);
        self.people[name].sees_choice(label).await;
    }

    async fn sends_file(&mut self, _: &str, _: &str, _: Bytes, _: &str) {
        unreachable!("people cannot send files to an app")
    }

    async fn gets_file(&mut self, name: &str, file: &str) -> Bytes {
        self.people[name].gets_file(file).await
    }

    async fn cuts_line(&mut self) {
        unreachable!("there is no line")
    }

    async fn repeats_last_event(&mut self) {
        self.wecom.repeats_last_anew();
    }

    async fn set_down(&mut self, is_down: bool) {
        self.wecom.is_down(is_down);
    }

    async fn uses_up_quota(&mut self) {
        self.wecom.fail("message/send", 1, &Fault::Code(45_033));
        self.wecom.fail("message/send", 1, &Fault::Code(-1));
    }

    fn adapter(&mut self) -> &mut Option<Process> {
        &mut self.adapter
    }

    async fn start_adapter(&mut self) -> Result<()> {
        self.adapter = Some(self.site.jarvis.start(&["adapter", "wecom-app"])?);
        self.wecom.set_callback(&self.url).await
    }

    async fn finish(&mut self) {
        // What the platform calls a mistake of the app, whatever else was refused.
        let calls = self.wecom.calls();
        let passing = [0, -1, 42_001, 42_045, 45_009, 45_033];
        let wrong: Vec<_> = calls
            .iter()
            .filter(|call| !passing.contains(&call.code))
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert!(
            self.wecom.mistakes().is_empty(),
            "{:?}",
            self.wecom.mistakes()
        );
    }
}
