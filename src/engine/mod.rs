//! A connection's life from first byte to last, for all connections: bytes and time in, bytes and effects out.
//!
//! No socket, no clock, no thread, no randomness but from the seed handed in. One file per concern:
//! `proxied` whose a connection is, `http` heads and plain routes, `cross_origin` pages from elsewhere, `open` admission to a session, `tickets` credentials for pages, `frames` what a session sends,
//! `work` what other threads are asked, `questions` and `hook` what the operator's own program is, `chat` the commands,
//! `private` what comes through the operator's door, `closing` every way to end, `timers` what is due.

mod arithmetic;
mod barrier;
mod behind;
mod catalogue;
mod census;
mod characters;
mod chat;
mod closing;
mod connection;
mod connections;
mod cross_origin;
mod deadlines;
mod door;
mod drain;
mod earned;
mod echo;
mod effect;
mod fan_out;
mod frames;
mod gathered;
mod glitches;
mod held;
mod hook;
mod http;
mod kept;
mod lanes;
mod making;
mod manage;
mod meter;
mod metrics;
mod open;
mod outbound;
mod outsiders;
mod pages;
mod passes;
mod penalties;
mod people;
mod permit;
mod presence;
mod private;
mod proxied;
mod questions;
mod readers;
mod reconfigure;
mod redirect;
mod refresh;
mod reply;
mod retention;
mod revoke;
mod room_limits;
mod room_reply;
mod room_work;
mod secure;
mod security;
mod shadow;
mod shed;
mod standstill;
mod stock;
mod tell_change;
mod tickets;
mod timers;
mod users;
mod verify;
mod waiting;
mod work;

use std::collections::VecDeque;
use std::io::IoSlice;
use std::net::SocketAddr;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::access::Authenticator;
use crate::access::origin::{OriginError, OriginList};
use crate::access::revocation::Revocations;
use crate::access::ticket::Tickets;
use crate::config::{Config, RoomSettings};
use crate::hash::Keyed;
use crate::id::ConnectionId;
use crate::limit::{Forwarders, Kept, Majority, PrefixTable, WaitingRoom};
use crate::protocol::proxy::HeaderReader;
use crate::protocol::response::Refusal;
use crate::rooms::{Configured, Rooms};
use crate::telemetry::{Counters, Ending};
use crate::time::{Instant, Now};

pub use arithmetic::Arithmetic;
pub use census::Census;
pub use door::Door;
pub use effect::Effect;
pub use held::Share;
pub use metrics::Unready;
pub use reconfigure::Reconfiguration;
pub use secure::{TlsFacts, TlsFailure, TlsVersion};
pub use stock::SOCKET_BYTES;
pub use work::{Outcome, Work, WorkId, WorkTimes};

use behind::Lag;
use connection::{Connection, Phase, Wire};
use connections::Connections;
use deadlines::Deadlines;
use fan_out::FanOut;
use lanes::Lanes;
use metrics::Observed;
use outbound::{Outbound, WriteAsked};
use outsiders::Outsiders;
use passes::Passes;
use presence::Presence;
use private::PrivateDoor;
use questions::Questions;
use retention::Retention;
use room_work::RoomWorks;
use security::SecurityLog;
use standstill::Standstill;
use stock::{Drawn, Stock};
use users::Users;
use work::{Awaited, Works};

/// The server as a deterministic function.
///
/// **Call [`Engine::turn`] at the start of every turn with that turn's [`Now`] and [`Engine::end_turn`] after what
/// the turn brought, then carry out every effect that [`Engine::next_effect`] gives, in order.** The same calls with the same seed
/// give the same bytes and effects.
pub struct Engine {
    config: Config,
    authenticator: Box<dyn Authenticator>,
    origins: OriginList,
    tickets: Tickets,
    random: ChaCha20Rng,
    connections: Connections,
    /// Connections that have not authenticated, only ask for pages, or are ending.
    plain_connections: usize,
    private: PrivateDoor,
    users: Users,
    prefixes: PrefixTable,
    waiting: WaitingRoom,
    rooms: Rooms,
    deadlines: Deadlines,
    standstill: Standstill,
    fan_out: FanOut,
    passes: Passes,
    /// Told to browsers over TLS.
    strict_transport: Option<Box<str>>,
    outbound: Outbound,
    /// Sessions that go on in the next turn, and others that do.
    unfinished: VecDeque<ConnectionId>,
    postponed: VecDeque<ConnectionId>,
    signature_checks_left: usize,
    works: Works,
    room_works: RoomWorks,
    lanes: Lanes,
    retention: Retention,
    presence: Presence,
    /// For whom something may wait of a room in which they do not sit.
    outsiders: Outsiders,
    /// Sessions ended, and seats given up by them, since this engine began.
    seats_ended: usize,
    /// When deadlines were last looked at, if some that had come were left for the next turn.
    overdue: Option<Now>,
    revocations: Revocations,
    questions: Questions,
    stopping: bool,
    /// A trusted proxy has named no client, and the log has said so.
    has_met_silent_proxy: bool,
    /// Most people came from one address, and the log has said so.
    has_met_crowd: bool,
    /// Which address most people come from.
    majority: Majority,
    /// Who says to ask for others and is no trusted proxy: within, and from the Internet, which can not push the others out.
    inner_forwarders: Forwarders,
    outer_forwarders: Forwarders,
    /// Who is still to be told that the server goes.
    departing: VecDeque<ConnectionId>,
    stock: Stock,
    counters: Counters,
    security: SecurityLog,
    observed: Observed,
}

/// A room of the configuration.
fn configured<'a>(rooms: &RoomSettings, name: &'a str) -> Configured<'a> {
    Configured {
        name,
        is_durable: rooms.is_durable(name),
    }
}

impl Engine {
    /// An engine without connections. `seed` is secret: hash keys and tickets come from it.
    ///
    /// # Errors
    /// [`OriginError`] names an entry of `origins.allow` that is no origin.
    pub fn new(
        config: Config,
        authenticator: Box<dyn Authenticator>,
        seed: [u8; 32],
    ) -> Result<Self, OriginError> {
        let mut random = ChaCha20Rng::from_seed(seed);
        let hash = Keyed::new(random.next_u64(), random.next_u64());
        let names = &config.rooms;
        let public = names.public.iter().map(|name| configured(names, name));
        let rooms = Rooms::new(configured(names, &names.lobby), public, hash);
        Ok(Engine {
            authenticator,
            origins: OriginList::new(
                &config.origins.allow,
                config.listen.address,
                config.tls.is_on(),
            )?,
            strict_transport: secure::strict_transport(&config.tls),
            tickets: Tickets::new(config.auth.ticket.clone(), hash),
            random,
            connections: Connections::for_at_most(stock::connections_max(&config)),
            plain_connections: 0,
            private: PrivateDoor::default(),
            users: Users::new(&config.limits, hash),
            prefixes: PrefixTable::new(config.limits.prefixes_max, Kept::of(&config.limits), hash),
            waiting: WaitingRoom::default(),
            fan_out: FanOut::new(rooms.iter().count()),
            rooms,
            deadlines: Deadlines::default(),
            standstill: Standstill::default(),
            outbound: Outbound::new(&config),
            unfinished: VecDeque::new(),
            postponed: VecDeque::new(),
            passes: Passes::default(),
            signature_checks_left: config.turn.signature_checks_max,
            works: Works::new(config.limits.pending_answers_max),
            room_works: RoomWorks::default(),
            lanes: Lanes::default(),
            retention: Retention::default(),
            presence: Presence::default(),
            outsiders: Outsiders::default(),
            seats_ended: 0,
            overdue: None,
            revocations: Revocations::new(hash),
            questions: Questions::new(config.auth.hook.clone(), hash),
            stopping: false,
            has_met_silent_proxy: false,
            has_met_crowd: false,
            majority: Majority::new(hash),
            inner_forwarders: Forwarders::new(hash),
            outer_forwarders: Forwarders::new(hash),
            stock: Stock::new(&config),
            counters: Counters::default(),
            security: SecurityLog::new(&config.log),
            observed: Observed::default(),
            departing: VecDeque::new(),
            config,
        })
    }

    /// Begins a turn: budgets are full again, and what is due happens.
    pub fn turn(&mut self, now: Now) {
        self.signature_checks_left = self.config.turn.signature_checks_max;
        self.outbound.turn(now.instant);
        self.passes.turn();
        self.standstill.turn(self.deadlines.next(), now.instant);
        self.expire(now);
        self.expire_questions(now);
        self.forget_aged(now);
        self.users.turn(now.instant);
        self.tell_presence(now);
        self.close_doomed(now);
        self.relieve(now);
        self.send_departing_away(now);
        self.security.turn(now);
    }

    /// Ends what [`Engine::turn`] began: what rooms were told is queued for everybody in them.
    pub fn end_turn(&mut self, now: Now) {
        self.flush_rooms();
        // What their rooms are told of it may be too much for somebody else, who is closed in the next turn.
        if self.outbound.has_doomed() {
            self.close_doomed(now);
            self.flush_rooms();
        }
        while let Some(id) = self.outbound.next_unwatched() {
            self.arm(id, now);
        }
    }

    /// Admits a connection that came through `door`.
    ///
    /// # Errors
    /// The refusal to write before its socket is closed; the engine has not counted it.
    pub fn accept(
        &mut self,
        door: Door,
        peer: SocketAddr,
        now: Now,
    ) -> Result<ConnectionId, Refusal> {
        let (via, awaits_preamble) = self.via(door, peer);
        let prefix = self.admit(door, peer, via, now);
        let prefix = prefix.inspect_err(|refusal| self.report_unadmitted(peer, refusal, now))?;
        self.counters.accepted += 1;
        let phase = if awaits_preamble {
            Phase::Preamble(HeaderReader::default())
        } else {
            self.first_phase(door)
        };
        let id = self.connections.insert(|id| Connection {
            id,
            door,
            peer,
            via,
            prefix,
            place: None,
            phase,
            wire: Wire::Tutorial,
            outbox: crate::protocol::outbox::Outbox::default(),
            lag: Lag::default(),
            drawn: Drawn::default(),
            held: Vec::new(),
            accepted: now.instant,
            since: now.instant,
            armed: None,
            unfinished: false,
            write_asked: WriteAsked::No,
            has_missed: false,
            is_outsider: false,
            doomed: None,
            input_ended: false,
            is_secure: false,
            sealed: 0,
            certificate: None,
            awaited: Awaited::Nothing,
        });
        self.take_place(id, now);
        self.arm(id, now);
        Ok(id)
    }

    /// Bytes came from the peer. All are taken: handled, or held while [`Engine::wants_bytes`] says no.
    pub fn receive(&mut self, id: ConnectionId, bytes: &[u8], now: Now) {
        self.counters.bytes_received += bytes.len() as u64;
        self.charge_bytes(id, bytes.len(), now);
        self.charge_small_read(id, bytes.len(), now);
        if !self.close_if_over(id, now) {
            self.handle_bytes(id, bytes, now);
        }
        self.close_doomed(now);
        self.arm(id, now);
    }

    /// The peer has closed its writing side.
    pub fn end_of_input(&mut self, id: ConnectionId, now: Now) {
        self.handle_end_of_input(id, now);
        self.close_doomed(now);
    }

    /// The socket has failed: nothing more can be read or written.
    pub fn broken(&mut self, id: ConnectionId, now: Now) {
        self.charge_departure(id, now);
        if self.end_session(id, now).is_some() {
            self.counters.ended(Ending::Broken);
        }
        self.remove(id);
        self.close_doomed(now);
    }

    /// Whether the connection's socket may be read from.
    pub fn wants_bytes(&self, id: ConnectionId) -> bool {
        self.connections
            .get(id)
            .is_some_and(|connection| connection.wants_bytes() && !self.is_departing(connection))
    }

    /// Points `slices` at the bytes to write next; gives how many were filled.
    pub fn outgoing<'a>(&'a self, id: ConnectionId, slices: &mut [IoSlice<'a>]) -> usize {
        self.connections
            .get(id)
            .map_or(0, |connection| connection.outbox.fill(slices))
    }

    /// The socket took `written` bytes of what [`Engine::outgoing`] gave. Whether more bytes wait.
    pub fn written(&mut self, id: ConnectionId, written: usize, now: Now) -> bool {
        let Some(connection) = self.connections.get_mut(id) else {
            return false;
        };
        self.counters.bytes_sent += written as u64;
        connection.outbox.consume(written);
        self.outbound.shrunk(connection, written);
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

    /// Whether [`Engine::turn`] has something to do at once.
    pub fn has_unfinished(&self) -> bool {
        !self.unfinished.is_empty()
            || !self.postponed.is_empty()
            || self.outbound.has_effects(Share::People)
            || self.outbound.has_effects(Share::Strangers)
            || self.passes.are_under_way()
            || self.outbound.has_doomed()
            || self.fan_out.is_pending()
            || !self.departing.is_empty()
    }

    /// Whether single connections of this share ask for something.
    pub fn has_effects(&self, share: Share) -> bool {
        self.outbound.has_effects(share)
    }

    /// When [`Engine::turn`] must be called at the latest.
    pub fn next_deadline(&self) -> Option<Instant> {
        let next = [
            self.deadlines.next(),
            self.questions.next_deadline(),
            self.security.next_deadline(),
            self.retention.next_deadline(),
            self.presence.next_deadline(),
            self.stock.next_look(),
            self.fan_out.next_deadline(),
            self.users.next_deadline(),
        ];
        next.into_iter().flatten().min()
    }

    /// Makes sure the connection is looked at when its next deadline comes.
    fn arm(&mut self, id: ConnectionId, now: Now) {
        if let Some(connection) = self.connections.get_mut(id) {
            self.stock.settle(connection);
            let at = connection.next_deadline(&self.config.deadlines, self.standstill, now);
            self.deadlines.arm(id, at, &mut connection.armed);
        }
    }
}
