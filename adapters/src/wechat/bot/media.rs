//! Files that people have sent: where they are, what they are called, and their bytes.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use futures::StreamExt;
use jarvis_proto::chat::Attachment;
use reqwest::header::CONTENT_DISPOSITION;
use secrecy::SecretString;
use url::{Host, Url};

use super::handle::Handle;
use crate::adapter::{AdapterError, ByteStream};
use crate::cause::innermost;
use crate::now_ms;
use crate::wechat::crypto::{Envelope, decrypt_file};

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Longest silence inside a download.
const SILENCE_LIMIT: Duration = Duration::from_secs(60);
/// Longest wait for a file's name. It holds up what comes after it.
const NAME_LIMIT: Duration = Duration::from_secs(3);
/// Longest name that is handed on, in characters.
const LONGEST_NAME: usize = 255;
/// What the sender of a file hears that its key does not open.
const WRONG_KEY: &str = "key and file do not belong together; send it again";
/// Encryption makes a file longer by at most this.
const PADDING: u64 = 32;

/// Fetches files of one robot.
#[derive(Debug)]
pub(super) struct Media {
    http: reqwest::Client,
    most: u64,
    link_life: Duration,
}

impl Media {
    /// `is_here`: the platform is played on this machine.
    ///
    /// # Errors
    /// The client cannot be made.
    pub(super) fn new(most: u64, link_life: Duration, is_here: bool) -> Result<Self, AdapterError> {
        let http = client(is_here).map_err(|error| AdapterError::Setting {
            setting: "wecom",
            detail: innermost(&error),
        })?;
        Ok(Self {
            http,
            most,
            link_life,
        })
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Asks what the files of a message are called: only the answer's head tells it.
    pub(super) async fn name(&self, attachments: &mut [Attachment]) {
        let asked = attachments.iter_mut().map(|attachment| async move {
            let Some(handle) = Handle::read(&attachment.handle) else {
                return;
            };
            let Ok(url) = address(&handle.url) else {
                return;
            };
            let Ok(Ok(answer)) = tokio::time::timeout(NAME_LIMIT, self.http.get(url).send()).await
            else {
                return;
            };
            let named = answer
                .headers()
                .get(CONTENT_DISPOSITION)
                .and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
                .and_then(file_name);
            if let Some(name) = named.filter(|_| answer.status().is_success()) {
                attachment.name = name.chars().take(LONGEST_NAME).collect();
            }
        });
        futures::future::join_all(asked).await;
    }

    /// The bytes of a file, decrypted.
    ///
    /// # Errors
    /// In words for a person, without the address: it is a key.
    pub(super) async fn open(
        &self,
        attachment: &Attachment,
        envelope: Option<&Arc<Envelope>>,
    ) -> Result<ByteStream, AdapterError> {
        let failed = |detail: String| AdapterError::Attachment {
            name: attachment.name.clone(),
            detail,
        };
        let handle = Handle::read(&attachment.handle)
            .ok_or_else(|| failed("it is no file of this robot".to_owned()))?;
        let sealed = self.fetch(&handle.url).await;
        let opened = match (sealed, handle.key) {
            (Err(detail), _) => Err(detail),
            (Ok(sealed), Some(key)) => {
                // Decrypting megabytes takes a while.
                let key = SecretString::from(key);
                tokio::task::spawn_blocking(move || decrypt_file(&key, sealed))
                    .await
                    .map_err(|error| error.to_string())
                    // The key came with the file; none of ours can be wrong.
                    .and_then(|opened| opened.map_err(|_| WRONG_KEY.to_owned()))
            }
            (Ok(sealed), None) => match envelope {
                Some(envelope) => {
                    let envelope = envelope.clone();
                    tokio::task::spawn_blocking(move || envelope.file(sealed))
                        .await
                        .map_err(|error| error.to_string())
                        .and_then(|opened| opened.map_err(|error| error.to_string()))
                }
                None => Ok(sealed),
            },
        };
        let bytes = opened.map_err(|detail| {
            let age = now_ms().saturating_sub(handle.at_ms);
            let is_old = u128::try_from(age).is_ok_and(|age| age > self.link_life.as_millis());
            failed(if is_old {
                format!(
                    "WeCom gives a file away for {} minutes only, and they are over; send it again",
                    self.link_life.as_secs().div_ceil(60)
                )
            } else {
                detail
            })
        })?;
        Ok(futures::stream::once(async move { Ok(bytes.into()) }).boxed())
    }

    async fn fetch(&self, address: &str) -> Result<Vec<u8>, String> {
        let most = self.most.saturating_add(PADDING);
        let too_large = || format!("it has more than {} bytes", self.most);
        let url = self::address(address)?;
        let network = |error: reqwest::Error| {
            format!("it cannot be fetched: {}", innermost(&error.without_url()))
        };
        let answer = self.http.get(url).send().await.map_err(network)?;
        if !answer.status().is_success() {
            return Err(format!(
                "WeCom answers with status {}",
                answer.status().as_u16()
            ));
        }
        if answer.content_length().is_some_and(|length| length > most) {
            return Err(too_large());
        }
        let mut bytes = BytesMut::new();
        let mut pieces = answer.bytes_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(network)?;
            if bytes.len() as u64 + piece.len() as u64 > most {
                return Err(too_large());
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes.into())
    }
}

/// The HTTP client. It has no time limit of its own: each call has one that fits what it moves.
pub(super) fn client(is_here: bool) -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_LIMIT)
        .read_timeout(SILENCE_LIMIT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("jarvis/", env!("CARGO_PKG_VERSION")));
    // A proxy of the environment does not lead to this machine.
    let builder = if is_here { builder.no_proxy() } else { builder };
    builder.build()
}

/// Whether an address is on this machine.
pub(super) fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn address(text: &str) -> Result<Url, String> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| "WeCom gave no usable address for it".to_owned())
}

/// The name in a `Content-Disposition`, the one that may hold any letter first.
fn file_name(header: &str) -> Option<String> {
    let parameters = || header.split(';').skip(1).map(str::trim);
    let value = |name: &str| {
        parameters().find_map(|parameter| {
            let (key, value) = parameter.split_once('=')?;
            (key.trim().eq_ignore_ascii_case(name)).then(|| value.trim().trim_matches('"'))
        })
    };
    let extended = value("filename*").and_then(|value| {
        let (charset, rest) = value.split_once('\'')?;
        let (_, encoded) = rest.split_once('\'')?;
        charset
            .eq_ignore_ascii_case("utf-8")
            .then(|| unescaped(encoded))?
    });
    extended
        .or_else(|| value("filename").and_then(unescaped))
        .filter(|name| !name.trim().is_empty())
}

/// `%E6%8A%A5` as text; `None` when that is no UTF-8.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = (first == b'%')
            .then(|| after.get(..2))
            .flatten()
            .and_then(|digits| hex::decode(digits).ok());
        match escaped {
            Some(byte) => {
                bytes.extend(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_in_either_form() {
        for (header, name) in [
            (
                "attachment; filename*=UTF-8''%E6%8A%A5%E5%91%8A.txt",
                Some("报告.txt"),
            ),
            (
                "attachment; filename=\"x.txt\"; filename*=utf-8'zh'%E6%8A%A5.txt",
                Some("报.txt"),
            ),
            ("attachment; filename=\"a b.txt\"", Some("a b.txt")),
            ("attachment; FILENAME=100%.txt", Some("100%.txt")),
            ("attachment; filename*=GBK''%D0", None),
            ("attachment; filename=%FF", None),
            ("attachment", None),
            ("filename=x", None),
        ] {
            assert_eq!(file_name(header).as_deref(), name, "{header}");
        }
    }
}
