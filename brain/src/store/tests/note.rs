//! Notes are read by those who may, changes have one order, and what a note was is kept.

use super::*;

contract!(
    only_members_read_a_notebook,
    changes_come_in_order_and_can_be_taken_back,
    files_stay_while_a_note_needs_them,
    links_lead_only_to_what_may_be_read,
    a_notebook_that_learns_a_word_has_its_notes_looked_at_anew,
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
        said_by: String::new(),
        files: Vec::new(),
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
        changed_by: author.id.clone(),
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

async fn files_stay_while_a_note_needs_them(place: &Place) {
    let store = place.open().await;
    let ann = account(&store, "Ann").await;
    commit(&store, vec![Op::PutNotebook(notebook(1, "ops", &ann))]).await;
    let file = |hash: &str| NoteFile {
        blob: hash.to_owned(),
        name: "report.pdf".to_owned(),
        mime: String::new(),
        size: 3,
    };
    let mut with_files = note(1, 1, &ann, "two files");
    with_files.parts[0].files = vec![file("aa"), file("bb"), file("aa")];
    with_files.parts[0].said_by = "Carol".to_owned();
    commit(&store, put(with_files.clone())).await;
    let said = |hash: &str, text: &str| {
        vec![Op::PutFileText(FileText {
            hash: hash.to_owned(),
            text: text.to_owned(),
            created_ms: NOW,
        })]
    };
    for (hash, text) in [("aa", "old"), ("aa", "out of disk"), ("cc", "a draft")] {
        commit(&store, said(hash, text)).await;
    }
    let kept = store.note(&ann.id, 1).await.unwrap().unwrap();
    assert_eq!(kept.parts, with_files.parts);
    let hashes = async || {
        let mut hashes = store.note_file_hashes().await.unwrap();
        hashes.sort();
        hashes
    };
    assert_eq!(hashes().await, ["aa", "bb"]);
    let texts = async || {
        let all = ["aa", "bb", "cc"].map(str::to_owned);
        let texts = store.file_texts(&all).await.unwrap();
        let mut texts: Vec<String> = texts.into_values().collect();
        texts.sort();
        texts
    };
    assert_eq!(texts().await, ["a draft", "out of disk"]);
    // One file less; it can still be taken back.
    let mut fewer = with_files.clone();
    fewer.parts[0].files = vec![file("aa")];
    fewer.updated_ms = NOW + 100;
    commit(&store, put(fewer.clone())).await;
    commit(&store, vec![Op::ForgetNoteFiles { before_ms: NOW }]).await;
    assert_eq!(hashes().await, ["aa", "bb"]);
    let before_ms = NOW + 101;
    commit(&store, vec![Op::ForgetNoteFiles { before_ms }]).await;
    assert_eq!(hashes().await, ["aa"]);
    assert_eq!(texts().await, ["out of disk"]);
    let removed = NoteRecord {
        removed_ms: Some(NOW + 200),
        updated_ms: NOW + 200,
        ..fewer.clone()
    };
    commit(&store, put(removed)).await;
    assert_eq!(hashes().await, ["aa"], "it can be taken back");
    commit(&store, put(fewer)).await;
    let before_ms = NOW + 1000;
    commit(&store, vec![Op::ForgetNoteFiles { before_ms }]).await;
    assert_eq!(hashes().await, ["aa"], "it was taken back");
    let versions = store
        .note_versions(&store.note(&ann.id, 1).await.unwrap().unwrap(), 2)
        .await
        .unwrap();
    let states: Vec<_> = versions
        .iter()
        .map(|version| (version.place, version.note.removed_ms.is_some()))
        .collect();
    assert_eq!(states, [(3, true), (2, false)]);
    let now = store.note(&ann.id, 1).await.unwrap().unwrap();
    let first = store.note_version(&now, 1).await.unwrap().unwrap();
    assert_eq!(first.parts, with_files.parts);
    assert_eq!(store.note_version(&now, 9).await.unwrap(), None);
}

async fn links_lead_only_to_what_may_be_read(place: &Place) {
    let store = place.open().await;
    let (ann, bob) = (account(&store, "Ann").await, account(&store, "Bob").await);
    for (number, name) in [(1, "ops"), (2, "secret")] {
        commit(&store, vec![Op::PutNotebook(notebook(number, name, &ann))]).await;
    }
    let member = Op::PutMember {
        notebook: 1,
        account: bob.id.clone(),
        can_write: false,
    };
    commit(&store, vec![member]).await;
    let mut target = note(1, 1, &ann, "重啟 Gateway\nsteps");
    target.keys = vec!["gw".to_owned()];
    commit(&store, put(target.clone())).await;
    let links = [
        (2, 1, "see [[重启 gateway]]"),
        (3, 2, "see [[GW]]"),
        (4, 2, "[[#1]]"),
    ];
    for (number, notebook, text) in links {
        let mut from = note(number, notebook, &ann, text);
        from.keys.clear();
        commit(&store, put(from)).await;
    }
    let back = async |who: &Account| {
        let back = store.notes_linking_to(&who.id, &target, 10).await.unwrap();
        numbers(&back)
    };
    assert_eq!(back(&ann).await, [4, 3, 2]);
    assert_eq!(back(&bob).await, [2]);
    for name in ["重启 gateway", "gw", "1"] {
        let found = store.notes_named(&bob.id, name, 10).await.unwrap();
        assert_eq!(numbers(&found), [1], "{name}");
    }
    assert_eq!(store.notes_named(&bob.id, "3", 10).await.unwrap(), []);
    assert_eq!(store.notes_named(&bob.id, "nothing", 10).await.unwrap(), []);
    let keys = store.keys_in(1, 10).await.unwrap();
    assert_eq!(keys, [("gw".to_owned(), 1)]);
    let asked = ["no".to_owned(), "GW".to_owned()];
    let keyed = store.notes_keyed_in(1, &asked, 10).await.unwrap();
    assert_eq!(numbers(&keyed), [1]);
    let like = store.notes_like_message(1, "重启 gateway", "", 10).await;
    assert_eq!(numbers(&like.unwrap()), [1]);
    assert_eq!(
        store.about_notebook(1).await.unwrap(),
        (2, vec![(bob.id.clone(), false)])
    );
    let removed = NoteRecord {
        removed_ms: Some(NOW),
        ..target.clone()
    };
    commit(&store, put(removed)).await;
    assert_eq!(store.notes_named(&ann.id, "gw", 10).await.unwrap(), []);
}

async fn a_notebook_that_learns_a_word_has_its_notes_looked_at_anew(place: &Place) {
    let store = place.open().await;
    let ann = account(&store, "Ann").await;
    for (number, name) in [(1, "ops"), (2, "other")] {
        commit(&store, vec![Op::PutNotebook(notebook(number, name, &ann))]).await;
    }
    for (number, notebook) in [(1, 1), (2, 2), (3, 1)] {
        commit(&store, put(note(number, notebook, &ann, "x"))).await;
    }
    let last = store.note_changes(0, 10).await.unwrap()[2].sequence;
    let word = |is_known| Op::PutWord {
        notebook: 1,
        word: "龙门架".to_owned(),
        is_known,
    };
    let pair = |is_known| Op::PutSynonym {
        notebook: 1,
        word: "kubernetes".to_owned(),
        other: "k8s".to_owned(),
        is_known,
    };
    let touch = Op::TouchNotes { notebook: 1 };
    commit(
        &store,
        vec![word(true), word(true), pair(true), touch.clone()],
    )
    .await;
    let again = store.note_changes(last, 10).await.unwrap();
    assert_eq!(numbers(&again), [1, 3]);
    commit(&store, put(note(2, 2, &ann, "y"))).await;
    let after = again[1].sequence;
    assert_eq!(numbers(&store.note_changes(after, 10).await.unwrap()), [2]);
    assert_eq!(store.notebook_words(1).await.unwrap(), ["龙门架"]);
    assert_eq!(store.notebook_words(2).await.unwrap(), Vec::<String>::new());
    let same = ("k8s".to_owned(), "kubernetes".to_owned());
    assert_eq!(
        store.notebook_synonyms(1).await.unwrap(),
        std::slice::from_ref(&same)
    );
    let (k8s, kubernetes) = same;
    assert_eq!(
        store.synonyms_for(&ann.id).await.unwrap(),
        [(1, k8s, kubernetes)]
    );
    commit(&store, vec![word(false), pair(false), touch]).await;
    assert_eq!(store.notebook_words(1).await.unwrap(), Vec::<String>::new());
    assert_eq!(store.notebook_synonyms(1).await.unwrap(), []);
    let empty = Op::TouchNotes { notebook: 9 };
    commit(&store, vec![empty]).await;
    assert_eq!(store.note_before(&again[0]).await.unwrap(), None);
}
