//! What a token rightly signed may still not say.

use super::*;
use crate::access::Grant;

#[test]
fn dates_hold_to_the_millisecond_at_the_edge_of_the_leeway() {
    let expired = Some(TokenFault::Expired);
    // Seconds from now: `exp`, `nbf`, `iat`.
    let table = [
        (60.0, None, None, None),
        (0.0, None, None, None),
        (-29.0, None, None, None),
        (-29.5, None, None, None),
        (-29.999, None, None, None),
        (-30.0, None, None, expired),
        (-31.0, None, None, expired),
        (-1_764_000_000.0, None, None, expired),
        (60.0, Some(0.0), None, None),
        (60.0, Some(30.0), None, None),
        (60.0, Some(30.001), None, Some(TokenFault::NotYet)),
        (60.0, Some(31.0), None, Some(TokenFault::NotYet)),
        (60.0, None, Some(30.0), None),
        (60.0, None, Some(30.001), Some(TokenFault::IssuedInFuture)),
        (60.0, None, Some(31.0), Some(TokenFault::IssuedInFuture)),
        (86_400.0, None, None, None),
        (86_400.001, None, None, Some(TokenFault::Lifetime)),
        (86_401.0, None, None, Some(TokenFault::Lifetime)),
        (-31.0, Some(31.0), None, Some(TokenFault::NotYet)),
    ];
    for (exp, nbf, iat, expected) in table {
        let date = |from_now: f64| format!("{:.3}", NOW_SECONDS as f64 + from_now);
        let mut claims = format!(r#"{{"sub":"a","exp":{}"#, date(exp));
        for (claim, value) in [("nbf", nbf), ("iat", iat)] {
            if let Some(value) = value {
                claims.push_str(&format!(r#","{claim}":{}"#, date(value)));
            }
        }
        claims.push('}');
        assert_eq!(fault(&hs256(), &with_claims(&claims)), expected, "{claims}");
    }
}

#[test]
fn a_token_is_judged_by_the_time_handed_in() {
    let shown = with_claims(CLAIMS);
    let at = |millis| {
        hs256()
            .verify(
                &shown,
                Now {
                    wall: Wall::from_millis(millis),
                    ..NOW
                },
            )
            .map(|who| who.expires)
    };
    let end = (NOW_SECONDS + 60 + 30) * 1000;
    assert_eq!(at(end - 1), Ok(Some(Wall::from_millis(end))));
    assert_eq!(at(end), Err(TokenFault::Expired));
    assert_eq!(at(0), Err(TokenFault::Lifetime));
    assert_eq!(at(u64::MAX), Err(TokenFault::Expired));
}

fn with_rules(rules: Jwt) -> TokenAuthenticator {
    let keys = vec![source(None, &["HS256"], material("HS256"))];
    TokenAuthenticator::new(&auth(keys, rules)).unwrap()
}

#[test]
fn the_issuer_is_the_one_configured() {
    let bad = Some(TokenFault::Issuer);
    let rules = Jwt {
        issuer: Some("https://id.example".into()),
        ..jwt()
    };
    check(
        &with_rules(rules),
        &[
            (
                r#"{"sub":"a","exp":1764000060,"iss":"https://id.example"}"#,
                None,
            ),
            (
                r#"{"sub":"a","exp":1764000060,"iss":"https://id.example/"}"#,
                bad,
            ),
            (
                r#"{"sub":"a","exp":1764000060,"iss":"HTTPS://id.example"}"#,
                bad,
            ),
            (r#"{"sub":"a","exp":1764000060,"iss":""}"#, bad),
            (r#"{"sub":"a","exp":1764000060}"#, bad),
        ],
    );
    check(
        &hs256(),
        &[(r#"{"sub":"a","exp":1764000060,"iss":"anybody"}"#, None)],
    );
}

#[test]
fn the_audience_holds_the_one_configured() {
    let bad = Some(TokenFault::Audience);
    let rules = Jwt {
        audience: Some("chat".into()),
        ..jwt()
    };
    check(
        &with_rules(rules),
        &[
            (r#"{"sub":"a","exp":1764000060,"aud":"chat"}"#, None),
            (r#"{"sub":"a","exp":1764000060,"aud":["chat"]}"#, None),
            (r#"{"sub":"a","exp":1764000060,"aud":["x","chat"]}"#, None),
            (r#"{"sub":"a","exp":1764000060,"aud":"chat "}"#, bad),
            (r#"{"sub":"a","exp":1764000060,"aud":"Chat"}"#, bad),
            (r#"{"sub":"a","exp":1764000060,"aud":["x"]}"#, bad),
            (r#"{"sub":"a","exp":1764000060,"aud":[]}"#, bad),
            (r#"{"sub":"a","exp":1764000060,"aud":""}"#, bad),
            (r#"{"sub":"a","exp":1764000060}"#, bad),
        ],
    );
    check(
        &hs256(),
        &[
            (r#"{"sub":"a","exp":1764000060,"aud":"chat"}"#, bad),
            (r#"{"sub":"a","exp":1764000060,"aud":[]}"#, bad),
        ],
    );
}

#[test]
fn the_name_is_the_first_that_can_be_shown() {
    let table = [
        (r#""username":"Al","name":"Alice""#, "Al"),
        (r#""name":"Alice Liddell""#, "Alice Liddell"),
        (r#""username":" \u200b ","name":"  Alice\tL  ""#, "Alice L"),
        (r#""username":"","name":"\u202e""#, "u1"),
        (r#""email":"a@example.org""#, "u1"),
    ];
    for (names, expected) in table {
        let claims = format!(r#"{{"sub":"u1","exp":1764000060,{names}}}"#);
        let identity = hs256().verify(&with_claims(&claims), NOW).unwrap();
        assert_eq!(
            (&*identity.user, &*identity.name),
            ("u1", expected),
            "{names}"
        );
    }
}

#[test]
fn nobody_is_called_system() {
    let bad = Some(TokenFault::Identity(IdentityError::ReservedName));
    check(
        &hs256(),
        &[
            (r#"{"sub":"u","exp":1764000060,"username":"System"}"#, bad),
            (
                r#"{"sub":"u","exp":1764000060,"username":"","name":"ѕystem"}"#,
                bad,
            ),
            (
                r#"{"sub":"u","exp":1764000060,"username":"System","name":"Alice"}"#,
                bad,
            ),
            (r#"{"sub":"SYSTEM","exp":1764000060}"#, bad),
            (r#"{"sub":"5ystem","exp":1764000060,"name":"Alice"}"#, bad),
            (r#"{"sub":"u","exp":1764000060,"name":"Systems Ltd"}"#, None),
        ],
    );
}

#[test]
fn a_user_is_taken_as_it_stands_or_not_at_all() {
    let bad = Some(TokenFault::Identity(IdentityError::User));
    check(
        &hs256(),
        &[
            (r#"{"sub":"","exp":1764000060}"#, bad),
            (r#"{"sub":" a","exp":1764000060}"#, bad),
            (r#"{"sub":"a\n","exp":1764000060}"#, bad),
            (r#"{"sub":"a\u0000b","exp":1764000060}"#, bad),
            (r#"{"sub":"a\u202eb","exp":1764000060}"#, bad),
            (r#"{"sub":"a\u200bb","exp":1764000060,"name":"Alice"}"#, bad),
        ],
    );
    let sub = |bytes: usize| format!(r#"{{"sub":"{}","exp":1764000060}}"#, "u".repeat(bytes));
    assert_eq!(fault(&hs256(), &with_claims(&sub(128))), None);
    assert_eq!(fault(&hs256(), &with_claims(&sub(129))), bad);
}

#[test]
fn a_token_of_the_longest_length_is_taken_and_one_byte_more_is_not() {
    let shown = with_claims(CLAIMS);
    let length = Some(TokenFault::Length);
    for (token_bytes_max, expected) in [(shown.len(), None), (shown.len() - 1, length)] {
        let authenticator = with_rules(Jwt {
            token_bytes_max,
            ..jwt()
        });
        assert_eq!(fault(&authenticator, &shown), expected);
    }
}

#[test]
fn the_largest_leeway_does_not_overflow() {
    let rules = Jwt {
        leeway: Duration::MAX,
        lifetime_max: Duration::MAX,
        ..jwt()
    };
    assert_eq!(fault(&with_rules(rules), &with_claims(CLAIMS)), None);
}

#[test]
fn a_token_lives_no_longer_than_it_may_by_its_own_dates_either() {
    // `lifetime_max` is a day here; `exp` is near in every row.
    for (issued, expected) in [
        (Some(86_400 - 60), None),
        (Some(86_400 - 59), Some(TokenFault::Lifetime)),
        (Some(10 * 86_400), Some(TokenFault::Lifetime)),
        (None, None),
    ] {
        let issued = issued.map_or(String::new(), |ago| {
            format!(r#","iat":{}"#, NOW_SECONDS - ago)
        });
        let claims = format!(r#"{{"sub":"alice","exp":{}{issued}}}"#, NOW_SECONDS + 60);
        assert_eq!(fault(&hs256(), &with_claims(&claims)), expected, "{claims}");
    }
}

#[test]
fn what_a_revocation_can_name_is_read_from_the_claims() {
    let read = |more: &str| {
        let claims = format!(r#"{{"sub":"alice","exp":{}{more}}}"#, NOW_SECONDS + 60);
        hs256()
            .verify(&with_claims(&claims), NOW)
            .map(|who| who.grant)
    };
    let both = read(&format!(r#","iat":{}.5,"jti":"t-1""#, NOW_SECONDS - 1)).unwrap();
    assert_eq!(both.token_id.as_deref(), Some("t-1"));
    let issued = Wall::from_millis((NOW_SECONDS - 1) * 1000 + 500);
    assert_eq!(both.issued, Some(issued));
    assert_eq!(read(""), Ok(Grant::default()));
    let long = format!(r#","jti":"{}""#, "x".repeat(257));
    for more in [r#","jti":"""#, long.as_str()] {
        assert_eq!(read(more), Err(TokenFault::TokenId));
    }
    assert_eq!(read(r#","jti":7"#), Err(TokenFault::ClaimType("jti")));
}

#[test]
fn the_claim_rooms_is_read_whole_or_the_token_is_not_taken() {
    use crate::protocol::vocabulary::{Capabilities, Capability};
    let claims = |rooms: &str| {
        let exp = NOW_SECONDS + 60;
        with_claims(&format!(r#"{{"sub":"a","exp":{exp},"rooms":{rooms}}}"#))
    };
    let shown = claims(r#"{"team-*":["join","send"],"audit":["read"],"*":[]}"#);
    let rooms = hs256().verify(&shown, NOW).unwrap().rooms.expect("a claim");
    let team = Capabilities::of(&[Capability::Join, Capability::Send]);
    assert_eq!(rooms.about("team-a"), Some(team));
    assert_eq!(
        rooms.about("audit"),
        Some(Capabilities::of(&[Capability::Read]))
    );
    assert_eq!(rooms.about("other"), Some(Capabilities::NONE));
    assert_eq!(
        hs256().verify(&with_claims(CLAIMS), NOW).unwrap().rooms,
        None
    );
    let many: Vec<_> = (0..65).map(|n| format!("\"r{n}\":[]")).collect();
    let many = format!("{{{}}}", many.join(","));
    for rooms in [
        "null",
        "true",
        "[]",
        r#""team""#,
        r#"{"team-*":"join"}"#,
        r#"{"team-*":["Join"]}"#,
        r#"{"team-*":["join","admin"]}"#,
        r#"{"team-*":[null]}"#,
        r#"{"team-*":[["join"]]}"#,
        r#"{"te*m":["join"]}"#,
        r#"{"te am":["join"]}"#,
        r#"{"":["join"]}"#,
        r#"{"a":["join"],"\u0061":["send"]}"#,
        &many,
    ] {
        assert_eq!(
            fault(&hs256(), &claims(rooms)),
            Some(TokenFault::Rooms),
            "{rooms}"
        );
    }
}
