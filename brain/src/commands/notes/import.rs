//! `impnotes`: notes from a file, first counted, then brought in; and taking that back.

use tracing::warn;

use super::{ImpnotesArgs, write};
use crate::answer::{After, Answer};
use crate::commands::attach::the_file;
use crate::commands::{Call, Trouble};
use crate::note::exchange::MOST_FILE_BYTES;
use crate::note::import::Purpose;
use crate::note::import::run::{ImportTrouble, Meant, counts, mean, read_file};
use crate::reply::Reply;
use crate::store::{BlobRef, ImportState, NoteImport, Notebook, Op};
use crate::text::{Text, excerpt, format, text};

/// `impnotes [--merge|--replace] [--nb NAME]` with a file, or `impnotes --undo NUMBER`.
pub(in crate::commands) async fn impnotes(
    call: &Call<'_>,
    args: ImpnotesArgs,
    line: &str,
) -> Result<Answer, Trouble> {
    if let Some(number) = args.undo {
        return undo(call, number).await;
    }
    let language = call.language();
    let place = match write::place(call, args.notebook.as_deref()).await? {
        Ok(place) => place,
        Err(answer) => return Ok(answer),
    };
    let file = match the_file(call).await {
        Ok(file) => file,
        Err(_) if call.message.attachments.is_empty() => {
            return Ok(Answer::say(text!(language, "impnotes-no-file")));
        }
        Err(answer) => return Ok(answer),
    };
    if file.size > MOST_FILE_BYTES {
        let size = format::bytes(file.size);
        let limit = format::bytes(MOST_FILE_BYTES);
        let said = text!(language, "attachment-too-large", size = size, limit = limit);
        return Ok(Answer::say(said));
    }
    let now_ms = call.brain.now_ms();
    let purpose = Purpose {
        account: call.account().clone(),
        replaces: args.replace,
        asked_ms: now_ms,
        now_ms,
    };
    let everything_to = args.notebook.as_ref().map(|_| place.number);
    let personal = write::personal(call);
    let read = async {
        let reading = read_file(call.brain, &file.blob).await?;
        mean(call.brain, &purpose, reading, &personal, everything_to).await
    };
    let meant = match read.await {
        Ok(meant) => meant,
        Err(ImportTrouble::Store(error)) => return Err(error.into()),
        Err(trouble) => {
            warn!(error = %trouble, "a file of notes is not taken");
            let (name, why) = (file.name.as_str(), trouble.to_string());
            return Ok(Answer::say(text!(
                language,
                "impnotes-broken",
                name = name,
                why = excerpt(&why)
            )));
        }
    };
    let steps = meant.sum(|plan| plan.steps.len());
    let preview = preview(call, &file.name, &meant);
    if steps == 0 {
        return Ok(Answer::say(
            preview.line(text!(language, "impnotes-nothing")),
        ));
    }
    if !call.is_confirmed {
        let data = serde_json::to_value(&file).unwrap_or_default();
        // The file must still be here when the answer is yes.
        return Ok(call.ask(preview, line, data).op(keep(call, &file)));
    }
    let import = NoteImport {
        number: call.brain.store().next_number("note-import").await?,
        account: call.account().clone(),
        room: call.room().clone(),
        room_kind: call.kind,
        reply_to: call.message.message_id.clone(),
        language: language.code().to_owned(),
        file: file.blob.clone(),
        name: file.name.clone(),
        notebook: everything_to,
        replaces: args.replace,
        state: ImportState::Running,
        created_ms: now_ms,
    };
    let said = text!(
        language,
        "impnotes-begun",
        number = import.number,
        total = steps
    );
    Ok(Answer::say(said)
        .about(format!("import {}", import.number))
        .op(keep(call, &file))
        .op(Op::PutImport(Box::new(import.clone())))
        .then(After::ImportNotes(Box::new(import))))
}

/// Keeps the file for this room.
fn keep(call: &Call<'_>, file: &crate::commands::attach::KeptFile) -> Op {
    Op::PutBlob(BlobRef {
        hash: file.blob.clone(),
        origin: format!("room:{}", call.room().room),
        name: file.name.clone(),
        mime: file.mime.clone(),
        size: i64::try_from(file.size).unwrap_or(i64::MAX),
        created_ms: call.brain.now_ms(),
    })
}

/// What would happen.
fn preview(call: &Call<'_>, name: &str, meant: &Meant) -> Reply {
    let language = call.language();
    let mut reply = Reply::new()
        .line(text!(language, "impnotes-preview", name = name))
        .line(counts(language, meant));
    let shared = |(notebook, _): &&(Notebook, _)| notebook.is_shared;
    let into: Vec<&str> = meant
        .places
        .iter()
        .filter(shared)
        .map(|(notebook, _)| notebook.name.as_str())
        .collect();
    if !into.is_empty() {
        let into = Text::plain(&into.join(" "));
        reply = reply.line(text!(language, "impnotes-into", notebooks = into));
    }
    if meant.homeless > 0 {
        reply = reply.line(text!(language, "impnotes-homeless", count = meant.homeless));
    }
    reply
}

/// `impnotes --undo NUMBER`.
async fn undo(call: &Call<'_>, number: i64) -> Result<Answer, Trouble> {
    let language = call.language();
    let import = call.brain.store().note_import(number).await?;
    let own = import.filter(|import| import.account == *call.account());
    let Some(import) = own else {
        return Ok(Answer::say(text!(
            language,
            "impnotes-unknown",
            number = number
        )));
    };
    match import.state {
        ImportState::Done | ImportState::Failed => {}
        ImportState::Running | ImportState::Undoing => {
            return Ok(Answer::say(text!(
                language,
                "impnotes-runs",
                number = number
            )));
        }
        ImportState::Undone => {
            return Ok(Answer::say(text!(
                language,
                "impnotes-is-undone",
                number = number
            )));
        }
    }
    let import = NoteImport {
        state: ImportState::Undoing,
        reply_to: call.message.message_id.clone(),
        ..import
    };
    Ok(
        Answer::say(text!(language, "impnotes-undo-begun", number = number))
            .about(format!("import {number}"))
            .op(Op::PutImport(Box::new(import.clone())))
            .then(After::ImportNotes(Box::new(import))),
    )
}
