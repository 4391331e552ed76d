//! The output of jobs on the disk: how much there is, and what goes when it is too old or too much.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

use crate::core::remove_folder;

/// What was removed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Freed {
    /// Jobs whose output it was.
    pub(crate) jobs: u64,
    /// Bytes of their files.
    pub(crate) bytes: u64,
}

/// How long output is kept, and how much of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keep {
    /// Output of jobs that ended before this moment goes, Unix milliseconds.
    pub(crate) since_ms: i64,
    /// Beyond so many bytes in all the oldest goes.
    pub(crate) most_bytes: u64,
}

/// Removes from `jobs`, the folder of all jobs' folders, what is not to be kept. Only output of
/// `settled` jobs goes: those with the time of their end, oldest first, whose roots have the result.
///
/// # Errors
///
/// When the folder cannot be read.
pub(crate) fn trim(jobs: &Path, settled: &[(String, i64)], keep: Keep) -> io::Result<Freed> {
    let mut there = HashMap::new();
    for entry in fs::read_dir(jobs)? {
        let entry = entry?;
        if let Ok(order) = entry.file_name().into_string() {
            there.insert(order, folder_bytes(&entry.path()));
        }
    }
    let mut total: u64 = there.values().sum();
    let mut freed = Freed::default();
    for (order, ended_ms) in settled {
        if *ended_ms >= keep.since_ms && total <= keep.most_bytes {
            break;
        }
        let Some(bytes) = there.get(order) else {
            continue;
        };
        if remove_folder(&jobs.join(order)) {
            total -= bytes;
            freed.jobs += 1;
            freed.bytes += bytes;
        }
    }
    Ok(freed)
}

/// Bytes of the files in a job's folder; what cannot be read counts nothing.
pub(crate) fn folder_bytes(folder: &Path) -> u64 {
    walkdir::WalkDir::new(folder)
        .into_iter()
        .filter_map(|entry| entry.ok()?.metadata().ok())
        .filter(fs::Metadata::is_file)
        .map(|metadata| metadata.len())
        .sum()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn jobs(sizes: &[(&str, usize)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (order, bytes) in sizes {
            let job = folder.path().join(order);
            fs::create_dir(&job).unwrap();
            fs::write(job.join("stdout"), vec![0; *bytes]).unwrap();
        }
        folder
    }

    fn left(folder: &tempfile::TempDir) -> Vec<String> {
        let mut left: Vec<String> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        left
    }

    #[test]
    fn the_oldest_goes_when_it_is_too_much_and_what_runs_stays() {
        let folder = jobs(&[("a", 100), ("b", 100), ("c", 100), ("running", 1000)]);
        let settled = ["none", "a", "b", "c"].map(|order| (order.to_owned(), 5));
        let keep = Keep {
            since_ms: 0,
            most_bytes: 1150,
        };
        let freed = trim(folder.path(), &settled, keep).unwrap();
        assert_eq!(
            freed,
            Freed {
                jobs: 2,
                bytes: 200
            }
        );
        assert_eq!(left(&folder), ["c", "running"]);
        // Nothing that may go is enough: then what is not settled stays all the same.
        let keep = Keep {
            most_bytes: 10,
            ..keep
        };
        trim(folder.path(), &settled, keep).unwrap();
        assert_eq!(left(&folder), ["running"]);
    }

    #[test]
    fn what_is_too_old_goes_however_small() {
        let folder = jobs(&[("old", 1), ("new", 1)]);
        let settled = [("old".to_owned(), 5), ("new".to_owned(), 9)];
        let keep = Keep {
            since_ms: 9,
            most_bytes: u64::MAX,
        };
        trim(folder.path(), &settled, keep).unwrap();
        assert_eq!(left(&folder), ["new"]);
    }
}
