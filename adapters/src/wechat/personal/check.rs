//! Would it work? The platform is asked.

use serde_json::json;
use tokio::time::Duration;
use url::Url;

use super::account::Account;
use super::api::{CallError, Line, SHORT_LIMIT};
use super::core::Core;
use crate::look::{Finding, time_of};
use crate::web;

const LIMIT: Duration = Duration::from_secs(10);

/// Looks at the clock, the servers, and the line of everybody who has signed in.
pub(super) async fn look(core: &Core) -> Vec<Finding> {
    let config = &core.config;
    let mut findings = vec![
        clock(core, &config.api_url).await,
        files(core, &config.cdn_url).await,
    ];
    let accounts = core.accounts();
    if accounts.is_empty() {
        let detail = format!("nobody has signed in: {}", config.folder.display());
        let remedy = Some("run `jarvis adapter wechat --login` and scan the code with WeChat");
        findings.push(Finding::new("wechat account", detail, remedy));
    }
    for account in accounts {
        findings.push(line(core, &account).await);
    }
    findings
}

/// The platform's clock beside ours.
async fn clock(core: &Core, url: &Url) -> Finding {
    let subject = "clock";
    match time_of(&core.api.http, url).await {
        Ok(Some(theirs)) => Finding::of_clock(theirs),
        Ok(None) => Finding::new(subject, "WeChat does not tell the time".to_owned(), None),
        Err(error) => {
            let detail = format!("{url} cannot be asked: {}", web::network(error));
            let remedy = Some("look whether this machine reaches `wechat.api_url`");
            Finding::new(subject, detail, remedy)
        }
    }
}

/// The file servers answer, whatever they say to a question about nothing.
async fn files(core: &Core, url: &Url) -> Finding {
    let subject = "wechat files";
    match core.api.http.get(url.clone()).timeout(LIMIT).send().await {
        Ok(_) => Finding::new(subject, format!("{url} answers"), None),
        Err(error) => Finding::new(
            subject,
            format!("{url} cannot be asked: {}", web::network(error)),
            Some("look whether this machine reaches `wechat.cdn_url`"),
        ),
    }
}

/// Whether a person's line stands. The question changes nothing there.
async fn line(core: &Core, account: &Account) -> Finding {
    let subject = "wechat account";
    let person = &account.person;
    let again = Some("scan a new code: `jarvis adapter wechat --login`, or /signin in a chat");
    let Some(credentials) = account.credentials() else {
        return Finding::new(
            subject,
            format!("{person}: WeChat has ended this line"),
            again,
        );
    };
    let line = Line {
        url: &credentials.url,
        token: Some(&credentials.token),
    };
    let body = json!({ "ilink_user_id": person });
    match core.api.call(line, "getconfig", body, SHORT_LIMIT).await {
        Ok(_) => {
            let (left, _) = account.left();
            let detail = format!("{person}: the line stands; {left} messages may be sent now");
            Finding::new(subject, detail, None)
        }
        Err(error @ CallError::Stale) => Finding::new(subject, format!("{person}: {error}"), again),
        Err(error) => Finding::new(
            subject,
            format!("{person}: {error}"),
            Some("look whether this machine reaches WeChat, and try again in a few minutes"),
        ),
    }
}
