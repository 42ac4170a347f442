//! Requests about a room itself: each reads its fields in the order of [`COMMANDS`](super::COMMANDS).

use std::borrow::Cow;

use super::fields::{Fields, required};
use crate::protocol::command::rooms::{
    NUMBER_MAX, Place, ROOM_NAME_BYTES_MAX, RoomCommand, RoomPatch, SANCTION_MS_MAX,
    TOPIC_BYTES_MAX,
};
use crate::protocol::command::{CommandError, Field};
use crate::protocol::name;
use crate::protocol::vocabulary::{Affiliation, JoinRule, RoomKind};

/// What is asked of a room, whose id was read; `None`: there is no such command.
pub(super) fn read<'a>(
    kind: &str,
    fields: &mut Fields<'a, '_>,
) -> Result<Option<RoomCommand<'a>>, CommandError> {
    Ok(Some(match kind {
        "create" => RoomCommand::Create(Box::new(patch(fields, true)?)),
        "describe" => RoomCommand::Describe,
        "update" => RoomCommand::Update(Box::new(patch(fields, false)?)),
        "archive" => RoomCommand::Archive {
            archived: required(fields.boolean(Field::Archived)?, Field::Archived)?,
        },
        "delete" => RoomCommand::Delete,
        "history" => RoomCommand::History {
            from: place(fields)?,
            limit: limit(fields)?,
        },
        "edit" => RoomCommand::Edit {
            seq: fields.seq()?,
            said: fields.said()?,
        },
        "delete_message" => RoomCommand::DeleteMessage {
            seq: fields.seq()?,
            reason: fields.reason()?,
        },
        "seen" => RoomCommand::Seen { seq: fields.seq()? },
        "knock" => RoomCommand::Knock,
        "resign" => RoomCommand::Resign,
        "raid" => RoomCommand::Raid {
            for_ms: required(time(fields, 0)?, Field::ForMs)?,
        },
        "explain" => RoomCommand::Explain {
            user: fields.optional_user()?,
        },
        "log" => RoomCommand::Log {
            from: place(fields)?,
            limit: limit(fields)?,
        },
        _ => return about_somebody(kind, fields),
    }))
}

/// What is done to a user.
fn about_somebody<'a>(
    kind: &str,
    fields: &mut Fields<'a, '_>,
) -> Result<Option<RoomCommand<'a>>, CommandError> {
    Ok(Some(match kind {
        "invite" => RoomCommand::Invite {
            user: fields.user()?,
        },
        "withdraw" => RoomCommand::Withdraw {
            user: fields.user()?,
        },
        "approve" => RoomCommand::Approve {
            user: fields.user()?,
        },
        "affiliate" => RoomCommand::Affiliate {
            user: fields.user()?,
            affiliation: required(
                fields.word(Field::Affiliation, affiliation)?,
                Field::Affiliation,
            )?,
        },
        "transfer" => RoomCommand::Transfer {
            user: fields.user()?,
        },
        "purge" => RoomCommand::Purge {
            user: fields.user()?,
            reason: fields.reason()?,
        },
        "kick" => RoomCommand::Kick {
            user: fields.user()?,
            reason: fields.reason()?,
        },
        "ban" => RoomCommand::Ban {
            user: fields.user()?,
            for_ms: time(fields, 1)?,
            reason: fields.reason()?,
        },
        "unban" => RoomCommand::Unban {
            user: fields.user()?,
        },
        "mute" => RoomCommand::Mute {
            user: fields.user()?,
            for_ms: time(fields, 1)?,
            reason: fields.reason()?,
        },
        "unmute" => RoomCommand::Unmute {
            user: fields.user()?,
        },
        _ => return Ok(None),
    }))
}

/// How many rooms, messages or entries are wanted at most.
pub(super) fn limit(fields: &mut Fields<'_, '_>) -> Result<Option<u64>, CommandError> {
    fields.number(Field::Limit, 1, NUMBER_MAX)
}

fn place(fields: &mut Fields<'_, '_>) -> Result<Place, CommandError> {
    let after = fields.number(Field::After, 0, NUMBER_MAX)?;
    let before = fields.number(Field::Before, 0, NUMBER_MAX)?;
    match (after, before) {
        (Some(_), Some(_)) => Err(CommandError::ConflictingFields(Field::Before)),
        (Some(after), None) => Ok(Place::After(after)),
        (None, Some(before)) => Ok(Place::Before(before)),
        (None, None) => Ok(Place::End),
    }
}

fn time(fields: &mut Fields<'_, '_>, min: u64) -> Result<Option<u64>, CommandError> {
    fields.number(Field::ForMs, min, SANCTION_MS_MAX)
}

/// One that can be given: whoever is banned is banned by `ban`.
fn affiliation(word: &str) -> Option<Affiliation> {
    Affiliation::from_word(word).filter(|affiliation| *affiliation != Affiliation::Banned)
}

fn patch<'a>(fields: &mut Fields<'a, '_>, is_new: bool) -> Result<RoomPatch<'a>, CommandError> {
    Ok(RoomPatch {
        kind: fields.word(Field::Kind, RoomKind::from_word)?,
        join_rule: fields.word(Field::JoinRule, JoinRule::from_word)?,
        name: room_name(fields)?,
        topic: fields.words(Field::Topic, TOPIC_BYTES_MAX)?,
        ephemeral: if is_new {
            fields.boolean(Field::Ephemeral)?
        } else {
            None
        },
        locked: fields.boolean(Field::Locked)?,
        slow_mode_ms: fields.number(Field::SlowModeMs, 0, SANCTION_MS_MAX)?,
        cooldown_ms: fields.number(Field::CooldownMs, 0, SANCTION_MS_MAX)?,
        message_characters_max: fields.small(Field::MessageCharactersMax)?,
        members_max: fields.small(Field::MembersMax)?,
        retention_messages: fields.small(Field::RetentionMessages)?,
        retention_ms: fields.number(Field::RetentionMs, 0, NUMBER_MAX)?,
        messages_per_minute: fields.small(Field::MessagesPerMinute)?,
        messages_per_minute_per_member: fields.small(Field::MessagesPerMinutePerMember)?,
        bytes_per_second: fields.small(Field::BytesPerSecond)?,
        joins_per_minute: fields.small(Field::JoinsPerMinute)?,
    })
}

/// Empty: the room's id is its name again.
fn room_name<'a>(fields: &mut Fields<'a, '_>) -> Result<Option<Cow<'a, str>>, CommandError> {
    match fields.words(Field::Name, ROOM_NAME_BYTES_MAX)? {
        Some(text) if !text.is_empty() && !name::is_room_name(&text) => {
            Err(CommandError::InvalidValue(Field::Name))
        }
        text => Ok(text),
    }
}
