//! A table of fixed size that remembers address prefixes: connections and buckets of each.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::{Earned, Penalties, Penalty, Prefix, TokenBucket};
use crate::hash::Keyed;
use crate::time::Instant;

/// Slots looked at for one that can be reused when the table is full.
const SWEEP_STEPS: usize = 16;
/// One slot in this many is kept for parent prefixes.
const PARENT_SHARE: usize = 8;

/// A slot of the table. Good as long as a connection is counted in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrefixKey {
    /// The prefix has a slot to itself.
    Own(u32),
    /// It is counted with its neighbours.
    Parent(u32),
    /// Connections of trusted proxies that are no client's at the moment. No limit of an address applies to them.
    Proxies,
    /// Connections of networks that the operator exempts: the same.
    Exempt,
}

impl PrefixKey {
    /// Whether limits of an address apply.
    pub const fn is_limited(self) -> bool {
        !matches!(self, PrefixKey::Proxies | PrefixKey::Exempt)
    }

    /// Where everybody is counted who finds no room anywhere; it always exists.
    pub const EVERYONE: PrefixKey = PrefixKey::Parent(0);
}

/// What is remembered of one prefix.
#[derive(Debug, Clone)]
pub struct PrefixEntry {
    prefix: Prefix,
    /// Connections that have not authenticated, or only ask for pages.
    pub plain_connections: u32,
    /// Open WebSocket connections.
    pub open_connections: u32,
    pub handshakes: TokenBucket,
    pub failed_authentications: TokenBucket,
    pub messages: TokenBucket,
    pub bytes: TokenBucket,
    pub offences: TokenBucket,
    /// It is kept out while this lasts.
    pub penalty: Penalty,
    /// It has more room than others.
    pub earned: Earned,
}

impl PrefixEntry {
    fn new(prefix: Prefix) -> Self {
        PrefixEntry {
            prefix,
            plain_connections: 0,
            open_connections: 0,
            handshakes: TokenBucket::default(),
            failed_authentications: TokenBucket::default(),
            messages: TokenBucket::default(),
            bytes: TokenBucket::default(),
            offences: TokenBucket::default(),
            penalty: Penalty::default(),
            earned: Earned::default(),
        }
    }

    /// The prefix in CIDR notation.
    pub fn prefix(&self) -> impl fmt::Display {
        self.prefix
    }

    /// Whether forgetting this entry would forget nothing.
    fn is_idle(&self, kept: Kept, now: Instant) -> bool {
        self.plain_connections == 0
            && self.open_connections == 0
            && self.penalty.is_forgotten(kept.penalties, now)
            && !self.earned.is_kept(kept.earned, now)
            && [
                self.handshakes,
                self.failed_authentications,
                self.messages,
                self.bytes,
                self.offences,
            ]
            .iter()
            .all(|bucket| bucket.is_full(now))
    }
}

/// How long what is remembered of a prefix for good or ill is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    pub penalties: Penalties,
    /// In this time what was earned is halved.
    pub earned: Duration,
}

/// Remembers at most a fixed number of prefixes and never fails open.
///
/// **When it is full of prefixes that matter, a new one is counted with its parent (/24, /48), and when
/// those have no room either, with everyone else: limits then bite earlier, never later.** Nothing that is
/// still counted or owes tokens is forgotten, and neither class takes the other's room.
#[derive(Debug)]
pub struct PrefixTable {
    own: Slots,
    parents: Slots,
    proxies: PrefixEntry,
    exempt: PrefixEntry,
    pub kept: Kept,
}

/// One class of prefixes.
#[derive(Debug)]
struct Slots {
    index: HashMap<Prefix, u32, Keyed>,
    entries: Vec<PrefixEntry>,
    entries_max: usize,
    sweep_at: usize,
}

impl PrefixTable {
    /// What a prefix costs: its entry, and its place in an index of which up to half is empty.
    pub const ENTRY_BYTES: usize =
        size_of::<PrefixEntry>() + 16 * (size_of::<(Prefix, u32)>() + 1) / 7;

    /// A table of at most `prefixes_max` prefixes.
    pub fn new(prefixes_max: usize, kept: Kept, hash: Keyed) -> Self {
        let parents_max = (prefixes_max / PARENT_SHARE).max(1);
        let mut parents = Slots::new(parents_max, hash);
        // Slot 0, never swept: who finds no room anywhere.
        parents.insert(Prefix::Everyone);
        PrefixTable {
            own: Slots::new(prefixes_max.saturating_sub(parents_max), hash),
            parents,
            proxies: PrefixEntry::new(Prefix::Proxies),
            exempt: PrefixEntry::new(Prefix::Exempt),
            kept,
        }
    }

    /// The slot that `address` is counted in. O(1).
    pub fn find(&mut self, address: IpAddr, now: Instant) -> PrefixKey {
        let own = Prefix::of(address);
        if let Some(slot) = self.own.find(own, self.kept, now) {
            return PrefixKey::Own(slot);
        }
        let slot = self.parents.find(own.parent(), self.kept, now);
        PrefixKey::Parent(slot.unwrap_or(0))
    }

    /// The entry in a slot.
    #[expect(
        clippy::indexing_slicing,
        reason = "keys come from `find`, and a slot in which a connection is counted is never taken away"
    )]
    pub fn entry(&mut self, key: PrefixKey) -> &mut PrefixEntry {
        match key {
            PrefixKey::Own(slot) => &mut self.own.entries[slot as usize],
            PrefixKey::Parent(slot) => &mut self.parents.entries[slot as usize],
            PrefixKey::Proxies => &mut self.proxies,
            PrefixKey::Exempt => &mut self.exempt,
        }
    }

    /// Every entry, in a stable order.
    pub fn iter(&self) -> impl Iterator<Item = &PrefixEntry> {
        self.own.entries.iter().chain(&self.parents.entries)
    }

    /// Every entry, for a change of all of them.
    pub fn entries_mut(&mut self) -> impl Iterator<Item = &mut PrefixEntry> {
        let own = self.own.entries.iter_mut();
        own.chain(&mut self.parents.entries)
    }

    /// Connections counted, over all prefixes: plain and open.
    pub fn connections(&self) -> (u64, u64) {
        let entries = self.own.entries.iter().chain(&self.parents.entries);
        entries
            .chain([&self.proxies, &self.exempt])
            .fold((0, 0), |(plain, open), entry| {
                (
                    plain + u64::from(entry.plain_connections),
                    open + u64::from(entry.open_connections),
                )
            })
    }

    /// Gives back the memory of what has grown beyond the last entry that matters.
    pub fn shrink(&mut self, now: Instant) {
        for slots in [&mut self.own, &mut self.parents] {
            slots.shrink(self.kept, now);
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.own.entries.len() + self.parents.entries.len()
    }
}

impl Slots {
    fn new(entries_max: usize, hash: Keyed) -> Self {
        Slots {
            index: HashMap::with_hasher(hash),
            entries: Vec::new(),
            entries_max,
            sweep_at: 0,
        }
    }

    /// The prefix's slot, a new one, or one that can be spared; `None` when all of them matter.
    fn find(&mut self, prefix: Prefix, kept: Kept, now: Instant) -> Option<u32> {
        if let Some(slot) = self.index.get(&prefix) {
            return Some(*slot);
        }
        if self.entries.len() < self.entries_max {
            return Some(self.insert(prefix));
        }
        let slot = self.sweep(kept, now)?;
        let entry = self.entries.get_mut(slot)?;
        self.index.remove(&entry.prefix);
        *entry = PrefixEntry::new(prefix);
        self.index.insert(prefix, slot as u32);
        Some(slot as u32)
    }

    fn insert(&mut self, prefix: Prefix) -> u32 {
        let slot = self.entries.len() as u32;
        self.entries.push(PrefixEntry::new(prefix));
        self.index.insert(prefix, slot);
        slot
    }

    fn shrink(&mut self, kept: Kept, now: Instant) {
        let is_needed =
            |entry: &PrefixEntry| entry.prefix == Prefix::Everyone || !entry.is_idle(kept, now);
        let needed = self.entries.iter().rposition(is_needed);
        let idle = self.entries.drain(needed.map_or(0, |last| last + 1)..);
        idle.for_each(|entry| {
            self.index.remove(&entry.prefix);
        });
        self.entries.shrink_to_fit();
        self.index.shrink_to_fit();
    }

    /// Looks at a few slots, going round, for one whose loss loses nothing.
    fn sweep(&mut self, kept: Kept, now: Instant) -> Option<usize> {
        for _ in 0..SWEEP_STEPS {
            self.sweep_at = (self.sweep_at + 1) % self.entries.len().max(1);
            let entry = self.entries.get(self.sweep_at)?;
            if entry.prefix != Prefix::Everyone && entry.is_idle(kept, now) {
                return Some(self.sweep_at);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn table(prefixes_max: usize) -> PrefixTable {
        let penalties = Penalties {
            min: std::time::Duration::from_secs(10),
            max: std::time::Duration::from_secs(60),
        };
        let kept = Kept {
            penalties,
            earned: Duration::from_secs(3600),
        };
        PrefixTable::new(prefixes_max, kept, Keyed::new(1, 2))
    }

    fn v4(a: u8, b: u8, c: u8, d: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    }

    fn v6(text: &str) -> IpAddr {
        IpAddr::V6(text.parse::<Ipv6Addr>().expect("an address"))
    }

    #[test]
    fn one_address_is_one_source_and_so_is_an_ipv6_network() {
        let mut table = table(64);
        let now = Instant::ZERO;
        assert_eq!(
            table.find(v4(10, 0, 0, 1), now),
            table.find(v4(10, 0, 0, 1), now)
        );
        assert_ne!(
            table.find(v4(10, 0, 0, 1), now),
            table.find(v4(10, 0, 0, 2), now)
        );
        assert_eq!(
            table.find(v6("2001:db8:1:2::1"), now),
            table.find(v6("2001:db8:1:2:ffff::9"), now)
        );
        assert_ne!(
            table.find(v6("2001:db8:1:2::1"), now),
            table.find(v6("2001:db8:1:3::1"), now)
        );
        assert_eq!(
            table.find(v4(10, 0, 0, 1), now),
            table.find(v6("::ffff:10.0.0.1"), now)
        );
    }

    #[test]
    fn a_full_table_counts_newcomers_with_their_parents_and_never_grows() {
        let mut table = table(16);
        let now = Instant::ZERO;
        let mut keys = Vec::new();
        for last in 0..200u8 {
            let key = table.find(v4(10, 0, 0, last), now);
            table.entry(key).open_connections += 1;
            keys.push(key);
        }
        for key in [keys[0], PrefixKey::Proxies, PrefixKey::Exempt] {
            table.entry(key).plain_connections += 2;
        }
        assert!(table.len() <= 16);
        assert_eq!(table.connections(), (6, 200));
        assert_eq!(keys[198], keys[199], "the overflow is counted together");
        let elsewhere = table.find(v4(10, 0, 1, 1), now);
        assert_ne!(elsewhere, keys[199], "another /24 has a parent of its own");
    }

    #[test]
    fn limits_apply_to_all_but_proxies_and_exempt_networks() {
        let mut table = table(16);
        let own = table.find(v4(10, 0, 0, 1), Instant::ZERO);
        assert!(own.is_limited() && PrefixKey::EVERYONE.is_limited());
        assert!(!PrefixKey::Proxies.is_limited() && !PrefixKey::Exempt.is_limited());
    }

    #[test]
    fn a_table_becomes_smaller_by_what_lies_above_all_that_matters_and_forgets_nothing_else() {
        let mut table = table(1 << 14);
        let now = Instant::ZERO;
        let rate = crate::config::Rate::new(1, Duration::from_secs(60));
        let keys: Vec<_> = (0..10_000u32)
            .map(|n| table.find(IpAddr::V4(Ipv4Addr::from_bits(n << 8)), now))
            .collect();
        table.entry(keys[5]).open_connections += 1;
        table.entry(keys[7]).handshakes.charge(1, rate, now);
        table.shrink(now);
        assert_eq!(table.own.entries.len(), 8);
        assert_eq!(table.own.index.len(), 8);
        assert!(table.own.entries.capacity() < 100 && table.own.index.capacity() < 100);
        for n in [5, 7, 9999] {
            assert_eq!(
                table.find(IpAddr::V4(Ipv4Addr::from_bits(n << 8)), now),
                keys[8.min(n as usize)]
            );
        }
        table.shrink(now + Duration::from_secs(120));
        assert_eq!(
            table.own.entries.len(),
            6,
            "a debt is forgotten once it is paid"
        );
        assert_eq!(table.connections(), (0, 1));
    }

    #[test]
    fn an_attacker_can_not_flush_out_what_is_still_owed() {
        let mut table = table(16);
        let now = Instant::ZERO;
        let rate = crate::config::Rate::new(1, std::time::Duration::from_secs(60));
        let owing = table.find(v4(10, 0, 0, 1), now);
        table.entry(owing).handshakes.charge(1, rate, now);
        for n in 0..10_000u32 {
            let key = table.find(IpAddr::V4(Ipv4Addr::from_bits(n << 8)), now);
            table.entry(key).handshakes.charge(1, rate, now);
        }
        assert_eq!(table.find(v4(10, 0, 0, 1), now), owing);
        assert!(table.entry(owing).handshakes.take(1, rate, now).is_err());
    }

    #[test]
    fn neighbours_of_a_full_table_share_a_24_or_a_48() {
        let mut table = table(64);
        let now = Instant::ZERO;
        // An eighth is for parents.
        for n in 0..56u32 {
            let key = table.find(IpAddr::V4(Ipv4Addr::from_bits(n << 8)), now);
            table.entry(key).open_connections += 1;
        }
        let mut told = |address| {
            let key = table.find(address, now);
            table.entry(key).open_connections += 1;
            table.entry(key).prefix().to_string()
        };
        assert_eq!(told(v4(10, 9, 9, 9)), "10.9.9.0/24");
        assert_eq!(told(v4(10, 9, 9, 200)), "10.9.9.0/24");
        assert_eq!(told(v6("2001:db8:1:2::1")), "2001:db8:1::/48");
        assert_eq!(told(v6("2001:db8:1:3::1")), "2001:db8:1::/48");
        assert_eq!(told(v6("2001:db8:2:3::1")), "2001:db8:2::/48");
        let last = (0..100).map(|n| told(v4(11, 0, n, 1))).last();
        assert_eq!(last.as_deref(), Some("everyone else"));
    }

    #[test]
    fn whatever_table_is_full_no_address_is_allowed_more_than_a_slot_of_its_own_allows() {
        let rate = crate::config::Rate::new(3, Duration::from_secs(60));
        let mut table = table(64);
        let mut allowed = std::collections::BTreeMap::new();
        let mut number = 1u32;
        for _ in 0..20_000 {
            // A linear congruential generator: any order of many addresses in few networks.
            number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let address = IpAddr::V4(Ipv4Addr::from_bits((number >> 8) % 1000 * 7));
            let key = table.find(address, Instant::ZERO);
            let bucket = &mut table.entry(key).handshakes;
            if bucket.take(1, rate, Instant::ZERO).is_ok() {
                *allowed.entry(address).or_insert(0) += 1;
            }
        }
        assert!(allowed.values().all(|times| *times <= 3), "{allowed:?}");
        assert!(allowed.len() >= 56, "{}", allowed.len());
    }

    #[test]
    fn a_look_at_a_full_table_passes_a_few_slots_however_many_there_are() {
        for size in [64, 4096] {
            let mut table = table(size);
            let now = Instant::ZERO;
            for n in 0..2 * size as u32 {
                let before = table.own.sweep_at;
                let key = table.find(IpAddr::V4(Ipv4Addr::from_bits(n)), now);
                table.entry(key).open_connections += 1;
                let slots = table.own.entries.len();
                let passed = (table.own.sweep_at + slots - before) % slots;
                assert!(passed <= SWEEP_STEPS, "{passed} of {slots}");
            }
        }
    }

    #[test]
    fn an_office_keeps_what_it_has_earned_when_the_table_is_full_and_a_household_does_not() {
        let mut table = table(16);
        let now = Instant::ZERO;
        let half = table.kept.earned;
        for (address, people) in [(1, 20), (2, 2)] {
            let key = table.find(v4(10, 0, 0, address), now);
            let earned = &mut table.entry(key).earned;
            (0..people).for_each(|_| earned.gain(half, now));
            (0..people).for_each(|_| earned.lose(half, now));
        }
        for n in 0..10_000u32 {
            table.find(IpAddr::V4(Ipv4Addr::from_bits(n << 8)), now);
        }
        let mut room = |address| {
            let key = table.find(v4(10, 0, 0, address), now);
            table.entry(key).earned.room(half, now)
        };
        assert_eq!([room(1), room(2)], [20, 0]);
    }

    #[test]
    fn newcomers_never_take_the_room_kept_for_parents() {
        let mut table = table(64);
        let now = Instant::ZERO;
        for last in 0..200u8 {
            let key = table.find(v4(10, 0, 0, last), now);
            table.entry(key).open_connections += 1;
        }
        let key = table.find(v4(10, 9, 9, 9), now);
        assert!(
            matches!(key, PrefixKey::Parent(slot) if slot > 0),
            "{key:?}"
        );
    }

    #[test]
    fn prefixes_that_owe_nothing_make_room() {
        let mut table = table(16);
        let rate = crate::config::Rate::new(1, std::time::Duration::from_secs(1));
        for n in 0..1000u64 {
            let now = Instant::from_nanos(n * 2_000_000_000);
            let key = table.find(IpAddr::V4(Ipv4Addr::from_bits(n as u32)), now);
            assert!(
                table.entry(key).handshakes.take(1, rate, now).is_ok(),
                "source {n}"
            );
        }
        assert!(table.len() <= 16);
    }
}
