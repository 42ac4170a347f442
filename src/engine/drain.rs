//! The server's own end: everybody is told to go and when to come back, a bounded number in each turn.
//!
//! Everybody goes at once, in as few turns as the budget allows: people who left and people who stayed would hear
//! different rooms. What is spread is their return.

use rand_chacha::rand_core::Rng;

use super::connection::{Connection, Phase};
use super::{Door, Engine};
use crate::id::ConnectionId;
use crate::protocol::close::CloseReason;
use crate::telemetry::{Event, Party};
use crate::time::Now;

/// Connections sent away in one turn: a millisecond's work where they sit in one room, and nobody else is served any more who could wait for it.
const SENT_AWAY_PER_TURN_MAX: usize = 1024;

impl Engine {
    /// Begins to end every connection: sessions with `bye` and 1001, a kept-alive connection without a request at once.
    /// From now on no session's message is taken, and whoever is still accepted is told the same as the others.
    ///
    /// One who has not asked for anything yet has no more time for it than `deadlines.close`.
    pub fn drain(&mut self, now: Now) {
        if self.stopping {
            return;
        }
        self.stopping = true;
        let deadlines = &mut self.config.deadlines;
        deadlines.head = deadlines.head.min(deadlines.close);
        deadlines.keep_alive = deadlines.keep_alive.min(deadlines.close);
        deadlines.handshake = deadlines.handshake.min(deadlines.close);
        let connections = self.connections.len();
        self.report(&Event::Stopped { connections }, Party::default(), now);
        self.departing.extend(self.connections.ids());
        self.send_departing_away(now);
    }

    /// Whether the server goes: whoever asks for work should be sent elsewhere.
    pub fn is_draining(&self) -> bool {
        self.stopping
    }

    pub(super) fn send_departing_away(&mut self, now: Now) {
        for _ in 0..SENT_AWAY_PER_TURN_MAX {
            let Some(id) = self.departing.pop_front() else {
                return;
            };
            self.send_away(id, now);
        }
        self.close_doomed(now);
    }

    fn send_away(&mut self, id: ConnectionId, now: Now) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        match &connection.phase {
            Phase::Open(_) => self.close(id, CloseReason::GoingAway, now),
            Phase::Head(head) if head.is_idle() => self.finish(id, now),
            // The operator's programs need no goodbye, and can ask again to the end.
            Phase::Head(head) if connection.door == Door::Private && head.bytes.is_empty() => {
                self.finish(id, now);
            }
            // It was put back until somebody else has said who that is, which does not matter any more.
            Phase::Head(_) if !connection.held.is_empty() => self.resume(id, now),
            Phase::Preamble(_)
            | Phase::Handshake(_)
            | Phase::Head(_)
            | Phase::Body(_)
            | Phase::Closing { .. }
            | Phase::Ending { .. } => self.arm(id, now),
        }
    }

    /// Whether a connection's messages are left alone until its turn to go has come.
    pub(super) fn is_departing(&self, connection: &Connection) -> bool {
        self.stopping && connection.can_tell()
    }

    /// When somebody who goes with everybody else should be back: any moment of the window is as likely.
    pub(super) fn reconnect_after_ms(&mut self) -> u64 {
        let window = self.config.drain.window.as_millis() as u64;
        self.random.next_u64() % window.max(1)
    }
}
