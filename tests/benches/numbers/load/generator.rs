//! The load generator: a OneBot v11 program that connects to the bot and plays 50 people in 10 groups.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::table::Times;

const GROUPS: u64 = 10;
const PEOPLE: u64 = 50;
const MYSELF: u64 = 10_000;
/// No answer for so long means that something is broken.
const LIMIT: Duration = Duration::from_secs(30);
/// How long the last answers are waited for when more came than can be done.
const SETTLE: Duration = Duration::from_secs(20);
/// How long a bot may be silent after it was found too fast.
const CALM: Duration = Duration::from_secs(90);
/// What people say when they do not speak to the bot.
const TALK: [&str; 10] = [
    "早上好",
    "that release was a long one",
    "今天谁值班?",
    "https://example.org/status",
    "ping me when you are back",
    "/dev/sda is full again",
    "[图片]",
    "ok 👍",
    "обед?",
    "see you at three",
];

type Socket = WebSocketStream<TcpStream>;

/// How much went through, and in which time.
#[derive(Debug, Default)]
pub(super) struct Rate {
    pub(super) commands: usize,
    /// Commands and ordinary messages.
    pub(super) events: usize,
    pub(super) lasted: Duration,
}

/// What became of commands that were too many.
#[derive(Debug, Default)]
pub(super) struct Pressed {
    pub(super) answered: usize,
    /// From a command to the word that it was too much.
    pub(super) refused: Times,
    pub(super) unanswered: usize,
}

/// One connection to a bot.
pub(super) struct Generator {
    sink: SplitSink<Socket, Message>,
    stream: SplitStream<Socket>,
    /// Numbers of commands, and of messages.
    commands: u64,
    messages: u64,
    /// Commands without an answer, and when each was due.
    due: HashMap<u64, Instant>,
    /// The command of a message that may be quoted.
    quoted: HashMap<u64, u64>,
    /// Until then the platform finds everything that is sent too much.
    storm: Option<Instant>,
}

/// What the bot said.
enum Heard {
    /// `pong` to a command that was due then.
    Pong(Instant),
    /// Something else in answer to a command that was due then.
    Refusal(Instant),
    /// Nothing that counts.
    Else,
}

impl Generator {
    /// Connects, and lets everybody speak once, so that all are known.
    pub(super) async fn connect(port: u16) -> Result<Self> {
        let until = Instant::now() + LIMIT;
        let stream = loop {
            match TcpStream::connect(("127.0.0.1", port)).await {
                Ok(stream) => break stream,
                Err(error) if Instant::now() > until => return Err(error.into()),
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
        };
        stream.set_nodelay(true)?;
        let (socket, _) = client_async(format!("ws://127.0.0.1:{port}/"), stream).await?;
        let (sink, stream) = socket.split();
        let mut generator = Self {
            sink,
            stream,
            commands: 0,
            messages: 0,
            due: HashMap::new(),
            quoted: HashMap::new(),
            storm: None,
        };
        let connected = json!({
            "time": 0, "self_id": MYSELF, "post_type": "meta_event",
            "meta_event_type": "lifecycle", "sub_type": "connect",
        });
        generator.send(&connected).await?;
        let mut warm = Times::default();
        let people = usize::try_from(PEOPLE)?;
        generator.alone(people * 4, &mut warm).await?;
        let mut warm = Rate::default();
        let short = Duration::from_secs(1);
        generator.full_speed(people, 0, short, &mut warm).await?;
        Ok(generator)
    }

    /// Commands one after the other.
    pub(super) async fn alone(&mut self, count: usize, times: &mut Times) -> Result<()> {
        for _ in 0..count {
            self.command(Instant::now()).await?;
            times.push(self.answer().await?);
        }
        Ok(())
    }

    /// Commands at a pace, whatever becomes of the earlier ones; times count from when each was due.
    pub(super) async fn paced(
        &mut self,
        per_second: u32,
        lasting: Duration,
        times: &mut Times,
    ) -> Result<()> {
        let gap = Duration::from_secs(1) / per_second;
        let count = lasting.as_secs() * u64::from(per_second);
        let begun = Instant::now();
        let mut sent = 0;
        while sent < count || !self.due.is_empty() {
            let next = begun + gap * u32::try_from(sent)?;
            tokio::select! {
                heard = timeout(LIMIT, self.stream.next()) => {
                    if let Heard::Pong(due) = self.take(heard.context("no answer comes")?).await? {
                        times.push(due.elapsed());
                    }
                }
                () = sleep_until(next), if sent < count => {
                    // The timer is no finer than a millisecond: all that is due by now.
                    while sent < count && begun + gap * u32::try_from(sent)? <= Instant::now() {
                        self.command(begun + gap * u32::try_from(sent)?).await?;
                        sent += 1;
                    }
                }
            }
        }
        Ok(())
    }

    /// As many as it takes to have `outstanding` commands on their way, each after `ordinary` messages.
    pub(super) async fn full_speed(
        &mut self,
        outstanding: usize,
        ordinary: usize,
        lasting: Duration,
        rate: &mut Rate,
    ) -> Result<()> {
        let begun = Instant::now();
        for _ in 0..outstanding {
            self.after_talk(ordinary).await?;
        }
        rate.events += outstanding * (ordinary + 1);
        while !self.due.is_empty() {
            self.answer().await?;
            rate.commands += 1;
            if begun.elapsed() < lasting {
                self.after_talk(ordinary).await?;
                rate.events += ordinary + 1;
            }
        }
        rate.lasted += begun.elapsed();
        Ok(())
    }

    /// Commands at a pace that is more than the bot can do.
    pub(super) async fn beyond(&mut self, per_second: f64, lasting: Duration) -> Result<Pressed> {
        let mut pressed = Pressed::default();
        let count = (per_second * lasting.as_secs_f64()) as u64;
        let at = |number: u64| Duration::from_secs_f64(number as f64 / per_second);
        let begun = Instant::now();
        let until = begun + lasting + SETTLE;
        let mut sent = 0;
        while (sent < count || !self.due.is_empty()) && Instant::now() < until {
            tokio::select! {
                heard = self.stream.next() => match self.take(heard).await? {
                    Heard::Pong(_) => pressed.answered += 1,
                    Heard::Refusal(due) => pressed.refused.push(due.elapsed()),
                    Heard::Else => {}
                },
                () = sleep_until(begun + at(sent)), if sent < count => {
                    while sent < count && begun + at(sent) <= Instant::now() {
                        self.command(begun + at(sent)).await?;
                        sent += 1;
                    }
                }
                () = sleep_until(until) => {}
            }
        }
        pressed.unanswered = self.due.len();
        self.due.clear();
        Ok(pressed)
    }

    /// Commands while the platform finds everything too much; gives how many were answered in the end,
    /// each once, and how long that took.
    pub(super) async fn storm(
        &mut self,
        count: usize,
        lasting: Duration,
    ) -> Result<(usize, Duration)> {
        let begun = Instant::now();
        self.storm = Some(begun + lasting);
        for _ in 0..count {
            self.command(begun).await?;
        }
        let mut answered = 0;
        while !self.due.is_empty() {
            let heard = timeout(CALM, self.stream.next()).await;
            match self.take(heard.context("no answer comes")?).await? {
                Heard::Pong(_) => answered += 1,
                Heard::Refusal(_) => bail!("a command was refused"),
                Heard::Else => {}
            }
        }
        self.storm = None;
        Ok((answered, begun.elapsed()))
    }

    async fn after_talk(&mut self, ordinary: usize) -> Result<()> {
        for number in 0..ordinary {
            let event = self.event(TALK[(self.messages as usize + number) % TALK.len()]);
            self.sink.feed(Message::text(event.to_string())).await?;
        }
        self.command(Instant::now()).await
    }

    async fn command(&mut self, due: Instant) -> Result<()> {
        self.commands += 1;
        let event = self.event(&format!("/ping {}", self.commands));
        self.due.insert(self.commands, due);
        self.quoted.insert(self.messages, self.commands);
        self.send(&event).await
    }

    /// Waits for the next `pong`; gives the time since its command was due.
    async fn answer(&mut self) -> Result<Duration> {
        loop {
            let heard = timeout(LIMIT, self.stream.next()).await;
            match self.take(heard.context("no answer comes")?).await? {
                Heard::Pong(due) => return Ok(due.elapsed()),
                Heard::Refusal(_) => bail!("a command was refused"),
                Heard::Else => {}
            }
        }
    }

    async fn take(
        &mut self,
        frame: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>,
    ) -> Result<Heard> {
        let Message::Text(text) = frame.context("the bot has hung up")?? else {
            return Ok(Heard::Else);
        };
        let call: Value = serde_json::from_str(&text)?;
        let (data, heard) = match call["action"].as_str().unwrap_or_default() {
            "send_group_msg" | "send_msg" if self.storm.is_some_and(|end| Instant::now() < end) => {
                let refused = json!({
                    "status": "failed", "retcode": 1200, "data": null,
                    "wording": "发送消息过于频繁", "echo": call["echo"],
                });
                self.send(&refused).await?;
                return Ok(Heard::Else);
            }
            "send_group_msg" | "send_msg" => {
                self.messages += 1;
                let heard = self.judge(&call["params"]["message"])?;
                (json!({"message_id": self.messages}), heard)
            }
            "get_login_info" => (json!({"user_id": MYSELF, "nickname": "bot"}), Heard::Else),
            "get_status" => (json!({"online": true, "good": true}), Heard::Else),
            "get_version_info" => {
                let version = json!({
                    "app_name": "load", "app_version": "1", "protocol_version": "v11",
                });
                (version, Heard::Else)
            }
            _ => (json!({}), Heard::Else),
        };
        let answer = json!({"status": "ok", "retcode": 0, "data": data, "echo": call["echo"]});
        self.send(&answer).await?;
        Ok(heard)
    }

    /// Which command a message answers, and how.
    fn judge(&mut self, message: &Value) -> Result<Heard> {
        let parts = message.as_array().map(Vec::as_slice).unwrap_or_default();
        let text = |part: &Value| part["data"]["text"].as_str().unwrap_or_default().to_owned();
        let said: String = parts.iter().map(text).collect();
        if let Some(number) = said.split("pong ").nth(1) {
            let number = number.trim().parse().context("pong what?")?;
            let due = self.due.remove(&number);
            return due
                .map(Heard::Pong)
                .context("an answer to no command, or a second one");
        }
        let quoted = parts.iter().find(|part| part["type"] == "reply");
        let quoted = quoted.and_then(|part| {
            let id = &part["data"]["id"];
            id.as_u64().or_else(|| id.as_str()?.parse().ok())
        });
        let command = quoted.and_then(|message| self.quoted.get(&message));
        let Some(due) = command.and_then(|command| self.due.remove(command)) else {
            ensure!(!said.is_empty(), "an empty message");
            return Ok(Heard::Else);
        };
        Ok(Heard::Refusal(due))
    }

    fn event(&mut self, text: &str) -> Value {
        self.messages += 1;
        let (group, person) = (
            20_000 + self.messages % GROUPS,
            30_000 + self.messages % PEOPLE,
        );
        let now = jarvis_nodeclient::unix_ms() / 1_000;
        json!({
            "time": now, "self_id": MYSELF, "post_type": "message", "message_type": "group",
            "sub_type": "normal", "message_id": self.messages, "group_id": group,
            "user_id": person, "anonymous": null,
            "message": [{"type": "text", "data": {"text": text}}], "raw_message": text, "font": 0,
            "sender": {
                "user_id": person, "nickname": format!("user {person}"), "card": "",
                "sex": "unknown", "age": 0, "area": "", "level": "1", "role": "member", "title": "",
            },
        })
    }

    async fn send(&mut self, frame: &Value) -> Result<()> {
        Ok(self.sink.send(Message::text(frame.to_string())).await?)
    }
}
