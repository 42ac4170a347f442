//! What an open session sends: bytes are charged, cut into frames, charged again, and only then parsed.

use super::Engine;
use super::connection::{Endpoint, Phase, Session};
use super::echo;
use crate::config::Limits;
use crate::id::ConnectionId;
use crate::limit::glitch::TINY_BYTES;
use crate::limit::{Glitch, Scope};
use crate::protocol::close::CloseReason;
use crate::protocol::frame::{FrameHeader, Opcode};
use crate::protocol::outbox::Outbox;
use crate::protocol::websocket::Incoming;
use crate::telemetry::{Counters, Ending};
use crate::time::{Instant, Now};

/// A byte that is read as JSON takes as much of a share of the turn as so many that are only handed on. It takes up to 15 ns to read (hundreds of
/// fields, thousands of numbers), so that 64 KiB at once would keep everybody else waiting for half a millisecond to a whole one.
const JSON_BYTE_PRICE: usize = 8;

const FRAGMENTS: &str = "fragments_per_message_max";

/// What was seen of a frame beside what it is.
#[derive(Default)]
struct Seen {
    /// Limits that are rehearsed and would have said no.
    overlooked: Vec<&'static str>,
    /// What it is charged for being odd.
    points: u64,
}

/// One step through a session's bytes.
enum Step {
    /// So many bytes were taken, and this came of them.
    Took(usize, Option<Incoming>),
    /// The bytes break a rule.
    Violation(CloseReason),
    /// The session takes no more bytes now.
    Paused,
    /// There is no session any more.
    Over,
}

impl Engine {
    /// Bytes of an open session, already charged: just read, or held until now. What its share of the turn is not enough for is put aside,
    /// and nothing more is read meanwhile.
    pub(super) fn receive_open(&mut self, id: ConnectionId, mut bytes: &[u8], now: Now) {
        let turn = &self.config.turn;
        let share = u32::try_from(turn.read_bytes_per_connection_max).unwrap_or(u32::MAX);
        let frames_max = u32::try_from(turn.frames_per_connection_max).unwrap_or(u32::MAX);
        let of_frame = share.div_ceil(frames_max);
        if let Some(session) = self.session_mut(id) {
            session.deficit.grant(share);
        }
        while !bytes.is_empty() {
            let before = match self.connections.get(id) {
                Some(connection) if connection.has_spent_share() => {
                    return self.hold(id, bytes, true);
                }
                Some(connection) => connection.waiting(),
                None => return,
            };
            match self.step(id, bytes, now) {
                Step::Took(taken, incoming) => {
                    bytes = bytes.get(taken..).unwrap_or_default();
                    if let Some(incoming) = incoming {
                        self.dispatch(id, incoming, now);
                    }
                    self.spend_share(id, of_frame, taken, before);
                }
                Step::Violation(reason) => {
                    self.close(id, reason, now);
                    return self.handle_bytes(id, bytes, now);
                }
                Step::Paused => return self.hold(id, bytes, false),
                Step::Over => return self.handle_bytes(id, bytes, now),
            }
        }
    }

    /// Takes from a session's share of the turn what a frame was: itself, its bytes, dear or cheap, and those of its answer.
    fn spend_share(&mut self, id: ConnectionId, of_frame: u32, taken: usize, before: usize) {
        if let Some(connection) = self.connections.get_mut(id) {
            let answered = connection.waiting().saturating_sub(before);
            if let Phase::Open(session) = &mut connection.phase {
                let price = match session.endpoint {
                    Endpoint::Chat => JSON_BYTE_PRICE,
                    Endpoint::Echo => 1,
                };
                let bytes = taken.saturating_mul(price).saturating_add(answered);
                let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
                session.deficit.spend(of_frame.saturating_add(bytes));
            }
        }
    }

    fn step(&mut self, id: ConnectionId, bytes: &[u8], now: Now) -> Step {
        let Some(connection) = self.connections.get_mut(id) else {
            return Step::Over;
        };
        let before = connection.waiting();
        let Phase::Open(session) = &mut connection.phase else {
            return Step::Over;
        };
        if session.is_deaf() {
            return Step::Paused;
        }
        let mut seen = Seen::default();
        let step = session.take_frame(
            bytes,
            &mut connection.outbox,
            &self.config.limits,
            &mut self.counters,
            &mut seen,
            now.instant,
        );
        self.outbound.grown(connection, before);
        if seen.points > 0 {
            self.charge_glitches(id, seen.points, now);
        }
        for limit in seen.overlooked {
            self.overlooks(id, limit, Scope::Connection, now);
        }
        step
    }

    fn dispatch(&mut self, id: ConnectionId, incoming: Incoming, now: Now) {
        match incoming {
            Incoming::Ping | Incoming::Pong => {}
            Incoming::Close => self.closed_by_peer(id, now),
            Incoming::Text(_) | Incoming::Binary(_) => match self.endpoint_of_message(id, now) {
                Some(Endpoint::Echo) => {
                    self.counters.echo_messages_received += 1;
                    echo::answer(self, id, incoming, now);
                }
                Some(Endpoint::Chat) => {
                    self.counters.chat_messages_received += 1;
                    self.charge_unread(id, now);
                    self.receive_chat(id, incoming, now);
                }
                None => {}
            },
        }
    }

    fn endpoint_of_message(&mut self, id: ConnectionId, now: Now) -> Option<Endpoint> {
        let connection = self.connections.get_mut(id)?;
        let Phase::Open(session) = &mut connection.phase else {
            return None;
        };
        session.has_spoken = true;
        session.last_message = now.instant;
        Some(session.endpoint)
    }

    fn receive_chat(&mut self, id: ConnectionId, incoming: Incoming, now: Now) {
        match incoming {
            Incoming::Text(text) => self.receive_text(id, text.as_str(), now),
            _ => self.close(id, CloseReason::BinaryNotAccepted, now),
        }
    }

    /// The peer's close frame has come: the answer is the last thing it is told.
    fn closed_by_peer(&mut self, id: ConnectionId, now: Now) {
        self.hear_out(id);
        if let Some(mut websocket) = self.end_session(id, now)
            && let Some(connection) = self.connections.get_mut(id)
        {
            self.counters.ended(Ending::ClosedByPeer);
            self.outbound
                .write(connection, |outbox| websocket.acknowledge_close(outbox));
        }
        self.finish(id, now);
    }
}

impl Session {
    /// Takes at most one frame's bytes: measures, charges, parses.
    fn take_frame(
        &mut self,
        bytes: &[u8],
        outbox: &mut Outbox,
        limits: &Limits,
        counters: &mut Counters,
        seen: &mut Seen,
        now: Instant,
    ) -> Step {
        let measured = match self.websocket.measure(bytes) {
            Ok(measured) => measured,
            Err(reason) => return Step::Violation(reason),
        };
        if let Some(header) = measured.header {
            counters.frame(header.opcode);
            seen.points = self.glitches_of(header);
            if let Err(reason) = self.charge_frame(header, limits, counters, seen, now) {
                return Step::Violation(reason);
            }
        }
        let slice = bytes.get(..measured.taken).unwrap_or(bytes);
        match self.websocket.read(slice, outbox) {
            Ok(incoming) => {
                self.arriving = match incoming {
                    Some(Incoming::Text(_) | Incoming::Binary(_)) => 0,
                    _ => self.arriving.saturating_add(measured.payload_bytes as u32),
                };
                Step::Took(measured.taken, incoming)
            }
            Err(reason) => Step::Violation(reason),
        }
    }

    /// What a frame is charged for being odd, as far as its header tells.
    fn glitches_of(&mut self, header: FrameHeader) -> u64 {
        let has_pinged = std::mem::replace(&mut self.has_pinged, header.opcode == Opcode::Ping);
        let glitch = match header.opcode {
            Opcode::Ping if has_pinged => Glitch::PingAgain,
            Opcode::Ping => Glitch::Ping,
            Opcode::Pong => Glitch::Pong,
            Opcode::Close => return 0,
            // The last fragment of a stream may well have nothing in it.
            _ if header.fin => return 0,
            _ if header.payload_bytes == 0 => Glitch::EmptyFragment,
            _ if header.payload_bytes < TINY_BYTES => Glitch::TinyFragment,
            _ => return 0,
        };
        glitch.points()
    }

    /// Every frame costs, whatever it is; control frames that nobody asked for and fragments have bounds of their own.
    fn charge_frame(
        &mut self,
        header: FrameHeader,
        limits: &Limits,
        counters: &mut Counters,
        seen: &mut Seen,
        now: Instant,
    ) -> Result<(), CloseReason> {
        let mut over = |limit| {
            if limits.shadow.has(limit) {
                seen.overlooked.push(limit);
                return Ok(());
            }
            let scope = Scope::Connection.as_str();
            counters.limited.count_pair([limit, scope]);
            Err(CloseReason::RateLimited)
        };
        self.frames
            .take(1, limits.frames_per_connection, now)
            .or_else(|_| over("frames_per_connection"))?;
        if header.opcode == Opcode::Pong && self.pongs_owed > 0 {
            self.pongs_owed -= 1;
            return Ok(());
        }
        if header.opcode.is_control() {
            return self
                .control_frames
                .take(1, limits.control_frames_per_connection, now)
                .or_else(|_| over("control_frames_per_connection"));
        }
        self.fragments = match header.opcode {
            Opcode::Continuation => self.fragments.saturating_add(1),
            _ => 1,
        };
        let fragments_max = limits.fragments_per_message_max;
        if self.fragments <= fragments_max {
            return Ok(());
        }
        if !limits.shadow.has(FRAGMENTS) {
            return Err(CloseReason::TooManyFragments);
        }
        // There would be no further one of this message.
        if self.fragments == fragments_max.saturating_add(1) {
            seen.overlooked.push(FRAGMENTS);
        }
        Ok(())
    }
}
