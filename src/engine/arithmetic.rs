//! The arithmetic of memory: what each class would take at its limit, from the sizes that the account goes by.

use std::fmt;

use super::room_limits::SEATS;
use super::stock::{
    QUESTION_BYTES, REVOCATION_BYTES, ROOM_BYTES, SEAT_BYTES, SESSION_BYTES, STRANGER_BYTES,
    TICKET_BYTES, TLS_BYTES, USER_BYTES, tables,
};
use crate::access::hook::cache::Cache;
use crate::config::{Config, ROOMS_PER_CONNECTION_MOST};
use crate::limit::memory::{Budget, Class};
use crate::rooms::lasting::Standings;

/// An id and a name of usual length: what counts in the end is how long they are.
const ANSWER_TEXT_BYTES: usize = 32;
const STANDING_TEXT_BYTES: usize = 16;

/// Something that has a bound, at its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// What it is drawn for.
    pub class: Class,
    /// What it is called: a class can have several.
    pub label: &'static str,
    /// Bytes of one.
    pub entry: usize,
    pub count: usize,
}

impl Share {
    /// What there is one of in its class.
    fn of(class: Class, entry: usize, count: usize) -> Self {
        Share {
            class,
            label: class.label(),
            entry,
            count,
        }
    }

    /// Something else of a class.
    fn also(class: Class, label: &'static str, entry: usize, count: usize) -> Self {
        Share {
            label,
            ..Share::of(class, entry, count)
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
        let session = SESSION_BYTES + 4 * SEAT_BYTES + tls(config) + USER_BYTES;
        let mut shares = of_connections(config).to_vec();
        shares.extend(of_people(config));
        shares.extend(of_rooms(config));
        Arithmetic {
            budget,
            sessions: budget.soft().saturating_sub(tables(config)) / session,
            shares,
        }
    }
}

fn tls(config: &Config) -> usize {
    if config.tls.is_on() { TLS_BYTES } else { 0 }
}

fn of_connections(config: &Config) -> [Share; 6] {
    let limits = &config.limits;
    let connections = limits.connections_max;
    let stranger = STRANGER_BYTES + limits.head_bytes_max;
    let rooms = match limits.shadow.has(SEATS) {
        true => ROOMS_PER_CONNECTION_MOST,
        false => limits.rooms_per_connection_max,
    };
    let session = SESSION_BYTES + rooms * SEAT_BYTES;
    let held = config.turn.read_bytes_per_connection_max;
    [
        Share::of(Class::Tables, tables(config), 1),
        Share::of(Class::Strangers, stranger, limits.unauthenticated_max),
        Share::of(Class::Sessions, session, connections),
        Share::of(Class::Tls, tls(config), connections),
        Share::of(Class::Held, held, connections),
        Share::of(Class::Queues, limits.outbound_bytes_max, 1),
    ]
}

fn of_people(config: &Config) -> [Share; 4] {
    let (limits, auth) = (&config.limits, &config.auth);
    let users = limits.connections_max + limits.departed_users_max;
    let tickets = auth.ticket.tickets_max;
    let revocations = auth.revocations_max;
    let answer = ANSWER_TEXT_BYTES + Cache::KNOWN_BYTES + Cache::REFUSED_BYTES;
    let answers = match auth.hook.url {
        Some(_) => auth.hook.cache_entries_max,
        None => 0,
    };
    [
        Share::of(Class::Users, USER_BYTES, users),
        Share::also(Class::Users, "tickets", TICKET_BYTES, tickets),
        Share::also(Class::Users, "revocations", REVOCATION_BYTES, revocations),
        Share::also(Class::Users, "hook cache", answer, answers),
    ]
}

fn of_rooms(config: &Config) -> [Share; 3] {
    let rooms = &config.rooms;
    let standing = STANDING_TEXT_BYTES + Standings::ENTRY_BYTES;
    let people = rooms.rooms_max.saturating_mul(rooms.people_max);
    let question = QUESTION_BYTES + config.limits.message_bytes_max;
    [
        Share::of(Class::Rooms, ROOM_BYTES, rooms.rooms_max),
        Share::also(Class::Rooms, "standings", standing, people),
        Share::of(Class::Asked, question, rooms.pending_max),
    ]
}

impl fmt::Display for Arithmetic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<[String; 4]> = self.shares.iter().map(line).collect();
        let width = |at: usize| {
            let widths = lines.iter().filter_map(|line| line.get(at));
            widths.map(String::len).max().unwrap_or_default()
        };
        let widths = [width(0), width(1), width(2), width(3)];
        for [label, entry, count, total] in &lines {
            let [labels, entries, counts, totals] = widths;
            writeln!(
                f,
                "{label:<labels$} {entry:>entries$} B x {count:>counts$} = {total:>totals$} MiB"
            )?;
        }
        let totals = self.shares.iter().map(Share::total);
        let all = totals.fold(0, usize::saturating_add);
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

/// The columns of a line.
fn line(share: &Share) -> [String; 4] {
    [
        share.label.to_owned(),
        share.entry.to_string(),
        share.count.to_string(),
        mebibytes(share.total()),
    ]
}

/// With one decimal.
fn mebibytes(bytes: usize) -> String {
    let tenths = bytes.saturating_mul(10) / (1024 * 1024);
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_a_label_of_its_own_and_columns_stand_below_each_other() {
        let mut config = Config::default();
        config.auth.hook.url = Some("http://127.0.0.1:9000/".to_owned());
        config.rooms.rooms_max = 100_000;
        config.rooms.people_max = 100_000;
        let arithmetic = Arithmetic::of(&config);
        for (at, share) in arithmetic.shares.iter().enumerate() {
            let others = &arithmetic.shares[at + 1..];
            assert!(others.iter().all(|other| other.label != share.label));
        }
        let text = arithmetic.to_string();
        let lines = || text.lines().take(arithmetic.shares.len());
        for sign in [" B x ", " = ", " MiB"] {
            let first = lines().next().and_then(|line| line.find(sign));
            assert!(first.is_some(), "{text}");
            for line in lines() {
                assert_eq!(line.find(sign), first, "{line}");
            }
        }
        for label in ["users", "tickets", "revocations", "hook cache", "standings"] {
            let line = lines().find(|line| line.starts_with(&format!("{label} ")));
            let line = line.unwrap_or_else(|| panic!("no {label} in {text}"));
            assert!(!line.contains(" 0 "), "{line}");
        }
    }

    #[test]
    fn a_server_without_a_hook_remembers_no_answers() {
        let shares = Arithmetic::of(&Config::default()).shares;
        let cache = shares.iter().find(|share| share.label == "hook cache");
        assert_eq!(cache.map(Share::total), Some(0));
    }
}
