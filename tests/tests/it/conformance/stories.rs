//! The stories.

use bytes::Bytes;
use jarvis_tests::console::word_after;
use jarvis_tests::process::PATIENCE;
use jarvis_tests::telegram::FakeTelegram;
use tokio::time::Instant;

use super::platform::{Platform, Spot};

const ANN: &str = "Ann";
const HERE: Spot = Spot::Private;

pub(super) async fn help(platform: &mut impl Platform) {
    platform.operator(ANN).await;
    platform.says(ANN, HERE, "/help run").await;
    let said = platform.sees(ANN, HERE, "--cwd").await;
    assert!(said.contains("run a shell command"), "{said}");
    platform.says(ANN, HERE, "/help").await;
    let said = platform
        .until(ANN, HERE, "the last line of help", |said| {
            said.contains("whoami") && said.contains("retry")
        })
        .await;
    assert!(said.contains("nodes"), "{said}");
    // What phones do to text, and a bare word, which is enough in private.
    platform.says(ANN, HERE, "ＨＥＬＰ　run").await;
    platform.sees(ANN, HERE, "run a shell command").await;
}

/// Somebody new on this platform becomes who they are on Telegram.
pub(super) async fn bind_in_private(platform: &mut impl Platform) {
    let partner = Partner::start(platform).await;
    platform.person(ANN).await;
    platform.says(ANN, HERE, "/bind").await;
    let asked = platform.sees(ANN, HERE, "/bind ").await;
    let code = word_after(&asked, "/bind ").unwrap();
    partner.says(platform, &format!("/bind {code}")).await;
    partner.sees(platform, "asks to be you").await;
    partner.says(platform, "yes").await;
    partner.sees(platform, "is you now").await;
    platform.says(ANN, HERE, "/whoami").await;
    let me = platform.sees(ANN, HERE, &partner.name).await;
    assert!(me.contains(partner.role), "{me}");
}

pub(super) async fn bind_from_a_group(platform: &mut impl Platform) {
    let partner = Partner::start(platform).await;
    platform.person(ANN).await;
    platform.person("Eve").await;
    for name in [ANN, "Eve"] {
        platform.says(name, HERE, "/start").await;
        platform.sees(name, HERE, "I don't know you yet").await;
    }
    let group = Spot::Group(platform.group("ops").await);
    platform.says(ANN, group, "/bind").await;
    let asked = platform.sees(ANN, group, "Others can read it here").await;
    let code = word_after(&asked, "/bind ").unwrap();
    partner.says(platform, &format!("/bind {code}")).await;
    let second = partner.sees(platform, "in private:  /bind ").await;
    let second = word_after(&second, "/bind ").unwrap();
    assert_ne!(code, second);
    // Somebody who reads along gets nothing for either code.
    for code in [&code, &second] {
        platform.says("Eve", HERE, &format!("/bind {code}")).await;
        platform.sees("Eve", HERE, "/bind").await;
    }
    platform.says("Eve", HERE, "/nodes").await;
    platform.sees("Eve", HERE, "I don't know you yet").await;
    platform.says(ANN, HERE, &format!("/bind {second}")).await;
    platform.sees(ANN, HERE, "now belongs to").await;
    platform.says(ANN, HERE, "/whoami").await;
    platform.sees(ANN, HERE, partner.role).await;
}

pub(super) async fn job_with_progress(platform: &mut impl Platform) {
    platform.operator(ANN).await;
    platform
        .says(
            ANN,
            HERE,
            "/run web-1 printf '%s-%s\\n' half way; sleep 3; printf '%s-%s\\n' all over; exit 3",
        )
        .await;
    if platform.shows_progress() {
        platform.sees(ANN, HERE, "⏳ job").await;
    }
    let done = platform.sees(ANN, HERE, "all-over").await;
    assert!(done.contains("exit 3 ·"), "{done}");
    let said = platform.everything(ANN, HERE).await;
    assert_eq!(said.matches("exit 3 ·").count(), 1, "it ends once: {said}");
    assert!(platform.sent(ANN, HERE).await <= 4, "few messages: {said}");
    // Over at once: one message says it all.
    platform
        .says(ANN, HERE, "/run web-1 printf '%s-%s' at once")
        .await;
    let done = platform.sees(ANN, HERE, "at-once").await;
    assert!(done.contains("exit 0"), "{done}");
}

pub(super) async fn job_in_a_group(platform: &mut impl Platform) {
    platform.operator(ANN).await;
    let group = Spot::Group(platform.group("ops").await);
    platform
        .says(ANN, group, "/run web-1 sleep 1; printf '%s-%s' in group")
        .await;
    let done = platform.sees(ANN, group, "in-group").await;
    assert!(done.contains("exit 0"), "{done}");
}

pub(super) async fn file_in(platform: &mut impl Platform) {
    platform.operator(ANN).await;
    let folder = platform.site().node(0).files();
    let bytes = content(300_000);
    let caption = format!("web-1:{}/", folder.display());
    platform
        .sends_file(ANN, "数据-data.bin", bytes.clone(), &caption)
        .await;
    let short = blake3::hash(&bytes).to_hex()[..4].to_owned();
    platform.sees(ANN, HERE, &short).await;
    let arrived = std::fs::read(folder.join("数据-data.bin")).unwrap();
    assert_eq!(blake3::hash(&arrived), blake3::hash(&bytes));
}

pub(super) async fn file_out(platform: &mut impl Platform) {
    platform.operator(ANN).await;
    let folder = platform.site().node(0).files();
    // One that goes whole, and one that is too large for that on some platforms.
    for (name, size) in [("small.bin", 100_000_usize), ("报告-large.bin", 6_000_000)] {
        let bytes = content(size);
        std::fs::write(folder.join(name), &bytes).unwrap();
        let ask = format!("/get web-1:{}/{name}", folder.display());
        platform.says(ANN, HERE, &ask).await;
        let got = platform.gets_file(ANN, name).await;
        assert_eq!(blake3::hash(&got), blake3::hash(&bytes), "{name}");
    }
}

pub(super) async fn choices(platform: &mut impl Platform) {
    platform.operator(ANN).await;
    platform
        .says(ANN, HERE, "/rnu web-1 printf '%s-%s' did run")
        .await;
    let asked = platform.sees(ANN, HERE, "Did you mean").await;
    assert!(asked.contains("run web-1"), "{asked}");
    platform.chooses(ANN, HERE, "run it").await;
    let done = platform.sees(ANN, HERE, "did-run").await;
    assert!(done.contains("exit 0"), "{done}");
}

/// Every character of a text comes through, wherever it is cut.
pub(super) async fn long_text(platform: &mut impl Platform) {
    platform.operator(ANN).await;
    let words: Vec<String> = (0..400)
        .map(|number| format!("词{number:03}😀é。"))
        .collect();
    platform
        .says(ANN, HERE, &format!("/note {}", words.join(" ")))
        .await;
    let saved = platform.sees(ANN, HERE, "Saved note").await;
    let number = word_after(&saved, "Saved note ").unwrap();
    let before = platform.everything(ANN, HERE).await;
    platform
        .says(ANN, HERE, &format!("/shownote {number}"))
        .await;
    let last = words.last().unwrap();
    let said = platform
        .until(ANN, HERE, "the end of the note", |said| {
            said.matches(last).count() > before.matches(last).count()
        })
        .await;
    for word in &words {
        assert_eq!(
            said.matches(word).count(),
            before.matches(word).count() + 1,
            "{word} once: {said}"
        );
    }
}

/// Many at once: each is answered, in order, whatever the platform's limits are.
pub(super) async fn burst(platform: &mut impl Platform) {
    const MANY: usize = 12;
    platform.operator(ANN).await;
    for number in 0..MANY {
        platform
            .says(ANN, HERE, &format!("/job {}", 9000 + number))
            .await;
    }
    for number in 0..MANY {
        let answer = format!("There is no job {}", 9000 + number);
        platform.sees(ANN, HERE, &answer).await;
    }
    let said = platform.everything(ANN, HERE).await;
    assert_eq!(said.matches("There is no job").count(), MANY, "{said}");
}

pub(super) async fn reconnect(platform: &mut impl Platform) {
    platform.operator(ANN).await;
    for round in 0..2 {
        platform.cuts_line().await;
        let number = 9000 + round;
        platform.says(ANN, HERE, &format!("/job {number}")).await;
        platform
            .sees(ANN, HERE, &format!("There is no job {number}"))
            .await;
    }
}

pub(super) async fn cut_in_mid_job(platform: &mut impl Platform) {
    let job = begun(platform).await;
    platform.cuts_line().await;
    job.ends(platform).await;
}

pub(super) async fn adapter_killed_in_mid_job(platform: &mut impl Platform) {
    let job = begun(platform).await;
    platform.adapter().take().unwrap().kill().await.unwrap();
    platform.start_adapter().await.unwrap();
    job.ends(platform).await;
}

pub(super) async fn brain_killed_in_mid_job(platform: &mut impl Platform) {
    let job = begun(platform).await;
    platform.site().kill_brain().await.unwrap();
    platform.site().start_brain().await.unwrap();
    job.ends(platform).await;
}

pub(super) async fn quota_used_up_in_mid_job(platform: &mut impl Platform) {
    let job = begun(platform).await;
    platform.uses_up_quota().await;
    job.ends(platform).await;
}

/// What happens while the platform is away is told when it is back, in order.
pub(super) async fn platform_down(platform: &mut impl Platform) {
    let job = begun(platform).await;
    let second = platform.site().node(0).folder().join("second");
    let script = format!(
        "/run web-1 until [ -e {} ]; do sleep 0.1; done; printf '%s-%s' second done",
        second.display()
    );
    platform.says(ANN, HERE, &script).await;
    platform.sees(ANN, HERE, "⏳ job 2").await;
    platform.set_down(true).await;
    for (number, go) in [(1, &job.go), (2, &second)] {
        std::fs::write(go, "").unwrap();
        let owner = &mut platform.site().owner;
        let until = Instant::now() + PATIENCE;
        loop {
            owner.says(&format!("job {number}")).await;
            let said = owner.sees(&format!("job {number} ·")).await;
            if said.contains("exit 0") {
                break;
            }
            assert!(Instant::now() < until, "{said}");
        }
    }
    let said = platform.everything(ANN, HERE).await;
    assert!(!said.contains("really-done"), "{said}");
    platform.set_down(false).await;
    platform.sees(ANN, HERE, "really-done").await;
    platform.sees(ANN, HERE, "second-done").await;
    let said = platform.everything(ANN, HERE).await;
    for done in ["really-done", "second-done"] {
        assert_eq!(said.matches(done).count(), 1, "{said}");
    }
}

/// A job that waits for the story.
struct Begun {
    go: std::path::PathBuf,
}

async fn begun(platform: &mut impl Platform) -> Begun {
    platform.operator(ANN).await;
    let folder = platform.site().node(0).folder();
    let (begun, go) = (folder.join("begun"), folder.join("go"));
    let script = format!(
        "/run web-1 touch {}; until [ -e {} ]; do sleep 0.1; done; printf '%s-%s' really done",
        begun.display(),
        go.display()
    );
    platform.says(ANN, HERE, &script).await;
    platform.sees(ANN, HERE, "⏳ job").await;
    jarvis_tests::process::appears(&begun).await;
    Begun { go }
}

impl Begun {
    /// The job goes on and its end is told, once.
    async fn ends(self, platform: &mut impl Platform) {
        std::fs::write(&self.go, "").unwrap();
        let done = platform.sees(ANN, HERE, "really-done").await;
        assert!(done.contains("exit 0"), "{done}");
        platform.says(ANN, HERE, "/job 9999").await;
        platform.sees(ANN, HERE, "There is no job 9999").await;
        let said = platform.everything(ANN, HERE).await;
        assert_eq!(said.matches("really-done").count(), 1, "{said}");
    }
}

pub(super) async fn duplicate_event(platform: &mut impl Platform) {
    platform.operator(ANN).await;
    let count = platform.site().node(0).folder().join("count");
    platform
        .says(
            ANN,
            HERE,
            &format!(
                "/run web-1 echo once >> {}; printf '%s-%s' was here",
                count.display()
            ),
        )
        .await;
    platform.sees(ANN, HERE, "was-here").await;
    platform.repeats_last_event().await;
    platform.says(ANN, HERE, "/job 9000").await;
    platform.sees(ANN, HERE, "There is no job 9000").await;
    assert_eq!(std::fs::read_to_string(&count).unwrap(), "once\n");
    let said = platform.everything(ANN, HERE).await;
    assert_eq!(said.matches("was-here").count(), 1, "{said}");
}

pub(super) async fn group_without_mention_stays_silent(platform: &mut impl Platform) {
    platform.operator(ANN).await;
    let group = Spot::Group(platform.group("ops").await);
    let proof = platform.site().node(0).folder().join("proof");
    for text in [
        format!("run web-1 touch {}", proof.display()),
        "what do you think of help?".to_owned(),
        "yes".to_owned(),
        "1".to_owned(),
    ] {
        platform.mutters(ANN, group, &text).await;
    }
    platform.says(ANN, group, "/version").await;
    platform.sees(ANN, group, "Jarvis 0.").await;
    assert_eq!(platform.sent(ANN, group).await, 1);
    assert!(!proof.exists());
}

/// Somebody who is known elsewhere: an operator on Telegram, or the owner at the server where the
/// platform is Telegram itself.
struct Partner {
    telegram: Option<(
        FakeTelegram,
        jarvis_tests::telegram::Person,
        jarvis_tests::process::Process,
    )>,
    name: String,
    role: &'static str,
}

impl Partner {
    async fn start(platform: &mut impl Platform) -> Self {
        let site = platform.site();
        let is_telegram = std::fs::read_to_string(site.jarvis.config())
            .unwrap()
            .contains("[telegram]");
        if is_telegram {
            return Self {
                telegram: None,
                name: String::new(),
                role: "owner",
            };
        }
        let telegram = FakeTelegram::start().await.unwrap();
        site.jarvis.configure_telegram(&telegram).unwrap();
        let adapter = site.jarvis.telegram().unwrap();
        telegram.is_polled(0).await;
        let person = telegram.person("Annabel");
        person.says("/start");
        person.sees("I don't know you yet").await;
        site.owner.says("role Annabel operator").await;
        site.owner.sees("Annabel is now operator").await;
        Self {
            telegram: Some((telegram, person, adapter)),
            name: "Annabel".to_owned(),
            role: "operator",
        }
    }

    async fn says(&self, platform: &mut impl Platform, text: &str) {
        match &self.telegram {
            Some((_, person, _)) => drop(person.says(text)),
            None => platform.site().owner.says(text).await,
        }
    }

    async fn sees(&self, platform: &mut impl Platform, text: &str) -> String {
        match &self.telegram {
            Some((_, person, _)) => person.sees(text).await.text,
            None => platform.site().owner.sees(text).await,
        }
    }
}

/// Bytes that do not repeat.
fn content(size: usize) -> Bytes {
    let mut bytes = vec![0; size];
    blake3::Hasher::new()
        .update(&size.to_le_bytes())
        .finalize_xof()
        .fill(&mut bytes);
    bytes.into()
}
