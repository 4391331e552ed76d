//! Logs: to standard error only, quiet, and without secrets.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{Level, Log, LogFormat};
use crate::redact::Redactor;

/// Crates that speak too much at INFO and DEBUG; only TRACE shows them too.
const NOISY: &str = "h2=warn,hyper=warn,hyper_util=warn,reqwest=warn,rustls=warn,rustyline=warn,\
                     sqlx=warn,teloxide=warn,tonic=warn,tower=warn";

/// Installs the process-wide logger. `otherwise` is the level when none is configured.
///
/// # Errors
/// A logger is installed already.
pub(crate) fn install(log: &Log, otherwise: Level, redactor: Redactor) -> anyhow::Result<()> {
    let level = log.level.unwrap_or(otherwise);
    let base = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(directives(level)))
        .with_writer(Sink { redactor });
    let installed = match log.format {
        LogFormat::Text => base
            .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
            .with_target(matches!(level, Level::Debug | Level::Trace))
            .try_init(),
        LogFormat::Json => base.json().flatten_event(true).try_init(),
    };
    installed.map_err(|error| anyhow::anyhow!("cannot install the logger: {error}"))
}

fn directives(level: Level) -> String {
    match level {
        Level::Error => "error".to_owned(),
        Level::Warn => "warn".to_owned(),
        Level::Info => format!("info,{NOISY}"),
        Level::Debug => format!("debug,{NOISY}"),
        Level::Trace => "trace".to_owned(),
    }
}

/// Standard error behind the redactor.
struct Sink {
    redactor: Redactor,
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = Redacting<'a, io::Stderr>;

    fn make_writer(&'a self) -> Self::Writer {
        Redacting {
            redactor: &self.redactor,
            inner: io::stderr(),
        }
    }
}

/// A writer that hides secrets. The logger hands over whole events, one `write` each.
struct Redacting<'a, W> {
    redactor: &'a Redactor,
    inner: W,
}

impl<W: Write> Write for Redacting<'_, W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        self.inner.write_all(self.redactor.hide(&text).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct BufferSink {
        redactor: Redactor,
        buffer: Buffer,
    }

    impl<'a> MakeWriter<'a> for BufferSink {
        type Writer = Redacting<'a, Buffer>;

        fn make_writer(&'a self) -> Self::Writer {
            Redacting {
                redactor: &self.redactor,
                inner: self.buffer.clone(),
            }
        }
    }

    #[test]
    fn no_secret_reaches_the_log_in_either_format() {
        for json in [false, true] {
            let redactor = Redactor::default();
            redactor.register("77:se\"cret");
            let buffer = Buffer::default();
            let base = tracing_subscriber::fmt().with_writer(BufferSink {
                redactor,
                buffer: buffer.clone(),
            });
            let log = || {
                tracing::info!(field = "77:se\"cret", url = %"/bot77:se\"cret/x", "said 77:se\"cret");
            };
            if json {
                tracing::subscriber::with_default(base.json().finish(), log);
            } else {
                tracing::subscriber::with_default(base.finish(), log);
            }
            let text = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
            assert!(text.contains("said ***"), "{text}");
            assert!(!text.contains("cret"), "{text}");
        }
    }

    #[test]
    fn every_level_is_a_valid_filter() {
        for level in [
            Level::Error,
            Level::Warn,
            Level::Info,
            Level::Debug,
            Level::Trace,
        ] {
            EnvFilter::try_new(directives(level)).unwrap();
        }
    }
}
