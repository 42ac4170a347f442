//! The configured limits, and how it shows that one was reached: a counter that rises, or a number that stays below it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::attack::Attack;
use super::attacks;
use super::counters::Counters;
use crate::config::parse_duration;

#[cfg(test)]
mod tests;

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
    /// It is counted by its own name, and so many of these each of the attackers' connections was given; never more than it allows.
    Each(&'static str),
    /// A siege does not reach it, and why.
    Never(&'static str),
}

/// Those that are not simply counted by their own name (`limited:connections_per_user`).
const PROOFS: [(&str, Proof); 15] = [
    ("limits.departed_users_max", Proof::Most(departed)),
    ("limits.penalty_min", Proof::Shared(OFFENCES)),
    ("limits.penalty_max", Proof::Shared(OFFENCES)),
    (
        "limits.requests_per_connection_max",
        Proof::Each("responses:"),
    ),
    ("limits.members_listed_max", Proof::Told("truncated")),
    ("deadlines.ping", Proof::Shared("pings_sent:")),
    (
        "limits.prefixes_max",
        Proof::Never("refuses nothing: past it a newcomer takes over an entry with what it owes"),
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

/// The family of what rehearsed limits would have refused.
pub(super) const REHEARSED: &str = "shadowed";

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
    /// How often it said no, or would have.
    pub(super) said_no: u64,
    /// It was only counted.
    pub(super) is_rehearsed: bool,
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
    for (family, is_rehearsed) in [("limited", false), (REHEARSED, true)] {
        for (label, said_no) in found.after.rises(found.before, family) {
            let shown = Shown {
                said_no,
                is_rehearsed,
                most: None,
            };
            all.push((setting(label), shown));
        }
    }
    for name in attack.limits {
        let rise = |counter: &str| (found.after.get(counter) - found.before.get(counter)) as u64;
        let value = value_in(attack, name);
        let of = match proof(name) {
            None => continue,
            Some(Proof::Shared(counter)) => {
                let (enforced, rehearsed) = (rise(counter), rise(&in_rehearsal(counter)));
                Shown {
                    said_no: enforced.max(rehearsed),
                    is_rehearsed: enforced == 0 && rehearsed > 0,
                    most: None,
                }
            }
            Some(Proof::Told(word)) => Shown {
                said_no: found.told.get(word).copied().unwrap_or(0),
                is_rehearsed: false,
                most: None,
            },
            Some(Proof::Most(number)) => {
                let most = number(found.height);
                Shown {
                    said_no: u64::from(Some(most) == value),
                    is_rehearsed: false,
                    most: Some(most),
                }
            }
            Some(Proof::Each(counter)) => {
                let each = rise(counter) / found.connections.max(1);
                let counted = all.iter_mut().filter(|(counted, _)| counted == name);
                counted.for_each(|(_, of)| of.most = Some(each));
                continue;
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

/// So many there were of what a limit bounds, where a number tells that it was not reached.
pub(super) fn at_height(name: &str, counters: &Counters) -> Option<u64> {
    let number: Gauge = match proof(name) {
        Some(Proof::Most(number)) => number,
        // What waits for all is never less than what waits for one.
        _ if name.starts_with("limits.outbound_bytes_") => |of| of.get("outbound_bytes:") as u64,
        _ => return None,
    };
    Some(number(counters))
}

/// Labels of `limited` that say whose a limit is, not which.
pub(super) const SCOPES: [&str; 6] = ["connection", "user", "address", "room", "member", "server"];

/// The limits that said no between two looks and are none of the attack's own.
pub(super) fn risen(before: &Counters, after: &Counters, attack: &Attack) -> Vec<String> {
    let rises = after.rises(before, "limited");
    let counted = rises
        .filter(|(label, _)| !SCOPES.contains(label))
        .map(|(label, _)| setting(label));
    let shared = PROOFS.iter().filter_map(|(name, proof)| match proof {
        Proof::Shared(counter) => {
            (after.get(counter) > before.get(counter)).then(|| (*name).to_owned())
        }
        _ => None,
    });
    let all = counted.chain(shared);
    all.filter(|name| !attack.limits.contains(&name.as_str()))
        .collect()
}

/// Settings that are counted without their section, and this.
const ELSEWHERE: [(&str, &[&str]); 4] = [
    (
        "rooms",
        &[
            "rooms_max",
            "created_per_user_max",
            "people_max",
            "knocks_per_user",
            "pending_max",
            "pages_per_user_max",
            "changes_waiting_max",
            "own_changes_waiting_max",
            "retention_messages_max",
            "retention_max",
        ],
    ),
    ("auth.ticket", &["tickets_max", "tickets_per_user_max"]),
    ("auth.session", &["sessions_max", "sessions_per_user_max"]),
    ("auth", &["revocations_max"]),
];

/// The setting that is counted by this label: one of `[limits]` and of [`ELSEWHERE`] is by its own name, any other by that of its section too.
fn setting(label: &str) -> String {
    if label == "memory" || label.contains('.') {
        return label.to_owned();
    }
    let mut elsewhere = ELSEWHERE.iter();
    let found = elsewhere.find(|(_, labels)| labels.contains(&label));
    format!("{}.{label}", found.map_or("limits", |(section, _)| section))
}

/// The counter that is a setting's own.
pub(super) fn counter(name: &str) -> String {
    format!("limited:{}", name.strip_prefix("limits.").unwrap_or(name))
}

/// The counter of the same limit when it is rehearsed.
pub(super) fn in_rehearsal(counter: &str) -> String {
    counter.replacen("limited:", "shadowed:", 1)
}

fn proof(name: &str) -> Option<Proof> {
    let found = PROOFS.iter().find(|(limit, _)| *limit == name);
    found.map(|(_, proof)| *proof)
}

fn value_in(attack: &Attack, name: &str) -> Option<u64> {
    attack.changed(name)?.parse().ok()
}

/// Whether a limit has a line: each of `[limits]`, and of `[deadlines]` those that can be seen.
pub(super) fn has_line(name: &str) -> bool {
    let is_seen = || name.starts_with("deadlines.") && attacks::on(name).next().is_some();
    name.starts_with("limits.") || is_seen()
}

/// One configured limit: what is expected of it, and what came of that.
#[derive(Debug, Serialize)]
pub(super) struct Limit {
    name: String,
    value: String,
    expected: String,
    /// It is counted what it would refuse, and nothing is refused.
    is_rehearsed: bool,
    /// As configured there is none: whatever says no in an attack has the value that the attack gives it.
    #[serde(skip)]
    is_off: bool,
    said_no: u64,
    most: Option<u64>,
    /// The attacks in which it said no, and its value there when it was another.
    by: Vec<String>,
    /// Attacks that were to reach it and did not.
    missed: Vec<&'static str>,
    /// The same, where they could not with these settings, and why.
    not_reached: Vec<String>,
    /// Attacks that were to reach it, of which the server's counters are not known.
    unseen: Vec<&'static str>,
    /// It said no at the value that is configured.
    #[serde(skip)]
    has_own: bool,
    /// An attack that leaves it that value was to reach it and did not.
    #[serde(skip)]
    lacks_own: bool,
    passed: bool,
    verdict: Standing,
}

/// What a limit comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Standing {
    Held,
    Failed,
    NotReached,
    NotTried,
    /// The operator has switched it off: what it does where an attack switches it on says nothing of that server.
    Off,
}

impl Limit {
    /// `rehearsed`: the names of limits that are counted and not enforced.
    pub(super) fn new(name: String, value: String, rehearsed: &[&str]) -> Self {
        let is_one = |of: &str| {
            rehearsed
                .iter()
                .any(|name| of.ends_with(&format!(".{name}")))
        };
        let is_rehearsed = match proof(&name) {
            None | Some(Proof::Each(_)) => is_one(&name),
            // Penalties are for offences.
            Some(Proof::Shared(counter)) => is_one(&counter.replacen("limited:", "limits.", 1)),
            Some(_) => false,
        };
        let is_off = is_off(&name, &value);
        let expected = expected(&name, is_rehearsed, is_off);
        Limit {
            name,
            value,
            expected,
            is_rehearsed,
            is_off,
            said_no: 0,
            most: None,
            by: Vec::new(),
            missed: Vec::new(),
            not_reached: Vec::new(),
            unseen: Vec::new(),
            has_own: false,
            lacks_own: false,
            passed: false,
            verdict: match is_off {
                true => Standing::Off,
                false => Standing::NotTried,
            },
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn verdict(&self) -> Standing {
        self.verdict
    }

    /// Takes note of what an attack has shown of it. `None`: it did not reach it; that it could not, and why, says `why`.
    pub(super) fn note(&mut self, attack: &'static str, shown: Option<&Shown>, why: Option<&str>) {
        self.add(attack, shown, why);
        let is_missed = !self.is_shown() && !self.missed.is_empty();
        self.verdict = match (self.passed || is_missed, self.is_shown()) {
            (true, _) => Standing::Failed,
            (false, false) if !self.not_reached.is_empty() => Standing::NotReached,
            (false, _) if self.is_off => Standing::Off,
            (false, true) => Standing::Held,
            (false, false) => Standing::NotTried,
        };
    }

    /// Whether it said no, and not only at another value than the one that an attack did not reach.
    fn is_shown(&self) -> bool {
        self.said_no > 0 && (self.has_own || !self.lacks_own)
    }

    /// Takes note of an attack of which it is not known whether it reached anything.
    pub(super) fn note_unseen(&mut self, attack: &'static str) {
        if attacks::on(&self.name).any(|on| on.name == attack) {
            self.unseen.push(attack);
        }
    }

    fn add(&mut self, attack: &'static str, shown: Option<&Shown>, why: Option<&str>) {
        let Some(of) = attacks::all().find(|of| of.name == attack) else {
            return;
        };
        let other = of.changed(&self.name);
        let Some(shown) = shown else {
            if attacks::on(&self.name).any(|on| on.name == attack) {
                self.lacks_own |= other.is_none();
                match why {
                    Some(why) => self.not_reached.push(format!("{attack} ({why})")),
                    None => self.missed.push(attack),
                }
            }
            return;
        };
        // A server that runs has a configuration of its own.
        if shown.is_rehearsed && !self.is_rehearsed {
            self.is_rehearsed = true;
            self.expected = expected(&self.name, true, self.is_off);
        }
        self.said_no += shown.said_no;
        self.most = self.most.max(shown.most);
        self.has_own |= other.is_none();
        self.by.push(match other {
            Some(value) => format!("{attack} at {value}"),
            None => attack.to_owned(),
        });
        let value = bytes(other.unwrap_or(&self.value));
        // One that is rehearsed is there to be passed.
        self.passed |= !self.is_rehearsed
            && matches!((shown.most, value), (Some(most), Some(value)) if most > value);
    }

    pub(super) fn line(&self) -> String {
        let verdict = match self.verdict {
            Standing::Failed => "FAILED",
            Standing::Held => "held",
            Standing::NotReached => "not reached",
            Standing::NotTried => "-",
            Standing::Off => "off",
        };
        let Limit {
            name,
            value,
            expected,
            ..
        } = self;
        let measured = self.measured();
        format!("{verdict:11}  {name} = {value} [{expected}] {measured}")
    }

    fn measured(&self) -> String {
        let lacking = if !self.missed.is_empty() {
            format!("not reached by {}", self.missed.join(", "))
        } else if !self.not_reached.is_empty() {
            format!("not reached by {}", self.not_reached.join(", "))
        } else if !self.unseen.is_empty() {
            format!("not seen without counters: {}", self.unseen.join(", "))
        } else {
            "not tried".to_owned()
        };
        let (times, by) = (self.said_no, self.by.join(", "));
        let most = match self.most {
            Some(most) => format!(", {most} at most"),
            None => String::new(),
        };
        let said = match self.is_rehearsed {
            true => format!("counted {times} times, not enforced: {by}"),
            false => format!("said no {times} times{most}: {by}"),
        };
        match times {
            0 => lacking,
            _ if self.is_shown() => said,
            _ => format!("{lacking}; {said}"),
        }
    }
}

/// What is expected of a limit, in words.
fn expected(name: &str, is_rehearsed: bool, is_off: bool) -> String {
    if let Some(Proof::Never(why)) = proof(name) {
        return format!("not reached by a siege: {why}");
    }
    let names: Vec<&str> = attacks::on(name).map(|attack| attack.name).collect();
    let names = names.join(", ");
    match is_rehearsed {
        _ if is_off => format!("off: says no only to {names}, with a value of its own"),
        true => format!("rehearsed: counts {names} and lets it pass"),
        false => format!("says no to {names}"),
    }
}

/// Whether it is a deadline that there is not.
pub(super) fn is_off(name: &str, value: &str) -> bool {
    let time = parse_duration(value.trim_matches('"'));
    name.starts_with("deadlines.") && time.is_some_and(|time| time.is_zero())
}

/// A number, with or without a unit of bytes.
pub(super) fn bytes(value: &str) -> Option<u64> {
    let is_no_digit = |c: char| !c.is_ascii_digit();
    let (number, unit) = value.split_at(value.find(is_no_digit).unwrap_or(value.len()));
    let unit = match unit {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}
