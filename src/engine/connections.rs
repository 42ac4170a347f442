//! The table of connections: slots and generations.

use slab::Slab;

use super::connection::Connection;
use crate::id::ConnectionId;

/// Connections by id. An id outlives its connection harmlessly.
#[derive(Debug)]
pub(super) struct Connections {
    slots: Slab<Connection>,
    next_generation: u32,
    /// Every slot in use is below this one.
    slots_used: usize,
    /// Slots that there is room for from the start.
    slots_max: usize,
}

impl Connections {
    /// Room for so many, which costs nothing until they come. A table that grew while others come and go would end up behind what they leave, and
    /// keep it from going back to the system.
    pub(super) fn for_at_most(connections: usize) -> Self {
        Connections {
            slots: Slab::with_capacity(connections),
            next_generation: 0,
            slots_used: 0,
            slots_max: connections,
        }
    }

    /// Gives back the memory of slots above all that are in use.
    pub(super) fn shrink(&mut self) {
        self.slots.shrink_to_fit();
        let last = self.slots.iter().next_back();
        self.slots_used = last.map_or(0, |(slot, _)| slot + 1);
    }

    /// Keeps room for as many as there may be, which again costs nothing until they come.
    pub(super) fn regrow(&mut self) {
        let room = self.slots_max.saturating_sub(self.slots.len());
        self.slots.reserve(room);
    }

    /// Puts in the connection that `make` makes for its id.
    pub(super) fn insert(&mut self, make: impl FnOnce(ConnectionId) -> Connection) -> ConnectionId {
        let entry = self.slots.vacant_entry();
        let id = ConnectionId {
            slot: entry.key() as u32,
            generation: self.next_generation,
        };
        self.next_generation = self.next_generation.wrapping_add(1);
        self.slots_used = self.slots_used.max(entry.key() + 1);
        entry.insert(make(id));
        id
    }

    pub(super) fn get(&self, id: ConnectionId) -> Option<&Connection> {
        self.slots.get(id.slot()).filter(|found| found.id == id)
    }

    pub(super) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.slots.get_mut(id.slot()).filter(|found| found.id == id)
    }

    pub(super) fn remove(&mut self, id: ConnectionId) -> Option<Connection> {
        self.get(id)?;
        self.slots.try_remove(id.slot())
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The connections in slots `begin` to `end`, in that order.
    pub(super) fn between(&self, begin: usize, end: usize) -> impl Iterator<Item = &Connection> {
        (begin..end).filter_map(|slot| self.slots.get(slot))
    }

    /// Every slot in use is below this one.
    pub(super) fn slots(&self) -> usize {
        self.slots_used
    }

    /// Every connection, in slot order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Connection> {
        self.slots.iter().map(|(_, connection)| connection)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Connection> {
        self.slots.iter_mut().map(|(_, connection)| connection)
    }

    /// Every id, in slot order.
    pub(super) fn ids(&self) -> Vec<ConnectionId> {
        self.slots
            .iter()
            .map(|(_, connection)| connection.id)
            .collect()
    }
}
