//! `clearlogs`.

use super::ClearlogsArgs;
use crate::answer::Answer;
use crate::command::permission::Permission;
use crate::commands::jobs::run::{preview, title};
use crate::commands::{Call, Trouble};
use crate::job::{self, Instruction, JobSpec};
use crate::text::text;

/// `clearlogs TARGET [--older-than TIME]`.
pub(in crate::commands) async fn clear_logs(
    call: &Call<'_>,
    args: ClearlogsArgs,
    line: &str,
) -> Result<Answer, Trouble> {
    let nodes = match call.nodes_for(&args.target, Permission::Operator, line) {
        Ok(nodes) => nodes,
        Err(answer) => return Ok(answer),
    };
    let older_than = args.older_than.unwrap_or_default();
    let spec = JobSpec::Instruct(Instruction::ClearLogs {
        older_than_ms: u64::try_from(older_than.as_millis()).unwrap_or(u64::MAX),
    });
    if !args.yes && !call.is_confirmed {
        let preview =
            preview(call, &title(&spec), &nodes).line(text!(call.language(), "clearlogs-note"));
        return Ok(call.ask(preview, line, serde_json::Value::Null));
    }
    Ok(job::plan(call, spec, &nodes, args.wait).await?)
}
