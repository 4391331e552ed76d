//! What is written together or not at all.

use super::binding::{Binding, Claim};
use super::blob::BlobRef;
use super::dialog::Dialog;
use super::file::FileRecord;
use super::follow::Follow;
use super::join::{FormerAddress, JoinToken};
use super::node::NodeRecord;
use super::note::exchange::NoteImport;
use super::note::{FileText, NoteRecord, Notebook};
use super::question::Question;
use super::room::Room;
use super::translation::TranslationCount;
use super::watch::{LoadMinute, WatchedNode};
use crate::account::{Account, AccountId, Identity, IdentityKey};
use crate::audit::AuditEntry;
use crate::job::{Job, JobId, JobState, Part, Task, TaskState};
use crate::outbox::{OutboxItem, ProgressObject};
use crate::room::{BotKey, RoomKey};
use crate::translate::settings::RoomTranslation;
use crate::translate::work::Work;
use crate::watch::{Subscription, Topic};

/// Names an inbound event: unique per bot, so that a repeated one is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventKey {
    /// Which bot of ours saw it.
    pub bot: BotKey,
    /// The adapter's id of the event.
    pub id: String,
    /// When the brain received it, Unix milliseconds.
    pub received_ms: i64,
}

/// Changes that are applied together or not at all, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Unit {
    /// The event that caused them. If it was handled before, nothing is applied.
    pub event: Option<EventKey>,
    /// The changes.
    pub ops: Vec<Op>,
}

impl Unit {
    /// Changes that no event caused.
    pub fn of(ops: Vec<Op>) -> Self {
        Self { event: None, ops }
    }

    /// Changes that answer an event.
    pub fn answering(event: EventKey, ops: Vec<Op>) -> Self {
        Self {
            event: Some(event),
            ops,
        }
    }

    /// Whether it holds only what every message causes, which is written many rows at a time.
    pub(crate) fn is_common(&self) -> bool {
        self.ops
            .iter()
            .all(|op| matches!(op, Op::Outbox(_) | Op::OutboxDone { .. } | Op::Audit(_)))
    }

    /// Whether it only forgets what was said: nobody waits for that.
    pub(crate) fn can_wait(&self) -> bool {
        self.event.is_none()
            && self
                .ops
                .iter()
                .all(|op| matches!(op, Op::OutboxDone { .. }))
    }
}

/// What became of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// All of it is stored.
    Applied,
    /// Its event was handled before; nothing was applied.
    Duplicate,
    /// A condition did not hold; nothing was applied, the event included.
    Unmet,
}

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// Something to say.
    Outbox(OutboxItem),
    /// It was said (or will never be): forget it. Nothing happens if it is gone.
    OutboxDone {
        /// Id of the action.
        id: String,
    },
    /// It could not be said now.
    OutboxRetry {
        /// Id of the action.
        id: String,
        /// How often it was tried.
        attempts: i64,
        /// Unix milliseconds before which it is not tried again.
        not_before_ms: i64,
    },
    /// The message that shows a progress object became known or changed.
    Progress(ProgressObject),
    /// A line of the audit log.
    Audit(AuditEntry),
    /// A new job.
    InsertJob(Box<Job>),
    /// A new task of a job that exists, or stands before it in the unit.
    InsertTask(Task),
    /// A task went on, or ended: its state, times, order and ending are stored. Nothing happens if it
    /// ended before. Where more depends on the end, require [`Condition::EndTask`] instead.
    UpdateTask(Task),
    /// A node's part in an update: new, or further than before. A second one of the same node that is
    /// not over makes the unit fail with a conflict.
    PutPart(Box<Part>),
    /// A job ended. Nothing happens if it ended before. Where more depends on it, require
    /// [`Condition::EndJob`] instead.
    EndJob {
        /// Which.
        id: JobId,
        /// Any state but [`JobState::Open`].
        state: JobState,
        /// Unix milliseconds.
        ended_ms: i64,
    },
    /// Makes or changes an account, by its id. Its number and its time of making never change.
    PutAccount(Account),
    /// Makes or changes an identity, by its key.
    PutIdentity {
        /// The identity.
        identity: Identity,
        /// When it was last seen, Unix milliseconds.
        seen_ms: i64,
    },
    /// Makes or changes a room, by its key.
    PutRoom(Room),
    /// Begins or continues the dialog of an account in a room.
    PutDialog(Dialog),
    /// Ends the dialog of an account in a room.
    DropDialog {
        /// Whose.
        account: AccountId,
        /// Where.
        room: RoomKey,
    },
    /// Asks for a confirmation. A question that was used or ran out may be replaced under its id; one
    /// that still waits makes the unit fail with a conflict.
    PutQuestion(Question),
    /// A new one-time code of a binding.
    PutBinding(Binding),
    /// Forgets all codes that an identity was given.
    DropBindings {
        /// Who was given the codes.
        issuer: IdentityKey,
    },
    /// A new claim code; older ones become worthless.
    PutClaim(Claim),
    /// Makes or changes a node, by its address. A taken name makes the unit fail with a conflict.
    PutNode(NodeRecord),
    /// A node was seen.
    NodeSeen {
        /// Which.
        address: String,
        /// What it told of itself, encoded; `None` keeps what was known.
        facts: Option<Vec<u8>>,
        /// Unix milliseconds.
        seen_ms: i64,
    },
    /// A room watches the output of a job; nothing happens if it does already.
    PutFollow(Follow),
    /// It no longer does.
    DropFollow {
        /// Id of the follow.
        id: String,
    },
    /// Forgets a node.
    DropNode {
        /// Which.
        address: String,
    },
    /// A new one-time token with which a node may join.
    PutJoin(JoinToken),
    /// Gives a node another name, also in the tasks that it was given. A taken name makes the unit fail
    /// with a conflict.
    RenameNode {
        /// Which.
        address: String,
        /// What it is called now.
        name: String,
    },
    /// Gives a node other tags.
    TagNode {
        /// Which.
        address: String,
        /// All that it has now.
        tags: Vec<String>,
    },
    /// Keeps a peer of the legacy network.
    PutLegacyPeer {
        /// Its address.
        address: String,
        /// What is known of it, encoded.
        record: Vec<u8>,
    },
    /// Sets a setting.
    PutSetting {
        /// Name.
        name: String,
        /// Value.
        value: String,
    },
    /// Unsets a setting.
    DropSetting {
        /// Name.
        name: String,
    },
    /// Ties bytes to a room or job.
    PutBlob(BlobRef),
    /// Unties all bytes of a room or job.
    DropBlobs {
        /// Their origin.
        origin: String,
    },
    /// A room wants to be told of something.
    Subscribe(Subscription),
    /// A room wants to be told no more.
    Unsubscribe {
        /// Which.
        room: RoomKey,
        /// Of what; `None` = of nothing.
        topic: Option<Topic>,
    },
    /// Subscribers were told of a node.
    PutWatched(WatchedNode),
    /// The node of this address is forgotten.
    DropWatched(String),
    /// A minute of load, by its number and part.
    PutLoad(LoadMinute),
    /// Keeps a file under its number; the same bytes in the same room only become younger.
    PutFile(Box<FileRecord>),
    /// A message shows these bytes.
    FileShown {
        /// BLAKE3 hex.
        hash: String,
        /// Where.
        room: RoomKey,
        /// The platform's message.
        message: String,
    },
    /// Forgets a file.
    DropFile {
        /// Its number.
        number: i64,
    },
    /// Forgets all files with these bytes.
    DropFilesOf {
        /// BLAKE3 hex.
        hash: String,
    },
    /// Forgets files that are older.
    DropOldFiles {
        /// Unix milliseconds.
        before_ms: i64,
    },
    /// Makes a notebook; nothing happens if its number is known. A taken name makes the unit fail with
    /// a conflict.
    PutNotebook(Notebook),
    /// Lets an account read a notebook, or also write in it.
    PutMember {
        /// Number of the notebook.
        notebook: i64,
        /// Who.
        account: AccountId,
        /// Whether they may write.
        can_write: bool,
    },
    /// Lets an account no longer read a notebook.
    DropMember {
        /// Number of the notebook.
        notebook: i64,
        /// Who.
        account: AccountId,
    },
    /// Makes or changes a note, by its number; what it was is kept.
    PutNote(Box<NoteRecord>),
    /// Keeps what the bytes of a file say.
    PutFileText(FileText),
    /// Forgets bytes that notes have not shown since then, and what nobody needs to be read.
    ForgetNoteFiles {
        /// Unix milliseconds.
        before_ms: i64,
    },
    /// A notebook knows a folded word, or no longer does.
    PutWord {
        /// Number of the notebook.
        notebook: i64,
        /// The word.
        word: String,
        /// Whether it does.
        is_known: bool,
    },
    /// Two folded words mean the same in a notebook, or no longer do.
    PutSynonym {
        /// Number of the notebook.
        notebook: i64,
        /// One.
        word: String,
        /// The other.
        other: String,
        /// Whether they do.
        is_known: bool,
    },
    /// The notes of a notebook are to be analysed anew.
    TouchNotes {
        /// Number of the notebook.
        notebook: i64,
    },
    /// Makes an import of notes, by its number, or changes how far it is.
    PutImport(Box<NoteImport>),
    /// An import makes or changes a note.
    NoteImported {
        /// Number of the import.
        import: i64,
        /// Number of the note.
        note: i64,
        /// Number of its change before; nothing for a new note.
        before: Option<i64>,
    },
    /// A room decided something else about translation.
    PutTranslationRoom {
        /// Which.
        room: RoomKey,
        /// All that it decided.
        settings: Box<RoomTranslation>,
    },
    /// A translation is to be made.
    PutTranslation(Box<Work>),
    /// Nothing of this message is to be made any more.
    DropTranslations {
        /// Its mark.
        origin: String,
    },
    /// An engine was sent characters.
    CountTranslation(Box<TranslationCount>),
    /// A change that must still be possible, else nothing of the unit is applied.
    Require(Condition),
}

/// A change that can happen once. Of several units that require the same, exactly one is applied.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// The task has not ended; it does now.
    EndTask(TaskEnd),
    /// The job is open; it ends now.
    EndJob(JobEnd),
    /// The question waits for this account; it is answered now.
    UseQuestion {
        /// Its id.
        id: String,
        /// Who answers.
        account: AccountId,
        /// Unix milliseconds.
        now_ms: i64,
    },
    /// The claim code is good; it is used up now.
    UseClaim {
        /// Hash of the code.
        code_hash: String,
        /// Unix milliseconds.
        now_ms: i64,
    },
    /// The token is good; this node has used it up now.
    TakeJoin {
        /// Hash of the token.
        token_hash: String,
        /// The node's address.
        node: String,
        /// Unix milliseconds.
        now_ms: i64,
    },
    /// Nobody was told of this join; they are now.
    TellJoin {
        /// Hash of the token.
        token_hash: String,
    },
    /// A node has this old address; it goes on under the new one.
    SucceedNode(FormerAddress),
    /// The translation was still to be made; it is made now.
    TakeTranslation {
        /// Its id.
        id: String,
    },
    /// Nobody was told that the translation takes long; they are now.
    DelayTranslation {
        /// Its id.
        id: String,
    },
    /// The binding code is good; it is used up now.
    TakeBinding {
        /// Hash of the code.
        code_hash: String,
        /// Unix milliseconds.
        now_ms: i64,
    },
}

/// How a task ends.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskEnd {
    /// Which.
    pub order: String,
    /// A final state.
    pub state: TaskState,
    /// The encoded `Ended` or `Refused` frame; empty when we ended it.
    pub ending: Vec<u8>,
    /// Unix milliseconds.
    pub ended_ms: i64,
}

/// How a job ends.
#[derive(Debug, Clone, PartialEq)]
pub struct JobEnd {
    /// Which.
    pub id: JobId,
    /// Any state but [`JobState::Open`].
    pub state: JobState,
    /// Unix milliseconds.
    pub ended_ms: i64,
}
