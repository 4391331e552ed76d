//! Applies units inside a transaction: common ones many at a time, all others one by one.

use super::db::Tx;
use super::error::Fault;
use super::many::Statements;
use super::unit::{Committed, Condition, Op, Unit};
use super::{
    account, binding, blob, dialog, file, follow, job, join, legacy, node, note, outbox, question,
    rollout, room, setting, translation, watch,
};

/// Applies units that hold only what every message causes. Gives what became of each. Fails as a
/// whole; the caller then undoes it and takes them one by one.
pub(super) async fn common(
    tx: &mut Tx,
    statements: &Statements,
    units: &[&Unit],
) -> Result<Vec<Committed>, Fault> {
    let events: Vec<_> = units
        .iter()
        .filter_map(|unit| unit.event.as_ref())
        .collect();
    let mut is_new = statements.events(tx, &events).await?.into_iter();
    let outcomes: Vec<Committed> = units
        .iter()
        .map(|unit| match &unit.event {
            Some(_) if !is_new.next().unwrap_or(false) => Committed::Duplicate,
            _ => Committed::Applied,
        })
        .collect();
    let (mut audit, mut outbox, mut said) = (Vec::new(), Vec::new(), Vec::new());
    let applied = units
        .iter()
        .zip(&outcomes)
        .filter(|(_, outcome)| **outcome == Committed::Applied);
    for op in applied.flat_map(|(unit, _)| &unit.ops) {
        match op {
            Op::Audit(entry) => audit.push(entry),
            Op::Outbox(item) => outbox.push(item),
            Op::OutboxDone { id } => said.push(id.as_str()),
            other => return Err(Fault::Value(format!("not a common change: {other:?}"))),
        }
    }
    statements.audit(tx, &audit).await?;
    statements.outbox(tx, &outbox).await?;
    // After the inserts: what is said was stored before, perhaps in this very batch.
    statements.said(tx, &said).await?;
    Ok(outcomes)
}

/// Applies one unit, whatever it holds. After a fault the caller undoes it.
pub(super) async fn one(tx: &mut Tx, statements: &Statements, unit: &Unit) -> Result<(), Fault> {
    if let Some(event) = &unit.event
        && statements.events(tx, &[event]).await? != [true]
    {
        return Err(Fault::Duplicate);
    }
    for op in &unit.ops {
        apply(tx, statements, op).await?;
    }
    Ok(())
}

async fn apply(tx: &mut Tx, statements: &Statements, op: &Op) -> Result<(), Fault> {
    match op {
        Op::Outbox(item) => statements.outbox(tx, &[item]).await,
        Op::OutboxDone { id } => statements.said(tx, &[id]).await,
        Op::OutboxRetry {
            id,
            attempts,
            not_before_ms,
        } => outbox::retry(tx, id, *attempts, *not_before_ms).await,
        Op::Progress(progress) => outbox::put_progress(tx, progress).await,
        Op::Audit(entry) => statements.audit(tx, &[entry]).await,
        Op::InsertJob(new) => job::insert(tx, new).await,
        Op::InsertTask(task) => job::insert_task(tx, task).await,
        Op::UpdateTask(task) => job::update_task(tx, task).await,
        Op::PutPart(part) => rollout::put(tx, part).await,
        Op::EndJob {
            id,
            state,
            ended_ms,
        } => job::end(tx, id, *state, *ended_ms).await.map(drop),
        Op::PutAccount(account) => account::put(tx, account).await,
        Op::PutIdentity { identity, seen_ms } => {
            account::put_identity(tx, identity, *seen_ms).await
        }
        Op::PutRoom(room) => room::put(tx, room).await,
        Op::PutDialog(dialog) => dialog::put(tx, dialog).await,
        Op::DropDialog { account, room } => dialog::remove(tx, account, room).await,
        Op::PutQuestion(question) => question::put(tx, question).await,
        Op::PutBinding(binding) => binding::put(tx, binding).await,
        Op::DropBindings { issuer } => binding::remove(tx, issuer).await,
        Op::PutClaim(claim) => binding::put_claim(tx, claim).await,
        Op::PutNode(node) => node::put(tx, node).await,
        Op::NodeSeen {
            address,
            facts,
            seen_ms,
        } => node::seen(tx, address, facts.as_deref(), *seen_ms).await,
        Op::PutFollow(new) => follow::put(tx, new).await,
        Op::DropFollow { id } => follow::remove(tx, id).await,
        Op::DropNode { address } => node::remove(tx, address).await,
        Op::PutJoin(token) => join::put(tx, token).await,
        Op::RenameNode { address, name } => join::rename(tx, address, name).await,
        Op::TagNode { address, tags } => join::set_tags(tx, address, tags).await,
        Op::PutLegacyPeer { address, record } => legacy::put(tx, address, record).await,
        Op::PutSetting { name, value } => setting::put(tx, name, value).await,
        Op::DropSetting { name } => setting::remove(tx, name).await,
        Op::PutBlob(blob) => blob::put(tx, blob).await,
        Op::DropBlobs { origin } => blob::remove(tx, origin).await,
        Op::Subscribe(subscription) => watch::subscribe(tx, subscription).await,
        Op::Unsubscribe { room, topic } => watch::unsubscribe(tx, room, *topic).await,
        Op::PutWatched(node) => watch::put_watched(tx, node).await,
        Op::DropWatched(address) => watch::drop_watched(tx, address).await,
        Op::PutLoad(minute) => watch::put_minute(tx, minute).await,
        Op::PutFile(new) => file::put(tx, new).await,
        Op::FileShown {
            hash,
            room,
            message,
        } => file::shown(tx, hash, room, message).await,
        Op::DropFile { number } => file::remove(tx, *number).await,
        Op::DropFilesOf { hash } => file::remove_hash(tx, hash).await,
        Op::DropOldFiles { before_ms } => file::remove_old(tx, *before_ms).await,
        Op::PutNotebook(notebook) => note::put_notebook(tx, notebook).await,
        Op::PutMember {
            notebook,
            account,
            can_write,
        } => note::put_member(tx, *notebook, account, *can_write).await,
        Op::DropMember { notebook, account } => note::drop_member(tx, *notebook, account).await,
        Op::PutNote(changed) => note::put(tx, changed).await,
        Op::PutTranslationRoom { room, settings } => {
            translation::put_room(tx, room, settings).await
        }
        Op::PutTranslation(work) => translation::put(tx, work).await,
        Op::DropTranslations { origin } => translation::drop_of(tx, origin).await,
        Op::CountTranslation(count) => translation::count(tx, count).await,
        Op::Require(condition) => require(tx, condition).await,
    }
}

async fn require(tx: &mut Tx, condition: &Condition) -> Result<(), Fault> {
    let held = match condition {
        Condition::EndTask(end) => job::end_task(tx, end).await?,
        Condition::EndJob(end) => job::end(tx, &end.id, end.state, end.ended_ms).await?,
        Condition::UseQuestion {
            id,
            account,
            now_ms,
        } => question::take(tx, id, account, *now_ms).await?.is_some(),
        Condition::UseClaim { code_hash, now_ms } => {
            binding::use_claim(tx, code_hash, *now_ms).await?
        }
        Condition::TakeJoin {
            token_hash,
            node,
            now_ms,
        } => join::take(tx, token_hash, node, *now_ms).await?,
        Condition::TellJoin { token_hash } => join::tell(tx, token_hash).await?,
        Condition::SucceedNode(former) => join::succeed(tx, former).await?,
        Condition::TakeTranslation { id } => translation::take(tx, id).await?,
        Condition::DelayTranslation { id } => translation::delay(tx, id).await?,
        Condition::TakeBinding { code_hash, now_ms } => {
            binding::take(tx, code_hash, *now_ms).await?.is_some()
        }
    };
    if held { Ok(()) } else { Err(Fault::Unmet) }
}
