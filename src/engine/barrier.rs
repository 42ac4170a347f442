//! Who is put out of a room, in the turn in which that is decided: nothing of the room leaves for them any more.

use std::sync::Arc;

use super::Engine;
use super::chat::Going;
use crate::id::{ConnectionId, RoomKey, UserKey};
use crate::protocol::notice::Notice;
use crate::protocol::notice::rooms::Removed;
use crate::protocol::vocabulary::{Capability, Removal, RoomKind};
use crate::rooms::moderation::Action;
use crate::rooms::permissions::Reason;
use crate::rooms::record::Changed;
use crate::rooms::standing::Sanction;
use crate::time::{Now, Wall};

impl Engine {
    /// Puts a change that is kept into force, and tells of it: whoever goes hears no more, and whoever stays hears what was said before in its
    /// order.
    pub(super) fn put_in_force(&mut self, changed: &Changed, now: Now) {
        let Some(room) = self.rooms.find(&changed.change.room) else {
            return;
        };
        self.flush_room(room);
        let outside = self.outside(room, changed, now);
        self.apply(room, changed, now);
        if changed.change.is_deletion {
            return self.close_room(room, now);
        }
        self.put_out_target(room, changed, now);
        self.put_out_forbidden(room, now);
        if changed.change.entry.is_some() {
            self.quiet_ended(room, now);
            self.quiet_outsiders(room, now);
        }
        self.tell_of_change(room, changed, &outside, now);
    }

    fn apply(&mut self, room: RoomKey, changed: &Changed, now: Now) {
        let lasting = &mut self.rooms.room_mut(room).lasting;
        let members_max = lasting.settings.members_max;
        if let Some(settings) = &changed.change.settings {
            lasting.settings = (**settings).clone();
            self.rooms.note_looks(room);
        }
        self.rooms.stand(room, &changed.change.standings, now.wall);
        let lasting = &mut self.rooms.room_mut(room).lasting;
        lasting.audit = changed.head;
        if lasting.settings.members_max == members_max {
            self.count_strangers(room, changed.change.standings.iter().map(|(user, _)| user));
        } else {
            self.count_all_strangers(room);
        }
        if changed.change.settings.is_some() {
            self.trim_by_other_settings(room, now);
        }
    }

    /// Puts out whom a kick or a ban was about.
    fn put_out_target(&mut self, room: RoomKey, changed: &Changed, now: Now) {
        let Some(entry) = &changed.change.entry else {
            return;
        };
        let code = match Action::from_word(&entry.action) {
            Some(Action::Kick) => Removal::Kicked,
            Some(Action::Ban) => Removal::Banned,
            _ => return,
        };
        self.end_absence(&entry.target, room, now);
        let name = Arc::clone(self.rooms.room(room).id());
        self.room_works.refuse_coming_in(&name, &entry.target);
        let Some(target) = self.users.find(&entry.target) else {
            return;
        };
        for (id, user) in self.seated(room) {
            if user == target {
                self.put_out(id, room, (code, &entry.reason, entry.until), now);
            }
        }
    }

    /// Puts out everybody who may not be there any more.
    pub(super) fn put_out_forbidden(&mut self, room: RoomKey, now: Now) {
        for (id, user) in self.seated(room) {
            if !self.may_stay(id, room, now) {
                // Another process may have decided it: then nobody was put out for it yet.
                let ban = self.ban(user, room, now);
                let is_archived = self.rooms.room(room).lasting.settings.is_archived;
                let why = match &ban {
                    Some(ban) => (Removal::Banned, &*ban.reason, ban.until),
                    None if is_archived => (Removal::Archived, "", None),
                    None => (Removal::Forbidden, "", None),
                };
                self.put_out(id, room, why, now);
            }
        }
    }

    /// The ban that is in force on somebody.
    fn ban(&self, user: UserKey, room: RoomKey, now: Now) -> Option<Sanction> {
        let standings = &self.rooms.room(room).lasting.standings;
        let standing = standings.get(&self.users.get(user)?.id)?;
        let ban = standing.ban.as_ref()?;
        ban.is_in_force(now.wall).then(|| ban.clone())
    }

    /// Puts a connection out of the rooms that its newer credential keeps it out of.
    pub(super) fn put_out_where_forbidden(&mut self, id: ConnectionId, now: Now) {
        let Some(session) = self.session_mut(id) else {
            return;
        };
        let rooms: Vec<RoomKey> = session.seats.iter().map(|seat| seat.room).collect();
        for room in rooms {
            if !self.may_stay(id, room, now) {
                self.put_out(id, room, (Removal::Forbidden, "", None), now);
            }
        }
    }

    /// Puts out everybody of a room that is no more.
    pub(super) fn close_room(&mut self, room: RoomKey, now: Now) {
        let absent = self.at_home_elsewhere(room);
        for (id, _) in self.seated(room) {
            self.put_out(id, room, (Removal::Deleted, "", None), now);
        }
        let name = Arc::clone(self.rooms.room(room).id());
        for id in absent {
            let removed = Notice::Removed(Removed {
                room: &name,
                code: Removal::Deleted,
                reason: "",
                until: None,
                timestamp: now.wall,
            });
            self.reply(id, &removed);
        }
        // Also for those who have left by themselves and have it to read still.
        self.quiet_everybody(room, now);
        self.presence.forget(room);
        self.rooms.forget(room);
    }

    /// Connections of people who belong to the room, or are invited, and are not in it.
    fn at_home_elsewhere(&self, room: RoomKey) -> Vec<ConnectionId> {
        let standings = self.rooms.room(room).lasting.standings.iter();
        standings
            .filter(|(_, standing)| standing.has_place())
            .flat_map(|(user, _)| self.connections_of(user))
            .filter(|id| !self.is_seated(*id, room))
            .collect()
    }

    /// Whether whoever is in the room may be there still: it may have become harder to come in since they did.
    pub(super) fn may_stay(&self, id: ConnectionId, room: RoomKey, now: Now) -> bool {
        let is_public = self.rooms.room(room).lasting.settings.kind == RoomKind::Public;
        self.decide(id, room, Capability::Join, now)
            .is_none_or(|decision| match decision.reason {
                Reason::Raid => true,
                Reason::Default => is_public,
                _ => decision.is_allowed,
            })
    }

    /// Connections in the room, and whose they are.
    fn seated(&self, room: RoomKey) -> Vec<(ConnectionId, UserKey)> {
        let audience = self.rooms.room(room).audience();
        let whose = |id: ConnectionId| Some((id, self.connections.get(id)?.user()?));
        audience.filter_map(whose).collect()
    }

    /// Takes a connection's seat, and what waits for it of the room: the last that it hears of the room is why.
    pub(super) fn put_out(
        &mut self,
        id: ConnectionId,
        room: RoomKey,
        (code, reason, until): (Removal, &str, Option<Wall>),
        now: Now,
    ) {
        let Some(session) = self.session_mut(id) else {
            return;
        };
        let user = session.user;
        let Some(index) = session.seats.iter().position(|seat| seat.room == room) else {
            return;
        };
        let seat = session.seats.swap_remove(index);
        if let Some(connection) = self.connections.get_mut(id) {
            self.outbound.purge_room(connection, room);
        }
        self.give_up_seat(id, user, seat, Going::Left, now);
        let name = Arc::clone(self.rooms.room(room).id());
        let removed = Notice::Removed(Removed {
            room: &name,
            code,
            reason,
            until,
            timestamp: now.wall,
        });
        self.reply(id, &removed);
    }
}
