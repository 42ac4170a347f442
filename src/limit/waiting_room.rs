//! Connections that are no session yet, or no longer, and which of them goes when there is no place for another.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::Prefix;
use crate::id::ConnectionId;
use crate::time::Instant;

/// Somebody's place: where they come from, and when they count as having come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    prefix: Prefix,
    since: Instant,
    is_leaving: bool,
}

impl Place {
    /// Somebody who came at `since`.
    pub fn new(prefix: Prefix, since: Instant) -> Self {
        Place {
            prefix,
            since,
            is_leaving: false,
        }
    }

    /// Somebody whose session ended at `since`.
    pub fn leaving(prefix: Prefix, since: Instant) -> Self {
        Place {
            is_leaving: true,
            ..Place::new(prefix, since)
        }
    }

    /// Whether they had a session, which is over.
    pub fn is_leaving(self) -> bool {
        self.is_leaving
    }

    /// When they count as having come.
    pub fn since(self) -> Instant {
        self.since
    }

    /// The same, once a TLS handshake is done: it has cost both sides the most of all that happens before a session, and so counts as
    /// having come anew. However many finish one and are silent, those in the middle of theirs have as long as they had.
    #[must_use]
    pub fn secured(self, now: Instant) -> Self {
        Place { since: now, ..self }
    }
}

/// Who waits, by when they came and where from: newcomers, and those whose session is over, who only wait for their last words to be read.
///
/// **Whoever is cheapest to lose goes first: the one who has waited longest in the /32 or /64 that waits most often, in the /24 or /48 that
/// does.** A flood from anywhere therefore makes room for itself. Every call is O(log n).
#[derive(Debug, Default)]
pub struct WaitingRoom {
    newcomers: Queue,
    leaving: Queue,
}

impl WaitingRoom {
    /// Lets somebody in who is not in yet.
    pub fn enter(&mut self, id: ConnectionId, place: Place) {
        self.queue_of(place).enter(id, place);
    }

    /// Lets go whoever entered with this place.
    pub fn leave(&mut self, id: ConnectionId, place: Place) {
        self.queue_of(place).leave(id, place);
    }

    /// The newcomer who would be missed least.
    pub fn cheapest_newcomer(&self) -> Option<ConnectionId> {
        self.newcomers.cheapest()
    }

    /// Who would be missed least of all: somebody whose session is over, while there is one.
    pub fn cheapest(&self) -> Option<ConnectionId> {
        let leaving = self.leaving.cheapest();
        leaving.or_else(|| self.newcomers.cheapest())
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.newcomers.wide.members.len() + self.leaving()
    }

    /// How many of them have had their session.
    pub fn leaving(&self) -> usize {
        self.leaving.wide.members.len()
    }

    /// Those who have had their session.
    pub fn leavers(&self) -> impl Iterator<Item = ConnectionId> {
        let members = self.leaving.wide.members.iter();
        members.map(|(_, (_, id))| *id)
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn queue_of(&mut self, place: Place) -> &mut Queue {
        match place.is_leaving {
            true => &mut self.leaving,
            false => &mut self.newcomers,
        }
    }
}

#[derive(Debug, Default)]
struct Queue {
    /// By /24 and /48.
    wide: Crowd,
    /// By /32 and /64, within each of those.
    narrow: BTreeMap<Prefix, Crowd>,
}

impl Queue {
    fn enter(&mut self, id: ConnectionId, place: Place) {
        let (wide, member) = (place.prefix.parent(), (place.since, id));
        self.wide.insert(wide, member);
        let narrow = self.narrow.entry(wide).or_default();
        narrow.insert(place.prefix, member);
    }

    fn leave(&mut self, id: ConnectionId, place: Place) {
        let (wide, member) = (place.prefix.parent(), (place.since, id));
        self.wide.remove(wide, member);
        if let Some(narrow) = self.narrow.get_mut(&wide) {
            narrow.remove(place.prefix, member);
            if narrow.members.is_empty() {
                self.narrow.remove(&wide);
            }
        }
    }

    fn cheapest(&self) -> Option<ConnectionId> {
        let (_, _, wide) = self.wide.ranks.first()?;
        let (_, (_, id), _) = self.narrow.get(wide)?.ranks.first()?;
        Some(*id)
    }
}

type Member = (Instant, ConnectionId);

/// Members of prefixes, and the prefixes by how many they have: among equals, by who has waited longest.
#[derive(Debug, Default)]
struct Crowd {
    members: BTreeSet<(Prefix, Member)>,
    counts: BTreeMap<Prefix, usize>,
    ranks: BTreeSet<(Reverse<usize>, Member, Prefix)>,
}

impl Crowd {
    fn insert(&mut self, prefix: Prefix, member: Member) {
        self.unrank(prefix);
        if self.members.insert((prefix, member)) {
            *self.counts.entry(prefix).or_default() += 1;
        }
        self.rank(prefix);
    }

    fn remove(&mut self, prefix: Prefix, member: Member) {
        self.unrank(prefix);
        if self.members.remove(&(prefix, member))
            && let Some(count) = self.counts.get_mut(&prefix)
        {
            *count -= 1;
        }
        self.rank(prefix);
    }

    fn rank(&mut self, prefix: Prefix) {
        match self.place(prefix) {
            Some(place) => {
                self.ranks.insert(place);
            }
            None => {
                self.counts.remove(&prefix);
            }
        }
    }

    fn unrank(&mut self, prefix: Prefix) {
        if let Some(place) = self.place(prefix) {
            self.ranks.remove(&place);
        }
    }

    fn place(&self, prefix: Prefix) -> Option<(Reverse<usize>, Member, Prefix)> {
        let first = (prefix, (Instant::ZERO, ConnectionId::from_u64(0)));
        let (_, oldest) = self
            .members
            .range(first..)
            .next()
            .filter(|(found, _)| *found == prefix)?;
        Some((Reverse(*self.counts.get(&prefix)?), *oldest, prefix))
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn place(address: &str, second: u64) -> Place {
        let address: IpAddr = address.parse().expect("an address");
        Place::new(
            Prefix::of(address),
            Instant::ZERO + Duration::from_secs(second),
        )
    }

    fn room(places: &[Place]) -> WaitingRoom {
        let mut room = WaitingRoom::default();
        for (n, place) in places.iter().enumerate() {
            room.enter(ConnectionId::from_u64(n as u64), *place);
        }
        room
    }

    #[test]
    fn a_place_says_when_somebody_came_and_a_room_whether_anybody_did() {
        let came = place("10.0.0.1", 5);
        let second = |second| Instant::ZERO + Duration::from_secs(second);
        assert_eq!(came.since(), second(5));
        assert_eq!(came.secured(second(7)).since(), second(7));
        assert!(!room(&[came]).is_empty() && WaitingRoom::default().is_empty());
    }

    #[test]
    fn the_oldest_of_the_most_frequent_address_of_the_most_frequent_network_goes_first() {
        let rows: [(&str, &[Place], u64); 6] = [
            (
                "nobody is more than another: the oldest",
                &[
                    place("10.0.0.1", 2),
                    place("10.0.1.1", 1),
                    place("10.0.2.1", 3),
                ],
                1,
            ),
            (
                "a flood from one address",
                &[
                    place("10.0.0.1", 0),
                    place("10.0.1.1", 8),
                    place("10.0.1.1", 7),
                ],
                2,
            ),
            (
                "a flood from one network, whose addresses are many",
                &[
                    place("10.0.0.1", 0),
                    place("10.0.1.1", 9),
                    place("10.0.1.2", 8),
                ],
                2,
            ),
            (
                "a neighbour of the flood is older, and stays",
                &[
                    place("10.0.1.9", 0),
                    place("10.0.1.1", 5),
                    place("10.0.1.1", 6),
                ],
                1,
            ),
            (
                "an IPv6 network is one source",
                &[
                    place("2001:db8::1", 5),
                    place("10.0.0.1", 1),
                    place("2001:db8::2", 6),
                ],
                0,
            ),
            (
                "whoever has finished a handshake counts as having come then",
                &[
                    place("10.0.0.1", 1).secured(Instant::ZERO + Duration::from_secs(3)),
                    place("10.0.0.1", 2),
                ],
                1,
            ),
        ];
        for (name, places, expected) in rows {
            let cheapest = room(places).cheapest();
            assert_eq!(cheapest, Some(ConnectionId::from_u64(expected)), "{name}");
        }
    }

    /// The same by counting everybody anew.
    fn counted(members: &[(u64, Place)]) -> Option<u64> {
        let count = |is_same: &dyn Fn(Prefix) -> bool| {
            members
                .iter()
                .filter(|(_, place)| is_same(place.prefix))
                .count()
        };
        let rank = |(id, place): &(u64, Place)| {
            let wide = place.prefix.parent();
            let oldest = |is_same: &dyn Fn(Prefix) -> bool| {
                let same = members.iter().filter(|(_, place)| is_same(place.prefix));
                same.map(|(id, place)| (place.since, *id)).min()
            };
            let in_wide = |prefix: Prefix| prefix.parent() == wide;
            let in_narrow = |prefix: Prefix| prefix == place.prefix;
            (
                (Reverse(count(&in_wide)), oldest(&in_wide)),
                (Reverse(count(&in_narrow)), oldest(&in_narrow)),
                (place.since, *id),
            )
        };
        members
            .iter()
            .min_by_key(|member| rank(member))
            .map(|(id, _)| *id)
    }

    proptest! {
        #[test]
        fn whoever_comes_and_goes_the_cheapest_is_the_one_that_counting_finds(
            steps in prop::collection::vec((0u8..3, 0u8..3, 0u64..4, any::<bool>(), any::<bool>()), 1..80),
        ) {
            let mut room = WaitingRoom::default();
            let mut members: Vec<(u64, Place)> = Vec::new();
            for (id, (network, host, second, goes, is_leaving)) in (0u64..).zip(steps) {
                if goes && !members.is_empty() {
                    let (gone, place) = members.swap_remove(id as usize % members.len());
                    room.leave(ConnectionId::from_u64(gone), place);
                } else {
                    let place = Place { is_leaving, ..place(&format!("10.0.{network}.{host}"), second) };
                    room.enter(ConnectionId::from_u64(id), place);
                    members.push((id, place));
                }
                let (leaving, newcomers): (Vec<_>, Vec<_>) = members.iter().partition(|(_, place)| place.is_leaving);
                let newcomer = room.cheapest_newcomer().map(ConnectionId::as_u64);
                prop_assert_eq!(newcomer, counted(&newcomers));
                let cheapest = room.cheapest().map(ConnectionId::as_u64);
                prop_assert_eq!(cheapest, counted(&leaving).or(newcomer));
                prop_assert_eq!((room.len(), room.leaving()), (members.len(), leaving.len()));
            }
            for (id, place) in members {
                room.leave(ConnectionId::from_u64(id), place);
            }
            prop_assert!(room.is_empty());
            for queue in [room.newcomers, room.leaving] {
                prop_assert!(queue.narrow.is_empty());
                prop_assert!(queue.wide.counts.is_empty() && queue.wide.ranks.is_empty());
            }
        }
    }
}
