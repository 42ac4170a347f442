//! Attacks by request heads.

use std::time::Duration;

use super::super::attack::{Attack, Outcome, Pace, STRANGERS};
use super::super::reach::Need;
use crate::protocol::client::upgrade_request;

const HEAD: &[u8] =
    b"GET /ws/chat HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nX-Padding: ";
/// Bytes of the longest head sent: eight times what is allowed by default.
const BOMB_BYTES: usize = 64 * 1024;

pub(super) const ATTACKS: [Attack; 6] = [
    Attack {
        name: "slow-head",
        what: "Request heads byte by byte",
        limits: &["limits.unauthenticated_max", "deadlines.head"],
        signs: &[
            "limited:deadlines.head",
            "limited:unauthenticated_max",
            "limited:plain_per_address",
        ],
        sockets: 2000,
        shots: u64::MAX,
        shot: |aim, out| out.push(HEAD.get(aim.shot as usize).copied().unwrap_or(b'a')),
        pace: Pace::Every(Duration::from_millis(100)),
        expect: &[
            Outcome::Held,
            Outcome::Status(408),
            Outcome::Status(429),
            Outcome::Status(503),
            // Whoever makes room for another, and was sending then.
            Outcome::Ended,
            Outcome::Reset,
        ],
        ..STRANGERS
    },
    Attack {
        name: "head-bomb",
        what: "Heads of 64 KiB",
        limits: &["limits.head_bytes_max"],
        signs: &["limited:head_bytes_max"],
        shot: |_, out| {
            out.extend_from_slice(HEAD);
            out.resize(out.len() + BOMB_BYTES, b'a');
        },
        expect: REFUSED,
        ..STRANGERS
    },
    Attack {
        name: "many-fields",
        what: "Heads of more fields than any may have",
        needs: &[Need::AtLeast("limits.head_bytes_max", 2048)],
        limits: &["limits.head_fields_max"],
        signs: &["limited:head_fields_max"],
        shot: |_, out| {
            out.extend_from_slice(b"GET /ws/chat HTTP/1.1\r\nHost: a.example\r\n");
            for _ in 0..200 {
                out.extend_from_slice(b"X-A: b\r\n");
            }
            out.extend_from_slice(b"\r\n");
        },
        expect: REFUSED,
        ..STRANGERS
    },
    Attack {
        name: "endless-requests",
        what: "Requests without end on one connection",
        needs: &[Need::Below("limits.requests_per_connection_max", 150)],
        limits: &["limits.requests_per_connection_max"],
        sockets: 20,
        connects_per_second: 20,
        shot: |_, out| {
            for _ in 0..150 {
                out.extend_from_slice(b"GET /healthz HTTP/1.1\r\nHost: a.example\r\n\r\n");
            }
        },
        again: false,
        // Of what it has sent more than is answered.
        expect: &[Outcome::Ended, Outcome::Reset],
        ..STRANGERS
    },
    Attack {
        name: "garbage-upgrade",
        what: "Upgrades without key, of another version, by another method, of bytes that are no HTTP",
        signs: &[
            "handshakes:malformed_request",
            "handshakes:version_unsupported",
        ],
        shot: |aim, out| {
            let good = upgrade_request("/ws/chat", "");
            let bad = match aim.connection % 4 {
                0 => good.replace("Sec-WebSocket-Key", "X-Key"),
                1 => good.replace("Version: 13", "Version: 8"),
                2 => good.replace("GET ", "BREW "),
                _ => "\u{0}\u{1}\u{2}nonsense\r\n\r\n".to_owned(),
            };
            out.extend_from_slice(bad.as_bytes());
        },
        expect: REFUSED,
        ..STRANGERS
    },
    Attack {
        name: "pipelined-junk",
        what: "Twenty requests at once, then junk",
        needs: &[Need::AtLeast("limits.requests_per_connection_max", 21)],
        signs: &["handshakes:malformed_request", "limited:bytes_per_address"],
        shot: |_, out| {
            for _ in 0..20 {
                out.extend_from_slice(b"GET /healthz HTTP/1.1\r\nHost: a.example\r\n\r\n");
            }
            out.extend_from_slice(b"\xff\xfe junk \x00\r\n\r\n");
        },
        expect: &[
            Outcome::Status(400),
            Outcome::Status(429),
            Outcome::Status(503),
        ],
        ..STRANGERS
    },
];

const REFUSED: &[Outcome] = &[
    Outcome::Status(400),
    Outcome::Status(405),
    Outcome::Status(426),
    Outcome::Status(429),
    Outcome::Status(431),
    Outcome::Status(503),
];
