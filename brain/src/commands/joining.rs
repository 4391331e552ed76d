//! Adding servers and naming them: `join`, `rename`, `tag`, `untag`.

pub(crate) mod run;

use clap::Args;

use crate::command::permission::Permission;
use crate::command::registry::{Arguments, CommandSpec, Confirm, Family, Place, Rest};
use crate::command::target::Target;
use crate::command::value;

/// What the commands of this file start from.
const JOINING: CommandSpec = CommandSpec {
    name: "",
    aliases: &[],
    family: Family::Nodes,
    permission: Permission::Owner,
    place: Place::Anywhere,
    confirm: Confirm::Never,
    hidden: false,
    rest: Rest::Words,
};

/// `join`: one line that makes a server a node.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct JoinArgs {
    /// What to call it; the server's own name without one.
    #[arg(long, value_name = "NAME", value_parser = value::name)]
    pub name: Option<String>,
    /// Tags.
    #[arg(long, value_name = "TAG", value_delimiter = ',', value_parser = value::name)]
    pub tag: Vec<String>,
    /// Addresses of further roots that the node is to trust.
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', num_args = 1..)]
    pub roots: Vec<String>,
}

impl Arguments for JoinArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "join",
        aliases: &["addserver", "加入", "添加服务器"],
        // The line holds a secret that anybody could use who reads it.
        place: Place::PrivateOnly,
        ..JOINING
    };
}

/// `rename NODE NEW`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RenameArgs {
    /// The node.
    #[arg(value_name = "NODE", required = true, value_parser = value::name)]
    pub node: String,
    /// What to call it.
    #[arg(value_name = "NEW", required = true, value_parser = value::name)]
    pub new: String,
}

impl Arguments for RenameArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "rename",
        aliases: &["改名"],
        ..JOINING
    };
}

/// `tag TARGET TAG…`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct TagArgs {
    /// The nodes.
    #[arg(value_name = "TARGET", required = true, value_parser = value::target)]
    pub target: Target,
    /// The tags.
    #[arg(value_name = "TAG", required = true, value_delimiter = ',', value_parser = value::name)]
    pub tags: Vec<String>,
}

impl Arguments for TagArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "tag",
        aliases: &["标签", "加标签"],
        ..JOINING
    };
}

/// `untag TARGET TAG…`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct UntagArgs {
    /// The nodes.
    #[arg(value_name = "TARGET", required = true, value_parser = value::target)]
    pub target: Target,
    /// The tags.
    #[arg(value_name = "TAG", required = true, value_delimiter = ',', value_parser = value::name)]
    pub tags: Vec<String>,
}

impl Arguments for UntagArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "untag",
        aliases: &["去标签"],
        ..JOINING
    };
}
