//! The implementation as a WebSocket client.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use super::{Inner, talk};

/// Connects, and again and again when that fails or ends. NapCat waits longer between.
pub(super) async fn keep(url: String, inner: Arc<Inner>) {
    loop {
        if !inner.is_down.load(Ordering::SeqCst) {
            // What went wrong is seen by the other side; here it only means to try again.
            let _ = once(&url, &inner).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn once(url: &str, inner: &Arc<Inner>) -> anyhow::Result<()> {
    let mut request = url.into_client_request()?;
    let headers = request.headers_mut();
    headers.insert("X-Self-ID", inner.qq.account().to_string().parse()?);
    headers.insert("X-Client-Role", "Universal".parse()?);
    headers.insert("User-Agent", "OneBot/11".parse()?);
    if let Some(token) = &inner.settings.token {
        headers.insert("Authorization", format!("Bearer {token}").parse()?);
    }
    let host = url.trim_start_matches("ws://").split('/').next();
    let stream = TcpStream::connect(host.unwrap_or_default()).await?;
    let (mut socket, _) = client_async(request, stream).await?;
    inner.qq.shared.with(|world| {
        world.connected += 1;
        world.connections += 1;
    });
    talk(&mut socket, inner).await;
    inner.qq.shared.with(|world| world.connected -= 1);
    Ok(())
}
