//! An adapter beside others: when it crashes, it is started again.

use std::time::Duration;

use anyhow::Context as _;
use jarvis_adapters::HostError;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// How long to wait before a new start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pauses {
    /// The first; it doubles.
    first: Duration,
    longest: Duration,
    /// One that ran for so long starts them anew.
    proven: Duration,
}

impl Default for Pauses {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(300),
            proven: Duration::from_secs(600),
        }
    }
}

/// Runs what `begin` makes until it ends by itself or is asked to `stop`; after a crash, once more.
///
/// # Errors
/// That with which it ended, other than a crash.
pub(super) async fn keep<F>(
    name: &'static str,
    pauses: Pauses,
    stop: CancellationToken,
    begin: impl Fn() -> F,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let mut pause = pauses.first;
    loop {
        let began = Instant::now();
        let running = AbortOnDropHandle::new(tokio::spawn(begin()));
        match running.await {
            Ok(Err(error)) if is_crash(&error) => {}
            Ok(ended) => return ended,
            Err(error) if error.is_panic() => {}
            Err(error) => return Err(error).context("was cut off"),
        }
        if began.elapsed() >= pauses.proven {
            pause = pauses.first;
        }
        tracing::error!(
            service = name,
            ?pause,
            "crashed, see the crash report; it is started again"
        );
        if stop.run_until_cancelled(sleep(pause)).await.is_none() {
            return Ok(());
        }
        pause = (pause * 2).min(pauses.longest);
    }
}

fn is_crash(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(HostError::Crashed))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use anyhow::{anyhow, bail};

    use super::*;

    #[tokio::test]
    async fn what_crashes_is_started_again_and_what_ends_is_not() {
        let pauses = Pauses {
            first: Duration::from_millis(1),
            ..Pauses::default()
        };
        let starts = AtomicU32::new(0);
        let ended = keep("probe", pauses, CancellationToken::new(), || {
            let start = starts.fetch_add(1, Ordering::Relaxed);
            async move {
                match start {
                    0 => panic!("in itself"),
                    1 => Err(HostError::Crashed.into()),
                    _ => Err(anyhow!("a wrong token")),
                }
            }
        });
        let ended = ended.await.map_err(|error| error.to_string());
        assert_eq!(ended, Err("a wrong token".to_owned()));
        assert_eq!(starts.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn a_pause_can_be_cut_short() {
        let stop = CancellationToken::new();
        let starts = AtomicU32::new(0);
        let pauses = Pauses {
            first: Duration::from_secs(3600),
            ..Pauses::default()
        };
        let ended = keep("probe", pauses, stop.clone(), || {
            starts.fetch_add(1, Ordering::Relaxed);
            let stop = stop.clone();
            async move {
                stop.cancel();
                bail!(HostError::Crashed)
            }
        });
        assert!(ended.await.is_ok());
        assert_eq!(starts.load(Ordering::Relaxed), 1);
    }
}
