//! A strict fake of WeCom for one self-built app, and for group robots.
//!
//! It refuses what the platform refuses: wrong and ended tokens, servers that are not on the list, people who
//! may not see the app, empty texts, cards that are none, files that are not what they are said to be, too
//! many messages in a minute. What the platform does without a word, such as cutting a long text, it does, and
//! keeps a list of. `tests/python` checks it with a public client.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};

mod cards;
mod messages;
mod robot;

use crate::process::PATIENCE;
use crate::weixin::post::{Posting, check, now};
use crate::weixin::sealing::{cdata, field};
use crate::weixin::server::{Incoming, Reply};
use crate::weixin::{Dialect, Refusal, Running, Sealing, State, Wrapped, files};

/// How the fake is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The corporation's id.
    pub corp_id: String,
    /// The app's number.
    pub agent_id: u64,
    /// The app's secret.
    pub secret: String,
    /// Signs callbacks.
    pub token: String,
    /// Encrypts callbacks.
    pub aes_key: String,
    /// The key of a robot in a group.
    pub robot: String,
    /// Messages to one person, or of one robot, in a minute.
    pub per_minute: usize,
    /// The same for robots.
    pub robot_per_minute: usize,
    /// How long people wait.
    pub patience: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            corp_id: "ww1234567890abcdef".to_owned(),
            agent_id: 1_000_002,
            secret: "the-secret-of-the-app".to_owned(),
            token: "QDG6eKtoken".to_owned(),
            aes_key: "ecQSH8YIV9AAAAS5mcyF8ZCsRsi833KOcP5szoYeMAY".to_owned(),
            robot: "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa".to_owned(),
            per_minute: 30,
            robot_per_minute: 20,
            patience: PATIENCE,
        }
    }
}

/// A running fake. It stops when it is dropped.
#[derive(Debug)]
pub struct FakeWeCom {
    running: Running,
    settings: Settings,
}

crate::weixin::common!(FakeWeCom);

/// The group in which the robot is.
pub const GROUP: &str = "group of the robot";

impl FakeWeCom {
    /// Starts with the usual settings.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub async fn start() -> Result<Self> {
        Self::start_with(Settings::default()).await
    }

    /// Starts with settings of one's own.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub async fn start_with(settings: Settings) -> Result<Self> {
        let dialect = Arc::new(WeCom {
            settings: settings.clone(),
        });
        let patience = settings.patience;
        Ok(Self {
            running: Running::start(dialect, patience).await?,
            settings,
        })
    }

    /// What the app is set up with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Token and key of its callbacks.
    pub fn sealing(&self) -> Sealing {
        sealing(&self.settings)
    }

    /// Sets the address of the app, as at the platform's page: with a check, until it is passed.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn set_callback(&self, url: &str) -> Result<()> {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            match self.check(url).await {
                Ok(()) => break,
                Err(error) if tokio::time::Instant::now() > until => return Err(error),
                // The app is on its way.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        self.posts_to(url);
        Ok(())
    }

    /// The check of an address, once.
    ///
    /// # Errors
    /// When it is not passed.
    pub async fn check(&self, url: &str) -> Result<()> {
        let word = format!("{}", 1_288_432_023_552_776_189_u64);
        let sealed = self.sealing().seal(&word);
        let query = signed(
            &self.sealing(),
            &sealed,
            &now().to_string(),
            "nonce-of-check",
        );
        let query: Vec<_> = query
            .into_iter()
            .chain([("echostr".to_owned(), sealed)])
            .collect();
        check(url, &query, &word).await
    }

    /// The person whose chat is the robot's group.
    pub fn group(&self) -> crate::weixin::Person {
        self.person(GROUP)
    }
}

/// The query of a call with this ciphertext.
pub fn signed(
    sealing: &Sealing,
    sealed: &str,
    timestamp: &str,
    nonce: &str,
) -> Vec<(String, String)> {
    let signature = sealing.sign(&[timestamp, nonce, sealed]);
    [
        ("msg_signature", signature.as_str()),
        ("timestamp", timestamp),
        ("nonce", nonce),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

fn sealing(settings: &Settings) -> Sealing {
    Sealing {
        token: settings.token.clone(),
        aes_key: settings.aes_key.clone(),
        receiver: settings.corp_id.clone(),
    }
}

#[derive(Debug)]
struct WeCom {
    settings: Settings,
}

impl Dialect for WeCom {
    fn wrap(&self, fields: &str) -> Wrapped {
        let settings = &self.settings;
        let sealing = sealing(settings);
        let inner = format!(
            "<xml>{}{fields}<AgentID>{}</AgentID></xml>",
            cdata("ToUserName", &settings.corp_id),
            settings.agent_id
        );
        let sealed = sealing.seal(&inner);
        let nonce = uuid::Uuid::now_v7().as_u128().to_string();
        let query = signed(&sealing, &sealed, &now().to_string(), &nonce);
        let body = format!(
            "<xml>{}{}{}</xml>",
            cdata("ToUserName", &settings.corp_id),
            cdata("Encrypt", &sealed),
            cdata("AgentID", &settings.agent_id.to_string())
        );
        (query, body)
    }

    /// Nothing, or a sealed text.
    fn answer(&self, posting: &Posting, body: &str) -> Result<Option<String>> {
        if body.is_empty() {
            return Ok(None);
        }
        let sealing = sealing(&self.settings);
        let part = |name: &str| field(body, name).unwrap_or_default();
        let sealed = part("Encrypt");
        if part("MsgSignature") != sealing.sign(&[&part("TimeStamp"), &part("Nonce"), &sealed]) {
            bail!("its signature is wrong");
        }
        let inner = sealing.open(&sealed)?;
        if field(&inner, "ToUserName").as_deref() != Some(posting.user.as_str()) {
            bail!("it is for somebody else");
        }
        Ok(field(&inner, "Content"))
    }

    fn is_login(&self, call: &Incoming) -> bool {
        call.path == "gettoken"
    }

    fn token(&self, state: &mut State, call: &Incoming) -> Result<Value, Refusal> {
        state.tokens_asked += 1;
        let settings = &self.settings;
        if call.asked("corpid") != settings.corp_id {
            return Err(Refusal::new(40_013, "invalid corpid"));
        }
        if call.asked("corpsecret") != settings.secret {
            return Err(Refusal::new(40_001, "invalid credential"));
        }
        if state.token.is_none() {
            state.tokens_made += 1;
            state.token = Some(format!("AT-{}", uuid::Uuid::now_v7().simple()));
        }
        Ok(json!({
            "errcode": 0, "errmsg": "ok", "access_token": state.token, "expires_in": 7200,
        }))
    }

    fn is_open(&self, call: &Incoming) -> bool {
        call.path.starts_with("webhook/")
    }

    fn stranger(&self) -> i64 {
        60_020
    }

    fn run(&self, state: &mut State, call: &Incoming) -> Result<Reply, Refusal> {
        let settings = &self.settings;
        let sizes = files::Sizes {
            image: 10_000_000,
            file: Some(20_000_000),
        };
        match (call.method.as_str(), call.path.as_str()) {
            _ if self.is_open(call) => robot::answer(settings, state, call),
            ("POST", "message/send") => messages::send(settings, state, &call.json),
            ("POST", "message/recall") => messages::recall(state, &call.json),
            ("POST", "message/update_template_card") => cards::update(settings, state, &call.json),
            ("POST", "media/upload") => files::put(state, call, sizes),
            ("GET", "media/get") => return files::get(state, call),
            ("GET", "agent/get") if call.asked("agentid") == settings.agent_id.to_string() => {
                Ok(json!({"agentid": settings.agent_id, "name": "Jarvis", "close": 0}))
            }
            ("GET", "agent/get") => Err(Refusal::new(301_002, "not allow operate another agent")),
            _ => Err(Refusal::new(404, "no such call")),
        }
        .map(Reply::Json)
    }
}
