//! What an address may do besides what everybody may: nothing of it is limited where the operator exempts its network, and it has
//! more room where different people have come from it and stayed.

use std::time::Duration;

use super::Engine;
use super::connection::{Connection, Phase};
use crate::config::Rate;
use crate::id::ConnectionId;
use crate::limit::PrefixKey;
use crate::time::Now;

/// What no address ever uses up.
pub(super) const WITHOUT_END: Rate = Rate::new(u64::MAX, Duration::from_millis(1));

/// How often somebody's further sessions are looked at, of which only one earns: seldom, for there may be a hundred thousand.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(600);

impl Engine {
    /// How many connections this prefix may have where every prefix may have `base`.
    pub(super) fn allowance(&mut self, prefix: PrefixKey, base: usize, now: Now) -> usize {
        if !prefix.is_limited() {
            return usize::MAX;
        }
        base.saturating_add(self.room_earned(prefix, now))
    }

    fn room_earned(&mut self, prefix: PrefixKey, now: Now) -> usize {
        let half = self.prefixes.kept.earned;
        let earned = self.prefixes.entry(prefix).earned;
        let max = self.config.limits.earned_per_address_max;
        earned.room(half, now.instant).min(max)
    }

    /// A rate of this prefix where every prefix has `rate`.
    pub(super) fn rate_of(&self, prefix: PrefixKey, rate: Rate) -> Rate {
        if prefix.is_limited() {
            rate
        } else {
            WITHOUT_END
        }
    }

    /// The same for handshakes: who may have more people in may let them in.
    pub(super) fn handshake_rate_of(&mut self, prefix: PrefixKey, now: Now) -> Rate {
        let rate = self.config.limits.handshakes_per_address;
        let more = self.room_earned(prefix, now) as u64;
        let burst = rate.burst.saturating_add(more);
        self.rate_of(prefix, Rate { burst, ..rate })
    }

    /// A session has lasted for `limits.earned_after`: its address has earned a place, if no other session of the same person earns one.
    pub(super) fn stay(&mut self, id: ConnectionId, now: Now) {
        let after = self.config.limits.earned_after;
        let Some(Connection { phase, prefix, .. }) = self.connections.get_mut(id) else {
            return;
        };
        let Phase::Open(session) = phase else {
            return;
        };
        let Some(user) = self.users.get_mut(session.user) else {
            return;
        };
        let half = self.prefixes.kept.earned;
        if user.earns.is_some() {
            // The other may end before this one. What it has earned here is kept whole for longer than this.
            let again = after.max(LOOK_AGAIN_AFTER.min(half / 2));
            session.stays_at = Some(now.instant + again);
            return;
        }
        user.earns = Some(id);
        session.stays_at = None;
        let earned = &mut self.prefixes.entry(*prefix).earned;
        earned.gain(half, now.instant);
    }

    /// A session of `user` that was counted with `prefix` is over.
    pub(super) fn stay_no_more(
        &mut self,
        id: ConnectionId,
        user: crate::id::UserKey,
        prefix: PrefixKey,
        now: Now,
    ) {
        let Some(user) = self.users.get_mut(user) else {
            return;
        };
        if user.earns == Some(id) {
            user.earns = None;
            let half = self.prefixes.kept.earned;
            let earned = &mut self.prefixes.entry(prefix).earned;
            earned.lose(half, now.instant);
        }
    }

    /// Counts everybody anew whose network is exempt and was not, or the other way round.
    pub(super) fn recount_exempt(&mut self, now: Now) {
        for id in self.connections.ids() {
            self.recount(id, now);
        }
    }
}
