//! HTTP as all platforms need it.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use url::{Host, Url};

use crate::cause::innermost;

const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// A client that calls these addresses. It has no time limit of its own: each call has one that fits
/// what it moves.
pub(crate) fn builder(addresses: &[&Url]) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_LIMIT)
        .user_agent(concat!("jarvis/", env!("CARGO_PKG_VERSION")))
        .tcp_nodelay(true);
    if addresses.iter().all(|url| is_here(url)) {
        // A proxy of the environment does not lead to this machine.
        return builder.no_proxy();
    }
    builder
}

/// Whether an address leads to this machine.
fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The body of an answer, if it has at most `most` bytes.
///
/// # Errors
/// It is larger, or breaks off.
pub(crate) async fn body(response: reqwest::Response, most: usize) -> Result<Bytes, String> {
    let mut bytes = BytesMut::new();
    let mut pieces = response.bytes_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(network)?;
        if bytes.len() + piece.len() > most {
            return Err(format!("an answer has more than {most} bytes"));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.freeze())
}

/// What went wrong on the way, without the address.
pub(crate) fn network(error: reqwest::Error) -> String {
    innermost(&error.without_url())
}
