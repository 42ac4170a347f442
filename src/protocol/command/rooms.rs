//! Commands of `wardroom.v1` about a room itself: its settings, its people, its history.

use std::borrow::Cow;
use std::time::Duration;

use super::Field;
use super::v1::Said;
use crate::protocol::vocabulary::{Affiliation, JoinRule, RoomKind};

/// Longest name of a room, in bytes.
pub const ROOM_NAME_BYTES_MAX: usize = 128;
/// Longest topic of a room, in bytes.
pub const TOPIC_BYTES_MAX: usize = 1024;
/// Longest reason of a kick, ban or mute, in bytes.
pub const REASON_BYTES_MAX: usize = 256;
/// Longest ban, mute, cooldown, slow mode or raid mode that has an end.
pub const SANCTION_TIME_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);
/// The same in milliseconds.
pub const SANCTION_MS_MAX: u64 = 366 * 24 * 60 * 60 * 1000;
/// Largest number of a message, and of anything else counted: what every JSON reader holds exactly (RFC 8259 §6).
pub const NUMBER_MAX: u64 = (1 << 53) - 1;

/// What may stand in a field.
pub(super) const fn rule(field: Field) -> &'static str {
    match field {
        Field::User => "A user is 1 to 128 bytes of visible text without white space around it.",
        Field::Name => "The name holds something unseen, or could be taken for another.",
        Field::Kind => "A kind is public, members or private.",
        Field::JoinRule => "A join rule is open, invite or knock.",
        Field::Affiliation => "An affiliation is owner, moderator, member or none.",
        Field::Body => "A body is base64url without padding, and not empty.",
        Field::Key => "A key has at least one byte.",
        Field::ForMs | Field::SlowModeMs | Field::CooldownMs => {
            "The time must be a whole number of milliseconds, at most 366 days."
        }
        _ => "The number is none that this field can have.",
    }
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The first above this number.
    After(u64),
    /// The last below this number.
    Before(u64),
    /// The last ones.
    End,
}

/// Settings to be changed; `None` stays as it is. Times in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoomPatch<'a> {
    pub kind: Option<RoomKind>,
    pub join_rule: Option<JoinRule>,
    pub name: Option<Cow<'a, str>>,
    pub topic: Option<Cow<'a, str>>,
    /// In `create` only.
    pub ephemeral: Option<bool>,
    pub locked: Option<bool>,
    pub slow_mode_ms: Option<u64>,
    pub cooldown_ms: Option<u64>,
    pub message_characters_max: Option<u32>,
    pub members_max: Option<u32>,
    pub retention_messages: Option<u32>,
    pub retention_ms: Option<u64>,
    pub messages_per_minute: Option<u32>,
    pub messages_per_minute_per_member: Option<u32>,
    pub bytes_per_second: Option<u32>,
    pub joins_per_minute: Option<u32>,
}

/// What is asked of one room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomCommand<'a> {
    Create(Box<RoomPatch<'a>>),
    Describe,
    Update(Box<RoomPatch<'a>>),
    Archive {
        archived: bool,
    },
    Delete,
    History {
        from: Place,
        limit: Option<u64>,
    },
    /// Other words for one's own message.
    Edit {
        seq: u64,
        said: Said<'a>,
    },
    DeleteMessage {
        seq: u64,
        reason: Option<Cow<'a, str>>,
    },
    /// Delete everything that this user said.
    Purge {
        user: Cow<'a, str>,
        reason: Option<Cow<'a, str>>,
    },
    /// The asker has read up to this message.
    Seen {
        seq: u64,
    },
    Invite {
        user: Cow<'a, str>,
    },
    /// Take an invitation back, or turn down a knock.
    Withdraw {
        user: Cow<'a, str>,
    },
    Knock,
    Approve {
        user: Cow<'a, str>,
    },
    /// Never [`Affiliation::Banned`]: that is `ban`.
    Affiliate {
        user: Cow<'a, str>,
        affiliation: Affiliation,
    },
    Transfer {
        user: Cow<'a, str>,
    },
    Resign,
    Kick {
        user: Cow<'a, str>,
        reason: Option<Cow<'a, str>>,
    },
    /// `None`: until it is lifted.
    Ban {
        user: Cow<'a, str>,
        for_ms: Option<u64>,
        reason: Option<Cow<'a, str>>,
    },
    Unban {
        user: Cow<'a, str>,
    },
    Mute {
        user: Cow<'a, str>,
        for_ms: Option<u64>,
        reason: Option<Cow<'a, str>>,
    },
    Unmute {
        user: Cow<'a, str>,
    },
    /// Joins become knocks for so long; 0 ends it.
    Raid {
        for_ms: u64,
    },
    /// What the asker, or somebody else, may do and why.
    Explain {
        user: Option<Cow<'a, str>>,
    },
    /// Entries of the moderation log.
    Log {
        from: Place,
        limit: Option<u64>,
    },
}
