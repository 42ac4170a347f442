//! Who comes in, and who stands how to the room.

use std::sync::Arc;

use super::{Case, Judged, put_to};
use crate::protocol::refusal::RoomRefusal;
use crate::protocol::vocabulary::{Affiliation, Capability, JoinRule};
use crate::rooms::audit::Entry;
use crate::rooms::moderation::{Action, Hold};
use crate::rooms::permissions::is_raided;

impl Case<'_> {
    pub(super) fn invite(&self, user: &Arc<str>) -> Judged {
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
    pub(super) fn withdraw(&self, user: &Arc<str>) -> Judged {
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

    pub(super) fn knock(&self) -> Judged {
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

    pub(super) fn approve(&self, user: &Arc<str>) -> Judged {
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

    pub(super) fn accept(&self) -> Judged {
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

    pub(super) fn affiliate(&self, user: &Arc<str>, affiliation: Affiliation) -> Judged {
        // Before anything is compared: what it is compared with is not for everybody.
        self.need_say()?;
        let own = self.rank();
        let is_oneself = **user == *self.actor.user;
        let mut standing = self.unbanned(user)?;
        if standing.held == affiliation {
            return Err(RoomRefusal::Already);
        }
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

    pub(super) fn transfer(&self, user: &Arc<str>) -> Judged {
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

    pub(super) fn resign(&self) -> Judged {
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
}
