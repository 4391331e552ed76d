//! The access token: one for all calls, fetched once at a time, renewed before it ends.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

use super::answer;

/// A token is renewed so long before its end: then the platform gives a new one, and the old one is
/// still good for calls on their way.
const EARLY: Duration = Duration::from_secs(50);
const FETCH_LIMIT: Duration = Duration::from_secs(15);
/// Life of a token whose answer does not say.
const USUAL_LIFE: Duration = Duration::from_secs(7200);
/// The platform's words for an unknown bot and a wrong secret.
const WRONG_CREDENTIALS: [i64; 2] = [100_007, 100_016];

/// Why there is no token.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum TokenError {
    /// App id or secret are wrong: waiting does not help.
    #[error("the platform refuses app id and secret: {0}")]
    Refused(String),
    /// Worth another try.
    #[error("no access token: {0}")]
    Away(String),
}

/// A token and until when it is good.
#[derive(Clone)]
struct Held {
    text: Arc<str>,
    until: Instant,
}

type Fetching = Shared<BoxFuture<'static, Result<Held, TokenError>>>;

#[derive(Default)]
struct State {
    current: Option<Held>,
    fetching: Option<Fetching>,
}

/// Makes tokens for everyone who needs one.
pub(super) struct Tokens {
    http: reqwest::Client,
    url: Url,
    app_id: String,
    secret: SecretString,
    state: Mutex<State>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("app_id", &self.app_id)
            .finish_non_exhaustive()
    }
}

impl Tokens {
    pub(super) fn new(
        http: reqwest::Client,
        url: Url,
        app_id: String,
        secret: SecretString,
    ) -> Self {
        Self {
            http,
            url,
            app_id,
            secret,
            state: Mutex::default(),
        }
    }

    /// A token that is good now. Who comes while one is fetched waits for the same answer.
    pub(super) async fn get(&self) -> Result<Arc<str>, TokenError> {
        let fetching = {
            let mut state = self.lock();
            match &state.current {
                Some(held) if held.until > Instant::now() => return Ok(held.text.clone()),
                _ => {}
            }
            state
                .fetching
                .get_or_insert_with(|| self.fetch().shared())
                .clone()
        };
        let fetched = fetching.clone().await;
        let mut state = self.lock();
        if state
            .fetching
            .as_ref()
            .is_some_and(|known| known.ptr_eq(&fetching))
        {
            state.fetching = None;
            if let Ok(held) = &fetched {
                state.current = Some(held.clone());
            }
        }
        fetched.map(|held| held.text)
    }

    /// The platform did not take this token. Forgotten, unless somebody has renewed it already.
    pub(super) fn refused(&self, token: &str) {
        let mut state = self.lock();
        if state
            .current
            .as_ref()
            .is_some_and(|held| *held.text == *token)
        {
            state.current = None;
        }
    }

    fn fetch(&self) -> BoxFuture<'static, Result<Held, TokenError>> {
        let body = json!({
            "appId": self.app_id,
            "clientSecret": self.secret.expose_secret(),
        });
        let request = self
            .http
            .post(self.url.clone())
            .timeout(FETCH_LIMIT)
            .json(&body);
        async move {
            let asked = Instant::now();
            let response = request
                .send()
                .await
                .map_err(|error| TokenError::Away(answer::network(error)))?;
            let status = response.status();
            let body = answer::body(response).await.map_err(TokenError::Away)?;
            held(&body, status.as_u16(), asked)
        }
        .boxed()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn held(body: &Value, status: u16, asked: Instant) -> Result<Held, TokenError> {
    let token = body["access_token"].as_str().unwrap_or_default();
    if token.is_empty() {
        let code = answer::code(body).unwrap_or_default();
        let message = answer::message(body);
        let detail = format!("status {status}, code {code}: {message}");
        return Err(
            if WRONG_CREDENTIALS.contains(&code) || matches!(status, 400 | 401 | 403) {
                TokenError::Refused(detail)
            } else {
                TokenError::Away(detail)
            },
        );
    }
    let life = match &body["expires_in"] {
        Value::String(text) => text.parse().ok().map(Duration::from_secs),
        Value::Number(number) => number.as_u64().map(Duration::from_secs),
        _ => None,
    };
    let life = life.unwrap_or(USUAL_LIFE).min(USUAL_LIFE);
    Ok(Held {
        text: token.into(),
        // Near its end a token is asked for again soon, but never without a pause.
        until: asked + life.saturating_sub(EARLY).max(life / 2),
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_life_in_quotes_is_read_and_ends_early() {
        let now = Instant::now();
        let body = json!({"access_token": "t", "expires_in": "7200"});
        assert_eq!(
            held(&body, 200, now).unwrap().until,
            now + Duration::from_secs(7150)
        );
        let body = json!({"access_token": "t", "expires_in": 40});
        assert_eq!(
            held(&body, 200, now).unwrap().until,
            now + Duration::from_secs(20)
        );
    }

    #[test]
    fn a_wrong_secret_is_told_from_a_bad_day() {
        let now = Instant::now();
        let wrong = json!({"code": 100016, "message": "invalid appid or secret"});
        assert!(matches!(
            held(&wrong, 200, now),
            Err(TokenError::Refused(_))
        ));
        let busy = json!({"code": 22009, "message": "busy"});
        assert!(matches!(held(&busy, 200, now), Err(TokenError::Away(_))));
    }
}
