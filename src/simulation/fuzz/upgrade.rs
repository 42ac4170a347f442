//! Request heads and the handshake, held against a reading line by line.

use super::Input;
use crate::protocol::head::{Expectation, FIELDS_MAX, Head, HeadScanner, Method};
use crate::protocol::upgrade::{Upgrade, write_switching};
use crate::simulation::reference::requests::Request;
use crate::simulation::reference::{handshakes, heads, requests};

const HEAD_BYTES_MAX: [usize; 4] = [16, 100, 1000, 8192];
const LINES_MAX: [usize; 4] = [FIELDS_MAX, 64, 8, usize::MAX];

/// What may be read in two ways by those who pass a request on.
const FRAMING: [&str; 4] = ["host", "content-length", "transfer-encoding", "expect"];

/// A head ends where RFC 9112 says, however it is cut; it is refused with the status that the plain reading gives, or says
/// what stands in it; and what is accepted reads the same to those who forgive much.
///
/// # Panics
/// When it does not.
pub fn upgrade(input: &[u8]) {
    let Some(input) = Input::new(input) else {
        return;
    };
    let bytes_max = HEAD_BYTES_MAX[input.choice % HEAD_BYTES_MAX.len()];
    let lines_max = LINES_MAX[input.choice / HEAD_BYTES_MAX.len() % LINES_MAX.len()];
    let expected = heads::end(input.bytes, bytes_max);
    let mut scanner = HeadScanner::new(bytes_max);
    let mut come = 0;
    let mut found = Ok(None);
    for piece in input.pieces() {
        come += piece.len();
        found = scanner.find_end(&input.bytes[..come]);
        if found != Ok(None) {
            break;
        }
    }
    assert_eq!(found.map_err(|refusal| refusal.status()), expected);
    match expected {
        Ok(Some(end)) => read(&input.bytes[..end], lines_max),
        _ => never_accepted(input.bytes),
    }
}

/// The parser alone accepts nothing that the scanner would not have handed it.
fn never_accepted(bytes: &[u8]) {
    if Head::parse_with_body(bytes, usize::MAX).is_ok() {
        assert_eq!(heads::end(bytes, usize::MAX), Ok(Some(bytes.len())));
    }
}

fn read(bytes: &[u8], lines_max: usize) {
    let expected = requests::read(bytes, lines_max);
    let found = Head::parse_with_body(bytes, lines_max);
    assert_eq!(
        found
            .as_ref()
            .map(request)
            .map_err(|refusal| refusal.status()),
        expected.as_ref().map(summary).map_err(|status| *status)
    );
    let found = Head::parse(bytes, lines_max);
    let expected = expected.and_then(|request| {
        let is_plain = !request.is_coded && request.expects.is_none();
        is_plain.then_some(request).ok_or(400)
    });
    let (head, expected) = match (found, expected) {
        (Ok(head), Ok(expected)) => (head, expected),
        (found, expected) => {
            assert_eq!(
                found.map(|_| ()).map_err(|refusal| refusal.status()),
                expected.map(|_| ())
            );
            return;
        }
    };
    for (name, _) in &expected.fields {
        let values: Vec<&[u8]> = head.fields(name).collect();
        assert_eq!(values, expected.values(name), "{name}");
        let members: Vec<Vec<u8>> = head.list(name).map(<[u8]>::to_vec).collect();
        let texts = expected.members(name).into_iter();
        let expected: Vec<Vec<u8>> = texts
            .map(|text| text.chars().map(|c| c as u8).collect())
            .collect();
        assert_eq!(members, expected, "{name}");
    }
    one_reading(bytes, &expected);
    shake_hands(&head, &expected);
}

/// What both readings must agree on, besides the fields.
type Summary<'a> = (
    &'a str,
    &'a str,
    &'a str,
    Option<&'a str>,
    &'a str,
    u64,
    bool,
    bool,
    Option<bool>,
);

fn request<'a>(head: &Head<'a>) -> Summary<'a> {
    let method = match head.method() {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Options => "OPTIONS",
        Method::Other => "",
    };
    let expects = match head.body_framing().expectation {
        Expectation::None => None,
        Expectation::Continue => Some(true),
        Expectation::Other => Some(false),
    };
    (
        method,
        head.target(),
        head.path(),
        head.query(),
        head.host(),
        head.content_length(),
        head.keep_alive(),
        head.body_framing().is_coded,
        expects,
    )
}

fn summary(request: &Request) -> Summary<'_> {
    let known = ["GET", "HEAD", "POST", "OPTIONS"].into_iter();
    (
        known
            .into_iter()
            .find(|method| *method == request.method)
            .unwrap_or_default(),
        &request.target,
        &request.path,
        request.query.as_deref(),
        &request.host,
        request.content_length,
        request.keeps_alive,
        request.is_coded,
        request.expects,
    )
}

/// Nobody sees another host, another length or another end of the request than we do.
fn one_reading(bytes: &[u8], request: &Request) {
    for lines in requests::readings(bytes) {
        for name in FRAMING {
            let others = lines.iter().filter(|(known, _)| known == name);
            let others: Vec<&[u8]> = others.map(|(_, value)| value.as_bytes()).collect();
            assert_eq!(others, request.values(name), "{name} of {lines:?}");
        }
        assert_eq!(lines.len(), request.fields.len());
    }
    let head = bytes.strip_prefix(b"\r\n").unwrap_or(bytes);
    let before_end = &head[..head.len() - 1];
    for end in [&b"\n\n"[..], b"\n\r\n", b"\r\r", b"\r\n\r\n"] {
        assert!(!before_end.windows(end.len()).any(|window| window == end));
    }
}

fn shake_hands(head: &Head<'_>, request: &Request) {
    let found = Upgrade::from_head(head);
    let expected = handshakes::opened(request);
    let (found, (key, protocols)) = match (found, expected) {
        (Ok(found), Ok(expected)) => (found, expected),
        (found, expected) => {
            assert_eq!(
                found.map(|_| ()).map_err(|refusal| refusal.status()),
                expected.map(|_| ())
            );
            return;
        }
    };
    let offered: Vec<&str> = found.protocols.iter().collect();
    assert_eq!(offered, protocols);
    assert_eq!(found.protocols.is_empty(), protocols.is_empty());
    for chosen in [None, protocols.first().map(String::as_str)] {
        let mut answer = Vec::new();
        write_switching(&mut answer, found.key, chosen);
        assert_eq!(answer, handshakes::answer(&key, chosen).into_bytes());
    }
}
