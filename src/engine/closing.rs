//! Every way a connection ends, and what is given back when it does.
//!
//! A session is over the moment its end is decided: user, address and rooms are free again. The socket
//! may stay a little, so that the peer reads our last words instead of a reset.

use std::sync::Arc;

use super::chat::Going;
use super::connection::{Connection, Endpoint, Phase, Session};
use super::effect::Effect;
use super::reply;
use super::{Door, Engine};
use crate::access::Grant;
use crate::id::{ConnectionId, UserKey};
use crate::protocol::close::CloseReason;
use crate::protocol::outbox::Outbox;
use crate::protocol::websocket::{Incoming, WebSocket};
use crate::telemetry::{ECHO_BYTES, Ending, Event, MESSAGE_BYTES, OUTBOUND_BYTES};
use crate::time::Now;

/// Bytes still read from a peer that has been told everything. What it sends beyond waits in the kernel until
/// the socket goes: closing at once would turn our last words into a reset while the peer is still sending.
pub(super) const DISCARDED_BYTES_MAX: usize = 256 * 1024;

/// Seats given up at a time by sessions whose time is over or that read too slowly, and a session counts as one more: a tenth of a millisecond's work.
/// However many they are, and in however many rooms each of them sits, whoever stays is served in between.
pub(super) const SEATS_ENDED_MAX: usize = 96;

impl Engine {
    /// Ends a session for `reason` in the way of RFC 6455 §7: our close frame, the peer's, then the socket.
    pub(super) fn close(&mut self, id: ConnectionId, reason: CloseReason, now: Now) {
        self.close_saying(id, reason, reason.text(), now);
    }

    /// The same with other words, at most 123 bytes, than those that belong to `reason`.
    pub(super) fn close_saying(
        &mut self,
        id: ConnectionId,
        reason: CloseReason,
        words: &str,
        now: Now,
    ) {
        if !reason.is_barrier() {
            self.hear_out(id);
        }
        self.tell_of_close(id, reason, now);
        let Some(mut websocket) = self.end_session(id, now) else {
            return;
        };
        let reconnect_after_ms = matches!(
            reason,
            CloseReason::GoingAway | CloseReason::Overloaded | CloseReason::OutOfMemory
        )
        .then(|| self.reconnect_after_ms());
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let purged = match reason {
            reason if reason.is_barrier() => connection.outbox.purge_frames(),
            CloseReason::ReadingTooSlowly | CloseReason::Overloaded | CloseReason::OutOfMemory => {
                connection.outbox.purge_unwritten()
            }
            _ => 0,
        };
        self.outbound.shrunk(connection, purged);
        if !reason.ends_reading()
            && let Some(bye) = reply::encode(
                &reply::bye(reason, words, reconnect_after_ms),
                connection.wire,
            )
        {
            self.outbound.push_shared(connection, &bye);
        }
        self.outbound
            .write(connection, |outbox| websocket.close(reason, words, outbox));
        if !reason.ends_reading() {
            let was = connection.phase.take_was();
            connection.phase = closing(websocket, was);
        }
        connection.since = now.instant;
        self.drop_held(id, now);
        self.arm(id, now);
    }

    /// Counts the end of a session; one that somebody should know of goes to the security log, others to the log.
    fn tell_of_close(&mut self, id: ConnectionId, reason: CloseReason, now: Now) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        if !matches!(connection.phase, Phase::Open(_)) {
            return;
        }
        self.counters.closed(reason);
        if reason == CloseReason::MessageTooBig {
            let limit = match connection.endpoint() {
                Some(Endpoint::Echo) => ECHO_BYTES,
                Some(Endpoint::Chat) | None => MESSAGE_BYTES,
            };
            self.counters.limited.count_pair(limit);
        }
        if reason.ends_reading() {
            self.offend_in_session(id, now);
        }
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        match Event::of_close(reason) {
            // It was good when it was shown: its end is no failure.
            Some(event) if reason != CloseReason::TokenExpired => {
                self.report_about(id, &event, None, now);
            }
            _ => log::debug!("{} closed: {}", connection.whose(), reason.label()),
        }
    }

    /// Nothing more will be said: once the outbox is written the writing side is shut.
    pub(super) fn finish(&mut self, id: ConnectionId, now: Now) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        debug_assert!(
            !matches!(connection.phase, Phase::Open(_)),
            "a session is ended before its connection is finished"
        );
        // Who hangs up while the last word is being written has no more time for it than before.
        if !matches!(connection.phase, Phase::Ending { .. }) {
            let was = connection.phase.take_was();
            connection.phase = ending(was);
            connection.since = now.instant;
        }
        if connection.waiting() == 0 {
            self.everything_written(id, now);
        }
        self.arm(id, now);
    }

    /// The outbox has become empty.
    pub(super) fn everything_written(&mut self, id: ConnectionId, now: Now) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        self.outsiders.forget(connection);
        let Phase::Ending { shut, .. } = &mut connection.phase else {
            return;
        };
        if connection.input_ended {
            self.remove(id);
        } else if !*shut {
            *shut = true;
            connection.since = now.instant;
            self.outbound.ask_to_part(Effect::ShutdownWrite(id));
            self.arm(id, now);
        }
    }

    /// The peer has closed its writing side: what is queued is still written, then the socket goes.
    pub(super) fn handle_end_of_input(&mut self, id: ConnectionId, now: Now) {
        self.charge_departure(id, now);
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        connection.input_ended = true;
        if self.end_session(id, now).is_some() {
            self.counters.ended(Ending::EndOfInput);
        }
        self.finish(id, now);
    }

    /// Frames that still come while our close frame is on its way: only the peer's own close frame matters.
    pub(super) fn receive_closing(&mut self, id: ConnectionId, mut bytes: &[u8], now: Now) {
        while !bytes.is_empty() {
            let Some(connection) = self.connections.get_mut(id) else {
                return;
            };
            let before = connection.waiting();
            let Phase::Closing {
                websocket,
                discarded,
                ..
            } = &mut connection.phase
            else {
                return self.handle_bytes(id, bytes, now);
            };
            let step = read_closing(websocket, bytes, &mut connection.outbox);
            *discarded += step.unwrap_or(0);
            let is_enough = step.is_none() || *discarded > DISCARDED_BYTES_MAX;
            self.outbound.grown(connection, before);
            bytes = bytes.get(step.unwrap_or(0)..).unwrap_or_default();
            if is_enough {
                self.finish(id, now);
            }
        }
    }

    /// Bytes that were put aside follow their connection into its next phase.
    fn drop_held(&mut self, id: ConnectionId, now: Now) {
        if let Some(connection) = self.connections.get_mut(id)
            && !connection.held.is_empty()
        {
            let held = std::mem::take(&mut connection.held);
            self.handle_bytes(id, &held, now);
        }
        // A pause ends with its session: bytes may wait in the socket that no readiness will tell of.
        self.outbound.ask_to_read(id);
    }

    /// Closes the connections that an iteration had to leave alone, as many as fit; the rest is told nothing more meanwhile.
    pub(super) fn close_doomed(&mut self, now: Now) {
        let most = self.seats_ended + SEATS_ENDED_MAX;
        while self.seats_ended < most
            && let Some((id, reason)) = self.outbound.next_doomed()
        {
            self.close_behind(id, reason, now);
        }
    }

    /// Closes a session that is too far behind with reading, if it is one still.
    pub(super) fn close_behind(&mut self, id: ConnectionId, reason: CloseReason, now: Now) {
        let is_open = self.connections.get(id).is_some_and(Connection::can_tell);
        if is_open && reason == CloseReason::ReadingTooSlowly {
            self.counters.limited.count_pair(OUTBOUND_BYTES);
        }
        self.close(id, reason, now);
    }

    /// Gives back what a session holds: seats, the user's count, the address's count. The connection is plain again.
    pub(super) fn end_session(&mut self, id: ConnectionId, now: Now) -> Option<WebSocket> {
        let connection = self.connections.get_mut(id)?;
        if !matches!(connection.phase, Phase::Open(_)) {
            return None;
        }
        let Phase::Open(session) = std::mem::replace(&mut connection.phase, ending(None)) else {
            return None;
        };
        let Session {
            user,
            grant,
            seats,
            websocket,
            ..
        } = *session;
        let was = self.users.get(user).map(|known| Was {
            user: Arc::clone(&known.id),
            grant,
        });
        connection.phase = ending(was.map(Box::new));
        connection.since = now.instant;
        let prefix = connection.prefix;
        let entry = self.prefixes.entry(prefix);
        entry.open_connections -= 1;
        entry.plain_connections += 1;
        self.plain_connections += 1;
        self.take_leave(id, now);
        self.seats_ended += 1 + seats.len();
        for seat in seats {
            self.give_up_seat(id, user, seat, Going::Lost, now);
        }
        self.stay_no_more(id, user, prefix, now);
        self.users.leave(user, id, now.instant);
        Some(websocket)
    }

    /// Forgets a connection that is not open any more.
    pub(super) fn remove(&mut self, id: ConnectionId) {
        let Some(mut connection) = self.connections.remove(id) else {
            return;
        };
        debug_assert!(!matches!(connection.phase, Phase::Open(_)), "ended first");
        self.outsiders.forget(&mut connection);
        if let Some(place) = connection.place {
            self.waiting.leave(id, place);
        }
        self.outbound.gone_with(&connection);
        self.stock.give_back(connection.drawn);
        self.deadlines.disarm(id, connection.armed);
        match connection.door {
            Door::Public | Door::Redirect => {
                self.prefixes.entry(connection.prefix).plain_connections -= 1;
                self.plain_connections -= 1;
            }
            Door::Private => self.private.connections -= 1,
        }
        let has_all = connection.waiting() == 0;
        self.outbound.ask_to_part(match has_all {
            true => Effect::Close(id),
            false => Effect::Reset(id),
        });
    }
}

/// Our close frame is queued; the peer's is awaited.
pub(super) fn closing(websocket: WebSocket, was: Option<Box<Was>>) -> Phase {
    Phase::Closing {
        websocket: Box::new(websocket),
        discarded: 0,
        was,
    }
}

fn ending(was: Option<Box<Was>>) -> Phase {
    Phase::Ending {
        shut: false,
        discarded: 0,
        was,
    }
}

/// Whose session a connection was that may be reading its last words still, and what had let them in.
#[derive(Debug)]
pub(super) struct Was {
    pub(super) user: Arc<str>,
    pub(super) grant: Grant,
}

impl Phase {
    /// Whose session this was, if it is over.
    pub(super) fn was(&self) -> Option<&Was> {
        match self {
            Phase::Closing { was, .. } | Phase::Ending { was, .. } => was.as_deref(),
            _ => None,
        }
    }

    fn take_was(&mut self) -> Option<Box<Was>> {
        match self {
            Phase::Closing { was, .. } | Phase::Ending { was, .. } => was.take(),
            _ => None,
        }
    }
}

impl CloseReason {
    /// Whether the peer's close frame is not waited for: its bytes can not be understood any more, or it sends so
    /// many that they are not worth it.
    fn ends_reading(self) -> bool {
        matches!(
            self,
            CloseReason::ProtocolError
                | CloseReason::InvalidUtf8
                | CloseReason::MessageTooBig
                | CloseReason::TooManyFragments
                | CloseReason::RateLimited
                | CloseReason::TooManyGlitches
        )
    }
}

/// Reads on after our close frame: how many bytes were taken, or `None` when there is nothing to wait for.
fn read_closing(websocket: &mut WebSocket, bytes: &[u8], outbox: &mut Outbox) -> Option<usize> {
    let measured = websocket.measure(bytes).ok()?;
    let read = websocket.read(bytes.get(..measured.taken)?, outbox).ok()?;
    (!matches!(read, Some(Incoming::Close))).then_some(measured.taken)
}

impl Connection {
    /// Whether the peer can be told something in its session: one in which a close frame has gone either way is not open.
    pub(super) fn can_tell(&self) -> bool {
        matches!(self.phase, Phase::Open(_))
    }

    /// Whether the credential of its session has ended.
    pub(super) fn has_expired(&self, now: Now) -> bool {
        match &self.phase {
            Phase::Open(session) => session.expires.is_some_and(|at| at <= now.wall),
            _ => false,
        }
    }

    /// Where its session was opened.
    pub(super) fn endpoint(&self) -> Option<Endpoint> {
        match &self.phase {
            Phase::Open(session) => Some(session.endpoint),
            _ => None,
        }
    }

    /// Whose session it is.
    pub(super) fn user(&self) -> Option<UserKey> {
        match &self.phase {
            Phase::Open(session) => Some(session.user),
            _ => None,
        }
    }
}
