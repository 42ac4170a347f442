//! Who is behind a proxy: the fields and the PROXY headers that name somebody, held against the chain hop by hop.

use std::net::{IpAddr, SocketAddr};

use super::Input;
use crate::access::forwarded::{client, is_trusted};
use crate::config::{ForwardedField, Proxy};
use crate::protocol::head::Head;
use crate::protocol::proxy::{Announced, HeaderReader, Progress, is_header};
use crate::simulation::reference::{forwarding, proxies, requests};

const TRUSTED: [&str; 3] = ["10.0.0.0/8", "2001:db8:aaaa::/48", "fe80::/64"];
/// Proxies that are believed, one of them IPv4 in IPv6, and two strangers.
const FROM: [&str; 5] = [
    "10.0.0.1:5000",
    "[2001:db8:aaaa::1]:443",
    "[::ffff:10.1.2.3]:80",
    "203.0.113.200:1",
    "[2001:db8:aaab::1]:2",
];
/// How the last of two proxies names a stranger, and the address that it is.
const NAMED: [(&str, &str, &str); 4] = [
    ("203.0.113.9", "for=203.0.113.9", "203.0.113.9:0"),
    (
        "203.0.113.9:4711, 10.0.0.2",
        "for=\"203.0.113.9:4711\", for=10.0.0.2",
        "203.0.113.9:4711",
    ),
    (
        "[2001:db8::9]:4711",
        "proto=https;for=\"[2001:db8::9]:4711\"",
        "[2001:db8::9]:4711",
    ),
    (
        "2001:db8::9, fe80::1%eth0",
        "For=\"[2001:db8::9]\",for=\"[fe80::1%eth0]\";by=_x",
        "[2001:db8::9]:0",
    ),
];

/// The client is whom the chain of trust names, and never whom a stranger made up; a PROXY header says what its bytes say.
///
/// # Panics
/// When it is not.
pub fn forwarded(input: &[u8]) {
    let [kind, choice, rest @ ..] = input else {
        return;
    };
    let choice = usize::from(*choice);
    match kind % 3 {
        0 => walked(choice, rest),
        1 => made_up(choice, rest),
        _ => announced(rest),
    }
}

fn proxy(header: ForwardedField) -> Proxy {
    let networks = TRUSTED
        .iter()
        .map(|network| network.parse().expect("a network"));
    Proxy {
        trusted: networks.collect(),
        header,
        protocol: false,
    }
}

fn trusts(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.octets()[0] == 10,
        IpAddr::V6(address) => {
            let groups = address.segments();
            groups[..3] == [0x2001, 0xdb8, 0xaaaa] || groups[..4] == [0xfe80, 0, 0, 0]
        }
    }
}

/// A head with these lines of the field, and their values; `None` when it is none.
fn head(name: &str, lines: &[&[u8]]) -> Option<(Vec<u8>, requests::Request)> {
    let mut head = b"GET / HTTP/1.1\r\nHost: a\r\n".to_vec();
    for line in lines {
        head.extend(name.as_bytes());
        head.extend(b": ");
        head.extend(*line);
        head.extend(b"\r\n");
    }
    head.extend(b"\r\n");
    let read = requests::read(&head, usize::MAX).ok()?;
    Some((head, read))
}

/// The lines of the input are those of the field.
fn walked(choice: usize, input: &[u8]) {
    let (field, name, read): (_, _, forwarding::Read) = match choice % 3 {
        0 => (
            ForwardedField::XForwardedFor,
            "X-Forwarded-For",
            forwarding::x_forwarded_for,
        ),
        1 => (
            ForwardedField::Forwarded,
            "Forwarded",
            forwarding::forwarded,
        ),
        _ => (ForwardedField::None, "X-Forwarded-For", |_| None),
    };
    let from: SocketAddr = FROM[choice / 3 % FROM.len()].parse().expect("an address");
    let lines: Vec<&[u8]> = input.split(|byte| *byte == b'\n').collect();
    let Some((bytes, request)) = head(name, &lines) else {
        return;
    };
    let chain = forwarding::chain(from, &request.values(name), read, trusts);
    let head = Head::parse(&bytes, usize::MAX).expect("the plain reading takes it");
    let found = client(&proxy(field), from, &head);
    assert_eq!(Some(&found), chain.last(), "{chain:?}");
    for hop in &chain {
        let plain = is_trusted(&proxy(field), hop.ip());
        assert_eq!(plain, trusts(hop.ip().to_canonical()), "{hop}");
    }
}

/// The input is what a stranger sends; a proxy puts on whom it was asked by, in the same line or in one of its own.
fn made_up(choice: usize, input: &[u8]) {
    let from: SocketAddr = FROM[choice % 3].parse().expect("an address");
    let (x_forwarded_for, forwarded, address) = NAMED[choice / 3 % NAMED.len()];
    let expected: SocketAddr = address.parse().expect("an address");
    for (field, name, put_on) in [
        (
            ForwardedField::XForwardedFor,
            "X-Forwarded-For",
            x_forwarded_for,
        ),
        (ForwardedField::Forwarded, "Forwarded", forwarded),
    ] {
        let mut lines: Vec<Vec<u8>> = input
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        match lines.last_mut().filter(|_| (choice / 12).is_multiple_of(2)) {
            Some(last) => last.extend([b", ", put_on.as_bytes()].concat()),
            None => lines.push(put_on.into()),
        }
        let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        let Some((bytes, _)) = head(name, &lines) else {
            return;
        };
        let head = Head::parse(&bytes, usize::MAX).expect("the plain reading takes it");
        assert_eq!(client(&proxy(field), from, &head), expected);
    }
}

fn announced(input: &[u8]) {
    let Some(input) = Input::new(input) else {
        return;
    };
    let expected = proxies::read(input.bytes);
    let mut reader = HeaderReader::default();
    let (mut before, mut found) = (0, Ok(None));
    for piece in input.pieces() {
        match reader.read(piece) {
            Ok(Progress::Incomplete) => before += piece.len(),
            Ok(Progress::Complete { taken, announced }) => {
                let client = match announced {
                    Announced::Client(client) => Some(client),
                    Announced::Nobody => None,
                };
                found = Ok(Some((before + taken, client)));
                break;
            }
            Err(refusal) => {
                assert_eq!(refusal.status(), 400);
                found = Err(proxies::Bad);
                break;
            }
        }
    }
    assert_eq!(found, expected, "{}", input.bytes.escape_ascii());
    if matches!(expected, Ok(Some(_))) {
        // Shown where none is asked for, it is known for what it is.
        assert!(is_header(input.bytes));
    }
}
