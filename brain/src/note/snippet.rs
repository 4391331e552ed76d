//! The place of a note that shows why it was found, with the words that were looked for in bold.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::fold::Folded;
use super::places::places;
use super::query::Query;
use crate::text::Text;

/// Characters that a snippet shows.
const LONG: usize = 90;
/// Of those, how many may stand before the first found word.
const BEFORE: usize = 20;
/// Characters of a note that are looked at.
const READ: usize = 50_000;

/// One line about a note; the beginning when no word of the query stands there.
pub(crate) fn snippet(text: &str, query: &Query) -> Text {
    let text = &text[..end_of(text, READ)];
    let found = places(&Folded::new(text), query);
    // What people see as one character is never cut, such as a family of four.
    let borders: Vec<usize> = text
        .grapheme_indices(true)
        .map(|(at, _)| at)
        .chain([text.len()])
        .collect();
    let first = found.first().map_or(0, |place| place.start);
    let first = borders.partition_point(|border| *border <= first).max(1) - 1;
    let start = first.saturating_sub(BEFORE);
    let end = (start + LONG).min(borders.len() - 1);
    let (start, end) = (borders[start], borders[end]);
    let mut pieces = Vec::new();
    if start > 0 {
        pieces.push(Text::plain("…"));
    }
    let mut at = start;
    for place in found {
        let place = whole(&borders, &place);
        let place = place.start..place.end.min(end);
        if place.start < at || place.is_empty() {
            continue;
        }
        pieces.push(Text::plain(&one_line(&text[at..place.start])));
        pieces.push(Text::bold(&one_line(&text[place.clone()])));
        at = place.end;
    }
    pieces.push(Text::plain(&one_line(&text[at..end])));
    if end < text.len() {
        pieces.push(Text::plain("…"));
    }
    Text::join(pieces, "")
}

/// Whether the text shows why it was found.
pub(crate) fn shows(text: &str, query: &Query) -> bool {
    !places(&Folded::new(&text[..end_of(text, READ)]), query).is_empty()
}

/// A place, widened to whole characters.
fn whole(borders: &[usize], place: &Range<usize>) -> Range<usize> {
    let start = borders.partition_point(|border| *border <= place.start);
    let end = borders.partition_point(|border| *border < place.end);
    borders[start.max(1) - 1]..borders[end.min(borders.len() - 1)]
}

/// Where a text ends after so many characters.
fn end_of(text: &str, characters: usize) -> usize {
    let mut indices = text.char_indices();
    indices.nth(characters).map_or(text.len(), |(at, _)| at)
}

/// Without what breaks a line or turns its direction.
fn one_line(text: &str) -> String {
    let turns = |c: &char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let text = text.chars().filter(|c| !turns(c));
    text.map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use jarvis_proto::chat::segment::Kind;
    use proptest::prelude::*;

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
    fn words_found_in_another_spelling_are_marked() {
        for (text, query, shown) in [
            ("先重启服务器再看日志", "fwq", "先重启[服务器]再看日志"),
            ("先重启服务器再看日志", "fuwuqi", "先重启[服务器]再看日志"),
            ("先重啟服務器再看日誌", "fuwuqi", "先重啟[服務器]再看日誌"),
            (
                "先重启服务器再看日志",
                "chongqifuwuqi",
                "先[重启服务器]再看日志",
            ),
            ("restart nginx first", "ngnix", "restart [nginx] first"),
            (
                "restart ＮＧＩＮＸ first",
                "ngnix",
                "restart [ＮＧＩＮＸ] first",
            ),
            ("this is it", "is", "this [is] it"),
            ("on web12 and web", "web", "on [web]12 and [web]"),
            ("connections refused", "conn*", "[connections] refused"),
            (
                "connection  refused",
                "\"connection refused\"",
                "[connection]  [refused]",
            ),
            ("nginx 服务器", "nginx -web", "[nginx] 服务器"),
        ] {
            assert_eq!(marked(text, query), shown, "{query}");
        }
    }

    #[test]
    fn what_looks_like_one_character_is_not_cut() {
        let family = "👨\u{200d}👩\u{200d}👧\u{200d}👦";
        for one in [family, "🇨🇳", "e\u{301}", "👍🏽", "字"] {
            for before in 0..60 {
                let text = format!("{} nginx {}", one.repeat(before), one.repeat(120));
                let shown = marked(&text, "nginx");
                let rest = shown.replace(one, "").replace("[nginx]", "");
                assert!(
                    rest.chars().all(|c| "… ".contains(c)),
                    "{one} {before}: {shown}"
                );
            }
        }
        // A mark does not cut one either.
        assert_eq!(
            marked("cafe\u{301} au lait", "café"),
            "[cafe\u{301}] au lait"
        );
    }

    proptest! {
        #[test]
        fn any_text_gives_a_line(text in any::<String>(), query in any::<String>()) {
            for query in [&query, &text] {
                let shown = marked(&text, query);
                prop_assert!(!shown.contains(char::is_control));
            }
        }
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
