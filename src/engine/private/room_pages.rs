//! Pages of what is kept of a room: its messages, and its moderation log.

use serde::Serialize;

use super::Answer;
use super::rooms::Head;
use super::sessions::{seconds, unavailable};
use crate::protocol::command::rooms::Place;
use crate::protocol::problem::Problem;
use crate::rooms::Room;
use crate::rooms::audit::Entry;
use crate::rooms::record::{self, MessageRecord, RoomAnswer};

#[derive(Serialize)]
struct History<'a> {
    room: &'a str,
    first_seq: u64,
    last_seq: u64,
    messages: Vec<Message<'a>>,
    truncated: bool,
}

#[derive(Serialize)]
struct Message<'a> {
    seq: u64,
    sender: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    /// What a private room has instead: nothing that the server could read.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    timestamp: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<f64>,
}

#[derive(Serialize)]
struct Log<'a> {
    room: &'a str,
    head: Head,
    entries: Vec<LogEntry<'a>>,
    truncated: bool,
}

/// All that its hash is made of; what is empty is left out.
#[derive(Serialize)]
struct LogEntry<'a> {
    #[serde(flatten)]
    head: Head,
    timestamp: f64,
    #[serde(skip_serializing_if = "str::is_empty")]
    actor: &'a str,
    authority: &'static str,
    action: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    user: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<f64>,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    details: &'a str,
}

/// A page as the caller is told it: bounded by `rooms.page_entries_max` and `rooms.page_bytes_max` when it was asked for.
pub(super) fn page(room: &Room, place: Place, answer: &RoomAnswer) -> Result<Answer, Problem> {
    match answer {
        RoomAnswer::Page {
            messages,
            first_seq,
            last_seq,
        } => {
            let ends = (
                messages.first().map(|first| first.seq),
                messages.last().map(|last| last.seq),
            );
            Ok(Answer::of(&History {
                room: room.name(),
                first_seq: *first_seq,
                last_seq: *last_seq,
                messages: messages
                    .iter()
                    .map(|record| message(record, room.is_opaque()))
                    .collect(),
                truncated: is_truncated(place, ends, (*first_seq, *last_seq)),
            }))
        }
        RoomAnswer::Log { entries, head } => {
            let ends = (
                entries.first().map(|(first, _)| first.number),
                entries.last().map(|(last, _)| last.number),
            );
            Ok(Answer::of(&Log {
                room: room.name(),
                head: Head::of(*head),
                entries: entries
                    .iter()
                    .map(|(head, entry)| log_entry(*head, entry))
                    .collect(),
                truncated: is_truncated(place, ends, (1, head.number)),
            }))
        }
        _ => Err(unavailable("the store answered something else")),
    }
}

/// Whether more would come where the page ends.
fn is_truncated(
    place: Place,
    (first, last): (Option<u64>, Option<u64>),
    (oldest, latest): (u64, u64),
) -> bool {
    match place {
        Place::After(_) => last.is_some_and(|last| last < latest),
        Place::Before(_) | Place::End => first.is_some_and(|first| first > oldest),
    }
}

fn message(record: &MessageRecord, is_opaque: bool) -> Message<'_> {
    let text = record.deleted.is_none().then_some(&*record.text);
    Message {
        seq: record.seq,
        sender: &record.sender,
        name: &record.name,
        message: text.filter(|_| !is_opaque),
        body: text.filter(|_| is_opaque),
        timestamp: seconds(record.at),
        edited: record.edited.map(seconds),
        deleted: record.deleted.map(seconds),
    }
}

fn log_entry(head: record::Head, entry: &Entry) -> LogEntry<'_> {
    LogEntry {
        head: Head::of(head),
        timestamp: seconds(entry.at),
        actor: &entry.actor,
        authority: entry.authority.word(),
        action: &entry.action,
        user: &entry.target,
        seq: entry.seq,
        until: entry.until.map(seconds),
        reason: &entry.reason,
        details: &entry.details,
    }
}
