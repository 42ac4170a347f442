//! The only place in the server that reads a clock.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::time::{Instant, Now, Wall};

/// Both clocks of the machine.
#[derive(Debug)]
pub(super) struct Clock {
    began: std::time::Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Clock {
            began: std::time::Instant::now(),
        }
    }

    /// The monotonic clock alone.
    pub(super) fn instant(&self) -> Instant {
        // 584 years of nanoseconds.
        Instant::from_nanos(self.began.elapsed().as_nanos() as u64)
    }

    pub(super) fn now(&self) -> Now {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Now {
            instant: self.instant(),
            wall: Wall::from_millis(since_epoch.as_millis() as u64),
        }
    }
}
