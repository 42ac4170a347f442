//! Notices in the tutorial's protocol: what somebody or [`SYSTEM_SENDER`] says, and errors.

use super::encode::ObjectText;
use super::{ErrorReply, Notice};
use crate::time::Wall;

/// The sender of the server's own notices; nobody may be called so.
const SYSTEM_SENDER: &str = "System";

pub(super) fn write(notice: &Notice<'_>, out: &mut Vec<u8>) -> bool {
    let saying = match notice {
        Notice::Message(message) => Saying {
            sender: message.sender.name,
            words: &[message.message],
            timestamp: message.timestamp,
            room: Some(message.room),
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
        Notice::Error(reply) => {
            write_error(reply, out);
            return true;
        }
        Notice::Ok(_)
        | Notice::Members(_)
        | Notice::Typing(_)
        | Notice::Hello(_)
        | Notice::Bye(_) => return false,
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
