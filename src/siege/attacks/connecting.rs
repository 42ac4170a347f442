//! Attacks by connections alone, before a request is there.

use super::super::attack::{Attack, End, From, Outcome, STRANGERS, Wire};

const SILENT: Attack = Attack {
    sockets: 5000,
    connects_per_second: 2500,
    wire: Wire::Bare,
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

pub(super) const ATTACKS: [Attack; 5] = [
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
        name: "one-address-flood",
        what: "The same from one address",
        limits: &["limits.plain_per_address"],
        signs: &["limited:plain_per_address"],
        sockets: 500,
        from: From::Address,
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
        limits: &["limits.offences_per_address", "turn.accepts_max"],
        signs: &["limited:offences_per_address"],
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
];
