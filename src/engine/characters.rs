//! How many characters a message may have: what the operator allows, in earnest or rehearsed, and what the owners of a room do.

use super::Engine;
use super::reply::Complaint;
use crate::id::{ConnectionId, RoomKey, UserKey};
use crate::limit::{Glitch, Scope};
use crate::protocol::command::rooms::RoomCommand;
use crate::protocol::command::v1::{Command, RequestId, Said};
use crate::protocol::command::{Bounds, CommandError};
use crate::protocol::refusal::RoomRefusal;
use crate::time::Now;

const CHARACTERS: &str = "message_characters_max";

impl Engine {
    /// The operator's bounds on messages.
    pub(super) fn bounds(&self) -> Bounds {
        Bounds {
            message_characters_max: self.config.limits.message_characters_max,
            body_bytes_max: self.config.limits.message_bytes_max,
        }
    }

    /// The same for people, who may say more while that is rehearsed.
    pub(super) fn bounds_of_people(&self) -> Bounds {
        Bounds {
            message_characters_max: self.config.limits.message_characters_taken(),
            ..self.bounds()
        }
    }

    /// Takes note of a message that is taken because the limit is rehearsed, and would not be in earnest.
    pub(super) fn overlook_length(&mut self, id: ConnectionId, text: &str, now: Now) {
        let characters_max = self.config.limits.message_characters_max;
        // As where it is parsed: most messages need no count.
        if text.len() > characters_max && text.chars().count() > characters_max {
            self.overlooks(id, CHARACTERS, Scope::Connection, now);
        }
    }

    /// Answers a text that is no command. It costs more than one, and by its own name the limit is counted that it is too long for.
    pub(super) fn object_to_invalid(
        &mut self,
        id: ConnectionId,
        user: UserKey,
        request: Option<RequestId<'_>>,
        error: CommandError,
        now: Now,
    ) {
        if let CommandError::MessageTooLong { .. } = error {
            let scope = Scope::Connection.as_str();
            self.counters.limited.count_pair([CHARACTERS, scope]);
        }
        self.charge_invalid(user, now);
        self.charge_glitches(id, Glitch::Malformed.points(), now);
        self.object(id, &Complaint::invalid(request, error), now);
    }

    /// What is said, if the room takes such things.
    pub(super) fn fitting<'s>(
        &mut self,
        room: RoomKey,
        said: &'s Said<'_>,
    ) -> Result<&'s str, RoomRefusal> {
        let room = self.rooms.room(room);
        let (text, is_opaque) = match said {
            Said::Message(text) => (text, false),
            Said::Body(body) => (body, true),
        };
        match (is_opaque, room.is_opaque()) {
            (false, true) => return Err(RoomRefusal::BodyRequired),
            (true, false) => return Err(RoomRefusal::MessageRequired),
            _ => {}
        }
        let characters_max = room.lasting.settings.message_characters_max;
        if characters_max > 0 && text.chars().count() > characters_max as usize {
            return self.count_room_limit(Err(RoomRefusal::MessageTooLong { characters_max }));
        }
        Ok(text)
    }
}

/// What a command has everybody read, unless it is enciphered.
pub(super) fn message_of<'c>(command: &'c Command<'_>) -> Option<&'c str> {
    match command {
        Command::Send { said, .. }
        | Command::Room {
            command: RoomCommand::Edit { said, .. },
            ..
        } => match said {
            Said::Message(text) => Some(text),
            Said::Body(_) => None,
        },
        _ => None,
    }
}
