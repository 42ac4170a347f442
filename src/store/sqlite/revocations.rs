//! The table of revocations.

use rusqlite::{Connection, Error, OptionalExtension, Result, Row, params};

use super::rows::{count, date, wall};
use super::sessions;
use crate::access::record::{Answer, NewRevocation};
use crate::access::revocation::{Revocation, Subject};

/// Revocations past their time that one call removes.
const FORGOTTEN_PER_CALL_MAX: i64 = 64;

pub(super) fn insert(connection: &Connection, new: NewRevocation) -> Result<Answer> {
    let NewRevocation {
        mut revocation,
        revocations_max,
    } = new;
    forget(connection, &revocation)?;
    let (kind, subject) = revocation.subject.words();
    let sql =
        "SELECT serial, kind, subject, at, until FROM revocations WHERE kind = ?1 AND subject = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let known = statement.query_row([kind, &subject], read).optional()?;
    match known {
        Some((_, known)) => {
            revocation.at = revocation.at.max(known.at);
            revocation.until = revocation.until.max(known.until);
        }
        None => {
            let mut statement = connection.prepare_cached("SELECT count(*) FROM revocations")?;
            let all = statement.query_row([], count)?;
            if all >= revocations_max {
                return Ok(Answer::RevocationsFull(revocations_max));
            }
        }
    }
    // A changed one gets a new serial number, so that other processes take it for new.
    let sql =
        "INSERT OR REPLACE INTO revocations (kind, subject, at, until) VALUES (?1, ?2, ?3, ?4)";
    let mut statement = connection.prepare_cached(sql)?;
    statement.execute(params![
        kind,
        subject,
        date(revocation.at),
        date(revocation.until)
    ])?;
    let sessions = sessions::forget(connection, &revocation)?;
    Ok(Answer::Revoked {
        revocation,
        sessions,
    })
}

/// Those with a serial number above `serial`, and the last of these numbers.
pub(super) fn after(connection: &Connection, serial: i64) -> Result<(Vec<Revocation>, i64)> {
    let sql = "SELECT serial, kind, subject, at, until FROM revocations WHERE serial > ?1 ORDER BY serial";
    let mut statement = connection.prepare_cached(sql)?;
    let mut last = serial;
    let mut revocations = Vec::new();
    for row in statement.query_map([serial], read)? {
        let (serial, revocation) = row?;
        last = serial;
        revocations.push(revocation);
    }
    Ok((revocations, last))
}

fn forget(connection: &Connection, now: &Revocation) -> Result<()> {
    let sql = "DELETE FROM revocations WHERE serial IN
        (SELECT serial FROM revocations WHERE until <= ?1 ORDER BY until LIMIT ?2)";
    let mut statement = connection.prepare_cached(sql)?;
    statement
        .execute([date(now.at), FORGOTTEN_PER_CALL_MAX])
        .map(drop)
}

fn read(row: &Row<'_>) -> Result<(i64, Revocation)> {
    let (kind, subject): (String, String) = (row.get(1)?, row.get(2)?);
    let subject = Subject::from_words(&kind, &subject).ok_or(Error::InvalidQuery)?;
    let revocation = Revocation {
        subject,
        at: wall(row.get(3)?),
        until: wall(row.get(4)?),
    };
    Ok((row.get(0)?, revocation))
}
