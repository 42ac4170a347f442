//! `wardroom store` and `wardroom audit`, beside a store that is open.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::*;
use crate::protocol::vocabulary::RoomKind;
use crate::rooms::audit::Entry;
use crate::rooms::moderation::Action;
use crate::rooms::record::{Change, Floor, Head, NewMessage, RoomQuestion, RoomRecord};
use crate::rooms::settings::Settings;
use crate::store::{Company, Question, Sqlite, Store as _};

/// A store with two rooms: `a` with three messages and as many entries, `b` with nothing.
fn store(directory: &Path) -> Sqlite {
    let mut store = Sqlite::open(&directory.join("store"), Company::Alone).unwrap();
    let mut questions = vec![create("a"), create("b")];
    for text in ["one", "two \"quoted\"\n", "three"] {
        questions.push(say(text));
        questions.push(RoomQuestion::Change(Box::new(Change {
            room: "a".into(),
            at: NOW,
            settings: None,
            standings: Vec::new(),
            messages: None,
            is_deletion: false,
            floor: Floor::default(),
            entry: Some(Entry {
                reason: text.into(),
                actor: "alice".into(),
                until: Some(NOW),
                seq: Some(2),
                ..Entry::of_server(Action::Kick, NOW)
            }),
        })));
    }
    store.answer(questions.into_iter().map(Question::Room).collect());
    store
}

fn create(room: &str) -> RoomQuestion {
    let record = RoomRecord {
        id: room.into(),
        settings: Settings::new(RoomKind::Public, true),
        created_by: "".into(),
        created: NOW,
        last_seq: 0,
        first_seq: 1,
        audit: Head::default(),
        standings: Vec::new(),
    };
    let entry = Entry::of_server(Action::Create, NOW);
    RoomQuestion::Create(Box::new(record), Box::new(entry))
}

fn say(text: &str) -> RoomQuestion {
    RoomQuestion::Append(Arc::new(NewMessage {
        room: "a".into(),
        sender: "alice".into(),
        name: "Alice".into(),
        text: text.into(),
        at: NOW,
        key: None,
    }))
}

/// A command about the store in this directory.
fn about(directory: &Path, arguments: &[&str]) -> Outcome {
    let set = format!("store.directory={}", directory.join("store").display());
    let set = set.as_str();
    wardroom(&[arguments, &["--set", set]].concat())
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn change(directory: &Path, sql: &str) {
    let file = directory.join("store/wardroom.sqlite");
    Connection::open(file).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn a_store_that_is_in_order_is_said_to_be_while_it_is_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let _store = store(directory.path());
    let checked = about(directory.path(), &["store", "check", "--json"]);
    assert_eq!(checked.told(), "");
    let told: Value = serde_json::from_str(&checked.output).unwrap();
    let expected = serde_json::json!({"rooms": 2, "messages": 3, "log_entries": 5, "faults": []});
    assert_eq!(told, expected);
    let table = about(directory.path(), &["store", "check"]);
    assert!(table.output.contains("ROOMS"), "{}", table.output);
}

#[test]
fn a_check_names_what_is_missing_or_was_changed() {
    let drop =
        "DROP TRIGGER moderation_log_is_not_changed; DROP TRIGGER moderation_log_is_not_deleted;";
    for (sql, expected) in [
        (
            "DELETE FROM messages WHERE seq = 2",
            "room \"a\": 2 messages are there from 1 to 3",
        ),
        (
            "DELETE FROM messages WHERE seq = 1",
            "room \"a\": 2 messages are there from 2 to 3",
        ),
        ("DELETE FROM rooms WHERE id = 'a'", "room \"\": 3 messages"),
        (
            "UPDATE moderation_log SET reason = 'other' WHERE room = 'a' AND number = 3",
            "moderation log of \"a\": the hash of entry 3 does not fit",
        ),
        (
            "DELETE FROM moderation_log WHERE room = 'a' AND number = 2",
            "moderation log of \"a\": entry 2 is missing; 3 stands in its place",
        ),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let _store = store(directory.path());
        change(directory.path(), &format!("{drop}{sql}"));
        let checked = about(directory.path(), &["store", "check"]);
        assert_eq!(checked.exit_code(), 1);
        assert!(
            checked.told().contains(expected),
            "{sql}: {}",
            checked.told()
        );
    }
}

#[test]
fn a_damaged_file_is_found_out() {
    let directory = tempfile::tempdir().unwrap();
    drop(store(directory.path()));
    let file = directory.path().join("store/wardroom.sqlite");
    let mut bytes = fs::read(&file).unwrap();
    let last = bytes.len() - 4096;
    bytes[last..].fill(0xEE);
    fs::write(&file, bytes).unwrap();
    let checked = about(directory.path(), &["store", "check"]);
    assert_eq!(checked.exit_code(), 1);
    assert!(checked.told().contains("damaged"), "{}", checked.told());
}

#[test]
fn where_no_store_is_none_is_made() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [
        &["store", "check"][..],
        &["store", "export"],
        &["store", "backup", "copy"],
        &["audit", "verify"],
    ] {
        let outcome = about(directory.path(), arguments);
        assert!(
            outcome.told().contains("there is no store"),
            "{}",
            outcome.told()
        );
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_copy_is_whole_private_and_made_while_the_store_is_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = store(directory.path());
    let copy = directory.path().join("copy.sqlite");
    let made = about(directory.path(), &["store", "backup", path(&copy)]);
    assert_eq!(made.told(), "");
    store.answer(vec![Question::Room(say("later"))]);
    assert_eq!(
        fs::metadata(&copy).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let checked = wardroom(&["store", "check", "--json", "--copy", path(&copy)]);
    assert!(
        checked.output.contains("\"messages\":3"),
        "{}",
        checked.output
    );
    let again = about(directory.path(), &["store", "backup", path(&copy)]);
    assert_eq!(again.exit_code(), 1);
    assert!(again.told().contains("exists"), "{}", again.told());
    let nowhere = directory.path().join("missing/copy.sqlite");
    assert_eq!(
        about(directory.path(), &["store", "backup", path(&nowhere)]).exit_code(),
        1
    );
    let mut left: Vec<_> = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["copy.sqlite", "store"]);

    let restored = directory.path().join("restored");
    fs::create_dir(&restored).unwrap();
    fs::rename(&copy, restored.join("wardroom.sqlite")).unwrap();
    let mut restored = Sqlite::open(&restored, Company::Alone).unwrap();
    assert_eq!(restored.load_rooms().unwrap()[0].last_seq, 3);
}

#[test]
fn everything_is_written_out_a_line_each() {
    let directory = tempfile::tempdir().unwrap();
    let _store = store(directory.path());
    let exported = about(directory.path(), &["store", "export"]);
    let lines: Vec<Value> = exported
        .output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let kinds: Vec<String> = lines
        .iter()
        .map(|line| {
            format!(
                "{} {}",
                line["type"].as_str().unwrap(),
                line["room"].as_str().unwrap()
            )
        })
        .collect();
    let expected = [
        "room a",
        "message a",
        "message a",
        "message a",
        "room b",
        "log a",
        "log a",
        "log a",
        "log a",
        "log b",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(lines[2]["message"], "two \"quoted\"\n");
    assert_eq!(lines[2]["seq"], 2);
    assert_eq!(lines[2]["timestamp"], 1_764_000_000.5);
    assert_eq!(lines[6]["action"], "kick");
    let one = about(directory.path(), &["store", "export", "--room", "b"]);
    assert_eq!(one.output.lines().count(), 2);
    let none = about(directory.path(), &["store", "export", "--room", "c"]);
    assert_eq!(none.told(), "there is no room \"c\"");
}

#[test]
fn a_log_is_verified_in_the_store_in_a_copy_and_in_what_was_written_out() {
    let directory = tempfile::tempdir().unwrap();
    let _store = store(directory.path());
    let copy = directory.path().join("copy.sqlite");
    about(directory.path(), &["store", "backup", path(&copy)]);
    let lines = directory.path().join("lines");
    fs::write(&lines, about(directory.path(), &["store", "export"]).output).unwrap();
    let own = about(directory.path(), &["audit", "verify"]);
    assert_eq!(own.told(), "");
    let from_copy = wardroom(&["audit", "verify", "--copy", path(&copy)]);
    let from_lines = wardroom(&["audit", "verify", "--exported", path(&lines)]);
    assert_eq!(from_copy.output, own.output);
    assert_eq!(from_lines.output, own.output);
    assert_eq!(from_lines.told(), "");
    let row = own.output.lines().nth(1).unwrap();
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells[..2], ["a", "4"]);
    let known = format!("4:{}", cells[2]);
    let verify = ["audit", "verify", "--room", "a", "--known", &known];
    assert_eq!(about(directory.path(), &verify).told(), "");
    let absent = about(directory.path(), &["audit", "verify", "--room", "c"]);
    assert_eq!(absent.told(), "there is no log of \"c\"");

    let changed = fs::read_to_string(&lines)
        .unwrap()
        .replace("\"three\"", "\"four\"");
    fs::write(&lines, changed).unwrap();
    let found = wardroom(&["audit", "verify", "--exported", path(&lines)]);
    let told = found.told();
    assert!(
        told.starts_with("a: the hash of entry 4 does not fit"),
        "{told}"
    );
    // Whoever cuts off the end leaves a chain that fits, but not one that holds what was known.
    let drop =
        "DROP TRIGGER moderation_log_is_not_deleted; DELETE FROM moderation_log WHERE number = 4";
    change(directory.path(), drop);
    assert_eq!(about(directory.path(), &["audit", "verify"]).told(), "");
    let told = about(directory.path(), &verify).told();
    assert_eq!(told, "a: has no entry 4 with that hash");
}

#[test]
fn what_is_no_export_is_said_with_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let lines = directory.path().join("lines");
    for (text, expected) in [
        ("nonsense", "line 1"),
        (
            "{\"type\":\"room\"}\n{\"type\":\"log\",\"room\":\"a\"}",
            "line 2: is no entry",
        ),
    ] {
        fs::write(&lines, text).unwrap();
        let told = wardroom(&["audit", "verify", "--exported", path(&lines)]).told();
        assert!(told.contains(expected), "{told}");
    }
    let bad = wardroom(&["audit", "verify", "--room", "a", "--known", "4:ff"]);
    assert_eq!(bad.exit_code(), 2);
}
