//! What is left of a rate, counted as the documents say and not as the server does: a bucket that is filled by hand.

use std::time::Duration;

use crate::config::{Limits, Rate};
use crate::time::Instant;

/// Where tokens do not divide the time, whoever heeds a rate leaves so many nanoseconds, by which the server may round in its own favour.
const ROUNDING_NANOS: i128 = 1000;
/// One part in so many of a burst is forgiven for rounding the other way.
const FORGIVEN_SHARE: i128 = 512;

/// What somebody honest has left of what one person, and one address, may do: which of their paces it is.
pub const MESSAGES: usize = 0;
pub const COMMANDS: usize = 1;
pub const HANDSHAKES: usize = 2;
pub const MESSAGES_OF_ADDRESS: usize = 3;
pub const BYTES_OF_ADDRESS: usize = 4;
pub const FAILURES: usize = 5;
/// All of them.
pub type Paces = [Pace; 6];

/// Full ones, of the configuration.
pub fn paces(limits: &Limits) -> Paces {
    let rates = [
        limits.messages_per_user,
        limits.commands_per_user,
        limits.handshakes_per_address,
        limits.messages_per_address,
        limits.bytes_per_address,
        limits.failed_authentications_per_address,
    ];
    rates.map(Pace::new)
}

/// A bucket in parts of a token, of which there are as many as nanoseconds in which it fills. It may owe some.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    rate: Rate,
    full: i128,
    /// What must be left.
    least: i128,
    level: i128,
    last: Instant,
}

impl Pace {
    /// A full one of somebody who heeds the rate: what it gives is never refused.
    pub fn new(rate: Rate) -> Self {
        let is_even = rate.per.as_nanos().is_multiple_of(u128::from(rate.burst));
        let least = i128::from(rate.burst) * ROUNDING_NANOS;
        Pace {
            least: if is_even { 0 } else { least },
            ..Pace::exact(rate)
        }
    }

    /// A full one of somebody who judges: what it does not give must never be given.
    pub fn generous(rate: Rate) -> Self {
        let exact = Pace::exact(rate);
        let full = exact.full + exact.full / FORGIVEN_SHARE;
        Pace {
            full,
            level: full,
            ..exact
        }
    }

    fn exact(rate: Rate) -> Self {
        let full = rate.per.as_nanos() as i128 * i128::from(rate.burst);
        Pace {
            rate,
            full,
            least: 0,
            level: full,
            last: Instant::ZERO,
        }
    }

    fn token(&self) -> i128 {
        self.rate.per.as_nanos() as i128
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.since(self.last).as_nanos() as i128;
        self.last = now;
        self.level = (self.level + passed * i128::from(self.rate.burst)).min(self.full);
    }

    /// How long until the level is this much higher.
    fn until(&self, missing: i128) -> Duration {
        let nanos = missing.max(0) as u128;
        Duration::from_nanos(nanos.div_ceil(u128::from(self.rate.burst)) as u64)
    }

    /// Has nothing left at this moment: what was taken before may reach the server only now, which counts it now.
    pub fn spend_all(&mut self, now: Instant) {
        self.level = self.level.min(0);
        self.last = now;
    }

    /// Gives a token back that was not used after all.
    pub fn give_back(&mut self) {
        self.level = (self.level + self.token()).min(self.full);
    }

    /// How many tokens there are.
    pub fn tokens(&self, now: Instant) -> u64 {
        let mut pace = *self;
        pace.fill(now);
        ((pace.level - pace.least).max(0) / pace.token()) as u64
    }

    /// Whether there are so many tokens; when there will be otherwise.
    pub fn check(&self, tokens: u64, now: Instant) -> Result<(), Instant> {
        let mut pace = *self;
        pace.take(tokens, now)
    }

    /// Takes so many tokens if they are there; when they will be otherwise.
    pub fn take(&mut self, tokens: u64, now: Instant) -> Result<(), Instant> {
        self.fill(now);
        let cost = self.token() * i128::from(tokens);
        let left = self.level - cost;
        if left >= self.least {
            self.level = left;
            return Ok(());
        }
        Err(now + self.until(self.least - left))
    }

    /// Takes so many tokens whether they are there or not; how long until none is owed.
    pub fn charge(&mut self, tokens: u64, now: Instant) -> Duration {
        self.fill(now);
        self.level -= self.token() * i128::from(tokens);
        self.until(-self.level)
    }
}
