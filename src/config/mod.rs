//! What the operator asked for, checked.
//!
//! [`Config`] is plain data: every value is in range and every file it names has been read. How a
//! setting is called, its default, unit and range stand in one table, `settings`.

mod algorithm;
mod contradictions;
mod defaults;
mod described;
mod document;
mod environment;
mod error;
mod form;
mod hook;
mod keys;
mod load;
mod private_key;
mod proxy;
mod quantities;
mod quantity;
mod rate;
mod reference;
mod reload;
mod rooms;
mod secret;
mod settings;
mod shadow;
mod suggest;
mod text;
mod tls;

pub use error::{ConfigError, Place};
pub use hook::{HookSecret, HookSettings, HookUrl};
pub use load::{Effective, Loaded};
pub use private_key::PrivateKey;
pub use proxy::{ForwardedField, Proxy};
pub use quantities::{Measured, Quantity};
pub use quantity::{parse_duration, show_duration};
pub use rate::Rate;
pub use reference::reference;
pub use reload::{Changed, Reloaded};
pub use rooms::{RoomSettings, WhoCreates};
pub use shadow::{ROOMS_PER_CONNECTION_MOST, SHADOWABLE, Shadow};
pub use tls::{ClientCertificates, Tls, TlsIdentity, TlsMinimum};

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

/// A checked configuration. The default has every limit in force and no key: nobody can sign in.
#[derive(Debug, Clone)]
pub struct Config {
    /// Bytes that everything may take that grows with what peers do.
    pub memory: usize,
    pub listen: Listen,
    pub proxy: Proxy,
    pub tls: Tls,
    pub private: Private,
    pub origins: Origins,
    pub auth: Auth,
    pub limits: Limits,
    pub deadlines: Deadlines,
    pub drain: Drain,
    pub turn: Turn,
    pub rooms: RoomSettings,
    pub echo: Echo,
    pub store: Store,
    pub log: Log,
    pub process: Process,
}

/// `[listen]`
#[derive(Debug, Clone)]
pub struct Listen {
    /// Where the public listener is bound.
    pub address: SocketAddr,
    /// Allows an address that is not loopback without `[tls]`: another program in front of this one ends TLS.
    pub insecure_public: bool,
    /// Whether a process of the same user may bind the address too (`SO_REUSEPORT`).
    pub reuse_port: bool,
}

/// `[private]`: the listener for the operator's own programs.
#[derive(Debug, Clone)]
pub struct Private {
    /// Whether there is one.
    pub enabled: bool,
    /// Where it is bound.
    pub address: SocketAddr,
    /// The file of its key; `None`: nothing but metrics and health is answered.
    pub key_file: Option<PathBuf>,
    /// What stood in that file.
    pub key: Option<PrivateKey>,
    /// Names in `Host` that are answered besides IP addresses and `localhost`, in lower case or not.
    pub hosts: Vec<String>,
    /// Connections at once; none of them counts in `[limits]`.
    pub connections_max: usize,
    /// Bytes of one request's body.
    pub body_bytes_max: usize,
    /// Requests with the key, and as many without.
    pub requests: Rate,
}

/// `[origins]`
#[derive(Debug, Clone, Default)]
pub struct Origins {
    /// Serialised origins (RFC 6454 §6.2) that browser pages may come from. Empty: the listener's own.
    pub allow: Vec<String>,
}

/// `[auth]`
#[derive(Debug, Clone)]
pub struct Auth {
    /// Whether `?token=` is a credential.
    pub query_token: bool,
    /// How refusals that a page must tell apart are said.
    pub refuse_with: RefuseWith,
    /// The cookie whose value is a token; `None`: cookies are not credentials.
    pub cookie: Option<String>,
    /// Keys that tokens are verified with, in the order of the file.
    pub keys: Vec<KeySource>,
    /// How long the keys before a reload stay good.
    pub key_overlap: Duration,
    /// Revocations in force, in all.
    pub revocations_max: usize,
    pub jwt: Jwt,
    pub ticket: TicketSettings,
    pub session: SessionSettings,
    pub hook: HookSettings,
}

/// `auth.refuse_with`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefuseWith {
    /// Upgrade, then close 1008 with the reason: a page can read it.
    Close,
    /// 401 or 429 instead of the upgrade.
    Http,
}

/// One `[[auth.key]]`, with the key material already read.
#[derive(Debug, Clone)]
pub struct KeySource {
    /// The `kid` this key answers to; `None`: tokens without `kid`, or with any, may use it.
    pub id: Option<String>,
    /// Algorithm names (RFC 7518 §3.1) this key is pinned to; never empty but for a JWKS whose keys name theirs.
    pub algorithms: Vec<String>,
    pub material: KeyMaterial,
    /// The file that held the material, for whoever reads it again; `None`: a variable did.
    pub file: Option<PathBuf>,
    /// For messages: the config key that named this material, e.g. `auth.key[0].secret_file`.
    pub origin: String,
}

/// Key material as it stood in its file or variable.
#[derive(Clone)]
pub enum KeyMaterial {
    /// An HMAC secret, its one trailing newline removed.
    Secret(Vec<u8>),
    /// A public key as PEM.
    Pem(Vec<u8>),
    /// A JWK Set (RFC 7517 §5) as JSON.
    Jwks(Vec<u8>),
}

impl std::fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self {
            KeyMaterial::Secret(_) => "Secret",
            KeyMaterial::Pem(_) => "Pem",
            KeyMaterial::Jwks(_) => "Jwks",
        };
        write!(f, "{kind}(***)")
    }
}

/// `[auth.jwt]`
#[derive(Debug, Clone)]
pub struct Jwt {
    /// Required `iss`, when given.
    pub issuer: Option<String>,
    /// Required member of `aud`, when given. When absent, a token with `aud` is refused (RFC 7519 §4.1.3).
    pub audience: Option<String>,
    /// Clock difference forgiven for `exp`, `nbf` and `iat`.
    pub leeway: Duration,
    /// Longest token looked at, in bytes.
    pub token_bytes_max: usize,
    /// Longest `exp` from now.
    pub lifetime_max: Duration,
}

/// `[auth.ticket]`
#[derive(Debug, Clone)]
pub struct TicketSettings {
    /// How long a ticket is good for.
    pub lifetime: Duration,
    /// Tickets outstanding, over all users.
    pub tickets_max: usize,
    /// Tickets outstanding for one user.
    pub tickets_per_user_max: usize,
}

/// `[auth.session]`
#[derive(Debug, Clone)]
pub struct SessionSettings {
    /// Longest time that a session is good for, and how long one is that does not say.
    pub lifetime: Duration,
    /// Sessions kept, over all users.
    pub sessions_max: usize,
    /// Sessions kept of one user.
    pub sessions_per_user_max: usize,
}

/// `[limits]`: how much.
#[derive(Debug, Clone)]
pub struct Limits {
    pub connections_max: usize,
    pub connections_per_user: usize,
    pub connections_per_address: usize,
    /// Connections of one address that have not authenticated, or only ask for pages.
    pub plain_per_address: usize,
    /// Connections that have not authenticated yet, in all.
    pub unauthenticated_max: usize,
    /// Entries of the address prefix table.
    pub prefixes_max: usize,

    /// Users remembered after they left, until their buckets are full again.
    pub departed_users_max: usize,

    /// Text messages on the chat endpoint, of whatever type, over all of a user's connections, before they are parsed.
    pub commands_per_user: Rate,
    pub messages_per_user: Rate,
    pub messages_per_connection: Rate,
    pub messages_per_address: Rate,
    pub bytes_per_connection: Rate,
    pub bytes_per_address: Rate,
    pub control_frames_per_connection: Rate,
    /// Points for what is odd and breaks no rule.
    pub glitches_per_connection: Rate,
    /// Frames of any kind, fragments and empty ones included.
    pub frames_per_connection: Rate,
    pub handshakes_per_address: Rate,
    pub failed_authentications_per_address: Rate,
    /// Failed sign-ins, broken protocols and abandoned handshakes of one address before it is kept out.
    pub offences_per_address: Rate,
    /// How long it is kept out the first time, and at most.
    pub penalty_min: Duration,
    pub penalty_max: Duration,
    /// Networks that are never kept out.
    pub penalty_exempt: Vec<IpNet>,
    /// Networks that no limit of an address holds for.
    pub exempt: Vec<IpNet>,
    /// Places that an address may earn by people who stay for so long, and how long it takes until half of them are forgotten.
    pub earned_per_address_max: usize,
    pub earned_after: Duration,
    pub earned_kept: Duration,
    /// Credentials renewed on one open connection.
    pub refreshes_per_connection: Rate,
    /// Questions to the store and to other threads that wait for their answer.
    pub pending_answers_max: usize,
    /// Error replies told to one connection before it is answered with silence.
    pub error_replies_per_connection: Rate,
    /// Silences in a row before the connection is closed.
    pub pauses_max: u32,

    pub message_characters_max: usize,
    pub message_bytes_max: usize,
    pub fragments_per_message_max: u32,
    /// Bytes that a client sends for one TLS handshake.
    pub tls_handshake_bytes_max: usize,
    pub head_bytes_max: usize,
    pub head_fields_max: usize,
    pub requests_per_connection_max: u32,
    pub rooms_per_connection_max: usize,
    pub outbound_bytes_per_connection_max: usize,
    /// Bytes of one connection that the kernel holds and has not sent.
    pub unsent_bytes_per_connection_max: usize,
    pub outbound_bytes_max: usize,
    /// Those that are rehearsed.
    pub shadow: Shadow,
    /// Members told of by one `members` reply.
    pub members_listed_max: usize,
}

/// `[deadlines]`: how long. Zero where said: no such deadline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadlines {
    /// From accept to a complete request head, whatever arrives.
    pub head: Duration,
    /// From accept to the end of the TLS handshake, whatever arrives; never longer than `head`.
    pub handshake: Duration,
    /// A kept-alive plain connection without a request.
    pub keep_alive: Duration,
    /// From accept to a session, whatever is asked for meanwhile.
    pub sign_in: Duration,
    /// From the upgrade to the first message; zero: none.
    pub first_message: Duration,
    /// Without any message from the client; zero: none.
    pub idle: Duration,
    /// Silence after which the server pings.
    pub ping: Duration,
    /// From a ping to any byte back.
    pub pong: Duration,
    /// That something may wait for a peer which does not take it; zero: none.
    pub unread: Duration,
    /// From our close frame to the peer's.
    pub close: Duration,
    /// Reading on after our last byte, so that the peer sees it and no reset.
    pub linger: Duration,
    /// How long reads stay paused when error replies have run out.
    pub pause: Duration,
}

/// `[drain]`: how the server goes.
#[derive(Debug, Clone)]
pub struct Drain {
    /// Over which those who are sent away are asked to come back.
    pub window: Duration,
    /// From the signal to the end of the process, whoever is still there.
    pub time_max: Duration,
}

/// `[turn]`: budgets of one loop of the reactor.
#[derive(Debug, Clone)]
pub struct Turn {
    /// After which nothing more is begun for whoever has signed in.
    pub people_microseconds_max: usize,
    /// The same for whoever has not.
    pub strangers_microseconds_max: usize,
    pub accepts_max: usize,
    /// Connections read from.
    pub reads_max: usize,
    /// Bytes read from one connection.
    pub read_bytes_per_connection_max: usize,
    /// Frames handled from one connection.
    pub frames_per_connection_max: usize,
    /// Token signatures verified, over all connections.
    pub signature_checks_max: usize,
    /// TLS handshakes taken a step further.
    pub tls_handshakes_max: usize,
    /// Connections written to.
    pub writes_max: usize,
    /// Bytes written to one connection.
    pub write_bytes_per_connection_max: usize,
}

/// `[echo]`
#[derive(Debug, Clone)]
pub struct Echo {
    pub enabled: bool,
    pub message_bytes_max: usize,
}

/// `[store]`
#[derive(Debug, Clone)]
pub struct Store {
    /// Where the server keeps what it made itself: the secret of the embedded default, and the database.
    pub directory: PathBuf,
    /// Whether another server may use it at the same time.
    pub shared: bool,
}

/// `[log]`
#[derive(Debug, Clone)]
pub struct Log {
    /// How lines of the security log are written.
    pub format: LogFormat,
    /// Where the security log goes; `None`: to standard error, or wherever the embedding program's log goes.
    pub security_file: Option<PathBuf>,
    /// Lines of one kind of event.
    pub security_events: Rate,
}

/// `log.format`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// `2026-11-24T02:57:19.123Z wardroom security: event=… address=… …`
    Text,
    /// One object of strings and numbers.
    Json,
}

/// `[process]`
#[derive(Debug, Clone, Default)]
pub struct Process {
    pub sandbox: Sandbox,
}

/// `process.sandbox`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sandbox {
    /// Nothing is given up.
    Off,
    /// Whatever the kernel can take away is.
    #[default]
    On,
    /// All of it, or the server does not start.
    Require,
}

#[cfg(test)]
mod tests;
