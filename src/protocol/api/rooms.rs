//! Bodies of requests that make and change rooms: the fields are those of the requests of `wardroom.v1`.

use std::borrow::Cow;

use crate::protocol::command::rooms::{RoomCommand, RoomPatch};
use crate::protocol::command::{Bounds, CommandError, Field, is_room_id, v1};
use crate::protocol::json::{self, JsonError, Object, Scalar};
use crate::protocol::name;
use crate::protocol::problem::Problem;

/// What the operator may do to a room: requests of `wardroom.v1` that are not about whoever asks.
pub const ACTIONS: [&str; 15] = [
    "update",
    "archive",
    "delete",
    "affiliate",
    "invite",
    "withdraw",
    "approve",
    "kick",
    "ban",
    "unban",
    "mute",
    "unmute",
    "delete_message",
    "purge",
    "raid",
];

/// Make a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRoom<'a> {
    /// Satisfies [`is_room_id`].
    pub room: Cow<'a, str>,
    /// Who owns it, and counts as who made it.
    pub owner: Cow<'a, str>,
    pub settings: Box<RoomPatch<'a>>,
}

/// Change a room, or how somebody stands to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomChange<'a> {
    /// One of [`ACTIONS`].
    pub action: &'static str,
    pub command: RoomCommand<'a>,
}

impl<'a> NewRoom<'a> {
    /// # Errors
    /// [`Problem::InvalidJson`], [`Problem::InvalidField`].
    pub fn parse(body: &'a [u8], bounds: &Bounds) -> Result<NewRoom<'a>, Problem> {
        let mut object = object(body)?;
        let room = string(&mut object, "room")?
            .filter(|room| is_room_id(room))
            .ok_or_else(|| {
                let error = CommandError::InvalidRoom(Field::Room);
                Problem::field("room", error.text())
            })?;
        let owner = string(&mut object, "owner")?
            .filter(|owner| name::is_user(owner))
            .ok_or_else(|| {
                let error = CommandError::InvalidValue(Field::User);
                Problem::field("owner", error.text())
            })?;
        match v1::parse_about_room("create", object, bounds)? {
            RoomCommand::Create(settings) => Ok(NewRoom {
                room,
                owner,
                settings,
            }),
            _ => Err(Problem::NoSuchRoute),
        }
    }
}

impl<'a> RoomChange<'a> {
    /// # Errors
    /// [`Problem::InvalidJson`], [`Problem::InvalidField`].
    pub fn parse(body: &'a [u8], bounds: &Bounds) -> Result<RoomChange<'a>, Problem> {
        let mut object = object(body)?;
        let wanted = string(&mut object, "action")?;
        let action = ACTIONS
            .into_iter()
            .find(|action| Some(*action) == wanted.as_deref())
            .ok_or_else(|| Problem::field("action", format!("one of {}", ACTIONS.join(", "))))?;
        let command = v1::parse_about_room(action, object, bounds)?;
        Ok(RoomChange { action, command })
    }
}

fn object(body: &[u8]) -> Result<Object<'_>, Problem> {
    let text = std::str::from_utf8(body).map_err(|_| Problem::InvalidJson(JsonError::Syntax))?;
    json::parse_object(text).map_err(|rejected| Problem::InvalidJson(rejected.error))
}

fn string<'a>(
    object: &mut Object<'a>,
    name: &'static str,
) -> Result<Option<Cow<'a, str>>, Problem> {
    match object.take(name) {
        None => Ok(None),
        Some(Scalar::Str(text)) => Ok(Some(text)),
        Some(_) => Err(Problem::field(name, "a string")),
    }
}
