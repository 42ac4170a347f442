//! The tables, and the way to them from every version there ever was.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::super::OpenError;
use super::fault::fault;
use super::{purges, revocations};
use crate::fault::StoreFault;

/// "WRDM": says that a database is one of ours.
pub(super) const APPLICATION_ID: i64 = 0x5752_444D;

/// One step per version; a step that was released is never changed. Dates are milliseconds since 1970.
const MIGRATIONS: [&str; 3] = [SESSIONS, ROOMS, PURGES];

pub(super) const SESSIONS: &str = "
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
";

/// A room's `key` is never given twice, so that what is left of a deleted room is nobody's. `leftovers` names those whose
/// messages are still being removed. The moderation log knows rooms by their `id`: it goes on when a room is made again.
///
/// Messages stand in their own key's order: a page of them is read in half the time that it takes beside row numbers.
///
/// Whoever looks into a copy finds the views easier to read than the tables.
pub(super) const ROOMS: &str = "
    CREATE TABLE rooms (
        key INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        join_rule TEXT NOT NULL,
        name TEXT NOT NULL,
        topic TEXT NOT NULL,
        is_durable INTEGER NOT NULL CHECK (is_durable IN (0, 1)),
        is_locked INTEGER NOT NULL CHECK (is_locked IN (0, 1)),
        is_archived INTEGER NOT NULL CHECK (is_archived IN (0, 1)),
        raid_until INTEGER,
        slow_mode_ms INTEGER NOT NULL,
        cooldown_ms INTEGER NOT NULL,
        message_characters_max INTEGER NOT NULL,
        members_max INTEGER NOT NULL,
        retention_messages INTEGER NOT NULL,
        retention_ms INTEGER NOT NULL,
        messages_per_minute INTEGER NOT NULL,
        messages_per_minute_per_member INTEGER NOT NULL,
        bytes_per_second INTEGER NOT NULL,
        joins_per_minute INTEGER NOT NULL,
        created_by TEXT NOT NULL,
        created INTEGER NOT NULL,
        first_seq INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE standings (
        room INTEGER NOT NULL,
        user TEXT NOT NULL,
        affiliation TEXT NOT NULL,
        is_invited INTEGER NOT NULL CHECK (is_invited IN (0, 1)),
        knocked INTEGER,
        read INTEGER NOT NULL,
        banned_by TEXT,
        ban_authority TEXT,
        ban_until INTEGER,
        ban_reason TEXT,
        muted_by TEXT,
        mute_authority TEXT,
        mute_until INTEGER,
        mute_reason TEXT,
        PRIMARY KEY (room, user)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE messages (
        room INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        sender TEXT NOT NULL,
        name TEXT NOT NULL,
        text TEXT NOT NULL,
        at INTEGER NOT NULL,
        edited INTEGER,
        deleted INTEGER,
        PRIMARY KEY (room, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE message_keys (
        serial INTEGER NOT NULL PRIMARY KEY,
        room INTEGER NOT NULL,
        sender TEXT NOT NULL,
        key TEXT NOT NULL,
        seq INTEGER NOT NULL,
        at INTEGER NOT NULL,
        UNIQUE (room, sender, key)
    ) STRICT;
    CREATE TABLE leftovers (
        room INTEGER NOT NULL PRIMARY KEY
    ) STRICT;
    CREATE TABLE moderation_log (
        serial INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        room TEXT NOT NULL,
        number INTEGER NOT NULL,
        at INTEGER NOT NULL,
        actor TEXT NOT NULL,
        authority TEXT NOT NULL,
        action TEXT NOT NULL,
        target TEXT NOT NULL,
        seq INTEGER,
        until INTEGER,
        reason TEXT NOT NULL,
        details TEXT NOT NULL,
        hash BLOB NOT NULL CHECK (length(hash) = 32),
        UNIQUE (room, number)
    ) STRICT;
    CREATE TRIGGER moderation_log_is_not_changed BEFORE UPDATE ON moderation_log
        BEGIN SELECT RAISE(ABORT, 'the moderation log is only added to'); END;
    CREATE TRIGGER moderation_log_is_not_deleted BEFORE DELETE ON moderation_log
        BEGIN SELECT RAISE(ABORT, 'the moderation log is only added to'); END;
    CREATE TRIGGER moderation_log_has_no_hole BEFORE INSERT ON moderation_log
        WHEN NEW.number <> 1 + coalesce((SELECT max(number) FROM moderation_log WHERE room = NEW.room), 0)
        BEGIN SELECT RAISE(ABORT, 'entries are numbered 1, 2, 3 and so on'); END;
    CREATE VIEW said AS
        SELECT rooms.id AS room, seq, datetime(at / 1000, 'unixepoch') AS said, sender, messages.name, text,
            datetime(edited / 1000, 'unixepoch') AS edited, datetime(deleted / 1000, 'unixepoch') AS deleted
        FROM messages JOIN rooms ON rooms.key = messages.room;
    CREATE VIEW people AS
        SELECT rooms.id AS room, user, affiliation, is_invited, datetime(knocked / 1000, 'unixepoch') AS knocked, read,
            banned_by, datetime(ban_until / 1000, 'unixepoch') AS ban_until, ban_reason,
            muted_by, datetime(mute_until / 1000, 'unixepoch') AS mute_until, mute_reason
        FROM standings JOIN rooms ON rooms.key = standings.room;
    CREATE VIEW moderated AS
        SELECT room, number, datetime(at / 1000, 'unixepoch') AS done, actor, authority, action, target, seq,
            datetime(until / 1000, 'unixepoch') AS until, reason, details, lower(hex(hash)) AS hash
        FROM moderation_log;
";

/// What is left of deleting all that somebody said in a room: their messages up to `up_to` count as deleted; those from `below` on are.
const PURGES: &str = "
    CREATE TABLE purges (
        serial INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        room INTEGER NOT NULL,
        user TEXT NOT NULL,
        up_to INTEGER NOT NULL,
        below INTEGER NOT NULL,
        at INTEGER NOT NULL,
        UNIQUE (room, user)
    ) STRICT;
";

/// The version that this program reads and writes.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// Brings the database to [`VERSION`].
///
/// # Errors
/// [`OpenError`]; nothing is changed then.
pub(super) fn bring_up(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let found = found(connection, path)?;
    if found < VERSION {
        migrate(connection).map_err(|error| OpenError::Fault {
            path: path.to_owned(),
            fault: fault(&error),
        })?;
    }
    Ok(())
}

/// The version of the database, which this program knows; 0 when it is empty.
///
/// # Errors
/// [`OpenError`] when it is nobody's, another's, or from the future.
pub(super) fn found(connection: &Connection, path: &Path) -> Result<i64, OpenError> {
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
    Ok(found)
}

/// All steps or none, and none in a store from which the server could not start afterwards; another process that was quicker has done some.
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
    // What a start reads: a store that is damaged there stays as it is, and the version before can still open it.
    revocations::after(&transaction, 0)?;
    purges::last(&transaction)?;
    transaction.commit()
}

fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}
