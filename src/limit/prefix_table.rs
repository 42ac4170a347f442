//! A table of fixed size that remembers address prefixes: connections and buckets of each.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::offenders::Offenders;
use super::{Earned, Penalties, Penalty, Prefix, TokenBucket};
use crate::config::{Limits, Rate};
use crate::hash::Keyed;
use crate::time::Instant;

/// Slots looked at for one that can be spared when the table is full.
const SWEEP_STEPS: usize = 16;
/// A slot of which no bucket is used by more than this share, nor to its last whole token, may be given to another prefix: whoever
/// gets it meets the rest, which is enough to sign in.
const LIGHT_SHARE_MAX: u64 = TokenBucket::WHOLE / 10 * 9;
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

    fn buckets(&self) -> [TokenBucket; 5] {
        [
            self.handshakes,
            self.failed_authentications,
            self.messages,
            self.bytes,
            self.offences,
        ]
    }

    /// Whether a connection may know its place.
    fn is_counted_in(&self) -> bool {
        self.prefix == Prefix::Everyone || self.plain_connections > 0 || self.open_connections > 0
    }

    /// Whether it is this prefix's whatever its buckets say.
    fn is_held(&self, now: Instant) -> bool {
        self.is_counted_in() || !self.penalty.left(now).is_zero()
    }

    /// What is remembered of those who have gone: places that they earned, and that a penalty is over.
    fn remembered(&self, kept: &Kept, now: Instant) -> usize {
        let earned = match self.earned.is_kept(kept.earned, now) {
            true => self.earned.room(kept.earned, now),
            false => 0,
        };
        earned + usize::from(!self.penalty.is_forgotten(kept.penalties, now))
    }

    /// Whether forgetting this entry would forget nothing.
    fn is_idle(&self, kept: &Kept, now: Instant) -> bool {
        !self.is_held(now)
            && self.remembered(kept, now) == 0
            && self.buckets().iter().all(|bucket| bucket.is_full(now))
    }

    /// How little would be lost with it; `None`: it is not to be spared.
    fn weight(&self, kept: &Kept, now: Instant) -> Option<Weight> {
        if self.is_held(now) {
            return None;
        }
        let mut weight = Weight {
            remembered: self.remembered(kept, now),
            used_share: 0,
        };
        for (bucket, rate) in self.buckets().into_iter().zip(kept.rates) {
            let used_share = bucket.used_share(rate, now);
            if used_share > LIGHT_SHARE_MAX || bucket.check(1, rate, now).is_err() {
                return None;
            }
            weight.used_share = weight.used_share.max(used_share);
        }
        Some(weight)
    }

    /// Makes it another prefix's: what is owed stays owed.
    fn pass_to(&mut self, prefix: Prefix) {
        self.prefix = prefix;
        self.earned = Earned::default();
    }
}

/// What is lost with a slot that another prefix takes over. What is remembered weighs more than anything owed: that is passed on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Weight {
    remembered: usize,
    /// Of its emptiest bucket.
    used_share: u64,
}

/// How long what is remembered of a prefix for good or ill is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    pub penalties: Penalties,
    /// In this time what was earned is halved.
    pub earned: Duration,
    /// Of an entry's buckets, in their order.
    rates: [Rate; 5],
}

impl Kept {
    /// As these limits have it.
    pub fn of(limits: &Limits) -> Self {
        Kept {
            penalties: Penalties {
                min: limits.penalty_min,
                max: limits.penalty_max,
            },
            earned: limits.earned_kept,
            rates: [
                limits.handshakes_per_address,
                limits.failed_authentications_per_address,
                limits.messages_per_address,
                limits.bytes_per_address,
                limits.offences_per_address,
            ],
        }
    }
}

/// Remembers at most a fixed number of prefixes and never fails open.
///
/// **No slot is ever emptied of what is owed: all addresses together are allowed what the slots allow, however many they are.**
/// When there is none left, a new prefix takes over the lightest of a few: no connection is counted in it, no penalty runs, and a
/// tenth and a whole token are left of every bucket; one in which something is earned or a penalty remembered only when all of
/// those are such. The new one owes what the slot owes (the thought is that of the Space-Saving sketch, Metwally et al. 2005).
/// Whoever has offended lately takes over no slot in which anything is owed or remembered. Where none is found, a prefix is
/// counted with its parent (/24, /48), and when those have none either, with everyone else: limits then bite earlier, never
/// later. Neither class takes the other's room.
///
/// What many addresses can do, all the same:
/// - One that has not offended may lose its slot and come back to a lighter one. What it gains, that slot has lost.
/// - Whoever has as many addresses as there are slots can use up every one, as fast as all of them regain, or have a penalty
///   run for each. Strangers are then counted with everyone else, but for those who find what was regained just now, and what
///   was earned by people who have gone is lost first.
#[derive(Debug)]
pub struct PrefixTable {
    own: Slots,
    parents: Slots,
    offenders: Offenders,
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
    /// What a prefix costs: its entry, its place in an index of which up to half is empty, and places for those who offend.
    pub const ENTRY_BYTES: usize = size_of::<PrefixEntry>()
        + 16 * (size_of::<(Prefix, u32)>() + 1) / 7
        + Offenders::BYTES_PER_PREFIX;

    /// A table of at most `prefixes_max` prefixes.
    pub fn new(prefixes_max: usize, kept: Kept, hash: Keyed) -> Self {
        let parents_max = (prefixes_max / PARENT_SHARE).max(1);
        let mut parents = Slots::new(parents_max, hash);
        // Slot 0, never swept: who finds no room anywhere.
        parents.insert(Prefix::Everyone);
        PrefixTable {
            own: Slots::new(prefixes_max.saturating_sub(parents_max), hash),
            parents,
            offenders: Offenders::beside(prefixes_max, hash),
            proxies: PrefixEntry::new(Prefix::Proxies),
            exempt: PrefixEntry::new(Prefix::Exempt),
            kept,
        }
    }

    /// The slot that `address` is counted in. O(1).
    pub fn find(&mut self, address: IpAddr, now: Instant) -> PrefixKey {
        let own = Prefix::of(address);
        let is_offender = self.offenders.have(own, now);
        if let Some(slot) = self.own.find(own, is_offender, &self.kept, now) {
            return PrefixKey::Own(slot);
        }
        let parent = own.parent();
        let slot = self.parents.find(parent, is_offender, &self.kept, now);
        PrefixKey::Parent(slot.unwrap_or(0))
    }

    /// Takes note of an offence of `address`: for a minute no slot is given to it in which others owe something.
    pub fn note_offence(&mut self, address: IpAddr, now: Instant) {
        self.offenders.note(Prefix::of(address), now);
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

    /// Gives back the memory of entries in which nothing is remembered, as far as no connection knows the place of one above them.
    pub fn shrink(&mut self, now: Instant) {
        for slots in [&mut self.own, &mut self.parents] {
            slots.shrink(&self.kept, now);
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

    /// The prefix's slot, a new one, or one that can be spared, for an offender only one that is lost on nobody; `None` when there is none.
    fn find(
        &mut self,
        prefix: Prefix,
        is_offender: bool,
        kept: &Kept,
        now: Instant,
    ) -> Option<u32> {
        if let Some(slot) = self.index.get(&prefix) {
            return Some(*slot);
        }
        if self.entries.len() < self.entries_max {
            return Some(self.insert(prefix));
        }
        let (weight, slot) = self.sweep(kept, now)?;
        if is_offender && weight != Weight::default() {
            return None;
        }
        let entry = self.entries.get_mut(slot)?;
        self.index.remove(&entry.prefix);
        entry.pass_to(prefix);
        self.index.insert(prefix, slot as u32);
        Some(slot as u32)
    }

    fn insert(&mut self, prefix: Prefix) -> u32 {
        let slot = self.entries.len() as u32;
        self.entries.push(PrefixEntry::new(prefix));
        self.index.insert(prefix, slot);
        slot
    }

    /// Lets go of entries in which nothing is remembered. Those in which no connection is counted make way.
    fn shrink(&mut self, kept: &Kept, now: Instant) {
        let mut free = 0;
        while let Some(last) = self.entries.last() {
            let (prefix, end) = (last.prefix, self.entries.len() - 1);
            if !last.is_idle(kept, now) {
                let before = self.entries.get(free..end).unwrap_or_default();
                let idle = before.iter().position(|entry| entry.is_idle(kept, now));
                let Some(idle) = idle.filter(|_| !last.is_counted_in()) else {
                    break;
                };
                free += idle;
                self.index.insert(prefix, free as u32);
                self.entries.swap(free, end);
            }
            if let Some(gone) = self.entries.pop() {
                self.index.remove(&gone.prefix);
            }
        }
        self.entries.shrink_to_fit();
        self.index.shrink_to_fit();
    }

    /// Looks at a few slots, going round, for the lightest; `None` when none of them can be spared.
    fn sweep(&mut self, kept: &Kept, now: Instant) -> Option<(Weight, usize)> {
        let mut lightest = None;
        for _ in 0..SWEEP_STEPS {
            self.sweep_at = (self.sweep_at + 1) % self.entries.len().max(1);
            let weight = self.entries.get(self.sweep_at)?.weight(kept, now);
            let found = weight.map(|weight| (weight, self.sweep_at));
            lightest = lightest.into_iter().chain(found).min();
            if weight == Some(Weight::default()) {
                break;
            }
        }
        lightest
    }
}

#[cfg(test)]
mod tests;
