//! Sieges that end before their end: told to, or without a server.

use std::fs;
use std::io::{BufRead, BufReader, Read as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use super::{printed, siege, target, written};
use crate::server::{PATIENCE, SECRET, Server, wardroom, write_secret};

/// A siege under way.
pub(super) struct Begun {
    siege: Child,
    output: BufReader<ChildStdout>,
}

impl Begun {
    /// In this directory, where its results go, with another for what is temporary.
    pub(super) fn new(directory: &Path, temporary: &Path, arguments: &[&str]) -> Begun {
        let mut siege = wardroom(directory)
            .args(["siege", "--seconds", "2", "--unnoticed", "1m"])
            .args(["--json", "siege.json", "--plot", "siege.svg"])
            .args(arguments)
            .env("TMPDIR", temporary)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let output = siege.stdout.take().expect("it is piped");
        Begun {
            siege,
            output: BufReader::new(output),
        }
    }

    /// Reads until a line has these words.
    pub(super) fn wait_for(&mut self, words: &str) {
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            let count = self.output.read_line(&mut line).expect("a line");
            assert!(count > 0, "it ended before {words}");
        }
    }

    /// The process of its own server.
    pub(super) fn server(&self) -> u32 {
        let servers = children(self.siege.id());
        assert_eq!(servers.len(), 1, "{servers:?}");
        servers[0]
    }

    pub(super) fn interrupt(&self) {
        kill_process(Pid::from_child(&self.siege), Signal::INT).expect("its own child");
    }

    /// Its exit code, and all that it says from now on.
    pub(super) fn ended(mut self) -> (Option<i32>, String) {
        let mut told = String::new();
        self.output.read_to_string(&mut told).expect("text");
        let output = self.siege.wait_with_output().expect("it ends");
        told.push_str(&String::from_utf8_lossy(&output.stderr));
        (output.status.code(), told)
    }
}

#[test]
fn a_siege_that_is_told_to_end_takes_its_server_with_it_and_leaves_nothing_but_its_results() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let home = tempfile::tempdir().expect("a directory");
        let temporary = tempfile::tempdir().expect("a directory");
        let arguments = ["--attack", "ping-flood"];
        let mut begun = Begun::new(home.path(), temporary.path(), &arguments);
        // It comes when its server serves.
        begun.wait_for("VERDICT");
        let servers = children(begun.siege.id());
        assert_eq!(servers.len(), 1, "{servers:?}");
        kill_process(Pid::from_child(&begun.siege), signal).expect("its own child");
        let (code, told) = begun.ended();
        assert_eq!(code, Some(130), "{signal:?}: {told}");
        assert!(
            told.contains("partial: interrupted in the attack ping-flood"),
            "{told}"
        );
        let left = fs::read_dir(temporary.path()).expect("a directory").count();
        assert_eq!(left, 0, "{signal:?}");
        assert_eq!(written(home.path())["verdict"], "interrupted");
        let until = Instant::now() + PATIENCE;
        while servers.iter().any(|server| lives(*server)) {
            assert!(Instant::now() < until, "{servers:?} live");
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_siege_that_is_told_to_end_has_written_what_it_found_until_then() {
    let server = Server::serve("");
    let home = tempfile::tempdir().expect("a directory");
    let mut begun = against(&server, home.path(), "nobody,ping-flood");
    begun.wait_for(" nobody ");
    kill_process(Pid::from_child(&begun.siege), Signal::INT).expect("its own child");
    let (code, told) = begun.ended();
    assert_eq!(code, Some(130), "{told}");
    assert!(
        told.contains("1 of 1 attacks held (running server"),
        "{told}"
    );
    let report = written(home.path());
    assert_eq!(report["verdict"], "interrupted");
    assert_eq!(report["held"], false);
    assert_eq!(report["partial"], "interrupted in the attack ping-flood");
    let attacks = report["attacks"].as_array().expect("a list");
    assert_eq!(attacks.len(), 1);
    assert_eq!(attacks[0]["verdict"], "held");
    let plot = fs::read_to_string(home.path().join("siege.svg")).expect("it was drawn");
    assert!(plot.contains(">nobody</text>"), "{plot}");
    assert!(plot.contains("; partial: "), "{plot}");
}

/// A siege of a server that runs.
fn against(server: &Server, home: &Path, attacks: &str) -> Begun {
    let target = target(server, "ws", home);
    let mut arguments: Vec<&str> = target.iter().map(String::as_str).collect();
    arguments.extend(["--attack", attacks]);
    Begun::new(home, home, &arguments)
}

#[test]
fn a_target_where_nobody_listens_is_told_at_once() {
    let home = tempfile::tempdir().expect("a directory");
    write_secret(&home.path().join("secret"), SECRET);
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address");
    drop(free);
    let target = format!("ws://{address}/ws/chat");
    let arguments = ["--target", &target, "--token-secret-file", "secret"];
    let output = siege(home.path(), &arguments);
    let told = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.starts_with(&format!("nobody listens on {address}: Connection refused")),
        "{told}"
    );
}

#[test]
fn a_target_that_goes_is_told_with_the_attack_in_which_it_did() {
    let mut server = Server::serve("");
    let home = tempfile::tempdir().expect("a directory");
    let mut begun = against(&server, home.path(), "nobody,ping-flood,pong-flood");
    begun.wait_for(" nobody ");
    server.kill();
    let (code, told) = begun.ended();
    assert_eq!(code, Some(1), "{told}");
    let why = format!(
        "the server does not run: it has ended in the attack ping-flood: nobody listens on {}: Connection refused",
        server.address
    );
    assert!(told.contains(&format!("partial: {why}")), "{told}");
    assert!(!told.contains(" pong-flood "), "{told}");
    let report = written(home.path());
    assert_eq!(report["verdict"], "failed");
    assert!(
        report["partial"]
            .as_str()
            .is_some_and(|told| told.starts_with(&why)),
        "{report}"
    );
}

#[test]
fn a_server_of_its_own_that_ends_has_its_last_words_told() {
    let home = tempfile::tempdir().expect("a directory");
    let mut begun = Begun::new(home.path(), home.path(), &["--attack", "ping-flood"]);
    begun.wait_for("VERDICT");
    for server in children(begun.siege.id()) {
        let server = i32::try_from(server).expect("a number of a process");
        let server = Pid::from_raw(server).expect("a process");
        kill_process(server, Signal::KILL).expect("its own child's");
    }
    let (code, told) = begun.ended();
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains(
            "it has ended in the attack ping-flood: signal: 9 (SIGKILL). Its last words:\n"
        ),
        "{told}"
    );
    assert!(told.contains("] listening on 127.0.0.1:"), "{told}");
    assert_eq!(written(home.path())["verdict"], "failed");
}

/// Processes whose parent this one is.
fn children(parent: u32) -> Vec<u32> {
    let listed = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
    let listed = listed.expect("the kernel tells of children");
    let numbers = listed.split_whitespace();
    numbers
        .map(|number| number.parse().expect("a number"))
        .collect()
}

/// Whether a process is there that has not ended.
fn lives(process: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/stat"));
    status.is_ok_and(|status| !status.contains(") Z "))
}
