//! `notebook`: who reads and writes which notes.

use super::{NotebookArgs, vocabulary};
use crate::answer::Answer;
use crate::commands::people::run::find;
use crate::commands::{Call, Trouble};
use crate::reply::Reply;
use crate::store::{Notebook, Op};
use crate::text::text;

/// Longest name, in characters.
const NAME_CHARACTERS: usize = 32;

/// `notebook [list|new|share|unshare]`.
pub(in crate::commands) async fn notebook(
    call: &Call<'_>,
    args: NotebookArgs,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let action = args.action.as_deref().unwrap_or("list");
    match (action, &args.name, args.items.as_slice()) {
        ("list", ..) => list(call).await,
        ("new", Some(name), []) => new(call, name).await,
        ("words", Some(name), words) => vocabulary::words(call, name, words, !args.remove).await,
        ("synonym", Some(name), words) => {
            vocabulary::synonym(call, name, words, !args.remove).await
        }
        ("share" | "unshare", Some(name), [person]) => {
            share(
                call,
                name,
                person,
                (action == "share").then_some(args.write),
            )
            .await
        }
        _ => Ok(Answer::say(text!(language, "notebook-usage"))),
    }
}

async fn list(call: &Call<'_>) -> Result<Answer, Trouble> {
    let language = call.language();
    let mut reply = Reply::new();
    for open in call.brain.store().notebooks_of(call.account()).await? {
        let notebook = open.notebook;
        if !notebook.is_shared {
            continue;
        }
        let name = notebook.name.as_str();
        reply = reply.line(if notebook.owner == *call.account() {
            text!(language, "notebook-row-own", name = name)
        } else if open.can_write {
            text!(language, "notebook-row-write", name = name)
        } else {
            text!(language, "notebook-row-read", name = name)
        });
    }
    if reply.is_empty() {
        reply = reply.line(text!(language, "notebook-none"));
    }
    Ok(Answer::say(reply))
}

pub(super) async fn new(call: &Call<'_>, name: &str) -> Result<Answer, Trouble> {
    let language = call.language();
    let is_good = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.chars().count() > NAME_CHARACTERS || !name.chars().all(is_good) {
        return Ok(Answer::say(text!(
            language,
            "notebook-bad-name",
            name = name
        )));
    }
    let store = call.brain.store();
    if store.notebook_exists(name).await? {
        return Ok(Answer::say(text!(language, "notebook-taken", name = name)));
    }
    let notebook = Notebook {
        number: store.next_number("notebook").await?,
        name: name.to_owned(),
        owner: call.account().clone(),
        is_shared: true,
        created_ms: call.brain.now_ms(),
    };
    Ok(Answer::say(text!(language, "notebook-made", name = name)).op(Op::PutNotebook(notebook)))
}

/// `may_write` is nothing to shut the person out.
async fn share(
    call: &Call<'_>,
    name: &str,
    person: &str,
    may_write: Option<bool>,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let open = call.brain.store().notebooks_of(call.account()).await?;
    let own = open.into_iter().map(|open| open.notebook).find(|notebook| {
        notebook.is_shared && notebook.owner == *call.account() && notebook.name == name
    });
    let Some(notebook) = own else {
        return Ok(Answer::say(text!(language, "notebook-not-yours", name = name)).refused());
    };
    let account = match find(call, person).await? {
        Ok(account) => account,
        Err(answer) => return Ok(answer),
    };
    let (notebook, who) = (notebook.number, account.name.as_str());
    let (said, op) = match may_write {
        Some(can_write) => {
            let said = if can_write {
                text!(language, "notebook-shared-write", name = name, who = who)
            } else {
                text!(language, "notebook-shared", name = name, who = who)
            };
            let account = account.id.clone();
            let put = Op::PutMember {
                notebook,
                account,
                can_write,
            };
            (said, put)
        }
        None => {
            let said = text!(language, "notebook-unshared", name = name, who = who);
            let account = account.id.clone();
            (said, Op::DropMember { notebook, account })
        }
    };
    Ok(Answer::say(said).about(format!("notebook {name}")).op(op))
}
