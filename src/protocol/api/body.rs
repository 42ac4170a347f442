//! Bodies of requests: one strict JSON object each, to a typed call.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::protocol::command::{Bounds, check_message};
use crate::protocol::json;
use crate::protocol::problem::Problem;

/// Longest identifier of a user, in bytes.
const USER_BYTES_MAX: usize = 128;
/// Longest name that is looked at, in bytes: cleaning it leaves at most 192.
const NAME_BYTES_MAX: usize = 1024;
/// Longest reason of a close frame: RFC 6455 §5.5 leaves 123 bytes beside the code.
const REASON_BYTES_MAX: usize = 123;
/// Longest label of a session, and longest token id, in bytes.
const LABEL_BYTES_MAX: usize = 64;
const TOKEN_ID_BYTES_MAX: usize = 256;
/// Longest origin: scheme, a DNS name, a port.
const ORIGIN_BYTES_MAX: usize = 267;

/// Say something in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// A legal chat message.
    pub message: String,
    /// In whose name; `None`: the system's.
    pub author: Option<Author>,
}

/// A user in whose name something is done; whether there can be such a one is not known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    pub user: String,
    pub name: Option<String>,
}

/// End every connection of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disconnect {
    pub user: String,
    /// What they are told: 1 to 123 bytes without control characters.
    pub reason: Option<String>,
}

/// Mint a one-time ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketRequest {
    pub author: Author,
    /// The only origin that may show it.
    pub origin: Option<String>,
}

/// Make a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRequest {
    pub author: Author,
    /// What it is for, as lists show it.
    pub label: Option<String>,
    /// How long it is to be good for.
    pub lifetime: Option<Duration>,
}

/// Take back what let somebody in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revoke {
    /// Everything that this user was given so far.
    User(String),
    /// The tokens with this `jti`.
    Token(String),
    /// The session of this name, which is 32 hexadecimal digits.
    Session(String),
}

/// Let an address back in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pardon {
    pub address: IpAddr,
}

impl Publish {
    /// # Errors
    /// [`Problem::InvalidJson`], [`Problem::InvalidField`].
    pub fn parse(body: &[u8], bounds: &Bounds) -> Result<Publish, Problem> {
        let mut fields = Fields::parse(body)?;
        let message = fields.required("message")?;
        check_message(&message, bounds).map_err(|error| Problem::field("message", error.text()))?;
        let author = match fields.map.remove("as") {
            None => None,
            Some(Value::Object(map)) => {
                let mut inner = Fields { map };
                let author = inner.author()?;
                inner.expect_no_more("user, name")?;
                Some(author)
            }
            Some(_) => {
                return Err(Problem::field(
                    "as",
                    "an object with user, and perhaps name",
                ));
            }
        };
        fields.expect_no_more("message, as")?;
        Ok(Publish { message, author })
    }
}

impl Disconnect {
    /// # Errors
    /// [`Problem::InvalidJson`], [`Problem::InvalidField`].
    pub fn parse(body: &[u8]) -> Result<Disconnect, Problem> {
        let mut fields = Fields::parse(body)?;
        let user = fields.bounded("user", USER_BYTES_MAX)?;
        let user = user.ok_or_else(|| missing("user"))?;
        let reason = fields.bounded("reason", REASON_BYTES_MAX)?;
        fields.expect_no_more("user, reason")?;
        Ok(Disconnect { user, reason })
    }
}

impl Pardon {
    /// # Errors
    /// [`Problem::InvalidJson`], [`Problem::InvalidField`].
    pub fn parse(body: &[u8]) -> Result<Pardon, Problem> {
        let mut fields = Fields::parse(body)?;
        let text = fields.required("address")?;
        let address = text.parse();
        let address = address.map_err(|_| Problem::field("address", "an IPv4 or IPv6 address"))?;
        fields.expect_no_more("address")?;
        Ok(Pardon { address })
    }
}

impl TicketRequest {
    /// # Errors
    /// [`Problem::InvalidJson`], [`Problem::InvalidField`].
    pub fn parse(body: &[u8]) -> Result<TicketRequest, Problem> {
        let mut fields = Fields::parse(body)?;
        let author = fields.author()?;
        let origin = fields.bounded("origin", ORIGIN_BYTES_MAX)?;
        fields.expect_no_more("user, name, origin")?;
        Ok(TicketRequest { author, origin })
    }
}

impl SessionRequest {
    /// # Errors
    /// [`Problem::InvalidJson`], [`Problem::InvalidField`].
    pub fn parse(body: &[u8]) -> Result<SessionRequest, Problem> {
        let mut fields = Fields::parse(body)?;
        let author = fields.author()?;
        let label = fields.bounded("label", LABEL_BYTES_MAX)?;
        let lifetime = match fields.map.remove("lifetime_ms") {
            None => None,
            Some(value) => Some(
                value
                    .as_u64()
                    .map(Duration::from_millis)
                    .ok_or_else(|| Problem::field("lifetime_ms", "an integer of milliseconds"))?,
            ),
        };
        fields.expect_no_more("user, name, label, lifetime_ms")?;
        Ok(SessionRequest {
            author,
            label,
            lifetime,
        })
    }
}

impl Revoke {
    /// # Errors
    /// [`Problem::InvalidJson`], [`Problem::InvalidField`].
    pub fn parse(body: &[u8]) -> Result<Revoke, Problem> {
        let mut fields = Fields::parse(body)?;
        let user = fields.bounded("user", USER_BYTES_MAX)?;
        let token = fields.bounded("token_id", TOKEN_ID_BYTES_MAX)?;
        let session = fields.string("session")?;
        fields.expect_no_more("user, token_id, session")?;
        match (user, token, session) {
            (Some(user), None, None) => Ok(Revoke::User(user)),
            (None, Some(token), None) => Ok(Revoke::Token(token)),
            (None, None, Some(session)) => Ok(Revoke::Session(session)),
            _ => Err(Problem::InvalidField {
                field: None,
                detail: "exactly one of user, token_id and session".into(),
            }),
        }
    }
}

/// The fields of an object that nobody has asked for yet.
struct Fields {
    map: Map<String, Value>,
}

impl Fields {
    fn parse(body: &[u8]) -> Result<Fields, Problem> {
        let syntax = Problem::InvalidJson(json::JsonError::Syntax);
        let text = std::str::from_utf8(body).map_err(|_| syntax.clone())?;
        // The strict reading keeps nothing that is nested; what passed it holds no name twice and no lone surrogate.
        json::parse_object(text).map_err(|rejected| Problem::InvalidJson(rejected.error))?;
        match serde_json::from_str(text) {
            Ok(Value::Object(map)) => Ok(Fields { map }),
            _ => Err(syntax),
        }
    }

    fn string(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        match self.map.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Problem::field(name, "a string")),
        }
    }

    fn required(&mut self, name: &'static str) -> Result<String, Problem> {
        self.string(name)?.ok_or_else(|| missing(name))
    }

    /// Text of 1 to `bytes_max` bytes without control characters.
    fn bounded(&mut self, name: &'static str, bytes_max: usize) -> Result<Option<String>, Problem> {
        let Some(text) = self.string(name)? else {
            return Ok(None);
        };
        if (1..=bytes_max).contains(&text.len()) && !text.chars().any(char::is_control) {
            return Ok(Some(text));
        }
        let allowed = format!("1 to {bytes_max} bytes without control characters");
        Err(Problem::field(name, allowed))
    }

    fn author(&mut self) -> Result<Author, Problem> {
        let user = self.bounded("user", USER_BYTES_MAX)?;
        let user = user.ok_or_else(|| missing("user"))?;
        let name = self.bounded("name", NAME_BYTES_MAX)?;
        Ok(Author { user, name })
    }

    fn expect_no_more(&self, known: &'static str) -> Result<(), Problem> {
        if self.map.is_empty() {
            return Ok(());
        }
        Err(Problem::InvalidField {
            field: None,
            detail: format!("an unknown field; known are: {known}").into(),
        })
    }
}

fn missing(name: &'static str) -> Problem {
    Problem::field(name, "it is required")
}
