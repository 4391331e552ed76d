//! A chat platform played by hand over the bare contract: it edits, deletes and knows what is answered,
//! and it tells the brain of deleted messages, which not every platform does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use hyper_util::rt::TokioIo;
use jarvis_brain::Brain;
use jarvis_nodeclient::unix_ms;
use jarvis_proto::chat::action::Kind;
use jarvis_proto::chat::chat_brain_client::ChatBrainClient;
use jarvis_proto::chat::{
    Action, ActionResult, AdapterFrame, BrainFrame, Capabilities, Event, Hello, Message, Person,
    Pong, ProgressStyle, Room, RoomKind, Segment, Sent, action_result, adapter_frame, brain_frame,
    event, segment,
};
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::task::AbortOnDropHandle;
use tonic::Streaming;
use tonic::transport::Endpoint;

use crate::process::PATIENCE;

/// The way to a brain in this process.
#[derive(Clone, Debug)]
pub struct Way(mpsc::Sender<DuplexStream>);

impl Way {
    /// Opens one.
    pub fn to(brain: &Brain) -> Self {
        let (way, connections) = mpsc::channel(8);
        brain.serve_streams(connections);
        Self(way)
    }
}

/// A platform with one bot of ours.
#[derive(Debug)]
pub struct Platform {
    frames: mpsc::Sender<AdapterFrame>,
    shared: Arc<Shared>,
    kind: String,
    _reading: AbortOnDropHandle<()>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct State {
    next: usize,
    messages: Vec<Shown>,
    /// What was said of an action that comes again.
    results: HashMap<String, String>,
}

/// A message of the bot, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its id.
    pub id: String,
    /// Where.
    pub room: String,
    /// What it says.
    pub text: String,
    /// What it answers.
    pub reply_to: String,
    /// The name of its file.
    pub file: String,
    /// How often it was edited.
    pub edits: usize,
    /// It is gone.
    pub is_deleted: bool,
    /// When it first appeared.
    pub at: Instant,
}

impl Platform {
    /// Connects a bot. A platform called `console` is the server's own terminal.
    ///
    /// # Errors
    /// When the brain does not let it in.
    pub async fn join(way: &Way, kind: &str, bot: &str) -> Result<Self> {
        let way = way.clone();
        let channel = Endpoint::from_static("http://brain.invalid")
            .connect_with_connector(tower::service_fn(move |_| {
                let way = way.clone();
                async move {
                    let (ours, theirs) = tokio::io::duplex(256 << 10);
                    let gone = |_| std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
                    way.0.send(theirs).await.map_err(gone)?;
                    Ok::<_, std::io::Error>(TokioIo::new(ours))
                }
            }))
            .await?;
        let (frames, outgoing) = mpsc::channel(256);
        let hello = Hello {
            contract: 1,
            kind: kind.to_owned(),
            bot: bot.to_owned(),
            bot_name: format!("{bot}_name"),
            instance: format!("{kind}-{bot}"),
            capabilities: Some(Capabilities {
                progress: ProgressStyle::Edit.into(),
                buttons: true,
                reply: true,
                delete: true,
                files_out: true,
                files_in: true,
                operator_terminal: kind == "console",
                ..Capabilities::default()
            }),
            ..Hello::default()
        };
        frames
            .send(frame(adapter_frame::Frame::Hello(hello)))
            .await?;
        let mut incoming = ChatBrainClient::new(channel)
            .connect(ReceiverStream::new(outgoing))
            .await?
            .into_inner();
        let first = incoming.message().await?.and_then(|frame| frame.frame);
        if !matches!(first, Some(brain_frame::Frame::Welcome(_))) {
            bail!("no welcome: {first:?}");
        }
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: watch::Sender::new(0),
        });
        let reading = tokio::spawn(read(incoming, frames.clone(), Arc::clone(&shared)));
        Ok(Self {
            frames,
            shared,
            kind: kind.to_owned(),
            _reading: AbortOnDropHandle::new(reading),
        })
    }

    /// Somebody writes in a room; the id of the message.
    ///
    /// # Errors
    /// When the session is over.
    pub async fn says(&self, room: &str, person: &str, text: &str) -> Result<String> {
        self.answers(room, person, "", text).await
    }

    /// Somebody answers a message.
    ///
    /// # Errors
    /// When the session is over.
    pub async fn answers(
        &self,
        room: &str,
        person: &str,
        reply_to: &str,
        text: &str,
    ) -> Result<String> {
        let (id, reply_to_bot, reply_to_text) = {
            let mut state = self.shared.lock();
            state.next += 1;
            let id = format!("p{}", state.next);
            let answered = state.messages.iter().find(|shown| shown.id == reply_to);
            let text = answered.map(|shown| shown.text.clone());
            (id, answered.is_some(), text.unwrap_or_default())
        };
        let message = Message {
            message_id: id.clone(),
            text: text.to_owned(),
            reply_to: reply_to.to_owned(),
            reply_to_bot,
            reply_to_text,
            ..Message::default()
        };
        let addressed = reply_to_bot || self.kind == "console";
        let kind = event::Kind::Message(message);
        self.send(room, person, addressed, &id, kind).await?;
        Ok(id)
    }

    /// Somebody changes a message.
    ///
    /// # Errors
    /// When the session is over.
    pub async fn edits(&self, room: &str, person: &str, message: &str, text: &str) -> Result<()> {
        let id = self.next();
        let edited = event::Kind::Edited(Message {
            message_id: message.to_owned(),
            text: text.to_owned(),
            ..Message::default()
        });
        self.send(room, person, false, &id, edited).await
    }

    /// Somebody deletes a message.
    ///
    /// # Errors
    /// When the session is over.
    pub async fn deletes(&self, room: &str, person: &str, message: &str) -> Result<()> {
        let id = self.next();
        let deleted = event::Kind::Deleted(message.to_owned());
        self.send(room, person, false, &id, deleted).await
    }

    fn next(&self) -> String {
        let mut state = self.shared.lock();
        state.next += 1;
        format!("p{}", state.next)
    }

    async fn send(
        &self,
        room: &str,
        person: &str,
        addressed: bool,
        id: &str,
        kind: event::Kind,
    ) -> Result<()> {
        let room_kind = if self.kind == "console" {
            RoomKind::Private
        } else {
            RoomKind::Group
        };
        let event = Event {
            id: id.to_owned(),
            time_ms: unix_ms(),
            room: Some(Room {
                id: room.to_owned(),
                kind: room_kind.into(),
                ..Room::default()
            }),
            person: Some(Person {
                id: person.to_owned(),
                name: person.to_owned(),
                language: "en".to_owned(),
                ..Person::default()
            }),
            addressed,
            kind: Some(kind),
            ..Event::default()
        };
        let frame = frame(adapter_frame::Frame::Event(event));
        self.frames.send(frame).await.context("the session is over")
    }

    /// Waits until a message of the bot in this room says this.
    ///
    /// # Panics
    /// When none does in time.
    pub async fn sees(&self, room: &str, text: &str) -> Shown {
        self.sees_where(room, text, |shown| shown.text.contains(text))
            .await
    }

    /// Waits until a message of the bot in this room fits.
    ///
    /// # Panics
    /// When none does in time.
    pub async fn sees_where(&self, room: &str, what: &str, fits: impl Fn(&Shown) -> bool) -> Shown {
        let mut changed = self.shared.changed.subscribe();
        let look = || {
            let found = |shown: &&Shown| shown.room == room && fits(shown);
            self.shared.lock().messages.iter().find(found).cloned()
        };
        let waiting = changed.wait_for(|_| look().is_some());
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            panic!("no {what:?} in {room}: {:#?}", self.messages(room));
        }
        look().expect("it was there a moment ago")
    }

    /// All messages of the bot in a room, as they are now, the deleted ones left out.
    pub fn messages(&self, room: &str) -> Vec<Shown> {
        let state = self.shared.lock();
        let here = |shown: &&Shown| shown.room == room && !shown.is_deleted;
        state.messages.iter().filter(here).cloned().collect()
    }
}

fn frame(frame: adapter_frame::Frame) -> AdapterFrame {
    AdapterFrame { frame: Some(frame) }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what the brain wants; the id of the message.
    fn perform(&self, action: &Action) -> String {
        let mut state = self.lock();
        if let Some(known) = state.results.get(&action.id) {
            return known.clone();
        }
        let room = action.room.clone().unwrap_or_default().id;
        let mut shown = Shown {
            id: String::new(),
            room,
            text: String::new(),
            reply_to: action.reply_to.clone(),
            file: String::new(),
            edits: 0,
            is_deleted: false,
            at: Instant::now(),
        };
        let by_id =
            |state: &State, id: &str| state.messages.iter().position(|shown| shown.id == id);
        let id = match &action.kind {
            Some(Kind::Progress(progress)) => match by_id(&state, &progress.message_id) {
                Some(place) => {
                    let known = &mut state.messages[place];
                    known.text = plain(&progress.text);
                    known.edits += 1;
                    known.id.clone()
                }
                None => {
                    shown.text = plain(&progress.text);
                    add(&mut state, shown)
                }
            },
            Some(Kind::Say(say)) => {
                shown.text = plain(&say.text);
                add(&mut state, shown)
            }
            Some(Kind::File(file)) => {
                shown.text = plain(&file.caption);
                shown.file = file.file.clone().unwrap_or_default().name;
                add(&mut state, shown)
            }
            Some(Kind::Delete(delete)) => {
                if let Some(place) = by_id(&state, &delete.message_id) {
                    state.messages[place].is_deleted = true;
                }
                String::new()
            }
            _ => String::new(),
        };
        state.results.insert(action.id.clone(), id.clone());
        drop(state);
        self.changed.send_modify(|count| *count += 1);
        id
    }
}

fn add(state: &mut State, mut shown: Shown) -> String {
    state.next += 1;
    shown.id = format!("b{}", state.next);
    let id = shown.id.clone();
    state.messages.push(shown);
    id
}

fn plain(segments: &[Segment]) -> String {
    segments
        .iter()
        .map(|segment| match &segment.kind {
            Some(
                segment::Kind::Text(text)
                | segment::Kind::Bold(text)
                | segment::Kind::Italic(text)
                | segment::Kind::Code(text),
            ) => text.as_str(),
            Some(segment::Kind::Pre(pre)) => &pre.text,
            Some(segment::Kind::Link(link)) => &link.url,
            Some(segment::Kind::Mention(mention)) => &mention.name,
            None => "",
        })
        .collect()
}

async fn read(
    mut incoming: Streaming<BrainFrame>,
    frames: mpsc::Sender<AdapterFrame>,
    shared: Arc<Shared>,
) {
    while let Ok(Some(BrainFrame { frame: Some(said) })) = incoming.message().await {
        let answer = match said {
            brain_frame::Frame::Action(action) => {
                let message_id = shared.perform(&action);
                let outcome = action_result::Outcome::Ok(Sent { message_id });
                adapter_frame::Frame::Result(ActionResult {
                    action: action.id,
                    outcome: Some(outcome),
                })
            }
            brain_frame::Frame::Ping(ping) => {
                adapter_frame::Frame::Pong(Pong { nonce: ping.nonce })
            }
            _ => continue,
        };
        if frames.send(frame(answer)).await.is_err() {
            return;
        }
    }
}
