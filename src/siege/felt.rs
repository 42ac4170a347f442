//! What honest people felt: samples, and what they come to for a stretch of time.

use std::time::Duration;

use serde::Serialize;

use crate::time::Instant;

/// One message, or one question, on its way to the server and back to who sent it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heard {
    pub(super) sent: Instant,
    pub(super) took: Duration,
}

/// One newcomer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    pub(super) began: Instant,
    /// When they were in, or did not try any more.
    pub(super) ended: Instant,
    /// `None`: they did not get in.
    pub(super) took: Option<Duration>,
    /// They came from the attackers' own /24.
    pub(super) is_neighbour: bool,
}

/// Everything that the honest can tell of one attack and the calm before it.
#[derive(Debug, Default)]
pub(super) struct Story {
    pub(super) heard: Vec<Heard>,
    /// Deliveries that were to come.
    pub(super) said: u64,
    /// Those that never came.
    pub(super) lost: u64,
    /// When talkers were put out.
    pub(super) put_out: Vec<Instant>,
    pub(super) arrivals: Vec<Arrival>,
}

/// Times in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(super) struct Quantiles {
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) p999: f64,
    pub(super) count: usize,
}

/// How many came and how many got in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Arrivals {
    pub(super) came: usize,
    pub(super) got_in: usize,
}

impl Arrivals {
    pub(super) fn of<'a>(arrivals: impl Iterator<Item = &'a Arrival> + Clone) -> Self {
        let in_time = arrivals.clone().filter(|arrival| arrival.took.is_some());
        Arrivals {
            came: arrivals.count(),
            got_in: in_time.count(),
        }
    }
}

impl Quantiles {
    pub(super) fn of(times: impl Iterator<Item = Duration>) -> Self {
        let mut sorted: Vec<Duration> = times.collect();
        sorted.sort_unstable();
        Quantiles {
            p50: milliseconds(quantile(&sorted, 500)),
            p99: milliseconds(quantile(&sorted, 990)),
            p999: milliseconds(quantile(&sorted, 999)),
            count: sorted.len(),
        }
    }
}

impl Quantiles {
    /// The 99 % of this by that of `calm`.
    pub(super) fn times(&self, calm: &Quantiles) -> f64 {
        if calm.p99 > 0.0 {
            self.p99 / calm.p99
        } else {
            0.0
        }
    }
}

/// The smallest of these that so many of a thousand do not exceed; zero of none.
fn quantile(sorted: &[Duration], per_mille: usize) -> Duration {
    let rank = (sorted.len() * per_mille).div_ceil(1000);
    sorted
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or_default()
}

pub(super) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

impl Story {
    /// Round trips of what was said from `begin` to before `end`.
    pub(super) fn round_trips(&self, begin: Instant, end: Instant) -> Quantiles {
        let within = self
            .heard
            .iter()
            .filter(|heard| (begin..end).contains(&heard.sent));
        Quantiles::of(within.map(|heard| heard.took))
    }

    /// Newcomers who had met nothing but the calm: whoever was on their way when the attack began is one of its own.
    pub(super) fn came_before(&self, begin: Instant) -> impl Iterator<Item = &Arrival> + Clone {
        let all = self.arrivals.iter();
        all.filter(move |arrival| arrival.ended < begin)
    }

    /// Newcomers who were on their way in an attack.
    pub(super) fn came_within(
        &self,
        begin: Instant,
        end: Instant,
    ) -> impl Iterator<Item = &Arrival> + Clone {
        let all = self.arrivals.iter();
        all.filter(move |arrival| arrival.ended >= begin && arrival.began < end)
    }

    pub(super) fn put_out(&self, begin: Instant, end: Instant) -> usize {
        self.put_out
            .iter()
            .filter(|at| (begin..end).contains(*at))
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_sorted_times() {
        let times = (1..=1000).rev().map(Duration::from_millis);
        let found = Quantiles::of(times);
        assert_eq!((found.p50, found.p99, found.p999), (500.0, 990.0, 999.0));
        assert_eq!(Quantiles::of(std::iter::empty()), Quantiles::default());
        let one = Quantiles::of(std::iter::once(Duration::from_millis(7)));
        assert_eq!((one.p50, one.p999, one.count), (7.0, 7.0, 1));
    }

    #[test]
    fn whoever_was_on_their_way_when_the_attack_began_has_met_it() {
        let at = |seconds: u64| Instant::from_nanos(seconds * 1_000_000_000);
        let came = |began: u64, ended: u64, is_in: bool| Arrival {
            began: at(began),
            ended: at(ended),
            took: is_in.then(|| at(ended).since(at(began))),
            is_neighbour: false,
        };
        let story = Story {
            arrivals: vec![
                came(1, 2, true),
                came(1, 3, false),
                came(3, 4, true),
                came(5, 7, true),
                came(5, 9, false),
                came(8, 9, true),
            ],
            ..Story::default()
        };
        let [begin, end] = [at(4), at(8)];
        let counted = |came, got_in| Arrivals { came, got_in };
        assert_eq!(Arrivals::of(story.came_before(begin)), counted(2, 1));
        assert_eq!(Arrivals::of(story.came_within(begin, end)), counted(3, 2));
    }
}
