//! The HTTP face: paths, tokens, faults, long polling and file downloads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State as Axum};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures::stream;
use serde_json::{Value, json};

use super::Shared;
use super::arguments::{Arguments, LARGEST_REQUEST};
use super::error::ApiError;
use super::fault::Fault;
use super::methods;
use super::state::Call;

/// Longest wait of one getUpdates, as the real server caps it.
const LONGEST_POLL: i64 = 50;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .fallback(handle)
        .layer(DefaultBodyLimit::max(LARGEST_REQUEST))
        .with_state(shared)
}

async fn handle(Axum(shared): Axum<Arc<Shared>>, request: Request) -> Response {
    let Some(path) = decode(request.uri().path()) else {
        return answer(&Err(ApiError::not_found()));
    };
    if let Some(rest) = path.strip_prefix("/file/bot") {
        return download(&shared, rest);
    }
    let Some((token, method)) = path
        .strip_prefix("/bot")
        .and_then(|rest| rest.split_once('/'))
    else {
        return answer(&Err(ApiError::not_found()));
    };
    if let Err(error) = check_token(&shared, token) {
        return answer(&Err(error));
    }
    if !matches!(request.method().as_str(), "GET" | "POST") {
        return answer(&Err(ApiError::new(405, "Method Not Allowed")));
    }
    let method = method.to_ascii_lowercase();
    let arguments = match Arguments::read(request).await {
        Ok(arguments) => arguments,
        Err(error) => return answer(&Err(error)),
    };
    let fault = shared.with(|state| state.faults.take(&method));
    let result = match &fault {
        Some(Fault::TooMany(seconds)) => Err(ApiError::too_many(*seconds)),
        Some(Fault::Status(status)) => Err(ApiError::new(*status, "Internal Server Error")),
        Some(Fault::CutBefore) => return cut(),
        Some(Fault::Slow(time)) => {
            tokio::time::sleep(*time).await;
            run(&shared, &method, &arguments).await
        }
        Some(Fault::CutAfter) | None => run(&shared, &method, &arguments).await,
    };
    shared.with(|state| {
        state.calls.push(Call {
            method,
            arguments: arguments.fields().clone(),
            at: Instant::now(),
            status: result.as_ref().err().map_or(200, |error| error.status),
        });
    });
    if fault == Some(Fault::CutAfter) {
        return cut();
    }
    answer(&result)
}

async fn run(shared: &Shared, method: &str, arguments: &Arguments) -> Result<Value, ApiError> {
    if method == "getupdates" {
        get_updates(shared, arguments).await
    } else {
        shared.with(|state| methods::call(state, method, arguments))
    }
}

/// The real server tells a malformed token (404) from an unknown one (401).
fn check_token(shared: &Shared, token: &str) -> Result<(), ApiError> {
    let well_formed = token
        .split_once(':')
        .is_some_and(|(id, secret)| id.parse::<u64>().is_ok() && secret.len() >= 10);
    if !well_formed {
        return Err(ApiError::not_found());
    }
    if shared.with(|state| state.token != token) {
        return Err(ApiError::new(401, "Unauthorized"));
    }
    Ok(())
}

async fn get_updates(shared: &Shared, arguments: &Arguments) -> Result<Value, ApiError> {
    let limit = match arguments.integer("limit")? {
        None | Some(0) => 100,
        Some(limit) => usize::try_from(limit.clamp(1, 100)).expect("clamped to 1..=100"),
    };
    let timeout = arguments
        .integer("timeout")?
        .unwrap_or(0)
        .clamp(0, LONGEST_POLL);
    let until = tokio::time::Instant::now()
        + Duration::from_secs(timeout.try_into().expect("clamped to 0..=50"));
    let mut changes = shared.changes();
    let mine = shared.with(|state| {
        if state.webhook.is_some() {
            return Err(ApiError::conflict(
                "can't use getUpdates method while webhook is active; use deleteWebhook to delete \
                 the webhook first",
            ));
        }
        state.updates.allow(arguments.json("allowed_updates")?)?;
        state
            .updates
            .confirm(arguments.integer("offset")?.unwrap_or(0));
        state.updates.generation += 1;
        state.updates.ended_by = "other getUpdates";
        Ok(state.updates.generation)
    })?;
    loop {
        changes.borrow_and_update();
        let found = shared.quietly(|state| {
            if state.updates.generation != mine {
                let reason = match state.updates.ended_by {
                    "other getUpdates" => {
                        "terminated by other getUpdates request; make sure that only one bot \
                         instance is running"
                    }
                    _ => "terminated by setWebhook request",
                };
                return Err(ApiError::conflict(reason));
            }
            Ok(state.updates.take(limit))
        })?;
        if !found.is_empty() {
            return Ok(Value::Array(found));
        }
        if tokio::time::timeout_at(until, changes.changed())
            .await
            .is_err()
        {
            return Ok(json!([]));
        }
    }
}

fn download(shared: &Shared, rest: &str) -> Response {
    let Some((token, path)) = rest.split_once('/') else {
        return answer(&Err(ApiError::not_found()));
    };
    if let Err(error) = check_token(shared, token) {
        return answer(&Err(error));
    }
    let (fault, file) = shared.with(|state| {
        let file = state.files.values().find(|file| file.path == path);
        let bytes = file.map(|file| file.bytes.clone());
        (state.faults.take("file"), bytes)
    });
    match (fault, file) {
        (Some(Fault::CutBefore | Fault::CutAfter), _) => cut(),
        (Some(Fault::Status(status)), _) => answer(&Err(ApiError::new(status, "Bad Gateway"))),
        (Some(Fault::TooMany(seconds)), _) => answer(&Err(ApiError::too_many(seconds))),
        (_, None) => answer(&Err(ApiError::not_found())),
        (_, Some(bytes)) => (
            [(CONTENT_TYPE, "application/octet-stream")],
            Body::from(bytes),
        )
            .into_response(),
    }
}

fn answer(result: &Result<Value, ApiError>) -> Response {
    let (status, body) = match result {
        Ok(value) => (StatusCode::OK, json!({ "ok": true, "result": value })),
        Err(error) => (
            StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            error.body(),
        ),
    };
    (
        status,
        [(CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

/// An answer that breaks off: the client sees its connection close.
fn cut() -> Response {
    let broken = stream::iter([Ok(Bytes::from_static(b"{\"ok\"")), Err("cut")]);
    (
        [(CONTENT_LENGTH, "4096"), (CONTENT_TYPE, "application/json")],
        Body::from_stream(broken),
    )
        .into_response()
}

/// Percent-decoding of a path; `None` when it is broken.
fn decode(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%' {
            let digits = tail.get(..2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn paths_are_decoded() {
        assert_eq!(decode("/a%2Fb%20c+d").as_deref(), Some("/a/b c+d"));
        assert_eq!(decode("/%zz"), None);
        assert_eq!(decode("/%e"), None);
    }
}
