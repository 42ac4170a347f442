//! What honest people felt: what they can tell, and what that comes to for a stretch of time.

use std::time::{Duration, Instant};

use serde::Serialize;

/// One message of the group.
#[derive(Debug, Clone, Copy)]
pub struct Said {
    pub at: Instant,
    /// Until whoever said it heard it; `None`: never.
    pub back: Option<Duration>,
    /// To how many it was to go, and to how many it has not gone.
    pub due: usize,
    pub missing: usize,
}

/// One newcomer.
#[derive(Debug, Clone, Copy)]
pub struct Came {
    pub at: Instant,
    /// Until they had heard their own first message; `None`: they gave up, or were turned away.
    pub took: Option<Duration>,
    /// They came from the attackers' own /24.
    pub is_neighbour: bool,
}

/// Everything that the honest can tell of a calm and an attack.
#[derive(Debug, Default)]
pub struct Story {
    pub said: Vec<Said>,
    pub came: Vec<Came>,
    /// When somebody of the group was put out. They do not come back.
    pub put_out: Vec<Instant>,
}

/// Milliseconds; `null` where it never came to that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Quantiles {
    pub p50: Option<f64>,
    pub p99: Option<f64>,
    pub p999: Option<f64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Arrivals {
    pub came: usize,
    pub got_in: usize,
}

/// A stretch of time, summed up.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Felt {
    /// Of all messages: those that never came back count as the slowest.
    pub round_trip: Quantiles,
    pub messages: usize,
    /// Not back in time, or never said because their speaker had been put out.
    pub failed: usize,
    pub deliveries: usize,
    pub lost: usize,
    pub put_out: usize,
    pub newcomers: Arrivals,
    pub neighbours: Arrivals,
    /// Of those who got in.
    pub arrival: Quantiles,
}

impl Felt {
    pub fn failed_percent(&self) -> f64 {
        percent(self.failed, self.messages)
    }

    pub fn lost_percent(&self) -> f64 {
        percent(self.lost, self.deliveries)
    }
}

impl Arrivals {
    pub fn percent(&self) -> f64 {
        percent(self.got_in, self.came)
    }
}

impl Story {
    /// What it comes to from `from` to before `to`, for people who wait as long as `patience`.
    pub fn felt(&self, from: Instant, to: Instant, patience: Duration) -> Felt {
        let within = |at: Instant| (from..to).contains(&at);
        let said: Vec<&Said> = self.said.iter().filter(|said| within(said.at)).collect();
        let is_late = |said: &&&Said| said.back.is_none_or(|back| back > patience);
        let came: Vec<&Came> = self.came.iter().filter(|came| within(came.at)).collect();
        let arrivals = |is_neighbour: bool| {
            let of_them = came.iter().filter(|came| came.is_neighbour == is_neighbour);
            Arrivals {
                came: of_them.clone().count(),
                got_in: of_them.filter(|came| came.took.is_some()).count(),
            }
        };
        Felt {
            round_trip: Quantiles::of(said.iter().map(|said| said.back)),
            messages: said.len(),
            failed: said.iter().filter(is_late).count(),
            deliveries: said.iter().map(|said| said.due).sum(),
            lost: said.iter().map(|said| said.missing).sum(),
            put_out: self.put_out.iter().filter(|at| within(**at)).count(),
            newcomers: arrivals(false),
            neighbours: arrivals(true),
            arrival: Quantiles::of(came.iter().map(|came| came.took).filter(Option::is_some)),
        }
    }
}

impl Quantiles {
    /// Of times of which `None` is longer than any.
    pub fn of(times: impl Iterator<Item = Option<Duration>>) -> Self {
        let mut sorted: Vec<Duration> = times.map(|time| time.unwrap_or(Duration::MAX)).collect();
        sorted.sort_unstable();
        let quantile = |per_mille: usize| {
            let rank = (sorted.len() * per_mille).div_ceil(1000);
            let found = sorted.get(rank.saturating_sub(1)).copied()?;
            (found < Duration::MAX).then_some(found.as_secs_f64() * 1000.0)
        };
        Quantiles {
            p50: quantile(500),
            p99: quantile(990),
            p999: quantile(999),
        }
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    part as f64 * 100.0 / whole as f64
}
