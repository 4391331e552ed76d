//! A TCP proxy that a story can cut, stall and mend.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the proxy does with its lines.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Weather {
    /// Bytes pass.
    Fair,
    /// Lines stay open and nothing passes.
    Stalled,
    /// Lines are closed, and new ones too; how.
    Cut(Cut),
}

/// How lines are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Closed in order, as a process that ends does.
    Closed,
    /// Reset, as a host that restarted does.
    Reset,
    /// Reset after so many more bytes in either direction: in the middle of a frame.
    After(usize),
}

/// A running proxy. Its lines end when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    passed: Arc<Passed>,
    task: JoinHandle<()>,
}

/// Bytes that have passed in both directions, and where the weather changes.
#[derive(Debug)]
struct Passed {
    bytes: AtomicU64,
    /// `u64::MAX`: nowhere.
    limit: AtomicU64,
    weather: watch::Sender<Weather>,
    then: std::sync::Mutex<Weather>,
}

impl Passed {
    fn count(&self, length: usize) {
        let bytes = self.bytes.fetch_add(length as u64, Ordering::SeqCst) + length as u64;
        if bytes >= self.limit.load(Ordering::SeqCst) {
            self.limit.store(u64::MAX, Ordering::SeqCst);
            let then = *self.then.lock().expect("no holder panics");
            self.weather.send_replace(then);
        }
    }
}

impl Proxy {
    /// Forwards a port of its own to `target`.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub async fn to(target: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let weather = watch::Sender::new(Weather::Fair);
        let forecast = weather.subscribe();
        let passed = Arc::new(Passed {
            bytes: AtomicU64::new(0),
            limit: AtomicU64::new(u64::MAX),
            weather: weather.clone(),
            then: std::sync::Mutex::new(Weather::Fair),
        });
        let counter = Arc::clone(&passed);
        let task = tokio::spawn(async move {
            while let Ok((line, _)) = listener.accept().await {
                tokio::spawn(serve(line, target, forecast.clone(), Arc::clone(&counter)));
            }
        });
        Ok(Self {
            address,
            weather,
            passed,
            task,
        })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes all lines, and every new one at once.
    pub fn cut(&self) {
        self.cut_by(Cut::Closed);
    }

    /// Cuts all lines in this way, and every new one at once.
    pub fn cut_by(&self, cut: Cut) {
        self.weather.send_replace(Weather::Cut(cut));
    }

    /// Keeps lines open, but lets nothing pass: both ends have to notice by themselves.
    pub fn stall(&self) {
        self.weather.send_replace(Weather::Stalled);
    }

    /// Lets everything pass again. A line that was cut stays cut.
    pub fn mend(&self) {
        self.weather.send_replace(Weather::Fair);
    }

    /// Cuts by itself when so many more bytes have passed.
    pub fn cut_after(&self, bytes: u64) {
        self.change_after(bytes, Weather::Cut(Cut::Closed));
    }

    /// Stalls by itself when so many more bytes have passed.
    pub fn stall_after(&self, bytes: u64) {
        self.change_after(bytes, Weather::Stalled);
    }

    fn change_after(&self, bytes: u64, then: Weather) {
        *self.passed.then.lock().expect("no holder panics") = then;
        let limit = self.passed() + bytes;
        self.passed.limit.store(limit, Ordering::SeqCst);
    }

    /// Waits until the lines are cut or stalled.
    pub async fn is_bad(&self) {
        let mut weather = self.weather.subscribe();
        let bad = weather.wait_for(|weather| *weather != Weather::Fair);
        tokio::time::timeout(crate::process::PATIENCE, bad)
            .await
            .expect("so many bytes pass in time")
            .expect("the proxy lives");
    }

    /// Bytes that have passed so far, in both directions.
    pub fn passed(&self) -> u64 {
        self.passed.bytes.load(Ordering::SeqCst)
    }

    /// Cuts, waits, mends.
    pub async fn cut_for(&self, time: Duration) {
        self.cut();
        tokio::time::sleep(time).await;
        self.mend();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.weather.send_replace(Weather::Cut(Cut::Closed));
        self.task.abort();
    }
}

async fn serve(
    mut line: TcpStream,
    target: SocketAddr,
    mut weather: watch::Receiver<Weather>,
    passed: Arc<Passed>,
) {
    if matches!(*weather.borrow_and_update(), Weather::Cut(_)) {
        return;
    }
    let Ok(mut onward) = TcpStream::connect(target).await else {
        return;
    };
    let _ = (line.set_nodelay(true), onward.set_nodelay(true));
    let both_ways = {
        let (mut near_read, mut near_write) = line.split();
        let (mut far_read, mut far_write) = onward.split();
        let both_ways = async {
            tokio::join!(
                pump(&mut near_read, &mut far_write, weather.clone(), &passed),
                pump(&mut far_read, &mut near_write, weather.clone(), &passed),
            )
        };
        let mut storm = weather.clone();
        tokio::select! {
            (near, far) = both_ways => near.and(far),
            cut = storm.wait_for(|weather| {
                matches!(weather, Weather::Cut(Cut::Closed | Cut::Reset))
            }) => match cut.as_deref() {
                Ok(Weather::Cut(Cut::Reset)) => Err(WasReset),
                _ => Ok(()),
            },
        }
    };
    if both_ways.is_err() {
        // What is closed with a linger of zero is reset.
        let _ = (line.set_zero_linger(), onward.set_zero_linger());
    }
}

/// The line is to be reset.
#[derive(Clone, Copy, Debug)]
struct WasReset;

/// Passes bytes one way; while the line is stalled it holds what it has read and reads no more.
async fn pump(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    mut weather: watch::Receiver<Weather>,
    passed: &Passed,
) -> Result<(), WasReset> {
    let mut chunk = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        let not_stalled = weather.wait_for(|weather| *weather != Weather::Stalled);
        let Ok(now) = not_stalled.await.map(|now| *now) else {
            return Ok(());
        };
        let passes = match now {
            Weather::Cut(Cut::After(left)) => left.min(length),
            _ => length,
        };
        if to.write_all(&chunk[..passes]).await.is_err() {
            return Ok(());
        }
        if matches!(now, Weather::Cut(Cut::After(_))) {
            return Err(WasReset);
        }
        passed.count(length);
    }
    let _ = to.shutdown().await;
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut line, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = line.split();
                    tokio::io::copy(&mut read, &mut write).await
                });
            }
        });
        address
    }

    async fn answers(line: &mut TcpStream) -> bool {
        let mut byte = [0];
        line.write_all(b"x").await.is_ok() && line.read_exact(&mut byte).await.is_ok()
    }

    #[tokio::test]
    async fn a_cut_line_ends_and_a_new_one_waits_for_the_mending() {
        let proxy = Proxy::to(echo().await).await.unwrap();
        let mut line = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(answers(&mut line).await);
        proxy.cut();
        assert!(!answers(&mut line).await);
        let mut line = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(!answers(&mut line).await);
        proxy.mend();
        let mut line = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(answers(&mut line).await);
    }

    #[tokio::test]
    async fn a_stalled_line_goes_on_after_the_mending() {
        let proxy = Proxy::to(echo().await).await.unwrap();
        let mut line = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(answers(&mut line).await);
        proxy.stall();
        line.write_all(b"y").await.unwrap();
        let mut byte = [0];
        let silence = tokio::time::timeout(Duration::from_millis(50), line.read_exact(&mut byte));
        assert!(silence.await.is_err());
        proxy.mend();
        line.read_exact(&mut byte).await.unwrap();
        assert_eq!(byte, *b"y");
    }

    #[tokio::test]
    async fn a_line_is_cut_in_the_middle_of_what_it_says() {
        let proxy = Proxy::to(echo().await).await.unwrap();
        let mut line = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(answers(&mut line).await);
        proxy.cut_by(Cut::After(3));
        line.write_all(b"abcdef").await.unwrap();
        let mut said = Vec::new();
        let end = line.read_to_end(&mut said).await;
        assert!(said.len() <= 3 && end.is_err(), "{said:?} {end:?}");
    }

    #[tokio::test]
    async fn a_line_is_reset() {
        let proxy = Proxy::to(echo().await).await.unwrap();
        let mut line = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(answers(&mut line).await);
        proxy.cut_by(Cut::Reset);
        let end = line.read_exact(&mut [0]).await.unwrap_err();
        assert_eq!(end.kind(), std::io::ErrorKind::ConnectionReset);
    }
}
