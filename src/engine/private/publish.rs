//! Words of the system, or of a user whom another program answers for.

use serde::Serialize;

use super::super::Engine;
use super::super::reply::Who;
use super::{Answer, identity};
use crate::protocol::api::Publish;
use crate::protocol::problem::Problem;
use crate::time::Now;

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
    /// Says something to everybody in a room, as if its author had said it there.
    pub(super) fn publish(&mut self, room: &str, body: &[u8], now: Now) -> Result<Answer, Problem> {
        let key = self.known_room(room)?;
        let publish = Publish::parse(body, &self.bounds())?;
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
        let seq = self.say_as(&person, key, &publish.message, now);
        log::info!(
            "private: published in {room} as {:?}, seq {seq}",
            person.user
        );
        Ok(Answer::of(&Published {
            seq,
            timestamp: now.wall.as_millis() as f64 / 1000.0,
        }))
    }
}
