//! What `jarvis adapter KIND --check` finds out beyond being let in.

use std::time::Duration;

use reqwest::header::DATE;
use url::Url;

use crate::now_ms;

/// How long a server may take to tell the time.
const LIMIT: Duration = Duration::from_secs(10);

/// A clock that is off by more confuses windows and ages, in milliseconds.
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
    /// Something, and what to do about it.
    pub(crate) fn new(subject: &'static str, detail: String, remedy: Option<&'static str>) -> Self {
        Self {
            subject,
            detail,
            remedy,
        }
    }

    /// A platform's clock beside ours; `theirs` in Unix milliseconds.
    pub(crate) fn of_clock(theirs: i64) -> Self {
        let off = now_ms().abs_diff(theirs);
        let detail = format!("{} s off the platform's", off / 1000);
        let remedy =
            (off > MOST_OFF_MS).then_some("set this machine's clock, for example with NTP");
        Self::new("clock", detail, remedy)
    }
}

/// The time that a server writes on its answers, whatever they are, in Unix milliseconds; `None` when it
/// tells none.
///
/// # Errors
/// When it cannot be reached.
pub(crate) async fn time_of(http: &reqwest::Client, url: &Url) -> reqwest::Result<Option<i64>> {
    let answer = http.get(url.clone()).timeout(LIMIT).send().await?;
    let date = answer.headers().get(DATE);
    let date = date.and_then(|date| date.to_str().ok());
    Ok(date
        .and_then(|date| jiff::fmt::rfc2822::parse(date).ok())
        .map(|date| date.timestamp().as_millisecond()))
}
