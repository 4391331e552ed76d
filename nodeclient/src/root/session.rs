//! One node's session, from its proof to its end.

use std::sync::Arc;

use jarvis_proto::node::{
    Goodbye, Introduction, NodeFrame, NodeHello, Ping, RootFrame, Welcome, node_frame, root_frame,
};
use prost::Message;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, Streaming};

use super::Shared;
use super::connection::Connection;
use super::event::{DisconnectReason, RootEvent};
use super::registry::{Admission, FrameLine, SessionHandle};
use crate::address::Address;
use crate::keyring::{Succession, successions};
use crate::name::NodeName;
use crate::proof::{Role, prove, proven};
use crate::stop::Stop;

/// The most bytes of a hello: thousands of open orders.
const MOST_HELLO_BYTES: usize = 256 << 10;
/// A node that is silent for so many heartbeats is gone.
const SILENT_HEARTBEATS: u32 = 3;

/// Runs the control line of one connection, then ends the connection.
pub(super) async fn run(
    shared: Arc<Shared>,
    connection: Arc<Connection>,
    mut frames: Streaming<NodeFrame>,
    line: FrameLine,
) {
    let _over = connection.over.clone().drop_guard();
    let greeting = greet(&shared, &connection, &mut frames, &line);
    let greeted = tokio::select! {
        greeted = timeout(shared.options.proof_timeout, greeting) => greeted,
        () = shared.stop.cancelled() => return,
        () = connection.over.cancelled() => return,
    };
    let (node, name, hello) = match greeted {
        Ok(Ok(greeted)) => greeted,
        Ok(Err(refusal)) => {
            if refusal.code() != Code::Ok {
                tracing::info!(peer = %connection.peer, reason = refusal.message(), "session refused");
            }
            let _ = line.try_send(Err(refusal));
            return;
        }
        Err(_) => {
            let _ = line.try_send(Err(Status::deadline_exceeded(
                "no proof and hello came in time",
            )));
            return;
        }
    };
    let handle = SessionHandle {
        line,
        stop: Stop::new(),
        finished: CancellationToken::new(),
    };
    // Also when this future is dropped: whoever waits for this session must not wait for ever.
    let _finished = handle.finished.clone().drop_guard();
    Session {
        shared,
        connection,
        node,
        name,
        handle,
        frames,
    }
    .run(hello)
    .await;
}

/// Root's proof, node's proof, welcome, hello.
async fn greet(
    shared: &Shared,
    connection: &Connection,
    frames: &mut Streaming<NodeFrame>,
    line: &FrameLine,
) -> Result<(Address, NodeName, Hello), Status> {
    let keys = shared.keys();
    let clock = &shared.options.clock;
    let mut proof = prove(
        keys.identity(),
        Role::Root,
        &connection.exporter,
        clock.now_ms(),
    );
    proof.join = (!keys.changes().is_empty()).then(|| Introduction {
        key_changes: keys.changes().to_vec(),
        ..Introduction::default()
    });
    drop(keys);
    say(line, root_frame::Frame::Proof(proof)).await?;
    let Some(node_frame::Frame::Proof(mut proof)) = next(frames).await? else {
        return Err(Status::failed_precondition("no proof came first"));
    };
    let clock_offset_ms = proof.time_ms.saturating_sub(clock.now_ms());
    let proven = proven(&proof, Role::Node, &connection.exporter)
        .ok_or_else(|| Status::unauthenticated("the node's proof does not fit this connection"))?;
    let said = proof.join.take().unwrap_or_default();
    let (node, name) = let_in(shared, connection, proven, said).await?;
    connection
        .node
        .set(node.clone())
        .map_err(|_| Status::internal("proven twice"))?;
    connection.proven.cancel();
    let heartbeat = shared.options.heartbeat.as_millis();
    say(
        line,
        root_frame::Frame::Welcome(Welcome {
            node_name: name.to_string(),
            heartbeat_ms: u64::try_from(heartbeat).unwrap_or(u64::MAX),
            root_version: env!("CARGO_PKG_VERSION").into(),
        }),
    )
    .await?;
    match next(frames).await? {
        Some(node_frame::Frame::Hello(hello)) if hello.encoded_len() <= MOST_HELLO_BYTES => Ok((
            node,
            name,
            Hello {
                hello,
                clock_offset_ms,
            },
        )),
        // It came only to introduce itself.
        Some(node_frame::Frame::Goodbye(_)) | None => Err(Status::ok("")),
        _ => Err(Status::failed_precondition(
            "no hello came after the welcome",
        )),
    }
}

/// Who a node is that proved `proven`: one that is enrolled, one that was under an earlier key, or one
/// that is enrolled now.
async fn let_in(
    shared: &Shared,
    connection: &Connection,
    proven: Address,
    said: Introduction,
) -> Result<(Address, NodeName), Status> {
    let registry = &shared.registry;
    let now_ms = shared.options.clock.now_ms();
    let mut known = registry.admitted(&proven, now_ms);
    if known.is_none()
        && let Some(gate) = shared.gate.get()
    {
        let chain = successions(&said.key_changes, &proven);
        let known_by = chain.iter().find_map(|step| {
            let name = registry.name_of(&step.old)?;
            Some((name, step))
        });
        if let Some((name, step)) = known_by {
            // All later keys follow from the one that is known here.
            let change = Succession {
                new: proven.clone(),
                ..step.clone()
            };
            gate.key_changed(&name, &change)
                .await
                .map_err(Status::permission_denied)?;
            known = registry.admitted(&proven, now_ms);
        } else if !said.token.is_empty() {
            gate.join(&proven, &said)
                .await
                .map_err(Status::permission_denied)?;
            known = registry.admitted(&proven, now_ms);
        }
    } else if !said.token.is_empty()
        && let (Some(gate), Some(known)) = (shared.gate.get(), &known)
    {
        gate.join(known, &said)
            .await
            .map_err(Status::permission_denied)?;
    }
    let meant = connection
        .meant
        .as_ref()
        .map(|meant| registry.current(meant));
    if let Some(meant) = meant
        && known.as_ref() != Some(&meant)
    {
        stranger(shared, connection, &proven, registry.name_of(&meant));
        return Err(Status::permission_denied("another node was meant"));
    }
    let Some((node, name)) = known.and_then(|node| {
        let name = registry.name_of(&node)?;
        Some((node, name))
    }) else {
        let claims = NodeName::parse(&said.name)
            .ok()
            .filter(|name| registry.has_name(name));
        stranger(shared, connection, &proven, claims);
        let said = format!("node {proven} is not enrolled at this root");
        return Err(Status::permission_denied(said));
    };
    registry.proved(&node, proven);
    if said.leave
        && let Some(gate) = shared.gate.get()
    {
        gate.leave(&name).await.map_err(Status::permission_denied)?;
    }
    Ok((node, name))
}

fn stranger(shared: &Shared, connection: &Connection, address: &Address, claims: Option<NodeName>) {
    let _ = shared.events.try_send(RootEvent::Stranger {
        address: address.clone(),
        claims,
        peer: connection.peer.clone(),
    });
}

struct Hello {
    hello: NodeHello,
    clock_offset_ms: i64,
}

async fn say(line: &FrameLine, frame: root_frame::Frame) -> Result<(), Status> {
    let gone = |_| Status::unavailable("the node has gone");
    line.send(Ok(RootFrame { frame: Some(frame) }))
        .await
        .map_err(gone)
}

async fn next(frames: &mut Streaming<NodeFrame>) -> Result<Option<node_frame::Frame>, Status> {
    Ok(frames.message().await?.and_then(|frame| frame.frame))
}

/// A proven session.
struct Session {
    shared: Arc<Shared>,
    connection: Arc<Connection>,
    node: Address,
    name: NodeName,
    handle: SessionHandle,
    frames: Streaming<NodeFrame>,
}

impl Session {
    async fn run(mut self, hello: Hello) {
        let Some(connected) = self.admit(hello).await else {
            return;
        };
        tracing::info!(node.name = %self.name, peer = %self.connection.peer, "node connected");
        let over = self.connection.over.clone();
        let (told, reason) = match self.tell(connected).await {
            Err(reason) => (false, reason),
            Ok(()) => tokio::select! {
                reason = self.listen() => (true, reason),
                () = over.cancelled() => {
                    (true, DisconnectReason::LineCut("the connection ended".into()))
                }
            },
        };
        tracing::info!(node.name = %self.name, %reason, "node disconnected");
        if !matches!(
            reason,
            DisconnectReason::LineCut(_) | DisconnectReason::Goodbye(_)
        ) {
            let goodbye = Goodbye {
                reason: reason.to_string(),
            };
            let frame = RootFrame {
                frame: Some(root_frame::Frame::Goodbye(goodbye)),
            };
            let _ = self.handle.line.try_send(Ok(frame));
        }
        over.cancel();
        self.shared.registry.offline(&self.node, &self.handle);
        if told {
            let disconnected = RootEvent::Disconnected {
                node: self.name,
                reason,
            };
            tokio::select! {
                _ = self.shared.events.send(disconnected) => {}
                () = self.shared.kill.cancelled() => {}
            }
        }
        // Only now may the next session of the node begin: the consumer sees one after the other.
        self.shared.registry.release(&self.node, &self.handle);
    }

    /// Takes the node's one session slot, ending an older session first.
    async fn admit(&mut self, hello: Hello) -> Option<RootEvent> {
        let Hello {
            hello:
                NodeHello {
                    incarnation,
                    facts,
                    open_orders,
                },
            clock_offset_ms,
        } = hello;
        loop {
            let peer = self.connection.peer.clone();
            let admission = self
                .shared
                .registry
                .admit(&self.node, &self.handle, |status| {
                    status.incarnation = Some(incarnation.clone());
                    status.facts.clone_from(&facts);
                    status.peer = Some(peer);
                    status.clock_offset_ms = clock_offset_ms;
                });
            match admission {
                Admission::Admitted {
                    status,
                    same_incarnation,
                } => {
                    let node = status.name.clone();
                    self.name = node.clone();
                    return Some(RootEvent::Connected {
                        node,
                        status,
                        open_orders,
                        same_incarnation,
                    });
                }
                // The older session tells its end first, so that the consumer sees both in order.
                Admission::Wait(finished) => tokio::select! {
                    () = finished.cancelled() => {}
                    () = self.shared.stop.cancelled() => return None,
                    () = self.connection.over.cancelled() => return None,
                },
                Admission::Forgotten => return None,
            }
        }
    }

    /// Handles frames until the session is over, and tells why it is.
    async fn listen(&mut self) -> DisconnectReason {
        let heartbeat = self.shared.options.heartbeat;
        let silence = heartbeat * SILENT_HEARTBEATS;
        let mut pings = interval_at(Instant::now() + heartbeat, heartbeat);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pinged = (0, Instant::now());
        let mut deadline = Instant::now() + silence;
        loop {
            let frame = tokio::select! {
                reason = self.handle.stop.asked() => return reason,
                () = self.shared.stop.cancelled() => return DisconnectReason::Stopping,
                _ = pings.tick() => {
                    pinged = (pinged.0 + 1, Instant::now());
                    let ping = root_frame::Frame::Ping(Ping { nonce: pinged.0 });
                    // A full line needs no ping: something is under way already.
                    let _ = self.handle.line.try_send(Ok(RootFrame { frame: Some(ping) }));
                    continue;
                }
                frame = timeout_at(deadline, self.frames.message()) => frame,
            };
            let frame = match frame {
                Ok(Ok(Some(NodeFrame { frame }))) => frame,
                Ok(Ok(None)) => return DisconnectReason::LineCut("the node ended it".into()),
                Ok(Err(status)) => return DisconnectReason::LineCut(status.message().into()),
                Err(_) => return DisconnectReason::Silent,
            };
            // People rename nodes; after it was forgotten, its last name stays.
            if let Some(name) = self.shared.registry.name_of(&self.node) {
                self.name = name;
            }
            if let Err(reason) = self.take(frame, pinged).await {
                return reason;
            }
            // Counted from here: a consumer that is slow is not the node's fault.
            deadline = Instant::now() + silence;
        }
    }

    /// Handles one frame.
    async fn take(
        &self,
        frame: Option<node_frame::Frame>,
        (nonce, pinged): (u64, Instant),
    ) -> Result<(), DisconnectReason> {
        let registry = &self.shared.registry;
        let node = self.name.clone();
        let event = match frame {
            Some(node_frame::Frame::Accepted(accepted)) => RootEvent::Accepted { node, accepted },
            Some(node_frame::Frame::Refused(refused)) => RootEvent::Refused { node, refused },
            Some(node_frame::Frame::Ended(ended)) => RootEvent::Ended {
                node,
                ended: Box::new(ended),
            },
            Some(node_frame::Frame::Unknown(unknown)) => RootEvent::Unknown { node, unknown },
            Some(node_frame::Frame::Progress(progress)) => {
                let _ = self
                    .shared
                    .events
                    .try_send(RootEvent::Progress { node, progress });
                return Ok(());
            }
            Some(node_frame::Frame::Heartbeat(heartbeat)) => {
                registry.heard(&self.node, |status, now| {
                    if let Some(load) = heartbeat.load {
                        status.clock_offset_ms = load.time_ms.saturating_sub(now);
                        status.load = Some(load);
                    }
                });
                return Ok(());
            }
            Some(node_frame::Frame::Pong(pong)) => {
                registry.heard(&self.node, |status, _| {
                    if pong.nonce == nonce {
                        status.round_trip = Some(pinged.elapsed());
                    }
                });
                return Ok(());
            }
            Some(node_frame::Frame::Goodbye(goodbye)) => {
                return Err(DisconnectReason::Goodbye(goodbye.reason));
            }
            Some(node_frame::Frame::Proof(_) | node_frame::Frame::Hello(_)) => {
                return Err(DisconnectReason::Protocol("it greeted twice"));
            }
            // A newer node may say what this root does not know yet.
            None => return Ok(()),
        };
        registry.heard(&self.node, |_, _| {});
        self.tell(event).await
    }

    /// Hands an event to the consumer, waiting as long as it likes; only this session waits.
    async fn tell(&self, event: RootEvent) -> Result<(), DisconnectReason> {
        tokio::select! {
            sent = self.shared.events.send(event) => sent.map_err(|_| DisconnectReason::Stopping),
            reason = self.handle.stop.asked() => Err(reason),
            () = self.shared.stop.cancelled() => Err(DisconnectReason::Stopping),
        }
    }
}
