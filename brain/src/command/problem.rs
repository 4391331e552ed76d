//! What is wrong with the arguments of a command, and how a person is told.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::registry::Command;
use super::suggest;
use super::value::ValueProblem;
use super::words::OpenQuote;
use crate::reply::Reply;
use crate::text::{Language, Text, excerpt, text};

/// What is wrong with the arguments of a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseProblem {
    /// A quote is not closed.
    #[error(transparent)]
    OpenQuote(#[from] OpenQuote),
    /// The command has no such flag.
    #[error("unknown flag `{flag}`")]
    UnknownFlag {
        /// As typed.
        flag: String,
        /// The flag that may be meant.
        near: Option<String>,
    },
    /// A word too many.
    #[error("`{word}` is one word too many")]
    TooMuch {
        /// The word.
        word: String,
    },
    /// Something is missing.
    #[error("missing {}", names.join(", "))]
    Missing {
        /// The arguments, as usage lines show them.
        names: Vec<String>,
    },
    /// A flag stands without its value.
    #[error("`{flag}` has no value")]
    NoValue {
        /// The flag, as usage lines show it.
        flag: String,
    },
    /// A flag that takes no value got one.
    #[error("`{flag}` takes no value")]
    NeedlessValue {
        /// The flag.
        flag: String,
    },
    /// A flag that may stand once stands twice, or beside one that excludes it.
    #[error("`{flag}` does not go together with the others")]
    Conflict {
        /// The flag.
        flag: String,
    },
    /// A value is not what the argument takes.
    #[error("`{value}`: {problem}")]
    Value {
        /// The argument, as usage lines show it.
        argument: Option<String>,
        /// As typed.
        value: String,
        /// What is wrong with it.
        problem: ValueProblem,
    },
    /// Anything else that clap may find.
    #[error("the arguments make no sense")]
    Other,
}

impl ParseProblem {
    pub(crate) fn from_clap(error: &clap::Error, grammar: &clap::Command) -> Self {
        let strings = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => vec![text.clone()],
            Some(ContextValue::Strings(texts)) => texts.clone(),
            _ => Vec::new(),
        };
        let first = |kind| strings(kind).into_iter().next().unwrap_or_default();
        let argument = first(ContextKind::InvalidArg);
        match error.kind() {
            ErrorKind::UnknownArgument if argument.starts_with('-') => {
                let name = argument.split('=').next().unwrap_or_default();
                let flags: Vec<String> = grammar
                    .get_arguments()
                    .filter_map(|argument| argument.get_long())
                    .map(|long| format!("--{long}"))
                    .collect();
                let near = suggest::nearest(name, flags.iter().map(String::as_str))
                    .or_else(|| one_dash_less(name, &flags))
                    .map(str::to_owned);
                Self::UnknownFlag {
                    flag: argument,
                    near,
                }
            }
            ErrorKind::UnknownArgument | ErrorKind::TooManyValues => Self::TooMuch {
                word: match error.kind() {
                    ErrorKind::TooManyValues if argument.starts_with('-') => {
                        return Self::NeedlessValue {
                            flag: flag_of(&argument),
                        };
                    }
                    ErrorKind::TooManyValues => first(ContextKind::InvalidValue),
                    _ => argument,
                },
            },
            ErrorKind::MissingRequiredArgument => Self::Missing {
                names: strings(ContextKind::InvalidArg)
                    .iter()
                    .map(|name| bare(name))
                    .collect(),
            },
            ErrorKind::ValueValidation => {
                let value = first(ContextKind::InvalidValue);
                let source = std::error::Error::source(error);
                match source.and_then(|source| source.downcast_ref::<ValueProblem>()) {
                    Some(problem) => Self::Value {
                        argument: Some(bare(&argument)),
                        value,
                        problem: problem.clone(),
                    },
                    None => Self::Other,
                }
            }
            ErrorKind::InvalidValue | ErrorKind::WrongNumberOfValues | ErrorKind::TooFewValues => {
                if argument.starts_with('-') {
                    Self::NoValue {
                        flag: bare(&argument),
                    }
                } else {
                    Self::Missing {
                        names: vec![bare(&argument)],
                    }
                }
            }
            ErrorKind::ArgumentConflict => Self::Conflict {
                flag: flag_of(&argument),
            },
            _ => Self::Other,
        }
    }

    /// What a person reads: what is wrong, and the usage of the command.
    pub fn explain(&self, language: Language, command: &Command) -> Reply {
        let name = command.spec.name;
        let first = match self {
            Self::OpenQuote(open) => {
                let quote = open.quote.to_string();
                text!(
                    language,
                    "problem-open-quote",
                    quote = quote,
                    position = open.position
                )
            }
            Self::UnknownFlag {
                flag,
                near: Some(near),
            } => {
                text!(
                    language,
                    "problem-flag-near",
                    flag = excerpt(flag),
                    command = name,
                    near = near
                )
            }
            Self::UnknownFlag { flag, near: None } => {
                text!(
                    language,
                    "problem-flag",
                    flag = excerpt(flag),
                    command = name
                )
            }
            Self::TooMuch { word } => {
                text!(
                    language,
                    "problem-too-much",
                    word = excerpt(word),
                    command = name
                )
            }
            Self::Missing { names } => {
                let names = names.iter().map(|name| Text::code(name));
                text!(
                    language,
                    "problem-missing",
                    command = name,
                    names = Text::join(names, " ")
                )
            }
            Self::NoValue { flag } => text!(language, "problem-no-value", flag = excerpt(flag)),
            Self::NeedlessValue { flag } => {
                text!(language, "problem-needless-value", flag = excerpt(flag))
            }
            Self::Conflict { flag } => text!(language, "problem-conflict", flag = excerpt(flag)),
            Self::Value {
                argument: Some(argument),
                value,
                problem,
            } => text!(
                language,
                "problem-value",
                argument = argument,
                problem = problem.explain(language, value),
            ),
            Self::Value {
                argument: None,
                value,
                problem,
            } => problem.explain(language, value),
            Self::Other => text!(language, "problem-other", command = name),
        };
        Reply::new().line(first).line(text!(
            language,
            "problem-usage",
            usage = Text::code(&command.usage()),
            help = Text::code(&format!("help {name}")),
        ))
    }
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

/// `-on` where `--on` is a flag.
fn one_dash_less<'a>(name: &str, flags: &'a [String]) -> Option<&'a str> {
    flags
        .iter()
        .map(String::as_str)
        .find(|flag| flag.trim_start_matches('-') == name.trim_start_matches('-'))
}

/// `--timeout <TIME>` as `--timeout TIME`, `<TARGET>` as `TARGET`, `[WORDS]...` as `WORDS`.
fn bare(argument: &str) -> String {
    argument
        .replace(['<', '>', '[', ']'], "")
        .replace("...", "")
}

fn flag_of(argument: &str) -> String {
    argument
        .split([' ', '='])
        .next()
        .unwrap_or_default()
        .to_owned()
}
