//! Whether an adapter may come in.

use secrecy::ExposeSecret;

use crate::brain::Brain;

/// Longest id of a bot, in bytes.
pub(super) const LONGEST_BOT: usize = 128;

/// Whether something can be the name of a kind of adapter.
pub(super) fn is_plain_name(kind: &str) -> bool {
    (1..=32).contains(&kind.len())
        && kind
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Compares with every configured token in constant time.
pub(super) fn token_fits(brain: &Brain, kind: &str, bot: &str, token: &str) -> bool {
    use subtle::{Choice, ConstantTimeEq};
    let mut fits = Choice::from(0);
    for known in &brain.config().adapters {
        let named = known.kind == kind && known.bot.as_ref().is_none_or(|known| *known == bot);
        let same = known
            .token
            .expose_secret()
            .as_bytes()
            .ct_eq(token.as_bytes());
        fits |= same & Choice::from(u8::from(named && !token.is_empty()));
    }
    fits.into()
}
