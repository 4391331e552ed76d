//! OneBot v11: what is said. How it travels is in `line` and beside it.

mod abilities;
mod answer;
mod download;
mod files;
mod forward;
mod http;
mod inbound;
mod line;
mod reverse;
mod segment;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use jarvis_proto::chat::{Attachment, event};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::abilities::Abilities;
use self::http::Signed;
use self::inbound::{Read, Reader};
use self::line::Line;
use super::account::{Account, CALL_LIMIT, CallError, Draft, File, Myself, Piece, limit_for};
use super::caller::{Caller, LARGEST_ANSWER};
use super::config::{Config, Transport};
use super::place::Place;
use super::told::{self, Storing, Told};
use super::{KIND, lock, posted};
use crate::adapter::{AdapterError, ByteStream, Inbox};
use crate::host::retry;
use crate::look::Finding;
use crate::recent::Recent;
use crate::remote_file::Fetcher;
use crate::websocket::LARGEST_MESSAGE;

/// How long it may take to learn what a message answers.
const ASK_LIMIT: Duration = Duration::from_secs(3);
/// How long `--check` waits for an event; heartbeats come more often.
const EVENT_LIMIT: Duration = Duration::from_secs(35);
/// Messages that are remembered as ours.
const REMEMBERED: usize = 4096;

/// One account behind an implementation of OneBot v11.
#[derive(Debug)]
pub(super) struct OneBot {
    line: Arc<Line>,
    /// Makes the calls where they do not go over the line.
    caller: Option<Caller>,
    events: Mutex<Option<mpsc::Receiver<Told>>>,
    /// Our token was refused.
    refused: watch::Receiver<bool>,
    _keeping: AbortOnDropHandle<()>,
    myself: Myself,
    abilities: Abilities,
    language: String,
    fetcher: Fetcher,
    /// Ids of messages that we sent, by room.
    ours: Mutex<Recent<(Place, String), ()>>,
}

impl OneBot {
    /// Waits until the implementation tells who is logged in. Cancel-safe.
    pub(super) async fn connect(config: &Config) -> Result<Self, AdapterError> {
        let (line, events) = Line::new();
        let (refusing, refused) = watch::channel(false);
        let setting = |error: reqwest::Error| AdapterError::Setting {
            setting: "onebot",
            detail: error.to_string(),
        };
        let fetcher = Fetcher::new(config.download_limit).map_err(setting)?;
        let token = config.token.clone();
        let mut caller = None;
        let keeping = match &config.transport {
            Transport::WebSocket { url } => {
                fetcher.trust(url.host_str().unwrap_or_default().to_owned());
                tokio::spawn(forward::keep(line.clone(), url.clone(), token, refusing))
            }
            Transport::Reverse { listen } => {
                let listener = reverse::listen(*listen).await?;
                let (line, fetcher) = (line.clone(), fetcher.clone());
                tokio::spawn(async move {
                    reverse::accept(listener, line, token, fetcher).await;
                    drop(refusing);
                })
            }
            Transport::Http {
                url,
                listen,
                secret,
            } => {
                fetcher.trust(url.host_str().unwrap_or_default().to_owned());
                caller = Some(Caller::new(url, &[], token).map_err(setting)?);
                let door = Signed {
                    line: line.clone(),
                    secret: secret.clone(),
                };
                let serving = posted::listen(*listen, door).await?;
                tokio::spawn(async move {
                    serving.await;
                    drop(refusing);
                })
            }
            Transport::Milky { .. } => {
                return Err(AdapterError::Setting {
                    setting: "onebot.transport",
                    detail: "Milky is no way of OneBot".to_owned(),
                });
            }
        };
        let mut account = Self {
            line,
            caller,
            events: Mutex::new(Some(events)),
            refused,
            _keeping: AbortOnDropHandle::new(keeping),
            myself: Myself {
                id: 0,
                name: String::new(),
            },
            abilities: Abilities::of(None),
            language: config.language.clone(),
            fetcher,
            ours: Mutex::new(Recent::new(REMEMBERED)),
        };
        account.myself = account.who().await?;
        let version = account.call("get_version_info", json!({})).await;
        account.abilities = Abilities::of(version.as_ref().ok());
        tracing::info!(program = account.abilities.name, "the QQ program answers");
        Ok(account)
    }

    /// Asks who is logged in until there is an answer.
    async fn who(&self) -> Result<Myself, AdapterError> {
        let mut delays = retry::delays();
        loop {
            if *self.refused.borrow() {
                return Err(AdapterError::Token { platform: KIND });
            }
            let error = match self.call("get_login_info", json!({})).await {
                Ok(info) => match inbound::number(&info["user_id"]).filter(|id| *id != 0) {
                    Some(id) => {
                        let name = info["nickname"].as_str().unwrap_or_default().to_owned();
                        return Ok(Myself { id, name });
                    }
                    None => CallError::Passing("nobody is logged in".to_owned()),
                },
                Err(CallError::Token) => return Err(AdapterError::Token { platform: KIND }),
                Err(error) => error,
            };
            // Some implementations do not answer this, but name us in each event.
            if let (CallError::Unknown(_), Some(id)) = (&error, self.line.myself()) {
                let name = String::new();
                return Ok(Myself { id, name });
            }
            tracing::warn!(%error, "the QQ program does not say who is logged in, trying again");
            let mut refused = self.refused.clone();
            tokio::select! {
                () = sleep(delays.next().unwrap_or(CALL_LIMIT)) => {}
                Ok(_) = refused.wait_for(|refused| *refused) => {}
            }
        }
    }

    async fn call(&self, action: &'static str, params: Value) -> Result<Value, CallError> {
        self.call_within(action, &params, CALL_LIMIT).await
    }

    async fn call_within(
        &self,
        action: &'static str,
        params: &Value,
        limit: Duration,
    ) -> Result<Value, CallError> {
        if *self.refused.borrow() {
            return Err(CallError::Token);
        }
        let answer = match &self.caller {
            Some(caller) => caller.call(action, params, limit).await?,
            None => self.line.call(action, params, limit).await?,
        };
        answer::read(action, answer)
    }

    /// Makes a call whose answer comes in parts.
    async fn call_for_parts(
        &self,
        action: &'static str,
        params: &Value,
        limit: Duration,
    ) -> Result<BoxStream<'static, Value>, CallError> {
        Ok(match &self.caller {
            Some(caller) => caller.call_for_parts(action, params, limit).await?.boxed(),
            None => self.line.call_for_parts(action, params).await?.boxed(),
        })
    }

    /// Largest file that can come inside one answer, in bytes.
    fn most_at_once(&self) -> u64 {
        let answer = match &self.caller {
            Some(_) => LARGEST_ANSWER,
            None => LARGEST_MESSAGE,
        };
        // As base64, and a little for what is around it.
        (answer as u64 - 4096) / 4 * 3
    }

    /// Sends segments to a room.
    async fn send_segments(&self, place: &Place, message: Value) -> Result<String, CallError> {
        let (action, params) = match place {
            Place::Private(user) => ("send_private_msg", json!({"user_id": user})),
            Place::Member { group, user } => (
                "send_private_msg",
                json!({"user_id": user, "group_id": group}),
            ),
            Place::Group(group) => ("send_group_msg", json!({"group_id": group})),
        };
        let mut params = params;
        params["message"] = message;
        let limit = limit_for(text_bytes(&params["message"]));
        let data = self.call_within(action, &params, limit).await?;
        let id = answer::message_id(&data)?;
        lock(&self.ours).insert((*place, id.clone()), ());
        Ok(id)
    }

    /// Learns whether a message answers one of ours.
    async fn complete(&self, read: Read) -> jarvis_proto::chat::Event {
        let Read {
            mut event,
            depends_on,
        } = read;
        let Some(answered) = depends_on else {
            return event;
        };
        let room = event.room.as_ref().map_or("", |room| room.id.as_str());
        let is_known = room
            .parse()
            .is_ok_and(|place: Place| lock(&self.ours).get(&(place, answered.clone())).is_some());
        let is_ours = is_known || {
            let params =
                json!({"message_id": answered.parse::<i64>().map_or(json!(answered), Value::from)});
            let asked = self.call_within("get_msg", &params, ASK_LIMIT).await;
            asked.is_ok_and(|message| {
                inbound::number(&message["sender"]["user_id"]) == Some(self.myself.id)
            })
        };
        if is_ours {
            event.addressed = true;
            if let Some(event::Kind::Message(message)) = &mut event.kind {
                message.reply_to_bot = true;
            }
        }
        event
    }
}

#[async_trait]
impl Account for OneBot {
    fn myself(&self) -> Myself {
        self.myself.clone()
    }

    fn file_limit(&self, wanted: u64) -> u64 {
        files::largest(&self.abilities, wanted)
    }

    async fn send(&self, place: &Place, draft: Draft) -> Result<String, CallError> {
        let mut message = segments(&draft.pieces);
        if !draft.reply_to.is_empty() {
            message.insert(0, json!({"type": "reply", "data": {"id": draft.reply_to}}));
        }
        self.send_segments(place, Value::from(message)).await
    }

    async fn send_file(&self, place: &Place, file: File<'_>) -> Result<String, CallError> {
        files::send(self, place, &file).await
    }

    async fn delete(&self, place: &Place, message_id: &str) -> Result<(), CallError> {
        lock(&self.ours).remove(&(*place, message_id.to_owned()));
        let id = message_id
            .parse::<i64>()
            .map_or_else(|_| json!(message_id), Value::from);
        match self.call("delete_msg", json!({"message_id": id})).await {
            Ok(_) | Err(CallError::Gone(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn look(&self) -> Vec<Finding> {
        let told = timeout(EVENT_LIMIT, self.line.ahead()).await;
        let events = |detail, remedy| Finding::new("events", detail, remedy);
        let Ok(ahead) = told else {
            // Over a WebSocket nothing but a heartbeat that is off keeps events from coming.
            let remedy = self.caller.as_ref().map(|_| {
                "set the address of `onebot.listen` as the program's HTTP client, turn its heartbeat on, \
                 and check again"
            });
            let waited = EVENT_LIMIT.as_secs();
            let detail = format!("none came within {waited} s, so the clocks cannot be compared");
            return vec![events(detail, remedy)];
        };
        let mut findings = vec![events("the program tells us of them".to_owned(), None)];
        findings
            .extend(ahead.map(|ahead| Finding::of_clock(crate::now_ms().saturating_add(ahead))));
        findings
    }

    async fn open(&self, attachment: &Attachment) -> Result<ByteStream, AdapterError> {
        files::open(self, attachment).await
    }

    async fn receive(&self, inbox: Inbox, stop: CancellationToken) -> Result<(), AdapterError> {
        let Some(mut events) = lock(&self.events).take() else {
            return Ok(());
        };
        let mut refused = self.refused.clone();
        let mut storing = Storing::default();
        loop {
            let told = tokio::select! {
                told = events.recv() => told,
                () = stop.cancelled() => break,
                Ok(_) = refused.wait_for(|refused| *refused) => {
                    return Err(AdapterError::Token { platform: KIND });
                }
            };
            let Some(Told { value, stored }) = told else {
                break;
            };
            let reader = Reader {
                myself: self.myself.id,
                language: &self.language,
                has_file_segments: self.abilities.has_file_segments,
            };
            let Some(read) = reader.read(&value, crate::now_ms()) else {
                told::done(stored);
                continue;
            };
            let event = self.complete(read).await;
            let acceptance = tokio::select! {
                acceptance = inbox.deliver(event) => acceptance,
                () = stop.cancelled() => break,
            };
            // Over a WebSocket nobody waits: OneBot has no way there to hear that it was stored.
            storing.add(stored, acceptance);
        }
        *lock(&self.events) = Some(events);
        Ok(())
    }
}

/// Bytes of all texts in a message, files among them.
fn text_bytes(value: &Value) -> u64 {
    match value {
        Value::String(text) => text.len() as u64,
        Value::Array(values) => values.iter().map(text_bytes).sum(),
        Value::Object(values) => values.values().map(text_bytes).sum(),
        _ => 0,
    }
}

/// Pieces as segments of an array.
fn segments(pieces: &[Piece]) -> Vec<Value> {
    let segment = |piece: &Piece| match piece {
        Piece::Text(text) => json!({"type": "text", "data": {"text": text}}),
        Piece::At(person) => json!({"type": "at", "data": {"qq": person.to_string()}}),
    };
    pieces.iter().map(segment).collect()
}
