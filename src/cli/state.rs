//! `wardroom rooms` and `wardroom limits`: what the server holds, and how much of it.

use std::io::Write;
use std::net::IpAddr;

use clap::Args;
use serde_json::{Value, json};

use super::asking::{cell, list, pages, show};
use super::client::{Client, percent_encoded};
use super::target::TargetArguments;
use super::{Failure, table};

#[derive(Debug, Args)]
pub(super) struct Rooms {
    /// The members of this room, instead of all rooms.
    room: Option<String>,
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
    #[command(flatten)]
    pub(super) target: TargetArguments,
}

#[derive(Debug, Args)]
pub(super) struct Limits {
    #[command(flatten)]
    pub(super) target: TargetArguments,
}

#[derive(Debug, Args)]
pub(super) struct Pardon {
    /// The address, as the log or `wardroom limits` tells it, without the length of its prefix.
    address: IpAddr,
    #[command(flatten)]
    pub(super) target: TargetArguments,
}

impl Rooms {
    pub(super) fn run(&self, client: &Client, output: &mut dyn Write) -> Result<(), Failure> {
        let json = self.target.json;
        match &self.room {
            None => {
                let answer = pages(client, "/api/v1/rooms", "", "rooms", self.limit)?;
                let names = ["room", "members", "connections", "seq"];
                let headings = ["ROOM", "MEMBERS", "CONNECTIONS", "SEQ"];
                show(&answer, json, output, |output| {
                    table::print(headings, &rows(&answer, "rooms", names), output)
                })
            }
            Some(room) => {
                let path = format!("/api/v1/rooms/{}", percent_encoded(room));
                let answer = pages(client, &path, "", "members", self.limit)?;
                let names = ["user", "name", "connections"];
                show(&answer, json, output, |output| {
                    let headings = ["USER", "NAME", "CONNECTIONS"];
                    table::print(headings, &rows(&answer, "members", names), output)
                })
            }
        }
    }
}

impl Limits {
    pub(super) fn run(&self, client: &Client, output: &mut dyn Write) -> Result<(), Failure> {
        let answer = client.get("/api/v1/limits")?;
        show(&answer, self.target.json, output, |output| {
            let in_use = answer.get("in_use").unwrap_or(&Value::Null);
            let settings = answer.get("settings").and_then(Value::as_object);
            let lines: Vec<[String; 4]> = settings
                .into_iter()
                .flatten()
                .map(|(key, setting)| {
                    let value = match setting.get("burst") {
                        Some(burst) => format!("{burst} per {} ms", cell(setting, "per_ms")),
                        None => cell(setting, "value"),
                    };
                    [key.clone(), value, cell(setting, "unit"), cell(in_use, key)]
                })
                .collect();
            table::print(["SETTING", "VALUE", "UNIT", "IN USE"], &lines, output)?;
            for (whose, name, list) in [
                ("USER", "user", "users"),
                ("ADDRESS", "address", "addresses"),
            ] {
                let names = [name, "limit", "used", "burst", "full_in_ms"];
                let entries = rows(&answer, list, names);
                if !entries.is_empty() {
                    writeln!(output)?;
                    let headings = [whose, "LIMIT", "USED", "OF", "FULL IN MS"];
                    table::print(headings, &entries, output)?;
                }
            }
            let kept_out = rows(&answer, "penalties", ["address", "left_ms"]);
            if !kept_out.is_empty() {
                writeln!(output)?;
                table::print(["KEPT OUT", "LEFT MS"], &kept_out, output)?;
            }
            Ok(())
        })
    }
}

impl Pardon {
    pub(super) fn run(&self, client: &Client, output: &mut dyn Write) -> Result<(), Failure> {
        let body = json!({ "address": self.address.to_string() });
        let answer = client.post("/api/v1/pardons", &body)?;
        show(&answer, self.target.json, output, |output| {
            let row = ["address", "was_kept_out"].map(|name| cell(&answer, name));
            table::print(["ADDRESS", "WAS KEPT OUT"], &[row], output)
        })
    }
}

/// The named fields of each entry of a list.
fn rows<const N: usize>(answer: &Value, name: &str, names: [&str; N]) -> Vec<[String; N]> {
    list(answer, name)
        .iter()
        .map(|entry| names.map(|name| cell(entry, name)))
        .collect()
}
