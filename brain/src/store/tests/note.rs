//! Notes are read by those who may, changes have one order, and what a note was is kept.

use super::*;

contract!(
    only_members_read_a_notebook,
    changes_come_in_order_and_can_be_taken_back,
);

async fn commit(store: &Store, ops: Vec<Op>) -> Committed {
    store.commit(Unit::of(ops)).await.unwrap()
}

async fn account(store: &Store, name: &str) -> Account {
    store.identify(person(name), NOW).await.unwrap().1
}

fn notebook(number: i64, name: &str, owner: &Account) -> Notebook {
    Notebook {
        number,
        name: name.to_owned(),
        owner: owner.id.clone(),
        is_shared: number > 0,
        created_ms: NOW,
    }
}

fn note(number: i64, notebook: i64, author: &Account, text: &str) -> NoteRecord {
    let part = NotePart {
        text: text.to_owned(),
        author: author.id.clone(),
        time_ms: NOW,
    };
    NoteRecord {
        number,
        notebook,
        parts: vec![part],
        keys: vec!["服務器 ＤＢ".to_owned(), "NGINX".to_owned()],
        author: author.id.clone(),
        created_ms: NOW,
        updated_ms: NOW + number,
        removed_ms: None,
        sequence: 0,
    }
}

fn put(note: NoteRecord) -> Vec<Op> {
    vec![Op::PutNote(Box::new(note))]
}

fn numbers(notes: &[NoteRecord]) -> Vec<i64> {
    notes.iter().map(|note| note.number).collect()
}

async fn only_members_read_a_notebook(place: &Place) {
    let store = place.open().await;
    let (ann, bob) = (account(&store, "Ann").await, account(&store, "Bob").await);
    let personal = notebook(-ann.number, " ann", &ann);
    commit(&store, vec![Op::PutNotebook(personal.clone())]).await;
    commit(&store, vec![Op::PutNotebook(personal)]).await;
    commit(&store, vec![Op::PutNotebook(notebook(1, "ops", &ann))]).await;
    commit(&store, put(note(1, -ann.number, &ann, "mine\0"))).await;
    commit(&store, put(note(2, 1, &ann, "ours"))).await;
    assert!(store.notebook_exists("ops").await.unwrap());
    let taken = store
        .commit(Unit::of(vec![Op::PutNotebook(notebook(2, "ops", &bob))]))
        .await;
    assert!(matches!(taken, Err(StoreError::Conflict(_))), "{taken:?}");
    let sees = async |who: &Account| {
        let keyed = store.notes_by_key(&who.id, "服务器 db", 10).await.unwrap();
        let mut single = Vec::new();
        for number in [1, 2] {
            single.extend(store.note(&who.id, number).await.unwrap());
        }
        assert_eq!(
            numbers(&keyed),
            numbers(&single).into_iter().rev().collect::<Vec<_>>()
        );
        numbers(&single)
    };
    assert_eq!(sees(&ann).await, [1, 2]);
    assert_eq!(sees(&bob).await, Vec::<i64>::new());
    assert_eq!(store.notebooks_of(&bob.id).await.unwrap(), []);
    let member = |can_write| {
        vec![Op::PutMember {
            notebook: 1,
            account: bob.id.clone(),
            can_write,
        }]
    };
    for can_write in [false, true] {
        commit(&store, member(can_write)).await;
        assert_eq!(sees(&bob).await, [2]);
        let open = store.notebooks_of(&bob.id).await.unwrap();
        assert_eq!((open.len(), open[0].can_write), (1, can_write));
    }
    let drop = Op::DropMember {
        notebook: 1,
        account: bob.id.clone(),
    };
    commit(&store, vec![drop]).await;
    assert_eq!(sees(&bob).await, Vec::<i64>::new());
    let open = store.notebooks_of(&ann.id).await.unwrap();
    let open: Vec<_> = open
        .iter()
        .map(|open| (open.notebook.number, open.can_write))
        .collect();
    assert_eq!(open, [(-ann.number, true), (1, true)]);
    let first = store.notes_made_by(&ann.id, 0, 1).await.unwrap();
    let second = store.notes_made_by(&ann.id, 1, 1).await.unwrap();
    assert_eq!((numbers(&first), numbers(&second)), (vec![2], vec![1]));
}

async fn changes_come_in_order_and_can_be_taken_back(place: &Place) {
    let store = place.open().await;
    let ann = account(&store, "Ann").await;
    commit(&store, vec![Op::PutNotebook(notebook(1, "ops", &ann))]).await;
    for number in 1..=3 {
        commit(&store, put(note(number, 1, &ann, "first"))).await;
    }
    let all = store.note_changes(0, 10).await.unwrap();
    assert_eq!(numbers(&all), [1, 2, 3]);
    assert!(all.is_sorted_by_key(|note| note.sequence));
    let last = all[2].sequence;
    assert_eq!(store.note_before(&all[0]).await.unwrap(), None);
    let removed = NoteRecord {
        removed_ms: Some(NOW + 9),
        ..all[0].clone()
    };
    commit(&store, put(removed)).await;
    commit(&store, put(note(2, 1, &ann, "second"))).await;
    let later = store.note_changes(last, 10).await.unwrap();
    assert_eq!(numbers(&later), [1, 2]);
    assert_eq!(store.note_changes(last, 1).await.unwrap().len(), 1);
    assert_eq!(store.note(&ann.id, 1).await.unwrap(), None);
    assert!(store.any_note(&ann.id, 1).await.unwrap().is_some());
    let keyed = store.notes_by_key(&ann.id, "nginx", 10).await.unwrap();
    assert_eq!(numbers(&keyed), [3, 2]);
    assert_eq!(later[1].text(), "second");
    let before = store.note_before(&later[1]).await.unwrap().unwrap();
    assert_eq!((before.text().as_str(), before.removed_ms), ("first", None));
}
