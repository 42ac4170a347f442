//! Durable state behind one interface: SQLite, and a twin in memory. Knows no engine, no sockets and no clock.

mod directory;
mod error;
mod memory;
mod sqlite;
#[cfg(test)]
mod tests;

pub use directory::Company;
pub use error::OpenError;
pub use memory::Memory;
pub use sqlite::Sqlite;

use crate::access::record::{Answer, Question};
use crate::access::revocation::Revocation;

/// Answers questions, on a thread of its own: it may block, and nobody waits for it in a turn.
pub trait Store: Send {
    /// Answers every question, in order. **What an answer says was done is durable when this returns**; questions that came
    /// together share the cost of that.
    fn answer(&mut self, questions: Vec<Question>) -> Vec<Answer>;

    /// Revocations stored since this was last asked, by another process among others. The first call gives all.
    fn news(&mut self) -> Vec<Revocation>;
}
