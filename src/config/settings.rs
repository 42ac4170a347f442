//! The one table of settings. Parsing, ranges, `wardroom check` and the reference are driven by it; a
//! setting's default stands in `defaults`. The only thing it does not hold is the list `[[auth.key]]`.

use super::form::Form;

/// One row: a setting that has a name of its own.
pub(super) struct Setting {
    /// Full dotted key, which is also the path of the field in [`Config`](super::Config).
    pub(super) key: &'static str,
    pub(super) form: Form,
    /// What it is for, and what happens at the bound.
    pub(super) reason: &'static str,
    /// When a new value of a running server's file counts.
    pub(super) change: Change,
}

/// What it takes to change a setting of a running server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// A reload, at once and for everybody.
    Reload,
    /// A reload, for connections made after it.
    NewConnections,
    /// Another process: the reload says so by name and keeps the old value.
    Restart,
}

impl Change {
    pub(super) fn text(self) -> &'static str {
        match self {
            Change::Reload => "reload",
            Change::NewConnections => "reload, for new connections",
            Change::Restart => "restart",
        }
    }
}

impl Setting {
    /// `limits.connections_max` is `WARDROOM_LIMITS_CONNECTIONS_MAX`.
    pub(super) fn variable(&self) -> String {
        let name = self.key.replace('.', "_").to_ascii_uppercase();
        format!("{VARIABLE_PREFIX}{name}")
    }
}

/// What every environment variable of a setting begins with.
pub(super) const VARIABLE_PREFIX: &str = "WARDROOM_";

/// The list of keys, which has rows of its own and no variable.
pub(super) const KEY_LIST: &str = "auth.key";

/// The setting called `key`.
pub(super) fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// Whether settings stand below `key`.
pub(super) fn is_section(key: &str) -> bool {
    let begins = |setting: &Setting| {
        let rest = setting.key.strip_prefix(key);
        rest.is_some_and(|rest| rest.starts_with('.'))
    };
    SETTINGS.iter().any(begins)
}

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
/// Room for a machine that counts its clients in millions, and a bound that arithmetic can rely on.
const CONNECTIONS: u64 = 1_000_000;
const TOKENS: u64 = 1_000_000_000;

macro_rules! settings {
    (@change) => { Change::Reload };
    (@change $change:ident) => { Change::$change };
    ($($section:ident $(. $part:ident)*: $form:ident { $($bound:ident: $value:expr),* }, $reason:literal $(, $change:ident)?;)*) => {
        &[$(Setting {
            key: concat!(stringify!($section) $(, ".", stringify!($part))*),
            form: Form::$form { field: |config| &mut config.$section$(.$part)*, $($bound: $value),* },
            reason: $reason,
            change: settings!(@change $($change)?),
        }),*]
    };
}

/// Every setting, in the order in which people read them. A row says so when a reload is not enough to change it.
pub(super) static SETTINGS: &[Setting] = settings! {
    memory: Size { min: 16 * MIB, max: 1024 * GIB },
        "What connections, tables, queues and buffers may take in all; a start and `wardroom check` print the arithmetic. From 3/4 of it on, whoever is cheapest to lose goes: strangers, then slow readers, then whoever has been idle longest. From 15/16 on, what would take more is refused: 503, close code 1013 or `busy`. The program itself comes on top (docs/operations.md).";

    listen.address: Address {},
        "Where clients connect. Port 0 takes any free one.", Restart;
    listen.insecure_public: Flag {},
        "Another program in front of this one ends TLS. Without it, proxy.trusted or tls.certificate, an address that is not loopback does not start. Name it in proxy.trusted instead, or limits per address count it as one address.", Restart;
    listen.reuse_port: Flag {},
        "Whether a second process of the same user may listen on the address beside this one, to take over from it. Any program of that user may then.", Restart;

    proxy.trusted: Networks {},
        "Networks of the proxies in front of this server, and of nothing else: whoever connects from there may say which address they ask for. With it, an address that is not loopback starts without TLS, since the proxy ends it.";
    proxy.header: Choice {},
        "The one field in which trusted proxies name the client; it is read from right to left past trusted addresses only. The proxy must set this very field: another, which it passes on as a client sent it, is never looked at.";
    proxy.protocol: Flag {},
        "Every connection from a trusted proxy begins with a PROXY header, version 1 or 2, ahead of TLS. One that does not is refused with 400, and so is a PROXY header from anybody else.";

    tls.certificate: Files {},
        "Certificate chains as PEM, the server's own first in each. Several are chosen among by the name that the client asks for; the first serves the others. Without one, this program does not encrypt.", NewConnections;
    tls.key: Files {},
        "Private keys as PEM, one for each of tls.certificate in the same order. Only the owner and its group may read them.", NewConnections;
    tls.minimum: Choice {},
        "Lowest TLS version spoken.", NewConnections;
    tls.look_every: Time { min: 100, max: DAY, zero: Some("only when the configuration is read again") },
        "How often the files of certificates and keys are looked at. When they have changed, and rest, new connections meet the new ones. Files that can not be used change nothing.";
    tls.hsts: Time { min: SECOND, max: 800 * DAY, zero: Some("none") },
        "When set, browsers are told to use https for this long (RFC 6797), in every plain answer over TLS.";
    tls.redirect_address: MaybeAddress {},
        "When set, a plain listener there answers requests for pages with 308 to the same place over https; what programs ask is answered 400.", Restart;
    tls.public_port: MaybePort {},
        "The port that clients reach TLS at, for redirects, when something in front of this program forwards another. Not set: that of listen.address.";
    tls.client_certificates: Choice {},
        "Whether clients show certificates: never, if they have one, or else they are refused. One that tls.client_ca signed is a credential, after all others.", NewConnections;
    tls.client_ca: File {},
        "Certificates of the authorities that client certificates must come from, as PEM.", NewConnections;

    private.enabled: Flag {},
        "Whether there is a second listener, for metrics, health and the server API. See docs/api.md.", Restart;
    private.address: Address {},
        "Where it listens. An address that is not loopback needs private.key_file, and something in between that encrypts.", Restart;
    private.key_file: File {},
        "The key that programs show as `Authorization: Bearer`: 32 to 512 bytes that cannot be guessed, of letters, digits and `-._~+/=`. Without it only `/metrics`, `/healthz` and `/readyz` are answered.";
    private.hosts: Hosts {},
        "Names in `Host` that are answered besides IP addresses and `localhost`. Any other is answered 421: a page whose name was made to point here learns nothing.";
    private.connections_max: Count { unit: "connections", min: 1, max: 1024 },
        "Connections to it at once, counted apart from all of limits. Past it, new ones are answered 503.";
    private.body_bytes_max: Size { min: KIB, max: MIB },
        "Bytes of one request's body. Past it, 413. At least 12 for each character of limits.message_characters_max, plus 1024.";
    private.requests: Rate { unit: "requests", min: 1, max: TOKENS },
        "Requests that show the key, over all connections; those without it have a bucket of the same size. Past it, 429.";

    origins.allow: Origins {},
        "Pages that may connect. Empty: only pages of the listener's own origin. A page of any other origin is refused with 403.";

    auth.query_token: Flag {},
        "Whether `?token=` is a credential. URLs are easily logged by what stands in between; headers and tickets are not.";
    auth.refuse_with: Refusal {},
        "How bad credentials and too many connections are told: after the upgrade with close code 1008, which a page can read, or as status 401 or 429.";
    auth.cookie: CookieName {},
        "The cookie whose value is a token. Needs origins.allow, since a browser sends cookies for every page.";
    auth.key_overlap: Time { min: SECOND, max: 7 * DAY, zero: Some("none") },
        "After a reload with other keys, how long tokens signed with the keys before are still taken. Connections that they opened stay until their own `exp`.";
    auth.revocations_max: Count { unit: "revocations", min: 1, max: 10 * CONNECTIONS },
        "Revocations in force, each 320 bytes of memory. Past it, a further one is refused; none is forgotten to make room. One is forgotten when no token can be good any more that it concerns.", Restart;
    auth.jwt.issuer: Text {},
        "When set, tokens must name it in `iss`.";
    auth.jwt.audience: Text {},
        "When set, tokens must name it in `aud`. When not, a token that has an `aud` is meant for somebody else and refused.";
    auth.jwt.leeway: Time { min: SECOND, max: 5 * MINUTE, zero: Some("none") },
        "Clock difference forgiven for `exp`, `nbf` and `iat`.";
    auth.jwt.token_bytes_max: Size { min: 256, max: 16 * KIB },
        "Longest token looked at. A longer one is refused before it is decoded.";
    auth.jwt.lifetime_max: Time { min: MINUTE, max: 400 * DAY, zero: None },
        "Furthest `exp` from now. A token good for longer is refused: it could not be taken back.";
    auth.ticket.lifetime: Time { min: SECOND, max: 5 * MINUTE, zero: None },
        "How long a ticket from `POST /ticket` is good for, once.";
    auth.ticket.tickets_max: Count { unit: "tickets", min: 1, max: CONNECTIONS },
        "Tickets outstanding in all. Past it, `POST /ticket` answers 503.";
    auth.ticket.tickets_per_user_max: Count { unit: "tickets", min: 1, max: 1000 },
        "Tickets outstanding for one user. Past it, `POST /ticket` answers 429.";

    auth.session.lifetime: Time { min: MINUTE, max: 400 * DAY, zero: None },
        "Longest time that a session is good for, and how long one is when nothing else was asked.";
    auth.session.sessions_max: Count { unit: "sessions", min: 1, max: 10 * CONNECTIONS },
        "Sessions kept in all. Past it, no further one is made until one expires or is revoked.";
    auth.session.sessions_per_user_max: Count { unit: "sessions", min: 1, max: 1000 },
        "Sessions of one user. Past it, no further one is made for them.";
    auth.hook.url: Url {},
        "When set, your own program is asked who shows a credential that is neither a session nor a token: see docs/auth-hook.md. While it can not be asked, nobody is let in by it.", Restart;
    auth.hook.secret_file: File {},
        "Holds the secret that shows your program that a question is ours, sent as a bearer. Needed with auth.hook.url.";
    auth.hook.ca_file: File {},
        "Certificates, as PEM, that an https auth.hook.url must be signed by. Not set: those that the system trusts.";
    auth.hook.insecure_http: Flag {},
        "Credentials may go to another machine unencrypted, since something else keeps that network safe. Without it, an http auth.hook.url leads to this machine only.";
    auth.hook.timeout: Time { min: 100, max: MINUTE, zero: None },
        "From the question to the whole answer, and at most that long in the queue before it. Past it, the client is told that authentication is not available.";
    auth.hook.concurrency_max: Count { unit: "questions", min: 1, max: 64 },
        "Questions under way at a time, each on a thread of its own. Past it, further ones wait.";
    auth.hook.queue_max: Count { unit: "questions", min: 1, max: 1024 },
        "Questions that wait. Past it, the client is told that authentication is not available.";
    auth.hook.questions_per_address_max: Count { unit: "questions", min: 1, max: 1024 },
        "Questions of one address, waiting or under way. Past it, the same is said: nobody may have the hook to themselves.";
    auth.hook.credential_bytes_max: Size { min: 16, max: 16 * KIB },
        "Longest credential that is sent. A longer one is refused without a question.";
    auth.hook.cache_entries_max: Count { unit: "answers", min: 1, max: CONNECTIONS },
        "Good answers remembered, and as many refusals. Past it, the oldest is forgotten and asked for again.";
    auth.hook.cache_time: Time { min: 100, max: HOUR, zero: Some("not at all") },
        "How long a good answer is remembered, though never longer than it says. A credential that your program takes back may be let in for so long.";
    auth.hook.cache_refused_time: Time { min: 100, max: HOUR, zero: Some("not at all") },
        "How long a refusal is remembered. A credential that your program comes to know may be refused for so long.";
    auth.hook.failures_max: SmallCount { unit: "failures", min: 1, max: 1000 },
        "Questions in a row without an answer. Past it, the hook is taken to be down, and nobody waits for it.";
    auth.hook.down_time: Time { min: 100, max: 10 * MINUTE, zero: None },
        "How long the hook is not asked then. After it, one question finds out whether it is well again.";

    limits.connections_max: Count { unit: "connections", min: 1, max: CONNECTIONS },
        "Connections in all. Past it, new ones are answered 503.";
    limits.connections_per_user: Count { unit: "connections", min: 1, max: CONNECTIONS },
        "Connections of one user. Past it, a new one is refused as auth.refuse_with says.";
    limits.connections_per_address: Count { unit: "connections", min: 1, max: CONNECTIONS },
        "Connections of one address (IPv4 /32, IPv6 /64). Past it, a new one is refused. One whose people stay earns more: limits.earned_per_address_max. Loopback is not special.";
    limits.unauthenticated_max: Count { unit: "connections", min: 1, max: CONNECTIONS },
        "Connections that have not signed in, only ask for pages, or end without having been a session. Past it, each new one takes the place of the one that is cheapest to lose: the oldest of the /32 (/64) with the most, in the /24 (/48) with the most. People in rooms do not notice.";
    limits.plain_per_address: Count { unit: "connections", min: 1, max: CONNECTIONS },
        "The same of one address. A browser opens six for one page. Past it, new ones are answered 429.";
    limits.prefixes_max: Count { unit: "prefixes", min: 64, max: 16 * CONNECTIONS },
        "Entries of the table that counts per address. Past it, a newcomer takes over an entry with what it owes, or is counted with neighbours; never let through.", Restart;
    limits.departed_users_max: Count { unit: "users", min: 1, max: CONNECTIONS },
        "Users remembered after they left, until their buckets are full again. Past it, the longest gone is forgotten.";
    limits.commands_per_user: Rate { unit: "commands", min: 1, max: TOKENS },
        "Text messages of whatever type of one user over all connections, charged before they are parsed; an invalid one costs two. Past it, they are refused with the time to wait.";
    limits.messages_per_user: Rate { unit: "messages", min: 1, max: TOKENS },
        "Messages of one user over all connections. Past it, a message is refused with the time to wait.";
    limits.messages_per_connection: Rate { unit: "messages", min: 1, max: TOKENS },
        "Messages of one connection. Past it, a message is refused with the time to wait.";
    limits.messages_per_address: Rate { unit: "messages", min: 1, max: TOKENS },
        "Messages of one address. Past it, a message is refused with the time to wait.";
    limits.bytes_per_connection: Rate { unit: "bytes", min: 16 * KIB, max: 1024 * GIB },
        "Bytes read from one connection, charged before they are parsed. Past it, reading pauses.";
    limits.bytes_per_address: Rate { unit: "bytes", min: 16 * KIB, max: 1024 * GIB },
        "Bytes read from one address. Past it, reading from its sessions pauses, and its requests are answered 429.";
    limits.control_frames_per_connection: Rate { unit: "frames", min: 2, max: TOKENS },
        "Pings, pongs that nobody asked for, and closes of one connection. Past it, the connection is closed with 1008.";
    limits.frames_per_connection: Rate { unit: "frames", min: 2, max: TOKENS },
        "Frames of any kind, fragments and empty ones included. Past it, the connection is closed with 1008.";
    limits.glitches_per_connection: Rate { unit: "points", min: 20, max: TOKENS },
        "Points for what is odd and breaks no rule: 1 for a read of one byte, 2 for a pong or a tiny fragment, 4 for a ping, 8 for an empty fragment, 12 for a ping after a ping, 20 for an invalid message or one from somebody who leaves much unread; four times that in a turn that lasts too long. Past it, reading pauses, and after pauses_max times the connection is closed with 1008.";
    limits.handshakes_per_address: Rate { unit: "handshakes", min: 1, max: TOKENS },
        "Upgrades and requests for tickets of one address. Past it, they are answered 429.";
    limits.failed_authentications_per_address: Rate { unit: "failures", min: 1, max: TOKENS },
        "Credentials from one address that are not to be trusted; missing and expired ones do not count. Past it, further ones are answered 429 without a look at the signature.";
    limits.offences_per_address: Rate { unit: "offences", min: 1, max: TOKENS },
        "Failed sign-ins, broken protocols and abandoned handshakes of one address. Past it, the address is refused at accept, before TLS, for limits.penalty_min; its sessions go on. A sign-in gives one back.";
    limits.penalty_min: Time { min: SECOND, max: DAY, zero: None },
        "How long an address is refused the first time; twice as long each further time.";
    limits.penalty_max: Time { min: SECOND, max: DAY, zero: None },
        "How long it is refused at most; so long without another penalty halves the next. At least limits.penalty_min.";
    limits.penalty_exempt: Networks {},
        "Networks that are never refused so, and limited like all others: carriers, who have many strangers behind one address. Trusted proxies never are.";
    limits.exempt: Networks {},
        "Networks that no limit of an address holds for, this one included: your own offices and probes. Limits of a connection, of a user and of the whole server do.";
    limits.earned_per_address_max: Count { unit: "connections", min: 0, max: CONNECTIONS },
        "Room that an address may earn: one more of limits.connections_per_address, limits.plain_per_address and limits.handshakes_per_address for each different user who is in from it and has stayed for limits.earned_after. 0: none.";
    limits.earned_after: Time { min: SECOND, max: DAY, zero: None },
        "How long a user's session lasts before it earns its address room. Of several of one user one earns; when that ends, another does within ten minutes.";
    limits.earned_kept: Time { min: SECOND, max: 30 * DAY, zero: None },
        "How long after people have gone half of the room that they earned is forgotten; then half of the rest.";
    limits.refreshes_per_connection: Rate { unit: "refreshes", min: 1, max: TOKENS },
        "Credentials shown by `refresh` on one connection. Past it, they are refused with the time to wait.";
    limits.pending_answers_max: Count { unit: "answers", min: 1, max: CONNECTIONS },
        "Questions to the store that wait for their answer. Past it, sign-ins that need one are told to come back: close code 1013, or 503.", Restart;
    limits.error_replies_per_connection: Rate { unit: "replies", min: 1, max: TOKENS },
        "Error replies to one connection. Past it, reading pauses in silence for deadlines.pause.";
    limits.pauses_max: SmallCount { unit: "pauses", min: 1, max: 1000 },
        "Such silences in a row. Past it, the connection is closed with 1008.";
    limits.message_characters_max: Count { unit: "characters", min: 1, max: 64 * KIB },
        "Unicode scalar values of one chat message. A longer one is refused.";
    limits.message_bytes_max: Size { min: 2 * KIB, max: MIB },
        "Bytes of one message as it travels. Past it, the connection is closed with 1009. At least 12 for each character, plus 1024.", NewConnections;
    limits.fragments_per_message_max: SmallCount { unit: "fragments", min: 1, max: 65_536 },
        "Fragments of one message. Past it, the connection is closed with 1008.";
    limits.tls_handshake_bytes_max: Size { min: 4 * KIB, max: 64 * KIB },
        "Bytes of a client's part of the TLS handshake, its certificates included. Past it, the connection ends.";
    limits.head_bytes_max: Size { min: KIB, max: 64 * KIB },
        "Bytes of a request head. A longer one is answered 431.", NewConnections;
    limits.head_fields_max: Count { unit: "fields", min: 16, max: 128 },
        "Fields of a request head. More are answered 431.";
    limits.requests_per_connection_max: SmallCount { unit: "requests", min: 1, max: 1_000_000 },
        "Requests on one kept-alive connection. The last is answered with `Connection: close`.";
    limits.rooms_per_connection_max: Count { unit: "rooms", min: 1, max: super::shadow::ROOMS_PER_CONNECTION_MOST as u64 },
        "Rooms that one connection is in, the lobby included. Past it, a join is refused.";
    limits.outbound_bytes_per_connection_max: Size { min: 4 * KIB, max: GIB },
        "Bytes that one connection may leave unread once they were offered to it. Past it, it is closed with 1008.";
    limits.unsent_bytes_per_connection_max: Size { min: 4 * KIB, max: GIB },
        "Bytes of one connection that the kernel takes before it can send them (TCP_NOTSENT_LOWAT). The rest waits in the connection's queue, where it is counted, and where typing and presence can still be dropped.", Restart;
    limits.outbound_bytes_max: Size { min: 64 * KIB, max: 64 * GIB },
        "Bytes queued for all connections. Past it, who left more than an equal share of it unread is closed with 1013.";
    limits.shadow: Shadow {},
        "Limits to rehearse: what they would have refused is counted (wardroom_shadowed_total) and logged (event=shadowed), and let through. Only rates, counts and lengths of one connection, user or address (docs/operations.md).";
    limits.members_listed_max: Count { unit: "members", min: 1, max: 100_000 },
        "Members told of in one reply. The rest are only counted.";

    deadlines.head: Time { min: 100, max: 5 * MINUTE, zero: None },
        "From accept to a complete request head, whatever arrives in between. Past it, 408 and the end.";
    deadlines.handshake: Time { min: 100, max: 5 * MINUTE, zero: None },
        "From accept to the end of the TLS handshake, whatever arrives in between; never longer than deadlines.head. Past it, the connection ends.";
    deadlines.keep_alive: Time { min: 100, max: 10 * MINUTE, zero: None },
        "How long a kept-alive connection may stay without a request.";
    deadlines.sign_in: Time { min: 100, max: HOUR, zero: None },
        "From accept to a session, whatever is asked for meanwhile. Past it, a request that is under way gets 408, and the connection ends. A trusted proxy's own connection has it anew with each client that it is done with.";
    deadlines.first_message: Time { min: 100, max: HOUR, zero: Some("none") },
        "From the upgrade to the first message. Past it, the connection is closed with 1008.";
    deadlines.idle: Time { min: 100, max: 7 * DAY, zero: Some("none") },
        "Without a message from the client. Past it, the connection is closed with 1001.";
    deadlines.ping: Time { min: 100, max: HOUR, zero: None },
        "Silence after which the server pings.";
    deadlines.pong: Time { min: 100, max: 10 * MINUTE, zero: None },
        "From a ping to any byte back. Past it, the peer is gone and the connection ends.";
    deadlines.unread: Time { min: SECOND, max: 10 * MINUTE, zero: Some("none") },
        "How long what was offered to a connection may wait for it to be taken. Past it, the connection is closed with 1008, however little waits: its reader has stalled, or is further behind each second.";
    deadlines.close: Time { min: 100, max: MINUTE, zero: None },
        "From our close frame to the peer's, and from our last word to the moment it is written. Past it, the connection ends without.";
    deadlines.linger: Time { min: 10, max: 5 * SECOND, zero: None },
        "Reading on after our last byte, so that the peer sees it and not a reset.";
    deadlines.pause: Time { min: 10, max: MINUTE, zero: None },
        "How long reading pauses once error replies have run out.";

    drain.window: Time { min: 100, max: 10 * MINUTE, zero: None },
        "Those who are sent away all at once are asked to come back spread over this time.";
    drain.time_max: Time { min: 100, max: 10 * MINUTE, zero: None },
        "From the signal to the end of the process. Whoever has not gone by then is cut off.";

    turn.people_microseconds_max: Count { unit: "microseconds", min: 50, max: 1_000_000 },
        "Time after which nothing more is begun in a turn for those who have signed in: reading until half of it is over, then writing. What is left waits for the next turn.";
    turn.strangers_microseconds_max: Count { unit: "microseconds", min: 50, max: 1_000_000 },
        "The same for those who have not: accepting, handshakes, requests, signatures until half of it is over, then what comes of them. It comes after the others' and is all that they can be kept waiting by strangers.";
    turn.accepts_max: Count { unit: "connections", min: 1, max: 4096 },
        "Connections accepted in one turn of the loop. The rest wait for the next.";
    turn.reads_max: Count { unit: "connections", min: 1, max: CONNECTIONS },
        "Connections read from in one turn. The rest wait for the next.";
    turn.read_bytes_per_connection_max: Size { min: 8 * KIB, max: 16 * MIB },
        "Bytes read from one connection in one turn, with those of its answers. The rest wait for the next, after everybody else.";
    turn.frames_per_connection_max: Count { unit: "frames", min: 1, max: 65_536 },
        "Frames of one connection looked at in one turn, fewer when they are long or have long answers. The rest wait for the next.";
    turn.signature_checks_max: Count { unit: "checks", min: 1, max: 65_536 },
        "Token signatures verified in one turn. Further sign-ins wait for the next.";
    turn.tls_handshakes_max: Count { unit: "handshakes", min: 1, max: 4096 },
        "TLS handshakes taken a step further in one turn; one takes two steps, the first of which costs about 0.1 ms with an ECDSA key and 1 ms with RSA. The rest wait for the next.";
    turn.writes_max: Count { unit: "connections", min: 1, max: CONNECTIONS },
        "Connections written to in one turn. The rest wait for the next.";
    turn.write_bytes_per_connection_max: Size { min: 4 * KIB, max: 64 * MIB },
        "Bytes written to one connection in one turn. The rest wait for the next.";

    rooms.lobby: Room {},
        "The room that everybody joins on connect.", Restart;
    rooms.public: Rooms {},
        "Further rooms that any user may join.";
    rooms.durable: Rooms {},
        "Those of rooms.lobby and rooms.public whose messages are numbered, kept and can be read again. In the others they are delivered and forgotten.", Restart;
    rooms.welcome: Text {},
        "When set, told as a notice to everybody who connects.";
    rooms.create: Choice {},
        "Who may make rooms: everybody who is signed in, only those whose credential says `create` for the room's id, or nobody.";
    rooms.rooms_max: Count { unit: "rooms", min: 1, max: 100_000 },
        "Rooms in all. Each costs about 3 KB of memory and what its people cost. Past it, none is made.";
    rooms.created_per_user_max: Count { unit: "rooms", min: 1, max: 10_000 },
        "Rooms that one user has made and that still exist. Past it, they delete one first.";
    rooms.people_max: Count { unit: "people", min: 1, max: 100_000 },
        "People who may have a standing in one room: an affiliation, a ban, a mute, an invitation, a knock. About 350 bytes of memory each, and 100 more for a ban or mute. A room's own members_max stays below it.";
    rooms.retention_messages_max: Count { unit: "messages", min: 1, max: 1_000_000_000 },
        "Messages kept of one room; the oldest go first. A room's own retention_messages stays below it.";
    rooms.retention_max: Time { min: MINUTE, max: 36_500 * DAY, zero: Some("without end") },
        "How long messages are kept. A room's own retention_ms stays below it.";
    rooms.page_entries_max: Count { unit: "messages", min: 1, max: 1000 },
        "Messages, entries of a log or rooms told in one page.";
    rooms.page_bytes_max: Size { min: KIB, max: 16 * MIB },
        "Bytes of texts told in one page, and never more than half of limits.outbound_bytes_per_connection_max: a page alone makes nobody a slow reader.";
    rooms.pending_max: Count { unit: "questions", min: 1, max: 100_000 },
        "Messages, changes and pages of rooms that wait for the store, each with at most limits.message_bytes_max of text. Past it, people are told `busy`, and when to try again. What people read of history and logs takes half of it at most, and with what is told after a `join` three quarters.";
    rooms.pages_per_user_max: Count { unit: "pages", min: 1, max: 100_000 },
        "Pages of history and moderation logs that one user waits for at a time, over all connections. Past it, they are told `busy`, and when to try again. What is told after a `join` with `since` is counted apart: so many as limits.connections_per_user connections have rooms by limits.rooms_per_connection_max.";
    rooms.changes_waiting_max: Count { unit: "changes", min: 1, max: 1000 },
        "Changes of one room that wait for the one before them: so many of those who moderate it, which come first, and as many of all others. Past it, people are told `busy`.";
    rooms.own_changes_waiting_max: Count { unit: "changes", min: 1, max: 1000 },
        "Those of them that are of one person who does not moderate the room, and edits of anybody: one person leaves places for the others. Past it, they are told `busy`.";
    rooms.knocks_per_user: Rate { unit: "knocks", min: 1, max: TOKENS },
        "Knocks of one user at one room, taken back or not: each stays in the room's log, and its moderators are told. Past it, a knock is refused with the time to wait.";
    rooms.announced_people_max: Count { unit: "people", min: 1, max: 100_000 },
        "People present up to whom a room is told by name who comes and goes; past it, it is told how many are there.";
    rooms.return_time_max: Time { min: 100, max: HOUR, zero: Some("a person has left as soon as their last connection ends") },
        "Who comes back to a room within this time after their connection broke has not been away, and nobody is told.";

    echo.enabled: Flag {},
        "Whether `/ws/echo` exists. For conformance and speed tests, not for production.";
    echo.message_bytes_max: Size { min: 125, max: 64 * MIB },
        "Bytes of one echoed message. Past it, the connection is closed with 1009.", NewConnections;

    store.directory: Directory {},
        "Where the server keeps what it made itself: sessions and revocations, and the secret of the embedded default.", Restart;
    store.shared: Flag {},
        "Whether another server may use the same directory at the same time, as when one takes over from another. Each learns within a second what the other revokes. listen.reuse_port says so too.", Restart;

    log.format: Choice {},
        "How lines of the security log are written: `event=… address=…` as text, or one JSON object each.", Restart;
    log.security_file: File {},
        "Where the security log is appended, readable by owner and group. Without it, its lines go to standard error.", Restart;
    log.security_events: Rate { unit: "events", min: 1, max: 10_000 },
        "Lines of one kind of event in the security log, or about one limit. Past it, they are left out, and a later line counts them.";

    process.sandbox: Choice {},
        "Whether the process gives up what a chat server does not need, once it has started. \"on\": as far as the kernel can; \"require\": or it does not start.", Restart;
};

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn every_key_and_every_variable_is_the_name_of_one_setting() {
        for (at, setting) in SETTINGS.iter().enumerate() {
            for other in &SETTINGS[at + 1..] {
                assert_ne!(setting.key, other.key);
                assert_ne!(setting.variable(), other.variable());
            }
        }
        assert_eq!(SETTINGS[0].key, "memory");
        assert_eq!(SETTINGS[0].variable(), "WARDROOM_MEMORY");
        assert_eq!(SETTINGS[1].variable(), "WARDROOM_LISTEN_ADDRESS");
    }

    #[test]
    fn every_default_is_allowed_and_reads_back_as_itself() {
        for setting in SETTINGS {
            let mut config = Config::default();
            let shown = setting.form.show(&mut config);
            if shown == "not set" {
                continue;
            }
            let value = setting.form.value_of(&shown);
            assert_eq!(
                setting.form.fill(&mut config, &value),
                Some(()),
                "{} = {shown}",
                setting.key
            );
            assert_eq!(setting.form.show(&mut config), shown, "{}", setting.key);
        }
    }

    #[test]
    fn every_setting_says_what_it_is_for() {
        for setting in SETTINGS {
            assert!(setting.reason.ends_with('.'), "{}", setting.key);
            assert!(!setting.form.allowed().is_empty(), "{}", setting.key);
        }
    }

    #[test]
    fn only_what_holds_settings_is_a_section() {
        for key in ["listen", "auth", "auth.jwt", "auth.ticket", "auth.hook"] {
            assert!(is_section(key), "{key}");
        }
        for key in [
            "",
            "lis",
            "listen.address",
            "auth.key",
            "limits.",
            "section",
        ] {
            assert!(!is_section(key), "{key}");
        }
    }

    #[test]
    fn both_ends_of_every_range_are_allowed_and_what_lies_beyond_is_not() {
        for setting in SETTINGS {
            let write: fn(u64) -> String = match setting.form {
                Form::Count { .. } | Form::SmallCount { .. } | Form::Size { .. } => {
                    |n| n.to_string()
                }
                Form::Time { .. } => |n| format!("{n}ms"),
                Form::Rate { .. } => |n| format!("{{ burst = {n}, per = \"1s\" }}"),
                _ => continue,
            };
            let (Form::Count { min, max, .. }
            | Form::SmallCount { min, max, .. }
            | Form::Size { min, max, .. }
            | Form::Time { min, max, .. }
            | Form::Rate { min, max, .. }) = setting.form
            else {
                continue;
            };
            let below = min.checked_sub(1).map(|number| (number, false));
            let cases = [(min, true), (max, true), (max + 1, false)];
            for (number, is_allowed) in cases.into_iter().chain(below) {
                let text = write(number);
                let filled = setting
                    .form
                    .fill(&mut Config::default(), &setting.form.value_of(&text));
                assert_eq!(filled.is_some(), is_allowed, "{} = {text}", setting.key);
            }
        }
    }
}
