//! `docker`.

use super::DockerArgs;
use crate::answer::Answer;
use crate::commands::jobs::run::{preview, title};
use crate::commands::{Call, Trouble};
use crate::job::{self, DockerAction, Instruction, JobSpec};
use crate::text::{Text, excerpt, text};

/// `docker TARGET ACTION [CONTAINER]`.
pub(in crate::commands) async fn docker(
    call: &Call<'_>,
    args: DockerArgs,
    line: &str,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let permission = crate::command::permission::Permission::Operator;
    let nodes = match call.nodes_for(&args.target, permission, line) {
        Ok(nodes) => nodes,
        Err(answer) => return Ok(answer),
    };
    let container = args.container.unwrap_or_default();
    if args.action != DockerAction::Ps {
        if container.is_empty() {
            let target = args.target.to_string();
            let list = format!("docker {target} ps");
            let which = text!(
                language,
                "docker-which",
                example = Text::code(&format!("docker {target} {} NAME", args.action.name())),
                list = Text::code(&list)
            );
            return Ok(Answer::say(
                crate::reply::Reply::from(which).button(Text::plain("ps"), list),
            ));
        }
        if !is_container_name(&container) {
            return Ok(Answer::say(text!(
                language,
                "docker-name",
                name = excerpt(&container)
            )));
        }
    }
    let spec = JobSpec::Instruct(Instruction::Docker {
        action: args.action,
        container,
        tail: args.tail.unwrap_or(0),
        all: args.all,
    });
    let asks_back = spec.asks_back() || (nodes.len() > 1 && args.action == DockerAction::Start);
    if asks_back && !args.yes && !call.is_confirmed {
        let preview = preview(call, &title(&spec), &nodes);
        return Ok(call.ask(preview, line, serde_json::Value::Null));
    }
    Ok(job::plan(call, spec, &nodes, args.wait).await?)
}

/// A name or id as Docker gives them.
fn is_container_name(name: &str) -> bool {
    name.len() <= 128
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_docker_gives_them() {
        assert!(is_container_name("web_1.a-b") && is_container_name("0a1b"));
        for bad in ["", "-a", "a/b", "a?b", "容器", "a b"] {
            assert!(!is_container_name(bad), "{bad}");
        }
    }
}
