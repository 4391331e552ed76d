//! From a command's arguments to what it does.

use super::{
    Call, Invocation, Trouble, files, general, jobs, logs, nodes, people, rollout, system,
};
use crate::answer::Answer;

/// Does what the invocation says. `line` is the normalized line, for refusals and questions.
pub(super) async fn run(
    call: &Call<'_>,
    invocation: Invocation,
    line: &str,
) -> Result<Answer, Trouble> {
    match invocation {
        Invocation::Start(args) => general::run::start(call, args).await,
        Invocation::Help(args) => Ok(general::run::help(call, &args)),
        Invocation::Run(args) => jobs::run::run(call, args, line).await,
        Invocation::Jobs(args) => jobs::look::jobs(call, args, line).await,
        Invocation::Job(args) => jobs::look::job(call, args).await,
        Invocation::Log(args) => jobs::log::log(call, args).await,
        Invocation::Cancel(args) => jobs::look::cancel(call, args, line).await,
        Invocation::Retry(args) => jobs::run::retry(call, args, line).await,
        Invocation::Again(args) => jobs::run::again(call, args, line).await,
        Invocation::Clearlogs(args) => logs::run::clear_logs(call, args, line).await,
        Invocation::Get(args) => files::run::get(call, args, line).await,
        Invocation::Put(args) => files::run::put_command(call, args).await,
        Invocation::Nodes(args) => Ok(nodes::run::nodes(call, &args)),
        Invocation::Node(args) => nodes::run::node(call, args).await,
        Invocation::Mystate(_) => Ok(nodes::run::mystate(call)),
        Invocation::Enroll(args) => nodes::run::enroll(call, args).await,
        Invocation::Forget(args) => Ok(nodes::run::forget(call, &args, line)),
        Invocation::Updnodes(args) => rollout::run::updnodes(call, args, line).await,
        Invocation::Rollback(args) => rollout::run::rollback(call, args, line).await,
        Invocation::Whoami(_) => people::run::whoami(call).await,
        Invocation::Claim(args) => people::bind::claim(call, args).await,
        Invocation::Bind(args) => people::bind::bind(call, args).await,
        Invocation::Unbind(args) => people::bind::unbind(call, args, line).await,
        Invocation::Users(args) => people::run::users(call, args).await,
        Invocation::User(args) => people::run::user(call, args).await,
        Invocation::Role(args) => people::run::role(call, args).await,
        Invocation::Why(args) => people::run::why_command(call, args, line).await,
        Invocation::Lang(args) => Ok(general::run::lang(call, &args)),
        Invocation::Yes(args) => general::run::yes(call, args).await,
        Invocation::No(args) => general::run::no(call, args).await,
        Invocation::Version(_) => Ok(Answer::say(general::version(call.language()))),
        Invocation::Health(_) => system::run::health(call).await,
        Invocation::Audit(args) => system::run::audit(call, args).await,
    }
}
