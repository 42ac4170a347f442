//! A connection that has asked for a room and goes on before it is made: what it asks of that room waits, and everything after it.
//!
//! One text waits for each connection; behind it nothing is read.

use std::sync::Arc;

use super::Engine;
use crate::id::ConnectionId;
use crate::time::Now;

/// Rooms that a connection has asked for and that are not made yet: as many as it may ask for at once.
#[derive(Debug, Default)]
pub(super) struct Making {
    rooms: Vec<Arc<str>>,
    /// A command about one of them, as it came; it is charged.
    aside: Option<(Arc<str>, Box<str>)>,
}

impl Making {
    /// Whether nothing is read until a room is made.
    pub(super) fn is_waiting(&self) -> bool {
        self.aside.is_some()
    }
}

impl Engine {
    /// Takes note that a connection has asked for a room.
    pub(super) fn note_making(&mut self, id: ConnectionId, room: Arc<str>) {
        if let Some(session) = self.session_mut(id) {
            session.making.get_or_insert_default().rooms.push(room);
        }
    }

    /// Puts a command aside that is about a room which is being made for this connection. Whether it was.
    pub(super) fn put_aside(&mut self, id: ConnectionId, room: Option<&str>, text: &str) -> bool {
        let making = self
            .session_mut(id)
            .and_then(|session| session.making.as_mut());
        let (Some(making), Some(room)) = (making, room) else {
            return false;
        };
        let found = making.rooms.iter().find(|made| ***made == *room).cloned();
        making.aside = found.map(|room| (room, text.into()));
        making.is_waiting()
    }

    /// Goes on with what was put aside, once it is known what became of the room.
    pub(super) fn take_up(&mut self, id: ConnectionId, room: &str, now: Now) {
        let Some(session) = self.session_mut(id) else {
            return;
        };
        let user = session.user;
        let Some(making) = &mut session.making else {
            return;
        };
        if let Some(place) = making.rooms.iter().position(|made| **made == *room) {
            making.rooms.swap_remove(place);
        }
        let is_it = |(about, _): &mut (Arc<str>, Box<str>)| **about == *room;
        let aside = making.aside.take_if(is_it);
        if making.rooms.is_empty() {
            session.making = None;
        }
        let Some((_, text)) = aside else {
            return;
        };
        // Nothing was read meanwhile: silence proves nothing.
        session.last_received = now.instant;
        session.ping_sent = None;
        self.obey(id, user, &text, now);
        self.hold(id, &[], true);
    }
}
