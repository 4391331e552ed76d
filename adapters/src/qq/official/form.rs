//! The forms that a message can take, the best one first, and the ways on which it can go.

use serde_json::{Value, json};

use super::outbound;
use super::replies::{Origin, Slot};
use crate::markup;

/// Text, markdown and files, in the platform's numbers.
const TEXT: u8 = 0;
const MARKDOWN: u8 = 2;
const MEDIA: u8 = 7;

/// How a message reaches the room.
pub(super) enum Way {
    Reply(Slot),
    Unasked,
}

/// What a message shows.
#[derive(Clone)]
pub(super) struct Form {
    pub(super) what: What,
    pub(super) keyboard: Option<Value>,
    /// The buttons for where there are none.
    pub(super) choices: String,
}

#[derive(Clone)]
pub(super) enum What {
    Text { text: String },
    Markdown { markdown: String, plain: String },
    File { file_info: String },
}

impl Way {
    /// Names in a message what it answers.
    pub(super) fn name_in(&self, body: &mut Value) {
        if let Self::Reply(slot) = self {
            match &slot.origin {
                Origin::Message(id) => body["msg_id"] = json!(id),
                Origin::Event(id) => body["event_id"] = json!(id),
            }
            body["msg_seq"] = json!(slot.number);
        }
    }
}

impl Form {
    pub(super) fn is_markdown(&self) -> bool {
        matches!(self.what, What::Markdown { .. })
    }

    pub(super) fn body(&self, way: &Way) -> Value {
        let mut body = match &self.what {
            What::Text { text } => json!({ "msg_type": TEXT, "content": text }),
            What::Markdown { markdown, .. } => {
                json!({ "msg_type": MARKDOWN, "markdown": { "content": markdown } })
            }
            What::File { file_info } => json!({
                "msg_type": MEDIA,
                "content": " ",
                "media": { "file_info": file_info },
            }),
        };
        if let Some(keyboard) = &self.keyboard {
            body["keyboard"] = keyboard.clone();
        }
        way.name_in(&mut body);
        body
    }

    /// Buttons become lines to type.
    pub(super) fn without_buttons(mut self) -> Self {
        self.keyboard = None;
        let choices = std::mem::take(&mut self.choices);
        match &mut self.what {
            What::Text { text } => text.push_str(&choices),
            What::Markdown { markdown, plain } => {
                plain.push_str(&choices);
                markdown.push_str(&markup::markdown::markdown(&[markup::Run {
                    style: markup::Style::Plain,
                    text: choices,
                }]));
            }
            What::File { .. } => {}
        }
        self
    }

    pub(super) fn without_markdown(mut self) -> Self {
        if let What::Markdown { plain, .. } = self.what {
            self.what = What::Text { text: plain };
        }
        self
    }

    pub(super) fn without_links(mut self) -> Self {
        match &mut self.what {
            What::Text { text } => *text = outbound::without_links(text),
            What::Markdown { markdown, plain } => {
                *markdown = outbound::without_links(markdown);
                *plain = outbound::without_links(plain);
            }
            What::File { .. } => {}
        }
        self
    }
}
