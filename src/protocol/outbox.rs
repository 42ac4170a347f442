//! One connection's outbound bytes, in order: frames shared with other connections, and bytes of its own.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::Bytes;

use super::frame;
use super::notice::Passing;
use crate::id::RoomKey;

/// Own bytes are gathered into runs of about this size, so that a burst of small replies is one segment.
const RUN_BYTES: usize = 16 * 1024;
/// Payloads from this size on are queued as they are instead of being copied into a run.
const SHARE_BYTES_MIN: usize = 2 * 1024;
/// An empty queue keeps room for this many segments; a larger one is given back.
const SEGMENTS_KEPT: usize = 4;
/// What a segment costs beside its bytes: a queue has room for up to twice as many as it holds.
const SEGMENT_BYTES: usize = 2 * size_of::<Segment>();

/// Bytes waiting to be written to one peer.
///
/// **Segments are whole: only the first may have been written in part.** The caller bounds
/// [`Outbox::bytes`] before it pushes.
#[derive(Debug, Default)]
pub struct Outbox {
    segments: VecDeque<Segment>,
    written_of_first: usize,
    bytes: usize,
    /// How many of them come before the first frame: the upgrade's answer, and pages before that.
    unframed: usize,
    /// The last segment takes nothing more.
    is_sealed: bool,
    /// Segments that [`Outbox::purge_passing`] takes back.
    passing: u32,
    /// What all of them cost.
    weight: usize,
}

/// What was taken back of an outbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purged {
    pub bytes: usize,
    /// How many of them were among the first, of which the caller has said how many there are.
    pub of_first: usize,
}

#[derive(Debug)]
enum Segment {
    Shared(Bytes),
    /// Frames of one room, which [`Outbox::purge_room`] takes back.
    OfRoom {
        frames: Bytes,
        room: RoomKey,
        /// Others hold them too, and whoever made them counts them.
        is_told: bool,
    },
    /// The same, of use for a moment only. What it tells of is kept small, so that a segment is no larger for it.
    Passing {
        frames: Bytes,
        room: RoomKey,
        joined: u8,
        left: u8,
    },
    /// The same, and the reply to a request, which is never left without one.
    Reply(Box<Reply>),
    Own(Vec<u8>),
}

#[derive(Debug)]
struct Reply {
    frames: Bytes,
    room: RoomKey,
    /// What is told when they are taken back.
    instead: Bytes,
}

impl Segment {
    fn as_slice(&self) -> &[u8] {
        match self {
            Segment::Shared(bytes)
            | Segment::OfRoom { frames: bytes, .. }
            | Segment::Passing { frames: bytes, .. } => bytes,
            Segment::Reply(reply) => &reply.frames,
            Segment::Own(bytes) => bytes,
        }
    }

    fn truncate(&mut self, length: usize) {
        match self {
            Segment::Shared(bytes)
            | Segment::OfRoom { frames: bytes, .. }
            | Segment::Passing { frames: bytes, .. } => bytes.truncate(length),
            Segment::Reply(reply) => reply.frames.truncate(length),
            Segment::Own(bytes) => bytes.truncate(length),
        }
    }

    fn room(&self) -> Option<RoomKey> {
        match self {
            Segment::OfRoom { room, .. } | Segment::Passing { room, .. } => Some(*room),
            Segment::Reply(reply) => Some(reply.room),
            Segment::Shared(_) | Segment::Own(_) => None,
        }
    }

    /// The memory that goes with it.
    fn weight(&self) -> usize {
        SEGMENT_BYTES
            + match self {
                Segment::Shared(bytes) => bytes.len(),
                Segment::OfRoom {
                    frames, is_told, ..
                } if !is_told => frames.len(),
                Segment::OfRoom { .. } | Segment::Passing { .. } => 0,
                Segment::Reply(reply) => {
                    size_of::<Reply>() + reply.frames.len() + reply.instead.len()
                }
                Segment::Own(run) => run.capacity(),
            }
    }

    fn is_passing(&self) -> bool {
        matches!(self, Segment::Passing { .. })
    }
}

impl Outbox {
    /// Bytes not yet written.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Memory that goes when all of it is written. Frames that rooms were told are not in it: others hold them too.
    pub fn weight(&self) -> usize {
        self.weight
    }

    /// Whether nothing waits to be written.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Queues a frame that other connections may hold too; nothing is copied.
    pub fn push_shared(&mut self, frame: Bytes) {
        if !frame.is_empty() {
            self.push(Segment::Shared(frame));
        }
    }

    /// The same for frames of one room that are for this peer alone.
    pub fn push_of_room(&mut self, frames: Bytes, room: RoomKey) {
        if !frames.is_empty() {
            let is_told = false;
            self.push(Segment::OfRoom {
                frames,
                room,
                is_told,
            });
        }
    }

    /// The same for the reply to a request. `instead`: what [`Outbox::purge_room`] gives when it takes that back.
    pub fn push_reply(&mut self, frames: Bytes, room: RoomKey, instead: Bytes) {
        if !frames.is_empty() {
            self.push(Segment::Reply(Box::new(Reply {
                frames,
                room,
                instead,
            })));
        }
    }

    /// The same for frames that the whole room is told.
    pub fn push_told(&mut self, frames: Bytes, room: RoomKey) {
        if !frames.is_empty() {
            let is_told = true;
            self.push(Segment::OfRoom {
                frames,
                room,
                is_told,
            });
        }
    }

    fn push(&mut self, segment: Segment) {
        self.bytes += segment.as_slice().len();
        self.weight += segment.weight();
        self.segments.push_back(segment);
    }

    /// The same for frames that are of use for a moment only. Of very many at once it forgets that they are.
    pub fn push_passing(&mut self, frames: Bytes, room: RoomKey, passing: Passing) {
        let (Ok(joined), Ok(left)) = (passing.joined.try_into(), passing.left.try_into()) else {
            return self.push_told(frames, room);
        };
        self.passing += 1;
        self.push(Segment::Passing {
            frames,
            room,
            joined,
            left,
        });
    }

    /// Queues bytes of this connection's own: copied when small, kept when large.
    pub fn push_payload(&mut self, payload: Bytes) {
        if payload.len() >= SHARE_BYTES_MIN {
            self.push_shared(payload);
        } else {
            self.append(|run| run.extend_from_slice(&payload));
        }
    }

    /// Queues what `write` appends to a run of this connection's own bytes.
    pub fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let is_open =
            matches!(self.segments.back(), Some(Segment::Own(run)) if run.len() < RUN_BYTES);
        if self.is_sealed || !is_open {
            self.is_sealed = false;
            self.push(Segment::Own(Vec::new()));
        }
        if let Some(Segment::Own(run)) = self.segments.back_mut() {
            let (length, room) = (run.len(), run.capacity());
            write(run);
            if run.len() >= RUN_BYTES {
                // It takes nothing more: what it grew by in advance is of no use.
                run.shrink_to_fit();
            }
            self.bytes += run.len() - length;
            self.weight = self.weight + run.capacity() - room;
        }
    }

    /// Points `slices` at what comes first; gives how many were filled.
    pub fn fill<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        let mut skip = self.written_of_first;
        for (segment, slice) in self.segments.iter().zip(slices) {
            *slice = IoSlice::new(segment.as_slice().get(skip..).unwrap_or_default());
            skip = 0;
            filled += 1;
        }
        filled
    }

    /// Forgets the first `written` bytes.
    pub fn consume(&mut self, written: usize) {
        debug_assert!(
            written <= self.bytes,
            "a socket took more than it was given"
        );
        self.bytes = self.bytes.saturating_sub(written);
        self.unframed = self.unframed.saturating_sub(written);
        let mut left = self.written_of_first + written;
        while let Some(first) = self.segments.front() {
            let length = first.as_slice().len();
            if left < length {
                break;
            }
            left -= length;
            self.passing -= u32::from(first.is_passing());
            self.weight -= first.weight();
            self.segments.pop_front();
        }
        self.written_of_first = left;
        if self.segments.is_empty() && self.segments.capacity() > SEGMENTS_KEPT {
            self.segments = VecDeque::new();
        }
    }

    /// What is queued from here on is frames: [`Outbox::purge_frames`] leaves what came before alone.
    pub fn begin_frames(&mut self) {
        self.unframed = self.bytes;
        // Frames begin a segment, so that they can be told apart from its front.
        self.is_sealed = true;
    }

    /// Drops every frame of which no byte has been written, however many one segment holds; gives the bytes dropped.
    pub fn purge_frames(&mut self) -> usize {
        let mut kept = self.written_of_first + self.unframed;
        if self.unframed == 0
            && let Some(first) = self.segments.front()
        {
            kept = frame::end_of_frame(first.as_slice(), self.written_of_first);
        }
        let before = self.bytes;
        self.bytes = kept - self.written_of_first;
        let mut whole = 0;
        for segment in &mut self.segments {
            if kept == 0 {
                break;
            }
            whole += 1;
            segment.truncate(kept);
            kept -= segment.as_slice().len();
        }
        self.segments.truncate(whole);
        self.count_anew();
        before - self.bytes
    }

    /// The rooms of which something waits, once for each piece.
    pub fn rooms(&self) -> impl Iterator<Item = RoomKey> {
        self.segments.iter().filter_map(Segment::room)
    }

    /// Drops every frame of `room` of which no byte has been written; gives the bytes dropped, and how many of them were among the `first`.
    /// `instead` gets what is to be told for each reply that went with them.
    pub fn purge_room(&mut self, room: RoomKey, first: usize, instead: &mut Vec<Bytes>) -> Purged {
        if !self.rooms().any(|found| found == room) {
            return Purged::default();
        }
        self.purge(first, |segment, written| {
            if segment.room() != Some(room) {
                return segment.as_slice().len();
            }
            match (written, segment) {
                (0, Segment::Reply(reply)) => {
                    instead.push(std::mem::take(&mut reply.instead));
                    0
                }
                (0, _) => 0,
                (written, segment) => frame::end_of_frame(segment.as_slice(), written),
            }
        })
    }

    /// Drops everything of use for a moment only of which no byte has been written, and says of what room it was and what it told; gives the
    /// bytes dropped as [`Outbox::purge_room`] does.
    pub fn purge_passing(
        &mut self,
        first: usize,
        mut dropped: impl FnMut(RoomKey, Passing),
    ) -> Purged {
        if self.passing == 0 {
            return Purged::default();
        }
        self.purge(first, |segment, written| {
            let Segment::Passing {
                frames,
                room,
                joined,
                left,
            } = segment
            else {
                return segment.as_slice().len();
            };
            let length = frames.len();
            if written > 0 {
                // Its rest is written whatever happens: it is nothing to be looked for again.
                *segment = Segment::OfRoom {
                    frames: std::mem::take(frames),
                    room: *room,
                    is_told: true,
                };
                return length;
            }
            let (joined, left) = (u64::from(*joined), u64::from(*left));
            dropped(*room, Passing { joined, left });
            0
        })
    }

    /// Shortens each segment to as many bytes as `keep` says of it and of how many were written.
    fn purge(
        &mut self,
        first: usize,
        mut keep: impl FnMut(&mut Segment, usize) -> usize,
    ) -> Purged {
        let mut purged = Purged::default();
        let mut begun = self.written_of_first;
        let mut place = 0;
        self.segments.retain_mut(|segment| {
            let written = std::mem::take(&mut begun);
            let length = segment.as_slice().len();
            let kept = keep(segment, written).min(length);
            let (from, to) = (
                place + kept.saturating_sub(written),
                place + length - written,
            );
            place = to;
            purged.bytes += to - from;
            purged.of_first += to.min(first) - from.min(first);
            segment.truncate(kept);
            kept > 0
        });
        self.bytes -= purged.bytes;
        self.count_anew();
        purged
    }

    /// Counts segments anew, after some were dropped.
    fn count_anew(&mut self) {
        (self.passing, self.weight) = (0, 0);
        for segment in &self.segments {
            self.passing += u32::from(segment.is_passing());
            self.weight += segment.weight();
        }
    }

    /// Drops every segment that no byte of has been written; gives the bytes dropped.
    ///
    /// A run may hold several frames, so one that was begun stays whole.
    pub fn purge_unwritten(&mut self) -> usize {
        let keep = usize::from(self.written_of_first > 0);
        let dropped = self
            .segments
            .drain(keep..)
            .map(|segment| segment.as_slice().len())
            .sum();
        self.bytes -= dropped;
        self.unframed = self.unframed.min(self.bytes);
        self.count_anew();
        dropped
    }
}

#[cfg(test)]
mod tests;
