//! `wardroom connections`, `wardroom disconnect` and `wardroom ticket`: who is here, who is to go, who may come.

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};

use super::arguments::parse_name;
use super::asking::{cell, list, pages, rows, show};
use super::client::{Client, percent_encoded};
use super::table::Below;
use super::target::TargetArguments;
use super::{Failure, table};

#[derive(Debug, Args)]
pub(super) struct Connections {
    /// What this connection is doing, by its ID in the list, instead of the list.
    #[arg(conflicts_with_all = ["user", "room", "limit"])]
    connection: Option<String>,
    /// Those of this user alone.
    #[arg(long, value_name = "ID", value_parser = parse_name)]
    user: Option<String>,
    /// Those in this room alone.
    #[arg(long, value_name = "ROOM")]
    room: Option<String>,
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
    #[command(flatten)]
    pub(super) target: TargetArguments,
}

#[derive(Debug, Args)]
pub(super) struct Disconnect {
    /// Whose connections, by their identifier.
    #[arg(value_parser = parse_name)]
    user: String,
    /// What they are told, in at most 123 bytes.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    pub(super) target: TargetArguments,
}

#[derive(Debug, Args)]
pub(super) struct Ticket {
    /// Who it is for: the identifier that does not change.
    #[arg(long, value_name = "ID", value_parser = parse_name)]
    sub: String,
    /// The name that others see; the identifier when there is none.
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    name: Option<String>,
    /// The only page that may show it, as https://chat.example.
    #[arg(long, value_name = "ORIGIN")]
    origin: Option<String>,
    #[command(flatten)]
    pub(super) target: TargetArguments,
}

impl Connections {
    pub(super) fn run(&self, client: &Client, output: &mut dyn Write) -> Result<(), Failure> {
        if let Some(connection) = &self.connection {
            return self.explain(connection, client, output);
        }
        let mut query = String::new();
        for (name, value) in [("user", &self.user), ("room", &self.room)] {
            if let Some(value) = value {
                query.push_str(&format!("&{name}={}", percent_encoded(value)));
            }
        }
        let answer = pages(
            client,
            "/api/v1/connections",
            &query,
            "connections",
            self.limit,
        )?;
        show(&answer, self.target.json, output, |output| {
            let rows: Vec<_> = list(&answer, "connections").iter().map(row).collect();
            let headings = [
                "USER", "NAME", "ADDRESS", "DOOR", "STATE", "PROTOCOL", "ROOMS", "QUEUED", "ID",
            ];
            table::print(headings, &rows, output)
        })
    }
}

impl Connections {
    fn explain(
        &self,
        connection: &str,
        client: &Client,
        output: &mut dyn Write,
    ) -> Result<(), Failure> {
        let path = format!("/api/v1/connections/{}", percent_encoded(connection));
        let answer = client.get(&path)?;
        show(&answer, self.target.json, output, |output| {
            let mut fields = Vec::new();
            let parts = [
                answer.get("connection"),
                Some(&answer),
                answer.get("session"),
            ];
            for part in parts.into_iter().flatten() {
                // Lists have tables of their own, and names of rooms come as one.
                let plain = part.as_object().into_iter().flatten();
                let plain = plain.filter(|(_, value)| !value.is_object() && !value.is_array());
                fields.extend(plain.map(|(name, _)| [name.clone(), cell(part, name)]));
                if part.get("rooms").is_some() {
                    fields.push(["rooms".to_owned(), rooms(part)]);
                }
            }
            let mut below = Below::new(output, false);
            below.print(["FIELD", "VALUE"], &fields)?;
            let deadlines = rows(&answer, "deadlines", ["deadline", "left_ms"]);
            below.print(["DEADLINE", "LEFT MS"], &deadlines)?;
            let used = rows(&answer, "limits", ["limit", "used", "burst", "full_in_ms"]);
            below.print(["LIMIT", "USED", "OF", "FULL IN MS"], &used)
        })
    }
}

fn rooms(entry: &Value) -> String {
    let names = list(entry, "rooms").iter().filter_map(Value::as_str);
    names.collect::<Vec<_>>().join(",")
}

fn row(entry: &Value) -> [String; 9] {
    [
        cell(entry, "user"),
        cell(entry, "name"),
        cell(entry, "address"),
        cell(entry, "door"),
        cell(entry, "state"),
        cell(entry, "protocol"),
        rooms(entry),
        cell(entry, "queued_bytes"),
        cell(entry, "id"),
    ]
}

impl Disconnect {
    pub(super) fn run(&self, client: &Client, output: &mut dyn Write) -> Result<(), Failure> {
        let mut body = json!({ "user": self.user });
        if let (Some(reason), Some(fields)) = (&self.reason, body.as_object_mut()) {
            fields.insert("reason".to_owned(), Value::from(reason.as_str()));
        }
        let answer = client.post("/api/v1/disconnect", &body)?;
        show(&answer, self.target.json, output, |output| {
            let row = [self.user.clone(), cell(&answer, "disconnected")];
            table::print(["USER", "DISCONNECTED"], &[row], output)
        })
    }
}

impl Ticket {
    pub(super) fn run(&self, client: &Client, output: &mut dyn Write) -> Result<(), Failure> {
        let mut body = json!({ "user": self.sub });
        if let Some(fields) = body.as_object_mut() {
            for (name, value) in [("name", &self.name), ("origin", &self.origin)] {
                if let Some(value) = value {
                    fields.insert(name.to_owned(), Value::from(value.as_str()));
                }
            }
        }
        let answer = client.post("/api/v1/tickets", &body)?;
        show(&answer, self.target.json, output, |output| {
            let row = [
                self.sub.clone(),
                cell(&answer, "expires_in_ms"),
                cell(&answer, "ticket"),
            ];
            table::print(["USER", "EXPIRES_IN_MS", "TICKET"], &[row], output)
        })
    }
}
