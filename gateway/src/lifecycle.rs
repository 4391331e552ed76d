//! Running services side by side, and stopping them in order.
//!
//! Services are started from the bottom up and stopped from the top down, each with a limit of its
//! own. A service that ends by itself ends the program: the foreground one well, any other badly; but
//! one apart from the others ends alone, as long as there is another way in.
//! The first signal asks everybody to stop; the second ends the wait.

use std::future::Future;
use std::ops::ControlFlow;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

/// Exit code after a second signal.
pub(crate) const ABORTED: u8 = 130;

/// Longest wait for a service to stop: it ends what it does, with limits of its own, and says goodbye.
pub(crate) const STOP_LIMIT: Duration = Duration::from_secs(20);

/// How a program ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The foreground service had no more to do, or a signal came.
    Stopped,
    /// A second signal came while services were still stopping.
    Aborted,
    /// A service failed.
    Failed(anyhow::Error),
}

/// The running services of one process.
pub(crate) struct Services {
    services: Vec<Service>,
    ended: mpsc::Receiver<Ended>,
    tell: mpsc::Sender<Ended>,
}

struct Service {
    name: &'static str,
    part: Part,
    stop: CancellationToken,
    /// Longest wait for it after it was asked to stop.
    limit: Duration,
    abort: AbortHandle,
    running: bool,
}

/// What the end of a service means to the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Nothing goes without it.
    Needed,
    /// Its end is the end of the program.
    Foreground,
    /// The others go on without it, unless it was the last way in.
    Apart,
}

struct Ended {
    index: usize,
    result: anyhow::Result<()>,
}

impl Services {
    /// None yet.
    pub(crate) fn new() -> Self {
        // Each service sends one message in its life; more than a handful never run at once.
        let (tell, ended) = mpsc::channel(16);
        Self {
            services: Vec::new(),
            ended,
            tell,
        }
    }

    /// Starts a service that must run as long as the program.
    pub(crate) fn start<F>(
        &mut self,
        name: &'static str,
        limit: Duration,
        run: impl FnOnce(CancellationToken) -> F,
    ) where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.spawn(name, limit, Part::Needed, run);
    }

    /// Starts the service whose end is the end of the program.
    pub(crate) fn start_foreground<F>(
        &mut self,
        name: &'static str,
        limit: Duration,
        run: impl FnOnce(CancellationToken) -> F,
    ) where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.spawn(name, limit, Part::Foreground, run);
    }

    /// Starts a service without which the others go on, unless nobody can come in any more: the last one
    /// ends the program when there is no foreground.
    pub(crate) fn start_apart<F>(
        &mut self,
        name: &'static str,
        limit: Duration,
        run: impl FnOnce(CancellationToken) -> F,
    ) where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.spawn(name, limit, Part::Apart, run);
    }

    fn spawn<F>(
        &mut self,
        name: &'static str,
        limit: Duration,
        part: Part,
        run: impl FnOnce(CancellationToken) -> F,
    ) where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(stop.clone()));
        let abort = task.abort_handle();
        let index = self.services.len();
        let tell = self.tell.clone();
        tokio::spawn(async move {
            let result = match task.await {
                Ok(result) => result,
                Err(error) if error.is_cancelled() => Ok(()),
                Err(_) => Err(anyhow!("crashed, see the crash report")),
            };
            // Nobody listens any more when the wait for this service was given up.
            let _ = tell.send(Ended { index, result }).await;
        });
        self.services.push(Service {
            name,
            part,
            stop,
            limit,
            abort,
            running: true,
        });
    }

    /// Waits for a signal or for a service to end, then stops the rest in order.
    pub(crate) async fn run(mut self, mut signals: mpsc::Receiver<Signal>) -> Outcome {
        let mut failure = loop {
            tokio::select! {
                Some(signal) = signals.recv() => {
                    tracing::info!(signal = signal.name(), "stopping");
                    break None;
                }
                Some(ended) = self.ended.recv() => match self.note(ended) {
                    ControlFlow::Continue(()) => {}
                    ControlFlow::Break(failure) => break failure,
                }
            }
        };
        for index in (0..self.services.len()).rev() {
            self.services[index].stop.cancel();
            let deadline = tokio::time::sleep(self.services[index].limit);
            tokio::pin!(deadline);
            while self.services[index].running {
                tokio::select! {
                    Some(_) = signals.recv() => return Outcome::Aborted,
                    Some(ended) = self.ended.recv() => {
                        let bad = self.note_stopping(ended);
                        failure = failure.or(bad);
                    }
                    () = &mut deadline => {
                        let service = &mut self.services[index];
                        tracing::warn!(service = service.name, "did not stop in time, forced");
                        service.abort.abort();
                        service.running = false;
                    }
                }
            }
        }
        failure.map_or(Outcome::Stopped, Outcome::Failed)
    }

    /// A service ended while all should run.
    fn note(&mut self, ended: Ended) -> ControlFlow<Option<anyhow::Error>> {
        let service = &mut self.services[ended.index];
        service.running = false;
        let (name, part) = (service.name, service.part);
        let failure = match ended.result {
            Ok(()) if part == Part::Foreground => return ControlFlow::Break(None),
            Ok(()) => anyhow!("{name} ended unexpectedly"),
            Err(error) => error.context(name),
        };
        let is_way_in = |service: &Service| service.running && service.part != Part::Needed;
        if part == Part::Apart && self.services.iter().any(is_way_in) {
            tracing::error!(
                "{failure:#}. Only this has stopped, and stays so until Jarvis is started again"
            );
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(Some(failure))
    }

    /// A service ended while all are stopping: only a failure matters.
    fn note_stopping(&mut self, ended: Ended) -> Option<anyhow::Error> {
        let service = &mut self.services[ended.index];
        service.running = false;
        ended.result.context(service.name).err()
    }
}

/// A wish of the system or of the person at the terminal that the program stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGINT, usually Ctrl-C.
    Interrupt,
    /// SIGTERM, usually a service manager.
    Terminate,
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }
}

/// The stop signals of this process, from now on.
///
/// # Errors
/// The system refuses the handlers.
pub(crate) fn signals() -> anyhow::Result<mpsc::Receiver<Signal>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt()).context("cannot handle SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot handle SIGTERM")?;
    let (sender, receiver) = mpsc::channel(2);
    tokio::spawn(async move {
        loop {
            let signal = tokio::select! {
                Some(()) = interrupt.recv() => Signal::Interrupt,
                Some(()) = terminate.recv() => Signal::Terminate,
                else => return,
            };
            if sender.send(signal).await.is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

/// What `start` makes, or nothing when a signal comes first: a database that does not answer must not
/// keep anybody from stopping.
///
/// # Errors
/// Those of `start`.
pub(crate) async fn unless_stopped<T>(
    signals: &mut mpsc::Receiver<Signal>,
    start: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<Option<T>> {
    tokio::select! {
        started = start => started.map(Some),
        Some(signal) = signals.recv() => {
            tracing::info!(signal = signal.name(), "stopped while starting");
            Ok(None)
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    const LONG: Duration = Duration::from_secs(600);
    const SHORT: Duration = Duration::from_millis(1);

    type Running = std::pin::Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;

    /// Records the order in which services were stopped.
    #[derive(Clone, Default)]
    struct Diary(Arc<Mutex<Vec<&'static str>>>);

    impl Diary {
        fn service(&self, name: &'static str) -> impl FnOnce(CancellationToken) -> Running {
            let diary = self.clone();
            move |stop| {
                Box::pin(async move {
                    stop.cancelled().await;
                    diary.0.lock().unwrap().push(name);
                    Ok(())
                })
            }
        }
    }

    #[tokio::test]
    async fn a_signal_stops_services_from_the_top_down() {
        let diary = Diary::default();
        let mut services = Services::new();
        for name in ["nodes", "brain", "adapters"] {
            services.start(name, LONG, diary.service(name));
        }
        let (sender, signals) = mpsc::channel(2);
        sender.send(Signal::Terminate).await.unwrap();
        assert!(matches!(services.run(signals).await, Outcome::Stopped));
        assert_eq!(*diary.0.lock().unwrap(), ["adapters", "brain", "nodes"]);
    }

    #[tokio::test]
    async fn the_end_of_the_foreground_is_a_good_end() {
        let diary = Diary::default();
        let mut services = Services::new();
        services.start("brain", LONG, diary.service("brain"));
        services.start_foreground("console", LONG, |_| async { Ok(()) });
        let (_sender, signals) = mpsc::channel(2);
        assert!(matches!(services.run(signals).await, Outcome::Stopped));
        assert_eq!(*diary.0.lock().unwrap(), ["brain"]);
    }

    #[tokio::test]
    async fn a_service_that_fails_stops_the_others() {
        let diary = Diary::default();
        let mut services = Services::new();
        services.start("brain", LONG, diary.service("brain"));
        services.start("telegram", LONG, |_| async { Err(anyhow!("bad token")) });
        let (_sender, signals) = mpsc::channel(2);
        let Outcome::Failed(error) = services.run(signals).await else {
            panic!("the failure was lost");
        };
        assert_eq!(format!("{error:#}"), "telegram: bad token");
        assert_eq!(*diary.0.lock().unwrap(), ["brain"]);
    }

    #[tokio::test]
    async fn a_service_apart_ends_alone_while_there_is_another_way_in() {
        let diary = Diary::default();
        let mut services = Services::new();
        services.start("brain", LONG, diary.service("brain"));
        services.start_apart("wecom", LONG, |_| async { Err(anyhow!("taken over")) });
        services.start_apart("telegram", LONG, diary.service("telegram"));
        let (sender, signals) = mpsc::channel(2);
        let running = services.run(signals);
        tokio::pin!(running);
        let early = tokio::time::timeout(Duration::from_millis(50), &mut running).await;
        assert!(early.is_err(), "it did not go on");
        sender.send(Signal::Terminate).await.unwrap();
        assert!(matches!(running.await, Outcome::Stopped));
        assert_eq!(*diary.0.lock().unwrap(), ["telegram", "brain"]);
    }

    #[tokio::test]
    async fn the_end_of_the_last_way_in_is_the_end() {
        let diary = Diary::default();
        let mut services = Services::new();
        services.start("brain", LONG, diary.service("brain"));
        for name in ["wecom", "telegram"] {
            services.start_apart(name, LONG, |_| async { Err(anyhow!("bad token")) });
        }
        let (_sender, signals) = mpsc::channel(2);
        let Outcome::Failed(error) = services.run(signals).await else {
            panic!("the failure was lost");
        };
        assert!(format!("{error:#}").ends_with(": bad token"));
        assert_eq!(*diary.0.lock().unwrap(), ["brain"]);
    }

    #[tokio::test]
    async fn a_service_that_hangs_is_forced() {
        let mut services = Services::new();
        services.start("stuck", SHORT, |_| std::future::pending());
        let (sender, signals) = mpsc::channel(2);
        sender.send(Signal::Interrupt).await.unwrap();
        assert!(matches!(services.run(signals).await, Outcome::Stopped));
    }

    #[tokio::test]
    async fn a_second_signal_aborts() {
        let mut services = Services::new();
        services.start("stuck", LONG, |_| std::future::pending());
        let (sender, signals) = mpsc::channel(2);
        sender.send(Signal::Interrupt).await.unwrap();
        sender.send(Signal::Interrupt).await.unwrap();
        assert!(matches!(services.run(signals).await, Outcome::Aborted));
    }

    #[tokio::test]
    async fn a_start_that_hangs_can_be_stopped() {
        let (sender, mut signals) = mpsc::channel(2);
        let started = unless_stopped(&mut signals, async { Ok(1) }).await;
        assert_eq!(started.unwrap(), Some(1));
        sender.send(Signal::Interrupt).await.unwrap();
        let hanging = std::future::pending::<anyhow::Result<()>>();
        assert!(
            unless_stopped(&mut signals, hanging)
                .await
                .unwrap()
                .is_none()
        );
    }

    #[tokio::test]
    async fn an_unexpected_end_is_a_failure() {
        let mut services = Services::new();
        services.start("brain", LONG, |_| async { Ok(()) });
        let (_sender, signals) = mpsc::channel(2);
        let Outcome::Failed(error) = services.run(signals).await else {
            panic!("the failure was lost");
        };
        assert_eq!(error.to_string(), "brain ended unexpectedly");
    }
}
