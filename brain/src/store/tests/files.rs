//! Kept files: listed, found, renewed, shown, forgotten.

use super::*;

contract!(
    files_are_listed_as_asked,
    the_same_file_again_becomes_younger,
    a_message_shows_a_file,
    files_are_forgotten,
    what_waits_names_its_files,
);

fn file(number: i64, name: &str) -> FileRecord {
    FileRecord {
        number,
        hash: format!("{number:064}"),
        name: name.to_owned(),
        mime: "text/plain".to_owned(),
        size: 5_000_000_000,
        source: String::new(),
        account: AccountId::new(),
        room: room("r"),
        message: String::new(),
        job: 0,
        created_ms: NOW + number,
    }
}

fn put(file: &FileRecord) -> Op {
    Op::PutFile(Box::new(file.clone()))
}

async fn apply(store: &Store, ops: Vec<Op>) {
    let outcome = store.commit(Unit::of(ops)).await.unwrap();
    assert_eq!(outcome, Committed::Applied);
}

async fn numbers(store: &Store, filter: FileFilter) -> Vec<i64> {
    let files = store.files(&filter, 10).await.unwrap();
    files.iter().map(|file| file.number).collect()
}

async fn files_are_listed_as_asked(place: &Place) {
    let store = place.open().await;
    let mut files = [
        file(1, "Error.log"),
        file(2, "100%_done!.txt"),
        file(3, "日志 Ä.tar.gz"),
        file(4, "error.2"),
    ];
    files[1].room = room("other");
    files[2].room.thread = "t".to_owned();
    files[3].source = "web-1:/var/log/NGINX/error".to_owned();
    files[3].job = 7;
    apply(&store, files.iter().map(put).collect()).await;
    let all = store.files(&FileFilter::default(), 3).await.unwrap();
    assert_eq!(all, [files[3].clone(), files[2].clone(), files[1].clone()]);
    let oldest = store.oldest_files(2).await.unwrap();
    assert_eq!(oldest, files[..2]);
    let mut hashes = store.file_hashes().await.unwrap();
    hashes.sort();
    let mut expected: Vec<String> = files.iter().map(|file| file.hash.clone()).collect();
    expected.sort();
    expected.dedup();
    assert_eq!(hashes, expected);
    assert!(store.has_file_of(&files[0].hash).await.unwrap());
    assert!(!store.has_file_of("none").await.unwrap());
    let of_room = |name: &str, thread: &str| FileFilter {
        room: Some(RoomKey {
            thread: thread.to_owned(),
            ..room(name)
        }),
        ..FileFilter::default()
    };
    assert_eq!(numbers(&store, of_room("r", "")).await, [4, 1]);
    assert_eq!(numbers(&store, of_room("r", "t")).await, [3]);
    assert_eq!(numbers(&store, of_room("other", "t")).await, [0; 0]);
    let mine = FileFilter {
        account: Some(files[0].account.clone()),
        ..FileFilter::default()
    };
    assert_eq!(numbers(&store, mine).await, [1]);
    let with = |text: &str| FileFilter {
        text: text.to_owned(),
        ..FileFilter::default()
    };
    assert_eq!(numbers(&store, with("ERROR")).await, [4, 1]);
    assert_eq!(numbers(&store, with("nginx")).await, [4]);
    assert_eq!(numbers(&store, with("志 Ä.")).await, [3]);
    // Nothing in the text is a wildcard.
    for text in ["%", "_", "!", "0%_D"] {
        assert_eq!(numbers(&store, with(text)).await, [2], "{text}");
    }
    assert_eq!(store.file(3).await.unwrap().as_ref(), Some(&files[2]));
    assert_eq!(store.file(5).await.unwrap(), None);
    store.close().await;
}

async fn the_same_file_again_becomes_younger(place: &Place) {
    let store = place.open().await;
    let first = FileRecord {
        message: "m1".to_owned(),
        ..file(1, "a")
    };
    assert_eq!(store.same_file(&first).await.unwrap(), None);
    apply(&store, vec![put(&first)]).await;
    let again = FileRecord {
        number: 2,
        name: "b".to_owned(),
        message: String::new(),
        created_ms: NOW + 50,
        ..first.clone()
    };
    assert_eq!(store.same_file(&again).await.unwrap(), Some(1));
    apply(&store, vec![put(&again)]).await;
    let renewed = FileRecord {
        number: 1,
        message: "m1".to_owned(),
        ..again.clone()
    };
    assert_eq!(store.file(1).await.unwrap(), Some(renewed));
    assert_eq!(store.file(2).await.unwrap(), None);
    // Anywhere else, or from somewhere else, it is another.
    let elsewhere = FileRecord {
        number: 3,
        room: room("other"),
        ..first.clone()
    };
    let of_node = FileRecord {
        number: 4,
        source: "web-1:/a".to_owned(),
        ..first.clone()
    };
    let of_other = FileRecord {
        number: 5,
        account: AccountId::new(),
        ..first
    };
    apply(&store, vec![put(&elsewhere), put(&of_node), put(&of_other)]).await;
    assert_eq!(numbers(&store, FileFilter::default()).await, [5, 4, 3, 1]);
    store.close().await;
}

async fn a_message_shows_a_file(place: &Place) {
    let store = place.open().await;
    let kept = FileRecord {
        message: "m1".to_owned(),
        ..file(1, "a")
    };
    apply(&store, vec![put(&kept), put(&file(2, "b"))]).await;
    let shows = |hash: &str, room_name: &str, message: &str| Op::FileShown {
        hash: hash.to_owned(),
        room: room(room_name),
        message: message.to_owned(),
    };
    let ops = vec![
        shows(&kept.hash, "r", "m9"),
        shows(&kept.hash, "r", "m9"),
        // What is not kept here is shown by nothing.
        shows(&kept.hash, "other", "m9"),
        shows("unknown", "r", "m8"),
    ];
    apply(&store, ops).await;
    let number = async |room_name: &str, message: &str| {
        let found = store.file_of_message(&room(room_name), message).await;
        found.unwrap().map(|file| file.number)
    };
    // The one that brought it, and the one that showed it later.
    assert_eq!(number("r", "m1").await, Some(1));
    assert_eq!(number("r", "m9").await, Some(1));
    for (room_name, message) in [("other", "m9"), ("r", "m8"), ("r", "")] {
        assert_eq!(number(room_name, message).await, None, "{message}");
    }
    apply(&store, vec![Op::DropFile { number: 1 }]).await;
    assert_eq!(number("r", "m1").await, None);
    store.close().await;
}

async fn files_are_forgotten(place: &Place) {
    let store = place.open().await;
    let twin = FileRecord {
        hash: file(1, "a").hash,
        ..file(2, "twin")
    };
    let files = [file(1, "a"), twin, file(3, "c"), file(4, "d"), file(5, "e")];
    apply(&store, files.iter().map(put).collect()).await;
    apply(&store, vec![Op::DropFile { number: 4 }]).await;
    assert_eq!(numbers(&store, FileFilter::default()).await, [5, 3, 2, 1]);
    let hash = files[0].hash.clone();
    apply(&store, vec![Op::DropFilesOf { hash }]).await;
    assert_eq!(numbers(&store, FileFilter::default()).await, [5, 3]);
    let before_ms = files[4].created_ms;
    apply(&store, vec![Op::DropOldFiles { before_ms }]).await;
    assert_eq!(numbers(&store, FileFilter::default()).await, [5]);
    store.close().await;
}

async fn what_waits_names_its_files(place: &Place) {
    let store = place.open().await;
    let question = |id: &str, blob: &str, expires_ms| {
        Op::PutQuestion(Question {
            id: id.to_owned(),
            account: AccountId::new(),
            room: room("r"),
            command: "put".to_owned(),
            data: json!({ "blob": blob }),
            created_ms: NOW,
            expires_ms,
        })
    };
    let dialog = Op::PutDialog(Dialog {
        account: AccountId::new(),
        room: room("r"),
        kind: "file".to_owned(),
        data: json!({ "blob": "of-dialog" }),
        expires_ms: NOW + 5,
    });
    let ops = vec![
        question("a", "of-question", NOW + 10),
        question("b", "of-old-question", NOW),
        dialog,
    ];
    apply(&store, ops).await;
    let waiting = |now_ms| store.waiting_data(now_ms);
    let text = waiting(NOW).await.unwrap().join(" ");
    assert!(
        text.contains("of-question") && text.contains("of-dialog"),
        "{text}"
    );
    assert!(!text.contains("of-old-question"), "{text}");
    assert_eq!(waiting(NOW + 5).await.unwrap().len(), 1);
    assert_eq!(waiting(NOW + 10).await.unwrap(), [""; 0]);
    store.close().await;
}
