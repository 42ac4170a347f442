//! HTTP answers: every refusal of a request, and the plain responses beside the WebSocket.
//!
//! It must not decide who is refused. There is no Date field (RFC 9110 §6.6.1 asks it of origin servers with a clock;
//! this layer has none) and no Server field, which would only tell an attacker what to try.

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::Serialize;

use super::head::Method;

/// RFC 6797 §6.1. It belongs into answers over TLS alone (§7.2).
pub const STRICT_TRANSPORT: &str = "Strict-Transport-Security";

/// Why a request is turned away before there is a WebSocket. Texts are fixed: nothing from the peer is echoed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 400: the bytes keep no standard, or ask for what is never given.
    #[error("{0}")]
    Malformed(&'static str),
    /// 400: plain HTTP where TLS is spoken.
    #[error("this port speaks TLS: use https or wss")]
    TlsRequired,
    /// 401: no credential where one is needed.
    #[error("credentials required")]
    CredentialsMissing,
    /// 401: a credential that is not trusted.
    #[error("invalid credentials")]
    CredentialsInvalid,
    /// 401: a credential that was good once.
    #[error("token expired")]
    CredentialsExpired,
    /// 401: a credential that was taken back.
    #[error("revoked")]
    CredentialsRevoked,
    /// 403: a page that may not use this server.
    #[error("{0}")]
    OriginForbidden(&'static str),
    /// 404: no such route.
    #[error("not found")]
    NotFound,
    /// 405: the route knows other methods.
    #[error("method not allowed")]
    MethodNotAllowed {
        /// The value of Allow: method names with commas between.
        allow: &'static str,
    },
    /// 408: the head or the body did not come in time.
    #[error("the request took too long")]
    TooSlow {
        /// The deadline that was over first, e.g. `deadlines.head`.
        limit: &'static str,
    },
    /// 426: this route speaks WebSocket only.
    #[error("a WebSocket upgrade is required")]
    UpgradeRequired,
    /// 426: a WebSocket, but not of RFC 6455 (§4.4).
    #[error("only WebSocket version 13 is spoken here")]
    VersionUnsupported,
    /// 429: a limit of one user or address.
    #[error("too many requests")]
    TooMany {
        /// The setting that was reached, e.g. `connections_per_user`.
        limit: &'static str,
        /// Whose limit it is, e.g. `user`.
        scope: &'static str,
        /// When trying again makes sense.
        retry_after: Duration,
    },
    /// 431: the head has too many bytes or fields.
    #[error("request head too large")]
    HeadTooLarge {
        /// The setting that was reached, e.g. `head_bytes_max`.
        limit: &'static str,
    },
    /// 503: the server as a whole is full.
    #[error("the server is full")]
    Full {
        /// The setting that was reached, e.g. `connections_max`.
        limit: &'static str,
        /// When trying again makes sense.
        retry_after: Duration,
    },
    /// 503: whoever knows about the credential can not be asked. It may be a good one.
    #[error("authentication is not available")]
    AuthenticationUnavailable {
        /// When trying again makes sense.
        retry_after: Duration,
    },
}

/// The body of a refusal.
#[derive(Serialize)]
struct RefusalBody<'a> {
    error: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

impl Refusal {
    /// A head of more bytes than `limits.head_bytes_max`.
    pub const TOO_MANY_BYTES: Refusal = Refusal::HeadTooLarge {
        limit: "head_bytes_max",
    };
    /// A head of more fields than `limits.head_fields_max`.
    pub const TOO_MANY_FIELDS: Refusal = Refusal::HeadTooLarge {
        limit: "head_fields_max",
    };

    /// Every code that [`Refusal::code`] gives.
    pub const CODES: [&'static str; 16] = [
        "malformed_request",
        "credentials_required",
        "invalid_credentials",
        "token_expired",
        "revoked",
        "origin_forbidden",
        "not_found",
        "method_not_allowed",
        "request_timeout",
        "tls_required",
        "upgrade_required",
        "version_unsupported",
        "too_many",
        "head_too_large",
        "server_full",
        "authentication_unavailable",
    ];

    /// The status code.
    pub const fn status(&self) -> u16 {
        match self {
            Refusal::Malformed(_) | Refusal::TlsRequired => 400,
            Refusal::CredentialsMissing
            | Refusal::CredentialsInvalid
            | Refusal::CredentialsExpired
            | Refusal::CredentialsRevoked => 401,
            Refusal::OriginForbidden(_) => 403,
            Refusal::NotFound => 404,
            Refusal::MethodNotAllowed { .. } => 405,
            Refusal::TooSlow { .. } => 408,
            Refusal::UpgradeRequired | Refusal::VersionUnsupported => 426,
            Refusal::TooMany { .. } => 429,
            Refusal::HeadTooLarge { .. } => 431,
            Refusal::Full { .. } | Refusal::AuthenticationUnavailable { .. } => 503,
        }
    }

    /// The stable name of this kind of refusal, for programs and counters.
    pub const fn code(&self) -> &'static str {
        match self {
            Refusal::Malformed(_) => "malformed_request",
            Refusal::TlsRequired => "tls_required",
            Refusal::CredentialsMissing => "credentials_required",
            Refusal::CredentialsInvalid => "invalid_credentials",
            Refusal::CredentialsExpired => "token_expired",
            Refusal::CredentialsRevoked => "revoked",
            Refusal::OriginForbidden(_) => "origin_forbidden",
            Refusal::NotFound => "not_found",
            Refusal::MethodNotAllowed { .. } => "method_not_allowed",
            Refusal::TooSlow { .. } => "request_timeout",
            Refusal::UpgradeRequired => "upgrade_required",
            Refusal::VersionUnsupported => "version_unsupported",
            Refusal::TooMany { .. } => "too_many",
            Refusal::HeadTooLarge { .. } => "head_too_large",
            Refusal::Full { .. } => "server_full",
            Refusal::AuthenticationUnavailable { .. } => "authentication_unavailable",
        }
    }

    /// Appends the whole response to `out`; it ends the connection. A request by HEAD gets no body.
    ///
    /// Where no head could be read there is no method to name: [`Method::Other`] gives the body.
    pub fn write(&self, method: Method, out: &mut Vec<u8>) {
        self.write_with(&[], method, out);
    }

    /// The same with further fields.
    pub fn write_with(&self, further: &[(&'static str, &str)], method: Method, out: &mut Vec<u8>) {
        let body = self.body();
        let retry_after = self
            .retry_after()
            .map(|after| seconds_rounded_up(after).to_string());
        let mut fields = vec![("Cache-Control", "no-store")];
        fields.extend(self.fields());
        fields.extend_from_slice(further);
        if let Refusal::MethodNotAllowed { allow } = *self {
            fields.push(("Allow", allow));
        }
        fields.extend(
            retry_after
                .as_deref()
                .map(|seconds| ("Retry-After", seconds)),
        );
        let response = Response {
            status: self.status(),
            content_type: "application/json",
            fields: &fields,
            body: body.as_bytes(),
            keep_alive: false,
            strict_transport: None,
        };
        response.write(method, out);
    }

    /// Fields that are the same whenever this refusal is given.
    const fn fields(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            // RFC 6750 §3: no error code when the request held no credential.
            Refusal::CredentialsMissing => &[("WWW-Authenticate", "Bearer")],
            Refusal::CredentialsInvalid
            | Refusal::CredentialsExpired
            | Refusal::CredentialsRevoked => {
                &[("WWW-Authenticate", "Bearer error=\"invalid_token\"")]
            }
            // RFC 9110 §15.5.22 and §7.8: Upgrade is to be named in Connection too.
            Refusal::UpgradeRequired | Refusal::VersionUnsupported => &[
                ("Connection", "Upgrade"),
                ("Upgrade", "websocket"),
                ("Sec-WebSocket-Version", "13"),
            ],
            _ => &[],
        }
    }

    const fn retry_after(&self) -> Option<Duration> {
        match self {
            Refusal::TooMany { retry_after, .. }
            | Refusal::Full { retry_after, .. }
            | Refusal::AuthenticationUnavailable { retry_after } => Some(*retry_after),
            _ => None,
        }
    }

    /// The limit that was reached and whose it is, for a refusal by one.
    pub const fn limit(&self) -> Option<[&'static str; 2]> {
        match *self {
            Refusal::TooMany { limit, scope, .. } => Some([limit, scope]),
            Refusal::Full { limit, .. } => Some([limit, "server"]),
            Refusal::TooSlow { limit } | Refusal::HeadTooLarge { limit } => {
                Some([limit, "connection"])
            }
            _ => None,
        }
    }

    fn body(&self) -> String {
        let [limit, scope] = match self.limit() {
            Some(known) => known.map(Some),
            None => [None, None],
        };
        let body = RefusalBody {
            error: &self.to_string(),
            code: self.code(),
            limit,
            scope,
            retry_after_ms: self.retry_after().map(milliseconds_rounded_up),
        };
        // Strings and numbers always serialise; an empty body would still be a valid answer.
        serde_json::to_string(&body).unwrap_or_default()
    }
}

/// A plain response. **Its texts are the program's own, never a peer's:** field values are written as they are.
#[derive(Debug, Clone, Copy)]
pub struct Response<'a> {
    pub status: u16,
    pub content_type: &'static str,
    /// Further fields, names as they are to be sent.
    pub fields: &'a [(&'static str, &'a str)],
    pub body: &'a [u8],
    /// Whether the connection stays open for another request.
    pub keep_alive: bool,
    /// The value of [`STRICT_TRANSPORT`].
    pub strict_transport: Option<&'a str>,
}

impl<'a> Response<'a> {
    /// A `200 OK` without further fields.
    pub const fn ok(content_type: &'static str, body: &'a [u8]) -> Self {
        Response {
            status: 200,
            content_type,
            fields: &[],
            body,
            keep_alive: true,
            strict_transport: None,
        }
    }

    /// The same with `fields` instead of its own.
    pub const fn with_fields(self, fields: &'a [(&'static str, &'a str)]) -> Self {
        Response { fields, ..self }
    }

    /// The same, saying whether the connection stays open.
    pub const fn with_keep_alive(self, keep_alive: bool) -> Self {
        Response { keep_alive, ..self }
    }

    /// The same with this value of [`STRICT_TRANSPORT`].
    pub const fn with_strict_transport(self, strict_transport: Option<&'a str>) -> Self {
        Response {
            strict_transport,
            ..self
        }
    }

    /// Appends the response to `out`; to a request by HEAD, all but the body (RFC 9110 §9.3.2).
    pub fn write(&self, method: Method, out: &mut Vec<u8>) {
        self.write_head(out);
        if method != Method::Head {
            out.extend_from_slice(self.body);
        }
    }

    /// Appends status line and fields only, for a body that is shared instead of copied.
    pub fn write_head(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"HTTP/1.1 ");
        out.extend_from_slice(self.status.to_string().as_bytes());
        out.push(b' ');
        out.extend_from_slice(reason_phrase(self.status).as_bytes());
        out.extend_from_slice(b"\r\n");
        write_field(out, "Content-Type", self.content_type);
        write_field(out, "Content-Length", &self.body.len().to_string());
        write_field(
            out,
            "Connection",
            if self.keep_alive {
                "keep-alive"
            } else {
                "close"
            },
        );
        for (name, value) in self.fields {
            write_field(out, name, value);
        }
        if let Some(value) = self.strict_transport {
            write_field(out, STRICT_TRANSPORT, value);
        }
        out.extend_from_slice(b"\r\n");
    }
}

fn write_field(out: &mut Vec<u8>, name: &str, value: &str) {
    debug_assert!(
        !value.bytes().any(|byte| byte.is_ascii_control()),
        "field values are the program's own"
    );
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// RFC 9110 §15, RFC 6585; empty, which RFC 9112 §4 allows, for what this server never sends.
const fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        411 => "Length Required",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        _ => "",
    }
}

/// Retry-After counts whole seconds (RFC 9110 §10.2.3); rounded down, it would invite too early.
pub(super) const fn seconds_rounded_up(duration: Duration) -> u64 {
    duration
        .as_secs()
        .saturating_add((duration.subsec_nanos() > 0) as u64)
}

pub(super) fn milliseconds_rounded_up(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}
