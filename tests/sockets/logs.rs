//! Logs that nobody reads and disks that are full: they cost lines, and the lines are counted. People chat on.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, Command};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;
use wardroom::simulation::upgrade_request;

use crate::honest::{Pair, Talk};
use crate::peer::Peer;
use crate::server::{PATIENCE, Server, prepare};
use crate::telemetry::scrape;

/// Limits that two people who talk without pause do not meet.
const ROOMY: &str = "[limits]
connections_per_address = 100
offences_per_address = { burst = 100000, per = \"1s\" }
messages_per_user = { burst = 100000, per = \"1s\" }
messages_per_connection = { burst = 100000, per = \"1s\" }
messages_per_address = { burst = 100000, per = \"1s\" }
commands_per_user = { burst = 100000, per = \"1s\" }
handshakes_per_address = { burst = 100000, per = \"1s\" }
failed_authentications_per_address = { burst = 100000, per = \"1s\" }
";

/// What a stalled log may cost one exchange of messages on a machine that is busy with other tests.
const DELAY_MAX: Duration = Duration::from_secs(1);

/// From the signal to the end: three seconds for peers, half a second for each log, and a busy machine.
const STOP_TIME_MAX: Duration = Duration::from_secs(6);

/// The queue's bound, the pipe's 64 KiB and the pieces in between, all of the shortest lines, and as much again.
const LINES: usize = 2 * (4096 + 2048);

/// Requests that are nobody's attack: each is a line of the debug log.
fn ask_for_nothing(server: &Server, requests: usize) {
    for _ in 0..requests {
        assert_eq!(Peer::connect(server.address).get("/nothing"), "404");
    }
}

/// Fails to sign in; each is a line of the security log.
fn fail(server: &Server, times: usize) {
    for _ in 0..times {
        let mut peer = Peer::connect(server.address);
        peer.send(upgrade_request("/ws/chat?token=bad", "").as_bytes());
        assert!(peer.head().is_some_and(|head| head.contains(" 101 ")));
        assert_eq!(peer.close_code(), Some(1008));
    }
}

#[test]
fn where_everybody_comes_through_one_address_that_is_not_named_as_a_proxy_the_log_says_so_once() {
    let mut server = Server::serve("");
    let people: Vec<Peer> = (0..27)
        .map(|n| Peer::open(&server, "/ws/chat", &server.token(&format!("user{n}"))))
        .collect();
    server.wait_for_line("config: proxy identity: most people who sign in come from 127.0.0.1 and");
    drop(people);
    server.terminate();
    server.wait();
    let log = server.whole_log();
    assert_eq!(log.matches("proxy identity").count(), 1, "{log}");
}

/// Lines that the server says were lost.
fn dropped(server: &Server) -> f64 {
    scrape(server)["wardroom_log_lines_dropped_total"]
}

/// Lets two people talk while `act` goes on; what they found.
fn talk_while(server: &Server, act: impl FnOnce()) -> Talk {
    let pair = Pair::begin(server);
    act();
    let talk = pair.end();
    println!("{talk:?}");
    assert!(talk.slowest < DELAY_MAX, "{talk:?}");
    talk
}

/// Ends the server by a signal, and says how long that took.
fn stop(mut server: Server) -> Duration {
    let begun = Instant::now();
    server.terminate();
    assert!(server.wait().success());
    let took = begun.elapsed();
    println!("stopped in {took:?}");
    assert!(took < STOP_TIME_MAX, "{took:?}");
    took
}

/// The command that serves, whose figures may be asked for as often as a test likes.
fn prepared(config: &str) -> (Command, TempDir) {
    let (mut command, directory) = prepare(config);
    command.env(
        "WARDROOM_PRIVATE_REQUESTS",
        "{ burst = 1000000, per = \"1s\" }",
    );
    (command, directory)
}

/// A server with its debug log on a pipe that nobody reads beyond the first lines.
fn with_unread_log() -> (Server, ChildStderr) {
    let (mut command, directory) = prepared(ROOMY);
    command.env("RUST_LOG", "debug");
    Server::start_unread(command, directory)
}

#[test]
fn people_chat_on_while_nobody_reads_the_log_and_the_gap_is_told_to_who_reads_it_later() {
    let (server, log) = with_unread_log();
    let talk = talk_while(&server, || ask_for_nothing(&server, LINES));
    assert!(talk.messages > 10, "{talk:?}");
    let mut lines = BufReader::new(log).lines();
    // Whoever reads again finds what was kept, then the gap, then the present.
    let mut kept = 0;
    let gap = loop {
        let line = lines.next().expect("a gap").expect("text");
        if line.contains("log lines are missing here") {
            break line;
        }
        kept += 1;
        if kept % 64 == 0 {
            ask_for_nothing(&server, 1);
        }
    };
    let missing: usize = gap
        .split(' ')
        .next()
        .and_then(|n| n.parse().ok())
        .expect("a count");
    println!("{kept} lines were kept, {missing} are missing");
    assert!(missing > 0 && kept > 4096);
    // Figures of the process are at most a second old.
    let until = Instant::now() + PATIENCE;
    while dropped(&server) < missing as f64 {
        assert!(Instant::now() < until, "{} are counted", dropped(&server));
    }
    let rest = std::thread::spawn(move || lines.map_while(Result::ok).count());
    stop(server);
    rest.join().expect("read to the end");
}

#[test]
fn a_server_stops_in_time_while_nobody_reads_its_log() {
    let (server, log) = with_unread_log();
    ask_for_nothing(&server, LINES);
    stop(server);
    drop(log);
}

#[test]
fn a_log_on_a_full_disk_harms_nobody() {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr());
    let address: SocketAddr = free.expect("a free port");
    let (mut command, directory) = prepare(ROOMY);
    command.env("RUST_LOG", "debug");
    command.args(["--set", &format!("listen.address={address}")]);
    let full = OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("a full disk");
    let server = Server::start_with_log(command, directory, address, full);
    talk_while(&server, || ask_for_nothing(&server, 200));
    stop(server);
}

#[test]
fn a_security_log_on_a_full_disk_is_told_of_once_and_harms_nobody() {
    let (command, directory) = prepared(&format!("{ROOMY}[log]\nsecurity_file = \"/dev/full\"\n"));
    let server = Server::start(command, directory);
    talk_while(&server, || {
        fail(&server, 20);
    });
    let until = Instant::now() + PATIENCE;
    while dropped(&server) < 20.0 {
        assert!(Instant::now() < until, "{} are counted", dropped(&server));
    }
    let told = server.log_so_far();
    let told = told.iter().filter(|line| line.contains("/dev/full"));
    let told: Vec<_> = told.collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("No space left on device"), "{told:?}");
    stop(server);
}

/// The program in a mount namespace of its own, with a disk of 16 KiB at `logs` in its directory; `None` where that is
/// not allowed.
fn with_small_disk(config: &str) -> Option<Server> {
    let (program, directory) = prepare(config);
    let logs = directory.path().join("logs");
    fs::create_dir(&logs).expect("a directory");
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
        .args([
            "--mount",
            "sh",
            "-c",
            "mount -t tmpfs -o size=16k none logs && exec \"$@\"",
            "sh",
        ])
        .arg(program.get_program())
        .args(program.get_args());
    Some(Server::start(command, directory))
}

#[test]
fn a_disk_that_fills_up_and_is_cleared_has_whole_lines_and_the_number_of_those_lost() {
    let config = format!(
        "{ROOMY}[log]\nsecurity_file = \"logs/security.log\"\n\
         security_events = {{ burst = 10000, per = \"1s\" }}\n"
    );
    let Some(server) = with_small_disk(&config) else {
        return;
    };
    let file = format!("/proc/{}/root", server.pid());
    let file = PathBuf::from(file).join(
        server
            .folder()
            .join("logs/security.log")
            .strip_prefix("/")
            .unwrap_or(Path::new("")),
    );
    talk_while(&server, || fail(&server, 400));
    server.wait_for_line("No space left on device");
    let written = fs::read_to_string(&file).expect("the log");
    assert!(written.len() <= 16 * 1024);
    // As a rotation that copies and truncates does.
    let cleared = OpenOptions::new().write(true).open(&file);
    cleared.and_then(|file| file.set_len(0)).expect("cleared");
    fail(&server, 1);
    server.wait_for_line("is written again");
    let whole = |text: &str| {
        text.lines()
            .filter(|line| line.contains("Z wardroom security: event="))
            .count()
    };
    // The last line before the gap is torn, and counted as lost.
    let kept = whole(&written) - usize::from(!written.ends_with('\n'));
    // The start, the two who talk, and all who failed.
    let all = 1 + 2 + 400 + 1;
    let until = Instant::now() + PATIENCE;
    loop {
        let after = fs::read_to_string(&file).expect("the log");
        let lost = after
            .lines()
            .find_map(|line| line.strip_prefix("wardroom security: event=lines_lost count="));
        let lost: usize = lost
            .and_then(|count| count.parse().ok())
            .unwrap_or_default();
        if kept + lost + whole(&after) == all {
            println!("{kept} lines were kept, {lost} lost");
            assert!(lost > 0);
            break;
        }
        assert!(
            Instant::now() < until,
            "{kept} kept, {lost} lost, then: {after}"
        );
    }
    stop(server);
}

#[test]
fn what_a_process_says_last_is_written_before_it_ends() {
    let (mut command, _directory) = prepare("[limits]\nconnections_max = 0\n");
    let done = command.output().expect("the program starts");
    assert_eq!(done.status.code(), Some(2));
    let said = String::from_utf8(done.stderr).expect("text");
    assert!(said.contains("limits.connections_max"), "{said}");
}

#[test]
fn the_security_log_ends_with_the_servers_end() {
    let (server, mut log) = {
        let (command, directory) = prepare("");
        Server::start_unread(command, directory)
    };
    stop(server);
    let mut said = String::new();
    log.read_to_string(&mut said).expect("text");
    let last = said.lines().last().expect("a line");
    assert!(
        last.ends_with("wardroom security: event=stopped connections=0"),
        "{said}"
    );
}

#[test]
fn a_hangup_begins_the_security_log_anew_whether_or_not_the_configuration_is_good() {
    let server = Server::serve("[log]\nsecurity_file = \"security.log\"\n");
    let file = server.folder().join("security.log");
    let config = server.folder().join("wardroom.toml");
    let good = fs::read_to_string(&config).expect("a configuration");
    for (text, outcome) in [
        (good.clone(), "event=reloaded outcome=done\n"),
        (
            format!("{good}nonsense = 1\n"),
            "event=reloaded outcome=refused reason=",
        ),
    ] {
        fs::write(&config, text).expect("written");
        fs::rename(&file, server.folder().join("security.log.1")).expect("moved away");
        server.signal(Signal::HUP);
        let until = Instant::now() + PATIENCE;
        loop {
            let log = fs::read_to_string(&file).unwrap_or_default();
            if log.contains(outcome) && log.ends_with('\n') {
                assert_eq!(log.lines().count(), 1, "{log}");
                break;
            }
            assert!(Instant::now() < until, "{log}");
            std::thread::yield_now();
        }
    }
    stop(server);
}
