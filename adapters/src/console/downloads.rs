//! Where received files go.

use std::io;
use std::path::{Path, PathBuf};

use futures::StreamExt;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use crate::adapter::ByteStream;

/// Longest file name, in bytes, so that a number still fits behind it.
const LONGEST_NAME: usize = 200;
/// How many files of one name there may be.
const MOST_NAMESAKES: u32 = 10_000;

/// A file that was saved.
#[derive(Debug)]
pub(super) struct Saved {
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) path: PathBuf,
}

/// Saves a stream under a clean form of `name` in `folder`, never over an existing file. A stream
/// that fails leaves nothing behind.
pub(super) async fn save(folder: &Path, name: &str, bytes: ByteStream) -> io::Result<Saved> {
    tokio::fs::create_dir_all(folder).await?;
    let partial = folder.join(format!(".{}.part", Uuid::now_v7()));
    let written = write(&partial, bytes).await;
    let saved = match written {
        Ok(size) => place(folder, &clean(name), &partial)
            .await
            .map(|(name, path)| Saved { name, size, path }),
        Err(error) => Err(error),
    };
    if saved.is_err() {
        // The first error is the one to report.
        let _ = tokio::fs::remove_file(&partial).await;
    }
    saved
}

async fn write(path: &Path, mut bytes: ByteStream) -> io::Result<u64> {
    let mut file = tokio::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .await?;
    let mut size = 0;
    while let Some(piece) = bytes.next().await {
        let piece = piece?;
        size += piece.len() as u64;
        file.write_all(&piece).await?;
    }
    file.flush().await?;
    Ok(size)
}

/// Takes the first free name and moves the file there. The name is reserved by creating it, so two
/// programs never choose the same one.
async fn place(folder: &Path, name: &str, partial: &Path) -> io::Result<(String, PathBuf)> {
    for number in 1..=MOST_NAMESAKES {
        let name = numbered(name, number);
        let path = folder.join(&name);
        let reserved = tokio::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .await;
        match reserved {
            Ok(_) => {
                tokio::fs::rename(partial, &path).await?;
                return Ok((name, path));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AlreadyExists,
        format!("too many files named `{name}`"),
    ))
}

/// `name.ext`, then `name (2).ext`, `name (3).ext` …
fn numbered(name: &str, number: u32) -> String {
    if number == 1 {
        return name.to_owned();
    }
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => format!("{stem} ({number}).{extension}"),
        _ => format!("{name} ({number})"),
    }
}

/// The last part of a name that somebody else gave, without anything that could leave the folder
/// or confuse a reader.
fn clean(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_unfit = |character: char| {
        character.is_control()
            // Marks that turn the direction of writing make `exe` look like something else.
            || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let name: String = last
        .chars()
        .filter(|character| !is_unfit(*character))
        .collect();
    let name = name.trim();
    if name.trim_matches('.').is_empty() {
        return "file".to_owned();
    }
    if name.len() <= LONGEST_NAME {
        return name.to_owned();
    }
    let extension = match name.rsplit_once('.') {
        Some((_, extension)) if extension.len() <= 16 => format!(".{extension}"),
        _ => String::new(),
    };
    let stem = &name[..name.floor_char_boundary(LONGEST_NAME - extension.len())];
    format!("{stem}{extension}")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn stream(pieces: Vec<io::Result<Bytes>>) -> ByteStream {
        Box::pin(futures::stream::iter(pieces))
    }

    #[test]
    fn hostile_names_become_harmless() {
        for (name, wanted) in [
            ("report.txt", "report.txt"),
            ("../../etc/passwd", "passwd"),
            ("C:\\x\\y.doc", "y.doc"),
            ("..", "file"),
            ("", "file"),
            ("a\n\u{1b}[2Jb", "a[2Jb"),
            ("photo\u{202e}gpj.exe", "photogpj.exe"),
        ] {
            assert_eq!(clean(name), wanted, "{name:?}");
        }
    }

    #[tokio::test]
    async fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        for (content, name) in [
            ("one", "a.txt"),
            ("two", "a (2).txt"),
            ("three", "a (3).txt"),
        ] {
            let bytes = stream(vec![Ok(Bytes::from_static(content.as_bytes()))]);
            let saved = save(folder.path(), "x/a.txt", bytes).await.unwrap();
            assert_eq!(
                (saved.name.as_str(), saved.size),
                (name, content.len() as u64)
            );
            assert_eq!(std::fs::read_to_string(saved.path).unwrap(), content);
        }
    }

    #[tokio::test]
    async fn a_broken_stream_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let pieces = vec![
            Ok(Bytes::from_static(b"half")),
            Err(io::ErrorKind::UnexpectedEof.into()),
        ];
        save(folder.path(), "a.txt", stream(pieces))
            .await
            .unwrap_err();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    proptest! {
        #[test]
        fn a_clean_name_is_one_short_path_part(name in "[\\PC/\\\\.\n]{0,300}") {
            let name = clean(&name);
            prop_assert!(name.len() <= LONGEST_NAME);
            let mut parts = Path::new(&name).components();
            prop_assert!(matches!(parts.next(), Some(std::path::Component::Normal(_))));
            prop_assert!(parts.next().is_none());
        }
    }
}
