//! The table of messages: appended at the end, forgotten at the beginning, changed in between.

use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::rooms::{KnownRoom, set_first};
use super::rows::{date, limit, optional_date, signed, text, unsigned, wall};
use crate::rooms::record::{Deleter, From, MessageChange, MessageRecord, NewMessage, RoomAnswer};
use crate::store::MESSAGE_KEY_TIME;
use crate::time::Wall;

const COLUMNS: &str = "seq, sender, name, text, at, edited, deleted";

/// Messages and keys of a deleted room that one step removes.
const SWEPT_PER_STEP_MAX: usize = 500;

/// Gives a message the next number of its room, unless its key says that it has one.
pub(super) fn append(
    connection: &Connection,
    room: &mut KnownRoom,
    message: &NewMessage,
) -> Result<RoomAnswer> {
    if let Some(key) = &message.key {
        if let Some(known) = find_key(connection, room.key, message, key)? {
            return Ok(known);
        }
        // One that was forgotten, and not yet removed, makes room.
        let sql = "INSERT OR REPLACE INTO message_keys (room, sender, key, seq, at) VALUES (?1, ?2, ?3, ?4, ?5)";
        connection.prepare_cached(sql)?.execute(params![
            room.key,
            &*message.sender,
            &**key,
            signed(room.last_seq + 1),
            date(message.at)
        ])?;
    }
    let sql =
        "INSERT INTO messages (room, seq, sender, name, text, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    connection.prepare_cached(sql)?.execute(params![
        room.key,
        signed(room.last_seq + 1),
        &*message.sender,
        &*message.name,
        &*message.text,
        date(message.at)
    ])?;
    room.last_seq += 1;
    Ok(RoomAnswer::Appended {
        seq: room.last_seq,
        at: message.at,
        is_repeated: false,
    })
}

/// Whether its key says that a message is kept already.
pub(super) fn known(
    connection: &Connection,
    room: i64,
    message: &NewMessage,
) -> Result<RoomAnswer> {
    let found = match &message.key {
        Some(key) => find_key(connection, room, message, key)?,
        None => None,
    };
    Ok(found.unwrap_or(RoomAnswer::Missing))
}

fn find_key(
    connection: &Connection,
    room: i64,
    message: &NewMessage,
    key: &str,
) -> Result<Option<RoomAnswer>> {
    let sql = "SELECT seq, at FROM message_keys WHERE room = ?1 AND sender = ?2 AND key = ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let found: Option<(i64, i64)> = statement
        .query_row(params![room, &*message.sender, key], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let is_known = |(_, at): &(i64, i64)| message.at < wall(*at).after(MESSAGE_KEY_TIME);
    Ok(found
        .filter(is_known)
        .map(|(seq, at)| RoomAnswer::Appended {
            seq: unsigned(seq),
            at: wall(at),
            is_repeated: true,
        }))
}

/// Removes keys that are past their time, oldest first and at most `keys_max`.
pub(super) fn forget_keys(connection: &Connection, now: Wall, keys_max: usize) -> Result<()> {
    let sql = "DELETE FROM message_keys WHERE at <= ?1
        AND serial IN (SELECT serial FROM message_keys ORDER BY serial LIMIT ?2)";
    let before = now
        .as_millis()
        .saturating_sub(MESSAGE_KEY_TIME.as_millis() as u64);
    let mut statement = connection.prepare_cached(sql)?;
    statement
        .execute([signed(before), limit(keys_max)])
        .map(drop)
}

/// A page of a room's messages.
pub(super) fn page(
    connection: &Connection,
    room: &KnownRoom,
    from: From,
    messages_max: usize,
    bytes_max: usize,
) -> Result<RoomAnswer> {
    let (sql, beyond) = match from {
        From::After(seq) => (
            format!(
                "SELECT {COLUMNS} FROM messages WHERE room = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3"
            ),
            seq,
        ),
        From::Before(seq) => (
            format!(
                "SELECT {COLUMNS} FROM messages WHERE room = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3"
            ),
            seq,
        ),
    };
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![room.key, signed(beyond), limit(messages_max)])?;
    let mut messages: Vec<MessageRecord> = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let message = read(row)?;
        bytes += message.text.len();
        if bytes > bytes_max && !messages.is_empty() {
            break;
        }
        messages.push(message);
    }
    if matches!(from, From::Before(_)) {
        messages.reverse();
    }
    Ok(RoomAnswer::Page {
        messages,
        first_seq: room.first_seq,
        last_seq: room.last_seq,
    })
}

/// What a change would do to messages.
#[derive(Debug)]
pub(super) enum Touched {
    /// These, ascending, and whether there are more of the kind.
    Messages(Vec<u64>, bool),
    /// No such message, or not this author's.
    Missing,
    /// Somebody's on whom whoever asks may not act.
    Spared,
}

/// Looks for the messages that are meant; changes nothing.
pub(super) fn find(connection: &Connection, room: i64, change: &MessageChange) -> Result<Touched> {
    let (seq, may) = match change {
        MessageChange::DeleteAllOf { user, messages_max } => {
            return find_all_of(connection, room, user, *messages_max);
        }
        MessageChange::Edit { seq, author, .. } => (*seq, Deleter::Author(author.clone())),
        MessageChange::Delete { seq, by } => (*seq, by.clone()),
    };
    let sql = "SELECT sender FROM messages WHERE room = ?1 AND seq = ?2 AND deleted IS NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let sender: Option<String> = statement
        .query_row([room, signed(seq)], |row| row.get(0))
        .optional()?;
    let Some(sender) = sender else {
        return Ok(Touched::Missing);
    };
    Ok(match may {
        Deleter::Author(author) if *author != *sender => Touched::Missing,
        Deleter::Moderator { spared } if spared.iter().any(|user| **user == *sender) => {
            Touched::Spared
        }
        Deleter::Author(_) | Deleter::Moderator { .. } => Touched::Messages(vec![seq], false),
    })
}

fn find_all_of(
    connection: &Connection,
    room: i64,
    user: &str,
    messages_max: usize,
) -> Result<Touched> {
    let sql = "SELECT seq FROM messages WHERE room = ?1 AND sender = ?2 AND deleted IS NULL ORDER BY seq DESC LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let one_more = limit(messages_max).saturating_add(1);
    let found = statement.query_map(params![room, user, one_more], |row| {
        row.get(0).map(unsigned)
    })?;
    let mut found = found.collect::<Result<Vec<u64>>>()?;
    let is_more = found.len() > messages_max;
    found.truncate(messages_max);
    found.reverse();
    Ok(Touched::Messages(found, is_more))
}

/// Edits or deletes the messages that [`find`] has found.
pub(super) fn change(
    connection: &Connection,
    room: i64,
    change: &MessageChange,
    found: &[u64],
    at: Wall,
) -> Result<()> {
    let (text, sql) = match change {
        MessageChange::Edit { text, .. } => (
            &**text,
            "UPDATE messages SET text = ?3, edited = ?4 WHERE room = ?1 AND seq = ?2",
        ),
        MessageChange::Delete { .. } | MessageChange::DeleteAllOf { .. } => (
            "",
            "UPDATE messages SET text = ?3, deleted = ?4 WHERE room = ?1 AND seq = ?2",
        ),
    };
    let mut statement = connection.prepare_cached(sql)?;
    for seq in found {
        statement.execute(params![room, signed(*seq), text, date(at)])?;
    }
    Ok(())
}

/// Forgets the oldest messages below `first_seq` or said before `before`.
pub(super) fn trim(
    connection: &Connection,
    room: &mut KnownRoom,
    first_seq: u64,
    before: Option<Wall>,
    messages_max: usize,
) -> Result<RoomAnswer> {
    let sql = "SELECT seq, at FROM messages WHERE room = ?1 ORDER BY seq LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let one_more = limit(messages_max).saturating_add(1);
    let mut rows = statement.query([room.key, one_more])?;
    let (mut forgotten, mut is_more) = (0, false);
    let mut keeps_from = None;
    while let Some(row) = rows.next()? {
        let (seq, at) = (unsigned(row.get(0)?), wall(row.get(1)?));
        let is_meant = seq < first_seq || before.is_some_and(|before| at < before);
        if !is_meant || forgotten == messages_max {
            is_more = is_meant;
            keeps_from = Some(seq);
            break;
        }
        forgotten += 1;
    }
    if forgotten > 0 {
        room.first_seq = keeps_from.unwrap_or(room.last_seq + 1);
        let sql = "DELETE FROM messages WHERE room = ?1 AND seq < ?2";
        connection
            .prepare_cached(sql)?
            .execute([room.key, signed(room.first_seq)])?;
        set_first(connection, room.key, room.first_seq)?;
    }
    Ok(RoomAnswer::Trimmed {
        first_seq: room.first_seq,
        is_more,
    })
}

/// A deleted room of which something is left.
pub(super) fn left_over(connection: &Connection) -> Result<Option<i64>> {
    let mut statement = connection.prepare_cached("SELECT room FROM leftovers LIMIT 1")?;
    statement.query_row([], |row| row.get(0)).optional()
}

/// Removes some of what is left of a deleted room.
pub(super) fn sweep(connection: &Connection, room: i64) -> Result<()> {
    let step = params![room, limit(SWEPT_PER_STEP_MAX)];
    let sql = "DELETE FROM messages WHERE room = ?1
        AND seq IN (SELECT seq FROM messages WHERE room = ?1 ORDER BY seq LIMIT ?2)";
    let messages = connection.prepare_cached(sql)?.execute(step)?;
    let sql = "DELETE FROM message_keys WHERE serial IN (SELECT serial FROM message_keys WHERE room = ?1 LIMIT ?2)";
    let keys = connection.prepare_cached(sql)?.execute(step)?;
    if messages + keys == 0 {
        connection
            .prepare_cached("DELETE FROM leftovers WHERE room = ?1")?
            .execute([room])?;
    }
    Ok(())
}

pub(super) fn read(row: &Row<'_>) -> Result<MessageRecord> {
    Ok(MessageRecord {
        seq: unsigned(row.get("seq")?),
        sender: text(row, "sender")?,
        name: text(row, "name")?,
        text: text(row, "text")?,
        at: wall(row.get("at")?),
        edited: optional_date(row, "edited")?,
        deleted: optional_date(row, "deleted")?,
    })
}
