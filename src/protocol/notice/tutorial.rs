//! Notices in the tutorial's protocol: what somebody or [`SYSTEM_SENDER`] says, and errors.

use super::encode::ObjectText;
use super::{Content, ErrorReply, Message, Notice};
use crate::time::Wall;

#[cfg(test)]
mod tests;

/// The sender of the server's own notices; nobody may be called so.
const SYSTEM_SENDER: &str = "System";

pub(super) fn write(notice: &Notice<'_>, out: &mut Vec<u8>) -> bool {
    let saying = match notice {
        Notice::Message(Message {
            content: Content::Text(words),
            room,
            sender,
            timestamp,
            ..
        }) => Saying {
            sender: sender.name,
            words: &[words],
            timestamp: *timestamp,
            room: Some(room),
        },
        Notice::Joined(joined) => Saying {
            sender: SYSTEM_SENDER,
            words: &["User ", joined.person.name, " has joined the chat."],
            timestamp: joined.timestamp,
            room: Some(joined.room),
        },
        Notice::Left(left) => Saying {
            sender: SYSTEM_SENDER,
            words: &["User ", left.person.name, " has left the chat."],
            timestamp: left.timestamp,
            room: Some(left.room),
        },
        Notice::Announcement(announcement) => Saying {
            sender: SYSTEM_SENDER,
            words: &[announcement.message],
            timestamp: announcement.timestamp,
            room: announcement.room,
        },
        Notice::Removed(removed) => Saying {
            sender: SYSTEM_SENDER,
            words: &[
                "You are not in this room any more: ",
                removed.code.word(),
                ".",
            ],
            timestamp: removed.timestamp,
            room: Some(removed.room),
        },
        Notice::Error(reply) => {
            write_error(reply, out);
            return true;
        }
        _ => return false,
    };
    saying.write(out);
    true
}

/// The one shape besides errors.
struct Saying<'a> {
    sender: &'a str,
    /// One text, in parts.
    words: &'a [&'a str],
    timestamp: Wall,
    room: Option<&'a str>,
}

impl Saying<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let mut text = ObjectText::begin(out);
        text.string("sender", self.sender)
            .strings("message", self.words)
            .timestamp(self.timestamp)
            .optional_string("room_id", self.room);
        text.end();
    }
}

fn write_error(reply: &ErrorReply<'_>, out: &mut Vec<u8>) {
    let mut text = ObjectText::begin(out);
    text.string("error", reply.error)
        .string("code", reply.code)
        .optional_string("limit", reply.limit)
        .optional_string("scope", reply.scope)
        .optional_unsigned("retry_after_ms", reply.retry_after_ms);
    text.end();
}
