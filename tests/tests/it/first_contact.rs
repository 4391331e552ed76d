//! Who gets in, and how: the first claim, binding, and those who stay outside.

use jarvis_tests::console::word_after;
use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::PATIENCE;
use jarvis_tests::site::TelegramSite;
use jarvis_tests::telegram::FakeTelegram;

#[tokio::test]
async fn the_first_owner_claims_with_the_code_on_the_servers_console() {
    let telegram = FakeTelegram::start().await.unwrap();
    let jarvis = Jarvis::new().unwrap();
    jarvis.configure_telegram(&telegram).unwrap();
    let brain = jarvis.brain().await.unwrap();
    let _adapter = jarvis.telegram().unwrap();
    let code = brain
        .err()
        .find(0, PATIENCE, |said| word_after(said, "/claim "))
        .await
        .expect("the console shows the code");
    let ann = telegram.person("Ann");
    ann.says("/start");
    ann.sees("I don't know you yet").await;
    ann.says("/claim AAAA-AAAA");
    ann.sees("That code is not right").await;
    ann.says(&format!("/claim {code}"));
    ann.sees("Welcome, owner").await;
    ann.says("/whoami");
    ann.sees("owner").await;
    let bob = telegram.person("Bob");
    bob.says(&format!("/claim {code}"));
    bob.sees("That code is not right").await;
    bob.says("/whoami");
    bob.sees("guest").await;
}

#[tokio::test]
async fn a_guest_is_refused_and_that_is_written_down() {
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let mallory = site.telegram.person("Mallory");
    let proof = site.site.node(0).folder().join("proof");
    for command in ["/run web-1", "run web-1", "/RUN web-1"] {
        mallory.says(&format!("{command} touch {}", proof.display()));
        mallory.sees("I don't know you yet").await;
    }
    for command in [
        "/nodes",
        "/jobs",
        "/users",
        "/audit",
        "/get web-1:/etc/passwd",
    ] {
        mallory.says(command);
        mallory.sees("I don't know you yet").await;
    }
    let member = site.person_with_role("Mel", "member").await;
    member.says(&format!("/run web-1 touch {}", proof.display()));
    member.sees("That is for the role operator").await;
    assert!(!proof.exists());
    site.site.owner.says("audit -n 50").await;
    site.site.owner.sees("Mallory").await;
}

#[tokio::test]
async fn binding_in_private_makes_two_chats_one_person() {
    let mut site = TelegramSite::with_nodes(&[]).await.unwrap();
    let owner = &mut site.site.owner;
    let ann = site.telegram.person("Ann");
    ann.says("/bind");
    let asked = ann.sees("/bind ").await;
    let code = word_after(&asked.text, "/bind ").unwrap();
    owner.says(&format!("bind {code}")).await;
    owner.sees("asks to be you").await;
    owner.says("yes").await;
    owner.sees("is you now").await;
    ann.says("/whoami");
    ann.sees("owner").await;
    // The code is spent.
    let bob = site.telegram.person("Bob");
    bob.says(&format!("/bind {code}"));
    bob.sees("/bind").await;
    bob.says("/nodes");
    bob.sees("I don't know you yet").await;
    // Unbinding gives back what was there before.
    ann.says("/unbind");
    ann.sees("out of your account").await;
    ann.presses("yes");
    ann.sees("no longer you").await;
    ann.says("/nodes");
    ann.sees("I don't know you yet").await;
}

#[tokio::test]
async fn binding_from_a_group_needs_a_second_code_from_the_first_side() {
    let mut site = TelegramSite::with_nodes(&[]).await.unwrap();
    let owner = &mut site.site.owner;
    let group = site.telegram.group("ops");
    let (ann, eve) = (site.telegram.person("Ann"), site.telegram.person("Eve"));
    ann.says("/start");
    ann.sees("I don't know you yet").await;
    ann.says_in(&group, &format!("/bind@{}", site.telegram.bot_name()));
    let asked = ann.sees_in(&group, "Others can read it here").await;
    let code = word_after(&asked.text, "/bind ").unwrap();
    owner.says(&format!("bind {code}")).await;
    let second = owner.sees("/bind ").await;
    let second = word_after(&second, "/bind ").unwrap();
    assert_ne!(code, second);
    // Somebody who reads along gets nothing for either code.
    for code in [&code, &second] {
        eve.says(&format!("/bind {code}"));
        eve.sees("/bind").await;
    }
    eve.says("/nodes");
    eve.sees("I don't know you yet").await;
    ann.says(&format!("/bind {second}"));
    ann.sees("now belongs to").await;
    ann.says("/whoami");
    ann.sees("owner").await;
}

#[tokio::test]
async fn a_refused_binding_changes_nothing() {
    let mut site = TelegramSite::with_nodes(&[]).await.unwrap();
    let owner = &mut site.site.owner;
    let ann = site.telegram.person("Ann");
    ann.says("/bind");
    let asked = ann.sees("/bind ").await;
    let code = word_after(&asked.text, "/bind ").unwrap();
    owner.says(&format!("bind {code}")).await;
    owner.sees("asks to be you").await;
    owner.says("no").await;
    owner.sees("nothing was done").await;
    ann.says("/nodes");
    ann.sees("I don't know you yet").await;
}

#[tokio::test]
async fn each_person_is_answered_in_their_own_language() {
    let site = TelegramSite::with_nodes(&[]).await.unwrap();
    let (ann, li) = (
        site.telegram.person("Ann"),
        site.telegram.person_speaking("李雷", "zh-hans"),
    );
    ann.says("/start");
    ann.sees("I don't know you yet").await;
    li.says("/start");
    li.sees("/claim").await;
    let chinese = li.room().bot_messages().concat();
    assert!(!chinese.contains("know you"), "{chinese}");
    assert!(
        chinese
            .chars()
            .any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)),
        "{chinese}"
    );
    for (language, command) in [("zh", "run"), ("", "run")] {
        site.telegram.hears("setmycommands", 1).await;
        let menu = site.telegram.menu(language).unwrap_or_default();
        assert!(
            menu.iter().any(|name| name == command),
            "{language:?}: {menu:?}"
        );
    }
}
