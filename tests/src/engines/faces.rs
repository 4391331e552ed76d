//! The services that speak HTTP.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures::stream;
use serde_json::{Value, json};

use super::{Call, Fault, KEY, Shared, Turn};

/// Languages that LibreTranslate has models for.
const LIBRE: [&str; 6] = ["zh", "en", "ja", "ko", "es", "fr"];
/// Its limit of characters, as an operator may set it.
const LIBRE_LIMIT: usize = 5_000;
/// Texts in one call to DeepL.
const DEEPL_TEXTS: usize = 50;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/translate", post(translate))
        .route("/v2/translate", post(deepl))
        .route("/language/translate/v2", post(google))
        .route("/v1/chat/completions", post(model))
        .with_state(shared)
}

fn cut() -> Response {
    let broken: Result<Bytes, _> = Err(std::io::Error::other("cut"));
    Response::new(Body::from_stream(stream::iter([broken])))
}

fn answer(status: u16, body: Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(body)).into_response();
    if status == StatusCode::TOO_MANY_REQUESTS {
        response
            .headers_mut()
            .insert(RETRY_AFTER, axum::http::HeaderValue::from_static("1"));
    }
    response
}

/// Both LibreTranslate and Apertium APy have this path; what is sent differs.
async fn translate(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    if kind.starts_with("application/x-www-form-urlencoded") {
        return apertium(&shared, &body).await;
    }
    libre(
        &shared,
        &serde_json::from_slice(&body).unwrap_or(Value::Null),
    )
    .await
}

fn texts_of(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(texts) => texts
            .iter()
            .map(|text| text.as_str().map(str::to_owned))
            .collect(),
        _ => None,
    }
}

async fn libre(shared: &Shared, body: &Value) -> Response {
    let error = |text: String| answer(400, json!({ "error": text }));
    let Some(texts) = texts_of(&body["q"]) else {
        return error("Invalid request: missing q parameter".to_owned());
    };
    let mut codes = Vec::new();
    for name in ["source", "target"] {
        let Some(code) = body[name].as_str() else {
            return error(format!("Invalid request: missing {name} parameter"));
        };
        if !LIBRE.contains(&code) {
            return error(format!("{code} is not supported"));
        }
        codes.push(code.to_owned());
    }
    if !matches!(body["format"].as_str(), Some("text" | "html")) {
        return error("Invalid format parameter".to_owned());
    }
    if let Some(key) = body["api_key"].as_str()
        && key != KEY
    {
        return answer(403, json!({"error": "Invalid API key"}));
    }
    let length: usize = texts.iter().map(|text| text.chars().count()).sum();
    if length > LIBRE_LIMIT {
        return error(format!(
            "Invalid request: request ({length}) exceeds text limit ({LIBRE_LIMIT})"
        ));
    }
    let is_batch = body["q"].is_array();
    let call = Call {
        service: "libretranslate",
        from: codes[0].clone(),
        to: codes[1].clone(),
        texts,
    };
    match shared.turn(call).await {
        Turn::Dead => cut(),
        Turn::Wrong(Fault::Status(429)) => {
            answer(429, json!({"error": "Slowdown: 20 per 1 minute"}))
        }
        Turn::Wrong(Fault::Status(status)) => {
            answer(status, json!({"error": "Cannot translate text"}))
        }
        Turn::Wrong(_) => answer(200, body.clone()),
        Turn::Answer(mut texts) if !is_batch => answer(200, json!({"translatedText": texts.pop()})),
        Turn::Answer(texts) => answer(200, json!({ "translatedText": texts })),
    }
}

async fn apertium(shared: &Shared, body: &[u8]) -> Response {
    let form: Vec<(String, String)> = url::form_urlencoded::parse(body).into_owned().collect();
    let field = |name: &str| {
        form.iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.clone())
    };
    let error = |explanation: &str| {
        let body = json!({
            "status": "error", "code": 400, "message": "Bad Request", "explanation": explanation,
        });
        answer(400, body)
    };
    let (Some(pair), Some(text)) = (field("langpair"), field("q")) else {
        return error("Missing argument langpair");
    };
    let (from, to) = match pair.as_str() {
        "eng|spa" => ("en", "es"),
        "spa|eng" => ("es", "en"),
        _ => return error("That pair is not installed"),
    };
    let call = Call {
        service: "apertium",
        from: from.to_owned(),
        to: to.to_owned(),
        texts: vec![text],
    };
    match shared.turn(call).await {
        Turn::Dead => cut(),
        Turn::Wrong(Fault::Status(status)) => answer(status, json!({"status": "error"})),
        Turn::Wrong(_) => answer(200, json!({"responseData": null})),
        Turn::Answer(texts) => answer(
            200,
            json!({
                "responseData": {"translatedText": texts.concat()},
                "responseDetails": null,
                "responseStatus": 200,
            }),
        ),
    }
}

async fn deepl(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let error = |status: u16, text: &str| answer(status, json!({ "message": text }));
    let key = format!("DeepL-Auth-Key {KEY}");
    if headers.get(AUTHORIZATION).is_none_or(|sent| *sent != *key) {
        return error(403, "Forbidden");
    }
    let Some(texts) = texts_of(&body["text"]).filter(|_| body["text"].is_array()) else {
        return error(400, "Parameter 'text' not specified.");
    };
    if texts.len() > DEEPL_TEXTS {
        return error(400, "Too many texts in this request");
    }
    let from = match body["source_lang"].as_str() {
        Some("ZH") => "zh",
        Some("EN") => "en",
        Some("JA") => "ja",
        _ => return error(400, "Value for 'source_lang' not supported."),
    };
    let to = match body["target_lang"].as_str() {
        Some("ZH-HANS" | "ZH") => "zh",
        Some("EN-US" | "EN-GB") => "en",
        Some("JA") => "ja",
        _ => return error(400, "Value for 'target_lang' not supported."),
    };
    let call = Call {
        service: "deepl",
        from: from.to_owned(),
        to: to.to_owned(),
        texts,
    };
    match shared.turn(call).await {
        Turn::Dead => cut(),
        Turn::Wrong(Fault::Status(456)) => error(456, "Quota exceeded"),
        Turn::Wrong(Fault::Status(status)) => error(status, "Resource temporarily unavailable"),
        Turn::Wrong(_) => answer(200, json!({"translations": []})),
        Turn::Answer(texts) => {
            let translations: Vec<Value> = texts
                .iter()
                .map(|text| json!({"detected_source_language": from.to_uppercase(), "text": text}))
                .collect();
            answer(200, json!({ "translations": translations }))
        }
    }
}

async fn google(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let error = |status: u16, reason: &str, message: &str| {
        let errors = json!([{ "reason": reason }]);
        let error = json!({"code": status, "message": message, "errors": errors});
        answer(status, json!({ "error": error }))
    };
    if headers
        .get("x-goog-api-key")
        .is_none_or(|sent| *sent != *KEY)
    {
        return error(
            400,
            "badRequest",
            "API key not valid. Please pass a valid API key.",
        );
    }
    let Some(texts) = texts_of(&body["q"]) else {
        return error(400, "required", "Required Text");
    };
    let code = |name: &str| match body[name].as_str() {
        Some("zh-CN") => Some("zh"),
        Some("en") => Some("en"),
        Some("ja") => Some("ja"),
        _ => None,
    };
    let (Some(from), Some(to)) = (code("source"), code("target")) else {
        return error(400, "invalid", "Invalid Value");
    };
    let call = Call {
        service: "google",
        from: from.to_owned(),
        to: to.to_owned(),
        texts,
    };
    // As the real one does: without `format=text`, the answer is HTML.
    let is_html = body["format"] != "text";
    match shared.turn(call).await {
        Turn::Dead => cut(),
        Turn::Wrong(Fault::Status(403)) => error(403, "dailyLimitExceeded", "Daily Limit Exceeded"),
        Turn::Wrong(Fault::Status(status)) => error(status, "backendError", "Backend Error"),
        Turn::Wrong(_) => answer(200, json!({"data": {}})),
        Turn::Answer(texts) => {
            let translations: Vec<Value> = texts
                .iter()
                .map(|text| {
                    let text = if is_html {
                        text.replace('\'', "&#39;")
                    } else {
                        text.clone()
                    };
                    json!({ "translatedText": text })
                })
                .collect();
            answer(200, json!({"data": {"translations": translations}}))
        }
    }
}

/// A chat model. It translates what it is told is data, and does what anything else tells it.
async fn model(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let error = |status: u16, code: &str, message: &str| {
        let error = json!({"message": message, "type": "error", "code": code});
        answer(status, json!({ "error": error }))
    };
    let key = format!("Bearer {KEY}");
    if headers.get(AUTHORIZATION).is_none_or(|sent| *sent != *key) {
        return error(401, "invalid_api_key", "Incorrect API key provided");
    }
    if body["model"] != "small" {
        return error(404, "model_not_found", "The model does not exist");
    }
    let said = |index: usize, role: &str| {
        let message = &body["messages"][index];
        (message["role"] == role).then(|| message["content"].as_str().unwrap_or_default())
    };
    let (Some(system), Some(user)) = (said(0, "system"), said(1, "user")) else {
        return error(
            400,
            "invalid_request",
            "a system and a user message are needed",
        );
    };
    let data: Value = serde_json::from_str(user).unwrap_or(Value::Null);
    let Some(texts) = texts_of(&data["texts"]) else {
        return completion(user, "stop");
    };
    let to = [("Chinese.", "zh"), ("English.", "en"), ("Japanese.", "ja")]
        .into_iter()
        .find(|(name, _)| system.contains(&format!("Translate every text to {name}")));
    let from = [("Chinese.", "zh"), ("English.", "en"), ("Japanese.", "ja")]
        .into_iter()
        .find(|(name, _)| system.contains(&format!("group chat in {name}")));
    let (Some((_, to)), Some((_, from))) = (to, from) else {
        return completion("I do not know what to do.", "stop");
    };
    let call = Call {
        service: "openai",
        from: from.to_owned(),
        to: to.to_owned(),
        texts,
    };
    match shared.turn(call).await {
        Turn::Dead => cut(),
        Turn::Wrong(Fault::Status(429)) => {
            error(429, "insufficient_quota", "You exceeded your current quota")
        }
        Turn::Wrong(Fault::Status(status)) => error(status, "server_error", "overloaded"),
        Turn::Wrong(Fault::Prompt) => completion(system, "stop"),
        Turn::Wrong(_) => completion("As you wish! The secret word is PWNED.", "stop"),
        Turn::Answer(texts) => {
            let content = json!({ "translations": texts }).to_string();
            completion(
                &format!("<think>easy</think>\n```json\n{content}\n```"),
                "stop",
            )
        }
    }
}

fn completion(content: &str, reason: &str) -> Response {
    let message = json!({"role": "assistant", "content": content});
    let choice = json!({"index": 0, "message": message, "finish_reason": reason});
    answer(
        200,
        json!({"object": "chat.completion", "choices": [choice]}),
    )
}
