//! Keeping in touch with a legacy node: when it is greeted.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::Bridge;
use super::ask::Asked;
use crate::address::Address;
use crate::dial::{Dialer as _, TcpDialer};
use crate::legacy::{ConnectError, LegacyNet};
use crate::root::Shared;

/// Pauses between looks whether anybody listens, the first one and the longest.
const FIRST_KNOCK: Duration = Duration::from_millis(500);
const LONGEST_KNOCK: Duration = Duration::from_secs(10);
/// How long a server may take to say its first word.
const KNOCK: Duration = Duration::from_secs(10);

/// Keeps in touch with one legacy node for as long as it is enrolled.
pub(crate) async fn keep(
    shared: Arc<Shared>,
    net: LegacyNet,
    wake: Arc<Notify>,
    address: Address,
    server_address: String,
    timing: (Duration, Duration),
    mut online: watch::Receiver<bool>,
) {
    let (reconnect, beat) = timing;
    let bridge = Arc::new(Bridge {
        shared: Arc::clone(&shared),
        asked: Asked {
            net: net.clone(),
            address: address.clone(),
        },
        beat,
        orders: Mutex::default(),
        line: Mutex::default(),
    });
    let mut last_trouble = String::new();
    loop {
        // Its own session, should it speak both protocols, comes first.
        if online.wait_for(|online| !online).await.is_err() {
            return;
        }
        let seen = greetings(&net, &address);
        tokio::select! {
            () = is_open(&address, &server_address) => {}
            () = greets(&net, &address, &wake, seen) => {}
        }
        let due = Instant::now() + reconnect;
        let trouble = match net.connect(&server_address, Some(&address)).await {
            Ok((peer, over)) => {
                last_trouble.clear();
                // In a task of its own: when the dialling ends, the session need not.
                let (bridge, server) = (Arc::clone(&bridge), server_address.clone());
                let session = async move { bridge.session(&server, &peer, over).await };
                let _ = shared.tasks.spawn(session).await;
                None
            }
            Err(error) => Some(error),
        };
        if let Some(error) = trouble {
            if let ConnectError::Clock(offset_s) = error {
                shared
                    .registry
                    .note_clock(&address, offset_s.saturating_mul(1000));
            }
            let said = error.to_string();
            if said != last_trouble {
                tracing::warn!(node.address = %address, at = server_address, trouble = said, "no connection to a legacy node");
                last_trouble = said;
            }
        }
        // It is not greeted more often than a jarviscore node would, unless it greets us, being back.
        let seen = greetings(&net, &address);
        tokio::select! {
            () = sleep_until(due) => {}
            () = greets(&net, &address, &wake, seen) => {}
        }
    }
}

fn greetings(net: &LegacyNet, address: &Address) -> u64 {
    net.peer(address).map_or(0, |peer| peer.greetings)
}

/// A server of HTTP/2 speaks first; something before it, a tunnel or a proxy, only listens.
async fn knock(dialer: &TcpDialer) -> io::Result<()> {
    let mut line = dialer.dial().await?;
    let mut settings = [0; 256];
    match timeout(KNOCK, line.read(&mut settings)).await {
        Ok(Ok(0)) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// Waits until a peer has greeted more than `seen` times.
async fn greets(net: &LegacyNet, address: &Address, wake: &Notify, seen: u64) {
    loop {
        let woken = wake.notified();
        if greetings(net, address) != seen {
            return;
        }
        woken.await;
    }
}

/// Waits until a server speaks. A jarviscore node takes no notice of a connection that is closed without
/// a word, and only greetings count as attempts to connect.
async fn is_open(address: &Address, server_address: &str) {
    let dialer = TcpDialer::new(server_address);
    let mut pause = FIRST_KNOCK;
    while let Err(error) = knock(&dialer).await {
        if pause == FIRST_KNOCK {
            tracing::warn!(node.address = %address, at = server_address, trouble = %error, "no connection to a legacy node");
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_KNOCK);
    }
}
