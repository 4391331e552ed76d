//! Files in, in pieces: for a program that keeps them on its own machine (`download_file_stream`).

use std::io;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{OneBot, answer};
use crate::adapter::ByteStream;
use crate::qq::account::{CallError, limit_for};

const ACTION: &str = "download_file_stream";
/// Bytes of a piece.
const PIECE: u64 = 256 * 1024;
/// How long the program may take from one piece to the next.
const PIECE_LIMIT: Duration = Duration::from_secs(60);

/// What is known of a file whose size is not: a program fetches it from QQ before it says a word.
const UNKNOWN: u64 = 100_000_000;

/// Asks for a file of `size` bytes, 0 when that is not known.
pub(super) async fn fetch(account: &OneBot, id: &str, size: u64) -> Result<ByteStream, CallError> {
    let limit = limit_for(if size == 0 { UNKNOWN } else { size });
    let params = json!({"file_id": id, "chunk_size": PIECE});
    let mut parts = account.call_for_parts(ACTION, &params, limit).await?;
    let first = timeout(limit, parts.next())
        .await
        .map_err(|_| CallError::Silent)?
        .ok_or(CallError::Lost)?;
    let info = answer::read(ACTION, first)?;
    if info["data_type"] != "file_info" {
        return Err(CallError::Unreadable(
            "a file does not begin with what it is".to_owned(),
        ));
    }
    let promised = info["file_size"].as_u64().filter(|size| *size > 0);
    let fetcher = account.fetcher.clone();
    if promised.is_some_and(|size| !fetcher.allows(size)) {
        return Err(CallError::Refused("it is too large".to_owned()));
    }
    let pieces = Pieces {
        promised,
        index: 0,
        bytes: 0,
    };
    let state = Some((parts, pieces));
    Ok(stream::unfold(state, move |state| {
        let fetcher = fetcher.clone();
        async move {
            let (mut parts, mut pieces) = state?;
            match pieces.next(&mut parts).await {
                Ok(Some(_)) if !fetcher.allows(pieces.bytes) => {
                    Some((Err(io::Error::other("the file is too large")), None))
                }
                Ok(Some(piece)) => Some((Ok(piece), Some((parts, pieces)))),
                Ok(None) => None,
                Err(error) => Some((Err(io::Error::other(error.to_string())), None)),
            }
        }
    })
    .boxed())
}

/// How far a file has come.
#[derive(Debug)]
struct Pieces {
    promised: Option<u64>,
    index: u64,
    bytes: u64,
}

impl Pieces {
    /// The next piece; `None` when the file is whole.
    async fn next(
        &mut self,
        parts: &mut BoxStream<'static, Value>,
    ) -> Result<Option<Bytes>, CallError> {
        let part = timeout(PIECE_LIMIT, parts.next())
            .await
            .map_err(|_| CallError::Silent)?
            .ok_or(CallError::Lost)?;
        self.take(part)
    }

    fn take(&mut self, part: Value) -> Result<Option<Bytes>, CallError> {
        let damaged = || CallError::Passing("the file arrived damaged".to_owned());
        let part = answer::read(ACTION, part)?;
        let number = |key: &str| part[key].as_u64();
        match part["data_type"].as_str() {
            Some("file_chunk") => {
                let text = part["data"].as_str().unwrap_or_default();
                let piece = STANDARD
                    .decode(text)
                    .map_err(|error| CallError::Unreadable(error.to_string()))?;
                let length = piece.len() as u64;
                if number("index") != Some(self.index) || number("size") != Some(length) {
                    return Err(damaged());
                }
                self.index += 1;
                self.bytes += length;
                Ok(Some(piece.into()))
            }
            Some("file_complete") => {
                let is_whole = number("total_chunks") == Some(self.index)
                    && number("total_bytes") == Some(self.bytes)
                    && self.promised.is_none_or(|size| size == self.bytes);
                if is_whole { Ok(None) } else { Err(damaged()) }
            }
            _ => Err(CallError::Unreadable(
                "an unknown part of a file".to_owned(),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn part(data: &Value) -> Value {
        json!({"status": "ok", "retcode": 0, "data": data, "stream": "stream-action"})
    }

    fn piece(index: u64, text: &str) -> Value {
        part(
            &json!({"type": "stream", "data_type": "file_chunk", "index": index,
            "data": STANDARD.encode(text), "size": text.len()}),
        )
    }

    fn end(chunks: u64, bytes: u64) -> Value {
        part(
            &json!({"type": "response", "data_type": "file_complete", "total_chunks": chunks,
            "total_bytes": bytes}),
        )
    }

    fn read(promised: Option<u64>, parts: Vec<Value>) -> Result<String, CallError> {
        let mut pieces = Pieces {
            promised,
            index: 0,
            bytes: 0,
        };
        let mut text = String::new();
        for part in parts {
            match pieces.take(part)? {
                Some(piece) => text.push_str(std::str::from_utf8(&piece).unwrap()),
                None => return Ok(text),
            }
        }
        panic!("it has no end");
    }

    #[test]
    fn a_file_is_only_whole_with_all_its_pieces() {
        let good = |promised| {
            let parts = vec![piece(0, "good "), piece(1, "file"), end(2, 9)];
            read(promised, parts)
        };
        assert_eq!(good(Some(9)).unwrap(), "good file");
        assert_eq!(good(None).unwrap(), "good file");
        assert!(matches!(good(Some(10)), Err(CallError::Passing(_))));
        for bad in [
            vec![piece(1, "file"), end(1, 4)],
            vec![piece(0, "x"), piece(0, "x"), end(2, 2)],
            vec![piece(0, "x"), end(2, 1)],
            vec![piece(0, "x"), end(1, 2)],
        ] {
            assert!(matches!(read(None, bad), Err(CallError::Passing(_))));
        }
        let failed = json!({"status": "failed", "retcode": 1200, "wording": "Download failed: x",
            "data": {"type": "error", "data_type": "error"}, "stream": "stream-action"});
        assert!(matches!(
            read(None, vec![failed]),
            Err(CallError::Passing(_))
        ));
        assert!(matches!(
            read(None, vec![part(&json!({"data_type": "unheard_of"}))]),
            Err(CallError::Unreadable(_))
        ));
    }
}
