//! What the security log tells of, as types: one variant per thing that happened, one word for each.

use std::net::{IpAddr, SocketAddr};

use crate::protocol::close::CloseReason;
use crate::protocol::response::Refusal;

/// Something that whoever guards this server wants to know.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// The server serves.
    Started {
        version: &'static str,
        listen: SocketAddr,
    },
    /// The server stops; so many connections are told.
    Stopped { connections: usize },
    /// The configuration was read again, or was not: then why.
    Reloaded { fault: Option<&'a str> },
    /// A session was opened.
    SignedIn,
    /// A credential was missing, expired, or not to be trusted.
    SignInFailed { reason: CloseReason },
    /// A limit kept somebody from connecting or from asking.
    Limited {
        limit: &'static str,
        scope: &'static str,
    },
    /// A limit that is rehearsed would have.
    Shadowed {
        limit: &'static str,
        scope: &'static str,
    },
    /// A page that may not use this server.
    OriginRefused { reason: &'static str },
    /// A request that keeps no standard, or is larger or slower than a limit allows: its code, that limit, and what was wrong.
    RequestRefused {
        code: &'static str,
        limit: Option<&'static str>,
        reason: &'static str,
    },
    /// A session broke RFC 6455 or a bound on its messages.
    ProtocolViolation { reason: CloseReason },
    /// A session was ended for sending too much, or for reading too little.
    Flood { reason: CloseReason },
    /// Words about somebody else's address from a peer that is no trusted proxy.
    ForgedAddress { reason: &'static str },
    /// The operator's key was used, or was wrong.
    Admin { action: &'static str, is_done: bool },
    /// A session ended because the operator, or who gave its credential, wanted it.
    Revoked { reason: CloseReason },
    /// A certificate of ours can't be used, or is about to end.
    Certificate { problem: &'a str },
    /// A TLS handshake failed.
    TlsFailed { reason: &'a str },
}

/// The kind of an event: what its rate is counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Started,
    Stopped,
    Reloaded,
    SignedIn,
    SignInFailed,
    Limited,
    Shadowed,
    OriginRefused,
    RequestRefused,
    ProtocolViolation,
    Flood,
    ForgedAddress,
    Admin,
    Revoked,
    Certificate,
    TlsFailed,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 16] = [
        Kind::Started,
        Kind::Stopped,
        Kind::Reloaded,
        Kind::SignedIn,
        Kind::SignInFailed,
        Kind::Limited,
        Kind::Shadowed,
        Kind::OriginRefused,
        Kind::RequestRefused,
        Kind::ProtocolViolation,
        Kind::Flood,
        Kind::ForgedAddress,
        Kind::Admin,
        Kind::Revoked,
        Kind::Certificate,
        Kind::TlsFailed,
    ];

    /// The value of the line's field `event`.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Started => "started",
            Kind::Stopped => "stopped",
            Kind::Reloaded => "reloaded",
            Kind::SignedIn => "signed_in",
            Kind::SignInFailed => "sign_in_failed",
            Kind::Limited => "limited",
            Kind::Shadowed => "shadowed",
            Kind::OriginRefused => "origin_refused",
            Kind::RequestRefused => "request_refused",
            Kind::ProtocolViolation => "protocol_violation",
            Kind::Flood => "flood",
            Kind::ForgedAddress => "forged_address",
            Kind::Admin => "admin",
            Kind::Revoked => "revoked",
            Kind::Certificate => "certificate",
            Kind::TlsFailed => "tls_failed",
        }
    }
}

/// Who an event is about, as far as it is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Party<'a> {
    /// The address that limits count: the client's own, as far as proxies may be believed.
    pub address: Option<IpAddr>,
    /// The verified identifier.
    pub user: Option<&'a str>,
    /// The path that was asked for. Only its beginning is written: see [`super::write_event`].
    pub path: Option<&'a str>,
}

impl Event<'_> {
    /// The limit that it is about, if it is about one.
    pub const fn limit(&self) -> Option<&'static str> {
        match self {
            Event::Limited { limit, .. } | Event::Shadowed { limit, .. } => Some(limit),
            Event::RequestRefused { limit, .. } => *limit,
            _ => None,
        }
    }

    /// Its kind.
    pub const fn kind(&self) -> Kind {
        match self {
            Event::Started { .. } => Kind::Started,
            Event::Stopped { .. } => Kind::Stopped,
            Event::Reloaded { .. } => Kind::Reloaded,
            Event::SignedIn => Kind::SignedIn,
            Event::SignInFailed { .. } => Kind::SignInFailed,
            Event::Limited { .. } => Kind::Limited,
            Event::Shadowed { .. } => Kind::Shadowed,
            Event::OriginRefused { .. } => Kind::OriginRefused,
            Event::RequestRefused { .. } => Kind::RequestRefused,
            Event::ProtocolViolation { .. } => Kind::ProtocolViolation,
            Event::Flood { .. } => Kind::Flood,
            Event::ForgedAddress { .. } => Kind::ForgedAddress,
            Event::Admin { .. } => Kind::Admin,
            Event::Revoked { .. } => Kind::Revoked,
            Event::Certificate { .. } => Kind::Certificate,
            Event::TlsFailed { .. } => Kind::TlsFailed,
        }
    }

    /// The event of a refused request, if it is one: a path that does not exist is nobody's attack.
    pub fn of_refusal(refusal: &Refusal) -> Option<Event<'static>> {
        let refused = |limit, reason| Event::RequestRefused {
            code: refusal.code(),
            limit,
            reason,
        };
        Some(match *refusal {
            Refusal::Malformed(reason) => refused(None, reason),
            Refusal::HeadTooLarge { limit } => refused(Some(limit), "too many bytes or fields"),
            Refusal::TooSlow { limit } => refused(Some(limit), "not complete in time"),
            Refusal::CredentialsMissing => Event::SignInFailed {
                reason: CloseReason::CredentialsRequired,
            },
            Refusal::CredentialsInvalid => Event::SignInFailed {
                reason: CloseReason::InvalidCredentials,
            },
            Refusal::CredentialsExpired => Event::SignInFailed {
                reason: CloseReason::TokenExpired,
            },
            Refusal::CredentialsRevoked => Event::SignInFailed {
                reason: CloseReason::Revoked,
            },
            Refusal::OriginForbidden(reason) => Event::OriginRefused { reason },
            Refusal::TooMany { limit, scope, .. } => Event::Limited { limit, scope },
            Refusal::Full { limit, .. } => Event::Limited {
                limit,
                scope: "server",
            },
            // The client may have done everything right.
            Refusal::AuthenticationUnavailable { .. }
            | Refusal::NotFound
            | Refusal::MethodNotAllowed { .. }
            | Refusal::TlsRequired
            | Refusal::UpgradeRequired
            | Refusal::VersionUnsupported => return None,
        })
    }

    /// The event of a session that ends, or is turned away, for this reason, if it is one.
    pub fn of_close(reason: CloseReason) -> Option<Event<'static>> {
        Some(match reason {
            CloseReason::CredentialsRequired
            | CloseReason::InvalidCredentials
            | CloseReason::TokenExpired => Event::SignInFailed { reason },
            CloseReason::TooManyConnectionsOfUser => Event::Limited {
                limit: "connections_per_user",
                scope: "user",
            },
            CloseReason::TooManyConnectionsFromAddress => Event::Limited {
                limit: "connections_per_address",
                scope: "address",
            },
            CloseReason::Disconnected | CloseReason::Revoked => Event::Revoked { reason },
            CloseReason::RateLimited
            | CloseReason::TooManyGlitches
            | CloseReason::ReadingTooSlowly => Event::Flood { reason },
            CloseReason::TooManyFragments
            | CloseReason::ProtocolError
            | CloseReason::InvalidUtf8
            | CloseReason::BinaryNotAccepted
            | CloseReason::MessageTooBig => Event::ProtocolViolation { reason },
            CloseReason::NoFirstMessage
            | CloseReason::Idle
            | CloseReason::NoPong
            | CloseReason::GoingAway
            | CloseReason::Overloaded
            | CloseReason::OutOfMemory
            | CloseReason::AuthenticationUnavailable
            | CloseReason::Internal => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_word_of_its_own() {
        for (at, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, at);
            for other in &Kind::ALL[at + 1..] {
                assert_ne!(kind.word(), other.word());
            }
        }
    }
}
