//! Rooms in memory: their people, messages and logs.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;

use crate::rooms::audit::Entry;
use crate::rooms::record::{
    Change, Changed, Deleter, Floor, From, Head, MessageChange, MessageRecord, NewMessage,
    RoomAnswer, RoomQuestion, RoomRecord,
};
use crate::rooms::standing::Authority;
use crate::rooms::standing::Standing;
use crate::store::{MESSAGE_KEY_TIME, PURGE_LOOKS_AT_MAX, first_above};
use crate::time::Wall;

/// Rooms by their ids, and logs by the ids of rooms that are or were.
#[derive(Debug, Clone, Default)]
pub(super) struct Rooms {
    rooms: BTreeMap<Arc<str>, Room>,
    logs: BTreeMap<Arc<str>, Vec<(Head, Entry)>>,
}

#[derive(Debug, Clone)]
struct Room {
    /// Without its people.
    record: RoomRecord,
    standings: BTreeMap<Arc<str>, Standing>,
    messages: BTreeMap<u64, MessageRecord>,
    keys: BTreeMap<Key, (u64, Wall)>,
    /// In the order in which they came.
    key_order: VecDeque<Key>,
    purges: BTreeMap<Arc<str>, Purge>,
}

/// How far deleting all that somebody said has come: what was said up to `up_to` counts as deleted, and from `below` on it is.
#[derive(Debug, Clone, Copy)]
struct Purge {
    up_to: u64,
    below: u64,
    at: Wall,
}

/// The messages that are meant, ascending, and how far a purge has come that may have more.
type Found = (Vec<u64>, Option<Purge>);
type Key = (Arc<str>, Box<str>);

impl Rooms {
    /// Every room, by its id.
    pub(super) fn records(&self) -> Vec<RoomRecord> {
        self.rooms.values().map(Room::record).collect()
    }

    pub(super) fn answer(&mut self, question: RoomQuestion) -> RoomAnswer {
        let id = match &question {
            RoomQuestion::Create(..) | RoomQuestion::Log { .. } => None,
            RoomQuestion::Change(change) => Some(&change.room),
            RoomQuestion::Append(message) | RoomQuestion::Known(message) => Some(&message.room),
            RoomQuestion::Page { room, .. }
            | RoomQuestion::Read { room, .. }
            | RoomQuestion::Trim { room, .. } => Some(room),
        };
        if id.is_some_and(|id| !self.rooms.contains_key(id)) {
            return RoomAnswer::Missing;
        }
        match question {
            RoomQuestion::Create(record, entry) => self.create(*record, *entry),
            RoomQuestion::Change(change) => self.change(*change),
            RoomQuestion::Log {
                room,
                from,
                entries_max,
            } => self.log(&room, from, entries_max),
            RoomQuestion::Append(message) => {
                self.in_room(&message.room, |room| room.append(&message))
            }
            RoomQuestion::Known(message) => self.in_room(&message.room, |room| {
                room.known(&message).unwrap_or(RoomAnswer::Missing)
            }),
            RoomQuestion::Page {
                room,
                from,
                floor,
                messages_max,
                bytes_max,
            } => self.in_room(&room, |room| {
                room.page((from, floor), messages_max, bytes_max)
            }),
            RoomQuestion::Read { room, user, seq } => self.in_room(&room, |room| {
                let standing = room.standings.entry(user).or_default();
                standing.read = standing.read.max(seq);
                RoomAnswer::Read
            }),
            RoomQuestion::Trim {
                room,
                floor,
                messages_max,
            } => self.in_room(&room, |room| room.trim(floor, messages_max)),
        }
    }

    fn in_room(&mut self, id: &str, answer: impl FnOnce(&mut Room) -> RoomAnswer) -> RoomAnswer {
        self.rooms.get_mut(id).map_or(RoomAnswer::Missing, answer)
    }

    fn create(&mut self, mut record: RoomRecord, entry: Entry) -> RoomAnswer {
        let is_anothers = self.logs.contains_key(&record.id) && entry.authority == Authority::Room;
        if self.rooms.contains_key(&record.id) || is_anothers {
            return RoomAnswer::Created(None);
        }
        let at = entry.at;
        record.audit = self.add(&record.id, entry);
        record.last_seq = 0;
        record.first_seq = 1;
        let standings = std::mem::take(&mut record.standings);
        let mut room = Room {
            standings: BTreeMap::new(),
            messages: BTreeMap::new(),
            keys: BTreeMap::new(),
            key_order: VecDeque::new(),
            purges: BTreeMap::new(),
            record,
        };
        room.keep(standings.clone(), at);
        let told = RoomRecord {
            standings,
            ..room.record.clone()
        };
        self.rooms.insert(Arc::clone(&told.id), room);
        RoomAnswer::Created(Some(Box::new(told)))
    }

    fn change(&mut self, change: Change) -> RoomAnswer {
        let Some(room) = self.rooms.get_mut(&change.room) else {
            return RoomAnswer::Missing;
        };
        let found = change.messages.as_ref().map(|of| room.find(&change, of));
        let (messages, rest) = match found {
            None => (Vec::new(), None),
            Some(Ok(found)) => found,
            Some(Err(refused)) => return refused,
        };
        if let Some(settings) = &change.settings {
            room.record.settings = (**settings).clone();
        }
        room.keep(change.standings.clone(), change.at);
        if let Some(of) = &change.messages {
            room.change(of, &messages, change.at);
        }
        if let Some(MessageChange::DeleteAllOf { user, .. }) = &change.messages {
            room.purges.remove(user);
            room.purges
                .extend(rest.map(|rest| (Arc::clone(user), rest)));
        }
        let mut head = room.record.audit;
        if let Some(entry) = &change.entry {
            head = self.add(&change.room, entry.clone());
        }
        if change.is_deletion {
            self.rooms.remove(&change.room);
        } else if let Some(room) = self.rooms.get_mut(&change.room) {
            room.record.audit = head;
        }
        RoomAnswer::Changed(Box::new(Changed {
            change,
            head,
            messages,
            is_more: rest.is_some(),
        }))
    }

    /// Adds an entry to a log; its new end.
    fn add(&mut self, room: &Arc<str>, entry: Entry) -> Head {
        let log = self.logs.entry(Arc::clone(room)).or_default();
        let before = end(log);
        let number = before.number + 1;
        let digest = entry.digest(room, number, &before.digest);
        let head = Head { number, digest };
        log.push((head, entry));
        head
    }

    fn log(&self, room: &str, from: From, entries_max: usize) -> RoomAnswer {
        let Some(log) = self.logs.get(room) else {
            return RoomAnswer::Missing;
        };
        let is_meant = |(head, _): &&(Head, Entry)| match from {
            From::After(number) => head.number > number,
            From::Before(number) => head.number < number,
        };
        let meant = log.iter().filter(is_meant).cloned();
        let entries: Vec<_> = match from {
            From::After(_) => meant.take(entries_max).collect(),
            From::Before(_) => last_of(meant.collect(), entries_max),
        };
        RoomAnswer::Log {
            entries,
            head: end(log),
        }
    }
}

fn end(log: &[(Head, Entry)]) -> Head {
    log.last().map(|(head, _)| *head).unwrap_or_default()
}

fn last_of<T>(mut all: Vec<T>, max: usize) -> Vec<T> {
    all.split_off(all.len().saturating_sub(max))
}

impl Room {
    fn record(&self) -> RoomRecord {
        let standings = self.standings.iter();
        RoomRecord {
            standings: standings
                .map(|(user, standing)| (Arc::clone(user), standing.clone()))
                .collect(),
            ..self.record.clone()
        }
    }

    fn keep(&mut self, standings: Vec<(Arc<str>, Standing)>, now: Wall) {
        for (user, standing) in standings {
            let known = self.standings.get(&user).map_or(0, |known| known.read);
            let standing = standing.read_at_least(known);
            if standing.is_blank(now) {
                self.standings.remove(&user);
            } else {
                self.standings.insert(user, standing);
            }
        }
    }

    fn append(&mut self, message: &NewMessage) -> RoomAnswer {
        self.forget_keys(message.at);
        if let Some(known) = self.known(message) {
            return known;
        }
        let seq = self.record.last_seq + 1;
        if let Some(key) = &message.key {
            let key = (Arc::clone(&message.sender), key.clone());
            self.keys.insert(key.clone(), (seq, message.at));
            self.key_order.push_back(key);
        }
        let record = MessageRecord {
            seq,
            sender: Arc::clone(&message.sender),
            name: Arc::clone(&message.name),
            text: message.text.clone(),
            at: message.at,
            edited: None,
            deleted: None,
        };
        self.messages.insert(seq, record);
        self.record.last_seq = seq;
        RoomAnswer::Appended {
            seq,
            at: message.at,
            is_repeated: false,
        }
    }

    /// The message that this one is, by its key.
    fn known(&self, message: &NewMessage) -> Option<RoomAnswer> {
        let key = (Arc::clone(&message.sender), message.key.clone()?);
        let (seq, at) = *self.keys.get(&key)?;
        (message.at < at.after(MESSAGE_KEY_TIME)).then_some(RoomAnswer::Appended {
            seq,
            at,
            is_repeated: true,
        })
    }

    fn forget_keys(&mut self, now: Wall) {
        while let Some(oldest) = self.key_order.front() {
            let at = self.keys.get(oldest).map(|(_, at)| *at);
            if at.is_some_and(|at| now < at.after(MESSAGE_KEY_TIME)) {
                return;
            }
            self.keys.remove(oldest);
            self.key_order.pop_front();
        }
    }

    /// The first message that is not below the floor.
    fn first(&self, floor: Floor) -> u64 {
        let ends = (self.record.first_seq, self.record.last_seq);
        let said = |seq| Ok::<_, Infallible>(self.said(seq));
        first_above(floor, ends, said).unwrap_or_else(|never| match never {})
    }

    /// When a message was said.
    fn said(&self, seq: u64) -> Option<Wall> {
        self.messages.get(&seq).map(|message| message.at)
    }

    fn page(
        &self,
        (from, floor): (From, Floor),
        messages_max: usize,
        bytes_max: usize,
    ) -> RoomAnswer {
        let first_seq = self.first(floor);
        let mut messages = Vec::new();
        let mut bytes = 0;
        let mut take = |message: &MessageRecord| {
            let message = self.reads(message);
            bytes += message.text.len();
            let fits = messages.len() < messages_max && (bytes <= bytes_max || messages.is_empty());
            if fits {
                messages.push(message);
            }
            fits
        };
        match from {
            From::After(seq) => {
                let after = self.messages.range(first_seq.max(seq.saturating_add(1))..);
                after.map(|(_, message)| message).all(&mut take);
            }
            From::Before(seq) => {
                let before = self.messages.range(first_seq..seq.max(first_seq)).rev();
                before.map(|(_, message)| message).all(&mut take);
            }
        }
        messages.sort_unstable_by_key(|message| message.seq);
        RoomAnswer::Page {
            messages,
            first_seq,
            last_seq: self.record.last_seq,
        }
    }

    fn find(&self, change: &Change, of: &MessageChange) -> Result<Found, RoomAnswer> {
        let find = |seq: &u64| {
            let message = self.messages.get(seq).ok_or(RoomAnswer::Missing)?;
            let is_kept = change.floor.holds(*seq, message.at);
            let is_there = is_kept && self.reads(message).deleted.is_none();
            is_there.then_some(message).ok_or(RoomAnswer::Missing)
        };
        match of {
            MessageChange::Edit { seq, author, .. }
            | MessageChange::Delete {
                seq,
                by: Deleter::Author(author),
            } => match find(seq)? {
                message if message.sender == *author => Ok((vec![*seq], None)),
                _ => Err(RoomAnswer::Foreign),
            },
            MessageChange::Delete {
                seq,
                by: Deleter::Moderator { spared },
            } => match find(seq)? {
                message if spared.contains(&message.sender) => Err(RoomAnswer::Spared),
                _ => Ok((vec![*seq], None)),
            },
            MessageChange::DeleteAllOf {
                user,
                messages_max,
                is_rest,
            } => {
                let all = Purge {
                    up_to: self.record.last_seq,
                    below: self.record.last_seq + 1,
                    at: change.at,
                };
                let begun = self.purges.get(user).copied();
                let purge = if *is_rest { begun } else { Some(all) };
                let purge = purge.map(|purge| Purge {
                    at: change.at,
                    ..purge
                });
                let look = |purge| self.look_for_all_of(user, purge, *messages_max);
                Ok(purge.map_or_else(Found::default, look))
            }
        }
    }

    /// Messages of this user that a purge has still to delete, from the latest on.
    fn look_for_all_of(&self, user: &Arc<str>, mut purge: Purge, messages_max: usize) -> Found {
        let mut found = VecDeque::new();
        let mut is_more = false;
        let below = self.messages.range(..purge.below).rev();
        for (looked_at, message) in below.map(|(_, message)| message).enumerate() {
            if message.sender == *user && message.deleted.is_none() {
                is_more = found.len() == messages_max;
                if is_more {
                    break;
                }
                found.push_front(message.seq);
            }
            purge.below = message.seq;
            is_more = looked_at + 1 == PURGE_LOOKS_AT_MAX;
            if is_more {
                break;
            }
        }
        (found.into(), is_more.then_some(purge))
    }

    /// The message as it reads: what a purge covers is as good as deleted.
    fn reads(&self, message: &MessageRecord) -> MessageRecord {
        let mut message = message.clone();
        let purge = self.purges.get(&message.sender);
        if let Some(purge) = purge.filter(|purge| message.seq <= purge.up_to)
            && message.deleted.is_none()
        {
            message.text = "".into();
            message.deleted = Some(purge.at);
        }
        message
    }

    fn change(&mut self, change: &MessageChange, found: &[u64], at: Wall) {
        for seq in found {
            let Some(message) = self.messages.get_mut(seq) else {
                continue;
            };
            match change {
                MessageChange::Edit { text, .. } => {
                    message.text = text.clone();
                    message.edited = Some(at);
                }
                MessageChange::Delete { .. } | MessageChange::DeleteAllOf { .. } => {
                    message.text = "".into();
                    message.deleted = Some(at);
                }
            }
        }
    }

    fn trim(&mut self, floor: Floor, messages_max: usize) -> RoomAnswer {
        let first_seq = self.first(floor);
        let step = self.record.first_seq.saturating_add(messages_max as u64);
        let keeps_from = first_seq.min(step);
        self.messages = self.messages.split_off(&keeps_from);
        self.record.first_seq = self.record.first_seq.max(keeps_from);
        RoomAnswer::Trimmed {
            first_seq,
            oldest: self.said(first_seq),
            is_more: keeps_from < first_seq,
        }
    }
}
