//! A folder and what is in it, looked through without ever leaving it.
//!
//! Each folder is opened from the one above it, and never through a symbolic link. So whatever is
//! exchanged while somebody looks, nothing outside is seen.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Statx, StatxFlags};

use crate::places::{PlaceError, Places};

/// Most entries of one archive.
pub(super) const MOST_ENTRIES: u64 = 100_000;
/// Most entries that are looked at to find those that match.
const MOST_LOOKED_AT: u64 = 1_000_000;
/// Folders inside each other; each one is held open while its content is looked at.
pub(super) const MOST_DEPTH: usize = 100;

/// Why a tree cannot be looked through to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum WalkError {
    /// It is larger than anybody wants it.
    #[error("there are more than {MOST_ENTRIES} entries")]
    TooMany,
    /// Reading, or what is done with the entries, failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A folder that is held open, and what in it is meant.
#[derive(Debug)]
pub(super) struct Tree {
    folder: File,
    path: PathBuf,
    pattern: Option<Pattern>,
}

#[derive(Debug, Clone)]
struct Pattern {
    matcher: GlobMatcher,
    /// How far below the folder something can match.
    depth: usize,
}

/// Something in a tree.
pub(super) struct Entry<'a> {
    /// The folder that it is in.
    pub(super) folder: &'a OwnedFd,
    /// Its name there.
    pub(super) name: &'a OsStr,
    /// Its path in the tree.
    pub(super) path: &'a Path,
    pub(super) kind: FileType,
    pub(super) about: &'a Statx,
}

/// What is come upon in a tree.
pub(super) enum Found<'a> {
    Entry(Entry<'a>),
    /// Something that cannot be had, and why.
    Missed(&'a Path, String),
}

/// How much is in a tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) entries: u64,
    /// Of regular files.
    pub(super) bytes: u64,
    /// The only entry, if it can be had as a file.
    pub(super) only_file: Option<PathBuf>,
}

impl Tree {
    /// All of a folder.
    ///
    /// # Errors
    ///
    /// When the place is not allowed, or there is no folder that may be read.
    pub(super) fn of_folder(places: &Places, path: &Path) -> Result<Self, PlaceError> {
        let (folder, path) = places.open_folder(path)?;
        Ok(Self {
            folder,
            path,
            pattern: None,
        })
    }

    /// What matches a pattern; `None` when `path` is none.
    ///
    /// # Errors
    ///
    /// When the folder that the pattern begins in is not allowed, or cannot be read.
    pub(super) fn of_pattern(places: &Places, path: &Path) -> Option<Result<Self, PlaceError>> {
        let components: Vec<Component<'_>> = path.components().collect();
        let plain = components.iter().take_while(|part| !is_wild(part)).count();
        if plain == components.len() {
            return None;
        }
        let base: PathBuf = components[..plain].iter().collect();
        let rest: PathBuf = components[plain..].iter().collect();
        let matcher = GlobBuilder::new(rest.to_str()?)
            .literal_separator(true)
            .backslash_escape(true)
            .build()
            .ok()?
            .compile_matcher();
        let is_endless = rest.to_str()?.contains("**");
        let depth = if is_endless {
            usize::MAX
        } else {
            components.len() - plain
        };
        let tree = places.open_folder(&base).map(|(folder, path)| Self {
            folder,
            path,
            pattern: Some(Pattern { matcher, depth }),
        });
        Some(tree)
    }

    /// The real path of the folder.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether only what matches is meant.
    pub(super) fn is_pattern(&self) -> bool {
        self.pattern.is_some()
    }

    /// The folder's own name, which everything in an archive of it begins with.
    pub(super) fn name(&self) -> &OsStr {
        self.path.file_name().unwrap_or(OsStr::new("root"))
    }

    /// The same once more.
    ///
    /// # Errors
    ///
    /// When there are too many open files.
    pub(super) fn try_clone(&self) -> io::Result<Self> {
        Ok(Self {
            folder: self.folder.try_clone()?,
            path: self.path.clone(),
            pattern: self.pattern.clone(),
        })
    }

    /// How much it is.
    ///
    /// # Errors
    ///
    /// See [`WalkError`]; `extent` then tells what was seen so far.
    pub(super) fn measure(&self, extent: &mut Extent) -> Result<(), WalkError> {
        self.walk(&mut |found| {
            let Found::Entry(entry) = found else {
                return Ok(());
            };
            extent.entries += 1;
            let is_file = entry.kind == FileType::RegularFile;
            if is_file {
                extent.bytes = extent.bytes.saturating_add(entry.about.stx_size);
            }
            let can_be_had = is_file || entry.kind == FileType::Symlink;
            extent.only_file = (can_be_had && extent.entries == 1).then(|| entry.path.to_owned());
            Ok(())
        })
    }

    /// Shows everything that is meant to `visit`: folders before what is in them, in the order of names.
    ///
    /// # Errors
    ///
    /// See [`WalkError`].
    pub(super) fn walk(
        &self,
        visit: &mut dyn FnMut(Found<'_>) -> io::Result<()>,
    ) -> Result<(), WalkError> {
        // Opened anew: a clone would share the place that reading has come to.
        let folder = rustix::fs::openat(&self.folder, ".", folder_flags(), Mode::empty())
            .map_err(io::Error::from)?;
        let mut walk = Walk {
            pattern: self.pattern.as_ref(),
            visit,
            shown: 0,
            looked_at: 0,
        };
        walk.folder(&folder, Path::new(""), 1, self.pattern.is_none())
    }
}

struct Walk<'a> {
    pattern: Option<&'a Pattern>,
    visit: &'a mut dyn FnMut(Found<'_>) -> io::Result<()>,
    shown: u64,
    looked_at: u64,
}

impl Walk<'_> {
    fn folder(
        &mut self,
        folder: &OwnedFd,
        path: &Path,
        depth: usize,
        all: bool,
    ) -> Result<(), WalkError> {
        for name in self.names(folder, path)? {
            let path = path.join(&name);
            let about = rustix::fs::statx(
                folder,
                &name,
                AtFlags::SYMLINK_NOFOLLOW,
                StatxFlags::BASIC_STATS,
            );
            let about = match about {
                Ok(about) => about,
                // Gone meanwhile.
                Err(rustix::io::Errno::NOENT) => continue,
                Err(error) => {
                    (self.visit)(Found::Missed(&path, io::Error::from(error).to_string()))?;
                    continue;
                }
            };
            let kind = FileType::from_raw_mode(about.stx_mode.into());
            let matches = |pattern: &Pattern| pattern.matcher.is_match(&path);
            let is_meant = all || self.pattern.is_some_and(matches);
            if is_meant {
                self.shown += 1;
                if self.shown > MOST_ENTRIES {
                    return Err(WalkError::TooMany);
                }
                (self.visit)(Found::Entry(Entry {
                    folder,
                    name: &name,
                    path: &path,
                    kind,
                    about: &about,
                }))?;
            }
            let may_match_below = self.pattern.is_some_and(|pattern| depth < pattern.depth);
            if kind == FileType::Directory && (is_meant || may_match_below) {
                self.below(folder, &name, &path, depth, is_meant)?;
            }
        }
        Ok(())
    }

    fn below(
        &mut self,
        folder: &OwnedFd,
        name: &OsStr,
        path: &Path,
        depth: usize,
        all: bool,
    ) -> Result<(), WalkError> {
        if depth >= MOST_DEPTH {
            let why = format!("it is more than {MOST_DEPTH} folders deep");
            return Ok((self.visit)(Found::Missed(path, why))?);
        }
        match rustix::fs::openat(folder, name, folder_flags(), Mode::empty()) {
            Ok(below) => self.folder(&below, path, depth + 1, all),
            Err(error) => {
                let why = io::Error::from(error).to_string();
                Ok((self.visit)(Found::Missed(path, why))?)
            }
        }
    }

    fn names(&mut self, folder: &OwnedFd, path: &Path) -> Result<Vec<OsString>, WalkError> {
        let mut names = Vec::new();
        let mut entries = Dir::read_from(folder).map_err(io::Error::from)?;
        while let Some(entry) = entries.read() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    (self.visit)(Found::Missed(path, io::Error::from(error).to_string()))?;
                    break;
                }
            };
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            self.looked_at += 1;
            if self.looked_at > MOST_LOOKED_AT {
                return Err(WalkError::TooMany);
            }
            names.push(OsString::from_vec(name.to_owned()));
        }
        names.sort_unstable();
        Ok(names)
    }
}

/// Opens a regular file of a folder, and nothing else.
pub(super) fn open_file(folder: impl AsFd, name: &OsStr) -> io::Result<File> {
    // A pipe that has taken the file's place must not be waited for.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(folder, name, flags, Mode::empty())?);
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is no regular file any more"))
    }
}

/// How a folder is opened from the one above it.
pub(super) fn folder_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

/// Whether a symbolic link at `path` in a tree leads to a place in the same tree, wherever the tree is
/// put. `..` may only stand at its beginning: behind the name of another link it would lead elsewhere
/// than it seems.
pub(super) fn stays_inside(path: &Path, target: &Path) -> bool {
    let mut height = path.components().count().saturating_sub(1);
    let mut goes_down = false;
    for part in target.components() {
        match part {
            Component::ParentDir if goes_down || height == 0 => return false,
            Component::ParentDir => height -= 1,
            Component::Normal(_) => goes_down = true,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    !target.as_os_str().is_empty()
}

/// A path in words: what is no letter is written as an escape, so that nobody is fooled by it.
pub(super) fn shown(path: &Path) -> String {
    let mut text = String::new();
    for character in String::from_utf8_lossy(path.as_os_str().as_bytes()).chars() {
        if character.is_control() {
            let _ = write!(text, "{}", character.escape_default());
        } else {
            text.push(character);
        }
    }
    text
}

fn is_wild(component: &Component<'_>) -> bool {
    component
        .as_os_str()
        .as_bytes()
        .iter()
        .any(|byte| b"*?[{".contains(byte))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn paths(tree: &Tree) -> Vec<String> {
        let mut paths = Vec::new();
        tree.walk(&mut |found| {
            if let Found::Entry(entry) = found {
                paths.push(shown(entry.path));
            }
            Ok(())
        })
        .unwrap();
        paths
    }

    fn world() -> (tempfile::TempDir, PathBuf, Places) {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap().join("app");
        fs::create_dir_all(base.join("logs/old")).unwrap();
        fs::create_dir_all(base.join("empty")).unwrap();
        for name in ["a.log", "b.log", "c.txt", "logs/d.log", "logs/old/e.log"] {
            fs::write(base.join(name), name).unwrap();
        }
        let places = Places::new([base.clone()]);
        (folder, base, places)
    }

    #[test]
    fn a_pattern_finds_what_a_shell_would() {
        let (_folder, base, places) = world();
        let found = |pattern: &str| {
            paths(
                &Tree::of_pattern(&places, &base.join(pattern))
                    .unwrap()
                    .unwrap(),
            )
        };
        assert_eq!(found("*.log"), ["a.log", "b.log"]);
        assert_eq!(found("**/*.log").len(), 4);
        assert_eq!(found("logs/*.log"), ["d.log"]);
        assert_eq!(found("*/*.log"), ["logs/d.log"]);
        assert_eq!(found("{a,c}.*"), ["a.log", "c.txt"]);
        assert_eq!(
            found("log?"),
            ["logs", "logs/d.log", "logs/old", "logs/old/e.log"]
        );
        assert!(found("*.none").is_empty());
        assert!(Tree::of_pattern(&places, &base.join("a.log")).is_none());
        let outside = Tree::of_pattern(&places, Path::new("/etc/*")).unwrap();
        assert!(matches!(outside, Err(PlaceError::NotAllowed(_))));
        let outside = Tree::of_pattern(&places, &base.join("../*/secret")).unwrap();
        assert!(matches!(outside, Err(PlaceError::NotAllowed(_))));
    }

    #[test]
    fn links_are_shown_and_never_followed() {
        let (_folder, base, places) = world();
        symlink("/etc", base.join("out")).unwrap();
        symlink("logs", base.join("in")).unwrap();
        let tree = Tree::of_folder(&places, &base).unwrap();
        let paths = paths(&tree);
        assert!(paths.contains(&"out".to_owned()) && paths.contains(&"in".to_owned()));
        assert!(
            !paths
                .iter()
                .any(|path| path.starts_with("out/") || path.starts_with("in/"))
        );
        let through = Tree::of_pattern(&places, &base.join("out/*")).unwrap();
        assert!(matches!(through, Err(PlaceError::NotAllowed(_))));
    }

    #[test]
    fn a_link_stays_inside_only_by_its_own_words() {
        let rows = [
            ("link", "file", true),
            ("link", "./sub/file", true),
            ("a/b/link", "../../file", true),
            ("a/link", "../..", false),
            ("link", "..", false),
            ("link", "/etc/passwd", false),
            ("link", "", false),
            // Behind another link, `..` leads elsewhere.
            ("a/link", "here/../../etc", false),
            ("link", "here/../etc", false),
        ];
        for (path, target, inside) in rows {
            assert_eq!(
                stays_inside(Path::new(path), Path::new(target)),
                inside,
                "{path} -> {target}"
            );
        }
    }

    #[test]
    fn names_are_shown_without_their_tricks() {
        let name = OsStr::from_bytes(b"a\nb\x1b[31m\xff");
        assert_eq!(shown(Path::new(name)), "a\\nb\\u{1b}[31m\u{fffd}");
    }
}
