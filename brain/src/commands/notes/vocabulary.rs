//! `notebook words` and `notebook synonym`: what a notebook knows beside the dictionary.

use super::write::{personal, place};
use crate::answer::{After, Answer};
use crate::commands::{Call, Trouble};
use crate::note::fold::fold;
use crate::note::tokenizer::runs;
use crate::reply::Reply;
use crate::store::{Notebook, Op};
use crate::text::text;

/// Longest word, in characters.
const CHARACTERS: usize = 32;
/// Most words of a notebook, and most pairs of synonyms.
const MOST: usize = 500;
/// Most words that are said to mean the same at once.
const MOST_ALIKE: usize = 8;

/// `notebook words NAME [WORD…] [--remove]`.
pub(super) async fn words(
    call: &Call<'_>,
    name: &str,
    typed: &[String],
    is_known: bool,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let store = call.brain.store();
    let notebook = match notebook(call, name).await? {
        Ok(notebook) => notebook,
        Err(answer) => return Ok(answer),
    };
    let mut known = store.notebook_words(notebook.number).await?;
    if typed.is_empty() {
        return Ok(if known.is_empty() {
            Answer::say(text!(language, "words-none", name = name))
        } else {
            let words = known.join(" · ");
            Answer::say(text!(language, "words-list", name = name, words = words))
        });
    }
    let words = match checked(call, typed) {
        Ok(words) => words,
        Err(answer) => return Ok(answer),
    };
    known.retain(|word| !words.contains(word));
    if is_known {
        known.extend(words.iter().cloned());
    }
    if known.len() > MOST {
        return Ok(Answer::say(text!(language, "words-full", most = MOST)));
    }
    let ops = words.iter().map(|word| Op::PutWord {
        notebook: notebook.number,
        word: word.clone(),
        is_known,
    });
    let mut answer = begun(call, &notebook);
    answer.ops.extend(ops);
    // Its notes are looked at anew, so that they are found by these words from now on.
    answer.ops.push(Op::TouchNotes {
        notebook: notebook.number,
    });
    let words = words.join(" · ");
    let said = if is_known {
        text!(language, "words-known", name = name, words = words)
    } else {
        text!(language, "words-forgotten", name = name, words = words)
    };
    answer.replies.push(said.into());
    Ok(answer.then(After::FollowNotes))
}

/// `notebook synonym NAME [WORD…] [--remove]`.
pub(super) async fn synonym(
    call: &Call<'_>,
    name: &str,
    typed: &[String],
    is_known: bool,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let store = call.brain.store();
    let notebook = match notebook(call, name).await? {
        Ok(notebook) => notebook,
        Err(answer) => return Ok(answer),
    };
    let known = store.notebook_synonyms(notebook.number).await?;
    if typed.is_empty() {
        if known.is_empty() {
            return Ok(Answer::say(text!(language, "synonyms-none", name = name)));
        }
        let mut reply = Reply::new().line(text!(language, "synonyms-head", name = name));
        for (word, other) in known {
            reply = reply.line(text!(language, "synonyms-row", word = word, other = other));
        }
        return Ok(Answer::say(reply));
    }
    let words = match checked(call, typed) {
        Ok(words) => words,
        Err(answer) => return Ok(answer),
    };
    let pairs: Vec<(String, String)> = if words.len() == 1 && !is_known {
        let only = &words[0];
        let of_it = known
            .iter()
            .filter(|pair| pair.0 == *only || pair.1 == *only);
        of_it.cloned().collect()
    } else {
        let pairs = words.iter().enumerate().flat_map(|(at, word)| {
            let others = words[at + 1..].iter();
            others.map(move |other| (word.clone(), other.clone()))
        });
        pairs.collect()
    };
    if pairs.is_empty() || words.len() > MOST_ALIKE {
        return Ok(Answer::say(text!(
            language,
            "synonyms-usage",
            name = name,
            most = MOST_ALIKE
        )));
    }
    if is_known && known.len() + pairs.len() > MOST {
        return Ok(Answer::say(text!(language, "words-full", most = MOST)));
    }
    let mut answer = begun(call, &notebook);
    for (word, other) in pairs {
        answer.ops.push(Op::PutSynonym {
            notebook: notebook.number,
            word,
            other,
            is_known,
        });
    }
    let words = words.join(" = ");
    let said = if is_known {
        text!(language, "synonyms-known", name = name, words = words)
    } else {
        text!(language, "synonyms-forgotten", name = name, words = words)
    };
    answer.replies.push(said.into());
    Ok(answer)
}

/// A notebook in which the caller may write: that decides over its words too.
async fn notebook(call: &Call<'_>, name: &str) -> Result<Result<Notebook, Answer>, Trouble> {
    if matches!(name, "me" | "mine" | "我") {
        return Ok(Ok(personal(call)));
    }
    place(call, Some(name)).await
}

fn begun(call: &Call<'_>, notebook: &Notebook) -> Answer {
    let mut answer = Answer::nothing();
    if !notebook.is_shared {
        answer.ops.push(Op::PutNotebook(personal(call)));
    }
    answer.about(format!("notebook {}", notebook.name.trim()))
}

/// Words as they are kept: folded, none twice.
fn checked(call: &Call<'_>, typed: &[String]) -> Result<Vec<String>, Answer> {
    let mut words: Vec<String> = Vec::new();
    for word in typed {
        let folded = fold(word).trim().to_owned();
        let is_one = folded.chars().count() <= CHARACTERS
            && !folded.contains(char::is_whitespace)
            && !runs(&folded).is_empty();
        if !is_one {
            return Err(Answer::say(text!(
                call.language(),
                "words-bad",
                word = crate::text::excerpt(word),
                most = CHARACTERS
            )));
        }
        if !words.contains(&folded) {
            words.push(folded);
        }
    }
    Ok(words)
}
