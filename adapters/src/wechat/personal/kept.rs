//! What is kept of one person's line, in a file that only we may read.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use url::Url;

/// Largest file of an account, in bytes.
const LARGEST: u64 = 1 << 20;

/// One person's line. Its `Debug` shows no token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The person's id.
    pub(super) person: String,
    /// The id of their bot.
    pub(super) bot: String,
    /// Where their calls go.
    pub(super) url: Url,
    /// `None`: the platform has ended the line.
    #[serde(default, with = "revealed")]
    pub(super) token: Option<SecretString>,
    /// How far the brain has stored what came.
    #[serde(default)]
    pub(super) cursor: String,
    /// What the platform wants to see in an answer.
    #[serde(default, with = "revealed")]
    pub(super) context: Option<SecretString>,
    /// When the person last spoke, Unix milliseconds.
    #[serde(default)]
    pub(super) heard_ms: i64,
    /// Which message that was.
    #[serde(default)]
    pub(super) heard_id: String,
    /// Messages of ours since then.
    #[serde(default)]
    pub(super) sent: u32,
    /// When the line was ended, Unix milliseconds; 0 = it stands.
    #[serde(default)]
    pub(super) lost_ms: i64,
    /// The brain knows that.
    #[serde(default)]
    pub(super) lost_told: bool,
}

/// Secrets as the file holds them.
mod revealed {
    use secrecy::{ExposeSecret as _, SecretString};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "the shape that serde calls")]
    pub(super) fn serialize<S: Serializer>(
        secret: &Option<SecretString>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let text = secret.as_ref().map(SecretString::expose_secret);
        text.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<SecretString>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        Ok(text.map(SecretString::from))
    }
}

impl Kept {
    /// Where an account is kept: whatever the person's id is, it names no other file.
    pub(super) fn file(folder: &Path, person: &str) -> PathBuf {
        let name = hex::encode(&Sha256::digest(person.as_bytes())[..16]);
        folder.join(format!("{name}.json"))
    }

    /// Writes the file as a whole: a reader sees the old or the new one.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        make(folder)?;
        let file = Self::file(folder, &self.person);
        let new = file.with_extension("new");
        let json = serde_json::to_vec(self)?;
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut open = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)?;
        open.write_all(&json)?;
        open.sync_data()?;
        fs::rename(&new, &file)
    }

    /// Reads one account.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub(super) fn read(file: &Path) -> io::Result<Self> {
        if fs::metadata(file)?.len() > LARGEST {
            return Err(io::Error::other("it is too large"));
        }
        // What stands in it is no matter for a log.
        let kept: Self = serde_json::from_slice(&fs::read(file)?)
            .map_err(|error| io::Error::other(format!("line {}: no account", error.line())))?;
        let is_named = file.file_name() == Self::file(Path::new(""), &kept.person).file_name();
        if is_named {
            Ok(kept)
        } else {
            Err(io::Error::other("it is the account of somebody else"))
        }
    }

    /// All accounts of a folder; one that cannot be read is left alone, and told of if wanted.
    pub(super) fn all(folder: &Path, tells: bool) -> Vec<Self> {
        let Ok(entries) = fs::read_dir(folder) else {
            return Vec::new();
        };
        let files = entries.flatten().map(|entry| entry.path());
        let mut files: Vec<PathBuf> = files
            .filter(|file| file.extension().is_some_and(|end| end == "json"))
            .collect();
        files.sort();
        let read = |file: &PathBuf| match Self::read(file) {
            Ok(kept) => Some(kept),
            Err(error) => {
                if tells {
                    let file = file.display();
                    tracing::warn!(%file, %error, "no account of WeChat: remove it, or scan anew");
                }
                None
            }
        };
        files.iter().filter_map(read).collect()
    }
}

fn make(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::os::unix::fs::PermissionsExt as _;

    use secrecy::ExposeSecret as _;

    use super::*;

    fn kept(person: &str) -> Kept {
        Kept {
            person: person.into(),
            bot: "b@im.bot".into(),
            url: "https://h.example".parse().unwrap(),
            token: Some("token-secret".to_owned().into()),
            cursor: "c".into(),
            context: None,
            heard_ms: 1,
            heard_id: String::new(),
            sent: 2,
            lost_ms: 0,
            lost_told: false,
        }
    }

    #[test]
    fn an_account_is_kept_for_us_alone_and_shows_no_token() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("wechat");
        kept("../../o9@im.wechat").write(&folder).unwrap();
        kept("../../o9@im.wechat").write(&folder).unwrap();
        let file = Kept::file(&folder, "../../o9@im.wechat");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));
        let all = Kept::all(&folder, true);
        assert_eq!(all.len(), 1);
        assert_eq!(
            all[0].token.as_ref().unwrap().expose_secret(),
            "token-secret"
        );
        assert!(!format!("{all:?}").contains("token-secret"));
    }

    #[test]
    fn what_is_no_account_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        kept("a").write(folder.path()).unwrap();
        let a = Kept::file(folder.path(), "a");
        fs::write(folder.path().join("x.json"), "{\"token\":\"t\"").unwrap();
        fs::copy(&a, Kept::file(folder.path(), "b")).unwrap();
        fs::write(folder.path().join("y.new"), "").unwrap();
        assert_eq!(Kept::all(folder.path(), true).len(), 1);
    }
}
