//! What can be asked of the store. Each method fails with what the database suffers from.

use super::{
    AuditFilter, Binding, BlobRef, Dialog, FileFilter, FileRecord, Follow, FormerAddress,
    JobFilter, JoinToken, LoadMinute, NodeRecord, NoteRecord, OpenNotebook, OutboxCount, Question,
    Room, Store, StoreError, TranslationCount, WatchedNode, account, audit, binding, blob, dialog,
    event, file, follow, job, join, legacy, node, note, outbox, question, rollout, room, setting,
    translation, watch,
};
use crate::account::{Account, AccountId, Identity, IdentityKey, Role};
use crate::audit::AuditEntry;
use crate::job::{Job, JobId, Part, Task};
use crate::outbox::{OutboxItem, ProgressObject};
use crate::room::{BotKey, RoomKey};
use crate::translate::settings::RoomTranslation;
use crate::translate::work::Work;
use crate::watch::Subscription;

/// What a read gives.
type Read<T> = Result<T, StoreError>;

/// A limit as the databases count.
fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Joining nodes and their keys.
impl Store {
    /// The token with this hash, whatever became of it.
    pub async fn join_token(&self, token_hash: &str) -> Read<Option<JoinToken>> {
        Ok(join::get(&self.db, token_hash).await?)
    }

    /// Tokens that were used and whose rooms have not been told.
    pub async fn untold_joins(&self) -> Read<Vec<JoinToken>> {
        Ok(join::untold(&self.db).await?)
    }

    /// Addresses that nodes had before.
    pub async fn former_addresses(&self) -> Read<Vec<FormerAddress>> {
        Ok(join::former(&self.db).await?)
    }
}

/// Accounts, identities and rooms.
impl Store {
    /// The account with this id.
    pub async fn account(&self, id: &AccountId) -> Read<Option<Account>> {
        Ok(account::by_id(&self.db, id).await?)
    }

    /// The account that people call by this number.
    pub async fn account_by_number(&self, number: i64) -> Read<Option<Account>> {
        Ok(account::by_number(&self.db, number).await?)
    }

    /// Accounts of this name, or with an identity of this name or handle; ASCII case is ignored.
    pub async fn accounts_by_name(&self, name: &str, limit: usize) -> Read<Vec<Account>> {
        Ok(account::by_name(&self.db, name, rows(limit)).await?)
    }

    /// Accounts by number.
    pub async fn accounts(&self, limit: usize) -> Read<Vec<Account>> {
        Ok(account::list(&self.db, rows(limit)).await?)
    }

    /// Accounts with exactly this role, by number.
    pub async fn accounts_by_role(&self, role: Role) -> Read<Vec<Account>> {
        Ok(account::by_role(&self.db, role).await?)
    }

    /// One person on one platform.
    pub async fn identity(&self, key: &IdentityKey) -> Read<Option<Identity>> {
        Ok(account::identity(&self.db, key).await?)
    }

    /// All identities of an account.
    pub async fn identities_of(&self, account: &AccountId) -> Read<Vec<Identity>> {
        Ok(account::identities_of(&self.db, account).await?)
    }

    /// The room with this key.
    pub async fn room(&self, key: &RoomKey) -> Read<Option<Room>> {
        Ok(room::get(&self.db, key).await?)
    }

    /// Rooms, the one with the latest message first.
    pub async fn rooms(&self, limit: usize) -> Read<Vec<Room>> {
        Ok(room::list(&self.db, rows(limit)).await?)
    }
}

/// Conversations.
impl Store {
    /// Messages that show the output of running jobs.
    pub async fn follows(&self) -> Read<Vec<Follow>> {
        Ok(follow::all(&self.db).await?)
    }

    /// The dialog of an account in a room, unless it ran out.
    pub async fn dialog(
        &self,
        account: &AccountId,
        room: &RoomKey,
        now_ms: i64,
    ) -> Read<Option<Dialog>> {
        Ok(dialog::get(&self.db, account, room, now_ms).await?)
    }

    /// The question with this id, if it still waits.
    pub async fn question(&self, id: &str, now_ms: i64) -> Read<Option<Question>> {
        Ok(question::get(&self.db, id, now_ms).await?)
    }

    /// The newest question that waits for this account in this room: what a bare "yes" answers.
    pub async fn latest_question(
        &self,
        account: &AccountId,
        room: &RoomKey,
        now_ms: i64,
    ) -> Read<Option<Question>> {
        Ok(question::latest(&self.db, account, room, now_ms).await?)
    }

    /// The binding of a code, unless it ran out. Looking does not use it up.
    pub async fn binding(&self, code_hash: &str, now_ms: i64) -> Read<Option<Binding>> {
        Ok(binding::get(&self.db, code_hash, now_ms).await?)
    }

    /// Whether the claim code is good; it stays so.
    pub async fn claim_is_good(&self, code_hash: &str, now_ms: i64) -> Read<bool> {
        Ok(binding::claim_is_good(&self.db, code_hash, now_ms).await?)
    }

    /// The event of this bot that was handled last.
    pub async fn latest_event(&self, bot: &BotKey) -> Read<Option<String>> {
        Ok(event::latest(&self.db, bot).await?)
    }

    /// Whether the event was handled.
    pub async fn event_seen(&self, bot: &BotKey, id: &str) -> Read<bool> {
        Ok(event::seen(&self.db, bot, id).await?)
    }

    /// What waits to be said, oldest first.
    pub async fn outbox_pending(&self, limit: usize) -> Read<Vec<OutboxItem>> {
        Ok(outbox::pending(&self.db, rows(limit)).await?)
    }

    /// What waits to be said in a room, oldest first.
    pub async fn outbox_of_room(&self, room: &RoomKey, limit: usize) -> Read<Vec<OutboxItem>> {
        Ok(outbox::of_room(&self.db, room, rows(limit)).await?)
    }

    /// How much waits, for each bot for which something does.
    pub async fn outbox_counts(&self) -> Read<Vec<OutboxCount>> {
        Ok(outbox::counts(&self.db).await?)
    }

    /// The message that shows a progress object.
    pub async fn progress(&self, key: &str) -> Read<Option<ProgressObject>> {
        Ok(outbox::progress(&self.db, key).await?)
    }
}

/// Jobs, nodes and everything else.
impl Store {
    /// The job with this id.
    pub async fn job(&self, id: &JobId) -> Read<Option<Job>> {
        Ok(job::by_id(&self.db, id).await?)
    }

    /// The job that people call by this number.
    pub async fn job_by_number(&self, number: i64) -> Read<Option<Job>> {
        Ok(job::by_number(&self.db, number).await?)
    }

    /// Jobs, newest first.
    pub async fn jobs(&self, filter: &JobFilter, limit: usize) -> Read<Vec<Job>> {
        Ok(job::list(&self.db, filter, rows(limit)).await?)
    }

    /// Jobs that have not ended, oldest first.
    pub async fn open_jobs(&self) -> Read<Vec<Job>> {
        Ok(job::open(&self.db).await?)
    }

    /// The task of an order.
    pub async fn task(&self, order: &str) -> Read<Option<Task>> {
        Ok(job::task(&self.db, order).await?)
    }

    /// The tasks of a job, in the order of its table.
    pub async fn tasks(&self, job: &JobId) -> Read<Vec<Task>> {
        Ok(job::tasks(&self.db, job).await?)
    }

    /// Tasks that have not ended, of one node's address or of all, oldest job first.
    pub async fn open_tasks(&self, address: Option<&str>) -> Read<Vec<Task>> {
        Ok(job::open_tasks(&self.db, address).await?)
    }

    /// Enrolled nodes, by name.
    pub async fn nodes(&self) -> Read<Vec<NodeRecord>> {
        Ok(node::list(&self.db).await?)
    }

    /// The node of this name.
    pub async fn node(&self, name: &str) -> Read<Option<NodeRecord>> {
        Ok(node::by_name(&self.db, name).await?)
    }

    /// The node of this address.
    pub async fn node_by_address(&self, address: &str) -> Read<Option<NodeRecord>> {
        Ok(node::by_address(&self.db, address).await?)
    }

    /// Lines of the audit log, newest first.
    pub async fn audit(&self, filter: &AuditFilter, limit: usize) -> Read<Vec<AuditEntry>> {
        Ok(audit::list(&self.db, filter, rows(limit)).await?)
    }

    /// All places that bytes belong to; none means that nobody needs them.
    pub async fn blob(&self, hash: &str) -> Read<Vec<BlobRef>> {
        Ok(blob::of_hash(&self.db, hash).await?)
    }

    /// All bytes of a room or job.
    pub async fn blobs_of(&self, origin: &str) -> Read<Vec<BlobRef>> {
        Ok(blob::of_origin(&self.db, origin).await?)
    }

    /// Files that fit, newest first.
    pub async fn files(&self, filter: &FileFilter, limit: usize) -> Read<Vec<FileRecord>> {
        Ok(file::list(&self.db, filter, rows(limit)).await?)
    }

    /// All files, oldest first.
    pub async fn oldest_files(&self, limit: usize) -> Read<Vec<FileRecord>> {
        Ok(file::oldest(&self.db, rows(limit)).await?)
    }

    /// The BLAKE3 names, in hex, of all bytes that some file has.
    pub async fn file_hashes(&self) -> Read<Vec<String>> {
        Ok(file::hashes(&self.db).await?)
    }

    /// Whether some file has these bytes.
    pub async fn has_file_of(&self, hash: &str) -> Read<bool> {
        Ok(file::has(&self.db, hash).await?)
    }

    /// The file that people call by this number.
    pub async fn file(&self, number: i64) -> Read<Option<FileRecord>> {
        Ok(file::by_number(&self.db, number).await?)
    }

    /// The number under which a file of the same bytes, person, room and source is kept.
    pub async fn same_file(&self, file: &FileRecord) -> Read<Option<i64>> {
        Ok(file::same(&self.db, file).await?)
    }

    /// The file that a message of this room shows.
    pub async fn file_of_message(&self, room: &RoomKey, message: &str) -> Read<Option<FileRecord>> {
        Ok(file::of_message(&self.db, room, message).await?)
    }

    /// What questions and dialogs that wait keep for themselves, as JSON texts.
    pub async fn waiting_data(&self, now_ms: i64) -> Read<Vec<String>> {
        Ok(file::waiting(&self.db, now_ms).await?)
    }

    /// The value of a setting.
    pub async fn setting(&self, name: &str) -> Read<Option<String>> {
        Ok(setting::get(&self.db, name).await?)
    }

    /// All peers of the legacy network, encoded.
    pub async fn legacy_peers(&self) -> Read<Vec<Vec<u8>>> {
        Ok(legacy::list(&self.db).await?)
    }

    /// All settings, by name.
    pub async fn settings(&self) -> Read<Vec<(String, String)>> {
        Ok(setting::list(&self.db).await?)
    }
}

/// Watching.
impl Store {
    /// All subscriptions, by room.
    pub async fn subscriptions(&self) -> Read<Vec<Subscription>> {
        Ok(watch::subscriptions(&self.db).await?)
    }

    /// What subscribers were last told of nodes, by address.
    pub async fn watched_nodes(&self) -> Read<Vec<WatchedNode>> {
        Ok(watch::watched(&self.db).await?)
    }

    /// Minutes of load from this one on (minutes since 1970), oldest first.
    pub async fn load_minutes(&self, from: i64) -> Read<Vec<LoadMinute>> {
        Ok(watch::minutes(&self.db, from).await?)
    }
}

/// Translation.
impl Store {
    /// What rooms decided about translation.
    pub async fn translation_rooms(&self) -> Read<Vec<(RoomKey, RoomTranslation)>> {
        Ok(translation::rooms(&self.db).await?)
    }

    /// Translations that are to be made, oldest first.
    pub async fn translations(&self, limit: usize) -> Read<Vec<Work>> {
        Ok(translation::list(&self.db, rows(limit)).await?)
    }

    /// Characters of each engine in a month.
    pub async fn translation_spent(&self, month: &str) -> Read<Vec<(String, u64)>> {
        Ok(translation::spent(&self.db, month).await?)
    }

    /// Characters of a person and of a room in a month.
    pub async fn translation_used(
        &self,
        month: &str,
        account: &AccountId,
        room: &RoomKey,
    ) -> Read<(u64, u64)> {
        Ok(translation::used(&self.db, month, account, room).await?)
    }

    /// All counts of a month, largest first.
    pub async fn translation_counts(
        &self,
        month: &str,
        limit: usize,
    ) -> Read<Vec<TranslationCount>> {
        Ok(translation::counts(&self.db, month, rows(limit)).await?)
    }

    /// The key, with this beginning, of what a message shows.
    pub async fn translation_shown_by(&self, prefix: &str, message: &str) -> Read<Option<String>> {
        Ok(translation::shown_by(&self.db, prefix, message).await?)
    }

    /// Whether something with this key is to be said.
    pub async fn is_on_its_way(&self, key: &str) -> Read<bool> {
        Ok(translation::is_on_its_way(&self.db, key).await?)
    }
}

/// Updates in waves.
impl Store {
    /// The nodes' parts in an update.
    pub async fn parts(&self, job: &JobId) -> Read<Vec<Part>> {
        Ok(rollout::parts(&self.db, job).await?)
    }

    /// The job in which the node of this address is being updated.
    pub async fn updating_job(&self, address: &str) -> Read<Option<JobId>> {
        Ok(rollout::open_job(&self.db, address).await?)
    }
}

/// Notes. What an account may not read is not there for it.
impl Store {
    /// The notebooks that an account may read, its personal one first.
    pub async fn notebooks_of(&self, account: &AccountId) -> Read<Vec<OpenNotebook>> {
        Ok(note::notebooks_of(&self.db, account).await?)
    }

    /// Whether any notebook has this name.
    pub async fn notebook_exists(&self, name: &str) -> Read<bool> {
        Ok(note::notebook_exists(&self.db, name).await?)
    }

    /// A note that was not removed, if the account may read it.
    pub async fn note(&self, account: &AccountId, number: i64) -> Read<Option<NoteRecord>> {
        Ok(note::readable(&self.db, account, number).await?)
    }

    /// A note, removed or not, if the account may read it.
    pub async fn any_note(&self, account: &AccountId, number: i64) -> Read<Option<NoteRecord>> {
        Ok(note::any(&self.db, account, number).await?)
    }

    /// Notes that have this key and that the account may read, newest first.
    pub async fn notes_by_key(
        &self,
        account: &AccountId,
        key: &str,
        limit: usize,
    ) -> Read<Vec<NoteRecord>> {
        Ok(note::by_key(&self.db, account, key, rows(limit)).await?)
    }

    /// Notes that an account made and may still read, newest first.
    pub async fn notes_made_by(
        &self,
        account: &AccountId,
        skip: usize,
        limit: usize,
    ) -> Read<Vec<NoteRecord>> {
        Ok(note::made_by(&self.db, account, rows(skip), rows(limit)).await?)
    }

    /// Notes whose last change comes after this one, in the order of those changes.
    pub async fn note_changes(&self, after: i64, limit: usize) -> Read<Vec<NoteRecord>> {
        Ok(note::changes(&self.db, after, rows(limit)).await?)
    }

    /// Whose dialogs of a sort are open, and where.
    pub async fn dialogs_of_kind(&self, kind: &str) -> Read<Vec<(AccountId, RoomKey)>> {
        Ok(dialog::of_kind(&self.db, kind).await?)
    }

    /// What a note was before its last change; `None` when that made it.
    pub async fn note_before(&self, note: &NoteRecord) -> Read<Option<NoteRecord>> {
        Ok(note::before(&self.db, note).await?)
    }
}
