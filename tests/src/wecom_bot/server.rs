//! The long connection, and people's files.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State as Axum};
use axum::http::StatusCode;
use axum::http::header::CONTENT_DISPOSITION;
use axum::response::{IntoResponse as _, Response};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::Shared;
use super::commands;
use super::fault::Fault;
use super::state::{Call, Push, Refusal, State};

const LOGIN_LIMIT: Duration = Duration::from_secs(10);
/// Nothing of ours is longer.
const LARGEST: usize = 1 << 20;
/// How long a `response_url` is good.
const RESPONSE_LIFE: Duration = Duration::from_secs(3600);
/// A login so soon after a refused one is taken for a loop.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

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

type Socket = WebSocketStream<TcpStream>;

async fn talk(shared: &Arc<Shared>, mut socket: Socket) {
    let login = tokio::time::timeout(LOGIN_LIMIT, next(&mut socket)).await;
    let Ok(Some(login)) = login else { return };
    let (sender, mut pushes) = mpsc::unbounded_channel();
    let (own, answer) = shared.with(|state| log_in(state, &login, sender));
    if send(&mut socket, answer.to_string()).await.is_err() {
        return;
    }
    let Some(own) = own else {
        let _ = socket.close(None).await;
        return;
    };
    let silence = shared.quietly(|state| state.settings.rules.silence);
    let mut heard = Instant::now();
    loop {
        tokio::select! {
            push = pushes.recv() => match push {
                Some(Push::Text(text)) => {
                    if send(&mut socket, text).await.is_err() {
                        break;
                    }
                }
                Some(Push::Close) => {
                    let _ = socket.close(None).await;
                    break;
                }
                Some(Push::Cut) | None => break,
            },
            frame = next(&mut socket) => {
                let Some(frame) = frame else { break };
                heard = Instant::now();
                match answer_to(shared, &frame) {
                    Next::Say(answer) => {
                        if send(&mut socket, answer.to_string()).await.is_err() {
                            break;
                        }
                    }
                    Next::Silence => {}
                    Next::Cut => break,
                }
            }
            () = sleep(silence.saturating_sub(heard.elapsed())) => {
                shared.with(|state| state.complain("no heartbeat in time"));
                break;
            }
        }
    }
    shared.with(|state| {
        if state.live.as_ref().is_some_and(|(live, _)| *live == own) {
            state.live = None;
        }
    });
}

/// The first frame. A good one takes the robot from whoever has it.
fn log_in(
    state: &mut State,
    frame: &Value,
    sender: mpsc::UnboundedSender<Push>,
) -> (Option<u64>, Value) {
    let req_id = frame["headers"]["req_id"].clone();
    let answer = |code: i64, words: &str| json!({"headers": {"req_id": req_id}, "errcode": code, "errmsg": words});
    let body = &frame["body"];
    if frame["cmd"] != "aibot_subscribe" || !req_id.is_string() {
        state.complain("the first frame is no login");
        return (None, answer(40_058, "subscribe first"));
    }
    let last = state
        .calls
        .iter()
        .rev()
        .find(|call| call.cmd == "aibot_subscribe");
    if last.is_some_and(|last| last.code != 0 && last.at.elapsed() < SHORTEST_PAUSE) {
        state.complain("logins in a tight loop");
    }
    let settings = &state.settings;
    let is_right = body["bot_id"] == settings.bot_id.as_str()
        && body["secret"] == settings.secret.as_str()
        && state.address.is_none();
    let fault = state.faults.take("aibot_subscribe");
    let code = match fault {
        Some(Fault::Code(code)) => code,
        _ if !is_right => 853_000,
        _ => 0,
    };
    state.calls.push(Call {
        cmd: "aibot_subscribe".to_owned(),
        // Not the secret.
        body: json!({"bot_id": body["bot_id"]}),
        code,
        at: Instant::now(),
    });
    if code != 0 {
        state.refused_logins += 1;
        return (None, answer(code, "invalid bot_id or secret"));
    }
    state.logins += 1;
    let own = state.next_id();
    if let Some((_, old)) = state.live.replace((own, sender)) {
        state.takeovers += 1;
        let event = json!({
            "cmd": "aibot_event_callback",
            "headers": {"req_id": format!("REQ{own}")},
            "body": {
                "msgid": format!("EV{own}"),
                "create_time": super::people::seconds(),
                "aibotid": state.settings.bot_id,
                "msgtype": "event",
                "event": {"eventtype": "disconnected_event"},
            },
        });
        // The old one may be dead already.
        let _ = old.send(Push::Text(event.to_string()));
        let _ = old.send(Push::Close);
    }
    (Some(own), answer(0, "ok"))
}

enum Next {
    Say(Value),
    Silence,
    Cut,
}

fn answer_to(shared: &Shared, frame: &Value) -> Next {
    let cmd = frame["cmd"].as_str().unwrap_or_default();
    let req_id = frame["headers"]["req_id"].as_str().unwrap_or_default();
    shared.with(|state| {
        if req_id.is_empty() || req_id.len() > 256 {
            state.complain("a frame without a usable req_id");
            return Next::Cut;
        }
        let fault = state.faults.take(cmd);
        if cmd == "ping" {
            state.pings += 1;
            if fault.is_some() {
                return Next::Silence;
            }
            return Next::Say(json!({"headers": {"req_id": req_id}, "errcode": 0, "errmsg": "ok"}));
        }
        let done = match fault {
            Some(Fault::CutBefore) => return Next::Cut,
            Some(Fault::Code(code)) => Err(Refusal::new(code, "as the story wants it")),
            _ => commands::perform(state, cmd, req_id, &frame["body"]),
        };
        let (code, words, body) = match done {
            Ok(body) => (0, "ok".to_owned(), body),
            Err(refusal) => (refusal.code, refusal.words, Value::Null),
        };
        state.calls.push(Call {
            cmd: cmd.to_owned(),
            body: frame["body"].clone(),
            code,
            at: Instant::now(),
        });
        match fault {
            Some(Fault::CutAfter) => return Next::Cut,
            Some(Fault::Silent) => return Next::Silence,
            _ => {}
        }
        let mut answer = json!({"headers": {"req_id": req_id}, "errcode": code, "errmsg": words});
        if !body.is_null() {
            answer["body"] = body;
        }
        Next::Say(answer)
    })
}

async fn next(socket: &mut Socket) -> Option<Value> {
    loop {
        match socket.next().await?.ok()? {
            Message::Text(text) => return serde_json::from_str(text.as_str()).ok(),
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

async fn send(socket: &mut Socket, text: String) -> Result<(), ()> {
    socket.send(Message::text(text)).await.map_err(drop)
}

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(handle).with_state(shared)
}

async fn handle(Axum(shared): Axum<Arc<Shared>>, request: Request) -> Response {
    if shared.quietly(|state| state.is_down) {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let (head, body) = request.into_parts();
    let path: Vec<&str> = head.uri.path().split('/').skip(1).collect();
    match (head.method.as_str(), path.as_slice()) {
        ("GET", ["f", id]) => download(&shared, id),
        ("POST", ["response", code]) => {
            let Ok(bytes) = to_bytes(body, LARGEST).await else {
                return StatusCode::PAYLOAD_TOO_LARGE.into_response();
            };
            let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
            let done = shared.with(|state| later(state, code, &body));
            let (code, words) = match done {
                Ok(()) => (0, "ok".to_owned()),
                Err(refusal) => (refusal.code, refusal.words),
            };
            json!({"errcode": code, "errmsg": words})
                .to_string()
                .into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn download(shared: &Shared, id: &str) -> Response {
    shared.quietly(|state| {
        let life = state.settings.rules.link_life;
        match state.downloads.get(id) {
            Some(file) if file.at.elapsed() < life => {
                let name: String = file
                    .name
                    .bytes()
                    .map(|byte| format!("%{byte:02X}"))
                    .collect();
                let kind = format!("attachment; filename*=UTF-8''{name}");
                (
                    [(CONTENT_DISPOSITION, kind)],
                    Body::from(file.sealed.clone()),
                )
                    .into_response()
            }
            _ => StatusCode::FORBIDDEN.into_response(),
        }
    })
}

/// A message by `response_url`: once, within an hour.
fn later(state: &mut State, code: &str, body: &Value) -> Result<(), Refusal> {
    let expired = || Refusal::new(60_140, "response_url is invalid, expired or used");
    let (req_id, at) = state.response_urls.get(code).cloned().ok_or_else(expired)?;
    let fault = state.faults.take("response_url");
    let done = match fault {
        Some(Fault::Code(code)) => Err(Refusal::new(code, "as the story wants it")),
        _ if at.elapsed() > RESPONSE_LIFE || !state.used_urls.insert(code.to_owned()) => {
            Err(expired())
        }
        _ if !matches!(body["msgtype"].as_str(), Some("markdown" | "template_card")) => {
            Err(super::state::bad("msgtype"))
        }
        _ => {
            let room = state.callbacks[&req_id].room.clone();
            commands::message(state, &room, Some(&req_id), body, &["msgtype"]).map(drop)
        }
    };
    state.calls.push(Call {
        cmd: "response_url".to_owned(),
        body: body.clone(),
        code: done.as_ref().err().map_or(0, |refusal| refusal.code),
        at: Instant::now(),
    });
    done
}
