//! What is taken from somebody, and given back.

use std::sync::Arc;

use super::{Case, Judged, put_to};
use crate::protocol::refusal::RoomRefusal;
use crate::protocol::vocabulary::Affiliation;
use crate::rooms::audit::Entry;
use crate::rooms::moderation::{Action, Hold};

impl Case<'_> {
    pub(super) fn kick(&self, user: &Arc<str>, reason: &str) -> Judged {
        self.not_oneself(user)?;
        self.over(user)?;
        Ok(self.planned(self.about(Action::Kick, user, reason), self.hold(user)))
    }

    pub(super) fn ban(&self, user: &Arc<str>, for_ms: Option<u64>, reason: &str) -> Judged {
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

    pub(super) fn unban(&self, user: &Arc<str>) -> Judged {
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

    pub(super) fn mute(&self, user: &Arc<str>, for_ms: Option<u64>, reason: &str) -> Judged {
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
    pub(super) fn unmute(&self, user: &Arc<str>) -> Judged {
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
}
