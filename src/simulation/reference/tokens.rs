//! Signed tokens (RFC 7515, RFC 7519) where a signature is good when it is one that was made, and for no other reason.

use super::base64;
use super::commands::Tree;
use crate::protocol::name;

const ALGORITHMS: &str =
    "HS256 HS384 HS512 RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA";
const CAPABILITIES: &str = "see join read send invite moderate configure create";
const MEMBERS_MAX: usize = 64;
const LEVELS_MAX: usize = 16;
const KEYS_TRIED_MAX: usize = 4;
const PATTERNS_MAX: usize = 64;
const TOKEN_ID_BYTES_MAX: usize = 256;
/// The last second of the year 9999.
const DATE_MAX: f64 = 253_402_300_799.0;

/// What a key is called in tokens, what it is pinned to, and which it is.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub id: Option<&'static str>,
    pub algorithms: &'static [&'static str],
    pub name: &'static str,
}

/// A signature that somebody with the key made.
#[derive(Debug, Clone)]
pub struct Made {
    /// The first two parts and the dot between.
    pub message: String,
    pub algorithm: &'static str,
    /// The name of the key.
    pub key: &'static str,
    pub signature: Vec<u8>,
}

/// What a token has to keep.
#[derive(Debug, Clone)]
pub struct Rules {
    pub issuer: Option<&'static str>,
    pub audience: Option<&'static str>,
    pub leeway_ms: u64,
    pub lifetime_ms: u64,
    pub bytes_max: usize,
}

/// Whom a good token is of.
#[derive(Debug, PartialEq)]
pub struct Holder {
    pub user: String,
    pub name: String,
    pub expires_ms: u64,
    pub issued_ms: Option<u64>,
    pub token_id: Option<String>,
    pub rooms: Option<Vec<(String, Vec<String>)>>,
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Bad,
    /// And nothing else is wrong with it.
    Expired,
}

/// Whether a text is a token at all: three parts, the first of them an object with `alg`. One too long to tell is one.
pub fn is_token(text: &str, bytes_max: usize) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let is_header = |part: &str| {
        let header = base64::decode(part, base64::URL_SAFE).and_then(|json| members(&json));
        header.is_some_and(|header| header.iter().any(|(name, _)| name == "alg"))
    };
    parts.len() == 3
        && parts.iter().all(|part| !part.is_empty())
        && (text.len() > bytes_max || is_header(parts[0]))
}

/// Whose token it is.
///
/// # Errors
/// [`Fault`].
pub fn judge(
    text: &str,
    ring: &[Key],
    made: &[&Made],
    rules: &Rules,
    now_ms: u64,
) -> Result<Holder, Fault> {
    let holder = holder(text, ring, made, rules, now_ms).ok_or(Fault::Bad)?;
    if now_ms >= holder.expires_ms {
        return Err(Fault::Expired);
    }
    Ok(holder)
}

fn holder(text: &str, ring: &[Key], made: &[&Made], rules: &Rules, now_ms: u64) -> Option<Holder> {
    let parts: Vec<&str> = text.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        return None;
    };
    let is_short = text.len() <= rules.bytes_max;
    let is_whole = parts.iter().all(|part| !part.is_empty()) && is_short;
    let decoded = |part| base64::decode(part, base64::URL_SAFE);
    let (header_json, claims_json) = (decoded(header)?, decoded(claims)?);
    let signature = decoded(signature)?;
    let (algorithm, kid) = signer(&header_json)?;
    let message = format!("{header}.{claims}");
    let is_made_by = |key: &&Key| {
        made.iter().any(|made| {
            made.message == message
                && made.algorithm == algorithm
                && made.key == key.name
                && made.signature == signature
        })
    };
    let keys = meant(ring, &algorithm, kid.as_deref())?;
    let is_signed = keys.iter().any(is_made_by);
    let holder = claimed(&claims_json, rules, now_ms)?;
    (is_whole && is_signed).then_some(holder)
}

/// The keys that a header means: the one of its `kid`, else those without id; without `kid` all. Of these, the few that are
/// pinned to its algorithm.
fn meant<'a>(ring: &'a [Key], algorithm: &str, kid: Option<&str>) -> Option<Vec<&'a Key>> {
    let is_named = ring.iter().any(|key| kid.is_some() && key.id == kid);
    let fits = |key: &&Key| {
        let is_meant = match kid {
            None => true,
            Some(_) if is_named => key.id == kid,
            Some(_) => key.id.is_none(),
        };
        is_meant && key.algorithms.contains(&algorithm)
    };
    let keys: Vec<&Key> = ring.iter().filter(fits).collect();
    (1..=KEYS_TRIED_MAX).contains(&keys.len()).then_some(keys)
}

/// Algorithm and `kid` of a header in which nothing else stands but a fitting `typ`.
fn signer(json: &[u8]) -> Option<(String, Option<String>)> {
    let (mut algorithm, mut kid) = (None, None);
    for (name, value) in members(json)? {
        let value = text(&value)?;
        match name.as_str() {
            "alg" => algorithm = Some(value),
            "kid" => kid = Some(value),
            "typ" if ["jwt", "at+jwt"].contains(&value.to_ascii_lowercase().as_str()) => {}
            _ => return None,
        }
    }
    let is_known = |name: &String| ALGORITHMS.split(' ').any(|known| known == name);
    Some((algorithm.filter(is_known)?, kid))
}

fn claimed(json: &[u8], rules: &Rules, now_ms: u64) -> Option<Holder> {
    let members = members(json)?;
    let get = |name: &str| {
        members
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    };
    let maybe_text = |name: &str| get(name).map_or(Some(None), |value| text(value).map(Some));
    let maybe_date = |name: &str| get(name).map_or(Some(None), |value| date(value).map(Some));
    let user = maybe_text("sub")?;
    let names = [maybe_text("username")?, maybe_text("name")?, user.clone()];
    let issuer = maybe_text("iss")?;
    let audience = get("aud").map_or(Some(None), |value| audience(value).map(Some))?;
    let expires = maybe_date("exp")?;
    let (not_before, issued_ms) = (maybe_date("nbf")?, maybe_date("iat")?);
    let rooms = get("rooms").map_or(Some(None), |value| rooms_of(value).map(Some))?;
    let token_id = maybe_text("jti")?;

    let (user, expires) = (user?, expires?);
    let is_ours = rules
        .issuer
        .is_none_or(|known| issuer.as_deref() == Some(known))
        && match (rules.audience, audience) {
            (None, None) => true,
            (Some(known), Some(list)) => list.iter().any(|one| one == known),
            _ => false,
        };
    let latest = now_ms.saturating_add(rules.leeway_ms);
    let lives_long = |from: u64| expires > from.saturating_add(rules.lifetime_ms);
    let is_timely = [not_before, issued_ms]
        .iter()
        .flatten()
        .all(|date| *date <= latest)
        && !lives_long(now_ms)
        && !issued_ms.is_some_and(lives_long);
    let is_id = |id: &String| (1..=TOKEN_ID_BYTES_MAX).contains(&id.len());
    let name = names.iter().flatten().find_map(|name| name::clean(name))?;
    let is_somebody =
        name::is_user(&user) && !name::is_reserved(&user) && !name::is_reserved(&name);
    let is_good = is_ours && is_timely && is_somebody && token_id.iter().all(is_id);
    is_good.then_some(Holder {
        user,
        name,
        expires_ms: expires.saturating_add(rules.leeway_ms),
        issued_ms,
        token_id,
        rooms,
    })
}

fn text(value: &Tree) -> Option<String> {
    match value {
        Tree::Leaf(value) => value.as_str().map(str::to_owned),
        Tree::Array(_) | Tree::Object(_) => None,
    }
}

/// Milliseconds since 1970.
fn date(value: &Tree) -> Option<u64> {
    let Tree::Leaf(value) = value else {
        return None;
    };
    let seconds = value
        .as_f64()
        .filter(|seconds| (0.0..=DATE_MAX).contains(seconds))?;
    Some((seconds * 1000.0).round() as u64)
}

fn audience(value: &Tree) -> Option<Vec<String>> {
    match value {
        Tree::Array(values) => values.iter().map(text).collect(),
        one => Some(vec![text(one)?]),
    }
}

fn rooms_of(value: &Tree) -> Option<Vec<(String, Vec<String>)>> {
    let Tree::Object(members) = value else {
        return None;
    };
    let mut rooms: Vec<(String, Vec<String>)> = Vec::new();
    for (pattern, value) in members {
        let Tree::Array(words) = value else {
            return None;
        };
        let words: Vec<String> = words.iter().map(text).collect::<Option<_>>()?;
        let are_known = words
            .iter()
            .all(|word| CAPABILITIES.split(' ').any(|known| known == word));
        let is_new = rooms.iter().all(|(earlier, _)| earlier != pattern);
        if !are_known || !is_new || !is_pattern(pattern) {
            return None;
        }
        rooms.push((pattern.clone(), words));
    }
    (rooms.len() <= PATTERNS_MAX).then_some(rooms)
}

/// A room's id, the beginning of one and a star, or a star.
fn is_pattern(pattern: &str) -> bool {
    let id = pattern.strip_suffix('*').unwrap_or(pattern);
    let begins = id.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    let inside = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
    pattern == "*" || (begins && id.len() <= 64 && id.chars().all(inside))
}

/// The members of the one object that a text is: each name once, not too many, and nothing nested too deeply.
fn members(json: &[u8]) -> Option<Vec<(String, Tree)>> {
    let Ok(Tree::Object(members)) = serde_json::from_slice(json) else {
        return None;
    };
    let is_unique = (1..members.len()).all(|at| {
        let (name, _) = &members[at];
        members[..at].iter().all(|(earlier, _)| earlier != name)
    });
    let is_flat = members.iter().all(|(_, value)| levels(value) <= LEVELS_MAX);
    (members.len() <= MEMBERS_MAX && is_unique && is_flat).then_some(members)
}

fn levels(value: &Tree) -> usize {
    let deepest = match value {
        Tree::Leaf(_) => return 0,
        Tree::Array(values) => values.iter().map(levels).max(),
        Tree::Object(members) => members.iter().map(|(_, value)| levels(value)).max(),
    };
    1 + deepest.unwrap_or(0)
}
