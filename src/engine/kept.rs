//! Messages of durable rooms: kept first, then heard and acknowledged.

use std::sync::Arc;

use super::Engine;
use super::chat::Unsaid;
use super::reply::Who;
use super::room_reply;
use super::room_work::{Asked, Requester};
use super::work::Come;
use crate::id::{ConnectionId, RoomKey};
use crate::protocol::command::v1::RequestId;
use crate::protocol::refusal::RoomRefusal;
use crate::rooms::record::{NewMessage, RoomAnswer, RoomQuestion};
use crate::time::{Instant, Now};

impl Engine {
    /// Says something in a durable room: everybody hears it, and whoever asked is told, once it is kept.
    pub(super) fn keep_message(
        &mut self,
        requester: Requester,
        person: &Who,
        room: RoomKey,
        (text, key): (&str, Option<&str>),
        now: Now,
    ) {
        let message = self.new_message(person, room, (text, key), now);
        let question = RoomQuestion::Append(Arc::clone(&message));
        let asked = Asked::Message(message, now.instant);
        self.ask_of_room(requester, asked, question, now);
    }

    fn new_message(
        &self,
        person: &Who,
        room: RoomKey,
        (text, key): (&str, Option<&str>),
        now: Now,
    ) -> Arc<NewMessage> {
        Arc::new(NewMessage {
            room: Arc::clone(self.rooms.room(room).id()),
            sender: Arc::clone(&person.user),
            name: Arc::clone(&person.name),
            text: text.into(),
            at: now.wall,
            key: key.map(Into::into),
        })
    }

    /// Refuses a message, unless its key says that it was taken before: then it is told as it was told then, whatever has changed since.
    /// Whoever may not know of the room is told nothing of that, and the store is not asked.
    pub(super) fn refuse_unless_kept(
        &mut self,
        id: ConnectionId,
        request: Option<RequestId<'_>>,
        (room, key): (&str, Option<&str>),
        unsaid: Unsaid,
        now: Now,
    ) {
        match key.and_then(|key| self.may_be_kept(id, room, key, &unsaid, now)) {
            Some(message) => {
                let room = Arc::clone(&message.room);
                let requester = Requester::session(id, request.as_ref());
                let question = RoomQuestion::Known(message);
                self.ask_of_room(requester, Asked::Known(room, unsaid), question, now);
            }
            None => self.object(id, &unsaid.complaint(request), now),
        }
    }

    /// What the store is to be asked for, when it could know of it.
    fn may_be_kept(
        &self,
        id: ConnectionId,
        room: &str,
        key: &str,
        unsaid: &Unsaid,
        now: Now,
    ) -> Option<Arc<NewMessage>> {
        let room = self.seen_room(id, room, now).ok()?;
        let found = self.rooms.room(room);
        let is_busy = matches!(unsaid, Unsaid::Refused(RoomRefusal::Busy(_)));
        if is_busy || !found.is_stored() || !found.lasting.settings.is_durable {
            return None;
        }
        let person = self.person(self.connections.get(id)?.user()?)?;
        Some(self.new_message(&person, room, ("", Some(key)), now))
    }

    pub(super) fn repeat_answered(
        &mut self,
        requester: Requester,
        (room, unsaid): (&str, Unsaid),
        answer: Result<RoomAnswer, RoomRefusal>,
        now: Now,
    ) {
        let Requester::Session(id, request) = requester else {
            return;
        };
        let unsaid = match (answer, self.seen_room(id, room, now)) {
            (Err(refusal), _) | (_, Err(refusal)) => refusal.into(),
            (Ok(RoomAnswer::Appended { seq, at, .. }), Ok(_)) => {
                return self.reply(id, &room_reply::kept(request.as_ref(), seq, at));
            }
            (Ok(_), Ok(_)) => unsaid,
        };
        self.object(id, &unsaid.complaint(request), now);
    }

    pub(super) fn message_answered(
        &mut self,
        requester: Requester,
        (message, charged): (&NewMessage, Instant),
        answer: Result<RoomAnswer, RoomRefusal>,
        now: Now,
    ) {
        let (seq, at, is_repeated) = match answer {
            Ok(RoomAnswer::Appended {
                seq,
                at,
                is_repeated,
            }) => (seq, at, is_repeated),
            Ok(_) => return self.turn_down(requester, RoomRefusal::UnknownRoom, now),
            Err(refusal) => return self.turn_down(requester, refusal, now),
        };
        let room = self.rooms.find(&message.room);
        if !is_repeated && let Some(room) = room {
            self.hear_kept(room, message, seq, now);
        }
        match requester {
            Requester::Session(id, request) => {
                if is_repeated && let Some(room) = room {
                    self.give_back(id, room, message, charged, now);
                }
                self.reply(id, &room_reply::kept(request.as_ref(), seq, at));
            }
            Requester::Call(id) => {
                self.bring_call(id, Come::Said(seq, at, Arc::clone(&message.sender)));
            }
            Requester::Join(..) | Requester::Server => {}
        }
    }

    /// A message that was taken before costs nothing again.
    fn give_back(
        &mut self,
        id: ConnectionId,
        room: RoomKey,
        message: &NewMessage,
        charged: Instant,
        now: Now,
    ) {
        self.give_back_message(id, charged, now);
        let (user, bytes) = (&message.sender, message.text.len());
        let found = self.rooms.room_mut(room);
        let settings = &found.lasting.settings;
        let limits = &mut found.limits;
        limits.give_back_message(user, bytes, settings, charged, now.instant);
    }

    /// Tells a room of a message that is kept.
    fn hear_kept(&mut self, room: RoomKey, message: &NewMessage, seq: u64, now: Now) {
        let is_opaque = self.rooms.room(room).is_opaque();
        let found = self.rooms.room_mut(room);
        found.advance(seq);
        if found.lasting.first_seq == seq {
            found.lasting.oldest = Some(message.at);
        }
        self.counters.messages_said += 1;
        self.tell(room, |name| {
            room_reply::message_of(name, message, seq, is_opaque)
        });
        self.flush_full_room(room);
        self.trim_if_due(room, now);
    }
}
