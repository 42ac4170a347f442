//! Questions to the operator's own program: which are put and when, who waits for them, and what all of them are told.
//! Puts no question itself, and tells nobody: it says who must be told what.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::access::Identity;
use crate::access::hook::breaker::Breaker;
use crate::access::hook::cache::{Cache, Remembered};
use crate::access::hook::question::QuestionKey;
use crate::access::hook::{Answer, Question};
use crate::config::HookSettings;
use crate::hash::Keyed;
use crate::id::{ConnectionId, QuestionId};
use crate::limit::Prefix;
use crate::time::{Instant, Now};

#[cfg(test)]
mod tests;

/// Connections that wait for one answer: as many tabs of one browser as come back at once, and then some. More are told
/// that authentication is not available.
const WAITING_PER_QUESTION_MAX: usize = 32;

/// How often the log says that an answer could not be used.
const COMPLAINT_TIME_MIN: Duration = Duration::from_secs(10);

/// When to come back to a hook that is busy.
const BUSY_RETRY: Duration = Duration::from_secs(1);

/// What is known about who shows a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Known(Identity),
    Refused,
    /// Nobody can say now.
    Unavailable,
}

/// What became of a look-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// At once.
    Verdict(Verdict),
    /// The connection is among those that are told.
    Asked,
    /// Nobody can say now, for this limit, and whose it is, leaves no room for the question.
    Full([&'static str; 2]),
}

/// Connections, and what each of them is to be told.
pub(super) type Told = Vec<(ConnectionId, Verdict)>;

/// The questions of a hook, and its answers of a while.
///
/// **At most `concurrency_max` questions are under way and `queue_max` wait, each for at most the timeout; equal questions
/// are one.** Everything else is told at once that authentication is not available.
#[derive(Debug)]
pub(super) struct Questions {
    settings: HookSettings,
    cache: Cache,
    breaker: Breaker,
    open: BTreeMap<QuestionId, Open>,
    /// Those of them that are not under way, the oldest first.
    queue: VecDeque<QuestionId>,
    next_id: u64,
    last_complaint: Option<Instant>,
    /// Complaints that the log was spared since.
    unsaid: u64,
}

/// A question that has no answer yet.
#[derive(Debug)]
struct Open {
    question: Question,
    key: QuestionKey,
    /// Whose question it counts as, by address and not by a slot of the table of prefixes: it may outlive whoever asked, and the slot is
    /// another's then. `None`: of somebody whom no limit of an address holds for.
    prefix: Option<Prefix>,
    waiting: Vec<ConnectionId>,
    since: Now,
    /// What it answers may have been taken back since it was put: it is not remembered.
    is_stale: bool,
}

impl Questions {
    pub(super) fn new(settings: HookSettings, hash: Keyed) -> Self {
        Questions {
            settings,
            cache: Cache::new(hash),
            breaker: Breaker::default(),
            open: BTreeMap::new(),
            queue: VecDeque::new(),
            next_id: 0,
            last_complaint: None,
            unsaid: 0,
        }
    }

    /// Whether there is anybody to ask.
    pub(super) fn is_configured(&self) -> bool {
        self.settings.url.is_some()
    }

    /// What is known of `question`; if nothing is, it is put, and `asker` is told when there is an answer.
    pub(super) fn find(
        &mut self,
        question: Question,
        asker: ConnectionId,
        prefix: Option<Prefix>,
        now: Now,
    ) -> Found {
        if question.credential.len() > self.settings.credential_bytes_max {
            return Found::Verdict(Verdict::Refused);
        }
        let key = question.key();
        match self.cache.find(key, now) {
            Some(Remembered::Known(identity)) => return Found::Verdict(Verdict::Known(identity)),
            Some(Remembered::Refused) => return Found::Verdict(Verdict::Refused),
            None => {}
        }
        if let Some(same) = self.open.values_mut().find(|open| open.key == key) {
            return same.join(asker);
        }
        if !self.breaker.allows(now.instant) {
            return Found::Verdict(Verdict::Unavailable);
        }
        if let Some(limit) = self.limit_reached(prefix) {
            return Found::Full(limit);
        }
        let open = Open {
            question,
            key,
            prefix,
            waiting: vec![asker],
            since: now,
            is_stale: false,
        };
        self.enqueue(open);
        Found::Asked
    }

    /// The limit that leaves no room for one more question of this prefix, if one does.
    fn limit_reached(&self, prefix: Option<Prefix>) -> Option<[&'static str; 2]> {
        let settings = &self.settings;
        if self.open.len() >= settings.concurrency_max + settings.queue_max {
            return Some(["auth.hook.queue_max", "server"]);
        }
        let prefix = prefix?;
        let of_address = self.open.values();
        let of_address = of_address.filter(|open| open.prefix == Some(prefix));
        let is_full = of_address.count() >= settings.questions_per_address_max;
        is_full.then_some(["auth.hook.questions_per_address_max", "address"])
    }

    fn enqueue(&mut self, open: Open) {
        let id = QuestionId(self.next_id);
        self.next_id += 1;
        self.open.insert(id, open);
        self.queue.push_back(id);
    }

    /// The next question to put, if another may be under way. One that nobody waits for any more is forgotten instead.
    pub(super) fn next(
        &mut self,
        waits: impl Fn(ConnectionId) -> bool,
        now: Instant,
    ) -> Option<(QuestionId, Question)> {
        while self.under_way() < self.settings.concurrency_max && self.breaker.allows(now) {
            let id = self.queue.pop_front()?;
            let Some(open) = self.open.get(&id) else {
                continue;
            };
            if open.waiting.iter().any(|asker| waits(*asker)) {
                self.breaker.asked();
                return Some((id, open.question.clone()));
            }
            self.open.remove(&id);
        }
        None
    }

    /// Questions put and not answered yet.
    pub(super) fn under_way(&self) -> usize {
        self.open.len() - self.queue.len()
    }

    /// How long the question with this id has been open.
    pub(super) fn age(&self, id: QuestionId, now: Instant) -> Option<Duration> {
        let open = self.open.get(&id)?;
        Some(now.since(open.since.instant))
    }

    /// Questions that wait to be put.
    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Bytes that remembered answers take.
    pub(super) fn remembered_bytes(&self) -> usize {
        self.cache.bytes()
    }

    /// An answer, or silence, came. One to a question that is not open any more says nothing to anybody.
    pub(super) fn answered(&mut self, id: QuestionId, answer: Answer, now: Now) -> Told {
        let Some(open) = self.open.remove(&id) else {
            return Told::new();
        };
        let mut told = Told::new();
        self.judge(&answer, now.instant, &mut told);
        let verdict = self.verdict(&open, answer, now);
        open.tell(&verdict, &mut told);
        told
    }

    /// What the answer says about the hook itself.
    fn judge(&mut self, answer: &Answer, now: Instant, told: &mut Told) {
        let Answer::Silent(silence) = answer else {
            if self.breaker.answered() {
                log::info!("the authentication hook answers again");
            }
            if let Answer::Unusable(fault) = answer {
                self.complain(fault, now);
            }
            return;
        };
        let HookSettings {
            failures_max,
            down_time,
            ..
        } = self.settings;
        if self.breaker.failed(failures_max, down_time, now) {
            log::warn!("the authentication hook is down: {silence}");
        }
        if !self.breaker.allows(now) {
            self.give_up_queue(told);
        }
    }

    fn verdict(&mut self, open: &Open, answer: Answer, now: Now) -> Verdict {
        let entries_max = self.settings.cache_entries_max;
        match answer {
            Answer::Known {
                mut identity,
                expires,
            } => {
                identity.expires = expires.map(|expires| expires.date(now.wall));
                // A revocation between question and answer concerns it.
                identity.grant.issued = Some(open.since.wall);
                if !open.is_stale {
                    let time = self.settings.cache_time;
                    let kept = identity.clone();
                    self.cache
                        .remember_known(open.key, kept, time, entries_max, now.instant);
                }
                Verdict::Known(identity)
            }
            Answer::Refused => {
                let time = self.settings.cache_refused_time;
                self.cache
                    .remember_refused(open.key, time, entries_max, now.instant);
                Verdict::Refused
            }
            Answer::Unusable(_) | Answer::Silent(_) => Verdict::Unavailable,
        }
    }

    /// Says in the log, though not for each of a crowd, that the operator's program is at fault.
    fn complain(&mut self, fault: &impl std::fmt::Display, now: Instant) {
        let may_speak = self
            .last_complaint
            .is_none_or(|last| last + COMPLAINT_TIME_MIN <= now);
        if may_speak {
            let unsaid = std::mem::take(&mut self.unsaid);
            self.last_complaint = Some(now);
            log::warn!(
                "an answer of the authentication hook can not be used: {fault} ({unsaid} more since the last time)"
            );
        } else {
            self.unsaid = self.unsaid.saturating_add(1);
        }
    }

    fn give_up_queue(&mut self, told: &mut Told) {
        for id in std::mem::take(&mut self.queue) {
            if let Some(open) = self.open.remove(&id) {
                open.tell(&Verdict::Unavailable, told);
            }
        }
    }

    /// Gives up what has waited in the queue for too long.
    pub(super) fn expire(&mut self, now: Instant) -> Told {
        let mut told = Told::new();
        while self.next_deadline().is_some_and(|due| due <= now)
            && let Some(id) = self.queue.pop_front()
        {
            if let Some(open) = self.open.remove(&id) {
                open.tell(&Verdict::Unavailable, &mut told);
            }
        }
        told
    }

    /// When [`Questions::expire`] has something to do.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let oldest = self.open.get(self.queue.front()?)?;
        Some(oldest.since.instant + self.settings.timeout)
    }

    /// How long somebody who was told [`Verdict::Unavailable`] should wait.
    pub(super) fn retry_after(&self, now: Instant) -> Duration {
        self.breaker.wait(now).max(BUSY_RETRY)
    }

    /// Lets nobody in as `user` for what was answered before.
    pub(super) fn forget_user(&mut self, user: &str) {
        self.cache.forget_user(user);
        for open in self.open.values_mut() {
            open.is_stale = true;
        }
    }

    /// Goes on with other settings: what was answered is forgotten, what was asked is asked anew.
    pub(super) fn reconfigure(&mut self, settings: HookSettings) -> Told {
        let mut told = Told::new();
        if settings == self.settings {
            return told;
        }
        self.settings = settings;
        self.cache.clear();
        self.breaker = Breaker::default();
        self.queue.clear();
        for open in std::mem::take(&mut self.open).into_values() {
            if self.is_configured() {
                self.enqueue(open);
            } else {
                open.tell(&Verdict::Unavailable, &mut told);
            }
        }
        told
    }
}

impl Open {
    fn join(&mut self, asker: ConnectionId) -> Found {
        if !self.waiting.contains(&asker) {
            if self.waiting.len() >= WAITING_PER_QUESTION_MAX {
                return Found::Verdict(Verdict::Unavailable);
            }
            self.waiting.push(asker);
        }
        Found::Asked
    }

    fn tell(self, verdict: &Verdict, told: &mut Told) {
        let waiting = self.waiting.into_iter();
        told.extend(waiting.map(|asker| (asker, verdict.clone())));
    }
}
