//! Who may do what in a room: asked here and nowhere else.
//!
//! The first of these that has something to say decides (documented in `docs/rooms.md`):
//!
//! 1. a ban in force: nothing at all, as if there were no room;
//! 2. for [`Capability::Send`]: a mute in force, an archived room, a locked one (but for moderators): no;
//! 3. what the credential says of this room: yes to what it lists, and with it to see;
//! 4. the affiliation: yes to what it brings;
//! 5. an invitation: yes to see and join;
//! 6. a credential that names the room but does not list it: no;
//! 7. the room's kind and join rule.

use super::lasting::Lasting;
use crate::protocol::refusal::RoomRefusal;
use crate::protocol::vocabulary::{
    Affiliation, Capabilities, Capability, JoinRule, RoomClaims, RoomKind,
};
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

impl Reason {
    /// One word, the same for ever.
    pub const fn word(self) -> &'static str {
        match self {
            Reason::Banned => "banned",
            Reason::Muted => "muted",
            Reason::Archived => "archived",
            Reason::Locked => "locked",
            Reason::Claimed => "claimed",
            Reason::NotClaimed => "not_claimed",
            Reason::Affiliated(affiliation) => affiliation.word(),
            Reason::Invited => "invited",
            Reason::Default => "default",
            Reason::Raid => "raid",
        }
    }
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// What was asked for.
    pub capability: Capability,
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
    let (is_allowed, reason) = answer(room, lasting, asker, capability, now);
    Decision {
        capability,
        is_allowed,
        reason,
    }
}

const fn yes(reason: Reason) -> (bool, Reason) {
    (true, reason)
}

const fn no(reason: Reason) -> (bool, Reason) {
    (false, reason)
}

fn answer(
    room: &str,
    lasting: &Lasting,
    asker: Asker<'_>,
    capability: Capability,
    now: Wall,
) -> (bool, Reason) {
    let standing = lasting.standings.get(asker.user);
    let affiliation = standing.map_or(Affiliation::None, |standing| standing.affiliation(now));
    if affiliation == Affiliation::Banned {
        return no(Reason::Banned);
    }
    let claimed = asker.claims.and_then(|claims| claims.about(room));
    let moderates = brings(affiliation).contains(Capability::Moderate)
        || claimed.is_some_and(|claimed| claimed.contains(Capability::Moderate));
    if capability == Capability::Send {
        let settings = &lasting.settings;
        if standing.is_some_and(|standing| standing.mute(now).is_some()) {
            return no(Reason::Muted);
        }
        if settings.is_archived {
            return no(Reason::Archived);
        }
        if settings.is_locked && !moderates {
            return no(Reason::Locked);
        }
    }
    if claimed.is_some_and(|claimed| lists(claimed, capability)) {
        return yes(Reason::Claimed);
    }
    if brings(affiliation).contains(capability) {
        return yes(Reason::Affiliated(affiliation));
    }
    let is_invited = standing.is_some_and(|standing| standing.is_invited);
    if is_invited && matches!(capability, Capability::See | Capability::Join) {
        return yes(Reason::Invited);
    }
    if claimed.is_some() {
        return no(Reason::NotClaimed);
    }
    by_default(lasting, capability, now)
}

/// Whether a credential that lists these lets its holder do that: whoever may do anything knows of the room.
fn lists(claimed: Capabilities, capability: Capability) -> bool {
    claimed.contains(capability) || (capability == Capability::See && claimed != Capabilities::NONE)
}

/// What the affiliation brings.
const fn brings(affiliation: Affiliation) -> Capabilities {
    use Capability::{Configure, Invite, Join, Moderate, Read, See, Send};
    match affiliation {
        Affiliation::Banned | Affiliation::None => Capabilities::NONE,
        Affiliation::Member => Capabilities::of(&[See, Join, Read, Send]),
        Affiliation::Moderator => Capabilities::of(&[See, Join, Read, Send, Invite, Moderate]),
        Affiliation::Owner => {
            Capabilities::of(&[See, Join, Read, Send, Invite, Moderate, Configure])
        }
    }
}

/// What anybody may who has nothing to show.
fn by_default(lasting: &Lasting, capability: Capability, now: Wall) -> (bool, Reason) {
    let settings = &lasting.settings;
    if settings.is_archived {
        return no(Reason::Archived);
    }
    let is_public = settings.kind == RoomKind::Public;
    let is_open = is_public && settings.join_rule == JoinRule::Open;
    let may = match capability {
        Capability::See => settings.is_shown(),
        Capability::Join if is_open && is_raided(lasting, now) => return no(Reason::Raid),
        // Whoever could come in anyway reads what was said. A raid, or another rule, silences nobody who is in.
        Capability::Join | Capability::Read => is_open,
        Capability::Send => is_public,
        Capability::Invite | Capability::Moderate | Capability::Configure | Capability::Create => {
            false
        }
    };
    (may, Reason::Default)
}

/// Whether whoever is banned is told so, until when and why, instead of that there is no such room.
fn is_ban_told(lasting: &Lasting) -> bool {
    let settings = &lasting.settings;
    settings.kind == RoomKind::Public && !settings.is_archived
}

/// Whether joins of an open room are knocks at the moment.
pub fn is_raided(lasting: &Lasting, now: Wall) -> bool {
    let settings = &lasting.settings;
    settings.raid_until.is_some_and(|until| now < until)
}

/// Everything that `asker` may do.
pub fn capabilities(room: &str, lasting: &Lasting, asker: Asker<'_>, now: Wall) -> Capabilities {
    let may = |capability: &&Capability| decide(room, lasting, asker, **capability, now).is_allowed;
    let all = Capability::ALL.iter().filter(may);
    all.fold(Capabilities::NONE, |found, capability| {
        found.with(*capability)
    })
}

/// What somebody is told who may not.
pub fn refusal(lasting: &Lasting, user: &str, decision: Decision, now: Wall) -> RoomRefusal {
    let standing = lasting.standing(user);
    match decision.reason {
        Reason::Banned => match standing.ban {
            Some(ban) if is_ban_told(lasting) => RoomRefusal::Banned {
                until: ban.until,
                reason: ban.reason,
            },
            _ => RoomRefusal::UnknownRoom,
        },
        Reason::Muted => match standing.mute(now) {
            Some(mute) => RoomRefusal::Muted {
                until: mute.until,
                reason: mute.reason.clone(),
            },
            None => RoomRefusal::Forbidden,
        },
        Reason::Archived if decision.capability == Capability::Send => RoomRefusal::RoomArchived,
        Reason::Locked => RoomRefusal::RoomLocked,
        Reason::Raid => RoomRefusal::KnockRequired,
        Reason::Default if asks_to_come_in(lasting, decision.capability) => {
            RoomRefusal::KnockRequired
        }
        _ => RoomRefusal::Forbidden,
    }
}

/// Whether somebody wants in who could ask instead.
fn asks_to_come_in(lasting: &Lasting, capability: Capability) -> bool {
    capability == Capability::Join && lasting.settings.join_rule == JoinRule::Knock
}

#[cfg(test)]
mod tests;
