//! The WebSocket gateway: identify or resume, heartbeats, and what each way of ending means.

use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use super::api::{CALL_LIMIT, CallError};
use super::closing::{After, after_close};
use super::frame::{Frame, op};
use super::intake::Intake;
use super::session::Sessions;
use super::token::TokenError;
use crate::adapter::{Acceptance, AdapterError};
use crate::host::retry;
use crate::websocket::{Socket, dial};

/// Private and group messages, and pressed buttons.
const INTENTS: u32 = (1 << 25) | (1 << 26);
/// How long the gateway may take to say hello, and to begin a session.
const GREETING_LIMIT: Duration = Duration::from_secs(20);
/// Frames that wait for the brain.
const WAITING: usize = 256;
/// After so many vain tries to go on with a session a new one is begun.
const MOST_RESUMES: u32 = 3;
/// Heartbeats come this often, whatever the gateway asks for, in milliseconds.
const HEARTBEATS: std::ops::RangeInclusive<u64> = 100..=60_000;

/// An event on its way to the brain: its session's generation, its number, the frame.
type Numbered<T> = (u64, Option<u64>, T);

struct Gateway {
    intake: Intake,
    sessions: Arc<Sessions>,
    /// Where the gateway is; the API is asked seldom.
    url: Option<Url>,
    frames: mpsc::Sender<Numbered<Frame>>,
    is_welcome: bool,
    /// How often in a row going on with the session was asked for in vain.
    resumes: u32,
}

/// Listens until `stop`.
///
/// # Errors
/// What no waiting can cure: refused credentials, a banned bot.
pub(super) async fn listen(
    intake: Intake,
    sessions: Arc<Sessions>,
    stop: &CancellationToken,
) -> Result<(), AdapterError> {
    let (frames, waiting) = mpsc::channel(WAITING);
    let (handed_over, accepting) = mpsc::channel(WAITING);
    let delivering = tokio::spawn(deliver(intake.clone(), waiting, handed_over));
    let delivering = AbortOnDropHandle::new(delivering);
    let accepted = AbortOnDropHandle::new(tokio::spawn(accept(sessions.clone(), accepting)));
    let mut gateway = Gateway {
        url: intake.core.config.gateway_url.clone(),
        intake,
        sessions: sessions.clone(),
        frames,
        is_welcome: false,
        resumes: 0,
    };
    let ended = tokio::select! {
        ended = gateway.keep() => ended,
        () = stop.cancelled() => Ok(()),
    };
    drop((delivering, accepted));
    // The gateway keeps a session for a while: the next process goes on with it.
    sessions.write().await;
    ended
}

/// Hands frames over in their order.
async fn deliver(
    intake: Intake,
    mut frames: mpsc::Receiver<Numbered<Frame>>,
    handed_over: mpsc::Sender<Numbered<Option<Acceptance>>>,
) {
    while let Some((generation, number, frame)) = frames.recv().await {
        let acceptance = intake.take(&frame).await;
        if handed_over
            .send((generation, number, acceptance))
            .await
            .is_err()
        {
            return;
        }
    }
}

/// Notes how far the brain has stored what came. What it has not comes again after a restart.
async fn accept(
    sessions: Arc<Sessions>,
    mut handed_over: mpsc::Receiver<Numbered<Option<Acceptance>>>,
) {
    while let Some((generation, number, acceptance)) = handed_over.recv().await {
        if let Some(acceptance) = acceptance
            && !acceptance.wait().await
        {
            return;
        }
        if let Some(number) = number {
            sessions.advance(generation, number).await;
        }
    }
}

impl Gateway {
    async fn keep(&mut self) -> Result<(), AdapterError> {
        let mut delays = retry::delays();
        loop {
            self.is_welcome = false;
            let after = self.connection().await?;
            if self.is_welcome {
                delays = retry::delays();
                self.resumes = 0;
            } else if self.resumes >= MOST_RESUMES {
                self.resumes = 0;
                self.sessions.end().await;
            }
            let mut wait = delays.next().unwrap_or(CALL_LIMIT);
            match after {
                After::Resume => {}
                After::Identify => self.sessions.end().await,
                After::NewToken => {
                    if let Ok(token) = self.intake.core.api.tokens.get().await {
                        self.intake.core.api.tokens.refused(&token);
                    }
                }
                After::Wait(least) => wait = wait.max(least),
                After::Stop(detail) => {
                    return Err(AdapterError::Call {
                        call: "the QQ gateway",
                        detail,
                    });
                }
            }
            sleep(wait).await;
        }
    }

    /// One connection, from dialling to its end.
    async fn connection(&mut self) -> Result<After, AdapterError> {
        let url = match self.address().await {
            Ok(url) => url,
            Err(error) => return away(&error),
        };
        let mut socket = match dial(&url, &[]).await {
            Ok(socket) => socket,
            Err(error) => return Ok(self.lost(&error.to_string())),
        };
        let hello = match timeout(GREETING_LIMIT, next_frame(&mut socket)).await {
            Ok(Ok(frame)) if frame.op == op::HELLO => frame,
            Ok(Ok(_)) => return Ok(self.lost("the gateway does not say hello")),
            Ok(Err(after)) => return Ok(after),
            Err(_) => return Ok(self.lost("no hello in time")),
        };
        let token = match self.intake.core.api.tokens.get().await {
            Ok(token) => token,
            Err(error) => return away(&error.into()),
        };
        let (generation, session) = self.sessions.current();
        let greeting = match &session {
            Some(session) => json!({
                "op": op::RESUME,
                "d": { "token": format!("QQBot {token}"), "session_id": session.id, "seq": session.seq },
            }),
            None => json!({
                "op": op::IDENTIFY,
                "d": {
                    "token": format!("QQBot {token}"),
                    "intents": INTENTS,
                    "shard": [0, 1],
                    "properties": { "$os": std::env::consts::OS, "$browser": "jarvis", "$device": "jarvis" },
                },
            }),
        };
        self.resumes += u32::from(session.is_some());
        if let Err(after) = send(&mut socket, &greeting).await {
            return Ok(after);
        }
        let asked = hello.d["heartbeat_interval"].as_u64().unwrap_or(30_000);
        // Well before the gateway would miss it.
        let every = (asked / 5 * 4).clamp(*HEARTBEATS.start(), *HEARTBEATS.end());
        let after = self
            .stay(&mut socket, Duration::from_millis(every), generation)
            .await;
        Ok(after)
    }

    /// Reads until the connection ends.
    async fn stay(&mut self, socket: &mut Socket, every: Duration, mut generation: u64) -> After {
        let mut heartbeat = interval_at(Instant::now() + every, every);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let welcome_by = sleep(GREETING_LIMIT);
        tokio::pin!(welcome_by);
        let mut is_answered = true;
        let mut last: Option<u64> = None;
        let frames = self.frames.clone();
        loop {
            let has_room = frames.capacity() > 0;
            let frame = tokio::select! {
                frame = next_frame(socket), if has_room => match frame {
                    Ok(frame) => frame,
                    Err(after) => return after,
                },
                // Only to wake up: the brain has taken something.
                _ = frames.reserve(), if !has_room => continue,
                _ = heartbeat.tick() => {
                    if !is_answered {
                        return self.lost("the gateway does not answer heartbeats");
                    }
                    is_answered = false;
                    if let Err(after) = send(socket, &json!({"op": op::HEARTBEAT, "d": last})).await {
                        return after;
                    }
                    continue;
                }
                () = &mut welcome_by, if !self.is_welcome => {
                    return self.lost("the gateway begins no session");
                }
            };
            match frame.op {
                op::DISPATCH => {
                    last = frame.s.or(last);
                    match frame.kind() {
                        "READY" => {
                            let Some(id) = frame.d["session_id"].as_str() else {
                                return self.lost("the gateway names no session");
                            };
                            self.is_welcome = true;
                            let seq = frame.s.unwrap_or_default();
                            generation = self.sessions.begin(id, seq).await;
                            let bot = frame.d["user"]["username"].as_str().unwrap_or_default();
                            tracing::info!(bot, "the QQ gateway knows us");
                        }
                        "RESUMED" => {
                            self.is_welcome = true;
                            tracing::info!("the QQ gateway goes on with the session");
                        }
                        _ => {
                            let number = frame.s;
                            // There is room: nobody else sends.
                            let _ = frames.send((generation, number, frame)).await;
                        }
                    }
                }
                op::HEARTBEAT_ACK => is_answered = true,
                op::HEARTBEAT => {
                    let beat = json!({"op": op::HEARTBEAT, "d": last});
                    if let Err(after) = send(socket, &beat).await {
                        return after;
                    }
                }
                op::RECONNECT => {
                    tracing::info!("the QQ gateway asks us to connect anew");
                    return After::Resume;
                }
                op::INVALID_SESSION if frame.d == true => return After::Resume,
                op::INVALID_SESSION => {
                    tracing::info!("the QQ gateway no longer knows the session");
                    return After::Identify;
                }
                other => tracing::debug!(op = other, "a frame is passed over"),
            }
        }
    }

    async fn address(&mut self) -> Result<Url, CallError> {
        if let Some(url) = &self.url {
            return Ok(url.clone());
        }
        let api = &self.intake.core.api;
        let answer = api
            .call(Method::GET, &["gateway"], None, CALL_LIMIT)
            .await?;
        match answer["url"].as_str().and_then(|url| Url::parse(url).ok()) {
            Some(url) => Ok(self.url.insert(url).clone()),
            None => Err(CallError::Away("the API names no gateway".to_owned())),
        }
    }

    /// The connection failed; where the gateway is, is asked again.
    fn lost(&mut self, detail: &str) -> After {
        tracing::warn!(detail, "the QQ gateway is lost, trying again");
        if self.intake.core.config.gateway_url.is_none() {
            self.url = None;
        }
        After::Resume
    }
}

fn away(error: &CallError) -> Result<After, AdapterError> {
    if let CallError::Token(TokenError::Refused(detail)) = error {
        tracing::error!(detail, "QQ refuses app id and secret");
        return Err(AdapterError::Token { platform: "QQ" });
    }
    tracing::warn!(%error, "the QQ gateway cannot be found, trying again");
    Ok(After::Resume)
}

async fn send(socket: &mut Socket, frame: &Value) -> Result<(), After> {
    let sent = socket.send(Message::text(frame.to_string()));
    match timeout(CALL_LIMIT, sent).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(broken(&error)),
        Err(_) => Err(After::Resume),
    }
}

/// The next frame; what is no frame is passed over.
async fn next_frame(socket: &mut Socket) -> Result<Frame, After> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => match serde_json::from_str(text.as_str()) {
                Ok(frame) => return Ok(frame),
                Err(error) => tracing::warn!(%error, "the QQ gateway sent something unreadable"),
            },
            Some(Ok(Message::Close(close))) => {
                let code = close.as_ref().map(|close| u16::from(close.code));
                let reason = close
                    .map(|close| close.reason.to_string())
                    .unwrap_or_default();
                tracing::warn!(code, reason, "the QQ gateway has closed the connection");
                return Err(code.map_or(After::Resume, |code| after_close(code, &reason)));
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(broken(&error)),
            None => return Err(After::Resume),
        }
    }
}

fn broken(error: &tungstenite::Error) -> After {
    tracing::warn!(%error, "the line to the QQ gateway broke");
    match error {
        // It would come again on the same session, for ever.
        tungstenite::Error::Capacity(_) => After::Identify,
        _ => After::Resume,
    }
}
