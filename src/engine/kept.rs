//! Messages of durable rooms: kept first, then heard and acknowledged.

use std::sync::Arc;

use super::Engine;
use super::reply::Who;
use super::room_reply;
use super::room_work::{Asked, Requester};
use crate::id::RoomKey;
use crate::protocol::refusal::RoomRefusal;
use crate::rooms::record::{NewMessage, RoomAnswer, RoomQuestion};
use crate::time::Now;

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
        let message = Arc::new(NewMessage {
            room: Arc::clone(self.rooms.room(room).id()),
            sender: Arc::clone(&person.user),
            name: Arc::clone(&person.name),
            text: text.into(),
            at: now.wall,
            key: key.map(Into::into),
        });
        let question = RoomQuestion::Append(Arc::clone(&message));
        self.ask_of_room(requester, Asked::Message(message), question, now);
    }

    pub(super) fn message_answered(
        &mut self,
        requester: Requester,
        message: &NewMessage,
        answer: Result<RoomAnswer, RoomRefusal>,
        now: Now,
    ) {
        let (seq, is_repeated) = match answer {
            Ok(RoomAnswer::Appended { seq, is_repeated }) => (seq, is_repeated),
            Ok(_) => return self.turn_down(requester, RoomRefusal::UnknownRoom, now),
            Err(refusal) => return self.turn_down(requester, refusal, now),
        };
        if !is_repeated && let Some(room) = self.rooms.find(&message.room) {
            self.hear_kept(room, message, seq, now);
        }
        match requester {
            Requester::Session(id, request) => {
                self.reply(id, &room_reply::kept(request.as_ref(), seq, message.at));
            }
            Requester::Call(id) => self.bring_call(id, Ok(seq)),
            Requester::Join(..) | Requester::Server => {}
        }
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
