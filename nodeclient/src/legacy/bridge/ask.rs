//! Short questions to a legacy node.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use jarvis_proto::legacy::jarvis_msg::Data;
use jarvis_proto::legacy::{JarvisMsg, Msgtype, Replytype};
use jarvis_proto::node::RefusedReason;
use tokio::time::{Instant, timeout_at};

use crate::address::Address;
use crate::legacy::chunk::{Assembly, PIECE, content};
use crate::legacy::{LegacyNet, Outgoing, Replies, Reply, SendError, message};

/// A node that says nothing for so long will not say anything.
const SILENCE: Duration = Duration::from_secs(300);
/// The same of a file. An answer that could not be delivered is lost, and its request still counts as
/// worked on for a quarter of an hour; a file can be asked for again.
const FILE: Duration = Duration::from_secs(90);
/// The same of a small one: a node whose connection to us died loses the first answer after that.
const SMALL_FILE: [Duration; 3] = [
    Duration::from_secs(8),
    Duration::from_secs(30),
    Duration::from_secs(90),
];
/// How often a question is asked whose answer came out empty: such nodes lose output.
const TRIES: u32 = 4;
/// Last line of every answer to a question.
const ANSWERED: &str = "jarvis-ok";

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::legacy) enum Fault {
    /// It was not sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The node knows nothing of the question.
    #[error("the legacy node knows nothing of it")]
    Removed,
    /// The node said this.
    #[error("{0}")]
    Said(String),
    /// The answer is damaged or incomplete.
    #[error("the answer of the legacy node is damaged")]
    Damaged,
}

impl Fault {
    /// Whether the node says that there is no such file.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Said(text) if text.contains("no such file") || text.contains("not a directory"))
    }

    /// Whether it is the line that failed.
    pub(super) fn is_line(&self) -> bool {
        matches!(self, Self::Send(_))
    }

    /// The reason in our words.
    pub(super) fn reason(&self) -> RefusedReason {
        let Self::Said(text) = self else {
            return RefusedReason::Io;
        };
        let says = |part: &str| text.contains(part);
        if says("don't trust you") {
            RefusedReason::UntrustedRoot
        } else if self.is_missing() || says("does not exist") {
            RefusedReason::NotFound
        } else if says("is a directory") {
            RefusedReason::IsDirectory
        } else if says("permission denied") {
            RefusedReason::Permission
        } else if says("no space left") {
            RefusedReason::DiskFull
        } else if says("outside of the places") {
            RefusedReason::PathNotAllowed
        } else if says("auto update closed") || says("no ctrl") {
            RefusedReason::NotSupported
        } else if says("JarvisMsg timeout") {
            RefusedReason::Expired
        } else {
            RefusedReason::Io
        }
    }
}

/// One legacy node.
#[derive(Debug, Clone)]
pub(in crate::legacy) struct Asked {
    pub(in crate::legacy) net: LegacyNet,
    pub(in crate::legacy) address: Address,
}

/// A part of a file.
pub(super) struct Part {
    pub(super) bytes: Bytes,
    pub(super) total: u64,
}

impl Asked {
    pub(super) fn send(&self, outgoing: Outgoing) -> Replies {
        self.net.request(&self.address, outgoing)
    }

    /// Sends something and gives all messages of its answer.
    pub(super) async fn ask(&self, outgoing: Outgoing) -> Result<Vec<JarvisMsg>, Fault> {
        self.ask_within(SILENCE, outgoing).await
    }

    async fn ask_within(
        &self,
        silence: Duration,
        outgoing: Outgoing,
    ) -> Result<Vec<JarvisMsg>, Fault> {
        let mut replies = self.send(outgoing);
        let mut messages = Vec::new();
        let mut until = Instant::now() + silence;
        loop {
            let reply = timeout_at(until, replies.next()).await;
            if !matches!(reply, Ok(Some(Reply::Removed))) {
                until = Instant::now() + silence;
            }
            match reply {
                Ok(Some(Reply::Message(message))) => {
                    if let Some(text) = refusal(&message) {
                        return Err(Fault::Said(text));
                    }
                    messages.push(*message);
                }
                Ok(Some(Reply::Got)) => {}
                Ok(Some(Reply::Done)) => return Ok(messages),
                Ok(Some(Reply::Failed(error))) => return Err(error.into()),
                // A short address of ours is never remembered there: it says nothing.
                Ok(Some(Reply::Removed)) if !self.net.is_state_meaningful() => {}
                Ok(Some(Reply::Removed)) => return Err(Fault::Removed),
                Ok(None) | Err(_) => return Err(SendError::TimedOut.into()),
            }
        }
    }

    /// A whole small file.
    pub(super) async fn whole(&self, path: &str) -> Result<Bytes, Fault> {
        let request = message::request_file(path, 0, 0);
        let mut assembly = Assembly::default();
        let mut bytes = BytesMut::new();
        let mut answer = Err(SendError::TimedOut.into());
        for silence in SMALL_FILE {
            let request = Outgoing::visible(request.clone());
            answer = self.ask_within(silence, request).await;
            if answer != Err(SendError::TimedOut.into()) {
                break;
            }
        }
        for message in answer? {
            if let Some(Data::File(piece)) = message.data {
                let (part, is_last) = assembly.take(&piece).map_err(|_| Fault::Damaged)?;
                bytes.extend_from_slice(&part);
                if is_last {
                    return Ok(bytes.freeze());
                }
            }
        }
        Err(Fault::Damaged)
    }

    /// The part of a file that begins at `start`; no bytes at its end.
    pub(super) async fn part(&self, path: &str, start: u64) -> Result<Part, Fault> {
        let request = message::request_file(path, start, PIECE as u64);
        let answer = match self.ask_within(FILE, Outgoing::visible(request)).await {
            Err(Fault::Said(text)) if text == "EOF" => {
                return Ok(Part {
                    bytes: Bytes::new(),
                    total: start,
                });
            }
            answer => answer?,
        };
        let piece = answer.into_iter().find_map(|message| match message.data {
            Some(Data::File(piece)) => Some(piece),
            _ => None,
        });
        let piece = piece.ok_or(Fault::Damaged)?;
        let bytes = content(&piece).map_err(|_| Fault::Damaged)?;
        let total = u64::try_from(piece.total_length).map_err(|_| Fault::Damaged)?;
        if u64::try_from(piece.start) != Ok(start) || start + bytes.len() as u64 > total {
            return Err(Fault::Damaged);
        }
        Ok(Part { bytes, total })
    }

    /// Writes a small file.
    pub(super) async fn write(&self, path: &str, bytes: &'static [u8]) -> Result<(), Fault> {
        let request = message::transfer_file(path, bytes);
        self.ask(Outgoing::visible(request)).await.map(|_| ())
    }

    /// What a script says that changes nothing when it runs twice.
    pub(in crate::legacy) async fn query(&self, script: &str) -> Result<Vec<String>, Fault> {
        let script = format!("exec 2>&1\n{script}\necho {ANSWERED}\n");
        for _ in 0..TRIES {
            let request = Outgoing::message(message::script("jarvis", script.clone()));
            for message in self.ask(request).await? {
                let Some(Data::CtrlResult(result)) = message.data else {
                    continue;
                };
                if let Some(said) = result.ctrl_result.trim_end().strip_suffix(ANSWERED) {
                    return Ok(said.lines().map(str::to_owned).collect());
                }
                if !result.err_info.is_empty() {
                    return Err(Fault::Said(result.err_info));
                }
            }
        }
        Err(Fault::Damaged)
    }
}

/// The text of a message that says no.
pub(super) fn refusal(message: &JarvisMsg) -> Option<String> {
    if message.msg_type() != Msgtype::Reply2 {
        return None;
    }
    match message.reply_type() {
        Replytype::Error => Some(message.err.clone()),
        Replytype::Errmsgid => Some("the message number was used before".to_owned()),
        Replytype::Isme => Some("the address is its own".to_owned()),
        _ => None,
    }
}
