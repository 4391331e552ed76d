//! Signing in: a code is scanned, the phone says yes, and the platform hands over a token.

use std::time::Duration;

use jarvis_proto::chat::{Attachment, AttachmentKind, Person};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use url::Url;

use super::api::{Api, CALL_LIMIT, CallError, Line};
use super::code;
use super::config::Config;
use super::core::Core;
use super::kept::Kept;
use crate::sign_in::{Failure, Reason, SignIn};

/// The platform's kind of bot.
const BOT_TYPE: &str = "3";
/// Codes of one sign-in.
const MOST_CODES: u32 = 3;
/// How long one question for the state of a code may take: the platform holds it.
const HOLD: Duration = Duration::from_secs(40);
/// Pause between two questions.
const PAUSE: Duration = Duration::from_secs(1);
/// Failures in a row that are borne.
const MOST_FAILURES: u32 = 10;
/// Handles of pictures begin so; the rest is what the code says.
const PICTURE: &str = "code:";
/// Longest id of a person or bot, and longest token, in bytes.
const LONGEST_ID: usize = 128;
const LONGEST_TOKEN: usize = 4096;

/// The picture behind a handle that a sign-in gave; `None` when it is another kind of handle.
pub(super) fn picture(handle: &str) -> Option<Vec<u8>> {
    code::picture(handle.strip_prefix(PICTURE)?)
}

/// Runs one sign-in; the new line stands when it is done.
///
/// # Errors
/// Why there is none.
pub(super) async fn run(core: &Core, mut sign_in: SignIn) -> Result<Person, Failure> {
    let limit = core.config.rules.sign_in;
    let done = timeout(limit, scanned(core, &mut sign_in)).await;
    match done.unwrap_or_else(|_| Err(Failure::new(Reason::Late)))? {
        Done::New(kept) => {
            let person = core.person(&kept.person);
            core.adopt(*kept).await?;
            Ok(person)
        }
        Done::Known(person) => Ok(core.person(&person)),
    }
}

enum Done {
    New(Box<Kept>),
    /// This phone was connected to us already; its line goes on.
    Known(String),
}

/// What becomes of one code.
enum Fate {
    Done(Done),
    /// It is worth nothing any more.
    Spent,
}

async fn scanned(core: &Core, sign_in: &mut SignIn) -> Result<Done, Failure> {
    for _ in 0..MOST_CODES {
        let (name, link) = new_code(core).await?;
        let picture = Attachment {
            handle: format!("{PICTURE}{link}"),
            name: "wechat.png".to_owned(),
            mime: "image/png".to_owned(),
            size: 0,
            kind: AttachmentKind::Image.into(),
        };
        sign_in.shows(&link, picture).await;
        if let Fate::Done(done) = follow(core, sign_in, &name).await? {
            return Ok(done);
        }
    }
    Err(Failure::new(Reason::Spent))
}

/// Asks for a code; its name, and what it says.
async fn new_code(core: &Core) -> Result<(String, String), Failure> {
    let line = Line {
        url: &core.config.api_url,
        token: None,
    };
    let body = json!({ "local_token_list": core.tokens() });
    let query = [("bot_type", BOT_TYPE)];
    let call = core
        .api
        .call_with(line, "get_bot_qrcode", &query, body, CALL_LIMIT);
    let told = call
        .await
        .map_err(|error| Failure::with(Reason::Away, error.to_string()))?;
    let text = |key: &str| told[key].as_str().unwrap_or_default().to_owned();
    let (name, link) = (text("qrcode"), text("qrcode_img_content"));
    if name.is_empty() || link.is_empty() || link.len() > code::LONGEST {
        return Err(Failure::with(Reason::Odd, "it holds no code"));
    }
    Ok((name, link))
}

/// Follows one code to its end.
async fn follow(core: &Core, sign_in: &mut SignIn, name: &str) -> Result<Fate, Failure> {
    let mut url = core.config.api_url.clone();
    let mut digits: Option<String> = None;
    let (mut is_scanned, mut failures) = (false, 0);
    loop {
        let told = match status(&core.api, &url, name, digits.as_deref()).await {
            Ok(told) => told,
            Err(CallError::Silent) => continue,
            Err(error) if failures == MOST_FAILURES => {
                return Err(Failure::with(Reason::Away, error.to_string()));
            }
            Err(error) => {
                failures += 1;
                tracing::debug!(%error, "the state of a code is not known");
                sleep(PAUSE * 2).await;
                continue;
            }
        };
        failures = 0;
        match told["status"].as_str().unwrap_or_default() {
            "wait" => {}
            "scaned" => {
                // The digits were right.
                digits = None;
                if !std::mem::replace(&mut is_scanned, true) {
                    sign_in.was_scanned().await;
                }
            }
            "need_verifycode" => {
                let typed = sign_in.digits(digits.is_some()).await;
                digits = Some(typed.ok_or_else(|| Failure::new(Reason::NoDigits))?);
                continue;
            }
            "scaned_but_redirect" => {
                if let Some(host) = told["redirect_host"].as_str() {
                    url = redirected(&core.config, host)?;
                }
            }
            "confirmed" => return confirmed(&core.config, &told).map(Fate::Done),
            "binded_redirect" => {
                let person = told["ilink_user_id"].as_str().unwrap_or_default();
                return Ok(Fate::Done(Done::Known(person.to_owned())));
            }
            "expired" | "verify_code_blocked" => return Ok(Fate::Spent),
            other => {
                let other: String = other.chars().take(40).collect();
                tracing::warn!(state = other, "a code is in a state of an unknown name");
            }
        }
        sleep(PAUSE).await;
    }
}

async fn status(
    api: &Api,
    url: &Url,
    name: &str,
    digits: Option<&str>,
) -> Result<Value, CallError> {
    let mut query = vec![("qrcode", name)];
    query.extend(digits.map(|digits| ("verify_code", digits)));
    api.get(url, "get_qrcode_status", &query, HOLD).await
}

/// Where the state of a scanned code is told.
fn redirected(config: &Config, host: &str) -> Result<Url, Failure> {
    let scheme = config.api_url.scheme();
    trusted(config, &format!("{scheme}://{host}"))
}

fn trusted(config: &Config, address: &str) -> Result<Url, Failure> {
    config.trusted(address).ok_or_else(|| {
        let shown: String = address.chars().take(100).collect();
        let detail = format!("{shown} is not below one of `wechat.hosts`");
        Failure::with(Reason::Untrusted, detail)
    })
}

fn confirmed(config: &Config, told: &Value) -> Result<Done, Failure> {
    let text = |key: &str, longest: usize| {
        let text = told[key].as_str().unwrap_or_default();
        let is_usable = !text.is_empty() && text.len() <= longest;
        is_usable
            .then(|| text.to_owned())
            .ok_or_else(|| Failure::with(Reason::Odd, format!("it holds no usable `{key}`")))
    };
    let url = match told["baseurl"].as_str() {
        Some(url) if !url.is_empty() => trusted(config, url)?,
        _ => config.api_url.clone(),
    };
    Ok(Done::New(Box::new(Kept {
        person: text("ilink_user_id", LONGEST_ID)?,
        bot: text("ilink_bot_id", LONGEST_ID)?,
        url,
        token: Some(text("bot_token", LONGEST_TOKEN)?.into()),
        cursor: String::new(),
        context: None,
        heard_ms: 0,
        heard_id: String::new(),
        sent: 0,
        lost_ms: 0,
        lost_told: false,
    })))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_token_is_taken_with_the_address_of_the_platform_alone() {
        let config = Config::new("x".into());
        let mut told = json!({
            "status": "confirmed", "bot_token": "t", "ilink_bot_id": "b@im.bot",
            "ilink_user_id": "o@im.wechat", "baseurl": "https://a.weixin.qq.com",
        });
        let Ok(Done::New(kept)) = confirmed(&config, &told) else {
            panic!("it is good");
        };
        assert_eq!(kept.url.host_str(), Some("a.weixin.qq.com"));
        told["baseurl"] = json!("https://evil.example");
        assert!(
            confirmed(&config, &told)
                .err()
                .unwrap()
                .detail
                .contains("wechat.hosts")
        );
        told["baseurl"] = json!("");
        told["bot_token"] = json!("");
        assert!(
            confirmed(&config, &told)
                .err()
                .unwrap()
                .detail
                .contains("bot_token")
        );
        assert!(redirected(&config, "b.weixin.qq.com").is_ok());
        assert!(redirected(&config, "b.weixin.qq.com@evil.example").is_err());
    }

    #[test]
    fn only_handles_of_codes_are_pictures() {
        assert!(picture("code:https://x").is_some());
        assert!(picture("{\"u\":\"https://x\"}").is_none());
    }
}
