//! Calling the robot, where it has an address: one event after the other, and bubbles that are asked for.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::Shared;
use super::commands;
use super::crypto;
use super::people::seconds;
use super::state::{Asked, Call, State};

/// WeCom waits so long, and tries so often.
const LIMIT: Duration = Duration::from_secs(5);
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(100);
/// How often a bubble is asked for.
const ASKED: Duration = Duration::from_millis(200);

/// What was set on the robot's page.
#[derive(Clone, Debug)]
pub(super) struct Address {
    pub(super) url: String,
    pub(super) token: String,
    pub(super) aes_key: String,
}

/// A call, as it is signed.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Query of the address.
    pub query: Vec<(String, String)>,
    /// Encrypted message.
    pub encrypt: String,
}

impl Address {
    /// Signs a message for the robot.
    pub(super) fn signed(&self, message: &[u8], receiver: &str, time: u64) -> Signed {
        let encrypt = crypto::seal(&self.aes_key, message, receiver);
        let (time, nonce) = (time.to_string(), rand::random::<u32>().to_string());
        let signature = crypto::signature(&self.token, &time, &nonce, &encrypt);
        let pair = |key: &str, value: String| (key.to_owned(), value);
        Signed {
            query: vec![
                pair("msg_signature", signature),
                pair("timestamp", time),
                pair("nonce", nonce),
            ],
            encrypt,
        }
    }

    /// Posts it; status and body of the answer.
    pub(super) async fn post(&self, signed: &Signed) -> Result<(u16, String)> {
        let body = json!({"encrypt": signed.encrypt}).to_string();
        let request = client()
            .post(&self.url)
            .query(&signed.query)
            .header("content-type", "application/json");
        let answer = request.timeout(LIMIT).body(body).send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// Reads an answer; `None` when there is nothing in it.
    fn read(&self, text: &str) -> Result<Option<Value>> {
        if text.is_empty() {
            return Ok(None);
        }
        let answer: Value = serde_json::from_str(text).context("no JSON")?;
        let encrypt = answer["encrypt"].as_str().context("no encrypt")?;
        let time = answer["timestamp"].as_u64().context("no timestamp")?;
        let nonce = answer["nonce"].as_str().context("no nonce")?;
        ensure!(time.abs_diff(seconds()) < 60, "a time far off");
        let wanted = crypto::signature(&self.token, &time.to_string(), nonce, encrypt);
        ensure!(
            answer["msgsignature"] == wanted.as_str(),
            "a wrong signature"
        );
        let message = crypto::open(&self.aes_key, encrypt)?;
        Ok(Some(serde_json::from_slice(&message)?))
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("no setting is odd")
}

/// What happens when the address is set on the robot's page.
pub(super) async fn check(address: &Address) -> Result<()> {
    let echo = "7489223";
    let signed = address.signed(echo.as_bytes(), "", seconds());
    let answer = client()
        .get(&address.url)
        .query(&signed.query)
        .query(&[("echostr", &signed.encrypt)])
        .timeout(LIMIT)
        .send()
        .await?;
    let status = answer.status().as_u16();
    let text = answer.text().await?;
    ensure!(
        status == 200 && text == echo,
        "the check is answered with {status} {text:?}"
    );
    Ok(())
}

/// Calls for as long as the fake lives.
pub(super) async fn deliver(shared: Weak<Shared>) {
    loop {
        let Some(shared) = shared.upgrade() else {
            return;
        };
        let next = shared.quietly(|state| {
            if state.is_down {
                return None;
            }
            let address = state.address.clone()?;
            let (req_id, body) = state.to_call.pop_front()?;
            Some((address, req_id, body))
        });
        match next {
            Some((address, req_id, body)) => call(&shared, &address, &req_id, body).await,
            None => {
                drop(shared);
                sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// One event, until it is taken or has been tried often enough.
async fn call(shared: &Arc<Shared>, address: &Address, req_id: &str, mut body: Value) {
    let base = shared.base();
    shared.with(|state| {
        let known = state
            .response_urls
            .iter()
            .find(|(_, (of, _))| of == req_id)
            .map(|(code, _)| code.clone());
        let code = known.unwrap_or_else(|| format!("CODE{}", state.next_id()));
        body["response_url"] = json!(format!("{base}/response/{code}"));
        let answered = (req_id.to_owned(), Instant::now());
        state.response_urls.entry(code).or_insert(answered);
    });
    for _ in 0..TRIES {
        let signed = address.signed(body.to_string().as_bytes(), "", seconds());
        match address.post(&signed).await {
            Ok((200, text)) => {
                let answer = address.read(&text);
                let followed = shared.with(|state| follow(state, req_id, answer));
                if let Some(stream) = followed {
                    tokio::spawn(ask(
                        Arc::downgrade(shared),
                        address.clone(),
                        req_id.to_owned(),
                        stream,
                    ));
                }
                return;
            }
            // It is called once more.
            Ok(_) | Err(_) => sleep(PAUSE).await,
        }
    }
    shared.with(|state| state.complain("a callback was not taken three times"));
}

/// What the answer of a callback does; the bubble that has to be asked for.
fn follow(state: &mut State, req_id: &str, answer: Result<Option<Value>>) -> Option<String> {
    let answer = match answer {
        Ok(answer) => answer?,
        Err(error) => {
            state.complain(format!("an answer cannot be read: {error:#}"));
            return None;
        }
    };
    let (room, asked) = {
        let callback = &state.callbacks[req_id];
        (callback.room.clone(), callback.asked.clone())
    };
    let kind = answer["msgtype"].as_str().unwrap_or_default().to_owned();
    let done = match (&asked, kind.as_str()) {
        (Asked::Press(task), _) => commands::card_update(state, &room, task, &answer),
        (Asked::Entered, _) => commands::greeting(state, &room, req_id, &answer),
        // WeCom delivered the same callback before, and shows that bubble.
        (Asked::Message, "stream")
            if answer["stream"]["id"]
                .as_str()
                .is_some_and(|id| state.streams.contains_key(id)) =>
        {
            return None;
        }
        (Asked::Message, "stream") => commands::stream(state, &room, req_id, &answer["stream"]),
        (Asked::Message, "template_card") => {
            commands::message(state, &room, Some(req_id), &answer, &["msgtype"])
        }
        (Asked::Message, _) => Err(super::state::bad("msgtype of an answer")),
    };
    let code = done.as_ref().err().map_or(0, |refusal| refusal.code);
    state.calls.push(Call {
        cmd: "answer".to_owned(),
        body: answer.clone(),
        code,
        at: Instant::now(),
    });
    if let Err(refusal) = done {
        state.complain(format!("an answer is refused: {}", refusal.words));
        return None;
    }
    if matches!(asked, Asked::Press(_)) {
        let callback = state.callbacks.get_mut(req_id);
        callback.expect("it was there just now").is_used = true;
    }
    let is_open = kind == "stream" && answer["stream"]["finish"] == false;
    is_open.then(|| {
        answer["stream"]["id"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    })
}

/// Asks for a bubble until it has ended.
async fn ask(shared: Weak<Shared>, address: Address, req_id: String, stream: String) {
    loop {
        sleep(ASKED).await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        let asked = shared.quietly(|state| {
            let over = state.streams[&stream].since.elapsed() > state.settings.rules.stream_life;
            (!over).then(|| {
                let callback = &state.callbacks[&req_id];
                let room = &state.rooms[&callback.room];
                let mut body = json!({
                    "msgid": format!("POLL{}", rand::random::<u32>()),
                    "aibotid": state.settings.bot_id,
                    "chattype": if room.is_group { "group" } else { "single" },
                    "from": {"userid": "somebody"},
                    "msgtype": "stream",
                    "stream": {"id": stream},
                });
                if room.is_group {
                    body["chatid"] = json!(callback.room);
                }
                (callback.room.clone(), body)
            })
        });
        let Some((room, body)) = asked else { return };
        if shared.quietly(|state| state.is_down) {
            continue;
        }
        let signed = address.signed(body.to_string().as_bytes(), "", seconds());
        let answer = match address.post(&signed).await {
            Ok((200, text)) => address.read(&text),
            // Nobody is there now.
            Ok(_) | Err(_) => continue,
        };
        let is_over = shared.with(|state| {
            refresh(state, &room, &req_id, &stream, answer).unwrap_or_else(|error| {
                state.complain(format!("a bubble cannot be read: {error:#}"));
                true
            })
        });
        if is_over {
            return;
        }
    }
}

/// The bubble as it is now; whether that is its end.
fn refresh(
    state: &mut State,
    room: &str,
    req_id: &str,
    id: &str,
    answer: Result<Option<Value>>,
) -> Result<bool> {
    let answer = answer?.context("nothing")?;
    ensure!(
        answer["msgtype"] == "stream" && answer["stream"]["id"] == id,
        "another bubble"
    );
    let stream = &answer["stream"];
    let is_last = stream["finish"] == true;
    // Only what is new is seen; asking often is not the robot's doing.
    let text = crate::markdown::shown(stream["content"].as_str().unwrap_or_default());
    let now = state.rooms[room]
        .log
        .iter()
        .rev()
        .find(|entry| entry.id == id);
    if now.is_some_and(|now| now.text == text) && !is_last {
        state.streams.get_mut(id).context("no bubble")?.at = Instant::now();
        return Ok(false);
    }
    let gap = state.settings.rules.stream_gap;
    let stream_of = state.streams.get_mut(id).context("no bubble")?;
    stream_of.at = Instant::now().checked_sub(gap).context("no time")?;
    match commands::stream(state, room, req_id, stream) {
        Ok(_) => Ok(is_last),
        Err(refusal) => bail!("{}", refusal.words),
    }
}
