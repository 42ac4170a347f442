//! The private door: metrics, health and the server API, for the operator's own programs.
//!
//! Who may ask, and how often, stands here; one file for each thing that can be asked. A request's body is read only
//! when everything else about it is in order. Nothing here counts in `[limits]`, nor the other way round.

mod body;
mod connection;
mod connections;
mod disconnect;
mod explain;
mod health;
mod limits;
mod list;
mod metrics;
mod pardon;
mod publish;
mod room_calls;
mod room_pages;
mod rooms;
mod sessions;
mod tickets;
mod told;

use std::net::IpAddr;

use bytes::Bytes;
use serde::Serialize;

use super::Engine;
use super::http::{FULL_RETRY, Served};
use crate::access::private_key;
use crate::access::{AuthError, Identity, IdentityError};
use crate::id::ConnectionId;
use crate::limit::TokenBucket;
use crate::protocol::api::{
    self, Author, ConnectionQuery, Found, LimitsQuery, Operation, Page, PeopleQuery,
};
use crate::protocol::head::{Head, Method};
use crate::protocol::problem::Problem;
use crate::protocol::response::{Refusal, Response};
use crate::time::Now;

/// What the private door remembers.
#[derive(Debug, Default)]
pub(super) struct PrivateDoor {
    /// Connections that came through it.
    pub(super) connections: usize,
    with_key: TokenBucket,
    without_key: TokenBucket,
}

/// A request that may be carried out once its body is there.
struct Call<'a> {
    found: Found<'a>,
    query: Option<&'a str>,
    body_bytes: usize,
}

/// What was asked for.
struct Answer {
    content_type: &'static str,
    body: Bytes,
}

impl Answer {
    /// A line of JSON text.
    fn json(body: Vec<u8>) -> Self {
        Answer {
            content_type: "application/json",
            body: body.into(),
        }
    }

    /// What `value` is in JSON. Plain structs of strings and numbers always serialise.
    fn of(value: &impl Serialize) -> Self {
        let mut body = serde_json::to_vec(value).unwrap_or_default();
        body.push(b'\n');
        Answer::json(body)
    }
}

impl Engine {
    /// Counts one more connection at the private door, if there is room.
    pub(super) fn admit_privately(&mut self) -> Result<(), Refusal> {
        if self.private.connections >= self.config.private.connections_max {
            return Err(Refusal::Full {
                limit: "private.connections_max",
                retry_after: FULL_RETRY,
            });
        }
        self.private.connections += 1;
        Ok(())
    }

    /// One request head at the private door.
    pub(super) fn serve_private(&mut self, id: ConnectionId, bytes: &[u8], now: Now) -> Served {
        let head = match Head::parse_with_body(bytes, self.config.limits.head_fields_max) {
            Ok(head) => head,
            Err(refusal) => {
                self.refuse_privately(id, Method::Other, &refusal.into(), now);
                return Served::Ended;
            }
        };
        let call = match self.admit_call(&head, now) {
            Ok(call) if call.body_bytes > 0 || call.found.operation.asks_store() => {
                self.await_body(id, &head, &call);
                if call.body_bytes == 0 {
                    self.carry_out_body(id, now);
                }
                return Served::AwaitsBody;
            }
            Ok(call) => call,
            Err(problem) => {
                self.refuse_privately(id, head.method(), &problem, now);
                return Served::Ended;
            }
        };
        let answer = match call.found.operation {
            Operation::Metrics => Ok(self.metrics(&head)),
            _ => self.carry_out_call(&call.found, call.query, &[], now),
        };
        self.tell_of_call(id, call.found.operation, answer.is_ok(), now);
        self.answer_call(id, head.method(), head.keep_alive(), answer, now)
    }

    /// Everything that can be judged without the body, cheapest first.
    fn admit_call<'a>(&mut self, head: &Head<'a>, now: Now) -> Result<Call<'a>, Problem> {
        self.expect_own_host(head.host())?;
        expect_no_page(head)?;
        self.charge_call(head, now)?;
        let found = api::find(head.method(), head.path())?;
        if head.method() == Method::Post {
            // What a call changes stands in its body alone.
            api::expect_none(head.query())?;
        }
        let body_bytes = self.measure_body(head)?;
        Ok(Call {
            found,
            query: head.query(),
            body_bytes,
        })
    }

    /// A page whose name was made to point here (DNS rebinding) sends that name.
    fn expect_own_host(&self, host: &str) -> Result<(), Problem> {
        let name = host_name(host);
        let is_configured = |own: &String| own.eq_ignore_ascii_case(name);
        let is_own = name.eq_ignore_ascii_case("localhost")
            || name.parse::<IpAddr>().is_ok()
            || self.config.private.hosts.iter().any(is_configured);
        is_own.then_some(()).ok_or(Problem::HostNotAllowed)
    }

    /// Checks the key where one is needed, and takes the request from the bucket of those who show it, or of the others.
    fn charge_call(&mut self, head: &Head<'_>, now: Now) -> Result<(), Problem> {
        let authorization: Vec<&[u8]> = head.fields("authorization").take(2).collect();
        let key = self.config.private.key.as_ref();
        let shown = key.map(|key| private_key::check(key, &authorization));
        let bucket = match shown {
            Some(Ok(())) => &mut self.private.with_key,
            _ => &mut self.private.without_key,
        };
        bucket
            .take(1, self.config.private.requests, now.instant)
            .map_err(|retry_after| {
                let limit = "private.requests";
                Problem::TooMany { limit, retry_after }
            })?;
        match shown {
            _ if api::is_open(head.path()) => Ok(()),
            Some(Ok(())) => Ok(()),
            Some(Err(AuthError::Missing)) => Err(Problem::KeyRequired),
            Some(Err(_)) => Err(Problem::KeyInvalid),
            None => Err(Problem::NoKeyConfigured),
        }
    }

    fn carry_out_call(
        &mut self,
        found: &Found<'_>,
        query: Option<&str>,
        body: &[u8],
        now: Now,
    ) -> Result<Answer, Problem> {
        match found.operation {
            Operation::Health => api::expect_none(query).map(|()| self.health(now)),
            Operation::Readiness => api::expect_none(query).and_then(|()| self.readiness()),
            // Answered without a look at the rest of the request but its head.
            Operation::Metrics => Err(Problem::NoSuchRoute),
            Operation::ListConnections => {
                ConnectionQuery::parse(query).and_then(|query| self.list_connections(&query, now))
            }
            Operation::ExplainConnection => {
                api::expect_none(query)?;
                self.explain_connection(&found.segment, now)
            }
            Operation::ListRooms => Page::parse(query).map(|page| self.list_rooms(&page)),
            Operation::ShowRoom => {
                Page::parse(query).and_then(|page| self.show_room(&found.segment, &page, now))
            }
            Operation::ListPeople => PeopleQuery::parse(query)
                .and_then(|query| self.list_people(&found.segment, &query, now)),
            Operation::ShowLimits => {
                LimitsQuery::parse(query).map(|query| self.show_limits(&query, now))
            }
            Operation::Disconnect => self.disconnect(body, now),
            Operation::Pardon => self.pardon(body, now),
            Operation::MintTicket => self.mint_ticket(body, now),
            // These may have to wait for the store.
            Operation::NewRoom
            | Operation::ChangeRoom
            | Operation::Publish
            | Operation::ShowHistory
            | Operation::ShowLog
            | Operation::ListSessions
            | Operation::NewSession
            | Operation::Revoke => Err(Problem::NoSuchRoute),
        }
    }

    fn answer_call(
        &mut self,
        id: ConnectionId,
        method: Method,
        keep_alive: bool,
        answer: Result<Answer, Problem>,
        now: Now,
    ) -> Served {
        match answer {
            Ok(Answer { content_type, body }) => {
                let response = Response::ok(content_type, &body)
                    .with_fields(&[("Cache-Control", "no-store")])
                    .with_keep_alive(keep_alive);
                self.answer(id, method, response, &body, now)
            }
            Err(problem) => {
                self.refuse_privately(id, method, &problem, now);
                Served::Ended
            }
        }
    }

    /// Tells what is wrong and ends the connection: a body may follow that nobody will read.
    pub(super) fn refuse_privately(
        &mut self,
        id: ConnectionId,
        method: Method,
        problem: &Problem,
        now: Now,
    ) {
        self.tell_of_problem(id, problem, now);
        if let Some(connection) = self.connections.get_mut(id) {
            let (kind, status, _) = problem.kind();
            log::debug!("private: {} refused: {status} {kind}", connection.peer);
            self.outbound.write(connection, |outbox| {
                outbox.append(|run| problem.write(method, run));
            });
        }
        self.finish(id, now);
    }
}

/// The part of a Host before the port.
fn host_name(host: &str) -> &str {
    match host.split_once(']') {
        Some((literal, _)) => literal.trim_start_matches('['),
        None => host.split(':').next().unwrap_or_default(),
    }
}

/// Browsers say where a page came from: nothing here is for pages.
fn expect_no_page(head: &Head<'_>) -> Result<(), Problem> {
    let is_asked_by_hand = |site: &[u8]| site == b"none";
    let from_page =
        head.field("origin").is_some() || !head.fields("sec-fetch-site").all(is_asked_by_hand);
    if from_page {
        return Err(Problem::BrowserRefused);
    }
    Ok(())
}

/// Somebody in whose name something is done.
fn identity(author: &Author) -> Result<Identity, Problem> {
    let name = author.name.as_deref().unwrap_or(&author.user);
    Identity::new(&author.user, name, None).map_err(|error| match error {
        IdentityError::User => Problem::field("user", "1 to 128 bytes of visible text"),
        IdentityError::ReservedName => {
            Problem::field("name", "a name that can not be taken for the server's own")
        }
    })
}
