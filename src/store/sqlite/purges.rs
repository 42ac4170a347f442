//! What is left of deleting all that somebody said: a row for each, so that neither the end of the process nor an ailing disk leaves it half
//! done. **What a row covers reads as deleted**; its messages are looked for from the latest on, some at a time.

use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::messages::{self, Touched};
use super::rooms::KnownRoom;
use super::rows::{date, limit, signed, text, unsigned, wall};
use crate::rooms::record::MessageRecord;
use crate::store::PURGE_LOOKS_AT_MAX;
use crate::time::Wall;

/// Messages that one step deletes when nobody waits for it.
const PURGED_PER_STEP_MAX: usize = 256;

/// How far one has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rest {
    /// What was said later stays.
    up_to: u64,
    /// From here on it is done.
    below: u64,
}

/// One that is not done.
#[derive(Debug)]
pub(super) struct Purge {
    room: i64,
    user: Box<str>,
    rest: Rest,
    at: Wall,
}

const COLUMNS: &str = "room, user, up_to, below, at";

fn read(row: &Row<'_>) -> Result<Purge> {
    Ok(Purge {
        room: row.get("room")?,
        user: text(row, "user")?,
        rest: Rest {
            up_to: unsigned(row.get("up_to")?),
            below: unsigned(row.get("below")?),
        },
        at: wall(row.get("at")?),
    })
}

impl Purge {
    /// Lets a message that it covers read as it will.
    pub(super) fn mask(&self, message: &mut MessageRecord) {
        let is_covered = message.seq <= self.rest.up_to && *message.sender == *self.user;
        if is_covered && message.deleted.is_none() {
            message.text = "".into();
            message.deleted = Some(self.at);
        }
    }
}

/// Those of a room.
pub(super) fn of(connection: &Connection, room: i64) -> Result<Vec<Purge>> {
    let sql = format!("SELECT {COLUMNS} FROM purges WHERE room = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_map([room], read)?.collect()
}

fn of_user(connection: &Connection, room: i64, user: &str) -> Result<Option<Purge>> {
    let sql = format!("SELECT {COLUMNS} FROM purges WHERE room = ?1 AND user = ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_row(params![room, user], read).optional()
}

/// Whether this message of this user is as good as deleted.
pub(super) fn covers(connection: &Connection, room: i64, user: &str, seq: u64) -> Result<bool> {
    let purge = of_user(connection, room, user)?;
    Ok(purge.is_some_and(|purge| seq <= purge.rest.up_to))
}

/// Looks for messages of this user: for all of them, or for what is left of one that has begun. Another may have finished that one meanwhile: what was
/// said since is not meant.
pub(super) fn find(
    connection: &Connection,
    room: &KnownRoom,
    (user, is_rest): (&str, bool),
    messages_max: usize,
) -> Result<Touched> {
    let all = Rest {
        up_to: room.last_seq,
        below: room.last_seq + 1,
    };
    let rest = if is_rest {
        of_user(connection, room.key, user)?.map(|purge| purge.rest)
    } else {
        Some(all)
    };
    match rest {
        Some(rest) => look(connection, room.key, (user, rest), messages_max),
        None => Ok(Touched::Messages(Vec::new(), None)),
    }
}

fn look(
    connection: &Connection,
    room: i64,
    (user, rest): (&str, Rest),
    messages_max: usize,
) -> Result<Touched> {
    let sql =
        "SELECT seq, sender = ?3 AND deleted IS NULL FROM messages WHERE room = ?1 AND seq < ?2
        ORDER BY seq DESC LIMIT ?4";
    let mut statement = connection.prepare_cached(sql)?;
    let looks_at = limit(PURGE_LOOKS_AT_MAX);
    let mut rows = statement.query(params![room, signed(rest.below), user, looks_at])?;
    let (mut found, mut looked_at, mut below) = (Vec::new(), 0, rest.below);
    let mut is_more = false;
    while let Some(row) = rows.next()? {
        if row.get(1)? {
            is_more = found.len() == messages_max;
            if is_more {
                break;
            }
            found.push(unsigned(row.get(0)?));
        }
        below = unsigned(row.get(0)?);
        looked_at += 1;
    }
    found.reverse();
    let is_more = is_more || looked_at == PURGE_LOOKS_AT_MAX;
    Ok(Touched::Messages(
        found,
        is_more.then_some(Rest { below, ..rest }),
    ))
}

/// Keeps how far it has come; `None`: it is done.
pub(super) fn note(
    connection: &Connection,
    room: i64,
    user: &str,
    rest: Option<Rest>,
    at: Wall,
) -> Result<()> {
    let Some(rest) = rest else {
        let sql = "DELETE FROM purges WHERE room = ?1 AND user = ?2";
        let mut statement = connection.prepare_cached(sql)?;
        return statement.execute(params![room, user]).map(drop);
    };
    let sql = format!(
        "INSERT INTO purges ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (room, user) DO UPDATE SET up_to = ?3, below = ?4, at = ?5"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let (up_to, below) = (signed(rest.up_to), signed(rest.below));
    let values = params![room, user, up_to, below, date(at)];
    statement.execute(values).map(drop)
}

/// The number of the one that was begun last.
pub(super) fn last(connection: &Connection) -> Result<i64> {
    let sql = "SELECT coalesce(max(serial), 0) FROM purges";
    connection.query_row(sql, [], |row| row.get(0))
}

/// One of those with numbers up to this one.
pub(super) fn left(connection: &Connection, serial: i64) -> Result<Option<Purge>> {
    let sql = format!("SELECT {COLUMNS} FROM purges WHERE serial <= ?1 LIMIT 1");
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_row([serial], read).optional()
}

/// Goes on with one for which nobody waits.
pub(super) fn go_on(connection: &Connection, purge: &Purge) -> Result<()> {
    let about = (&*purge.user, purge.rest);
    let found = look(connection, purge.room, about, PURGED_PER_STEP_MAX)?;
    if let Touched::Messages(found, rest) = found {
        messages::delete(connection, purge.room, &found, purge.at)?;
        note(connection, purge.room, &purge.user, rest, purge.at)?;
    }
    Ok(())
}
