//! The body of a request: how long it may be, and what happens while it arrives.

use super::super::Engine;
use super::super::connection::{Body, Head as ArrivingHead, Phase};
use super::super::http::Served;
use super::super::work::Awaited;
use super::Call;
use crate::id::ConnectionId;
use crate::protocol::api::{Found, Operation};
use crate::protocol::head::{Expectation, Head, Method};
use crate::protocol::problem::Problem;
use crate::time::Now;

/// RFC 9110 §15.2.1
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

impl Engine {
    /// The bytes of body that follow a head; only a POST has any, and only JSON.
    pub(super) fn measure_body(&self, head: &Head<'_>) -> Result<usize, Problem> {
        let framing = head.body_framing();
        if framing.is_coded {
            return Err(Problem::LengthRequired);
        }
        if framing.expectation == Expectation::Other {
            return Err(Problem::ExpectationFailed);
        }
        if head.method() != Method::Post {
            return match head.content_length() {
                0 => Ok(0),
                _ => Err(Problem::Malformed("a body where none belongs")),
            };
        }
        if head.field("content-length").is_none() {
            return Err(Problem::LengthRequired);
        }
        if !is_json(head) {
            return Err(Problem::NotJson);
        }
        let bytes_max = self.config.private.body_bytes_max;
        usize::try_from(head.content_length())
            .ok()
            .filter(|bytes| *bytes <= bytes_max)
            .ok_or(Problem::BodyTooLarge { bytes_max })
    }

    /// Waits for the body of `call`, and lets the client send it if it waits to be told so.
    pub(super) fn await_body(&mut self, id: ConnectionId, head: &Head<'_>, call: &Call<'_>) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let Phase::Head(ArrivingHead { requests, .. }) = connection.phase else {
            return;
        };
        // Since when is not touched: one deadline is for the whole request.
        connection.phase = Phase::Body(Box::new(Body {
            operation: call.found.operation,
            method: head.method(),
            query: call.query.map(Box::from),
            segment: call.found.segment.as_ref().into(),
            keep_alive: head.keep_alive(),
            requests,
            wanted: call.body_bytes,
            bytes: Vec::new(),
        }));
        if head.body_framing().expectation == Expectation::Continue {
            self.outbound.write(connection, |outbox| {
                outbox.append(|run| run.extend_from_slice(CONTINUE));
            });
        }
    }

    /// Takes what belongs to the body, and carries out the call when all of it is there; gives the bytes that are left.
    pub(in crate::engine) fn receive_body<'a>(
        &mut self,
        id: ConnectionId,
        bytes: &'a [u8],
        now: Now,
    ) -> &'a [u8] {
        let Some(connection) = self.connections.get_mut(id) else {
            return &[];
        };
        let Phase::Body(body) = &mut connection.phase else {
            return bytes;
        };
        let missing = body.wanted - body.bytes.len();
        let (own, rest) = bytes.split_at(missing.min(bytes.len()));
        body.bytes.extend_from_slice(own);
        if body.bytes.len() < body.wanted {
            return rest;
        }
        self.carry_out_body(id, now);
        if self.is_asking(id) {
            // The next request is looked at when this one is answered.
            self.hold(id, rest, false);
            return &[];
        }
        rest
    }

    /// Carries out a call whose body is there, unless the store has not answered yet.
    pub(super) fn carry_out_body(&mut self, id: ConnectionId, now: Now) {
        if self.is_asking(id) {
            return;
        }
        let head_bytes_max = self.config.limits.head_bytes_max;
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let Phase::Body(body) = &mut connection.phase else {
            return;
        };
        let mut next = ArrivingHead::new(head_bytes_max);
        next.requests = body.requests;
        let Phase::Body(body) = std::mem::replace(&mut connection.phase, Phase::Head(next)) else {
            return;
        };
        let found = Found {
            operation: body.operation,
            segment: body.segment.as_ref().into(),
        };
        let answer = match body.operation {
            Operation::Publish => self.publish(id, &body, now),
            Operation::NewRoom
            | Operation::ChangeRoom
            | Operation::ShowHistory
            | Operation::ShowLog => self.carry_out_about_room_privately(id, &body, now),
            operation if operation.asks_store() => self.carry_out_stored(id, &body, now),
            _ => self
                .carry_out_call(&found, None, &body.bytes, now)
                .map(Some),
        };
        let answer = match answer {
            Ok(None) => return self.wait_with(id, body),
            Ok(Some(answer)) => Ok(answer),
            Err(problem) => Err(problem),
        };
        self.tell_of_call(id, body.operation, answer.is_ok(), now);
        let served = self.answer_call(id, body.method, body.keep_alive, answer, now);
        if let Served::KeptAlive = served {
            self.await_next_request(id, now);
        }
    }

    /// Puts a request back until the store has answered; its deadline goes on.
    fn wait_with(&mut self, id: ConnectionId, body: Box<Body>) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.phase = Phase::Body(body);
        }
    }

    /// Whether a request waits for the store.
    fn is_asking(&self, id: ConnectionId) -> bool {
        self.connections.get(id).is_some_and(|connection| {
            matches!(connection.phase, Phase::Body(_))
                && matches!(connection.awaited, Awaited::Asked(_) | Awaited::Queued)
        })
    }
}

/// `application/json` in UTF-8, as it is (RFC 8259 §11, RFC 9110 §8.4).
fn is_json(head: &Head<'_>) -> bool {
    let Some(value) = head.field("content-type") else {
        return false;
    };
    let mut parts = value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let is_type = parts
        .next()
        .is_some_and(|kind| kind.eq_ignore_ascii_case(b"application/json"));
    let is_utf8 = |part: &[u8]| {
        [&b"charset=utf-8"[..], b"charset=\"utf-8\""]
            .iter()
            .any(|charset| part.eq_ignore_ascii_case(charset))
    };
    is_type && parts.all(is_utf8) && head.field("content-encoding").is_none()
}
