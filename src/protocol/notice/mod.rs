//! What clients are told: typed notices and replies to JSON text, in either protocol.
//!
//! Decides nothing: who is told what, and when, is the engine's. One frame costs at most one allocation,
//! the caller's buffer.

use super::command::v1::RequestId;
use crate::config::{Limits, Rate};
use crate::time::Wall;

mod encode;

#[cfg(test)]
mod tests;

use encode::{ObjectText, push_string};

/// The sender of the tutorial protocol's own notices; nobody may be called so.
pub const SYSTEM_SENDER: &str = "System";

/// Something to tell a client. Absent options are left out of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice<'a> {
    /// A request was done.
    Ok {
        id: Option<&'a RequestId<'a>>,
        room: Option<&'a str>,
        /// The number of the message just sent.
        seq: Option<u64>,
        timestamp: Option<Wall>,
    },
    /// A `members` request was done.
    Members {
        id: Option<&'a RequestId<'a>>,
        room: &'a str,
        /// Those listed.
        members: &'a [Person<'a>],
        /// Everybody in the room, listed or not.
        count: u64,
    },
    /// A request was not done.
    Error(ErrorReply<'a>),
    /// Somebody said something.
    Message {
        room: &'a str,
        seq: u64,
        sender: Person<'a>,
        message: &'a str,
        timestamp: Wall,
    },
    Joined {
        room: &'a str,
        person: Person<'a>,
        timestamp: Wall,
    },
    Left {
        room: &'a str,
        person: Person<'a>,
        timestamp: Wall,
    },
    /// Somebody is writing.
    Typing { room: &'a str, person: Person<'a> },
    /// Words of the server to everybody (`room` absent) or to a room.
    Announcement {
        room: Option<&'a str>,
        message: &'a str,
        timestamp: Wall,
    },
    /// First on every connection.
    Hello(Hello<'a>),
    /// Last before the close frame.
    Bye {
        /// The close code that follows (RFC 6455 §7.4).
        code: u16,
        reason: &'a str,
        /// Absent: do not come back by yourself.
        reconnect_after_ms: Option<u64>,
    },
}

/// Who somebody is to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person<'a> {
    /// The stable identifier.
    pub user: &'a str,
    /// The name to show.
    pub name: &'a str,
}

/// Why a request was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorReply<'a> {
    pub id: Option<&'a RequestId<'a>>,
    /// Stable, for programs.
    pub code: &'static str,
    /// One sentence for people, in the words of the protocol it is written in.
    pub error: &'a str,
    /// The field at fault.
    pub field: Option<&'static str>,
    /// The limit that was reached, by its name in the configuration.
    pub limit: Option<&'a str>,
    /// Whose limit it is.
    pub scope: Option<&'static str>,
    pub retry_after_ms: Option<u64>,
}

/// What a client needs to know at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hello<'a> {
    pub person: Person<'a>,
    /// The room that was joined on connect.
    pub lobby: &'a str,
    /// The rooms that exist for everybody, the lobby included.
    pub rooms: &'a [&'a str],
    pub limits: HelloLimits,
    pub timestamp: Wall,
    /// Until the credential expires; absent: it does not.
    pub expires_in_ms: Option<u64>,
}

/// The limits that a well-behaved client keeps by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HelloLimits {
    /// Messages of the user, over all connections.
    pub messages: Rate,
    /// In Unicode scalar values.
    pub message_characters_max: usize,
    /// Of the whole JSON text.
    pub message_bytes_max: usize,
    pub connections_per_user: usize,
    pub rooms_per_connection_max: usize,
}

impl From<&Limits> for HelloLimits {
    fn from(limits: &Limits) -> Self {
        HelloLimits {
            messages: limits.messages_per_user,
            message_characters_max: limits.message_characters_max,
            message_bytes_max: limits.message_bytes_max,
            connections_per_user: limits.connections_per_user,
            rooms_per_connection_max: limits.rooms_per_connection_max,
        }
    }
}

impl Notice<'_> {
    /// Every `type` that [`Notice::write_v1`] writes.
    pub const TYPES: [&'static str; 9] = [
        "ok", "error", "message", "joined", "left", "typing", "notice", "hello", "bye",
    ];

    /// Appends the text of `wardroom.v1` to `out`.
    pub fn write_v1(&self, out: &mut Vec<u8>) {
        let mut text = ObjectText::begin(out);
        text.string("type", self.kind());
        match *self {
            Notice::Ok {
                id,
                room,
                seq,
                timestamp,
            } => {
                write_id(&mut text, id);
                room.map(|room| text.string("room", room));
                seq.map(|seq| text.unsigned("seq", seq));
                timestamp.map(|timestamp| text.timestamp(timestamp));
            }
            Notice::Members {
                id,
                room,
                members,
                count,
            } => write_members(&mut text, id, room, members, count),
            Notice::Error(error) => {
                write_id(&mut text, error.id);
                text.string("code", error.code).string("error", error.error);
                error.field.map(|field| text.string("field", field));
                write_limit(&mut text, &error);
            }
            Notice::Message {
                room,
                seq,
                sender,
                message,
                timestamp,
            } => {
                text.string("room", room)
                    .unsigned("seq", seq)
                    .string("sender", sender.user)
                    .string("name", sender.name)
                    .string("message", message)
                    .timestamp(timestamp);
            }
            Notice::Joined {
                room,
                person,
                timestamp,
            }
            | Notice::Left {
                room,
                person,
                timestamp,
            } => {
                text.string("room", room);
                write_person(&mut text, person).timestamp(timestamp);
            }
            Notice::Typing { room, person } => {
                text.string("room", room);
                write_person(&mut text, person);
            }
            Notice::Announcement {
                room,
                message,
                timestamp,
            } => {
                room.map(|room| text.string("room", room));
                text.string("message", message).timestamp(timestamp);
            }
            Notice::Hello(hello) => write_hello(&mut text, &hello),
            Notice::Bye {
                code,
                reason,
                reconnect_after_ms,
            } => {
                text.unsigned("code", u64::from(code))
                    .string("reason", reason);
                reconnect_after_ms.map(|after| text.unsigned("reconnect_after_ms", after));
            }
        }
        text.end();
    }

    /// Appends the text of the tutorial's protocol to `out`, or nothing and gives `false` when that protocol has no
    /// such notice.
    pub fn write_tutorial(&self, out: &mut Vec<u8>) -> bool {
        match *self {
            Notice::Message {
                room,
                sender,
                message,
                timestamp,
                ..
            } => write_saying(out, sender.name, &[message], timestamp, Some(room)),
            Notice::Joined {
                room,
                person,
                timestamp,
            } => {
                let words = ["User ", person.name, " has joined the chat."];
                write_saying(out, SYSTEM_SENDER, &words, timestamp, Some(room));
            }
            Notice::Left {
                room,
                person,
                timestamp,
            } => {
                let words = ["User ", person.name, " has left the chat."];
                write_saying(out, SYSTEM_SENDER, &words, timestamp, Some(room));
            }
            Notice::Announcement {
                room,
                message,
                timestamp,
            } => write_saying(out, SYSTEM_SENDER, &[message], timestamp, room),
            Notice::Error(error) => {
                let mut text = ObjectText::begin(out);
                text.string("error", error.error).string("code", error.code);
                write_limit(&mut text, &error);
                text.end();
            }
            Notice::Ok { .. }
            | Notice::Members { .. }
            | Notice::Typing { .. }
            | Notice::Hello(_)
            | Notice::Bye { .. } => return false,
        }
        true
    }

    const fn kind(&self) -> &'static str {
        match self {
            Notice::Ok { .. } | Notice::Members { .. } => "ok",
            Notice::Error(_) => "error",
            Notice::Message { .. } => "message",
            Notice::Joined { .. } => "joined",
            Notice::Left { .. } => "left",
            Notice::Typing { .. } => "typing",
            Notice::Announcement { .. } => "notice",
            Notice::Hello(_) => "hello",
            Notice::Bye { .. } => "bye",
        }
    }
}

fn write_id(text: &mut ObjectText<'_>, id: Option<&RequestId<'_>>) {
    match id {
        None => {}
        Some(RequestId::Integer(id)) => {
            text.integer("id", *id);
        }
        Some(RequestId::Text(id)) => {
            text.string("id", id);
        }
    }
}

fn write_person<'t, 'o>(
    text: &'t mut ObjectText<'o>,
    person: Person<'_>,
) -> &'t mut ObjectText<'o> {
    text.string("user", person.user).string("name", person.name)
}

fn write_limit(text: &mut ObjectText<'_>, error: &ErrorReply<'_>) {
    error.limit.map(|limit| text.string("limit", limit));
    error.scope.map(|scope| text.string("scope", scope));
    error
        .retry_after_ms
        .map(|after| text.unsigned("retry_after_ms", after));
}

fn write_members(
    text: &mut ObjectText<'_>,
    id: Option<&RequestId<'_>>,
    room: &str,
    members: &[Person<'_>],
    count: u64,
) {
    write_id(text, id);
    text.string("room", room)
        .array("members", members, |out, member| {
            let mut text = ObjectText::begin(out);
            write_person(&mut text, *member);
            text.end();
        })
        .unsigned("count", count)
        .boolean("truncated", (members.len() as u64) < count);
}

fn write_hello(text: &mut ObjectText<'_>, hello: &Hello<'_>) {
    let limits = hello.limits;
    write_person(text, hello.person)
        .string("lobby", hello.lobby)
        .array("rooms", hello.rooms, |out, room| push_string(out, room))
        .object("limits", |text| {
            text.object("messages", |text| {
                let per_ms = u64::try_from(limits.messages.per.as_millis()).unwrap_or(u64::MAX);
                text.unsigned("burst", limits.messages.burst)
                    .unsigned("per_ms", per_ms);
            })
            .unsigned(
                "message_characters_max",
                limits.message_characters_max as u64,
            )
            .unsigned("message_bytes_max", limits.message_bytes_max as u64)
            .unsigned("connections_per_user", limits.connections_per_user as u64)
            .unsigned(
                "rooms_per_connection_max",
                limits.rooms_per_connection_max as u64,
            );
        })
        .timestamp(hello.timestamp);
    hello
        .expires_in_ms
        .map(|after| text.unsigned("expires_in_ms", after));
}

/// The tutorial's one shape besides errors. `words` are joined as they stand.
fn write_saying(
    out: &mut Vec<u8>,
    sender: &str,
    words: &[&str],
    timestamp: Wall,
    room: Option<&str>,
) {
    let mut text = ObjectText::begin(out);
    text.string("sender", sender)
        .strings("message", words)
        .timestamp(timestamp);
    room.map(|room| text.string("room_id", room));
    text.end();
}
