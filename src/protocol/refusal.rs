//! Why something about a room is not done: one table of codes and words, for the engine and the documents.
//!
//! Decides nothing: who is refused what stands in `rooms` and in the engine.

use std::borrow::Cow;
use std::time::Duration;

use crate::time::Wall;

/// Why a well-formed request about a room is not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomRefusal {
    /// There is none, or the asker may not know of it.
    UnknownRoom,
    NotInRoom,
    /// Leave one first: `limits.rooms_per_connection_max`.
    TooManyRooms,
    /// A capability is missing; `explain` says why.
    Forbidden,
    Banned {
        until: Option<Wall>,
        reason: Box<str>,
    },
    Muted {
        until: Option<Wall>,
        reason: Box<str>,
    },
    RoomLocked,
    RoomArchived,
    /// Ask first: a moderator decides.
    KnockRequired,
    /// By the name of the limit.
    RoomFull(&'static str),
    /// One of the room's own rates.
    RoomLimited {
        /// By its name in the room's description.
        limit: &'static str,
        scope: RoomScope,
        retry_after: Duration,
    },
    /// It is as asked for already, or there is nothing to take back.
    Already,
    /// The other one's affiliation is as high, or higher.
    Outranked,
    /// Nobody would own the room.
    LastOwner,
    /// The operator decided it.
    OperatorBan,
    /// Nobody does this to themselves.
    Oneself,
    /// Lift the ban first.
    TargetBanned,
    /// There is one of this id or name, or of one that looks like it: the field at fault.
    RoomExists(&'static str),
    /// By the name of the limit in the configuration, and whose it is.
    TooManyRoomsCreated {
        limit: &'static str,
        scope: &'static str,
    },
    /// A setting beyond what the operator lets rooms have.
    AboveCeiling {
        field: &'static str,
        max: u64,
    },
    /// It can not be changed, in this room or in any.
    Fixed(Option<&'static str>),
    /// The room keeps no messages.
    NotKept,
    UnknownMessage,
    /// Somebody else said it.
    NotYours,
    /// Longer than this room takes.
    MessageTooLong {
        characters_max: u32,
    },
    /// The room takes `message`, not `body`.
    MessageRequired,
    /// The room is private: it takes `body`, not `message`.
    BodyRequired,
    /// Too much is being done at once.
    Busy(Duration),
    /// What must last can not be kept now.
    StoreUnavailable(Duration),
}

/// Whose rate of a room was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoomScope {
    /// Everybody's in it together.
    Room,
    /// The asker's own in it.
    Member,
}

impl RoomScope {
    /// As clients are told.
    pub const fn word(self) -> &'static str {
        match self {
            RoomScope::Room => "room",
            RoomScope::Member => "member",
        }
    }
}

/// What a client is told of a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told<'a> {
    /// Stable, for programs.
    pub code: &'static str,
    /// One sentence for people.
    pub text: Cow<'static, str>,
    pub field: Option<&'static str>,
    pub limit: Option<&'static str>,
    pub scope: Option<&'static str>,
    /// Rounded up, so that coming back then is early enough.
    pub retry_after_ms: Option<u64>,
    pub until: Option<Wall>,
    pub reason: Option<&'a str>,
}

impl RoomRefusal {
    /// Every code that [`RoomRefusal::code`] gives.
    pub const CODES: [&'static str; 29] = [
        "unknown_room",
        "not_in_room",
        "too_many_rooms",
        "forbidden",
        "banned",
        "muted",
        "room_locked",
        "room_archived",
        "knock_required",
        "room_full",
        "rate_limited",
        "already",
        "outranked",
        "last_owner",
        "operator_ban",
        "oneself",
        "target_banned",
        "room_exists",
        "too_many_rooms_created",
        "above_ceiling",
        "fixed",
        "not_kept",
        "unknown_message",
        "not_yours",
        "message_too_long",
        "message_required",
        "body_required",
        "busy",
        "store_unavailable",
    ];

    /// The stable code that programs act on.
    pub const fn code(&self) -> &'static str {
        match self {
            RoomRefusal::UnknownRoom => "unknown_room",
            RoomRefusal::NotInRoom => "not_in_room",
            RoomRefusal::TooManyRooms => "too_many_rooms",
            RoomRefusal::Forbidden => "forbidden",
            RoomRefusal::Banned { .. } => "banned",
            RoomRefusal::Muted { .. } => "muted",
            RoomRefusal::RoomLocked => "room_locked",
            RoomRefusal::RoomArchived => "room_archived",
            RoomRefusal::KnockRequired => "knock_required",
            RoomRefusal::RoomFull(_) => "room_full",
            RoomRefusal::RoomLimited { .. } => "rate_limited",
            RoomRefusal::Already => "already",
            RoomRefusal::Outranked => "outranked",
            RoomRefusal::LastOwner => "last_owner",
            RoomRefusal::OperatorBan => "operator_ban",
            RoomRefusal::Oneself => "oneself",
            RoomRefusal::TargetBanned => "target_banned",
            RoomRefusal::RoomExists(_) => "room_exists",
            RoomRefusal::TooManyRoomsCreated { .. } => "too_many_rooms_created",
            RoomRefusal::AboveCeiling { .. } => "above_ceiling",
            RoomRefusal::Fixed(_) => "fixed",
            RoomRefusal::NotKept => "not_kept",
            RoomRefusal::UnknownMessage => "unknown_message",
            RoomRefusal::NotYours => "not_yours",
            RoomRefusal::MessageTooLong { .. } => "message_too_long",
            RoomRefusal::MessageRequired => "message_required",
            RoomRefusal::BodyRequired => "body_required",
            RoomRefusal::Busy(_) => "busy",
            RoomRefusal::StoreUnavailable(_) => "store_unavailable",
        }
    }

    /// One sentence for a person.
    fn text(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            RoomRefusal::UnknownRoom => "There is no such room.",
            RoomRefusal::NotInRoom => "Join the room first.",
            RoomRefusal::TooManyRooms => "Too many rooms on this connection: leave one first.",
            RoomRefusal::Forbidden => "You may not do this in this room.",
            RoomRefusal::Banned { .. } => "You are banned from this room.",
            RoomRefusal::Muted { .. } => "You are muted in this room.",
            RoomRefusal::RoomLocked => "Only moderators may speak in this room now.",
            RoomRefusal::RoomArchived => "This room is archived: it can only be read.",
            RoomRefusal::KnockRequired => "Knock first: a moderator decides who comes in.",
            RoomRefusal::RoomFull(_) => "The room has as many people as it may have.",
            RoomRefusal::RoomLimited { .. } => "Too much at once in this room: wait a little.",
            RoomRefusal::Already => "It is so already.",
            RoomRefusal::Outranked => "Their affiliation must be lower than yours.",
            RoomRefusal::LastOwner => "A room needs an owner: make somebody else one first.",
            RoomRefusal::OperatorBan => "The operator decided this: nobody of the room lifts it.",
            RoomRefusal::Oneself => "Nobody can do this to themselves.",
            RoomRefusal::TargetBanned => "They are banned: lift the ban first.",
            RoomRefusal::RoomExists("name") => "Another room is called so, or much like it.",
            RoomRefusal::RoomExists(_) => "There is a room of this id already.",
            RoomRefusal::TooManyRoomsCreated { .. } => "There are as many rooms as there may be.",
            RoomRefusal::AboveCeiling { max, .. } => {
                return format!("The server allows at most {max} here.").into();
            }
            RoomRefusal::Fixed(_) => "This can not be changed.",
            RoomRefusal::NotKept => "This room keeps no messages.",
            RoomRefusal::UnknownMessage => "There is no such message any more.",
            RoomRefusal::NotYours => "Only who said it can change it.",
            RoomRefusal::MessageTooLong { characters_max } => {
                return format!("This room takes at most {characters_max} characters.").into();
            }
            RoomRefusal::MessageRequired => "This room takes a message, not a body.",
            RoomRefusal::BodyRequired => "This room is private: it takes a body, not a message.",
            RoomRefusal::Busy(_) => "The server is busy: try again in a moment.",
            RoomRefusal::StoreUnavailable(_) => "The server can keep nothing at the moment.",
        })
    }

    /// What a client is told.
    pub fn told(&self) -> Told<'_> {
        let plain = Told {
            code: self.code(),
            text: self.text(),
            field: self.field(),
            limit: None,
            scope: None,
            retry_after_ms: None,
            until: None,
            reason: None,
        };
        let within = |plain, limit, scope| Told {
            limit: Some(limit),
            scope: Some(scope),
            ..plain
        };
        match self {
            RoomRefusal::Banned { until, reason } | RoomRefusal::Muted { until, reason } => Told {
                until: *until,
                reason: Some(&**reason).filter(|reason| !reason.is_empty()),
                ..plain
            },
            RoomRefusal::TooManyRooms => within(plain, "rooms_per_connection_max", "connection"),
            RoomRefusal::RoomFull(limit) => within(plain, limit, RoomScope::Room.word()),
            RoomRefusal::RoomLimited {
                limit,
                scope,
                retry_after,
            } => Told {
                retry_after_ms: Some(milliseconds(*retry_after)),
                ..within(plain, limit, scope.word())
            },
            RoomRefusal::TooManyRoomsCreated { limit, scope } => within(plain, limit, scope),
            RoomRefusal::MessageTooLong { .. } => {
                within(plain, "message_characters_max", RoomScope::Room.word())
            }
            RoomRefusal::Busy(wait) | RoomRefusal::StoreUnavailable(wait) => Told {
                retry_after_ms: Some(milliseconds(*wait)),
                ..plain
            },
            _ => plain,
        }
    }

    /// The field at fault.
    const fn field(&self) -> Option<&'static str> {
        match self {
            RoomRefusal::Outranked
            | RoomRefusal::OperatorBan
            | RoomRefusal::Oneself
            | RoomRefusal::TargetBanned => Some("user"),
            RoomRefusal::UnknownMessage | RoomRefusal::NotYours => Some("seq"),
            RoomRefusal::MessageTooLong { .. } | RoomRefusal::BodyRequired => Some("message"),
            RoomRefusal::MessageRequired => Some("body"),
            RoomRefusal::RoomExists(field) => Some(field),
            RoomRefusal::AboveCeiling { field, .. } => Some(field),
            RoomRefusal::Fixed(field) => *field,
            _ => None,
        }
    }
}

fn milliseconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of every kind.
    fn all() -> Vec<RoomRefusal> {
        let (until, reason) = (Some(Wall::from_millis(5)), "noise".into());
        let second = Duration::from_secs(1);
        vec![
            RoomRefusal::UnknownRoom,
            RoomRefusal::NotInRoom,
            RoomRefusal::TooManyRooms,
            RoomRefusal::Forbidden,
            RoomRefusal::Banned { until, reason },
            RoomRefusal::Muted {
                until: None,
                reason: "".into(),
            },
            RoomRefusal::RoomLocked,
            RoomRefusal::RoomArchived,
            RoomRefusal::KnockRequired,
            RoomRefusal::RoomFull("members_max"),
            RoomRefusal::RoomLimited {
                limit: "slow_mode_ms",
                scope: RoomScope::Member,
                retry_after: Duration::from_nanos(1_000_001),
            },
            RoomRefusal::Already,
            RoomRefusal::Outranked,
            RoomRefusal::LastOwner,
            RoomRefusal::OperatorBan,
            RoomRefusal::Oneself,
            RoomRefusal::TargetBanned,
            RoomRefusal::RoomExists("room"),
            RoomRefusal::TooManyRoomsCreated {
                limit: "rooms_max",
                scope: "server",
            },
            RoomRefusal::AboveCeiling {
                field: "members_max",
                max: 3,
            },
            RoomRefusal::Fixed(Some("kind")),
            RoomRefusal::NotKept,
            RoomRefusal::UnknownMessage,
            RoomRefusal::NotYours,
            RoomRefusal::MessageTooLong { characters_max: 9 },
            RoomRefusal::MessageRequired,
            RoomRefusal::BodyRequired,
            RoomRefusal::Busy(second),
            RoomRefusal::StoreUnavailable(second),
        ]
    }

    #[test]
    fn every_refusal_has_its_own_code_and_a_sentence() {
        let refusals = all();
        let codes: Vec<_> = refusals.iter().map(|refusal| refusal.told().code).collect();
        assert_eq!(codes, RoomRefusal::CODES);
        for refusal in &refusals {
            let told = refusal.told();
            assert!(told.text.ends_with('.'), "{told:?}");
            assert_eq!(told.limit.is_some(), told.scope.is_some(), "{told:?}");
        }
    }

    #[test]
    fn a_wait_is_told_long_enough_and_a_ban_with_its_end_and_reason() {
        let refusals = all();
        let find = |code| {
            let told = refusals.iter().map(RoomRefusal::told);
            told.into_iter().find(|told| told.code == code).expect(code)
        };
        assert_eq!(find("rate_limited").retry_after_ms, Some(2));
        let banned = find("banned");
        assert_eq!(banned.until, Some(Wall::from_millis(5)));
        assert_eq!(banned.reason, Some("noise"));
        assert_eq!(find("muted").reason, None);
        for code in ["busy", "store_unavailable"] {
            assert_eq!(find(code).retry_after_ms, Some(1000), "{code}");
        }
    }

    #[test]
    fn what_is_at_fault_and_which_limit_of_whose_was_reached_are_named() {
        let fields = [
            ("outranked", "user"),
            ("operator_ban", "user"),
            ("oneself", "user"),
            ("target_banned", "user"),
            ("room_exists", "room"),
            ("above_ceiling", "members_max"),
            ("fixed", "kind"),
            ("unknown_message", "seq"),
            ("not_yours", "seq"),
            ("message_too_long", "message"),
            ("message_required", "body"),
            ("body_required", "message"),
        ];
        let limits = [
            ("too_many_rooms", "rooms_per_connection_max", "connection"),
            ("room_full", "members_max", "room"),
            ("rate_limited", "slow_mode_ms", "member"),
            ("too_many_rooms_created", "rooms_max", "server"),
            ("message_too_long", "message_characters_max", "room"),
        ];
        for refusal in &all() {
            let told = refusal.told();
            let field = fields.iter().find(|(code, _)| *code == told.code);
            assert_eq!(told.field, field.map(|(_, field)| *field), "{told:?}");
            let limit = limits.iter().find(|(code, ..)| *code == told.code);
            let limit = limit.map(|(_, limit, scope)| (*limit, *scope));
            assert_eq!(told.limit.zip(told.scope), limit, "{told:?}");
        }
    }
}
