//! What can be asked of a program that is logged in to QQ, whatever language it speaks.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{Attachment, FileRef, RateLimited};
use tokio_util::sync::CancellationToken;

use super::place::Place;
use crate::adapter::{AdapterError, ByteStream, Inbox};
use crate::errand::Errand;
use crate::look::Finding;

/// Longest time for a call that moves no file.
pub(super) const CALL_LIMIT: Duration = Duration::from_secs(25);
/// A file must move at least this fast, in bytes a second.
const SLOWEST: u64 = 32 * 1024;
/// When to ask again while QQ finds us too fast and does not say for how long.
const TOO_FAST_RETRY: Duration = Duration::from_secs(30);

/// Our account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Myself {
    /// QQ number.
    pub(super) id: i64,
    /// Nickname.
    pub(super) name: String,
}

/// A message to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draft {
    /// The message that it answers; empty for none.
    pub(super) reply_to: String,
    /// What it says.
    pub(super) pieces: Vec<Piece>,
}

/// A piece of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text.
    Text(String),
    /// A person whose phone is to ring.
    At(i64),
}

/// A file to be sent.
#[derive(Debug)]
pub(super) struct File<'a> {
    /// The name that the receiver sees.
    pub(super) name: String,
    /// Bytes.
    pub(super) size: u64,
    /// Where they are.
    pub(super) bytes: Bytes<'a>,
    /// Text beside a picture.
    pub(super) caption: Vec<Piece>,
    /// The chat shows it.
    pub(super) is_picture: bool,
}

/// The bytes of a file to be sent.
#[derive(Debug)]
pub(super) enum Bytes<'a> {
    /// In memory.
    Here(bytes::Bytes),
    /// At the brain.
    There {
        /// Who can fetch them.
        errand: &'a Errand,
        /// Which.
        file: FileRef,
    },
}

impl Bytes<'_> {
    /// The bytes from their beginning; may be asked for more than once.
    pub(super) async fn open(&self) -> Result<ByteStream, CallError> {
        match self {
            Self::Here(bytes) => {
                let once = futures::stream::iter([Ok(bytes.clone())]);
                Ok(once.boxed())
            }
            Self::There { errand, file } => errand
                .download(file)
                .await
                .map_err(|error| CallError::file(&file.name, &error)),
        }
    }
}

/// How long a call with so many bytes may take.
pub(super) fn limit_for(bytes: u64) -> Duration {
    CALL_LIMIT + Duration::from_secs(bytes / SLOWEST)
}

/// All bytes of a file that may be so large.
pub(super) async fn whole(file: &File<'_>, most: u64) -> Result<Vec<u8>, CallError> {
    let mut bytes = Vec::new();
    let mut pieces = file.bytes.open().await?;
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| CallError::file(&file.name, &error))?;
        if (bytes.len() + piece.len()) as u64 > most {
            return Err(CallError::Refused(format!(
                "`{}` is too large to be sent at once",
                file.name
            )));
        }
        bytes.extend_from_slice(&piece);
    }
    if bytes.is_empty() {
        return Err(CallError::Refused(format!(
            "QQ takes no empty file (`{}`)",
            file.name
        )));
    }
    Ok(bytes)
}

/// A program that is logged in to QQ.
#[async_trait]
pub(super) trait Account: Debug + Send + Sync {
    /// Who is logged in.
    fn myself(&self) -> Myself;

    /// Largest file that can be sent when the setting allows so much.
    fn file_limit(&self, wanted: u64) -> u64;

    /// Sends a message; returns its id.
    async fn send(&self, place: &Place, draft: Draft) -> Result<String, CallError>;

    /// Sends a file; returns the id of its message, empty where there is none.
    async fn send_file(&self, place: &Place, file: File<'_>) -> Result<String, CallError>;

    /// Takes a message back. One that is gone already is no error.
    async fn delete(&self, place: &Place, message_id: &str) -> Result<(), CallError>;

    /// Looks at what being logged in does not show.
    async fn look(&self) -> Vec<Finding>;

    /// The bytes of an attachment.
    async fn open(&self, attachment: &Attachment) -> Result<ByteStream, AdapterError>;

    /// Hands events over until `stop`.
    async fn receive(&self, inbox: Inbox, stop: CancellationToken) -> Result<(), AdapterError>;
}

/// Why a call failed. Its text holds neither a token nor what users wrote.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error("the QQ program cannot be reached: {0}")]
    Away(String),
    #[error("the line to the QQ program broke before its answer")]
    Lost,
    #[error("no answer from the QQ program in time")]
    Silent,
    #[error("the QQ program refuses our token")]
    Token,
    #[error("the QQ program does not know `{0}`")]
    Unknown(&'static str),
    #[error("QQ swallowed the message (risk control)")]
    Swallowed,
    #[error("QQ finds us too fast: {0}")]
    TooFast(String),
    #[error("QQ refuses: {0}")]
    Forbidden(String),
    #[error("QQ no longer knows it: {0}")]
    Gone(String),
    #[error("QQ failed: {0}")]
    Passing(String),
    #[error("the QQ program refuses: {0}")]
    Refused(String),
    #[error("unreadable answer of the QQ program: {0}")]
    Unreadable(String),
    #[error("file `{name}`: {detail}")]
    File {
        name: String,
        detail: String,
        /// Asking again cannot help.
        is_final: bool,
    },
}

impl CallError {
    /// The bytes of a file to be sent could not be had.
    pub(super) fn file(name: &str, error: &std::io::Error) -> Self {
        use std::io::ErrorKind::{NotFound, PermissionDenied};
        Self::File {
            name: name.to_owned(),
            detail: error.to_string(),
            is_final: matches!(error.kind(), NotFound | PermissionDenied),
        }
    }
}

impl From<CallError> for Outcome {
    fn from(error: CallError) -> Self {
        let detail = error.to_string();
        match error {
            CallError::Away(_) | CallError::Token => Self::Unreachable(detail),
            CallError::TooFast(_) => Self::RateLimited(RateLimited {
                retry_after_ms: u64::try_from(TOO_FAST_RETRY.as_millis()).unwrap_or(u64::MAX),
            }),
            CallError::Lost
            | CallError::Silent
            | CallError::Swallowed
            | CallError::Passing(_)
            | CallError::Unreadable(_)
            | CallError::File {
                is_final: false, ..
            } => Self::Transient(detail),
            CallError::Forbidden(_) => Self::Forbidden(detail),
            CallError::Gone(_) => Self::Gone(detail),
            CallError::Unknown(_) | CallError::Refused(_) | CallError::File { .. } => {
                Self::Fatal(detail)
            }
        }
    }
}
