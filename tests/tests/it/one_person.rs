//! What all of it is for: one person, wherever they are, and nobody else.

use jarvis_tests::console::word_after;
use jarvis_tests::ilink::FakeWeChat;
use jarvis_tests::process::PATIENCE;
use jarvis_tests::qq::FakeQq;
use jarvis_tests::qq::onebot::OneBot;
use jarvis_tests::telegram::{self, FakeTelegram};
use jarvis_tests::wecom_bot::FakeWecom;

use super::rollout;

/// Somebody on another platform shows a code; the owner takes it in Telegram and says yes.
async fn takes(ann: &telegram::Person, asked: &str) {
    let code = word_after(asked, "/bind ").unwrap();
    ann.says(&format!("/bind {code}"));
    ann.sees("asks to be you").await;
    ann.says("yes");
    ann.sees("is you now").await;
}

#[tokio::test]
async fn one_person_works_from_everywhere() {
    let mut site = rollout::site(&["n-1", "n-2"]).await;

    // The owner claims the bot with the code that the server's own console shows.
    let telegram = FakeTelegram::start().await.unwrap();
    site.jarvis.configure_telegram(&telegram).unwrap();
    let _by_telegram = site.jarvis.telegram().unwrap();
    telegram.is_polled(0).await;
    let ann = telegram.person("Ann");
    let shown = site.brain.as_ref().unwrap().err();
    let code = shown.find(0, PATIENCE, |said| word_after(said, "/claim "));
    ann.says(&format!("/claim {}", code.await.unwrap()));
    ann.sees("Welcome, owner").await;

    // QQ, WeChat and WeCom become the same person.
    let qq = FakeQq::new();
    let onebot = OneBot::start(&qq).await.unwrap();
    site.jarvis.configure_qq(&onebot).unwrap();
    let _by_qq = site.jarvis.start(&["adapter", "onebot"]).unwrap();
    onebot.is_connected(0).await;
    let ann_on_qq = qq.person("安");
    ann_on_qq.says("/bind");
    takes(&ann, &ann_on_qq.sees("/bind ").await.text).await;

    let wechat = FakeWeChat::start().await.unwrap();
    site.jarvis.configure_wechat(&wechat, "").unwrap();
    let by_wechat = site.jarvis.start(&["adapter", "wechat"]).unwrap();
    by_wechat.logs("session with the brain").await.unwrap();
    let ann_on_wechat = wechat.person("ann");
    ann.says("/signin wechat");
    ann.sees("Scan this with wechat").await;
    ann_on_wechat.signs_in().await;
    ann.sees("Connected").await;
    ann_on_wechat.says("/bind");
    takes(&ann, &ann_on_wechat.sees("/bind ").await.text).await;

    let wecom = FakeWecom::start().await.unwrap();
    site.jarvis.configure_wecom(&wecom).unwrap();
    let _by_wecom = site.jarvis.start(&["adapter", "wecom"]).unwrap();
    wecom.is_connected(0).await;
    let ann_on_wecom = wecom.person("Ann");
    ann_on_wecom.says("/bind");
    takes(&ann, &ann_on_wecom.sees("/bind ").await.text).await;

    // The update begins in Telegram, and half of it fails.
    rollout::mark(&site, 1, "broken");
    ann.says("/updnodes -t app -v 2.0 --batch 1");
    ann.sees("Update 2 nodes of type app to 2.0").await;
    ann.says("yes");
    ann.sees("n-2  is still 1.0").await;
    assert_eq!(rollout::version(&site, 0), "2.0");

    // In WeCom the job is the same, and so are its buttons.
    rollout::unmark(&site, 1, "broken");
    ann_on_wecom.says("/job 1");
    ann_on_wecom
        .sees_where("a card", |entry| {
            entry
                .buttons
                .iter()
                .any(|(label, _)| label == "retry failed")
        })
        .await;
    let press = ann_on_wecom.presses("retry failed");
    ann_on_wecom.press_is_shown(&press).await;
    ann_on_wecom.sees("Run this on 1 node?").await;
    let press = ann_on_wecom.presses("yes");
    ann_on_wecom.press_is_shown(&press).await;
    ann_on_wecom.sees("✔ job 2").await;
    assert_eq!(rollout::version(&site, 1), "2.0");

    // The log comes to QQ.
    let log = site.nodes[1].files().join("update.log");
    std::fs::write(&log, "half\nend n-2\n").unwrap();
    ann_on_qq.says(&format!("/get n-2:{}", log.display()));
    let got = ann_on_qq.gets_file("update.log").await;
    assert_eq!(got, "half\nend n-2\n".as_bytes());

    // On WeChat, too, it is Ann who asks.
    ann_on_wechat.says("/whoami");
    let me = ann_on_wechat.sees("owner").await.text;
    assert!(me.contains("Ann"), "{me}");

    // A teammate of whom only WeChat is known is told why nothing happens, and nothing does.
    let bob = wechat.person("bob");
    site.owner.says("signin wechat").await;
    site.owner.sees("Scan this with wechat").await;
    bob.signs_in().await;
    site.owner.sees("Connected").await;
    bob.says("/updnodes -t app -v 3.0 --yes");
    bob.sees("I don't know you yet").await;
    site.owner.says(&format!("role {} member", bob.id())).await;
    site.owner.sees("is now member").await;
    bob.says("/updnodes -t app -v 3.0 --yes");
    let refused = bob.sees("updnodes").await.text;
    assert!(
        refused.contains("owner") || refused.contains("operator"),
        "{refused}"
    );
    for place in 0..2 {
        assert_eq!(rollout::version(&site, place), "2.0");
    }

    for complaints in [wechat.complaints(), wecom.complaints(), qq.complaints()] {
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
    // No secret of any platform stands in a log.
    let said = site.everything_said().unwrap();
    let (_, secret) = wecom.credentials();
    for secret in [secret, telegram.token()] {
        assert!(!said.contains(&secret), "a secret was logged");
    }
}
