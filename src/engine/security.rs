//! The security log: which events become lines, and at what rate. The lines wait here for the shell to take them.

use std::collections::{BTreeMap, VecDeque};

use super::Engine;
use super::connection::Endpoint;
use crate::config::{Log, LogFormat, Rate};
use crate::id::ConnectionId;
use crate::limit::TokenBucket;
use crate::telemetry::{Event, Kind, Party, write_event, write_left_out};
use crate::time::{Instant, Now, Wall};

/// Lines that wait for the shell at most, which takes them at every turn's end. Past it they are left out.
const LINES_WAITING_MAX: usize = 4096;
const KINDS: usize = Kind::ALL.len();

/// Lines on their way to the log.
///
/// **Every kind of event has a rate of its own, and of those about limits every limit**, so that a flood of one hides no other, and what its
/// rate left out is counted in a line that comes when the rate has had time to recover.
#[derive(Debug)]
pub(super) struct SecurityLog {
    format: LogFormat,
    rate: Rate,
    buckets: [TokenBucket; KINDS],
    /// As many as there are limits, twice.
    of_limits: BTreeMap<(usize, &'static str), TokenBucket>,
    left_out: [u64; KINDS],
    /// When the next count of what was left out is due.
    tell_at: Option<Instant>,
    lines: VecDeque<String>,
}

impl SecurityLog {
    pub(super) fn new(log: &Log) -> Self {
        SecurityLog {
            format: log.format,
            rate: log.security_events,
            buckets: [TokenBucket::default(); KINDS],
            of_limits: BTreeMap::new(),
            left_out: [0; KINDS],
            tell_at: None,
            lines: VecDeque::new(),
        }
    }

    /// Another rate; lines are written as they were before.
    pub(super) fn reconfigure(&mut self, log: &Log) {
        self.rate = log.security_events;
    }

    /// Writes the event's line; `false` when it is left out.
    fn write(&mut self, event: &Event<'_>, party: Party<'_>, now: Now) -> bool {
        let kind = event.kind() as usize;
        let bucket = match event.limit() {
            Some(limit) => Some(self.of_limits.entry((kind, limit)).or_default()),
            None => self.buckets.get_mut(kind),
        };
        let (Some(bucket), Some(left_out)) = (bucket, self.left_out.get_mut(kind)) else {
            return false;
        };
        let has_room = self.lines.len() < LINES_WAITING_MAX;
        if !has_room || bucket.take(1, self.rate, now.instant).is_err() {
            *left_out += 1;
            self.tell_at.get_or_insert(now.instant + self.rate.per);
            return false;
        }
        let mut line = String::new();
        write_event(&mut line, self.format, event, party, now.wall);
        self.lines.push_back(line);
        true
    }

    /// Counts what was left out, in one line for each kind.
    fn tell_left_out(&mut self, now: Wall) {
        self.tell_at = None;
        for (kind, left_out) in Kind::ALL.into_iter().zip(&mut self.left_out) {
            let count = std::mem::take(left_out);
            if count > 0 {
                let mut line = String::new();
                write_left_out(&mut line, self.format, kind, count, now);
                self.lines.push_back(line);
            }
        }
    }

    /// When a count of what was left out is due.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.tell_at
    }

    /// Tells what is due.
    pub(super) fn turn(&mut self, now: Now) {
        if self.tell_at.is_some_and(|at| at <= now.instant) {
            self.tell_left_out(now.wall);
        }
    }
}

impl Endpoint {
    /// Where it is asked for.
    pub(super) fn path(self) -> &'static str {
        match self {
            Endpoint::Chat => "/ws/chat",
            Endpoint::Echo => "/ws/echo",
        }
    }
}

impl Engine {
    /// Takes note of something that whoever guards this server wants to know.
    pub fn report(&mut self, event: &Event<'_>, party: Party<'_>, now: Now) {
        self.counters.events.count(event.kind().word());
        if !self.security.write(event, party, now) {
            self.counters.events_left_out += 1;
        }
    }

    /// The next line for the security log, its end included.
    pub fn next_security_line(&mut self) -> Option<String> {
        self.security.lines.pop_front()
    }

    /// The server is about to end: what was left out is told now.
    pub fn end_security_log(&mut self, now: Now) {
        self.security.tell_left_out(now.wall);
    }

    /// Reports something about a connection. Without a `path` it is that of its session, if it has one.
    pub(super) fn report_about(
        &mut self,
        id: ConnectionId,
        event: &Event<'_>,
        path: Option<&str>,
        now: Now,
    ) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        let address = Some(connection.peer.ip());
        let user = connection.user().and_then(|key| self.users.get(key));
        let user = user.map(|user| user.id.clone());
        let path = path.or(connection.endpoint().map(Endpoint::path));
        let party = Party {
            address,
            user: user.as_deref(),
            path,
        };
        self.report(event, party, now);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn lines_that_nobody_takes_are_bounded() {
        let mut security = SecurityLog::new(&Log {
            security_events: Rate::new(10_000, Duration::from_secs(1)),
            ..Log::default()
        });
        for _ in 0..9000 {
            security.write(&Event::SignedIn, Party::default(), Now::default());
        }
        assert_eq!(security.lines.len(), LINES_WAITING_MAX);
        assert_eq!(
            security.left_out.iter().sum::<u64>(),
            9000 - LINES_WAITING_MAX as u64
        );
    }
}
