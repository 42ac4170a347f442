//! Disks that are full, locked, read-only, slow or broken: nothing acknowledged is lost, those who need the disk are told to come
//! back, and everybody else goes on.

mod chatter;
mod disk;
mod yardstick;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::json;

use super::{config, join, send};
use crate::honest::Pair;
use crate::line::Caller;
use crate::server::{PATIENCE, Server, prepare};
use crate::telemetry::{ask, scrape};
use chatter::{Chatter, expect_kept};
use disk::{Disk, State};
use yardstick::Yardstick;

/// So long something is wrong at least: longer than a message of those who need no disk may take.
const WRONG_TIME: Duration = Duration::from_millis(1500);
/// Of one exchange of messages in a room that needs no disk, on a machine that is busy with other tests.
const DELAY_MAX: Duration = Duration::from_secs(1);

/// Of 99 of 100 turns of the loop.
const TURN_TIME_MAX_SECONDS: f64 = 0.005;

/// Few questions wait for the store, so that people are soon told that it is slow.
fn kept() -> String {
    config("pending_max = 12")
}

/// May be asked for its figures as often as a test likes.
fn aloud(command: &mut Command) {
    command.env(
        "WARDROOM_PRIVATE_REQUESTS",
        "{ burst = 1000000, per = \"1s\" }",
    );
}

fn wait_for_health(server: &Server, words: &str) {
    let until = Instant::now() + PATIENCE;
    loop {
        let (head, body) = ask(server, "/healthz", "");
        assert!(head.starts_with("HTTP/1.1 200 "), "the loop turns: {head}");
        if body.contains(&format!("store: {words}\n")) {
            return;
        }
        assert!(Instant::now() < until, "instead of {words:?}: {body}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Turns of the loop by their time: at most so many seconds, each with how many.
fn turns(server: &Server) -> Vec<(f64, f64)> {
    let samples = scrape(server);
    let buckets = samples.iter().filter_map(|(name, count)| {
        let bound = name.strip_prefix("wardroom_turn_duration_seconds_bucket{le=\"")?;
        let bound = bound.strip_suffix("\"}")?.replace("+Inf", "inf");
        Some((bound.parse().expect("a number"), *count))
    });
    let mut buckets: Vec<(f64, f64)> = buckets.collect();
    buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    buckets
}

/// The turns between two looks.
fn between(before: &[(f64, f64)], after: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let both = after.iter().zip(before);
    both.map(|((bound, after), (_, before))| (*bound, after - before))
        .collect()
}

/// Below which bound this share of the turns stayed.
fn longest_turn(turns: &[(f64, f64)], share: f64) -> f64 {
    let all = turns.last().expect("a bucket").1;
    let bound = turns.iter().find(|(_, count)| *count >= share * all);
    bound.expect("the last has all").0
}

/// On a machine that is busy with other tests turns are long that nothing is wrong with: by `slowed` times.
fn expect_short_turns(turns: &[(f64, f64)], slowed: f64) {
    let allowed = TURN_TIME_MAX_SECONDS * slowed;
    let bound = turns.iter().find(|(bound, _)| *bound >= allowed);
    let allowed = bound.expect("the last has no bound").0;
    let found = longest_turn(turns, 0.99);
    assert!(found <= allowed, "{found} s of {allowed} s: {turns:?}");
}

/// Breaks something and mends it again while people talk; what was acknowledged then is returned.
fn break_and_mend(
    server: &Server,
    words: &str,
    break_it: impl FnOnce(),
    mend: impl FnOnce(),
) -> chatter::Found {
    wait_for_health(server, "ok");
    let pair = Pair::begin(server);
    let chatter = Chatter::begin(server);
    chatter.wait_for_acknowledged(100);
    let yardstick = Yardstick::begin();
    let before = turns(server);
    break_it();
    let broken = Instant::now();
    chatter.wait_for_refused(20);
    let told = broken.elapsed();
    wait_for_health(server, words);
    std::thread::sleep(WRONG_TIME.saturating_sub(broken.elapsed()));
    let refused = chatter.refused();
    mend();
    let mended = Instant::now();
    chatter.wait_for_acknowledged(100);
    let back = mended.elapsed();
    wait_for_health(server, "ok");
    let after = turns(server);
    let found = chatter.end();
    let talk = pair.end();
    let slowed = yardstick.end();
    let turns = between(&before, &after);
    let [most, every] = [0.99, 1.0].map(|share| longest_turn(&turns, share));
    println!(
        "{words}: first 20 refusals after {told:.1?}, {} store_unavailable and {} busy; back after {back:.1?}; {} acknowledged, {} kept; \
         99 of 100 turns took at most {most} s, every one {every} s, on a machine {slowed:.1} times slower than alone; beside it {talk:?}",
        refused.0,
        refused.1,
        found.acknowledged.len(),
        found.said.len(),
    );
    expect_short_turns(&turns, slowed);
    assert!(talk.slowest < DELAY_MAX, "{talk:?}");
    expect_kept(server.address, &found);
    found
}

#[test]
fn while_another_process_has_the_store_locked_rooms_that_need_it_wait_and_the_others_go_on() {
    let (mut command, directory) = prepare(&kept());
    aloud(&mut command);
    let mut server = Server::start(command, directory);
    let file = server.folder().join("data/wardroom.sqlite");
    let other = Connection::open(file).expect("the store");
    other.busy_timeout(PATIENCE).expect("a connection");
    let found = break_and_mend(
        &server,
        "another process keeps the store locked",
        || other.execute_batch("BEGIN EXCLUSIVE").expect("the lock"),
        || other.execute_batch("ROLLBACK").expect("let go"),
    );
    server.kill_and_start_again();
    expect_kept(server.address, &found);
}

#[test]
fn that_the_store_is_locked_is_told_at_once_and_that_it_is_not_before_the_first_message_is_kept() {
    let (mut command, directory) = prepare(&kept());
    aloud(&mut command);
    let server = Server::start(command, directory);
    let mut alice = Caller::of(&server, "alice");
    alice.done(join("general"));
    let file = server.folder().join("data/wardroom.sqlite");
    let other = Connection::open(file).expect("the store");
    for round in 1..=3 {
        other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
        let begun = Instant::now();
        alice.request(send("general", "patience"));
        wait_for_health(&server, "another process keeps the store locked");
        let told = begun.elapsed();
        println!("told after {told:.1?}");
        assert!(told < Duration::from_millis(2500), "{told:?}");
        other.execute_batch("ROLLBACK").expect("let go");
        // It waited meanwhile, and was not turned down.
        let reply = loop {
            let notice = alice.notice().expect("a reply");
            if !notice["id"].is_null() {
                break notice;
            }
        };
        assert_eq!(
            (&reply["type"], &reply["seq"]),
            (&json!("ok"), &json!(round)),
            "{reply}"
        );
        let (_, body) = ask(&server, "/healthz", "");
        assert!(body.contains("store: ok\n"), "{body}");
    }
}

#[test]
fn a_disk_that_fails_from_the_start_is_told_to_be_what_refuses_a_message() {
    let store = tempfile::tempdir().expect("a directory");
    let rooms = |names: &str| {
        let place = format!("directory = \"{}\"", store.path().join("data").display());
        let config = config(&format!("public = {names}"));
        let config = config.replace("directory = \"data\"", &place);
        config.replace("durable = [\"general\"]", &format!("durable = {names}"))
    };
    let mut before = Server::serve(&rooms("[\"general\"]"));
    before.terminate();
    assert_eq!(before.wait().code(), Some(0));
    // There is a room now that the store has not heard of yet.
    let (mut command, directory) = prepare(&rooms("[\"general\", \"fresh\"]"));
    let Some(disk) = Disk::before(&mut command, directory.path()) else {
        return;
    };
    aloud(&mut command);
    disk.be(State::SyncsFail);
    let server = Server::start(command, directory);
    wait_for_health(&server, "the store can not be read or written");
    let mut alice = Caller::of(&server, "alice");
    alice.done(join("fresh"));
    for _ in 0..3 {
        assert_eq!(alice.verdict(send("fresh", "hello")), "store_unavailable");
    }
    disk.be(State::Well);
    wait_for_health(&server, "ok");
    let until = Instant::now() + PATIENCE;
    while alice.verdict(send("fresh", "hello")) != "ok" {
        assert!(Instant::now() < until, "it comes back");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Breaks a server's disk by a library that stands before the C library.
fn with_disk(state: State, words: &str) {
    let (mut command, directory) = prepare(&kept());
    let Some(disk) = Disk::before(&mut command, directory.path()) else {
        return;
    };
    aloud(&mut command);
    let mut server = Server::start(command, directory);
    let found = break_and_mend(&server, words, || disk.be(state), || disk.be(State::Well));
    assert!(disk.met() > 0, "the fault was met");
    server.kill_and_start_again();
    expect_kept(server.address, &found);
}

#[test]
fn while_writes_fail_nothing_is_acknowledged_and_then_it_is_again() {
    with_disk(State::WritesFail, "the store can not be read or written");
}

#[test]
fn while_syncs_fail_nothing_is_acknowledged_and_then_it_is_again() {
    with_disk(State::SyncsFail, "the store can not be read or written");
}

#[test]
fn while_a_sync_takes_for_ever_senders_are_told_to_come_back_and_nobody_else_waits() {
    with_disk(State::SyncsStall, "the store does not answer");
}

/// What is done in the mount namespace before the program takes the shell's place; `None`, said aloud, where there can be none.
fn in_namespace(before: &str, config: &str) -> Option<(Command, tempfile::TempDir)> {
    let (program, directory) = prepare(config);
    fs::create_dir(directory.path().join("data")).expect("a directory");
    let allowed = Command::new("unshare").args(["--mount", "true"]).output();
    if !allowed.is_ok_and(|done| done.status.success()) {
        println!("skipped: no mount namespace may be made here");
        return None;
    }
    let mut command = Command::new("unshare");
    command
        .current_dir(directory.path())
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .args(["--mount", "sh", "-c"])
        .arg(format!("{before} && exec \"$@\""))
        .arg("sh")
        .arg(program.get_program())
        .args(program.get_args());
    aloud(&mut command);
    Some((command, directory))
}

/// The store's directory as the server sees it.
fn data(server: &Server) -> PathBuf {
    let folder = server.folder().join("data");
    let inside = folder.strip_prefix("/").unwrap_or(Path::new(""));
    PathBuf::from(format!("/proc/{}/root", server.pid())).join(inside)
}

#[test]
fn a_disk_that_is_full_and_is_cleared_costs_refusals_and_nothing_else() {
    let mount = "mount -t tmpfs -o size=8m none data";
    let Some((command, directory)) = in_namespace(mount, &kept()) else {
        return;
    };
    let server = Server::start(command, directory);
    let filler = data(&server).join("filler");
    let fill = || {
        let file = OpenOptions::new().create(true).append(true).open(&filler);
        let mut file = file.expect("a file");
        while file.write_all(&[0; 4096]).is_ok() {}
    };
    let clear = || fs::remove_file(&filler).expect("it is there");
    break_and_mend(&server, "the disk is full", fill, clear);
    // A copy, since SQLite does not find its way into another process's disks.
    let copy = server.folder().join("copy");
    fs::create_dir(&copy).expect("a directory");
    for file in ["wardroom.sqlite", "wardroom.sqlite-wal"] {
        fs::copy(data(&server).join(file), copy.join(file)).expect("a copy");
    }
    super::crash::inspect::check_file(&copy.join("wardroom.sqlite"));
}

#[test]
fn a_store_that_becomes_read_only_is_said_to_be_and_is_written_again_when_it_is_not() {
    let (mut command, directory) = prepare(&kept());
    aloud(&mut command);
    let mut server = Server::start(command, directory);
    let log = server.folder().join("data/wardroom.sqlite-wal");
    // Rights do not stop whoever has the file open, and the superuser not at all; this does.
    let mark = |how: &str| {
        let done = Command::new("chattr").arg(how).arg(&log).output();
        done.is_ok_and(|done| done.status.success())
    };
    if !mark("+i") || !mark("-i") {
        println!("skipped: no file can be made immutable here");
        return;
    }
    let found = break_and_mend(
        &server,
        "the store can not be written to",
        || assert!(mark("+i")),
        || assert!(mark("-i")),
    );
    server.kill_and_start_again();
    expect_kept(server.address, &found);
}

#[test]
fn a_store_on_a_read_only_disk_is_a_start_up_error() {
    let mount = "mount --bind data data && mount -o remount,bind,ro data";
    let Some((mut command, _directory)) = in_namespace(mount, &kept()) else {
        return;
    };
    let refused = command.output().expect("it ends");
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{told}");
    assert!(told.contains("Read-only file system"), "{told}");
    assert!(told.contains("data"), "{told}");
}
