//! What nodes keep of their jobs: `logs`, `clearlogs`.

pub(super) mod run;
pub(super) mod show;

use std::time::Duration;

use clap::Args;

use crate::command::permission::Permission;
use crate::command::registry::{Arguments, CommandSpec, Confirm, Family, Place, Rest};
use crate::command::target::Target;
use crate::command::value;

/// `logs NODE`: what the node was ordered, from its own journal.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct LogsArgs {
    /// So many orders, or lines of the node's own log.
    #[arg(long, short = 'n', value_name = "NUMBER", value_parser = value::number)]
    pub lines: Option<u32>,
    /// Only those that contain this text.
    #[arg(long, short = 'g', value_name = "TEXT")]
    pub grep: Option<String>,
    /// The end of the node's own log instead, as a file.
    #[arg(long)]
    pub node: bool,
    /// The node.
    #[arg(value_name = "NODE", required = true, value_parser = value::name)]
    pub name: String,
}

impl Arguments for LogsArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "logs",
        aliases: &["节点日志"],
        family: Family::Jobs,
        permission: Permission::Operator,
        place: Place::Anywhere,
        confirm: Confirm::Never,
        hidden: false,
        rest: Rest::Words,
    };
}

/// `clearlogs TARGET`: removes the stored output of jobs that ended.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ClearlogsArgs {
    /// Only of jobs that ended longer ago.
    #[arg(long, short = 'o', value_name = "TIME", value_parser = value::time)]
    pub older_than: Option<Duration>,
    /// How long to wait for nodes that are offline.
    #[arg(long, short = 'w', value_name = "TIME", value_parser = value::time)]
    pub wait: Option<Duration>,
    /// Does not ask back.
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// The nodes.
    #[arg(value_name = "TARGET", required = true, value_parser = value::target)]
    pub target: Target,
}

impl Arguments for ClearlogsArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "clearlogs",
        aliases: &["清理日志"],
        family: Family::Jobs,
        permission: Permission::Operator,
        place: Place::Anywhere,
        confirm: Confirm::Always,
        hidden: false,
        rest: Rest::Words,
    };
}
