//! TLS as the engine sees it: a phase before the first request, whose bytes are charged before anybody reads them, and
//! bytes that were sealed and have not left. It opens and seals nothing itself.

use super::connection::{Connection, Head, Phase};
use super::{Door, Engine};
use crate::access::certificate::ClientCertificate;
use crate::config::Tls;
use crate::id::ConnectionId;
use crate::protocol::outbox::Outbox;
use crate::protocol::response::Refusal;
use crate::telemetry::{Ending, Event};
use crate::time::Now;

/// More came of a handshake than may come before it is done.
const TLS_HANDSHAKE_BYTES: [&str; 2] = ["tls_handshake_bytes_max", "connection"];

/// What a finished handshake agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TlsFacts {
    pub version: TlsVersion,
    /// The key exchange group by its registered name, e.g. `X25519MLKEM768`; `None` in a resumption without one.
    pub group: Option<&'static str>,
    /// An earlier session went on: no certificate was shown and no signature made.
    pub is_resumed: bool,
}

/// The TLS versions that are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    Tls12,
    Tls13,
}

impl TlsVersion {
    /// As people write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            TlsVersion::Tls12 => "1.2",
            TlsVersion::Tls13 => "1.3",
        }
    }
}

/// Why a handshake came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsFailure {
    /// The peer does not speak TLS as it is spoken here.
    Broken,
    /// The peer does not trust the server's certificate, and says so.
    CertificateRefused,
    /// It was not done in time.
    Timeout,
    /// The peer has gone in the middle of it, without an alert.
    Abandoned,
}

impl TlsFailure {
    /// The word in metrics and in the security log.
    pub const fn as_str(self) -> &'static str {
        match self {
            TlsFailure::Broken => "handshake_failed",
            TlsFailure::CertificateRefused => "certificate_refused",
            TlsFailure::Timeout => "timeout",
            TlsFailure::Abandoned => "abandoned",
        }
    }

    /// Whether it is the peer's fault. A certificate that has ended is the operator's: everybody's clients refuse it, time after time,
    /// and must get in at once when it is renewed.
    const fn is_offence(self) -> bool {
        !matches!(self, TlsFailure::CertificateRefused)
    }
}

/// A connection's TLS handshake that is not done.
#[derive(Debug, Default)]
pub(super) struct Handshake {
    /// Bytes that the peer has sent for it.
    pub(super) bytes: usize,
}

impl Engine {
    /// Whether this connection's bytes belong to a TLS handshake. Its bytes go through [`Engine::arrived`] and never to
    /// [`Engine::receive`].
    pub fn is_handshaking(&self, id: ConnectionId) -> bool {
        let connection = self.connections.get(id);
        connection.is_some_and(|found| matches!(found.phase, Phase::Handshake(_)))
    }

    /// Whether the next bytes may bring a handshake's work with them: a turn takes few of those.
    pub fn awaits_handshake(&self, id: ConnectionId) -> bool {
        let connection = self.connections.get(id);
        connection.is_some_and(|found| match found.phase {
            Phase::Handshake(_) => true,
            Phase::Preamble(_) => matches!(self.first_phase(found.door), Phase::Handshake(_)),
            _ => false,
        })
    }

    /// How many bytes may be read next for the handshake; `None` when it is over.
    pub fn handshake_bytes_left(&self, id: ConnectionId) -> Option<usize> {
        match &self.connections.get(id)?.phase {
            Phase::Handshake(handshake) => {
                let most = self.config.limits.tls_handshake_bytes_max;
                Some(most.saturating_sub(handshake.bytes))
            }
            _ => None,
        }
    }

    /// So many sealed bytes came from the peer: they are charged before anybody opens them. Whether they may be opened;
    /// if not, they are to be thrown away.
    pub fn arrived(&mut self, id: ConnectionId, bytes: usize, now: Now) -> bool {
        self.charge_bytes(id, bytes, now);
        let handshake_bytes_max = self.config.limits.tls_handshake_bytes_max;
        let Some(connection) = self.connections.get_mut(id) else {
            return false;
        };
        match &mut connection.phase {
            Phase::Handshake(handshake) => {
                handshake.bytes += bytes;
                let is_allowed = handshake.bytes < handshake_bytes_max;
                if !is_allowed {
                    self.counters.limited.count_pair(TLS_HANDSHAKE_BYTES);
                    self.end_insecure(id, TlsFailure::Broken, now);
                }
                is_allowed
            }
            Phase::Ending { discarded, .. } => {
                *discarded += bytes;
                true
            }
            Phase::Preamble(_)
            | Phase::Head(_)
            | Phase::Body(_)
            | Phase::Open(_)
            | Phase::Closing { .. } => true,
        }
    }

    /// The handshake is done. `certificate` is the client's own in DER, when it showed one and it was verified.
    pub fn secured(
        &mut self,
        id: ConnectionId,
        facts: TlsFacts,
        certificate: Option<&[u8]>,
        now: Now,
    ) {
        let head_bytes_max = self.config.limits.head_bytes_max;
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        if !matches!(connection.phase, Phase::Handshake(_)) {
            return;
        }
        log::debug!(
            "{} secured by TLS {}, {}{}",
            connection.whose(),
            facts.version.as_str(),
            facts.group.unwrap_or("no new key exchange"),
            if facts.is_resumed { ", resumed" } else { "" }
        );
        self.counters
            .secured(facts.version.as_str(), facts.group, facts.is_resumed);
        // The time for the head has been running since the accept, and goes on.
        connection.phase = Phase::Head(Head::new(head_bytes_max));
        connection.is_secure = true;
        connection.certificate = certificate.and_then(ClientCertificate::read).map(Box::new);
        self.renew_place(id, now);
        self.arm(id, now);
    }

    /// Bytes that were charged by [`Engine::arrived`] and opened.
    pub fn receive_opened(&mut self, id: ConnectionId, bytes: &[u8], now: Now) {
        self.charge_small_read(id, bytes.len(), now);
        if !self.close_if_over(id, now) {
            self.handle_bytes(id, bytes, now);
        }
        self.close_doomed(now);
        self.arm(id, now);
    }

    /// The peer speaks plain HTTP where TLS is spoken. It is told so, in plain text.
    pub fn spoke_plainly(&mut self, id: ConnectionId, now: Now) {
        self.refuse(id, Refusal::TlsRequired, now);
    }

    /// TLS has failed, in the handshake or later: nothing more can be said to this peer, but that its last words (an alert)
    /// may reach it.
    pub fn end_insecure(&mut self, id: ConnectionId, failure: TlsFailure, now: Now) {
        self.tell_of_tls_failure(id, failure, now);
        if self.end_session(id, now).is_some() {
            self.counters.ended(Ending::Broken);
        }
        if let Some(connection) = self.connections.get_mut(id) {
            let waited = connection.outbox.bytes();
            connection.outbox = Outbox::default();
            connection.held = Vec::new();
            self.outbound.shrunk(connection, waited);
        }
        self.finish(id, now);
        self.close_doomed(now);
    }

    /// Counts and reports a handshake that came to nothing; a peer that never said anything is nobody's concern.
    pub(super) fn tell_of_tls_failure(&mut self, id: ConnectionId, failure: TlsFailure, now: Now) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        match &connection.phase {
            Phase::Handshake(handshake) if handshake.bytes > 0 => {
                let reason = failure.as_str();
                self.counters.tls_failures.count(reason);
                if failure.is_offence() {
                    self.offend(id, now);
                }
                self.report_about(id, &Event::TlsFailed { reason }, None, now);
            }
            Phase::Handshake(_) => {}
            _ => log::debug!("{} ended: TLS failed", connection.peer),
        }
    }

    /// `taken` of the bytes that [`Engine::outgoing`] gave were sealed, and `sealed` sealed bytes have not left in all.
    /// Whether more bytes wait.
    pub fn sealed(&mut self, id: ConnectionId, taken: usize, sealed: usize, now: Now) -> bool {
        let Some(connection) = self.connections.get_mut(id) else {
            return false;
        };
        let before = connection.waiting();
        connection.outbox.consume(taken);
        connection.sealed = sealed;
        self.outbound.changed(connection, before);
        let left = connection.waiting();
        if connection.has_missed {
            self.tell_missed(id, now);
        }
        if left == 0 {
            self.everything_written(id, now);
            return false;
        }
        true
    }

    /// What a connection through this door begins with.
    pub(super) fn first_phase(&self, door: Door) -> Phase {
        match door {
            Door::Public if self.config.tls.is_on() => Phase::Handshake(Handshake::default()),
            Door::Public | Door::Redirect | Door::Private => {
                Phase::Head(Head::new(self.config.limits.head_bytes_max))
            }
        }
    }
}

/// The value of Strict-Transport-Security (RFC 6797 §6.1); browsers heed it over TLS only.
pub(super) fn strict_transport(tls: &Tls) -> Option<Box<str>> {
    let seconds = tls.hsts.as_secs();
    (seconds > 0).then(|| format!("max-age={seconds}").into())
}

impl Connection {
    /// Bytes on their way to the peer: queued, or sealed and not taken by its socket yet.
    pub(super) fn waiting(&self) -> usize {
        self.outbox.bytes() + self.sealed
    }
}
