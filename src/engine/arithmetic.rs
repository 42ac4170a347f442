//! The arithmetic of memory: what each class would take at its limit, from the sizes that the account goes by.

use std::fmt;

use super::stock::{
    QUESTION_BYTES, ROOM_BYTES, SEAT_BYTES, SESSION_BYTES, STRANGER_BYTES, TICKET_BYTES, TLS_BYTES,
    USER_BYTES, tables,
};
use crate::config::Config;
use crate::limit::memory::{Budget, Class};

/// One class at its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    pub class: Class,
    /// Bytes of one.
    pub entry: usize,
    pub count: usize,
}

impl Share {
    fn of(class: Class, entry: usize, count: usize) -> Self {
        Share {
            class,
            entry,
            count,
        }
    }

    /// Bytes of all.
    pub const fn total(&self) -> usize {
        self.entry.saturating_mul(self.count)
    }
}

/// What everything would take at its limit, against the budget.
#[derive(Debug, Clone)]
pub struct Arithmetic {
    budget: Budget,
    pub shares: Vec<Share>,
    /// Sessions that are in one room, and say nothing, that fit below the soft mark.
    pub sessions: usize,
}

impl Arithmetic {
    /// The arithmetic of a configuration.
    pub fn of(config: &Config) -> Self {
        let budget = Budget::new(config.memory);
        let (limits, rooms) = (&config.limits, &config.rooms);
        let connections = limits.connections_max;
        let tls = if config.tls.is_on() { TLS_BYTES } else { 0 };
        let seats = limits.rooms_per_connection_max * SEAT_BYTES;
        let session = SESSION_BYTES + 4 * SEAT_BYTES + tls + USER_BYTES;
        let shares = vec![
            Share::of(Class::Tables, tables(config), 1),
            Share::of(
                Class::Strangers,
                STRANGER_BYTES + limits.head_bytes_max,
                limits.unauthenticated_max,
            ),
            Share::of(Class::Sessions, SESSION_BYTES + seats, connections),
            Share::of(Class::Tls, tls, connections),
            Share::of(
                Class::Held,
                config.turn.read_bytes_per_connection_max,
                connections,
            ),
            Share::of(Class::Queues, limits.outbound_bytes_max, 1),
            Share::of(
                Class::Users,
                USER_BYTES,
                connections + limits.departed_users_max,
            ),
            Share::of(Class::Users, TICKET_BYTES, config.auth.ticket.tickets_max),
            Share::of(Class::Rooms, ROOM_BYTES, rooms.rooms_max),
            Share::of(
                Class::Asked,
                QUESTION_BYTES + limits.message_bytes_max,
                rooms.pending_max,
            ),
        ];
        Arithmetic {
            budget,
            sessions: budget.soft().saturating_sub(tables(config)) / session,
            shares,
        }
    }
}

impl fmt::Display for Arithmetic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for share in &self.shares {
            let class = share.class.label();
            let (entry, count) = (share.entry, share.count);
            let total = mebibytes(share.total());
            writeln!(f, "{class:<15} {entry:>9} B x {count:>7} = {total:>7} MiB")?;
        }
        let all: usize = self.shares.iter().map(Share::total).sum();
        writeln!(
            f,
            "all at once {} MiB; held to {} MiB: from {} on somebody goes, from {} on more is refused",
            mebibytes(all),
            mebibytes(self.budget.bytes()),
            mebibytes(self.budget.soft()),
            mebibytes(self.budget.hard())
        )?;
        write!(
            f,
            "{} idle sessions fit before somebody goes",
            self.sessions
        )
    }
}

/// With one decimal.
fn mebibytes(bytes: usize) -> String {
    let tenths = bytes.saturating_mul(10) / (1024 * 1024);
    format!("{}.{}", tenths / 10, tenths % 10)
}
