use super::*;
use crate::protocol::head::HeadScanner;

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

fn with_head<T>(head: &str, then: impl FnOnce(Result<Upgrade<'_>, Refusal>) -> T) -> T {
    let end = HeadScanner::new(8192).find_end(head.as_bytes());
    assert_eq!(end, Ok(Some(head.len())), "{head:?}");
    let head = Head::parse(head.as_bytes(), 64).unwrap();
    then(Upgrade::from_head(&head))
}

/// An upgrade request in which the line that begins with `name` is `line` instead, or is gone when that is empty.
fn changed(name: &str, line: &str) -> String {
    let key = format!("Sec-WebSocket-Key: {KEY}");
    let lines = [
        "GET /ws/chat HTTP/1.1",
        "Host: a.example",
        "Upgrade: websocket",
        "Connection: Upgrade",
        &key,
        "Sec-WebSocket-Version: 13",
    ];
    let mut head = String::new();
    for kept in lines
        .iter()
        .map(|given| if given.starts_with(name) { line } else { given })
    {
        if !kept.is_empty() {
            head += kept;
            head += "\r\n";
        }
    }
    head + "\r\n"
}

/// The ordinary request and `lines`.
fn added(lines: &str) -> String {
    let end = if lines.is_empty() { "" } else { "\r\n" };
    changed("Host", &format!("Host: a.example{end}{lines}"))
}

#[track_caller]
fn status(head: &str) -> u16 {
    with_head(head, |upgrade| {
        upgrade.map_or_else(|refusal| refusal.status(), |_| 101)
    })
}

fn offered(lines: &str) -> Result<Vec<String>, Refusal> {
    with_head(&added(lines), |upgrade| {
        Ok(upgrade?.protocols.iter().map(str::to_owned).collect())
    })
}

#[test]
fn the_key_is_answered_as_in_the_standard() {
    let key = with_head(&added(""), |upgrade| upgrade.unwrap().key);
    assert_eq!(
        key.accept(),
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "the example of RFC 6455 §1.3"
    );
}

#[test]
fn the_spelling_of_names_lists_and_spaces_is_free() {
    let good = [
        added(""),
        added("")
            .replace("Sec-WebSocket", "sEC-wEBsOCKET")
            .replace("Upgrade:", "UPGRADE:"),
        added("").replace(": ", ":"),
        added("")
            .replace(": ", ": \t ")
            .replace("Upgrade\r\n", "Upgrade \t\r\n"),
        changed("Upgrade", "Upgrade: WebSocket"),
        changed("Upgrade", "Upgrade: websocket, foo/1"),
        changed("Upgrade", "Upgrade: foo/1\r\nUpgrade: websocket"),
        changed("Connection", "Connection: uPgRaDe"),
        changed("Connection", "Connection: keep-alive, Upgrade"),
        changed("Connection", "Connection: keep-alive,Upgrade,foo"),
        changed(
            "Connection",
            "Connection: keep-alive\r\nConnection: Upgrade",
        ),
        changed("Connection", "Connection: , ,Upgrade,,"),
        changed(
            "Sec-WebSocket-Key",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        ),
        changed("GET", "GET /ws/chat?a=b&c=%20d HTTP/1.1"),
        added("Content-Length: 0"),
        added("X-Name: J\u{fc}rgen"),
        added("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"),
        added("Sec-WebSocket-Extensions: x-foo; bar=1, x-baz\r\nSec-WebSocket-Extensions: x"),
    ];
    for head in good {
        assert_eq!(status(&head), 101, "{head:?}");
    }
}

#[test]
fn another_method_is_not_allowed() {
    for method in ["HEAD", "POST", "OPTIONS", "get", "CONNECT"] {
        let head = changed("GET", &format!("{method} /ws/chat HTTP/1.1"));
        with_head(&head, |upgrade| {
            assert_eq!(
                upgrade.err(),
                Some(Refusal::MethodNotAllowed { allow: "GET" }),
                "{method}"
            )
        });
    }
}

#[test]
fn a_request_for_something_else_is_told_to_upgrade() {
    let lines = [
        ("Upgrade", ""),
        ("Upgrade", "Upgrade:"),
        ("Upgrade", "Upgrade: h2c"),
        ("Upgrade", "Upgrade: websockets"),
        ("Upgrade", "Upgrade: websocket/13"),
        ("Upgrade", "Upgrade: web socket"),
        ("Connection", ""),
        ("Connection", "Connection: keep-alive"),
        ("Connection", "Connection: Upgraded"),
        ("Connection", "Connection: \"Upgrade\""),
    ];
    for (name, line) in lines {
        with_head(&changed(name, line), |upgrade| {
            assert_eq!(
                upgrade.err(),
                Some(Refusal::UpgradeRequired),
                "{name}: {line:?}"
            )
        });
    }
}

#[test]
fn only_version_thirteen_is_spoken() {
    let huge = "9".repeat(300);
    for version in [
        "0",
        "7",
        "8",
        "12",
        "14",
        "255",
        "256",
        "13, 8",
        "13,13",
        "13abc",
        "+13",
        "-13",
        "013",
        "",
        "13.0",
        "1 3",
        "\u{ff11}3",
        &huge,
    ] {
        let head = changed(
            "Sec-WebSocket-Version",
            &format!("Sec-WebSocket-Version: {version}"),
        );
        with_head(&head, |upgrade| {
            assert_eq!(
                upgrade.err(),
                Some(Refusal::VersionUnsupported),
                "{version:?}"
            )
        });
    }
    with_head(&changed("Sec-WebSocket-Version", ""), |upgrade| {
        assert_eq!(upgrade.err(), Some(Refusal::VersionUnsupported))
    });
}

#[test]
fn a_key_is_sixteen_bytes_in_canonical_base64() {
    let odd = [
        "",
        "x",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub25jZQ===",
        "dGhlIHNhbXBsZSBub25jZR==",
        "dGhlIHNhbXBsZSBub25jZVE=",
        "dGhlIHNhbXBsZSBub25jZVEx",
        "dGhlIHNhbXBsZSBub25j====",
        "dGhlIHNhbXBsZSBub25jZ===",
        "dGhlIHNhbXBsZSBub25_ZQ==",
        "dGhlIHNhbXBsZ Bub25jZQ==",
        "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==",
        "\"dGhlIHNhbXBsZSBub25jZQ==\"",
        "========================",
        "dGhlIHNhbXBsZSBub25jZ\u{e9}==",
    ];
    for key in odd {
        assert_eq!(
            status(&changed(
                "Sec-WebSocket-Key",
                &format!("Sec-WebSocket-Key: {key}")
            )),
            400,
            "{key:?}"
        );
    }
    assert_eq!(status(&changed("Sec-WebSocket-Key", "")), 400, "none");
    assert_eq!(
        status(&changed(
            "Sec-WebSocket-Key",
            &format!("Sec_WebSocket_Key: {KEY}")
        )),
        400,
        "an underscore is no hyphen"
    );
}

#[test]
fn a_body_does_not_belong_to_an_upgrade() {
    assert_eq!(status(&added("Content-Length: 1")), 400);
    assert_eq!(status(&added("Content-Length: 18446744073709551615")), 400);
}

#[test]
fn subprotocols_are_offered_in_order_over_any_number_of_lines() {
    assert_eq!(offered(""), Ok(vec![]));
    let lines =
        "Sec-WebSocket-Protocol: wardroom.v1 ,,\twardroom.ticket.abc\r\nsec-websocket-protocol: x";
    assert_eq!(
        offered(lines).unwrap(),
        ["wardroom.v1", "wardroom.ticket.abc", "x"]
    );
    with_head(&added("Sec-WebSocket-Protocol: Wardroom.v1"), |upgrade| {
        let protocols = upgrade.unwrap().protocols;
        assert!(
            !protocols.contains("wardroom.v1")
                && protocols.contains("Wardroom.v1")
                && !protocols.is_empty()
        );
    });
    with_head(&added(""), |upgrade| {
        assert!(upgrade.unwrap().protocols.is_empty());
    });
}

#[test]
fn a_list_of_subprotocols_that_breaks_the_grammar_is_refused() {
    let spaces = format!("a{}b", " ".repeat(7000));
    for value in [
        "", " ", ",", "a b", "a;b", "a/b", "\"a\"", "a, a", "a,b,a", "\u{e9}", "a=b", "a(b)",
        &spaces,
    ] {
        assert_eq!(
            status(&added(&format!("Sec-WebSocket-Protocol: {value}"))),
            400,
            "{value:?}"
        );
    }
    assert_eq!(
        status(&added(
            "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: a"
        )),
        400
    );
}

#[test]
fn the_number_of_subprotocols_is_bounded() {
    let list = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("p{n}")).collect();
        added(&format!("Sec-WebSocket-Protocol: {}", names.join(",")))
    };
    assert_eq!(status(&list(PROTOCOLS_MAX)), 101);
    assert_eq!(status(&list(PROTOCOLS_MAX + 1)), 400);
}

#[test]
fn debug_output_holds_no_ticket() {
    with_head(
        &added("Sec-WebSocket-Protocol: wardroom.ticket.hunter2"),
        |upgrade| {
            assert!(!format!("{:?}", upgrade.unwrap()).contains("hunter2"));
        },
    );
}

#[test]
fn the_answer_names_the_chosen_subprotocol_and_no_other() {
    let key = with_head(&added("Sec-WebSocket-Protocol: a, b"), |upgrade| {
        upgrade.unwrap().key
    });
    let start = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    for (protocol, end) in [
        (None, "\r\n"),
        (Some("b"), "Sec-WebSocket-Protocol: b\r\n\r\n"),
    ] {
        let mut out = b"kept".to_vec();
        write_switching(&mut out, key, protocol);
        assert_eq!(String::from_utf8(out).unwrap(), format!("kept{start}{end}"));
    }
}
