//! The HTTP face: the interface for bots, and the servers for files.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State as Axum};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::stream;
use serde_json::{Value, json};

use super::fault::Fault;
use super::state::{Call, Refusal, State};
use super::{Shared, files, lines, login, messages};

/// Largest request, in bytes.
const LARGEST: usize = 110 << 20;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(handle).with_state(shared)
}

async fn handle(Axum(shared): Axum<Arc<Shared>>, request: Request) -> Response {
    if shared.quietly(|state| state.is_down) {
        return status(502);
    }
    let (head, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, LARGEST).await else {
        return status(413);
    };
    let path = head.uri.path().trim_start_matches('/').to_owned();
    let what = path.rsplit('/').next().unwrap_or_default().to_owned();
    let is_file = path.starts_with("c2c/");
    if !is_file && !path.starts_with("ilink/bot/") {
        return status(404);
    }
    let fault = shared.with(|state| state.faults.take(&what));
    if let Some(answer) = fault.as_ref().and_then(early) {
        return answer;
    }
    if let Some(Fault::Slow(time)) = &fault {
        tokio::time::sleep(*time).await;
    }
    let answer = if is_file {
        file(&shared, &head, &what, bytes)
    } else {
        call(&shared, &head, &path, &what, &bytes, fault.as_ref()).await
    };
    if fault == Some(Fault::CutAfter) {
        return cut();
    }
    answer
}

/// A call of the interface for bots.
async fn call(
    shared: &Shared,
    head: &Parts,
    path: &str,
    what: &str,
    bytes: &Bytes,
    fault: Option<&Fault>,
) -> Response {
    let body: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let token = token(&head.headers);
    let person = token
        .as_deref()
        .and_then(|token| shared.quietly(|state| state.person_of(token)));
    let told = shared.with(|state| check(shared, state, head, path, &body));
    let result = match (told, fault) {
        (Err(refusal), _) => Err(refusal),
        (Ok(()), Some(Fault::Code(code))) => Err(Refusal {
            code: *code,
            words: "as the story wants it".to_owned(),
        }),
        (Ok(()), _) => match (path.trim_start_matches("ilink/bot/"), person.clone()) {
            ("get_bot_qrcode", _) => shared.with(|state| login::make(state, &query(head), &body)),
            ("get_qrcode_status", _) => code_state(shared, head).await,
            (_, None) => Err(Refusal::stale()),
            ("getupdates", Some(person)) => match news(shared, &person, &body).await {
                Ok(news) => Ok(news),
                Err(Broken::Refused(refusal)) => Err(refusal),
                Err(Broken::Cut) => return cut(),
            },
            (_, Some(person)) => shared.with(|state| run(shared, state, path, &person, &body)),
        },
    };
    let code = result.as_ref().err().map_or(0, |refusal| refusal.code);
    shared.with(|state| {
        if let Err(Refusal { code: -1, words }) = &result {
            state.complaints.push(format!("{what}: {words}: {body}"));
        }
        // Questions for news are too many to be kept; refused ones tell something.
        if !matches!(what, "getupdates" | "get_qrcode_status") || code != 0 {
            state.calls.push(Call {
                what: what.to_owned(),
                person: person.unwrap_or_default(),
                body,
                code,
                at: Instant::now(),
            });
        }
    });
    answer(&result)
}

fn run(
    shared: &Shared,
    state: &mut State,
    path: &str,
    person: &str,
    body: &Value,
) -> Result<Value, Refusal> {
    match path.trim_start_matches("ilink/bot/") {
        "sendmessage" => messages::send(state, &shared.settings.rules, person, body),
        "getuploadurl" => files::announce(shared, state, person, body),
        "getconfig" => messages::config(state, person, body),
        "sendtyping" => messages::typing(state, person, body),
        "msg/notifystart" => lines::notify(state, person, true),
        "msg/notifystop" => lines::notify(state, person, false),
        _ => Err(Refusal::wrong("no such call")),
    }
}

/// What every call must have.
fn check(
    shared: &Shared,
    state: &mut State,
    head: &Parts,
    path: &str,
    body: &Value,
) -> Result<(), Refusal> {
    let header = |name: &str| {
        let value = head.headers.get(name)?;
        value.to_str().ok()
    };
    let is_strict = shared.settings.app_headers;
    if is_strict {
        let version = header("ilink-app-clientversion").and_then(|text| text.parse::<u32>().ok());
        // Leaving them out ends the line at once.
        if header("ilink-app-id") != Some("bot") || version.is_none() {
            state
                .complaints
                .push(format!("{path}: without the headers of an app"));
            return Err(Refusal::stale());
        }
    }
    if head.method == "GET" {
        let is_asked = path.ends_with("get_qrcode_status") || path.ends_with("get_bot_qrcode");
        if is_strict && header("authorization").is_some() {
            return Err(Refusal::wrong("a token where none is wanted"));
        }
        return if is_asked {
            Ok(())
        } else {
            Err(Refusal::wrong("GET"))
        };
    }
    if head.method != "POST" || header("content-type") != Some("application/json") {
        return Err(Refusal::wrong("POST with application/json"));
    }
    if header("authorizationtype") != Some("ilink_bot_token") {
        return Err(Refusal::wrong("AuthorizationType"));
    }
    let uin = header("x-wechat-uin").unwrap_or_default().to_owned();
    let number = STANDARD
        .decode(&uin)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.parse::<u32>().ok());
    if number.is_none() || (is_strict && uin == state.last_uin) {
        return Err(Refusal::wrong("X-WECHAT-UIN is a new number for each call"));
    }
    state.last_uin = uin;
    if !body.is_object() {
        return Err(Refusal::wrong("a body in JSON"));
    }
    if path.ends_with("get_bot_qrcode") {
        return Ok(());
    }
    let info = &body["base_info"];
    if info["channel_version"].as_str().is_none_or(str::is_empty) {
        return Err(Refusal::wrong("base_info.channel_version"));
    }
    match info["bot_agent"].as_str() {
        None if !is_strict => Ok(()),
        Some(agent) if is_agent(agent) => Ok(()),
        _ => Err(Refusal::wrong("base_info.bot_agent")),
    }
}

/// `Name/1.2 (comment)`, once or more, or what the platform's own client says of itself.
fn is_agent(agent: &str) -> bool {
    if agent == "OpenClaw" {
        return true;
    }
    let is_part = |part: &str| {
        (1..=32).contains(&part.len())
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_.-+".contains(&byte))
    };
    let is_product = |word: &str| {
        word.split_once('/')
            .is_some_and(|(name, version)| is_part(name) && is_part(version))
    };
    let is_comment = |word: &str| word.starts_with('(') || word.ends_with(')');
    agent.len() <= 256
        && agent.is_ascii()
        && agent
            .split_whitespace()
            .all(|word| is_product(word) || is_comment(word))
        && agent.split_whitespace().next().is_some_and(is_product)
}

fn token(headers: &HeaderMap) -> Option<String> {
    let given = headers.get("authorization")?.to_str().ok()?;
    Some(given.strip_prefix("Bearer ")?.to_owned())
}

fn query(head: &Parts) -> impl Fn(&str) -> Option<String> {
    let pairs: Vec<(String, String)> =
        url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
    move |name| {
        let mut pairs = pairs.iter();
        let (_, value) = pairs.find(|(key, _)| key == name)?;
        Some(value.clone())
    }
}

/// The state of a code, as soon as it is another one.
async fn code_state(shared: &Shared, head: &Parts) -> Result<Value, Refusal> {
    let query = query(head);
    let host = head.headers.get("host");
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    let mut last = None;
    let told = shared.wait_within(shared.settings.hold, |state| {
        login::state_of(shared, state, &query, host, &mut last)
    });
    let told = told.await;
    // It may have ended somebody's line.
    shared.with(|_| ());
    told.unwrap_or_else(|| Ok(json!({ "status": "wait" })))
}

enum Broken {
    Refused(Refusal),
    Cut,
}

/// Counts a question that is held, however it ends.
struct Held<'a>(&'a Shared, &'a str);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.with(|state| state.chat(self.1).held -= 1);
    }
}

/// News, as soon as there are any.
async fn news(shared: &Shared, person: &str, body: &Value) -> Result<Value, Broken> {
    let is_strict = shared.settings.app_headers;
    let begun = shared.with(|state| {
        let from = lines::begin(state, person, body, is_strict)?;
        Ok((from, state.cuts, state.chat(person).token.clone()))
    });
    let (from, cuts, token) = begun.map_err(Broken::Refused)?;
    let _held = Held(shared, person);
    let hold = shared.settings.hold;
    let told = shared.wait_within(hold, |state| {
        if state.cuts != cuts || state.is_down {
            return Some(Err(Broken::Cut));
        }
        let chat = state.chat(person);
        if chat.token != token {
            return Some(Err(Broken::Refused(Refusal::stale())));
        }
        (chat.messages.len() > from).then(|| Ok(lines::news(chat, from, hold.as_millis())))
    });
    match told.await {
        Some(told) => told,
        None => Ok(shared.quietly(|state| lines::news(state.chat(person), from, hold.as_millis()))),
    }
}

/// The servers for files.
fn file(shared: &Shared, head: &Parts, what: &str, bytes: Bytes) -> Response {
    let query = query(head);
    let param = query("encrypted_query_param").unwrap_or_default();
    match (head.method.as_str(), what) {
        ("POST", "upload") => {
            let is_plain = head
                .headers
                .get(CONTENT_TYPE)
                .is_some_and(|kind| kind == "application/octet-stream");
            // These servers take no body of unknown length.
            let is_long = head.headers.contains_key(CONTENT_LENGTH);
            let file_key = query("filekey").unwrap_or_default();
            let told = if is_plain && is_long {
                shared.with(|state| files::put(state, &param, &file_key, bytes))
            } else {
                Err("content-type and content-length".to_owned())
            };
            match told {
                Ok(name) => (StatusCode::OK, [("x-encrypted-param", name)]).into_response(),
                Err(words) => {
                    let complaint = format!("upload: {words}");
                    shared.with(|state| state.complaints.push(complaint));
                    (StatusCode::BAD_REQUEST, [("x-error-message", words)]).into_response()
                }
            }
        }
        ("GET", "download") => {
            let found = shared.quietly(|state| state.stored.get(&param).cloned());
            match found {
                Some(stored) => Body::from(stored.sealed).into_response(),
                None => status(404),
            }
        }
        _ => status(404),
    }
}

/// The answer of a fault that comes before any work.
fn early(fault: &Fault) -> Option<Response> {
    match fault {
        Fault::Status(code) => Some(status(*code)),
        Fault::CutBefore => Some(cut()),
        Fault::Nonsense => Some("<html>".into_response()),
        Fault::Code(_) | Fault::CutAfter | Fault::Slow(_) => None,
    }
}

fn status(code: u16) -> Response {
    StatusCode::from_u16(code)
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
        .into_response()
}

/// Refusals have status 200 too, and success may be an empty body.
fn answer(result: &Result<Value, Refusal>) -> Response {
    let body = match result {
        Ok(Value::Null) => return StatusCode::OK.into_response(),
        Ok(value) => value.clone(),
        Err(refusal) if refusal.code == -14 => {
            json!({ "errcode": refusal.code, "errmsg": refusal.words })
        }
        Err(refusal) => json!({ "ret": refusal.code, "errmsg": refusal.words }),
    };
    ([(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// An answer that breaks off: the client sees its connection close.
fn cut() -> Response {
    let broken = stream::iter([Ok(Bytes::from_static(b"{\"ret\"")), Err("cut")]);
    (
        [(CONTENT_LENGTH, "4096"), (CONTENT_TYPE, "application/json")],
        Body::from_stream(broken),
    )
        .into_response()
}
