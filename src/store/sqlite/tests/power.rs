//! What the disk has for good when the process or the power goes.

use wardroom_disk::{Call, Dice, Files};

use super::*;

fn open_over(directory: &TempDir) -> Sqlite {
    let disk = (wardroom_disk::name(), 1000);
    Sqlite::open_over(directory.path(), Company::Alone, disk).unwrap()
}

fn files(directory: &TempDir) -> Files {
    Files::read(directory.path(), "wardroom.sqlite").unwrap()
}

/// How many messages there are in the room.
fn said(store: &mut Sqlite) -> u64 {
    store.load_rooms().unwrap()[0].last_seq
}

/// A process is killed while a message is written: all of it is in the log, and nobody has synced it. Another reads it, and tells of it.
#[test]
fn what_a_start_finds_in_the_log_of_one_that_was_killed_is_synced_before_it_is_told() {
    let first = tempfile::tempdir().unwrap();
    let mut store = open_over(&first);
    store.answer(vec![Question::Room(create())]);
    let before = files(&first);
    wardroom_disk::record(Vec::new());
    store.answer(vec![Question::Room(say("one"))]);
    let mut calls = wardroom_disk::record(Vec::new());
    assert_eq!(calls.pop(), Some(Call::Sync("wardroom.sqlite-wal".into())));
    drop(store);

    let killed = tempfile::tempdir().unwrap();
    before.clone().after(&calls).write(killed.path()).unwrap();
    wardroom_disk::record(calls);
    let mut store = open_over(&killed);
    assert_eq!(said(&mut store), 1);

    let calls = wardroom_disk::record(Vec::new());
    for seed in 0..32 {
        let cut = tempfile::tempdir().unwrap();
        let disk = before.clone().after_a_cut(&calls, true, Dice::new(seed));
        disk.write(cut.path()).unwrap();
        assert_eq!(said(&mut open_over(&cut)), 1, "{seed}");
    }
}
