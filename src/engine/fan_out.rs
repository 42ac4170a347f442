//! What rooms are told in a turn: encoded once per protocol, gathered, and queued uncopied for everybody who hears the room.
//!
//! Several messages to one room in one turn are one segment in each member's queue, so a burst costs hardly more
//! than a single message. So are those that come while the room's hearers are still written to ([`super::passes`]).

use std::time::Duration;

use super::Engine;
use super::connection::Wire;
use super::gathered::Gathered;
use super::stock::Told;
use crate::id::{ConnectionId, RoomKey, UserKey};
use crate::protocol::notice::Notice;
use crate::time::Instant;

/// A room's gathered frames are queued without waiting from this size on.
const GATHERED_BYTES_MAX: usize = 32 * 1024;
/// A room with more hearers rests after it was told something: who comes, goes and types is told at most this often for each of them, so that telling
/// it takes a tenth of a core at most, however many do.
const RESTLESS_HEARERS_MAX: usize = 32;
const REST_FOR_EACH_HEARER: Duration = Duration::from_micros(100);
/// Hearers, over all rooms, for whom something is queued at a time, each 20 to 50 ns: rooms that would make it more are told next. One room is told in
/// one piece, so that everybody in it hears the same.
const HEARERS_AT_A_TIME_MAX: usize = 4096;

/// Frames on their way to rooms.
///
/// **Nobody hears what was said before they came: [`FanOut::add_hearer`] takes note of where that ends. Who goes hears
/// what was said before: [`Engine::hear_out`] comes before a seat is given up.**
#[derive(Debug, Default)]
pub(super) struct FanOut {
    /// By room key.
    rooms: Vec<Gathered>,
    /// Rooms with something gathered, in the order in which that began.
    pending: Vec<RoomKey>,
    /// Something was gathered since rooms were last looked at.
    is_due: bool,
    /// When the first of those that rest has rested enough.
    next_end_of_rest: Option<Instant>,
    /// One notice's text, while its length is not known.
    text: Vec<u8>,
    /// Frames that members hold together.
    told: Told,
}

impl FanOut {
    pub(super) fn new(rooms: usize) -> Self {
        FanOut {
            rooms: vec![Gathered::default(); rooms],
            ..FanOut::default()
        }
    }

    /// Sees to an entry for each of `rooms` rooms; none is ever taken away.
    pub(super) fn make_room_for(&mut self, rooms: usize) {
        let rooms = rooms.max(self.rooms.len());
        self.rooms.resize(rooms, Gathered::default());
    }

    /// A connection that speaks `wire` has come to the room.
    pub(super) fn add_hearer(&mut self, room: RoomKey, id: ConnectionId, wire: Wire) {
        of(&mut self.rooms, room).add_hearer(id, wire);
    }

    /// A connection that speaks `wire` has left the room.
    pub(super) fn remove_hearer(&mut self, room: RoomKey, id: ConnectionId, wire: Wire) {
        of(&mut self.rooms, room).remove_hearer(id, wire);
    }

    /// Whether something waits for the end of the turn.
    pub(super) fn is_pending(&self) -> bool {
        self.is_due
    }

    /// When a room that rests is to be told what waits for that.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.next_end_of_rest
    }

    /// Adds a notice for everybody in the room.
    fn gather(&mut self, room: RoomKey, notice: &Notice<'_>) {
        let gathered = of(&mut self.rooms, room);
        gathered.add(notice, &mut self.text);
        self.list(room);
    }

    /// Adds that somebody types for everybody else in the room.
    fn gather_typing(&mut self, room: RoomKey, user: UserKey, notice: &Notice<'_>) {
        let gathered = of(&mut self.rooms, room);
        gathered.add_typing(user, notice, &mut self.text);
        self.list(room);
    }

    fn list(&mut self, room: RoomKey) {
        let gathered = of(&mut self.rooms, room);
        if gathered.is_empty() {
            return;
        }
        self.is_due = true;
        if !gathered.is_listed {
            gathered.is_listed = true;
            self.pending.push(room);
        }
    }

    /// Bytes of frames that members hold together, each counted once.
    pub(super) fn told_bytes(&self) -> usize {
        self.told.bytes()
    }

    fn is_full(&mut self, room: RoomKey) -> bool {
        let gathered = of(&mut self.rooms, room);
        gathered.len() > GATHERED_BYTES_MAX || gathered.has_many_exceptions()
    }
}

#[expect(
    clippy::indexing_slicing,
    reason = "there is an entry for every room, and room keys come from the table of rooms"
)]
fn of(rooms: &mut [Gathered], room: RoomKey) -> &mut Gathered {
    &mut rooms[room.0 as usize]
}

impl Engine {
    /// Tells everybody in the room, at the end of the turn, or when its hearers have been written to.
    pub(super) fn tell<'a>(
        &'a mut self,
        room: RoomKey,
        notice: impl FnOnce(&'a str) -> Notice<'a>,
    ) {
        let Engine { rooms, fan_out, .. } = self;
        fan_out.gather(room, &notice(rooms.room(room).name()));
    }

    /// Tells everybody else in the room that somebody types.
    pub(super) fn tell_typing(&mut self, user: UserKey, room: RoomKey) {
        if let Some(person) = self.person(user) {
            let Engine { rooms, fan_out, .. } = self;
            let notice = person.typing(rooms.room(room).name());
            fan_out.gather_typing(room, user, &notice);
            self.flush_full_room(room);
        }
    }

    /// Queues what was gathered for a room if it is much.
    pub(super) fn flush_full_room(&mut self, room: RoomKey) {
        if self.fan_out.is_full(room) {
            self.flush_room(room);
        }
    }

    /// Queues what was gathered for a room, for everybody who is in it now.
    pub(super) fn flush_room(&mut self, room: RoomKey) {
        let gathered = of(&mut self.fan_out.rooms, room);
        if gathered.is_empty() {
            return;
        }
        let is_passing = gathered.is_passing();
        gathered.rests_until = self.outbound.now() + rest(gathered.hearers());
        let (mut tutorial, mut v1, exceptions) = gathered.take(&self.fan_out.told);
        for id in self.rooms.room(room).audience() {
            let Some(connection) = self.connections.get_mut(id) else {
                continue;
            };
            let has_expired = self.overdue.is_some_and(|now| connection.has_expired(now));
            if !connection.can_tell() || connection.doomed.is_some() || has_expired {
                continue;
            }
            let part = exceptions
                .as_deref()
                .and_then(|known| known.part(id, connection.user(), connection.wire));
            let taken = match connection.wire {
                Wire::Tutorial => &mut tutorial,
                Wire::V1 => &mut v1,
            };
            taken.hearers += 1;
            let push = self
                .outbound
                .push_taken(connection, taken, part.as_ref(), room);
            self.counters.left_out += push;
        }
        self.passes.begin(room, is_passing);
        self.counters.fanned_out(
            (tutorial.notices, tutorial.hearers),
            (v1.notices, v1.hearers),
        );
        self.counters.deliveries -= tutorial.left_out + v1.left_out;
    }

    /// Lets a session that ends hear what was said in its rooms before: it will not be there at the turn's end.
    pub(super) fn hear_out(&mut self, id: ConnectionId) {
        let seats = self.session_mut(id).map(|session| session.seats.len());
        for index in 0..seats.unwrap_or(0) {
            let seat = self
                .session_mut(id)
                .and_then(|session| session.seats.get(index));
            if let Some(room) = seat.map(|seat| seat.room) {
                self.hear_out_room(id, room);
            }
        }
    }

    /// Lets one connection hear what was said in a room before it leaves.
    pub(super) fn hear_out_room(&mut self, id: ConnectionId, room: RoomKey) {
        if let Some(connection) = self.connections.get_mut(id)
            && connection.doomed.is_none()
        {
            let gathered = of(&mut self.fan_out.rooms, room);
            let (said, notices) = gathered.said_to(id, connection.user(), connection.wire);
            self.counters.deliveries += notices;
            self.outbound.push_of_room(connection, &said, room);
        }
    }

    /// Queues what was gathered for every room but those whose hearers are still written to, and those that rest.
    pub(super) fn flush_rooms(&mut self) {
        let now = self.outbound.now();
        let mut pending = std::mem::take(&mut self.fan_out.pending);
        self.fan_out.is_due = false;
        self.fan_out.next_end_of_rest = None;
        let mut hearers_left = HEARERS_AT_A_TIME_MAX;
        pending.retain(|room| self.flush_if_due(*room, &mut hearers_left, now));
        // What is told while rooms are told something is listed anew.
        pending.append(&mut self.fan_out.pending);
        self.fan_out.pending = pending;
    }

    /// Queues what was gathered for a room, if it is time; whether it stays listed.
    fn flush_if_due(&mut self, room: RoomKey, hearers_left: &mut usize, now: Instant) -> bool {
        let gathered = of(&mut self.fan_out.rooms, room);
        if gathered.is_empty() {
            gathered.is_listed = false;
            return false;
        }
        let is_passing = gathered.is_passing();
        if is_passing && now < gathered.rests_until {
            let next = &mut self.fan_out.next_end_of_rest;
            *next = Some(next.map_or(gathered.rests_until, |next| next.min(gathered.rests_until)));
            return true;
        }
        if self.passes.is_to_end_first(room, is_passing) || *hearers_left == 0 {
            self.fan_out.is_due = true;
            return true;
        }
        *hearers_left = hearers_left.saturating_sub(gathered.hearers());
        gathered.is_listed = false;
        self.flush_room(room);
        false
    }
}

/// How long a room with so many hearers rests.
fn rest(hearers: usize) -> Duration {
    if hearers <= RESTLESS_HEARERS_MAX {
        return Duration::ZERO;
    }
    REST_FOR_EACH_HEARER * u32::try_from(hearers).unwrap_or(u32::MAX)
}
