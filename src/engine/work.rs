//! What the engine asks of other threads, and how their answers find who waits for them.
//!
//! The engine never waits: it queues a [`Work`], puts the request back, and looks at it again when the [`Outcome`] is there.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use slab::Slab;

use super::Engine;
use super::connection::Phase;
use super::questions::Verdict;
use crate::access::record::{Answer, Question};
use crate::fault::StoreFault;
use crate::id::ConnectionId;
use crate::protocol::refusal::RoomRefusal;
use crate::rooms::record::{RoomAnswer, RoomQuestion};
use crate::telemetry::Worker;
use crate::time::{Instant, Now, Wall};

/// Without an answer for so long the store is said to be silent: a hundred times what a disk takes that is merely busy.
const STORE_SILENCE_MAX: Duration = Duration::from_secs(1);

/// Too many questions wait for their answers.
pub(super) const PENDING_ANSWERS: [&str; 2] = ["pending_answers_max", "server"];

/// Something that takes longer than a turn may: a thread does it, and [`Engine::outcome`] brings the answer.
#[derive(Debug, Clone)]
pub enum Work {
    /// A question to the store about sessions and revocations.
    Record(Question),
    /// A question to the store about rooms.
    Room(RoomQuestion),
}

/// What became of a [`Work`].
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The store's answer to [`Work::Record`].
    Record(Answer),
    /// The store's answer to [`Work::Room`].
    Room(RoomAnswer),
    /// The store can not do it, and nothing of it was done.
    Failed(StoreFault),
    /// Nobody took it: a queue was full, or its thread has gone.
    Busy,
}

impl Outcome {
    fn word(&self) -> &'static str {
        match self {
            Outcome::Record(_) | Outcome::Room(_) => "answered",
            Outcome::Failed(_) => "failed",
            Outcome::Busy => "busy",
        }
    }
}

/// Names one work among those without an answer. One that was answered is never meant again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkId {
    slot: u32,
    generation: u32,
}

#[cfg(test)]
impl WorkId {
    pub(crate) fn numbered(slot: u32) -> Self {
        WorkId {
            slot,
            generation: 0,
        }
    }
}

/// How long answers took, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WorkTimes {
    /// Works that were answered.
    pub answered: u64,
    /// Works that nobody took.
    pub refused: u64,
    /// From question to answer, summed over those answered.
    pub waited: Duration,
    /// The longest of them.
    pub waited_max: Duration,
}

/// A connection's side of it.
#[derive(Debug, Default)]
pub(super) enum Awaited {
    #[default]
    Nothing,
    /// Its request was put back until this is answered.
    Asked(WorkId),
    /// The same, until the authentication hook is.
    AskedHook,
    /// The same, until its turn has come among the changes of a room.
    Queued,
    /// The answer is there, and its request is looked at again.
    Come(Box<Come>),
}

/// What a request was put back for.
#[derive(Debug)]
pub(super) enum Come {
    Outcome(Outcome),
    Verdict(Verdict),
    /// The number of what the store keeps now, or why it does not.
    Kept(Result<u64, RoomRefusal>),
    /// A message that the store keeps now: its number, when it was said, and by whom.
    Said(u64, Wall, Arc<str>),
    /// A page of messages, or of a moderation log.
    Page(RoomAnswer),
}

/// Works not yet taken, and those without an answer.
#[derive(Debug)]
pub(super) struct Works {
    queue: VecDeque<(WorkId, Work)>,
    outstanding: Slab<Outstanding>,
    outstanding_max: usize,
    next_generation: u32,
    times: WorkTimes,
    last_answer: Instant,
    store_fault: Option<StoreFault>,
}

#[derive(Debug)]
struct Outstanding {
    id: WorkId,
    /// `None`: nobody's request waits for it.
    asker: Option<ConnectionId>,
    asked: Instant,
    /// It waits for all that is to be kept.
    is_page: bool,
}

impl Works {
    pub(super) fn new(outstanding_max: usize) -> Self {
        Works {
            queue: VecDeque::new(),
            outstanding: Slab::new(),
            outstanding_max,
            next_generation: 0,
            times: WorkTimes::default(),
            last_answer: Instant::ZERO,
            store_fault: None,
        }
    }

    pub(super) fn outstanding(&self) -> usize {
        self.outstanding.len()
    }

    /// Queues `work`; `None` when too many wait.
    fn ask(&mut self, asker: Option<ConnectionId>, work: Work, now: Instant) -> Option<WorkId> {
        if self.outstanding.len() >= self.outstanding_max {
            self.times.refused += 1;
            return None;
        }
        let entry = self.outstanding.vacant_entry();
        let id = WorkId {
            slot: entry.key() as u32,
            generation: self.next_generation,
        };
        self.next_generation = self.next_generation.wrapping_add(1);
        entry.insert(Outstanding {
            id,
            asker,
            asked: now,
            is_page: matches!(&work, Work::Room(question) if question.is_page()),
        });
        self.queue.push_back((id, work));
        Some(id)
    }

    /// Whether something was asked so long ago that an answer should have come; to a page, that none has come to anything since.
    fn is_silent(&self, now: Instant) -> bool {
        let waits = |found: &Outstanding| {
            let since = match found.is_page {
                true => found.asked.max(self.last_answer),
                false => found.asked,
            };
            now.since(since) >= STORE_SILENCE_MAX
        };
        self.outstanding.iter().any(|(_, found)| waits(found))
    }

    /// Whoever asked, and how long they waited; `None` when this was answered before.
    fn finish(
        &mut self,
        id: WorkId,
        outcome: &Outcome,
        now: Instant,
    ) -> Option<(Option<ConnectionId>, Duration)> {
        let slot = id.slot as usize;
        self.outstanding.get(slot).filter(|found| found.id == id)?;
        let found = self.outstanding.try_remove(slot)?;
        self.last_answer = now;
        let waited = now.since(found.asked);
        if matches!(outcome, Outcome::Busy) {
            self.times.refused += 1;
        } else {
            self.times.answered += 1;
            self.times.waited += waited;
            self.times.waited_max = self.times.waited_max.max(waited);
        }
        Some((found.asker, waited))
    }
}

impl Engine {
    /// The next thing for another thread to do. **To be drained at the end of every turn**; each is answered once by
    /// [`Engine::outcome`], with [`Outcome::Busy`] where no thread can take it.
    pub fn next_work(&mut self) -> Option<(WorkId, Work)> {
        self.works.queue.pop_front()
    }

    /// Brings the answer to a work, between two turns or before [`Engine::turn`]. Who asked for it is looked at again in the
    /// next turn; when they have gone meanwhile only what the answer changes for everybody is kept.
    pub fn outcome(&mut self, id: WorkId, outcome: Outcome, now: Now) {
        // What this tells people waits for them from now on, and not since the turn before, however long ago that was.
        self.outbound.turn(now.instant);
        let finished = self.works.finish(id, &outcome, now.instant);
        let asker = finished.and_then(|(asker, waited)| {
            self.counters.worked(Worker::Store, outcome.word(), waited);
            asker
        });
        let Some(outcome) = self.room_outcome(id, outcome, now) else {
            return;
        };
        if let Outcome::Record(Answer::Revoked { revocation, .. }) = &outcome {
            self.apply_revocation(revocation.clone(), now);
        }
        let Some(connection) = asker.and_then(|asker| self.connections.get(asker)) else {
            return;
        };
        if matches!(connection.awaited, Awaited::Asked(asked) if asked == id) {
            self.bring(connection.id, Come::Outcome(outcome));
        }
    }

    /// Lets a request that waits be looked at again in the next turn.
    pub(super) fn bring(&mut self, id: ConnectionId, come: Come) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.awaited = Awaited::Come(Box::new(come));
            self.go_on_soon(id);
        }
    }

    /// Tells what is wrong with the store, or that nothing is any more. The store's thread finds out by itself, asked or not.
    pub fn store_is(&mut self, fault: Option<StoreFault>) {
        self.works.store_fault = fault;
    }

    /// What is wrong with the store: what it says itself, or that it says nothing.
    pub fn store_fault(&self, now: Now) -> Option<StoreFault> {
        let is_silent = self.works.is_silent(now.instant);
        let silent = is_silent.then_some(StoreFault::Silent);
        self.works.store_fault.or(silent)
    }

    /// How long answers took.
    pub fn work_times(&self) -> WorkTimes {
        self.works.times
    }

    /// Asks for `work` on behalf of a connection's request, which is to be put back: [`Engine::take_answer`] gives the
    /// answer when it is looked at again. `false`: too many wait, and this one is not even asked.
    pub(super) fn ask(&mut self, id: ConnectionId, work: Work, now: Now) -> bool {
        let Some(connection) = self.connections.get_mut(id) else {
            return false;
        };
        match self.works.ask(Some(id), work, now.instant) {
            Some(work) => connection.awaited = Awaited::Asked(work),
            None => return false,
        }
        true
    }

    /// Asks for `work` that no request is put back for. `None`: too many wait, and this one is not even asked.
    pub(super) fn ask_for(
        &mut self,
        asker: Option<ConnectionId>,
        work: Work,
        now: Now,
    ) -> Option<WorkId> {
        self.works.ask(asker, work, now.instant)
    }

    /// The answer that a connection's request was put back for; `None` when it was not.
    pub(super) fn take_answer(&mut self, id: ConnectionId) -> Option<Come> {
        let connection = self.connections.get_mut(id)?;
        match std::mem::take(&mut connection.awaited) {
            Awaited::Come(come) => Some(*come),
            other => {
                connection.awaited = other;
                None
            }
        }
    }

    /// Whether a request whose body is all there may be looked at again.
    pub(super) fn is_answered(&self, id: ConnectionId) -> bool {
        self.connections.get(id).is_some_and(|connection| {
            matches!(connection.phase, Phase::Body(_))
                && matches!(connection.awaited, Awaited::Come(_))
        })
    }

    /// The request is answered or gone: an answer that comes later is nobody's.
    pub(super) fn forget_answer(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(id)
            && matches!(connection.phase, Phase::Head(_))
        {
            connection.awaited = Awaited::Nothing;
        }
    }
}
