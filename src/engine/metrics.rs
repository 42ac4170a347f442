//! What the engine tells an operator: its numbers, and whether it is ready.

use std::time::Duration;

use bytes::Bytes;

use super::connection::{Endpoint, Phase, Wire};
use super::{Connections, Engine};
use crate::limit::memory::Class;
use crate::limit::waiting_room::Place;
use crate::telemetry::{
    Event, Exposition, Party, PhaseCounts, ProcessFacts, Queues, Snapshot, TurnFacts, expose,
};
use crate::time::{Now, Wall};

/// A turn is late from so many times its shares on.
const LATE_SHARES: u64 = 5;

/// What the shell has said last, for the next scrape.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Observed {
    started: Option<Wall>,
    turn: TurnFacts,
    process: ProcessFacts,
}

/// Why new clients should go elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unready {
    /// Nobody is admitted any more.
    Stopping,
    /// `limits.connections_max` is reached.
    Full,
}

impl Engine {
    /// The listeners are bound, and clients are served from now on.
    pub fn start(&mut self, now: Now) {
        self.observed.started = Some(now.wall);
        let event = Event::Started {
            version: env!("CARGO_PKG_VERSION"),
            listen: self.config.listen.address,
        };
        self.report(&event, Party::default(), now);
    }

    /// A turn is over.
    pub fn observe_turn(&mut self, turn: TurnFacts) {
        let nanos = u64::try_from(turn.time.as_nanos()).unwrap_or(u64::MAX);
        self.counters.turn_nanos.observe(nanos, 1);
        self.counters.turn_events.observe(turn.events as u64, 1);
        self.observed.turn = turn;
    }

    /// Whether the last turn lasted too long: many times what its shares may be. A single piece of work that nobody is to blame for, such as queueing
    /// for ten thousand people or a handshake with RSA, takes a millisecond.
    pub(super) fn is_late(&self) -> bool {
        let turn = &self.config.turn;
        let shares = turn.people_microseconds_max + turn.strangers_microseconds_max;
        self.observed.turn.time > Duration::from_micros(LATE_SHARES * shares as u64)
    }

    /// The process has been looked at.
    pub fn observe_process(&mut self, process: ProcessFacts) {
        self.observed.process = process;
    }

    /// Every reason for which new clients should go elsewhere; none: the server is ready.
    pub fn unready(&self) -> Vec<Unready> {
        // Whoever is no session makes room.
        let is_full = !self.has_room() && self.waiting.is_empty();
        [(self.stopping, Unready::Stopping), (is_full, Unready::Full)]
            .into_iter()
            .filter_map(|(is_so, reason)| is_so.then_some(reason))
            .collect()
    }

    /// Everything counted and measured, as text. Walks the connections once: about 10 ns for each.
    pub fn metrics_text(&self, exposition: Exposition) -> Bytes {
        Bytes::from(expose(self.snapshot(), exposition))
    }

    fn snapshot(&self) -> Snapshot {
        let turn = self.observed.turn;
        Snapshot {
            counters: self.counters.clone(),
            phases: phases(&self.connections),
            queues: Queues {
                outbound_bytes: self.outbound.bytes() as u64,
                outbound_connections: self.outbound.waiting() as u64,
                doomed: self.outbound.doomed() as u64,
                unfinished: (self.unfinished.len() + self.postponed.len()) as u64,
                readable: turn.readable as u64,
                writable: turn.writable as u64,
                deadlines: self.deadlines.len() as u64,
                works: (self.works.outstanding()
                    + self.questions.under_way()
                    + self.questions.waiting()) as u64,
            },
            process: self.observed.process,
            memory: Class::ALL.map(|class| self.memory_of(class) as u64),
            marks: {
                let budget = self.stock.budget;
                [budget.soft(), budget.hard(), budget.bytes()].map(|bytes| bytes as u64)
            },
            seats: self.rooms.seats() as u64,
            users: self.users.len() as u64,
            is_ready: self.unready().is_empty(),
            started: self.observed.started.unwrap_or_default(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// Counted when asked: a count kept up to date would be one more thing to forget wherever a phase changes.
fn phases(connections: &Connections) -> PhaseCounts {
    let mut counts = PhaseCounts::default();
    for connection in connections.iter() {
        let count = match (&connection.phase, connection.wire) {
            (Phase::Preamble(_) | Phase::Handshake(_), _) => &mut counts.handshake,
            _ if connection.is_private() => &mut counts.private,
            _ if connection.place.is_some_and(Place::is_leaving) => &mut counts.closing,
            (Phase::Head(_) | Phase::Body(_), _) => &mut counts.head,
            (Phase::Open(session), _) if session.endpoint == Endpoint::Echo => &mut counts.echo,
            (Phase::Open(_), Wire::Tutorial) => &mut counts.tutorial,
            (Phase::Open(_), Wire::V1) => &mut counts.v1,
            (Phase::Closing { .. }, _) => &mut counts.closing,
            (Phase::Ending { .. }, _) => &mut counts.ending,
        };
        *count += 1;
    }
    counts
}
