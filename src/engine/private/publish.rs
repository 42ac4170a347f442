//! Words of the system, or of a user whom another program answers for.

use serde::Serialize;

use super::super::Engine;
use super::super::connection::Body;
use super::super::reply::Who;
use super::super::room_work::Requester;
use super::super::work::Come;
use super::{Answer, identity};
use crate::id::ConnectionId;
use crate::protocol::api::Publish;
use crate::protocol::command::v1::Said;
use crate::protocol::problem::Problem;
use crate::time::{Now, Wall};

/// Who speaks when nobody is named. No user can be called so.
const SYSTEM: &str = "System";

#[derive(Serialize)]
struct Published {
    /// The message's number in its room.
    seq: u64,
    /// In seconds since 1970, as the members are told.
    timestamp: f64,
}

impl Engine {
    /// Says something to everybody in a room, as if its author had said it there. `None`: the room keeps its messages, and the answer
    /// comes when this one is kept.
    pub(super) fn publish(
        &mut self,
        id: ConnectionId,
        call: &Body,
        now: Now,
    ) -> Result<Option<Answer>, Problem> {
        let room = &*call.segment;
        // What is kept was judged before, and is told whatever has changed since.
        match self.take_answer(id) {
            Some(Come::Said(seq, at, user)) => return Ok(Some(published(room, &user, seq, at))),
            Some(Come::Kept(Err(refusal))) => return Err(Problem::from(&refusal)),
            _ => {}
        }
        let key = self.known_room(room)?;
        let publish = Publish::parse(&call.bytes, &self.bounds())?;
        let person = match &publish.author {
            None => Who {
                user: SYSTEM.into(),
                name: SYSTEM.into(),
            },
            Some(author) => {
                let identity = identity(author)?;
                Who {
                    user: identity.user,
                    name: identity.name,
                }
            }
        };
        let said = Said::Message(publish.message.as_str().into());
        self.fitting(key, &said)
            .map_err(|refusal| Problem::from(&refusal))?;
        if self.rooms.room(key).lasting.settings.is_durable {
            let said = (&*publish.message, None);
            self.keep_message(Requester::Call(id), &person, key, said, now);
            return Ok(None);
        }
        let seq = self.say_as(&person, key, &publish.message, now);
        Ok(Some(published(room, &person.user, seq, now.wall)))
    }
}

fn published(room: &str, user: &str, seq: u64, at: Wall) -> Answer {
    log::info!("private: published in {room} as {user:?}, seq {seq}");
    Answer::of(&Published {
        seq,
        timestamp: at.as_millis() as f64 / 1000.0,
    })
}
