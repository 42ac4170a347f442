//! Request-target and Host, case by case.

use super::*;

#[test]
fn a_target_in_another_form_or_with_odd_bytes_is_refused() {
    let odd = [
        "*",
        "a.example:80",
        "http://a.example/",
        "http://u:p@a.example/",
        "ws/chat",
        "?a=b",
        "\\",
        "/#x",
        "/?a#x",
        "/a b",
        "/?a b",
        "/\u{e9}",
        "/?\u{fc}=1",
        "/\x07",
        "/?a=\x7f",
        "/%",
        "/%4",
        "/%zz",
        "/%4g",
        "/?%",
        "/?a=%f",
        "/?%+1",
        "/%2F",
        "/%2f",
        "/%5c",
        "/%2e%2e/",
        "/%00",
        "/%0d%0a",
        "/%7f",
        "/a\\b",
        "/<",
        "/?<",
        "/?\"",
        "/|",
    ];
    for target in odd {
        all_are(400, &[(target, with_target(target))]);
    }
}

#[test]
fn an_ordinary_target_passes() {
    let ordinary = [
        "/",
        "//",
        "/../x",
        "/ws/chat",
        "/a;b=c,d:e@f!$&'()*+=~_-.",
        "/%20%C3%BC",
        "/?",
        "/??/",
        "/?a=%00&b=%2F",
        "/?token=eyJ.a-b_c.d",
        "/?q={a}|[b]^`\\",
    ];
    for target in ordinary {
        all_are(200, &[(target, with_target(target))]);
        assert_eq!(complete(&with_target(target)).target(), target);
    }
}

#[test]
fn exactly_one_well_formed_host_is_needed() {
    all_are(
        400,
        &[
            ("none", b"GET / HTTP/1.1\r\nX: y\r\n\r\n".to_vec()),
            ("no field at all", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ],
    );
    let odd = [
        "",
        ":80",
        "a b",
        "a, b",
        "a@b",
        "u:p@a",
        "http://a",
        "a/b",
        "a?b",
        "a#b",
        "a:80:80",
        "a:x",
        "a:-1",
        "a:+1",
        "a:65536",
        "a:99999999999",
        "::1",
        "[::1",
        "[]",
        "[::1]x",
        "[::1]:x",
        "[1.2.3.4]",
        "[fe80::1%25eth0]",
        "[v1.a]",
        "[:::]",
        "a%",
        "a%4",
        "a%zz",
        "\u{e9}",
        "a\\b",
        "a\"",
        "a<b",
        "[::1]]",
    ];
    for host in odd {
        all_are(400, &[(host, with_host(host))]);
    }
    for host in [
        "a",
        "A.Example",
        "a.example.",
        "a_b",
        "127.0.0.1:8080",
        "a:",
        "a:0",
        "a:65535",
        "[::1]",
        "[::1]:8080",
        "[::ffff:1.2.3.4]",
        "xn--bcher-kva.example",
        "a%20b",
    ] {
        assert_eq!(complete(&with_host(host)).host(), host);
    }
}
