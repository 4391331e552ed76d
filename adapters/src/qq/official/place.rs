//! Where a message goes. A room's id says whether it is a person or a group: `user:…`, `group:…`.

/// A room of QQ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) kind: PlaceKind,
    /// The openid.
    pub(super) openid: String,
}

/// The two kinds of rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum PlaceKind {
    Private,
    Group,
}

impl Place {
    pub(super) fn private(openid: &str) -> Self {
        Self {
            kind: PlaceKind::Private,
            openid: openid.to_owned(),
        }
    }

    pub(super) fn group(openid: &str) -> Self {
        Self {
            kind: PlaceKind::Group,
            openid: openid.to_owned(),
        }
    }

    /// Reads a room's id.
    pub(super) fn parse(room: &str) -> Option<Self> {
        let (kind, openid) = room.split_once(':')?;
        let kind = match kind {
            "user" => PlaceKind::Private,
            "group" => PlaceKind::Group,
            _ => return None,
        };
        (!openid.is_empty()).then(|| Self {
            kind,
            openid: openid.to_owned(),
        })
    }

    /// The room's id.
    pub(super) fn room(&self) -> String {
        match self.kind {
            PlaceKind::Private => format!("user:{}", self.openid),
            PlaceKind::Group => format!("group:{}", self.openid),
        }
    }

    /// The path of one of the room's resources, in segments.
    pub(super) fn path<'a>(&'a self, what: &'a str) -> [&'a str; 4] {
        let rooms = match self.kind {
            PlaceKind::Private => "users",
            PlaceKind::Group => "groups",
        };
        ["v2", rooms, &self.openid, what]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_read_as_it_is_written() {
        for place in [Place::private("A:1"), Place::group("G")] {
            assert_eq!(Place::parse(&place.room()), Some(place));
        }
        for room in ["", "A", "user:", "channel:1"] {
            assert_eq!(Place::parse(room), None);
        }
    }
}
