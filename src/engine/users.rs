//! Who is connected, and what is remembered of those who lately were.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use slab::Slab;

use crate::access::Identity;
use crate::config::Limits;
use crate::hash::Keyed;
use crate::id::{ConnectionId, UserKey};
use crate::limit::TokenBucket;
use crate::time::Instant;

/// Departed users looked at whenever somebody arrives or leaves.
const FORGOTTEN_PER_CALL: usize = 4;
/// How often they are looked at when nobody does, and how many of them: what a crowd leaves behind must not lie around until somebody comes.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const FORGOTTEN_PER_LOOK: usize = 2048;

/// A user with at least one open connection, or whose bucket is not full again yet.
#[derive(Debug)]
pub(super) struct User {
    pub(super) id: Arc<str>,
    /// The name of the latest sign-in.
    pub(super) name: Arc<str>,
    pub(super) connections: usize,
    pub(super) messages: TokenBucket,
    pub(super) commands: TokenBucket,
    /// The one session that has earned its address a place.
    pub(super) earns: Option<ConnectionId>,
    /// How many entries of the departed list are of this user.
    departures: u32,
}

/// Users by id.
///
/// **Leaving does not refill a bucket**: a user who goes is remembered until nothing is owed any more.
/// The list of those has a bound; when it is full the longest gone is forgotten.
#[derive(Debug)]
pub(super) struct Users {
    index: HashMap<Arc<str>, UserKey, Keyed>,
    users: Slab<User>,
    /// Open connections, by user.
    sessions: BTreeSet<(UserKey, ConnectionId)>,
    departed: VecDeque<UserKey>,
    departed_max: usize,
    next_look: Instant,
}

impl Users {
    pub(super) fn new(limits: &Limits, hash: Keyed) -> Self {
        Users {
            index: HashMap::with_hasher(hash),
            users: Slab::new(),
            sessions: BTreeSet::new(),
            departed: VecDeque::new(),
            departed_max: limits.departed_users_max,
            next_look: Instant::ZERO,
        }
    }

    /// Another bound on who is remembered; those above it go as others come.
    pub(super) fn reconfigure(&mut self, limits: &Limits) {
        self.departed_max = limits.departed_users_max;
    }

    /// Open connections of the user with this id.
    pub(super) fn connections_of(&self, id: &str) -> usize {
        self.index
            .get(id)
            .and_then(|key| self.users.get(key.0 as usize))
            .map_or(0, |user| user.connections)
    }

    /// The open connections of this user.
    pub(super) fn sessions_of(&self, key: UserKey) -> impl Iterator<Item = ConnectionId> {
        let whose = (key, ConnectionId::FIRST)..=(key, ConnectionId::LAST);
        self.sessions.range(whose).map(|(_, id)| *id)
    }

    /// Takes note of a new connection of this user.
    pub(super) fn arrive(
        &mut self,
        identity: &Identity,
        connection: ConnectionId,
        now: Instant,
    ) -> UserKey {
        self.forget_departed(FORGOTTEN_PER_CALL, now);
        let key = match self.index.get(&identity.user) {
            Some(key) => *key,
            None => self.insert(identity),
        };
        if let Some(user) = self.users.get_mut(key.0 as usize) {
            user.connections += 1;
            user.name = Arc::clone(&identity.name);
        }
        self.sessions.insert((key, connection));
        key
    }

    /// This user has one connection less.
    pub(super) fn leave(&mut self, key: UserKey, connection: ConnectionId, now: Instant) {
        let was_here = self.sessions.remove(&(key, connection));
        debug_assert!(was_here, "a connection left that never arrived");
        let Some(user) = self.users.get_mut(key.0 as usize) else {
            debug_assert!(false, "a user left who was not there");
            return;
        };
        debug_assert!(user.connections > 0, "more departures than arrivals");
        user.connections -= 1;
        if user.connections == 0 {
            user.departures += 1;
            if self.departed.is_empty() {
                self.next_look = now + LOOK_EVERY;
            }
            self.departed.push_back(key);
        }
        self.forget_departed(FORGOTTEN_PER_CALL, now);
    }

    /// When somebody who is gone may be forgotten; `None`: nobody is remembered.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        (!self.departed.is_empty()).then_some(self.next_look)
    }

    /// Forgets those who owe nothing any more, if it is time to look.
    pub(super) fn turn(&mut self, now: Instant) {
        if self.next_look <= now {
            self.next_look = now + LOOK_EVERY;
            self.forget_paid(FORGOTTEN_PER_LOOK, now);
        }
    }

    /// Gives back the memory of places above all that are taken.
    pub(super) fn shrink(&mut self) {
        self.index.shrink_to_fit();
        self.users.shrink_to_fit();
        self.departed.shrink_to_fit();
    }

    pub(super) fn get(&self, key: UserKey) -> Option<&User> {
        self.users.get(key.0 as usize)
    }

    /// Everybody who is connected or remembered, in a stable order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &User> {
        self.users.iter().map(|(_, user)| user)
    }

    /// The user with this id, when it is known.
    pub(super) fn find(&self, id: &str) -> Option<UserKey> {
        self.index.get(id).copied()
    }

    pub(super) fn get_mut(&mut self, key: UserKey) -> Option<&mut User> {
        self.users.get_mut(key.0 as usize)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut User> {
        self.users.iter_mut().map(|(_, user)| user)
    }

    /// Open connections, over all users.
    pub(super) fn connections(&self) -> usize {
        self.users.iter().map(|(_, user)| user.connections).sum()
    }

    /// Users, connected or remembered.
    pub(super) fn len(&self) -> usize {
        self.users.len()
    }

    fn insert(&mut self, identity: &Identity) -> UserKey {
        let key = UserKey(self.users.insert(User {
            id: Arc::clone(&identity.user),
            name: Arc::clone(&identity.name),
            connections: 0,
            messages: TokenBucket::default(),
            commands: TokenBucket::default(),
            earns: None,
            departures: 0,
        }) as u32);
        self.index.insert(Arc::clone(&identity.user), key);
        key
    }

    /// Forgets those who owe nothing, longest gone first, and the longest gone when there are too many; looks at so many.
    fn forget_departed(&mut self, looked_at: usize, now: Instant) {
        for _ in 0..looked_at {
            let Some(key) = self.departed.front().copied() else {
                return;
            };
            let is_full = self.departed.len() > self.departed_max;
            if !is_full && self.is_owing(key, now) {
                return;
            }
            self.departed.pop_front();
            self.forget(key);
        }
    }

    /// Forgets those of the longest gone who owe nothing, whoever before them still does.
    fn forget_paid(&mut self, looked_at: usize, now: Instant) {
        let looked_at = looked_at.min(self.departed.len());
        let looked_at: Vec<UserKey> = self.departed.drain(..looked_at).collect();
        for key in looked_at.into_iter().rev() {
            if self.is_owing(key, now) {
                self.departed.push_front(key);
            } else {
                self.forget(key);
            }
        }
    }

    /// Whether this entry of the departed list is the last of somebody who has gone and whose buckets are not full again.
    fn is_owing(&self, key: UserKey, now: Instant) -> bool {
        self.users.get(key.0 as usize).is_some_and(|user| {
            let is_gone = user.connections == 0 && user.departures == 1;
            is_gone && !(user.messages.is_full(now) && user.commands.is_full(now))
        })
    }

    /// Counts an entry of the departed list that is taken off it.
    fn forget(&mut self, key: UserKey) {
        let Some(user) = self.users.get_mut(key.0 as usize) else {
            return;
        };
        user.departures -= 1;
        if user.connections == 0 && user.departures == 0 {
            self.index.remove(&user.id);
            self.users.remove(key.0 as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const ID: ConnectionId = ConnectionId {
        slot: 1,
        generation: 7,
    };

    fn users(departed_users_max: usize) -> Users {
        let limits = Limits {
            departed_users_max,
            ..Limits::default()
        };
        Users::new(&limits, Keyed::new(1, 2))
    }

    fn identity(user: &str) -> Identity {
        Identity {
            user: user.into(),
            name: user.into(),
            expires: None,
            grant: Default::default(),
            rooms: None,
        }
    }

    #[test]
    fn connections_are_known_over_all_of_a_users_sockets() {
        let mut users = users(10);
        let now = Instant::ZERO;
        let other = ConnectionId { slot: 3, ..ID };
        let alice = users.arrive(&identity("alice"), ID, now);
        let bob = users.arrive(&identity("bob"), ConnectionId { slot: 2, ..ID }, now);
        assert_eq!(users.arrive(&identity("alice"), other, now), alice);
        assert_eq!(users.connections_of("alice"), 2);
        assert_eq!(users.sessions_of(alice).collect::<Vec<_>>(), [ID, other]);
        users.leave(alice, ID, now);
        assert_eq!(users.connections_of("alice"), 1);
        assert_eq!(users.sessions_of(alice).collect::<Vec<_>>(), [other]);
        assert_eq!(users.sessions_of(bob).count(), 1);
        assert_eq!(users.connections_of("carol"), 0);
    }

    #[test]
    fn coming_back_does_not_refill_the_bucket() {
        let mut users = users(10);
        let now = Instant::ZERO;
        let key = users.arrive(&identity("alice"), ID, now);
        let rate = Limits::default().messages_per_user;
        let bucket = &mut users.get_mut(key).expect("alice").messages;
        bucket.take(5, rate, now).expect("a full bucket");
        users.leave(key, ID, now);
        let again = users.arrive(&identity("alice"), ID, now);
        let bucket = &mut users.get_mut(again).expect("alice").messages;
        assert!(bucket.take(1, rate, now).is_err());
    }

    #[test]
    fn coming_back_and_going_again_does_not_refill_it_either() {
        let mut users = users(10);
        let now = Instant::ZERO;
        let rate = Limits::default().commands_per_user;
        for commands in [60, 0] {
            let key = users.arrive(&identity("alice"), ID, now);
            let bucket = &mut users.get_mut(key).expect("alice").commands;
            bucket.charge(commands, rate, now);
            users.leave(key, ID, now);
        }
        users.turn(now + LOOK_EVERY);
        assert_eq!((users.len(), users.departed.len()), (1, 1));
    }

    #[test]
    fn nobody_is_remembered_for_ever_and_never_more_than_the_bound() {
        let mut users = users(100);
        let rate = Limits::default().messages_per_user;
        for n in 0..1000 {
            let key = users.arrive(&identity(&format!("user-{n}")), ID, Instant::ZERO);
            let user = users.get_mut(key).expect("just arrived");
            user.messages.charge(5, rate, Instant::ZERO);
            users.leave(key, ID, Instant::ZERO);
        }
        assert!(users.len() <= 101, "{} remembered", users.len());
        let later = Instant::ZERO + Duration::from_secs(60);
        for _ in 0..100 {
            let key = users.arrive(&identity("alice"), ID, later);
            users.leave(key, ID, later);
        }
        assert!(users.len() <= 1, "{} remembered", users.len());
    }

    #[test]
    fn whoever_owes_much_keeps_nobody_remembered_who_left_later() {
        let mut users = users(10_000);
        let rate = Limits::default().commands_per_user;
        let mut now = Instant::ZERO;
        for (user, commands) in [("first", 60), ("second", 1), ("third", 60)] {
            let key = users.arrive(&identity(user), ID, now);
            let user = users.get_mut(key).expect("just arrived");
            user.commands.charge(commands, rate, now);
            users.leave(key, ID, now);
        }
        now = now + LOOK_EVERY;
        users.turn(now);
        let left: Vec<_> = users.iter().map(|user| user.id.to_string()).collect();
        assert_eq!(left, ["first", "third"]);
        let still = users.departed.iter().map(|key| key.0);
        assert_eq!(
            still.collect::<Vec<_>>(),
            [0, 2],
            "in the order in which they left"
        );
        users.turn(now + Duration::from_secs(10));
        assert_eq!((users.len(), users.departed.len()), (0, 0));
    }

    #[test]
    fn a_crowd_that_has_gone_is_forgotten_once_it_owes_nothing_though_nobody_comes() {
        let mut users = users(10_000);
        let rate = Limits::default().messages_per_user;
        let mut now = Instant::ZERO;
        for n in 0..5000 {
            let key = users.arrive(&identity(&format!("user-{n}")), ID, now);
            let user = users.get_mut(key).expect("just arrived");
            user.messages.charge(2, rate, now);
            users.leave(key, ID, now);
        }
        assert_eq!(users.next_deadline(), Some(now + LOOK_EVERY));
        users.turn(now + LOOK_EVERY);
        assert_eq!(users.len(), 5000, "they owe for two seconds");
        for _ in 0..5 {
            now = users.next_deadline().unwrap_or(now);
            users.turn(now);
        }
        assert_eq!((users.len(), users.next_deadline()), (0, None));
    }

    #[test]
    fn somebody_who_came_back_is_not_forgotten_by_an_old_departure() {
        let mut users = users(1);
        let now = Instant::ZERO;
        let key = users.arrive(&identity("alice"), ID, now);
        users.leave(key, ID, now);
        let key = users.arrive(&identity("alice"), ID, now);
        for n in 0..20 {
            let other = users.arrive(&identity(&format!("user-{n}")), ID, now);
            users.leave(other, ID, now);
        }
        assert_eq!(users.connections_of("alice"), 1);
        assert_eq!(users.get(key).map(|user| user.id.as_ref()), Some("alice"));
    }
}
