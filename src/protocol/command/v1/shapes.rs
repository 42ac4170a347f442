//! Every request and its fields: what the document, the tests and the simulated clients read.

use crate::protocol::command::Field::{
    self, Affiliation, After, Archived, Before, Body, BytesPerSecond, CooldownMs, Ephemeral, ForMs,
    JoinRule, JoinsPerMinute, Key, Kind, Limit, Locked, MembersMax, Message, MessageCharactersMax,
    MessagesPerMinute, MessagesPerMinutePerMember, Name, Reason, RetentionMessages, RetentionMs,
    Room, Seq, Since, SlowModeMs, Token, Topic, User,
};

/// What a request is made of, besides `type` and `id`, in the order in which its fields are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Its `type`.
    pub name: &'static str,
    /// [`Field::Message`]: or [`Field::Body`] instead of it.
    pub required: &'static [Field],
    pub optional: &'static [Field],
}

const fn shape(
    name: &'static str,
    required: &'static [Field],
    optional: &'static [Field],
) -> Shape {
    Shape {
        name,
        required,
        optional,
    }
}

const CREATED: [Field; 16] = [
    Kind,
    JoinRule,
    Name,
    Topic,
    Ephemeral,
    Locked,
    SlowModeMs,
    CooldownMs,
    MessageCharactersMax,
    MembersMax,
    RetentionMessages,
    RetentionMs,
    MessagesPerMinute,
    MessagesPerMinutePerMember,
    BytesPerSecond,
    JoinsPerMinute,
];

const UPDATED: [Field; 15] = [
    Kind,
    JoinRule,
    Name,
    Topic,
    Locked,
    SlowModeMs,
    CooldownMs,
    MessageCharactersMax,
    MembersMax,
    RetentionMessages,
    RetentionMs,
    MessagesPerMinute,
    MessagesPerMinutePerMember,
    BytesPerSecond,
    JoinsPerMinute,
];

/// Every request.
pub const COMMANDS: [Shape; 33] = [
    shape("send", &[Room, Message], &[Body, Key]),
    shape("join", &[Room], &[Since]),
    shape("leave", &[Room], &[]),
    shape("members", &[Room], &[]),
    shape("typing", &[Room], &[]),
    shape("refresh", &[Token], &[]),
    shape("ping", &[], &[]),
    shape("rooms", &[], &[After, Limit]),
    shape("create", &[Room], &CREATED),
    shape("describe", &[Room], &[]),
    shape("update", &[Room], &UPDATED),
    shape("archive", &[Room, Archived], &[]),
    shape("delete", &[Room], &[]),
    shape("history", &[Room], &[After, Before, Limit]),
    shape("edit", &[Room, Seq, Message], &[Body]),
    shape("delete_message", &[Room, Seq], &[Reason]),
    shape("purge", &[Room, User], &[Reason]),
    shape("seen", &[Room, Seq], &[]),
    shape("invite", &[Room, User], &[]),
    shape("withdraw", &[Room, User], &[]),
    shape("knock", &[Room], &[]),
    shape("approve", &[Room, User], &[]),
    shape("affiliate", &[Room, User, Affiliation], &[]),
    shape("transfer", &[Room, User], &[]),
    shape("resign", &[Room], &[]),
    shape("kick", &[Room, User], &[Reason]),
    shape("ban", &[Room, User], &[ForMs, Reason]),
    shape("unban", &[Room, User], &[]),
    shape("mute", &[Room, User], &[ForMs, Reason]),
    shape("unmute", &[Room, User], &[]),
    shape("raid", &[Room, ForMs], &[]),
    shape("explain", &[Room], &[User]),
    shape("log", &[Room], &[After, Before, Limit]),
];
