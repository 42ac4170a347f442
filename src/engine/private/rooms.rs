//! The rooms, what one is like, who is in it, and who stands how to it.

use std::ops::Bound;
use std::time::Duration;

use serde::Serialize;

use super::super::Engine;
use super::Answer;
use super::list::List;
use super::sessions::seconds;
use crate::id::{RoomKey, UserKey};
use crate::protocol::api::{Page, PeopleQuery};
use crate::protocol::problem::Problem;
use crate::protocol::vocabulary::Affiliation;
use crate::rooms::Room;
use crate::rooms::record;
use crate::rooms::standing::{Sanction, Standing};
use crate::time::{Now, Wall};

/// A room in numbers.
#[derive(Serialize)]
struct Summary<'a> {
    room: &'a str,
    members: usize,
    connections: usize,
    /// The number of the latest message.
    seq: u64,
}

/// The same and what the room is like, above the list of its members.
#[derive(Serialize)]
struct Heading<'a> {
    room: &'a str,
    count: usize,
    connections: usize,
    /// The numbers of the latest message, and of the oldest kept.
    seq: u64,
    first_seq: u64,
    /// The configuration names it.
    configured: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<&'a str>,
    created: f64,
    log: Head,
    settings: Settings<'a>,
}

/// The end of its moderation log.
#[derive(Serialize)]
pub(super) struct Head {
    pub(super) number: u64,
    pub(super) hash: String,
}

/// Under the names that its owners set them by; 0: no bound of the room's own.
#[derive(Serialize)]
struct Settings<'a> {
    kind: &'static str,
    join_rule: &'static str,
    name: &'a str,
    topic: &'a str,
    ephemeral: bool,
    locked: bool,
    archived: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    raid_until: Option<f64>,
    slow_mode_ms: u64,
    cooldown_ms: u64,
    message_characters_max: u32,
    members_max: u32,
    retention_messages: u32,
    retention_ms: u64,
    messages_per_minute: u32,
    messages_per_minute_per_member: u32,
    bytes_per_second: u32,
    joins_per_minute: u32,
}

/// How somebody stands to a room.
#[derive(Serialize)]
struct Person<'a> {
    user: &'a str,
    affiliation: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ban: Option<Decision<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mute: Option<Decision<'a>>,
    invited: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    knocked: Option<f64>,
}

/// A ban or a mute.
#[derive(Serialize)]
struct Decision<'a> {
    /// Left out: until it is lifted.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<f64>,
    reason: &'a str,
    /// Left out: the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
    authority: &'static str,
}

#[derive(Serialize)]
struct Of<'a> {
    room: &'a str,
}

#[derive(Serialize)]
struct Member<'a> {
    user: &'a str,
    name: &'a str,
    connections: u32,
}

#[derive(Serialize)]
struct Nothing {}

impl Engine {
    /// The room of that name.
    pub(super) fn known_room(&self, name: &str) -> Result<RoomKey, Problem> {
        self.rooms.find(name).ok_or(Problem::UnknownRoom)
    }

    /// What the room is like, in full.
    pub(super) fn describe_room(&self, room: RoomKey, now: Now) -> Answer {
        let first_seq = self.first_kept(room);
        Answer::of(&heading(self.rooms.room(room), first_seq, now.wall))
    }

    pub(super) fn list_rooms(&self, page: &Page) -> Answer {
        let mut list = List::begin(&Nothing {}, "rooms", page.entries_max);
        let first = usize::try_from(page.cursor).unwrap_or(usize::MAX);
        for (at, room) in self.rooms.iter().enumerate().skip(first) {
            if !room.is_open() && room.audience().len() == 0 {
                continue;
            }
            if !list.has_room() {
                return list.end(Some(at as u64));
            }
            list.push(&summary(room));
        }
        list.end(None)
    }

    pub(super) fn show_room(&self, name: &str, page: &Page, now: Now) -> Result<Answer, Problem> {
        let key = self.known_room(name)?;
        let room = self.rooms.room(key);
        let heading = heading(room, self.first_kept(key), now.wall);
        let mut list = List::begin(&heading, "members", page.entries_max);
        // Past the last key there can be, there is nobody.
        let first = UserKey(u32::try_from(page.cursor).unwrap_or(u32::MAX));
        for (key, connections) in room.members_from(first) {
            let Some(user) = self.users.get(key) else {
                continue;
            };
            if !list.has_room() {
                return Ok(list.end(Some(u64::from(key.0))));
            }
            list.push(&Member {
                user: &user.id,
                name: &user.name,
                connections,
            });
        }
        Ok(list.end(None))
    }

    /// Who belongs to a room or is kept out of it, present or not, by identifier.
    pub(super) fn list_people(
        &self,
        name: &str,
        query: &PeopleQuery,
        now: Now,
    ) -> Result<Answer, Problem> {
        let room = self.rooms.room(self.known_room(name)?);
        let mut list = List::begin(&Of { room: name }, "people", query.entries_max);
        let bounds = (Bound::Excluded(&*query.after), Bound::Unbounded);
        let mut last = None;
        for (user, standing) in room.lasting.standings.range::<str, _>(bounds) {
            let Some(person) = person(user, standing, now.wall) else {
                continue;
            };
            if !list.has_room() {
                return Ok(list.end_at(last));
            }
            list.push(&person);
            last = Some(&**user);
        }
        Ok(list.end_at(None))
    }
}

fn heading(room: &Room, first_seq: u64, now: Wall) -> Heading<'_> {
    let lasting = &room.lasting;
    Heading {
        room: room.name(),
        count: room.members().len(),
        connections: room.audience().len(),
        seq: room.last_sequence(),
        first_seq,
        configured: room.is_configured(),
        created_by: Some(&*lasting.created_by).filter(|by| !by.is_empty()),
        created: seconds(lasting.created),
        log: Head::of(lasting.audit),
        settings: settings(room, now),
    }
}

impl Head {
    pub(super) fn of(head: record::Head) -> Head {
        let hash = head.digest.iter().map(|byte| format!("{byte:02x}"));
        Head {
            number: head.number,
            hash: hash.collect(),
        }
    }
}

fn settings(room: &Room, now: Wall) -> Settings<'_> {
    let settings = &room.lasting.settings;
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Settings {
        kind: settings.kind.word(),
        join_rule: settings.join_rule.word(),
        name: &settings.name,
        topic: &settings.topic,
        ephemeral: !settings.is_durable,
        locked: settings.is_locked,
        archived: settings.is_archived,
        raid_until: settings
            .raid_until
            .filter(|until| now < *until)
            .map(seconds),
        slow_mode_ms: millis(settings.slow_mode),
        cooldown_ms: millis(settings.cooldown),
        message_characters_max: settings.message_characters_max,
        members_max: settings.members_max,
        retention_messages: settings.retention_messages,
        retention_ms: millis(settings.retention),
        messages_per_minute: settings.messages_per_minute,
        messages_per_minute_per_member: settings.messages_per_minute_per_member,
        bytes_per_second: settings.bytes_per_second,
        joins_per_minute: settings.joins_per_minute,
    }
}

/// `None`: nothing but how far they have read.
fn person<'a>(user: &'a str, standing: &'a Standing, now: Wall) -> Option<Person<'a>> {
    let ban = standing.ban.as_ref().filter(|ban| ban.is_in_force(now));
    let person = Person {
        user,
        affiliation: standing.affiliation(now).word(),
        ban: ban.map(decision),
        mute: standing.mute(now).map(decision),
        invited: standing.is_invited,
        knocked: standing.knocked.map(seconds),
    };
    let says_nothing = standing.affiliation(now) == Affiliation::None
        && person.mute.is_none()
        && !person.invited
        && person.knocked.is_none();
    (!says_nothing).then_some(person)
}

fn decision(sanction: &Sanction) -> Decision<'_> {
    Decision {
        until: sanction.until.map(seconds),
        reason: &sanction.reason,
        by: Some(&*sanction.by).filter(|by| !by.is_empty()),
        authority: sanction.authority.word(),
    }
}

fn summary(room: &Room) -> Summary<'_> {
    Summary {
        room: room.name(),
        members: room.members().len(),
        connections: room.audience().len(),
        seq: room.last_sequence(),
    }
}
