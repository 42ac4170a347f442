//! Rooms in every store: the same questions, the same answers.

use super::*;
use crate::protocol::vocabulary::{Affiliation, RoomKind};
use crate::rooms::audit::Entry;
use crate::rooms::record::{
    Change, Deleter, Floor, From, Head, MessageChange, NewMessage, RoomAnswer, RoomQuestion,
    RoomRecord,
};
use crate::rooms::settings::Settings;
use crate::rooms::standing::{Authority, Sanction, Standing};

pub(super) const DAY: u64 = 24 * HOUR;

pub(super) fn entry(action: &str, at: u64) -> Entry {
    Entry {
        at: wall(at),
        actor: "alice".into(),
        authority: Authority::Room,
        action: action.into(),
        target: "bob".into(),
        seq: Some(7),
        until: Some(wall(at + HOUR)),
        reason: "reason — \"quoted\"".into(),
        details: "topic=x\n".into(),
    }
}

pub(super) fn owner() -> Standing {
    Standing {
        held: Affiliation::Owner,
        ..Standing::default()
    }
}

pub(super) fn banned() -> Standing {
    Standing {
        held: Affiliation::Member,
        ban: Some(Sanction {
            until: Some(wall(DAY)),
            reason: "spam".into(),
            by: "alice".into(),
            authority: Authority::Room,
        }),
        mute: Some(Sanction {
            until: None,
            reason: "".into(),
            by: "".into(),
            authority: Authority::Operator,
        }),
        is_invited: true,
        knocked: Some(wall(5)),
        read: 3,
    }
}

pub(super) fn create(room: &str, at: u64) -> Question {
    let mut settings = Settings::new(RoomKind::Members, true);
    settings.topic = "Tópic".into();
    settings.slow_mode = std::time::Duration::from_millis(1500);
    settings.raid_until = Some(wall(HOUR));
    settings.joins_per_minute = 9;
    let record = RoomRecord {
        id: room.into(),
        settings,
        created_by: "alice".into(),
        created: wall(at),
        last_seq: 0,
        first_seq: 1,
        audit: Head::default(),
        standings: vec![("alice".into(), owner())],
    };
    let entry = entry("create", at);
    Question::Room(RoomQuestion::Create(Box::new(record), Box::new(entry)))
}

/// The same by the operator.
pub(super) fn create_again(room: &str, at: u64) -> Question {
    let Question::Room(RoomQuestion::Create(record, mut entry)) = create(room, at) else {
        unreachable!("it creates");
    };
    entry.authority = Authority::Operator;
    Question::Room(RoomQuestion::Create(record, entry))
}

pub(super) fn say(room: &str, sender: &str, text: &str, key: Option<&str>, at: u64) -> Question {
    Question::Room(RoomQuestion::Append(Arc::new(NewMessage {
        room: room.into(),
        sender: sender.into(),
        name: sender.to_uppercase().into(),
        text: text.into(),
        at: wall(at),
        key: key.map(Into::into),
    })))
}

pub(super) fn known(room: &str, sender: &str, key: &str, at: u64) -> Question {
    match say(room, sender, "", Some(key), at) {
        Question::Room(RoomQuestion::Append(message)) => {
            Question::Room(RoomQuestion::Known(message))
        }
        other => other,
    }
}

pub(super) fn nothing(room: &str, at: u64) -> Change {
    Change {
        room: room.into(),
        at: wall(at),
        settings: None,
        standings: Vec::new(),
        messages: None,
        is_deletion: false,
        floor: Floor::default(),
        entry: None,
    }
}

pub(super) fn change(change: Change) -> Question {
    Question::Room(RoomQuestion::Change(Box::new(change)))
}

fn of_messages(room: &str, of: MessageChange, at: u64) -> Question {
    change(Change {
        messages: Some(of),
        ..nothing(room, at)
    })
}

pub(super) fn edit(room: &str, seq: u64, author: &str, text: &str, at: u64) -> Question {
    let (author, text) = (author.into(), text.into());
    of_messages(room, MessageChange::Edit { seq, author, text }, at)
}

pub(super) fn delete_message(room: &str, seq: u64, by: Deleter, at: u64) -> Question {
    of_messages(room, MessageChange::Delete { seq, by }, at)
}

/// As its author begins it: without an entry.
pub(super) fn purge(room: &str, user: &str, messages_max: usize, at: u64) -> Question {
    of_messages(room, all_of(user, messages_max, false), at)
}

pub(super) fn all_of(user: &str, messages_max: usize, is_rest: bool) -> MessageChange {
    MessageChange::DeleteAllOf {
        user: user.into(),
        messages_max,
        is_rest,
    }
}

pub(super) fn delete(room: &str, at: u64) -> Question {
    change(Change {
        is_deletion: true,
        entry: Some(entry("delete", at)),
        ..nothing(room, at)
    })
}

pub(super) fn page(room: &str, from: From, messages_max: usize, bytes_max: usize) -> Question {
    Question::Room(RoomQuestion::Page {
        room: room.into(),
        from,
        floor: Floor::default(),
        messages_max,
        bytes_max,
    })
}

pub(super) fn log_of(room: &str, from: From, entries_max: usize) -> Question {
    Question::Room(RoomQuestion::Log {
        room: room.into(),
        from,
        entries_max,
    })
}

pub(super) fn read(room: &str, user: &str, seq: u64) -> Question {
    let (room, user) = (room.into(), user.into());
    Question::Room(RoomQuestion::Read { room, user, seq })
}

pub(super) fn floor(first_seq: u64, since: Option<u64>) -> Floor {
    Floor {
        first_seq,
        since: since.map(wall),
    }
}

pub(super) fn trim(
    room: &str,
    first_seq: u64,
    before: Option<u64>,
    messages_max: usize,
) -> Question {
    Question::Room(RoomQuestion::Trim {
        room: room.into(),
        floor: floor(first_seq, before),
        messages_max,
    })
}

/// An answer about rooms in short.
pub(super) fn short(answer: &RoomAnswer) -> String {
    match answer {
        RoomAnswer::Created(None) => "exists".to_owned(),
        RoomAnswer::Created(Some(room)) => format!("created, entry {}", room.audit.number),
        RoomAnswer::Changed(changed) => {
            let more = if changed.is_more { " and more" } else { "" };
            format!("entry {} {:?}{more}", changed.head.number, changed.messages)
        }
        RoomAnswer::Appended {
            seq, is_repeated, ..
        } => {
            let repeated = if *is_repeated { " again" } else { "" };
            format!("said {seq}{repeated}")
        }
        RoomAnswer::Page {
            messages,
            first_seq,
            last_seq,
        } => {
            let of = |message: &crate::rooms::record::MessageRecord| {
                let mark = match (message.deleted, message.edited) {
                    (Some(_), _) => "-",
                    (None, Some(_)) => "*",
                    (None, None) => "",
                };
                format!("{}{mark}:{}", message.seq, message.text)
            };
            let messages: Vec<String> = messages.iter().map(of).collect();
            format!("{} of {first_seq}-{last_seq}", messages.join(" "))
        }
        RoomAnswer::Log { entries, head } => {
            let actions: Vec<&str> = entries.iter().map(|(_, entry)| &*entry.action).collect();
            format!("{} up to {}", actions.join(" "), head.number)
        }
        RoomAnswer::Read => "read".to_owned(),
        RoomAnswer::Trimmed {
            first_seq, is_more, ..
        } => {
            let more = if *is_more { " and more" } else { "" };
            format!("from {first_seq}{more}")
        }
        RoomAnswer::Spared => "spared".to_owned(),
        RoomAnswer::Foreign => "foreign".to_owned(),
        RoomAnswer::Missing => "missing".to_owned(),
    }
}

pub(super) fn moderator(spared: &[&str]) -> Deleter {
    let spared = spared.iter().map(|user| (*user).into()).collect();
    Deleter::Moderator { spared }
}

fn appending() -> Vec<(Question, &'static str)> {
    vec![
        (say("a", "bob", "nobody hears", None, 0), "missing"),
        (page("a", From::After(0), 10, 100), "missing"),
        (log_of("a", From::After(0), 10), "missing"),
        (read("a", "bob", 1), "missing"),
        (trim("a", 5, None, 10), "missing"),
        (change(nothing("a", 0)), "missing"),
        (create("a", 0), "created, entry 1"),
        (create("a", 0), "exists"),
        (create("b", 0), "created, entry 1"),
        (page("a", From::Before(u64::MAX), 10, 100), " of 1-0"),
        (say("a", "bob", "one", None, 1), "said 1"),
        (say("a", "bob", "two", Some("k"), 2), "said 2"),
        (say("a", "bob", "two", Some("k"), 3), "said 2 again"),
        (say("a", "eve", "three", Some("k"), 4), "said 3"),
        (say("b", "bob", "else", Some("k"), 5), "said 1"),
        (say("a", "bob", "", Some("K"), 6), "said 4"),
        (say("a", "bob", "two", Some("k"), DAY + 1), "said 2 again"),
        (say("a", "bob", "five", Some("k"), DAY + 2), "said 5"),
        (say("a", "bob", "five", Some("k"), DAY + 3), "said 5 again"),
        (page("a", From::After(0), 2, 100), "1:one 2:two of 1-5"),
        (page("a", From::After(3), 9, 100), "4: 5:five of 1-5"),
        (page("a", From::Before(5), 2, 100), "3:three 4: of 1-5"),
        (page("a", From::Before(1), 2, 100), " of 1-5"),
        // Of texts so many bytes, but always one.
        (page("a", From::After(0), 9, 6), "1:one 2:two of 1-5"),
        (page("a", From::After(2), 9, 1), "3:three of 1-5"),
        (page("a", From::Before(6), 9, 9), "3:three 4: 5:five of 1-5"),
        (page("a", From::Before(6), 9, 8), "4: 5:five of 1-5"),
        (page("a", From::After(u64::MAX), 9, 8), " of 1-5"),
    ]
}

fn changing() -> Vec<(Question, &'static str)> {
    let author = |user: &str| Deleter::Author(user.into());
    vec![
        (create("a", 0), "created, entry 1"),
        (say("a", "bob", "one", None, 1), "said 1"),
        (say("a", "eve", "two", None, 1), "said 2"),
        (say("a", "bob", "three", None, 1), "said 3"),
        (say("a", "bob", "four", None, 1), "said 4"),
        (edit("a", 2, "bob", "mine", 2), "foreign"),
        (edit("a", 9, "bob", "mine", 2), "missing"),
        (edit("a", 1, "bob", "uno", 2), "entry 1 [1]"),
        (delete_message("a", 2, author("bob"), 3), "foreign"),
        (delete_message("a", 2, moderator(&["eve"]), 3), "spared"),
        (
            delete_message("a", 2, moderator(&["bob"]), 3),
            "entry 1 [2]",
        ),
        (delete_message("a", 2, moderator(&[]), 3), "missing"),
        (edit("a", 2, "eve", "back", 3), "missing"),
        (page("a", From::After(0), 2, 99), "1*:uno 2-: of 1-4"),
        (purge("a", "bob", 2, 4), "entry 1 [3, 4] and more"),
        (purge("a", "bob", 2, 4), "entry 1 [1]"),
        (purge("a", "bob", 2, 4), "entry 1 []"),
        (
            change(Change {
                standings: vec![
                    ("bob".into(), banned()),
                    ("eve".into(), Standing::default()),
                ],
                entry: Some(entry("ban", 5)),
                ..nothing("a", 5)
            }),
            "entry 2 []",
        ),
        (
            change(Change {
                messages: Some(MessageChange::Delete {
                    seq: 1,
                    by: moderator(&[]),
                }),
                entry: Some(entry("delete_message", 6)),
                ..nothing("a", 6)
            }),
            "missing",
        ),
        (log_of("a", From::After(0), 9), "create ban up to 2"),
        (log_of("a", From::After(0), 1), "create up to 2"),
        (log_of("a", From::Before(9), 1), "ban up to 2"),
        (log_of("a", From::Before(2), 9), "create up to 2"),
        (read("a", "eve", 2), "read"),
        (read("a", "eve", 1), "read"),
        (trim("a", 0, Some(1), 10), "from 1"),
        (trim("a", 3, None, 1), "from 3 and more"),
        (trim("a", 3, None, 1), "from 3"),
        (trim("a", 0, Some(2), 9), "from 5"),
        (page("a", From::After(0), 9, 99), " of 5-4"),
        (say("a", "bob", "five", None, 9), "said 5"),
        (delete("a", 10), "entry 3 []"),
        (say("a", "bob", "late", None, 10), "missing"),
        (log_of("a", From::After(1), 9), "ban delete up to 3"),
        (create("a", 11), "exists"),
        (create_again("a", 11), "created, entry 4"),
        (page("a", From::After(0), 9, 99), " of 1-0"),
        (say("a", "bob", "new", None, 12), "said 1"),
    ]
}

#[test]
fn every_store_gives_the_same_answers_about_rooms_one_by_one_and_together() {
    for script in [appending, changing] {
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
}

#[test]
fn what_is_loaded_at_the_start_is_what_was_answered() {
    let directory = tempfile::tempdir().unwrap();
    let mut loaded = Vec::new();
    for mut store in stores(&directory) {
        for (question, _) in changing() {
            ask(&mut *store, question);
        }
        ask(&mut *store, create("b", 0));
        let question = change(Change {
            settings: Some(Box::new(Settings::new(RoomKind::Private, true))),
            standings: vec![("bob".into(), banned())],
            entry: Some(entry("update", 1)),
            ..nothing("b", 1)
        });
        ask(&mut *store, question);
        ask(&mut *store, read("b", "carol", 0));
        loaded.push(store.load_rooms().unwrap());
    }
    loaded.push(open_again(&directory).load_rooms().unwrap());
    assert_eq!(loaded[0], loaded[1]);
    assert_eq!(loaded[0], loaded[2]);
    let [a, b] = loaded[0].as_slice() else {
        panic!("{loaded:?}");
    };
    assert_eq!((a.last_seq, a.first_seq, a.audit.number), (1, 1, 4));
    assert_eq!(a.standings, [("alice".into(), owner())]);
    assert_eq!(a.settings.joins_per_minute, 9);
    assert_eq!(b.settings, Settings::new(RoomKind::Private, true));
    assert!(b.standings.contains(&("bob".into(), banned())));
}

pub(super) fn open_again(directory: &TempDir) -> Sqlite {
    Sqlite::open(directory.path(), Company::Welcome).unwrap()
}

/// Walks the log of a room; the digest of each entry fits to the one before.
pub(super) fn assert_chained(store: &mut dyn Store, room: &str) {
    let mut answers = store.answer(vec![log_of(room, From::After(0), 10_000)]);
    let Some(Answer::Room(RoomAnswer::Log { entries, head })) = answers.pop() else {
        return;
    };
    let mut before = Head::default();
    for (found, entry) in entries {
        let number = before.number + 1;
        let digest = entry.digest(room, number, &before.digest);
        before = Head { number, digest };
        assert_eq!(found, before);
    }
    assert_eq!(head, before);
}

#[test]
fn a_log_is_one_chain_though_its_room_is_deleted_and_made_again() {
    let directory = tempfile::tempdir().unwrap();
    for mut store in stores(&directory) {
        for (question, _) in changing() {
            ask(&mut *store, question);
        }
        assert_chained(&mut *store, "a");
    }
}

#[test]
fn two_servers_on_one_store_number_messages_without_hole_or_repeat_and_learn_of_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = open(directory.path());
    ask(&mut first, create("a", 0));
    ask(&mut first, create("b", 0));
    let mut second = open_again(&directory);
    assert_eq!(first.load_rooms().unwrap(), second.load_rooms().unwrap());
    let mut numbers = Vec::new();
    for round in 0..3 {
        numbers.push(ask(&mut first, say("a", "ann", "one", None, round)));
        numbers.push(ask(&mut second, say("a", "bob", "two", None, round)));
    }
    let expected = [1, 2, 3, 4, 5, 6].map(|number| format!("said {number}"));
    assert_eq!(numbers, expected);
    assert_eq!(news_of(&mut first), ["a at 6, entry 1"]);
    assert_eq!(news_of(&mut first), [""; 0], "told once");

    let ban = Change {
        standings: vec![("bob".into(), banned())],
        entry: Some(entry("ban", 1)),
        ..nothing("b", 1)
    };
    assert_eq!(ask(&mut second, change(ban)), "entry 2 []");
    assert_eq!(ask(&mut first, delete("a", 2)), "entry 2 []");
    assert_eq!(ask(&mut first, create("c", 2)), "created, entry 1");
    assert_eq!(
        news_of(&mut first),
        ["a gone", "b at 0, entry 2", "c at 0, entry 1"]
    );
    assert_eq!(
        news_of(&mut second),
        ["a gone", "b at 0, entry 2", "c at 0, entry 1"]
    );
    assert_eq!(ask(&mut second, say("a", "bob", "two", None, 3)), "missing");
}

fn news_of(store: &mut Sqlite) -> Vec<String> {
    let news = store.news().unwrap().into_iter();
    news.map(|news| match news {
        News::Revoked(revocation) => format!("{:?}", revocation.subject),
        News::Room(room) => format!(
            "{} at {}, entry {}",
            room.id, room.last_seq, room.audit.number
        ),
        News::RoomGone(room) => format!("{room} gone"),
    })
    .collect()
}
