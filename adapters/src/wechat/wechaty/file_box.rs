//! File boxes: the JSON in which a gateway names a file, its bytes included or not. Pure functions.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

const BASE64: u64 = 1;
const URL: u64 = 2;
const CODE: u64 = 3;
const UUID: u64 = 7;

/// Where the bytes of a file are.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Place {
    /// Inside.
    Here(Vec<u8>),
    /// Behind an address, with what its server wants to see.
    There {
        /// The address; it may hold a key.
        url: String,
        /// Headers.
        headers: HeaderMap,
    },
    /// At the gateway, under this id.
    AtGateway(String),
}

/// A file box as it was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FileBox {
    /// Bytes; 0 when it does not say.
    pub(super) size: u64,
    /// Where they are.
    pub(super) place: Place,
}

/// Reads a file box; one with more than `most` bytes inside is refused (0 = no limit).
///
/// # Errors
/// In words for a person, without addresses.
pub(super) fn read(text: &str, most: u64) -> Result<FileBox, String> {
    let value: Value =
        serde_json::from_str(text).map_err(|_| "its file box is no JSON".to_owned())?;
    let text = |key: &str| value[key].as_str().filter(|text| !text.is_empty());
    // Older ones say `boxType` only.
    let kind = value["type"].as_u64().or_else(|| value["boxType"].as_u64());
    let place = match kind {
        Some(BASE64) => {
            let inside = text("base64").ok_or("its file box is empty")?;
            if most != 0 && inside.len() as u64 / 4 * 3 > most.saturating_add(2) {
                return Err("it is too large".to_owned());
            }
            let bytes = STANDARD.decode(inside.trim());
            Place::Here(bytes.map_err(|_| "the bytes in its file box cannot be read".to_owned())?)
        }
        Some(URL) => Place::There {
            url: text("url")
                .ok_or("its file box names no address")?
                .to_owned(),
            headers: headers(&value["headers"]),
        },
        Some(UUID) => Place::AtGateway(text("uuid").ok_or("its file box has no id")?.to_owned()),
        Some(CODE) => return Err("it is a code to be scanned and no file".to_owned()),
        other => return Err(format!("its file box is of an unknown kind ({other:?})")),
    };
    Ok(FileBox {
        size: value["size"].as_u64().unwrap_or_default(),
        place,
    })
}

/// Headers that are safe to pass on: those of the connection are ours.
fn headers(value: &Value) -> HeaderMap {
    const MOST: usize = 32;
    const OURS: [&str; 5] = [
        "host",
        "connection",
        "content-length",
        "transfer-encoding",
        "te",
    ];
    let mut headers = HeaderMap::new();
    for (name, value) in value.as_object().into_iter().flatten().take(MOST) {
        let name = HeaderName::try_from(name.as_str()).ok();
        let value = value
            .as_str()
            .and_then(|value| HeaderValue::from_str(value).ok());
        if let (Some(name), Some(value)) = (name, value)
            && !OURS.contains(&name.as_str())
        {
            headers.insert(name, value);
        }
    }
    headers
}

/// A file box with its bytes inside.
pub(super) fn inside(name: &str, bytes: &[u8]) -> String {
    let mut made = named(name, BASE64, bytes.len() as u64);
    made["base64"] = Value::from(STANDARD.encode(bytes));
    made.to_string()
}

/// A file box for bytes that the gateway has already.
pub(super) fn at_gateway(name: &str, id: &str, size: u64) -> String {
    let mut made = named(name, UUID, size);
    made["uuid"] = Value::from(id);
    made.to_string()
}

fn named(name: &str, kind: u64, size: u64) -> Value {
    json!({"type": kind, "boxType": kind, "name": name, "size": size, "metadata": {}})
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_kind_is_read() {
        let here = read(r#"{"type":1,"name":"a","base64":"aGVsbG8=","size":5}"#, 0).unwrap();
        assert_eq!(here.place, Place::Here(b"hello".to_vec()));
        let there = read(
            r#"{"boxType":2,"url":"https://e.x/f","headers":{"Cookie":"a=b","Host":"x","n":7}}"#,
            0,
        )
        .unwrap();
        let Place::There { url, headers } = there.place else {
            panic!("{there:?}");
        };
        assert_eq!((url.as_str(), headers.len()), ("https://e.x/f", 1));
        let at = read(r#"{"type":7,"uuid":"u-1","size":7}"#, 0).unwrap();
        assert_eq!((at.size, at.place), (7, Place::AtGateway("u-1".to_owned())));
        for bad in [
            "",
            "[]",
            r#"{"type":1,"base64":"!"}"#,
            r#"{"type":1}"#,
            r#"{"type":2,"url":7}"#,
            r#"{"type":3,"qrCode":"x"}"#,
            r#"{"type":5,"path":"/etc/passwd"}"#,
        ] {
            assert!(read(bad, 0).is_err(), "{bad}");
        }
        let large = inside("a", &[7; 100]);
        assert!(read(&large, 99).is_err());
        assert!(read(&large, 100).is_ok());
    }

    #[test]
    fn what_is_written_is_read_again() {
        let at = read(&at_gateway("报告.bin", "u-1", 5), 1).unwrap();
        assert_eq!((at.size, at.place), (5, Place::AtGateway("u-1".to_owned())));
    }

    proptest! {
        #[test]
        fn bytes_come_back(bytes in prop::collection::vec(any::<u8>(), 1..200)) {
            let made = read(&inside("\"a\"", &bytes), bytes.len() as u64).unwrap();
            prop_assert_eq!(made.place, Place::Here(bytes));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,60}") {
            let _ = read(&text, 10);
        }
    }
}
