//! One room: the people in it, and the connections that hear it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::lasting::Lasting;
use super::limits::RoomLimits;
use super::record::{Head, RoomRecord};
use super::standing::Standing;
use crate::id::{ConnectionId, UserKey};
use crate::protocol::vocabulary::RoomKind;
use crate::time::Wall;

/// A room.
///
/// **A member is a person; a seat is one of their connections.** Joining and leaving are about people: a
/// second tab is a second seat, not a second member.
#[derive(Debug)]
pub struct Room {
    name: Arc<str>,
    /// What stays of it when everybody has gone.
    pub lasting: Lasting,
    /// How much was said lately.
    pub limits: RoomLimits,
    /// Members and how many seats each has.
    members: BTreeMap<UserKey, u32>,
    /// People who are here, or so lately gone that they may be back at once, without a place of their own. Kept while the room has a maximum.
    strangers: BTreeSet<Arc<str>>,
    /// Who hears the room, by their places: in the order in which they came.
    audience: BTreeMap<u64, ConnectionId>,
    /// The next who comes has this one; no place is taken twice.
    next_place: u64,
    sequence: u64,
    /// Named in the configuration.
    pub(super) is_configured: bool,
    /// The store knows it.
    pub(super) is_stored: bool,
    /// What it is counted as looking like.
    pub(super) looks: Vec<Box<str>>,
}

/// A seat was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seated {
    /// How many came before, ever.
    pub place: u64,
    /// The person was not here before.
    pub is_first: bool,
}

impl Room {
    pub(super) fn new(name: Arc<str>, lasting: Lasting) -> Self {
        Room {
            name,
            lasting,
            limits: RoomLimits::default(),
            members: BTreeMap::new(),
            strangers: BTreeSet::new(),
            audience: BTreeMap::new(),
            next_place: 0,
            sequence: 0,
            is_configured: false,
            is_stored: false,
            looks: Vec::new(),
        }
    }

    /// Whether there still is such a room; who is in one that is not may stay and speak.
    ///
    /// One of the operator's is there while the configuration names it; what the store knows of it waits for the next time.
    pub fn is_open(&self) -> bool {
        self.is_configured || (self.is_stored && !self.lasting.created_by.is_empty())
    }

    /// Whether the configuration names it.
    pub fn is_configured(&self) -> bool {
        self.is_configured
    }

    /// Whether the store knows it.
    pub fn is_stored(&self) -> bool {
        self.is_stored
    }

    /// The room as the store is to know it, made at `now` by the operator.
    pub fn record(&self, now: Wall) -> RoomRecord {
        RoomRecord {
            id: Arc::clone(&self.name),
            settings: self.lasting.settings.clone(),
            created_by: Arc::clone(&self.lasting.created_by),
            created: now,
            last_seq: 0,
            first_seq: 1,
            audit: Head::default(),
            standings: Vec::new(),
        }
    }

    /// Whether its messages are opaque to the server.
    pub fn is_opaque(&self) -> bool {
        self.lasting.settings.kind == RoomKind::Private
    }

    /// Its id, shared.
    pub fn id(&self) -> &Arc<str> {
        &self.name
    }

    /// Takes note of the number of a message that the store has given.
    pub fn advance(&mut self, sequence: u64) {
        self.sequence = self.sequence.max(sequence);
    }

    /// How many seats this member has; 0: not here.
    pub fn seats_of(&self, user: UserKey) -> u32 {
        self.members.get(&user).copied().unwrap_or(0)
    }

    /// Whether this user may come in as far as the number of people goes: those who have a place of their own always may, there or not, and
    /// strangers while those and themselves leave one.
    pub fn has_place_for(&self, user: &str) -> bool {
        let members_max = self.lasting.settings.members_max as usize;
        let taken = self.lasting.standings.places() + self.strangers.len();
        members_max == 0 || self.is_at_home(user) || taken < members_max
    }

    /// Takes note of somebody who is here: whether they take a place that is nobody's.
    pub fn note_present(&mut self, user: &Arc<str>) {
        if self.lasting.settings.members_max > 0 && !self.is_at_home(user) {
            self.strangers.insert(Arc::clone(user));
        } else {
            self.strangers.remove(user);
        }
    }

    /// Takes note that somebody has gone.
    pub fn note_gone(&mut self, user: &str) {
        self.strangers.remove(user);
    }

    fn is_at_home(&self, user: &str) -> bool {
        let standing = self.lasting.standings.get(user);
        standing.is_some_and(Standing::has_place)
    }

    /// The room's id, as on the wire.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The members, in a stable order.
    pub fn members(&self) -> impl ExactSizeIterator<Item = UserKey> {
        self.members.keys().copied()
    }

    /// The members from this one on and how many seats each has, in a stable order.
    pub fn members_from(&self, first: UserKey) -> impl Iterator<Item = (UserKey, u32)> {
        self.members
            .range(first..)
            .map(|(user, seats)| (*user, *seats))
    }

    /// The number of the latest message; 0 before the first.
    pub fn last_sequence(&self) -> u64 {
        self.sequence
    }

    /// The connections that hear the room, in the order in which they came.
    pub fn audience(&self) -> impl ExactSizeIterator<Item = ConnectionId> {
        self.audience.values().copied()
    }

    /// Those of them who have this place or a later one, and their places.
    pub fn audience_from(&self, place: u64) -> impl Iterator<Item = (u64, ConnectionId)> {
        let seats = self.audience.range(place..);
        seats.map(|(place, connection)| (*place, *connection))
    }

    /// The number of the next message: 1, 2, 3 …
    pub fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// Seats a connection of `user`. It must not be seated here already.
    pub fn sit(&mut self, user: UserKey, connection: ConnectionId) -> Seated {
        let seats = self.members.entry(user).or_insert(0);
        *seats += 1;
        let is_first = *seats == 1;
        let place = self.next_place;
        self.next_place += 1;
        self.audience.insert(place, connection);
        Seated { place, is_first }
    }

    /// Frees the seat that a connection of `user` has there; whether the person is not here any more.
    pub fn rise(&mut self, user: UserKey, connection: ConnectionId, place: u64) -> bool {
        let freed = self.audience.remove(&place);
        debug_assert_eq!(freed, Some(connection), "a seat is one connection's");
        let Some(seats) = self.members.get_mut(&user) else {
            debug_assert!(false, "a seat without a member");
            return false;
        };
        *seats -= 1;
        let is_last = *seats == 0;
        if is_last {
            self.members.remove(&user);
        }
        is_last
    }
}
