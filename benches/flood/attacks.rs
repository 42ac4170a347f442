//! The attacks: who comes, what they send and how fast. The same for every server, in the server's own language.

use std::net::Ipv4Addr;
use std::time::Duration;

use wardroom::protocol::client::{frame, masked, text};

use crate::language::{Language, spoilt};

/// One attack.
#[derive(Clone, Copy)]
pub struct Attack {
    /// As it is asked for and reported.
    pub name: &'static str,
    /// What it does, in one sentence without its full stop.
    pub what: &'static str,
    /// Sockets at once.
    pub sockets: usize,
    /// New connections in a second, those that take the place of ended ones included.
    pub connects_per_second: u32,
    pub entry: Entry,
    /// Appends what is sent again and again.
    pub shot: fn(&Aim<'_>, &mut Vec<u8>),
    pub pace: Pace,
    /// Shots of one connection before its end.
    pub shots: u64,
    pub end: End,
    pub reads: bool,
    /// Whether it is about tokens: nothing is tried on a server that looks at none.
    pub is_about_tokens: bool,
}

/// What a shot may make use of.
pub struct Aim<'a> {
    /// Which shot of this connection: 0, 1, 2 …
    pub shot: u64,
    pub language: Language,
    pub user: &'a str,
    /// A good token of this user.
    pub token: &'a str,
}

/// How a connection begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Shots go out as soon as it is there.
    Raw,
    /// Signed in, every connection as another user.
    SignedIn,
}

/// What a connection does after its last shot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Waits for the server.
    Waits,
    Leaves,
    /// Leaves with a reset.
    Resets,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// One after another, with this between them.
    Every(Duration),
    /// As fast as the socket takes them.
    FlatOut,
}

/// What most attacks on the way in have in common.
const STRANGERS: Attack = Attack {
    name: "",
    what: "",
    sockets: 200,
    connects_per_second: 10_000,
    entry: Entry::Raw,
    shot: |_, _| {},
    pace: Pace::Every(Duration::from_millis(100)),
    shots: 1,
    end: End::Waits,
    reads: true,
    is_about_tokens: false,
};

/// What most attacks by people who have signed in have in common.
const MEMBERS: Attack = Attack {
    sockets: 50,
    connects_per_second: 100,
    entry: Entry::SignedIn,
    pace: Pace::FlatOut,
    shots: u64::MAX,
    ..STRANGERS
};

/// The words of a flood.
const FLOOD: &str = "buy";

pub const EVERYTHING: &str = "everything";
/// Its sockets and connections of each attack when all come at once: so many times fewer.
const SHARE: usize = 4;

const ATTACKS: [Attack; 22] = [
    Attack {
        name: "nobody",
        what: "No attack: how much two calms differ",
        sockets: 0,
        ..STRANGERS
    },
    Attack {
        name: "message-flood",
        what: "50 people, signed in, who say something as fast as it goes",
        shot: |aim, out| out.extend(text(&aim.language.say(FLOOD))),
        ..MEMBERS
    },
    Attack {
        name: "byte-flood",
        what: "50 people, signed in, who say something with nearly 8,000 spaces around it, as fast as it goes",
        shot: |aim, out| {
            let said = aim.language.say(FLOOD);
            out.extend(text(&format!("{said}{}", " ".repeat(7900))));
        },
        ..MEMBERS
    },
    Attack {
        name: "slow-readers",
        what: "50 people, signed in, who ask as fast as it goes and read no answer",
        shot: |aim, out| out.extend(aim.language.ask()),
        reads: false,
        ..MEMBERS
    },
    Attack {
        name: "endless-fragments",
        what: "50 people, signed in, with one message each whose fragments of a byte never end",
        shot: |aim, out| out.extend(masked(u8::from(aim.shot == 0), b"x")),
        ..MEMBERS
    },
    Attack {
        name: "ping-flood",
        what: "50 people, signed in, who send pings as fast as it goes",
        shot: |_, out| out.extend(masked(0x89, b"")),
        ..MEMBERS
    },
    Attack {
        name: "pong-flood",
        what: "50 people, signed in, who send pongs that nobody has asked for, as fast as it goes",
        shot: |_, out| out.extend(masked(0x8A, b"")),
        ..MEMBERS
    },
    Attack {
        name: "giant-frames",
        what: "50 people, signed in, with a frame each of a declared gigabyte, as much of it as is taken",
        shot: |aim, out| match aim.shot {
            0 => out.extend(frame(0x82, 1 << 30, true).into_iter().chain([0; 4])),
            _ => out.extend([b'g'; 16 * 1024]),
        },
        ..MEMBERS
    },
    Attack {
        name: "deep-json",
        what: "50 people, signed in, who send arrays in arrays, 2,000 deep, as fast as it goes",
        shot: |_, out| out.extend(text(&"[".repeat(2000))),
        ..MEMBERS
    },
    Attack {
        name: "wide-json",
        what: "50 people, signed in, who send objects of 600 fields, as fast as it goes",
        shot: |_, out| {
            let fields: Vec<String> = (0..600).map(|number| format!("\"f{number}\":0")).collect();
            out.extend(text(&format!("{{{}}}", fields.join(","))));
        },
        ..MEMBERS
    },
    Attack {
        name: "oversize-texts",
        what: "People who sign in again and again for one message of 9,000 characters",
        connects_per_second: 200,
        shot: |aim, out| out.extend(text(&aim.language.say(&"y".repeat(9000)))),
        shots: 1,
        ..MEMBERS
    },
    Attack {
        name: "broken-frames",
        what: "People who sign in again and again for one frame without a mask, with a reserved bit, or of a text that is no UTF-8",
        sockets: 50,
        connects_per_second: 200,
        shot: |aim, out| match aim.user.as_bytes().last().map_or(0, |last| last % 3) {
            0 => out.extend(b"\x81\x05hello"),
            1 => out.extend(masked(0xC1, b"hello")),
            _ => out.extend(masked(0x81, b"\xFF\xFE")),
        },
        shots: 1,
        ..MEMBERS
    },
    Attack {
        name: "reconnect-herd",
        what: "People who sign in and go at once, five hundred a second",
        sockets: 200,
        connects_per_second: 500,
        shots: 0,
        end: End::Leaves,
        ..MEMBERS
    },
    Attack {
        name: "bad-tokens",
        what: "Upgrades with a token whose signature is wrong, as fast as they go",
        shot: |aim, out| {
            let request = aim.language.upgrade(aim.user, &spoilt(aim.token));
            out.extend_from_slice(request.as_bytes());
        },
        is_about_tokens: true,
        ..STRANGERS
    },
    Attack {
        name: "garbage",
        what: "Requests that are none, five thousand a second",
        connects_per_second: 5000,
        shot: |_, out| out.extend(b"\x16\x03\x01 / HTTP\r\nno field\r\n\r\n"),
        ..STRANGERS
    },
    Attack {
        name: "pipelined-junk",
        what: "Twenty requests for a page at once, then junk, a thousand times a second",
        connects_per_second: 1000,
        shot: |_, out| {
            for _ in 0..20 {
                out.extend(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
            }
            out.extend(b"\xff\xfe junk \x00\r\n\r\n");
        },
        ..STRANGERS
    },
    Attack {
        name: "head-bombs",
        what: "Request heads of 128 KiB, as fast as they go",
        shot: |aim, out| {
            if aim.shot == 0 {
                out.extend(aim.language.endless_head().as_bytes());
            }
            out.extend([b'a'; 16 * 1024]);
        },
        pace: Pace::FlatOut,
        shots: 8,
        ..STRANGERS
    },
    Attack {
        name: "connect-churn",
        what: "Sockets that connect and go at once, five thousand a second",
        connects_per_second: 5000,
        shots: 0,
        end: End::Leaves,
        ..STRANGERS
    },
    Attack {
        name: "reset-storm",
        what: "Sockets that connect and are reset at once, five thousand a second",
        connects_per_second: 5000,
        shots: 0,
        end: End::Resets,
        ..STRANGERS
    },
    Attack {
        name: "silent-sockets",
        what: "5,000 sockets that connect and say nothing",
        sockets: 5000,
        connects_per_second: 2500,
        shots: 0,
        ..STRANGERS
    },
    Attack {
        name: "slow-heads",
        what: "2,000 request heads that come byte by byte",
        sockets: 2000,
        connects_per_second: 2000,
        shot: |aim, out| {
            let head = aim.language.endless_head();
            let byte = head.as_bytes().get(aim.shot as usize).copied();
            out.push(byte.unwrap_or(b'a'));
        },
        shots: u64::MAX,
        ..STRANGERS
    },
    Attack {
        name: EVERYTHING,
        what: "All of these at once, each with a quarter of its sockets",
        ..STRANGERS
    },
];

/// All of them, in the order in which they are made.
pub fn all() -> &'static [Attack] {
    &ATTACKS
}

/// What an attack on a server is made of: itself, or a part of all the others.
pub fn parts(attack: &Attack, looks_at_tokens: bool) -> Vec<Attack> {
    if attack.name != EVERYTHING {
        return vec![*attack];
    }
    let others = ATTACKS.iter().filter(|other| {
        let can_be = looks_at_tokens || !other.is_about_tokens;
        can_be && other.name != EVERYTHING && other.sockets > 0
    });
    others
        .map(|other| Attack {
            sockets: (other.sockets / SHARE).max(1),
            connects_per_second: (other.connects_per_second / SHARE as u32).max(1),
            ..*other
        })
        .collect()
}

/// The address of the attackers' connection of this number: 190 of one /24. Honest people use none of them.
pub fn attackers_source(connection: u64) -> Ipv4Addr {
    Ipv4Addr::new(127, 66, 1, (connection % 190 + 1) as u8)
}

/// The address of the talker of this number: a /24 of their own.
pub fn talkers_source(number: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 10, (number % 250 + 1) as u8, 1)
}

/// The address of the newcomer of this number: the attackers' /24 but no address of theirs, or a /24 of their own.
pub fn newcomers_source(number: u64, is_neighbour: bool) -> Ipv4Addr {
    if is_neighbour {
        return Ipv4Addr::new(127, 66, 1, (200 + number % 50) as u8);
    }
    let (high, low) = (number / 250 % 40, number % 250);
    Ipv4Addr::new(127, 100 + high as u8, low as u8 + 1, 7)
}
