//! The program's own log: the end of the file that it writes, if it writes one.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use jarvis_proto::node::{OwnLog, ReadJournal};

/// Standard error, where the log goes.
const STDERR: &str = "/proc/self/fd/2";
/// Most bytes that an answer holds.
const MOST_BYTES: usize = 64 << 10;
/// Most bytes that are looked through.
const MOST_READ: u64 = 8 << 20;
/// Most lines.
const MOST_LINES: usize = 1_000;

/// The last lines of the log, as asked.
pub(crate) fn read(question: &ReadJournal) -> OwnLog {
    // Systemd sets it when standard error goes to its journal.
    let in_system_journal = std::env::var_os("JOURNAL_STREAM").is_some();
    of(Path::new(STDERR), question).unwrap_or(OwnLog {
        in_system_journal,
        ..OwnLog::default()
    })
}

/// `None` when it is no file, or cannot be read.
fn of(link: &Path, question: &ReadJournal) -> Option<OwnLog> {
    // Looked at before it is opened: opening a pipe could wait for ever.
    let metadata = fs::metadata(link).ok()?;
    if !metadata.is_file() {
        return None;
    }
    let tail = tail(File::open(link).ok()?, question).ok()?;
    let path = fs::read_link(link).unwrap_or_else(|_| link.to_owned());
    Some(OwnLog {
        tail: tail.into(),
        path: path.to_string_lossy().into_owned(),
        size: metadata.len(),
        in_system_journal: false,
    })
}

fn tail(mut file: File, question: &ReadJournal) -> io::Result<Vec<u8>> {
    let most = match usize::try_from(question.most) {
        Ok(most @ 1..MOST_LINES) => most,
        _ => MOST_LINES,
    };
    let length = file.metadata()?.len();
    let start = length.saturating_sub(MOST_READ);
    file.seek(SeekFrom::Start(start))?;
    let mut reader = BufReader::new(file.take(MOST_READ));
    let mut lines = VecDeque::new();
    let mut bytes = 0;
    let mut line = Vec::new();
    if start > 0 {
        // The rest of a line that begins further up.
        reader.read_until(b'\n', &mut line)?;
    }
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        line.truncate(MOST_BYTES);
        if !String::from_utf8_lossy(&line).contains(&question.grep) {
            continue;
        }
        bytes += line.len();
        lines.push_back(line.clone());
        while lines.len() > most || bytes > MOST_BYTES {
            bytes -= lines.pop_front().map_or(0, |line: Vec<u8>| line.len());
        }
    }
    Ok(lines.into_iter().flatten().collect())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn asked(most: u32, grep: &str) -> ReadJournal {
        ReadJournal {
            most,
            grep: grep.to_owned(),
            own_log: true,
        }
    }

    #[test]
    fn the_last_lines_come_and_never_too_much() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let lines = (1..=100_000).map(|number| format!("line {number}\n"));
        fs::write(&path, lines.collect::<String>()).unwrap();
        let text = |question: &ReadJournal| {
            String::from_utf8(of(&path, question).unwrap().tail.to_vec()).unwrap()
        };
        assert_eq!(text(&asked(2, "")), "line 99999\nline 100000\n");
        assert_eq!(text(&asked(2, "777")), "line 98777\nline 99777\n");
        let all = text(&asked(0, ""));
        assert_eq!(all.lines().count(), MOST_LINES);
        assert!(all.len() <= MOST_BYTES);
        fs::write(&path, "x".repeat(300_000)).unwrap();
        assert_eq!(text(&asked(0, "")).len(), MOST_BYTES);
    }

    #[test]
    fn what_is_no_file_is_not_read() {
        assert!(of(Path::new("/dev/null"), &asked(0, "")).is_none());
        assert!(of(Path::new("/nowhere/at/all"), &asked(0, "")).is_none());
    }
}
