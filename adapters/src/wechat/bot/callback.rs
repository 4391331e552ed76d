//! Being called by WeCom.
//!
//! There is no pushing here: a callback is answered in its own response, by a bubble for whose further
//! states WeCom comes to ask, and by one message to its `response_url`. What finds no way waits until
//! somebody speaks.

mod guard;
mod send;
mod slot;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use jarvis_proto::chat::{ReplyContext, event};
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

pub(super) use self::send::Sender;
pub(super) use self::slot::Polled;

use self::guard::Guard;
use self::slot::{Answer, Slot, Token};
use super::bubble::stream;
use super::config;
use super::core::Core;
use super::inbound::{self, Callback, Heard, What, in_ms};
use super::outbound::joined;
use super::send::card_body;
use crate::adapter::{AdapterError, Inbox};
use crate::now_ms;
use crate::wechat::crypto::Envelope;

/// Largest call, in bytes.
const LARGEST: usize = 1 << 20;
/// WeCom waits five seconds.
const ANSWER_LIMIT: Duration = Duration::from_millis(4500);
/// How long the first word of an answer is waited for, so that it goes with the response.
const FIRST_WORD: Duration = Duration::from_millis(1500);
/// How long a `response_url` is good.
const URL_LIFE: Duration = Duration::from_secs(3600);
/// A bubble into which nobody has said anything is closed after this.
const SILENCE: Duration = Duration::from_secs(60);
/// What a bubble shows before there is anything.
const WAITING: &str = "…";

/// What answers calls.
pub(super) struct Door {
    core: Arc<Core>,
    envelope: Arc<Envelope>,
    guard: Guard,
    inbox: Option<Inbox>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Signed {
    msg_signature: String,
    timestamp: String,
    nonce: String,
    echostr: String,
}

#[derive(Debug, Deserialize)]
struct Encrypted {
    encrypt: String,
}

impl Door {
    /// `inbox`: `None` while only the address is tried out.
    pub(super) fn new(core: Arc<Core>, envelope: Arc<Envelope>, inbox: Option<Inbox>) -> Self {
        Self {
            guard: Guard::new(core.config.rules.clock),
            core,
            envelope,
            inbox,
        }
    }

    /// What is served on a path.
    pub(super) fn router(self, path: &str) -> Router {
        Router::new()
            .route(path, get(verify).post(call))
            .layer(DefaultBodyLimit::max(LARGEST))
            .with_state(Arc::new(self))
    }
}

/// Listens until `stop`.
///
/// # Errors
/// The address cannot be listened on.
pub(super) async fn listen(
    core: Arc<Core>,
    to: &config::Callback,
    envelope: Arc<Envelope>,
    inbox: Inbox,
    stop: &CancellationToken,
) -> Result<(), AdapterError> {
    let listener = TcpListener::bind(to.listen)
        .await
        .map_err(|error| AdapterError::Setting {
            setting: "wecom.callback.listen",
            detail: format!("`{}` cannot be listened on: {error}", to.listen),
        })?;
    let router = Door::new(core, envelope, Some(inbox)).router(to.address.path());
    tracing::info!(listen = %to.listen, path = to.address.path(), "WeCom may call this robot");
    axum::serve(listener, router)
        .with_graceful_shutdown(stop.clone().cancelled_owned())
        .await
        .map_err(AdapterError::from)
}

/// WeCom tries the address out.
async fn verify(State(door): State<Arc<Door>>, Query(signed): Query<Signed>) -> Response {
    match door.open(&signed, &signed.echostr) {
        Ok(echo) => echo.into_response(),
        Err(status) => status.into_response(),
    }
}

/// One call. It is confirmed only after the brain has stored its event.
async fn call(
    State(door): State<Arc<Door>>,
    Query(signed): Query<Signed>,
    body: Bytes,
) -> Response {
    let until = Instant::now() + ANSWER_LIMIT;
    let Ok(body) = serde_json::from_slice::<Encrypted>(&body) else {
        tracing::warn!("a call of the robot's address held nothing encrypted");
        return StatusCode::BAD_REQUEST.into_response();
    };
    let opened = match door.open(&signed, &body.encrypt) {
        Ok(opened) => opened,
        Err(status) => return status.into_response(),
    };
    let Ok(body) = serde_json::from_slice::<Value>(&opened) else {
        tracing::warn!("a callback of WeCom held no JSON");
        return StatusCode::BAD_REQUEST.into_response();
    };
    let Ok(Some(answer)) = timeout_at(until, door.answer(body, until)).await else {
        // It comes again, and the brain knows events that it has stored.
        tracing::warn!("a callback could not be stored in time");
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    door.guard.taken(&signed.timestamp, &signed.nonce);
    match answer {
        Some(answer) => door.seal(&answer),
        None => StatusCode::OK.into_response(),
    }
}

impl Door {
    fn open(&self, signed: &Signed, encrypted: &str) -> Result<Vec<u8>, StatusCode> {
        let opened = self.envelope.open(
            &signed.msg_signature,
            &signed.timestamp,
            &signed.nonce,
            encrypted,
        );
        let opened = opened.map_err(|refused| {
            tracing::warn!(%refused, "a call of the robot's address is not WeCom's");
            StatusCode::FORBIDDEN
        })?;
        self.guard
            .check(&signed.timestamp, &signed.nonce)
            .map_err(|stale| {
                tracing::warn!(%stale, "a callback of WeCom is refused");
                StatusCode::FORBIDDEN
            })?;
        Ok(opened)
    }

    fn seal(&self, answer: &Value) -> Response {
        let timestamp = now_ms() / 1000;
        let nonce = uuid::Uuid::new_v4().simple().to_string();
        let sealed = self.envelope.seal(
            rand::random(),
            &timestamp.to_string(),
            &nonce,
            answer.to_string().as_bytes(),
        );
        let body = json!({
            "encrypt": sealed.encrypt,
            "msgsignature": sealed.signature,
            "timestamp": timestamp,
            "nonce": nonce,
        });
        let kind = [(header::CONTENT_TYPE, "application/json")];
        (kind, body.to_string()).into_response()
    }

    /// What to answer; the outer `None`: the event could not be stored.
    async fn answer(&self, body: Value, until: Instant) -> Option<Option<Value>> {
        let config = &self.core.config;
        match inbound::read(&body, &config.name, &config.language) {
            Callback::Poll { stream } => Some(Some(self.poll(&stream))),
            Callback::Heard(heard) => self.hear(*heard, &body, until).await,
            Callback::TakenOver | Callback::Nothing => {
                tracing::debug!(
                    msgtype = body["msgtype"].as_str(),
                    "a callback is passed over"
                );
                Some(None)
            }
        }
    }

    /// WeCom asks how a bubble looks now.
    fn poll(&self, id: &str) -> Value {
        let slot = self.core.polled.slot(id, None);
        let rules = &self.core.config.rules;
        match slot.answer() {
            Answer::Text(text, is_last) => {
                if !is_last && slot.age() >= rules.stream_life {
                    slot.close();
                    let later = format!("\n\n{}", self.core.words().later);
                    return stream(id, &joined(&text, &later, rules.text_limit), true);
                }
                stream(id, &text, is_last)
            }
            Answer::Card(_) | Answer::Nothing => {
                let is_over = slot.is_closed() || slot.age() >= SILENCE;
                if is_over {
                    slot.close();
                }
                stream(id, WAITING, is_over)
            }
        }
    }

    async fn hear(&self, mut heard: Heard, body: &Value, until: Instant) -> Option<Option<Value>> {
        let inbox = self.inbox.as_ref()?;
        let url = body["response_url"].as_str().map(str::to_owned);
        let id = slot_id(&heard.event.id);
        let has_bubble = !matches!(heard.what, What::Press { .. });
        let slot = self
            .core
            .polled
            .heard(&heard.place, &id, url.clone(), has_bubble);
        heard.name_message(&id);
        heard.event.reply_context = Some(ReplyContext {
            token: Token { slot: id, url }.written(),
            expires_ms: now_ms().saturating_add(in_ms(URL_LIFE)),
        });
        if let Some(event::Kind::Message(message)) = &mut heard.event.kind {
            self.core.media.name(&mut message.attachments).await;
        }
        if !inbox.deliver(heard.event).await.wait().await {
            return None;
        }
        let answer = match heard.what {
            What::Press { task, key } if task.is_empty() => {
                tracing::debug!(key, "a press names no card");
                None
            }
            What::Press { task, key } => Some(self.core.pressed(&task, &key)),
            What::Entered => self.greeting(&slot, until).await,
            What::Message => Some(self.first(&slot, until).await),
        };
        Some(answer)
    }

    /// The first word of an answer, or a bubble that waits for it.
    async fn first(&self, slot: &Slot, until: Instant) -> Value {
        slot.speaks(left(until)).await;
        match slot.answer() {
            Answer::Text(text, is_last) => stream(&slot.id, &text, is_last),
            Answer::Card(card) => card_body(&card),
            Answer::Nothing => stream(&slot.id, WAITING, false),
        }
    }

    /// A greeting goes with the response or not at all.
    async fn greeting(&self, slot: &Slot, until: Instant) -> Option<Value> {
        slot.speaks(left(until)).await;
        let answer = slot.answer();
        slot.close();
        match answer {
            Answer::Text(text, _) => {
                Some(json!({ "msgtype": "text", "text": { "content": text } }))
            }
            Answer::Card(card) => Some(card_body(&card)),
            Answer::Nothing => None,
        }
    }
}

/// How long the first word may still be waited for.
fn left(until: Instant) -> Duration {
    const RESERVE: Duration = Duration::from_millis(300);
    until
        .saturating_duration_since(Instant::now())
        .saturating_sub(RESERVE)
        .min(FIRST_WORD)
}

/// The same for the same event: WeCom may deliver it twice.
fn slot_id(event: &str) -> String {
    let digest = digest(&SHA256, event.as_bytes());
    format!("{}{}", slot::MARK, hex::encode(&digest.as_ref()[..16]))
}
