//! Files that are put up and fetched.

use bytes::Bytes;
use serde_json::{Value, json};

use super::server::{Incoming, Reply};
use super::state::{Media, Refusal, State};

/// Largest file of each kind, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) image: usize,
    pub(crate) file: Option<usize>,
}

/// Puts a file up.
pub(crate) fn put(state: &mut State, call: &Incoming, sizes: Sizes) -> Result<Value, Refusal> {
    if call.method != "POST" {
        return Err(Refusal::new(43_002, "require POST method"));
    }
    let kind = call.asked("type").to_owned();
    let most = match kind.as_str() {
        "image" => sizes.image,
        "voice" => 2 << 20,
        "video" => 10 << 20,
        "file" => sizes
            .file
            .ok_or_else(|| Refusal::new(40_004, "invalid media type"))?,
        _ => return Err(Refusal::new(40_004, "invalid media type")),
    };
    let (name, bytes) = part(&call.content_type, &call.bytes)
        .ok_or_else(|| Refusal::new(41_005, "media data missing"))?;
    if bytes.len() < 5 {
        return Err(Refusal::new(40_006, "invalid meida size"));
    }
    if bytes.len() > most {
        return Err(Refusal::new(45_001, "media size out of limit"));
    }
    let is_picture = bytes.starts_with(b"\x89PNG") || bytes.starts_with(b"\xff\xd8");
    if kind == "image" && !is_picture {
        return Err(Refusal::new(40_005, "invalid file type"));
    }
    let id = format!("MEDIA{}", state.next_id());
    let media = Media {
        kind: kind.clone(),
        name,
        bytes,
    };
    state.media.insert(id.clone(), media);
    Ok(json!({ "type": kind, "media_id": id, "created_at": "1380000000" }))
}

/// A file that is up.
pub(crate) fn get(state: &State, call: &Incoming) -> Result<Reply, Refusal> {
    let media = state.media.get(call.asked("media_id"));
    let media = media.ok_or_else(|| Refusal::new(40_007, "invalid media_id"))?;
    Ok(Reply::File {
        name: media.name.clone(),
        mime: match media.kind.as_str() {
            "image" => "image/jpeg",
            "voice" => "audio/amr",
            "video" => "video/mp4",
            _ => "application/octet-stream",
        },
        bytes: media.bytes.clone(),
    })
}

/// The part called `media` of a form: its file name and its bytes.
fn part(content_type: &str, body: &Bytes) -> Option<(String, Bytes)> {
    let (kind, boundary) = content_type.split_once("boundary=")?;
    if !kind.starts_with("multipart/form-data") {
        return None;
    }
    let boundary = format!("--{}", boundary.trim_matches('"'));
    let find = |from: usize, what: &[u8]| {
        let at = body[from..]
            .windows(what.len())
            .position(|some| some == what)?;
        Some(from + at)
    };
    let mut at = find(0, boundary.as_bytes())?;
    loop {
        let start = at + boundary.len() + 2;
        let head_end = find(start, b"\r\n\r\n")?;
        let end = find(head_end, format!("\r\n{boundary}").as_bytes())?;
        let head = String::from_utf8_lossy(&body[start..head_end]).into_owned();
        if head.contains("name=\"media\"") {
            let name = head.split("filename=\"").nth(1)?.split('"').next()?;
            let name = name.replace("%22", "\"");
            return Some((name, body.slice(head_end + 4..end)));
        }
        at = end + 2;
    }
}
