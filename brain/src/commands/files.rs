//! Files to and from nodes, and those that are kept here: `get`, `put`, `cp`, `files`, `file`, `rmfile`.

pub(crate) mod run;
pub(crate) mod store;

use clap::Args;

use crate::command::permission::Permission;
use crate::command::problem::ParseProblem;
use crate::command::registry::{Arguments, CommandSpec, Confirm, Family, Place, Rest};
use crate::command::target::Target;
use crate::command::value::{self, FilePlace, ValueProblem};

/// What the commands of this file start from.
const FILE: CommandSpec = CommandSpec {
    name: "",
    aliases: &[],
    family: Family::Files,
    permission: Permission::Operator,
    place: Place::Anywhere,
    confirm: Confirm::Never,
    hidden: false,
    rest: Rest::Words,
};

/// `get NODE:PATH`, `get NODE PATH`, `get -n NODE -f PATH`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct GetArgs {
    /// The node, apart from the path.
    #[arg(
        short = 'n',
        long = "node",
        alias = "nodename",
        value_name = "NODE",
        requires = "file"
    )]
    pub node: Option<String>,
    /// The path, apart from the node.
    #[arg(short = 'f', long = "file", aliases = ["filepath", "path"], value_name = "PATH", requires = "node")]
    pub file: Option<String>,
    /// Only the last lines.
    #[arg(long, value_name = "LINES", value_parser = value::number, conflicts_with = "head")]
    pub tail: Option<u32>,
    /// Only the first lines.
    #[arg(long, value_name = "LINES", value_parser = value::number)]
    pub head: Option<u32>,
    /// Compressed.
    #[arg(long, short = 'z')]
    pub gzip: bool,
    /// Only into the store of files.
    #[arg(long, short = 'k')]
    pub keep: bool,
    /// The file: `NODE:PATH`, or node and path as two words.
    #[arg(value_name = "NODE:PATH", num_args = 1..=2, conflicts_with_all = ["node", "file"], required_unless_present = "node")]
    pub place: Vec<String>,
}

impl GetArgs {
    /// The file that is meant.
    ///
    /// # Errors
    /// The words name no file on one node.
    pub fn file_place(&self) -> Result<FilePlace, ParseProblem> {
        let wrong = |value: String, problem| ParseProblem::Value {
            argument: Some("NODE:PATH".to_owned()),
            value,
            problem,
        };
        let apart = |node: &str, path: &str| {
            let place = || -> Result<FilePlace, ValueProblem> {
                let target: Target = node.parse()?;
                if path.is_empty() {
                    return Err(ValueProblem::Place);
                }
                Ok(FilePlace {
                    target,
                    path: path.to_owned(),
                })
            };
            place().map_err(|problem| wrong(format!("{node} {path}"), problem))
        };
        match (&self.node, &self.file, self.place.as_slice()) {
            (Some(node), Some(path), _) => apart(node, path),
            (_, _, [place]) => place
                .parse()
                .map_err(|problem| wrong(place.clone(), problem)),
            (_, _, [node, path]) => match node.parse::<FilePlace>() {
                // A blank in the path: it has to be quoted.
                Ok(_) => Err(ParseProblem::TooMuch { word: path.clone() }),
                Err(_) => apart(node, path),
            },
            _ => Err(wrong(String::new(), ValueProblem::Place)),
        }
    }
}

impl Arguments for GetArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "get",
        aliases: &["requestfile", "fetch", "download", "取", "下载"],
        ..FILE
    };

    fn check(&self) -> Result<(), ParseProblem> {
        self.file_place().map(|_| ())
    }
}

/// `put NODE:PATH`, with a file attached.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct PutArgs {
    /// How long to wait for nodes that are offline.
    #[arg(long, short = 'w', value_name = "TIME", value_parser = value::time)]
    pub wait: Option<std::time::Duration>,
    /// Does not ask back.
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// A file of the store, by its number.
    #[arg(long, short = 'f', value_name = "NUMBER", value_parser = value::job)]
    pub file: Option<i64>,
    /// Unpacks it there.
    #[arg(long, short = 'x', aliases = ["unpack"])]
    pub extract: bool,
    /// Every node with this tag; then only the path follows.
    #[arg(long, value_name = "TAG", value_parser = value::name)]
    pub tag: Option<String>,
    /// Where the file goes, on one node or several.
    #[arg(value_name = "NODE:PATH", required = true)]
    pub place: String,
}

impl PutArgs {
    /// Where the file goes.
    ///
    /// # Errors
    /// The words name no place.
    pub fn file_place(&self) -> Result<FilePlace, ParseProblem> {
        let whole = match &self.tag {
            Some(tag) => format!("tag:{tag}:{}", self.place),
            None => self.place.clone(),
        };
        whole.parse().map_err(|problem| ParseProblem::Value {
            argument: Some("NODE:PATH".to_owned()),
            value: self.place.clone(),
            problem,
        })
    }
}

impl Arguments for PutArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "put",
        aliases: &["upload", "放", "上传"],
        confirm: Confirm::SeveralNodes,
        ..FILE
    };

    fn check(&self) -> Result<(), ParseProblem> {
        self.file_place().map(|_| ())
    }
}

/// `cp NODE:PATH NODE:PATH`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct CpArgs {
    /// How long to wait for nodes that are offline.
    #[arg(long, short = 'w', value_name = "TIME", value_parser = value::time)]
    pub wait: Option<std::time::Duration>,
    /// Does not ask back.
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// What is copied, on one node.
    #[arg(value_name = "FROM", required = true, value_parser = str::parse::<FilePlace>)]
    pub from: FilePlace,
    /// Where it goes, on one node or several.
    #[arg(value_name = "TO", required = true, value_parser = str::parse::<FilePlace>)]
    pub to: FilePlace,
}

impl Arguments for CpArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "cp",
        aliases: &["copy", "复制", "拷贝"],
        confirm: Confirm::SeveralNodes,
        ..FILE
    };
}

/// `files [--mine] [TEXT]`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct FilesArgs {
    /// One's own, wherever they were seen.
    #[arg(long, short = 'm')]
    pub mine: bool,
    /// How many.
    #[arg(short = 'n', long = "number", value_name = "NUMBER", value_parser = value::number)]
    pub number: Option<u32>,
    /// Part of the name or of the place.
    #[arg(value_name = "TEXT")]
    pub text: Option<String>,
}

impl Arguments for FilesArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "files",
        aliases: &["文件", "文件列表"],
        permission: Permission::Member,
        ..FILE
    };
}

/// `file NUMBER`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct FileArgs {
    /// Which.
    #[arg(value_name = "NUMBER", required = true, value_parser = value::job)]
    pub number: i64,
}

impl Arguments for FileArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "file",
        aliases: &["发文件"],
        permission: Permission::Member,
        ..FILE
    };
}

/// `rmfile NUMBER`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RmfileArgs {
    /// Which.
    #[arg(value_name = "NUMBER", required = true, value_parser = value::job)]
    pub number: i64,
}

impl Arguments for RmfileArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "rmfile",
        aliases: &["删文件"],
        permission: Permission::Member,
        ..FILE
    };
}
