//! Subscriptions, what subscribers were told of nodes, and minutes of load.

use super::db::{Db, Tx, execute, read_all, text};
use super::error::Fault;
use super::rows::{RoomColumns, value};
use crate::account::AccountId;
use crate::room::RoomKey;
use crate::watch::{Subscription, Topic};

/// What subscribers were last told of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedNode {
    /// Which.
    pub address: String,
    /// That it is there.
    pub online: bool,
    /// That it comes and goes, and that nothing more is said until it is calm.
    pub flapping: bool,
    /// Since when it is so, Unix milliseconds.
    pub changed_ms: i64,
}

/// The load of many nodes in one minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadMinute {
    /// Minutes since 1970.
    pub minute: i64,
    /// Which part of the nodes, from 0.
    pub part: i64,
    /// The points, as their owner encodes them.
    pub points: Vec<u8>,
}

#[derive(sqlx::FromRow)]
struct SubscriptionRow {
    #[sqlx(flatten)]
    room: RoomColumns,
    topic: String,
    tag: String,
    node: String,
    room_kind: String,
    account_id: String,
    everything: i64,
    language: String,
    created_ms: i64,
}

impl TryFrom<SubscriptionRow> for Subscription {
    type Error = Fault;

    fn try_from(row: SubscriptionRow) -> Result<Self, Fault> {
        Ok(Self {
            room: row.room.into(),
            room_kind: value(&row.room_kind)?,
            account: AccountId::from_stored(row.account_id),
            topic: value(&row.topic)?,
            tag: row.tag,
            node: row.node,
            everything: row.everything != 0,
            language: row.language,
            created_ms: row.created_ms,
        })
    }
}

pub(super) async fn subscriptions(db: &Db) -> Result<Vec<Subscription>, Fault> {
    read_all!(
        db,
        SubscriptionRow,
        "SELECT kind, bot, room, thread, topic, tag, node, room_kind, account_id, everything, \
         language, created_ms FROM subscription \
         ORDER BY kind, bot, room, thread, topic, tag, node"
    )?
    .into_iter()
    .map(Subscription::try_from)
    .collect()
}

pub(super) async fn subscribe(tx: &mut Tx, new: &Subscription) -> Result<(), Fault> {
    execute!(
        tx,
        "INSERT INTO subscription (kind, bot, room, thread, topic, tag, node, room_kind, \
         account_id, everything, language, created_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         ON CONFLICT (kind, bot, room, thread, topic, tag, node) DO UPDATE SET \
         room_kind = excluded.room_kind, account_id = excluded.account_id, \
         everything = excluded.everything, language = excluded.language, \
         created_ms = excluded.created_ms",
        text(&new.room.bot.kind),
        text(&new.room.bot.bot),
        text(&new.room.room),
        text(&new.room.thread),
        new.topic.as_str(),
        text(&new.tag),
        text(&new.node),
        new.room_kind.as_str(),
        text(new.account.as_str()),
        i64::from(new.everything),
        text(&new.language),
        new.created_ms
    )?;
    Ok(())
}

pub(super) async fn unsubscribe(
    tx: &mut Tx,
    room: &RoomKey,
    topic: Option<Topic>,
) -> Result<(), Fault> {
    execute!(
        tx,
        "DELETE FROM subscription WHERE kind = $1 AND bot = $2 AND room = $3 AND thread = $4 \
         AND ($5 = '' OR topic = $5)",
        text(&room.bot.kind),
        text(&room.bot.bot),
        text(&room.room),
        text(&room.thread),
        topic.map_or("", Topic::as_str)
    )?;
    Ok(())
}

pub(super) async fn watched(db: &Db) -> Result<Vec<WatchedNode>, Fault> {
    let rows = read_all!(
        db,
        (String, i64, i64, i64),
        "SELECT address, online, flapping, changed_ms FROM watched_node ORDER BY address"
    )?;
    Ok(rows
        .into_iter()
        .map(|(address, online, flapping, changed_ms)| WatchedNode {
            address,
            online: online != 0,
            flapping: flapping != 0,
            changed_ms,
        })
        .collect())
}

pub(super) async fn put_watched(tx: &mut Tx, node: &WatchedNode) -> Result<(), Fault> {
    execute!(
        tx,
        "INSERT INTO watched_node (address, online, flapping, changed_ms) \
         VALUES ($1, $2, $3, $4) ON CONFLICT (address) DO UPDATE SET \
         online = excluded.online, flapping = excluded.flapping, changed_ms = excluded.changed_ms",
        text(&node.address),
        i64::from(node.online),
        i64::from(node.flapping),
        node.changed_ms
    )?;
    Ok(())
}

pub(super) async fn drop_watched(tx: &mut Tx, address: &str) -> Result<(), Fault> {
    execute!(
        tx,
        "DELETE FROM watched_node WHERE address = $1",
        text(address)
    )?;
    Ok(())
}

pub(super) async fn minutes(db: &Db, from: i64) -> Result<Vec<LoadMinute>, Fault> {
    let rows = read_all!(
        db,
        (i64, i64, Vec<u8>),
        "SELECT minute, part, points FROM load_minute WHERE minute >= $1 ORDER BY minute, part",
        from
    )?;
    Ok(rows
        .into_iter()
        .map(|(minute, part, points)| LoadMinute {
            minute,
            part,
            points,
        })
        .collect())
}

pub(super) async fn put_minute(tx: &mut Tx, minute: &LoadMinute) -> Result<(), Fault> {
    execute!(
        tx,
        "INSERT INTO load_minute (minute, part, points) VALUES ($1, $2, $3) \
         ON CONFLICT (minute, part) DO UPDATE SET points = excluded.points",
        minute.minute,
        minute.part,
        minute.points.as_slice()
    )?;
    Ok(())
}
