//! What tokens are judged with and begin from: rings of keys, rules, tokens that were rightly signed, and known forgeries.
//! Made once; the test keys are nobody's.

use std::sync::OnceLock;
use std::time::Duration;

use aws_lc_rs::hmac;

use crate::access::test_keys::{self, encode, hmac_with, material, sign, source};
use crate::access::token::TokenAuthenticator;
use crate::config::Jwt;
use crate::simulation::reference::tokens::{Key, Made, Rules};

/// 2025-11-24, in seconds.
pub(super) const NOW_SECONDS: u64 = 1_764_000_000;
pub(super) const SECRET_ALGORITHMS: [&str; 3] = ["HS256", "HS384", "HS512"];
const LEEWAY: [u64; 2] = [30, 0];
const LIFETIME: [u64; 2] = [86_400, 90];
const BYTES_MAX: [usize; 2] = [4096, 300];
const PUBLIC_PEM: &[u8] = include_bytes!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fixtures/keys/rsa2048.public.pem"
));

const fn key(
    id: Option<&'static str>,
    algorithms: &'static [&'static str],
    name: &'static str,
) -> Key {
    Key {
        id,
        algorithms,
        name,
    }
}

/// Keys that are told apart by their ids, the same without any, and fewer algorithms than the keys could serve.
const RINGS: [&[Key]; 3] = [
    &[
        key(Some("secret"), &SECRET_ALGORITHMS, "secret"),
        key(
            Some("rsa"),
            &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
            "rsa",
        ),
        key(Some("p256"), &["ES256"], "p256"),
        key(Some("p384"), &["ES384"], "p384"),
        key(Some("p521"), &["ES512"], "p521"),
        key(Some("ed"), &["EdDSA"], "ed"),
    ],
    &[
        key(None, &SECRET_ALGORITHMS, "secret"),
        key(None, &["RS256", "RS384", "RS512"], "rsa"),
        key(None, &["PS256", "PS384", "PS512"], "rsa"),
        key(None, &["ES256"], "p256"),
        key(None, &["ES384"], "p384"),
        key(None, &["ES512"], "p521"),
        key(None, &["EdDSA"], "ed"),
    ],
    &[
        key(Some("secret"), &["HS512"], "secret"),
        key(None, &["HS256"], "secret"),
        key(None, &["HS256"], "secret"),
        key(None, &["HS256"], "secret"),
        key(None, &["HS256"], "secret"),
        key(Some("rsa"), &["RS256"], "rsa"),
    ],
];

/// One way to be set up: the authenticator, and what it was told.
pub(super) struct Setup {
    pub authenticator: TokenAuthenticator,
    pub ring: &'static [Key],
    pub rules: Rules,
}

/// Everything that is made once.
pub(super) struct World {
    pub setups: Vec<Setup>,
    pub made: Vec<Made>,
    /// Whole tokens: first those of `made`, then forgeries.
    pub tokens: Vec<String>,
}

/// The tokens and the setups; signed when first asked for.
pub(super) fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let made = made();
        let whole = made
            .iter()
            .map(|made| format!("{}.{}", made.message, encode(&made.signature)));
        let tokens = whole.chain(forged()).collect();
        let setups = (0..RINGS.len() * 4).map(setup).collect();
        World {
            setups,
            made,
            tokens,
        }
    })
}

fn setup(number: usize) -> Setup {
    let ring = RINGS[number % RINGS.len()];
    let other = number / RINGS.len();
    let rules = Rules {
        issuer: (other % 2 == 1).then_some("https://id.example"),
        audience: (other / 2 == 1).then_some("chat"),
        leeway_ms: LEEWAY[other % 2] * 1000,
        lifetime_ms: LIFETIME[other / 2] * 1000,
        bytes_max: BYTES_MAX[usize::from(other == 3)],
    };
    let sources = ring
        .iter()
        .map(|key| source(key.id, key.algorithms, material(key.algorithms[0])));
    let jwt = Jwt {
        issuer: rules.issuer.map(str::to_owned),
        audience: rules.audience.map(str::to_owned),
        leeway: Duration::from_millis(rules.leeway_ms),
        token_bytes_max: rules.bytes_max,
        lifetime_max: Duration::from_millis(rules.lifetime_ms),
    };
    let auth = test_keys::auth(sources.collect(), jwt);
    Setup {
        authenticator: TokenAuthenticator::new(&auth).expect("the test keys are keys"),
        ring,
        rules,
    }
}

/// Claims that some of the setups take.
const CLAIMS: [&str; 3] = [
    r#"{"sub":"alice","exp":1764000060}"#,
    r#"{"sub":"b","name":"Bob","iss":"https://id.example","exp":1764000090,"nbf":1763999990,"iat":1763999999.5,"jti":"7"}"#,
    r#"{"iss":"https://id.example","aud":["chat"],"sub":"c","username":"C D","exp":1764000080,"rooms":{"*":[],"a-*":["see","join"]}}"#,
];

/// A signature with each algorithm, of each of the claims: with the key's id for the first, without for the others.
fn made() -> Vec<Made> {
    let mut made = Vec::new();
    for key in RINGS[0] {
        for algorithm in key.algorithms {
            for (claims, at) in CLAIMS.iter().zip(0..) {
                let id = key
                    .id
                    .filter(|_| at == 0)
                    .map(|id| format!(r#","kid":"{id}""#));
                let header = format!(r#"{{"alg":"{algorithm}"{}}}"#, id.unwrap_or_default());
                made.push(signed(&header, claims, algorithm, key.name));
            }
        }
    }
    made
}

/// With `algorithm` by the key that works with it.
pub(super) fn signed(
    header: impl AsRef<[u8]>,
    claims: impl AsRef<[u8]>,
    algorithm: &'static str,
    key: &'static str,
) -> Made {
    let message = format!("{}.{}", encode(header), encode(claims));
    Made {
        signature: sign(algorithm, &message),
        message,
        algorithm,
        key,
    }
}

/// Tokens that other servers have taken, and that nobody with a key signed for what they say.
fn forged() -> Vec<String> {
    let mut forged = Vec::new();
    let mut forge = |header: &str, by: &dyn Fn(&str) -> Vec<u8>| {
        let message = format!("{}.{}", encode(header), encode(CLAIMS[0]));
        forged.push(format!("{message}.{}", encode(by(&message))));
    };
    let public_der = test_keys::der(PUBLIC_PEM);
    // A public key for a secret.
    for secret in [PUBLIC_PEM, &public_der, b""] {
        for header in [
            r#"{"alg":"HS256","kid":"rsa"}"#,
            r#"{"alg":"HS256"}"#,
            r#"{"alg":"RS256"}"#,
        ] {
            forge(header, &|message| {
                hmac_with(hmac::HMAC_SHA256, secret, message.as_bytes())
            });
        }
    }
    // No signature, one of nothing, one in another form, a shorter hash, another's key.
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"None","kid":"rsa"}"#,
        r#"{"typ":"JWT"}"#,
    ] {
        forge(header, &|_| Vec::new());
        forge(header, &|message| sign("HS256", message));
    }
    forge(r#"{"alg":"ES256","kid":"p256"}"#, &|_| vec![0; 64]);
    forge(r#"{"alg":"ES512","kid":"p521"}"#, &|_| vec![0; 132]);
    forge(r#"{"alg":"EdDSA","kid":"ed"}"#, &|_| vec![0; 64]);
    forge(r#"{"alg":"ES256"}"#, &|message| {
        sign("ES256 in DER", message)
    });
    forge(r#"{"alg":"HS256"}"#, &|message| {
        sign("HS256", message)[..16].to_vec()
    });
    forge(r#"{"alg":"HS512","kid":"secret"}"#, &|message| {
        sign("HS256", message)
    });
    forge(r#"{"alg":"PS256","kid":"rsa"}"#, &|message| {
        sign("RS256", message)
    });
    // Keys that a token brings along, and rules that it asks for.
    for parameter in [
        r#""jwk":{"kty":"oct","k":"AA"}"#,
        r#""jku":"https://a/""#,
        r#""crit":["exp"]"#,
        r#""b64":false"#,
    ] {
        forge(&format!(r#"{{"alg":"HS256",{parameter}}}"#), &|message| {
            sign("HS256", message)
        });
    }
    forged
}
