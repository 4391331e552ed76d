//! Crash reports: a panic leaves a file, and the next start tells the owner.

use std::backtrace::Backtrace;
use std::fmt::Write as _;
use std::io;
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::data;
use crate::redact::Redactor;

/// Sub-folder of reports that the owner knows.
const TOLD: &str = "told";

/// From now on a panic writes a report into `folder`.
pub(crate) fn install(folder: PathBuf, redactor: Redactor) {
    std::panic::set_hook(Box::new(move |info| {
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or("unnamed").to_owned();
        let report = redactor.hide(&report(&message(info), &thread)).into_owned();
        let first = report.lines().next().unwrap_or_default();
        // Not through the logger: the panic may have happened inside it.
        match write(&folder, &report) {
            Ok(path) => eprintln!("{first}; the report is {}", path.display()),
            Err(error) => eprintln!("{report}\n(no report in {}: {error})", folder.display()),
        }
    }));
}

fn message(info: &PanicHookInfo<'_>) -> String {
    let text = info.payload_as_str().unwrap_or("a panic without a message");
    info.location()
        .map_or_else(|| text.to_owned(), |place| format!("{text} (at {place})"))
}

fn report(message: &str, thread: &str) -> String {
    let mut text = String::new();
    let now = humantime::format_rfc3339_seconds(SystemTime::now());
    let version = env!("CARGO_PKG_VERSION");
    writeln!(text, "jarvis {version} crashed: {message}").expect("a string takes all");
    writeln!(text, "time: {now}\nthread: {thread}\n").expect("a string takes all");
    writeln!(text, "{}", Backtrace::force_capture()).expect("a string takes all");
    text
}

fn write(folder: &Path, report: &str) -> io::Result<PathBuf> {
    data::make_private(folder)?;
    let now = humantime::format_rfc3339_micros(SystemTime::now())
        .to_string()
        .replace(':', "-");
    let path = folder.join(format!("{now}.txt"));
    data::write_private(&path, report)?;
    Ok(path)
}

/// Reports that the owner was not told of, oldest first.
pub(crate) fn untold(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut reports: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    reports.sort();
    reports
}

/// What happened, for the owner: the last crash's first line and where the reports are.
pub(crate) fn notice(reports: &[PathBuf]) -> Option<String> {
    let last = reports.last()?;
    let text = std::fs::read_to_string(last).unwrap_or_default();
    let what = text.lines().next().unwrap_or("a crash without a report");
    let times = match reports.len() {
        1 => String::new(),
        count => format!(" ({count} crashes since you were told)"),
    };
    Some(format!("{what}{times}\n{}", last.display()))
}

/// Moves reports away that the owner was told of. One that cannot be moved is told again.
pub(crate) fn mark_told(reports: &[PathBuf]) {
    for report in reports {
        let (Some(folder), Some(name)) = (report.parent(), report.file_name()) else {
            continue;
        };
        let told = folder.join(TOLD);
        let moved =
            data::make_private(&told).and_then(|()| std::fs::rename(report, told.join(name)));
        if let Err(error) = moved {
            tracing::warn!(report = %report.display(), %error, "cannot move a crash report away");
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_panic_leaves_a_report_that_is_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("crash");
        let redactor = Redactor::default();
        redactor.register("very-secret");
        install(folder.clone(), redactor);
        let died = std::thread::Builder::new()
            .name("worker".to_owned())
            .spawn(|| panic!("lost very-secret"))
            .unwrap()
            .join();
        drop(std::panic::take_hook());
        assert!(died.is_err());

        let reports = untold(&folder);
        assert_eq!(reports.len(), 1);
        let text = std::fs::read_to_string(&reports[0]).unwrap();
        assert!(text.contains("crashed: lost ***"), "{text}");
        assert!(text.contains("thread: worker"), "{text}");
        assert!(text.contains("src/crash.rs"), "{text}");
        let told = notice(&reports).unwrap();
        assert!(told.contains("lost ***"), "{told}");
        assert!(told.contains(&reports[0].display().to_string()), "{told}");

        mark_told(&reports);
        assert_eq!(untold(&folder), Vec::<PathBuf>::new());
        assert_eq!(notice(&[]), None);
    }
}
