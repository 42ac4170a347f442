//! Attacks by connections alone, before a request is there.

use std::time::Duration;

use super::super::attack::{Attack, End, From, Outcome, Pace, STRANGERS};

/// The beginning of a ClientHello (RFC 8446 §4.1.2): a record of 512 bytes, of which few come.
const HALF_HELLO: [u8; 24] = [
    0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03, 0x5A, 0x5A, 0x5A, 0x5A, 0x5A,
    0x5A, 0x5A, 0x5A, 0x5A, 0x5A, 0x5A, 0x5A, 0x5A,
];

const SILENT: Attack = Attack {
    sockets: 5000,
    connects_per_second: 2500,
    shots: 0,
    ..STRANGERS
};

const TURNED_AWAY: &[Outcome] = &[
    Outcome::Held,
    Outcome::Status(408),
    Outcome::Status(429),
    Outcome::Status(503),
    Outcome::Ended,
];

pub(super) const ATTACKS: [Attack; 6] = [
    Attack {
        name: "connect-flood",
        what: "Sockets that connect and say nothing",
        limits: &["limits.unauthenticated_max", "limits.plain_per_address"],
        signs: &["limited:unauthenticated_max", "limited:plain_per_address"],
        expect: TURNED_AWAY,
        ..SILENT
    },
    Attack {
        name: "scattered-flood",
        what: "The same from thousands of /24, one socket each",
        limits: &["limits.unauthenticated_max"],
        signs: &["limited:unauthenticated_max"],
        from: From::Everywhere,
        expect: TURNED_AWAY,
        ..SILENT
    },
    Attack {
        name: "connect-churn",
        what: "Sockets that connect and go at once, again and again",
        limits: &["turn.accepts_max"],
        sockets: 200,
        connects_per_second: 5000,
        end: End::Leave,
        expect: &[
            Outcome::Left,
            Outcome::Status(429),
            Outcome::Status(503),
            Outcome::Ended,
        ],
        ..SILENT
    },
    Attack {
        name: "reset-storm",
        what: "Sockets that send half a head and reset, again and again",
        limits: &["turn.accepts_max"],
        sockets: 200,
        connects_per_second: 5000,
        shots: 1,
        shot: |_, out| out.extend_from_slice(b"GET /ws/chat HTTP/1.1\r\nHost: a.exa"),
        end: End::Reset,
        expect: &[
            Outcome::Left,
            Outcome::Status(429),
            Outcome::Status(503),
            Outcome::Ended,
            Outcome::Reset,
        ],
        ..SILENT
    },
    Attack {
        name: "half-tls",
        what: "The first bytes of a TLS handshake, and then nothing",
        limits: &["deadlines.handshake", "limits.unauthenticated_max"],
        signs: &[
            "handshakes:malformed_request",
            "handshakes:request_timeout",
            "limited:unauthenticated_max",
            "limited:plain_per_address",
        ],
        sockets: 1000,
        shots: 1,
        shot: |_, out| out.extend_from_slice(&HALF_HELLO),
        expect: HELLO,
        ..STRANGERS
    },
    Attack {
        name: "slow-tls",
        what: "A TLS handshake byte by byte",
        limits: &["deadlines.handshake", "limits.unauthenticated_max"],
        signs: &[
            "handshakes:malformed_request",
            "handshakes:request_timeout",
            "limited:unauthenticated_max",
            "limited:plain_per_address",
        ],
        sockets: 1000,
        shots: u64::MAX,
        shot: |aim, out| out.push(HALF_HELLO.get(aim.shot as usize).copied().unwrap_or(0x5A)),
        pace: Pace::Every(Duration::from_millis(50)),
        expect: HELLO,
        ..STRANGERS
    },
];

/// A server without TLS takes it for a request that is none.
const HELLO: &[Outcome] = &[
    Outcome::Held,
    Outcome::Status(400),
    Outcome::Status(408),
    Outcome::Status(429),
    Outcome::Status(503),
    Outcome::Ended,
];
