//! Reading lines, from a terminal with editing and history or from anything else.
//!
//! Both block, so each has a thread of its own; such a thread does not hold up the program's end.

use std::io::{self, BufRead};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustyline::config::Configurer;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Config, Editor};
use tokio::sync::mpsc;

/// Longest line, in bytes.
pub(super) const LONGEST_LINE: usize = 1024 * 1024;
const HISTORY: usize = 1000;
const PROMPT: &str = "▸ ";
/// Lines that were read and not sent yet.
const AHEAD: usize = 16;

/// A line editor on the terminal.
pub(super) type LineEditor = Editor<(), FileHistory>;

/// Reads lines until the end of `reader`; the channel closes then. A line that is too long is
/// passed over with a word in the log.
pub(super) fn read_lines(reader: Box<dyn BufRead + Send>) -> io::Result<mpsc::Receiver<String>> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let mut reader = reader;
    std::thread::Builder::new()
        .name("console-input".to_owned())
        .spawn(move || {
            for number in 1_u64.. {
                match next_line(&mut reader) {
                    Ok(Some(Line::Whole(line))) => {
                        if sender.blocking_send(line).is_err() {
                            return;
                        }
                    }
                    Ok(Some(Line::TooLong)) => {
                        tracing::error!(
                            "line {number} is longer than {LONGEST_LINE} bytes: not sent"
                        );
                    }
                    Ok(None) => return,
                    Err(error) => {
                        tracing::error!(%error, "standard input cannot be read");
                        return;
                    }
                }
            }
        })?;
    Ok(receiver)
}

#[derive(Debug, PartialEq, Eq)]
enum Line {
    Whole(String),
    TooLong,
}

fn next_line(reader: &mut dyn BufRead) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    let mut is_too_long = false;
    loop {
        let available = match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            available => available?,
        };
        let (taken, is_end) = match available.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (available.len(), available.is_empty()),
        };
        if line.len() + taken > LONGEST_LINE + 1 {
            is_too_long = true;
            line.clear();
        } else if !is_too_long {
            line.extend_from_slice(&available[..taken]);
        }
        let has_input_ended = is_end && taken == 0;
        reader.consume(taken);
        if is_too_long && is_end {
            return Ok(Some(Line::TooLong));
        }
        if has_input_ended && line.is_empty() {
            return Ok(None);
        }
        if is_end {
            let text = String::from_utf8_lossy(&line);
            let text = text.strip_suffix('\n').unwrap_or(&text);
            let text = text.strip_suffix('\r').unwrap_or(text);
            return Ok(Some(Line::Whole(text.to_owned())));
        }
    }
}

/// A line editor with the history of earlier runs.
///
/// # Errors
/// When standard input and output are no terminal that can be driven.
pub(super) fn line_editor(history: Option<&PathBuf>) -> Result<LineEditor, ReadlineError> {
    let config = Config::builder().auto_add_history(true).build();
    let mut editor = LineEditor::with_config(config)?;
    editor.set_max_history_size(HISTORY)?;
    if let Some(path) = history {
        // The first run has no history yet.
        let _ = editor.load_history(path);
    }
    Ok(editor)
}

/// Edits lines until Ctrl-D; Ctrl-C drops the line that is being typed. `entered` counts the lines,
/// which tells the screen that the prompt has moved.
pub(super) fn edit_lines(
    mut editor: LineEditor,
    history: Option<PathBuf>,
    entered: Arc<AtomicUsize>,
) -> io::Result<mpsc::Receiver<String>> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    std::thread::Builder::new()
        .name("console-input".to_owned())
        .spawn(move || {
            loop {
                let line = editor.readline(PROMPT);
                entered.fetch_add(1, Ordering::SeqCst);
                match line {
                    Ok(line) => {
                        if sender.blocking_send(line).is_err() {
                            break;
                        }
                        if let Some(path) = &history
                            && let Err(error) = editor.append_history(path)
                        {
                            tracing::debug!(%error, "the history was not written");
                        }
                    }
                    Err(ReadlineError::Interrupted) => {}
                    Err(ReadlineError::Eof) => break,
                    Err(error) => {
                        tracing::error!(%error, "the terminal cannot be read");
                        break;
                    }
                }
            }
        })?;
    Ok(receiver)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::io::BufReader;

    use super::*;

    fn lines(input: &[u8]) -> Vec<Line> {
        // A small buffer makes lines span several reads.
        let mut reader = BufReader::with_capacity(7, input);
        std::iter::from_fn(|| next_line(&mut reader).unwrap()).collect()
    }

    fn whole(text: &str) -> Line {
        Line::Whole(text.to_owned())
    }

    #[test]
    fn every_line_end_and_a_last_line_without_one() {
        assert_eq!(
            lines("first\r\n\nthe second line\nend".as_bytes()),
            [
                whole("first"),
                whole(""),
                whole("the second line"),
                whole("end")
            ]
        );
        assert!(lines(b"").is_empty());
        assert_eq!(lines(b"\xff\xfeok\n"), [whole("\u{fffd}\u{fffd}ok")]);
    }

    #[test]
    fn a_line_without_end_takes_no_memory_and_is_passed_over() {
        let mut input = vec![b'x'; LONGEST_LINE * 3];
        input.extend_from_slice(b"\nnext\n");
        assert_eq!(lines(&input), [Line::TooLong, whole("next")]);
        let longest = vec![b'x'; LONGEST_LINE];
        assert_eq!(lines(&longest), [whole(&"x".repeat(LONGEST_LINE))]);
    }
}
