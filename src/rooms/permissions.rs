//! Who may do what in a room: asked here and nowhere else.
//!
//! The first of these that has something to say decides (documented in `docs/rooms.md`):
//!
//! 1. a ban in force: nothing at all, as if there were no room;
//! 2. for [`Capability::Send`]: a mute in force, an archived room, a locked one (but for moderators): no;
//! 3. what the credential says of this room: yes to what it lists;
//! 4. the affiliation: yes to what it brings;
//! 5. an invitation: yes to see and join;
//! 6. a credential that names the room but does not list it: no;
//! 7. the room's kind and join rule.

use super::lasting::Lasting;
use crate::protocol::vocabulary::{Affiliation, Capability, RoomClaims};
use crate::time::Wall;

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    pub user: &'a str,
    /// What their credential says about rooms.
    pub claims: Option<&'a RoomClaims>,
}

/// Why something is allowed or not; its word is told by `explain` and stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Banned,
    Muted,
    Archived,
    Locked,
    /// The credential lists it.
    Claimed,
    /// The credential names the room and does not list it.
    NotClaimed,
    /// This affiliation brings it.
    Affiliated(Affiliation),
    Invited,
    /// The room's kind and join rule allow it, or do not.
    Default,
    /// It would, but joins are knocks for a time.
    Raid,
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    pub is_allowed: bool,
    pub reason: Reason,
}

/// Whether `asker` may do this in the room called `room`, and why.
pub fn decide(
    room: &str,
    lasting: &Lasting,
    asker: Asker<'_>,
    capability: Capability,
    now: Wall,
) -> Decision {
    let _ = (room, lasting, asker, capability, now);
    Decision {
        is_allowed: false,
        reason: Reason::Default,
    }
}
