//! Names and addresses by jarviscore's rules, and the version of a list of nodes.

use md5::{Digest, Md5};

/// Whether a node may call itself so: letters, digits and `_`, a letter first, no `_` last.
#[must_use]
pub fn is_node_name(name: &str) -> bool {
    let is_inside = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
    name.bytes().all(is_inside)
        && name.bytes().next().is_some_and(|c| c.is_ascii_alphabetic())
        && !name.ends_with('_')
}

/// Whether others can be told to dial this: `host:port` with exactly one colon, so no IPv6 literal.
#[must_use]
pub fn is_server_address(text: &str) -> bool {
    split(text).is_some_and(|(host, port)| !host.is_empty() && !port.is_empty())
}

/// Whether dialling `text` would reach the one who listens at `bind`.
#[must_use]
pub fn is_own_address(text: &str, bind: &str) -> bool {
    if text == bind {
        return true;
    }
    match (split(text), split(bind)) {
        (Some((host, port)), Some((own, own_port))) => {
            port == own_port && (host == own || host == "127.0.0.1")
        }
        _ => false,
    }
}

/// Whether an address is of use on its own machine only.
#[must_use]
pub fn is_local_host(text: &str) -> bool {
    split(text).is_some_and(|(host, _)| matches!(host, "127.0.0.1" | "localhost"))
}

fn split(text: &str) -> Option<(&str, &str)> {
    let (host, port) = text.split_once(':')?;
    (!port.contains(':')).then_some((host, port))
}

/// MD5 as text.
#[must_use]
pub fn md5_text(bytes: &[u8]) -> String {
    hex::encode(Md5::digest(bytes))
}

/// The version of a list of nodes, each with server address, address and name.
#[must_use]
pub fn nodes_version<'a>(nodes: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) -> String {
    let mut nodes: Vec<_> = nodes.into_iter().collect();
    nodes.sort_unstable_by(|a, b| b.1.cmp(a.1));
    let mut bytes = Vec::new();
    for (server, address, name) in nodes {
        let mut record = Vec::new();
        for (tag, text) in [(0x0A, server), (0x12, address), (0x1A, name)] {
            if !text.is_empty() {
                record.push(tag);
                prost::encoding::encode_varint(text.len() as u64, &mut record);
                record.extend_from_slice(text.as_bytes());
            }
        }
        bytes.push(0x0A);
        prost::encoding::encode_varint(record.len() as u64, &mut bytes);
        bytes.extend_from_slice(&record);
    }
    md5_text(&bytes)
}
