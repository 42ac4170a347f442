//! `wardroom room`: rooms made, shown, set, archived and deleted.

use std::io::Write;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::arguments::{parse_name, parse_time};
use super::asking::{cell, show};
use super::client::{Client, percent_encoded};
use super::moderation::{Change, millis};
use super::room_pages::{History, Log, People, date};
use super::target::TargetArguments;
use super::{Failure, table};

#[derive(Debug, Subcommand)]
pub(super) enum RoomCommand {
    /// Make a room for somebody.
    New(New),
    /// Show what a room is like.
    Show(Named),
    /// List who belongs to a room, is invited, asks to be let in, is banned or muted.
    People(People),
    /// Change what a room is like.
    Set(Set),
    /// Archive a room: it can only be read.
    Archive(Archive),
    /// Delete a room and all of it but its moderation log.
    Delete(Named),
    /// Read the moderation log of a room.
    Log(Log),
    /// Read the messages that a room keeps.
    History(History),
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// The room.
    room: String,
    #[command(flatten)]
    target: TargetArguments,
}

#[derive(Debug, Args)]
pub(super) struct New {
    /// Its id: 1 to 64 of A-Z a-z 0-9 _ . : -
    room: String,
    /// Who owns it, by their identifier; they need not have been here.
    #[arg(long, value_name = "ID", value_parser = parse_name)]
    owner: String,
    /// Deliver messages and keep none.
    #[arg(long)]
    ephemeral: bool,
    #[command(flatten)]
    settings: RoomSettings,
    #[command(flatten)]
    target: TargetArguments,
}

#[derive(Debug, Args)]
pub(super) struct Set {
    /// The room.
    room: String,
    #[command(flatten)]
    settings: RoomSettings,
    #[command(flatten)]
    target: TargetArguments,
}

#[derive(Debug, Args)]
pub(super) struct Archive {
    /// The room.
    room: String,
    /// Take it out of the archive.
    #[arg(long)]
    undo: bool,
    #[command(flatten)]
    target: TargetArguments,
}

/// What is not given stays as it is. 0 is no bound of the room's own.
#[derive(Debug, Args)]
struct RoomSettings {
    /// Whom it is for: anybody, those who belong to it, or those alone and enciphered.
    #[arg(long, value_parser = ["public", "members", "private"])]
    kind: Option<String>,
    /// How somebody comes in who does not belong to it.
    #[arg(long, value_parser = ["open", "invite", "knock"])]
    join_rule: Option<String>,
    /// Its name for people.
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    #[arg(long, value_name = "TEXT")]
    topic: Option<String>,
    /// Whether only moderators may speak.
    #[arg(long, value_name = "BOOL")]
    locked: Option<bool>,
    /// Between two messages of one person.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    slow_mode: Option<Duration>,
    /// From coming in for the first time to the first message.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    cooldown: Option<Duration>,
    #[arg(long, value_name = "N")]
    message_characters_max: Option<u32>,
    /// People who belong to it or are there.
    #[arg(long, value_name = "N")]
    members_max: Option<u32>,
    /// Messages kept.
    #[arg(long, value_name = "N")]
    retention_messages: Option<u32>,
    /// How long messages are kept.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    retention: Option<Duration>,
    /// Messages of everybody together.
    #[arg(long, value_name = "N")]
    messages_per_minute: Option<u32>,
    /// Messages of one person.
    #[arg(long, value_name = "N")]
    messages_per_minute_per_member: Option<u32>,
    /// Bytes of messages of everybody together.
    #[arg(long, value_name = "N")]
    bytes_per_second: Option<u32>,
    /// People who come in.
    #[arg(long, value_name = "N")]
    joins_per_minute: Option<u32>,
}

impl RoomSettings {
    /// Those that were given, under the server's names.
    fn fields(&self) -> impl Iterator<Item = (&'static str, Value)> {
        let text = |text: &Option<String>| text.as_deref().map(Value::from);
        let time = |time: Option<Duration>| time.map(millis).map(Value::from);
        let number = |number: Option<u32>| number.map(Value::from);
        [
            ("kind", text(&self.kind)),
            ("join_rule", text(&self.join_rule)),
            ("name", text(&self.name)),
            ("topic", text(&self.topic)),
            ("locked", self.locked.map(Value::from)),
            ("slow_mode_ms", time(self.slow_mode)),
            ("cooldown_ms", time(self.cooldown)),
            (
                "message_characters_max",
                number(self.message_characters_max),
            ),
            ("members_max", number(self.members_max)),
            ("retention_messages", number(self.retention_messages)),
            ("retention_ms", time(self.retention)),
            ("messages_per_minute", number(self.messages_per_minute)),
            (
                "messages_per_minute_per_member",
                number(self.messages_per_minute_per_member),
            ),
            ("bytes_per_second", number(self.bytes_per_second)),
            ("joins_per_minute", number(self.joins_per_minute)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
    }
}

impl RoomCommand {
    pub(super) fn run(&self, client: &Client, output: &mut dyn Write) -> Result<(), Failure> {
        let as_json = self.target().json;
        match self {
            RoomCommand::New(new) => new.run(client, output),
            RoomCommand::Show(named) => {
                let path = format!("/api/v1/rooms/{}?limit=1", percent_encoded(&named.room));
                describe(&without_members(client.get(&path)?), as_json, output)
            }
            RoomCommand::Set(set) => {
                let change = Change::of(&set.room, "update");
                let fields = set.settings.fields();
                let change = fields.fold(change, |change, (name, value)| {
                    change.with(name, Some(value))
                });
                change.send(client, as_json, output)
            }
            RoomCommand::Archive(archive) => Change::of(&archive.room, "archive")
                .with("archived", Some(!archive.undo))
                .send(client, as_json, output),
            RoomCommand::Delete(named) => {
                Change::of(&named.room, "delete").send(client, as_json, output)
            }
            RoomCommand::People(people) => people.run(client, output),
            RoomCommand::Log(log) => log.run(client, output),
            RoomCommand::History(history) => history.run(client, output),
        }
    }

    pub(super) fn target(&self) -> &TargetArguments {
        match self {
            RoomCommand::New(new) => &new.target,
            RoomCommand::Show(named) | RoomCommand::Delete(named) => &named.target,
            RoomCommand::Set(set) => &set.target,
            RoomCommand::Archive(archive) => &archive.target,
            RoomCommand::People(people) => &people.target,
            RoomCommand::Log(log) => &log.range.target,
            RoomCommand::History(history) => &history.range.target,
        }
    }
}

impl New {
    fn run(&self, client: &Client, output: &mut dyn Write) -> Result<(), Failure> {
        let settings = self.settings.fields();
        let mut body: Map<String, Value> = settings
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        body.insert("room".to_owned(), json!(self.room));
        body.insert("owner".to_owned(), json!(self.owner));
        if self.ephemeral {
            body.insert("ephemeral".to_owned(), json!(true));
        }
        let answer = client.post("/api/v1/rooms", &Value::Object(body))?;
        describe(&answer, self.target.json, output)
    }
}

/// Those are what `wardroom rooms ROOM` is for.
fn without_members(mut answer: Value) -> Value {
    if let Some(fields) = answer.as_object_mut() {
        fields.remove("members");
        fields.remove("next");
    }
    answer
}

fn describe(answer: &Value, as_json: bool, output: &mut dyn Write) -> Result<(), Failure> {
    show(answer, as_json, output, |output| {
        let part = |name: &str| answer.get(name).unwrap_or(&Value::Null);
        let mut rows: Vec<[String; 2]> = [
            "room",
            "created_by",
            "count",
            "connections",
            "seq",
            "first_seq",
        ]
        .iter()
        .map(|name| [(*name).to_owned(), cell(answer, name)])
        .collect();
        rows.push(["created".to_owned(), date(answer, "created")]);
        rows.push(["log.number".to_owned(), cell(part("log"), "number")]);
        rows.push(["log.hash".to_owned(), cell(part("log"), "hash")]);
        let settings = part("settings").as_object().into_iter().flatten();
        rows.extend(settings.map(|(name, _)| {
            let value = match name.as_str() {
                "raid_until" => date(part("settings"), name),
                name => cell(part("settings"), name),
            };
            [name.clone(), value]
        }));
        table::print(["FIELD", "VALUE"], &rows, output)
    })
}
