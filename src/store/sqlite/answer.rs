//! Questions about rooms, each to its table.

use std::sync::Arc;

use rusqlite::{Connection, Result};

use super::messages::{self, Touched};
use super::rooms::{self, Known, KnownRoom};
use super::{moderation_log, purges, standings};
use crate::rooms::record::{Change, Changed, MessageChange, RoomAnswer, RoomQuestion};

/// Whether a question changes anything.
pub(super) fn writes(question: &RoomQuestion) -> bool {
    match question {
        RoomQuestion::Known(_) | RoomQuestion::Page { .. } | RoomQuestion::Log { .. } => false,
        RoomQuestion::Create(..)
        | RoomQuestion::Change(_)
        | RoomQuestion::Append(_)
        | RoomQuestion::Read { .. }
        | RoomQuestion::Trim { .. } => true,
    }
}

/// Answers one question inside a transaction.
pub(super) fn answer(
    connection: &Connection,
    known: &mut Known,
    question: &RoomQuestion,
) -> Result<RoomAnswer> {
    match question {
        RoomQuestion::Create(record, entry) => rooms::create(connection, known, record, entry),
        RoomQuestion::Change(asked) => change(connection, known, asked),
        RoomQuestion::Append(message) => in_room(connection, known, &message.room, |room| {
            messages::append(connection, room, message)
        }),
        RoomQuestion::Known(message) => in_room(connection, known, &message.room, |room| {
            messages::known(connection, room.key, message)
        }),
        RoomQuestion::Page {
            room,
            from,
            floor,
            messages_max,
            bytes_max,
        } => in_room(connection, known, room, |room| {
            messages::page(connection, room, (*from, *floor), *messages_max, *bytes_max)
        }),
        RoomQuestion::Log {
            room,
            from,
            entries_max,
        } => moderation_log::page(connection, room, *from, *entries_max),
        RoomQuestion::Read { room, user, seq } => in_room(connection, known, room, |room| {
            standings::read_so_far(connection, room.key, user, *seq)?;
            Ok(RoomAnswer::Read)
        }),
        RoomQuestion::Trim {
            room,
            floor,
            messages_max,
        } => in_room(connection, known, room, |room| {
            messages::trim(connection, room, *floor, *messages_max)
        }),
    }
}

fn in_room(
    connection: &Connection,
    known: &mut Known,
    id: &Arc<str>,
    answer: impl FnOnce(&mut KnownRoom) -> Result<RoomAnswer>,
) -> Result<RoomAnswer> {
    match known.room(connection, id)? {
        Some(room) => answer(room),
        None => Ok(RoomAnswer::Missing),
    }
}

/// Looks whether all of it can be done, then does it.
fn change(connection: &Connection, known: &mut Known, change: &Change) -> Result<RoomAnswer> {
    let Some(room) = known.room(connection, &change.room)? else {
        return Ok(RoomAnswer::Missing);
    };
    let (key, before) = (room.key, room.audit);
    let found = match &change.messages {
        Some(of) => messages::find(connection, room, change, of)?,
        None => Touched::Messages(Vec::new(), None),
    };
    let (found, rest) = match found {
        Touched::Messages(found, rest) => (found, rest),
        Touched::Missing => return Ok(RoomAnswer::Missing),
        Touched::Foreign => return Ok(RoomAnswer::Foreign),
        Touched::Spared => return Ok(RoomAnswer::Spared),
    };
    if let Some(settings) = &change.settings {
        rooms::change(connection, key, settings)?;
    }
    standings::keep(connection, key, &change.standings, change.at)?;
    if let Some(of) = &change.messages {
        messages::change(connection, key, of, &found, change.at)?;
    }
    if let Some(MessageChange::DeleteAllOf { user, is_rest, .. }) = &change.messages {
        if !is_rest {
            // Whoever began one before does not go on with this one.
            purges::note(connection, key, user, None, change.at)?;
        }
        purges::note(connection, key, user, rest, change.at)?;
    }
    if change.is_deletion {
        rooms::delete(connection, key)?;
    }
    let head = match &change.entry {
        Some(entry) => moderation_log::add(connection, &change.room, before, entry)?,
        None => before,
    };
    if change.is_deletion {
        known.forget_room(&change.room);
    } else if let Some(room) = known.room(connection, &change.room)? {
        room.audit = head;
    }
    Ok(RoomAnswer::Changed(Box::new(Changed {
        change: change.clone(),
        head,
        messages: found,
        is_more: rest.is_some(),
    })))
}
