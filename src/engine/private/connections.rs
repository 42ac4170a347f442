//! Who is connected.

use serde::Serialize;

use super::super::connection::{Connection, Phase, Wire};
use super::super::{Door, Engine};
use super::Answer;
use super::list::List;
use crate::id::{RoomKey, UserKey};
use crate::protocol::api::ConnectionQuery;
use crate::protocol::problem::Problem;
use crate::time::{Instant, Now};

/// Slots looked at for one page: a filter that nobody passes costs no more than that.
const EXAMINED_MAX: usize = 8192;

#[derive(Serialize)]
pub(super) struct Entry<'a> {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    address: String,
    door: &'static str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<&'static str>,
    rooms: Vec<&'a str>,
    /// When the present state began, in seconds since 1970.
    since: f64,
    queued_bytes: usize,
}

#[derive(Serialize)]
struct Nothing {}

/// Whom a page is about.
struct Wanted {
    user: Option<UserKey>,
    room: Option<RoomKey>,
}

impl Wanted {
    fn includes(&self, connection: &Connection) -> bool {
        let is_seated = |room| match &connection.phase {
            Phase::Open(session) => session.seats.iter().any(|seat| seat.room == room),
            _ => false,
        };
        self.user.is_none_or(|user| connection.user() == Some(user))
            && self.room.is_none_or(is_seated)
    }
}

impl Engine {
    pub(super) fn list_connections(
        &self,
        query: &ConnectionQuery,
        now: Now,
    ) -> Result<Answer, Problem> {
        let room = query.room.as_deref().map(|name| self.known_room(name));
        let room = room.transpose()?;
        let mut list = List::begin(&Nothing {}, "connections", query.page.entries_max);
        let user = query.user.as_deref().map(|user| self.users.find(user));
        if user == Some(None) {
            return Ok(list.end(None));
        }
        let wanted = Wanted {
            user: user.flatten(),
            room,
        };
        let slots = self.connections.slots();
        let begin = usize::try_from(query.page.cursor).unwrap_or(usize::MAX);
        let end = slots.min(begin.saturating_add(EXAMINED_MAX));
        let mut next = (end < slots).then_some(end as u64);
        for connection in self.connections.between(begin, end) {
            if !wanted.includes(connection) {
                continue;
            }
            if !list.has_room() {
                next = Some(connection.id.slot() as u64);
                break;
            }
            list.push(&self.entry(connection, now));
        }
        Ok(list.end(next))
    }

    pub(super) fn entry<'a>(&'a self, connection: &'a Connection, now: Now) -> Entry<'a> {
        let user = connection.user().and_then(|user| self.users.get(user));
        let (state, rooms) = match &connection.phase {
            Phase::Preamble(_) | Phase::Handshake(_) => ("handshake", Vec::new()),
            Phase::Head(head) if head.is_idle() => ("idle", Vec::new()),
            Phase::Head(_) | Phase::Body(_) => ("request", Vec::new()),
            Phase::Open(session) => {
                let seats = session.seats.iter();
                let names = seats.map(|seat| self.rooms.room(seat.room).name());
                ("open", names.collect())
            }
            Phase::Closing { .. } => ("closing", Vec::new()),
            Phase::Ending { .. } => ("ending", Vec::new()),
        };
        Entry {
            id: connection.id.to_string(),
            user: user.map(|user| user.id.as_ref()),
            name: user.map(|user| user.name.as_ref()),
            address: connection.client().to_string(),
            door: match connection.door {
                Door::Public => "public",
                Door::Redirect => "redirect",
                Door::Private => "private",
            },
            state,
            protocol: user.map(|_| match connection.wire {
                Wire::Tutorial => "tutorial",
                Wire::V1 => "wardroom.v1",
            }),
            rooms,
            since: date(connection.since, now),
            queued_bytes: connection.waiting(),
        }
    }
}

/// The date of a moment that has passed, in seconds since 1970.
pub(super) fn date(moment: Instant, now: Now) -> f64 {
    let age = now.instant.since(moment).as_millis() as u64;
    now.wall.as_millis().saturating_sub(age) as f64 / 1000.0
}
