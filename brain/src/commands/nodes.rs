//! Nodes: `nodes`, `node`, `mystate`, `enroll`, `forget`.

pub(crate) mod run;

use clap::Args;

use crate::command::permission::Permission;
use crate::command::registry::{Arguments, CommandSpec, Confirm, Family, Place, Rest};
use crate::command::value;

/// What the commands of this file start from.
const NODE: CommandSpec = CommandSpec {
    name: "",
    aliases: &[],
    family: Family::Nodes,
    permission: Permission::Member,
    place: Place::Anywhere,
    confirm: Confirm::Never,
    hidden: false,
    rest: Rest::Words,
};

/// `nodes`: the list.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct NodesArgs {
    /// Only of this type.
    #[arg(short = 't', long = "type", alias = "nodetype", value_name = "TYPE", value_parser = value::name)]
    pub node_type: Option<String>,
    /// Only with this tag.
    #[arg(long, value_name = "TAG", value_parser = value::name)]
    pub tag: Option<String>,
    /// Only those that are away.
    #[arg(long)]
    pub offline: bool,
    /// How many at most.
    #[arg(short = 'n', long = "number", alias = "nums", value_name = "NUMBER", value_parser = value::number)]
    pub number: Option<u32>,
}

impl Arguments for NodesArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "nodes",
        aliases: &["节点", "服务器"],
        ..NODE
    };
}

/// `node NAME`: all about one.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct NodeArgs {
    /// The node.
    #[arg(value_name = "NODE", required = true, value_parser = value::name)]
    pub name: String,
}

impl Arguments for NodeArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "node",
        aliases: &["节点详情"],
        ..NODE
    };
}

/// `mystate`: the root's own identity and counters.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct MystateArgs {}

impl Arguments for MystateArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "mystate",
        aliases: &["我的状态"],
        ..NODE
    };
}

/// `enroll NAME ADDRESS`: makes a node known.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct EnrollArgs {
    /// Tags.
    #[arg(long, value_name = "TAG", value_delimiter = ',', value_parser = value::name)]
    pub tag: Vec<String>,
    /// Where to dial the node; without it the node dials us.
    #[arg(long, value_name = "HOST:PORT")]
    pub dial: Option<String>,
    /// Where a node of jarviscore 0.7 (`jarvissh`) listens.
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "dial")]
    pub legacy: Option<String>,
    /// What to call it.
    #[arg(value_name = "NAME", required = true, value_parser = value::name)]
    pub name: String,
    /// Its address, as `jarvis-node init` prints it.
    #[arg(value_name = "ADDRESS", required = true)]
    pub address: String,
}

impl Arguments for EnrollArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "enroll",
        aliases: &["addnode", "添加节点"],
        permission: Permission::Owner,
        ..NODE
    };
}

/// `forget NODE`: makes a node unknown again.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ForgetArgs {
    /// Does not ask back.
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// The node.
    #[arg(value_name = "NODE", required = true, value_parser = value::name)]
    pub name: String,
}

impl Arguments for ForgetArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "forget",
        aliases: &["rmnode", "移除节点"],
        permission: Permission::Owner,
        confirm: Confirm::Always,
        ..NODE
    };
}
