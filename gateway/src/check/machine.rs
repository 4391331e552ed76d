//! The data folder and the disk that it is on.

use std::path::Path;

use super::Report;
use crate::crash;
use crate::data::{DataDir, DataError};

/// Less free space than this stops Jarvis sooner or later.
const LITTLE: u64 = 1 << 30;
/// Less than this stops it at once.
const TOO_LITTLE: u64 = 50 << 20;

/// Checks the data folder; true when a running Jarvis has it.
pub(super) fn data_folder(data: &DataDir, report: &mut Report) -> bool {
    let subject = "data folder";
    let shown = data.path().display();
    let Some(existing) = data.path().ancestors().find(|path| path.exists()) else {
        // A relative path whose first part is not there starts in the working folder.
        disk(Path::new("."), report);
        report.ok(subject, format!("{shown} (will be made)"));
        return false;
    };
    disk(existing, report);
    if let Err(error) = tempfile_in(existing) {
        report.fail(
            subject,
            format!("cannot write to {}: {error}", existing.display()),
            "give this user the folder, or choose another with --data DIR",
        );
        return false;
    }
    if existing != data.path() {
        report.ok(subject, format!("{shown} (will be made)"));
        return false;
    }
    match data.lock() {
        Ok(_) => {
            report.ok(subject, format!("{shown}"));
            false
        }
        Err(DataError::InUse { pid, .. }) => {
            let pid = pid.map_or_else(String::new, |pid| format!(", process {pid}"));
            report.ok(subject, format!("{shown} (Jarvis runs{pid})"));
            true
        }
        Err(error) => {
            report.fail(
                subject,
                error.to_string(),
                "look at the file's owner and rights",
            );
            false
        }
    }
}

/// Reports that were not told yet.
pub(super) fn crashes(data: &DataDir, report: &mut Report) {
    if let Some(notice) = crash::notice(&crash::untold(&data.crashes())) {
        report.warn(
            "crash report",
            notice.replace('\n', ": "),
            "please report it; the next start moves it away",
        );
    }
}

fn tempfile_in(folder: &Path) -> std::io::Result<()> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let path = folder.join(format!(".jarvis-check-{}", std::process::id()));
    crate::data::write_private(&path, "check")?;
    std::fs::remove_file(path)
}

fn disk(folder: &Path, report: &mut Report) {
    let subject = "disk";
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let free = match rustix::fs::statvfs(folder) {
        Ok(stat) => stat.f_bavail.saturating_mul(stat.f_frsize),
        Err(error) => {
            report.warn(subject, error.to_string(), "look at the file system");
            return;
        }
    };
    let detail = format!("{} free", size(free));
    let remedy = "free some space, or choose another disk with --data DIR";
    if free < TOO_LITTLE {
        report.fail(subject, detail, remedy);
    } else if free < LITTLE {
        report.warn(subject, detail, remedy);
    } else {
        report.ok(subject, detail);
    }
}

fn size(bytes: u64) -> String {
    const MB: u64 = 1_000_000;
    let tenths = |unit: u64| {
        let tenths = bytes / (unit / 10);
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    if bytes >= 1000 * MB {
        format!("{} GB", tenths(1000 * MB))
    } else {
        format!("{} MB", tenths(MB))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_for_people() {
        assert_eq!(size(1_449_000_000), "1.4 GB");
        assert_eq!(size(61_000_000), "61.0 MB");
    }

    #[test]
    fn a_running_jarvis_is_recognised() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::at(dir.path());
        let mut report = Report::default();
        assert!(!data_folder(&data, &mut report));
        let held = data.lock().unwrap();
        assert!(data_folder(&data, &mut report));
        drop(held);
        assert!(report.passed(), "{}", report.table());
    }

    #[test]
    fn a_file_in_the_way_is_a_failure() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        std::fs::write(&path, "").unwrap();
        let mut report = Report::default();
        data_folder(&DataDir::at(&path), &mut report);
        assert!(!report.passed(), "{}", report.table());
    }
}
