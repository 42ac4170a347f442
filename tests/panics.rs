//! A panic's words come out, and whoever can not read them does not keep the process from ending.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wardroom::reactor::{LogQueue, StandardError};

/// Set in the process that panics.
const ROLE: &str = "WARDROOM_TEST_PANICS";

/// Lines that fill any pipe.
const LINES: usize = 8192;

/// Two waits for a stalled destination, and a busy machine.
const END_TIME_MAX: Duration = Duration::from_secs(10);

/// This test is the process that panics when it is told to be; as a test of its own it does nothing.
#[test]
fn a_process_that_panics() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let log = StandardError::open()
        .and_then(LogQueue::start)
        .expect("a log");
    log.take_panics();
    if role == "stalled" {
        (0..LINES).for_each(|_| log.push(b"a line that nobody reads\n"));
    }
    panic!("the last words");
}

fn panicking(role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command
        .args(["--exact", "a_process_that_panics", "--nocapture"])
        .env(ROLE, role)
        .stdout(Stdio::null());
    command
}

#[test]
fn the_words_of_a_panic_are_written_before_the_process_ends() {
    let ended = panicking("read").output().expect("it starts");
    assert!(!ended.status.success());
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(
        said.contains("wardroom: panicked at tests/panics.rs"),
        "{said}"
    );
    assert!(said.contains("the last words"), "{said}");
}

#[test]
fn a_panic_ends_the_process_though_nobody_reads_its_words() {
    let begun = Instant::now();
    let mut child = panicking("stalled")
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut unread = child.stderr.take().expect("a pipe");
    assert!(!child.wait().expect("its own child").success());
    assert!(begun.elapsed() < END_TIME_MAX, "{:?}", begun.elapsed());
    let mut first = [0; 7];
    unread.read_exact(&mut first).expect("what was kept");
    assert_eq!(&first, b"a line ");
}
