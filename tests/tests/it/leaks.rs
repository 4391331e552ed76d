//! However jobs end, nothing of them stays behind: a real brain and a real node in this process, and
//! thousands of jobs of every ending.
//!
//! `JARVIS_TEST_LEAK_JOBS` sets how many; 2,000 without it, so that everybody can afford to run it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use jarvis_brain::{Brain, BrainConfig, Clock, NodeEntry};
use jarvis_node::config::{NodeConfig, TrustSource};
use jarvis_node::{Node, NodeHandle, RootDial};
use jarvis_nodeclient::{Identity, NodeName};
use jarvis_proto::chat::chat_brain_client::ChatBrainClient;
use jarvis_proto::chat::{
    Action, ActionResult, AdapterFrame, BrainFrame, Capabilities, Event, Hello, Message, Person,
    ProgressStyle, Room, RoomKind, Sent, action, action_result::Outcome, adapter_frame,
    brain_frame, event, segment,
};
use sqlx::{Connection as _, SqliteConnection};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Endpoint;

/// Nothing here takes as long.
const LIMIT: Duration = Duration::from_secs(60);
/// Jobs that are open at a time.
const TOGETHER: usize = 40;

/// How jobs end, and how often of twenty.
const ENDINGS: [(&str, usize); 8] = [
    ("run local true", 9),
    ("run local exit 1", 3),
    ("run local kill -9 $$", 2),
    ("run --timeout 20ms local sleep 60", 1),
    ("run --cwd /nowhere/at/all local true", 1),
    ("run ghost true", 2),
    ("run --wait 1ms ghost true", 1),
    ("run local sleep 60", 1),
];

struct House {
    brain: Brain,
    node: NodeHandle,
    chat: Chat,
}

impl House {
    /// Starts brain and node on the same folders and keys as before.
    async fn start(folder: &Path, life: usize) -> Self {
        let key = |name: &str| {
            let path = folder.join(name);
            Identity::from_file(&path)
                .or_else(|_| Identity::create_file(&path))
                .unwrap()
        };
        let (root_key, node_key) = (key("root.key"), key("node.key"));
        let entry = |name: &str, identity: &Identity| NodeEntry {
            name: name.to_owned(),
            address: identity.address().to_string(),
            tags: Vec::new(),
            dial: None,
        };
        let mut config = BrainConfig::new(folder.to_owned());
        config.nodes = vec![entry("local", &node_key), entry("ghost", &key("ghost.key"))];
        let brain = Brain::start(config, root_key, Clock::system())
            .await
            .unwrap();
        let node = start_node(folder, node_key, &brain).await;
        let chat = Chat::connect(&brain, life).await;
        Self { brain, node, chat }
    }

    async fn stop(self) {
        self.node.shutdown().await;
        self.brain.shutdown().await;
        self.chat.pump.abort();
    }
}

async fn start_node(folder: &Path, key: Identity, brain: &Brain) -> NodeHandle {
    let root = brain.root().address().clone();
    let mut config = NodeConfig::new(folder.join("node"));
    config.trust = TrustSource::Fixed(vec![root.clone()]);
    config.stop_grace = Duration::from_millis(200);
    let dial = RootDial {
        address: root,
        dialer: Arc::new(brain.local_dialer()),
    };
    let node = Node::start(key, config, vec![dial]).await.unwrap();
    let name: NodeName = "local".parse().unwrap();
    let online = async {
        while !brain.root().node(&name).is_some_and(|node| node.online) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, online)
        .await
        .expect("the node comes");
    node
}

/// The owner's terminal: says things, and confirms whatever it is told.
struct Chat {
    frames: mpsc::Sender<AdapterFrame>,
    told: mpsc::UnboundedReceiver<Action>,
    pump: tokio::task::JoinHandle<()>,
    life: usize,
    said: usize,
}

fn frame(frame: adapter_frame::Frame) -> AdapterFrame {
    AdapterFrame { frame: Some(frame) }
}

impl Chat {
    async fn connect(brain: &Brain, life: usize) -> Self {
        let (dial, connections) = mpsc::channel(1);
        brain.serve_streams(connections);
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        dial.send(theirs).await.unwrap();
        let mut slot = Some(TokioIo::new(ours));
        let connector = tower::service_fn(move |_| {
            let io = slot.take();
            async move { io.ok_or_else(|| std::io::Error::other("one connection only")) }
        });
        let channel = Endpoint::from_static("http://brain")
            .connect_with_connector(connector)
            .await
            .unwrap();
        let (frames, outgoing) = mpsc::channel(64);
        let hello = Hello {
            contract: 1,
            kind: "console".to_owned(),
            bot: "bot".to_owned(),
            instance: format!("life-{life}"),
            capabilities: Some(Capabilities {
                progress: ProgressStyle::Edit.into(),
                buttons: true,
                operator_terminal: true,
                ..Capabilities::default()
            }),
            ..Hello::default()
        };
        frames
            .send(frame(adapter_frame::Frame::Hello(hello)))
            .await
            .unwrap();
        let incoming = ChatBrainClient::new(channel)
            .connect(ReceiverStream::new(outgoing))
            .await
            .unwrap()
            .into_inner();
        let (tell, told) = mpsc::unbounded_channel();
        let pump = tokio::spawn(confirm(incoming, frames.clone(), tell));
        Self {
            frames,
            told,
            pump,
            life,
            said: 0,
        }
    }

    async fn says(&mut self, text: &str) {
        self.said += 1;
        let event = Event {
            id: format!("{}-{}", self.life, self.said),
            room: Some(Room {
                id: "terminal".to_owned(),
                kind: RoomKind::Private.into(),
                ..Room::default()
            }),
            person: Some(Person {
                id: "owner".to_owned(),
                name: "owner".to_owned(),
                ..Person::default()
            }),
            addressed: true,
            kind: Some(event::Kind::Message(Message {
                message_id: format!("m{}-{}", self.life, self.said),
                text: text.to_owned(),
                ..Message::default()
            })),
            ..Event::default()
        };
        self.frames
            .send(frame(adapter_frame::Frame::Event(event)))
            .await
            .unwrap();
    }

    async fn next(&mut self) -> Action {
        let next = tokio::time::timeout(LIMIT, self.told.recv()).await;
        next.expect("word in time").expect("the session goes on")
    }
}

async fn confirm(
    mut incoming: Streaming<BrainFrame>,
    frames: mpsc::Sender<AdapterFrame>,
    tell: mpsc::UnboundedSender<Action>,
) {
    while let Ok(Some(BrainFrame { frame: Some(next) })) = incoming.message().await {
        let brain_frame::Frame::Action(action) = next else {
            continue;
        };
        let result = ActionResult {
            action: action.id.clone(),
            outcome: Some(Outcome::Ok(Sent {
                message_id: action.id.clone(),
            })),
        };
        if frames
            .send(frame(adapter_frame::Frame::Result(result)))
            .await
            .is_err()
            || tell.send(action).is_err()
        {
            return;
        }
    }
}

/// The text of a message, and whether it is the last state of a job's status.
fn read(action: &Action) -> (String, bool) {
    let (segments, is_end) = match action.kind.as_ref().unwrap() {
        action::Kind::Say(say) => (&say.text, false),
        action::Kind::Progress(progress) => (&progress.text, progress.r#final),
        _ => return (String::new(), false),
    };
    let words = segments
        .iter()
        .filter_map(|segment| match segment.kind.as_ref()? {
            segment::Kind::Text(text) | segment::Kind::Code(text) | segment::Kind::Bold(text) => {
                Some(text.as_str())
            }
            _ => None,
        });
    (words.collect(), is_end)
}

/// Open descriptors, threads, resident kilobytes.
fn taken() -> (usize, usize, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let number = |key: &str| -> u64 {
        let line = status.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap().count();
    let threads = usize::try_from(number("Threads:")).unwrap();
    (descriptors, threads, number("VmRSS:"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_way_jobs_end_nothing_is_left_behind() {
    let all: usize =
        std::env::var("JARVIS_TEST_LEAK_JOBS").map_or(2_000, |jobs| jobs.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let script: Vec<&str> = ENDINGS
        .iter()
        .flat_map(|(line, times)| std::iter::repeat_n(*line, *times))
        .collect();
    let mut asked = 0;
    let mut ended = 0;
    let mut marks: HashMap<&str, usize> = HashMap::new();
    let mut samples = Vec::new();
    let quarter = all / 4;
    for life in 0..4 {
        let mut house = House::start(folder.path(), life).await;
        let goal = quarter * (life + 1);
        let first = taken();
        while ended < goal {
            while asked < goal && asked - ended < TOGETHER {
                // Spread, so that every ending happens all the time.
                let line = script[asked * 7 % script.len()];
                house.chat.says(line).await;
                asked += 1;
            }
            let action = house.chat.next().await;
            let (text, is_end) = read(&action);
            if is_end {
                ended += 1;
                let mark = ["✔", "✖", "⊘", "–"]
                    .into_iter()
                    .find(|mark| text.starts_with(mark));
                *marks.entry(mark.unwrap_or("?")).or_default() += 1;
            } else if text.starts_with('⏳') && text.contains("sleep 60") && !text.contains("20ms")
            {
                let number = text
                    .split("job ")
                    .nth(1)
                    .unwrap()
                    .split(' ')
                    .next()
                    .unwrap();
                house.chat.says(&format!("cancel {number}")).await;
            }
        }
        assert_eq!(
            (house.brain.jobs().count(), house.brain.jobs().counted()),
            (0, 0)
        );
        house.chat.says("mystate").await;
        loop {
            let (text, _) = read(&house.chat.next().await);
            if text.contains("Open: ") {
                assert!(text.contains("Open: 0 jobs, 0 orders"), "{text}");
                break;
            }
        }
        let last = taken();
        println!("life {life}: {ended} jobs ended, {first:?} -> {last:?}");
        assert!(last.0 <= first.0 + 8, "descriptors: {first:?} -> {last:?}");
        samples.push(last);
        house.stop().await;
    }
    println!("{marks:?}");
    assert_eq!(ended, all);
    let (second, fourth) = (samples[1].2, samples[3].2);
    assert!(
        fourth < second + second / 4 + 8 * 1024,
        "memory grows: {samples:?}"
    );
    let database = format!("sqlite:{}", folder.path().join("jarvis.db").display());
    let mut store = SqliteConnection::connect(&database).await.unwrap();
    let count = async |store: &mut SqliteConnection, query: &'static str| -> i64 {
        sqlx::query_scalar(query).fetch_one(store).await.unwrap()
    };
    let all = i64::try_from(all).unwrap();
    assert_eq!(count(&mut store, "SELECT count(*) FROM job").await, all);
    assert_eq!(
        count(
            &mut store,
            "SELECT count(*) FROM job WHERE state = 'open' OR ended_ms IS NULL"
        )
        .await,
        0
    );
    assert_eq!(
        count(&mut store, "SELECT count(*) FROM task WHERE is_final = 0").await,
        0
    );
    // The end of each was written down exactly once.
    assert_eq!(
        count(&mut store, "SELECT count(*) FROM audit WHERE what = 'job'").await,
        all
    );
    assert_eq!(
        count(
            &mut store,
            "SELECT count(DISTINCT target) FROM audit WHERE what = 'job'"
        )
        .await,
        all
    );
    assert_eq!(count(&mut store, "SELECT count(*) FROM outbox").await, 0);
}
