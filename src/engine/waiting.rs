//! Places for connections that are no session yet, or no longer: when all are taken, one that is cheap to lose makes room for another.

use std::net::SocketAddr;

use super::Engine;
use super::http::FULL_RETRY;
use super::open::too_many;
use super::stock::MEMORY;
use crate::id::ConnectionId;
use crate::limit::memory::Pressure;
use crate::limit::waiting_room::Place;
use crate::limit::{Prefix, PrefixKey};
use crate::protocol::response::Refusal;
use crate::time::Now;

/// The limit of connections of one address that are no session.
pub(super) const PLAIN: &str = "plain_per_address";
/// The limit of connections that were no session yet.
const NEWCOMERS: &str = "unauthenticated_max";

impl Engine {
    /// Connections of strangers that were no session yet. Those that were count among [`crate::config::Limits::connections_max`] still.
    pub(super) fn newcomers(&self) -> usize {
        self.plain_connections - self.waiting.leaving()
    }

    /// Sees to it that there is room for one more connection of this prefix, whose `peer` is not connected yet.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] when its address has as many as it may have, or is kept out; [`Refusal::Full`] when everybody else is a session.
    pub(super) fn make_room(
        &mut self,
        prefix: PrefixKey,
        peer: SocketAddr,
        now: Now,
    ) -> Result<(), Refusal> {
        self.expect_no_penalty(prefix, now)?;
        let plain_max = self.allowance(prefix, self.config.limits.plain_per_address, now);
        let plain = self.prefixes.entry(prefix).plain_connections as usize;
        if plain >= plain_max && !self.overlooks_newcomer(peer, PLAIN, now) {
            return Err(too_many(PLAIN, self.config.deadlines.head));
        }
        let pressure = self.stock.budget.pressure(self.memory_drawn());
        let limits = &self.config.limits;
        let limit = if self.newcomers() >= limits.unauthenticated_max {
            NEWCOMERS
        } else if !self.has_room() {
            "connections_max"
        } else if pressure >= Pressure::Soft {
            // What is left is kept for those who are in: strangers make room for each other.
            MEMORY
        } else {
            return Ok(());
        };
        let full = Refusal::Full {
            limit,
            retry_after: FULL_RETRY,
        };
        let cheapest = match limit {
            NEWCOMERS => self.waiting.cheapest_newcomer(),
            _ => self.waiting.cheapest(),
        };
        match cheapest {
            Some(id) => {
                self.lose(id, &full, now);
                Ok(())
            }
            None if limit == MEMORY && pressure < Pressure::Hard => Ok(()),
            None => Err(full),
        }
    }

    /// Gives a connection a place among newcomers, instead of the one it has.
    pub(super) fn take_place(&mut self, id: ConnectionId, now: Now) {
        self.take_place_of(id, |prefix| Place::new(prefix, now.instant));
    }

    /// Gives a connection whose session is over a place among those who leave.
    pub(super) fn take_leave(&mut self, id: ConnectionId, now: Now) {
        self.take_place_of(id, |prefix| Place::leaving(prefix, now.instant));
    }

    fn take_place_of(&mut self, id: ConnectionId, place: impl FnOnce(Prefix) -> Place) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        // A proxy's own connection is whoever comes next: no client's flood may cost others that.
        let place = (!connection.is_private() && !connection.via.is_nobodys())
            .then(|| place(Prefix::of(connection.peer.ip())));
        let before = std::mem::replace(&mut connection.place, place);
        if let Some(before) = before {
            self.waiting.leave(id, before);
        }
        if let Some(place) = place {
            self.waiting.enter(id, place);
        }
    }

    /// A TLS handshake is done: whoever did that counts as having come now.
    pub(super) fn renew_place(&mut self, id: ConnectionId, now: Now) {
        if let Some(connection) = self.connections.get_mut(id)
            && let Some(place) = &mut connection.place
        {
            self.waiting.leave(id, *place);
            *place = place.secured(now.instant);
            self.waiting.enter(id, *place);
        }
    }

    /// Lets a connection go that others need the place of. Words would cost more than it does.
    pub(super) fn lose(&mut self, id: ConnectionId, full: &Refusal, now: Now) {
        if let Some(connection) = self.connections.get(id) {
            let peer = connection.peer;
            self.report_unadmitted(peer, full, now);
        }
        self.remove(id);
    }
}
