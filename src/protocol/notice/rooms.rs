//! What is told of rooms themselves: descriptions, history, moderation, and who may do what.

use super::{Content, Message, Person};
use crate::protocol::command::v1::RequestId;
use crate::protocol::vocabulary::{
    Affiliation, Capabilities, Capability, JoinRule, Removal, RoomKind,
};
use crate::time::Wall;

/// What a room is like. A number that is zero is left out, and so is what is not so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Description<'a> {
    pub room: &'a str,
    /// Empty: the room's id is its name.
    pub name: &'a str,
    pub topic: &'a str,
    pub kind: RoomKind,
    pub join_rule: JoinRule,
    /// Empty: the operator.
    pub created_by: &'a str,
    pub created: Wall,
    pub is_ephemeral: bool,
    pub is_locked: bool,
    pub is_archived: bool,
    pub raid_until: Option<Wall>,
    pub slow_mode_ms: u64,
    pub cooldown_ms: u64,
    pub message_characters_max: u64,
    pub members_max: u64,
    pub retention_messages: u64,
    pub retention_ms: u64,
    pub messages_per_minute: u64,
    pub messages_per_minute_per_member: u64,
    pub bytes_per_second: u64,
    pub joins_per_minute: u64,
    /// People present; `None` for whoever neither reads the room nor is there.
    pub count: Option<u64>,
    /// The number of its latest message; `None` likewise.
    pub last_seq: Option<u64>,
    /// How whoever is told stands to it; `None` in what everybody is told alike.
    pub yours: Option<Yours>,
}

/// How whoever is told of a room stands to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Yours {
    pub affiliation: Affiliation,
    pub can: Capabilities,
    pub is_invited: bool,
    pub is_knocking: bool,
    /// Messages above the latest that they have said to have seen; `None` as above.
    pub unread: Option<u64>,
}

/// One page of the rooms that the asker may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomsReply<'a> {
    pub id: Option<&'a RequestId<'a>>,
    pub rooms: &'a [Description<'a>],
    /// What to ask for `after`, when there are more.
    pub next: Option<&'a str>,
}

/// One room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomReply<'a> {
    pub id: Option<&'a RequestId<'a>>,
    pub description: &'a Description<'a>,
}

/// One page of a room's messages, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryReply<'a> {
    pub id: Option<&'a RequestId<'a>>,
    pub room: &'a str,
    pub messages: &'a [Message<'a>],
    /// Of the oldest message kept, and of the latest there is.
    pub first_seq: u64,
    pub last_seq: u64,
    /// Whether more would come where the page ends.
    pub is_truncated: bool,
}

/// That the asker is in the room; what was missed follows as messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JoinReply<'a> {
    pub id: Option<&'a RequestId<'a>>,
    pub room: &'a str,
    pub last_seq: u64,
    /// Messages that were missed and do not follow.
    pub gap: Option<Gap>,
}

/// Numbers of messages, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    pub from: u64,
    pub to: u64,
}

/// One page of a room's moderation log, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogReply<'a> {
    pub id: Option<&'a RequestId<'a>>,
    pub room: &'a str,
    pub entries: &'a [LogEntry<'a>],
    /// The number and hash of the latest entry.
    pub head: LogHead,
}

/// An entry's number and hash; number 0: the log is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogHead {
    pub number: u64,
    pub hash: [u8; 32],
}

/// What somebody did: everything that its hash is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogEntry<'a> {
    pub head: LogHead,
    pub at: Wall,
    /// Empty: the operator.
    pub actor: &'a str,
    /// `room` or `operator`.
    pub authority: &'static str,
    pub action: &'a str,
    /// Empty: the room.
    pub target: &'a str,
    pub seq: Option<u64>,
    pub until: Option<Wall>,
    pub reason: &'a str,
    pub details: &'a str,
}

/// What somebody may do in a room, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExplainReply<'a> {
    pub id: Option<&'a RequestId<'a>>,
    pub room: &'a str,
    pub user: &'a str,
    pub affiliation: Affiliation,
    pub rights: &'a [Right],
}

/// One thing that somebody may do or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Right {
    pub capability: Capability,
    pub is_allowed: bool,
    /// One word: what decided it.
    pub reason: &'static str,
}

/// That messages which members have are not as they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed<'a> {
    pub room: &'a str,
    /// Ascending; one, but for a deletion of several.
    pub seqs: &'a [u64],
    pub content: Content<'a>,
    /// Who did it; empty: the operator.
    pub user: &'a str,
    pub timestamp: Wall,
}

/// That somebody did something which stands in the moderation log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moderated<'a> {
    pub room: &'a str,
    /// The entry's number in the log.
    pub number: u64,
    pub action: &'a str,
    /// Empty: the operator.
    pub actor: &'a str,
    /// To whom; empty: to the room.
    pub user: &'a str,
    pub seq: Option<u64>,
    pub until: Option<Wall>,
    pub reason: &'a str,
    /// What was set or given, as in [`LogEntry::details`].
    pub details: &'a str,
    pub timestamp: Wall,
}

/// That whoever is told is not in the room any more, or may not be there any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removed<'a> {
    pub room: &'a str,
    pub code: Removal,
    pub reason: &'a str,
    pub until: Option<Wall>,
    pub timestamp: Wall,
}

/// That whoever is told may join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invited<'a> {
    pub room: &'a str,
    /// Who invites; empty: the operator.
    pub by: &'a str,
    pub timestamp: Wall,
}

/// That somebody asks to be let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Knocked<'a> {
    pub room: &'a str,
    pub person: Person<'a>,
    pub timestamp: Wall,
}

/// How many people are in a room too large to name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crowd<'a> {
    pub room: &'a str,
    pub count: u64,
    /// How many came and went since this was told last.
    pub joined: u64,
    pub left: u64,
    pub timestamp: Wall,
}
