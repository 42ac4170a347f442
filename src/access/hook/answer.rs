//! The hook's answer, read so strictly that only a plain yes is one. Asks nothing, reads no clock.

use std::sync::Arc;
use std::time::Duration;

use super::super::token::json::Members;
use super::super::{Identity, room_claims};
use crate::protocol::json::{self, JsonError, Object, Scalar};
use crate::protocol::vocabulary::RoomClaims;
use crate::time::Wall;

#[cfg(test)]
mod tests;

/// Longest body that is read, in bytes: an identifier, a name and a date need a few hundred.
pub const BODY_BYTES_MAX: usize = 8 * 1024;

/// 9999-12-31T23:59:59Z: a later date is a unit mistaken.
const SECONDS_MAX: i64 = 253_402_300_799;

/// An HTTP response, whole.
#[derive(Debug, Clone, Copy)]
pub struct Reply<'a> {
    pub status: u16,
    pub content_type: Option<&'a str>,
    /// At most one byte more than [`BODY_BYTES_MAX`], which then is too long.
    pub body: &'a [u8],
}

/// What the hook said, or that it said nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is this user, whose identity does not expire by itself but as told beside it.
    Known {
        identity: Identity,
        expires: Option<Expiry>,
    },
    /// Nobody we let in: by status, or because the user can not be called that.
    Refused,
    /// It answered, and the answer can not be understood: a fault of the operator's program.
    Unusable(AnswerFault),
    /// It did not answer.
    Silent(Silence),
}

impl Answer {
    /// One word for what the hook said.
    pub const fn word(&self) -> &'static str {
        match self {
            Answer::Known { .. } => "known",
            Answer::Refused => "refused",
            Answer::Unusable(_) => "unusable",
            Answer::Silent(_) => "silent",
        }
    }
}

/// When an identity ends, as the hook says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// `expires`
    At(Wall),
    /// `expires_in`, counted from the answer.
    In(Duration),
}

impl Expiry {
    /// The date, for an answer that came at `now`.
    pub fn date(self, now: Wall) -> Wall {
        match self {
            Expiry::At(date) => date,
            Expiry::In(time) => {
                let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
                Wall::from_millis(now.as_millis().saturating_add(millis))
            }
        }
    }
}

/// Why there is no answer. For the log: the client is only told that authentication is not available.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Silence {
    #[error("no answer within auth.hook.timeout")]
    TooSlow,
    #[error("no connection")]
    NoConnection,
    #[error("no address for its name")]
    NoAddress,
    #[error("its certificate or TLS is not to be trusted")]
    Tls,
    #[error("the connection broke, or did not speak HTTP")]
    Broken,
    #[error("status {0}: what stands before it does not reach it")]
    Gateway(u16),
}

/// What is wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFault {
    #[error("status {0} is none of 200, 401 and 403")]
    Status(u16),
    #[error("its Content-Type is not application/json")]
    ContentType,
    #[error("it is longer than {BODY_BYTES_MAX} bytes")]
    Length,
    #[error("it is not UTF-8")]
    Utf8,
    #[error("it is {0}")]
    Json(JsonError),
    #[error("it has a field besides user, name, rooms, expires and expires_in")]
    UnknownField,
    #[error("`user` is missing")]
    NoUser,
    #[error("`{0}` is not a string")]
    NotAString(&'static str),
    #[error("`{0}` is not a whole number of seconds between 1 and the year 9999")]
    NotSeconds(&'static str),
    #[error("`rooms` is not an object of room patterns to lists of capabilities")]
    Rooms,
    #[error("it has both expires and expires_in")]
    TwoExpiries,
}

/// What `reply` says. **Only a 200 with exactly the agreed object lets anybody in.**
pub fn read(reply: Reply<'_>) -> Answer {
    match reply.status {
        200 => read_body(reply).unwrap_or_else(Answer::Unusable),
        401 | 403 => Answer::Refused,
        status @ 502..=504 => Answer::Silent(Silence::Gateway(status)),
        status => Answer::Unusable(AnswerFault::Status(status)),
    }
}

fn read_body(reply: Reply<'_>) -> Result<Answer, AnswerFault> {
    if !reply.content_type.is_some_and(is_json) {
        return Err(AnswerFault::ContentType);
    }
    if reply.body.len() > BODY_BYTES_MAX {
        return Err(AnswerFault::Length);
    }
    let text = std::str::from_utf8(reply.body).map_err(|_| AnswerFault::Utf8)?;
    let mut object = json::parse_object(text).map_err(|no| AnswerFault::Json(no.error))?;
    let user = text_field(&mut object, "user")?.ok_or(AnswerFault::NoUser)?;
    let name = text_field(&mut object, "name")?;
    let rooms = rooms_field(&mut object, reply.body)?;
    let at = seconds_field(&mut object, "expires")?;
    let within = seconds_field(&mut object, "expires_in")?;
    if object.fields().next().is_some() {
        return Err(AnswerFault::UnknownField);
    }
    let expires = match (at, within) {
        (Some(_), Some(_)) => return Err(AnswerFault::TwoExpiries),
        (Some(date), None) => Some(Expiry::At(Wall::from_millis(date * 1000))),
        (None, within) => within.map(|seconds| Expiry::In(Duration::from_secs(seconds))),
    };
    // Whoever chose that name is refused; the program that let them choose it is not broken.
    Ok(
        Identity::new(&user, &name.unwrap_or_default(), None).map_or(Answer::Refused, |identity| {
            let identity = Identity { rooms, ..identity };
            Answer::Known { identity, expires }
        }),
    )
}

/// RFC 9110 §8.3.1: names are compared without regard to case. JSON is UTF-8 whatever a parameter says (RFC 8259 §11).
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// A string; `null`, as many programs write what they do not have, is no string.
fn text_field(object: &mut Object<'_>, name: &'static str) -> Result<Option<String>, AnswerFault> {
    match object.take(name) {
        None | Some(Scalar::Null) => Ok(None),
        Some(Scalar::Str(text)) => Ok(Some(text.into_owned())),
        Some(_) => Err(AnswerFault::NotAString(name)),
    }
}

/// An object, which the body is read for once more: [`Object`] keeps nothing that is nested.
fn rooms_field(
    object: &mut Object<'_>,
    body: &[u8],
) -> Result<Option<Arc<RoomClaims>>, AnswerFault> {
    match object.take("rooms") {
        None | Some(Scalar::Null) => return Ok(None),
        Some(Scalar::Object) => {}
        Some(_) => return Err(AnswerFault::Rooms),
    }
    let mut members = Members::parse(body)
        .map_err(|_| AnswerFault::Rooms)?
        .into_iter();
    let rooms = members.find_map(|(name, value)| (name == "rooms").then_some(value));
    let claims = rooms
        .and_then(room_claims::read)
        .ok_or(AnswerFault::Rooms)?;
    Ok(Some(Arc::new(claims)))
}

fn seconds_field(object: &mut Object<'_>, name: &'static str) -> Result<Option<u64>, AnswerFault> {
    match object.take(name) {
        None | Some(Scalar::Null) => Ok(None),
        Some(Scalar::Int(seconds @ 1..=SECONDS_MAX)) => Ok(Some(seconds.unsigned_abs())),
        Some(_) => Err(AnswerFault::NotSeconds(name)),
    }
}
