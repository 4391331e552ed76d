//! What jarviscore nodes do oddly, and what is to be tolerated for it. Point by point, and where it is
//! tested:
//!
//! 1. `END` before `IGOTIT`, and twice: `the_end_may_come_before_the_receipt_and_twice`.
//! 2. `IGOTIT` and nothing more: `hostile::a_request_that_is_refused_in_silence_is_found_out_by_asking`.
//! 3. Answers on a call of their own, with one number: the transcripts,
//!    `hostile::numbers_must_grow_and_are_never_lowered`.
//! 4. The last number varies in a stream (the first test here), and is 1 where we are unknown:
//!    `a_node_that_does_not_know_us_says_one`.
//! 5. Padded parts, files without names, the whole MD5 at the end only:
//!    `chunk::the_padding_of_a_part_is_cut_off`, `chunk::what_is_cut_is_put_together_again`,
//!    `transcripts::a_script_with_result_files`.
//! 6. Some version as that of a list: `a_request_may_hold_some_version_as_that_of_the_list`.
//! 7. High and short signatures, number 0 on a server's answers:
//!    `vectors::odd_signatures_and_forged_messages_are_judged_as_the_library_does`, the transcripts.
//! 8. Greetings twice, news of ourselves, news without type: `greetings_may_be_doubled`,
//!    `what_others_say_of_a_node_changes_nothing_about_it`.
//! 9. States: `transcripts::what_became_of_a_request`,
//!    `to_a_short_address_an_unknown_state_says_nothing`; output that is lost:
//!    `a_question_whose_answer_was_lost_is_asked_again`.
//! 10. Nodes that hang: `hostile::a_peer_that_hangs_stalls_nobody_and_nothing_for_long`.
//! 11. Errors in Go's words: `files_go_both_ways_in_one_message_and_in_pieces` of the stories.
//! 12. Old connections after a move: `hostile::a_moved_server_address_counts_when_it_has_answered`, in
//!     which the same connection goes on.
//! 13. Proxies of the environment concern only who dials with Go; ours reads none.
//! 14. Late answers of a busy node: `a_node_that_is_busy_may_answer_late`.

use jarvis_proto::legacy::NodeBaseInfo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::hostile::{Hand, Mute, alice_with, bob_and_hand, kinds};
use super::*;
use crate::legacy::bridge::ask::{Asked, Fault};
use crate::legacy::message::{request_nodes, script};
use crate::legacy::nodes;

/// Alice, connected with a node that is odd.
async fn alice_and(mute: Mute, change: impl FnOnce(&mut NetOptions)) -> (LegacyNet, Address) {
    let bob = mute.me.address().clone();
    let (at, _) = mute.serve().await;
    let alice = alice_with(change).await;
    alice.connect(&at.to_string(), Some(&bob)).await.unwrap();
    (alice, bob)
}

/// All that comes of a request until nothing can come any more.
async fn all(mut replies: Replies) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(reply) = tokio::time::timeout(LIMIT, replies.next()).await.unwrap() {
        all.push(match reply {
            Reply::Message(message) => match &message.data {
                Some(Data::CtrlResult(result)) => result.ctrl_result.clone(),
                _ => message.msg_type().as_str_name().to_owned(),
            },
            other => format!("{other:?}"),
        });
    }
    all
}

#[tokio::test]
async fn the_end_may_come_before_the_receipt_and_twice() {
    let mute = Mute::new();
    let early = Arc::clone(&mute.early);
    let (alice, bob) = alice_and(mute, |_| ()).await;
    *early.lock().await = Some(Hand::of(&alice, identity(BOB)).await);
    let came = all(alice.request(&bob, Outgoing::message(script("s", "x")))).await;
    assert_eq!(came[..2], ["early", "Done"], "{came:?}");
    assert_eq!(alice.counts().all(), 0, "nothing of it is refused");
    // Its numbers, other ones in one stream, are taken for what they are.
    let sent = alice
        .shared_for_tests()
        .peers
        .with(&bob, |peer| peer.record.last_sent);
    assert_eq!(sent, Some(2));
}

#[tokio::test]
async fn a_node_that_does_not_know_us_says_one() {
    let mute = Mute {
        last: 1,
        ..Mute::new()
    };
    let asked = Arc::clone(&mute.asked);
    let (alice, bob) = alice_and(mute, |_| ()).await;
    let mut replies = alice.request(&bob, Outgoing::message(script("s", "x")));
    assert_eq!(replies.next().await, Some(Reply::Got));
    // Number 1 looked used, and number 2 did not.
    let expected = ["CONNECT_NODE", "REQUEST_CTRL", "REQUEST_CTRL"];
    assert_eq!(*asked.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_request_may_hold_some_version_as_that_of_the_list() {
    let pair = Pair::greeted().await;
    let said = pair
        .answer(Outgoing::message(request_nodes(true, "x", "0.7.22")))
        .await;
    assert_eq!(kinds(&said), ["NODE_INFO", "REPLY_MYNODESVERSION"]);
}

#[tokio::test]
async fn greetings_may_be_doubled() {
    let (pair, mut hand) = bob_and_hand().await;
    let me = hand.me.address().to_string();
    for _ in 0..3 {
        let greeting = hand.greeting(&me);
        let said = hand.send(greeting).await;
        assert_eq!(kinds(&said), ["REPLY_CONNECT", "END"]);
    }
    assert_eq!(pair.bob.peers().len(), 1);
    assert_eq!(pair.bob.counts().all(), 0);
}

#[tokio::test]
async fn two_attempts_at_once_make_one_connection() {
    let pair = Pair::start(Canned::default()).await;
    let (at, bob) = (pair.bob.listening().to_string(), pair.bob.address());
    let (first, second) = tokio::join!(
        pair.alice.connect(&at, Some(bob)),
        pair.alice.connect(&at, Some(bob))
    );
    let ((_, first), (_, second)) = (first.unwrap(), second.unwrap());
    assert!(!first.is_cancelled() && !second.is_cancelled());
    let links = pair
        .alice
        .shared_for_tests()
        .peers
        .with(bob, |peer| peer.links);
    assert_eq!(links, Some(1));
}

#[tokio::test]
async fn what_others_say_of_a_node_changes_nothing_about_it() {
    let pair = Pair::greeted().await;
    let shared = pair.alice.shared_for_tests();
    let known = pair.alice.peer(pair.bob.address()).unwrap().info;
    assert_eq!(known.node_type, "jarvis");
    for addr in [known.addr.clone(), pair.alice.address().to_string()] {
        let info = NodeBaseInfo {
            serv_addr: "10.0.0.1:1".into(),
            addr,
            name: "somebody".into(),
            ..NodeBaseInfo::default()
        };
        nodes::hear(&shared, info);
    }
    assert_eq!(pair.alice.peer(pair.bob.address()).unwrap().info, known);
    assert_eq!(pair.alice.peers().len(), 1);
}

#[tokio::test]
async fn to_a_short_address_an_unknown_state_says_nothing() {
    let short = std::iter::repeat_with(Identity::generate)
        .find(|identity| identity.address().to_string().len() < 34)
        .unwrap();
    let mut options = options();
    options.state_every = Duration::from_millis(20);
    let (net, _) = LegacyNet::start(
        Arc::new(short),
        options,
        Arc::new(NoPeers),
        Arc::new(Canned::default()),
    )
    .await
    .unwrap();
    let mute = Mute::new();
    let bob = mute.me.address().clone();
    let (at, _) = mute.serve().await;
    net.connect(&at.to_string(), Some(&bob)).await.unwrap();
    let mut replies = net.request(&bob, Outgoing::message(script("s", "x")));
    assert_eq!(replies.next().await, Some(Reply::Got));
    assert_eq!(replies.next().await, Some(Reply::Removed));
    // The answer comes all the same.
    let mut hand = Hand::of(&net, identity(BOB)).await;
    let draft = JarvisMsg {
        reply_msg_id: 1,
        ..message::ctrl_result("late", "")
    };
    let answer = hand.message(draft, 1, 0);
    assert_eq!(kinds(&hand.stream(vec![answer]).await), ["IGOTIT"]);
    loop {
        match replies.next().await.unwrap() {
            Reply::Removed => {}
            Reply::Message(_) => break,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_question_whose_answer_was_lost_is_asked_again() {
    let mute = Mute::new();
    let (results, asked) = (Arc::clone(&mute.results), Arc::clone(&mute.asked));
    // Nothing, and less than all.
    *results.lock().unwrap() = ["", "a\n", "a\nb\njarvis-ok\n"].into();
    let (alice, bob) = alice_and(mute, |_| ()).await;
    let asking = Asked {
        net: alice,
        address: bob,
    };
    assert_eq!(asking.query("x").await.unwrap(), ["a", "b"]);
    assert_eq!(asked.lock().unwrap().len(), 4);
    // It has an end.
    *results.lock().unwrap() = [""; 9].into();
    assert_eq!(asking.query("x").await, Err(Fault::Damaged));
}

#[tokio::test]
async fn a_node_that_is_busy_may_answer_late() {
    let mute = Mute {
        late: Duration::from_millis(300),
        ..Mute::new()
    };
    let (alice, bob) = alice_and(mute, |_| ()).await;
    let state = alice.shared_for_tests().ask_for_state(&bob, 7).await;
    assert_eq!(state, Ok(Some(-1)));
}

#[tokio::test]
async fn garbage_is_counted() {
    let (pair, mut hand) = bob_and_hand().await;
    let peers = pair.bob.peers();
    // No HTTP/2 at all.
    let mut line = tokio::net::TcpStream::connect(pair.bob.listening())
        .await
        .unwrap();
    line.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let _ = line.read_to_end(&mut Vec::new()).await;
    pair.until(|pair| pair.bob.counts().malformed == 1).await;
    // A message that is larger than any may be.
    let large = hand.message(script("s", vec![b'x'; 5 << 20]), 1, 0);
    assert!(hand.client.proc_msg(large).await.is_err());
    pair.until(|pair| pair.bob.counts().malformed == 2).await;
    // Who only looks whether somebody listens does no harm.
    drop(tokio::net::TcpStream::connect(pair.bob.listening()).await);
    let own = JarvisMsg {
        src_addr: pair.bob.address().to_string(),
        ..hand.message(script("s", "x"), 1, 0)
    };
    assert_eq!(kinds(&hand.send(own).await), ["ISME"]);
    assert_eq!(pair.bob.counts().malformed, 3);
    assert_eq!(pair.bob.counts().all(), 3);
    assert_eq!(pair.bob.peers(), peers);
}

#[tokio::test]
async fn who_only_called_is_passed_on_to_nobody() {
    let pair = Pair::start(Canned {
        is_choosy: true,
        ..Canned::default()
    })
    .await;
    let mut stranger = Hand::of(&pair.bob, Arc::new(Identity::generate())).await;
    let me = stranger.me.address().to_string();
    let version = pair.bob.nodes_version();
    let greeting = stranger.greeting(&me);
    assert_eq!(
        kinds(&stranger.send(greeting).await),
        ["REPLY_CONNECT", "END"]
    );
    assert_eq!(pair.bob.nodes_version(), version);
    assert!(pair.kept.1.0.lock().unwrap().is_empty());
}
