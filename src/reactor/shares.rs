//! Who has which share of a turn: whoever is in first, then, in what is left, whoever wants to come in.
//!
//! Counts bound what a turn does in any case; here its time is bounded too, by a look at the clock between one piece of work and the next.

use std::time::Duration;

use super::Server;
use super::clock::Clock;
use crate::engine::Share;
use crate::time::{Instant, Now};

/// Pieces of work between two looks at the clock.
const PIECES_PER_LOOK: u32 = 4;
/// While others have more to do, strangers get this part of their time.
const PRESSED_PART: u32 = 4;

/// A share that is being used up.
#[derive(Debug)]
pub(super) struct TimeShare {
    until: Instant,
    pieces: u32,
}

impl TimeShare {
    pub(super) fn until(until: Instant) -> Self {
        TimeShare { until, pieces: 0 }
    }

    /// Whether there is time for one more piece. For the first few there always is: late as it is, something is done.
    pub(super) fn has_time(&mut self, clock: &Clock) -> bool {
        let pieces = self.pieces;
        self.pieces = pieces.wrapping_add(1);
        pieces == 0 || pieces % PIECES_PER_LOOK != 0 || clock.instant() < self.until
    }
}

impl Server {
    /// Reads from those who have signed in, and goes on with those of them who were not finished: each once.
    pub(super) fn serve_people(&mut self, now: Now) {
        let mut reads = self.readable.len().min(self.budget.reads_max);
        let mut unfinished = self.engine.unfinished(Share::People);
        let mut share = TimeShare::until(now.instant + self.budget.people_time_max / 2);
        while reads + unfinished > 0 && share.has_time(&self.clock) {
            if unfinished > 0 {
                unfinished -= 1;
                self.engine.go_on(Share::People, now);
            }
            if reads > 0 {
                reads -= 1;
                self.read_next(Share::People, now);
            }
        }
    }

    /// Accepts connections, and takes those that are no sessions a step further; whether anything was done.
    pub(super) fn serve_strangers(&mut self, now: Now) -> bool {
        let mut accepts = self.budget.accepts_max;
        let mut unfinished = self.engine.unfinished(Share::Strangers);
        let mut reads = self.strangers.len().min(self.budget.reads_max);
        let mut handshakes = self.handshakes.len().min(self.budget.tls_handshakes_max);
        let mut share: Option<TimeShare> = None;
        loop {
            if accepts > 0 && !self.accept_one(now) {
                accepts = 0;
            }
            if accepts + unfinished + reads + handshakes == 0 {
                return share.is_some();
            }
            if !share
                .get_or_insert_with(|| {
                    TimeShare::until(self.clock.instant() + self.for_strangers())
                })
                .has_time(&self.clock)
            {
                return true;
            }
            accepts = accepts.saturating_sub(1);
            if unfinished > 0 {
                unfinished -= 1;
                self.engine.go_on(Share::Strangers, now);
            }
            if reads > 0 {
                reads -= 1;
                self.read_next(Share::Strangers, now);
            }
            if handshakes > 0 {
                handshakes -= 1;
                self.shake_hands(now);
            }
        }
    }

    fn for_strangers(&self) -> Duration {
        let others_wait = !self.readable.is_empty()
            || !self.writable.is_empty()
            || self.engine.unfinished(Share::People) > 0
            || self.engine.is_writing_to_rooms();
        if others_wait {
            self.budget.strangers_time_max / PRESSED_PART
        } else {
            self.budget.strangers_time_max
        }
    }
}
