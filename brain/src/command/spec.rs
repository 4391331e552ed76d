//! What a command is, apart from its arguments: name, family, permission, place.

use super::permission::Permission;
use super::problem::ParseProblem;
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
    /// Notes and finding them.
    Notes,
    /// Translation and rooms tied together.
    Translation,
    /// Nodes.
    Nodes,
    /// People, their identities and roles.
    People,
    /// Looking after Jarvis itself.
    System,
}

impl Family {
    /// All headings in their order.
    pub const ALL: [Self; 8] = [
        Self::General,
        Self::Jobs,
        Self::Files,
        Self::Notes,
        Self::Translation,
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
            Self::Notes => text!(language, "family-notes"),
            Self::Translation => text!(language, "family-translation"),
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
