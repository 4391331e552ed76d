//! People, their identities and roles: `whoami`, `claim`, `bind`, `unbind`, `signin`, `users`, `user`,
//! `role`, `why`.

pub(super) mod bind;
pub(crate) mod run;
pub(super) mod sign_in;

use clap::Args;

use crate::account::Role;
use crate::command::permission::{Decision, Permission, Subject};
use crate::command::problem::ParseProblem;
use crate::command::registry::{Arguments, CommandSpec, Confirm, Family, Place, Registry, Rest};
use crate::command::value;
use crate::command::words::Words;
use crate::reply::Reply;
use crate::text::{Language, Text, text};

/// What the commands of this file start from.
const PEOPLE: CommandSpec = CommandSpec {
    name: "",
    aliases: &[],
    family: Family::People,
    permission: Permission::Everyone,
    place: Place::Anywhere,
    confirm: Confirm::Never,
    hidden: false,
    rest: Rest::Words,
};

/// `whoami`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct WhoamiArgs {}

impl Arguments for WhoamiArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "whoami",
        aliases: &["me", "我是谁", "我"],
        ..PEOPLE
    };
}

/// `claim CODE`: becomes the owner with the code of the server's console.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ClaimArgs {
    /// The code; none gives an owner a new one for another app.
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

impl Arguments for ClaimArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "claim",
        aliases: &["认领"],
        place: Place::PrivateOnly,
        ..PEOPLE
    };
}

/// `bind [CODE]`: makes this chat identity part of an account that is used elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct BindArgs {
    /// The code that the other side was given; none asks for one.
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

impl Arguments for BindArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "bind",
        aliases: &["绑定"],
        ..PEOPLE
    };
}

/// `unbind [PLATFORM…]`: takes chat identities out of the account again.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct UnbindArgs {
    /// Does not ask back.
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// Which; none means this one.
    #[arg(value_name = "PLATFORM")]
    pub platforms: Vec<String>,
}

impl Arguments for UnbindArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "unbind",
        aliases: &["解绑"],
        permission: Permission::Member,
        confirm: Confirm::Always,
        ..PEOPLE
    };
}

/// `signin [PLATFORM]`: opens a line of one's own where each person has one, by scanning a code.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct SigninArgs {
    /// Where; may be left out where only one can be meant.
    #[arg(value_name = "PLATFORM")]
    pub platform: Option<String>,
}

impl Arguments for SigninArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "signin",
        aliases: &["登录", "扫码"],
        permission: Permission::Member,
        place: Place::PrivateOnly,
        ..PEOPLE
    };
}

/// `users`: the list.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct UsersArgs {
    /// How many at most.
    #[arg(short = 'n', long = "number", alias = "nums", value_name = "NUMBER", value_parser = value::number)]
    pub number: Option<u32>,
}

impl Arguments for UsersArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "users",
        aliases: &["用户", "成员"],
        permission: Permission::Owner,
        ..PEOPLE
    };
}

/// `user USER`, `user -n NAME`: all about one.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct UserArgs {
    /// By name, when the name is a number too.
    #[arg(short = 'n', long = "name", alias = "username", value_name = "NAME")]
    pub name: Option<String>,
    /// Number, name or `@handle`.
    #[arg(
        value_name = "USER",
        required_unless_present = "name",
        conflicts_with = "name"
    )]
    pub user: Option<String>,
}

impl Arguments for UserArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "user",
        aliases: &["用户详情"],
        permission: Permission::Owner,
        ..PEOPLE
    };
}

/// `role USER ROLE`: says what somebody may do.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RoleArgs {
    /// Limits an operator to nodes with one of these tags.
    #[arg(long, value_name = "TAG", value_delimiter = ',', value_parser = value::name)]
    pub tag: Vec<String>,
    /// Number, name or `@handle`.
    #[arg(value_name = "USER", required = true)]
    pub user: String,
    /// The role.
    #[arg(value_name = "ROLE", required = true, value_parser = value::role)]
    pub role: Role,
}

impl Arguments for RoleArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "role",
        aliases: &["角色", "授权"],
        permission: Permission::Owner,
        ..PEOPLE
    };

    fn check(&self) -> Result<(), ParseProblem> {
        if self.role != Role::Operator && !self.tag.is_empty() {
            return Err(ParseProblem::Conflict {
                flag: "--tag".to_owned(),
            });
        }
        Ok(())
    }
}

/// `why [USER] COMMAND…`: whether somebody may do something, and by which rule.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct WhyArgs {
    /// The command line to judge, perhaps with a user before it.
    #[arg(
        value_name = "[USER] COMMAND…",
        required = true,
        allow_hyphen_values = true
    )]
    pub line: String,
}

impl Arguments for WhyArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "why",
        aliases: &["为什么"],
        permission: Permission::Member,
        rest: Rest::Verbatim {
            after: 0,
            shell: false,
        },
        ..PEOPLE
    };
}

impl WhyArgs {
    /// The user (`None` for the caller) and the command line. A first word that is a command is no
    /// user.
    ///
    /// # Errors
    /// An open quote, or no command behind the user.
    pub fn question<'a>(
        &'a self,
        registry: &Registry,
    ) -> Result<(Option<String>, &'a str), ParseProblem> {
        let mut words = Words::new(&self.line);
        let missing = || ParseProblem::Missing {
            names: vec!["COMMAND…".to_owned()],
        };
        let first = words.next().transpose()?.ok_or_else(missing)?;
        if !first.quoted && registry.find(&first.text).is_some() {
            return Ok((None, &self.line));
        }
        let line = self.line[words.next_start()..].trim();
        if line.is_empty() {
            Err(missing())
        } else {
            Ok((Some(first.text), line))
        }
    }
}

/// The answer to `why`: what [`decide`](crate::command::permission::decide) said of `line` for the
/// person called `name`.
pub fn why(
    language: Language,
    name: &str,
    subject: &Subject,
    line: &str,
    decision: &Decision,
) -> Reply {
    let line_shown = Text::code(line);
    let role = subject.describe(language);
    let first = if decision.is_allowed() {
        text!(
            language,
            "why-allowed",
            name = name,
            role = role,
            command = line_shown
        )
    } else {
        text!(
            language,
            "why-refused",
            name = name,
            role = role,
            command = line_shown
        )
    };
    let rule = decision.rule();
    let reply = Reply::new().line(first).line(text!(
        language,
        "why-rule",
        rule = rule.name(),
        explanation = rule.explain(language),
    ));
    match decision {
        Decision::Refused { reason, .. } => match reason.detail(language) {
            Some(detail) => reply.line(detail),
            None => reply,
        },
        Decision::Allowed { .. } => reply,
    }
}
