//! The WebSocket gateway.

use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::Shared;
use super::state::{Push, Session};

/// Bits that exist.
const KNOWN_INTENTS: u64 = 1
    | 1 << 1
    | 1 << 9
    | 1 << 10
    | 1 << 12
    | 1 << 24
    | 1 << 25
    | 1 << 26
    | 1 << 27
    | 1 << 28
    | 1 << 29
    | 1 << 30;
const GREETING_LIMIT: Duration = Duration::from_secs(10);

pub(super) async fn serve(shared: Arc<Shared>, listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            if shared.quietly(|state| state.is_down) {
                return;
            }
            if let Ok(socket) = tokio_tungstenite::accept_async(stream).await {
                talk(&shared, socket).await;
            }
        });
    }
}

async fn talk(shared: &Shared, mut socket: WebSocketStream<TcpStream>) {
    let every = shared.quietly(|state| state.settings.heartbeat);
    let interval = u64::try_from(every.as_millis()).expect("short");
    let hello = json!({"op": 10, "d": {"heartbeat_interval": interval}});
    if socket.send(Message::text(hello.to_string())).await.is_err() {
        return;
    }
    let (sender, mut pushes) = mpsc::unbounded_channel();
    let greeting = tokio::time::timeout(GREETING_LIMIT, next(&mut socket)).await;
    let Ok(Some(greeting)) = greeting else { return };
    let frames = match greet(shared, &greeting, &sender) {
        Ok(frames) => frames,
        Err(Refused::Close(code)) => return close(&mut socket, code).await,
        Err(Refused::Frame(frame)) => {
            let _ = socket.send(Message::text(frame.to_string())).await;
            return;
        }
    };
    for frame in frames {
        if socket.send(Message::text(frame.to_string())).await.is_err() {
            return;
        }
    }
    let mut dies_at = Instant::now() + every * 3 / 2;
    loop {
        tokio::select! {
            push = pushes.recv() => match push {
                Some(Push::Frame(frame)) => {
                    if socket.send(Message::text(frame.to_string())).await.is_err() {
                        return;
                    }
                }
                Some(Push::Close(code)) => return close(&mut socket, code).await,
                // Another connection has taken over, or the line is cut.
                Some(Push::Cut) | None => return,
            },
            frame = next(&mut socket) => {
                let Some(frame) = frame else { return };
                match frame["op"].as_u64() {
                    Some(1) => {
                        dies_at = Instant::now() + every * 3 / 2;
                        shared.with(|state| state.heartbeats += 1);
                        let answer = json!({"op": 11}).to_string();
                        if socket.send(Message::text(answer)).await.is_err() {
                            return;
                        }
                    }
                    Some(2 | 6) => return close(&mut socket, 4002).await,
                    _ => return close(&mut socket, 4001).await,
                }
            }
            () = sleep_until(dies_at) => return close(&mut socket, 4009).await,
        }
    }
}

enum Refused {
    Close(u16),
    Frame(Value),
}

/// Identify or resume; returns what is sent at once.
fn greet(
    shared: &Shared,
    frame: &Value,
    sender: &mpsc::UnboundedSender<Push>,
) -> Result<Vec<Value>, Refused> {
    let d = &frame["d"];
    shared.with(|state| {
        let op = frame["op"].as_u64();
        if !matches!(op, Some(2 | 6)) {
            return Err(Refused::Close(4003));
        }
        let is_known = state
            .token
            .as_ref()
            .is_some_and(|token| d["token"] == format!("QQBot {token}"));
        if !is_known {
            return Err(Refused::Close(4004));
        }
        if op == Some(6) {
            state.resumes += 1;
            let Some(session) = &state.session else {
                return Err(Refused::Frame(json!({"op": 9, "d": false})));
            };
            if d["session_id"] != session.id.as_str() {
                return Err(Refused::Frame(json!({"op": 9, "d": false})));
            }
            let last = session.frames.len() as u64 + 1;
            let Some(seq) = d["seq"].as_u64().filter(|seq| *seq <= last) else {
                return Err(Refused::Close(4007));
            };
            let missed = session.frames.iter();
            let mut frames: Vec<Value> = missed
                .filter(|frame| frame["s"].as_u64() > Some(seq))
                .cloned()
                .collect();
            frames.push(json!({"op": 0, "s": last, "t": "RESUMED", "d": ""}));
            state.live = Some(sender.clone());
            return Ok(frames);
        }
        let intents = d["intents"].as_u64().unwrap_or_default();
        if intents & KNOWN_INTENTS != intents || intents == 0 {
            return Err(Refused::Close(4013));
        }
        if intents & !state.settings.intents != 0 {
            return Err(Refused::Close(4014));
        }
        if d["shard"] != json!([0, 1]) {
            return Err(Refused::Close(4010));
        }
        state.identifies += 1;
        let id = format!("session-{}", state.next_id());
        let ready = json!({"op": 0, "s": 1, "t": "READY", "d": {
            "version": 1,
            "session_id": id,
            "user": {"id": "BOT", "username": "jarvis", "bot": true},
            "shard": [0, 1],
        }});
        state.session = Some(Session {
            id,
            intents,
            frames: Vec::new(),
        });
        state.live = Some(sender.clone());
        Ok(vec![ready])
    })
}

async fn next(socket: &mut WebSocketStream<TcpStream>) -> Option<Value> {
    loop {
        match socket.next().await?.ok()? {
            Message::Text(text) => return serde_json::from_str(text.as_str()).ok(),
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

async fn close(socket: &mut WebSocketStream<TcpStream>, code: u16) {
    let frame = CloseFrame {
        code: code.into(),
        reason: "as the story wants it".into(),
    };
    // The other side may be gone already.
    let _ = socket.close(Some(frame)).await;
}
