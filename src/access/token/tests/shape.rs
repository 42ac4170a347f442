//! Headers and claims that are rightly signed and not in the shape they must have.

use super::*;

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
fn a_token_is_told_from_credentials_of_other_kinds() {
    let parts = |header: &str| format!("{}.{}.c2lnbmVk", encode(header), encode("{}"));
    let long = format!("{}.e30.{}", encode("{}"), "A".repeat(5000));
    // Not too long to be looked into, by one byte.
    let begin = format!("{}.e30.", encode("{}"));
    let longest = jwt().token_bytes_max - begin.len();
    let longest = format!("{begin}{}", "A".repeat(longest));
    for (value, is_token) in [
        (with_claims(CLAIMS), true),
        (parts(r#"{"alg":"none"}"#), true),
        (parts(r#"{"alg":7,"crit":[]}"#), true),
        (parts(r#"{"user":7}"#), false),
        (parts("not JSON"), false),
        (long, true),
        (longest, false),
        ("eyJ1c2VyIjo3fQ.aVJx2g.c2lnbmVk".to_owned(), false),
        ("s%3A5f0c.c2lnbmVk".to_owned(), false),
        ("0b7de65f418c29a3d2f4a1c680957e3b".to_owned(), false),
        ("..".to_owned(), false),
    ] {
        let credential = Credential {
            source: Source::Bearer,
            value: &value,
        };
        assert_eq!(hs256().recognizes(credential), is_token, "{value}");
    }
}

#[test]
fn without_keys_nothing_is_a_token_and_only_a_hook_makes_that_useful() {
    let mut settings = auth(Vec::new(), jwt());
    assert!(TokenAuthenticator::new(&settings).is_err());
    settings.hook.url = Some("http://127.0.0.1:9000/".to_owned());
    let keyless = TokenAuthenticator::new(&settings).unwrap();
    let token = with_claims(CLAIMS);
    let credential = Credential {
        source: Source::Bearer,
        value: &token,
    };
    assert!(!keyless.recognizes(credential));
    assert_eq!(fault(&keyless, &token), Some(TokenFault::KeyUnknown));
}
