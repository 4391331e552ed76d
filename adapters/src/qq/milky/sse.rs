//! Events over the stream of server-sent events of a protocol end.

use std::time::Duration;

use futures::StreamExt;
use secrecy::SecretString;
use tokio::time::{Instant, sleep_until};
use url::Url;

use super::events::{self, Ears, Failure, address, authorization};
use crate::event_stream::{EventStream, Said};
use crate::web::network;
use crate::websocket::LARGEST_MESSAGE;

const CONNECT_LIMIT: Duration = Duration::from_secs(15);
/// Milky promises no sign of life on a quiet stream: that the other machine is gone is seen by TCP.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
const KEEP_ALIVE_TRIES: u32 = 3;
/// What Milky calls its events; some leave it out.
const NAMES: [&str; 3] = ["milky_event", "message", ""];

/// A client whose connections may be quiet for as long as nobody writes.
pub(super) fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .connect_timeout(CONNECT_LIMIT)
        .tcp_nodelay(true)
        .tcp_keepalive(KEEP_ALIVE)
        .tcp_keepalive_interval(KEEP_ALIVE)
        .tcp_keepalive_retries(KEEP_ALIVE_TRIES)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
}

/// Keeps the stream open; ends only when our token is refused.
pub(super) async fn keep(
    client: reqwest::Client,
    url: Url,
    token: Option<SecretString>,
    ears: Ears,
) {
    events::keep(&ears, || follow(&client, &url, token.as_ref(), &ears)).await;
}

/// Passes events on until the stream ends; returns why it did.
async fn follow(
    client: &reqwest::Client,
    url: &Url,
    token: Option<&SecretString>,
    ears: &Ears,
) -> Failure {
    let mut request = client
        .get(address(url))
        .header("Accept", "text/event-stream");
    if let Some(value) = authorization(token) {
        request = request.header("Authorization", value);
    }
    // Without a limit: some servers send not even the head of their answer before there is an event.
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => return Failure::Other(network(error)),
    };
    match answer.status().as_u16() {
        200 => {}
        401 | 403 => return Failure::Token,
        404 | 405 | 426 => {
            return Failure::Other("the program has no stream of server-sent events".to_owned());
        }
        status => return Failure::Other(format!("the server answered with status {status}")),
    }
    let kind = answer.headers().get("Content-Type");
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind
        .trim()
        .to_ascii_lowercase()
        .starts_with("text/event-stream")
    {
        return Failure::Other(
            "the program answers with no stream of server-sent events".to_owned(),
        );
    }
    ears.open();
    serve(answer, ears).await
}

async fn serve(answer: reqwest::Response, ears: &Ears) -> Failure {
    let mut pieces = answer.bytes_stream();
    let mut stream = EventStream::new(LARGEST_MESSAGE);
    let mut beats = Beats::default();
    loop {
        let silent = async {
            match beats.quiet_until() {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        let piece = tokio::select! {
            // What has come counts, also when it could not be read in time.
            biased;
            piece = pieces.next() => piece,
            () = silent => return Failure::Other("it went silent".to_owned()),
        };
        let piece = match piece {
            Some(Ok(piece)) => piece,
            Some(Err(error)) => return Failure::Other(network(error)),
            None => return Failure::Other("it closed the connection".to_owned()),
        };
        let said = match stream.push(&piece) {
            Ok(said) => said,
            Err(error) => return Failure::Other(error.to_string()),
        };
        beats.heard(Instant::now(), said.contains(&Said::Comment));
        for one in said {
            if let Said::Event { name, data } = one
                && NAMES.contains(&name.as_str())
                && let Err(failure) = ears.take(&data).await
            {
                return failure;
            }
        }
    }
}

/// Signs of life. Not every server sends them; how often those come that do, we have to learn.
#[derive(Debug, Default)]
struct Beats {
    heard: Option<Instant>,
    beat: Option<Instant>,
    /// The longest time from one to the next.
    gap: Option<Duration>,
}

impl Beats {
    /// Signs of life that may fail to come, and the shortest silence that means anything.
    const MISSED: u32 = 3;
    const SHORTEST: Duration = Duration::from_secs(5);

    fn heard(&mut self, now: Instant, is_beat: bool) {
        self.heard = Some(now);
        if is_beat && let Some(last) = self.beat.replace(now) {
            self.gap = self.gap.max(Some(now - last));
        }
    }

    /// When silence has lasted too long; `None` as long as nothing is known.
    fn quiet_until(&self) -> Option<Instant> {
        let limit = (self.gap? * Self::MISSED).max(Self::SHORTEST);
        Some(self.heard? + limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_means_something_only_where_signs_of_life_have_come() {
        let (mut beats, start) = (Beats::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        for seconds in [0, 10] {
            beats.heard(after(seconds), false);
            assert_eq!(beats.quiet_until(), None);
        }
        beats.heard(after(20), true);
        assert_eq!(beats.quiet_until(), None, "one tells no interval");
        beats.heard(after(50), true);
        assert_eq!(beats.quiet_until(), Some(after(50 + 90)));
        // Events come in between, and one heartbeat is late.
        beats.heard(after(55), false);
        assert_eq!(beats.quiet_until(), Some(after(55 + 90)));
        beats.heard(after(90), true);
        assert_eq!(beats.quiet_until(), Some(after(90 + 120)));
        let mut fast = Beats::default();
        fast.heard(start, true);
        fast.heard(after(1), true);
        assert_eq!(fast.quiet_until(), Some(after(6)));
    }
}
