//! What a room is like: what its owners may set, and the ceilings above that.

use std::time::Duration;

use crate::protocol::name::likeness;
use crate::protocol::vocabulary::{JoinRule, RoomKind};
use crate::time::Wall;

pub use crate::protocol::command::rooms::{
    REASON_BYTES_MAX, ROOM_NAME_BYTES_MAX, SANCTION_TIME_MAX, TOPIC_BYTES_MAX,
};

/// A room's settings. Zero says "no bound of the room's own" where a field can have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub kind: RoomKind,
    pub join_rule: JoinRule,
    /// For people; empty: the room's id.
    pub name: Box<str>,
    pub topic: Box<str>,
    /// Messages are kept and numbered for good.
    pub is_durable: bool,
    /// Nobody but moderators may say anything.
    pub is_locked: bool,
    /// Read only, and unlisted for those without an affiliation.
    pub is_archived: bool,
    /// Until then joins become knocks.
    pub raid_until: Option<Wall>,
    /// Between two messages of one person; zero: none.
    pub slow_mode: Duration,
    /// From becoming present for the first time to the first message; zero: none.
    pub cooldown: Duration,
    /// Longest message in Unicode scalar values; zero: the server's.
    pub message_characters_max: u32,
    /// Places: of those who belong to it or are invited, there or not, and of strangers who are there; zero: no bound.
    pub members_max: u32,
    /// Messages kept; zero: the server's ceiling.
    pub retention_messages: u32,
    /// How long messages are kept; zero: the server's ceiling.
    pub retention: Duration,
    /// Messages of everybody together; zero: no bound of the room's own.
    pub messages_per_minute: u32,
    /// Messages of one person; zero likewise.
    pub messages_per_minute_per_member: u32,
    /// Bytes of messages of everybody together; zero likewise.
    pub bytes_per_second: u32,
    /// People who come in; zero likewise.
    pub joins_per_minute: u32,
}

impl Settings {
    /// Those of a room that nobody has configured.
    pub fn new(kind: RoomKind, is_durable: bool) -> Self {
        let join_rule = match kind {
            RoomKind::Public => JoinRule::Open,
            RoomKind::Members | RoomKind::Private => JoinRule::Invite,
        };
        Settings {
            kind,
            join_rule,
            name: "".into(),
            topic: "".into(),
            is_durable,
            is_locked: false,
            is_archived: false,
            raid_until: None,
            slow_mode: Duration::ZERO,
            cooldown: Duration::ZERO,
            message_characters_max: 0,
            members_max: 0,
            retention_messages: 0,
            retention: Duration::ZERO,
            messages_per_minute: 0,
            messages_per_minute_per_member: 0,
            bytes_per_second: 0,
            joins_per_minute: 0,
        }
    }

    /// Whether strangers see such a room, as long as it is not archived.
    pub fn is_shown(&self) -> bool {
        let may_ask = self.kind == RoomKind::Members && self.join_rule == JoinRule::Knock;
        self.kind == RoomKind::Public || may_ask
    }

    /// What a room of this id looks like: its id, and its name when that is another and strangers see it.
    pub fn looks(&self, id: &str) -> Vec<Box<str>> {
        let mut looks = vec![likeness(id)];
        if self.is_shown() && !self.name.is_empty() {
            looks.push(likeness(&self.name));
            looks.dedup();
        }
        looks
    }
}

/// What the operator lets rooms be set to.
#[derive(Debug, Clone)]
pub struct Ceilings {
    /// In Unicode scalar values.
    pub message_characters_max: usize,
    /// People with a standing.
    pub people_max: usize,
    pub retention_messages_max: usize,
    /// Zero: without end.
    pub retention_max: Duration,
}
