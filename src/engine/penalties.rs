//! Addresses that do nothing but offend: kept out at accept, for a time that grows.
//!
//! Their sessions go on: who shares the address with an attacker and is in stays in.

use std::net::IpAddr;
use std::time::Duration;

use super::Engine;
use super::connection::Phase;
use super::open::too_many;
use super::secure::TlsFailure;
use crate::access::forwarded;
use crate::id::ConnectionId;
use crate::limit::{Forwarders, Prefix, PrefixKey, Scope};
use crate::protocol::response::Refusal;
use crate::telemetry::Event;
use crate::time::Now;

/// The limit's name, as refusals tell it.
const LIMIT: &str = "offences_per_address";

impl Engine {
    /// Whether this prefix may try at all.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] while it is kept out.
    pub(super) fn expect_no_penalty(&mut self, prefix: PrefixKey, now: Now) -> Result<(), Refusal> {
        match self.prefixes.entry(prefix).penalty.left(now.instant) {
            Duration::ZERO => Ok(()),
            left => Err(too_many(LIMIT, left)),
        }
    }

    /// Charges the connection's address for something that no honest client does often, and keeps it out when that is too much.
    pub(super) fn offend(&mut self, id: ConnectionId, now: Now) {
        self.charge_offences(id, 1, now);
    }

    /// The same in a session: what its sign-in gave back is owed again.
    pub(super) fn offend_in_session(&mut self, id: ConnectionId, now: Now) {
        self.charge_offences(id, 2, now);
    }

    /// The peer goes. Whoever does in the middle of a TLS handshake or of a request's head had work done for nothing. Those who have said nothing
    /// may go, as browsers do that connect in advance, and so may those whose request is whole and waits for its answer.
    pub(super) fn charge_departure(&mut self, id: ConnectionId, now: Now) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        match &connection.phase {
            Phase::Handshake(_) => self.tell_of_tls_failure(id, TlsFailure::Abandoned, now),
            Phase::Head(head) if head.is_half() => self.offend(id, now),
            _ => {}
        }
    }

    fn charge_offences(&mut self, id: ConnectionId, offences: u64, now: Now) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        let (prefix, address) = (connection.prefix, connection.peer.ip());
        if connection.is_private() {
            return;
        }
        self.prefixes.note_offence(address, now.instant);
        if self.is_above_penalties(id, prefix) {
            return;
        }
        let rate = self.config.limits.offences_per_address;
        let entry = self.prefixes.entry(prefix);
        let is_out = !entry.penalty.left(now.instant).is_zero();
        if entry.offences.take(offences, rate, now.instant).is_ok()
            || is_out
            || self.is_everybodys(id)
            || self.overlooks(id, LIMIT, Scope::Address, now)
        {
            return;
        }
        let penalties = self.prefixes.kept.penalties;
        let time = self
            .prefixes
            .entry(prefix)
            .penalty
            .impose(penalties, now.instant);
        let event = Event::Limited {
            limit: LIMIT,
            scope: "address",
        };
        self.report_about(id, &event, None, now);
        let entry = self.prefixes.entry(prefix);
        log::warn!(
            "{} is kept out for {time:?}: it does nothing but offend",
            entry.prefix()
        );
    }

    /// A sign-in gives back what one mistake cost: an address whose people get in earns room for those who do not.
    pub(super) fn pardon_one(&mut self, prefix: PrefixKey, now: Now) {
        let rate = self.config.limits.offences_per_address;
        let entry = self.prefixes.entry(prefix);
        entry.offences.give_back(1, rate, now.instant, now.instant);
    }

    /// Never those who are many: proxies, networks that the operator names, and everybody who found no slot of their own.
    fn is_above_penalties(&self, id: ConnectionId, prefix: PrefixKey) -> bool {
        let Some(connection) = self.connections.get(id) else {
            return true;
        };
        let address = connection.peer.ip().to_canonical();
        let exempt = &self.config.limits.penalty_exempt;
        let is_proxy =
            forwarded::is_trusted(&self.config.proxy, address) || connection.via.is_nobodys();
        is_proxy
            || !prefix.is_limited()
            || prefix == PrefixKey::EVERYONE
            || exempt.iter().any(|network| network.contains(&address))
    }

    /// Somebody with a good credential asks for a session.
    pub(super) fn note_sign_in(&mut self, id: ConnectionId, user: &str) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        if !connection.prefix.is_limited() {
            return;
        }
        let address = connection.peer.ip().to_canonical();
        self.majority.note(Prefix::of(address), user);
        let open = self.prefixes.entry(connection.prefix).open_connections as usize;
        if open >= self.config.limits.connections_per_address {
            self.is_everybodys(id);
        }
    }

    /// The connection's peer, who is no trusted proxy, says to ask for this client.
    pub(super) fn note_claim(&mut self, id: ConnectionId, client: IpAddr) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        let address = connection.peer.ip().to_canonical();
        if !connection.prefix.is_limited() || client.to_canonical() == address {
            return;
        }
        let (prefix, forwarders) = (Prefix::of(address), self.forwarders(address));
        forwarders.note(prefix, client);
        if forwarders.has_many(prefix) {
            self.tell_of_forwarder(address);
        }
    }

    /// Whether the address is shared by many, and keeping it out would keep out everybody. Says so.
    ///
    /// What a peer says of clients proves nothing: a stranger on the Internet who makes that up must not be spared for it. One who can
    /// not be a stranger is a proxy of the operator's, or a neighbour, whom all other limits hold as before.
    fn is_everybodys(&mut self, id: ConnectionId) -> bool {
        let Some(connection) = self.connections.get(id) else {
            return false;
        };
        let address = connection.peer.ip().to_canonical();
        let prefix = Prefix::of(address);
        if forwarded::is_internal(address) && self.inner_forwarders.has(prefix) {
            self.tell_of_forwarder(address);
            return true;
        }
        let is_most = self.majority.is(prefix);
        if is_most && !std::mem::replace(&mut self.has_met_crowd, true) {
            log::error!(
                "config: proxy identity: most people who sign in come from {address} and share its limits: if that is a proxy, name it in \
                 proxy.trusted; if it is a network of many people, in limits.exempt; until then it is not kept out, whatever it does"
            );
        }
        is_most
    }

    fn tell_of_forwarder(&mut self, address: IpAddr) {
        if !self.forwarders(address).tell(Prefix::of(address)) {
            return;
        }
        let until_then = match forwarded::is_internal(address) {
            true => "until then it is not kept out, since no stranger has such an address",
            false => {
                "until then that is not believed, and it is kept out like anybody when it offends"
            }
        };
        log::error!(
            "config: proxy identity: requests from {address} say that they are passed on for others (X-Forwarded-For, Forwarded, X-Real-IP, \
             PROXY), and all of them share its limits: if that is a proxy of yours, name it in proxy.trusted; {until_then}"
        );
    }

    fn forwarders(&mut self, address: IpAddr) -> &mut Forwarders {
        match forwarded::is_internal(address) {
            true => &mut self.inner_forwarders,
            false => &mut self.outer_forwarders,
        }
    }
}
