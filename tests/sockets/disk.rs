//! The real program on a disk that is full, broken or slow: nothing acknowledged is lost, nobody else notices, and service comes
//! back by itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::peer::Peer;
use crate::server::{PATIENCE, Server, prepare, wardroom};
use crate::telemetry::{ask, scrape};

const V1: &str = "Sec-WebSocket-Protocol: wardroom.v1\r\n";
/// How long a sync takes on a slow disk.
const STALL: Duration = Duration::from_secs(3);

/// The sandbox would keep the library from its file.
const CONFIG: &str = r#"
[rooms]
durable = ["general"]
[store]
directory = "store"
[process]
sandbox = "off"
[limits]
commands_per_user = { burst = 100000, per = "1s" }
messages_per_user = { burst = 100000, per = "1s" }
messages_per_connection = { burst = 100000, per = "1s" }
messages_per_address = { burst = 100000, per = "1s" }
"#;

/// A server whose disk is broken by hand.
struct Frail {
    server: Server,
    fault: PathBuf,
    peer: Peer,
    asked: u64,
    /// What was acknowledged in the durable room.
    said: Vec<String>,
}

impl Frail {
    /// `None`, said aloud, where a library can not be put before the C library.
    fn start() -> Option<Frail> {
        if cfg!(not(target_env = "gnu")) {
            println!("skipped: the program brings its own C library");
            return None;
        }
        let (mut command, directory) = prepare(CONFIG);
        let library = directory.path().join("disk.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/disk.c");
        let compiled = Command::new("cc")
            .args(["-O2", "-shared", "-fPIC", "-o"])
            .args([&library, &source])
            .status();
        if !compiled.is_ok_and(|status| status.success()) {
            println!("skipped: there is no C compiler");
            return None;
        }
        let fault = directory.path().join("fault");
        let folder = directory.path().canonicalize().expect("a directory");
        command.env("LD_PRELOAD", &library);
        command.env("DISK_DIRECTORY", folder.join("store"));
        command.env("DISK_FAULT", &fault);
        let server = Server::start(command, directory);
        let peer = Peer::open_with(&server, "/ws/chat", &server.token("alice"), V1);
        let mut frail = Frail {
            server,
            fault,
            peer,
            asked: 0,
            said: Vec::new(),
        };
        let joined = frail.ask(json!({"type": "join", "room": "general"}));
        assert_eq!(joined["code"], Value::Null, "{joined}");
        Some(frail)
    }

    fn break_disk(&self, how: &str) {
        let draft = self.fault.with_extension("new");
        fs::write(&draft, how).expect("a file");
        fs::rename(draft, &self.fault).expect("its name");
    }

    fn mend_disk(&self) {
        fs::remove_file(&self.fault).expect("it was broken");
    }

    fn send(&mut self, mut command: Value) -> u64 {
        self.asked += 1;
        command["id"] = self.asked.into();
        self.peer.say(&command.to_string());
        self.asked
    }

    /// The answer to the request of this number.
    fn answer(&mut self, id: u64) -> Value {
        loop {
            let notice = self.peer.notice();
            if notice["id"] == id {
                return notice;
            }
        }
    }

    fn ask(&mut self, command: Value) -> Value {
        let id = self.send(command);
        self.answer(id)
    }

    fn say(&mut self, room: &str, text: &str) -> Value {
        self.ask(json!({"type": "send", "room": room, "message": text}))
    }

    /// Says something that must last, and what came of it.
    fn say_durably(&mut self) -> Result<(), String> {
        let text = format!("message {}", self.asked);
        let began = Instant::now();
        loop {
            let answer = self.say("general", &text);
            match answer["code"].as_str() {
                // The store may not have the room yet: whoever is told when to come back does.
                Some("busy") => {
                    assert!(began.elapsed() < PATIENCE, "{answer}");
                    let wait = answer["retry_after_ms"].as_u64().expect("a time to wait");
                    std::thread::sleep(Duration::from_millis(wait));
                }
                Some(code) => return Err(code.to_owned()),
                None => {
                    self.said.push(text);
                    return Ok(());
                }
            }
        }
    }

    fn health(&self) -> String {
        ask(&self.server, "/healthz", "").1
    }

    /// What stands in the store after the process was killed and started again on a good disk.
    fn kept(&mut self) -> Vec<(u64, String)> {
        self.server.kill_and_start_again();
        let exported = wardroom(self.server.folder())
            .args(["store", "export", "--room", "general"])
            .args(["--config", "wardroom.toml"])
            .output()
            .expect("the program starts");
        let lines = String::from_utf8(exported.stdout).expect("lines");
        let lines = lines
            .lines()
            .map(|line| -> Value { serde_json::from_str(line).expect("an object a line") });
        let messages = lines.filter(|line| line["type"] == "message");
        messages
            .map(|line| {
                let seq = line["seq"].as_u64().expect("a number");
                (seq, line["message"].as_str().expect("a text").to_owned())
            })
            .collect()
    }
}

#[test]
fn a_disk_that_is_full_or_broken_stops_durable_rooms_alone_and_they_go_on_when_it_is_mended() {
    let Some(mut frail) = Frail::start() else {
        return;
    };
    assert_eq!(frail.say_durably(), Ok(()));
    assert!(frail.health().contains("store: ok"), "{}", frail.health());
    for (how, fault) in [
        ("write error 28", "the disk is full"),
        ("sync error 5", "the store can not be read or written"),
        ("write error 5", "the store can not be read or written"),
    ] {
        frail.break_disk(how);
        assert_eq!(
            frail.say_durably(),
            Err("store_unavailable".to_owned()),
            "{how}"
        );
        let health = frail.health();
        assert!(health.contains(fault), "{how}: {health}");
        let ephemeral = frail.say("lobby", "still here");
        assert_eq!(ephemeral["code"], Value::Null, "{how}: {ephemeral}");
        frail.mend_disk();
        // Nobody asks anything of the store meanwhile.
        frail.server.wait_for_line("the store serves again");
        assert!(frail.health().contains("store: ok"), "{how}");
        assert_eq!(frail.say_durably(), Ok(()), "{how}");
    }
    let expected: Vec<(u64, String)> = (1..).zip(frail.said.clone()).collect();
    assert_eq!(
        frail.kept(),
        expected,
        "no hole, and nothing that was refused"
    );
}

#[test]
fn a_sync_that_takes_seconds_keeps_nobody_waiting_but_those_whose_message_must_last() {
    let Some(mut frail) = Frail::start() else {
        return;
    };
    assert_eq!(frail.say_durably(), Ok(()));
    frail.break_disk(&format!("sync delay {}", STALL.as_millis()));
    let began = Instant::now();
    let text = "slow";
    let slow = frail.send(json!({"type": "send", "room": "general", "message": text}));
    for _ in 0..20 {
        let answer = frail.say("lobby", "quick");
        assert_eq!(answer["code"], Value::Null, "{answer}");
    }
    let quick = began.elapsed();
    assert!(quick < STALL, "{quick:?} for what is not kept");
    frail.mend_disk();
    let answer = frail.answer(slow);
    assert_eq!(answer["code"], Value::Null, "{answer}");
    assert!(
        began.elapsed() >= STALL && began.elapsed() < PATIENCE,
        "not before its sync"
    );
    frail.said.push(text.to_owned());
    let samples = scrape(&frail.server);
    let turns = samples["wardroom_turn_duration_seconds_count"];
    let within = samples["wardroom_turn_duration_seconds_bucket{le=\"1.0\"}"];
    assert_eq!(within, turns, "no turn waited for the disk");
    let expected: Vec<(u64, String)> = (1..).zip(frail.said.clone()).collect();
    assert_eq!(frail.kept(), expected);
}
