//! A room as a plain list of people, judged by rules that are written down one after the other.

use std::collections::BTreeMap;

use crate::protocol::vocabulary::{JoinRule, RoomKind};
use crate::rooms::moderation::Act;

pub(super) const OPERATOR: &str = "";
/// Whose credential says `moderate`, and whose says `configure`.
pub(super) const TOKEN_MODERATOR: &str = "tom";
pub(super) const TOKEN_OWNER: &str = "tia";

pub(super) const PEOPLE_MAX: usize = 5;

/// A ban or mute: until then (`u64::MAX`: for ever), and whether the operator decided it.
pub(super) type Until = (u64, bool);

/// Banned people stand below everybody.
pub(super) const BANNED: i8 = -1;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Person {
    /// 0: nobody, 1: member, 2: moderator, 3: owner.
    pub(super) role: i8,
    pub(super) ban: Option<Until>,
    pub(super) mute: Option<Until>,
    pub(super) is_invited: bool,
    pub(super) knocks: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Naive {
    pub(super) people: BTreeMap<String, Person>,
    pub(super) kind: RoomKind,
    pub(super) rule: JoinRule,
    pub(super) is_locked: bool,
    pub(super) is_archived: bool,
    pub(super) slow_mode_ms: u64,
    pub(super) members_max: u32,
    pub(super) raid_until: u64,
    pub(super) keeps_messages: bool,
}

type Verdict = Result<(), &'static str>;

fn check(is_fine: bool, code: &'static str) -> Verdict {
    if is_fine { Ok(()) } else { Err(code) }
}

impl Naive {
    fn person(&self, user: &str) -> Person {
        self.people.get(user).cloned().unwrap_or_default()
    }

    pub(super) fn role(&self, user: &str, now: u64) -> i8 {
        let person = self.person(user);
        if person.ban.is_some_and(|(end, _)| now < end) {
            BANNED
        } else {
            person.role
        }
    }

    /// How high whoever acts stands, by role or by credential; the operator above all.
    pub(super) fn power(&self, user: &str, now: u64) -> i8 {
        let role = self.role(user, now);
        match user {
            OPERATOR => 4,
            _ if role == BANNED => BANNED,
            TOKEN_OWNER => 3,
            TOKEN_MODERATOR => role.max(2),
            _ => role,
        }
    }

    fn has_token(&self, user: &str) -> bool {
        [TOKEN_OWNER, TOKEN_MODERATOR].contains(&user)
    }

    fn configures(&self, user: &str, now: u64) -> bool {
        user == OPERATOR || self.power(user, now) == 3
    }

    /// A credential that says `configure` does not say `moderate`: it sets and appoints, and puts nobody out.
    fn moderates(&self, user: &str, now: u64) -> bool {
        self.invites(user, now) || (user == TOKEN_MODERATOR && self.role(user, now) != BANNED)
    }

    fn has_a_say(&self, user: &str, now: u64) -> bool {
        self.moderates(user, now) || self.configures(user, now)
    }

    fn invites(&self, user: &str, now: u64) -> bool {
        user == OPERATOR || self.role(user, now) >= 2
    }

    fn is_open(&self) -> bool {
        self.kind == RoomKind::Public && self.rule == JoinRule::Open && !self.is_archived
    }

    fn sees(&self, user: &str, now: u64) -> bool {
        let role = self.role(user, now);
        let is_shown = match self.kind {
            RoomKind::Public => true,
            RoomKind::Members => self.rule == JoinRule::Knock,
            RoomKind::Private => false,
        };
        user == OPERATOR
            || role != BANNED
                && (role > 0
                    || self.person(user).is_invited
                    || self.has_token(user)
                    || (is_shown && !self.is_archived))
    }

    fn joins(&self, user: &str, now: u64) -> bool {
        let role = self.role(user, now);
        let comes_in = self.is_open() && now >= self.raid_until && !self.has_token(user);
        user == OPERATOR || role != BANNED && (role > 0 || self.person(user).is_invited || comes_in)
    }

    pub(super) fn speaks(&self, user: &str, now: u64) -> bool {
        let role = self.role(user, now);
        let is_muted = self.person(user).mute.is_some_and(|(end, _)| now < end);
        user == OPERATOR
            || role != BANNED
                && !is_muted
                && !self.is_archived
                && (!self.is_locked || self.moderates(user, now))
                && (role > 0 || (self.kind == RoomKind::Public && !self.has_token(user)))
    }

    fn owners(&self, now: u64) -> usize {
        let people = self.people.keys();
        people.filter(|user| self.role(user, now) == 3).count()
    }

    /// What everybody must be who is acted on.
    fn below(&self, actor: &str, target: &str, now: u64) -> Verdict {
        check(self.moderates(actor, now), "forbidden")?;
        check(self.power(actor, now) > self.role(target, now), "outranked")
    }

    fn not_banned(&self, target: &str, now: u64) -> Verdict {
        check(self.role(target, now) != BANNED, "target_banned")
    }

    /// Writes somebody down, if there is a line for them.
    fn write(&mut self, actor: &str, user: &str, person: Person, now: u64) -> Verdict {
        let is_sanctioned = person.ban.is_some() || person.mute.is_some();
        let lines = if is_sanctioned {
            2 * PEOPLE_MAX
        } else {
            PEOPLE_MAX
        };
        let says_nothing = person.role == 0
            && person.ban.is_none_or(|(end, _)| now >= end)
            && person.mute.is_none_or(|(end, _)| now >= end)
            && !person.is_invited
            && !person.knocks;
        let is_new = !self.people.contains_key(user);
        check(
            says_nothing || !is_new || self.people.len() < lines,
            "room_full",
        )?;
        let has_place = |person: &Person| person.role > 0 || person.is_invited;
        let places = self.people.values().filter(|person| has_place(person));
        let is_full = self.members_max > 0 && places.count() >= self.members_max as usize;
        let takes_one = has_place(&person) && !has_place(&self.person(user));
        check(!(takes_one && is_full) || actor == OPERATOR, "room_full")?;
        if says_nothing {
            self.people.remove(user);
        } else {
            self.people.insert(user.to_owned(), person);
        }
        Ok(())
    }

    fn may_replace(&self, actor: &str, decided: Option<Until>, now: u64) -> Verdict {
        let is_operators = decided.is_some_and(|(end, by_operator)| by_operator && now < end);
        check(!is_operators || actor == OPERATOR, "operator_ban")
    }

    /// Does what `actor` wants, or says why not.
    pub(super) fn act(&mut self, actor: &str, act: &Act, now: u64) -> Verdict {
        match act {
            Act::Update(_) | Act::Archive(_) | Act::Delete | Act::Raid { .. } => {
                self.change_room(actor, act, now)
            }
            Act::Edit { .. } => {
                check(self.speaks(actor, now), "forbidden")?;
                check(self.keeps_messages, "not_kept")
            }
            Act::DeleteMessage { .. } => {
                let may = self.moderates(actor, now) || self.speaks(actor, now);
                check(may, "forbidden")?;
                check(self.keeps_messages, "not_kept")
            }
            Act::Purge { user, .. } => {
                if **user == *actor {
                    check(self.speaks(actor, now), "forbidden")?;
                } else {
                    self.below(actor, user, now)?;
                }
                check(self.keeps_messages, "not_kept")
            }
            Act::Invite { .. }
            | Act::Withdraw { .. }
            | Act::Knock
            | Act::Approve { .. }
            | Act::Accept => self.let_in(actor, act, now),
            Act::Affiliate { .. } | Act::Transfer { .. } | Act::Resign => {
                self.appoint(actor, act, now)
            }
            _ => self.sanction(actor, act, now),
        }
    }

    fn change_room(&mut self, actor: &str, act: &Act, now: u64) -> Verdict {
        let configures = check(self.configures(actor, now), "forbidden");
        let has_a_say = check(self.has_a_say(actor, now), "forbidden");
        match act {
            Act::Raid { for_ms } => {
                has_a_say?;
                let until = if *for_ms == 0 { 0 } else { now + for_ms };
                check(until != self.raid_until, "already")?;
                self.raid_until = until;
            }
            Act::Archive(is_archived) => {
                configures?;
                check(self.is_archived != *is_archived, "already")?;
                self.is_archived = *is_archived;
            }
            // What is left is as it was: nobody asks a room again that is gone.
            Act::Delete => configures?,
            Act::Update(patch) => {
                let is_small = patch.kind.is_none()
                    && patch.join_rule.is_none()
                    && patch.members_max.is_none();
                let may = if is_small { has_a_say } else { configures };
                may?;
                let kind = patch.kind.unwrap_or(self.kind);
                let to_or_from_private = [kind, self.kind].contains(&RoomKind::Private);
                check(kind == self.kind || !to_or_from_private, "fixed")?;
                let mut rule = patch.join_rule.unwrap_or(self.rule);
                let is_wrong = match kind {
                    RoomKind::Public => false,
                    RoomKind::Members => rule == JoinRule::Open,
                    RoomKind::Private => rule != JoinRule::Invite,
                };
                check(!is_wrong || patch.join_rule.is_none(), "fixed")?;
                if is_wrong {
                    rule = JoinRule::Invite;
                }
                let members_max = patch.members_max.unwrap_or(self.members_max);
                check(members_max as usize <= PEOPLE_MAX, "above_ceiling")?;
                let wanted = (
                    kind,
                    rule,
                    members_max,
                    patch.locked.unwrap_or(self.is_locked),
                    patch.slow_mode_ms.unwrap_or(self.slow_mode_ms),
                );
                let is = (
                    self.kind,
                    self.rule,
                    self.members_max,
                    self.is_locked,
                    self.slow_mode_ms,
                );
                check(wanted != is, "already")?;
                (
                    self.kind,
                    self.rule,
                    self.members_max,
                    self.is_locked,
                    self.slow_mode_ms,
                ) = wanted;
            }
            other => panic!("{other:?}"),
        }
        Ok(())
    }

    fn let_in(&mut self, actor: &str, act: &Act, now: u64) -> Verdict {
        let (user, person) = match act {
            Act::Invite { user } => {
                check(self.invites(actor, now), "forbidden")?;
                check(**user != *actor, "oneself")?;
                self.not_banned(user, now)?;
                let mut person = self.person(user);
                check(person.role == 0 && !person.is_invited, "already")?;
                (person.is_invited, person.knocks) = (true, false);
                (&**user, person)
            }
            Act::Withdraw { user } => {
                let mut person = self.person(user);
                if **user != *actor {
                    let may = if person.knocks {
                        self.moderates(actor, now)
                    } else {
                        self.invites(actor, now)
                    };
                    check(may, "forbidden")?;
                }
                check(person.is_invited || person.knocks, "already")?;
                (person.is_invited, person.knocks) = (false, false);
                return self.write(actor, user, person, now);
            }
            Act::Knock => {
                check(self.sees(actor, now), "unknown_room")?;
                self.not_banned(actor, now)?;
                let mut person = self.person(actor);
                check(!self.joins(actor, now) && !person.knocks, "already")?;
                let is_raided = self.rule == JoinRule::Open && now < self.raid_until;
                let is_asked = self.rule == JoinRule::Knock || is_raided;
                check(is_asked && !self.is_archived, "forbidden")?;
                person.knocks = true;
                (actor, person)
            }
            Act::Approve { user } => {
                check(self.moderates(actor, now), "forbidden")?;
                self.not_banned(user, now)?;
                check(self.person(user).knocks, "already")?;
                (
                    &**user,
                    Person {
                        role: 1,
                        knocks: false,
                        is_invited: false,
                        ..self.person(user)
                    },
                )
            }
            Act::Accept => {
                self.not_banned(actor, now)?;
                check(self.person(actor).is_invited, "already")?;
                (
                    actor,
                    Person {
                        role: 1,
                        knocks: false,
                        is_invited: false,
                        ..self.person(actor)
                    },
                )
            }
            other => panic!("{other:?}"),
        };
        // A ban that is over is forgotten on this occasion.
        self.write(
            actor,
            user,
            Person {
                ban: None,
                ..person
            },
            now,
        )
    }

    fn appoint(&mut self, actor: &str, act: &Act, now: u64) -> Verdict {
        match act {
            Act::Affiliate { user, affiliation } => {
                let role = i8::try_from(*affiliation as usize).expect("five of them") - 1;
                check(self.has_a_say(actor, now), "forbidden")?;
                self.not_banned(user, now)?;
                check(self.person(user).role != role, "already")?;
                let power = self.power(actor, now);
                check(role < power || (role == 3 && power == 3), "forbidden")?;
                let is_oneself = **user == *actor;
                check(is_oneself || power > self.role(user, now), "outranked")?;
                let is_last = self.role(user, now) == 3 && self.owners(now) == 1;
                check(!is_last || role == 3 || actor == OPERATOR, "last_owner")?;
                let person = Person {
                    role,
                    is_invited: false,
                    knocks: false,
                    ban: None,
                    ..self.person(user)
                };
                self.write(actor, user, person, now)
            }
            Act::Transfer { user } => {
                check(**user != *actor, "oneself")?;
                check(self.role(actor, now) == 3, "forbidden")?;
                self.not_banned(user, now)?;
                let next = Person {
                    role: 3,
                    is_invited: false,
                    knocks: false,
                    ban: None,
                    ..self.person(user)
                };
                self.write(actor, user, next, now)?;
                let own = Person {
                    role: 2,
                    is_invited: false,
                    knocks: false,
                    ..self.person(actor)
                };
                self.people.insert(actor.to_owned(), own);
                Ok(())
            }
            Act::Resign => {
                check(self.role(actor, now) > 0, "already")?;
                check(
                    self.role(actor, now) < 3 || self.owners(now) > 1,
                    "last_owner",
                )?;
                let own = Person {
                    role: 0,
                    is_invited: false,
                    knocks: false,
                    ..self.person(actor)
                };
                self.write(actor, actor, own, now)
            }
            other => panic!("{other:?}"),
        }
    }

    fn sanction(&mut self, actor: &str, act: &Act, now: u64) -> Verdict {
        let decided = |for_ms: &Option<u64>| {
            let end = for_ms.map_or(u64::MAX, |for_ms| now + for_ms);
            Some((end, actor == OPERATOR))
        };
        let (user, person) = match act {
            Act::Kick { user, .. } => {
                check(**user != *actor, "oneself")?;
                return self.below(actor, user, now);
            }
            Act::Ban { user, for_ms, .. } => {
                check(**user != *actor, "oneself")?;
                self.below(actor, user, now)?;
                let person = self.person(user);
                self.may_replace(actor, person.ban, now)?;
                let ban = decided(for_ms);
                (
                    user,
                    Person {
                        role: 0,
                        is_invited: false,
                        knocks: false,
                        ban,
                        ..person
                    },
                )
            }
            Act::Unban { user } => {
                self.below(actor, user, now)?;
                check(self.role(user, now) == BANNED, "already")?;
                let person = self.person(user);
                self.may_replace(actor, person.ban, now)?;
                (
                    user,
                    Person {
                        ban: None,
                        ..person
                    },
                )
            }
            Act::Mute { user, for_ms, .. } => {
                check(**user != *actor, "oneself")?;
                self.below(actor, user, now)?;
                let person = self.person(user);
                self.may_replace(actor, person.mute, now)?;
                (
                    user,
                    Person {
                        mute: decided(for_ms),
                        ..person
                    },
                )
            }
            Act::Unmute { user } => {
                check(**user != *actor, "oneself")?;
                self.below(actor, user, now)?;
                let person = self.person(user);
                check(person.mute.is_some_and(|(end, _)| now < end), "already")?;
                self.may_replace(actor, person.mute, now)?;
                (
                    user,
                    Person {
                        mute: None,
                        ..person
                    },
                )
            }
            other => panic!("{other:?}"),
        };
        self.write(actor, user, person, now)
    }
}
