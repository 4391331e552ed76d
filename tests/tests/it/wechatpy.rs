//! The fakes of WeCom and of Official Accounts as wechatpy sees them, and our adapters as it posts to them.

use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::{PATIENCE, Process, free_port};
use jarvis_tests::site::Site;
use jarvis_tests::wechat_official::{self, FakeOfficial, Mode};
use jarvis_tests::wecom_app::FakeWeCom;
use jarvis_tests::weixin::Way;

use super::python_clients::{python, start};

async fn hears(client: &Process, text: &str) {
    let said = client.out();
    let found = said.find(0, PATIENCE, |out| out.contains(text).then_some(()));
    assert!(
        found.await.is_some(),
        "no {text:?} in:\n{}",
        client.everything()
    );
}

async fn asks(client: &mut Process, line: &str, answer: &str) {
    let from = client.out().text().len();
    client.write_line(line).await.unwrap();
    let said = client.out();
    let found = said.find(from, PATIENCE, |out| out.contains(answer).then_some(()));
    assert!(
        found.await.is_some(),
        "no {answer:?} to {line:?}:\n{}",
        client.everything()
    );
}

#[tokio::test]
async fn wechatpy_takes_what_the_fake_wecom_posts() {
    let Some(python) = python() else { return };
    let wecom = FakeWeCom::start().await.unwrap();
    let port = free_port().unwrap().to_string();
    let set = wecom.settings().clone();
    let arguments = [
        "receive",
        "wecom",
        &port,
        &set.token,
        &set.aes_key,
        &set.corp_id,
    ];
    let client = start(&python, "talk_wechatpy.py", &arguments);
    hears(&client, "listens").await;
    let url = format!("http://127.0.0.1:{port}/");
    wecom.set_callback(&url).await.unwrap();
    let ann = wecom.person("Ann");
    ann.says("你好 😀 <xml> ]]> & more");
    hears(&client, "heard '你好 😀 <xml> ]]> & more' from Ann as text").await;
    let answer = ann.sees("wechatpy says 你好 😀 <xml> ]]> & more").await;
    assert_eq!(answer.way, Way::Answered);
    ann.sends_picture(vec![0xff; 100]);
    hears(&client, "as image").await;
    ann.does("subscribe", "");
    hears(&client, "heard 'subscribe'").await;
    assert!(wecom.mistakes().is_empty(), "{:?}", wecom.mistakes());
}

#[tokio::test]
async fn wechatpy_calls_the_fake_wecom() {
    let Some(python) = python() else { return };
    let wecom = FakeWeCom::start().await.unwrap();
    let set = wecom.settings().clone();
    let (base, agent) = (wecom.url(), set.agent_id.to_string());
    let arguments = ["drive", "wecom", &base, &set.corp_id, &set.secret, &agent];
    let mut client = start(&python, "talk_wechatpy.py", &arguments);
    let ann = wecom.person("Ann");
    asks(&mut client, "Ann text 你好 😀", "done 0 ''").await;
    ann.sees("你好 😀").await;
    asks(&mut client, "Ann|Eve text both", "done 0 'Eve'").await;
    asks(&mut client, "Eve text nobody", "refused 81013").await;
    asks(&mut client, "Ann image x", "done 0").await;
    assert_eq!(ann.gets_file("p.png").await, &b"\x89PNG and more"[..]);
    asks(&mut client, "Ann file x", "done 0").await;
    assert_eq!(ann.gets_file("f.txt").await, &b"a file"[..]);
    // It renews a token that has ended.
    wecom.end_token();
    asks(&mut client, "Ann text again", "done 0").await;
    assert!(wecom.mistakes().is_empty(), "{:?}", wecom.mistakes());
}

#[tokio::test]
async fn wechatpy_takes_what_the_fake_account_posts() {
    let Some(python) = python() else { return };
    for mode in [Mode::Plain, Mode::Compatible, Mode::Encrypted] {
        let settings = wechat_official::Settings {
            mode,
            ..wechat_official::Settings::default()
        };
        let wechat = FakeOfficial::start_with(settings).await.unwrap();
        let set = wechat.settings().clone();
        let port = free_port().unwrap().to_string();
        let arguments = [
            "receive",
            "official",
            &port,
            &set.token,
            &set.aes_key,
            &set.app_id,
        ];
        let client = start(&python, "talk_wechatpy.py", &arguments);
        hears(&client, "listens").await;
        let url = format!("http://127.0.0.1:{port}/");
        wechat.set_callback(&url).await.unwrap();
        let ann = wechat.person("oAnn");
        ann.says("你好 😀 <xml> ]]> & more");
        let answer = ann.sees("wechatpy says 你好 😀 <xml> ]]> & more").await;
        assert_eq!(answer.way, Way::Answered);
        ann.does("subscribe", "<EventKey></EventKey>");
        hears(&client, "heard 'subscribe' from oAnn").await;
        assert!(wechat.mistakes().is_empty(), "{:?}", wechat.mistakes());
    }
}

#[tokio::test]
async fn wechatpy_calls_the_fake_account() {
    let Some(python) = python() else { return };
    let wechat = FakeOfficial::start().await.unwrap();
    let set = wechat.settings().clone();
    let base = wechat.url();
    let arguments = ["drive", "official", &base, &set.app_id, &set.secret];
    let mut client = start(&python, "talk_wechatpy.py", &arguments);
    let ann = wechat.person("oAnn");
    asks(&mut client, "oAnn text too early", "refused 45015").await;
    ann.says("hello");
    asks(&mut client, "oAnn text 你好 😀", "done 0").await;
    ann.sees("你好 😀").await;
    asks(&mut client, "oAnn typing x", "done 0").await;
    asks(&mut client, "oAnn image x", "done 0").await;
    ann.gets_file("p.png").await;
    asks(&mut client, "oAnn file x", "refused 40004").await;
    asks(&mut client, "oEve text nobody", "refused 40003").await;
    for answer in ["done 0", "done 0", "done 0", "refused 45047"] {
        asks(&mut client, "oAnn text more", answer).await;
    }
    wechat.end_token();
    ann.says("hello");
    asks(&mut client, "oAnn text again", "done 0").await;
    assert!(wechat.mistakes().is_empty(), "{:?}", wechat.mistakes());
}

/// What wechatpy seals our adapter opens, and the other way round.
#[tokio::test]
async fn the_adapters_understand_wechatpy() {
    let Some(python) = python() else { return };
    let (wecom, wechat) = (
        FakeWeCom::start().await.unwrap(),
        FakeOfficial::start().await.unwrap(),
    );
    let jarvis = Jarvis::new().unwrap();
    let app_url = jarvis.configure_wecom_app(&wecom).unwrap();
    let account_url = jarvis.configure_official(&wechat).unwrap();
    let site = Site::start(jarvis, &[]).await.unwrap();
    let _app = site.jarvis.start(&["adapter", "wecom-app"]).unwrap();
    let _account = site.jarvis.start(&["adapter", "wechat-official"]).unwrap();
    wecom.set_callback(&app_url).await.unwrap();
    wechat.set_callback(&account_url).await.unwrap();

    let set = wecom.settings().clone();
    let agent = set.agent_id.to_string();
    let arguments = [
        "post",
        "wecom",
        &app_url,
        &set.token,
        &set.aes_key,
        &set.corp_id,
        &agent,
    ];
    let mut client = start(&python, "talk_wechatpy.py", &arguments);
    let ann = wecom.person("Ann");
    asks(&mut client, "Ann 1 /start", "answered 200").await;
    ann.sees("I don't know you yet").await;

    let set = wechat.settings().clone();
    let arguments = [
        "post",
        "official",
        &account_url,
        &set.token,
        &set.aes_key,
        &set.app_id,
    ];
    let mut client = start(&python, "talk_wechatpy.py", &arguments);
    asks(&mut client, "oBob 1 /start", "answered 200 Hello").await;
    asks(&mut client, "oBob 1 /start", "answered 200 Hello").await;
}
