//! Bytes on their way out, over all connections: what is asked of the reactor, and the bounds on what waits.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use super::behind::Lag;
use super::connection::Connection;
use super::effect::Effect;
use super::held::Share;
use crate::config::{Config, Deadlines, Limits};
use crate::id::{ConnectionId, RoomKey};
use crate::protocol::close::CloseReason;
use crate::protocol::outbox::{Outbox, Purged};
use crate::time::Instant;

/// Of what may wait for one connection: whoever is further behind goes without what is of use for a moment only.
const PRESSED_SHARE: usize = 4;

/// Whether something was queued for a connection that its socket was not offered yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WriteAsked {
    /// Nothing was, and what waits is what the socket did not take.
    No,
    /// By a room that it hears, whose pass comes to it ([`super::passes`]).
    InRoom,
    /// By an [`Effect::Write`] of its own.
    Alone,
}

/// The effects of a turn and the bytes behind them.
#[derive(Debug)]
pub(super) struct Outbound {
    /// For those who have signed in, and for all others: neither waits behind the other.
    of_people: VecDeque<Effect>,
    of_strangers: VecDeque<Effect>,
    bytes: usize,
    /// The memory behind them, without what several connections hold together.
    weight: usize,
    /// Connections that bytes wait for.
    waiting: usize,
    bytes_max: usize,
    bytes_per_connection_max: usize,
    /// `deadlines.unread`; zero: none.
    unread: Duration,
    /// When the present turn began.
    now: Instant,
    /// Connections that bytes wait for and that nobody looks at in time.
    unwatched: Vec<ConnectionId>,
    /// Connections to close once the present iteration is over, why, and what waited for each when that was decided.
    doomed: VecDeque<(ConnectionId, CloseReason, usize)>,
    /// The sum of that: nobody has to go for what goes already.
    bytes_of_doomed: usize,
}

impl Outbound {
    pub(super) fn new(config: &Config) -> Self {
        let limits = &config.limits;
        Outbound {
            of_people: VecDeque::new(),
            of_strangers: VecDeque::new(),
            bytes: 0,
            weight: 0,
            waiting: 0,
            bytes_max: limits.outbound_bytes_max,
            bytes_per_connection_max: limits.outbound_bytes_per_connection_max,
            unread: config.deadlines.unread,
            now: Instant::ZERO,
            unwatched: Vec::new(),
            doomed: VecDeque::new(),
            bytes_of_doomed: 0,
        }
    }

    /// Other bounds. Who is above one is judged when more is queued for them, as ever.
    pub(super) fn reconfigure(&mut self, limits: &Limits, deadlines: &Deadlines) {
        self.bytes_max = limits.outbound_bytes_max;
        self.bytes_per_connection_max = limits.outbound_bytes_per_connection_max;
        self.unread = deadlines.unread;
    }

    /// A turn begins.
    pub(super) fn turn(&mut self, now: Instant) {
        self.now = now;
    }

    /// When the present turn began.
    pub(super) fn now(&self) -> Instant {
        self.now
    }

    /// Bytes waiting, over all connections.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The memory behind them, without what several connections hold together.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// Connections that bytes wait for.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Connections to be closed.
    pub(super) fn doomed(&self) -> usize {
        self.doomed.len()
    }

    fn ask_of(&mut self, share: Share, effect: Effect) {
        match share {
            Share::People => self.of_people.push_back(effect),
            Share::Strangers => self.of_strangers.push_back(effect),
        }
    }

    /// Asks for reading to go on.
    pub(super) fn ask_to_read(&mut self, id: ConnectionId) {
        self.ask_of(Share::People, Effect::Read(id));
    }

    /// Asks for a part of a connection's end: however many end at once, whoever stays does not wait for them.
    pub(super) fn ask_to_part(&mut self, effect: Effect) {
        self.ask_of(Share::Strangers, effect);
    }

    pub(super) fn next_effect(&mut self, share: Share) -> Option<Effect> {
        match share {
            Share::People => self.of_people.pop_front(),
            Share::Strangers => self.of_strangers.pop_front(),
        }
    }

    pub(super) fn has_effects(&self, share: Share) -> bool {
        match share {
            Share::People => !self.of_people.is_empty(),
            Share::Strangers => !self.of_strangers.is_empty(),
        }
    }

    pub(super) fn has_doomed(&self) -> bool {
        !self.doomed.is_empty()
    }

    pub(super) fn next_doomed(&mut self) -> Option<(ConnectionId, CloseReason)> {
        let (id, reason, bytes) = self.doomed.pop_front()?;
        self.bytes_of_doomed -= bytes;
        Some((id, reason))
    }

    /// Bytes that wait for those who stay.
    fn bytes_of_others(&self) -> usize {
        self.bytes.saturating_sub(self.bytes_of_doomed)
    }

    /// Queues a frame that others may hold too for an open connection.
    pub(super) fn push_shared(&mut self, connection: &mut Connection, frame: &Bytes) {
        self.write(connection, |outbox| outbox.push_shared(frame.clone()));
    }

    /// The same for frames of one room, which leaving it takes back.
    pub(super) fn push_of_room(
        &mut self,
        connection: &mut Connection,
        frames: &Bytes,
        room: RoomKey,
    ) {
        self.write(connection, |outbox| {
            outbox.push_of_room(frames.clone(), room)
        });
    }

    /// The same for the reply to a request, which is answered with `instead` when it is taken back.
    pub(super) fn push_reply(
        &mut self,
        connection: &mut Connection,
        frames: &Bytes,
        room: RoomKey,
        instead: Bytes,
    ) {
        self.write(connection, |outbox| {
            outbox.push_reply(frames.clone(), room, instead);
        });
    }

    /// Takes back what waits for a connection of one room.
    pub(super) fn purge_room(&mut self, connection: &mut Connection, room: RoomKey) {
        let first = connection.first_bytes();
        let mut instead = Vec::new();
        let purged = connection.outbox.purge_room(room, first, &mut instead);
        self.taken_back(connection, purged);
        if connection.can_tell() {
            for frame in &instead {
                self.push_shared(connection, frame);
            }
        }
    }

    /// Whether so much waits for a connection that it goes without what is of use for a moment only.
    pub(super) fn is_pressed(&self, connection: &Connection) -> bool {
        connection.waiting() > self.bytes_per_connection_max / PRESSED_SHARE
    }

    /// Whether one that was pressed has caught up.
    pub(super) fn is_relieved(&self, connection: &Connection) -> bool {
        connection.waiting() <= self.bytes_per_connection_max / PRESSED_SHARE / 2
    }

    /// Lets `write` queue bytes for a connection. One that was offered too many and did not take them is closed before
    /// the turn ends.
    pub(super) fn write(&mut self, connection: &mut Connection, write: impl FnOnce(&mut Outbox)) {
        let before = connection.waiting();
        write(&mut connection.outbox);
        self.grown(connection, before);
    }

    /// The same for what everybody in a room is told; a pass of the room is to come.
    pub(super) fn write_in_room(
        &mut self,
        connection: &mut Connection,
        write: impl FnOnce(&mut Outbox),
    ) {
        let before = connection.waiting();
        write(&mut connection.outbox);
        self.grown_as(connection, before, WriteAsked::InRoom);
    }

    /// Takes note that a connection's outbox had `before` bytes and may have more now.
    pub(super) fn grown(&mut self, connection: &mut Connection, before: usize) {
        self.grown_as(connection, before, WriteAsked::Alone);
    }

    /// Asks for a write of its own for one whom no pass of a room will come to.
    pub(super) fn write_alone(&mut self, connection: &mut Connection) {
        if connection.write_asked == WriteAsked::InRoom {
            connection.write_asked = WriteAsked::Alone;
            self.ask_of(connection.share(), Effect::Write(connection.id));
        }
    }

    fn grown_as(&mut self, connection: &mut Connection, before: usize, how: WriteAsked) {
        let waiting = connection.waiting();
        if waiting == before {
            return;
        }
        // What a turn itself has queued was not offered to the socket yet, and says nothing about the reader.
        let was_left = before > 0 && connection.write_asked == WriteAsked::No;
        self.bytes += waiting - before;
        self.weigh(connection);
        if before == 0 {
            self.waiting += 1;
            self.begin_lag(connection, waiting);
        }
        match (connection.write_asked, how) {
            (WriteAsked::Alone, _) => {}
            (_, WriteAsked::Alone) => {
                connection.write_asked = WriteAsked::Alone;
                self.ask_of(connection.share(), Effect::Write(connection.id));
            }
            _ => connection.write_asked = WriteAsked::InRoom,
        }
        if was_left && connection.doomed.is_none() && connection.can_tell() {
            if before > self.bytes_per_connection_max {
                self.doom(connection, CloseReason::ReadingTooSlowly);
            } else if self.bytes_of_others() > self.bytes_max
                && before > self.bytes_max / self.waiting.max(1)
            {
                // Who left more than an equal share lying goes.
                self.doom(connection, CloseReason::Overloaded);
            }
        }
    }

    /// Something waits for a connection that nothing waited for.
    fn begin_lag(&mut self, connection: &mut Connection, waiting: usize) {
        connection.lag = Lag::new(waiting, self.now);
        let late = self.now + self.unread;
        if !self.unread.is_zero() && connection.armed.is_some_and(|armed| armed > late) {
            self.unwatched.push(connection.id);
        }
    }

    /// The next connection that must be looked at earlier than it would be.
    pub(super) fn next_unwatched(&mut self) -> Option<ConnectionId> {
        self.unwatched.pop()
    }

    /// Takes note that what waits for a connection has changed in the sealing, from `before` bytes.
    pub(super) fn changed(&mut self, connection: &mut Connection, before: usize) {
        let after = connection.waiting();
        self.weigh(connection);
        connection.lag.changed(before, after, self.now);
        self.bytes = self.bytes.saturating_sub(before) + after;
        match (before, after) {
            (0, 1..) => self.waiting += 1,
            (1.., 0) => self.waiting = self.waiting.saturating_sub(1),
            _ => {}
        }
    }

    /// Closes a connection once the present iteration is over.
    fn doom(&mut self, connection: &mut Connection, reason: CloseReason) {
        let waiting = connection.waiting();
        connection.doomed = Some(reason);
        self.bytes_of_doomed += waiting;
        self.doomed.push_back((connection.id, reason, waiting));
    }

    /// Takes note that bytes of one connection have left, or will never leave.
    pub(super) fn shrunk(&mut self, connection: &mut Connection, bytes: usize) {
        let left = connection.waiting();
        self.weigh(connection);
        connection.lag.changed(left + bytes, left, self.now);
        self.gone(bytes, left);
    }

    /// Takes note that bytes of one connection were taken back, and are not read.
    pub(super) fn taken_back(&mut self, connection: &mut Connection, purged: Purged) {
        let left = connection.waiting();
        self.weigh(connection);
        let lag = &mut connection.lag;
        lag.taken_back(purged.of_first, left, self.now);
        self.gone(purged.bytes, left);
    }

    /// Draws what waits for a connection, instead of what waited before.
    fn weigh(&mut self, connection: &mut Connection) {
        let weight = connection.outbox.weight() + connection.sealed;
        let before = std::mem::replace(&mut connection.drawn.queue, weight);
        self.weight = (self.weight + weight).saturating_sub(before);
    }

    /// A connection is none any more.
    pub(super) fn gone_with(&mut self, connection: &Connection) {
        self.weight = self.weight.saturating_sub(connection.drawn.queue);
        self.gone(connection.waiting(), 0);
    }

    /// Bytes of a connection have left, or will never leave, and `left` bytes wait.
    fn gone(&mut self, bytes: usize, left: usize) {
        debug_assert!(bytes <= self.bytes, "more bytes left than ever waited");
        self.bytes = self.bytes.saturating_sub(bytes);
        if bytes > 0 && left == 0 {
            self.waiting = self.waiting.saturating_sub(1);
        }
    }
}
