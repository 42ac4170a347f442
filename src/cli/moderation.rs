//! `wardroom affiliate`, `ban`, `kick` and their like: how people stand to a room, with the operator's authority.

use std::io::Write;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use super::arguments::{parse_name, parse_time};
use super::asking::{cell, show};
use super::client::{Client, percent_encoded};
use super::target::TargetArguments;
use super::{Failure, table};

#[derive(Debug, Subcommand)]
pub(super) enum Moderation {
    /// Say how a user stands to a room; so a room gets its owner.
    Affiliate(Affiliate),
    /// Keep a user out of a room; nobody of the room lifts it.
    Ban(Sanction),
    /// Lift a ban.
    Unban(Somebody),
    /// Let a user say nothing in a room; nobody of the room lifts it.
    Mute(Sanction),
    /// Lift a mute.
    Unmute(Somebody),
    /// Put a user out of a room; they may come back if they may join.
    Kick(Explained),
    /// Delete one message.
    DeleteMessage(DeleteMessage),
    /// Delete everything that a user said in a room.
    Purge(Explained),
}

#[derive(Debug, Args)]
pub(super) struct Somebody {
    /// The room.
    room: String,
    /// The user, by their identifier; they need not be there.
    #[arg(value_parser = parse_name)]
    user: String,
    #[command(flatten)]
    target: TargetArguments,
}

#[derive(Debug, Args)]
pub(super) struct Explained {
    #[command(flatten)]
    somebody: Somebody,
    /// Why, in at most 256 bytes: they are told, and the log keeps it.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Sanction {
    #[command(flatten)]
    explained: Explained,
    /// How long, as 10m, 8h or 7d, at most 366d; until it is lifted when not given.
    #[arg(long = "for", value_name = "TIME", value_parser = parse_time)]
    lasts: Option<Duration>,
}

#[derive(Debug, Args)]
pub(super) struct Affiliate {
    #[command(flatten)]
    somebody: Somebody,
    /// How they stand to it.
    #[arg(value_parser = ["none", "member", "moderator", "owner"])]
    affiliation: String,
}

#[derive(Debug, Args)]
pub(super) struct DeleteMessage {
    /// The room.
    room: String,
    /// The message's number.
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    seq: u64,
    /// Why, in at most 256 bytes: the log keeps it.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    target: TargetArguments,
}

impl Moderation {
    pub(super) fn run(&self, client: &Client, output: &mut dyn Write) -> Result<(), Failure> {
        self.change().send(client, self.target().json, output)
    }

    pub(super) fn target(&self) -> &TargetArguments {
        match self {
            Moderation::Affiliate(Affiliate { somebody, .. })
            | Moderation::Unban(somebody)
            | Moderation::Unmute(somebody)
            | Moderation::Kick(Explained { somebody, .. })
            | Moderation::Purge(Explained { somebody, .. }) => &somebody.target,
            Moderation::Ban(sanction) | Moderation::Mute(sanction) => {
                &sanction.explained.somebody.target
            }
            Moderation::DeleteMessage(delete) => &delete.target,
        }
    }

    fn change(&self) -> Change<'_> {
        match self {
            Moderation::Affiliate(affiliate) => affiliate
                .somebody
                .change("affiliate")
                .with("affiliation", Some(affiliate.affiliation.as_str())),
            Moderation::Ban(sanction) => sanction.change("ban"),
            Moderation::Unban(somebody) => somebody.change("unban"),
            Moderation::Mute(sanction) => sanction.change("mute"),
            Moderation::Unmute(somebody) => somebody.change("unmute"),
            Moderation::Kick(explained) => explained.change("kick"),
            Moderation::Purge(explained) => explained.change("purge"),
            Moderation::DeleteMessage(delete) => Change::of(&delete.room, "delete_message")
                .with("seq", Some(delete.seq))
                .with("reason", delete.reason.as_deref()),
        }
    }
}

impl Somebody {
    fn change(&self, action: &'static str) -> Change<'_> {
        Change::of(&self.room, action).with("user", Some(self.user.as_str()))
    }
}

impl Explained {
    fn change(&self, action: &'static str) -> Change<'_> {
        let change = self.somebody.change(action);
        change.with("reason", self.reason.as_deref())
    }
}

impl Sanction {
    fn change(&self, action: &'static str) -> Change<'_> {
        let change = self.explained.change(action);
        change.with("for_ms", self.lasts.map(millis))
    }
}

/// Something to be changed in a room.
pub(super) struct Change<'a> {
    room: &'a str,
    body: Map<String, Value>,
}

impl<'a> Change<'a> {
    pub(super) fn of(room: &'a str, action: &'static str) -> Self {
        let change = Change {
            room,
            body: Map::new(),
        };
        change.with("action", Some(action))
    }

    /// With this field, if there is something to put there.
    pub(super) fn with(mut self, name: &'static str, value: Option<impl Into<Value>>) -> Self {
        let value = value.map(|value| (name.to_owned(), value.into()));
        self.body.extend(value);
        self
    }

    /// Has it done, and says what was.
    pub(super) fn send(
        self,
        client: &Client,
        as_json: bool,
        output: &mut dyn Write,
    ) -> Result<(), Failure> {
        let path = format!("/api/v1/rooms/{}/changes", percent_encoded(self.room));
        let body = Value::Object(self.body);
        let answer = client.post(&path, &body)?;
        show(&answer, as_json, output, |output| {
            let row = [
                cell(&answer, "room"),
                cell(&answer, "action"),
                cell(&body, "user"),
                cell(&answer, "number"),
            ];
            table::print(["ROOM", "ACTION", "USER", "ENTRY"], &[row], output)
        })
    }
}

/// As the server takes times.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
