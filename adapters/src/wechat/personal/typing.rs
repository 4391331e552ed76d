//! "Is typing", from a person's word to the answer. Best effort: nobody misses it.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::account::{Account, Credentials};
use super::api::{Api, Line, SHORT_LIMIT};
use super::core::Core;

/// States, in the platform's numbers.
const TYPING: u8 = 1;
const NOT_TYPING: u8 = 2;

/// Shows it, until the next answer or until the platform forgets it.
pub(super) async fn show(core: &Core, account: &Arc<Account>) {
    let Some(credentials) = account.credentials() else {
        return;
    };
    if !core.config.typing || account.left().0 == 0 {
        return;
    }
    let answers = account.answers();
    let Some(ticket) = ticket(&core.api, account, &credentials).await else {
        return;
    };
    let person = &account.person;
    if tell(&core.api, &credentials, person, &ticket, TYPING).await {
        account.set_typing(true);
        // The answer may have been faster.
        if account.answers() != answers {
            stop(core, account);
        }
    }
}

/// The same beside whatever else is done.
pub(super) fn begin(core: &Arc<Core>, account: &Arc<Account>) {
    let (core, account) = (core.clone(), account.clone());
    tokio::spawn(async move { show(&core, &account).await });
}

/// An answer was sent: whoever sees it need not see "is typing" any more.
pub(super) fn stop(core: &Core, account: &Account) {
    let (true, Some(ticket), Some(credentials)) = (
        account.set_typing(false),
        account.ticket(),
        account.credentials(),
    ) else {
        return;
    };
    let (api, person) = (core.api.clone(), account.person.clone());
    tokio::spawn(async move {
        tell(&api, &credentials, &person, &ticket, NOT_TYPING).await;
    });
}

/// The key to "is typing".
async fn ticket(api: &Api, account: &Account, credentials: &Credentials) -> Option<SecretString> {
    if let Some(ticket) = account.ticket() {
        return Some(ticket);
    }
    let mut body = json!({ "ilink_user_id": account.person });
    if let Some(context) = account.context() {
        body["context_token"] = json!(context);
    }
    let line = Line {
        url: &credentials.url,
        token: Some(&credentials.token),
    };
    let told = api.call(line, "getconfig", body, SHORT_LIMIT).await.ok()?;
    let ticket = SecretString::from(told["typing_ticket"].as_str()?.to_owned());
    account.keep_ticket(ticket.clone());
    Some(ticket)
}

/// Whether the platform takes it.
async fn tell(
    api: &Api,
    credentials: &Credentials,
    person: &str,
    ticket: &SecretString,
    status: u8,
) -> bool {
    let body = json!({
        "ilink_user_id": person,
        "typing_ticket": ticket.expose_secret(),
        "status": status,
    });
    let line = Line {
        url: &credentials.url,
        token: Some(&credentials.token),
    };
    let told = api.call(line, "sendtyping", body, SHORT_LIMIT).await;
    if let Err(error) = &told {
        tracing::debug!(%error, "\"is typing\" could not be shown");
    }
    told.is_ok()
}
