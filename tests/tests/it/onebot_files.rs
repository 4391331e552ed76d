//! Files through programs with a QQ login that keep them in one place or another, and large ones.

use std::sync::Arc;

use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::{PATIENCE, Process, free_port};
use jarvis_tests::qq::milky::Milky;
use jarvis_tests::qq::onebot::{Files, OneBot, Settings};
use jarvis_tests::qq::{FakeQq, Fault, Person, Piece};
use jarvis_tests::site::Site;
use serde_json::json;

use crate::node_clients;

/// QQ with one program, a site with the node `web-1`, and somebody who may use it.
struct Stage {
    qq: FakeQq,
    site: Site,
    ann: Person,
    adapter: Process,
    _program: Box<dyn std::any::Any>,
}

impl Stage {
    async fn set(qq: FakeQq, jarvis: Jarvis, program: Box<dyn std::any::Any>) -> Self {
        let mut site = Site::start(jarvis, &["web-1"]).await.unwrap();
        let adapter = site.jarvis.start(&["adapter", "onebot"]).unwrap();
        let ann = qq.person("Ann");
        let ready = adapter
            .err()
            .find(0, PATIENCE, |log| log.find("session with the brain"));
        assert!(ready.await.is_some(), "{}", adapter.everything());
        ann.says("/start");
        ann.sees("I don't know you yet").await;
        site.owner.says("role Ann operator").await;
        site.owner.sees("Ann is now operator").await;
        Self {
            qq,
            site,
            ann,
            adapter,
            _program: program,
        }
    }

    /// Over a WebSocket, or by HTTP.
    async fn with(settings: Settings, by_http: bool, keys: &str) -> Self {
        let qq = FakeQq::new();
        let mut onebot = OneBot::start_with(&qq, settings).await.unwrap();
        let jarvis = Jarvis::new().unwrap();
        let keys = if by_http {
            let here = format!("127.0.0.1:{}", free_port().unwrap());
            onebot.posts_to(&format!("http://{here}/"), None);
            let url = onebot.http_url();
            format!("transport = \"http\"\nurl = \"{url}\"\nlisten = \"{here}\"\n{keys}")
        } else {
            let url = onebot.url();
            format!("transport = \"websocket\"\nurl = \"{url}\"\n{keys}")
        };
        let token = onebot.token();
        jarvis.configure_qq_with(token.as_deref(), &keys).unwrap();
        Self::set(qq, jarvis, Box::new(onebot)).await
    }

    /// Over Milky.
    async fn with_milky() -> Self {
        let qq = FakeQq::new();
        let milky = Milky::start(&qq).await.unwrap();
        let jarvis = Jarvis::new().unwrap();
        let keys = format!("transport = \"milky\"\nurl = \"{}\"\n", milky.url());
        jarvis
            .configure_qq_with(Some(milky.token()), &keys)
            .unwrap();
        Self::set(qq, jarvis, Box::new(milky)).await
    }

    /// Sends a file and has it put on the node; it must arrive as it was.
    async fn puts(&mut self, name: &str, bytes: &[u8]) {
        let room = self.ann.room();
        let sent = self.ann.sends_file_in(room, name, bytes.to_vec());
        self.ann.sees(name).await;
        let folder = self.site.node(0).files();
        let place = format!("web-1:{}/", folder.display());
        self.ann.writes(room, vec![Piece::Text(place)], Some(sent));
        let hash = blake3::hash(bytes);
        self.ann.sees(&hash.to_hex()[..4]).await;
        let arrived = std::fs::read(folder.join(name)).unwrap();
        assert_eq!(blake3::hash(&arrived), hash);
    }

    /// Sends a file that cannot be fetched.
    async fn fails(&self, name: &str, bytes: &[u8]) {
        let room = self.ann.room();
        self.ann.sends_file_in(room, name, bytes.to_vec());
        self.ann.sees("could not get the file").await;
    }
}

/// Bytes that do not repeat.
fn content(size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    let mut hasher = blake3::Hasher::new();
    hasher
        .update(&size.to_le_bytes())
        .finalize_xof()
        .fill(&mut bytes);
    bytes
}

fn napcat(files: Files) -> Settings {
    Settings {
        files,
        ..Settings::default()
    }
}

fn llonebot(files: Files) -> Settings {
    Settings {
        files,
        app_name: "LLOneBot".to_owned(),
        ..Settings::default()
    }
}

#[tokio::test]
async fn a_file_on_the_programs_machine_comes_in_pieces() {
    for by_http in [false, true] {
        let mut stage = Stage::with(napcat(Files::OnDisk), by_http, "").await;
        stage.puts("large.bin", &content(20_000_001)).await;
        stage.puts("one-piece.bin", &content(256 * 1024)).await;
        assert_eq!(stage.qq.count_calls("download_file_stream"), 2);
        assert_eq!(stage.qq.count_calls("get_file"), 0);
        let log = stage.adapter.everything();
        assert!(!log.contains("trying again"), "the line broke: {log}");
    }
}

#[tokio::test]
async fn a_file_that_breaks_off_between_its_pieces_is_not_taken_for_whole() {
    for by_http in [false, true] {
        let mut stage = Stage::with(napcat(Files::OnDisk), by_http, "").await;
        let bytes = content(3_000_000);
        for (number, fault) in [
            Fault::LosePart,
            Fault::CutAfter,
            Fault::Failed(1200, "Download failed: file not found".to_owned()),
        ]
        .iter()
        .enumerate()
        {
            stage.qq.fail("download_file_stream", 1, fault);
            stage.fails(&format!("broken-{number}.bin"), &bytes).await;
            assert_eq!(stage.qq.faults_waiting(), 0, "{fault:?}");
        }
        stage.puts("good.bin", &bytes).await;
    }
}

#[tokio::test]
async fn a_file_in_pieces_that_is_too_large_is_refused() {
    let stage = Stage::with(napcat(Files::OnDisk), false, "download_limit = 1000000\n").await;
    let room = stage.ann.room();
    stage
        .ann
        .sends_file_in(room, "large.bin", content(1_000_001));
    stage.ann.sees("more than I can fetch").await;
    assert_eq!(stage.qq.count_calls("download_file_stream"), 0);
}

#[tokio::test]
async fn a_file_comes_inside_an_answer_where_the_program_offers_nothing_else() {
    for by_http in [false, true] {
        let mut stage = Stage::with(llonebot(Files::AsBase64), by_http, "").await;
        stage.puts("httpd.conf", &content(3_000_000)).await;
        assert_eq!(stage.qq.count_calls("download_file_stream"), 0);
    }
    // What would not fit is not asked for: it would cost the connection.
    let stage = Stage::with(llonebot(Files::AsBase64), false, "").await;
    stage.fails("large.bin", &content(13_000_000)).await;
    assert_eq!(stage.qq.count_calls("get_file"), 0);
    let log = stage.adapter.everything();
    assert!(!log.contains("trying again"), "the line broke: {log}");
    // A program that has them only for itself.
    let stage = Stage::with(llonebot(Files::OnDisk), false, "").await;
    stage.fails("a.bin", &content(1000)).await;
}

#[tokio::test]
async fn a_file_with_nothing_but_an_address_is_fetched_from_there() {
    let mut stage = Stage::with(llonebot(Files::InMessage), false, "").await;
    stage.puts("a.bin", &content(300_000)).await;
    for action in ["get_private_file_url", "get_file", "download_file_stream"] {
        assert_eq!(stage.qq.count_calls(action), 0, "{action}");
    }
}

#[tokio::test]
async fn pictures_go_both_ways_as_pictures() {
    for mut stage in [
        Stage::with(napcat(Files::Asked), false, "").await,
        Stage::with(napcat(Files::Asked), true, "").await,
        Stage::with_milky().await,
    ] {
        let room = stage.ann.room();
        stage.ann.says("/note -k nginx,proxy restart it");
        stage.ann.sees("Saved note").await;
        stage.ann.says("/expnotes -g");
        let is_picture = |piece: &Piece| matches!(piece, Piece::Image(_));
        let shown = stage.ann.sees_where(room, "a picture", |entry| {
            entry.pieces.iter().any(is_picture)
        });
        shown.await;
        let picture = stage.ann.gets_last_file_in(room);
        assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n"), "{picture:?}");
        assert!(picture.ends_with(b"IEND\xaeB`\x82"), "it is whole");

        let folder = stage.site.node(0).files();
        let sent = stage
            .ann
            .sends_picture_in(room, "photo.png", content(50_000));
        stage.ann.sees("where does it go").await;
        let place = format!("web-1:{}/photo.png", folder.display());
        stage.ann.writes(room, vec![Piece::Text(place)], Some(sent));
        let hash = blake3::hash(&content(50_000));
        stage.ann.sees(&hash.to_hex()[..4]).await;
        let arrived = std::fs::read(folder.join("photo.png")).unwrap();
        assert_eq!(blake3::hash(&arrived), hash);
        assert!(
            stage.qq.complaints().is_empty(),
            "{:?}",
            stage.qq.complaints()
        );
    }
}

#[tokio::test]
async fn a_large_file_goes_to_milky_in_one_call_and_whole() {
    let mut stage = Stage::with_milky().await;
    let bytes = content(31_000_001);
    let folder = stage.site.node(0).files();
    std::fs::write(folder.join("large.bin"), &bytes).unwrap();
    // The line breaks before anything is done with it.
    stage.qq.fail("upload_private_file", 1, &Fault::CutBefore);
    stage
        .ann
        .says(&format!("/get web-1:{}/large.bin", folder.display()));
    let got = stage.ann.gets_file("large.bin").await;
    assert_eq!(blake3::hash(&got), blake3::hash(&bytes));
    assert_eq!(stage.qq.count_calls("upload_private_file"), 2);
    assert!(
        stage.qq.complaints().is_empty(),
        "{:?}",
        stage.qq.complaints()
    );
}

#[tokio::test]
async fn milkys_own_schema_finds_nothing_wrong() {
    let qq = FakeQq::new();
    let milky = Arc::new(Milky::start(&qq).await.unwrap());
    let jarvis = Jarvis::new().unwrap();
    let keys = format!("transport = \"milky-sse\"\nurl = \"{}\"\n", milky.url());
    jarvis
        .configure_qq_with(Some(milky.token()), &keys)
        .unwrap();
    let mut stage = Stage::set(qq, jarvis, Box::new(milky.clone())).await;
    let (room, group) = (stage.ann.room(), stage.qq.group("ops"));
    stage.puts("a.bin", &content(10_000)).await;
    stage.ann.sends_picture_in(room, "photo.png", content(10));
    stage.ann.sees("where does it go").await;
    stage.ann.says("/note -k nginx restart it");
    stage.ann.sees("Saved note").await;
    stage.ann.says("/expnotes -g");
    stage.ann.gets_file("notes.json").await;
    stage.ann.says_in(group, "lunch?");
    stage
        .ann
        .sends_file_in(group, "menu.txt", "noodles".as_bytes());
    stage.ann.asks_in(group, "/ping here");
    let said = stage.ann.sees_in(group, "here").await;
    stage.ann.replies_in(group, said.id, "/version");
    stage.ann.sees_in(group, "Jarvis 0.").await;

    let lines: String = milky
        .spoken()
        .into_iter()
        .map(|(schema, value)| format!("{}\n", json!({"schema": schema, "value": value})))
        .collect();
    let path = stage.site.jarvis.folder().join("spoken.jsonl");
    std::fs::write(&path, lines).unwrap();
    let Some(check) = node_clients::start("check_milky.mjs", &[path.to_str().unwrap()]) else {
        return;
    };
    node_clients::hears(&check, "done").await;
    let report = check.everything();
    assert!(!report.contains("bad "), "{report}");
    for schema in [
        "Event",
        "SendPrivateMessageInput",
        "SendPrivateMessageOutput",
        "SendGroupMessageInput",
        "UploadPrivateFileInput",
        "UploadPrivateFileOutput",
        "GetPrivateFileDownloadUrlInput",
        "GetLoginInfoOutput",
        "GetImplInfoOutput",
    ] {
        let line = report
            .lines()
            .find(|line| line.contains(&format!("checked {schema} ")));
        assert!(
            line.is_some_and(|line| line.trim_end().ends_with("true")),
            "{schema}: {report}"
        );
    }
}
