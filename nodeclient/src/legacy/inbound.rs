//! What comes through our server: checked in jarviscore's order, and more strictly.
//!
//! Stricter than jarviscore, without harm to honest peers: a refusal is always told and closed with
//! `END`; files in pieces are verified, too; a number is never lowered; answers reach their requester
//! only when they are verified and from whom the request went to; nobody greets for somebody else.

use std::sync::Arc;

use jarvis_proto::legacy::jarvis_msg::Data;
use jarvis_proto::legacy::{JarvisMsg, Msgtype, Replytype};

use super::CLOCK_TOLERANCE_S;
use super::connect;
use super::handler::{Drafts, Request};
use super::message::{self, is_reply, reply2};
use super::net::Shared;
use super::nodes;
use super::peers::NumberError;
use super::signature::verify;
use super::tap::Call;
use crate::address::Address;

/// The text of a refusal for its time.
pub(super) const CLOCK_IS_OFF: &str = "JarvisMsg timeout";
/// The text of a refusal for its sender.
const NOT_TRUSTED: &str = "I don't trust you";
/// The text of a refusal of somebody who never greeted.
const UNKNOWN_NODE: &str = "unknow node";

/// What is to be written onto a call.
pub(super) struct Answers<'a> {
    shared: &'a Shared,
    call: Call,
    to: String,
    reply_to: i64,
    last: i64,
    pub(super) messages: Vec<JarvisMsg>,
}

impl<'a> Answers<'a> {
    /// Answers to the sender of a message. `reply_to` is 0 in the answer to a greeting.
    pub(super) fn new(shared: &'a Shared, call: Call, message: &JarvisMsg) -> Self {
        Self {
            shared,
            call,
            to: message.src_addr.clone(),
            reply_to: message.msg_id,
            last: 0,
            messages: Vec::new(),
        }
    }

    /// The same that also tells the last number that was accepted from the sender.
    pub(super) fn with_last(mut self) -> Self {
        let sender = Address::parse(&self.to).ok();
        self.last = sender.map_or(1, |sender| self.shared.peers.last_received(&sender));
        self
    }

    /// Adds one message. As the server's own they all have number 0.
    pub(super) fn add(&mut self, draft: JarvisMsg) {
        let draft = JarvisMsg {
            reply_msg_id: self.reply_to,
            ..draft
        };
        let finished = self.shared.finish(draft, &self.to, 0, 0, self.last);
        let Ok(message) = finished else {
            return tracing::error!("an answer cannot be signed");
        };
        self.shared
            .options
            .tap
            .see(self.call, false, true, &message);
        self.messages.push(message);
    }

    /// Adds a refusal and its end.
    pub(super) fn refuse(&mut self, refusal: JarvisMsg) {
        self.add(refusal);
        self.add(message::end());
    }
}

impl Shared {
    /// Whether a message is fresh, and who signed it.
    pub(super) fn verified(&self, message: &JarvisMsg) -> Result<Address, Box<JarvisMsg>> {
        if self.now().abs_diff(message.cur_time) >= CLOCK_TOLERANCE_S.unsigned_abs() {
            self.counters.clock.add();
            return Err(Box::new(message::error(CLOCK_IS_OFF)));
        }
        verify(message).map_err(|error| {
            self.counters.signature.add();
            Box::new(message::error(error.to_string()))
        })
    }

    /// All that is checked about the first message of a call which is for us.
    pub(super) async fn checked(&self, message: &JarvisMsg) -> Result<Address, Box<JarvisMsg>> {
        let sender = self.verified(message)?;
        let needs_trust = matches!(
            message.msg_type(),
            Msgtype::RequestCtrl
                | Msgtype::TransferFile
                | Msgtype::TransferFile2
                | Msgtype::RequestFile
                | Msgtype::Updatenode
                | Msgtype::ClearLogs
        );
        if needs_trust && !self.handler.trusts(&sender) {
            self.counters.untrusted.add();
            return Err(Box::new(message::error(NOT_TRUSTED)));
        }
        // A later message of a stream has no place at its beginning, and could lower the number.
        if message.stream_msg_index != 0 {
            self.counters.malformed.add();
            return Err(Box::new(reply2(Replytype::Errmsgid, "")));
        }
        match self.peers.accept(&sender, message).await {
            Ok(()) => Ok(sender),
            Err(NumberError::Unknown) => {
                self.counters.number.add();
                Err(Box::new(message::error(UNKNOWN_NODE)))
            }
            Err(NumberError::Used) => {
                self.counters.number.add();
                Err(Box::new(reply2(Replytype::Errmsgid, "")))
            }
            Err(NumberError::Store(error)) => {
                tracing::error!(peer = %sender, %error, "a number cannot be kept, so its message is not taken");
                Err(Box::new(message::error("the number cannot be kept")))
            }
        }
    }

    /// Answers one message on its own call. Nothing here waits for work.
    pub(super) async fn on_message(self: &Arc<Self>, message: JarvisMsg) -> Vec<JarvisMsg> {
        self.options.tap.see(Call::Message, false, false, &message);
        let mut answers = Answers::new(self, Call::Message, &message);
        match message.msg_type() {
            Msgtype::ConnectNode => {
                answers.reply_to = 0;
                let greeted = match self.verified(&message) {
                    Ok(sender) => connect::accept(self, &sender, &message)
                        .await
                        .map_err(|text| {
                            self.counters.malformed.add();
                            Box::new(message::error(text))
                        }),
                    Err(refusal) => Err(refusal),
                };
                match greeted {
                    Ok(drafts) => drafts.into_iter().for_each(|draft| answers.add(draft)),
                    Err(refusal) => answers.add(*refusal),
                }
            }
            Msgtype::RequestMsgState => match self.state(&message).await {
                Ok(Some(state)) => answers.refuse(state),
                Ok(None) => {}
                Err(refusal) => answers.add(*refusal),
            },
            _ if message.src_addr == self.me => {
                self.counters.malformed.add();
                let mut answers = answers.with_last();
                answers.add(reply2(Replytype::Isme, ""));
                return answers.messages;
            }
            _ if message.dest_addr != self.me => self.counters.malformed.add(),
            _ => {
                let mut answers = answers.with_last();
                let taken = self.checked(&message).await;
                // The request is known before anybody can ask for it.
                let working = taken.as_ref().ok().map(|sender| {
                    self.states
                        .begin(sender, message.msg_id, self.options.ended_kept)
                });
                answers.add(reply2(Replytype::Igotit, ""));
                match taken {
                    Err(refusal) => {
                        answers.last = 0;
                        answers.refuse(*refusal);
                    }
                    Ok(sender) => self.begin(sender, message, working),
                }
                return answers.messages;
            }
        }
        answers.messages
    }

    async fn state(&self, message: &JarvisMsg) -> Result<Option<JarvisMsg>, Box<JarvisMsg>> {
        if message.dest_addr != self.me {
            return Ok(None);
        }
        let sender = self.checked(message).await?;
        let Some(Data::RequestMsgState(request)) = &message.data else {
            return Ok(None);
        };
        let state = self
            .states
            .of(&sender, request.msg_id, self.options.ended_kept);
        Ok(Some(message::state(request.msg_id, state)))
    }

    /// Sets going what a checked message asks for.
    pub(super) fn begin(
        self: &Arc<Self>,
        sender: Address,
        message: JarvisMsg,
        working: Option<super::states::Working>,
    ) {
        let shared = Arc::clone(self);
        let stop = self.stop.clone();
        let work = async move {
            let id = message.msg_id;
            let kind = message.msg_type();
            if is_reply(kind) {
                if !shared.pending.deliver(&sender, message.clone()).await {
                    shared.counters.unasked.add();
                }
                return;
            }
            let answer = match request(&message) {
                Some(Work::Handle(request)) => {
                    shared.handler.handle(&sender, &message, request).await
                }
                Some(Work::Nodes { is_versioned }) => {
                    nodes::answer(&shared, &sender, &message, is_versioned)
                }
                None => {
                    shared.counters.malformed.add();
                    super::handler::drafts([message::error("invalid msgtype")])
                }
            };
            shared.answer(&sender, id, answer).await;
            drop(working);
        };
        self.tasks.spawn(stop.run_until_cancelled_owned(work));
    }

    /// Answers a request whose handling gave this.
    pub(super) fn begin_answer(
        self: &Arc<Self>,
        sender: Address,
        id: i64,
        answer: impl Future<Output = Drafts> + Send + 'static,
        working: Option<super::states::Working>,
    ) {
        let shared = Arc::clone(self);
        let stop = self.stop.clone();
        let work = async move {
            let answer = answer.await;
            shared.answer(&sender, id, answer).await;
            drop(working);
        };
        self.tasks.spawn(stop.run_until_cancelled_owned(work));
    }
}

enum Work {
    Handle(Request),
    Nodes { is_versioned: bool },
}

/// What a message asks for, if it is complete.
fn request(message: &JarvisMsg) -> Option<Work> {
    let request = match (message.msg_type(), message.data.clone()) {
        (Msgtype::RequestCtrl, Some(Data::CtrlInfo(ctrl))) => Request::Ctrl(ctrl),
        (Msgtype::TransferFile, Some(Data::File(file))) => Request::TransferFile(file),
        (Msgtype::RequestFile, Some(Data::RequestFile(request))) => Request::RequestFile(request),
        (Msgtype::Updatenode, Some(Data::UpdateNode(update))) => Request::Update(update),
        (Msgtype::ClearLogs, _) => Request::ClearLogs,
        (Msgtype::RequestNodes, _) => {
            return Some(Work::Nodes {
                is_versioned: false,
            });
        }
        (Msgtype::RequestNodes2, Some(Data::RequestNodes2(_))) => {
            return Some(Work::Nodes { is_versioned: true });
        }
        _ => return None,
    };
    Some(Work::Handle(request))
}
