//! The words under which states and kinds are stored, and shown in commands.

use std::str::FromStr;

use crate::job::{JobState, TaskState};
use crate::room::RoomKind;

/// The text names no state or kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no state or kind")]
pub struct UnknownWord(pub String);

impl JobState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Open, Self::Done, Self::Failed, Self::Cancelled];

    /// The word used in commands and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl FromStr for JobState {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

impl TaskState {
    /// All states.
    pub const ALL: [Self; 9] = [
        Self::Waiting,
        Self::Sent,
        Self::Running,
        Self::Done,
        Self::Failed,
        Self::Cancelled,
        Self::Refused,
        Self::Offline,
        Self::Lost,
    ];

    /// The word used in commands and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Refused => "refused",
            Self::Offline => "offline",
            Self::Lost => "lost",
        }
    }
}

impl FromStr for TaskState {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

impl RoomKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Private, Self::Group, Self::Channel];

    /// The word used in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Group => "group",
            Self::Channel => "channel",
        }
    }
}

impl FromStr for RoomKind {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned()))
    }
}
