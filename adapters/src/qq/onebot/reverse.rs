//! The implementation connects to our WebSocket server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_tungstenite::accept_hdr_async_with_config;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;

use super::line::{Line, Role};
use crate::adapter::AdapterError;
use crate::qq::bearer;
use crate::remote_file::Fetcher;
use crate::websocket::limits;

/// Longest time for the handshake.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// Connections at the same time: one program needs two at most.
const MOST: usize = 8;

/// Listens.
///
/// # Errors
/// When the address cannot be listened on.
pub(super) async fn listen(address: SocketAddr) -> Result<TcpListener, AdapterError> {
    TcpListener::bind(address)
        .await
        .map_err(|error| AdapterError::Setting {
            setting: "onebot.listen",
            detail: format!("`{address}` cannot be listened on: {error}"),
        })
}

/// Takes connections; never ends.
pub(super) async fn accept(
    listener: TcpListener,
    line: Arc<Line>,
    token: Option<SecretString>,
    fetcher: Fetcher,
) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection of the QQ program could not be taken");
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        if connections.len() >= MOST {
            tracing::warn!(%peer, "too many connections of QQ programs");
            continue;
        }
        connections.spawn(serve(
            stream,
            peer,
            line.clone(),
            token.clone(),
            fetcher.clone(),
        ));
    }
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    line: Arc<Line>,
    token: Option<SecretString>,
    fetcher: Fetcher,
) {
    let mut role = Role::Universal;
    let mut account = None;
    #[expect(
        clippy::result_large_err,
        reason = "the library's own type of a refused handshake"
    )]
    let check = |request: &Request, response: Response| {
        bearer::allowed(request.headers(), request.uri().query(), token.as_ref())
            .and_then(|()| {
                role = role_of(request)?;
                account = account_of(request)?;
                match (account, line.myself()) {
                    // An account is one session with the brain.
                    (Some(theirs), Some(ours)) if theirs != ours => Err(StatusCode::FORBIDDEN),
                    _ => Ok(()),
                }
            })
            .map_err(|status| {
                let mut refusal = ErrorResponse::new(None);
                *refusal.status_mut() = status;
                refusal
            })?;
        Ok(response)
    };
    // Small frames wait for nothing.
    let _ = stream.set_nodelay(true);
    let shaking = accept_hdr_async_with_config(stream, check, Some(limits()));
    let socket = match timeout(HANDSHAKE_LIMIT, shaking).await {
        Ok(Ok(socket)) => socket,
        Ok(Err(error)) => {
            tracing::warn!(%peer, %error, "a connection to `onebot.listen` was refused");
            return;
        }
        Err(_) => return,
    };
    if let Some(account) = account {
        line.is_myself(account);
    }
    fetcher.trust(peer.ip().to_canonical().to_string());
    tracing::info!(%peer, "the QQ program has connected");
    let ended = line.serve(socket, role).await;
    tracing::warn!(%peer, reason = %ended, "a connection of the QQ program has ended");
}

fn role_of(request: &Request) -> Result<Role, StatusCode> {
    let role = request.headers().get("X-Client-Role");
    match role
        .map(|role| role.as_bytes().to_ascii_lowercase())
        .as_deref()
    {
        None | Some(b"universal") => Ok(Role::Universal),
        Some(b"api") => Ok(Role::Api),
        Some(b"event") => Ok(Role::Event),
        Some(_) => Err(StatusCode::BAD_REQUEST),
    }
}

fn account_of(request: &Request) -> Result<Option<i64>, StatusCode> {
    let Some(account) = request.headers().get("X-Self-ID") else {
        return Ok(None);
    };
    let account = account.to_str().ok().and_then(|id| id.trim().parse().ok());
    account.map(Some).ok_or(StatusCode::BAD_REQUEST)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn request(headers: &[(&str, &str)]) -> Request {
        let mut request = Request::builder().uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    #[test]
    fn a_connection_says_what_it_carries_and_for_whom() {
        let with = |name, value| request(&[(name, value)]);
        assert_eq!(role_of(&request(&[])), Ok(Role::Universal));
        assert_eq!(role_of(&with("X-Client-Role", "API")), Ok(Role::Api));
        assert!(role_of(&with("X-Client-Role", "Boss")).is_err());
        assert_eq!(account_of(&with("X-Self-ID", "10001")), Ok(Some(10001)));
        assert!(account_of(&with("X-Self-ID", "ann")).is_err());
    }
}
