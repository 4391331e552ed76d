use jarvis_nodeclient::Identity;
use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits {
    away_after_ms: 30_000,
    flapping_changes: 6,
    flapping_within_ms: 300_000,
};

fn addresses(count: usize) -> Vec<Address> {
    (0..count)
        .map(|_| Identity::generate().address().clone())
        .collect()
}

/// Nodes that are all there and known, at time 0.
fn calm(addresses: &[Address]) -> Damper {
    let mut damper = Damper::new(LIMITS);
    for address in addresses {
        damper.observe(address, true, 0);
    }
    let news = damper.due(0);
    assert!(news.iter().all(|news| news.what == What::First));
    damper.told(&news, 0);
    damper
}

fn tell(damper: &mut Damper, now_ms: i64) -> Vec<What> {
    let news = damper.due(now_ms);
    damper.told(&news, now_ms);
    news.into_iter().map(|news| news.what).collect()
}

#[test]
fn a_short_absence_is_not_told() {
    let nodes = addresses(1);
    let mut damper = calm(&nodes);
    damper.observe(&nodes[0], false, 1000);
    assert_eq!(tell(&mut damper, 30_999), []);
    damper.observe(&nodes[0], true, 30_999);
    assert_eq!(tell(&mut damper, 100_000), []);
}

#[test]
fn away_and_back_are_told_once() {
    let nodes = addresses(1);
    let mut damper = calm(&nodes);
    damper.observe(&nodes[0], false, 1000);
    let since_ms = 1000;
    assert_eq!(tell(&mut damper, 31_000), [What::Away { since_ms }]);
    assert_eq!(tell(&mut damper, 60_000), []);
    damper.observe(&nodes[0], true, 90_000);
    let back = What::Back {
        away_since_ms: 1000,
        at_ms: 90_000,
    };
    assert_eq!(tell(&mut damper, 90_000), [back]);
    assert_eq!(tell(&mut damper, 200_000), []);
}

#[test]
fn what_was_not_stored_is_due_again() {
    let nodes = addresses(1);
    let mut damper = calm(&nodes);
    damper.observe(&nodes[0], false, 0);
    assert_eq!(damper.due(40_000), damper.due(40_000));
    assert_eq!(damper.due(40_000).len(), 1);
}

#[test]
fn flapping_is_told_once_and_so_is_its_end() {
    let nodes = addresses(1);
    let mut damper = calm(&nodes);
    let mut all = Vec::new();
    for change in 1..=20 {
        let now_ms = change * 10_000;
        damper.observe(&nodes[0], change % 2 == 0, now_ms);
        all.extend(tell(&mut damper, now_ms));
    }
    assert_eq!(all, [What::Flapping { changes: 6 }]);
    assert_eq!(tell(&mut damper, 499_999), []);
    let calm = What::Calm {
        online: true,
        since_ms: 200_000,
    };
    assert_eq!(tell(&mut damper, 500_000), [calm]);
    assert_eq!(tell(&mut damper, 900_000), []);
}

#[test]
fn a_site_that_loses_its_line_is_told_at_once_and_together() {
    let nodes = addresses(14);
    let mut damper = calm(&nodes);
    // Silence is noticed at different times.
    for (place, node) in (0_i64..).zip(&nodes[..12]) {
        damper.observe(node, false, 1000 + place * 1000);
    }
    let mut told = Vec::new();
    for second in 0..120 {
        let news = tell(&mut damper, second * 1000);
        if !news.is_empty() {
            told.push(news.len());
        }
    }
    assert_eq!(told, [12]);
    // They come back one after the other, too.
    for (place, node) in (0_i64..).zip(&nodes[..12]) {
        let now_ms = 200_000 + place * 500;
        damper.observe(node, true, now_ms);
        told.push(tell(&mut damper, now_ms).len());
    }
    assert_eq!(told[1..].iter().filter(|count| **count > 0).count(), 1);
    assert_eq!(
        tell(&mut damper, 240_000).len() + told[1..].iter().sum::<usize>(),
        12
    );
}

#[test]
fn after_a_restart_nodes_have_time_to_come_back() {
    let nodes = addresses(2);
    let mut damper = Damper::new(LIMITS);
    let told = |online| Belief {
        online,
        flapping: false,
        since_ms: 0,
    };
    damper.resume(nodes[0].clone(), told(true), 1_000_000);
    damper.resume(nodes[1].clone(), told(false), 1_000_000);
    damper.observe(&nodes[0], false, 1_000_000);
    assert_eq!(tell(&mut damper, 1_000_000), []);
    damper.observe(&nodes[0], true, 1_050_000);
    assert_eq!(tell(&mut damper, 1_200_000), []);
    damper.observe(&nodes[1], true, 1_250_000);
    assert_eq!(tell(&mut damper, 1_250_000).len(), 1);
}

#[test]
fn a_thousand_nodes_cost_little() {
    let nodes = addresses(1000);
    let mut damper = calm(&nodes);
    for node in &nodes {
        damper.observe(node, false, 5000);
    }
    assert_eq!(tell(&mut damper, 35_000).len(), 1000);
    assert_eq!(tell(&mut damper, 36_000), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_told_is_true_and_never_twice(
        steps in proptest::collection::vec((0_i64..90_000, 0_usize..4, any::<bool>()), 1..80)
    ) {
        let nodes = addresses(4);
        let mut damper = calm(&nodes);
        let mut online = [true; 4];
        let mut changed = [0_i64; 4];
        let mut believed = [Some(true); 4];
        let mut now_ms = 0;
        let mut check = |damper: &mut Damper, now_ms: i64, online: &[bool; 4], changed: &[i64; 4]| {
            let news = damper.due(now_ms);
            damper.told(&news, now_ms);
            for News { address, what } in news {
                let place = nodes.iter().position(|node| *node == address).expect("ours");
                match what {
                    What::First => panic!("known from the start"),
                    What::Away { since_ms } => {
                        assert_eq!(believed[place], Some(true));
                        assert!(!online[place] && since_ms == changed[place]);
                        assert!(now_ms - since_ms >= LIMITS.away_after_ms);
                        believed[place] = Some(false);
                    }
                    What::Back { .. } => {
                        assert!(online[place] && believed[place] == Some(false));
                        believed[place] = Some(true);
                    }
                    What::Flapping { changes } => {
                        assert!(changes >= LIMITS.flapping_changes && believed[place].is_some());
                        believed[place] = None;
                    }
                    What::Calm { online: now, .. } => {
                        assert_eq!((believed[place], online[place]), (None, now));
                        believed[place] = Some(now);
                    }
                }
            }
        };
        for (wait_ms, place, is_online) in steps {
            let until_ms = now_ms + wait_ms;
            while now_ms + 1000 <= until_ms {
                now_ms += 1000;
                check(&mut damper, now_ms, &online, &changed);
            }
            now_ms = until_ms;
            if online[place] != is_online {
                online[place] = is_online;
                changed[place] = now_ms;
            }
            damper.observe(&nodes[place], is_online, now_ms);
            check(&mut damper, now_ms, &online, &changed);
        }
        // In the end, everybody knows how it is.
        for _ in 0..700 {
            now_ms += 1000;
            check(&mut damper, now_ms, &online, &changed);
        }
        prop_assert_eq!(believed.map(|known| known.unwrap_or(false)), online);
    }
}
