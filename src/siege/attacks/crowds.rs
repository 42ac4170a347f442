//! Attacks by numbers of people, each of whom does nothing wrong.

use std::time::Duration;

use super::super::attack::{Attack, End, Entry, From, MEMBERS, Outcome, Pace};
use crate::protocol::client::text;

pub(super) const CROWD: Attack = Attack {
    sockets: 500,
    connects_per_second: 5000,
    entry: Entry::SignedIn(500),
    pace: Pace::Every(Duration::from_millis(500)),
    shots: 2,
    shot: |_, out| out.extend(text("{\"type\":\"ping\"}")),
    expect: &[
        Outcome::Held,
        Outcome::Left,
        Outcome::Close(1008),
        Outcome::Status(429),
    ],
    ..MEMBERS
};

pub(super) const ATTACKS: [Attack; 5] = [
    Attack {
        name: "half-close",
        what: "People who sign in, ask once, and shut their side of the connection",
        end: End::HalfClose,
        sockets: 50,
        entry: Entry::SignedIn(50),
        shots: 1,
        expect: &[
            Outcome::Ended,
            Outcome::Held,
            Outcome::Close(1008),
            Outcome::Status(429),
        ],
        ..CROWD
    },
    Attack {
        name: "mass-disconnect",
        what: "Five hundred people who come and are torn away at once",
        again: false,
        end: End::Reset,
        ..CROWD
    },
    Attack {
        name: "reconnect-herd",
        what: "Five hundred people who go and come back at once, again and again",
        end: End::Leave,
        ..CROWD
    },
    Attack {
        name: "users-of-one-prefix",
        what: "A thousand people of one /24",
        limits: &["limits.connections_per_address"],
        signs: &["limited:connections_per_address"],
        sockets: 1000,
        connects_per_second: 1000,
        entry: Entry::SignedIn(1000),
        shots: 0,
        ..CROWD
    },
    Attack {
        name: "one-user-everywhere",
        what: "One person from hundreds of /24",
        limits: &["limits.connections_per_user"],
        signs: &["limited:connections_per_user"],
        sockets: 300,
        connects_per_second: 1000,
        from: From::Everywhere,
        entry: Entry::SignedIn(1),
        shots: 0,
        ..CROWD
    },
];
