//! A room's own limits: how much is said in it, and how many come in. They hold beside those of the operator, of which one is here: how many
//! rooms a connection is in.

use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use super::chat::Unsaid;
use crate::config::ROOMS_PER_CONNECTION_MOST;
use crate::id::{ConnectionId, RoomKey, UserKey};
use crate::limit::Scope;
use crate::protocol::refusal::{RoomRefusal, RoomScope};
use crate::protocol::vocabulary::{Affiliation, Capability};
use crate::rooms::limits::Speaker;
use crate::time::Now;

/// The limit of rooms that one connection is in.
pub(super) const SEATS: &str = "rooms_per_connection_max";

impl Engine {
    /// Whether a connection that is in so many rooms may come into another.
    pub(super) fn expect_seat(
        &mut self,
        id: ConnectionId,
        taken: usize,
        now: Now,
    ) -> Result<(), RoomRefusal> {
        if taken < self.config.limits.rooms_per_connection_max {
            return Ok(());
        }
        // Seats take memory: a rehearsal ends where every configuration does.
        let may_overlook = taken < ROOMS_PER_CONNECTION_MOST;
        if may_overlook && self.overlooks(id, SEATS, Scope::Connection, now) {
            return Ok(());
        }
        let scope = Scope::Connection.as_str();
        self.counters.limited.count_pair([SEATS, scope]);
        Err(RoomRefusal::TooManyRooms)
    }

    /// Charges a message to the room, the user, the connection and the address: to all of them, or to none when one of them says no.
    /// Who is told no is told of the one with the longest wait.
    pub(super) fn charge_message_in(
        &mut self,
        id: ConnectionId,
        room: RoomKey,
        bytes: usize,
        now: Now,
    ) -> Result<(), Unsaid> {
        let by_room = self.judge_message_in(id, room, now);
        let by_operator = self.check_message(id, now);
        match (by_room, by_operator) {
            (Ok(()), Ok(())) => {}
            (Err(refusal), Ok(())) => {
                return self.count_room_limit(Err(refusal)).map_err(Unsaid::from);
            }
            (Err(refusal), Err(limited)) if wait(&refusal) > limited.retry_after => {
                return self.count_room_limit(Err(refusal)).map_err(Unsaid::from);
            }
            (_, Err(limited)) => {
                self.counters.limited.count_pair(limited.words());
                return Err(limited.into());
            }
        }
        self.charge_checked_message(id, now);
        self.charge_room(id, room, bytes, now);
        Ok(())
    }

    /// Whether the room's own limits allow a message now.
    pub(super) fn check_message_in(
        &mut self,
        id: ConnectionId,
        room: RoomKey,
        now: Now,
    ) -> Result<(), RoomRefusal> {
        let judged = self.judge_message_in(id, room, now);
        self.count_room_limit(judged)
    }

    fn judge_message_in(
        &self,
        id: ConnectionId,
        room: RoomKey,
        now: Now,
    ) -> Result<(), RoomRefusal> {
        let Some((user, is_moderator, is_new)) = self.speaker_in(id, room, now) else {
            return Ok(());
        };
        let speaker = Speaker {
            user: &user,
            is_moderator,
            is_new,
        };
        let found = self.rooms.room(room);
        let settings = &found.lasting.settings;
        found.limits.check_message(speaker, settings, now.instant)
    }

    /// Charges a message to the room.
    pub(super) fn charge_room(&mut self, id: ConnectionId, room: RoomKey, bytes: usize, now: Now) {
        if let Some((user, is_moderator, is_new)) = self.speaker_in(id, room, now) {
            let speaker = Speaker {
                user: &user,
                is_moderator,
                is_new,
            };
            let found = self.rooms.room_mut(room);
            let settings = &found.lasting.settings;
            found
                .limits
                .charge_message(speaker, bytes, settings, now.instant);
        }
    }

    fn speaker_in(
        &self,
        id: ConnectionId,
        room: RoomKey,
        now: Now,
    ) -> Option<(Arc<str>, bool, bool)> {
        let user = self.connections.get(id)?.user()?;
        let user = &self.users.get(user)?.id;
        let affiliation = self.rooms.room(room).lasting.affiliation(user, now.wall);
        let decision = self.decide(id, room, Capability::Moderate, now)?;
        let is_new = affiliation == Affiliation::None;
        Some((Arc::clone(user), decision.is_allowed, is_new))
    }

    /// Lets somebody come in. Whoever is there already, on another connection or a moment ago, does not come: what keeps nobody from staying
    /// keeps them out no more than the others.
    pub(super) fn permit_coming_in(
        &mut self,
        id: ConnectionId,
        user: UserKey,
        room: RoomKey,
        now: Now,
    ) -> Result<(), RoomRefusal> {
        let permitted = self.permit(id, room, Capability::Join, now);
        if !self.is_there(user, room) {
            return permitted.and_then(|()| self.check_coming_in(user, room, now));
        }
        match permitted {
            Err(refusal) if matches!(refusal, RoomRefusal::Busy(_)) => Err(refusal),
            Err(_) if self.may_stay(id, room, now) => Ok(()),
            permitted => permitted,
        }
    }

    fn check_coming_in(
        &mut self,
        user: UserKey,
        room: RoomKey,
        now: Now,
    ) -> Result<(), RoomRefusal> {
        let found = self.rooms.room(room);
        let Some(person) = self.users.get(user) else {
            return Ok(());
        };
        if !found.has_place_for(&person.id) {
            return self.count_room_limit(Err(RoomRefusal::RoomFull("members_max")));
        }
        let settings = &found.lasting.settings;
        let checked = found.limits.check_join(&person.id, settings, now.instant);
        self.count_room_limit(checked)
    }

    /// Charges the room for somebody who has come in.
    pub(super) fn charge_coming_in(&mut self, user: UserKey, room: RoomKey, now: Now) {
        if let Some(person) = self.users.get(user) {
            let found = self.rooms.room_mut(room);
            let settings = &found.lasting.settings;
            found.limits.charge_join(&person.id, settings, now.instant);
        }
    }

    /// Whether somebody may knock at a room now.
    pub(super) fn check_knock(
        &mut self,
        room: RoomKey,
        user: &str,
        now: Now,
    ) -> Result<(), RoomRefusal> {
        let rate = self.config.rooms.knocks_per_user;
        let limits = &self.rooms.room(room).limits;
        let checked = limits.check_knock(user, rate, now.instant);
        self.count_room_limit(checked)
    }

    /// Charges somebody for a knock.
    pub(super) fn charge_knock(&mut self, room: RoomKey, user: &Arc<str>, now: Now) {
        let rate = self.config.rooms.knocks_per_user;
        let found = self.rooms.room_mut(room);
        let settings = &found.lasting.settings;
        found.limits.charge_knock(user, rate, settings, now.instant);
    }

    /// Counts a refusal by the limit of the room, or on what rooms may be set to, that says no.
    pub(super) fn count_room_limit<T>(
        &mut self,
        checked: Result<T, RoomRefusal>,
    ) -> Result<T, RoomRefusal> {
        if let Err(refusal) = &checked
            && let Some(limit) = limit_behind(refusal)
        {
            self.counters.limited.count_pair(limit);
        }
        checked
    }
}

fn limit_behind(refusal: &RoomRefusal) -> Option<[&'static str; 2]> {
    let (limit, scope) = match *refusal {
        RoomRefusal::RoomLimited { limit, scope, .. } => (limit, scope),
        RoomRefusal::RoomFull(limit) => (limit, RoomScope::Room),
        RoomRefusal::MessageTooLong { .. } => ("message_characters_max", RoomScope::Room),
        // The operator's bound is called otherwise than what the owners set below it.
        RoomRefusal::AboveCeiling { field, .. } => match field {
            "members_max" => ("people_max", RoomScope::Room),
            "retention_messages" => ("retention_messages_max", RoomScope::Room),
            "retention_ms" => ("retention_max", RoomScope::Room),
            _ => (field, RoomScope::Room),
        },
        _ => return None,
    };
    Some([limit, scope.word()])
}

fn wait(refusal: &RoomRefusal) -> Duration {
    match refusal {
        RoomRefusal::RoomLimited { retry_after, .. } => *retry_after,
        _ => Duration::MAX,
    }
}
