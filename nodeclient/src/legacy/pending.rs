//! Requests that wait for their answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jarvis_proto::legacy::{JarvisMsg, Msgtype, Replytype};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::message::is_end;
use super::outbound::SendError;
use crate::address::Address;

/// Messages that may wait for the requester; each may have four megabytes.
const WAITING: usize = 4;
/// A requester that takes nothing for so long has given up.
const TAKING: Duration = Duration::from_secs(60);

/// What comes of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// The bytes arrived. May come after the end, and may never come.
    Got,
    /// A message of the answer.
    Message(Box<JarvisMsg>),
    /// The answer is complete.
    Done,
    /// The other side knows nothing of the request: it was refused, or lost in a restart. It means
    /// little where [`LegacyNet::is_state_meaningful`](super::LegacyNet::is_state_meaningful) is false.
    Removed,
    /// It could not be sent.
    Failed(SendError),
}

/// The answer to a request, message by message. Dropping it forgets the request.
#[derive(Debug)]
pub struct Replies {
    replies: mpsc::Receiver<Reply>,
    _listed: Option<Listed>,
}

impl Replies {
    /// The next thing that comes of the request; `None` when nothing can come any more. Cancel-safe.
    pub async fn next(&mut self) -> Option<Reply> {
        self.replies.recv().await
    }
}

type Key = (Address, i64);

/// Who waits for what.
#[derive(Debug, Clone, Default)]
pub(super) struct Pending(Arc<Mutex<HashMap<u64, Waiting>>>);

#[derive(Debug, Clone)]
struct Waiting {
    key: Option<Key>,
    replies: mpsc::Sender<Reply>,
}

/// Takes a request off the list when dropped.
#[derive(Debug)]
struct Listed {
    pending: Pending,
    ticket: u64,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.pending.lock().remove(&self.ticket);
    }
}

/// A request on the list, as the one who sends it sees it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pending: Pending,
    ticket: u64,
    replies: mpsc::Sender<Reply>,
}

impl Entry {
    /// Under this number it goes out now.
    pub(super) fn number(&self, to: &Address, id: i64) {
        if let Some(waiting) = self.pending.lock().get_mut(&self.ticket) {
            waiting.key = Some((to.clone(), id));
        }
    }

    /// Whether anybody still waits.
    pub(super) fn is_wanted(&self) -> bool {
        !self.replies.is_closed()
    }

    /// It could not be sent.
    pub(super) async fn fail(&self, error: SendError) {
        let _ = timeout(TAKING, self.replies.send(Reply::Failed(error))).await;
        self.pending.lock().remove(&self.ticket);
    }

    /// A message came on the request's own call.
    pub(super) async fn take(&self, message: JarvisMsg) {
        let waiting = Waiting {
            key: None,
            replies: self.replies.clone(),
        };
        self.pending.hand_over(self.ticket, waiting, message).await;
    }
}

impl Pending {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a request on the list.
    pub(super) fn add(&self) -> (Entry, Replies) {
        let (replies, receiver) = mpsc::channel(WAITING);
        let ticket = rand::random();
        let waiting = Waiting {
            key: None,
            replies: replies.clone(),
        };
        self.lock().insert(ticket, waiting);
        let listed = Listed {
            pending: self.clone(),
            ticket,
        };
        let entry = Entry {
            pending: self.clone(),
            ticket,
            replies,
        };
        let replies = Replies {
            replies: receiver,
            _listed: Some(listed),
        };
        (entry, replies)
    }

    fn find(&self, from: &Address, id: i64) -> Option<(u64, Waiting)> {
        let table = self.lock();
        let is_meant = |waiting: &Waiting| {
            waiting
                .key
                .as_ref()
                .is_some_and(|(to, number)| to == from && *number == id)
        };
        let (ticket, waiting) = table.iter().find(|(_, waiting)| is_meant(waiting))?;
        Some((*ticket, waiting.clone()))
    }

    /// Whether somebody waits for an answer of `from` to the message `id`.
    pub(super) fn is_waiting(&self, from: &Address, id: i64) -> bool {
        self.find(from, id).is_some()
    }

    /// Hands a verified message to whoever waits for it. False when nobody does.
    pub(super) async fn deliver(&self, from: &Address, message: JarvisMsg) -> bool {
        let Some((ticket, waiting)) = self.find(from, message.reply_msg_id) else {
            return false;
        };
        self.hand_over(ticket, waiting, message).await;
        true
    }

    async fn hand_over(&self, ticket: u64, waiting: Waiting, message: JarvisMsg) {
        let is_end = is_end(&message);
        let reply = match (message.msg_type(), message.reply_type()) {
            (Msgtype::Reply2, Replytype::Igotit) => Reply::Got,
            // Never sent, and means nothing.
            (Msgtype::Reply2, Replytype::Waitpush) => return,
            (Msgtype::Reply2, Replytype::End) => Reply::Done,
            _ => Reply::Message(Box::new(message)),
        };
        let taken = timeout(TAKING, waiting.replies.send(reply)).await;
        if is_end || !matches!(taken, Ok(Ok(()))) {
            self.lock().remove(&ticket);
        }
    }

    /// All requests that wait for a late answer.
    pub(super) fn late(&self) -> Vec<Key> {
        let table = self.lock();
        table
            .values()
            .filter_map(|waiting| waiting.key.clone())
            .collect()
    }

    /// The other side says that it knows nothing of a request. Unless that is `certain`, its answer may
    /// come nevertheless.
    pub(super) async fn remove(&self, to: &Address, id: i64, certain: bool) {
        if let Some((ticket, waiting)) = self.find(to, id) {
            let _ = timeout(TAKING, waiting.replies.send(Reply::Removed)).await;
            if certain {
                self.lock().remove(&ticket);
            }
        }
    }
}
