//! The command engine: from the text of a message to a command with its arguments.
//!
//! ```text
//! text ─ repair ─ look_up ─► Line ─ parse ─► Invocation
//!                    │                │
//!                 suggest          ParseProblem (explained with the command's usage)
//! ```
//!
//! * [`repair`] undoes what phones do to text, [`words`] splits it;
//! * [`registry`] finds the command ([`spec`] says what it is), [`grammar`] reads its arguments, which
//!   clap describes ([`value`] holds their types, [`problem`] says what is wrong with them);
//! * [`permission`] is the one place that says who may do what;
//! * [`target`] names nodes, [`suggest`] guesses what was meant, [`help`] tells what there is.
//!
//! To add a command: write its argument struct and [`spec::Arguments`] in a file of
//! [`commands`](crate::commands), put a line in the list there, and write `cmd-NAME…` in the catalogs;
//! tests say what is missing.

pub mod grammar;
pub mod help;
pub mod permission;
pub mod problem;
pub mod registry;
pub mod repair;
pub mod spec;
pub mod suggest;
pub mod target;
pub mod value;
pub mod words;
