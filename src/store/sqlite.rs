//! The store in one SQLite file: WAL, every commit on the disk before it is spoken of.

mod answer;
mod archive;
mod fault;
mod messages;
mod moderation_log;
#[cfg(any(test, feature = "simulation"))]
pub mod older;
mod purges;
mod revocations;
mod rooms;
mod rows;
mod schema;
mod sessions;
mod standings;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, MAIN_DB, OpenFlags, Result, Transaction, TransactionBehavior};

use super::directory::{self, Lock};
use super::{Answer, Company, News, OpenError, Question, Store};
use crate::access::record;
use crate::access::revocation::Revocation;
use crate::access::session::{LAST_USED_STEP_MS, SessionDigest, SessionRecord};
use crate::fault::StoreFault;
use crate::rooms::record::{RoomQuestion, RoomRecord};
use crate::time::Wall;
pub use archive::{Archive, ArchiveError, Checked, Exported};
use fault::{fault, is_of_one_question};
use rooms::Known;

/// How long the file is opened, or looked into, while another process writes.
const BUSY_TIME_MAX: Duration = Duration::from_secs(5);
/// How long an answer waits for another process that writes: longer than a commit takes. Then it is told that the file is locked, and whoever asked may ask
/// again.
const LOCKED_TIME_MAX: Duration = Duration::from_millis(250);
/// Statements kept prepared: all there are.
const STATEMENTS_MAX: usize = 64;
/// The write-ahead log is cut back to this many bytes once it was copied into the database.
const LOG_BYTES_MAX: i64 = 4 * 1024 * 1024;

/// No URI file names, and no second thread in it.
const FLAGS: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// Sessions, revocations and rooms in `wardroom.sqlite`.
///
/// **What was answered survives the end of the process and of the machine's power**: the write-ahead log is synced at every commit.
#[derive(Debug)]
pub struct Sqlite {
    connection: Connection,
    path: PathBuf,
    /// Which file that was when it was opened.
    file: Option<(u64, u64)>,
    lock: Lock,
    known: Known,
    told: Told,
    /// The fault that was written into the log, until something goes well.
    logged: Option<StoreFault>,
    /// What was read when it was opened.
    untold: Vec<Revocation>,
    /// Of the last purge that whoever began it does not go on with.
    abandoned: i64,
}

/// What others have written and was told of.
#[derive(Debug, Default)]
struct Told {
    /// Of the revocation that was told of last.
    revocation: i64,
    /// Of the entry of a moderation log that was told of last.
    entry: i64,
    /// The latest message of each room.
    messages: BTreeMap<Arc<str>, u64>,
    /// Whether anybody here knows rooms.
    knows_rooms: bool,
    /// What SQLite called the state of the file then; another process's commit changes it.
    data_version: Option<i64>,
}

impl Sqlite {
    /// Opens the store in this directory, and makes what is missing.
    ///
    /// # Errors
    /// [`OpenError`] says what to do.
    pub fn open(directory: &Path, company: Company) -> std::result::Result<Sqlite, OpenError> {
        Self::open_on(directory, company, connect)
    }

    /// The same over a disk that SQLite knows by this name, with a log that is copied into the database once it has so many pages.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong.
    #[cfg(any(test, feature = "simulation"))]
    pub fn open_over(
        directory: &Path,
        company: Company,
        (disk, log_pages): (&str, u32),
    ) -> std::result::Result<Sqlite, OpenError> {
        Self::open_on(directory, company, |path| {
            let connection = Connection::open_with_flags_and_vfs(path, FLAGS, disk)?;
            connection.pragma_update(None, "wal_autocheckpoint", log_pages)?;
            set_up(&connection)?;
            Ok(connection)
        })
    }

    fn open_on(
        directory: &Path,
        company: Company,
        connect: impl FnOnce(&Path) -> Result<Connection>,
    ) -> std::result::Result<Sqlite, OpenError> {
        let path = directory::prepare(directory)?;
        let lock = Lock::take(directory, company)?;
        let failed = |fault| OpenError::Fault {
            path: path.clone(),
            fault,
        };
        if let Some(path) = directory::left_behind(&path) {
            let fault = StoreFault::Corrupt;
            return Err(OpenError::Fault { path, fault });
        }
        let file = directory::file_at(&path);
        let mut connection = connect(&path).map_err(|error| failed(fault(&error)))?;
        if connection.is_readonly(MAIN_DB).unwrap_or(true) {
            return Err(failed(StoreFault::ReadOnly));
        }
        // Nothing is written to what is not ours.
        schema::found(&connection, &path)?;
        log_ahead(&connection).map_err(|error| failed(fault(&error)))?;
        schema::bring_up(&mut connection, &path)?;
        settle(&connection).map_err(failed)?;
        let mut store = Sqlite {
            connection,
            path: path.clone(),
            file,
            lock,
            known: Known::default(),
            told: Told::default(),
            logged: None,
            untold: Vec::new(),
            abandoned: 0,
        };
        // Without what was taken back nobody can be let in.
        store.untold = store
            .read_revocations()
            .map_err(|error| failed(fault(&error)))?;
        let is_set = store.connection.busy_timeout(LOCKED_TIME_MAX);
        is_set.map_err(|error| failed(fault(&error)))?;
        store.abandoned = purges::last(&store.connection).map_err(|error| failed(fault(&error)))?;
        Ok(store)
    }

    /// **What is written to a file that nobody will open again is not durable**, and what others write to the one in its
    /// place is not read: SQLite itself goes on with the file that it opened, whatever became of its name.
    fn be_the_same_file(&self) -> std::result::Result<(), StoreFault> {
        if self.file.is_none() || directory::file_at(&self.path) != self.file {
            return Err(StoreFault::Replaced);
        }
        Ok(())
    }

    /// What an error means. In the log stands what SQLite says, once for every fault in a row.
    fn failed(&mut self, error: &rusqlite::Error) -> StoreFault {
        let fault = match fault(error) {
            StoreFault::Io if directory::is_read_only(&self.path) => StoreFault::ReadOnly,
            fault => fault,
        };
        if self.logged.replace(fault) != Some(fault) {
            log::error!("store: {}: {error}", self.path.display());
        }
        fault
    }

    /// Answers everything in one transaction: all of it is done, or nothing.
    fn answer_together(&mut self, questions: &[Question]) -> Result<Vec<Answer>> {
        let answers = self.try_together(questions);
        if answers.is_err() {
            self.known.forget();
        }
        answers
    }

    /// Answers each in a transaction of its own: one of them is to blame for what went wrong, and the others need not suffer. What
    /// concerns all, such as a disk that is full by now, is not tried again and again.
    fn answer_each(&mut self, questions: &[Question]) -> Vec<Answer> {
        let mut general = None;
        let mut answers = Vec::with_capacity(questions.len());
        for question in questions {
            let alone = match general {
                Some(fault) => Err(fault),
                None => self
                    .answer_together(std::slice::from_ref(question))
                    .map_err(|error| {
                        let fault = self.failed(&error);
                        general = (!is_of_one_question(&error)).then_some(fault);
                        fault
                    }),
            };
            match alone {
                Ok(answer) => answers.extend(answer),
                Err(fault) => answers.push(Answer::Failed(fault)),
            }
        }
        answers
    }

    fn try_together(&mut self, questions: &[Question]) -> Result<Vec<Answer>> {
        let is_writing = questions.iter().any(writes);
        let behavior = if is_writing {
            TransactionBehavior::Immediate
        } else {
            TransactionBehavior::Deferred
        };
        let transaction = self.connection.transaction_with_behavior(behavior)?;
        self.known.be_current(&transaction)?;
        let mut used = Vec::new();
        let answers = questions
            .iter()
            .map(|question| answer_one(&transaction, &mut self.known, question, &mut used))
            .collect::<Result<Vec<_>>>()?;
        if is_writing {
            note_uses(&transaction, &used)?;
            forget_keys(&transaction, questions)?;
            used.clear();
        }
        transaction.commit()?;
        // That this fails keeps nobody out.
        if !used.is_empty()
            && let Err(error) = self.write(|transaction| note_uses(transaction, &used))
        {
            log::warn!("store: the use of a session is not noted: {error}");
        }
        Ok(answers)
    }

    /// Goes on with what nobody waits for; whether there was anything.
    fn sweep(&mut self) -> Result<bool> {
        if let Some(purge) = purges::left(&self.connection, self.abandoned)? {
            self.write(|transaction| purges::go_on(transaction, &purge))?;
        } else if let Some(room) = messages::left_over(&self.connection)? {
            self.write(|transaction| messages::sweep(transaction, room))?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn write<T>(&mut self, change: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let changed = change(&transaction)?;
        transaction.commit()?;
        Ok(changed)
    }

    fn read_revocations(&mut self) -> Result<Vec<Revocation>> {
        let (revocations, last) = revocations::after(&self.connection, self.told.revocation)?;
        self.told.revocation = last;
        Ok(revocations)
    }

    fn read_news(&mut self) -> Result<Vec<News>> {
        let version = rooms::data_version(&self.connection)?;
        if self.told.data_version == Some(version) {
            return Ok(Vec::new());
        }
        let revocations = self.read_revocations()?;
        let mut news: Vec<News> = revocations.into_iter().map(News::Revoked).collect();
        if self.told.knows_rooms {
            self.read_news_of_rooms(&mut news)?;
        }
        self.told.data_version = Some(version);
        Ok(news)
    }

    /// Rooms whose log has grown, and those in which something was said that was not said here.
    fn read_news_of_rooms(&mut self, news: &mut Vec<News>) -> Result<()> {
        let (grown, last) = moderation_log::grown_since(&self.connection, self.told.entry)?;
        let mut moved: Vec<Arc<str>> = grown.into_iter().map(Arc::from).collect();
        let said = rooms::last_messages(&self.connection)?;
        for (room, last_seq) in &said {
            let is_told = self.told.messages.get(room) == Some(last_seq);
            let is_own = self.known.last_seq(room) == Some(*last_seq);
            if !is_told && !is_own && !moved.contains(room) {
                moved.push(Arc::clone(room));
            }
        }
        for room in moved {
            news.push(match rooms::load_one(&self.connection, &room)? {
                Some(record) => News::Room(Box::new(record)),
                None => News::RoomGone(room),
            });
        }
        self.told.entry = last;
        self.told.messages = said.into_iter().collect();
        Ok(())
    }
}

impl Store for Sqlite {
    fn answer(&mut self, questions: Vec<Question>) -> Vec<Answer> {
        if let Err(fault) = self.be_the_same_file() {
            return vec![Answer::Failed(fault); questions.len()];
        }
        let error = match self.answer_together(&questions) {
            Ok(answers) => {
                self.logged = None;
                return answers;
            }
            Err(error) => error,
        };
        let fault = self.failed(&error);
        if questions.len() == 1 || !is_of_one_question(&error) {
            return vec![Answer::Failed(fault); questions.len()];
        }
        self.answer_each(&questions)
    }

    fn load_rooms(&mut self) -> std::result::Result<Vec<RoomRecord>, StoreFault> {
        let read = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            let entry = moderation_log::last(&transaction)?;
            Ok((rooms::load(&transaction)?, entry))
        };
        let loaded = read(&mut self.connection);
        let (records, entry) = loaded.map_err(|error: rusqlite::Error| self.failed(&error))?;
        self.told.entry = entry;
        self.told.knows_rooms = true;
        self.told.messages = records
            .iter()
            .map(|room| (Arc::clone(&room.id), room.last_seq))
            .collect();
        Ok(records)
    }

    fn news(&mut self) -> std::result::Result<Vec<News>, StoreFault> {
        // Whoever had it may have gone: from now on this one keeps others out.
        self.lock.try_hold();
        let untold = std::mem::take(&mut self.untold);
        let mut news: Vec<News> = untold.into_iter().map(News::Revoked).collect();
        self.be_the_same_file()?;
        let read = self.read_news();
        news.extend(read.map_err(|error| self.failed(&error))?);
        Ok(news)
    }

    fn probe(&mut self) -> std::result::Result<(), StoreFault> {
        self.be_the_same_file()?;
        let version = schema::VERSION;
        let written =
            self.write(|transaction| transaction.pragma_update(None, "user_version", version));
        let abandoned = written.and_then(|()| purges::last(&self.connection));
        // A step that failed was the last of its purge.
        self.abandoned = abandoned.map_err(|error| self.failed(&error))?;
        self.logged = None;
        Ok(())
    }

    fn tidy(&mut self) -> std::result::Result<bool, StoreFault> {
        self.sweep().map_err(|error| self.failed(&error))
    }
}

fn connect(path: &Path) -> Result<Connection> {
    let connection = Connection::open_with_flags(path, FLAGS)?;
    set_up(&connection)?;
    Ok(connection)
}

fn set_up(connection: &Connection) -> Result<()> {
    connection.busy_timeout(BUSY_TIME_MAX)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES_MAX)?;
    // Outside of its directory a server under its sandbox may write nothing.
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update(None, "synchronous", "full")?;
    // What was deleted is overwritten where that costs no further write.
    connection.pragma_update(None, "secure_delete", "fast")
}

/// Writes into the file itself that it has a write-ahead log.
fn log_ahead(connection: &Connection) -> Result<()> {
    connection.pragma_update(None, "journal_mode", "wal")
}

/// Syncs the log. **What a process has written that was killed before it synced that is read by the next one**, which may tell of it as soon as it
/// serves.
fn settle(connection: &Connection) -> std::result::Result<(), StoreFault> {
    let copied = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    match copied.map_err(|error| fault(&error)) {
        // It is synced first, and then copied into the database, which can wait.
        Ok(()) | Err(StoreFault::DiskFull) => Ok(()),
        Err(fault) => Err(fault),
    }
}

fn writes(question: &Question) -> bool {
    use record::Question::{FindSession, InsertSession, ListSessions, Revoke};

    match question {
        Question::Record(InsertSession(_) | Revoke(_)) => true,
        Question::Record(FindSession { .. } | ListSessions { .. }) => false,
        Question::Room(question) => answer::writes(question),
    }
}

fn answer_one(
    connection: &Connection,
    known: &mut Known,
    question: &Question,
    used: &mut Vec<(SessionDigest, Wall)>,
) -> Result<Answer> {
    match question {
        Question::Record(question) => answer_record(connection, question, used).map(Answer::Record),
        Question::Room(question) => answer::answer(connection, known, question).map(Answer::Room),
    }
}

fn answer_record(
    connection: &Connection,
    question: &record::Question,
    used: &mut Vec<(SessionDigest, Wall)>,
) -> Result<record::Answer> {
    use record::Question;

    match question {
        Question::FindSession { digest, now } => {
            let found = sessions::find(connection, *digest)?;
            if found.as_ref().is_some_and(|found| is_due(found, *now)) {
                used.push((*digest, *now));
            }
            Ok(record::Answer::Found(found.map(Box::new)))
        }
        Question::InsertSession(session) => sessions::insert(connection, session.clone()),
        Question::ListSessions {
            user,
            listed_max,
            now,
        } => sessions::list(connection, user.as_deref(), *listed_max, *now),
        Question::Revoke(new) => revocations::insert(connection, (**new).clone()),
    }
}

/// Whether the last use that was written down lies far enough back.
fn is_due(session: &SessionRecord, now: Wall) -> bool {
    let step = |last: Wall| last.as_millis() + LAST_USED_STEP_MS <= now.as_millis();
    session.expires > now && session.last_used.is_none_or(step)
}

/// Writes down who has signed in.
fn note_uses(connection: &Connection, used: &[(SessionDigest, Wall)]) -> Result<()> {
    for (digest, now) in used {
        sessions::touch(connection, *digest, *now)?;
    }
    Ok(())
}

/// For each key that these questions bring, two that are past their time go.
fn forget_keys(connection: &Connection, questions: &[Question]) -> Result<()> {
    let keyed = questions.iter().filter_map(|question| match question {
        Question::Room(RoomQuestion::Append(message)) => message.key.as_ref().map(|_| message.at),
        Question::Room(_) | Question::Record(_) => None,
    });
    let (mut keys, mut newest) = (0, Wall::default());
    for at in keyed {
        keys += 1;
        newest = newest.max(at);
    }
    if keys == 0 {
        return Ok(());
    }
    messages::forget_keys(connection, newest, 2 * keys)
}

#[cfg(test)]
mod tests;
