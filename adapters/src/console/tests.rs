#![expect(clippy::unwrap_used, reason = "tests")]

use jarvis_proto::chat::{
    Action, FetchAttachment, FileRef, Progress, SendFile, action, adapter_frame, brain_frame,
};
use tokio::task::JoinHandle;

use super::*;
use crate::fake_brain::{FakeBrain, FakeSession, say, segments};
use crate::host::{self, HostError};

#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Printed {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// A reader of ours that has gone away.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Script {
    brain: FakeBrain,
    folder: tempfile::TempDir,
    host: JoinHandle<Result<(), HostError>>,
}

impl Script {
    fn run(input: &str, output: impl Write + Send + 'static, parallel: bool) -> Self {
        let brain = FakeBrain::start();
        let folder = tempfile::tempdir().unwrap();
        let console = Console::new(ConsoleOptions {
            bot: "console".to_owned(),
            name: "Ann".to_owned(),
            language: "zh-CN".to_owned(),
            downloads: folder.path().join("downloads"),
            history: None,
            parallel,
            pipe: Some(PipeEnds {
                input: Box::new(io::Cursor::new(input.to_owned())),
                output: Box::new(output),
            }),
        });
        let adapter = Arc::new(console.unwrap());
        let stop = CancellationToken::new();
        let host = tokio::spawn(host::run(adapter, brain.brain.clone(), None, stop));
        Self {
            brain,
            folder,
            host,
        }
    }

    async fn ends(self, mut session: FakeSession) {
        assert!(matches!(
            session.hears().await,
            Some(adapter_frame::Frame::Goodbye(_))
        ));
        drop(session);
        self.host.await.unwrap().unwrap();
    }
}

fn text_of(event: &Event) -> &str {
    match &event.kind {
        Some(event::Kind::Message(message)) => &message.text,
        other => panic!("no message: {other:?}"),
    }
}

fn progress(id: &str, text: &str, is_final: bool) -> Action {
    let progress = Progress {
        key: "job:1".to_owned(),
        text: segments(text),
        r#final: is_final,
        ..Progress::default()
    };
    Action {
        kind: Some(action::Kind::Progress(progress)),
        ..say(id, "console", "")
    }
}

#[tokio::test]
async fn a_line_is_sent_when_the_work_of_the_line_before_has_ended() {
    let printed = Printed::default();
    let mut script = Script::run("one\n\ntwo", printed.clone(), false);
    let mut session = script.brain.session().await;
    assert!(
        session
            .hello
            .capabilities
            .as_ref()
            .unwrap()
            .operator_terminal
    );
    let one = session.event().await;
    assert_eq!(text_of(&one), "one");
    let person = one.person.clone().unwrap();
    assert_eq!((person.id.as_str(), person.name.as_str()), ("owner", "Ann"));
    assert_eq!((person.language.as_str(), one.addressed), ("zh-CN", true));
    session.acknowledge(&one.id).await;
    session.act(progress("1", "running", false)).await;
    session.result().await;
    session.idle("an-event-of-an-earlier-run").await;
    session.act(progress("2", "done", true)).await;
    // Nothing but the result: the second line has to wait for the word that all is done.
    session.result().await;
    session.act(say("3", "console", "said twice?")).await;
    session.result().await;
    session.act(say("3", "console", "said twice?")).await;
    session.result().await;
    session.idle(&one.id).await;
    let two = session.event().await;
    assert_eq!(text_of(&two), "two");
    session.acknowledge(&two.id).await;
    session.idle(&two.id).await;
    script.ends(session).await;
    assert_eq!(printed.text(), "done\nsaid twice?\n");
}

#[tokio::test]
async fn parallel_lines_are_sent_at_once_and_the_end_waits_for_all() {
    let mut script = Script::run("one\ntwo\nthree\n", Printed::default(), true);
    let mut session = script.brain.session().await;
    let mut events = Vec::new();
    for _ in 0..3 {
        events.push(session.event().await);
    }
    assert_eq!(
        events.iter().map(text_of).collect::<Vec<_>>(),
        ["one", "two", "three"]
    );
    for event in &events {
        session.acknowledge(&event.id).await;
    }
    session.idle(&events[0].id).await;
    session
        .say(brain_frame::Frame::Ping(jarvis_proto::chat::Ping {
            nonce: 1,
        }))
        .await;
    assert!(matches!(
        session.hears().await,
        Some(adapter_frame::Frame::Pong(_))
    ));
    session.idle(&events[2].id).await;
    script.ends(session).await;
}

#[tokio::test]
async fn no_input_ends_at_once() {
    let script = Script::run("", Printed::default(), false);
    script.host.await.unwrap().unwrap();
}

#[tokio::test]
async fn files_are_attached_and_received() {
    let printed = Printed::default();
    let source = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(source.path(), "attached").unwrap();
    let line = format!("@\"{}\" web-1:/srv/\n", source.path().display());
    let mut script = Script::run(&line, printed.clone(), false);
    script.brain.keep_file("blob", b"received");
    let mut session = script.brain.session().await;
    let event = session.event().await;
    let Some(event::Kind::Message(message)) = &event.kind else {
        panic!("no message")
    };
    assert_eq!(
        (message.text.as_str(), message.attachments[0].size),
        ("web-1:/srv/", 8)
    );
    let fetch = |fetch: &str, attachment: Attachment| {
        let fetch = fetch.to_owned();
        brain_frame::Frame::Fetch(FetchAttachment {
            fetch,
            attachment: Some(attachment),
        })
    };
    session
        .say(fetch("f1", message.attachments[0].clone()))
        .await;
    assert_eq!(
        script.brain.uploaded().await,
        ("f1".to_owned(), b"attached".to_vec())
    );
    let foreign = Attachment {
        handle: "/etc/passwd".to_owned(),
        ..Attachment::default()
    };
    session.say(fetch("f2", foreign)).await;
    assert!(matches!(
        session.hears().await,
        Some(adapter_frame::Frame::AttachmentFailed(_))
    ));
    for id in ["1", "2"] {
        let file = FileRef {
            blob: "blob".to_owned(),
            name: "../out.txt".to_owned(),
            size: 8,
            ..FileRef::default()
        };
        let kind = action::Kind::File(SendFile {
            file: Some(file),
            caption: Vec::new(),
        });
        session
            .act(Action {
                kind: Some(kind),
                ..say(id, "console", "")
            })
            .await;
        session.result().await;
    }
    session.acknowledge(&event.id).await;
    session.idle(&event.id).await;
    let downloads = script.folder.path().join("downloads");
    assert_eq!(
        printed.text(),
        format!(
            "[file] out.txt 8 {0}/out.txt\n[file] out (2).txt 8 {0}/out (2).txt\n",
            downloads.display()
        )
    );
    assert_eq!(
        std::fs::read_to_string(downloads.join("out.txt")).unwrap(),
        "received"
    );
    script.ends(session).await;
}

#[tokio::test]
async fn a_reader_that_goes_away_ends_it_quietly() {
    let mut script = Script::run("one\n", Closed, false);
    let mut session = script.brain.session().await;
    let event = session.event().await;
    session.acknowledge(&event.id).await;
    session.act(say("1", "console", "hello")).await;
    loop {
        match session.hears().await {
            Some(adapter_frame::Frame::Goodbye(_)) | None => break,
            Some(_) => {}
        }
    }
    drop(session);
    script.host.await.unwrap().unwrap();
}

#[test]
fn locales_become_language_hints() {
    for (locale, language) in [
        ("zh_CN.UTF-8", "zh-CN"),
        ("en_US", "en-US"),
        ("C.UTF-8", ""),
        ("POSIX", ""),
        ("", ""),
    ] {
        assert_eq!(language_of(locale), language);
    }
}
