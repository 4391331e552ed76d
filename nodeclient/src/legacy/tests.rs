//! Two participants of ours talk to each other, and every frame is compared with a transcript.

mod hostile;
mod quirks;
mod transcripts;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jarvis_proto::legacy::jarvis_msg::Data;
use jarvis_proto::legacy::{JarvisMsg, PeerRecord, Replytype};
use prost::Message as _;
use tokio::sync::mpsc;

use super::chunk::{Assembly, Pieces};
use super::handler::{Drafts, Handler, Piece, Request, drafts};
use super::message;
use super::names::md5_text;
use super::peers::{NoPeers, PeerStore};
use super::tap::{Call, Tap};
use super::{LegacyNet, NetOptions, Outgoing, Replies, Reply, key};
use crate::address::Address;
use crate::identity::Identity;

const ALICE: &str = "18E14A7B6A307F426A94F8114701E7C8E774E7F9A47E2C2035DB29A206321725";
const BOB: &str = "660527765029F5F1BC6DFD5821A7FF336C10EDA391E19BB4517DB4E23E5B112F";
const NOW: i64 = 1_700_000_000;
/// Nothing here takes long; this ends a test that hangs.
const LIMIT: Duration = Duration::from_secs(60);

fn identity(hex: &str) -> Arc<Identity> {
    Arc::new(key::from_secret(&hex::decode(hex).unwrap()).unwrap())
}

fn options() -> NetOptions {
    let mut options = NetOptions::new("127.0.0.1:0".parse().unwrap());
    options.clock = Arc::new(|| NOW);
    options.call_limit = Duration::from_secs(20);
    options
}

/// Says what it is asked to say.
#[derive(Default)]
struct Canned {
    trusted: Mutex<Vec<Address>>,
    files: Mutex<Vec<(String, Vec<u8>)>>,
    /// Requests wait until this is opened.
    gate: Option<tokio::sync::Semaphore>,
    /// It wants only whom it trusts.
    is_choosy: bool,
}

fn large() -> Vec<u8> {
    (0..10_485_760_u32)
        .map(|i| u8::try_from((i * 31 + (i >> 8) * 17 + 7) & 0xff).unwrap())
        .collect()
}

fn pieces(name: &str, bytes: &[u8]) -> Vec<JarvisMsg> {
    Pieces::new(bytes, name, bytes.len() as u64)
        .map(|piece| message::file_piece(piece.unwrap()))
        .collect()
}

#[async_trait]
impl Handler for Canned {
    fn trusts(&self, address: &Address) -> bool {
        self.trusted.lock().unwrap().contains(address)
    }

    fn wants(&self, address: &Address) -> bool {
        !self.is_choosy || self.trusts(address)
    }

    async fn handle(&self, _from: &Address, _signed: &JarvisMsg, request: Request) -> Drafts {
        if let Some(gate) = &self.gate {
            let _ = gate.acquire().await;
        }
        match request {
            Request::Ctrl(ctrl) => match ctrl.ctrl_type.as_str() {
                "scriptfile" | "scriptfile2" => drafts([message::ctrl_result("hi\n", "")]),
                "scriptfile3" => {
                    let mut all = vec![message::ctrl_result("done\n", "")];
                    all.extend(pieces("", b"first result"));
                    let missing = "open b: no such file or directory";
                    all.push(message::ctrl_result("", missing));
                    all.extend(pieces("", b""));
                    drafts(all)
                }
                _ => drafts([message::error("no ctrl")]),
            },
            Request::TransferFile(file) if file.filename == "/no/such" => {
                drafts([message::error("open /no/such: no such file or directory")])
            }
            Request::TransferFile(file) => {
                let md5 = md5_text(&file.file);
                self.files
                    .lock()
                    .unwrap()
                    .push((file.filename, file.file.to_vec()));
                drafts([message::transferred(md5)])
            }
            Request::RequestFile(request) => match (request.filename.as_str(), request.length) {
                ("large", 0) => drafts(pieces("large", &large())),
                ("small", 0) => drafts(pieces("small", b"small content")),
                ("small", _) if request.start >= 13 => drafts([message::error("EOF")]),
                ("small", _) => {
                    let start = usize::try_from(request.start).unwrap();
                    let bytes = bytes::Bytes::from_static(b"small content").slice(start..);
                    let part = super::chunk::part("small", start as u64, bytes, 13);
                    drafts([message::file_piece(part)])
                }
                (name, _) => {
                    let text = format!("open {name}: no such file or directory");
                    drafts([message::error(text)])
                }
            },
            Request::Update(update) if update.is_only_restart => {
                drafts([message::error("exit status 3")])
            }
            Request::Update(update) if update.node_type_version.is_empty() => {
                drafts([message::error("auto update closed")])
            }
            Request::Update(update) => drafts([
                message::reply2(
                    Replytype::Ok,
                    format!("update v{}", update.node_type_version),
                ),
                message::reply2(Replytype::Ok, "output\n"),
            ]),
            Request::ClearLogs => drafts([]),
        }
    }

    async fn receive(
        &self,
        _from: &Address,
        _first: &JarvisMsg,
        mut incoming: mpsc::Receiver<Piece>,
    ) -> Drafts {
        let (mut assembly, mut bytes, mut name) = (Assembly::default(), Vec::new(), None);
        while let Some(Piece::Data(piece)) = incoming.recv().await {
            name.get_or_insert(piece.filename.clone());
            match assembly.take(&piece) {
                Ok((part, _)) => bytes.extend_from_slice(&part),
                Err(error) => return drafts([message::error(error.to_string())]),
            }
        }
        let name = name.unwrap_or_default();
        self.files.lock().unwrap().push((name, bytes));
        drafts([])
    }
}

/// Keeps peers as long as the test lasts.
#[derive(Default, Clone)]
struct Kept(Arc<Mutex<BTreeMap<String, PeerRecord>>>);

#[async_trait]
impl PeerStore for Kept {
    async fn load(&self) -> std::io::Result<Vec<PeerRecord>> {
        Ok(self.0.lock().unwrap().values().cloned().collect())
    }

    async fn save(&self, peer: PeerRecord) -> std::io::Result<()> {
        self.0.lock().unwrap().insert(peer.address.clone(), peer);
        Ok(())
    }
}

/// One frame as a line of a transcript.
fn line(message: &JarvisMsg, replaced: &[(String, String)], is_sent: bool) -> String {
    let mut message = message.clone();
    let replace = |text: &mut String| {
        for (real, fixed) in replaced {
            if text == real {
                text.clone_from(fixed);
            }
        }
    };
    // Ports differ from run to run; the payload is not what is signed.
    match &mut message.data {
        Some(Data::ConnInfo(info)) => {
            replace(&mut info.serv_addr);
            if let Some(mine) = &mut info.my_info {
                replace(&mut mine.serv_addr);
            }
        }
        Some(Data::NodeInfo(info)) => replace(&mut info.serv_addr),
        // Made of the addresses.
        Some(Data::RequestNodes2(request)) => request.my_nodes_version = "VERSION".into(),
        Some(Data::ReplyMyNodesVersion(reply)) => reply.my_nodes_version = "VERSION".into(),
        _ => {}
    }
    let bytes = message.encode_to_vec();
    let content = if bytes.len() <= 1000 {
        hex::encode(&bytes)
    } else {
        format!("{} bytes, md5 {}", bytes.len(), md5_text(&bytes))
    };
    let mut text = String::new();
    let reply = match message.msg_type().as_str_name() {
        "REPLY2" => format!("/{}", message.reply_type().as_str_name()),
        _ => String::new(),
    };
    let _ = write!(
        text,
        "{} {}{reply} {}/{}/{}/{} {content}",
        if is_sent { ">" } else { "<" },
        message.msg_type().as_str_name(),
        message.msg_id,
        message.last_msg_id,
        message.reply_msg_id,
        message.stream_msg_index,
    );
    text
}

type Frames = Arc<Mutex<Vec<(bool, Call, bool, JarvisMsg)>>>;

/// A root and a node.
struct Pair {
    alice: LegacyNet,
    bob: LegacyNet,
    handler: Arc<Canned>,
    frames: Frames,
    kept: (Kept, Kept),
}

impl Pair {
    async fn start(handler: Canned) -> Self {
        Self::start_with(handler, |_, _| ()).await
    }

    async fn start_with(
        handler: Canned,
        change: impl FnOnce(&mut NetOptions, &mut NetOptions),
    ) -> Self {
        let frames = Frames::default();
        let seen = Arc::clone(&frames);
        let (mut a, mut b) = (options(), options());
        (a.name, b.name) = ("alice".into(), "bob".into());
        (a.node_type_version, b.node_type_version) = ("0.1.0".into(), "0.1.0".into());
        a.tap = Tap::new(move |tapped| {
            seen.lock().unwrap().push((
                tapped.is_ours,
                tapped.call,
                tapped.is_sent,
                tapped.message.clone(),
            ));
        });
        change(&mut a, &mut b);
        let handler = Arc::new(handler);
        handler
            .trusted
            .lock()
            .unwrap()
            .push(identity(ALICE).address().clone());
        let kept = (Kept::default(), Kept::default());
        let (bob, _) = LegacyNet::start(
            identity(BOB),
            b,
            Arc::new(kept.1.clone()),
            Arc::clone(&handler) as Arc<dyn Handler>,
        )
        .await
        .unwrap();
        let root_side: Arc<dyn Handler> = Arc::new(Canned::default());
        let (alice, _) = LegacyNet::start(identity(ALICE), a, Arc::new(kept.0.clone()), root_side)
            .await
            .unwrap();
        Self {
            alice,
            bob,
            handler,
            frames,
            kept,
        }
    }

    /// A pair that has greeted both ways.
    async fn greeted() -> Self {
        Self::greeted_with(Canned::default()).await
    }

    async fn greeted_with(handler: Canned) -> Self {
        let pair = Self::start(handler).await;
        pair.greet().await;
        pair
    }

    async fn greet(&self) {
        let bob = self.bob.address();
        self.alice
            .connect(&self.bob.listening().to_string(), Some(bob))
            .await
            .unwrap();
        // Bob greets back by himself.
        let alice = self.alice.address().clone();
        self.until(|pair| pair.bob.peer(&alice).is_some_and(|peer| peer.is_connected))
            .await;
    }

    async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !is_so(self) {
                tokio::task::yield_now().await;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(LIMIT, waiting).await.unwrap();
    }

    fn ask(&self, outgoing: Outgoing) -> Replies {
        self.alice.request(self.bob.address(), outgoing)
    }

    /// Sends something and waits for the end of its answer, and of all calls.
    async fn answer(&self, outgoing: Outgoing) -> Vec<JarvisMsg> {
        let mut replies = self.ask(outgoing);
        let mut messages = Vec::new();
        let mut has_ended = false;
        while let Some(reply) = tokio::time::timeout(LIMIT, replies.next()).await.unwrap() {
            match reply {
                Reply::Message(message) => messages.push(*message),
                Reply::Done => has_ended = true,
                Reply::Got => {}
                other => panic!("{other:?}"),
            }
        }
        assert!(has_ended);
        messages
    }

    fn forget_frames(&self) {
        self.frames.lock().unwrap().clear();
    }

    /// The frames since the last time, call by call: which of two calls is quicker is chance.
    fn transcript(&self) -> String {
        let replaced = [
            (
                self.alice.listening().to_string(),
                "alice.test:7788".to_owned(),
            ),
            (self.bob.listening().to_string(), "bob.test:7788".to_owned()),
        ];
        let frames = self.frames.lock().unwrap();
        let mut text = String::new();
        for (is_ours, call, title) in [
            (true, Call::Message, "alice => bob procMsg"),
            (true, Call::Stream, "alice => bob procMsgStream"),
            (false, Call::Message, "bob => alice procMsg"),
            (false, Call::Stream, "bob => alice procMsgStream"),
        ] {
            let of_call: Vec<_> = frames
                .iter()
                .filter(|frame| frame.0 == is_ours && frame.1 == call)
                .map(|frame| line(&frame.3, &replaced, frame.2))
                .collect();
            if !of_call.is_empty() {
                let _ = writeln!(text, "# {title}\n{}", of_call.join("\n"));
            }
        }
        text
    }

    /// Compares what passed with the transcript that is kept; `UPDATE_TRANSCRIPTS=1` writes it anew.
    async fn check(&self, name: &str, frames: usize) {
        self.until(|pair| pair.frames.lock().unwrap().len() >= frames)
            .await;
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("tests/legacy/transcripts")
            .join(format!("{name}.txt"));
        let transcript = self.transcript();
        if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &transcript).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(transcript, kept, "{name}");
        for (.., message) in self.frames.lock().unwrap().iter() {
            super::signature::verify(message).unwrap();
        }
    }
}
