//! Writing: plain lines into a pipe; on a terminal, messages above the prompt and one live region
//! of progress below them.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustyline::ExternalPrinter;
use tokio::sync::{mpsc, oneshot};
use unicode_width::UnicodeWidthChar;

/// Rows of the live region.
const LIVE_ROWS: usize = 12;
const DEFAULT_WIDTH: usize = 80;

/// Something to write.
#[derive(Debug)]
pub(super) enum Draw {
    /// A message that stays.
    Message(String),
    /// The newest state of a progress object that goes on.
    Live { key: String, text: String },
    /// The last state of a progress object: it stays.
    Settled { key: String, text: String },
}

/// What can be drawn on. Blocks.
pub(super) trait Screen: Send + 'static {
    fn draw(&mut self, draw: Draw) -> io::Result<()>;
}

/// Draws on a screen that has a thread of its own, because a reader of our output may be slow.
#[derive(Debug, Clone)]
pub(super) struct Pen(mpsc::Sender<(Draw, oneshot::Sender<io::Result<()>>)>);

impl Pen {
    pub(super) fn new(mut screen: impl Screen) -> io::Result<Self> {
        let (sender, mut draws) = mpsc::channel::<(Draw, oneshot::Sender<io::Result<()>>)>(16);
        std::thread::Builder::new()
            .name("console-output".to_owned())
            .spawn(move || {
                while let Some((draw, done)) = draws.blocking_recv() {
                    // The one who asked may have been stopped.
                    let _ = done.send(screen.draw(draw));
                }
            })?;
        Ok(Self(sender))
    }

    /// Returns when it was written.
    pub(super) async fn draw(&self, draw: Draw) -> io::Result<()> {
        let (done, written) = oneshot::channel();
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        self.0.send((draw, done)).await.map_err(|_| gone())?;
        written.await.map_err(|_| gone())?
    }

    /// Draws when there is room, without waiting.
    pub(super) fn try_draw(&self, draw: Draw) {
        let _ = self.0.try_send((draw, oneshot::channel().0));
    }
}

/// Output that is no terminal: each final message once, no progress.
pub(super) struct Pipe(pub(super) Box<dyn Write + Send>);

impl Screen for Pipe {
    fn draw(&mut self, draw: Draw) -> io::Result<()> {
        let text = match draw {
            Draw::Message(text) | Draw::Settled { text, .. } => text,
            Draw::Live { .. } => return Ok(()),
        };
        self.0.write_all(text.as_bytes())?;
        if !text.ends_with('\n') {
            self.0.write_all(b"\n")?;
        }
        self.0.flush()
    }
}

/// A terminal whose last row is the line editor's prompt.
pub(super) struct Terminal<P> {
    printer: P,
    width: fn() -> Option<usize>,
    /// Lines entered so far; the editor counts.
    entered: Arc<AtomicUsize>,
    /// That count when the region was drawn: another one means that the prompt has moved down and
    /// the region has become history.
    drawn_at: usize,
    drawn_rows: usize,
    live: Vec<(String, String)>,
}

impl<P: ExternalPrinter> Terminal<P> {
    pub(super) fn new(printer: P, width: fn() -> Option<usize>, entered: Arc<AtomicUsize>) -> Self {
        Self {
            printer,
            width,
            entered,
            drawn_at: 0,
            drawn_rows: 0,
            live: Vec::new(),
        }
    }

    /// Replaces the region by the message, if any, and the region's new content.
    fn redraw(&mut self, message: Option<&str>) -> io::Result<()> {
        let entered = self.entered.load(Ordering::SeqCst);
        let mut out = String::new();
        if self.drawn_rows > 0 && self.drawn_at == entered {
            out = format!("\x1b[{}A\r\x1b[J", self.drawn_rows);
        }
        if let Some(message) = message {
            out.push_str(&harmless(message));
            if !out.ends_with('\n') {
                out.push('\n');
            }
        }
        let width = (self.width)().unwrap_or(DEFAULT_WIDTH);
        let rows: Vec<String> = self
            .live
            .iter()
            .flat_map(|(_, text)| text.trim_end().lines())
            .take(LIVE_ROWS)
            .map(|line| fit(&harmless(line), width.saturating_sub(1)))
            .collect();
        for row in &rows {
            out.push_str(row);
            out.push('\n');
        }
        self.drawn_rows = rows.len();
        self.drawn_at = entered;
        if out.is_empty() {
            return Ok(());
        }
        self.printer.print(out).map_err(io::Error::other)
    }
}

impl<P: ExternalPrinter + Send + 'static> Screen for Terminal<P> {
    fn draw(&mut self, draw: Draw) -> io::Result<()> {
        match draw {
            Draw::Message(text) => self.redraw(Some(&text)),
            Draw::Live { key, text } => {
                match self.live.iter_mut().find(|(known, _)| *known == key) {
                    Some((_, known)) => *known = text,
                    None => self.live.push((key, text)),
                }
                self.redraw(None)
            }
            Draw::Settled { key, text } => {
                self.live.retain(|(known, _)| *known != key);
                self.redraw(Some(&text))
            }
        }
    }
}

/// Text without what would steer the terminal.
fn harmless(text: &str) -> String {
    let is_fit = |character: &char| !character.is_control() || matches!(character, '\n' | '\t');
    text.chars().filter(is_fit).collect()
}

/// As much of a line as fits into one row.
fn fit(line: &str, width: usize) -> String {
    let mut used = 0;
    line.replace('\t', " ")
        .chars()
        .take_while(|character| {
            used += character.width().unwrap_or(0);
            used <= width
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::sync::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Printed(Arc<Mutex<Vec<String>>>);

    impl ExternalPrinter for Printed {
        fn print(&mut self, text: String) -> rustyline::Result<()> {
            self.0.lock().unwrap().push(text);
            Ok(())
        }
    }

    fn live(text: &str) -> Draw {
        Draw::Live {
            key: "job".into(),
            text: text.into(),
        }
    }

    #[test]
    fn progress_is_drawn_in_place_and_messages_above_it() {
        let printed = Printed::default();
        let entered = Arc::new(AtomicUsize::new(0));
        let mut screen = Terminal::new(printed.clone(), || Some(10), entered.clone());
        screen.draw(live("one\ntwo")).unwrap();
        screen.draw(live("a line that is too long")).unwrap();
        screen.draw(Draw::Message("hello".into())).unwrap();
        entered.fetch_add(1, Ordering::SeqCst);
        screen.draw(live("again")).unwrap();
        screen
            .draw(Draw::Settled {
                key: "job".into(),
                text: "done\x1b[2J".into(),
            })
            .unwrap();
        screen.draw(Draw::Message("after".into())).unwrap();
        assert_eq!(
            *printed.0.lock().unwrap(),
            [
                "one\ntwo\n",
                "\x1b[2A\r\x1b[Ja line th\n",
                "\x1b[1A\r\x1b[Jhello\na line th\n",
                "again\n",
                "\x1b[1A\r\x1b[Jdone[2J\n",
                "after\n",
            ]
        );
    }
}
