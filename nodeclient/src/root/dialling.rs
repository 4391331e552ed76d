//! How a root keeps in touch with nodes that it dials.

use std::sync::Arc;

use tokio::sync::watch;

use super::legacy::LEGACY_DIAL;
use super::registry::{Enrolment, ToDial};
use super::{Shared, connection};
use crate::address::Address;
use crate::dial::{Dialer, Redial, TcpDialer};
use crate::tls::Side;

/// Enrols a node, and begins to dial it if that is wanted.
pub(super) fn enroll(shared: &Arc<Shared>, node: Enrolment) {
    let legacy = node
        .dial
        .as_deref()
        .and_then(|dial| dial.strip_prefix(LEGACY_DIAL))
        .map(|server| (server.to_owned(), node.address.clone()));
    if let Some((server, address)) = legacy {
        let to_dial = shared.registry.enroll(node);
        return super::legacy::keep(shared, address, server, to_dial);
    }
    let dialled = node
        .dial
        .clone()
        .map(|target| (TcpDialer::new(target), node.address.clone()));
    let ToDial { online, stop } = shared.registry.enroll(node);
    let Some((dialer, address)) = dialled else {
        return;
    };
    let shared = Arc::clone(shared);
    shared.tasks.clone().spawn(async move {
        let down = shared.stop.clone();
        tokio::select! {
            () = down.cancelled() => {}
            () = stop.cancelled() => {}
            () = keep_dialling(shared, dialer, address, online) => {}
        }
    });
}

/// Dials whenever the node has no session.
async fn keep_dialling(
    shared: Arc<Shared>,
    dialer: TcpDialer,
    address: Address,
    mut online: watch::Receiver<bool>,
) {
    let mut redial = Redial::default();
    loop {
        if online.wait_for(|online| !online).await.is_err() {
            return;
        }
        match dialer.dial().await {
            Ok(io) => {
                let peer = connection::Peer {
                    name: dialer.describe(),
                    meant: Some(address.clone()),
                    permit: None,
                };
                // In a task of its own: when the dialling ends, the session need not.
                let served = connection::serve(Arc::clone(&shared), io, Side::Dialled, peer);
                if shared.tasks.spawn(served).await.unwrap_or(false) {
                    redial.reset();
                }
            }
            Err(error) => {
                tracing::debug!(node.address = %address, target = %dialer.describe(), %error, "dialling failed");
            }
        }
        tokio::time::sleep(redial.wait()).await;
    }
}
