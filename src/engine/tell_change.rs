//! Whom a change of a room concerns, and what they are told: the room of what was done in it, its moderators of who wants to come in, and whom
//! it was about wherever they are.

use std::sync::Arc;

use super::Engine;
use super::room_reply;
use crate::id::{ConnectionId, RoomKey};
use crate::protocol::notice::rooms as notices;
use crate::protocol::notice::{Content, Notice, Person};
use crate::protocol::vocabulary::Capability;
use crate::rooms::moderation::Action;
use crate::rooms::record::{Changed, MessageChange};
use crate::time::Now;

impl Engine {
    pub(super) fn tell_of_change(&mut self, room: RoomKey, changed: &Changed, now: Now) {
        self.tell_of_messages(room, changed);
        if changed.change.settings.is_some() {
            self.tell_of_settings(room, now);
        }
        if let Some(entry) = &changed.change.entry {
            let action = Action::from_word(&entry.action);
            let number = changed.head.number;
            let moderated = room_reply::moderated(&changed.change.room, number, entry);
            if action.is_some_and(Action::is_about_coming_in) {
                self.tell_moderators(room, &moderated, now);
            } else {
                self.tell(room, |_| moderated);
            }
            match action {
                Some(Action::Knock) => self.tell_of_knock(room, &entry.target, now),
                Some(Action::Invite) => self.tell_of_invitation(room, changed, now),
                _ => {}
            }
        }
        for (user, _) in &changed.change.standings {
            self.tell_of_standing(room, user, now);
        }
    }

    fn tell_of_messages(&mut self, room: RoomKey, changed: &Changed) {
        let change = &changed.change;
        let (content, author) = match &change.messages {
            _ if changed.messages.is_empty() => return,
            None => return,
            Some(MessageChange::Edit { text, author, .. }) => {
                let is_opaque = self.rooms.room(room).is_opaque();
                (room_reply::content(text, is_opaque), Some(author))
            }
            Some(MessageChange::Delete { by, .. }) => (Content::Deleted(change.at), by.author()),
            Some(MessageChange::DeleteAllOf { .. }) => (Content::Deleted(change.at), None),
        };
        let actor = change.entry.as_ref().map(|entry| &entry.actor);
        let user = actor.or(author).map_or("", |user| &**user);
        let notice = Notice::Changed(notices::Changed {
            room: &change.room,
            seqs: &changed.messages,
            content,
            user,
            timestamp: change.at,
        });
        self.tell(room, |_| notice);
    }

    fn tell_of_settings(&mut self, room: RoomKey, now: Now) {
        for id in self.rooms.room(room).audience().to_vec() {
            self.tell_room(id, room, now);
        }
    }

    /// Tells whoever is connected how the room is for them now.
    pub(super) fn tell_room(&mut self, id: ConnectionId, room: RoomKey, now: Now) {
        let description = self.description(id, room, now);
        let frame = room_reply::frame(&Notice::Room(&description));
        self.push_v1(id, &frame);
    }

    fn tell_moderators(&mut self, room: RoomKey, notice: &Notice<'_>, now: Now) {
        let frame = room_reply::frame(notice);
        for id in self.rooms.room(room).audience().to_vec() {
            let moderates = self
                .decide(id, room, Capability::Moderate, now)
                .is_some_and(|decision| decision.is_allowed);
            if moderates {
                self.push_v1(id, &frame);
            }
        }
    }

    fn tell_of_knock(&mut self, room: RoomKey, user: &Arc<str>, now: Now) {
        let known = self.users.find(user).and_then(|key| self.person(key));
        let name = known.map_or_else(|| Arc::clone(user), |person| person.name);
        let id = Arc::clone(self.rooms.room(room).id());
        let knocked = Notice::Knock(notices::Knocked {
            room: &id,
            person: Person { user, name: &name },
            timestamp: now.wall,
        });
        self.tell_moderators(room, &knocked, now);
    }

    fn tell_of_invitation(&mut self, room: RoomKey, changed: &Changed, now: Now) {
        let Some(entry) = &changed.change.entry else {
            return;
        };
        let id = Arc::clone(self.rooms.room(room).id());
        let frame = room_reply::frame(&Notice::Invited(notices::Invited {
            room: &id,
            by: &entry.actor,
            timestamp: now.wall,
        }));
        for connection in self.connections_of(&entry.target) {
            self.push_v1(connection, &frame);
        }
    }

    /// Tells somebody on all of their connections what they may do in the room now, if they may know of it.
    fn tell_of_standing(&mut self, room: RoomKey, user: &str, now: Now) {
        for id in self.connections_of(user) {
            let may_see = self
                .decide(id, room, Capability::See, now)
                .is_some_and(|decision| decision.is_allowed);
            if may_see {
                self.tell_room(id, room, now);
            }
        }
    }
}
