//! The store in one SQLite file: WAL, every commit on the disk before it is spoken of.

mod fault;
mod revocations;
mod schema;
mod sessions;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, MAIN_DB, OpenFlags, Result, Row, TransactionBehavior};

use super::directory::{self, Lock};
use super::{Answer, Company, News, OpenError, Question, Store};
use crate::access::record;
use crate::access::revocation::Revocation;
use crate::access::session::{LAST_USED_STEP_MS, SessionDigest, SessionRecord};
use crate::fault::StoreFault;
use crate::rooms::record::{RoomAnswer, RoomRecord};
use crate::time::Wall;
use fault::fault;

/// How long a statement waits for another process that writes. Its own thread waits, nobody else.
const BUSY_TIME_MAX: Duration = Duration::from_secs(5);
/// Statements kept prepared: all there are.
const STATEMENTS_MAX: usize = 32;
/// The write-ahead log is cut back to this many bytes once it was copied into the database.
const LOG_BYTES_MAX: i64 = 4 * 1024 * 1024;

/// Sessions and revocations in `wardroom.sqlite`.
///
/// **What was answered survives the end of the process and of the machine's power**: the write-ahead log is synced at every commit.
#[derive(Debug)]
pub struct Sqlite {
    connection: Connection,
    path: PathBuf,
    /// Which file that was when it was opened.
    file: Option<(u64, u64)>,
    lock: Lock,
    /// Of the revocation that was told of last.
    last_serial: i64,
    /// What SQLite called the state of the file then; another process's commit changes it.
    data_version: Option<i64>,
    /// What was read when it was opened.
    untold: Vec<Revocation>,
}

impl Sqlite {
    /// Opens the store in this directory, and makes what is missing.
    ///
    /// # Errors
    /// [`OpenError`] says what to do.
    pub fn open(directory: &Path, company: Company) -> std::result::Result<Sqlite, OpenError> {
        let path = directory::prepare(directory)?;
        let lock = Lock::take(directory, company)?;
        let failed = |fault| OpenError::Fault {
            path: path.clone(),
            fault,
        };
        let file = directory::file_at(&path);
        let mut connection = connect(&path).map_err(|error| failed(fault(&error)))?;
        if connection.is_readonly(MAIN_DB).unwrap_or(true) {
            return Err(failed(StoreFault::ReadOnly));
        }
        schema::bring_up(&mut connection, &path)?;
        let mut store = Sqlite {
            connection,
            path: path.clone(),
            file,
            lock,
            last_serial: 0,
            data_version: None,
            untold: Vec::new(),
        };
        // Without what was taken back nobody can be let in.
        store.untold = store.read_news().map_err(|error| failed(fault(&error)))?;
        Ok(store)
    }

    /// **What is written to a file that nobody will open again is not durable**, and what others write to the one in its
    /// place is not read: SQLite itself goes on with the file that it opened, whatever became of its name.
    fn is_replaced(&self) -> bool {
        self.file.is_none() || directory::file_at(&self.path) != self.file
    }

    fn answer_all(&mut self, questions: Vec<Question>) -> Result<Vec<Answer>> {
        let writes = |question: &Question| {
            use record::Question::{InsertSession, Revoke};
            matches!(question, Question::Record(InsertSession(_) | Revoke(_)))
        };
        if !questions.iter().any(writes) {
            let mut used = Vec::new();
            let answers = answer_each(&self.connection, questions, &mut used)?;
            self.note_uses(&used);
            return Ok(answers);
        }
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut used = Vec::new();
        let answers = answer_each(&transaction, questions, &mut used)?;
        for (digest, now) in used {
            sessions::touch(&transaction, digest, now)?;
        }
        transaction.commit()?;
        Ok(answers)
    }

    /// Writes down who has signed in. That this fails keeps nobody out.
    fn note_uses(&mut self, used: &[(SessionDigest, Wall)]) {
        let mut note = || {
            let transaction = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            for (digest, now) in used {
                sessions::touch(&transaction, *digest, *now)?;
            }
            transaction.commit()
        };
        if !used.is_empty()
            && let Err(error) = note()
        {
            log::warn!("store: the use of a session is not noted: {error}");
        }
    }

    fn read_news(&mut self) -> Result<Vec<Revocation>> {
        let version = self
            .connection
            .pragma_query_value(None, "data_version", |row| row.get(0))?;
        if self.data_version == Some(version) {
            return Ok(Vec::new());
        }
        let (revocations, last) = revocations::after(&self.connection, self.last_serial)?;
        self.data_version = Some(version);
        self.last_serial = last;
        Ok(revocations)
    }
}

impl Store for Sqlite {
    fn answer(&mut self, questions: Vec<Question>) -> Vec<Answer> {
        let count = questions.len();
        if self.is_replaced() {
            let fault = StoreFault::Replaced;
            log::error!("store: {}: {fault}", self.path.display());
            return vec![Answer::Failed(fault); count];
        }
        self.answer_all(questions).unwrap_or_else(|error| {
            let fault = fault(&error);
            log::error!("store: {fault}: {error}");
            vec![Answer::Failed(fault); count]
        })
    }

    fn load_rooms(&mut self) -> std::result::Result<Vec<RoomRecord>, StoreFault> {
        Ok(Vec::new())
    }

    fn news(&mut self) -> Vec<News> {
        // Whoever had it may have gone: from now on this one keeps others out.
        self.lock.try_hold();
        let mut news = std::mem::take(&mut self.untold);
        match self.read_news() {
            Ok(read) => news.extend(read),
            Err(error) => log::error!("store: what others have written can not be read: {error}"),
        }
        news.into_iter().map(News::Revoked).collect()
    }
}

fn connect(path: &Path) -> Result<Connection> {
    // No URI file names, and no second thread in it.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIME_MAX)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES_MAX)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    Ok(connection)
}

fn answer_each(
    connection: &Connection,
    questions: Vec<Question>,
    used: &mut Vec<(SessionDigest, Wall)>,
) -> Result<Vec<Answer>> {
    let answer = |question| match question {
        Question::Record(question) => answer_record(connection, question, used).map(Answer::Record),
        Question::Room(_) => Ok(Answer::Room(RoomAnswer::Missing)),
    };
    questions.into_iter().map(answer).collect()
}

fn answer_record(
    connection: &Connection,
    question: record::Question,
    used: &mut Vec<(SessionDigest, Wall)>,
) -> Result<record::Answer> {
    use record::Question;

    match question {
        Question::FindSession { digest, now } => {
            let found = sessions::find(connection, digest)?;
            if found.as_ref().is_some_and(|found| is_due(found, now)) {
                used.push((digest, now));
            }
            Ok(record::Answer::Found(found.map(Box::new)))
        }
        Question::InsertSession(session) => sessions::insert(connection, session),
        Question::ListSessions {
            user,
            listed_max,
            now,
        } => sessions::list(connection, user.as_deref(), listed_max, now),
        Question::Revoke(new) => revocations::insert(connection, *new),
    }
}

/// Whether the last use that was written down lies far enough back.
fn is_due(session: &SessionRecord, now: Wall) -> bool {
    let step = |last: Wall| last.as_millis() + LAST_USED_STEP_MS <= now.as_millis();
    session.expires > now && session.last_used.is_none_or(step)
}

/// A first column that counts rows.
fn count(row: &Row<'_>) -> Result<usize> {
    let count: i64 = row.get(0)?;
    Ok(usize::try_from(count).unwrap_or_default())
}

fn date(wall: Wall) -> i64 {
    i64::try_from(wall.as_millis()).unwrap_or(i64::MAX)
}

fn wall(date: i64) -> Wall {
    Wall::from_millis(u64::try_from(date).unwrap_or_default())
}
