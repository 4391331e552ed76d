//! How a server becomes a node: one-time tokens, what a bare server downloads, and who is told.

mod script;

use std::path::PathBuf;
use std::sync::PoisonError;

use async_trait::async_trait;
use jarvis_nodeclient::{Address, Download, Gate, NodeName, NodeStatus, Succession};
use jarvis_proto::node::Introduction;
use tracing::{error, info, warn};

use crate::answer::{AuditNote, Place, Speech, audit_entry};
use crate::brain::{Brain, WeakBrain};
use crate::fleet::Fleet;
use crate::reply::Reply;
use crate::room::RoomKind;
use crate::store::{
    Committed, Condition, FormerAddress, JoinToken, NodeRecord, Op, StoreError, Unit,
};
use crate::text::{Language, Text, text};

pub use script::program_of;
pub(crate) use script::{Host, Line};

/// Owners hear of a node with a wrong key this often at most.
const ALARM_EVERY_MS: i64 = 24 * 3600 * 1000;

/// Lets newcomers in on the brain's behalf.
pub(crate) struct BrainGate(WeakBrain);

impl BrainGate {
    pub(crate) fn of(brain: &Brain) -> Self {
        Self(brain.downgrade())
    }

    fn brain(&self) -> Result<Brain, String> {
        let brain = self.0.upgrade();
        brain.ok_or_else(|| text!(Language::En, "join-unready").to_string())
    }
}

/// What the store keeps of a token.
pub(crate) fn digest(token: &str) -> String {
    crate::code::digest("join", token)
}

#[async_trait]
impl Gate for BrainGate {
    async fn join(&self, node: &Address, asked: &Introduction) -> Result<NodeName, String> {
        let brain = self.brain()?;
        match enroll(&brain, node, asked).await {
            Ok(name) => Ok(name),
            Err(Refusal::Said(said)) => {
                info!(node.address = %node, reason = %said, "a join was refused");
                Err(said.to_string())
            }
            Err(Refusal::Store(error)) => {
                error!(%error, "a join could not be stored");
                Err(text!(Language::En, "join-unready").to_string())
            }
        }
    }

    async fn leave(&self, name: &NodeName) -> Result<(), String> {
        let brain = self.brain()?;
        leave(&brain, name).await.map_err(|error| {
            error!(%error, node.name = %name, "a leave could not be stored");
            text!(Language::En, "join-unready").to_string()
        })
    }

    async fn key_changed(&self, name: &NodeName, change: &Succession) -> Result<(), String> {
        let brain = self.brain()?;
        let former = FormerAddress {
            address: change.old.to_string(),
            node: change.new.to_string(),
            until_ms: change.old_until_ms(),
        };
        let note = audit_entry(
            &brain,
            AuditNote {
                what: "key".to_owned(),
                detail: format!("{} -> {}", change.old, change.new),
                target: name.to_string(),
                ..AuditNote::default()
            },
        );
        let ops = vec![Op::Require(Condition::SucceedNode(former)), Op::Audit(note)];
        match brain.store().commit(Unit::of(ops)).await {
            Ok(Committed::Applied) => {
                info!(node.name = %name, old = %change.old, new = %change.new, "a node has a new key");
                let until_ms = change.old_until_ms();
                brain
                    .fleet()
                    .succeed(&brain, &change.old, &change.new, until_ms);
                Ok(())
            }
            other => {
                error!(?other, node.name = %name, "a new key could not be stored");
                Err(text!(Language::En, "join-unready").to_string())
            }
        }
    }

    async fn download(&self, path: &str, query: Option<&str>) -> Option<Download> {
        let brain = self.0.upgrade()?;
        let mut parts = path.strip_prefix("/join/")?.split('/');
        let token = parts.next()?;
        let stored = brain.store().join_token(&digest(token)).await.ok()??;
        if stored.node.is_some() || stored.expires_ms <= brain.now_ms() {
            return None;
        }
        match parts.next() {
            None => Some(Download {
                size: stored.script.len() as u64,
                content: Box::new(std::io::Cursor::new(stored.script.into_bytes())),
            }),
            Some("jarvis-node") => {
                let arch = query?.strip_prefix("arch=")?;
                let program: &PathBuf = brain.config().node_programs.get(arch)?;
                let file = tokio::fs::File::open(program).await.ok()?;
                Some(Download {
                    size: file.metadata().await.ok()?.len(),
                    content: Box::new(file),
                })
            }
            Some(_) => None,
        }
    }
}

enum Refusal {
    Said(Text),
    Store(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Enrols a node that gave a token; token and enrolment in one transaction.
async fn enroll(brain: &Brain, node: &Address, asked: &Introduction) -> Result<NodeName, Refusal> {
    let no = |key: fn(Language) -> Text, language| Err(Refusal::Said(key(language)));
    let stored = brain.store().join_token(&digest(&asked.token)).await?;
    let Some(token) = stored else {
        return no(|language| text!(language, "join-unknown"), Language::En);
    };
    let language = Language::negotiate(Some(&token.language), "");
    let address = node.to_string();
    let known = brain.fleet().by_address(&address);
    match &token.node {
        // The same once more: its answer was lost, or somebody ran the line twice.
        Some(user) if *user == address => {
            let name = known.and_then(|known| NodeName::parse(&known.name).ok());
            return name.ok_or_else(|| Refusal::Said(text!(language, "join-used")));
        }
        Some(_) => return no(|language| text!(language, "join-used"), language),
        None if token.expires_ms <= brain.now_ms() => {
            return no(|language| text!(language, "join-expired"), language);
        }
        None => {}
    }
    let wanted = match &known {
        Some(known) => &known.name,
        None if token.name.is_empty() => &asked.name,
        None => &token.name,
    };
    let Ok(name) = NodeName::parse(wanted) else {
        return no(|language| text!(language, "join-nameless"), language);
    };
    let other = brain.store().node(name.as_str()).await?;
    if other.is_some_and(|other| other.address != address) {
        let said = text!(language, "join-taken", node = name.as_str());
        return Err(Refusal::Said(said));
    }
    let mut record = known.unwrap_or_else(|| NodeRecord {
        address: address.clone(),
        name: name.to_string(),
        tags: Vec::new(),
        dial: String::new(),
        enrolled_ms: brain.now_ms(),
        facts: Vec::new(),
        last_seen_ms: 0,
    });
    for tag in &token.tags {
        if !record.tags.contains(tag) {
            record.tags.push(tag.clone());
        }
    }
    let note = AuditNote {
        what: "join".to_owned(),
        detail: address.clone(),
        target: name.to_string(),
        ..AuditNote::default()
    };
    let ops = vec![
        Op::Require(Condition::TakeJoin {
            token_hash: token.token_hash.clone(),
            node: address.clone(),
            now_ms: brain.now_ms(),
        }),
        Op::PutNode(record.clone()),
        Op::Audit(audit_entry(brain, note)),
    ];
    match brain.store().commit(Unit::of(ops)).await {
        Ok(Committed::Applied) => {}
        Ok(_) => return no(|language| text!(language, "join-used"), language),
        Err(StoreError::Conflict { .. }) => {
            let said = text!(language, "join-taken", node = name.as_str());
            return Err(Refusal::Said(said));
        }
        Err(error) => return Err(error.into()),
    }
    info!(node.name = %name, node.address = %address, "a node has joined");
    brain.fleet().expect_newcomer(JoinToken {
        node: Some(address),
        ..token
    });
    brain.fleet().keep(brain, record);
    Ok(name)
}

/// Forgets a node at its own wish, and tells the owners.
async fn leave(brain: &Brain, name: &NodeName) -> Result<(), StoreError> {
    let Some(node) = brain.fleet().get(brain, name.as_str()) else {
        return Ok(());
    };
    let note = AuditNote {
        what: "leave".to_owned(),
        detail: node.record.address.clone(),
        target: name.to_string(),
        ..AuditNote::default()
    };
    let said = |language| text!(language, "join-left", node = name.as_str());
    let mut ops = vec![
        Op::DropNode {
            address: node.record.address.clone(),
        },
        Op::Audit(audit_entry(brain, note)),
    ];
    let speech = to_owners(brain, said).await?;
    ops.extend(speech.items.iter().cloned().map(Op::Outbox));
    brain.store().commit(Unit::of(ops)).await?;
    brain.outbox().push(brain, speech.items);
    brain.fleet().forget(brain, name.as_str());
    Ok(())
}

impl Fleet {
    /// The room of this token is told when its node is there.
    pub(crate) fn expect_newcomer(&self, token: JoinToken) {
        if let Some(address) = token.node.clone() {
            let mut newcomers = self
                .newcomers
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            newcomers.insert(address, token);
        }
    }
}

/// Tells the room that asked for a node that it is there, once.
pub(crate) async fn tell_newcomer(brain: &Brain, name: &NodeName, status: &NodeStatus) {
    let token = {
        let newcomers = &brain.fleet().newcomers;
        let mut newcomers = newcomers.lock().unwrap_or_else(PoisonError::into_inner);
        newcomers.remove(&status.address.to_string())
    };
    let Some(token) = token else {
        return;
    };
    let language = Language::negotiate(Some(&token.language), "");
    let facts = status.facts.clone().unwrap_or_default();
    let said = text!(
        language,
        "join-joined",
        node = name.as_str(),
        address = Text::code(&status.address.to_string()),
        os = facts.os,
        arch = facts.arch,
        version = facts.core_version,
    );
    let place = Place {
        reply_to: token.reply_to.clone(),
        ..Place::unasked(token.room.clone())
    };
    let mut speech = Speech::new(brain);
    speech.say(&place, RoomKind::Private, &Reply::from(said));
    let token_hash = token.token_hash.clone();
    let mut ops = vec![Op::Require(Condition::TellJoin { token_hash })];
    ops.extend(speech.items.iter().cloned().map(Op::Outbox));
    if brain.commit_patiently(Unit::of(ops)).await {
        brain.outbox().push(brain, speech.items);
    }
}

/// Tells the owners that somebody came under a node's name with another key, once a day at most.
pub(crate) async fn raise_alarm(brain: &Brain, name: &NodeName, address: &Address, peer: &str) {
    let now_ms = brain.now_ms();
    {
        let alarms = &brain.fleet().alarms;
        let mut alarms = alarms.lock().unwrap_or_else(PoisonError::into_inner);
        let last = alarms.get(name.as_str()).copied();
        if last.is_some_and(|last| now_ms - last < ALARM_EVERY_MS) {
            return;
        }
        alarms.insert(name.to_string(), now_ms);
    }
    warn!(node.name = %name, %address, peer, "somebody came under this name with another key and was refused");
    let setting = format!("alarm.key.{name}");
    let stored = brain.store().setting(&setting).await;
    let last = stored.ok().flatten().and_then(|time| time.parse().ok());
    if last.is_some_and(|last: i64| now_ms - last < ALARM_EVERY_MS) {
        return;
    }
    let said = |language| {
        text!(
            language,
            "join-other-key",
            node = name.as_str(),
            address = Text::code(&address.to_string()),
            peer = peer,
            forget = Text::code(&format!("forget {name}")),
        )
    };
    let speech = match to_owners(brain, said).await {
        Ok(speech) => speech,
        Err(error) => {
            warn!(%error, "cannot tell the owners");
            return;
        }
    };
    let mut ops = vec![Op::PutSetting {
        name: setting,
        value: now_ms.to_string(),
    }];
    ops.extend(speech.items.iter().cloned().map(Op::Outbox));
    if brain.commit_patiently(Unit::of(ops)).await {
        brain.outbox().push(brain, speech.items);
    }
}

/// A text to every owner, where they last spoke to us.
async fn to_owners<'a>(
    brain: &'a Brain,
    said: impl Fn(Language) -> Text,
) -> Result<Speech<'a>, StoreError> {
    let mut speech = Speech::new(brain);
    let owners = brain
        .store()
        .accounts_by_role(crate::account::Role::Owner)
        .await?;
    let language = owners.iter().find_map(|owner| owner.language.clone());
    let reply = Reply::from(said(Language::negotiate(language.as_deref(), "")));
    for room in brain.people().owner_rooms(brain).await? {
        speech.say(&Place::unasked(room), RoomKind::Private, &reply);
    }
    Ok(speech)
}
