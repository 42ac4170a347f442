//! Connections that come through a trusted proxy: whose they are, and when that is known.
//!
//! It must not believe anybody whom `proxy.trusted` does not name. Everything else in the engine sees one address of a
//! connection, the client's, and one prefix that it is counted in; this file alone changes them.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::connection::{Connection, Phase};
use super::open::too_many;
use super::waiting::PLAIN;
use super::{Door, Engine};
use crate::access::forwarded;
use crate::id::ConnectionId;
use crate::limit::{PrefixKey, Scope};
use crate::protocol::head::Head;
use crate::protocol::proxy::{Announced, HeaderReader, Progress};
use crate::protocol::response::Refusal;
use crate::telemetry::Event;
use crate::time::Now;

/// What a connection has to do with a trusted proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Via {
    /// Nothing: the peer of the socket is the client.
    Nobody,
    /// A PROXY header has named the client, or nobody, and then the proxy itself is the client. Field lines are not believed.
    Protocol { proxy: SocketAddr },
    /// Each request says whose it is. Between requests the connection is nobody's.
    Field { proxy: SocketAddr, is_named: bool },
}

impl Via {
    /// Whether the connection is a proxy's, for whoever asks next.
    pub(super) const fn is_nobodys(self) -> bool {
        matches!(
            self,
            Via::Field {
                is_named: false,
                ..
            }
        )
    }
}

impl Door {
    /// Whether proxies stand in front of this listener.
    const fn has_proxies(self) -> bool {
        match self {
            Door::Public | Door::Redirect => true,
            Door::Private => false,
        }
    }
}

impl Engine {
    /// What a new connection from `peer` has to do with a proxy, and whether a PROXY header must come first.
    pub(super) fn via(&self, door: Door, peer: SocketAddr) -> (Via, bool) {
        let proxy = &self.config.proxy;
        if !door.has_proxies() || !forwarded::is_trusted(proxy, peer.ip()) {
            return (Via::Nobody, false);
        }
        let via = Via::Field {
            proxy: peer,
            is_named: false,
        };
        (via, proxy.protocol)
    }

    /// Where a connection is counted while it is known no better than by `via`.
    pub(super) fn prefix_of(&mut self, via: Via, client: SocketAddr, now: Now) -> PrefixKey {
        if via.is_nobodys() {
            return PrefixKey::Proxies;
        }
        if self.is_exempt(client.ip()) {
            return PrefixKey::Exempt;
        }
        self.prefixes.find(client.ip(), now.instant)
    }

    fn is_exempt(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let networks = &self.config.limits.exempt;
        networks.iter().any(|network| network.contains(&address))
    }

    /// Where this address is counted.
    pub(super) fn prefix_of_address(&mut self, address: IpAddr, now: Now) -> PrefixKey {
        self.prefix_of(Via::Nobody, SocketAddr::new(address, 0), now)
    }

    /// Counts a connection anew where other networks are exempt than before.
    pub(super) fn recount(&mut self, id: ConnectionId, now: Now) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        let (via, peer, old) = (connection.via, connection.peer, connection.prefix);
        let was_exempt = old == PrefixKey::Exempt;
        if connection.is_private() || was_exempt == self.is_exempt(peer.ip()) {
            return;
        }
        let user = connection.user();
        let new = self.prefix_of(via, peer, now);
        if let Some(user) = user {
            self.stay_no_more(id, user, old, now);
        }
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        connection.prefix = new;
        let is_plain = !matches!(connection.phase, Phase::Open(_));
        if let Phase::Open(session) = &mut connection.phase {
            session.stays_at = Some(now.instant + self.config.limits.earned_after);
        }
        for (prefix, change) in [(old, -1), (new, 1)] {
            let entry = self.prefixes.entry(prefix);
            let count = if is_plain {
                &mut entry.plain_connections
            } else {
                &mut entry.open_connections
            };
            *count = count.saturating_add_signed(change);
        }
        self.arm(id, now);
    }

    /// Raw bytes of the socket, ahead of TLS: takes those of a PROXY header while one is expected, and gives how many it took.
    /// The rest is for TLS, or for [`Engine::receive`].
    pub fn preamble(&mut self, id: ConnectionId, bytes: &[u8], now: Now) -> usize {
        let Some(connection) = self.connections.get_mut(id) else {
            return 0;
        };
        let Phase::Preamble(reader) = &mut connection.phase else {
            return 0;
        };
        match reader.read(bytes) {
            Ok(Progress::Incomplete) => bytes.len(),
            Ok(Progress::Complete { taken, announced }) => {
                self.introduce(id, announced, now);
                self.arm(id, now);
                taken
            }
            Err(refusal) => {
                self.refuse(id, refusal, now);
                bytes.len()
            }
        }
    }

    /// A PROXY header has named a client. If that is a trusted proxy itself, it names its own in each request.
    fn introduce(&mut self, id: ConnectionId, announced: Announced, now: Now) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        let (door, proxy) = (connection.door, connection.peer);
        let client = match announced {
            Announced::Client(client) => client,
            Announced::Nobody => proxy,
        };
        let via = match (announced, self.via(door, client).0) {
            (Announced::Client(_), via @ Via::Field { .. }) => via,
            _ => Via::Protocol { proxy },
        };
        let phase = self.first_phase(door);
        match self.attribute(id, client, via, now) {
            Ok(()) => {
                if let Some(connection) = self.connections.get_mut(id) {
                    connection.phase = phase;
                }
            }
            // Who waits for TLS could not read it.
            Err(refusal) if matches!(phase, Phase::Handshake(_)) => {
                self.tell_of_refusal(id, None, &refusal, now);
                self.finish(id, now);
            }
            Err(refusal) => self.refuse(id, refusal, now),
        }
    }

    /// Takes the address that a trusted proxy names for the client of this request, before anything else is asked of it.
    ///
    /// # Errors
    /// What the client's address has no room or no tokens for. `bytes` are those of the head, which nobody was charged for.
    pub(super) fn meet_client(
        &mut self,
        id: ConnectionId,
        head: &Head<'_>,
        bytes: usize,
        now: Now,
    ) -> Result<(), Refusal> {
        let Some(connection) = self.connections.get(id) else {
            return Ok(());
        };
        let (peer, via) = (connection.peer, connection.via);
        let proxy = match via {
            Via::Field {
                proxy,
                is_named: false,
            } => proxy,
            // A request that is looked at again has been met.
            Via::Field { .. } => return Ok(()),
            Via::Nobody | Via::Protocol { .. } => {
                if let Some(claimed) = forwarded::claimed(&self.config.proxy, peer, head) {
                    self.note_claim(id, claimed);
                }
                return Ok(());
            }
        };
        let client = forwarded::client(&self.config.proxy, proxy, head);
        if client == proxy && forwarded::is_trusted(&self.config.proxy, proxy.ip()) {
            self.note_silent_proxy(proxy);
        }
        let via = Via::Field {
            proxy,
            is_named: true,
        };
        let attributed = self.attribute(id, client, via, now);
        if let Some(claimed) = forwarded::claimed(&self.config.proxy, proxy, head) {
            self.note_claim(id, claimed);
        }
        attributed?;
        match self.charge_address(id, bytes, now) {
            debt if debt.is_zero() => Ok(()),
            debt => Err(too_many("bytes_per_address", debt)),
        }
    }

    /// Somebody has announced a client where nobody may: who is no trusted proxy, or one that is not expected to.
    pub(super) fn refuse_announcement(&mut self, id: ConnectionId, bytes: &[u8], now: Now) {
        let reason = "a PROXY header where none is expected";
        let connection = self.connections.get(id);
        if connection.is_some_and(|found| found.via == Via::Nobody && found.door.has_proxies()) {
            if let Ok(Progress::Complete {
                announced: Announced::Client(client),
                ..
            }) = HeaderReader::default().read(bytes)
            {
                self.note_claim(id, client.ip());
            }
            self.report_about(id, &Event::ForgedAddress { reason }, None, now);
        }
        self.refuse(id, Refusal::Malformed(reason), now);
    }

    /// The request is answered: until the next the connection is the proxy's, and no client's address pays for it.
    pub(super) fn part_from_client(&mut self, id: ConnectionId, now: Now) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        if let Via::Field { proxy, .. } = connection.via {
            let via = Via::Field {
                proxy,
                is_named: false,
            };
            // The proxy's own connections meet no limit of an address.
            let _ = self.attribute(id, proxy, via, now);
            if let Some(connection) = self.connections.get_mut(id) {
                connection.accepted = now.instant;
            }
        }
    }

    /// Charges the address of a session for bytes that came behind the request which opened it.
    pub(super) fn charge_unnamed_bytes(
        &mut self,
        id: ConnectionId,
        bytes: usize,
        now: Now,
    ) -> Duration {
        match self.connections.get(id).map(|connection| connection.via) {
            Some(Via::Field { .. }) => self.charge_address(id, bytes, now),
            _ => Duration::ZERO,
        }
    }

    /// Counts a plain connection as this client's from now on.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] when the client's address has too many plain connections, this one included, or is kept out.
    fn attribute(
        &mut self,
        id: ConnectionId,
        client: SocketAddr,
        via: Via,
        now: Now,
    ) -> Result<(), Refusal> {
        let prefix = self.prefix_of(via, client, now);
        let Some(connection) = self.connections.get_mut(id) else {
            return Ok(());
        };
        let old = connection.prefix;
        self.prefixes.entry(old).plain_connections -= 1;
        let entry = self.prefixes.entry(prefix);
        entry.plain_connections += 1;
        connection.peer = client;
        connection.via = via;
        connection.prefix = prefix;
        let plain = entry.plain_connections as usize;
        self.take_place(id, now);
        let plain_max = self.config.limits.plain_per_address;
        let is_within = plain <= self.allowance(prefix, plain_max, now);
        self.expect_no_penalty(prefix, now)?;
        if is_within || self.overlooks(id, PLAIN, Scope::Address, now) {
            return Ok(());
        }
        Err(too_many(PLAIN, self.config.deadlines.head))
    }

    /// Says once that a proxy does not name its clients: their limits are one then, which nobody wants.
    fn note_silent_proxy(&mut self, proxy: SocketAddr) {
        if !std::mem::replace(&mut self.has_met_silent_proxy, true) {
            log::warn!(
                "{} is in proxy.trusted and names no client in the field of proxy.header: such requests count as its own",
                proxy.ip()
            );
        }
    }
}

impl Connection {
    /// The client's address, for people to read.
    pub(super) fn client(&self) -> Client {
        Client(self.peer)
    }

    /// The same, and the proxy that it came through.
    pub(super) fn whose(&self) -> Whose {
        Whose {
            client: self.client(),
            via: self.via,
        }
    }
}

/// An address, with its port where that is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client(SocketAddr);

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.port() {
            0 => self.0.ip().fmt(f),
            _ => self.0.fmt(f),
        }
    }
}

/// For the log: the client first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whose {
    client: Client,
    via: Via,
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.client.fmt(f)?;
        match self.via {
            Via::Protocol { proxy } | Via::Field { proxy, .. } if proxy != self.client.0 => {
                write!(f, " via {proxy}")
            }
            Via::Nobody | Via::Protocol { .. } | Via::Field { .. } => Ok(()),
        }
    }
}
