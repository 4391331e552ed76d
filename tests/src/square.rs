//! A chat platform that is played here, with the adapters' own host loop between it and the brain.
//!
//! What people wrote and what they see outlives the adapter. As platforms do, it delivers an event
//! again to a new adapter until it was taken, and with it what came after it. Whoever speaks here is the
//! owner at the server.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jarvis_adapters::{
    Adapter, AdapterError, BrainAddress, ByteStream, Errand, Inbox, Profile, host,
};
use jarvis_nodeclient::unix_ms;
use jarvis_proto::chat::action::Kind;
use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{
    Attachment, Capabilities, Event, Message, Person, ProgressStyle, Room, RoomKind, Segment, Sent,
    event, segment,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// What people do and see. Clones are the same square.
#[derive(Clone, Debug, Default)]
pub struct Square(Arc<Shared>);

/// The name of a simulated node.
pub fn node_name(node: usize) -> String {
    format!("node-{node}")
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Somebody has spoken.
    spoken: Notify,
    /// The bot has said something.
    shown: Notify,
}

/// What has happened so far.
#[derive(Debug, Default)]
pub struct State {
    /// What people said, in order; an event's number is its place.
    pub asked: Vec<Asked>,
    /// What the bot said, in the order in which it appeared.
    pub shown: Vec<Shown>,
    /// How often each action was performed.
    pub performed: HashMap<String, usize>,
    /// What was asked and is not through.
    open: BTreeSet<usize>,
}

/// Something that a person said.
#[derive(Debug)]
pub struct Asked {
    /// Where.
    pub room: usize,
    /// What for.
    pub what: Ask,
    text: String,
    time_ms: i64,
    /// The brain has taken it.
    pub taken: bool,
    has_last_word: bool,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// An answer.
    Version,
    /// A job on these nodes.
    Job(Vec<usize>),
    /// Anything else, to be waited for.
    Other,
}

/// A message of the bot.
#[derive(Debug)]
pub struct Shown {
    /// The number of the event that it answers.
    pub answers: Option<usize>,
    /// The action that made it.
    pub action: String,
    /// The actions that gave it a last state.
    pub finals: Vec<String>,
    /// What it shows now is a last state.
    pub is_final: bool,
    /// What it shows now.
    pub text: String,
}

impl Square {
    /// Somebody says something; its number.
    fn say(&self, room: usize, what: Ask, text: impl FnOnce(usize) -> String) -> usize {
        let mut state = self.lock();
        let number = state.asked.len();
        state.asked.push(Asked {
            room,
            what,
            text: text(number),
            time_ms: unix_ms(),
            taken: false,
            has_last_word: false,
        });
        state.open.insert(number);
        drop(state);
        self.0.spoken.notify_waiters();
        number
    }

    /// Asks for something that has one answer.
    pub fn ask_version(&self, room: usize) {
        self.say(room, Ask::Version, |_| "version".to_owned());
    }

    /// Orders a job of so many tenths of a second that notes its number in its node's working folder.
    pub fn order(&self, room: usize, nodes: &[usize], tenths: u32) {
        let target: Vec<_> = nodes.iter().map(|&node| node_name(node)).collect();
        let pause = match tenths {
            0..3 => String::new(),
            tenths => format!("sleep 0.{tenths}; "),
        };
        self.say(room, Ask::Job(nodes.to_vec()), |number| {
            format!(
                "run --yes --wait 30m {} echo {number} >> ran; {pause}echo did {number}",
                target.join(",")
            )
        });
    }

    /// Says something in a room and waits for the last word about it. Cancel-safe.
    pub async fn ask(&self, room: usize, text: &str) -> String {
        let number = self.say(room, Ask::Other, |_| text.to_owned());
        loop {
            let shown = self.0.shown.notified();
            let answer = {
                let state = self.lock();
                let is_last = |shown: &&Shown| shown.answers == Some(number) && shown.is_final;
                // What is awaited is new.
                let answer = state.shown.iter().rev().find(is_last);
                answer.map(|shown| shown.text.clone())
            };
            match answer {
                Some(answer) => return answer,
                None => shown.await,
            }
        }
    }

    /// The platform delivers an event again: the one so many before the last.
    pub fn repeat(&self, back: usize) -> Option<Event> {
        let state = self.lock();
        let number = state.asked.len().checked_sub(back + 1)?;
        Some(event_of(number, &state.asked[number]))
    }

    /// Messages of a room that are not through.
    pub fn waiting_in(&self, room: usize) -> usize {
        let state = self.lock();
        let is_there = |number: &&usize| state.asked[**number].room == room;
        state.open.iter().filter(is_there).count()
    }

    /// Whether anything is not through.
    pub fn is_waiting(&self) -> bool {
        !self.lock().open.is_empty()
    }

    /// Everything that was said, for people who look for a fault.
    pub fn transcript(&self) -> String {
        let state = self.lock();
        let mut text = String::new();
        for (number, asked) in state.asked.iter().enumerate() {
            let taken = if asked.taken { "" } else { " NOT TAKEN" };
            let _ = writeln!(text, "{number} room {}{taken}: {}", asked.room, asked.text);
            for shown in &state.shown {
                if shown.answers == Some(number) {
                    let _ = writeln!(
                        text,
                        "    {} finals {:?} final {}: {}",
                        shown.action, shown.finals, shown.is_final, shown.text
                    );
                }
            }
        }
        text
    }

    /// What has happened so far; nothing goes on while it is held.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The brain has taken an event.
    fn take(&mut self, number: usize) {
        self.asked[number].taken = true;
        if self.asked[number].has_last_word {
            self.open.remove(&number);
        }
    }

    /// An event got an answer after which nothing more is expected.
    fn note_last_word(&mut self, number: usize) {
        if let Some(asked) = self.asked.get_mut(number) {
            asked.has_last_word = true;
            if asked.taken {
                self.open.remove(&number);
            }
        }
    }
}

fn event_of(number: usize, asked: &Asked) -> Event {
    Event {
        id: format!("event-{number}"),
        time_ms: asked.time_ms,
        room: Some(Room {
            id: format!("room-{}", asked.room),
            kind: RoomKind::Private.into(),
            ..Room::default()
        }),
        person: Some(Person {
            id: "ada".to_owned(),
            name: "Ada".to_owned(),
            language: "en".to_owned(),
            ..Person::default()
        }),
        addressed: true,
        kind: Some(event::Kind::Message(Message {
            message_id: format!("asked-{number}"),
            text: asked.text.clone(),
            ..Message::default()
        })),
        ..Event::default()
    }
}

/// One life of the bot's adapter.
#[derive(Debug)]
pub struct Bot {
    /// Where it speaks.
    pub square: Square,
    /// Events that the platform delivers again.
    pub repeated: Arc<Mutex<Vec<Event>>>,
}

impl Bot {
    /// Runs an adapter until what is given back is dropped, and with it all that it remembers.
    pub fn live(self, brain: BrainAddress, token: Option<&str>) -> AbortOnDropHandle<()> {
        let token = token.map(Into::into);
        let running = host::run(Arc::new(self), brain, token, CancellationToken::new());
        AbortOnDropHandle::new(tokio::spawn(async move {
            if let Err(error) = running.await {
                eprintln!("the adapter has ended: {error}");
            }
        }))
    }
}

#[async_trait]
impl Adapter for Bot {
    fn profile(&self) -> Profile {
        Profile {
            kind: "console",
            bot: "square".to_owned(),
            bot_name: String::new(),
            capabilities: Capabilities {
                progress: ProgressStyle::Edit.into(),
                buttons: true,
                markup: true,
                reply: true,
                text_limit: 4096,
                operator_terminal: true,
                ..Capabilities::default()
            },
            flood: jarvis_adapters::adapter::FloodLimits::default(),
            patience: None,
        }
    }

    async fn receive(&self, inbox: Inbox, stop: CancellationToken) -> Result<(), AdapterError> {
        let untaken = |asked: &Asked| !asked.taken;
        let mut next = {
            let state = self.square.lock();
            let first = state.asked.iter().position(untaken);
            first.unwrap_or(state.asked.len())
        };
        let mut waiting = tokio::task::JoinSet::new();
        while !stop.is_cancelled() {
            let spoken = self.square.0.spoken.notified();
            let mut events: Vec<Event> = {
                let mut repeated = self.repeated.lock().unwrap_or_else(PoisonError::into_inner);
                repeated.drain(..).collect()
            };
            {
                let state = self.square.lock();
                let new = state.asked.iter().enumerate().skip(next);
                events.extend(new.map(|(number, asked)| event_of(number, asked)));
                next = state.asked.len();
            }
            let is_idle = events.is_empty();
            for event in events {
                let number = number_in(&event.id, "event-");
                let acceptance = inbox.deliver(event).await;
                let square = self.square.clone();
                waiting.spawn(async move {
                    if acceptance.wait().await
                        && let Some(number) = number
                    {
                        square.lock().take(number);
                    }
                });
            }
            while waiting.try_join_next().is_some() {}
            if is_idle {
                // Also looks for repeated events now and then.
                let _ = tokio::time::timeout(Duration::from_millis(50), spoken).await;
            }
        }
        Ok(())
    }

    async fn perform(&self, errand: &Errand) -> Outcome {
        // A platform takes its time, and an adapter may die meanwhile.
        tokio::time::sleep(Duration::from_millis(2)).await;
        let action = errand.action();
        let mut state = self.square.lock();
        *state.performed.entry(action.id.clone()).or_default() += 1;
        let (text, message_id, is_final) = match &action.kind {
            Some(Kind::Say(say)) => (plain(&say.text), "", true),
            Some(Kind::Progress(progress)) => (
                plain(&progress.text),
                progress.message_id.as_str(),
                progress.r#final,
            ),
            _ => return Outcome::Ok(Sent::default()),
        };
        let place = match number_in(message_id, "shown-") {
            Some(place) if place < state.shown.len() => place,
            _ => {
                state.shown.push(Shown {
                    answers: number_in(&action.reply_to, "asked-"),
                    action: action.id.clone(),
                    finals: Vec::new(),
                    is_final: false,
                    text: String::new(),
                });
                state.shown.len() - 1
            }
        };
        let shown = &mut state.shown[place];
        shown.text = text;
        shown.is_final = is_final;
        let answers = shown.answers;
        if is_final {
            shown.finals.push(action.id.clone());
        }
        if let Some(number) = answers.filter(|_| is_final) {
            state.note_last_word(number);
        }
        drop(state);
        self.square.0.shown.notify_waiters();
        Outcome::Ok(Sent {
            message_id: format!("shown-{place}"),
        })
    }

    async fn open(&self, attachment: &Attachment) -> Result<ByteStream, AdapterError> {
        Err(AdapterError::Attachment {
            name: attachment.name.clone(),
            detail: "nobody sends files here".to_owned(),
        })
    }
}

fn number_in(id: &str, prefix: &str) -> Option<usize> {
    id.strip_prefix(prefix)?.parse().ok()
}

fn plain(segments: &[Segment]) -> String {
    let texts = segments.iter().map(|segment| match &segment.kind {
        Some(
            segment::Kind::Text(text)
            | segment::Kind::Bold(text)
            | segment::Kind::Italic(text)
            | segment::Kind::Code(text),
        ) => text.as_str(),
        Some(segment::Kind::Pre(pre)) => pre.text.as_str(),
        Some(segment::Kind::Link(link)) => link.text.as_str(),
        Some(segment::Kind::Mention(mention)) => mention.name.as_str(),
        None => "",
    });
    texts.collect()
}
