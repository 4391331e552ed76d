//! Rooms of WeChat as the brain names them.

use std::fmt;
use std::str::FromStr;

/// Where a message is. Its id is where the answer goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// A chat with a contact.
    Private(String),
    /// A room with several people.
    Room(String),
}

/// A text that names no room.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoPlace;

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Private(contact) => write!(f, "private:{contact}"),
            Self::Room(room) => write!(f, "room:{room}"),
        }
    }
}

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        match text.split_once(':') {
            Some(("private", id)) if !id.is_empty() => Ok(Self::Private(id.to_owned())),
            Some(("room", id)) if !id.is_empty() => Ok(Self::Room(id.to_owned())),
            _ => Err(NoPlace),
        }
    }
}

impl Place {
    /// The id that calls want.
    pub(super) fn conversation(&self) -> &str {
        match self {
            Self::Private(id) | Self::Room(id) => id,
        }
    }

    /// Whether many people read here.
    pub(super) fn is_group(&self) -> bool {
        matches!(self, Self::Room(_))
    }
}

#[cfg(test)]
mod tests {
    use super::{NoPlace, Place};

    #[test]
    fn a_room_is_found_again_by_its_name() {
        for place in [
            Place::Private("wxid_a:b".to_owned()),
            Place::Room("123@chatroom".to_owned()),
        ] {
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        for text in ["", "wxid_a", "room:", "private", "group:1"] {
            assert_eq!(text.parse::<Place>(), Err(NoPlace), "{text}");
        }
    }
}
