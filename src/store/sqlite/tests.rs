//! What is SQLite's alone: its tables, its faults, and what is left in its file.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::protocol::vocabulary::RoomKind;
use crate::rooms::audit::Entry;
use crate::rooms::record::{
    Change, Deleter, Floor, From, Head, MessageChange, NewMessage, RoomAnswer, RoomQuestion,
};
use crate::rooms::settings::Settings;
use crate::rooms::standing::Authority;

mod power;
mod purges;

fn open(directory: &TempDir) -> Sqlite {
    Sqlite::open(directory.path(), Company::Alone).unwrap()
}

fn entry(action: &str) -> Entry {
    Entry {
        at: Wall::from_millis(1_764_000_000_000),
        actor: "alice".into(),
        authority: Authority::Room,
        action: action.into(),
        target: "".into(),
        seq: None,
        until: None,
        reason: "".into(),
        details: "".into(),
    }
}

fn create() -> RoomQuestion {
    let record = RoomRecord {
        id: "a".into(),
        settings: Settings::new(RoomKind::Public, true),
        created_by: "alice".into(),
        created: Wall::from_millis(0),
        last_seq: 0,
        first_seq: 1,
        audit: Head::default(),
        standings: Vec::new(),
    };
    RoomQuestion::Create(Box::new(record), Box::new(entry("create")))
}

/// The same by the operator, who alone may do so where a room was.
fn create_again() -> RoomQuestion {
    let RoomQuestion::Create(record, mut entry) = create() else {
        unreachable!("it creates");
    };
    entry.authority = Authority::Operator;
    RoomQuestion::Create(record, entry)
}

fn say(text: &str) -> RoomQuestion {
    RoomQuestion::Append(Arc::new(NewMessage {
        room: "a".into(),
        sender: "alice".into(),
        name: "Alice".into(),
        text: text.into(),
        at: Wall::from_millis(1_764_000_000_000),
        key: None,
    }))
}

fn change(messages: Option<MessageChange>, is_deletion: bool) -> RoomQuestion {
    RoomQuestion::Change(Box::new(Change {
        room: "a".into(),
        at: Wall::from_millis(5),
        settings: None,
        standings: Vec::new(),
        messages,
        is_deletion,
        floor: Floor::default(),
        entry: None,
    }))
}

fn ask_all(store: &mut Sqlite, questions: impl IntoIterator<Item = RoomQuestion>) -> Vec<Answer> {
    store.answer(questions.into_iter().map(Question::Room).collect())
}

/// The number that a message got, or the fault.
fn said(store: &mut Sqlite, text: &str) -> std::result::Result<u64, StoreFault> {
    match ask_all(store, [say(text)]).remove(0) {
        Answer::Room(RoomAnswer::Appended { seq, .. }) => Ok(seq),
        Answer::Failed(fault) => Err(fault),
        answer => panic!("{answer:?}"),
    }
}

/// What everybody can read, in order.
fn texts(store: &mut Sqlite) -> Vec<String> {
    let page = RoomQuestion::Page {
        room: "a".into(),
        from: From::After(0),
        floor: Floor::default(),
        messages_max: 100,
        bytes_max: 10_000,
    };
    match ask_all(store, [page]).remove(0) {
        Answer::Room(RoomAnswer::Page { messages, .. }) => {
            let texts = messages.iter().map(|message| message.text.to_string());
            texts.collect()
        }
        answer => panic!("{answer:?}"),
    }
}

fn number(store: &Sqlite, sql: &str) -> i64 {
    store
        .connection
        .query_row(sql, [], |row| row.get(0))
        .unwrap()
}

#[test]
fn nobody_changes_or_deletes_an_entry_of_the_moderation_log_or_leaves_one_out() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(&directory);
    ask_all(&mut store, [create()]);
    let columns = "room, number, at, actor, authority, action, target, reason, details, hash";
    let values = "0, '', 'room', 'ban', '', '', '', zeroblob(32))";
    for sql in [
        "UPDATE moderation_log SET reason = 'other'",
        "DELETE FROM moderation_log",
        &format!("INSERT INTO moderation_log ({columns}) VALUES ('a', 3, {values}"),
        &format!("INSERT OR REPLACE INTO moderation_log ({columns}) VALUES ('a', 1, {values}"),
    ] {
        let refused = store.connection.execute_batch(sql).unwrap_err().to_string();
        let says = refused.contains("only added to") || refused.contains("numbered 1, 2, 3");
        assert!(says, "{sql}: {refused}");
    }
    assert_eq!(number(&store, "SELECT count(*) FROM moderation_log"), 1);
}

#[test]
fn a_full_disk_is_said_leaves_no_hole_and_is_over_when_there_is_room() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(&directory);
    ask_all(&mut store, [create()]);
    let pages = number(&store, "PRAGMA page_count");
    let limit = |store: &Sqlite, pages: i64| {
        let sql = format!("PRAGMA max_page_count = {pages}");
        store.connection.execute_batch(&sql).unwrap();
    };
    limit(&store, pages);
    let text = "x".repeat(2000);
    let mut last = 0;
    let fault = loop {
        match said(&mut store, &text) {
            Ok(seq) => last = seq,
            Err(fault) => break fault,
        }
    };
    assert_eq!(fault, StoreFault::DiskFull);
    let together = ask_all(&mut store, [say(&text), say(&text)]);
    let all_failed = together
        .iter()
        .all(|answer| matches!(answer, Answer::Failed(StoreFault::DiskFull)));
    assert!(all_failed && together.len() == 2, "{together:?}");
    limit(&store, pages + 100);
    assert_eq!(store.probe(), Ok(()));
    assert_eq!(said(&mut store, &text), Ok(last + 1));
    assert_eq!(
        number(&store, "SELECT count(*) FROM messages"),
        last as i64 + 1
    );
}

#[test]
fn a_store_that_may_not_be_written_to_still_shows_what_was_said() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(&directory);
    ask_all(&mut store, [create(), say("one")]);
    store
        .connection
        .execute_batch("PRAGMA query_only = 1")
        .unwrap();
    assert_eq!(said(&mut store, "two"), Err(StoreFault::ReadOnly));
    assert_eq!(store.probe(), Err(StoreFault::ReadOnly));
    let page = RoomQuestion::Page {
        room: "a".into(),
        from: From::After(0),
        floor: Floor::default(),
        messages_max: 9,
        bytes_max: 99,
    };
    let answer = ask_all(&mut store, [page]).remove(0);
    let Answer::Room(RoomAnswer::Page { messages, .. }) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(messages.len(), 1);
    store
        .connection
        .execute_batch("PRAGMA query_only = 0")
        .unwrap();
    assert_eq!(store.probe(), Ok(()));
    assert_eq!(said(&mut store, "two"), Ok(2));
}

#[test]
fn a_store_that_another_process_keeps_locked_says_so_and_goes_on_when_it_lets_go() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(&directory);
    ask_all(&mut store, [create()]);
    store
        .connection
        .busy_timeout(Duration::from_millis(1))
        .unwrap();
    let other = Connection::open(&store.path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(said(&mut store, "one"), Err(StoreFault::Locked));
    assert_eq!(store.probe(), Err(StoreFault::Locked));
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(store.probe(), Ok(()));
    assert_eq!(said(&mut store, "one"), Ok(1));
}

#[test]
fn what_is_damaged_is_said_to_be() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(&directory);
    ask_all(&mut store, [create(), say("one")]);
    store
        .connection
        .execute_batch("UPDATE rooms SET kind = 'unheard of'")
        .unwrap();
    assert_eq!(store.load_rooms().unwrap_err(), StoreFault::Corrupt);
}

#[test]
fn not_a_byte_of_another_programs_file_is_changed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("wardroom.sqlite");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(other);
    let before = fs::read(&path).unwrap();
    let refused = Sqlite::open(directory.path(), Company::Alone).unwrap_err();
    assert!(matches!(refused, OpenError::Foreign { .. }), "{refused}");
    assert!(fs::read(&path).unwrap() == before);
}

#[test]
fn a_store_from_which_nothing_could_start_keeps_its_version() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("wardroom.sqlite");
    older::make(&path, 1, None).unwrap();
    let damage = "PRAGMA ignore_check_constraints = 1; INSERT INTO revocations VALUES (1, 'unheard of', 'x', 1, 2)";
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(damage).unwrap();
    drop(connection);
    Sqlite::open(directory.path(), Company::Alone).unwrap_err();
    let connection = Connection::open(&path).unwrap();
    assert_eq!(schema::found(&connection, &path).unwrap(), 1);
}

#[test]
fn a_log_whose_database_is_gone_is_not_thrown_away() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(&directory);
    ask_all(&mut store, [create(), say("one")]);
    let [database, log] = ["", "-wal"].map(|end| format!("{}{end}", store.path.display()));
    let kept = fs::read(&log).unwrap();
    drop(store);
    fs::write(&log, &kept).unwrap();
    for left in [&b""[..], b"x"] {
        fs::write(&database, left).unwrap();
        let refused = Sqlite::open(directory.path(), Company::Alone).unwrap_err();
        let says = format!("{log}: the store is damaged");
        assert!(refused.to_string().starts_with(&says), "{refused}");
        assert!(fs::read(&log).unwrap() == kept);
    }
    fs::remove_file(&database).unwrap();
    assert!(Sqlite::open(directory.path(), Company::Alone).is_err());
    fs::remove_file(&log).unwrap();
    open(&directory);
}

/// Whether a text stands in the database's file once everything was copied there.
fn is_in_file(store: &Sqlite, text: &str) -> bool {
    store
        .connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    let bytes = fs::read(&store.path).unwrap();
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[test]
fn a_message_that_was_deleted_is_nowhere_in_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(&directory);
    ask_all(
        &mut store,
        [
            create(),
            say("first secret"),
            say("second secret"),
            say("plain"),
        ],
    );
    assert!(is_in_file(&store, "first secret"));
    let by = Deleter::Moderator { spared: Vec::new() };
    let delete = MessageChange::Delete { seq: 1, by };
    let edit = MessageChange::Edit {
        seq: 2,
        author: "alice".into(),
        text: "other".into(),
    };
    ask_all(
        &mut store,
        [change(Some(delete), false), change(Some(edit), false)],
    );
    assert!(!is_in_file(&store, "first secret") && !is_in_file(&store, "second secret"));
    assert!(is_in_file(&store, "plain") && is_in_file(&store, "other"));
}

#[test]
fn what_is_left_of_a_deleted_room_goes_in_small_steps_and_is_nobodys_meanwhile() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(&directory);
    ask_all(&mut store, [create()]);
    ask_all(&mut store, (0..1200).map(|_| say("old")));
    ask_all(&mut store, [change(None, true), create_again()]);
    assert_eq!(said(&mut store, "new"), Ok(1));
    let mut left = Vec::new();
    while store.tidy().unwrap() {
        left.push(number(&store, "SELECT count(*) FROM messages"));
    }
    assert_eq!(left, [701, 201, 1, 1]);
    assert_eq!(number(&store, "SELECT count(*) FROM leftovers"), 0);
    assert_eq!(store.load_rooms().unwrap()[0].last_seq, 1);
}

#[test]
fn keys_of_messages_are_removed_after_a_day() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(&directory);
    ask_all(&mut store, [create()]);
    let keyed = |number: u64, hours: u64| {
        RoomQuestion::Append(Arc::new(NewMessage {
            room: "a".into(),
            sender: "alice".into(),
            name: "Alice".into(),
            text: "text".into(),
            at: Wall::from_millis(1_764_000_000_000 + hours * 3_600_000),
            key: Some(format!("key {number}").into()),
        }))
    };
    ask_all(&mut store, (0..100).map(|number| keyed(number, 0)));
    ask_all(&mut store, (100..150).map(|number| keyed(number, 25)));
    assert_eq!(number(&store, "SELECT count(*) FROM message_keys"), 50);
}

#[test]
fn a_store_of_the_first_version_is_brought_up_and_keeps_what_it_has() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("wardroom.sqlite");
    older::make(&path, 1, None).unwrap();
    let mut store = open(&directory);
    let now = Wall::from_millis(1);
    let list = record::Question::ListSessions {
        user: None,
        listed_max: 9,
        now,
    };
    let answer = store.answer(vec![Question::Record(list)]).remove(0);
    let Answer::Record(record::Answer::Listed { sessions, total: 1 }) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(&*sessions[0].user, "alice");
    assert_eq!(number(&store, "PRAGMA user_version"), 3);
    ask_all(&mut store, [create()]);
    assert_eq!(said(&mut store, "one"), Ok(1));
}

#[test]
fn a_store_of_the_second_version_is_brought_up_and_keeps_what_was_said() {
    let directory = tempfile::tempdir().unwrap();
    older::make(&directory.path().join("wardroom.sqlite"), 2, None).unwrap();
    let mut store = open(&directory);
    assert_eq!(number(&store, "PRAGMA user_version"), 3);
    assert_eq!(said(&mut store, "two"), Ok(2));
    assert_eq!(texts(&mut store), ["one", "two"]);
}

#[test]
fn whoever_looks_into_the_file_reads_words_and_dates() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(&directory);
    ask_all(&mut store, [create(), say("hello")]);
    let read = |sql: &str| -> String {
        store
            .connection
            .query_row(sql, [], |row| row.get(0))
            .unwrap()
    };
    let said = "SELECT concat_ws(' ', room, seq, said, sender, text) FROM said";
    assert_eq!(read(said), "a 1 2025-11-24 16:00:00 alice hello");
    let done = "SELECT concat_ws(' ', room, number, done, actor, authority, action, length(hash)) FROM moderated";
    assert_eq!(read(done), "a 1 2025-11-24 16:00:00 alice room create 64");
    assert_eq!(
        read("SELECT concat_ws(' ', id, kind, join_rule) FROM rooms"),
        "a public open"
    );
}
