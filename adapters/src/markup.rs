//! Rendering the segments of a text.

pub(crate) mod markdown;

use std::fmt::Write;

use jarvis_proto::chat::segment::Kind;
use jarvis_proto::chat::{ButtonRow, Segment};

/// How a run of text looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Style {
    /// As it is.
    Plain,
    /// Bold.
    Bold,
    /// Italic.
    Italic,
    /// Code inside a line.
    Code,
    /// A block of code.
    Block {
        /// Its language; may be empty.
        language: String,
    },
    /// A link.
    Link {
        /// Where it leads.
        url: String,
    },
    /// A person's name.
    Mention {
        /// The person's id on the platform.
        person: String,
    },
}

/// A piece of text in one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// How it looks.
    pub style: Style,
    /// What the reader sees.
    pub text: String,
}

/// The segments as runs, empty ones left out.
#[must_use]
pub fn runs(segments: &[Segment]) -> Vec<Run> {
    segments
        .iter()
        .filter_map(run)
        .filter(|run| !run.text.is_empty())
        .collect()
}

fn run(segment: &Segment) -> Option<Run> {
    let (style, text) = match segment.kind.as_ref()? {
        Kind::Text(text) => (Style::Plain, text),
        Kind::Bold(text) => (Style::Bold, text),
        Kind::Italic(text) => (Style::Italic, text),
        Kind::Code(text) => (Style::Code, text),
        Kind::Pre(pre) => (
            Style::Block {
                language: pre.language.clone(),
            },
            &pre.text,
        ),
        Kind::Link(link) => {
            let text = if link.text.is_empty() {
                &link.url
            } else {
                &link.text
            };
            (
                Style::Link {
                    url: link.url.clone(),
                },
                text,
            )
        }
        Kind::Mention(mention) => (
            Style::Mention {
                person: mention.person.clone(),
            },
            &mention.name,
        ),
    };
    Some(Run {
        style,
        text: text.clone(),
    })
}

/// What the reader sees, without looks.
#[must_use]
pub fn visible(runs: &[Run]) -> String {
    runs.iter().map(|run| run.text.as_str()).collect()
}

/// Text for where there is no markup: a link shows where it leads.
#[must_use]
pub fn plain(segments: &[Segment]) -> String {
    let mut out = String::new();
    for run in runs(segments) {
        out.push_str(&run.text);
        if let Style::Link { url } = &run.style
            && *url != run.text
        {
            let _ = write!(out, " ({url})");
        }
    }
    out
}

/// Buttons for where there are none: one line each, with the command to type.
#[must_use]
pub fn buttons_as_text(rows: &[ButtonRow]) -> String {
    let mut out = String::new();
    for button in rows.iter().flat_map(|row| &row.buttons) {
        if button.command.is_empty() || button.command == button.label {
            let _ = write!(out, "\n  [{}]", button.label);
        } else {
            let _ = write!(out, "\n  [{}] {}", button.label, button.command);
        }
    }
    out
}

/// HTML with the few tags that chat platforms know. `mention` gives the link to a person.
#[must_use]
pub fn html(runs: &[Run], mention: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    for run in runs {
        let text = escape(&run.text);
        // Writing to a `String` cannot fail.
        let _ = match &run.style {
            Style::Plain => write!(out, "{text}"),
            Style::Bold => write!(out, "<b>{text}</b>"),
            Style::Italic => write!(out, "<i>{text}</i>"),
            Style::Code => write!(out, "<code>{text}</code>"),
            Style::Block { language } if language.is_empty() => write!(out, "<pre>{text}</pre>"),
            Style::Block { language } => {
                let language = escape(language);
                write!(
                    out,
                    "<pre><code class=\"language-{language}\">{text}</code></pre>"
                )
            }
            Style::Link { url } => write!(out, "<a href=\"{}\">{text}</a>", escape(url)),
            Style::Mention { person } => {
                write!(out, "<a href=\"{}\">{text}</a>", escape(&mention(person)))
            }
        };
    }
    out
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use jarvis_proto::chat::{Button, Link, Mention, Pre};
    use proptest::prelude::*;

    use super::*;

    fn segment(kind: Kind) -> Segment {
        Segment { kind: Some(kind) }
    }

    fn sample() -> Vec<Segment> {
        vec![
            segment(Kind::Text("a < b & ".into())),
            segment(Kind::Bold("bold".into())),
            segment(Kind::Italic(String::new())),
            segment(Kind::Code("x>1".into())),
            segment(Kind::Pre(Pre {
                text: "let a;\n".into(),
                language: "rust".into(),
            })),
            segment(Kind::Link(Link {
                text: "docs".into(),
                url: "https://e.x/?a=\"1\"".into(),
            })),
            segment(Kind::Mention(Mention {
                person: "7".into(),
                name: "Ann".into(),
            })),
        ]
    }

    #[test]
    fn html_escapes_text_and_attributes() {
        assert_eq!(
            html(&runs(&sample()), |person| format!("tg://user?id={person}")),
            "a &lt; b &amp; <b>bold</b><code>x&gt;1</code>\
             <pre><code class=\"language-rust\">let a;\n</code></pre>\
             <a href=\"https://e.x/?a=&quot;1&quot;\">docs</a><a href=\"tg://user?id=7\">Ann</a>"
        );
    }

    #[test]
    fn plain_shows_where_links_lead() {
        assert_eq!(
            plain(&sample()),
            "a < b & boldx>1let a;\ndocs (https://e.x/?a=\"1\")Ann"
        );
        let bare = [segment(Kind::Link(Link {
            text: String::new(),
            url: "https://e.x".into(),
        }))];
        assert_eq!(plain(&bare), "https://e.x");
    }

    #[test]
    fn buttons_become_lines_to_type() {
        let button = |label: &str, command: &str| Button {
            label: label.into(),
            command: command.into(),
            ..Button::default()
        };
        let rows = [ButtonRow {
            buttons: vec![button("cancel", "cancel 42"), button("yes", "yes")],
        }];
        assert_eq!(buttons_as_text(&rows), "\n  [cancel] cancel 42\n  [yes]");
    }

    proptest! {
        #[test]
        fn no_text_opens_a_tag(text in "\\PC{0,60}") {
            let shown = html(&runs(&[segment(Kind::Bold(text.clone()))]), str::to_owned);
            let tags = if text.is_empty() { 0 } else { 2 };
            prop_assert_eq!(shown.matches('<').count(), tags);
        }
    }
}
