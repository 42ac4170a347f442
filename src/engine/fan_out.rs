//! What rooms are told in a turn: encoded once per protocol, gathered, and queued uncopied for everybody who hears the room.
//!
//! Several messages to one room in one turn are one segment in each member's queue, so a burst costs hardly more
//! than a single message.

use std::ops::Range;

use bytes::Bytes;

use super::Engine;
use super::behind::Taken;
use super::connection::Wire;
use super::stock::Told;
use crate::id::{ConnectionId, RoomKey, UserKey};
use crate::protocol::frame::{Opcode, write_header};
use crate::protocol::notice::{Notice, Passing};

/// A room's gathered frames are queued without waiting for the turn's end from this size on.
const GATHERED_BYTES_MAX: usize = 32 * 1024;

/// Frames on their way to rooms.
///
/// **Nobody hears what was said before they came: [`Engine::flush_room`] comes before a seat is taken. Who goes hears
/// what was said before: [`Engine::hear_out`] comes before a seat is given up.**
#[derive(Debug, Default)]
pub(super) struct FanOut {
    /// By room key.
    rooms: Vec<Gathered>,
    /// Rooms with something gathered, in the order in which that began.
    pending: Vec<RoomKey>,
    /// One notice's text, while its length is not known.
    text: Vec<u8>,
    /// Frames that members hold together.
    told: Told,
}

/// What one room will be told at the end of the turn.
#[derive(Debug, Default, Clone)]
struct Gathered {
    tutorial: Run,
    v1: Run,
}

/// Frames of one protocol, and how many connections in the room speak it.
#[derive(Debug, Default, Clone)]
struct Run {
    hearers: usize,
    frames: Vec<u8>,
    /// Notices in `frames`.
    notices: u64,
    /// Those of them that are of use for a moment only: where they stand, how many they are, and what they tell of.
    passing: Vec<Range<usize>>,
    passing_notices: u64,
    told_in_passing: Passing,
}

impl Run {
    fn take(&mut self, told: &Told) -> Taken {
        Taken {
            frames: told.frames(std::mem::take(&mut self.frames)),
            told: told.clone(),
            notices: std::mem::take(&mut self.notices),
            passing: std::mem::take(&mut self.passing),
            passing_notices: std::mem::take(&mut self.passing_notices),
            told_in_passing: std::mem::take(&mut self.told_in_passing),
            ..Taken::default()
        }
    }

    /// Takes note that the frames from `begin` on are of use for a moment only.
    fn note_passing(&mut self, begin: usize, passing: Passing) {
        let end = self.frames.len();
        match self.passing.last_mut() {
            Some(last) if last.end == begin => last.end = end,
            _ => self.passing.push(begin..end),
        }
        self.passing_notices += 1;
        self.told_in_passing.add(passing);
    }
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

    /// Somebody who speaks `wire` has come to the room.
    pub(super) fn add_hearer(&mut self, room: RoomKey, wire: Wire) {
        self.run(room, wire).hearers += 1;
    }

    /// Somebody who speaks `wire` has left the room.
    pub(super) fn remove_hearer(&mut self, room: RoomKey, wire: Wire) {
        self.run(room, wire).hearers -= 1;
    }

    fn run(&mut self, room: RoomKey, wire: Wire) -> &mut Run {
        let gathered = of(&mut self.rooms, room);
        match wire {
            Wire::Tutorial => &mut gathered.tutorial,
            Wire::V1 => &mut gathered.v1,
        }
    }

    /// Whether something waits for the end of the turn.
    pub(super) fn is_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Adds a notice for everybody in the room.
    fn gather(&mut self, room: RoomKey, notice: &Notice<'_>) {
        let gathered = of(&mut self.rooms, room);
        let was_empty = gathered.tutorial.frames.is_empty() && gathered.v1.frames.is_empty();
        for (run, is_v1) in [(&mut gathered.tutorial, false), (&mut gathered.v1, true)] {
            if run.hearers == 0 {
                continue;
            }
            self.text.clear();
            if is_v1 {
                notice.write_v1(&mut self.text);
            } else if !notice.write_tutorial(&mut self.text) {
                continue;
            }
            let begin = run.frames.len();
            write_header(&mut run.frames, Opcode::Text, self.text.len());
            run.frames.extend_from_slice(&self.text);
            run.notices += 1;
            if let Some(passing) = notice.passing() {
                run.note_passing(begin, passing);
            }
        }
        if was_empty && !(gathered.tutorial.frames.is_empty() && gathered.v1.frames.is_empty()) {
            self.pending.push(room);
        }
    }

    /// Bytes of frames that members hold together, each counted once.
    pub(super) fn told_bytes(&self) -> usize {
        self.told.bytes()
    }

    fn is_full(&mut self, room: RoomKey) -> bool {
        let gathered = of(&mut self.rooms, room);
        gathered.tutorial.frames.len().max(gathered.v1.frames.len()) > GATHERED_BYTES_MAX
    }

    /// Takes what is gathered for a room: for the tutorial's protocol and for the full one.
    fn take(&mut self, room: RoomKey) -> (Taken, Taken) {
        let gathered = of(&mut self.rooms, room);
        let told = &self.told;
        (gathered.tutorial.take(told), gathered.v1.take(told))
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
    /// Tells everybody in the room, at the end of the turn at the latest.
    pub(super) fn tell<'a>(
        &'a mut self,
        room: RoomKey,
        notice: impl FnOnce(&'a str) -> Notice<'a>,
    ) {
        let Engine { rooms, fan_out, .. } = self;
        fan_out.gather(room, &notice(rooms.room(room).name()));
    }

    /// Queues what was gathered for a room if it is much.
    pub(super) fn flush_full_room(&mut self, room: RoomKey) {
        if self.fan_out.is_full(room) {
            self.flush_room(room);
        }
    }

    /// Queues what was gathered for a room, for everybody who is in it now but `except`.
    pub(super) fn flush_room_except(&mut self, room: RoomKey, except: Option<UserKey>) {
        let (mut tutorial, mut v1) = self.fan_out.take(room);
        if tutorial.frames.is_empty() && v1.frames.is_empty() {
            return;
        }
        for id in self.rooms.room(room).audience() {
            let Some(connection) = self.connections.get_mut(*id) else {
                continue;
            };
            if !connection.can_tell() || (except.is_some() && except == connection.user()) {
                continue;
            }
            let taken = match connection.wire {
                Wire::Tutorial => &mut tutorial,
                Wire::V1 => &mut v1,
            };
            taken.hearers += 1;
            self.counters.left_out += self.outbound.push_taken(connection, taken, room);
        }
        self.counters.fanned_out(
            (tutorial.notices, tutorial.hearers),
            (v1.notices, v1.hearers),
        );
        self.counters.deliveries -= tutorial.left_out + v1.left_out;
    }

    pub(super) fn flush_room(&mut self, room: RoomKey) {
        self.flush_room_except(room, None);
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
        if let Some(connection) = self.connections.get_mut(id) {
            let run = self.fan_out.run(room, connection.wire);
            self.counters.deliveries += run.notices;
            let said = Bytes::copy_from_slice(&run.frames);
            self.outbound.push_of_room(connection, &said, room);
        }
    }

    /// Queues what was gathered for every room.
    pub(super) fn flush_rooms(&mut self) {
        let mut pending = std::mem::take(&mut self.fan_out.pending);
        for room in pending.drain(..) {
            self.flush_room(room);
        }
        self.fan_out.pending = pending;
    }
}
