use super::*;

fn listen() -> SocketAddr {
    "127.0.0.1:8080".parse().unwrap()
}

fn list(allow: &[&str]) -> OriginList {
    let allow: Vec<String> = allow.iter().map(|s| (*s).to_owned()).collect();
    OriginList::new(&allow, listen(), false).unwrap()
}

#[test]
fn only_the_exact_origin_is_allowed() {
    let long = format!("https://{}.example", "a".repeat(300));
    let long_label = format!("https://{}.example", "a".repeat(64));
    let list = list(&["https://chat.example"]);
    let cases: &[(&str, bool)] = &[
        ("https://chat.example", true),
        ("https://chat.example:443", true),
        ("HTTPS://Chat.Example", true),
        ("http://chat.example", false),
        ("http://chat.example:443", false),
        ("https://chat.example:80", false),
        ("https://chat.example:8443", false),
        ("null", false),
        ("NULL", false),
        ("", false),
        ("*", false),
        ("https://evilchat.example", false),
        ("https://chat.example.evil", false),
        ("https://chat.exampleevil", false),
        ("https://chat.exampl", false),
        ("https://a.chat.example", false),
        ("https://example", false),
        ("https://user@chat.example", false),
        ("https://user:pass@chat.example", false),
        ("https://chat.example@evil.example", false),
        ("https://evil.example\\@chat.example", false),
        ("https://chat.example:443@evil.example", false),
        ("https://@chat.example", false),
        ("https://chat.example.", false),
        ("https://chat.example.:443", false),
        ("https://.chat.example", false),
        ("https://chat..example", false),
        ("https://chat.example/", false),
        ("https://chat.example/path", false),
        ("https://chat.example?", false),
        ("https://chat.example#", false),
        ("https://chat.example\\", false),
        ("https:\\\\chat.example", false),
        ("https:/chat.example", false),
        ("https:chat.example", false),
        ("https:///chat.example", false),
        ("//chat.example", false),
        ("chat.example", false),
        ("https://", false),
        ("https://:443", false),
        ("https://chat.example:", false),
        ("https://chat.example:0", false),
        ("https://chat.example:0443", false),
        ("https://chat.example:00443", false),
        ("https://chat.example:65536", false),
        ("https://chat.example:65979", false), // 443 + 65536
        ("https://chat.example:+443", false),
        ("https://chat.example:-443", false),
        ("https://chat.example:443:443", false),
        ("https://chat.example:44x", false),
        ("https://chat.example: 443", false),
        ("wss://chat.example", false),
        ("ws://chat.example", false),
        ("file://chat.example", false),
        ("file://", false),
        ("javascript://chat.example", false),
        ("data:text/html,https://chat.example", false),
        ("chrome-extension://chat.example", false),
        (" https://chat.example", false),
        ("https://chat.example ", false),
        ("https://chat.example\t", false),
        ("https://chat.example\r", false),
        ("https://chat.example\0", false),
        ("https://chat.example, https://chat.example", false),
        ("https://chat.example https://chat.example", false),
        ("https://chat.example,https://evil.example", false),
        ("https://chat%2eexample", false),
        ("https://%63hat.example", false),
        ("https://chat.example%00", false),
        ("https://ch\u{430}t.example", false),
        ("https://chat\u{3002}example", false),
        ("https://xn--chat-example", false),
        ("https://chat_example", false),
        ("https://*.example", false),
        ("https://-chat.example", false),
        (&long, false),
        (&long_label, false),
    ];
    for (value, allowed) in cases {
        assert_eq!(list.allows(value.as_bytes()), *allowed, "{value:?}");
    }
    assert!(!list.allows(b"https://chat.example\xff"));
}

#[test]
fn a_default_port_written_out_is_the_same_origin() {
    assert!(list(&["https://chat.example:443"]).allows(b"https://chat.example"));
    assert!(list(&["http://chat.example:80"]).allows(b"http://chat.example"));
    assert!(list(&["http://chat.example"]).allows(b"http://chat.example:80"));
    assert!(!list(&["http://chat.example:443"]).allows(b"http://chat.example"));
}

#[test]
fn punycode_is_compared_as_it_stands() {
    let list = list(&["https://xn--bcher-kva.example"]);
    assert!(list.allows(b"https://xn--bcher-kva.example"));
    assert!(list.allows(b"https://XN--BCHER-KVA.example"));
    assert!(!list.allows("https://bücher.example".as_bytes()));
    assert!(!list.allows(b"https://bucher.example"));
    assert!(!list.allows(b"https://xn--bcher-kvb.example"));
}

#[test]
fn addresses_are_compared_as_addresses() {
    let list = list(&[
        "http://[2001:db8::1]:9000",
        "http://192.0.2.7:9000",
        "http://[2001:db8::3]",
    ]);
    let cases: &[(&str, bool)] = &[
        ("http://[2001:db8::1]:9000", true),
        ("http://[2001:DB8:0:0:0:0:0:1]:9000", true),
        ("http://[2001:0db8::0001]:9000", true),
        ("http://[2001:db8::1]", false),
        ("http://[2001:db8::2]:9000", false),
        ("http://2001:db8::1:9000", false),
        ("http://[2001:db8::1:9000", false),
        ("http://2001:db8::1]:9000", false),
        ("http://[2001:db8::1]9000", false),
        ("http://[2001:db8::3]", true),
        ("http://[2001:db8::3]80", false),
        ("http://[2001:db8::1]x:9000", false),
        ("http://[2001:db8::1%25eth0]:9000", false),
        ("http://[[2001:db8::1]]:9000", false),
        ("http://[]:9000", false),
        ("http://[2001:db8::g]:9000", false),
        ("http://192.0.2.7:9000", true),
        ("http://192.0.2.07:9000", false),
        ("http://192.0.519:9000", false),
        ("http://3221225991:9000", false),
        ("http://0xc0000207:9000", false),
        ("http://0xc0.0.2.7:9000", false),
        ("http://192.0.2.0x7:9000", false),
        ("http://192.0.2.7.:9000", false),
        ("http://[::ffff:192.0.2.7]:9000", false),
    ];
    for (value, allowed) in cases {
        assert_eq!(list.allows(value.as_bytes()), *allowed, "{value:?}");
    }
}

#[test]
fn the_longest_host_name_is_taken_and_nothing_longer_is_looked_at() {
    let label = "a".repeat(63);
    let name = |last: usize| format!("{label}.{label}.{label}.{}", "a".repeat(last));
    let longest = format!("https://{}:65535", name(61));
    assert!(list(&[&longest]).allows(longest.as_bytes()));
    let fault = |text: String| Origin::parse(text.as_bytes()).err();
    let one_more = format!("http://{}", name(62));
    assert_eq!(fault(one_more), Some(OriginFault::Host));
    assert_eq!(fault(format!("{longest}0")), Some(OriginFault::Length));
}

#[test]
fn an_empty_list_means_the_listener_itself() {
    let table: &[(&str, &str, bool)] = &[
        ("127.0.0.1:8080", "http://127.0.0.1:8080", true),
        ("127.0.0.1:8080", "http://localhost:8080", true),
        ("127.0.0.1:8080", "http://[::1]:8080", true),
        ("127.0.0.1:8080", "http://localhost", false),
        ("127.0.0.1:8080", "https://localhost:8080", false),
        ("127.0.0.1:8080", "http://localhost.evil:8080", false),
        ("127.0.0.1:8080", "http://127.0.0.2:8080", false),
        ("[::1]:8080", "http://[::1]:8080", true),
        ("[::1]:8080", "http://localhost:8080", true),
        ("0.0.0.0:80", "http://localhost", true),
        ("192.0.2.7:8080", "http://192.0.2.7:8080", true),
        ("192.0.2.7:8080", "http://localhost:8080", false),
        ("192.0.2.7:8080", "null", false),
    ];
    for (listen, value, allowed) in table {
        let list = OriginList::new(&[], listen.parse().unwrap(), false).unwrap();
        assert_eq!(list.allows(value.as_bytes()), *allowed, "{listen} {value}");
    }
}

#[test]
fn a_bad_entry_is_named_with_its_place_and_fault() {
    let table: &[(&str, OriginFault)] = &[
        ("", OriginFault::Length),
        ("*", OriginFault::Wildcard),
        ("null", OriginFault::Scheme),
        ("wss://chat.example", OriginFault::Scheme),
        ("https://chat.example/", OriginFault::Rest),
        ("https://me@chat.example", OriginFault::Rest),
        ("https://*.example", OriginFault::Host),
        ("https://chat.example.", OriginFault::Host),
        ("https://chat.example:0", OriginFault::Port),
        ("https://bücher.example", OriginFault::Characters),
    ];
    for (value, fault) in table {
        let allow = ["https://fine.example".to_owned(), (*value).to_owned()];
        let error = OriginList::new(&allow, listen(), false).unwrap_err();
        assert_eq!((error.index, error.fault), (1, *fault), "{value:?}");
        assert!(error.to_string().contains("origins.allow[1]"), "{error}");
    }
}

#[test]
fn a_cookie_needs_an_allowed_origin_and_no_other_site() {
    use OriginRefusal::{CrossSite, Missing, NotAllowed, Repeated};
    let list = list(&["https://chat.example"]);
    let good: &[u8] = b"https://chat.example";
    let evil: &[u8] = b"https://evil.example";
    let cookie = Some(Source::Cookie);
    let bearer = Some(Source::Bearer);
    type Case<'a> = (
        &'a [&'a [u8]],
        &'a [&'a [u8]],
        Option<Source>,
        Result<(), OriginRefusal>,
    );
    let table: &[Case<'_>] = &[
        (&[good], &[], cookie, Ok(())),
        (&[good], &[b"same-origin"], cookie, Ok(())),
        (&[good], &[b"same-site"], cookie, Ok(())),
        (&[good], &[b"none"], cookie, Ok(())),
        (&[good], &[b"cross-site"], cookie, Err(CrossSite)),
        (&[good], &[b"Cross-Site"], cookie, Err(CrossSite)),
        (
            &[good],
            &[b"same-origin", b"cross-site"],
            cookie,
            Err(CrossSite),
        ),
        (&[good], &[b""], cookie, Err(CrossSite)),
        (&[], &[], cookie, Err(Missing)),
        (&[], &[b"same-origin"], cookie, Err(Missing)),
        (&[evil], &[], cookie, Err(NotAllowed)),
        (&[b"null"], &[], cookie, Err(NotAllowed)),
        (&[b""], &[], cookie, Err(NotAllowed)),
        (&[good, good], &[], cookie, Err(Repeated)),
        (&[], &[], bearer, Ok(())),
        (&[], &[], None, Ok(())),
        (&[good], &[b"cross-site"], bearer, Ok(())),
        (&[good], &[b"cross-site"], Some(Source::Ticket), Ok(())),
        (&[evil], &[], bearer, Err(NotAllowed)),
        (&[evil], &[], Some(Source::Query), Err(NotAllowed)),
        (&[evil], &[], None, Err(NotAllowed)),
        (&[b"null"], &[], None, Err(NotAllowed)),
        (&[good, evil], &[], None, Err(Repeated)),
    ];
    for (origin, site, source, expected) in table {
        assert_eq!(
            judge(origin, site, *source, &list),
            *expected,
            "{origin:?} {site:?} {source:?}"
        );
    }
}
