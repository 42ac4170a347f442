//! Who is put out of a room, in the turn in which that is decided: nothing of the room leaves for them any more.

use std::sync::Arc;

use super::Engine;
use crate::id::{ConnectionId, RoomKey, UserKey};
use crate::protocol::notice::Notice;
use crate::protocol::notice::rooms::Removed;
use crate::protocol::vocabulary::{Capability, Removal, RoomKind};
use crate::rooms::permissions::Reason;
use crate::time::{Now, Wall};

impl Engine {
    /// Puts out everybody who may not be there any more.
    pub(super) fn put_out_forbidden(&mut self, room: RoomKey, now: Now) {
        for (id, _) in self.seated(room) {
            if !self.may_stay(id, room, now) {
                self.put_out(id, room, (Removal::Forbidden, "", None), now);
            }
        }
    }

    /// Puts out everybody of a room that is no more.
    pub(super) fn close_room(&mut self, room: RoomKey, now: Now) {
        for (id, _) in self.seated(room) {
            self.put_out(id, room, (Removal::Deleted, "", None), now);
        }
        self.rooms.forget(room);
        self.rooms.forget_empty();
    }

    /// Whether whoever is in the room may be there still: it may have become harder to come in since they did.
    fn may_stay(&self, id: ConnectionId, room: RoomKey, now: Now) -> bool {
        let is_public = self.rooms.room(room).lasting.settings.kind == RoomKind::Public;
        self.decide(id, room, Capability::Join, now)
            .is_none_or(|decision| match decision.reason {
                Reason::Raid => true,
                Reason::Default => is_public,
                _ => decision.is_allowed,
            })
    }

    /// Connections in the room, and whose they are.
    fn seated(&self, room: RoomKey) -> Vec<(ConnectionId, UserKey)> {
        let audience = self.rooms.room(room).audience().iter();
        let whose = |id: &ConnectionId| Some((*id, self.connections.get(*id)?.user()?));
        audience.filter_map(whose).collect()
    }

    /// Takes a connection's seat, and what waits for it of the room: the last that it hears of the room is why.
    pub(super) fn put_out(
        &mut self,
        id: ConnectionId,
        room: RoomKey,
        (code, reason, until): (Removal, &str, Option<Wall>),
        now: Now,
    ) {
        let Some(session) = self.session_mut(id) else {
            return;
        };
        let user = session.user;
        let Some(index) = session.seats.iter().position(|seat| seat.room == room) else {
            return;
        };
        let seat = session.seats.swap_remove(index);
        if let Some(connection) = self.connections.get_mut(id) {
            self.outbound.purge_room(connection, room);
        }
        self.give_up_seat(id, user, seat, now);
        let name = Arc::clone(self.rooms.room(room).id());
        let removed = Notice::Removed(Removed {
            room: &name,
            code,
            reason,
            until,
            timestamp: now.wall,
        });
        self.reply(id, &removed);
    }
}
