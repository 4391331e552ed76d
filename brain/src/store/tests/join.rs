//! Tokens are good once, names and addresses change with all that hangs on them.

use super::*;

contract!(
    a_token_is_good_for_one_node_in_its_time,
    a_renamed_node_keeps_its_tasks,
    a_node_goes_on_under_its_next_address,
);

fn node(address: &str, name: &str) -> NodeRecord {
    NodeRecord {
        address: address.to_owned(),
        name: name.to_owned(),
        tags: Vec::new(),
        dial: String::new(),
        enrolled_ms: NOW,
        facts: Vec::new(),
        last_seen_ms: 0,
    }
}

async fn commit(store: &Store, ops: Vec<Op>) -> Committed {
    store.commit(Unit::of(ops)).await.unwrap()
}

async fn a_token_is_good_for_one_node_in_its_time(place: &Place) {
    let store = place.open().await;
    let token = JoinToken {
        token_hash: "hash".to_owned(),
        name: String::new(),
        tags: vec!["web".to_owned(), "数据".to_owned()],
        script: "#!/bin/sh\n".to_owned(),
        room: room("1"),
        reply_to: "7".to_owned(),
        language: "zh".to_owned(),
        expires_ms: NOW + 10,
        node: None,
    };
    commit(&store, vec![Op::PutJoin(token.clone())]).await;
    assert_eq!(store.join_token("hash").await.unwrap(), Some(token.clone()));
    assert_eq!(store.join_token("other").await.unwrap(), None);
    let take = |node: &str, now_ms| {
        let take = Condition::TakeJoin {
            token_hash: "hash".to_owned(),
            node: node.to_owned(),
            now_ms,
        };
        vec![Op::PutNode(self::node(node, node)), Op::Require(take)]
    };
    assert_eq!(
        commit(&store, take("late", NOW + 10)).await,
        Committed::Unmet
    );
    assert_eq!(store.node("late").await.unwrap(), None, "nothing half done");
    assert_eq!(store.untold_joins().await.unwrap(), []);
    assert_eq!(commit(&store, take("a", NOW + 9)).await, Committed::Applied);
    assert_eq!(commit(&store, take("b", NOW + 9)).await, Committed::Unmet);
    let used = JoinToken {
        node: Some("a".to_owned()),
        ..token
    };
    assert_eq!(store.untold_joins().await.unwrap(), [used]);
    let tell = || {
        vec![Op::Require(Condition::TellJoin {
            token_hash: "hash".to_owned(),
        })]
    };
    assert_eq!(commit(&store, tell()).await, Committed::Applied);
    assert_eq!(commit(&store, tell()).await, Committed::Unmet);
    assert_eq!(store.untold_joins().await.unwrap(), []);
    store.close().await;
}

async fn a_renamed_node_keeps_its_tasks(place: &Place) {
    let store = place.open().await;
    let nodes = vec![
        Op::PutNode(node("1web", "web-1")),
        Op::PutNode(node("1db", "db-1")),
    ];
    commit(&store, nodes).await;
    let rename = |name: &str| {
        vec![Op::RenameNode {
            address: "1web".to_owned(),
            name: name.to_owned(),
        }]
    };
    let taken = store.commit(Unit::of(rename("db-1"))).await;
    assert!(matches!(taken, Err(StoreError::Conflict(_))), "{taken:?}");
    commit(&store, rename("front")).await;
    let tags = vec!["eu".to_owned()];
    let tag = Op::TagNode {
        address: "1web".to_owned(),
        tags: tags.clone(),
    };
    commit(&store, vec![tag]).await;
    let renamed = store.node("front").await.unwrap().unwrap();
    assert_eq!((renamed.address.as_str(), renamed.tags), ("1web", tags));
    assert_eq!(store.node("web-1").await.unwrap(), None);
    store.close().await;
}

async fn a_node_goes_on_under_its_next_address(place: &Place) {
    let store = place.open().await;
    commit(&store, vec![Op::PutNode(node("1old", "web-1"))]).await;
    let former = |old: &str, new: &str| FormerAddress {
        address: old.to_owned(),
        node: new.to_owned(),
        until_ms: NOW,
    };
    let succeed = |old, new| vec![Op::Require(Condition::SucceedNode(former(old, new)))];
    assert_eq!(
        commit(&store, succeed("1old", "1new")).await,
        Committed::Applied
    );
    // Whoever has the old key cannot name a second successor.
    assert_eq!(
        commit(&store, succeed("1old", "1thief")).await,
        Committed::Unmet
    );
    let moved = store.node("web-1").await.unwrap().unwrap();
    assert_eq!(moved.address, "1new");
    assert_eq!(
        store.former_addresses().await.unwrap(),
        [former("1old", "1new")]
    );
    store.close().await;
}
