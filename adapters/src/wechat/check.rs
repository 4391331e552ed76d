//! What checks of these platforms have in common.

use reqwest::Client;
use tokio::net::TcpListener;
use url::Url;

use super::answer;
use super::callback::Callback;
use crate::look::{Finding, time_of};

/// The platform's clock beside ours: its calls are believed by their time.
pub(super) async fn clock(http: &Client, url: &Url, setting: &'static str) -> Finding {
    let subject = "clock";
    match time_of(http, url).await {
        Ok(Some(theirs)) => Finding::of_clock(theirs),
        Ok(None) => Finding::new(
            subject,
            "the platform does not tell the time".to_owned(),
            None,
        ),
        Err(error) => {
            let detail = format!("`{setting}` cannot be asked: {}", answer::network(error));
            let remedy = Some("look whether this machine reaches that address");
            Finding::new(subject, detail, remedy)
        }
    }
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
