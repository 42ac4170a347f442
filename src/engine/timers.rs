//! What is due: every deadline of a connection, when it has come.

use super::Engine;
use super::closing::SEATS_ENDED_MAX;
use super::connection::{Phase, SIGN_IN};
use super::secure::TlsFailure;
use crate::id::ConnectionId;
use crate::limit::Scope;
use crate::protocol::close::CloseReason;
use crate::protocol::response::Refusal;
use crate::protocol::websocket;
use crate::telemetry::UNREAD;
use crate::time::{Instant, Now};

/// Connections whose deadline is handled in one turn, a tenth of a millisecond's work; more are due in the next.
const EXPIRED_PER_TURN_MAX: usize = 32;

/// What a session's clock asks for.
enum Due {
    Close(CloseReason),
    Ping,
    Unpause,
    Nothing,
}

impl Engine {
    pub(super) fn expire(&mut self, now: Now) {
        let most = self.seats_ended + SEATS_ENDED_MAX;
        for _ in 0..EXPIRED_PER_TURN_MAX {
            if self.seats_ended >= most {
                break;
            }
            let Some(id) = self.deadlines.pop_due(now.instant) else {
                break;
            };
            self.look_at(id, now);
        }
        let next = self.deadlines.next();
        self.overdue = next.is_some_and(|next| next <= now.instant).then_some(now);
    }

    fn look_at(&mut self, id: ConnectionId, now: Now) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        connection.armed = None;
        if let Phase::Open(_) = connection.phase {
            self.look_at_session(id, now);
        } else if connection.next_deadline(&self.config.deadlines, self.standstill, now)
            <= now.instant
        {
            self.out_of_time(id, now);
        }
        self.arm(id, now);
    }

    /// Closes a session whose credential has ended, or that is too far behind with reading, and says whether it has: when many end at once, not all
    /// are looked at in one turn.
    pub(super) fn close_if_over(&mut self, id: ConnectionId, now: Now) -> bool {
        let connection = self.connections.get(id);
        if connection.is_some_and(|connection| connection.has_expired(now)) {
            self.close(id, CloseReason::TokenExpired, now);
            return true;
        }
        let open = self.connections.get(id).filter(|found| found.can_tell());
        let doomed = open.and_then(|found| found.doomed);
        if let Some(reason) = doomed {
            self.close_behind(id, reason, now);
        }
        doomed.is_some()
    }

    /// A connection that is no session has used up its time.
    fn out_of_time(&mut self, id: ConnectionId, now: Now) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        let (limit, _) = connection.out_of_time(&self.config.deadlines);
        match &connection.phase {
            Phase::Handshake(_) => {
                let scope = Scope::Connection.as_str();
                self.counters.limited.count_pair([limit, scope]);
                self.tell_of_tls_failure(id, TlsFailure::Timeout, now);
                self.remove(id);
            }
            Phase::Head(head) if head.is_idle() => {
                // That no further request comes is how kept connections end; only the time to sign in is a limit then.
                if limit == SIGN_IN {
                    let scope = Scope::Connection.as_str();
                    self.counters.limited.count_pair([limit, scope]);
                }
                self.finish(id, now);
            }
            Phase::Preamble(_) | Phase::Head(_) | Phase::Body(_) => {
                self.refuse(id, Refusal::TooSlow { limit }, now);
            }
            // Who has taken nothing since they were told will not read the last word either.
            Phase::Closing { .. } if connection.has_taken_nothing_since(connection.since) => {
                self.remove(id);
            }
            Phase::Closing { .. } => self.finish(id, now),
            Phase::Ending { .. } => self.remove(id),
            Phase::Open(_) => {}
        }
    }

    fn look_at_session(&mut self, id: ConnectionId, now: Now) {
        if let Some(connection) = self.connections.get(id)
            && let Phase::Open(session) = &connection.phase
            && session.stays_at.is_some_and(|at| at <= now.instant)
        {
            self.stay(id, now);
        }
        if self.close_if_over(id, now) {
            return;
        }
        match self.due(id, now) {
            Due::Close(reason) => {
                if reason == CloseReason::ReadingTooSlowly {
                    self.counters.limited.count_pair(UNREAD);
                }
                self.close(id, reason, now);
            }
            Due::Ping => {
                self.give_up_waiting(id, now);
                self.ping(id, now);
            }
            Due::Unpause => self.unpause(id, now),
            Due::Nothing => {}
        }
    }

    fn due(&self, id: ConnectionId, now: Now) -> Due {
        let deadlines = &self.config.deadlines;
        let Some(connection) = self.connections.get(id) else {
            return Due::Nothing;
        };
        let Phase::Open(session) = &connection.phase else {
            return Due::Nothing;
        };
        let standstill = self.standstill;
        let is_due = |deadline: Option<Instant>| deadline.is_some_and(|at| at <= now.instant);
        let pong = session
            .ping_sent
            .map(|sent| standstill.put_off(sent + deadlines.pong));
        if is_due(connection.too_late(deadlines, standstill)) {
            Due::Close(CloseReason::ReadingTooSlowly)
        } else if is_due(pong) {
            Due::Close(CloseReason::NoPong)
        } else if is_due(session.first_message_due(deadlines, standstill)) {
            Due::Close(CloseReason::NoFirstMessage)
        } else if is_due(session.idle_too_long(deadlines, standstill)) {
            Due::Close(CloseReason::Idle)
        } else if let Some(until) = session.paused_until {
            if until <= now.instant {
                Due::Unpause
            } else {
                Due::Nothing
            }
        } else if session.ping_sent.is_none()
            && session.last_received + deadlines.ping <= now.instant
        {
            Due::Ping
        } else {
            Due::Nothing
        }
    }

    fn ping(&mut self, id: ConnectionId, now: Now) {
        if let Some(connection) = self.connections.get_mut(id)
            && let Phase::Open(session) = &mut connection.phase
        {
            session.ping_sent = Some(now.instant);
            session.pongs_owed = session.pongs_owed.saturating_add(1);
            self.counters.pings += 1;
            self.outbound.write(connection, websocket::push_ping);
        }
    }

    fn unpause(&mut self, id: ConnectionId, now: Now) {
        if let Some(connection) = self.connections.get_mut(id)
            && let Phase::Open(session) = &mut connection.phase
        {
            session.paused_until = None;
            // What the peer sent meanwhile was not read for our sake: its silence proves nothing.
            session.last_received = now.instant;
            session.ping_sent = None;
            let held = std::mem::take(&mut connection.held);
            self.handle_bytes(id, &held, now);
            self.outbound.ask_to_read(id);
        }
    }
}
