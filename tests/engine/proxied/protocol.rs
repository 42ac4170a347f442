//! The client named by a PROXY header, ahead of everything else.

use super::*;
use crate::{ask, millis};

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
