//! The XML of callbacks: small, flat, and from outside.
//!
//! No document type, no entities beyond the five that XML itself has, no processing instructions; depth
//! and count are limited, and the caller limits the size. Nothing may stand twice beside each other at the
//! top, so that no reader takes the other one.

use std::fmt::Write as _;

use quick_xml::events::Event;
use quick_xml::reader::Reader;

/// Elements inside each other.
const DEEPEST: usize = 8;
/// Elements in all.
const MOST: usize = 512;

/// Why a text is not read. Says nothing of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("it is not UTF-8")]
    Encoding,
    #[error("it is not well-formed XML")]
    Form,
    #[error("it has a document type, an entity of its own, or a processing instruction")]
    Forbidden,
    #[error("it has too many elements, or too many inside each other")]
    TooLarge,
    #[error("one of its elements stands there twice")]
    Twice,
    #[error("it is not an `xml` element")]
    Root,
}

/// An element with what stands in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Element {
    name: String,
    /// Text and CDATA, joined.
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// Reads a whole document.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let text = std::str::from_utf8(bytes).map_err(|_| Unreadable::Encoding)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let root = tree(text)?;
        if root.name != "xml" {
            return Err(Unreadable::Root);
        }
        for (at, child) in root.children.iter().enumerate() {
            if root.children[..at].iter().any(|one| one.name == child.name) {
                return Err(Unreadable::Twice);
            }
        }
        Ok(root)
    }

    /// The child of this name.
    fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// What stands in the child of this name; `None` when there is no such child or nothing in it.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let text = self.child(name)?.text.as_str();
        (!text.is_empty()).then_some(text)
    }
}

fn tree(text: &str) -> Result<Element, Unreadable> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let mut count = 0;
    loop {
        let event = reader.read_event().map_err(|_| Unreadable::Form)?;
        match event {
            Event::Start(ref start) | Event::Empty(ref start) => {
                count += 1;
                if open.len() >= DEEPEST || count > MOST {
                    return Err(Unreadable::TooLarge);
                }
                if root.is_some() {
                    return Err(Unreadable::Form);
                }
                open.push(Element {
                    name: start.name().as_ref().to_owned(),
                    ..Element::default()
                });
                if matches!(event, Event::Empty(_)) {
                    close(&mut open, &mut root);
                }
            }
            Event::End(_) => close(&mut open, &mut root),
            Event::Text(text) => add(&mut open, &text)?,
            Event::CData(text) => match open.last_mut() {
                Some(element) => element.text.push_str(&text),
                None => return Err(Unreadable::Form),
            },
            Event::GeneralRef(reference) => {
                let character = match reference.resolve_char_ref() {
                    Ok(Some(character)) => character,
                    Ok(None) => predefined(&reference)?,
                    Err(_) => return Err(Unreadable::Form),
                };
                add(&mut open, character.encode_utf8(&mut [0; 4]))?;
            }
            Event::Decl(_) if root.is_none() && open.is_empty() => {}
            Event::Comment(_) => {}
            Event::Decl(_) | Event::PI(_) | Event::DocType(_) => return Err(Unreadable::Forbidden),
            Event::Eof => break,
        }
    }
    root.filter(|_| open.is_empty()).ok_or(Unreadable::Form)
}

/// The entities that XML itself has.
fn predefined(name: &str) -> Result<char, Unreadable> {
    match name {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        _ => Err(Unreadable::Forbidden),
    }
}

/// Text between elements is layout; outside of the document there is none.
fn add(open: &mut [Element], text: &str) -> Result<(), Unreadable> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err(Unreadable::Form),
    }
    Ok(())
}

fn close(open: &mut Vec<Element>, root: &mut Option<Element>) {
    let Some(mut done) = open.pop() else { return };
    if !done.children.is_empty() {
        done.text.clear();
    }
    match open.last_mut() {
        Some(parent) => parent.children.push(done),
        None => *root = Some(done),
    }
}

/// Adds an element whose text may hold anything.
pub(super) fn put(out: &mut String, name: &str, text: &str) {
    // A CDATA section cannot hold its own end: that is cut in two.
    let text = text.replace("]]>", "]]]]><![CDATA[>");
    let _ = write!(out, "<{name}><![CDATA[{text}]]></{name}>");
}

/// Adds an element with a number.
pub(super) fn put_number(out: &mut String, name: &str, number: i64) {
    let _ = write!(out, "<{name}>{number}</{name}>");
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn refusal(text: &str) -> Unreadable {
        Element::read(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_message_is_read() {
        let read = Element::read(
            "\u{feff}<?xml version=\"1.0\"?>\n<xml>\n <ToUserName><![CDATA[ww1]]></ToUserName>\n \
             <Content><![CDATA[a ]]]]><![CDATA[> b]]> &lt;&amp;&#x4e2d;</Content>\n<Empty/><MsgId>7</MsgId>\
             <Info><Item><Id>1</Id></Item><Item><Id>2</Id></Item></Info></xml>\n"
                .as_bytes(),
        )
        .unwrap();
        assert_eq!(read.text("ToUserName"), Some("ww1"));
        assert_eq!(read.text("Content"), Some("a ]]> b <&中"));
        assert_eq!(read.text("Empty"), None);
        assert_eq!(read.text("Nothing"), None);
        assert_eq!(read.text("MsgId"), Some("7"));
        // Only at the top is something read that could stand there twice.
        assert_eq!(read.text("Info"), None);
    }

    #[test]
    fn what_callbacks_never_hold_is_refused() {
        for (text, why) in [
            ("<!DOCTYPE xml><xml><a>1</a></xml>", Unreadable::Forbidden),
            (
                "<!DOCTYPE xml [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><xml><a>&e;</a></xml>",
                Unreadable::Forbidden,
            ),
            ("<xml><a>&e;</a></xml>", Unreadable::Forbidden),
            ("<xml><?php 1 ?><a>1</a></xml>", Unreadable::Forbidden),
            ("<xml><a>1</a><a>2</a></xml>", Unreadable::Twice),
            ("<xml><a>1</b></xml>", Unreadable::Form),
            ("<xml><a>1</a></xml><xml/>", Unreadable::Form),
            ("<xml><a>1</a></xml>x", Unreadable::Form),
            ("<xml><a>1</a>", Unreadable::Form),
            ("<xml><a><![CDATA[1</a></xml>", Unreadable::Form),
            ("<xml><a>&#0;</a></xml>", Unreadable::Form),
            ("<html/>", Unreadable::Root),
            ("", Unreadable::Form),
            ("{\"a\":1}", Unreadable::Form),
        ] {
            assert_eq!(refusal(text), why, "{text}");
        }
        assert_eq!(Element::read(b"<xml>\xff</xml>"), Err(Unreadable::Encoding));
        let deep = format!("<xml>{}{}</xml>", "<a>".repeat(9), "</a>".repeat(9));
        assert_eq!(refusal(&deep), Unreadable::TooLarge);
        let many = format!("<xml><a>{}</a></xml>", "<b/>".repeat(MOST));
        assert_eq!(refusal(&many), Unreadable::TooLarge);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(text in "[\\]>\\[<&a中😀!CDAT \\n]{0,60}") {
            let mut out = "<xml>".to_owned();
            put(&mut out, "Content", &text);
            out.push_str("</xml>");
            let read = Element::read(out.as_bytes()).unwrap();
            prop_assert_eq!(read.text("Content").unwrap_or_default(), text);
        }

        #[test]
        fn no_bytes_are_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Element::read(&bytes);
        }
    }
}
