//! A command being called: who, where, and what it may touch.

use std::fmt;
use std::time::Duration;

use jarvis_nodeclient::SendError;
use jarvis_proto::chat::Message;

use super::Invocation;
use crate::account::AccountId;
use crate::answer::{Answer, AuditNote};
use crate::blob::Pins;
use crate::brain::Brain;
use crate::command::permission::{Object, Permission, Subject, decide, decide_command};
use crate::command::registry::Line;
use crate::command::target::{NodeFacts, Target};
use crate::fleet::FleetNode;
use crate::people::Speaker;
use crate::reply::Reply;
use crate::room::{Inbound, RoomKey, RoomKind};
use crate::store::{Op, Question, StoreError};
use crate::text::{Language, Text, format, text};

/// How long a yes is awaited.
const QUESTION_LIFE: Duration = Duration::from_secs(120);

/// A command being called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    /// The brain that runs it.
    pub brain: &'a Brain,
    /// The event that brought it.
    pub inbound: &'a Inbound,
    /// Who calls.
    pub speaker: &'a Speaker,
    /// What sort of room it is.
    pub kind: RoomKind,
    /// The message, with its attachments.
    pub message: &'a Message,
    /// Joins error texts with the log.
    pub trace: &'a str,
    /// A yes was given.
    pub is_confirmed: bool,
    /// A file that an earlier message brought.
    pub kept_file: Option<&'a super::attach::KeptFile>,
    /// What is needed until the answer is committed.
    pub pins: &'a Pins,
}

/// A command failed for no fault of its caller's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file here.
    #[error("a file of ours: {0}")]
    File(#[from] std::io::Error),
    /// The node network.
    #[error(transparent)]
    Network(#[from] SendError),
}

impl Call<'_> {
    /// The language to answer in.
    pub(crate) fn language(&self) -> Language {
        self.speaker.language()
    }

    /// Who calls, as permissions see them.
    pub(crate) fn subject(&self) -> Subject {
        Subject::from(&self.speaker.account)
    }

    /// Keeps these bytes until what refers to them is committed. False when they are not here.
    pub(crate) fn pin(&self, blob: &str) -> bool {
        self.pins.add(self.brain.blobs().pin(blob));
        let path = self.brain.blobs().path(blob);
        path.is_some_and(|path| path.exists())
    }

    /// The caller's account.
    pub(crate) fn account(&self) -> &AccountId {
        &self.speaker.account.id
    }

    /// Where.
    pub(crate) fn room(&self) -> &RoomKey {
        &self.inbound.room
    }

    /// All nodes, as targets and permissions see them.
    pub(crate) fn node_facts(&self) -> Vec<NodeFacts> {
        self.brain
            .fleet()
            .all(self.brain)
            .iter()
            .map(|node| NodeFacts {
                name: node.record.name.clone(),
                tags: node.record.tags.clone(),
                node_type: node.node_type(),
                online: node.is_online(),
            })
            .collect()
    }

    /// The nodes of a target, if the caller may use `permission` on all of them.
    ///
    /// # Errors
    /// What to answer instead.
    pub(crate) fn nodes_for(
        &self,
        target: &Target,
        permission: Permission,
        line: &str,
    ) -> Result<Vec<FleetNode>, Answer> {
        let known = self.node_facts();
        let facts: Vec<NodeFacts> = match target.resolve(&known) {
            Ok(facts) => facts.into_iter().cloned().collect(),
            Err(problem) => return Err(Answer::say(problem.explain(self.language()))),
        };
        self.check(permission, &Object::Nodes(&facts), line)?;
        Ok(facts
            .iter()
            .filter_map(|facts| self.brain.fleet().get(self.brain, &facts.name))
            .collect())
    }

    /// Goes on only if the caller may.
    ///
    /// # Errors
    /// The refusal.
    pub(crate) fn check(
        &self,
        permission: Permission,
        object: &Object<'_>,
        line: &str,
    ) -> Result<(), Answer> {
        let decision = decide(&self.subject(), permission, object);
        match decision.refusal(self.language(), line) {
            Some(refusal) => Err(refused(refusal, line)),
            None => Ok(()),
        }
    }

    /// Asks back before `line` is run: the question, with buttons, kept for two minutes.
    pub(crate) fn ask(&self, preview: Reply, line: &str, data: serde_json::Value) -> Answer {
        let language = self.language();
        let id = crate::code::short(2);
        let now_ms = self.brain.now_ms();
        let reply = preview
            .line(text!(
                language,
                "confirm-waits",
                duration = format::duration(language, QUESTION_LIFE),
                yes = Text::code(&format!("yes {id}")),
                no = Text::code(&format!("no {id}")),
            ))
            .button(text!(language, "button-yes"), format!("yes {id}"))
            .button(text!(language, "button-no"), format!("no {id}"));
        Answer::say(reply).op(Op::PutQuestion(Question {
            id,
            account: self.account().clone(),
            room: self.room().clone(),
            command: line.to_owned(),
            data,
            created_ms: now_ms,
            expires_ms: now_ms + millis(QUESTION_LIFE),
        }))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn refused(refusal: Text, line: &str) -> Answer {
    let mut answer = Answer::say(refusal);
    answer.audit = Some(Box::new(AuditNote {
        detail: line.to_owned(),
        result: "refused",
        ..AuditNote::default()
    }));
    answer
}

/// Runs one command line: arguments, place, role, then the command itself.
///
/// # Errors
/// When it failed for no fault of the caller's.
pub(crate) async fn run_line(call: &Call<'_>, line: &Line) -> Result<Answer, Trouble> {
    let spec = line.command.spec;
    let mut shown = shown_line(line);
    let mut answer = match admit(call, line, &shown) {
        Ok(invocation) => {
            let kept = invocation.audit_text(line);
            let answer = super::run::run(call, invocation, &shown).await?;
            shown = kept;
            answer
        }
        Err(answer) => {
            // What was not read may hold the secrets of a service anywhere.
            if spec.name == "call" {
                "call …".clone_into(&mut shown);
            }
            answer
        }
    };
    let note = answer.audit.get_or_insert_default();
    spec.name.clone_into(&mut note.what);
    note.detail = shown;
    Ok(answer)
}

/// Arguments, place and role.
fn admit(call: &Call<'_>, line: &Line, shown: &str) -> Result<Invocation, Answer> {
    let decision = decide_command(
        &call.subject(),
        &line.command.spec,
        &Object::None,
        call.kind,
    );
    if let Some(refusal) = decision.refusal(call.language(), shown) {
        return Err(refused(refusal, shown));
    }
    line.parse()
        .map_err(|problem| Answer::say(problem.explain(call.language(), line.command)))
}

/// The line as refusals may show it and, unread, the audit log may keep it: without one-time codes.
fn shown_line(line: &Line) -> String {
    match line.command.spec.name {
        name @ ("claim" | "bind" | "start" | "note" | "editnote" | "appendnote" | "tagnote"
        | "untagnote" | "find" | "expnotes" | "tr" | "link")
            if !line.rest.trim().is_empty() =>
        {
            format!("{name} ***")
        }
        _ => line.text(),
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}
