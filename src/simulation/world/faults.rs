//! What goes wrong around an engine: the process dies and another takes its place, the store fails, time passes without a turn.

use super::{Names, World};
use crate::config::Config;
use crate::engine::{Engine, Outcome};
use crate::fault::StoreFault;
use crate::id::ConnectionId;
use crate::simulation::client::Ending;
use crate::store::News;
use crate::time::{Instant, Wall};

impl World {
    /// What the reactor does before it serves anybody: the engine hears of what the store has kept.
    ///
    /// # Panics
    /// When the store can not be read.
    pub(super) fn begin(&mut self) {
        let rooms = self.store.load_rooms().expect("a store that can be read");
        self.engine.remember_rooms(rooms, self.now);
        for news in self.store.news().expect("a store that can be read") {
            if let News::Revoked(revocation) = news {
                self.engine.apply_revocation(revocation, self.now);
            }
        }
        self.hand_out_work();
        while !self.works.is_empty() {
            self.answer_one();
        }
    }

    /// The process dies and another one starts with what the store has: every connection is gone, and so is what the store was asked and
    /// had not begun.
    ///
    /// # Panics
    /// When `origins.allow` holds something that is no origin, or the store can not be read.
    pub fn restart(&mut self, config: Config, seed: [u8; 32]) {
        self.engine = Engine::new(config, Box::new(Names), seed).expect("origins are origins");
        self.works.clear();
        self.questions.clear();
        for client in self.clients.values_mut() {
            client.ending = Ending::Closed;
            client.blocked = false;
            client.in_flight.clear();
        }
        self.begin();
    }

    /// Lets the store do the oldest of what it was asked, and nobody hear of it: the process will die between the two.
    pub fn commit_unheard(&mut self) {
        let (_, questions) = self.oldest(self.answered_together_max);
        if !questions.is_empty() {
            self.store.answer(questions);
        }
    }

    /// Tells the engine how the store is, as its thread does.
    pub fn store_is(&mut self, fault: Option<StoreFault>) {
        self.engine.store_is(fault);
    }

    /// Gives the oldest of what the store was asked back without an answer, as a full queue does.
    pub fn turn_one_away(&mut self) {
        if let Some((id, _)) = self.works.pop_front() {
            self.engine.outcome(id, Outcome::Busy, self.now);
        }
    }

    /// When the engine must be looked at again.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.engine.next_deadline()
    }

    /// Sets the monotonic clock, and the date with it, without a turn. It never goes back.
    pub fn set_instant(&mut self, instant: Instant) {
        self.set_time(instant.max(self.now.instant));
    }

    /// Sets the date without letting time pass.
    pub fn jump_wall(&mut self, wall: Wall) {
        self.now.wall = wall;
        self.clocks_set = self.now;
    }

    /// Stops the server.
    pub fn stop(&mut self) {
        self.engine.drain(self.now);
        self.settle();
    }

    /// Breaks a connection, and leaves what comes of it to the next turn.
    pub fn break_off(&mut self, id: ConnectionId) {
        if let Some(client) = self.clients.get_mut(&id) {
            client.ending = Ending::Closed;
            client.in_flight.clear();
            self.engine.broken(id, self.now);
        }
    }

    /// Tells the server to stop, and leaves what comes of it to the next turn.
    pub fn drain(&mut self) {
        self.engine.drain(self.now);
    }

    /// Shuts a client's writing side once everything sent was read.
    pub fn shut(&mut self, id: ConnectionId) {
        self.client(id).hung_up = true;
    }

    /// Forgets a client whose connection is over.
    pub fn forget(&mut self, id: ConnectionId) {
        self.clients.remove(&id);
    }

    /// Clients whose connection is not over, as far as they know.
    pub fn connected(&self) -> usize {
        let is_open = |client: &&super::Client| client.ending != Ending::Closed;
        self.clients.values().filter(is_open).count()
    }
}
