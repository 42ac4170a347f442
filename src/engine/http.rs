//! A connection before it is a session: request heads, plain routes, refusals.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use super::connection::{Connection, Head as ArrivingHead, Phase};
use super::open::FAILED_AUTHENTICATIONS;
use super::proxied::Via;
use super::{Door, Engine, connection::Endpoint};
use crate::id::ConnectionId;
use crate::limit::{PrefixKey, Scope};
use crate::protocol::head::{Head, HeadScanner, Method};
use crate::protocol::problem::Problem;
use crate::protocol::proxy;
use crate::protocol::response::{Refusal, Response, STRICT_TRANSPORT};
use crate::telemetry::{Event, Party};
use crate::time::Now;
use crate::web;

/// A stranger who leaves this much unread gets one more answer, and that is the last: a thousand of them stay far below what people need.
const UNREAD_ANSWERS_BYTES_MAX: usize = 16 * 1024;

const REQUESTS: &str = "requests_per_connection_max";

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
    /// An answer from outside is needed: asked for again when it is there.
    Waiting,
}

/// What a refused request asked for, as far as it could be read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Asked<'a> {
    /// By HEAD: the answer has no body.
    pub(super) is_head: bool,
    pub(super) path: Option<&'a str>,
}

impl<'a> Asked<'a> {
    /// What this head asks for.
    pub(super) fn by(head: &Head<'a>) -> Self {
        Asked {
            is_head: head.method() == Method::Head,
            path: Some(head.path()),
        }
    }

    fn method(self) -> Method {
        match self.is_head {
            true => Method::Head,
            false => Method::Other,
        }
    }
}

impl Engine {
    /// Counts one more connection at a door, if there is room; gives the prefix that it is counted with.
    pub(super) fn admit(
        &mut self,
        door: Door,
        peer: SocketAddr,
        via: Via,
        now: Now,
    ) -> Result<PrefixKey, Refusal> {
        if door == Door::Private {
            self.admit_privately()?;
            return Ok(PrefixKey::EVERYONE);
        }
        let prefix = self.prefix_of(via, peer, now);
        self.make_room(prefix, peer, now)?;
        self.plain_connections += 1;
        self.prefixes.entry(prefix).plain_connections += 1;
        Ok(prefix)
    }

    /// Whether there is room for one more connection of strangers.
    pub(super) fn has_room(&self) -> bool {
        let strangers = self.connections.len() - self.private.connections;
        strangers < self.config.limits.connections_max
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
            if head.is_idle() {
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
        while !bytes.is_empty() || self.is_answered(id) {
            let Some(connection) = self.connections.get_mut(id) else {
                return;
            };
            if let Phase::Body(_) = connection.phase {
                bytes = self.receive_body(id, bytes, now);
                continue;
            }
            let Phase::Head(arriving) = &mut connection.phase else {
                let debt_of_address = self.charge_unnamed_bytes(id, bytes.len(), now);
                self.charge_session_bytes(id, bytes.len(), debt_of_address, now);
                return self.handle_bytes(id, bytes, now);
            };
            if proxy::is_header(bytes) {
                return self.refuse_announcement(id, bytes, now);
            }
            let end = match arriving.scanner.find_end(bytes) {
                Ok(Some(end)) => end,
                Ok(None) => return self.keep_head_bytes(id, bytes, now),
                Err(refusal) => return self.refuse(id, refusal, now),
            };
            let (head, rest) = bytes.split_at(end.min(bytes.len()));
            let served = self.serve_one(id, head, now);
            if !matches!(served, Ok(Served::Waiting)) {
                self.forget_answer(id);
            }
            match served {
                Ok(Served::KeptAlive) => self.await_next_request(id, now),
                Ok(Served::Upgraded | Served::AwaitsBody | Served::Ended) => {}
                Ok(Served::Postponed) => return self.postpone(id, bytes, true),
                Ok(Served::Waiting) => return self.postpone(id, bytes, false),
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
                self.meet_client(id, &head, bytes.len(), now)?;
                self.serve_public(id, &head, now)
            }
            Door::Redirect => {
                let head = Head::parse(bytes, self.config.limits.head_fields_max)?;
                self.meet_client(id, &head, bytes.len(), now)?;
                self.redirect(id, &head, now)
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
        let waiting = connection.waiting();
        let Phase::Head(arriving) = &mut connection.phase else {
            return Served::Ended;
        };
        let answered = arriving.requests.saturating_add(1);
        let reads = match connection.door {
            Door::Public | Door::Redirect => waiting < UNREAD_ANSWERS_BYTES_MAX,
            // Lists are long, and what waits here is not to crowd out what waits for people.
            Door::Private => connection.outbox.is_empty(),
        };
        // One who asks and asks but does not read gets a last answer.
        let keep_alive =
            response.keep_alive && reads && !self.stopping && self.may_ask_again(id, answered, now);
        let Some(connection) = self.connections.get_mut(id) else {
            return Served::Ended;
        };
        let strict_transport = self.strict_transport.as_deref();
        let response = response
            .with_keep_alive(keep_alive)
            .with_strict_transport(strict_transport.filter(|_| connection.is_secure));
        self.counters.responses += 1;
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

    /// Whether a connection that was answered so often may ask for more.
    fn may_ask_again(&mut self, id: ConnectionId, answered: u32, now: Now) -> bool {
        let limits = &self.config.limits;
        let most = limits.requests_per_connection_max;
        if answered < most {
            return true;
        }
        if self.connections.get(id).is_none_or(Connection::is_private) {
            return false;
        }
        // The rest would have come on other connections, each of which may have as many.
        if limits.shadow.has(REQUESTS) && !answered.is_multiple_of(most) {
            return true;
        }
        if self.overlooks(id, REQUESTS, Scope::Connection, now) {
            return true;
        }
        let scope = Scope::Connection.as_str();
        self.counters.limited.count_pair([REQUESTS, scope]);
        false
    }

    pub(super) fn await_next_request(&mut self, id: ConnectionId, now: Now) {
        let head_bytes_max = self.config.limits.head_bytes_max;
        if let Some(connection) = self.connections.get_mut(id)
            && let Phase::Head(arriving) = &mut connection.phase
        {
            let requests = arriving.requests.saturating_add(1);
            *arriving = ArrivingHead::new(head_bytes_max);
            arriving.requests = requests;
            connection.since = now.instant;
            self.part_from_client(id, now);
        }
    }

    /// Puts a complete request back: until the next turn if `soon`, else until its answer is there. Its deadline runs on.
    fn postpone(&mut self, id: ConnectionId, bytes: &[u8], soon: bool) {
        let head_bytes_max = self.config.limits.head_bytes_max;
        if let Some(connection) = self.connections.get_mut(id)
            && let Phase::Head(arriving) = &mut connection.phase
        {
            arriving.scanner = HeadScanner::new(head_bytes_max);
            arriving.has_begun = true;
        }
        self.hold(id, bytes, soon);
    }

    /// Refuses a connection whose request can't be read.
    pub(super) fn refuse(&mut self, id: ConnectionId, refusal: Refusal, now: Now) {
        self.refuse_with(id, Asked::default(), refusal, &[], now);
    }

    fn refuse_request(&mut self, id: ConnectionId, bytes: &[u8], refusal: Refusal, now: Now) {
        let asked = Asked {
            is_head: bytes.starts_with(b"HEAD "),
            path: path(bytes),
        };
        self.refuse_with(id, asked, refusal, &[], now);
    }

    /// Refuses what was asked, with further fields in the answer.
    pub(super) fn refuse_with(
        &mut self,
        id: ConnectionId,
        asked: Asked<'_>,
        refusal: Refusal,
        fields: &[(&'static str, &str)],
        now: Now,
    ) {
        let method = asked.method();
        if self.connections.get(id).is_some_and(Connection::is_private) {
            return self.refuse_privately(id, method, &Problem::from(refusal), now);
        }
        self.tell_of_refusal(id, asked.path, &refusal, now);
        if let Some(connection) = self.connections.get_mut(id) {
            let strict_transport = self.strict_transport.as_deref();
            let strict_transport = strict_transport.filter(|_| connection.is_secure);
            let mut fields = fields.to_vec();
            fields.extend(strict_transport.map(|value| (STRICT_TRANSPORT, value)));
            self.outbound.write(connection, |outbox| {
                outbox.append(|run| refusal.write_with(&fields, method, run));
            });
        }
        self.finish(id, now);
    }

    /// Counts a refusal; one that somebody should know of goes to the security log, others to the log.
    pub(super) fn tell_of_refusal(
        &mut self,
        id: ConnectionId,
        path: Option<&str>,
        refusal: &Refusal,
        now: Now,
    ) {
        self.counters.refused(refusal);
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        // Browsers open connections in advance, and let them time out without a word.
        let said_nothing = matches!(refusal, Refusal::TooSlow { .. })
            && matches!(&connection.phase, Phase::Head(head) if head.bytes.is_empty());
        let prefix = connection.prefix;
        let is_offence = match refusal {
            Refusal::Malformed(_) | Refusal::HeadTooLarge { .. } => true,
            Refusal::TooSlow { .. } => !said_nothing,
            Refusal::TooMany { limit, .. } if *limit == FAILED_AUTHENTICATIONS => {
                self.prefixes.entry(prefix).penalty.refused_unjudged()
            }
            _ => false,
        };
        if is_offence {
            self.offend(id, now);
        }
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        match Event::of_refusal(refusal) {
            Some(_) if said_nothing => {}
            Some(event) => self.report_about(id, &event, path, now),
            None => log::debug!(
                "{} refused: {} {refusal}",
                connection.whose(),
                refusal.status()
            ),
        }
    }

    /// The same for a connection that was never given a place.
    pub(super) fn report_unadmitted(&mut self, peer: SocketAddr, refusal: &Refusal, now: Now) {
        self.counters.refused(refusal);
        if let Some(event) = Event::of_refusal(refusal) {
            let party = Party {
                address: Some(peer.ip()),
                ..Party::default()
            };
            self.report(&event, party, now);
        }
    }
}

/// The target of a request line, good or bad.
fn path(head: &[u8]) -> Option<&str> {
    let target = head.split(|byte| *byte == b' ').nth(1)?;
    std::str::from_utf8(target).ok()
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
