//! Updates of the fleet: `updnodes`, `rollback`.

pub(crate) mod run;

use std::fmt;
use std::time::Duration;

use clap::{ArgAction, Args};

use crate::command::permission::Permission;
use crate::command::registry::{Arguments, CommandSpec, Confirm, Family, Place, Rest};
use crate::command::repair::fold;
use crate::command::value::{self, ValueProblem};

/// What the commands of this file start from.
const UPDATE: CommandSpec = CommandSpec {
    name: "",
    aliases: &[],
    family: Family::Nodes,
    permission: Permission::Operator,
    place: Place::Anywhere,
    confirm: Confirm::Always,
    hidden: false,
    rest: Rest::Words,
};

/// A number of nodes, or a part of them in per cent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// So many.
    Count(u32),
    /// So many of a hundred.
    Percent(u32),
}

impl Amount {
    /// How many of `all` that is; a part is at least one.
    pub fn of(self, all: usize) -> usize {
        match self {
            Self::Count(count) => count as usize,
            Self::Percent(percent) => (all * percent as usize).div_ceil(100).max(1),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

/// `3` or `20%`; at least one.
fn amount(text: &str) -> Result<Amount, ValueProblem> {
    let text = fold(text.trim());
    match text.strip_suffix('%') {
        Some(percent) => match value::number(percent)? {
            percent @ 1..=100 => Ok(Amount::Percent(percent)),
            _ => Err(ValueProblem::Number),
        },
        None => value::number(&text).map(Amount::Count),
    }
}

/// A number that may be 0.
fn count(text: &str) -> Result<u32, ValueProblem> {
    match fold(text.trim()).as_ref() {
        "0" => Ok(0),
        text => value::number(text),
    }
}

/// A version: letters, digits, `. _ + ~ : -`.
fn version(text: &str) -> Result<String, ValueProblem> {
    const MOST: usize = 64;
    let text = fold(text.trim());
    let is_version = |c: char| c.is_ascii_alphanumeric() || "._+~:-".contains(c);
    if text.is_empty()
        || text.len() > MOST
        || text.starts_with('-')
        || !text.chars().all(is_version)
    {
        return Err(ValueProblem::Name);
    }
    Ok(text.into_owned())
}

fn yes_or_no(text: &str) -> Result<bool, ValueProblem> {
    match text.to_lowercase().as_str() {
        "true" | "1" | "yes" => Ok(true),
        "false" | "0" | "no" => Ok(false),
        _ => Err(ValueProblem::Which),
    }
}

/// `updnodes -t TYPE (-v VERSION | -r)`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct UpdnodesArgs {
    /// Nodes of this type.
    #[arg(short = 't', long = "type", alias = "nodetype", value_name = "TYPE", required = true, value_parser = value::name)]
    pub node_type: String,
    /// The version that they are to have.
    #[arg(short = 'v', long = "version", value_name = "VERSION", value_parser = version)]
    pub version: Option<String>,
    /// Only restart them. The old form `-r=true` is taken, too.
    #[arg(short = 'r', long = "restart", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", action = ArgAction::Set, value_parser = yes_or_no)]
    pub restart: bool,
    /// Only those with one of these tags.
    #[arg(long, value_name = "TAG", value_delimiter = ',', value_parser = value::name)]
    pub tag: Vec<String>,
    /// Only these.
    #[arg(short = 'n', long, value_name = "NODE", value_delimiter = ',', value_parser = value::name)]
    pub node: Vec<String>,
    /// So many at a time.
    #[arg(long, value_name = "N|P%", value_parser = amount)]
    pub batch: Option<Amount>,
    /// Stop after so many failures.
    #[arg(long = "max-fail", value_name = "N|P%", value_parser = amount)]
    pub max_fail: Option<Amount>,
    /// So many first, and alone.
    #[arg(long, value_name = "N", value_parser = count)]
    pub canary: Option<u32>,
    /// How long a node may take to be back.
    #[arg(long, value_name = "TIME", value_parser = value::time)]
    pub timeout: Option<Duration>,
    /// Brings nodes on which it failed back to their old version.
    #[arg(long)]
    pub rollback: bool,
    /// Does not ask back.
    #[arg(long, short = 'y')]
    pub yes: bool,
}

impl Arguments for UpdnodesArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "updnodes",
        aliases: &["update", "updatenodes", "更新节点", "升级"],
        ..UPDATE
    };
}

impl fmt::Display for UpdnodesArgs {
    /// The normalized command, for previews.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "updnodes -t {}", self.node_type)?;
        if let Some(version) = &self.version {
            write!(f, " -v {version}")?;
        }
        if self.restart {
            f.write_str(" -r")?;
        }
        if !self.node.is_empty() {
            write!(f, " --node {}", self.node.join(","))?;
        }
        for (flag, amount) in [("batch", self.batch), ("max-fail", self.max_fail)] {
            if let Some(amount) = amount {
                write!(f, " --{flag} {amount}")?;
            }
        }
        if let Some(canary) = self.canary {
            write!(f, " --canary {canary}")?;
        }
        if let Some(timeout) = self.timeout {
            let timeout = humantime::format_duration(timeout).to_string();
            write!(f, " --timeout {}", timeout.replace(' ', ""))?;
        }
        if self.rollback {
            f.write_str(" --rollback")?;
        }
        Ok(())
    }
}

/// `rollback JOB`: brings the nodes of an update back to their old versions.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RollbackArgs {
    /// Does not ask back.
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// The update's job.
    #[arg(value_name = "JOB", required = true, value_parser = value::job)]
    pub job: i64,
}

impl Arguments for RollbackArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "rollback",
        aliases: &["回滚"],
        ..UPDATE
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::registry::{Addressing, Found};
    use crate::commands::{Invocation, registry};

    fn read(line: &str) -> Result<UpdnodesArgs, String> {
        let addressing = Addressing {
            private: true,
            addressed: true,
            bot_name: "",
        };
        let Found::Commands(lines) = registry().look_up(line, addressing) else {
            return Err(format!("{line} is no command"));
        };
        match lines[0].parse() {
            Ok(Invocation::Updnodes(args)) => Ok(args),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn old_forms_stay_valid() {
        let old = read("updnodes -t jarvisshell -v 0.2.58").expect("it is read");
        assert_eq!(old.version.as_deref(), Some("0.2.58"));
        assert!(!old.restart);
        for line in [
            "updnodes -t jarvisshell -r=true",
            "updnodes --nodetype jarvisshell --restart",
            "updnodes -t=jarvisshell -r",
            "updnodes -r -t jarvisshell",
        ] {
            assert!(read(line).expect(line).restart, "{line}");
        }
        let not = read("updnodes -t x --restart=false -v 1").expect("it is read");
        assert!(!not.restart);
    }

    #[test]
    fn amounts_are_numbers_or_parts() {
        let args = read("updnodes -t x -v 1 --batch 20% --max-fail 3 --canary 0").expect("read");
        assert_eq!(args.batch.map(|batch| batch.of(11)), Some(3));
        assert_eq!(args.max_fail.map(|most| most.of(11)), Some(3));
        assert_eq!(args.canary, Some(0));
        assert_eq!(Amount::Percent(1).of(5), 1);
        for wrong in ["0", "101%", "0%", "many", "-1"] {
            let line = format!("updnodes -t x -v 1 --batch={wrong}");
            assert!(read(&line).is_err(), "{line}");
        }
        for wrong in ["'1; reboot'", "a/b", "''"] {
            let line = format!("updnodes -t x -v {wrong}");
            assert!(read(&line).is_err(), "{line}");
        }
    }

    #[test]
    fn the_normalized_command_reads_back() {
        let line = "updnodes -t web -v 1.2-rc1 --node a,b --batch 2 --max-fail 50% --canary 1 \
                    --timeout 1m30s --rollback";
        let args = read(line).expect("it is read");
        assert_eq!(read(&args.to_string()), Ok(args));
    }
}
