//! `subscribe notes nb:NAME`: which notebook that is.

use crate::answer::Answer;
use crate::commands::{Call, Trouble};
use crate::text::text;

/// The name of a shared notebook that the caller may read, as it is written.
///
/// # Errors
/// (inner) what to answer instead.
pub(in crate::commands) async fn notebook(
    call: &Call<'_>,
    typed: &str,
) -> Result<Result<String, Answer>, Trouble> {
    let bare = typed.split_once([':', '：']);
    let name = match bare {
        Some((head, name)) if head.eq_ignore_ascii_case("nb") => name,
        _ => typed,
    };
    let open = call.brain.store().notebooks_of(call.account()).await?;
    let mut names = open
        .into_iter()
        .filter(|open| open.notebook.is_shared)
        .map(|open| open.notebook.name);
    Ok(match names.find(|known| known.eq_ignore_ascii_case(name)) {
        Some(name) => Ok(name),
        None => Err(Answer::say(text!(
            call.language(),
            "notebook-unknown",
            name = name
        ))),
    })
}
