use std::net::SocketAddr;

use proptest::prelude::*;

use super::*;

const PEER: &str = "10.0.0.1:5000";

fn proxy(header: ForwardedField) -> Proxy {
    let nets = ["10.0.0.0/8", "2001:db8:aaaa::/48", "fe80::/64"];
    Proxy {
        trusted: nets.map(|net| net.parse().expect("a network")).to_vec(),
        header,
        protocol: false,
    }
}

/// Whose request with these lines of `name` it is; without the port when that is not known.
fn walk(header: ForwardedField, name: &str, lines: &[&str]) -> String {
    let fields: String = lines
        .iter()
        .map(|line| format!("{name}: {line}\r\n"))
        .collect();
    let head = format!("GET / HTTP/1.1\r\nHost: h\r\n{fields}\r\n");
    let head = Head::parse(head.as_bytes(), 128).expect("a head");
    let found = client(&proxy(header), PEER.parse().expect("an address"), &head);
    match found.port() {
        0 => found.ip().to_string(),
        _ => found.to_string(),
    }
}

fn xff(lines: &[&str]) -> String {
    walk(ForwardedField::XForwardedFor, "X-Forwarded-For", lines)
}

fn rfc7239(lines: &[&str]) -> String {
    walk(ForwardedField::Forwarded, "Forwarded", lines)
}

#[test]
fn x_forwarded_for_is_walked_from_the_right_past_trusted_hops_only() {
    let many = vec!["6.6.6.6"; 700].join(",");
    let empties = ",".repeat(ELEMENTS_MAX + 1);
    let after_many = format!("{many}, 1.1.1.1");
    let after_empties = format!("1.1.1.1{empties}");
    let trusted_for_ever = vec!["10.0.0.9"; 700].join(",");
    let cases: [(&[&str], &str); 50] = [
        (&[], PEER),
        (&["1.1.1.1"], "1.1.1.1"),
        (&["  1.1.1.1\t"], "1.1.1.1"),
        // Hops that a client made up.
        (&["6.6.6.6, 1.1.1.1"], "1.1.1.1"),
        (&["10.0.0.2, 1.1.1.1"], "1.1.1.1"),
        (&["6.6.6.6, 1.1.1.1, 10.0.0.2, 10.0.0.3"], "1.1.1.1"),
        (&["6.6.6.6,1.1.1.1,10.0.0.2"], "1.1.1.1"),
        // Several lines are one list.
        (&["6.6.6.6", "1.1.1.1"], "1.1.1.1"),
        (&["1.1.1.1", "10.0.0.2"], "1.1.1.1"),
        (&["6.6.6.6, 1.1.1.1", "10.0.0.2, 10.0.0.3"], "1.1.1.1"),
        (&["1.1.1.1", "", "10.0.0.2"], "1.1.1.1"),
        // Ports.
        (&["1.1.1.1:8080"], "1.1.1.1:8080"),
        (&["1.1.1.1:0"], "1.1.1.1"),
        (&["[2001:db8::7]:8080"], "[2001:db8::7]:8080"),
        (&["1.1.1.1, 10.0.0.2:80"], "1.1.1.1"),
        (&["1.1.1.1:65536"], PEER),
        (&["1.1.1.1:"], PEER),
        (&["1.1.1.1:80:80"], PEER),
        (&["1.1.1.1:+80"], PEER),
        (&["1.1.1.1:000080"], PEER),
        (&["1.1.1.1:_"], PEER),
        // IPv6.
        (&["2001:db8::7"], "2001:db8::7"),
        (&["[2001:db8::7]"], "2001:db8::7"),
        (&["[2001:db8::7]80"], PEER),
        (&["1.1.1.1, 2001:db8:aaaa::1"], "1.1.1.1"),
        (&["1.1.1.1, [2001:db8:aaaa::1]:443"], "1.1.1.1"),
        (&["2001:db8::7, ::ffff:10.0.0.2"], "2001:db8::7"),
        (&["::ffff:1.1.1.1"], "1.1.1.1"),
        (&["[::ffff:1.1.1.1]:9"], "1.1.1.1:9"),
        // Zones.
        (&["fe80::1:2:3:4%eth0"], "fe80::1:2:3:4"),
        (&["1.1.1.1, fe80::1%eth0"], "1.1.1.1"),
        (&["1.1.1.1, [fe80::1%25eth0]:80"], "1.1.1.1"),
        (&["2001:db8::7%"], PEER),
        (&["2001:db8::7%a/b"], PEER),
        (&["2001:db8::7%abcdefghijklmnopq"], PEER),
        // Garbage ends the walk at the last trusted hop.
        (&["unknown"], PEER),
        (&["1.1.1.1, unknown"], PEER),
        (&["1.1.1.1, unknown, 10.0.0.2"], "10.0.0.2"),
        (&["1.1.1.1, 010.0.0.2"], PEER),
        (&["1.1.1.1, 0x0a000002"], PEER),
        (&["1.1.1.1, 167772162"], PEER),
        (&["\"1.1.1.1\""], PEER),
        (&["1.1.1.1 10.0.0.2"], PEER),
        (&["1.1.1.1, \u{e9}"], PEER),
        (&["\", 1.1.1.1"], "1.1.1.1"),
        // Empty elements are none, up to a bound.
        (&[", 1.1.1.1,, ,"], "1.1.1.1"),
        (&[",,,"], PEER),
        (&[&after_empties], PEER),
        // However long the list, only its end counts.
        (&[&after_many], "1.1.1.1"),
        (&["1.1.1.1", &trusted_for_ever], "10.0.0.9"),
    ];
    for (lines, expected) in cases {
        assert_eq!(xff(lines), expected, "{lines:?}");
    }
    let longest_node = format!("1.1.1.1, {}10.0.0.2", "0".repeat(NODE_BYTES_MAX));
    assert_eq!(xff(&[&longest_node]), PEER);
}

#[test]
fn a_list_of_ten_thousand_elements_is_looked_at_no_further_than_sixteen_hops() {
    let mut elements = vec!["6.6.6.6"; 10_000];
    for trusted in 0..=HOPS_MAX {
        let list = elements.join(",");
        let expected = if trusted < HOPS_MAX {
            "6.6.6.6"
        } else {
            "10.0.0.2"
        };
        assert_eq!(xff(&[&list]), expected, "{trusted} trusted hops");
        elements.push("10.0.0.2");
    }
}

#[test]
fn whom_the_client_names_in_turn_is_told_of_whoever_is_no_trusted_proxy() {
    let claims = |from: &str, header, fields: &str| {
        let head = format!("GET / HTTP/1.1\r\nHost: h\r\n{fields}\r\n\r\n");
        let head = Head::parse(head.as_bytes(), 128).expect("a head");
        let from = from.parse().expect("an address");
        claimed(&proxy(header), from, &head).map(|address| address.to_string())
    };
    let stranger = "9.9.9.9:5000";
    let rows: [(&str, &str, Option<&str>); 16] = [
        (stranger, "X: y", None),
        (stranger, "X-Forwarded-For: 1.1.1.1", Some("1.1.1.1")),
        (
            stranger,
            "X-Forwarded-For: 6.6.6.6, 1.1.1.1:80, ",
            Some("1.1.1.1"),
        ),
        (
            stranger,
            "Forwarded: for=6.6.6.6, for=\"[2001:db8::7]:1\"",
            Some("2001:db8::7"),
        ),
        (stranger, "X-Real-IP: 1.1.1.1", Some("1.1.1.1")),
        (
            stranger,
            "X-Forwarded-For: unknown\r\nX-Real-IP: 1.1.1.1",
            Some("1.1.1.1"),
        ),
        (stranger, "X-Forwarded-For: unknown", None),
        (stranger, "X-Forwarded-For: 9.9.9.9", None),
        (stranger, "X-Forwarded-For: 10.0.0.9", Some("10.0.0.9")),
        // A trusted proxy names the client, and beyond that it is the client's own tale.
        (PEER, "X-Forwarded-For: 1.1.1.1", None),
        (PEER, "X-Forwarded-For: 6.6.6.6, 1.1.1.1", Some("6.6.6.6")),
        (
            PEER,
            "X-Forwarded-For: 6.6.6.6, 1.1.1.1, 10.0.0.2",
            Some("6.6.6.6"),
        ),
        (PEER, "X-Forwarded-For: unknown, 1.1.1.1", None),
        (PEER, "X-Forwarded-For: 6.6.6.6, unknown", None),
        (PEER, "X-Real-IP: 1.1.1.1", None),
        (PEER, "X-Forwarded-For: 10.0.0.3, 10.0.0.2", None),
    ];
    for (from, fields, expected) in rows {
        let found = claims(from, ForwardedField::XForwardedFor, fields);
        assert_eq!(found.as_deref(), expected, "{from} {fields}");
    }
    let fields = "Forwarded: for=6.6.6.6, for=1.1.1.1";
    let found = claims(PEER, ForwardedField::Forwarded, fields);
    assert_eq!(found.as_deref(), Some("6.6.6.6"));
    assert_eq!(claims(PEER, ForwardedField::None, fields), None);
}

#[test]
fn internal_addresses_are_those_that_no_stranger_can_come_from() {
    let rows = [
        (
            "127.0.0.1 127.9.9.9 10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 169.254.1.1",
            true,
        ),
        (
            "100.64.0.0 100.127.255.255 ::1 fc00::1 fdff::1 fe80::1 febf::1 ::ffff:10.0.0.1",
            true,
        ),
        (
            "126.255.255.255 128.0.0.1 9.255.255.255 11.0.0.0 172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0",
            false,
        ),
        (
            "169.253.1.1 169.255.0.0 100.63.255.255 100.128.0.0 203.0.113.7 0.0.0.0 255.255.255.255",
            false,
        ),
        (
            ":: ::2 fbff::1 fe00::1 fec0::1 2001:db8::1 ff02::1 ::ffff:203.0.113.7",
            false,
        ),
    ];
    for (addresses, expected) in rows {
        for address in addresses.split(' ') {
            let parsed = address.parse().expect("an address");
            assert_eq!(is_internal(parsed), expected, "{address}");
        }
    }
}

#[test]
fn forwarded_is_read_as_rfc_7239_says() {
    let cases: [(&[&str], &str); 45] = [
        (&[], PEER),
        (&["for=1.1.1.1"], "1.1.1.1"),
        (&["FOR=1.1.1.1"], "1.1.1.1"),
        (&["for=\"1.1.1.1\""], "1.1.1.1"),
        (&["for=\"1.1.1.1:8080\""], "1.1.1.1:8080"),
        (&["for=1.1.1.1:8080"], "1.1.1.1:8080"),
        (&["for=\"1.1.1.1:_port\""], "1.1.1.1"),
        (&["for=\"[2001:db8::7]\""], "2001:db8::7"),
        (&["for=\"[2001:db8::7]:443\""], "[2001:db8::7]:443"),
        (&["for=[2001:db8::7]"], "2001:db8::7"),
        (&["for=\"[fe80::1:2:3:4%eth0]\""], "fe80::1:2:3:4"),
        (&["for=\"2001:db8::7\""], PEER),
        (&["for=\"\\1.1.1.1\""], "1.1.1.1"),
        (&["for=1.1.1.1;proto=https;by=203.0.113.1"], "1.1.1.1"),
        (&["by=203.0.113.1;for=1.1.1.1"], "1.1.1.1"),
        (&["proto=http ; for=1.1.1.1"], "1.1.1.1"),
        (&["host=\"a,b;for=6.6.6.6\";for=1.1.1.1"], "1.1.1.1"),
        (&["for=1.1.1.1;host=\"a\\\"b,c\""], "1.1.1.1"),
        // Hops and lines.
        (&["for=6.6.6.6, for=1.1.1.1"], "1.1.1.1"),
        (&["for=1.1.1.1, for=10.0.0.2;proto=https"], "1.1.1.1"),
        (&["for=1.1.1.1", "for=\"[2001:db8:aaaa::1]\""], "1.1.1.1"),
        (&[", for=1.1.1.1, ,"], "1.1.1.1"),
        // Who hides, or says nothing, ends the walk.
        (&["for=_hidden"], PEER),
        (&["for=unknown"], PEER),
        (&["for=1.1.1.1, for=_hidden, for=10.0.0.2"], "10.0.0.2"),
        (&["for=1.1.1.1, proto=https"], PEER),
        (&["for=1.1.1.1, for=unknown"], PEER),
        // Garbage.
        (&["1.1.1.1"], PEER),
        (&["for="], PEER),
        (&["for=\"\""], PEER),
        (&["for"], PEER),
        (&["=1.1.1.1"], PEER),
        (&["for =1.1.1.1"], PEER),
        (&["a b=c;for=1.1.1.1"], PEER),
        (&["by=;for=1.1.1.1"], PEER),
        (&["by=a/b;for=1.1.1.1"], PEER),
        (&["for=1.1.1.1;for=6.6.6.6"], PEER),
        (&["for=1.1.1.1;"], PEER),
        (&["for=1.1.1.1 proto=https"], PEER),
        (&["for=\"1.1.1.1\"x"], PEER),
        (&["for=\"1.1.1.1"], PEER),
        (&["for=1.1.1.1;x=\"\\"], PEER),
        // A quotation mark that a client leaves open does not swallow what its proxy adds.
        (&["for=\"6.6.6.6, for=1.1.1.1"], "1.1.1.1"),
        (&["for=6.6.6.6;x=\", for=1.1.1.1"], "1.1.1.1"),
        (
            &["for=6.6.6.6;x=\", for=\"[2001:db8::7]\";by=\"_a\""],
            "2001:db8::7",
        ),
    ];
    for (lines, expected) in cases {
        assert_eq!(rfc7239(lines), expected, "{lines:?}");
    }
}

#[test]
fn only_the_field_of_the_configuration_is_looked_at() {
    let forwarded = ForwardedField::Forwarded;
    let other = |header, name| walk(header, name, &["for=6.6.6.6", "6.6.6.6"]);
    assert_eq!(other(ForwardedField::XForwardedFor, "Forwarded"), PEER);
    assert_eq!(other(forwarded, "X-Forwarded-For"), PEER);
    for name in [
        "X-Real-IP",
        "CF-Connecting-IP",
        "True-Client-IP",
        "X-Client-IP",
        "Via",
    ] {
        assert_eq!(other(ForwardedField::XForwardedFor, name), PEER, "{name}");
        assert_eq!(other(forwarded, name), PEER, "{name}");
    }
    for name in ["Forwarded", "X-Forwarded-For"] {
        assert_eq!(other(ForwardedField::None, name), PEER, "{name}");
    }
}

#[test]
fn who_is_not_trusted_asks_for_themselves() {
    let head = b"GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n";
    let head = Head::parse(head, 128).expect("a head");
    let from = "9.9.9.9:5000".parse().expect("an address");
    assert_eq!(
        client(&proxy(ForwardedField::XForwardedFor), from, &head),
        from
    );
}

#[test]
fn an_ipv4_address_is_trusted_in_whatever_form_it_comes() {
    let proxy = proxy(ForwardedField::None);
    for (address, expected) in [
        ("10.255.0.1", true),
        ("::ffff:10.255.0.1", true),
        ("11.0.0.1", false),
        ("::ffff:11.0.0.1", false),
        ("2001:db8:aaaa:1::1", true),
        ("2001:db8:aaab::1", false),
        ("::10.0.0.1", false),
    ] {
        let address = address.parse().expect("an address");
        assert_eq!(is_trusted(&proxy, address), expected, "{address}");
    }
}

/// What a client may write into a field value: anything that a head lets through.
fn anything() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        "[ -~\t]{0,12}",
        "[\",;=\\\\\\[\\]%:._ ]{0,6}",
        Just("for=".to_owned()),
        Just("6.6.6.6".to_owned()),
        Just("10.0.0.2".to_owned()),
        Just("\"[2001:db8:aaaa::1]:1\"".to_owned()),
        Just("unknown".to_owned()),
        Just(", ".to_owned()),
    ];
    prop::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat())
}

/// What the chain of proxies adds: the client's address, then each proxy's peer.
fn element(field: ForwardedField, address: &str) -> String {
    match field {
        ForwardedField::Forwarded if address.contains(':') => {
            format!("for=\"[{address}]\";proto=https")
        }
        ForwardedField::Forwarded => format!("for={address}"),
        ForwardedField::XForwardedFor | ForwardedField::None => address.to_owned(),
    }
}

proptest! {
    #[test]
    fn whatever_a_client_writes_its_address_is_the_one_that_the_first_trusted_proxy_saw(
        lines in prop::collection::vec(anything(), 0..4),
        client in prop_oneof![Just("1.1.1.1"), Just("2001:db8::7"), Just("9.10.0.1")],
        hops in prop::collection::vec(prop_oneof![Just("10.0.0.2"), Just("2001:db8:aaaa::1")], 0..3),
        in_rfc in any::<bool>(),
        in_own_line in any::<bool>(),
    ) {
        let (field, name) = if in_rfc {
            (ForwardedField::Forwarded, "Forwarded")
        } else {
            (ForwardedField::XForwardedFor, "X-Forwarded-For")
        };
        let mut lines = lines;
        for address in std::iter::once(client).chain(hops) {
            let added = element(field, address);
            match lines.last_mut() {
                Some(last) if !in_own_line => *last = format!("{last}, {added}"),
                _ => lines.push(added),
            }
        }
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        prop_assert_eq!(walk(field, name, &lines), client);
    }

    #[test]
    fn no_field_makes_the_walk_panic(lines in prop::collection::vec(anything(), 0..4)) {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        for found in [xff(&lines), rfc7239(&lines)] {
            prop_assert!(found.parse::<SocketAddr>().is_ok() || found.parse::<IpAddr>().is_ok());
        }
    }
}

#[test]
fn a_comma_splits_elements_unless_it_stands_in_quotes_and_an_escaped_quote_ends_none() {
    let table: [(&[u8], &[&[u8]]); 5] = [
        (br"for=a, for=b", &[b"for=b", b"for=a"]),
        (br#"for="a,b",for=c"#, &[b"for=c", br#"for="a,b""#]),
        (br#"for="a,\"b,c",for=d"#, &[b"for=d", br#"for="a,\"b,c""#]),
        (
            br#"for="a\\\"b,c",for=d"#,
            &[b"for=d", br#"for="a\\\"b,c""#],
        ),
        (br#"for="a\\",for=b"#, &[b"for=b", br#"for="a\\""#]),
    ];
    for (line, elements) in table {
        let found: Vec<&[u8]> = FromRight::new(line).collect();
        assert_eq!(found, elements, "{}", line.escape_ascii());
    }
}
