//! Notes: written down in a chat, found again, and read only by those who may.

use jarvis_tests::console::word_after;
use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::site::TelegramSite;

#[tokio::test]
async fn a_note_is_found_as_soon_as_it_is_saved_and_after_a_kill() {
    let jarvis = Jarvis::new().unwrap();
    let mut brain = jarvis.brain().await.unwrap();
    let mut ann = jarvis.chat().unwrap();
    ann.says("note -k nginx 重启 nginx 之前先看 error.log 里有没有 emerg")
        .await;
    let saved = ann.sees("Saved note").await;
    let number = word_after(&saved, "Saved note ").unwrap();
    assert!(saved.contains("nginx"), "{saved}");
    for query in ["重启", "重啟", "emerg", "ngnix"] {
        ann.says(&format!("find {query}")).await;
        ann.sees(&format!("#{number} ")).await;
    }
    ann.says("note 网关步骤：先停服务器web12").await;
    ann.sees("Saved note").await;
    brain.kill().await.unwrap();
    let _brain = jarvis.brain().await.unwrap();
    ann.says("搜 web12").await;
    ann.sees("网关步骤").await;
    ann.says("find fwq").await;
    ann.sees("网关步骤").await;
    ann.says("nginx").await;
    ann.sees("error.log").await;
    ann.says("find 没有这样的词").await;
    ann.sees("No note that you can read fits").await;
}

#[tokio::test]
async fn a_damaged_index_is_made_anew_and_the_owner_told() {
    let jarvis = Jarvis::new().unwrap();
    let mut brain = jarvis.brain().await.unwrap();
    let mut ann = jarvis.chat().unwrap();
    ann.says("note the backup runs at four").await;
    ann.sees("Saved note").await;
    ann.says("rebuildkeywords").await;
    ann.sees("The index was made anew. Notes in it: 1.").await;
    ann.says("find backup").await;
    ann.sees("runs at four").await;
    brain.kill().await.unwrap();
    for generation in std::fs::read_dir(jarvis.data().join("notes-index")).unwrap() {
        std::fs::write(generation.unwrap().path().join("meta.json"), "{").unwrap();
    }
    let _brain = jarvis.brain().await.unwrap();
    ann.says("note another one").await;
    ann.sees("Saved note").await;
    ann.says("find backup").await;
    ann.sees("runs at four").await;
    ann.says("health").await;
    ann.sees("was made anew at the start").await;
}

#[tokio::test]
async fn notes_of_several_messages_survive_a_kill_and_are_taken_back() {
    let mut site = TelegramSite::with_nodes(&[]).await.unwrap();
    let ann = site.person_with_role("Ann", "member").await;
    ann.says("/note");
    ann.sees("every message is part of the note").await;
    ann.says("top of the page");
    ann.sees("Part 1.").await;
    site.site.kill_brain().await.unwrap();
    site.site.start_brain().await.unwrap();
    ann.says("run along");
    ann.sees("Part 2.").await;
    ann.says("endnote");
    ann.sees("Now its keys").await;
    ann.says("page, 首页");
    ann.sees("Keys: page 首页").await;
    ann.says("/endkey");
    ann.sees("Saved note 1").await;
    ann.says("首頁");
    ann.sees("run along").await;
    ann.says("/editnote 1 quite different");
    ann.sees("Changed note 1").await;
    ann.says("/find different");
    ann.sees("1 note for").await;
    let _ = ann.presses("undo");
    ann.sees("Note 1 is as it was before").await;
    ann.says("/find different");
    ann.sees("No note that you can read fits").await;
    ann.says("/delnote 1");
    ann.sees("Removed note 1").await;
    ann.says("/shownote 1");
    ann.sees("There is no note 1").await;
    ann.says("/undonote 1");
    ann.sees("Note 1 is as it was before").await;
    ann.says("/mynotes");
    ann.sees("top of the page").await;
}

#[tokio::test]
async fn others_find_only_what_is_shared_with_them() {
    let mut site = TelegramSite::with_nodes(&[]).await.unwrap();
    let ann = site.person_with_role("Ann", "member").await;
    let bob = site.person_with_role("Bob", "member").await;
    ann.says("/note -k secret the safe is 4711");
    ann.sees("Saved note 1").await;
    ann.says("/notebook new ops");
    ann.sees("Made the notebook ops").await;
    ann.says("/note --nb ops the safe is in the cellar");
    ann.sees("Saved note 2").await;
    for asked in ["/find safe", "/find by:Ann", "/find nb:ops", "/find cellar"] {
        bob.says(asked);
        bob.sees("No note that you can read fits").await;
    }
    bob.says("/shownote 1");
    bob.sees("There is no note 1").await;
    bob.says("/delnote 2");
    bob.sees("There is no note 2").await;
    bob.says("secret");
    bob.sees("know").await;
    ann.says("/notebook share ops Bob");
    ann.sees("Bob can read ops now").await;
    bob.says("/find safe");
    let found = bob.sees("1 note for").await;
    assert!(found.text.contains("#2 "), "{}", found.text);
    bob.says("/delnote 2");
    bob.sees("You can read note 2, but not change it").await;
    bob.says("/note --nb ops me too");
    bob.sees("but not write in it").await;
    ann.says("/notebook share ops Bob --write");
    ann.sees("and write in it now").await;
    bob.says("/note --nb ops the cellar is wet");
    bob.sees("Saved note 3").await;
    ann.says("/find cellar");
    ann.sees("2 notes for").await;
    ann.says("/notebook unshare ops Bob");
    ann.sees("cannot read ops any more").await;
    bob.says("/find cellar");
    bob.sees("No note that you can read fits").await;
    assert_eq!(bob.room().count("4711"), 0);
    // Nor does the log of what people did say what they wrote.
    site.site.owner.says("audit").await;
    site.site.owner.sees("note …").await;
    assert_eq!(site.site.owner.count("4711"), 0);
}
