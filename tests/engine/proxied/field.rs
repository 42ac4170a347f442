//! The client named by a field of the request head, or by nobody who may.

use wardroom::config::{Config, ForwardedField};
use wardroom::simulation::{World, text, upgrade_request};

use super::*;
use crate::per_second;

#[test]
fn limits_act_on_the_client_that_a_trusted_proxy_names_and_not_on_the_proxy() {
    let mut world = behind(|_| {});
    for client in ["1.1.1.1", "2.2.2.2", "2001:db8::7"] {
        for n in 0..5 {
            let user = format!("{n}-of-{client}").replace(':', "-");
            assert_eq!(
                through(&mut world, &user, "", client),
                format!("in as {user}")
            );
        }
        assert_eq!(through(&mut world, "one-more", "", client), FULL);
        // Whatever the client says, its proxy adds what is true.
        for said in ["6.6.6.6, ", "10.0.0.9, ", "\", ", "unknown, ", ", ,"] {
            assert_eq!(
                through(&mut world, "one-more", said, client),
                FULL,
                "{said}"
            );
        }
    }
    assert_eq!(
        knock(&mut world, "1.1.1.1", "?token=past-the-proxy", ""),
        FULL,
        "the same address without the proxy is the same"
    );
    expect_books_to_agree(&world);
}

#[test]
fn an_untrusted_peer_names_nobody_whatever_it_sends() {
    let mut world = behind(|config| {
        config.limits.connections_per_user = 100;
        config.limits.earned_per_address_max = 0;
    });
    let forged = |n: usize| {
        [
            format!("X-Forwarded-For: 6.6.6.{n}\r\n"),
            format!("X-Forwarded-For: 6.6.6.{n}, 10.0.0.1\r\n"),
            format!("Forwarded: for=6.6.6.{n}\r\nX-Real-IP: 6.6.6.{n}\r\n"),
        ]
    };
    let peer = "9.9.9.9";
    for n in 0..5 {
        let fields = &forged(n)[n % 3];
        assert_eq!(
            knock(&mut world, peer, "?token=mallory", fields),
            "in as mallory"
        );
    }
    for (n, fields) in (5..20).flat_map(|n| forged(n).map(|fields| (n, fields))) {
        let user = format!("?token=m{n}");
        assert_eq!(knock(&mut world, peer, &user, &fields), FULL, "{fields}");
        world.advance(seconds(1));
    }
}

#[test]
fn a_proxy_that_names_nobody_is_one_address_with_the_limits_of_one() {
    let mut world = behind(|_| {});
    for n in 0..5 {
        let user = format!("u{n}");
        let fields = ["", "X-Forwarded-For: unknown\r\n"][n % 2];
        let query = format!("?token={user}");
        assert_eq!(
            knock(&mut world, PROXY, &query, fields),
            format!("in as {user}")
        );
    }
    assert_eq!(knock(&mut world, PROXY, "?token=more", ""), FULL);
    assert_eq!(through(&mut world, "other", "", "1.1.1.1"), "in as other");
}

#[test]
fn the_waiting_connections_of_a_proxy_meet_no_limit_of_an_address_but_those_of_the_server() {
    let mut world = behind(|config| {
        config.limits.plain_per_address = 2;
        config.limits.unauthenticated_max = 50;
    });
    let ids: Vec<_> = (0..50)
        .map(|_| world.connect(PROXY).expect("no limit of an address"))
        .collect();
    assert_eq!(
        world.connect(PROXY).map_err(|refusal| refusal.status()),
        Err(503)
    );
    expect_books_to_agree(&world);
    // One client's requests over all of them, one after another: each gives its place back.
    for id in &ids {
        world.send(*id, page("1.1.1.1").as_bytes());
        assert_eq!(status(&mut world, *id), Some((200, String::new())));
        expect_books_to_agree(&world);
    }
    // A stranger's connections are still few.
    for id in &ids[..10] {
        world.hang_up(*id);
    }
    for _ in 0..2 {
        world.connect("9.9.9.9").expect("two");
    }
    assert_eq!(
        world.connect("9.9.9.9").map_err(|refusal| refusal.status()),
        Err(429)
    );
    expect_nothing_left(&mut world, ids);
}

#[test]
fn a_proxys_own_connection_has_the_time_of_a_sign_in_anew_with_each_client() {
    let mut world = behind(|config| config.deadlines.sign_in = seconds(20));
    let id = world.connect(PROXY).expect("room");
    for n in 0..10 {
        world.send(id, page(&format!("1.1.1.{n}")).as_bytes());
        assert_eq!(status(&mut world, id), Some((200, String::new())));
        world.advance(seconds(10));
    }
    let request = chat_request("?token=alice", "X-Forwarded-For: 1.1.1.1\r\n");
    world.send(id, request.as_bytes());
    assert_eq!(crate::outcome(&mut world, id), "in as alice");
}

#[test]
fn a_client_with_too_many_plain_connections_through_a_proxy_is_refused_like_one_without() {
    let mut world = behind(|config| {
        config.turn.signature_checks_max = 1;
        config.limits.plain_per_address = 1;
    });
    let request = |client: &str, user: &str| {
        let field = format!("X-Forwarded-For: {client}\r\n");
        chat_request(&format!("?token={user}"), &field)
    };
    let clients = ["1.1.1.1", "1.1.1.1", "1.1.1.1", "2.2.2.2"];
    let ids = clients.map(|client| {
        let id = world.connect(PROXY).expect("room");
        world.queue(id, request(client, "alice").as_bytes());
        id
    });
    world.settle();
    let outcomes = ids.map(|id| outcome(&mut world, id));
    assert_eq!(
        outcomes,
        ["in as alice", "in as alice", "429 too_many", "in as alice"],
        "the third came while the second waited for a signature"
    );
    expect_books_to_agree(&world);
    expect_nothing_left(&mut world, ids);
}

#[test]
fn requests_of_several_clients_over_one_connection_count_each_for_its_own_address() {
    let mut world = behind(|config| config.limits.handshakes_per_address = per_second(2));
    let id = world.connect(PROXY).expect("room");
    let ticket = |client: &str| {
        format!(
            "POST /ticket HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer alice\r\nX-Forwarded-For: {client}\r\n\r\n"
        )
    };
    let mut answers = Vec::new();
    for client in [
        "1.1.1.1", "2.2.2.2", "1.1.1.1", "2.2.2.2", "3.3.3.3", "1.1.1.1",
    ] {
        world.send(id, ticket(client).as_bytes());
        answers.push(status(&mut world, id).expect("an answer"));
        expect_books_to_agree(&world);
    }
    let good = (200, String::new());
    let refused = (429, "handshakes_per_address".to_owned());
    assert_eq!(
        answers,
        [
            good.clone(),
            good.clone(),
            good.clone(),
            good.clone(),
            good,
            refused
        ]
    );
    // All in one piece is the same as one after another.
    world.advance(seconds(5));
    let id = world.connect(PROXY).expect("room");
    let pipelined: String = ["1.1.1.1", "2.2.2.2", "1.1.1.1", "1.1.1.1"]
        .map(ticket)
        .concat();
    world.send(id, pipelined.as_bytes());
    let answers: Vec<u16> = std::iter::from_fn(|| status(&mut world, id))
        .map(|(status, _)| status)
        .collect();
    assert_eq!(answers, [200, 200, 200, 429]);
    expect_nothing_left(&mut world, [id]);
}

#[test]
fn bytes_through_a_proxy_are_charged_to_the_client_and_once() {
    let mut world = behind(|config| {
        config.limits.bytes_per_address = wardroom::config::Rate::new(20_000, seconds(1000));
    });
    let long = |client: &str| {
        let pad = "x".repeat(4000);
        format!(
            "GET /healthz HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: {client}\r\nX-Pad: {pad}\r\n\r\n"
        )
    };
    let mut answers = Vec::new();
    for client in [
        "1.1.1.1", "1.1.1.1", "2.2.2.2", "1.1.1.1", "1.1.1.1", "1.1.1.1", "2.2.2.2",
    ] {
        let id = world.connect(PROXY).expect("room");
        // In pieces: each byte counts once all the same.
        world.read_bytes_max = 1000;
        world.send(id, long(client).as_bytes());
        answers.push(status(&mut world, id).expect("an answer").0);
    }
    assert_eq!(answers, [200, 200, 200, 200, 200, 429, 200]);
}

#[test]
fn frames_behind_a_request_through_a_proxy_are_charged_to_the_client_too() {
    let mut world = behind(|config| {
        config.limits.bytes_per_address = wardroom::config::Rate::new(4096, seconds(10));
        config.limits.bytes_per_connection = per_second(1_000_000);
        config.echo.enabled = true;
    });
    let request = upgrade_request("/ws/echo?token=alice", "X-Forwarded-For: 1.1.1.1\r\n");
    let frame = text(&"x".repeat(3000));
    let id = world.connect(PROXY).expect("room");
    world.send(id, &[request.as_bytes(), &frame, &frame].concat());
    world.client(id).take_whole_response();
    assert_eq!(world.client(id).take_frames().len(), 0, "reading pauses");
    world.advance(seconds(10));
    assert_eq!(world.client(id).take_frames().len(), 2);
    let other = world.connect(PROXY).expect("room");
    let request = upgrade_request("/ws/echo?token=bob", "X-Forwarded-For: 2.2.2.2\r\n");
    world.send(other, &[request.as_bytes(), &text("at once")].concat());
    world.client(other).take_whole_response();
    assert_eq!(world.client(other).take_frames().len(), 1);
}

#[test]
fn forwarded_is_believed_instead_when_the_operator_says_so() {
    let mut world = behind(|config| {
        config.proxy.header = ForwardedField::Forwarded;
        config.limits.connections_per_address = 1;
    });
    let mut knock =
        |user: &str, fields: &str| knock(&mut world, PROXY, &format!("?token={user}"), fields);
    assert_eq!(
        knock("a", "Forwarded: for=\"[2001:db8::1]:1\"\r\n"),
        "in as a"
    );
    assert_eq!(
        knock("b", "Forwarded: for=\"[2001:db8::2]:2\";proto=https\r\n"),
        FULL
    );
    assert_eq!(
        knock("c", "Forwarded: for=\"[2001:db8:0:1::2]\"\r\n"),
        "in as c"
    );
    assert_eq!(knock("d", "X-Forwarded-For: 6.6.6.6\r\n"), "in as d");
    assert_eq!(knock("e", "X-Forwarded-For: 7.7.7.7\r\n"), FULL);
}

#[test]
fn a_reload_gives_trust_to_new_connections_and_takes_it_from_those_that_are_there() {
    let mut config = Config::default();
    config.limits.connections_per_address = 1;
    let untrusting = config.clone();
    config.proxy.trusted = vec!["10.0.0.0/24".parse().expect("a network")];
    let mut world = World::new(untrusting.clone());
    world.reconfigure(config);
    let waiting = world.connect(PROXY).expect("room");
    assert_eq!(through(&mut world, "a", "", "1.1.1.1"), "in as a");
    assert_eq!(through(&mut world, "b", "", "2.2.2.2"), "in as b");
    world.reconfigure(untrusting);
    assert_eq!(through(&mut world, "c", "", "3.3.3.3"), "in as c");
    let field = "X-Forwarded-For: 4.4.4.4\r\n";
    world.send(waiting, chat_request("?token=d", field).as_bytes());
    assert_eq!(
        outcome(&mut world, waiting),
        FULL,
        "it counts as the proxy's own"
    );
    expect_books_to_agree(&world);
}
