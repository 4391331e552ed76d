//! The robot of a WeCom group: whoever has its key may write to the group, and nobody can answer.
//!
//! Its one room is told to the brain at the start, by its name, so that somebody elsewhere can direct
//! something to it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jarvis_proto::chat::action::Kind;
use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{
    Attachment, Capabilities, Progress, ProgressStyle, Room, RoomKind, Segment, SendFile, Sent,
    TextUnit,
};
use md5::{Digest as _, Md5};
use reqwest::Client;
use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::answer;
use super::api::{CALL_LIMIT, CallError, UploadError, client, form, media_id, read};
use super::media::Upload;
use super::pace::Pace;
use super::texts::{self, Rendered};
use super::verdict::{self, Reminder, Verdict, verdict, wait_for};
use crate::adapter::{Adapter, AdapterError, ByteStream, FloodLimits, Inbox, Profile};
use crate::errand::Errand;
use crate::few::Few;
use crate::host::{Turn, retry};

/// Name of this adapter.
pub const KIND: &str = "wecom-robot";
/// Id of the one room.
const ROOM: &str = "group";
/// The platform's word for a key that is none.
const BAD_KEY: i64 = 93_000;
/// A file must move at least this fast, in bytes a second.
const SLOWEST: u64 = 32 * 1024;

/// One robot. The figures are those of the platform's documentation, so each is a setting.
#[derive(Debug, Clone)]
pub struct Config {
    /// What stands behind `key=` in the robot's address.
    pub key: SecretString,
    /// What the group is called when something is directed to it.
    pub name: String,
    /// The API.
    pub api_url: Url,
    /// Texts with looks go out as markdown. Who reads the group in WeChat does not see those.
    pub markdown: bool,
    /// Messages in a minute.
    pub per_minute: usize,
    /// Longest text, in bytes.
    pub text_limit: usize,
    /// Largest picture, in bytes; a larger one goes as a file.
    pub picture_limit: u64,
    /// Largest file, in bytes.
    pub upload_limit: u64,
}

impl Config {
    /// A robot of the public servers.
    #[must_use]
    pub fn new(key: SecretString, name: impl Into<String>) -> Self {
        Self {
            key,
            name: name.into(),
            api_url: Url::parse("https://qyapi.weixin.qq.com/cgi-bin").expect("a constant URL"),
            markdown: false,
            per_minute: 20,
            text_limit: 2048,
            picture_limit: 2 << 20,
            upload_limit: 20_000_000,
        }
    }
}

/// One robot.
#[derive(Debug)]
pub struct WeComRobot {
    config: Config,
    http: Client,
    pace: Mutex<Pace>,
    few: Mutex<Few>,
    reminder: Reminder,
}

type Done = Result<Sent, Outcome>;

impl WeComRobot {
    /// Shows the key to the platform; tries until there is an answer. Cancel-safe.
    ///
    /// # Errors
    /// When the platform does not know it, or a setting cannot be used.
    pub async fn connect(config: Config) -> Result<Self, AdapterError> {
        let empty = |setting| AdapterError::Setting {
            setting,
            detail: "it is empty".to_owned(),
        };
        if config.key.expose_secret().is_empty() {
            return Err(empty("wecom_robot.key"));
        }
        if config.name.trim().is_empty() {
            return Err(empty("wecom_robot.name"));
        }
        let robot = Self {
            http: client(&config.api_url, "wecom_robot.api_url")?,
            pace: Mutex::new(Pace::new(config.per_minute, usize::MAX)),
            few: Mutex::default(),
            reminder: Reminder::default(),
            config,
        };
        let mut delays = retry::delays();
        loop {
            match robot.probe().await {
                Ok(()) => return Ok(robot),
                Err(CallError::Refused { code: BAD_KEY, .. }) => {
                    return Err(AdapterError::Token {
                        platform: "WeCom (the robot's key)",
                    });
                }
                Err(error) => tracing::warn!(%error, "WeCom cannot be reached, trying again"),
            }
            tokio::time::sleep(delays.next().unwrap_or(CALL_LIMIT)).await;
        }
    }

    /// A message that says nothing is refused, but a wrong key is before that.
    async fn probe(&self) -> Result<(), CallError> {
        let body = json!({ "msgtype": "text", "text": { "content": "" } });
        match self.call(&body).await {
            Err(error @ CallError::Refused { code: BAD_KEY, .. }) => Err(error),
            Ok(_) | Err(CallError::Refused { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn address(&self, what: &str, query: &[(&str, &str)]) -> Url {
        let mut url = answer::below(&self.config.api_url, &["webhook", what]);
        url.query_pairs_mut()
            .append_pair("key", self.config.key.expose_secret())
            .extend_pairs(query);
        url
    }

    async fn call(&self, body: &Value) -> Result<Value, CallError> {
        let request = self.http.post(self.address("send", &[])).json(body);
        read(request.timeout(CALL_LIMIT).send().await).await
    }

    async fn say(&self, errand: &Errand, text: &[Segment]) -> Done {
        let layout = texts::layout(text, self.config.text_limit);
        let texts = layout.texts.len();
        let sent = errand.parts_sent().len();
        for (part, text) in layout.texts.iter().enumerate().skip(sent) {
            self.post(errand, part, &self.text_body(text)).await?;
        }
        if let Some(text) = &layout.file
            && errand.parts_sent().len() == texts
        {
            self.post_file(errand, texts, Upload::text("message.txt", text))
                .await?;
        }
        first(errand)
    }

    fn text_body(&self, text: &Rendered) -> Value {
        match &text.markdown {
            Some(markdown) if self.config.markdown => {
                json!({ "msgtype": "markdown", "markdown": { "content": markdown } })
            }
            _ => json!({ "msgtype": "text", "text": { "content": text.plain } }),
        }
    }

    async fn progress(&self, errand: &Errand, progress: &Progress) -> Done {
        let is_shown = !errand.parts_sent().is_empty()
            || lock(&self.few).shows(ROOM, progress, Instant::now());
        if !is_shown {
            return Ok(Sent {
                message_id: progress.message_id.clone(),
            });
        }
        let sent = self.say(errand, &progress.text).await;
        if sent.is_err() {
            lock(&self.few).forget(ROOM, &progress.key);
        }
        sent
    }

    async fn file(&self, errand: &Errand, send: &SendFile) -> Done {
        let file = send.file.clone().unwrap_or_default();
        if errand.parts_sent().is_empty() {
            let upload = Upload::file(errand, &file);
            self.post_file(errand, 0, upload).await?;
        }
        let layout = texts::layout(&send.caption, self.config.text_limit);
        let sent = errand.parts_sent().len().saturating_sub(1);
        for (part, text) in layout.texts.iter().enumerate().skip(sent) {
            self.post(errand, part + 1, &self.text_body(text)).await?;
        }
        first(errand)
    }

    async fn post_file(
        &self,
        errand: &Errand,
        part: usize,
        upload: Upload<'_>,
    ) -> Result<(), Outcome> {
        upload.fits(self.config.upload_limit)?;
        if upload.is_picture(self.config.picture_limit) {
            let bytes = upload.whole().await?;
            let image = json!({
                "base64": STANDARD.encode(&bytes),
                "md5": hex::encode(Md5::digest(&bytes)),
            });
            let body = json!({ "msgtype": "image", "image": image });
            return self.post(errand, part, &body).await;
        }
        errand.turn(Turn::Call).await?;
        let put = async {
            let url = self.address("upload_media", &[("type", "file")]);
            let limit = CALL_LIMIT + Duration::from_secs(upload.size / SLOWEST);
            let request = self.http.post(url).multipart(form(&upload).await?);
            media_id(&read(request.timeout(limit).send().await).await?)
        };
        let media = put.await.map_err(|error| match error {
            UploadError::Call(error) => self.outcome(&error),
            UploadError::File(outcome) => outcome,
        })?;
        let body = json!({ "msgtype": "file", "file": { "media_id": media } });
        self.post(errand, part, &body).await
    }

    async fn post(&self, errand: &Errand, part: usize, body: &Value) -> Result<(), Outcome> {
        let taken = lock(&self.pace).take(ROOM, Instant::now());
        taken.map_err(wait_for)?;
        errand.turn(Turn::Message).await?;
        self.call(body)
            .await
            .map_err(|error| self.outcome(&error))?;
        // The platform does not say what it calls a message.
        errand.part_sent(format!("{}#{part}", errand.action().id));
        Ok(())
    }

    fn outcome(&self, error: &CallError) -> Outcome {
        match error {
            CallError::Refused { code: BAD_KEY, .. } => {
                tracing::error!(
                    "the group has no robot with this key any more: add one to the group and set \
                     `wecom_robot.key` anew"
                );
                Outcome::Forbidden(error.to_string())
            }
            CallError::Refused { code, .. } if verdict(*code) == Verdict::NextMinute => {
                lock(&self.pace).used_up(ROOM, Instant::now());
                verdict::outcome(error, &self.reminder)
            }
            _ => verdict::outcome(error, &self.reminder),
        }
    }
}

fn first(errand: &Errand) -> Done {
    match errand.parts_sent().into_iter().next() {
        Some(message_id) => Ok(Sent { message_id }),
        None => Err(Outcome::Fatal(
            "a message that shows nothing cannot be sent".to_owned(),
        )),
    }
}

#[async_trait]
impl Adapter for WeComRobot {
    fn profile(&self) -> Profile {
        let config = &self.config;
        // The key is a secret: what names the robot is made of it.
        let digest = digest(&SHA256, config.key.expose_secret().as_bytes());
        Profile {
            kind: KIND,
            bot: hex::encode(&digest.as_ref()[..8]),
            bot_name: String::new(),
            capabilities: Capabilities {
                progress: ProgressStyle::Messages.into(),
                // Nobody can press or choose here: they are left out, and no numbers are put in their place.
                buttons: true,
                files_out: true,
                files_in: false,
                markup: config.markdown,
                reply: false,
                delete: false,
                menu: false,
                text_limit: u32::try_from(config.text_limit).unwrap_or(u32::MAX),
                text_unit: TextUnit::Bytes.into(),
                file_out_limit: config.upload_limit,
                file_in_limit: 0,
                operator_terminal: false,
            },
            flood: FloodLimits::default(),
            patience: None,
        }
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room {
            id: ROOM.to_owned(),
            kind: RoomKind::Group.into(),
            thread: String::new(),
            title: self.config.name.clone(),
        }]
    }

    /// Nothing ever comes.
    async fn receive(&self, _inbox: Inbox, stop: CancellationToken) -> Result<(), AdapterError> {
        stop.cancelled().await;
        Ok(())
    }

    async fn perform(&self, errand: &Errand) -> Outcome {
        let room = errand.action().room.as_ref();
        if room.is_none_or(|room| room.id != ROOM) {
            return Outcome::Fatal("a robot has one room".to_owned());
        }
        let done = match &errand.action().kind {
            Some(Kind::Say(say)) => self.say(errand, &say.text).await,
            Some(Kind::Progress(progress)) => self.progress(errand, progress).await,
            Some(Kind::File(file)) => self.file(errand, file).await,
            Some(Kind::Delete(_) | Kind::AnswerPress(_) | Kind::Typing(_)) => Ok(Sent::default()),
            None => Err(Outcome::Fatal("an action of an unknown kind".to_owned())),
        };
        match done {
            Ok(sent) => Outcome::Ok(sent),
            Err(outcome) => outcome,
        }
    }

    async fn open(&self, attachment: &Attachment) -> Result<ByteStream, AdapterError> {
        Err(AdapterError::Attachment {
            name: attachment.name.clone(),
            detail: "nobody can send anything to a robot".to_owned(),
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
