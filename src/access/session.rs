//! Opaque sessions: a random value that its holder shows, and what is remembered of it. Holds no table and draws no
//! randomness.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{AuthError, Grant, Identity};
use crate::time::Wall;

#[cfg(test)]
mod tests;

/// What every session's value begins with: leaked ones can be searched for, and no JWT begins so.
pub const SESSION_PREFIX: &str = "wrs_";

const RANDOM_BYTES: usize = 32;

/// Longest label, in bytes.
pub const LABEL_BYTES_MAX: usize = 64;

/// The secret that its holder shows: `wrs_` and base64url of 32 random bytes. Kept nowhere; only its digest is.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionValue(String);

impl SessionValue {
    /// The value made of 32 bytes that nobody can guess.
    pub fn new(random: [u8; RANDOM_BYTES]) -> Self {
        SessionValue(format!(
            "{SESSION_PREFIX}{}",
            URL_SAFE_NO_PAD.encode(random)
        ))
    }

    /// The text to give to its holder, once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is stored of it.
    pub fn digest(&self) -> SessionDigest {
        SessionDigest::of_text(&self.0)
    }
}

impl std::fmt::Debug for SessionValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionValue(***)")
    }
}

/// SHA-256 of a session's value. 32 random bytes need no salt and no slow hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionDigest(pub [u8; 32]);

impl SessionDigest {
    /// The digest of what a client shows; `None` when it does not have the form of a session's value.
    pub fn of(value: &str) -> Option<Self> {
        let random = value.strip_prefix(SESSION_PREFIX)?;
        let mut bytes = [0; RANDOM_BYTES];
        let written = URL_SAFE_NO_PAD.decode_slice(random, &mut bytes).ok()?;
        (written == RANDOM_BYTES).then(|| SessionDigest::of_text(value))
    }

    fn of_text(value: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, value.as_bytes()).as_ref());
        SessionDigest(bytes)
    }

    /// The name under which people speak of the session: half of the digest, so it opens nothing.
    pub fn id(self) -> SessionId {
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip(self.0) {
            *to = from;
        }
        SessionId(id)
    }
}

/// A session's public name: 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub [u8; 16]);

impl SessionId {
    /// Reads what [`SessionId`]'s `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let number = is_hex.then(|| u128::from_str_radix(text, 16).ok())??;
        Some(SessionId(number.to_be_bytes()))
    }
}

impl std::fmt::Display for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// What is remembered of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    pub digest: SessionDigest,
    /// As [`Identity::user`].
    pub user: Arc<str>,
    /// As [`Identity::name`].
    pub name: Arc<str>,
    /// For those who list sessions: what it was made for. At most [`LABEL_BYTES_MAX`] bytes; may be empty.
    pub label: Arc<str>,
    pub created: Wall,
    pub expires: Wall,
    /// Coarse: within [`LAST_USED_STEP_MS`] of the last sign-in.
    pub last_used: Option<Wall>,
}

/// A sign-in is written down only when the last one written lies this far back: one write an hour, not one a socket.
pub const LAST_USED_STEP_MS: u64 = 60 * 60 * 1000;

impl SessionRecord {
    /// Whoever holds the session, if it is still good.
    ///
    /// # Errors
    /// [`AuthError::Expired`].
    pub fn identity(&self, now: Wall) -> Result<Identity, AuthError> {
        if now >= self.expires {
            return Err(AuthError::Expired);
        }
        Ok(Identity {
            user: self.user.clone(),
            name: self.name.clone(),
            expires: Some(self.expires),
            grant: Grant {
                issued: Some(self.created),
                token_id: None,
                session: Some(self.digest.id()),
            },
            rooms: None,
        })
    }
}
