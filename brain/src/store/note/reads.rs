//! What can be asked about notes beyond their texts.

use std::collections::HashMap;

use super::{NoteRecord, NoteVersion, file, link, words};
use crate::account::AccountId;
use crate::store::{Store, StoreError};

/// What a read gives.
type Read<T> = Result<T, StoreError>;

/// A limit as the databases count.
fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Notes, further. Where no account is asked for, the caller has made sure that the notebook may be
/// read.
impl Store {
    /// The last states of a note before this one, newest first.
    pub async fn note_versions(&self, note: &NoteRecord, limit: usize) -> Read<Vec<NoteVersion>> {
        Ok(super::versions(&self.db, note, rows(limit)).await?)
    }

    /// One state of a note before this one, by its place from 1.
    pub async fn note_version(&self, note: &NoteRecord, place: i64) -> Read<Option<NoteRecord>> {
        Ok(super::version(&self.db, note, place).await?)
    }

    /// Notes that an account may read and that a link names, newest first.
    pub async fn notes_named(
        &self,
        account: &AccountId,
        folded: &str,
        limit: usize,
    ) -> Read<Vec<NoteRecord>> {
        Ok(link::named(&self.db, account, folded, rows(limit)).await?)
    }

    /// Notes that an account may read and that link to this one, newest first.
    pub async fn notes_linking_to(
        &self,
        account: &AccountId,
        note: &NoteRecord,
        limit: usize,
    ) -> Read<Vec<NoteRecord>> {
        Ok(link::back(&self.db, account, note, rows(limit)).await?)
    }

    /// Notes of a notebook with one of these keys, in the order of the keys.
    pub async fn notes_keyed_in(
        &self,
        notebook: i64,
        keys: &[String],
        limit: usize,
    ) -> Read<Vec<NoteRecord>> {
        Ok(link::keyed_in(&self.db, notebook, keys, rows(limit)).await?)
    }

    /// Notes of a notebook that begin with this folded line, or have a file of these bytes.
    pub async fn notes_like_message(
        &self,
        notebook: i64,
        title: &str,
        hash: &str,
        limit: usize,
    ) -> Read<Vec<NoteRecord>> {
        Ok(link::like_message(&self.db, notebook, title, hash, rows(limit)).await?)
    }

    /// The folded keys of a notebook, sorted, and how many of its notes have each.
    pub async fn keys_in(&self, notebook: i64, limit: usize) -> Read<Vec<(String, i64)>> {
        Ok(link::keys_in(&self.db, notebook, rows(limit)).await?)
    }

    /// How many notes a notebook has, and who may read it beside its owner, and write in it.
    pub async fn about_notebook(&self, notebook: i64) -> Read<(i64, Vec<(AccountId, bool)>)> {
        Ok(link::about(&self.db, notebook).await?)
    }

    /// The names of all bytes that notes need.
    pub async fn note_file_hashes(&self) -> Read<Vec<String>> {
        Ok(file::hashes(&self.db).await?)
    }

    /// What these bytes say, by their hashes.
    pub async fn file_texts(&self, hashes: &[String]) -> Read<HashMap<String, String>> {
        Ok(file::texts(&self.db, hashes).await?)
    }

    /// The words that a notebook knows, folded and sorted.
    pub async fn notebook_words(&self, notebook: i64) -> Read<Vec<String>> {
        Ok(words::words(&self.db, notebook).await?)
    }

    /// The pairs of words that mean the same in a notebook, folded and sorted.
    pub async fn notebook_synonyms(&self, notebook: i64) -> Read<Vec<(String, String)>> {
        Ok(words::synonyms(&self.db, notebook).await?)
    }

    /// The synonyms of all notebooks that an account may read, with the numbers of the notebooks.
    pub async fn synonyms_for(&self, account: &AccountId) -> Read<Vec<(i64, String, String)>> {
        Ok(words::synonyms_for(&self.db, account).await?)
    }
}
