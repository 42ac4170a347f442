//! What the account of memory says that things cost, against what they do take from the allocator.
//!
//! A test program of its own: its allocator counts.

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

/// What the account says, with what it counts of the shell's taken away.
fn said(class: Class, config: &Config) -> isize {
    let shares = Arithmetic::of(config).shares.into_iter();
    let entry = shares
        .filter(|share| share.class == class)
        .map(|share| share.entry);
    entry.max().unwrap_or_default() as isize
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
    let strangers = said(Class::Strangers, &config) - 8192 - of_shell;
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

    // The cryptography's library has memory of its own, which this allocator does not see.
    let before = resident();
    let sessions = tls::sessions(MEASURED);
    let bytes = resident() - before;
    drop(sessions);
    let tls = said(Class::Tls, &tls::config());
    expect_honest("a TLS session", tls, bytes / MEASURED as isize);
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
