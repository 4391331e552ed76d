//! Server-sent events (`text/event-stream`), piece by piece as they come. Whoever sends them is not trusted with our
//! memory: an event has a largest size, for which the libraries at hand have no setting.

/// What such a stream says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// An event.
    Event {
        /// Its kind; empty where none is named.
        name: String,
        /// What it says.
        data: String,
    },
    /// A line that means nothing but that the server is there.
    Comment,
}

/// An event is larger than anything that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event is too large")]
pub(crate) struct TooLarge;

/// Reads a stream. Pieces may end anywhere, also inside a character.
#[derive(Debug)]
pub(crate) struct EventStream {
    /// Largest event, in bytes.
    most: usize,
    line: Vec<u8>,
    name: String,
    data: String,
    has_data: bool,
    /// The last line ended with a return: a line feed right behind it belongs to it.
    after_return: bool,
    is_first_line: bool,
}

impl EventStream {
    /// Takes events of at most `most` bytes.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            line: Vec::new(),
            name: String::new(),
            data: String::new(),
            has_data: false,
            after_return: false,
            is_first_line: true,
        }
    }

    /// What this piece completes, in order.
    ///
    /// # Errors
    /// [`TooLarge`]; nothing can be read after that.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<Vec<Said>, TooLarge> {
        let mut said = Vec::new();
        let mut rest = piece;
        while !rest.is_empty() {
            if std::mem::take(&mut self.after_return) && rest[0] == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let text = &rest[..end.unwrap_or(rest.len())];
            if self.line.len() + self.data.len() + text.len() > self.most {
                return Err(TooLarge);
            }
            self.line.extend_from_slice(text);
            let Some(end) = end else { break };
            self.after_return = rest[end] == b'\r';
            rest = &rest[end + 1..];
            said.extend(self.end_line());
        }
        Ok(said)
    }

    fn end_line(&mut self) -> Option<Said> {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let mut line = line.as_ref();
        if std::mem::take(&mut self.is_first_line) {
            line = line.trim_start_matches('\u{feff}');
        }
        if line.is_empty() {
            let name = std::mem::take(&mut self.name);
            let data = std::mem::take(&mut self.data);
            let has_data = std::mem::take(&mut self.has_data);
            return has_data.then_some(Said::Event { name, data });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" => return Some(Said::Comment),
            "event" => value.clone_into(&mut self.name),
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            // `id` and `retry`, and whatever comes after us.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn read(pieces: &[&[u8]]) -> Vec<Said> {
        let mut stream = EventStream::new(1024);
        let said = pieces.iter().map(|piece| stream.push(piece).unwrap());
        said.flatten().collect()
    }

    fn event(name: &str, data: &str) -> Said {
        Said::Event {
            name: name.to_owned(),
            data: data.to_owned(),
        }
    }

    #[test]
    fn events_and_comments_are_read_whatever_ends_their_lines() {
        let text = "\u{feff}: heartbeat\n\nevent: milky_event\ndata: {\"a\":\ndata: 1}\nid: 7\n\ndata:x\n\nevent: y\n\n";
        let wanted = [
            Said::Comment,
            event("milky_event", "{\"a\":\n1}"),
            event("", "x"),
        ];
        for end in ["\n", "\r\n", "\r"] {
            assert_eq!(
                read(&[text.replace('\n', end).as_bytes()]),
                wanted,
                "{end:?}"
            );
        }
    }

    #[test]
    fn what_is_not_ended_is_not_said() {
        assert_eq!(read(&[b"data: x\n"]), []);
        assert_eq!(read(&[b"data: x\r\n\r", b"\n\ndata: y"]), [event("", "x")]);
        assert_eq!(read(&[b"data\n\n"]), [event("", "")]);
    }

    #[test]
    fn an_event_without_an_end_is_not_kept_for_ever() {
        let mut stream = EventStream::new(100);
        assert_eq!(stream.push(&[b'x'; 100]), Ok(Vec::new()));
        assert_eq!(stream.push(b"x"), Err(TooLarge));
        let mut stream = EventStream::new(100);
        let mut pushed = Ok(Vec::new());
        for _ in 0..20 {
            pushed = stream.push(b"data: 0123456789\n");
            if pushed.is_err() {
                break;
            }
        }
        assert_eq!(pushed, Err(TooLarge));
    }

    proptest! {
        #[test]
        fn where_pieces_end_changes_nothing(text in "[a-z:\r\n 好😀]{0,60}", size in 1_usize..7) {
            let whole = read(&[text.as_bytes()]);
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            prop_assert_eq!(read(&pieces), whole);
        }
    }
}
