//! Whom a change of a room concerns, and what they are told: the room of what was done in it, its moderators of who wants to come in, and whom
//! it was about wherever they are.
//!
//! **Whoever is not in the room is told what they could find out by asking, and no more**: what stands in the log when they may read it, what the
//! room is like when they may see it, and that they may not any more when they could before.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Engine;
use super::room_reply;
use crate::id::{ConnectionId, RoomKey};
use crate::protocol::notice::rooms as notices;
use crate::protocol::notice::rooms::Removed;
use crate::protocol::notice::{Content, Notice, Person};
use crate::protocol::refusal::RoomRefusal;
use crate::protocol::vocabulary::{Capability, Removal};
use crate::rooms::moderation::Action;
use crate::rooms::record::{Changed, MessageChange};
use crate::time::Now;

/// A connection of somebody whom a change is about that is not in the room, and whether it could know of the room before.
pub(super) struct Outside {
    id: ConnectionId,
    knew: bool,
}

impl Engine {
    /// Connections outside the room of those whom a change is about.
    pub(super) fn outside(&self, room: RoomKey, changed: &Changed, now: Now) -> Vec<Outside> {
        let change = &changed.change;
        let target = change.entry.as_ref().map(|entry| &*entry.target);
        let standing = change.standings.iter().map(|(user, _)| &**user);
        let users: BTreeSet<&str> = standing.chain(target).collect();
        let name = self.rooms.room(room).name();
        let outside = |id: ConnectionId| {
            let seen = self.seen_room(id, name, now);
            (!self.is_seated(id, room)).then_some(Outside {
                id,
                knew: !matches!(seen, Err(RoomRefusal::UnknownRoom)),
            })
        };
        let ids = users.into_iter().flat_map(|user| self.connections_of(user));
        ids.filter_map(outside).collect()
    }

    pub(super) fn tell_of_change(
        &mut self,
        room: RoomKey,
        changed: &Changed,
        outside: &[Outside],
        now: Now,
    ) {
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
        for one in outside {
            self.tell_outside(room, one, changed, now);
        }
        for (user, _) in &changed.change.standings {
            self.tell_of_standing(room, user, outside, now);
        }
    }

    /// Tells somebody who is not in the room of what was done to them.
    fn tell_outside(&mut self, room: RoomKey, outside: &Outside, changed: &Changed, now: Now) {
        let id = outside.id;
        let reads = self.may(id, room, Capability::Read, now);
        let change = &changed.change;
        let entry = change.entry.as_ref();
        let action = entry.and_then(|entry| Action::from_word(&entry.action));
        if self.may(id, room, Capability::See, now) {
            let is_told_otherwise = matches!(action, Some(Action::Invite | Action::Knock));
            if let Some(entry) = entry.filter(|_| reads && !is_told_otherwise) {
                let number = changed.head.number;
                let moderated = room_reply::moderated(&change.room, number, entry);
                self.push_v1(id, &room_reply::frame(&moderated));
            }
            self.tell_room(id, room, now);
        } else if outside.knew {
            let ban = entry.filter(|_| action == Some(Action::Ban));
            let removed = Notice::Removed(Removed {
                room: &change.room,
                code: ban.map_or(Removal::Forbidden, |_| Removal::Banned),
                reason: ban.map_or("", |ban| &ban.reason),
                until: ban.and_then(|ban| ban.until),
                timestamp: now.wall,
            });
            self.push_v1(id, &room_reply::frame(&removed));
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
            Some(MessageChange::DeleteAllOf { user, is_rest, .. }) => {
                (Content::Deleted(change.at), Some(user).filter(|_| !is_rest))
            }
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

    /// Tells everybody there how the room is for them now: it is written once for all in a row for whom it is the same.
    fn tell_of_settings(&mut self, room: RoomKey, now: Now) {
        let mut last = None;
        for id in self.rooms.room(room).audience().collect::<Vec<_>>() {
            let description = self.description(id, room, now);
            let frame = match last.take() {
                Some((yours, frame)) if yours == description.yours => frame,
                _ => room_reply::frame(&Notice::Room(&description)),
            };
            last = Some((description.yours, frame.clone()));
            self.push_v1(id, &frame);
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
        for id in self.rooms.room(room).audience().collect::<Vec<_>>() {
            if self.may(id, room, Capability::Moderate, now) {
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

    /// Tells somebody on the connections that were in the room what they may do there now, if they may know of it.
    fn tell_of_standing(&mut self, room: RoomKey, user: &str, outside: &[Outside], now: Now) {
        for id in self.connections_of(user) {
            let is_told = outside.iter().any(|outside| outside.id == id);
            if !is_told && self.may(id, room, Capability::See, now) {
                self.tell_room(id, room, now);
            }
        }
    }
}
