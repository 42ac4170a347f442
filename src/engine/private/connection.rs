//! One connection: what it is doing and until when it may, how much of each limit it has used, and what waits for it.

use serde::Serialize;

use super::super::Engine;
use super::super::connection::{Connection, Phase, Session};
use super::super::proxied::Via;
use super::Answer;
use super::connections::{Entry, date};
use super::explain::used_by;
use super::limits::Used;
use crate::id::ConnectionId;
use crate::protocol::problem::Problem;
use crate::time::{Instant, Now};

#[derive(Serialize)]
struct Explained<'a> {
    /// As in the list.
    connection: Entry<'a>,
    /// When it was accepted, in seconds since 1970.
    accepted: f64,
    /// The prefix that it is counted with; `None`: no address pays for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    /// The trusted proxy that it came through.
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<String>,
    is_secure: bool,
    /// Drawn from the budget for it.
    memory_bytes: usize,
    /// Read, and not looked at yet.
    held_bytes: usize,
    /// Since when what waits for it has waited, at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    unread_since: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<OfSession>,
    deadlines: Vec<Deadline>,
    limits: Vec<Used<'a>>,
}

/// What only a session has.
#[derive(Serialize)]
struct OfSession {
    /// Left of its share of the turn; owed to the next when it is negative.
    share_bytes: i32,
    /// For so long nothing is read of it.
    paused_for_ms: u64,
    /// Such pauses in a row for too many errors or glitches.
    pauses: u32,
    /// Of the message that is arriving.
    arriving_bytes: u32,
    arriving_fragments: u32,
    pongs_owed: u8,
    last_received: f64,
}

/// Something that it is held to.
#[derive(Serialize)]
struct Deadline {
    deadline: &'static str,
    left_ms: u64,
}

impl Engine {
    pub(super) fn explain_connection(&mut self, id: &str, now: Now) -> Result<Answer, Problem> {
        let id = ConnectionId::parse(id).ok_or(Problem::UnknownConnection)?;
        let found = self.connections.get(id);
        let prefix = found.ok_or(Problem::UnknownConnection)?.prefix;
        let prefix = prefix
            .is_limited()
            .then(|| self.prefixes.entry(prefix).prefix().to_string());
        let connection = self.connections.get(id);
        let connection = connection.ok_or(Problem::UnknownConnection)?;
        let held_to = connection.held_to(&self.config.deadlines, self.standstill, now);
        let deadlines = held_to.into_iter().map(|(deadline, at)| Deadline {
            deadline,
            left_ms: left_ms(at, now.instant),
        });
        let session = match &connection.phase {
            Phase::Open(session) => Some(OfSession::of(session, now)),
            _ => None,
        };
        Ok(Answer::of(&Explained {
            connection: self.entry(connection, now),
            accepted: date(connection.accepted, now),
            prefix: prefix.filter(|_| !connection.is_private()),
            proxy: proxy(connection),
            is_secure: connection.is_secure,
            memory_bytes: connection.drawn.bytes(),
            held_bytes: connection.held.len(),
            unread_since: connection.unread_since().map(|since| date(since, now)),
            session,
            deadlines: deadlines.collect(),
            limits: used_by(connection, &self.config.limits, now.instant),
        }))
    }
}

impl OfSession {
    fn of(session: &Session, now: Now) -> Self {
        let paused_until = session.paused_until;
        OfSession {
            share_bytes: session.deficit.left(),
            paused_for_ms: paused_until.map_or(0, |until| left_ms(until, now.instant)),
            pauses: session.pauses_in_a_row(now.instant),
            arriving_bytes: session.arriving,
            arriving_fragments: match session.arriving {
                0 => 0,
                _ => session.fragments,
            },
            pongs_owed: session.pongs_owed,
            last_received: date(session.last_received, now),
        }
    }
}

fn proxy(connection: &Connection) -> Option<String> {
    match connection.via {
        Via::Protocol { proxy } | Via::Field { proxy, .. } => Some(proxy.to_string()),
        Via::Nobody => None,
    }
}

/// Rounded up: what is left is not over.
fn left_ms(at: Instant, now: Instant) -> u64 {
    u64::try_from(at.since(now).as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}
