//! What people do to each other in a room, and who may do it to whom. Judges and plans; nothing is changed here.

mod judge;
mod plan;

use std::borrow::Cow;
use std::sync::Arc;

use super::record::Change;
use super::standing::Authority;
use crate::protocol::command::rooms::{RoomCommand, RoomPatch};
use crate::protocol::command::v1::Said;
use crate::protocol::vocabulary::{Affiliation, Capabilities, Capability};

pub use judge::judge;
pub use plan::plan_room;

/// A type whose values each have one word; the log and the wire use it.
macro_rules! actions {
    ($($(#[$about:meta])* $variant:ident = $word:literal),* $(,)?) => {
        /// Something that is written into a room's moderation log.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Action { $($(#[$about])* $variant),* }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Action] = &[$(Action::$variant),*];

            /// As the log and notices name it.
            pub const fn word(self) -> &'static str {
                match self { $(Action::$variant => $word),* }
            }

            /// The action with this word.
            pub fn from_word(word: &str) -> Option<Action> {
                Action::ALL.iter().copied().find(|action| action.word() == word)
            }
        }
    };
}

actions! {
    Create = "create",
    /// Settings were changed.
    Update = "update",
    Archive = "archive",
    Unarchive = "unarchive",
    Delete = "delete",
    /// Another affiliation was given.
    Affiliate = "affiliate",
    /// An owner made somebody owner and stepped down.
    Transfer = "transfer",
    /// Somebody gave up their own affiliation.
    Resign = "resign",
    Invite = "invite",
    /// An invitation was taken back, or a knock turned down.
    Withdraw = "withdraw",
    /// Somebody asked to be let in.
    Knock = "knock",
    /// Somebody who asked was let in.
    Approve = "approve",
    Kick = "kick",
    Ban = "ban",
    Unban = "unban",
    Mute = "mute",
    Unmute = "unmute",
    DeleteMessage = "delete_message",
    /// Everything that a user said was deleted.
    Purge = "purge",
    /// Joins become knocks for a time, or no longer.
    Raid = "raid",
}

impl Action {
    /// Whether it is about somebody who wants to come in: of no concern to those who do not moderate.
    pub const fn is_about_coming_in(self) -> bool {
        matches!(self, Action::Invite | Action::Withdraw | Action::Knock)
    }
}

/// Something that somebody wants to be changed in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    Update(Box<RoomPatch<'static>>),
    Archive(bool),
    Delete,
    Edit {
        seq: u64,
        text: Box<str>,
    },
    DeleteMessage {
        seq: u64,
        reason: Box<str>,
    },
    Purge {
        user: Arc<str>,
        reason: Box<str>,
    },
    Invite {
        user: Arc<str>,
    },
    Withdraw {
        user: Arc<str>,
    },
    Knock,
    Approve {
        user: Arc<str>,
    },
    /// Come in as invited, and belong to the room from then on.
    Accept,
    Affiliate {
        user: Arc<str>,
        affiliation: Affiliation,
    },
    Transfer {
        user: Arc<str>,
    },
    Resign,
    Kick {
        user: Arc<str>,
        reason: Box<str>,
    },
    /// `None`: until it is lifted.
    Ban {
        user: Arc<str>,
        for_ms: Option<u64>,
        reason: Box<str>,
    },
    Unban {
        user: Arc<str>,
    },
    Mute {
        user: Arc<str>,
        for_ms: Option<u64>,
        reason: Box<str>,
    },
    Unmute {
        user: Arc<str>,
    },
    /// 0 ends it.
    Raid {
        for_ms: u64,
    },
}

impl Act {
    /// Whether it gives a message of one's own other words.
    pub fn is_edit(&self) -> bool {
        matches!(self, Act::Edit { .. })
    }

    /// Whether it deletes all that somebody said, which takes many steps.
    pub fn is_purge(&self) -> bool {
        matches!(self, Act::Purge { .. })
    }

    /// The change that a command asks for; `None`: it changes nothing of a room that exists.
    pub fn of(command: &RoomCommand<'_>) -> Option<Act> {
        Some(match command {
            RoomCommand::Update(patch) => Act::Update(Box::new(owned(patch))),
            RoomCommand::Archive { archived } => Act::Archive(*archived),
            RoomCommand::Delete => Act::Delete,
            RoomCommand::Edit { seq, said } => Act::Edit {
                seq: *seq,
                text: match said {
                    Said::Message(text) | Said::Body(text) => text.as_ref().into(),
                },
            },
            RoomCommand::DeleteMessage { seq, reason } => Act::DeleteMessage {
                seq: *seq,
                reason: words(reason),
            },
            RoomCommand::Purge { user, reason } => Act::Purge {
                user: who(user),
                reason: words(reason),
            },
            RoomCommand::Invite { user } => Act::Invite { user: who(user) },
            RoomCommand::Withdraw { user } => Act::Withdraw { user: who(user) },
            RoomCommand::Knock => Act::Knock,
            RoomCommand::Approve { user } => Act::Approve { user: who(user) },
            RoomCommand::Affiliate { user, affiliation } => Act::Affiliate {
                user: who(user),
                affiliation: *affiliation,
            },
            RoomCommand::Transfer { user } => Act::Transfer { user: who(user) },
            RoomCommand::Resign => Act::Resign,
            RoomCommand::Raid { for_ms } => Act::Raid { for_ms: *for_ms },
            sanction => return Act::of_sanction(sanction),
        })
    }

    fn of_sanction(command: &RoomCommand<'_>) -> Option<Act> {
        Some(match command {
            RoomCommand::Kick { user, reason } => Act::Kick {
                user: who(user),
                reason: words(reason),
            },
            RoomCommand::Ban {
                user,
                for_ms,
                reason,
            } => Act::Ban {
                user: who(user),
                for_ms: *for_ms,
                reason: words(reason),
            },
            RoomCommand::Unban { user } => Act::Unban { user: who(user) },
            RoomCommand::Mute {
                user,
                for_ms,
                reason,
            } => Act::Mute {
                user: who(user),
                for_ms: *for_ms,
                reason: words(reason),
            },
            RoomCommand::Unmute { user } => Act::Unmute { user: who(user) },
            _ => return None,
        })
    }
}

fn who(user: &str) -> Arc<str> {
    user.into()
}

fn words(reason: &Option<Cow<'_, str>>) -> Box<str> {
    reason.as_deref().unwrap_or_default().into()
}

fn owned(patch: &RoomPatch<'_>) -> RoomPatch<'static> {
    let text =
        |text: &Option<Cow<'_, str>>| text.as_deref().map(|text| Cow::Owned(text.to_owned()));
    RoomPatch {
        name: text(&patch.name),
        topic: text(&patch.topic),
        kind: patch.kind,
        join_rule: patch.join_rule,
        ephemeral: patch.ephemeral,
        locked: patch.locked,
        slow_mode_ms: patch.slow_mode_ms,
        cooldown_ms: patch.cooldown_ms,
        message_characters_max: patch.message_characters_max,
        members_max: patch.members_max,
        retention_messages: patch.retention_messages,
        retention_ms: patch.retention_ms,
        messages_per_minute: patch.messages_per_minute,
        messages_per_minute_per_member: patch.messages_per_minute_per_member,
        bytes_per_second: patch.bytes_per_second,
        joins_per_minute: patch.joins_per_minute,
    }
}

/// Who wants it.
#[derive(Debug, Clone)]
pub struct Actor {
    /// Empty: the operator.
    pub user: Arc<str>,
    pub capabilities: Capabilities,
    pub authority: Authority,
}

impl Actor {
    /// Who may do everything, and lifts what nobody of the room lifts.
    pub fn operator() -> Self {
        Actor {
            user: "".into(),
            capabilities: Capabilities::of(Capability::ALL),
            authority: Authority::Operator,
        }
    }

    /// Whether what is of the room itself, or of who belongs to it how, is theirs to decide: they moderate it, or configure it.
    pub fn has_say(&self) -> bool {
        [Capability::Moderate, Capability::Configure]
            .into_iter()
            .any(|capability| self.capabilities.contains(capability))
    }
}

/// What is to be kept, and who is held to it meanwhile.
#[derive(Debug, Clone)]
pub struct Planned {
    pub change: Change,
    pub hold: Hold,
}

/// Whose messages are refused while a change is on its way that takes something from them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Hold {
    #[default]
    Nobody,
    User(Arc<str>),
    Everybody,
}

#[cfg(test)]
mod tests;
