//! Why a store can't be opened, or can't do what it is asked.

use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;

use crate::access::record::StoreFault;

/// The store can't be opened; each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("store.directory: {}: {source}", .path.display())]
    Directory { path: PathBuf, source: io::Error },
    #[error(
        "store.directory: {}: another server uses it; stop that one, or choose another directory",
        .path.display()
    )]
    InUse { path: PathBuf },
    #[error("{}: is no store of this program's; choose another store.directory", .path.display())]
    Foreign { path: PathBuf },
    #[error(
        "{}: was written by a newer version (schema {found}, this one knows {known}); run that version, or restore a copy from before",
        .path.display()
    )]
    Newer {
        path: PathBuf,
        found: i64,
        known: i64,
    },
    #[error("{}: {fault}{}", .path.display(), remedy(*.fault))]
    Fault { path: PathBuf, fault: StoreFault },
}

fn remedy(fault: StoreFault) -> &'static str {
    match fault {
        StoreFault::Corrupt => "; restore a copy, or move it away to begin with an empty one",
        StoreFault::ReadOnly => "; give the server's user the right to write there",
        StoreFault::DiskFull => "; make room",
        StoreFault::Locked => "; another process has kept it locked for seconds",
        StoreFault::Io => "",
    }
}

/// What an error of the library means.
pub(super) fn fault(error: &rusqlite::Error) -> StoreFault {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreFault::DiskFull,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StoreFault::ReadOnly,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreFault::Locked,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreFault::Corrupt,
        // What stands in a row is not what this program writes.
        None => StoreFault::Corrupt,
        Some(_) => StoreFault::Io,
    }
}
