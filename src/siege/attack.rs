//! How an attack is described: who comes, what they send and how fast, and what the server is expected to do.
//! [`Attack`] is plain data, so that most attacks are a few lines of a table.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::bounds::{NEIGHBOUR_EVERY, TALKERS};
use super::reach::Need;

/// One attack.
#[derive(Clone, Copy)]
pub(super) struct Attack {
    /// As it is asked for and reported.
    pub(super) name: &'static str,
    /// What it does, in one sentence without its full stop.
    pub(super) what: &'static str,
    /// The settings that are to hold it; more than one where any of them may.
    pub(super) limits: &'static [&'static str],
    /// Counters of the server (`family:label`) of which at least one must have risen; none: nothing is counted for it.
    pub(super) signs: &'static [&'static str],
    /// What must be so of settings for it to be what it is meant to be, besides what follows from its figures.
    pub(super) needs: &'static [Need],
    /// Sockets at once.
    pub(super) sockets: usize,
    /// New connections in a second, those that take the place of ended ones included.
    pub(super) connects_per_second: u32,
    pub(super) from: From,
    pub(super) wire: Wire,
    /// Settings of the server that are others for this attack, so that its limits are reached within seconds.
    pub(super) changes: &'static [(&'static str, &'static str)],
    /// It takes so long to be worth anything.
    pub(super) time_min: Duration,
    pub(super) entry: Entry,
    /// Sent once, before the shots.
    pub(super) prelude: Option<Shot>,
    /// What is sent again and again.
    pub(super) shot: Shot,
    pub(super) pace: Pace,
    /// Shots of one connection before its end.
    pub(super) shots: u64,
    pub(super) end: End,
    /// Whether another connection takes the place of one that ended.
    pub(super) again: bool,
    pub(super) reads: bool,
    /// Whether a ticket is asked for before it begins.
    pub(super) has_ticket: bool,
    /// Whether the server's pings are answered.
    pub(super) pongs: bool,
    /// How connections may end; any other outcome is a finding.
    pub(super) expect: &'static [Outcome],
    /// So many of them may be held open, where that is expected at all.
    pub(super) held_max: u64,
    /// How many times the calm figure the honest round trip may be.
    pub(super) slowdown_max: f64,
}

impl Attack {
    /// The value of a setting for this attack, where that is another than the configured one.
    pub(super) fn changed(&self, name: &str) -> Option<&'static str> {
        let found = self.changes.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| *value)
    }
}

/// Appends what is sent.
pub(super) type Shot = fn(&Aim<'_>, &mut Vec<u8>);

/// What a shot may make use of.
pub(super) struct Aim<'a> {
    /// Which shot of this connection: 0, 1, 2 …
    pub(super) shot: u64,
    /// Which connection of this attack: 0, 1, 2 …
    pub(super) connection: u64,
    /// A token of this connection's user that is good.
    pub(super) token: &'a str,
    /// The same, long expired.
    pub(super) expired: &'a str,
    /// A ticket that somebody has asked for once.
    pub(super) ticket: &'a str,
    /// The room that everybody is in.
    pub(super) lobby: &'a str,
    /// Another room that anybody may join.
    pub(super) room: &'a str,
}

/// Where connections come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    /// One address.
    Address,
    /// Many addresses of one /24.
    Network,
    /// As many /24 as there are connections, or thousands.
    Everywhere,
    /// All [`NETWORKS`], going round: more than the server has places for.
    Networks,
}

/// The /24 that nobody else comes from.
const NETWORKS: u64 = 203 * 250;

/// What connections speak below their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    /// What the server speaks.
    Server,
    /// Nothing: bytes as they are, whatever the server expects.
    Bare,
    /// Nothing, to a server that speaks TLS.
    BareToTls,
    /// TLS.
    Tls,
}

impl Wire {
    /// Whether it makes sense only where TLS is spoken.
    pub(super) fn needs_tls(self) -> bool {
        matches!(self, Wire::BareToTls | Wire::Tls)
    }

    pub(super) fn is_bare(self) -> bool {
        matches!(self, Wire::Bare | Wire::BareToTls)
    }
}

/// How a connection begins, and as whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// Shots go out as soon as it is there.
    Raw,
    /// Signed in by the full protocol, every connection as another user, so many in all.
    SignedIn(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// One after another, with this between them.
    Every(Duration),
    /// As fast as the socket takes them.
    FlatOut,
}

/// What a connection does after its last shot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It waits for the server.
    Stay,
    /// It goes in an orderly way.
    Leave,
    /// It goes by a reset.
    Reset,
    /// It says that nothing more will come, and waits.
    HalfClose,
}

/// How a connection ended, as its client saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// It was open when the attack ended.
    Held,
    /// The same, but it had only just come: it could not have been answered yet.
    UnderWay,
    /// The same, though no request was complete and the time for one was over, or no session begun and the time for that.
    Overdue,
    /// The client itself went.
    Left,
    /// A response instead of an upgrade.
    Status(u16),
    /// A close frame.
    Close(u16),
    /// The server did not go on with TLS: its way to say 429 and 503 before a request.
    Alert,
    /// The end without a word.
    Ended,
    Reset,
    /// Something that no server of ours says.
    Nonsense,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Outcome::Held => f.write_str("held"),
            Outcome::UnderWay => f.write_str("under way"),
            Outcome::Overdue => f.write_str("overdue"),
            Outcome::Left => f.write_str("left"),
            Outcome::Status(status) => write!(f, "{status}"),
            Outcome::Close(code) => write!(f, "{code}"),
            Outcome::Alert => f.write_str("no TLS"),
            Outcome::Ended => f.write_str("ended"),
            Outcome::Reset => f.write_str("reset"),
            Outcome::Nonsense => f.write_str("nonsense"),
        }
    }
}

impl From {
    /// The address of the connection of this number, of the attackers' own /24 of this number where they have one. Honest
    /// people use none of them.
    pub(super) fn source(self, network: u8, connection: u64) -> Ipv4Addr {
        let part = |number: u64| (number % 250 + 1) as u8;
        match self {
            From::Address => Ipv4Addr::new(127, 66, network, 1),
            From::Network => Ipv4Addr::new(127, 66, network, (connection % 190 + 1) as u8),
            From::Everywhere => Ipv4Addr::new(
                127,
                180 + (connection / 250 % 40) as u8,
                part(connection),
                9,
            ),
            From::Networks => {
                let connection = connection % NETWORKS;
                let second = match (connection / 250) as u8 {
                    number @ 0..55 => 11 + number,
                    number @ 55..88 => 67 + (number - 55),
                    number => 140 + (number - 88),
                };
                Ipv4Addr::new(127, second, part(connection), 8)
            }
        }
    }
}

/// The address of the talker of this number: a /24 of their own.
pub(super) fn talker_source(number: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 10, (number % 250 + 1) as u8, 1)
}

/// The address of the newcomer of this number: the attackers' /24 but no address of theirs, or a /24 of their own.
pub(super) fn newcomer_source(network: u8, number: u64, is_neighbour: bool) -> Ipv4Addr {
    if is_neighbour {
        return Ipv4Addr::new(
            127,
            66,
            network,
            (200 + number / NEIGHBOUR_EVERY % NEIGHBOURS) as u8,
        );
    }
    Ipv4Addr::new(
        127,
        100 + (number / 250 % 40) as u8,
        (number % 250 + 1) as u8,
        7,
    )
}

/// Addresses that newcomers from the attackers' /24 come from, one after another.
pub(super) const NEIGHBOURS: u64 = 50;

/// Whether this is so of an address that people or attackers of a siege come from.
pub fn comes_from(is_one: impl FnMut(IpAddr) -> bool) -> bool {
    let numbered = |from: From, count: u64| (0..count).map(move |number| from.source(0, number));
    let everywhere = numbered(From::Everywhere, 10_000).chain(numbered(From::Networks, NETWORKS));
    let newcomers = (0..10_000).map(|number| newcomer_source(0, number, false));
    // Those of a /24 of the attackers' own, neighbours among them.
    let own = (0..=u8::MAX).flat_map(|network| (1..250).map(move |host| [network, host]));
    let own = own.map(|[network, host]| Ipv4Addr::new(127, 66, network, host));
    let people = (0..TALKERS).map(talker_source).chain(newcomers);
    let sources = people.chain(everywhere).chain(own);
    sources.map(IpAddr::V4).any(is_one)
}

/// How a connection may end that is held to a deadline.
pub(super) const TOO_SLOW: &[Outcome] = &[
    Outcome::Held,
    Outcome::Status(408),
    Outcome::Ended,
    Outcome::Reset,
];

/// What most attacks on the way in have in common.
pub(super) const STRANGERS: Attack = Attack {
    name: "",
    what: "",
    limits: &[],
    signs: &[],
    needs: &[],
    sockets: 500,
    connects_per_second: 2000,
    from: From::Network,
    wire: Wire::Server,
    changes: &[],
    time_min: Duration::ZERO,
    entry: Entry::Raw,
    prelude: None,
    shot: |_, _| {},
    pace: Pace::Every(Duration::from_millis(100)),
    shots: 1,
    end: End::Stay,
    again: true,
    reads: true,
    has_ticket: false,
    pongs: true,
    expect: &[],
    held_max: u64::MAX,
    slowdown_max: 2.0,
};

/// What most attacks by people who have signed in have in common.
pub(super) const MEMBERS: Attack = Attack {
    sockets: 50,
    connects_per_second: 100,
    entry: Entry::SignedIn(50),
    pace: Pace::FlatOut,
    shots: u64::MAX,
    ..STRANGERS
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn many_networks_are_more_than_a_table_of_prefixes_holds_and_no_honest_person_comes_from_one() {
        let network = |address: Ipv4Addr| address.to_bits() >> 8;
        let all: BTreeSet<u32> = (0..NETWORKS)
            .map(|connection| network(From::Networks.source(7, connection)))
            .collect();
        assert_eq!(all.len() as u64, NETWORKS);
        assert_eq!(
            From::Networks.source(7, NETWORKS),
            From::Networks.source(7, 0)
        );
        assert!(all.len() > 2 * crate::config::Limits::default().prefixes_max);
        let talkers = (0..250).map(talker_source);
        let newcomers = (0..10_000).flat_map(|number| {
            [true, false].map(|is_neighbour| newcomer_source(7, number, is_neighbour))
        });
        for honest in talkers.chain(newcomers) {
            assert!(!all.contains(&network(honest)), "{honest}");
            assert!(honest.is_loopback());
        }
        assert!(all.iter().all(|network| network >> 16 == 127));
    }

    #[test]
    fn every_address_that_anybody_comes_from_counts_as_one_of_a_siege() {
        let is_in = |network: [u8; 2]| {
            comes_from(|address| match address {
                IpAddr::V4(address) => address.octets().starts_with(&network),
                IpAddr::V6(_) => false,
            })
        };
        let sources = (0..NETWORKS).map(|number| From::Networks.source(7, number));
        let others = [From::Address, From::Network, From::Everywhere];
        let others = others.map(|from| from.source(77, 189));
        for source in sources
            .step_by(250)
            .chain(others)
            .chain([talker_source(39)])
        {
            let [first, second, ..] = source.octets();
            assert!(is_in([first, second]), "{source}");
        }
        assert!(!is_in([127, 0]));
        assert!(!is_in([10, 0]));
        let neighbour = newcomer_source(200, 249, true);
        assert!(comes_from(|address| address == neighbour));
    }
}
