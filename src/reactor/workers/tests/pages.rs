//! Pages wait for what is to be kept, and are read all the same.

use super::*;
use crate::protocol::vocabulary::RoomKind;
use crate::reactor::workers::store::{PAGES_MAX, PAGES_TIME_MAX};
use crate::rooms::audit::Entry;
use crate::rooms::moderation::Action;
use crate::rooms::record::{Floor, From, Head, NewMessage, RoomQuestion};
use crate::rooms::settings::Settings;

const ROOM: &str = "room";

fn page() -> Work {
    Work::Room(RoomQuestion::Page {
        room: ROOM.into(),
        from: From::Before(u64::MAX),
        floor: Floor::default(),
        messages_max: 100,
        bytes_max: 1024,
    })
}

fn log() -> Work {
    Work::Room(RoomQuestion::Log {
        room: ROOM.into(),
        from: From::Before(u64::MAX),
        entries_max: 100,
    })
}

fn message() -> Work {
    Work::Room(RoomQuestion::Append(Arc::new(NewMessage {
        room: ROOM.into(),
        sender: "alice".into(),
        name: "Alice".into(),
        text: "hi".into(),
        at: Wall::from_millis(1),
        key: None,
    })))
}

fn room() -> Question {
    let record = RoomRecord {
        id: ROOM.into(),
        settings: Settings::new(RoomKind::Public, true),
        created_by: "alice".into(),
        created: Wall::from_millis(0),
        last_seq: 0,
        first_seq: 1,
        audit: Head::default(),
        standings: Vec::new(),
    };
    let entry = Entry::of_server(Action::Create, Wall::from_millis(0));
    Question::Room(RoomQuestion::Create(Box::new(record), Box::new(entry)))
}

/// Questions answered together: pages, and others.
type Batch = (usize, usize);

/// The twin in memory, which says what it is asked, and answers when it is told to.
struct Stepped {
    memory: Memory,
    begun: SyncSender<Batch>,
    go_on: Receiver<()>,
}

impl Store for Stepped {
    fn answer(&mut self, questions: Vec<Question>) -> Vec<Answer> {
        let is_page = |asked: &&Question| matches!(asked, Question::Room(asked) if matches!(asked, RoomQuestion::Page { .. } | RoomQuestion::Log { .. }));
        let pages = questions.iter().filter(is_page).count();
        let _ = self.begun.send((pages, questions.len() - pages));
        let _ = self.go_on.recv();
        self.memory.answer(questions)
    }

    fn load_rooms(&mut self) -> Result<Vec<RoomRecord>, StoreFault> {
        self.memory.load_rooms()
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

/// The thread over such a store, and what it was asked.
struct Thread {
    workers: Workers,
    poll: Poll,
    begun: Receiver<Batch>,
    go: Option<SyncSender<()>>,
    asked: u32,
}

impl Thread {
    fn start() -> Self {
        let (begin, begun) = sync_channel(4096);
        let (go, go_on) = sync_channel(4096);
        let mut memory = Memory::default();
        memory.answer(vec![room()]);
        let store = Stepped {
            memory,
            begun: begin,
            go_on,
        };
        let poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        Thread {
            workers: Workers::start(Box::new(store), waker, None).unwrap(),
            poll,
            begun,
            go: Some(go),
            asked: 0,
        }
    }

    fn ask(&mut self, work: Work) {
        let id = WorkId::numbered(self.asked);
        self.asked += 1;
        self.workers.submit(id, work).unwrap();
    }

    /// What the store is asked next. It is not answered yet.
    fn begun(&self) -> Batch {
        let begun = self.begun.recv_timeout(Duration::from_secs(30));
        begun.expect("the thread asks nothing for half a minute")
    }

    fn go_on(&self) {
        self.go.as_ref().unwrap().send(()).unwrap();
    }

    /// Everything that is answered up to the end, in that order.
    fn end(mut self) -> Vec<Outcome> {
        self.go = None;
        self.workers.ask_no_more();
        let mut outcomes = Vec::new();
        let mut events = Events::with_capacity(1);
        while !self.workers.have_ended() {
            while let Some(report) = self.workers.next_report() {
                if let Report::Answered(_, outcome) = report {
                    outcomes.push(outcome);
                }
            }
            let moment = Some(Duration::from_millis(10));
            self.poll.poll(&mut events, moment).unwrap();
        }
        assert_eq!(outcomes.len(), self.asked as usize);
        outcomes
    }
}

#[test]
fn a_message_behind_many_pages_is_kept_before_most_of_them_are_read() {
    for page in [page, log] {
        let mut thread = Thread::start();
        for _ in 0..512 {
            thread.ask(page());
        }
        let (mut read, _) = thread.begun();
        thread.ask(message());
        loop {
            thread.go_on();
            match thread.begun() {
                (0, 1) => break,
                (pages, 0) => read += pages,
                other => panic!("asked together: {other:?}"),
            }
        }
        assert!(read < 128, "{read} pages were read before a message");
        thread.end();
    }
}

#[test]
fn pages_are_read_though_messages_never_stop() {
    let mut thread = Thread::start();
    thread.ask(message());
    assert_eq!(thread.begun(), (0, 1));
    for _ in 0..100 {
        thread.ask(page());
    }
    let (mut read, mut kept) = (0, 0);
    while read < 100 {
        // One waits whenever the thread looks.
        thread.ask(message());
        thread.go_on();
        let (pages, messages) = thread.begun();
        read += pages;
        kept += messages;
        assert!(kept < 1000, "{read} pages of 100 between {kept} messages");
    }
    assert!(kept > 0, "no message in all this time");
    thread.end();
}

#[test]
fn a_page_holds_what_was_kept_while_it_waited_and_is_told_after_that() {
    let mut thread = Thread::start();
    for number in 0..300 {
        match number % 3 {
            0 => thread.ask(message()),
            _ => thread.ask(page()),
        }
        if number % 20 == 0 {
            thread.go_on();
        }
    }
    let (mut heard, mut pages) = (0, 0);
    for outcome in thread.end() {
        match outcome {
            Outcome::Room(RoomAnswer::Appended { seq, .. }) => {
                assert_eq!(seq, heard + 1);
                heard = seq;
            }
            Outcome::Room(RoomAnswer::Page { last_seq, .. }) => {
                assert_eq!(last_seq, heard, "whoever comes in with it hears on");
                pages += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((heard, pages), (100, 200));
}

#[test]
fn more_pages_than_may_wait_are_refused_and_keep_nothing_from_being_kept() {
    let mut thread = Thread::start();
    thread.ask(message());
    assert_eq!(thread.begun(), (0, 1));
    for _ in 0..STORE_QUEUE_MAX {
        thread.ask(page());
    }
    thread.go_on();
    thread.begun();
    // The thread has taken the others.
    for _ in 0..STORE_QUEUE_MAX - 1 {
        thread.ask(page());
    }
    thread.ask(message());
    let asked = 2 * STORE_QUEUE_MAX - 1;
    let outcomes = thread.end();
    let count = |is_it: fn(&Outcome) -> bool| outcomes.iter().filter(|found| is_it(found)).count();
    let refused = count(|outcome| matches!(outcome, Outcome::Busy));
    let read = count(|outcome| matches!(outcome, Outcome::Room(RoomAnswer::Page { .. })));
    assert_eq!(read + refused, asked);
    assert!(refused > 0 && read >= PAGES_MAX, "{refused} and {read}");
    let kept = count(|outcome| matches!(outcome, Outcome::Room(RoomAnswer::Appended { .. })));
    assert_eq!(kept, 2);
}

#[test]
fn however_long_the_disk_took_a_message_waits_for_pages_no_longer_than_they_may_be_read() {
    let mut thread = Thread::start();
    for _ in 0..100 {
        thread.ask(page());
    }
    thread.begun();
    thread.ask(message());
    thread.go_on();
    assert_eq!(thread.begun(), (0, 1));
    // What a disk does that hangs.
    std::thread::sleep(PAGES_TIME_MAX * 20);
    thread.go_on();
    let (pages, _) = thread.begun();
    thread.ask(message());
    std::thread::sleep(PAGES_TIME_MAX);
    thread.go_on();
    assert_eq!((pages, thread.begun()), (4, (0, 1)));
    thread.end();
}
