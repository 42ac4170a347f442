//! The limits in force, how much of them is used, and who has used most.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::Engine;
use super::Answer;
use crate::config::{Measured, Quantity, Rate};
use crate::limit::TokenBucket;
use crate::time::{Instant, Now};

/// Buckets told of, of users and of addresses each: those that are least full.
const TOLD_MAX: usize = 100;

#[derive(Serialize)]
struct Limits<'a> {
    in_use: BTreeMap<&'static str, usize>,
    settings: BTreeMap<&'static str, Setting>,
    users: Vec<Used<'a>>,
    addresses: Vec<Used<'a>>,
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
struct KeptOut {
    address: String,
    left_ms: u64,
}

/// A bucket that is not full.
#[derive(Serialize)]
struct Used<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    limit: &'static str,
    used: u64,
    burst: u64,
    full_in_ms: u64,
    /// Of its burst, in millionths: what the list is ordered by.
    #[serde(skip)]
    share: u64,
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
    pub(super) fn show_limits(&self, now: Now) -> Answer {
        Answer::of(&Limits {
            in_use: self.in_use(),
            settings: self.config.quantities().into_iter().map(setting).collect(),
            users: self.least_full_users(now.instant),
            addresses: self.least_full_addresses(now.instant),
            penalties: self.kept_out(now.instant),
        })
    }

    fn in_use(&self) -> BTreeMap<&'static str, usize> {
        BTreeMap::from([
            (
                "limits.connections_max",
                self.connections.len() - self.private.connections,
            ),
            ("limits.unauthenticated_max", self.plain_connections),
            ("limits.outbound_bytes_max", self.outbound.bytes()),
            ("private.connections_max", self.private.connections),
            ("auth.ticket.tickets_max", self.tickets.len()),
        ])
    }

    /// Those with the longest to go.
    fn kept_out(&self, now: Instant) -> Vec<KeptOut> {
        let mut top = Top { list: Vec::new() };
        for entry in self.prefixes.iter() {
            let left_ms = entry.penalty.left(now).as_nanos().div_ceil(1_000_000);
            if left_ms > 0 {
                let left_ms = u64::try_from(left_ms).unwrap_or(u64::MAX);
                top.offer(left_ms, (entry, left_ms));
            }
        }
        let told = finished(top).into_iter();
        told.map(|(entry, left_ms)| KeptOut {
            address: entry.prefix().to_string(),
            left_ms,
        })
        .collect()
    }

    fn least_full_users(&self, now: Instant) -> Vec<Used<'_>> {
        let limits = &self.config.limits;
        let mut top = Top { list: Vec::new() };
        for user in self.users.iter() {
            let buckets = [
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
            ];
            for bucket in buckets {
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
            let buckets = [
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
                    limits.handshakes_per_address,
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
            ];
            for bucket in buckets {
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

fn used<'a>(
    (bucket, rate, limit): (TokenBucket, Rate, &'static str),
    now: Instant,
) -> Option<Used<'a>> {
    if bucket.is_full(now) {
        return None;
    }
    let full_in = bucket.full_in(now);
    let share = full_in.as_nanos().saturating_mul(1_000_000) / rate.per.as_nanos().max(1);
    Some(Used {
        user: None,
        address: None,
        limit,
        used: bucket.used(rate, now),
        burst: rate.burst,
        full_in_ms: u64::try_from(full_in.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX),
        share: u64::try_from(share).unwrap_or(u64::MAX),
    })
}
