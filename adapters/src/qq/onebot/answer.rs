//! What an implementation answers to a call, and what its errors mean.

use serde_json::Value;

use crate::qq::account::CallError;
use crate::qq::words;

/// Longest text of an error that is passed on, in characters.
const LONGEST: usize = 200;

/// The data of an answer.
///
/// # Errors
/// What the answer says went wrong.
pub(super) fn read(action: &'static str, mut answer: Value) -> Result<Value, CallError> {
    let status = answer["status"].as_str().unwrap_or_default();
    let code = answer["retcode"].as_i64();
    match (status, code) {
        // `async`: taken, and done later without another word.
        ("ok" | "async", _) | (_, Some(0 | 1)) => Ok(answer["data"].take()),
        ("failed", _) | (_, Some(_)) => Err(failure(action, code.unwrap_or_default(), &answer)),
        _ => Err(CallError::Unreadable(format!("`{action}` has no status"))),
    }
}

fn failure(action: &'static str, code: i64, answer: &Value) -> CallError {
    let text = |key: &str| answer[key].as_str().unwrap_or_default();
    let said = match (text("wording"), text("message")) {
        ("", message) => message,
        (wording, _) => wording,
    };
    let detail: String = if said.is_empty() {
        format!("`{action}` failed with code {code}")
    } else {
        said.chars().take(LONGEST).collect()
    };
    match code {
        1401 | 1403 => CallError::Token,
        // go-cqhttp and others answer 404 as the code.
        1404 | 404 => CallError::Unknown(action),
        1400 | 100 => CallError::Refused(detail),
        _ => words::meaning(&format!("{} {}", text("wording"), text("message")), detail),
    }
}

/// The id of a message that was sent.
///
/// # Errors
/// When the implementation says that all went well, and nothing was sent.
pub(super) fn message_id(data: &Value) -> Result<String, CallError> {
    match &data["message_id"] {
        Value::Number(id) if id.as_i64() != Some(0) => Ok(id.to_string()),
        Value::String(id) if !id.is_empty() && id != "0" => Ok(id.clone()),
        _ => Err(CallError::Swallowed),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    fn error(answer: Value) -> CallError {
        read("send_msg", answer).unwrap_err()
    }

    fn failed(code: i64, wording: &str) -> CallError {
        error(json!({"status": "failed", "retcode": code, "data": {}, "wording": wording}))
    }

    #[test]
    fn errors_say_whether_to_try_again() {
        assert!(matches!(
            failed(1404, "不支持的Api"),
            CallError::Unknown("send_msg")
        ));
        assert!(matches!(failed(1403, ""), CallError::Token));
        assert!(matches!(
            failed(1400, "message: Required"),
            CallError::Refused(_)
        ));
        for wording in [
            "你已被禁言",
            "EventChecker Failed: {\"result\":120,\"errMsg\":\"\"}",
        ] {
            assert!(
                matches!(failed(1200, wording), CallError::Forbidden(_)),
                "{wording}"
            );
        }
        for wording in ["群不存在", "sendMsg result: 110", "消息不存在"] {
            assert!(
                matches!(failed(1200, wording), CallError::Gone(_)),
                "{wording}"
            );
        }
        assert!(matches!(
            failed(1200, "发送过于频繁"),
            CallError::TooFast(_)
        ));
        assert!(matches!(
            failed(1200, "Timeout: NTEvent"),
            CallError::Passing(_)
        ));
        assert!(matches!(failed(102, ""), CallError::Passing(_)));
        assert!(matches!(
            error(json!({"echo": "1"})),
            CallError::Unreadable(_)
        ));
    }

    #[test]
    fn a_message_without_an_id_was_swallowed() {
        let id = |data: Value| message_id(&data).ok();
        assert_eq!(
            id(json!({"message_id": -2_147_483_648_i64})).unwrap(),
            "-2147483648"
        );
        assert_eq!(id(json!({"message_id": "77"})).unwrap(), "77");
        for data in [
            json!({"message_id": 0}),
            json!({"message_id": "0"}),
            json!({}),
            json!(null),
        ] {
            assert_eq!(id(data), None);
        }
    }
}
