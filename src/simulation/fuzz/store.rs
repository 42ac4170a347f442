//! Files of a store that somebody has changed, cut off, or made up: refused, or opened to what they held.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use crate::access::record;
use crate::fault::StoreFault;
use crate::rooms::audit::Entry;
use crate::rooms::record::{
    Change, Deleter, Floor, From, MessageChange, NewMessage, RoomAnswer, RoomQuestion,
};
use crate::rooms::standing::Authority;
use crate::simulation::scratch::Scratch;
use crate::store::{Answer, Archive, Company, Exported, OpenError, Question, Sqlite, Store, older};
use crate::time::Wall;

const DATABASE: &str = "wardroom.sqlite";
const LOG: &str = "wardroom.sqlite-wal";
const FILES: [&str; 4] = [DATABASE, LOG, "wardroom.sqlite-shm", "wardroom.lock"];
/// Small pages make small files, in which more places are looked at.
const PAGE_BYTES: u16 = 512;
/// The room of all these stores.
const ROOM: &str = "a";
/// Where the file says what it is.
const HEADER_BYTES: usize = 100;
/// Where in it the version stands, and the latest there is.
const VERSION: Range<usize> = 60..64;
const VERSION_MAX: i32 = 3;
/// Changes of one input, at most.
const CHANGES_MAX: usize = 64;
/// Steps of tidying up that are gone.
const STEPS: usize = 4;

/// What a server and a command find in a store: sessions, and the messages of each room.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Content {
    sessions: usize,
    rooms: BTreeMap<String, Vec<(u64, String, String)>>,
}

/// A store that is as it should be.
struct Good {
    database: Vec<u8>,
    log: Vec<u8>,
    content: Content,
}

/// By version, and the last with what was done last still in its log.
static GOOD: LazyLock<Vec<Good>> = LazyLock::new(|| {
    let scratch = Scratch::new();
    let all = vec![
        make(&scratch, 1, false),
        make(&scratch, 2, false),
        make(&scratch, 2, true),
        with_log(&scratch),
    ];
    for (good, (sessions, said)) in all.iter().zip(HELD) {
        assert_eq!(good.content, Content::new(sessions, said));
    }
    all
});

/// What each holds: sessions, and what was said in the room, the first of it deleted later.
const HELD: [(usize, &[(&str, &str)]); 4] = [
    (1, &[]),
    (1, &[("bob", "one")]),
    (1, &[("bob", ""), ("bob", "two"), ("bob", "three")]),
    (
        1,
        &[
            ("bob", ""),
            ("bob", "two"),
            ("bob", "three"),
            ("dora", "four"),
            ("dora", "five"),
            ("dora", "six"),
        ],
    ),
];

thread_local! {
    static SCRATCH: Scratch = Scratch::new();
}

/// A store from bytes is refused for a reason, and nothing of it is touched then; or it is what it was, serves, and says the same to a server, to a
/// command and to the next start.
///
/// The first byte chooses: the bytes are the file (0), or changes to a store of version 1 to 3 (1 to 3), or to one whose log was not copied yet (4), or to
/// that log (5). The next two say where the file ends, with all of it at 0. Each change is a place of two bytes, and what stands there.
///
/// # Panics
/// When it is not so.
pub fn store(input: &[u8]) {
    SCRATCH.with(|scratch| run(scratch, input));
}

fn run(scratch: &Scratch, input: &[u8]) {
    let Some((choice, rest)) = input.split_first() else {
        return;
    };
    for name in FILES {
        // Most are not there.
        let _ = fs::remove_file(scratch.path().join(name));
    }
    let choice = usize::from(*choice) % 6;
    let Some(number) = choice.checked_sub(1) else {
        scratch.write(DATABASE, rest);
        open(scratch.path(), Some(rest), None, false);
        return;
    };
    let good = &GOOD[number.min(GOOD.len() - 1)];
    let (mut database, mut log) = (good.database.clone(), good.log.clone());
    let is_of_log = number == GOOD.len();
    let file = if is_of_log { &mut log } else { &mut database };
    let is_changed = change(file, rest);
    scratch.write(DATABASE, &database);
    if !log.is_empty() {
        scratch.write(LOG, &log);
    }
    // A file of one byte counts as empty to SQLite: a new store, unless a log is there, which alone has what was said.
    let is_empty = database.len() <= 1;
    if is_empty && !log.is_empty() {
        let opened = Sqlite::open(scratch.path(), Company::Alone);
        assert!(opened.is_err(), "a log whose database is gone");
        assert_eq!(fs::read(scratch.path().join(LOG)).ok(), Some(log));
        return;
    }
    // What a log ends with that is cut off was never kept, as far as anybody can tell.
    let held = (!is_changed && !is_empty).then_some(&good.content);
    // A log is copied whenever the file was open.
    let untouched = log.is_empty().then_some(&*database);
    open(scratch.path(), untouched, held, is_of_log);
}

/// Cuts a file off and changes bytes of it; whether any is another now, beside those that are missing.
fn change(file: &mut Vec<u8>, rest: &[u8]) -> bool {
    let (end, changes) = rest.split_at(rest.len().min(2));
    if let [high, low] = end
        && let end = usize::from(u16::from_be_bytes([*high, *low]))
        && end > 0
    {
        file.truncate(end);
    }
    let mut is_changed = false;
    for change in changes.chunks_exact(3).take(CHANGES_MAX) {
        let at = usize::from(u16::from_be_bytes([change[0], change[1]]));
        let length = file.len().max(1);
        if let Some(place) = file.get_mut(at % length) {
            is_changed |= *place != change[2];
            *place = change[2];
        }
    }
    is_changed
}

/// `untouched`: what the file must be afterwards if it is refused; `held`: what is in it if it can be opened, all of it or, where the log is cut off, the
/// beginning.
fn open(directory: &Path, untouched: Option<&[u8]>, held: Option<&Content>, is_log_cut: bool) {
    let mut store = match Sqlite::open(directory, Company::Alone) {
        Ok(store) => store,
        Err(error) => return refused(directory, untouched, &error),
    };
    let version = untouched.and_then(|file| file.get(VERSION)?.try_into().ok());
    let version = version.map_or(0, i32::from_be_bytes);
    assert!(version <= VERSION_MAX, "a store of version {version}");
    let Ok(found) = read(&mut store) else {
        return;
    };
    if let Some(held) = held {
        let is_whole = found == *held || (is_log_cut && found.begins(held));
        let is_known = is_whole || !is_sound(directory);
        assert!(is_known, "{found:?} is left of {held:?}");
    }
    let said = serve(&mut store);
    drop(store);
    if !is_sound(directory) {
        return;
    }
    let mut expected = found;
    if let (Some(seq), Some(messages)) = (said, expected.rooms.get_mut(ROOM)) {
        messages.push((seq, "carol".to_owned(), "more".to_owned()));
    }
    assert_eq!(exported(directory), Ok(expected.rooms.clone()));
    let again = Sqlite::open(directory, Company::Alone);
    let mut again = again.unwrap_or_else(|error| panic!("opened once and no more: {error}"));
    assert_eq!(read(&mut again), Ok(expected));
}

/// A file that is refused is as it was; one that is damaged may say by now that it has a log.
fn refused(directory: &Path, untouched: Option<&[u8]>, error: &OpenError) {
    assert!(!error.to_string().is_empty());
    let Some(database) = untouched else {
        return;
    };
    let found = fs::read(directory.join(DATABASE)).expect("the file is there");
    let is_ours = matches!(error, OpenError::Fault { .. });
    let from = if is_ours { HEADER_BYTES } else { 0 };
    assert!(
        found.len() == database.len() && found.get(from..) == database.get(from..),
        "{error}, and it is another"
    );
}

impl Content {
    fn new(sessions: usize, said: &[(&str, &str)]) -> Self {
        let numbered = said.iter().zip(1..);
        let messages: Vec<_> = numbered
            .map(|((sender, text), seq)| (seq, (*sender).to_owned(), (*text).to_owned()))
            .collect();
        let is_there = !messages.is_empty();
        let rooms = is_there.then(|| (ROOM.to_owned(), messages));
        Content {
            sessions,
            rooms: rooms.into_iter().collect(),
        }
    }

    /// Whether this is how another began.
    fn begins(&self, other: &Content) -> bool {
        self.rooms.iter().all(|(room, messages)| {
            let whole = other.rooms.get(room);
            whole.is_some_and(|whole| whole.starts_with(messages))
        })
    }
}

/// Whether the store finds nothing wrong with itself.
fn is_sound(directory: &Path) -> bool {
    let checked = Archive::in_directory(directory).and_then(|mut archive| archive.check());
    checked.is_ok_and(|checked| checked.faults.is_empty())
}

fn ask(store: &mut Sqlite, question: Question) -> Result<Answer, StoreFault> {
    let mut answers = store.answer(vec![question]);
    assert_eq!(answers.len(), 1);
    match answers.remove(0) {
        Answer::Failed(fault) => Err(fault),
        answer => Ok(answer),
    }
}

/// What a server finds.
fn read(store: &mut Sqlite) -> Result<Content, StoreFault> {
    let mut rooms = BTreeMap::new();
    for room in store.load_rooms()? {
        let page = RoomQuestion::Page {
            room: Arc::clone(&room.id),
            from: From::After(0),
            floor: Floor::default(),
            messages_max: 1000,
            bytes_max: 1 << 20,
        };
        let Answer::Room(RoomAnswer::Page { messages, .. }) = ask(store, Question::Room(page))?
        else {
            panic!("no page");
        };
        let messages = messages
            .into_iter()
            .map(|message| (message.seq, message.sender.to_string(), message.text.into()));
        rooms.insert(room.id.to_string(), messages.collect());
    }
    store.news()?;
    let list = record::Question::ListSessions {
        user: None,
        listed_max: 10,
        now: Wall::from_millis(1),
    };
    match ask(store, Question::Record(list))? {
        Answer::Record(record::Answer::Listed { total, .. }) => Ok(Content {
            sessions: total,
            rooms,
        }),
        answer => panic!("{answer:?}"),
    }
}

/// Says something in the room, if it is there, and goes on with what can wait; the number that it got.
fn serve(store: &mut Sqlite) -> Option<u64> {
    let answer = ask(store, say("carol", "more"));
    for _ in 0..STEPS {
        if !matches!(store.tidy(), Ok(true)) {
            break;
        }
    }
    // Whether it can be written to was said by the answer.
    let _ = store.probe();
    match answer {
        Ok(Answer::Room(RoomAnswer::Appended { seq, .. })) => Some(seq),
        Ok(Answer::Room(RoomAnswer::Missing)) => None,
        Ok(answer) => panic!("{answer:?}"),
        Err(_) => None,
    }
}

/// Messages of a room: number, sender, text.
type Messages = Vec<(u64, String, String)>;

/// What a command finds.
fn exported(directory: &Path) -> Result<BTreeMap<String, Messages>, String> {
    let mut rooms: BTreeMap<String, Messages> = BTreeMap::new();
    let mut archive = Archive::in_directory(directory).map_err(|error| error.to_string())?;
    let taken = archive.export(None, &mut |exported| {
        match exported {
            Exported::Room(room) => drop(rooms.insert(room.id.to_string(), Vec::new())),
            Exported::Message(room, message) => {
                let messages = rooms.entry(room.to_string()).or_default();
                messages.push((message.seq, message.sender.to_string(), message.text.into()));
            }
            Exported::Entry(..) => {}
        }
        Ok(())
    });
    taken.map_err(|error| error.to_string())?;
    Ok(rooms)
}

fn say(sender: &str, text: &str) -> Question {
    Question::Room(RoomQuestion::Append(Arc::new(NewMessage {
        room: ROOM.into(),
        sender: sender.into(),
        name: sender.into(),
        text: text.into(),
        at: Wall::from_millis(1_764_000_000_000),
        key: Some(text.into()),
    })))
}

/// A moderator deletes the first message.
fn delete() -> Question {
    let by = Deleter::Moderator { spared: Vec::new() };
    Question::Room(RoomQuestion::Change(Box::new(Change {
        room: ROOM.into(),
        at: Wall::from_millis(5),
        settings: None,
        standings: Vec::new(),
        messages: Some(MessageChange::Delete { seq: 1, by }),
        is_deletion: false,
        floor: Floor::default(),
        entry: Some(Entry {
            at: Wall::from_millis(5),
            actor: "alice".into(),
            authority: Authority::Room,
            action: "delete_message".into(),
            target: "bob".into(),
            seq: Some(1),
            until: None,
            reason: "".into(),
            details: "".into(),
        }),
    })))
}

/// A store as version 1 or 2 has left it, or, brought up and used, as this one does.
fn make(scratch: &Scratch, version: u8, is_brought_up: bool) -> Good {
    let path = scratch.path().join(DATABASE);
    for name in FILES {
        // Those of the store before.
        let _ = fs::remove_file(scratch.path().join(name));
    }
    older::make(&path, version, Some(PAGE_BYTES)).expect("a store");
    let before = fs::read(&path).expect("a store");
    let mut store = Sqlite::open(scratch.path(), Company::Alone).expect("a store");
    if is_brought_up {
        for question in [say("bob", "two"), delete(), say("bob", "three")] {
            ask(&mut store, question).expect("a store that is written to");
        }
    }
    let content = read(&mut store).expect("a store that can be read");
    drop(store);
    let database = match is_brought_up {
        true => fs::read(&path).expect("a store"),
        false => before,
    };
    Good {
        database,
        log: Vec::new(),
        content,
    }
}

/// What a server leaves behind that is killed.
fn with_log(scratch: &Scratch) -> Good {
    make(scratch, 2, true);
    let mut store = Sqlite::open(scratch.path(), Company::Alone).expect("a store");
    for text in ["four", "five", "six"] {
        ask(&mut store, say("dora", text)).expect("a store that is written to");
    }
    let file = |name| fs::read(scratch.path().join(name)).expect("a store that is open");
    Good {
        database: file(DATABASE),
        log: file(LOG),
        content: read(&mut store).expect("a store that can be read"),
    }
}
