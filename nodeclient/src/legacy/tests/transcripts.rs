//! Every sequence of the protocol, byte by byte.

use super::*;
use crate::legacy::chunk::PIECE;
use crate::legacy::message::{request_file, script, transfer_file, update};

fn texts(messages: &[JarvisMsg]) -> Vec<String> {
    messages
        .iter()
        .map(|message| match &message.data {
            Some(Data::CtrlResult(result)) => {
                format!("{}|{}", result.ctrl_result, result.err_info)
            }
            Some(Data::File(file)) => format!("{}:{}", file.start, file.length),
            Some(Data::ReplyTransferFile(reply)) => reply.md5_string.clone(),
            _ => format!("{} {}", message.reply_type().as_str_name(), message.err),
        })
        .collect()
}

#[tokio::test]
async fn greeting_both_ways() {
    let pair = Pair::greeted().await;
    pair.check("connect", 6).await;
    let told = pair.alice.peer(pair.bob.address()).unwrap().info;
    assert_eq!(
        (told.name.as_str(), told.core_version.as_str()),
        ("bob", "0.7.212")
    );
}

#[tokio::test]
async fn scripts() {
    let pair = Pair::greeted().await;
    pair.forget_frames();
    let said = pair.answer(Outgoing::message(script("s", "echo hi"))).await;
    assert_eq!(texts(&said), ["hi\n|"]);
    pair.check("scriptfile", 5).await;

    pair.forget_frames();
    let sources = vec![("a.txt".to_owned(), b"abc".to_vec())];
    let draft = message::script_with_sources("s", "echo hi", sources);
    assert_eq!(
        texts(&pair.answer(Outgoing::message(draft)).await),
        ["hi\n|"]
    );
    pair.check("scriptfile2", 5).await;
}

#[tokio::test]
async fn a_script_with_result_files() {
    let pair = Pair::greeted().await;
    pair.forget_frames();
    let results = vec!["a".to_owned(), "b".to_owned(), "c".to_owned()];
    let draft = message::script_with_results("s", "echo done", results);
    let said = pair.answer(Outgoing::message(draft)).await;
    let expected = [
        "done\n|",
        "0:12",
        "|open b: no such file or directory",
        "0:0",
    ];
    assert_eq!(texts(&said), expected);
    pair.check("scriptfile3", 8).await;
}

#[tokio::test]
async fn an_unknown_ctrl() {
    let pair = Pair::greeted().await;
    pair.forget_frames();
    let mut draft = script("s", "x");
    if let Some(Data::CtrlInfo(ctrl)) = &mut draft.data {
        ctrl.ctrl_type = "shell".into();
    }
    let said = pair.answer(Outgoing::message(draft)).await;
    assert_eq!(texts(&said), ["ERROR no ctrl"]);
    pair.check("unknown_ctrl", 5).await;
}

#[tokio::test]
async fn a_refusal_is_told_and_ended() {
    let pair = Pair::greeted().await;
    pair.handler.trusted.lock().unwrap().clear();
    pair.forget_frames();
    let said = pair.answer(Outgoing::message(script("s", "x"))).await;
    assert_eq!(texts(&said), ["ERROR I don't trust you"]);
    pair.check("refused", 4).await;
    assert_eq!(pair.bob.counts().untrusted, 1);

    pair.forget_frames();
    let visible = Outgoing::visible(request_file("small", 0, 0));
    assert_eq!(
        texts(&pair.answer(visible).await),
        ["ERROR I don't trust you"]
    );
    pair.check("refused_stream", 4).await;
}

#[tokio::test]
async fn a_small_file_to_a_node() {
    let pair = Pair::greeted().await;
    pair.forget_frames();
    let said = pair
        .answer(Outgoing::message(transfer_file("a", &b"content"[..])))
        .await;
    assert_eq!(texts(&said), [md5_text(b"content")]);
    pair.check("transfer_file", 5).await;
    assert_eq!(pair.handler.files.lock().unwrap()[0].1, b"content");

    pair.forget_frames();
    let nowhere = Outgoing::message(transfer_file("/no/such", &b"x"[..]));
    let said = pair.answer(nowhere).await;
    assert_eq!(
        texts(&said),
        ["ERROR open /no/such: no such file or directory"]
    );
    pair.check("transfer_file_error", 5).await;
}

fn upload(name: &'static str, bytes: Vec<u8>, is_damaged: bool) -> Outgoing {
    Outgoing::Stream(Arc::new(move || {
        let mut pieces: Vec<_> = Pieces::new(bytes.as_slice(), name, bytes.len() as u64)
            .map(|piece| piece.unwrap())
            .collect();
        if is_damaged && let Some(last) = pieces.last_mut() {
            last.file_md5_string = md5_text(b"something else");
        }
        Some(drafts(pieces.into_iter().map(message::transfer_piece)))
    }))
}

#[tokio::test]
async fn a_large_file_to_a_node() {
    let pair = Pair::greeted().await;
    pair.forget_frames();
    assert!(pair.answer(upload("big", large(), false)).await.is_empty());
    pair.check("transfer_file2", 6).await;
    assert!(pair.handler.files.lock().unwrap()[0].1 == large());

    pair.forget_frames();
    let said = pair.answer(upload("empty", Vec::new(), false)).await;
    assert!(said.is_empty());
    pair.check("transfer_file2_empty", 4).await;

    pair.forget_frames();
    let said = pair.answer(upload("bad", b"abc".to_vec(), true)).await;
    assert_eq!(texts(&said), ["ERROR invalid filedata md5tring"]);
    pair.check("transfer_file2_damaged", 5).await;
}

#[tokio::test]
async fn a_file_from_a_node() {
    let pair = Pair::greeted().await;
    for (name, file, start, length, frames, expected) in [
        ("request_file", "small", 0, 0, 5, vec!["0:13"]),
        (
            "request_file_large",
            "large",
            0,
            0,
            7,
            vec!["0:4193280", "4193280:4193280", "8386560:2099200"],
        ),
        (
            "request_file_part",
            "small",
            6,
            PIECE as u64,
            5,
            vec!["6:7"],
        ),
        ("request_file_eof", "small", 13, 10, 5, vec!["ERROR EOF"]),
        (
            "request_file_missing",
            "none",
            0,
            0,
            5,
            vec!["ERROR open none: no such file or directory"],
        ),
    ] {
        pair.forget_frames();
        let request = Outgoing::message(request_file(file, start, length));
        assert_eq!(texts(&pair.answer(request).await), expected);
        pair.check(name, frames).await;
    }
}

#[tokio::test]
async fn updates() {
    let pair = Pair::greeted().await;
    for (name, version, restart_only, frames, expected) in [
        (
            "update",
            "0.8.1",
            false,
            6,
            vec!["OK update v0.8.1", "OK output\n"],
        ),
        ("update_failed", "", true, 5, vec!["ERROR exit status 3"]),
        (
            "update_closed",
            "",
            false,
            5,
            vec!["ERROR auto update closed"],
        ),
    ] {
        pair.forget_frames();
        let request = Outgoing::message(update(version, "jarvissh", restart_only));
        assert_eq!(texts(&pair.answer(request).await), expected);
        pair.check(name, frames).await;
    }
}

#[tokio::test]
async fn clearing_logs() {
    let pair = Pair::greeted().await;
    pair.forget_frames();
    let said = pair.answer(Outgoing::message(message::clear_logs())).await;
    assert!(said.is_empty());
    pair.check("clear_logs", 4).await;
}

#[tokio::test]
async fn lists_of_nodes() {
    let pair = Pair::greeted().await;
    pair.forget_frames();
    pair.alice.request_nodes(true).await;
    pair.check("request_nodes2", 6).await;
    // Told once, and unchanged since: nobody asks again.
    pair.forget_frames();
    pair.alice.request_nodes(true).await;
    assert!(pair.frames.lock().unwrap().is_empty());
    // Without hosts that are local, the list is empty.
    pair.bob.request_nodes(false).await;
    pair.check("request_nodes2_empty", 5).await;
    // The old request knows no version.
    pair.forget_frames();
    let kind = jarvis_proto::legacy::Msgtype::RequestNodes;
    let said = pair
        .answer(Outgoing::message(message::draft(kind, None)))
        .await;
    assert!(said.is_empty());
    pair.check("request_nodes", 4).await;
}

#[tokio::test]
async fn what_became_of_a_request() {
    let handler = Canned {
        gate: Some(tokio::sync::Semaphore::new(0)),
        ..Canned::default()
    };
    let pair = Pair::greeted_with(handler).await;
    pair.forget_frames();
    let mut replies = pair.ask(Outgoing::message(script("s", "x")));
    assert_eq!(replies.next().await, Some(Reply::Got));
    let bob = pair.bob.address().clone();
    let shared = pair.alice.shared_for_tests();
    assert_eq!(shared.ask_for_state(&bob, 1).await, Ok(Some(1)));
    assert_eq!(shared.ask_for_state(&bob, 77).await, Ok(Some(-1)));
    pair.check("msg_state", 8).await;
    pair.handler.gate.as_ref().unwrap().add_permits(1);
    while replies.next().await != Some(Reply::Done) {}
    assert_eq!(
        shared.ask_for_state(&bob, 1).await,
        Ok(Some(1)),
        "just ended"
    );
}
