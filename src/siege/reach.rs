//! Whether an attack can reach the limits that it is made for with the settings that there are. One that lies beyond it has neither
//! held nor failed, and is said to be so, with what was done and what would have been needed.

use std::cmp::Ordering;
use std::time::Duration;

use super::attack::{Attack, End, Entry, From};
use super::{Setting, limits};
use crate::config::parse_duration;

#[cfg(test)]
mod tests;

/// What must be so of a setting for an attack to be what it is meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// The attack does so much: the number is smaller.
    Below(&'static str, u64),
    /// Or something else says no first.
    AtLeast(&'static str, u64),
    /// A room besides the lobby that anybody may join.
    OtherRoom,
}

/// The settings in force in one attack, and what bounds it.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) settings: &'a [Setting],
    pub(super) attack: &'a Attack,
    pub(super) time: Duration,
    pub(super) sockets_max: usize,
    pub(super) has_other_room: bool,
    /// Settings of a server that runs which let everybody pass who comes from where a siege does.
    pub(super) exempting: &'a [String],
}

/// What all attackers together did.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Done {
    pub(super) connections: u64,
    pub(super) shots: u64,
    pub(super) bytes: u64,
}

impl<'a> Given<'a> {
    /// The same for another attack.
    pub(super) fn of(self, attack: &'a Attack) -> Self {
        Given { attack, ..self }
    }

    fn value(&self, key: &str) -> Option<&'a str> {
        let own = self.attack.changed(key);
        let found = || self.settings.iter().find(|setting| setting.key == key);
        own.or_else(|| found().map(|setting| setting.value.as_str()))
    }

    pub(super) fn number(&self, key: &str) -> Option<u64> {
        limits::bytes(self.value(key)?)
    }

    /// A deadline; `None` for one that there is not.
    fn deadline(&self, key: &str) -> Option<Duration> {
        let time = parse_duration(self.value(key)?.trim_matches('"'))?;
        (!time.is_zero()).then_some(time)
    }

    /// So many a rate lets pass while the attack lasts.
    fn allowed(&self, key: &str) -> Option<f64> {
        self.let_pass(self.value(key)?)
    }

    /// The same of a rate as it is written.
    fn let_pass(&self, rate: &str) -> Option<f64> {
        let (_, rest) = rate.split_once("burst = ")?;
        let (burst, rest) = rest.split_once(", per = \"")?;
        let per = parse_duration(rest.split('"').next()?)?.as_secs_f64();
        let burst = burst.trim().parse::<u64>().ok()? as f64;
        Some(burst + burst * self.time.as_secs_f64() / per)
    }

    /// Addresses that so many connections come from.
    fn addresses(&self, connections: u64) -> u64 {
        let all = match self.attack.from {
            From::Address => 1,
            From::Network => 190,
            From::Everywhere | From::Networks => u64::MAX,
        };
        connections.clamp(1, all)
    }

    fn users(&self, connections: u64) -> u64 {
        match self.attack.entry {
            Entry::SignedIn(users) => connections.clamp(1, u64::from(users.max(1))),
            Entry::Raw => 1,
        }
    }

    /// Why the attack is not what it is meant to be, whatever its own limits are.
    pub(super) fn hindrance(&self) -> Option<String> {
        let attack = self.attack;
        if let Some(key) = self.exempting.iter().find(|key| self.is_spared_by(key)) {
            return Some(format!(
                "{key} spares the addresses that a siege comes from: others would be needed"
            ));
        }
        let others = attack.needs.iter().filter(|need| !need.is_own_of(attack));
        let mut unmet = others.filter_map(|need| self.unmet(*need));
        unmet.next().or_else(|| self.silence())
    }

    /// Whether this setting, which names addresses that a siege comes from, keeps it from what it is on.
    fn is_spared_by(&self, key: &str) -> bool {
        let is_on = |is: fn(&str) -> bool| self.attack.limits.iter().any(|limit| is(limit));
        match key {
            "limits.penalty_exempt" => is_on(|limit| limit == "limits.offences_per_address"),
            "proxy.trusted" => is_on(|limit| limit == "proxy.trusted" || is_of_address(limit)),
            _ => is_on(is_of_address),
        }
    }

    fn unmet(&self, need: Need) -> Option<String> {
        match need {
            Need::Below(key, does) => {
                let value = self.number(key).filter(|value| *value >= does)?;
                Some(format!(
                    "{key} = {value}: the attack goes to {does}, more than {value} would be needed"
                ))
            }
            Need::AtLeast(key, does) => {
                let value = self.number(key).filter(|value| *value < does)?;
                Some(format!(
                    "{key} = {value} says no first: the attack needs {does}"
                ))
            }
            Need::OtherRoom => (!self.has_other_room).then(|| {
                "rooms.public: there is no room besides the lobby, one would be needed".to_owned()
            }),
        }
    }

    /// Whoever is silent on purpose is sent away for that first.
    fn silence(&self) -> Option<String> {
        let attack = self.attack;
        let is_silent = attack.entry != Entry::Raw && attack.shots == 0 && attack.end == End::Stay;
        let mut keys = ["deadlines.idle", "deadlines.first_message"].into_iter();
        let first = keys.find(|key| {
            let is_over = self.deadline(key).is_some_and(|time| time < self.time);
            is_silent && is_over && !attack.limits.contains(key)
        })?;
        Some(format!(
            "{first} = {} says no first: the attack is silent for {} s",
            self.value(first).unwrap_or_default(),
            self.time.as_secs_f64()
        ))
    }

    /// Whether the attack is not what it is meant to be, so that its connections may end otherwise than expected.
    pub(super) fn is_void(&self) -> bool {
        let mut limits = self.attack.limits.iter();
        let are_beyond =
            !self.attack.limits.is_empty() && limits.all(|limit| self.beyond(limit).is_some());
        are_beyond || self.hindrance().is_some()
    }

    /// Why `limit` lies beyond the attack, whatever comes of it.
    pub(super) fn beyond(&self, limit: &str) -> Option<String> {
        let own = || {
            let needs = self.attack.needs.iter();
            let mut own = needs.filter(|need| need.key() == Some(limit));
            own.find_map(|need| self.unmet(*need))
        };
        let hindrance = self.hindrance().or_else(own);
        hindrance.or_else(|| self.too_few(limit, u64::MAX)).or_else(|| {
            let time = self.deadline(limit).filter(|time| *time >= self.time)?;
            let (time, lasts) = (time.as_secs_f64(), self.time.as_secs_f64());
            Some(format!(
                "{limit} = {time} s: the attack takes {lasts} s, more than {time} s would be needed"
            ))
        })
    }

    /// Why fewer sockets are there than a limit on connections allows, when so many come in all.
    fn too_few(&self, limit: &str, connections: u64) -> Option<String> {
        let sockets = self.attack.sockets.min(self.sockets_max) as u64;
        let sockets = sockets.min(connections);
        let most = match limit {
            "limits.connections_max" | "limits.unauthenticated_max" => sockets,
            "limits.plain_per_address" | "limits.connections_per_address" => {
                sockets.div_ceil(self.addresses(sockets))
            }
            "limits.connections_per_user" => sockets.div_ceil(self.users(sockets)),
            _ => return None,
        };
        let value = self.number(limit).filter(|value| *value >= most)?;
        Some(format!(
            "{limit} = {value}: {most} connections at most, more than {value} would be needed"
        ))
    }

    /// Why nothing that was done went beyond `limit`.
    pub(super) fn not_passed(&self, limit: &str, done: Done) -> Option<String> {
        let Done {
            connections,
            shots,
            bytes,
        } = done;
        let (_, name) = limit.split_once('.')?;
        let (what, scope) = name.split_once("_per_").unwrap_or((name, ""));
        let (of, all) = match scope {
            "address" => ("address", self.addresses(connections)),
            "user" => ("user", self.users(connections)),
            _ => ("connection", connections.max(1)),
        };
        let (amount, what) = match what {
            "bytes" => (bytes, "bytes"),
            "handshakes" | "failed_authentications" | "offences" => (connections, "connections"),
            // Points: a tiny fragment has two.
            "glitches" => (shots.saturating_mul(2), "points"),
            _ => (shots, "shots"),
        };
        if let Some(why) = self.too_few(limit, connections) {
            return Some(why);
        }
        let each = amount.div_ceil(all);
        let allowed = match limit {
            "limits.fragments_per_message_max" => self.number(limit)? as f64,
            _ => self.allowed(limit)?,
        };
        (each as f64 <= allowed).then(|| {
            format!(
                "{limit} = {}: {each} {what} of each {of} in {} s, more than {allowed:.0} would be needed",
                self.value(limit).unwrap_or_default(),
                self.time.as_secs_f64()
            )
        })
    }

    /// Why the table of prefixes was not filled by an attack that is to fill it, whatever said no to it.
    pub(super) fn not_filled(&self, connections: u64) -> Option<String> {
        let is_to_fill = self.attack.from == From::Networks;
        let key = "limits.prefixes_max";
        let most = self.number(key).filter(|_| is_to_fill)?;
        (connections <= most).then(|| {
            format!("{key} = {most}: {connections} connections, each of another /24, more than {most} would be needed")
        })
    }

    /// Why others of the operator's own making said no in place of `limit`: they are lower than the default among what `said_no`, or it is higher.
    pub(super) fn others_first(&self, limit: &str, said_no: &[String]) -> Option<String> {
        let is_own_raised = self.strays(limit, Ordering::Greater);
        let is_lowered = |key: &str| self.strays(key, Ordering::Less);
        let first = said_no.iter();
        let first = first.filter(|key| is_own_raised || is_lowered(key));
        let first: Vec<&str> = first.map(String::as_str).collect();
        (!first.is_empty()).then(|| format!("{limit}: {} said no first", first.join(", ")))
    }
}

impl Given<'_> {
    /// Whether the operator has set it higher than the default, or lower; where the two can not be compared, whether it is another.
    fn strays(&self, key: &str, which: Ordering) -> bool {
        let is_own = self.attack.changed(key).is_none();
        let mut settings = self.settings.iter().filter(|_| is_own);
        let Some(setting) = settings.find(|setting| setting.key == key) else {
            return false;
        };
        let default = setting.default.as_deref().unwrap_or_default();
        let amounts = [&setting.value, default].map(|value| self.amount(key, value));
        match amounts {
            [Some(value), Some(default)] => value.partial_cmp(&default) == Some(which),
            _ => setting.value != default,
        }
    }

    /// How much a value lets pass: a number, a rate while the attack lasts, or a time, of which there may be no end.
    fn amount(&self, key: &str, value: &str) -> Option<f64> {
        if limits::is_off(key, value) {
            return Some(f64::INFINITY);
        }
        let number = limits::bytes(value).map(|number| number as f64);
        let time = || Some(parse_duration(value.trim_matches('"'))?.as_secs_f64());
        number.or_else(|| self.let_pass(value)).or_else(time)
    }
}

fn is_of_address(limit: &str) -> bool {
    limit.ends_with("_per_address")
}

impl Need {
    fn key(self) -> Option<&'static str> {
        match self {
            Need::Below(key, _) | Need::AtLeast(key, _) => Some(key),
            Need::OtherRoom => None,
        }
    }

    /// Whether it is of a limit that the attack is on.
    fn is_own_of(self, attack: &Attack) -> bool {
        self.key().is_some_and(|key| attack.limits.contains(&key))
    }
}
