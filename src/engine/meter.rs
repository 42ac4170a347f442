//! What a session's bytes, commands and messages cost, and what happens to one who can't pay.

use std::time::Duration;

use super::connection::{Phase, Session};
use super::earned::WITHOUT_END;
use super::open::too_many;
use super::reply::Complaint;
use super::secure::TlsFailure;
use super::shadow::spend;
use super::{Door, Engine};
use crate::config::Rate;
use crate::id::{ConnectionId, UserKey};
use crate::limit::{Limited, Scope, TokenBucket};
use crate::protocol::close::CloseReason;
use crate::time::{Instant, Now};

/// Pauses that lie further apart than this are not "in a row".
const PAUSES_FORGOTTEN_AFTER: Duration = Duration::from_secs(60);
/// An invalid message costs this many commands more than a valid one.
const INVALID_SURCHARGE: u64 = 1;

const BYTES_OF_ADDRESS: &str = "bytes_per_address";
const ERROR_REPLIES: &str = "error_replies_per_connection";
const PAUSES: &str = "pauses_max";

/// One of the buckets that a message is taken from.
struct MessageBucket<'a> {
    bucket: &'a mut TokenBucket,
    rate: Rate,
    limit: &'static str,
    scope: Scope,
    is_shadowed: bool,
}

impl Session {
    /// How often it was paused without a longer rest between.
    pub(super) fn pauses_in_a_row(&self, now: Instant) -> u32 {
        let is_forgotten = now.since(self.last_pause) > PAUSES_FORGOTTEN_AFTER;
        if is_forgotten { 0 } else { self.pauses }
    }
}

impl Engine {
    /// Charges bytes that were read. They can't be unread, so they are taken on debt, and reading stops until it is repaid.
    pub(super) fn charge_bytes(&mut self, id: ConnectionId, bytes: usize, now: Now) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        if connection.door == Door::Private {
            // Charged by requests: what strangers owe at the public door must not shut out the operator.
            return;
        }
        let debt = self.charge_address(id, bytes, now);
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        match connection.phase {
            Phase::Open(_) => self.charge_session_bytes(id, bytes, debt, now),
            Phase::Head(_) if !debt.is_zero() => {
                self.refuse(id, too_many(BYTES_OF_ADDRESS, debt), now);
            }
            // No answer could be read yet: the end of it is answer enough.
            Phase::Handshake(_) if !debt.is_zero() => {
                let scope = Scope::Address.as_str();
                self.counters.limited.count_pair([BYTES_OF_ADDRESS, scope]);
                self.end_insecure(id, TlsFailure::Broken, now)
            }
            Phase::Preamble(_)
            | Phase::Handshake(_)
            | Phase::Head(_)
            | Phase::Body(_)
            | Phase::Closing { .. }
            | Phase::Ending { .. } => {}
        }
    }

    /// Charges the connection's address for bytes; gives the time until its debt is repaid. What a trusted proxy sends is
    /// charged to its client once that is known.
    pub(super) fn charge_address(&mut self, id: ConnectionId, bytes: usize, now: Now) -> Duration {
        let limits = &self.config.limits;
        let prefix = match self.connections.get(id) {
            Some(connection) if connection.prefix.is_limited() => connection.prefix,
            _ => return Duration::ZERO,
        };
        let bucket = &mut self.prefixes.entry(prefix).bytes;
        let (bytes, rate) = (bytes as u64, limits.bytes_per_address);
        if !limits.shadow.has(BYTES_OF_ADDRESS) {
            return bucket.charge(bytes, rate, now.instant);
        }
        if bucket.take(bytes, rate, now.instant).is_err() {
            self.overlooks(id, BYTES_OF_ADDRESS, Scope::Address, now);
        }
        Duration::ZERO
    }

    /// Charges a session for its bytes; reading stops until both debts are repaid, its own and its address's.
    pub(super) fn charge_session_bytes(
        &mut self,
        id: ConnectionId,
        bytes: usize,
        debt_of_address: Duration,
        now: Now,
    ) {
        const LIMIT: &str = "bytes_per_connection";
        let rate = self.config.limits.bytes_per_connection;
        let is_shadowed = self.config.limits.shadow.has(LIMIT);
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let Phase::Open(session) = &mut connection.phase else {
            return;
        };
        session.last_received = now.instant;
        session.ping_sent = None;
        let bytes = bytes as u64;
        let mut own = Duration::ZERO;
        let mut is_overlooked = false;
        if is_shadowed {
            is_overlooked = session.bytes.take(bytes, rate, now.instant).is_err();
        } else {
            own = session.bytes.charge(bytes, rate, now.instant);
        }
        let debt = own.max(debt_of_address);
        if !debt.is_zero() {
            self.counters.limited.count_pair(if own >= debt_of_address {
                [LIMIT, Scope::Connection.as_str()]
            } else {
                [BYTES_OF_ADDRESS, Scope::Address.as_str()]
            });
            session.paused_until = Some(now.instant + debt);
        }
        if is_overlooked {
            self.overlooks(id, LIMIT, Scope::Connection, now);
        }
    }

    /// Takes a command from the user's bucket: coming back on a new connection does not refill it.
    pub(super) fn charge_command(
        &mut self,
        id: ConnectionId,
        user: UserKey,
        now: Now,
    ) -> Result<(), Limited> {
        let rate = self.config.limits.commands_per_user;
        let Some(user) = self.users.get_mut(user) else {
            return Ok(());
        };
        let Err(retry_after) = user.commands.take(1, rate, now.instant) else {
            return Ok(());
        };
        let limited = Limited {
            limit: "commands_per_user",
            scope: Scope::User,
            retry_after,
        };
        if self.overlooks(id, limited.limit, limited.scope, now) {
            return Ok(());
        }
        self.counters.limited.count_pair(limited.words());
        Err(limited)
    }

    /// Takes a message from the buckets of connection, user and address: from all of them or from none.
    pub(super) fn charge_message(&mut self, id: ConnectionId, now: Now) -> Result<(), Limited> {
        let checked = self.check_message(id, now);
        match checked {
            Ok(()) => self.charge_checked_message(id, now),
            Err(limited) => self.counters.limited.count_pair(limited.words()),
        }
        checked
    }

    /// Whether connection, user and address have a message left.
    pub(super) fn check_message(&mut self, id: ConnectionId, now: Now) -> Result<(), Limited> {
        let Some(buckets) = self.message_buckets(id) else {
            return Ok(());
        };
        let refused = buckets.map(|of| {
            let retry_after = of.bucket.check(1, of.rate, now.instant).err()?;
            Some(Limited {
                limit: of.limit,
                scope: of.scope,
                retry_after,
            })
        });
        let refused = refused.into_iter().flatten();
        // Whoever comes back as told is not to meet another of the limits.
        refused
            .filter(|limited| !self.overlooks(id, limited.limit, limited.scope, now))
            .max_by_key(|limited| limited.retry_after)
            .map_or(Ok(()), Err)
    }

    /// Takes the message that [`Engine::check_message`] has allowed.
    pub(super) fn charge_checked_message(&mut self, id: ConnectionId, now: Now) {
        for of in self.message_buckets(id).into_iter().flatten() {
            spend(of.bucket, 1, of.rate, of.is_shadowed, now.instant);
        }
    }

    /// Gives back a message that was taken at `charged`.
    pub(super) fn give_back_message(&mut self, id: ConnectionId, charged: Instant, now: Now) {
        for of in self.message_buckets(id).into_iter().flatten() {
            of.bucket.give_back(1, of.rate, charged, now.instant);
        }
    }

    fn message_buckets(&mut self, id: ConnectionId) -> Option<[MessageBucket<'_>; 3]> {
        let limits = &self.config.limits;
        let connection = self.connections.get_mut(id)?;
        let Phase::Open(session) = &mut connection.phase else {
            return None;
        };
        let user = self.users.get_mut(session.user)?;
        let per_address = if connection.prefix.is_limited() {
            limits.messages_per_address
        } else {
            WITHOUT_END
        };
        let address = &mut self.prefixes.entry(connection.prefix).messages;
        let of = |bucket, rate, limit, scope| MessageBucket {
            bucket,
            rate,
            limit,
            scope,
            is_shadowed: limits.shadow.has(limit),
        };
        let (user, own) = (&mut user.messages, &mut session.messages);
        let (per_user, per_connection) = (limits.messages_per_user, limits.messages_per_connection);
        Some([
            of(user, per_user, "messages_per_user", Scope::User),
            of(
                own,
                per_connection,
                "messages_per_connection",
                Scope::Connection,
            ),
            of(address, per_address, "messages_per_address", Scope::Address),
        ])
    }

    /// Makes an invalid message dearer than a valid one.
    pub(super) fn charge_invalid(&mut self, user: UserKey, now: Now) {
        let limits = &self.config.limits;
        let (rate, is_shadowed) = (
            limits.commands_per_user,
            limits.shadow.has("commands_per_user"),
        );
        if let Some(user) = self.users.get_mut(user) {
            spend(
                &mut user.commands,
                INVALID_SURCHARGE,
                rate,
                is_shadowed,
                now.instant,
            );
        }
    }

    /// Whether the connection may be told of one more error; otherwise it meets silence, and in the end 1008.
    pub(super) fn may_complain(&mut self, id: ConnectionId, now: Now) -> bool {
        let rate = self.config.limits.error_replies_per_connection;
        let Some(connection) = self.connections.get_mut(id) else {
            return false;
        };
        let Phase::Open(session) = &mut connection.phase else {
            return false;
        };
        if session.error_replies.take(1, rate, now.instant).is_ok()
            || self.overlooks(id, ERROR_REPLIES, Scope::Connection, now)
        {
            return true;
        }
        self.counters
            .limited
            .count_pair([ERROR_REPLIES, Scope::Connection.as_str()]);
        self.pause(id, Duration::ZERO, CloseReason::RateLimited, now);
        false
    }

    /// Tells a connection of an error, in its protocol.
    pub(super) fn complain(&mut self, id: ConnectionId, complaint: &Complaint<'_>) {
        if let Some(connection) = self.connections.get_mut(id)
            && connection.can_tell()
        {
            self.counters.errors.count(complaint.code());
            let frame = complaint.frame(connection.wire);
            self.outbound
                .write(connection, |outbox| outbox.push_payload(frame));
        }
    }

    /// Stops reading for a while, `at_least` this long; after too many times in a row it is over, for `reason`.
    pub(super) fn pause(
        &mut self,
        id: ConnectionId,
        at_least: Duration,
        reason: CloseReason,
        now: Now,
    ) {
        let at_least = self.config.deadlines.pause.max(at_least);
        let pauses_max = self.config.limits.pauses_max;
        let Some(session) = self.session_mut(id) else {
            return;
        };
        session.pauses = session.pauses_in_a_row(now.instant) + 1;
        session.last_pause = now.instant;
        if session.pauses > pauses_max {
            // Whoever would have been closed would have come back, and begun anew.
            session.pauses = 0;
            if !self.overlooks(id, PAUSES, Scope::Connection, now) {
                let scope = Scope::Connection.as_str();
                self.counters.limited.count_pair([PAUSES, scope]);
                return self.close(id, reason, now);
            }
        }
        let Some(session) = self.session_mut(id) else {
            return;
        };
        let until = now.instant + at_least;
        session.paused_until = Some(
            session
                .paused_until
                .map_or(until, |paused| paused.max(until)),
        );
    }
}
