//! Why an order is refused, or failed, in the words of the wire.

use std::fmt::Display;
use std::io;

use jarvis_nodeclient::OrderError;
use jarvis_proto::node::{Refused, RefusedReason};

use crate::places::PlaceError;

/// A reason, what it is about, and with [`RefusedReason::TooLarge`] the size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: RefusedReason,
    pub(crate) detail: String,
    pub(crate) size: u64,
}

impl Refusal {
    /// A refusal without a size.
    pub(crate) fn new(reason: RefusedReason, detail: impl Display) -> Self {
        Self {
            reason,
            detail: detail.to_string(),
            size: 0,
        }
    }

    /// The frame's content for `order`. A path of a megabyte is cut: frames have a limit.
    pub(crate) fn of(self, order: &str) -> Refused {
        Refused {
            order: order.to_owned(),
            reason: self.reason.into(),
            detail: shortened(&self.detail),
            size: self.size,
        }
    }
}

/// The beginning of a text that is for people.
pub(crate) fn shortened(text: &str) -> String {
    const MOST_CHARS: usize = 500;
    match text.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl From<OrderError> for Refusal {
    fn from(error: OrderError) -> Self {
        Self::new(error.reason(), error)
    }
}

impl From<PlaceError> for Refusal {
    fn from(error: PlaceError) -> Self {
        let reason = match &error {
            PlaceError::NotAllowed(_) => RefusedReason::PathNotAllowed,
            PlaceError::NotFound(_) => RefusedReason::NotFound,
            PlaceError::IsDirectory(_) => RefusedReason::IsDirectory,
            PlaceError::Permission(_) => RefusedReason::Permission,
            PlaceError::Io { source, .. } => {
                return Self {
                    detail: error.to_string(),
                    ..Self::from_kind(source)
                };
            }
            PlaceError::NotRegular(_) => RefusedReason::Io,
        };
        Self::new(reason, error)
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::from_kind(&error)
    }
}

impl Refusal {
    fn from_kind(error: &io::Error) -> Self {
        let reason = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => RefusedReason::DiskFull,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                RefusedReason::Permission
            }
            io::ErrorKind::NotFound => RefusedReason::NotFound,
            io::ErrorKind::IsADirectory => RefusedReason::IsDirectory,
            _ => RefusedReason::Io,
        };
        Self::new(reason, error)
    }
}
