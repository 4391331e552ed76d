//! Watching: `subscribe`, `unsubscribe`, `subscriptions`, `top`, `drift`.

pub(in crate::commands) mod drift;
pub(in crate::commands) mod subscribe;
pub(in crate::commands) mod top;

use clap::Args;

use crate::command::permission::Permission;
use crate::command::registry::{Arguments, CommandSpec, Confirm, Family, Place, Rest};
use crate::command::target::Target;
use crate::command::value;
use crate::watch::Topic;

/// What the commands of this file start from.
const WATCH: CommandSpec = CommandSpec {
    name: "",
    aliases: &[],
    family: Family::Nodes,
    permission: Permission::Member,
    place: Place::Anywhere,
    confirm: Confirm::Never,
    hidden: false,
    rest: Rest::Words,
};

/// `subscribe TOPIC`: be told without asking.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct SubscribeArgs {
    /// Only nodes with this tag.
    #[arg(long, value_name = "TAG", value_parser = value::name)]
    pub tag: Option<String>,
    /// Only this node.
    #[arg(long, value_name = "NODE", value_parser = value::name)]
    pub node: Option<String>,
    /// Of jobs: also those that ended well.
    #[arg(long)]
    pub all: bool,
    /// Told in this room, in which nobody can ask for it.
    #[arg(long, value_name = "ROOM")]
    pub room: Option<String>,
    /// `nodes`, `jobs` or `notes`.
    #[arg(value_name = "TOPIC", required = true, value_parser = value::topic)]
    pub topic: Topic,
    /// Of notes: `nb:NAME`.
    #[arg(value_name = "NOTEBOOK")]
    pub notebook: Option<String>,
}

impl Arguments for SubscribeArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "subscribe",
        aliases: &["订阅"],
        ..WATCH
    };
}

/// What `unsubscribe` ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topics {
    /// One topic.
    One(Topic),
    /// Everything.
    All,
}

/// `unsubscribe [TOPIC|all]`: be told no more.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct UnsubscribeArgs {
    /// What is told in this room, in which nobody can ask for it.
    #[arg(long, value_name = "ROOM")]
    pub room: Option<String>,
    /// `nodes`, `jobs`, `notes` or `all`; without it all.
    #[arg(value_name = "TOPIC", value_parser = value::topic_or_all)]
    pub which: Option<Topics>,
}

impl Arguments for UnsubscribeArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "unsubscribe",
        aliases: &["退订", "取消订阅"],
        ..WATCH
    };
}

/// `subscriptions`: what is told here.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct SubscriptionsArgs {
    /// What is told in this room, in which nobody can ask for it.
    #[arg(long, value_name = "ROOM")]
    pub room: Option<String>,
}

impl Arguments for SubscriptionsArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "subscriptions",
        aliases: &["我的订阅"],
        ..WATCH
    };
}

/// `top [TARGET]`: a picture of the load.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct TopArgs {
    /// Only nodes with this tag.
    #[arg(long, value_name = "TAG", value_parser = value::name)]
    pub tag: Option<String>,
    /// The last so many hours, at most 24.
    #[arg(long, value_name = "HOURS", value_parser = value::number)]
    pub hours: Option<u32>,
    /// Which nodes; without it all.
    #[arg(value_name = "TARGET", value_parser = value::target)]
    pub target: Option<Target>,
}

impl Arguments for TopArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "top",
        aliases: &["负载"],
        ..WATCH
    };
}

/// `drift`: which versions run where.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct DriftArgs {
    /// Only of this type.
    #[arg(short = 't', long = "type", alias = "nodetype", value_name = "TYPE", value_parser = value::name)]
    pub node_type: Option<String>,
}

impl Arguments for DriftArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "drift",
        aliases: &["版本差异"],
        ..WATCH
    };
}
