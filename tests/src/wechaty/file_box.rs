//! File boxes, as strict as npm `file-box` reads them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::Shared;
use super::world::Stored;

/// Larger files go beside the calls.
const INSIDE: usize = 20 * 1024;

/// The file in a box that a client has sent.
pub(super) fn read(shared: &Shared, text: &str) -> Result<Stored, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let name = value["name"].as_str().unwrap_or_default();
    if name.is_empty() || name.contains(['/', '\\']) {
        return Err(format!("no name of a file: {name:?}"));
    }
    let unknown = || format!("unknown filebox json object{{type}}: {text:.100}");
    let bytes: Bytes = match value["type"].as_u64().ok_or_else(unknown)? {
        1 => {
            let inside = value["base64"].as_str().filter(|text| !text.is_empty());
            let inside = inside.ok_or("no base64 data")?;
            let bytes = STANDARD.decode(inside).map_err(|error| error.to_string())?;
            bytes.into()
        }
        7 => {
            let id = value["uuid"].as_str().ok_or("no uuid")?;
            let found = shared.with(|world| world.boxes.get(id).cloned());
            found.ok_or_else(|| format!("no stream for uuid {id}"))?
        }
        _ => return Err(unknown()),
    };
    if let Some(size) = value["size"].as_u64()
        && size != bytes.len() as u64
    {
        return Err(format!("{} bytes instead of {size}", bytes.len()));
    }
    Ok(Stored {
        name: name.to_owned(),
        bytes,
    })
}

/// The box of a file that somebody has sent.
pub(super) fn write(shared: &Shared, message: &str, file: &Stored) -> String {
    let mut made = json!({"name": file.name, "metadata": {}, "size": file.bytes.len()});
    let kind = if shared.settings.files_by_address {
        made["url"] = Value::from(format!("http://{}/{message}", shared.files));
        made["headers"] = json!({"X-Cookie": "story"});
        2
    } else if file.bytes.len() <= INSIDE {
        made["base64"] = Value::from(STANDARD.encode(&file.bytes));
        1
    } else {
        let id = shared.with(|world| world.keep(file.bytes.clone()));
        made["uuid"] = Value::from(id);
        7
    };
    made["type"] = Value::from(kind);
    made["boxType"] = Value::from(kind);
    made.to_string()
}
