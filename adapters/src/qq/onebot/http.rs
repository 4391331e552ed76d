//! Events that the implementation posts to us.

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha1::Sha1;

use super::inbound::number;
use super::line::Line;
use crate::qq::posted::Door;

/// Takes posted events.
pub(super) struct Signed {
    pub(super) line: Arc<Line>,
    pub(super) secret: Option<SecretString>,
}

#[async_trait]
impl Door for Signed {
    fn admits(&self, head: &Parts) -> Result<(), StatusCode> {
        // Who shows no signature need not send the body.
        if self.secret.is_some() && !head.headers.contains_key("X-Signature") {
            return Err(StatusCode::UNAUTHORIZED);
        }
        Ok(())
    }

    fn believes(&self, head: &Parts, body: &[u8]) -> Result<(), StatusCode> {
        is_signed(&head.headers, body, self.secret.as_ref())
    }

    fn is_event(&self, head: &Parts, value: &Value) -> bool {
        let named = head.headers.get("X-Self-ID");
        let named = named.and_then(|id| id.to_str().ok());
        value["post_type"].is_string()
            && named.is_none_or(|id| id.trim().parse().ok() == number(&value["self_id"]))
    }

    async fn take(&self, value: Value) -> bool {
        self.line.post(value).await
    }
}

/// Whether a body carries the signature that our secret makes of it; compared in constant time.
fn is_signed(
    headers: &HeaderMap,
    body: &[u8],
    secret: Option<&SecretString>,
) -> Result<(), StatusCode> {
    let Some(secret) = secret else { return Ok(()) };
    let given = headers.get("X-Signature").ok_or(StatusCode::UNAUTHORIZED)?;
    let given = given
        .to_str()
        .ok()
        .and_then(|text| text.strip_prefix("sha1="))
        .and_then(|text| hex::decode(text).ok())
        .ok_or(StatusCode::FORBIDDEN)?;
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.expose_secret().as_bytes())
        .expect("HMAC takes keys of any length");
    mac.update(body);
    mac.verify_slice(&given).map_err(|_| StatusCode::FORBIDDEN)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_body_is_believed_by_its_signature() {
        let secret = SecretString::from("Jefe");
        let body = b"what do ya want for nothing?";
        let signed = |signature: Option<&str>, body: &[u8]| {
            let mut headers = HeaderMap::new();
            if let Some(signature) = signature {
                headers.insert("X-Signature", signature.parse().unwrap());
            }
            is_signed(&headers, body, Some(&secret)).map_err(|status| status.as_u16())
        };
        // RFC 2202, test case 2.
        let right = "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79";
        assert_eq!(signed(Some(right), body), Ok(()));
        assert_eq!(
            signed(Some(&right.to_uppercase().replace("SHA1", "sha1")), body),
            Ok(())
        );
        assert_eq!(
            signed(Some(right), b"what do ya want for nothing!"),
            Err(403)
        );
        assert_eq!(signed(None, body), Err(401));
        for wrong in [
            "",
            "sha1=",
            "sha1=ef",
            "sha1=zz",
            "sha1=é",
            "md5=effc",
            &right[..44],
        ] {
            assert_eq!(signed(Some(wrong), body), Err(403), "{wrong}");
        }
        assert_eq!(is_signed(&HeaderMap::new(), body, None), Ok(()));
    }
}
