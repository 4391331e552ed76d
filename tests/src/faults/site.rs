//! The processes and lines that break, and how they are broken and mended.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use jarvis_adapters::BrainAddress;
use jarvis_proto::chat::Event;
use rustix::process::Signal;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use super::schedule::{Fault, What};
use crate::jarvis::Jarvis;
use crate::node::Node;
use crate::process::{Process, free_port};
use crate::proxy::Proxy;
use crate::square::{Bot, Square, node_name};

/// Faults that may wait for their target to be whole again.
const WAITING: usize = 64;
/// The token of the bot's adapter.
const TOKEN: &str = "a-token-for-a-square-with-faults";

/// Everything that runs.
pub(super) struct Site {
    brain: Brain,
    adapter: Bots,
    chat: Line,
    nodes: Vec<Server>,
    lines: Vec<Line>,
}

/// Something that breaks in ways of its own.
trait Target: Send + 'static {
    fn suffer(&mut self, fault: &Fault) -> impl Future<Output = Result<()>> + Send;
}

struct Brain {
    jarvis: Jarvis,
    process: Process,
}

struct Server(Node);

struct Line(Proxy);

/// The bot's adapter, life after life.
struct Bots {
    square: Square,
    brain: BrainAddress,
    repeated: Arc<Mutex<Vec<Event>>>,
    life: Option<AbortOnDropHandle<()>>,
}

impl Site {
    /// Starts everything, and enrols the nodes through the chat.
    pub(super) async fn start(square: &Square, nodes: usize) -> Result<Self> {
        let jarvis = Jarvis::new()?;
        jarvis.set_heartbeat("500ms")?;
        let chat_port = free_port()?;
        jarvis.configure(
            "brain",
            &format!(
                "listen = \"127.0.0.1:{chat_port}\"\n\
                 adapters = [{{ kind = \"console\", token = \"{TOKEN}\" }}]\n"
            ),
        )?;
        // While a node is away more pile up than one person may have otherwise.
        jarvis.configure("jobs", "most_open = 1000\nmost_waiting = 1000\n")?;
        let process = jarvis.brain().await?;
        let root = jarvis.root().await?;
        let chat = Proxy::to(([127, 0, 0, 1], chat_port).into()).await?;
        let mut adapter = Bots {
            square: square.clone(),
            brain: format!("http://{}", chat.address())
                .parse()
                .map_err(anyhow::Error::msg)?,
            repeated: Arc::default(),
            life: None,
        };
        adapter.begin();
        let (mut servers, mut lines) = (Vec::new(), Vec::new());
        for number in 0..nodes {
            let line = Proxy::to(jarvis.nodes()).await?;
            let mut node = Node::new(&node_name(number), &root, line.address()).await?;
            node.configure("redial_at_most = \"300ms\"")?;
            square
                .ask(
                    0,
                    &format!("enroll {} {}", node_name(number), node.address()),
                )
                .await;
            node.start()?;
            servers.push(Server(node));
            lines.push(Line(line));
        }
        Ok(Self {
            brain: Brain { jarvis, process },
            adapter,
            chat: Line(chat),
            nodes: servers,
            lines,
        })
    }

    /// Lets everything break as the schedule says. At the end all is whole.
    pub(super) async fn suffer(self, faults: &[Fault]) -> Result<Self> {
        let (brain, brain_suffers) = lane(self.brain);
        let (adapter, adapter_suffers) = lane(self.adapter);
        let (chat, chat_suffers) = lane(self.chat);
        let (nodes, nodes_suffer): (Vec<_>, Vec<_>) = self.nodes.into_iter().map(lane).unzip();
        let (lines, lines_suffer): (Vec<_>, Vec<_>) = self.lines.into_iter().map(lane).unzip();
        for fault in faults {
            sleep(fault.after).await;
            let lane = match fault.what {
                What::KillBrain | What::FreezeBrain => &brain,
                What::KillAdapter | What::RepeatEvent(_) => &adapter,
                What::CutChat(_) | What::StallChat => &chat,
                What::KillNode(node) | What::FreezeNode(node) => &nodes[node],
                What::CutLine(node, _) | What::StallLine(node) | What::HalfOpen(node) => {
                    &lines[node]
                }
            };
            let sent = lane.send(fault.clone()).await;
            // Its task tells why when it is asked for below.
            if sent.is_err() {
                break;
            }
        }
        drop((brain, adapter, chat, nodes, lines));
        Ok(Self {
            brain: brain_suffers.await??,
            adapter: adapter_suffers.await??,
            chat: chat_suffers.await??,
            nodes: all(nodes_suffer).await?,
            lines: all(lines_suffer).await?,
        })
    }

    /// The files in which each node's jobs note themselves.
    pub(super) fn ran(&self) -> Vec<PathBuf> {
        let folders = self.nodes.iter().map(|node| node.0.folder());
        folders
            .map(|folder| folder.join("data/files/ran"))
            .collect()
    }

    /// Everything that any process has said.
    pub(super) fn everything_said(&self) -> Result<String> {
        let mut text = self.brain.jarvis.everything_said()?;
        for (number, node) in self.nodes.iter().enumerate() {
            text.push_str(&format!(
                "\n==== {}\n{}",
                node_name(number),
                node.0.everything_said()
            ));
        }
        Ok(text)
    }

    /// Ends everything.
    pub(super) async fn stop(mut self) -> Result<()> {
        self.adapter.life = None;
        for node in &mut self.nodes {
            node.0.kill().await?;
        }
        self.brain.process.kill().await
    }
}

type Suffering<T> = tokio::task::JoinHandle<Result<T>>;

/// Faults of one target happen one after the other, beside those of all others.
fn lane<T: Target>(mut target: T) -> (mpsc::Sender<Fault>, Suffering<T>) {
    let (sender, mut faults) = mpsc::channel::<Fault>(WAITING);
    let suffering = tokio::spawn(async move {
        while let Some(fault) = faults.recv().await {
            let suffered = target.suffer(&fault).await;
            suffered.with_context(|| fault.to_string())?;
        }
        Ok(target)
    });
    (sender, suffering)
}

async fn all<T>(suffering: Vec<Suffering<T>>) -> Result<Vec<T>> {
    let mut targets = Vec::new();
    for target in suffering {
        targets.push(target.await??);
    }
    Ok(targets)
}

impl Target for Brain {
    async fn suffer(&mut self, fault: &Fault) -> Result<()> {
        if fault.what == What::FreezeBrain {
            return freeze(&self.process, fault).await;
        }
        self.process.kill().await?;
        sleep(fault.lasts).await;
        self.process = self.jarvis.brain().await?;
        Ok(())
    }
}

impl Target for Server {
    async fn suffer(&mut self, fault: &Fault) -> Result<()> {
        if let What::FreezeNode(_) = fault.what {
            return freeze(self.0.running()?, fault).await;
        }
        self.0.kill().await?;
        sleep(fault.lasts).await;
        self.0.start()
    }
}

impl Target for Line {
    async fn suffer(&mut self, fault: &Fault) -> Result<()> {
        match fault.what {
            What::CutLine(_, cut) | What::CutChat(cut) => self.0.cut_by(cut),
            _ => self.0.stall(),
        }
        sleep(fault.lasts).await;
        self.0.mend();
        Ok(())
    }
}

impl Target for Bots {
    async fn suffer(&mut self, fault: &Fault) -> Result<()> {
        if let What::RepeatEvent(back) = fault.what {
            let event = self.square.repeat(back);
            let mut repeated = self.repeated.lock().unwrap_or_else(PoisonError::into_inner);
            repeated.extend(event);
            return Ok(());
        }
        self.life = None;
        sleep(fault.lasts).await;
        self.begin();
        Ok(())
    }
}

impl Bots {
    fn begin(&mut self) {
        let bot = Bot {
            square: self.square.clone(),
            repeated: Arc::clone(&self.repeated),
        };
        self.life = Some(bot.live(self.brain.clone(), Some(TOKEN)));
    }
}

async fn freeze(process: &Process, fault: &Fault) -> Result<()> {
    process.signal(Signal::STOP)?;
    sleep(fault.lasts).await;
    process.signal(Signal::CONT)
}
