//! Messages that are older, or more, than a room keeps: nobody reads them from that moment on, and they are forgotten in small steps, one at
//! a time in each room.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use super::room_work::{Asked, Requester};
use super::verify::BUSY_RETRY;
use crate::id::RoomKey;
use crate::protocol::refusal::RoomRefusal;
use crate::rooms::record::{Floor, RoomAnswer, RoomQuestion};
use crate::rooms::settings::Settings;
use crate::time::{Instant, Now, Wall};

/// Messages that one step forgets: below a millisecond of the store's thread.
const STEP_MESSAGES_MAX: usize = 256;
/// How many a room may have above its bound before that is worth a step: nobody reads them meanwhile.
const SLACK_MESSAGES: u64 = 64;
/// The longest and the shortest time between two rounds through all rooms.
const ROUND_EVERY: Duration = Duration::from_secs(10);
const ROUND_PAUSE: Duration = Duration::from_secs(1);
/// Rooms that one look of a round goes through: a tenth of a millisecond.
const ROOMS_PER_LOOK_MAX: usize = 4096;
/// Steps asked for and not answered: what others ask of the store waits behind no more than these.
const STEPS_AT_ONCE_MAX: usize = 32;
/// Between two looks of one round. With [`STEPS_AT_ONCE_MAX`] a step for each of 10,000 rooms takes half a minute.
const LOOK_PAUSE: Duration = Duration::from_millis(100);

/// What is being forgotten.
#[derive(Debug, Default)]
pub(super) struct Retention {
    /// Rooms with a step under way.
    under_way: BTreeSet<Arc<str>>,
    /// When rooms are looked at next.
    next_look: Option<Instant>,
    /// Where the round is, how many rooms are left of it, and when something that it has met is due.
    place: usize,
    left: usize,
    soonest: Duration,
    /// The bounds have changed, or a step could not be done: no slack is left in this round, and the next.
    is_thorough: bool,
    is_next_thorough: bool,
}

/// When a room has something to forget.
enum Due {
    Now,
    In(Duration),
    Never,
}

impl Retention {
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.next_look
    }

    /// Begins a round at once: the bounds have changed.
    pub(super) fn begin_anew(&mut self) {
        self.next_look = None;
        self.left = 0;
        self.is_next_thorough = true;
    }

    fn look_in(&mut self, time: Duration, now: Now) {
        let wanted = now.instant + time.max(ROUND_PAUSE);
        self.next_look = self.next_look.map(|next| next.min(wanted));
    }
}

impl Engine {
    /// Messages that a room keeps, and for how long; zero: without end.
    fn keeps(&self, room: RoomKey) -> (u64, Duration) {
        self.keeps_by(&self.rooms.room(room).lasting.settings)
    }

    fn keeps_by(&self, settings: &Settings) -> (u64, Duration) {
        let ceiling = self.config.rooms.retention_messages_max as u64;
        let messages = match u64::from(settings.retention_messages) {
            0 => ceiling,
            own => own.min(ceiling),
        };
        let times = [settings.retention, self.config.rooms.retention_max];
        let time = times.into_iter().filter(|time| !time.is_zero()).min();
        (messages, time.unwrap_or_default())
    }

    /// Which messages of a room retention has not passed, when the latest is `last_seq`.
    fn floor_below(&self, room: RoomKey, last_seq: u64, now: Now) -> Floor {
        let (messages_max, time) = self.keeps(room);
        Floor {
            first_seq: (last_seq + 1).saturating_sub(messages_max),
            since: (!time.is_zero()).then(|| now.wall.before(time)),
        }
    }

    /// Which messages of a room may be read, edited and deleted now.
    pub(super) fn floor(&self, room: RoomKey, now: Now) -> Floor {
        self.floor_below(room, self.rooms.room(room).last_sequence(), now)
    }

    /// The number of the first message that may be read, as far as that is known here: of what ages, the store tells in a moment.
    pub(super) fn first_kept(&self, room: RoomKey) -> u64 {
        let found = self.rooms.room(room);
        let by_count = (found.last_sequence() + 1).saturating_sub(self.keeps(room).0);
        found.lasting.first_seq.max(by_count)
    }

    /// Takes from a page what retention has passed since it was asked for.
    pub(super) fn mask(&self, room: &str, answer: &mut RoomAnswer, now: Now) {
        let RoomAnswer::Page {
            messages,
            first_seq,
            last_seq,
        } = answer
        else {
            return;
        };
        let Some(room) = self.rooms.find(room) else {
            return;
        };
        let floor = self.floor_below(room, *last_seq, now);
        *first_seq = floor.first_seq.max(*first_seq);
        messages.retain(|message| {
            let is_kept = floor.holds(message.seq, message.at);
            if !is_kept {
                *first_seq = (*first_seq).max(message.seq + 1);
            }
            is_kept
        });
    }

    /// Begins to forget what a room has above its bound, if that is worth a step.
    pub(super) fn trim_if_due(&mut self, room: RoomKey, now: Now) {
        let lasting = &self.rooms.room(room).lasting;
        if let (Some(oldest), time) = (lasting.oldest, self.keeps(room).1)
            && !time.is_zero()
            && lasting.first_seq == self.rooms.room(room).last_sequence()
        {
            // It was empty: nobody waits for anything to age.
            self.retention.look_in(age_left(oldest, time, now), now);
        }
        if matches!(self.has_to_forget(room, SLACK_MESSAGES, now), Due::Now) {
            self.trim(room, now);
        }
    }

    /// Begins to forget what other settings leave nobody to read.
    pub(super) fn trim_by_other_settings(&mut self, room: RoomKey, now: Now) {
        match self.has_to_forget(room, 0, now) {
            Due::Now => self.trim(room, now),
            Due::In(time) => self.retention.look_in(time, now),
            Due::Never => {}
        }
    }

    /// What retention has passed does not come back when a room is to keep more: it is forgotten before, as far as one step goes. While more is left,
    /// settings that keep more are refused for a moment.
    pub(super) fn forget_before_keeping_more(
        &mut self,
        room: &str,
        settings: &Settings,
        now: Now,
    ) -> Result<(), RoomRefusal> {
        let Some(key) = self.rooms.find(room) else {
            return Ok(());
        };
        let ((messages, time), (more, longer)) = (self.keeps(key), self.keeps_by(settings));
        let is_longer = !time.is_zero() && (longer.is_zero() || longer > time);
        if more <= messages && !is_longer {
            return Ok(());
        }
        // What is under way may have more steps to go.
        let mut is_too_much = self.retention.under_way.contains(room);
        if matches!(self.has_to_forget(key, 0, now), Due::Now) {
            let first_seq = self.rooms.room(key).lasting.first_seq;
            let passed = self.first_kept(key).saturating_sub(first_seq);
            is_too_much |= passed > STEP_MESSAGES_MAX as u64;
            self.trim(key, now);
        }
        if is_too_much {
            return Err(RoomRefusal::Busy(BUSY_RETRY));
        }
        Ok(())
    }

    /// Looks for rooms with messages past their age, or above a bound that has changed: some at a time.
    pub(super) fn forget_aged(&mut self, now: Now) {
        let next_look = self.retention.next_look;
        if next_look.is_some_and(|next| now.instant < next) {
            return;
        }
        let places = self.rooms.len();
        if self.retention.left == 0 {
            self.retention.left = places;
            self.retention.soonest = ROUND_EVERY;
            self.retention.is_thorough = std::mem::take(&mut self.retention.is_next_thorough);
        }
        for _ in 0..ROOMS_PER_LOOK_MAX {
            let is_held = self.retention.under_way.len() >= STEPS_AT_ONCE_MAX;
            if self.retention.left == 0 || is_held {
                break;
            }
            self.look_at_one(places, now);
        }
        let pause = match self.retention.left {
            0 => self.retention.soonest.max(ROUND_PAUSE),
            _ => LOOK_PAUSE,
        };
        self.retention.next_look = Some(now.instant + pause);
    }

    fn look_at_one(&mut self, places: usize, now: Now) {
        let key = RoomKey((self.retention.place % places) as u32);
        self.retention.place = (self.retention.place + 1) % places;
        self.retention.left -= 1;
        let slack = if self.retention.is_thorough {
            0
        } else {
            SLACK_MESSAGES
        };
        match self.has_to_forget(key, slack, now) {
            Due::Now => self.trim(key, now),
            Due::In(time) => self.retention.soonest = self.retention.soonest.min(time),
            Due::Never => {}
        }
    }

    fn has_to_forget(&self, room: RoomKey, slack: u64, now: Now) -> Due {
        let found = self.rooms.room(room);
        let kept = (found.last_sequence() + 1).saturating_sub(found.lasting.first_seq);
        if kept == 0 || !found.is_stored() || !found.lasting.settings.is_durable {
            return Due::Never;
        }
        let (messages_max, time) = self.keeps(room);
        if kept > messages_max.saturating_add(slack) {
            return Due::Now;
        }
        match found.lasting.oldest {
            _ if time.is_zero() => Due::Never,
            None => Due::Now,
            Some(oldest) => match age_left(oldest, time, now) {
                Duration::ZERO => Due::Now,
                left => Due::In(left),
            },
        }
    }

    fn trim(&mut self, room: RoomKey, now: Now) {
        let floor = self.floor(room, now);
        let id = Arc::clone(self.rooms.room(room).id());
        let question = RoomQuestion::Trim {
            room: Arc::clone(&id),
            floor,
            messages_max: STEP_MESSAGES_MAX,
        };
        if self.retention.under_way.insert(Arc::clone(&id)) {
            let asked = Asked::Trim(Arc::clone(&id));
            if !self.ask_of_room(Requester::Server, asked, question, now) {
                self.retention.under_way.remove(&id);
                self.retention.is_next_thorough = true;
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
        let Ok(RoomAnswer::Trimmed {
            first_seq,
            oldest,
            is_more,
        }) = answer
        else {
            self.retention.is_next_thorough = true;
            return;
        };
        let lasting = &mut self.rooms.room_mut(key).lasting;
        lasting.first_seq = first_seq;
        lasting.oldest = oldest;
        if is_more {
            self.trim(key, now);
        } else if let Due::In(time) = self.has_to_forget(key, SLACK_MESSAGES, now) {
            self.retention.look_in(time, now);
        }
    }
}

/// How long until a message of this date is past its age.
fn age_left(at: Wall, time: Duration, now: Now) -> Duration {
    let end = at.after(time).as_millis().saturating_add(1);
    Duration::from_millis(end.saturating_sub(now.wall.as_millis()))
}
