//! `get`, `put` and `cp`.

use std::fmt::Write as _;
use std::time::Duration;

use super::{CpArgs, GetArgs, PutArgs, store};
use crate::answer::Answer;
use crate::command::permission::Permission;
use crate::command::problem::ParseProblem;
use crate::command::value::FilePlace;
use crate::command::words::quote;
use crate::commands::attach::{self, KeptFile};
use crate::commands::jobs::run::{preview, title};
use crate::commands::{Call, Trouble, registry};
use crate::job::{self, CopySpec, GetSpec, JobSpec, PutSpec};
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
        Err(problem) => return Ok(explained(call, "get", &problem)),
    };
    let nodes = match call.nodes_for(&place.target, Permission::Operator, line) {
        Ok(nodes) => nodes,
        Err(answer) => return Ok(answer),
    };
    if !args.keep && !call.inbound.session.capabilities().files_out {
        return Ok(Answer::say(text!(
            language,
            "files-unsupported",
            node = place.target.to_string(),
            path = place.path,
        )));
    }
    let spec = JobSpec::Get(GetSpec {
        path: place.path,
        tail_lines: u64::from(args.tail.unwrap_or(0)),
        head_lines: u64::from(args.head.unwrap_or(0)),
        gzip: args.gzip,
        keep: args.keep,
    });
    Ok(job::plan(call, spec, &nodes, None).await?)
}

/// `put NODE:PATH`, with a file attached, kept or answered to.
pub(in crate::commands) async fn put_command(
    call: &Call<'_>,
    args: PutArgs,
) -> Result<Answer, Trouble> {
    let place = match args.file_place() {
        Ok(place) => place,
        Err(problem) => return Ok(explained(call, "put", &problem)),
    };
    let kept = match (call.kept_file, args.file) {
        (None, Some(number)) => match store::find(call, number).await? {
            Ok(file) => Ok(store::kept(&file)),
            Err(answer) => Err(answer),
        },
        _ => attach::the_file(call).await,
    };
    let file = match kept {
        Ok(file) => file,
        Err(answer) => return Ok(answer),
    };
    let how = PutHow {
        wait: args.wait,
        yes: args.yes,
        extract: args.extract,
    };
    put(call, &file, &place, how).await
}

/// How a file is put.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::commands) struct PutHow {
    wait: Option<Duration>,
    yes: bool,
    extract: bool,
}

/// Puts a file of ours on nodes.
pub(in crate::commands) async fn put(
    call: &Call<'_>,
    file: &KeptFile,
    place: &FilePlace,
    how: PutHow,
) -> Result<Answer, Trouble> {
    let mut line = "put".to_owned();
    if how.extract {
        line.push_str(" --extract");
    }
    line.push_str(&waiting(how.wait));
    let _ = write!(line, " {}", quote(&place.to_string()));
    let nodes = match call.nodes_for(&place.target, Permission::Operator, &line) {
        Ok(nodes) => nodes,
        Err(answer) => return Ok(answer),
    };
    if nodes.len() > 1 && !how.yes && !call.is_confirmed {
        let title = format!("put {} → {}", file.name, place.path);
        let data = serde_json::to_value(file).unwrap_or_default();
        return Ok(call.ask(preview(call, &title, &nodes), &line, data));
    }
    let spec = JobSpec::Put(PutSpec {
        blob: file.blob.clone(),
        name: file.name.clone(),
        size: file.size,
        path: place.path.clone(),
        extract: how.extract,
    });
    Ok(job::plan(call, spec, &nodes, how.wait).await?)
}

/// `cp FROM TO`.
pub(in crate::commands) async fn cp(
    call: &Call<'_>,
    args: CpArgs,
    line: &str,
) -> Result<Answer, Trouble> {
    let sources = match call.nodes_for(&args.from.target, Permission::Operator, line) {
        Ok(nodes) => nodes,
        Err(answer) => return Ok(answer),
    };
    let [source] = sources.as_slice() else {
        return Ok(Answer::say(text!(
            call.language(),
            "cp-one-source",
            target = args.from.target.to_string()
        )));
    };
    let nodes = match call.nodes_for(&args.to.target, Permission::Operator, line) {
        Ok(nodes) => nodes,
        Err(answer) => return Ok(answer),
    };
    let spec = JobSpec::Copy(CopySpec {
        from: source.record.name.clone(),
        from_address: source.record.address.clone(),
        source: args.from.path.clone(),
        path: args.to.path.clone(),
    });
    if nodes.len() > 1 && !args.yes && !call.is_confirmed {
        let (from, to) = (
            quote(&args.from.to_string()).into_owned(),
            args.to.to_string(),
        );
        let line = format!("cp{} {from} {}", waiting(args.wait), quote(&to));
        let preview = preview(call, &title(&spec), &nodes);
        return Ok(call.ask(preview, &line, serde_json::Value::Null));
    }
    Ok(job::plan(call, spec, &nodes, args.wait).await?)
}

/// The flag that waits for offline nodes, as it is typed.
fn waiting(wait: Option<Duration>) -> String {
    wait.map_or_else(String::new, |wait| {
        format!(" --wait {}ms", wait.as_millis())
    })
}

fn explained(call: &Call<'_>, command: &str, problem: &ParseProblem) -> Answer {
    let explained = registry()
        .find(command)
        .map(|command| problem.explain(call.language(), command));
    explained.map_or_else(Answer::nothing, Answer::say)
}
