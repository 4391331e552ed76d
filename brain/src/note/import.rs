//! Bringing notes in: what a file means for the notes that are there, and doing it.
//!
//! What is to be done follows from the file and the notes alone. So an import that was cut off is
//! simply planned again: what is in by now is the same, and the rest is done.

pub(crate) mod run;

use std::collections::{HashMap, HashSet};

use super::exchange::PortableNote;
use super::fold::fold;
use crate::account::AccountId;
use crate::store::{NotePart, NoteRecord};

/// Most keys of a note.
const MOST_KEYS: usize = 20;
/// Longest key, in characters.
const KEY_CHARACTERS: usize = 64;

/// A note and what made it so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// What it is to be; the number 0 stands for a new one.
    pub(crate) note: NoteRecord,
    /// Number of its change before; nothing for a new one.
    pub(crate) before: Option<i64>,
}

/// What is to be done, and how much of what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// In the order of the file; removals last.
    pub(crate) steps: Vec<Step>,
    /// Notes that come in, and those that come back.
    pub(crate) added: usize,
    /// Notes that change.
    pub(crate) changed: usize,
    /// Notes that are there as the file has them.
    pub(crate) same: usize,
    /// Notes that were changed here since the file was written, and stay.
    pub(crate) kept: usize,
    /// Notes that go.
    pub(crate) removed: usize,
}

/// What an import is for.
#[derive(Debug, Clone)]
pub(crate) struct Purpose {
    /// Who imports; the author of what is new.
    pub(crate) account: AccountId,
    /// What the file does not have goes.
    pub(crate) replaces: bool,
    /// When it was asked for, Unix milliseconds: what people wrote since is never removed.
    pub(crate) asked_ms: i64,
    /// Unix milliseconds.
    pub(crate) now_ms: i64,
}

/// By what a note is known again: what it says, its keys, and when it was made.
type Print = ([u8; 32], Option<i64>);

/// What a note says, and its keys, as a hash.
fn print<'a>(texts: impl Iterator<Item = &'a str>, keys: &[String]) -> [u8; 32] {
    let mut hash = blake3::Hasher::new();
    let mut field = |text: &str| {
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    let mut folded: Vec<String> = keys.iter().map(|key| fold(key)).collect();
    folded.sort_unstable();
    folded.dedup();
    folded.iter().for_each(|key| field(key));
    field("");
    // Parts that are only files say nothing.
    texts.filter(|text| !text.is_empty()).for_each(field);
    hash.finalize().into()
}

fn print_of(note: &NoteRecord) -> [u8; 32] {
    print(note.parts.iter().map(|part| part.text.as_str()), &note.keys)
}

/// What is to be done in one notebook. `there` has all its notes, removed ones too.
pub(crate) fn plan(
    purpose: &Purpose,
    notebook: i64,
    there: &[NoteRecord],
    incoming: &[&PortableNote],
) -> Plan {
    let now_ms = purpose.now_ms;
    let by_number: HashMap<i64, &NoteRecord> =
        there.iter().map(|note| (note.number, note)).collect();
    let mut prints: HashMap<Print, i64> = HashMap::new();
    for note in there.iter().filter(|note| note.removed_ms.is_none()) {
        let print = print_of(note);
        for made in [Some(note.created_ms), None] {
            prints.entry((print, made)).or_insert(note.number);
        }
    }
    let mut plan = Plan::default();
    let mut met: HashSet<i64> = HashSet::new();
    for portable in incoming {
        let created_ms = portable.created_ms(now_ms);
        let keys = clean_keys(&portable.keys);
        let print = print(portable.parts.iter().map(String::as_str), &keys);
        let updated_ms = portable.updated_ms(now_ms).or(created_ms);
        let known = portable
            .number
            .and_then(|number| by_number.get(&number))
            .filter(|note| Some(note.created_ms) == created_ms);
        if let Some(known) = known {
            if !met.insert(known.number) {
                plan.same += 1;
                continue;
            }
            let is_same = print_of(known) == print;
            let is_newer = updated_ms.is_some_and(|updated_ms| updated_ms > known.updated_ms);
            let note = NoteRecord {
                parts: edited(purpose, portable, known),
                keys,
                updated_ms: updated_ms.unwrap_or(known.updated_ms),
                removed_ms: None,
                changed_by: purpose.account.clone(),
                ..(**known).clone()
            };
            if known.removed_ms.is_some() {
                plan.added += 1;
            } else if is_same {
                plan.same += 1;
                continue;
            } else if is_newer || purpose.replaces {
                plan.changed += 1;
            } else {
                plan.kept += 1;
                continue;
            }
            plan.steps.push(Step {
                before: Some(known.sequence),
                note,
            });
            continue;
        }
        if let Some(number) = prints.get(&(print, created_ms)) {
            met.insert(*number);
            plan.same += 1;
            continue;
        }
        let created_ms_or_now = created_ms.unwrap_or(now_ms);
        for made in [created_ms, None] {
            // Twice in the file is once here.
            prints.insert((print, made), 0);
        }
        plan.added += 1;
        plan.steps.push(Step {
            note: NoteRecord {
                number: 0,
                notebook,
                parts: parts(purpose, portable, created_ms_or_now),
                keys,
                author: purpose.account.clone(),
                created_ms: created_ms_or_now,
                updated_ms: updated_ms.unwrap_or(created_ms_or_now),
                removed_ms: None,
                sequence: 0,
                changed_by: purpose.account.clone(),
            },
            before: None,
        });
    }
    if purpose.replaces {
        let goes = |note: &&NoteRecord| {
            note.removed_ms.is_none()
                && !met.contains(&note.number)
                && note.updated_ms <= purpose.asked_ms
        };
        for note in there.iter().filter(goes) {
            plan.removed += 1;
            plan.steps.push(Step {
                before: Some(note.sequence),
                note: NoteRecord {
                    removed_ms: Some(now_ms),
                    changed_by: purpose.account.clone(),
                    ..note.clone()
                },
            });
        }
    }
    plan
}

fn parts(purpose: &Purpose, portable: &PortableNote, time_ms: i64) -> Vec<NotePart> {
    let texts = portable.parts.iter();
    texts.map(|text| part(purpose, text, time_ms)).collect()
}

fn part(purpose: &Purpose, text: &str, time_ms: i64) -> NotePart {
    NotePart {
        text: text.to_owned(),
        author: purpose.account.clone(),
        time_ms,
        said_by: String::new(),
        files: Vec::new(),
    }
}

/// A note that is there, with the texts of a file. Texts that stay keep their authors and times, and the
/// note keeps its files, of which no file of notes says anything.
fn edited(purpose: &Purpose, portable: &PortableNote, known: &NoteRecord) -> Vec<NotePart> {
    let mut left = known.parts.clone();
    let mut parts: Vec<NotePart> = Vec::new();
    for text in &portable.parts {
        parts.push(match left.iter().position(|part| part.text == *text) {
            Some(at) => left.remove(at),
            None => part(purpose, text, known.created_ms),
        });
    }
    let mut files = left.into_iter().flat_map(|part| part.files).peekable();
    if parts.is_empty() && files.peek().is_some() {
        parts.push(part(purpose, "", known.created_ms));
    }
    if let Some(last) = parts.last_mut() {
        last.files.extend(files);
    }
    parts
}

/// Keys as notes have them: not too many, not too long, none twice.
fn clean_keys(keys: &[String]) -> Vec<String> {
    let mut clean: Vec<String> = Vec::new();
    for key in keys {
        let key: String = key.trim().chars().take(KEY_CHARACTERS).collect();
        let is_new = !clean.iter().any(|other| other.eq_ignore_ascii_case(&key));
        if !key.is_empty() && is_new && clean.len() < MOST_KEYS {
            clean.push(key);
        }
    }
    clean
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const NOW: i64 = 1_790_000_000_000;

    fn purpose(replaces: bool) -> Purpose {
        Purpose {
            account: AccountId::from_stored("ann".to_owned()),
            replaces,
            asked_ms: NOW,
            now_ms: NOW,
        }
    }

    fn portable(text: &str, keys: &[&str]) -> PortableNote {
        PortableNote {
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            parts: vec![text.to_owned()],
            ..PortableNote::default()
        }
    }

    /// What is there when all steps were done.
    fn done(there: &[NoteRecord], plan: &Plan) -> Vec<NoteRecord> {
        let mut there = there.to_vec();
        for step in &plan.steps {
            let mut note = step.note.clone();
            note.sequence = i64::try_from(there.len()).unwrap() + 100;
            match there.iter_mut().find(|old| old.number == note.number) {
                Some(old) => *old = note,
                None => {
                    note.number = i64::try_from(there.len()).unwrap() + 1;
                    there.push(note);
                }
            }
        }
        there
    }

    fn counts(plan: &Plan) -> [usize; 5] {
        [plan.added, plan.changed, plan.same, plan.kept, plan.removed]
    }

    #[test]
    fn a_second_time_adds_nothing_and_twice_in_a_file_is_once() {
        let timed = PortableNote {
            created: Some("2020-01-01T00:00:00Z".parse().unwrap()),
            ..portable("timed", &[])
        };
        let (one, two) = (portable("one", &["K", "服務器"]), portable("two", &[]));
        let file = [&one, &two, &one, &timed];
        let first = plan(&purpose(false), 1, &[], &file);
        assert_eq!(counts(&first), [3, 0, 1, 0, 0]);
        let there = done(&[], &first);
        assert_eq!(there[2].created_ms, 1_577_836_800_000);
        let again = plan(&purpose(false), 1, &there, &file);
        assert_eq!((counts(&again), again.steps.len()), ([0, 0, 4, 0, 0], 0));
        let folded = portable("one", &["服务器", "k"]);
        assert_eq!(
            counts(&plan(&purpose(true), 1, &there, &[&folded])),
            [0, 0, 1, 0, 2]
        );
    }

    #[test]
    fn the_newer_state_of_a_note_wins_unless_all_is_replaced() {
        let there = done(
            &[],
            &plan(&purpose(false), 1, &[], &[&portable("old", &[])]),
        );
        let known = &there[0];
        let of = |text: &str, later_ms: i64| PortableNote {
            number: Some(known.number),
            created: jiff::Timestamp::from_millisecond(known.created_ms).ok(),
            updated: jiff::Timestamp::from_millisecond(known.updated_ms + later_ms).ok(),
            ..portable(text, &[])
        };
        let later = Purpose {
            now_ms: NOW + 9,
            ..purpose(false)
        };
        let all = Purpose {
            now_ms: NOW + 9,
            ..purpose(true)
        };
        let changed = plan(&later, 1, &there, &[&of("new", 5)]);
        assert_eq!(counts(&changed), [0, 1, 0, 0, 0]);
        assert_eq!(changed.steps[0].note.updated_ms, NOW + 5);
        assert_eq!(
            counts(&plan(&later, 1, &there, &[&of("other", -5)])),
            [0, 0, 0, 1, 0]
        );
        assert_eq!(
            counts(&plan(&all, 1, &there, &[&of("other", -5)])),
            [0, 1, 0, 0, 0]
        );
        let gone = done(&there, &plan(&all, 1, &there, &[]));
        assert!(gone[0].removed_ms.is_some());
        let back = plan(&later, 1, &gone, &[&of("old", 0)]);
        assert_eq!(counts(&back), [1, 0, 0, 0, 0]);
        assert_eq!(
            (back.steps[0].note.number, back.steps[0].note.removed_ms),
            (1, None)
        );
        // Somebody else's note 1 is another note.
        let other = PortableNote {
            created: None,
            ..of("else", 0)
        };
        assert_eq!(plan(&later, 1, &there, &[&other]).steps[0].before, None);
    }

    #[test]
    fn a_note_keeps_its_files_when_its_text_changes() {
        let said = |text: &str, file: &str| NotePart {
            said_by: "Bob".to_owned(),
            files: vec![crate::store::NoteFile {
                blob: file.to_owned(),
                name: file.to_owned(),
                mime: String::new(),
                size: 1,
            }],
            ..part(&purpose(false), text, NOW)
        };
        let first = plan(&purpose(false), 1, &[], &[&portable("one", &[])]);
        let known = NoteRecord {
            number: 7,
            parts: vec![said("one", "a"), said("two", "b"), said("", "c")],
            ..first.steps[0].note.clone()
        };
        let incoming = PortableNote {
            parts: vec!["one".to_owned(), "other".to_owned()],
            ..portable("", &[])
        };
        let parts = edited(&purpose(false), &incoming, &known);
        let shown: Vec<(&str, &str, String)> = parts
            .iter()
            .map(|part| {
                let files: Vec<&str> = part.files.iter().map(|file| file.name.as_str()).collect();
                (part.text.as_str(), part.said_by.as_str(), files.join(" "))
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("one", "Bob", "a".to_owned()),
                ("other", "", "b c".to_owned())
            ]
        );
    }

    #[test]
    fn what_was_written_since_the_question_is_not_removed() {
        let there = done(
            &[],
            &plan(&purpose(false), 1, &[], &[&portable("late", &[])]),
        );
        let earlier = Purpose {
            asked_ms: NOW - 1,
            ..purpose(true)
        };
        assert_eq!(counts(&plan(&earlier, 1, &there, &[])), [0; 5]);
    }
}
