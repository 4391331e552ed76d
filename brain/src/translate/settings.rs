//! What a room has decided about translation: languages, people, glossary, the rooms tied to it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::mask::Fixed;
use super::pieces::can_be;
use super::tongue::Tongue;
use crate::room::{RoomKey, RoomKind};

/// Languages that one room may have.
pub const MOST_LANGUAGES: usize = 6;
/// Terms that one room may have.
pub const MOST_TERMS: usize = 500;

/// What a room has decided. A room without any of it has no row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoomTranslation {
    /// What sort of room it is.
    pub kind: RoomKind,
    /// The languages of the room; empty = not multilingual.
    pub languages: Vec<Tongue>,
    /// The engine that is tried first.
    pub engine: Option<String>,
    /// Texts may not leave our own machines.
    pub local_only: bool,
    /// Writers see how their texts read when translated back.
    pub round_trip: bool,
    /// One direction for everybody, as `starttranslate` sets it.
    pub everyone: Option<Rule>,
    /// What people have of their own, by their id on the platform.
    pub people: BTreeMap<String, Member>,
    /// Words with a fixed translation.
    pub glossary: Vec<Term>,
    /// The bundle of rooms that this one is tied into.
    pub link: Option<Link>,
}

/// One direction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// From.
    pub from: Tongue,
    /// To.
    pub to: Tongue,
    /// The engine that is tried first.
    pub engine: Option<String>,
    /// The writer sees how it reads when translated back.
    pub round_trip: bool,
}

/// What a person has of their own in a room.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Member {
    /// Their name when it was set.
    pub name: String,
    /// What they read and write.
    pub tongue: Option<Tongue>,
    /// One direction for what they write.
    pub rule: Option<Rule>,
}

/// A word with a fixed translation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    /// The word.
    pub word: String,
    /// What it becomes; `None` = it stays as it is, in every language.
    pub becomes: Option<String>,
    /// The language of that.
    pub tongue: Option<Tongue>,
}

/// A room's place in a bundle of rooms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Names the bundle.
    pub bundle: String,
    /// What is read here; `None` = everything as it was written.
    pub reads: Option<Tongue>,
}

/// One translation that a message needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goal {
    /// Into this language.
    pub to: Tongue,
    /// First by this engine.
    pub engine: Option<String>,
    /// And back again.
    pub round_trip: bool,
}

impl Default for RoomTranslation {
    fn default() -> Self {
        Self {
            kind: RoomKind::Group,
            languages: Vec::new(),
            engine: None,
            local_only: false,
            round_trip: false,
            everyone: None,
            people: BTreeMap::new(),
            glossary: Vec::new(),
            link: None,
        }
    }
}

impl RoomTranslation {
    /// Whether anything is translated in the room itself.
    pub fn is_on(&self) -> bool {
        !self.languages.is_empty()
            || self.everyone.is_some()
            || self.people.values().any(|member| member.rule.is_some())
    }

    /// Whether there is nothing worth keeping.
    pub fn is_empty(&self) -> bool {
        *self
            == Self {
                kind: self.kind,
                ..Self::default()
            }
    }

    /// The languages that are spoken here: the room's, and those of its people.
    pub fn tongues(&self) -> Vec<Tongue> {
        let rules = self
            .people
            .values()
            .filter_map(|member| member.rule.as_ref())
            .chain(&self.everyone)
            .flat_map(|rule| [rule.from, rule.to]);
        let own = self.people.values().filter_map(|member| member.tongue);
        let reads = self.link.as_ref().and_then(|link| link.reads);
        let mut tongues = Vec::new();
        let all = self
            .languages
            .iter()
            .copied()
            .chain(own)
            .chain(rules)
            .chain(reads);
        for tongue in all {
            if !tongues.contains(&tongue) {
                tongues.push(tongue);
            }
        }
        tongues
    }

    /// The languages that members read, where the room is multilingual.
    fn read(&self) -> Vec<Tongue> {
        if self.languages.is_empty() {
            return Vec::new();
        }
        let mut read = self.languages.clone();
        for tongue in self.people.values().filter_map(|member| member.tongue) {
            if !read.contains(&tongue) {
                read.push(tongue);
            }
        }
        read
    }

    /// What this person usually writes.
    pub(crate) fn hint(&self, person: &str) -> Option<Tongue> {
        let member = self.people.get(person)?;
        member
            .tongue
            .or_else(|| member.rule.as_ref().map(|rule| rule.from))
    }

    /// The translations that a text of this person may need.
    pub(crate) fn goals(&self, person: &str) -> Vec<Goal> {
        let mut goals: Vec<Goal> = self
            .read()
            .into_iter()
            .map(|to| Goal {
                to,
                engine: self.engine.clone(),
                round_trip: self.round_trip,
            })
            .collect();
        let own = self
            .people
            .get(person)
            .and_then(|member| member.rule.as_ref());
        if let Some(rule) = own.or(self.everyone.as_ref())
            && !goals.iter().any(|goal| goal.to == rule.to)
        {
            goals.push(Goal {
                to: rule.to,
                engine: rule.engine.clone().or_else(|| self.engine.clone()),
                round_trip: rule.round_trip || self.round_trip,
            });
        }
        goals
    }

    /// The words of the glossary that a translation into this language has to respect, longest first.
    pub(crate) fn fixed(&self, to: Tongue) -> Vec<Fixed<'_>> {
        let fixed = |word: &'_ str, becomes: &'_ str| Fixed {
            word: Cow::Owned(word.to_owned()),
            becomes: Cow::Owned(becomes.to_owned()),
        };
        let mut all: Vec<Fixed<'_>> = self
            .glossary
            .iter()
            .filter_map(|term| {
                let Some(becomes) = &term.becomes else {
                    return Some(fixed(&term.word, &term.word));
                };
                let there = term
                    .tongue
                    .map_or_else(|| can_be(becomes, to), |own| own == to);
                let back = term.tongue != Some(to) && can_be(&term.word, to);
                match (there, back) {
                    // In letters that tell nothing, the way round that was typed.
                    (true, _) => Some(fixed(&term.word, becomes)),
                    (false, true) => Some(fixed(becomes, &term.word)),
                    (false, false) => None,
                }
            })
            .collect();
        all.sort_by_key(|fixed| std::cmp::Reverse(fixed.word.len()));
        all
    }
}

/// A short name for a room, for keys that the store finds messages by.
pub(crate) fn room_mark(room: &RoomKey) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in [&room.bot.kind, &room.bot.bot, &room.room, &room.thread] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex().chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(word: &str, becomes: &str) -> Term {
        Term {
            word: word.to_owned(),
            becomes: (!becomes.is_empty()).then(|| becomes.to_owned()),
            tongue: None,
        }
    }

    #[test]
    fn a_glossary_works_both_ways() {
        let room = RoomTranslation {
            glossary: vec![term("节点", "node"), term("Jarvis", "")],
            ..RoomTranslation::default()
        };
        let words = |to| {
            let fixed = room.fixed(to);
            let pair = |fixed: &Fixed<'_>| format!("{}={}", fixed.word, fixed.becomes);
            fixed.iter().map(pair).collect::<Vec<_>>()
        };
        assert_eq!(words(Tongue::EN), ["节点=node", "Jarvis=Jarvis"]);
        assert_eq!(words(Tongue::ZH), ["Jarvis=Jarvis", "node=节点"]);
        assert_eq!(words(Tongue::KO), ["Jarvis=Jarvis"]);
    }

    #[test]
    fn everybody_reads_their_own_language() {
        let mut room = RoomTranslation {
            languages: vec![Tongue::ZH, Tongue::EN],
            ..RoomTranslation::default()
        };
        let member = Member {
            tongue: Some(Tongue::JA),
            ..Member::default()
        };
        room.people.insert("7".to_owned(), member.clone());
        room.people.insert("8".to_owned(), member);
        let to: Vec<_> = room.goals("7").into_iter().map(|goal| goal.to).collect();
        // However many read it, one translation each.
        assert_eq!(to, [Tongue::ZH, Tongue::EN, Tongue::JA]);
        assert_eq!(room.hint("7"), Some(Tongue::JA));
    }

    #[test]
    fn settings_are_read_again() {
        let room = RoomTranslation {
            languages: vec![Tongue::HANT],
            glossary: vec![term("a", "b")],
            ..RoomTranslation::default()
        };
        let json = serde_json::to_string(&room).unwrap_or_default();
        assert_eq!(
            serde_json::from_str::<RoomTranslation>(&json).ok(),
            Some(room)
        );
        assert!(RoomTranslation::default().is_empty());
    }

    #[test]
    fn marks_differ() {
        let room = |room: &str, thread: &str| RoomKey {
            bot: crate::room::BotKey {
                kind: "console".to_owned(),
                bot: "1".to_owned(),
            },
            room: room.to_owned(),
            thread: thread.to_owned(),
        };
        assert_eq!(room_mark(&room("a", "")).len(), 16);
        assert_ne!(room_mark(&room("a", "b")), room_mark(&room("ab", "")));
    }
}
