//! Bytes that were read and not handled: put aside until there is budget for them, a pause is over, or an answer has come.
//!
//! Whoever is in goes on before whoever wants to come in, and neither at the other's expense: they wait in lists of their own.

use std::time::Duration;

use super::connection::{Connection, Phase};
use super::{Door, Engine};
use crate::id::ConnectionId;
use crate::time::Now;

/// How long somebody who was read from is busy: a few turns.
const BUSY_FOR: Duration = Duration::from_millis(10);

/// Whose share of a turn something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Of those who have signed in, and of the operator.
    People,
    /// Of those who have not, or not any more.
    Strangers,
}

impl Connection {
    pub(super) fn share(&self) -> Share {
        if matches!(self.phase, Phase::Open(_)) || self.door == Door::Private {
            Share::People
        } else {
            Share::Strangers
        }
    }
}

impl Engine {
    /// Whose share of the turn it is to read from this connection.
    pub fn share_of(&self, id: ConnectionId) -> Share {
        self.connections
            .get(id)
            .map_or(Share::Strangers, Connection::share)
    }

    /// Whether a connection was read from a moment ago: those that were not go first, so that who speaks now and then does not wait for
    /// those who never stop.
    pub fn is_busy(&self, id: ConnectionId, now: Now) -> bool {
        self.connections
            .get(id)
            .is_some_and(|connection| match &connection.phase {
                Phase::Open(session) => session.last_received + BUSY_FOR > now.instant,
                _ => false,
            })
    }

    /// How many connections wait to go on.
    pub fn unfinished(&self, share: Share) -> usize {
        match share {
            Share::People => self.unfinished.len(),
            // Without a signature to give they would only come back.
            Share::Strangers if self.signature_checks_left == 0 => 0,
            Share::Strangers => self.postponed.len(),
        }
    }

    /// Goes on with the connection that has waited longest for it. Call it as often in a turn as [`Engine::unfinished`] has said at its
    /// beginning: what is put back then waits for the next.
    pub fn go_on(&mut self, share: Share, now: Now) {
        let next = match share {
            Share::People => self.unfinished.pop_front(),
            Share::Strangers => self.postponed.pop_front(),
        };
        if let Some(id) = next {
            self.resume(id, now);
            self.close_doomed(now);
        }
    }

    /// Sees to it that a connection goes on in the next turn.
    pub(super) fn go_on_soon(&mut self, id: ConnectionId) {
        let share = self.share_of(id);
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        if connection.unfinished {
            return;
        }
        connection.unfinished = true;
        match share {
            Share::People => self.unfinished.push_back(id),
            Share::Strangers => self.postponed.push_back(id),
        }
    }

    pub(super) fn handle_bytes(&mut self, id: ConnectionId, bytes: &[u8], now: Now) {
        self.outbound.turn(now.instant);
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        match &mut connection.phase {
            _ if !connection.held.is_empty() => connection.held.extend_from_slice(bytes),
            // What is taken now would reach only those who have not been sent away yet.
            Phase::Open(_) if self.stopping => connection.held.extend_from_slice(bytes),
            Phase::Head(_) => self.receive_head(id, bytes, now),
            Phase::Body(_) => self.serve(id, bytes, now),
            Phase::Open(_) => self.receive_open(id, bytes, now),
            Phase::Closing { .. } => self.receive_closing(id, bytes, now),
            Phase::Ending { discarded, .. } => *discarded += bytes.len(),
            // Raw bytes come by `preamble`; the reactor opens what comes in a handshake before anything of it comes here.
            Phase::Preamble(_) | Phase::Handshake(_) => {}
        }
    }

    /// Goes on with a connection whose budget had run out.
    pub(super) fn resume(&mut self, id: ConnectionId, now: Now) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        connection.unfinished = false;
        self.finish_refresh(id, now);
        if self.close_if_over(id, now) {
            return;
        }
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let held = std::mem::take(&mut connection.held);
        self.handle_bytes(id, &held, now);
        self.arm(id, now);
        self.outbound.ask_to_read(id);
    }

    /// Puts bytes aside until budget or the end of a pause; `soon` when the next turn will do.
    pub(super) fn hold(&mut self, id: ConnectionId, bytes: &[u8], soon: bool) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        connection.held.extend_from_slice(bytes);
        if soon {
            self.go_on_soon(id);
        }
    }
}
