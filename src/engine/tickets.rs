//! `POST /ticket`: a one-time credential for a page, which can set no header on a WebSocket.

use std::time::Duration;

use bytes::Bytes;
use rand_chacha::rand_core::Rng;

use super::Engine;
use super::cross_origin::readable_by;
use super::http::{Asked, Served, expect_no_body};
use super::open::{Denied, origin_text};
use crate::access::ticket::TicketError;
use crate::id::ConnectionId;
use crate::limit::Scope;
use crate::protocol::head::{Head, Method};
use crate::protocol::response::{Refusal, Response};
use crate::time::Now;

impl Engine {
    /// Answers at `/ticket` so that a page of an allowed origin can read the answer, a refusal too.
    pub(super) fn serve_ticket(
        &mut self,
        id: ConnectionId,
        head: &Head<'_>,
        now: Now,
    ) -> Result<Served, Refusal> {
        let served = match head.method() {
            Method::Post => self.give_ticket(id, head, now),
            Method::Options => self.answer_preflight(id, head, now),
            _ => Err(Refusal::MethodNotAllowed {
                allow: "POST, OPTIONS",
            }),
        };
        match (served, self.allowed_origin(head)) {
            (Err(refusal), Some(origin)) => {
                self.refuse_with(id, Asked::by(head), refusal, &readable_by(origin), now);
                Ok(Served::Ended)
            }
            (served, _) => served,
        }
    }

    /// Gives whoever shows a bearer or a cookie a ticket.
    fn give_ticket(
        &mut self,
        id: ConnectionId,
        head: &Head<'_>,
        now: Now,
    ) -> Result<Served, Refusal> {
        expect_no_body(head)?;
        let identity = match self.who(id, head, None, now) {
            Ok(identity) => identity,
            Err(Denied::Refusal(refusal)) => return Err(refusal),
            Err(Denied::NotYet) => return Ok(Served::Postponed),
            Err(Denied::Waiting) => return Ok(Served::Waiting),
            Err(Denied::Close(reason)) => return Err(self.as_status(reason, now)),
        };
        let mut value = [0; 32];
        self.random.fill_bytes(&mut value);
        let origin = origin_text(head).map(Box::from);
        let ticket = self
            .tickets
            .mint(identity, origin, now, value)
            .map_err(ticket_refusal)?;
        let lifetime = self.config.auth.ticket.lifetime.as_millis();
        // The ticket is base64url: it needs no escaping.
        let body = Bytes::from(format!(
            "{{\"ticket\":\"{ticket}\",\"expires_in_ms\":{lifetime}}}\n"
        ));
        let mut fields = vec![("Cache-Control", "no-store")];
        fields.extend(
            self.allowed_origin(head)
                .map(readable_by)
                .into_iter()
                .flatten(),
        );
        let response = Response::ok("application/json", &body).with_fields(&fields);
        Ok(self.respond(id, head, response, &body, now))
    }
}

fn ticket_refusal(error: TicketError) -> Refusal {
    match error {
        TicketError::Full { retry_after, .. } => Refusal::Full {
            limit: "tickets_max",
            retry_after,
        },
        TicketError::UserFull { retry_after, .. } => Refusal::TooMany {
            limit: "tickets_per_user_max",
            scope: Scope::User.as_str(),
            retry_after,
        },
        TicketError::ValueTaken => Refusal::Full {
            limit: "tickets_max",
            retry_after: Duration::from_secs(1),
        },
    }
}
