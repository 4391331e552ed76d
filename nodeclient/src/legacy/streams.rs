//! Streams of messages that somebody opens towards us: late answers, and files in pieces.

use std::sync::Arc;
use std::time::Duration;

use jarvis_proto::legacy::jarvis_msg::Data;
use jarvis_proto::legacy::{JarvisMsg, Msgtype, Replytype};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::{Status, Streaming};

use super::CLOCK_TOLERANCE_S;
use super::handler::Piece;
use super::inbound::Answers;
use super::message::{self, is_reply, reply2};
use super::net::Shared;
use super::signature::verify;
use super::states::Working;
use super::tap::Call;
use crate::address::Address;

/// A sender of whom no whole message comes for so long has gone. Four megabytes take their time on a slow
/// line, and what is older than this would be refused.
const SILENCE: Duration = Duration::from_secs(CLOCK_TOLERANCE_S.unsigned_abs());
/// How long a call may take on which nothing is to be had any more.
const LAST_WORDS: Duration = Duration::from_secs(60);
/// Bytes that are read and thrown away of a stream that is refused, so that an honest sender comes to
/// its end; then it is cut.
const MOST_DRAINED: u64 = 64 << 20;
/// Pieces that may wait to be written.
const AHEAD: usize = 1;

/// Messages that go back on a call.
pub(super) type Back = mpsc::Sender<Result<JarvisMsg, Status>>;

/// What a stream is for.
enum Purpose {
    /// Its first message was refused.
    Refused(Box<JarvisMsg>),
    /// Answers to a request of ours.
    Answer(Address),
    /// A file in pieces.
    File(Address, mpsc::Sender<Piece>),
    /// One message that could as well have come alone.
    Single(Address, Option<Working>),
}

/// Reads a stream to its end, and says that it came.
pub(super) async fn serve(shared: Arc<Shared>, mut incoming: Streaming<JarvisMsg>, back: Back) {
    let first = match timeout(SILENCE, incoming.message()).await {
        Ok(Ok(Some(first))) => first,
        Ok(Ok(None)) | Err(_) => return,
        Ok(Err(status)) => {
            shared.counters.malformed.add();
            let _ = back.try_send(Err(status));
            return;
        }
    };
    let tap = shared.options.tap.clone();
    tap.see(Call::Stream, false, false, &first);
    let mut answers = Answers::new(&shared, Call::Stream, &first).with_last();
    if first.src_addr == shared.me || first.dest_addr != shared.me {
        shared.counters.malformed.add();
    }
    if first.src_addr == shared.me {
        answers.add(reply2(Replytype::Isme, ""));
        return flush(&back, answers).await;
    }
    if first.dest_addr != shared.me {
        drain(&mut incoming).await;
        return;
    }
    let mut purpose = begin(&shared, &first).await;
    let mut reader = Reader {
        shared: &shared,
        first: &first,
        index: 0,
        bytes: 0,
    };
    let mut fault = None;
    if let Err(text) = reader.take(&mut purpose, first.clone()).await {
        fault = Some(text);
    }
    let mut is_whole = false;
    while fault.is_none() {
        match timeout(SILENCE, incoming.message()).await {
            Ok(Ok(Some(message))) => {
                tap.see(Call::Stream, false, false, &message);
                if let Err(text) = reader.next(&mut purpose, message).await {
                    fault = Some(text);
                }
            }
            Ok(Ok(None)) => {
                is_whole = true;
                break;
            }
            Ok(Err(status)) => fault = Some(status.message().to_owned()),
            Err(_) => fault = Some("EOF".to_owned()),
        }
    }
    if let Some(text) = fault {
        shared.counters.malformed.add();
        answers.add(message::error(text));
        drain(&mut incoming).await;
    }
    if let Purpose::File(_, pieces) = &purpose
        && is_whole
    {
        let _ = pieces.send(Piece::Over).await;
    }
    answers.add(reply2(Replytype::Igotit, ""));
    match purpose {
        Purpose::Refused(refusal) => answers.refuse(*refusal),
        Purpose::Single(sender, working) => shared.begin(sender, first.clone(), working),
        Purpose::Answer(_) | Purpose::File(..) => {}
    }
    flush(&back, answers).await;
}

/// Judges a stream by its first message, before more of it is read.
async fn begin(shared: &Arc<Shared>, first: &JarvisMsg) -> Purpose {
    let sender = match shared.checked(first).await {
        Ok(sender) => sender,
        Err(refusal) => return Purpose::Refused(refusal),
    };
    if is_reply(first.msg_type()) {
        if !shared.pending.is_waiting(&sender, first.reply_msg_id) {
            shared.counters.unasked.add();
        }
        return Purpose::Answer(sender);
    }
    let kept = shared.options.ended_kept;
    let working = shared.states.begin(&sender, first.msg_id, kept);
    if first.msg_type() != Msgtype::TransferFile2 {
        return Purpose::Single(sender, Some(working));
    }
    let (pieces, receiver) = mpsc::channel(AHEAD);
    let (handler, from, signed) = (
        Arc::clone(&shared.handler),
        sender.clone(),
        JarvisMsg {
            data: None,
            ..first.clone()
        },
    );
    let answer = async move { handler.receive(&from, &signed, receiver).await };
    shared.begin_answer(sender.clone(), first.msg_id, answer, Some(working));
    Purpose::File(sender, pieces)
}

struct Reader<'a> {
    shared: &'a Shared,
    first: &'a JarvisMsg,
    index: i32,
    bytes: u64,
}

impl Reader<'_> {
    /// Checks a message that is not the first one, and takes it.
    async fn next(&mut self, purpose: &mut Purpose, message: JarvisMsg) -> Result<(), String> {
        self.bytes += prost::Message::encoded_len(&message) as u64;
        self.index = self.index.saturating_add(1);
        let sender = match purpose {
            // Read to its end so that its sender comes to one, and not believed.
            Purpose::Refused(_) | Purpose::Single(..) if self.bytes > MOST_DRAINED => {
                return Err("the stream is too long".to_owned());
            }
            Purpose::Refused(_) | Purpose::Single(..) => return Ok(()),
            Purpose::Answer(sender) | Purpose::File(sender, _) => sender.clone(),
        };
        if self.bytes > self.shared.options.most_stream_bytes {
            return Err("the stream is too long".to_owned());
        }
        let is_next = message.msg_id == self.first.msg_id
            && message.stream_msg_index == self.index
            && message.src_addr == self.first.src_addr
            && message.dest_addr == self.first.dest_addr;
        if !is_next {
            return Err("invalid msgid".to_owned());
        }
        // The stream is fresh as its first message was; the rest may take its time on a slow line.
        match verify(&message) {
            Ok(signer) if signer == sender => {}
            Ok(_) => return Err("public key and address do not match".to_owned()),
            Err(error) => return Err(error.to_string()),
        }
        if message.last_msg_id > 0 {
            let kept = self.shared.peers.heard_of(&sender, message.last_msg_id);
            if let Err(error) = kept.await {
                tracing::warn!(peer = %sender, %error, "a peer's number cannot be kept");
            }
        }
        self.take(purpose, message).await
    }

    /// Takes a message that is checked.
    async fn take(&mut self, purpose: &mut Purpose, message: JarvisMsg) -> Result<(), String> {
        match purpose {
            Purpose::Answer(sender) => {
                // What nobody waits for, or no more, is read and forgotten.
                self.shared.pending.deliver(sender, message).await;
                Ok(())
            }
            Purpose::File(_, pieces) => {
                let kind = message.msg_type();
                let (Msgtype::TransferFile2, Some(Data::File(data))) = (kind, message.data) else {
                    return Err("Invalid StreamMsg TRANSFER_FILE2".to_owned());
                };
                // Who takes no more has an answer ready that says why.
                let _ = timeout(SILENCE, pieces.send(Piece::Data(data))).await;
                Ok(())
            }
            Purpose::Refused(_) | Purpose::Single(..) => Ok(()),
        }
    }
}

/// Reads on without looking, up to a limit.
async fn drain(incoming: &mut Streaming<JarvisMsg>) {
    let mut bytes = 0;
    while bytes < MOST_DRAINED {
        match timeout(LAST_WORDS, incoming.message()).await {
            Ok(Ok(Some(message))) => bytes += prost::Message::encoded_len(&message) as u64,
            _ => return,
        }
    }
}

async fn flush(back: &Back, answers: Answers<'_>) {
    for message in answers.messages {
        if !matches!(
            timeout(LAST_WORDS, back.send(Ok(message))).await,
            Ok(Ok(()))
        ) {
            return;
        }
    }
}
