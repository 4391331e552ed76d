//! Real processes with their output kept, ended for sure.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

/// How long a process may take to say or do what is expected of it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The folder of the programs to test, when it is not the one that cargo builds into.
const PROGRAMS: &str = "JARVIS_TEST_PROGRAMS";

/// Where the program `name` is: beside the folder of the running test, where cargo puts it.
///
/// # Errors
/// When it has not been built.
pub fn program(name: &str) -> Result<PathBuf> {
    let folder = match std::env::var_os(PROGRAMS) {
        Some(folder) => PathBuf::from(folder),
        None => {
            let test = std::env::current_exe()?;
            let folder = test.parent().and_then(Path::parent);
            folder
                .context("a test lies in target/PROFILE/deps")?
                .to_owned()
        }
    };
    let built = beside(&folder, name);
    if !built.is_file() {
        bail!(
            "{} is missing: run `cargo build --workspace --bins` first (scripts/test does)",
            built.display()
        );
    }
    Ok(built)
}

/// A program in a folder of built programs. What is put on servers is built with the profile `node`:
/// where that was done, release builds test it.
fn beside(folder: &Path, name: &str) -> PathBuf {
    let is_release = folder.file_name().is_some_and(|folder| folder == "release");
    let small = folder.with_file_name("node").join(name);
    if is_release && small.is_file() {
        return small;
    }
    folder.join(name)
}

/// Waits until there is a file at `path`.
///
/// # Panics
/// When there is none in time.
pub async fn appears(path: &Path) {
    let until = Instant::now() + PATIENCE;
    while !path.exists() {
        assert!(Instant::now() < until, "{} does not appear", path.display());
        // A file has no event that is worth its code.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What one stream of a process has said so far.
#[derive(Clone, Debug)]
pub struct Heard {
    text: Arc<Mutex<String>>,
    changes: watch::Sender<usize>,
}

impl Heard {
    fn new() -> Self {
        Self {
            text: Arc::default(),
            changes: watch::Sender::new(0),
        }
    }

    /// Reads a stream to its end.
    fn follow(&self, mut stream: impl AsyncRead + Unpin + Send + 'static) -> JoinHandle<()> {
        let heard = self.clone();
        tokio::spawn(async move {
            let mut chunk = vec![0; 16 * 1024];
            let mut open = Vec::new();
            while let Ok(length @ 1..) = stream.read(&mut chunk).await {
                open.extend_from_slice(&chunk[..length]);
                // A character may be cut in two by the chunk.
                let whole = match std::str::from_utf8(&open) {
                    Ok(text) => text.len(),
                    Err(error) if error.error_len().is_none() => error.valid_up_to(),
                    Err(_) => open.len(),
                };
                let text = String::from_utf8_lossy(&open[..whole]).into_owned();
                open.drain(..whole);
                heard.text.lock().expect("no holder panics").push_str(&text);
                heard.changes.send_modify(|length| *length += text.len());
            }
        })
    }

    /// Everything so far.
    pub fn text(&self) -> String {
        self.text.lock().expect("no holder panics").clone()
    }

    /// Waits until `look` finds something in the text after byte `from`.
    pub async fn find<T>(
        &self,
        from: usize,
        limit: Duration,
        look: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let mut changes = self.changes.subscribe();
        let until = Instant::now() + limit;
        loop {
            changes.borrow_and_update();
            {
                let text = self.text.lock().expect("no holder panics");
                if let Some(found) = text.get(from..).and_then(&look) {
                    return Some(found);
                }
            }
            if !matches!(timeout_at(until, changes.changed()).await, Ok(Ok(()))) {
                return None;
            }
        }
    }
}

/// A running process. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    out: Heard,
    err: Heard,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    /// Starts `command` with all three streams in our hands.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(name: &str, command: &mut Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("start {name}"))?;
        let (out, err) = (Heard::new(), Heard::new());
        let readers = vec![
            out.follow(child.stdout.take().expect("it is piped")),
            err.follow(child.stderr.take().expect("it is piped")),
        ];
        Ok(Self {
            name: name.to_owned(),
            stdin: child.stdin.take(),
            child,
            out,
            err,
            readers,
        })
    }

    /// A command for the program `name` with `arguments`, blind to the settings of whoever runs the
    /// tests.
    ///
    /// # Errors
    /// When the program has not been built.
    pub fn command(
        name: &str,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Result<Command> {
        let mut command = Command::new(program(name)?);
        command.args(arguments);
        Self::blind(&mut command);
        Ok(command)
    }

    /// Takes the settings of whoever runs the tests out of a command's environment.
    pub(crate) fn blind(command: &mut Command) {
        for (variable, _) in std::env::vars_os() {
            let text = variable.to_string_lossy();
            if text.starts_with("JARVIS") || text.ends_with("_proxy") || text.ends_with("_PROXY") {
                command.env_remove(&variable);
            }
        }
        command
            .env("LC_ALL", "C.UTF-8")
            .env("RUST_BACKTRACE", "0")
            .env("USER", "ada");
    }

    /// The process' id.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Standard output so far.
    pub fn out(&self) -> &Heard {
        &self.out
    }

    /// Standard error so far.
    pub fn err(&self) -> &Heard {
        &self.err
    }

    /// Writes one line to standard input.
    ///
    /// # Errors
    /// When the process no longer reads.
    pub async fn write_line(&mut self, line: &str) -> Result<()> {
        let stdin = self.stdin.as_mut().context("standard input is closed")?;
        stdin.write_all(format!("{line}\n").as_bytes()).await?;
        stdin.flush().await?;
        Ok(())
    }

    /// Ends standard input.
    pub fn close_input(&mut self) {
        self.stdin = None;
    }

    /// Waits for `text` on standard error.
    ///
    /// # Errors
    /// When it does not come in time, with everything that was said.
    pub async fn logs(&self, text: &str) -> Result<()> {
        let found = self
            .err
            .find(0, PATIENCE, |said| said.contains(text).then_some(()))
            .await;
        found.with_context(|| {
            format!(
                "{} did not log {text:?} in time; it said:\n{}",
                self.name,
                self.err.text()
            )
        })
    }

    /// Waits for the end of the process.
    ///
    /// # Errors
    /// When it does not end within `limit`, with everything that was said.
    pub async fn ends(&mut self, limit: Duration) -> Result<ExitStatus> {
        let Ok(status) = timeout(limit, self.child.wait()).await else {
            bail!(
                "{} did not end in {limit:?}; it wrote:\n{}\nand logged:\n{}",
                self.name,
                self.out.text(),
                self.err.text()
            );
        };
        for reader in self.readers.drain(..) {
            // A grandchild may still hold the stream open.
            let _ = timeout(Duration::from_secs(1), reader).await;
        }
        Ok(status?)
    }

    /// `kill -9`, and waits until the process is gone.
    ///
    /// # Errors
    /// When the system refuses.
    pub async fn kill(&mut self) -> Result<()> {
        self.child.kill().await?;
        self.ends(PATIENCE).await?;
        Ok(())
    }

    /// Asks the process to stop, as a service manager does, and waits for its end.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn stop(&mut self) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        self.ends(PATIENCE).await
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let id = self.child.id().context("the process has ended")?;
        let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
        kill_process(pid.context("a process id is positive")?, signal)?;
        Ok(())
    }

    /// Everything that it said on both streams.
    pub fn everything(&self) -> String {
        format!("{}{}", self.out.text(), self.err.text())
    }
}

/// A loopback port that was free a moment ago, outside the range that connections use.
///
/// # Errors
/// When a hundred ports in a row are taken.
pub fn free_port() -> Result<u16> {
    use std::sync::atomic::{AtomicU16, Ordering};
    static NEXT: AtomicU16 = AtomicU16::new(0);
    for _ in 0..100 {
        // Tests run in processes of their own, so each starts somewhere else.
        let start = (std::process::id() * 61) % 20_000;
        let step = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(10_000 + (start + step) % 20_000)?;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port")
}
