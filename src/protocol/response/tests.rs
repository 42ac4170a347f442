use serde_json::Value;

use super::*;

const HALF_SECOND: Duration = Duration::from_millis(500);

/// Every refusal with its status and the lines that are its own.
fn refusals() -> Vec<(Refusal, u16, &'static [&'static str])> {
    let upgrade: &[&str] = &[
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
    ];
    let invalid: &[&str] = &["WWW-Authenticate: Bearer error=\"invalid_token\""];
    let too_many = Refusal::TooMany {
        limit: "handshakes_per_address",
        scope: "address",
        retry_after: HALF_SECOND,
    };
    let full = Refusal::Full {
        limit: "connections_max",
        retry_after: Duration::from_secs(2),
    };
    vec![
        (Refusal::Malformed("a \"quoted\" reason"), 400, &[]),
        (
            Refusal::CredentialsMissing,
            401,
            &["WWW-Authenticate: Bearer"],
        ),
        (Refusal::CredentialsInvalid, 401, invalid),
        (Refusal::CredentialsExpired, 401, invalid),
        (Refusal::CredentialsRevoked, 401, invalid),
        (Refusal::OriginForbidden("origin not allowed"), 403, &[]),
        (Refusal::NotFound, 404, &[]),
        (
            Refusal::MethodNotAllowed { allow: "GET, HEAD" },
            405,
            &["Allow: GET, HEAD"],
        ),
        (
            Refusal::TooSlow {
                limit: "deadlines.head",
            },
            408,
            &[],
        ),
        (Refusal::UpgradeRequired, 426, upgrade),
        (Refusal::VersionUnsupported, 426, upgrade),
        (too_many, 429, &["Retry-After: 1"]),
        (Refusal::TOO_MANY_BYTES, 431, &[]),
        (full, 503, &["Retry-After: 2"]),
        (
            Refusal::AuthenticationUnavailable {
                retry_after: HALF_SECOND,
            },
            503,
            &["Retry-After: 1"],
        ),
    ]
}

fn written(write: impl FnOnce(&mut Vec<u8>)) -> (String, String) {
    let mut out = Vec::new();
    write(&mut out);
    let text = String::from_utf8(out).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

#[test]
fn every_refusal_is_one_whole_response_that_closes() {
    for (refusal, status, own) in refusals() {
        let (head, body) = written(|out| refusal.write(Method::Get, out));
        let lines: Vec<&str> = head.split("\r\n").collect();
        assert!(
            lines[0].starts_with(&format!("HTTP/1.1 {status} ")) && lines[0].len() > 13,
            "{head}"
        );
        assert_eq!(refusal.status(), status);
        let length = format!("Content-Length: {}", body.len());
        let common = [
            "Content-Type: application/json",
            &length,
            "Connection: close",
            "Cache-Control: no-store",
        ];
        let expected: Vec<&str> = common.iter().chain(own).copied().collect();
        assert_eq!(lines[1..], expected, "{refusal:?}");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            (&body["error"], &body["code"]),
            (&refusal.to_string().into(), &refusal.code().into())
        );
    }
}

#[test]
fn a_limit_says_which_whose_and_when_to_try_again() {
    let too_many = Refusal::TooMany {
        limit: "connections_per_user",
        scope: "user",
        retry_after: Duration::from_micros(1500),
    };
    let (_, body) = written(|out| too_many.write(Method::Get, out));
    assert_eq!(
        body,
        r#"{"error":"too many requests","code":"too_many","limit":"connections_per_user","scope":"user","retry_after_ms":2}"#
    );
    let full = Refusal::Full {
        limit: "connections_max",
        retry_after: Duration::from_secs(1),
    };
    let (_, body) = written(|out| full.write(Method::Get, out));
    assert_eq!(
        body,
        r#"{"error":"the server is full","code":"server_full","limit":"connections_max","scope":"server","retry_after_ms":1000}"#
    );
    let (_, body) = written(|out| Refusal::NotFound.write(Method::Get, out));
    assert_eq!(body, r#"{"error":"not found","code":"not_found"}"#);
}

#[test]
fn retry_after_is_never_too_early() {
    let cases = [
        (0, 0, 0),
        (1, 1, 1),
        (1_000_000, 1, 1),
        (999_999_999, 1, 1000),
        (1_000_000_000, 1, 1000),
        (1_000_000_001, 2, 1001),
    ];
    for (nanos, seconds, millis) in cases {
        let duration = Duration::from_nanos(nanos);
        assert_eq!(
            (
                seconds_rounded_up(duration),
                milliseconds_rounded_up(duration)
            ),
            (seconds, millis),
            "{nanos} ns"
        );
    }
    assert_eq!(
        (
            seconds_rounded_up(Duration::MAX),
            milliseconds_rounded_up(Duration::MAX)
        ),
        (u64::MAX, u64::MAX)
    );
}

#[test]
fn a_request_by_head_is_told_the_length_but_not_the_body() {
    let page = Response::ok("text/html; charset=utf-8", b"<p>hi");
    let (by_get, body) = written(|out| page.write(Method::Get, out));
    assert_eq!(body, "<p>hi");
    assert_eq!(
        written(|out| page.write(Method::Head, out)),
        (by_get.clone(), String::new())
    );
    assert_eq!(written(|out| page.write_head(out)), (by_get, String::new()));

    let (by_get, _) = written(|out| Refusal::NotFound.write(Method::Get, out));
    assert_eq!(
        written(|out| Refusal::NotFound.write(Method::Head, out)),
        (by_get, String::new())
    );
}

#[test]
fn a_plain_response_says_whether_the_connection_stays_open() {
    let fields = [
        ("Cache-Control", "no-cache"),
        ("X-Content-Type-Options", "nosniff"),
    ];
    let page = Response::ok("text/css", b"").with_fields(&fields);
    for (keep_alive, connection) in [(true, "keep-alive"), (false, "close")] {
        let (head, _) = written(|out| page.with_keep_alive(keep_alive).write(Method::Get, out));
        let expected = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/css\r\nContent-Length: 0\r\nConnection: {connection}\r\nCache-Control: no-cache\r\nX-Content-Type-Options: nosniff"
        );
        assert_eq!(head, expected);
    }
}

#[test]
fn a_secure_answer_says_so_and_a_redirect_has_its_phrase() {
    let page = Response::ok("text/css", b"").with_strict_transport(Some("max-age=60"));
    let (head, _) = written(|out| page.write(Method::Get, out));
    assert!(
        head.ends_with("\r\nStrict-Transport-Security: max-age=60"),
        "{head}"
    );
    let plain = page.with_strict_transport(None);
    let (head, _) = written(|out| plain.write(Method::Get, out));
    assert!(!head.contains("Strict-Transport"), "{head}");
    let moved = Response {
        status: 308,
        ..plain
    };
    let (head, _) = written(|out| moved.write(Method::Get, out));
    assert!(
        head.starts_with("HTTP/1.1 308 Permanent Redirect\r\n"),
        "{head}"
    );
}
