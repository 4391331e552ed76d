//! Wechaty as its makers wrote it: their client against the fake gateway, and their gateway, with the mock
//! account that they test with, against the adapter.

use std::path::Path;

use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::{PATIENCE, Process, free_port};
use jarvis_tests::site::Site;
use jarvis_tests::wechaty::{FakeWechaty, Settings};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::process::Command;
use tokio::time::{Duration, Instant, sleep};

/// Set by `scripts/test` to a folder in which `tests/node/package.json` is installed.
const CLIENTS: &str = "JARVIS_TEST_NODE_CLIENTS";

/// That folder; `None`, and a word about it, where it is not there.
fn node_clients() -> Option<String> {
    match std::env::var(CLIENTS) {
        Ok(folder) => Some(folder),
        Err(_) => {
            let is_here = std::process::Command::new("npm")
                .arg("--version")
                .output()
                .is_ok();
            assert!(
                std::env::var("CI").as_deref() != Ok("true") || !is_here,
                "npm is here but {CLIENTS} is not set: run scripts/test"
            );
            eprintln!("skipped: {CLIENTS} names no folder with the clients (see scripts/test)");
            None
        }
    }
}

/// Starts a script of `tests/node`. It may write below `home`.
fn start_node(clients: &str, script: &str, arguments: &[&str], home: &Path) -> Process {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("node")
        .join(script);
    let mut command = Command::new("node");
    command
        .arg(path)
        .args(arguments)
        .env(CLIENTS, clients)
        .env("HOME", home)
        .env("TMPDIR", home);
    Process::start(script, &mut command).unwrap()
}

const TOKEN: &str = "insecure_0a0b0c0d-1111-2222-3333-444455556666";

async fn says(process: &Process, text: &str) {
    let found = process.out().find(0, PATIENCE, |out| out.find(text)).await;
    assert!(found.is_some(), "no {text:?} in:\n{}", process.everything());
}

/// What their client must understand of people, and they of it.
async fn talks(settings: Settings) {
    let Some(clients) = node_clients() else {
        return;
    };
    let gateway = FakeWechaty::start_with(settings.clone()).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let address = gateway.address().to_string();
    let mut arguments = vec![address.as_str(), gateway.token()];
    let certificate = home.path().join("gateway.pem");
    if let Some(pem) = gateway.certificate() {
        std::fs::write(&certificate, pem).unwrap();
        arguments.push(certificate.to_str().unwrap());
    }
    let client = start_node(&clients, "talk_wechaty.mjs", &arguments, home.path());
    says(&client, "started").await;
    says(&client, "dong hello").await;
    if settings.needs_scan {
        says(&client, "scan 2 https://login.weixin.qq.com").await;
        gateway.is_scanned();
    }
    says(&client, &format!("logged in as {}", gateway.account())).await;
    let ann = gateway.person("Ann");
    ann.says("你好 😀 & more");
    ann.sees("heard \"你好 😀 & more\" of Ann in private, calls me: false, now")
        .await;
    says(&client, "own ").await;
    let room = gateway.room("运维群");
    ann.says_in(&room, "lunch?");
    ann.sees_in(&room, "heard \"lunch?\" of Ann in 运维群, calls me: false")
        .await;
    ann.asks_in(&room, "status");
    let heard = ann.sees_in(&room, "calls me: true").await;
    assert_eq!(heard.mentions, [ann.id()]);
    for (name, kind, size) in [
        ("a.log", 1, 12_usize),
        ("b.png", 6, 9),
        ("大.bin", 1, 300_000),
    ] {
        let bytes = vec![b'x'; size];
        let hash = format!("{:x}", Sha256::digest(&bytes));
        ann.sends_file_in(&ann.chat(), name, bytes.clone());
        ann.sees(&format!("type {kind} {name} {size} {hash}")).await;
        assert_eq!(ann.gets_file(&format!("back-{name}")).await, bytes);
    }
    let mistake = ann.says("take it back");
    if settings.tells_ids {
        says(&client, "recalled true").await;
    }
    ann.recalls(&mistake);
    says(&client, &format!("taken back: {}", mistake.id)).await;
    assert!(
        !client.everything().contains("failed:"),
        "{}",
        client.everything()
    );
    gateway.throws_us_out(&room);
    says(&client, "left ").await;
    gateway.is_logged_out();
    says(&client, "logged out").await;
    assert!(
        gateway.complaints().is_empty(),
        "{:?}",
        gateway.complaints()
    );
}

#[tokio::test]
async fn wechatys_own_client_talks_with_the_fake_gateway() {
    talks(Settings {
        tells_ids: true,
        ..Settings::default()
    })
    .await;
}

#[tokio::test]
async fn wechatys_own_client_talks_with_the_fake_gateway_over_tls_after_a_scan() {
    talks(Settings {
        tls: Some("insecure".to_owned()),
        needs_scan: true,
        ..Settings::default()
    })
    .await;
}

#[tokio::test]
async fn wechatys_own_client_is_refused_with_a_wrong_token() {
    let Some(clients) = node_clients() else {
        return;
    };
    let gateway = FakeWechaty::start().await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let address = gateway.address().to_string();
    let mut client = start_node(
        &clients,
        "talk_wechaty.mjs",
        &[&address, "insecure_wrong"],
        home.path(),
    );
    let status = client.ends(PATIENCE).await.unwrap();
    let said = client.everything();
    assert!(!status.success(), "{said}");
    assert!(said.contains("Invalid Wechaty TOKEN"), "{said}");
    assert_eq!(gateway.calls().len(), 0);
}

/// Their gateway.
struct Gateway {
    _process: Process,
    control: String,
    http: reqwest::Client,
    seen: usize,
}

impl Gateway {
    async fn start(clients: &str, port: &str, tls: &[&str], home: &Path) -> Self {
        let control = free_port().unwrap().to_string();
        let mut arguments = vec![port, control.as_str(), TOKEN];
        arguments.extend(tls);
        let process = start_node(clients, "wechaty_gateway.mjs", &arguments, home);
        says(&process, "the gateway is up").await;
        Self {
            _process: process,
            control: format!("http://127.0.0.1:{control}"),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            seen: 0,
        }
    }

    async fn asks(&self, what: &str, with: Value) {
        let url = format!("{}/{what}", self.control);
        let answer = self.http.post(url).json(&with).send().await.unwrap();
        let status = answer.status();
        assert!(status.is_success(), "{}", answer.text().await.unwrap());
    }

    async fn says(&self, person: &str, text: &str) {
        self.asks("says", json!({"person": person, "text": text}))
            .await;
    }

    /// Waits for the next message of our account to somebody (or the room) that fits.
    async fn sees(&mut self, to: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let url = format!("{}/sent", self.control);
            let all: Value = self
                .http
                .get(url)
                .send()
                .await
                .unwrap()
                .json()
                .await
                .unwrap();
            let to = match to {
                "room" => &all["room"],
                person => &all["people"][person],
            };
            let sent = all["sent"].as_array().unwrap();
            let mut new = sent.iter().enumerate().skip(self.seen);
            if let Some((index, found)) = new.find(|(_, one)| one["to"] == *to && fits(one)) {
                self.seen = index + 1;
                return found.clone();
            }
            assert!(Instant::now() < until, "no {what:?} in {all:#}");
            // What the gateway has sent has no event here.
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn reads(&mut self, to: &str, text: &str) -> String {
        let fits = |one: &Value| one["text"].as_str().is_some_and(|said| said.contains(text));
        let found = self.sees(to, text, fits).await;
        found["text"].as_str().unwrap().to_owned()
    }
}

/// The whole way with their gateway: a scan, a person, a room, files both ways.
async fn serves(is_secret: bool) {
    let Some(clients) = node_clients() else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let port = free_port().unwrap().to_string();
    let mut tls = Vec::new();
    let mut keys = String::new();
    let (certificate, key) = (
        home.path().join("gateway.pem"),
        home.path().join("gateway.key"),
    );
    if is_secret {
        // Their built-in certificate is of version 1, which rustls does not take.
        let made = rcgen::generate_simple_self_signed(["insecure".to_owned()]).unwrap();
        std::fs::write(&certificate, pem("CERTIFICATE", made.cert.der())).unwrap();
        let secret = made.signing_key.serialize_der();
        std::fs::write(&key, pem("PRIVATE KEY", &secret)).unwrap();
        tls = vec![certificate.to_str().unwrap(), key.to_str().unwrap()];
        keys = format!("ca_file = \"{}\"\n", certificate.display());
    }
    let mut gateway = Gateway::start(&clients, &port, &tls, home.path()).await;
    let jarvis = Jarvis::new().unwrap();
    let scheme = if is_secret { "https" } else { "http" };
    let endpoint = format!("{scheme}://127.0.0.1:{port}");
    let limits = "room_per_second = 20\n";
    jarvis
        .configure_wechaty(&endpoint, TOKEN, &keys, limits)
        .unwrap();
    let mut site = Site::start(jarvis, &["web-1"]).await.unwrap();
    let adapter = site.jarvis.start(&["adapter", "wechaty"]).unwrap();
    let logs = async |text: &str| {
        let found = adapter.err().find(0, PATIENCE, |log| log.find(text)).await;
        assert!(found.is_some(), "no {text:?} in:\n{}", adapter.everything());
    };
    logs("tells us what happens").await;
    gateway
        .asks(
            "scan",
            json!({"code": "https://login.weixin.qq.com/l/story"}),
        )
        .await;
    logs("https://login.weixin.qq.com/l/story").await;
    gateway.asks("login", json!({})).await;
    logs("WeChat knows us").await;
    gateway.says("Ann", "/whoami").await;
    let me = gateway.reads("Ann", "wechaty: Ann (").await;
    assert!(me.contains("guest"), "{me}");
    site.owner.says("role Ann operator").await;
    site.owner.sees("Ann is now operator").await;
    gateway
        .says("Ann", "/run web-1 printf '%s-%s' really done")
        .await;
    let done = gateway.reads("Ann", "really-done").await;
    assert!(done.contains("exit 0"), "{done}");
    // A room: silence, unless the account is called.
    let room = |text: &str, calls: bool| json!({"person": "小明", "room": true, "text": text, "calls": calls});
    gateway.asks("says", room("version", false)).await;
    gateway.asks("says", room("/version", true)).await;
    gateway.reads("room", "Jarvis 0.").await;
    // Files both ways, inside a call and beside it.
    let folder = site.node(0).files();
    for (name, size) in [("小.txt", 1000_usize), ("large.txt", 5_000_000)] {
        let bytes: Vec<u8> = (0..size).map(|at| (at * 31 % 251) as u8).collect();
        let hash = format!("{:x}", Sha256::digest(&bytes));
        std::fs::write(folder.join(name), &bytes).unwrap();
        let ask = format!("/get web-1:{}/{name}", folder.display());
        gateway.says("Ann", &ask).await;
        let sent = gateway.sees("Ann", name, |one| one["file"] == name).await;
        assert_eq!(sent["sha256"], hash);
        let inside = base64(&bytes);
        let file = json!({"person": "Ann", "name": format!("in-{name}"), "base64": inside});
        gateway.asks("sends", file).await;
        gateway.reads("Ann", &format!("in-{name}")).await;
        gateway
            .says("Ann", &format!("web-1:{}/", folder.display()))
            .await;
        let short = blake3::hash(&bytes).to_hex()[..4].to_owned();
        gateway.reads("Ann", &short).await;
        let arrived = std::fs::read(folder.join(format!("in-{name}"))).unwrap();
        assert!(arrived == bytes, "{name}");
    }
    // The gateway has one stream of events: looking at it takes nothing away.
    let check = ["adapter", "wechaty", "--check"];
    let run = site.jarvis.run(&check, "", PATIENCE).await.unwrap();
    assert!(
        run.status.success() && run.out.contains("an adapter hears this gateway already"),
        "{}",
        run.out
    );
    let wrong = [
        "adapter",
        "wechaty",
        "--check",
        "--set",
        "wechaty.token=insecure_1",
    ];
    let run = site.jarvis.run(&wrong, "", PATIENCE).await.unwrap();
    assert!(run.out.contains("refuses our token"), "{}", run.out);
    let said = site.jarvis.everything_said().unwrap();
    assert!(!said.contains(TOKEN), "{said}");
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn pem(kind: &str, der: &[u8]) -> String {
    format!(
        "-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n",
        base64(der)
    )
}

#[tokio::test]
async fn wechatys_own_gateway_is_served() {
    serves(false).await;
}

#[tokio::test]
async fn wechatys_own_gateway_is_served_over_tls() {
    serves(true).await;
}
