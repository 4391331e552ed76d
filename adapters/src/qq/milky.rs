//! Milky 1.2: calls by HTTP, events on one of three ways.

mod events;
mod files;
mod inbound;
mod socket;
mod sse;
mod webhook;

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use jarvis_proto::chat::Attachment;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use self::events::{Ears, Hearing};
use self::inbound::Reader;
use self::webhook::Webhook;
use super::account::{Account, CALL_LIMIT, CallError, Draft, File, Myself, Piece, limit_for};
use super::caller::Caller;
use super::config::{Config, MilkyEvents};
use super::place::Place;
use super::told::{self, Storing, Told};
use super::{KIND, lock, posted, words};
use crate::adapter::{AdapterError, ByteStream, Inbox};
use crate::host::retry;
use crate::look::Finding;
use crate::remote_file::Fetcher;

/// How long `--check` waits for the way of events.
const EVENTS_LIMIT: Duration = Duration::from_secs(8);

/// What to do where events do not come on the way that was set.
const OTHER_WAY: Option<&str> = Some(
    "turn events on in the program, on the way that `onebot.transport` names, or set `onebot.transport` \
     to one that it has: milky (WebSocket), milky-sse or milky-webhook",
);

/// One account behind a Milky protocol end.
#[derive(Debug)]
pub(super) struct Milky {
    caller: Caller,
    events: Mutex<Option<mpsc::Receiver<Told>>>,
    hearing: watch::Receiver<Hearing>,
    way: MilkyEvents,
    _listening: AbortOnDropHandle<()>,
    myself: Myself,
    language: String,
    fetcher: Fetcher,
}

impl Milky {
    /// Waits until the protocol end tells who is logged in. Cancel-safe.
    pub(super) async fn connect(
        config: &Config,
        url: &Url,
        way: MilkyEvents,
    ) -> Result<Self, AdapterError> {
        let setting = |error: reqwest::Error| AdapterError::Setting {
            setting: "onebot",
            detail: error.to_string(),
        };
        let fetcher = Fetcher::new(config.download_limit).map_err(setting)?;
        fetcher.trust(url.host_str().unwrap_or_default().to_owned());
        let (sender, events) = told::channel();
        let (hearing_sender, hearing) = watch::channel(Hearing::Waiting);
        let token = config.token.clone();
        let ears = Ears {
            events: sender.clone(),
            hearing: hearing_sender,
        };
        let listening = match way {
            MilkyEvents::WebSocket => tokio::spawn(socket::keep(url.clone(), token, ears)),
            MilkyEvents::Sse => {
                let client = sse::client().map_err(setting)?;
                tokio::spawn(sse::keep(client, url.clone(), token, ears))
            }
            MilkyEvents::Webhook { listen } => {
                let door = Webhook {
                    events: sender,
                    token,
                };
                tokio::spawn(posted::listen(listen, door).await?)
            }
        };
        let mut account = Self {
            caller: Caller::new(url, &["api"], config.token.clone()).map_err(setting)?,
            events: Mutex::new(Some(events)),
            hearing,
            way,
            _listening: AbortOnDropHandle::new(listening),
            myself: Myself {
                id: 0,
                name: String::new(),
            },
            language: config.language.clone(),
            fetcher,
        };
        account.myself = account.who().await?;
        let program = account.call("get_impl_info", json!({})).await;
        let told = |key: &str| {
            let value = program.as_ref().ok().and_then(|info| info[key].as_str());
            value.unwrap_or_default().to_owned()
        };
        tracing::info!(
            program = told("impl_name"),
            version = told("impl_version"),
            milky = told("milky_version"),
            "the QQ program answers"
        );
        Ok(account)
    }

    /// Asks who is logged in until there is an answer.
    async fn who(&self) -> Result<Myself, AdapterError> {
        let mut delays = retry::delays();
        loop {
            let error = match self.call("get_login_info", json!({})).await {
                Ok(info) => match info["uin"].as_i64() {
                    Some(id) => {
                        let name = info["nickname"].as_str().unwrap_or_default().to_owned();
                        return Ok(Myself { id, name });
                    }
                    None => CallError::Passing("nobody is logged in".to_owned()),
                },
                Err(CallError::Token) => return Err(AdapterError::Token { platform: KIND }),
                Err(error) => error,
            };
            tracing::warn!(%error, "the QQ program does not say who is logged in, trying again");
            sleep(delays.next().unwrap_or(CALL_LIMIT)).await;
        }
    }

    async fn call(&self, name: &'static str, params: Value) -> Result<Value, CallError> {
        self.call_within(name, &params, CALL_LIMIT).await
    }

    async fn call_within(
        &self,
        name: &'static str,
        params: &Value,
        limit: Duration,
    ) -> Result<Value, CallError> {
        read(name, self.caller.call(name, params, limit).await?)
    }

    async fn send_segments(&self, place: &Place, message: Value) -> Result<String, CallError> {
        let (name, mut params) = match place {
            Place::Private(user) | Place::Member { user, .. } => {
                ("send_private_message", json!({"user_id": user}))
            }
            Place::Group(group) => ("send_group_message", json!({"group_id": group})),
        };
        params["message"] = message;
        let limit = limit_for(params["message"].to_string().len() as u64);
        let sent = self.call_within(name, &params, limit).await?;
        match sent["message_seq"].as_i64() {
            Some(seq) if seq != 0 => Ok(seq.to_string()),
            _ => Err(CallError::Swallowed),
        }
    }

    /// Whether events reach us, as far as can be seen without one.
    async fn look_at_events(&self) -> Finding {
        let found = |detail: &str, remedy| Finding::new("events", detail.to_owned(), remedy);
        if let MilkyEvents::Webhook { listen } = self.way {
            let detail = format!(
                "listening on {listen}; that the program posts there is seen only when somebody writes"
            );
            return found(&detail, None);
        }
        let mut hearing = self.hearing.clone();
        let known = hearing.wait_for(|hearing| *hearing != Hearing::Waiting);
        let known = timeout(EVENTS_LIMIT, known).await;
        let hearing = match known {
            Ok(Ok(hearing)) => hearing.clone(),
            Ok(Err(_)) | Err(_) => Hearing::Waiting,
        };
        match hearing {
            Hearing::Open => found("the program tells us of them", None),
            // It may say its first word with the first event.
            Hearing::Waiting if self.way == MilkyEvents::Sse => {
                found("asked for; the program has said nothing yet", None)
            }
            Hearing::Waiting => found("no connection in time", OTHER_WAY),
            Hearing::Broken(reason) => found(&reason, OTHER_WAY),
            Hearing::Refused => found(
                "the program refuses our token there",
                Some("set the same token here and there"),
            ),
        }
    }
}

/// The data of an answer.
fn read(name: &'static str, mut answer: Value) -> Result<Value, CallError> {
    let code = answer["retcode"].as_i64();
    if answer["status"] == "ok" || code == Some(0) {
        return Ok(answer["data"].take());
    }
    let Some(code) = code else {
        return Err(CallError::Unreadable(format!("`{name}` has no code")));
    };
    let text = answer["message"].as_str().unwrap_or_default();
    let detail: String = if text.is_empty() {
        format!("`{name}` failed with code {code}")
    } else {
        text.chars().take(200).collect()
    };
    Err(match code {
        -400 => CallError::Refused(detail),
        // Nobody is logged in: nothing reaches QQ until somebody is.
        -403 => CallError::Away(detail),
        -404 => CallError::Gone(detail),
        _ => words::meaning(text, detail),
    })
}

#[async_trait]
impl Account for Milky {
    fn myself(&self) -> Myself {
        self.myself.clone()
    }

    fn file_limit(&self, wanted: u64) -> u64 {
        files::largest(wanted)
    }

    async fn send(&self, place: &Place, draft: Draft) -> Result<String, CallError> {
        let mut message = segments(&draft.pieces);
        if let Ok(seq) = draft.reply_to.parse::<i64>() {
            message.insert(0, json!({"type": "reply", "data": {"message_seq": seq}}));
        }
        self.send_segments(place, Value::from(message)).await
    }

    async fn send_file(&self, place: &Place, file: File<'_>) -> Result<String, CallError> {
        files::send(self, place, &file).await
    }

    async fn delete(&self, place: &Place, message_id: &str) -> Result<(), CallError> {
        let seq: i64 = message_id
            .parse()
            .map_err(|_| CallError::Refused(format!("`{message_id}` is no message of Milky")))?;
        let (name, params) = match place {
            Place::Group(group) => (
                "recall_group_message",
                json!({"group_id": group, "message_seq": seq}),
            ),
            Place::Private(user) | Place::Member { user, .. } => (
                "recall_private_message",
                json!({"user_id": user, "message_seq": seq}),
            ),
        };
        match self.call(name, params).await {
            Ok(_) | Err(CallError::Gone(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn look(&self) -> Vec<Finding> {
        let mut findings = vec![self.look_at_events().await];
        let time = self.caller.time_ms().await;
        findings.extend(time.map(Finding::of_clock));
        findings
    }

    async fn open(&self, attachment: &Attachment) -> Result<ByteStream, AdapterError> {
        files::open(self, attachment).await
    }

    async fn receive(&self, inbox: Inbox, stop: CancellationToken) -> Result<(), AdapterError> {
        let Some(mut events) = lock(&self.events).take() else {
            return Ok(());
        };
        let reader = Reader {
            myself: self.myself.id,
            language: &self.language,
        };
        let mut hearing = self.hearing.clone();
        let mut storing = Storing::default();
        loop {
            let told = tokio::select! {
                // Whoever is refused sends no more events either: that is not the end of them.
                biased;
                () = stop.cancelled() => break,
                Ok(_) = hearing.wait_for(|hearing| *hearing == Hearing::Refused) => {
                    return Err(AdapterError::Token { platform: KIND });
                }
                told = events.recv() => told,
            };
            let Some(Told { value, stored }) = told else {
                break;
            };
            let Some(event) = reader.read(&value, crate::now_ms()) else {
                told::done(stored);
                continue;
            };
            // On a connection nobody waits: Milky has no way there to hear that an event was stored.
            tokio::select! {
                acceptance = inbox.deliver(event) => storing.add(stored, acceptance),
                () = stop.cancelled() => break,
            }
        }
        *lock(&self.events) = Some(events);
        Ok(())
    }
}

/// Pieces as outgoing segments.
fn segments(pieces: &[Piece]) -> Vec<Value> {
    let segment = |piece: &Piece| match piece {
        Piece::Text(text) => json!({"type": "text", "data": {"text": text}}),
        Piece::At(person) => json!({"type": "mention", "data": {"user_id": person}}),
    };
    pieces.iter().map(segment).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_whether_to_try_again() {
        let failed = |code: i64, message: &str| {
            read(
                "x",
                json!({"status": "failed", "retcode": code, "message": message}),
            )
        };
        assert!(matches!(failed(-400, "bad"), Err(CallError::Refused(_))));
        assert!(matches!(
            failed(-403, "not logged in"),
            Err(CallError::Away(_))
        ));
        assert!(matches!(failed(-404, ""), Err(CallError::Gone(_))));
        assert!(matches!(
            failed(-500, "你已被禁言"),
            Err(CallError::Forbidden(_))
        ));
        assert!(matches!(failed(-500, "oops"), Err(CallError::Passing(_))));
        assert!(matches!(
            read("x", json!([])),
            Err(CallError::Unreadable(_))
        ));
        let good = read("x", json!({"status": "ok", "retcode": 0, "data": {"a": 1}}));
        assert_eq!(good.ok(), Some(json!({"a": 1})));
    }
}
