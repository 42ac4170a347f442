//! Why a store can't be opened.

use std::io;
use std::path::PathBuf;

use crate::fault::StoreFault;

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
    #[error("{}: there is no store", .path.display())]
    Missing { path: PathBuf },
    #[error(
        "{}: was written by an older version (schema {found}, this one knows {known}); start the server on it once",
        .path.display()
    )]
    Older {
        path: PathBuf,
        found: i64,
        known: i64,
    },
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
        StoreFault::Replaced => "; start the server again",
        StoreFault::Io | StoreFault::Silent => "",
    }
}
