//! Hiding secrets by value: whatever is about to be written, and whoever formatted it.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};

/// Shorter values are not looked for: they would black out half of every line.
const SHORTEST: usize = 4;

/// What stands in a secret's place.
const MASK: &str = "***";

/// The secrets that this process knows; clones share them.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    /// Longest first, so that a secret inside another one leaves no rest.
    needles: Arc<RwLock<Vec<String>>>,
}

impl Redactor {
    /// Hides `secret` from now on: as it is, and as JSON or a URL would write it.
    pub(crate) fn register(&self, secret: &str) {
        if secret.len() < SHORTEST {
            return;
        }
        let escaped = secret.escape_debug().to_string();
        let in_url: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let mut needles = self.needles.write().unwrap_or_else(PoisonError::into_inner);
        needles.extend([
            secret.to_owned(),
            escaped,
            in_url.replace('+', "%20"),
            in_url,
        ]);
        needles.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        needles.dedup();
    }

    /// `text` with every known secret replaced.
    pub(crate) fn hide<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let needles = self.needles.read().unwrap_or_else(PoisonError::into_inner);
        let mut text = Cow::Borrowed(text);
        for needle in needles.iter() {
            if text.contains(needle.as_str()) {
                text = Cow::Owned(text.replace(needle.as_str(), MASK));
            }
        }
        text
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_in_every_spelling() {
        let redactor = Redactor::default();
        redactor.register("p\"ss w/rd");
        for text in [
            "p\"ss w/rd".to_owned(),
            format!("{:?}", "p\"ss w/rd"),
            "https://x/?k=p%22ss+w%2Frd".to_owned(),
            "postgres://u:p%22ss%20w%2Frd@h".to_owned(),
        ] {
            let hidden = redactor.hide(&text);
            assert!(hidden.contains("***"), "{text} became {hidden}");
            assert!(!hidden.contains("ss"), "{text} became {hidden}");
        }
    }

    #[test]
    fn a_secret_inside_another_leaves_no_rest() {
        let redactor = Redactor::default();
        redactor.register("12345");
        redactor.register("12345:abcdef");
        assert_eq!(redactor.hide("bot12345:abcdef/getMe"), "bot***/getMe");
    }

    #[test]
    fn text_without_secrets_is_not_copied() {
        let redactor = Redactor::default();
        redactor.register("abc");
        redactor.register("token-value");
        assert!(matches!(redactor.hide("abc"), Cow::Borrowed("abc")));
    }

    #[test]
    fn clones_share_what_they_hide() {
        let redactor = Redactor::default();
        let other = redactor.clone();
        std::thread::spawn(move || other.register("late-secret"))
            .join()
            .unwrap();
        assert_eq!(redactor.hide("late-secret"), "***");
    }
}
