#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;

use jarvis_nodeclient::{Enrolment, Identity, NodeName, OrderSpec, Root, RootEvent, RootOptions};
use jarvis_nodeclient::{FileSink, FileSource};
use jarvis_proto::node::{
    CancelOrder, ClearLogs, Ended, GetFile, OutputStream, PutFile, RefusedReason, ResultFile,
    RunEnded, RunJob, SetTrust, SignedOrder, StoredOutput, TransferEnded, Update, ended, get_file,
    order, run_ended,
};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::*;
use crate::clock::now_ms;
use crate::config::TrustSource;

const LIMIT: Duration = Duration::from_secs(30);

/// A root and one node of it, in memory, with a folder that the node allows.
struct World {
    folder: tempfile::TempDir,
    root: Root,
    events: mpsc::Receiver<RootEvent>,
    key: std::path::PathBuf,
    config: NodeConfig,
    handle: Option<NodeHandle>,
    name: NodeName,
}

async fn world() -> World {
    world_with(|_| {}).await
}

async fn world_with(change: impl FnOnce(&mut NodeConfig)) -> World {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    let identity = Identity::create_file(&key).unwrap();
    let options = RootOptions {
        heartbeat: Duration::from_millis(200),
        ..RootOptions::default()
    };
    let (root, events) = Root::start(Identity::generate(), options);
    let name = NodeName::parse("web-1").unwrap();
    root.enroll(Enrolment::new(name.clone(), identity.address().clone()));
    let mut config = NodeConfig::new(folder.path().join("data"));
    config.trust = TrustSource::Fixed(vec![root.address()]);
    config.allow = vec![folder.path().join("app")];
    fs::create_dir(folder.path().join("app")).unwrap();
    change(&mut config);
    let mut world = World {
        folder,
        root,
        events,
        key,
        config,
        handle: None,
        name,
    };
    world.start().await;
    world
}

impl World {
    async fn start(&mut self) {
        let dial = RootDial {
            address: self.root.address(),
            dialer: Arc::new(self.root.local_dialer()),
        };
        let identity = Identity::from_file(&self.key).unwrap();
        self.handle = Some(
            Node::start(identity, self.config.clone(), vec![dial])
                .await
                .unwrap(),
        );
        self.until(|event| matches!(event, RootEvent::Connected { .. }).then_some(()))
            .await;
    }

    async fn stop(&mut self) {
        self.handle.take().unwrap().shutdown().await;
    }

    /// Ends the node as a kill of its process would: nothing is told or tidied up any more.
    async fn abandon(&mut self) {
        let handle = self.handle.take().unwrap();
        handle.house.abort();
        // The journal's lock goes with its last holder, so the next node gets a copy of the folder.
        let copy = self.folder.path().join(format!("data-{}", Uuid::now_v7()));
        fs::create_dir(&copy).unwrap();
        fs::copy(self.config.data.join("journal"), copy.join("journal")).unwrap();
        self.config.data = copy;
        self.root.forget(&self.name);
        self.root
            .enroll(Enrolment::new(self.name.clone(), handle.address()));
        std::mem::forget(handle);
    }

    fn app(&self, name: &str) -> String {
        self.folder
            .path()
            .join("app")
            .join(name)
            .to_str()
            .unwrap()
            .to_owned()
    }

    fn node_address(&self) -> Address {
        Identity::from_file(&self.key).unwrap().address().clone()
    }

    fn sign(&self, body: order::Body) -> (String, SignedOrder) {
        let id = Uuid::now_v7().to_string();
        let spec = OrderSpec {
            id: id.clone(),
            issued_ms: now_ms(),
            expires_ms: now_ms() + 60_000,
            body,
        };
        (id, self.root.sign(&self.node_address(), spec))
    }

    async fn send(&self, body: order::Body) -> String {
        let (id, signed) = self.sign(body);
        self.root.send(&self.name, &signed).await.unwrap();
        id
    }

    /// The first event that `pick` wants; others are dropped.
    async fn until<T>(&mut self, mut pick: impl FnMut(&RootEvent) -> Option<T>) -> T {
        let wanted = async {
            loop {
                let event = self.events.recv().await.unwrap();
                if let Some(picked) = pick(&event) {
                    return picked;
                }
            }
        };
        timeout(LIMIT, wanted)
            .await
            .expect("the event came in time")
    }

    async fn ended(&mut self, id: &str) -> Ended {
        let ended = self
            .until(|event| match event {
                RootEvent::Ended { ended, .. } if ended.order == id => Some((**ended).clone()),
                RootEvent::Refused { refused, .. } if refused.order == id => panic!("{refused:?}"),
                _ => None,
            })
            .await;
        self.root.acknowledge(&self.name, id).await.unwrap();
        ended
    }

    async fn refused(&mut self, body: order::Body) -> (RefusedReason, u64) {
        let id = self.send(body).await;
        self.until(|event| match event {
            RootEvent::Refused { refused, .. } if refused.order == id => {
                Some((refused.reason(), refused.size))
            }
            RootEvent::Accepted { accepted, .. } if accepted.order == id => {
                panic!("it was accepted")
            }
            _ => None,
        })
        .await
    }

    async fn run(&mut self, script: &str) -> RunEnded {
        let id = self.send(run(script)).await;
        run_ended(self.ended(&id).await)
    }

    /// Orders a file from the node into a file of the root.
    async fn get(&mut self, get: GetFile) -> Result<(Vec<u8>, TransferEnded), RefusedReason> {
        let (id, signed) = self.sign(order::Body::Get(get));
        let partial = self.folder.path().join(&id);
        let mut expectation = self.root.expect(
            &self.node_address(),
            &id,
            FileSink::new(partial.clone(), 1 << 30),
        );
        self.root.send(&self.name, &signed).await.unwrap();
        match self.ended(&id).await.outcome.unwrap() {
            ended::Outcome::Transfer(transfer) => {
                expectation.finished().await.unwrap();
                Ok((fs::read(partial).unwrap(), transfer))
            }
            ended::Outcome::Failed(refused) => Err(refused.reason()),
            other => panic!("{other:?}"),
        }
    }

    async fn put(
        &mut self,
        path: &str,
        content: &[u8],
        change: impl FnOnce(&mut PutFile),
    ) -> ended::Outcome {
        let source = self.folder.path().join("source");
        fs::write(&source, content).unwrap();
        let blake3 = *blake3::hash(content).as_bytes();
        let mut put = PutFile {
            path: path.to_owned(),
            size: content.len() as u64,
            blake3: blake3.to_vec().into(),
            ..PutFile::default()
        };
        change(&mut put);
        let (id, signed) = self.sign(order::Body::Put(put));
        let offered = FileSource {
            path: source,
            size: content.len() as u64,
            blake3,
        };
        let _offer = self.root.offer(&self.node_address(), &id, offered);
        self.root.send(&self.name, &signed).await.unwrap();
        self.ended(&id).await.outcome.unwrap()
    }
}

fn run(script: &str) -> order::Body {
    order::Body::Run(RunJob {
        script: script.to_owned(),
        ..RunJob::default()
    })
}

fn path(path: impl Into<String>) -> GetFile {
    GetFile {
        source: Some(get_file::Source::Path(path.into())),
        ..GetFile::default()
    }
}

fn run_ended(ended: Ended) -> RunEnded {
    match ended.outcome.unwrap() {
        ended::Outcome::Run(run) => run,
        other => panic!("{other:?}"),
    }
}

fn transfer(outcome: ended::Outcome) -> TransferEnded {
    match outcome {
        ended::Outcome::Transfer(transfer) => transfer,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_job_is_accepted_and_ends_with_its_output() {
    let mut world = world().await;
    let ended = world.run("echo hi; exit 3").await;
    assert_eq!(ended.how, Some(run_ended::How::ExitCode(3)));
    assert_eq!(ended.stdout_tail, "hi\n");
    world.stop().await;
}

#[tokio::test]
async fn the_same_order_again_is_answered_and_not_run_again() {
    let mut world = world().await;
    let mark = world.app("mark");
    let (id, signed) = world.sign(run(&format!("echo x >> {mark}")));
    for _ in 0..2 {
        world.root.send(&world.name, &signed).await.unwrap();
        assert_eq!(
            run_ended(world.ended(&id).await).how,
            Some(run_ended::How::ExitCode(0))
        );
    }
    world.stop().await;
    world.start().await;
    world.root.send(&world.name, &signed).await.unwrap();
    world.ended(&id).await;
    assert_eq!(fs::read_to_string(mark).unwrap(), "x\n");

    let spec = OrderSpec {
        id: id.clone(),
        issued_ms: now_ms(),
        expires_ms: now_ms() + 60_000,
        body: run("echo other"),
    };
    let other = world.root.sign(&world.node_address(), spec);
    world.root.send(&world.name, &other).await.unwrap();
    let reason = world
        .until(|event| match event {
            RootEvent::Refused { refused, .. } if refused.order == id => Some(refused.reason()),
            _ => None,
        })
        .await;
    assert_eq!(reason, RefusedReason::Replayed);
    world.stop().await;
}

#[tokio::test]
async fn bad_orders_are_refused_with_their_reason() {
    let mut world = world().await;
    assert_eq!(world.refused(run("  \n")).await.0, RefusedReason::Malformed);
    assert_eq!(
        world.refused(run("echo \0")).await.0,
        RefusedReason::Malformed
    );
    assert_eq!(
        world
            .refused(order::Body::Update(Update::default()))
            .await
            .0,
        RefusedReason::NotSupported
    );
    let spec = OrderSpec {
        id: Uuid::now_v7().to_string(),
        issued_ms: 0,
        expires_ms: 1,
        body: run("echo late"),
    };
    let id = spec.id.clone();
    let late = world.root.sign(&world.node_address(), spec);
    world.root.send(&world.name, &late).await.unwrap();
    let (_, mut tampered) = world.sign(run("echo tampered"));
    tampered.signature = late.signature.clone();
    world.root.send(&world.name, &tampered).await.unwrap();
    let mut reasons = Vec::new();
    while reasons.len() < 2 {
        let reason = |event: &RootEvent| match event {
            RootEvent::Refused { refused, .. } => Some((refused.order == id, refused.reason())),
            _ => None,
        };
        reasons.push(world.until(reason).await);
    }
    reasons.sort_unstable_by_key(|(is_late, _)| !is_late);
    assert_eq!(reasons[0], (true, RefusedReason::Expired));
    assert_eq!(reasons[1].1, RefusedReason::BadSignature);
    world.stop().await;
}

#[tokio::test]
async fn a_cancel_overtakes_waiting_jobs_and_ends_the_running_one() {
    let mut world = world_with(|config| config.max_jobs = 1).await;
    let ready = world.app("ready");
    let first = world.send(run(&format!("touch {ready}; sleep 600"))).await;
    let waiting = world.send(run("echo never")).await;
    while !Path::new(&ready).exists() {
        sleep(Duration::from_millis(2)).await;
    }
    for (order, is_begun) in [(&waiting, false), (&first, true)] {
        let cancel = world
            .send(order::Body::Cancel(CancelOrder {
                order: order.clone(),
                grace_ms: 0,
            }))
            .await;
        let mut endings = std::collections::HashMap::new();
        while endings.len() < 2 {
            let ended = world.until(|event| match event {
                RootEvent::Ended { ended, .. } => Some((**ended).clone()),
                _ => None,
            });
            let ended = ended.await;
            endings.insert(ended.order.clone(), ended.outcome.unwrap());
        }
        assert!(matches!(&endings[&cancel], ended::Outcome::Done(done) if done.had_effect));
        let ended::Outcome::Run(ended) = &endings[order] else {
            panic!("{endings:?}")
        };
        assert!(ended.cancelled);
        assert_eq!(
            matches!(ended.how, Some(run_ended::How::Signal(_))),
            is_begun
        );
    }
    let nothing = world
        .send(order::Body::Cancel(CancelOrder {
            order: first,
            grace_ms: 0,
        }))
        .await;
    let outcome = world.ended(&nothing).await.outcome.unwrap();
    assert!(matches!(outcome, ended::Outcome::Done(done) if !done.had_effect));
    world.stop().await;
}

#[tokio::test]
async fn an_ending_comes_again_until_it_is_acknowledged() {
    let mut world = world().await;
    let id = world.send(run("echo once")).await;
    let unacknowledged = |event: &RootEvent| matches!(event, RootEvent::Ended { .. }).then_some(());
    world.until(unacknowledged).await;
    world.stop().await;
    world.start().await;
    assert_eq!(run_ended(world.ended(&id).await).stdout_tail, "once\n");
    // The answer to a question tells that what was said before it has been heard.
    world
        .root
        .reconcile(&world.name, vec![Uuid::now_v7().to_string()])
        .await
        .unwrap();
    world
        .until(|event| matches!(event, RootEvent::Unknown { .. }).then_some(()))
        .await;
    world.stop().await;
    world.start().await;
    world
        .root
        .reconcile(&world.name, vec![id.clone(), Uuid::now_v7().to_string()])
        .await
        .unwrap();
    let mut answers = Vec::new();
    while answers.len() < 2 {
        answers.push(
            world
                .until(|event| match event {
                    RootEvent::Ended { ended, .. } => Some(format!("ended {}", ended.order == id)),
                    RootEvent::Unknown { .. } => Some("unknown".to_owned()),
                    _ => None,
                })
                .await,
        );
    }
    assert_eq!(answers, ["ended true", "unknown"]);
    world.stop().await;
}

#[tokio::test]
async fn stopping_the_node_ends_its_jobs_and_says_so() {
    let mut world = world().await;
    let ready = world.app("ready");
    let id = world.send(run(&format!("touch {ready}; sleep 600"))).await;
    while !Path::new(&ready).exists() {
        sleep(Duration::from_millis(2)).await;
    }
    world.stop().await;
    let outcome = world.ended_any(&id).await;
    assert!(matches!(outcome, ended::Outcome::Lost(lost) if lost.detail.contains("stopped")));
}

impl World {
    /// Like `ended`, without a session to acknowledge it in.
    async fn ended_any(&mut self, id: &str) -> ended::Outcome {
        self.until(|event| match event {
            RootEvent::Ended { ended, .. } if ended.order == id => ended.outcome.clone(),
            _ => None,
        })
        .await
    }
}

#[tokio::test]
async fn after_a_kill_open_orders_are_lost_and_their_processes_dead() {
    let mut world = world().await;
    let pid_file = world.app("pid");
    let id = world
        .send(run(&format!(
            "echo $$ > {pid_file}.new; mv {pid_file}.new {pid_file}; sleep 600"
        )))
        .await;
    while !Path::new(&pid_file).exists() {
        sleep(Duration::from_millis(2)).await;
    }
    world.abandon().await;
    world.start().await;
    let outcome = world.ended(&id).await.outcome.unwrap();
    assert!(matches!(outcome, ended::Outcome::Lost(lost) if lost.detail.contains("restarted")));
    let pid: i32 = fs::read_to_string(pid_file)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    assert!(crate::executor::members(pid).is_empty());
    world.stop().await;
}

#[tokio::test]
async fn a_file_is_put_whole_with_its_mode_and_only_once() {
    use std::os::unix::fs::PermissionsExt;
    let mut world = world().await;
    let content = vec![7; 3_000_000];
    let place = world.app("new.bin");
    let put = transfer(world.put(&place, &content, |put| put.mode = 0o4750).await);
    assert!(!put.already_there);
    assert_eq!(fs::read(&place).unwrap(), content);
    assert_eq!(
        fs::metadata(&place).unwrap().permissions().mode() & 0o7777,
        0o750
    );
    assert!(transfer(world.put(&place, &content, |_| {}).await).already_there);
    // Into a folder, under its own name; an empty file is a file, too.
    let app = world.app("");
    let put = transfer(
        world
            .put(&app, b"", |put| put.file_name = "empty".to_owned())
            .await,
    );
    assert_eq!(put.path, world.app("empty"));
    assert_eq!(fs::read(world.app("empty")).unwrap(), b"");
    // A replaced file keeps its mode, and no partial file stays.
    transfer(world.put(&place, b"other", |_| {}).await);
    assert_eq!(
        fs::metadata(&place).unwrap().permissions().mode() & 0o7777,
        0o750
    );
    assert_eq!(fs::read_dir(world.app("")).unwrap().count(), 2);
    world.stop().await;
}

#[tokio::test]
async fn relative_paths_are_below_the_working_directory_of_jobs() {
    let mut world = world().await;
    let put = transfer(world.put("sent.txt", b"hello", |_| {}).await);
    assert_eq!(Path::new(&put.path), world.config.work.join("sent.txt"));
    assert_eq!(
        world
            .run("cat sent.txt; echo back > made.txt")
            .await
            .stdout_tail,
        "hello"
    );
    assert_eq!(world.get(path("made.txt")).await.unwrap().0, b"back\n");
    world.stop().await;
}

#[tokio::test]
async fn a_put_goes_on_where_a_partial_file_ends() {
    let mut world = world().await;
    let content: Vec<u8> = (0..2_000_000u32).map(|n| (n % 253) as u8).collect();
    let hash = blake3::hash(&content);
    let partial = world.app(&format!(
        ".big.{}.jarvis-part",
        hex::encode(&hash.as_bytes()[..8])
    ));
    fs::write(&partial, &content[..1_500_000]).unwrap();
    let place = world.app("big");
    transfer(world.put(&place, &content, |_| {}).await);
    assert_eq!(fs::read(&place).unwrap(), content);
    // A partial file with wrong bytes costs one failed try and is gone then.
    fs::remove_file(&place).unwrap();
    fs::write(&partial, vec![0; 1_500_000]).unwrap();
    assert!(matches!(
        world.put(&place, &content, |_| {}).await,
        ended::Outcome::Failed(_)
    ));
    transfer(world.put(&place, &content, |_| {}).await);
    assert_eq!(fs::read(&place).unwrap(), content);
    world.stop().await;
}

#[tokio::test]
async fn places_outside_are_refused_in_both_directions() {
    let mut world = world().await;
    fs::write(world.folder.path().join("secret"), "x").unwrap();
    std::os::unix::fs::symlink("../secret", world.app("link")).unwrap();
    let put = |path: String| {
        order::Body::Put(PutFile {
            path,
            blake3: vec![0; 32].into(),
            ..PutFile::default()
        })
    };
    for outside in [
        world.app("../secret"),
        world.app("link"),
        "/etc/passwd".to_owned(),
        "../relative".to_owned(),
    ] {
        assert_eq!(
            world.refused(order::Body::Get(path(&outside))).await.0,
            RefusedReason::PathNotAllowed,
            "{outside}"
        );
        assert_eq!(
            world.refused(put(outside.clone())).await.0,
            RefusedReason::PathNotAllowed,
            "{outside}"
        );
    }
    let (none, app) = (world.app("none"), world.app(""));
    assert_eq!(
        world.refused(order::Body::Get(path(none))).await.0,
        RefusedReason::NotFound
    );
    assert_eq!(
        world.refused(order::Body::Get(path(app))).await.0,
        RefusedReason::IsDirectory
    );
    let deep = world.app("no/such/folder");
    assert_eq!(world.refused(put(deep)).await.0, RefusedReason::NotFound);
    world.stop().await;
}

#[tokio::test]
async fn files_are_fetched_whole_in_part_and_packed() {
    use std::io::Read;
    let mut world = world().await;
    let text: String = (0..50_000).map(|n| format!("line {n}\n")).collect();
    let place = world.app("log");
    fs::write(&place, &text).unwrap();
    let (content, sent) = world.get(path(&place)).await.unwrap();
    assert_eq!(content, text.as_bytes());
    assert_eq!(
        (sent.size, sent.path.as_str()),
        (text.len() as u64, place.as_str())
    );
    let (content, _) = world
        .get(GetFile {
            tail_lines: 2,
            ..path(&place)
        })
        .await
        .unwrap();
    assert_eq!(content, b"line 49998\nline 49999\n");
    let (content, _) = world
        .get(GetFile {
            head_lines: 1,
            ..path(&place)
        })
        .await
        .unwrap();
    assert_eq!(content, b"line 0\n");
    let (content, _) = world
        .get(GetFile {
            gzip: true,
            ..path(&place)
        })
        .await
        .unwrap();
    let mut unpacked = String::new();
    flate2::read::GzDecoder::new(&content[..])
        .read_to_string(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, text);
    let too_large = GetFile {
        most_bytes: 10,
        ..path(&place)
    };
    let refused = world.refused(order::Body::Get(too_large)).await;
    assert_eq!(refused, (RefusedReason::TooLarge, text.len() as u64));
    world.stop().await;
}

#[tokio::test]
async fn stored_output_and_result_files_are_fetched_by_job() {
    let mut world = world().await;
    let job = RunJob {
        script: "echo short; seq 1 20000 >&2; echo result > r.out".to_owned(),
        result_globs: vec!["*.out".to_owned()],
        ..RunJob::default()
    };
    let id = world.send(order::Body::Run(job)).await;
    world.ended(&id).await;
    let output = |stream: OutputStream| {
        get_file::Source::Output(StoredOutput {
            order: id.clone(),
            stream: stream.into(),
        })
    };
    let of = |source| GetFile {
        source: Some(source),
        ..GetFile::default()
    };
    assert_eq!(
        world.get(of(output(OutputStream::Stdout))).await.unwrap().0,
        b"short\n"
    );
    let (stderr, _) = world.get(of(output(OutputStream::Stderr))).await.unwrap();
    assert_eq!(stderr.len(), 108_894);
    let last = GetFile {
        tail_lines: 1,
        ..of(output(OutputStream::Stderr))
    };
    assert_eq!(world.get(last).await.unwrap().0, b"20000\n");
    let result = |index| {
        of(get_file::Source::Result(ResultFile {
            order: id.clone(),
            index,
        }))
    };
    assert_eq!(world.get(result(0)).await.unwrap().0, b"result\n");
    assert_eq!(
        world.refused(order::Body::Get(result(1))).await.0,
        RefusedReason::NotFound
    );

    while now_ms() <= 1 + world.ended_ms(&id).await {
        tokio::task::yield_now().await;
    }
    let clear = world
        .send(order::Body::ClearLogs(ClearLogs { older_than_ms: 0 }))
        .await;
    let cleared = world.ended(&clear).await.outcome.unwrap();
    assert!(matches!(cleared, ended::Outcome::Done(done) if done.had_effect));
    assert_eq!(
        world
            .refused(order::Body::Get(of(output(OutputStream::Stderr))))
            .await
            .0,
        RefusedReason::NotFound
    );
    world.stop().await;
}

impl World {
    async fn ended_ms(&mut self, id: &str) -> i64 {
        self.root
            .reconcile(&self.name, vec![id.to_owned()])
            .await
            .unwrap();
        self.ended(id).await.ended_ms
    }
}

#[tokio::test]
async fn the_trust_file_decides_and_orders_may_change_it() {
    let mut world = world().await;
    world.stop().await;
    let file = world.folder.path().join("node.toml");
    let root = world.root.address();
    fs::write(&file, format!("trust = [\"{root}\"]\n")).unwrap();
    world.config.trust = TrustSource::File(file.clone());
    world.start().await;
    let friend = Identity::generate().address().to_string();
    let trust = |address: &str, trusted| {
        order::Body::Trust(SetTrust {
            address: address.to_owned(),
            trusted,
        })
    };
    let id = world.send(trust(&friend, true)).await;
    assert!(
        matches!(world.ended(&id).await.outcome.unwrap(), ended::Outcome::Done(done) if done.had_effect)
    );
    assert!(fs::read_to_string(&file).unwrap().contains(&friend));
    let id = world.send(trust("1nonsense", true)).await;
    assert!(
        matches!(world.ended(&id).await.outcome.unwrap(), ended::Outcome::Failed(refused) if refused.reason() == RefusedReason::Malformed)
    );
    // Removal counts at once, for the session that is open, too.
    fs::write(world.folder.path().join("new"), "trust = []\n").unwrap();
    fs::rename(world.folder.path().join("new"), &file).unwrap();
    let refused = world.refused_or_gone(run("echo no")).await;
    assert!(
        matches!(refused, None | Some(RefusedReason::UntrustedRoot)),
        "{refused:?}"
    );
    world.stop().await;
}

impl World {
    /// The reason of a refusal, or nothing when the node ends the session instead.
    async fn refused_or_gone(&mut self, body: order::Body) -> Option<RefusedReason> {
        let (id, signed) = self.sign(body);
        let _ = self.root.send(&self.name, &signed).await;
        self.until(|event| match event {
            RootEvent::Refused { refused, .. } if refused.order == id => {
                Some(Some(refused.reason()))
            }
            RootEvent::Disconnected { .. } => Some(None),
            RootEvent::Accepted { .. } => panic!("it was accepted"),
            _ => None,
        })
        .await
    }
}

#[tokio::test]
async fn a_root_may_dial_the_node_over_tcp() {
    let folder = tempfile::tempdir().unwrap();
    let identity = Identity::generate();
    let node = identity.address().clone();
    let (root, mut events) = Root::start(Identity::generate(), RootOptions::default());
    let mut config = NodeConfig::new(folder.path());
    config.trust = TrustSource::Fixed(vec![root.address()]);
    config.listen = Some("127.0.0.1:0".parse().unwrap());
    let handle = Node::start(identity, config, Vec::new()).await.unwrap();
    let dial = Some(handle.listening().unwrap().to_string());
    root.enroll(Enrolment {
        dial,
        ..Enrolment::new(NodeName::parse("n").unwrap(), node)
    });
    let connected =
        async { while !matches!(events.recv().await, Some(RootEvent::Connected { .. })) {} };
    timeout(LIMIT, connected).await.unwrap();
    handle.shutdown().await;
}

fn program() -> crate::Program {
    crate::Program {
        path: std::env::current_exe().unwrap(),
        arguments: Vec::new(),
        version: "1".to_owned(),
    }
}

#[tokio::test]
async fn a_failing_update_script_ends_the_order_with_its_output() {
    let mut world = world_with(|config| {
        config.program = Some(program());
        config.update_script = Some("echo to {NewVersion}; echo full >&2; exit 3".to_owned());
    })
    .await;
    let update = Update {
        version: "2.0".to_owned(),
        ..Update::default()
    };
    let id = world.send(order::Body::Update(update)).await;
    let Some(ended::Outcome::Run(run)) = world.ended(&id).await.outcome else {
        panic!("the script ran");
    };
    assert_eq!(run.how, Some(run_ended::How::ExitCode(3)));
    assert_eq!(run.tail, "to 2.0\nfull\n");
    world.stop().await;
}

#[tokio::test]
async fn a_good_update_asks_for_a_restart_and_ends_in_the_next_life() {
    let mut world = world_with(|config| {
        config.program = Some(program());
        config.update_script = Some("true".to_owned());
    })
    .await;
    let update = Update {
        version: "2.0".to_owned(),
        ..Update::default()
    };
    let id = world.send(order::Body::Update(update.clone())).await;
    let asked = world.handle.as_ref().unwrap().restart_asked();
    timeout(LIMIT, asked).await.expect("it asks for a restart");
    // Another one is refused meanwhile.
    let (reason, _) = world.refused(order::Body::Update(update)).await;
    assert_eq!(reason, RefusedReason::Busy);
    world.stop().await;
    world.start().await;
    let Some(ended::Outcome::Run(run)) = world.ended(&id).await.outcome else {
        panic!("the script ran");
    };
    assert_eq!(run.how, Some(run_ended::How::ExitCode(0)));
    world.stop().await;
}

#[tokio::test]
async fn a_package_that_was_changed_is_not_used() {
    let mut world = world_with(|config| {
        config.program = Some(program());
        config.update_script = Some("true".to_owned());
    })
    .await;
    let package = world.config.data.join("packages/p");
    fs::write(&package, "changed").unwrap();
    let update = |path: &Path| {
        order::Body::Update(Update {
            version: "2.0".to_owned(),
            package: path.to_str().unwrap().to_owned(),
            package_blake3: blake3::hash(b"meant").as_bytes().to_vec().into(),
            ..Update::default()
        })
    };
    let id = world.send(update(&package)).await;
    let Some(ended::Outcome::Failed(failed)) = world.ended(&id).await.outcome else {
        panic!("it failed");
    };
    assert!(failed.detail.contains("hash differs"), "{}", failed.detail);
    let (reason, _) = world.refused(update(Path::new("/etc/passwd"))).await;
    assert_eq!(reason, RefusedReason::PathNotAllowed);
    world.stop().await;
}
