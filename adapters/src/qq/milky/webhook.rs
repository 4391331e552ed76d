//! Events that a protocol end posts to us.

use async_trait::async_trait;
use axum::http::StatusCode;
use axum::http::request::Parts;
use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::qq::bearer;
use crate::qq::posted::Door;
use crate::qq::told::{self, Told};

/// Takes posted events that show our token.
pub(super) struct Webhook {
    pub(super) events: mpsc::Sender<Told>,
    pub(super) token: Option<SecretString>,
}

#[async_trait]
impl Door for Webhook {
    fn admits(&self, head: &Parts) -> Result<(), StatusCode> {
        bearer::allowed(&head.headers, head.uri.query(), self.token.as_ref())
    }

    fn believes(&self, _head: &Parts, _body: &[u8]) -> Result<(), StatusCode> {
        Ok(())
    }

    fn is_event(&self, _head: &Parts, value: &Value) -> bool {
        value["event_type"].is_string()
    }

    async fn take(&self, value: Value) -> bool {
        told::tell_and_wait(&self.events, value).await
    }
}
