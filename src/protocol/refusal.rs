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
    RoomExists,
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

impl Told<'_> {
    const fn new(code: &'static str, text: &'static str) -> Self {
        Told {
            code,
            text: Cow::Borrowed(text),
            field: None,
            limit: None,
            scope: None,
            retry_after_ms: None,
            until: None,
            reason: None,
        }
    }

    fn about(self, field: &'static str) -> Self {
        Told {
            field: Some(field),
            ..self
        }
    }

    fn within(self, limit: &'static str, scope: &'static str) -> Self {
        Told {
            limit: Some(limit),
            scope: Some(scope),
            ..self
        }
    }

    fn again_in(self, retry_after: Duration) -> Self {
        let millis = retry_after.as_nanos().div_ceil(1_000_000);
        Told {
            retry_after_ms: Some(u64::try_from(millis).unwrap_or(u64::MAX)),
            ..self
        }
    }
}

fn sanctioned<'a>(plain: Told<'a>, until: Option<Wall>, reason: &'a str) -> Told<'a> {
    Told {
        until,
        reason: Some(reason).filter(|reason| !reason.is_empty()),
        ..plain
    }
}

impl RoomRefusal {
    /// Every code there is.
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

    /// What a client is told.
    #[expect(clippy::too_many_lines, reason = "one table, a row for each refusal")]
    pub fn told(&self) -> Told<'_> {
        match self {
            RoomRefusal::UnknownRoom => Told::new("unknown_room", "There is no such room."),
            RoomRefusal::NotInRoom => Told::new("not_in_room", "Join the room first."),
            RoomRefusal::TooManyRooms => Told::new(
                "too_many_rooms",
                "Too many rooms on this connection: leave one first.",
            )
            .within("rooms_per_connection_max", "connection"),
            RoomRefusal::Forbidden => Told::new("forbidden", "You may not do this in this room."),
            RoomRefusal::Banned { until, reason } => sanctioned(
                Told::new("banned", "You are banned from this room."),
                *until,
                reason,
            ),
            RoomRefusal::Muted { until, reason } => sanctioned(
                Told::new("muted", "You are muted in this room."),
                *until,
                reason,
            ),
            RoomRefusal::RoomLocked => {
                Told::new("room_locked", "Only moderators speak in this room now.")
            }
            RoomRefusal::RoomArchived => {
                Told::new("room_archived", "This room is archived: it is read only.")
            }
            RoomRefusal::KnockRequired => {
                Told::new("knock_required", "Ask to be let in: a moderator decides.")
            }
            RoomRefusal::RoomFull(limit) => {
                Told::new("room_full", "This room has as many people as it may have.")
                    .within(limit, "room")
            }
            RoomRefusal::RoomLimited {
                limit,
                scope,
                retry_after,
            } => Told::new(
                "rate_limited",
                "Too much at once in this room: wait before sending more.",
            )
            .within(limit, scope.word())
            .again_in(*retry_after),
            RoomRefusal::Already => Told::new("already", "It is so already."),
            RoomRefusal::Outranked => Told::new(
                "outranked",
                "This can only be done to somebody of a lower affiliation than one's own.",
            )
            .about("user"),
            RoomRefusal::LastOwner => Told::new(
                "last_owner",
                "A room has an owner: make somebody else one first.",
            ),
            RoomRefusal::OperatorBan => Told::new(
                "operator_ban",
                "The operator decided this: nobody of the room can change it.",
            )
            .about("user"),
            RoomRefusal::Oneself => {
                Told::new("oneself", "Nobody can do this to themselves.").about("user")
            }
            RoomRefusal::TargetBanned => {
                Told::new("target_banned", "They are banned: lift the ban first.").about("user")
            }
            RoomRefusal::RoomExists => {
                Told::new("room_exists", "There is a room of this id already.").about("room")
            }
            RoomRefusal::TooManyRoomsCreated { limit, scope } => Told::new(
                "too_many_rooms_created",
                "There are as many rooms as there may be: delete one first.",
            )
            .within(limit, scope),
            RoomRefusal::AboveCeiling { field, max } => Told {
                text: format!("The server allows at most {max} here.").into(),
                field: Some(field),
                ..Told::new("above_ceiling", "")
            },
            RoomRefusal::Fixed(field) => Told {
                field: *field,
                ..Told::new("fixed", "This can not be changed.")
            },
            RoomRefusal::NotKept => Told::new("not_kept", "This room keeps no messages."),
            RoomRefusal::UnknownMessage => {
                Told::new("unknown_message", "There is no such message any more.").about("seq")
            }
            RoomRefusal::NotYours => {
                Told::new("not_yours", "Only who said it can change it.").about("seq")
            }
            RoomRefusal::MessageTooLong { characters_max } => Told {
                text: format!("This room takes at most {characters_max} characters.").into(),
                field: Some("message"),
                ..Told::new("message_too_long", "")
            }
            .within("message_characters_max", "room"),
            RoomRefusal::MessageRequired => {
                Told::new("message_required", "This room takes a message, not a body.")
                    .about("body")
            }
            RoomRefusal::BodyRequired => Told::new(
                "body_required",
                "This room is private: it takes a body, not a message.",
            )
            .about("message"),
            RoomRefusal::Busy(retry_after) => {
                Told::new("busy", "The server is busy: try again in a moment.")
                    .again_in(*retry_after)
            }
            RoomRefusal::StoreUnavailable(retry_after) => Told::new(
                "store_unavailable",
                "The server can not keep anything at the moment.",
            )
            .again_in(*retry_after),
        }
    }
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
            RoomRefusal::RoomExists,
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
    }
}
