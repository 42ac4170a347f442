//! Whether most people who sign in share one address: it is a proxy's then, whatever it says of itself.

use std::hash::BuildHasher;

use super::Prefix;
use crate::hash::Keyed;

/// So many sign-ins it must be ahead of all other addresses together, and about so many people must have tried: more than a household, an office
/// that has just opened, or somebody with a few accounts.
const AHEAD_MIN: u32 = 20;
const PEOPLE_MIN: u32 = 20;
/// It is ahead by at most so many: what was so an hour ago is soon forgotten when others come.
const AHEAD_MAX: u32 = 64;

/// The vote of Boyer and Moore over sign-ins: if one address has most of them it is the one that is ahead, found without a table of all.
#[derive(Debug)]
pub struct Majority {
    ahead: Option<Prefix>,
    by: u32,
    /// A bit for each of 128 shares of all people: 20 bits are set by 22 people on average.
    people: u128,
    hash: Keyed,
}

impl Majority {
    /// Nobody is ahead.
    pub fn new(hash: Keyed) -> Self {
        Majority {
            ahead: None,
            by: 0,
            people: 0,
            hash,
        }
    }

    /// Somebody with a good credential asks for a session, whether or not there is room for one.
    pub fn note(&mut self, prefix: Prefix, user: &str) {
        if self.ahead != Some(prefix) {
            if self.by > 0 {
                self.by -= 1;
                return;
            }
            self.ahead = Some(prefix);
            self.people = 0;
        }
        self.by = (self.by + 1).min(AHEAD_MAX);
        self.people |= 1 << (self.hash.hash_one(user) % u64::from(u128::BITS));
    }

    /// Whether most people share this address.
    pub fn is(&self, prefix: Prefix) -> bool {
        let people = self.people.count_ones();
        self.ahead == Some(prefix) && self.by >= AHEAD_MIN && people >= PEOPLE_MIN
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn prefix(last: usize) -> Prefix {
        let address: IpAddr = format!("10.0.0.{last}").parse().expect("an address");
        Prefix::of(address)
    }

    fn after(sign_ins: impl IntoIterator<Item = (usize, usize)>) -> Majority {
        let mut majority = Majority::new(Keyed::new(1, 2));
        for (address, user) in sign_ins {
            majority.note(prefix(address), &format!("user{user}"));
        }
        majority
    }

    #[test]
    fn most_people_share_an_address_when_many_of_them_do_and_few_do_not() {
        let rows = [
            ("nobody", after([]), false),
            ("one of everybody", after((0..40).map(|n| (1, n))), true),
            ("a few", after((0..15).map(|n| (1, n))), false),
            (
                "one person, again and again",
                after((0..500).map(|_| (1, 7))),
                false,
            ),
            (
                "some live elsewhere",
                after((0..120).map(|n| (1 + usize::from(n % 4 == 0), n))),
                true,
            ),
            ("half", after((0..400).map(|n| (1 + n % 2, n))), false),
            (
                "everybody has an address",
                after((0..200).map(|n| (n, n))),
                false,
            ),
            (
                "it was so, and others have come since",
                after((0..500).map(|n| (1, n)).chain((0..50).map(|n| (n + 2, n)))),
                false,
            ),
        ];
        for (what, majority, expected) in rows {
            assert_eq!(majority.is(prefix(1)), expected, "{what}");
            assert!(!majority.is(prefix(250)), "{what}");
        }
    }
}
