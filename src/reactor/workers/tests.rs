use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Duration;

use mio::{Events, Poll, Token};

use super::store::BATCH_MAX;
use super::*;
use crate::access::record;
use crate::access::session::SessionValue;
use crate::rooms::record::{RoomAnswer, RoomRecord};
use crate::store::Answer;
use crate::time::Wall;

/// Says when it begins, and answers when it is told to.
struct Slow {
    begun: SyncSender<usize>,
    go_on: Receiver<()>,
}

impl Store for Slow {
    fn answer(&mut self, questions: Vec<Question>) -> Vec<Answer> {
        let _ = self.begun.send(questions.len());
        let _ = self.go_on.recv();
        vec![Answer::Record(record::Answer::Found(None)); questions.len()]
    }

    fn load_rooms(&mut self) -> Result<Vec<RoomRecord>, StoreFault> {
        Ok(Vec::new())
    }

    fn news(&mut self) -> Result<Vec<News>, StoreFault> {
        Ok(Vec::new())
    }

    fn probe(&mut self) -> Result<(), StoreFault> {
        Ok(())
    }

    fn tidy(&mut self) -> Result<bool, StoreFault> {
        Ok(false)
    }
}

fn question() -> Work {
    Work::Record(record::Question::FindSession {
        digest: SessionValue::new([0; 32]).digest(),
        now: Wall::from_millis(0),
    })
}

/// Works need an engine to name them.
fn ids(count: usize) -> Vec<WorkId> {
    (0..count)
        .map(|slot| WorkId::numbered(slot as u32))
        .collect()
}

#[test]
fn a_full_queue_is_said_at_once_and_what_was_taken_is_answered_before_the_end() {
    let (begun, has_begun) = sync_channel(1024);
    let (answer, go_on) = sync_channel(1024);
    let mut poll = Poll::new().unwrap();
    let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
    let store = Box::new(Slow { begun, go_on });
    let mut workers = Workers::start(store, Arc::clone(&waker), None).unwrap();
    let ids = ids(STORE_QUEUE_MAX + 2);
    assert!(workers.submit(ids[0], question()).is_ok());
    assert_eq!(has_begun.recv(), Ok(1));
    for id in &ids[1..=STORE_QUEUE_MAX] {
        assert!(workers.submit(*id, question()).is_ok());
    }
    let refused = workers.submit(ids[STORE_QUEUE_MAX + 1], question());
    assert!(matches!(refused, Err(Outcome::Busy)));
    assert!(workers.next_report().is_none());

    answer.send(()).unwrap();
    let mut events = Events::with_capacity(1);
    poll.poll(&mut events, Some(Duration::from_secs(30)))
        .unwrap();
    assert_eq!(events.iter().count(), 1, "an answer wakes the loop");
    let Some(Report::Answered(first, Outcome::Record(record::Answer::Found(None)))) =
        workers.next_report()
    else {
        panic!("no answer");
    };
    assert_eq!(first, ids[0]);
    // Those that waited share the cost.
    assert_eq!(has_begun.recv(), Ok(BATCH_MAX));
    drop(answer);
    workers.ask_no_more();
    while !workers.have_ended() {
        poll.poll(&mut events, Some(Duration::from_secs(30)))
            .unwrap();
        assert!(!events.is_empty(), "answers and the end wake the loop");
        while workers.next_report().is_some() {}
    }
    let batches: usize = has_begun.try_iter().sum();
    assert_eq!(1 + BATCH_MAX + batches, STORE_QUEUE_MAX + 1);
    let late = workers.submit(ids[0], question());
    assert!(matches!(late, Err(Outcome::Busy)));
}

/// Is broken until it is mended.
struct Fragile {
    is_broken: Arc<AtomicBool>,
}

impl Fragile {
    fn fault(&self) -> Option<StoreFault> {
        let is_broken = self.is_broken.load(Ordering::Relaxed);
        is_broken.then_some(StoreFault::DiskFull)
    }
}

impl Store for Fragile {
    fn answer(&mut self, questions: Vec<Question>) -> Vec<Answer> {
        let answer = match self.fault() {
            Some(fault) => Answer::Failed(fault),
            None => Answer::Record(record::Answer::Found(None)),
        };
        vec![answer; questions.len()]
    }

    fn load_rooms(&mut self) -> Result<Vec<RoomRecord>, StoreFault> {
        Ok(Vec::new())
    }

    fn news(&mut self) -> Result<Vec<News>, StoreFault> {
        Ok(vec![News::RoomGone("a".into())])
    }

    fn probe(&mut self) -> Result<(), StoreFault> {
        self.fault().map_or(Ok(()), Err)
    }

    fn tidy(&mut self) -> Result<bool, StoreFault> {
        Ok(false)
    }
}

/// The next report, in short.
fn wait_for_report(workers: &mut Workers, poll: &mut Poll) -> &'static str {
    let mut events = Events::with_capacity(1);
    loop {
        match workers.next_report() {
            Some(Report::Answered(_, Outcome::Failed(_))) => return "failed",
            Some(Report::Answered(..)) => return "answered",
            Some(Report::Store(Some(StoreFault::DiskFull))) => return "full",
            Some(Report::Store(Some(_))) => return "another fault",
            Some(Report::Store(None)) => return "well",
            Some(Report::News(_)) => return "news",
            None => {}
        }
        poll.poll(&mut events, Some(Duration::from_secs(30)))
            .unwrap();
        assert!(!events.is_empty(), "no report for half a minute");
    }
}

#[test]
fn a_fault_is_told_once_and_its_end_without_anybody_asking() {
    let is_broken = Arc::new(AtomicBool::new(true));
    let store = Fragile {
        is_broken: Arc::clone(&is_broken),
    };
    let mut poll = Poll::new().unwrap();
    let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
    let mut workers = Workers::start(Box::new(store), waker, None).unwrap();
    for id in ids(2) {
        workers.submit(id, question()).unwrap();
    }
    let mut told = vec![wait_for_report(&mut workers, &mut poll)];
    is_broken.store(false, Ordering::Relaxed);
    while told.last() != Some(&"news") {
        told.push(wait_for_report(&mut workers, &mut poll));
    }
    // One may have been asked after it was mended.
    told.retain(|report| !matches!(*report, "failed" | "answered"));
    assert_eq!(told, ["full", "well", "news"]);
}

#[test]
fn who_asks_without_a_pause_still_learns_of_what_others_have_written() {
    let store = Fragile {
        is_broken: Arc::default(),
    };
    let mut poll = Poll::new().unwrap();
    let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
    let mut workers = Workers::start(Box::new(store), waker, None).unwrap();
    let [id] = ids(1)[..] else {
        panic!("one was asked for");
    };
    loop {
        workers.submit(id, question()).unwrap();
        match wait_for_report(&mut workers, &mut poll) {
            "answered" => {}
            report => return assert_eq!(report, "news"),
        }
    }
}

/// Finds the file locked for all but the first of a batch, so many times.
struct Contended {
    go_on: Receiver<()>,
    locked: usize,
    asked: SyncSender<usize>,
}

impl Store for Contended {
    fn answer(&mut self, questions: Vec<Question>) -> Vec<Answer> {
        let _ = self.asked.send(questions.len());
        let _ = self.go_on.recv();
        let kept = Answer::Room(RoomAnswer::Appended {
            seq: 1,
            at: Wall::from_millis(0),
            is_repeated: false,
        });
        let mut answers = vec![kept; questions.len()];
        let is_locked = questions.len() > 1 || (1..3).contains(&self.locked);
        if is_locked && self.locked > 0 {
            self.locked -= 1;
            let done = usize::from(questions.len() > 1);
            answers[done..].fill(Answer::Failed(StoreFault::Locked));
        }
        answers
    }

    fn load_rooms(&mut self) -> Result<Vec<RoomRecord>, StoreFault> {
        Ok(Vec::new())
    }

    fn news(&mut self) -> Result<Vec<News>, StoreFault> {
        Ok(Vec::new())
    }

    fn probe(&mut self) -> Result<(), StoreFault> {
        Err(StoreFault::Locked)
    }

    fn tidy(&mut self) -> Result<bool, StoreFault> {
        Ok(false)
    }
}

#[test]
fn what_finds_the_store_locked_is_tried_again_alone_and_told_meanwhile_and_its_end_before_the_answer()
 {
    let (go, go_on) = sync_channel(8);
    let (asked, batches) = sync_channel(8);
    let store = Contended {
        go_on,
        locked: 3,
        asked,
    };
    let mut poll = Poll::new().unwrap();
    let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
    let mut workers = Workers::start(Box::new(store), waker, None).unwrap();
    let ids = ids(3);
    workers.submit(ids[0], question()).unwrap();
    assert_eq!(batches.recv(), Ok(1));
    workers.submit(ids[1], question()).unwrap();
    workers.submit(ids[2], question()).unwrap();
    for _ in 0..5 {
        go.send(()).unwrap();
    }
    let told: Vec<&str> = (0..5)
        .map(|_| wait_for_report(&mut workers, &mut poll))
        .collect();
    let expected = ["answered", "another fault", "answered", "well", "answered"];
    assert_eq!(told, expected);
    // Two came together; the one that was kept is not kept again.
    assert_eq!(batches.try_iter().collect::<Vec<_>>(), [2, 1, 1, 1]);
}

mod pages;
