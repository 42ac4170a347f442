//! The budget of memory of the real program: floods of strangers stay within the table that is theirs, and it is free again at once.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Socket, Type};

use wardroom::simulation::{masked, upgrade_request};

use crate::line::token;
use crate::peer::Peer;
use crate::server::{Server, prepare};
use crate::telemetry::ask;

const V1: &str = "Sec-WebSocket-Protocol: wardroom.v1\r\n";

/// What the process may take beside what is drawn, as docs/operations.md has it.
const BESIDE_KIB: u64 = 24 * 1024;
/// Connections that have not signed in, by default.
const PLACES: usize = 1000;
/// The line of the server's own arithmetic on them: their entries and their heads, all of them taken.
const TABLE: &str = "unauthenticated    10272 B x      1000 = ";
const TABLE_KIB: u64 = 10_272 * PLACES as u64 / 1024;
/// What an entry is at most, without what has come of its request (docs/operations.md).
const ENTRY_KIB: u64 = 2080 * PLACES as u64 / 1024;
/// Addresses of a flood: so many that no limit of one of them has it refused before it comes to the table.
const ADDRESSES: usize = 250;
/// A request's head is there so long after accept, by default.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How much later the last of them is gone at most: a thousand go in 32 turns.
const LATE_MAX: Duration = Duration::from_secs(1);
/// From one byte of a slow head to the next.
const BYTE_EVERY: Duration = Duration::from_millis(100);

/// A connection from any address of loopback.
fn connect_from(source: [u8; 4], server: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let source = SocketAddr::from((source, 0));
    socket.bind(&source.into()).expect("loopback");
    socket.connect(&server.into()).expect("the server");
    socket.into()
}

/// Whether the server has ended this connection.
fn is_over(stream: &mut TcpStream) -> bool {
    stream.set_nonblocking(true).expect("a socket");
    let mut told = [0; 1024];
    loop {
        match stream.read(&mut told) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != std::io::ErrorKind::WouldBlock,
        }
    }
}

/// Floods a server that is as it is by default with so many strangers, who say this, and then this again and again. They take no more
/// memory than this, and leave their table to others.
fn expect_gone_at_the_deadline(count: usize, said: &[u8], again: &[u8], most_kib: u64) {
    let server = Server::serve("");
    assert!(server.has_logged(TABLE), "{TABLE}");
    let alone = server.figures();
    drop(Peer::open(&server, "/ws/chat", &server.token("first")));
    let before = server.settled(alone.descriptors);
    let mut resident = 0;
    let mut strangers = Vec::new();
    for n in 0..count {
        let mut stranger = connect_from([127, 0, 1, (n % ADDRESSES) as u8], server.address);
        // Who was let go by now can be told nothing.
        let _ = stranger.write_all(said);
        strangers.push((stranger, Instant::now()));
        if n % 100 == 0 {
            resident = resident.max(server.figures().resident_kib);
        }
    }
    let mut member = Peer::open(&server, "/ws/chat", &server.token("newcomer"));
    member.say(r#"{"message":"in while they wait"}"#);
    while member.notice()["message"] != "in while they wait" {}
    // Whoever came before has been accepted.
    let until = Instant::now() + HEAD_TIME + LATE_MAX;
    let mut longest = Duration::ZERO;
    while !strangers.is_empty() {
        strangers.retain_mut(|(stranger, came)| {
            let _ = stranger.write_all(again);
            let is_over = is_over(stranger);
            longest = longest.max(came.elapsed());
            !is_over
        });
        resident = resident.max(server.figures().resident_kib);
        let is_late = Instant::now() > until;
        assert!(!is_late, "{} are left: {longest:?}", strangers.len());
        if let Some((first, _)) = strangers.first_mut() {
            wait_for_end(first, BYTE_EVERY);
        }
    }
    let most = before.resident_kib + most_kib;
    println!(
        "{} KiB before, {resident} with {count} strangers, {most} at most; the last was there for {longest:?}",
        before.resident_kib
    );
    assert!(longest >= HEAD_TIME, "let go after {longest:?}");
    assert!(resident <= most, "{resident} KiB, {most} at most");
    // Until their sockets are closed on both sides they have their places: as long as it takes to see that, or `deadlines.linger`.
    server.settled(before.descriptors + 1);
    expect_free(&server);
    drop(member);
    expect_given_back(&server, before.resident_kib);
    server.expect_unchanged(before, "newcomer");
}

/// Waits until the server ends this connection, for so long at most.
fn wait_for_end(stream: &mut TcpStream, time: Duration) {
    stream.set_nonblocking(false).expect("a socket");
    stream.set_read_timeout(Some(time)).expect("a socket");
    // Whether it has ended is looked at where all are.
    let _ = stream.peek(&mut [0]);
}

/// All places for connections that have not signed in are there: as many as there are come in, and nobody has to go for it.
fn expect_free(server: &Server) {
    let guests =
        (1..PLACES).map(|n| connect_from([127, 0, 2, (n % ADDRESSES) as u8], server.address));
    let mut guests: Vec<_> = guests.collect();
    let mut last = connect_from([127, 0, 3, 1], server.address);
    last.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        .expect("a place");
    let mut told = [0; 12];
    last.read_exact(&mut told).expect("an answer");
    assert_eq!(&told, b"HTTP/1.1 200");
    let gone = guests
        .iter_mut()
        .filter_map(|guest| is_over(guest).then_some(()));
    assert_eq!(gone.count(), 0, "had to make room");
}

#[test]
fn silent_sockets_take_no_more_than_their_entries_and_are_gone_at_the_deadline() {
    expect_gone_at_the_deadline(5000, b"", b"", ENTRY_KIB);
}

#[test]
fn slow_heads_take_no_more_than_their_table_and_are_gone_at_the_deadline_though_bytes_keep_coming()
{
    let begin = [b"GET / HTTP/1.1\r\nX: ".as_slice(), &[b'y'; 4000]].concat();
    expect_gone_at_the_deadline(2000, &begin, b"y", TABLE_KIB);
}

#[test]
fn readers_who_read_nothing_are_let_go_before_a_server_of_32_mib_takes_more() {
    let config = r#"
[echo]
enabled = true
[limits]
connections_per_address = 1000
frames_per_connection = { burst = 1000000, per = "1s" }
commands_per_user = { burst = 1000000, per = "1s" }
messages_per_user = { burst = 1000000, per = "1s" }
messages_per_connection = { burst = 1000000, per = "1s" }
messages_per_address = { burst = 1000000, per = "1s" }
bytes_per_connection = { burst = 1000000000, per = "1s" }
bytes_per_address = { burst = 1000000000, per = "1s" }
outbound_bytes_per_connection_max = 67108864
outbound_bytes_max = 1073741824
[deadlines]
close = "200ms"
"#;
    let (mut command, directory) = prepare(config);
    command.args(["--set", "memory=32MiB"]);
    let server = Server::start(command, directory);
    let mut honest = Peer::open_with(&server, "/ws/chat", &server.token("honest"), V1);
    let before = server.figures();
    let mut most = 0;
    let mut sent = 0;
    let mut slow = Vec::new();
    for n in 0..20 {
        let mut peer = Peer::open(&server, "/ws/echo", &server.token(&format!("slow-{n}")));
        peer.narrow();
        let message = masked(0x82, &[b'x'; 16 * 1024]);
        for _ in 0..600 {
            if !peer.try_send(&message) {
                break;
            }
            sent += message.len();
        }
        slow.push(peer);
        most = most.max(server.figures().resident_kib);
    }
    honest.say(r#"{"type":"ping","id":"still here"}"#);
    while honest.notice()["id"] != "still here" {}
    let metrics = ask(&server, "/metrics", "").1;
    let most_allowed = 32 * 1024 + BESIDE_KIB;
    println!(
        "{sent} bytes sent; {} KiB before, {most} at most, {most_allowed} allowed",
        before.resident_kib
    );
    assert!(most < most_allowed, "{most} KiB");
    let nobody = "wardroom_memory_shed_total{class=\"slow_readers\"} 0";
    assert!(!metrics.contains(nobody), "somebody was let go");
    drop(slow);
    expect_given_back(&server, before.resident_kib);
}

/// Memory goes back to the system within ten seconds, but for a tenth and the allocator's slack.
fn expect_given_back(server: &Server, before: u64) {
    let wanted = before * 11 / 10 + 1024;
    let begun = Instant::now();
    loop {
        let now = server.figures().resident_kib;
        if now <= wanted {
            return println!("{now} KiB after {:?}", begun.elapsed());
        }
        let is_late = begun.elapsed() > Duration::from_secs(10);
        assert!(!is_late, "{now} KiB, {wanted} wanted");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// How often the idle server's processor time is looked at, every ten seconds.
const IDLE_LOOKS: usize = 5;

/// How many idle sessions are held: of a hundred thousand, as many as there are descriptors for.
fn idle_sessions() -> usize {
    let limit = getrlimit(Resource::Nofile).maximum;
    let limit = limit.map_or(usize::MAX, |limit| limit as usize);
    100_000.min(limit.saturating_sub(1000))
}

#[test]
#[ignore = "takes as many descriptors as there are, up to 100,000 on both sides, and minutes"]
fn a_hundred_thousand_idle_sessions_of_many_addresses_cost_little_memory_and_no_time() {
    let count = idle_sessions();
    let raised = Rlimit {
        current: getrlimit(Resource::Nofile).maximum,
        maximum: getrlimit(Resource::Nofile).maximum,
    };
    setrlimit(Resource::Nofile, raised).expect("up to the hard limit");
    let config = format!(
        r#"
[echo]
enabled = true
[limits]
connections_max = {}
connections_per_address = 1000
prefixes_max = 262144
handshakes_per_address = {{ burst = 1000000, per = "1s" }}
[deadlines]
ping = "1h"
"#,
        count + 500
    );
    let (mut command, directory) = prepare(&config);
    command.args(["--set", "memory=1GiB"]);
    let server = Server::start(command, directory);
    drop(Peer::open(&server, "/ws/chat", &server.token("first")));
    let before = server.figures();
    let mut sessions = Vec::new();
    for n in 0..count {
        let [_, a, b, c] = (n as u32 + 256).to_be_bytes();
        let mut stream = connect_from([127, a + 1, b, c], server.address);
        let token = token(&format!("user-{n}"));
        let fields = format!("Authorization: Bearer {token}\r\n");
        // In no room: who comes would be told to all who are there.
        let head = upgrade_request("/ws/echo", &fields);
        stream.write_all(head.as_bytes()).expect("the server");
        let mut told = [0; 12];
        stream.read_exact(&mut told).expect("an answer");
        assert_eq!(&told, b"HTTP/1.1 101", "session {n}");
        sessions.push(stream);
    }
    std::thread::sleep(Duration::from_secs(3));
    let full = server.figures();
    let bytes = (full.resident_kib - before.resident_kib) * 1024 / count as u64;
    println!(
        "{count} idle sessions, each of a person and an address of its own: {bytes} bytes each"
    );
    // The last of them has stayed long enough by then to earn its address a place.
    let mut before = full.cpu;
    let shares: Vec<f64> = (0..IDLE_LOOKS)
        .map(|_| {
            std::thread::sleep(Duration::from_secs(10));
            let now = server.figures().cpu;
            let share = (now - before).as_secs_f64() * 10.0;
            before = now;
            println!("{share:.2} % of a core");
            share
        })
        .collect();
    let percent = shares.last().copied().unwrap_or_default();
    assert!(bytes < 4096, "{bytes} bytes");
    // Built without optimization, the same turns take ten times as long.
    let most = if cfg!(debug_assertions) { 10.0 } else { 1.0 };
    assert!(percent < most, "{percent} %");
}
