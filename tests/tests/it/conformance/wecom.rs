//! A robot of WeCom, over the long connection or by callbacks.

use std::collections::HashMap;
use std::marker::PhantomData;

use anyhow::Result;
use async_trait::async_trait;
use bytes::Bytes;
use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::{Process, free_port};
use jarvis_tests::site::Site;
use jarvis_tests::wecom_bot::{Entry, FakeWecom, Fault, Group, Person};

use super::platform::{Platform, Spot};

/// How the robot hears.
pub(super) trait Transport: Send + Sync + 'static {
    /// WeCom calls it.
    const IS_CALLED: bool;
}

/// It holds a connection.
pub(super) struct Line;
/// WeCom calls it.
pub(super) struct Called;

impl Transport for Line {
    const IS_CALLED: bool = false;
}
impl Transport for Called {
    const IS_CALLED: bool = true;
}

const TOKEN: &str = "fake-callback-token";
const AES_KEY: &str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";

/// A robot of the fake platform.
pub(super) struct OnWecom<T> {
    site: Site,
    wecom: FakeWecom,
    url: String,
    adapter: Option<Process>,
    people: HashMap<String, Person>,
    groups: Vec<Group>,
    transport: PhantomData<T>,
}

impl<T: Transport> OnWecom<T> {
    fn log(&self, name: &str, spot: Spot) -> Vec<Entry> {
        let log = match spot {
            Spot::Private => self.people[name].log(),
            Spot::Group(number) => self.groups[number].log(),
        };
        log.into_iter()
            .filter(|entry| entry.from.is_empty())
            .collect()
    }
}

#[async_trait]
impl<T: Transport> Platform for OnWecom<T> {
    async fn start() -> Result<Self> {
        let wecom = FakeWecom::start().await?;
        let jarvis = Jarvis::new()?;
        jarvis.configure_wecom(&wecom)?;
        let port = free_port()?;
        let url = format!("http://127.0.0.1:{port}/wecom");
        if T::IS_CALLED {
            jarvis.configure("wecom", "mode = \"callback\"\n")?;
            let keys = format!(
                "listen = \"127.0.0.1:{port}\"\nurl = \"{url}\"\ntoken = \"{TOKEN}\"\n\
                 aes_key = \"{AES_KEY}\"\n"
            );
            jarvis.configure("wecom.callback", &keys)?;
        }
        let mut whole = Self {
            site: Site::start(jarvis, &["web-1"]).await?,
            wecom,
            url,
            adapter: None,
            people: HashMap::new(),
            groups: Vec::new(),
            transport: PhantomData,
        };
        whole.start_adapter().await?;
        if T::IS_CALLED {
            whole.wecom.set_address(&whole.url, TOKEN, AES_KEY).await?;
        }
        Ok(whole)
    }

    fn site(&mut self) -> &mut Site {
        &mut self.site
    }

    async fn person(&mut self, name: &str) {
        self.people.insert(name.to_owned(), self.wecom.person(name));
    }

    async fn group(&mut self, title: &str) -> usize {
        self.groups.push(self.wecom.group(title));
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
                let bytes = self.wecom.file("message.txt").unwrap_or_default();
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
        person.press_is_shown(&press).await;
    }

    async fn sends_file(&mut self, name: &str, file: &str, bytes: Bytes, caption: &str) {
        let person = &self.people[name];
        // WeCom has no words beside a file: it is sent, then quoted with them.
        let quote = person.sends_file(file, &bytes);
        person.sees(file).await;
        person.says_quoting(caption, quote);
    }

    async fn gets_file(&mut self, name: &str, file: &str) -> Bytes {
        self.people[name].gets_file(file).await
    }

    async fn cuts_line(&mut self) {
        let logins = self.wecom.logins();
        self.wecom.cut_line();
        self.wecom.is_connected(logins).await;
    }

    async fn repeats_last_event(&mut self) {
        self.wecom.replay_last_event();
    }

    async fn set_down(&mut self, is_down: bool) {
        let logins = self.wecom.logins();
        self.wecom.is_down(is_down);
        if !is_down && !T::IS_CALLED {
            // What is said before would be lost.
            self.wecom.is_connected(logins).await;
        }
    }

    async fn uses_up_quota(&mut self) {
        for cmd in ["aibot_respond_msg", "aibot_send_msg"] {
            self.wecom.fail(cmd, 1, Fault::Code(45_009));
        }
    }

    fn adapter(&mut self) -> &mut Option<Process> {
        &mut self.adapter
    }

    async fn start_adapter(&mut self) -> Result<()> {
        let logins = self.wecom.logins();
        let adapter = self.site.jarvis.start(&["adapter", "wecom"])?;
        if T::IS_CALLED {
            adapter.logs("WeCom may call this robot").await?;
        } else {
            self.wecom.is_connected(logins).await;
        }
        self.adapter = Some(adapter);
        Ok(())
    }

    async fn finish(&mut self) {
        let complaints = self.wecom.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
        // What the platform calls a mistake of the robot, whatever else was refused.
        let calls = self.wecom.calls();
        let mistakes: Vec<_> = calls
            .iter()
            .filter(|call| matches!(call.code, 40_058 | 40_007 | 44_004 | 45_002 | 853_000))
            .collect();
        assert!(mistakes.is_empty(), "{mistakes:#?}");
    }
}
