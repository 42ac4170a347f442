//! The live buckets of one user, of one address, and of the connections that are theirs: every one of them, full or not.

use super::super::Engine;
use super::super::connection::{Connection, Phase};
use super::limits::{KeptOut, TOLD_MAX, Used, buckets_of_prefix, buckets_of_user, measure};
use crate::config::Limits;
use crate::id::UserKey;
use crate::limit::{PrefixKey, TokenBucket};
use crate::protocol::api::LimitsQuery;
use crate::time::{Instant, Now};

/// What is told of one.
#[derive(Default)]
pub(super) struct Explained<'a> {
    pub(super) users: Vec<Used<'a>>,
    pub(super) addresses: Vec<Used<'a>>,
    pub(super) connections: Vec<Used<'a>>,
    pub(super) penalties: Vec<KeptOut>,
}

impl Engine {
    /// Of a user those of all their connections and addresses too; of an address those of its connections and users; of both those of what is
    /// the one's and comes from the other.
    pub(super) fn explain_limits(&mut self, query: &LimitsQuery, now: Now) -> Explained<'_> {
        let address = query.address;
        let asked = address.map(|address| self.prefix_of_address(address, now));
        let user = query.user.as_deref().map(|user| self.users.find(user));
        let mut users: Vec<UserKey> = user.flatten().into_iter().collect();
        // Whoever is exempt has none.
        let mut prefixes: Vec<PrefixKey> = asked.into_iter().collect();
        let mut connections = Vec::new();
        for connection in self.connections.iter() {
            let whose = connection.user();
            let is_meant = user.is_none_or(|user| user.is_some() && user == whose)
                && asked.is_none_or(|prefix| prefix == connection.prefix)
                && !connection.is_private();
            if !is_meant || connections.len() >= TOLD_MAX {
                continue;
            }
            connections.push(connection.id);
            if let Some(whose) = whose
                && !users.contains(&whose)
            {
                users.push(whose);
            }
            if !prefixes.contains(&connection.prefix) {
                prefixes.push(connection.prefix);
            }
        }
        let mut told = Explained::default();
        for prefix in prefixes.into_iter().filter(|prefix| prefix.is_limited()) {
            self.explain_prefix(prefix, now, &mut told);
        }
        let limits = &self.config.limits;
        for user in users.into_iter().filter_map(|key| self.users.get(key)) {
            let id = user.id.as_ref();
            let buckets = buckets_of_user(user, limits).map(|bucket| measure(bucket, now.instant));
            let connections = counted(
                "limits.connections_per_user",
                user.connections,
                limits.connections_per_user,
            );
            let all = buckets.into_iter().chain([connections]);
            told.users.extend(all.map(|used| Used {
                user: Some(id),
                ..used
            }));
        }
        let found = connections
            .iter()
            .filter_map(|id| self.connections.get(*id));
        for connection in found {
            let user = connection.user().and_then(|user| self.users.get(user));
            let all = used_by(connection, limits, now.instant);
            told.connections.extend(all.into_iter().map(|used| Used {
                connection: Some(connection.id),
                user: user.map(|user| user.id.as_ref()),
                address: Some(connection.client().to_string()),
                ..used
            }));
        }
        told
    }

    fn explain_prefix(&mut self, prefix: PrefixKey, now: Now, told: &mut Explained<'_>) {
        let limits = &self.config.limits;
        let (open, plain) = (limits.connections_per_address, limits.plain_per_address);
        let [open, plain] = [open, plain].map(|base| self.allowance(prefix, base, now));
        let handshakes = self.handshake_rate_of(prefix, now);
        let now = now.instant;
        let limits = &self.config.limits;
        let entry = self.prefixes.entry(prefix);
        let buckets =
            buckets_of_prefix(entry, limits, handshakes).map(|bucket| measure(bucket, now));
        let counts = [
            counted(
                "limits.connections_per_address",
                entry.open_connections as usize,
                open,
            ),
            counted(
                "limits.plain_per_address",
                entry.plain_connections as usize,
                plain,
            ),
        ];
        let all = buckets.into_iter().chain(counts);
        told.addresses.extend(all.map(|used| Used {
            address: Some(entry.prefix().to_string()),
            ..used
        }));
        told.penalties.extend(KeptOut::of(entry, now));
    }
}

/// The buckets of one connection's session, what it has so many of, and what waits for it.
pub(super) fn used_by<'a>(connection: &Connection, limits: &Limits, now: Instant) -> Vec<Used<'a>> {
    let mut all = counts_of(connection, limits, now);
    if let Phase::Open(session) = &connection.phase {
        let buckets: [(TokenBucket, _, &'static str); 7] = [
            (
                session.messages,
                limits.messages_per_connection,
                "limits.messages_per_connection",
            ),
            (
                session.bytes,
                limits.bytes_per_connection,
                "limits.bytes_per_connection",
            ),
            (
                session.frames,
                limits.frames_per_connection,
                "limits.frames_per_connection",
            ),
            (
                session.control_frames,
                limits.control_frames_per_connection,
                "limits.control_frames_per_connection",
            ),
            (
                session.glitches,
                limits.glitches_per_connection,
                "limits.glitches_per_connection",
            ),
            (
                session.error_replies,
                limits.error_replies_per_connection,
                "limits.error_replies_per_connection",
            ),
            (
                session.refreshes,
                limits.refreshes_per_connection,
                "limits.refreshes_per_connection",
            ),
        ];
        all.extend(buckets.map(|bucket| measure(bucket, now)));
    }
    all
}

fn counts_of<'a>(connection: &Connection, limits: &Limits, now: Instant) -> Vec<Used<'a>> {
    let mut all = vec![counted(
        "limits.outbound_bytes_per_connection_max",
        connection.waiting(),
        limits.outbound_bytes_per_connection_max,
    )];
    match &connection.phase {
        Phase::Head(head) => all.push(counted(
            "limits.requests_per_connection_max",
            head.requests as usize,
            limits.requests_per_connection_max as usize,
        )),
        Phase::Open(session) => {
            let (rooms, pauses) = (session.seats.len(), session.pauses_in_a_row(now) as usize);
            let pauses_max = limits.pauses_max as usize;
            all.push(counted(
                "limits.rooms_per_connection_max",
                rooms,
                limits.rooms_per_connection_max,
            ));
            all.push(counted("limits.pauses_max", pauses, pauses_max));
        }
        _ => {}
    }
    all
}

/// What is no bucket: so many of so many.
fn counted<'a>(limit: &'static str, used: usize, max: usize) -> Used<'a> {
    Used {
        used: used as u64,
        burst: max as u64,
        ..Used::of(limit)
    }
}
