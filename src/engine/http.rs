//! A connection before it is a session: request heads, plain routes, refusals.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use super::connection::{Connection, Head as ArrivingHead, Phase};
use super::{Door, Engine, connection::Endpoint};
use crate::id::ConnectionId;
use crate::limit::{PrefixKey, Scope};
use crate::protocol::head::{Head, HeadScanner, Method};
use crate::protocol::problem::Problem;
use crate::protocol::response::{Refusal, Response};
use crate::time::Now;
use crate::web;

/// When to come back to a server that is full.
pub(super) const FULL_RETRY: Duration = Duration::from_secs(5);

/// What became of one request.
pub(super) enum Served {
    /// Answered; another may follow.
    KeptAlive,
    /// Answered or refused, and that was the last.
    Ended,
    /// Its body must come first.
    AwaitsBody,
    /// The connection is a WebSocket now.
    Upgraded,
    /// The turn's budget is used up: ask again in the next.
    Postponed,
}

impl Engine {
    /// Counts one more connection at a door, if there is room; gives the prefix that it is counted with.
    pub(super) fn admit(
        &mut self,
        door: Door,
        peer: SocketAddr,
        now: Now,
    ) -> Result<PrefixKey, Refusal> {
        if door == Door::Private {
            self.admit_privately()?;
            return Ok(PrefixKey::EVERYONE);
        }
        let prefix = self.prefixes.find(peer.ip(), now.instant);
        self.check_room(prefix)?;
        self.plain_connections += 1;
        self.prefixes.entry(prefix).plain_connections += 1;
        Ok(prefix)
    }

    /// Whether there is room for one more connection from this prefix.
    fn check_room(&mut self, prefix: PrefixKey) -> Result<(), Refusal> {
        let limits = &self.config.limits;
        let limit = if self.stopping {
            "stopping"
        } else if self.connections.len() - self.private.connections >= limits.connections_max {
            "connections_max"
        } else if self.plain_connections >= limits.unauthenticated_max {
            "unauthenticated_max"
        } else {
            let plain = self.prefixes.entry(prefix).plain_connections as usize;
            if plain < limits.plain_per_address {
                return Ok(());
            }
            return Err(Refusal::TooMany {
                limit: "plain_per_address",
                scope: Scope::Address.as_str(),
                retry_after: self.config.deadlines.head,
            });
        };
        Err(Refusal::Full {
            limit,
            retry_after: FULL_RETRY,
        })
    }

    /// Bytes of one or more request heads.
    pub(super) fn receive_head(&mut self, id: ConnectionId, bytes: &[u8], now: Now) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let Phase::Head(head) = &mut connection.phase else {
            return;
        };
        if head.bytes.is_empty() {
            if head.requests > 0 {
                // The wait for a request is over, and the time for its head begins.
                connection.since = now.instant;
            }
            return self.serve(id, bytes, now);
        }
        let mut all = std::mem::take(&mut head.bytes);
        all.extend_from_slice(bytes);
        self.serve(id, &all, now);
    }

    /// Serves the complete requests at the front of `bytes` and keeps the rest for later.
    pub(super) fn serve(&mut self, id: ConnectionId, mut bytes: &[u8], now: Now) {
        while !bytes.is_empty() {
            let Some(connection) = self.connections.get_mut(id) else {
                return;
            };
            if let Phase::Body(_) = connection.phase {
                bytes = self.receive_body(id, bytes, now);
                continue;
            }
            let Phase::Head(arriving) = &mut connection.phase else {
                self.charge_session_bytes(id, bytes.len(), Duration::ZERO, now);
                return self.handle_bytes(id, bytes, now);
            };
            let end = match arriving.scanner.find_end(bytes) {
                Ok(Some(end)) => end,
                Ok(None) => return self.keep_head_bytes(id, bytes, now),
                Err(refusal) => return self.refuse(id, refusal, now),
            };
            let (head, rest) = bytes.split_at(end.min(bytes.len()));
            match self.serve_one(id, head, now) {
                Ok(Served::KeptAlive) => self.await_next_request(id, now),
                Ok(Served::Upgraded | Served::AwaitsBody | Served::Ended) => {}
                Ok(Served::Postponed) => return self.postpone(id, bytes),
                Err(refusal) => self.refuse_request(id, head, refusal, now),
            }
            bytes = rest;
        }
    }

    /// Keeps the beginning of a head. The time of a later request begins with its first byte.
    fn keep_head_bytes(&mut self, id: ConnectionId, bytes: &[u8], now: Now) {
        if let Some(connection) = self.connections.get_mut(id)
            && let Phase::Head(arriving) = &mut connection.phase
        {
            arriving.bytes.extend_from_slice(bytes);
            if arriving.requests > 0 && !arriving.has_begun {
                arriving.has_begun = true;
                connection.since = now.instant;
            }
        }
    }

    fn serve_one(&mut self, id: ConnectionId, bytes: &[u8], now: Now) -> Result<Served, Refusal> {
        let connection = self.connections.get(id).ok_or(Refusal::NotFound)?;
        match connection.door {
            Door::Public => {
                let head = Head::parse(bytes, self.config.limits.head_fields_max)?;
                self.serve_public(id, &head, now)
            }
            Door::Private => Ok(self.serve_private(id, bytes, now)),
        }
    }

    fn serve_public(
        &mut self,
        id: ConnectionId,
        head: &Head<'_>,
        now: Now,
    ) -> Result<Served, Refusal> {
        match head.path() {
            "/ws/chat" => self.open(id, head, Endpoint::Chat, now),
            "/ws/echo" if self.config.echo.enabled => self.open(id, head, Endpoint::Echo, now),
            "/ticket" => self.serve_ticket(id, head, now),
            "/healthz" => {
                expect_plain(head)?;
                let body = Bytes::from_static(b"ok\n");
                Ok(self.respond(id, head, Response::ok("text/plain", &body), &body, now))
            }
            path => {
                let asset = web::find(path).ok_or(Refusal::NotFound)?;
                expect_plain(head)?;
                let body = Bytes::from_static(asset.bytes);
                let response = Response::ok(asset.content_type, &body).with_fields(web::FIELDS);
                Ok(self.respond(id, head, response, &body, now))
            }
        }
    }

    /// Answers a plain request. A long `body` is shared, not copied: many may ask and not read.
    pub(super) fn respond(
        &mut self,
        id: ConnectionId,
        head: &Head<'_>,
        response: Response<'_>,
        body: &Bytes,
        now: Now,
    ) -> Served {
        let response = response.with_keep_alive(head.keep_alive());
        self.answer(id, head.method(), response, body, now)
    }

    /// The same where the head is gone; `response` says whether the client means to go on.
    pub(super) fn answer(
        &mut self,
        id: ConnectionId,
        method: Method,
        response: Response<'_>,
        body: &Bytes,
        now: Now,
    ) -> Served {
        let Some(connection) = self.connections.get_mut(id) else {
            return Served::Ended;
        };
        let Phase::Head(arriving) = &mut connection.phase else {
            return Served::Ended;
        };
        let limits = &self.config.limits;
        let reads = match connection.door {
            Door::Public => connection.outbox.bytes() < limits.outbound_bytes_per_connection_max,
            // Lists are long, and what waits here is not to crowd out what waits for people.
            Door::Private => connection.outbox.is_empty(),
        };
        let may_follow = arriving.requests + 1 < limits.requests_per_connection_max;
        // One who asks and asks but does not read gets a last answer.
        let keep_alive = response.keep_alive && may_follow && reads;
        let response = response.with_keep_alive(keep_alive);
        self.outbound.write(connection, |outbox| {
            outbox.append(|run| response.write_head(run));
            if method != Method::Head {
                outbox.push_payload(body.clone());
            }
        });
        if keep_alive {
            return Served::KeptAlive;
        }
        self.finish(id, now);
        Served::Ended
    }

    pub(super) fn await_next_request(&mut self, id: ConnectionId, now: Now) {
        let head_bytes_max = self.config.limits.head_bytes_max;
        if let Some(connection) = self.connections.get_mut(id)
            && let Phase::Head(arriving) = &mut connection.phase
        {
            let requests = arriving.requests + 1;
            *arriving = ArrivingHead::new(head_bytes_max);
            arriving.requests = requests;
            connection.since = now.instant;
        }
    }

    /// Puts a complete request back until the next turn.
    fn postpone(&mut self, id: ConnectionId, bytes: &[u8]) {
        let head_bytes_max = self.config.limits.head_bytes_max;
        if let Some(connection) = self.connections.get_mut(id)
            && let Phase::Head(arriving) = &mut connection.phase
        {
            arriving.scanner = HeadScanner::new(head_bytes_max);
            arriving.has_begun = true;
        }
        self.hold(id, bytes, true);
    }

    /// Refuses a connection whose request can't be read.
    pub(super) fn refuse(&mut self, id: ConnectionId, refusal: Refusal, now: Now) {
        self.refuse_with(id, Method::Other, refusal, &[], now);
    }

    fn refuse_request(&mut self, id: ConnectionId, bytes: &[u8], refusal: Refusal, now: Now) {
        let is_head = bytes.starts_with(b"HEAD ");
        let method = if is_head { Method::Head } else { Method::Other };
        self.refuse_with(id, method, refusal, &[], now);
    }

    /// Refuses a request of this method, with further fields in the answer.
    pub(super) fn refuse_with(
        &mut self,
        id: ConnectionId,
        method: Method,
        refusal: Refusal,
        fields: &[(&'static str, &str)],
        now: Now,
    ) {
        if self.connections.get(id).is_some_and(Connection::is_private) {
            return self.refuse_privately(id, method, &Problem::from(refusal), now);
        }
        if let Some(connection) = self.connections.get_mut(id) {
            log::debug!(
                "{} refused: {} {refusal}",
                connection.peer,
                refusal.status()
            );
            self.outbound.write(connection, |outbox| {
                outbox.append(|run| refusal.write_with(fields, method, run));
            });
        }
        self.finish(id, now);
    }
}

/// A route that is only to be read.
fn expect_plain(head: &Head<'_>) -> Result<(), Refusal> {
    if !matches!(head.method(), Method::Get | Method::Head) {
        return Err(Refusal::MethodNotAllowed { allow: "GET, HEAD" });
    }
    expect_no_body(head)
}

/// No route here takes a body.
pub(super) fn expect_no_body(head: &Head<'_>) -> Result<(), Refusal> {
    if head.content_length() > 0 {
        return Err(Refusal::Malformed("a body where none belongs"));
    }
    Ok(())
}
