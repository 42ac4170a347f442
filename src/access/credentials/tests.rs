use super::*;

const ON: EnabledSources<'_> = EnabledSources {
    cookie: Some("session"),
    query: true,
};
const NOTHING: RequestCredentials<'_> = RequestCredentials {
    authorization: &[],
    cookie: &[],
    protocols: &[],
    query: None,
};

type Found<'a> = Result<Option<(Source, &'a str)>, AuthError>;

fn check(request: RequestCredentials<'_>, enabled: EnabledSources<'_>, expected: &Found<'_>) {
    let found = find(request, enabled);
    let seen = found.as_ref().map(|shown| {
        shown
            .as_ref()
            .map(|shown| (shown.source, shown.credential().value))
    });
    assert_eq!(seen.map_err(|e| *e), *expected);
}

#[test]
fn a_bearer_field_is_one_scheme_and_one_token() {
    let bearer = |value| Ok(Some((Source::Bearer, value)));
    let bad = Err(AuthError::Invalid);
    let table: &[(&[&[u8]], Found<'_>)] = &[
        (&[], Ok(None)),
        (&[b"Bearer a.b.c"], bearer("a.b.c")),
        (&[b"bearer a.b.c"], bearer("a.b.c")),
        (&[b"BEARER   a.b.c"], bearer("a.b.c")),
        (&[b"Bearer abc=="], bearer("abc==")),
        (&[b"Bearer a.b.c", b"Bearer a.b.c"], bad),
        (&[b""], bad),
        (&[b"Bearer"], bad),
        (&[b"Bearer "], bad),
        (&[b"Bearer =="], bad),
        (&[b"Bearer a b"], bad),
        (&[b"Bearer a.b.c,"], bad),
        (&[b"Bearer a=b"], bad),
        (&[b"Bearer\ta.b.c"], bad),
        (&[b"Bearer \"a.b.c\""], bad),
        (&[b"Bearer a.b.\xff"], bad),
        (&[b"Basic YTpi"], bad),
        (&[b"Bearera.b.c x"], bad),
        (&[b"a.b.c"], bad),
    ];
    for (fields, expected) in table {
        check(
            RequestCredentials {
                authorization: fields,
                ..NOTHING
            },
            ON,
            expected,
        );
    }
}

#[test]
fn a_cookie_is_found_once_or_refused() {
    let cookie = |value| Ok(Some((Source::Cookie, value)));
    let bad = Err(AuthError::Invalid);
    let table: &[(&[&[u8]], Found<'_>)] = &[
        (&[b"session=abc"], cookie("abc")),
        (&[b"a=1; session=abc; b=2"], cookie("abc")),
        (&[b"a=1;session=abc"], cookie("abc")),
        (&[b"a=1", b"session=abc"], cookie("abc")),
        (&[b"session=\"abc\""], cookie("abc")),
        (&[b"session=a=b"], cookie("a=b")),
        (
            &[b"bare; =; ;; session=abc; x={\"a\": 1, \"b\"}"],
            cookie("abc"),
        ),
        (&[b"x=\xff; session=abc"], cookie("abc")),
        (&[b"Session=abc"], Ok(None)),
        (&[b"session"], Ok(None)),
        (&[b"xsession=abc"], Ok(None)),
        (&[b"sessionx=abc"], Ok(None)),
        (&[b"__Host-session=abc"], Ok(None)),
        (&[b"a=session=abc"], Ok(None)),
        (&[b""], Ok(None)),
        (&[b"session="], bad),
        (&[b"session=\"\""], bad),
        (&[b"session=\"abc"], bad),
        (&[b"session=a b"], bad),
        (&[b"session=a,b"], bad),
        (&[b"session=a\\b"], bad),
        (&[b"session=a\x7f"], bad),
        (&[b"session=\xc3\xa9"], bad),
        (&[b"session=abc; session=abc"], bad),
        (&[b"session=abc; session="], bad),
        (&[b"session=abc", b"session=def"], bad),
    ];
    for (fields, expected) in table {
        check(
            RequestCredentials {
                cookie: fields,
                ..NOTHING
            },
            ON,
            expected,
        );
    }
}

#[test]
fn a_ticket_stands_among_the_subprotocols() {
    let table: &[(&[&str], Found<'_>)] = &[
        (&["wardroom.v1"], Ok(None)),
        (
            &["wardroom.v1", "wardroom.ticket.abc"],
            Ok(Some((Source::Ticket, "abc"))),
        ),
        (&["wardroom.ticket.abc"], Ok(Some((Source::Ticket, "abc")))),
        (&["wardroom.ticket."], Err(AuthError::Invalid)),
        (&["wardroom.ticket"], Ok(None)),
        (&["Wardroom.ticket.abc"], Ok(None)),
        (
            &["wardroom.ticket.abc", "wardroom.ticket.abc"],
            Err(AuthError::Invalid),
        ),
        (
            &["wardroom.ticket.abc", "wardroom.ticket."],
            Err(AuthError::Invalid),
        ),
    ];
    for (protocols, expected) in table {
        check(
            RequestCredentials {
                protocols,
                ..NOTHING
            },
            ON,
            expected,
        );
    }
}

#[test]
fn a_query_token_is_decoded_strictly() {
    let query = |value| Ok(Some((Source::Query, value)));
    let bad = Err(AuthError::Invalid);
    let table: &[(&str, Found<'_>)] = &[
        ("", Ok(None)),
        ("room=lobby", Ok(None)),
        ("token=a.b.c", query("a.b.c")),
        ("room=lobby&token=a.b.c&x", query("a.b.c")),
        ("token=a%2Eb%2ec", query("a.b.c")),
        ("t%6Fken=abc", query("abc")),
        ("token=a=b", query("a=b")),
        ("token=a+b", query("a+b")),
        ("Token=abc", Ok(None)),
        ("xtoken=abc", Ok(None)),
        ("x=token=abc", Ok(None)),
        ("token", bad),
        ("token=", bad),
        ("token=a&token=a", bad),
        ("token=a&t%6fken=b", bad),
        ("token=a&token", bad),
        ("token=%", bad),
        ("token=a%2", bad),
        ("token=%zz", bad),
        ("token=%+1", bad),
        ("%zz=1&token=a", bad),
        ("token=a%20b", bad),
        ("token=%00", bad),
        ("token=%7f", bad),
        ("token=%C3%A9", bad),
        ("token=é", bad),
    ];
    for (text, expected) in table {
        check(
            RequestCredentials {
                query: Some(text),
                ..NOTHING
            },
            ON,
            expected,
        );
    }
}

#[test]
fn the_first_source_present_decides_and_is_not_rescued() {
    let mut request = RequestCredentials {
        authorization: &[b"Bearer one"],
        cookie: &[b"session=two"],
        protocols: &["wardroom.ticket.three"],
        query: Some("token=four"),
    };
    check(request, ON, &Ok(Some((Source::Bearer, "one"))));
    request.authorization = &[b"Basic x"];
    check(request, ON, &Err(AuthError::Invalid));
    request.authorization = &[];
    check(request, ON, &Ok(Some((Source::Cookie, "two"))));
    request.cookie = &[b"session="];
    check(request, ON, &Err(AuthError::Invalid));
    request.cookie = &[];
    check(request, ON, &Ok(Some((Source::Ticket, "three"))));
    request.protocols = &["wardroom.ticket."];
    check(request, ON, &Err(AuthError::Invalid));
    request.protocols = &[];
    check(request, ON, &Ok(Some((Source::Query, "four"))));
    request.query = None;
    check(request, ON, &Ok(None));
}

#[test]
fn a_source_that_is_switched_off_is_not_looked_at() {
    let off = EnabledSources {
        cookie: None,
        query: false,
    };
    let request = RequestCredentials {
        cookie: &[b"session=a; session=b"],
        query: Some("token=%"),
        ..NOTHING
    };
    check(request, off, &Ok(None));
}

#[test]
fn a_credential_is_never_printed() {
    let request = RequestCredentials {
        query: Some("token=hush"),
        ..NOTHING
    };
    let shown = find(request, ON).unwrap().unwrap();
    assert_eq!(format!("{shown:?}"), "Query(***)");
}
