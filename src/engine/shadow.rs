//! Limits that are rehearsed (`limits.shadow`): what they would refuse is counted and logged, and let through.
//!
//! A bucket of such a limit is charged for what it would have let through and for nothing else: so it counts what it would refuse in earnest.

use std::net::SocketAddr;

use super::Engine;
use crate::config::Rate;
use crate::id::ConnectionId;
use crate::limit::{Scope, TokenBucket};
use crate::telemetry::{Event, Party};
use crate::time::{Instant, Now};

impl Engine {
    /// Whether a limit that says no to this connection is only rehearsed. If so, this is counted and logged.
    pub(super) fn overlooks(
        &mut self,
        id: ConnectionId,
        limit: &'static str,
        scope: Scope,
        now: Now,
    ) -> bool {
        if !self.config.limits.shadow.has(limit) {
            return false;
        }
        let scope = scope.as_str();
        self.counters.shadowed.count_pair([limit, scope]);
        self.report_about(id, &Event::Shadowed { limit, scope }, None, now);
        true
    }

    /// The same of a limit of the address of somebody who is not connected yet.
    pub(super) fn overlooks_newcomer(
        &mut self,
        peer: SocketAddr,
        limit: &'static str,
        now: Now,
    ) -> bool {
        if !self.config.limits.shadow.has(limit) {
            return false;
        }
        let scope = Scope::Address.as_str();
        self.counters.shadowed.count_pair([limit, scope]);
        let party = Party {
            address: Some(peer.ip()),
            ..Party::default()
        };
        self.report(&Event::Shadowed { limit, scope }, party, now);
        true
    }
}

/// Charges a bucket that was looked at before; one that is rehearsed goes into no debt.
pub(super) fn spend(
    bucket: &mut TokenBucket,
    tokens: u64,
    rate: Rate,
    is_shadowed: bool,
    now: Instant,
) {
    if is_shadowed {
        let _ = bucket.take(tokens, rate, now);
    } else {
        bucket.charge(tokens, rate, now);
    }
}
