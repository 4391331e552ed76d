//! Which addresses are one root: the changes of key that were proven to this node.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jarvis_nodeclient::{Address, Succession};

/// Changes that are kept; the oldest are forgotten.
const MOST: usize = 64;

/// Proven changes of roots' keys, oldest first, in a file of lines `old new until_ms`.
#[derive(Debug, Default)]
pub(super) struct Lineage {
    file: Option<PathBuf>,
    steps: Vec<Step>,
}

/// One root took `new` for `old`, which stays good until a time, Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) old: Address,
    pub(super) new: Address,
    pub(super) until_ms: i64,
}

impl Lineage {
    pub(super) fn open(file: Option<PathBuf>) -> Self {
        let text = file
            .as_ref()
            .and_then(|file| fs::read_to_string(file).ok())
            .unwrap_or_default();
        let steps = text.lines().filter_map(read).collect();
        Self { file, steps }
    }

    /// The first address of this root.
    pub(super) fn origin<'a>(&'a self, root: &'a Address) -> &'a Address {
        self.follow(root, |step, address| {
            (step.new == *address).then_some(&step.old)
        })
    }

    /// The last address of this root.
    pub(super) fn latest<'a>(&'a self, root: &'a Address) -> &'a Address {
        self.follow(root, |step, address| {
            (step.old == *address).then_some(&step.new)
        })
    }

    /// Each step leads to another key, and there are no circles; bounded all the same.
    fn follow<'a>(
        &'a self,
        from: &'a Address,
        next: impl Fn(&'a Step, &Address) -> Option<&'a Address>,
    ) -> &'a Address {
        let mut at = from;
        for _ in &self.steps {
            match self.steps.iter().find_map(|step| next(step, at)) {
                Some(address) => at = address,
                None => break,
            }
        }
        at
    }

    /// Whether `old` has a successor here already.
    pub(super) fn has_successor(&self, old: &Address) -> bool {
        self.steps.iter().any(|step| step.old == *old)
    }

    /// Whether `new` is known as somebody's next address.
    pub(super) fn is_known(&self, new: &Address) -> bool {
        self.steps.iter().any(|step| step.new == *new)
    }

    /// Takes note of changes that were proven, oldest first.
    ///
    /// # Errors
    /// What the disk says; nothing has changed then.
    pub(super) fn add(&mut self, proven: impl IntoIterator<Item = Succession>) -> io::Result<()> {
        let mut steps = self.steps.clone();
        steps.extend(proven.into_iter().map(|step| Step {
            until_ms: step.old_until_ms(),
            old: step.old,
            new: step.new,
        }));
        let surplus = steps.len().saturating_sub(MOST);
        steps.drain(..surplus);
        if let Some(file) = &self.file {
            let text: String = steps.iter().map(line).collect();
            write(file, &text)?;
        }
        self.steps = steps;
        Ok(())
    }

    /// Old addresses that are not good any more.
    pub(super) fn retired(&self, now_ms: i64) -> impl Iterator<Item = &Address> {
        self.steps
            .iter()
            .filter(move |step| step.until_ms < now_ms)
            .map(|step| &step.old)
    }
}

fn read(line: &str) -> Option<Step> {
    let mut words = line.split(' ');
    Some(Step {
        old: Address::parse(words.next()?).ok()?,
        new: Address::parse(words.next()?).ok()?,
        until_ms: words.next()?.parse().ok()?,
    })
}

fn line(step: &Step) -> String {
    format!("{} {} {}\n", step.old, step.new, step.until_ms)
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    let _ = fs::remove_file(&new);
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)
}
