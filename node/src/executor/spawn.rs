//! Starts one process as the leader of its own session, with the three standard streams on pipes.
//!
//! `posix_spawn` with `POSIX_SPAWN_SETSID` is used in place of [`std::process::Command`]: the standard
//! library can make a process group but no session, and its way to run code in the child is unsafe and
//! copies the page tables of the parent, which costs more than a millisecond when the parent is large.

use std::ffi::{CString, NulError, OsString};
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawnp};
use nix::sys::signal::{SigSet, Signal};

/// `POSIX_SPAWN_SETSID` of the GNU and musl C libraries, which `nix` has no name for.
const POSIX_SPAWN_SETSID: i32 = 0x80;

/// A started process and our ends of its streams.
pub(crate) struct Spawned {
    /// Process id; also the id of its process group and of its session.
    pub(crate) pid: i32,
    /// What it writes to standard output.
    pub(crate) stdout: OwnedFd,
    /// What it writes to standard error.
    pub(crate) stderr: OwnedFd,
    /// Its standard input; `None` if that is `/dev/null`.
    pub(crate) stdin: Option<OwnedFd>,
}

/// Starts `argv[0]` (looked up in `PATH`) with exactly the variables in `env`.
///
/// The working directory is this process's own. Signals are unblocked and `SIGPIPE` has its usual
/// meaning again.
///
/// # Errors
///
/// When an argument holds a NUL byte, when descriptors run out, or when the program cannot be executed.
pub(crate) fn spawn_session(
    argv: &[String],
    env: impl Iterator<Item = (OsString, OsString)>,
    with_stdin: bool,
) -> io::Result<Spawned> {
    let (stdout, child_stdout) = io::pipe()?;
    let (stderr, child_stderr) = io::pipe()?;
    let (child_stdin, stdin) = input(with_stdin)?;
    let streams = [
        child_stdin.as_raw_fd(),
        child_stdout.as_raw_fd(),
        child_stderr.as_raw_fd(),
    ];
    Ok(Spawned {
        pid: spawn(argv, env, streams)?,
        stdout: stdout.into(),
        stderr: stderr.into(),
        stdin: stdin.map(Into::into),
    })
}

/// The same with both output streams in files and nothing on standard input, so that the process
/// outlives this one undisturbed. Returns its id.
///
/// # Errors
///
/// See [`spawn_session`].
pub(crate) fn spawn_detached(
    argv: &[String],
    env: impl Iterator<Item = (OsString, OsString)>,
    stdout: &File,
    stderr: &File,
) -> io::Result<i32> {
    let stdin = File::open("/dev/null")?;
    let streams = [stdin.as_raw_fd(), stdout.as_raw_fd(), stderr.as_raw_fd()];
    spawn(argv, env, streams)
}

/// `streams` become the standard ones.
fn spawn(
    argv: &[String],
    env: impl Iterator<Item = (OsString, OsString)>,
    streams: [RawFd; 3],
) -> io::Result<i32> {
    let argv = argv
        .iter()
        .map(|arg| CString::new(arg.as_str()))
        .collect::<Result<Vec<_>, NulError>>()?;
    let env = env
        .map(|(name, value)| {
            let mut pair = name.into_vec();
            pair.push(b'=');
            pair.extend(value.into_vec());
            CString::new(pair)
        })
        .collect::<Result<Vec<_>, NulError>>()?;

    let mut actions = PosixSpawnFileActions::init()?;
    for (stream, number) in streams.into_iter().zip(0..) {
        actions.add_dup2(stream, number)?;
    }

    let mut attributes = PosixSpawnAttr::init()?;
    attributes.set_flags(
        PosixSpawnFlags::from_bits_retain(POSIX_SPAWN_SETSID)
            | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF
            | PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK,
    )?;
    let mut defaults = SigSet::empty();
    defaults.add(Signal::SIGPIPE);
    attributes.set_sigdefault(&defaults)?;
    attributes.set_sigmask(&SigSet::empty())?;

    let program = argv.first().ok_or(io::ErrorKind::InvalidInput)?;
    let pid = posix_spawnp(program, &actions, &attributes, &argv, &env)?;
    Ok(pid.as_raw())
}

fn input(with_stdin: bool) -> io::Result<(OwnedFd, Option<PipeWriter>)> {
    if with_stdin {
        let (reader, writer): (PipeReader, PipeWriter) = io::pipe()?;
        Ok((reader.into(), Some(writer)))
    } else {
        Ok((File::open("/dev/null")?.into(), None))
    }
}

/// Turns a script into the arguments that run it in `cwd`.
///
/// A script that [`needs_file`] must have been written to `file`; its interpreter (the shell, without a
/// `#!` line) is started directly with that path, so a file system mounted `noexec` does no harm.
/// Everything else is text for `shell -c`. The `cd` stands on the script's first line so that
/// line numbers in the shell's messages stay right.
pub(crate) fn command_line(
    shell: &str,
    script: &str,
    args: &[String],
    name: &str,
    cwd: &Path,
    file: Option<&Path>,
) -> Vec<String> {
    let cwd = cwd.to_string_lossy();
    let mut argv;
    if let Some(file) = file {
        let (interpreter, option) = shebang(script).unwrap_or((shell, None));
        let enter = r#"cd -- "$0" && exec "$@""#;
        argv = vec![
            shell.to_owned(),
            "-c".to_owned(),
            enter.to_owned(),
            cwd.into_owned(),
        ];
        argv.push(interpreter.to_owned());
        argv.extend(option.map(str::to_owned));
        argv.push(file.to_string_lossy().into_owned());
    } else {
        let text = format!("cd -- {} || exit 126; {script}", quote(&cwd));
        let zeroth = if name.is_empty() { "sh" } else { name };
        argv = vec![shell.to_owned(), "-c".to_owned(), text, zeroth.to_owned()];
    }
    argv.extend(args.iter().cloned());
    argv
}

/// Whether a script has to be run from a file: it names its interpreter, or is too long to be an
/// argument (the kernel allows 128 KiB).
pub(crate) fn needs_file(script: &str) -> bool {
    const LONGEST_ARGUMENT: usize = 96 * 1024;
    shebang(script).is_some() || script.len() > LONGEST_ARGUMENT
}

/// The interpreter of a `#!` line and its one optional argument, split as the kernel does it.
pub(crate) fn shebang(script: &str) -> Option<(&str, Option<&str>)> {
    let line = script.strip_prefix("#!")?.lines().next()?.trim();
    let (interpreter, option) = match line.split_once([' ', '\t']) {
        Some((interpreter, option)) => (interpreter, Some(option.trim())),
        None => (line, None),
    };
    (!interpreter.is_empty()).then_some((interpreter, option))
}

/// `text` as one word of a POSIX shell.
pub(crate) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Writes a script for its interpreter to read; only the owner may read it.
///
/// # Errors
///
/// When the file cannot be created or written.
pub(crate) fn write_script(path: &Path, script: &str) -> io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o700)
        .open(path)?;
    file.write_all(script.as_bytes())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn shebang_is_split_once_like_the_kernel_does() {
        assert_eq!(shebang("#!/bin/sh\necho"), Some(("/bin/sh", None)));
        assert_eq!(
            shebang("#! /usr/bin/env  python3 -u\n"),
            Some(("/usr/bin/env", Some("python3 -u")))
        );
        assert_eq!(shebang("#!\necho"), None);
        assert_eq!(shebang("echo #!/bin/sh"), None);
    }

    #[test]
    fn a_directory_with_a_quote_stays_one_word() {
        assert_eq!(quote("/it's"), r"'/it'\''s'");
    }

    #[test]
    fn a_spawned_process_leads_its_own_session_and_group() {
        let argv =
            ["sh", "-c", "cut -d' ' -f1,5,6 /proc/$$/stat; exec sleep 60"].map(str::to_owned);
        let spawned = spawn_session(&argv, std::env::vars_os(), false).unwrap();
        let mut line = String::new();
        let stdout = io::BufReader::new(File::from(spawned.stdout));
        io::BufRead::read_line(&mut { stdout }, &mut line).unwrap();
        let pid = rustix::process::Pid::from_raw(spawned.pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty()).unwrap();
        assert_eq!(line.trim(), format!("{0} {0} {0}", spawned.pid));
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let argv = ["/no/such/program".to_owned()];
        let error = spawn_session(&argv, std::env::vars_os(), false)
            .err()
            .unwrap();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
