//! Why an open connection ends: one table from reason to close code (RFC 6455 §7.4), text and metric label.

/// Why the server ends a WebSocket connection, or how it learned that it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// No credential was shown.
    CredentialsRequired,
    /// A credential was shown that is not to be trusted.
    InvalidCredentials,
    /// The credential was good once; also said when it runs out on an open connection.
    TokenExpired,
    /// The credential was taken back; also said when that happens on an open connection.
    Revoked,
    /// `limits.connections_per_user`
    TooManyConnectionsOfUser,
    /// `limits.connections_per_address`
    TooManyConnectionsFromAddress,
    /// The operator ended the user's connections.
    Disconnected,
    /// A flood went on through error replies and pauses.
    RateLimited,
    /// `limits.glitches_per_connection`, through all pauses.
    TooManyGlitches,
    /// `limits.outbound_bytes_per_connection_max`: the peer does not read.
    ReadingTooSlowly,
    /// `limits.fragments_per_message_max`
    TooManyFragments,
    /// `deadlines.first_message`
    NoFirstMessage,
    /// RFC 6455 was violated.
    ProtocolError,
    /// Text that is not UTF-8 (RFC 6455 §8.1).
    InvalidUtf8,
    /// A binary message where only text is understood.
    BinaryNotAccepted,
    /// A message above the endpoint's size.
    MessageTooBig,
    /// `deadlines.idle`
    Idle,
    /// `deadlines.pong`
    NoPong,
    /// The server stops.
    GoingAway,
    /// `limits.outbound_bytes_max` or another bound over all connections.
    Overloaded,
    /// `memory`
    OutOfMemory,
    /// Whoever knows about the credential can not be asked.
    AuthenticationUnavailable,
    /// A fault of ours.
    Internal,
}

impl CloseReason {
    /// Every reason, for tests and metrics.
    pub const ALL: [CloseReason; 23] = [
        CloseReason::CredentialsRequired,
        CloseReason::InvalidCredentials,
        CloseReason::TokenExpired,
        CloseReason::Revoked,
        CloseReason::TooManyConnectionsOfUser,
        CloseReason::TooManyConnectionsFromAddress,
        CloseReason::Disconnected,
        CloseReason::RateLimited,
        CloseReason::TooManyGlitches,
        CloseReason::ReadingTooSlowly,
        CloseReason::TooManyFragments,
        CloseReason::NoFirstMessage,
        CloseReason::ProtocolError,
        CloseReason::InvalidUtf8,
        CloseReason::BinaryNotAccepted,
        CloseReason::MessageTooBig,
        CloseReason::Idle,
        CloseReason::NoPong,
        CloseReason::GoingAway,
        CloseReason::Overloaded,
        CloseReason::OutOfMemory,
        CloseReason::AuthenticationUnavailable,
        CloseReason::Internal,
    ];

    /// The close code of RFC 6455 §7.4.1 and its registry.
    pub fn code(self) -> u16 {
        self.row().0
    }

    /// The close frame's reason: at most 123 bytes of UTF-8 (RFC 6455 §5.5.1).
    pub fn text(self) -> &'static str {
        self.row().1
    }

    /// A stable word for `bye`, logs and metrics.
    pub fn label(self) -> &'static str {
        self.row().2
    }

    /// Whether nothing that was queued before may leave any more: what it tells of is not theirs to hear now.
    pub fn is_barrier(self) -> bool {
        matches!(
            self,
            CloseReason::Revoked | CloseReason::TokenExpired | CloseReason::Disconnected
        )
    }

    fn row(self) -> (u16, &'static str, &'static str) {
        match self {
            CloseReason::CredentialsRequired => {
                (1008, "credentials required", "credentials_required")
            }
            CloseReason::InvalidCredentials => (1008, "invalid credentials", "invalid_credentials"),
            CloseReason::TokenExpired => (1008, "token expired", "token_expired"),
            CloseReason::Revoked => (1008, "revoked", "revoked"),
            CloseReason::TooManyConnectionsOfUser => (
                1008,
                "too many connections for this user",
                "connections_per_user",
            ),
            CloseReason::TooManyConnectionsFromAddress => (
                1008,
                "too many connections from this address",
                "connections_per_address",
            ),
            CloseReason::Disconnected => (1008, "disconnected by the operator", "disconnected"),
            CloseReason::RateLimited => (1008, "rate limit exceeded", "rate_limited"),
            CloseReason::TooManyGlitches => (1008, "too many glitches", "too_many_glitches"),
            CloseReason::ReadingTooSlowly => (1008, "reading too slowly", "reading_too_slowly"),
            CloseReason::TooManyFragments => (1008, "too many fragments", "too_many_fragments"),
            CloseReason::NoFirstMessage => (1008, "no message came", "no_first_message"),
            CloseReason::ProtocolError => (1002, "protocol error", "protocol_error"),
            CloseReason::InvalidUtf8 => (1007, "invalid UTF-8", "invalid_utf8"),
            CloseReason::BinaryNotAccepted => (
                1003,
                "binary messages are not accepted",
                "binary_not_accepted",
            ),
            CloseReason::MessageTooBig => (1009, "message too big", "message_too_big"),
            CloseReason::Idle => (1001, "idle", "idle"),
            CloseReason::NoPong => (1001, "no answer to ping", "no_pong"),
            CloseReason::GoingAway => (1001, "server is going away", "going_away"),
            CloseReason::Overloaded => (1013, "overloaded, try again later", "overloaded"),
            CloseReason::OutOfMemory => (1013, "short of memory, try again later", "out_of_memory"),
            CloseReason::AuthenticationUnavailable => (
                1013,
                "authentication is not available",
                "authentication_unavailable",
            ),
            CloseReason::Internal => (1011, "internal error", "internal"),
        }
    }
}
