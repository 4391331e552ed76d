//! What a command does, gathered before any of it happens: changes for the store, things to say, and
//! what to set going once both are safe.

use std::borrow::Cow;

use jarvis_nodeclient::NodeName;
use jarvis_proto::chat::{
    Action, Button, ButtonRow, FileRef, ReplyContext, Room, RoomKind as WireRoomKind, Say, Segment,
    SendFile, action, segment,
};
use secrecy::{ExposeSecret, SecretString};

use crate::account::AccountId;
use crate::audit::AuditEntry;
use crate::brain::Brain;
use crate::job::{NewFollow, NewJob};
use crate::outbox::OutboxItem;
use crate::reply::Reply;
use crate::room::{RoomKey, RoomKind};
use crate::service::SessionHandle;
use crate::sign_in::NewSignIn;
use crate::store::{NodeRecord, Op, Question};
use crate::translate::settings::RoomTranslation;
use crate::translate::work::Work;

/// Largest `Button.data`, in bytes (the smallest of the platforms' limits).
const BUTTON_BYTES: usize = 64;
/// How long a button with a long command can be pressed.
const BUTTON_LIFE_MS: i64 = 24 * 3600 * 1000;

/// Set going after the commit, and only if the event was not a repetition.
#[derive(Debug)]
pub enum After {
    /// A stored job starts.
    StartJob(Box<NewJob>),
    /// A job is asked to end.
    Cancel(i64),
    /// The output of a running job is shown.
    Follow(Box<NewFollow>),
    /// It no longer is: id of the follow.
    StopFollow(String),
    /// Accounts or identities have changed.
    ForgetPeople,
    /// A node becomes known to the network.
    KeepNode(NodeRecord),
    /// A node is forgotten.
    ForgetNode(String),
    /// Subscriptions have changed.
    ForgetSubscriptions,
    /// Notes have changed: they are found before the answer is said.
    FollowNotes,
    /// The index of notes is made anew, and this room is told.
    RebuildNotes(Box<(Place, RoomKind, crate::text::Language)>),
    /// Notes are brought in, or an import is taken back.
    ImportNotes(Box<crate::store::NoteImport>),
    /// These bytes go, unless somebody else needs them.
    TidyFiles(String),
    /// A stored action is sent.
    Send(Box<OutboxItem>),
    /// A stored translation is made.
    Translate(Box<Work>),
    /// A room decided something else about translation.
    KeepTranslation(RoomKey, Box<RoomTranslation>),
    /// A node has another name.
    RenameNode(String, NodeName),
    /// A node has other tags.
    TagNode(String, Vec<String>),
    /// Somebody opens a line of their own.
    SignIn(Box<NewSignIn>),
    /// What they typed for it: session, sign-in, text.
    SignInTyped(Box<(SessionHandle, String, String)>),
}

/// Where something is said, and as an answer to what.
#[derive(Debug, Clone)]
pub struct Place {
    /// The room.
    pub room: RoomKey,
    /// The message that is answered; may be empty.
    pub reply_to: String,
    /// What the platform wants to see in an answer.
    pub context: Option<ReplyContext>,
    /// Whose buttons they are; `None` = no buttons that need keeping.
    pub account: Option<AccountId>,
}

impl Place {
    /// A room, unasked.
    pub fn unasked(room: RoomKey) -> Self {
        Self {
            room,
            reply_to: String::new(),
            context: None,
            account: None,
        }
    }
}

/// What a command does.
#[derive(Debug, Default)]
pub struct Answer {
    /// Changes for the store, in order.
    pub ops: Vec<Op>,
    /// Things to say here.
    pub replies: Vec<Reply>,
    /// Things to say elsewhere.
    pub elsewhere: Vec<(Place, Reply)>,
    /// What to set going.
    pub after: Vec<After>,
    /// For the audit log: `accepted`, `refused`, …; `None` when it is not worth a line.
    pub audit: Option<Box<AuditNote>>,
}

/// What the audit log says of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditNote {
    /// Command name.
    pub what: String,
    /// The normalized command.
    pub detail: String,
    /// Node, account or job.
    pub target: String,
    /// How it came out.
    pub result: &'static str,
}

impl Answer {
    /// An answer that only says something.
    pub fn say(reply: impl Into<Reply>) -> Self {
        Self {
            replies: vec![reply.into()],
            ..Self::default()
        }
    }

    /// Nothing to say and nothing to do.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Marks the answer as a refusal for the audit log.
    #[must_use]
    pub fn refused(mut self) -> Self {
        self.audit.get_or_insert_default().result = "refused";
        self
    }

    /// Names what the command is about, for the audit log.
    #[must_use]
    pub fn about(mut self, target: impl Into<String>) -> Self {
        self.audit.get_or_insert_default().target = target.into();
        self
    }

    /// Adds a change.
    #[must_use]
    pub fn op(mut self, op: Op) -> Self {
        self.ops.push(op);
        self
    }

    /// Adds something to set going.
    #[must_use]
    pub fn then(mut self, after: After) -> Self {
        self.after.push(after);
        self
    }

    /// Adds something to do in a room that is no reply.
    pub fn act(&mut self, item: OutboxItem) {
        self.ops.push(Op::Outbox(item.clone()));
        self.after.push(After::Send(Box::new(item)));
    }

    /// Everything of `other` after everything of this.
    pub fn append(&mut self, other: Self) {
        self.ops.extend(other.ops);
        self.replies.extend(other.replies);
        self.elsewhere.extend(other.elsewhere);
        self.after.extend(other.after);
    }
}

impl Default for AuditNote {
    fn default() -> Self {
        Self {
            what: String::new(),
            detail: String::new(),
            target: String::new(),
            result: "accepted",
        }
    }
}

/// Turns replies into stored actions, and buttons with long commands into stored questions.
#[derive(Debug)]
pub struct Speech<'a> {
    brain: &'a Brain,
    now_ms: i64,
    /// What was said, in order.
    pub items: Vec<OutboxItem>,
    /// Questions that keep the commands of long buttons.
    pub ops: Vec<Op>,
}

impl<'a> Speech<'a> {
    /// Nothing said yet.
    pub fn new(brain: &'a Brain) -> Self {
        Self {
            brain,
            now_ms: brain.now_ms(),
            items: Vec::new(),
            ops: Vec::new(),
        }
    }

    /// Says a reply: its text with buttons, then its files.
    pub fn say(&mut self, place: &Place, kind: RoomKind, reply: &Reply) {
        let mut caption = Vec::new();
        if reply.is_caption() {
            caption = redact(&self.brain.config().secrets, reply.segments().to_vec());
        } else if !reply.segments().is_empty() {
            let say = Say {
                text: redact(&self.brain.config().secrets, reply.segments().to_vec()),
                buttons: self.buttons(place, reply),
            };
            self.push(place, kind, action::Kind::Say(say));
        }
        for file in reply.files() {
            let file = FileRef {
                blob: file.blob.clone(),
                name: file.name.clone(),
                mime: file.mime.clone(),
                size: file.size,
            };
            let send = SendFile {
                file: Some(file),
                caption: std::mem::take(&mut caption),
            };
            self.push(place, kind, action::Kind::File(send));
        }
    }

    /// The rows of buttons of a reply.
    pub fn buttons(&mut self, place: &Place, reply: &Reply) -> Vec<ButtonRow> {
        reply
            .buttons()
            .map(|row| ButtonRow {
                buttons: row
                    .iter()
                    .map(|button| Button {
                        label: button.label.clone(),
                        data: self.data(place, &button.command),
                        command: button.command.clone(),
                    })
                    .collect(),
            })
            .collect()
    }

    /// A command as a button's data: itself, or `yes CODE` when it is too long.
    fn data(&mut self, place: &Place, command: &str) -> String {
        let Some(account) = &place.account else {
            return command.to_owned();
        };
        if command.len() <= BUTTON_BYTES {
            return command.to_owned();
        }
        let id = crate::code::short(3);
        self.ops.push(Op::PutQuestion(Question {
            id: id.clone(),
            account: account.clone(),
            room: place.room.clone(),
            command: command.to_owned(),
            data: serde_json::Value::Null,
            created_ms: self.now_ms,
            expires_ms: self.now_ms + BUTTON_LIFE_MS,
        }));
        format!("yes {id}")
    }

    fn push(&mut self, place: &Place, kind: RoomKind, what: action::Kind) {
        let action = Action {
            id: uuid::Uuid::now_v7().to_string(),
            room: Some(wire_room(&place.room, kind)),
            reply_to: place.reply_to.clone(),
            reply_context: place.context.clone(),
            transient: false,
            kind: Some(what),
        };
        self.items
            .push(OutboxItem::new(&place.room, &action, self.now_ms));
    }
}

/// A room as the chat contract writes it.
pub fn wire_room(room: &RoomKey, kind: RoomKind) -> Room {
    let kind = match kind {
        RoomKind::Private => WireRoomKind::Private,
        RoomKind::Group => WireRoomKind::Group,
        RoomKind::Channel => WireRoomKind::Channel,
    };
    Room {
        id: room.room.clone(),
        kind: kind.into(),
        thread: room.thread.clone(),
        title: String::new(),
    }
}

/// The line of the audit log for a note.
pub fn audit_entry(brain: &Brain, note: AuditNote) -> AuditEntry {
    let secrets = &brain.config().secrets;
    AuditEntry {
        id: uuid::Uuid::now_v7().to_string(),
        time_ms: brain.now_ms(),
        account: None,
        identity: None,
        what: note.what,
        detail: redact_text(secrets, &note.detail).into_owned(),
        target: note.target,
        result: note.result.to_owned(),
        trace: String::new(),
    }
}

/// Replaces every secret value in a text.
pub fn redact_text<'t>(secrets: &[SecretString], text: &'t str) -> Cow<'t, str> {
    let mut text = Cow::Borrowed(text);
    for secret in secrets
        .iter()
        .map(ExposeSecret::expose_secret)
        .filter(|secret| secret.len() >= 6)
    {
        if text.contains(secret) {
            text = Cow::Owned(text.replace(secret, "***"));
        }
    }
    text
}

/// Replaces every secret value in segments.
pub fn redact(secrets: &[SecretString], mut segments: Vec<Segment>) -> Vec<Segment> {
    use segment::Kind;
    for segment in &mut segments {
        let text = match &mut segment.kind {
            Some(Kind::Text(text) | Kind::Bold(text) | Kind::Italic(text) | Kind::Code(text)) => {
                text
            }
            Some(Kind::Pre(pre)) => &mut pre.text,
            Some(Kind::Link(link)) => {
                if let Cow::Owned(clean) = redact_text(secrets, &link.text) {
                    link.text = clean;
                }
                &mut link.url
            }
            Some(Kind::Mention(_)) | None => continue,
        };
        if let Cow::Owned(clean) = redact_text(secrets, text) {
            *text = clean;
        }
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_replaced_by_value() {
        let secrets = [
            SecretString::from("123456:token"),
            SecretString::from("abc"),
        ];
        assert_eq!(redact_text(&secrets, "x 123456:token y"), "x *** y");
        // Too short to be told from ordinary words.
        assert_eq!(redact_text(&secrets, "abc"), "abc");
    }
}
