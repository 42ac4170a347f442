//! Deleting all that somebody said, cut short.

use super::*;
use crate::store::PURGE_LOOKS_AT_MAX;

fn said_by(sender: &str, text: String) -> RoomQuestion {
    let RoomQuestion::Append(mut message) = say(&text) else {
        unreachable!("it says something");
    };
    Arc::make_mut(&mut message).sender = sender.into();
    RoomQuestion::Append(message)
}

/// A step of deleting all that `mallory` said; the first has an entry in the log.
fn step(is_first: bool) -> RoomQuestion {
    let all = MessageChange::DeleteAllOf {
        user: "mallory".into(),
        messages_max: 2,
        is_rest: !is_first,
    };
    let RoomQuestion::Change(mut change) = change(Some(all), false) else {
        unreachable!("it changes something");
    };
    change.entry = is_first.then(|| entry("purge"));
    RoomQuestion::Change(change)
}

fn purged(store: &mut Sqlite, is_first: bool) -> (Vec<u64>, bool) {
    match ask_all(store, [step(is_first)]).remove(0) {
        Answer::Room(RoomAnswer::Changed(changed)) => (changed.messages.clone(), changed.is_more),
        answer => panic!("{answer:?}"),
    }
}

/// Six messages of mallory's, six of alice's, in turns.
fn fill(store: &mut Sqlite) {
    ask_all(store, [create()]);
    let both = (0..6).flat_map(|number| {
        let bad = said_by("mallory", format!("evil{number}"));
        [bad, said_by("alice", format!("good{number}"))]
    });
    ask_all(store, both);
}

#[test]
fn a_purge_that_the_end_of_the_process_cuts_short_is_whole_when_the_store_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(&directory);
    fill(&mut store);
    assert_eq!(purged(&mut store, true), (vec![9, 11], true));
    // What is said after it was decided is not meant.
    ask_all(&mut store, [said_by("mallory", "sorry".to_owned())]);
    let readable = |store: &mut Sqlite| -> Vec<String> {
        let texts = texts(store).into_iter();
        texts.filter(|text| !text.starts_with("good")).collect()
    };
    for is_open_again in [false, true] {
        if is_open_again {
            drop(store);
            store = open(&directory);
        }
        assert_eq!(readable(&mut store), ["", "", "", "", "", "", "sorry"]);
        let (author, text) = ("mallory".into(), "back".into());
        let edit = MessageChange::Edit {
            seq: 1,
            author,
            text,
        };
        let edited = ask_all(&mut store, [change(Some(edit), false)]).remove(0);
        assert!(
            matches!(edited, Answer::Room(RoomAnswer::Missing)),
            "{edited:?}"
        );
        // Whoever began it goes on with it, and tells of each message; only what nobody goes on with is done unasked.
        assert_eq!(store.tidy(), Ok(is_open_again));
    }
    let mut exported = Vec::new();
    let mut archive = Archive::open(&store.path).unwrap();
    let taken = archive.export(None, &mut |found| {
        if let Exported::Message(_, message) = found {
            exported.push(message.text.to_string());
        }
        Ok(())
    });
    taken.unwrap();
    assert!(!exported.iter().any(|text| text.starts_with("evil")));
    while store.tidy().unwrap() {}
    assert_eq!(readable(&mut store), ["", "", "", "", "", "", "sorry"]);
    let left = "SELECT (SELECT count(*) FROM messages WHERE text LIKE 'evil%') + (SELECT count(*) FROM purges)";
    assert_eq!(number(&store, left), 0);
    let log = "SELECT count(*) FROM moderation_log WHERE action = 'purge'";
    assert_eq!(number(&store, log), 1);
}

#[test]
fn no_step_of_a_purge_looks_at_a_whole_room_and_who_said_nothing_has_nothing_deleted() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(&directory);
    ask_all(&mut store, [create()]);
    ask_all(&mut store, [said_by("mallory", "evil".to_owned())]);
    let many = 2 * PURGE_LOOKS_AT_MAX;
    ask_all(&mut store, (0..many).map(|_| say("x")));
    for _ in 0..2 {
        // The first looks at the latest, the second at those before.
        assert_eq!(purged(&mut store, true), (vec![], true));
        assert_eq!(purged(&mut store, false), (vec![], true));
        let last = purged(&mut store, false);
        assert!(
            last == (vec![1], false) || last == (vec![], false),
            "{last:?}"
        );
    }
    assert_eq!(number(&store, "SELECT count(*) FROM purges"), 0);
}

#[test]
fn what_is_left_of_a_purge_that_another_has_finished_deletes_nothing_that_was_said_since() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(&directory);
    fill(&mut store);
    assert_eq!(purged(&mut store, true), (vec![9, 11], true));
    assert_eq!(purged(&mut store, true), (vec![5, 7], true));
    assert_eq!(purged(&mut store, false), (vec![1, 3], false));
    ask_all(&mut store, [said_by("mallory", "sorry".to_owned())]);
    assert_eq!(purged(&mut store, false), (vec![], false));
    assert!(texts(&mut store).contains(&"sorry".to_owned()));
}
