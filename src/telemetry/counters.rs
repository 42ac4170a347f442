//! What is counted: plain numbers that their owner adds to. No atomics, no locks: there is one owner.

use std::time::Duration;

use super::histogram::Histogram;
use super::tally::Tally;
use crate::config::SHADOWABLE;
use crate::protocol::close::CloseReason;
use crate::protocol::frame::Opcode;
use crate::protocol::response::Refusal;

/// In nanoseconds: from a turn that found nothing to one that everybody felt.
const TURN_BOUNDS: [u64; 14] = [
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    1_000_000_000,
];
const EVENT_BOUNDS: [u64; 11] = [0, 1, 2, 4, 8, 16, 32, 64, 128, 512, 1024];
/// In connections: from a talk of two to a full house.
const FAN_OUT_BOUNDS: [u64; 14] = [
    0, 1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000,
];

/// In nanoseconds: from an answer out of memory to one that nobody waits for any more.
const WORK_BOUNDS: [u64; 12] = [
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    50_000_000,
    100_000_000,
    500_000_000,
    1_000_000_000,
    5_000_000_000,
];

/// What can come of a question to another thread.
const WORKS: [[&str; 2]; 7] = [
    ["store", "answered"],
    ["store", "failed"],
    ["store", "busy"],
    ["hook", "known"],
    ["hook", "refused"],
    ["hook", "unusable"],
    ["hook", "silent"],
];

/// Too many bytes wait for one connection.
pub const OUTBOUND_BYTES: [&str; 2] = ["outbound_bytes_per_connection_max", "connection"];
/// Something waits for one connection for too long.
pub const UNREAD: [&str; 2] = ["deadlines.unread", "connection"];

/// A message is longer than one may be, on each endpoint.
pub const MESSAGE_BYTES: [&str; 2] = ["message_bytes_max", "connection"];
pub const ECHO_BYTES: [&str; 2] = ["echo.message_bytes_max", "connection"];
const FIRST_MESSAGE: [&str; 2] = ["deadlines.first_message", "connection"];
const IDLE: [&str; 2] = ["deadlines.idle", "connection"];
const PONG: [&str; 2] = ["deadlines.pong", "connection"];

/// Limits that a client can meet, each with whose it is.
const LIMITS: [[&str; 2]; 72] = [
    ["memory", "server"],
    ["descriptors", "server"],
    ["connections_max", "server"],
    ["unauthenticated_max", "server"],
    ["stopping", "server"],
    ["tickets_max", "server"],
    ["pending_answers_max", "server"],
    ["auth.hook.queue_max", "server"],
    ["auth.hook.questions_per_address_max", "address"],
    ["turn.signature_checks_max", "server"],
    ["private.connections_max", "server"],
    ["private.requests", "server"],
    ["private.body_bytes_max", "connection"],
    ["sessions_max", "server"],
    ["sessions_per_user_max", "user"],
    ["revocations_max", "server"],
    ["outbound_bytes_max", "server"],
    ["plain_per_address", "address"],
    ["connections_per_address", "address"],
    ["handshakes_per_address", "address"],
    ["failed_authentications_per_address", "address"],
    ["offences_per_address", "address"],
    ["bytes_per_address", "address"],
    ["messages_per_address", "address"],
    ["connections_per_user", "user"],
    ["commands_per_user", "user"],
    ["messages_per_user", "user"],
    ["tickets_per_user_max", "user"],
    ["messages_per_connection", "connection"],
    ["bytes_per_connection", "connection"],
    ["error_replies_per_connection", "connection"],
    ["rooms_max", "server"],
    ["created_per_user_max", "user"],
    ["messages_per_minute", "room"],
    ["bytes_per_second", "room"],
    ["retention_messages_max", "room"],
    ["retention_max", "room"],
    ["message_characters_max", "room"],
    ["pending_max", "server"],
    ["pages_per_user_max", "user"],
    ["changes_waiting_max", "room"],
    ["own_changes_waiting_max", "member"],
    ["joins_per_minute", "room"],
    ["joins_per_minute", "member"],
    ["members_max", "room"],
    ["people_max", "room"],
    ["messages_per_minute_per_member", "member"],
    ["slow_mode_ms", "member"],
    ["cooldown_ms", "member"],
    ["knocks_per_user", "member"],
    ["refreshes_per_connection", "connection"],
    ["message_characters_max", "connection"],
    ["rooms_per_connection_max", "connection"],
    ["fragments_per_message_max", "connection"],
    ["requests_per_connection_max", "connection"],
    ["tls_handshake_bytes_max", "connection"],
    ["head_bytes_max", "connection"],
    ["head_fields_max", "connection"],
    ["deadlines.handshake", "connection"],
    ["deadlines.head", "connection"],
    ["deadlines.sign_in", "connection"],
    FIRST_MESSAGE,
    IDLE,
    PONG,
    MESSAGE_BYTES,
    ECHO_BYTES,
    OUTBOUND_BYTES,
    UNREAD,
    ["frames_per_connection", "connection"],
    ["control_frames_per_connection", "connection"],
    ["glitches_per_connection", "connection"],
    ["pauses_max", "connection"],
];

/// Everything that the engine counts.
#[derive(Debug, Clone)]
pub struct Counters {
    /// Connections accepted.
    pub accepted: u64,
    /// Times at which the kernel would not give one that waited, for want of descriptors or memory.
    pub unaccepted: u64,
    /// Requests for a WebSocket that became a session, and every request that was refused, by the word of its outcome.
    pub handshakes: Tally,
    /// Plain requests that were answered.
    pub responses: u64,
    /// Refusals by limit and scope.
    pub limited: Tally,
    /// What limits that are rehearsed would have refused, by limit and scope.
    pub shadowed: Tally,
    /// Connections that were let go for want of memory: strangers, slow readers, idle ones.
    pub shed: [u64; 3],
    /// Sessions that ended, by reason.
    pub closes: [u64; CloseReason::ALL.len()],
    /// Sessions that ended otherwise.
    pub endings: [u64; Ending::ALL.len()],
    pub bytes_received: u64,
    pub bytes_sent: u64,
    /// Frames whose header was read, by opcode.
    pub frames_received: [u64; 6],
    /// Text messages on the chat endpoint.
    pub chat_messages_received: u64,
    /// Messages on the echo endpoint.
    pub echo_messages_received: u64,
    /// Chat messages that rooms were told.
    pub messages_said: u64,
    /// Notices to rooms, each counted for each connection that it was queued for.
    pub deliveries: u64,
    /// Typing, comings and goings that a connection was not told of, being behind with reading.
    pub left_out: u64,
    /// Errors told to clients, by code.
    pub errors: Tally,
    /// Pings sent.
    pub pings: u64,
    /// Connections that one notice to a room was queued for.
    pub fan_out: Histogram<14>,
    /// Nanoseconds from the end of the poll to the end of the turn.
    pub turn_nanos: Histogram<14>,
    /// What the poll brought.
    pub turn_events: Histogram<11>,
    /// TLS handshakes done, by version and key exchange group.
    pub tls_handshakes: Tally,
    /// Those of them that went on with an earlier session.
    pub tls_resumptions: u64,
    /// TLS handshakes that failed, by reason.
    pub tls_failures: Tally,
    /// What other threads did for the loop, by who did it and what came of it.
    pub works: Tally,
    /// Nanoseconds from question to answer, by [`Worker`].
    pub work_nanos: [Histogram<12>; Worker::ALL.len()],
    /// Lines of the security log that were left out for their rate.
    pub events_left_out: u64,
    /// Lines of the security log, by kind.
    pub events: Tally,
}

/// How a session ends without a reason of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The peer sent its close frame first.
    ClosedByPeer,
    /// The peer shut its writing side without a close frame.
    EndOfInput,
    /// The socket failed.
    Broken,
}

impl Ending {
    /// Every ending.
    pub const ALL: [Ending; 3] = [Ending::ClosedByPeer, Ending::EndOfInput, Ending::Broken];

    /// Its word.
    pub const fn label(self) -> &'static str {
        match self {
            Ending::ClosedByPeer => "closed_by_peer",
            Ending::EndOfInput => "end_of_input",
            Ending::Broken => "broken",
        }
    }
}

/// A thread that does for the loop what takes longer than a turn may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worker {
    /// The store of sessions and revocations.
    Store,
    /// The operator's own program, asked who somebody is.
    Hook,
}

impl Worker {
    /// Every worker.
    pub const ALL: [Worker; 2] = [Worker::Store, Worker::Hook];

    /// Its word.
    pub const fn label(self) -> &'static str {
        match self {
            Worker::Store => "store",
            Worker::Hook => "hook",
        }
    }
}

/// Connections by what they are doing, counted at a scrape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PhaseCounts {
    /// Waiting for a request or in the middle of its head.
    pub head: u64,
    /// Chat sessions in the tutorial's protocol.
    pub tutorial: u64,
    /// Chat sessions in `wardroom.v1`.
    pub v1: u64,
    pub echo: u64,
    /// Agreeing on TLS.
    pub handshake: u64,
    /// Our close frame is on its way.
    pub closing: u64,
    /// Everything is said.
    pub ending: u64,
    /// Those of the private listener, whatever they do.
    pub private: u64,
}

impl Default for Counters {
    fn default() -> Self {
        let outcomes = ["upgraded"].into_iter().chain(Refusal::CODES);
        let turned_away = [
            CloseReason::TooManyConnectionsOfUser,
            CloseReason::TooManyConnectionsFromAddress,
        ];
        Counters {
            accepted: 0,
            unaccepted: 0,
            handshakes: Tally::of_words(outcomes.chain(turned_away.map(CloseReason::label))),
            responses: 0,
            limited: Tally::of_pairs(LIMITS),
            shadowed: Tally::of_pairs(LIMITS.into_iter().filter(is_rehearsable)),
            shed: [0; 3],
            closes: [0; CloseReason::ALL.len()],
            endings: [0; Ending::ALL.len()],
            bytes_received: 0,
            bytes_sent: 0,
            frames_received: [0; 6],
            chat_messages_received: 0,
            echo_messages_received: 0,
            messages_said: 0,
            deliveries: 0,
            left_out: 0,
            errors: Tally::default(),
            pings: 0,
            fan_out: Histogram::new(&FAN_OUT_BOUNDS),
            turn_nanos: Histogram::new(&TURN_BOUNDS),
            turn_events: Histogram::new(&EVENT_BOUNDS),
            tls_handshakes: Tally::default(),
            tls_resumptions: 0,
            tls_failures: Tally::of_words([
                "handshake_failed",
                "certificate_refused",
                "timeout",
                "abandoned",
            ]),
            works: Tally::of_pairs(WORKS),
            work_nanos: Worker::ALL.map(|_| Histogram::new(&WORK_BOUNDS)),
            events_left_out: 0,
            events: Tally::of_words(super::Kind::ALL.map(super::Kind::word)),
        }
    }
}

impl Counters {
    /// A refusal was written.
    pub fn refused(&mut self, refusal: &Refusal) {
        self.handshakes.count(refusal.code());
        if let Some([limit, scope]) = refusal.limit() {
            self.limited.count_pair([limit, scope]);
        }
    }

    /// A session ends for a reason of ours.
    pub fn closed(&mut self, reason: CloseReason) {
        if let Some(count) = self.closes.get_mut(reason as usize) {
            *count += 1;
        }
        if let Some(limit) = limit_of(reason) {
            self.limited.count_pair(limit);
        }
    }

    /// A session ends otherwise.
    pub fn ended(&mut self, ending: Ending) {
        if let Some(count) = self.endings.get_mut(ending as usize) {
            *count += 1;
        }
    }

    /// A TLS handshake is done; `group` is the registered name of the key exchange, if there was a new one.
    pub fn secured(
        &mut self,
        version: &'static str,
        group: Option<&'static str>,
        is_resumed: bool,
    ) {
        self.tls_handshakes
            .count_pair([version, group.unwrap_or("none")]);
        self.tls_resumptions += u64::from(is_resumed);
    }

    /// A worker has answered, or could not be asked: `outcome` is a word of the program for what came of it.
    pub fn worked(&mut self, worker: Worker, outcome: &'static str, waited: Duration) {
        self.works.count_pair([worker.label(), outcome]);
        if let Some(histogram) = self.work_nanos.get_mut(worker as usize) {
            let nanos = u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX);
            histogram.observe(nanos, 1);
        }
    }

    /// A frame's header was read.
    pub fn frame(&mut self, opcode: Opcode) {
        if let Some(count) = self.frames_received.get_mut(opcode as usize) {
            *count += 1;
        }
    }

    /// A room was told so many notices in each of two protocols, each by so many connections.
    pub fn fanned_out(&mut self, one: (u64, u64), other: (u64, u64)) {
        self.deliveries += one.0 * one.1 + other.0 * other.1;
        // What is said is said in both; a protocol that has no such notice has nobody to tell.
        let told = [one, other].into_iter().filter(|(notices, _)| *notices > 0);
        let connections = told.map(|(_, connections)| connections).sum();
        self.fan_out.observe(connections, one.0.max(other.0));
    }
}

/// Whether it is one of the operator's that can be rehearsed: what the owners of a room have set under the same name is theirs.
fn is_rehearsable([limit, scope]: &[&'static str; 2]) -> bool {
    SHADOWABLE.contains(limit) && *scope != "room"
}

/// The limit behind a close reason that stands for one limit only.
fn limit_of(reason: CloseReason) -> Option<[&'static str; 2]> {
    match reason {
        CloseReason::TooManyFragments => Some(["fragments_per_message_max", "connection"]),
        CloseReason::NoFirstMessage => Some(FIRST_MESSAGE),
        CloseReason::Idle => Some(IDLE),
        CloseReason::NoPong => Some(PONG),
        CloseReason::OutOfMemory => Some(["memory", "server"]),
        CloseReason::Overloaded => Some(["outbound_bytes_max", "server"]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_close_reason_has_a_counter_of_its_own() {
        let mut counters = Counters::default();
        for (at, reason) in CloseReason::ALL.into_iter().enumerate() {
            counters.closed(reason);
            assert_eq!(counters.closes[at], 1, "{}", reason.label());
        }
        for (at, ending) in Ending::ALL.into_iter().enumerate() {
            counters.ended(ending);
            assert_eq!(counters.endings[at], 1, "{}", ending.label());
        }
    }

    #[test]
    fn handshakes_and_works_are_counted_by_what_came_of_them() {
        let mut counters = Counters::default();
        counters.secured("1.3", Some("X25519MLKEM768"), false);
        counters.secured("1.3", None, true);
        counters.worked(Worker::Hook, "known", Duration::from_millis(3));
        let rows: Vec<_> = counters.tls_handshakes.rows().collect();
        assert_eq!(rows, [(["1.3", "X25519MLKEM768"], 1), (["1.3", "none"], 1)]);
        assert_eq!(counters.tls_resumptions, 1);
        assert_eq!(counters.works.of("hook"), 1);
        assert_eq!(
            counters.work_nanos.map(|histogram| histogram.count()),
            [0, 1]
        );
    }

    #[test]
    fn a_notice_is_delivered_to_each_who_hears_it() {
        let mut counters = Counters::default();
        counters.fanned_out((3, 100), (3, 10));
        counters.fanned_out((0, 100), (1, 1));
        assert_eq!(counters.deliveries, 331);
        assert_eq!(counters.fan_out.count(), 4);
        assert_eq!(counters.fan_out.sum(1.0), 331.0);
    }
}
