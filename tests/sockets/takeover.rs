//! One process takes over from another while people who are sent away come back at once: nobody is refused.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use wardroom::simulation::masked;

use crate::line::Line;
use crate::server::{PATIENCE, Server, home};

const ROOMY: &str = "[limits]\nconnections_per_user = 1000\nconnections_per_address = 1000\nplain_per_address = 1000\n\
    handshakes_per_address = { burst = 100000, per = \"1s\" }\nmessages_per_user = { burst = 100000, per = \"1s\" }\n\
    messages_per_connection = { burst = 100000, per = \"1s\" }\nmessages_per_address = { burst = 100000, per = \"1s\" }\n\
    commands_per_user = { burst = 100000, per = \"1s\" }\nbytes_per_address = { burst = \"64MiB\", per = \"1s\" }\n";

const CLIENTS: usize = 16;
const HANDOVERS: usize = 4;

/// What happened to all clients together.
#[derive(Debug, Default)]
struct Tally {
    sessions: AtomicU64,
    acknowledged: AtomicU64,
    /// Acknowledged, and then not heard by the one who said it.
    lost: AtomicU64,
    /// `connect` failed.
    refused: AtomicU64,
    /// Connected, and then ended without an answer to the upgrade.
    unanswered: AtomicU64,
    /// A session that ended otherwise than by 1001.
    torn: AtomicU64,
}

impl Tally {
    fn get(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }

    fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Connects, talks until it is sent away, and comes back at once: the least patient client there can be.
fn live(address: SocketAddr, token: &str, tally: &Tally, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let Some(mut line) = Line::connect(address) else {
            Tally::add(&tally.refused);
            std::thread::sleep(Duration::from_millis(5));
            continue;
        };
        if line.upgrade(token).is_none() {
            Tally::add(&tally.unanswered);
            continue;
        }
        Tally::add(&tally.sessions);
        if talk(&mut line, tally, stop) != Some(1001) {
            Tally::add(&tally.torn);
        }
        // The closing handshake's other half.
        let _ = line.send(&masked(0x88, &[0x03, 0xE9]));
    }
}

/// Sends, waits until it is acknowledged and heard, and so on; the code of the end.
fn talk(line: &mut Line, tally: &Tally, stop: &AtomicBool) -> Option<u16> {
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            return Some(1001);
        }
        let id = json!(number);
        let said = json!({"type": "send", "id": id, "room": "lobby", "message": format!("{:?} {number}", std::thread::current().id())});
        line.say(&said.to_string())?;
        let (mut acknowledged, mut heard) = (false, false);
        let end = loop {
            if acknowledged && heard {
                break None;
            }
            match line.frame() {
                Some((1, payload)) => {
                    let told: Value =
                        serde_json::from_slice(&payload).expect("the server speaks JSON");
                    acknowledged |= told["id"] == id;
                    heard |= told["message"] == said["message"];
                }
                Some((8, payload)) => {
                    break Some(payload.first_chunk().map(|code| u16::from_be_bytes(*code)));
                }
                Some(_) => {}
                None => break Some(None),
            }
        };
        if acknowledged {
            Tally::add(&tally.acknowledged);
            if !heard {
                Tally::add(&tally.lost);
            }
        }
        if let Some(code) = end {
            return code;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    None
}

/// Clients who live until they are stopped.
struct Crowd {
    tally: Arc<Tally>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Crowd {
    fn begin(address: SocketAddr, token: &str) -> Crowd {
        let tally = Arc::new(Tally::default());
        let stop = Arc::new(AtomicBool::new(false));
        let threads = (0..CLIENTS)
            .map(|_| {
                let (tally, stop, token) =
                    (Arc::clone(&tally), Arc::clone(&stop), token.to_owned());
                std::thread::spawn(move || live(address, &token, &tally, &stop))
            })
            .collect();
        let crowd = Crowd {
            tally,
            stop,
            threads,
        };
        crowd.wait_for_sessions(CLIENTS as u64);
        crowd
    }

    fn wait_for_sessions(&self, count: u64) {
        let until = Instant::now() + PATIENCE;
        while Tally::get(&self.tally.sessions) < count {
            assert!(
                Instant::now() < until,
                "they do not come back: {:?}",
                self.tally
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn end(self) -> Arc<Tally> {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("a client");
        }
        self.tally
    }
}

/// Starts a server on a socket that is bound already, as a service manager does.
pub fn activated(socket: &TcpListener, directory: TempDir) -> Server {
    let socket: OwnedFd = socket.try_clone().expect("a descriptor").into();
    let program = env!("CARGO_BIN_EXE_wardroom");
    let mut command = Command::new("/bin/sh");
    command
        .current_dir(directory.path())
        .env_clear()
        .env("LISTEN_FDS", "1")
        .args([
            "-c",
            &format!("exec {program} serve --config wardroom.toml 3<&0 </dev/null"),
        ]);
    Server::start_with_input(command, directory, Stdio::from(socket))
}

fn serve(directory: TempDir) -> Server {
    let mut command = crate::server::wardroom(directory.path());
    command.args(["serve", "--config", "wardroom.toml"]);
    Server::start(command, directory)
}

fn expect_nothing_lost(tally: &Tally) {
    assert_eq!(Tally::get(&tally.lost), 0, "{tally:?}");
    assert_eq!(Tally::get(&tally.torn), 0, "{tally:?}");
    assert!(Tally::get(&tally.acknowledged) > 100, "{tally:?}");
}

#[test]
fn with_a_socket_that_outlives_the_process_nobody_who_comes_back_is_refused() {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address");
    let mut server = activated(&socket, home("address = \"127.0.0.1:0\"", ROOMY));
    assert_eq!(server.address, address, "the socket and not the setting");
    let token = server.token("alice");
    let crowd = Crowd::begin(address, &token);
    for round in 1..=HANDOVERS as u64 {
        // First the next one beside this one, then only after this one has gone.
        let next = if round % 2 == 0 {
            let next = activated(&socket, home("address = \"127.0.0.1:0\"", ROOMY));
            server.terminate();
            assert_eq!(server.wait().code(), Some(0));
            next
        } else {
            server.terminate();
            assert_eq!(server.wait().code(), Some(0));
            activated(&socket, home("address = \"127.0.0.1:0\"", ROOMY))
        };
        server = next;
        crowd.wait_for_sessions((round + 1) * CLIENTS as u64);
    }
    let tally = crowd.end();
    println!("{HANDOVERS} handovers of an inherited socket, {CLIENTS} clients: {tally:?}");
    assert_eq!(Tally::get(&tally.refused), 0, "{tally:?}");
    assert_eq!(Tally::get(&tally.unanswered), 0, "{tally:?}");
    expect_nothing_lost(&tally);
}

#[test]
fn with_a_shared_port_whoever_connects_is_let_in_by_one_or_the_other() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let listen = format!(
        "address = \"{}\"\nreuse_port = true",
        free.local_addr().expect("an address")
    );
    drop(free);
    let mut server = serve(home(&listen, ROOMY));
    let token = server.token("alice");
    let crowd = Crowd::begin(server.address, &token);
    for round in 1..=HANDOVERS as u64 {
        let next = serve(home(&listen, ROOMY));
        server.terminate();
        assert_eq!(server.wait().code(), Some(0));
        server = next;
        crowd.wait_for_sessions((round + 1) * CLIENTS as u64);
    }
    let tally = crowd.end();
    println!("{HANDOVERS} handovers of a shared port, {CLIENTS} clients: {tally:?}");
    assert_eq!(Tally::get(&tally.refused), 0, "{tally:?}");
    // A connection that the kernel completes between the last look at the queue and its end is reset.
    assert!(
        Tally::get(&tally.unanswered) <= HANDOVERS as u64,
        "{tally:?}"
    );
    expect_nothing_lost(&tally);
}

#[test]
fn without_reuse_port_a_second_process_does_not_start_on_the_address() {
    let server = Server::serve("");
    let taken = format!("listen.address={}", server.address);
    let outcome = crate::server::wardroom(server.folder())
        .args(["serve", "--config", "wardroom.toml", "--set", &taken])
        .args(["--set", "store.directory=another"])
        .output()
        .expect("the program starts");
    assert_eq!(outcome.status.code(), Some(1));
    let told = String::from_utf8_lossy(&outcome.stderr);
    assert!(told.contains("another program listens there"), "{told}");
}

#[test]
fn what_is_handed_over_and_is_no_listener_does_not_start() {
    let directory = home("address = \"127.0.0.1:0\"", "");
    let program = env!("CARGO_BIN_EXE_wardroom");
    let outcome = Command::new("/bin/sh")
        .current_dir(directory.path())
        .env_clear()
        .env("LISTEN_FDS", "1")
        .args([
            "-c",
            &format!("exec {program} serve --config wardroom.toml 3</dev/null"),
        ])
        .output()
        .expect("a shell");
    assert_eq!(outcome.status.code(), Some(1));
    let told = String::from_utf8_lossy(&outcome.stderr);
    assert!(
        told.contains("cannot take over a socket: fd 3 is not a socket"),
        "{told}"
    );
}
