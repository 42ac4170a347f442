//! What is kept of rooms in the words of the protocol.

use bytes::Bytes;

use crate::protocol::command::v1::RequestId;
use crate::protocol::notice::rooms::{
    Description, Gap, HistoryReply, JoinReply, LogEntry, LogHead, LogReply, Moderated,
};
use crate::protocol::notice::{Content, Message, Notice, OkReply, Person};
use crate::protocol::websocket::text_frame;
use crate::rooms::Room;
use crate::rooms::audit::Entry;
use crate::rooms::record::{Head, MessageRecord, NewMessage};
use crate::time::Wall;

/// A room, to be described.
pub(super) struct Described<'a>(pub(super) &'a Room);

impl<'a> Described<'a> {
    /// As it is for everybody who reads it, but for how they stand to it.
    pub(super) fn at(&self, now: Wall) -> Description<'a> {
        let room = self.0;
        let settings = &room.lasting.settings;
        let millis =
            |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Description {
            room: room.name(),
            name: &settings.name,
            topic: &settings.topic,
            kind: settings.kind,
            join_rule: settings.join_rule,
            created_by: &room.lasting.created_by,
            created: room.lasting.created,
            is_ephemeral: !settings.is_durable,
            is_locked: settings.is_locked,
            is_archived: settings.is_archived,
            raid_until: settings.raid_until.filter(|until| now < *until),
            slow_mode_ms: millis(settings.slow_mode),
            cooldown_ms: millis(settings.cooldown),
            message_characters_max: settings.message_characters_max.into(),
            members_max: settings.members_max.into(),
            retention_messages: settings.retention_messages.into(),
            retention_ms: millis(settings.retention),
            messages_per_minute: settings.messages_per_minute.into(),
            messages_per_minute_per_member: settings.messages_per_minute_per_member.into(),
            bytes_per_second: settings.bytes_per_second.into(),
            joins_per_minute: settings.joins_per_minute.into(),
            count: Some(room.members().len() as u64),
            last_seq: Some(room.last_sequence()),
            yours: None,
        }
    }
}

/// The reply to a `send` whose message is kept.
pub(super) fn kept<'a>(id: Option<&'a RequestId<'a>>, seq: u64, at: Wall) -> Notice<'a> {
    Notice::Ok(OkReply {
        id,
        seq: Some(seq),
        timestamp: Some(at),
        ..OkReply::default()
    })
}

/// Text, or what a private room has in its place.
pub(super) fn content(text: &str, is_opaque: bool) -> Content<'_> {
    if is_opaque {
        Content::Body(text)
    } else {
        Content::Text(text)
    }
}

/// A message that was just kept.
pub(super) fn message_of<'a>(
    room: &'a str,
    message: &'a NewMessage,
    seq: u64,
    is_opaque: bool,
) -> Notice<'a> {
    Notice::Message(Message {
        room,
        seq,
        sender: Person {
            user: &message.sender,
            name: &message.name,
        },
        content: content(&message.text, is_opaque),
        timestamp: message.at,
        edited: None,
    })
}

fn stored<'a>(room: &'a str, record: &'a MessageRecord, is_opaque: bool) -> Message<'a> {
    Message {
        room,
        seq: record.seq,
        sender: Person {
            user: &record.sender,
            name: &record.name,
        },
        content: match record.deleted {
            Some(deleted) => Content::Deleted(deleted),
            None => content(&record.text, is_opaque),
        },
        timestamp: record.at,
        edited: record.edited,
    }
}

/// The reply to `history`.
pub(super) fn history(
    id: Option<&RequestId<'_>>,
    (room, is_opaque): (&str, bool),
    records: &[MessageRecord],
    (first_seq, last_seq): (u64, u64),
    is_truncated: bool,
) -> Bytes {
    let messages: Vec<_> = records
        .iter()
        .map(|record| stored(room, record, is_opaque))
        .collect();
    frame(&Notice::History(HistoryReply {
        id,
        room,
        messages: &messages,
        first_seq,
        last_seq,
        is_truncated,
    }))
}

/// The reply to a `join` with `since`, and what was missed behind it.
pub(super) fn entered(
    id: Option<&RequestId<'_>>,
    (room, is_opaque): (&str, bool),
    last_seq: u64,
    gap: Option<Gap>,
    missed: &[&MessageRecord],
) -> Bytes {
    let entered = Notice::Entered(JoinReply {
        id,
        room,
        last_seq,
        gap,
    });
    let mut frames = frame(&entered).to_vec();
    for record in missed {
        frames.extend_from_slice(&frame(&Notice::Message(stored(room, record, is_opaque))));
    }
    Bytes::from(frames)
}

/// The reply to `log`.
pub(super) fn log(
    id: Option<&RequestId<'_>>,
    room: &str,
    entries: &[(Head, Entry)],
    last: Head,
) -> Bytes {
    let entries: Vec<_> = entries
        .iter()
        .map(|(head, entry)| log_entry(*head, entry))
        .collect();
    frame(&Notice::Log(LogReply {
        id,
        room,
        entries: &entries,
        head: log_head(last),
    }))
}

fn log_head(head: Head) -> LogHead {
    LogHead {
        number: head.number,
        hash: head.digest,
    }
}

fn log_entry(head: Head, entry: &Entry) -> LogEntry<'_> {
    LogEntry {
        head: log_head(head),
        at: entry.at,
        actor: &entry.actor,
        authority: entry.authority.word(),
        action: &entry.action,
        target: &entry.target,
        seq: entry.seq,
        until: entry.until,
        reason: &entry.reason,
        details: &entry.details,
    }
}

/// What stands in the log, for those it concerns.
pub(super) fn moderated<'a>(room: &'a str, number: u64, entry: &'a Entry) -> Notice<'a> {
    Notice::Moderation(Moderated {
        room,
        number,
        action: &entry.action,
        actor: &entry.actor,
        user: &entry.target,
        seq: entry.seq,
        until: entry.until,
        reason: &entry.reason,
        details: &entry.details,
        timestamp: entry.at,
    })
}

/// A notice of the full protocol as a frame.
pub(super) fn frame(notice: &Notice<'_>) -> Bytes {
    text_frame(|out| notice.write_v1(out))
}
