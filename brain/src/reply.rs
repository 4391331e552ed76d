//! What a command answers: text, buttons and files.

use jarvis_proto::chat::{self, Segment, segment};

use crate::text::Text;

/// A button is a typed command with a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    /// What stands on it.
    pub label: String,
    /// The command that pressing it sends.
    pub command: String,
}

/// A file that goes with an answer; its bytes are a blob of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyFile {
    /// BLAKE3 hex of the bytes.
    pub blob: String,
    /// The file's name.
    pub name: String,
    /// The MIME type; empty when unknown.
    pub mime: String,
    /// Bytes.
    pub size: u64,
}

/// What a command answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reply {
    segments: Vec<Segment>,
    buttons: Vec<Vec<Button>>,
    files: Vec<ReplyFile>,
    caption: bool,
}

impl Reply {
    /// An empty answer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text, on a new line.
    pub fn line(mut self, text: impl Into<Text>) -> Self {
        self.break_line();
        self.more(text)
    }

    /// Adds a text on the same line.
    pub fn more(mut self, text: impl Into<Text>) -> Self {
        for segment in text.into().segments() {
            self.push(segment);
        }
        self
    }

    /// Adds an empty line.
    pub fn gap(mut self) -> Self {
        if !self.segments.is_empty() {
            self.push_text("\n");
        }
        self
    }

    /// Adds program output or a file's content: fixed width, exactly as it is. Nothing for blank text.
    pub fn pre(self, text: &str) -> Self {
        self.pre_in(text, "")
    }

    /// Adds source text of a language (`sh`, `json`); otherwise as [`Reply::pre`].
    pub fn pre_in(mut self, text: &str, language: &str) -> Self {
        let text = text.trim_end().trim_start_matches('\n');
        if !text.is_empty() {
            self.break_line();
            let pre = chat::Pre {
                text: text.to_owned(),
                language: language.to_owned(),
            };
            self.segments.push(Segment {
                kind: Some(segment::Kind::Pre(pre)),
            });
        }
        self
    }

    /// Adds a link, on a new line.
    pub fn link(mut self, title: &str, url: &str) -> Self {
        self.break_line();
        let title = Text::plain(title).shortened(100);
        let title = title.trim();
        self.push(Segment {
            kind: Some(segment::Kind::Link(chat::Link {
                text: if title.is_empty() { url } else { title }.to_owned(),
                url: url.to_owned(),
            })),
        });
        self
    }

    /// Adds a button to the last row; `command` is what it stands for.
    pub fn button(mut self, label: impl Into<Text>, command: impl Into<String>) -> Self {
        let button = Button {
            label: label.into().to_string(),
            command: command.into(),
        };
        match self.buttons.last_mut() {
            Some(row) => row.push(button),
            None => self.buttons.push(vec![button]),
        }
        self
    }

    /// Begins a new row of buttons.
    pub fn row(mut self) -> Self {
        if self.buttons.last().is_some_and(|row| !row.is_empty()) {
            self.buttons.push(Vec::new());
        }
        self
    }

    /// Adds a file.
    pub fn file(mut self, file: ReplyFile) -> Self {
        self.files.push(file);
        self
    }

    /// Adds a picture, with the text so far as its caption. Buttons do not go with a picture.
    pub fn picture(mut self, file: ReplyFile) -> Self {
        self.caption = true;
        self.file(file)
    }

    /// Whether the text is the caption of the file.
    pub fn is_caption(&self) -> bool {
        self.caption
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty() && self.files.is_empty()
    }

    /// The text.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The buttons, row by row, without empty rows.
    pub fn buttons(&self) -> impl Iterator<Item = &[Button]> {
        self.buttons
            .iter()
            .map(Vec::as_slice)
            .filter(|row| !row.is_empty())
    }

    /// The buttons for the chat contract. A command that is too long for a button's data leaves the
    /// data empty: the sender then stores the command and fills in its own short handle.
    pub fn button_rows(&self) -> Vec<chat::ButtonRow> {
        const MOST_DATA: usize = 64;
        let button = |button: &Button| {
            let fits = button.command.len() <= MOST_DATA;
            chat::Button {
                label: button.label.clone(),
                data: if fits {
                    button.command.clone()
                } else {
                    String::new()
                },
                command: button.command.clone(),
            }
        };
        let row = |row: &[Button]| chat::ButtonRow {
            buttons: row.iter().map(button).collect(),
        };
        self.buttons().map(row).collect()
    }

    /// The files.
    pub fn files(&self) -> &[ReplyFile] {
        &self.files
    }

    /// The text and then the buttons as `[label]`, as a person without markup sees it.
    pub fn plain(&self) -> String {
        let mut plain = plain(&self.segments);
        for row in self.buttons() {
            let labels: Vec<_> = row
                .iter()
                .map(|button| format!("[{}]", button.label))
                .collect();
            plain.push('\n');
            plain.push_str(&labels.join(" "));
        }
        plain
    }

    fn break_line(&mut self) {
        if !self.segments.is_empty() {
            self.push_text("\n");
        }
    }

    fn push_text(&mut self, text: &str) {
        self.push(Segment {
            kind: Some(segment::Kind::Text(text.to_owned())),
        });
    }

    /// Neighbouring plain texts become one segment.
    fn push(&mut self, segment: Segment) {
        if let Some(segment::Kind::Text(more)) = &segment.kind
            && let Some(Segment {
                kind: Some(segment::Kind::Text(text)),
            }) = self.segments.last_mut()
        {
            text.push_str(more);
        } else {
            self.segments.push(segment);
        }
    }
}

impl From<Text> for Reply {
    fn from(text: Text) -> Self {
        Self::new().line(text)
    }
}

/// Segments as plain text: code in backticks, output indented by two spaces, links with their address.
pub fn plain(segments: &[Segment]) -> String {
    let mut plain = String::new();
    for segment in segments {
        match &segment.kind {
            Some(
                segment::Kind::Text(text) | segment::Kind::Bold(text) | segment::Kind::Italic(text),
            ) => {
                plain.push_str(text);
            }
            Some(segment::Kind::Code(text)) => {
                plain.push('`');
                plain.push_str(text);
                plain.push('`');
            }
            Some(segment::Kind::Pre(pre)) => {
                let lines: Vec<_> = pre.text.lines().map(|line| format!("  {line}")).collect();
                plain.push_str(&lines.join("\n"));
            }
            Some(segment::Kind::Link(link)) if link.text == link.url => plain.push_str(&link.url),
            Some(segment::Kind::Link(link)) => {
                plain.push_str(&format!("{} ({})", link.text, link.url));
            }
            Some(segment::Kind::Mention(mention)) => plain.push_str(&mention.name),
            None => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_read_well_without_markup() {
        let reply = Reply::new()
            .line(Text::plain("job 1 · exit 0"))
            .more(Text::plain(" · "))
            .more(Text::code("uname"))
            .pre("\nLinux\nbox\n")
            .pre("  \n")
            .button(Text::plain("again"), "again 1")
            .button(Text::plain("log"), "log 1 --file")
            .row()
            .row()
            .button(Text::plain("cancel"), "cancel 1");
        assert_eq!(
            reply.plain(),
            "job 1 · exit 0 · `uname`\n  Linux\n  box\n[again] [log]\n[cancel]"
        );
        assert_eq!(reply.buttons().count(), 2);
        let long = reply
            .clone()
            .button(Text::plain("x"), "y".repeat(65))
            .button_rows();
        let data: Vec<_> = long[1]
            .buttons
            .iter()
            .map(|button| button.data.as_str())
            .collect();
        assert_eq!(data, ["cancel 1", ""]);
        assert_eq!(reply.segments().len(), 4);
        assert!(Reply::new().is_empty() && !reply.is_empty());
    }

    #[test]
    fn gaps_and_lines() {
        let text = |text| Text::plain(text);
        let reply = Reply::new().gap().line(text("a")).gap().line(text("b"));
        assert_eq!(reply.plain(), "a\n\nb");
    }
}
