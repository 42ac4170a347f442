//! Peers that say to ask for others, though nobody has named them as proxies. Anybody can say so: what follows must do no harm when it is not true.

use std::hash::BuildHasher;
use std::net::IpAddr;

use super::Prefix;
use crate::hash::Keyed;

/// So many clients, about, are more than one program's own: from here on it looks like a proxy.
const CLIENTS_MIN: u32 = 20;
/// Peers that are kept: a few proxies share what comes in, and each of them that has more than one request in seventeen stays.
const KEPT_MAX: usize = 16;
/// What a peer is ahead by at most: one that has gone makes room soon.
const AHEAD_MAX: u32 = 64;
/// Peers that are told of: nobody makes a log long by saying so from many addresses.
const TOLD_MAX: usize = 4;

/// The vote of Misra and Gries over requests that name another client than their peer. Its size is fixed, whoever takes part.
#[derive(Debug)]
pub struct Forwarders {
    kept: [Option<Forwarder>; KEPT_MAX],
    told: [Option<Prefix>; TOLD_MAX],
    hash: Keyed,
}

#[derive(Debug, Clone, Copy)]
struct Forwarder {
    prefix: Prefix,
    ahead: u32,
    /// A bit for each of 128 shares of all clients: 20 bits are set by 22 clients on average.
    clients: u128,
}

impl Forwarders {
    /// Nobody has said anything.
    pub const fn new(hash: Keyed) -> Self {
        Forwarders {
            kept: [None; KEPT_MAX],
            told: [None; TOLD_MAX],
            hash,
        }
    }

    /// Forgets everybody, and who was told of.
    pub fn forget(&mut self) {
        *self = Forwarders::new(self.hash);
    }

    /// A request of this peer names this client.
    pub fn note(&mut self, prefix: Prefix, client: IpAddr) {
        let is_it = |kept: &&mut Forwarder| kept.prefix == prefix;
        let bit = 1 << (self.hash.hash_one(client) % u64::from(u128::BITS));
        if let Some(known) = self.kept.iter_mut().flatten().find(is_it) {
            known.ahead = (known.ahead + 1).min(AHEAD_MAX);
            known.clients |= bit;
        } else if let Some(free) = self.kept.iter_mut().find(|kept| kept.is_none()) {
            *free = Some(Forwarder {
                prefix,
                ahead: 1,
                clients: bit,
            });
        } else {
            for kept in &mut self.kept {
                *kept = kept.and_then(|kept| {
                    let ahead = kept.ahead.checked_sub(1).filter(|ahead| *ahead > 0)?;
                    Some(Forwarder { ahead, ..kept })
                });
            }
        }
    }

    /// Whether this peer has named anybody.
    pub fn has(&self, prefix: Prefix) -> bool {
        self.clients_of(prefix) > 0
    }

    /// Whether it has named many.
    pub fn has_many(&self, prefix: Prefix) -> bool {
        self.clients_of(prefix) >= CLIENTS_MIN
    }

    /// Whether it is to be told of: once, and only a few are.
    pub fn tell(&mut self, prefix: Prefix) -> bool {
        if self.told.contains(&Some(prefix)) {
            return false;
        }
        let free = self.told.iter_mut().find(|told| told.is_none());
        free.is_some_and(|free| {
            *free = Some(prefix);
            true
        })
    }

    fn clients_of(&self, prefix: Prefix) -> u32 {
        let mut kept = self.kept.iter().flatten();
        let found = kept.find(|kept| kept.prefix == prefix);
        found.map_or(0, |kept| kept.clients.count_ones())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: usize) -> IpAddr {
        format!("192.0.{}.{}", last / 250, last % 250)
            .parse()
            .expect("an address")
    }

    fn prefix(last: usize) -> Prefix {
        Prefix::of(address(last))
    }

    fn after(requests: impl IntoIterator<Item = (usize, usize)>) -> Forwarders {
        let mut forwarders = Forwarders::new(Keyed::new(1, 2));
        for (peer, client) in requests {
            forwarders.note(prefix(peer), address(client));
        }
        forwarders
    }

    #[test]
    fn a_peer_speaks_for_many_when_it_names_many_however_often_it_names_a_few() {
        let rows = [
            ("nobody", after([]), [false, false]),
            ("one client", after([(1, 7)]), [true, false]),
            (
                "again and again",
                after((0..500).map(|_| (1, 7))),
                [true, false],
            ),
            ("a few", after((0..500).map(|n| (1, n % 15))), [true, false]),
            ("many", after((0..40).map(|n| (1, n))), [true, true]),
            (
                "others name more",
                after((0..400).map(|n| (n % 10, n / 10))),
                [true, true],
            ),
            (
                "thousands of addresses do so once, and it does most",
                after((0..4000).map(|n| (if n % 3 == 0 { n } else { 1 }, n % 100))),
                [true, true],
            ),
            (
                "it did, and has long been gone",
                after((0..40).map(|n| (1, n)).chain((0..4000).map(|n| (n + 2, 7)))),
                [false, false],
            ),
            (
                "it did for long, and has been gone for a little",
                after(
                    (0..5000)
                        .map(|n| (1, n % 100))
                        .chain((0..500).map(|n| (n + 2, 7))),
                ),
                [true, true],
            ),
            (
                "it did for long, and has been gone for as much as anybody is ahead",
                after(
                    (0..5000)
                        .map(|n| (1, n % 100))
                        .chain((0..1100).map(|n| (n + 2, 7))),
                ),
                [false, false],
            ),
        ];
        for (what, forwarders, expected) in rows {
            let found = [forwarders.has(prefix(1)), forwarders.has_many(prefix(1))];
            assert_eq!(found, expected, "{what}");
        }
    }

    #[test]
    fn one_request_of_anybody_else_outweighs_one_of_each_that_is_kept() {
        let mut forwarders = after((0..KEPT_MAX).map(|peer| (peer, 7)));
        assert!((0..KEPT_MAX).all(|peer| forwarders.has(prefix(peer))));
        forwarders.note(prefix(KEPT_MAX), address(7));
        assert!(!(0..=KEPT_MAX).any(|peer| forwarders.has(prefix(peer))));
    }

    #[test]
    fn it_has_a_fixed_size_whoever_names_whom() {
        assert!(
            !std::mem::needs_drop::<Forwarders>(),
            "nothing of it is on the heap"
        );
        assert!(
            size_of::<Forwarders>() <= 1024,
            "{}",
            size_of::<Forwarders>()
        );
    }

    #[test]
    fn each_is_told_of_once_and_only_a_few_are() {
        let mut forwarders = after([]);
        let told = (0..50).filter(|n| forwarders.tell(prefix(n % 10)));
        assert_eq!(told.collect::<Vec<_>>(), [0, 1, 2, 3]);
        forwarders.forget();
        assert!(forwarders.tell(prefix(9)));
    }
}
