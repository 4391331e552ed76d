//! Messages to peers: one call at a time to each, numbered, signed, and never left open.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use jarvis_proto::legacy::jarvis_msg::Data;
use jarvis_proto::legacy::{JarvisMsg, Msgtype, Replytype};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::handler::Drafts;
use super::message::{self, is_too_large};
use super::net::Shared;
use super::pending::Entry;
use super::signature::verify;
use super::tap::Call;
use super::wire::Link;
use crate::address::Address;

/// How often a message is sent that was refused because its number was behind.
const TRIES: u32 = 3;
/// How long a message may wait for those before it.
const TURN: Duration = Duration::from_secs(3600);
/// Most calls that may wait for one peer.
const MOST_WAITING: usize = 128;
/// Most messages of an answer that comes at once.
const MOST_INLINE: usize = 1000;
/// Pauses between attempts to reach somebody whom we owe an answer.
const REDIALS: [Duration; 3] = [
    Duration::from_millis(200),
    Duration::from_secs(2),
    Duration::from_secs(10),
];

/// Why something did not go out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// There is no connection, and none can be had.
    #[error("not connected node: {0}")]
    NotConnected(String),
    /// The call failed.
    #[error("the call failed: {0}")]
    Call(String),
    /// The other side did not end the call.
    #[error("the call was not answered in time")]
    TimedOut,
    /// No call carries so much.
    #[error(
        "the message is larger than the {} bytes that jarviscore takes",
        super::chunk::MESSAGE
    )]
    TooLarge,
    /// Too much waits for this peer.
    #[error("too many messages wait for this node")]
    Busy,
    /// The number cannot be kept, so it is not used.
    #[error("the message number cannot be kept: {0}")]
    Store(String),
    /// Such a message cannot be signed.
    #[error("such a message cannot be signed")]
    Unsigned,
}

/// What goes out on one call.
#[derive(Clone)]
pub enum Outgoing {
    /// One message, on `procMsg`.
    Message(Box<JarvisMsg>),
    /// Several, on `procMsgStream`. Called again when the first attempt was refused for its number.
    Stream(Arc<dyn Fn() -> Option<Drafts> + Send + Sync>),
}

impl Outgoing {
    /// One message on a call of its own.
    #[must_use]
    pub fn message(draft: JarvisMsg) -> Self {
        Self::Message(Box::new(draft))
    }

    /// One message as a stream. Unlike on `procMsg`, a jarviscore node answers then also when it
    /// refuses. Never for a script: the answer would come before its result, without it.
    #[must_use]
    pub fn visible(draft: JarvisMsg) -> Self {
        Self::Stream(Arc::new(move || {
            Some(super::handler::drafts([draft.clone()]))
        }))
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(draft) => write!(f, "Message({:?})", draft.msg_type()),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

impl From<Status> for SendError {
    fn from(status: Status) -> Self {
        Self::Call(status.message().to_owned())
    }
}

/// What a call brought.
#[derive(Default)]
struct Answered {
    /// The number of the call's message.
    id: i64,
    /// It can be sent again.
    can_repeat: bool,
    /// The other side's last accepted number, from its `IGOTIT`.
    last: Option<i64>,
    messages: Vec<JarvisMsg>,
}

impl Answered {
    /// Whether the other side had accepted a higher number before: then it refused this one, silently
    /// if it is a jarviscore node.
    fn is_behind(&self) -> bool {
        self.last.is_some_and(|last| last >= self.id)
    }
}

impl Shared {
    /// Sends something and sees its call to the end.
    pub(super) async fn send(
        self: &Arc<Self>,
        to: &Address,
        outgoing: Outgoing,
        entry: Option<&Entry>,
    ) -> Result<(), SendError> {
        for attempt in 1..=TRIES {
            let can_repeat = attempt < TRIES;
            let answered = self.call(to, &outgoing, entry, can_repeat).await?;
            if !answered.is_behind() || entry.is_some_and(|entry| !entry.is_wanted()) {
                return Ok(());
            }
            tracing::debug!(peer = %to, id = answered.id, last = ?answered.last, "the number was behind; once more");
        }
        Ok(())
    }

    /// One call, in turn.
    async fn call(
        self: &Arc<Self>,
        to: &Address,
        outgoing: &Outgoing,
        entry: Option<&Entry>,
        can_repeat: bool,
    ) -> Result<Answered, SendError> {
        let turn = self.turn(to)?;
        let permit = timeout(TURN, turn.acquire()).await;
        let Ok(Ok(_turn)) = permit else {
            return Err(SendError::Busy);
        };
        if let Outgoing::Message(draft) = outgoing
            && is_too_large(draft)
        {
            return Err(SendError::TooLarge);
        }
        let link = self.route(to).await?;
        let drafts = match outgoing {
            Outgoing::Message(_) => None,
            Outgoing::Stream(make) => match make() {
                Some(drafts) => Some(drafts),
                None => return Ok(Answered::default()),
            },
        };
        let id = self
            .peers
            .next_number(to)
            .await
            .map_err(|error| SendError::Store(error.to_string()))?;
        if let Some(entry) = entry {
            entry.number(to, id);
        }
        let mut answered = Answered {
            id,
            can_repeat,
            ..Answered::default()
        };
        match (outgoing, drafts) {
            (Outgoing::Message(draft), _) => {
                self.call_message(&link, to, draft, entry, &mut answered)
                    .await?;
            }
            (_, Some(drafts)) => {
                self.call_stream(&link, to, drafts, entry, &mut answered)
                    .await?;
            }
            (Outgoing::Stream(_), None) => {}
        }
        Ok(answered)
    }

    fn turn(&self, to: &Address) -> Result<Arc<tokio::sync::Semaphore>, SendError> {
        let turn = self
            .peers
            .with(to, |peer| Arc::clone(&peer.turn))
            .ok_or_else(|| SendError::NotConnected(to.to_string()))?;
        // Each one that waits or calls holds a clone.
        if Arc::strong_count(&turn) > MOST_WAITING {
            return Err(SendError::Busy);
        }
        Ok(turn)
    }

    /// The open connection to a peer, or a new one to where it is known to listen.
    async fn route(&self, to: &Address) -> Result<Link, SendError> {
        let (link, server_address) = self
            .peers
            .with(to, |peer| (peer.live_link(), peer.info().serv_addr))
            .unwrap_or_default();
        if let Some(link) = link {
            return Ok(link);
        }
        if server_address.is_empty() {
            return Err(SendError::NotConnected(to.to_string()));
        }
        let link = Link::dial(&server_address)
            .await
            .map_err(|error| SendError::NotConnected(format!("{server_address}: {error}")))?;
        self.peers.with(to, |peer| peer.link = Some(link.clone()));
        Ok(link)
    }

    async fn call_message(
        &self,
        link: &Link,
        to: &Address,
        draft: &JarvisMsg,
        entry: Option<&Entry>,
        answered: &mut Answered,
    ) -> Result<(), SendError> {
        let last = self.peers.last_received(to);
        let message = self
            .finish(draft.clone(), &to.to_string(), answered.id, 0, last)
            .map_err(|_| SendError::Unsigned)?;
        self.options.tap.see(Call::Message, true, true, &message);
        let limit = self.options.call_limit;
        let mut client = link.client();
        let incoming = timeout(limit, client.proc_msg(message)).await;
        let mut incoming = incoming.map_err(|_| SendError::TimedOut)??.into_inner();
        while let Some(message) = timeout(limit, incoming.message())
            .await
            .map_err(|_| SendError::TimedOut)??
        {
            self.take(Call::Message, to, message, entry, answered).await;
        }
        Ok(())
    }

    async fn call_stream(
        self: &Arc<Self>,
        link: &Link,
        to: &Address,
        drafts: Drafts,
        entry: Option<&Entry>,
        answered: &mut Answered,
    ) -> Result<(), SendError> {
        let (line, messages) = mpsc::channel(1);
        let sent = CancellationToken::new();
        let producer = tokio::spawn(produce(
            Arc::clone(self),
            to.clone(),
            answered.id,
            drafts,
            line,
            sent.clone(),
        ));
        let _producer = AbortOnDrop(producer);
        let limit = self.options.call_limit;
        let mut client = link.client();
        let call = client.proc_msg_stream(ReceiverStream::new(messages));
        // Its headers come only after our last message.
        let mut incoming = within(&sent, limit, call).await??.into_inner();
        while let Some(message) = within(&sent, limit, incoming.message()).await?? {
            self.take(Call::Stream, to, message, entry, answered).await;
        }
        Ok(())
    }

    /// Takes one message that came on a call of ours.
    async fn take(
        &self,
        call: Call,
        to: &Address,
        message: JarvisMsg,
        entry: Option<&Entry>,
        answered: &mut Answered,
    ) {
        self.options.tap.see(call, true, false, &message);
        match verify(&message) {
            Ok(sender) if sender == *to => {}
            Ok(_) | Err(_) => return self.counters.signature.add(),
        }
        let offset = message.cur_time.saturating_sub(self.now());
        self.peers.with(to, |peer| peer.clock_offset_s = offset);
        if message.msg_type() == Msgtype::Reply2 && message.last_msg_id > 0 {
            if message.reply_type() == Replytype::Igotit {
                answered.last = Some(message.last_msg_id);
            }
            if let Err(error) = self.peers.heard_of(to, message.last_msg_id).await {
                tracing::warn!(peer = %to, %error, "a peer's number cannot be kept");
            }
        }
        match entry {
            // It goes out again, and whoever asked hears of that one.
            Some(_) if answered.can_repeat && answered.is_behind() => {}
            Some(entry) => entry.take(message).await,
            None if answered.messages.len() < MOST_INLINE => answered.messages.push(message),
            None => {}
        }
    }

    /// What the other side says became of a request of ours; `None` when it says nothing of it.
    pub(super) async fn ask_for_state(
        self: &Arc<Self>,
        to: &Address,
        id: i64,
    ) -> Result<Option<i32>, SendError> {
        let draft = Outgoing::message(message::request_state(id));
        let answered = self.call(to, &draft, None, false).await?;
        Ok(answered.messages.into_iter().find_map(|message| {
            match (message.msg_type(), message.data) {
                (Msgtype::ReplyMsgState, Some(Data::ReplyMsgState(reply)))
                    if reply.msg_id == id =>
                {
                    Some(reply.state)
                }
                _ => None,
            }
        }))
    }

    /// Answers a request on a call of our own. What cannot be delivered is lost, as with jarviscore,
    /// but not at the first attempt.
    pub(super) async fn answer(self: &Arc<Self>, to: &Address, id: i64, answer: Drafts) {
        let outgoing = with_end(answer, id).await;
        for pause in REDIALS {
            match self.send(to, outgoing.clone(), None).await {
                // A call also fails when its connection turns out to be dead, as after a restart there.
                Err(SendError::NotConnected(why) | SendError::Call(why)) => {
                    tracing::debug!(peer = %to, why, "an answer waits for its requester");
                    tokio::time::sleep(pause).await;
                }
                Ok(()) => return,
                Err(error) => {
                    return tracing::warn!(peer = %to, id, %error, "an answer was not delivered");
                }
            }
        }
        tracing::warn!(peer = %to, id, "an answer could not be delivered");
    }
}

/// The whole answer to message `id`. A small one can be sent again.
async fn with_end(mut answer: Drafts, id: i64) -> Outgoing {
    const SMALL: usize = 256 << 10;
    let reply_to = move |draft: JarvisMsg| JarvisMsg {
        reply_msg_id: id,
        ..draft
    };
    let mut head = Vec::new();
    let mut bytes = 0;
    let is_whole = loop {
        match answer.next().await {
            None => break true,
            Some(draft) => {
                bytes += prost::Message::encoded_len(&draft);
                head.push(reply_to(draft));
            }
        }
        if bytes > SMALL {
            break false;
        }
    };
    if is_whole {
        head.push(reply_to(message::end()));
        return Outgoing::Stream(Arc::new(move || Some(super::handler::drafts(head.clone()))));
    }
    let rest = answer.map(reply_to);
    let end = futures::stream::iter([reply_to(message::end())]);
    let all: Drafts = Box::pin(futures::stream::iter(head).chain(rest).chain(end));
    let once = std::sync::Mutex::new(Some(all));
    Outgoing::Stream(Arc::new(move || {
        once.lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take()
    }))
}

/// Signs and hands over message after message.
async fn produce(
    shared: Arc<Shared>,
    to: Address,
    id: i64,
    mut drafts: Drafts,
    line: mpsc::Sender<JarvisMsg>,
    sent: CancellationToken,
) {
    let _sent = sent.drop_guard();
    let destination = to.to_string();
    let mut index = 0;
    while let Some(draft) = drafts.next().await {
        let last = shared.peers.last_received(&to);
        let Ok(message) = shared.finish(draft, &destination, id, index, last) else {
            return tracing::error!(peer = %to, "a message cannot be signed");
        };
        shared.options.tap.see(Call::Stream, true, true, &message);
        let taken = timeout(shared.options.call_limit, line.send(message)).await;
        if !matches!(taken, Ok(Ok(()))) {
            return;
        }
        index += 1;
    }
}

/// Waits for something, with a limit from the moment when all is sent.
async fn within<T>(
    sent: &CancellationToken,
    limit: Duration,
    answer: impl Future<Output = T>,
) -> Result<T, SendError> {
    let too_late = async {
        sent.cancelled().await;
        tokio::time::sleep(limit).await;
    };
    tokio::select! {
        answer = answer => Ok(answer),
        () = too_late => Err(SendError::TimedOut),
    }
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
