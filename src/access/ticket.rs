//! One-time tickets: a credential that a page may put where it would not put its token. Draws no randomness.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{AuthError, Identity};
use crate::config::TicketSettings;
use crate::hash::Keyed;
use crate::time::{Instant, Now};

#[cfg(test)]
mod tests;

/// Expired tickets removed by one call, so that no call pays for a crowd.
const PURGED_PER_CALL_MAX: usize = 16;

type Value = [u8; 32];

/// Why no ticket is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    #[error("auth.ticket.tickets_max: {max} tickets are outstanding")]
    Full {
        max: usize,
        /// When the oldest of them will have gone.
        retry_after: Duration,
    },
    #[error("auth.ticket.tickets_per_user_max: this user has {max} tickets outstanding")]
    UserFull {
        max: usize,
        /// At most this long until one of them has gone.
        retry_after: Duration,
    },
    /// The random source repeated itself.
    #[error("a ticket of this value is outstanding")]
    ValueTaken,
}

/// Tickets given and not yet shown.
///
/// **A ticket is good once, for [`TicketSettings::lifetime`], and only to a request whose Origin is the one it was asked
/// from.** One asked for without Origin is a back end's, minted for a page it does not know yet: any Origin that the
/// allow-list lets in may redeem it. A ticket shown wrongly is spent all the same.
#[derive(Debug)]
pub struct Tickets {
    settings: TicketSettings,
    /// By serial number, which is also the order of expiry: lifetime is one for all and `Instant` never goes back.
    outstanding: BTreeMap<u64, Ticket>,
    serials: HashMap<Value, u64, Keyed>,
    per_user: HashMap<Arc<str>, usize, Keyed>,
    next_serial: u64,
}

struct Ticket {
    value: Value,
    identity: Identity,
    origin: Option<Box<str>>,
    expires: Instant,
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ticket(***, {:?})", self.identity.user)
    }
}

impl Tickets {
    /// An empty table; `keyed` hashes what clients choose.
    pub fn new(settings: TicketSettings, keyed: Keyed) -> Self {
        Tickets {
            settings,
            outstanding: BTreeMap::new(),
            serials: HashMap::with_hasher(keyed),
            per_user: HashMap::with_hasher(keyed),
            next_serial: 0,
        }
    }

    /// Other bounds for tickets made from now on; those outstanding stay good for as long as they were.
    pub fn reconfigure(&mut self, settings: TicketSettings) {
        self.settings = settings;
    }

    /// Gives `identity` a ticket whose text is base64url of `value`: 32 bytes nobody can guess.
    ///
    /// `origin` is the Origin field of the request that asks, if it had one, after the allow-list let it in.
    ///
    /// # Errors
    /// [`TicketError`], naming the limit reached.
    pub fn mint(
        &mut self,
        identity: Identity,
        origin: Option<Box<str>>,
        now: Now,
        value: [u8; 32],
    ) -> Result<String, TicketError> {
        self.purge(now.instant);
        self.admit(&identity.user, now.instant)?;
        if self.serials.contains_key(&value) {
            return Err(TicketError::ValueTaken);
        }
        let serial = self.next_serial;
        self.next_serial += 1;
        self.serials.insert(value, serial);
        *self.per_user.entry(identity.user.clone()).or_insert(0) += 1;
        let expires = now.instant + self.settings.lifetime;
        self.outstanding.insert(
            serial,
            Ticket {
                value,
                identity,
                origin,
                expires,
            },
        );
        Ok(URL_SAFE_NO_PAD.encode(value))
    }

    /// Spends the ticket `text`, shown by a request with this Origin.
    ///
    /// The identity is the one it was minted for; its expiry is not extended.
    ///
    /// # Errors
    /// [`AuthError::Expired`] when ticket or identity is past its time, [`AuthError::Invalid`] for everything else.
    pub fn redeem(
        &mut self,
        text: &str,
        origin: Option<&str>,
        now: Now,
    ) -> Result<Identity, AuthError> {
        let ticket = self.take(text);
        self.purge(now.instant);
        let ticket = ticket.ok_or(AuthError::Invalid)?;
        if ticket.origin.is_some() && ticket.origin.as_deref() != origin {
            return Err(AuthError::Invalid);
        }
        let outlived = ticket
            .identity
            .expires
            .is_some_and(|expires| now.wall >= expires);
        if outlived || now.instant >= ticket.expires {
            return Err(AuthError::Expired);
        }
        Ok(ticket.identity)
    }

    /// Tickets outstanding, expired ones not yet removed among them.
    pub fn len(&self) -> usize {
        self.outstanding.len()
    }

    /// Whether none is outstanding.
    pub fn is_empty(&self) -> bool {
        self.outstanding.is_empty()
    }

    fn admit(&self, user: &str, now: Instant) -> Result<(), TicketError> {
        let settings = &self.settings;
        if self.outstanding.len() >= settings.tickets_max {
            let oldest = self.outstanding.first_key_value();
            let retry_after = oldest.map_or(settings.lifetime, |(_, t)| t.expires.since(now));
            return Err(TicketError::Full {
                max: settings.tickets_max,
                retry_after,
            });
        }
        if self.per_user.get(user).copied().unwrap_or(0) >= settings.tickets_per_user_max {
            let retry_after = settings.lifetime;
            return Err(TicketError::UserFull {
                max: settings.tickets_per_user_max,
                retry_after,
            });
        }
        Ok(())
    }

    fn take(&mut self, text: &str) -> Option<Ticket> {
        let mut value = Value::default();
        let written = URL_SAFE_NO_PAD.decode_slice(text, &mut value).ok()?;
        if written != value.len() {
            return None;
        }
        let serial = self.serials.get(&value).copied()?;
        self.remove(serial)
    }

    fn remove(&mut self, serial: u64) -> Option<Ticket> {
        let ticket = self.outstanding.remove(&serial)?;
        self.serials.remove(&ticket.value);
        if let Some(count) = self.per_user.get_mut(&ticket.identity.user) {
            *count -= 1;
            if *count == 0 {
                self.per_user.remove(&ticket.identity.user);
            }
        }
        Some(ticket)
    }

    fn purge(&mut self, now: Instant) {
        for _ in 0..PURGED_PER_CALL_MAX {
            match self.outstanding.first_key_value() {
                Some((&serial, ticket)) if now >= ticket.expires => self.remove(serial),
                _ => return,
            };
        }
    }
}
