//! The order of a siege: for each attack a calm, the attack, and the time after it; then the report.

use std::io::{self, Write};
use std::sync::atomic::Ordering;

use super::attack::Attack;
use super::bounds::{NETWORKS_BETWEEN_TRIES, TRIES_MAX};
use super::clock::Clock;
use super::machine::{self, Cores};
use super::plot::Series;
use super::reach::Given;
use super::report::{self, Conclusion, Report};
use super::verdict::{self, Finding, Law, Verdict};
use super::watched::Watched;
use super::{Ground, Mint, Plan, SiegeError, Whom, attacks, manners};

/// Where the finished report may go besides the output.
pub struct Files<'a> {
    pub json: Option<&'a mut dyn Write>,
    pub plot: Option<&'a mut dyn Write>,
}

/// Makes every attack of `plan` on `whom` and prints what came of it.
///
/// # Errors
/// [`SiegeError`] when there is nothing to attack, the server ends, it is told to end, or nothing can be written.
pub fn run(
    whom: Whom,
    plan: &Plan,
    mint: Mint<'_>,
    output: &mut dyn Write,
    files: Files<'_>,
) -> Result<Conclusion, SiegeError> {
    let chosen = attacks::chosen(&plan.attacks)?;
    manners::expect_short(mint, &plan.settings)?;
    let cores = Cores::find();
    // One that runs already stays where it is.
    let are_split = cores.are_split() && matches!(whom, Whom::Own { .. });
    let has_tls = matches!(whom, Whom::Own { has_tls: true, .. });
    let mut siege = Siege {
        watched: Watched::begin(whom, cores)?,
        plan,
        mint,
        clock: Clock::start(),
        sockets_max: machine::sockets_max()?,
        series: Series::default(),
    };
    let mut report = Report::new(
        &siege.watched.described(),
        are_split,
        plan.time,
        &plan.settings,
        &plan.rehearsed,
    );
    report::head(plan.manners, output)?;
    let mut early = None;
    for attack in chosen {
        early = siege.next(attack, has_tls, &mut report, output)?;
        if early.is_some() {
            break;
        }
    }
    // What was found until then is told all the same.
    let conclusion = report.close(early.as_ref());
    report.conclude(output)?;
    write(&report, &siege.series, early.is_some(), files)?;
    early.map_or(Ok(conclusion), Err)
}

/// A siege under way.
struct Siege<'a> {
    watched: Watched,
    plan: &'a Plan,
    mint: Mint<'a>,
    clock: Clock,
    sockets_max: usize,
    series: Series,
}

impl Siege<'_> {
    /// Makes one attack and reports it; `Some`: the siege ends with it, and why.
    fn next(
        &mut self,
        attack: &Attack,
        has_tls: bool,
        report: &mut Report,
        output: &mut dyn Write,
    ) -> io::Result<Option<SiegeError>> {
        let prepared = self.watched.prepare(attack, has_tls);
        let interrupted = || SiegeError::Interrupted(format!("in the attack {}", attack.name));
        if self.is_told() {
            return Ok(Some(interrupted()));
        }
        if let Err(why) = prepared {
            report.leave_out(attack, why, self.watched.is_own(), output)?;
            return Ok(None);
        }
        let found = self.with_tries(attack);
        if self.is_told() {
            return Ok(Some(interrupted()));
        }
        let end = self.watched.end();
        let ended = end.map(|end| format!("it has ended in the attack {}: {end}", attack.name));
        let early = match found {
            Ok(mut found) => {
                if ended.is_some() {
                    found.verdict = Verdict::Failed;
                    found.faults.push("the server has ended".to_owned());
                }
                report::line(&found, output)?;
                report.add(found);
                ended.map(SiegeError::Server)
            }
            Err(error) => Some(ended.map_or_else(
                || SiegeError::Stopped(attack.name, error),
                SiegeError::Server,
            )),
        };
        Ok(early)
    }

    fn is_told(&self) -> bool {
        self.watched.told().load(Ordering::SeqCst)
    }

    /// One attack, and the same again from other addresses while nothing but time is at fault.
    fn with_tries(&mut self, attack: &Attack) -> io::Result<Finding> {
        let mut found = self.one(attack, 0)?;
        for number in 1..TRIES_MAX {
            if !found.is_only_late || self.is_told() || self.watched.end().is_some() {
                break;
            }
            let before = std::mem::take(&mut found.before);
            let again = self.one(attack, number)?;
            let before = before.into_iter().chain(found.faults).collect();
            found = Finding { before, ..again };
        }
        Ok(found)
    }

    /// One attack from its calm to its verdict.
    fn one(&mut self, attack: &Attack, number: u8) -> io::Result<Finding> {
        let Siege { watched, plan, .. } = self;
        let (plan, clock, client) = (*plan, self.clock, watched.client());
        let times = [plan.time, plan.time.max(attack.time_min)];
        let ground = Ground {
            target: watched.target(),
            tls: client,
            sockets_max: self.sockets_max,
            network: attacks::number(attack) + number * NETWORKS_BETWEEN_TRIES,
            times: plan.times.under(attack),
            manners: plan.manners,
            lobby: &plan.lobby,
            room: &plan.room,
            mint: self.mint,
            interrupted: watched.told(),
        };
        let given = Given {
            settings: &plan.settings,
            attack,
            time: times[1],
            sockets_max: self.sockets_max,
            has_other_room: plan.room != plan.lobby,
            exempting: &plan.exempting,
        };
        let idle = watched.counters();
        let parts = attacks::parts(attack, ground.tls.is_some());
        let course = watched.attack(&ground, clock, &parts, times)?;
        let series = &mut self.series;
        series.add(attack.name, &course.story, course.begin, course.end);
        let mut found = course.finding(attack);
        let sign = course.sign(attack, watched.is_asked());
        course.note_unreached(&given, sign, &mut found);
        watched.recover(clock, idle.as_ref(), &mut found);
        let law = Law {
            unnoticed: plan.unnoticed,
            memory: plan.memory,
        };
        let outcomes = course.outcomes(&parts, &given);
        verdict::judge(attack, &outcomes, sign, &mut found, &law);
        Ok(found)
    }
}

fn write(report: &Report, series: &Series, is_partial: bool, files: Files<'_>) -> io::Result<()> {
    if let Some(file) = files.json {
        report.write_json(file)?;
    }
    if let Some(file) = files.plot {
        series.write_svg(file, is_partial)?;
    }
    Ok(())
}
