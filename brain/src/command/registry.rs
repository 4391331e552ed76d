//! Finds the commands that a message means.

use std::collections::HashMap;

pub use super::grammar::Command;
use super::problem::ParseProblem;
use super::repair::{fold, repair};
pub use super::spec::{Arguments, CommandSpec, Confirm, Family, Place, Rest};
use crate::commands::Invocation;

/// How a message came, as far as finding commands in it goes.
#[derive(Debug, Clone, Copy)]
pub struct Addressing<'a> {
    /// One person and the bot.
    pub private: bool,
    /// The person clearly speaks to the bot (private room, mention, reply to it).
    pub addressed: bool,
    /// The bot's name, without `@`; empty where there is none.
    pub bot_name: &'a str,
}

/// What a message means.
#[derive(Debug)]
pub enum Found {
    /// Not for us: ordinary talk in a group, another bot's command, or nothing at all.
    Nothing,
    /// Commands, in order.
    Commands(Vec<Line>),
    /// For us, but the first word is no command.
    Unknown {
        /// The word, without its slash.
        word: String,
        /// What follows it, repaired.
        rest: String,
    },
}

/// The first word of a text, taken apart.
#[derive(Debug, Clone, Copy)]
struct Head<'a> {
    word: &'a str,
    slash: bool,
    /// `@name` behind the word.
    bot: Option<&'a str>,
    rest: &'a str,
}

/// A command that was found, and the text of its arguments.
#[derive(Debug, Clone)]
pub struct Line {
    /// The command.
    pub command: &'static Command,
    /// What follows the name, repaired.
    pub rest: String,
}

impl Line {
    /// The normalized command line, for previews, audit and `/why`.
    pub fn text(&self) -> String {
        match self.rest.trim() {
            "" => self.command.spec.name.to_owned(),
            rest => format!("{} {rest}", self.command.spec.name),
        }
    }

    /// Reads the arguments. `--help` and `-h` make it the `help` command.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(&self) -> Result<Invocation, ParseProblem> {
        self.command.parse(&self.rest)
    }
}

/// All commands, by name and alias.
#[derive(Debug)]
pub struct Registry {
    commands: Vec<Command>,
    names: HashMap<String, usize>,
}

impl Registry {
    /// Two commands of one name: the first one keeps it (a test fails for ours).
    pub(crate) fn new(commands: Vec<Command>) -> Self {
        let mut names = HashMap::new();
        for (index, command) in commands.iter().enumerate() {
            for name in std::iter::once(&command.spec.name).chain(command.spec.aliases) {
                names.entry(name.to_lowercase()).or_insert(index);
            }
        }
        Self { commands, names }
    }

    /// All commands in the order of the list.
    pub fn commands(&self) -> impl Iterator<Item = &Command> {
        self.commands.iter()
    }

    /// The command of a name or alias, without regard to case; a leading `/` does not matter.
    pub fn find(&self, name: &str) -> Option<&Command> {
        let name = fold(name.trim());
        let name = name.strip_prefix('/').unwrap_or(&name).to_lowercase();
        self.names.get(&name).map(|index| &self.commands[*index])
    }

    /// Finds the commands of a message. A message whose every line begins with a command is a list of
    /// commands. Where the first one takes the rest of the message verbatim, further lines are commands
    /// of their own only if that is beyond doubt: all lines begin with a slash, or with the same word.
    pub fn look_up(&'static self, text: &str, addressing: Addressing<'_>) -> Found {
        let repaired = repair(text);
        let text = repaired.trim();
        let Some(head) = head(text) else {
            return Found::Nothing;
        };
        let bare_counts = addressing.private || addressing.addressed;
        if head
            .bot
            .is_some_and(|bot| !bot.eq_ignore_ascii_case(addressing.bot_name))
        {
            return Found::Nothing;
        }
        if !head.slash && !bare_counts {
            return Found::Nothing;
        }
        let Some(command) = self.find(head.word) else {
            let named = head.bot.is_some();
            return if bare_counts || named {
                Found::Unknown {
                    word: fold(head.word).into_owned(),
                    rest: head.rest.trim().to_owned(),
                }
            } else {
                Found::Nothing
            };
        };
        if let Some(lines) = self.lines(text, command) {
            return Found::Commands(lines);
        }
        Found::Commands(vec![Line {
            command,
            rest: head.rest.trim().to_owned(),
        }])
    }

    /// The commands of a message of several lines, if every line is one.
    fn lines(&'static self, text: &str, first: &Command) -> Option<Vec<Line>> {
        let heads: Vec<Head<'_>> = text.lines().filter_map(head).collect();
        let same = |head: &Head<'_>| head.word == heads[0].word;
        if matches!(first.spec.rest, Rest::Verbatim { .. })
            && !heads.iter().all(|head| head.slash)
            && !heads.iter().all(same)
        {
            return None;
        }
        let line = |head: &Head<'_>| {
            let command = self.find(head.word)?;
            Some(Line {
                command,
                rest: head.rest.trim().to_owned(),
            })
        };
        heads.iter().map(line).collect()
    }
}

/// The first word of a text, taken apart. `None` for a blank text.
fn head(text: &str) -> Option<Head<'_>> {
    let text = text.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (first, rest) = text.split_at(end);
    if first.is_empty() {
        return None;
    }
    let bare = first.strip_prefix(['/', '／']);
    let slash = bare.is_some();
    let bare = bare.unwrap_or(first);
    let (word, bot) = match bare.split_once('@') {
        Some((word, bot)) if slash && !word.is_empty() => (word, Some(bot)),
        _ => (bare, None),
    };
    Some(Head {
        word,
        slash,
        bot,
        rest,
    })
}

#[cfg(test)]
#[path = "registry/tests.rs"]
mod tests;
