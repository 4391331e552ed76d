//! `jobs`, `job`, `cancel`: looking at jobs and ending them.

use super::run::{find, shortened, title};
use super::{CancelArgs, JobArgs, JobsArgs};
use crate::answer::{After, Answer};
use crate::command::permission::{Object, Permission};
use crate::commands::{Call, Trouble};
use crate::job::{JobSpec, JobState, rollout, status_reply};
use crate::reply::Reply;
use crate::store::{JobFilter, Op};
use crate::text::{Text, format, text};

/// How many jobs `jobs` lists unasked, and at most.
const LISTED: (usize, usize) = (10, 50);

/// `jobs [-n N] [--all] [--node NODE]`.
pub(in crate::commands) async fn jobs(
    call: &Call<'_>,
    args: JobsArgs,
    line: &str,
) -> Result<Answer, Trouble> {
    let language = call.language();
    if args.all
        && let Err(answer) = call.check(Permission::Owner, &Object::None, line)
    {
        return Ok(answer);
    }
    if args.waiting {
        return super::waiting::waiting(call, &args).await;
    }
    let filter = JobFilter {
        account: (!args.all).then(|| call.account().clone()),
        node: args.node.clone(),
        ..JobFilter::default()
    };
    let limit = args
        .number
        .map_or(LISTED.0, |number| number as usize)
        .min(LISTED.1);
    let jobs = call.brain.store().jobs(&filter, limit).await?;
    if jobs.is_empty() {
        let node = call
            .node_facts()
            .first()
            .map_or_else(|| "NODE".to_owned(), |node| node.name.clone());
        return Ok(Answer::say(if args.node.is_some() {
            text!(language, "jobs-none-match")
        } else {
            text!(language, "jobs-none", node = node)
        }));
    }
    let mut reply = Reply::new().line(text!(language, "jobs-head"));
    for job in &jobs {
        let mark = match job.state {
            JobState::Open => "⏳",
            JobState::Done => "✔",
            JobState::Failed => "✖",
            JobState::Cancelled => "⊘",
        };
        let nodes: Vec<String> = call
            .brain
            .store()
            .tasks(&job.id)
            .await?
            .into_iter()
            .map(|task| task.node)
            .collect();
        reply = reply.line(text!(
            language,
            "jobs-row",
            mark = mark,
            number = job.number,
            target = crate::command::target::listed(language, &nodes),
            title = Text::code(&shortened(&title(&job.spec), 60)),
            outcome = job.state.as_str(),
            when = format::ago(
                language,
                job.created_ms,
                call.brain.now_ms(),
                &call.brain.zone()
            ),
        ));
    }
    Ok(Answer::say(reply))
}

/// `job ID`.
pub(in crate::commands) async fn job(call: &Call<'_>, args: JobArgs) -> Result<Answer, Trouble> {
    let (job, tasks) = match find(call, args.job).await? {
        Ok(found) => found,
        Err(answer) => return Ok(answer),
    };
    if matches!(job.spec, JobSpec::Update(_)) {
        let reply = rollout::status_reply(call.brain, &job, tasks).await?;
        return Ok(Answer::say(reply));
    }
    Ok(Answer::say(status_reply(call.brain, &job, tasks)))
}

/// `cancel [ID]`; without a number the caller's only open job, or an open dialog.
pub(in crate::commands) async fn cancel(
    call: &Call<'_>,
    args: CancelArgs,
    line: &str,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let number = match args.job {
        Some(number) => number,
        None => {
            let now_ms = call.brain.now_ms();
            if call
                .brain
                .store()
                .dialog(call.account(), call.room(), now_ms)
                .await?
                .is_some()
            {
                let drop = Op::DropDialog {
                    account: call.account().clone(),
                    room: call.room().clone(),
                };
                return Ok(Answer::say(text!(language, "confirm-declined")).op(drop));
            }
            let mine = JobFilter {
                account: Some(call.account().clone()),
                state: Some(JobState::Open),
                ..JobFilter::default()
            };
            match call.brain.store().jobs(&mine, 10).await?.as_slice() {
                [] => return Ok(Answer::say(text!(language, "cancel-none"))),
                [one] => one.number,
                several => {
                    let numbers: Vec<String> =
                        several.iter().map(|job| job.number.to_string()).collect();
                    return Ok(Answer::say(text!(
                        language,
                        "cancel-several",
                        jobs = numbers.join(", ")
                    )));
                }
            }
        }
    };
    let Some(job) = call.brain.store().job_by_number(number).await? else {
        return Ok(Answer::say(text!(language, "job-unknown", number = number)));
    };
    let object = Object::Job {
        own: job.account == *call.account(),
        nodes: &[],
    };
    if let Err(answer) = call.check(Permission::Operator, &object, line) {
        return Ok(answer);
    }
    if job.state != JobState::Open {
        return Ok(Answer::say(text!(
            language,
            "cancel-ended",
            number = number
        )));
    }
    let answer = Answer::say(text!(language, "cancel-sent", number = number));
    Ok(answer
        .about(format!("job {number}"))
        .then(After::Cancel(number)))
}
