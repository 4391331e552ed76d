//! The index of notes: in step with the store whatever happens to it, and to the brain.

use std::path::{Path, PathBuf};

use jarvis_brain::note::exchange::{Format, PortableNote, write};
use jarvis_tests::console::{Console, word_after};
use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::Process;

fn generations(jarvis: &Jarvis) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(jarvis.data().join("notes-index")).unwrap();
    folder.map(|entry| entry.unwrap().path()).collect()
}

async fn finds(person: &mut Console, query: &str, what: &str) {
    person.says(&format!("find {query}")).await;
    person.sees(what).await;
}

#[tokio::test]
async fn an_index_of_another_version_is_made_anew_by_itself() {
    let jarvis = Jarvis::new().unwrap();
    let mut brain = jarvis.brain().await.unwrap();
    let mut ann = jarvis.chat().unwrap();
    ann.says("note the backup runs at four").await;
    ann.sees("Saved note").await;
    ann.says("rebuildkeywords").await;
    ann.sees("The index was made anew. Notes in it: 1.").await;
    brain.kill().await.unwrap();
    for generation in generations(&jarvis) {
        let meta = generation.join("meta.json");
        let text = std::fs::read_to_string(&meta).unwrap();
        let payload = text.split("\"payload\": \"").nth(1).unwrap();
        let payload = payload.split('"').next().unwrap();
        let (_, sequence) = payload.split_once(' ').unwrap();
        let other = text.replace(payload, &format!("999999 {sequence}"));
        assert_ne!(text, other);
        std::fs::write(meta, other).unwrap();
    }
    let _brain = jarvis.brain().await.unwrap();
    finds(&mut ann, "backup", "runs at four").await;
    ann.says("health").await;
    ann.sees("of another version, and was made anew").await;
}

/// What is done to the folder of an index, in words and in deed.
type Harm = (&'static str, fn(&Path));

#[tokio::test]
async fn any_damage_to_the_index_is_mended_and_the_owner_told() {
    let harm: [Harm; 4] = [
        ("every file is cut in half", |folder| {
            for file in std::fs::read_dir(folder).unwrap() {
                let path = file.unwrap().path();
                let bytes = std::fs::read(&path).unwrap();
                std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
            }
        }),
        ("every segment is noise", |folder| {
            for file in std::fs::read_dir(folder).unwrap() {
                let path = file.unwrap().path();
                if !path.ends_with("meta.json") && !path.ends_with(".managed.json") {
                    let size = std::fs::metadata(&path).unwrap().len();
                    std::fs::write(&path, vec![0x5a; usize::try_from(size).unwrap()]).unwrap();
                }
            }
        }),
        ("every segment is gone", |folder| {
            for file in std::fs::read_dir(folder).unwrap() {
                let path = file.unwrap().path();
                if !path.ends_with("meta.json") {
                    std::fs::remove_file(path).unwrap();
                }
            }
        }),
        ("it is a file", |folder| {
            std::fs::remove_dir_all(folder).unwrap();
            std::fs::write(folder, "no folder").unwrap();
        }),
    ];
    let jarvis = Jarvis::new().unwrap();
    let mut brain = jarvis.brain().await.unwrap();
    let mut ann = jarvis.chat().unwrap();
    ann.says("note the backup runs at four").await;
    ann.sees("Saved note").await;
    for (what, harm) in harm {
        ann.says("rebuildkeywords").await;
        ann.sees("The index was made anew. Notes in it: 1.").await;
        brain.kill().await.unwrap();
        let folders = generations(&jarvis);
        assert!(!folders.is_empty(), "{what}");
        folders.iter().for_each(|folder| harm(folder));
        brain = jarvis.brain().await.unwrap();
        finds(&mut ann, "backup", "runs at four").await;
        ann.says("health").await;
        ann.sees("was damaged or of another version, and was made anew")
            .await;
    }
}

/// Kills the brain again and again while notes are written, edited and removed, and the index is made
/// anew; what was said to be saved is found, and nothing else.
#[tokio::test]
async fn kills_at_any_moment_leave_the_index_in_step() {
    let jarvis = Jarvis::new().unwrap();
    let mut brain = jarvis.brain().await.unwrap();
    let mut ann = jarvis.chat().unwrap();
    let mut saved: Vec<(String, String)> = Vec::new();
    for round in 0_u32..8 {
        for turn in 0..3 {
            let word = format!("word{round}x{turn}");
            ann.says(&format!("note {word} 服务器")).await;
            let said = ann.sees("Saved note ").await;
            saved.push((word_after(&said, "Saved note ").unwrap(), word));
        }
        let (number, word) = saved.last_mut().unwrap();
        *word = format!("edited{round}");
        ann.says(&format!("editnote {number} {word}")).await;
        ann.sees(&format!("Changed note {number}")).await;
        if round % 2 == 0 {
            ann.says("rebuildkeywords").await;
        }
        ann.says(&format!("note unsure{round}")).await;
        // Somewhere between the event and the answer, or after it.
        tokio::time::sleep(std::time::Duration::from_millis(u64::from(round) * 7)).await;
        brain.kill().await.unwrap();
        brain = jarvis.brain().await.unwrap();
        // What nobody had confirmed comes again, once.
        ann.says(&format!("find unsure{round}")).await;
        ann.sees(&format!("1 note for “unsure{round}”")).await;
    }
    for (number, word) in &saved {
        finds(&mut ann, word, &format!("#{number} ")).await;
    }
    ann.says("find \"word0x2\"").await;
    ann.sees("No note that you can read fits").await;
    let total = saved.len() + 8;
    ann.says("rebuildkeywords").await;
    ann.sees(&format!("Notes in it: {total}.")).await;
}

#[tokio::test]
async fn searching_goes_on_while_the_index_is_made_anew() {
    let jarvis = Jarvis::new().unwrap();
    let _brain = jarvis.brain().await.unwrap();
    let mut ann = jarvis.chat().unwrap();
    let notes: Vec<PortableNote> = (0..3_000)
        .map(|number| PortableNote {
            parts: vec![format!("entry{number} 服务器日志里有很多话要说")],
            ..PortableNote::default()
        })
        .collect();
    let file = jarvis.folder().join("many.json");
    std::fs::write(&file, write(Format::Json, &notes).unwrap()).unwrap();
    ann.says(&format!("@{} impnotes", file.display())).await;
    ann.sees("new: 3000").await;
    ann.says("yes").await;
    ann.sees("Import 1 is done").await;
    ann.says("rebuildkeywords").await;
    ann.sees("Searching goes on").await;
    finds(&mut ann, "entry2999", "1 note for").await;
    ann.says("note written meanwhile").await;
    ann.sees("Saved note").await;
    finds(&mut ann, "meanwhile", "1 note for").await;
    ann.sees("The index was made anew. Notes in it: 300").await;
    finds(&mut ann, "meanwhile", "1 note for").await;
}

/// A brain and a person at it.
async fn brain_at(database: &str) -> (Jarvis, Process, Console) {
    let jarvis = Jarvis::new().unwrap();
    let keys = format!("database = \"{database}\"");
    jarvis.configure("brain", &keys).unwrap();
    let brain = jarvis.brain().await.unwrap();
    let person = jarvis.chat().unwrap();
    (jarvis, brain, person)
}

/// What one brain has saved is found in the other within a moment.
async fn soon_finds(person: &mut Console, query: &str) {
    let until = tokio::time::Instant::now() + jarvis_tests::process::PATIENCE;
    loop {
        person.says(&format!("find {query}")).await;
        let answer = person.sees(&format!("“{query}”")).await;
        if answer.contains("1 note for") {
            return;
        }
        assert!(
            tokio::time::Instant::now() < until,
            "{query} is never found"
        );
    }
}

#[tokio::test]
async fn two_brains_on_one_database_find_each_others_notes() {
    let Some(database) = crate::postgres::database().await else {
        return;
    };
    let (_one, _brain_one, mut ann) = brain_at(&database).await;
    let (two, mut brain_two, mut bob) = brain_at(&database).await;
    ann.says("note first of one").await;
    ann.sees("Saved note 1").await;
    soon_finds(&mut bob, "first").await;
    // Both write at once, so that their transactions cross.
    for turn in 0..30 {
        ann.says(&format!("note one{turn} 服务器")).await;
        bob.says(&format!("note two{turn} 服务器")).await;
    }
    for _ in 0..30 {
        ann.sees("Saved note").await;
        bob.sees("Saved note").await;
    }
    for turn in 0..30 {
        soon_finds(&mut ann, &format!("two{turn}")).await;
        soon_finds(&mut bob, &format!("one{turn}")).await;
    }
    // What was written while a brain was away is taken in at its start; changes and removals too.
    brain_two.kill().await.unwrap();
    ann.says("note written alone").await;
    ann.sees("Saved note").await;
    ann.says("editnote 1 altered by one").await;
    ann.sees("Changed note 1").await;
    let _brain_two = two.brain().await.unwrap();
    soon_finds(&mut bob, "alone").await;
    soon_finds(&mut bob, "altered").await;
    bob.says("find first").await;
    bob.sees("No note that you can read fits").await;
}
