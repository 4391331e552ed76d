//! Which file places a root may name: everything below the allowed roots, and nothing else.
//!
//! A path is checked twice: as it is written (so that nobody learns what exists outside), and as the
//! kernel sees it after it was opened, through `/proc/self/fd`. A symbolic link that leads out, or one
//! that is exchanged between check and use, is therefore refused, too.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use thiserror::Error;

/// Why a place is refused.
#[derive(Debug, Error)]
pub enum PlaceError {
    /// Outside of all allowed roots, or not absolute.
    #[error("`{0}` is outside of the places that this node allows")]
    NotAllowed(PathBuf),
    /// Nothing is there; for a new file: its folder is not there.
    #[error("`{0}` does not exist")]
    NotFound(PathBuf),
    /// A directory where a file is needed.
    #[error("`{0}` is a directory")]
    IsDirectory(PathBuf),
    /// A device, socket or pipe.
    #[error("`{0}` is not a regular file")]
    NotRegular(PathBuf),
    /// The service's user may not do that.
    #[error("permission denied for `{0}`")]
    Permission(PathBuf),
    /// Anything else.
    #[error("`{path}`: {source}")]
    Io {
        /// The place.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl PlaceError {
    /// The error for `path` that `source` means.
    pub(crate) fn from_io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::NotFound(path),
            io::ErrorKind::PermissionDenied => Self::Permission(path),
            io::ErrorKind::IsADirectory => Self::IsDirectory(path),
            _ => Self::Io { path, source },
        }
    }
}

/// The allowed roots.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// As configured.
    written: Vec<PathBuf>,
    /// With symbolic links resolved.
    real: Vec<PathBuf>,
}

/// A folder that was checked and is held open, and a name in it.
#[derive(Debug)]
pub(crate) struct Target {
    folder: File,
    /// The real path of the folder.
    folder_path: PathBuf,
    name: OsString,
}

impl Target {
    /// The real path of the file.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder_path.join(&self.name)
    }

    /// A path to the file, or to the one beside it with `suffix` and a leading dot, that leads through
    /// the open folder: valid while `self` lives, and wherever the folder is moved to meanwhile.
    pub(crate) fn held(&self, suffix: Option<&str>) -> PathBuf {
        let folder = PathBuf::from(format!("/proc/self/fd/{}", self.folder.as_raw_fd()));
        match suffix {
            None => folder.join(&self.name),
            Some(suffix) => {
                let mut name = OsString::from(".");
                name.push(&self.name);
                name.push(suffix);
                folder.join(name)
            }
        }
    }

    /// The open folder.
    pub(crate) fn folder(&self) -> &File {
        &self.folder
    }

    /// The real path of the folder.
    pub(crate) fn folder_path(&self) -> &Path {
        &self.folder_path
    }

    /// Makes what was renamed in the folder survive a power cut.
    pub(crate) fn sync(&self) -> io::Result<()> {
        File::open(self.held(None).parent().unwrap_or(Path::new("/")))?.sync_all()
    }
}

impl Places {
    /// Allows everything below each of `roots`, which need not exist yet.
    pub fn new<P: Into<PathBuf>>(roots: impl IntoIterator<Item = P>) -> Self {
        let written: Vec<PathBuf> = roots.into_iter().map(|root| normal(&root.into())).collect();
        let real = written
            .iter()
            .map(|root| fs::canonicalize(root).unwrap_or_else(|_| root.clone()))
            .collect();
        Self { written, real }
    }

    /// The same places and everything below `root`.
    #[must_use]
    pub(crate) fn and(&self, root: &Path) -> Self {
        let mut more = Self::new([root]);
        more.written.extend(self.written.iter().cloned());
        more.real.extend(self.real.iter().cloned());
        more
    }

    /// Opens a regular file for reading. Returns it with its real path.
    ///
    /// # Errors
    ///
    /// When the place is not allowed, or there is no readable regular file.
    pub(crate) fn open(&self, path: &Path) -> Result<(File, PathBuf), PlaceError> {
        self.check_written(path)?;
        // Opening a pipe without `O_NONBLOCK` would wait for a writer.
        let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
        let file = File::options()
            .read(true)
            .custom_flags(nonblocking)
            .open(path)
            .map_err(|error| self.hide(path, error))?;
        let real = self.check_real(path, &file)?;
        let metadata = file
            .metadata()
            .map_err(|error| PlaceError::from_io(path, error))?;
        if metadata.is_dir() {
            return Err(PlaceError::IsDirectory(path.to_owned()));
        }
        if !metadata.is_file() {
            return Err(PlaceError::NotRegular(path.to_owned()));
        }
        Ok((file, real))
    }

    /// Opens a folder for looking through it. Returns it with its real path.
    ///
    /// # Errors
    ///
    /// When the place is not allowed, or there is no folder that may be read.
    pub(crate) fn open_folder(&self, path: &Path) -> Result<(File, PathBuf), PlaceError> {
        self.check_written(path)?;
        let folder = i32::try_from(rustix::fs::OFlags::DIRECTORY.bits()).unwrap_or_default();
        let file = File::options()
            .read(true)
            .custom_flags(folder)
            .open(path)
            .map_err(|error| self.hide(path, error))?;
        let real = self.check_real(path, &file)?;
        Ok((file, real))
    }

    /// Finds the place for a new or replaced file. A `path` that is a directory, or ends in `/`, gets
    /// `file_name`.
    ///
    /// # Errors
    ///
    /// When the place is not allowed, or its folder is not there.
    pub(crate) fn target(&self, path: &Path, file_name: &str) -> Result<Target, PlaceError> {
        self.check_written(path)?;
        let is_folder = path.as_os_str().as_encoded_bytes().ends_with(b"/") || path.is_dir();
        let (folder_path, name) = if is_folder {
            (path, plain_name(Path::new(file_name)))
        } else {
            (
                path.parent().unwrap_or(path),
                plain_name(path.file_name().map_or(Path::new(""), Path::new)),
            )
        };
        let Some(name) = name else {
            return Err(PlaceError::IsDirectory(path.to_owned()));
        };
        let folder = File::open(folder_path).map_err(|error| self.hide(folder_path, error))?;
        let real = self.check_real(folder_path, &folder)?;
        let target = Target {
            folder,
            folder_path: real,
            name,
        };
        let there = target.held(None);
        match fs::symlink_metadata(&there) {
            Ok(metadata) if metadata.is_dir() => Err(PlaceError::IsDirectory(path.to_owned())),
            Ok(metadata) if metadata.is_symlink() => self.follow(path, &there, file_name),
            Ok(metadata) if !metadata.is_file() => Err(PlaceError::NotRegular(path.to_owned())),
            _ => Ok(target),
        }
    }

    /// A symbolic link in the last place is followed, as `cp` would, if it stays inside.
    fn follow(&self, path: &Path, link: &Path, file_name: &str) -> Result<Target, PlaceError> {
        let refused = || PlaceError::NotAllowed(path.to_owned());
        let real = fs::canonicalize(link).map_err(|_| refused())?;
        if !self.contains_real(&real) {
            return Err(refused());
        }
        Places {
            written: self.real.clone(),
            real: self.real.clone(),
        }
        .target(&real, file_name)
    }

    /// Whether the real path `real` is inside.
    pub(crate) fn contains_real(&self, real: &Path) -> bool {
        self.real.iter().any(|root| real.starts_with(root))
    }

    fn check_written(&self, path: &Path) -> Result<(), PlaceError> {
        let normal = normal(path);
        let is_inside = |root: &PathBuf| normal.starts_with(root);
        if path.is_absolute() && self.written.iter().chain(&self.real).any(is_inside) {
            Ok(())
        } else {
            Err(PlaceError::NotAllowed(path.to_owned()))
        }
    }

    fn check_real(&self, path: &Path, open: &File) -> Result<PathBuf, PlaceError> {
        let real = fs::read_link(format!("/proc/self/fd/{}", open.as_raw_fd()))
            .map_err(|error| PlaceError::from_io(path, error))?;
        if self.contains_real(&real) {
            Ok(real)
        } else {
            Err(PlaceError::NotAllowed(path.to_owned()))
        }
    }

    /// What failed to open may lie outside behind a link: then the reason stays hidden.
    fn hide(&self, path: &Path, error: io::Error) -> PlaceError {
        let nearest = path
            .ancestors()
            .find_map(|ancestor| fs::canonicalize(ancestor).ok());
        if nearest.is_some_and(|real| self.contains_real(&real) || self.leads_to_root(&real)) {
            PlaceError::from_io(path, error)
        } else {
            PlaceError::NotAllowed(path.to_owned())
        }
    }

    fn leads_to_root(&self, real: &Path) -> bool {
        self.real.iter().any(|root| root.starts_with(real))
    }
}

/// `name` if it is one plain file name.
fn plain_name(name: &Path) -> Option<OsString> {
    let mut components = name.components();
    match (components.next(), components.next()) {
        (Some(Component::Normal(name)), None) => Some(name.to_owned()),
        _ => None,
    }
}

/// `path` without `.` and with `..` resolved by its text.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::fs::symlink;

    struct World {
        _folder: tempfile::TempDir,
        base: PathBuf,
        places: Places,
    }

    /// `app/` is allowed; `app2/` beside it and all else is not.
    fn world() -> World {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        fs::create_dir_all(base.join("app/sub")).unwrap();
        fs::create_dir_all(base.join("app2")).unwrap();
        fs::write(base.join("app/file"), "inside").unwrap();
        fs::write(base.join("app2/file"), "outside").unwrap();
        let places = Places::new([base.join("app")]);
        World {
            _folder: folder,
            base,
            places,
        }
    }

    #[test]
    fn a_file_inside_is_read() {
        let world = world();
        let (mut file, real) = world
            .places
            .open(&world.base.join("app/sub/../file"))
            .unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(
            (text.as_str(), real),
            ("inside", world.base.join("app/file"))
        );
    }

    #[test]
    fn ways_out_are_refused() {
        let world = world();
        symlink(world.base.join("app2"), world.base.join("app/link")).unwrap();
        symlink("../app2/file", world.base.join("app/filelink")).unwrap();
        symlink("../app2/new", world.base.join("app/dangling")).unwrap();
        let outside = [
            "app2/file",
            "app/../app2/file",
            "app/link/file",
            "app/filelink",
            "app/link/../app2/file",
            "app2/none",
            "app/link/none",
        ];
        for path in outside {
            let error = world.places.open(&world.base.join(path)).unwrap_err();
            assert!(
                matches!(error, PlaceError::NotAllowed(_)),
                "{path}: {error}"
            );
        }
        for path in outside.into_iter().chain(["app/dangling", "app/link/new"]) {
            let error = world
                .places
                .target(&world.base.join(path), "x")
                .unwrap_err();
            assert!(
                matches!(error, PlaceError::NotAllowed(_)),
                "{path}: {error}"
            );
        }
        assert!(matches!(
            world.places.open(Path::new("app/file")),
            Err(PlaceError::NotAllowed(_))
        ));
        assert!(matches!(
            world.places.open(Path::new("/etc/passwd")),
            Err(PlaceError::NotAllowed(_))
        ));
    }

    #[test]
    fn what_is_no_file_inside_is_told_apart() {
        let world = world();
        let base = &world.base;
        assert!(matches!(
            world.places.open(&base.join("app/none")),
            Err(PlaceError::NotFound(_))
        ));
        assert!(matches!(
            world.places.open(&base.join("app/sub")),
            Err(PlaceError::IsDirectory(_))
        ));
        assert!(matches!(
            world.places.target(&base.join("app/none/new"), ""),
            Err(PlaceError::NotFound(_))
        ));
        rustix::fs::mknodat(
            rustix::fs::CWD,
            base.join("app/pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        assert!(matches!(
            world.places.open(&base.join("app/pipe")),
            Err(PlaceError::NotRegular(_))
        ));
    }

    #[test]
    fn a_folder_takes_the_files_own_name_and_only_a_plain_one() {
        let world = world();
        let sub = world.base.join("app/sub");
        assert_eq!(
            world.places.target(&sub, "new.txt").unwrap().path(),
            sub.join("new.txt")
        );
        assert_eq!(
            world
                .places
                .target(&world.base.join("app/sub/"), "n")
                .unwrap()
                .path(),
            sub.join("n")
        );
        for name in ["", "..", "../x", "/etc/passwd", "a/b"] {
            assert!(world.places.target(&sub, name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_link_that_stays_inside_is_followed() {
        let world = world();
        symlink("file", world.base.join("app/link")).unwrap();
        let target = world
            .places
            .target(&world.base.join("app/link"), "")
            .unwrap();
        assert_eq!(target.path(), world.base.join("app/file"));
    }

    #[test]
    fn everything_is_allowed_below_the_root_directory() {
        let world = world();
        assert!(
            Places::new(["/"])
                .open(&world.base.join("app2/file"))
                .is_ok()
        );
    }

    #[test]
    fn no_root_allows_nothing() {
        let world = world();
        assert!(
            Places::default()
                .open(&world.base.join("app/file"))
                .is_err()
        );
    }

    proptest::proptest! {
        #[test]
        fn no_written_path_leads_out(path in "(app|app2|sub|file|\\.|\\.\\.|link|/){1,12}") {
            let world = world();
            symlink("../app2", world.base.join("app/link")).unwrap();
            if let Ok((_, real)) = world.places.open(&world.base.join("app").join(&path)) {
                proptest::prop_assert!(real.starts_with(world.base.join("app")));
            }
        }
    }
}
