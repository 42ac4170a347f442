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

/// From so many percent of the time on it is told that the server had to wait for its core.
const STARVED_TOLD_PERCENT: f64 = 1.0;
/// From so many on a slow answer may be the machine's.
const STARVED_UNSURE_PERCENT: f64 = 5.0;

/// What an attack comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    Held,
    Failed,
    /// Only the time is at fault, and other programs had the server's core.
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
}

#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Memory {
    pub(super) calm: u64,
    pub(super) peak: u64,
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
    has_sign: bool,
    result: &mut Finding,
    law: &Law,
) {
    let mut faults = faults(attack, outcomes, has_sign, result, law);
    let [_, under] = result.starved;
    let late = slowness(attack, result, law);
    result.verdict = match (faults.is_empty(), &late) {
        (true, None) if result.not_reached.is_some() => Verdict::NotReached,
        (true, None) => Verdict::Held,
        (true, Some(_)) if under.server >= STARVED_UNSURE_PERCENT => Verdict::Unsure,
        _ => Verdict::Failed,
    };
    faults.extend(late);
    result.faults = faults;
}

/// Everything that does not hold, but for how long people waited.
fn faults(
    attack: &Attack,
    outcomes: &BTreeMap<Outcome, u64>,
    has_sign: bool,
    result: &Finding,
    law: &Law,
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
    if !has_sign && result.not_reached.is_none() {
        faults.push(format!("none of {} said no", attack.signs.join(", ")));
    }
    people(result, &mut faults);
    machine(result, law, &mut faults);
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
    let Arrivals { came, got_in } = result.newcomers;
    let seconds = ARRIVAL_TIME_MAX.as_secs();
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

fn machine(result: &Finding, law: &Law, faults: &mut Vec<String>) {
    if let Some(Memory { calm, peak, after }) = result.memory {
        let peak_max = law.memory.saturating_add(MEMORY_BESIDE_BUDGET_BYTES);
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
        faults.push(format!(
            "connections or queues are not what they were {} s after it",
            RECOVERY_TIME_MAX.as_secs()
        ));
    }
}

/// With one decimal.
pub(super) fn mebibytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1_048_576.0)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::attack::STRANGERS;
    use super::*;

    const ATTACK: Attack = Attack {
        expect: &[Outcome::Status(429)],
        signs: &["limited:x"],
        ..STRANGERS
    };
    const MIB: u64 = 1024 * 1024;

    pub(in crate::siege) fn good() -> Finding {
        let all = Arrivals {
            came: 40,
            got_in: 40,
        };
        let times = |p99| Quantiles {
            p99,
            ..Quantiles::default()
        };
        Finding {
            attack: "x",
            what: "x",
            limits: &[],
            expected: Vec::new(),
            seconds: 3.0,
            connections: 10,
            shots: 10,
            outcomes: BTreeMap::new(),
            errors: BTreeMap::new(),
            limited: BTreeMap::new(),
            shown: None,
            calm: times(3.0),
            under_attack: times(6.0),
            slowdown: 2.0,
            starved: [Starved::default(); 2],
            said: 1000,
            lost: 0,
            put_out: 0,
            newcomers: all,
            neighbours: Arrivals { got_in: 38, ..all },
            arrival_calm: Quantiles::default(),
            arrival: Quantiles::default(),
            memory: Some(Memory {
                calm: 10 * MIB,
                peak: 128 * MIB,
                after: 11 * MIB,
            }),
            cpu_per_connection_us: None,
            recovered_ms: Some(1.0),
            verdict: Verdict::Failed,
            not_reached: None,
            unreached: Vec::new(),
            faults: Vec::new(),
        }
    }

    fn judged(found: &mut Finding, outcome: Outcome, has_sign: bool) -> Vec<String> {
        let law = Law {
            unnoticed: Duration::from_millis(2),
            memory: 104 * MIB,
        };
        let outcomes = BTreeMap::from([(outcome, 3), (Outcome::UnderWay, 1)]);
        judge(&ATTACK, &outcomes, has_sign, found, &law);
        found.faults.clone()
    }

    #[test]
    fn what_holds_at_its_bounds_has_no_fault() {
        let mut found = good();
        assert_eq!(judged(&mut found, Outcome::Status(429), true), [""; 0]);
        assert_eq!(found.verdict, Verdict::Held);
        let mut quick = good();
        (quick.calm.p99, quick.under_attack.p99) = (0.1, 2.0);
        assert_eq!(judged(&mut quick, Outcome::Status(429), true), [""; 0]);
    }

    #[test]
    fn everything_that_does_not_hold_is_told_once_with_its_figures() {
        type Spoil = fn(&mut Finding);
        let spoils: [(Spoil, &str); 8] = [
            (|found| found.lost = 1, "1 of 1000 deliveries"),
            (|found| found.put_out = 2, "2 honest people were put out"),
            (|found| found.under_attack.p99 = 6.1, "at most 6.00 ms"),
            (
                |found| found.newcomers.got_in = 39,
                "39 of 40 newcomers got in",
            ),
            (
                |found| found.neighbours.got_in = 37,
                "37 of 40 newcomers from",
            ),
            (|found| found.recovered_ms = None, "are not what they were"),
            (
                |found| found.memory.iter_mut().for_each(|memory| memory.peak += 1),
                "at most 128.0 MiB",
            ),
            (
                |found| found.memory.iter_mut().for_each(|memory| memory.after += 1),
                "11.0 MiB of memory 10 s after it, 10.0 MiB before it",
            ),
        ];
        for (spoil, told) in spoils {
            let mut found = good();
            spoil(&mut found);
            let faults = judged(&mut found, Outcome::Status(429), true);
            assert!(
                matches!(&*faults, [fault] if fault.contains(told)),
                "{told}: {faults:?}"
            );
            assert_eq!(found.verdict, Verdict::Failed, "{told}");
        }
        let mut idle = good();
        idle.connections = 0;
        let faults = judged(&mut idle, Outcome::UnderWay, true);
        assert_eq!(faults, ["no attacker has connected"]);
        let unexpected = judged(&mut good(), Outcome::Held, true);
        assert_eq!(
            unexpected,
            ["3 of 10 connections: held, which is not expected"]
        );
        let silent = judged(&mut good(), Outcome::Status(429), false);
        assert_eq!(silent, ["none of limited:x said no"]);
    }

    #[test]
    fn an_attack_whose_limits_lie_beyond_it_has_not_held_and_not_failed_but_for_another_fault() {
        let unreached = || {
            let mut found = good();
            found.not_reached = Some("limits.x = 9: the attack goes to 8".to_owned());
            found
        };
        let mut found = unreached();
        assert_eq!(judged(&mut found, Outcome::Status(429), false), [""; 0]);
        assert_eq!(found.verdict, Verdict::NotReached);
        let mut found = unreached();
        found.lost = 1;
        judged(&mut found, Outcome::Status(429), false);
        assert_eq!(found.verdict, Verdict::Failed);
    }

    #[test]
    fn who_is_let_pass_by_a_rehearsed_limit_is_no_fault_and_whatever_else_comes_of_it_is() {
        let attack = Attack {
            limits: &["limits.x"],
            ..ATTACK
        };
        let law = Law {
            unnoticed: Duration::from_millis(2),
            memory: 104 * MIB,
        };
        for (counted, outcome, expected) in [
            (rehearsed("x"), Outcome::Held, Verdict::Held),
            (rehearsed("x"), Outcome::Status(503), Verdict::Failed),
            (rehearsed("y"), Outcome::Held, Verdict::Failed),
            ("x".to_owned(), Outcome::Held, Verdict::Failed),
        ] {
            let mut found = good();
            found.limited.insert(counted.clone(), 3);
            let outcomes = BTreeMap::from([(outcome, 3)]);
            judge(&attack, &outcomes, true, &mut found, &law);
            assert_eq!(found.verdict, expected, "{counted} {outcome}");
        }
    }

    #[test]
    fn a_slow_answer_of_a_server_that_had_no_core_is_no_verdict_and_anything_else_is() {
        let mut found = good();
        found.under_attack.p99 = 7.0;
        found.starved[1].server = STARVED_UNSURE_PERCENT;
        let faults = judged(&mut found, Outcome::Status(429), true);
        assert_eq!(found.verdict, Verdict::Unsure);
        assert!(
            matches!(&*faults, [fault] if fault.contains("from its core for 5 % of the time")),
            "{faults:?}"
        );
        found.lost = 1;
        judged(&mut found, Outcome::Status(429), true);
        assert_eq!(found.verdict, Verdict::Failed);
    }
}
