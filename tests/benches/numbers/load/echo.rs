//! The floor: a bare program that answers `/ping N` with `pong N` over the same transport. It runs as a
//! process of its own, so that its time and memory can be told apart.

use anyhow::{Context as _, Result};
use futures::{SinkExt as _, StreamExt as _};
use jarvis_tests::process::Process;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

/// The first argument of a process that is an echo.
const MARK: &str = "--be-an-echo";

/// Starts an echo.
pub(super) fn start(port: u16) -> Result<Process> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([MARK, &port.to_string()]);
    Process::start("echo", &mut command)
}

/// Is an echo when this process was started to be one.
pub(super) fn own_process(mut arguments: impl Iterator<Item = String>) -> Result<bool> {
    if arguments.next().as_deref() != Some(MARK) {
        return Ok(false);
    }
    let port: u16 = arguments.next().context("no port")?.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(port))?;
    Ok(true)
}

async fn serve(port: u16) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    let mut socket = accept_async(stream).await?;
    while let Some(frame) = socket.next().await {
        let Message::Text(text) = frame? else {
            continue;
        };
        let event: Value = serde_json::from_str(&text)?;
        let said = event["message"][0]["data"]["text"].as_str();
        let Some(word) = said.and_then(|said| said.strip_prefix("/ping ")) else {
            continue;
        };
        let message = json!([{"type": "text", "data": {"text": format!("pong {word}")}}]);
        let call = json!({
            "action": "send_group_msg",
            "params": {"group_id": event["group_id"], "message": message},
            "echo": word,
        });
        socket.send(Message::text(call.to_string())).await?;
    }
    Ok(())
}
