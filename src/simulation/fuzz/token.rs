//! Credentials: tokens, the places in which they stand, tickets. Each is held against a model in which a signature is good
//! because it was made, and nothing else is.

mod made;

use super::{credentials, tickets};
use crate::access::test_keys::encode;
use crate::access::token::TokenAuthenticator;
use crate::access::{AuthError, Authenticator, Credential, Identity, Source};
use crate::protocol::vocabulary::{Capabilities, Capability, RoomClaims};
use crate::simulation::reference::base64;
use crate::simulation::reference::tokens::{self, Fault, Holder, Made};
use crate::time::{Instant, Now, Wall};
use made::{NOW_SECONDS, SECRET_ALGORITHMS, Setup, World, signed, world};

/// How far the clock is from [`NOW_SECONDS`], in milliseconds: at and around the ends of what the made tokens are good for.
const MOMENTS: [i64; 16] = [
    0,
    1,
    -1,
    59_999,
    60_000,
    60_001,
    79_999,
    80_000,
    89_999,
    90_000,
    110_000,
    120_000,
    -10_000,
    -10_001,
    -40_001,
    -90_000_000,
];

/// What may be put into a token besides the digits of base64url.
const ODD: [char; 8] = ['.', '=', '+', '/', ' ', '\n', '~', 'é'];

/// Nothing is taken but what the model takes: made-up texts, changed tokens, strange claims rightly signed, headers in which
/// credentials hide, tickets shown in all orders.
///
/// # Panics
/// When it is.
pub fn token(input: &[u8]) {
    let [kind, choice, moment, rest @ ..] = input else {
        return;
    };
    let world = world();
    let setup = &world.setups[usize::from(*choice) % world.setups.len()];
    let moment = MOMENTS[usize::from(*moment) % MOMENTS.len()];
    let now_ms = (NOW_SECONDS * 1000).saturating_add_signed(moment);
    match kind % 5 {
        0 => judge(&String::from_utf8_lossy(rest), setup, &[], now_ms),
        1 => changed(rest, setup, world, now_ms),
        2 => spoken(rest, setup, now_ms),
        3 => credentials::find_as_reference(*choice, rest),
        _ => tickets::follow(rest),
    }
}

/// The same verdict on a text by the server and by the model that knows `further` signatures beside those made once.
fn judge(text: &str, setup: &Setup, further: &[Made], now_ms: u64) {
    let made: Vec<&Made> = world().made.iter().chain(further).collect();
    let expected = tokens::judge(text, setup.ring, &made, &setup.rules, now_ms);
    let now = Now {
        instant: Instant::ZERO,
        wall: Wall::from_millis(now_ms),
    };
    let credential = Credential {
        source: Source::Bearer,
        value: text,
    };
    let found = TokenAuthenticator::authenticate(&setup.authenticator, credential, now);
    assert_eq!(
        found.as_ref().map_err(fault),
        expected
            .as_ref()
            .map(identity)
            .as_ref()
            .map_err(|fault| **fault),
        "{text:?}"
    );
    let is_token = tokens::is_token(text, setup.rules.bytes_max);
    assert_eq!(
        setup.authenticator.recognizes(credential),
        is_token,
        "{text:?}"
    );
    // Each token has one spelling, so whoever is let in without a signature made for it shows one of these.
    assert!(
        found.is_err() || !further.is_empty() || world().tokens.iter().any(|known| known == text)
    );
}

fn fault(error: &AuthError) -> Fault {
    match error {
        AuthError::Invalid => Fault::Bad,
        AuthError::Expired => Fault::Expired,
        AuthError::Missing | AuthError::Revoked => panic!("a token is never {error:?}"),
    }
}

/// Whom the model knows, as the server knows them.
fn identity(holder: &Holder) -> Identity {
    let expires = Wall::from_millis(holder.expires_ms);
    let known = Identity::new(&holder.user, &holder.name, Some(expires));
    let mut identity = known.expect("the model lets in whom a name can be given");
    assert_eq!(
        *identity.name, *holder.name,
        "a name that was cleaned is clean"
    );
    identity.grant.issued = holder.issued_ms.map(Wall::from_millis);
    identity.grant.token_id = holder.token_id.as_deref().map(Into::into);
    identity.rooms = holder.rooms.as_ref().map(|rooms| {
        let rooms = rooms.iter().map(|(pattern, words)| {
            let words = words.iter().filter_map(|word| Capability::from_word(word));
            let capabilities = words.fold(Capabilities::NONE, Capabilities::with);
            (pattern.as_str().into(), capabilities)
        });
        RoomClaims::new(rooms)
            .expect("patterns that the model takes")
            .into()
    });
    identity
}

/// A token that was made or forged once, changed as the input says.
fn changed(input: &[u8], setup: &Setup, world: &World, now_ms: u64) {
    let [which, steps @ ..] = input else {
        return;
    };
    let nth = |number: u8| world.tokens[usize::from(number) % world.tokens.len()].as_str();
    let mut text: Vec<char> = nth(*which).chars().collect();
    for step in steps.chunks_exact(4).take(8) {
        let [what, high, low, value] = *step else {
            break;
        };
        let place = usize::from(u16::from_be_bytes([high, low]));
        let at = place % (text.len() + 1);
        let character = match value {
            0..64 => char::from(base64::encode(&[value << 2], base64::URL_SAFE).as_bytes()[0]),
            64..128 => ODD[usize::from(value) % ODD.len()],
            other => char::from(other - 128),
        };
        match what % 6 {
            0 => text.insert(at, character),
            1 => text.truncate(at),
            2 if at < text.len() => drop(text.remove(at)),
            3 if at < text.len() => text[at] = character,
            4 => text = spliced(&text, nth(value), place),
            5 => text = rewritten(&text, place, value),
            _ => {}
        }
    }
    let text: String = text.into_iter().collect();
    judge(&text, setup, &[], now_ms);
}

/// With one part of another token in place of its own.
fn spliced(text: &[char], other: &str, place: usize) -> Vec<char> {
    let mut parts: Vec<Vec<char>> = text.split(|c| *c == '.').map(<[char]>::to_vec).collect();
    let others: Vec<&str> = other.split('.').collect();
    let (at, from) = (place % parts.len(), place / 4 % others.len());
    parts[at] = others[from].chars().collect();
    parts.join(&'.')
}

/// With a byte of what one part stands for changed.
fn rewritten(text: &[char], place: usize, value: u8) -> Vec<char> {
    let parts: Vec<String> = text
        .split(|c| *c == '.')
        .map(|part| part.iter().collect())
        .collect();
    let which = place % parts.len();
    let changed = parts.iter().enumerate().map(|(at, part)| {
        let decoded = base64::decode(part, base64::URL_SAFE);
        match decoded {
            Some(mut bytes) if at == which && !bytes.is_empty() => {
                let place = place / 4 % bytes.len();
                bytes[place] = value;
                base64::encode(&bytes, base64::URL_SAFE)
            }
            _ => part.clone(),
        }
    });
    changed.collect::<Vec<_>>().join(".").chars().collect()
}

/// A header and claims of the input's own, signed with the secret: by somebody who may sign, and says what they like.
fn spoken(input: &[u8], setup: &Setup, now_ms: u64) {
    let [algorithm, header_bytes, rest @ ..] = input else {
        return;
    };
    let name = SECRET_ALGORITHMS[usize::from(*algorithm) % SECRET_ALGORITHMS.len()];
    let (header, claims) = rest.split_at(usize::from(*header_bytes).min(rest.len()));
    let usual = format!(r#"{{"alg":"{name}"}}"#);
    let header = if header.is_empty() {
        usual.as_bytes()
    } else {
        header
    };
    let made = signed(header, claims, name, "secret");
    let signature = encode(&made.signature);
    let text = format!("{}.{signature}", made.message);
    judge(&text, setup, &[made], now_ms);
}
