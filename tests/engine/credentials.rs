//! Who gets in: every source of a credential, their order, and what the Origin has to say.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wardroom::access::{AuthError, Authenticator, Credential, Identity, Source};
use wardroom::config::Config;
use wardroom::simulation::World;
use wardroom::time::Now;

use crate::{knock, world_with};

const ORIGIN: &str = "Origin: https://chat.example\r\n";

/// A request (query, field lines) and what becomes of it.
type Row = (&'static str, &'static str, String, &'static str);

fn check(rows: impl IntoIterator<Item = Row>, change: fn(&mut Config)) {
    for (name, query, fields, expected) in rows {
        let mut world = world_with(|config| {
            config.auth.cookie = Some("session".to_owned());
            config.origins.allow = vec!["https://chat.example".to_owned()];
            change(config);
        });
        assert_eq!(
            knock(&mut world, "10.0.0.1", query, &fields),
            expected,
            "{name}"
        );
    }
}

fn row(name: &'static str, query: &'static str, fields: &str, expected: &'static str) -> Row {
    (name, query, fields.to_owned(), expected)
}

fn from_page(name: &'static str, query: &'static str, fields: &str, expected: &'static str) -> Row {
    (name, query, format!("{ORIGIN}{fields}"), expected)
}

#[test]
fn a_cookie_is_a_credential_only_for_a_page_of_an_allowed_origin() {
    const COOKIE: &str = "Cookie: session=alice\r\n";
    const FORBIDDEN: &str = "403 origin_forbidden";
    let with = |more: &str| format!("{COOKIE}{more}");
    let rows = [
        from_page("good", "", COOKIE, "in as alice"),
        from_page(
            "among others",
            "",
            "Cookie: a=b; session=alice; c=d\r\n",
            "in as alice",
        ),
        row("no Origin", "", COOKIE, FORBIDDEN),
        row(
            "another Origin",
            "",
            &with("Origin: https://evil.example\r\n"),
            FORBIDDEN,
        ),
        row("null", "", &with("Origin: null\r\n"), FORBIDDEN),
        row(
            "a suffix",
            "",
            &with("Origin: https://chat.example.evil.example\r\n"),
            FORBIDDEN,
        ),
        row(
            "another scheme",
            "",
            &with("Origin: http://chat.example\r\n"),
            FORBIDDEN,
        ),
        from_page(
            "cross-site",
            "",
            &with("Sec-Fetch-Site: cross-site\r\n"),
            FORBIDDEN,
        ),
        from_page(
            "same-origin",
            "",
            &with("Sec-Fetch-Site: same-origin\r\n"),
            "in as alice",
        ),
        row(
            "unreadable and no Origin",
            "",
            "Cookie: session=\r\n",
            FORBIDDEN,
        ),
        from_page(
            "bad",
            "",
            "Cookie: session=bad\r\n",
            "1008 invalid credentials",
        ),
        from_page(
            "given twice",
            "",
            "Cookie: session=alice; session=bob\r\n",
            "1008 invalid credentials",
        ),
        from_page(
            "another cookie only",
            "",
            "Cookie: other=alice\r\n",
            "1008 credentials required",
        ),
    ];
    check(rows, |_| {});
}

#[test]
fn a_cookie_means_nothing_where_none_is_configured() {
    let rows = [row(
        "not configured",
        "",
        "Cookie: session=alice\r\n",
        "1008 credentials required",
    )];
    check(rows, |config| config.auth.cookie = None);
}

#[test]
fn the_first_source_present_decides_and_is_never_rescued_by_a_later_one() {
    const INVALID: &str = "1008 invalid credentials";
    let rows = [
        from_page(
            "bearer before cookie and query",
            "?token=carol",
            "Authorization: Bearer alice\r\nCookie: session=bob\r\n",
            "in as alice",
        ),
        from_page(
            "cookie before query",
            "?token=carol",
            "Cookie: session=bob\r\n",
            "in as bob",
        ),
        from_page("query alone", "?token=carol", "", "in as carol"),
        from_page(
            "a bad bearer",
            "?token=carol",
            "Authorization: Bearer bad\r\nCookie: session=bob\r\n",
            INVALID,
        ),
        from_page(
            "a bearer of another scheme",
            "?token=carol",
            "Authorization: Basic YWxpY2U6YQ==\r\n",
            INVALID,
        ),
        from_page(
            "a bad cookie",
            "?token=carol",
            "Cookie: session=bad\r\n",
            INVALID,
        ),
        from_page(
            "an expired cookie",
            "?token=carol",
            "Cookie: session=expired\r\n",
            "1008 token expired",
        ),
        from_page(
            "an unknown ticket",
            "?token=carol",
            "Sec-WebSocket-Protocol: wardroom.v1, wardroom.ticket.AAAA\r\n",
            INVALID,
        ),
        from_page(
            "a cookie before a ticket",
            "",
            "Cookie: session=bob\r\nSec-WebSocket-Protocol: wardroom.v1, wardroom.ticket.AAAA\r\n",
            "in as bob",
        ),
    ];
    check(rows, |_| {});
}

#[test]
fn a_query_token_is_taken_from_programs_and_allowed_pages() {
    let rows = [
        row("a program", "?token=alice", "", "in as alice"),
        row("among others", "?a=b&token=alice", "", "in as alice"),
        row("escaped", "?tok%65n=%61lice", "", "in as alice"),
        from_page("a page", "?token=alice", "", "in as alice"),
        row(
            "another page",
            "?token=alice",
            "Origin: https://evil.example\r\n",
            "403 origin_forbidden",
        ),
        row(
            "twice",
            "?token=alice&token=alice",
            "",
            "1008 invalid credentials",
        ),
        row("empty", "?token=", "", "1008 invalid credentials"),
        row("none", "", "", "1008 credentials required"),
        row(
            "another name",
            "?Token=alice",
            "",
            "1008 credentials required",
        ),
    ];
    check(rows, |_| {});
}

#[test]
fn a_query_token_that_is_switched_off_is_no_credential() {
    let rows = [
        row("alone", "?token=alice", "", "1008 credentials required"),
        row(
            "beside a bearer",
            "?token=bad",
            "Authorization: Bearer alice\r\n",
            "in as alice",
        ),
    ];
    check(rows, |config| config.auth.query_token = false);
}

/// Users of an embedding program: says who comes by where the credential stood.
struct OwnUsers {
    asked: Arc<AtomicUsize>,
}

impl Authenticator for OwnUsers {
    fn authenticate(&self, credential: Credential<'_>, _now: Now) -> Result<Identity, AuthError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match (credential.source, credential.value) {
            (source @ (Source::Bearer | Source::Query | Source::Cookie), "open-sesame") => {
                Ok(Identity {
                    user: format!("{source:?}").into(),
                    name: "Ali Baba".into(),
                    expires: None,
                    grant: Default::default(),
                    rooms: None,
                })
            }
            _ => Err(AuthError::Invalid),
        }
    }
}

#[test]
fn a_custom_authenticator_decides_over_every_credential_and_is_asked_once_for_each() {
    let asked = Arc::new(AtomicUsize::new(0));
    let mut config = Config::default();
    config.auth.cookie = Some("session".to_owned());
    let own = OwnUsers {
        asked: Arc::clone(&asked),
    };
    let mut world = World::with_authenticator(config, Box::new(own), [7; 32]);
    let page = "Origin: http://127.0.0.1:8080\r\nCookie: session=open-sesame\r\n";
    let rows = [
        (
            "",
            "Authorization: Bearer open-sesame\r\n",
            "in as Bearer",
            1,
        ),
        ("?token=open-sesame", "", "in as Query", 2),
        ("", page, "in as Cookie", 3),
        ("?token=wheat", "", "1008 invalid credentials", 4),
        ("", "", "1008 credentials required", 4),
        (
            "",
            "Cookie: session=open-sesame\r\n",
            "403 origin_forbidden",
            4,
        ),
        (
            "",
            "Sec-WebSocket-Protocol: wardroom.ticket.x\r\n",
            "1008 invalid credentials",
            4,
        ),
    ];
    for (query, fields, expected, times) in rows {
        assert_eq!(knock(&mut world, "10.0.0.1", query, fields), expected);
        assert_eq!(asked.load(Ordering::Relaxed), times, "{expected}");
    }
}
