//! Files that people have sent.

use std::time::Duration;

use futures::StreamExt as _;
use jarvis_proto::chat::Attachment;
use tokio::time::timeout;
use url::{Host, Url};

use super::answer;
use super::api::{Api, CallError, Fetched};
use super::verdict::{Verdict, verdict};
use crate::adapter::{AdapterError, ByteStream};

const LIMIT: Duration = Duration::from_secs(60);

/// The bytes of an attachment, at most `most`.
pub(super) async fn download(
    api: &Api,
    attachment: &Attachment,
    most: u64,
) -> Result<ByteStream, AdapterError> {
    let failed = |detail: String| AdapterError::Attachment {
        name: attachment.name.clone(),
        detail,
    };
    let fetched = timeout(LIMIT, api.fetch(&["media", "get"], &attachment.handle));
    let fetched = fetched
        .await
        .map_err(|_| failed("the platform does not answer".to_owned()))?;
    let response = match fetched {
        Ok(Fetched::Bytes(response)) => response,
        Ok(Fetched::Json(answer)) => {
            // Of a video only its address is given.
            let url = answer["video_url"]
                .as_str()
                .and_then(|url| Url::parse(url).ok());
            let url = url
                .filter(is_of_platform)
                .ok_or_else(|| failed("the platform gave no file".to_owned()))?;
            let answer = timeout(LIMIT, api.http.get(url).send()).await;
            let answer = answer.map_err(|_| failed("the platform does not answer".to_owned()))?;
            answer
                .and_then(reqwest::Response::error_for_status)
                .map_err(|error| failed(answer::network(error)))?
        }
        Err(CallError::Refused { code, .. }) if verdict(code) == Verdict::MediaGone => {
            return Err(failed(
                "the platform no longer has it: it keeps files for three days".to_owned(),
            ));
        }
        Err(error) => return Err(failed(error.to_string())),
    };
    let too_large = move || format!("it has more than {most} bytes");
    if response.content_length().is_some_and(|size| size > most) {
        return Err(failed(too_large()));
    }
    let mut left = most;
    let pieces = response.bytes_stream().map(move |piece| {
        let piece = piece.map_err(|error| std::io::Error::other(answer::network(error)))?;
        left = left
            .checked_sub(piece.len() as u64)
            .ok_or_else(|| std::io::Error::other(too_large()))?;
        Ok(piece)
    });
    Ok(pieces.boxed())
}

/// Nothing but the platform's own servers is asked for a file.
fn is_of_platform(url: &Url) -> bool {
    let is_web = matches!(url.scheme(), "http" | "https");
    let host = match url.host() {
        Some(Host::Domain(name)) => name.trim_end_matches('.'),
        _ => return false,
    };
    is_web && (host == "qq.com" || host.ends_with(".qq.com"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn only_the_platforms_servers_are_asked() {
        for (url, good) in [
            ("http://mp.weixin.qq.com/v?x=1", true),
            ("https://qq.com/", true),
            ("https://evilqq.com/", false),
            ("https://qq.com.evil.org/", false),
            ("http://127.0.0.1/", false),
            ("file:///etc/passwd", false),
        ] {
            assert_eq!(is_of_platform(&Url::parse(url).unwrap()), good, "{url}");
        }
    }
}
