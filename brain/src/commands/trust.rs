//! Whom nodes obey, and keys: `trust`, `untrust`, `trusted`, `rotatekey`, `rotateroot`, `keys`.

pub(crate) mod run;

use clap::Args;

use crate::command::permission::Permission;
use crate::command::registry::{Arguments, CommandSpec, Confirm, Family, Place, Rest};
use crate::command::target::Target;
use crate::command::value;

/// What the commands of this file start from.
const TRUST: CommandSpec = CommandSpec {
    name: "",
    aliases: &[],
    family: Family::Nodes,
    permission: Permission::Owner,
    place: Place::Anywhere,
    confirm: Confirm::Always,
    hidden: false,
    rest: Rest::Words,
};

/// `trust TARGET ADDRESS`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct TrustArgs {
    /// Does not ask back.
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// The nodes.
    #[arg(value_name = "NODE", required = true, value_parser = value::target)]
    pub target: Target,
    /// Who is to be obeyed.
    #[arg(value_name = "ADDRESS", required = true)]
    pub address: String,
}

impl Arguments for TrustArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "trust",
        aliases: &["信任"],
        ..TRUST
    };
}

/// `untrust TARGET ADDRESS`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct UntrustArgs {
    /// Does not ask back, unless it is this Jarvis itself.
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// The nodes.
    #[arg(value_name = "NODE", required = true, value_parser = value::target)]
    pub target: Target,
    /// Who is not to be obeyed any more.
    #[arg(value_name = "ADDRESS", required = true)]
    pub address: String,
}

impl Arguments for UntrustArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "untrust",
        aliases: &["取消信任"],
        ..TRUST
    };
}

/// `trusted TARGET`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct TrustedArgs {
    /// The nodes.
    #[arg(value_name = "NODE", required = true, value_parser = value::target)]
    pub target: Target,
}

impl Arguments for TrustedArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "trusted",
        aliases: &["信任列表"],
        confirm: Confirm::Never,
        ..TRUST
    };
}

/// `rotatekey TARGET`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RotateKeyArgs {
    /// Does not ask back.
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// The nodes.
    #[arg(value_name = "NODE", required = true, value_parser = value::target)]
    pub target: Target,
}

impl Arguments for RotateKeyArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "rotatekey",
        aliases: &["rotate-key", "更换密钥"],
        ..TRUST
    };
}

/// `rotateroot`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RotateRootArgs {
    /// Does not ask back.
    #[arg(long, short = 'y')]
    pub yes: bool,
}

impl Arguments for RotateRootArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "rotateroot",
        aliases: &["rotate-root", "更换根密钥"],
        ..TRUST
    };
}

/// `keys`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct KeysArgs {}

impl Arguments for KeysArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "keys",
        aliases: &["密钥"],
        confirm: Confirm::Never,
        ..TRUST
    };
}
