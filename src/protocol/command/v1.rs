//! Commands of the subprotocol `wardroom.v1`.
//!
//! Whatever the grammar does not name is refused.

use std::borrow::Cow;

use super::rooms::{NUMBER_MAX, RoomCommand};
use super::{Bounds, CommandError, Field, REQUEST_ID_BYTES_MAX};
use crate::protocol::json::{self, Object, Rejected, Scalar};
use fields::{Fields, required};

mod fields;
mod rooms;
mod shapes;
#[cfg(test)]
mod tests;

pub use shapes::{COMMANDS, Shape};

/// What a client may call a request; its one reply repeats it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestId<'a> {
    Integer(i64),
    /// At most [`REQUEST_ID_BYTES_MAX`] bytes; may be empty.
    Text(Cow<'a, str>),
}

impl RequestId<'_> {
    /// The same for an answer that takes longer than the request is there.
    pub fn into_owned(self) -> RequestId<'static> {
        match self {
            RequestId::Integer(id) => RequestId::Integer(id),
            RequestId::Text(id) => RequestId::Text(Cow::Owned(id.into_owned())),
        }
    }
}

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said<'a> {
    /// Text for people.
    Message(Cow<'a, str>),
    /// Bytes that the server does not look into, in base64url: what private rooms take.
    Body(Cow<'a, str>),
}

/// Something a client asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request<'a> {
    pub id: Option<RequestId<'a>>,
    pub command: Command<'a>,
}

/// What is asked. Rooms satisfy [`is_room_id`](super::is_room_id); whether they exist is not known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command<'a> {
    /// Say something in `room`.
    Send {
        room: Cow<'a, str>,
        said: Said<'a>,
        /// The same again from the same user is the same message. At most [`CLIENT_KEY_BYTES_MAX`] bytes.
        key: Option<Cow<'a, str>>,
    },
    Join {
        room: Cow<'a, str>,
        /// The latest message that the client has: what came after it is told first.
        since: Option<u64>,
    },
    Leave {
        room: Cow<'a, str>,
    },
    /// List who is in `room`.
    Members {
        room: Cow<'a, str>,
    },
    /// Tell the members of `room` that this user is writing.
    Typing {
        room: Cow<'a, str>,
    },
    /// Go on with `token`, which is newer than the credential that opened the connection. Of any length: it is judged elsewhere.
    Refresh {
        token: Cow<'a, str>,
    },
    /// Ask for the server's time.
    Ping,
    /// List the rooms that the asker may see, from the one after `after` on.
    Rooms {
        after: Option<Cow<'a, str>>,
        limit: Option<u64>,
    },
    /// Something about one room itself.
    Room {
        room: Cow<'a, str>,
        command: RoomCommand<'a>,
    },
}

impl Command<'_> {
    /// The room that it is about.
    pub fn room(&self) -> Option<&str> {
        match self {
            Command::Send { room, .. }
            | Command::Join { room, .. }
            | Command::Leave { room }
            | Command::Members { room }
            | Command::Typing { room }
            | Command::Room { room, .. } => Some(room),
            Command::Refresh { .. } | Command::Ping | Command::Rooms { .. } => None,
        }
    }
}

/// Longest `key` of a `send`, in bytes once escapes are resolved.
pub const CLIENT_KEY_BYTES_MAX: usize = 64;

/// A request that was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused<'a> {
    /// The request's id, when it could be read without doubt.
    pub id: Option<RequestId<'a>>,
    pub error: CommandError,
}

/// Reads one text message as a request.
///
/// # Errors
/// The first that applies: what [`json::parse_object`] refuses; a bad `id`; a missing, mistyped or unknown
/// `type`; then the command's fields in the order of [`COMMANDS`]; last, fields that the command does not have.
pub fn parse<'a>(text: &'a str, bounds: &Bounds) -> Result<Request<'a>, Refused<'a>> {
    let mut object = json::parse_object(text).map_err(refused)?;
    let id = match object.take(Field::Id.name()) {
        None => None,
        Some(value) => match request_id(value) {
            Some(id) => Some(id),
            None => {
                return Err(Refused {
                    id: None,
                    error: CommandError::InvalidId,
                });
            }
        },
    };
    match command(object, bounds) {
        Ok(command) => Ok(Request { id, command }),
        Err(error) => Err(Refused { id, error }),
    }
}

/// Reads what is asked of a room, where `kind` and the room are said elsewhere than in these fields.
///
/// # Errors
/// As [`parse`]; [`CommandError::UnknownType`] where there is no such request about a room.
pub(in crate::protocol) fn parse_about_room<'a>(
    kind: &str,
    mut object: Object<'a>,
    bounds: &Bounds,
) -> Result<RoomCommand<'a>, CommandError> {
    let command = rooms::read(kind, &mut Fields::new(&mut object, bounds))?;
    let command = command.ok_or(CommandError::UnknownType)?;
    expect_no_more(&object)?;
    Ok(command)
}

fn refused(rejected: Rejected<'_>) -> Refused<'_> {
    let Rejected { error, mut read } = rejected;
    let mut error = CommandError::from(error);
    if let CommandError::DuplicateField(at) = &mut error {
        *at = repeated_field(&read);
    }
    Refused {
        id: read.take(Field::Id.name()).and_then(request_id),
        error,
    }
}

fn repeated_field(object: &Object<'_>) -> Option<Field> {
    object
        .fields()
        .filter(|(_, value)| **value == Scalar::Repeated)
        .find_map(|(name, _)| Field::named(name))
}

fn request_id(value: Scalar<'_>) -> Option<RequestId<'_>> {
    match value {
        Scalar::Int(id) => Some(RequestId::Integer(id)),
        Scalar::Str(id) if id.len() <= REQUEST_ID_BYTES_MAX => Some(RequestId::Text(id)),
        Scalar::Str(_)
        | Scalar::Number
        | Scalar::Bool(_)
        | Scalar::Null
        | Scalar::Array
        | Scalar::Object
        | Scalar::Repeated => None,
    }
}

fn command<'a>(mut object: Object<'a>, bounds: &Bounds) -> Result<Command<'a>, CommandError> {
    let kind = match object.take(Field::Type.name()) {
        None => return Err(CommandError::MissingType),
        Some(Scalar::Str(kind)) => kind,
        Some(_) => return Err(CommandError::WrongType(Field::Type)),
    };
    let command = read(&kind, &mut Fields::new(&mut object, bounds))?;
    expect_no_more(&object)?;
    Ok(command)
}

fn expect_no_more(object: &Object<'_>) -> Result<(), CommandError> {
    match object.fields().next() {
        None => Ok(()),
        Some((name, _)) => Err(CommandError::UnknownField(Field::named(name))),
    }
}

fn read<'a>(kind: &str, fields: &mut Fields<'a, '_>) -> Result<Command<'a>, CommandError> {
    Ok(match kind {
        "send" => Command::Send {
            room: fields.room()?,
            said: fields.said()?,
            key: fields.key()?,
        },
        "join" => Command::Join {
            room: fields.room()?,
            since: fields.number(Field::Since, 0, NUMBER_MAX)?,
        },
        "leave" => Command::Leave {
            room: fields.room()?,
        },
        "members" => Command::Members {
            room: fields.room()?,
        },
        "typing" => Command::Typing {
            room: fields.room()?,
        },
        "refresh" => Command::Refresh {
            token: required(fields.string(Field::Token)?, Field::Token)?,
        },
        "ping" => Command::Ping,
        "rooms" => Command::Rooms {
            after: fields.room_id(Field::After)?,
            limit: rooms::limit(fields)?,
        },
        // Looked up first, so that what is no command is told before its fields are.
        _ if COMMANDS.iter().any(|shape| shape.name == kind) => {
            let room = fields.room()?;
            let command = rooms::read(kind, fields)?.ok_or(CommandError::UnknownType)?;
            Command::Room { room, command }
        }
        _ => return Err(CommandError::UnknownType),
    })
}
