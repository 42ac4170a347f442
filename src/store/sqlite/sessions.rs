//! The table of sessions.

use rusqlite::{Connection, OptionalExtension, Result, Row, named_params, params};

use super::rows::{count, date, wall};
use crate::access::record::{Answer, NewSession, SessionsFull};
use crate::access::revocation::{Revocation, Subject};
use crate::access::session::{SessionDigest, SessionRecord};
use crate::time::Wall;

/// Sessions past their end that one insertion removes, so that no call pays for a crowd.
const FORGOTTEN_PER_CALL_MAX: i64 = 64;

const COLUMNS: &str = "digest, user, name, label, created, expires, last_used";

pub(super) fn find(
    connection: &Connection,
    digest: SessionDigest,
) -> Result<Option<SessionRecord>> {
    let sql = format!("SELECT {COLUMNS} FROM sessions WHERE digest = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_row([digest.0], read).optional()
}

/// Writes down when a session was used.
pub(super) fn touch(connection: &Connection, digest: SessionDigest, now: Wall) -> Result<()> {
    let sql = "UPDATE sessions SET last_used = ?2 WHERE digest = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    statement.execute(params![digest.0, date(now)]).map(drop)
}

pub(super) fn insert(connection: &Connection, session: Box<NewSession>) -> Result<Answer> {
    let record = &session.record;
    let now = date(record.created);
    let sql = "DELETE FROM sessions WHERE digest IN
        (SELECT digest FROM sessions WHERE expires <= ?1 ORDER BY expires LIMIT ?2)";
    let mut statement = connection.prepare_cached(sql)?;
    statement.execute([now, FORGOTTEN_PER_CALL_MAX])?;
    let sql = "SELECT count(*) FROM sessions WHERE expires > ?1";
    let all = connection.prepare_cached(sql)?.query_row([now], count)?;
    if all >= session.sessions_max {
        return Ok(Answer::Full(SessionsFull::All(session.sessions_max)));
    }
    let sql = "SELECT count(*) FROM sessions WHERE user = ?1 AND expires > ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let own = statement.query_row(params![&*record.user, now], count)?;
    if own >= session.sessions_per_user_max {
        return Ok(Answer::Full(SessionsFull::User(
            session.sessions_per_user_max,
        )));
    }
    let sql = "INSERT INTO sessions (digest, id, user, name, label, created, expires, last_used)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    connection.prepare_cached(sql)?.execute(params![
        record.digest.0,
        record.digest.id().to_string(),
        &*record.user,
        &*record.name,
        &*record.label,
        now,
        date(record.expires),
        record.last_used.map(date),
    ])?;
    Ok(Answer::Inserted(session))
}

pub(super) fn list(
    connection: &Connection,
    user: Option<&str>,
    listed_max: usize,
    now: Wall,
) -> Result<Answer> {
    let meant = "expires > :now AND (:user IS NULL OR user = :user)";
    let sql = format!("SELECT count(*) FROM sessions WHERE {meant}");
    let now = date(now);
    let mut statement = connection.prepare_cached(&sql)?;
    let total = statement.query_row(named_params! {":now": now, ":user": user}, count)?;
    let sql = format!(
        "SELECT {COLUMNS} FROM sessions WHERE {meant} ORDER BY created DESC, digest LIMIT :max"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let max = i64::try_from(listed_max).unwrap_or(i64::MAX);
    let meant = named_params! {":now": now, ":user": user, ":max": max};
    let sessions = statement.query_map(meant, read)?.collect::<Result<_>>()?;
    Ok(Answer::Listed { sessions, total })
}

/// Forgets the sessions that are taken back; gives how many.
pub(super) fn forget(connection: &Connection, revocation: &Revocation) -> Result<usize> {
    match &revocation.subject {
        Subject::User(user) => {
            let sql = "DELETE FROM sessions WHERE user = ?1 AND created <= ?2";
            let mut statement = connection.prepare_cached(sql)?;
            statement.execute(params![&**user, date(revocation.at)])
        }
        Subject::Session(id) => {
            let mut statement = connection.prepare_cached("DELETE FROM sessions WHERE id = ?1")?;
            statement.execute([id.to_string()])
        }
        Subject::Token(_) => Ok(0),
    }
}

fn read(row: &Row<'_>) -> Result<SessionRecord> {
    let text = |column: usize| row.get::<_, String>(column).map(Into::into);
    Ok(SessionRecord {
        digest: SessionDigest(row.get(0)?),
        user: text(1)?,
        name: text(2)?,
        label: text(3)?,
        created: wall(row.get(4)?),
        expires: wall(row.get(5)?),
        last_used: row.get::<_, Option<i64>>(6)?.map(wall),
    })
}
