//! The threads for what takes longer than a turn may, and the bounded queues between them and the loop.
//!
//! The loop never waits for them: a full queue is said at once, and an answer wakes the poll.

mod store;

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use mio::Waker;

use super::Server;
use super::shares::{TimeShare, micros};
use crate::engine::{Outcome, Work, WorkId};
use crate::fault::StoreFault;
use crate::store::{Memory, News, Question, Store};
use crate::time::Now;
use store::{StoreThread, fault, outcome, question};

/// Questions that wait for the store; an answer takes microseconds, or one write to the disk for all that wait.
const STORE_QUEUE_MAX: usize = 1024;
/// Answers that wait for the loop. A thread whose answer finds no place waits: the loop takes some every turn.
const REPORTS_MAX: usize = 1024;

/// What a thread has to say.
#[derive(Debug)]
pub(super) enum Report {
    Answered(WorkId, Outcome),
    /// Another process has stored this.
    News(News),
    /// What is wrong with the store now.
    Store(Option<StoreFault>),
}

/// The loop's side.
#[derive(Debug)]
pub(super) struct Workers {
    /// `None` once they are told to end.
    questions: Option<SyncSender<(WorkId, Question)>>,
    reports: Receiver<Report>,
    /// `None` once everything that the thread said was taken and it has gone.
    thread: Option<JoinHandle<()>>,
}

impl Workers {
    /// Starts the threads; `waker` is the poll's, `health` what is wrong with the store as far as it was told.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(
        store: Box<dyn Store>,
        waker: Arc<Waker>,
        health: Option<StoreFault>,
    ) -> io::Result<Self> {
        let (questions, asked) = sync_channel(STORE_QUEUE_MAX);
        let (report, reports) = sync_channel(REPORTS_MAX);
        let thread = thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                // On a machine with one core the loop waits for whoever runs there, and what takes a thousandth of a second here would be felt by
                // everybody who talks.
                if let Err(error) = wardroom_nice::give_way() {
                    log::info!("the store's thread does not give way to the loop: {error}");
                }
                let reporter = Reporter { report, waker };
                let thread = StoreThread::new(store, reporter, health);
                let Reporter { report, waker } = thread.serve(&asked);
                // Who waits for the end hears of it.
                drop(report);
                let _ = waker.wake();
            })?;
        Ok(Workers {
            questions: Some(questions),
            reports,
            thread: Some(thread),
        })
    }

    /// Hands `work` to its thread.
    ///
    /// # Errors
    /// [`Outcome::Busy`] when its queue is full, or the thread has gone.
    pub(super) fn submit(&self, id: WorkId, work: Work) -> Result<(), Outcome> {
        let Some(questions) = &self.questions else {
            return Err(Outcome::Busy);
        };
        match questions.try_send((id, question(work))) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(Outcome::Busy),
        }
    }

    /// The next thing that a thread has said.
    pub(super) fn next_report(&mut self) -> Option<Report> {
        match self.reports.try_recv() {
            Ok(report) => Some(report),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                self.let_go();
                None
            }
        }
    }

    fn let_go(&mut self) {
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the store's thread has panicked");
        }
    }

    /// Asks nothing more: the thread ends when it has done what it was given, or by itself when nobody waits for that.
    /// Nothing was acknowledged that it has not done.
    pub(super) fn ask_no_more(&mut self) {
        self.questions = None;
    }

    /// Whether the thread has gone and everything that it said was taken.
    pub(super) fn have_ended(&self) -> bool {
        self.thread.is_none()
    }
}

/// A thread's side: says something and wakes the loop.
struct Reporter {
    report: SyncSender<Report>,
    waker: Arc<Waker>,
}

impl Reporter {
    /// Says all of it, and wakes the loop once; sooner when it has to make place first.
    fn say_all(&self, reports: impl IntoIterator<Item = Report>) {
        let mut is_silent = true;
        for report in reports {
            is_silent = false;
            match self.report.try_send(report) {
                Ok(()) => {}
                Err(TrySendError::Full(report)) => {
                    self.wake();
                    // Fails when nobody listens any more.
                    let _ = self.report.send(report);
                }
                Err(TrySendError::Disconnected(_)) => return,
            }
        }
        if !is_silent {
            self.wake();
        }
    }

    /// A loop that can not be woken takes the reports in its next turn.
    fn wake(&self) {
        let _ = self.waker.wake();
    }
}

impl Server {
    /// Keeps what must last in `store`. Without this call it lasts as long as the process.
    pub fn keep_in(&mut self, store: Box<dyn Store>) {
        self.store = Some(store);
    }

    pub(super) fn start_workers(&mut self) -> io::Result<()> {
        let store = self.store.take();
        let mut store = store.unwrap_or_else(|| Box::new(Memory::default()));
        // Before anybody is served: what was taken back stays so.
        let revoked = store
            .news()
            .map_err(io::Error::other)?
            .into_iter()
            .filter_map(|news| match news {
                News::Revoked(revocation) => Some(revocation),
                News::Room(_) | News::RoomGone(_) => None,
            });
        self.engine.remember_revocations(revoked, self.now);
        let rooms = store.load_rooms().map_err(io::Error::other)?;
        self.engine.remember_rooms(rooms, self.now);
        let fault = self.answer_at_once(&mut *store);
        self.engine.store_is(fault);
        self.workers = Some(Workers::start(store, self.stop.waker(), fault)?);
        Ok(())
    }

    /// Answers what the engine asks before there is anybody to wait: whoever comes first finds every room of the configuration
    /// kept, or is told what is wrong.
    fn answer_at_once(&mut self, store: &mut dyn Store) -> Option<StoreFault> {
        let asked = std::iter::from_fn(|| self.engine.next_work());
        let (ids, questions): (Vec<_>, Vec<_>) =
            asked.map(|(id, work)| (id, question(work))).unzip();
        let mut found = None;
        if questions.is_empty() {
            return found;
        }
        for (id, answer) in ids.into_iter().zip(store.answer(questions)) {
            found = found.or(fault(&answer));
            self.engine.outcome(id, outcome(answer), self.now);
        }
        if let Some(fault) = found {
            log::error!("the store does not serve: {fault}");
        }
        found
    }

    /// Brings the engine what other threads have said, for a quarter of people's share of the turn at most.
    pub(super) fn take_reports(&mut self, now: Now) {
        let quarter = micros(self.budget.people_microseconds_max / 4);
        let mut share = TimeShare::until(now.instant + quarter);
        loop {
            match self.workers.as_mut().and_then(Workers::next_report) {
                Some(Report::Answered(id, outcome)) => self.engine.outcome(id, outcome, now),
                Some(Report::News(news)) => self.take_news(news, now),
                Some(Report::Store(fault)) => self.engine.store_is(fault),
                None => return,
            }
            if !share.look(&self.clock) {
                break;
            }
        }
        // There may be more, and the poll was woken for them already.
        self.stop.wake();
    }

    fn take_news(&mut self, news: News, now: Now) {
        match news {
            News::Revoked(revocation) => self.engine.apply_revocation(revocation, now),
            News::Room(room) => self.engine.room_is(&room, now),
            News::RoomGone(room) => self.engine.room_is_gone(&room, now),
        }
    }

    /// Hands other threads what the engine asks for; what finds no place is answered at once.
    pub(super) fn hand_out_work(&mut self, now: Now) {
        while let Some((id, work)) = self.engine.next_work() {
            let submitted = match &self.workers {
                Some(workers) => workers.submit(id, work),
                None => Err(Outcome::Busy),
            };
            if let Err(outcome) = submitted {
                self.engine.outcome(id, outcome, now);
            }
        }
    }
}

#[cfg(test)]
mod tests;
