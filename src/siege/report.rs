//! The report: a line for each attack as it ends, a line for each limit at the end, and all of it as JSON.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use super::attack::Attack;
use super::felt::Quantiles;
use super::limits::{self, Limit, Standing};
use super::manners::Manners;
use super::rest::Rest;
use super::verdict::{Finding, Memory, Verdict, mebibytes};
use super::{Setting, SiegeError};

/// Everything that was found.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    version: &'static str,
    /// What it all comes to, and whether that is a success.
    verdict: Conclusion,
    held: bool,
    /// Why it ended before its end: what is told is a part.
    partial: Option<String>,
    server: String,
    /// The server had a core that no attacker used.
    cores_split: bool,
    seconds: f64,
    attacks: Vec<Finding>,
    not_made: Vec<NotMade>,
    limits: Vec<Limit>,
    costs: Option<Costs>,
    /// `None`: everything was not made, or the server is not ours to look at.
    at_rest: Option<Rest>,
}

/// An attack that this server can not be put to.
#[derive(Debug, Serialize)]
struct NotMade {
    attack: &'static str,
    why: String,
    /// The operator's settings are why: one that runs with settings of its own is not to blame.
    #[serde(skip)]
    is_fault: bool,
}

/// What a connection costs the server's processor, in microseconds.
#[derive(Debug, Clone, Copy, Serialize)]
struct Costs {
    bad_token_us: f64,
    sign_in_us: f64,
    held: bool,
}

/// What a siege comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    Held,
    Failed,
    /// Nothing failed, and of some attacks it can not be told.
    Unsure,
    /// Some attacks could not be made with the operator's settings, and nothing failed in the others.
    NotMade,
    /// Some limits lie beyond the attacks with the operator's settings, and nothing failed.
    NotReached,
    /// It was told to end, and nothing had failed until then.
    Interrupted,
    /// None of the attacks could be made.
    Untried,
}

impl Conclusion {
    /// Why that is no success.
    pub const fn fault(self) -> Option<&'static str> {
        match self {
            Conclusion::Held => None,
            Conclusion::Failed => {
                Some("not everything held: the lines above marked FAILED say what and by how much")
            }
            Conclusion::Unsure => Some(
                "nothing has failed, but of the attacks above marked unsure it can not be told whether they held, for the reasons that stand there",
            ),
            Conclusion::NotMade => Some(
                "nothing has failed, but the attacks above marked `not made` could not be made with these settings",
            ),
            Conclusion::NotReached => Some(
                "nothing has failed, but the limits above marked `not reached` were not, for the reasons that stand there",
            ),
            Conclusion::Interrupted => Some("interrupted: nothing has failed until then"),
            Conclusion::Untried => Some(
                "no attack was made: those that were asked for need a server of the siege's own",
            ),
        }
    }
}

/// The two attacks whose costs are compared.
pub(super) const BAD_TOKEN: &str = "bad-token";
pub(super) const SIGN_IN: &str = "sign-in-storm";

const WIDTHS: [usize; 9] = [11, 24, 17, 17, 6, 10, 16, 9, 20];

pub(super) fn head(manners: Manners, output: &mut dyn Write) -> io::Result<()> {
    if let Some(told) = manners.told() {
        writeln!(output, "{told}")?;
    }
    let told = "Honest people: round trip of a message as p50/p99/p99.9 in ms, deliveries lost, newcomers who got in (from elsewhere + from the attackers' /24)";
    writeln!(output, "{told}")?;
    let names = [
        "VERDICT",
        "ATTACK",
        "CALM ms",
        "ATTACK ms",
        "TIMES",
        "LOST",
        "NEWCOMERS",
        "p99 ms",
        "MiB CALM/PEAK/AFTER",
    ];
    row(
        &names.map(str::to_owned),
        "EXPECTED: MEASURED [LIMITS THAT SAID NO]",
        output,
    )
}

fn row(cells: &[String; 9], last: &str, output: &mut dyn Write) -> io::Result<()> {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(WIDTHS) {
        line.push_str(&format!("{cell:width$}  "));
    }
    writeln!(output, "{line}{last}")?;
    output.flush()
}

fn times(of: &Quantiles) -> String {
    format!("{:.2}/{:.2}/{:.2}", of.p50, of.p99, of.p999)
}

fn counts(of: &BTreeMap<String, u64>) -> String {
    let told: Vec<String> = of
        .iter()
        .map(|(name, count)| format!("{name} x{count}"))
        .collect();
    told.join(", ")
}

/// One attack, and below it everything that did not hold.
pub(super) fn line(found: &Finding, output: &mut dyn Write) -> io::Result<()> {
    let verdict = match found.verdict {
        Verdict::Held => "held",
        Verdict::Failed => "FAILED",
        Verdict::Unsure => "unsure",
        Verdict::NotReached => "not reached",
    };
    let memory = found.memory.map_or_else(
        || "-".to_owned(),
        |memory| {
            [memory.calm, memory.peak, memory.after]
                .map(mebibytes)
                .join("/")
        },
    );
    let (others, neighbours) = (found.newcomers, found.neighbours);
    let cells = [
        verdict.to_owned(),
        found.attack.to_owned(),
        times(&found.calm),
        times(&found.under_attack),
        format!("{:.1}x", found.slowdown),
        format!("{}/{}", found.lost, found.said),
        format!(
            "{}/{}+{}/{}",
            others.got_in, others.came, neighbours.got_in, neighbours.came
        ),
        format!("{:.1}", found.arrival.p99),
        memory,
    ];
    let mut last = format!("{}: {}", found.expected.join(" "), counts(&found.outcomes));
    if !found.errors.is_empty() {
        last.push_str(&format!("; told {}", counts(&found.errors)));
    }
    last.push_str(&format!(" [{}]", counts(&found.limited)));
    if let Some(cost) = found.cpu_per_connection_us {
        last.push_str(&format!(
            " {} connections, {cost:.0} us each",
            found.connections
        ));
    }
    row(&cells, &last, output)?;
    for fault in found.faults.iter().chain(&found.not_reached) {
        writeln!(output, "             - {fault}")?;
    }
    for fault in &found.before {
        writeln!(output, "             - made again, since before: {fault}")?;
    }
    output.flush()
}

impl Report {
    pub(super) fn new(
        server: &str,
        cores_split: bool,
        time: Duration,
        settings: &[Setting],
        rehearsed: &[&str],
    ) -> Self {
        let limits = settings
            .iter()
            .filter(|setting| limits::has_line(&setting.key));
        let limits = limits.map(|of| Limit::new(of.key.clone(), of.value.clone(), rehearsed));
        Report {
            version: env!("CARGO_PKG_VERSION"),
            verdict: Conclusion::Untried,
            held: false,
            partial: None,
            server: server.to_owned(),
            cores_split,
            seconds: time.as_secs_f64(),
            attacks: Vec::new(),
            not_made: Vec::new(),
            limits: limits.collect(),
            costs: None,
            at_rest: None,
        }
    }

    pub(super) fn add(&mut self, found: Finding) {
        for limit in &mut self.limits {
            if let Some(shown) = &found.shown {
                let of = shown.iter().find(|(name, _)| name == limit.name());
                let mut unreached = found.unreached.iter();
                let why = unreached.find(|(name, _)| *name == limit.name());
                limit.note(
                    found.attack,
                    of.map(|(_, shown)| shown),
                    why.map(|(_, why)| &**why),
                );
            } else {
                limit.note_unseen(found.attack);
            }
        }
        self.attacks.push(found);
    }

    pub(super) fn add_rest(&mut self, rest: Rest) {
        self.at_rest = Some(rest);
    }

    /// Takes note of an attack that was not made; a server that runs with settings of its own is not to blame for that.
    pub(super) fn leave_out(
        &mut self,
        attack: &Attack,
        why: String,
        is_own: bool,
        output: &mut dyn Write,
    ) -> io::Result<()> {
        writeln!(output, "not made {}: {why}", attack.name)?;
        self.not_made.push(NotMade {
            attack: attack.name,
            why,
            is_fault: is_own,
        });
        Ok(())
    }

    /// Says what it comes to; `early` is why it ended before its end.
    pub(super) fn close(&mut self, early: Option<&SiegeError>) -> Conclusion {
        let cost = |name: &str| {
            let found = self.attacks.iter().find(|found| found.attack == name)?;
            found.cpu_per_connection_us
        };
        self.costs = cost(BAD_TOKEN).zip(cost(SIGN_IN)).map(|(bad, good)| Costs {
            bad_token_us: bad,
            sign_in_us: good,
            held: bad < good,
        });
        self.verdict = match (self.conclusion(), early) {
            (Conclusion::Failed, _) => Conclusion::Failed,
            (_, Some(SiegeError::Interrupted(_))) => Conclusion::Interrupted,
            (_, Some(_)) => Conclusion::Failed,
            (conclusion, None) => conclusion,
        };
        self.held = self.verdict == Conclusion::Held;
        self.partial = early.map(SiegeError::to_string);
        self.verdict
    }

    fn conclusion(&self) -> Conclusion {
        let is_dear = self.costs.is_some_and(|costs| !costs.held);
        let leaks = self.at_rest.as_ref().is_some_and(|rest| !rest.has_held());
        let limits = |is: Standing| {
            let of_it = self.limits.iter().filter(|limit| limit.verdict() == is);
            of_it.count()
        };
        let failed = [self.count(Verdict::Failed), limits(Standing::Failed)];
        let not_reached = [
            self.count(Verdict::NotReached),
            limits(Standing::NotReached),
        ];
        if self.attacks.is_empty() && !self.not_made.iter().any(|one| one.is_fault) {
            Conclusion::Untried
        } else if is_dear || leaks || failed != [0, 0] {
            Conclusion::Failed
        } else if self.not_made.iter().any(|one| one.is_fault) {
            Conclusion::NotMade
        } else if not_reached != [0, 0] {
            Conclusion::NotReached
        } else if self.count(Verdict::Unsure) > 0 {
            Conclusion::Unsure
        } else {
            Conclusion::Held
        }
    }

    fn count(&self, verdict: Verdict) -> usize {
        let of_it = self.attacks.iter().filter(|found| found.verdict == verdict);
        of_it.count()
    }

    /// The attack under which the server had most memory, and how much of what it may have.
    fn highest(&self) -> Option<(&'static str, Memory)> {
        let all = self.attacks.iter();
        all.filter_map(|found| Some((found.attack, found.memory?)))
            .max_by_key(|(_, memory)| memory.peak)
    }

    /// The limits, and what it comes to.
    pub(super) fn conclude(&self, output: &mut dyn Write) -> io::Result<()> {
        writeln!(output, "\nVERDICT      LIMIT = VALUE [EXPECTED] MEASURED")?;
        for limit in &self.limits {
            writeln!(output, "{}", limit.line())?;
        }
        if let Some(costs) = self.costs {
            let verdict = if costs.held { "held" } else { "FAILED" };
            let [bad, good] = [costs.bad_token_us, costs.sign_in_us];
            writeln!(
                output,
                "\n{verdict}: a bad token costs {bad:.0} us, a good sign-in {good:.0} us"
            )?;
        }
        if let Some((attack, memory)) = self.highest() {
            writeln!(
                output,
                "\nmemory: {} MiB at most ({attack}), {} MiB allowed",
                mebibytes(memory.peak),
                mebibytes(memory.peak_max)
            )?;
        }
        if let Some(rest) = &self.at_rest {
            writeln!(output, "\n{}", rest.lines())?;
        }
        let [held, unsure, beyond] = [Verdict::Held, Verdict::Unsure, Verdict::NotReached]
            .map(|verdict| self.count(verdict));
        let all = self.attacks.len();
        let unsure = match unsure {
            0 => String::new(),
            some => format!(", of {some} it can not be told"),
        };
        let beyond = match beyond {
            0 => String::new(),
            some => format!(", {some} not reached"),
        };
        if let Some(why) = &self.partial {
            writeln!(output, "\npartial: {why}")?;
        }
        let cores = if self.cores_split {
            "on a core of its own"
        } else {
            "on cores that attackers use too"
        };
        writeln!(
            output,
            "\n{held} of {all} attacks held{unsure}{beyond} ({}, {cores}, {} s each)",
            self.server, self.seconds
        )
    }

    pub(super) fn write_json(&self, file: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *file, self)?;
        writeln!(file)
    }
}

#[cfg(test)]
mod tests {
    use super::super::verdict::tests::good;
    use super::*;

    fn of(verdicts: &[Verdict]) -> Conclusion {
        let mut report = Report::new("a server", true, Duration::ZERO, &[], &[]);
        for verdict in verdicts {
            let mut found = good();
            found.verdict = *verdict;
            report.add(found);
        }
        report.close(None)
    }

    #[test]
    fn a_server_that_keeps_more_and_more_has_not_held_whatever_its_attacks_did() {
        for (after, expected) in [
            (3_300_000, Conclusion::Held),
            (3_400_000, Conclusion::Failed),
        ] {
            let mut report = Report::new("a server", true, Duration::ZERO, &[], &[]);
            let mut found = good();
            found.verdict = Verdict::Held;
            report.add(found);
            report.add_rest(Rest::of(3_000_000, after, Vec::new()));
            assert_eq!(report.close(None), expected, "{after}");
        }
    }

    #[test]
    fn what_a_siege_comes_to_is_what_its_lines_say() {
        use Verdict::{Failed, Held, NotReached, Unsure};
        let rows: [(&[Verdict], Conclusion); 7] = [
            (&[Held, Unsure, NotReached], Conclusion::NotReached),
            (&[NotReached, Failed], Conclusion::Failed),
            (&[Held, Held], Conclusion::Held),
            (&[Held, Unsure], Conclusion::Unsure),
            (&[Unsure, Failed, Held], Conclusion::Failed),
            (&[Failed], Conclusion::Failed),
            (&[], Conclusion::Untried),
        ];
        for (verdicts, expected) in rows {
            let found = of(verdicts);
            assert_eq!(found, expected, "{verdicts:?}");
            let fault = found.fault().unwrap_or_default();
            let has_failed = verdicts.contains(&Failed);
            assert_eq!(
                fault.contains("FAILED"),
                has_failed,
                "{verdicts:?}: {fault}"
            );
            assert_eq!(fault.is_empty(), found == Conclusion::Held);
        }
        let mut report = Report::new("a server", true, Duration::ZERO, &[], &[]);
        let attack = super::super::attacks::all().next().expect("an attack");
        let mut leave_out = |is_own| {
            let told = report.leave_out(attack, "why".to_owned(), is_own, &mut Vec::new());
            told.expect("a vector takes it");
            report.close(None)
        };
        assert_eq!(leave_out(false), Conclusion::Untried, "a running one's");
        assert_eq!(leave_out(true), Conclusion::NotMade);
        let limits = [Setting {
            key: "limits.connections_per_user".to_owned(),
            value: "3".to_owned(),
            default: None,
        }];
        let mut report = Report::new("a server", true, Duration::ZERO, &limits, &[]);
        let mut found = good();
        found.verdict = Held;
        (found.attack, found.shown) = ("one-user-everywhere", Some(Vec::new()));
        report.add(found);
        assert_eq!(
            report.close(None),
            Conclusion::Failed,
            "its limit said nothing"
        );
        let mut report = Report::new("a server", true, Duration::ZERO, &limits, &[]);
        let mut found = good();
        found.verdict = Held;
        (found.attack, found.shown) = ("one-user-everywhere", Some(Vec::new()));
        found.unreached = vec![("limits.connections_per_user", "why".to_owned())];
        report.add(found);
        assert_eq!(report.close(None), Conclusion::NotReached);
        let early = SiegeError::Interrupted("in the attack x".to_owned());
        assert_eq!(report.close(Some(&early)), Conclusion::Interrupted);
        let early = SiegeError::Server("it has ended".to_owned());
        assert_eq!(report.close(Some(&early)), Conclusion::Failed);
        let mut written = Vec::new();
        report.write_json(&mut written).expect("a vector takes it");
        let json: serde_json::Value = serde_json::from_slice(&written).expect("JSON");
        assert_eq!(json["verdict"], "failed");
        assert_eq!(json["held"], false);
        assert_eq!(json["partial"], "the server does not run: it has ended");
        assert_eq!(json["limits"][0]["verdict"], "not_reached");
    }
}
