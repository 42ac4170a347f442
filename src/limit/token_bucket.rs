//! A token bucket in eight bytes.

use std::time::Duration;

use crate::config::Rate;
use crate::time::{Instant, saturating_nanos};

/// A token bucket: `burst` tokens at first, refilled evenly, `burst` in every `per`.
///
/// It is kept as the instant at which it will be full again, which is the same thing (the "virtual
/// scheduling" form of the generic cell rate algorithm, ITU-T I.371) and needs no refilling. A new
/// bucket is full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenBucket {
    full_at: Instant,
}

impl TokenBucket {
    /// All of a burst, in millionths.
    pub const WHOLE: u64 = 1_000_000;

    /// Takes `tokens` if they are all there.
    ///
    /// # Errors
    /// How long until they will be; nothing is taken then. [`Duration::MAX`] when `tokens` is more than the bucket holds.
    pub fn take(&mut self, tokens: u64, rate: Rate, now: Instant) -> Result<(), Duration> {
        self.check(tokens, rate, now)?;
        self.full_at = self.full_at.max(now) + cost(tokens, rate);
        Ok(())
    }

    /// Whether `tokens` could be taken now, taking none.
    ///
    /// # Errors
    /// As [`TokenBucket::take`].
    pub fn check(&self, tokens: u64, rate: Rate, now: Instant) -> Result<(), Duration> {
        if tokens > rate.burst {
            return Err(Duration::MAX);
        }
        let after = self.full_at.max(now) + cost(tokens, rate);
        let ahead = after.since(now);
        ahead
            .checked_sub(depth(rate))
            .filter(|wait| !wait.is_zero())
            .map_or(Ok(()), Err)
    }

    /// Takes `tokens` whether or not they are there; gives how long until the bucket is out of debt, zero when it is not in debt.
    pub fn charge(&mut self, tokens: u64, rate: Rate, now: Instant) -> Duration {
        self.full_at = self.full_at.max(now) + cost(tokens, rate);
        self.full_at.since(now).saturating_sub(depth(rate))
    }

    /// Gives back `tokens` that were taken at `taken`, as far as they were not regained since.
    pub fn give_back(&mut self, tokens: u64, rate: Rate, taken: Instant, now: Instant) {
        let left = cost(tokens, rate).saturating_sub(now.since(taken));
        let full_at = self.full_at.since(Instant::ZERO).saturating_sub(left);
        self.full_at = Instant::ZERO + full_at;
    }

    /// Tokens taken and not yet regained, rounded up; more than the burst when it is in debt.
    pub fn used(&self, rate: Rate, now: Instant) -> u64 {
        let per = u128::from(saturating_nanos(rate.per)).max(1);
        let used = u128::from(rate.burst) * self.full_in(now).as_nanos();
        u64::try_from(used.div_ceil(per)).unwrap_or(u64::MAX)
    }

    /// Tokens taken and not yet regained, as a share of [`TokenBucket::WHOLE`], rounded down. It is the same whatever the burst.
    pub fn used_share(&self, rate: Rate, now: Instant) -> u64 {
        let per = u128::from(saturating_nanos(rate.per)).max(1);
        let share = self.full_in(now).as_nanos() * u128::from(Self::WHOLE) / per;
        u64::try_from(share).unwrap_or(u64::MAX)
    }

    /// How long until it is full.
    pub fn full_in(&self, now: Instant) -> Duration {
        self.full_at.since(now)
    }

    /// Whether the bucket is full, which is to say that it remembers nothing.
    pub fn is_full(&self, now: Instant) -> bool {
        self.full_at <= now
    }

    /// Goes on at the rate `new` with as many tokens missing as there were at the rate `old`.
    pub fn rerate(&mut self, old: Rate, new: Rate, now: Instant) {
        let owed = u128::from(saturating_nanos(self.full_at.since(now)));
        let times = u128::from(saturating_nanos(new.per)) * u128::from(old.burst);
        let parts = u128::from(saturating_nanos(old.per)) * u128::from(new.burst);
        let nanos = owed.saturating_mul(times).div_ceil(parts.max(1));
        self.full_at = now + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
    }
}

/// The time that refilling `tokens` takes, rounded up to a nanosecond so that nothing is ever free.
fn cost(tokens: u64, rate: Rate) -> Duration {
    debug_assert!(
        rate.burst > 0,
        "a rate without tokens passed the configuration's check"
    );
    let per = u128::from(saturating_nanos(rate.per));
    let nanos = (u128::from(tokens) * per).div_ceil(u128::from(rate.burst.max(1)));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// How far ahead of now a bucket may be full again: `per`, and the nanoseconds that rounding adds to `burst`
/// tokens taken one by one, or the last of them would be refused.
fn depth(rate: Rate) -> Duration {
    /// Rates of a token per microsecond and above may lose this share of their burst to rounding instead.
    const ROUNDING_SHARE: u32 = 1024;
    let one_by_one = u128::from(saturating_nanos(cost(1, rate))) * u128::from(rate.burst);
    let rounding = one_by_one.saturating_sub(rate.per.as_nanos());
    let rounding = Duration::from_nanos(u64::try_from(rounding).unwrap_or(u64::MAX));
    rate.per
        .saturating_add(rounding.min(rate.per / ROUNDING_SHARE))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TUTORIAL: Rate = Rate::new(5, Duration::from_secs(5));

    fn at(millis: u64) -> Instant {
        Instant::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn the_sixth_within_the_window_is_refused_and_told_when_to_come_back() {
        let mut bucket = TokenBucket::default();
        for _ in 0..5 {
            assert_eq!(bucket.take(1, TUTORIAL, at(1000)), Ok(()));
        }
        assert_eq!(
            bucket.take(1, TUTORIAL, at(1000)),
            Err(Duration::from_secs(1))
        );
        assert_eq!(
            bucket.take(1, TUTORIAL, at(1999)),
            Err(Duration::from_millis(1))
        );
        assert_eq!(bucket.take(1, TUTORIAL, at(2000)), Ok(()));
        assert_eq!(
            bucket.take(1, TUTORIAL, at(2000)),
            Err(Duration::from_secs(1))
        );
    }

    #[test]
    fn a_burst_holds_all_its_tokens_though_they_do_not_divide_its_time() {
        for burst in 1..200 {
            for millis in [1, 7, 1000, 3000, 10_000, 60_000] {
                let rate = Rate::new(burst, Duration::from_millis(millis));
                let mut bucket = TokenBucket::default();
                let taken = (0..=burst)
                    .take_while(|_| bucket.take(1, rate, at(5)).is_ok())
                    .count();
                assert_eq!(taken as u64, burst, "{burst} per {millis} ms");
            }
        }
    }

    #[test]
    fn a_refusal_takes_nothing() {
        let mut bucket = TokenBucket::default();
        assert_eq!(bucket.take(5, TUTORIAL, at(0)), Ok(()));
        for _ in 0..100 {
            assert!(bucket.take(1, TUTORIAL, at(500)).is_err());
        }
        assert_eq!(bucket.take(1, TUTORIAL, at(1000)), Ok(()));
    }

    #[test]
    fn idle_time_fills_no_more_than_the_burst() {
        let mut bucket = TokenBucket::default();
        assert_eq!(bucket.take(5, TUTORIAL, at(3_600_000)), Ok(()));
        assert!(bucket.take(1, TUTORIAL, at(3_600_000)).is_err());
    }

    #[test]
    fn debt_must_be_repaid_before_anything_is_given() {
        let mut bucket = TokenBucket::default();
        assert_eq!(bucket.charge(5, TUTORIAL, at(0)), Duration::ZERO);
        assert_eq!(bucket.charge(3, TUTORIAL, at(0)), Duration::from_secs(3));
        assert_eq!(
            bucket.take(1, TUTORIAL, at(3000)),
            Err(Duration::from_secs(1))
        );
        assert_eq!(bucket.take(1, TUTORIAL, at(4000)), Ok(()));
    }

    #[test]
    fn more_than_the_bucket_holds_is_never_there() {
        assert_eq!(
            TokenBucket::default().take(6, TUTORIAL, at(0)),
            Err(Duration::MAX)
        );
    }

    #[test]
    fn tokens_that_are_given_back_can_be_taken_again_as_far_as_they_were_not_regained() {
        let mut bucket = TokenBucket::default();
        assert_eq!(bucket.take(5, TUTORIAL, at(1000)), Ok(()));
        bucket.give_back(2, TUTORIAL, at(1000), at(1000));
        assert_eq!(bucket.take(2, TUTORIAL, at(1000)), Ok(()));
        let wait = Duration::from_secs(1);
        assert_eq!(bucket.take(1, TUTORIAL, at(1000)), Err(wait));
        // One of the two has come back by itself.
        bucket.give_back(2, TUTORIAL, at(1000), at(2000));
        assert_eq!(bucket.take(2, TUTORIAL, at(2000)), Ok(()));
        assert_eq!(bucket.take(1, TUTORIAL, at(2000)), Err(wait));
    }

    #[test]
    fn what_is_used_is_told_in_whole_tokens_and_when_it_will_be_regained() {
        let mut bucket = TokenBucket::default();
        assert_eq!(bucket.used(TUTORIAL, at(1000)), 0);
        bucket.charge(3, TUTORIAL, at(1000));
        for (millis, used, full_in) in [
            (1000, 3, 3000),
            (1001, 3, 2999),
            (2000, 2, 2000),
            (3999, 1, 1),
            (4000, 0, 0),
            (9000, 0, 0),
        ] {
            assert_eq!(bucket.used(TUTORIAL, at(millis)), used, "{millis}");
            let full_in = Duration::from_millis(full_in);
            assert_eq!(bucket.full_in(at(millis)), full_in, "{millis}");
        }
        bucket.charge(8, TUTORIAL, at(9000));
        assert_eq!(bucket.used(TUTORIAL, at(9000)), 8, "in debt");
    }

    #[test]
    fn at_another_rate_as_many_tokens_are_missing() {
        let slow = Rate::new(10, Duration::from_secs(3600));
        for (owed, left) in [(0, 5), (3, 2), (5, 0), (10, 0)] {
            let mut bucket = TokenBucket::default();
            bucket.charge(owed, slow, at(1000));
            bucket.rerate(slow, TUTORIAL, at(1000));
            let taken = (0..=5).take_while(|_| bucket.take(1, TUTORIAL, at(1000)).is_ok());
            assert_eq!(taken.count(), left, "{owed} owed");
            assert!(bucket.is_full(at(1000 + 1000 * 10)), "{owed} owed");
        }
    }

    #[test]
    fn a_fast_rate_is_never_free() {
        let fast = Rate::new(10_000_000_000, Duration::from_secs(1));
        let mut bucket = TokenBucket::default();
        bucket.take(1, fast, at(0)).expect("a full bucket");
        assert!(!bucket.is_full(at(0)));
    }

    #[test]
    fn a_rate_too_fast_to_be_counted_in_nanoseconds_gives_hardly_more_than_its_burst() {
        let fast = Rate::new(10_000_000_000, Duration::from_secs(1));
        let mut bucket = TokenBucket::default();
        assert_eq!(bucket.take(fast.burst, fast, at(0)), Ok(()));
        assert!(bucket.take(fast.burst / 100, fast, at(0)).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_window_lets_through_more_than_a_burst_and_the_refill(
            steps in proptest::collection::vec(0u64..2_000, 1..200),
        ) {
            let mut bucket = TokenBucket::default();
            let mut now = 0;
            let mut taken = Vec::new();
            for step in steps {
                now += step;
                if bucket.take(1, TUTORIAL, at(now)).is_ok() {
                    taken.push(now);
                }
            }
            for (first, start) in taken.iter().enumerate() {
                let in_window = taken[first..].iter().filter(|t| **t < start + 5_000).count();
                proptest::prop_assert!(in_window <= 10, "{in_window} in one window");
            }
        }

        #[test]
        fn giving_back_makes_no_bucket_fuller_than_if_nothing_had_been_taken(
            before in 0u64..8,
            waits in proptest::array::uniform3(0u64..3_000),
            between in 0u64..3,
        ) {
            let [taken, other, back] = [waits[0], waits[0] + waits[1], waits.iter().sum()];
            let mut spared = TokenBucket::default();
            spared.charge(before, TUTORIAL, at(0));
            let mut given_back = spared;
            given_back.charge(1, TUTORIAL, at(taken));
            for bucket in [&mut spared, &mut given_back] {
                bucket.charge(between, TUTORIAL, at(other));
            }
            given_back.give_back(1, TUTORIAL, at(taken), at(back));
            let now = at(back);
            proptest::prop_assert!(given_back.full_in(now) >= spared.full_in(now));
            let cost = Duration::from_secs(1);
            proptest::prop_assert!(given_back.full_in(now) <= spared.full_in(now) + cost);
        }

        #[test]
        fn an_honest_pace_is_never_refused(count in 1u64..100) {
            let mut bucket = TokenBucket::default();
            for n in 0..count {
                proptest::prop_assert_eq!(bucket.take(1, TUTORIAL, at(n * 1000)), Ok(()));
            }
        }
    }
}
