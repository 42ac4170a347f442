//! What the engine holds, counted for tests and for whoever wants to know that nothing is left.

use super::Engine;
use crate::rooms::lasting::Standings;

/// What the engine holds, counted the slow way: all zero when everybody has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Census {
    /// Connections of any phase.
    pub connections: usize,
    /// Those of them that are not open WebSocket sessions.
    pub plain_connections: usize,
    /// Those of them that wait where another may take their place.
    pub waiting: usize,
    /// Those that came through the private door, and count nowhere else.
    pub private_connections: usize,
    /// Open sessions, as counted by user.
    pub user_connections: usize,
    /// Plain and open connections, as counted by address prefix.
    pub prefix_connections: (u64, u64),
    /// Seats in rooms.
    pub seats: usize,
    /// Entries in the table of deadlines.
    pub deadlines: usize,
    /// Connections for which something may wait of a room in which they do not sit.
    pub outsiders: usize,
    /// Bytes waiting to be written.
    pub outbound_bytes: usize,
    /// Questions to other threads without an answer.
    pub pending_answers: usize,
    /// Those of them that are pages for somebody to read.
    pub pages: usize,
    /// People whose going is not told yet.
    pub away: usize,
    /// Changes of rooms on their way or waiting.
    pub changes: usize,
    /// Questions to the authentication hook without an answer.
    pub hook_questions: usize,
    /// Memory drawn for connections, for what waits for them, and for questions.
    pub memory: usize,
}

impl Engine {
    /// Counts everything, the slow way.
    pub fn census(&self) -> Census {
        let standings = self.rooms.iter().map(|room| &room.lasting.standings);
        debug_assert_eq!(
            self.rooms.standing_bytes(),
            standings.map(Standings::bytes_counted).sum::<usize>(),
            "standings have come or gone without the account"
        );
        debug_assert!(
            self.knows_outsiders(),
            "something waits for somebody of a room in which they do not sit, and nobody knows"
        );
        Census {
            connections: self.connections.len(),
            plain_connections: self.plain_connections,
            waiting: self.waiting.len(),
            private_connections: self.private.connections,
            user_connections: self.users.connections(),
            prefix_connections: self.prefixes.connections(),
            seats: self.rooms.seats(),
            deadlines: self.deadlines.len(),
            outsiders: self.outsiders.len(),
            outbound_bytes: self.outbound.bytes(),
            pending_answers: self.works.outstanding(),
            pages: self.room_works.readers().count_pages(),
            away: self.presence.away(),
            changes: self.lanes.len(),
            hook_questions: self.questions.under_way() + self.questions.waiting(),
            memory: self.memory_of_connections(),
        }
    }
}
