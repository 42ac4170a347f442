//! Admission to a session: Origin, credential, limits, then the upgrade.

use std::time::Duration;

use super::Engine;
use super::chat;
use super::closing::closing;
use super::connection::{Endpoint, Phase, Session, Wire};
use super::http::{Asked, Served};
use super::reply;
use super::shadow::spend;
use super::stock::short_of_memory;
use super::verify::{BUSY_RETRY, Place, Unverified};
use crate::access::certificate::ClientCertificate;
use crate::access::credentials::{
    self, EnabledSources, RequestCredentials, Shown, TICKET_PROTOCOL_PREFIX,
};
use crate::access::origin::{self, OriginRefusal};
use crate::access::{AuthError, Identity, Source};
use crate::config::RefuseWith;
use crate::id::ConnectionId;
use crate::limit::Scope;
use crate::limit::memory::Pressure;
use crate::protocol::close::CloseReason;
use crate::protocol::head::Head;
use crate::protocol::outbox::Outbox;
use crate::protocol::response::Refusal;
use crate::protocol::upgrade::{Upgrade, write_switching};
use crate::protocol::websocket::WebSocket;
use crate::telemetry::Event;
use crate::time::Now;

/// The subprotocol of the full protocol.
const V1: &str = "wardroom.v1";

/// Limits of an address, by the names that refusals tell.
const HANDSHAKES: &str = "handshakes_per_address";
pub(super) const FAILED_AUTHENTICATIONS: &str = "failed_authentications_per_address";

/// Field values looked at of one name: two are enough to see that there are too many.
const VALUES_MAX: usize = 8;

/// Why a well-formed request does not become a session.
pub(super) enum Denied {
    /// Said as a status, whatever the configuration: no page needs to tell these apart.
    Refusal(Refusal),
    /// What a page must be able to read: said by a close frame unless `auth.refuse_with = "http"`.
    Close(CloseReason),
    /// The turn's signatures are used up; nothing was charged, and the request is looked at again.
    NotYet,
    /// Another thread was asked; the request is looked at again when it has answered, and charged no second time.
    Waiting,
}

impl Engine {
    /// A request for a WebSocket.
    pub(super) fn open(
        &mut self,
        id: ConnectionId,
        head: &Head<'_>,
        endpoint: Endpoint,
        now: Now,
    ) -> Result<Served, Refusal> {
        let upgrade = Upgrade::from_head(head)?;
        let offered: Vec<&str> = upgrade.protocols.iter().collect();
        let who = if self.stopping {
            Err(Denied::Close(CloseReason::GoingAway))
        } else {
            self.who(id, head, Some(&offered), now)
        };
        match who {
            Ok(identity) => self.switch(id, &upgrade, &offered, endpoint, identity, now),
            Err(Denied::Refusal(refusal)) => return Err(refusal),
            Err(Denied::NotYet) => return Ok(Served::Postponed),
            Err(Denied::Waiting) => return Ok(Served::Waiting),
            Err(Denied::Close(reason)) => match self.config.auth.refuse_with {
                RefuseWith::Http => return Err(self.as_status(reason, now)),
                RefuseWith::Close => {
                    self.turn_away(id, &upgrade, &offered, reason, now);
                    self.tell_of_turning_away(id, endpoint, reason, now);
                }
            },
        }
        Ok(Served::Upgraded)
    }

    /// Origin, credential, and the limits on whoever it is. Without `offered` subprotocols it is a page that asks for a
    /// ticket: it can set a header, and needs neither ticket nor address for it.
    pub(super) fn who(
        &mut self,
        id: ConnectionId,
        head: &Head<'_>,
        offered: Option<&[&str]>,
        now: Now,
    ) -> Result<Identity, Denied> {
        let answer = self.take_answer(id);
        let is_first_look = answer.is_none();
        if is_first_look {
            self.check_handshake(id, now).map_err(Denied::Refusal)?;
        }
        let authorization = values(head, "authorization");
        let cookie = values(head, "cookie");
        let request = RequestCredentials {
            authorization: &authorization,
            cookie: &cookie,
            protocols: offered.unwrap_or_default(),
            query: offered.and(head.query()),
        };
        let shown = self.find_credential(request);
        // Whoever showed nothing else may have shown a certificate.
        let certificate = self.certificate_of(id).filter(|_| shown == Ok(None));
        let source = shown.as_ref().map_or_else(
            // A cookie that can not be read is one all the same.
            |_| {
                head.field("cookie")
                    .and(self.config.auth.cookie.as_ref())
                    .map(|_| Source::Cookie)
            },
            |shown| shown.as_ref().map(|shown| shown.source),
        );
        let source = source.or(certificate.as_ref().map(|_| Source::Certificate));
        let judged = self.judge_origin(head, source);
        if is_first_look {
            if judged.is_ok() && shown.is_ok() && source.is_some_and(needs_signature) {
                self.take_signature_check().ok_or(Denied::NotYet)?;
            }
            self.charge_handshake(id, now);
        }
        judged.map_err(|refusal| Denied::Refusal(origin_refusal(refusal)))?;
        let verified = match (certificate, shown) {
            (Some(certificate), _) => self.verify_certificate(&certificate, now),
            (None, Ok(Some(shown))) => {
                let place = Place {
                    origin: origin_text(head),
                    path: head.path(),
                };
                self.verify(id, shown.credential(), place, answer, now)
            }
            (None, Ok(None)) => Err(AuthError::Missing.into()),
            (None, Err(error)) => Err(error.into()),
        };
        verified.map_err(|unverified| self.denial(id, unverified, now))
    }

    /// Takes one from the turn's budget of signatures and look-ups.
    pub(super) fn take_signature_check(&mut self) -> Option<()> {
        self.signature_checks_left = self.signature_checks_left.checked_sub(1)?;
        Some(())
    }

    fn denial(&mut self, id: ConnectionId, unverified: Unverified, now: Now) -> Denied {
        match unverified {
            Unverified::Waiting => Denied::Waiting,
            Unverified::Unavailable => Denied::Close(CloseReason::Overloaded),
            Unverified::HookUnavailable => Denied::Close(CloseReason::AuthenticationUnavailable),
            Unverified::Refused(error) => {
                // Who forgot a credential, or whose credential ran out, guesses at nothing.
                if error == AuthError::Invalid {
                    self.charge_failed_authentication(id, now);
                }
                Denied::Close(close_reason(error))
            }
        }
    }

    fn certificate_of(&self, id: ConnectionId) -> Option<Box<ClientCertificate>> {
        self.connections.get(id)?.certificate.clone()
    }

    fn find_credential<'a>(
        &self,
        request: RequestCredentials<'a>,
    ) -> Result<Option<Shown<'a>>, AuthError> {
        let enabled = EnabledSources {
            cookie: self.config.auth.cookie.as_deref(),
            query: self.config.auth.query_token,
        };
        credentials::find(request, enabled)
    }

    fn judge_origin(&self, head: &Head<'_>, source: Option<Source>) -> Result<(), OriginRefusal> {
        let origin = values(head, "origin");
        let site = values(head, "sec-fetch-site");
        origin::judge(&origin, &site, source, &self.origins)
    }

    /// Whether the address may try at all.
    fn check_handshake(&mut self, id: ConnectionId, now: Now) -> Result<(), Refusal> {
        let Some(connection) = self.connections.get(id) else {
            return Err(Refusal::NotFound);
        };
        let prefix = connection.prefix;
        let failures = self.config.limits.failed_authentications_per_address;
        let failures = self.rate_of(prefix, failures);
        let handshakes = self.handshake_rate_of(prefix, now);
        let entry = self.prefixes.entry(prefix);
        let checked = [
            (
                entry.failed_authentications.check(1, failures, now.instant),
                FAILED_AUTHENTICATIONS,
            ),
            (
                entry.handshakes.check(1, handshakes, now.instant),
                HANDSHAKES,
            ),
        ];
        for (checked, limit) in checked {
            if let Err(wait) = checked
                && !self.overlooks(id, limit, Scope::Address, now)
            {
                return Err(too_many(limit, wait));
            }
        }
        Ok(())
    }

    fn charge_handshake(&mut self, id: ConnectionId, now: Now) {
        let is_shadowed = self.config.limits.shadow.has(HANDSHAKES);
        if let Some(connection) = self.connections.get(id) {
            let prefix = connection.prefix;
            let rate = self.handshake_rate_of(prefix, now);
            let entry = self.prefixes.entry(prefix);
            spend(&mut entry.handshakes, 1, rate, is_shadowed, now.instant);
        }
    }

    pub(super) fn charge_failed_authentication(&mut self, id: ConnectionId, now: Now) {
        let limits = &self.config.limits;
        let rate = limits.failed_authentications_per_address;
        let is_shadowed = limits.shadow.has(FAILED_AUTHENTICATIONS);
        if let Some(connection) = self.connections.get(id) {
            let prefix = connection.prefix;
            let rate = self.rate_of(prefix, rate);
            let entry = self.prefixes.entry(prefix);
            spend(
                &mut entry.failed_authentications,
                1,
                rate,
                is_shadowed,
                now.instant,
            );
        }
        self.offend(id, now);
    }

    /// Makes the connection a session of `identity`, if its limits allow.
    fn switch(
        &mut self,
        id: ConnectionId,
        upgrade: &Upgrade<'_>,
        offered: &[&str],
        endpoint: Endpoint,
        identity: Identity,
        now: Now,
    ) {
        if let Err(reason) = self.admit_user(id, &identity, now) {
            return self.refuse_user(id, upgrade, offered, endpoint, reason, now);
        }
        let message_bytes_max = match endpoint {
            Endpoint::Chat => self.config.limits.message_bytes_max,
            Endpoint::Echo => self.config.echo.message_bytes_max,
        };
        let wire = match endpoint {
            Endpoint::Chat if upgrade.protocols.contains(V1) => Wire::V1,
            Endpoint::Chat | Endpoint::Echo => Wire::Tutorial,
        };
        let user = self.users.arrive(&identity, id, now.instant);
        let websocket = WebSocket::new(message_bytes_max);
        let mut session = Session::new(websocket, user, endpoint);
        session.expires = identity.expires;
        session.grant = identity.grant.clone();
        session.claims = identity.rooms.clone();
        session.last_received = now.instant;
        session.last_message = now.instant;
        session.stays_at = Some(now.instant + self.config.limits.earned_after);
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let entry = self.prefixes.entry(connection.prefix);
        entry.plain_connections -= 1;
        entry.open_connections += 1;
        self.plain_connections -= 1;
        if let Some(place) = connection.place.take() {
            self.waiting.leave(id, place);
        }
        connection.phase = Phase::Open(Box::new(session));
        connection.wire = wire;
        connection.since = now.instant;
        let prefix = connection.prefix;
        let chosen = choose_protocol(offered, endpoint);
        self.outbound.write(connection, |outbox| {
            outbox.append(|run| write_switching(run, upgrade.key, chosen));
            outbox.begin_frames();
        });
        self.pardon_one(prefix, now);
        self.counters.handshakes.count("upgraded");
        self.report_about(id, &Event::SignedIn, None, now);
        if endpoint == Endpoint::Chat {
            chat::welcome(self, id, now);
        }
    }

    /// Says to somebody known why they can not come in as well.
    fn refuse_user(
        &mut self,
        id: ConnectionId,
        upgrade: &Upgrade<'_>,
        offered: &[&str],
        endpoint: Endpoint,
        reason: CloseReason,
        now: Now,
    ) {
        match self.config.auth.refuse_with {
            RefuseWith::Http => {
                let refusal = self.as_status(reason, now);
                let asked = Asked {
                    is_head: false,
                    path: Some(endpoint.path()),
                };
                self.refuse_with(id, asked, refusal, &[], now);
            }
            RefuseWith::Close => {
                self.turn_away(id, upgrade, offered, reason, now);
                self.tell_of_turning_away(id, endpoint, reason, now);
            }
        }
    }

    fn admit_user(
        &mut self,
        id: ConnectionId,
        identity: &Identity,
        now: Now,
    ) -> Result<(), CloseReason> {
        // A session stays longer than what made it: it is looked at anew, not as the turn began.
        if self.stock.budget.pressure(self.memory_drawn()) == Pressure::Hard {
            return Err(CloseReason::OutOfMemory);
        }
        let limits = &self.config.limits;
        let (per_user, per_address) = (limits.connections_per_user, limits.connections_per_address);
        let Some(connection) = self.connections.get(id) else {
            return Err(CloseReason::Internal);
        };
        let prefix = connection.prefix;
        self.note_sign_in(id, &identity.user);
        let per_address = self.allowance(prefix, per_address, now);
        let open = self.prefixes.entry(prefix).open_connections as usize;
        if self.users.connections_of(&identity.user) >= per_user
            && !self.overlooks(id, "connections_per_user", Scope::User, now)
        {
            return Err(CloseReason::TooManyConnectionsOfUser);
        }
        if open >= per_address
            && !self.overlooks(id, "connections_per_address", Scope::Address, now)
        {
            return Err(CloseReason::TooManyConnectionsFromAddress);
        }
        Ok(())
    }

    /// Upgrades only to say why not: a page can read a close frame, but no status.
    fn turn_away(
        &mut self,
        id: ConnectionId,
        upgrade: &Upgrade<'_>,
        offered: &[&str],
        reason: CloseReason,
        now: Now,
    ) {
        let goes = reason == CloseReason::GoingAway;
        let reconnect_after_ms = goes.then(|| self.reconnect_after_ms());
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let chosen = choose_protocol(offered, Endpoint::Chat);
        let bye = (goes && chosen == Some(V1)).then(|| {
            reply::encode(
                &reply::bye(reason, reason.text(), reconnect_after_ms),
                Wire::V1,
            )
        });
        let mut websocket = WebSocket::new(self.config.limits.message_bytes_max);
        let say = |outbox: &mut Outbox| {
            outbox.append(|run| write_switching(run, upgrade.key, chosen));
            if let Some(bye) = bye.flatten() {
                outbox.push_shared(bye);
            }
            websocket.close(reason, reason.text(), outbox);
        };
        self.outbound.write(connection, say);
        connection.phase = closing(websocket, None);
        connection.since = now.instant;
    }

    /// Counts and reports one who was upgraded only to be told why not.
    fn tell_of_turning_away(
        &mut self,
        id: ConnectionId,
        endpoint: Endpoint,
        reason: CloseReason,
        now: Now,
    ) {
        self.counters.handshakes.count(reason.label());
        let event = match self.as_status(reason, now).limit() {
            Some([limit, scope]) => {
                self.counters.limited.count_pair([limit, scope]);
                Some(Event::Limited { limit, scope })
            }
            None => Event::of_close(reason),
        };
        if let Some(event) = event {
            self.report_about(id, &event, Some(endpoint.path()), now);
        }
    }

    pub(super) fn as_status(&mut self, reason: CloseReason, now: Now) -> Refusal {
        match reason {
            CloseReason::GoingAway => Refusal::Full {
                limit: "stopping",
                retry_after: Duration::from_millis(self.reconnect_after_ms()),
            },
            CloseReason::CredentialsRequired => Refusal::CredentialsMissing,
            CloseReason::TokenExpired => Refusal::CredentialsExpired,
            CloseReason::Revoked => Refusal::CredentialsRevoked,
            CloseReason::Overloaded => Refusal::Full {
                limit: "pending_answers_max",
                retry_after: BUSY_RETRY,
            },
            CloseReason::OutOfMemory => short_of_memory(),
            CloseReason::AuthenticationUnavailable => Refusal::AuthenticationUnavailable {
                retry_after: self.questions.retry_after(now.instant),
            },
            CloseReason::TooManyConnectionsOfUser => Refusal::TooMany {
                limit: "connections_per_user",
                scope: Scope::User.as_str(),
                retry_after: self.config.deadlines.close,
            },
            CloseReason::TooManyConnectionsFromAddress => {
                too_many("connections_per_address", self.config.deadlines.close)
            }
            _ => Refusal::CredentialsInvalid,
        }
    }
}

/// The full protocol where it is offered. A browser wants one of its offers chosen: a page that offers
/// nothing but its ticket gets that back, spent.
fn choose_protocol<'a>(offered: &[&'a str], endpoint: Endpoint) -> Option<&'a str> {
    let named = offered
        .iter()
        .find(|name| endpoint == Endpoint::Chat && **name == V1);
    let ticket = || {
        offered
            .iter()
            .find(|name| name.starts_with(TICKET_PROTOCOL_PREFIX))
    };
    named.or_else(ticket).copied()
}

/// Tickets are looked up, and certificates were verified in the handshake; everything else is verified now.
fn needs_signature(source: Source) -> bool {
    !matches!(source, Source::Ticket | Source::Certificate)
}

fn values<'a>(head: &Head<'a>, name: &str) -> Vec<&'a [u8]> {
    head.fields(name).take(VALUES_MAX).collect()
}

pub(super) fn origin_text<'a>(head: &Head<'a>) -> Option<&'a str> {
    head.field("origin")
        .and_then(|value| std::str::from_utf8(value).ok())
}

pub(super) fn too_many(limit: &'static str, retry_after: Duration) -> Refusal {
    Refusal::TooMany {
        limit,
        scope: Scope::Address.as_str(),
        retry_after,
    }
}

pub(super) fn origin_refusal(refusal: OriginRefusal) -> Refusal {
    Refusal::OriginForbidden(match refusal {
        OriginRefusal::Repeated => "more than one Origin field",
        OriginRefusal::NotAllowed => "origin not allowed",
        OriginRefusal::Missing => "a cookie needs an Origin",
        OriginRefusal::CrossSite => "a cookie or certificate may not come from another site",
    })
}

fn close_reason(error: AuthError) -> CloseReason {
    match error {
        AuthError::Missing => CloseReason::CredentialsRequired,
        AuthError::Invalid => CloseReason::InvalidCredentials,
        AuthError::Expired => CloseReason::TokenExpired,
        AuthError::Revoked => CloseReason::Revoked,
    }
}
