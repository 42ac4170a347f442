//! The limits in force, how much of them is used, and who has used most.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::super::Engine;
use super::super::users::User;
use super::Answer;
use super::explain::Explained;
use crate::config::{self, Measured, Quantity, Rate};
use crate::id::ConnectionId;
use crate::limit::TokenBucket;
use crate::limit::prefix_table::PrefixEntry;
use crate::protocol::api::LimitsQuery;
use crate::time::{Instant, Now};

/// Buckets told of, of users and of addresses each: those that are least full.
pub(super) const TOLD_MAX: usize = 100;

#[derive(Serialize)]
struct Limits<'a> {
    in_use: BTreeMap<&'static str, usize>,
    settings: BTreeMap<&'static str, Setting>,
    /// Those that are rehearsed.
    shadow: Vec<&'static str>,
    users: Vec<Used<'a>>,
    addresses: Vec<Used<'a>>,
    connections: Vec<Used<'a>>,
    penalties: Vec<KeptOut>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Setting {
    Number {
        value: u64,
        unit: &'static str,
    },
    Rate {
        burst: u64,
        per_ms: u64,
        unit: &'static str,
    },
}

/// An address that is refused at accept.
#[derive(Serialize)]
pub(super) struct KeptOut {
    address: String,
    left_ms: u64,
}

/// How much of a limit is used by one.
#[derive(Serialize, Default)]
pub(super) struct Used<'a> {
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub(super) connection: Option<ConnectionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<String>,
    pub(super) limit: &'static str,
    pub(super) used: u64,
    pub(super) burst: u64,
    pub(super) full_in_ms: u64,
    /// Of its burst: what the list is ordered by.
    #[serde(skip)]
    pub(super) share: u64,
}

/// The fullest of all that were offered.
struct Top<T> {
    list: Vec<(u64, T)>,
}

impl<T> Top<T> {
    fn offer(&mut self, share: u64, value: T) {
        self.list.push((share, value));
        // Twice the room, so that sorting is paid for by as many that came.
        if self.list.len() >= 2 * TOLD_MAX {
            self.shorten();
        }
    }

    fn shorten(&mut self) {
        self.list
            .sort_by_key(|(share, _)| std::cmp::Reverse(*share));
        self.list.truncate(TOLD_MAX);
    }
}

impl Engine {
    pub(super) fn show_limits(&mut self, query: &LimitsQuery, now: Now) -> Answer {
        let in_use = self.in_use();
        let settings = self.config.quantities().into_iter().map(setting).collect();
        let shadow = self.config.limits.shadow.names().to_vec();
        let Explained {
            users,
            addresses,
            connections,
            penalties,
        } = if query.is_about_all() {
            Explained {
                users: self.least_full_users(now.instant),
                addresses: self.least_full_addresses(now.instant),
                connections: Vec::new(),
                penalties: self.kept_out(now.instant),
            }
        } else {
            self.explain_limits(query, now)
        };
        Answer::of(&Limits {
            in_use,
            settings,
            shadow,
            users,
            addresses,
            connections,
            penalties,
        })
    }

    fn in_use(&self) -> BTreeMap<&'static str, usize> {
        BTreeMap::from([
            (
                "limits.connections_max",
                self.connections.len() - self.private.connections,
            ),
            ("limits.unauthenticated_max", self.newcomers()),
            ("limits.outbound_bytes_max", self.outbound.bytes()),
            ("private.connections_max", self.private.connections),
            ("auth.ticket.tickets_max", self.tickets.len()),
        ])
    }

    /// Those with the longest to go.
    fn kept_out(&self, now: Instant) -> Vec<KeptOut> {
        let mut top = Top { list: Vec::new() };
        for entry in self.prefixes.iter() {
            let left = entry.penalty.left(now).as_millis();
            if !entry.penalty.left(now).is_zero() {
                top.offer(u64::try_from(left).unwrap_or(u64::MAX), entry);
            }
        }
        // Only those that are told of are spelled out.
        let told = finished(top).into_iter();
        told.filter_map(|entry| KeptOut::of(entry, now)).collect()
    }

    fn least_full_users(&self, now: Instant) -> Vec<Used<'_>> {
        let limits = &self.config.limits;
        let mut top = Top { list: Vec::new() };
        for user in self.users.iter() {
            for bucket in buckets_of_user(user, limits) {
                if let Some(used) = used(bucket, now) {
                    let user = Some(user.id.as_ref());
                    top.offer(used.share, Used { user, ..used });
                }
            }
        }
        finished(top)
    }

    fn least_full_addresses(&self, now: Instant) -> Vec<Used<'_>> {
        let limits = &self.config.limits;
        let mut top = Top { list: Vec::new() };
        for entry in self.prefixes.iter() {
            for bucket in buckets_of_prefix(entry, limits, limits.handshakes_per_address) {
                if let Some(used) = used(bucket, now) {
                    top.offer(used.share, (entry, used));
                }
            }
        }
        // Only those that are told of are spelled out.
        let told = finished(top).into_iter();
        told.map(|(entry, used)| Used {
            address: Some(entry.prefix().to_string()),
            ..used
        })
        .collect()
    }
}

fn finished<T>(mut top: Top<T>) -> Vec<T> {
    top.shorten();
    top.list.into_iter().map(|(_, value)| value).collect()
}

fn setting(measured: Measured) -> (&'static str, Setting) {
    let unit = measured.unit;
    let setting = match measured.quantity {
        Quantity::Number(value) => Setting::Number { value, unit },
        Quantity::Rate(Rate { burst, per }) => Setting::Rate {
            burst,
            per_ms: u64::try_from(per.as_millis()).unwrap_or(u64::MAX),
            unit,
        },
    };
    (measured.key, setting)
}

/// The buckets of a user, each with its rate and the name of its setting.
pub(super) fn buckets_of_user(
    user: &User,
    limits: &config::Limits,
) -> [(TokenBucket, Rate, &'static str); 2] {
    [
        (
            user.messages,
            limits.messages_per_user,
            "limits.messages_per_user",
        ),
        (
            user.commands,
            limits.commands_per_user,
            "limits.commands_per_user",
        ),
    ]
}

/// The same of an address prefix.
pub(super) fn buckets_of_prefix(
    entry: &PrefixEntry,
    limits: &config::Limits,
    handshakes: Rate,
) -> [(TokenBucket, Rate, &'static str); 5] {
    [
        (
            entry.messages,
            limits.messages_per_address,
            "limits.messages_per_address",
        ),
        (
            entry.bytes,
            limits.bytes_per_address,
            "limits.bytes_per_address",
        ),
        (
            entry.handshakes,
            handshakes,
            "limits.handshakes_per_address",
        ),
        (
            entry.failed_authentications,
            limits.failed_authentications_per_address,
            "limits.failed_authentications_per_address",
        ),
        (
            entry.offences,
            limits.offences_per_address,
            "limits.offences_per_address",
        ),
    ]
}

/// How much of a bucket is used; `None`: nothing.
fn used<'a>(bucket: (TokenBucket, Rate, &'static str), now: Instant) -> Option<Used<'a>> {
    (!bucket.0.is_full(now)).then(|| measure(bucket, now))
}

pub(super) fn measure<'a>(
    (bucket, rate, limit): (TokenBucket, Rate, &'static str),
    now: Instant,
) -> Used<'a> {
    let full_in = bucket.full_in(now);
    Used {
        used: bucket.used(rate, now),
        burst: rate.burst,
        full_in_ms: u64::try_from(full_in.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX),
        share: bucket.used_share(rate, now),
        ..Used::of(limit)
    }
}

impl Used<'_> {
    pub(super) fn of(limit: &'static str) -> Self {
        Used {
            limit,
            ..Used::default()
        }
    }
}

impl KeptOut {
    /// `None`: it is not kept out.
    pub(super) fn of(entry: &PrefixEntry, now: Instant) -> Option<Self> {
        let left = entry.penalty.left(now);
        let left_ms = left.as_nanos().div_ceil(1_000_000);
        (!left.is_zero()).then(|| KeptOut {
            address: entry.prefix().to_string(),
            left_ms: u64::try_from(left_ms).unwrap_or(u64::MAX),
        })
    }
}

#[expect(clippy::ref_option, reason = "the form that serde asks for")]
fn as_text<S: Serializer>(id: &Option<ConnectionId>, serializer: S) -> Result<S::Ok, S::Error> {
    match id {
        Some(id) => serializer.collect_str(id),
        None => serializer.serialize_none(),
    }
}
