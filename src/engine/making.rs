//! A connection that has asked for a room and goes on before it is made: what it asks of that room waits, and everything after it.
//!
//! One text waits for each connection; behind it nothing is read. It waits no longer than a peer may be silent: then it is answered
//! `busy`, and whoever is there can show it again.

use std::sync::Arc;

use super::Engine;
use super::reply::Complaint;
use super::verify::BUSY_RETRY;
use crate::id::ConnectionId;
use crate::protocol::command::v1::{self, Request, RequestId};
use crate::protocol::refusal::RoomRefusal;
use crate::time::Now;

/// Rooms that a connection has asked for and that are not made yet: as many as it may ask for at once.
#[derive(Debug, Default)]
pub(super) struct Making {
    rooms: Vec<Arc<str>>,
    /// A command about one of them, as it came; it is charged.
    aside: Option<(Arc<str>, Box<str>)>,
    /// One has waited in vain: nothing waits for these rooms any more.
    is_slow: bool,
}

/// When a command about a room is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Now,
    /// When the room is made; it was put aside.
    Later,
    /// Not at all: the room takes too long to be made.
    Never,
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

    /// Puts a command aside that is about a room which is being made for this connection.
    pub(super) fn put_aside(
        &mut self,
        id: ConnectionId,
        request: &Request<'_>,
        text: &str,
    ) -> Turn {
        let (Some(session), Some(room)) = (self.session_mut(id), request.command.room()) else {
            return Turn::Now;
        };
        let Some(making) = &mut session.making else {
            return Turn::Now;
        };
        let Some(room) = making.rooms.iter().find(|made| ***made == *room) else {
            return Turn::Now;
        };
        if making.is_slow {
            return Turn::Never;
        }
        making.aside = Some((Arc::clone(room), text.into()));
        // An answer to an earlier ping is not read either.
        session.ping_sent = None;
        Turn::Later
    }

    /// Answers what was put aside, so that the connection is read again. What it asks of those rooms is not put aside any more.
    pub(super) fn give_up_waiting(&mut self, id: ConnectionId, now: Now) {
        let bounds = self.bounds_of_people();
        let Some(making) = self
            .session_mut(id)
            .and_then(|session| session.making.as_mut())
        else {
            return;
        };
        let Some((_, text)) = making.aside.take() else {
            return;
        };
        making.is_slow = true;
        let request = v1::parse(&text, &bounds).map_or(None, |request| request.id);
        self.object(id, &too_slow(request), now);
        self.hold(id, &[], true);
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

/// What whoever asks something of a room is told that takes too long to be made.
pub(super) fn too_slow(request: Option<RequestId<'_>>) -> Complaint<'_> {
    Complaint::refused(request, RoomRefusal::Busy(BUSY_RETRY))
}
