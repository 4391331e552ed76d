#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use futures::StreamExt;
use jarvis_proto::chat::{
    Attachment, Capabilities, Ping, Progress, RateLimited, Refused, RefusedReason, Sent, action,
    brain_frame,
};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;

use super::*;
use crate::adapter::{Acceptance, ByteStream, FloodLimits, Profile};
use crate::fake_brain::{FakeBrain, FakeSession, say, segments};

/// An adapter whose platform is the test.
#[derive(Default)]
struct Probe {
    inbox: Mutex<Option<Inbox>>,
    has_inbox: Notify,
    performed: Mutex<Vec<String>>,
    /// Rooms in which nothing ends until a permit is there.
    gates: HashMap<String, Semaphore>,
    /// Outcomes to give instead of success, by action id.
    outcomes: Mutex<HashMap<String, Outcome>>,
}

impl Probe {
    async fn deliver(&self, id: &str) -> Acceptance {
        let inbox = loop {
            if let Some(inbox) = self.inbox.lock().unwrap().clone() {
                break inbox;
            }
            self.has_inbox.notified().await;
        };
        let event = jarvis_proto::chat::Event {
            id: id.to_owned(),
            ..Default::default()
        };
        inbox.deliver(event).await
    }
}

#[async_trait]
impl Adapter for Probe {
    fn profile(&self) -> Profile {
        Profile {
            kind: "probe",
            bot: "b1".to_owned(),
            bot_name: "probe_bot".to_owned(),
            capabilities: Capabilities {
                text_limit: 100,
                ..Capabilities::default()
            },
            flood: FloodLimits::default(),
            patience: None,
        }
    }

    async fn receive(&self, inbox: Inbox, stop: CancellationToken) -> Result<(), AdapterError> {
        *self.inbox.lock().unwrap() = Some(inbox);
        self.has_inbox.notify_waiters();
        self.has_inbox.notify_one();
        stop.cancelled().await;
        self.inbox.lock().unwrap().take();
        Ok(())
    }

    async fn perform(&self, errand: &Errand) -> Outcome {
        let action = errand.action();
        let room = action.room.clone().unwrap_or_default().id;
        if let Some(gate) = self.gates.get(&room) {
            gate.acquire().await.unwrap().forget();
        }
        let mut text = action.id.clone();
        if let Some(action::Kind::Progress(progress)) = &action.kind {
            text = format!("{text} edits {:?}", progress.message_id);
        }
        if let Some(action::Kind::File(file)) = &action.kind {
            let mut bytes = errand.download(file.file.as_ref().unwrap()).await.unwrap();
            while let Some(piece) = bytes.next().await {
                match piece {
                    Ok(piece) => text.push_str(std::str::from_utf8(&piece).unwrap()),
                    Err(error) => text.push_str(&format!(" failed: {error}")),
                }
            }
        }
        self.performed.lock().unwrap().push(text);
        let outcome = self.outcomes.lock().unwrap().remove(&action.id);
        outcome.unwrap_or_else(|| {
            Outcome::Ok(Sent {
                message_id: format!("m-{}", action.id),
            })
        })
    }

    async fn open(&self, attachment: &Attachment) -> Result<ByteStream, AdapterError> {
        if attachment.handle == "gone" {
            let (name, detail) = (attachment.name.clone(), "gone".to_owned());
            return Err(AdapterError::Attachment { name, detail });
        }
        let piece = vec![b'x'; attachment.size.try_into().unwrap()];
        Ok(futures::stream::iter([Ok(piece.into())]).boxed())
    }
}

struct Running {
    probe: Arc<Probe>,
    stop: CancellationToken,
    host: JoinHandle<Result<(), HostError>>,
}

fn start(brain: &FakeBrain, probe: Probe) -> Running {
    let probe = Arc::new(probe);
    let stop = CancellationToken::new();
    let token = Some(SecretString::from("adapter-token"));
    let host = tokio::spawn(run(probe.clone(), brain.brain.clone(), token, stop.clone()));
    Running { probe, stop, host }
}

fn progress(id: &str, room: &str, is_final: bool) -> Action {
    let progress = Progress {
        key: "job:1".to_owned(),
        text: segments(id),
        r#final: is_final,
        ..Progress::default()
    };
    Action {
        kind: Some(action::Kind::Progress(progress)),
        ..say(id, room, "")
    }
}

async fn results(session: &mut FakeSession, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(session.result().await.action);
    }
    ids
}

#[tokio::test]
async fn the_hello_says_who_comes_and_stopping_says_goodbye() {
    let mut brain = FakeBrain::start();
    let running = start(&brain, Probe::default());
    let mut session = brain.session().await;
    let hello = &session.hello;
    assert_eq!(
        (hello.contract, hello.kind.as_str(), hello.bot.as_str()),
        (1, "probe", "b1")
    );
    assert_eq!(
        (hello.token.as_str(), hello.bot_name.as_str()),
        ("adapter-token", "probe_bot")
    );
    assert_eq!(hello.capabilities.as_ref().unwrap().text_limit, 100);
    session
        .say(brain_frame::Frame::Ping(Ping { nonce: 7 }))
        .await;
    assert_eq!(
        session.hears().await,
        Some(adapter_frame::Frame::Pong(Pong { nonce: 7 }))
    );
    running.stop.cancel();
    assert!(matches!(
        session.hears().await,
        Some(adapter_frame::Frame::Goodbye(_))
    ));
    drop(session);
    running.host.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_refused_token_ends_and_a_busy_brain_is_asked_again() {
    let mut brain = FakeBrain::start();
    let running = start(&brain, Probe::default());
    let busy = RefusedReason::AlreadyConnected;
    for reason in [busy, RefusedReason::Token] {
        let session = brain.connection().await;
        let refused = Refused {
            reason: reason.into(),
            detail: "no".to_owned(),
        };
        session.say(brain_frame::Frame::Refused(refused)).await;
    }
    let error = running.host.await.unwrap().unwrap_err();
    assert!(
        matches!(
            error,
            HostError::Refused {
                reason: RefusedReason::Token,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn an_event_is_repeated_after_a_reconnect_until_it_is_acknowledged() {
    let mut brain = FakeBrain::start();
    let running = start(&brain, Probe::default());
    let mut session = brain.session().await;
    let first = running.probe.deliver("e1").await;
    let second = running.probe.deliver("e2").await;
    assert_eq!(session.event().await.id, "e1");
    assert_eq!(session.event().await.id, "e2");
    session.acknowledge("e1").await;
    assert!(first.wait().await);
    drop(session);
    let mut session = brain.session().await;
    assert_eq!(
        session.event().await.id,
        "e2",
        "only what was not acknowledged comes again"
    );
    session.acknowledge("e2").await;
    assert!(second.wait().await);
}

#[tokio::test]
async fn an_event_without_acknowledgement_is_not_accepted_when_the_host_stops() {
    let mut brain = FakeBrain::start();
    let running = start(&brain, Probe::default());
    let mut session = brain.session().await;
    let acceptance = running.probe.deliver("e1").await;
    session.event().await;
    running.stop.cancel();
    drop(session);
    running.host.await.unwrap().unwrap();
    assert!(!acceptance.wait().await);
}

#[tokio::test]
async fn a_slow_room_holds_up_nobody_else_and_keeps_its_order() {
    let mut brain = FakeBrain::start();
    let gates = HashMap::from([("slow".to_owned(), Semaphore::new(0))]);
    let running = start(
        &brain,
        Probe {
            gates,
            ..Probe::default()
        },
    );
    let mut session = brain.session().await;
    for (id, room) in [("1", "slow"), ("2", "slow"), ("3", "fast"), ("4", "fast")] {
        session.act(say(id, room, "")).await;
    }
    assert_eq!(results(&mut session, 2).await, ["3", "4"]);
    running.probe.gates["slow"].add_permits(2);
    assert_eq!(results(&mut session, 2).await, ["1", "2"]);
}

#[tokio::test]
async fn an_action_repeated_after_a_brain_restart_is_not_performed_twice() {
    let mut brain = FakeBrain::start();
    let gates = HashMap::from([("a".to_owned(), Semaphore::new(0))]);
    let running = start(
        &brain,
        Probe {
            gates,
            ..Probe::default()
        },
    );
    let session = brain.session().await;
    session.act(say("1", "a", "")).await;
    drop(session);
    let mut session = brain.session().await;
    session.act(say("1", "a", "")).await;
    running.probe.gates["a"].add_permits(2);
    let ok = Some(Outcome::Ok(Sent {
        message_id: "m-1".to_owned(),
    }));
    assert_eq!(session.result().await.outcome, ok);
    session.act(say("1", "a", "")).await;
    assert_eq!(session.result().await.outcome, ok);
    assert_eq!(*running.probe.performed.lock().unwrap(), ["1"]);
}

#[tokio::test]
async fn a_rate_limit_is_reported_and_the_rest_of_the_room_goes_back_in_order() {
    let mut brain = FakeBrain::start();
    let gates = HashMap::from([("a".to_owned(), Semaphore::new(0))]);
    let limited = Outcome::RateLimited(RateLimited {
        retry_after_ms: 60_000,
    });
    let outcomes = Mutex::new(HashMap::from([("1".to_owned(), limited)]));
    let running = start(
        &brain,
        Probe {
            gates,
            outcomes,
            ..Probe::default()
        },
    );
    let mut session = brain.session().await;
    session.act(say("1", "a", "")).await;
    session.act(say("2", "a", "")).await;
    session.act(say("3", "b", "")).await;
    assert_eq!(session.result().await.action, "3");
    running.probe.gates["a"].add_permits(9);
    for id in ["1", "2"] {
        let result = session.result().await;
        assert_eq!(result.action, id);
        assert!(matches!(result.outcome, Some(Outcome::RateLimited(_))));
    }
    assert_eq!(*running.probe.performed.lock().unwrap(), ["3", "1"]);
}

#[tokio::test]
async fn progress_is_coalesced_and_the_last_state_edits_the_first_message() {
    let mut brain = FakeBrain::start();
    let gates = HashMap::from([("a".to_owned(), Semaphore::new(0))]);
    let running = start(
        &brain,
        Probe {
            gates,
            ..Probe::default()
        },
    );
    let mut session = brain.session().await;
    session.act(progress("1", "a", false)).await;
    for number in 2..20 {
        let mut state = progress(&number.to_string(), "a", false);
        state.transient = true;
        session.act(state).await;
    }
    session.act(progress("20", "a", true)).await;
    let mut answered = results(&mut session, 18).await;
    running.probe.gates["a"].add_permits(9);
    answered.extend(results(&mut session, 2).await);
    assert_eq!(answered.len(), 20, "every action has its result");
    assert_eq!(
        *running.probe.performed.lock().unwrap(),
        ["1 edits \"\"", "20 edits \"m-1\""]
    );
}

#[tokio::test]
async fn files_go_both_ways_in_pieces() {
    let mut brain = FakeBrain::start();
    brain.keep_file("b1", b"content of a file");
    let running = start(&brain, Probe::default());
    let mut session = brain.session().await;
    for (id, size) in [("1", 17), ("2", 99)] {
        let file = jarvis_proto::chat::FileRef {
            blob: "b1".to_owned(),
            size,
            ..Default::default()
        };
        let kind = jarvis_proto::chat::SendFile {
            file: Some(file),
            caption: Vec::new(),
        };
        session
            .act(Action {
                kind: Some(action::Kind::File(kind)),
                ..say(id, "a", "")
            })
            .await;
        session.result().await;
    }
    {
        let performed = running.probe.performed.lock().unwrap();
        assert_eq!(performed[0], "1content of a file");
        assert!(performed[1].contains("failed: a download has 17 bytes instead of 99"));
    }
    let fetch = |fetch: &str, handle: &str| {
        brain_frame::Frame::Fetch(FetchAttachment {
            fetch: fetch.to_owned(),
            attachment: Some(Attachment {
                handle: handle.to_owned(),
                size: 300_000,
                ..Attachment::default()
            }),
        })
    };
    session.say(fetch("f1", "here")).await;
    let (name, content) = brain.uploaded().await;
    assert_eq!((name.as_str(), content.len()), ("f1", 300_000));
    session.say(fetch("f2", "gone")).await;
    let Some(adapter_frame::Frame::AttachmentFailed(failed)) = session.hears().await else {
        panic!("no failure")
    };
    assert_eq!(failed.fetch, "f2");
}

#[tokio::test]
async fn a_line_that_breaks_is_made_again_and_again() {
    let mut brain = FakeBrain::start();
    let running = start(&brain, Probe::default());
    for round in 0..3 {
        let mut session = brain.session().await;
        session.act(say(&round.to_string(), "a", "")).await;
        session.result().await;
    }
    running.stop.cancel();
}
