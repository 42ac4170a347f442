//! The table of messages: appended at the end, forgotten at the beginning, changed in between.

use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::purges::{self, Rest};
use super::rooms::{KnownRoom, set_first};
use super::rows::{date, limit, optional_date, signed, text, unsigned, wall};
use crate::rooms::record::{
    Change, Deleter, Floor, From, MessageChange, MessageRecord, NewMessage, RoomAnswer,
};
use crate::store::{MESSAGE_KEY_TIME, first_above};
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
    (from, floor): (From, Floor),
    messages_max: usize,
    bytes_max: usize,
) -> Result<RoomAnswer> {
    let first_seq = first(connection, room, floor)?;
    let (order, first, end) = match from {
        From::After(seq) => ("seq", first_seq.max(seq.saturating_add(1)), u64::MAX),
        From::Before(seq) => ("seq DESC", first_seq, seq),
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM messages WHERE room = ?1 AND seq >= ?2 AND seq < ?3 ORDER BY {order} LIMIT ?4"
    );
    let purges = purges::of(connection, room.key)?;
    let mut statement = connection.prepare_cached(&sql)?;
    let max = limit(messages_max);
    let mut rows = statement.query(params![room.key, signed(first), signed(end), max])?;
    let mut messages: Vec<MessageRecord> = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let mut message = read(row)?;
        purges.iter().for_each(|purge| purge.mask(&mut message));
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
        first_seq,
        last_seq: room.last_seq,
    })
}

/// The first message that is not below the floor.
fn first(connection: &Connection, room: &KnownRoom, floor: Floor) -> Result<u64> {
    let ends = (room.first_seq, room.last_seq);
    first_above(floor, ends, |seq| said(connection, room.key, seq))
}

/// When a message was said.
fn said(connection: &Connection, room: i64, seq: u64) -> Result<Option<Wall>> {
    let sql = "SELECT at FROM messages WHERE room = ?1 AND seq = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let at = statement.query_row([room, signed(seq)], |row| row.get(0).map(wall));
    at.optional()
}

/// What a change would do to messages.
#[derive(Debug)]
pub(super) enum Touched {
    /// These, ascending, and how far it has come where there may be more of the kind.
    Messages(Vec<u64>, Option<Rest>),
    Missing,
    /// Not this author's.
    Foreign,
    /// Somebody's on whom whoever asks may not act.
    Spared,
}

/// Looks for the messages that are meant; changes nothing.
pub(super) fn find(
    connection: &Connection,
    room: &KnownRoom,
    change: &Change,
    of: &MessageChange,
) -> Result<Touched> {
    let (key, floor) = (room.key, change.floor);
    let (seq, may) = match of {
        MessageChange::DeleteAllOf {
            user,
            messages_max,
            is_rest,
        } => return purges::find(connection, room, (user, *is_rest), *messages_max),
        MessageChange::Edit { seq, author, .. } => (*seq, Deleter::Author(author.clone())),
        MessageChange::Delete { seq, by } => (*seq, by.clone()),
    };
    let sql = "SELECT sender, at FROM messages WHERE room = ?1 AND seq = ?2 AND deleted IS NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let found: Option<(String, i64)> = statement
        .query_row([key, signed(seq)], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((sender, _)) = found.filter(|(_, at)| floor.holds(seq, wall(*at))) else {
        return Ok(Touched::Missing);
    };
    if purges::covers(connection, key, &sender, seq)? {
        return Ok(Touched::Missing);
    }
    Ok(match may {
        Deleter::Author(author) if *author != *sender => Touched::Foreign,
        Deleter::Moderator { spared } if spared.iter().any(|user| **user == *sender) => {
            Touched::Spared
        }
        Deleter::Author(_) | Deleter::Moderator { .. } => Touched::Messages(vec![seq], None),
    })
}

/// Edits or deletes the messages that [`find`] has found.
pub(super) fn change(
    connection: &Connection,
    room: i64,
    change: &MessageChange,
    found: &[u64],
    at: Wall,
) -> Result<()> {
    let MessageChange::Edit { text, .. } = change else {
        return delete(connection, room, found, at);
    };
    let sql = "UPDATE messages SET text = ?3, edited = ?4 WHERE room = ?1 AND seq = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    for seq in found {
        statement.execute(params![room, signed(*seq), text, date(at)])?;
    }
    Ok(())
}

/// Forgets what these messages said.
pub(super) fn delete(connection: &Connection, room: i64, found: &[u64], at: Wall) -> Result<()> {
    let sql = "UPDATE messages SET text = '', deleted = ?3 WHERE room = ?1 AND seq = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    for seq in found {
        statement.execute([room, signed(*seq), date(at)])?;
    }
    Ok(())
}

/// Forgets the oldest messages below the floor.
pub(super) fn trim(
    connection: &Connection,
    room: &mut KnownRoom,
    floor: Floor,
    messages_max: usize,
) -> Result<RoomAnswer> {
    let first_seq = first(connection, room, floor)?;
    let step = room.first_seq.saturating_add(messages_max as u64);
    let keeps_from = first_seq.min(step);
    if keeps_from > room.first_seq {
        room.first_seq = keeps_from;
        let sql = "DELETE FROM messages WHERE room = ?1 AND seq < ?2";
        connection
            .prepare_cached(sql)?
            .execute([room.key, signed(keeps_from)])?;
        set_first(connection, room.key, keeps_from)?;
    }
    Ok(RoomAnswer::Trimmed {
        first_seq,
        oldest: said(connection, room.key, first_seq)?,
        is_more: keeps_from < first_seq,
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
