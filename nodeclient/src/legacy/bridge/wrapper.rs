//! The script around a job on a legacy node.
//!
//! A legacy node runs `sh -c SCRIPT` and tells at its end what was written, unless that failed, was
//! too much, or was lost. So the job runs inside a script of ours that keeps everything in a folder of
//! its own: output and errors apart and complete, exit code, a beat every second, and a file whose
//! appearance stops it. The folder also makes an order run once however often it is sent, and lets it
//! be followed after a restart of the node, of us, or both.

use std::fmt::Write as _;

use jarvis_proto::node::{Counts, FileInfo, RunEnded, RunJob, run_ended};

/// A script longer than this is not given on a command line (the kernel takes 128 KiB), but in files.
const MOST_INLINE: usize = 96 << 10;
/// Time limit of a job that has none, in seconds.
const DAY_S: u64 = 24 * 3600;
/// Bytes of each stream's end that come with the result.
const TAIL: usize = 16 << 10;
/// Bytes of both ends together as text.
const TEXT: usize = 4 << 10;
/// First line of a status.
const HEAD: &str = "jarvis-legacy 1";

/// Where all of an order is kept on the node.
pub(super) fn folder(order: &str) -> String {
    format!("/tmp/jarvis-{order}")
}

/// The files that come with the result.
pub(super) fn results(order: &str) -> Vec<String> {
    let folder = folder(order);
    ["status", "out.tail", "err.tail"]
        .map(|name| format!("{folder}/{name}"))
        .into()
}

/// A text as one word of a shell.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A pattern in which only `*`, `?` and brackets mean something.
fn pattern(text: &str) -> String {
    let mut pattern = String::new();
    for character in text.chars() {
        let is_plain = character.is_ascii_alphanumeric() || "_./*?[]-,".contains(character);
        if !is_plain {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

/// What goes to the node.
#[derive(Debug, PartialEq)]
pub(super) enum Wrapped {
    /// One script.
    Inline(String),
    /// Files to write first, and the script.
    Sources(Vec<(String, Vec<u8>)>, String),
}

/// Wraps a job.
pub(super) fn wrap(order: &str, job: &RunJob, grace_s: u64) -> Wrapped {
    let folder = folder(order);
    let start = start(&folder, order, job);
    let inline = [
        ("script", job.script.as_bytes()),
        ("start", start.as_bytes()),
    ]
    .map(|(name, bytes)| here(&folder, order, name, &String::from_utf8_lossy(bytes)))
    .concat()
        + &octal(&folder, &job.stdin);
    let around = around(&folder, job, grace_s);
    let whole = |files: &str| format!("{}{files}{around}", begin(&folder));
    let script = whole(&inline);
    if script.len() <= MOST_INLINE {
        return Wrapped::Inline(script);
    }
    let mut sources = vec![
        (format!("{folder}.script"), job.script.clone().into_bytes()),
        (format!("{folder}.start"), start.into_bytes()),
    ];
    if !job.stdin.is_empty() {
        sources.push((format!("{folder}.stdin"), job.stdin.to_vec()));
    }
    let files = "for f in script start stdin; do mv -f \"$D.$f\" \"$D/$f\"; done\n";
    Wrapped::Sources(sources, whole(files))
}

/// Makes the folder; whoever comes second does nothing.
fn begin(folder: &str) -> String {
    format!(
        "exec 2>/dev/null </dev/null\numask 077\nD={}\nmkdir \"$D\" || {{ rm -f \"$D.script\" \"$D.start\" \"$D.stdin\"; exit 0; }}\n",
        quoted(folder)
    )
}

/// A file from text that stands in the script.
fn here(folder: &str, order: &str, name: &str, text: &str) -> String {
    format!("cat >{folder}/{name} <<'JARVIS-{order}'\n{text}\nJARVIS-{order}\n")
}

/// A file of any bytes.
fn octal(folder: &str, bytes: &[u8]) -> String {
    let mut text = String::new();
    for part in bytes.chunks(500) {
        // Writing to a string cannot fail.
        text.push_str("printf '");
        for byte in part {
            let _ = write!(text, "\\{byte:03o}");
        }
        let _ = writeln!(text, "' >>{folder}/stdin");
    }
    text
}

/// What runs in the job's own session: folder, variables, then the script itself.
fn start(folder: &str, order: &str, job: &RunJob) -> String {
    let mut text = String::new();
    if !job.cwd.is_empty() {
        let _ = writeln!(
            text,
            "cd {cwd} || {{ echo {fault} >{folder}/fault; exit 127; }}",
            cwd = quoted(&job.cwd),
            fault = quoted(&format!(
                "there is no folder `{}`",
                job.cwd.replace('\n', " ")
            )),
        );
    }
    let mut variables: Vec<_> = job.env.iter().collect();
    variables.sort();
    for (name, value) in variables {
        let is_name = name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
            && !name.starts_with(|c: char| c.is_ascii_digit());
        if is_name && !name.is_empty() {
            let _ = writeln!(text, "export {name}={}", quoted(value));
        }
    }
    let _ = writeln!(text, "export JARVIS_ORDER={order}");
    let interpreter = job
        .script
        .strip_prefix("#!")
        .and_then(|rest| rest.lines().next())
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let interpreter = interpreter.map_or_else(
        || "sh".to_owned(),
        |line| match line.split_once([' ', '\t']) {
            // As the kernel does: all after the first word is one argument.
            Some((program, argument)) => {
                format!("{} {}", quoted(program), quoted(argument.trim()))
            }
            None => quoted(line),
        },
    );
    let arguments: String = job
        .args
        .iter()
        .map(|argument| format!(" {}", quoted(argument)))
        .collect();
    let _ = writeln!(text, "exec {interpreter} {folder}/script{arguments}");
    text
}

/// Starts the job, watches it, and writes down what it came to.
fn around(folder: &str, job: &RunJob, grace_s: u64) -> String {
    let limit_s = match job.timeout_ms {
        0 => DAY_S,
        ms => ms.div_ceil(1000),
    };
    let mut files = String::new();
    if !job.result_globs.is_empty() {
        let cwd = match job.cwd.as_str() {
            "" => ".".to_owned(),
            cwd => quoted(cwd),
        };
        let _ = writeln!(files, "  (cd {cwd} && {{ :");
        for glob in job.result_globs.iter().filter(|glob| !glob.contains('\n')) {
            let _ = writeln!(
                files,
                "   for f in {pattern}; do if [ -f \"$f\" ]; then case $f in /*) ;; *) f=$PWD/$f ;; esac; printf 'file %s %s\\n' \"$(($(wc -c <\"$f\")))\" \"$f\"; else printf 'none %s\\n' {glob}; fi; done",
                pattern = pattern(glob),
                glob = quoted(glob),
            );
        }
        files.push_str("  })\n");
    }
    format!(
        r#"[ -e "$D/stdin" ] || : >"$D/stdin"
: >"$D/out"; : >"$D/err"
B=$(date +%s)
S=; command -v setsid >/dev/null && S=setsid
$S sh {folder}/start <"$D/stdin" >"$D/out" 2>"$D/err" &
P=$!
counts() {{ echo $(wc -c <"$D/out") $(wc -l <"$D/out") $(wc -c <"$D/err") $(wc -l <"$D/err"); }}
beat() {{ {{ echo $N $(counts); tail -c 1024 "$D/out"; tail -c 1024 "$D/err"; }} >"$D/beat.new" && mv -f "$D/beat.new" "$D/beat"; }}
stop() {{ kill -TERM -"$P" || kill -TERM "$P"; (sleep {grace_s}; [ -e "$D/status" ] || kill -KILL -"$P" || kill -KILL "$P") & }}
N=0
(beat; while kill -0 "$P"; do
  sleep 1; N=$((N+1))
  if [ -e "$D/cancel" ] && [ ! -e "$D/cancelled" ]; then : >"$D/cancelled"; stop; fi
  if [ $N -ge {limit_s} ] && [ ! -e "$D/late" ]; then : >"$D/late"; stop; fi
  beat
done) >/dev/null &
wait "$P"; C=$?
{{ echo "{HEAD}"
  echo "code $C"
  [ -e "$D/late" ] && echo late
  [ -e "$D/cancelled" ] && echo cancelled
  echo "seconds $(($(date +%s)-B))"
  echo "counts $(counts)"
  [ -s "$D/fault" ] && echo "fault $(head -n 1 "$D/fault")"
{files}  echo end
}} >"$D/status.new"
tail -c {TAIL} "$D/out" >"$D/out.tail"
tail -c {TAIL} "$D/err" >"$D/err.tail"
mv -f "$D/status.new" "$D/status"
cat "$D/status"
(find /tmp -maxdepth 1 -type d -name 'jarvis-*-*-*-*-*' -mtime +7 -exec rm -rf {{}} +) >/dev/null &
exit 0
"#
    )
}

/// How far a running job is.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Beat {
    /// Grows every second.
    pub(super) number: u64,
    pub(super) counts: Counts,
    pub(super) tail: String,
}

/// Reads a beat; `None` when it is none.
pub(super) fn read_beat(bytes: &[u8]) -> Option<Beat> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let mut words = std::str::from_utf8(&bytes[..end]).ok()?.split(' ');
    let number = words.next()?.parse().ok()?;
    let counts = read_counts(words)?;
    Some(Beat {
        number,
        counts,
        tail: clean(&bytes[end + 1..], 2 << 10),
    })
}

fn read_counts<'a>(words: impl Iterator<Item = &'a str>) -> Option<Counts> {
    let mut numbers = words.filter(|word| !word.is_empty()).map(str::parse);
    let mut next = || numbers.next()?.ok();
    Some(Counts {
        stdout_bytes: next()?,
        stdout_lines: next()?,
        stderr_bytes: next()?,
        stderr_lines: next()?,
    })
}

/// The end of some bytes as valid text.
fn clean(bytes: &[u8], most: usize) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut from = text.len().saturating_sub(most);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text[from..].to_owned()
}

/// What a job came to.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Status {
    pub(super) ended: RunEnded,
    pub(super) seconds: u64,
}

/// Reads a status; `None` when it is not complete.
pub(super) fn read_status(bytes: &[u8], out: &[u8], err: &[u8]) -> Option<Status> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    if lines.next() != Some(HEAD) {
        return None;
    }
    let mut status = Status::default();
    let mut code = None;
    let mut fault = None;
    let mut is_complete = false;
    for line in lines {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let ended = &mut status.ended;
        match word {
            "code" => code = rest.parse::<i32>().ok(),
            "late" => ended.timed_out = true,
            "cancelled" => ended.cancelled = true,
            "seconds" => status.seconds = rest.parse().unwrap_or(0),
            "counts" => ended.counts = read_counts(rest.split(' ')),
            "fault" => fault = Some(rest.to_owned()),
            "file" => ended.files.extend(read_file(rest)),
            "none" => ended.file_notes.push(format!("no file matches `{rest}`")),
            "end" => is_complete = true,
            _ => {}
        }
    }
    let code = code.filter(|_| is_complete)?;
    let is_stopped = status.ended.timed_out || status.ended.cancelled;
    status.ended.how = Some(match fault {
        Some(fault) => run_ended::How::NotStarted(fault),
        // A shell tells of a signal as 128 and its number.
        None if is_stopped && code > 128 => run_ended::How::Signal(code - 128),
        None => run_ended::How::ExitCode(code),
    });
    let last = |bytes: &[u8]| bytes[bytes.len().saturating_sub(TAIL)..].to_vec();
    status.ended.stdout_tail = last(out).into();
    status.ended.stderr_tail = last(err).into();
    let mut tail = clean(out, TEXT / 2);
    tail.push_str(&clean(err, TEXT / 2));
    status.ended.tail = tail;
    Some(status)
}

fn read_file(text: &str) -> Option<FileInfo> {
    let (size, path) = text.split_once(' ')?;
    Some(FileInfo {
        size: size.parse().ok()?,
        name: path.rsplit('/').next().unwrap_or(path).to_owned(),
        path: path.to_owned(),
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;
    use std::process::{Command, Output};

    use super::*;

    /// Runs a wrapped job as a legacy node does, and gives what it came to.
    fn run(job: &RunJob) -> (Status, Output) {
        let order = uuid::Uuid::now_v7().to_string();
        let script = match wrap(&order, job, 1) {
            Wrapped::Inline(script) => script,
            Wrapped::Sources(sources, script) => {
                for (path, bytes) in sources {
                    fs::write(path, bytes).unwrap();
                }
                script
            }
        };
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        let folder = folder(&order);
        let read = |name: &str| fs::read(format!("{folder}/{name}")).unwrap();
        let status = read_status(&read("status"), &read("out.tail"), &read("err.tail")).unwrap();
        fs::remove_dir_all(folder).unwrap();
        (status, output)
    }

    fn job(script: &str) -> RunJob {
        RunJob {
            script: script.to_owned(),
            ..RunJob::default()
        }
    }

    #[test]
    fn code_output_and_errors_are_kept_apart() {
        let (status, output) = run(&job("printf out; echo err >&2; exit 3"));
        assert_eq!(status.ended.how, Some(run_ended::How::ExitCode(3)));
        assert_eq!(status.ended.stdout_tail, "out");
        assert_eq!(status.ended.stderr_tail, "err\n");
        assert_eq!(status.ended.counts.unwrap().stderr_lines, 1);
        assert!(output.status.success() && output.stderr.is_empty());
    }

    #[test]
    fn folder_variables_arguments_and_input_reach_the_job() {
        let mut with_all = job("pwd; echo \"$A\" \"$1\" \"$#\"; cat");
        with_all.cwd = "/".into();
        with_all.env.insert("A".into(), "it's $HOME".into());
        with_all.args = vec!["a b".into(), "*".into()];
        with_all.stdin = bytes::Bytes::from_static(b"%s\\ \0\xff'");
        let (status, _) = run(&with_all);
        assert_eq!(
            status.ended.stdout_tail,
            &b"/\nit's $HOME a b 2\n%s\\ \0\xff'"[..]
        );
    }

    #[test]
    fn a_large_job_goes_in_files() {
        let mut large = job(&format!("# {}\nwc -c", "x".repeat(200_000)));
        large.stdin = vec![7; 300_000].into();
        assert!(matches!(wrap("x", &large, 1), Wrapped::Sources(..)));
        let (status, _) = run(&large);
        assert_eq!(status.ended.stdout_tail, "300000\n");
    }

    #[test]
    fn another_interpreter_is_used() {
        let (status, _) = run(&job("#!/bin/sh -e\nfalse\necho never"));
        assert_eq!(status.ended.how, Some(run_ended::How::ExitCode(1)));
        assert_eq!(status.ended.stdout_tail, "");
    }

    #[test]
    fn a_missing_folder_is_named() {
        let mut nowhere = job("true");
        nowhere.cwd = "/no/such".into();
        let (status, _) = run(&nowhere);
        let fault = "there is no folder `/no/such`".to_owned();
        assert_eq!(status.ended.how, Some(run_ended::How::NotStarted(fault)));
    }

    #[test]
    fn result_files_are_listed_and_missing_ones_named() {
        let folder = tempfile::tempdir().unwrap();
        let mut with_files = job("echo 12345 >'a b.log'; echo 1 >c.txt");
        with_files.cwd = folder.path().to_str().unwrap().to_owned();
        with_files.result_globs = vec!["*.log".into(), "no $(x)*".into()];
        let (status, _) = run(&with_files);
        let file = &status.ended.files[0];
        assert_eq!((file.size, file.name.as_str()), (6, "a b.log"));
        assert!(file.path.starts_with('/'));
        assert_eq!(status.ended.file_notes, ["no file matches `no $(x)*`"]);
    }

    #[test]
    fn a_job_that_takes_too_long_is_stopped_with_all_that_it_started() {
        let mut slow = job("sleep 100 & sleep 100; echo never");
        slow.timeout_ms = 1000;
        let (status, _) = run(&slow);
        assert!(status.ended.timed_out);
        assert_eq!(status.ended.how, Some(run_ended::How::Signal(15)));
    }

    #[test]
    fn a_second_run_of_the_same_order_does_nothing() {
        let order = uuid::Uuid::now_v7().to_string();
        let trace = tempfile::NamedTempFile::new().unwrap();
        let job = job(&format!("echo x >>{}", trace.path().display()));
        let Wrapped::Inline(script) = wrap(&order, &job, 1) else {
            panic!("it is small");
        };
        for _ in 0..2 {
            let status = Command::new("sh").args(["-c", &script]).status().unwrap();
            assert!(status.success());
        }
        assert_eq!(fs::read_to_string(trace.path()).unwrap(), "x\n");
        fs::remove_dir_all(folder(&order)).unwrap();
    }

    #[test]
    fn garbage_is_no_status_and_no_beat() {
        for bytes in [&b""[..], b"x", b"jarvis-legacy 1\ncode 0\n", b"\xff\n\xff"] {
            assert_eq!(read_status(bytes, b"", b""), None);
            assert_eq!(read_beat(bytes), None);
        }
        let beat = read_beat(b"3 1 2 3 4\ntail \xff").unwrap();
        assert_eq!((beat.number, beat.tail.as_str()), (3, "tail \u{fffd}"));
    }
}
