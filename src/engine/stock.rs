//! What memory is drawn, and from where: the engine's account against its budget.
//!
//! What a connection costs is settled whenever its deadline is armed, which everything that happens to it ends with. What has a
//! count already, users and rooms and questions, is reckoned from that count when somebody wants to know.

use std::mem::size_of;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;

use super::Engine;
use super::connection::{Body, Connection, Phase, Session};
use super::users::User;
use crate::config::Config;
use crate::limit::PrefixTable;
use crate::limit::memory::{Account, Budget, Class, Pressure};
use crate::protocol::refusal::RoomRefusal;
use crate::protocol::response::Refusal;
use crate::protocol::websocket::WebSocket;
use crate::time::{Instant, Now};

/// The limit's name, as refusals tell it.
pub(super) const MEMORY: &str = "memory";
/// Over a mark this often is looked for somebody to let go.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The same when more of those who were found are to go: to find them again is a look at everybody.
const LOOK_SOON_AFTER: Duration = Duration::from_millis(25);
/// One part in so many of the most that was drawn is not worth looking for when it is free: looking takes longer the more there is.
const TRIMMED_SHARE: usize = 32;
/// How long after it was drawn that is looked for, and once in so long at most: while an attack goes on what is free is soon used again.
const TRIM_AFTER: Duration = Duration::from_secs(1);
/// How long after that it is looked for again, how many times, and from then on as long as less is drawn each time: what is remembered of those who have
/// gone goes piece by piece, in the ten seconds in which a user's buckets fill, and each piece keeps a page.
const TRIM_AGAIN_AFTER: Duration = Duration::from_millis(2500);
const TRIMS_AGAIN: u8 = 4;
/// Over the soft mark a connection is read no more at a time: what it may not say yet has to be held.
const READ_BYTES: usize = 4 * 1024;

/// What an allocation costs on top: the allocator's own note, and rounding.
const ALLOCATION: usize = 16;
/// The shell's side of a connection. A test there holds it.
pub const SOCKET_BYTES: usize = 96;
/// Its places in ordered tables, of deadlines and of who waits, when it is alone in its network: the rest of that table's nodes is empty then. Of
/// many from one network each costs a fifth.
const PLACES_BYTES: usize = 1600;
/// A connection that is no session, without what has come of its request.
pub(super) const STRANGER_BYTES: usize = size_of::<Connection>() + SOCKET_BYTES + PLACES_BYTES;
/// A session's own, beside its entry: the box that it is in, what tungstenite keeps, room for four segments in its queue.
const SESSION_HEAP_BYTES: usize = size_of::<Session>() + 1024 + 128 + 3 * ALLOCATION;
/// A session in the lobby.
pub(super) const SESSION_BYTES: usize =
    size_of::<Connection>() + SOCKET_BYTES + SESSION_PLACES_BYTES + SESSION_HEAP_BYTES;
/// Its places in the tables of deadlines, of a user's sessions and of outsiders.
const SESSION_PLACES_BYTES: usize = 112;
/// A seat, on both sides: the session's list, the room's audience and its members.
pub(super) const SEAT_BYTES: usize = 112;
/// An idle connection's TLS.
pub(super) const TLS_BYTES: usize = 9 * 1024;
/// A user with names of usual length, and their entry in the index.
pub(super) const USER_BYTES: usize = size_of::<User>() + 192;
pub(super) const TICKET_BYTES: usize = 704;
pub(super) const REVOCATION_BYTES: usize = 320;
/// As `rooms.rooms_max` says it.
pub(super) const ROOM_BYTES: usize = 3 * 1024;
/// A question and what it asks for, without the text of a message.
pub(super) const QUESTION_BYTES: usize = 1024;
/// Buffers that all connections share, queues of the logs, tables that are empty.
const SHARED_BYTES: usize = 512 * 1024;

/// What one connection has drawn.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Drawn {
    is_session: bool,
    entry: u32,
    tls: u32,
    held: u32,
    /// Settled by what puts things into queues and takes them out.
    pub(super) queue: usize,
}

impl Drawn {
    const fn class(self) -> Class {
        match self.is_session {
            true => Class::Sessions,
            false => Class::Strangers,
        }
    }

    /// All of it.
    pub(super) const fn bytes(self) -> usize {
        self.entry as usize + self.tls as usize + self.held as usize + self.queue
    }
}

/// Frames that members of rooms hold together: each counts once, until the last has let go of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Told(Arc<AtomicUsize>);

struct Counted {
    frames: Vec<u8>,
    told: Told,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.frames
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let bytes = self.frames.capacity();
        self.told.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Told {
    pub(super) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts these frames while anybody holds them.
    pub(super) fn frames(&self, frames: Vec<u8>) -> Bytes {
        if frames.is_empty() {
            return Bytes::new();
        }
        self.0.fetch_add(frames.capacity(), Ordering::Relaxed);
        let told = self.clone();
        Bytes::from_owner(Counted { frames, told })
    }
}

/// The account of a server.
#[derive(Debug)]
pub(super) struct Stock {
    pub(super) budget: Budget,
    account: Account,
    /// Tables of fixed size.
    tables: usize,
    /// As it was when this turn began.
    pub(super) pressure: Pressure,
    next_look: Option<Instant>,
    /// The most that was drawn since free memory was last given back, and when there may be enough to do so.
    height: usize,
    fallen: Option<Instant>,
    /// When it is given back again, and how many times still.
    again: Option<Instant>,
    trims_left: u8,
}

impl Stock {
    pub(super) fn new(config: &Config) -> Self {
        let mut stock = Stock {
            budget: Budget::new(config.memory),
            account: Account::default(),
            tables: 0,
            pressure: Pressure::Calm,
            next_look: None,
            height: 0,
            fallen: None,
            again: None,
            trims_left: 0,
        };
        stock.reconfigure(config);
        stock
    }

    pub(super) fn reconfigure(&mut self, config: &Config) {
        self.budget = Budget::new(config.memory);
        self.tables = tables(config);
    }

    /// Draws what a connection costs now instead of what it cost before.
    pub(super) fn settle(&mut self, connection: &mut Connection) {
        let before = connection.drawn;
        let (is_session, entry) = entry(connection);
        let after = Drawn {
            is_session,
            entry: narrow(entry),
            tls: narrow(tls(connection)),
            held: narrow(connection.held.capacity()),
            queue: before.queue,
        };
        connection.drawn = after;
        if before.is_session == after.is_session {
            let class = after.class();
            let (before, after) = (before.entry, after.entry);
            self.account.redraw(class, before as usize, after as usize);
        } else {
            self.account
                .redraw(before.class(), before.entry as usize, 0);
            self.account.redraw(after.class(), 0, after.entry as usize);
        }
        self.account
            .redraw(Class::Tls, before.tls as usize, after.tls as usize);
        self.account
            .redraw(Class::Held, before.held as usize, after.held as usize);
    }

    /// Gives back what was drawn for a connection, but for its queue.
    pub(super) fn give_back(&mut self, drawn: Drawn) {
        self.account.redraw(drawn.class(), drawn.entry as usize, 0);
        self.account.redraw(Class::Tls, drawn.tls as usize, 0);
        self.account.redraw(Class::Held, drawn.held as usize, 0);
    }

    /// When somebody must be let go next, if nothing gets better, or free memory be given back.
    pub(super) fn next_look(&self) -> Option<Instant> {
        let looks = [self.next_look, self.fallen, self.again];
        looks.into_iter().flatten().min()
    }

    /// Whether so much is free that it is worth giving back, and what is drawn has come to rest.
    pub(super) fn has_fallen(&mut self, drawn: usize, now: Instant) -> bool {
        if self.again.is_some_and(|again| again <= now) {
            self.trims_left = self.trims_left.saturating_sub(1);
            let goes_on = self.trims_left > 0 || drawn < self.height;
            self.again = goes_on.then(|| now + TRIM_AGAIN_AFTER);
            self.height = drawn;
            return true;
        }
        self.height = self.height.max(drawn);
        if self.height - drawn < self.height / TRIMMED_SHARE {
            self.fallen = None;
            return false;
        }
        let at = *self.fallen.get_or_insert(now + TRIM_AFTER);
        if at > now {
            return false;
        }
        self.fallen = None;
        self.again = Some(now + TRIM_AGAIN_AFTER);
        self.trims_left = TRIMS_AGAIN;
        self.height = drawn;
        true
    }

    /// There are more to let go than go at a time.
    pub(super) fn look_soon(&mut self, now: Instant) {
        self.next_look = Some(now + LOOK_SOON_AFTER);
    }

    /// Takes note of how much is left; whether somebody is to be let go.
    pub(super) fn look(&mut self, drawn: usize, now: Instant) -> bool {
        self.pressure = self.budget.pressure(drawn);
        if self.pressure == Pressure::Calm {
            self.next_look = None;
            return false;
        }
        let is_time = self.next_look.is_none_or(|at| at <= now);
        if is_time {
            self.next_look = Some(now + LOOK_EVERY);
        }
        is_time
    }
}

fn narrow(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// Whether a connection is a session, and what its entry costs.
fn entry(connection: &Connection) -> (bool, usize) {
    match &connection.phase {
        Phase::Open(session) => {
            let seats = session.seats.capacity() * SEAT_BYTES;
            (true, SESSION_BYTES + seats + session.arriving as usize)
        }
        Phase::Head(head) => (false, STRANGER_BYTES + head.bytes.capacity()),
        Phase::Body(body) => {
            let body = size_of::<Body>() + body.bytes.capacity();
            (false, STRANGER_BYTES + body)
        }
        Phase::Closing { .. } => (false, STRANGER_BYTES + size_of::<WebSocket>() + 1024),
        Phase::Preamble(_) | Phase::Handshake(_) | Phase::Ending { .. } => (false, STRANGER_BYTES),
    }
}

/// What TLS costs: of a handshake also what has come of it.
fn tls(connection: &Connection) -> usize {
    match &connection.phase {
        Phase::Handshake(handshake) if handshake.bytes > 0 => TLS_BYTES + handshake.bytes,
        _ if connection.is_secure => TLS_BYTES,
        _ => 0,
    }
}

/// What has its size from the start, whoever comes.
pub(super) fn tables(config: &Config) -> usize {
    let prefixes = config.limits.prefixes_max * PrefixTable::ENTRY_BYTES;
    prefixes + 4 * config.turn.read_bytes_per_connection_max + SHARED_BYTES
}

/// Connections that there can be at once: those that may be, as far as the budget goes.
pub(super) fn connections_max(config: &Config) -> usize {
    let most = config.limits.connections_max + config.private.connections_max;
    most.min(config.memory / STRANGER_BYTES)
}

impl Engine {
    /// Connections that tables have room for from the start.
    pub fn connections_max(&self) -> usize {
        connections_max(&self.config)
    }

    /// Memory drawn, over all classes.
    pub(super) fn memory_drawn(&self) -> usize {
        Class::ALL.iter().map(|class| self.memory_of(*class)).sum()
    }

    /// Memory drawn of one class.
    pub(super) fn memory_of(&self, class: Class) -> usize {
        match class {
            Class::Tables => self.stock.tables,
            Class::Strangers | Class::Sessions | Class::Tls | Class::Held => {
                self.stock.account.of(class)
            }
            Class::Queues => self.outbound.weight() + self.fan_out.told_bytes(),
            Class::Users => {
                self.users.len() * USER_BYTES
                    + self.tickets.len() * TICKET_BYTES
                    + self.revocations.len() * REVOCATION_BYTES
                    + self.questions.remembered_bytes()
            }
            Class::Rooms => self.rooms.len() * ROOM_BYTES + self.rooms.standing_bytes(),
            Class::Asked => {
                let questions = self.questions.under_way() + self.questions.waiting();
                let questions = questions + self.works.outstanding();
                questions * QUESTION_BYTES + self.room_works.bytes()
            }
        }
    }

    /// What goes with the last connection: nothing of it may be left then.
    pub(super) fn memory_of_connections(&self) -> usize {
        [
            Class::Strangers,
            Class::Sessions,
            Class::Tls,
            Class::Held,
            Class::Queues,
            Class::Asked,
        ]
        .map(|class| self.memory_of(class))
        .iter()
        .sum()
    }

    /// Whether there is memory for something more.
    ///
    /// # Errors
    /// [`RoomRefusal::Busy`] over the hard mark.
    pub(super) fn expect_memory(&mut self) -> Result<(), RoomRefusal> {
        if self.stock.pressure < Pressure::Hard {
            return Ok(());
        }
        self.counters.limited.count_pair([MEMORY, "server"]);
        Err(RoomRefusal::Busy(super::verify::BUSY_RETRY))
    }

    /// Whether much of what was drawn is free now, and should be given back to the system. To be asked once a turn.
    pub fn has_fallen(&mut self, now: Now) -> bool {
        let drawn = self.memory_drawn();
        self.stock.has_fallen(drawn, now.instant)
    }

    /// Makes tables smaller that have grown with what is gone.
    pub fn shrink(&mut self, now: Now) {
        self.connections.shrink();
        self.users.shrink();
        self.prefixes.shrink(now.instant);
    }

    /// Keeps room in them again, once what is free has been given back.
    pub fn regrow(&mut self) {
        self.connections.regrow();
    }

    /// Bytes that may be read from one connection at a time.
    pub fn read_bytes_max(&self) -> usize {
        match self.stock.pressure {
            Pressure::Calm => usize::MAX,
            Pressure::Soft | Pressure::Hard => READ_BYTES,
        }
    }
}

/// What somebody is told whom there is no memory for.
pub(super) const fn short_of_memory() -> Refusal {
    Refusal::Full {
        limit: MEMORY,
        retry_after: super::http::FULL_RETRY,
    }
}
