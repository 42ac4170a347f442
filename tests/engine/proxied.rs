//! Behind proxies: whose address limits act on, when it is known, and who may say so.

use proptest::prelude::*;
use wardroom::config::{Config, ForwardedField};
use wardroom::engine::Census;
use wardroom::id::ConnectionId;
use wardroom::simulation::{Ending, World, text, upgrade_request};

use crate::{ask, chat_request, knock, millis, outcome, per_second, roomy, seconds, world_with};

const PROXY: &str = "10.0.0.1";
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// A world with a trusted proxy at [`PROXY`] that sets `X-Forwarded-For`.
fn behind(change: impl FnOnce(&mut Config)) -> World {
    world_with(|config| {
        config.proxy.trusted = vec!["10.0.0.0/24".parse().expect("a network")];
        change(config);
    })
}

/// The same, with PROXY headers.
fn behind_protocol(change: impl FnOnce(&mut Config)) -> World {
    behind(|config| {
        config.proxy.protocol = true;
        change(config);
    })
}

/// Asks for a chat through the proxy, which adds `client` to whatever `said` is.
fn through(world: &mut World, user: &str, said: &str, client: &str) -> String {
    let field = format!("X-Forwarded-For: {said}{client}\r\n");
    knock(world, PROXY, &format!("?token={user}"), &field)
}

fn v1(client: &str) -> Vec<u8> {
    format!("PROXY TCP4 {client} 10.0.0.1 5000 443\r\n").into_bytes()
}

fn v2(client: [u8; 4]) -> Vec<u8> {
    let fixed = [0x21, 0x11, 0, 12];
    [
        SIGNATURE,
        &fixed,
        &client,
        &[10, 0, 0, 1, 0x13, 0x88, 1, 0xBB],
    ]
    .concat()
}

fn local() -> Vec<u8> {
    [SIGNATURE, &[0x20, 0, 0, 0]].concat()
}

/// Sends a PROXY header and a request for a chat in one piece.
fn announced(world: &mut World, header: &[u8], user: &str, fields: &str) -> String {
    let id = world.connect(PROXY).expect("room for a connection");
    let request = chat_request(&format!("?token={user}"), fields);
    world.send(id, &[header, request.as_bytes()].concat());
    outcome(world, id)
}

fn status(world: &mut World, id: ConnectionId) -> Option<(u16, String)> {
    let response = world.client(id).take_whole_response()?;
    let limit = response.json()["limit"].as_str().map(str::to_owned);
    Some((response.status, limit.unwrap_or_default()))
}

fn page(client: &str) -> String {
    format!("GET /healthz HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: {client}\r\n\r\n")
}

/// Everybody goes, and the engine holds nothing any more.
fn expect_nothing_left(world: &mut World, ids: impl IntoIterator<Item = ConnectionId>) {
    for id in ids {
        if world.client(id).ending() != Ending::Closed {
            world.hang_up(id);
        }
    }
    world.advance(seconds(60));
    assert_eq!(world.census(), Census::default());
}

/// What of the books must agree at any time: each connection is counted in one prefix.
fn expect_books_to_agree(world: &World) {
    let census = world.census();
    let (plain, open) = census.prefix_connections;
    assert_eq!(plain, census.plain_connections as u64, "{census:?}");
    assert_eq!(open, census.user_connections as u64, "{census:?}");
}

const FULL: &str = "1008 too many connections from this address";

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
    let mut world = behind(|config| config.limits.connections_per_user = 100);
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
fn a_proxy_header_names_the_client_in_both_versions_and_in_whatever_pieces_it_comes() {
    for bytes in [1, 2, 7, 45, 64 * 1024] {
        let mut world = behind_protocol(|config| config.limits.connections_per_address = 2);
        world.read_bytes_max = bytes;
        assert_eq!(
            announced(&mut world, &v1("1.1.1.1"), "a", ""),
            "in as a",
            "{bytes}"
        );
        assert_eq!(
            announced(&mut world, &v2([1, 1, 1, 1]), "b", ""),
            "in as b",
            "{bytes}"
        );
        assert_eq!(
            announced(&mut world, &v2([1, 1, 1, 1]), "c", ""),
            FULL,
            "{bytes}"
        );
        assert_eq!(
            announced(&mut world, &v2([2, 2, 2, 2]), "d", ""),
            "in as d",
            "{bytes}"
        );
        expect_books_to_agree(&world);
    }
}

#[test]
fn a_trusted_proxy_that_begins_otherwise_is_refused_and_leaves_nothing_behind() {
    let request = chat_request("?token=alice", "");
    let long = format!("PROXY UNKNOWN {}", "x".repeat(200));
    let too_long = [SIGNATURE, &[0x21, 0x11, 0xFF, 0xFF]].concat();
    let cases: [&[u8]; 8] = [
        request.as_bytes(),
        b"X",
        b"PROXY TCP4 1.1.1.1\r\n",
        long.as_bytes(),
        &too_long,
        b"\r\n\r\n\0\r\nQUIX",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\r\n\r\n\0\r\nQUIT\n\x31",
    ];
    for bytes in cases {
        for piece in [1, 64 * 1024] {
            let mut world = behind_protocol(|_| {});
            world.read_bytes_max = piece;
            let before = world.census();
            let id = ask(&mut world, PROXY, "");
            world.send(id, bytes);
            assert_eq!(
                outcome(&mut world, id),
                "400 malformed_request",
                "{}",
                bytes.escape_ascii()
            );
            world.hang_up(id);
            world.advance(seconds(3));
            assert_eq!(world.census(), before);
            assert_eq!(
                announced(&mut world, &v1("1.1.1.1"), "bob", ""),
                "in as bob"
            );
        }
    }
}

#[test]
fn proxy_bytes_from_anybody_else_or_where_none_belong_are_a_bad_request() {
    let cases = [v1("1.1.1.1"), v2([1, 1, 1, 1]), local()];
    for header in cases {
        let request = chat_request("?token=alice", "");
        let all = [&header, request.as_bytes()].concat();
        // From a stranger, whether proxies use the protocol or not; and from a proxy that does not.
        for (protocol, peer) in [(true, "9.9.9.9"), (false, "9.9.9.9"), (false, PROXY)] {
            let mut world = behind(|config| config.proxy.protocol = protocol);
            let id = world.connect(peer).expect("room");
            world.send(id, &all);
            assert_eq!(
                outcome(&mut world, id),
                "400 malformed_request",
                "{protocol} {peer}"
            );
            expect_nothing_left(&mut world, [id]);
        }
        // Twice, and after a request.
        let first = page("1.1.1.1");
        let after_a_request = [v1("1.1.1.1"), first.into_bytes(), all.clone()].concat();
        let twice = [v1("1.1.1.1"), all].concat();
        for (bytes, answers) in [(twice, 0), (after_a_request, 1)] {
            let mut world = behind_protocol(|_| {});
            let id = world.connect(PROXY).expect("room");
            world.send(id, &bytes);
            for _ in 0..answers {
                assert_eq!(status(&mut world, id).map(|found| found.0), Some(200));
            }
            assert_eq!(outcome(&mut world, id), "400 malformed_request");
            expect_nothing_left(&mut world, [id]);
        }
    }
    // Who is no proxy is served as what it is.
    let mut world = behind_protocol(|_| {});
    assert_eq!(
        knock(&mut world, "9.9.9.9", "?token=alice", ""),
        "in as alice"
    );
}

#[test]
fn the_time_for_a_proxy_header_is_part_of_the_time_for_the_head() {
    let starts: [&[u8]; 3] = [b"", b"PROXY TC", &v1("1.1.1.1")];
    for start in starts {
        let mut world = behind_protocol(|_| {});
        let id = world.connect(PROXY).expect("room");
        world.advance(seconds(6));
        world.send(id, start);
        world.advance(seconds(4) - millis(1));
        assert!(world.client(id).take_whole_response().is_none());
        world.advance(millis(1));
        assert_eq!(outcome(&mut world, id), "408 request_timeout");
        expect_nothing_left(&mut world, [id]);
    }
}

#[test]
fn whom_a_proxy_header_names_meets_the_limits_of_an_address_at_once() {
    let mut world = behind_protocol(|config| config.limits.plain_per_address = 2);
    let ids: Vec<_> = (0..4)
        .map(|_| world.connect(PROXY).expect("room"))
        .collect();
    for id in &ids[..2] {
        world.send(*id, &v1("1.1.1.1"));
        assert_eq!(status(&mut world, *id), None);
    }
    world.send(ids[2], &v2([1, 1, 1, 1]));
    assert_eq!(
        status(&mut world, ids[2]),
        Some((429, "plain_per_address".to_owned()))
    );
    world.send(ids[3], &v2([2, 2, 2, 2]));
    assert_eq!(status(&mut world, ids[3]), None);
    expect_books_to_agree(&world);
    expect_nothing_left(&mut world, ids);
}

#[test]
fn behind_the_protocol_a_field_line_names_nobody_unless_the_announced_address_is_trusted_itself() {
    let forged = "X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n";
    let unknown: &[u8] = b"PROXY UNKNOWN\r\n";
    for header in [v1("1.1.1.1"), local(), unknown.to_vec()] {
        let mut world = behind_protocol(|config| config.limits.connections_per_address = 1);
        assert_eq!(announced(&mut world, &header, "a", forged), "in as a");
        assert_eq!(
            announced(&mut world, &header, "b", "X-Forwarded-For: 7.7.7.7\r\n"),
            FULL
        );
        assert_eq!(announced(&mut world, &v1("6.6.6.6"), "c", ""), "in as c");
    }
    // A content network in front of a balancer: the balancer announces it, and it names its client in the request.
    let mut world = behind_protocol(|config| config.limits.connections_per_address = 1);
    assert_eq!(
        announced(&mut world, &v1("10.0.0.7"), "a", forged),
        "in as a"
    );
    assert_eq!(announced(&mut world, &v1("10.0.0.8"), "b", forged), FULL);
    assert_eq!(announced(&mut world, &v1("6.6.6.6"), "c", ""), FULL);
}

#[test]
fn a_proxy_that_hangs_up_in_its_header_leaves_nothing_behind() {
    let header = v2([1, 1, 1, 1]);
    for cut in 0..=header.len() {
        for is_reset in [false, true] {
            let mut world = behind_protocol(|_| {});
            let id = world.connect(PROXY).expect("room");
            world.send(id, &header[..cut]);
            if is_reset {
                world.reset(id);
            }
            expect_nothing_left(&mut world, [id]);
        }
    }
    let mut world = behind_protocol(|_| {});
    let id = world.connect(PROXY).expect("room");
    world.stop();
    expect_nothing_left(&mut world, [id]);
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

#[derive(Debug, Clone)]
enum Step {
    Connect { at: usize },
    Announce { client: usize, address: u8 },
    Send { client: usize, bytes: usize },
    Page { client: usize, address: u8 },
    Chat { client: usize, address: u8 },
    HangUp { client: usize },
    Reset { client: usize },
    Wait { millis: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let client = || 0usize..16;
    prop_oneof![
        4 => (0usize..2).prop_map(|at| Step::Connect { at }),
        4 => (client(), 0u8..3).prop_map(|(client, address)| Step::Announce { client, address }),
        2 => (client(), 1usize..40).prop_map(|(client, bytes)| Step::Send { client, bytes }),
        3 => (client(), 0u8..3).prop_map(|(client, address)| Step::Page { client, address }),
        4 => (client(), 0u8..3).prop_map(|(client, address)| Step::Chat { client, address }),
        1 => client().prop_map(|client| Step::HangUp { client }),
        1 => client().prop_map(|client| Step::Reset { client }),
        1 => (1u64..20_000).prop_map(|millis| Step::Wait { millis }),
    ]
}

fn take(world: &mut World, ids: &mut Vec<ConnectionId>, step: &Step) {
    let of = |client: usize| ids.get(client % ids.len().max(1)).copied();
    let sent = match step {
        Step::Connect { at } => {
            if let Ok(id) = world.connect([PROXY, "9.9.9.9"][*at]) {
                ids.push(id);
            }
            return;
        }
        Step::Wait { millis: time } => return world.advance(millis(*time)),
        Step::Announce { client, address } => (*client, v2([1, 1, 1, *address])),
        Step::Send { client, bytes } => (*client, page("1.1.1.1").into_bytes()[..*bytes].to_vec()),
        Step::Page { client, address } => (*client, page(&format!("1.1.1.{address}")).into_bytes()),
        Step::Chat { client, address } => {
            let field = format!("X-Forwarded-For: 1.1.1.{address}\r\n");
            (*client, chat_request("?token=alice", &field).into_bytes())
        }
        Step::HangUp { client } | Step::Reset { client } => (*client, Vec::new()),
    };
    let Some(id) = of(sent.0).filter(|id| world.client(*id).ending() != Ending::Closed) else {
        return;
    };
    match step {
        Step::HangUp { .. } => world.hang_up(id),
        Step::Reset { .. } => world.reset(id),
        _ => world.send(id, &sent.1),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn whatever_passes_through_proxies_every_connection_is_counted_for_one_address_and_none_in_the_end(
        steps in prop::collection::vec(step(), 1..60),
        protocol in any::<bool>(),
        pieces in prop_oneof![Just(1usize), Just(30), Just(65_536)],
    ) {
        let mut config = roomy();
        config.proxy.trusted = vec!["10.0.0.0/24".parse().expect("a network")];
        config.proxy.protocol = protocol;
        config.limits.connections_per_user = 4;
        config.limits.connections_per_address = 3;
        config.limits.plain_per_address = 3;
        config.turn.signature_checks_max = 1;
        let mut world = World::new(config);
        world.read_bytes_max = pieces;
        let mut ids = Vec::new();
        for step in &steps {
            take(&mut world, &mut ids, step);
            expect_books_to_agree(&world);
        }
        expect_nothing_left(&mut world, ids);
    }
}

/// Lines of the security log about this event.
fn reported(world: &mut World, event: &str) -> Vec<String> {
    let lines = world.security_log().into_iter();
    lines
        .filter(|line| line.contains(&format!("event={event} ")))
        .collect()
}

#[test]
fn the_security_log_names_the_address_that_limits_count_and_who_forges_one() {
    let mut world = behind(|_| {});
    let forged = "X-Forwarded-For: 6.6.6.6, 10.0.0.1\r\n";
    for (peer, fields, address) in [
        (PROXY, "X-Forwarded-For: 6.6.6.6, 1.1.1.1\r\n", "1.1.1.1"),
        (PROXY, "X-Forwarded-For: ::ffff:1.1.1.1\r\n", "1.1.1.1"),
        (PROXY, "X-Forwarded-For: unknown\r\n", PROXY),
        ("9.9.9.9", forged, "9.9.9.9"),
    ] {
        world.security_log();
        knock(&mut world, peer, "?token=bad", fields);
        let lines = reported(&mut world, "sign_in_failed");
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(
            lines[0].contains(&format!(" address={address} ")),
            "{lines:?}"
        );
    }
    for (peer, expected) in [("9.9.9.9", 1), (PROXY, 0)] {
        world.security_log();
        let id = ask(&mut world, peer, "PROXY TCP4 6.6.6.6 10.0.0.1 1 2\r\n");
        assert_eq!(outcome(&mut world, id), "400 malformed_request");
        let lines = reported(&mut world, "forged_address");
        assert_eq!(lines.len(), expected, "{peer}");
        assert!(
            lines.iter().all(|line| line.contains("address=9.9.9.9")),
            "{lines:?}"
        );
    }
}

#[test]
fn whom_a_proxy_header_names_is_counted_before_tls_begins() {
    let mut world = behind_protocol(|config| {
        config.tls.certificate = vec!["chain.pem".into()];
        config.limits.plain_per_address = 1;
    });
    let ids: Vec<_> = (0..3)
        .map(|_| world.connect(PROXY).expect("room"))
        .collect();
    let hello = b"\x16\x03\x01\x02\x00\x01";
    for (id, client) in ids.iter().zip([[1, 1, 1, 1], [1, 1, 1, 1], [2, 2, 2, 2]]) {
        assert!(
            !world.is_handshaking(*id),
            "none of its bytes is for TLS yet"
        );
        world.send(*id, &[&v2(client)[..], hello].concat());
    }
    let handshaking = ids.iter().map(|id| world.is_handshaking(*id));
    assert_eq!(handshaking.collect::<Vec<_>>(), [true, false, true]);
    assert!(
        world.client(ids[1]).received().is_empty(),
        "it could not read an answer"
    );
    let lines = reported(&mut world, "limited");
    assert!(
        lines.len() == 1 && lines[0].contains("address=1.1.1.1"),
        "{lines:?}"
    );
    expect_books_to_agree(&world);
    expect_nothing_left(&mut world, ids);
}
