//! The table of standings: how people stand to rooms.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Result, Row, named_params, params};

use super::rows::{date, optional_date, signed, text, unsigned, word};
use crate::protocol::vocabulary::Affiliation;
use crate::rooms::standing::{Authority, Sanction, Standing};
use crate::time::Wall;

const COLUMNS: &str = "room, user, affiliation, is_invited, knocked, read, banned_by, ban_authority, ban_until, ban_reason,
    muted_by, mute_authority, mute_until, mute_reason";

/// Those whose standing says something.
pub(super) type People = Vec<(Arc<str>, Standing)>;

/// Keeps how these people stand to a room; a standing that says nothing at `now` is forgotten.
pub(super) fn keep(
    connection: &Connection,
    room: i64,
    standings: &[(Arc<str>, Standing)],
    now: Wall,
) -> Result<()> {
    for (user, standing) in standings {
        let standing = &standing.read_at_least(read_by(connection, room, user)?);
        if standing.is_blank(now) {
            let sql = "DELETE FROM standings WHERE room = ?1 AND user = ?2";
            connection
                .prepare_cached(sql)?
                .execute(params![room, &**user])?;
        } else {
            insert(connection, room, user, standing)?;
        }
    }
    Ok(())
}

fn read_by(connection: &Connection, room: i64, user: &str) -> Result<u64> {
    let sql = "SELECT read FROM standings WHERE room = ?1 AND user = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let known = statement.query_row(params![room, user], |row| row.get(0));
    Ok(known.optional()?.map_or(0, unsigned))
}

fn insert(connection: &Connection, room: i64, user: &str, standing: &Standing) -> Result<()> {
    let sql = format!(
        "INSERT OR REPLACE INTO standings ({COLUMNS})
        VALUES (:room, :user, :affiliation, :is_invited, :knocked, :read, :banned_by, :ban_authority, :ban_until, :ban_reason,
            :muted_by, :mute_authority, :mute_until, :mute_reason)"
    );
    let (ban, mute) = (standing.ban.as_ref(), standing.mute.as_ref());
    let by = |sanction: &Sanction| Arc::clone(&sanction.by);
    let authority = |sanction: &Sanction| sanction.authority.word();
    let until = |sanction: &Sanction| sanction.until.map(date);
    connection.prepare_cached(&sql)?.execute(named_params! {
        ":room": room,
        ":user": user,
        ":affiliation": standing.held.word(),
        ":is_invited": standing.is_invited,
        ":knocked": standing.knocked.map(date),
        ":read": signed(standing.read),
        ":banned_by": ban.map(by),
        ":ban_authority": ban.map(authority),
        ":ban_until": ban.and_then(until),
        ":ban_reason": ban.map(|ban| &*ban.reason),
        ":muted_by": mute.map(by),
        ":mute_authority": mute.map(authority),
        ":mute_until": mute.and_then(until),
        ":mute_reason": mute.map(|mute| &*mute.reason),
    })?;
    Ok(())
}

/// Notes how far somebody has read; never less far than before.
pub(super) fn read_so_far(connection: &Connection, room: i64, user: &str, seq: u64) -> Result<()> {
    let sql = "INSERT INTO standings (room, user, affiliation, is_invited, read) VALUES (?1, ?2, ?3, 0, ?4)
        ON CONFLICT (room, user) DO UPDATE SET read = max(read, excluded.read)";
    let none = Affiliation::None.word();
    connection
        .prepare_cached(sql)?
        .execute(params![room, user, none, signed(seq)])
        .map(drop)
}

/// Everybody's, by room.
pub(super) fn of_all(connection: &Connection) -> Result<BTreeMap<i64, People>> {
    let mut all: BTreeMap<i64, People> = BTreeMap::new();
    let sql = format!("SELECT {COLUMNS} FROM standings ORDER BY room, user");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        all.entry(row.get("room")?).or_default().push(read(row)?);
    }
    Ok(all)
}

/// Those of one room.
pub(super) fn of(connection: &Connection, room: i64) -> Result<People> {
    let sql = format!("SELECT {COLUMNS} FROM standings WHERE room = ?1 ORDER BY user");
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_map([room], read)?.collect()
}

fn read(row: &Row<'_>) -> Result<(Arc<str>, Standing)> {
    let standing = Standing {
        held: word(row, "affiliation", Affiliation::from_word)?,
        ban: sanction(
            row,
            ["banned_by", "ban_authority", "ban_until", "ban_reason"],
        )?,
        mute: sanction(
            row,
            ["muted_by", "mute_authority", "mute_until", "mute_reason"],
        )?,
        is_invited: row.get("is_invited")?,
        knocked: optional_date(row, "knocked")?,
        read: unsigned(row.get("read")?),
    };
    Ok((text(row, "user")?, standing))
}

/// Whoever decided it is there exactly when there is one.
fn sanction(row: &Row<'_>, columns: [&str; 4]) -> Result<Option<Sanction>> {
    let [by, authority, until, reason] = columns;
    let Some(by) = row.get::<_, Option<String>>(by)? else {
        return Ok(None);
    };
    Ok(Some(Sanction {
        until: optional_date(row, until)?,
        reason: text(row, reason)?,
        by: by.into(),
        authority: word(row, authority, Authority::from_word)?,
    }))
}
