//! The commands that ask a running server, and what they have in common.

use std::ffi::OsString;
use std::io::{self, Write};

use clap::Subcommand;
use serde_json::Value;

use super::Failure;
use super::client::{Client, percent_encoded};
use super::moderation::Moderation;
use super::people::{Connections, Disconnect, Ticket};
use super::publish::Publish;
use super::room::RoomCommand;
use super::state::{Limits, Pardon, Rooms};
use super::target::TargetArguments;
use crate::protocol::api::PAGE_ENTRIES_MAX;

/// Pages asked for before a list is taken to be endless.
pub(super) const PAGES_MAX: usize = 1024;

#[derive(Debug, Subcommand)]
pub(super) enum Asking {
    /// Say something in a room of a running server.
    Publish(Publish),
    /// End every connection of a user.
    Disconnect(Disconnect),
    /// List who is connected.
    Connections(Connections),
    /// List the rooms, or who is in one.
    Rooms(Rooms),
    /// Make, show, set, archive and delete rooms; read their history and their moderation log.
    Room {
        #[command(subcommand)]
        command: RoomCommand,
    },
    #[command(flatten)]
    Moderation(Moderation),
    /// Show the limits in force and who has used most of them.
    Limits(Limits),
    /// Let an address back in that is kept out for its offences.
    Pardon(Pardon),
    /// Print a one-time ticket that lets somebody in.
    Ticket(Ticket),
}

impl Asking {
    /// # Errors
    /// [`Failure`], which knows its exit code.
    pub(super) fn run(
        &self,
        environment: Vec<(OsString, OsString)>,
        output: &mut dyn Write,
    ) -> Result<(), Failure> {
        let client = Client::new(self.target().resolve(environment)?);
        match self {
            Asking::Publish(publish) => publish.run(&client, output),
            Asking::Disconnect(disconnect) => disconnect.run(&client, output),
            Asking::Connections(connections) => connections.run(&client, output),
            Asking::Rooms(rooms) => rooms.run(&client, output),
            Asking::Room { command } => command.run(&client, output),
            Asking::Moderation(moderation) => moderation.run(&client, output),
            Asking::Limits(limits) => limits.run(&client, output),
            Asking::Pardon(pardon) => pardon.run(&client, output),
            Asking::Ticket(ticket) => ticket.run(&client, output),
        }
    }

    fn target(&self) -> &TargetArguments {
        match self {
            Asking::Publish(publish) => &publish.target,
            Asking::Disconnect(disconnect) => &disconnect.target,
            Asking::Connections(connections) => &connections.target,
            Asking::Rooms(rooms) => &rooms.target,
            Asking::Room { command } => command.target(),
            Asking::Moderation(moderation) => moderation.target(),
            Asking::Limits(limits) => &limits.target,
            Asking::Pardon(pardon) => &pardon.target,
            Asking::Ticket(ticket) => &ticket.target,
        }
    }
}

/// Prints a server's answer as it is, or by `table`.
pub(super) fn show(
    answer: &Value,
    as_json: bool,
    output: &mut dyn Write,
    table: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    if as_json {
        return Ok(writeln!(output, "{answer}")?);
    }
    Ok(table(output)?)
}

/// A list in an answer; empty when it is not there.
pub(super) fn list<'a>(answer: &'a Value, name: &str) -> &'a [Value] {
    let list = answer.get(name).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

/// A field of an answer as text; `-` when it is not there.
pub(super) fn cell(entry: &Value, name: &str) -> String {
    match entry.get(name) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// The pages of a list, joined, up to `limit` entries; `next` stays what the last page said.
pub(super) fn pages(
    client: &Client,
    path: &str,
    query: &str,
    list: &str,
    limit: u32,
) -> Result<Value, Failure> {
    let limit = limit as usize;
    let mut entries: Vec<Value> = Vec::new();
    let mut cursor = String::new();
    for _ in 0..PAGES_MAX {
        let page_max = (limit - entries.len()).clamp(1, PAGE_ENTRIES_MAX);
        let path = format!("{path}?limit={page_max}{cursor}{query}");
        let mut answer = client.get(&path)?;
        if let Some(page) = answer.get_mut(list).and_then(Value::as_array_mut) {
            entries.append(page);
        }
        let next = answer.get("next").and_then(Value::as_str);
        match next {
            Some(next) if entries.len() < limit => {
                cursor = format!("&cursor={}", percent_encoded(next));
            }
            _ => {
                if let Some(object) = answer.as_object_mut() {
                    object.insert(list.to_owned(), entries.into());
                }
                return Ok(answer);
            }
        }
    }
    Err(Failure::Operation(format!(
        "the list did not end after {PAGES_MAX} pages"
    )))
}

/// The named fields of each entry of a list.
pub(super) fn rows<const N: usize>(
    answer: &Value,
    name: &str,
    names: [&str; N],
) -> Vec<[String; N]> {
    list(answer, name)
        .iter()
        .map(|entry| names.map(|name| cell(entry, name)))
        .collect()
}
