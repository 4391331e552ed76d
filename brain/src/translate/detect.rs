//! In which language a line is written.
//!
//! The letters decide where they can; between languages that share letters, trigrams do, and the
//! languages of the room count for more than all others: a word or two tell little.

use whatlang::Detector;

use super::tongue::{Script, Tongue};

/// A text that is longer is trusted to be in a language that nobody named, if the guess is sure.
const SURE_LENGTH: usize = 24;
/// A shorter text tells less than what its author usually writes.
const SHORT_LENGTH: usize = 12;

/// How much of a text is in which letters.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Letters {
    pub(super) han: usize,
    kana: usize,
    hangul: usize,
    pub(super) latin_words: usize,
    cyrillic_words: usize,
    arabic_words: usize,
    devanagari_words: usize,
    other: usize,
}

/// The letters of one character; `None` for what is no letter.
pub(super) fn script_of(c: char) -> Option<Script> {
    Some(match u32::from(c) {
        0x3040..=0x30FF | 0x31F0..=0x31FF | 0xFF66..=0xFF9D => Script::Kana,
        0x2E80..=0x2FDF
        | 0x3400..=0x4DBF
        | 0x4E00..=0x9FFF
        | 0xF900..=0xFAFF
        | 0x20000..=0x323AF => Script::Han,
        0x1100..=0x11FF | 0x3130..=0x318F | 0xA960..=0xA97F | 0xAC00..=0xD7FF => Script::Hangul,
        0x0400..=0x052F => Script::Cyrillic,
        0x0600..=0x06FF | 0x0750..=0x077F | 0xFB50..=0xFDFF | 0xFE70..=0xFEFF
            if c.is_alphabetic() =>
        {
            Script::Arabic
        }
        0x0900..=0x097F => Script::Devanagari,
        0x0041..=0x024F | 0x1E00..=0x1EFF if c.is_alphabetic() => Script::Latin,
        _ if c.is_alphabetic() => Script::Other,
        _ => return None,
    })
}

/// Counts the letters of a text.
pub(super) fn letters(text: &str) -> Letters {
    let mut letters = Letters::default();
    let mut before = None;
    for c in text.chars() {
        let script = script_of(c);
        let begins = script != before;
        match script {
            Some(Script::Han) => letters.han += 1,
            Some(Script::Kana) => letters.kana += 1,
            Some(Script::Hangul) => letters.hangul += 1,
            Some(Script::Latin) if begins => letters.latin_words += 1,
            Some(Script::Cyrillic) if begins => letters.cyrillic_words += 1,
            Some(Script::Arabic) if begins => letters.arabic_words += 1,
            Some(Script::Devanagari) if begins => letters.devanagari_words += 1,
            Some(Script::Other) => letters.other += 1,
            _ => {}
        }
        // An apostrophe does not begin a new word.
        if !matches!(c, '\'' | '’') {
            before = script;
        }
    }
    letters
}

impl Letters {
    /// Whether there is anything to read.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The letters that most of it is in.
    fn script(&self) -> Script {
        let all = [
            // Most words have two of them.
            ((self.han + self.kana).div_ceil(2), Script::Han),
            (self.hangul, Script::Hangul),
            (self.latin_words, Script::Latin),
            (self.cyrillic_words, Script::Cyrillic),
            (self.arabic_words, Script::Arabic),
            (self.devanagari_words, Script::Devanagari),
            (self.other, Script::Other),
        ];
        let most = all.iter().map(|(count, _)| *count).max().unwrap_or(0);
        let first = all.iter().find(|(count, _)| *count == most);
        match first.map_or(Script::Latin, |(_, script)| *script) {
            // Japanese is never without its syllables for long.
            Script::Han if self.kana * 8 >= self.han => Script::Kana,
            script => script,
        }
    }
}

/// The language of a line of words; `None` when there are none. `among` are the languages of the room,
/// `hint` is what the author usually writes.
pub(super) fn detect(text: &str, among: &[Tongue], hint: Option<Tongue>) -> Option<Tongue> {
    let letters = letters(text);
    if letters.is_empty() {
        return None;
    }
    let script = letters.script();
    Some(match script {
        Script::Kana => Tongue::JA,
        Script::Hangul => Tongue::KO,
        Script::Han => han(text, among),
        script => by_trigrams(text, script, among, hint),
    })
}

/// Characters alone: Chinese, unless the room speaks Japanese and no Chinese.
fn han(text: &str, among: &[Tongue]) -> Tongue {
    let has = |tongue| among.contains(&tongue);
    match (has(Tongue::ZH), has(Tongue::HANT)) {
        (true, false) => Tongue::ZH,
        (false, false) if has(Tongue::JA) => Tongue::JA,
        (false, true) => Tongue::HANT,
        _ if hanconv::t2s(text) != text && hanconv::s2t(text) == text => Tongue::HANT,
        _ => Tongue::ZH,
    }
}

fn by_trigrams(text: &str, script: Script, among: &[Tongue], hint: Option<Tongue>) -> Tongue {
    let fitting: Vec<Tongue> = among
        .iter()
        .copied()
        .filter(|tongue| tongue.script() == script)
        .collect();
    let length = text.chars().filter(|c| c.is_alphabetic()).count();
    let free = whatlang::detect(text);
    if let Some(found) = &free
        && length >= SURE_LENGTH
        && found.is_reliable()
        && let Some(tongue) = Tongue::of_lang(found.lang())
        && tongue.script() == script
    {
        return tongue;
    }
    let hint = hint.filter(|hint| fitting.contains(hint));
    match (fitting.as_slice(), hint) {
        ([only], _) => *only,
        ([], _) => free
            .and_then(|found| Tongue::of_lang(found.lang()))
            .filter(|tongue| tongue.script() == script && script != Script::Latin)
            .unwrap_or(fallback(script)),
        (_, Some(hint)) if length < SHORT_LENGTH => hint,
        (several, hint) => {
            let langs = several.iter().map(|tongue| tongue.lang()).collect();
            let found = Detector::with_allowlist(langs).detect(text);
            let sure = found.filter(|found| found.confidence() > 0.2 || hint.is_none());
            sure.and_then(|found| Tongue::of_lang(found.lang()))
                .or(hint)
                .unwrap_or(several[0])
        }
    }
}

/// The most likely language of letters when nothing else is known.
fn fallback(script: Script) -> Tongue {
    Tongue::all()
        .find(|tongue| tongue.script() == script)
        .unwrap_or(Tongue::EN)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn tongues(codes: &str) -> Vec<Tongue> {
        codes
            .split_whitespace()
            .map(|code| code.parse().unwrap())
            .collect()
    }

    #[test]
    fn lines_are_told_apart() {
        for (text, among, code) in [
            ("服务器重启好了吗？", "zh en", "zh"),
            ("请重启 nginx 然后 check 一下 log", "zh en", "zh"),
            ("Did the server come back?", "zh en", "en"),
            ("ok", "zh en", "en"),
            ("haha", "zh es", "es"),
            ("サーバーは再起動しましたか", "zh en ja", "ja"),
            ("東京都", "en ja", "ja"),
            ("서버가 다시 시작됐나요", "en ko", "ko"),
            ("The server is down again", "en es", "en"),
            ("El servidor está caído otra vez", "en es", "es"),
            ("¿Dónde está la biblioteca?", "en es", "es"),
            ("Where is the library?", "en es", "en"),
            ("Сервер снова не работает", "zh ru", "ru"),
            (
                "Le serveur ne répond plus depuis ce matin et je ne sais pas pourquoi",
                "zh en",
                "fr",
            ),
            ("這個伺服器壞了", "zh zh-Hant en", "zh-Hant"),
            ("这个服务器坏了", "zh zh-Hant en", "zh"),
        ] {
            let found = detect(text, &tongues(among), None).unwrap();
            assert_eq!(found.code(), code, "{text}");
        }
        assert_eq!(detect("123 !!! 🎉", &tongues("zh en"), None), None);
    }

    #[test]
    fn a_short_word_is_what_its_author_writes() {
        let among = tongues("en es");
        for code in ["en", "es"] {
            let hint: Tongue = code.parse().unwrap();
            assert_eq!(detect("no", &among, Some(hint)), Some(hint));
        }
    }
}
