//! Durable state behind one interface: SQLite, and a twin in memory. Knows no engine, no sockets and no clock.

mod directory;
mod error;
mod memory;
mod sqlite;
#[cfg(test)]
mod tests;

pub use directory::{Company, make_directory};
pub use error::OpenError;
pub use memory::Memory;
#[cfg(any(test, feature = "simulation"))]
pub use sqlite::older;
pub use sqlite::{Archive, ArchiveError, Checked, Exported, Sqlite};

use std::sync::Arc;
use std::time::Duration;

use crate::access::record;
use crate::access::revocation::Revocation;
use crate::fault::StoreFault;
use crate::rooms::record::{Floor, RoomAnswer, RoomQuestion, RoomRecord};
use crate::time::Wall;

/// How long a message's key is remembered, whatever became of the message.
const MESSAGE_KEY_TIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Messages that one step of deleting all of somebody's looks at, whoever said them: a millisecond of the store's thread. An index by sender would
/// spare the look, and cost every message for what is rarely asked.
const PURGE_LOOKS_AT_MAX: usize = 2_000;

/// The first message of a room, kept from `first` to `last`, that is not below the floor: `last + 1` when all are. `date` tells when one was said;
/// later ones were said later, so that it is asked of a few.
fn first_above<E>(
    floor: Floor,
    (first, last): (u64, u64),
    mut date: impl FnMut(u64) -> Result<Option<Wall>, E>,
) -> Result<u64, E> {
    let end = last.saturating_add(1);
    let (mut from, mut to) = (first.max(floor.first_seq).min(end), end);
    let Some(since) = floor.since else {
        return Ok(from);
    };
    // The first is asked alone: mostly it is young enough.
    let mut middle = from;
    while from < to {
        if date(middle)?.is_some_and(|at| at >= since) {
            to = middle;
        } else {
            from = middle + 1;
        }
        middle = from + (to - from) / 2;
    }
    Ok(from)
}

/// Something asked of a store.
#[derive(Debug, Clone)]
pub enum Question {
    /// About who may.
    Record(record::Question),
    /// About rooms and what was said in them.
    Room(RoomQuestion),
}

/// What a store says, to a question of the same name.
#[derive(Debug, Clone)]
pub enum Answer {
    Record(record::Answer),
    Room(RoomAnswer),
    /// To any question: it can not be done, and nothing of it was.
    Failed(StoreFault),
}

/// Something that is stored and was not told of yet.
#[derive(Debug, Clone)]
pub enum News {
    Revoked(Revocation),
    /// Another process has changed this room, or something was said in it there: what the store knows of it now.
    Room(Box<RoomRecord>),
    /// Another process has deleted this room.
    RoomGone(Arc<str>),
}

/// Answers questions, on a thread of its own: it may block, and nobody waits for it in a turn.
pub trait Store: Send {
    /// Answers every question, in order. **What an answer says was done is durable when this returns**; questions that came
    /// together share the cost of that.
    fn answer(&mut self, questions: Vec<Question>) -> Vec<Answer>;

    /// Every room with its people. To be asked once, before anybody is served: what changes afterwards is said by answers and
    /// by [`Store::news`].
    ///
    /// # Errors
    /// When it can not be read.
    fn load_rooms(&mut self) -> Result<Vec<RoomRecord>, StoreFault>;

    /// What was stored since this was last asked, by another process among others. The first call gives all revocations.
    ///
    /// # Errors
    /// When it can not be read.
    fn news(&mut self) -> Result<Vec<News>, StoreFault>;

    /// Writes a little, to see whether writing goes well again.
    ///
    /// # Errors
    /// When it does not.
    fn probe(&mut self) -> Result<(), StoreFault>;

    /// Does a little of what can wait, while nobody asks anything; whether there is more of it.
    ///
    /// # Errors
    /// When it can not be done.
    fn tidy(&mut self) -> Result<bool, StoreFault>;
}
