//! The glitch score: what is odd about a session's traffic is charged, and who does little else is read from more and more seldom, until it is over.

use super::Engine;
use super::connection::Phase;
use super::outbound::WriteAsked;
use crate::id::ConnectionId;
use crate::limit::glitch::LATE_FACTOR;
use crate::limit::{Glitch, Scope};
use crate::protocol::close::CloseReason;
use crate::time::Now;

const LIMIT: &str = "glitches_per_connection";

impl Engine {
    /// Charges a session for what was odd. Who is in debt is not read from until it is repaid.
    pub(super) fn charge_glitches(&mut self, id: ConnectionId, points: u64, now: Now) {
        let limits = &self.config.limits;
        let rate = limits.glitches_per_connection;
        let is_shadowed = limits.shadow.has(LIMIT);
        let points = if self.is_late() {
            points * LATE_FACTOR
        } else {
            points
        };
        let Some(session) = self.session_mut(id) else {
            return;
        };
        if is_shadowed {
            if session.glitches.take(points, rate, now.instant).is_err() {
                self.overlooks(id, LIMIT, Scope::Connection, now);
            }
            return;
        }
        let debt = session.glitches.charge(points, rate, now.instant);
        if !debt.is_zero() {
            let scope = Scope::Connection.as_str();
            self.counters.limited.count_pair([LIMIT, scope]);
            self.pause(id, debt, CloseReason::TooManyGlitches, now);
        }
    }

    /// Charges a session for a read of a single byte.
    pub(super) fn charge_small_read(&mut self, id: ConnectionId, bytes: usize, now: Now) {
        if bytes == 1 {
            self.charge_glitches(id, Glitch::SmallRead.points(), now);
        }
    }

    /// Charges a session for saying more while much of what it was told lies unread.
    pub(super) fn charge_unread(&mut self, id: ConnectionId, now: Now) {
        let leaves_unread = self.connections.get(id).is_some_and(|connection| {
            matches!(connection.phase, Phase::Open(_))
                && connection.write_asked == WriteAsked::No
                && self.outbound.is_pressed(connection)
        });
        if leaves_unread {
            self.charge_glitches(id, Glitch::Unread.points(), now);
        }
    }
}
