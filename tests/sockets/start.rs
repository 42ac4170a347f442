//! How the real program starts: what a service manager is told, how many descriptors it has, and how long it takes.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::peer::Peer;
use crate::server::{ANY_PORT, PATIENCE, Server, home, wardroom};

/// The program with a file, in a shell that runs `before` first.
fn after(before: &str, directory: &TempDir) -> Command {
    let program = env!("CARGO_BIN_EXE_wardroom");
    let mut command = Command::new("/bin/sh");
    command.current_dir(directory.path()).env_clear().args([
        "-c",
        &format!("{before}; exec {program} serve --config wardroom.toml"),
    ]);
    command
}

/// A place where a service manager listens.
struct Manager(UnixDatagram);

impl Manager {
    fn at(directory: &TempDir) -> Manager {
        let socket = UnixDatagram::bind(directory.path().join("notify")).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
        Manager(socket)
    }

    /// The next word that is no sign of life, and how many of those came before it.
    fn next(&self) -> (String, usize) {
        let mut signs = 0;
        loop {
            let mut bytes = [0; 4096];
            let count = self.0.recv(&mut bytes).expect("the server tells");
            let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
            if text != "WATCHDOG=1" {
                return (text, signs);
            }
            signs += 1;
        }
    }

    fn expect_signs(&self, count: usize) {
        for _ in 0..count {
            let mut bytes = [0; 4096];
            let length = self.0.recv(&mut bytes).expect("the server lives");
            assert_eq!(&bytes[..length], b"WATCHDOG=1");
        }
    }
}

#[test]
fn a_service_manager_is_told_of_start_reload_and_end_and_that_the_loop_turns() {
    let directory = home(ANY_PORT, "");
    let manager = Manager::at(&directory);
    let mut command = wardroom(directory.path());
    command
        .args(["serve", "--config", "wardroom.toml"])
        .env("NOTIFY_SOCKET", directory.path().join("notify"))
        .env("WATCHDOG_USEC", "200000");
    let mut server = Server::start(command, directory);
    let (ready, _) = manager.next();
    let expected = format!("READY=1\nSTATUS=listening on {}", server.address);
    assert_eq!(ready, expected);
    // Nothing else happens: the loop turns for these alone.
    manager.expect_signs(5);
    server.signal(Signal::HUP);
    let (reloading, _) = manager.next();
    assert!(
        reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="),
        "{reloading}"
    );
    assert_eq!(manager.next().0, expected);
    server.write_config("nonsense");
    server.signal(Signal::HUP);
    assert!(manager.next().0.starts_with("RELOADING=1\n"));
    assert!(
        manager
            .next()
            .0
            .starts_with("READY=1\nSTATUS=the last reload was refused")
    );
    server.terminate();
    assert!(manager.next().0.starts_with("STOPPING=1\nSTATUS="));
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_loop_that_hangs_gives_no_sign_of_life() {
    let directory = home(ANY_PORT, "");
    let manager = Manager::at(&directory);
    let mut command = wardroom(directory.path());
    command
        .args(["serve", "--config", "wardroom.toml"])
        .env("NOTIFY_SOCKET", directory.path().join("notify"))
        .env("WATCHDOG_USEC", "100000");
    let server = Server::start(command, directory);
    manager.next();
    manager.expect_signs(3);
    server.signal(Signal::STOP);
    // What was sent before the signal was carried out may still be there.
    let wait = Some(Duration::from_millis(500));
    manager.0.set_read_timeout(wait).expect("a socket");
    let mut bytes = [0; 64];
    while manager.0.recv(&mut bytes).is_ok() {}
    manager
        .0
        .set_read_timeout(Some(PATIENCE))
        .expect("a socket");
    server.signal(Signal::CONT);
    manager.expect_signs(1);
}

#[test]
fn the_limit_on_open_files_is_raised_as_far_as_it_goes() {
    let directory = home(ANY_PORT, "[limits]\nconnections_max = 1000\n");
    let server = Server::start(
        after("ulimit -n 1200; ulimit -Sn 100", &directory),
        directory,
    );
    let limits = server.proc("limits");
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .expect("a line");
    let figures: Vec<&str> = files.split_whitespace().skip(3).take(2).collect();
    assert_eq!(figures, ["1200", "1200"], "{files}");
    assert_eq!(Peer::connect(server.address).get("/healthz"), "200");
}

/// Places in the kernel's table of the process's descriptors.
fn table(server: &Server) -> usize {
    let status = server.proc("status");
    let line = status.lines().find_map(|line| line.strip_prefix("FDSize:"));
    line.and_then(|size| size.trim().parse().ok())
        .expect("FDSize")
}

#[test]
fn the_kernels_table_of_descriptors_never_has_to_grow_under_a_crowd() {
    let server = Server::serve("[limits]\nconnections_max = 1500\n");
    assert!(table(&server) >= 1692, "{}", table(&server));
    server.write_config("[limits]\nconnections_max = 3000\n");
    server.signal(Signal::HUP);
    server.wait_for_line("limits.connections_max = 3000; it was 1500");
    assert!(table(&server) >= 3192, "{}", table(&server));
}

#[test]
fn more_connections_than_there_can_be_files_do_not_start() {
    let directory = home(ANY_PORT, "[limits]\nconnections_max = 1000\n");
    let outcome = after("ulimit -n 1000", &directory)
        .output()
        .expect("a shell");
    assert_eq!(outcome.status.code(), Some(2));
    let told = String::from_utf8_lossy(&outcome.stderr);
    let expected = "limits.connections_max = 1000: with 192 descriptors for everything else that makes 1192, and the process may open 1000";
    assert!(told.contains(expected), "{told}");
}

#[test]
fn from_start_to_the_first_answer_takes_little() {
    let mut times: Vec<Duration> = (0..5)
        .map(|_| {
            let directory = home(ANY_PORT, "");
            let mut command = wardroom(directory.path());
            command.args(["serve", "--config", "wardroom.toml"]);
            let begun = Instant::now();
            let server = Server::start(command, directory);
            let listening = begun.elapsed();
            assert_eq!(Peer::connect(server.address).get("/healthz"), "200");
            listening
        })
        .collect();
    times.sort();
    println!("from start to listening, five times: {times:?}");
    assert!(times[2] < Duration::from_secs(2), "{times:?}");
}
