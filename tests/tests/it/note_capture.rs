//! Notes as they are caught in a chat: answers, messages that are passed on, notes of a whole group,
//! changes and their history, links, notebooks as the predecessor had them, and words that they learn.

use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::site::TelegramSite;
use jarvis_tests::telegram::{FakeTelegram, Settings};
use sqlx::{Connection as _, SqliteConnection};

/// A site whose bot sees all that is said in groups.
async fn open_site() -> TelegramSite {
    let settings = Settings {
        privacy: false,
        ..Settings::default()
    };
    let telegram = FakeTelegram::start_with(settings).await.unwrap();
    TelegramSite::on(telegram, &[]).await.unwrap()
}

#[tokio::test]
async fn an_answer_saves_the_message_with_its_author_and_its_files() {
    let mut site = TelegramSite::with_nodes(&[]).await.unwrap();
    let ann = site.person_with_role("Ann", "member").await;
    let bob = site.person_with_role("Bob", "member").await;
    let group = site.telegram.group("Ops");
    let said = bob.says_in(&group, "the gateway needs a restart after every deploy");
    ann.replies_in(&group, said, "/note -k gw mind the order");
    ann.sees_in(&group, "Saved note 1 · gw").await;
    let sent = bob.sends_file_in(&group, "plan.md", "# Umzug\n先停服务器", "");
    ann.replies_in(&group, sent, "/note");
    let saved = ann.sees_in(&group, "Saved note 2").await;
    assert!(saved.text.contains("plan.md (23 B)"), "{}", saved.text);
    ann.says("/shownote 1");
    let shown = ann.sees("note 1").await.text;
    for part in ["Bob, ", "after every deploy", "you, ", "mind the order"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    ann.says("/find by:Bob restart");
    ann.sees("1 note for").await;
    ann.says("/find has:file");
    let found = ann.sees("1 note for").await.text;
    assert!(found.contains("#2 plan.md · 1 file"), "{found}");
    ann.says("/find 服務器");
    let found = ann.sees("1 note for").await.text;
    assert!(
        found.contains("plan.md: ") && found.contains("服务器"),
        "{found}"
    );
    ann.says("/shownote 2");
    assert_eq!(
        ann.gets_file("plan.md").await,
        "# Umzug\n先停服务器".as_bytes()
    );
    // What the bot itself said, and what says nothing.
    ann.says("/version");
    let version = ann.sees("Jarvis").await;
    ann.replies_in(ann.room(), version.message, "/note -k release");
    ann.sees("Saved note 3").await;
    ann.says("release");
    ann.sees("Jarvis, ").await;
    bob.says("/find restart");
    bob.sees("No note that you can read fits").await;
}

#[tokio::test]
async fn messages_that_are_passed_on_keep_their_authors() {
    let mut site = TelegramSite::with_nodes(&[]).await.unwrap();
    let ann = site.person_with_role("Ann", "member").await;
    let bob = site.person_with_role("Bob", "member").await;
    let group = site.telegram.group("Ops");
    let first = bob.says_in(&group, "/run is what I would say");
    ann.says("/note");
    ann.sees("every message is part of the note").await;
    ann.forwards(&group, first);
    ann.sees("Part 1.").await;
    ann.forwards_of_hidden("张三", "磁盘满了");
    ann.sees("Part 2.").await;
    ann.sends_photo(vec![0xff, 0xd8, 1, 2], "the rack");
    let part = ann.sees("Part 3.").await.text;
    assert!(part.contains("📎 photo-"), "{part}");
    site.site.kill_brain().await.unwrap();
    site.site.start_brain().await.unwrap();
    ann.says("/note");
    ann.sees("open here already, with 3 parts").await;
    let _ = ann.presses("end of text");
    ann.sees("Now its keys").await;
    let _ = ann.presses("save");
    ann.sees("Saved note 1").await;
    ann.says("/shownote 1");
    let shown = ann.sees("note 1").await.text;
    for part in [
        "Bob, ",
        "/run is what",
        "张三, ",
        "磁盘满了",
        "you, ",
        "the rack",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    ann.sees_where(ann.room(), "the picture", |entry| {
        entry
            .file
            .as_deref()
            .is_some_and(|name| name.starts_with("photo-"))
    })
    .await;
    for found in ["by:Bob", "张三", "cpm", "has:file rack"] {
        ann.says(&format!("/find {found}"));
        ann.sees("1 note for").await;
    }
}

#[tokio::test]
async fn a_groups_note_takes_in_its_writer_and_who_speaks_to_it() {
    let mut site = open_site().await;
    let ann = site.person_with_role("Ann", "member").await;
    let bob = site.person_with_role("Bob", "member").await;
    let stranger = site.telegram.person("Eve");
    let group = site.telegram.group("Ops");
    ann.says_in(&group, "/note");
    let begun = ann.sees_in(&group, "Ann writes a note here").await;
    ann.says_in(&group, "first the database");
    bob.says_in(&group, "is anybody hungry?");
    bob.replies_in(&group, begun.message, "then the gateway");
    bob.sees_in(&group, "Part 2.").await;
    stranger.replies_in(&group, begun.message, "and my advertisement");
    bob.says_in(&group, "/endnote");
    bob.sees_in(&group, "Only Ann ends it").await;
    bob.says_in(&group, "/note");
    bob.sees_in(&group, "Ann has a note open here").await;
    ann.says_in(&group, "endnote");
    let asked = ann.sees_in(&group, "answer me with them").await;
    ann.says_in(&group, "let us have lunch");
    ann.replies_in(&group, asked.message, "deploy, order");
    ann.sees_in(&group, "Keys: deploy order").await;
    ann.says_in(&group, "/endkey");
    ann.sees_in(&group, "Saved note 1 · deploy order").await;
    ann.says_in(&group, "after the note");
    ann.says("/shownote 1");
    let shown = ann.sees("note 1").await.text;
    for part in ["first the database", "Bob, ", "then the gateway"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    for part in ["hungry", "advertisement", "lunch", "after the note"] {
        assert!(!shown.contains(part), "{part}: {shown}");
    }
    bob.says("/shownote 1");
    bob.sees("There is no note 1").await;
}

#[tokio::test]
async fn a_note_left_open_for_a_week_is_saved_as_far_as_it_went() {
    let jarvis = Jarvis::new().unwrap();
    let mut brain = jarvis.brain().await.unwrap();
    let mut ann = jarvis.chat().unwrap();
    ann.says("note -k later").await;
    ann.sees("every message is part").await;
    ann.says("half a thought").await;
    ann.sees("Part 1.").await;
    brain.kill().await.unwrap();
    let path = format!("sqlite:{}", jarvis.data().join("jarvis.db").display());
    let mut store = SqliteConnection::connect(&path).await.unwrap();
    let data: String = sqlx::query_scalar("SELECT data FROM dialog")
        .fetch_one(&mut store)
        .await
        .unwrap();
    let mut draft: serde_json::Value = serde_json::from_str(&data).unwrap();
    let week_ago = draft["touched_ms"].as_i64().unwrap() - 7 * 24 * 3600 * 1000;
    draft["touched_ms"] = week_ago.into();
    sqlx::query("UPDATE dialog SET data = $1")
        .bind(draft.to_string())
        .execute(&mut store)
        .await
        .unwrap();
    store.close().await.unwrap();
    let _brain = jarvis.brain().await.unwrap();
    ann.says("version").await;
    ann.sees("Saved note 1 · later").await;
    ann.sees("as far as it went").await;
    ann.sees("Jarvis 0.").await;
    ann.says("later").await;
    ann.sees("half a thought").await;
}

#[tokio::test]
async fn a_note_grows_and_each_of_its_states_comes_back() {
    let mut site = TelegramSite::with_nodes(&[]).await.unwrap();
    let ann = site.person_with_role("Ann", "member").await;
    let bob = site.person_with_role("Bob", "member").await;
    ann.says("/notebook new ops");
    ann.sees("Made the notebook ops").await;
    ann.says("/notebook share ops Bob --write");
    ann.sees("and write in it now").await;
    ann.says("/note --nb ops look at the pool");
    ann.sees("Saved note 1 · ops").await;
    bob.says("/append 1 and at the queue");
    bob.sees("Added to note 1").await;
    bob.sends_file("queue.csv", "name,depth\nmails,4711", "/append 1");
    let added = bob.sees("Added to note 1").await.text;
    assert!(added.contains("queue.csv"), "{added}");
    ann.says("/tagnote 1 pool queue");
    ann.sees("Keys of note 1: pool queue").await;
    ann.says("/untagnote 1 POOL");
    ann.sees("Keys of note 1: queue").await;
    ann.says("/find tag:queue depth");
    ann.sees("1 note for").await;
    ann.says("/editnote 1 all is well");
    ann.sees("Changed note 1").await;
    ann.says("/find has:file well");
    ann.sees("1 note for").await;
    ann.says("/note history 1");
    let history = ann.sees("newest first").await;
    for row in [
        "6. all is well · you",
        "3. look at the pool",
        "Bob, ",
        "1. look at the pool · you",
    ] {
        assert!(history.text.contains(row), "{row}: {}", history.text);
    }
    let _ = ann.presses("back to 2");
    ann.sees("Note 1 is as it was in state 2").await;
    ann.says("/shownote 1");
    let shown = ann.sees("note 1").await.text;
    assert!(
        shown.contains("and at the queue") && !shown.contains("queue.csv"),
        "{shown}"
    );
    ann.says("/undonote 1");
    ann.sees("Note 1 is as it was before").await;
    ann.says("/shownote 1");
    assert_eq!(
        ann.gets_file("queue.csv").await,
        "name,depth\nmails,4711".as_bytes()
    );
    ann.says("/undonote 1 --to 77");
    ann.sees("was never in a state 77").await;
    ann.says("/notebook unshare ops Bob");
    ann.sees("cannot read ops any more").await;
    for asked in [
        "/notehistory 1",
        "/undonote 1 --to 2",
        "/append 1 x",
        "/tagnote 1 x",
    ] {
        bob.says(asked);
        bob.sees("There is no note 1").await;
    }
}

#[tokio::test]
async fn links_are_shown_in_both_directions_to_those_who_may_read_both_ends() {
    let mut site = TelegramSite::with_nodes(&[]).await.unwrap();
    let ann = site.person_with_role("Ann", "member").await;
    let bob = site.person_with_role("Bob", "member").await;
    ann.says("/notebook new ops");
    ann.sees("Made the notebook ops").await;
    ann.says("/notebook share ops Bob");
    ann.sees("Bob can read ops now").await;
    ann.says("/note --nb ops -k gw 網關重啟\nfirst drain it");
    ann.sees("Saved note 1").await;
    ann.says("/note --nb ops see [[网关重启]] and [[nothing here]]");
    let saved = ann.sees("Saved note 2").await.text;
    assert!(saved.contains("is called [[nothing here]] yet"), "{saved}");
    assert!(!saved.contains("[[网关重启]]"), "{saved}");
    ann.says("/note the password is in [[GW]], as [[#2]] says");
    ann.sees("Saved note 3").await;
    ann.says("/shownote 1");
    let shown = ann.sees("note 1").await.text;
    assert!(
        shown.contains("linked from #2") && shown.contains("linked from #3"),
        "{shown}"
    );
    ann.says("/shownote 2");
    let shown = ann.sees("note 2").await.text;
    assert!(shown.contains("[[网关重启]] → #1 網關重啟"), "{shown}");
    assert!(shown.contains("[[nothing here]] → nothing yet"), "{shown}");
    bob.says("/shownote 1");
    let shown = bob.sees("note 1").await.text;
    assert!(
        shown.contains("linked from #2") && !shown.contains("#3"),
        "{shown}"
    );
    bob.says("/note mine is [[gw]] too");
    let saved = bob.sees("Saved note 4").await.text;
    assert!(!saved.contains("yet"), "{saved}");
    ann.says("/notebook unshare ops Bob");
    ann.sees("cannot read ops any more").await;
    bob.says("/shownote 4");
    let shown = bob.sees("note 4").await.text;
    assert!(
        shown.contains("[[gw]] → nothing yet") && !shown.contains("網關"),
        "{shown}"
    );
    ann.says("/delnote 1");
    ann.sees("Removed note 1").await;
    ann.says("/shownote 2");
    ann.sees("[[网关重启]] → nothing yet").await;
}

#[tokio::test]
async fn notebooks_are_used_as_the_predecessor_had_them() {
    let mut site = TelegramSite::with_nodes(&[]).await.unwrap();
    let ann = site.person_with_role("Ann", "member").await;
    let bob = site.person_with_role("Bob", "member").await;
    let group = site.telegram.group("Readers");
    let [one, two] = ["Akira, volume 1", "Akira, volume 2"].map(|said| bob.says_in(&group, said));
    ann.says("note -m new -n Comic");
    ann.sees("Made the notebook comic").await;
    ann.says("note -m new -n comic");
    ann.sees("is taken").await;
    ann.says("note -m forward -n comic");
    ann.sees("Which keys?").await;
    ann.says("note -m forward -n comic -k akira -k otomo");
    ann.sees("each becomes a note in comic").await;
    for (number, message) in [(1, one), (2, two)] {
        ann.forwards(&group, message);
        ann.sees(&format!("Saved note {number} · comic · akira otomo"))
            .await;
    }
    // The first message that is not passed on ends it, and counts.
    ann.says("note -m keys -n comic");
    ann.sees("akira (2) · otomo (2)").await;
    ann.says("note -m search -n comic -k nobody -k AKIRA");
    let found = ann.sees("volume 1").await.text;
    assert!(
        found.contains("volume 2") && found.contains("Bob, "),
        "{found}"
    );
    ann.says("note -m search -n comic volume");
    ann.sees("2 notes for").await;
    ann.says_in(&group, "/note -m search -n comic -k akira");
    ann.sees_in(&group, "where only you and I are").await;
    ann.sees("volume 1").await;
    assert_eq!(group.count("volume 1"), 0);
    ann.says("note -m info -n comic");
    ann.sees("comic · made by you · notes: 2 · keys: 2").await;
    ann.says("note -m rmmsg -n comic");
    ann.sees("what shall go from comic").await;
    ann.forwards(&group, one);
    ann.sees("Removed note 1").await;
    ann.forwards(&group, one);
    ann.sees("No note there says just that").await;
    ann.says("endnote");
    ann.sees("That was all").await;
    ann.says("note -m rmkeys -n comic -k otomo");
    ann.sees("from 1 note of comic. Keys left: akira").await;
    ann.says("note -m search -n comic -k otomo");
    ann.sees("comic has no note with otomo").await;
    ann.says("note -m info");
    ann.sees("Which notebook?").await;
    for mode in ["info", "keys", "search", "rmkeys", "forward", "rmmsg"] {
        bob.says(&format!("/note -m {mode} -n comic -k akira"));
        bob.sees("You have no notebook comic").await;
    }
    ann.says_in(&group, "/note -m forward -n comic -k x");
    ann.sees_in(&group, "where only you and I are: ").await;
}

#[tokio::test]
async fn a_notebook_learns_words_and_what_means_the_same() {
    let jarvis = Jarvis::new().unwrap();
    let _brain = jarvis.brain().await.unwrap();
    let mut ann = jarvis.chat().unwrap();
    for said in ["notebook new ops", "notebook new other"] {
        ann.says(said).await;
        ann.sees("Made the notebook").await;
    }
    for said in [
        "note --nb ops 先停服务器再重启",
        "note --nb ops kubernetes 升级",
    ] {
        ann.says(said).await;
        ann.sees("Saved note").await;
    }
    ann.says("find tf").await;
    ann.sees("No note that you can read fits").await;
    ann.says("notebook words ops 停服").await;
    ann.sees("ops knows 停服 now").await;
    ann.says("find tf").await;
    ann.sees("#1 ").await;
    ann.says("find k8s").await;
    ann.sees("No note that you can read fits").await;
    ann.says("notebook synonym ops K8s kubernetes").await;
    ann.sees("k8s = kubernetes from now on").await;
    ann.says("find k8s").await;
    ann.sees("#2 ").await;
    ann.says("find k8s nb:other").await;
    ann.sees("No note that you can read fits").await;
    ann.says("notebook words ops").await;
    ann.sees("ops knows: 停服").await;
    ann.says("notebook synonym ops").await;
    ann.sees("k8s = kubernetes").await;
    ann.says("notebook words ops 停服 --remove").await;
    ann.sees("no longer knows").await;
    ann.says("find tf").await;
    ann.sees("No note that you can read fits").await;
    ann.says("notebook synonym ops k8s --remove").await;
    ann.sees("no longer").await;
    ann.says("find k8s").await;
    ann.sees("No note that you can read fits").await;
    for bad in ["notebook words ops \"two words\"", "notebook words ops !!!"] {
        ann.says(bad).await;
        ann.sees("no single word").await;
    }
    ann.says("notebook synonym ops alone").await;
    ann.sees("Two to 8 words").await;
    ann.says("notebook words me 停服").await;
    ann.sees("me knows 停服 now").await;
}

#[tokio::test]
async fn odd_input_is_answered_and_harms_nothing() {
    let jarvis = Jarvis::new().unwrap();
    let _brain = jarvis.brain().await.unwrap();
    let mut ann = jarvis.chat().unwrap();
    let told = |text: &str| text.to_owned();
    let cases = [
        (
            told("note -k \"\" \u{202e}evil\u{202c} ends\u{7}here"),
            "Saved note 1",
        ),
        (told("find ends"), "#1 "),
        (told("find AND OR NOT - * ( )"), "What should I look for?"),
        (
            told("find \"unbalanced ends"),
            "No note that you can read fits",
        ),
        (told("find \"evil"), "1 note for"),
        (told("find (a+)+$ ends"), "No note that you can read fits"),
        (
            format!("find {}", "(a+)+".repeat(2000)),
            "I looked for the beginning",
        ),
        (
            format!("find {}", "字".repeat(10_000)),
            "No note that you can read fits",
        ),
        (told("find .*"), "What should I look for?"),
        (
            format!("note {}", "長".repeat(60_000)),
            "That is too long for a note",
        ),
        (format!("note {}", "x".repeat(900 << 10)), "I take at most"),
        (
            format!("editnote 1 {}", "長".repeat(60_000)),
            "too long for a note",
        ),
        (told("note [[ [[]] [[a]] ]] ]]"), "is called [[a]] yet"),
        (told("append 1"), "nothing in that message"),
        (told("append 99 x"), "There is no note 99"),
        (told("append x y"), "append"),
        (told("tagnote 1 \u{200b}"), "tagnote needs KEY"),
        (told("note history 99"), "There is no note 99"),
        (told("note -m nonsense -n ops"), "nonsense"),
        (
            told("shownote 99999999999999999999"),
            "99999999999999999999",
        ),
    ];
    for (said, seen) in cases {
        ann.says(&said).await;
        ann.sees(seen).await;
    }
    ann.says("shownote 1").await;
    ann.sees("ends").await;
}
