//! One process takes over from another while people talk in a durable room, and two processes on one store.

use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use super::crash::crew::{DEN, Writer};
use super::crash::dice::Dice;
use super::crash::inspect::{Depth, Inspection};
use super::crash::ledger::Ledger;
use super::crash::staff::OWNER;
use super::{UNLIMITED, act, join, send, with};
use crate::line::Caller;
use crate::server::{ANY_PORT, Server, home, wardroom};
use crate::takeover::activated;

const HANDOVERS: u64 = 6;
const TALKERS: u64 = 4;
/// How long people talk to one process, and to two.
const TALK_TIME: Duration = Duration::from_millis(300);

fn config(store: &Path) -> String {
    format!(
        "{UNLIMITED}[store]\nshared = true\ndirectory = \"{}\"\n",
        store.join("data").display()
    )
}

fn next(socket: &TcpListener, store: &TempDir) -> Server {
    activated(socket, home(ANY_PORT, &config(store.path())))
}

/// Lets a server go, and takes the next one: beside it at first, or only when it has gone.
fn hand_over(server: &mut Server, socket: &TcpListener, store: &TempDir, is_beside: bool) {
    let beside = is_beside.then(|| next(socket, store));
    std::thread::sleep(TALK_TIME);
    server.terminate();
    assert_eq!(server.wait().code(), Some(0));
    *server = beside.unwrap_or_else(|| next(socket, store));
}

#[test]
fn another_process_takes_over_while_people_talk_and_no_message_is_lost_doubled_or_misnumbered() {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address");
    let store = tempfile::tempdir().expect("a directory");
    let mut server = next(&socket, &store);
    Caller::of(&server, OWNER).done(json!({"type": "create", "room": DEN}));
    let mut dice = Dice::new(7);
    let mut writers: Vec<Writer> = (0..TALKERS)
        .map(|number| Writer::new(&format!("writer-{number}"), dice.fork()))
        .collect();
    let (stop, mut ledger) = (AtomicBool::new(false), Ledger::default());
    std::thread::scope(|scope| {
        let stop = &stop;
        let talking = writers.iter_mut().map(|writer| {
            writer.misses_some = true;
            scope.spawn(move || {
                let (mut seen, mut sessions) = (Vec::new(), 0);
                while !stop.load(Ordering::Relaxed) {
                    seen.extend(writer.talk(address));
                    sessions += 1;
                }
                (seen, sessions)
            })
        });
        let talking: Vec<_> = talking.collect();
        for round in 0..HANDOVERS {
            hand_over(&mut server, &socket, &store, round % 2 == 0);
        }
        std::thread::sleep(TALK_TIME);
        stop.store(true, Ordering::Relaxed);
        server.terminate();
        assert_eq!(server.wait().code(), Some(0));
        let mut comings = 0;
        for talker in talking {
            let (seen, sessions) = talker.join().expect("nothing odd is told");
            comings += sessions;
            ledger.take(seen);
        }
        // One of them may be so slow to come back that two handovers are one to them.
        assert!(comings > HANDOVERS * TALKERS, "they come back: {comings}");
    });
    server = next(&socket, &store);
    let mut owner = Caller::of(&server, OWNER);
    owner.done(join(DEN));
    let mut inspection = Inspection {
        server: &server,
        ledger: &mut ledger,
        depth: Depth::Whole,
    };
    inspection.look_at_messages(&mut owner);
    println!(
        "{HANDOVERS} handovers, half of them beside each other: {:?}, {} messages",
        ledger.counts,
        ledger.said.len()
    );
    assert!(ledger.counts.acknowledged > 100, "{:?}", ledger.counts);
}

#[test]
fn two_processes_on_one_store_number_messages_together_and_a_ban_in_one_reaches_the_other() {
    let store = tempfile::tempdir().expect("a directory");
    let servers = [(); 2].map(|()| {
        let directory = home(ANY_PORT, &config(store.path()));
        let mut command = wardroom(directory.path());
        command.args(["serve", "--config", "wardroom.toml"]);
        Server::start(command, directory)
    });
    let mut owner = Caller::of(&servers[0], "owner");
    owner.done(json!({"type": "create", "room": "den"}));
    owner.done(join("den"));
    // The other process hears of the room within a moment.
    let mut victim = Caller::of(&servers[1], "victim");
    while victim.verdict(join("den")) == "unknown_room" {
        std::thread::sleep(Duration::from_millis(50));
    }
    for round in 0..10 {
        let here = owner.done(send("den", "here"))["seq"].as_u64();
        let there = victim.done(send("den", "there"))["seq"].as_u64();
        assert_eq!([here, there], [Some(2 * round + 1), Some(2 * round + 2)]);
    }
    let ban = with(
        act("ban", "den", "victim"),
        json!({"reason": "spam", "for_ms": 3_600_000}),
    );
    owner.done(ban);
    let removed = victim.wait_for("removed");
    assert_eq!(
        (&removed["room"], &removed["code"], &removed["reason"]),
        (&json!("den"), &json!("banned"), &json!("spam")),
        "{removed}"
    );
    assert!(removed["until"].is_number(), "{removed}");
    assert_eq!(victim.verdict(join("den")), "banned");
}
