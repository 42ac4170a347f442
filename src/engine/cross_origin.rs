//! The CORS protocol (Fetch, §3.3) for the one route that scripts of a page from another origin call: its own back end
//! may serve the page, and this server the chat. It lets nobody in: it only lets an allowed page read the answer.

use bytes::Bytes;

use super::Engine;
use super::http::Served;
use crate::access::origin::OriginRefusal;
use crate::id::ConnectionId;
use crate::protocol::head::Head;
use crate::protocol::response::{Refusal, Response};
use crate::time::Now;

use super::open::{origin_refusal, origin_text};

/// How long a browser may keep the answer to a preflight, in seconds: not long, so that an origin that is taken off
/// the list is off soon.
const PREFLIGHT_SECONDS: &str = "600";

/// What lets a page of `origin` read an answer, credentials included. The answer differs by origin, so caches must know.
pub(super) fn readable_by(origin: &str) -> [(&'static str, &str); 3] {
    [
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
        ("Vary", "Origin"),
    ]
}

impl Engine {
    /// The origin of the page that asks, when it is one of ours.
    pub(super) fn allowed_origin<'a>(&self, head: &Head<'a>) -> Option<&'a str> {
        let mut origins = head.fields("origin");
        let origin = origins.next()?;
        let is_allowed = origins.next().is_none() && self.origins.allows(origin);
        is_allowed.then(|| origin_text(head)).flatten()
    }

    /// Answers the question of a browser whether a page may `POST` here.
    pub(super) fn answer_preflight(
        &mut self,
        id: ConnectionId,
        head: &Head<'_>,
        now: Now,
    ) -> Result<Served, Refusal> {
        if head.field("access-control-request-method") != Some(b"POST") {
            return Err(Refusal::MethodNotAllowed { allow: "POST" });
        }
        let Some(origin) = self.allowed_origin(head) else {
            return Err(origin_refusal(OriginRefusal::NotAllowed));
        };
        let mut fields = readable_by(origin).to_vec();
        fields.extend([
            ("Access-Control-Allow-Methods", "POST"),
            ("Access-Control-Allow-Headers", "Authorization"),
            ("Access-Control-Max-Age", PREFLIGHT_SECONDS),
        ]);
        let body = Bytes::new();
        let response = Response::ok("text/plain", &body).with_fields(&fields);
        Ok(self.respond(id, head, response, &body, now))
    }
}
