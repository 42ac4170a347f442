//! One-time tickets for users whom another program has signed in.

use rand_chacha::rand_core::Rng;

use super::super::Engine;
use super::{Answer, identity};
use crate::access::ticket::TicketError;
use crate::engine::http::FULL_RETRY;
use crate::protocol::api::TicketRequest;
use crate::protocol::problem::Problem;
use crate::time::Now;

impl Engine {
    /// Gives a ticket that opens the chat as the named user, once, from the named origin or any allowed one.
    pub(super) fn mint_ticket(&mut self, body: &[u8], now: Now) -> Result<Answer, Problem> {
        let request = TicketRequest::parse(body)?;
        let mut identity = identity(&request.author)?;
        // Given now: a revocation from before does not concern it.
        identity.grant.issued = Some(now.wall);
        if let Some(origin) = &request.origin
            && !self.origins.allows(origin.as_bytes())
        {
            let allowed = "one of origins.allow, spelled as browsers do";
            return Err(Problem::field("origin", allowed));
        }
        let mut value = [0; 32];
        self.random.fill_bytes(&mut value);
        let user = identity.user.clone();
        let ticket = self
            .tickets
            .mint(identity, request.origin.map(Box::from), now, value)
            .map_err(problem)?;
        log::info!("private: minted a ticket for {user:?}");
        let lifetime = self.config.auth.ticket.lifetime.as_millis();
        // The ticket is base64url: it needs no escaping.
        let answer = format!("{{\"ticket\":\"{ticket}\",\"expires_in_ms\":{lifetime}}}\n");
        Ok(Answer::json(answer.into_bytes()))
    }
}

fn problem(error: TicketError) -> Problem {
    match error {
        TicketError::Full { retry_after, .. } => Problem::ServerFull {
            limit: "auth.ticket.tickets_max",
            retry_after,
        },
        TicketError::UserFull { retry_after, .. } => Problem::TooMany {
            limit: "auth.ticket.tickets_per_user_max",
            retry_after,
        },
        TicketError::ValueTaken => Problem::ServerFull {
            limit: "auth.ticket.tickets_max",
            retry_after: FULL_RETRY,
        },
    }
}
