//! Looking after Jarvis itself: `health`, `audit`.

pub(crate) mod run;

use clap::Args;

use crate::command::permission::Permission;
use crate::command::registry::{Arguments, CommandSpec, Confirm, Family, Place, Rest};
use crate::command::value;

/// What the commands of this file start from.
const SYSTEM: CommandSpec = CommandSpec {
    name: "",
    aliases: &[],
    family: Family::System,
    permission: Permission::Owner,
    place: Place::Anywhere,
    confirm: Confirm::Never,
    hidden: false,
    rest: Rest::Words,
};

/// `health`: brain, adapters and nodes at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct HealthArgs {}

impl Arguments for HealthArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "health",
        aliases: &["健康"],
        ..SYSTEM
    };
}

/// `audit`: who did what.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct AuditArgs {
    /// How many lines.
    #[arg(short = 'n', long = "number", value_name = "NUMBER", value_parser = value::number)]
    pub number: Option<u32>,
    /// Only of this user: number, name or `@handle`.
    #[arg(long, short = 'u', value_name = "USER")]
    pub user: Option<String>,
    /// Only about this job.
    #[arg(long, short = 'j', value_name = "JOB", value_parser = value::job)]
    pub job: Option<i64>,
}

impl Arguments for AuditArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "audit",
        aliases: &["审计"],
        ..SYSTEM
    };
}
