//! Events over a stream of server-sent events that the client opens.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, interval_at};

use super::{Head, Inner, events};
use crate::qq::Happened;

const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n\
     Transfer-Encoding: chunked\r\n\r\n";
/// Without heartbeats none comes as long as a story lasts.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);
/// Bytes of a small piece: characters are cut.
const PIECE: usize = 7;

pub(super) async fn serve(mut stream: TcpStream, head: &Head, inner: &Arc<Inner>) {
    // It was only looked at so far.
    if stream.read_exact(&mut vec![0; head.length]).await.is_err() {
        return;
    }
    let header = Some(head.header("authorization"));
    let refusal = if !inner.settings.has_stream {
        Some("404 Not Found")
    } else if !inner.is_known(header, &head.query) {
        Some("401 Unauthorized")
    } else {
        None
    };
    if let Some(status) = refusal {
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        // Whoever asked may have gone.
        let _ = stream.write_all(answer.as_bytes()).await;
        return;
    }
    // What happens from now on is told, also while the head is held back.
    let happened = inner.qq.shared.happened.subscribe();
    inner.qq.shared.with(|world| {
        world.connected += 1;
        world.connections += 1;
    });
    tell(&mut stream, inner, happened).await;
    inner.qq.shared.with(|world| world.connected -= 1);
}

async fn tell(
    stream: &mut TcpStream,
    inner: &Arc<Inner>,
    mut happened: tokio::sync::broadcast::Receiver<Happened>,
) {
    let mut cuts = inner.cuts.subscribe();
    let mut mute = inner.is_mute.subscribe();
    let every = inner.settings.heartbeat.unwrap_or(NEVER);
    let mut heartbeat = interval_at(Instant::now() + every, every);
    let mut owed = GOOD;
    if !inner.settings.holds_head {
        if stream.write_all(owed.as_bytes()).await.is_err() {
            return;
        }
        owed = "";
    }
    let mut unwanted = [0; 256];
    loop {
        let is_mute = *mute.borrow();
        let (text, is_beat) = tokio::select! {
            _ = cuts.changed() => return,
            _ = mute.changed() => continue,
            _ = heartbeat.tick(), if !is_mute => (": heartbeat\n\n".to_owned(), true),
            event = happened.recv(), if !is_mute => match event {
                Ok(Happened::Message(entry) | Happened::Again(entry)) => {
                    let event = events::message(inner, &entry);
                    let data = if inner.settings.in_pieces {
                        serde_json::to_string_pretty(&event).expect("values of JSON can be written")
                    } else {
                        event.to_string()
                    };
                    (format!("event: milky_event\ndata: {}\n\n", data.replace('\n', "\ndata: ")), false)
                }
                Ok(Happened::Raw(text)) => (format!("event: milky_event\ndata: {text}\n\n"), false),
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            },
            read = stream.read(&mut unwanted) => match read {
                Ok(0) | Err(_) => return,
                Ok(_) => {
                    let what = "more than a request on the stream of events".to_owned();
                    inner.qq.shared.with(|world| world.complaints.push(what));
                    continue;
                }
            },
        };
        let size = if inner.settings.in_pieces {
            PIECE
        } else {
            text.len()
        };
        let mut bytes = std::mem::take(&mut owed).as_bytes().to_vec();
        for piece in text.as_bytes().chunks(size) {
            bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            bytes.extend_from_slice(piece);
            bytes.extend_from_slice(b"\r\n");
            if stream.write_all(&bytes).await.is_err() {
                return;
            }
            bytes.clear();
        }
        if is_beat {
            inner.qq.shared.with(|world| world.heartbeats += 1);
        }
    }
}
