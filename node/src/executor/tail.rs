//! The last bytes of a stream, in constant memory.

use std::collections::VecDeque;

/// Keeps the last `most` bytes of all that was pushed.
#[derive(Debug)]
pub(crate) struct Tail {
    most: usize,
    bytes: VecDeque<u8>,
}

impl Tail {
    /// An empty tail of at most `most` bytes; memory is taken only as it fills.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            bytes: VecDeque::new(),
        }
    }

    /// Appends, forgetting what is too old.
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        let kept = &chunk[chunk.len().saturating_sub(self.most)..];
        let surplus = (self.bytes.len() + kept.len()).saturating_sub(self.most);
        self.bytes.drain(..surplus);
        self.bytes.extend(kept);
    }

    /// The kept bytes.
    pub(crate) fn to_vec(&self) -> Vec<u8> {
        self.bytes.iter().copied().collect()
    }
}

/// The last lines of both streams in order of arrival, as text.
#[derive(Debug)]
pub(crate) struct CombinedTail {
    tail: Tail,
    /// The stream of the last byte, and whether that byte ended a line.
    last: Option<(usize, bool)>,
}

impl CombinedTail {
    /// An empty tail of at most `most` bytes.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            tail: Tail::new(most),
            last: None,
        }
    }

    /// Appends what arrived on stream number `stream`. A line of the other stream that was cut in the
    /// middle is ended first, so that two streams never share a line.
    pub(crate) fn push(&mut self, stream: usize, chunk: &[u8]) {
        let Some(end) = chunk.last() else { return };
        if self
            .last
            .is_some_and(|(other, is_whole)| other != stream && !is_whole)
        {
            self.tail.push(b"\n");
        }
        self.tail.push(chunk);
        self.last = Some((stream, *end == b'\n'));
    }

    /// At most `most` bytes of valid text from the end, beginning with a whole line where more was cut
    /// off and a line ends in what is left.
    pub(crate) fn text(&self, most: usize) -> String {
        let bytes = self.tail.to_vec();
        let text = String::from_utf8_lossy(&bytes);
        let is_cut = bytes.len() == self.tail.most || text.len() > most;
        if !is_cut {
            return text.into_owned();
        }
        let mut start = text.len().saturating_sub(most);
        while !text.is_char_boundary(start) {
            start += 1;
        }
        let text = &text[start..];
        // The replacement characters of a letter that was cut in half go, too.
        let text = text.trim_start_matches(char::REPLACEMENT_CHARACTER);
        match text.find('\n') {
            Some(end) if end + 1 < text.len() => text[end + 1..].to_owned(),
            _ => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn two_streams_never_share_a_line() {
        let mut tail = CombinedTail::new(100);
        tail.push(0, b"half");
        tail.push(1, b"error\n");
        tail.push(0, b"rest\n");
        assert_eq!(tail.text(100), "half\nerror\nrest\n");
    }

    #[test]
    fn a_cut_tail_begins_with_a_whole_line() {
        let mut tail = CombinedTail::new(20);
        tail.push(0, "first line\n二行目\nlast\n".as_bytes());
        assert_eq!(tail.text(20), "二行目\nlast\n");
        assert_eq!(tail.text(8), "last\n");
    }

    proptest! {
        #[test]
        fn the_tail_is_the_end_of_what_was_pushed(chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..20), most in 1usize..50) {
            let mut tail = Tail::new(most);
            for chunk in &chunks {
                tail.push(chunk);
            }
            let all = chunks.concat();
            prop_assert_eq!(tail.to_vec(), &all[all.len().saturating_sub(most)..]);
        }

        #[test]
        fn combined_text_never_exceeds_its_limit(chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..20), most in 4usize..50) {
            let mut tail = CombinedTail::new(64);
            for (index, chunk) in chunks.iter().enumerate() {
                tail.push(index % 2, chunk);
            }
            prop_assert!(tail.text(most).len() <= most);
        }
    }
}
