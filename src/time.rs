//! Time as a parameter.
//!
//! Only `reactor/clock.rs` and the simulator make a [`Now`]; everything else is handed one.

use std::time::Duration;

/// A point on the monotonic clock: nanoseconds since the process (or simulation) began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The beginning of the process or of the simulated world.
    pub const ZERO: Instant = Instant(0);

    /// `nanos` nanoseconds after [`Instant::ZERO`].
    pub const fn from_nanos(nanos: u64) -> Self {
        Instant(nanos)
    }

    /// Nanoseconds since [`Instant::ZERO`].
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub const fn since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// `by` earlier; not before [`Instant::ZERO`].
    pub const fn before(self, by: Duration) -> Self {
        Instant(self.0.saturating_sub(saturating_nanos(by)))
    }
}

impl std::ops::Add<Duration> for Instant {
    type Output = Instant;

    /// Saturates after 584 years.
    fn add(self, rhs: Duration) -> Instant {
        Instant(self.0.saturating_add(saturating_nanos(rhs)))
    }
}

/// A date: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Wall(u64);

impl Wall {
    /// `millis` milliseconds after the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Wall(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// `by` later; saturates.
    pub fn after(self, by: Duration) -> Self {
        let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        Wall(self.0.saturating_add(millis))
    }

    /// `by` earlier; saturates.
    pub fn before(self, by: Duration) -> Self {
        let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        Wall(self.0.saturating_sub(millis))
    }

    /// Whole seconds since the Unix epoch, as RFC 7519 §2 counts them (`NumericDate`).
    pub const fn as_seconds(self) -> u64 {
        self.0 / 1000
    }
}

/// Both clocks at the start of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Never goes back; deadlines and rates are measured on it.
    pub instant: Instant,
    /// The date; may jump. Only for what people read and what tokens say.
    pub wall: Wall,
}

/// A duration in nanoseconds, at most `u64::MAX` of them.
pub(crate) const fn saturating_nanos(duration: Duration) -> u64 {
    let nanos = duration.as_nanos();
    if nanos > u64::MAX as u128 {
        u64::MAX
    } else {
        nanos as u64
    }
}
