//! The table of moderation logs: entries are added, and nothing else.

use rusqlite::{Connection, OptionalExtension, Result, Row, named_params, params};

use super::rows::{date, limit, optional_date, signed, text, unsigned, wall, word};
use crate::rooms::audit::Entry;
use crate::rooms::record::{From, Head, RoomAnswer};
use crate::rooms::standing::Authority;

const COLUMNS: &str =
    "number, hash, at, actor, authority, action, target, seq, until, reason, details";

/// The end of a room's log.
pub(super) fn head(connection: &Connection, room: &str) -> Result<Head> {
    let sql =
        "SELECT number, hash FROM moderation_log WHERE room = ?1 ORDER BY number DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row([room], read_head).optional()?;
    Ok(found.unwrap_or_default())
}

/// Adds an entry behind `before`, which is the log's end; gives the new end.
pub(super) fn add(
    connection: &Connection,
    room: &str,
    before: Head,
    entry: &Entry,
) -> Result<Head> {
    let number = before.number + 1;
    let digest = entry.digest(room, number, &before.digest);
    let sql = "INSERT INTO moderation_log (room, number, at, actor, authority, action, target, seq, until, reason, details, hash)
        VALUES (:room, :number, :at, :actor, :authority, :action, :target, :seq, :until, :reason, :details, :hash)";
    connection.prepare_cached(sql)?.execute(named_params! {
        ":room": room,
        ":number": signed(number),
        ":at": date(entry.at),
        ":actor": &*entry.actor,
        ":authority": entry.authority.word(),
        ":action": &*entry.action,
        ":target": &*entry.target,
        ":seq": entry.seq.map(signed),
        ":until": entry.until.map(date),
        ":reason": &*entry.reason,
        ":details": &*entry.details,
        ":hash": digest,
    })?;
    Ok(Head { number, digest })
}

/// A page of a room's log, which outlives the room.
pub(super) fn page(
    connection: &Connection,
    room: &str,
    from: From,
    entries_max: usize,
) -> Result<RoomAnswer> {
    let head = head(connection, room)?;
    if head.number == 0 {
        return Ok(RoomAnswer::Missing);
    }
    let (sql, beyond) = match from {
        From::After(number) => (
            format!(
                "SELECT {COLUMNS} FROM moderation_log WHERE room = ?1 AND number > ?2 ORDER BY number LIMIT ?3"
            ),
            number,
        ),
        From::Before(number) => (
            format!(
                "SELECT {COLUMNS} FROM moderation_log WHERE room = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3"
            ),
            number,
        ),
    };
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![room, signed(beyond), limit(entries_max)], read)?;
    let mut entries = rows.collect::<Result<Vec<_>>>()?;
    entries.sort_unstable_by_key(|(head, _)| head.number);
    Ok(RoomAnswer::Log { entries, head })
}

/// Rooms whose log has grown beyond the entry with this serial number, and the last such number.
pub(super) fn grown_since(connection: &Connection, serial: i64) -> Result<(Vec<String>, i64)> {
    let sql = "SELECT room, max(serial) FROM moderation_log WHERE serial > ?1 GROUP BY room ORDER BY room";
    let mut statement = connection.prepare_cached(sql)?;
    let mut last = serial;
    let mut grown = Vec::new();
    let mut rows = statement.query([serial])?;
    while let Some(row) = rows.next()? {
        grown.push(row.get(0)?);
        last = last.max(row.get(1)?);
    }
    Ok((grown, last))
}

/// The serial number of the last entry of all.
pub(super) fn last(connection: &Connection) -> Result<i64> {
    let sql = "SELECT coalesce(max(serial), 0) FROM moderation_log";
    connection.query_row(sql, [], |row| row.get(0))
}

fn read_head(row: &Row<'_>) -> Result<Head> {
    Ok(Head {
        number: unsigned(row.get("number")?),
        digest: row.get("hash")?,
    })
}

pub(super) fn read(row: &Row<'_>) -> Result<(Head, Entry)> {
    let entry = Entry {
        at: wall(row.get("at")?),
        actor: text(row, "actor")?,
        authority: word(row, "authority", Authority::from_word)?,
        action: text(row, "action")?,
        target: text(row, "target")?,
        seq: row.get::<_, Option<i64>>("seq")?.map(unsigned),
        until: optional_date(row, "until")?,
        reason: text(row, "reason")?,
        details: text(row, "details")?,
    };
    Ok((read_head(row)?, entry))
}
