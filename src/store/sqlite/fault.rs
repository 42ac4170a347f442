//! The library's errors in the words of whoever asked.

use rusqlite::ErrorCode;

use crate::fault::StoreFault;

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
