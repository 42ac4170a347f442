//! Claims (RFC 7519 §4): from verified bytes to an [`Identity`], or the rule that they break. Checks no signature.

use std::borrow::Cow;
use std::sync::Arc;

use super::TokenFault;
use super::json::{Members, Value};
use crate::access::revocation::TOKEN_ID_BYTES_MAX;
use crate::access::{Grant, Identity, room_claims};
use crate::config::Jwt;
use crate::protocol::vocabulary::RoomClaims;
use crate::time::Wall;

/// 9999-12-31T23:59:59Z: a later date is a unit mistaken or an attack.
const SECONDS_MAX: f64 = 253_402_300_799.0;

/// Those claims that mean something to us, in their right types.
#[derive(Default)]
pub(super) struct Claims<'a> {
    subject: Option<Cow<'a, str>>,
    username: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    issuer: Option<Cow<'a, str>>,
    audience: Option<Vec<Cow<'a, str>>>,
    expires: Option<Wall>,
    not_before: Option<Wall>,
    issued_at: Option<Wall>,
    token_id: Option<Cow<'a, str>>,
    rooms: Option<RoomClaims>,
}

impl<'a> Claims<'a> {
    /// Reads the decoded payload. Other claims are ignored once they are known to be JSON.
    ///
    /// # Errors
    /// [`TokenFault`].
    pub(super) fn parse(json: &'a [u8]) -> Result<Claims<'a>, TokenFault> {
        let mut claims = Claims::default();
        for (claim, value) in Members::parse(json).map_err(TokenFault::Claims)? {
            match &*claim {
                "sub" => claims.subject = Some(text("sub", value)?),
                "username" => claims.username = Some(text("username", value)?),
                "name" => claims.name = Some(text("name", value)?),
                "iss" => claims.issuer = Some(text("iss", value)?),
                "aud" => claims.audience = Some(audience(value)?),
                "exp" => claims.expires = Some(date("exp", value)?),
                "nbf" => claims.not_before = Some(date("nbf", value)?),
                "iat" => claims.issued_at = Some(date("iat", value)?),
                "rooms" => {
                    claims.rooms = Some(room_claims::read(value).ok_or(TokenFault::Rooms)?);
                }
                "jti" => claims.token_id = Some(text("jti", value)?),
                _ => {}
            }
        }
        Ok(claims)
    }

    /// The identity these claims stand for at `now`. Expiry is judged last: only a token otherwise good is merely expired.
    ///
    /// # Errors
    /// [`TokenFault`].
    pub(super) fn identity(&self, rules: &Jwt, now: Wall) -> Result<Identity, TokenFault> {
        self.check_issuer(rules)?;
        self.check_audience(rules)?;
        let expires = self.check_dates(rules, now)?;
        let user = self
            .subject
            .as_deref()
            .ok_or(TokenFault::ClaimMissing("sub"))?;
        let names = [self.username.as_deref(), self.name.as_deref()];
        let identity = Identity::of_first_name(user, names.into_iter().flatten(), Some(expires))?;
        let grant = self.grant()?;
        if now >= expires {
            return Err(TokenFault::Expired);
        }
        Ok(Identity {
            grant,
            rooms: self.rooms.clone().map(Arc::new),
            ..identity
        })
    }

    /// What a revocation can name of this token.
    fn grant(&self) -> Result<Grant, TokenFault> {
        let token_id = self.token_id.as_deref();
        if token_id.is_some_and(|id| id.is_empty() || id.len() > TOKEN_ID_BYTES_MAX) {
            return Err(TokenFault::TokenId);
        }
        Ok(Grant {
            issued: self.issued_at,
            token_id: token_id.map(Into::into),
            session: None,
        })
    }

    fn check_issuer(&self, rules: &Jwt) -> Result<(), TokenFault> {
        match (&rules.issuer, &self.issuer) {
            (None, _) => Ok(()),
            (Some(required), Some(issuer)) if required == issuer => Ok(()),
            (Some(_), _) => Err(TokenFault::Issuer),
        }
    }

    /// RFC 7519 §4.1.3: a token for somebody else is refused, also when nobody told us who we are.
    fn check_audience(&self, rules: &Jwt) -> Result<(), TokenFault> {
        match (&rules.audience, &self.audience) {
            (None, None) => Ok(()),
            (Some(required), Some(audience)) if audience.iter().any(|a| a == required) => Ok(()),
            _ => Err(TokenFault::Audience),
        }
    }

    /// When the token stops being good, leeway included.
    fn check_dates(&self, rules: &Jwt, now: Wall) -> Result<Wall, TokenFault> {
        let expires = self.expires.ok_or(TokenFault::ClaimMissing("exp"))?;
        let latest = now.after(rules.leeway);
        if self
            .not_before
            .is_some_and(|not_before| not_before > latest)
        {
            return Err(TokenFault::NotYet);
        }
        if self.issued_at.is_some_and(|issued_at| issued_at > latest) {
            return Err(TokenFault::IssuedInFuture);
        }
        // By its own dates too: a revocation is remembered no longer than a token may live.
        let is_long = |from: Wall| expires > from.after(rules.lifetime_max);
        if is_long(now) || self.issued_at.is_some_and(is_long) {
            return Err(TokenFault::Lifetime);
        }
        Ok(expires.after(rules.leeway))
    }
}

fn text<'a>(claim: &'static str, value: Value<'a>) -> Result<Cow<'a, str>, TokenFault> {
    match value {
        Value::Text(text) => Ok(text),
        _ => Err(TokenFault::ClaimType(claim)),
    }
}

/// One string, or an array of them.
fn audience(value: Value<'_>) -> Result<Vec<Cow<'_, str>>, TokenFault> {
    match value {
        Value::Array(values) => values.into_iter().map(|value| text("aud", value)).collect(),
        value => Ok(vec![text("aud", value)?]),
    }
}

/// A `NumericDate` (RFC 7519 §2): seconds since the epoch, fractions allowed.
fn date(claim: &'static str, value: Value<'_>) -> Result<Wall, TokenFault> {
    let Value::Number(seconds) = value else {
        return Err(TokenFault::ClaimType(claim));
    };
    if !(0.0..=SECONDS_MAX).contains(&seconds) {
        return Err(TokenFault::ClaimRange(claim));
    }
    Ok(Wall::from_millis((seconds * 1000.0).round() as u64))
}
