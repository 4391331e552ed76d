//! Running jobs and looking after them: `run`, `jobs`, `job`, `log`, `cancel`, `retry`, `again`.

pub(super) mod follow;
pub(super) mod log;
pub(super) mod look;
pub(crate) mod run;
pub(super) mod waiting;

use std::fmt;
use std::time::Duration;

use clap::Args;

use crate::command::permission::Permission;
use crate::command::registry::{Arguments, CommandSpec, Confirm, Family, Place, Rest};
use crate::command::target::Target;
use crate::command::value::{self, Which};
use crate::command::words::quote;

/// What the commands of this file start from.
const JOB: CommandSpec = CommandSpec {
    name: "",
    aliases: &[],
    family: Family::Jobs,
    permission: Permission::Operator,
    place: Place::Anywhere,
    confirm: Confirm::Never,
    hidden: false,
    rest: Rest::Words,
};

/// `run TARGET COMMAND…`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RunArgs {
    /// Time limit of the job on each node.
    #[arg(long, short = 't', value_name = "TIME", value_parser = value::time)]
    pub timeout: Option<Duration>,
    /// Working directory.
    #[arg(long, value_name = "DIR", alias = "dir")]
    pub cwd: Option<String>,
    /// Environment.
    #[arg(long, short = 'e', value_name = "NAME=VALUE", value_parser = value::pair)]
    pub env: Vec<(String, String)>,
    /// Result files wanted back.
    #[arg(long, short = 'f', value_name = "GLOB", alias = "file")]
    pub files: Vec<String>,
    /// How long to wait for nodes that are offline.
    #[arg(long, short = 'w', value_name = "TIME", value_parser = value::time)]
    pub wait: Option<Duration>,
    /// Standard input.
    #[arg(long, value_name = "TEXT")]
    pub stdin: Option<String>,
    /// Does not ask back.
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// The nodes.
    #[arg(value_name = "TARGET", required = true, value_parser = value::target)]
    pub target: Target,
    /// The shell command exactly as typed; `None` when a script comes as a file.
    #[arg(value_name = "COMMAND…")]
    pub command: Option<String>,
}

impl Arguments for RunArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "run",
        aliases: &["exec", "运行", "执行"],
        confirm: Confirm::SeveralNodes,
        rest: Rest::Verbatim {
            after: 1,
            shell: true,
        },
        ..JOB
    };
}

impl RunArgs {
    /// The normalized command for the audit log: without values that are often secret.
    pub(super) fn audit_text(&self) -> String {
        let hidden = |_: &String| "…".to_owned();
        let masked = Self {
            env: self
                .env
                .iter()
                .map(|(name, value)| (name.clone(), hidden(value)))
                .collect(),
            stdin: self.stdin.as_ref().map(hidden),
            ..self.clone()
        };
        masked.to_string()
    }
}

impl fmt::Display for RunArgs {
    /// The normalized command, for previews and for running it again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("run")?;
        if let Some(timeout) = self.timeout {
            write!(f, " --timeout {}", short(timeout))?;
        }
        if let Some(cwd) = &self.cwd {
            write!(f, " --cwd {}", quote(cwd))?;
        }
        for (name, value) in &self.env {
            write!(f, " --env {}", quote(&format!("{name}={value}")))?;
        }
        for files in &self.files {
            write!(f, " --files {}", quote(files))?;
        }
        if let Some(wait) = self.wait {
            write!(f, " --wait {}", short(wait))?;
        }
        if let Some(stdin) = &self.stdin {
            write!(f, " --stdin {}", quote(stdin))?;
        }
        write!(f, " {}", self.target)?;
        match &self.command {
            Some(command) if command.starts_with('-') => write!(f, " -- {command}"),
            Some(command) => write!(f, " {command}"),
            None => Ok(()),
        }
    }
}

fn short(duration: Duration) -> String {
    humantime::format_duration(duration)
        .to_string()
        .replace(' ', "")
}

/// `jobs`: the latest jobs.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct JobsArgs {
    /// How many.
    #[arg(short = 'n', long = "number", value_name = "NUMBER", value_parser = value::number)]
    pub number: Option<u32>,
    /// Those of everybody; the owner's.
    #[arg(long, short = 'a')]
    pub all: bool,
    /// Only those on this node.
    #[arg(long, value_name = "NODE", value_parser = value::name)]
    pub node: Option<String>,
    /// Those that wait for a node that is away.
    #[arg(long, short = 'w')]
    pub waiting: bool,
}

impl Arguments for JobsArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "jobs",
        aliases: &["任务", "任务列表"],
        permission: Permission::Member,
        ..JOB
    };
}

/// `job ID`: one job.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct JobArgs {
    /// The job's number.
    #[arg(value_name = "JOB", required = true, value_parser = value::job)]
    pub job: i64,
}

impl Arguments for JobArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "job",
        aliases: &["status", "状态"],
        permission: Permission::Member,
        ..JOB
    };
}

/// `log ID`: the stored output of a job.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct LogArgs {
    /// Only lines that contain this text.
    #[arg(long, short = 'g', value_name = "TEXT")]
    pub grep: Option<String>,
    /// Standard error instead of standard output.
    #[arg(long, short = 'e')]
    pub err: bool,
    /// Of which node, when the job ran on several.
    #[arg(long, short = 'n', value_name = "NODE", value_parser = value::name)]
    pub node: Option<String>,
    /// As a file, whole.
    #[arg(long, short = 'f')]
    pub file: bool,
    /// Only so many last lines.
    #[arg(long, short = 't', value_name = "LINES", value_parser = value::number)]
    pub tail: Option<u32>,
    /// Only so many first lines.
    #[arg(long, value_name = "LINES", value_parser = value::number, conflicts_with = "tail")]
    pub head: Option<u32>,
    /// Shows the output of a running job as it comes.
    #[arg(long, short = 'F', conflicts_with_all = ["file", "grep", "tail", "head", "err"])]
    pub follow: bool,
    /// Ends that.
    #[arg(long, conflicts_with = "follow")]
    pub stop: bool,
    /// The job's number.
    #[arg(value_name = "JOB", required = true, value_parser = value::job)]
    pub job: i64,
}

impl LogArgs {
    /// The same command for one of the job's nodes.
    pub(super) fn on(&self, node: &str) -> String {
        let mut line = format!("log {} --node {node}", self.job);
        for (flag, is_set) in [
            (" --err", self.err),
            (" --file", self.file),
            (" --follow", self.follow),
        ] {
            if is_set {
                line.push_str(flag);
            }
        }
        for (flag, lines) in [(" --tail", self.tail), (" --head", self.head)] {
            if let Some(lines) = lines {
                line.push_str(&format!("{flag} {lines}"));
            }
        }
        if let Some(text) = &self.grep {
            line.push_str(&format!(" --grep {}", quote(text)));
        }
        line
    }
}

impl Arguments for LogArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "log",
        aliases: &["output", "日志", "输出"],
        permission: Permission::Member,
        ..JOB
    };
}

/// `cancel ID`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct CancelArgs {
    /// The job's number; none means the caller's only running job.
    #[arg(value_name = "JOB", value_parser = value::job)]
    pub job: Option<i64>,
}

impl Arguments for CancelArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "cancel",
        aliases: &["stop", "kill", "取消", "停止"],
        ..JOB
    };
}

/// `retry ID failed|all`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RetryArgs {
    /// Does not ask back.
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// How long to wait for nodes that are offline.
    #[arg(long, short = 'w', value_name = "TIME", value_parser = value::time)]
    pub wait: Option<Duration>,
    /// The job's number.
    #[arg(value_name = "JOB", required = true, value_parser = value::job)]
    pub job: i64,
    /// Which of its nodes.
    #[arg(value_name = "failed|all", value_parser = value::which, default_value = "failed")]
    pub which: Which,
}

impl Arguments for RetryArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "retry",
        aliases: &["重试"],
        confirm: Confirm::SeveralNodes,
        ..JOB
    };
}

/// `again ID`: the same once more, as a new job.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct AgainArgs {
    /// On these nodes instead.
    #[arg(long, value_name = "TARGET", value_parser = value::target)]
    pub on: Option<Target>,
    /// How long to wait for nodes that are offline.
    #[arg(long, short = 'w', value_name = "TIME", value_parser = value::time)]
    pub wait: Option<Duration>,
    /// Does not ask back.
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// The job's number; none means the caller's last one.
    #[arg(value_name = "JOB", value_parser = value::job)]
    pub job: Option<i64>,
}

impl Arguments for AgainArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "again",
        aliases: &["rerun", "再来", "再次"],
        confirm: Confirm::SeveralNodes,
        ..JOB
    };
}
