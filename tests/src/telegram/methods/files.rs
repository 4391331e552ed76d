//! Files up, and where to fetch them.

use serde_json::json;

use super::{Answer, chat_id, messages};
use crate::telegram::arguments::{Arguments, InputFile};
use crate::telegram::error::ApiError;
use crate::telegram::formatting::{self, Formatted};
use crate::telegram::state::{Body, State, StoredFile, unique};

/// Largest file that a bot may send, in bytes.
const UPLOAD_LIMIT: usize = 50 * 1024 * 1024;
/// Largest photo.
const PHOTO_LIMIT: usize = 10 * 1024 * 1024;
/// Largest file that a bot may fetch.
const DOWNLOAD_LIMIT: usize = 20 * 1024 * 1024;
/// Longest caption, in UTF-16 units.
const CAPTION_LIMIT: usize = 1024;

pub(super) fn send_document(state: &mut State, arguments: &Arguments) -> Answer {
    let (chat, file, caption) = incoming(state, arguments, "document", UPLOAD_LIMIT)?;
    messages::put(state, chat, Body::Document(file, caption), arguments)
}

pub(super) fn send_photo(state: &mut State, arguments: &Arguments) -> Answer {
    let (chat, file, caption) = incoming(state, arguments, "photo", PHOTO_LIMIT)?;
    let known = [&b"\x89PNG"[..], b"\xff\xd8\xff", b"GIF8", b"RIFF"];
    if !known.iter().any(|magic| file.bytes.starts_with(magic)) {
        return Err(ApiError::bad("IMAGE_PROCESS_FAILED"));
    }
    messages::put(state, chat, Body::Photo(file, caption), arguments)
}

fn incoming(
    state: &mut State,
    arguments: &Arguments,
    name: &str,
    limit: usize,
) -> Result<(i64, StoredFile, Formatted), ApiError> {
    let chat = chat_id(arguments)?;
    state.open_chat(chat)?;
    let caption = formatting::parse(
        arguments.text("caption").unwrap_or_default(),
        arguments.text("parse_mode"),
        arguments.json("caption_entities")?,
    )?;
    if caption.units() > CAPTION_LIMIT {
        return Err(ApiError::bad("message caption is too long"));
    }
    let file = match arguments.file(name)? {
        InputFile::Uploaded(part) if part.bytes.is_empty() => {
            return Err(ApiError::bad("file must be non-empty"));
        }
        InputFile::Uploaded(part) if part.bytes.len() > limit => {
            return Err(ApiError::new(413, "Request Entity Too Large"));
        }
        InputFile::Uploaded(part) => state.store(&part.name, &part.mime, part.bytes),
        InputFile::Id(id) => state.files.get(&id).cloned().ok_or_else(|| {
            ApiError::bad("wrong remote file identifier specified: Wrong padding in the string")
        })?,
    };
    Ok((chat, file, caption))
}

pub(super) fn get_file(state: &mut State, arguments: &Arguments) -> Answer {
    let file = arguments
        .text("file_id")
        .and_then(|id| state.files.get(id))
        .ok_or_else(|| ApiError::bad("invalid file_id"))?;
    if file.bytes.len() > DOWNLOAD_LIMIT {
        return Err(ApiError::bad("file is too big"));
    }
    Ok(json!({
        "file_id": file.id,
        "file_unique_id": unique(file),
        "file_size": file.bytes.len(),
        "file_path": file.path,
    }))
}
