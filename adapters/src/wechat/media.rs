//! Files on their way to the platforms.

use bytes::Bytes;
use futures::StreamExt as _;
use jarvis_proto::chat::FileRef;
use jarvis_proto::chat::action_result::Outcome;
use reqwest::Body;

use crate::errand::Errand;

/// The platforms take no smaller files, in bytes.
const SMALLEST: u64 = 5;

/// A file to be put up.
pub(super) struct Upload<'a> {
    pub(super) name: String,
    pub(super) size: u64,
    mime: String,
    bytes: Source<'a>,
}

enum Source<'a> {
    Memory(Bytes),
    Brain(&'a Errand, &'a FileRef),
}

impl<'a> Upload<'a> {
    /// A text as a file.
    pub(super) fn text(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            size: text.len() as u64,
            mime: "text/plain".to_owned(),
            bytes: Source::Memory(Bytes::copy_from_slice(text.as_bytes())),
        }
    }

    /// A file of the brain.
    pub(super) fn file(errand: &'a Errand, file: &'a FileRef) -> Self {
        Self {
            name: file_name(&file.name),
            size: file.size,
            mime: file.mime.clone(),
            bytes: Source::Brain(errand, file),
        }
    }

    /// Whether the chat would show it as a picture of at most `limit` bytes.
    pub(super) fn is_picture(&self, limit: u64) -> bool {
        matches!(self.mime.as_str(), "image/png" | "image/jpeg") && self.size <= limit
    }

    /// # Errors
    /// The platform takes no file of this size.
    pub(super) fn fits(&self, limit: u64) -> Result<(), Outcome> {
        let refuse = |why: String| {
            let detail = format!("file `{}` has {} bytes; {why}", self.name, self.size);
            Err(Outcome::Fatal(detail))
        };
        if self.size < SMALLEST {
            return refuse(format!("the platform takes none under {SMALLEST}"));
        }
        if self.size > limit {
            return refuse(format!("the platform takes {limit}"));
        }
        Ok(())
    }

    pub(super) fn mime(&self) -> &str {
        if self.mime.contains('/') && self.mime.is_ascii() {
            &self.mime
        } else {
            "application/octet-stream"
        }
    }

    /// All of it, for a call that takes no stream.
    pub(super) async fn whole(&self) -> Result<Vec<u8>, Outcome> {
        let mut all = Vec::new();
        let mut pieces = self.open().await?;
        while let Some(piece) = pieces.next().await {
            all.extend_from_slice(&piece.map_err(|error| self.broken(&error))?);
        }
        Ok(all)
    }

    /// A stream of it.
    pub(super) async fn body(&self) -> Result<Body, Outcome> {
        Ok(match &self.bytes {
            Source::Memory(bytes) => Body::from(bytes.clone()),
            Source::Brain(..) => Body::wrap_stream(self.open().await?),
        })
    }

    async fn open(&self) -> Result<crate::adapter::ByteStream, Outcome> {
        match &self.bytes {
            Source::Memory(bytes) => {
                let bytes = bytes.clone();
                Ok(futures::stream::once(async { Ok(bytes) }).boxed())
            }
            Source::Brain(errand, file) => errand
                .download(file)
                .await
                .map_err(|error| self.broken(&error)),
        }
    }

    fn broken(&self, error: &std::io::Error) -> Outcome {
        let detail = format!("file `{}`: {error}", self.name);
        match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied => {
                Outcome::Fatal(detail)
            }
            _ => Outcome::Transient(detail),
        }
    }
}

/// The name that the receiver sees.
fn file_name(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    if name.is_empty() {
        "file".to_owned()
    } else {
        name.to_owned()
    }
}
