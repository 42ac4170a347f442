//! The real program is told to read its configuration again: once, a hundred times, and when it is nonsense.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use wardroom::simulation::text;

use crate::honest::Pair;
use crate::peer::Peer;
use crate::server::{PATIENCE, Server};

const ROOMY: &str = "connections_per_user = 1000\nconnections_per_address = 1000\nplain_per_address = 1000\n\
    handshakes_per_address = { burst = 100000, per = \"1s\" }\nmessages_per_user = { burst = 100000, per = \"1s\" }\n\
    messages_per_connection = { burst = 100000, per = \"1s\" }\nmessages_per_address = { burst = 100000, per = \"1s\" }\n\
    commands_per_user = { burst = 100000, per = \"1s\" }\nbytes_per_address = { burst = \"64MiB\", per = \"1s\" }\n\
    bytes_per_connection = { burst = \"64MiB\", per = \"1s\" }\nframes_per_connection = { burst = 100000, per = \"1s\" }\n";

fn config(pauses_max: u32) -> String {
    format!("[limits]\npauses_max = {pauses_max}\n{ROOMY}")
}

#[test]
fn a_reload_takes_over_what_it_can_and_names_what_it_can_not() {
    let server = Server::serve("");
    let token = server.token("alice");
    let mut alice = Peer::open(&server, "/ws/chat", &token);
    server.write_config(
        "[limits]\nconnections_per_user = 1\nprefixes_max = 100\n[rooms]\npublic = [\"general\", \"new\"]\n[echo]\nenabled = true\n",
    );
    assert_eq!(
        Peer::connect(server.address).get("/ws/echo"),
        "404",
        "not before it is told"
    );
    server.signal(Signal::HUP);
    for line in [
        "limits.connections_per_user = 1; it was 3",
        "limits.prefixes_max = 100 needs a restart: it stays 16384",
        "rooms.public = [\"general\", \"new\"]; it was [\"general\", \"random\"]",
        "echo.enabled = true; it was false",
        "reloaded: 4 settings changed, 1 keys read",
    ] {
        server.wait_for_line(line);
    }
    assert_eq!(Peer::connect(server.address).get("/ws/echo"), "426");
    let mut second = Peer::open(&server, "/ws/chat", &token);
    assert_eq!(second.close_code(), Some(1008), "one is the limit now");
    alice.say(r#"{"message":"still here","room_id":"new"}"#);
    while alice.notice()["message"] != "still here" {}
}

#[test]
fn a_key_that_is_replaced_lets_in_new_tokens_and_leaves_those_who_are_in_alone() {
    let server = Server::serve("[auth]\nkey_overlap = 0\n");
    let old = server.token("alice");
    let mut alice = Peer::open(&server, "/ws/chat", &old);
    let secret = server.folder().join("secret");
    fs::write(
        &secret,
        "0e7ad1c84f3b29565d80f2a17be94c63d2f50a8819cb6e37f4ac05d17e926b38",
    )
    .expect("a secret");
    server.signal(Signal::HUP);
    server.wait_for_line("reloaded: 0 settings changed, 1 keys read");
    let mut refused = Peer::open(&server, "/ws/chat", &old);
    assert_eq!(refused.close_code(), Some(1008));
    let mut new = Peer::open(&server, "/ws/chat", &server.token("bob"));
    new.say(r#"{"message":"hello"}"#);
    while alice.notice()["message"] != "hello" {}
}

#[test]
fn tokens_of_a_replaced_key_are_taken_for_the_overlap() {
    let server = Server::serve("");
    let old = server.token("alice");
    fs::write(
        server.folder().join("secret"),
        "0e7ad1c84f3b29565d80f2a17be94c63d2f50a8819cb6e37f4ac05d17e926b38",
    )
    .expect("a secret");
    server.signal(Signal::HUP);
    let said = server.wait_for_line("tokens of the keys before are taken until ");
    assert!(said.ends_with('Z'), "a date: {said}");
    server.wait_for_line("reloaded: 0 settings changed, 1 keys read");
    let new = server.token("bob");
    let mut inside: Vec<Peer> = [&old, &new]
        .into_iter()
        .map(|token| {
            let mut peer = Peer::open(&server, "/ws/chat", token);
            assert_eq!(peer.notice()["sender"], "System");
            peer
        })
        .collect();
    // It has leaked, as is found out only now.
    server.write_config("[auth]\nkey_overlap = 0\n");
    server.signal(Signal::HUP);
    server.wait_for_line("reloaded: 1 settings changed, 1 keys read");
    let mut refused = Peer::open(&server, "/ws/chat", &old);
    assert_eq!(refused.close_code(), Some(1008));
    for (peer, words) in inside.iter_mut().zip(["still", "here"]) {
        peer.say(&format!("{{\"message\":\"{words}\"}}"));
        while peer.notice()["message"] != words {}
    }
}

#[test]
fn an_invalid_file_changes_nothing_and_every_error_is_told_by_its_key() {
    let server = Server::serve("");
    let token = server.token("alice");
    let wrong: [(&str, &[&str]); 5] = [
        (
            "[limits]\nconnections_max = 0\nzzz = 1\n[echo]\nenabled = true\n",
            &[
                "limits.connections_max: found 0",
                "limits.zzz: found an unknown key",
            ],
        ),
        (
            "[limits]\nconnections_max = 900000\n",
            &["limits.connections_max = 900000: with 192 descriptors"],
        ),
        ("[origins]\nallow = [\"*\"]\n", &["origins.allow"]),
        ("[auth]\ncookie = \"token\"\n", &["auth.cookie"]),
        ("this is not TOML", &["wardroom.toml:"]),
    ];
    for (config, keys) in wrong {
        server.write_config(config);
        server.signal(Signal::HUP);
        for key in keys {
            // The security log tells the first of them too.
            while !server.wait_for_line(key).contains("not reloaded: ") {}
        }
        server.wait_for_line("not reloaded: nothing has changed");
        assert_eq!(Peer::connect(server.address).get("/ws/echo"), "404");
    }
    fs::remove_file(server.folder().join("wardroom.toml")).expect("it is there");
    server.signal(Signal::HUP);
    server.wait_for_line("not reloaded: nothing has changed");
    let mut alice = Peer::open(&server, "/ws/chat", &token);
    alice.say(r#"{"message":"all as it was"}"#);
    while alice.notice()["message"] != "all as it was" {}
}

#[test]
fn a_storm_of_reloads_loses_no_message_of_honest_people() {
    const HANGUPS: u32 = 100;
    let server = Server::serve(&config(5));
    let calm = Pair::begin(&server);
    std::thread::sleep(Duration::from_secs(1));
    let calm = calm.end();
    let pair = Pair::begin(&server);
    let load = load(&server);
    let before = server.figures();
    for n in 0..HANGUPS {
        match n % 10 {
            9 => server.write_config("[limits]\nconnections_max = nonsense\n"),
            _ => server.write_config(&config(5 + n % 4)),
        }
        server.signal(Signal::HUP);
        std::thread::sleep(Duration::from_millis(10));
    }
    // Whatever of the storm was still remembered has been read when this is.
    server.write_config(&config(77));
    server.signal(Signal::HUP);
    let mut reloads = 1;
    let mut refused = 0;
    let until = Instant::now() + PATIENCE;
    loop {
        let line = server.wait_for_line("reloaded: ");
        refused += u32::from(line.contains("nothing has changed"));
        reloads += u32::from(line.contains("keys read"));
        if server.has_logged("limits.pauses_max = 77") {
            break;
        }
        assert!(Instant::now() < until, "the last file is never read");
    }
    let storm = pair.end();
    let echoes = load.into_iter().map(|(stop, thread)| {
        drop(stop);
        thread.join().expect("every echo came back")
    });
    let echoes: u64 = echoes.sum();
    let after = server.figures();
    println!(
        "calm {calm:?}; storm {storm:?}; {HANGUPS} hang-ups: {reloads} reloads, {refused} refused; {echoes} messages of others; {before:?} {after:?}"
    );
    assert!(reloads > 10 && refused > 0, "{reloads} {refused}");
    assert!(storm.messages > 20 && echoes > 100);
    assert!(
        after.descriptors <= before.descriptors,
        "{before:?} {after:?}"
    );
    let growth = after.resident_kib.saturating_sub(before.resident_kib);
    assert!(
        growth < crate::server::GROWTH_KIB_MAX,
        "{before:?} {after:?}"
    );
}

type Talker = (std::sync::mpsc::Sender<()>, std::thread::JoinHandle<u64>);

/// Four who send as fast as they hear themselves, and count.
fn load(server: &Server) -> Vec<Talker> {
    let token = server.token("carol");
    (0..4)
        .map(|_| {
            let mut peer = Peer::open_with(
                server,
                "/ws/chat",
                &token,
                "Sec-WebSocket-Protocol: wardroom.v1\r\n",
            );
            let join = r#"{"type":"join","id":"in","room":"general"}"#;
            peer.say(join);
            let (stop, stopped) = std::sync::mpsc::channel::<()>();
            let thread = std::thread::spawn(move || {
                let mut count = 0;
                while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                    peer.send(&text(&format!(
                        r#"{{"type":"send","id":{count},"room":"general","message":"m"}}"#
                    )));
                    while peer.notice()["id"] != count {}
                    count += 1;
                }
                count
            });
            (stop, thread)
        })
        .collect()
}

/// Whether this user gets in; then they stay.
fn gets_in(server: &Server, user: &str, inside: &mut Vec<Peer>) -> bool {
    let v1 = "Sec-WebSocket-Protocol: wardroom.v1\r\n";
    let mut peer = Peer::open_with(server, "/ws/chat", &server.token(user), v1);
    let first = peer.frame().expect("a hello or a close frame");
    let is_in = first.payload.starts_with(b"{\"type\":\"hello\"");
    inside.extend(is_in.then_some(peer));
    is_in
}

#[test]
fn people_who_stay_make_room_at_their_address_and_a_reload_exempts_it() {
    const LIMITS: &str = "connections_per_address = 2\nearned_after = \"1s\"\n\
                          handshakes_per_address = { burst = 100000, per = \"1s\" }\n";
    let server = Server::serve(&format!("[limits]\n{LIMITS}"));
    let mut inside = Vec::new();
    for user in ["alice", "bob"] {
        assert!(gets_in(&server, user, &mut inside), "{user}");
    }
    let begun = Instant::now();
    while !gets_in(&server, "carol", &mut inside) {
        assert!(begun.elapsed() < PATIENCE, "two have stayed for a second");
    }
    server.write_config(&format!(
        "[limits]\n{LIMITS}earned_per_address_max = 0\nexempt = [\"127.0.0.0/8\"]\n"
    ));
    server.signal(Signal::HUP);
    server.wait_for_line("reloaded: 2 settings changed, 1 keys read");
    for number in 0..20 {
        let user = format!("user{number}");
        assert!(gets_in(&server, &user, &mut inside), "{user}");
    }
    server.write_config(&format!("[limits]\n{LIMITS}earned_per_address_max = 0\n"));
    server.signal(Signal::HUP);
    server.wait_for_line("reloaded: 1 settings changed, 1 keys read");
    assert!(!gets_in(&server, "late", &mut inside));
    // Nobody was sent away.
    let (first, last) = (0, inside.len() - 1);
    inside[last].say(r#"{"type":"send","room":"lobby","message":"still here"}"#);
    while inside[first].notice()["message"] != "still here" {}
}
