//! Finds the command that a message means, and reads its arguments.

use std::collections::HashMap;

use clap::{ArgAction, ArgMatches};

use super::permission::Permission;
use super::problem::ParseProblem;
use super::repair::{fold, repair};
use super::value::ValueProblem;
use super::words::{self, OpenQuote, Word, Words};
use crate::commands::Invocation;
use crate::text::{Language, Text, text};

/// What a command is, apart from its arguments.
#[derive(Debug, Clone, Copy)]
pub struct CommandSpec {
    /// The name: a-z, 0-9 and `_`, at most 32 characters, as platforms' menus want it.
    pub name: &'static str,
    /// Other names, in any script.
    pub aliases: &'static [&'static str],
    /// Under which heading help lists it.
    pub family: Family,
    /// What it asks of its caller.
    pub permission: Permission,
    /// In which rooms it may be used.
    pub place: Place,
    /// Whether it asks back before it acts.
    pub confirm: Confirm,
    /// Left out of lists, menus and suggestions.
    pub hidden: bool,
    /// How its last argument is read.
    pub rest: Rest,
}

/// Headings of help, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Finding one's way.
    General,
    /// Running jobs and looking after them.
    Jobs,
    /// Files to and from nodes.
    Files,
    /// Nodes.
    Nodes,
    /// People, their identities and roles.
    People,
    /// Looking after Jarvis itself.
    System,
}

impl Family {
    /// All headings in their order.
    pub const ALL: [Self; 6] = [
        Self::General,
        Self::Jobs,
        Self::Files,
        Self::Nodes,
        Self::People,
        Self::System,
    ];

    /// The heading's text.
    pub fn title(self, language: Language) -> Text {
        match self {
            Self::General => text!(language, "family-general"),
            Self::Jobs => text!(language, "family-jobs"),
            Self::Files => text!(language, "family-files"),
            Self::Nodes => text!(language, "family-nodes"),
            Self::People => text!(language, "family-people"),
            Self::System => text!(language, "family-system"),
        }
    }
}

/// In which rooms a command may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Everywhere.
    Anywhere,
    /// Where nobody reads along.
    PrivateOnly,
    /// Where several people are.
    GroupOnly,
}

/// Whether a command asks back before it acts. `--yes` answers beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirm {
    /// Never.
    Never,
    /// When it touches more than one node.
    SeveralNodes,
    /// Always.
    Always,
}

/// How the last argument of a command is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Word by word, like the others.
    Words,
    /// After so many words (flags not counted) it is the rest of the message exactly as typed,
    /// quotes, pipes and further lines included. Flags come before it.
    Verbatim {
        /// Words before the rest.
        after: usize,
        /// The rest is shell text: an open quote in it is an error.
        shell: bool,
    },
}

/// The arguments of a command: fields and flags by clap, all else by [`CommandSpec`].
pub trait Arguments: clap::Args {
    /// What the command is.
    const SPEC: CommandSpec;

    /// Checks what clap cannot: arguments that depend on each other.
    ///
    /// # Errors
    /// What is wrong, and with which argument.
    fn check(&self) -> Result<(), ParseProblem> {
        Ok(())
    }
}

/// A command in the registry.
#[derive(Debug)]
pub struct Command {
    /// What it is.
    pub spec: CommandSpec,
    grammar: clap::Command,
    read: fn(&ArgMatches) -> Result<Invocation, ParseProblem>,
}

impl Command {
    pub(crate) fn new<A: Arguments>(
        read: fn(&ArgMatches) -> Result<Invocation, ParseProblem>,
    ) -> Self {
        let base = clap::Command::new(A::SPEC.name)
            .no_binary_name(true)
            .disable_help_flag(true)
            .disable_version_flag(true)
            .color(clap::ColorChoice::Never);
        let mut grammar = A::augment_args(base);
        grammar.build();
        Self {
            spec: A::SPEC,
            grammar,
            read,
        }
    }

    /// Positional arguments in their order, then flags, as clap describes them.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = &clap::Arg> {
        let flags = self
            .grammar
            .get_arguments()
            .filter(|argument| !argument.is_positional());
        self.grammar
            .get_positionals()
            .chain(flags)
            .filter(|argument| !argument.is_hide_set())
    }

    /// The usage line: `run [--timeout TIME] … TARGET COMMAND…`.
    pub fn usage(&self) -> String {
        let mut usage = self.spec.name.to_owned();
        let (positionals, flags): (Vec<_>, Vec<_>) = self
            .arguments()
            .partition(|argument| argument.is_positional());
        for argument in flags.iter().chain(&positionals) {
            let shown = shown(argument);
            usage.push(' ');
            if argument.is_required_set() {
                usage.push_str(&shown);
            } else {
                usage.push_str(&format!("[{shown}]"));
            }
            if is_repeated(argument) {
                usage.push('…');
            }
        }
        usage
    }
}

/// How an argument looks in usage lines: `TARGET`, `--timeout TIME`, `-n NUMBER`.
pub(crate) fn shown(argument: &clap::Arg) -> String {
    let value = argument
        .get_value_names()
        .and_then(|names| names.first())
        .map_or("", |name| name);
    if argument.is_positional() {
        return value.to_owned();
    }
    let flag = match (argument.get_long(), argument.get_short()) {
        (Some(long), _) => format!("--{long}"),
        (None, Some(short)) => format!("-{short}"),
        (None, None) => argument.get_id().to_string(),
    };
    if argument.get_action().takes_values() {
        format!("{flag} {value}")
    } else {
        flag
    }
}

pub(crate) fn is_repeated(argument: &clap::Arg) -> bool {
    matches!(argument.get_action(), ArgAction::Append)
        || argument
            .get_num_args()
            .is_some_and(|range| range.max_values() > 2)
}

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

/// A command with the text of its arguments.
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
    /// commands, unless the first one takes the rest of the message verbatim.
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
        let takes_all = matches!(command.spec.rest, Rest::Verbatim { .. });
        if !takes_all && let Some(lines) = self.lines(text) {
            return Found::Commands(lines);
        }
        Found::Commands(vec![Line {
            command,
            rest: head.rest.trim().to_owned(),
        }])
    }

    /// The commands of a message of several lines, if every line is one.
    fn lines(&'static self, text: &str) -> Option<Vec<Line>> {
        text.lines()
            .filter_map(head)
            .map(|head| {
                let command = self.find(head.word)?;
                Some(Line {
                    command,
                    rest: head.rest.trim().to_owned(),
                })
            })
            .collect()
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

impl Command {
    /// Reads arguments from the text that follows the command's name.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(&self, rest: &str) -> Result<Invocation, ParseProblem> {
        let words = match self.spec.rest {
            Rest::Words => words::split(rest)?,
            Rest::Verbatim { after, shell } => self.split_before_rest(rest, after, shell)?,
        };
        let open = words
            .iter()
            .take_while(|word| word.quoted || word.text != "--");
        if open
            .filter(|word| !word.quoted)
            .any(|word| self.asks_for_help(&word.text))
        {
            return Ok(Invocation::help_of(self.spec.name));
        }
        let matches = self
            .grammar
            .clone()
            .try_get_matches_from(words.iter().map(|word| word.text.as_str()))
            .map_err(|error| ParseProblem::from_clap(&error, &self.grammar))?;
        (self.read)(&matches)
    }

    fn asks_for_help(&self, word: &str) -> bool {
        word == "--help" || (word == "-h" && self.flag(word).is_none())
    }

    /// The flag that a word names.
    fn flag(&self, word: &str) -> Option<&clap::Arg> {
        let name = word.split('=').next().unwrap_or(word);
        self.grammar
            .get_arguments()
            .find(|argument| match name.strip_prefix("--") {
                Some(long) => {
                    argument.get_long() == Some(long)
                        || argument
                            .get_all_aliases()
                            .is_some_and(|all| all.contains(&long))
                }
                None => name
                    .strip_prefix('-')
                    .and_then(|short| short.chars().next())
                    .is_some_and(|short| argument.get_short() == Some(short)),
            })
    }

    /// Words up to the rest, and the rest as one last word exactly as typed.
    fn split_before_rest(
        &self,
        text: &str,
        after: usize,
        shell: bool,
    ) -> Result<Vec<Word>, ParseProblem> {
        let mut head = Vec::new();
        let mut positionals = 0;
        let mut flags = true;
        let mut words = Words::new(text);
        loop {
            let start = words.next_start();
            if positionals == after && (!flags || !begins_flag(&text[start..])) {
                break;
            }
            let Some(word) = words.next().transpose()? else {
                return Ok(head);
            };
            if flags && !word.quoted && word.text == "--" {
                flags = false;
            } else if flags && !word.quoted && word.text.len() > 1 && word.text.starts_with('-') {
                let takes_next = self.flag(&word.text).is_some_and(|flag| {
                    let attached = word.text.contains('=')
                        || (!word.text.starts_with("--") && word.text.chars().count() > 2);
                    flag.get_action().takes_values() && !attached
                });
                head.push(word);
                if takes_next && let Some(value) = words.next().transpose()? {
                    head.push(value);
                }
                continue;
            } else {
                positionals += 1;
            }
            head.push(word);
        }
        let start = words.next_start();
        let rest = text[start..].trim_end();
        if rest.is_empty() {
            return Ok(head);
        }
        if shell {
            words::check_shell_quotes(rest).map_err(|open| OpenQuote {
                position: open.position + text[..start].chars().count(),
                ..open
            })?;
        }
        if flags {
            // The rest may begin with a quoted dash.
            head.push(Word {
                text: "--".to_owned(),
                start,
                end: start,
                quoted: false,
            });
        }
        head.push(Word {
            text: rest.to_owned(),
            start,
            end: text.len(),
            quoted: true,
        });
        Ok(head)
    }
}

/// Whether a text begins with a flag, or with the `--` that ends flags.
fn begins_flag(text: &str) -> bool {
    text.strip_prefix('-')
        .is_some_and(|rest| !rest.starts_with(char::is_whitespace) && !rest.is_empty())
}

impl From<ValueProblem> for ParseProblem {
    fn from(problem: ValueProblem) -> Self {
        Self::Value {
            argument: None,
            value: String::new(),
            problem,
        }
    }
}

#[cfg(test)]
#[path = "registry/tests.rs"]
mod tests;
