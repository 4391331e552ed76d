//! The arguments of one command: their usage line, and how they are read.

use std::sync::{Mutex, OnceLock, PoisonError};

use clap::{ArgAction, ArgMatches};

use super::problem::ParseProblem;
use super::spec::{Arguments, CommandSpec, Rest};
use super::words::{self, OpenQuote, Word, Words};
use crate::commands::Invocation;

/// A command in the registry.
#[derive(Debug)]
pub struct Command {
    /// What it is.
    pub spec: CommandSpec,
    pub(super) grammar: clap::Command,
    /// A copy that reads: to copy the grammar for each message takes longer than all else.
    reader: OnceLock<Mutex<clap::Command>>,
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
            reader: OnceLock::new(),
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
    let needs_value = argument
        .get_num_args()
        .is_none_or(|range| range.min_values() > 0);
    if argument.get_action().takes_values() && needs_value {
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
        let reader = self.reader.get_or_init(|| Mutex::new(self.grammar.clone()));
        let matches = reader
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .try_get_matches_from_mut(self.argv(&words))
            .map_err(|error| ParseProblem::from_clap(&error, &self.grammar))?;
        (self.read)(&matches)
    }

    /// The words as clap wants them: a quoted value may begin with a dash.
    fn argv(&self, words: &[Word]) -> Vec<String> {
        let mut argv: Vec<String> = Vec::with_capacity(words.len());
        let mut waits = false;
        for word in words {
            match argv.last_mut() {
                Some(flag) if waits && word.quoted && word.text.starts_with('-') => {
                    flag.push('=');
                    flag.push_str(&word.text);
                    waits = false;
                }
                _ => {
                    waits = !waits && self.takes_next(word);
                    argv.push(word.text.clone());
                }
            }
        }
        argv
    }

    /// Whether a word is a flag whose value is the next word.
    fn takes_next(&self, word: &Word) -> bool {
        if word.quoted || !word.text.starts_with('-') {
            return false;
        }
        let attached = word.text.contains('=')
            || (!word.text.starts_with("--") && word.text.chars().count() > 2);
        !attached
            && self.flag(&word.text).is_some_and(|flag| {
                flag.get_action().takes_values() && !flag.is_require_equals_set()
            })
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
                let takes_next = self.takes_next(&word);
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
