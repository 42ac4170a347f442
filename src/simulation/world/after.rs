//! What the reactor does when a turn is over.

use std::time::Duration;

use super::World;
use crate::telemetry::TurnFacts;

impl World {
    /// Says that the last turn took so long, as the reactor does.
    pub fn observe_turn(&mut self, time: Duration) {
        self.engine.observe_turn(TurnFacts {
            time,
            ..TurnFacts::default()
        });
    }

    /// How often tables were made smaller, since much of what had been drawn was free.
    pub fn shrunk(&self) -> u64 {
        self.shrunk
    }

    /// Makes tables smaller when it is time to, as the reactor does before it gives free memory back.
    pub(super) fn give_memory_back(&mut self) {
        if self.engine.has_fallen(self.now) {
            self.engine.shrink(self.now);
            self.engine.regrow();
            self.shrunk += 1;
        }
    }
}
