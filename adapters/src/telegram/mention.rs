//! `@botname` in a text.

/// A text without its mentions of us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) text: String,
    /// We were mentioned.
    pub(super) is_addressed: bool,
}

/// Takes our name out of a text; `None` when it is a command for another bot (`/help@other_bot`).
pub(super) fn read(text: &str, name: &str) -> Option<Read> {
    if let Some(command) = text.strip_prefix('/') {
        let end = command.find(char::is_whitespace).unwrap_or(command.len());
        if let Some((command_name, target)) = command[..end].split_once('@') {
            if !target.eq_ignore_ascii_case(name) {
                return None;
            }
            let text = format!("/{command_name}{}", &command[end..]);
            return Some(Read {
                text,
                is_addressed: true,
            });
        }
    }
    Some(cut(text, name))
}

/// Cuts every whole `@name`, with one of the spaces around it.
fn cut(text: &str, name: &str) -> Read {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut is_addressed = false;
    while let Some(at) = rest.find('@') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let after = &after[1..];
        let is_whole = after.get(..name.len()).is_some_and(|word| word.eq_ignore_ascii_case(name))
            && !after[name.len()..].starts_with(is_name_character)
            // `ann@botname` is an address, not a mention.
            && !out.ends_with(is_name_character);
        if is_whole && !name.is_empty() {
            is_addressed = true;
            rest = &after[name.len()..];
            if out.is_empty() || out.ends_with(char::is_whitespace) {
                rest = rest
                    .strip_prefix([' ', ',', ':', '，', '：'])
                    .unwrap_or(rest);
                rest = if out.is_empty() {
                    rest.trim_start()
                } else {
                    rest
                };
            }
        } else {
            out.push('@');
            rest = after;
        }
    }
    out.push_str(rest);
    if is_addressed {
        out.truncate(out.trim_end().len());
    }
    Read {
        text: out,
        is_addressed,
    }
}

fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::read;

    #[test]
    fn our_name_is_cut_and_others_stay() {
        for (text, wanted, is_addressed) in [
            ("hello", "hello", false),
            ("/help@Jarvis_Bot run", "/help run", true),
            ("/help@jarvis_bot", "/help", true),
            ("/help run", "/help run", false),
            ("@jarvis_bot nodes", "nodes", true),
            ("@JARVIS_BOT, nodes", "nodes", true),
            ("nodes @jarvis_bot", "nodes", true),
            ("ask @jarvis_bot about it", "ask about it", true),
            ("@jarvis_bot2 hi", "@jarvis_bot2 hi", false),
            ("ann@jarvis_bot", "ann@jarvis_bot", false),
            ("@ann hi", "@ann hi", false),
            ("今晚@jarvis_bot 看看", "今晚 看看", true),
            ("@jarvis_bot", "", true),
        ] {
            let Some(found) = read(text, "jarvis_bot") else {
                panic!("{text}")
            };
            assert_eq!(
                (found.text.as_str(), found.is_addressed),
                (wanted, is_addressed),
                "{text}"
            );
        }
        assert_eq!(read("/help@other_bot run", "jarvis_bot"), None);
    }

    proptest! {
        #[test]
        fn no_text_panics_and_no_mention_is_left(text in "[@ /a-cé今_]{0,30}") {
            if let Some(found) = read(&text, "ab") {
                prop_assert!(found.text.len() <= text.len());
            }
        }
    }
}
