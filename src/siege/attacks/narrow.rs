//! Attacks on limits that a few seconds do not reach: each on a server of its own, some of whose settings are lower, or higher,
//! where another limit would say no first.

use std::time::Duration;

use super::super::attack::{
    Attack, End, Entry, From, MEMBERS, Outcome, Pace, STRANGERS, TOO_SLOW, Wire,
};
use super::super::reach::Need;
use super::{SLOWED, credentials};
use crate::protocol::client::text;

/// What takes no notice of how often somebody asks.
const MANY_COMMANDS: (&str, &str) = ("limits.commands_per_user", "{ burst = 500, per = \"1s\" }");
const MANY_MESSAGES: (&str, &str) = ("limits.messages_per_user", "{ burst = 1000, per = \"1s\" }");

/// Says it has everything there is, and reads none.
const DEAF: Attack = Attack {
    reads: false,
    // A socket over loopback takes a megabyte and more before the server's own queue begins.
    sockets: 8,
    entry: Entry::SignedIn(8),
    pace: Pace::Every(Duration::from_millis(5)),
    time_min: Duration::from_secs(6),
    shot: |aim, out| {
        out.extend(text(&format!(
            "{{\"type\":\"members\",\"room\":\"{}\"}}",
            aim.lobby
        )))
    },
    // Whoever reads nothing sees neither a close frame nor its code.
    expect: &[
        Outcome::Held,
        Outcome::Ended,
        Outcome::Reset,
        Outcome::Status(429),
        Outcome::Close(1008),
        Outcome::Close(1013),
    ],
    ..MEMBERS
};

/// People who do nothing.
const QUIET: Attack = Attack {
    shots: 0,
    ..MEMBERS
};

pub(super) const ATTACKS: [Attack; 17] = [
    Attack {
        name: "full-house",
        what: "Silent sockets from everywhere, more than all connections that there may be",
        limits: &["limits.connections_max"],
        signs: &["limited:connections_max"],
        changes: &[
            ("limits.connections_max", "300"),
            ("limits.unauthenticated_max", "300"),
        ],
        sockets: 600,
        from: From::Everywhere,
        wire: Wire::Bare,
        shots: 0,
        expect: &[
            Outcome::Held,
            Outcome::Ended,
            Outcome::Reset,
            Outcome::Status(503),
        ],
        ..STRANGERS
    },
    Attack {
        name: "passers-by",
        what: "People who come, ask for the time, and go for good, from everywhere",
        limits: &["limits.departed_users_max"],
        changes: &[("limits.departed_users_max", "100")],
        sockets: 100,
        connects_per_second: 1000,
        from: From::Everywhere,
        entry: Entry::SignedIn(1000),
        // So that something is owed for seconds.
        shots: 30,
        shot: |_, out| out.extend(text("{\"type\":\"ping\"}")),
        end: End::Leave,
        expect: &[Outcome::Left, Outcome::Held],
        ..MEMBERS
    },
    Attack {
        name: "many-messages",
        what: "Messages of somebody whom only their connection holds back",
        limits: &["limits.messages_per_connection"],
        signs: &["limited:messages_per_connection"],
        changes: &[MANY_MESSAGES],
        sockets: 10,
        shot: |aim, out| out.extend(message(aim.lobby, "buy")),
        expect: SLOWED,
        ..MEMBERS
    },
    Attack {
        name: "messages-of-one-address",
        what: "Messages of fifty people behind one address, each of whom keeps below their own limit",
        limits: &["limits.messages_per_address"],
        signs: &["limited:messages_per_address"],
        changes: &[
            ("limits.connections_per_address", "50"),
            (
                "limits.handshakes_per_address",
                "{ burst = 1000, per = \"1s\" }",
            ),
        ],
        from: From::Address,
        pace: Pace::Every(Duration::from_millis(250)),
        shot: |aim, out| out.extend(message(aim.lobby, "buy")),
        expect: SLOWED,
        ..MEMBERS
    },
    Attack {
        name: "refresh-storm",
        what: "New credentials again and again on one connection",
        limits: &["limits.refreshes_per_connection"],
        signs: &["limited:refreshes_per_connection"],
        shot: |aim, out| {
            out.extend(text(&format!(
                "{{\"type\":\"refresh\",\"token\":\"{}\"}}",
                aim.token
            )))
        },
        pace: Pace::Every(Duration::from_millis(100)),
        expect: SLOWED,
        ..MEMBERS
    },
    Attack {
        name: "nonsense-for-ever",
        what: "Messages that are none, however long the server pauses",
        needs: &[Need::Below("limits.pauses_max", 30)],
        limits: &["limits.pauses_max"],
        signs: &["limited:pauses_max"],
        changes: &[("deadlines.pause", "50ms"), MANY_COMMANDS],
        shot: |_, out| out.extend(text("nonsense")),
        expect: SLOWED,
        ..MEMBERS
    },
    Attack {
        name: "join-too-many",
        what: "People who want to be in more rooms than anybody may",
        needs: &[Need::OtherRoom],
        limits: &["limits.rooms_per_connection_max"],
        signs: &["limited:rooms_per_connection_max"],
        changes: &[("limits.rooms_per_connection_max", "1")],
        shot: |aim, out| {
            out.extend(text(&format!(
                "{{\"type\":\"join\",\"room\":\"{}\"}}",
                aim.room
            )))
        },
        pace: Pace::Every(Duration::from_millis(200)),
        expect: SLOWED,
        ..MEMBERS
    },
    Attack {
        name: "too-many-members",
        what: "People who ask who is there, of a server that tells of ten",
        limits: &["limits.members_listed_max"],
        signs: &[],
        changes: &[("limits.members_listed_max", "10")],
        pace: Pace::Every(Duration::from_millis(200)),
        reads: true,
        time_min: Duration::ZERO,
        ..DEAF
    },
    Attack {
        name: "slow-reader",
        what: "People who ask for the longest answers and read none",
        limits: &["limits.outbound_bytes_per_connection_max"],
        signs: &["limited:outbound_bytes_per_connection_max"],
        changes: &[MANY_COMMANDS],
        time_min: Duration::from_secs(8),
        ..DEAF
    },
    Attack {
        name: "all-slow-readers",
        what: "The same by so many that the queues of all are full before that of one is",
        limits: &["limits.outbound_bytes_max"],
        signs: &["limited:outbound_bytes_max"],
        changes: &[("limits.outbound_bytes_max", "512KiB"), MANY_COMMANDS],
        ..DEAF
    },
    Attack {
        name: "stalled-reader",
        what: "People who read nothing, while little waits for them",
        limits: &["deadlines.unread"],
        signs: &["limited:deadlines.unread"],
        changes: &[
            ("deadlines.unread", "1s"),
            ("limits.outbound_bytes_per_connection_max", "16MiB"),
            MANY_COMMANDS,
        ],
        pace: Pace::Every(Duration::from_millis(2)),
        ..DEAF
    },
    Attack {
        name: "never-pong",
        what: "People who are in and answer no ping",
        limits: &["deadlines.pong", "deadlines.ping"],
        signs: &["limited:deadlines.pong"],
        changes: &[("deadlines.ping", "1s"), ("deadlines.pong", "1s")],
        time_min: Duration::from_secs(4),
        pongs: false,
        // Nothing is said to somebody who is not there.
        expect: &[Outcome::Held, Outcome::Close(1001), Outcome::Ended],
        ..QUIET
    },
    Attack {
        name: "idle-people",
        what: "People who are in, answer pings and say nothing",
        limits: &["deadlines.idle"],
        signs: &["limited:deadlines.idle"],
        changes: &[("deadlines.idle", "3s")],
        time_min: Duration::from_secs(5),
        expect: &[Outcome::Held, Outcome::Close(1001)],
        ..QUIET
    },
    Attack {
        name: "mute-people",
        what: "People who come in and never say a first word",
        limits: &["deadlines.first_message"],
        signs: &["limited:deadlines.first_message"],
        changes: &[("deadlines.first_message", "3s")],
        time_min: Duration::from_secs(5),
        expect: &[Outcome::Held, Outcome::Close(1008), Outcome::Status(429)],
        ..QUIET
    },
    Attack {
        name: "slower-head",
        what: "Request heads byte by byte, of whom there is room for all",
        limits: &["deadlines.head"],
        signs: &["limited:deadlines.head"],
        changes: &[("deadlines.head", "1s")],
        sockets: 500,
        shots: u64::MAX,
        shot: |aim, out| out.push(HEAD.get(aim.shot as usize).copied().unwrap_or(b'a')),
        expect: TOO_SLOW,
        ..STRANGERS
    },
    Attack {
        name: "never-signs-in",
        what: "One plain request after another, of people who never sign in",
        needs: &[Need::AtLeast("limits.requests_per_connection_max", 15)],
        limits: &["deadlines.sign_in"],
        signs: &["limited:deadlines.sign_in"],
        changes: &[("deadlines.sign_in", "1s")],
        sockets: 100,
        shots: u64::MAX,
        // Each shot ends one request and begins the next, so that neither deadline of a request is ever over.
        shot: |aim, out| {
            let end: &[u8] = if aim.shot == 0 { b"" } else { b"\r\n" };
            out.extend_from_slice(end);
            out.extend_from_slice(b"GET /healthz HTTP/1.1\r\nHost: a.example\r\n");
        },
        time_min: Duration::from_secs(5),
        expect: TOO_SLOW,
        ..STRANGERS
    },
    Attack {
        name: "old-offender",
        what: "Bad tokens of one address that comes back as soon as it may",
        limits: &[
            "limits.offences_per_address",
            "limits.penalty_min",
            "limits.penalty_max",
        ],
        signs: &["limited:offences_per_address"],
        changes: &[("limits.penalty_min", "1s"), ("limits.penalty_max", "2s")],
        from: From::Address,
        sockets: 20,
        connects_per_second: 1000,
        shot: credentials::BAD_TOKEN,
        expect: credentials::REFUSED,
        ..STRANGERS
    },
];

const HEAD: &[u8] = b"GET /ws/chat HTTP/1.1\r\nHost: a.example\r\nX-Padding: ";

fn message(room: &str, said: &str) -> Vec<u8> {
    text(&format!(
        "{{\"type\":\"send\",\"room\":\"{room}\",\"message\":\"{said}\"}}"
    ))
}
