//! Who is in a room, and who belongs to it.

use std::sync::Arc;

use super::Engine;
use super::reply::Who;
use super::room_reply;
use crate::id::{ConnectionId, RoomKey, UserKey};
use crate::protocol::command::v1::RequestId;
use crate::protocol::notice::{Member, MembersReply, Notice};
use crate::protocol::vocabulary::{Affiliation, Capability};
use crate::rooms::Room;
use crate::rooms::standing::Standing;
use crate::time::Now;

/// One list of members takes at most this part of a connection's outbound bytes, however long the names are.
const MEMBERS_SHARE: usize = 8;

/// Somebody to be listed.
struct Listed {
    who: Who,
    standing: Standing,
    seats: u32,
}

impl Engine {
    /// Lists who is in the room, then who belongs to it and is not there. Who is invited, wants to come in or is banned is for those who moderate.
    pub(super) fn list_members(
        &mut self,
        id: ConnectionId,
        room: RoomKey,
        request: Option<&RequestId<'_>>,
        now: Now,
    ) {
        let moderates = self.may(id, room, Capability::Moderate, now);
        let found = self.rooms.room(room);
        let present = found.members_from(UserKey(0)).filter_map(|(user, seats)| {
            let who = self.person(user)?;
            let standing = found.lasting.standing(&who.user);
            Some(Listed {
                who,
                standing,
                seats,
            })
        });
        let is_listed = |standing: &Standing| {
            let affiliation = standing.affiliation(now.wall);
            let is_kept_out = affiliation == Affiliation::Banned;
            let waits = standing.is_invited || standing.knocked.is_some();
            affiliation > Affiliation::None || (moderates && (waits || is_kept_out))
        };
        let count = found.members().len() + count_absent(self, found, is_listed);
        let mut bytes_left = self.config.limits.outbound_bytes_per_connection_max / MEMBERS_SHARE;
        let listed: Vec<Listed> = present
            .chain(absent(self, found, is_listed).map(unnamed))
            .take(self.config.limits.members_listed_max)
            .take_while(|listed| {
                let cost = listed.who.bytes_max();
                let fits = cost <= bytes_left;
                bytes_left = bytes_left.saturating_sub(cost);
                fits
            })
            .collect();
        let members: Vec<Member<'_>> = listed
            .iter()
            .map(|listed| Member {
                person: listed.who.person(),
                affiliation: listed.standing.affiliation(now.wall),
                connections: listed.seats,
                is_muted: listed.standing.mute(now.wall).is_some(),
                is_invited: moderates && listed.standing.is_invited,
                is_knocking: moderates && listed.standing.knocked.is_some(),
            })
            .collect();
        let frame = room_reply::frame(&Notice::Members(MembersReply {
            id: request,
            room: found.name(),
            members: &members,
            count: count as u64,
        }));
        self.push_reply(id, request, &frame, room);
    }
}

/// Somebody who is not there: nobody knows what they call themselves today.
fn unnamed((user, standing): (&Arc<str>, &Standing)) -> Listed {
    Listed {
        who: Who {
            user: user.clone(),
            name: user.clone(),
        },
        standing: standing.clone(),
        seats: 0,
    }
}

/// People with a standing who are not in the room, as far as `is_listed` says.
fn absent<'a>(
    engine: &'a Engine,
    room: &'a Room,
    is_listed: impl Fn(&Standing) -> bool + 'a,
) -> impl Iterator<Item = (&'a Arc<str>, &'a Standing)> {
    let is_present = |user: &str| {
        let key = engine.users.find(user);
        key.is_some_and(|key| room.seats_of(key) > 0)
    };
    let standings = room.lasting.standings.iter();
    standings.filter(move |(user, standing)| is_listed(standing) && !is_present(user))
}

/// How many [`absent`] has. Nobody is looked for who only belongs there, and they may be thousands.
fn count_absent(engine: &Engine, room: &Room, is_listed: impl Fn(&Standing) -> bool) -> usize {
    let standings = &room.lasting.standings;
    let all = standings.values().filter(|found| is_listed(found)).count();
    let is_listed_here = |user: &UserKey| {
        let person = engine.users.get(*user);
        let standing = person.and_then(|person| standings.get(&person.id));
        standing.is_some_and(&is_listed)
    };
    all - room.members().filter(is_listed_here).count()
}
