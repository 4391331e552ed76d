//! `get` and `put`.

use std::time::Duration;

use super::{GetArgs, PutArgs};
use crate::answer::Answer;
use crate::command::permission::Permission;
use crate::command::value::FilePlace;
use crate::commands::attach::{self, KeptFile};
use crate::commands::jobs::run::preview;
use crate::commands::{Call, Trouble, registry};
use crate::job::{self, GetSpec, JobSpec, PutSpec};
use crate::text::text;

/// `get NODE:PATH`.
pub(in crate::commands) async fn get(
    call: &Call<'_>,
    args: GetArgs,
    line: &str,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let place = match args.file_place() {
        Ok(place) => place,
        Err(problem) => {
            let command = registry()
                .find("get")
                .map(|command| problem.explain(language, command));
            return Ok(command.map_or_else(Answer::nothing, Answer::say));
        }
    };
    let nodes = match call.nodes_for(&place.target, Permission::Operator, line) {
        Ok(nodes) => nodes,
        Err(answer) => return Ok(answer),
    };
    let [node] = nodes.as_slice() else {
        return Ok(Answer::say(text!(
            language,
            "get-one-node",
            target = place.target.to_string()
        )));
    };
    if !call.inbound.session.capabilities().files_out {
        return Ok(Answer::say(text!(
            language,
            "files-unsupported",
            node = node.record.name.as_str(),
            path = place.path,
        )));
    }
    let spec = JobSpec::Get(GetSpec {
        path: place.path,
        tail_lines: u64::from(args.tail.unwrap_or(0)),
        head_lines: u64::from(args.head.unwrap_or(0)),
        gzip: args.gzip,
    });
    Ok(job::plan(call, spec, std::slice::from_ref(node), None).await?)
}

/// `put NODE:PATH`, with a file attached.
pub(in crate::commands) async fn put_command(
    call: &Call<'_>,
    args: PutArgs,
) -> Result<Answer, Trouble> {
    let file = match attach::the_file(call).await {
        Ok(file) => file,
        Err(answer) => return Ok(answer),
    };
    put(call, &file, &args.place, args.wait, args.yes).await
}

/// Puts a file of ours on nodes.
pub(in crate::commands) async fn put(
    call: &Call<'_>,
    file: &KeptFile,
    place: &FilePlace,
    wait: Option<Duration>,
    yes: bool,
) -> Result<Answer, Trouble> {
    let line = format!("put {place}");
    let nodes = match call.nodes_for(&place.target, Permission::Operator, &line) {
        Ok(nodes) => nodes,
        Err(answer) => return Ok(answer),
    };
    if nodes.len() > 1 && !yes && !call.is_confirmed {
        let title = format!("put {} → {}", file.name, place.path);
        let data = serde_json::to_value(file).unwrap_or_default();
        return Ok(call.ask(preview(call, &title, &nodes), &line, data));
    }
    let spec = JobSpec::Put(PutSpec {
        blob: file.blob.clone(),
        name: file.name.clone(),
        size: file.size,
        path: place.path.clone(),
    });
    Ok(job::plan(call, spec, &nodes, wait).await?)
}
