//! Who is behind with reading: how long what waits for them has waited, what they go without, and what they are told once they have caught up.
//!
//! Messages are never left out: whoever is too far behind for them is closed, and asks for them by number when they are back.

use std::ops::Range;

use bytes::Bytes;

use super::Engine;
use super::connection::{Connection, Phase, Wire};
use super::gathered::Part;
use super::outbound::Outbound;
use super::reply;
use super::standstill::Standstill;
use super::stock::Told;
use crate::config::Deadlines;
use crate::id::{ConnectionId, RoomKey};
use crate::protocol::notice::rooms::Crowd;
use crate::protocol::notice::{Notice, Passing};
use crate::time::{Instant, Now};

/// A mark on what waits for a connection: so many bytes have waited since then.
///
/// One mark instead of a time for each frame: when what is before it has left, it is set anew behind all that waits then. A reader that stalls with
/// nothing before it is known to the instant; one that falls behind step by step has waited at least as long as the mark says, and at most twice.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lag {
    since: Instant,
    bytes: u32,
}

impl Lag {
    /// So many bytes wait from now on.
    pub(super) fn new(bytes: usize, now: Instant) -> Self {
        Lag {
            since: now,
            bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
        }
    }

    /// Some was taken back, `of_first` bytes of it from before the mark, and `after` bytes wait: that is no reading.
    pub(super) fn taken_back(&mut self, of_first: usize, after: usize, now: Instant) {
        let left = (self.bytes as usize).saturating_sub(of_first);
        *self = if left == 0 {
            Lag::new(after, now)
        } else {
            Lag {
                bytes: u32::try_from(left).unwrap_or(u32::MAX),
                ..*self
            }
        };
    }

    /// What waits is not `before` bytes any more but `after`, as some have left or were sealed.
    pub(super) fn changed(&mut self, before: usize, after: usize, now: Instant) {
        let more = after.saturating_sub(before);
        let fewer = before.saturating_sub(after);
        let left = (self.bytes as usize + more).saturating_sub(fewer);
        *self = if left == 0 {
            Lag::new(after, now)
        } else {
            Lag {
                bytes: u32::try_from(left).unwrap_or(u32::MAX),
                ..*self
            }
        };
    }
}

/// What a session went without, by room.
#[derive(Debug, Default)]
pub(super) struct Missed {
    rooms: Vec<(RoomKey, Passing)>,
}

/// What was gathered for a room, on its way to queues.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) frames: Bytes,
    pub(super) notices: u64,
    /// Connections that it was queued for.
    pub(super) hearers: u64,
    /// Where in `frames` that stands which is of use for a moment only.
    pub(super) passing: Vec<Range<usize>>,
    pub(super) passing_notices: u64,
    pub(super) told_in_passing: Passing,
    /// Notices that it was not queued with, over all of them.
    pub(super) left_out: u64,
    /// The rest, once somebody needs it.
    pub(super) lasting: Option<Bytes>,
    /// Where both are counted while anybody holds them.
    pub(super) told: Told,
}

impl Taken {
    /// Whether all of it is of use for a moment only.
    fn is_passing(&self) -> bool {
        self.passing_notices > 0 && self.passing_notices == self.notices
    }

    fn lasting(&mut self) -> &Bytes {
        let Taken {
            frames,
            passing,
            lasting,
            told,
            ..
        } = self;
        lasting.get_or_insert_with(|| {
            let mut rest = Vec::new();
            let mut begin = 0;
            for range in passing.iter() {
                rest.extend_from_slice(frames.get(begin..range.start).unwrap_or_default());
                begin = range.end;
            }
            rest.extend_from_slice(frames.get(begin..).unwrap_or_default());
            told.frames(rest)
        })
    }
}

impl Outbound {
    /// Queues what a room is told for one who hears it, or the `part` of it that is for them; gives how many notices they go without.
    pub(super) fn push_taken(
        &mut self,
        connection: &mut Connection,
        taken: &mut Taken,
        part: Option<&Part>,
        room: RoomKey,
    ) -> u64 {
        let left_out = if self.is_pressed(connection) {
            self.drop_passing(connection)
        } else {
            0
        };
        if let Some(part) = part.filter(|part| part.begin > 0 || !self.is_pressed(connection)) {
            self.push_part(connection, taken, part, room);
        } else if taken.passing_notices == 0 {
            self.push_all(connection, &taken.frames, room);
        } else if self.is_pressed(connection) {
            connection.miss(room, taken.told_in_passing);
            let lasting = taken.lasting().clone();
            self.push_all(connection, &lasting, room);
            taken.left_out += taken.passing_notices;
            return left_out + taken.passing_notices;
        } else if taken.is_passing() {
            let frames = taken.frames.clone();
            self.write_in_room(connection, |outbox| {
                outbox.push_passing(frames, room, taken.told_in_passing);
            });
        } else {
            self.push_all(connection, &taken.frames, room);
        }
        left_out
    }

    fn push_all(&mut self, connection: &mut Connection, frames: &Bytes, room: RoomKey) {
        self.write_in_room(connection, |outbox| {
            outbox.push_told(frames.clone(), room);
        });
    }

    fn push_part(
        &mut self,
        connection: &mut Connection,
        taken: &mut Taken,
        part: &Part,
        room: RoomKey,
    ) {
        taken.left_out += part.notices_left_out;
        let mut told = taken.told_in_passing;
        for piece in part.pieces(taken.frames.len()) {
            let frames = taken.frames.slice(piece);
            if taken.is_passing() && part.begin == 0 {
                // Who comes and goes is counted once, whichever piece tells of it.
                let told = std::mem::take(&mut told);
                self.write_in_room(connection, |outbox| {
                    outbox.push_passing(frames, room, told);
                });
            } else {
                self.push_all(connection, &frames, room);
            }
        }
    }

    /// Takes back what waits for a connection and is of use for a moment only; gives how many times rooms were to be told something.
    fn drop_passing(&mut self, connection: &mut Connection) -> u64 {
        let mut missed = Vec::new();
        let first = connection.first_bytes();
        let purged = connection
            .outbox
            .purge_passing(first, |room, passing| missed.push((room, passing)));
        self.taken_back(connection, purged);
        let mut left_out = 0;
        for (room, passing) in missed {
            left_out += (passing.joined + passing.left).max(1);
            connection.miss(room, passing);
        }
        left_out
    }
}

impl Connection {
    /// How many of the bytes in its outbox come before the mark.
    pub(super) fn first_bytes(&self) -> usize {
        (self.lag.bytes as usize).saturating_sub(self.sealed)
    }

    /// Whether something waits that was there at `start`, and nothing was taken since.
    pub(super) fn has_taken_nothing_since(&self, start: Instant) -> bool {
        self.waiting() > 0 && self.lag.since <= start
    }

    /// Since when something has waited for it, at least.
    pub(super) fn unread_since(&self) -> Option<Instant> {
        (self.waiting() > 0).then_some(self.lag.since)
    }

    /// When its reader is too late, if nothing that waits is taken until then.
    pub(super) fn too_late(
        &self,
        deadlines: &Deadlines,
        standstill: Standstill,
    ) -> Option<Instant> {
        let is_watched = self.waiting() > 0 && !deadlines.unread.is_zero();
        is_watched.then(|| standstill.put_off(self.lag.since + deadlines.unread))
    }

    /// Takes note of what it is not told. Who types concerns nobody later, and the tutorial's protocol has no words for how many came and went.
    fn miss(&mut self, room: RoomKey, passing: Passing) {
        let Phase::Open(session) = &mut self.phase else {
            return;
        };
        if passing == Passing::default() || self.wire == Wire::Tutorial {
            return;
        }
        self.has_missed = true;
        let missed = session.missed.get_or_insert_default();
        match missed.rooms.iter_mut().find(|(of, _)| *of == room) {
            Some((_, known)) => known.add(passing),
            None => {
                if missed.rooms.len() >= session.seats.len() {
                    let is_there = |of| session.seats.iter().any(|seat| seat.room == of);
                    missed.rooms.retain(|(of, _)| is_there(*of));
                }
                missed.rooms.push((room, passing));
            }
        }
    }
}

impl Engine {
    /// Tells one who has caught up how many came and went meanwhile in the rooms that they are still in, and how many are there.
    pub(super) fn tell_missed(&mut self, id: ConnectionId, now: Now) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        if !connection.has_missed || !self.outbound.is_relieved(connection) {
            return;
        }
        connection.has_missed = false;
        let Phase::Open(session) = &mut connection.phase else {
            return;
        };
        let missed = session.missed.take().unwrap_or_default();
        let mut told = Vec::new();
        for (room, Passing { joined, left }) in missed.rooms {
            if !session.seats.iter().any(|seat| seat.room == room) {
                continue;
            }
            let found = self.rooms.room(room);
            let notice = Notice::Presence(Crowd {
                room: found.name(),
                count: found.members().len() as u64,
                joined,
                left,
                timestamp: now.wall,
            });
            if let Some(frame) = reply::encode(&notice, connection.wire) {
                told.push((room, frame));
            }
        }
        for (room, frame) in told {
            self.outbound.push_of_room(connection, &frame, room);
        }
        self.arm(id, now);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn a_mark_is_set_anew_behind_all_that_waits_when_what_was_before_it_has_left() {
        let mut lag = Lag::new(100, at(1));
        // Meanwhile 50 more came, which are behind the mark.
        lag.changed(150, 51, at(2));
        assert_eq!(lag.since, at(1));
        lag.changed(51, 50, at(3));
        assert_eq!(lag.since, at(3));
        lag.changed(50, 1, at(4));
        assert_eq!(lag.since, at(3));
        lag.changed(1, 0, at(5));
        assert_eq!(lag.bytes, 0);
    }

    #[test]
    fn sealing_makes_what_waits_larger_and_its_age_the_same() {
        let mut lag = Lag::new(100, at(1));
        lag.changed(100, 122, at(2));
        lag.changed(122, 10, at(3));
        assert_eq!((lag.since, lag.bytes), (at(1), 10));
        lag.changed(10, 0, at(4));
        assert_eq!(lag.bytes, 0);
    }
}
