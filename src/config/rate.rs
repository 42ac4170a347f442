//! `{ burst = 5, per = "5s" }`

use std::time::Duration;

/// A token bucket's shape: `burst` tokens, refilled evenly over `per`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Tokens in a full bucket; at least 1.
    pub burst: u64,
    /// Time from empty to full; at least 1 ms.
    pub per: Duration,
}

impl Rate {
    /// `burst` tokens per `per`.
    pub const fn new(burst: u64, per: Duration) -> Self {
        Rate { burst, per }
    }
}
