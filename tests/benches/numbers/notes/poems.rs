//! A third of a million poems: how fast they are taken in and found, and what that takes of memory.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use jarvis_brain::note::index::{Change, NoteIndex};
use jarvis_brain::{Brain, BrainConfig, Clock};
use jarvis_nodeclient::Identity;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{Rng as _, SeedableRng as _};
use tempfile::TempDir;

use super::peers::Plain;
use super::texts;
use super::{note, search};
use crate::in_runtime;
use crate::memory::status;
use crate::table::{Goal, Table, Times, show};

/// The argument that asks for the process for memory.
const OWN_PROCESS: &str = "notes-memory";
/// Notes that are given to the index at a time.
const BATCH: usize = 500;
/// Queries that are asked at the same time.
const AT_ONCE: usize = 10;
/// How often the queries are asked.
const ROUNDS: usize = 3;
/// Queries made from the poems.
const FROM_POEMS: usize = 1_500;
/// Notes that are saved, and how far apart.
const SAVED: u64 = 800;
const PACE: Duration = Duration::from_millis(25);
/// As in the brain.
const COMMIT_EVERY: Duration = Duration::from_secs(1);
/// Words of the vocabulary for typing errors.
const LATIN_WORDS: usize = 200_000;
const TYPING_ERRORS: usize = 2_000;

/// Indexing, finding, finding what was just saved, memory, and typing errors.
pub(super) fn at_scale(table: &mut Table) -> Result<()> {
    let poems = texts::poems()?;
    let folder = TempDir::with_prefix("jarvis-bench.")?;
    let (index, plain) = indexing(table, &poems, folder.path())?;
    finding(table, &poems, &index, &plain)?;
    drop(plain);
    saving(table, &poems, &index)?;
    drop(index);
    memory(table, &poems, folder.path())?;
    typing_errors(table)
}

fn indexing(table: &mut Table, poems: &[String], folder: &Path) -> Result<(NoteIndex, Plain)> {
    let begun = Instant::now();
    let mut plain = Plain::new();
    plain.add((0..).zip(poems.iter().map(String::as_str)))?;
    let floor = poems.len() as f64 / begun.elapsed().as_secs_f64();
    let (index, _) = NoteIndex::open(folder)?;
    let cpu = cpu_seconds()?;
    let begun = Instant::now();
    for (some, first) in poems.chunks(BATCH).zip((0..).step_by(BATCH)) {
        let docs: Vec<_> = (first..)
            .zip(some)
            .map(|(number, poem)| note(number, poem.clone()))
            .collect();
        index.add_all(&docs)?;
    }
    index.commit(1)?;
    let ours = poems.len() as f64 / begun.elapsed().as_secs_f64();
    let cpu = cpu_seconds()? - cpu;
    ensure!(index.len() == poems.len() as u64, "notes are missing");
    let what = format!(
        "{} poems indexed, documents a second ({cpu:.0} s of CPU); floor plain tantivy",
        poems.len()
    );
    table.row(
        what,
        (format!("{floor:.0}"), floor),
        (format!("{ours:.0}"), ours),
        Goal::From(4_000.0),
    );
    Ok((index, plain))
}

/// Time that this process has computed.
fn cpu_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after = stat.rsplit(')').next().context("a line of fields")?;
    let ticks: Vec<f64> = after
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / 100.0)
}

/// Words, parts of lines and phrases from poems, among the queries of the known items.
fn queries(poems: &[String]) -> Result<Vec<String>> {
    let mut dice = StdRng::seed_from_u64(7);
    let mut typed: Vec<String> = texts::known_items()?
        .1
        .into_iter()
        .map(|known| known.q)
        .collect();
    typed.extend(
        "不 之 人 一 明月 春風 故人 天 水"
            .split(' ')
            .map(str::to_owned),
    );
    for number in 0..FROM_POEMS {
        let poem = poems.choose(&mut dice).context("no poems")?;
        let lines: Vec<&str> = poem
            .split(|c: char| c.is_ascii() || "，。；？！、".contains(c))
            .filter(|line| line.chars().count() >= 4)
            .collect();
        let mut part = |length: usize| -> String {
            let line = lines.choose(&mut dice).copied().unwrap_or("明月清風");
            let start = dice.random_range(0..line.chars().count().saturating_sub(length).max(1));
            line.chars().skip(start).take(length).collect()
        };
        typed.push(match number % 6 {
            0 => part(1),
            1 | 2 => part(2),
            3 => part(4),
            4 => format!("{} {}", part(2), part(2)),
            _ => format!("\"{}\"", part(5)),
        });
    }
    typed.shuffle(&mut dice);
    Ok(typed)
}

fn finding(table: &mut Table, poems: &[String], index: &NoteIndex, plain: &Plain) -> Result<()> {
    let typed = queries(poems)?;
    let (mut floors, mut ours) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let floor = at_once(&typed, |query| plain.search(query).map(drop))?;
        let our = at_once(&typed, |query| search(index, query).map(drop))?;
        // The first round warms up.
        if round > 0 {
            floors.push(floor);
            ours.push(our);
        }
    }
    for (name, share, most) in [("median", 0.5, 0.3), ("p99", 0.99, 5.0)] {
        let middle = |rounds: &[Times]| {
            let mut all = Times::default();
            for times in rounds {
                all.push(times.quantile(share));
            }
            all.median()
        };
        let (floor, our) = (middle(&floors), middle(&ours));
        table.row(
            format!("a query among them, {AT_ONCE} at once, {name}; floor plain tantivy"),
            (show(floor), floor.as_secs_f64() * 1e3),
            (show(our), our.as_secs_f64() * 1e3),
            Goal::UpTo(most, "ms"),
        );
    }
    Ok(())
}

fn at_once(typed: &[String], find: impl Fn(&str) -> Result<()> + Sync) -> Result<Times> {
    let find = &find;
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..AT_ONCE)
            .map(|asker| {
                scope.spawn(move || {
                    let mut times = Vec::new();
                    let start = asker * typed.len() / AT_ONCE;
                    for query in typed[start..].iter().chain(&typed[..start]) {
                        let begun = Instant::now();
                        find(query)?;
                        times.push(begun.elapsed());
                    }
                    anyhow::Ok(times)
                })
            })
            .collect();
        let mut all = Times::default();
        for asker in asking {
            let times = asker
                .join()
                .map_err(|_| anyhow::anyhow!("a search panicked"))?;
            times?.into_iter().for_each(|time| all.push(time));
        }
        Ok(all)
    })
}

/// Notes come in one by one; each is searched as soon as it was taken in.
fn saving(table: &mut Table, poems: &[String], index: &NoteIndex) -> Result<()> {
    let is_over = AtomicBool::new(false);
    let first = poems.len() as u64;
    let times = std::thread::scope(|scope| {
        let commits = scope.spawn(|| {
            let mut committed = 1;
            while !is_over.load(Ordering::Relaxed) {
                std::thread::sleep(COMMIT_EVERY);
                committed += index.waiting() as i64;
                index.commit(committed)?;
            }
            anyhow::Ok(())
        });
        let saved = save_all(poems, index, first);
        is_over.store(true, Ordering::Relaxed);
        commits
            .join()
            .map_err(|_| anyhow::anyhow!("a commit panicked"))??;
        saved
    })?;
    for (name, share, most) in [("median", 0.5, 5.0), ("p99", 0.99, 50.0)] {
        let our = times.quantile(share);
        table.row(
            format!("a note saved until found, 40 a second, {name}"),
            (String::new(), f64::NAN),
            (show(our), our.as_secs_f64() * 1e3),
            Goal::UpTo(most, "ms"),
        );
    }
    Ok(())
}

fn save_all(poems: &[String], index: &NoteIndex, first: u64) -> Result<Times> {
    let mut times = Times::default();
    let begun = Instant::now();
    for (number, poem) in (0..SAVED).zip(poems) {
        let due = PACE * u32::try_from(number)?;
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
        let word = format!("saved{number}");
        let doc = note(first + number, format!("{poem}\n{word}"));
        // From when it was due: what waits for a commit waits too.
        index.apply(vec![Change {
            sequence: 2 + number.cast_signed(),
            number: doc.number,
            doc: Some(doc),
        }]);
        while search(index, &word)?.total == 0 {}
        times.push(begun.elapsed() - due);
    }
    Ok(times)
}

/// A brain with that index in a process of its own, which holds nothing else.
fn memory(table: &mut Table, poems: &[String], folder: &Path) -> Result<()> {
    let mut process = Command::new(std::env::current_exe()?)
        .arg(OWN_PROCESS)
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut typed = process.stdin.take().context("it reads queries")?;
    for query in queries(poems)?.iter().take(1_000) {
        writeln!(typed, "{query}")?;
    }
    drop(typed);
    let said = process.wait_with_output()?;
    let error = String::from_utf8_lossy(&said.stderr);
    ensure!(said.status.success(), "the process of its own: {error}");
    let numbers = String::from_utf8(said.stdout)?;
    let when = ["open", "after 1,000 searches", "after 500 more notes"];
    for (when, number) in when.into_iter().zip(numbers.split_whitespace()) {
        let megabytes: f64 = number.parse()?;
        table.row(
            format!("MB of anonymous memory of a brain with that index, {when}"),
            (String::new(), f64::NAN),
            (format!("{megabytes:.1}"), megabytes),
            Goal::Bound(120.0),
        );
    }
    Ok(())
}

/// The process for [`memory`], when this is it: a brain as `jarvis brain` runs it, and the index.
pub(super) fn own_process(mut arguments: impl Iterator<Item = String>) -> Result<bool> {
    if arguments.next().is_none_or(|first| first != OWN_PROCESS) {
        return Ok(false);
    }
    let folder = arguments.next().context("the folder of an index")?;
    in_runtime(async move {
        let data = TempDir::with_prefix("jarvis-bench.")?;
        let config = BrainConfig::new(data.path().to_owned());
        let brain = Brain::start(config, Identity::generate(), Clock::system()).await?;
        let measure = move || {
            let (index, _) = NoteIndex::open(Path::new(&folder))?;
            let anonymous = || status("/proc/self", "RssAnon");
            let open = anonymous()?;
            for query in std::io::stdin().lines() {
                search(&index, &query?)?;
            }
            let searched = anonymous()?;
            let first = index.len();
            for number in 0..500 {
                let doc = note(
                    first + number,
                    format!("第{number}条记录：重启 nginx 之前先看日志"),
                );
                index.apply(vec![Change {
                    sequence: 1_000_000 + number.cast_signed(),
                    number: doc.number,
                    doc: Some(doc),
                }]);
            }
            index.commit(2_000_000)?;
            println!("{open} {searched} {}", anonymous()?);
            anyhow::Ok(())
        };
        tokio::task::spawn_blocking(measure).await??;
        brain.shutdown().await;
        Ok(true)
    })
}

/// Words that nobody has seen, typed with one letter wrong.
fn typing_errors(table: &mut Table) -> Result<()> {
    let mut dice = StdRng::seed_from_u64(11);
    let mut words = BTreeSet::new();
    while words.len() < LATIN_WORDS {
        let length = dice.random_range(2..5);
        let word: String = (0..length)
            .flat_map(|_| {
                let consonant = b"bcdfghjklmnprstvwz".choose(&mut dice).copied();
                let vowel = b"aeiouy".choose(&mut dice).copied();
                let end = b"nrstl".choose(&mut dice).copied();
                let is_closed = dice.random_bool(0.3);
                consonant
                    .into_iter()
                    .chain(vowel)
                    .chain(end.filter(|_| is_closed))
            })
            .map(char::from)
            .collect();
        words.insert(word);
    }
    let words: Vec<String> = words.into_iter().collect();
    let mut mixed: Vec<&str> = words.iter().map(String::as_str).collect();
    mixed.shuffle(&mut dice);
    let folder = TempDir::with_prefix("jarvis-bench.")?;
    let (index, _) = NoteIndex::open(folder.path())?;
    let docs: Vec<_> = (0..)
        .zip(mixed.chunks(20))
        .map(|(number, some)| note(number, some.join(" ")))
        .collect();
    index.add_all(&docs)?;
    index.commit(1)?;
    let (mut right, mut wrong) = (Times::default(), Times::default());
    let mut found = 0;
    for _ in 0..TYPING_ERRORS {
        let word = words.choose(&mut dice).context("no words")?;
        let at = dice.random_range(1..word.len());
        let typed = format!("{}q{}", &word[..at], &word[at..]);
        for (typed, times) in [(word, &mut right), (&typed, &mut wrong)] {
            let begun = Instant::now();
            found += usize::from(search(&index, typed)?.total > 0);
            times.push(begun.elapsed());
        }
    }
    ensure!(found == 2 * TYPING_ERRORS, "a word was not found");
    for (name, share) in [("median", 0.5), ("p99", 0.99)] {
        let (floor, our) = (right.quantile(share), wrong.quantile(share));
        table.row(
            format!("a typing error among {LATIN_WORDS} Latin words, {name}; floor the right word"),
            (show(floor), floor.as_secs_f64()),
            (show(our), our.as_secs_f64()),
            Goal::None,
        );
    }
    Ok(())
}
