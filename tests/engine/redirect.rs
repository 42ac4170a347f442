//! The plain listener beside TLS: browsers are shown the way, and nothing else is done.

use wardroom::engine::Door;
use wardroom::simulation::{Ending, Response, World, upgrade_request};

use crate::{roomy_with, world_with};

fn world() -> World {
    roomy_with(|config| config.tls.public_port = Some(443))
}

/// The answer to this request, after which nobody is there any more.
fn answer(world: &mut World, request: &str) -> Response {
    let id = world
        .connect_at(Door::Redirect, "10.0.0.1")
        .expect("room for a connection");
    world.send(id, request.as_bytes());
    let response = world.client(id).take_whole_response().expect("an answer");
    assert_eq!(world.client(id).ending(), Ending::HalfClosed);
    response
}

#[test]
fn a_browser_is_sent_to_the_same_page_over_https() {
    let mut world = world();
    for (target, host, location) in [
        ("/", "chat.example", "https://chat.example/"),
        ("/x?y=z", "chat.example:80", "https://chat.example/x?y=z"),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let response = answer(&mut world, &request);
        assert_eq!(response.status, 308);
        assert_eq!(response.field("Location"), Some(location));
        assert_eq!(response.body, "");
    }
}

#[test]
fn what_programs_ask_in_the_clear_is_refused_and_not_sent_on() {
    let mut world = world();
    let upgrade = upgrade_request("/ws/chat?token=alice", "");
    for request in [
        upgrade.as_str(),
        "GET /ticket HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
    ] {
        let response = answer(&mut world, request);
        assert_eq!(response.status, 400, "{request}");
        assert_eq!(response.field("Location"), None);
        assert_eq!(response.json()["code"], "malformed_request");
    }
    assert_eq!(world.census().user_connections, 0);
}

#[test]
fn whoever_finds_no_room_is_told_so_in_the_words_of_the_listener() {
    let mut world = world_with(|config| {
        config.limits.plain_per_address = 1;
        config.private.connections_max = 1;
    });
    for (door, code) in [
        (Door::Public, "\"code\":\"too_many\""),
        (Door::Redirect, "\"code\":\"too_many\""),
        (Door::Private, "urn:wardroom:problem:server-full"),
    ] {
        // One of them has the place already.
        let admitted = [(); 2].map(|()| world.connect_at(door, "10.0.0.1"));
        let refusal = admitted.into_iter().find_map(Result::err);
        let mut bytes = Vec::new();
        door.write_refusal(refusal.expect("no room"), &mut bytes);
        let text = String::from_utf8(bytes).expect("text");
        assert!(text.contains(code), "{text}");
        assert!(text.contains("\r\nConnection: close\r\n"), "{text}");
        assert!(text.contains("\r\nRetry-After: "), "{text}");
    }
}
