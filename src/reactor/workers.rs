//! The threads for what takes longer than a turn may, and the bounded queues between them and the loop.
//!
//! The loop never waits for them: a full queue is said at once, and an answer wakes the poll.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel,
};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use mio::Waker;

use super::Server;
use crate::access::record::Question;
use crate::access::revocation::Revocation;
use crate::engine::{Outcome, Work, WorkId};
use crate::store::{Memory, Store};
use crate::time::Now;

/// Questions that wait for the store; an answer takes microseconds, or one write to the disk for all that wait.
const STORE_QUEUE_MAX: usize = 1024;
/// Answers that wait for the loop. A thread whose answer finds no place waits: the loop takes them every turn.
const REPORTS_MAX: usize = 1024;
/// Questions answered together, so that they share one write to the disk.
const BATCH_MAX: usize = 64;
/// How often the store is asked what another process has written, on its own thread.
const NEWS_EVERY: Duration = Duration::from_secs(1);

/// What threads have said that is taken in one turn; more waits for the next.
const REPORTS_PER_TURN_MAX: usize = 1024;

/// What a thread has to say.
#[derive(Debug)]
pub(super) enum Report {
    Answered(WorkId, Outcome),
    /// Another process has stored this.
    Revoked(Revocation),
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
    /// Starts the threads; `waker` is the poll's.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(store: Box<dyn Store>, waker: Arc<Waker>) -> io::Result<Self> {
        let (questions, asked) = sync_channel(STORE_QUEUE_MAX);
        let (report, reports) = sync_channel(REPORTS_MAX);
        let thread = thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                let reporter = Reporter { report, waker };
                serve_store(store, &asked, &reporter);
                // Who waits for the end hears of it.
                let Reporter { report, waker } = reporter;
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
        let Work::Record(question) = work;
        let Some(questions) = &self.questions else {
            return Err(Outcome::Busy);
        };
        match questions.try_send((id, question)) {
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
    /// `false` when nobody listens any more.
    fn say(&self, report: Report) -> bool {
        let is_heard = self.report.send(report).is_ok();
        // A loop that can not be woken takes the report in its next turn.
        is_heard && self.waker.wake().is_ok()
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
        self.engine.remember_revocations(store.news(), self.now);
        self.workers = Some(Workers::start(store, self.stop.waker())?);
        Ok(())
    }

    /// Brings the engine what other threads have said.
    pub(super) fn take_reports(&mut self, now: Now) {
        for _ in 0..REPORTS_PER_TURN_MAX {
            match self.workers.as_mut().and_then(Workers::next_report) {
                Some(Report::Answered(id, outcome)) => self.engine.outcome(id, outcome, now),
                Some(Report::Revoked(revocation)) => self.engine.apply_revocation(revocation, now),
                None => return,
            }
        }
        // There may be more, and the poll was woken for them already.
        self.stop.wake();
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

/// Answers questions until there is nobody to ask any.
fn serve_store(
    mut store: Box<dyn Store>,
    asked: &Receiver<(WorkId, Question)>,
    reporter: &Reporter,
) {
    loop {
        match asked.recv_timeout(NEWS_EVERY) {
            Ok(first) => {
                let rest = asked.try_iter().take(BATCH_MAX - 1);
                let (ids, questions): (Vec<_>, Vec<_>) = std::iter::once(first).chain(rest).unzip();
                let answers = store.answer(questions);
                debug_assert_eq!(ids.len(), answers.len(), "an answer to every question");
                for (id, answer) in ids.into_iter().zip(answers) {
                    reporter.say(Report::Answered(id, Outcome::Record(answer)));
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                for revocation in store.news() {
                    reporter.say(Report::Revoked(revocation));
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

#[cfg(test)]
mod tests;
