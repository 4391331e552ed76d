//! The console: a person at the server, or a script.
//!
//! On a terminal there is line editing, a history, and progress drawn in place. When standard input
//! is no terminal, each line is one message of the owner, sent when the work of the line before has
//! ended; final messages go to standard output once; the adapter ends when the input has ended and
//! the brain says that all is done.

mod attach;
mod downloads;
mod input;
mod screen;

use std::fmt;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use jarvis_proto::chat::action::Kind;
use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{
    Attachment, AttachmentKind, Capabilities, Event, Message, Person, ProgressStyle, Room,
    RoomKind, SendFile, Sent, TextUnit, event,
};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::io::ReaderStream;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::screen::{Draw, Pen, Pipe, Terminal};
use crate::adapter::{
    Acceptance, Adapter, AdapterError, ByteStream, FloodLimits, Inbox, Notice, Profile,
};
use crate::errand::Errand;
use crate::markup;
use crate::recent::Recent;

const KIND: &str = "console";
/// Attached files that the brain may still ask for.
const REMEMBERED_FILES: usize = 1024;
/// How long the brain may stay out of reach.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the last typed line may take to reach the brain after Ctrl-D.
const LAST_LINE_LIMIT: Duration = Duration::from_secs(2);

/// How the console looks and where it keeps its files.
pub struct ConsoleOptions {
    /// The bot's id: one session at a time is possible for each. `console` unless somebody needs
    /// several at once.
    pub bot: String,
    /// The person's name.
    pub name: String,
    /// BCP 47 hint of the person's language; empty when unknown.
    pub language: String,
    /// Folder for received files.
    pub downloads: PathBuf,
    /// Where a terminal's history is kept.
    pub history: Option<PathBuf>,
    /// Send each line at once instead of after the work of the line before. Pipes only.
    pub parallel: bool,
    /// What is read from and written to; `None` is a terminal with line editing.
    pub pipe: Option<PipeEnds>,
}

/// The two ends of a console that is no terminal.
pub struct PipeEnds {
    /// Lines come from here.
    pub input: Box<dyn BufRead + Send>,
    /// Final messages go here.
    pub output: Box<dyn Write + Send>,
}

impl PipeEnds {
    /// Standard input and output.
    #[must_use]
    pub fn standard() -> Self {
        let input = Box::new(io::BufReader::new(io::stdin()));
        Self {
            input,
            output: Box::new(io::stdout()),
        }
    }
}

impl ConsoleOptions {
    /// What the environment says: a terminal if standard input and output are one, `$USER` as the
    /// name, the language of `LC_ALL`, `LC_MESSAGES` or `LANG`.
    #[must_use]
    pub fn from_environment(downloads: impl Into<PathBuf>) -> Self {
        let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .find_map(variable);
        Self {
            bot: KIND.to_owned(),
            name: variable("USER").unwrap_or_else(|| "owner".to_owned()),
            language: language_of(&locale.unwrap_or_default()),
            downloads: downloads.into(),
            history: None,
            parallel: false,
            pipe: (!is_terminal).then(PipeEnds::standard),
        }
    }
}

impl fmt::Debug for ConsoleOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsoleOptions")
            .field("bot", &self.bot)
            .field("downloads", &self.downloads)
            .field("is_terminal", &self.pipe.is_none())
            .finish_non_exhaustive()
    }
}

/// The console adapter.
#[derive(Debug)]
pub struct Console {
    bot: String,
    person: Person,
    downloads: PathBuf,
    is_terminal: bool,
    parallel: bool,
    /// Names this process in event ids, which end in a running number.
    instance: String,
    lines: Mutex<Option<mpsc::Receiver<String>>>,
    pen: Pen,
    /// Number of the last event that the brain is done with.
    done: watch::Sender<u64>,
    sent_messages: AtomicU64,
    /// Attached files by their handles: the brain can ask for these and for no others.
    files: Mutex<Recent<String, PathBuf>>,
    was_greeted: AtomicBool,
    /// Nobody reads our output any more.
    closed: CancellationToken,
    /// The terminal's settings, which the line editor changes while it waits for a key.
    settings: Option<rustix::termios::Termios>,
}

impl Console {
    /// Opens the console.
    ///
    /// # Errors
    /// When the terminal cannot be driven, or no thread can be started.
    pub fn new(options: ConsoleOptions) -> io::Result<Self> {
        let ConsoleOptions {
            bot,
            name,
            language,
            downloads,
            history,
            parallel,
            pipe,
        } = options;
        let is_terminal = pipe.is_none();
        let settings = rustix::termios::tcgetattr(io::stdin())
            .ok()
            .filter(|_| is_terminal);
        let (lines, pen) = match pipe {
            Some(PipeEnds { input, output }) => {
                (input::read_lines(input)?, Pen::new(Pipe(output))?)
            }
            None => {
                let mut editor = input::line_editor(history.as_ref()).map_err(io::Error::other)?;
                let printer = editor.create_external_printer().map_err(io::Error::other)?;
                let entered = Arc::new(AtomicUsize::new(0));
                let screen = Terminal::new(printer, terminal_width, entered.clone());
                (
                    input::edit_lines(editor, history, entered)?,
                    Pen::new(screen)?,
                )
            }
        };
        let person = Person {
            id: "owner".to_owned(),
            name,
            language,
            ..Person::default()
        };
        Ok(Self {
            bot,
            person,
            downloads: std::path::absolute(downloads)?,
            is_terminal,
            parallel,
            instance: Uuid::now_v7().to_string(),
            lines: Mutex::new(Some(lines)),
            pen,
            done: watch::Sender::new(0),
            sent_messages: AtomicU64::new(0),
            files: Mutex::new(Recent::new(REMEMBERED_FILES)),
            was_greeted: AtomicBool::new(false),
            closed: CancellationToken::new(),
            settings,
        })
    }

    /// Sends the lines; ends with the input, or at once when nobody reads the output any more.
    async fn talk(&self, inbox: &Inbox, mut lines: mpsc::Receiver<String>) {
        let mut last: Option<Acceptance> = None;
        let mut number = 0;
        while let Some(line) = lines.recv().await {
            if line.trim().is_empty() {
                continue;
            }
            number += 1;
            let acceptance = inbox.deliver(self.event(number, &line)).await;
            if self.is_terminal || self.parallel {
                last = Some(acceptance);
            } else if !acceptance.wait().await || !self.wait_until_done(number).await {
                return;
            }
        }
        if self.is_terminal {
            if let Some(acceptance) = last {
                // Ctrl-D ends; what the brain has not taken by then was not sent.
                let _ = timeout(LAST_LINE_LIMIT, acceptance.wait()).await;
            }
        } else if number > 0 {
            self.wait_until_done(number).await;
        }
    }

    async fn wait_until_done(&self, number: u64) -> bool {
        self.done
            .subscribe()
            .wait_for(|done| *done >= number)
            .await
            .is_ok()
    }

    fn event(&self, number: u64, line: &str) -> Event {
        let id = format!("{}-{number}", self.instance);
        let spoken = attach::parse(line);
        let message = Message {
            message_id: number.to_string(),
            text: spoken.text,
            attachments: spoken
                .path
                .map(|path| self.attachment(Path::new(&path)))
                .into_iter()
                .collect(),
            ..Message::default()
        };
        Event {
            id,
            time_ms: crate::now_ms(),
            room: Some(Room {
                id: KIND.to_owned(),
                kind: RoomKind::Private.into(),
                ..Room::default()
            }),
            person: Some(self.person.clone()),
            addressed: true,
            kind: Some(event::Kind::Message(message)),
            ..Event::default()
        }
    }

    /// A file that does not exist is attached all the same: who needs it will hear why it cannot be
    /// read.
    fn attachment(&self, path: &Path) -> Attachment {
        let handle = Uuid::now_v7().to_string();
        lock(&self.files).insert(handle.clone(), path.to_owned());
        Attachment {
            handle,
            name: path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            size: std::fs::metadata(path).map_or(0, |metadata| metadata.len()),
            kind: AttachmentKind::File.into(),
            ..Attachment::default()
        }
    }

    async fn draw(&self, draw: Draw) -> Outcome {
        match self.pen.draw(draw).await {
            Ok(()) => {
                let number = self.sent_messages.fetch_add(1, Ordering::Relaxed) + 1;
                Outcome::Ok(Sent {
                    message_id: number.to_string(),
                })
            }
            Err(error) => {
                if error.kind() != io::ErrorKind::BrokenPipe {
                    tracing::error!(%error, "standard output cannot be written");
                }
                self.closed.cancel();
                Outcome::Gone("the console is closed".to_owned())
            }
        }
    }

    async fn receive_file(&self, errand: &Errand, send: &SendFile) -> Outcome {
        let file = send.file.clone().unwrap_or_default();
        let saved = match errand.download(&file).await {
            Ok(bytes) => downloads::save(&self.downloads, &file.name, bytes).await,
            Err(error) => Err(error),
        };
        let saved = match saved {
            Ok(saved) => saved,
            Err(error) => {
                let detail = format!("file `{}`: {error}", file.name);
                return match error.kind() {
                    io::ErrorKind::NotFound
                    | io::ErrorKind::PermissionDenied
                    | io::ErrorKind::StorageFull => Outcome::Fatal(detail),
                    _ => Outcome::Transient(detail),
                };
            }
        };
        let mut text = markup::plain(&send.caption);
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text += &format!(
            "[file] {} {} {}",
            saved.name,
            saved.size,
            saved.path.display()
        );
        self.draw(Draw::Message(text)).await
    }
}

#[async_trait]
impl Adapter for Console {
    fn profile(&self) -> Profile {
        let progress = if self.is_terminal {
            ProgressStyle::Edit
        } else {
            ProgressStyle::Messages
        };
        Profile {
            kind: KIND,
            bot: self.bot.clone(),
            bot_name: String::new(),
            capabilities: Capabilities {
                progress: progress.into(),
                files_out: true,
                files_in: true,
                text_limit: u32::MAX,
                text_unit: TextUnit::Bytes.into(),
                operator_terminal: true,
                ..Capabilities::default()
            },
            flood: FloodLimits::default(),
            patience: Some(PATIENCE),
        }
    }

    async fn receive(&self, inbox: Inbox, stop: CancellationToken) -> Result<(), AdapterError> {
        let Some(lines) = lock(&self.lines).take() else {
            return Ok(());
        };
        tokio::select! {
            () = self.talk(&inbox, lines) => {}
            () = self.closed.cancelled() => {}
            () = stop.cancelled() => {}
        }
        Ok(())
    }

    async fn perform(&self, errand: &Errand) -> Outcome {
        match &errand.action().kind {
            Some(Kind::Say(say)) => {
                let text = markup::plain(&say.text) + &markup::buttons_as_text(&say.buttons);
                self.draw(Draw::Message(text)).await
            }
            Some(Kind::Progress(progress)) => {
                let text =
                    markup::plain(&progress.text) + &markup::buttons_as_text(&progress.buttons);
                let key = progress.key.clone();
                self.draw(if progress.r#final {
                    Draw::Settled { key, text }
                } else {
                    Draw::Live { key, text }
                })
                .await
            }
            Some(Kind::File(file)) => self.receive_file(errand, file).await,
            Some(Kind::AnswerPress(_) | Kind::Typing(_)) => Outcome::Ok(Sent::default()),
            Some(Kind::Delete(_)) => Outcome::Fatal("a console cannot delete".to_owned()),
            None => Outcome::Fatal("an action of an unknown kind".to_owned()),
        }
    }

    async fn open(&self, attachment: &Attachment) -> Result<ByteStream, AdapterError> {
        let path = lock(&self.files).get(&attachment.handle).cloned();
        let failed = |detail: String| AdapterError::Attachment {
            name: path
                .as_ref()
                .map_or(attachment.name.clone(), |path| path.display().to_string()),
            detail,
        };
        let Some(path) = &path else {
            return Err(failed("not attached here".to_owned()));
        };
        // Looked at before it is opened: opening a named pipe would wait for its writer.
        let metadata = tokio::fs::metadata(path)
            .await
            .map_err(|error| failed(error.to_string()))?;
        if !metadata.is_file() {
            return Err(failed("not a file".to_owned()));
        }
        let file = tokio::fs::File::open(path)
            .await
            .map_err(|error| failed(error.to_string()))?;
        Ok(ReaderStream::with_capacity(file, 64 * 1024).boxed())
    }

    fn notice(&self, notice: Notice<'_>) {
        match notice {
            Notice::Welcome { greeting, .. } => {
                if self.is_terminal && !self.was_greeted.swap(true, Ordering::Relaxed) {
                    let text = markup::plain(greeting);
                    if !text.is_empty() {
                        self.pen.try_draw(Draw::Message(text));
                    }
                }
            }
            Notice::Idle { last_event } => {
                let number: Option<u64> = last_event
                    .strip_prefix(&self.instance)
                    .and_then(|rest| rest.strip_prefix('-')?.parse().ok());
                if let Some(number) = number {
                    self.done.send_if_modified(|done| {
                        let is_news = number > *done;
                        *done = number.max(*done);
                        is_news
                    });
                }
            }
            Notice::Away { .. } => {}
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        // The line editor may still wait for a key, with the terminal in its raw mode.
        if let Some(settings) = &self.settings {
            let now = rustix::termios::OptionalActions::Now;
            let _ = rustix::termios::tcsetattr(io::stdin(), now, settings);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|width| *width > 0)
}

/// `zh_CN.UTF-8` is `zh-CN`; `C` and `POSIX` say nothing.
fn language_of(locale: &str) -> String {
    let language = locale.split(['.', '@']).next().unwrap_or_default();
    match language {
        "C" | "POSIX" => String::new(),
        language => language.replace('_', "-"),
    }
}

#[cfg(test)]
mod tests;
