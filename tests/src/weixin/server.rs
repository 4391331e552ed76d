//! The HTTP face of the API: tokens, calls, files, and the faults between.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State as Axum};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures::stream;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::Shared;
use super::fault::Fault;
use super::state::{Called, Refusal};

/// Largest request, in bytes.
const LARGEST: usize = 32 << 20;

/// One call.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) method: String,
    /// Below `cgi-bin`, such as `message/send`.
    pub(crate) path: String,
    pub(crate) query: HashMap<String, String>,
    pub(crate) bytes: Bytes,
    pub(crate) json: Value,
    pub(crate) content_type: String,
}

impl Incoming {
    pub(crate) fn asked(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }
}

/// What is answered.
#[derive(Debug)]
pub(crate) enum Reply {
    Json(Value),
    File {
        name: String,
        mime: &'static str,
        bytes: Bytes,
    },
}

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
    let query = head.uri.query().unwrap_or_default();
    let query = form_urlencoded::parse(query.as_bytes()).into_owned();
    let content_type = head.headers.get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let call = Incoming {
        method: head.method.to_string(),
        path: match head.uri.path().strip_prefix("/cgi-bin/") {
            Some(path) => path.to_owned(),
            None => return status(404),
        },
        query: query.collect(),
        json: serde_json::from_slice(&bytes).unwrap_or_default(),
        content_type: content_type.unwrap_or_default().to_owned(),
        bytes,
    };
    let fault = shared.with(|state| state.faults.take(&call.path));
    match &fault {
        Some(Fault::Status(code)) => return status(*code),
        Some(Fault::CutBefore) => return cut(),
        Some(Fault::Slow(time)) => tokio::time::sleep(*time).await,
        Some(Fault::TokenEnds) => shared.with(|state| state.token = None),
        _ => {}
    }
    let reply = shared.with(|state| {
        let reply = work(&shared, state, &call, fault.as_ref());
        let code = match &reply {
            Ok(_) => 0,
            Err(refusal) => refusal.code,
        };
        state.calls.push(Called {
            what: call.path.clone(),
            body: call.json.clone(),
            code,
            at: Instant::now(),
        });
        reply
    });
    match fault {
        Some(Fault::CutAfter) => return cut(),
        Some(Fault::Silent(time)) => tokio::time::sleep(time).await,
        _ => {}
    }
    answer(reply)
}

fn work(
    shared: &Shared,
    state: &mut super::State,
    call: &Incoming,
    fault: Option<&Fault>,
) -> Result<Reply, Refusal> {
    let fault = match fault {
        Some(Fault::Code(code)) => Err(Refusal::new(*code, "as the story wants it")),
        _ => Ok(()),
    };
    // Some are open to whoever knows their key.
    if shared.dialect.is_open(call) {
        fault?;
        return shared.dialect.run(state, call);
    }
    if state.is_stranger {
        return Err(Refusal::new(
            shared.dialect.stranger(),
            "not allow to access from your ip, from ip: 203.0.113.7",
        ));
    }
    if shared.dialect.is_login(call) {
        fault?;
        return shared.dialect.token(state, call).map(Reply::Json);
    }
    let given = call.asked("access_token");
    if given.is_empty() {
        return Err(Refusal::new(41_001, "access_token missing"));
    }
    if state.token.as_deref() != Some(given) {
        return Err(Refusal::new(42_001, "access_token expired"));
    }
    fault?;
    shared.dialect.run(state, call)
}

fn answer(reply: Result<Reply, Refusal>) -> Response {
    let body = match reply {
        Ok(Reply::File { name, mime, bytes }) => {
            let headers = [
                (CONTENT_TYPE, mime.to_owned()),
                (
                    CONTENT_DISPOSITION,
                    format!("attachment; filename=\"{name}\""),
                ),
            ];
            return (headers, Body::from(bytes)).into_response();
        }
        Ok(Reply::Json(mut body)) => {
            if body.get("access_token").is_none() && body.get("errcode").is_none() {
                body["errcode"] = json!(0);
                body["errmsg"] = json!("ok");
            }
            body
        }
        Err(refusal) => json!({ "errcode": refusal.code, "errmsg": refusal.words }),
    };
    let headers = [(CONTENT_TYPE, "application/json; charset=UTF-8")];
    (headers, body.to_string()).into_response()
}

fn status(code: u16) -> Response {
    StatusCode::from_u16(code)
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
        .into_response()
}

/// An answer that breaks off: the client sees its connection close.
fn cut() -> Response {
    let broken = stream::iter([Ok(Bytes::from_static(b"{\"errcode\"")), Err("cut")]);
    (
        [(CONTENT_LENGTH, "4096"), (CONTENT_TYPE, "application/json")],
        Body::from_stream(broken),
    )
        .into_response()
}
