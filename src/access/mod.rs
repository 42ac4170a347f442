//! Who may: credentials to an [`Identity`], Origin, permissions. No sockets, no clock.

mod algorithm;
pub mod certificate;
pub mod credentials;
pub mod forwarded;
pub mod hook;
mod keys;
pub mod origin;
pub mod private_key;
pub mod record;
pub mod revocation;
mod room_claims;
pub mod session;
#[cfg(any(test, feature = "simulation"))]
pub mod test_keys;
pub mod ticket;
pub mod token;

pub use keys::{KeyError, KeyFault, RetiredKeys};

use std::sync::Arc;

use crate::protocol::name;
use crate::protocol::vocabulary::RoomClaims;
use crate::time::{Instant, Now, Wall};

/// Somebody whose credential was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The stable identifier (`sub`): 1 to 128 bytes, no control or bidi characters.
    pub user: Arc<str>,
    /// What others see: cleaned, never `System` or a look-alike.
    pub name: Arc<str>,
    /// When the credential stops being good, leeway included; `None`: it does not.
    pub expires: Option<Wall>,
    /// By what they were let in.
    pub grant: Grant,
    /// What the credential says of rooms; `None`: nothing.
    pub rooms: Option<Arc<RoomClaims>>,
}

/// What a revocation can name of a credential. Nothing known: only its user can be revoked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grant {
    /// When it was issued (`iat`); `None`: nobody knows, so it counts as old.
    pub issued: Option<Wall>,
    /// Its `jti`.
    pub token_id: Option<Arc<str>>,
    /// The stored session that it is.
    pub session: Option<session::SessionId>,
}

/// Why somebody can not be known by an identifier or a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Give an identifier of 1 to 128 bytes without control, format or bidi characters and without white space around it.
    #[error("the user identifier is not 1 to 128 bytes of visible text")]
    User,
    /// Choose another name: this one reads as `System`, the sender of the server's own words.
    #[error("the name could be taken for the server's own")]
    ReservedName,
}

impl From<IdentityError> for AuthError {
    fn from(_: IdentityError) -> AuthError {
        AuthError::Invalid
    }
}

impl Identity {
    /// Somebody called `name`, which is cleaned, or by their identifier when nothing visible is left of it.
    ///
    /// # Errors
    /// [`IdentityError`]: the identifier is taken as it stands or not at all, and neither may read as `System`.
    pub fn new(user: &str, name: &str, expires: Option<Wall>) -> Result<Identity, IdentityError> {
        Identity::of_first_name(user, [name], expires)
    }

    /// The same with the first of `names` of which something visible is left.
    fn of_first_name<'a>(
        user: &'a str,
        names: impl IntoIterator<Item = &'a str>,
        expires: Option<Wall>,
    ) -> Result<Identity, IdentityError> {
        if !name::is_user(user) {
            return Err(IdentityError::User);
        }
        let name = names
            .into_iter()
            .chain([user])
            .find_map(name::clean)
            .ok_or(IdentityError::User)?;
        if name::is_reserved(&name) || name::is_reserved(user) {
            return Err(IdentityError::ReservedName);
        }
        Ok(Identity {
            user: user.into(),
            name: name.into(),
            expires,
            grant: Grant::default(),
            rooms: None,
        })
    }
}

/// Where a credential stood in the request; also its precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// `Authorization: Bearer` (RFC 6750 §2.1).
    Bearer,
    /// The configured cookie.
    Cookie,
    /// `Sec-WebSocket-Protocol: wardroom.ticket.<value>`.
    Ticket,
    /// `?token=` (RFC 6750 §2.3).
    Query,
    /// A certificate shown in the TLS handshake and verified there; the value is its subject
    /// ([`certificate::Certificate::subject`]).
    Certificate,
}

/// What a client showed to say who it is.
#[derive(Clone, Copy)]
pub struct Credential<'a> {
    pub source: Source,
    pub value: &'a str,
}

impl std::fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}(***)", self.source)
    }
}

/// Why a credential is not taken. The client is told the text; neither says more than it must.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// No source held a credential: sign in.
    #[error("credentials required")]
    Missing,
    /// Present, but not something to trust: get another.
    #[error("invalid credentials")]
    Invalid,
    /// Was good: renew it.
    #[error("token expired")]
    Expired,
    /// Was taken back: sign in anew.
    #[error("revoked")]
    Revoked,
}

/// Says who shows a credential. Built in: JWT ([`token`]). A program that embeds the library can bring its own.
///
/// **Called in the reactor's turn: it must answer from memory, at once, and never block.**
pub trait Authenticator: Send {
    /// The identity behind `credential`, or why there is none.
    ///
    /// Tickets never come here: the engine made them and redeems them. Make the identity with [`Identity::new`], which
    /// keeps out the names that no user may have.
    ///
    /// # Errors
    /// [`AuthError`], which decides what the client is told.
    fn authenticate(&self, credential: Credential<'_>, now: Now) -> Result<Identity, AuthError>;

    /// Whether `credential` is of the kind that this one judges, good or not. With `auth.hook` every other one is shown to
    /// the program there; without, every one comes here.
    fn recognizes(&self, _credential: Credential<'_>) -> bool {
        true
    }

    /// The keys of this one, which is about to be replaced by another of its kind. `None`: there are none to go on with.
    fn retire(&self) -> Option<RetiredKeys> {
        None
    }

    /// Takes credentials that `retired` verifies until `until` too: whoever got one just before a reload is not locked out.
    fn succeed(&mut self, _retired: RetiredKeys, _until: Instant) {}

    /// Until when credentials of keys that were replaced are taken; `None`: of none.
    fn retired_until(&self) -> Option<Instant> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An embedding program's own, with no more than it needs.
    struct Nobody;

    impl Authenticator for Nobody {
        fn authenticate(&self, _: Credential<'_>, _: Now) -> Result<Identity, AuthError> {
            Err(AuthError::Invalid)
        }
    }

    #[test]
    fn an_authenticator_without_keys_is_shown_every_credential_and_hands_no_keys_on() {
        let credential = Credential {
            source: Source::Bearer,
            value: "x",
        };
        assert!(Nobody.recognizes(credential));
        assert!(Nobody.retire().is_none());
        assert_eq!(Nobody.retired_until(), None);
    }
}
