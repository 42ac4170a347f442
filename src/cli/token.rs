//! Signing a token for somebody. Verifying is done elsewhere.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

use super::Failure;
use super::arguments::{parse_lifetime, parse_name};
use crate::access::Identity;
use crate::config::{Auth, KeyMaterial, KeySource, show_duration};
use crate::protocol::vocabulary::{Capabilities, Capability, ROOM_PATTERNS_MAX, RoomClaims};
use crate::time::Wall;

/// For whom, and for how long.
#[derive(Debug, Clone, Args)]
pub(super) struct TokenRequest {
    /// Who it is for: the identifier that does not change.
    #[arg(long, value_name = "ID", value_parser = parse_name)]
    pub(super) sub: String,
    /// The name that others see; the identifier when there is none.
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    pub(super) name: Option<String>,
    /// How long it is good for.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_lifetime)]
    pub(super) ttl: Duration,
    /// What it lets them do in rooms, as `team-*=join,send`; may be given for several patterns.
    #[arg(long, value_name = "PATTERN=WORDS", value_parser = parse_rooms)]
    pub(super) rooms: Vec<RoomRight>,
}

/// One entry of the claim `rooms`.
#[derive(Debug, Clone)]
pub(super) struct RoomRight {
    pattern: String,
    capabilities: Vec<&'static str>,
}

fn parse_rooms(text: &str) -> Result<RoomRight, String> {
    let (pattern, words) = text
        .split_once('=')
        .ok_or_else(|| format!("found {text:?}; allowed: PATTERN=WORDS, as team-*=join,send"))?;
    let words = words.split(',').filter(|word| !word.is_empty());
    let capabilities = words.map(|word| {
        let capability = Capability::from_word(word).map(Capability::word);
        let all: Vec<_> = Capability::ALL.iter().map(|known| known.word()).collect();
        capability.ok_or_else(|| format!("found {word:?}; allowed: {}", all.join(", ")))
    });
    Ok(RoomRight {
        pattern: pattern.to_owned(),
        capabilities: capabilities.collect::<Result<_, _>>()?,
    })
}

/// RFC 7519 §4.1
#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
    iat: u64,
    exp: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    rooms: BTreeMap<&'a str, &'a [&'static str]>,
}

/// A JWT that a server with `auth` takes from `now` on, signed with the first secret it has.
///
/// # Errors
/// [`Failure`] when there is no secret among the keys, or the server would refuse a token good for so long.
pub(super) fn issue(auth: &Auth, request: &TokenRequest, now: Wall) -> Result<String, Failure> {
    if request.ttl > auth.jwt.lifetime_max {
        return Err(Failure::Key(format!(
            "--ttl: found {}; allowed: at most auth.jwt.lifetime_max = {}, or the server would refuse the token",
            show_duration(request.ttl),
            show_duration(auth.jwt.lifetime_max)
        )));
    }
    let name = request.name.as_deref().unwrap_or(&request.sub);
    Identity::new(&request.sub, name, None).map_err(|error| {
        Failure::Key(format!(
            "--sub or --name: {error}; the server would refuse the token"
        ))
    })?;
    let rooms = rooms_claim(&request.rooms)?;
    let (key, secret) = first_secret(&auth.keys)?;
    let mut header = Header::new(algorithm(key)?);
    header.kid.clone_from(&key.id);
    let claims = Claims {
        sub: &request.sub,
        name: request.name.as_deref(),
        iss: auth.jwt.issuer.as_deref(),
        aud: auth.jwt.audience.as_deref(),
        iat: now.as_seconds(),
        exp: now.as_seconds().saturating_add(request.ttl.as_secs()),
        rooms,
    };
    jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret))
        .map_err(|error| Failure::Operation(format!("cannot sign the token: {error}")))
}

fn rooms_claim(rights: &[RoomRight]) -> Result<BTreeMap<&str, &[&'static str]>, Failure> {
    let patterns = rights
        .iter()
        .map(|right| (right.pattern.as_str().into(), Capabilities::NONE));
    RoomClaims::new(patterns).ok_or_else(|| {
        Failure::Key(format!(
            "--rooms: allowed: at most {ROOM_PATTERNS_MAX} patterns, each once: a room id, the beginning of one with * behind it, or *; the server would refuse the token"
        ))
    })?;
    let entries = rights
        .iter()
        .map(|right| (right.pattern.as_str(), right.capabilities.as_slice()));
    Ok(entries.collect())
}

fn first_secret(keys: &[KeySource]) -> Result<(&KeySource, &[u8]), Failure> {
    let mut secrets = keys.iter().filter_map(|key| match &key.material {
        KeyMaterial::Secret(secret) => Some((key, secret.as_slice())),
        KeyMaterial::Pem(_) | KeyMaterial::Jwks(_) => None,
    });
    secrets.next().ok_or_else(|| {
        let why = "cannot sign: the configuration has public keys only; the program that holds the private key makes the tokens";
        Failure::Operation(why.to_owned())
    })
}

fn algorithm(key: &KeySource) -> Result<Algorithm, Failure> {
    let name = key.algorithms.first().map_or("", String::as_str);
    name.parse().map_err(|_| {
        Failure::Operation(format!(
            "cannot sign with {}: no such algorithm {name:?}",
            key.origin
        ))
    })
}
