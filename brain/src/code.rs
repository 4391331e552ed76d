//! Random secrets and the short codes that people type.

use rand::Rng;
use sha2::{Digest, Sha256};

/// Letters and digits that nobody confuses when reading them aloud: no 0, 1, I, L, O, U.
const ALPHABET: &[u8; 30] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A 256-bit secret as hex.
pub fn secret() -> String {
    hex::encode(rand::rng().random::<[u8; 32]>())
}

/// A code like `7QK4-MZ2P`: two groups of `group` characters, each worth 4.9 bits.
pub fn short(group: usize) -> String {
    let mut rng = rand::rng();
    let mut pick = |n: usize| -> String {
        (0..n)
            .map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())]))
            .collect()
    };
    format!("{}-{}", pick(group), pick(group))
}

/// A short id that joins an error text with the log: eight hex digits.
pub fn trace() -> String {
    hex::encode(rand::rng().random::<[u8; 4]>())
}

/// The form in which a typed code is compared: upper case, no separators, the usual slips undone.
pub fn normalize(typed: &str) -> String {
    typed
        .chars()
        .filter(|c| c.is_alphanumeric())
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

/// What the store keeps of a code: its SHA-256 with a domain tag, as hex. Codes live minutes and
/// guesses are limited, so no slow hash is needed.
pub fn digest(purpose: &str, typed: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"jarvis code v1\0");
    hash.update(purpose.as_bytes());
    hash.update(b"\0");
    hash.update(normalize(typed).as_bytes());
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_forms_of_a_code_are_one_code() {
        let code = short(4);
        assert_eq!(code.len(), 9);
        let typed = format!(" {} ", code.to_lowercase().replace('-', " "));
        assert_eq!(digest("claim", &code), digest("claim", &typed));
        assert_ne!(digest("claim", &code), digest("bind", &code));
    }
}
