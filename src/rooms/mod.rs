//! The domain: rooms and who is in them. No JSON, no sockets, no clock.

pub mod audit;
pub mod lasting;
pub mod moderation;
pub mod permissions;
pub mod record;
mod room;
pub mod settings;
pub mod standing;

use std::collections::HashMap;

use crate::hash::Keyed;
use crate::id::{ConnectionId, RoomKey};

pub use room::{Left, Room, Seated};

/// Every room there is.
#[derive(Debug)]
pub struct Rooms {
    index: HashMap<Box<str>, RoomKey, Keyed>,
    rooms: Vec<Room>,
    lobby: RoomKey,
}

impl Rooms {
    /// The lobby and the rooms named beside it. Names given twice are one room.
    pub fn new<'a>(lobby: &'a str, public: impl IntoIterator<Item = &'a str>, hash: Keyed) -> Self {
        let mut rooms = Rooms {
            index: HashMap::with_hasher(hash),
            rooms: Vec::new(),
            lobby: RoomKey(0),
        };
        for name in std::iter::once(lobby).chain(public) {
            rooms.create(name);
        }
        rooms
    }

    /// The room everybody is in.
    pub fn lobby(&self) -> RoomKey {
        self.lobby
    }

    /// The room of that name, whether or not it lets anybody in.
    pub fn find(&self, name: &str) -> Option<RoomKey> {
        self.index.get(name).copied()
    }

    /// A room by its key.
    #[expect(
        clippy::indexing_slicing,
        reason = "only this table makes keys, and no room is ever removed"
    )]
    pub fn room(&self, key: RoomKey) -> &Room {
        &self.rooms[key.0 as usize]
    }

    /// A room by its key.
    #[expect(
        clippy::indexing_slicing,
        reason = "only this table makes keys, and no room is ever removed"
    )]
    pub fn room_mut(&mut self, key: RoomKey) -> &mut Room {
        &mut self.rooms[key.0 as usize]
    }

    /// The rooms in the order of their creation.
    pub fn iter(&self) -> impl Iterator<Item = &Room> {
        self.rooms.iter()
    }

    /// How many rooms keys can name.
    pub fn len(&self) -> usize {
        self.rooms.len()
    }

    /// Whether there is no room; never, since the lobby is one.
    pub fn is_empty(&self) -> bool {
        self.rooms.is_empty()
    }

    /// Lets people into the lobby and these rooms, made where they are missing, and into no others. Who sits in a
    /// closed room stays; once it is empty its place goes to the next new room, so that names that come and go do not
    /// add up. Not to be called while something gathered for a room waits to be told.
    pub fn open_only<'a>(&mut self, public: impl IntoIterator<Item = &'a str>) {
        for room in self.rooms.iter_mut().skip(1) {
            room.is_open = false;
        }
        let mut missing = Vec::new();
        for name in public {
            match self.find(name) {
                Some(key) => self.room_mut(key).is_open = true,
                None => missing.push(name),
            }
        }
        for name in missing {
            match self.vacant() {
                Some(at) => self.replace(at, name),
                None => self.create(name),
            }
        }
    }

    /// Where a closed room is that nobody sits in.
    fn vacant(&self) -> Option<usize> {
        let is_vacant = |room: &Room| !room.is_open && room.audience().is_empty();
        self.rooms.iter().position(is_vacant)
    }

    fn replace(&mut self, at: usize, name: &str) {
        if let Some(room) = self.rooms.get_mut(at) {
            self.index.remove(room.name());
            *room = Room::new(name);
            self.index.insert(name.into(), RoomKey(at as u32));
        }
    }

    /// Connections seated, over all rooms.
    pub fn seats(&self) -> usize {
        self.rooms.iter().map(|room| room.audience().len()).sum()
    }

    fn create(&mut self, name: &str) {
        if !self.index.contains_key(name) {
            let key = RoomKey(self.rooms.len() as u32);
            self.rooms.push(Room::new(name));
            self.index.insert(name.into(), key);
        }
    }
}

/// A connection's place in a room's audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat {
    pub room: RoomKey,
    pub place: u32,
}

/// A seat that moved because another one was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    pub connection: ConnectionId,
    pub place: u32,
}

#[cfg(test)]
mod tests;
