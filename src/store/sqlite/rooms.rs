//! The table of rooms, and what is remembered of each so that a message costs one insertion and nothing else.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Result, Row, params_from_iter};

use super::rows::{date, millis, optional_date, signed, text, unsigned, wall, word};
use super::{moderation_log, standings};
use crate::protocol::vocabulary::{JoinRule, RoomKind};
use crate::rooms::audit::Entry;
use crate::rooms::record::{Head, RoomAnswer, RoomRecord};
use crate::rooms::settings::Settings;
use crate::rooms::standing::Authority;

/// What is asked again and again of one room.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownRoom {
    pub key: i64,
    pub first_seq: u64,
    pub last_seq: u64,
    pub audit: Head,
}

/// Rooms as the transaction at hand sees them. **To be forgotten when it fails, and when another process has written.**
#[derive(Debug, Default)]
pub(super) struct Known {
    rooms: HashMap<Arc<str>, KnownRoom>,
    /// What SQLite called the state of the file then; another process's commit changes it.
    data_version: Option<i64>,
}

impl Known {
    /// Forgets everything when another process has written since the last transaction.
    pub(super) fn be_current(&mut self, connection: &Connection) -> Result<()> {
        let version = data_version(connection)?;
        if self.data_version != Some(version) {
            self.rooms.clear();
            self.data_version = Some(version);
        }
        Ok(())
    }

    pub(super) fn forget(&mut self) {
        self.rooms.clear();
    }

    pub(super) fn forget_room(&mut self, id: &str) {
        self.rooms.remove(id);
    }

    /// The latest message of a room that is remembered.
    pub(super) fn last_seq(&self, id: &str) -> Option<u64> {
        self.rooms.get(id).map(|room| room.last_seq)
    }

    /// The room of this id, if there is one.
    pub(super) fn room(
        &mut self,
        connection: &Connection,
        id: &Arc<str>,
    ) -> Result<Option<&mut KnownRoom>> {
        if !self.rooms.contains_key(id) {
            let sql = "SELECT key, first_seq, (SELECT seq FROM messages WHERE room = key ORDER BY seq DESC LIMIT 1) AS last_seq
                FROM rooms WHERE id = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let found = statement
                .query_row([&**id], |row| {
                    let (first_seq, last_seq) = bounds(row)?;
                    let audit = moderation_log::head(connection, id)?;
                    Ok(KnownRoom {
                        key: row.get("key")?,
                        first_seq,
                        last_seq,
                        audit,
                    })
                })
                .optional()?;
            let Some(found) = found else {
                return Ok(None);
            };
            self.rooms.insert(Arc::clone(id), found);
        }
        Ok(self.rooms.get_mut(id))
    }
}

/// What SQLite calls the state of the file; a commit of another process changes it, one of this connection does not.
pub(super) fn data_version(connection: &Connection) -> Result<i64> {
    let mut statement = connection.prepare_cached("PRAGMA data_version")?;
    statement.query_row([], |row| row.get(0))
}

/// The first and the last number of a room.
fn bounds(row: &Row<'_>) -> Result<(u64, u64)> {
    let first = unsigned(row.get("first_seq")?);
    let last: Option<i64> = row.get("last_seq")?;
    Ok((first, last.map_or(first.saturating_sub(1), unsigned)))
}

/// Columns of settings, in the order of [`values`].
const SETTINGS: [&str; 18] = [
    "kind",
    "join_rule",
    "name",
    "topic",
    "is_durable",
    "is_locked",
    "is_archived",
    "raid_until",
    "slow_mode_ms",
    "cooldown_ms",
    "message_characters_max",
    "members_max",
    "retention_messages",
    "retention_ms",
    "messages_per_minute",
    "messages_per_minute_per_member",
    "bytes_per_second",
    "joins_per_minute",
];

fn values(settings: &Settings) -> [Value; SETTINGS.len()] {
    let text = |text: &str| Value::Text(text.to_owned());
    [
        text(settings.kind.word()),
        text(settings.join_rule.word()),
        text(&settings.name),
        text(&settings.topic),
        settings.is_durable.into(),
        settings.is_locked.into(),
        settings.is_archived.into(),
        settings.raid_until.map(date).into(),
        millis(settings.slow_mode).into(),
        millis(settings.cooldown).into(),
        settings.message_characters_max.into(),
        settings.members_max.into(),
        settings.retention_messages.into(),
        millis(settings.retention).into(),
        settings.messages_per_minute.into(),
        settings.messages_per_minute_per_member.into(),
        settings.bytes_per_second.into(),
        settings.joins_per_minute.into(),
    ]
}

/// Makes a room, with its first people and the first entry of its log.
pub(super) fn create(
    connection: &Connection,
    known: &mut Known,
    record: &RoomRecord,
    entry: &Entry,
) -> Result<RoomAnswer> {
    if known.room(connection, &record.id)?.is_some() {
        return Ok(RoomAnswer::Created(None));
    }
    let before = moderation_log::head(connection, &record.id)?;
    if before.number > 0 && entry.authority == Authority::Room {
        // Whose log goes on here belonged to another room: nobody takes its entries, or its bans, over.
        return Ok(RoomAnswer::Created(None));
    }
    let sql = format!(
        "INSERT INTO rooms (first_seq, id, created_by, created, {}) VALUES (1{})",
        SETTINGS.join(", "),
        ", ?".repeat(3 + SETTINGS.len())
    );
    let own = [
        Value::Text(record.id.to_string()),
        Value::Text(record.created_by.to_string()),
        date(record.created).into(),
    ];
    let all = own.into_iter().chain(values(&record.settings));
    connection
        .prepare_cached(&sql)?
        .execute(params_from_iter(all))?;
    let key = connection.last_insert_rowid();
    standings::keep(connection, key, &record.standings, entry.at)?;
    let audit = moderation_log::add(connection, &record.id, before, entry)?;
    let made = RoomRecord {
        last_seq: 0,
        first_seq: 1,
        audit,
        ..record.clone()
    };
    let room = KnownRoom {
        key,
        first_seq: 1,
        last_seq: 0,
        audit,
    };
    known.rooms.insert(Arc::clone(&record.id), room);
    Ok(RoomAnswer::Created(Some(Box::new(made))))
}

/// Gives a room other settings.
pub(super) fn change(connection: &Connection, key: i64, settings: &Settings) -> Result<()> {
    let sql = format!(
        "UPDATE rooms SET {} = ? WHERE key = ?",
        SETTINGS.join(" = ?, ")
    );
    let all = values(settings).into_iter().chain([key.into()]);
    let mut statement = connection.prepare_cached(&sql)?;
    statement.execute(params_from_iter(all)).map(drop)
}

/// Forgets a room and its people. Its messages are left over: nobody reaches them, and they go in small steps.
pub(super) fn delete(connection: &Connection, key: i64) -> Result<()> {
    for sql in [
        "DELETE FROM rooms WHERE key = ?1",
        "DELETE FROM standings WHERE room = ?1",
        "DELETE FROM purges WHERE room = ?1",
        "INSERT INTO leftovers (room) VALUES (?1)",
    ] {
        connection.prepare_cached(sql)?.execute([key])?;
    }
    Ok(())
}

const READ: &str = "SELECT *,
        (SELECT seq FROM messages WHERE room = key ORDER BY seq DESC LIMIT 1) AS last_seq,
        (SELECT number FROM moderation_log WHERE room = rooms.id ORDER BY number DESC LIMIT 1) AS log_number,
        (SELECT hash FROM moderation_log WHERE room = rooms.id ORDER BY number DESC LIMIT 1) AS log_hash
    FROM rooms";

/// Every room with its people.
pub(super) fn load(connection: &Connection) -> Result<Vec<RoomRecord>> {
    let mut people = standings::of_all(connection)?;
    let mut statement = connection.prepare(&format!("{READ} ORDER BY id"))?;
    let rooms = statement.query_map([], |row| {
        let standings = people.remove(&row.get("key")?).unwrap_or_default();
        record(row, standings)
    })?;
    rooms.collect()
}

/// One room with its people.
pub(super) fn load_one(connection: &Connection, id: &str) -> Result<Option<RoomRecord>> {
    let mut statement = connection.prepare_cached(&format!("{READ} WHERE id = ?1"))?;
    let read = |row: &Row<'_>| record(row, standings::of(connection, row.get("key")?)?);
    statement.query_row([id], read).optional()
}

/// The latest message of every room.
pub(super) fn last_messages(connection: &Connection) -> Result<Vec<(Arc<str>, u64)>> {
    let sql = "SELECT id, first_seq, (SELECT seq FROM messages WHERE room = key ORDER BY seq DESC LIMIT 1) AS last_seq FROM rooms";
    let mut statement = connection.prepare_cached(sql)?;
    let rooms = statement.query_map([], |row| Ok((text(row, "id")?, bounds(row)?.1)))?;
    rooms.collect()
}

fn record(row: &Row<'_>, standings: standings::People) -> Result<RoomRecord> {
    let (first_seq, last_seq) = bounds(row)?;
    let time = |column: &str| -> Result<Duration> {
        Ok(Duration::from_millis(unsigned(row.get(column)?)))
    };
    let settings = Settings {
        kind: word(row, "kind", RoomKind::from_word)?,
        join_rule: word(row, "join_rule", JoinRule::from_word)?,
        name: text(row, "name")?,
        topic: text(row, "topic")?,
        is_durable: row.get("is_durable")?,
        is_locked: row.get("is_locked")?,
        is_archived: row.get("is_archived")?,
        raid_until: optional_date(row, "raid_until")?,
        slow_mode: time("slow_mode_ms")?,
        cooldown: time("cooldown_ms")?,
        message_characters_max: row.get("message_characters_max")?,
        members_max: row.get("members_max")?,
        retention_messages: row.get("retention_messages")?,
        retention: time("retention_ms")?,
        messages_per_minute: row.get("messages_per_minute")?,
        messages_per_minute_per_member: row.get("messages_per_minute_per_member")?,
        bytes_per_second: row.get("bytes_per_second")?,
        joins_per_minute: row.get("joins_per_minute")?,
    };
    let number: Option<i64> = row.get("log_number")?;
    let digest: Option<[u8; 32]> = row.get("log_hash")?;
    Ok(RoomRecord {
        id: text(row, "id")?,
        settings,
        created_by: text(row, "created_by")?,
        created: wall(row.get("created")?),
        last_seq,
        first_seq,
        audit: Head {
            number: number.map_or(0, unsigned),
            digest: digest.unwrap_or_default(),
        },
        standings,
    })
}

/// Notes which message is the oldest kept.
pub(super) fn set_first(connection: &Connection, key: i64, first_seq: u64) -> Result<()> {
    let mut statement =
        connection.prepare_cached("UPDATE rooms SET first_seq = ?2 WHERE key = ?1")?;
    statement.execute([key, signed(first_seq)]).map(drop)
}
