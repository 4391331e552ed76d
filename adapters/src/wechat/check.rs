//! What checks of these platforms have in common.

use std::time::Duration;

use reqwest::Client;
use reqwest::header::DATE;
use tokio::net::TcpListener;
use url::Url;

use super::answer;
use super::callback::Callback;
use super::time::now_ms;

const LIMIT: Duration = Duration::from_secs(10);
/// Calls of the platform are believed by their time, in milliseconds.
const MOST_OFF_MS: u64 = 60_000;

/// One thing that was looked at.
#[derive(Debug)]
pub struct Finding {
    /// What.
    pub subject: &'static str,
    /// What was found.
    pub detail: String,
    /// What to do; `None` when it is as it should be.
    pub remedy: Option<&'static str>,
}

impl Finding {
    pub(super) fn new(subject: &'static str, detail: String, remedy: Option<&'static str>) -> Self {
        Self {
            subject,
            detail,
            remedy,
        }
    }
}

/// The platform's clock beside ours.
pub(super) async fn clock(http: &Client, url: &Url, setting: &'static str) -> Finding {
    let subject = "clock";
    let answer = match http.get(url.clone()).timeout(LIMIT).send().await {
        Ok(answer) => answer,
        Err(error) => {
            let detail = format!("`{setting}` cannot be asked: {}", answer::network(error));
            let remedy = Some("look whether this machine reaches that address");
            return Finding::new(subject, detail, remedy);
        }
    };
    let date = answer.headers().get(DATE);
    let theirs = date
        .and_then(|date| date.to_str().ok())
        .and_then(|date| jiff::fmt::rfc2822::parse(date).ok())
        .map(|date| date.timestamp().as_millisecond());
    let Some(theirs) = theirs else {
        return Finding::new(
            subject,
            "the platform does not tell the time".to_owned(),
            None,
        );
    };
    let off = now_ms().abs_diff(theirs);
    let detail = format!("{} s off the platform's", off / 1000);
    let remedy = (off > MOST_OFF_MS).then_some("set this machine's clock, for example with NTP");
    Finding::new(subject, detail, remedy)
}

/// Whether the address of callbacks can be listened on, or is by us already.
pub(super) async fn address(setting: &'static str, callback: &Callback) -> Finding {
    match TcpListener::bind(callback.listen).await {
        Ok(_) => Finding::new(setting, format!("{} is free", callback.listen), None),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Finding::new(
            setting,
            format!(
                "{} is in use; by a running Jarvis, it is hoped",
                callback.listen
            ),
            None,
        ),
        Err(error) => Finding::new(
            setting,
            format!("{}: {error}", callback.listen),
            Some("choose an address of this machine that this user may listen on"),
        ),
    }
}
