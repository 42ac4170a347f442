//! Everything that is told at one scrape: the counters, and what is measured at that moment.

use std::time::Duration;

use super::counters::{Counters, PhaseCounts};
use crate::limit::memory::Class;
use crate::time::Wall;

/// What the shell says about a turn when it is over.
#[derive(Debug, Clone, Copy, Default)]
pub struct TurnFacts {
    /// From the end of the poll on.
    pub time: Duration,
    /// What the poll brought.
    pub events: usize,
    /// Connections that may have bytes and were left for the next turn.
    pub readable: usize,
    /// Connections that take bytes and were left for the next turn.
    pub writable: usize,
}

/// What the shell knows about its process. `None`: the system does not say.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessFacts {
    pub resident_bytes: Option<u64>,
    pub descriptors_open: Option<u64>,
    pub descriptors_max: Option<u64>,
    /// Lines of the log that nobody took in time, or that could not be written.
    pub log_lines_dropped: u64,
}

/// What waits in the engine and beside it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Queues {
    /// Bytes waiting to be written, over all connections.
    pub outbound_bytes: u64,
    /// Connections that bytes wait for.
    pub outbound_connections: u64,
    /// Connections to be closed when the present iteration is over.
    pub doomed: u64,
    /// Connections whose budget ran out.
    pub unfinished: u64,
    /// Connections that may have bytes, as the last turn left them.
    pub readable: u64,
    /// Connections that take bytes, as the last turn left them.
    pub writable: u64,
    /// Entries in the table of deadlines.
    pub deadlines: u64,
    /// Questions to other threads without an answer.
    pub works: u64,
}

/// One scrape.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    pub counters: Counters,
    pub phases: PhaseCounts,
    pub queues: Queues,
    pub process: ProcessFacts,
    /// Bytes drawn of the budget, by class.
    pub memory: [u64; Class::ALL.len()],
    /// Where it begins to let somebody go, where it refuses, and where it ends.
    pub marks: [u64; 3],
    /// Seats in all rooms.
    pub seats: u64,
    /// Users with a connection or with something owed.
    pub users: u64,
    /// Whether the server is ready for clients.
    pub is_ready: bool,
    pub started: Wall,
    pub version: &'static str,
}
