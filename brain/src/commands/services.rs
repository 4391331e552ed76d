//! Services of nodes: `call`, `services`.

pub(super) mod run;

use std::time::Duration;

use clap::Args;

use crate::command::permission::Permission;
use crate::command::registry::{Arguments, CommandSpec, Confirm, Family, Place, Rest};
use crate::command::target::Target;
use crate::command::value;
use crate::job::hidden;

/// What the commands of this file start from.
const SERVICE: CommandSpec = CommandSpec {
    name: "",
    aliases: &[],
    family: Family::Nodes,
    permission: Permission::Operator,
    place: Place::Anywhere,
    confirm: Confirm::Never,
    hidden: false,
    rest: Rest::Words,
};

/// `call TARGET SERVICE JSON|KEY=VALUE…`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct CallArgs {
    /// A shorter time limit than the service's own.
    #[arg(long, short = 't', value_name = "TIME", value_parser = value::time)]
    pub timeout: Option<Duration>,
    /// How long to wait for nodes that are offline.
    #[arg(long, short = 'w', value_name = "TIME", value_parser = value::time)]
    pub wait: Option<Duration>,
    /// Does not ask back.
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// The nodes.
    #[arg(value_name = "TARGET", required = true, value_parser = value::target)]
    pub target: Target,
    /// The service.
    #[arg(value_name = "SERVICE", required = true, value_parser = value::name)]
    pub service: String,
    /// What it gets: JSON exactly as typed, or words `KEY=VALUE`.
    #[arg(value_name = "JSON|KEY=VALUE…")]
    pub input: Option<String>,
}

impl CallArgs {
    /// The command for the audit log: without secret values of the input.
    pub(super) fn audit_text(&self) -> String {
        let mut text = format!("call {} {}", self.target, self.service);
        if let Some(input) = &self.input {
            // What is neither JSON nor pairs is refused, and may be anything.
            let shown = run::input(input).map_or_else(|_| "…".to_owned(), |json| hidden(&json));
            text.push(' ');
            text.push_str(&shown);
        }
        text
    }
}

impl Arguments for CallArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "call",
        aliases: &["调用"],
        confirm: Confirm::SeveralNodes,
        rest: Rest::Verbatim {
            after: 2,
            shell: false,
        },
        ..SERVICE
    };
}

/// `services [NODE]`: what nodes offer.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ServicesArgs {
    /// Only this node, with all about each service.
    #[arg(value_name = "NODE", value_parser = value::name)]
    pub node: Option<String>,
}

impl Arguments for ServicesArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "services",
        aliases: &["服务"],
        permission: Permission::Member,
        ..SERVICE
    };
}
