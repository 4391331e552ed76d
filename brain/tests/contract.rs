//! The chat contract as an adapter sees it: a real brain, its own store, and an adapter made of the
//! generated client. What a platform would do is played by hand, frame by frame.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use hyper_util::rt::TokioIo;
use jarvis_brain::room::BotKey;
use jarvis_brain::{Brain, BrainConfig, Clock};
use jarvis_nodeclient::Identity;
use jarvis_proto::chat::chat_brain_client::ChatBrainClient;
use jarvis_proto::chat::{
    Action, ActionResult, AdapterFrame, AdapterStopped, BrainFrame, Capabilities, Event, Hello,
    Message, Person, ProgressStyle, RateLimited, RefusedReason, Room, RoomKind, Segment, Sent,
    StopReason, action, action_result::Outcome, adapter_frame, brain_frame, event, segment,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Streaming};

/// Nothing here takes as long.
const LIMIT: Duration = Duration::from_secs(20);

struct House {
    brain: Brain,
    dial: mpsc::Sender<tokio::io::DuplexStream>,
    _data: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        Self::with(data).await
    }

    async fn with(data: tempfile::TempDir) -> Self {
        let mut config = BrainConfig::new(data.path().to_owned());
        // Here one person says what a crowd says.
        config.messages_per_minute = 1_000_000;
        let brain = Brain::start(config, Identity::generate(), Clock::system())
            .await
            .unwrap();
        let (dial, connections) = mpsc::channel(8);
        brain.serve_streams(connections);
        Self {
            brain,
            dial,
            _data: data,
        }
    }

    /// A connection inside this process.
    async fn channel(&self) -> Channel {
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        self.dial.send(theirs).await.unwrap();
        let mut slot = Some(TokioIo::new(ours));
        let connector = tower::service_fn(move |_: http::Uri| {
            let io = slot.take();
            async move { io.ok_or_else(|| std::io::Error::other("one connection only")) }
        });
        Endpoint::from_static("http://brain")
            .connect_with_connector(connector)
            .await
            .unwrap()
    }

    /// A connection from the network.
    async fn network(&self) -> Channel {
        let address = "127.0.0.1:0".parse().unwrap();
        let address = self.brain.serve_tcp(address, None).await.unwrap();
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        endpoint.connect().await.unwrap()
    }

    /// An adapter of a platform that edits and has buttons.
    async fn adapter(&self, kind: &str, instance: &str) -> Adapter {
        let (frames, outgoing) = mpsc::channel(64);
        let hello = Hello {
            contract: 1,
            kind: kind.to_owned(),
            bot: "bot".to_owned(),
            bot_name: "jarvisbot".to_owned(),
            instance: instance.to_owned(),
            capabilities: Some(Capabilities {
                progress: ProgressStyle::Edit.into(),
                buttons: true,
                operator_terminal: kind == "console",
                ..Capabilities::default()
            }),
            ..Hello::default()
        };
        frames
            .send(frame(adapter_frame::Frame::Hello(hello)))
            .await
            .unwrap();
        let incoming = ChatBrainClient::new(self.channel().await)
            .connect(ReceiverStream::new(outgoing))
            .await
            .unwrap()
            .into_inner();
        Adapter { frames, incoming }
    }
}

struct Adapter {
    frames: mpsc::Sender<AdapterFrame>,
    incoming: Streaming<BrainFrame>,
}

fn frame(frame: adapter_frame::Frame) -> AdapterFrame {
    AdapterFrame { frame: Some(frame) }
}

/// A word in private.
fn said(id: &str, person: &str, text: &str) -> AdapterFrame {
    frame(adapter_frame::Frame::Event(Event {
        id: id.to_owned(),
        room: Some(Room {
            id: person.to_owned(),
            kind: RoomKind::Private.into(),
            ..Room::default()
        }),
        person: Some(Person {
            id: person.to_owned(),
            name: person.to_owned(),
            ..Person::default()
        }),
        addressed: true,
        kind: Some(event::Kind::Message(Message {
            message_id: format!("m{id}"),
            text: text.to_owned(),
            ..Message::default()
        })),
        ..Event::default()
    }))
}

impl Adapter {
    async fn says(&self, id: &str, person: &str, text: &str) {
        self.frames.send(said(id, person, text)).await.unwrap();
    }

    /// The next frame that is no ping, menu, welcome or idle notice.
    async fn next(&mut self) -> brain_frame::Frame {
        loop {
            let next = tokio::time::timeout(LIMIT, self.incoming.message()).await;
            let frame = next
                .expect("a frame in time")
                .unwrap()
                .expect("the stream goes on")
                .frame;
            match frame.unwrap() {
                brain_frame::Frame::Ping(_)
                | brain_frame::Frame::Menu(_)
                | brain_frame::Frame::Welcome(_)
                | brain_frame::Frame::Idle(_) => {}
                other => return other,
            }
        }
    }

    async fn action(&mut self) -> Action {
        loop {
            match self.next().await {
                brain_frame::Frame::Action(action) => return action,
                brain_frame::Frame::Ack(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn acknowledged(&mut self, id: &str) {
        match self.next().await {
            brain_frame::Frame::Ack(ack) => assert_eq!(ack.event, id),
            other => panic!("{other:?}"),
        }
    }

    async fn answers(&self, action: &Action, outcome: Outcome) {
        let result = ActionResult {
            action: action.id.clone(),
            outcome: Some(outcome),
        };
        self.frames
            .send(frame(adapter_frame::Frame::Result(result)))
            .await
            .unwrap();
    }

    /// What the brain says next, confirmed.
    async fn sees(&mut self) -> String {
        let action = self.action().await;
        self.answers(&action, ok()).await;
        text(&action)
    }

    async fn idle(&mut self, event: &str) {
        let wait = async {
            loop {
                let frame = self
                    .incoming
                    .message()
                    .await
                    .unwrap()
                    .unwrap()
                    .frame
                    .unwrap();
                if let brain_frame::Frame::Idle(idle) = frame
                    && idle.last_event == event
                {
                    return;
                }
            }
        };
        tokio::time::timeout(LIMIT, wait)
            .await
            .expect("idle in time");
    }
}

fn key(kind: &str, bot: &str) -> BotKey {
    BotKey {
        kind: kind.to_owned(),
        bot: bot.to_owned(),
    }
}

fn ok() -> Outcome {
    Outcome::Ok(Sent {
        message_id: "1".to_owned(),
    })
}

fn text(action: &Action) -> String {
    let segments: &[Segment] = match action.kind.as_ref().unwrap() {
        action::Kind::Say(say) => &say.text,
        action::Kind::Progress(progress) => &progress.text,
        other => panic!("{other:?}"),
    };
    let words = segments
        .iter()
        .filter_map(|segment| match segment.kind.as_ref()? {
            segment::Kind::Text(text) | segment::Kind::Code(text) | segment::Kind::Bold(text) => {
                Some(text.as_str())
            }
            _ => None,
        });
    words.collect()
}

/// The first button whose label contains the word, as what pressing it sends.
fn button(action: &Action, label: &str) -> String {
    let Some(action::Kind::Say(say)) = &action.kind else {
        panic!("{action:?}")
    };
    let mut buttons = say.buttons.iter().flat_map(|row| &row.buttons);
    buttons
        .find(|button| button.label.contains(label))
        .unwrap()
        .data
        .clone()
}

#[tokio::test]
async fn the_same_event_twice_is_answered_once() {
    let house = House::new().await;
    let mut adapter = house.adapter("console", "a").await;
    adapter.says("1", "owner", "version").await;
    adapter.acknowledged("1").await;
    assert!(adapter.sees().await.starts_with("Jarvis "));
    adapter.says("1", "owner", "version").await;
    adapter.acknowledged("1").await;
    adapter.says("2", "owner", "whoami").await;
    adapter.acknowledged("2").await;
    assert!(
        adapter.sees().await.contains("owner"),
        "nothing came in between"
    );
    adapter.idle("2").await;
}

#[tokio::test]
async fn what_was_not_confirmed_is_said_again_and_what_was_is_not() {
    let house = House::new().await;
    let mut adapter = house.adapter("console", "a").await;
    adapter.says("1", "owner", "version").await;
    adapter.sees().await;
    adapter.says("2", "owner", "whoami").await;
    let unconfirmed = adapter.action().await;
    drop(adapter);
    let mut adapter = house.adapter("console", "b").await;
    let again = adapter.action().await;
    assert_eq!(again.id, unconfirmed.id);
    adapter.answers(&again, ok()).await;
    adapter.idle("2").await;
}

#[tokio::test]
async fn limits_and_trouble_keep_the_order_and_lose_nothing() {
    let house = House::new().await;
    let mut adapter = house.adapter("console", "a").await;
    adapter.says("1", "owner", "version").await;
    adapter.says("2", "owner", "whoami").await;
    let first = adapter.action().await;
    let second = adapter.action().await;
    assert!(text(&second).contains("owner"));
    // The adapter performs nothing behind what was refused.
    let limited = || Outcome::RateLimited(RateLimited { retry_after_ms: 20 });
    adapter.answers(&first, limited()).await;
    adapter.answers(&second, limited()).await;
    let second_try = adapter.action().await;
    assert_eq!(second_try.id, first.id, "the limited message comes first");
    adapter
        .answers(&second_try, Outcome::Transient("reset".to_owned()))
        .await;
    let third_try = adapter.action().await;
    assert_eq!(third_try.id, first.id, "and nothing overtakes it");
    adapter.answers(&third_try, ok()).await;
    let next = adapter.action().await;
    assert_eq!(next.id, second.id);
    adapter
        .answers(&next, Outcome::Fatal("no".to_owned()))
        .await;
    adapter.idle("2").await;
    assert_eq!(house.brain.outbox().waiting(), 0);
}

#[tokio::test]
async fn a_platform_that_is_away_is_waited_for() {
    let house = House::new().await;
    let mut adapter = house.adapter("console", "a").await;
    adapter.says("1", "owner", "version").await;
    let first = adapter.action().await;
    for _ in 0..3 {
        let away = Outcome::Unreachable("no connection".to_owned());
        adapter.answers(&first, away).await;
        assert_eq!(adapter.action().await.id, first.id);
    }
    adapter.answers(&first, ok()).await;
    adapter.idle("1").await;
}

#[tokio::test]
async fn a_held_message_waits_until_the_room_speaks() {
    let house = House::new().await;
    let mut adapter = house.adapter("console", "a").await;
    adapter.says("1", "owner", "version").await;
    let held = adapter.action().await;
    adapter
        .answers(&held, Outcome::Held("window closed".to_owned()))
        .await;
    adapter.says("2", "owner", "whoami").await;
    let again = adapter.action().await;
    assert_eq!(again.id, held.id);
    adapter.answers(&again, ok()).await;
    assert!(adapter.sees().await.contains("owner"));
}

#[tokio::test]
async fn one_session_per_bot_and_no_network_without_a_token() {
    let house = House::new().await;
    let mut first = house.adapter("console", "a").await;
    first.says("1", "owner", "version").await;
    first.sees().await;
    let mut second = house.adapter("console", "b").await;
    match second.next().await {
        brain_frame::Frame::Refused(refused) => {
            assert_eq!(refused.reason(), RefusedReason::AlreadyConnected);
        }
        other => panic!("{other:?}"),
    }
    let hello = Hello {
        contract: 1,
        kind: "chat".into(),
        bot: "x".into(),
        token: "guess".into(),
        ..Hello::default()
    };
    let frames = tokio_stream::iter([frame(adapter_frame::Frame::Hello(hello))]);
    let mut incoming = ChatBrainClient::new(house.network().await)
        .connect(frames)
        .await
        .unwrap()
        .into_inner();
    let refused = incoming.message().await.unwrap().unwrap().frame.unwrap();
    let brain_frame::Frame::Refused(refused) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(refused.reason(), RefusedReason::Token);
    let open = house
        .brain
        .serve_tcp("0.0.0.0:0".parse().unwrap(), None)
        .await;
    assert!(open.is_err(), "without TLS only this machine is served");
}

#[tokio::test]
async fn an_adapter_that_has_stopped_is_shown_until_it_is_back() {
    let house = House::new().await;
    let mut owner = house.adapter("console", "a").await;
    let stopped = |kind: &str, bot: &str, reason: StopReason| AdapterStopped {
        kind: kind.to_owned(),
        bot: bot.to_owned(),
        token: "guess".to_owned(),
        reason: reason.into(),
        detail: "its owner said:\n no".to_owned(),
    };
    let taken = || stopped("chat", "bot", StopReason::TakenOver);
    // Over a network only with a token, and never with a name that is none.
    let mut stranger = ChatBrainClient::new(house.network().await);
    let refused = stranger.report_stop(taken()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let mut adapter = ChatBrainClient::new(house.channel().await);
    for (kind, bot) in [("No Kind", ""), ("", ""), ("chat", &*"b".repeat(129))] {
        let odd = stopped(kind, bot, StopReason::Setting);
        let refused = adapter.report_stop(odd).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{kind} {bot}");
    }
    // A second process of one that is served is nobody's business.
    let second = stopped("console", "", StopReason::InUse);
    adapter.report_stop(second).await.unwrap();
    owner.says("1", "owner", "health").await;
    let health = owner.sees().await;
    assert!(!health.contains('✖'), "{health}");
    adapter.report_stop(taken()).await.unwrap();
    owner.says("2", "owner", "health").await;
    let health = owner.sees().await;
    assert!(health.contains("✖ chat bot"), "{health}");
    assert!(health.contains("(its owner said: no)"), "{health}");
    let _back = house.adapter("chat", "b").await;
    house.brain.sessions().wait_for(&key("chat", "bot")).await;
    owner.says("3", "owner", "health").await;
    let health = owner.sees().await;
    assert!(health.contains("✔ chat bot"), "{health}");
    assert!(!health.contains('✖'), "{health}");
}

#[tokio::test]
async fn a_stranger_may_ask_for_help_and_nothing_else() {
    let house = House::new().await;
    let mut chat = house.adapter("chat", "a").await;
    chat.says("1", "eve", "/run local id").await;
    assert!(chat.sees().await.contains("don't know you"));
    chat.says("2", "eve", "/users").await;
    assert!(chat.sees().await.contains("don't know you"));
    chat.says("3", "eve", "/claim AAAA-AAAA").await;
    assert!(chat.sees().await.contains("not right"));
    chat.says("4", "eve", "/yes AB-CD").await;
    assert!(chat.sees().await.contains("No open question"));
}

#[tokio::test]
async fn binding_asks_the_holder_and_unbinding_restores() {
    let house = House::new().await;
    let mut console = house.adapter("console", "a").await;
    let mut chat = house.adapter("chat", "a").await;
    chat.says("1", "ann", "/bind").await;
    let shown = chat.sees().await;
    let code = shown
        .split("/bind ")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .to_owned();
    console.says("1", "owner", &format!("bind {code}")).await;
    let question = console.action().await;
    console.answers(&question, ok()).await;
    assert!(text(&question).contains("ann"), "{}", text(&question));
    console.says("2", "owner", &button(&question, "yes")).await;
    assert!(console.sees().await.contains("is you now"));
    chat.says("2", "ann", "/users").await;
    assert!(
        chat.sees().await.contains("chat"),
        "Ann's chat is the owner's now"
    );
    // The answered question and the used code are worth nothing any more.
    console.says("3", "owner", &button(&question, "yes")).await;
    console.sees().await;
    chat.says("3", "ann", "/unbind --yes").await;
    assert!(chat.sees().await.contains("no longer you"));
    chat.says("4", "ann", "/users").await;
    assert!(chat.sees().await.contains("don't know you"));
}

#[tokio::test]
async fn a_brain_that_starts_again_says_what_it_still_owed() {
    let house = House::new().await;
    let mut adapter = house.adapter("console", "a").await;
    adapter.says("1", "owner", "version").await;
    let owed = adapter.action().await;
    let House {
        brain, _data: data, ..
    } = house;
    brain.shutdown().await;
    drop(adapter);
    let house = House::with(data).await;
    let mut adapter = house.adapter("console", "a").await;
    let again = adapter.action().await;
    assert_eq!(
        (again.id.as_str(), text(&again)),
        (owed.id.as_str(), text(&owed))
    );
    adapter.answers(&again, ok()).await;
    adapter.idle("1").await;
}

/// Takes the writer's place in the store, as a disk that hangs does.
async fn block(house: &House) -> sqlx::SqliteConnection {
    use sqlx::Connection as _;
    let file = house._data.path().join("jarvis.db");
    let url = format!("sqlite:{}", file.display());
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut connection)
        .await
        .unwrap();
    connection
}

/// A thousand may wait in a room, and some are on their way into the store. Whatever is beyond that is
/// refused at once, although nothing moves, and is never done.
#[tokio::test]
async fn what_a_room_has_no_place_for_is_refused_politely_and_never_done() {
    const SAID: usize = 1_300;
    let house = House::new().await;
    let mut adapter = house.adapter("chat", "a").await;
    adapter.says("first", "ann", "/version").await;
    adapter.sees().await;
    let blocked = block(&house).await;
    let frames = adapter.frames.clone();
    let saying = tokio::spawn(async move {
        for number in 0..SAID {
            let said = said(&number.to_string(), "ann", "/version");
            frames.send(said).await.unwrap();
        }
    });
    // The last ones find no place.
    let mut refused = Vec::new();
    while refused.last().is_none_or(|id| *id != SAID - 1) {
        match adapter.next().await {
            brain_frame::Frame::Action(action) => {
                assert!(text(&action).contains("too much to do"), "{action:?}");
                assert!(action.transient, "it is said in passing");
                refused.push(action.reply_to[1..].parse::<usize>().unwrap());
            }
            brain_frame::Frame::Ack(_) => {}
            other => panic!("{other:?}"),
        }
    }
    saying.await.unwrap();
    let first = SAID - refused.len();
    assert!((1024..1200).contains(&first), "{first}");
    assert!(
        refused.into_iter().eq(first..SAID),
        "the last ones, in order"
    );
    // Each that was taken is answered once.
    drop(blocked);
    for _ in 0..first {
        let said = adapter.sees().await;
        assert!(said.starts_with("Jarvis "), "{said}");
    }
    // Nothing was kept of the others: the same event is a new one.
    let last = (SAID - 1).to_string();
    adapter.says(&last, "ann", "/whoami").await;
    assert!(adapter.sees().await.contains("guest"));
}

/// One platform brings more than it takes away: its events wait. Somebody elsewhere is told so at once, and
/// served when it is over.
#[tokio::test]
async fn under_pressure_new_commands_are_refused_politely_until_it_is_over() {
    const ROOMS: usize = 8;
    const SAID: usize = 600;
    /// The platform takes so many frames at a time, with a pause that is longer than any that is borne.
    const GULP: usize = 200;
    const PAUSE: Duration = Duration::from_millis(150);
    let house = House::new().await;
    let mut eve = house.adapter("other", "a").await;
    eve.says("hello", "eve", "/version").await;
    eve.sees().await;
    let mut crowd = house.adapter("chat", "a").await;
    let frames = crowd.frames.clone();
    let saying = tokio::spawn(async move {
        for number in 0..ROOMS * SAID {
            // Acknowledgements carry the id back: long ones fill the way.
            let (id, room) = (
                format!("{number:0>250}"),
                format!("room-{}", number % ROOMS),
            );
            frames.send(said(&id, &room, "/version")).await.unwrap();
        }
    });
    let mut gulps = 1;
    let busy = loop {
        gulps *= 2;
        assert!(gulps <= 8, "nobody was refused");
        for _ in 0..gulps {
            tokio::time::sleep(PAUSE).await;
            for _ in 0..GULP {
                crowd.next().await;
            }
        }
        // Who is served at once ends the pressure, so she does not ask all the time.
        eve.says(&format!("ask-{gulps}"), "eve", "/whoami").await;
        let answer = eve.action().await;
        if answer.transient {
            break text(&answer);
        }
        eve.answers(&answer, ok()).await;
    };
    assert!(busy.contains("too much to do") && busy.contains("Nothing was done"));
    // Who sits at the server itself waits by themselves.
    let mut owner = house.adapter("console", "a").await;
    owner.says("1", "owner", "version").await;
    assert!(owner.sees().await.starts_with("Jarvis "));
    let reading = tokio::spawn(async move {
        loop {
            let brain_frame::Frame::Action(action) = crowd.next().await else {
                continue;
            };
            if !action.transient {
                crowd.answers(&action, ok()).await;
            }
        }
    });
    let served = async {
        loop {
            eve.says("again", "eve", "/whoami").await;
            let answer = eve.action().await;
            if !answer.transient {
                break text(&answer);
            }
        }
    };
    let served = tokio::time::timeout(LIMIT, served).await.unwrap();
    assert!(served.contains("guest"), "{served}");
    saying.abort();
    reading.abort();
}
