//! Which adapters may connect.

use jarvis_proto::chat::Hello;
use secrecy::ExposeSecret;
use subtle::{Choice, ConstantTimeEq};

use crate::brain::Brain;

/// Whether this can be an adapter's kind.
pub(super) fn is_plain_name(kind: &str) -> bool {
    (1..=32).contains(&kind.len())
        && kind
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Compares with every configured token in constant time.
pub(super) fn token_fits(brain: &Brain, hello: &Hello) -> bool {
    let mut fits = Choice::from(0);
    for known in &brain.config().adapters {
        let named =
            known.kind == hello.kind && known.bot.as_ref().is_none_or(|bot| *bot == hello.bot);
        let same = known
            .token
            .expose_secret()
            .as_bytes()
            .ct_eq(hello.token.as_bytes());
        fits |= same & Choice::from(u8::from(named && !hello.token.is_empty()));
    }
    fits.into()
}
