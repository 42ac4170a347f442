//! When which connection must be looked at again.

use std::collections::BTreeSet;

use crate::id::ConnectionId;
use crate::time::Instant;

/// At most one entry per connection, ordered by time.
///
/// **An entry may be early, never late**: activity that moves a deadline back does not touch it. When it
/// comes up the connection says what it really waits for. So traffic costs nothing here, and finding
/// what is due costs nothing for what is not.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    entries: BTreeSet<(Instant, ConnectionId)>,
}

impl Deadlines {
    /// Makes sure `id` is looked at no later than `at`. `armed` is the connection's note of its entry.
    pub(super) fn arm(&mut self, id: ConnectionId, at: Instant, armed: &mut Option<Instant>) {
        match *armed {
            Some(earlier) if earlier <= at => return,
            Some(later) => {
                self.entries.remove(&(later, id));
            }
            None => {}
        }
        self.entries.insert((at, id));
        *armed = Some(at);
    }

    /// Forgets the entry of a connection that goes.
    pub(super) fn disarm(&mut self, id: ConnectionId, armed: Option<Instant>) {
        if let Some(at) = armed {
            self.entries.remove(&(at, id));
        }
    }

    /// Takes the next connection whose entry has come up.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<ConnectionId> {
        let first = self.entries.first().copied()?;
        if first.0 > now {
            return None;
        }
        self.entries.remove(&first);
        Some(first.1)
    }

    /// The earliest entry.
    pub(super) fn next(&self) -> Option<Instant> {
        self.entries.first().map(|(at, _)| *at)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}
