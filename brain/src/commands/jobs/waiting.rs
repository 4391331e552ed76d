//! `jobs --waiting`: what is to be run when nodes are back.

use std::collections::HashMap;

use super::JobsArgs;
use super::run::{shortened, title};
use crate::answer::Answer;
use crate::commands::{Call, Trouble};
use crate::job::{Job, JobId, TaskState};
use crate::reply::Reply;
use crate::text::{Text, format, text};

/// How many rows are shown, and how many buttons.
const SHOWN: (usize, usize) = (30, 3);

/// `jobs --waiting [--all] [--node NODE]`: node by node, in the order in which they go out.
pub(super) async fn waiting(call: &Call<'_>, args: &JobsArgs) -> Result<Answer, Trouble> {
    let language = call.language();
    let mut jobs: HashMap<JobId, Job> = HashMap::new();
    for job in call.brain.store().open_jobs().await? {
        if args.all || job.account == *call.account() {
            jobs.insert(job.id.clone(), job);
        }
    }
    let tasks = call.brain.store().open_tasks(None).await?;
    let mut rows: Vec<(String, &Job)> = tasks
        .into_iter()
        .filter(|task| task.state == TaskState::Waiting)
        .filter(|task| args.node.as_ref().is_none_or(|node| *node == task.node))
        .filter_map(|task| Some((task.node, jobs.get(&task.job)?)))
        .collect();
    rows.sort_by(|(node, job), (other, second)| (node, job.number).cmp(&(other, second.number)));
    if rows.is_empty() {
        return Ok(Answer::say(text!(language, "jobs-none-waiting")));
    }
    let mut reply = Reply::new().line(text!(language, "jobs-waiting-head", jobs = rows.len()));
    let most = args
        .number
        .map_or(SHOWN.0, |number| (number as usize).min(SHOWN.0));
    for (node, job) in rows.iter().take(most) {
        reply = reply.line(text!(
            language,
            "jobs-waiting-row",
            number = job.number,
            node = node.as_str(),
            title = Text::code(&shortened(&title(&job.spec), 60)),
            clock = format::clock(job.wait_until_ms, &call.brain.zone()),
        ));
    }
    if rows.len() > most {
        reply = reply.line(text!(
            language,
            "status-more-rows",
            more = rows.len() - most
        ));
    }
    for (_, job) in rows.iter().take(SHOWN.1) {
        let label = text!(language, "button-cancel-job", number = job.number);
        reply = reply.button(label, format!("cancel {}", job.number));
    }
    Ok(Answer::say(reply))
}
