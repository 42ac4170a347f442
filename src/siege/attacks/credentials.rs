//! Attacks on signing in.

use super::super::attack::{Aim, Attack, End, From, Outcome, STRANGERS, Shot};
use super::super::reach::Need;
use super::crowds::CROWD;
use crate::protocol::client::upgrade_request;

/// As fast as the machine goes.
const FLOOD: Attack = Attack {
    sockets: 200,
    connects_per_second: 10_000,
    limits: &["limits.failed_authentications_per_address"],
    signs: &["limited:failed_authentications_per_address"],
    expect: REFUSED,
    ..STRANGERS
};

pub(super) const REFUSED: &[Outcome] = &[
    Outcome::Close(1008),
    Outcome::Status(429),
    Outcome::Status(401),
];

pub(super) const BAD_TOKEN: Shot =
    |aim, out| ask(&format!("Authorization: Bearer {}\r\n", spoilt(aim)), out);

/// An upgrade with more fields.
fn ask(fields: &str, out: &mut Vec<u8>) {
    let fields = format!("Sec-WebSocket-Protocol: wardroom.v1\r\n{fields}");
    out.extend_from_slice(upgrade_request("/ws/chat", &fields).as_bytes());
}

/// The token with another signature of the same length.
fn spoilt(aim: &Aim<'_>) -> String {
    let (rest, signature) = aim.token.rsplit_once('.').unwrap_or((aim.token, ""));
    let signature: String = signature.chars().rev().collect();
    format!("{rest}.{signature}")
}

pub(super) const ATTACKS: [Attack; 9] = [
    // Right before the next, whose cost is held against its own.
    Attack {
        name: "sign-in-storm",
        what: "Good sign-ins from everywhere, as fast as they go: what an honest one costs",
        limits: &["turn.signature_checks_max"],
        sockets: 200,
        connects_per_second: 10_000,
        from: From::Everywhere,
        shots: 0,
        end: End::Leave,
        ..CROWD
    },
    Attack {
        name: "bad-token",
        what: "Upgrades with a token whose signature is wrong",
        shot: BAD_TOKEN,
        ..FLOOD
    },
    Attack {
        name: "many-networks",
        what: "Bad tokens, one from each of more /24 than the server has places for, going round",
        limits: &[],
        signs: &["handshakes:invalid_credentials"],
        from: From::Networks,
        connects_per_second: 5000,
        // So few that all are taken within two seconds, and that little memory stays with them for as long as they owe something.
        changes: &[("limits.prefixes_max", "6144")],
        shot: BAD_TOKEN,
        ..FLOOD
    },
    Attack {
        name: "replayed-ticket",
        what: "One ticket shown again and again, by one address",
        signs: &["handshakes:invalid_credentials"],
        sockets: 20,
        connects_per_second: 500,
        from: From::Address,
        has_ticket: true,
        shot: |aim, out| {
            let fields = format!(
                "Sec-WebSocket-Protocol: wardroom.v1, wardroom.ticket.{}\r\n",
                aim.ticket
            );
            out.extend_from_slice(upgrade_request("/ws/chat", &fields).as_bytes());
        },
        // It is good once.
        expect: &[
            Outcome::Held,
            Outcome::Close(1008),
            Outcome::Status(401),
            Outcome::Status(429),
        ],
        held_max: 1,
        ..FLOOD
    },
    Attack {
        name: "expired-token",
        what: "Upgrades with a token that was good yesterday",
        from: From::Address,
        sockets: 20,
        limits: &["limits.handshakes_per_address"],
        signs: &["handshakes:token_expired"],
        shot: |aim, out| ask(&format!("Authorization: Bearer {}\r\n", aim.expired), out),
        ..FLOOD
    },
    Attack {
        name: "forged-forwarded",
        what: "Bad tokens of one address that says it is another each time, by X-Forwarded-For and Forwarded",
        from: From::Address,
        sockets: 30,
        shot: |aim, out| {
            let Aim { connection, .. } = aim;
            let (high, low) = (connection / 250 % 250, connection % 250);
            let fields = format!(
                "X-Forwarded-For: 192.0.{high}.{low}\r\nForwarded: for=192.0.{high}.{low}\r\nX-Real-IP: 192.0.{high}.{low}\r\nAuthorization: Bearer {}\r\n",
                spoilt(aim)
            );
            ask(&fields, out);
        },
        ..FLOOD
    },
    Attack {
        name: "forged-proxy",
        what: "PROXY headers of somebody who is no proxy",
        limits: &["proxy.trusted"],
        signs: &["handshakes:malformed_request"],
        shot: |aim, out| {
            let port = 1024 + aim.connection % 60_000;
            out.extend_from_slice(
                format!("PROXY TCP4 192.0.2.7 127.0.0.1 {port} 80\r\n").as_bytes(),
            );
            ask(&format!("Authorization: Bearer {}\r\n", aim.token), out);
        },
        expect: &[Outcome::Status(400), Outcome::Status(429)],
        ..FLOOD
    },
    Attack {
        name: "cross-site",
        what: "A good token from a page of another site",
        limits: &["origins.allow"],
        signs: &["handshakes:origin_forbidden"],
        shot: |aim, out| {
            let fields = format!(
                "Origin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\nAuthorization: Bearer {}\r\n",
                aim.token
            );
            ask(&fields, out);
        },
        expect: &[Outcome::Status(403), Outcome::Status(429)],
        ..FLOOD
    },
    Attack {
        name: "long-token",
        what: "Tokens of 6 KiB that are none",
        needs: &[Need::AtLeast("limits.head_bytes_max", 6400)],
        signs: &[
            "handshakes:invalid_credentials",
            "limited:failed_authentications_per_address",
        ],
        shot: |_, out| {
            ask(
                &format!("Authorization: Bearer {}.e30.x\r\n", "A".repeat(6000)),
                out,
            )
        },
        ..FLOOD
    },
];
