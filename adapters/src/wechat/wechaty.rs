//! WeChat through a gateway that speaks Wechaty's Puppet Service (gRPC): an ordinary account is logged in
//! there. The only way into rooms of personal WeChat, and not allowed by WeChat's terms.
//!
//! What WeChat is like is here: rooms, texts without markup, nothing that can be edited, files apart from
//! texts, ids of messages that are often unknown. How a gateway is reached is in `gateway` and `events`.

mod check;
mod config;
mod events;
mod failure;
mod file_box;
mod files;
mod gateway;
mod inbound;
mod outbound;
mod people;
mod place;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jarvis_proto::chat::action::Kind;
use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{
    Attachment, Capabilities, Event, ProgressStyle, Segment, SendFile, Sent, TextUnit,
};
use jarvis_proto::wechaty::puppet::MessagePayloadResponse;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

pub use self::check::look;
pub use self::config::{Config, Numbering, Rules};

use self::events::{Login, Told};
use self::failure::CallError;
use self::files::{File, Source};
use self::gateway::{Gateway, Shared};
use self::inbound::Reader;
use self::people::People;
use self::place::Place;
use crate::adapter::{Adapter, AdapterError, ByteStream, FloodLimits, Inbox, Profile};
use crate::errand::Errand;
use crate::few::Few;
use crate::host::{Turn, retry};
use crate::now_ms;
use crate::remote_file::Fetcher;

const KIND: &str = "wechaty";
/// Tries to read a message while the line is bad, and while the gateway does not have it yet.
const TRIES: usize = 10;
const TRIES_UNKNOWN: usize = 3;
/// Begins the id of a message whose real id the gateway does not know.
const UNKNOWN_ID: &str = "sent:";

/// One WeChat account.
#[derive(Debug)]
pub struct Wechaty {
    config: Config,
    gateway: Shared,
    people: People,
    fetcher: Fetcher,
    events: Mutex<Option<mpsc::Receiver<Told>>>,
    login: watch::Receiver<Login>,
    /// Our contact id.
    myself: String,
    few: Mutex<Few>,
    _listening: AbortOnDropHandle<()>,
}

impl Wechaty {
    /// Waits until somebody is logged in at the gateway. Cancel-safe.
    ///
    /// # Errors
    /// The gateway refuses our token, or a setting cannot be used.
    pub async fn connect(config: Config) -> Result<Self, AdapterError> {
        let gateway = Arc::new(Gateway::new(&config)?);
        let fetcher = Fetcher::new(config.download_limit);
        let fetcher = fetcher.map_err(|error| AdapterError::Setting {
            setting: "wechaty",
            detail: error.to_string(),
        })?;
        fetcher.trust(config.endpoint.host_str().unwrap_or_default().to_owned());
        let (out, events, mut login) = events::channels();
        let listening = events::keep(gateway.clone(), out, config.rules.liveness);
        let listening = AbortOnDropHandle::new(tokio::spawn(listening));
        let known = login
            .wait_for(|login| matches!(login, Login::In(_) | Login::Refused))
            .await
            .map(|login| login.clone());
        let Ok(Login::In(myself)) = known else {
            return Err(AdapterError::Token { platform: KIND });
        };
        let people = People::new(gateway.clone());
        let name = people.contact("", &myself).await.name;
        tracing::info!(wechat.account = myself, name, "WeChat knows us");
        Ok(Self {
            config,
            gateway,
            people,
            fetcher,
            events: Mutex::new(Some(events)),
            login,
            myself,
            few: Mutex::default(),
            _listening: listening,
        })
    }

    /// Whether anything can be sent now.
    fn ready(&self) -> Result<(), CallError> {
        match &*self.login.borrow() {
            Login::In(who) if *who == self.myself => Ok(()),
            Login::In(_) | Login::Out => Err(CallError::LoggedOut),
            Login::Away => Err(CallError::Away("it is being dialled".to_owned())),
            Login::Refused => Err(CallError::Token),
        }
    }

    /// Sends the messages of a text, from the first that was not sent at an earlier try; the whole of
    /// it as a file when it is too long.
    async fn say(&self, errand: &Errand, place: &Place, text: &[Segment]) -> Result<Sent, Outcome> {
        let layout = outbound::layout(text, place, self.config.rules.text_limit);
        let sent = errand.parts_sent();
        let mut first = sent.first().cloned();
        let last = layout.texts.len() + usize::from(layout.file.is_some());
        for words in layout.texts.iter().skip(sent.len()) {
            let id = self.send_words(errand, place, words).await?;
            first.get_or_insert(id);
        }
        if let Some(text) = layout.file
            && errand.parts_sent().len() < last
        {
            let file = File {
                name: "message.txt".to_owned(),
                size: text.len() as u64,
                source: Source::Here(text.into()),
            };
            self.send_file(errand, place, &file).await?;
        }
        first
            .map(|message_id| Sent { message_id })
            .ok_or_else(|| Outcome::Fatal("a message that shows nothing cannot be sent".to_owned()))
    }

    async fn send_words(
        &self,
        errand: &Errand,
        place: &Place,
        words: &outbound::Words,
    ) -> Result<String, Outcome> {
        errand.turn(Turn::Message).await?;
        self.ready()?;
        let id = self
            .gateway
            .send_text(place.conversation(), &words.text, &words.mentions)
            .await?;
        let id = some_id(id);
        errand.part_sent(id.clone());
        Ok(id)
    }

    async fn send_file(
        &self,
        errand: &Errand,
        place: &Place,
        file: &File<'_>,
    ) -> Result<String, Outcome> {
        errand.turn(Turn::Message).await?;
        self.ready()?;
        let inside = self.config.rules.single_upload;
        let id = files::send(&self.gateway, place, file, inside).await?;
        let id = some_id(id);
        errand.part_sent(id.clone());
        Ok(id)
    }

    /// A file, and after it what is said of it: WeChat has no room for words beside one.
    async fn file(&self, errand: &Errand, place: &Place, send: &SendFile) -> Result<Sent, Outcome> {
        let known = send.file.clone().unwrap_or_default();
        let sent = errand.parts_sent();
        let first = match sent.first() {
            Some(first) => first.clone(),
            None => {
                let file = File {
                    name: file_name(&known.name),
                    size: known.size,
                    source: Source::There {
                        errand,
                        file: &known,
                    },
                };
                self.send_file(errand, place, &file).await?
            }
        };
        let layout = outbound::layout(&send.caption, place, self.config.rules.text_limit);
        for words in layout.texts.iter().skip(sent.len().saturating_sub(1)) {
            self.send_words(errand, place, words).await?;
        }
        Ok(Sent { message_id: first })
    }

    async fn delete(&self, errand: &Errand, message_id: &str) -> Result<Sent, Outcome> {
        if message_id.starts_with(UNKNOWN_ID) || message_id.is_empty() {
            let detail = "the gateway did not tell the id of this message".to_owned();
            return Err(Outcome::Gone(detail));
        }
        errand.turn(Turn::Call).await?;
        self.ready()?;
        match self.gateway.recall(message_id).await? {
            true => Ok(Sent::default()),
            false => Err(Outcome::Gone("WeChat takes it back no more".to_owned())),
        }
    }

    async fn try_perform(&self, errand: &Errand) -> Result<Sent, Outcome> {
        let action = errand.action();
        let room = action.room.as_ref().map_or("", |room| room.id.as_str());
        let place: Place = room
            .parse()
            .map_err(|_| Outcome::Fatal(format!("`{room}` is no room of WeChat")))?;
        match &action.kind {
            Some(Kind::Say(say)) => self.say(errand, &place, &say.text).await,
            Some(Kind::Progress(progress)) => {
                // A further try goes on where the first one stopped.
                let is_shown = !errand.parts_sent().is_empty()
                    || lock(&self.few).shows(room, progress, Instant::now());
                if !is_shown {
                    return Ok(Sent::default());
                }
                let sent = self.say(errand, &place, &progress.text).await;
                if sent.is_err() {
                    lock(&self.few).forget(room, &progress.key);
                }
                sent
            }
            Some(Kind::File(file)) => self.file(errand, &place, file).await,
            Some(Kind::Delete(delete)) => self.delete(errand, &delete.message_id).await,
            Some(Kind::AnswerPress(_) | Kind::Typing(_)) => Ok(Sent::default()),
            None => Err(Outcome::Fatal("an action of an unknown kind".to_owned())),
        }
    }

    /// What the brain is told of something that happened.
    async fn event(&self, told: Told) -> Option<Event> {
        match told {
            Told::Message(id) => {
                let message = self.message(&id).await?;
                let place = inbound::place(&message, &self.myself)?;
                let names = self.our_names(&place).await;
                let talker = self
                    .people
                    .contact(&message.room_id, &message.talker_id)
                    .await;
                let title = match &place {
                    Place::Room(room) => self.people.title(room).await,
                    Place::Private(_) => String::new(),
                };
                let reader = self.reader(&names);
                reader.read(&message, &talker, &title, now_ms())
            }
            Told::Joined {
                room,
                people,
                by,
                time,
            } => {
                self.people.forget();
                let title = self.people.title(&room).await;
                let room = (room.as_str(), title.as_str());
                self.reader(&[])
                    .moved(room, &people, &by, time, true, now_ms())
            }
            Told::Left {
                room,
                people,
                by,
                time,
            } => {
                let room = (room.as_str(), "");
                self.reader(&[])
                    .moved(room, &people, &by, time, false, now_ms())
            }
            Told::Changed(_) => {
                self.people.forget();
                None
            }
        }
    }

    fn reader<'a>(&'a self, names: &'a [String]) -> Reader<'a> {
        Reader {
            myself: &self.myself,
            names,
            numbering: self.config.numbering,
            language: &self.config.language,
        }
    }

    /// The names by which we are called in a place.
    async fn our_names(&self, place: &Place) -> Vec<String> {
        let mut names = vec![self.people.contact("", &self.myself).await.name];
        if let Place::Room(room) = place {
            names.push(self.people.contact(room, &self.myself).await.name);
        }
        names.retain(|name| !name.is_empty());
        names.dedup();
        names
    }

    /// The message with this id, asked for until the line is good again.
    async fn message(&self, id: &str) -> Option<MessagePayloadResponse> {
        let mut delays = retry::delays();
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match self.gateway.message(id).await {
                Ok(mut message) => {
                    if message.id.is_empty() {
                        id.clone_into(&mut message.id);
                    }
                    return Some(message);
                }
                Err(error) => error,
            };
            // Some gateways tell of a message before they have it.
            let most = match &error {
                CallError::Gone(_) => TRIES_UNKNOWN,
                error if error.is_passing() => TRIES,
                _ => 0,
            };
            if tries >= most {
                tracing::warn!(%error, "a message could not be read; it is lost");
                return None;
            }
            sleep(delays.next().unwrap_or(Duration::from_secs(5))).await;
        }
    }

    /// Why we cannot go on with this login.
    fn over(&self, login: &Login) -> Option<AdapterError> {
        match login {
            Login::Refused => Some(AdapterError::Token { platform: KIND }),
            Login::In(who) if *who != self.myself => Some(AdapterError::Call {
                call: "the Wechaty gateway",
                detail: "another WeChat account is logged in there now; start again to serve it"
                    .to_owned(),
            }),
            _ => None,
        }
    }
}

#[async_trait]
impl Adapter for Wechaty {
    fn profile(&self) -> Profile {
        let rules = &self.config.rules;
        Profile {
            kind: KIND,
            bot: self.myself.clone(),
            bot_name: String::new(),
            capabilities: Capabilities {
                progress: ProgressStyle::Messages.into(),
                buttons: false,
                files_out: true,
                files_in: true,
                markup: false,
                reply: false,
                delete: true,
                menu: false,
                text_limit: u32::try_from(rules.text_limit).unwrap_or(u32::MAX),
                text_unit: TextUnit::Characters.into(),
                file_out_limit: self.config.upload_limit,
                file_in_limit: self.config.download_limit,
                operator_terminal: false,
            },
            flood: FloodLimits {
                overall_per_second: rules.overall_per_second,
                room_per_second: rules.room_per_second,
                group_per_minute: rules.group_per_minute,
            },
            patience: None,
        }
    }

    async fn receive(&self, inbox: Inbox, stop: CancellationToken) -> Result<(), AdapterError> {
        let Some(mut events) = lock(&self.events).take() else {
            return Ok(());
        };
        let mut login = self.login.clone();
        let mut logins = self.login.clone();
        let ended = loop {
            let told = tokio::select! {
                biased;
                () = stop.cancelled() => break Ok(()),
                Ok(login) = login.wait_for(|login| self.over(login).is_some()) => {
                    break self.over(&login).map_or(Ok(()), Err);
                }
                told = events.recv() => told,
            };
            let Some(told) = told else { break Ok(()) };
            let event = tokio::select! {
                event = self.event(told) => event,
                () = stop.cancelled() => break Ok(()),
                Ok(_) = logins.wait_for(|login| self.over(login).is_some()) => continue,
            };
            let Some(event) = event else { continue };
            // Nobody waits for it: a gateway has no way to hear that an event was stored.
            tokio::select! {
                _ = inbox.deliver(event) => {}
                () = stop.cancelled() => break Ok(()),
            }
        };
        *lock(&self.events) = Some(events);
        ended
    }

    async fn perform(&self, errand: &Errand) -> Outcome {
        match self.try_perform(errand).await {
            Ok(sent) => Outcome::Ok(sent),
            Err(outcome) => outcome,
        }
    }

    async fn open(&self, attachment: &Attachment) -> Result<ByteStream, AdapterError> {
        let most = self.config.download_limit;
        files::open(&self.gateway, &self.fetcher, attachment, most).await
    }
}

/// A name for a message that has none. With one, a new life of the adapter knows that the message is in
/// the room.
fn some_id(id: String) -> String {
    if id.is_empty() {
        format!("{UNKNOWN_ID}{}", Uuid::now_v7())
    } else {
        id
    }
}

/// The name that the receiver sees.
fn file_name(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    match name.trim() {
        "" => "file".to_owned(),
        name => name.to_owned(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
