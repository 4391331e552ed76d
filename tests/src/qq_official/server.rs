//! The HTTP face: tokens, the API, the storage of parts, people's attachments, and the portal.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State as Axum};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::stream;
use rand::RngCore as _;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde_json::{Value, json};

use super::Shared;
use super::fault::Fault;
use super::state::{Call, Creation, Refusal, State};
use super::{files, messages};

/// Largest request, in bytes.
const LARGEST: usize = 16 << 20;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(handle).with_state(shared)
}

async fn handle(Axum(shared): Axum<Arc<Shared>>, request: Request) -> Response {
    if shared.quietly(|state| state.is_down) {
        return status(502);
    }
    let (head, body) = request.into_parts();
    let path: Vec<String> = head
        .uri
        .path()
        .split('/')
        .skip(1)
        .map(ToOwned::to_owned)
        .collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let Ok(bytes) = to_bytes(body, LARGEST).await else {
        return status(413);
    };
    let json: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let method = head.method.as_str();
    match (method, path.as_slice()) {
        ("POST", ["app", "getAppAccessToken"]) => {
            let fault = shared.with(|state| state.faults.take("token"));
            if let Some(answer) = fault.as_ref().and_then(early) {
                return answer;
            }
            return answer(&Ok(shared.with(|state| token(state, &json))));
        }
        ("POST", ["lite", what]) => {
            return answer(&Ok(shared.with(|state| portal(state, what, &json))));
        }
        ("PUT", ["storage", upload, index]) => {
            let fault = shared.with(|state| state.faults.take("storage"));
            if let Some(answer) = fault.as_ref().and_then(early) {
                return answer;
            }
            let index = index.parse().unwrap_or_default();
            let there = shared.with(|state| files::put_part(state, upload, index, bytes));
            return status(if there { 200 } else { 404 });
        }
        ("GET", ["attachments", name]) => {
            let found = shared.quietly(|state| state.attachments.get(*name).cloned());
            return match found {
                Some(bytes) => Body::from(bytes).into_response(),
                None => status(404),
            };
        }
        _ => {}
    }
    let what = path.last().copied().unwrap_or_default();
    let call = match path.as_slice() {
        ["interactions", _] => "interactions",
        ["v2", _, _, "messages", _] => "delete",
        _ => what,
    };
    let fault = shared.with(|state| state.faults.take(call));
    if let Some(answer) = fault.as_ref().and_then(early) {
        return answer;
    }
    if fault == Some(Fault::TokenEnds) {
        shared.with(|state| state.token = None);
    }
    if let Some(Fault::Slow(time)) = &fault {
        tokio::time::sleep(*time).await;
    }
    let given = head.headers.get("authorization");
    let given = given
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let openid = path.get(2).copied().unwrap_or_default();
    let result = shared.with(|state| {
        let is_known = state
            .token
            .as_ref()
            .is_some_and(|token| given == format!("QQBot {token}"));
        let result = if !is_known {
            Err(Refusal::new(401, 11_244, "token not exist or expire"))
        } else if let Some(Fault::Code(status, code)) = fault {
            Err(Refusal::new(status, code, "as the story wants it"))
        } else {
            run(state, method, &path, &json, &shared.base())
        };
        let (status, code) = match &result {
            Ok(_) => (200, 0),
            Err(refusal) => (refusal.status, refusal.code),
        };
        state.calls.push(Call {
            what: call.to_owned(),
            openid: openid.to_owned(),
            body: json,
            status,
            code,
            at: Instant::now(),
        });
        result
    });
    if fault == Some(Fault::CutAfter) {
        return cut();
    }
    answer(&result)
}

fn run(
    state: &mut State,
    method: &str,
    path: &[&str],
    body: &Value,
    base: &str,
) -> Result<Value, Refusal> {
    let is_group = path.get(1) == Some(&"groups");
    match (method, path) {
        ("GET", ["gateway"]) => {
            state.gateway_asked += 1;
            Ok(json!({"url": state.gateway_url}))
        }
        ("POST", ["v2", "users" | "groups", openid, "messages"]) => {
            messages::send(state, openid, is_group, body)
        }
        ("POST", ["v2", "users", openid, "stream_messages"]) => {
            messages::stream(state, openid, body)
        }
        ("POST", ["v2", "users" | "groups", openid, "files"]) => {
            files::put(state, openid, is_group, body)
        }
        ("POST", ["v2", "users" | "groups", openid, "upload_prepare"]) => {
            files::prepare(state, openid, is_group, body, base)
        }
        ("POST", ["v2", "users" | "groups", _, "upload_part_finish"]) => {
            files::finish_part(state, body)
        }
        ("DELETE", ["v2", "users" | "groups", openid, "messages", id]) => {
            let room = state.rooms.get_mut(*openid);
            let log = room.map(|room| &mut room.log);
            let at = log.as_ref().and_then(|log| {
                log.iter()
                    .position(|entry| entry.id == *id && entry.from.is_empty())
            });
            match (log, at) {
                (Some(log), Some(at)) => {
                    log.remove(at);
                    Ok(json!({}))
                }
                _ => Err(Refusal::new(400, 40_034_024, "no such message")),
            }
        }
        ("PUT", ["interactions", id]) => {
            let code = body["code"].as_u64().filter(|code| *code <= 5);
            match state.interactions.get_mut(*id) {
                Some(answer @ None) if code.is_some() => {
                    *answer = code;
                    Ok(json!({}))
                }
                _ => Err(Refusal::new(400, 40_034_002, "interaction")),
            }
        }
        _ => Err(Refusal::new(404, 11_251, "no such address")),
    }
}

/// The same token until it has ended.
fn token(state: &mut State, body: &Value) -> Value {
    let settings = &state.settings;
    if body["appId"] != settings.app_id.as_str() || body["clientSecret"] != settings.secret.as_str()
    {
        return json!({"code": 100016, "message": "invalid appid or secret"});
    }
    if state.token.is_none() {
        state.tokens_made += 1;
        state.token = Some(format!("AT-{:016x}", rand::rng().next_u64()));
    }
    json!({"access_token": state.token, "expires_in": "7200"})
}

fn portal(state: &mut State, what: &str, body: &Value) -> Value {
    match what {
        "create_bind_task" => {
            let key = body["key"]
                .as_str()
                .and_then(|key| STANDARD.decode(key).ok());
            let Some(key) = key.filter(|key| key.len() == 32) else {
                return json!({"retcode": 1, "msg": "key"});
            };
            let task = format!("task-{}", state.next_id());
            state.creation = Some(Creation {
                task: task.clone(),
                key,
                is_scanned: false,
            });
            json!({"retcode": 0, "data": {"task_id": task}})
        }
        "poll_bind_result" => match &state.creation {
            Some(creation) if body["task_id"] == creation.task.as_str() => {
                if !creation.is_scanned {
                    return json!({"retcode": 0, "data": {"status": 1}});
                }
                json!({"retcode": 0, "data": {
                    "status": 2,
                    "bot_appid": state.settings.app_id,
                    "bot_encrypt_secret": seal(&creation.key, &state.settings.secret),
                    "user_openid": "OWNER",
                }})
            }
            _ => json!({"retcode": 2, "msg": "task_id"}),
        },
        _ => json!({"retcode": 404, "msg": "no such call"}),
    }
}

fn seal(key: &[u8], text: &str) -> String {
    let mut nonce = [0; NONCE_LEN];
    rand::rng().fill_bytes(&mut nonce);
    let key = UnboundKey::new(&AES_256_GCM, key).expect("32 bytes");
    let mut sealed = text.as_bytes().to_vec();
    LessSafeKey::new(key)
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::empty(),
            &mut sealed,
        )
        .expect("short enough");
    STANDARD.encode([nonce.to_vec(), sealed].concat())
}

/// The answer of a fault that comes before any work.
fn early(fault: &Fault) -> Option<Response> {
    match fault {
        Fault::Status(code) => Some(status(*code)),
        Fault::TooMany(seconds) => {
            let body = json!({"message": "too many", "code": 22009}).to_string();
            let headers = [("retry-after", seconds.to_string())];
            Some((StatusCode::TOO_MANY_REQUESTS, headers, body).into_response())
        }
        Fault::CutBefore => Some(cut()),
        Fault::Code(..) | Fault::CutAfter | Fault::Slow(_) | Fault::TokenEnds => None,
    }
}

fn status(code: u16) -> Response {
    StatusCode::from_u16(code)
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
        .into_response()
}

fn answer(result: &Result<Value, Refusal>) -> Response {
    let (status, body) = match result {
        Ok(value) => (200, value.clone()),
        Err(refusal) => (
            refusal.status,
            json!({
                "message": refusal.words,
                "code": refusal.code,
                "err_code": refusal.code,
                "trace_id": "trace-of-a-story",
            }),
        ),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (
        status,
        [(CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

/// An answer that breaks off: the client sees its connection close.
fn cut() -> Response {
    let broken = stream::iter([Ok(Bytes::from_static(b"{\"id\"")), Err("cut")]);
    (
        [(CONTENT_LENGTH, "4096"), (CONTENT_TYPE, "application/json")],
        Body::from_stream(broken),
    )
        .into_response()
}
