//! Bytes of clients on their way to the server: cut, late, held up, and in the order in which each client sent them.

use std::collections::BTreeMap;

use super::script::Way;
use crate::time::Instant;
use std::time::Duration;

/// What is on its way, by when it is there and the order in which it was sent.
#[derive(Debug, Default)]
pub struct Network {
    under_way: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
    /// When the last piece of each link is there, and until when nothing of it passes.
    last: BTreeMap<usize, Instant>,
    next: u64,
}

impl Network {
    /// Sends bytes of a link on their way.
    pub fn send(&mut self, link: usize, bytes: &[u8], way: Way, now: Instant) {
        let pieces = usize::from(way.cuts) + 1;
        let length = bytes.len().div_ceil(pieces).max(1);
        let mut due = now;
        for piece in bytes.chunks(length) {
            due = due.max(self.last.get(&link).copied().unwrap_or(now));
            self.last.insert(link, due);
            self.under_way
                .insert((due, self.next), (link, piece.to_vec()));
            self.next += 1;
            due = due + Duration::from_millis(u64::from(way.late_ms));
        }
    }

    /// Lets nothing of a link pass until then.
    pub fn hold(&mut self, link: usize, until: Instant) {
        let is_held =
            |(at, (of, _)): &(&(Instant, u64), &(usize, Vec<u8>))| *of == link && at.0 < until;
        let held: Vec<_> = self
            .under_way
            .iter()
            .filter(is_held)
            .map(|(at, _)| *at)
            .collect();
        for at in held {
            if let Some(piece) = self.under_way.remove(&at) {
                self.under_way.insert((until, at.1), piece);
            }
        }
        let last = self.last.entry(link).or_insert(until);
        *last = (*last).max(until);
    }

    /// When something is there next.
    pub fn next_due(&self) -> Option<Instant> {
        self.under_way.keys().next().map(|(due, _)| *due)
    }

    /// The next piece that is there by now, and whose it is.
    pub fn arrived(&mut self, now: Instant) -> Option<(usize, Vec<u8>)> {
        let first = self.under_way.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// Whether anything of a link is on its way.
    pub fn carries(&self, link: usize) -> bool {
        self.under_way.values().any(|(of, _)| *of == link)
    }

    /// Loses everything: the server has died.
    pub fn lose_all(&mut self) {
        self.under_way.clear();
    }
}
