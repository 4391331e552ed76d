//! A strict fake of WeChat for one Official Account.
//!
//! It posts as the platform does in each of the three modes, waits five seconds for an answer, comes again, and
//! tells the person when nothing came. It refuses wrong and ended tokens, messages to people who have not spoken
//! for two days or were written to five times, texts that are too long, and files that are no pictures; text that
//! is not raw UTF-8 it shows as it stands. `tests/python` checks it with a public client.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};

mod messages;

use crate::process::PATIENCE;
use crate::weixin::post::{Posting, check, now};
use crate::weixin::sealing::{cdata, field};
use crate::weixin::server::{Incoming, Reply};
use crate::weixin::{Dialect, Refusal, Running, Sealing, State, Wrapped, files};

/// How messages are posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// In the open.
    Plain,
    /// In the open and encrypted.
    Compatible,
    /// Encrypted.
    Encrypted,
}

impl Mode {
    /// As the configuration names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Compatible => "compatible",
            Self::Encrypted => "encrypted",
        }
    }
}

/// How the fake is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `AppID`.
    pub app_id: String,
    /// `AppSecret`.
    pub secret: String,
    /// What messages name the account.
    pub name: String,
    /// Signs callbacks.
    pub token: String,
    /// Encrypts callbacks.
    pub aes_key: String,
    /// How messages are posted.
    pub mode: Mode,
    /// How long somebody who has spoken may be written to.
    pub window: Duration,
    /// And how often.
    pub messages: usize,
    /// The account is verified.
    pub is_verified: bool,
    /// How long people wait.
    pub patience: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            app_id: "wx1234567890abcdef".to_owned(),
            secret: "the-secret-of-the-account".to_owned(),
            name: "gh_0123456789ab".to_owned(),
            token: "QDG6eKtoken".to_owned(),
            aes_key: "ecQSH8YIV9AAAAS5mcyF8ZCsRsi833KOcP5szoYeMAY".to_owned(),
            mode: Mode::Encrypted,
            window: Duration::from_secs(48 * 3600),
            messages: 5,
            is_verified: true,
            patience: PATIENCE,
        }
    }
}

/// A running fake. It stops when it is dropped.
#[derive(Debug)]
pub struct FakeOfficial {
    running: Running,
    settings: Settings,
}

crate::weixin::common!(FakeOfficial);

impl FakeOfficial {
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
        let dialect = Arc::new(Official {
            settings: settings.clone(),
        });
        let patience = settings.patience;
        Ok(Self {
            running: Running::start(dialect, patience).await?,
            settings,
        })
    }

    /// What the account is set up with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Token and key of its callbacks.
    pub fn sealing(&self) -> Sealing {
        sealing(&self.settings)
    }

    /// Sets the address of the account, as at the platform's page: with a check, until it is passed.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn set_callback(&self, url: &str) -> Result<()> {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            match self.check(url).await {
                Ok(()) => break,
                Err(error) if tokio::time::Instant::now() > until => return Err(error),
                // The account is on its way.
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
        let word = "5837397576500011341";
        let mut query = plainly(&self.sealing(), &now().to_string(), "nonce-of-check");
        query.push(("echostr".to_owned(), word.to_owned()));
        check(url, &query, word).await
    }
}

/// The query that every call has, whatever its body.
pub fn plainly(sealing: &Sealing, timestamp: &str, nonce: &str) -> Vec<(String, String)> {
    let signature = sealing.sign(&[timestamp, nonce]);
    [
        ("signature", signature.as_str()),
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
        receiver: settings.app_id.clone(),
    }
}

#[derive(Debug)]
struct Official {
    settings: Settings,
}

impl Dialect for Official {
    fn wrap(&self, fields: &str) -> Wrapped {
        let settings = &self.settings;
        let sealing = sealing(settings);
        let to = cdata("ToUserName", &settings.name);
        let (time, nonce) = (
            now().to_string(),
            uuid::Uuid::now_v7().as_u128().to_string(),
        );
        let mut query = plainly(&sealing, &time, &nonce);
        if let Some(user) = field(fields, "FromUserName") {
            query.push(("openid".to_owned(), user));
        }
        if settings.mode == Mode::Plain {
            return (query, format!("<xml>{to}{fields}</xml>"));
        }
        let sealed = sealing.seal(&format!("<xml>{to}{fields}</xml>"));
        let signature = sealing.sign(&[&time, &nonce, &sealed]);
        query.push(("encrypt_type".to_owned(), "aes".to_owned()));
        query.push(("msg_signature".to_owned(), signature));
        let open = match settings.mode {
            Mode::Compatible => fields,
            _ => "",
        };
        let body = format!("<xml>{to}{open}{}</xml>", cdata("Encrypt", &sealed));
        (query, body)
    }

    /// Nothing, `success`, or a text, sealed where messages are.
    fn answer(&self, posting: &Posting, body: &str) -> Result<Option<String>> {
        if matches!(body, "" | "success") {
            return Ok(None);
        }
        let sealing = sealing(&self.settings);
        let part = |name: &str| field(body, name).unwrap_or_default();
        let inner = match part("Encrypt") {
            sealed if sealed.is_empty() => {
                ensure!(self.settings.mode != Mode::Encrypted, "it is in the open");
                body.to_owned()
            }
            sealed => {
                let (time, nonce) = (part("TimeStamp"), part("Nonce"));
                let signature = sealing.sign(&[&time, &nonce, &sealed]);
                ensure!(part("MsgSignature") == signature, "its signature is wrong");
                sealing.open(&sealed)?
            }
        };
        let part = |name: &str| field(&inner, name).unwrap_or_default();
        ensure!(
            part("ToUserName") == posting.user,
            "it is for somebody else"
        );
        ensure!(
            part("FromUserName") == self.settings.name,
            "it is of somebody else"
        );
        ensure!(part("CreateTime").parse::<u64>().is_ok(), "it has no time");
        let text = part("Content");
        match part("MsgType").as_str() {
            "text" if (1..=2048).contains(&text.len()) => Ok(Some(text)),
            kind => bail!("{kind} of {} bytes", text.len()),
        }
    }

    fn is_login(&self, call: &Incoming) -> bool {
        let call = (call.method.as_str(), call.path.as_str());
        matches!(call, ("POST", "stable_token") | ("GET", "token"))
    }

    fn token(&self, state: &mut State, call: &Incoming) -> Result<Value, Refusal> {
        let (app, secret, force) = if call.path == "stable_token" {
            let of = |name: &str| call.json[name].as_str().unwrap_or_default().to_owned();
            if of("grant_type") != "client_credential" {
                return Err(Refusal::new(40_002, "invalid grant_type"));
            }
            (
                of("appid"),
                of("secret"),
                call.json["force_refresh"] == true,
            )
        } else {
            // The older way: each new token ends the one before.
            let of = |name: &str| call.asked(name).to_owned();
            (of("appid"), of("secret"), true)
        };
        state.tokens_asked += 1;
        if app != self.settings.app_id {
            return Err(Refusal::new(40_013, "invalid appid"));
        }
        if secret != self.settings.secret {
            return Err(Refusal::new(40_125, "invalid appsecret"));
        }
        if force || state.given.is_none() {
            state.tokens_made += 1;
            state.token = Some(format!("AT-{}", uuid::Uuid::now_v7().simple()));
            state.given.clone_from(&state.token);
        }
        Ok(json!({ "access_token": state.given, "expires_in": 7200 }))
    }

    fn stranger(&self) -> i64 {
        40_164
    }

    fn run(&self, state: &mut State, call: &Incoming) -> Result<Reply, Refusal> {
        let settings = &self.settings;
        let sizes = files::Sizes {
            image: 10 << 20,
            file: None,
        };
        match (call.method.as_str(), call.path.as_str()) {
            ("POST", "message/custom/send") => messages::send(settings, state, call),
            ("POST", "message/custom/typing") => messages::typing(settings, state, call),
            ("POST", "media/upload") => files::put(state, call, sizes),
            ("GET", "media/get") => return files::get(state, call),
            ("GET", "get_api_domain_ip") => Ok(json!({ "ip_list": ["203.0.113.1"] })),
            ("GET", "customservice/getkflist") => {
                messages::verified(settings).map(|()| json!({ "kf_list": [] }))
            }
            _ => Err(Refusal::new(404, "no such call")),
        }
        .map(Reply::Json)
    }
}
