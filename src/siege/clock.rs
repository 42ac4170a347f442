//! The attackers' clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[cfg(target_os = "linux")]
use super::bounds::DELIVERY_TIME_MAX;
use crate::time::{Instant, Wall};

/// One beginning for everybody who measures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    began: std::time::Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Clock {
            began: std::time::Instant::now(),
        }
    }

    pub(super) fn now(&self) -> Instant {
        // 584 years of nanoseconds.
        Instant::from_nanos(self.began.elapsed().as_nanos() as u64)
    }

    /// The date, for tokens.
    pub(super) fn today() -> Wall {
        Wall::from_millis(since_epoch().as_millis() as u64)
    }

    /// How long ago it was so long after 1970; nothing when the date was set meanwhile.
    #[cfg(target_os = "linux")]
    pub(super) fn age(came: Duration) -> Duration {
        let age = since_epoch().checked_sub(came);
        age.filter(|age| *age <= DELIVERY_TIME_MAX)
            .unwrap_or_default()
    }
}

fn since_epoch() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
