//! Messages of the tutorial's protocol, for connections without a subprotocol.
//!
//! Fields it does not know are ignored for its clients' sake, but the text must be JSON all the same.

use std::borrow::Cow;

use super::{Bounds, CommandError, Field, ROOM_ID_BYTES_MAX, check_message};
use crate::protocol::json::{self, Scalar};

#[cfg(test)]
mod tests;

/// What a client over its message rate is told.
pub const RATE_LIMITED: &str = "Rate limit exceeded. Please wait before sending more messages.";

/// Something a client says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TutorialMessage<'a> {
    pub message: Cow<'a, str>,
    /// `None`: the lobby. Otherwise 1 to 64 ASCII letters and digits.
    pub room: Option<Cow<'a, str>>,
}

/// Reads one text message.
///
/// # Errors
/// The first that applies: what [`json::parse_object`] refuses; the message; the room.
pub fn parse<'a>(text: &'a str, bounds: &Bounds) -> Result<TutorialMessage<'a>, CommandError> {
    let mut object = json::parse_object(text).map_err(|rejected| rejected.error)?;
    let message = match object.take(Field::Message.name()) {
        None => return Err(CommandError::MessageEmpty),
        Some(Scalar::Str(message)) => message,
        Some(_) => return Err(CommandError::WrongType(Field::Message)),
    };
    check_message(&message, bounds)?;
    let room = match object.take(Field::RoomId.name()) {
        None | Some(Scalar::Null) => None,
        Some(Scalar::Str(room)) if is_tutorial_room_id(&room) => Some(room),
        Some(Scalar::Str(_)) => return Err(CommandError::InvalidRoom(Field::RoomId)),
        Some(_) => return Err(CommandError::WrongType(Field::RoomId)),
    };
    Ok(TutorialMessage { message, room })
}

fn is_tutorial_room_id(text: &str) -> bool {
    (1..=ROOM_ID_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// `error` in the words of the tutorial, whose clients may compare them.
pub fn text(error: CommandError) -> Cow<'static, str> {
    Cow::Borrowed(match error {
        CommandError::MessageEmpty | CommandError::MissingField(_) => "Message cannot be empty",
        CommandError::MessageTooLong { characters_max } => {
            return format!("Message too long (max {characters_max} characters)").into();
        }
        CommandError::InvalidRoom(_) | CommandError::WrongType(Field::Room | Field::RoomId) => {
            "Room ID must be alphanumeric"
        }
        CommandError::WrongType(_) => "Message must be a string",
        CommandError::InvalidCharacters(_) => "Message contains control characters",
        CommandError::InvalidJson
        | CommandError::TooDeep
        | CommandError::NotAnObject
        | CommandError::TooManyFields
        | CommandError::DuplicateField(_)
        | CommandError::InvalidId
        | CommandError::MissingType
        | CommandError::UnknownType
        | CommandError::UnknownField(_)
        | CommandError::InvalidValue(_)
        | CommandError::TooLong { .. }
        | CommandError::ConflictingFields(_) => "Invalid JSON format",
    })
}
