//! What a message brings into a note: its text, who said it and when, and its files with what they
//! say.

use jarvis_proto::chat::{Attachment, Forwarded, Person};

use crate::account::IdentityKey;
use crate::answer::Answer;
use crate::commands::attach::{self, KeptFile};
use crate::commands::{Call, Trouble};
use crate::note::extract::{Kind, Unreadable};
use crate::store::{FileText, NoteFile, NotePart, Op};
use crate::text::{Text, format, text};

/// Most files of one message.
const MOST_FILES: usize = 20;

/// What was caught, and what there is to say about it.
#[derive(Debug, Default)]
pub(super) struct Caught {
    pub(super) parts: Vec<NotePart>,
    /// What the files say.
    ops: Vec<Op>,
    /// What became of the files.
    said: Vec<Text>,
}

impl Caught {
    /// Parts that were caught before.
    pub(super) fn of(parts: Vec<NotePart>) -> Self {
        Self {
            parts,
            ..Self::default()
        }
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.parts
            .iter()
            .all(|part| part.text.trim().is_empty() && part.files.is_empty())
    }

    /// Adds to an answer what was kept and what there is to say.
    pub(super) fn tell(self, mut answer: Answer) -> Answer {
        answer.ops.splice(0..0, self.ops);
        if let Some(reply) = answer.replies.first_mut() {
            for said in self.said {
                *reply = std::mem::take(reply).line(said);
            }
        } else if !self.said.is_empty() {
            answer.replies.push(Text::join(self.said, "\n").into());
        }
        answer
    }

    fn add(&mut self, part: NotePart) {
        if !part.text.trim().is_empty() || !part.files.is_empty() {
            self.parts.push(part);
        }
    }
}

/// A part that the caller writes now.
fn own(call: &Call<'_>, text: String) -> NotePart {
    NotePart {
        text,
        author: call.account().clone(),
        time_ms: call.brain.now_ms(),
        said_by: String::new(),
        files: Vec::new(),
    }
}

/// What the command's message brings: first the message that it answers, then `text` with its own
/// files.
///
/// # Errors
/// When it failed for no fault of the caller's.
pub(super) async fn with_command(call: &Call<'_>, text: &str) -> Result<Caught, Trouble> {
    let mut caught = Caught::default();
    answered(call, &mut caught).await?;
    let mut part = own(call, text.to_owned());
    part.files = files(call, &call.message.attachments, &mut caught).await;
    caught.add(part);
    Ok(caught)
}

/// A new text for a note, with the files that came along.
pub(super) async fn new_text(call: &Call<'_>, text: &str) -> Caught {
    let mut caught = Caught::default();
    let mut part = own(call, text.to_owned());
    part.files = files(call, &call.message.attachments, &mut caught).await;
    caught.parts.push(part);
    caught
}

/// What a message brings that is no command. A message that was passed on is its author's.
///
/// # Errors
/// When it failed for no fault of the caller's.
pub(super) async fn message(call: &Call<'_>) -> Result<Caught, Trouble> {
    let mut caught = Caught::default();
    let mut part = own(call, call.message.text.trim().to_owned());
    if let Some(forwarded) = &call.message.forwarded {
        passed_on(call, forwarded, &mut part).await?;
    }
    part.files = files(call, &call.message.attachments, &mut caught).await;
    caught.add(part);
    Ok(caught)
}

async fn answered(call: &Call<'_>, caught: &mut Caught) -> Result<(), Trouble> {
    let message = call.message;
    if message.reply_to.is_empty() {
        return Ok(());
    }
    let about = message.answered.clone().unwrap_or_default();
    let mut part = own(call, message.reply_to_text.trim().to_owned());
    if about.time_ms > 0 {
        part.time_ms = about.time_ms;
    }
    if let Some(person) = &about.from {
        written_by(call, person, &mut part).await?;
    }
    if let Some(forwarded) = &about.forwarded {
        passed_on(call, forwarded, &mut part).await?;
    }
    part.files = files(call, &about.attachments, caught).await;
    if about.attachments.is_empty()
        && let Some(kept) = attach::answered_file(call).await?
    {
        read(call, &kept, caught).await;
        part.files.push(note_file(kept));
    }
    caught.add(part);
    Ok(())
}

async fn passed_on(
    call: &Call<'_>,
    forwarded: &Forwarded,
    part: &mut NotePart,
) -> Result<(), Trouble> {
    if forwarded.time_ms > 0 {
        part.time_ms = forwarded.time_ms;
    }
    if let Some(person) = &forwarded.from {
        written_by(call, person, part).await?;
    }
    Ok(())
}

/// Names who wrote a part: their account if they have one, else what they are called.
async fn written_by(call: &Call<'_>, person: &Person, part: &mut NotePart) -> Result<(), Trouble> {
    part.author = call.account().clone();
    part.said_by.clear();
    if !person.id.is_empty() && !person.is_bot {
        let key = IdentityKey {
            kind: call.room().bot.kind.clone(),
            person: person.id.clone(),
        };
        if let Some(identity) = call.brain.store().identity(&key).await? {
            part.author = identity.account;
            return Ok(());
        }
    }
    let name = if person.name.trim().is_empty() {
        &person.handle
    } else {
        &person.name
    };
    let is_shown = |c: &char| !c.is_control();
    part.said_by = name.trim().chars().filter(is_shown).take(64).collect();
    Ok(())
}

/// Brings files here and reads what they say. One that cannot be had or read costs nothing but itself.
async fn files(call: &Call<'_>, attachments: &[Attachment], caught: &mut Caught) -> Vec<NoteFile> {
    let mut files: Vec<NoteFile> = Vec::new();
    for attachment in attachments.iter().take(MOST_FILES) {
        match attach::bring(call, attachment.clone()).await {
            Ok(kept) => {
                read(call, &kept, caught).await;
                files.push(note_file(kept));
            }
            Err(why) => {
                let name = crate::blob::clean_file_name(&attachment.name);
                let said = text!(call.language(), "note-file-missing", name = name, why = why);
                caught.said.push(said);
            }
        }
    }
    files
}

fn note_file(kept: KeptFile) -> NoteFile {
    NoteFile {
        blob: kept.blob,
        name: kept.name,
        mime: kept.mime,
        size: kept.size,
    }
}

/// Reads what a file says, and says what there is to say about it.
async fn read(call: &Call<'_>, file: &KeptFile, caught: &mut Caught) {
    let language = call.language();
    let name = file.name.as_str();
    let size = format::bytes(file.size);
    let said = text!(language, "note-file", name = name, size = size.clone());
    let program = call.brain.config().file_reader.as_deref();
    let path = call.brain.blobs().path(&file.blob);
    let (Some(kind), Some(program), Some(path)) = (Kind::of(&file.name, &file.mime), program, path)
    else {
        caught.said.push(said);
        return;
    };
    let reader = call.brain.notes().reader();
    match reader.read(program, kind, &path, file.size).await {
        Ok(text) => {
            caught.said.push(said);
            caught.ops.push(Op::PutFileText(FileText {
                hash: file.blob.clone(),
                text,
                created_ms: call.brain.now_ms(),
            }));
        }
        Err(why) => {
            let why = match why {
                Unreadable::Broken => text!(language, "note-file-broken"),
                Unreadable::TooDeep => text!(language, "note-file-deep"),
                Unreadable::TooMuch => text!(language, "note-file-much"),
                Unreadable::TooSlow => text!(language, "note-file-slow"),
            };
            caught.said.push(text!(
                language,
                "note-file-unread",
                name = name,
                size = size,
                why = why
            ));
        }
    }
}
