//! Files that people send: what their captions mean, and asking when there is none.

use std::time::Duration;

use jarvis_proto::chat::Attachment;
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::call::{Call, Trouble};
use super::{files, jobs};
use crate::answer::Answer;
use crate::blob::clean_file_name;
use crate::command::permission::Permission;
use crate::command::target::Target;
use crate::command::value::FilePlace;
use crate::command::words;
use crate::file;
use crate::reply::Reply;
use crate::service::FetchError;
use crate::store::{Dialog, FileRecord, Op, Unit};
use crate::text::{Text, format, text};

/// How long an attachment may take to arrive.
const FETCH_LIMIT: Duration = Duration::from_secs(15 * 60);
/// How long a file without a caption waits to be told where it goes.
const DIALOG_LIFE_MS: i64 = 10 * 60 * 1000;
/// The dialog of such a file.
pub(super) const FILE_DIALOG: &str = "file";
/// Largest script, in bytes.
const SCRIPT_LIMIT: u64 = 1 << 20;

/// A file of the chat that is in the blob store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptFile {
    /// BLAKE3 hex.
    pub blob: String,
    /// Cleaned name.
    pub name: String,
    /// MIME type as the platform gave it; may be empty.
    pub mime: String,
    /// Bytes.
    pub size: u64,
}

impl KeptFile {
    /// Whether it looks like something to run.
    fn is_script(&self, head: &[u8]) -> bool {
        self.name.to_lowercase().ends_with(".sh")
            || self.mime.contains("x-sh")
            || self.mime.contains("x-script.sh")
            || head.starts_with(b"#!")
    }
}

/// The one file that goes with a command.
///
/// # Errors
/// What to answer instead.
pub(super) async fn the_file(call: &Call<'_>) -> Result<KeptFile, Answer> {
    let language = call.language();
    if let Some(kept) = call.kept_file {
        return Ok(kept.clone());
    }
    let attachment = match call.message.attachments.as_slice() {
        [one] => one.clone(),
        [] => {
            if let Ok(Some(file)) = answered_file(call).await {
                return Ok(file);
            }
            return Err(Answer::say(text!(
                language,
                "put-no-file",
                place = "NODE:PATH"
            )));
        }
        _ => return Err(Answer::say(text!(language, "put-one-file"))),
    };
    fetch(call, attachment).await
}

/// The file of the message that this one answers.
///
/// # Errors
/// When the store cannot be asked.
pub(super) async fn answered_file(call: &Call<'_>) -> Result<Option<KeptFile>, Trouble> {
    let message = &call.message.reply_to;
    if message.is_empty() {
        return Ok(None);
    }
    let file = call
        .brain
        .store()
        .file_of_message(call.room(), message)
        .await?;
    let file = file.filter(|file| call.pin(&file.hash));
    Ok(file.map(|file| files::store::kept(&file)))
}

async fn fetch(call: &Call<'_>, attachment: Attachment) -> Result<KeptFile, Answer> {
    let kept = bring(call, attachment).await.map_err(Answer::say)?;
    note(call, &kept).await;
    Ok(kept)
}

/// Brings an attachment into the blob store, where it stays at least until the answer is committed.
///
/// # Errors
/// What to tell its sender.
pub(super) async fn bring(call: &Call<'_>, attachment: Attachment) -> Result<KeptFile, Text> {
    let language = call.language();
    let name = clean_file_name(&attachment.name);
    let limit = call.brain.config().attachment_limit;
    let platform = call.inbound.session.capabilities();
    let most = match platform.file_in_limit {
        0 => limit,
        theirs => theirs.min(limit),
    };
    if attachment.size > most {
        return Err(text!(
            language,
            "attachment-too-large",
            size = format::bytes(attachment.size),
            limit = format::bytes(most),
        ));
    }
    if let Err(full) = file::make_room(call.brain, attachment.size).await {
        warn!(error = %full, "no room for an attachment");
        return Err(full.explain(language));
    }
    let mime = attachment.mime.clone();
    match call.inbound.session.fetch(attachment, FETCH_LIMIT).await {
        Ok(blob) => {
            let kept = KeptFile {
                blob: blob.hash,
                name,
                mime,
                size: blob.size,
            };
            call.pin(&kept.blob);
            Ok(kept)
        }
        Err(error) => {
            warn!(%error, "an attachment did not come");
            let detail = match error {
                FetchError::Failed(detail) => detail,
                other => other.to_string(),
            };
            Err(text!(language, "attachment-failed", detail = detail))
        }
    }
}

/// Gives a file that came its place in the list of files.
async fn note(call: &Call<'_>, kept: &KeptFile) {
    let record = FileRecord {
        number: 0,
        hash: kept.blob.clone(),
        name: kept.name.clone(),
        mime: kept.mime.clone(),
        size: i64::try_from(kept.size).unwrap_or(i64::MAX),
        source: String::new(),
        account: call.account().clone(),
        room: call.room().clone(),
        message: call.message.message_id.clone(),
        job: 0,
        created_ms: 0,
    };
    let noted = async {
        let record = file::numbered(call.brain, record).await?;
        let put = Op::PutFile(Box::new(record));
        call.brain.store().commit(Unit::of(vec![put])).await
    };
    // It is used nevertheless; only `files` does not know it.
    if let Err(error) = noted.await {
        warn!(%error, "a file gets no number");
    }
}

/// The name of the message's first file, to speak of it.
fn attached_name(call: &Call<'_>) -> String {
    call.message
        .attachments
        .first()
        .map_or_else(String::new, |file| clean_file_name(&file.name))
}

/// The text of a script file.
///
/// # Errors
/// What to answer when it is no script.
pub(super) async fn script_of(
    call: &Call<'_>,
    file: &KeptFile,
) -> Result<Result<String, Answer>, Trouble> {
    let language = call.language();
    if file.size > SCRIPT_LIMIT {
        let limit = format::bytes(SCRIPT_LIMIT);
        return Ok(Err(Answer::say(text!(
            language,
            "script-too-large",
            name = file.name.as_str(),
            limit = limit
        ))));
    }
    let bytes = read(call, file).await?;
    // Editors on Windows mark UTF-8 and end lines with CR LF, neither of which a shell understands.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    Ok(match std::str::from_utf8(bytes) {
        Ok(script) if !script.trim().is_empty() => Ok(script.replace("\r\n", "\n")),
        Ok(_) => Err(Answer::say(text!(
            language,
            "script-empty",
            file = file.name.as_str()
        ))),
        Err(_) => Err(Answer::say(text!(
            language,
            "script-not-text",
            file = file.name.as_str()
        ))),
    })
}

async fn read(call: &Call<'_>, file: &KeptFile) -> Result<Vec<u8>, Trouble> {
    let path = call
        .brain
        .blobs()
        .path(&file.blob)
        .ok_or_else(|| std::io::Error::new(std::io::ErrorKind::NotFound, "not a blob"))?;
    Ok(tokio::fs::read(path).await?)
}

/// A file whose caption is no command: `NODE:/path` puts it there, `NODE` runs a script there, and
/// without a caption we ask.
///
/// # Errors
/// When it failed for no fault of the caller's.
pub(crate) async fn take_files(call: &Call<'_>, caption: &str) -> Result<Answer, Trouble> {
    let caption = caption.trim();
    if call
        .check(
            Permission::Operator,
            &crate::command::permission::Object::None,
            "put",
        )
        .is_err()
    {
        // People without nodes also send pictures; only what was meant for a node is refused aloud.
        return Ok(match caption {
            "" => Answer::nothing(),
            _ => Answer::say(text!(
                call.language(),
                "attachment-unneeded",
                file = attached_name(call)
            )),
        });
    }
    let file = match the_file(call).await {
        Ok(file) => file,
        Err(answer) => return Ok(answer),
    };
    if caption.is_empty() {
        return Ok(ask_where(call, &file));
    }
    match send_to(call, &file, caption).await? {
        Some(answer) => Ok(answer),
        None => Ok(Answer::say(text!(
            call.language(),
            "attachment-unneeded",
            file = file.name.as_str()
        ))),
    }
}

/// Does with a file what one word says, which may stand in quotes; `None` if it says nothing.
async fn send_to(call: &Call<'_>, file: &KeptFile, said: &str) -> Result<Option<Answer>, Trouble> {
    let words = words::split(said).unwrap_or_default();
    let [word] = words.as_slice() else {
        return Ok(None);
    };
    let word = word.text.as_str();
    let call = &Call {
        kept_file: Some(file),
        ..*call
    };
    if let Ok(place) = word.parse::<FilePlace>() {
        return files::run::put(call, file, &place, files::run::PutHow::default())
            .await
            .map(Some);
    }
    let Ok(target) = word.parse::<Target>() else {
        return Ok(None);
    };
    let mut head = read(call, file).await?;
    head.truncate(2);
    if !file.is_script(&head) {
        let reply = text!(
            call.language(),
            "file-no-script",
            name = file.name.as_str(),
            target = word
        );
        return Ok(Some(Answer::say(reply)));
    }
    jobs::run::script(call, file, &target).await.map(Some)
}

fn ask_where(call: &Call<'_>, file: &KeptFile) -> Answer {
    let language = call.language();
    let size = format::bytes(file.size);
    let reply = Reply::new()
        .line(text!(
            language,
            "file-where",
            name = file.name.as_str(),
            size = size
        ))
        .button(text!(language, "button-cancel"), "cancel");
    let data = serde_json::to_value(file).unwrap_or_default();
    Answer::say(reply).op(Op::PutDialog(Dialog {
        account: call.account().clone(),
        room: call.room().clone(),
        kind: FILE_DIALOG.to_owned(),
        data,
        expires_ms: call.brain.now_ms() + DIALOG_LIFE_MS,
    }))
}

/// What a message that is no command means to an open dialog; `None` without a dialog.
///
/// # Errors
/// When it failed for no fault of the caller's.
pub(crate) async fn continue_dialog(
    call: &Call<'_>,
    line: &str,
) -> Result<Option<Answer>, Trouble> {
    let now_ms = call.brain.now_ms();
    let Some(dialog) = call
        .brain
        .store()
        .dialog(call.account(), call.room(), now_ms)
        .await?
    else {
        return Ok(None);
    };
    let Ok(file) = serde_json::from_value::<KeptFile>(dialog.data) else {
        return Ok(None);
    };
    call.pin(&file.blob);
    if dialog.kind != FILE_DIALOG {
        return Ok(None);
    }
    let Some(mut answer) = send_to(call, &file, line.trim()).await? else {
        return Ok(None);
    };
    if !answer.after.is_empty() {
        answer.ops.push(Op::DropDialog {
            account: call.account().clone(),
            room: call.room().clone(),
        });
    }
    Ok(Some(answer))
}
