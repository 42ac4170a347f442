//! Which prefixes have offended lately: a few bytes for each, overwritten when another needs the place.
//!
//! What is forgotten too early costs fairness and nothing else: no limit may depend on it.

use std::hash::BuildHasher as _;
use std::time::Duration;

use super::Prefix;
use crate::hash::Keyed;
use crate::time::Instant;

/// Places for each prefix of the table that this stands beside.
const PLACES_PER_PREFIX: usize = 8;
/// An offence is not lately any more after this time: that of the slowest default bucket of an address.
const LATELY: Duration = Duration::from_secs(60);

/// A place: a part of the hash of whose it is, and the second of the last offence, counted to 65,535 and round again; a mark
/// that is not overwritten in eighteen hours is new once more for a minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Mark {
    /// Zero is nobody's.
    whose: u16,
    second: u16,
}

/// A table of one place for each prefix, which it shares with all others that fall there.
#[derive(Debug)]
pub struct Offenders {
    marks: Box<[Mark]>,
    hash: Keyed,
}

impl Offenders {
    /// What it costs beside each prefix of the table.
    pub const BYTES_PER_PREFIX: usize = PLACES_PER_PREFIX * size_of::<Mark>();

    pub fn beside(prefixes: usize, hash: Keyed) -> Self {
        Offenders {
            marks: vec![Mark::default(); prefixes * PLACES_PER_PREFIX].into_boxed_slice(),
            hash,
        }
    }

    /// This one has offended.
    pub fn note(&mut self, prefix: Prefix, now: Instant) {
        let (place, whose) = self.place(prefix);
        if let Some(mark) = self.marks.get_mut(place) {
            let second = second(now);
            *mark = Mark { whose, second };
        }
    }

    /// Whether this one has.
    pub fn have(&self, prefix: Prefix, now: Instant) -> bool {
        let (place, whose) = self.place(prefix);
        self.marks.get(place).is_some_and(|mark| {
            let ago = second(now).wrapping_sub(mark.second);
            mark.whose == whose && u64::from(ago) < LATELY.as_secs()
        })
    }

    fn place(&self, prefix: Prefix) -> (usize, u16) {
        let hash = self.hash.hash_one(prefix);
        let place = (hash >> 32) as usize % self.marks.len().max(1);
        (place, (hash as u16).max(1))
    }
}

fn second(now: Instant) -> u16 {
    now.since(Instant::ZERO).as_secs() as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_offended_is_known_for_a_minute_and_nobody_else_is() {
        let mut offenders = Offenders::beside(64, Keyed::new(1, 2));
        let [one, other] = [1, 2].map(Prefix::V4);
        let at = |second| Instant::ZERO + Duration::from_secs(second);
        assert!(!offenders.have(one, at(0)));
        offenders.note(one, at(0));
        assert!(offenders.have(one, at(0)) && offenders.have(one, at(59)));
        assert!(!offenders.have(one, at(60)) && !offenders.have(other, at(0)));
        offenders.note(one, at(65_530));
        assert!(offenders.have(one, at(65_589)) && !offenders.have(one, at(65_590)));
    }

    #[test]
    fn of_as_many_as_there_are_prefixes_most_are_known_and_of_others_none() {
        let mut offenders = Offenders::beside(1024, Keyed::new(1, 2));
        (0..1024).for_each(|bits| offenders.note(Prefix::V4(bits), Instant::ZERO));
        let known = |prefixes: std::ops::Range<u32>| {
            let known = prefixes.filter(|bits| offenders.have(Prefix::V4(*bits), Instant::ZERO));
            known.count()
        };
        assert!(known(0..1024) > 930, "{}", known(0..1024));
        assert!(known(1024..100_000) < 10, "{}", known(1024..100_000));
    }
}
