//! The report: a line for each attack as it ends, a line for each limit at the end, and all of it as JSON.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use super::attack::Attack;
use super::felt::Quantiles;
use super::limits::Limit;
use super::manners::Manners;
use super::verdict::{Finding, Verdict, mebibytes};

/// Everything that was found.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    version: &'static str,
    server: String,
    /// The server had a core that no attacker used.
    cores_split: bool,
    seconds: f64,
    attacks: Vec<Finding>,
    /// Attacks that could not be made with the operator's settings.
    not_made: Vec<&'static str>,
    limits: Vec<Limit>,
}

/// What a siege comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    Held,
    Failed,
    /// Nothing failed, and of some attacks it can not be told.
    Unsure,
    /// Some attacks could not be made with the operator's settings, and nothing failed in the others.
    NotMade,
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
                "nothing has failed, but of the attacks above marked unsure it can not be told whether they held: other programs had the server's core",
            ),
            Conclusion::NotMade => Some(
                "nothing has failed, but the attacks above marked `not made` could not be made with these settings",
            ),
            Conclusion::Untried => Some(
                "no attack was made: those that were asked for need a server of the siege's own",
            ),
        }
    }
}

/// The two attacks whose costs are compared.
pub(super) const BAD_TOKEN: &str = "bad-token";
pub(super) const SIGN_IN: &str = "sign-in-storm";

const WIDTHS: [usize; 9] = [7, 24, 17, 17, 6, 10, 16, 9, 20];

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

/// An attack that this server can not be put to.
pub(super) fn not_made(attack: &Attack, why: &str, output: &mut dyn Write) -> io::Result<()> {
    writeln!(output, "not made {}: {why}", attack.name)
}

/// One attack, and below it everything that did not hold.
pub(super) fn line(found: &Finding, output: &mut dyn Write) -> io::Result<()> {
    let verdict = match found.verdict {
        Verdict::Held => "held",
        Verdict::Failed => "FAILED",
        Verdict::Unsure => "unsure",
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
    for fault in &found.faults {
        writeln!(output, "         - {fault}")?;
    }
    output.flush()
}

impl Report {
    pub(super) fn new(
        server: &str,
        cores_split: bool,
        time: Duration,
        limits: Vec<(String, String)>,
        rehearsed: &[&str],
    ) -> Self {
        let limits = limits.into_iter();
        let limits = limits.map(|(name, value)| Limit::new(name, value, rehearsed));
        Report {
            version: env!("CARGO_PKG_VERSION"),
            server: server.to_owned(),
            cores_split,
            seconds: time.as_secs_f64(),
            attacks: Vec::new(),
            not_made: Vec::new(),
            limits: limits.collect(),
        }
    }

    pub(super) fn add(&mut self, found: Finding) {
        for limit in &mut self.limits {
            if let Some(shown) = &found.shown {
                let of = shown.iter().find(|(name, _)| name == limit.name());
                limit.note(found.attack, of.map(|(_, shown)| shown));
            }
        }
        self.attacks.push(found);
    }

    /// Takes note of an attack that was not made; one that runs with settings of its own is not to blame for that.
    pub(super) fn leave_out(&mut self, attack: &Attack, is_own: bool) {
        if is_own {
            self.not_made.push(attack.name);
        }
    }

    pub(super) fn conclusion(&self) -> Conclusion {
        let is_dear = self.costs().is_some_and(|(bad, good)| bad >= good);
        let limits_failed = self.limits.iter().filter(|limit| limit.has_failed());
        let failed = [self.count(Verdict::Failed), limits_failed.count()];
        if self.attacks.is_empty() && self.not_made.is_empty() {
            Conclusion::Untried
        } else if is_dear || failed != [0, 0] {
            Conclusion::Failed
        } else if !self.not_made.is_empty() {
            Conclusion::NotMade
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

    /// What a bad token and a good sign-in cost, in microseconds, when both were tried.
    fn costs(&self) -> Option<(f64, f64)> {
        let cost = |name: &str| {
            let found = self.attacks.iter().find(|found| found.attack == name)?;
            found.cpu_per_connection_us
        };
        Some((cost(BAD_TOKEN)?, cost(SIGN_IN)?))
    }

    /// The limits, and what it comes to.
    pub(super) fn conclude(&self, output: &mut dyn Write) -> io::Result<()> {
        writeln!(output, "\nVERDICT  LIMIT = VALUE [EXPECTED] MEASURED")?;
        for limit in &self.limits {
            writeln!(output, "{}", limit.line())?;
        }
        if let Some((bad, good)) = self.costs() {
            let verdict = if bad < good { "held" } else { "FAILED" };
            writeln!(
                output,
                "\n{verdict}: a bad token costs {bad:.0} us, a good sign-in {good:.0} us"
            )?;
        }
        let [held, unsure] = [Verdict::Held, Verdict::Unsure].map(|verdict| self.count(verdict));
        let all = self.attacks.len();
        let unsure = match unsure {
            0 => String::new(),
            some => format!(", of {some} it can not be told"),
        };
        let cores = if self.cores_split {
            "on a core of its own"
        } else {
            "on cores that attackers use too"
        };
        writeln!(
            output,
            "\n{held} of {all} attacks held{unsure} ({}, {cores}, {} s each)",
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
        let mut report = Report::new("a server", true, Duration::ZERO, Vec::new(), &[]);
        for verdict in verdicts {
            let mut found = good();
            found.verdict = *verdict;
            report.add(found);
        }
        report.conclusion()
    }

    #[test]
    fn what_a_siege_comes_to_is_what_its_lines_say() {
        use Verdict::{Failed, Held, Unsure};
        let rows: [(&[Verdict], Conclusion); 5] = [
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
        let mut report = Report::new("a server", true, Duration::ZERO, Vec::new(), &[]);
        let attack = super::super::attacks::all().next().expect("an attack");
        report.leave_out(attack, false);
        assert_eq!(report.conclusion(), Conclusion::Untried, "a running one's");
        report.leave_out(attack, true);
        assert_eq!(report.conclusion(), Conclusion::NotMade);
        let limits = vec![("limits.connections_per_user".to_owned(), "3".to_owned())];
        let mut report = Report::new("a server", true, Duration::ZERO, limits, &[]);
        let mut found = good();
        found.verdict = Held;
        (found.attack, found.shown) = ("one-user-everywhere", Some(Vec::new()));
        report.add(found);
        assert_eq!(
            report.conclusion(),
            Conclusion::Failed,
            "its limit said nothing"
        );
    }
}
