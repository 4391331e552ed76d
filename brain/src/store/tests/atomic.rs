//! Units: all or nothing, once, in order.

use super::*;

contract!(
    an_event_is_handled_once,
    duplicates_inside_a_batch_apply_once,
    a_poisoned_unit_spoils_no_other,
    a_fault_undoes_the_event_too,
    the_first_final_state_wins,
    a_question_is_answered_once,
    a_claim_is_used_once,
    an_unmet_condition_applies_nothing,
    numbers_are_given_once,
    a_stranger_gets_one_account,
    what_was_stored_is_there_after_opening_again,
);

async fn an_event_is_handled_once(place: &Place) {
    let store = place.open().await;
    let unit = || Unit::answering(event("e1"), vec![Op::Outbox(say("r", "hello"))]);
    assert_eq!(store.commit(unit()).await.unwrap(), Committed::Applied);
    assert_eq!(store.commit(unit()).await.unwrap(), Committed::Duplicate);
    // With a rare change it takes the other way through the writer.
    let rare = Unit::answering(
        event("e1"),
        vec![Op::PutSetting {
            name: "a".to_owned(),
            value: "b".to_owned(),
        }],
    );
    assert_eq!(store.commit(rare).await.unwrap(), Committed::Duplicate);
    assert_eq!(said(&store).await, ["hello"]);
    assert_eq!(store.setting("a").await.unwrap(), None);
    assert!(store.event_seen(&bot(), "e1").await.unwrap());
    assert!(!store.event_seen(&bot(), "e2").await.unwrap());
    store.close().await;
}

async fn duplicates_inside_a_batch_apply_once(place: &Place) {
    let store = place.open().await;
    let units = (0..300).map(|n| {
        let unit = Unit::answering(
            event(&format!("e{}", n % 100)),
            vec![Op::Audit(line("x")), Op::Outbox(say("r", &n.to_string()))],
        );
        store.commit(unit)
    });
    let outcomes = futures::future::try_join_all(units).await.unwrap();
    let applied = outcomes
        .iter()
        .filter(|outcome| **outcome == Committed::Applied);
    assert_eq!(applied.count(), 100);
    assert_eq!(said(&store).await.len(), 100);
    let lines = store.audit(&AuditFilter::default(), 1000).await.unwrap();
    assert_eq!(lines.len(), 100);
    store.close().await;
}

async fn a_poisoned_unit_spoils_no_other(place: &Place) {
    let store = place.open().await;
    let taken = say("r", "first");
    store
        .commit(Unit::of(vec![Op::Outbox(taken.clone())]))
        .await
        .unwrap();
    let mut units: Vec<Unit> = (0..50)
        .map(|n| {
            Unit::answering(
                event(&format!("e{n}")),
                vec![Op::Outbox(say("r", &n.to_string()))],
            )
        })
        .collect();
    // Its id is taken, so that the statement of the whole batch fails.
    units[20].ops.push(Op::Outbox(taken));
    let outcomes =
        futures::future::join_all(units.into_iter().map(|unit| store.commit(unit))).await;
    for (n, outcome) in outcomes.iter().enumerate() {
        match outcome {
            Err(StoreError::Conflict(_)) => assert_eq!(n, 20),
            other => assert_eq!(*other, Ok(Committed::Applied), "{n}"),
        }
    }
    let mut expected: Vec<String> = (0..50)
        .filter(|n| *n != 20)
        .map(|n| n.to_string())
        .collect();
    expected.insert(0, "first".to_owned());
    assert_eq!(said(&store).await, expected);
    assert!(!store.event_seen(&bot(), "e20").await.unwrap());
    store.close().await;
}

async fn a_fault_undoes_the_event_too(place: &Place) {
    let store = place.open().await;
    let orphan = new_task(&new_job(1), 0, "web-1");
    let unit = Unit::answering(
        event("e1"),
        vec![Op::Audit(line("run")), Op::InsertTask(orphan)],
    );
    let refused = store.commit(unit).await.unwrap_err();
    assert!(matches!(refused, StoreError::Conflict(_)), "{refused}");
    assert!(!store.event_seen(&bot(), "e1").await.unwrap());
    let lines = store.audit(&AuditFilter::default(), 10).await.unwrap();
    assert_eq!(lines, []);
    let again = Unit::answering(event("e1"), vec![Op::Outbox(say("r", "sorry"))]);
    assert_eq!(store.commit(again).await.unwrap(), Committed::Applied);
    store.close().await;
}

async fn the_first_final_state_wins(place: &Place) {
    let store = place.open().await;
    let job = new_job(1);
    let task = new_task(&job, 0, "web-1");
    let order = task.order.clone();
    let mut late = task.clone();
    store
        .commit(Unit::of(vec![
            Op::InsertJob(Box::new(job.clone())),
            Op::InsertTask(task),
        ]))
        .await
        .unwrap();
    let ends = [TaskState::Done, TaskState::Cancelled, TaskState::Lost]
        .into_iter()
        .cycle()
        .take(30)
        .map(|state| {
            let end = TaskEnd {
                order: order.clone(),
                state,
                ending: state.as_str().into(),
                ended_ms: NOW + 1,
            };
            let store = &store;
            async move { store.end_task(end).await.unwrap().then_some(state) }
        });
    let winners: Vec<TaskState> = futures::future::join_all(ends)
        .await
        .into_iter()
        .flatten()
        .collect();
    assert_eq!(winners.len(), 1);
    // "Running" that arrives late changes nothing.
    late.state = TaskState::Running;
    late.started_ms = NOW;
    store
        .commit(Unit::of(vec![Op::UpdateTask(late)]))
        .await
        .unwrap();
    let stored = store.task(&order).await.unwrap().unwrap();
    assert_eq!(stored.state, winners[0]);
    assert_eq!(stored.ending, winners[0].as_str().as_bytes());
    assert_eq!(stored.started_ms, 0);
    assert_eq!(store.open_tasks(None).await.unwrap(), []);

    let end = || {
        Unit::of(vec![
            Op::Require(Condition::EndJob(JobEnd {
                id: job.id.clone(),
                state: JobState::Done,
                ended_ms: NOW + 2,
            })),
            Op::Outbox(say("r", "final")),
        ])
    };
    assert_eq!(store.commit(end()).await.unwrap(), Committed::Applied);
    assert_eq!(store.commit(end()).await.unwrap(), Committed::Unmet);
    assert_eq!(said(&store).await, ["final"]);
    assert_eq!(store.open_jobs().await.unwrap(), []);
    store.close().await;
}

fn question(account: &AccountId) -> Question {
    Question {
        id: "7K".to_owned(),
        account: account.clone(),
        room: room("r"),
        command: "run * uptime".to_owned(),
        data: json!({"nodes": ["a", "b"]}),
        created_ms: NOW,
        expires_ms: NOW + 120_000,
    }
}

async fn a_question_is_answered_once(place: &Place) {
    let store = place.open().await;
    let account = AccountId::new();
    let asked = question(&account);
    let put = || Unit::of(vec![Op::PutQuestion(question(&account))]);
    store.commit(put()).await.unwrap();
    let taken = store.commit(put()).await.unwrap_err();
    assert!(matches!(taken, StoreError::Conflict(_)), "{taken}");

    let other = AccountId::new();
    let use_by = |who: &AccountId, now_ms| {
        let (store, who) = (store.clone(), who.clone());
        async move { store.use_question("7K", &who, now_ms).await.unwrap() }
    };
    assert_eq!(use_by(&other, NOW).await, None);
    assert_eq!(use_by(&account, NOW + 120_000).await, None);
    let latest = store.latest_question(&account, &room("r"), NOW).await;
    assert_eq!(latest.unwrap(), Some(asked.clone()));
    let answers = futures::future::join_all((0..40).map(|_| use_by(&account, NOW))).await;
    let answers: Vec<Question> = answers.into_iter().flatten().collect();
    assert_eq!(answers, [asked]);
    assert_eq!(store.question("7K", NOW).await.unwrap(), None);
    // A used one may be replaced.
    store.commit(put()).await.unwrap();
    assert!(use_by(&account, NOW).await.is_some());
    store.close().await;
}

async fn a_claim_is_used_once(place: &Place) {
    let store = place.open().await;
    for code_hash in ["older", "h"] {
        store
            .commit(Unit::of(vec![Op::PutClaim(Claim {
                code_hash: code_hash.to_owned(),
                expires_ms: NOW + 10,
            })]))
            .await
            .unwrap();
    }
    assert!(!store.use_claim("older", NOW).await.unwrap());
    assert!(!store.use_claim("h", NOW + 10).await.unwrap());
    assert!(!store.claim_is_good("h", NOW + 10).await.unwrap());
    assert!(store.claim_is_good("h", NOW).await.unwrap());
    let uses = futures::future::try_join_all((0..20).map(|_| store.use_claim("h", NOW))).await;
    assert_eq!(uses.unwrap().into_iter().filter(|used| *used).count(), 1);
    assert!(!store.claim_is_good("h", NOW).await.unwrap());
    store.close().await;
}

async fn an_unmet_condition_applies_nothing(place: &Place) {
    let store = place.open().await;
    let unit = Unit::answering(
        event("e1"),
        vec![
            Op::Outbox(say("r", "welcome, owner")),
            Op::Require(Condition::UseClaim {
                code_hash: "none".to_owned(),
                now_ms: NOW,
            }),
        ],
    );
    assert_eq!(store.commit(unit).await.unwrap(), Committed::Unmet);
    assert!(said(&store).await.is_empty());
    assert!(!store.event_seen(&bot(), "e1").await.unwrap());
    store.close().await;
}

async fn numbers_are_given_once(place: &Place) {
    let store = place.open().await;
    let numbers = futures::future::try_join_all((0..50).map(|_| store.next_number("job"))).await;
    let mut numbers = numbers.unwrap();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=50).collect::<Vec<i64>>());
    assert_eq!(store.next_number("other").await.unwrap(), 1);
    store.close().await;
}

async fn a_stranger_gets_one_account(place: &Place) {
    let store = place.open().await;
    let met = (0..20).map(|_| store.identify(person("ann"), NOW));
    let met = futures::future::try_join_all(met).await.unwrap();
    let accounts = store.accounts(10).await.unwrap();
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0].role, Role::Guest);
    assert_eq!(accounts[0].name, "ann");
    for (identity, account) in met {
        assert_eq!(identity.account, account.id);
        assert_eq!(account, accounts[0]);
    }
    let mut renamed = person("ann");
    renamed.name = "Ann\0 Lee".to_owned();
    for _ in 0..2 {
        let (identity, account) = store.identify(renamed.clone(), NOW + 1).await.unwrap();
        assert_eq!(identity.name, "Ann Lee");
        assert_eq!(account.name, "ann");
    }
    store.close().await;
}

async fn what_was_stored_is_there_after_opening_again(place: &Place) {
    if place.url.contains(":memory:") {
        return;
    }
    for n in 0..3 {
        let store = place.open().await;
        assert_eq!(said(&store).await.len(), n);
        store
            .commit(Unit::answering(
                event(&format!("e{n}")),
                vec![Op::Outbox(say("r", "x"))],
            ))
            .await
            .unwrap();
        // Dropped without being closed.
    }
    let store = place.open().await;
    let again = Unit::answering(event("e1"), vec![Op::Outbox(say("r", "x"))]);
    assert_eq!(store.commit(again).await.unwrap(), Committed::Duplicate);
    store.close().await;
    let late = store.commit(Unit::default()).await;
    assert_eq!(late, Err(StoreError::Closed));
    assert_eq!(store.health().await, Err(StoreError::Closed));
}
