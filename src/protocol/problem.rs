//! Why the private listener does not do what it is asked: problem details of RFC 9457.
//!
//! It must not decide who is refused. Texts are the program's own: nothing from the peer is echoed.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;

use super::command::CommandError;
use super::head::Method;
use super::json::JsonError;
use super::refusal::{RoomRefusal, Told};
use super::response::{Refusal, Response, milliseconds_rounded_up, seconds_rounded_up};

#[cfg(test)]
mod tests;

/// What every `type` begins with; it names a kind for ever, and leads nowhere.
pub const TYPE_PREFIX: &str = "urn:wardroom:problem:";

/// Why a request on the private listener is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The bytes keep no standard, or ask for what is never given.
    Malformed(&'static str),
    /// The body is not the JSON object that it must be.
    InvalidJson(JsonError),
    /// A field of the body, or a parameter of the address.
    InvalidField {
        /// Its name; `None` when it is none that this request has.
        field: Option<&'static str>,
        /// What is wrong with it, and what it may be.
        detail: Cow<'static, str>,
    },
    /// No key was shown.
    KeyRequired,
    /// Another key was shown.
    KeyInvalid,
    /// The server has no key, so nobody can show it.
    NoKeyConfigured,
    /// A page in a browser asks.
    BrowserRefused,
    /// No such route.
    NoSuchRoute,
    /// No such room.
    UnknownRoom,
    /// No such connection, or not any more.
    UnknownConnection,
    /// The route has other methods.
    MethodNotAllowed {
        /// The value of Allow.
        allow: &'static str,
    },
    /// The request did not come in time.
    TooSlow {
        /// The deadline that was over.
        limit: &'static str,
    },
    /// A body whose length is not said beforehand.
    LengthRequired,
    /// `private.body_bytes_max`
    BodyTooLarge { bytes_max: usize },
    /// A body that is not `application/json` as it is.
    NotJson,
    /// `Expect` with something else than `100-continue`.
    ExpectationFailed,
    /// A Host that is neither an address nor one of `private.hosts`.
    HostNotAllowed,
    /// A rate, or a bound of one user.
    TooMany {
        /// The setting that was reached.
        limit: &'static str,
        retry_after: Duration,
    },
    /// The head has too many bytes or fields.
    HeadTooLarge {
        /// The setting that was reached.
        limit: &'static str,
    },
    /// A bound of the server as a whole.
    ServerFull {
        /// The setting that was reached.
        limit: &'static str,
        retry_after: Duration,
    },
    /// The server is about to go.
    Stopping,
    /// A bound on what is kept, which waiting does not lift.
    BoundReached {
        /// The setting that was reached.
        limit: &'static str,
    },
    /// The store has no room for the question, or can not do what it is asked.
    StoreUnavailable {
        detail: Cow<'static, str>,
        retry_after: Duration,
    },
    /// No such message in the room.
    UnknownMessage,
    /// The room, or how somebody stands to it, is such that it can not be done.
    Conflict {
        /// What clients are told of the same, [`RoomRefusal::code`].
        code: &'static str,
        detail: Cow<'static, str>,
    },
}

/// The kind of a problem: what stands behind [`TYPE_PREFIX`], the status, and the title.
pub type Kind = (&'static str, u16, &'static str);

impl Problem {
    /// Every kind there is.
    pub const KINDS: [Kind; 25] = [
        ("malformed-request", 400, "The request is malformed"),
        (
            "invalid-json",
            400,
            "The body is not a JSON object as expected",
        ),
        (
            "invalid-field",
            400,
            "A field or parameter is not as expected",
        ),
        ("key-required", 401, "The private key is required"),
        ("key-invalid", 401, "The key shown is not the private key"),
        ("no-key-configured", 403, "This server has no private key"),
        ("browser-refused", 403, "Pages in browsers are not answered"),
        ("no-such-route", 404, "There is no such route"),
        ("unknown-room", 404, "There is no such room"),
        ("method-not-allowed", 405, "The route has other methods"),
        ("request-timeout", 408, "The request took too long"),
        ("length-required", 411, "The length of the body is required"),
        ("body-too-large", 413, "The body is too large"),
        ("not-json", 415, "The body is not JSON"),
        ("expectation-failed", 417, "The expectation is not met"),
        ("host-not-allowed", 421, "The host is not this server's"),
        ("too-many", 429, "Too many requests"),
        ("head-too-large", 431, "The request head is too large"),
        ("server-full", 503, "The server is full"),
        ("stopping", 503, "The server is stopping"),
        ("bound-reached", 409, "A bound on what is kept is reached"),
        ("store-unavailable", 503, "The store can not do it now"),
        ("unknown-message", 404, "There is no such message"),
        ("conflict", 409, "The room is not such that it can be done"),
        ("unknown-connection", 404, "There is no such connection"),
    ];

    /// Its kind, one of [`Problem::KINDS`].
    #[expect(
        clippy::indexing_slicing,
        reason = "fixed places in a fixed table, and a test reaches each"
    )]
    pub const fn kind(&self) -> Kind {
        let at = match self {
            Problem::Malformed(_) => 0,
            Problem::InvalidJson(_) => 1,
            Problem::InvalidField { .. } => 2,
            Problem::KeyRequired => 3,
            Problem::KeyInvalid => 4,
            Problem::NoKeyConfigured => 5,
            Problem::BrowserRefused => 6,
            Problem::NoSuchRoute => 7,
            Problem::UnknownRoom => 8,
            Problem::MethodNotAllowed { .. } => 9,
            Problem::TooSlow { .. } => 10,
            Problem::LengthRequired => 11,
            Problem::BodyTooLarge { .. } => 12,
            Problem::NotJson => 13,
            Problem::ExpectationFailed => 14,
            Problem::HostNotAllowed => 15,
            Problem::TooMany { .. } => 16,
            Problem::HeadTooLarge { .. } => 17,
            Problem::ServerFull { .. } => 18,
            Problem::Stopping => 19,
            Problem::BoundReached { .. } => 20,
            Problem::StoreUnavailable { .. } => 21,
            Problem::UnknownMessage => 22,
            Problem::Conflict { .. } => 23,
            Problem::UnknownConnection => 24,
        };
        Problem::KINDS[at]
    }

    /// The status code.
    pub const fn status(&self) -> u16 {
        self.kind().1
    }

    /// A field that holds something else than it may.
    pub fn field(field: &'static str, detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem::InvalidField {
            field: Some(field),
            detail: detail.into(),
        }
    }

    /// What to do about it.
    fn detail(&self) -> Cow<'static, str> {
        let text = match self {
            Problem::Malformed(detail) => detail,
            Problem::InvalidJson(error) => return error.to_string().into(),
            Problem::InvalidField { detail, .. } => return detail.clone(),
            Problem::KeyRequired => {
                "show what is in the file private.key_file as Authorization: Bearer"
            }
            Problem::KeyInvalid => "show what is in the file private.key_file, without its newline",
            Problem::NoKeyConfigured => {
                "set private.key_file to a file with a key, as from openssl rand -hex 32, and start again; until then only /metrics, /healthz and /readyz are answered"
            }
            Problem::BrowserRefused => {
                "ask from a program: requests with Origin, or from another site, are refused"
            }
            Problem::NoSuchRoute => "docs/openapi.json lists the routes",
            Problem::UnknownRoom => "GET /api/v1/rooms lists the rooms",
            Problem::UnknownConnection => {
                "GET /api/v1/connections lists those there are; one that has ended keeps no id"
            }
            Problem::MethodNotAllowed { allow } => return format!("allowed: {allow}").into(),
            Problem::TooSlow { .. } => {
                "the whole request, body and all, must come within deadlines.head"
            }
            Problem::LengthRequired => "send Content-Length; bodies in chunks are not taken",
            Problem::BodyTooLarge { bytes_max } => {
                return format!("at most private.body_bytes_max = {bytes_max} bytes").into();
            }
            Problem::NotJson => "send Content-Type: application/json, without a Content-Encoding",
            Problem::ExpectationFailed => "the only expectation that is met is 100-continue",
            Problem::HostNotAllowed => {
                "ask by an IP address or localhost, or name the host in private.hosts"
            }
            Problem::TooMany { limit, .. } | Problem::ServerFull { limit, .. } => {
                return format!("{limit} is reached; wait as Retry-After says").into();
            }
            Problem::HeadTooLarge { .. } => {
                "at most limits.head_bytes_max bytes and limits.head_fields_max fields"
            }
            Problem::Stopping => "ask another server, or this one when it is back",
            Problem::BoundReached { limit } => {
                return format!("{limit} is reached; take back what is not needed, or raise it")
                    .into();
            }
            Problem::StoreUnavailable { detail, .. } | Problem::Conflict { detail, .. } => {
                return detail.clone();
            }
            Problem::UnknownMessage => "GET its messages; what was deleted keeps its number",
        };
        text.into()
    }

    /// Appends the whole response to `out`; it ends the connection. A request by HEAD gets no body.
    pub fn write(&self, method: Method, out: &mut Vec<u8>) {
        let body = self.body();
        let mut fields = vec![("Cache-Control", "no-store")];
        if let Problem::MethodNotAllowed { allow } = *self {
            fields.push(("Allow", allow));
        }
        match self {
            Problem::KeyRequired => fields.push(("WWW-Authenticate", "Bearer")),
            Problem::KeyInvalid => {
                fields.push(("WWW-Authenticate", "Bearer error=\"invalid_token\""));
            }
            _ => {}
        }
        let seconds = self
            .retry_after()
            .map(|wait| seconds_rounded_up(wait).to_string());
        fields.extend(seconds.as_deref().map(|seconds| ("Retry-After", seconds)));
        let response = Response {
            status: self.status(),
            content_type: "application/problem+json",
            fields: &fields,
            body: body.as_bytes(),
            keep_alive: false,
            strict_transport: None,
        };
        response.write(method, out);
    }

    /// The setting that was reached.
    pub const fn limit(&self) -> Option<&'static str> {
        match self {
            Problem::TooSlow { limit }
            | Problem::TooMany { limit, .. }
            | Problem::HeadTooLarge { limit }
            | Problem::ServerFull { limit, .. }
            | Problem::BoundReached { limit } => Some(limit),
            Problem::BodyTooLarge { .. } => Some("private.body_bytes_max"),
            _ => None,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Problem::TooMany { retry_after, .. }
            | Problem::ServerFull { retry_after, .. }
            | Problem::StoreUnavailable { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }

    fn body(&self) -> String {
        let (kind, status, title) = self.kind();
        let body = Body {
            r#type: &format!("{TYPE_PREFIX}{kind}"),
            title,
            status,
            detail: &self.detail(),
            field: match self {
                Problem::InvalidField { field, .. } => *field,
                _ => None,
            },
            limit: self.limit(),
            code: match self {
                Problem::Conflict { code, .. } => Some(*code),
                _ => None,
            },
            retry_after_ms: self.retry_after().map(milliseconds_rounded_up),
        };
        // Strings and numbers always serialise; an empty body would still be a valid answer.
        serde_json::to_string(&body).unwrap_or_default()
    }
}

/// RFC 9457 §3.1, and the members of ours (§3.2).
#[derive(Serialize)]
struct Body<'a> {
    r#type: &'a str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

impl From<Refusal> for Problem {
    /// What is refused before a request is understood is refused on every listener.
    fn from(refusal: Refusal) -> Problem {
        match refusal {
            Refusal::Malformed(detail) => Problem::Malformed(detail),
            Refusal::CredentialsMissing => Problem::KeyRequired,
            Refusal::CredentialsInvalid
            | Refusal::CredentialsExpired
            | Refusal::CredentialsRevoked => Problem::KeyInvalid,
            Refusal::OriginForbidden(_) => Problem::BrowserRefused,
            Refusal::NotFound => Problem::NoSuchRoute,
            Refusal::MethodNotAllowed { allow } => Problem::MethodNotAllowed { allow },
            Refusal::TooSlow { limit } => Problem::TooSlow { limit },
            Refusal::TlsRequired => Problem::Malformed("this port speaks TLS"),
            Refusal::UpgradeRequired | Refusal::VersionUnsupported => {
                Problem::Malformed("no WebSocket is spoken here")
            }
            Refusal::TooMany {
                limit, retry_after, ..
            } => Problem::TooMany { limit, retry_after },
            Refusal::HeadTooLarge { limit } => Problem::HeadTooLarge { limit },
            Refusal::Full { limit, retry_after } => Problem::ServerFull { limit, retry_after },
            Refusal::AuthenticationUnavailable { retry_after } => Problem::ServerFull {
                limit: "auth.hook",
                retry_after,
            },
        }
    }
}

impl From<CommandError> for Problem {
    /// A body that has the fields of a request of `wardroom.v1`.
    fn from(error: CommandError) -> Problem {
        Problem::InvalidField {
            field: error.field(),
            detail: error.text(),
        }
    }
}

impl From<&RoomRefusal> for Problem {
    /// What is refused to people and to the operator alike.
    fn from(refusal: &RoomRefusal) -> Problem {
        let Told { code, text, .. } = refusal.told();
        match refusal {
            RoomRefusal::UnknownRoom => Problem::UnknownRoom,
            RoomRefusal::UnknownMessage => Problem::UnknownMessage,
            RoomRefusal::AboveCeiling { field, .. } | RoomRefusal::Fixed(Some(field)) => {
                Problem::field(field, text)
            }
            RoomRefusal::RoomFull("people_max") => Problem::BoundReached {
                limit: "rooms.people_max",
            },
            RoomRefusal::TooManyRoomsCreated { .. } => Problem::BoundReached {
                limit: "rooms.rooms_max",
            },
            RoomRefusal::Busy(retry_after) | RoomRefusal::StoreUnavailable(retry_after) => {
                Problem::StoreUnavailable {
                    detail: text,
                    retry_after: *retry_after,
                }
            }
            _ => Problem::Conflict { code, detail: text },
        }
    }
}
