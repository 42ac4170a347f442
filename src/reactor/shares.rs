//! Who has which share of a turn: whoever is in first, then, in what is left, whoever wants to come in.
//!
//! Counts bound what a turn does in any case; here its time is bounded too, by a look at the clock between one piece of work and the next.

use std::time::Duration;

use super::Server;
use super::clock::Clock;
use super::read::Queue;
use crate::engine::Share;
use crate::time::{Instant, Now};

/// Short pieces of work between two looks at the clock.
const PIECES_PER_LOOK: usize = 4;
/// A read or a write of more bytes is as much work as several short pieces: what is read may have to be parsed, what is written to be sealed.
const READ_BYTES_PER_PIECE: usize = 1024;
const WRITTEN_BYTES_PER_PIECE: usize = 16 * 1024;
/// Of those who have not been read from for a while, so many come before each of those who have.
const SPARSE_PER_BUSY: u32 = 4;

/// A share that is being used up.
#[derive(Debug)]
pub(super) struct TimeShare {
    until: Instant,
    /// Short pieces since the last look.
    unseen: usize,
}

impl TimeShare {
    pub(super) fn until(until: Instant) -> Self {
        TimeShare { until, unseen: 0 }
    }

    /// Whether there is time for one more short piece of work. For the first few there always is: late as it is, something is done.
    pub(super) fn has_time(&mut self, clock: &Clock) -> bool {
        self.unseen += 1;
        self.unseen <= PIECES_PER_LOOK || self.look(clock)
    }

    /// So many bytes were read in the last piece.
    pub(super) fn has_read(&mut self, bytes: usize) {
        self.unseen += bytes / READ_BYTES_PER_PIECE;
    }

    /// So many bytes were written in the last piece.
    pub(super) fn has_written(&mut self, bytes: usize) {
        self.unseen += bytes / WRITTEN_BYTES_PER_PIECE;
    }

    /// Whether there is time for one more piece, after one that may have been long.
    pub(super) fn look(&mut self, clock: &Clock) -> bool {
        self.unseen = 1;
        clock.instant() < self.until
    }
}

pub(super) fn micros(count: usize) -> Duration {
    Duration::from_micros(count as u64)
}

impl Server {
    /// When people have had their share of a turn that began then.
    pub(super) fn end_of_peoples_share(&self, now: Now) -> Instant {
        now.instant + micros(self.budget.people_microseconds_max)
    }

    /// When strangers have had theirs, if it begins now.
    pub(super) fn end_of_strangers_share(&self) -> Instant {
        self.clock.instant() + micros(self.budget.strangers_microseconds_max)
    }

    /// Reads from those who have signed in, and goes on with those of them who were not finished: each once, and whoever has been silent for a
    /// while before those who never are.
    pub(super) fn serve_people(&mut self, now: Now) {
        let mut sparse = self.readable.len().min(self.budget.reads_max);
        let mut busy = self.busy.len().min(self.budget.reads_max - sparse);
        let mut unfinished = self.engine.unfinished(Share::People);
        let half = micros(self.budget.people_microseconds_max / 2);
        let mut share = TimeShare::until(now.instant + half);
        let mut since_busy = 0;
        while sparse + busy + unfinished > 0 && share.has_time(&self.clock) {
            if sparse > 0 {
                sparse -= 1;
                since_busy += 1;
                share.has_read(self.read_next(Queue::Readable, now));
                if since_busy < SPARSE_PER_BUSY && sparse > 0 {
                    continue;
                }
            }
            since_busy = 0;
            if unfinished > 0 {
                unfinished -= 1;
                self.engine.go_on(Share::People, now);
                if !share.look(&self.clock) {
                    return;
                }
            }
            if busy > 0 {
                busy -= 1;
                self.read_next(Queue::Busy, now);
                if !share.look(&self.clock) {
                    return;
                }
            }
        }
    }

    /// Accepts connections, and takes those that are no sessions a step further, in half of the time until then: the other half is for what
    /// comes of it. Whether anything was done.
    pub(super) fn serve_strangers(&mut self, until: Instant, now: Now) -> bool {
        let mut accepts = self.budget.accepts_max;
        let mut unfinished = self.engine.unfinished(Share::Strangers);
        let mut reads = self.strangers.len().min(self.budget.reads_max);
        let mut handshakes = self.handshakes.len().min(self.budget.tls_handshakes_max);
        let half = micros(self.budget.strangers_microseconds_max / 2);
        let mut share = TimeShare::until(until.before(half));
        let mut is_anything_done = false;
        loop {
            if accepts > 0 && !self.accept_one(now) {
                accepts = 0;
            }
            if accepts + unfinished + reads + handshakes == 0 {
                return is_anything_done;
            }
            if is_anything_done && !share.look(&self.clock) {
                return true;
            }
            is_anything_done = true;
            accepts = accepts.saturating_sub(1);
            if unfinished > 0 {
                unfinished -= 1;
                self.engine.go_on(Share::Strangers, now);
            }
            if reads > 0 {
                reads -= 1;
                self.read_next(Queue::Strangers, now);
            }
            if handshakes > 0 {
                handshakes -= 1;
                self.shake_hands(now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_short_pieces_are_done_however_late_it_is_and_fewer_long_ones() {
        let clock = Clock::start();
        let over = || TimeShare::until(Instant::ZERO);
        let done = |bytes: usize| {
            let mut share = over();
            let mut pieces = 0;
            while share.has_time(&clock) {
                pieces += 1;
                share.has_read(bytes);
            }
            pieces
        };
        assert_eq!(done(100), PIECES_PER_LOOK);
        assert_eq!(done(2048), 2);
        assert_eq!(done(64 * 1024), 1);
        let mut share = over();
        assert!(share.has_time(&clock), "the first always");
        share.has_written(64 * 1024);
        assert!(!share.has_time(&clock));
    }
}
