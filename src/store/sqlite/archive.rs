//! A store that is looked into, beside a running server or as a copy: checked, copied, written out. Changes nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags, Result, params};

use super::fault::fault;
use super::rows::{count, text, unsigned};
use super::{BUSY_TIME_MAX, messages, moderation_log, purges, rooms, schema};
use crate::fault::StoreFault;
use crate::rooms::audit::{Chain, Entry};
use crate::rooms::record::{Head, MessageRecord, RoomRecord};
use crate::store::{OpenError, directory};

/// Faults that SQLite is asked to list.
const FAULTS_LISTED_MAX: usize = 100;

/// The tables of a store, as they were in the moment of each call.
#[derive(Debug)]
pub struct Archive {
    connection: Connection,
    path: PathBuf,
}

/// One thing that a store holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exported {
    Room(RoomRecord),
    Message(Arc<str>, MessageRecord),
    Entry(Arc<str>, Head, Entry),
}

/// What [`Archive::check`] has found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    pub rooms: usize,
    pub messages: usize,
    /// Of all moderation logs.
    pub entries: usize,
    /// What is wrong, a sentence each.
    pub faults: Vec<String>,
}

/// Why something could not be looked into.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("{}: {fault}", .path.display())]
    Store { path: PathBuf, fault: StoreFault },
    #[error("{}: {source}", .path.display())]
    Copy { path: PathBuf, source: io::Error },
    /// Whoever takes what is written out does not.
    #[error("cannot write the result: {0}")]
    Output(io::Error),
}

/// What takes what is written out, one by one.
type Take<'a> = &'a mut dyn FnMut(Exported) -> io::Result<()>;

impl Archive {
    /// The store of a server, running or not.
    ///
    /// # Errors
    /// [`ArchiveError::Open`] says what to do.
    pub fn in_directory(directory: &Path) -> std::result::Result<Archive, ArchiveError> {
        Archive::open(&directory.join(directory::DATABASE))
    }

    /// A copy.
    ///
    /// # Errors
    /// [`ArchiveError::Open`] says what to do.
    pub fn open(path: &Path) -> std::result::Result<Archive, ArchiveError> {
        let path = path.to_owned();
        if directory::file_at(&path).is_none() {
            return Err(OpenError::Missing { path }.into());
        }
        let opened = connect(&path).map_err(|error| {
            let (path, fault) = (path.clone(), fault(&error));
            OpenError::Fault { path, fault }
        });
        let connection = opened?;
        let found = schema::found(&connection, &path)?;
        let known = schema::VERSION;
        if found < known {
            return Err(OpenError::Older { path, found, known }.into());
        }
        Ok(Archive { connection, path })
    }

    fn failed(&self, error: &rusqlite::Error) -> ArchiveError {
        ArchiveError::Store {
            path: self.path.clone(),
            fault: fault(error),
        }
    }

    /// Looks for damage in the file, for holes in the numbers of messages, and for entries of moderation logs that were changed.
    ///
    /// # Errors
    /// When it can not be looked at.
    pub fn check(&mut self) -> std::result::Result<Checked, ArchiveError> {
        let checked = read(&mut self.connection, |connection| {
            let mut checked = Checked {
                faults: damages(connection)?,
                ..Checked::default()
            };
            // A damaged file is not counted on.
            if checked.faults.is_empty() {
                checked.rooms = rooms::load(connection)?.len();
                checked.messages = number(connection, "SELECT count(*) FROM messages")?;
                checked.entries = number(connection, "SELECT count(*) FROM moderation_log")?;
                checked.faults.extend(holes(connection)?);
                checked.faults.extend(breaks(connection)?);
            }
            Ok(checked)
        });
        checked.map_err(|error| self.failed(&error))
    }

    /// Copies everything to a new file, as it is in this moment; a server may go on writing. The file appears when it is whole.
    ///
    /// # Errors
    /// When there is one already, or it can not be written.
    pub fn back_up(&self, to: &Path) -> std::result::Result<(), ArchiveError> {
        let failed = |source| ArchiveError::Copy {
            path: to.to_owned(),
            source,
        };
        if to.exists() {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        let mut draft = to.as_os_str().to_owned();
        draft.push(".part");
        let draft = PathBuf::from(draft);
        directory::new_private_file(&draft).map_err(failed)?;
        let copied = self
            .copy(&draft)
            .map_err(|error| ArchiveError::Store {
                path: draft.clone(),
                fault: fault(&error),
            })
            .and_then(|()| directory::make_last(&draft, to).map_err(failed));
        if copied.is_err() {
            // What is wrong was said; a draft that can not be removed is overwritten by nobody.
            let _ = fs::remove_file(&draft);
        }
        copied
    }

    /// In one step, so that a server that writes meanwhile does not make it begin again.
    fn copy(&self, to: &Path) -> Result<()> {
        let mut copy = Connection::open_with_flags(
            to,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        let backup = Backup::new(&self.connection, &mut copy)?;
        let step = backup.step(-1)?;
        drop(backup);
        if step != StepResult::Done {
            return Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
                None,
            ));
        }
        // A copy is one file, also while it is looked into.
        copy.pragma_update(None, "journal_mode", "delete")?;
        match damages(&copy)?.is_empty() {
            true => Ok(()),
            false => Err(rusqlite::Error::InvalidQuery),
        }
    }

    /// Gives every room, its messages and its log, one by one; of one room or of all, those that were deleted included as far as
    /// their log goes.
    ///
    /// # Errors
    /// When it can not be read, or not be taken.
    pub fn export(
        &mut self,
        room: Option<&str>,
        take: Take<'_>,
    ) -> std::result::Result<(), ArchiveError> {
        self.give(take, |connection, take| {
            for found in rooms::load(connection)? {
                if room.is_none_or(|room| *room == *found.id) {
                    let id = Arc::clone(&found.id);
                    take(Exported::Room(found));
                    give_messages(connection, &id, take)?;
                }
            }
            give_entries(connection, room, take)
        })
    }

    /// Gives the moderation logs alone.
    ///
    /// # Errors
    /// When they can not be read, or not be taken.
    pub fn export_logs(
        &mut self,
        room: Option<&str>,
        take: Take<'_>,
    ) -> std::result::Result<(), ArchiveError> {
        self.give(take, |connection, take| {
            give_entries(connection, room, take)
        })
    }

    /// Reads in one transaction, and stops taking at the first thing that is not taken.
    fn give(
        &mut self,
        take: Take<'_>,
        from: impl FnOnce(&Connection, &mut dyn FnMut(Exported) -> bool) -> Result<()>,
    ) -> std::result::Result<(), ArchiveError> {
        let mut refused = None;
        let given = read(&mut self.connection, |connection| {
            from(connection, &mut |exported| {
                if refused.is_none() {
                    refused = take(exported).err();
                }
                refused.is_none()
            })
        });
        match refused {
            Some(error) => Err(ArchiveError::Output(error)),
            None => given.map_err(|error| self.failed(&error)),
        }
    }
}

fn connect(path: &Path) -> Result<Connection> {
    // Not read only: a database in WAL mode whose server has ended badly could not be opened then.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIME_MAX)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn read<T>(connection: &mut Connection, from: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    from(&*connection.transaction()?)
}

fn number(connection: &Connection, sql: &str) -> Result<usize> {
    connection.query_row(sql, [], count)
}

/// What SQLite finds.
fn damages(connection: &Connection) -> Result<Vec<String>> {
    let mut statement =
        connection.prepare(&format!("PRAGMA integrity_check({FAULTS_LISTED_MAX})"))?;
    let found = statement.query_map([], |row| row.get(0))?;
    let mut found = found.collect::<Result<Vec<String>>>()?;
    found.retain(|line| line != "ok");
    Ok(found)
}

/// Rooms whose messages are not numbered one after the other, and messages of no room.
fn holes(connection: &Connection) -> Result<Vec<String>> {
    let sql = "SELECT coalesce(id, '') AS id, first_seq, min(seq) AS first, max(seq) AS last, count(*) AS count
        FROM messages LEFT JOIN rooms ON rooms.key = messages.room
        WHERE messages.room NOT IN (SELECT room FROM leftovers)
        GROUP BY messages.room
        HAVING rooms.id IS NULL OR count(*) <> max(seq) - min(seq) + 1 OR min(seq) <> first_seq";
    let mut statement = connection.prepare(sql)?;
    let faults = statement.query_map([], |row| {
        let [first, last] = [row.get("first")?, row.get("last")?].map(unsigned);
        let (id, found): (String, i64) = (text(row, "id")?, row.get("count")?);
        Ok(format!(
            "room {id:?}: {found} messages are there from {first} to {last}"
        ))
    })?;
    faults.collect()
}

/// The first entry of each moderation log that does not fit.
fn breaks(connection: &Connection) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    let mut chain: Option<(Arc<str>, Chain, bool)> = None;
    give_entries(connection, None, &mut |exported| {
        let Exported::Entry(room, head, entry) = exported else {
            return true;
        };
        let (_, followed, is_broken) = match &mut chain {
            Some(chain) if chain.0 == room => chain,
            chain => chain.insert((Arc::clone(&room), Chain::of(Arc::clone(&room)), false)),
        };
        if !*is_broken && let Err(found) = followed.follow(head, &entry) {
            faults.push(format!("moderation log of {room:?}: {found}"));
            *is_broken = true;
        }
        true
    })?;
    Ok(faults)
}

fn give_messages(
    connection: &Connection,
    id: &Arc<str>,
    take: &mut dyn FnMut(Exported) -> bool,
) -> Result<()> {
    let sql = "SELECT key FROM rooms WHERE id = ?1";
    let key: i64 = connection.query_row(sql, [&**id], |row| row.get(0))?;
    let purges = purges::of(connection, key)?;
    let mut statement =
        connection.prepare("SELECT * FROM messages WHERE room = ?1 ORDER BY seq")?;
    let mut rows = statement.query([key])?;
    while let Some(row) = rows.next()? {
        let mut message = messages::read(row)?;
        purges.iter().for_each(|purge| purge.mask(&mut message));
        if !take(Exported::Message(Arc::clone(id), message)) {
            break;
        }
    }
    Ok(())
}

fn give_entries(
    connection: &Connection,
    room: Option<&str>,
    take: &mut dyn FnMut(Exported) -> bool,
) -> Result<()> {
    let sql = "SELECT * FROM moderation_log WHERE ?1 IS NULL OR room = ?1 ORDER BY room, number";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(params![room])?;
    while let Some(row) = rows.next()? {
        let (head, entry) = moderation_log::read(row)?;
        if !take(Exported::Entry(
            text::<Box<str>>(row, "room")?.into(),
            head,
            entry,
        )) {
            break;
        }
    }
    Ok(())
}
