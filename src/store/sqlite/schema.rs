//! The tables, and the way to them from every version there ever was.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::super::OpenError;
use super::fault::fault;
use crate::fault::StoreFault;

/// "WRDM": says that a database is one of ours.
const APPLICATION_ID: i64 = 0x5752_444D;

/// One step per version; a step that was released is never changed. Dates are milliseconds since 1970.
const MIGRATIONS: [&str; 1] = ["
    CREATE TABLE sessions (
        digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
        id TEXT NOT NULL UNIQUE,
        user TEXT NOT NULL,
        name TEXT NOT NULL,
        label TEXT NOT NULL,
        created INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        last_used INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX sessions_of_user ON sessions (user, expires);
    CREATE INDEX sessions_by_end ON sessions (expires);
    CREATE TABLE revocations (
        serial INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL CHECK (kind IN ('user', 'token', 'session')),
        subject TEXT NOT NULL,
        at INTEGER NOT NULL,
        until INTEGER NOT NULL,
        UNIQUE (kind, subject)
    ) STRICT;
    CREATE INDEX revocations_by_end ON revocations (until);
"];

/// The version that this program reads and writes.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// Brings the database to [`VERSION`].
///
/// # Errors
/// [`OpenError`]; nothing is changed then.
pub(super) fn bring_up(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| OpenError::Fault {
        path: path.to_owned(),
        fault: fault(&error),
    };
    let found = number(connection, "user_version").map_err(failed)?;
    let owner = number(connection, "application_id").map_err(failed)?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(failed)?;
    let is_empty = tables == 0 && found == 0 && owner == 0;
    if !is_empty && owner != APPLICATION_ID {
        let path = path.to_owned();
        return Err(OpenError::Foreign { path });
    }
    if found > VERSION {
        return Err(OpenError::Newer {
            path: path.to_owned(),
            found,
            known: VERSION,
        });
    }
    if found < 0 || (!is_empty && found == 0) {
        return Err(OpenError::Fault {
            path: path.to_owned(),
            fault: StoreFault::Corrupt,
        });
    }
    if found < VERSION {
        migrate(connection).map_err(failed)?;
    }
    Ok(())
}

/// All steps or none; another process that was quicker has done some.
fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = number(&transaction, "user_version")?;
    for step in MIGRATIONS
        .iter()
        .skip(usize::try_from(found).unwrap_or_default())
    {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}
