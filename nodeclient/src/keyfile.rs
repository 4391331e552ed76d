//! Key files: one secret key as text.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use secp256k1::SecretKey;
use zeroize::Zeroizing;

/// Version byte of a secret key in WIF.
const WIF_VERSION: u8 = 0x80;
/// No key text is longer; a larger file is something else.
const MOST_BYTES: u64 = 1024;

/// Why a key file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It is there already; a key is never overwritten.
    #[error("key file `{}` exists already and is left as it is", .0.display())]
    Exists(PathBuf),
    /// There is none.
    #[error("there is no key file `{}`", .0.display())]
    Missing(PathBuf),
    /// Its content is no key.
    #[error("key file `{}` holds no key: it takes 64 hex digits or WIF text", .0.display())]
    Malformed(PathBuf),
    /// Reading or writing failed.
    #[error("key file `{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

/// Reads the key in a file.
pub(crate) fn read(path: &Path) -> Result<SecretKey, KeyFileError> {
    let file = File::open(path).map_err(|error| fault(path, error))?;
    warn_if_open_to_others(path, &file);
    let mut text = Zeroizing::new(String::new());
    file.take(MOST_BYTES)
        .read_to_string(&mut text)
        .map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => KeyFileError::Malformed(path.into()),
            _ => fault(path, error),
        })?;
    parse(text.trim()).ok_or_else(|| KeyFileError::Malformed(path.into()))
}

/// Writes a key as hex to a new file that only its owner may read.
pub(crate) fn create(path: &Path, secret: &SecretKey) -> Result<(), KeyFileError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|error| fault(path, error))?;
    let secret = Zeroizing::new(secret.to_secret_bytes());
    let text = Zeroizing::new(format!(
        "{}\n",
        Zeroizing::new(hex::encode(secret.as_ref())).as_str()
    ));
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|error| fault(path, error))
}

/// A key from its text: 64 hex digits, or WIF of a compressed key.
fn parse(text: &str) -> Option<SecretKey> {
    let bytes = match text.len() {
        64 => Zeroizing::new(hex::decode(text).ok()?),
        52 => {
            let wif = bs58::decode(text)
                .with_check(Some(WIF_VERSION))
                .into_vec()
                .ok()?;
            let wif = Zeroizing::new(wif);
            // Version, key, and the mark of a compressed key.
            let (mark, key) = wif.get(1..)?.split_last()?;
            if *mark != 1 {
                return None;
            }
            Zeroizing::new(key.to_vec())
        }
        _ => return None,
    };
    SecretKey::from_secret_bytes(bytes.as_slice().try_into().ok()?).ok()
}

fn fault(path: &Path, source: io::Error) -> KeyFileError {
    match source.kind() {
        io::ErrorKind::AlreadyExists => KeyFileError::Exists(path.into()),
        io::ErrorKind::NotFound => KeyFileError::Missing(path.into()),
        _ => KeyFileError::Io {
            path: path.into(),
            source,
        },
    }
}

#[cfg(unix)]
fn warn_if_open_to_others(path: &Path, file: &File) {
    use std::os::unix::fs::PermissionsExt;
    if file
        .metadata()
        .is_ok_and(|about| about.permissions().mode() & 0o077 != 0)
    {
        tracing::warn!(path = %path.display(), "others than its owner may read this key file: chmod 600 it");
    }
}

#[cfg(not(unix))]
fn warn_if_open_to_others(_path: &Path, _file: &File) {}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;
    use crate::identity::Identity;

    /// Secret key, WIF, address: known from the Bitcoin world and used by jarviscore's own tests.
    const KNOWN: [(&str, &str, &str); 5] = [
        (
            "18E14A7B6A307F426A94F8114701E7C8E774E7F9A47E2C2035DB29A206321725",
            "Kx45GeUBSMPReYQwgXiKhG9FzNXrnCeutJp4yjTd5kKxCitadm3C",
            "1PMycacnJaSqwwJqjawXBErnLsZ7RkXUAs",
        ),
        (
            "660527765029F5F1BC6DFD5821A7FF336C10EDA391E19BB4517DB4E23E5B112F",
            "Kze2PJp755t9pFWaDUzgg9MHFtwbWyuBQgSnhHTWFwqy14NafA1S",
            "1ChaLikBC5E2uTCA7GZh9vaMQMuRt7h1yq",
        ),
        (
            "CF4DBE1ABCB061DB64CC87404AB736B6A56E8CDD40E9846144582240C5366758",
            "L4AgX1H3fyDWxVnXqbVzMGZsbqu11J9eKLKEkKgmYbo8bbs4K9Sq",
            "1DP4edYeSPAF5UkXomAFKhsXwKq59r26aY",
        ),
        (
            "D94F024E82D787FB38369BEA7478AA61308DC2F7080ADDF69919A881490CFF48",
            "L4W8X7q93fipJcwN4jkhYJEzub8survHv6kVdojz6DZSpYUmJYkM",
            "1Hicf8AisGTeFqhNuSTw5m5UsYbHRxDxfj",
        ),
        (
            "0000000000000000000000000000000000000000000000000000000000000400",
            "KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFUFqJ5Vvujp",
            "1G73bvYR97QGVb8bfeX2TqvSKietBDybQC",
        ),
    ];

    #[test]
    fn known_keys_have_their_known_addresses() {
        for (hex, wif, address) in KNOWN {
            for text in [hex, wif] {
                assert_eq!(
                    Identity::new(parse(text).unwrap()).address().to_string(),
                    address
                );
            }
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in [
            "",
            "hello",
            &"0".repeat(64),
            &"f".repeat(64),
            "5T3IW5p",
            "6Mcb23muAxyXaSMhmB6B1mqkvLdWhtuFZmnZsxDczHRraMcNG",
            "huzKTSifqNioknFPsoA7uc359rRHJQHRg42uiKn6P8Rnv5qxV5",
            "yPoVP5njSzmEVK4VJGRWWAwqnwCyLPRcMm5XyrKgYUpeXtGyM",
            "Kx45GeUBSMPReYQwgXiKhG9FzNXrnCeutJp4yjTd5kKxCj6CAKu3",
        ] {
            assert!(parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_created_file_is_private_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.key");
        let made = Identity::create_file(&path).unwrap();
        let before = fs::read(&path).unwrap();
        assert_eq!(
            Identity::from_file(&path).unwrap().address(),
            made.address()
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(
                fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
        assert!(matches!(
            Identity::create_file(&path),
            Err(KeyFileError::Exists(_))
        ));
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[test]
    fn unusable_files_say_why() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.key");
        assert!(matches!(read(&path), Err(KeyFileError::Missing(_))));
        fs::write(&path, [0xff; 64]).unwrap();
        assert!(matches!(read(&path), Err(KeyFileError::Malformed(_))));
        assert!(matches!(read(folder.path()), Err(KeyFileError::Io { .. })));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in any::<String>()) {
            let _ = parse(&text);
        }
    }
}
