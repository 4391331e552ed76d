//! Rooms of QQ as the brain names them.

use std::fmt;
use std::str::FromStr;

/// Where a message is. Numbers of people and of groups overlap, so the name of a room says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// A chat with a friend.
    Private(i64),
    /// A chat with a member of a group who is no friend.
    Member {
        /// The group that both are in.
        group: i64,
        /// The person.
        user: i64,
    },
    /// A group.
    Group(i64),
}

/// A text that names no room.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoPlace;

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Private(user) => write!(f, "private:{user}"),
            Self::Member { group, user } => write!(f, "member:{group}:{user}"),
            Self::Group(group) => write!(f, "group:{group}"),
        }
    }
}

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let number = |text: &str| text.parse().map_err(|_| NoPlace);
        match text.split_once(':').ok_or(NoPlace)? {
            ("private", user) => Ok(Self::Private(number(user)?)),
            ("group", group) => Ok(Self::Group(number(group)?)),
            ("member", both) => {
                let (group, user) = both.split_once(':').ok_or(NoPlace)?;
                Ok(Self::Member {
                    group: number(group)?,
                    user: number(user)?,
                })
            }
            _ => Err(NoPlace),
        }
    }
}

impl Place {
    /// Whether many people read here.
    pub(super) fn is_group(self) -> bool {
        matches!(self, Self::Group(_))
    }
}

#[cfg(test)]
mod tests {
    use super::{NoPlace, Place};

    #[test]
    fn a_room_is_found_again_by_its_name() {
        for place in [
            Place::Private(10001),
            Place::Group(10001),
            Place::Member { group: 5, user: 7 },
        ] {
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        for text in ["", "10001", "group:", "group:x", "member:5", "channel:1"] {
            assert_eq!(text.parse::<Place>(), Err(NoPlace), "{text}");
        }
    }
}
