//! Histograms with fixed buckets.

/// How many observations fell up to each of `N` bounds, and beyond the last.
#[derive(Debug, Clone)]
pub struct Histogram<const N: usize> {
    bounds: &'static [u64; N],
    counts: [u64; N],
    beyond: u64,
    sum: u64,
}

impl<const N: usize> Histogram<N> {
    /// An empty one; `bounds` ascend and belong to their bucket.
    pub const fn new(bounds: &'static [u64; N]) -> Self {
        Histogram {
            bounds,
            counts: [0; N],
            beyond: 0,
            sum: 0,
        }
    }

    /// Takes `value` in, `times` times.
    pub fn observe(&mut self, value: u64, times: u64) {
        self.sum = self.sum.saturating_add(value.saturating_mul(times));
        let mut buckets = self.bounds.iter().zip(&mut self.counts);
        match buckets.find(|(bound, _)| value <= **bound) {
            Some((_, count)) => *count += times,
            None => self.beyond += times,
        }
    }

    /// All observations.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum::<u64>() + self.beyond
    }

    /// The sum of all values, in units of `unit`.
    pub fn sum(&self, unit: f64) -> f64 {
        self.sum as f64 * unit
    }

    /// Upper bounds in units of `unit`, each with the observations of its own bucket; infinity is the last.
    pub fn buckets(&self, unit: f64) -> Vec<(f64, u64)> {
        let bounded = self.bounds.iter().zip(&self.counts);
        bounded
            .map(|(bound, count)| (*bound as f64 * unit, *count))
            .chain([(f64::INFINITY, self.beyond)])
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket_and_nothing_is_lost_beyond_the_last() {
        let mut histogram = Histogram::new(&[10, 20]);
        for value in [0, 10, 11, 20, 21, 1_000_000] {
            histogram.observe(value, 1);
        }
        histogram.observe(15, 3);
        assert_eq!(
            histogram.buckets(0.5),
            [(5.0, 2), (10.0, 5), (f64::INFINITY, 2)]
        );
        assert_eq!(histogram.count(), 9);
        assert_eq!(histogram.sum(1.0), 1_000_107.0);
    }

    #[test]
    fn sums_saturate_instead_of_wrapping() {
        let mut histogram = Histogram::new(&[1]);
        histogram.observe(u64::MAX, 2);
        histogram.observe(u64::MAX, 1);
        assert_eq!(histogram.sum(1.0), u64::MAX as f64);
    }
}
