//! The nodes that a command is for: `web-1`, `tag:web`, `type:jarvisnode`, `a,b`, `*`, and mixtures
//! with commas.

use std::fmt;
use std::str::FromStr;

use super::repair::fold;
use super::suggest;
use crate::text::{Language, Text, excerpt, text};

/// What commands and permissions need to know of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeFacts {
    /// The name under which the node is enrolled.
    pub name: String,
    /// Tags given at enrolment.
    pub tags: Vec<String>,
    /// What the node says it is; empty until it was seen.
    pub node_type: String,
    /// Whether it is connected now.
    pub online: bool,
}

/// One part of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The node of this name.
    Node(String),
    /// Every node with this tag.
    Tag(String),
    /// Every node of this type.
    Type(String),
    /// Every node.
    All,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(name) => f.write_str(name),
            Self::Tag(tag) => write!(f, "tag:{tag}"),
            Self::Type(node_type) => write!(f, "type:{node_type}"),
            Self::All => f.write_str("*"),
        }
    }
}

/// More parts than anybody types.
const MOST_PARTS: usize = 200;

/// The nodes that a command is for. Has at least one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    parts: Vec<Part>,
}

impl Target {
    /// The target that is one node.
    pub fn node(name: &str) -> Self {
        Self {
            parts: vec![Part::Node(name.to_owned())],
        }
    }

    /// The parts as typed.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The nodes that the target names, each once, in the order of the target and then of `nodes`.
    /// Names, tags and types are found without regard to case.
    ///
    /// # Errors
    /// A part names nothing.
    pub fn resolve<'a>(&self, nodes: &'a [NodeFacts]) -> Result<Vec<&'a NodeFacts>, TargetProblem> {
        let mut found: Vec<&NodeFacts> = Vec::new();
        for part in &self.parts {
            let before = found.len();
            let mut any = false;
            for node in nodes.iter().filter(|node| matches(part, node)) {
                any = true;
                if !found[..before].iter().any(|known| known.name == node.name) {
                    found.push(node);
                }
            }
            if !any {
                return Err(unknown(part, nodes));
            }
        }
        Ok(found)
    }
}

fn matches(part: &Part, node: &NodeFacts) -> bool {
    match part {
        Part::Node(name) => node.name.eq_ignore_ascii_case(name),
        Part::Tag(tag) => node.tags.iter().any(|own| own.eq_ignore_ascii_case(tag)),
        Part::Type(node_type) => node.node_type.eq_ignore_ascii_case(node_type),
        Part::All => true,
    }
}

fn unknown(part: &Part, nodes: &[NodeFacts]) -> TargetProblem {
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names.dedup();
        names.retain(|name| !name.is_empty());
        names
    };
    match part {
        Part::Node(name) => {
            let known = sorted(nodes.iter().map(|node| node.name.clone()).collect());
            let near = suggest::nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
            TargetProblem::UnknownNode {
                name: name.clone(),
                near,
                known,
            }
        }
        Part::Tag(tag) => TargetProblem::EmptyTag {
            tag: tag.clone(),
            known: sorted(nodes.iter().flat_map(|node| node.tags.clone()).collect()),
        },
        Part::Type(node_type) => TargetProblem::EmptyType {
            node_type: node_type.clone(),
            known: sorted(nodes.iter().map(|node| node.node_type.clone()).collect()),
        },
        Part::All => TargetProblem::NoNodes,
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.parts.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            part.fmt(f)?;
        }
        Ok(())
    }
}

impl FromStr for Target {
    type Err = TargetProblem;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let folded = fold(text);
        let mut parts = Vec::new();
        for word in folded
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
        {
            let malformed = || TargetProblem::Malformed {
                part: word.to_owned(),
            };
            let part = match word.split_once(':') {
                None if word == "*" => Part::All,
                None if is_name(word) => Part::Node(word.to_owned()),
                Some((kind, value)) if is_name(value) => match kind.to_ascii_lowercase().as_str() {
                    "tag" => Part::Tag(value.to_owned()),
                    "type" => Part::Type(value.to_owned()),
                    _ => return Err(malformed()),
                },
                _ => return Err(malformed()),
            };
            if !parts.contains(&part) {
                parts.push(part);
            }
            if parts.len() > MOST_PARTS {
                return Err(TargetProblem::Malformed {
                    part: folded.into_owned(),
                });
            }
        }
        if parts.is_empty() {
            return Err(TargetProblem::Empty);
        }
        Ok(Self { parts })
    }
}

/// Whether the text can be the name of a node, a tag or a type: letters, digits, `-`, `_`, `.`, at
/// most 63 characters, beginning with a letter or a digit.
pub fn is_name(text: &str) -> bool {
    text.chars().next().is_some_and(char::is_alphanumeric)
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && text.chars().count() <= 63
}

/// Why a target names no nodes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetProblem {
    /// Nothing was named.
    #[error("the target is empty")]
    Empty,
    /// A part has no form that we know.
    #[error("`{part}` is no target")]
    Malformed {
        /// The part.
        part: String,
    },
    /// No node has the name.
    #[error("there is no node `{name}`")]
    UnknownNode {
        /// As typed.
        name: String,
        /// The node that may be meant.
        near: Option<String>,
        /// All nodes, sorted.
        known: Vec<String>,
    },
    /// No node has the tag.
    #[error("no node has the tag `{tag}`")]
    EmptyTag {
        /// As typed.
        tag: String,
        /// All tags, sorted.
        known: Vec<String>,
    },
    /// No node is of the type.
    #[error("no node is of type `{node_type}`")]
    EmptyType {
        /// As typed.
        node_type: String,
        /// All types, sorted.
        known: Vec<String>,
    },
    /// There are no nodes at all.
    #[error("there are no nodes")]
    NoNodes,
}

impl TargetProblem {
    /// What a person reads.
    pub fn explain(&self, language: Language) -> Text {
        match self {
            Self::Empty => text!(language, "target-empty"),
            Self::Malformed { part } => text!(language, "target-malformed", part = excerpt(part)),
            Self::UnknownNode { known, .. } | Self::EmptyTag { known, .. } if known.is_empty() => {
                match self {
                    Self::EmptyTag { tag, .. } => text!(language, "tag-unknown-none", tag = tag),
                    _ => text!(language, "nodes-none"),
                }
            }
            Self::UnknownNode {
                name,
                near: Some(near),
                ..
            } => {
                text!(language, "node-unknown-near", node = name, near = near)
            }
            Self::UnknownNode {
                name,
                near: None,
                known,
            } => {
                text!(
                    language,
                    "node-unknown",
                    node = name,
                    nodes = listed(language, known)
                )
            }
            Self::EmptyTag { tag, known } => {
                text!(
                    language,
                    "tag-unknown",
                    tag = tag,
                    tags = listed(language, known)
                )
            }
            Self::EmptyType { node_type, known } => {
                let types = listed(language, known);
                text!(language, "type-unknown", type = node_type, types = types)
            }
            Self::NoNodes => text!(language, "nodes-none"),
        }
    }
}

/// Names for a sentence: at most twelve, and how many more there are.
pub fn listed(language: Language, names: &[String]) -> String {
    const MOST: usize = 12;
    let separator = text!(language, "list-separator").to_string();
    let mut list = names
        .iter()
        .take(MOST)
        .cloned()
        .collect::<Vec<_>>()
        .join(&separator);
    if let Some(more) = names.len().checked_sub(MOST).filter(|more| *more > 0) {
        list.push_str(&text!(language, "list-more", more = more).to_string());
    }
    list
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn nodes() -> Vec<NodeFacts> {
        let node = |name: &str, tags: &[&str], node_type: &str, online| NodeFacts {
            name: name.to_owned(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            node_type: node_type.to_owned(),
            online,
        };
        vec![
            node("web-1", &["web", "eu"], "jarvisnode", true),
            node("web-2", &["web"], "jarvisnode", false),
            node("db-1", &["db"], "jarvisshell", true),
        ]
    }

    fn names(target: &str) -> Result<Vec<String>, TargetProblem> {
        let nodes = nodes();
        let found = target.parse::<Target>()?.resolve(&nodes)?;
        Ok(found.into_iter().map(|node| node.name.clone()).collect())
    }

    #[test]
    fn targets_name_nodes_once_and_in_order() {
        let rows: [(&str, &[&str]); 9] = [
            ("web-1", &["web-1"]),
            ("WEB-1", &["web-1"]),
            ("tag:web", &["web-1", "web-2"]),
            ("type:jarvisshell", &["db-1"]),
            ("db-1,web-1", &["db-1", "web-1"]),
            ("db-1，tag：web、web-1", &["db-1", "web-1", "web-2"]),
            ("web-2,*", &["web-2", "web-1", "db-1"]),
            ("＊", &["web-1", "web-2", "db-1"]),
            ("web-1,,", &["web-1"]),
        ];
        for (target, expected) in rows {
            assert_eq!(names(target).unwrap(), expected, "{target}");
        }
    }

    #[test]
    fn what_names_nothing_is_explained() {
        let rows = [
            ("web-9", "There is no node `web-9`. Did you mean `web-1`?"),
            (
                "nosuchthing",
                "There is no node `nosuchthing`. Known here: db-1, web-1, web-2. See `nodes`.",
            ),
            ("tag:x", "No node has the tag `x`. Tags here: db, eu, web."),
            (
                "type:x",
                "No node is of type `x`. Types here: jarvisnode, jarvisshell.",
            ),
            (
                ",",
                "Name a node: its name, `tag:NAME`, `type:NAME`, several with commas, or `*` for all.",
            ),
            (
                "a:b",
                "`a:b` is no target. Name a node, `tag:NAME`, `type:NAME`, several with commas, or `*` for all.",
            ),
        ];
        for (target, sentence) in rows {
            let problem = names(target).unwrap_err();
            assert_eq!(problem.explain(Language::En).to_string(), sentence);
            assert!(!problem.explain(Language::Zh).is_empty());
        }
        assert_eq!(
            Target::node("a")
                .resolve(&[])
                .unwrap_err()
                .explain(Language::En)
                .to_string(),
            text!(Language::En, "nodes-none").to_string()
        );
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (1..=14).map(|number| format!("n{number}")).collect();
        assert!(listed(Language::En, &names).ends_with("n12 and 2 more"));
    }

    proptest! {
        #[test]
        fn displayed_targets_parse_again(text in any::<String>()) {
            if let Ok(target) = text.parse::<Target>() {
                prop_assert_eq!(target.to_string().parse::<Target>().unwrap(), target);
            }
        }
    }
}
