//! The arguments of `expnotes` and `impnotes`.

use clap::Args;

use super::{NOTE, TEXT};
use crate::command::registry::{Arguments, CommandSpec, Place};
use crate::command::value;

/// `expnotes [-g] [--json|--markdown] [QUERY]`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ExpnotesArgs {
    /// Which keys stand together.
    #[arg(short = 'g', long)]
    pub graph: bool,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
    /// As Markdown files in an archive.
    #[arg(long, alias = "md", conflicts_with = "json")]
    pub markdown: bool,
    /// Only these notes, as `find` takes it.
    #[arg(value_name = "QUERY…")]
    pub query: Option<String>,
}

impl Arguments for ExpnotesArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "expnotes",
        aliases: &["导出笔记"],
        // A group must not get what only the asker may read.
        place: Place::PrivateOnly,
        rest: TEXT,
        ..NOTE
    };
}

/// `impnotes [--merge|--replace] [--nb NAME]` with a file, or `impnotes --undo NUMBER`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ImpnotesArgs {
    /// Add what is not there yet; the default.
    #[arg(long, conflicts_with = "replace")]
    pub merge: bool,
    /// Also remove what the file does not have.
    #[arg(long)]
    pub replace: bool,
    /// Everything into this notebook.
    #[arg(long = "nb", alias = "notebook", value_name = "NOTEBOOK")]
    pub notebook: Option<String>,
    /// Take an import back.
    #[arg(long, value_name = "NUMBER", value_parser = value::job)]
    pub undo: Option<i64>,
}

impl Arguments for ImpnotesArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "impnotes",
        aliases: &["导入笔记"],
        place: Place::PrivateOnly,
        ..NOTE
    };
}
