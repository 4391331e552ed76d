//! Calls and events over WebSockets, whoever dialled: calls find their answers by their echo, events
//! go to one queue, silence ends a connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::{SinkExt, Stream, StreamExt};
use serde::Serialize;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::inbound::number;
use crate::qq::account::CallError;
use crate::qq::told::{self, Told};

/// Frames that may wait to be written.
const OUTGOING: usize = 64;
/// Parts of an answer that may wait to be taken, and how long one may wait when they do.
const PARTS: usize = 16;
const TAKE_LIMIT: Duration = Duration::from_millis(if cfg!(test) { 200 } else { 20_000 });
/// How long a call waits for a connection.
const AWAY_LIMIT: Duration = Duration::from_secs(3);
/// Longest time to write one frame; a large file is one.
const WRITE_LIMIT: Duration = Duration::from_secs(60);
/// How often a quiet connection is asked for a sign of life, and how long it may be quiet before
/// its heartbeats are known.
const PING: Duration = Duration::from_secs(20);
const QUIET_LIMIT: Duration = Duration::from_secs(65);
/// Heartbeats that may fail to come.
const MISSED_HEARTBEATS: u32 = 3;

/// Why a connection has ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Ended {
    #[error("the QQ program closed the connection")]
    Closed,
    #[error("the QQ program went silent")]
    Silent,
    #[error("the QQ program refuses our token")]
    Token,
    #[error("the connection broke: {0}")]
    Broken(String),
}

/// All connections to one implementation.
#[derive(Debug)]
pub(super) struct Line {
    /// The connection that takes calls, newest last.
    ways: watch::Sender<Vec<Way>>,
    waiting: Mutex<Waiting>,
    events: mpsc::Sender<Told>,
    /// Our QQ number, as soon as anything tells it.
    myself: watch::Sender<Option<i64>>,
    /// How far the program's clock was ahead of ours at its newest event, in milliseconds.
    ahead: watch::Sender<Option<i64>>,
}

/// A call as it is written.
#[derive(Serialize)]
struct Call<'a> {
    action: &'a str,
    params: &'a Value,
    echo: &'a str,
}

#[derive(Debug, Clone)]
struct Way {
    number: u64,
    outgoing: mpsc::Sender<Message>,
}

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    /// Calls by their echo, with the connection that they went out on.
    calls: HashMap<String, (u64, Asked)>,
}

/// Who waits for the answer to a call.
#[derive(Debug)]
enum Asked {
    /// For the one answer.
    Once(oneshot::Sender<Value>),
    /// For parts, and a last answer.
    Parts(mpsc::Sender<Value>),
}

/// What a connection carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Calls and events.
    Universal,
    /// Only calls.
    Api,
    /// Only events.
    Event,
}

impl Line {
    pub(super) fn new() -> (Arc<Self>, mpsc::Receiver<Told>) {
        let (events, receiver) = told::channel();
        let line = Self {
            ways: watch::Sender::new(Vec::new()),
            waiting: Mutex::default(),
            events,
            myself: watch::Sender::new(None),
            ahead: watch::Sender::new(None),
        };
        (Arc::new(line), receiver)
    }

    /// Our QQ number, when some event or header has told it.
    pub(super) fn myself(&self) -> Option<i64> {
        *self.myself.borrow()
    }

    /// Waits for an event, if none has come yet; gives how far the program's clock is ahead of ours, in
    /// milliseconds.
    pub(super) async fn ahead(&self) -> Option<i64> {
        let mut ahead = self.ahead.subscribe();
        ahead
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|ahead| *ahead)
    }

    /// What every event tells.
    fn note(&self, event: &Value) {
        if let Some(id) = number(&event["self_id"]) {
            self.is_myself(id);
        }
        if let Some(seconds) = event["time"].as_i64() {
            let ahead = seconds.saturating_mul(1000).saturating_sub(crate::now_ms());
            self.ahead.send_replace(Some(ahead));
        }
    }

    /// Something has told our QQ number.
    pub(super) fn is_myself(&self, id: i64) {
        self.myself.send_if_modified(|known| {
            let is_news = known.is_none();
            known.get_or_insert(id);
            is_news
        });
    }

    /// Makes a call; returns the whole answer.
    ///
    /// # Errors
    /// When there is no connection, or no answer within `limit`.
    pub(super) async fn call(
        self: &Arc<Self>,
        action: &str,
        params: &Value,
        limit: Duration,
    ) -> Result<Value, CallError> {
        let (sender, answer) = oneshot::channel();
        let asking = async {
            let _forget = self.ask(action, params, Asked::Once(sender)).await?;
            answer.await.map_err(|_| CallError::Lost)
        };
        timeout(limit, asking)
            .await
            .map_err(|_| CallError::Silent)?
    }

    /// Makes a call whose answer comes in parts; gives all frames of it, the last one too. It ends
    /// early when the line breaks, or the parts are not taken in time.
    ///
    /// # Errors
    /// When there is no connection.
    pub(super) async fn call_for_parts(
        self: &Arc<Self>,
        action: &str,
        params: &Value,
    ) -> Result<impl Stream<Item = Value> + Send + use<>, CallError> {
        let (sender, parts) = mpsc::channel(PARTS);
        let asking = self.ask(action, params, Asked::Parts(sender));
        let forget = timeout(WRITE_LIMIT, asking)
            .await
            .map_err(|_| CallError::Silent)??;
        Ok(futures::stream::unfold(
            (parts, forget),
            async |(mut parts, forget)| {
                let part = parts.recv().await?;
                Some((part, (parts, forget)))
            },
        ))
    }

    /// Sends a call off. Its answer is waited for as long as what is returned lives.
    async fn ask(
        self: &Arc<Self>,
        action: &str,
        params: &Value,
        asked: Asked,
    ) -> Result<Forget, CallError> {
        let away = || CallError::Away("there is no connection".to_owned());
        let way = {
            let mut ways = self.ways.subscribe();
            let found = timeout(AWAY_LIMIT, ways.wait_for(|ways| !ways.is_empty())).await;
            let Ok(Ok(ways)) = found else {
                return Err(away());
            };
            ways.last().cloned().ok_or_else(away)?
        };
        let echo = {
            let mut waiting = self.waiting();
            waiting.next += 1;
            // Implementations are known that answer only an echo that is text.
            let echo = format!("jarvis-{}", waiting.next);
            waiting.calls.insert(echo.clone(), (way.number, asked));
            echo
        };
        let call = Call {
            action,
            params,
            echo: &echo,
        };
        let frame = serde_json::to_string(&call).expect("values of JSON can be written");
        let forget = Forget {
            line: self.clone(),
            echo,
        };
        if way.outgoing.send(Message::text(frame)).await.is_err() {
            return Err(away());
        }
        Ok(forget)
    }

    /// Serves a connection until it ends.
    pub(super) async fn serve<S>(&self, socket: WebSocketStream<S>, role: Role) -> Ended
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let (mut sink, mut stream) = socket.split();
        let (outgoing, mut frames) = mpsc::channel(OUTGOING);
        let way = self.open(outgoing.clone(), role);
        let writing = async {
            while let Some(frame) = frames.recv().await {
                match timeout(WRITE_LIMIT, sink.send(frame)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => return Ended::Broken(error.to_string()),
                    Err(_) => return Ended::Silent,
                }
            }
            Ended::Closed
        };
        let reading = async {
            let mut quiet_limit = QUIET_LIMIT;
            let mut heard = Instant::now();
            let mut ping = heard + PING.min(quiet_limit);
            loop {
                tokio::select! {
                    frame = stream.next() => {
                        heard = Instant::now();
                        let frame = match frame {
                            Some(Ok(frame)) => frame,
                            Some(Err(error)) => return Ended::Broken(error.to_string()),
                            None => return Ended::Closed,
                        };
                        match frame {
                            Message::Text(text) => {
                                match self.take(text.as_str(), role).await {
                                    Ok(Some(heartbeat)) => quiet_limit = heartbeat,
                                    Ok(None) => {}
                                    Err(ended) => return ended,
                                }
                            }
                            Message::Close(_) => return Ended::Closed,
                            _ => {}
                        }
                    }
                    () = sleep_until(ping) => {
                        ping = Instant::now() + PING;
                        // A full queue is a sign of trouble of its own.
                        let _ = outgoing.try_send(Message::Ping(Vec::new().into()));
                    }
                    () = sleep_until(heard + quiet_limit) => return Ended::Silent,
                }
            }
        };
        let ended = tokio::select! {
            ended = writing => ended,
            ended = reading => ended,
        };
        self.close(way);
        ended
    }

    /// Takes one frame; returns how long the connection may be quiet, when it tells.
    async fn take(&self, text: &str, role: Role) -> Result<Option<Duration>, Ended> {
        let Ok(value) = serde_json::from_str::<Value>(text) else {
            tracing::warn!(
                bytes = text.len(),
                "a frame of the QQ program cannot be read"
            );
            return Ok(None);
        };
        if value.get("post_type").is_none() {
            return self.answer(value).await.map(|()| None);
        }
        self.note(&value);
        if value["post_type"] == "meta_event" {
            return Ok(meta(&value));
        }
        if role == Role::Api {
            return Ok(None);
        }
        if !told::tell(&self.events, value).await {
            return Err(Ended::Closed);
        }
        Ok(None)
    }

    /// Takes an event that was posted; returns whether the brain has stored what is for it.
    pub(super) async fn post(&self, value: Value) -> bool {
        self.note(&value);
        if value["post_type"] == "meta_event" {
            meta(&value);
            return true;
        }
        told::tell_and_wait(&self.events, value).await
    }

    async fn answer(&self, value: Value) -> Result<(), Ended> {
        let echo = value["echo"].as_str().unwrap_or_default();
        // The last answer of a call is no part, or the only one.
        let is_part = value["stream"] == "stream-action" && value["data"]["type"] == "stream";
        let asked = {
            let mut waiting = self.waiting();
            match waiting.calls.get(echo) {
                Some((way, Asked::Parts(parts))) if is_part => {
                    Some((*way, Asked::Parts(parts.clone())))
                }
                _ => waiting.calls.remove(echo),
            }
        };
        match asked {
            // Who asked may have stopped waiting.
            Some((_, Asked::Once(asked))) => drop(asked.send(value)),
            Some((_, Asked::Parts(parts))) => {
                let echo = echo.to_owned();
                // Everything else on this connection waits behind it.
                if timeout(TAKE_LIMIT, parts.send(value)).await.is_err() {
                    tracing::warn!("an answer of the QQ program comes faster than it is taken");
                    self.waiting().calls.remove(&echo);
                }
            }
            // NapCat takes the connection before it looks at the token.
            None if matches!(value["retcode"].as_i64(), Some(1401 | 1403)) => {
                return Err(Ended::Token);
            }
            None => tracing::debug!(echo, "an answer came too late, or to nobody"),
        }
        Ok(())
    }

    fn open(&self, outgoing: mpsc::Sender<Message>, role: Role) -> u64 {
        let number = {
            let mut waiting = self.waiting();
            waiting.next += 1;
            waiting.next
        };
        if role != Role::Event {
            self.ways
                .send_modify(|ways| ways.push(Way { number, outgoing }));
        }
        number
    }

    /// Calls that went out on the connection get no answer any more.
    fn close(&self, way: u64) {
        self.ways
            .send_modify(|ways| ways.retain(|open| open.number != way));
        self.waiting().calls.retain(|_, (number, _)| *number != way);
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a call out of the waiting ones, however waiting for it ends.
struct Forget {
    line: Arc<Line>,
    echo: String,
}

impl Drop for Forget {
    fn drop(&mut self) {
        self.line.waiting().calls.remove(&self.echo);
    }
}

/// A heartbeat tells how long silence may last.
fn meta(value: &Value) -> Option<Duration> {
    if value["meta_event_type"] != "heartbeat" {
        return None;
    }
    if value["status"]["online"] == false {
        tracing::warn!("the QQ program is not logged in to QQ");
    }
    let interval = value["interval"]
        .as_u64()
        .filter(|interval| *interval > 0)?;
    Some(Duration::from_millis(interval) * MISSED_HEARTBEATS)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;
    use tokio::io::DuplexStream;
    use tokio_tungstenite::tungstenite::protocol::Role as End;

    use super::*;

    /// A line, and the program at its other end.
    async fn line() -> (Arc<Line>, WebSocketStream<DuplexStream>) {
        let (line, _) = Line::new();
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let ours = WebSocketStream::from_raw_socket(ours, End::Client, None).await;
        let theirs = WebSocketStream::from_raw_socket(theirs, End::Server, None).await;
        let served = line.clone();
        tokio::spawn(async move { served.serve(ours, Role::Universal).await });
        (line, theirs)
    }

    /// The echo of the next call.
    async fn called(program: &mut WebSocketStream<DuplexStream>) -> Value {
        loop {
            if let Message::Text(text) = program.next().await.unwrap().unwrap() {
                return serde_json::from_str::<Value>(&text).unwrap()["echo"].clone();
            }
        }
    }

    async fn says(program: &mut WebSocketStream<DuplexStream>, frame: Value) {
        program
            .send(Message::text(frame.to_string()))
            .await
            .unwrap();
    }

    fn part(echo: &Value, kind: &str, number: usize) -> Value {
        json!({"status": "ok", "retcode": 0, "echo": echo, "stream": "stream-action",
            "data": {"type": kind, "index": number}})
    }

    #[tokio::test]
    async fn parts_come_under_one_echo_and_other_answers_in_between() {
        let (line, mut program) = line().await;
        let mut parts = Box::pin(line.call_for_parts("download", &json!({})).await.unwrap());
        let echo = called(&mut program).await;
        says(&mut program, part(&echo, "stream", 0)).await;
        let asking = tokio::spawn({
            let line = line.clone();
            async move { line.call("upload", &json!({}), WRITE_LIMIT).await }
        });
        // The one answer of a call that has no parts may look like one.
        let other = called(&mut program).await;
        assert_ne!(other, echo);
        says(&mut program, part(&other, "stream", 7)).await;
        assert_eq!(asking.await.unwrap().unwrap()["data"]["index"], 7);
        says(&mut program, part(&echo, "stream", 1)).await;
        says(&mut program, part(&echo, "response", 2)).await;
        says(&mut program, part(&echo, "stream", 3)).await;
        for number in 0..3 {
            assert_eq!(parts.next().await.unwrap()["data"]["index"], number);
        }
        assert_eq!(parts.next().await, None, "nothing comes after the last");
        assert!(line.waiting().calls.is_empty());
    }

    #[tokio::test]
    async fn parts_that_nobody_takes_hold_the_line_up_only_for_a_while() {
        let (line, mut program) = line().await;
        let parts = line.call_for_parts("download", &json!({})).await.unwrap();
        let echo = called(&mut program).await;
        for number in 0..=PARTS {
            says(&mut program, part(&echo, "stream", number)).await;
        }
        let asking = tokio::spawn({
            let line = line.clone();
            async move { line.call("other", &json!({}), WRITE_LIMIT).await }
        });
        let other = called(&mut program).await;
        says(&mut program, part(&other, "response", 0)).await;
        assert!(asking.await.unwrap().is_ok());
        // What was kept is still there, and then it ends.
        assert_eq!(parts.count().await, PARTS);
    }

    #[tokio::test]
    async fn a_line_that_breaks_ends_what_waits_on_it() {
        let (line, mut program) = line().await;
        let mut parts = Box::pin(line.call_for_parts("download", &json!({})).await.unwrap());
        let echo = called(&mut program).await;
        says(&mut program, part(&echo, "stream", 0)).await;
        assert!(parts.next().await.is_some());
        drop(program);
        assert_eq!(parts.next().await, None);
    }
}
