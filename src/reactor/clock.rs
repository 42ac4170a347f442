//! The only place that reads a clock.

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

    pub(super) fn now(&self) -> Now {
        // 584 years of nanoseconds, and more milliseconds than that.
        let since_start = self.began.elapsed().as_nanos() as u64;
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Now {
            instant: Instant::from_nanos(since_start),
            wall: Wall::from_millis(since_epoch.as_millis() as u64),
        }
    }
}
