//! The address in the security log: the one that limits count, whatever else was claimed.

use wardroom::config::{Config, ForwardedField};

use super::*;
use crate::ask;

/// The address that the log names for a bad token from `peer` with these bytes ahead of the request and these field lines.
fn logged(change: impl FnOnce(&mut Config), peer: &str, header: &[u8], fields: &str) -> String {
    let mut world = behind(change);
    let id = world.connect(peer).expect("room for a connection");
    let request = chat_request("?token=bad", fields);
    world.send(id, &[header, request.as_bytes()].concat());
    world.settle();
    let lines = reported(&mut world, "sign_in_failed");
    assert_eq!(lines.len(), 1, "{fields}: {lines:?}");
    let (_, rest) = lines[0].split_once(" address=").expect("an address");
    let (address, _) = rest.split_once(' ').expect("more of the line");
    address.to_owned()
}

#[test]
fn the_security_log_names_the_address_that_limits_count() {
    let hops = |count: usize| {
        let trusted = vec!["10.0.0.9"; count].join(", ");
        format!("X-Forwarded-For: 6.6.6.6, 1.1.1.1, {trusted}\r\n")
    };
    let (few, many) = (hops(14), hops(16));
    let cases = [
        ("", PROXY),
        ("X-Forwarded-For: 1.1.1.1\r\n", "1.1.1.1"),
        // Made up by the client, left of what the proxy added.
        ("X-Forwarded-For: 6.6.6.6, 1.1.1.1\r\n", "1.1.1.1"),
        ("X-Forwarded-For: 10.0.0.1, 1.1.1.1\r\n", "1.1.1.1"),
        ("X-Forwarded-For: 127.0.0.1, 1.1.1.1\r\n", "1.1.1.1"),
        // Several lines, several hops.
        (
            "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 1.1.1.1\r\n",
            "1.1.1.1",
        ),
        (
            "X-Forwarded-For: 6.6.6.6, 1.1.1.1\r\nHost2: a\r\nX-Forwarded-For: 10.0.0.2\r\n",
            "1.1.1.1",
        ),
        (&few, "1.1.1.1"),
        (&many, "10.0.0.9"),
        // Ports and zones belong to no address.
        ("X-Forwarded-For: 1.1.1.1:8080\r\n", "1.1.1.1"),
        ("X-Forwarded-For: [2001:db8::7]:8080\r\n", "2001:db8::7"),
        ("X-Forwarded-For: 2001:DB8:0::7\r\n", "2001:db8::7"),
        ("X-Forwarded-For: fe80::7%eth0\r\n", "fe80::7"),
        ("X-Forwarded-For: [fe80::7%25eth0]:1\r\n", "fe80::7"),
        ("X-Forwarded-For: ::ffff:1.1.1.1\r\n", "1.1.1.1"),
        // Garbage, and lines that would be two.
        ("X-Forwarded-For: unknown\r\n", PROXY),
        ("X-Forwarded-For: 1.1.1.1, unknown\r\n", PROXY),
        ("X-Forwarded-For: 1.1.1.1 address=6.6.6.6\r\n", PROXY),
        ("X-Forwarded-For: 1.1.1.1%0aevent=x, \r\n", PROXY),
        ("X-Forwarded-For: 1.1.1.1.1\r\n", PROXY),
        // Fields that nobody asked for.
        (
            "Forwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nX-Forwarded-For: 1.1.1.1\r\n",
            "1.1.1.1",
        ),
    ];
    for (fields, expected) in cases {
        assert_eq!(logged(|_| {}, PROXY, b"", fields), expected, "{fields}");
        let stranger = logged(|_| {}, "9.9.9.9", b"", fields);
        assert_eq!(stranger, "9.9.9.9", "{fields}");
    }
    let forwarded = |config: &mut Config| config.proxy.header = ForwardedField::Forwarded;
    for (fields, expected) in [
        ("Forwarded: for=1.1.1.1;proto=https\r\n", "1.1.1.1"),
        ("Forwarded: for=\"[2001:db8::7]:443\"\r\n", "2001:db8::7"),
        ("Forwarded: for=\"[fe80::7%eth0]\"\r\n", "fe80::7"),
        (
            "Forwarded: for=6.6.6.6;by=\"\r\nForwarded: for=1.1.1.1\r\n",
            "1.1.1.1",
        ),
        ("Forwarded: for=_hidden\r\n", PROXY),
        ("X-Forwarded-For: 6.6.6.6\r\n", PROXY),
    ] {
        assert_eq!(logged(forwarded, PROXY, b"", fields), expected, "{fields}");
    }
}

#[test]
fn the_security_log_names_whom_a_proxy_header_announces() {
    let v6 = b"PROXY TCP6 2001:db8::7 2001:db8::1 5000 443\r\n".to_vec();
    let mapped = b"PROXY TCP6 ::ffff:1.1.1.1 ::1 5000 443\r\n".to_vec();
    let hidden = b"PROXY UNKNOWN\r\n".to_vec();
    let forged = "X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n";
    for (header, expected) in [
        (v1("1.1.1.1"), "1.1.1.1"),
        (v2([1, 1, 1, 1]), "1.1.1.1"),
        (v6, "2001:db8::7"),
        (mapped, "1.1.1.1"),
        (hidden, PROXY),
        (local(), PROXY),
    ] {
        let protocol = |config: &mut Config| config.proxy.protocol = true;
        let address = logged(protocol, PROXY, &header, forged);
        assert_eq!(address, expected, "{}", header.escape_ascii());
    }
}

#[test]
fn the_security_log_names_who_announces_an_address_and_may_not() {
    for (peer, expected) in [("9.9.9.9", 1), (PROXY, 0)] {
        for header in [&v1("6.6.6.6")[..], &v2([6, 6, 6, 6])] {
            let mut world = behind(|_| {});
            let id = ask(&mut world, peer, "");
            world.send(id, header);
            assert_eq!(outcome(&mut world, id), "400 malformed_request");
            let lines = reported(&mut world, "forged_address");
            assert_eq!(lines.len(), expected, "{peer}");
            assert!(
                lines.iter().all(|line| line.contains("address=9.9.9.9")),
                "{lines:?}"
            );
        }
    }
}
