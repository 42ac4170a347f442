//! The real program is told to go while people chat, others never read, and others never answer.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use wardroom::simulation::{masked, text};

use crate::peer::Peer;
use crate::server::{PATIENCE, PRIVATE_KEY, Server};
use crate::telemetry::scrape;

const ROOMY: &str = "[limits]\nconnections_per_user = 1000\nconnections_per_address = 1000\nplain_per_address = 1000\n\
    handshakes_per_address = { burst = 100000, per = \"1s\" }\nmessages_per_user = { burst = 100000, per = \"1s\" }\n\
    messages_per_connection = { burst = 100000, per = \"1s\" }\nmessages_per_address = { burst = 100000, per = \"1s\" }\n\
    commands_per_user = { burst = 100000, per = \"1s\" }\nbytes_per_address = { burst = \"64MiB\", per = \"1s\" }\n\
    bytes_per_connection = { burst = \"64MiB\", per = \"1s\" }\n";

const V1: &str = "Sec-WebSocket-Protocol: wardroom.v1\r\n";

/// Peers that make it hard to leave: some never read what they asked for, some have half a request out, some say nothing.
fn reluctant(server: &Server, token: &str) -> Vec<Peer> {
    let mut peers = Vec::new();
    for _ in 0..10 {
        let mut deaf = Peer::open(server, "/ws/echo", token);
        deaf.narrow();
        let payload = vec![b'x'; 32 * 1024];
        // As much as goes without being read: the server pauses or cuts off, the kernel's buffers fill.
        for _ in 0..8 {
            deaf.try_send(&masked(0x82, &payload));
        }
        peers.push(deaf);
        let mut half = Peer::connect(server.address);
        half.send(b"GET / HTTP/1.1\r\nHo");
        peers.push(half);
        peers.push(Peer::connect(server.address));
        // Never answers a close frame, and never goes.
        peers.push(Peer::open(server, "/ws/chat", token));
    }
    peers
}

/// Ends the server by SIGTERM; the time that it took. Its exit status is 0.
fn stop(server: &mut Server) -> Duration {
    let begun = Instant::now();
    server.terminate();
    let status = server.wait();
    assert_eq!(status.code(), Some(0), "{status:?}");
    begun.elapsed()
}

#[test]
fn a_drain_under_load_ends_in_time_whatever_dead_and_slow_peers_do() {
    for (time_max, at_most) in [("8s", 4000), ("500ms", 1500)] {
        let config = format!("[drain]\ntime_max = \"{time_max}\"\n[echo]\nenabled = true\n{ROOMY}");
        let mut server = Server::serve(&config);
        let token = server.token("alice");
        let stubborn = reluctant(&server, &token);
        let mut readers: Vec<_> = (0..50)
            .map(|_| Peer::open_with(&server, "/ws/chat", &token, V1))
            .collect();
        readers[0].say(r#"{"type":"send","id":1,"room":"lobby","message":"last words"}"#);
        while readers[0].notice()["type"] != "ok" {}
        let reading: Vec<_> = readers
            .into_iter()
            .map(|mut peer| {
                std::thread::spawn(move || {
                    let mut heard = false;
                    loop {
                        let notice = peer.notice();
                        heard |= notice["message"] == "last words";
                        if notice["type"] == "bye" {
                            let after = notice["reconnect_after_ms"].as_u64();
                            assert!(after.is_some_and(|after| after < 5000), "{notice}");
                            break;
                        }
                    }
                    assert_eq!(peer.close_code(), Some(1001));
                    peer.try_send(&masked(0x88, &[0x03, 0xE9]));
                    heard
                })
            })
            .collect();
        let took = stop(&mut server);
        for peer in reading {
            assert!(
                peer.join().expect("told to go"),
                "acknowledged, so everybody has heard it"
            );
        }
        println!(
            "drain.time_max = {time_max}: {} reluctant peers and 50 readers, gone in {took:?}",
            stubborn.len()
        );
        assert!(took < Duration::from_millis(at_most), "{took:?}");
    }
}

#[test]
fn those_who_are_left_at_the_end_are_reset() {
    let config = format!("[drain]\ntime_max = \"300ms\"\n{ROOMY}");
    let mut server = Server::serve(&config);
    let token = server.token("alice");
    let mut silent = Peer::open(&server, "/ws/chat", &token);
    stop(&mut server);
    assert_eq!(silent.close_code(), Some(1001), "told");
    assert!(silent.is_reset(), "and cut off");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let config = format!("[drain]\ntime_max = \"10m\"\n[deadlines]\nclose = \"1m\"\n{ROOMY}");
    for second in [Signal::TERM, Signal::INT] {
        let mut server = Server::serve(&config);
        let token = server.token("alice");
        let mut peer = Peer::open(&server, "/ws/chat", &token);
        server.terminate();
        assert_eq!(peer.close_code(), Some(1001));
        let begun = Instant::now();
        server.signal(second);
        assert_eq!(server.wait().code(), Some(0));
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "{:?}",
            begun.elapsed()
        );
    }
}

#[test]
fn connections_in_the_queue_are_told_like_the_others() {
    let config = format!("[turn]\naccepts_max = 1\n{ROOMY}");
    let mut server = Server::serve(&config);
    let token = server.token("alice");
    let first = Peer::open_with(&server, "/ws/chat", &token, V1);
    // Stopped, it accepts nothing: these wait in the kernel's queue when the signal comes.
    server.signal(Signal::STOP);
    let fields = format!("Authorization: Bearer {token}\r\n{V1}");
    let request = wardroom::simulation::upgrade_request("/ws/chat", &fields);
    let mut waiting: Vec<_> = (0..100)
        .map(|_| {
            let mut peer = Peer::connect(server.address);
            peer.send(request.as_bytes());
            peer
        })
        .collect();
    server.terminate();
    server.signal(Signal::CONT);
    for peer in &mut waiting {
        let head = peer.head().expect("an answer");
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        // Some may be let in by the turn that brings the signal: they are told no less.
        while peer.notice()["type"] != "bye" {}
        assert_eq!(peer.close_code(), Some(1001));
        peer.try_send(&masked(0x88, &[0x03, 0xE9]));
    }
    drop((first, waiting));
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_store_that_another_process_keeps_locked_does_not_hold_up_the_end() {
    let config = |time_max| {
        format!("[drain]\ntime_max = \"{time_max}\"\n[store]\ndirectory = \"data\"\n{ROOMY}")
    };
    for (time_max, signals) in [("500ms", 1), ("10m", 2)] {
        let mut server = Server::serve(&config(time_max));
        let store = server.folder().join("data/wardroom.sqlite");
        let mut store = rusqlite::Connection::open(store).expect("the store");
        let locked = store.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate);
        let locked = locked.expect("nobody else writes");
        // Each waits for its five seconds at the store, one after the other.
        let body = r#"{"user":"u-7","name":"Ada"}"#;
        let asking: Vec<_> = (0..50)
            .map(|_| {
                let mut peer = Peer::connect(server.private.expect("a private listener"));
                let length = body.len();
                peer.send(
                    format!(
                        "POST /api/v1/sessions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {PRIVATE_KEY}\r\n\
                         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
                    )
                    .as_bytes(),
                );
                peer
            })
            .collect();
        let until = Instant::now() + PATIENCE;
        while scrape(&server)["wardroom_work_waiting"] < 50.0 {
            assert!(Instant::now() < until, "they are asked for");
        }
        let begun = Instant::now();
        server.terminate();
        server.wait_for_line("connections are told");
        if signals == 2 {
            server.signal(Signal::TERM);
        }
        assert_eq!(server.wait().code(), Some(0));
        let took = begun.elapsed();
        println!("drain.time_max = {time_max}, {signals} signals: gone in {took:?}");
        assert!(took < Duration::from_millis(2500), "{took:?}");
        drop((asking, locked));
    }
}

#[test]
fn a_message_that_comes_too_late_is_not_acknowledged() {
    let mut server = Server::serve(ROOMY);
    let token = server.token("alice");
    let mut peer = Peer::open_with(&server, "/ws/chat", &token, V1);
    server.signal(Signal::STOP);
    server.terminate();
    peer.send(&text(
        r#"{"type":"send","id":"late","room":"lobby","message":"too late"}"#,
    ));
    server.signal(Signal::CONT);
    let mut acknowledged = false;
    let mut heard = false;
    loop {
        let notice = peer.notice();
        acknowledged |= notice["id"] == "late";
        heard |= notice["message"] == "too late";
        if notice["type"] == "bye" {
            break;
        }
    }
    // Signal and message come in one turn, in an order that nobody promised: but never one without the other.
    assert_eq!(acknowledged, heard);
    peer.send(&masked(0x88, &[0x03, 0xE9]));
    drop(peer);
    assert_eq!(server.wait().code(), Some(0));
}
