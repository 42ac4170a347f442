//! Pages under way, by who waits for them: nobody's reading takes the places of others', and all reading leaves places for what is said.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Engine;
use super::pages::Wanted;
use super::room_work::{Asked, Requester};

/// Too much of rooms waits for the store.
const PENDING: [&str; 2] = ["pending_max", "server"];
/// Too much of that is one user's reading.
const PAGES: [&str; 2] = ["pages_per_user_max", "user"];

/// Whose page it is. By the user's id: whoever goes and comes back while the store still reads for them has not begun anew.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reader {
    user: Arc<str>,
    /// They come in with it: a client comes back to all of its rooms at once. Whoever is there already reads, and whoever asks again before they are.
    is_coming_in: bool,
}

impl Reader {
    pub(super) fn is(&self, user: &str) -> bool {
        *self.user == *user
    }
}

/// Pages without an answer.
#[derive(Debug, Default)]
pub(super) struct Readers {
    waiting: BTreeMap<Reader, usize>,
    pages: usize,
}

impl Readers {
    /// Pages of everybody.
    pub(super) fn pages(&self) -> usize {
        self.pages
    }

    /// The same, the slow way.
    pub(super) fn count_pages(&self) -> usize {
        self.waiting.values().sum()
    }

    fn pages_of(&self, reader: &Reader) -> usize {
        self.waiting.get(reader).copied().unwrap_or_default()
    }

    pub(super) fn begin(&mut self, reader: Reader) {
        *self.waiting.entry(reader).or_default() += 1;
        self.pages += 1;
    }

    pub(super) fn end(&mut self, reader: &Reader) {
        let Some(waiting) = self.waiting.get_mut(reader) else {
            debug_assert!(false, "a page is there that nobody waited for");
            return;
        };
        self.pages -= 1;
        *waiting -= 1;
        if *waiting == 0 {
            self.waiting.remove(reader);
        }
    }
}

impl Engine {
    /// Who is to be told a page; `None`: it is none, or a call of the private door, where each waits for one and calls have a bound of their own.
    pub(super) fn reader(&self, requester: &Requester, asked: &Asked) -> Option<Reader> {
        let (Requester::Session(id, _), Asked::Page(wanted)) = (requester, asked) else {
            return None;
        };
        let user = self.connections.get(*id)?.user()?;
        let is_there = || {
            let room = self.rooms.find(wanted.room());
            // In the lobby is whoever has just come back.
            room.is_some_and(|room| room != self.rooms.lobby() && self.is_seated(*id, room))
        };
        Some(Reader {
            user: Arc::clone(&self.users.get(user)?.id),
            is_coming_in: matches!(wanted, Wanted::Missed { .. })
                && !is_there()
                && !self.room_works.is_coming_in(*id, wanted.room()),
        })
    }

    /// The limit that keeps the store from being asked one thing more: for `reader`, if it is a page.
    pub(super) fn full(&self, reader: Option<&Reader>) -> Option<[&'static str; 2]> {
        let (rooms, limits) = (&self.config.rooms, &self.config.limits);
        let works = &self.room_works;
        if works.len() >= rooms.pending_max {
            return Some(PENDING);
        }
        let reader = reader?;
        let (own_max, pages_max) = if reader.is_coming_in {
            let connections_max = limits.connections_per_user;
            let rooms_max = limits.rooms_per_connection_max;
            (rooms_max.saturating_mul(connections_max), rooms.pages_max())
        } else {
            (rooms.pages_per_user_max, rooms.pages_read_max())
        };
        let readers = works.readers();
        if readers.pages_of(reader) >= own_max {
            return Some(PAGES);
        }
        (readers.pages() >= pages_max).then_some(PENDING)
    }
}
