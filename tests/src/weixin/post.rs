//! Calling the app: each message until it is taken, three times at most, five seconds each.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use reqwest::Client;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::Shared;
use super::state::{Answer, Shown, Way};

/// The platform waits so long, and tries so often.
const LIMIT: Duration = Duration::from_secs(5);
const TRIES: usize = 3;
const PAUSE: Duration = Duration::from_millis(100);
/// The next message of a person is posted after so long, although the last one is not answered.
const STAGGER: Duration = Duration::from_millis(150);

/// A message on its way to the app.
#[derive(Clone, Debug)]
pub(crate) struct Posting {
    pub(crate) user: String,
    /// Id of the message.
    pub(crate) message: String,
    /// Query and body, as they are posted each time.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: String,
    /// What it says, to be wrapped anew.
    pub(crate) fields: String,
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

pub(crate) fn client() -> Client {
    Client::builder()
        .no_proxy()
        .build()
        .expect("no setting is odd")
}

/// Posts once; status and body.
///
/// # Errors
/// When there is no answer in time.
pub(crate) async fn post(
    client: &Client,
    url: &str,
    query: &[(String, String)],
    body: String,
) -> Result<(u16, String)> {
    let answer = client
        .post(url)
        .query(query)
        .header("Content-Type", "text/xml")
        .timeout(LIMIT)
        .body(body)
        .send()
        .await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

/// What happens when the address is set at the platform's page: it has to give back what it is asked.
pub(crate) async fn check(url: &str, query: &[(String, String)], expected: &str) -> Result<()> {
    let answer = client().get(url).query(query).timeout(LIMIT).send().await?;
    let status = answer.status().as_u16();
    ensure!(status == 200, "the check is answered with {status}");
    let text = answer.text().await?;
    ensure!(text == expected, "the check is answered with {text:?}");
    Ok(())
}

/// Delivers what waits, as long as the fake lives: one line of messages per person.
pub(super) async fn deliver(shared: Weak<Shared>) {
    let client = client();
    let mut lines: HashMap<String, tokio::sync::mpsc::UnboundedSender<Posting>> = HashMap::new();
    let mut tasks = JoinSet::new();
    loop {
        let Some(strong) = shared.upgrade() else {
            return;
        };
        let mut changes = strong.changes();
        let next = strong.quietly(|state| {
            if state.callback.is_none() || state.is_down {
                return None;
            }
            state.to_post.pop_front()
        });
        drop(strong);
        let Some(posting) = next else {
            let _ = timeout(PAUSE, changes.changed()).await;
            continue;
        };
        let line = lines.entry(posting.user.clone()).or_insert_with(|| {
            let (line, postings) = tokio::sync::mpsc::unbounded_channel();
            tasks.spawn(run(shared.clone(), client.clone(), postings));
            line
        });
        let _ = line.send(posting);
    }
}

/// The messages of one person, in order.
async fn run(
    shared: Weak<Shared>,
    client: Client,
    mut postings: tokio::sync::mpsc::UnboundedReceiver<Posting>,
) {
    let mut open = JoinSet::new();
    while let Some(posting) = postings.recv().await {
        let mut posted = open.spawn(bring(shared.clone(), client.clone(), posting));
        let _ = &mut posted;
        let _ = timeout(STAGGER, open.join_next()).await;
        while open.try_join_next().is_some() {}
    }
    while open.join_next().await.is_some() {}
}

/// Brings one message, and takes the answer.
async fn bring(shared: Weak<Shared>, client: Client, posting: Posting) {
    for _ in 0..TRIES {
        let url = match shared.upgrade() {
            Some(shared) => shared.quietly(|state| state.callback.clone()),
            None => return,
        };
        let Some(url) = url else { return };
        let answer = post(&client, &url, &posting.query, posting.body.clone()).await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        let (status, body) = answer.unwrap_or_default();
        let is_taken = status == 200 && take(&shared, &posting, &body);
        shared.with(|state| {
            state.answers.push(Answer {
                status,
                body,
                message: posting.message.clone(),
            });
        });
        if is_taken {
            return;
        }
        drop::<Arc<Shared>>(shared);
        sleep(PAUSE).await;
    }
    if let Some(shared) = shared.upgrade() {
        shared.with(|state| {
            let trouble = Shown::text(Way::Trouble, "text", "the app does not answer");
            state.show(&posting.user, trouble);
        });
    }
}

/// Reads an answer; false when it is none that the platform knows.
fn take(shared: &Shared, posting: &Posting, body: &str) -> bool {
    let said = shared.dialect.answer(posting, body);
    shared.with(|state| match said {
        Ok(None) => true,
        Ok(Some(text)) => {
            // A person sees one answer to a message, however often it was fetched.
            let known = match posting.message.as_str() {
                "" => None,
                message => state.said.insert(message.to_owned(), text.clone()),
            };
            if let Some(known) = known {
                if known != text {
                    state.complain(format!("two answers to one message: {known}, {text}"));
                }
                return true;
            }
            let shown = Shown::text(Way::Answered, "text", &text);
            state.show(&posting.user, shown);
            true
        }
        Err(error) => {
            state.complain(format!("an answer is not understood: {error}: {body}"));
            false
        }
    })
}
