//! What goes in comes out.

use super::*;
use crate::job::{GetSpec, PutSpec};

contract!(
    accounts_and_identities,
    rooms_and_dialogs,
    bindings,
    jobs_and_tasks,
    parts_of_updates,
    nodes,
    audit_lines,
    the_outbox,
    blobs_and_settings,
    legacy_peers,
    subscriptions_and_load,
    text_that_a_database_might_refuse,
    old_rows_go,
    old_jobs_go,
);

async fn apply(store: &Store, ops: Vec<Op>) {
    let outcome = store.commit(Unit::of(ops)).await.unwrap();
    assert_eq!(outcome, Committed::Applied);
}

async fn accounts_and_identities(place: &Place) {
    let store = place.open().await;
    let (mut ann, mut account) = store.identify(person("ann"), NOW).await.unwrap();
    let (bob, bobs) = store.identify(person("Bob"), NOW).await.unwrap();
    assert_eq!((account.number, bobs.number), (1, 2));
    account.role = Role::Owner;
    account.tags = vec!["web".to_owned(), "数据库".to_owned()];
    account.language = Some("zh".to_owned());
    ann.previous_account = Some(ann.account.clone());
    ann.account = bobs.id.clone();
    let ops = vec![
        Op::PutAccount(account.clone()),
        Op::PutIdentity {
            identity: ann.clone(),
            seen_ms: NOW,
        },
    ];
    apply(&store, ops).await;
    let stored = store.account(&account.id).await.unwrap();
    assert_eq!(stored.as_ref(), Some(&account));
    assert_eq!(store.account_by_number(1).await.unwrap(), stored);
    assert_eq!(store.account_by_number(3).await.unwrap(), None);
    assert_eq!(store.accounts(1).await.unwrap(), [account.clone()]);
    let owners = store.accounts_by_role(Role::Owner).await.unwrap();
    assert_eq!(owners, [account.clone()]);
    assert_eq!(store.identity(&ann.key).await.unwrap(), Some(ann.clone()));
    let both = store.identities_of(&bobs.id).await.unwrap();
    assert_eq!(both, [bob, ann.clone()]);
    assert_eq!(store.identities_of(&account.id).await.unwrap(), []);
    let named = store.accounts_by_name("BOB_HANDLE", 10).await.unwrap();
    assert_eq!(named, [bobs]);
    let (identity, _) = store.identify(person("ann"), NOW + 1).await.unwrap();
    assert_eq!(identity, ann, "being seen changes no binding");
    store.close().await;
}

async fn rooms_and_dialogs(place: &Place) {
    let store = place.open().await;
    let mut seen = Room {
        key: room("r1"),
        kind: RoomKind::Group,
        title: "Ops".to_owned(),
        language: Some("en".to_owned()),
        last_message_ms: NOW,
    };
    seen.key.thread = "t".to_owned();
    apply(&store, vec![Op::PutRoom(seen.clone())]).await;
    let again = Room {
        title: "Ops 2".to_owned(),
        language: None,
        last_message_ms: NOW + 1,
        ..seen.clone()
    };
    apply(&store, vec![Op::PutRoom(again.clone())]).await;
    seen = Room {
        language: Some("en".to_owned()),
        ..again
    };
    assert_eq!(store.room(&seen.key).await.unwrap(), Some(seen.clone()));
    assert_eq!(store.room(&room("r1")).await.unwrap(), None);
    assert_eq!(store.rooms(10).await.unwrap(), [seen]);

    let ann = AccountId::new();
    let mut dialog = Dialog {
        account: ann.clone(),
        room: room("r1"),
        kind: "file".to_owned(),
        data: json!({"a": 1}),
        expires_ms: NOW + 10,
    };
    apply(&store, vec![Op::PutDialog(dialog.clone())]).await;
    dialog.data = json!({"a": [2, "\0"]});
    apply(&store, vec![Op::PutDialog(dialog.clone())]).await;
    let found = async |now_ms| store.dialog(&ann, &room("r1"), now_ms).await.unwrap();
    assert_eq!(found(NOW).await, Some(dialog));
    assert_eq!(found(NOW + 10).await, None);
    let drop = Op::DropDialog {
        account: ann.clone(),
        room: room("r1"),
    };
    apply(&store, vec![drop]).await;
    assert_eq!(found(NOW).await, None);
    store.close().await;
}

async fn bindings(place: &Place) {
    let store = place.open().await;
    let issuer = person("ann").key;
    let binding = |hash: &str, claimant| Binding {
        code_hash: hash.to_owned(),
        issuer: issuer.clone(),
        room: room("r"),
        in_group: true,
        claimant,
        attempts: 0,
        expires_ms: NOW + 10,
    };
    let first = binding("h1", None);
    let second = binding("h2", Some(AccountId::new()));
    let ops = vec![
        Op::PutBinding(first.clone()),
        Op::PutBinding(second.clone()),
    ];
    apply(&store, ops).await;
    assert_eq!(store.binding("h1", NOW).await.unwrap(), Some(first.clone()));
    assert_eq!(store.binding("h1", NOW + 10).await.unwrap(), None);
    assert_eq!(store.take_binding("h1", NOW + 10).await.unwrap(), None);
    assert_eq!(store.take_binding("h1", NOW).await.unwrap(), Some(first));
    assert_eq!(store.take_binding("h1", NOW).await.unwrap(), None);

    let take = || {
        Unit::of(vec![
            Op::Require(Condition::TakeBinding {
                code_hash: "h2".to_owned(),
                now_ms: NOW,
            }),
            Op::Audit(line("bind")),
        ])
    };
    assert_eq!(store.commit(take()).await.unwrap(), Committed::Applied);
    assert_eq!(store.commit(take()).await.unwrap(), Committed::Unmet);

    apply(&store, vec![Op::PutBinding(second)]).await;
    assert_eq!(store.miss_binding(&issuer, 2).await.unwrap(), 1);
    assert_eq!(store.miss_binding(&issuer, 2).await.unwrap(), 0);
    apply(&store, vec![Op::PutBinding(binding("h3", None))]).await;
    apply(&store, vec![Op::DropBindings { issuer }]).await;
    assert_eq!(store.binding("h3", NOW).await.unwrap(), None);
    store.close().await;
}

async fn jobs_and_tasks(place: &Place) {
    let store = place.open().await;
    let mut jobs: Vec<Job> = (1..=3).map(new_job).collect();
    jobs[1].spec = JobSpec::Get(GetSpec {
        path: "/var/log/x".to_owned(),
        tail_lines: 5,
        ..GetSpec::default()
    });
    jobs[2].spec = JobSpec::Put(PutSpec {
        size: u64::MAX,
        ..PutSpec::default()
    });
    let mut tasks = Vec::new();
    for job in &jobs {
        // Stored in another order than they stand in the job's table.
        let pair = [new_task(job, 1, "web-2"), new_task(job, 0, "web-1")];
        apply(
            &store,
            vec![
                Op::InsertJob(Box::new(job.clone())),
                Op::InsertTask(pair[0].clone()),
                Op::InsertTask(pair[1].clone()),
            ],
        )
        .await;
        tasks.push(pair);
    }
    let [web_2, web_1] = tasks[0].clone();
    assert_eq!(store.job(&jobs[0].id).await.unwrap(), Some(jobs[0].clone()));
    assert_eq!(store.job_by_number(2).await.unwrap(), Some(jobs[1].clone()));
    assert_eq!(store.job_by_number(9).await.unwrap(), None);
    let of_job = store.tasks(&jobs[0].id).await.unwrap();
    assert_eq!(of_job, [web_1.clone(), web_2.clone()]);
    assert_eq!(store.open_tasks(None).await.unwrap().len(), 6);
    let on_node = store.open_tasks(Some("1web-1")).await.unwrap();
    assert_eq!(on_node.len(), 3);

    let ended = Task {
        state: TaskState::Failed,
        ending: vec![9],
        started_ms: NOW,
        ended_ms: NOW + 1,
        ..web_1
    };
    let end = Op::EndJob {
        id: jobs[0].id.clone(),
        state: JobState::Failed,
        ended_ms: NOW + 1,
    };
    apply(&store, vec![Op::UpdateTask(ended.clone()), end]).await;
    let late = Task {
        state: TaskState::Running,
        ..ended.clone()
    };
    apply(&store, vec![Op::UpdateTask(late)]).await;
    assert_eq!(store.task(&ended.order).await.unwrap(), Some(ended));
    jobs[0].state = JobState::Failed;
    jobs[0].ended_ms = Some(NOW + 1);

    let list = async |filter: JobFilter, limit| {
        let jobs = store.jobs(&filter, limit).await.unwrap();
        jobs.iter().map(|job| job.number).collect::<Vec<i64>>()
    };
    assert_eq!(list(JobFilter::default(), 2).await, [3, 2]);
    let next = JobFilter {
        before: Some(2),
        ..JobFilter::default()
    };
    assert_eq!(list(next, 2).await, [1]);
    let of_account = JobFilter {
        account: Some(jobs[1].account.clone()),
        ..JobFilter::default()
    };
    assert_eq!(list(of_account, 9).await, [2]);
    let failed_on_node = JobFilter {
        state: Some(JobState::Failed),
        node: Some("web-2".to_owned()),
        ..JobFilter::default()
    };
    assert_eq!(list(failed_on_node, 9).await, [1]);
    let on_none = JobFilter {
        node: Some("web-9".to_owned()),
        ..JobFilter::default()
    };
    assert!(list(on_none, 9).await.is_empty());
    let open = store.open_jobs().await.unwrap();
    assert_eq!(open, jobs[1..]);
    assert_eq!(store.job_by_number(1).await.unwrap(), Some(jobs.remove(0)));
    store.close().await;
}

async fn nodes(place: &Place) {
    let store = place.open().await;
    let mut web = NodeRecord {
        address: "1web".to_owned(),
        name: "web-1".to_owned(),
        tags: vec!["web".to_owned()],
        dial: String::new(),
        enrolled_ms: NOW,
        facts: Vec::new(),
        last_seen_ms: 0,
    };
    let db = NodeRecord {
        address: "1db".to_owned(),
        name: "db-1".to_owned(),
        ..web.clone()
    };
    apply(
        &store,
        vec![Op::PutNode(web.clone()), Op::PutNode(db.clone())],
    )
    .await;
    let seen = |facts, seen_ms| Op::NodeSeen {
        address: "1web".to_owned(),
        facts,
        seen_ms,
    };
    apply(
        &store,
        vec![seen(Some(vec![0, 255]), NOW), seen(None, NOW + 5)],
    )
    .await;
    web.facts = vec![0, 255];
    web.last_seen_ms = NOW + 5;
    assert_eq!(store.nodes().await.unwrap(), [db.clone(), web.clone()]);
    assert_eq!(store.node("web-1").await.unwrap(), Some(web.clone()));
    assert_eq!(store.node_by_address("1db").await.unwrap(), Some(db));

    let thief = NodeRecord {
        name: "db-1".to_owned(),
        ..web.clone()
    };
    let taken = store.commit(Unit::of(vec![Op::PutNode(thief)])).await;
    assert!(matches!(taken, Err(StoreError::Conflict(_))), "{taken:?}");
    let renamed = NodeRecord {
        name: "web-9".to_owned(),
        ..web
    };
    let drop = Op::DropNode {
        address: "1db".to_owned(),
    };
    apply(&store, vec![Op::PutNode(renamed.clone()), drop]).await;
    assert_eq!(store.nodes().await.unwrap(), [renamed]);
    store.close().await;
}

async fn audit_lines(place: &Place) {
    let store = place.open().await;
    let ann = AccountId::new();
    let mut lines: Vec<AuditEntry> = ["run", "bind", "run", "order.run"]
        .into_iter()
        .map(line)
        .collect();
    lines[0].account = Some(ann.clone());
    lines[0].identity = Some(person("ann").key);
    lines[2].target = "web-1".to_owned();
    lines[3].result = "refused".to_owned();
    apply(&store, lines.iter().cloned().map(Op::Audit).collect()).await;
    let list = async |filter: AuditFilter, limit| store.audit(&filter, limit).await.unwrap();
    let all = AuditFilter::default();
    let newest_first: Vec<AuditEntry> = lines.iter().rev().cloned().collect();
    assert_eq!(list(all.clone(), 9).await, newest_first);
    let next = AuditFilter {
        before: Some(lines[2].id.clone()),
        ..all.clone()
    };
    assert_eq!(list(next, 1).await, lines[1..2]);
    let by_ann = AuditFilter {
        account: Some(ann),
        ..all.clone()
    };
    assert_eq!(list(by_ann, 9).await, lines[..1]);
    let runs_there = AuditFilter {
        what: Some("run".to_owned()),
        target: Some("web-1".to_owned()),
        ..all.clone()
    };
    assert_eq!(list(runs_there, 9).await, lines[2..3]);
    let refused = AuditFilter {
        result: Some("refused".to_owned()),
        ..all
    };
    assert_eq!(list(refused, 9).await, lines[3..]);
    store.close().await;
}

async fn the_outbox(place: &Place) {
    let store = place.open().await;
    let mut items: Vec<OutboxItem> = ["a", "b", "a", "a"].map(|name| say(name, name)).into();
    items[0].progress_key = Some("job:1".to_owned());
    items[2].action = (0..=255).cycle().take(300_000).collect();
    apply(&store, items.iter().cloned().map(Op::Outbox).collect()).await;
    assert_eq!(store.outbox_pending(2).await.unwrap(), items[..2]);
    let progress = ProgressObject {
        key: "job:1".to_owned(),
        message_id: "m7".to_owned(),
    };
    let ops = vec![
        Op::OutboxDone {
            id: items[3].id.clone(),
        },
        Op::OutboxDone {
            id: "never was".to_owned(),
        },
        Op::OutboxRetry {
            id: items[2].id.clone(),
            attempts: 3,
            not_before_ms: NOW + 9,
        },
        Op::Progress(ProgressObject {
            message_id: "m6".to_owned(),
            ..progress.clone()
        }),
        Op::Progress(progress.clone()),
    ];
    apply(&store, ops).await;
    items[2].attempts = 3;
    items[2].not_before_ms = NOW + 9;
    let of_room = store.outbox_of_room(&room("a"), 9).await.unwrap();
    assert_eq!(of_room, [items[0].clone(), items[2].clone()]);
    let count = OutboxCount {
        bot: bot(),
        waiting: 3,
        oldest_ms: NOW,
    };
    assert_eq!(store.outbox_counts().await.unwrap(), [count]);
    assert_eq!(store.progress("job:1").await.unwrap(), Some(progress));
    assert_eq!(store.progress("job:2").await.unwrap(), None);
    store.close().await;
}

async fn legacy_peers(place: &Place) {
    let store = place.open().await;
    assert!(store.legacy_peers().await.unwrap().is_empty());
    let put = |address: &str, record: &[u8]| Op::PutLegacyPeer {
        address: address.to_owned(),
        record: record.to_vec(),
    };
    // Bytes, and not text: zeros and what is no UTF-8 are kept.
    let (first, second): (&[u8], &[u8]) = (&[0, 255, 0xc3, 0x28], &[]);
    apply(&store, vec![put("1b", second), put("1a", first)]).await;
    assert_eq!(store.legacy_peers().await.unwrap(), [first, second]);
    // A later record takes the place of the earlier one; of two in one unit the last one stays.
    let large = vec![7; 100_000];
    apply(&store, vec![put("1a", b"passing"), put("1a", &large)]).await;
    let kept = store.legacy_peers().await.unwrap();
    assert_eq!(kept, [large, second.to_vec()]);
    store.close().await;
}

async fn blobs_and_settings(place: &Place) {
    let store = place.open().await;
    let blob = |hash: &str, origin: &str| BlobRef {
        hash: hash.to_owned(),
        origin: origin.to_owned(),
        name: "日志.txt".to_owned(),
        mime: "text/plain".to_owned(),
        size: 3 << 30,
        created_ms: NOW,
    };
    let all = [
        blob("h1", "job:1"),
        blob("h1", "room:a"),
        blob("h2", "room:a"),
    ];
    apply(&store, all.iter().cloned().map(Op::PutBlob).collect()).await;
    apply(&store, vec![Op::PutBlob(all[0].clone())]).await;
    assert_eq!(store.blob("h1").await.unwrap(), all[..2]);
    assert_eq!(store.blobs_of("room:a").await.unwrap(), all[1..]);
    let origin = "room:a".to_owned();
    apply(&store, vec![Op::DropBlobs { origin }]).await;
    assert_eq!(store.blob("h1").await.unwrap(), all[..1]);
    assert_eq!(store.blob("h2").await.unwrap(), []);

    let put = |value: &str| Op::PutSetting {
        name: "zone".to_owned(),
        value: value.to_owned(),
    };
    apply(&store, vec![put("UTC"), put("Asia/Shanghai")]).await;
    let zone = ("zone".to_owned(), "Asia/Shanghai".to_owned());
    assert_eq!(store.settings().await.unwrap(), [zone]);
    let name = "zone".to_owned();
    apply(&store, vec![Op::DropSetting { name }]).await;
    assert_eq!(store.setting("zone").await.unwrap(), None);
    let health = store.health().await.unwrap();
    assert_eq!(health.queued, 0);
    store.close().await;
}

async fn subscriptions_and_load(place: &Place) {
    let store = place.open().await;
    let (_, ann) = store.identify(person("ann"), NOW).await.unwrap();
    let subscription = |topic, tag: &str| Subscription {
        room: room("r1"),
        room_kind: RoomKind::Private,
        account: ann.id.clone(),
        topic,
        tag: tag.to_owned(),
        node: String::new(),
        everything: false,
        language: "zh".to_owned(),
        created_ms: NOW,
    };
    let all = [
        subscription(Topic::Jobs, ""),
        subscription(Topic::Nodes, ""),
        subscription(Topic::Nodes, "web"),
    ];
    apply(&store, all.iter().cloned().map(Op::Subscribe).collect()).await;
    let mut again = all[0].clone();
    again.everything = true;
    apply(&store, vec![Op::Subscribe(again.clone())]).await;
    let expected = [again.clone(), all[1].clone(), all[2].clone()];
    assert_eq!(store.subscriptions().await.unwrap(), expected);
    let end = |room, topic| vec![Op::Unsubscribe { room, topic }];
    apply(&store, end(room("r2"), None)).await;
    apply(&store, end(room("r1"), Some(Topic::Nodes))).await;
    assert_eq!(store.subscriptions().await.unwrap(), [again]);
    apply(&store, end(room("r1"), None)).await;
    assert_eq!(store.subscriptions().await.unwrap(), []);

    let mut node = WatchedNode {
        address: "1A".to_owned(),
        online: true,
        flapping: false,
        changed_ms: NOW,
    };
    apply(&store, vec![Op::PutWatched(node.clone())]).await;
    (node.online, node.flapping) = (false, true);
    apply(&store, vec![Op::PutWatched(node.clone())]).await;
    assert_eq!(store.watched_nodes().await.unwrap(), [node]);
    apply(&store, vec![Op::DropWatched("1A".to_owned())]).await;
    assert_eq!(store.watched_nodes().await.unwrap(), []);

    let minute = |minute, part| LoadMinute {
        minute,
        part,
        points: vec![0, 255, 7],
    };
    let now = NOW / 60_000;
    let rows = [minute(now - 2000, 0), minute(now, 0), minute(now, 1)];
    apply(&store, rows.iter().cloned().map(Op::PutLoad).collect()).await;
    apply(&store, vec![Op::PutLoad(rows[2].clone())]).await;
    assert_eq!(store.load_minutes(now).await.unwrap(), rows[1..]);
    assert_eq!(store.load_minutes(0).await.unwrap(), rows);
    assert_eq!(store.prune(NOW).await.unwrap(), 1);
    assert_eq!(store.load_minutes(0).await.unwrap(), rows[1..]);
    store.close().await;
}

async fn text_that_a_database_might_refuse(place: &Place) {
    let store = place.open().await;
    let odd = "a\0b'\"; DROP TABLE audit; -- \u{feff}\u{10ffff}e\u{301}\r\n$1 ? \\";
    let clean = odd.replace('\0', "");
    let mut seen = person(odd);
    seen.key.person = odd.to_owned();
    let (identity, _) = store.identify(seen.clone(), NOW).await.unwrap();
    assert_eq!(identity.key.person, clean);
    assert_eq!(store.identity(&seen.key).await.unwrap(), Some(identity));
    let mut entry = line(odd);
    entry.detail = odd.repeat(5000);
    let mut first = event(odd);
    first.bot.bot = odd.to_owned();
    let unit = || {
        Unit::answering(
            first.clone(),
            vec![Op::Audit(AuditEntry {
                id: id(),
                ..entry.clone()
            })],
        )
    };
    assert_eq!(store.commit(unit()).await.unwrap(), Committed::Applied);
    assert_eq!(store.commit(unit()).await.unwrap(), Committed::Duplicate);
    let lines = store.audit(&AuditFilter::default(), 9).await.unwrap();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].what, clean);
    assert_eq!(lines[0].detail, clean.repeat(5000));
    // The same with a rare change, alone and beside others.
    let put = Op::PutSetting {
        name: odd.to_owned(),
        value: odd.to_owned(),
    };
    apply(&store, vec![put]).await;
    assert_eq!(store.setting(odd).await.unwrap(), Some(clean));
    store.close().await;
}

async fn old_rows_go(place: &Place) {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    let store = place.open().await;
    let commits = (0..2500).map(|n| {
        let mut old = event(&format!("e{n}"));
        if n < 2200 {
            old.received_ms -= 31 * DAY_MS;
        }
        store.commit(Unit::answering(old, Vec::new()))
    });
    futures::future::try_join_all(commits).await.unwrap();
    let claim = Op::PutClaim(Claim {
        code_hash: "old".to_owned(),
        expires_ms: NOW - 2 * DAY_MS,
    });
    apply(&store, vec![claim]).await;
    assert_eq!(store.prune(NOW).await.unwrap(), 2201);
    assert_eq!(store.prune(NOW).await.unwrap(), 0);
    assert!(!store.event_seen(&bot(), "e0").await.unwrap());
    assert!(store.event_seen(&bot(), "e2200").await.unwrap());
    store.close().await;
}

async fn old_jobs_go(place: &Place) {
    const HOUR_MS: i64 = 60 * 60 * 1000;
    let store = place.open().await;
    let mut kept = Vec::new();
    for number in 1..=460 {
        let mut job = new_job(number);
        let mut task = new_task(&job, 0, "web");
        match number {
            // Still open, however old; and one that ended just now.
            1 => {}
            2 => {
                job.state = JobState::Done;
                job.ended_ms = Some(NOW);
            }
            _ => {
                job.state = JobState::Failed;
                job.ended_ms = Some(NOW - HOUR_MS);
                task.state = TaskState::Failed;
            }
        }
        if number <= 2 {
            kept.push(job.id.clone());
        }
        let ops = vec![Op::InsertJob(Box::new(job)), Op::InsertTask(task)];
        apply(&store, ops).await;
    }
    let mut old_line = line("old");
    old_line.time_ms = NOW - HOUR_MS;
    apply(&store, vec![Op::Audit(old_line), Op::Audit(line("new"))]).await;
    let gone = store.prune_jobs(NOW - HOUR_MS / 2).await.unwrap();
    assert_eq!(gone, 2 * 458 + 1, "jobs, their tasks, a line");
    assert_eq!(store.prune_jobs(NOW - HOUR_MS / 2).await.unwrap(), 0);
    for id in &kept {
        assert!(store.job(id).await.unwrap().is_some());
        assert_eq!(store.tasks(id).await.unwrap().len(), 1);
    }
    let left = store.jobs(&JobFilter::default(), 1000).await.unwrap();
    assert_eq!(left.len(), kept.len());
    let lines = store.audit(&AuditFilter::default(), 9).await.unwrap();
    assert_eq!(lines.len(), 1);
}

async fn parts_of_updates(place: &Place) {
    use crate::job::{Outcome, Part, Phase};
    let store = place.open().await;
    let (first, second) = (new_job(1), new_job(2));
    let task = new_task(&first, 0, "web-1");
    let other = new_task(&second, 0, "web-1");
    let mut part = Part::new(&task.order, &first.id, &task.address);
    let ops = vec![
        Op::InsertJob(Box::new(first.clone())),
        Op::InsertTask(task.clone()),
        Op::PutPart(Box::new(part.clone())),
        Op::InsertJob(Box::new(second.clone())),
        Op::InsertTask(other.clone()),
    ];
    apply(&store, ops).await;
    assert_eq!(store.parts(&first.id).await.unwrap(), [part.clone()]);
    let open = store.updating_job(&task.address).await.unwrap();
    assert_eq!(open.as_ref(), Some(&first.id));
    // A node is in one update at a time.
    let next = Part::new(&other.order, &second.id, &task.address);
    let refused = Unit::of(vec![Op::PutPart(Box::new(next.clone()))]);
    assert!(store.commit(refused).await.is_err());
    part.phase = Phase::Over;
    part.outcome = Some(Outcome::Back {
        version: "2.0".to_owned(),
        after_ms: 4_000,
    });
    apply(&store, vec![Op::PutPart(Box::new(part.clone()))]).await;
    assert_eq!(store.parts(&first.id).await.unwrap(), [part]);
    assert_eq!(store.updating_job(&task.address).await.unwrap(), None);
    apply(&store, vec![Op::PutPart(Box::new(next.clone()))]).await;
    assert_eq!(store.parts(&second.id).await.unwrap(), [next]);
    store.close().await;
}
