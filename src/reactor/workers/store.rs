//! The store's thread: answers in the order of the questions, but for pages, which wait for what is to be kept; and once a second looks by itself
//! how the store is.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::{Report, Reporter, STORE_QUEUE_MAX};
use crate::access::record;
use crate::engine::{Outcome, Work, WorkId};
use crate::fault::StoreFault;
use crate::reactor::clock::Clock;
use crate::rooms::record::RoomAnswer;
use crate::store::{Answer, Question, Store};
use crate::time::Instant;

/// Questions answered together, so that they share one write to the disk. A thousandth of a second of work: what waits
/// behind them waits for the disk anyway.
pub(super) const BATCH_MAX: usize = 256;
/// Pages read at a time: so many at most a message waits for that comes while there was nothing to keep.
const PAGES_AT_ONCE: usize = 4;
/// Pages that wait: as many as there may be questions of every kind in the queue. What is more is answered as if that were full.
pub(super) const PAGES_MAX: usize = STORE_QUEUE_MAX;
/// Pages are read for so long at most before what is to be kept is looked at again, however long that took the last time.
pub(super) const PAGES_TIME_MAX: Duration = Duration::from_millis(10);
/// How often the store is asked what another process has written and, after a fault, whether it is well again.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long what finds the file locked by another process is tried again before those who asked are refused. The store itself waits a moment
/// each time; that it is locked is told after the first.
const LOCKED_TIME_MAX: Duration = Duration::from_secs(5);
/// Between two steps of what can wait: questions go first.
const TIDY_PAUSE: Duration = Duration::from_millis(10);

/// What the engine asks, in the store's words.
pub(super) fn question(work: Work) -> Question {
    match work {
        Work::Record(question) => Question::Record(question),
        Work::Room(question) => Question::Room(question),
    }
}

/// What the store says, in the engine's words.
pub(super) fn outcome(answer: Answer) -> Outcome {
    match answer {
        Answer::Record(answer) => Outcome::Record(answer),
        Answer::Room(answer) => Outcome::Room(answer),
        Answer::Failed(fault) => Outcome::Failed(fault),
    }
}

/// A question, and the name of the answer.
type Asked = (WorkId, Question);

/// A store, and what is known of its health.
///
/// **Answers are told in the order in which things were done.** A page that has waited holds every message that was kept meanwhile, and is told after
/// them.
pub(super) struct StoreThread {
    store: Box<dyn Store>,
    reporter: Reporter,
    clock: Clock,
    next_look: Instant,
    health: Option<StoreFault>,
    /// Pages that wait for what is to be kept.
    pages: VecDeque<Asked>,
    /// Whether something that can wait may be left to do.
    is_untidy: bool,
}

impl StoreThread {
    /// `health`: what was wrong with the store before it came here, and told already.
    pub(super) fn new(
        store: Box<dyn Store>,
        reporter: Reporter,
        health: Option<StoreFault>,
    ) -> Self {
        let clock = Clock::start();
        StoreThread {
            store,
            reporter,
            next_look: clock.instant() + LOOK_EVERY,
            clock,
            health,
            pages: VecDeque::new(),
            is_untidy: true,
        }
    }

    /// Answers questions until there is nobody to ask any; gives back by what it was heard.
    pub(super) fn serve(mut self, asked: &Receiver<Asked>) -> Reporter {
        loop {
            let now = self.clock.instant();
            if now >= self.next_look {
                self.look();
                self.next_look = now + LOOK_EVERY;
            }
            let mut wait = self.next_look.since(now);
            if !self.pages.is_empty() {
                wait = Duration::ZERO;
            } else if self.is_untidy {
                wait = wait.min(TIDY_PAUSE);
            }
            match asked.recv_timeout(wait) {
                Ok(first) => self.answer_waiting(first, asked),
                Err(RecvTimeoutError::Timeout) if self.pages.is_empty() => self.tidy(),
                Err(RecvTimeoutError::Disconnected) if self.pages.is_empty() => {
                    return self.reporter;
                }
                Err(_) => self.read_pages(Duration::ZERO),
            }
        }
    }

    /// Answers what waits, and then pages for as long as that took: messages without an end leave them half of the time, where the disk is quick, and
    /// pages without an end make a message wait for no more than it waits for the disk.
    fn answer_waiting(&mut self, first: Asked, asked: &Receiver<Asked>) {
        let batch = self.take(first, asked);
        let begun = self.clock.instant();
        self.answer(batch);
        let took = self.clock.instant().since(begun);
        self.read_pages(took.min(PAGES_TIME_MAX));
    }

    /// What is answered together next. Pages are put behind it.
    fn take(&mut self, first: Asked, asked: &Receiver<Asked>) -> Vec<Asked> {
        let (mut batch, mut refused) = (Vec::new(), Vec::new());
        let mut next = Some(first);
        while let Some((id, question)) = next {
            if !is_page(&question) {
                batch.push((id, question));
            } else if self.pages.len() < PAGES_MAX {
                self.pages.push_back((id, question));
            } else {
                refused.push(Report::Answered(id, Outcome::Busy));
            }
            next = match batch.len() < BATCH_MAX {
                true => asked.try_recv().ok(),
                false => None,
            };
        }
        self.reporter.say_all(refused);
        batch
    }

    /// Reads pages for this long: some at least, where any wait.
    fn read_pages(&mut self, time: Duration) {
        let end = self.clock.instant() + time;
        while !self.pages.is_empty() {
            let some = self.pages.len().min(PAGES_AT_ONCE);
            let pages = self.pages.drain(..some).collect();
            self.answer(pages);
            if self.clock.instant() >= end {
                return;
            }
        }
    }

    fn answer(&mut self, mut asked: Vec<Asked>) {
        let give_up = self.clock.instant() + LOCKED_TIME_MAX;
        while !asked.is_empty() {
            let questions: Vec<_> = asked.iter().map(|(_, asked)| asked.clone()).collect();
            let answers = self.store.answer(questions);
            debug_assert_eq!(asked.len(), answers.len(), "an answer to every question");
            // Before the answers, so that nobody who has one finds the store told to be otherwise. That something could be read does not end
            // a fault: only what is written does.
            match answers.iter().find_map(fault) {
                None if !answers.iter().any(has_written) => {}
                health => self.note(health),
            }
            let goes_on = self.clock.instant() < give_up;
            let is_open = |answer: &Answer| goes_on && fault(answer) == Some(StoreFault::Locked);
            let (open, done): (Vec<_>, Vec<_>) = asked
                .into_iter()
                .zip(answers)
                .partition(|(_, answer)| is_open(answer));
            let done = done.into_iter();
            self.reporter
                .say_all(done.map(|((id, _), answer)| Report::Answered(id, outcome(answer))));
            asked = open.into_iter().map(|(asked, _)| asked).collect();
        }
        self.is_untidy = true;
    }

    /// Finds out what has changed without being asked.
    fn look(&mut self) {
        if self.health.is_some() {
            let probed = self.store.probe().err();
            self.note(probed);
            if probed.is_some() {
                return;
            }
        }
        match self.store.news() {
            Ok(news) => self.reporter.say_all(news.into_iter().map(Report::News)),
            Err(fault) => self.note(Some(fault)),
        }
    }

    fn tidy(&mut self) {
        // A store that is not well is left alone.
        self.is_untidy = self.is_untidy && self.health.is_none();
        if self.is_untidy {
            let tidied = self.store.tidy();
            self.is_untidy = tidied == Ok(true);
            if let Err(fault) = tidied {
                self.note(Some(fault));
            }
        }
    }

    fn note(&mut self, fault: Option<StoreFault>) {
        if fault == self.health {
            return;
        }
        self.health = fault;
        self.reporter.say_all([Report::Store(fault)]);
        match fault {
            Some(fault) => log::error!("the store does not serve: {fault}"),
            None => log::info!("the store serves again"),
        }
    }
}

/// Whether it waits for what is to be kept. Nobody who signs in does.
fn is_page(question: &Question) -> bool {
    match question {
        Question::Room(question) => question.is_page(),
        Question::Record(_) => false,
    }
}

/// What a store says that it can not do.
pub(super) fn fault(answer: &Answer) -> Option<StoreFault> {
    match answer {
        Answer::Failed(fault) => Some(*fault),
        Answer::Record(_) | Answer::Room(_) => None,
    }
}

/// Whether something was written for this answer.
fn has_written(answer: &Answer) -> bool {
    match answer {
        Answer::Room(RoomAnswer::Appended { is_repeated, .. }) => !is_repeated,
        Answer::Room(RoomAnswer::Created(made)) => made.is_some(),
        Answer::Room(RoomAnswer::Changed(changed)) => {
            changed.change.entry.is_some() || !changed.messages.is_empty()
        }
        Answer::Record(record::Answer::Inserted(_) | record::Answer::Revoked { .. }) => true,
        Answer::Room(_) | Answer::Record(_) | Answer::Failed(_) => false,
    }
}
