//! What was measured against what must hold: every fault in words, with its figures.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::attack::{Attack, Outcome};
use super::bounds::{
    ARRIVAL_TIME_MAX, MEMORY_BESIDE_BUDGET_BYTES, NEIGHBOURS_IN_PERCENT_MIN, RECOVERY_TIME_MAX,
};
use super::felt::{Arrivals, Quantiles, milliseconds};
use super::limits::Shown;

#[cfg(test)]
pub(super) mod tests;

/// From so many percent of the time on it is told that the server had to wait for its core.
const STARVED_TOLD_PERCENT: f64 = 1.0;
/// From so many on a slow answer may be the machine's.
const STARVED_UNSURE_PERCENT: f64 = 5.0;

/// What the server's own count says of the limits of an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// One has said no.
    Given,
    /// None has.
    Missing,
    /// Nothing is counted for it.
    Uncounted,
    /// Nobody looks at it.
    NotAsked,
    /// The server was asked and did not tell.
    NotTold,
}

/// What an attack comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    Held,
    Failed,
    /// Only the time is at fault, and other programs had the server's core; or nothing is, and nothing that a limit did can be seen either.
    Unsure,
    /// Nothing is at fault, and the limits that it is made for lie beyond it with these settings.
    NotReached,
}

/// One attack and everything that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    pub(super) attack: &'static str,
    pub(super) what: &'static str,
    pub(super) limits: &'static [&'static str],
    pub(super) expected: Vec<String>,
    pub(super) seconds: f64,
    pub(super) connections: u64,
    pub(super) shots: u64,
    /// How connections ended, as their clients saw it.
    pub(super) outcomes: BTreeMap<String, u64>,
    /// Errors told in sessions, by code.
    pub(super) errors: BTreeMap<String, u64>,
    /// Limits that said no, by the server's own count.
    pub(super) limited: BTreeMap<String, u64>,
    /// Configured limits that were reached; `None`: the server may not be asked.
    #[serde(skip)]
    pub(super) shown: Option<Vec<(String, Shown)>>,
    pub(super) calm: Quantiles,
    pub(super) under_attack: Quantiles,
    /// p99 under attack, times the calm one.
    pub(super) slowdown: f64,
    /// What the machine did to both figures: in the calm, under attack.
    pub(super) starved: [Starved; 2],
    pub(super) said: u64,
    pub(super) lost: u64,
    pub(super) put_out: usize,
    /// All who came before the attack.
    pub(super) newcomers_calm: Arrivals,
    pub(super) newcomers: Arrivals,
    pub(super) neighbours: Arrivals,
    pub(super) arrival_calm: Quantiles,
    pub(super) arrival: Quantiles,
    /// Bytes; `None`: the server is not ours to look at.
    pub(super) memory: Option<Memory>,
    /// Microseconds of the server's processor for one connection, above what the honest cost in the calm.
    pub(super) cpu_per_connection_us: Option<f64>,
    /// Milliseconds from the end of the attack until everything was as before; `None`: it never was.
    pub(super) recovered_ms: Option<f64>,
    pub(super) verdict: Verdict,
    /// Why none of its limits could say no.
    pub(super) not_reached: Option<String>,
    /// Each of its limits that could not, and why.
    #[serde(skip)]
    pub(super) unreached: Vec<(&'static str, String)>,
    /// Everything that did not hold.
    pub(super) faults: Vec<String>,
    /// That is the time of round trips alone.
    #[serde(skip)]
    pub(super) is_only_late: bool,
    /// The same of each time that the attack was made before.
    pub(super) before: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Memory {
    pub(super) calm: u64,
    pub(super) peak: u64,
    /// What it may be at most, once it is judged.
    pub(super) peak_max: u64,
    pub(super) after: u64,
}

/// Percent of the time for which somebody wanted a core and another had it.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Starved {
    pub(super) server: f64,
    pub(super) people: f64,
}

impl Starved {
    pub(super) fn of(server: Duration, people: Duration, seconds: f64) -> Self {
        let percent = |wait: Duration| (wait.as_secs_f64() * 1000.0 / seconds).round() / 10.0;
        Starved {
            server: percent(server),
            people: percent(people),
        }
    }
}

/// A limit that is only counted, among those that said no.
pub(super) fn rehearsed(name: &str) -> String {
    format!("{name} (rehearsed)")
}

/// What the judge goes by besides the result itself.
pub(super) struct Law {
    pub(super) unnoticed: Duration,
    pub(super) memory: u64,
}

impl Finding {
    /// Whether a limit that is to hold the attack is rehearsed, and counted it.
    fn was_let_pass(&self, attack: &Attack) -> bool {
        let mut limits = attack.limits.iter();
        limits.any(|limit| {
            let name = limit.strip_prefix("limits.").unwrap_or(limit);
            self.limited.contains_key(&rehearsed(name))
        })
    }

    /// In words, when the machine had a part in it.
    fn starvation(&self) -> String {
        let [_, under] = self.starved;
        if under.server.max(under.people) < STARVED_TOLD_PERCENT {
            return String::new();
        }
        let Starved { server, people } = under;
        format!(
            " (other programs kept the server from its core for {server} % of the time, and the honest for {people} %)"
        )
    }
}

impl Memory {
    /// What it may be when the attack is over: a tenth above the calm figure.
    pub(super) fn after_max(calm: u64) -> u64 {
        calm + calm / 10
    }
}

/// Judges `result`: notes everything that does not hold, and what that comes to.
pub(super) fn judge(
    attack: &Attack,
    outcomes: &BTreeMap<Outcome, u64>,
    sign: Sign,
    result: &mut Finding,
    law: &Law,
) {
    if let Some(memory) = &mut result.memory {
        memory.peak_max = law.memory.saturating_add(MEMORY_BESIDE_BUDGET_BYTES);
    }
    let mut faults = faults(attack, outcomes, sign, result);
    let [_, under] = result.starved;
    let late = slowness(attack, result, law);
    let unseen = unseen(outcomes, sign, result);
    result.verdict = match (faults.is_empty(), &late) {
        (true, None) if result.not_reached.is_some() => Verdict::NotReached,
        (true, None) if unseen.is_some() => Verdict::Unsure,
        (true, None) => Verdict::Held,
        (true, Some(_)) if under.server >= STARVED_UNSURE_PERCENT => Verdict::Unsure,
        _ => Verdict::Failed,
    };
    result.is_only_late = faults.is_empty() && late.is_some();
    faults.extend(late);
    faults.extend(unseen);
    result.faults = faults;
}

/// Why it can not be told whether a limit said no: its counters are not looked at, and nobody was told anything or sent away.
fn unseen(outcomes: &BTreeMap<Outcome, u64>, sign: Sign, result: &Finding) -> Option<String> {
    let is_silent = |outcome: &Outcome| {
        matches!(
            outcome,
            Outcome::Held | Outcome::UnderWay | Outcome::Overdue | Outcome::Left
        )
    };
    let is_unseen = result.errors.is_empty() && outcomes.keys().all(is_silent);
    let is_asked = sign != Sign::NotAsked || result.not_reached.is_some();
    (is_unseen && !is_asked).then(|| {
        "nobody was told anything or sent away, and whether a limit said no is seen by --private alone".to_owned()
    })
}

/// Everything that does not hold, but for how long people waited.
fn faults(
    attack: &Attack,
    outcomes: &BTreeMap<Outcome, u64>,
    sign: Sign,
    result: &Finding,
) -> Vec<String> {
    let mut faults = Vec::new();
    if attack.sockets > 0 && result.connections == 0 {
        faults.push("no attacker has connected".to_owned());
    }
    for (outcome, count) in outcomes {
        // Neither says anything of this attack: too late to be answered, and refused before TLS.
        let is_nothing = matches!(outcome, Outcome::UnderWay | Outcome::Alert)
            || (*outcome == Outcome::Held && result.was_let_pass(attack));
        if !is_nothing && !attack.expect.contains(outcome) {
            let told = format!(
                "{count} of {} connections: {outcome}, which is not expected",
                result.connections
            );
            faults.push(told);
        }
    }
    let held = outcomes.get(&Outcome::Held).copied().unwrap_or(0);
    if held > attack.held_max {
        faults.push(format!(
            "{held} of {} connections: held; at most {}",
            result.connections, attack.held_max
        ));
    }
    match sign {
        Sign::Missing if result.not_reached.is_none() => {
            faults.push(format!("none of {} said no", attack.signs.join(", ")));
        }
        // It may be that nothing held: nobody knows.
        Sign::NotTold => faults.push("the server did not tell its counters".to_owned()),
        _ => {}
    }
    people(result, &mut faults);
    machine(result, &mut faults);
    faults
}

fn people(result: &Finding, faults: &mut Vec<String>) {
    if result.lost > 0 {
        faults.push(format!(
            "{} of {} deliveries between honest people were lost",
            result.lost, result.said
        ));
    }
    if result.put_out > 0 {
        faults.push(format!("{} honest people were put out", result.put_out));
    }
    let seconds = ARRIVAL_TIME_MAX.as_secs();
    let Arrivals { came, got_in } = result.newcomers_calm;
    if got_in < came {
        faults.push(format!(
            "{got_in} of {came} newcomers got in within {seconds} s before it, when nobody attacked; all must"
        ));
    }
    let Arrivals { came, got_in } = result.newcomers;
    if got_in < came {
        faults.push(format!(
            "{got_in} of {came} newcomers got in within {seconds} s; all must"
        ));
    }
    let Arrivals { came, got_in } = result.neighbours;
    if got_in * 100 < came * NEIGHBOURS_IN_PERCENT_MIN {
        let told = format!(
            "{got_in} of {came} newcomers from the attackers' /24 got in within {seconds} s; {NEIGHBOURS_IN_PERCENT_MIN} % must"
        );
        faults.push(told);
    }
}

/// How much longer than in the calm people waited, when it is too much.
fn slowness(attack: &Attack, result: &Finding, law: &Law) -> Option<String> {
    let bound = (result.calm.p99 * attack.slowdown_max).max(milliseconds(law.unnoticed));
    let is_late = result.under_attack.p99 > bound;
    is_late.then(|| {
        format!(
            "p99 of the round trip {:.2} ms, {:.1} times the calm {:.2} ms; at most {bound:.2} ms{}",
            result.under_attack.p99,
            result.slowdown,
            result.calm.p99,
            result.starvation()
        )
    })
}

fn machine(result: &Finding, faults: &mut Vec<String>) {
    if let Some(memory) = result.memory {
        let Memory {
            calm,
            peak,
            peak_max,
            after,
        } = memory;
        if peak > peak_max {
            faults.push(format!(
                "{} MiB of memory; at most {} MiB",
                mebibytes(peak),
                mebibytes(peak_max)
            ));
        }
        if after > Memory::after_max(calm) {
            let told = format!(
                "{} MiB of memory {} s after it, {} MiB before it; at most a tenth more",
                mebibytes(after),
                RECOVERY_TIME_MAX.as_secs(),
                mebibytes(calm)
            );
            faults.push(told);
        }
    }
    if result.recovered_ms.is_none() {
        faults.push(unrecovered());
    }
}

fn unrecovered() -> String {
    let seconds = RECOVERY_TIME_MAX.as_secs();
    format!("connections or queues are not what they were {seconds} s after it")
}

/// What does not hold of an attack that is made for what stays of it: people and connections, and neither times nor memory.
pub(super) fn faults_of_round(result: &Finding, has_recovered: bool) -> Vec<String> {
    let mut faults = Vec::new();
    people(result, &mut faults);
    if !has_recovered {
        faults.push(unrecovered());
    }
    faults
}

/// With one decimal.
pub(super) fn mebibytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1_048_576.0)
}
