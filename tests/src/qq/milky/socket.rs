//! Events over a WebSocket that the client opens.

use std::sync::Arc;

use axum::http::StatusCode;
use futures::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::sync::broadcast::error::RecvError;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::{Inner, events};
use crate::qq::Happened;

#[expect(
    clippy::result_large_err,
    reason = "the library's own type of a refused handshake"
)]
pub(super) async fn serve(stream: TcpStream, inner: &Arc<Inner>) {
    let mut is_known = false;
    let check = |request: &Request, response| {
        let header = request.headers().get("Authorization");
        let header = header.and_then(|value| value.to_str().ok());
        is_known = inner.is_known(header, request.uri().query().unwrap_or_default());
        if is_known || inner.settings.takes_anybody {
            return Ok(response);
        }
        let mut refusal = ErrorResponse::new(None);
        *refusal.status_mut() = StatusCode::UNAUTHORIZED;
        Err(refusal)
    };
    let Ok(mut socket) = accept_hdr_async(stream, check).await else {
        return;
    };
    if !is_known {
        let refusal = CloseFrame {
            code: CloseCode::Policy,
            reason: "Unauthorized".into(),
        };
        let _ = socket.close(Some(refusal)).await;
        return;
    }
    let mut happened = inner.qq.shared.happened.subscribe();
    let mut cuts = inner.cuts.subscribe();
    let mut mute = inner.is_mute.subscribe();
    inner.qq.shared.with(|world| {
        world.connected += 1;
        world.connections += 1;
    });
    loop {
        let is_mute = *mute.borrow();
        tokio::select! {
            _ = cuts.changed() => break,
            _ = mute.changed() => {}
            event = happened.recv(), if !is_mute => {
                let event = match event {
                    Ok(Happened::Message(entry) | Happened::Again(entry)) => {
                        events::message(inner, &entry).to_string()
                    }
                    Ok(Happened::Raw(text)) => text.as_ref().to_owned(),
                    Err(RecvError::Lagged(_)) => continue,
                    Err(RecvError::Closed) => break,
                };
                if socket.send(Message::text(event)).await.is_err() {
                    break;
                }
            }
            frame = socket.next() => match frame {
                Some(Ok(Message::Text(_) | Message::Binary(_))) => inner.qq.shared.with(|world| {
                    world.complaints.push("a frame on the WebSocket of events".to_owned());
                }),
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
        }
    }
    inner.qq.shared.with(|world| world.connected -= 1);
}
