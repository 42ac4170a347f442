//! Messages that are older, or more, than a room keeps: forgotten in small steps, one at a time in each room.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use super::room_work::{Asked, Requester};
use crate::id::RoomKey;
use crate::protocol::refusal::RoomRefusal;
use crate::rooms::record::{RoomAnswer, RoomQuestion};
use crate::time::{Instant, Now};

/// Messages that one step forgets: below a millisecond of the store's thread.
const STEP_MESSAGES_MAX: usize = 256;
/// How many a room may have above its bound, so that not every message asks for a step.
const SLACK_MESSAGES: u64 = 64;
/// How often rooms are looked at for messages past their age.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Rooms that one look asks for a step.
const ROOMS_PER_LOOK_MAX: usize = 64;

/// What is being forgotten.
#[derive(Debug, Default)]
pub(super) struct Retention {
    /// Rooms with a step under way.
    under_way: BTreeSet<Arc<str>>,
    /// When rooms are looked at next, and where that goes on; `None`: nothing ages.
    next_look: Option<Instant>,
    place: usize,
}

impl Retention {
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.next_look
    }
}

impl Engine {
    /// Messages that a room keeps, and for how long; zero: without end.
    fn keeps(&self, room: RoomKey) -> (u64, Duration) {
        let settings = &self.rooms.room(room).lasting.settings;
        let ceiling = self.config.rooms.retention_messages_max as u64;
        let messages = match u64::from(settings.retention_messages) {
            0 => ceiling,
            own => own.min(ceiling),
        };
        let times = [settings.retention, self.config.rooms.retention_max];
        let time = times.into_iter().filter(|time| !time.is_zero()).min();
        (messages, time.unwrap_or_default())
    }

    /// Begins to forget what a room has above its bound, if that is worth a step.
    pub(super) fn trim_if_due(&mut self, room: RoomKey, now: Now) {
        let (messages_max, _) = self.keeps(room);
        let found = self.rooms.room(room);
        let kept = (found.last_sequence() + 1).saturating_sub(found.lasting.first_seq);
        if kept > messages_max + SLACK_MESSAGES {
            self.trim(room, now);
        }
    }

    /// Looks for rooms with messages past their age, some at a time.
    pub(super) fn forget_aged(&mut self, now: Now) {
        if self
            .retention
            .next_look
            .is_some_and(|next| now.instant < next)
        {
            return;
        }
        let places = self.rooms.len();
        let aged: Vec<RoomKey> = (0..places)
            .map(|step| RoomKey(((self.retention.place + step) % places) as u32))
            .filter(|key| {
                let room = self.rooms.room(*key);
                let is_empty = room.lasting.first_seq > room.last_sequence();
                room.is_open() && room.lasting.settings.is_durable && !is_empty
            })
            .filter(|key| !self.keeps(*key).1.is_zero())
            .take(ROOMS_PER_LOOK_MAX)
            .collect();
        if let Some(last) = aged.last() {
            self.retention.place = (last.0 as usize + 1) % places;
        }
        self.retention.next_look = Some(now.instant + LOOK_EVERY);
        for room in aged {
            self.trim(room, now);
        }
    }

    fn trim(&mut self, room: RoomKey, now: Now) {
        let (messages_max, time) = self.keeps(room);
        let found = self.rooms.room(room);
        let id = Arc::clone(found.id());
        let first_seq = (found.last_sequence() + 1).saturating_sub(messages_max);
        let before = (!time.is_zero()).then(|| now.wall.before(time));
        let question = RoomQuestion::Trim {
            room: Arc::clone(&id),
            first_seq,
            before,
            messages_max: STEP_MESSAGES_MAX,
        };
        if self.retention.under_way.insert(Arc::clone(&id)) {
            let asked = Asked::Trim(Arc::clone(&id));
            if !self.ask_of_room(Requester::Server, asked, question, now) {
                // The next message or look asks again.
                self.retention.under_way.remove(&id);
            }
        }
    }

    pub(super) fn trim_answered(
        &mut self,
        room: &Arc<str>,
        answer: Result<RoomAnswer, RoomRefusal>,
        now: Now,
    ) {
        self.retention.under_way.remove(room);
        let Some(key) = self.rooms.find(room) else {
            return;
        };
        if let Ok(RoomAnswer::Trimmed { first_seq, is_more }) = answer {
            self.rooms.room_mut(key).lasting.first_seq = first_seq;
            if is_more {
                self.trim(key, now);
            }
        }
    }
}
