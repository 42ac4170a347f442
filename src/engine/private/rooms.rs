//! The rooms, and who is in one.

use serde::Serialize;

use super::super::Engine;
use super::Answer;
use super::list::List;
use crate::id::{RoomKey, UserKey};
use crate::protocol::api::Page;
use crate::protocol::problem::Problem;
use crate::rooms::Room;

/// A room in numbers.
#[derive(Serialize)]
struct Summary<'a> {
    room: &'a str,
    members: usize,
    connections: usize,
    /// The number of the latest message.
    seq: u64,
}

/// The same above the list of its members.
#[derive(Serialize)]
struct Heading<'a> {
    room: &'a str,
    count: usize,
    connections: usize,
    seq: u64,
}

#[derive(Serialize)]
struct Member<'a> {
    user: &'a str,
    name: &'a str,
    connections: u32,
}

#[derive(Serialize)]
struct Nothing {}

impl Engine {
    /// The room of that name.
    pub(super) fn known_room(&self, name: &str) -> Result<RoomKey, Problem> {
        self.rooms.find(name).ok_or(Problem::UnknownRoom)
    }

    pub(super) fn list_rooms(&self, page: &Page) -> Answer {
        let mut list = List::begin(&Nothing {}, "rooms", page.entries_max);
        let first = usize::try_from(page.cursor).unwrap_or(usize::MAX);
        for (at, room) in self.rooms.iter().enumerate().skip(first) {
            if !room.is_open() && room.audience().is_empty() {
                continue;
            }
            if !list.has_room() {
                return list.end(Some(at as u64));
            }
            list.push(&summary(room));
        }
        list.end(None)
    }

    pub(super) fn list_room(&self, name: &str, page: &Page) -> Result<Answer, Problem> {
        let room = self.rooms.room(self.known_room(name)?);
        let heading = Heading {
            room: room.name(),
            count: room.members().len(),
            connections: room.audience().len(),
            seq: room.last_sequence(),
        };
        let mut list = List::begin(&heading, "members", page.entries_max);
        // Past the last key there can be, there is nobody.
        let first = UserKey(u32::try_from(page.cursor).unwrap_or(u32::MAX));
        for (key, connections) in room.members_from(first) {
            let Some(user) = self.users.get(key) else {
                continue;
            };
            if !list.has_room() {
                return Ok(list.end(Some(u64::from(key.0))));
            }
            list.push(&Member {
                user: &user.id,
                name: &user.name,
                connections,
            });
        }
        Ok(list.end(None))
    }
}

fn summary(room: &Room) -> Summary<'_> {
    Summary {
        room: room.name(),
        members: room.members().len(),
        connections: room.audience().len(),
        seq: room.last_sequence(),
    }
}
