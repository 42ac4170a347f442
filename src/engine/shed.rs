//! Who goes when memory runs short: strangers first, then whoever does not read, then whoever has said nothing for longest.
//!
//! Nobody is let go below the soft mark, and no more than it takes to come back to it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Engine;
use super::connection::{Connection, Phase};
use super::http::FULL_RETRY;
use super::outbound::WriteAsked;
use super::stock::short_of_memory;
use crate::id::ConnectionId;
use crate::protocol::close::CloseReason;
use crate::protocol::response::Refusal;
use crate::time::{Instant, Now};

/// Strangers have this long to sign in before they are let go to make room for others: hundreds of times what it takes.
const PATIENCE: Duration = Duration::from_secs(1);
/// Who leaves less than this unread is no slow reader.
const UNREAD_BYTES_MIN: usize = 16 * 1024;
/// Who has said something within this time is not idle.
const IDLE_TIME_MIN: Duration = Duration::from_secs(60);
/// Connections let go at a time, of each kind: what it takes stays a fraction of a turn.
const SHED_MAX: usize = 256;

/// The same where the kernel has no descriptor or memory for one more: as many newcomers come in before the listener tries again.
const UNACCEPTED_SHED_MAX: usize = 16;

/// Where each kind is counted.
const STRANGERS: usize = 0;
const SLOW_READERS: usize = 1;
const IDLE: usize = 2;

/// When it is somebody's turn to go, on a scale of its own: who is earliest goes first. `None`: they can not be spared.
type Rank = fn(&Connection, Instant) -> Option<Instant>;

fn most_unread(found: &Connection, _: Instant) -> Option<Instant> {
    let unread = found.drawn.queue;
    // What was not offered yet says nothing about the reader.
    let is_slow = unread >= UNREAD_BYTES_MIN && found.write_asked == WriteAsked::No;
    let less = u64::from(u32::MAX).saturating_sub(unread as u64);
    is_slow.then(|| Instant::ZERO + Duration::from_nanos(less))
}

fn longest_idle(found: &Connection, now: Instant) -> Option<Instant> {
    match &found.phase {
        Phase::Open(session) => {
            let is_idle = now.since(session.last_message) >= IDLE_TIME_MIN;
            is_idle.then_some(session.last_message)
        }
        _ => None,
    }
}

impl Engine {
    /// Looks at how much memory is drawn, and lets somebody go if that is too much.
    pub(super) fn relieve(&mut self, now: Now) {
        let drawn = self.memory_drawn();
        if self.stock.look(drawn, now.instant) {
            self.shed_strangers(now);
            self.shed_slow_readers(now);
            self.shed_idle(now);
            let drawn = self.memory_drawn();
            self.stock.pressure = self.stock.budget.pressure(drawn);
        }
    }

    fn count_shed(&mut self, kind: usize, count: u64) {
        if let Some(shed) = self.counters.shed.get_mut(kind) {
            *shed += count;
        }
    }

    /// How far above the soft mark it is.
    fn excess(&self) -> usize {
        self.memory_drawn().saturating_sub(self.stock.budget.soft())
    }

    fn shed_strangers(&mut self, now: Now) {
        for _ in 0..SHED_MAX {
            if self.excess() == 0 {
                return;
            }
            let Some(id) = self.cheapest_with_time(now.instant) else {
                return;
            };
            self.count_shed(STRANGERS, 1);
            self.lose(id, &short_of_memory(), now);
        }
    }

    /// Somebody is there who can not be accepted: strangers who have had their time go, so that there is a descriptor for them.
    pub fn lack_descriptors(&mut self, now: Now) {
        self.counters.unaccepted += 1;
        for _ in 0..UNACCEPTED_SHED_MAX {
            let Some(id) = self.cheapest_with_time(now.instant) else {
                return;
            };
            let full = Refusal::Full {
                limit: "connections_max",
                retry_after: FULL_RETRY,
            };
            self.lose(id, &full, now);
        }
    }

    /// Who would be missed least, of those who have had the time to sign in.
    fn cheapest_with_time(&self, now: Instant) -> Option<ConnectionId> {
        let cheapest = [self.waiting.cheapest(), self.waiting.cheapest_newcomer()];
        let mut waiting = cheapest.into_iter().flatten();
        waiting.find(|id| self.has_had_time(*id, now))
    }

    fn has_had_time(&self, id: ConnectionId, now: Instant) -> bool {
        let place = self.connections.get(id).and_then(|found| found.place);
        place.is_some_and(|place| now.since(place.since()) >= PATIENCE)
    }

    /// Those with most unread go first.
    fn shed_slow_readers(&mut self, now: Now) {
        let gone = self.let_go(most_unread, now);
        self.count_shed(SLOW_READERS, gone);
    }

    /// Those go first who have said nothing for longest. Until they have gone nobody else is shed so: what goes with them is not back yet.
    fn shed_idle(&mut self, now: Now) {
        if !self.stock.may_shed_idle(now.instant) {
            return;
        }
        let gone = self.let_go(longest_idle, now);
        self.count_shed(IDLE, gone);
        if gone > 0 {
            let all_have_gone = now.instant + self.config.deadlines.close;
            self.stock.shed_no_idle_until(all_have_gone);
        }
    }

    /// Connections that can be spared, in the order in which they are, while somebody has to go at all.
    fn candidates(&self, rank: Rank, now: Instant) -> BTreeSet<(Instant, ConnectionId)> {
        let mut ranked = BTreeSet::new();
        if self.excess() == 0 {
            return ranked;
        }
        for found in self.connections.iter().filter(|found| !found.is_private()) {
            if let Some(rank) = rank(found, now) {
                ranked.insert((rank, found.id));
            }
            if ranked.len() > SHED_MAX {
                ranked.pop_last();
            }
        }
        ranked
    }

    /// Lets connections go, one after the other, until it is enough; gives how many went.
    fn let_go(&mut self, rank: Rank, now: Now) -> u64 {
        let ranked = self.candidates(rank, now.instant);
        let mut excess = self.excess();
        let mut gone = 0;
        for (_, id) in ranked {
            let Some(connection) = self.connections.get(id).filter(|_| excess > 0) else {
                break;
            };
            // A few last words are left of it for a moment; they are nothing beside what goes.
            excess = excess.saturating_sub(connection.drawn.bytes());
            gone += 1;
            match connection.phase {
                Phase::Open(_) => self.close(id, CloseReason::OutOfMemory, now),
                _ => self.lose(id, &short_of_memory(), now),
            }
        }
        gone
    }
}
