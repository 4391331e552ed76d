//! NapCat's download in pieces: frames under one echo, the last of which is no part any more.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Inner;
use super::calls::{self, Failure, bad};
use crate::qq::fault::Fault;

/// Bytes of a piece when the call says nothing.
const USUAL_PIECE: u64 = 64 * 1024;

/// All frames of the answer, without their echo. `cut` stands for the end of the connection.
pub(super) fn frames(inner: &Inner, params: &Value, fault: Option<&Fault>) -> Vec<Value> {
    match pieces(inner, params, fault) {
        Ok(frames) => frames,
        Err(Failure(code, words)) => {
            let mut frame = calls::failed(code, &words);
            frame["data"] = json!({"type": "error", "data_type": "error"});
            vec![part_of_stream(frame)]
        }
    }
}

/// Marks a frame as NapCat marks those of its calls that know parts.
pub(super) fn part_of_stream(mut frame: Value) -> Value {
    frame["stream"] = Value::from("stream-action");
    frame
}

fn pieces(inner: &Inner, params: &Value, fault: Option<&Fault>) -> Result<Vec<Value>, Failure> {
    let text = |key: &str| params[key].as_str().filter(|text| !text.is_empty());
    let id = text("file").or(text("file_id")).unwrap_or_default();
    let size = match &params["chunk_size"] {
        Value::Null => USUAL_PIECE,
        size => size.as_u64().ok_or_else(|| bad("Key: chunk_size"))?,
    };
    let size = usize::try_from(size).map_err(|_| bad("Key: chunk_size"))?;
    if let Some(Fault::Failed(code, words)) = fault {
        return Err(Failure(*code, words.clone()));
    }
    let file = inner.qq.shared.with(|world| {
        let file = world.files.get(id).filter(|_| !world.loses_files);
        file.cloned()
    });
    let missing = || Failure(1200, "Download failed: file not found".to_owned());
    let file = file.ok_or_else(missing)?;
    let good = |data: &Value| part_of_stream(calls::good(data));
    let total = file.bytes.len();
    let mut frames = vec![good(
        &json!({"type": "stream", "data_type": "file_info", "file_name": file.name,
            "file_size": total, "chunk_size": size}),
    )];
    let mut count = 0;
    for (index, piece) in file.bytes.chunks(size.max(1)).enumerate() {
        let text = STANDARD.encode(piece);
        let sent = (index * size + piece.len()) * 100;
        frames.push(good(
            &json!({"type": "stream", "data_type": "file_chunk", "index": index,
            "data": text, "size": piece.len(), "progress": sent / total.max(1),
            "base64_size": text.len()}),
        ));
        count += 1;
    }
    frames.push(good(
        &json!({"type": "response", "data_type": "file_complete", "total_chunks": count,
            "total_bytes": total, "message": "Download completed"}),
    ));
    match fault {
        Some(Fault::LosePart) => drop(frames.remove(frames.len() / 2)),
        Some(Fault::CutAfter) => {
            frames.truncate(frames.len() / 2);
            frames.push(json!({"cut": true}));
        }
        _ => {}
    }
    Ok(frames)
}
