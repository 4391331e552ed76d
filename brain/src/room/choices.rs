//! Numbered choices: the buttons of rooms whose platform has none.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jarvis_proto::chat::{Button, ButtonRow};

use super::RoomKey;

/// Rooms whose choices are remembered at once.
const MOST_ROOMS: usize = 10_000;

/// The newest numbered choices of each room.
#[derive(Debug, Default)]
pub struct Choices {
    rooms: Mutex<HashMap<RoomKey, Vec<String>>>,
}

impl Choices {
    /// Remembers the buttons of a message and returns the line that stands for them: `1 yes · 2 no`.
    pub fn offer(&self, room: &RoomKey, rows: &[ButtonRow]) -> String {
        let buttons: Vec<&Button> = rows.iter().flat_map(|row| &row.buttons).collect();
        let line: Vec<String> = buttons
            .iter()
            .enumerate()
            .map(|(index, button)| format!("[{}] {}", index + 1, button.label))
            .collect();
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if rooms.len() >= MOST_ROOMS {
            rooms.clear();
        }
        rooms.insert(
            room.clone(),
            buttons.iter().map(|button| button.data.clone()).collect(),
        );
        line.join("  ")
    }

    /// What a bare number in the room stands for.
    pub fn pick(&self, room: &RoomKey, text: &str) -> Option<String> {
        let number: usize = text.trim().parse().ok()?;
        let rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.get(room)?.get(number.checked_sub(1)?).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::BotKey;

    #[test]
    fn numbers_stand_for_the_newest_buttons() {
        let bot = BotKey {
            kind: "console".into(),
            bot: "console".into(),
        };
        let room = RoomKey {
            bot,
            room: "1".into(),
            thread: String::new(),
        };
        let button = |label: &str, data: &str| Button {
            label: label.into(),
            data: data.into(),
            command: data.into(),
        };
        let rows = [ButtonRow {
            buttons: vec![button("yes", "yes AB"), button("no", "no AB")],
        }];
        let choices = Choices::default();
        assert_eq!(choices.offer(&room, &rows), "[1] yes  [2] no");
        assert_eq!(choices.pick(&room, " 2 "), Some("no AB".into()));
        assert_eq!(choices.pick(&room, "0"), None);
        assert_eq!(choices.pick(&room, "3"), None);
        assert_eq!(choices.pick(&room, "two"), None);
    }
}
