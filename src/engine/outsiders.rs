//! For whom something may wait of a room in which they do not sit: whoever has left it and reads on, and whoever was told of it without being there.
//!
//! When a room becomes one that they may not read, what waits of it is taken back from them. **They are known beforehand, so that a change of a
//! room costs nothing for all those who are merely behind with reading.**

use std::collections::BTreeSet;

use super::Engine;
use super::connection::Connection;
use crate::id::{ConnectionId, RoomKey};
use crate::protocol::vocabulary::Capability;
use crate::time::Now;

/// Connections, from when it may be so until everything has been written to them. At most one entry for each.
#[derive(Debug, Default)]
pub(super) struct Outsiders(BTreeSet<ConnectionId>);

impl Outsiders {
    /// Takes note of a connection that sits in a room no more, or is told of one where it does not.
    pub(super) fn note(&mut self, connection: &mut Connection) {
        if !connection.is_outsider && connection.waiting() > 0 {
            connection.is_outsider = true;
            self.0.insert(connection.id);
        }
    }

    /// Nothing waits for a connection any more, or it is none.
    pub(super) fn forget(&mut self, connection: &mut Connection) {
        if std::mem::take(&mut connection.is_outsider) {
            self.0.remove(&connection.id);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Engine {
    /// Takes back what waits of the room for connections whose session is over and that read on: they are in no room, and somebody who was put out
    /// is told nothing of it however they have gone.
    pub(super) fn quiet_ended(&mut self, room: RoomKey, now: Now) {
        let ended = self.outsiders(|found| !found.can_tell());
        self.quiet(ended, room, now);
    }

    /// The same for whoever has left the room by themselves and may not read there any more.
    pub(super) fn quiet_outsiders(&mut self, room: RoomKey, now: Now) {
        let outside = self.outsiders(|found| {
            let may_read = || self.may(found.id, room, Capability::Read, now);
            found.can_tell() && !self.is_seated(found.id, room) && !may_read()
        });
        self.quiet(outside, room, now);
    }

    /// The same for everybody, of a room that is no more and in which nobody sits.
    pub(super) fn quiet_everybody(&mut self, room: RoomKey, now: Now) {
        let everybody = self.outsiders(|_| true);
        self.quiet(everybody, room, now);
    }

    fn outsiders(&self, is_meant: impl Fn(&Connection) -> bool) -> Vec<ConnectionId> {
        let outsiders = self.outsiders.0.iter();
        let known = outsiders.filter_map(|id| self.connections.get(*id));
        known
            .filter(|found| is_meant(found))
            .map(|found| found.id)
            .collect()
    }

    fn quiet(&mut self, meant: Vec<ConnectionId>, room: RoomKey, now: Now) {
        for id in meant {
            let Some(connection) = self.connections.get_mut(id) else {
                continue;
            };
            self.outbound.purge_room(connection, room);
            if connection.waiting() == 0 {
                self.everything_written(id, now);
            }
        }
    }

    /// Whether everybody for whom something waits of a room where they do not sit is known, looked for the slow way.
    pub(super) fn knows_outsiders(&self) -> bool {
        self.connections.iter().all(|found| {
            let is_stranger_to = |room| !self.is_seated(found.id, room);
            found.is_outsider || !found.outbox.rooms().any(is_stranger_to)
        })
    }
}
