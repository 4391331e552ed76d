//! `files`, `file` and `rmfile`: what is kept here.

use super::{FileArgs, FilesArgs, RmfileArgs};
use crate::account::Role;
use crate::answer::Answer;
use crate::commands::attach::KeptFile;
use crate::commands::{Call, Trouble};
use crate::reply::{Reply, ReplyFile};
use crate::store::{FileFilter, FileRecord, Op};
use crate::text::{Text, format, text};

/// Files that are listed when nobody says how many.
const SOME: u32 = 10;
/// Most that are listed.
const MOST: u32 = 50;

/// `files [--mine] [TEXT]`.
pub(in crate::commands) async fn files(
    call: &Call<'_>,
    args: FilesArgs,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let filter = FileFilter {
        account: args.mine.then(|| call.account().clone()),
        room: (!args.mine).then(|| call.room().clone()),
        text: args.text.unwrap_or_default(),
    };
    let most = args.number.unwrap_or(SOME).min(MOST);
    let files = call.brain.store().files(&filter, most as usize).await?;
    if files.is_empty() {
        return Ok(Answer::say(text!(language, "files-none")));
    }
    let now_ms = call.brain.now_ms();
    let mut reply = Reply::new();
    for file in &files {
        let age = format::ago(language, file.created_ms, now_ms, &call.brain.zone());
        let size = format::bytes(bytes(file));
        reply = reply.line(if file.source.is_empty() {
            text!(
                language,
                "files-row-sent",
                number = file.number,
                name = file.name.as_str(),
                size = size,
                age = age
            )
        } else {
            text!(
                language,
                "files-row",
                number = file.number,
                name = file.name.as_str(),
                size = size,
                age = age,
                source = Text::code(&file.source)
            )
        });
    }
    let used = format::bytes(call.brain.blobs().used());
    let quota = format::bytes(call.brain.config().files_quota);
    reply = reply.line(text!(
        language,
        "files-foot",
        used = used,
        quota = quota,
        send = Text::code(&format!("file {}", files[0].number)),
        put = Text::code(&format!("put --file {} NODE:/path", files[0].number))
    ));
    Ok(Answer::say(reply))
}

/// `file NUMBER`: sends it again.
pub(in crate::commands) async fn file(call: &Call<'_>, args: FileArgs) -> Result<Answer, Trouble> {
    let language = call.language();
    let file = match find(call, args.number).await? {
        Ok(file) => file,
        Err(answer) => return Ok(answer),
    };
    if !call.inbound.session.capabilities().files_out {
        return Ok(Answer::say(text!(
            language,
            "file-unsupported",
            number = file.number
        )));
    }
    let limit = call.brain.file_limit(&call.room().bot);
    if limit > 0 && bytes(&file) > limit {
        return Ok(Answer::say(text!(
            language,
            "get-too-large",
            size = format::bytes(bytes(&file)),
            limit = format::bytes(limit)
        )));
    }
    let sent = ReplyFile {
        blob: file.hash.clone(),
        name: file.name.clone(),
        mime: file.mime.clone(),
        size: bytes(&file),
    };
    Ok(Answer::say(Reply::new().file(sent)).about(format!("file {}", file.number)))
}

/// `rmfile NUMBER`.
pub(in crate::commands) async fn rmfile(
    call: &Call<'_>,
    args: RmfileArgs,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let file = match find(call, args.number).await? {
        Ok(file) => file,
        Err(answer) => return Ok(answer),
    };
    if file.account != *call.account() && call.subject().role != Role::Owner {
        return Ok(Answer::say(text!(language, "rmfile-of-other", number = file.number)).refused());
    }
    let said = text!(
        language,
        "rmfile-done",
        number = file.number,
        name = file.name.as_str()
    );
    Ok(Answer::say(said)
        .about(format!("file {}", file.number))
        .op(Op::DropFile {
            number: file.number,
        })
        .then(crate::answer::After::TidyFiles(file.hash)))
}

/// A file that the caller may see: it was seen in this room, or is their own, or they own all.
///
/// # Errors
/// (inner) what to answer instead.
pub(in crate::commands) async fn find(
    call: &Call<'_>,
    number: i64,
) -> Result<Result<FileRecord, Answer>, Trouble> {
    let found = call.brain.store().file(number).await?.filter(|file| {
        file.room == *call.room()
            || file.account == *call.account()
            || call.subject().role == Role::Owner
    });
    // Whether somebody else has such a file is nobody's business.
    let Some(file) = found else {
        let said = text!(call.language(), "file-unknown", number = number);
        return Ok(Err(Answer::say(said)));
    };
    if !call.pin(&file.hash) {
        let said = text!(call.language(), "file-gone", number = number);
        return Ok(Err(Answer::say(said)));
    }
    Ok(Ok(file))
}

/// It as a file that came with a message.
pub(in crate::commands) fn kept(file: &FileRecord) -> KeptFile {
    KeptFile {
        blob: file.hash.clone(),
        name: file.name.clone(),
        mime: file.mime.clone(),
        size: bytes(file),
    }
}

fn bytes(file: &FileRecord) -> u64 {
    u64::try_from(file.size).unwrap_or(0)
}
