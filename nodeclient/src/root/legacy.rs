//! Legacy nodes at a root: they are enrolled, ordered and heard like all others.

use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use jarvis_proto::legacy::JarvisMsg;
use tokio::sync::{Notify, mpsc};

use super::event::RootEvent;
use super::registry::ToDial;
use super::{Root, Shared};
use crate::address::Address;
use crate::identity::Identity;
use crate::legacy::{
    Counts, Drafts, Handler, LegacyNet, NetError, NetEvent, NetOptions, Nobody, PeerStore, Piece,
    Request, bridge,
};

/// What [`Enrolment::dial`](super::Enrolment::dial) of a legacy node begins with; `HOST:PORT` follows.
pub const LEGACY_DIAL: &str = "legacy://";

/// How a root takes part in a legacy network.
#[derive(Debug)]
pub struct LegacyOptions {
    /// Where legacy nodes dial, names, timing.
    pub net: NetOptions,
    /// The key towards legacy nodes; none: the root's own.
    pub identity: Option<Identity>,
    /// How often a running job is looked after.
    pub beat: Duration,
}

impl LegacyOptions {
    /// The root's own key and usual timing.
    #[must_use]
    pub fn new(net: NetOptions) -> Self {
        Self {
            net,
            identity: None,
            beat: Duration::from_secs(3),
        }
    }
}

/// What a root needs for legacy nodes.
pub(super) struct Legacy {
    net: LegacyNet,
    wake: Arc<Notify>,
    reconnect: Duration,
    beat: Duration,
}

impl Root {
    /// Takes part in a legacy network from now on. Nodes whose dial address begins with [`LEGACY_DIAL`]
    /// must be enrolled after this. Their peers are kept in `store`.
    ///
    /// # Errors
    /// When the peers cannot be loaded, or nobody can listen at the address.
    pub async fn serve_legacy(
        &self,
        options: LegacyOptions,
        store: Arc<dyn PeerStore>,
    ) -> Result<LegacyNet, NetError> {
        // Legacy nodes know one address for ever: a later change of the root's key is not theirs.
        let own = || self.shared.keys().identity().copy();
        let identity = Arc::new(options.identity.unwrap_or_else(own));
        let handler = Arc::new(RootSide(Arc::downgrade(&self.shared)));
        let reconnect = options.net.reconnect;
        let (net, events) = LegacyNet::start(identity, options.net, store, handler).await?;
        let wake = Arc::new(Notify::new());
        let legacy = Legacy {
            net: net.clone(),
            wake: Arc::clone(&wake),
            reconnect,
            beat: options.beat,
        };
        if self.shared.legacy.set(legacy).is_err() {
            tracing::error!("this root takes part in a legacy network already");
        }
        let stop = self.shared.stop.clone();
        let hearing = hear(Arc::clone(&self.shared), wake, events);
        self.shared.tasks.spawn({
            let net = net.clone();
            async move {
                stop.run_until_cancelled_owned(hearing).await;
                net.shutdown().await;
            }
        });
        Ok(net)
    }

    /// What was refused in the legacy network; `None` where there is none.
    #[must_use]
    pub fn legacy_counts(&self) -> Option<Counts> {
        Some(self.shared.legacy.get()?.net.counts())
    }
}

/// Nobody orders a root; connections with enrolled nodes are wanted.
struct RootSide(Weak<Shared>);

#[async_trait]
impl Handler for RootSide {
    fn trusts(&self, _address: &Address) -> bool {
        false
    }

    fn wants(&self, address: &Address) -> bool {
        self.0
            .upgrade()
            .is_some_and(|shared| shared.registry.is_enrolled(address))
    }

    async fn handle(&self, from: &Address, signed: &JarvisMsg, request: Request) -> Drafts {
        Nobody.handle(from, signed, request).await
    }

    async fn receive(
        &self,
        from: &Address,
        first: &JarvisMsg,
        pieces: mpsc::Receiver<Piece>,
    ) -> Drafts {
        Nobody.receive(from, first, pieces).await
    }
}

/// Who greets us is dialled at once if it is wanted, and told of if not.
async fn hear(shared: Arc<Shared>, wake: Arc<Notify>, mut events: mpsc::Receiver<NetEvent>) {
    while let Some(event) = events.recv().await {
        let info = match event {
            NetEvent::Greeted {
                is_wanted: true, ..
            } => {
                wake.notify_waiters();
                continue;
            }
            NetEvent::Greeted { info, .. } | NetEvent::Heard { info } => info,
        };
        if let Ok(address) = Address::parse(&info.addr) {
            let peer = format!("{LEGACY_DIAL}{}", info.serv_addr);
            let _ = shared.events.try_send(RootEvent::Stranger {
                address,
                claims: None,
                peer,
            });
        }
    }
}

/// Keeps in touch with a legacy node.
pub(super) fn keep(shared: &Arc<Shared>, address: Address, server: String, to_dial: ToDial) {
    let Some(legacy) = shared.legacy.get() else {
        tracing::warn!(node.address = %address, "this node is a legacy node, and [legacy] is not configured");
        return;
    };
    let ToDial { online, stop } = to_dial;
    let timing = (legacy.reconnect, legacy.beat);
    let kept = bridge::keep(
        Arc::clone(shared),
        legacy.net.clone(),
        Arc::clone(&legacy.wake),
        address,
        server,
        timing,
        online,
    );
    let down = shared.stop.clone();
    shared.tasks.spawn(async move {
        tokio::select! {
            () = down.cancelled() => {}
            () = stop.cancelled() => {}
            () = kept => {}
        }
    });
}
