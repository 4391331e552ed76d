//! Access tokens of WeCom and of Official Accounts: one for all calls, fetched once at a time, renewed
//! before it ends.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use reqwest::RequestBuilder;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

use super::answer;

/// A token is renewed so long before its end.
const EARLY: Duration = Duration::from_secs(5 * 60);
const FETCH_LIMIT: Duration = Duration::from_secs(15);
/// Life of a token whose answer does not say.
const USUAL_LIFE: Duration = Duration::from_secs(7200);
/// After a refusal nobody asks again for so long: each wrong try counts against us.
const REFUSAL_LIFE: Duration = Duration::from_secs(30);

/// Why there is no token.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum TokenError {
    /// Id or secret are wrong: waiting does not help.
    #[error("the platform refuses id and secret: code {code}: {message}")]
    Refused { code: i64, message: String },
    /// This machine may not call: the operator has to allow its address.
    #[error(
        "the platform does not know this server's address: code {code}: {message}; add the address to the \
         list of allowed ones on the platform's page"
    )]
    Address { code: i64, message: String },
    /// Worth another try.
    #[error("no access token: {0}")]
    Away(String),
}

/// Whose tokens they are, and how they are asked for.
pub(super) enum Login {
    /// An app of WeCom.
    WeCom {
        corporation: String,
        secret: SecretString,
    },
    /// An Official Account.
    Official { app: String, secret: SecretString },
}

impl Login {
    /// `force` ends the token that the platform holds; WeCom decides that by itself.
    fn ask(&self, http: &reqwest::Client, base: &Url, force: bool) -> RequestBuilder {
        match self {
            Self::WeCom {
                corporation,
                secret,
            } => {
                let mut url = answer::below(base, &["gettoken"]);
                url.query_pairs_mut()
                    .append_pair("corpid", corporation)
                    .append_pair("corpsecret", secret.expose_secret());
                http.get(url)
            }
            Self::Official { app, secret } => {
                let url = answer::below(base, &["stable_token"]);
                http.post(url).json(&json!({
                    "grant_type": "client_credential",
                    "appid": app,
                    "secret": secret.expose_secret(),
                    "force_refresh": force,
                }))
            }
        }
    }
}

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
    /// The platform has said no, and until when that is believed.
    refused: Option<(TokenError, Instant)>,
    /// The token that was taken back before its end.
    dead: Option<Arc<str>>,
}

/// Makes tokens for everyone who needs one.
pub(super) struct Tokens {
    http: reqwest::Client,
    base: Url,
    login: Arc<Login>,
    state: Mutex<State>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

impl Tokens {
    pub(super) fn new(http: reqwest::Client, base: Url, login: Login) -> Self {
        Self {
            http,
            base,
            login: Arc::new(login),
            state: Mutex::default(),
        }
    }

    /// A token that is good now. Who comes while one is fetched waits for the same answer.
    pub(super) async fn get(&self) -> Result<Arc<str>, TokenError> {
        let fetching = {
            let mut state = self.lock();
            let now = Instant::now();
            match (&state.current, &state.refused) {
                (Some(held), _) if held.until > now => return Ok(held.text.clone()),
                (_, Some((error, until))) if *until > now => return Err(error.clone()),
                _ => {}
            }
            let dead = state.dead.clone();
            state
                .fetching
                .get_or_insert_with(|| self.fetch(dead).shared())
                .clone()
        };
        let fetched = fetching.clone().await;
        let mut state = self.lock();
        let is_first = |known: &Fetching| known.ptr_eq(&fetching);
        if state.fetching.as_ref().is_some_and(is_first) {
            state.fetching = None;
            match &fetched {
                Ok(held) => {
                    state.current = Some(held.clone());
                    state.refused = None;
                }
                Err(error @ (TokenError::Refused { .. } | TokenError::Address { .. })) => {
                    state.refused = Some((error.clone(), Instant::now() + REFUSAL_LIFE));
                }
                Err(TokenError::Away(_)) => {}
            }
        }
        fetched.map(|held| held.text)
    }

    /// The platform did not take this token. Forgotten, unless somebody has renewed it already.
    pub(super) fn refused(&self, token: &Arc<str>) {
        let mut state = self.lock();
        let is_this = |held: &Held| *held.text == **token;
        if state.current.as_ref().is_some_and(is_this) {
            state.current = None;
            state.dead = Some(token.clone());
        }
    }

    fn fetch(&self, dead: Option<Arc<str>>) -> BoxFuture<'static, Result<Held, TokenError>> {
        let (http, base, login) = (self.http.clone(), self.base.clone(), self.login.clone());
        async move {
            let ask = async |force| {
                let asked = Instant::now();
                let request = login.ask(&http, &base, force).timeout(FETCH_LIMIT);
                let response = request.send().await;
                let response =
                    response.map_err(|error| TokenError::Away(answer::network(error)))?;
                let status = response.status().as_u16();
                let body = answer::body(response).await.map_err(TokenError::Away)?;
                held(&body, status, asked)
            };
            let held = ask(false).await?;
            // A stable token comes again until it is ended by force.
            if dead.is_some_and(|dead| dead == held.text)
                && matches!(*login, Login::Official { .. })
            {
                return ask(true).await;
            }
            Ok(held)
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
        let (code, message) = (answer::code(body), answer::message(body));
        return Err(match code {
            40_001 | 40_013 | 40_125 | 40_243 | 41_002 | 41_004 | 50_002 => {
                TokenError::Refused { code, message }
            }
            40_164 | 60_020 => TokenError::Address { code, message },
            _ => TokenError::Away(format!("status {status}, code {code}: {message}")),
        });
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
    fn a_token_ends_early_and_refusals_are_told_apart() {
        let now = Instant::now();
        let good = json!({"errcode": 0, "access_token": "t", "expires_in": 7200});
        let until = held(&good, 200, now).unwrap().until;
        assert_eq!(until, now + Duration::from_secs(6900));
        let short = json!({"access_token": "t", "expires_in": "40"});
        let until = held(&short, 200, now).unwrap().until;
        assert_eq!(until, now + Duration::from_secs(20));
        let said = |code: i64| held(&json!({"errcode": code, "errmsg": "x"}), 200, now);
        for code in [40_001, 40_013, 40_125] {
            assert!(matches!(said(code), Err(TokenError::Refused { .. })));
        }
        for code in [40_164, 60_020] {
            assert!(matches!(said(code), Err(TokenError::Address { .. })));
        }
        assert!(matches!(said(-1), Err(TokenError::Away(_))));
        assert!(matches!(
            held(&Value::Null, 502, now),
            Err(TokenError::Away(_))
        ));
    }
}
