//! The attackers' clock.

use std::time::{SystemTime, UNIX_EPOCH};

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
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Wall::from_millis(since_epoch.as_millis() as u64)
    }
}
