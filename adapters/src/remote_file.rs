//! Fetching a file that a chat only names by its address.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use http::HeaderMap;
use url::{Host, Url};

use crate::adapter::ByteStream;
use crate::cause::innermost;

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Longest silence inside a download.
const SILENCE_LIMIT: Duration = Duration::from_secs(60);

/// Fetches files from the platform's servers, and from the program with the login.
#[derive(Debug, Clone)]
pub(crate) struct Fetcher {
    client: reqwest::Client,
    /// Where that program is: the one place of a private network that may be asked.
    trusted: Arc<Mutex<String>>,
    most: u64,
}

impl Fetcher {
    /// Fetches at most `most` bytes of a file; 0 = no limit.
    pub(crate) fn new(most: u64) -> reqwest::Result<Self> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_LIMIT)
            .read_timeout(SILENCE_LIMIT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self {
            client,
            trusted: Arc::default(),
            most,
        })
    }

    /// Whether a file of so many bytes may be fetched.
    pub(crate) fn allows(&self, bytes: u64) -> bool {
        self.most == 0 || bytes <= self.most
    }

    /// The program with the login is at this host.
    pub(crate) fn trust(&self, host: String) {
        *self.trusted() = host;
    }

    /// The bytes behind an address that came in a message.
    ///
    /// # Errors
    /// In words for a person, without the address: it may hold a key.
    pub(crate) async fn fetch(&self, address: &str) -> Result<ByteStream, String> {
        self.fetch_with(address, HeaderMap::new()).await
    }

    /// The same, with what its server wants to see beside the address.
    ///
    /// # Errors
    /// See [`Self::fetch`].
    pub(crate) async fn fetch_with(
        &self,
        address: &str,
        headers: HeaderMap,
    ) -> Result<ByteStream, String> {
        let url = Url::parse(address).map_err(|_| "its address cannot be read".to_owned())?;
        self.check(&url)?;
        let answer = self.client.get(url).headers(headers).send().await;
        let answer = answer.map_err(|error| {
            let error = error.without_url();
            format!("it cannot be fetched: {}", innermost(&error))
        })?;
        if !answer.status().is_success() {
            return Err(format!("its server answers {}", answer.status().as_u16()));
        }
        if answer
            .content_length()
            .is_some_and(|length| !self.allows(length))
        {
            return Err("it is too large".to_owned());
        }
        let most = self.most;
        let mut seen = 0_u64;
        let pieces = answer.bytes_stream().map(move |piece| {
            let piece =
                piece.map_err(|error| std::io::Error::other(innermost(&error.without_url())))?;
            seen += piece.len() as u64;
            if most != 0 && seen > most {
                return Err(std::io::Error::other("the file is too large"));
            }
            Ok(piece)
        });
        Ok(pieces.boxed())
    }

    fn trusted(&self) -> std::sync::MutexGuard<'_, String> {
        self.trusted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An address in a message may have been put there to reach what only this machine can reach.
    fn check(&self, url: &Url) -> Result<(), String> {
        let refused = || Err("its address is not one that may be asked".to_owned());
        if !matches!(url.scheme(), "http" | "https") {
            return refused();
        }
        if url.host_str().is_some_and(|host| *host == **self.trusted()) {
            return Ok(());
        }
        let is_inside = match url.host() {
            None => true,
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                !name.contains('.')
                    || name == "localhost"
                    || name.ends_with(".localhost")
                    || name.ends_with(".local")
                    || name.ends_with(".internal")
            }
            Some(Host::Ipv4(address)) => is_inside(address.into()),
            Some(Host::Ipv6(address)) => is_inside(address.into()),
        };
        if is_inside { refused() } else { Ok(()) }
    }
}

fn is_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            address.is_loopback()
                || address.is_private()
                || address.is_link_local()
                || address.is_unspecified()
                || address.is_broadcast()
                || address.is_multicast()
        }
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_inside(mapped.into()),
            None => {
                address.is_loopback()
                    || address.is_unspecified()
                    || address.is_multicast()
                    || address.is_unique_local()
                    || address.is_unicast_link_local()
            }
        },
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use url::Url;

    use super::Fetcher;

    #[test]
    fn a_message_cannot_name_what_only_we_can_reach() {
        let fetcher = Fetcher::new(0).unwrap();
        fetcher.trust("10.0.0.7".to_owned());
        let is_good = |text: &str| fetcher.check(&Url::parse(text).unwrap()).is_ok();
        for good in [
            "https://multimedia.nt.qq.com.cn/x?k=1",
            "http://10.0.0.7:3000/f",
            "http://1.2.3.4/",
        ] {
            assert!(is_good(good), "{good}");
        }
        for bad in [
            "http://127.0.0.1/",
            "http://10.0.0.8/",
            "http://169.254.169.254/latest",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://localhost/",
            "http://db/",
            "http://x.internal/",
            "file:///etc/passwd",
            "ftp://1.2.3.4/",
            "http://2130706433/",
        ] {
            assert!(!is_good(bad), "{bad}");
        }
    }
}
