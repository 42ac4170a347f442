//! Whether somebody may do something to somebody else in a room, and what that comes to.
//!
//! No one acts on somebody of an equal or higher affiliation. The last owner can't go without a successor. What the operator has decided
//! nobody of the room lifts.

mod people;
mod room;
mod sanctions;

use std::sync::Arc;
use std::time::Duration;

use super::{Act, Action, Actor, Hold, Planned};
use crate::protocol::refusal::RoomRefusal;
use crate::protocol::vocabulary::{Affiliation, Capability};
use crate::rooms::audit::Entry;
use crate::rooms::lasting::Lasting;
use crate::rooms::record::{Change, Floor};
use crate::rooms::settings::Ceilings;
use crate::rooms::standing::{Authority, Sanction, Standing};
use crate::time::Wall;

/// Messages that one step of a purge deletes: below a millisecond of the store's thread, or a few.
const PURGED_PER_STEP_MAX: usize = 256;

/// Whether `actor` may do this, and what is to be kept if so.
///
/// # Errors
/// Why not: the first rule that speaks against it.
pub fn judge(
    room: &str,
    lasting: &Lasting,
    actor: &Actor,
    act: &Act,
    ceilings: &Ceilings,
    now: Wall,
) -> Result<Planned, RoomRefusal> {
    let case = Case {
        room,
        lasting,
        actor,
        ceilings,
        now,
    };
    match act {
        Act::Update(patch) => case.update(patch),
        Act::Archive(archived) => case.archive(*archived),
        Act::Delete => case.delete(),
        Act::Edit { seq, text } => case.edit(*seq, text),
        Act::DeleteMessage { seq, reason } => case.delete_message(*seq, reason),
        Act::Purge { user, reason } => case.purge(user, reason),
        Act::Invite { user } => case.invite(user),
        Act::Withdraw { user } => case.withdraw(user),
        Act::Knock => case.knock(),
        Act::Approve { user } => case.approve(user),
        Act::Accept => case.accept(),
        Act::Affiliate { user, affiliation } => case.affiliate(user, *affiliation),
        Act::Transfer { user } => case.transfer(user),
        Act::Resign => case.resign(),
        Act::Kick { user, reason } => case.kick(user, reason),
        Act::Ban {
            user,
            for_ms,
            reason,
        } => case.ban(user, *for_ms, reason),
        Act::Unban { user } => case.unban(user),
        Act::Mute {
            user,
            for_ms,
            reason,
        } => case.mute(user, *for_ms, reason),
        Act::Unmute { user } => case.unmute(user),
        Act::Raid { for_ms } => case.raid(*for_ms),
    }
}

/// Who wants something in which room.
struct Case<'a> {
    room: &'a str,
    lasting: &'a Lasting,
    actor: &'a Actor,
    ceilings: &'a Ceilings,
    now: Wall,
}

type Judged = Result<Planned, RoomRefusal>;

impl Case<'_> {
    // The rules.

    fn need(&self, capability: Capability) -> Result<(), RoomRefusal> {
        let may = self.actor.capabilities.contains(capability);
        may.then_some(()).ok_or(RoomRefusal::Forbidden)
    }

    fn need_say(&self) -> Result<(), RoomRefusal> {
        let may = self.actor.has_say();
        may.then_some(()).ok_or(RoomRefusal::Forbidden)
    }

    fn is_operator(&self) -> bool {
        self.actor.authority == Authority::Operator
    }

    /// The actor's affiliation, or the one whose capabilities a credential gives them.
    fn rank(&self) -> Affiliation {
        let held = self
            .lasting
            .standing(&self.actor.user)
            .affiliation(self.now);
        let may = |capability| self.actor.capabilities.contains(capability);
        if may(Capability::Configure) {
            Affiliation::Owner
        } else if may(Capability::Moderate) {
            held.max(Affiliation::Moderator)
        } else {
            held
        }
    }

    fn outranks(&self, standing: &Standing) -> bool {
        self.is_operator() || self.rank() > standing.affiliation(self.now)
    }

    /// How somebody stands to the room on whom the actor may act.
    fn over(&self, user: &str) -> Result<Standing, RoomRefusal> {
        self.need(Capability::Moderate)?;
        let standing = self.lasting.standing(user);
        if !self.outranks(&standing) {
            return Err(RoomRefusal::Outranked);
        }
        Ok(standing)
    }

    fn not_oneself(&self, user: &str) -> Result<(), RoomRefusal> {
        if *user == *self.actor.user {
            return Err(RoomRefusal::Oneself);
        }
        Ok(())
    }

    /// How somebody stands to the room who is not banned.
    fn unbanned(&self, user: &str) -> Result<Standing, RoomRefusal> {
        let mut standing = self.lasting.standing(user);
        if standing.affiliation(self.now) == Affiliation::Banned {
            return Err(RoomRefusal::TargetBanned);
        }
        standing.ban = None;
        Ok(standing)
    }

    fn may_replace(&self, sanction: Option<&Sanction>) -> Result<(), RoomRefusal> {
        let is_operators = sanction.is_some_and(|sanction| {
            sanction.authority == Authority::Operator && sanction.is_in_force(self.now)
        });
        if is_operators && !self.is_operator() {
            return Err(RoomRefusal::OperatorBan);
        }
        Ok(())
    }

    /// Somebody of the room does not leave it without an owner; the operator may.
    fn keep_an_owner(&self, user: &str, next: Affiliation) -> Result<(), RoomRefusal> {
        let is_owner = |standing: &Standing| standing.affiliation(self.now) == Affiliation::Owner;
        let loses_one = is_owner(&self.lasting.standing(user)) && next != Affiliation::Owner;
        let mut others = self
            .lasting
            .standings
            .iter()
            .filter(|(other, _)| ***other != *user);
        if loses_one && !self.is_operator() && !others.any(|(_, standing)| is_owner(standing)) {
            return Err(RoomRefusal::LastOwner);
        }
        Ok(())
    }

    /// Whether the room has a place left for one more who belongs to it or is invited, if this is one. Who is invited has one.
    fn room_for_member(&self, user: &str, standing: &Standing) -> Result<(), RoomRefusal> {
        let standings = &self.lasting.standings;
        let members_max = self.lasting.settings.members_max as usize;
        let had_place = standings.get(user).is_some_and(Standing::has_place);
        let is_full = members_max > 0 && standings.places() >= members_max;
        if is_full && standing.has_place() && !had_place && !self.is_operator() {
            return Err(RoomRefusal::RoomFull("members_max"));
        }
        Ok(())
    }

    // What it comes to.

    fn sanction(&self, for_ms: Option<u64>, reason: &str) -> Sanction {
        Sanction {
            until: for_ms.map(|for_ms| self.now.after(Duration::from_millis(for_ms))),
            reason: reason.into(),
            by: Arc::clone(&self.actor.user),
            authority: self.actor.authority,
        }
    }

    fn hold(&self, user: &Arc<str>) -> Hold {
        Hold::User(Arc::clone(user))
    }

    fn entry(&self, action: Action) -> Entry {
        Entry {
            actor: Arc::clone(&self.actor.user),
            authority: self.actor.authority,
            ..Entry::of_server(action, self.now)
        }
    }

    fn about(&self, action: Action, user: &Arc<str>, reason: &str) -> Entry {
        Entry {
            target: Arc::clone(user),
            reason: reason.into(),
            ..self.entry(action)
        }
    }

    fn planned(&self, entry: Entry, hold: Hold) -> Planned {
        Planned {
            change: Change {
                room: self.room.into(),
                at: self.now,
                settings: None,
                standings: Vec::new(),
                messages: None,
                is_deletion: false,
                floor: Floor::default(),
                entry: Some(entry),
            },
            hold,
        }
    }

    /// Has `user` stand so to the room, if it has room for one more about whom something is known. A crowd that fills it keeps
    /// nobody from banning the crowd.
    fn stand(&self, user: &Arc<str>, standing: Standing, entry: Entry, hold: Hold) -> Judged {
        let standings = &self.lasting.standings;
        let is_new = !standing.is_blank(self.now) && !standings.contains_key(user);
        let is_sanction = standing.ban.is_some() || standing.mute.is_some();
        let people_max = self.ceilings.people_max * if is_sanction { 2 } else { 1 };
        if is_new && standings.len() >= people_max {
            return Err(RoomRefusal::RoomFull("people_max"));
        }
        self.room_for_member(user, &standing)?;
        let mut planned = self.planned(entry, hold);
        planned.change.standings = vec![(Arc::clone(user), standing)];
        Ok(planned)
    }
}

/// Another affiliation ends whatever was still open about coming in.
fn put_to(standing: &mut Standing, affiliation: Affiliation) {
    standing.held = affiliation;
    standing.is_invited = false;
    standing.knocked = None;
}
