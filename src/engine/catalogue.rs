//! What somebody may know of rooms: lists, descriptions, and who may do what and why.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Engine;
use super::connection::Phase;
use super::room_reply::{self, Described};
use crate::id::{ConnectionId, RoomKey};
use crate::protocol::command::v1::RequestId;
use crate::protocol::notice::Notice;
use crate::protocol::notice::rooms::{
    Description, ExplainReply, Right, RoomReply, RoomsReply, Yours,
};
use crate::protocol::refusal::RoomRefusal;
use crate::protocol::vocabulary::Capability;
use crate::rooms::permissions::{Asker, decide};
use crate::time::Now;

/// Rooms looked at for one page: a list of thousands of which the asker may see few is read in several requests.
const LOOKED_AT_MAX: usize = 500;
/// No id of a room comes before it.
const FIRST: &str = "0";

impl Engine {
    /// Lists the rooms that the asker may see, from the one behind `after` on.
    pub(super) fn list_seen_rooms(
        &mut self,
        id: ConnectionId,
        request: Option<&RequestId<'_>>,
        after: Option<&str>,
        limit: Option<u64>,
        now: Now,
    ) {
        let entries_max = self.entries(limit);
        let mut keys: Vec<RoomKey> = Vec::new();
        let after = after.unwrap_or_default();
        let (mut place, mut told) = (self.place_in_list(id, after), Arc::<str>::from(after));
        let found = self.rooms.after(&place);
        let mut last = None;
        for (looked_at, (key, room)) in found.enumerate() {
            if looked_at == LOOKED_AT_MAX || keys.len() == entries_max {
                break;
            }
            last = Some(room.id());
            if room.is_open() && self.may(id, key, Capability::See, now) {
                keys.push(key);
                told = Arc::clone(room.id());
            }
        }
        if let Some(last) = last {
            place = Arc::clone(last);
        }
        let is_end = self.rooms.after(&place).next().is_none();
        if told.is_empty() {
            told = FIRST.into();
        }
        let rooms: Vec<Description<'_>> = keys
            .iter()
            .map(|key| self.description(id, *key, now))
            .collect();
        let reply = Notice::Rooms(RoomsReply {
            id: request,
            rooms: &rooms,
            next: (!is_end).then_some(&*told),
        });
        let frame = room_reply::frame(&reply);
        self.reply_frame(id, frame);
        if let Some(session) = self.session_mut(id) {
            let is_behind = !is_end && told != place;
            session.listed = is_behind.then(|| Box::new((told, place)));
        }
    }

    /// Where a list goes on that was told to go on after this room.
    fn place_in_list(&self, id: ConnectionId, after: &str) -> Arc<str> {
        let found = self.connections.get(id).map(|found| &found.phase);
        let listed = match found {
            Some(Phase::Open(session)) => session.listed.as_deref(),
            _ => None,
        };
        match listed {
            Some((told, place)) if **told == *after => Arc::clone(place),
            _ => after.into(),
        }
    }

    /// Names of the rooms of the configuration that the asker may see, in the order of the configuration.
    pub(super) fn configured_rooms_seen(&self, id: ConnectionId, now: Now) -> Vec<&str> {
        let names = &self.config.rooms;
        let mut told = BTreeSet::new();
        std::iter::once(&names.lobby)
            .chain(&names.public)
            .filter_map(|name| self.rooms.find(name))
            .filter(|key| told.insert(*key) && self.may(id, *key, Capability::See, now))
            .map(|key| self.rooms.room(key).name())
            .collect()
    }

    pub(super) fn tell_description(
        &mut self,
        id: ConnectionId,
        request: Option<&RequestId<'_>>,
        room: RoomKey,
        now: Now,
    ) {
        let description = self.description(id, room, now);
        let reply = Notice::Described(RoomReply {
            id: request,
            description: &description,
        });
        let frame = room_reply::frame(&reply);
        self.reply_frame(id, frame);
    }

    /// A room as it is for whoever is connected.
    pub(super) fn description(&self, id: ConnectionId, room: RoomKey, now: Now) -> Description<'_> {
        let found = self.rooms.room(room);
        let user = self
            .connections
            .get(id)
            .and_then(|connection| connection.user());
        let standing = user
            .and_then(|user| self.users.get(user))
            .map(|user| found.lasting.standing(&user.id))
            .unwrap_or_default();
        let can = self.capabilities(id, room, now);
        let follows = can.contains(Capability::Read) || self.is_seated(id, room);
        let first_unread = standing.read.max(self.first_kept(room).saturating_sub(1));
        let unread = found.last_sequence().saturating_sub(first_unread);
        let to_all = Described(found).at(now.wall);
        Description {
            // How much is said, and how many are there, is for those who could hear it.
            count: to_all.count.filter(|_| follows),
            last_seq: to_all.last_seq.filter(|_| follows),
            yours: Some(Yours {
                affiliation: standing.affiliation(now.wall),
                can,
                is_invited: standing.is_invited,
                is_knocking: standing.knocked.is_some(),
                unread: follows.then_some(unread),
            }),
            ..to_all
        }
    }

    /// Tells what somebody may do in the room, and why: everybody of themselves, those who moderate of others.
    pub(super) fn explain(
        &mut self,
        id: ConnectionId,
        request: Option<&RequestId<'_>>,
        room: RoomKey,
        user: Option<&str>,
        now: Now,
    ) -> Result<(), RoomRefusal> {
        let by = self.by(id).ok_or(RoomRefusal::UnknownRoom)?;
        let user = user.unwrap_or(&by.user);
        if *user != *by.user {
            self.permit(id, room, Capability::Moderate, now)?;
        }
        let found = self.rooms.room(room);
        let claims = (*user == *by.user)
            .then_some(by.claims.as_deref())
            .flatten();
        let asker = Asker { user, claims };
        let right = |capability: &Capability| {
            let decision = decide(found.name(), &found.lasting, asker, *capability, now.wall);
            Right {
                capability: *capability,
                is_allowed: decision.is_allowed,
                reason: decision.reason.word(),
            }
        };
        let rights: Vec<Right> = Capability::ALL.iter().map(right).collect();
        let reply = Notice::Explained(ExplainReply {
            id: request,
            room: found.name(),
            user,
            affiliation: found.lasting.standing(user).affiliation(now.wall),
            rights: &rights,
        });
        let frame = room_reply::frame(&reply);
        self.reply_frame(id, frame);
        Ok(())
    }
}
