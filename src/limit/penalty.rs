//! How long an address that offends again and again is kept out: longer each time, and forgotten in time.

use std::time::Duration;

use crate::time::Instant;

/// Doublings at most: what is longer than any bound stays so.
const LEVEL_MAX: u8 = 32;

/// Refusals that count as one offence when what was shown is not even looked at: honest people behind the same address meet them too.
const UNJUDGED_PER_OFFENCE: u8 = 10;

/// How long penalties are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Penalties {
    /// The first, and the shortest.
    pub min: Duration,
    /// The longest, and the time without another after which the next is half as long.
    pub max: Duration,
}

/// What one address has been given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Penalty {
    until: Instant,
    level: u8,
    unjudged: u8,
}

impl Penalty {
    /// Counts a refusal of something that was not looked at; whether that is an offence.
    pub fn refused_unjudged(&mut self) -> bool {
        self.unjudged = (self.unjudged + 1) % UNJUDGED_PER_OFFENCE;
        self.unjudged == 0
    }

    /// How long it still is; zero when it is over.
    pub fn left(&self, now: Instant) -> Duration {
        self.until.since(now)
    }

    /// Gives the next one, and how long it is.
    pub fn impose(&mut self, penalties: Penalties, now: Instant) -> Duration {
        let level = self.level_at(penalties, now);
        let doubled = penalties.min.saturating_mul(1 << level.min(LEVEL_MAX - 1));
        let time = doubled.min(penalties.max);
        let longer = u8::from(doubled < penalties.max);
        *self = Penalty {
            until: now + time,
            level: level.saturating_add(longer).min(LEVEL_MAX),
            unjudged: 0,
        };
        time
    }

    /// Whether nothing of it would make the next one longer.
    pub fn is_forgotten(&self, penalties: Penalties, now: Instant) -> bool {
        self.left(now).is_zero() && self.level_at(penalties, now) == 0
    }

    fn level_at(&self, penalties: Penalties, now: Instant) -> u8 {
        let quiet = now.since(self.until).as_nanos() / penalties.max.as_nanos().max(1);
        self.level
            .saturating_sub(u8::try_from(quiet).unwrap_or(u8::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PENALTIES: Penalties = Penalties {
        min: Duration::from_secs(10),
        max: Duration::from_secs(60),
    };

    fn second(second: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(second)
    }

    #[test]
    fn however_long_somebody_offended_a_quiet_time_of_the_longest_halves_the_next() {
        let mut penalty = Penalty::default();
        let mut now = second(0);
        for _ in 0..50 {
            now = now + penalty.impose(PENALTIES, now);
        }
        now = now + PENALTIES.max;
        assert_eq!(penalty.impose(PENALTIES, now), Duration::from_secs(40));
    }

    #[test]
    fn each_is_twice_as_long_up_to_the_longest_and_quiet_halves_the_next() {
        let mut penalty = Penalty::default();
        assert!(penalty.is_forgotten(PENALTIES, second(1000)));
        let mut now = 1000;
        for expected in [10, 20, 40, 60, 60] {
            let time = penalty.impose(PENALTIES, second(now));
            assert_eq!(time.as_secs(), expected);
            assert_eq!(penalty.left(second(now)), time);
            now += expected;
            assert_eq!(penalty.left(second(now)), Duration::ZERO);
        }
        // The longest is four steps long; a quiet time leaves two of the three before it.
        now += 60;
        assert_eq!(penalty.impose(PENALTIES, second(now)).as_secs(), 40);
        assert!(!penalty.is_forgotten(PENALTIES, second(now + 40 + 2 * 60)));
        assert!(penalty.is_forgotten(PENALTIES, second(now + 40 + 3 * 60)));
    }

    #[test]
    fn no_number_of_them_overflows() {
        let mut penalty = Penalty::default();
        for _ in 0..1000 {
            assert!(penalty.impose(PENALTIES, second(5)) <= PENALTIES.max);
        }
    }
}
