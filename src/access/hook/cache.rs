//! What the hook answered lately. Bounded, and good answers and refusals apart: nobody who makes up credentials can
//! push out those of people who have one.

use std::collections::{BTreeMap, HashMap};
use std::mem::size_of;
use std::time::Duration;

use super::super::Identity;
use super::question::QuestionKey;
use crate::hash::Keyed;
use crate::time::{Instant, Now};

/// A remembered answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remembered {
    Known(Identity),
    Refused,
}

/// The answers of a while, each for its own time.
#[derive(Debug)]
pub struct Cache {
    known: Table<Identity>,
    refused: Table<()>,
}

impl Cache {
    /// What a good answer takes, without the texts in it.
    pub const KNOWN_BYTES: usize = Table::<Identity>::ENTRY_BYTES + 64;
    /// What a refusal takes.
    pub const REFUSED_BYTES: usize = Table::<()>::ENTRY_BYTES;

    /// An empty one; `hash` is keyed, though what it hashes is a digest already.
    pub fn new(hash: Keyed) -> Self {
        Cache {
            known: Table::new(hash),
            refused: Table::new(hash),
        }
    }

    /// The answer to an equal question, if it still holds.
    pub fn find(&mut self, key: QuestionKey, now: Now) -> Option<Remembered> {
        if self.refused.find(key, now.instant).is_some() {
            return Some(Remembered::Refused);
        }
        let identity = self.known.find(key, now.instant)?;
        let has_expired = identity.expires.is_some_and(|expires| expires <= now.wall);
        (!has_expired).then(|| Remembered::Known(identity.clone()))
    }

    /// Remembers a good answer for `time`; zero: not at all. Past `entries_max` the oldest good answer is forgotten.
    pub fn remember_known(
        &mut self,
        key: QuestionKey,
        identity: Identity,
        time: Duration,
        entries_max: usize,
        now: Instant,
    ) {
        self.refused.remove(key);
        let claims = identity.rooms.as_ref().map_or(0, |claims| claims.bytes());
        let texts = identity.user.len() + identity.name.len() + claims;
        let value = (identity, Cache::KNOWN_BYTES + texts);
        self.known.insert(key, value, time, entries_max, now);
    }

    /// Remembers a refusal for `time`; zero: not at all. Past `entries_max` the oldest refusal is forgotten.
    pub fn remember_refused(
        &mut self,
        key: QuestionKey,
        time: Duration,
        entries_max: usize,
        now: Instant,
    ) {
        self.known.remove(key);
        let value = ((), Cache::REFUSED_BYTES);
        self.refused.insert(key, value, time, entries_max, now);
    }

    /// Forgets every good answer that named `user`.
    pub fn forget_user(&mut self, user: &str) {
        self.known.retain(|identity| *identity.user != *user);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.known.retain(|_| false);
        self.refused.retain(|()| false);
    }

    /// Good answers and refusals held, outlived ones not yet removed among them.
    pub fn len(&self) -> (usize, usize) {
        (self.known.entries.len(), self.refused.entries.len())
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        self.known.bytes + self.refused.bytes
    }
}

/// Entries in the order in which they came, found by key.
#[derive(Debug)]
struct Table<V> {
    entries: BTreeMap<u64, Entry<V>>,
    serials: HashMap<QuestionKey, u64, Keyed>,
    next_serial: u64,
    /// What the entries take.
    bytes: usize,
}

#[derive(Debug)]
struct Entry<V> {
    key: QuestionKey,
    value: V,
    until: Instant,
    bytes: usize,
}

impl<V> Table<V> {
    /// An entry's place in both tables: nodes of the one are half full, since serials only grow, and so is the other after it has grown.
    const ENTRY_BYTES: usize =
        2 * size_of::<(u64, Entry<V>)>() + 5 * size_of::<(QuestionKey, u64)>() / 2;

    fn new(hash: Keyed) -> Self {
        Table {
            entries: BTreeMap::new(),
            serials: HashMap::with_hasher(hash),
            next_serial: 0,
            bytes: 0,
        }
    }

    fn find(&mut self, key: QuestionKey, now: Instant) -> Option<&V> {
        let serial = *self.serials.get(&key)?;
        if self.entries.get(&serial)?.until <= now {
            self.remove(key);
            return None;
        }
        self.entries.get(&serial).map(|entry| &entry.value)
    }

    fn insert(
        &mut self,
        key: QuestionKey,
        (value, bytes): (V, usize),
        time: Duration,
        entries_max: usize,
        now: Instant,
    ) {
        self.remove(key);
        if time.is_zero() || entries_max == 0 {
            return;
        }
        while self.entries.len() >= entries_max
            && let Some((_, oldest)) = self.entries.pop_first()
        {
            self.serials.remove(&oldest.key);
            self.bytes -= oldest.bytes;
        }
        let serial = self.next_serial;
        self.next_serial += 1;
        self.serials.insert(key, serial);
        let until = now + time;
        self.bytes += bytes;
        let entry = Entry {
            key,
            value,
            until,
            bytes,
        };
        self.entries.insert(serial, entry);
    }

    fn remove(&mut self, key: QuestionKey) {
        if let Some(serial) = self.serials.remove(&key)
            && let Some(entry) = self.entries.remove(&serial)
        {
            self.bytes -= entry.bytes;
        }
    }

    fn retain(&mut self, keep: impl Fn(&V) -> bool) {
        let (serials, bytes) = (&mut self.serials, &mut self.bytes);
        self.entries.retain(|_, entry| {
            let kept = keep(&entry.value);
            if !kept {
                serials.remove(&entry.key);
                *bytes -= entry.bytes;
            }
            kept
        });
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Arc;

    use super::super::Question;
    use super::*;
    use crate::access::Source;
    use crate::protocol::vocabulary::RoomClaims;
    use crate::time::Wall;

    const TIME: Duration = Duration::from_secs(30);
    const ENTRIES_MAX: usize = 3;

    fn key(credential: &str) -> QuestionKey {
        let question = Question {
            source: Source::Bearer,
            credential: credential.into(),
            origin: None,
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            path: "/ws/chat".into(),
        };
        question.key()
    }

    fn cache() -> Cache {
        Cache::new(Keyed::new(1, 2))
    }

    fn at(seconds: u64) -> Now {
        Now {
            instant: Instant::ZERO + Duration::from_secs(seconds),
            wall: Wall::from_millis(1_764_000_000_000 + seconds * 1000),
        }
    }

    fn identity(user: &str) -> Identity {
        Identity::new(user, user, None).expect("a good name")
    }

    fn know(cache: &mut Cache, credential: &str, user: &str, now: Now) {
        cache.remember_known(
            key(credential),
            identity(user),
            TIME,
            ENTRIES_MAX,
            now.instant,
        );
    }

    fn refuse(cache: &mut Cache, credential: &str, now: Now) {
        cache.remember_refused(key(credential), TIME, ENTRIES_MAX, now.instant);
    }

    #[test]
    fn an_answer_holds_for_its_time_and_no_longer() {
        let mut cache = cache();
        know(&mut cache, "a", "alice", at(0));
        refuse(&mut cache, "b", at(0));
        let alice = Some(Remembered::Known(identity("alice")));
        assert_eq!(cache.find(key("a"), at(29)), alice);
        assert_eq!(cache.find(key("b"), at(29)), Some(Remembered::Refused));
        assert_eq!(cache.find(key("c"), at(29)), None);
        assert_eq!(cache.find(key("a"), at(30)), None);
        assert_eq!(cache.find(key("b"), at(30)), None);
        assert_eq!(cache.len(), (0, 0), "what is over is gone");
    }

    #[test]
    fn a_good_answer_never_outlives_its_identity() {
        let mut cache = cache();
        let mut alice = identity("alice");
        alice.expires = Some(at(10).wall);
        cache.remember_known(key("a"), alice, TIME, ENTRIES_MAX, at(0).instant);
        assert!(cache.find(key("a"), at(9)).is_some());
        assert_eq!(cache.find(key("a"), at(10)), None);
    }

    #[test]
    fn the_later_answer_counts_whichever_it_is() {
        let mut cache = cache();
        know(&mut cache, "a", "alice", at(0));
        refuse(&mut cache, "a", at(1));
        assert_eq!(cache.find(key("a"), at(2)), Some(Remembered::Refused));
        know(&mut cache, "a", "alice", at(3));
        let alice = Some(Remembered::Known(identity("alice")));
        assert_eq!(cache.find(key("a"), at(32)), alice, "its time is new");
        assert_eq!(cache.len(), (1, 0));
        let short = Duration::from_secs(1);
        cache.remember_refused(key("a"), short, ENTRIES_MAX, at(4).instant);
        assert_eq!(cache.find(key("a"), at(5)), None, "a refusal ends a yes");
    }

    #[test]
    fn made_up_credentials_push_out_each_other_and_no_good_answer() {
        let mut cache = cache();
        know(&mut cache, "a", "alice", at(0));
        for n in 0..100 {
            refuse(&mut cache, &n.to_string(), at(1));
            assert!(cache.len().1 <= ENTRIES_MAX);
        }
        assert!(cache.find(key("a"), at(1)).is_some());
        assert_eq!(cache.find(key("99"), at(1)), Some(Remembered::Refused));
        assert_eq!(cache.find(key("96"), at(1)), None, "the oldest goes");
        for n in 0..ENTRIES_MAX {
            know(&mut cache, &format!("k{n}"), "bob", at(2));
        }
        assert_eq!(cache.find(key("a"), at(2)), None);
        assert_eq!(cache.len(), (ENTRIES_MAX, ENTRIES_MAX));
    }

    #[test]
    fn no_time_or_no_entries_mean_that_nothing_is_remembered() {
        let mut cache = cache();
        let now = at(0).instant;
        know(&mut cache, "a", "alice", at(0));
        cache.remember_known(
            key("a"),
            identity("alice"),
            Duration::ZERO,
            ENTRIES_MAX,
            now,
        );
        cache.remember_known(key("b"), identity("bob"), TIME, 0, now);
        cache.remember_refused(key("c"), Duration::ZERO, ENTRIES_MAX, now);
        for credential in ["a", "b", "c"] {
            assert_eq!(cache.find(key(credential), at(0)), None, "{credential}");
        }
        assert_eq!(cache.len(), (0, 0));
    }

    #[test]
    fn what_it_takes_is_the_sum_over_what_is_held_whichever_way_answers_go() {
        let mut cache = cache();
        let one = |user: &str| Cache::KNOWN_BYTES + 2 * user.len();
        know(&mut cache, "a", "alice", at(0));
        know(&mut cache, "a", "al", at(0));
        assert_eq!(cache.bytes(), one("al"), "in the place of the other");
        for n in 0..10 {
            know(&mut cache, &format!("k{n}"), "bob", at(0));
            refuse(&mut cache, &format!("r{n}"), at(0));
        }
        let full = ENTRIES_MAX * (one("bob") + Cache::REFUSED_BYTES);
        assert_eq!(cache.bytes(), full, "those pushed out are not counted");
        refuse(&mut cache, "k9", at(0));
        assert_eq!(cache.bytes(), full - one("bob"), "yes became no");
        cache.find(key("r9"), at(30));
        let less = full - one("bob") - Cache::REFUSED_BYTES;
        assert_eq!(cache.bytes(), less, "one is over");
        cache.forget_user("bob");
        assert_eq!(cache.bytes(), 2 * Cache::REFUSED_BYTES);
        let mut claimant = identity("alice");
        let pattern = ("*".into(), Default::default());
        claimant.rooms = RoomClaims::new([pattern]).map(Arc::new);
        cache.remember_known(key("c"), claimant, TIME, ENTRIES_MAX, at(0).instant);
        assert!(
            cache.bytes() > 2 * Cache::REFUSED_BYTES + one("alice"),
            "what it says of rooms counts"
        );
        cache.clear();
        assert_eq!(cache.bytes(), 0);
    }

    #[test]
    fn a_user_is_forgotten_with_every_credential() {
        let mut cache = cache();
        know(&mut cache, "a", "alice", at(0));
        know(&mut cache, "b", "bob", at(0));
        know(&mut cache, "c", "alice", at(0));
        refuse(&mut cache, "d", at(0));
        cache.forget_user("alice");
        assert_eq!(cache.find(key("a"), at(1)), None);
        assert_eq!(cache.find(key("c"), at(1)), None);
        assert!(cache.find(key("b"), at(1)).is_some());
        assert!(cache.find(key("d"), at(1)).is_some());
        cache.clear();
        assert_eq!(cache.len(), (0, 0));
    }
}
