//! Many at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex as StdMutex;

use super::*;

contract!(
    ten_thousand_units_apply_once_and_in_order,
    two_brains_share_the_events,
    closing_writes_what_waits,
);

const ROOMS: usize = 64;
const UNITS: usize = 160;

/// Unit `n` of a room. Every tenth holds a rare change, so that both ways through the writer mix.
fn unit(room_number: usize, n: usize) -> Unit {
    let name = format!("room-{room_number}");
    let mut ops = vec![
        Op::Audit(line("say")),
        Op::Outbox(say(&name, &n.to_string())),
    ];
    if n % 10 == 9 {
        ops.push(Op::PutSetting {
            name: name.clone(),
            value: n.to_string(),
        });
    }
    Unit::answering(event(&format!("{name}/{n}")), ops)
}

async fn ten_thousand_units_apply_once_and_in_order(place: &Place) {
    let store = place.open().await;
    let rooms = (0..ROOMS).map(|room_number| {
        let store = store.clone();
        tokio::spawn(async move {
            let numbers: Vec<usize> = (0..UNITS).collect();
            for some in numbers.chunks(16) {
                // The second time each is a duplicate.
                let twice = some.iter().chain(some);
                let commits = twice.map(|n| store.commit(unit(room_number, *n)));
                let outcomes = futures::future::try_join_all(commits).await.unwrap();
                let (first, second) = outcomes.split_at(some.len());
                assert!(first.iter().all(|outcome| *outcome == Committed::Applied));
                assert!(
                    second
                        .iter()
                        .all(|outcome| *outcome == Committed::Duplicate)
                );
            }
        })
    });
    futures::future::try_join_all(rooms).await.unwrap();

    let waiting = store.outbox_pending(usize::MAX).await.unwrap();
    let mut by_room: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for item in waiting {
        let text = String::from_utf8(item.action).unwrap();
        by_room.entry(item.room.room).or_default().push(text);
    }
    let expected: Vec<String> = (0..UNITS).map(|n| n.to_string()).collect();
    assert_eq!(by_room.len(), ROOMS);
    for (name, texts) in by_room {
        assert_eq!(texts, expected, "{name}");
        // The last write of each room came last.
        let last = store.setting(&name).await.unwrap();
        assert_eq!(last, expected.last().cloned());
    }
    let lines = store.audit(&AuditFilter::default(), usize::MAX).await;
    assert_eq!(lines.unwrap().len(), ROOMS * UNITS);
    store.close().await;
}

async fn two_brains_share_the_events(place: &Place) {
    if place.url.contains(":memory:") {
        return;
    }
    let brains = [place.open().await, place.open().await];
    let commits = (0..400).map(|n| {
        let store = brains[n % 2].clone();
        // In two directions, so that their transactions meet each other's rows in opposite order.
        let number = if n % 2 == 0 { n / 2 } else { 199 - n / 2 };
        tokio::spawn(async move { store.commit(unit(number % 7, number)).await })
    });
    let outcomes = futures::future::try_join_all(commits).await.unwrap();
    let applied = outcomes
        .into_iter()
        .map(Result::unwrap)
        .filter(|outcome| *outcome == Committed::Applied);
    assert_eq!(applied.count(), 200);
    let numbers: BTreeSet<String> = said(&brains[0]).await.into_iter().collect();
    assert_eq!(numbers.len(), 200);
    let (first, second) = tokio::join!(
        brains[0].identify(person("ann"), NOW),
        brains[1].identify(person("ann"), NOW)
    );
    assert_eq!(first.unwrap().1, second.unwrap().1);
    for store in brains {
        store.close().await;
    }
}

async fn closing_writes_what_waits(place: &Place) {
    let store = place.open().await;
    let commits: Vec<_> = (0..200)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.commit(unit(n, n)).await })
        })
        .collect();
    store.close().await;
    let mut applied = 0;
    for commit in commits {
        match commit.await.unwrap() {
            Ok(outcome) => {
                assert_eq!(outcome, Committed::Applied);
                applied += 1;
            }
            Err(error) => assert_eq!(error, StoreError::Closed),
        }
    }
    if !place.url.contains(":memory:") {
        let store = place.open().await;
        assert_eq!(said(&store).await.len(), applied);
        store.close().await;
    }
}

#[test]
fn a_process_that_dies_keeps_what_it_acknowledged() {
    let place = Place::file();
    let acknowledged = Arc::new(StdMutex::new(BTreeSet::new()));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = place.open().await;
        let (enough, mut reached) = mpsc::channel(1);
        for room_number in 0..8 {
            let (store, acknowledged) = (store.clone(), Arc::clone(&acknowledged));
            let enough = enough.clone();
            tokio::spawn(async move {
                for n in 0.. {
                    store.commit(unit(room_number, n)).await.unwrap();
                    let mut acknowledged = acknowledged.lock().unwrap();
                    acknowledged.insert(format!("room-{room_number}/{n}"));
                    if acknowledged.len() > 500 {
                        let _ = enough.try_send(());
                    }
                }
            });
        }
        reached.recv().await.unwrap();
    });
    // Every task stops where it stands, the writer too.
    runtime.shutdown_background();

    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = place.open().await;
        let waiting = store.outbox_pending(usize::MAX).await.unwrap();
        let lines = store.audit(&AuditFilter::default(), usize::MAX).await;
        assert_eq!(waiting.len(), lines.unwrap().len());
        let acknowledged = acknowledged.lock().unwrap().clone();
        for item in waiting {
            let id = format!(
                "{}/{}",
                item.room.room,
                String::from_utf8(item.action).unwrap()
            );
            assert!(store.event_seen(&bot(), &id).await.unwrap(), "{id}");
        }
        for id in acknowledged {
            assert!(store.event_seen(&bot(), &id).await.unwrap(), "{id}");
        }
        store.close().await;
    });
}
