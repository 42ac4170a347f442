//! A room's own rates: of everybody together, of each member, of those who come in. The operator's and the user's are elsewhere, and hold
//! beside these.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use super::settings::Settings;
use crate::config::Rate;
use crate::limit::TokenBucket;
use crate::protocol::refusal::{RoomRefusal, RoomScope};
use crate::time::Instant;

#[cfg(test)]
mod tests;

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

/// People of one room whose pace is remembered: a large room with all of them talking. About 150 bytes each.
const PACES_MAX: usize = 16_384;
/// Whoever comes in again within this time is nobody new: however often somebody goes and comes, what others have of a room's joins is
/// less by one in an hour.
const COUNTED_FOR: Duration = Duration::from_secs(60 * 60);
/// How many of them are looked at to find one that can be forgotten.
const LOOKED_AT_MAX: usize = 8;

/// Who says something.
#[derive(Debug, Clone, Copy)]
pub struct Speaker<'a> {
    pub user: &'a Arc<str>,
    /// Slow mode is not for them.
    pub is_moderator: bool,
    /// The cooldown is for them: they have no affiliation.
    pub is_new: bool,
}

/// What a room remembers of how much was said, and by whom.
///
/// **Whoever is checked is charged in the same turn, or not at all**: other limits may say no in between.
#[derive(Debug, Default)]
pub struct RoomLimits {
    messages: Paced,
    bytes: Paced,
    joins: Paced,
    /// Only those that something is remembered of.
    paces: BTreeMap<Arc<str>, Pace>,
    /// Where the search for somebody to forget goes on.
    cursor: Option<Arc<str>>,
}

/// A bucket, and the size it was filled at.
#[derive(Debug, Clone, Copy, Default)]
struct Paced {
    bucket: TokenBucket,
    burst: u32,
}

impl Paced {
    /// The bucket at the rate in force, as much of it used as before; `None`: there is no such limit.
    fn at(self, burst: u32, per: Duration, now: Instant) -> Option<(Paced, Rate)> {
        if burst == 0 {
            return None;
        }
        let mut bucket = self.bucket;
        let rate = Rate::new(u64::from(burst), per);
        if self.burst != 0 && self.burst != burst {
            bucket.rerate(Rate::new(u64::from(self.burst), per), rate, now);
        }
        Some((Paced { bucket, burst }, rate))
    }

    fn check(self, burst: u32, per: Duration, now: Instant) -> Result<(), Duration> {
        let paced = self.at(burst, per, now);
        paced.map_or(Ok(()), |(paced, rate)| paced.bucket.check(1, rate, now))
    }

    fn charge(&mut self, tokens: u64, burst: u32, per: Duration, now: Instant) {
        if let Some((mut paced, rate)) = self.at(burst, per, now) {
            paced.bucket.charge(tokens, rate, now);
            *self = paced;
        }
    }

    fn give_back(&mut self, tokens: u64, burst: u32, per: Duration, taken: Instant, now: Instant) {
        if let Some((mut paced, rate)) = self.at(burst, per, now) {
            paced.bucket.give_back(tokens, rate, taken, now);
            *self = paced;
        }
    }
}

/// Somebody's pace.
#[derive(Debug, Clone, Copy, Default)]
struct Pace {
    messages: Paced,
    joins: Paced,
    knocks: TokenBucket,
    /// When their coming in was counted for the room.
    counted: Option<Instant>,
    spoke: Option<Instant>,
    /// When they came in for the first time.
    came: Option<Instant>,
}

impl Pace {
    /// How long until a wait that began then is over.
    fn left(since: Option<Instant>, wait: Duration, now: Instant) -> Duration {
        since.map_or(Duration::ZERO, |since| (since + wait).since(now))
    }

    /// How long until nothing of it matters. Whoever is forgotten otherwise counts as somebody new, and that is all.
    fn matters_for(&self, settings: &Settings, now: Instant) -> Duration {
        Pace::left(self.spoke, settings.slow_mode, now)
            .max(Pace::left(self.came, settings.cooldown, now))
            .max(self.messages.bucket.full_in(now))
            .max(self.joins.bucket.full_in(now))
            .max(self.knocks.full_in(now))
    }
}

impl RoomLimits {
    /// Whether somebody may say something now.
    ///
    /// # Errors
    /// The limit with the longest wait. A message may be larger than a second's bytes: then those that come after it wait.
    pub fn check_message(
        &self,
        speaker: Speaker<'_>,
        settings: &Settings,
        now: Instant,
    ) -> Result<(), RoomRefusal> {
        let room = [
            (
                "messages_per_minute",
                self.messages
                    .check(settings.messages_per_minute, MINUTE, now),
            ),
            (
                "bytes_per_second",
                self.bytes.check(settings.bytes_per_second, SECOND, now),
            ),
        ];
        let pace = self.paces.get(speaker.user).copied().unwrap_or_default();
        let is_slowed = !speaker.is_moderator;
        let member = [
            (
                "messages_per_minute_per_member",
                pace.messages
                    .check(settings.messages_per_minute_per_member, MINUTE, now),
            ),
            (
                "slow_mode_ms",
                wait(is_slowed, Pace::left(pace.spoke, settings.slow_mode, now)),
            ),
            (
                "cooldown_ms",
                wait(
                    speaker.is_new,
                    Pace::left(pace.came, settings.cooldown, now),
                ),
            ),
        ];
        let room = room.map(|(limit, checked)| (limit, RoomScope::Room, checked));
        let member = member.map(|(limit, checked)| (limit, RoomScope::Member, checked));
        tightest(room.into_iter().chain(member))
    }

    /// Remembers that somebody said a message of so many bytes.
    pub fn charge_message(
        &mut self,
        speaker: Speaker<'_>,
        bytes: usize,
        settings: &Settings,
        now: Instant,
    ) {
        self.messages
            .charge(1, settings.messages_per_minute, MINUTE, now);
        self.bytes
            .charge(bytes as u64, settings.bytes_per_second, SECOND, now);
        let per_member = settings.messages_per_minute_per_member;
        if per_member > 0 || !settings.slow_mode.is_zero() {
            let pace = self.pace(speaker.user, settings, now);
            pace.messages.charge(1, per_member, MINUTE, now);
            pace.spoke = Some(now);
        }
    }

    /// Takes back what was charged at `charged` for a message that turned out to be one that was charged before.
    pub fn give_back_message(
        &mut self,
        user: &str,
        bytes: usize,
        settings: &Settings,
        charged: Instant,
        now: Instant,
    ) {
        let (room, member) = (
            settings.messages_per_minute,
            settings.messages_per_minute_per_member,
        );
        self.messages.give_back(1, room, MINUTE, charged, now);
        let (bytes, per_second) = (bytes as u64, settings.bytes_per_second);
        self.bytes
            .give_back(bytes, per_second, SECOND, charged, now);
        if let Some(pace) = self.paces.get_mut(user) {
            pace.messages.give_back(1, member, MINUTE, charged, now);
            // What they said before lies back far enough: it was asked before this was charged.
            pace.spoke = pace.spoke.filter(|spoke| *spoke != charged);
        }
    }

    /// Whether somebody may come in now. The room counts people, and each of them once in a while, so that nobody uses up what there is for
    /// all by going and coming; and nobody comes more often than everybody together may.
    ///
    /// # Errors
    /// When to try again.
    pub fn check_join(
        &self,
        user: &str,
        settings: &Settings,
        now: Instant,
    ) -> Result<(), RoomRefusal> {
        let per_minute = settings.joins_per_minute;
        let pace = self.paces.get(user).copied().unwrap_or_default();
        let is_counted = !Pace::left(pace.counted, COUNTED_FOR, now).is_zero();
        let room = if is_counted {
            Ok(())
        } else {
            self.joins.check(per_minute, MINUTE, now)
        };
        let own = pace.joins.check(per_minute, MINUTE, now);
        let checked = [(RoomScope::Room, room), (RoomScope::Member, own)];
        let limit = "joins_per_minute";
        tightest(
            checked
                .map(|(scope, checked)| (limit, scope, checked))
                .into_iter(),
        )
    }

    /// Remembers that somebody came in who was not present.
    pub fn charge_join(&mut self, user: &Arc<str>, settings: &Settings, now: Instant) {
        let per_minute = settings.joins_per_minute;
        if per_minute > 0 {
            let pace = self.pace(user, settings, now);
            pace.joins.charge(1, per_minute, MINUTE, now);
            if Pace::left(pace.counted, COUNTED_FOR, now).is_zero() {
                pace.counted = Some(now);
                self.joins.charge(1, per_minute, MINUTE, now);
            }
        }
        if !settings.cooldown.is_zero() {
            self.pace(user, settings, now).came.get_or_insert(now);
        }
    }

    /// Whether somebody may knock now.
    ///
    /// # Errors
    /// When to try again.
    pub fn check_knock(&self, user: &str, rate: Rate, now: Instant) -> Result<(), RoomRefusal> {
        let pace = self.paces.get(user).copied().unwrap_or_default();
        let checked = pace.knocks.check(1, rate, now);
        tightest(std::iter::once((
            "knocks_per_user",
            RoomScope::Member,
            checked,
        )))
    }

    /// Remembers that somebody knocked.
    pub fn charge_knock(&mut self, user: &Arc<str>, rate: Rate, settings: &Settings, now: Instant) {
        let pace = self.pace(user, settings, now);
        pace.knocks.charge(1, rate, now);
    }

    /// How many people's paces are remembered.
    pub fn paces(&self) -> usize {
        self.paces.len()
    }

    fn pace(&mut self, user: &Arc<str>, settings: &Settings, now: Instant) -> &mut Pace {
        if self.paces.len() >= PACES_MAX && !self.paces.contains_key(user) {
            self.forget_one(settings, now);
        }
        self.paces.entry(Arc::clone(user)).or_default()
    }

    /// Of the next few the one that matters for the shortest time.
    fn forget_one(&mut self, settings: &Settings, now: Instant) {
        let from = match &self.cursor {
            Some(cursor) => Bound::Excluded(Arc::clone(cursor)),
            None => Bound::Unbounded,
        };
        let next = self.paces.range((from, Bound::Unbounded));
        let looked_at: Vec<_> = next.chain(&self.paces).take(LOOKED_AT_MAX).collect();
        let forgotten = looked_at
            .iter()
            .min_by_key(|(_, pace)| pace.matters_for(settings, now))
            .map(|(user, _)| Arc::clone(user));
        self.cursor = looked_at.last().map(|(user, _)| Arc::clone(user));
        if let Some(user) = forgotten {
            self.paces.remove(&user);
        }
    }
}

fn wait(applies: bool, left: Duration) -> Result<(), Duration> {
    if applies && !left.is_zero() {
        return Err(left);
    }
    Ok(())
}

fn tightest(
    checked: impl Iterator<Item = (&'static str, RoomScope, Result<(), Duration>)>,
) -> Result<(), RoomRefusal> {
    let waits = checked.filter_map(|(limit, scope, checked)| Some((checked.err()?, limit, scope)));
    match waits.max_by_key(|(wait, ..)| *wait) {
        Some((retry_after, limit, scope)) => Err(RoomRefusal::RoomLimited {
            limit,
            scope,
            retry_after,
        }),
        None => Ok(()),
    }
}
