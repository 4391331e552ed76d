//! What others do wrong: tolerated where honest nodes do it, refused and counted where they do not.

use std::collections::VecDeque;

use jarvis_proto::legacy::jarvis_core_serv_client::JarvisCoreServClient;
use jarvis_proto::legacy::jarvis_core_serv_server::{JarvisCoreServ, JarvisCoreServServer};
use jarvis_proto::legacy::{ConnectInfo, FileData, Msgtype, NodeBaseInfo};
use tokio_stream::StreamExt as _;
use tonic::transport::Channel;
use tonic::{Request as GrpcRequest, Response, Status, Streaming};

use super::*;
use crate::legacy::message::{draft, script, transfer_piece};
use crate::legacy::signature::sign;

/// Speaks to a server by hand.
pub(super) struct Hand {
    pub(super) client: JarvisCoreServClient<Channel>,
    pub(super) me: Arc<Identity>,
    to: String,
}

impl Hand {
    pub(super) async fn of(net: &LegacyNet, me: Arc<Identity>) -> Self {
        let at = format!("http://{}", net.listening());
        let channel = tonic::transport::Endpoint::new(at).unwrap();
        let channel = channel.connect().await.unwrap();
        Self {
            client: JarvisCoreServClient::new(channel),
            me,
            to: net.address().to_string(),
        }
    }

    pub(super) fn message(&self, draft: JarvisMsg, id: i64, index: i32) -> JarvisMsg {
        let mut message = JarvisMsg {
            msg_id: id,
            cur_time: NOW,
            src_addr: self.me.address().to_string(),
            my_addr: self.me.address().to_string(),
            dest_addr: self.to.clone(),
            stream_msg_index: index,
            ..draft
        };
        sign(&mut message, &self.me).unwrap();
        message
    }

    pub(super) async fn send(&mut self, message: JarvisMsg) -> Vec<JarvisMsg> {
        let incoming = self.client.proc_msg(message).await.unwrap().into_inner();
        incoming.map(Result::unwrap).collect().await
    }

    pub(super) async fn stream(&mut self, messages: Vec<JarvisMsg>) -> Vec<JarvisMsg> {
        let incoming = self
            .client
            .proc_msg_stream(tokio_stream::iter(messages))
            .await
            .unwrap()
            .into_inner();
        incoming.map(Result::unwrap).collect().await
    }

    pub(super) fn greeting(&self, address: &str) -> JarvisMsg {
        let info = ConnectInfo {
            serv_addr: "x:1".into(),
            my_info: Some(NodeBaseInfo {
                serv_addr: "127.0.0.1:1".into(),
                addr: address.to_owned(),
                name: "hand".into(),
                ..NodeBaseInfo::default()
            }),
        };
        let mut greeting = JarvisMsg {
            dest_addr: String::new(),
            ..self.message(
                draft(Msgtype::ConnectNode, Some(Data::ConnInfo(info))),
                0,
                0,
            )
        };
        sign(&mut greeting, &self.me).unwrap();
        greeting
    }
}

pub(super) fn kinds(messages: &[JarvisMsg]) -> Vec<String> {
    messages
        .iter()
        .map(|message| match message.msg_type() {
            Msgtype::Reply2 => format!("{} {}", message.reply_type().as_str_name(), message.err)
                .trim_end()
                .to_owned(),
            other => other.as_str_name().to_owned(),
        })
        .collect()
}

pub(super) async fn bob_and_hand() -> (Pair, Hand) {
    let pair = Pair::start(Canned::default()).await;
    let mut hand = Hand::of(&pair.bob, identity(ALICE)).await;
    let me = hand.me.address().to_string();
    let greeted = hand.send(hand.greeting(&me)).await;
    assert_eq!(kinds(&greeted), ["REPLY_CONNECT", "END"]);
    (pair, hand)
}

#[tokio::test]
async fn numbers_must_grow_and_are_never_lowered() {
    let (pair, mut hand) = bob_and_hand().await;
    let first = hand.message(script("s", "x"), 5, 0);
    assert_eq!(kinds(&hand.send(first.clone()).await), ["IGOTIT"]);
    // The same again, an older one, and an older one that claims to be in mid-stream.
    for again in [
        first,
        hand.message(script("s", "x"), 4, 0),
        hand.message(script("s", "x"), 3, 1),
        hand.message(script("s", "x"), 6, 1),
    ] {
        let said = hand.send(again).await;
        assert_eq!(kinds(&said), ["IGOTIT", "ERRMSGID", "END"]);
        assert_eq!(said[0].last_msg_id, 5, "it tells what it accepted last");
    }
    assert_eq!(pair.bob.counts().number + pair.bob.counts().malformed, 4);
    let next = hand.message(script("s", "x"), 6, 0);
    assert_eq!(kinds(&hand.send(next).await), ["IGOTIT"]);
}

#[tokio::test]
async fn clocks_that_are_five_minutes_off() {
    let (pair, mut hand) = bob_and_hand().await;
    for (off, id, expected) in [
        (-299, 1, vec!["IGOTIT"]),
        (299, 2, vec!["IGOTIT"]),
        (300, 3, vec!["IGOTIT", "ERROR JarvisMsg timeout", "END"]),
        (-300, 3, vec!["IGOTIT", "ERROR JarvisMsg timeout", "END"]),
    ] {
        let mut message = hand.message(script("s", "x"), id, 0);
        message.cur_time = NOW + off;
        sign(&mut message, &hand.me).unwrap();
        assert_eq!(kinds(&hand.send(message).await), expected, "{off}");
    }
    assert_eq!(pair.bob.counts().clock, 2);
}

#[tokio::test]
async fn a_peer_whose_clock_is_six_minutes_off_is_named() {
    let pair = Pair::start_with(Canned::default(), |_, bob| {
        bob.clock = Arc::new(|| NOW + 360);
    })
    .await;
    let bob = pair.bob.address();
    let at = pair.bob.listening().to_string();
    let error = pair.alice.connect(&at, Some(bob)).await.unwrap_err();
    assert_eq!(error, crate::legacy::ConnectError::Clock(360));
    assert!(
        error.to_string().contains("clocks differ by 360 s"),
        "{error}"
    );
    assert_eq!(pair.alice.peer(bob).unwrap().clock_offset_s, 360);
}

#[tokio::test]
async fn nobody_greets_for_somebody_else() {
    let (pair, mut hand) = bob_and_hand().await;
    let other = identity(BOB).address().to_string();
    let said = hand.send(hand.greeting(&other)).await;
    assert_eq!(kinds(&said), ["ERROR public key and address do not match"]);
    let mut bare = hand.greeting(&other);
    bare.data = Some(Data::ConnInfo(ConnectInfo::default()));
    sign(&mut bare, &hand.me).unwrap();
    assert_eq!(kinds(&hand.send(bare).await), ["ERROR invalid msgtype"]);
    assert_eq!(pair.bob.counts().malformed, 2);
    assert_eq!(pair.bob.peers().len(), 1);
}

#[tokio::test]
async fn a_moved_server_address_counts_when_it_has_answered() {
    let (pair, mut hand) = bob_and_hand().await;
    let me = hand.me.address().clone();
    let mut moved = hand.greeting(&me.to_string());
    if let Some(Data::ConnInfo(info)) = &mut moved.data {
        info.my_info.as_mut().unwrap().serv_addr = "127.0.0.1:2".into();
    }
    // The payload is not signed: this is what anybody can do who saw one greeting.
    hand.send(moved).await;
    assert_eq!(pair.bob.peer(&me).unwrap().info.serv_addr, "127.0.0.1:1");
}

#[tokio::test]
async fn strangers_and_unknown_senders_change_nothing() {
    let pair = Pair::start(Canned::default()).await;
    let mut stranger = Hand::of(&pair.bob, Arc::new(Identity::generate())).await;
    let said = stranger
        .send(stranger.message(script("s", "x"), 1, 0))
        .await;
    assert_eq!(kinds(&said), ["IGOTIT", "ERROR I don't trust you", "END"]);
    // Trusted, but it never greeted.
    let mut known = Hand::of(&pair.bob, identity(ALICE)).await;
    let said = known.send(known.message(script("s", "x"), 1, 0)).await;
    assert_eq!(kinds(&said), ["IGOTIT", "ERROR unknow node", "END"]);
    let mut forged = known.message(script("s", "x"), 2, 0);
    forged.msg_id = 3;
    let said = known.send(forged).await;
    assert_eq!(
        kinds(&said),
        ["IGOTIT", "ERROR public key verify err", "END"]
    );
    let counts = pair.bob.counts();
    assert_eq!(
        (counts.untrusted, counts.number, counts.signature),
        (1, 1, 1)
    );
    assert!(pair.bob.peers().is_empty() && pair.kept.1.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn self_and_misaddressed() {
    let (pair, mut hand) = bob_and_hand().await;
    let mut own = hand.message(script("s", "x"), 1, 0);
    own.src_addr = pair.bob.address().to_string();
    assert_eq!(kinds(&hand.send(own).await), ["ISME"]);
    let mut elsewhere = hand.message(script("s", "x"), 1, 0);
    elsewhere.dest_addr = identity(ALICE).address().to_string();
    assert!(hand.send(elsewhere).await.is_empty());
    let unhandled = hand.message(draft(Msgtype::RequestLoglist, None), 1, 0);
    assert_eq!(kinds(&hand.send(unhandled).await), ["IGOTIT"]);
}

#[tokio::test]
async fn files_in_pieces_are_verified() {
    let (pair, mut hand) = bob_and_hand().await;
    let piece = |start: i64| {
        transfer_piece(FileData {
            file: bytes::Bytes::from_static(b"abc"),
            filename: "evil".into(),
            md5_string: md5_text(b"abc"),
            start,
            length: 3,
            total_length: 6,
            ..FileData::default()
        })
    };
    // Unsigned, as the reference takes it.
    let unsigned = JarvisMsg {
        sign_r: bytes::Bytes::new(),
        ..hand.message(piece(0), 1, 0)
    };
    let said = hand.stream(vec![unsigned]).await;
    assert_eq!(
        kinds(&said),
        ["IGOTIT", "ERROR public key verify err", "END"]
    );
    // A second message that is out of turn, of another id, or from somebody else.
    let mut other = Hand::of(&pair.bob, Arc::new(Identity::generate())).await;
    other.to.clone_from(&hand.to);
    for (id, second) in [
        (2, hand.message(piece(3), 2, 2)),
        (3, hand.message(piece(3), 2, 1)),
        (4, other.message(piece(3), 4, 1)),
        (5, hand.message(script("s", "x"), 5, 1)),
    ] {
        let said = hand
            .stream(vec![hand.message(piece(0), id, 0), second])
            .await;
        assert!(kinds(&said)[0].starts_with("ERROR"), "{id}: {said:?}");
    }
    pair.until(|pair| pair.bob.counts().malformed >= 4).await;
    // From a stranger.
    let said = other.stream(vec![other.message(piece(0), 1, 0)]).await;
    assert_eq!(kinds(&said), ["IGOTIT", "ERROR I don't trust you", "END"]);
    let whole: Vec<_> = pair.handler.files.lock().unwrap().clone();
    assert!(whole.iter().all(|(_, bytes)| bytes != b"abcabc"));
}

#[tokio::test]
async fn answers_that_nobody_asked_for_reach_nobody() {
    let pair = Pair::greeted().await;
    let mut bob = Hand::of(&pair.alice, identity(BOB)).await;
    let mut answer = bob.message(message::ctrl_result("forged", ""), 50, 0);
    answer.reply_msg_id = 99;
    sign(&mut answer, &bob.me).unwrap();
    assert_eq!(kinds(&bob.stream(vec![answer]).await), ["IGOTIT"]);
    assert_eq!(pair.alice.counts().unasked, 1);
    // From somebody else than who was asked.
    let handler = Canned {
        gate: Some(tokio::sync::Semaphore::new(0)),
        ..Canned::default()
    };
    let pair = Pair::greeted_with(handler).await;
    let mut replies = pair.ask(Outgoing::message(script("s", "x")));
    assert_eq!(replies.next().await, Some(Reply::Got));
    let mut other = Hand::of(&pair.alice, Arc::new(Identity::generate())).await;
    let me = other.me.address().to_string();
    other.send(other.greeting(&me)).await;
    let mut forged = other.message(message::ctrl_result("forged", ""), 1, 0);
    forged.reply_msg_id = 1;
    sign(&mut forged, &other.me).unwrap();
    assert_eq!(kinds(&other.stream(vec![forged]).await), ["IGOTIT"]);
    pair.handler.gate.as_ref().unwrap().add_permits(1);
    let Some(Reply::Message(message)) = replies.next().await else {
        panic!("an answer comes");
    };
    assert!(matches!(&message.data, Some(Data::CtrlResult(it)) if it.ctrl_result == "hi\n"));
}

#[tokio::test]
async fn a_counter_that_is_behind_is_repaired() {
    let pair = Pair::greeted().await;
    pair.answer(Outgoing::message(script("s", "x"))).await;
    pair.answer(Outgoing::message(script("s", "x"))).await;
    // Alice comes back from an old backup.
    pair.alice
        .shared_for_tests()
        .peers
        .with(pair.bob.address(), |peer| peer.record.last_sent = 0);
    let said = pair.answer(Outgoing::message(script("s", "x"))).await;
    assert_eq!(said.len(), 1, "refused once, then answered: {said:?}");
    let kept = pair.kept.0.0.lock().unwrap();
    assert_eq!(kept[&pair.bob.address().to_string()].last_sent, 3);
}

#[tokio::test]
async fn numbers_go_on_after_a_restart() {
    let pair = Pair::greeted().await;
    pair.answer(Outgoing::message(script("s", "x"))).await;
    pair.alice.shutdown().await;
    let (again, _) = LegacyNet::start(
        identity(ALICE),
        options(),
        Arc::new(pair.kept.0.clone()),
        Arc::new(Canned::default()) as Arc<dyn Handler>,
    )
    .await
    .unwrap();
    let bob = pair.bob.address();
    again
        .connect(&pair.bob.listening().to_string(), Some(bob))
        .await
        .unwrap();
    let mut replies = again.request(bob, Outgoing::message(script("s", "x")));
    assert_eq!(replies.next().await, Some(Reply::Got));
    let kept = pair.kept.0.0.lock().unwrap().clone();
    assert_eq!(kept[&bob.to_string()].last_sent, 2);
}

/// A node as jarviscore's can be: takes everything, and says nothing more.
#[derive(Clone)]
pub(super) struct Mute {
    pub(super) me: Arc<Identity>,
    /// Calls are never ended.
    pub(super) hangs: bool,
    pub(super) asked: Arc<Mutex<Vec<String>>>,
    /// The number that it says it accepted last.
    pub(super) last: i64,
    /// Greetings and questions for states are answered so late.
    pub(super) late: Duration,
    /// What its scripts come to, one after the other.
    pub(super) results: Arc<Mutex<VecDeque<&'static str>>>,
    /// Whom it answers before it says that it got the request.
    pub(super) early: Arc<tokio::sync::Mutex<Option<Hand>>>,
}

impl Mute {
    pub(super) fn new() -> Self {
        Self {
            me: identity(BOB),
            hangs: false,
            asked: Arc::default(),
            last: 0,
            late: Duration::ZERO,
            results: Arc::default(),
            early: Arc::default(),
        }
    }
}

type Back = std::pin::Pin<Box<dyn tokio_stream::Stream<Item = Result<JarvisMsg, Status>> + Send>>;

impl Mute {
    fn say(&self, to: &JarvisMsg, draft: JarvisMsg) -> Result<JarvisMsg, Status> {
        let mut message = JarvisMsg {
            cur_time: NOW,
            src_addr: self.me.address().to_string(),
            my_addr: self.me.address().to_string(),
            dest_addr: to.src_addr.clone(),
            ..draft
        };
        sign(&mut message, &self.me).unwrap();
        Ok(message)
    }

    pub(super) async fn serve(self) -> (std::net::SocketAddr, tokio::task::JoinHandle<()>) {
        use hyper_util::rt::{TokioExecutor, TokioIo};
        use tower::Service as _;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let service = JarvisCoreServServer::new(self.clone());
                let service = hyper::service::service_fn(
                    move |request: http::Request<hyper::body::Incoming>| {
                        service.clone().call(request)
                    },
                );
                tokio::spawn(
                    hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(tcp), service),
                );
            }
        });
        (at, serving)
    }
}

#[tonic::async_trait]
impl JarvisCoreServ for Mute {
    type procMsgStream = Back;
    type procMsgStreamStream = Back;

    async fn proc_msg(&self, request: GrpcRequest<JarvisMsg>) -> Result<Response<Back>, Status> {
        let message = request.into_inner();
        self.asked
            .lock()
            .unwrap()
            .push(message.msg_type().as_str_name().to_owned());
        let reply = |draft: JarvisMsg| {
            self.say(
                &message,
                JarvisMsg {
                    reply_msg_id: message.msg_id,
                    ..draft
                },
            )
        };
        if matches!(
            message.msg_type(),
            Msgtype::ConnectNode | Msgtype::RequestMsgState
        ) {
            tokio::time::sleep(self.late).await;
        }
        let got = JarvisMsg {
            last_msg_id: self.last,
            ..message::reply2(Replytype::Igotit, "")
        };
        let said = match message.msg_type() {
            Msgtype::RequestCtrl if !self.results.lock().unwrap().is_empty() => {
                let result = self.results.lock().unwrap().pop_front().unwrap();
                vec![
                    reply(got),
                    reply(message::ctrl_result(result, "")),
                    reply(message::end()),
                ]
            }
            Msgtype::RequestCtrl if self.early.lock().await.is_some() => {
                let mut early = self.early.lock().await;
                let hand = early.as_mut().unwrap();
                let answer = [message::ctrl_result("early", ""), message::end()];
                let answer = answer.into_iter().zip(0..).map(|(draft, index)| {
                    let draft = JarvisMsg {
                        reply_msg_id: message.msg_id,
                        ..draft
                    };
                    let mut said = hand.message(draft, 1, index);
                    // Other messages came in between.
                    said.last_msg_id = i64::from(index) + 1;
                    said
                });
                let answer = answer.collect();
                assert_eq!(kinds(&hand.stream(answer).await), ["IGOTIT"]);
                // And the end once more.
                vec![reply(got), reply(message::end())]
            }
            Msgtype::ConnectNode => {
                let info = NodeBaseInfo {
                    serv_addr: "127.0.0.1:1".into(),
                    addr: self.me.address().to_string(),
                    name: "mute".into(),
                    ..NodeBaseInfo::default()
                };
                vec![
                    self.say(
                        &message,
                        draft(Msgtype::ReplyConnect, Some(Data::NodeInfo(info))),
                    ),
                    self.say(&message, message::end()),
                ]
            }
            Msgtype::RequestMsgState => {
                let Some(Data::RequestMsgState(request)) = &message.data else {
                    panic!("it is incomplete");
                };
                vec![
                    reply(message::state(request.msg_id, -1)),
                    reply(message::end()),
                ]
            }
            _ if self.hangs => {
                return Ok(Response::new(Box::pin(tokio_stream::pending())));
            }
            _ => vec![reply(got)],
        };
        Ok(Response::new(Box::pin(tokio_stream::iter(said))))
    }

    async fn proc_msg_stream(
        &self,
        _request: GrpcRequest<Streaming<JarvisMsg>>,
    ) -> Result<Response<Back>, Status> {
        Ok(Response::new(Box::pin(tokio_stream::pending())))
    }
}

pub(super) async fn alice_with(change: impl FnOnce(&mut NetOptions)) -> LegacyNet {
    let mut options = options();
    change(&mut options);
    let handler: Arc<dyn Handler> = Arc::new(Canned::default());
    let net = LegacyNet::start(identity(ALICE), options, Arc::new(NoPeers), handler).await;
    net.unwrap().0
}

#[tokio::test]
async fn a_request_that_is_refused_in_silence_is_found_out_by_asking() {
    let mute = Mute::new();
    let asked = Arc::clone(&mute.asked);
    let (at, _serving) = mute.serve().await;
    let alice = alice_with(|options| options.state_every = Duration::from_millis(20)).await;
    let bob = identity(BOB).address().clone();
    alice.connect(&at.to_string(), Some(&bob)).await.unwrap();
    let mut replies = alice.request(&bob, Outgoing::message(script("s", "x")));
    assert_eq!(replies.next().await, Some(Reply::Got));
    assert_eq!(replies.next().await, Some(Reply::Removed));
    let asked = asked.lock().unwrap().clone();
    assert_eq!(
        asked[..3],
        ["CONNECT_NODE", "REQUEST_CTRL", "REQUEST_MSG_STATE"]
    );
}

#[tokio::test]
async fn a_peer_that_hangs_stalls_nobody_and_nothing_for_long() {
    let mute = Mute {
        hangs: true,
        ..Mute::new()
    };
    let (at, _serving) = mute.serve().await;
    let alice = alice_with(|options| options.call_limit = Duration::from_millis(200)).await;
    let bob = identity(BOB).address().clone();
    alice.connect(&at.to_string(), Some(&bob)).await.unwrap();
    for outgoing in [
        Outgoing::message(script("s", "x")),
        Outgoing::visible(message::clear_logs()),
    ] {
        let mut replies = alice.request(&bob, outgoing);
        let failed = replies.next().await;
        assert_eq!(
            failed,
            Some(Reply::Failed(crate::legacy::SendError::TimedOut))
        );
    }
}

#[tokio::test]
async fn what_is_too_large_is_not_sent() {
    let pair = Pair::greeted().await;
    let mut replies = pair.ask(Outgoing::message(script("s", vec![b'x'; 4 << 20])));
    let failed = replies.next().await;
    assert_eq!(
        failed,
        Some(Reply::Failed(crate::legacy::SendError::TooLarge))
    );
}
