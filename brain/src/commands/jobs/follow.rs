//! `log ID --follow`, and its end.

use crate::answer::{After, Answer};
use crate::commands::{Call, Trouble};
use crate::job::{FOLLOW_FOR, Job, NewFollow, Task};
use crate::store::Follow;
use crate::text::text;

/// Begins to show the output of a task that has not ended.
pub(super) async fn follow(call: &Call<'_>, job: &Job, task: &Task) -> Result<Answer, Trouble> {
    if let Some(known) = known(call, job).await? {
        let stop = crate::text::Text::code(&format!("log {} --stop", job.number));
        let language = call.language();
        let reply = if known.position == task.position {
            text!(language, "follow-already", number = job.number, stop = stop)
        } else {
            text!(language, "follow-other", number = job.number, stop = stop)
        };
        return Ok(Answer::say(reply));
    }
    let life_ms = i64::try_from(FOLLOW_FOR.as_millis()).unwrap_or(i64::MAX);
    let follow = Follow {
        id: uuid::Uuid::now_v7().to_string(),
        job: job.id.clone(),
        position: task.position,
        room: call.room().clone(),
        reply_to: call.message.message_id.clone(),
        language: call.language().code().to_owned(),
        until_ms: call.brain.now_ms() + life_ms,
    };
    let new = NewFollow::new(call.brain, follow, job, task);
    let mut answer = Answer::nothing().about(format!("job {}", job.number));
    answer.ops = new.ops();
    Ok(answer.then(After::Follow(Box::new(new))))
}

/// `log ID --stop`.
pub(super) async fn stop(call: &Call<'_>, job: &Job) -> Result<Answer, Trouble> {
    let Some(known) = known(call, job).await? else {
        let reply = text!(call.language(), "follow-none", number = job.number);
        return Ok(Answer::say(reply));
    };
    Ok(Answer::nothing().then(After::StopFollow(known.id)))
}

/// How this room follows the job already.
async fn known(call: &Call<'_>, job: &Job) -> Result<Option<Follow>, Trouble> {
    let follows = call.brain.store().follows().await?;
    Ok(follows
        .into_iter()
        .find(|follow| follow.job == job.id && follow.room == *call.room()))
}
