//! What nobody attacks for must hold as well: the calm before an attack, and what a server keeps when all have gone.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::ends::Begun;
use super::{printed, siege, target, written};
use crate::server::{PATIENCE, Server};

#[test]
fn newcomers_who_do_not_get_in_while_nobody_attacks_are_a_fault() {
    let home = tempfile::tempdir().expect("a directory");
    // Room for the forty who talk, and for nobody who comes after them.
    let server = Server::serve("[limits]\nconnections_max = 40\nunauthenticated_max = 40\n");
    let target = target(&server, "ws", home.path());
    let mut arguments: Vec<&str> = target.iter().map(String::as_str).collect();
    arguments.extend(["--attack", "nobody", "--json", "siege.json"]);
    let output = siege(home.path(), &arguments);
    let told = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    let report = written(home.path());
    let found = &report["attacks"][0];
    assert_eq!(found["verdict"], "failed", "{told}");
    let calm = &found["newcomers_calm"];
    assert!(calm["came"].as_u64() > Some(0), "{calm}");
    assert_eq!(calm["got_in"], 0, "{calm}");
    let told_of = |words: &str| told.lines().any(|line| line.contains(words));
    assert!(
        told_of("newcomers got in within 2 s before it, when nobody attacked; all must"),
        "{told}"
    );
}

#[test]
fn a_server_keeps_no_more_of_what_is_done_to_it_a_second_time() {
    let home = tempfile::tempdir().expect("a directory");
    let arguments = ["--attack", "everything", "--json", "siege.json"];
    // How everything went is for a machine that does nothing else: here it is what stays of it.
    let told = printed(&siege(home.path(), &arguments));
    let report = written(home.path());
    let rest = &report["at_rest"];
    assert_eq!(rest["held"], true, "{told}");
    assert_eq!(rest["rounds"], 8, "{told}");
    let bytes = ["before", "after", "after_max"].map(|name| rest[name].as_u64().expect("bytes"));
    let [before, after, after_max] = bytes;
    assert!(before > 0 && after <= after_max, "{told}");
    let is_line = |line: &str| line.starts_with("held: at rest the server keeps ");
    assert!(told.lines().any(is_line), "{told}");
}

/// Everything, up to the first time that nobody has been at the server for some seconds.
fn at_rest(home: &Path) -> (Begun, u32) {
    let mut begun = Begun::new(home, home, &["--attack", "everything"]);
    begun.wait_for("VERDICT");
    let server = begun.server();
    let descriptors = || fs::read_dir(format!("/proc/{server}/fd")).map_or(0, Iterator::count);
    let alone = descriptors();
    begun.wait_for(" everything ");
    let mut since = Instant::now();
    let until = since + 2 * PATIENCE;
    // Between two rounds it is a moment.
    while since.elapsed() < Duration::from_secs(3) {
        assert!(Instant::now() < until, "they do not go");
        std::thread::sleep(Duration::from_millis(50));
        if descriptors() > alone + 2 {
            since = Instant::now();
        }
    }
    (begun, server)
}

#[test]
fn a_server_that_ends_while_nobody_is_there_has_not_held() {
    let home = tempfile::tempdir().expect("a directory");
    let (begun, server) = at_rest(home.path());
    let server = Pid::from_raw(server as i32).expect("a process");
    kill_process(server, Signal::KILL).expect("a child of its own child");
    let (code, told) = begun.ended();
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains("it has ended in the attack everything"),
        "{told}"
    );
    assert_eq!(written(home.path())["held"], false);
}

#[test]
fn a_siege_that_is_told_to_end_while_nobody_is_there_says_so() {
    let home = tempfile::tempdir().expect("a directory");
    let (begun, _) = at_rest(home.path());
    begun.interrupt();
    let (code, told) = begun.ended();
    assert_eq!(code, Some(130), "{told}");
    assert!(
        told.contains("partial: interrupted in the attack everything"),
        "{told}"
    );
    assert_eq!(written(home.path())["verdict"], "interrupted");
}
