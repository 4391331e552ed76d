//! Notes: `note`, `endnote`, `endkey`, `find`, `shownote`, `mynotes`, `editnote`, `appendnote`, `tagnote`,
//! `untagnote`, `delnote`, `undonote`, `notehistory`, `notebook`, `rebuildkeywords`.

mod arguments;
mod capture;
pub(in crate::commands) mod change;
pub(crate) mod draft;
pub(in crate::commands) mod export;
pub(crate) mod find;
pub(in crate::commands) mod follow;
mod forward;
pub(in crate::commands) mod history;
pub(in crate::commands) mod import;
pub(in crate::commands) mod like;
mod mode;
pub(in crate::commands) mod notebook;
pub(crate) mod rebuild;
pub(in crate::commands) mod show;
mod vocabulary;
pub(in crate::commands) mod write;

pub use arguments::{ExpnotesArgs, ImpnotesArgs};

use clap::Args;

use crate::command::permission::Permission;
use crate::command::registry::{Arguments, CommandSpec, Confirm, Family, Place, Rest};
use crate::command::value;

/// What the commands of this file start from.
const NOTE: CommandSpec = CommandSpec {
    name: "",
    aliases: &[],
    family: Family::Notes,
    permission: Permission::Member,
    place: Place::Anywhere,
    confirm: Confirm::Never,
    hidden: false,
    rest: Rest::Words,
};

/// The rest of the message is text.
const TEXT: Rest = Rest::Verbatim {
    after: 0,
    shell: false,
};

/// `note [-k KEY]… [--nb NAME] [-m MODE] [TEXT]`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct NoteArgs {
    /// Keys by which it is found at once.
    #[arg(short = 'k', long = "key", alias = "keys", value_name = "KEY")]
    pub keys: Vec<String>,
    /// The notebook.
    #[arg(short = 'n', long = "nb", aliases = ["notebook", "name"], value_name = "NOTEBOOK")]
    pub notebook: Option<String>,
    /// What to do with the notebook, instead of writing in it.
    #[arg(short = 'm', long = "mode", value_name = "MODE")]
    pub mode: Option<String>,
    /// What to note; without it, the messages that follow.
    #[arg(value_name = "TEXT…")]
    pub text: Option<String>,
}

impl Arguments for NoteArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "note",
        aliases: &["记", "笔记", "记录"],
        rest: TEXT,
        ..NOTE
    };
}

/// `endnote`: the text is complete, keys follow.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct EndnoteArgs {}

impl Arguments for EndnoteArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "endnote",
        aliases: &["写完"],
        ..NOTE
    };
}

/// `endkey`: the keys are complete, the note is saved.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct EndkeyArgs {}

impl Arguments for EndkeyArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "endkey",
        aliases: &["保存"],
        ..NOTE
    };
}

/// `find [--page N] QUERY`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct FindArgs {
    /// Which page, from 1.
    #[arg(long, value_name = "PAGE", value_parser = value::number)]
    pub page: Option<u32>,
    /// What to look for.
    #[arg(value_name = "QUERY…", required = true)]
    pub query: String,
}

impl Arguments for FindArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "find",
        aliases: &["搜", "查找", "搜索"],
        rest: TEXT,
        ..NOTE
    };
}

/// `shownote NUMBER`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ShownoteArgs {
    /// Which.
    #[arg(value_name = "NUMBER", required = true, value_parser = value::job)]
    pub number: i64,
}

impl Arguments for ShownoteArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "shownote",
        aliases: &["看笔记"],
        ..NOTE
    };
}

/// `mynotes [--page N] [--export]`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct MynotesArgs {
    /// Everything of yours as a file.
    #[arg(long)]
    pub export: bool,
    /// Which page, from 1.
    #[arg(long, value_name = "PAGE", value_parser = value::number)]
    pub page: Option<u32>,
}

impl Arguments for MynotesArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "mynotes",
        aliases: &["我的笔记"],
        ..NOTE
    };
}

/// `editnote NUMBER TEXT`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct EditnoteArgs {
    /// Which.
    #[arg(value_name = "NUMBER", required = true, value_parser = value::job)]
    pub number: i64,
    /// What it says from now on.
    #[arg(value_name = "TEXT…", required = true)]
    pub text: String,
}

impl Arguments for EditnoteArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "editnote",
        aliases: &["改笔记"],
        rest: Rest::Verbatim {
            after: 1,
            shell: false,
        },
        ..NOTE
    };
}

/// `appendnote NUMBER [TEXT]`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct AppendnoteArgs {
    /// Which.
    #[arg(value_name = "NUMBER", required = true, value_parser = value::job)]
    pub number: i64,
    /// What is added.
    #[arg(value_name = "TEXT…")]
    pub text: Option<String>,
}

impl Arguments for AppendnoteArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "appendnote",
        aliases: &["append", "追加"],
        rest: Rest::Verbatim {
            after: 1,
            shell: false,
        },
        ..NOTE
    };
}

/// `tagnote NUMBER KEY…`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct TagnoteArgs {
    /// Which.
    #[arg(value_name = "NUMBER", required = true, value_parser = value::job)]
    pub number: i64,
    /// Keys that it gets.
    #[arg(value_name = "KEY", required = true)]
    pub keys: Vec<String>,
}

impl Arguments for TagnoteArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "tagnote",
        aliases: &["笔记标签"],
        ..NOTE
    };
}

/// `untagnote NUMBER KEY…`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct UntagnoteArgs {
    /// Which.
    #[arg(value_name = "NUMBER", required = true, value_parser = value::job)]
    pub number: i64,
    /// Keys that it loses.
    #[arg(value_name = "KEY", required = true)]
    pub keys: Vec<String>,
}

impl Arguments for UntagnoteArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "untagnote",
        aliases: &["去笔记标签"],
        ..NOTE
    };
}

/// `notehistory NUMBER`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct NotehistoryArgs {
    /// Which.
    #[arg(value_name = "NUMBER", required = true, value_parser = value::job)]
    pub number: i64,
}

impl Arguments for NotehistoryArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "notehistory",
        aliases: &["笔记历史"],
        ..NOTE
    };
}

/// `delnote NUMBER`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct DelnoteArgs {
    /// Which.
    #[arg(value_name = "NUMBER", required = true, value_parser = value::job)]
    pub number: i64,
}

impl Arguments for DelnoteArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "delnote",
        aliases: &["删笔记"],
        ..NOTE
    };
}

/// `undonote NUMBER [--to STATE]`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct UndonoteArgs {
    /// Which of its states, as `notehistory` counts them.
    #[arg(long, value_name = "STATE", value_parser = value::number)]
    pub to: Option<u32>,
    /// Which.
    #[arg(value_name = "NUMBER", required = true, value_parser = value::job)]
    pub number: i64,
}

impl Arguments for UndonoteArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "undonote",
        aliases: &["撤销笔记"],
        ..NOTE
    };
}

/// `notebook`, `notebook new NAME`, `notebook share NAME PERSON [--write]`, `notebook unshare NAME PERSON`,
/// `notebook words NAME [WORD…] [--remove]`, `notebook synonym NAME [WORD…] [--remove]`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct NotebookArgs {
    /// The person may write too.
    #[arg(long, short = 'w')]
    pub write: bool,
    /// The words are forgotten instead.
    #[arg(long, short = 'r')]
    pub remove: bool,
    /// `list`, `new`, `share`, `unshare`, `words` or `synonym`.
    #[arg(value_name = "ACTION",
        value_parser = ["list", "new", "share", "unshare", "words", "synonym"])]
    pub action: Option<String>,
    /// The notebook.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// Who; or words.
    #[arg(value_name = "PERSON")]
    pub items: Vec<String>,
}

impl Arguments for NotebookArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "notebook",
        aliases: &["notebooks", "笔记本"],
        ..NOTE
    };
}

/// `rebuildkeywords`: makes the index anew.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RebuildkeywordsArgs {}

impl Arguments for RebuildkeywordsArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "rebuildkeywords",
        aliases: &["reindex", "重建索引"],
        ..NOTE
    };
}
