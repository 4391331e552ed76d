//! The place of a note that shows why it was found, with the words that were looked for in bold.

use std::ops::Range;

use super::fold::Folded;
use super::query::Query;
use super::tokenizer;
use crate::text::Text;

/// Characters that a snippet shows.
const LONG: usize = 90;
/// Of those, how many may stand before the first found word.
const BEFORE: usize = 20;
/// Characters of a note that are looked at.
const READ: usize = 50_000;

/// One line about a note; the beginning when no word of the query stands there as it was typed.
pub(crate) fn snippet(text: &str, query: &Query) -> Text {
    let end = text
        .char_indices()
        .nth(READ)
        .map_or(text.len(), |(at, _)| at);
    let text = &text[..end];
    let folded = Folded::new(text);
    let found = places(&folded, query);
    let first = found.first().map_or(0, |place| place.start);
    let before = text[..first].chars().count();
    let start = if before <= BEFORE {
        0
    } else {
        text[..first]
            .char_indices()
            .rev()
            .nth(BEFORE - 1)
            .map_or(0, |(at, _)| at)
    };
    let end = text[start..]
        .char_indices()
        .nth(LONG)
        .map_or(text.len(), |(at, _)| start + at);
    let mut pieces = Vec::new();
    if start > 0 {
        pieces.push(Text::plain("…"));
    }
    let mut at = start;
    for place in found {
        if place.start < at || place.end > end {
            continue;
        }
        pieces.push(one_line(&text[at..place.start]));
        pieces.push(Text::bold(&tame(&text[place.clone()])));
        at = place.end;
    }
    pieces.push(one_line(&text[at..end]));
    if end < text.len() {
        pieces.push(Text::plain("…"));
    }
    Text::join(pieces, "")
}

/// Whether words of the query stand in the text as they were typed.
pub(crate) fn shows(text: &str, query: &Query) -> bool {
    let end = text
        .char_indices()
        .nth(READ)
        .map_or(text.len(), |(at, _)| at);
    !places(&Folded::new(&text[..end]), query).is_empty()
}

fn one_line(text: &str) -> Text {
    Text::plain(&tame(text))
}

/// Without what breaks a line or turns its direction.
fn tame(text: &str) -> String {
    let turns = |c: &char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let text = text.chars().filter(|c| !turns(c));
    text.map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Where words of the query stand in the original text, in order and apart from each other.
fn places(folded: &Folded, query: &Query) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    for mark in query.marks() {
        let whole = places_of(folded, &mark);
        if whole.is_empty() {
            for word in tokenizer::words(&mark) {
                if word.chars().count() > 1 {
                    places.extend(places_of(folded, word));
                }
            }
        }
        places.extend(whole);
    }
    places.sort_by_key(|place| (place.start, std::cmp::Reverse(place.end)));
    let mut end = 0;
    places.retain(|place| {
        let is_apart = place.start >= end && place.start < place.end;
        if is_apart {
            end = place.end;
        }
        is_apart
    });
    places
}

fn places_of(folded: &Folded, word: &str) -> Vec<Range<usize>> {
    if word.is_empty() {
        return Vec::new();
    }
    folded
        .text()
        .match_indices(word)
        .map(|(at, _)| folded.original(at..at + word.len()))
        .collect()
}

#[cfg(test)]
mod tests {
    use jarvis_proto::chat::segment::Kind;

    use super::*;

    fn marked(text: &str, query: &str) -> String {
        let segments = snippet(text, &Query::parse(query)).segments();
        let shown = segments.into_iter().map(|segment| match segment.kind {
            Some(Kind::Bold(text)) => format!("[{text}]"),
            Some(Kind::Text(text)) => text,
            other => format!("{other:?}"),
        });
        shown.collect()
    }

    #[test]
    fn found_words_are_marked_as_they_were_written() {
        assert_eq!(
            marked("重啟 NGINX 之前", "重启 nginx"),
            "[重啟] [NGINX] 之前"
        );
        assert_eq!(marked("a\nb", "zzz"), "a b");
        assert_eq!(
            marked("网关要先重启服务", "网关重启"),
            "[网关]要先[重启]服务"
        );
    }

    #[test]
    fn long_notes_show_the_place() {
        let long = format!("{} nginx {}", "x ".repeat(100), "y ".repeat(100));
        let shown = marked(&long, "nginx");
        assert!(shown.starts_with('…') && shown.ends_with('…'), "{shown}");
        assert!(shown.contains("[nginx]"), "{shown}");
        assert!(shown.chars().count() <= LONG + 6, "{shown}");
    }
}
