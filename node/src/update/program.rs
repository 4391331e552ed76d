//! The node's own program: getting another one ready, and starting again.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use jarvis_proto::node::{RefusedReason, Update};
use walkdir::WalkDir;

use super::guard::{self, Guard};
use super::package;
use crate::config::Program;
use crate::core::Core;
use crate::refusal::{Refusal, shortened};

/// The program's name in an archive.
const NAME: &str = "jarvis-node";
/// How long a program may take to say its version.
const SAY_LIMIT: Duration = Duration::from_secs(10);
/// A file that was just written may be busy for a moment.
const BUSY_TRIES: u32 = 40;
const BUSY_PAUSE: Duration = Duration::from_millis(50);

/// Another program, ready to take the place of this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Swap {
    /// Beside the program; takes its place.
    pub(super) staged: PathBuf,
    /// The order's folder.
    pub(super) folder: PathBuf,
    /// How long the other program has to reach its root.
    pub(super) limit: Duration,
}

/// The file of the program before this one.
pub(super) fn previous(program: &Path) -> PathBuf {
    beside(program, "previous")
}

fn beside(program: &Path, suffix: &str) -> PathBuf {
    let mut name = program.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

/// Gets the program in `package`, or the one before this, ready: copied beside this one, tried, and of
/// the wanted version. This one's own file is kept as the previous. Nothing else is changed.
///
/// # Errors
///
/// When there is no such program, it does not start, or is another version.
pub(super) async fn stage(
    core: &Core,
    order: &Update,
    package: Option<&PathBuf>,
    folder: &Path,
    limit: Duration,
) -> Result<Swap, Refusal> {
    let program = core.config.program.clone().ok_or_else(|| {
        Refusal::new(
            RefusedReason::NotSupported,
            "this node has no program of its own",
        )
    })?;
    let source = match package {
        Some(path) => {
            let unpacked = folder.join("package");
            match package::open(path, &order.package_blake3, &unpacked).await? {
                Some(()) => in_archive(&unpacked)?,
                None => path.clone(),
            }
        }
        None => previous(&program.path),
    };
    let staged = beside(&program.path, "new");
    let (from, to) = (source, staged.clone());
    let folder = folder.to_owned();
    let kept = folder.clone();
    let copied = tokio::task::spawn_blocking(move || -> io::Result<()> {
        fs::create_dir_all(&kept)?;
        copy_program(&from, &to)
    });
    copied
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
        .map_err(|error| explained(&error, &staged))?;
    let said = say_version(&staged).await?;
    if said != order.version {
        let detail = format!("the program is version {said} and not {}", order.version);
        return Err(Refusal::new(RefusedReason::Malformed, detail));
    }
    let current = program.path.clone();
    let kept = tokio::task::spawn_blocking(move || keep_previous(&current));
    kept.await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
        .map_err(|error| explained(&error, &previous(&program.path)))?;
    guard::begin(&folder)?;
    Ok(Swap {
        staged,
        folder,
        limit,
    })
}

fn explained(error: &io::Error, path: &Path) -> Refusal {
    let plain = Refusal::from(io::Error::from(error.kind()));
    Refusal {
        detail: format!("cannot write `{}`: {error}", path.display()),
        ..plain
    }
}

/// The program in an unpacked archive.
fn in_archive(folder: &Path) -> Result<PathBuf, Refusal> {
    let mut found = WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file() && entry.file_name() == NAME);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.into_path()),
        (None, _) => Err(Refusal::new(
            RefusedReason::NotFound,
            format!("the package holds no file `{NAME}`"),
        )),
        (Some(_), Some(_)) => Err(Refusal::new(
            RefusedReason::Malformed,
            format!("the package holds several files `{NAME}`"),
        )),
    }
}

fn copy_program(from: &Path, to: &Path) -> io::Result<()> {
    let _ = fs::remove_file(to);
    let mut source = File::open(from)?;
    let mut target = File::options().write(true).create_new(true).open(to)?;
    io::copy(&mut source, &mut target)?;
    target.set_permissions(Permissions::from_mode(0o755))?;
    target.sync_all()
}

/// Keeps the present program under the name of the previous one.
fn keep_previous(program: &Path) -> io::Result<()> {
    let (kept, previous) = (beside(program, "kept"), previous(program));
    let _ = fs::remove_file(&kept);
    if fs::hard_link(program, &kept).is_err() {
        copy_program(program, &kept)?;
    }
    fs::rename(&kept, &previous)
}

/// Puts the previous program back into its place.
pub(super) fn put_back(program: &Path) -> io::Result<()> {
    let back = beside(program, "back");
    copy_program(&previous(program), &back)?;
    fs::rename(&back, program)
}

/// What `PROGRAM version` says.
async fn say_version(program: &Path) -> Result<String, Refusal> {
    let broken = |detail: String| {
        Refusal::new(
            RefusedReason::Malformed,
            format!(
                "the new program does not start: {}",
                shortened(detail.trim())
            ),
        )
    };
    let mut tries = 0;
    let output = loop {
        let output = tokio::process::Command::new(program)
            .arg("version")
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true)
            .output();
        match tokio::time::timeout(SAY_LIMIT, output).await {
            Ok(Ok(output)) => break output,
            Ok(Err(error))
                if error.kind() == io::ErrorKind::ExecutableFileBusy && tries < BUSY_TRIES =>
            {
                tries += 1;
                tokio::time::sleep(BUSY_PAUSE).await;
            }
            Ok(Err(error)) => return Err(broken(error.to_string())),
            Err(_) => return Err(broken(format!("it said no version in {SAY_LIMIT:?}"))),
        }
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(broken(format!("{} {said}", output.status)));
    }
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    match said.trim().strip_prefix("jarvis-node ") {
        Some(version) => Ok(shortened(version)),
        None => Err(broken("it is no jarvis-node".to_owned())),
    }
}

/// The program is to be started again, perhaps as another version of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restart {
    pub(super) program: Program,
    pub(super) swap: Option<Swap>,
}

impl Restart {
    /// Starts the program again in this process, which has ended everything else. With a new program a
    /// guard is started first. Returns only what went wrong.
    #[must_use]
    pub fn carry_out(self) -> io::Error {
        if let Some(swap) = &self.swap {
            let guard = Guard::new(&self.program, swap);
            let swapped = guard
                .start()
                .and_then(|()| fs::rename(&swap.staged, &self.program.path));
            if let Err(error) = swapped {
                // The program is still the old one.
                guard::decide(
                    &swap.folder,
                    &format!("the programs could not be exchanged: {error}"),
                );
            }
        }
        let error = self.execute();
        let Some(swap) = &self.swap else { return error };
        let reason = format!("the new program cannot be started: {error}");
        if guard::decide(&swap.folder, &reason) {
            if let Err(error) = put_back(&self.program.path) {
                return error;
            }
            return self.execute();
        }
        error
    }

    fn execute(&self) -> io::Error {
        Command::new(&self.program.path)
            .args(&self.program.arguments)
            .exec()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn program(folder: &Path, script: &str) -> PathBuf {
        let path = folder.join("jarvis-node");
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[tokio::test]
    async fn only_a_program_that_says_its_version_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let good = program(folder.path(), "#!/bin/sh\necho jarvis-node 0.9.1\n");
        assert_eq!(say_version(&good).await.unwrap(), "0.9.1");
        for (script, why) in [
            ("\u{7f}ELF", "does not start"),
            ("#!/bin/sh\necho broken >&2; exit 3\n", "broken"),
            ("#!/bin/sh\necho hello\n", "no jarvis-node"),
        ] {
            let bad = program(folder.path(), script);
            let refusal = say_version(&bad).await.unwrap_err();
            assert!(refusal.detail.contains(why), "{}", refusal.detail);
        }
    }

    #[test]
    fn the_previous_program_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = program(folder.path(), "old");
        keep_previous(&path).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "new").unwrap();
        put_back(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_to_string(previous(&path)).unwrap(), "old");
    }

    #[test]
    fn the_program_is_found_in_an_archive() {
        let folder = tempfile::tempdir().unwrap();
        assert!(in_archive(folder.path()).is_err());
        fs::create_dir(folder.path().join("release")).unwrap();
        fs::write(folder.path().join("release/jarvis-node"), "").unwrap();
        assert!(
            in_archive(folder.path())
                .unwrap()
                .ends_with("release/jarvis-node")
        );
        fs::write(folder.path().join("jarvis-node"), "").unwrap();
        assert!(in_archive(folder.path()).is_err());
    }
}
