//! The operator's own program says who somebody is, or fails to: the real server beside a program of every kind.

mod crowds;

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use wardroom::simulation::upgrade_request;

use crate::backend::{self, Backend, Behaviour};
use crate::peer::Peer;
use crate::server::{PATIENCE, Server};

/// Of servers beside a hook that makes them wait.
const TIMEOUT: Duration = Duration::from_millis(500);
const IMPATIENT: &str = "timeout = \"500ms\"\n";

/// Rates of those who talk are not the question here.
const PLENTY: &str = r#"
messages_per_user = { burst = 1000000, per = "1s" }
messages_per_connection = { burst = 1000000, per = "1s" }
messages_per_address = { burst = 1000000, per = "1s" }
commands_per_user = { burst = 1000000, per = "1s" }
frames_per_connection = { burst = 1000000, per = "1s" }
"#;

/// A server whose hook is at `address`; more lines of `[auth.hook]`, and of other sections.
fn serve(address: SocketAddr, hook: &str, more: &str) -> Server {
    let timeout = match hook.contains("timeout") {
        true => "",
        // Where nothing is to be waited for, a busy machine must not be taken for a dead hook.
        false => "timeout = \"4900ms\"\n",
    };
    Server::serve(&format!(
        "[auth.hook]\nurl = \"http://{address}/who\"\nsecret_file = \"secret\"\n{timeout}{hook}\n\
         [limits]\nplain_per_address = 500\nconnections_per_address = 500\noffences_per_address = {{ burst = 100000, per = \"1s\" }}\n\
         handshakes_per_address = {{ burst = 1000000, per = \"1s\" }}\n{PLENTY}{more}"
    ))
}

/// What an upgrade with these fields comes to: a close code, or `None` when somebody is in.
fn knock(server: &Server, fields: &str) -> Option<u16> {
    let mut peer = Peer::connect(server.address);
    peer.send(upgrade_request("/ws/chat", fields).as_bytes());
    outcome(&mut peer)
}

fn outcome(peer: &mut Peer) -> Option<u16> {
    let head = peer.head().expect("an answer");
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let frame = peer.frame().expect("a frame");
    (frame.opcode == 8).then(|| u16::from_be_bytes([frame.payload[0], frame.payload[1]]))
}

fn bearer(credential: &str) -> String {
    format!("Authorization: Bearer {credential}\r\n")
}

/// An address at which nobody listens.
fn nowhere() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}

#[test]
fn a_credential_from_every_place_is_asked_about_with_what_belongs_to_it() {
    let backend = Backend::start(backend::good);
    let more = "[auth]\ncookie = \"sid\"\n[origins]\nallow = [\"https://chat.example\"]\n";
    let server = serve(backend.address, "", more);
    let page = "Origin: https://chat.example\r\n";
    for (path, fields, question) in [
        (
            "/ws/chat",
            bearer("good-alice"),
            r#"{"credential":"good-alice","source":"bearer","address":"127.0.0.1","path":"/ws/chat"}"#,
        ),
        (
            "/ws/chat",
            format!("{page}Cookie: a=b; sid=good-bob\r\n"),
            r#"{"credential":"good-bob","source":"cookie","address":"127.0.0.1","origin":"https://chat.example","path":"/ws/chat"}"#,
        ),
        (
            "/ws/chat?token=good-carol",
            page.to_owned(),
            r#"{"credential":"good-carol","source":"query","address":"127.0.0.1","origin":"https://chat.example","path":"/ws/chat"}"#,
        ),
    ] {
        let mut peer = Peer::connect(server.address);
        peer.send(upgrade_request(path, &fields).as_bytes());
        assert_eq!(outcome(&mut peer), None, "{path}");
        let asked = backend.asked.recv_timeout(PATIENCE).expect("a question");
        assert_eq!(asked.body, question);
        let secret = format!("authorization: Bearer {}\r\n", crate::server::SECRET);
        assert!(asked.head.contains(&secret), "{}", asked.head);
    }
    let mut ticket = Peer::connect(server.address);
    let fields = bearer("good-dave");
    ticket.send(format!("POST /ticket HTTP/1.1\r\nHost: a\r\n{fields}\r\n").as_bytes());
    let head = ticket.head().expect("an answer");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let asked = backend.asked.recv_timeout(PATIENCE).expect("a question");
    assert!(
        asked.body.ends_with(r#""path":"/ticket"}"#),
        "{}",
        asked.body
    );
}

#[test]
fn tokens_and_sessions_are_never_shown_to_the_hook() {
    let backend = Backend::start(backend::good);
    let server = serve(backend.address, "", "");
    let token = server.token("alice");
    assert_eq!(knock(&server, &bearer(&token)), None);
    assert_eq!(knock(&server, &bearer(&format!("{token}x"))), Some(1008));
    let session = format!("wrs_{}", "A".repeat(43));
    assert_eq!(knock(&server, &bearer(&session)), Some(1008));
    assert_eq!(knock(&server, &bearer("good-bob")), None);
    let asked = backend.asked.recv_timeout(PATIENCE).expect("a question");
    assert_eq!(asked.credential(), "good-bob", "the only question");
}

#[test]
fn whatever_the_hook_does_nobody_is_let_in_without_its_yes() {
    let cases: [(Behaviour, &str); 10] = [
        (backend::hang, "hangs"),
        (backend::drip, "a slow drip"),
        (backend::garbage, "garbage"),
        (backend::bytes, "bytes that are no text"),
        (backend::no_http, "no HTTP"),
        (backend::half, "half an answer"),
        (backend::endless, "ten gigabytes"),
        (backend::redirect, "a redirect"),
        (backend::html, "another content type"),
        (backend::fails, "500"),
    ];
    for (behaviour, name) in cases {
        let backend = Backend::start(behaviour);
        let server = serve(backend.address, IMPATIENT, "");
        let mut alice = Peer::open(&server, "/ws/chat", &server.token("alice"));
        let before = server.figures();
        let began = Instant::now();
        assert_eq!(knock(&server, &bearer("good-alice")), Some(1013), "{name}");
        assert!(
            began.elapsed() < 4 * TIMEOUT,
            "{name}: {:?}",
            began.elapsed()
        );
        alice.say("{\"message\":\"here\"}");
        while alice.notice()["message"] != "here" {}
        assert_eq!(backend.accepted(), 1, "{name}: asked once, and nobody else");
        let growth = server
            .figures()
            .resident_kib
            .saturating_sub(before.resident_kib);
        assert!(growth < 4096, "{name}: grew by {growth} KiB");
    }
}

#[test]
fn a_hook_that_says_no_is_charged_to_the_address_and_one_that_is_down_is_not() {
    let rate = "failed_authentications_per_address = { burst = 3, per = \"1m\" }\n";
    let backend = Backend::start(backend::good);
    let server = serve(backend.address, "", rate);
    for number in 0..3 {
        assert_eq!(
            knock(&server, &bearer(&format!("bad-{number}"))),
            Some(1008)
        );
    }
    let mut fourth = Peer::connect(server.address);
    fourth.send(upgrade_request("/ws/chat", &bearer("good-alice")).as_bytes());
    let head = fourth.head().expect("an answer");
    assert!(head.starts_with("HTTP/1.1 429 "), "{head}");

    let server = serve(nowhere(), "", rate);
    for number in 0..10 {
        assert_eq!(
            knock(&server, &bearer(&format!("bad-{number}"))),
            Some(1013)
        );
    }
}

#[test]
fn a_status_tells_it_too() {
    let server = serve(nowhere(), "", "[auth]\nrefuse_with = \"http\"\n");
    let mut peer = Peer::connect(server.address);
    peer.send(upgrade_request("/ws/chat", &bearer("good-alice")).as_bytes());
    let head = peer.head().expect("an answer");
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    assert!(head.contains("Retry-After: "), "{head}");
    let body = String::from_utf8(peer.rest()).expect("text");
    assert!(
        body.contains("\"code\":\"authentication_unavailable\""),
        "{body}"
    );
}

#[test]
fn a_hook_that_comes_back_is_asked_again() {
    let address = nowhere();
    let server = serve(address, "failures_max = 2\ndown_time = \"100ms\"\n", "");
    for _ in 0..5 {
        assert_eq!(knock(&server, &bearer("good-alice")), Some(1013));
    }
    for round in 0..2 {
        let backend = Backend::at(address, backend::good);
        let until = Instant::now() + PATIENCE;
        while knock(&server, &bearer(&format!("good-user{round}"))).is_some() {
            assert!(Instant::now() < until, "it is not asked any more");
        }
        drop(backend);
        assert_eq!(
            knock(&server, &bearer(&format!("good-late{round}"))),
            Some(1013)
        );
    }
}

#[test]
fn an_answer_that_comes_twice_or_late_lets_nobody_else_in() {
    for behaviour in [backend::twice as Behaviour, backend::late] {
        let backend = Backend::start(behaviour);
        let server = serve(backend.address, "", "");
        for number in 0..10 {
            let user = format!("user{number}");
            let mut peer = Peer::connect(server.address);
            let credential = bearer(&format!("good-{user}"));
            let fields = format!("{credential}Sec-WebSocket-Protocol: wardroom.v1\r\n");
            peer.send(upgrade_request("/ws/chat", &fields).as_bytes());
            peer.head().expect("an answer");
            assert_eq!(peer.notice()["user"], *user);
        }
    }
}

#[test]
fn who_does_not_wait_for_the_answer_leaves_nothing_behind() {
    let backend = Backend::start(backend::hang);
    let bounds = format!("{IMPATIENT}questions_per_address_max = 100\n");
    let server = serve(backend.address, &bounds, "");
    let before = server.figures();
    for number in 0..50 {
        let mut peer = Peer::connect(server.address);
        peer.send(upgrade_request("/ws/chat", &bearer(&format!("x{number}"))).as_bytes());
        peer.reset();
    }
    server.expect_unchanged(before, "alice");
}

#[test]
fn the_server_ends_in_time_though_the_hook_hangs() {
    let backend = Backend::start(backend::hang);
    let mut server = serve(backend.address, "", "");
    let mut peer = Peer::connect(server.address);
    peer.send(upgrade_request("/ws/chat", &bearer("good-alice")).as_bytes());
    backend.asked.recv_timeout(PATIENCE).expect("a question");
    let began = Instant::now();
    server.terminate();
    assert!(server.wait().success());
    assert!(
        began.elapsed() < Duration::from_millis(4500),
        "{:?}",
        began.elapsed()
    );
    while backend.connections() > 0 {
        assert!(began.elapsed() < PATIENCE, "it is still being asked");
    }
}

#[test]
fn after_a_reload_the_hook_is_asked_anew_and_as_the_files_say_now() {
    let backend = Backend::start(backend::good);
    let server = serve(backend.address, "", "");
    assert_eq!(knock(&server, &bearer("good-alice")), None);
    assert_eq!(knock(&server, &bearer("good-alice")), None, "from memory");
    let other = "0b7de65f418c29a3d2f4a1c680957e3b0b7de65f418c29a3d2f4a1c680957e3c";
    fs::write(server.folder().join("secret"), other).expect("a secret");
    server.signal(Signal::HUP);
    server.wait_for_line("reloaded: ");
    assert_eq!(knock(&server, &bearer("good-alice")), None);
    for secret in [crate::server::SECRET, other] {
        let asked = backend.asked.recv_timeout(PATIENCE).expect("a question");
        let line = format!("authorization: Bearer {secret}\r\n");
        assert!(asked.head.contains(&line), "{}", asked.head);
    }
    assert!(backend.asked.try_recv().is_err(), "twice in all");
}

#[test]
fn from_inside_its_sandbox_the_server_asks_the_hook_by_its_name() {
    let backend = Backend::start(backend::good);
    let port = backend.address.port();
    let server = Server::serve(&format!(
        "[process]\nsandbox = \"require\"\n[auth.hook]\nurl = \"http://localhost:{port}/who\"\n\
         secret_file = \"secret\"\ntimeout = \"4900ms\"\n"
    ));
    assert_eq!(knock(&server, &bearer("good-alice")), None);
    server.signal(Signal::HUP);
    server.wait_for_line("reloaded: ");
    assert_eq!(knock(&server, &bearer("good-bob")), None);
}

/// The program of the documentation, ended with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_program_in_the_documentation_lets_its_people_in() {
    if Command::new("python3").arg("--version").output().is_err() {
        println!("skipped: python3 is missing");
        return;
    }
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/auth-hook.md");
    let document = fs::read_to_string(document).expect("the document");
    let program = document
        .split("```python\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("a program");
    let address = nowhere();
    assert!(program.contains("(\"127.0.0.1\", 9000)"), "its address");
    let program = program.replace("9000", &address.port().to_string());
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    fs::write(path("hook-secret"), format!("{}\n", crate::server::SECRET)).expect("written");
    fs::write(path("hook.py"), program).expect("written");
    let child = Command::new("python3")
        .arg("hook.py")
        .current_dir(directory.path())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let _program = Program(child);
    let until = Instant::now() + PATIENCE;
    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < until, "the program does not listen");
        std::thread::yield_now();
    }
    let server = serve(address, "", "");
    let mut peer = Peer::connect(server.address);
    let credential = bearer("5f0c-a-key-of-alice");
    let fields = format!("{credential}Sec-WebSocket-Protocol: wardroom.v1\r\n");
    peer.send(upgrade_request("/ws/chat", &fields).as_bytes());
    peer.head().expect("an answer");
    let hello = peer.notice();
    assert_eq!(hello["user"], "u-17", "{hello}");
    assert_eq!(hello["name"], "Alice", "{hello}");
    assert_eq!(knock(&server, &bearer("made-up")), Some(1008));
}

#[test]
fn what_the_hook_said_is_counted_with_the_time_it_took() {
    let backend = Backend::start(backend::good);
    let server = serve(backend.address, "", "");
    assert_eq!(knock(&server, &bearer("good-alice")), None);
    assert_eq!(knock(&server, &bearer("bad-mallory")), Some(1008));
    let samples = crate::telemetry::scrape(&server);
    for (name, value) in [
        (
            "wardroom_work_total{worker=\"hook\",outcome=\"known\"}",
            1.0,
        ),
        (
            "wardroom_work_total{worker=\"hook\",outcome=\"refused\"}",
            1.0,
        ),
        (
            "wardroom_work_total{worker=\"hook\",outcome=\"silent\"}",
            0.0,
        ),
        ("wardroom_work_duration_seconds_count{worker=\"hook\"}", 2.0),
        ("wardroom_work_waiting", 0.0),
    ] {
        assert_eq!(samples.get(name), Some(&value), "{name} {samples:#?}");
    }
}
