//! A person at a pipe: writes lines, reads messages.

use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Result;

use crate::process::{PATIENCE, Process};

/// A console over a process' standard streams. Reading goes forward, as with people.
#[derive(Debug)]
pub struct Console {
    process: Process,
    read: usize,
}

impl Console {
    pub(crate) fn new(process: Process) -> Self {
        Self { process, read: 0 }
    }

    /// Writes one line.
    ///
    /// # Panics
    /// When the process no longer reads.
    pub async fn says(&mut self, line: &str) {
        if let Err(error) = self.process.write_line(line).await {
            panic!(
                "nobody reads {line:?}: {error}\n{}",
                self.process.everything()
            );
        }
    }

    /// Waits for a message with `text`; returns its line.
    pub async fn sees(&mut self, text: &str) -> String {
        self.sees_within(text, PATIENCE).await
    }

    /// The same with a limit of one's own.
    ///
    /// # Panics
    /// When it does not come in time.
    pub async fn sees_within(&mut self, text: &str, limit: Duration) -> String {
        let found = self
            .process
            .out()
            .find(self.read, limit, |unread| {
                let at = unread.find(text)?;
                let start = unread[..at].rfind('\n').map_or(0, |end| end + 1);
                // Only a whole line is a message.
                let end = at + unread[at..].find('\n')?;
                Some((end + 1, unread[start..end].to_owned()))
            })
            .await;
        let Some((end, line)) = found else {
            panic!(
                "{text:?} did not come in time; read:\n{}\nlog:\n{}",
                self.process.out().text(),
                self.process.err().text()
            );
        };
        self.read += end;
        line
    }

    /// How many times `text` stands in all messages so far.
    pub fn count(&self, text: &str) -> usize {
        self.process.out().text().matches(text).count()
    }

    /// Ends the input and waits for the program to end by itself.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn leaves(&mut self) -> Result<ExitStatus> {
        self.process.close_input();
        self.process.ends(PATIENCE).await
    }

    /// The process behind it.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// The word that follows `mark` in a message: a code, a number, an address.
pub fn word_after(text: &str, mark: &str) -> Option<String> {
    let (_, rest) = text.split_once(mark)?;
    let end = rest
        .find(|c: char| !(c.is_alphanumeric() || c == '-'))
        .unwrap_or(rest.len());
    (end > 0).then(|| rest[..end].to_owned())
}
