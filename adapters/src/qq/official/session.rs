//! The gateway's session: kept on disk, so that a new process goes on where the last one stopped.

use std::path::PathBuf;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt as _;
use tokio::time::{Duration, Instant};

use super::core::lock;

/// The file is written at most this often for progress alone. What it lags behind comes again, and is
/// known to the brain.
const PAUSE: Duration = Duration::from_secs(1);

/// What the gateway wants to hear for going on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Session {
    pub(super) id: String,
    /// Number of the last event that the brain has stored.
    pub(super) seq: u64,
}

/// The session of one bot.
#[derive(Debug)]
pub(super) struct Sessions {
    file: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Counts sessions: what belongs to an older one changes nothing.
    generation: u64,
    session: Option<Session>,
    written: Option<Instant>,
}

impl Sessions {
    /// Reads the session of the last process, if there was one.
    pub(super) async fn open(file: Option<PathBuf>) -> Self {
        let session = match &file {
            Some(file) => match tokio::fs::read(file).await {
                Ok(bytes) => serde_json::from_slice(&bytes).ok(),
                Err(_) => None,
            },
            None => None,
        };
        Self {
            file,
            state: Mutex::new(State {
                session,
                ..State::default()
            }),
        }
    }

    /// The session to go on with, and its number.
    pub(super) fn current(&self) -> (u64, Option<Session>) {
        let state = lock(&self.state);
        (state.generation, state.session.clone())
    }

    /// The gateway has begun a session.
    pub(super) async fn begin(&self, id: &str, seq: u64) -> u64 {
        let generation = {
            let mut state = lock(&self.state);
            state.generation += 1;
            state.session = Some(Session {
                id: id.to_owned(),
                seq,
            });
            state.generation
        };
        self.write().await;
        generation
    }

    /// The gateway no longer knows the session.
    pub(super) async fn end(&self) {
        {
            let mut state = lock(&self.state);
            state.generation += 1;
            state.session = None;
        }
        self.write().await;
    }

    /// The brain has stored everything up to `seq` of this session.
    pub(super) async fn advance(&self, generation: u64, seq: u64) {
        let is_due = {
            let mut state = lock(&self.state);
            if state.generation != generation {
                return;
            }
            if let Some(session) = &mut state.session {
                session.seq = session.seq.max(seq);
            }
            state.written.is_none_or(|at| at.elapsed() >= PAUSE)
        };
        if is_due {
            self.write().await;
        }
    }

    /// Writes the file; a failure costs at most what came while the adapter was away.
    pub(super) async fn write(&self) {
        let Some(file) = &self.file else { return };
        let session = {
            let mut state = lock(&self.state);
            state.written = Some(Instant::now());
            state.session.clone()
        };
        let written = async {
            let Some(session) = session else {
                return match tokio::fs::remove_file(file).await {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                    _ => Ok(()),
                };
            };
            if let Some(folder) = file.parent() {
                tokio::fs::create_dir_all(folder).await?;
            }
            let mut new = file.clone().into_os_string();
            new.push(".new");
            let mut options = tokio::fs::OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(0o600);
            let mut opened = options.open(&new).await?;
            let text = serde_json::to_vec(&session).unwrap_or_default();
            opened.write_all(&text).await?;
            opened.flush().await?;
            drop(opened);
            tokio::fs::rename(&new, file).await
        };
        if let Err(error) = written.await {
            tracing::warn!(file = %file.display(), %error, "the gateway's session cannot be kept");
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[tokio::test]
    async fn a_session_outlives_the_process_and_old_news_change_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("qq.session");
        let sessions = Sessions::open(Some(file.clone())).await;
        assert_eq!(sessions.current(), (0, None));
        let first = sessions.begin("S1", 1).await;
        sessions.advance(first, 7).await;
        let second = sessions.begin("S2", 1).await;
        sessions.advance(first, 99).await;
        sessions.advance(second, 3).await;
        sessions.write().await;
        let session = Session {
            id: "S2".to_owned(),
            seq: 3,
        };
        let again = Sessions::open(Some(file.clone())).await;
        assert_eq!(again.current().1, Some(session));
        again.end().await;
        assert!(!file.exists());
    }
}
