//! A disk below SQLite, for tests: it writes down what it is asked to do, fails when told to, and says what a power cut leaves of it.
//!
//! A crate of its own, so that Wardroom itself can forbid what it takes to stand between SQLite and the files: `vfs` hands every call on to the
//! system's own disk. What is known of a disk belongs to the thread that uses it.

mod cut;
mod vfs;

pub use cut::{Dice, Files};
pub use vfs::name;

use std::cell::RefCell;

/// Something that changes what is on a disk, or says that it is there for good. Files are named by their last component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    Create(String),
    Write {
        file: String,
        at: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        file: String,
        length: usize,
    },
    Sync(String),
    /// Of the directory: names that were given and taken by then are for good.
    SyncNames,
    Unlink(String),
}

/// How a disk fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    Full,
    ReadOnly,
    /// What is written, cut off or synced is not.
    Broken,
}

#[derive(Debug, Default)]
struct Disk {
    is_recording: bool,
    calls: Vec<Call>,
    /// How it fails, and after how many calls more that change something.
    failure: Option<(usize, Failure)>,
}

thread_local! {
    static DISK: RefCell<Disk> = RefCell::default();
}

/// From here on this thread's calls are written down behind these. Gives those that were until now.
pub fn record(before: Vec<Call>) -> Vec<Call> {
    with(|disk| {
        disk.is_recording = true;
        std::mem::replace(&mut disk.calls, before)
    })
}

/// How many calls of this thread are written down.
pub fn calls() -> usize {
    with(|disk| disk.calls.len())
}

/// Whether any of this thread's calls from the one of this number on has written something.
pub fn has_written_since(number: usize) -> bool {
    let is_write = |call: &Call| matches!(call, Call::Write { .. });
    with(|disk| disk.calls.iter().skip(number).any(is_write))
}

/// Lets this thread's disk fail after so many calls more that change something; `None`: it does as it is told again.
pub fn fail(failure: Option<(usize, Failure)>) {
    with(|disk| disk.failure = failure);
}

fn with<T: Default>(look: impl FnOnce(&mut Disk) -> T) -> T {
    // A file may be closed when the thread ends.
    let found = DISK.try_with(|disk| disk.try_borrow_mut().map(|mut disk| look(&mut disk)));
    found.ok().and_then(Result::ok).unwrap_or_default()
}

impl Disk {
    /// How a call that changes something fails, if it does.
    fn refused(&mut self) -> Option<Failure> {
        match &mut self.failure {
            Some((0, failure)) => Some(*failure),
            Some((left, _)) => {
                *left -= 1;
                None
            }
            None => None,
        }
    }
}
