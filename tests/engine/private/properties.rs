//! Whatever comes through the private door: no panic, an answer or an end, and nothing left behind.

use proptest::prelude::*;

use super::{KEY, enter, private_world};
use crate::seconds;

/// Pieces of requests, right and wrong, in any order.
fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let known: Vec<Vec<u8>> = [
        "GET ",
        "POST ",
        "HEAD ",
        "DELETE ",
        "/api/v1/rooms",
        "/lobby",
        "/messages",
        "/api/v1/disconnect",
        "/api/v1/tickets",
        "/api/v1/connections",
        "/metrics",
        "?limit=1",
        "&cursor=1",
        "%2f",
        " HTTP/1.1\r\n",
        "Host: localhost\r\n",
        "Host: evil\r\n",
        "Content-Length: 16\r\n",
        "Content-Length: 99999999\r\n",
        "Content-Type: application/json\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Expect: 100-continue\r\n",
        "Origin: null\r\n",
        "\r\n",
        "{\"message\":\"hi\"}",
        "{\"user\":\"alice\"}",
        "{\"as\":{}",
        "\u{0}",
    ]
    .iter()
    .map(|piece| piece.as_bytes().to_vec())
    .chain([format!("Authorization: Bearer {KEY}\r\n").into_bytes()])
    .collect();
    let piece = prop_oneof![
        8 => proptest::sample::select(known),
        1 => proptest::collection::vec(any::<u8>(), 0..20),
    ];
    proptest::collection::vec(piece, 0..30)
}

/// A call that is nearly right, with one of its bytes changed.
fn mutated() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let calls = proptest::sample::select(vec![
        ("GET /api/v1/connections?limit=1", ""),
        (
            "POST /api/v1/rooms/lobby/messages",
            r#"{"message":"hi","as":{"user":"bob"}}"#,
        ),
        ("POST /api/v1/disconnect", r#"{"user":"bob","reason":"x"}"#),
        ("POST /api/v1/tickets", r#"{"user":"bob"}"#),
        ("POST /api/v1/pardons", r#"{"address":"10.0.0.1"}"#),
        ("GET /api/v1/sessions?user=bob", ""),
        (
            "POST /api/v1/sessions",
            r#"{"user":"bob","lifetime_ms":1000}"#,
        ),
        ("POST /api/v1/revocations", r#"{"user":"bob"}"#),
        ("POST /api/v1/rooms", r#"{"room":"team","owner":"bob"}"#),
        (
            "POST /api/v1/rooms/lobby/changes",
            r#"{"action":"ban","user":"bob","for_ms":9}"#,
        ),
        ("GET /api/v1/rooms/lobby/log?after=0&limit=9", ""),
        ("GET /api/v1/rooms/lobby/people?cursor=a", ""),
    ]);
    (calls, any::<proptest::sample::Index>(), any::<u8>()).prop_map(|((line, body), at, byte)| {
        let mut bytes = super::request(line, "", body).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        vec![bytes]
    })
}

proptest! {
    #[test]
    fn no_bytes_at_the_private_door_break_anything_or_leave_anything_behind(
        pieces in prop_oneof![pieces(), mutated()],
        read_bytes_max in 1usize..400,
    ) {
        let mut world = private_world(|_| {});
        world.read_bytes_max = read_bytes_max;
        let alice = world.join("alice", "10.0.0.1");
        let before = world.census();
        let id = enter(&mut world);
        for piece in &pieces {
            world.send(id, piece);
        }
        world.hang_up(id);
        world.advance(seconds(20));
        let after = world.census();
        prop_assert_eq!(after.private_connections, 0);
        prop_assert_eq!(after.connections, after.plain_connections + after.user_connections);
        // Only the operator's own call to disconnect her may have ended alice.
        let is_gone = after.user_connections == 0;
        if !is_gone {
            prop_assert_eq!(after.user_connections, before.user_connections);
            prop_assert_eq!(after.seats, before.seats);
        }
        let told = world.client(id).received().to_vec();
        prop_assert!(told.is_empty() || told.starts_with(b"HTTP/1.1 "));
        let _ = alice;
    }

    #[test]
    fn a_refused_request_says_the_same_however_it_was_cut(
        pieces in prop_oneof![pieces(), mutated()],
        read_bytes_max in 1usize..64,
    ) {
        let bytes = pieces.concat();
        let answers = [read_bytes_max, 100_000].map(|size| {
            let mut world = private_world(|_| {});
            world.read_bytes_max = size;
            let id = enter(&mut world);
            world.send(id, &bytes);
            let first = world.client(id).take_whole_response();
            first.map(|response| response.status)
        });
        prop_assert_eq!(answers[0], answers[1]);
    }
}
