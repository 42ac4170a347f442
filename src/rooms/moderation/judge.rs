//! Whether somebody may do something to somebody else in a room, and what that comes to.
//!
//! No one acts on somebody of an equal or higher affiliation. The last owner can't go without a successor. What the operator has decided
//! nobody of the room lifts.

use std::sync::Arc;
use std::time::Duration;

use super::plan::apply;
use super::{Act, Action, Actor, Hold, Planned};
use crate::protocol::command::rooms::RoomPatch;
use crate::protocol::refusal::RoomRefusal;
use crate::protocol::vocabulary::{Affiliation, Capability, JoinRule};
use crate::rooms::audit::Entry;
use crate::rooms::lasting::Lasting;
use crate::rooms::permissions::is_raided;
use crate::rooms::record::{Change, Deleter, MessageChange};
use crate::rooms::settings::{Ceilings, Settings};
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
    // What the room is like.

    fn update(&self, patch: &RoomPatch<'_>) -> Judged {
        // Who moderates may quiet a room, and nothing else of it.
        let quiets_only = *patch
            == RoomPatch {
                locked: patch.locked,
                slow_mode_ms: patch.slow_mode_ms,
                ..RoomPatch::default()
            };
        self.need(if quiets_only {
            Capability::Moderate
        } else {
            Capability::Configure
        })?;
        let mut settings = self.lasting.settings.clone();
        let details = apply(patch, &mut settings, self.ceilings)?;
        let old = &self.lasting.settings;
        let takes = settings.kind != old.kind
            || settings.join_rule != old.join_rule
            || settings.is_locked != old.is_locked;
        let entry = Entry {
            details: details.trim_end().into(),
            ..self.entry(Action::Update)
        };
        self.set(
            settings,
            entry,
            if takes { Hold::Everybody } else { Hold::Nobody },
        )
    }

    fn archive(&self, is_archived: bool) -> Judged {
        self.need(Capability::Configure)?;
        let settings = Settings {
            is_archived,
            ..self.lasting.settings.clone()
        };
        let action = if is_archived {
            Action::Archive
        } else {
            Action::Unarchive
        };
        self.set(settings, self.entry(action), Hold::Everybody)
    }

    fn raid(&self, for_ms: u64) -> Judged {
        self.need(Capability::Moderate)?;
        let raid_until = (for_ms > 0).then(|| self.now.after(Duration::from_millis(for_ms)));
        let settings = Settings {
            raid_until,
            ..self.lasting.settings.clone()
        };
        let entry = Entry {
            until: raid_until,
            ..self.entry(Action::Raid)
        };
        self.set(settings, entry, Hold::Nobody)
    }

    fn set(&self, settings: Settings, entry: Entry, hold: Hold) -> Judged {
        if settings == self.lasting.settings {
            return Err(RoomRefusal::Already);
        }
        let mut planned = self.planned(entry, hold);
        planned.change.settings = Some(Box::new(settings));
        Ok(planned)
    }

    fn delete(&self) -> Judged {
        self.need(Capability::Configure)?;
        let mut planned = self.planned(self.entry(Action::Delete), Hold::Everybody);
        planned.change.is_deletion = true;
        Ok(planned)
    }

    // What was said.

    fn edit(&self, seq: u64, text: &str) -> Judged {
        self.need(Capability::Send)?;
        self.messages(
            MessageChange::Edit {
                seq,
                author: Arc::clone(&self.actor.user),
                text: text.into(),
            },
            None,
        )
    }

    fn delete_message(&self, seq: u64, reason: &str) -> Judged {
        if self.need(Capability::Moderate).is_err() {
            self.need(Capability::Send)?;
            let by = Deleter::Author(Arc::clone(&self.actor.user));
            return self.messages(MessageChange::Delete { seq, by }, None);
        }
        let spared = |(user, standing): (&Arc<str>, &Standing)| {
            let is_spared = **user != *self.actor.user && !self.outranks(standing);
            is_spared.then(|| Arc::clone(user))
        };
        let by = Deleter::Moderator {
            spared: self.lasting.standings.iter().filter_map(spared).collect(),
        };
        let entry = Entry {
            seq: Some(seq),
            reason: reason.into(),
            ..self.entry(Action::DeleteMessage)
        };
        self.messages(MessageChange::Delete { seq, by }, Some(entry))
    }

    fn purge(&self, user: &Arc<str>, reason: &str) -> Judged {
        if **user == *self.actor.user {
            self.need(Capability::Send)?;
        } else {
            self.over(user)?;
        }
        let all = MessageChange::DeleteAllOf {
            user: Arc::clone(user),
            messages_max: PURGED_PER_STEP_MAX,
        };
        self.messages(all, Some(self.about(Action::Purge, user, reason)))
    }

    fn messages(&self, messages: MessageChange, entry: Option<Entry>) -> Judged {
        if !self.lasting.settings.is_durable {
            return Err(RoomRefusal::NotKept);
        }
        let mut planned = self.planned(self.entry(Action::Update), Hold::Nobody);
        planned.change.entry = entry;
        planned.change.messages = Some(messages);
        Ok(planned)
    }

    // Who comes in.

    fn invite(&self, user: &Arc<str>) -> Judged {
        self.need(Capability::Invite)?;
        self.not_oneself(user)?;
        let mut standing = self.unbanned(user)?;
        if standing.held > Affiliation::None || standing.is_invited {
            return Err(RoomRefusal::Already);
        }
        standing.is_invited = true;
        standing.knocked = None;
        self.stand(
            user,
            standing,
            self.about(Action::Invite, user, ""),
            Hold::Nobody,
        )
    }

    /// An invitation is taken back by those who invite, a knock turned down by those who approve, and either by whom it is about.
    fn withdraw(&self, user: &Arc<str>) -> Judged {
        let mut standing = self.lasting.standing(user);
        if **user != *self.actor.user {
            self.need(if standing.knocked.is_some() {
                Capability::Moderate
            } else {
                Capability::Invite
            })?;
        }
        if !standing.is_invited && standing.knocked.is_none() {
            return Err(RoomRefusal::Already);
        }
        standing.is_invited = false;
        standing.knocked = None;
        self.stand(
            user,
            standing,
            self.about(Action::Withdraw, user, ""),
            self.hold(user),
        )
    }

    fn knock(&self) -> Judged {
        let settings = &self.lasting.settings;
        let user = &self.actor.user;
        if !self.actor.capabilities.contains(Capability::See) {
            return Err(RoomRefusal::UnknownRoom);
        }
        let mut standing = self.unbanned(user)?;
        if self.actor.capabilities.contains(Capability::Join) || standing.knocked.is_some() {
            return Err(RoomRefusal::Already);
        }
        let is_raided = settings.join_rule == JoinRule::Open && is_raided(self.lasting, self.now);
        if settings.is_archived || (settings.join_rule != JoinRule::Knock && !is_raided) {
            return Err(RoomRefusal::Forbidden);
        }
        standing.knocked = Some(self.now);
        self.stand(
            user,
            standing,
            self.about(Action::Knock, user, ""),
            Hold::Nobody,
        )
    }

    fn approve(&self, user: &Arc<str>) -> Judged {
        self.need(Capability::Moderate)?;
        let mut standing = self.unbanned(user)?;
        if standing.knocked.is_none() {
            return Err(RoomRefusal::Already);
        }
        put_to(&mut standing, Affiliation::Member);
        self.stand(
            user,
            standing,
            self.about(Action::Approve, user, ""),
            Hold::Nobody,
        )
    }

    fn accept(&self) -> Judged {
        let user = &self.actor.user;
        let mut standing = self.unbanned(user)?;
        if !standing.is_invited {
            return Err(RoomRefusal::Already);
        }
        put_to(&mut standing, Affiliation::Member);
        let entry = Entry {
            details: "affiliation=member".into(),
            ..self.about(Action::Affiliate, user, "")
        };
        self.stand(user, standing, entry, Hold::Nobody)
    }

    // Who stands how to the room.

    fn affiliate(&self, user: &Arc<str>, affiliation: Affiliation) -> Judged {
        let own = self.rank();
        let is_oneself = **user == *self.actor.user;
        let mut standing = self.unbanned(user)?;
        if standing.held == affiliation {
            return Err(RoomRefusal::Already);
        }
        self.need(Capability::Moderate)?;
        let may_give =
            affiliation < own || affiliation == Affiliation::Owner && own == Affiliation::Owner;
        if !self.is_operator() && !may_give {
            return Err(RoomRefusal::Forbidden);
        }
        if !is_oneself && !self.outranks(&standing) {
            return Err(RoomRefusal::Outranked);
        }
        self.keep_an_owner(user, affiliation)?;
        let is_less = affiliation < standing.held;
        put_to(&mut standing, affiliation);
        let entry = Entry {
            details: format!("affiliation={}", affiliation.word()).into(),
            ..self.about(Action::Affiliate, user, "")
        };
        let hold = if is_less {
            self.hold(user)
        } else {
            Hold::Nobody
        };
        self.stand(user, standing, entry, hold)
    }

    fn transfer(&self, user: &Arc<str>) -> Judged {
        self.not_oneself(user)?;
        let mut own = self.lasting.standing(&self.actor.user);
        if own.affiliation(self.now) != Affiliation::Owner {
            return Err(RoomRefusal::Forbidden);
        }
        let mut standing = self.unbanned(user)?;
        put_to(&mut standing, Affiliation::Owner);
        put_to(&mut own, Affiliation::Moderator);
        let entry = self.about(Action::Transfer, user, "");
        let mut planned = self.stand(user, standing, entry, self.hold(&self.actor.user))?;
        let actor = Arc::clone(&self.actor.user);
        planned.change.standings.push((actor, own));
        Ok(planned)
    }

    fn resign(&self) -> Judged {
        let user = &self.actor.user;
        let mut standing = self.lasting.standing(user);
        if standing.affiliation(self.now) <= Affiliation::None {
            return Err(RoomRefusal::Already);
        }
        self.keep_an_owner(user, Affiliation::None)?;
        put_to(&mut standing, Affiliation::None);
        self.stand(
            user,
            standing,
            self.about(Action::Resign, user, ""),
            self.hold(user),
        )
    }

    // What is taken from somebody.

    fn kick(&self, user: &Arc<str>, reason: &str) -> Judged {
        self.not_oneself(user)?;
        self.over(user)?;
        Ok(self.planned(self.about(Action::Kick, user, reason), self.hold(user)))
    }

    fn ban(&self, user: &Arc<str>, for_ms: Option<u64>, reason: &str) -> Judged {
        self.not_oneself(user)?;
        let mut standing = self.over(user)?;
        self.may_replace(standing.ban.as_ref())?;
        let ban = self.sanction(for_ms, reason);
        let entry = Entry {
            until: ban.until,
            ..self.about(Action::Ban, user, reason)
        };
        put_to(&mut standing, Affiliation::None);
        standing.ban = Some(ban);
        self.stand(user, standing, entry, self.hold(user))
    }

    fn unban(&self, user: &Arc<str>) -> Judged {
        let mut standing = self.over(user)?;
        if standing.affiliation(self.now) != Affiliation::Banned {
            return Err(RoomRefusal::Already);
        }
        self.may_replace(standing.ban.as_ref())?;
        standing.ban = None;
        self.stand(
            user,
            standing,
            self.about(Action::Unban, user, ""),
            Hold::Nobody,
        )
    }

    fn mute(&self, user: &Arc<str>, for_ms: Option<u64>, reason: &str) -> Judged {
        self.not_oneself(user)?;
        let mut standing = self.over(user)?;
        self.may_replace(standing.mute.as_ref())?;
        let mute = self.sanction(for_ms, reason);
        let entry = Entry {
            until: mute.until,
            ..self.about(Action::Mute, user, reason)
        };
        standing.mute = Some(mute);
        self.stand(user, standing, entry, self.hold(user))
    }

    /// Nobody lifts their own, nor that of somebody as high: it was decided by somebody higher.
    fn unmute(&self, user: &Arc<str>) -> Judged {
        self.not_oneself(user)?;
        let mut standing = self.over(user)?;
        if standing.mute(self.now).is_none() {
            return Err(RoomRefusal::Already);
        }
        self.may_replace(standing.mute.as_ref())?;
        standing.mute = None;
        self.stand(
            user,
            standing,
            self.about(Action::Unmute, user, ""),
            Hold::Nobody,
        )
    }

    // The rules.

    fn need(&self, capability: Capability) -> Result<(), RoomRefusal> {
        let may = self.actor.capabilities.contains(capability);
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

    /// Whether the room may have one more who belongs to it, if this is one.
    fn room_for_member(&self, user: &str, standing: &Standing) -> Result<(), RoomRefusal> {
        let standings = &self.lasting.standings;
        let members_max = self.lasting.settings.members_max as usize;
        let belongs = |standing: &Standing| standing.held > Affiliation::None;
        let is_new = belongs(standing) && !standings.get(user).is_some_and(belongs);
        if members_max == 0 || !is_new || self.is_operator() {
            return Ok(());
        }
        let members = standings.values().filter(|standing| belongs(standing));
        if members.count() >= members_max {
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
