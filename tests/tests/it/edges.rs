//! The dependency edges of `ARCHITECTURE.md`, held against what cargo sees.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

/// Which of our crates each crate may use. `tests` may use all.
const ALLOWED: [(&str, &[&str]); 7] = [
    (
        "jarvis",
        &[
            "jarvis-adapters",
            "jarvis-brain",
            "jarvis-migrations",
            "jarvis-node",
            "jarvis-nodeclient",
            "jarvis-proto",
        ],
    ),
    ("jarvis-adapters", &["jarvis-proto"]),
    (
        "jarvis-brain",
        &["jarvis-migrations", "jarvis-nodeclient", "jarvis-proto"],
    ),
    ("jarvis-migrations", &[]),
    ("jarvis-node", &["jarvis-nodeclient", "jarvis-proto"]),
    ("jarvis-nodeclient", &["jarvis-proto"]),
    ("jarvis-proto", &[]),
];

/// What the node daemon never carries.
const NEVER_ON_A_NODE: [&str; 4] = ["axum", "sqlx", "tantivy", "teloxide"];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .other_options(vec!["--offline".to_owned(), "--locked".to_owned()])
        .exec()
        .unwrap()
}

#[test]
fn our_crates_use_only_what_they_may() {
    let metadata = metadata();
    let members: BTreeSet<String> = metadata
        .workspace_packages()
        .iter()
        .map(|package| package.name.to_string())
        .collect();
    for package in metadata.workspace_packages() {
        let name = package.name.to_string();
        if name == "jarvis-tests" {
            continue;
        }
        let Some((_, allowed)) = ALLOWED.iter().find(|(package, _)| *package == name) else {
            panic!("{name} is new: say in this test what it may use");
        };
        for dependency in &package.dependencies {
            let to = dependency.name.as_str();
            assert!(
                !members.contains(to) || allowed.contains(&to),
                "{name} must not use {to}"
            );
        }
    }
}

#[test]
fn a_node_stays_small() {
    let metadata = metadata();
    let resolve = metadata.resolve.as_ref().unwrap();
    let nodes: BTreeMap<&PackageId, _> =
        resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let start = metadata
        .workspace_packages()
        .into_iter()
        .find(|package| package.name == "jarvis-node")
        .unwrap();
    let mut seen = BTreeSet::from([&start.id]);
    let mut open = vec![&start.id];
    while let Some(id) = open.pop() {
        for dependency in &nodes[id].deps {
            let normal = dependency
                .dep_kinds
                .iter()
                .any(|kind| kind.kind == DependencyKind::Normal);
            if normal && seen.insert(&dependency.pkg) {
                open.push(&dependency.pkg);
            }
        }
    }
    assert!(seen.len() > 20, "the tree was read");
    let names: BTreeSet<&str> = seen.iter().map(|id| metadata[id].name.as_str()).collect();
    for never in NEVER_ON_A_NODE {
        assert!(!names.contains(never), "jarvis-node carries {never}");
    }
}
