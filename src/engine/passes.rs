//! Writing to those who hear rooms, a slice at a time: a pass goes along a room's seats, whoever came first first, and rooms take turns.
//!
//! What a room is told costs hardly anything to queue (it is shared) and a system call for each hearer to write. So it is the writing that is cut
//! into slices: a room with ten thousand people does not keep one with two waiting, nor anybody who asked something. What waits in a queue stays in its
//! order, however late it is written.

use std::collections::VecDeque;

use super::outbound::WriteAsked;
use super::{Effect, Engine, Share};
use crate::id::{ConnectionId, RoomKey};
use crate::limit::Deficit;

/// Effects that belong to single connections, between two slices of rooms.
const ALONE_PER_SLICE: u32 = 64;
/// Turns in a row in which single connections may leave no time for rooms. With fewer, answers would wait for rooms that are not in a hurry.
const PASSED_OVER_MAX: u32 = 16;
/// What a room may spend on one slice, and what passing a seat and writing to it cost: 64 writes of a short message.
const SLICE: u32 = 64 * WRITE;
const LOOK: u32 = 1;
const WRITE: u32 = 64;
/// Bytes that cost as much as a look.
const BYTES_PER_LOOK: usize = 128;

/// Rooms with hearers that are to be written to.
///
/// **Whoever is [`WriteAsked::InRoom`] sits in a room whose pass comes to them: one who gives up a seat is written to alone.**
#[derive(Debug, Default)]
pub(super) struct Passes {
    /// By room key.
    rooms: Vec<Pass>,
    /// Those that are under way, the next first.
    order: VecDeque<RoomKey>,
    /// Effects of single connections that come before the next slice.
    alone_left: u32,
    /// Turns one after the other in which single connections left no time for rooms.
    passed_over: u32,
}

/// Where a room's pass is.
#[derive(Debug, Default, Clone, Copy)]
struct Pass {
    /// The first place that it has not come to.
    next: u64,
    is_under_way: bool,
    /// All that is written is of use for a moment only.
    is_passing: bool,
    /// It has begun anew for what was said after it began; it does so once.
    is_renewed: bool,
    /// Whoever sits before `next` is to be written to as well.
    is_to_repeat: bool,
    deficit: Deficit,
}

impl Passes {
    pub(super) fn are_under_way(&self) -> bool {
        !self.order.is_empty()
    }

    /// Whether a room's hearers are being written to, and what is to be told next has to wait for the end of that.
    pub(super) fn is_to_end_first(&self, room: RoomKey, is_passing: bool) -> bool {
        let pass = self.rooms.get(room.0 as usize);
        pass.is_some_and(|pass| pass.is_under_way && (is_passing || pass.is_renewed))
    }

    /// Something was queued for everybody in the room. What is said overtakes who comes, goes and types, and once what was said before: the pass begins
    /// anew with all of it, so that the first to be written to do not wait for the last.
    pub(super) fn begin(&mut self, room: RoomKey, is_passing: bool) {
        let place = room.0 as usize;
        if self.rooms.len() <= place {
            self.rooms.resize(place + 1, Pass::default());
        }
        let Some(pass) = self.rooms.get_mut(place) else {
            return;
        };
        if !pass.is_under_way {
            pass.is_under_way = true;
            pass.is_passing = is_passing;
            pass.is_renewed = false;
            pass.next = 0;
            pass.deficit.grant(SLICE);
            self.order.push_back(room);
        } else if !is_passing && !pass.is_renewed {
            pass.is_renewed = !pass.is_passing;
            pass.is_passing = false;
            pass.next = 0;
            pass.is_to_repeat = false;
        } else {
            pass.is_to_repeat |= pass.next > 0;
        }
    }

    /// A turn begins: with single connections, unless those have left no time for rooms in the last ones.
    pub(super) fn turn(&mut self) {
        self.alone_left = match self.passed_over >= PASSED_OVER_MAX {
            true => 0,
            false => ALONE_PER_SLICE,
        };
        self.passed_over = match self.are_under_way() {
            true => self.passed_over.saturating_add(1),
            false => 0,
        };
    }
}

impl Engine {
    /// The next thing to do, in order. Of people's: what single connections ask for, and between that a slice of each room's hearers. Of strangers':
    /// what is theirs, then people's, which may have come of it.
    pub fn next_effect(&mut self, share: Share) -> Option<Effect> {
        if share == Share::Strangers
            && let Some(effect) = self.outbound.next_effect(share)
        {
            return Some(self.hand_out(effect));
        }
        loop {
            if self.passes.alone_left > 0 || !self.passes.are_under_way() {
                self.passes.alone_left = self.passes.alone_left.saturating_sub(1);
                if let Some(effect) = self.outbound.next_effect(Share::People) {
                    return Some(self.hand_out(effect));
                }
                self.passes.alone_left = 0;
            }
            if !self.passes.are_under_way() {
                return None;
            }
            self.passes.passed_over = 0;
            if let Some(id) = self.next_hearer() {
                return Some(Effect::Write(id));
            }
            self.passes.alone_left = ALONE_PER_SLICE;
        }
    }

    fn hand_out(&mut self, effect: Effect) -> Effect {
        if let Effect::Write(id) = effect
            && let Some(connection) = self.connections.get_mut(id)
        {
            connection.write_asked = WriteAsked::No;
        }
        effect
    }

    /// The next of the present slice; `None`: the slice is over.
    fn next_hearer(&mut self) -> Option<ConnectionId> {
        let room = *self.passes.order.front()?;
        let pass = self.passes.rooms.get_mut(room.0 as usize)?;
        let mut audience = self.rooms.room(room).audience_from(pass.next);
        while !pass.deficit.is_spent() {
            let Some((place, id)) = audience.next() else {
                if !std::mem::take(&mut pass.is_to_repeat) {
                    break;
                }
                pass.next = 0;
                audience = self.rooms.room(room).audience_from(0);
                continue;
            };
            pass.next = place + 1;
            pass.deficit.spend(LOOK);
            if let Some(connection) = self.connections.get_mut(id)
                && connection.write_asked == WriteAsked::InRoom
            {
                connection.write_asked = WriteAsked::No;
                let bytes = connection.waiting() / BYTES_PER_LOOK;
                let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
                pass.deficit.spend(WRITE.saturating_add(bytes));
                return Some(id);
            }
        }
        self.passes.order.pop_front();
        if pass.deficit.is_spent() {
            pass.deficit.grant(SLICE);
            self.passes.order.push_back(room);
        } else {
            pass.is_under_way = false;
        }
        None
    }
}
