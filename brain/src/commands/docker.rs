//! `docker`: what nodes allow to be asked of their Docker engines.

pub(super) mod run;

use std::time::Duration;

use clap::Args;

use crate::command::permission::Permission;
use crate::command::registry::{Arguments, CommandSpec, Confirm, Family, Place, Rest};
use crate::command::target::Target;
use crate::command::value;
use crate::job::DockerAction;

/// `docker TARGET ps|logs|restart|stop|start [CONTAINER]`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct DockerArgs {
    /// `ps`: those that do not run, too.
    #[arg(long, short = 'a')]
    pub all: bool,
    /// `logs`: so many last lines.
    #[arg(long, short = 'n', alias = "lines", value_name = "LINES", value_parser = value::number)]
    pub tail: Option<u32>,
    /// How long to wait for nodes that are offline.
    #[arg(long, short = 'w', value_name = "TIME", value_parser = value::time)]
    pub wait: Option<Duration>,
    /// Does not ask back.
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// The nodes.
    #[arg(value_name = "TARGET", required = true, value_parser = value::target)]
    pub target: Target,
    /// What to do.
    #[arg(value_name = "ps|logs|restart|stop|start", required = true, value_parser = value::docker)]
    pub action: DockerAction,
    /// Which container.
    #[arg(value_name = "CONTAINER")]
    pub container: Option<String>,
}

impl Arguments for DockerArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "docker",
        aliases: &["容器"],
        family: Family::Nodes,
        permission: Permission::Operator,
        place: Place::Anywhere,
        confirm: Confirm::SeveralNodes,
        hidden: false,
        rest: Rest::Words,
    };
}
