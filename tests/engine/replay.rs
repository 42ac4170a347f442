//! The engine is a function: the same calls give the same bytes, and so do the same bytes however they are cut.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;
use wardroom::config::Config;
use wardroom::engine::Census;
use wardroom::simulation::{Client, Ending, Names, World, frame, masked, text, upgrade_request};

use crate::{millis, per_second, seconds};

/// A piece of what one client sends.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let short = prop::collection::vec(any::<u8>(), 0..20);
    let command = prop::sample::select(vec![
        r#"{"type":"ping","id":1}"#,
        r#"{"type":"send","id":"x","room":"lobby","message":"hi"}"#,
        r#"{"type":"join","id":2,"room":"general"}"#,
        r#"{"type":"leave","id":3,"room":"general"}"#,
        r#"{"type":"members","room":"lobby"}"#,
        r#"{"message":"hi"}"#,
        r#"{"message":"hi","room_id":"general"}"#,
        "nonsense",
    ]);
    prop_oneof![
        12 => command.prop_map(text),
        2 => short.clone().prop_map(|bytes| masked(0x89, &bytes)),
        1 => Just(masked(0x8A, b"")),
        3 => Just([masked(0x01, b"{\"message\""), masked(0x89, b"p"), masked(0x80, b":\"in two\"}")].concat()),
        1 => Just(text(&"x".repeat(3000))),
        1 => Just(masked(0x82, b"binary")),
        1 => Just(masked(0x81, &[0xC3, 0x28])),
        1 => Just(masked(0x80, b"continues nothing")),
        1 => Just(masked(0x88, &[0x03, 0xE8])),
        1 => Just(frame(0x81, 1 << 40, true)),
        1 => Just(frame(0x81, 4, false)),
        1 => short,
    ]
}

fn conversation() -> impl Strategy<Value = Vec<u8>> {
    let fields = prop::sample::select(vec!["", "Sec-WebSocket-Protocol: wardroom.v1\r\n"]);
    let pages = 0usize..3;
    (fields, pages, prop::collection::vec(piece(), 0..40)).prop_map(|(fields, pages, pieces)| {
        let mut bytes = b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n".repeat(pages);
        bytes.extend(upgrade_request("/ws/chat?token=alice", fields).into_bytes());
        bytes.extend(pieces.concat());
        bytes
    })
}

/// What a client that sends `bytes` is sent, and how its connection looks then, when so much is read at a time.
fn run(bytes: &[u8], sizes: &[usize]) -> (Seen, Ending, Census) {
    let mut config = Config::default();
    // Reads of one byte cost points: that one who sends nothing else is closed is tested in `glitches`.
    config.limits.glitches_per_connection = per_second(1_000_000);
    let mut world = World::new(config);
    let id = world.connect("10.0.0.1").expect("room");
    world.queue(id, bytes);
    let mut sizes = sizes.iter().cycle();
    let mut quiet = 0;
    while quiet < 3 {
        world.read_bytes_max = *sizes.next().expect("a cycle");
        quiet = if world.turn() { 0 } else { quiet + 1 };
    }
    world.advance(seconds(20));
    let census = world.census();
    let client = world.client(id);
    (Seen::take(client), client.ending(), census)
}

/// What a client was sent: answers to it alone in their order, and what each room was told in its own. How they
/// interleave depends on what one turn brought, since rooms are told at its end.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    responses: Vec<(u16, String)>,
    answers: Vec<(u8, String)>,
    notices: BTreeMap<String, Vec<String>>,
}

impl Seen {
    fn take(client: &mut Client) -> Self {
        let mut seen = Seen::default();
        while client.untaken().starts_with(b"HTTP/") {
            let Some(response) = client.take_response() else {
                break;
            };
            seen.responses.push(response);
        }
        for frame in client.take_frames() {
            let told: Value = serde_json::from_slice(&frame.payload).unwrap_or_default();
            let is_told_to_rooms = match told["type"].as_str() {
                Some(kind) => ["message", "joined", "left", "typing"].contains(&kind),
                None => told.get("sender").is_some(),
            };
            let frame = (
                frame.opcode,
                String::from_utf8_lossy(&frame.payload).into_owned(),
            );
            if is_told_to_rooms {
                let room = told["room"].as_str().or(told["room_id"].as_str());
                let notices = seen.notices.entry(room.unwrap_or("?").to_owned());
                notices.or_default().push(frame.1);
            } else {
                seen.answers.push(frame);
            }
        }
        seen
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_same_bytes_get_the_same_answer_however_they_are_cut(
        bytes in conversation(),
        sizes in prop::collection::vec(1usize..200, 1..20),
    ) {
        let whole = run(&bytes, &[65_536]);
        for sizes in [&[1][..], &[2], &[3], &[7], &sizes] {
            prop_assert_eq!(&run(&bytes, sizes), &whole, "cut by {:?}", sizes);
        }
    }
}

/// Everything that ten clients of a busy world are sent, and what it holds along the way.
fn trace(seed: [u8; 32]) -> Vec<String> {
    let mut world = World::with_authenticator(Config::default(), Box::new(Names), seed);
    let mut trace = Vec::new();
    let mut ids = Vec::new();
    for n in 0..10_u32 {
        let (user, peer) = (format!("u{}", n % 4), format!("10.0.{}.1", n % 3));
        let ticket =
            format!("POST /ticket HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {user}\r\n\r\n");
        let id = world.connect(&peer).expect("room");
        world.send(id, ticket.as_bytes());
        let fields = format!("Authorization: Bearer {user}\r\n");
        world.send(id, upgrade_request("/ws/chat", &fields).as_bytes());
        ids.push(id);
        for (k, id) in ids.iter().enumerate() {
            if world.client(*id).ending() == Ending::Open {
                world.say(
                    *id,
                    &format!("{{\"message\":\"{n} {k}\",\"room_id\":\"general\"}}"),
                );
            }
        }
        world.advance(millis(u64::from(n) * 700));
        trace.push(format!("{:?}", world.census()));
    }
    world.stop();
    world.advance(seconds(60));
    for id in ids {
        let client = world.client(id);
        trace.push(String::from_utf8_lossy(client.received()).into_owned());
        trace.push(format!("{:?}", client.ending()));
    }
    trace.push(format!("{:?}", world.census()));
    trace
}

#[test]
fn the_same_seed_and_calls_give_the_same_bytes_and_another_seed_other_tickets() {
    let first = trace([1; 32]);
    assert!(first.iter().any(|line| line.contains("\"ticket\":")));
    assert_eq!(first, trace([1; 32]));
    assert_ne!(first, trace([2; 32]));
}
