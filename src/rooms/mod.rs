//! The domain: rooms and who is in them. No JSON, no sockets, no clock.

pub mod audit;
pub mod lasting;
pub mod limits;
pub mod moderation;
pub mod permissions;
pub mod record;
mod room;
pub mod settings;
pub mod standing;

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use crate::hash::Keyed;
use crate::id::RoomKey;
use crate::protocol::name::likeness;
use crate::protocol::vocabulary::RoomKind;
use crate::time::Wall;

use lasting::{Lasting, Standings};
use record::RoomRecord;
use settings::Settings;
use standing::Standing;

pub use room::{Room, Seated};

/// A room that the configuration names.
#[derive(Debug, Clone, Copy)]
pub struct Configured<'a> {
    pub name: &'a str,
    /// Its messages are kept.
    pub is_durable: bool,
}

/// Every room there is.
#[derive(Debug)]
pub struct Rooms {
    index: HashMap<Arc<str>, RoomKey, Keyed>,
    /// How many rooms have each look: that of their id, and of the name by which strangers see them.
    alike: BTreeMap<Box<str>, u32>,
    /// For lists that go on where they ended.
    in_order: BTreeMap<Arc<str>, RoomKey>,
    rooms: Vec<Room>,
    /// Places of rooms that are gone.
    vacant: Vec<RoomKey>,
    lobby: RoomKey,
    /// What people's standings take, over all rooms.
    standing_bytes: usize,
}

impl Rooms {
    /// The rooms of the configuration, the lobby first. Names given twice are one room.
    pub fn new<'a>(
        lobby: Configured<'a>,
        public: impl IntoIterator<Item = Configured<'a>>,
        hash: Keyed,
    ) -> Self {
        let mut rooms = Rooms {
            index: HashMap::with_hasher(hash),
            alike: BTreeMap::new(),
            in_order: BTreeMap::new(),
            rooms: Vec::new(),
            vacant: Vec::new(),
            lobby: RoomKey(0),
            standing_bytes: 0,
        };
        for room in std::iter::once(lobby).chain(public) {
            rooms.configure(room);
        }
        rooms
    }

    /// The room everybody is in.
    pub fn lobby(&self) -> RoomKey {
        self.lobby
    }

    /// The room of that name, whether or not it lets anybody in.
    pub fn find(&self, name: &str) -> Option<RoomKey> {
        self.index.get(name).copied()
    }

    /// Whether a room but `own` has this id or name, or one that people would take for it. Names that strangers do not see are nobody's
    /// to find out.
    pub fn is_taken(&self, name: &str, own: Option<RoomKey>) -> bool {
        let look = likeness(name);
        let is_own = own.is_some_and(|own| self.room(own).looks.contains(&look));
        self.alike.get(&look).copied().unwrap_or(0) > u32::from(is_own)
    }

    /// The name that the room would have by these settings, if it is given anew, or strangers come to see it.
    pub fn new_name<'a>(&self, key: RoomKey, settings: &'a Settings) -> Option<&'a str> {
        let now = &self.room(key).lasting.settings;
        let is_new = settings.name != now.name || (settings.is_shown() && !now.is_shown());
        (is_new && !settings.name.is_empty()).then_some(&settings.name)
    }

    /// Takes note of what the room is called now.
    pub fn note_looks(&mut self, key: RoomKey) {
        self.forget_looks(key);
        let room = self.room(key);
        let looks = room.lasting.settings.looks(room.name());
        for look in &looks {
            *self.alike.entry(look.clone()).or_insert(0) += 1;
        }
        self.room_mut(key).looks = looks;
    }

    fn forget_looks(&mut self, key: RoomKey) {
        for look in std::mem::take(&mut self.room_mut(key).looks) {
            match self.alike.get_mut(&look) {
                Some(count) if *count > 1 => *count -= 1,
                _ => {
                    self.alike.remove(&look);
                }
            }
        }
    }

    /// A room by its key.
    #[expect(
        clippy::indexing_slicing,
        reason = "only this table makes keys, and no place is ever removed"
    )]
    pub fn room(&self, key: RoomKey) -> &Room {
        &self.rooms[key.0 as usize]
    }

    /// A room by its key.
    #[expect(
        clippy::indexing_slicing,
        reason = "only this table makes keys, and no place is ever removed"
    )]
    pub fn room_mut(&mut self, key: RoomKey) -> &mut Room {
        &mut self.rooms[key.0 as usize]
    }

    /// Has people stand so to a room from now on; standings that say nothing are forgotten. Nobody is taken to have read less far than is known.
    pub fn stand<'a>(
        &mut self,
        key: RoomKey,
        standings: impl IntoIterator<Item = &'a (Arc<str>, Standing)>,
        now: Wall,
    ) {
        self.change_standings(key, |known| {
            for (user, standing) in standings {
                let read = known.get(user).map_or(0, |known| known.read);
                known.set(user, standing.read_at_least(read), now);
            }
        });
    }

    /// Notes that somebody has read a room up to a message.
    pub fn read(&mut self, key: RoomKey, user: &Arc<str>, seq: u64) {
        self.change_standings(key, |known| known.read(user, seq));
    }

    /// Bytes that people's standings take, over all rooms.
    pub fn standing_bytes(&self) -> usize {
        self.standing_bytes
    }

    fn change_standings(&mut self, key: RoomKey, change: impl FnOnce(&mut Standings)) {
        let standings = &mut self.room_mut(key).lasting.standings;
        let before = standings.bytes();
        change(standings);
        let after = standings.bytes();
        self.standing_bytes = self.standing_bytes - before + after;
    }

    /// The rooms that there are, and places of those that are gone, in the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = &Room> {
        self.rooms.iter()
    }

    /// The rooms whose names come after this one, in the order of their names.
    pub fn after(&self, name: &str) -> impl Iterator<Item = (RoomKey, &Room)> {
        let bounds = (Bound::Excluded(name), Bound::Unbounded);
        let keys = self.in_order.range::<str, _>(bounds);
        keys.map(|(_, key)| (*key, self.room(*key)))
    }

    /// How many rooms keys can name.
    pub fn len(&self) -> usize {
        self.rooms.len()
    }

    /// How many rooms there are.
    pub fn count(&self) -> usize {
        self.index.len()
    }

    /// Whether there is no room; never, since the lobby is one.
    pub fn is_empty(&self) -> bool {
        self.rooms.is_empty()
    }

    /// Lets people into the lobby and these rooms of the configuration, made where they are missing, and into no others
    /// of it. Who sits in one that is not open any more stays. Not to be called while something gathered for a room waits to be told.
    pub fn open_only<'a>(&mut self, public: impl IntoIterator<Item = Configured<'a>>) {
        for room in self.rooms.iter_mut().skip(1) {
            room.is_configured = false;
        }
        for room in public {
            self.configure(room);
        }
        self.forget_empty();
    }

    /// Takes what the store knows of a room. One that the configuration names keeps its messages or not as that says.
    pub fn remember(&mut self, record: &RoomRecord) -> RoomKey {
        let key = match self.find(&record.id) {
            Some(key) => key,
            None => self.place(&record.id, Lasting::of(record)),
        };
        let room = self.room_mut(key);
        let is_durable = if room.is_configured {
            room.lasting.settings.is_durable
        } else {
            record.settings.is_durable
        };
        let before = room.lasting.standings.bytes();
        room.lasting = Lasting::of(record);
        room.lasting.settings.is_durable = is_durable;
        room.is_stored = true;
        room.advance(record.last_seq);
        let after = room.lasting.standings.bytes();
        self.standing_bytes = self.standing_bytes - before + after;
        self.note_looks(key);
        key
    }

    /// Takes note that the store knows this room already.
    pub fn note_known(&mut self, name: &str) {
        if let Some(key) = self.find(name) {
            self.room_mut(key).is_stored = true;
        }
    }

    /// The store knows this room no longer. Its place is free if nobody sits there, and otherwise when rooms are opened the next time
    /// ([`Rooms::open_only`]).
    pub fn forget(&mut self, key: RoomKey) {
        self.room_mut(key).is_stored = false;
        self.free_if_gone(key);
    }

    /// Frees the places of rooms that are gone and empty.
    fn forget_empty(&mut self) {
        for place in 0..self.rooms.len() {
            self.free_if_gone(RoomKey(place as u32));
        }
    }

    fn free_if_gone(&mut self, key: RoomKey) {
        let room = self.room(key);
        let is_known = self.find(room.name()) == Some(key);
        let is_kept = room.is_configured || room.is_stored;
        if is_known && !is_kept && room.audience().len() == 0 {
            let id = Arc::clone(room.id());
            self.index.remove(&id);
            self.in_order.remove(&id);
            self.forget_looks(key);
            self.change_standings(key, |known| *known = Standings::default());
            self.vacant.push(key);
        }
    }

    /// Connections seated, over all rooms.
    pub fn seats(&self) -> usize {
        self.rooms.iter().map(|room| room.audience().len()).sum()
    }

    fn configure(&mut self, configured: Configured<'_>) {
        let key = match self.find(configured.name) {
            Some(key) => key,
            None => {
                let settings = Settings::new(RoomKind::Public, configured.is_durable);
                self.place(&configured.name.into(), Lasting::configured(settings))
            }
        };
        let room = self.room_mut(key);
        room.is_configured = true;
        room.lasting.settings.is_durable = configured.is_durable;
    }

    fn place(&mut self, name: &Arc<str>, lasting: Lasting) -> RoomKey {
        self.standing_bytes += lasting.standings.bytes();
        let room = Room::new(Arc::clone(name), lasting);
        let key = match self.vacant.pop() {
            Some(key) => {
                *self.room_mut(key) = room;
                key
            }
            None => {
                self.rooms.push(room);
                RoomKey((self.rooms.len() - 1) as u32)
            }
        };
        self.index.insert(Arc::clone(name), key);
        self.in_order.insert(Arc::clone(name), key);
        self.note_looks(key);
        key
    }
}

/// A connection's place in a room's audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat {
    pub room: RoomKey,
    /// How many had come to the room before, ever.
    pub place: u64,
}

#[cfg(test)]
mod tests;
