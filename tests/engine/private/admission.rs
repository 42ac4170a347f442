//! Who is answered at the private door: hosts, pages, keys, rates, and the room there is.

use wardroom::config::Rate;
use wardroom::engine::Door;
use wardroom::simulation::Ending;

use super::{KEY, answer, enter, get, post, private_world, request, told};
use crate::{roomy_with, seconds};

const HOST: &str = "Host: 127.0.0.1:8090\r\n";

#[test]
fn nobody_is_answered_but_those_who_show_the_key() {
    let bearer = format!("Authorization: Bearer {KEY}\r\n");
    let rows = [
        ("/api/v1/rooms", bearer.clone(), "200"),
        ("/api/v1/rooms", bearer.replace("Bearer", "bearer"), "200"),
        ("/api/v1/rooms", String::new(), "401 key-required"),
        (
            "/api/v1/rooms",
            bearer.replace("8c1f", "8c1e"),
            "401 key-invalid",
        ),
        (
            "/api/v1/rooms",
            bearer.replace("3b4c", "3b4"),
            "401 key-invalid",
        ),
        (
            "/api/v1/rooms",
            bearer.replace("3b4c", "3b4c0"),
            "401 key-invalid",
        ),
        (
            "/api/v1/rooms",
            bearer.replace("Bearer", "Basic"),
            "401 key-invalid",
        ),
        (
            "/api/v1/rooms",
            format!("{bearer}{bearer}"),
            "400 malformed-request",
        ),
        ("/api/v1/absent", String::new(), "401 key-required"),
        ("/api/v1/absent", bearer, "404 no-such-route"),
        ("/", String::new(), "401 key-required"),
        ("/healthz", String::new(), "200"),
        ("/readyz", String::new(), "200"),
        ("/metrics", String::new(), "200"),
    ];
    for (path, fields, expected) in rows {
        let mut world = private_world(|_| {});
        let response = answer(
            &mut world,
            &format!("GET {path} HTTP/1.1\r\n{HOST}{fields}\r\n"),
        );
        assert_eq!(told(&response), expected, "{path} {fields}");
        assert_eq!(response.field("Cache-Control"), Some("no-store"));
        let challenged = response.field("WWW-Authenticate").is_some();
        assert_eq!(challenged, response.status == 401, "{path}");
    }
}

#[test]
fn without_a_key_of_its_own_the_server_answers_no_call_and_names_the_setting() {
    let mut world = roomy_with(|_| {});
    let refused = get(&mut world, "/api/v1/rooms");
    assert_eq!(told(&refused), "403 no-key-configured");
    assert!(
        refused.json()["detail"]
            .as_str()
            .expect("a detail")
            .contains("private.key_file")
    );
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(get(&mut world, path).status, 200, "{path}");
    }
}

#[test]
fn a_page_in_a_browser_is_refused_and_so_is_a_name_that_was_made_to_point_here() {
    let rows = [
        ("127.0.0.1:8090", "", "200"),
        ("127.0.0.1", "", "200"),
        ("[::1]:8090", "", "200"),
        ("10.1.2.3", "", "200"),
        ("localhost", "", "200"),
        ("LocalHost:8090", "", "200"),
        ("ops.example:8090", "", "200"),
        ("OPS.example", "", "200"),
        ("evil.example:8090", "", "421 host-not-allowed"),
        ("127.0.0.1.evil.example", "", "421 host-not-allowed"),
        ("localhost.evil.example", "", "421 host-not-allowed"),
        ("ops.example.evil", "", "421 host-not-allowed"),
        ("2130706433", "", "421 host-not-allowed"),
        (
            "127.0.0.1",
            "Origin: http://127.0.0.1:8090\r\n",
            "403 browser-refused",
        ),
        ("127.0.0.1", "Origin: null\r\n", "403 browser-refused"),
        (
            "127.0.0.1",
            "Sec-Fetch-Site: cross-site\r\n",
            "403 browser-refused",
        ),
        (
            "127.0.0.1",
            "Sec-Fetch-Site: same-origin\r\n",
            "403 browser-refused",
        ),
        ("127.0.0.1", "Sec-Fetch-Site: none\r\n", "200"),
    ];
    for (host, fields, expected) in rows {
        for path in ["/api/v1/rooms", "/metrics"] {
            let mut world = private_world(|config| {
                config.private.hosts = vec!["ops.example".to_owned()];
            });
            let asked = request(&format!("GET {path}"), fields, "")
                .replace("127.0.0.1:8090\r\nAuth", &format!("{host}\r\nAuth"));
            assert_eq!(
                told(&answer(&mut world, &asked)),
                expected,
                "{host} {fields}"
            );
        }
    }
}

#[test]
fn calls_have_a_rate_and_those_without_the_key_another() {
    let mut world = private_world(|config| {
        config.private.requests = Rate::new(3, seconds(3));
    });
    let stranger = format!("GET /api/v1/rooms HTTP/1.1\r\n{HOST}\r\n");
    for _ in 0..3 {
        assert_eq!(told(&answer(&mut world, &stranger)), "401 key-required");
    }
    let refused = answer(&mut world, &stranger);
    assert_eq!(told(&refused), "429 too-many");
    assert_eq!(refused.field("Retry-After"), Some("1"));
    assert_eq!(refused.json()["limit"], "private.requests");
    let counted = r#"wardroom_limited_total{limit="private.requests",scope="server"} 1"#;
    assert!(world.metrics().contains(counted));
    let open = format!("GET /metrics HTTP/1.1\r\n{HOST}\r\n");
    assert_eq!(told(&answer(&mut world, &open)), "429 too-many");
    for _ in 0..3 {
        assert_eq!(get(&mut world, "/api/v1/rooms").status, 200);
    }
    assert_eq!(told(&get(&mut world, "/api/v1/rooms")), "429 too-many");
    world.advance(seconds(1));
    assert_eq!(get(&mut world, "/api/v1/rooms").status, 200);
}

#[test]
fn a_flood_at_the_public_door_does_not_shut_out_the_operator() {
    let mut world = private_world(|config| {
        config.limits.connections_max = 20;
        config.limits.unauthenticated_max = 10;
        config.limits.plain_per_address = 100;
        config.limits.bytes_per_address = Rate::new(16_384, seconds(60));
    });
    let alice = world.join("alice", "10.0.0.1");
    // From the very address that the operator asks from, as behind a proxy.
    let crowd: Vec<_> = (0..50)
        .filter_map(|_| world.connect("127.0.0.1").ok())
        .collect();
    assert_eq!(world.census().plain_connections, 10);
    world.send(crowd[49], &[b'x'; 20_000]);
    assert_eq!(get(&mut world, "/api/v1/connections").status, 200);
    assert_eq!(
        post(
            &mut world,
            "/api/v1/rooms/lobby/messages",
            r#"{"message":"hold on"}"#
        )
        .status,
        200
    );
    let heard = crate::lines(&world.client(alice).take_notices());
    assert_eq!(heard.last().map(String::as_str), Some("System: hold on"));
}

#[test]
fn a_flood_at_the_private_door_does_not_shut_out_people_and_is_bounded_by_itself() {
    let mut world = private_world(|config| {
        config.private.connections_max = 8;
        config.limits.connections_max = 3;
        config.limits.unauthenticated_max = 2;
        config.limits.plain_per_address = 2;
    });
    let crowd: Vec<_> = (0..8).map(|_| enter(&mut world)).collect();
    let refusal = world
        .connect_at(Door::Private, "127.0.0.1")
        .expect_err("it is full");
    let mut bytes = Vec::new();
    Door::Private.write_refusal(refusal, &mut bytes);
    let text = String::from_utf8(bytes).expect("text");
    assert!(text.contains("urn:wardroom:problem:server-full"), "{text}");
    assert!(
        text.contains("\"limit\":\"private.connections_max\""),
        "{text}"
    );
    assert_eq!(world.census().private_connections, 8);
    assert_eq!(world.census().plain_connections, 0);
    assert_eq!(world.census().prefix_connections, (0, 0));
    let people = ["alice", "bob", "carol"].map(|name| world.join(name, "127.0.0.1"));
    // Each silent one goes at its deadline, and makes room.
    world.advance(seconds(9));
    for id in people {
        world.send(id, &wardroom::simulation::masked(0x8A, b""));
    }
    world.advance(seconds(4));
    assert_eq!(world.client(crowd[0]).ending(), Ending::Closed);
    assert_eq!(world.census().private_connections, 0);
    assert_eq!(get(&mut world, "/api/v1/rooms").status, 200);
}

#[test]
fn the_public_door_knows_no_route_of_the_private_one_nor_the_other_way_round() {
    for path in ["/metrics", "/readyz", "/api/v1/rooms", "/api/v1/limits"] {
        let mut world = private_world(|_| {});
        let id = crate::ask(
            &mut world,
            "10.0.0.1",
            &request(&format!("GET {path}"), "", ""),
        );
        let response = world.client(id).take_whole_response().expect("an answer");
        assert_eq!(response.status, 404, "{path}");
    }
    for path in ["/", "/ws/chat", "/ticket", "/app.js"] {
        let mut world = private_world(|_| {});
        assert_eq!(told(&get(&mut world, path)), "404 no-such-route", "{path}");
    }
}

#[test]
fn when_the_server_stops_it_is_not_ready_and_lets_go_of_those_who_ask() {
    let mut world = private_world(|_| {});
    let idle = enter(&mut world);
    assert_eq!(get(&mut world, "/readyz").status, 200);
    world.stop();
    assert_ne!(world.client(idle).ending(), Ending::Open);
    assert_eq!(told(&get(&mut world, "/readyz")), "503 stopping");
}

#[test]
fn what_comes_through_the_private_door_is_charged_to_no_address() {
    let mut world = private_world(|config| {
        config.limits.bytes_per_address = Rate::new(16_384, seconds(60));
    });
    let body = format!("{{\"user\":\"nobody\"{}}}", " ".repeat(60_000));
    for _ in 0..3 {
        let response = post(&mut world, "/api/v1/disconnect", &body);
        assert_eq!(response.status, 200, "{response:?}");
    }
    let limits = get(&mut world, "/api/v1/limits").json();
    assert_eq!(limits["addresses"], serde_json::json!([]));
}

#[test]
fn a_reload_puts_another_key_in_place_of_the_first_and_other_bounds_too() {
    let mut world = private_world(|_| {});
    assert_eq!(get(&mut world, "/api/v1/rooms").status, 200);
    world.advance(seconds(1));
    let mut config = crate::roomy();
    config.private.key = Some(super::key_of(&KEY.replace("8c1f", "8c1e")));
    config.private.requests = Rate::new(2, seconds(60));
    world.reconfigure(config);
    assert_eq!(told(&get(&mut world, "/api/v1/rooms")), "401 key-invalid");
    let other = request("GET /api/v1/rooms", "", "").replace("8c1f", "8c1e");
    assert_eq!(answer(&mut world, &other).status, 200);
    assert_eq!(answer(&mut world, &other).status, 200);
    assert_eq!(told(&answer(&mut world, &other)), "429 too-many");
}
