//! All commands, in one list. A family of commands is a file here.

use std::sync::LazyLock;

use crate::command::registry::{Arguments, Command, Line, Registry};

mod attach;
mod call;
pub mod docker;
pub mod files;
pub mod general;
pub mod jobs;
pub mod joining;
pub mod logs;
pub mod nodes;
pub mod notes;
pub mod people;
pub mod rollout;
mod run;
pub mod services;
pub mod system;
pub mod translation;
pub mod trust;
pub mod watch;

pub(crate) use attach::{continue_dialog, take_files};
pub(crate) use call::{Call, Trouble, run_line};
pub(crate) use notes::draft::{Drafted, continue_draft, load_drafts, may_be_drafted};
pub(crate) use notes::find::notes_of_key;
pub(crate) use notes::rebuild::rebuild_notes;

/// Makes [`Invocation`] and the registry's list from one list of argument structs.
macro_rules! commands {
    ($($name:ident($arguments:ty),)*) => {
        /// A command with its arguments.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Invocation {
            $(
                #[doc = concat!("The command of [`", stringify!($arguments), "`].")]
                $name($arguments),
            )*
        }

        impl Invocation {
            /// What the command is, apart from its arguments.
            pub fn spec(&self) -> &'static crate::command::registry::CommandSpec {
                match self {
                    $(Self::$name(_) => const { &<$arguments as Arguments>::SPEC },)*
                }
            }
        }

        fn list() -> Vec<Command> {
            vec![$(
                Command::new::<$arguments>(|matches| {
                    let arguments = <$arguments as clap::FromArgMatches>::from_arg_matches(matches)
                        .map_err(|_| crate::command::problem::ParseProblem::Other)?;
                    arguments.check()?;
                    Ok(Invocation::$name(arguments))
                }),
            )*]
        }
    };
}

commands! {
    Start(general::StartArgs),
    Help(general::HelpArgs),
    Run(jobs::RunArgs),
    Jobs(jobs::JobsArgs),
    Job(jobs::JobArgs),
    Log(jobs::LogArgs),
    Cancel(jobs::CancelArgs),
    Retry(jobs::RetryArgs),
    Again(jobs::AgainArgs),
    Logs(logs::LogsArgs),
    Clearlogs(logs::ClearlogsArgs),
    Get(files::GetArgs),
    Put(files::PutArgs),
    Cp(files::CpArgs),
    Files(files::FilesArgs),
    File(files::FileArgs),
    Rmfile(files::RmfileArgs),
    Note(notes::NoteArgs),
    Endnote(notes::EndnoteArgs),
    Endkey(notes::EndkeyArgs),
    Find(notes::FindArgs),
    Shownote(notes::ShownoteArgs),
    Mynotes(notes::MynotesArgs),
    Editnote(notes::EditnoteArgs),
    Appendnote(notes::AppendnoteArgs),
    Tagnote(notes::TagnoteArgs),
    Untagnote(notes::UntagnoteArgs),
    Delnote(notes::DelnoteArgs),
    Undonote(notes::UndonoteArgs),
    Notehistory(notes::NotehistoryArgs),
    Notebook(notes::NotebookArgs),
    Rebuildkeywords(notes::RebuildkeywordsArgs),
    Expnotes(notes::ExpnotesArgs),
    Impnotes(notes::ImpnotesArgs),
    Translate(translation::TranslateArgs),
    Tr(translation::TrArgs),
    Glossary(translation::GlossaryArgs),
    Starttranslate(translation::StarttranslateArgs),
    Stoptranslate(translation::StoptranslateArgs),
    Link(translation::LinkArgs),
    Unlink(translation::UnlinkArgs),
    Nodes(nodes::NodesArgs),
    Node(nodes::NodeArgs),
    Mystate(nodes::MystateArgs),
    Enroll(nodes::EnrollArgs),
    Join(joining::JoinArgs),
    Rename(joining::RenameArgs),
    Tag(joining::TagArgs),
    Untag(joining::UntagArgs),
    Forget(nodes::ForgetArgs),
    Services(services::ServicesArgs),
    Call(services::CallArgs),
    Docker(docker::DockerArgs),
    Subscribe(watch::SubscribeArgs),
    Unsubscribe(watch::UnsubscribeArgs),
    Subscriptions(watch::SubscriptionsArgs),
    Top(watch::TopArgs),
    Drift(watch::DriftArgs),
    Updnodes(rollout::UpdnodesArgs),
    Rollback(rollout::RollbackArgs),
    Trust(trust::TrustArgs),
    Untrust(trust::UntrustArgs),
    Trusted(trust::TrustedArgs),
    RotateKey(trust::RotateKeyArgs),
    RotateRoot(trust::RotateRootArgs),
    Keys(trust::KeysArgs),
    Whoami(people::WhoamiArgs),
    Claim(people::ClaimArgs),
    Bind(people::BindArgs),
    Unbind(people::UnbindArgs),
    Signin(people::SigninArgs),
    Users(people::UsersArgs),
    User(people::UserArgs),
    Role(people::RoleArgs),
    Why(people::WhyArgs),
    Lang(general::LangArgs),
    Yes(general::YesArgs),
    No(general::NoArgs),
    Version(general::VersionArgs),
    Ping(general::PingArgs),
    Health(system::HealthArgs),
    Audit(system::AuditArgs),
}

impl Invocation {
    /// The command line for the audit log; `line` is it as found. One-time codes, values of the
    /// environment, standard input and secret input of services are left out.
    pub fn audit_text(&self, line: &Line) -> String {
        match self {
            Self::Start(general::StartArgs { code: Some(_) })
            | Self::Bind(people::BindArgs { code: Some(_) })
            | Self::Link(translation::LinkArgs { code: Some(_), .. })
            | Self::Claim(_) => format!("{} …", self.spec().name),
            // Notes are for those who may read them.
            Self::Note(_)
            | Self::Editnote(_)
            | Self::Appendnote(_)
            | Self::Tagnote(_)
            | Self::Untagnote(_)
            | Self::Find(_)
            | Self::Expnotes(_)
            | Self::Tr(_) => {
                format!("{} …", self.spec().name)
            }
            Self::Run(arguments) => arguments.audit_text(),
            Self::Call(arguments) => arguments.audit_text(),
            _ => line.text(),
        }
    }

    /// `help COMMAND`.
    pub(crate) fn help_of(command: &str) -> Self {
        Self::Help(general::HelpArgs {
            command: Some(command.to_owned()),
        })
    }
}

/// All commands, by name and alias.
pub fn registry() -> &'static Registry {
    static REGISTRY: LazyLock<Registry> = LazyLock::new(|| Registry::new(list()));
    &REGISTRY
}
