//! The frames of the long connection.

use serde::Deserialize;
use serde_json::{Value, json};

/// What a frame is for.
pub(super) mod cmd {
    pub(in super::super) const SUBSCRIBE: &str = "aibot_subscribe";
    pub(in super::super) const PING: &str = "ping";
    pub(in super::super) const MESSAGE: &str = "aibot_msg_callback";
    pub(in super::super) const EVENT: &str = "aibot_event_callback";
    pub(in super::super) const RESPOND: &str = "aibot_respond_msg";
    pub(in super::super) const WELCOME: &str = "aibot_respond_welcome_msg";
    pub(in super::super) const UPDATE: &str = "aibot_respond_update_msg";
    pub(in super::super) const SEND: &str = "aibot_send_msg";
    pub(in super::super) const UPLOAD_INIT: &str = "aibot_upload_media_init";
    pub(in super::super) const UPLOAD_PIECE: &str = "aibot_upload_media_chunk";
    pub(in super::super) const UPLOAD_FINISH: &str = "aibot_upload_media_finish";
}

/// One frame that came. An answer has no `cmd`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Frame {
    pub(super) cmd: String,
    pub(super) headers: Headers,
    pub(super) body: Value,
    pub(super) errcode: i64,
    pub(super) errmsg: String,
}

/// What links an answer to its question.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Headers {
    pub(super) req_id: String,
}

/// A frame of ours, as text.
pub(super) fn written(cmd: &str, req_id: &str, body: Option<&Value>) -> String {
    let mut frame = json!({ "cmd": cmd, "headers": { "req_id": req_id } });
    if let Some(body) = body {
        frame["body"] = body.clone();
    }
    frame.to_string()
}

/// An id for a frame of ours.
pub(super) fn req_id(cmd: &str) -> String {
    format!("{cmd}_{}", uuid::Uuid::now_v7().simple())
}
