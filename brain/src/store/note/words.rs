//! Words and synonyms that a notebook knows.

use super::CHANGES;
use crate::account::AccountId;
use crate::store::db::{Db, Tx, execute, find, read_all, text};
use crate::store::error::Fault;

/// The words of a notebook, sorted.
pub(in crate::store) async fn words(db: &Db, notebook: i64) -> Result<Vec<String>, Fault> {
    let rows = read_all!(
        db,
        (String,),
        "SELECT word FROM notebook_word WHERE notebook = $1 ORDER BY word",
        notebook
    )?;
    Ok(rows.into_iter().map(|(word,)| word).collect())
}

/// The pairs of synonyms of a notebook, sorted.
pub(in crate::store) async fn synonyms(
    db: &Db,
    notebook: i64,
) -> Result<Vec<(String, String)>, Fault> {
    Ok(read_all!(
        db,
        (String, String),
        "SELECT word, other FROM notebook_synonym WHERE notebook = $1 ORDER BY word, other",
        notebook
    )?)
}

/// The synonyms of all notebooks that an account may read, with the numbers of the notebooks.
pub(in crate::store) async fn synonyms_for(
    db: &Db,
    account: &AccountId,
) -> Result<Vec<(i64, String, String)>, Fault> {
    Ok(read_all!(
        db,
        (i64, String, String),
        "SELECT notebook, word, other FROM notebook_synonym \
         WHERE notebook IN (SELECT number FROM notebook WHERE owner_id = $1) \
         OR notebook IN (SELECT notebook FROM notebook_member WHERE account_id = $1)",
        text(account.as_str())
    )?)
}

pub(in crate::store) async fn put_word(
    tx: &mut Tx,
    notebook: i64,
    word: &str,
    is_known: bool,
) -> Result<(), Fault> {
    if is_known {
        execute!(
            tx,
            "INSERT INTO notebook_word (notebook, word) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            notebook,
            text(word)
        )?;
    } else {
        execute!(
            tx,
            "DELETE FROM notebook_word WHERE notebook = $1 AND word = $2",
            notebook,
            text(word)
        )?;
    }
    Ok(())
}

pub(in crate::store) async fn put_synonym(
    tx: &mut Tx,
    notebook: i64,
    pair: (&str, &str),
    is_known: bool,
) -> Result<(), Fault> {
    let (word, other) = if pair.0 <= pair.1 {
        pair
    } else {
        (pair.1, pair.0)
    };
    if is_known {
        execute!(
            tx,
            "INSERT INTO notebook_synonym (notebook, word, other) VALUES ($1, $2, $3) \
             ON CONFLICT DO NOTHING",
            notebook,
            text(word),
            text(other)
        )?;
    } else {
        execute!(
            tx,
            "DELETE FROM notebook_synonym WHERE notebook = $1 AND word = $2 AND other = $3",
            notebook,
            text(word),
            text(other)
        )?;
    }
    Ok(())
}

/// Gives all notes of a notebook new numbers of change, in their order, so that whoever follows the
/// changes looks at them anew. What they say does not change.
pub(in crate::store) async fn touch(tx: &mut Tx, notebook: i64) -> Result<(), Fault> {
    let row = find!(
        tx,
        (i64,),
        "SELECT COUNT(*) FROM note WHERE notebook = $1",
        notebook
    )?;
    let notes = row.map_or(0, |(notes,)| notes);
    let row = find!(
        tx,
        (i64,),
        "INSERT INTO counter (name, value) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET value = counter.value + $2 RETURNING value",
        text(CHANGES),
        notes
    )?;
    let last = row.map_or(0, |(last,)| last);
    execute!(
        tx,
        "UPDATE note SET sequence = $1 + ranked.place FROM \
         (SELECT number, ROW_NUMBER() OVER (ORDER BY sequence) AS place FROM note \
         WHERE notebook = $2) AS ranked WHERE ranked.number = note.number",
        last - notes,
        notebook
    )?;
    Ok(())
}
