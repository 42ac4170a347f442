//! One suite for every store, and what is SQLite's alone.

mod retention;
mod rooms;
mod twins;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::access::record::{self, NewRevocation, NewSession, SessionsFull};
use crate::access::revocation::Subject;
use crate::access::session::{LAST_USED_STEP_MS, SessionDigest, SessionRecord, SessionValue};
use crate::time::Wall;

const HOUR: u64 = 3_600_000;

fn wall(millis: u64) -> Wall {
    Wall::from_millis(1_764_000_000_000 + millis)
}

fn new_session(number: u8, user: &str, created: u64, expires: u64) -> NewSession {
    let value = SessionValue::new([number; 32]);
    NewSession {
        record: SessionRecord {
            digest: value.digest(),
            user: user.into(),
            name: "Náme 'quoted\"".into(),
            label: "a label".into(),
            created: wall(created),
            expires: wall(expires),
            last_used: None,
        },
        value,
        sessions_max: 6,
        sessions_per_user_max: 3,
    }
}

fn digest(number: u8) -> SessionDigest {
    SessionValue::new([number; 32]).digest()
}

fn insert(number: u8, user: &str, created: u64, expires: u64) -> Question {
    Question::Record(record::Question::InsertSession(Box::new(new_session(
        number, user, created, expires,
    ))))
}

fn find(number: u8, now: u64) -> Question {
    Question::Record(record::Question::FindSession {
        digest: digest(number),
        now: wall(now),
    })
}

fn list(user: Option<&str>, listed_max: usize, now: u64) -> Question {
    Question::Record(record::Question::ListSessions {
        user: user.map(Into::into),
        listed_max,
        now: wall(now),
    })
}

fn revoke(subject: Subject, at: u64, until: u64) -> Question {
    Question::Record(record::Question::Revoke(Box::new(NewRevocation {
        revocation: Revocation {
            subject,
            at: wall(at),
            until: wall(until),
        },
        revocations_max: 3,
    })))
}

fn user(name: &str) -> Subject {
    Subject::User(name.into())
}

/// An answer in short.
fn told(answer: super::Answer) -> String {
    use record::Answer;

    let answer = match answer {
        super::Answer::Record(answer) => answer,
        super::Answer::Room(answer) => return rooms::short(&answer),
        super::Answer::Failed(fault) => return fault.to_string(),
    };
    match answer {
        Answer::Found(None) => "none".to_owned(),
        Answer::Found(Some(record)) => {
            assert_eq!(
                (&*record.name, &*record.label),
                ("Náme 'quoted\"", "a label")
            );
            let used = record
                .last_used
                .map(|used| used.as_millis() - wall(0).as_millis());
            format!("{} {used:?}", record.user)
        }
        Answer::Inserted(_) => "inserted".to_owned(),
        Answer::Full(SessionsFull::All(max)) => format!("full {max}"),
        Answer::Full(SessionsFull::User(max)) => format!("user full {max}"),
        Answer::Listed { sessions, total } => {
            let users: Vec<&str> = sessions.iter().map(|record| &*record.user).collect();
            format!("{} of {total}", users.join(","))
        }
        Answer::Revoked { sessions, .. } => format!("revoked {sessions}"),
        Answer::RevocationsFull(max) => format!("revocations full {max}"),
    }
}

/// Every question with the answer that any store gives, one by one or together.
fn script() -> Vec<(Question, &'static str)> {
    vec![
        (find(1, 0), "none"),
        (insert(1, "alice", 0, HOUR), "inserted"),
        (insert(2, "alice", 1, 2 * HOUR), "inserted"),
        (insert(3, "alice", 2, 10 * HOUR), "inserted"),
        (insert(4, "alice", 3, HOUR), "user full 3"),
        (insert(4, "bob", 4, 10 * HOUR), "inserted"),
        (list(None, 10, 5), "bob,alice,alice,alice of 4"),
        (list(None, 2, 5), "bob,alice of 4"),
        (list(Some("alice"), 10, 5), "alice,alice,alice of 3"),
        (list(Some("nobody"), 10, 5), " of 0"),
        (list(None, 10, HOUR), "bob,alice,alice of 3"),
        // The expired one makes room.
        (insert(5, "alice", HOUR, 9 * HOUR), "inserted"),
        (insert(6, "carol", HOUR, 9 * HOUR), "inserted"),
        (insert(7, "carol", HOUR, 9 * HOUR), "inserted"),
        (insert(8, "dave", HOUR, 9 * HOUR), "full 6"),
        (
            revoke(Subject::Session(digest(6).id()), HOUR, 5 * HOUR),
            "revoked 1",
        ),
        (find(6, HOUR), "none"),
        (revoke(user("alice"), HOUR - 1, 5 * HOUR), "revoked 2"),
        (list(None, 10, HOUR), "carol,alice,bob of 3"),
        (
            revoke(Subject::Token("jti".into()), HOUR, 3 * HOUR),
            "revoked 0",
        ),
        (revoke(user("bob"), HOUR, 5 * HOUR), "revocations full 3"),
        (list(Some("bob"), 10, HOUR), "bob of 1"),
        (revoke(user("alice"), HOUR, 5 * HOUR), "revoked 1"),
        // One is past its time.
        (revoke(user("bob"), 3 * HOUR, 5 * HOUR), "revoked 1"),
    ]
}

fn stores(directory: &TempDir) -> [Box<dyn Store>; 2] {
    [
        Box::new(Memory::default()),
        Box::new(open(directory.path())),
    ]
}

fn open(directory: &Path) -> Sqlite {
    Sqlite::open(directory, Company::Alone).unwrap()
}

/// The one answer.
fn ask(store: &mut dyn Store, question: Question) -> String {
    let mut answers = store.answer(vec![question]);
    assert_eq!(answers.len(), 1);
    told(answers.remove(0))
}

#[test]
fn every_store_gives_the_same_answers_one_by_one_and_together() {
    for together in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        for mut store in stores(&directory) {
            let (questions, expected): (Vec<_>, Vec<_>) = script().into_iter().unzip();
            let answers: Vec<String> = if together {
                store.answer(questions).into_iter().map(told).collect()
            } else {
                let ask = |question| ask(&mut *store, question);
                questions.into_iter().map(ask).collect()
            };
            assert_eq!(answers, expected);
        }
    }
}

#[test]
fn a_revocation_of_an_earlier_date_takes_nothing_from_a_later_one() {
    let directory = tempfile::tempdir().unwrap();
    for mut store in stores(&directory) {
        store.answer(vec![revoke(user("alice"), 2 * HOUR, 5 * HOUR)]);
        // The date was set back.
        let answers = store.answer(vec![revoke(user("alice"), HOUR, 4 * HOUR)]);
        let [super::Answer::Record(record::Answer::Revoked { revocation, .. })] = &*answers else {
            panic!("{answers:?}");
        };
        let in_force = (revocation.at, revocation.until);
        assert_eq!(in_force, (wall(2 * HOUR), wall(5 * HOUR)));
    }
}

#[test]
fn the_last_use_is_noted_once_an_hour() {
    let directory = tempfile::tempdir().unwrap();
    for mut store in stores(&directory) {
        ask(&mut *store, insert(1, "alice", 0, 10 * HOUR));
        ask(&mut *store, find(1, 5));
        let later = LAST_USED_STEP_MS + 4;
        assert_eq!(ask(&mut *store, find(1, later)), "alice Some(5)");
        ask(&mut *store, find(1, later + 1));
        let again = ask(&mut *store, find(1, later + 2));
        assert_eq!(again, format!("alice Some({})", later + 1));
    }
}

/// The revocations among the news.
fn revoked(store: &mut Sqlite) -> Vec<Revocation> {
    let news = store.news().unwrap().into_iter();
    news.filter_map(|news| match news {
        News::Revoked(revocation) => Some(revocation),
        News::Room(_) | News::RoomGone(_) => None,
    })
    .collect()
}

#[test]
fn what_was_answered_is_there_when_the_store_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    {
        let mut store = open(directory.path());
        assert!(store.news().unwrap().is_empty());
        ask(&mut store, insert(1, "alice", 0, HOUR));
        ask(&mut store, revoke(user("bob"), 0, HOUR));
    }
    let mut store = open(directory.path());
    assert_eq!(ask(&mut store, find(1, 1)), "alice None");
    let news = revoked(&mut store);
    let known = Revocation {
        subject: user("bob"),
        at: wall(0),
        until: wall(HOUR),
    };
    assert_eq!(news, [known]);
    assert!(store.news().unwrap().is_empty(), "told once");
}

#[test]
fn two_servers_share_a_store_only_when_they_say_so_and_then_learn_from_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = open(directory.path());
    let refused = Sqlite::open(directory.path(), Company::Alone).unwrap_err();
    assert!(
        refused.to_string().contains("another server uses it"),
        "{refused}"
    );
    let mut second = Sqlite::open(directory.path(), Company::Welcome).unwrap();
    assert!(first.news().unwrap().is_empty() && second.news().unwrap().is_empty());
    ask(&mut first, revoke(user("alice"), 0, HOUR));
    ask(&mut second, revoke(user("bob"), 1, HOUR));
    let subjects = |store: &mut Sqlite| -> Vec<Subject> {
        revoked(store)
            .into_iter()
            .map(|news| news.subject)
            .collect()
    };
    assert!(subjects(&mut first).contains(&user("bob")));
    assert!(subjects(&mut second).contains(&user("alice")));
    ask(&mut first, revoke(user("alice"), 2, HOUR));
    assert_eq!(
        subjects(&mut second),
        [user("alice")],
        "a later one is news"
    );
    drop(first);
    // Whoever stays has the directory for itself.
    second.news().unwrap();
    assert!(Sqlite::open(directory.path(), Company::Alone).is_err());
}

#[test]
fn a_store_whose_file_is_gone_or_another_answers_nothing_until_it_is_back() {
    let directory = TempDir::new().expect("a directory");
    let mut store = open(directory.path());
    assert_eq!(ask(&mut store, find(1, 0)), "none");
    let path = directory.path().join("wardroom.sqlite");
    let aside = directory.path().join("aside");
    fs::rename(&path, &aside).expect("moved away");
    let questions = || {
        [
            find(1, 0),
            insert(1, "ann", 0, HOUR),
            revoke(user("ann"), 0, HOUR),
        ]
    };
    for question in questions() {
        assert_eq!(
            ask(&mut store, question),
            told(Answer::Failed(StoreFault::Replaced))
        );
    }
    fs::write(&path, "another").expect("another in its place");
    for question in questions() {
        assert_eq!(
            ask(&mut store, question),
            told(Answer::Failed(StoreFault::Replaced))
        );
    }
    fs::rename(&aside, &path).expect("moved back");
    assert_eq!(ask(&mut store, find(1, 0)), "none");
}

#[test]
fn nobody_else_may_read_what_is_stored() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("a/b");
    let mut store = open(&directory);
    ask(&mut store, insert(1, "alice", 0, HOUR));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    let files: Vec<_> = fs::read_dir(&directory)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{file:?}");
    }
}

#[test]
fn the_value_of_a_session_is_nowhere_in_the_files() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    ask(&mut store, insert(1, "alice", 0, HOUR));
    let value = SessionValue::new([1; 32]);
    for file in fs::read_dir(directory.path()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        let is_in = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!is_in(value.reveal().as_bytes()) && !is_in(&[1; 32]));
    }
}

/// Opens what `spoil` made of a good store; the error in words.
fn spoiled(spoil: impl FnOnce(&Path)) -> String {
    let directory = tempfile::tempdir().unwrap();
    ask(&mut open(directory.path()), insert(1, "alice", 0, HOUR));
    spoil(&directory.path().join("wardroom.sqlite"));
    Sqlite::open(directory.path(), Company::Alone)
        .unwrap_err()
        .to_string()
}

fn change(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn a_store_that_can_not_be_used_says_why_and_stays_as_it_is() {
    let garbage = |path: &Path| fs::write(path, vec![b'x'; 5000]).unwrap();
    assert!(spoiled(garbage).contains("damaged"));
    let torn = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        bytes[100..4096].fill(0xEE);
        fs::write(path, bytes).unwrap();
    };
    assert!(spoiled(torn).contains("damaged"));
    let newer = |path: &Path| change(path, "PRAGMA user_version = 1000");
    let told = spoiled(newer);
    assert!(
        told.contains("newer version (schema 1000, this one knows 3)"),
        "{told}"
    );
    let foreign = |path: &Path| change(path, "PRAGMA application_id = 7");
    assert!(spoiled(foreign).contains("no store of this program's"));
    let lost = |path: &Path| change(path, "PRAGMA user_version = 0");
    assert!(spoiled(lost).contains("damaged"));
    let odd = |path: &Path| {
        change(
            path,
            "INSERT INTO revocations (kind, subject, at, until) VALUES ('session', 'odd', 0, 0)",
        );
    };
    assert!(
        spoiled(odd).contains("damaged"),
        "nobody is let in on a guess"
    );
}

#[test]
fn a_directory_that_can_not_be_made_says_which() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    let told = Sqlite::open(&file.join("store"), Company::Alone).unwrap_err();
    assert!(told.to_string().starts_with("store.directory: "), "{told}");
}

#[test]
fn a_question_that_fails_leaves_those_it_came_with_alone() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    ask(&mut store, rooms::create("a", 0));
    change(
        &directory.path().join("wardroom.sqlite"),
        "DROP TABLE revocations",
    );
    let questions = vec![
        rooms::say("a", "alice", "one", None, 0),
        revoke(user("bob"), 0, HOUR),
        rooms::say("a", "alice", "two", None, 0),
        insert(1, "alice", 0, HOUR),
    ];
    let answers: Vec<String> = store.answer(questions).into_iter().map(told).collect();
    let fault = "the store can not be read or written";
    assert_eq!(answers, ["said 1", fault, "said 2", "inserted"]);
    assert_eq!(ask(&mut store, find(1, 0)), "alice None");
}
