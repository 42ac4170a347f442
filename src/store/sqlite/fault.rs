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

/// Whether it is the question's own doing, or that of the one place that it looked at: another might go well.
pub(super) fn is_of_one_question(error: &rusqlite::Error) -> bool {
    let general = [
        ErrorCode::DiskFull,
        ErrorCode::ReadOnly,
        ErrorCode::PermissionDenied,
        ErrorCode::DatabaseBusy,
        ErrorCode::DatabaseLocked,
        ErrorCode::SystemIoFailure,
        ErrorCode::CannotOpen,
        ErrorCode::NotADatabase,
        ErrorCode::OutOfMemory,
    ];
    error
        .sqlite_error_code()
        .is_none_or(|code| !general.contains(&code))
}
