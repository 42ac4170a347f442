//! What stays of a room when everybody has gone.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::record::{Head, RoomRecord};
use super::settings::Settings;
use super::standing::Standing;
use crate::protocol::vocabulary::Affiliation;
use crate::time::Wall;

/// A room's lasting state: **always what the store has acknowledged**, never ahead of it.
#[derive(Debug, Clone)]
pub struct Lasting {
    pub settings: Settings,
    /// Who made it; empty: the operator.
    pub created_by: Arc<str>,
    pub created: Wall,
    /// Everybody whose standing says something.
    pub standings: BTreeMap<Arc<str>, Standing>,
    /// The end of its moderation log.
    pub audit: Head,
    /// The oldest message kept; beyond the latest when none is.
    pub first_seq: u64,
    /// When that one was said, if that is known.
    pub oldest: Option<Wall>,
}

impl Lasting {
    /// What the store knows of a room; the number of its latest message is the room's own.
    pub fn of(record: &RoomRecord) -> Lasting {
        Lasting {
            settings: record.settings.clone(),
            created_by: Arc::clone(&record.created_by),
            created: record.created,
            standings: record.standings.iter().cloned().collect(),
            audit: record.audit,
            first_seq: record.first_seq,
            oldest: None,
        }
    }

    /// A room of the configuration that the store knows nothing of.
    pub fn configured(settings: Settings) -> Lasting {
        Lasting {
            settings,
            created_by: "".into(),
            created: Wall::default(),
            standings: BTreeMap::new(),
            audit: Head::default(),
            first_seq: 1,
            oldest: None,
        }
    }

    /// The affiliation of this user at `now`.
    pub fn affiliation(&self, user: &str, now: Wall) -> Affiliation {
        let standing = self.standings.get(user);
        standing.map_or(Affiliation::None, |standing| standing.affiliation(now))
    }

    /// How this user stands to the room.
    pub fn standing(&self, user: &str) -> Standing {
        self.standings.get(user).cloned().unwrap_or_default()
    }
}
