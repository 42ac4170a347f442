//! The directory of a store: nobody else's to read, and one server's at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::OpenError;

pub(super) const DATABASE: &str = "wardroom.sqlite";
const LOCK: &str = "wardroom.lock";

/// Whether another server may use the same store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Company {
    /// A server that wants it for itself.
    Alone,
    /// A server that takes over from another, or a command beside one: the database keeps them apart, and each
    /// learns of what the other has written by [`super::Store::news`].
    Welcome,
}

/// A lock on the directory, freed by the system when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    is_held: bool,
}

impl Lock {
    /// Takes the lock, unless company is welcome.
    ///
    /// # Errors
    /// [`OpenError::InUse`] when another process has it.
    pub(super) fn take(directory: &Path, company: Company) -> Result<Lock, OpenError> {
        let path = directory.join(LOCK);
        let file = private_file(&path).map_err(|source| OpenError::Directory { path, source })?;
        let mut lock = Lock {
            file,
            is_held: false,
        };
        // A command beside a server takes no lock: it would turn away a server that starts meanwhile.
        if company == Company::Alone && !lock.try_hold() {
            let path = directory.to_owned();
            return Err(OpenError::InUse { path });
        }
        Ok(lock)
    }

    /// Takes the lock when the one who had it has gone. A file system without locks has nobody to keep apart.
    pub(super) fn try_hold(&mut self) -> bool {
        if !self.is_held {
            self.is_held = !matches!(self.file.try_lock(), Err(TryLockError::WouldBlock));
        }
        self.is_held
    }
}

/// Makes a directory that is its owner's alone, and what leads to it. **Its name is on the disk** before anything in it is
/// said to be.
///
/// # Errors
/// When it can not be made.
pub fn make_directory(directory: &Path) -> io::Result<()> {
    let is_new = !directory.exists();
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)?;
    if is_new {
        sync_name(directory)?;
    }
    Ok(())
}

/// Makes the directory, if need be, and gives the database's path: a file that its owner alone may read.
pub(super) fn prepare(directory: &Path) -> Result<PathBuf, OpenError> {
    make_directory(directory).map_err(|source| OpenError::Directory {
        path: directory.to_owned(),
        source,
    })?;
    let path = directory.join(DATABASE);
    // SQLite gives its further files the same rights.
    match private_file(&path) {
        Ok(_) => Ok(path),
        Err(source) => Err(OpenError::Directory { path, source }),
    }
}

/// Which file is at `path` now, by device and number; `None`: none that can be looked at.
pub(super) fn file_at(path: &Path) -> Option<(u64, u64)> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let found = std::fs::metadata(path).ok()?;
        Some((found.dev(), found.ino()))
    }
    #[cfg(not(unix))]
    path.exists().then_some((0, 0))
}

/// The database's write-ahead log.
fn log_of(database: &Path) -> PathBuf {
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    PathBuf::from(log)
}

/// The write-ahead log of a database that is not there any more: SQLite would remove it, and begin with an empty one. It makes a database before its log.
pub(super) fn left_behind(database: &Path) -> Option<PathBuf> {
    // A file of one byte counts as empty to it.
    const EMPTY_BYTES_MAX: u64 = 1;
    let log = log_of(database);
    let bytes = |path: &Path| fs::metadata(path).map_or(0, |found| found.len());
    (bytes(database) <= EMPTY_BYTES_MAX && bytes(&log) > 0).then_some(log)
}

/// Whether what is written beside this database is refused, of which SQLite says no more than that writing failed.
///
/// Looks at the write-ahead log: **whoever opens the database a second time and closes it again lets go of its locks**
/// (POSIX, `fcntl`), and nobody locks the other.
pub(super) fn is_read_only(database: &Path) -> bool {
    let opened = OpenOptions::new().write(true).open(log_of(database));
    opened.is_err_and(|error| {
        use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
        matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem)
    })
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A file that was not there, and that its owner alone may read.
pub(super) fn new_private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Gives a finished draft its name, once its bytes are on the disk; then the name is there too.
pub(super) fn make_last(draft: &Path, path: &Path) -> io::Result<()> {
    File::open(draft)?.sync_all()?;
    fs::rename(draft, path)?;
    sync_name(path)
}

/// Lets the name of a file or directory last.
fn sync_name(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
