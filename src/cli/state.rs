//! `wardroom rooms` and `wardroom limits`: what the server holds, and how much of it.

use std::io::Write;
use std::net::IpAddr;

use clap::Args;
use serde_json::{Value, json};

use super::arguments::parse_name;
use super::asking::{cell, list, pages, rows, show};
use super::client::{Client, percent_encoded};
use super::table::Below;
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
    /// Every bucket of this user, of their connections and addresses, instead of the settings and of those who used most.
    #[arg(long, value_name = "ID", value_parser = parse_name)]
    user: Option<String>,
    /// The same of the prefix that this address is counted with.
    #[arg(long, value_name = "ADDRESS")]
    address: Option<IpAddr>,
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
        let mut path = "/api/v1/limits".to_owned();
        let address = self.address.map(|address| address.to_string());
        for (name, value) in [("user", &self.user), ("address", &address)] {
            if let Some(value) = value {
                let mark = if path.contains('?') { '&' } else { '?' };
                path.push_str(&format!("{mark}{name}={}", percent_encoded(value)));
            }
        }
        let answer = client.get(&path)?;
        show(&answer, self.target.json, output, |output| {
            if self.user.is_some() || address.is_some() {
                return print_used(&answer, false, output);
            }
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
            print_used(&answer, true, output)
        })
    }
}

/// Who has used how much, and who is kept out: a table for each that there is something in, below what is printed already.
fn print_used(answer: &Value, is_below: bool, output: &mut dyn Write) -> std::io::Result<()> {
    let used = ["limit", "used", "burst", "full_in_ms"];
    let headings = ["LIMIT", "USED", "OF", "FULL IN MS"];
    let mut below = Below::new(output, is_below);
    for (whose, name, list) in [
        ("USER", "user", "users"),
        ("ADDRESS", "address", "addresses"),
    ] {
        let [limit, taken, of, full] = used;
        let entries = rows(answer, list, [name, limit, taken, of, full]);
        let [limit, taken, of, full] = headings;
        below.print([whose, limit, taken, of, full], &entries)?;
    }
    let [limit, taken, of, full] = used;
    let names = ["connection", "user", "address", limit, taken, of, full];
    let entries = rows(answer, "connections", names);
    let [limit, taken, of, full] = headings;
    let headings = ["CONNECTION", "USER", "ADDRESS", limit, taken, of, full];
    below.print(headings, &entries)?;
    let kept_out = rows(answer, "penalties", ["address", "left_ms"]);
    below.print(["KEPT OUT", "LEFT MS"], &kept_out)?;
    let shadow = list(answer, "shadow").iter().filter_map(Value::as_str);
    let shadow: Vec<_> = shadow.map(|limit| [limit.to_owned()]).collect();
    below.print(["REHEARSED, REFUSING NOTHING"], &shadow)
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
