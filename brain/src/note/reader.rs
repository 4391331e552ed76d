//! Reads what files say in processes of their own, with limits on memory and time.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tokio::sync::Semaphore;
use tracing::{info, warn};

use super::extract::{self, Kind, Unreadable};

/// The word with which the program is asked to read a file.
pub const READ_FILE: &str = "read-file";
/// Largest file that is looked into, in bytes.
const MOST_BYTES: u64 = 64 << 20;
/// Files that are read at once.
const AT_ONCE: usize = 2;
/// How long reading a file may take, waiting for others included.
const TIME_LIMIT: Duration = Duration::from_secs(20);
/// Seconds of computing that a file may cost.
const COMPUTING_LIMIT: u64 = 15;
/// Address space of a reading process, in bytes.
const MEMORY_LIMIT: u64 = 1 << 30;
/// What a reading process may write, its libraries' chatter included, in bytes.
const OUTPUT_LIMIT: u64 = 4 << 20;

/// Reads files, a few at a time.
#[derive(Debug)]
pub(crate) struct FileReader {
    turns: Semaphore,
}

impl FileReader {
    /// Nothing is being read.
    pub(crate) fn new() -> Self {
        Self {
            turns: Semaphore::new(AT_ONCE),
        }
    }

    /// What the file at `path` says. `program` is ours; it is started with [`READ_FILE`].
    ///
    /// # Errors
    /// Why it says nothing.
    pub(crate) async fn read(
        &self,
        program: &Path,
        kind: Kind,
        path: &Path,
        size: u64,
    ) -> Result<String, Unreadable> {
        if size > MOST_BYTES {
            return Err(Unreadable::TooMuch);
        }
        let reading = async {
            let Ok(_turn) = self.turns.acquire().await else {
                return Err(Unreadable::TooSlow);
            };
            read_aside(program, kind, path).await
        };
        let read = tokio::time::timeout(TIME_LIMIT, reading).await;
        read.unwrap_or(Err(Unreadable::TooSlow))
    }
}

async fn read_aside(program: &Path, kind: Kind, path: &Path) -> Result<String, Unreadable> {
    // What comes after this mark is ours; libraries may have said something before.
    let mark = uuid::Uuid::now_v7().simple().to_string();
    let child = Command::new(program)
        .args([READ_FILE, kind.as_str(), &mark])
        .arg(path)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            warn!(%error, "no process to read a file in");
            return Err(Unreadable::TooSlow);
        }
    };
    let mut said = Vec::new();
    if let Some(output) = child.stdout.take() {
        let read = output.take(OUTPUT_LIMIT).read_to_end(&mut said).await;
        if read.is_err() || said.len() as u64 == OUTPUT_LIMIT {
            return Err(Unreadable::TooMuch);
        }
    }
    let ended = child.wait().await;
    let said = String::from_utf8_lossy(&said);
    if let Some((_, answer)) = said.split_once(&format!("{mark} ")) {
        let (word, text) = answer.split_once('\n').unwrap_or((answer, ""));
        return match Unreadable::from_word(word) {
            Some(why) => Err(why),
            None => Ok(text.to_owned()),
        };
    }
    info!(?ended, "a file could not be read");
    Err(match ended {
        // A panic is a bug of a library that a strange file has found.
        Ok(status) if status.code().is_some() => Unreadable::Broken,
        // Killed: it wanted more memory or time than it may have.
        _ => Unreadable::TooMuch,
    })
}

/// The other side: reads one file within limits and writes what it says to standard output.
/// `arguments` are those after [`READ_FILE`].
pub fn read_file(arguments: &[String]) {
    let [kind, mark, path] = arguments else {
        return;
    };
    let Some(kind) = Kind::from_word(kind) else {
        return;
    };
    for (resource, most) in [
        (Resource::As, MEMORY_LIMIT),
        (Resource::Cpu, COMPUTING_LIMIT),
        (Resource::Core, 0),
        (Resource::Fsize, OUTPUT_LIMIT),
    ] {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        // Without the limit on memory nothing is read; the others only help.
        if setrlimit(resource, limit).is_err() && resource == Resource::As {
            return;
        }
    }
    let read = std::fs::read(path)
        .map_err(|_| Unreadable::Broken)
        .and_then(|bytes| extract::text_of(kind, &bytes));
    let (word, text) = match read {
        Ok(text) => ("ok", text),
        Err(why) => (why.as_str(), String::new()),
    };
    // Nobody listens any more: nothing is left to do.
    let mut output = std::io::stdout().lock();
    let _ = write!(output, "\n{mark} {word}\n{text}");
    let _ = output.flush();
}
