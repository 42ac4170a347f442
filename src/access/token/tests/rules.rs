//! What a token rightly signed may still not say.

use super::*;

fn check(authenticator: &TokenAuthenticator, table: &[(&str, Option<TokenFault>)]) {
    for (claims, expected) in table {
        assert_eq!(
            fault(authenticator, &with_claims(claims)),
            *expected,
            "{claims}"
        );
    }
}

#[test]
fn a_header_says_alg_typ_and_kid_and_nothing_else() {
    let unknown = Some(TokenFault::HeaderUnknown);
    let syntax = Some(TokenFault::Header(JsonFault::Syntax));
    let double = Some(TokenFault::Header(JsonFault::Duplicate));
    let of_type = Some(TokenFault::HeaderType);
    let algorithm = Some(TokenFault::Algorithm);
    let table: &[(&str, Option<TokenFault>)] = &[
        (r#"{"alg":"HS256"}"#, None),
        (r#" { "typ" : "JWT" , "alg" : "HS256" } "#, None),
        (r#"{"alg":"HS256","typ":"jwt"}"#, None),
        (r#"{"alg":"HS256","typ":"at+JWT"}"#, None),
        (r#"{"alg":"HS256","kid":"any"}"#, None),
        (r#"{"\u0061lg":"HS256"}"#, None),
        (r#"{"alg":"HS256","typ":"JWE"}"#, Some(TokenFault::Kind)),
        (r#"{"alg":"HS256","typ":""}"#, Some(TokenFault::Kind)),
        (
            r#"{"alg":"HS256","typ":"application/jwt"}"#,
            Some(TokenFault::Kind),
        ),
        (r#"{"alg":"HS256","crit":["exp"]}"#, unknown),
        (r#"{"alg":"HS256","crit":[]}"#, unknown),
        (r#"{"alg":"HS256","crit":["b64"],"b64":false}"#, unknown),
        (r#"{"alg":"HS256","b64":false}"#, unknown),
        (r#"{"alg":"HS256","b64":true}"#, unknown),
        (
            r#"{"alg":"HS256","jku":"https://evil.example/keys"}"#,
            unknown,
        ),
        (r#"{"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"}}"#, unknown),
        (
            r#"{"alg":"HS256","x5u":"https://evil.example/cert"}"#,
            unknown,
        ),
        (r#"{"alg":"HS256","x5c":["MIIB"]}"#, unknown),
        (r#"{"alg":"HS256","x5t":"AA"}"#, unknown),
        (r##"{"alg":"HS256","x5t#S256":"AA"}"##, unknown),
        (r#"{"alg":"HS256","zip":"DEF"}"#, unknown),
        (r#"{"alg":"HS256","cty":"JWT"}"#, unknown),
        (r#"{"alg":"HS256","enc":"A128GCM"}"#, unknown),
        (r#"{"alg":"HS256","Alg":"HS256"}"#, unknown),
        (r#"{"alg":"HS256","":1}"#, unknown),
        (r#"{"alg":"HS256","alg":"HS256"}"#, double),
        (r#"{"alg":"HS256","\u0061lg":"none"}"#, double),
        (r#"{"alg":"HS256","kid":"a","kid":"a"}"#, double),
        (r#"{"alg":["HS256"]}"#, of_type),
        (r#"{"alg":null}"#, of_type),
        (r#"{"alg":"HS256","kid":1}"#, of_type),
        (r#"{"alg":"HS256","kid":null}"#, of_type),
        (r#"{"alg":"HS256","typ":null}"#, of_type),
        (r#"{"typ":"JWT"}"#, algorithm),
        ("{}", algorithm),
        (r#"{"alg":""}"#, algorithm),
        (r#"{"alg":"hs256"}"#, algorithm),
        (r#"{"alg":"HS256\u0000"}"#, algorithm),
        (r#"{"alg":"HMAC"}"#, algorithm),
        (r#"["HS256","JWT"]"#, syntax),
        (r#""HS256""#, syntax),
        ("null", syntax),
        (" ", syntax),
        (r#"{"alg":"HS256"}x"#, syntax),
        (r#"{"alg":"HS256"}{"alg":"HS256"}"#, syntax),
        (r#"{"alg":"HS256",}"#, syntax),
        (r#"{'alg':'HS256'}"#, syntax),
        (r#"{"alg":"HS256","kid":"\ud800"}"#, syntax),
        ("\u{feff}{\"alg\":\"HS256\"}", syntax),
    ];
    for (header, expected) in table {
        assert_eq!(
            fault(&hs256(), &token("HS256", header, CLAIMS)),
            *expected,
            "{header}"
        );
    }
}

#[test]
fn claims_are_one_object_of_unique_members() {
    let syntax = Some(TokenFault::Claims(JsonFault::Syntax));
    let double = Some(TokenFault::Claims(JsonFault::Duplicate));
    let members = |n: usize| {
        let more: String = (2..n).map(|i| format!(r#","c{i}":0"#)).collect();
        format!(r#"{{"sub":"a","exp":1764000060{more}}}"#)
    };
    let nested = |n: usize| {
        let (open, close) = ("[".repeat(n), "]".repeat(n));
        format!(r#"{{"sub":"a","exp":1764000060,"x":{open}{close}}}"#)
    };
    let nested_objects = |n: usize| {
        let (open, close) = (r#"{"a":"#.repeat(n), "}".repeat(n));
        format!(r#"{{"sub":"a","exp":1764000060,"x":{open}1{close}}}"#)
    };
    let unknown = |value: &str| format!(r#"{{"sub":"a","exp":1764000060,"x":{value}}}"#);
    let table: &[(String, Option<TokenFault>)] = &[
        (
            unknown(r#"{"a":[1,-2,3.5,null,true,"é\ud83d\ude00"],"b":{"c":{}}}"#),
            None,
        ),
        (members(64), None),
        (members(65), Some(TokenFault::Claims(JsonFault::Members))),
        (nested(16), None),
        (nested(17), syntax),
        (nested(500), syntax),
        (nested_objects(16), None),
        (nested_objects(17), syntax),
        (nested_objects(200), syntax),
        (unknown(r#""\ud800""#), syntax),
        (unknown(r#"["\udc00x"]"#), syntax),
        (unknown(r#"{"\ud800":1}"#), syntax),
        (unknown("1e999"), syntax),
        (unknown("-1e999"), syntax),
        (unknown("01"), syntax),
        (unknown("NaN"), syntax),
        (unknown("\"\u{1}\""), syntax),
        (unknown("tru"), syntax),
        (unknown(""), syntax),
        (r#"{"sub":"a","exp":1764000060}}"#.into(), syntax),
        (r#"["alice","","","",[],1764000060]"#.into(), syntax),
        ("null".into(), syntax),
        (" ".into(), syntax),
        (r#"{"sub":"a","exp":1764000060,"sub":"b"}"#.into(), double),
        (
            r#"{"sub":"a","exp":1764000060,"s\u0075b":"b"}"#.into(),
            double,
        ),
        (r#"{"sub":"a","exp":1,"exp":1764000060}"#.into(), double),
        (r#"{"sub":"a","exp":1764000060,"x":1,"x":1}"#.into(), double),
    ];
    for (claims, expected) in table {
        assert_eq!(fault(&hs256(), &with_claims(claims)), *expected, "{claims}");
    }
    let message = format!(
        "{}.{}",
        encode(header("HS256")),
        encode(b"{\"sub\":\"\xff\",\"exp\":1}")
    );
    let not_utf8 = format!("{message}.{}", encode(sign("HS256", &message)));
    assert_eq!(fault(&hs256(), &not_utf8), syntax);
}

#[test]
fn a_claim_of_the_wrong_type_is_refused() {
    for claim in ["sub", "username", "name", "iss", "aud"] {
        for value in [
            "null",
            "1",
            "true",
            "{}",
            "[1]",
            "[\"a\",null]",
            "[[\"a\"]]",
        ] {
            let good = if claim == "sub" { "" } else { r#""sub":"a","# };
            let claims = format!(r#"{{{good}"{claim}":{value},"exp":1764000060}}"#);
            assert_eq!(
                fault(&hs256(), &with_claims(&claims)),
                Some(TokenFault::ClaimType(claim)),
                "{claims}"
            );
        }
    }
    for claim in ["exp", "nbf", "iat"] {
        let good = if claim == "exp" {
            ""
        } else {
            r#","exp":1764000060"#
        };
        for value in ["null", "\"1764000060\"", "true", "{}", "[1764000060]"] {
            let claims = format!(r#"{{"sub":"a","{claim}":{value}{good}}}"#);
            assert_eq!(
                fault(&hs256(), &with_claims(&claims)),
                Some(TokenFault::ClaimType(claim)),
                "{claims}"
            );
        }
        for value in [
            "-1",
            "-0.001",
            "253402300800",
            "1e300",
            "18446744073709551615",
            "1764000060000",
        ] {
            let claims = format!(r#"{{"sub":"a","{claim}":{value}{good}}}"#);
            assert_eq!(
                fault(&hs256(), &with_claims(&claims)),
                Some(TokenFault::ClaimRange(claim)),
                "{claims}"
            );
        }
    }
    check(
        &hs256(),
        &[
            (
                r#"{"exp":1764000060}"#,
                Some(TokenFault::ClaimMissing("sub")),
            ),
            (r#"{"sub":"a"}"#, Some(TokenFault::ClaimMissing("exp"))),
            (
                r#"{"Sub":"a","exp":1764000060}"#,
                Some(TokenFault::ClaimMissing("sub")),
            ),
            ("{}", Some(TokenFault::ClaimMissing("exp"))),
        ],
    );
}

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
            .verify(&shown, Wall::from_millis(millis))
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
    let bad = Some(TokenFault::ReservedName);
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
    let bad = Some(TokenFault::User);
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
