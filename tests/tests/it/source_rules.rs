//! What must not stand in which folder, and how files are cut.

use std::path::{Path, PathBuf};

const FOLDERS: [&str; 8] = [
    "adapters",
    "brain",
    "gateway",
    "migrations",
    "node",
    "nodeclient",
    "proto",
    "tests",
];

/// A word, and the folder whose program text never says it.
const NEVER_SAID: [(&str, &[&str]); 3] = [
    ("brain/src", &["telegram"]),
    ("adapters/src", &["sql", "nodename", "nodeclient"]),
    ("nodeclient/src", &["chat"]),
];

const NO_SUCH_FILES: [&str; 5] = ["mod.rs", "utils.rs", "helpers.rs", "common.rs", "misc.rs"];

/// Longest file, without its tests, in lines.
const LONGEST: usize = 500;

struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// The text before the unit tests.
    fn program(&self) -> &str {
        match self.text.find("#[cfg(test)]\nmod tests {") {
            Some(tests) => &self.text[..tests],
            None => self
                .text
                .find("#[cfg(test)]\n#[expect(")
                .map_or(&self.text, |tests| &self.text[..tests]),
        }
    }

    fn name(&self) -> &str {
        self.path.file_name().unwrap().to_str().unwrap()
    }

    /// Files that hold nothing but tests.
    fn is_test(&self) -> bool {
        let tests = |part: std::path::Component<'_>| part.as_os_str() == "tests";
        self.name() == "tests.rs" || self.path.components().skip(1).any(tests)
    }
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// All Rust files below `folder`, with paths relative to the repository.
fn sources(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::from(folder)];
    while let Some(folder) = open.pop() {
        let Ok(entries) = std::fs::read_dir(root().join(&folder)) else {
            continue;
        };
        for entry in entries {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                if entry.file_name() != "target" {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(root().join(&path)).unwrap();
                found.push(Source { path, text });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

fn everything() -> Vec<Source> {
    FOLDERS.iter().flat_map(|folder| sources(folder)).collect()
}

#[test]
fn no_layer_speaks_of_another() {
    let mut wrong = Vec::new();
    for (folder, words) in NEVER_SAID {
        let sources = sources(folder);
        assert!(!sources.is_empty(), "{folder} was read");
        for source in sources.iter().filter(|source| !source.is_test()) {
            for (number, line) in source.program().lines().enumerate() {
                let line = line.to_lowercase();
                for word in words.iter().filter(|word| line.contains(**word)) {
                    wrong.push(format!("{}:{}: {word}", source.path.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_are_named_for_what_they_hold() {
    for source in everything() {
        assert!(
            !NO_SUCH_FILES.contains(&source.name()),
            "{} says nothing about what it holds",
            source.path.display()
        );
    }
}

#[test]
fn files_are_short() {
    let long: Vec<String> = everything()
        .iter()
        .filter(|source| !source.is_test())
        .map(|source| (source, source.program().lines().count()))
        .filter(|(_, lines)| *lines > LONGEST)
        .map(|(source, lines)| format!("{}: {lines} lines", source.path.display()))
        .collect();
    assert!(long.is_empty(), "split these files:\n{}", long.join("\n"));
}
