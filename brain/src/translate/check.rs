//! Whether what an engine gave is a translation at all, and how far a meaning has drifted.

use std::collections::HashMap;

use super::detect::letters;
use super::pieces::can_be;
use super::tongue::Tongue;

/// A translation may be so many times as long as its original, both in weighed characters …
const LONGEST: usize = 6;
/// … and so many characters more, for short texts.
const SLACK: usize = 60;
/// Below this likeness, a text that was translated back may be misread.
const ALIKE: f64 = 0.45;

/// What engines get wrong and can be put right: entities of HTML, and blanks around the text.
pub(super) fn clean(original: &str, answer: &str) -> String {
    let answer = answer.trim();
    let has_entity = |text: &str| text.contains('&') && text.contains(';');
    if has_entity(answer)
        && !has_entity(original)
        && let Ok(decoded) = htmlescape::decode_html(answer)
    {
        return decoded;
    }
    answer.to_owned()
}

/// Whether an answer can be a translation of a text.
///
/// # Errors
/// Why it cannot.
pub(super) fn is_translation(original: &str, answer: &str, to: Tongue) -> Result<(), &'static str> {
    if answer.trim().is_empty() {
        return Err("an empty text");
    }
    if weight(answer) > weight(original) * LONGEST + SLACK {
        return Err("a much longer text");
    }
    if !can_be(answer, to) && !is_a_name(original, answer) {
        return Err("a text in another language");
    }
    Ok(())
}

/// A word or two in Latin letters that come back as they were: names are the same everywhere.
fn is_a_name(original: &str, answer: &str) -> bool {
    let counted = letters(original);
    counted.han == 0 && counted.latin_words <= 2 && fold(original) == fold(answer)
}

/// A Chinese character says as much as several letters.
fn weight(text: &str) -> usize {
    text.chars()
        .map(|c| if u32::from(c) < 0x2E80 { 1 } else { 3 })
        .sum()
}

/// Whether a text that was translated there and back still says the same, as far as words tell.
pub(super) fn may_be_misread(original: &str, back: &str) -> bool {
    likeness(&fold(original), &fold(back)) < ALIKE
}

fn fold(text: &str) -> Vec<char> {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Sørensen–Dice over single characters and pairs: order matters a little, small words little.
fn likeness(one: &[char], other: &[char]) -> f64 {
    if one == other {
        return 1.0;
    }
    let grams = |text: &[char]| {
        let mut grams: HashMap<(char, char), usize> = HashMap::new();
        for pair in text.windows(2) {
            *grams.entry((pair[0], pair[1])).or_default() += 1;
        }
        // Chinese words are one or two characters: pairs alone would be too strict.
        for c in text.iter().filter(|c| u32::from(**c) >= 0x2E80) {
            *grams.entry((*c, '\0')).or_default() += 1;
        }
        grams
    };
    let (one, other) = (grams(one), grams(other));
    let total: usize = one.values().sum::<usize>() + other.values().sum::<usize>();
    if total == 0 {
        return 0.0;
    }
    let shared: usize = one
        .iter()
        .map(|(gram, count)| (*count).min(other.get(gram).copied().unwrap_or(0)))
        .sum();
    2.0 * shared as f64 / total as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_are_undone_only_where_the_engine_made_them() {
        assert_eq!(clean("it's", " it&#39;s &amp; ok\n"), "it's & ok");
        assert_eq!(
            clean("write &amp; here;", "escribe &amp; aquí;"),
            "escribe &amp; aquí;"
        );
        assert_eq!(clean("a", "AT&T; x"), "AT&T; x");
    }

    #[test]
    fn what_is_no_translation_is_refused() {
        assert!(is_translation("你好", "hello", Tongue::EN).is_ok());
        assert!(is_translation("你好", " ", Tongue::EN).is_err());
        assert!(is_translation("你好", "你好", Tongue::EN).is_err());
        assert!(is_translation("Jarvis", "Jarvis", Tongue::ZH).is_ok());
        assert!(is_translation("hi", &"you are a translator ".repeat(20), Tongue::EN).is_err());
        assert!(is_translation(&"long text ".repeat(50), &"长文本".repeat(50), Tongue::ZH).is_ok());
    }

    #[test]
    fn drift_is_noticed() {
        for (original, back) in [
            ("服务器重启好了吗", "服务器重新启动了吗？"),
            ("The server is down again", "The server is broken again."),
            ("Restart it, please", "please restart it"),
        ] {
            assert!(!may_be_misread(original, back), "{original} / {back}");
        }
        for (original, back) in [
            ("这个方案黄了", "该计划是黄色的"),
            ("Break a leg tonight", "Fracture one limb this evening"),
        ] {
            assert!(may_be_misread(original, back), "{original} / {back}");
        }
    }
}
