//! Who goes when memory runs short: strangers first, then whoever does not read, then whoever has said nothing for longest.
//!
//! Nobody is let go below the soft mark, and no more than it takes to come back to it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Engine;
use super::closing::SEATS_ENDED_MAX;
use super::connection::{Connection, Phase};
use super::http::FULL_RETRY;
use super::outbound::WriteAsked;
use super::stock::short_of_memory;
use crate::id::ConnectionId;
use crate::limit::waiting_room::Place;
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
/// Seats that they give up at a time: half a millisecond's work, a fiftieth of the time until the rest goes.
const SHED_SEATS_MAX: usize = 4 * SEATS_ENDED_MAX;

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
            // Those of one kind go to the last of them before anybody of the next does.
            let _ = self.shed_strangers(now) || self.shed_slow_readers(now) || self.shed_idle(now);
            let drawn = self.memory_drawn();
            self.stock.pressure = self.stock.budget.pressure(drawn);
        }
    }

    /// Counts a connection that goes, once: whoever was told to is counted already.
    fn count_shed(&mut self, kind: usize, id: ConnectionId) {
        let is_leaving = self.place_of(id).is_some_and(Place::is_leaving);
        if !is_leaving && let Some(shed) = self.counters.shed.get_mut(kind) {
            *shed += 1;
        }
    }

    /// How far above the soft mark it is.
    fn excess(&self) -> usize {
        self.memory_drawn().saturating_sub(self.stock.budget.soft())
    }

    /// Those go first who would be missed least. Whether that was enough, or there are more of them.
    fn shed_strangers(&mut self, now: Now) -> bool {
        for _ in 0..SHED_MAX {
            if self.excess() == 0 {
                return true;
            }
            let Some(id) = self.cheapest_with_time(now.instant) else {
                return false;
            };
            self.count_shed(STRANGERS, id);
            self.lose(id, &short_of_memory(), now);
        }
        true
    }

    /// Somebody is there who can not be accepted: strangers go as they do when all their places are taken, so that there is a descriptor for them.
    pub fn lack_descriptors(&mut self, now: Now) {
        self.counters.unaccepted += 1;
        for _ in 0..UNACCEPTED_SHED_MAX {
            let Some(id) = self.waiting.cheapest() else {
                return;
            };
            let full = Refusal::Full {
                limit: "descriptors",
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

    fn place_of(&self, id: ConnectionId) -> Option<Place> {
        self.connections.get(id)?.place
    }

    fn has_had_time(&self, id: ConnectionId, now: Instant) -> bool {
        let place = self.place_of(id);
        place.is_some_and(|place| now.since(place.since()) >= PATIENCE)
    }

    /// Those with most unread go first, also of those who have been told to.
    fn shed_slow_readers(&mut self, now: Now) -> bool {
        let excess = self.excess();
        self.let_go(SLOW_READERS, most_unread, excess, now)
    }

    /// Those go first who have said nothing for longest. What those still have who have been told to go counts as given back.
    fn shed_idle(&mut self, now: Now) -> bool {
        let on_their_way = self.waiting.leavers();
        let on_their_way = on_their_way.filter_map(|id| self.connections.get(id));
        let going: usize = on_their_way.map(|found| found.drawn.bytes()).sum();
        let excess = self.excess().saturating_sub(going);
        self.let_go(IDLE, longest_idle, excess, now)
    }

    /// Connections that can be spared, in the order in which they are.
    fn candidates(&self, rank: Rank, now: Instant) -> BTreeSet<(Instant, ConnectionId)> {
        let mut ranked = BTreeSet::new();
        for found in self.connections.iter().filter(|found| !found.is_private()) {
            let Some(rank) = rank(found, now).map(|rank| (rank, found.id)) else {
                continue;
            };
            let is_late = ranked.last().is_some_and(|last| *last < rank);
            if !is_late || ranked.len() < SHED_MAX {
                ranked.insert(rank);
            }
            if ranked.len() > SHED_MAX {
                ranked.pop_last();
            }
        }
        ranked
    }

    /// Lets connections of a kind go, one after the other, until `excess` bytes have gone with them; whether they have, or there are more of the kind.
    fn let_go(&mut self, kind: usize, rank: Rank, mut excess: usize, now: Now) -> bool {
        if excess == 0 {
            return true;
        }
        let ranked = self.candidates(rank, now.instant);
        let mut has_more = ranked.len() == SHED_MAX;
        let most = self.seats_ended + SHED_SEATS_MAX;
        for (_, id) in ranked {
            let Some(connection) = self.connections.get(id).filter(|_| excess > 0) else {
                break;
            };
            if self.seats_ended >= most {
                self.stock.look_soon(now.instant);
                has_more = true;
                break;
            }
            // A few last words are left of it for a moment; they are nothing beside what goes.
            excess = excess.saturating_sub(connection.drawn.bytes());
            let is_open = matches!(connection.phase, Phase::Open(_));
            self.count_shed(kind, id);
            match is_open {
                true => self.close(id, CloseReason::OutOfMemory, now),
                false => self.lose(id, &short_of_memory(), now),
            }
        }
        excess == 0 || has_more
    }
}
