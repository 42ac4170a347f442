//! `[rooms]`: which rooms there are, who may make more, and the ceilings on what they keep.

use std::time::Duration;

use super::Rate;
use super::form::Choice;

/// `[rooms]`
#[derive(Debug, Clone)]
pub struct RoomSettings {
    /// Joined by everybody on connect.
    pub lobby: String,
    /// Further rooms that exist; never the lobby again.
    pub public: Vec<String>,
    /// Those of the lobby and `public` whose messages are kept.
    pub durable: Vec<String>,
    /// Words of the operator to everybody who connects.
    pub welcome: Option<String>,
    pub create: WhoCreates,
    /// Rooms in all.
    pub rooms_max: usize,
    /// Rooms that one user has made and that still exist.
    pub created_per_user_max: usize,
    /// People with a standing in one room.
    pub people_max: usize,
    /// Messages kept of one room.
    pub retention_messages_max: usize,
    /// How long messages are kept; zero: without end.
    pub retention_max: Duration,
    /// Messages or entries told in one page.
    pub page_entries_max: usize,
    /// Bytes of texts told in one page.
    pub page_bytes_max: usize,
    /// Messages, changes and pages that wait for the store.
    pub pending_max: usize,
    /// Pages of history or of a log that one user waits for.
    pub pages_per_user_max: usize,
    /// Changes of one room that wait for the one before: of those who moderate it, and as many of all others.
    pub changes_waiting_max: usize,
    /// Those of one person who does not moderate it, and anybody's edits.
    pub own_changes_waiting_max: usize,
    /// Knocks of one user at one room.
    pub knocks_per_user: Rate,
    /// People present up to whom each coming and going is told by name.
    pub announced_people_max: usize,
    /// Who is back within this time has not been away.
    pub return_time_max: Duration,
}

impl Default for RoomSettings {
    fn default() -> Self {
        RoomSettings {
            lobby: "lobby".to_owned(),
            public: vec!["general".to_owned(), "random".to_owned()],
            durable: Vec::new(),
            welcome: None,
            create: WhoCreates::Everybody,
            rooms_max: 10_000,
            created_per_user_max: 20,
            people_max: 10_000,
            retention_messages_max: 100_000,
            retention_max: Duration::ZERO,
            page_entries_max: 100,
            // A quarter of what may wait for one connection: a page never makes a reader too slow by itself.
            page_bytes_max: 64 * 1024,
            // Half of the store's queue: people signing in find a place beside a flood of messages.
            pending_max: 512,
            // Whoever reads asks for the next page when the one before is there, in a window or two.
            pages_per_user_max: 4,
            changes_waiting_max: 16,
            own_changes_waiting_max: 4,
            // Each is a line of the log for good, and a notice to every moderator.
            knocks_per_user: Rate::new(3, Duration::from_secs(10 * 60)),
            announced_people_max: 200,
            return_time_max: Duration::from_secs(5),
        }
    }
}

impl RoomSettings {
    /// Pages of history and logs that may wait for the store: they leave as much for messages, changes and those who come in.
    pub fn pages_read_max(&self) -> usize {
        (self.pending_max / 2).max(1)
    }

    /// The same with those that people come in with: a quarter is left for messages and changes.
    pub fn pages_max(&self) -> usize {
        self.pending_max - self.pending_max / 4
    }

    /// Whether the messages of this room of the configuration are kept.
    pub fn is_durable(&self, name: &str) -> bool {
        self.durable.iter().any(|durable| durable == name)
    }
}

/// `rooms.create`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhoCreates {
    #[default]
    Everybody,
    /// Those whose credential says `create` for the room's id.
    Token,
    Nobody,
}

impl Choice for WhoCreates {
    fn words(&self) -> &'static [&'static str] {
        &["everybody", "token", "nobody"]
    }

    fn word(&self) -> &'static str {
        match self {
            WhoCreates::Everybody => "everybody",
            WhoCreates::Token => "token",
            WhoCreates::Nobody => "nobody",
        }
    }

    fn choose(&mut self, word: &str) -> Option<()> {
        *self = match word {
            "everybody" => WhoCreates::Everybody,
            "token" => WhoCreates::Token,
            "nobody" => WhoCreates::Nobody,
            _ => return None,
        };
        Some(())
    }
}
