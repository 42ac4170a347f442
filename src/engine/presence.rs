//! Who comes and goes, told as what it means: people, not sockets. Who is back at once has not been away, and a crowd is told as a number.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use super::reply::Who;
use crate::id::{RoomKey, UserKey};
use crate::protocol::notice::Notice;
use crate::protocol::notice::rooms::Crowd;
use crate::time::{Instant, Now};

/// A crowded room is told at most this often how many are in it, and not before this much for each of them: what telling costs in all does not
/// grow with the crowd.
const CROWD_TOLD_EVERY: Duration = Duration::from_secs(1);
const CROWD_TOLD_EVERY_FOR_EACH: Duration = Duration::from_millis(1);
/// People whose going is not told yet, over all rooms; past it, goings are told at once. About 100 bytes each.
const AWAY_MAX: usize = 65_536;
/// Goings, and crowds, told in one turn, each 2 to 3 us; more wait for the next.
const TOLD_PER_TURN_MAX: usize = 64;

/// What is still to be told.
#[derive(Debug, Default)]
pub(super) struct Presence {
    /// People whose last connection to a room has ended, and when that counts.
    away: BTreeMap<(RoomKey, Arc<str>), (Instant, Arc<str>)>,
    away_by_time: BTreeSet<(Instant, RoomKey, Arc<str>)>,
    /// Comings and goings in crowded rooms.
    crowds: BTreeMap<RoomKey, Change>,
}

#[derive(Debug)]
struct Change {
    due: Instant,
    joined: u64,
    left: u64,
}

impl Presence {
    /// When something is to be told at the latest.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let away = self.away_by_time.first().map(|(due, ..)| *due);
        let crowd = self.crowds.values().map(|change| change.due).min();
        [away, crowd].into_iter().flatten().min()
    }

    /// People whose going is not told yet.
    pub(super) fn away(&self) -> usize {
        self.away.len()
    }

    /// Whether somebody has gone so lately that they count as present.
    pub(super) fn is_away(&self, room: RoomKey, user: &Arc<str>) -> bool {
        !self.away.is_empty() && self.away.contains_key(&(room, Arc::clone(user)))
    }

    /// Everybody who is away from a room and may be back at once.
    fn away_from(&self, room: RoomKey) -> impl Iterator<Item = Arc<str>> {
        let here = self.away.range((room, "".into())..);
        let here = here.take_while(move |((of, _), _)| *of == room);
        here.map(|((_, user), _)| Arc::clone(user))
    }

    /// Forgets that somebody is away; what they are called if they were.
    fn take_back(&mut self, room: RoomKey, user: &Arc<str>) -> Option<Arc<str>> {
        let (due, name) = self.away.remove(&(room, Arc::clone(user)))?;
        self.away_by_time.remove(&(due, room, Arc::clone(user)));
        Some(name)
    }

    /// The next who has been away for long enough.
    fn next_gone(&mut self, now: Instant) -> Option<(RoomKey, Who)> {
        let (due, room, user) = self.away_by_time.first()?.clone();
        if now < due {
            return None;
        }
        let (_, name) = self.away.remove(&(room, Arc::clone(&user)))?;
        self.away_by_time.pop_first();
        Some((room, Who { user, name }))
    }

    /// Forgets a room that is no more.
    pub(super) fn forget(&mut self, room: RoomKey) {
        for user in self.away_from(room).collect::<Vec<_>>() {
            self.take_back(room, &user);
        }
        self.crowds.remove(&room);
    }
}

impl Engine {
    /// Whether somebody is in a room, as far as people see: on another connection, or a moment ago.
    pub(super) fn is_there(&self, user: UserKey, room: RoomKey) -> bool {
        let is_away = |id| self.presence.is_away(room, id);
        self.rooms.room(room).seats_of(user) > 0
            || self
                .users
                .get(user)
                .is_some_and(|person| is_away(&person.id))
    }

    /// Takes note of which of these people, if they are there, take a place that is nobody's: how they stand to the room has changed.
    pub(super) fn count_strangers<'a>(
        &mut self,
        room: RoomKey,
        people: impl Iterator<Item = &'a Arc<str>>,
    ) {
        for user in people {
            let is_present = |key| self.rooms.room(room).seats_of(key) > 0;
            if self.presence.is_away(room, user) || self.users.find(user).is_some_and(is_present) {
                self.rooms.room_mut(room).note_present(user);
            }
        }
    }

    /// The same of everybody who is there.
    pub(super) fn count_all_strangers(&mut self, room: RoomKey) {
        let away = self.presence.away_from(room);
        let members = self.rooms.room(room).members();
        let present = members.filter_map(|key| Some(Arc::clone(&self.users.get(key)?.id)));
        for user in away.chain(present).collect::<Vec<_>>() {
            self.rooms.room_mut(room).note_present(&user);
        }
    }

    /// Somebody has taken a place in a room who had none. Whoever comes back at once has not been away: nobody is told, and it counts for
    /// nothing.
    pub(super) fn come(&mut self, user: UserKey, room: RoomKey, now: Now) {
        let Some(person) = self.person(user) else {
            return;
        };
        if self.presence.take_back(room, &person.user).is_none() {
            self.rooms.room_mut(room).note_present(&person.user);
            self.charge_coming_in(user, room, now);
            self.tell_joined(&person, room, now);
        }
    }

    /// Somebody is put out of a room: if they were away, they do not come back as if they had not been.
    pub(super) fn end_absence(&mut self, user: &Arc<str>, room: RoomKey, now: Now) {
        if let Some(name) = self.presence.take_back(room, user) {
            let user = Arc::clone(user);
            self.tell_left(&Who { user, name }, room, now);
        }
    }

    /// Somebody has left a room, or (`is_lost`) their last connection to it has ended.
    pub(super) fn tell_going(&mut self, user: UserKey, room: RoomKey, is_lost: bool, now: Now) {
        let Some(person) = self.person(user) else {
            return;
        };
        let patience = self.config.rooms.return_time_max;
        if !is_lost || patience.is_zero() || self.presence.away.len() >= AWAY_MAX {
            return self.tell_left(&person, room, now);
        }
        let due = now.instant + patience;
        let Who { user, name } = person;
        self.presence
            .away_by_time
            .insert((due, room, Arc::clone(&user)));
        self.presence.away.insert((room, user), (due, name));
    }

    /// Tells of those who have not come back, and how many there are in crowded rooms.
    pub(super) fn tell_presence(&mut self, now: Now) {
        for _ in 0..TOLD_PER_TURN_MAX {
            match self.presence.next_gone(now.instant) {
                Some((room, who)) => self.tell_left(&who, room, now),
                None => break,
            }
        }
        let is_due = |(_, change): &(&RoomKey, &Change)| change.due <= now.instant;
        let due = self.presence.crowds.iter().filter(is_due);
        let due: Vec<RoomKey> = due.map(|(room, _)| *room).take(TOLD_PER_TURN_MAX).collect();
        for room in due {
            if let Some(change) = self.presence.crowds.remove(&room) {
                self.tell_crowd(room, &change, now);
            }
        }
    }

    fn tell_joined(&mut self, person: &Who, room: RoomKey, now: Now) {
        match self.crowd(room, now) {
            Some(change) => change.joined += 1,
            None => self.tell(room, |name| person.joined(name, now.wall)),
        }
    }

    fn tell_left(&mut self, person: &Who, room: RoomKey, now: Now) {
        self.rooms.room_mut(room).note_gone(&person.user);
        match self.crowd(room, now) {
            Some(change) => change.left += 1,
            None => {
                self.tell(room, |name| person.left(name, now.wall));
                self.flush_full_room(room);
            }
        }
    }

    /// What is still to be told to a room with more people than are told by name.
    fn crowd(&mut self, room: RoomKey, now: Now) -> Option<&mut Change> {
        let people = self.rooms.room(room).members().len();
        let for_each = CROWD_TOLD_EVERY_FOR_EACH * u32::try_from(people).unwrap_or(u32::MAX);
        (people > self.config.rooms.announced_people_max).then(|| {
            self.presence.crowds.entry(room).or_insert(Change {
                due: now.instant + CROWD_TOLD_EVERY.max(for_each),
                joined: 0,
                left: 0,
            })
        })
    }

    fn tell_crowd(&mut self, room: RoomKey, change: &Change, now: Now) {
        let count = self.rooms.room(room).members().len() as u64;
        let (joined, left) = (change.joined, change.left);
        self.tell(room, |name| {
            Notice::Presence(Crowd {
                room: name,
                count,
                joined,
                left,
                timestamp: now.wall,
            })
        });
    }
}
