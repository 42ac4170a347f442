//! What the account of memory says that things cost, against what they do take from the allocator.
//!
//! A test program of its own: its allocator counts.

mod remembered;
mod shell;
mod tls;

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use wardroom::config::Config;
use wardroom::engine::{Arithmetic, SOCKET_BYTES};
use wardroom::limit::PrefixTable;
use wardroom::limit::memory::Class;

use shell::Shell;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What the allocator adds to each piece: its own note, and rounding up.
const ALLOCATION: isize = 16;
/// Connections measured at a time: as many as a table has room for that has grown by doubling.
const MEASURED: usize = 1024;

/// Bytes that `work` leaves behind.
fn taken<T>(work: impl FnOnce() -> T) -> (isize, T) {
    let region = Region::new(ALLOCATOR);
    let result = work();
    let change = region.change();
    let pieces = change.allocations as isize - change.deallocations as isize;
    let bytes = change.bytes_allocated as isize - change.bytes_deallocated as isize;
    (bytes + pieces * ALLOCATION, result)
}

/// What the account says that one of these costs.
fn said(label: &str, config: &Config) -> isize {
    let mut shares = Arithmetic::of(config).shares.into_iter();
    let share = shares.find(|share| share.label == label);
    share.expect("a line of the arithmetic").entry as isize
}

#[track_caller]
fn expect_honest(what: &str, said: isize, taken: isize) {
    println!("{what}: {said} bytes by the account, {taken} from the allocator");
    assert!(taken <= said, "{what}: {taken} bytes taken, {said} said");
    assert!(
        said <= taken * 3 / 2,
        "{what}: {said} bytes said, only {taken} taken"
    );
}

/// All in one: what another test takes meanwhile would be counted too.
#[test]
fn the_account_says_no_less_than_what_is_taken_and_not_half_as_much_again() {
    let mut config = shell::config();
    config.limits.head_bytes_max = 8192;
    let of_shell = SOCKET_BYTES as isize;
    let strangers = said("unauthenticated", &config) - 8192 - of_shell;
    let mut shell = Shell::new(config.clone());
    let (bytes, ids) = taken(|| shell.strangers(MEASURED));
    expect_honest("a stranger", strangers, bytes / MEASURED as isize);
    let (bytes, ()) = taken(|| shell.half_heads(&ids, 4000));
    let heads = bytes / MEASURED as isize;
    assert!(
        (4000..4100).contains(&heads),
        "{heads} bytes of a head of 4000"
    );
    let drawn = shell.drawn(Class::Strangers) / MEASURED;
    assert!(
        drawn as isize >= strangers + of_shell + 4000,
        "{drawn} bytes drawn"
    );

    let mut shell = Shell::new(config.clone());
    let (bytes, ids) = taken(|| shell.sessions(MEASURED));
    let drawn: usize = [Class::Sessions, Class::Users, Class::Queues]
        .map(|class| shell.drawn(class))
        .iter()
        .sum();
    expect_honest(
        "a session of a user in the lobby",
        drawn as isize / MEASURED as isize - of_shell,
        bytes / MEASURED as isize,
    );
    let before = shell.drawn(Class::Sessions);
    let (bytes, ()) = taken(|| shell.join(&ids, &["general", "random"]));
    let drawn = (shell.drawn(Class::Sessions) - before) as isize;
    expect_honest("two more seats", drawn, bytes);

    let (bytes, ()) = taken(|| shell.unread(&ids));
    let drawn = shell.drawn(Class::Queues) as isize;
    expect_honest("what waits to be written", drawn, bytes);

    let (bytes, table) = taken(|| shell::full_table(16_384));
    drop(table);
    expect_honest(
        "the table of prefixes",
        16_384 * PrefixTable::ENTRY_BYTES as isize,
        bytes,
    );

    what_is_remembered(&config);

    // The cryptography's library has memory of its own, which this allocator does not see.
    let before = resident();
    let sessions = tls::sessions(MEASURED);
    let bytes = resident() - before;
    drop(sessions);
    let tls = said("tls", &tls::config());
    expect_honest("a TLS session", tls, bytes / MEASURED as isize);
}

/// What stays when people have gone.
fn what_is_remembered(config: &Config) {
    for is_banned in [false, true] {
        let mut rooms = remembered::rooms();
        let before = rooms.standing_bytes();
        let (bytes, ()) = taken(|| remembered::standings(&mut rooms, MEASURED, is_banned));
        let drawn = rooms.standing_bytes() - before;
        let what = ["people who have read", "people who are banned"][usize::from(is_banned)];
        expect_honest(what, drawn as isize, bytes);
    }
    let (mut rooms, record) = (remembered::rooms(), remembered::record(MEASURED));
    let (bytes, _) = taken(|| rooms.remember(&record));
    let drawn = rooms.standing_bytes() as isize;
    println!("people as a start finds them: {drawn} bytes by the account, {bytes} with a room");
    assert!(bytes <= drawn, "{bytes} bytes taken, {drawn} said");

    let mut cache = remembered::cache();
    let (bytes, ()) = taken(|| remembered::known(&mut cache, MEASURED));
    let known = cache.bytes() as isize;
    expect_honest("what the hook said of people", known, bytes);
    let (bytes, ()) = taken(|| remembered::refused(&mut cache, MEASURED));
    let refused = cache.bytes() as isize - known;
    expect_honest("whom the hook refused", refused, bytes);

    let (bytes, revocations) = taken(|| remembered::revocations(MEASURED));
    let drawn = revocations.len() as isize * said("revocations", config);
    expect_honest("revocations", drawn, bytes);
    let (bytes, tickets) = taken(|| remembered::tickets(MEASURED));
    drop(tickets);
    let drawn = MEASURED as isize * said("tickets", config);
    expect_honest("tickets", drawn, bytes);
}

/// Anonymous memory of this process that is resident.
fn resident() -> isize {
    let status = std::fs::read_to_string("/proc/self/status").expect("a process");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    1024 * kib
        .and_then(|kib| kib.trim().parse::<isize>().ok())
        .expect("a number")
}
