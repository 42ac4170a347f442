//! The private listener of the real program, and the commands that ask it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use crate::peer::Peer;
use crate::server::{PATIENCE, PRIVATE_KEY, Server, prepare, wardroom};

/// The standard output of a command that does what it is asked.
pub fn done(server: &Server, arguments: &[&str]) -> String {
    let output = server.command(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// The same as JSON.
pub fn json(server: &Server, arguments: &[&str]) -> Value {
    let text = done(server, &[arguments, &["--json"]].concat());
    serde_json::from_str(&text).expect("JSON")
}

/// What a command that fails says, which ends with this exit code.
pub fn failed(server: &Server, arguments: &[&str], code: i32) -> String {
    let output = server.command(arguments);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}: {output:?}"
    );
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr).expect("text")
}

pub fn full(server: &Server, user: &str) -> Peer {
    let fields = "Sec-WebSocket-Protocol: wardroom.v1\r\n";
    Peer::open_with(server, "/ws/chat", &server.token(user), fields)
}

/// One request and everything that comes back.
fn exchange(server: &Server, request: &str) -> String {
    let address = server.private.expect("a private listener");
    let mut socket = TcpStream::connect(address).expect("it listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
    socket.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    socket
        .read_to_string(&mut answer)
        .expect("an answer, then the end");
    answer
}

#[test]
fn what_is_published_by_command_is_heard_in_both_protocols() {
    let server = Server::serve("");
    let mut old = Peer::open(&server, "/ws/chat", &server.token("alice"));
    let mut new = full(&server, "bob");
    assert_eq!(
        done(&server, &["publish", "lobby", "it is noon"]),
        "ROOM   SEQ\nlobby  1\n"
    );
    let asked = [
        "publish", "lobby", "order 17", "--as", "shop", "--name", "The shop",
    ];
    assert_eq!(json(&server, &asked)["seq"], 2);
    for (sender, name, message, seq) in [
        ("System", "System", "it is noon", 1),
        ("shop", "The shop", "order 17", 2),
    ] {
        let heard = |peer: &mut Peer| loop {
            let notice = peer.notice();
            if notice["message"] == message {
                return notice;
            }
        };
        assert_eq!(heard(&mut old)["sender"], name);
        let notice = heard(&mut new);
        assert_eq!(
            (&notice["sender"], &notice["name"], &notice["seq"]),
            (&sender.into(), &name.into(), &seq.into())
        );
    }
    let told = failed(&server, &["publish", "nowhere", "hi"], 1);
    assert!(told.contains("There is no such room"), "{told}");
    let told = failed(&server, &["publish", "lobby", "hi", "--as", "System"], 1);
    assert!(told.contains("name"), "{told}");
}

#[test]
fn a_disconnected_user_is_closed_with_1008_and_gone_from_the_lists() {
    let server = Server::serve("");
    let mut mallory = [(); 2].map(|()| full(&server, "mallory"));
    let mut alice = full(&server, "alice");
    let list = json(&server, &["connections", "--user", "mallory"]);
    assert_eq!(list["connections"].as_array().map(Vec::len), Some(2));
    let table = done(&server, &["connections", "--room", "lobby", "--limit", "2"]);
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(table.starts_with("USER "), "{table}");

    let table = done(
        &server,
        &["disconnect", "mallory", "--reason", "see the house rules"],
    );
    assert_eq!(table, "USER     DISCONNECTED\nmallory  2\n");
    for peer in &mut mallory {
        let bye = loop {
            let notice = peer.notice();
            if notice["type"] == "bye" {
                break notice;
            }
        };
        assert_eq!(bye["reason"], "see the house rules");
        assert_eq!(peer.close_code(), Some(1008));
    }
    while alice.notice()["type"] != "left" {}
    let members = json(&server, &["rooms", "lobby"]);
    assert_eq!(members["count"], 1);
    assert_eq!(members["members"][0]["user"], "alice");
    assert_eq!(json(&server, &["disconnect", "mallory"])["disconnected"], 0);
    let line = server.wait_for_line("disconnected 2 connections");
    assert!(line.contains("mallory"), "{line}");
}

#[test]
fn rooms_limits_and_tickets_are_told_as_tables_and_a_ticket_lets_somebody_in() {
    let server = Server::serve("");
    let rooms = done(&server, &["rooms"]);
    assert_eq!(
        rooms.lines().next(),
        Some("ROOM     MEMBERS  CONNECTIONS  SEQ")
    );
    assert_eq!(rooms.lines().count(), 4, "{rooms}");
    let limits = done(&server, &["limits"]);
    assert!(limits.contains("limits.messages_per_user"), "{limits}");
    assert!(limits.contains("5 per 5000 ms"), "{limits}");

    let minted = json(&server, &["ticket", "--sub", "u-7", "--name", "Ada"]);
    let ticket = minted["ticket"].as_str().expect("one");
    let mut peer = Peer::connect(server.address);
    let offer = format!("Sec-WebSocket-Protocol: wardroom.v1, wardroom.ticket.{ticket}\r\n");
    peer.send(wardroom::simulation::upgrade_request("/ws/chat", &offer).as_bytes());
    let head = peer.head().expect("an answer");
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert_eq!(peer.notice()["name"], "Ada");
    let told = done(&server, &["limits", "--user", "u-7"]);
    assert!(told.starts_with("USER  LIMIT "), "{told}");
    let counted = ["u-7", "limits.connections_per_user", "1", "3", "0"];
    let mut rows = told
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    assert!(rows.any(|row| row == counted), "{told}");
    let list = json(&server, &["connections", "--user", "u-7"]);
    let id = list["connections"][0]["id"].as_str().expect("an id");
    assert!(told.contains(&format!("\n{id} ")), "{told}");
    let one = done(&server, &["connections", id]);
    assert!(one.starts_with("FIELD "), "{one}");
    for expected in [
        "user u-7",
        "rooms lobby",
        "prefix 127.0.0.1/32",
        "pauses 0",
        "DEADLINE LEFT MS",
        "limits.rooms_per_connection_max 1 32 0",
    ] {
        let mut lines = one
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        assert!(lines.any(|line| line == expected), "{expected}: {one}");
    }
    let unknown = failed(&server, &["connections", "99999-1"], 1);
    assert!(unknown.contains("There is no such connection"), "{unknown}");
    assert_eq!(
        done(
            &server,
            &["limits", "--address", "127.0.0.1", "--user", "bob"]
        )
        .lines()
        .next()
        .map(|line| line.starts_with("ADDRESS")),
        Some(true)
    );
    let line = server.wait_for_line("minted a ticket");
    assert!(line.contains("u-7") && !line.contains(ticket), "{line}");
}

#[test]
fn a_wrong_key_is_refused_and_the_command_says_which_file_it_was() {
    let server = Server::serve("");
    let other = server.folder().join("other.key");
    let own = server.folder().join("private.key");
    std::fs::copy(&own, &other).expect("a copy keeps its mode");
    std::fs::write(&other, PRIVATE_KEY.replace("8c1f", "8c1e")).expect("another key");
    let url = format!("http://{}", server.private.expect("a private listener"));
    let output = wardroom(server.folder())
        .args(["rooms", "--private", &url, "--key-file", "other.key"])
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).expect("text");
    assert!(told.contains("other.key") && told.contains("401"), "{told}");
    assert!(!told.contains("8c1e"), "{told}");
}

#[test]
fn a_command_with_the_servers_own_file_finds_it() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let (command, folder) = prepare("");
    let file = folder.path().join("wardroom.toml");
    let config = std::fs::read_to_string(&file).expect("a configuration");
    let named = config.replace(
        "[private]\naddress = \"127.0.0.1:0\"",
        &format!("[private]\naddress = \"{address}\""),
    );
    assert_ne!(named, config);
    std::fs::write(&file, named).expect("a configuration");
    let server = Server::start(command, folder);
    let output = wardroom(server.folder())
        .args(["rooms", "--config", "wardroom.toml"])
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .env("http_proxy", "http://127.0.0.1:1")
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn metrics_and_health_are_open_and_a_page_is_not_answered() {
    let server = Server::serve("");
    for (path, holds) in [
        ("/healthz", "ok"),
        ("/readyz", "ready"),
        ("/metrics", "wardroom_"),
    ] {
        let answer = exchange(
            &server,
            &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
        );
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.contains(holds), "{answer}");
        let page = exchange(
            &server,
            &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n\r\n"),
        );
        assert!(page.starts_with("HTTP/1.1 403 "), "{page}");
    }
}

#[test]
fn a_body_in_many_pieces_and_one_that_is_too_long_are_answered_and_not_reset() {
    let server = Server::serve("");
    let address = server.private.expect("a private listener");
    let body = r#"{"message":"in pieces"}"#;
    let head = format!(
        "POST /api/v1/rooms/lobby/messages HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {PRIVATE_KEY}\r\n\
         Content-Type: application/json\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: "
    );
    let mut peer = Peer::connect(address);
    peer.send(format!("{head}{}\r\n\r\n", body.len()).as_bytes());
    let told = peer.head().expect("an interim answer");
    assert!(told.starts_with("HTTP/1.1 100 "), "{told}");
    for byte in body.as_bytes() {
        peer.send(&[*byte]);
    }
    let told = peer.head().expect("an answer");
    assert!(told.starts_with("HTTP/1.1 200 "), "{told}");

    let mut peer = Peer::connect(address);
    let long = "x".repeat(100_000);
    peer.try_send(format!("{head}{}\r\n\r\n{long}", long.len()).as_bytes());
    let told = peer.head().expect("an answer and no reset");
    assert!(told.starts_with("HTTP/1.1 413 "), "{told}");
}

#[test]
fn a_full_private_listener_says_so_and_people_do_not_notice() {
    let server = Server::serve("");
    let address = server.private.expect("a private listener");
    let crowd: Vec<Peer> = (0..64).map(|_| Peer::connect(address)).collect();
    let answer = exchange(
        &server,
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    );
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(
        answer.contains("urn:wardroom:problem:server-full"),
        "{answer}"
    );
    assert_eq!(Peer::connect(server.address).get("/healthz"), "200");
    drop(crowd);
    let until = std::time::Instant::now() + PATIENCE;
    while !exchange(
        &server,
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    )
    .starts_with("HTTP/1.1 200 ")
    {
        assert!(
            std::time::Instant::now() < until,
            "those who went still count"
        );
    }
}

#[test]
fn a_session_made_over_the_private_listener_works_until_it_is_revoked_there() {
    let server = Server::serve("");
    let ask = |path: &str, body: &str| {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {PRIVATE_KEY}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = exchange(&server, &request);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        serde_json::from_str::<Value>(body).expect("JSON")
    };
    let made = ask("/api/v1/sessions", r#"{"user":"u-7","name":"Ada"}"#);
    let value = made["value"].as_str().expect("a value");
    let mut peer = Peer::open(&server, "/ws/chat", value);
    let body = serde_json::json!({ "session": made["session"] }).to_string();
    assert_eq!(ask("/api/v1/revocations", &body)["sessions_ended"], 1);
    let joined = peer.notice();
    assert_eq!(
        joined["sender"], "System",
        "its own coming, and nothing else"
    );
    assert_eq!(peer.close_code(), Some(1008));
}
