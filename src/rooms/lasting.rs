//! What stays of a room when everybody has gone.

use std::collections::BTreeMap;
use std::mem::size_of;
use std::ops::Deref;
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
    pub standings: Standings,
    /// The end of its moderation log.
    pub audit: Head,
    /// The oldest message kept; beyond the latest when none is.
    pub first_seq: u64,
    /// When that one was said, if that is known.
    pub oldest: Option<Wall>,
}

/// Standings by user. **Changed by its own functions alone**, which count the places that are somebody's, and what all of it takes. Those of a
/// room that there is are changed by [`super::Rooms::stand`], which counts on.
#[derive(Debug, Clone, Default)]
pub struct Standings {
    people: BTreeMap<Arc<str>, Standing>,
    places: usize,
    bytes: usize,
}

impl Standings {
    /// What one takes, without texts, when people came in the order of their ids: every node of the table is half full then.
    pub const ENTRY_BYTES: usize = 2 * size_of::<(Arc<str>, Standing)>() + 48;

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The same, counted the slow way.
    pub fn bytes_counted(&self) -> usize {
        let people = self.people.iter();
        people.map(|(user, found)| weight(user, found)).sum()
    }

    /// Has somebody stand so from now on; a standing that says nothing is forgotten.
    pub(super) fn set(&mut self, user: &Arc<str>, standing: Standing, now: Wall) {
        let known = self.people.get(user);
        self.places -= usize::from(known.is_some_and(Standing::has_place));
        self.places += usize::from(standing.has_place());
        self.bytes -= known.map_or(0, |known| weight(user, known));
        if standing.is_blank(now) {
            self.people.remove(user);
        } else {
            self.bytes += weight(user, &standing);
            self.people.insert(Arc::clone(user), standing);
        }
    }

    /// Notes that somebody has read up to a message.
    pub(super) fn read(&mut self, user: &Arc<str>, seq: u64) {
        let standing = self.people.entry(Arc::clone(user)).or_insert_with(|| {
            let standing = Standing::default();
            self.bytes += weight(user, &standing);
            standing
        });
        standing.read = standing.read.max(seq);
    }

    /// People who have a place of their own.
    pub fn places(&self) -> usize {
        self.places
    }
}

fn weight(user: &str, standing: &Standing) -> usize {
    Standings::ENTRY_BYTES + standing.text_bytes(user)
}

impl Deref for Standings {
    type Target = BTreeMap<Arc<str>, Standing>;

    fn deref(&self) -> &Self::Target {
        &self.people
    }
}

impl FromIterator<(Arc<str>, Standing)> for Standings {
    fn from_iter<T: IntoIterator<Item = (Arc<str>, Standing)>>(standings: T) -> Self {
        let people: BTreeMap<Arc<str>, Standing> = standings.into_iter().collect();
        let places = people.values().filter(|found| found.has_place()).count();
        let bytes = people.iter().map(|(user, found)| weight(user, found)).sum();
        Standings {
            people,
            places,
            bytes,
        }
    }
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
            standings: Standings::default(),
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
