//! What clients are told: typed notices and replies to JSON text, in either protocol.
//!
//! Decides nothing: who is told what, and when, is the engine's. One frame costs at most one allocation,
//! the caller's buffer.

use super::command::v1::RequestId;
use super::vocabulary::Affiliation;
use crate::config::{Limits, Rate};
use crate::time::Wall;
use rooms::{
    Changed, Crowd, Description, ExplainReply, HistoryReply, Invited, JoinReply, Knocked, LogReply,
    Moderated, Removed, RoomReply, RoomsReply,
};

mod encode;
mod passing;
pub mod rooms;
mod tutorial;
mod v1;

pub use passing::Passing;

#[cfg(test)]
mod tests;

/// Something to tell a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice<'a> {
    /// A request was done.
    Ok(OkReply<'a>),
    /// A `members` request was done.
    Members(MembersReply<'a>),
    /// A `join` with `since` was done.
    Entered(JoinReply<'a>),
    /// A `rooms` request was done.
    Rooms(RoomsReply<'a>),
    /// A `describe`, `create` or `update` request was done.
    Described(RoomReply<'a>),
    /// A `history` request was done.
    History(HistoryReply<'a>),
    /// A `log` request was done.
    Log(LogReply<'a>),
    /// An `explain` request was done.
    Explained(ExplainReply<'a>),
    /// A request was not done.
    Error(ErrorReply<'a>),
    /// Somebody said something.
    Message(Message<'a>),
    /// Somebody came into a room.
    Joined(Presence<'a>),
    /// Somebody left a room.
    Left(Presence<'a>),
    /// Somebody is writing.
    Typing(Typing<'a>),
    /// Messages were edited or deleted.
    Changed(Changed<'a>),
    /// A room is not as it was, or what you may do in it.
    Room(&'a Description<'a>),
    /// Somebody was moderated, or the room was.
    Moderation(Moderated<'a>),
    /// You are not in a room any more.
    Removed(Removed<'a>),
    /// You were invited.
    Invited(Invited<'a>),
    /// Somebody asks to be let in.
    Knock(Knocked<'a>),
    /// How many are in a large room.
    Presence(Crowd<'a>),
    /// The server's own words.
    Announcement(Announcement<'a>),
    /// First on every connection.
    Hello(Hello<'a>),
    /// Last before the close frame.
    Bye(Bye<'a>),
}

impl Notice<'_> {
    /// Every `type` that [`Notice::write_v1`] writes.
    pub const TYPES: [&'static str; 16] = [
        "ok",
        "error",
        "message",
        "joined",
        "left",
        "typing",
        "changed",
        "room",
        "moderation",
        "removed",
        "invited",
        "knock",
        "presence",
        "notice",
        "hello",
        "bye",
    ];

    /// Its `type` in `wardroom.v1`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Notice::Ok(_)
            | Notice::Members(_)
            | Notice::Entered(_)
            | Notice::Rooms(_)
            | Notice::Described(_)
            | Notice::History(_)
            | Notice::Log(_)
            | Notice::Explained(_) => "ok",
            Notice::Error(_) => "error",
            Notice::Message(_) => "message",
            Notice::Joined(_) => "joined",
            Notice::Left(_) => "left",
            Notice::Typing(_) => "typing",
            Notice::Changed(_) => "changed",
            Notice::Room(_) => "room",
            Notice::Moderation(_) => "moderation",
            Notice::Removed(_) => "removed",
            Notice::Invited(_) => "invited",
            Notice::Knock(_) => "knock",
            Notice::Presence(_) => "presence",
            Notice::Announcement(_) => "notice",
            Notice::Hello(_) => "hello",
            Notice::Bye(_) => "bye",
        }
    }

    /// Appends the text of `wardroom.v1` to `out`.
    pub fn write_v1(&self, out: &mut Vec<u8>) {
        v1::write(self, out);
    }

    /// Appends the text of the tutorial's protocol to `out`, or nothing and gives `false` when that protocol has no
    /// such notice.
    pub fn write_tutorial(&self, out: &mut Vec<u8>) -> bool {
        tutorial::write(self, out)
    }
}

/// Who somebody is to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person<'a> {
    /// The stable identifier.
    pub user: &'a str,
    /// The name to show.
    pub name: &'a str,
}

/// That a request was done. To a `ping`: with the timestamp alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OkReply<'a> {
    pub id: Option<&'a RequestId<'a>>,
    pub room: Option<&'a str>,
    /// The number in its room of the message just sent.
    pub seq: Option<u64>,
    pub timestamp: Option<Wall>,
    /// To a `refresh`: until the connection's credential expires; `None`: it does not.
    pub expires_in_ms: Option<u64>,
}

/// Who is in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MembersReply<'a> {
    pub id: Option<&'a RequestId<'a>>,
    pub room: &'a str,
    /// Those listed.
    pub members: &'a [Member<'a>],
    /// Everybody that could have been listed.
    pub count: u64,
}

/// Somebody in a list of members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member<'a> {
    pub person: Person<'a>,
    pub affiliation: Affiliation,
    /// Connections that are in the room; 0: they are not present.
    pub connections: u32,
    pub is_muted: bool,
    /// Invited, and not there yet.
    pub is_invited: bool,
    /// Waits to be let in.
    pub is_knocking: bool,
}

impl<'a> Member<'a> {
    /// Somebody present of whom there is nothing more to say.
    pub const fn present(person: Person<'a>, affiliation: Affiliation, connections: u32) -> Self {
        Member {
            person,
            affiliation,
            connections,
            is_muted: false,
            is_invited: false,
            is_knocking: false,
        }
    }
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
    /// When the ban or mute that stands in the way ends.
    pub until: Option<Wall>,
    /// In the words of whoever decided it.
    pub reason: Option<&'a str>,
}

/// What there is of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'a> {
    Text(&'a str),
    /// Opaque bytes of a private room, in base64url.
    Body(&'a str),
    /// Deleted then: only its number is left.
    Deleted(Wall),
}

/// What somebody said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    pub room: &'a str,
    /// The message's number in its room.
    pub seq: u64,
    pub sender: Person<'a>,
    pub content: Content<'a>,
    pub timestamp: Wall,
    /// When its sender last changed it.
    pub edited: Option<Wall>,
}

/// That somebody came or left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presence<'a> {
    pub room: &'a str,
    pub person: Person<'a>,
    pub timestamp: Wall,
}

/// That somebody is writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Typing<'a> {
    pub room: &'a str,
    pub person: Person<'a>,
}

/// The server's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announcement<'a> {
    /// `None`: to everybody.
    pub room: Option<&'a str>,
    pub message: &'a str,
    pub timestamp: Wall,
}

/// That the connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bye<'a> {
    /// The close code that follows (RFC 6455 §7.4).
    pub code: u16,
    pub reason: &'a str,
    /// `None`: do not come back unasked.
    pub reconnect_after_ms: Option<u64>,
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
    /// Until the credential expires; `None`: it does not.
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
            message_characters_max: limits.message_characters_taken(),
            message_bytes_max: limits.message_bytes_max,
            connections_per_user: limits.connections_per_user,
            rooms_per_connection_max: limits.rooms_per_connection_max,
        }
    }
}
