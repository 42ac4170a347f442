mod fields;
mod properties;
mod target;

use super::*;

const BYTES_MAX: usize = 8192;
const FIELDS: usize = 64;

/// Scans and parses, as one connection would; `None` while the head goes on.
fn read(bytes: &[u8]) -> Result<Option<Head<'_>>, Refusal> {
    let Some(end) = HeadScanner::new(BYTES_MAX).find_end(bytes)? else {
        return Ok(None);
    };
    Head::parse(&bytes[..end], FIELDS).map(Some)
}

fn complete(bytes: &[u8]) -> Head<'_> {
    read(bytes).expect("not refused").expect("complete")
}

/// The status given, 200 for a head that stands, 0 for one that goes on.
fn status(bytes: &[u8]) -> u16 {
    match read(bytes) {
        Ok(Some(_)) => 200,
        Ok(None) => 0,
        Err(refusal) => refusal.status(),
    }
}

/// A head with the request line `GET / HTTP/1.1`, a Host, and `lines`.
fn with_lines(lines: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: a.example\r\n{lines}\r\n").into_bytes()
}

fn with_target(target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: a.example\r\n\r\n").into_bytes()
}

fn with_host(value: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: {value}\r\n\r\n").into_bytes()
}

#[track_caller]
fn all_are(expected: u16, cases: &[(&str, Vec<u8>)]) {
    for (name, bytes) in cases {
        assert_eq!(status(bytes), expected, "{name}: {}", bytes.escape_ascii());
        if expected == 400 {
            let parsed = Head::parse(bytes, FIELDS);
            assert!(
                parsed.is_err(),
                "{name} passes the parser alone: {}",
                bytes.escape_ascii()
            );
        }
    }
}

#[test]
fn a_head_tells_what_was_asked() {
    let bytes = b"POST /ticket?a=%20b&c HTTP/1.1\r\nhOST:  Chat.Example:8080\t\r\nX-A: 1\r\nContent-Length:12\r\nx-a:\tJ\xfcrgen \r\nX-Empty:\r\n\r\n";
    let head = complete(bytes);
    assert_eq!(head.method(), Method::Post);
    assert_eq!((head.path(), head.query()), ("/ticket", Some("a=%20b&c")));
    assert_eq!(head.target(), "/ticket?a=%20b&c");
    assert_eq!(head.host(), "Chat.Example:8080");
    assert_eq!(head.content_length(), 12);
    assert!(head.keep_alive());
    assert_eq!(
        head.fields("X-A").collect::<Vec<_>>(),
        [&b"1"[..], b"J\xfcrgen"]
    );
    assert_eq!(head.field("x-empty"), Some(&b""[..]));
    assert_eq!(head.field("x-none"), None);
}

#[test]
fn methods_are_told_apart_by_case() {
    for (token, method) in [
        ("GET", Method::Get),
        ("HEAD", Method::Head),
        ("POST", Method::Post),
        ("OPTIONS", Method::Options),
        ("get", Method::Other),
        ("M-SEARCH", Method::Other),
    ] {
        let bytes = format!("{token} / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(complete(bytes.as_bytes()).method(), method, "{token}");
    }
}

#[test]
fn a_list_may_be_spread_over_lines_and_have_empty_members() {
    let bytes = with_lines("Connection: , ,keep-alive,,\r\nconnection:\tuPgRaDe \r\n");
    let head = complete(&bytes);
    assert_eq!(
        head.list("connection").collect::<Vec<_>>(),
        [&b"keep-alive"[..], b"uPgRaDe"]
    );
    assert!(head.has_token("Connection", "upgrade") && !head.has_token("Connection", "grade"));
    assert!(head.keep_alive());
}

#[test]
fn close_among_the_connection_options_ends_keep_alive() {
    for lines in [
        "Connection: close\r\n",
        "Connection: x, CLOSE\r\n",
        "Connection: keep-alive\r\nConnection: close\r\n",
        "Connection: close\r\nConnection: keep-alive\r\n",
    ] {
        assert!(!complete(&with_lines(lines)).keep_alive(), "{lines:?}");
    }
    assert!(complete(&with_lines("Connection: closed\r\n")).keep_alive());
}

#[test]
fn one_empty_line_before_the_request_is_forgiven() {
    let mut bytes = b"\r\n".to_vec();
    bytes.extend(with_lines(""));
    assert_eq!(complete(&bytes).path(), "/");
}

#[test]
fn bytes_after_the_head_are_left_alone() {
    let mut bytes = with_lines("");
    let length = bytes.len();
    bytes.extend(b"\x81\x85\0\0\0\0hello\n");
    let mut scanner = HeadScanner::new(BYTES_MAX);
    assert_eq!(scanner.find_end(&bytes), Ok(Some(length)));
    assert_eq!(scanner.find_end(&bytes), Ok(Some(length)), "asked again");
    let surplus = [&bytes[..length], b"\r\n"].concat();
    assert!(Head::parse(&surplus, FIELDS).is_err(), "no part of a head");
}

#[test]
fn a_broken_request_line_is_refused() {
    let line = |line: &str| format!("{line}\r\nHost: a\r\n\r\n").into_bytes();
    all_are(
        400,
        &[
            ("blank lines only", b"\r\n\r\n\r\n\r\n".to_vec()),
            (
                "a blank line too many",
                b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
            ),
            (
                "a bare LF first",
                b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
            ),
            ("no version", line("GET /")),
            ("HTTP/1.0", line("GET / HTTP/1.0")),
            ("HTTP/1.2", line("GET / HTTP/1.2")),
            ("HTTP/2.0", line("GET / HTTP/2.0")),
            (
                "the HTTP/2 preface",
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
            ),
            ("two digits", line("GET / HTTP/11.1")),
            ("three digits", line("GET / HTTP/1.10")),
            ("half a version", line("GET / HTTP/1.")),
            ("http in lower case", line("GET / http/1.1")),
            ("another protocol", line("GET / ICY/1.1")),
            ("a space at the end", line("GET / HTTP/1.1 ")),
            ("a word at the end", line("GET / HTTP/1.1 x")),
            ("two spaces before the target", line("GET  / HTTP/1.1")),
            ("two spaces after the target", line("GET /  HTTP/1.1")),
            ("a tab for a space", line("GET\t/ HTTP/1.1")),
            ("a space first", line(" GET / HTTP/1.1")),
            ("no target", line("GET HTTP/1.1")),
            ("an empty target", line("GET  HTTP/1.1")),
            ("only a method", line("GET")),
            ("a method that is no token", line("G(T / HTTP/1.1")),
            ("a CR in the line", line("GET /\rX HTTP/1.1")),
            ("a NUL in the line", line("GET /\0 HTTP/1.1")),
        ],
    );
}

#[test]
fn what_begins_no_method_is_refused_at_its_first_byte() {
    let first: [&[u8]; 8] = [
        b"\x16", b"\0", b" ", b"\xff", b"\x80", b"\n", b"\r\n\r", b"{",
    ];
    for bytes in first {
        assert_eq!(status(bytes), 400, "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_bare_lf_or_cr_is_refused_wherever_it_stands() {
    let good = with_lines("X-A: b\r\nX-C: d\r\n");
    for (at, pair) in good.windows(2).enumerate() {
        if pair == b"\r\n" {
            let mut without_cr = good.clone();
            without_cr.remove(at);
            let mut without_lf = good.clone();
            without_lf.remove(at + 1);
            all_are(400, &[("bare LF", without_cr)]);
            assert_ne!(status(&without_lf), 200, "bare CR at {at}");
            assert!(Head::parse(&without_lf, FIELDS).is_err(), "bare CR at {at}");
        }
    }
    for at in 0..good.len() - 1 {
        for byte in [b'\n', b'\r', 0] {
            let mut bytes = good.clone();
            bytes.insert(at, byte);
            // A CR before CR LF is bare too; a LF between them ends the line early and leaves a bare one.
            assert_eq!(status(&bytes), 400, "byte {byte} at {at}");
        }
    }
}

#[test]
fn content_length_is_digits() {
    for (value, length) in [("0", 0), ("007", 7), ("18446744073709551615", u64::MAX)] {
        let bytes = with_lines(&format!("Content-Length: {value}\r\n"));
        assert_eq!(complete(&bytes).content_length(), length);
    }
}

#[test]
fn a_field_that_may_stand_once_is_refused_twice_even_with_one_value() {
    for name in SINGLETONS {
        let once = if name == "host" {
            String::new()
        } else {
            format!("{name}: 1\r\n")
        };
        let again = format!("{}: 1\r\n", name.to_uppercase());
        assert_eq!(status(&with_lines(&once)), 200, "{name}");
        all_are(400, &[(name, with_lines(&(once + &again)))]);
    }
}

#[test]
fn too_many_fields_are_too_large() {
    let lines = |count: usize| with_lines(&"a:\r\n".repeat(count - 1));
    assert_eq!(status(&lines(FIELDS)), 200);
    assert_eq!(status(&lines(FIELDS + 1)), 431);
    assert_eq!(status(&lines(FIELDS_MAX + 1)), 431);
    assert!(Head::parse(&lines(FIELDS_MAX), usize::MAX).is_ok());
    assert_eq!(
        Head::parse(&lines(FIELDS_MAX + 1), usize::MAX).err(),
        Some(Refusal::TOO_MANY_FIELDS)
    );
}

#[test]
fn a_head_may_be_as_long_as_allowed_and_no_longer() {
    let bytes = with_lines("X-A: b\r\n");
    let fits = HeadScanner::new(bytes.len()).find_end(&bytes);
    assert_eq!(fits, Ok(Some(bytes.len())));
    let too_long = HeadScanner::new(bytes.len() - 1).find_end(&bytes);
    assert_eq!(too_long, Err(Refusal::TOO_MANY_BYTES));
    let endless = HeadScanner::new(64).find_end(&[b'A'; 64]);
    assert_eq!(
        endless,
        Err(Refusal::TOO_MANY_BYTES),
        "it can no longer end in time"
    );
    assert_eq!(HeadScanner::new(64).find_end(&[b'A'; 63]), Ok(None));
}

#[test]
fn long_parts_are_too_large() {
    for bytes in [
        with_target(&format!("/{}", "a".repeat(20_000))),
        with_lines(&format!("X-Big: {}\r\n", "a".repeat(20_000))),
        with_lines(&format!("{}: a\r\n", "X".repeat(70_000))),
        vec![b'A'; 1 << 20],
    ] {
        assert_eq!(status(&bytes), 431);
    }
    assert_eq!(
        status(&with_lines(&format!("X-Big: {}\r\n", "a".repeat(2048)))),
        200
    );
}

#[test]
fn half_a_head_is_neither_accepted_nor_refused() {
    let good = with_lines("X-A: b\r\n");
    for length in 0..good.len() {
        assert_eq!(status(&good[..length]), 0, "{length} bytes");
        assert!(
            Head::parse(&good[..length], FIELDS).is_err(),
            "{length} bytes"
        );
    }
}

#[test]
fn debug_output_holds_no_credentials() {
    let bytes =
        b"GET /ws/chat?token=hunter2 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer hunter2\r\n\r\n";
    assert!(!format!("{:?}", complete(bytes)).contains("hunter2"));
}
