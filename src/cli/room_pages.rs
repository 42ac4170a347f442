//! `wardroom room people`, `log` and `history`: what is kept of a room, page by page.

use std::collections::VecDeque;
use std::io::Write;

use clap::Args;
use serde_json::Value;

use super::asking::{PAGES_MAX, cell, list, pages, show};
use super::client::{Client, percent_encoded};
use super::target::TargetArguments;
use super::{Failure, table};
use crate::protocol::api::PAGE_ENTRIES_MAX;
use crate::telemetry::Rfc3339;
use crate::time::Wall;

#[derive(Debug, Args)]
pub(super) struct People {
    /// The room.
    room: String,
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
    #[command(flatten)]
    pub(super) target: TargetArguments,
}

#[derive(Debug, Args)]
pub(super) struct Log {
    #[command(flatten)]
    pub(super) range: Range,
}

#[derive(Debug, Args)]
pub(super) struct History {
    #[command(flatten)]
    pub(super) range: Range,
}

/// Which part; without more the last ones.
#[derive(Debug, Args)]
pub(super) struct Range {
    /// The room.
    room: String,
    /// The first ones above this number.
    #[arg(long, value_name = "NUMBER", conflicts_with = "before")]
    after: Option<u64>,
    /// The last ones below this number.
    #[arg(long, value_name = "NUMBER")]
    before: Option<u64>,
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
    #[command(flatten)]
    pub(super) target: TargetArguments,
}

impl People {
    pub(super) fn run(&self, client: &Client, output: &mut dyn Write) -> Result<(), Failure> {
        let path = format!("/api/v1/rooms/{}/people", percent_encoded(&self.room));
        let answer = pages(client, &path, "", "people", self.limit)?;
        show(&answer, self.target.json, output, |output| {
            let people = list(&answer, "people").iter();
            let rows: Vec<_> = people
                .map(|person| {
                    [
                        cell(person, "user"),
                        cell(person, "affiliation"),
                        decision(person, "ban"),
                        decision(person, "mute"),
                        cell(person, "invited"),
                        date(person, "knocked"),
                    ]
                })
                .collect();
            let headings = ["USER", "AFFILIATION", "BAN", "MUTE", "INVITED", "KNOCKED"];
            table::print(headings, &rows, output)
        })
    }
}

/// Until when, by whom and why.
fn decision(person: &Value, name: &str) -> String {
    let Some(decision) = person.get(name) else {
        return "-".to_owned();
    };
    let until = match date(decision, "until") {
        none if none == "-" => "lasting".to_owned(),
        date => format!("until {date}"),
    };
    let by = decision.get("by").and_then(Value::as_str);
    let by = by.unwrap_or("the operator");
    match decision.get("reason").and_then(Value::as_str) {
        None | Some("") => format!("{until}, by {by}"),
        Some(reason) => format!("{until}, by {by}: {reason}"),
    }
}

impl Log {
    pub(super) fn run(&self, client: &Client, output: &mut dyn Write) -> Result<(), Failure> {
        let answer = self.range.read(client, "log", "entries", "number")?;
        show(&answer, self.range.target.json, output, |output| {
            let rows: Vec<_> = list(&answer, "entries").iter().map(entry).collect();
            let headings = [
                "NUMBER", "TIME", "ACTOR", "ACTION", "USER", "SEQ", "UNTIL", "REASON", "DETAILS",
            ];
            table::print(headings, &rows, output)
        })
    }
}

fn entry(entry: &Value) -> [String; 9] {
    let actor = match (
        cell(entry, "actor").as_str(),
        cell(entry, "authority").as_str(),
    ) {
        ("-", "operator") => "(operator)".to_owned(),
        (actor, _) => actor.to_owned(),
    };
    [
        cell(entry, "number"),
        date(entry, "timestamp"),
        actor,
        cell(entry, "action"),
        cell(entry, "user"),
        cell(entry, "seq"),
        date(entry, "until"),
        cell(entry, "reason"),
        cell(entry, "details").replace('\n', ", "),
    ]
}

impl History {
    pub(super) fn run(&self, client: &Client, output: &mut dyn Write) -> Result<(), Failure> {
        let answer = self.range.read(client, "messages", "messages", "seq")?;
        show(&answer, self.range.target.json, output, |output| {
            let rows: Vec<_> = list(&answer, "messages").iter().map(message).collect();
            table::print(["SEQ", "TIME", "USER", "NAME", "MESSAGE"], &rows, output)
        })
    }
}

fn message(message: &Value) -> [String; 5] {
    let text = |name: &str| message.get(name).and_then(Value::as_str);
    let said = match (text("message"), text("body")) {
        (Some(text), _) => text.to_owned(),
        (None, Some(_)) => "(enciphered)".to_owned(),
        (None, None) => "(deleted)".to_owned(),
    };
    [
        cell(message, "seq"),
        date(message, "timestamp"),
        cell(message, "sender"),
        cell(message, "name"),
        said,
    ]
}

impl Range {
    /// The entries of a list that are wanted, from as many pages as they take; `key` is their number.
    fn read(&self, client: &Client, part: &str, name: &str, key: &str) -> Result<Value, Failure> {
        let limit = self.limit as usize;
        let mut entries: VecDeque<Value> = VecDeque::new();
        let (mut after, mut before) = (self.after, self.before);
        for _ in 0..PAGES_MAX {
            let left = (limit - entries.len()).clamp(1, PAGE_ENTRIES_MAX);
            let mut path = format!(
                "/api/v1/rooms/{}/{part}?limit={left}",
                percent_encoded(&self.room)
            );
            for (name, place) in [("after", after), ("before", before)] {
                if let Some(place) = place {
                    path.push_str(&format!("&{name}={place}"));
                }
            }
            let mut answer = client.get(&path)?;
            let page = answer.get_mut(name).and_then(Value::as_array_mut);
            let page = page.map(std::mem::take).unwrap_or_default();
            let number = |entry: Option<&Value>| entry.and_then(|entry| entry.get(key)?.as_u64());
            let (first, last) = (number(page.first()), number(page.last()));
            if after.is_some() {
                entries.extend(page);
                after = last;
            } else {
                page.into_iter()
                    .rev()
                    .for_each(|entry| entries.push_front(entry));
                before = first;
            }
            let is_truncated = answer.get("truncated").and_then(Value::as_bool);
            if is_truncated != Some(true) || entries.len() >= limit || first.is_none() {
                if let Some(object) = answer.as_object_mut() {
                    object.insert(name.to_owned(), Vec::from(entries).into());
                }
                return Ok(answer);
            }
        }
        Err(Failure::Operation(format!(
            "the list did not end after {PAGES_MAX} pages"
        )))
    }
}

/// A date of an answer as people read it; `-` when it is not there.
pub(super) fn date(entry: &Value, name: &str) -> String {
    let seconds = entry.get(name).and_then(Value::as_f64);
    seconds.map_or_else(
        || "-".to_owned(),
        |seconds| Rfc3339(Wall::from_millis((seconds * 1000.0).round() as u64)).to_string(),
    )
}
