//! Whether a connection's user may do something in a room: the one place where the engine asks, and logs the answer's reason.

use std::sync::Arc;

use super::Engine;
use super::connection::Phase;
use super::verify::BUSY_RETRY;
use crate::id::{ConnectionId, RoomKey};
use crate::protocol::refusal::RoomRefusal;
use crate::protocol::vocabulary::{Capabilities, Capability, RoomClaims};
use crate::rooms::permissions::{self, Asker, Decision, Reason, decide, refusal};
use crate::time::Now;

impl Engine {
    /// Whether whoever is connected may do this in the room, and why.
    pub(super) fn decide(
        &self,
        id: ConnectionId,
        room: RoomKey,
        capability: Capability,
        now: Now,
    ) -> Option<Decision> {
        let (user, claims) = self.asker(id)?;
        let asker = Asker {
            user,
            claims: claims.map(|claims| &**claims),
        };
        let found = self.rooms.room(room);
        Some(decide(
            found.name(),
            &found.lasting,
            asker,
            capability,
            now.wall,
        ))
    }

    /// The same without the reason.
    pub(super) fn may(
        &self,
        id: ConnectionId,
        room: RoomKey,
        capability: Capability,
        now: Now,
    ) -> bool {
        self.decide(id, room, capability, now)
            .is_some_and(|decision| decision.is_allowed)
    }

    /// Everything that whoever is connected may do in the room.
    pub(super) fn capabilities(&self, id: ConnectionId, room: RoomKey, now: Now) -> Capabilities {
        let Some((user, claims)) = self.asker(id) else {
            return Capabilities::NONE;
        };
        let asker = Asker {
            user,
            claims: claims.map(|claims| &**claims),
        };
        let found = self.rooms.room(room);
        permissions::capabilities(found.name(), &found.lasting, asker, now.wall)
    }

    /// Lets whoever is connected do this in the room, or says why not.
    pub(super) fn permit(
        &self,
        id: ConnectionId,
        room: RoomKey,
        capability: Capability,
        now: Now,
    ) -> Result<(), RoomRefusal> {
        let Some((user, _)) = self.asker(id) else {
            return Err(RoomRefusal::UnknownRoom);
        };
        let found = self.rooms.room(room);
        if self.lanes.holds(found.name(), user) {
            // What is about to be forbidden is not allowed for the last time.
            return Err(RoomRefusal::Busy(BUSY_RETRY));
        }
        let Some(decision) = self.decide(id, room, capability, now) else {
            return Err(RoomRefusal::UnknownRoom);
        };
        if decision.is_allowed {
            return Ok(());
        }
        log::debug!(
            "{user:?} may not {} in {}: {}",
            capability.word(),
            found.name(),
            decision.reason.word()
        );
        Err(refusal(&found.lasting, user, decision, now.wall))
    }

    /// The room of that name, if whoever is connected may know of it: the others are told what those are told who ask for a room
    /// that does not exist.
    pub(super) fn seen_room(
        &self,
        id: ConnectionId,
        name: &str,
        now: Now,
    ) -> Result<RoomKey, RoomRefusal> {
        let room = self.rooms.find(name).ok_or(RoomRefusal::UnknownRoom)?;
        if self.is_seated(id, room) {
            return Ok(room);
        }
        let found = self.rooms.room(room);
        let decision = self.decide(id, room, Capability::See, now);
        match (decision, self.asker(id)) {
            (Some(decision), _) if decision.is_allowed && found.is_open() => Ok(room),
            // A room that everybody knows of is no secret to those who are kept out of it.
            (Some(decision), Some((user, _))) if decision.reason == Reason::Banned => {
                Err(refusal(&found.lasting, user, decision, now.wall))
            }
            _ => Err(RoomRefusal::UnknownRoom),
        }
    }

    /// Whether the connection is in the room.
    pub(super) fn is_seated(&self, id: ConnectionId, room: RoomKey) -> bool {
        match self.connections.get(id).map(|found| &found.phase) {
            Some(Phase::Open(session)) => session.seats.iter().any(|seat| seat.room == room),
            _ => false,
        }
    }

    fn asker(&self, id: ConnectionId) -> Option<(&str, Option<&Arc<RoomClaims>>)> {
        match &self.connections.get(id)?.phase {
            Phase::Open(session) => {
                let user = self.users.get(session.user)?;
                Some((&*user.id, session.claims.as_ref()))
            }
            _ => None,
        }
    }
}
