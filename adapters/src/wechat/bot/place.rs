//! Where a message goes. A room's id says whether it is a person or a group: `user:…`, `group:…`.
//! Ids keep their case: the platform knows no other.

use jarvis_proto::chat::{Room, RoomKind};

/// A room of WeCom.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// The chat with a person, by `userid`.
    Private(String),
    /// A group, by `chatid`.
    Group(String),
}

impl Place {
    /// Reads a room's id.
    pub(super) fn parse(room: &str) -> Option<Self> {
        match room.split_once(':')? {
            (_, "") => None,
            ("user", id) => Some(Self::Private(id.to_owned())),
            ("group", id) => Some(Self::Group(id.to_owned())),
            _ => None,
        }
    }

    /// The room's id.
    pub(super) fn room(&self) -> String {
        match self {
            Self::Private(id) => format!("user:{id}"),
            Self::Group(id) => format!("group:{id}"),
        }
    }

    /// The platform's id, for both kinds.
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Private(id) | Self::Group(id) => id,
        }
    }

    /// The platform's number of the kind.
    pub(super) fn chat_type(&self) -> u8 {
        match self {
            Self::Private(_) => 1,
            Self::Group(_) => 2,
        }
    }

    /// For the brain.
    pub(super) fn proto(&self) -> Room {
        let kind = match self {
            Self::Private(_) => RoomKind::Private,
            Self::Group(_) => RoomKind::Group,
        };
        Room {
            id: self.room(),
            kind: kind.into(),
            thread: String::new(),
            title: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_read_as_it_is_written() {
        for place in [Place::Private("Ann:1".into()), Place::Group("wrK".into())] {
            assert_eq!(Place::parse(&place.room()), Some(place));
        }
        for room in ["", "A", "user:", "channel:1"] {
            assert_eq!(Place::parse(room), None);
        }
    }
}
