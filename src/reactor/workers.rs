//! The threads for what takes longer than a turn may, and the bounded queues between them and the loop.
//!
//! The loop never waits for them: a full queue is said at once, and an answer wakes the poll.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use mio::Waker;

use super::Server;
use crate::engine::{Outcome, Work, WorkId};
use crate::fault::StoreFault;
use crate::store::{Answer, Memory, News, Question, Store};
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
        let reporter = Reporter { report, waker };
        let thread = thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || serve_store(store, &asked, &reporter))?;
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
    pub(super) fn next_report(&self) -> Option<Report> {
        self.reports.try_recv().ok()
    }

    /// Lets the threads finish what they were given, and waits for them.
    pub(super) fn finish(&mut self) {
        self.questions = None;
        // Until every thread has let go of its end: one may wait for a place for its answer.
        while self.reports.recv().is_ok() {}
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the store's thread has panicked");
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.finish();
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
        let revoked = store.news().into_iter().filter_map(|news| match news {
            News::Revoked(revocation) => Some(revocation),
            News::Room(_) | News::RoomGone(_) => None,
        });
        self.engine.remember_revocations(revoked, self.now);
        let rooms = store.load_rooms().map_err(io::Error::other)?;
        self.engine.remember_rooms(rooms, self.now);
        self.workers = Some(Workers::start(store, self.stop.waker())?);
        Ok(())
    }

    /// Brings the engine what other threads have said.
    pub(super) fn take_reports(&mut self, now: Now) {
        for _ in 0..REPORTS_PER_TURN_MAX {
            match self.workers.as_ref().and_then(Workers::next_report) {
                Some(Report::Answered(id, outcome)) => self.engine.outcome(id, outcome, now),
                Some(Report::News(news)) => self.take_news(news, now),
                Some(Report::Store(fault)) => self.engine.store_is(fault),
                None => return,
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

/// What the engine asks, in the store's words.
fn question(work: Work) -> Question {
    match work {
        Work::Record(question) => Question::Record(question),
        Work::Room(question) => Question::Room(question),
    }
}

/// What the store says, in the engine's words.
fn outcome(answer: Answer) -> Outcome {
    match answer {
        Answer::Record(answer) => Outcome::Record(answer),
        Answer::Room(answer) => Outcome::Room(answer),
        Answer::Failed(fault) => Outcome::Failed(fault),
    }
}

fn fault(answer: &Answer) -> Option<StoreFault> {
    match answer {
        Answer::Failed(fault) => Some(*fault),
        Answer::Record(_) | Answer::Room(_) => None,
    }
}

/// Answers questions until there is nobody to ask any.
fn serve_store(
    mut store: Box<dyn Store>,
    asked: &Receiver<(WorkId, Question)>,
    reporter: &Reporter,
) {
    let mut health = None;
    loop {
        match asked.recv_timeout(NEWS_EVERY) {
            Ok(first) => {
                let rest = asked.try_iter().take(BATCH_MAX - 1);
                let (ids, questions): (Vec<_>, Vec<_>) = std::iter::once(first).chain(rest).unzip();
                let answers = store.answer(questions);
                debug_assert_eq!(ids.len(), answers.len(), "an answer to every question");
                let fault = answers.iter().find_map(fault);
                if fault != health {
                    health = fault;
                    reporter.say(Report::Store(fault));
                }
                for (id, answer) in ids.into_iter().zip(answers) {
                    reporter.say(Report::Answered(id, outcome(answer)));
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                for news in store.news() {
                    reporter.say(Report::News(news));
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

#[cfg(test)]
mod tests;
