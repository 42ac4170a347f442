//! What one room will be told: frames of both protocols in the order in which they were said, and who is to hear a part of them only.

use std::ops::Range;

use bytes::Bytes;

use super::behind::Taken;
use super::connection::Wire;
use super::stock::Told;
use crate::id::{ConnectionId, UserKey};
use crate::protocol::frame::{Opcode, write_header};
use crate::protocol::notice::{Notice, Passing};
use crate::time::Instant;

/// People who hear a part only, of each kind, before what is gathered is queued for everybody.
const PARTS_MAX: usize = 64;

/// What one room will be told when its turn comes.
#[derive(Debug, Default, Clone)]
pub(super) struct Gathered {
    pub(super) tutorial: Run,
    pub(super) v1: Run,
    exceptions: Option<Box<Exceptions>>,
    /// Until then it is told nothing that is of use for a moment only and nothing else.
    pub(super) rests_until: Instant,
    /// On the list of rooms with something gathered.
    pub(super) is_listed: bool,
}

/// Frames of one protocol, and how many connections in the room speak it.
#[derive(Debug, Default, Clone)]
pub(super) struct Run {
    pub(super) hearers: usize,
    frames: Vec<u8>,
    /// Notices in `frames`.
    notices: u64,
    /// Those of them that are of use for a moment only: where they stand, how many they are, and what they tell of.
    passing: Vec<Range<usize>>,
    passing_notices: u64,
    told_in_passing: Passing,
}

/// Whoever is to hear a part only.
#[derive(Debug, Default, Clone)]
pub(super) struct Exceptions {
    newcomers: Vec<Newcomer>,
    typists: Vec<Typist>,
}

/// Somebody who came after some of it was said.
#[derive(Debug, Clone)]
struct Newcomer {
    id: ConnectionId,
    /// In the frames of their protocol.
    begin: usize,
    notices: u64,
}

/// Somebody whose typing is told to everybody else.
#[derive(Debug, Clone)]
struct Typist {
    user: UserKey,
    /// In the frames of `wardroom.v1`, the only protocol that tells of it.
    told: Range<usize>,
}

/// The part that one connection is to hear.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) begin: usize,
    hole: Option<Range<usize>>,
    /// Notices that are not in it.
    pub(super) notices_left_out: u64,
}

impl Part {
    /// Where it stands in `length` bytes.
    pub(super) fn pieces(&self, length: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let begin = self.begin.min(length);
        let hole = self.hole.clone().unwrap_or(begin..begin);
        let pieces = [begin..hole.start, hole.end..length];
        pieces.into_iter().filter(|piece| !piece.is_empty())
    }
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

impl Gathered {
    pub(super) fn is_empty(&self) -> bool {
        self.tutorial.frames.is_empty() && self.v1.frames.is_empty()
    }

    /// Bytes, of the protocol that has more.
    pub(super) fn len(&self) -> usize {
        self.tutorial.frames.len().max(self.v1.frames.len())
    }

    /// Whether all of it is of use for a moment only.
    pub(super) fn is_passing(&self) -> bool {
        let runs = [&self.tutorial, &self.v1];
        runs.iter().all(|run| run.notices == run.passing_notices)
    }

    pub(super) fn hearers(&self) -> usize {
        self.tutorial.hearers + self.v1.hearers
    }

    pub(super) fn run(&mut self, wire: Wire) -> &mut Run {
        match wire {
            Wire::Tutorial => &mut self.tutorial,
            Wire::V1 => &mut self.v1,
        }
    }

    /// Adds a notice, of which `text` becomes the last text.
    pub(super) fn add(&mut self, notice: &Notice<'_>, text: &mut Vec<u8>) {
        for (run, is_v1) in [(&mut self.tutorial, false), (&mut self.v1, true)] {
            if run.hearers == 0 {
                continue;
            }
            text.clear();
            if is_v1 {
                notice.write_v1(text);
            } else if !notice.write_tutorial(text) {
                continue;
            }
            let begin = run.frames.len();
            write_header(&mut run.frames, Opcode::Text, text.len());
            run.frames.extend_from_slice(text);
            run.notices += 1;
            if let Some(passing) = notice.passing() {
                run.note_passing(begin, passing);
            }
        }
    }

    /// Adds that somebody types, for everybody else; once is enough.
    pub(super) fn add_typing(&mut self, user: UserKey, notice: &Notice<'_>, text: &mut Vec<u8>) {
        let known = self.exceptions.as_deref();
        if known.is_some_and(|known| known.typists.iter().any(|typist| typist.user == user)) {
            return;
        }
        let begin = self.v1.frames.len();
        self.add(notice, text);
        let told = begin..self.v1.frames.len();
        if !told.is_empty() {
            let exceptions = self.exceptions.get_or_insert_default();
            exceptions.typists.push(Typist { user, told });
        }
    }

    /// Somebody comes who speaks `wire`: nothing of what was said is for them.
    pub(super) fn add_hearer(&mut self, id: ConnectionId, wire: Wire) {
        let run = self.run(wire);
        run.hearers += 1;
        let (begin, notices) = (run.frames.len(), run.notices);
        if begin > 0 {
            let exceptions = self.exceptions.get_or_insert_default();
            exceptions.newcomers.push(Newcomer { id, begin, notices });
        }
    }

    /// Somebody goes.
    pub(super) fn remove_hearer(&mut self, id: ConnectionId, wire: Wire) {
        self.run(wire).hearers -= 1;
        if let Some(exceptions) = &mut self.exceptions {
            exceptions.newcomers.retain(|newcomer| newcomer.id != id);
        }
    }

    /// Whether so many hear a part only that it should be queued.
    pub(super) fn has_many_exceptions(&self) -> bool {
        let exceptions = self.exceptions.as_deref();
        exceptions.is_some_and(|exceptions| {
            exceptions.newcomers.len() >= PARTS_MAX || exceptions.typists.len() >= PARTS_MAX
        })
    }

    /// What one connection is yet to hear, and how many notices that is.
    pub(super) fn said_to(
        &self,
        id: ConnectionId,
        user: Option<UserKey>,
        wire: Wire,
    ) -> (Bytes, u64) {
        let run = match wire {
            Wire::Tutorial => &self.tutorial,
            Wire::V1 => &self.v1,
        };
        let exceptions = self.exceptions.as_deref();
        let Some(part) = exceptions.and_then(|known| known.part(id, user, wire)) else {
            return (Bytes::copy_from_slice(&run.frames), run.notices);
        };
        let pieces = part.pieces(run.frames.len());
        let said: Vec<u8> = pieces
            .flat_map(|piece| run.frames.get(piece).unwrap_or_default())
            .copied()
            .collect();
        (said.into(), run.notices - part.notices_left_out)
    }

    /// Takes it: for the tutorial's protocol and for the full one, and who hears a part only.
    pub(super) fn take(&mut self, told: &Told) -> (Taken, Taken, Option<Box<Exceptions>>) {
        let exceptions = self.exceptions.take();
        (self.tutorial.take(told), self.v1.take(told), exceptions)
    }
}

impl Exceptions {
    /// What a connection hears of it; `None`: all.
    pub(super) fn part(&self, id: ConnectionId, user: Option<UserKey>, wire: Wire) -> Option<Part> {
        let newcomer = self.newcomers.iter().find(|newcomer| newcomer.id == id);
        let (begin, notices) = newcomer.map_or((0, 0), |found| (found.begin, found.notices));
        let mut typists = self.typists.iter();
        let hole = typists
            .find(|typist| user == Some(typist.user) && wire == Wire::V1)
            .map(|typist| typist.told.clone())
            .filter(|told| told.start >= begin);
        (newcomer.is_some() || hole.is_some()).then(|| Part {
            begin,
            notices_left_out: notices + u64::from(hole.is_some()),
            hole,
        })
    }
}
