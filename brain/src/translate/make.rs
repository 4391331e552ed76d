//! Makes one translation: every goal, the way back, files of copies; again until an engine answers.

use std::sync::Arc;
use std::time::Duration;

use jarvis_proto::chat::Attachment;
use rand::Rng as _;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::check;
use super::mask::Fixed;
use super::month;
use super::pieces::{Part, Piece, main_tongue, parts, pieces};
use super::settings::{Goal, RoomTranslation, room_mark};
use super::tongue::Tongue;
use super::translator::{Failure, Spent, Wish};
use super::work::{FileHandle, Origin, Style, Work, origin_of_key};
use crate::blob::{Pin, clean_file_name};
use crate::brain::Brain;
use crate::reply::ReplyFile;

/// First and longest pause between two tries.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(20));
/// A message of ours may be answered before its own id is stored.
const ANSWERED_TRIES: u32 = 5;
const ANSWERED_PAUSE: Duration = Duration::from_millis(100);
/// How long a file of another room may take.
const FETCH_LIMIT: Duration = Duration::from_secs(300);

/// A translation as it is shown.
#[derive(Debug, Default)]
pub(super) struct Made {
    /// Each goal that was reached.
    pub(super) texts: Vec<Said>,
    /// Why a goal was not reached.
    pub(super) failure: Option<Failure>,
    /// What engines were sent.
    pub(super) spent: Vec<Spent>,
    /// What the copy answers in its room.
    pub(super) reply_to: String,
    /// Files of a copy.
    pub(super) files: Vec<ReplyFile>,
    /// Names of files that did not come.
    pub(super) lost: Vec<String>,
    /// Keeps the files until they are in the outbox.
    pub(super) pins: Vec<Pin>,
}

/// One goal that was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) to: Tongue,
    pub(super) text: String,
    /// How it reads when translated back, and whether it may be misread.
    pub(super) back: Option<(String, bool)>,
}

/// Makes it. Takes as long as it takes, up to the limit of the configuration.
pub(super) async fn make(brain: &Brain, work: &Work, permits: &Arc<Semaphore>) -> Made {
    let mut made = Made::default();
    if let Style::Copy {
        reply_to,
        files,
        is_reply_to_us,
        ..
    } = &work.style
    {
        made.reply_to = answered(brain, work, reply_to).await;
        let mut tries = if *is_reply_to_us { ANSWERED_TRIES } else { 0 };
        while made.reply_to.is_empty() && tries > 0 {
            tries -= 1;
            tokio::time::sleep(ANSWERED_PAUSE).await;
            made.reply_to = answered(brain, work, reply_to).await;
        }
        fetch(brain, work, files, &mut made).await;
    }
    let nobody = Arc::new(RoomTranslation::default());
    let settings = brain
        .translations()
        .room(&work.origin.room)
        .unwrap_or(nobody);
    let hint = settings.hint(&work.person);
    let mut among = settings.tongues();
    among.extend(work.goals.iter().map(|goal| goal.to));
    let pieces = pieces(&work.text, &among, hint);
    let names = brain.translations().names(&work.origin.room);
    let mut open: Vec<&Goal> = work.goals.iter().collect();
    let until = Instant::now() + brain.config().translate.give_up_after;
    let mut pause = PAUSE.0;
    loop {
        made.failure = None;
        let mut later = Vec::new();
        for goal in open {
            let fixed = fixed(&settings, goal.to, &names);
            let Ok(_permit) = permits.acquire().await else {
                return made;
            };
            match reach(brain, work, goal, &pieces, &fixed, &mut made.spent).await {
                Ok(Some(said)) => made.texts.push(said),
                Ok(None) => {}
                Err(failure) => {
                    if failure.is_passing() {
                        later.push(goal);
                    }
                    made.failure = Some(failure);
                }
            }
        }
        if later.is_empty() || Instant::now() + pause > until {
            break;
        }
        open = later;
        let jitter = rand::rng().random_range(0.8..1.2);
        tokio::time::sleep(pause.mul_f64(jitter)).await;
        pause = (pause * 2).min(PAUSE.1);
    }
    let place = |to: Tongue| work.goals.iter().position(|goal| goal.to == to);
    made.texts.sort_by_key(|said| place(said.to));
    made
}

/// Glossary, and the names of those who speak here.
fn fixed<'a>(settings: &'a RoomTranslation, to: Tongue, names: &'a [String]) -> Vec<Fixed<'a>> {
    let mut fixed = settings.fixed(to);
    fixed.extend(names.iter().map(|name| Fixed {
        word: name.as_str().into(),
        becomes: name.as_str().into(),
    }));
    fixed
}

/// One goal; `None` when there is nothing to translate.
async fn reach(
    brain: &Brain,
    work: &Work,
    goal: &Goal,
    pieces: &[Piece],
    fixed: &[Fixed<'_>],
    spent: &mut Vec<Spent>,
) -> Result<Option<Said>, Failure> {
    let Some(parts) = parts(pieces, goal.to, fixed) else {
        return Ok(None);
    };
    within_budget(brain, work, &parts).await?;
    let month = month(brain);
    let wish = Wish {
        parts: &parts,
        to: goal.to,
        engine: goal.engine.as_deref(),
        local_only: work.local_only,
        month: &month,
    };
    let translator = brain.translations().translator();
    let text = translator.translate(wish, spent).await?;
    let mut back = None;
    if goal.round_trip
        && let Some(own) = main_tongue(pieces).filter(|own| *own != goal.to)
    {
        back = way_back(brain, work, goal, &text, own, spent).await;
    }
    Ok(Some(Said {
        to: goal.to,
        text,
        back,
    }))
}

/// How a translation reads in the author's own language. No reason to fail.
async fn way_back(
    brain: &Brain,
    work: &Work,
    goal: &Goal,
    text: &str,
    own: Tongue,
    spent: &mut Vec<Spent>,
) -> Option<(String, bool)> {
    let translated = pieces(text, &[goal.to], Some(goal.to));
    let parts = parts(&translated, own, &[])?;
    let month = month(brain);
    let wish = Wish {
        parts: &parts,
        to: own,
        engine: goal.engine.as_deref(),
        local_only: work.local_only,
        month: &month,
    };
    match brain
        .translations()
        .translator()
        .translate(wish, spent)
        .await
    {
        Ok(back) => {
            let is_misread = check::may_be_misread(&work.text, &back);
            Some((back, is_misread))
        }
        Err(failure) => {
            debug!(%failure, "no way back");
            None
        }
    }
}

/// Whether author and room have characters left this month.
async fn within_budget(brain: &Brain, work: &Work, parts: &[Part]) -> Result<(), Failure> {
    let config = &brain.config().translate;
    if config.person_budget == 0 && config.room_budget == 0 {
        return Ok(());
    }
    let wanted: u64 = parts
        .iter()
        .map(|part| match part {
            Part::Keep(_) => 0,
            Part::Send { masked, .. } => masked.text.chars().count() as u64,
        })
        .sum();
    let used = brain
        .store()
        .translation_used(&month(brain), &work.account, &work.origin.room)
        .await;
    let (person, room) = match used {
        Ok(used) => used,
        Err(error) => {
            warn!(%error, "cannot tell what was spent");
            return Err(Failure::Down(error.to_string()));
        }
    };
    let exceeds = |used: u64, budget: u64| budget > 0 && used + wanted > budget;
    if exceeds(person, config.person_budget) || exceeds(room, config.room_budget) {
        return Err(Failure::Budget);
    }
    Ok(())
}

/// What a copy answers in its own room: the message itself, or the copy of it.
async fn answered(brain: &Brain, work: &Work, reply_to: &str) -> String {
    if reply_to.is_empty() {
        return String::new();
    }
    let store = brain.store();
    let there = &work.origin.room;
    let prefix = super::work::key_prefix(there);
    // A message of ours there shows one of somebody elsewhere.
    let shown = store.translation_shown_by(&prefix, reply_to).await;
    let shown = shown.ok().flatten();
    let origin = shown.as_deref().and_then(|key| origin_of_key(key, there));
    let key = match origin {
        Some((room, message)) if room == room_mark(&work.room) => return message.to_owned(),
        Some((room, message)) => {
            format!("{}{room}:{message}", super::work::key_prefix(&work.room))
        }
        None => Origin {
            room: there.clone(),
            message: reply_to.to_owned(),
        }
        .key_in(&work.room),
    };
    match store.progress(&key).await {
        Ok(Some(copy)) => copy.message_id,
        _ => String::new(),
    }
}

/// Brings the files of a copy here. What does not come is named instead.
async fn fetch(brain: &Brain, work: &Work, files: &[FileHandle], made: &mut Made) {
    let limit = brain.config().attachment_limit;
    let most = match brain.file_limit(&work.room.bot) {
        0 => limit,
        there => limit.min(there),
    };
    for file in files {
        let name = clean_file_name(&file.name);
        let Some(session) = brain.sessions().get(&work.origin.room.bot) else {
            made.lost.push(name);
            continue;
        };
        if file.size > most || crate::file::make_room(brain, file.size).await.is_err() {
            made.lost.push(name);
            continue;
        }
        match session.fetch(Attachment::from(file), FETCH_LIMIT).await {
            Ok(stored) if stored.size <= most => {
                made.pins.push(brain.blobs().pin(&stored.hash));
                made.files.push(ReplyFile {
                    blob: stored.hash,
                    name,
                    mime: file.mime().to_owned(),
                    size: stored.size,
                });
            }
            Ok(_) => made.lost.push(name),
            Err(error) => {
                warn!(%error, "a file of another room did not come");
                made.lost.push(name);
            }
        }
    }
}
