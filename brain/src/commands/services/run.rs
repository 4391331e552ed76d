//! `call` and `services`.

use std::time::Duration;

use jarvis_proto::node::ServiceFacts;
use serde_json::{Map, Value};

use super::{CallArgs, ServicesArgs};
use crate::answer::Answer;
use crate::command::suggest;
use crate::command::target::{Target, listed};
use crate::command::words;
use crate::commands::jobs::run::preview;
use crate::commands::{Call, Trouble};
use crate::fleet::FleetNode;
use crate::job::{self, Instruction, JobSpec};
use crate::reply::Reply;
use crate::text::{Language, Text, excerpt, format, text};

/// Most bytes of JSON that a service gets.
const MOST_INPUT: usize = 64 * 1024;

/// `call TARGET SERVICE JSON|KEY=VALUE…`.
pub(in crate::commands) async fn call(
    call: &Call<'_>,
    args: CallArgs,
    line: &str,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let permission = crate::command::permission::Permission::Operator;
    let nodes = match call.nodes_for(&args.target, permission, line) {
        Ok(nodes) => nodes,
        Err(answer) => return Ok(answer),
    };
    if let Some(unknown) = unknown_service(language, &nodes, &args.service) {
        return Ok(Answer::say(unknown));
    }
    let json = match input(args.input.as_deref().unwrap_or_default()) {
        Ok(json) => json,
        Err(problem) => return Ok(Answer::say(problem.explain(language))),
    };
    if json.len() > MOST_INPUT {
        return Ok(Answer::say(text!(
            language,
            "call-too-large",
            size = format::bytes(json.len() as u64),
            limit = format::bytes(MOST_INPUT as u64)
        )));
    }
    let danger = nodes
        .iter()
        .filter_map(|node| service_of(node, &args.service))
        .any(|service| service.danger);
    let spec = JobSpec::Instruct(Instruction::Call {
        service: args.service.clone(),
        json,
        timeout_ms: args.timeout.map_or(0, millis),
        danger,
    });
    let asks_back = nodes.len() > 1 || spec.asks_back();
    if asks_back && !args.yes && !call.is_confirmed {
        let title = crate::commands::jobs::run::title(&spec);
        return Ok(call.ask(preview(call, &title, &nodes), line, Value::Null));
    }
    Ok(job::plan(call, spec, &nodes, args.wait).await?)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn services_of(node: &FleetNode) -> Vec<ServiceFacts> {
    node.facts().map(|facts| facts.services).unwrap_or_default()
}

fn service_of(node: &FleetNode, name: &str) -> Option<ServiceFacts> {
    services_of(node)
        .into_iter()
        .find(|service| service.name == name)
}

/// What to say when a node that is there does not offer the service. One that is away may when it is
/// back.
fn unknown_service(language: Language, nodes: &[FleetNode], name: &str) -> Option<Reply> {
    let without: Vec<String> = nodes
        .iter()
        .filter(|node| node.is_online() && service_of(node, name).is_none())
        .map(|node| node.record.name.clone())
        .collect();
    let first = without.first()?;
    let offered: Vec<String> = nodes
        .iter()
        .flat_map(services_of)
        .map(|service| service.name)
        .collect();
    let reply = Reply::from(text!(
        language,
        "service-unknown",
        node = listed(language, &without),
        service = Text::code(&excerpt(name))
    ));
    let near = suggest::nearest(name, offered.iter().map(String::as_str));
    Some(match near {
        Some(near) => reply.line(text!(language, "call-meant", service = Text::code(near))),
        None => reply.button(
            text!(language, "button-services"),
            format!("services {first}"),
        ),
    })
}

/// What is wrong with a service's input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum InputProblem {
    /// It begins like JSON and is none.
    Json {
        /// In which line, from 1.
        line: usize,
        /// At which character, from 1.
        column: usize,
    },
    /// A word that is no `KEY=VALUE`.
    Pair(String),
    /// A key that stands twice.
    Twice(String),
    /// A quote that is never closed.
    Quote,
}

impl InputProblem {
    fn explain(&self, language: Language) -> Text {
        match self {
            Self::Json { line, column } => {
                text!(language, "call-json", line = *line, column = *column)
            }
            Self::Pair(word) => text!(language, "call-pair", word = excerpt(word)),
            Self::Twice(key) => text!(language, "call-twice", key = excerpt(key)),
            Self::Quote => text!(language, "call-quote"),
        }
    }
}

/// The JSON of what was typed.
pub(super) fn input(typed: &str) -> Result<String, InputProblem> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok("{}".to_owned());
    }
    if typed.starts_with(['{', '[']) {
        return match serde_json::from_str::<Value>(typed) {
            Ok(value) => Ok(value.to_string()),
            Err(error) => Err(InputProblem::Json {
                line: error.line(),
                column: error.column(),
            }),
        };
    }
    let words = words::split(typed).map_err(|_| InputProblem::Quote)?;
    let mut object = Map::new();
    for word in words {
        let (key, value) = match word.text.split_once('=') {
            Some((key, value)) if !key.is_empty() => (key, value),
            _ => return Err(InputProblem::Pair(word.text)),
        };
        if object.insert(key.to_owned(), plain_value(value)).is_some() {
            return Err(InputProblem::Twice(key.to_owned()));
        }
    }
    Ok(Value::Object(object).to_string())
}

/// Whether a value is written just as `text`.
fn is_written(value: &Value, text: &str) -> bool {
    let written = value.to_string();
    written == text
}

/// Numbers, `true`, `false` and `null` are what they look like, if nothing is lost by that: `1.10`
/// and `007` stay texts.
fn plain_value(text: &str) -> Value {
    match serde_json::from_str::<Value>(text) {
        Ok(value @ (Value::Bool(_) | Value::Null | Value::Number(_)))
            if is_written(&value, text) =>
        {
            value
        }
        _ => Value::String(text.to_owned()),
    }
}

/// `services [NODE]`.
pub(in crate::commands) fn services(call: &Call<'_>, args: &ServicesArgs) -> Answer {
    let language = call.language();
    let Some(name) = &args.node else {
        return Answer::say(overview(language, &call.brain.fleet().all(call.brain)));
    };
    let known = call.node_facts();
    let name = match Target::node(name).resolve(&known) {
        Ok(found) => found.first().map(|node| node.name.clone()),
        Err(problem) => return Answer::say(problem.explain(language)),
    };
    let node = name.and_then(|name| call.brain.fleet().get(call.brain, &name));
    match node {
        Some(node) => Answer::say(of_node(language, &node)),
        None => Answer::nothing(),
    }
}

fn overview(language: Language, nodes: &[FleetNode]) -> Reply {
    let mut reply = Reply::new();
    for node in nodes {
        let names: Vec<Text> = services_of(node)
            .iter()
            .map(|service| Text::code(&service.name))
            .collect();
        if names.is_empty() {
            continue;
        }
        let separator = text!(language, "list-separator").to_string();
        reply = reply.line(text!(
            language,
            "services-row",
            node = node.record.name.as_str(),
            services = Text::join(names, &separator)
        ));
    }
    if reply.is_empty() {
        return text!(language, "services-none-anywhere").into();
    }
    reply
}

fn of_node(language: Language, node: &FleetNode) -> Reply {
    let name = node.record.name.as_str();
    let services = services_of(node);
    if services.is_empty() {
        return text!(language, "services-none", node = name).into();
    }
    let mut reply = Reply::new().line(text!(
        language,
        "services-head",
        node = name,
        count = services.len()
    ));
    for service in &services {
        let limit = format::duration(language, Duration::from_millis(service.timeout_ms));
        let mut line = text!(
            language,
            "services-one",
            service = Text::code(&service.name),
            limit = limit
        );
        if !service.description.is_empty() {
            line = text!(
                language,
                "services-about",
                service = line,
                about = Text::plain(&service.description)
            );
        }
        if service.danger {
            line = text!(language, "services-danger", service = line);
        }
        reply = reply.line(line);
    }
    if !node.is_online() {
        reply = reply.line(text!(language, "services-offline", node = name));
    }
    reply
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_become_an_object() {
        assert_eq!(input("").unwrap(), "{}");
        assert_eq!(input("path=/srv").unwrap(), r#"{"path":"/srv"}"#);
        assert_eq!(
            input(r#"n=3 f=1.5 yes=true none=null v=1.10 id=007 "who=Ann Lee" empty= eq=a=b"#)
                .unwrap(),
            serde_json::json!({
                "n": 3, "f": 1.5, "yes": true, "none": null, "v": "1.10", "id": "007",
                "who": "Ann Lee", "empty": "", "eq": "a=b"
            })
            .to_string()
        );
    }

    #[test]
    fn json_is_taken_as_it_is() {
        assert_eq!(input(r#" {"a": [1, 2]} "#).unwrap(), r#"{"a":[1,2]}"#);
        assert_eq!(input("[1,\n2]").unwrap(), "[1,2]");
    }

    #[test]
    fn what_is_neither_is_named() {
        assert_eq!(
            input("{\"a\": }").unwrap_err(),
            InputProblem::Json { line: 1, column: 7 }
        );
        assert_eq!(
            input("a=1 b").unwrap_err(),
            InputProblem::Pair("b".to_owned())
        );
        assert_eq!(
            input("=1").unwrap_err(),
            InputProblem::Pair("=1".to_owned())
        );
        assert_eq!(
            input("a=1 a=2").unwrap_err(),
            InputProblem::Twice("a".to_owned())
        );
        assert_eq!(input("a='1").unwrap_err(), InputProblem::Quote);
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_json_or_a_problem(typed in any::<String>()) {
            if let Ok(json) = input(&typed) {
                prop_assert!(serde_json::from_str::<Value>(&json).is_ok());
            }
        }
    }
}
