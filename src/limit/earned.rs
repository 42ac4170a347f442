//! Room that an address earns by people who come from it and stay: one place for each different one, forgotten in time when
//! they have gone. Numbers only; who is different is for others to say.

use std::time::Duration;

use crate::time::Instant;

/// What one address has earned.
///
/// **Never more than there were different people at the same time:** who goes and comes back earns nothing twice. What was
/// earned goes by halves, so that all of them may come back at once after a short loss of their network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Earned {
    /// People who are there and have stayed.
    present: u32,
    /// The most there were, `since` when.
    most: u32,
    since: Instant,
}

/// Room below this is forgotten when others need the slot: any household has as much.
const KEPT_MIN: usize = 4;

impl Earned {
    /// Places earned. What was earned by those who have gone is halved each `half`.
    pub fn room(&self, half: Duration, now: Instant) -> usize {
        self.present.max(self.left(half, now)) as usize
    }

    /// Whether it is too much to be forgotten for somebody else's sake.
    pub fn is_kept(&self, half: Duration, now: Instant) -> bool {
        self.room(half, now) >= KEPT_MIN
    }

    /// Somebody has stayed.
    pub fn gain(&mut self, half: Duration, now: Instant) {
        self.present += 1;
        self.note(half, now);
    }

    /// One of them has gone.
    pub fn lose(&mut self, half: Duration, now: Instant) {
        debug_assert!(self.present > 0, "nobody has stayed");
        self.note(half, now);
        self.present = self.present.saturating_sub(1);
    }

    fn left(&self, half: Duration, now: Instant) -> u32 {
        let halves = now.since(self.since).as_nanos() / half.as_nanos().max(1);
        let halves = u32::try_from(halves).unwrap_or(u32::MAX);
        self.most.checked_shr(halves).unwrap_or(0)
    }

    /// From here on those who are there are what is forgotten, unless more is left of others.
    fn note(&mut self, half: Duration, now: Instant) {
        if self.present >= self.left(half, now) {
            (self.most, self.since) = (self.present, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Duration = Duration::from_secs(3600);

    fn at(second: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(second)
    }

    #[test]
    fn what_was_earned_goes_by_halves_and_only_when_people_have_gone() {
        let mut earned = Earned::default();
        assert_eq!(earned.room(HALF, at(0)), 0);
        (0..10).for_each(|second| earned.gain(HALF, at(second)));
        assert_eq!(earned.room(HALF, at(100_000)), 10);
        (0..9).for_each(|second| earned.lose(HALF, at(100_000 + second)));
        assert_eq!(earned.room(HALF, at(100_000 + 3599)), 10);
        assert_eq!(earned.room(HALF, at(100_000 + 3600)), 5);
        assert_eq!(earned.room(HALF, at(100_000 + 4 * 3600)), 1);
        assert_eq!(earned.room(HALF, at(900_000_000)), 1, "one is there");
        earned.lose(HALF, at(900_000_000));
        assert_eq!(earned.room(HALF, at(900_000_000 + 3600)), 0);
        assert_eq!(earned.room(Duration::ZERO, at(900_000_001)), 0);
    }

    #[test]
    fn whoever_goes_and_comes_back_earns_nothing_twice() {
        let mut earned = Earned::default();
        for second in 0..1000 {
            earned.gain(HALF, at(second));
            assert_eq!(earned.room(HALF, at(second)), 1);
            earned.lose(HALF, at(second));
            assert_eq!(earned.room(HALF, at(second)), 1);
        }
    }
}
