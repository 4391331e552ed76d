//! Notes page by page for those who may read them, and what imports did to them.

use super::*;

contract!(
    pages_are_for_readers_only,
    what_an_import_did_is_known,
    two_writers_number_changes_in_the_order_of_their_commits,
);

async fn account(store: &Store, name: &str) -> Account {
    store.identify(person(name), NOW).await.unwrap().1
}

fn note(number: i64, author: &Account, text: &str) -> Op {
    let part = NotePart {
        text: text.to_owned(),
        author: author.id.clone(),
        time_ms: NOW,
        said_by: String::new(),
        files: Vec::new(),
    };
    Op::PutNote(Box::new(NoteRecord {
        number,
        notebook: 1,
        parts: vec![part],
        keys: Vec::new(),
        author: author.id.clone(),
        created_ms: NOW,
        updated_ms: NOW,
        removed_ms: None,
        sequence: 0,
        changed_by: author.id.clone(),
    }))
}

async fn ops(store: &Store) -> Account {
    let ann = account(store, "Ann").await;
    let notebook = Notebook {
        number: 1,
        name: "ops".to_owned(),
        owner: ann.id.clone(),
        is_shared: true,
        created_ms: NOW,
    };
    let put = Unit::of(vec![Op::PutNotebook(notebook)]);
    store.commit(put).await.unwrap();
    ann
}

async fn pages_are_for_readers_only(place: &Place) {
    let store = place.open().await;
    let (ann, bob) = (ops(&store).await, account(&store, "Bob").await);
    for number in 1..=5 {
        store
            .commit(Unit::of(vec![note(number, &ann, "x")]))
            .await
            .unwrap();
    }
    let page = async |who: &Account, after| {
        let notes = store.notes_of_notebook(&who.id, 1, after, 2).await.unwrap();
        notes.iter().map(|note| note.number).collect::<Vec<_>>()
    };
    assert_eq!(page(&ann, i64::MIN).await, [1, 2]);
    assert_eq!(page(&ann, 4).await, [5]);
    assert_eq!(page(&bob, i64::MIN).await, [0_i64; 0]);
    let share = Op::PutMember {
        notebook: 1,
        account: bob.id.clone(),
        can_write: false,
    };
    store.commit(Unit::of(vec![share])).await.unwrap();
    assert_eq!(page(&bob, 2).await, [3, 4]);
    let first = store.next_numbers("x", 10).await.unwrap();
    let after = store.next_number("x").await.unwrap();
    assert_eq!((first, after), (1, 11));
}

async fn what_an_import_did_is_known(place: &Place) {
    let store = place.open().await;
    let ann = ops(&store).await;
    store
        .commit(Unit::of(vec![note(1, &ann, "before")]))
        .await
        .unwrap();
    let before = store.last_note_change().await.unwrap();
    let import = NoteImport {
        number: 7,
        account: ann.id.clone(),
        room: room("r1"),
        room_kind: RoomKind::Private,
        reply_to: "m".to_owned(),
        language: "zh".to_owned(),
        file: "ff".to_owned(),
        name: "notes.xlsx".to_owned(),
        notebook: None,
        replaces: true,
        state: ImportState::Running,
        created_ms: NOW,
    };
    let did = |note, before| Op::NoteImported {
        import: 7,
        note,
        before,
    };
    let unit = vec![
        Op::PutImport(Box::new(import.clone())),
        note(1, &ann, "after"),
        did(1, Some(before)),
        note(2, &ann, "new"),
        did(2, None),
    ];
    store.commit(Unit::of(unit)).await.unwrap();
    let open = store.open_note_imports().await.unwrap();
    assert_eq!(open, std::slice::from_ref(&import));
    let imported = |note, before, changed_since| Imported {
        note,
        before,
        changed_since,
    };
    let did = store.imported_notes(7, i64::MIN, 10).await.unwrap();
    assert_eq!(
        did,
        [imported(1, Some(before), false), imported(2, None, false)]
    );
    assert_eq!(store.imported_notes(7, 1, 10).await.unwrap().len(), 1);
    let was = store.note_at(&ann.id, 1, before).await.unwrap().unwrap();
    assert_eq!(was.text(), "before");
    for number in [1, 2] {
        store
            .commit(Unit::of(vec![note(number, &ann, "since")]))
            .await
            .unwrap();
    }
    let did = store.imported_notes(7, i64::MIN, 10).await.unwrap();
    assert_eq!(
        did,
        [imported(1, Some(before), true), imported(2, None, true)]
    );
    let ended = NoteImport {
        state: ImportState::Done,
        ..import
    };
    store
        .commit(Unit::of(vec![Op::PutImport(Box::new(ended.clone()))]))
        .await
        .unwrap();
    assert_eq!(store.open_note_imports().await.unwrap(), []);
    assert_eq!(store.note_import(7).await.unwrap(), Some(ended));
}

/// Whoever polls for changes after the last one must not miss one that was committed later.
async fn two_writers_number_changes_in_the_order_of_their_commits(place: &Place) {
    let store = place.open().await;
    if !store.may_have_company() {
        return;
    }
    let ann = ops(&store).await;
    let writers = [place.open().await, place.open().await, place.open().await];
    let writing = writers
        .iter()
        .zip([1_000, 2_000, 3_000])
        .map(|(writer, first)| {
            let ann = ann.clone();
            async move {
                for number in first..first + 60 {
                    let unit = vec![note(number, &ann, "a"), note(number, &ann, "b")];
                    writer.commit(Unit::of(unit)).await.unwrap();
                }
            }
        });
    let writing = futures::future::join_all(writing);
    let polling = async {
        let (mut taken, mut met) = (0, std::collections::BTreeSet::new());
        while met.len() < 180 {
            for note in store.note_changes(taken, 7).await.unwrap() {
                taken = note.sequence;
                met.insert(note.number);
            }
        }
    };
    let both = futures::future::join(writing, polling);
    tokio::time::timeout(std::time::Duration::from_secs(60), both)
        .await
        .unwrap();
}
