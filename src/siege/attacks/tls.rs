//! Attacks by TLS alone, on a server that speaks it.

use std::time::Duration;

use super::super::attack::{Attack, End, From, Outcome, Pace, STRANGERS, TOO_SLOW, Wire};
use super::super::reach::Need;

/// The beginning of a ClientHello (RFC 8446 §4.1.2): a record of 512 bytes, of which few come.
const HALF_HELLO: [u8; 24] = [
    0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03, 0x5A, 0x5A, 0x5A, 0x5A, 0x5A,
    0x5A, 0x5A, 0x5A, 0x5A, 0x5A, 0x5A, 0x5A, 0x5A,
];
/// A record (RFC 8446 §5.1) of 16 KiB of a ClientHello that announces 128 KiB, and the next.
const RECORD: [u8; 9] = [0x16, 0x03, 0x01, 0x40, 0x00, 0x01, 0x02, 0x00, 0x00];
const RECORD_BYTES: usize = 16 * 1024;

/// Below the default, so that it runs out within seconds.
const SOON: &[(&str, &str)] = &[("deadlines.handshake", "1s")];
/// By then that is over for the first of them, however slowly they came.
const LATE: Duration = Duration::from_secs(3);

/// A server that is beneath words ends the connection, or answers with an alert, which is no word either.
const ENDED: &[Outcome] = &[Outcome::Held, Outcome::Ended, Outcome::Reset];

const HALF: Attack = Attack {
    limits: &["deadlines.handshake", "limits.offences_per_address"],
    signs: &["limited:deadlines.handshake"],
    wire: Wire::BareToTls,
    changes: SOON,
    sockets: 1000,
    expect: ENDED,
    ..STRANGERS
};

pub(super) const ATTACKS: [Attack; 6] = [
    Attack {
        name: "half-tls",
        what: "The first bytes of a TLS handshake, and then nothing",
        time_min: LATE,
        shot: |_, out| out.extend_from_slice(&HALF_HELLO),
        ..HALF
    },
    Attack {
        name: "slow-tls",
        what: "A TLS handshake byte by byte",
        shots: u64::MAX,
        shot: |aim, out| out.push(HALF_HELLO.get(aim.shot as usize).copied().unwrap_or(0x5A)),
        pace: Pace::Every(Duration::from_millis(50)),
        time_min: LATE,
        ..HALF
    },
    Attack {
        name: "huge-hello",
        what: "A TLS handshake whose first message is longer than any may be",
        needs: &[Need::Below(
            "limits.tls_handshake_bytes_max",
            2 * RECORD_BYTES as u64,
        )],
        limits: &["limits.tls_handshake_bytes_max"],
        signs: &["limited:tls_handshake_bytes_max"],
        changes: &[],
        shot: |_, out| {
            for _ in 0..2 {
                out.extend_from_slice(&RECORD);
                out.resize(out.len() + RECORD_BYTES - RECORD.len() + 5, 0x5A);
            }
        },
        ..HALF
    },
    Attack {
        name: "plain-to-tls",
        what: "Requests in the clear to a server that speaks TLS",
        limits: &[],
        signs: &["handshakes:tls_required"],
        changes: &[],
        shot: |_, out| out.extend_from_slice(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"),
        expect: &[Outcome::Status(400), Outcome::Ended, Outcome::Reset],
        ..HALF
    },
    Attack {
        name: "silent-tls",
        what: "TLS handshakes to the end, and then nothing",
        limits: &["limits.unauthenticated_max", "deadlines.head"],
        signs: &["limited:unauthenticated_max", "limited:deadlines.head"],
        wire: Wire::Tls,
        changes: &[],
        sockets: 1500,
        connects_per_second: 1000,
        from: From::Everywhere,
        shots: 0,
        expect: TOO_SLOW,
        ..STRANGERS
    },
    Attack {
        name: "tls-churn",
        what: "TLS handshakes to the end, and gone, as fast as they go",
        limits: &["turn.tls_handshakes_max"],
        wire: Wire::Tls,
        sockets: 200,
        connects_per_second: 10_000,
        from: From::Everywhere,
        shots: 0,
        end: End::Leave,
        expect: &[Outcome::Left, Outcome::Ended],
        ..STRANGERS
    },
];
