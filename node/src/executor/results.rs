//! The result files of a job, found by glob.

use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use jarvis_proto::node::FileInfo;
use walkdir::WalkDir;

use crate::places::Places;
use crate::refusal::shortened;

/// Most result files of one job.
const MOST_FILES: usize = 100;
/// Most bytes of result files of one job, together.
const MOST_BYTES: u64 = 16 << 30;
/// Most directory entries that are looked at for one glob.
const MOST_ENTRIES: usize = 100_000;

/// Finds the files that `globs` name, relative to `cwd` or absolute, inside of `cwd` and `places`.
/// Returns them in order, and in words what could not be had.
pub(crate) async fn collect(
    globs: &[String],
    cwd: &Path,
    places: &Places,
) -> (Vec<FileInfo>, Vec<String>) {
    if globs.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let globs = globs.to_vec();
    let cwd = cwd.to_owned();
    let places = places.and(&cwd);
    let found = tokio::task::spawn_blocking(move || {
        let mut found = Found::default();
        for glob in &globs {
            found.look_for(glob, &cwd, &places);
        }
        (found.files, found.notes)
    });
    found
        .await
        .unwrap_or_else(|error| (Vec::new(), vec![format!("result files: {error}")]))
}

#[derive(Default)]
struct Found {
    files: Vec<FileInfo>,
    bytes: u64,
    notes: Vec<String>,
}

impl Found {
    fn look_for(&mut self, glob: &str, cwd: &Path, places: &Places) {
        let pattern = cwd.join(glob);
        let Some(matcher) = matcher(&pattern) else {
            return self.note(&format!("`{glob}` is no file pattern"));
        };
        let (base, depth) = walk_from(&pattern);
        let entries = WalkDir::new(&base)
            .max_depth(depth)
            .sort_by_file_name()
            .into_iter()
            .take(MOST_ENTRIES)
            .filter_map(Result::ok)
            .filter(|entry| !entry.file_type().is_dir() && matcher.is_match(entry.path()));
        let mut has_matched = false;
        for entry in entries {
            has_matched = true;
            self.add(entry.path(), places);
        }
        if !has_matched {
            self.note(&format!("`{glob}` matched nothing"));
        }
    }

    fn add(&mut self, path: &Path, places: &Places) {
        let (file, real) = match places.open(path) {
            Ok(opened) => opened,
            Err(error) => return self.note(&error.to_string()),
        };
        let real = real.to_string_lossy().into_owned();
        if self.files.iter().any(|known| known.path == real) {
            return;
        }
        let size = file
            .metadata()
            .map(|metadata| metadata.len())
            .unwrap_or_default();
        if self.files.len() >= MOST_FILES || self.bytes + size > MOST_BYTES {
            return self.note(&format!(
                "`{real}` is one too many: at most {MOST_FILES} files and {MOST_BYTES} bytes"
            ));
        }
        self.bytes += size;
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        self.files.push(FileInfo {
            path: real,
            name,
            size,
        });
    }

    /// Notes are for people: the first few say it all.
    fn note(&mut self, note: &str) {
        const MOST_NOTES: usize = 10;
        if self.notes.len() < MOST_NOTES {
            self.notes.push(shortened(note));
        }
    }
}

fn matcher(pattern: &Path) -> Option<GlobMatcher> {
    let glob = GlobBuilder::new(pattern.to_str()?)
        .literal_separator(true)
        .build()
        .ok()?;
    Some(glob.compile_matcher())
}

/// The deepest folder that the pattern names without a wildcard, and how far below it to look.
fn walk_from(pattern: &Path) -> (PathBuf, usize) {
    let is_wild = |component: &Component<'_>| {
        component
            .as_os_str()
            .to_string_lossy()
            .contains(['*', '?', '[', '{', '\\'])
    };
    let components: Vec<Component<'_>> = pattern.components().collect();
    let literal = components
        .iter()
        .take_while(|component| !is_wild(component))
        .count();
    let base = components[..literal].iter().collect();
    let endless = pattern.to_string_lossy().contains("**");
    let depth = if endless {
        usize::MAX
    } else {
        components.len() - literal
    };
    (base, depth)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::fs;

    async fn names(globs: &[&str], cwd: &Path) -> (Vec<String>, Vec<String>) {
        let globs: Vec<String> = globs.iter().map(|glob| (*glob).to_owned()).collect();
        let (files, notes) = collect(&globs, cwd, &Places::default()).await;
        (files.into_iter().map(|file| file.name).collect(), notes)
    }

    #[tokio::test]
    async fn globs_find_files_once_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("deep/er")).unwrap();
        for name in ["b.txt", "a.txt", "c.log", "deep/er/d.txt"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let (files, notes) = names(&["*.txt", "a.txt", "**/d.txt", "none*"], folder.path()).await;
        assert_eq!(files, ["a.txt", "b.txt", "d.txt"]);
        assert_eq!(notes, ["`none*` matched nothing"]);
    }

    #[tokio::test]
    async fn a_result_outside_of_the_working_directory_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let cwd = folder.path().join("cwd");
        fs::create_dir(&cwd).unwrap();
        fs::write(folder.path().join("secret"), "x").unwrap();
        std::os::unix::fs::symlink("../secret", cwd.join("link")).unwrap();
        for glob in ["../secret", "link", "*"] {
            let (files, notes) = names(&[glob], &cwd).await;
            assert!(files.is_empty(), "{glob}: {files:?}");
            assert_eq!(notes.len(), 1, "{glob}");
        }
    }

    #[tokio::test]
    async fn a_bad_pattern_is_noted() {
        let folder = tempfile::tempdir().unwrap();
        let (_, notes) = names(&["[a"], folder.path()).await;
        assert_eq!(notes, ["`[a` is no file pattern"]);
    }
}
