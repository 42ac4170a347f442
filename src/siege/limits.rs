//! The configured limits, and how it shows that one was reached: a counter that rises, or a number that stays below it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::attack::Attack;
use super::attacks;
use super::counters::Counters;

/// Reads a number of what there is.
type Gauge = fn(&Counters) -> u64;

/// How the server shows that a limit was reached.
#[derive(Clone, Copy)]
enum Proof {
    /// A counter rises (`family:label`) that other limits share: it counts in attacks on this one.
    Shared(&'static str),
    /// Answers say so in this word.
    Told(&'static str),
    /// So many there are at the height of an attack; never more than it allows.
    Most(Gauge),
    /// So many of these each of the attackers' connections was given; never more than it allows.
    Each(&'static str),
    /// A siege does not reach it, and why.
    Never(&'static str),
}

/// Those that are not simply counted by their own name (`limited:connections_per_user`).
const PROOFS: [(&str, Proof); 28] = [
    ("limits.departed_users_max", Proof::Most(departed)),
    ("limits.penalty_min", Proof::Shared(OFFENCES)),
    ("limits.penalty_max", Proof::Shared(OFFENCES)),
    (
        "limits.message_characters_max",
        Proof::Shared("errors_told:message_too_long"),
    ),
    (
        "limits.message_bytes_max",
        Proof::Shared("closes:message_too_big"),
    ),
    (
        "limits.fragments_per_message_max",
        Proof::Shared("closes:too_many_fragments"),
    ),
    (
        "limits.tls_handshake_bytes_max",
        Proof::Shared("tls_failures:handshake_failed"),
    ),
    (
        "limits.head_bytes_max",
        Proof::Shared("handshakes:head_too_large"),
    ),
    (
        "limits.head_fields_max",
        Proof::Shared("handshakes:head_too_large"),
    ),
    (
        "limits.requests_per_connection_max",
        Proof::Each("responses:"),
    ),
    (
        "limits.outbound_bytes_max",
        Proof::Shared("closes:overloaded"),
    ),
    ("limits.members_listed_max", Proof::Told("truncated")),
    (
        "deadlines.head",
        Proof::Shared("handshakes:request_timeout"),
    ),
    ("deadlines.handshake", Proof::Shared("tls_failures:timeout")),
    (
        "deadlines.first_message",
        Proof::Shared("closes:no_first_message"),
    ),
    ("deadlines.idle", Proof::Shared("closes:idle")),
    ("deadlines.ping", Proof::Shared("pings_sent:")),
    ("deadlines.pong", Proof::Shared("closes:no_pong")),
    (
        "deadlines.unread",
        Proof::Shared("limited:deadlines.unread"),
    ),
    (
        "limits.prefixes_max",
        Proof::Never("refuses nothing: past it prefixes share what is left"),
    ),
    (
        "limits.pending_answers_max",
        Proof::Never("takes sign-ins that the store is asked about, and a slow disk"),
    ),
    (
        "limits.unsent_bytes_per_connection_max",
        Proof::Never("is kept by the kernel and refuses nothing"),
    ),
    (
        "limits.penalty_exempt",
        Proof::Never("lets pass and refuses nothing"),
    ),
    (
        "limits.exempt",
        Proof::Never("lets pass and refuses nothing"),
    ),
    (
        "limits.earned_per_address_max",
        Proof::Never("lets pass and refuses nothing"),
    ),
    (
        "limits.earned_after",
        Proof::Never("lets pass and refuses nothing"),
    ),
    (
        "limits.earned_kept",
        Proof::Never("lets pass and refuses nothing"),
    ),
    (
        "limits.shadow",
        Proof::Never("lets pass and refuses nothing"),
    ),
];

const OFFENCES: &str = "limited:offences_per_address";

/// Limits whose number the server also shows, so that it can be seen to stay within it.
const SHOWN: [(&str, Gauge); 3] = [
    ("limits.connections_max", Counters::connections),
    ("limits.unauthenticated_max", newcomers),
    ("limits.outbound_bytes_max", |counters| {
        counters.get("outbound_bytes:") as u64
    }),
];

fn departed(counters: &Counters) -> u64 {
    let users = counters.get("users:") as u64;
    users.saturating_sub(counters.get("connections:v1") as u64)
}

fn newcomers(counters: &Counters) -> u64 {
    let number = |state| counters.get(state) as u64;
    number("connections:head") + number("connections:handshake") + number("connections:ending")
}

/// What one attack has shown of a limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    /// How often it said no.
    pub(super) said_no: u64,
    /// The most there was of what it bounds, where that can be seen.
    pub(super) most: Option<u64>,
}

/// What is known of an attack's course when limits are looked at.
pub(super) struct Evidence<'a> {
    pub(super) before: &'a Counters,
    /// At its height.
    pub(super) height: &'a Counters,
    pub(super) after: &'a Counters,
    /// Words in answers to attackers.
    pub(super) told: &'a BTreeMap<String, u64>,
    pub(super) connections: u64,
}

/// What `attack` has shown of each limit that it reached.
pub(super) fn shown(attack: &Attack, found: &Evidence<'_>) -> Vec<(String, Shown)> {
    let mut all = Vec::new();
    for (label, count) in found.after.rises(found.before, "limited") {
        let said_no = Shown {
            said_no: count,
            most: None,
        };
        all.push((format!("limits.{label}"), said_no));
    }
    for name in attack.limits {
        let rise = |counter: &str| (found.after.get(counter) - found.before.get(counter)) as u64;
        let value = value_in(attack, name);
        let of = match proof(name) {
            None => continue,
            Some(Proof::Shared(counter)) => Shown {
                said_no: rise(counter),
                most: None,
            },
            Some(Proof::Told(word)) => Shown {
                said_no: found.told.get(word).copied().unwrap_or(0),
                most: None,
            },
            Some(Proof::Most(number)) => {
                let most = number(found.height);
                Shown {
                    said_no: u64::from(Some(most) == value),
                    most: Some(most),
                }
            }
            Some(Proof::Each(counter)) => {
                let each = rise(counter) / found.connections.max(1);
                Shown {
                    said_no: found.connections,
                    most: Some(each),
                }
            }
            Some(Proof::Never(_)) => continue,
        };
        all.push(((*name).to_owned(), of));
    }
    for (name, of) in &mut all {
        if let Some((_, number)) = SHOWN.iter().find(|(shown, _)| shown == name) {
            of.most = Some(number(found.height));
        }
    }
    all.retain(|(_, of)| of.said_no > 0);
    all
}

fn proof(name: &str) -> Option<Proof> {
    let found = PROOFS.iter().find(|(limit, _)| *limit == name);
    found.map(|(_, proof)| *proof)
}

/// The limit's value for this attack, where that is another than the configured one.
fn changed(attack: &Attack, name: &str) -> Option<&'static str> {
    let found = attack.changes.iter().find(|(key, _)| *key == name);
    found.map(|(_, value)| *value)
}

fn value_in(attack: &Attack, name: &str) -> Option<u64> {
    changed(attack, name)?.parse().ok()
}

/// Whether a limit has a line: each of `[limits]`, and of the others those that can be seen.
pub(super) fn has_line(name: &str) -> bool {
    name.starts_with("limits.") || proof(name).is_some()
}

/// One configured limit: what is expected of it, and what came of that.
#[derive(Debug, Serialize)]
pub(super) struct Limit {
    name: String,
    value: String,
    expected: String,
    said_no: u64,
    most: Option<u64>,
    /// The attacks in which it said no, and its value there when it was another.
    by: Vec<String>,
    /// Attacks that were to reach it and did not.
    missed: Vec<&'static str>,
    passed: bool,
}

impl Limit {
    pub(super) fn new(name: String, value: String) -> Self {
        let expected = match proof(&name) {
            Some(Proof::Never(why)) => format!("not reached by a siege: {why}"),
            _ => {
                let names: Vec<&str> = attacks::on(&name).map(|attack| attack.name).collect();
                format!("says no to {}", names.join(", "))
            }
        };
        Limit {
            name,
            value,
            expected,
            said_no: 0,
            most: None,
            by: Vec::new(),
            missed: Vec::new(),
            passed: false,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Takes note of what an attack has shown of it; `None`: it did not reach it.
    pub(super) fn note(&mut self, attack: &'static str, shown: Option<&Shown>) {
        let Some(of) = attacks::all().find(|of| of.name == attack) else {
            return;
        };
        let Some(shown) = shown else {
            if attacks::on(&self.name).any(|on| on.name == attack) {
                self.missed.push(attack);
            }
            return;
        };
        self.said_no += shown.said_no;
        self.most = self.most.max(shown.most);
        let other = changed(of, &self.name);
        self.by.push(match other {
            Some(value) => format!("{attack} at {value}"),
            None => attack.to_owned(),
        });
        let value = bytes(other.unwrap_or(&self.value));
        self.passed |= matches!((shown.most, value), (Some(most), Some(value)) if most > value);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.passed || (self.said_no == 0 && !self.missed.is_empty())
    }

    pub(super) fn line(&self) -> String {
        let verdict = match (self.has_failed(), self.said_no > 0) {
            (true, _) => "FAILED",
            (false, true) => "held",
            (false, false) => "-",
        };
        let most = match self.most {
            Some(most) => format!(", {most} at most"),
            None => String::new(),
        };
        let measured = match (self.said_no, self.missed.is_empty()) {
            (0, true) => "not tried".to_owned(),
            (0, false) => format!("not reached by {}", self.missed.join(", ")),
            (times, _) => format!("said no {times} times{most}: {}", self.by.join(", ")),
        };
        let Limit {
            name,
            value,
            expected,
            ..
        } = self;
        format!("{verdict:7}  {name} = {value} [{expected}] {measured}")
    }
}

/// A number, with or without a unit of bytes.
fn bytes(value: &str) -> Option<u64> {
    let (number, unit) = value.split_at(
        value
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(value.len()),
    );
    let unit = match unit {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::reference;

    #[test]
    fn every_limit_there_is_is_attacked_or_has_a_reason_why_not() {
        let reference = reference();
        let (_, section) = reference.split_once("`[limits]`").expect("the section");
        let rows = section.lines().skip_while(|line| !line.starts_with("| `"));
        let names = rows.map_while(|line| line.strip_prefix("| `")?.split('`').next());
        let mut count = 0;
        for name in names {
            count += 1;
            let name = format!("limits.{name}");
            let is_beyond = matches!(proof(&name), Some(Proof::Never(_)));
            assert!(is_beyond || attacks::on(&name).next().is_some(), "{name}");
        }
        assert!(count > 30, "{count}");
    }

    #[test]
    fn a_limit_that_was_to_be_reached_and_was_not_has_failed() {
        let mut limit = Limit::new("limits.connections_per_user".to_owned(), "3".to_owned());
        limit.note("ping-flood", None);
        assert!(!limit.has_failed());
        assert!(limit.line().starts_with("-        limits.connections_per_user = 3 [says no to one-user-everywhere] not tried"), "{}", limit.line());
        limit.note("one-user-everywhere", None);
        assert!(limit.has_failed());
        assert!(
            limit
                .line()
                .ends_with(" not reached by one-user-everywhere")
        );
        limit.note(
            "everything",
            Some(&Shown {
                said_no: 7,
                most: None,
            }),
        );
        assert!(!limit.has_failed());
        assert!(limit.line().ends_with(" said no 7 times: everything"));
    }

    #[test]
    fn a_limit_that_was_passed_has_failed_however_often_it_said_no() {
        let line = |most| {
            let mut limit = Limit::new("limits.connections_max".to_owned(), "10000".to_owned());
            limit.note(
                "full-house",
                Some(&Shown {
                    said_no: 9,
                    most: Some(most),
                }),
            );
            limit.line()
        };
        assert!(line(300).starts_with("held     "), "{}", line(300));
        assert!(line(300).ends_with("said no 9 times, 300 at most: full-house at 300"));
        assert!(line(301).starts_with("FAILED   "), "{}", line(301));
    }
}
