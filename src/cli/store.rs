//! `wardroom store`: looks into what the server keeps, or into a copy of it, and changes nothing.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::arguments::Settings;
use super::asking::show;
use super::{Failure, load_or_default, table};
use crate::rooms::audit::{Digest, Entry};
use crate::rooms::record::{Head, MessageRecord, RoomRecord};
use crate::rooms::standing::{Sanction, Standing};
use crate::store::{Archive, ArchiveError, Exported};
use crate::time::Wall;

/// Which store.
#[derive(Debug, Args)]
pub(super) struct ArchiveArguments {
    /// The server's configuration file, which names the store's directory. Without it: the server that runs without a file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A copy made by `wardroom store backup`, instead of the server's own.
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    copy: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

impl ArchiveArguments {
    pub(super) fn open(&self, environment: Vec<(OsString, OsString)>) -> Result<Archive, Failure> {
        if let Some(copy) = &self.copy {
            return Ok(Archive::open(copy)?);
        }
        let config = load_or_default(self.config.as_deref(), &self.settings.flags, environment)?;
        Ok(Archive::in_directory(&config.store.directory)?)
    }
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Self {
        Failure::Operation(error.to_string())
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum StoreCommand {
    /// Look for damage, for holes in the numbers of messages, and for changed entries of moderation logs.
    Check {
        /// Print JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        archive: ArchiveArguments,
    },
    /// Copy everything to a new file, as it is now; the server goes on.
    Backup {
        /// The copy, which must not be there yet.
        #[arg(value_name = "FILE")]
        to: PathBuf,
        #[command(flatten)]
        archive: ArchiveArguments,
    },
    /// Print rooms, people, messages and moderation logs: JSON, one object a line.
    Export {
        /// One room alone, by its id.
        #[arg(long, value_name = "ROOM")]
        room: Option<String>,
        #[command(flatten)]
        archive: ArchiveArguments,
    },
}

impl StoreCommand {
    pub(super) fn run(
        self,
        environment: Vec<(OsString, OsString)>,
        output: &mut dyn Write,
    ) -> Result<(), Failure> {
        match self {
            StoreCommand::Check { json, archive } => {
                check(archive.open(environment)?, json, output)
            }
            StoreCommand::Backup { to, archive } => Ok(archive.open(environment)?.back_up(&to)?),
            StoreCommand::Export { room, archive } => {
                let mut archive = archive.open(environment)?;
                let mut is_empty = true;
                archive.export(room.as_deref(), &mut |exported| {
                    is_empty = false;
                    write_lines(&exported, output)
                })?;
                match room {
                    Some(room) if is_empty => {
                        Err(Failure::Operation(format!("there is no room {room:?}")))
                    }
                    _ => Ok(()),
                }
            }
        }
    }
}

fn check(mut archive: Archive, as_json: bool, output: &mut dyn Write) -> Result<(), Failure> {
    let checked = archive.check()?;
    let told = json!({
        "rooms": checked.rooms,
        "messages": checked.messages,
        "log_entries": checked.entries,
        "faults": checked.faults,
    });
    show(&told, as_json, output, |output| {
        let row = [checked.rooms, checked.messages, checked.entries].map(|count| count.to_string());
        table::print(["ROOMS", "MESSAGES", "LOG_ENTRIES"], &[row], output)
    })?;
    if checked.faults.is_empty() {
        return Ok(());
    }
    Err(Failure::Operation(format!(
        "the store is damaged:\n{}\nrestore a copy; `wardroom store export` may save what can be read",
        checked.faults.join("\n")
    )))
}

fn write_lines(exported: &Exported, output: &mut dyn Write) -> io::Result<()> {
    match exported {
        Exported::Room(room) => {
            write_line("room", &room.id, room_fields(room), output)?;
            for (user, standing) in &room.standings {
                write_line("person", &room.id, person_fields(user, standing), output)?;
            }
            Ok(())
        }
        Exported::Message(room, message) => {
            write_line("message", room, message_fields(message), output)
        }
        Exported::Entry(room, head, entry) => {
            write_line("log", room, entry_fields(head, entry), output)
        }
    }
}

/// What says nothing is left out, as in notices.
fn write_line(kind: &str, room: &str, fields: Value, output: &mut dyn Write) -> io::Result<()> {
    let mut line = Map::new();
    line.insert("type".to_owned(), kind.into());
    line.insert("room".to_owned(), room.into());
    if let Value::Object(fields) = fields {
        let says = |value: &Value| !value.is_null() && value.as_str() != Some("");
        line.extend(fields.into_iter().filter(|(_, value)| says(value)));
    }
    writeln!(output, "{}", Value::Object(line))
}

fn room_fields(room: &RoomRecord) -> Value {
    let settings = &room.settings;
    json!({
        "kind": settings.kind.word(),
        "join_rule": settings.join_rule.word(),
        "name": &*settings.name,
        "topic": &*settings.topic,
        "durable": settings.is_durable,
        "locked": settings.is_locked,
        "archived": settings.is_archived,
        "raid_until": settings.raid_until.map(seconds),
        "slow_mode_ms": settings.slow_mode.as_millis() as u64,
        "cooldown_ms": settings.cooldown.as_millis() as u64,
        "message_characters_max": settings.message_characters_max,
        "members_max": settings.members_max,
        "retention_messages": settings.retention_messages,
        "retention_ms": settings.retention.as_millis() as u64,
        "messages_per_minute": settings.messages_per_minute,
        "messages_per_minute_per_member": settings.messages_per_minute_per_member,
        "bytes_per_second": settings.bytes_per_second,
        "joins_per_minute": settings.joins_per_minute,
        "created_by": &*room.created_by,
        "created": seconds(room.created),
        "first_seq": room.first_seq,
        "last_seq": room.last_seq,
    })
}

fn person_fields(user: &str, standing: &Standing) -> Value {
    json!({
        "user": user,
        "affiliation": standing.held.word(),
        "ban": standing.ban.as_ref().map(sanction_fields),
        "mute": standing.mute.as_ref().map(sanction_fields),
        "invited": standing.is_invited,
        "knocked": standing.knocked.map(seconds),
        "read": standing.read,
    })
}

fn sanction_fields(sanction: &Sanction) -> Value {
    json!({
        "by": &*sanction.by,
        "authority": sanction.authority.word(),
        "until": sanction.until.map(seconds),
        "reason": &*sanction.reason,
    })
}

fn message_fields(message: &MessageRecord) -> Value {
    json!({
        "seq": message.seq,
        "user": &*message.sender,
        "name": &*message.name,
        "message": &*message.text,
        "timestamp": seconds(message.at),
        "edited": message.edited.map(seconds),
        "deleted": message.deleted.map(seconds),
    })
}

fn entry_fields(head: &Head, entry: &Entry) -> Value {
    json!({
        "number": head.number,
        "hash": hex(&head.digest),
        "timestamp": seconds(entry.at),
        "actor": &*entry.actor,
        "authority": entry.authority.word(),
        "action": &*entry.action,
        "user": &*entry.target,
        "seq": entry.seq,
        "until": entry.until.map(seconds),
        "reason": &*entry.reason,
        "details": &*entry.details,
    })
}

pub(super) fn hex(digest: &Digest) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Since 1970, as everywhere in JSON.
fn seconds(wall: Wall) -> f64 {
    wall.as_millis() as f64 / 1000.0
}
