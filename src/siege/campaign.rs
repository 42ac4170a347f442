//! The order of a siege: for each attack a calm, the attack, and the time after it; then the report.

use std::io::{self, Write};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::attack::Attack;
use super::bounds::{NETWORKS_BETWEEN_TRIES, ROUNDS, TRIES_MAX};
use super::clock::Clock;
use super::counters::Counters;
use super::machine::{self, Cores};
use super::plot::Series;
use super::reach::Given;
use super::report::{self, Conclusion, Report};
use super::rest::Rest;
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
        if self.is_told() {
            return Ok(Some(interrupted(attack)));
        }
        if let Err(why) = prepared {
            report.leave_out(attack, why, self.watched.is_own(), output)?;
            return Ok(None);
        }
        let found = self.with_tries(attack);
        if self.is_told() {
            return Ok(Some(interrupted(attack)));
        }
        let ended = self.ended(attack);
        match found {
            Ok(mut found) => {
                if ended.is_some() {
                    found.verdict = Verdict::Failed;
                    found.faults.push("the server has ended".to_owned());
                }
                report::line(&found, output)?;
                report.add(found);
                let ended = ended.map(SiegeError::Server);
                Ok(ended.or_else(|| self.again(attack, report)))
            }
            Err(error) => Ok(Some(stopped(attack, ended, error))),
        }
    }

    /// Makes everything again and again after its first time, and reports what a server of the siege's own keeps of that; `Some`: the siege ends
    /// with it, and why.
    fn again(&mut self, attack: &Attack, report: &mut Report) -> Option<SiegeError> {
        let is_looked_at = attacks::is_everything(attack) && self.watched.shows_memory();
        if !is_looked_at {
            return None;
        }
        let idle = self.watched.counters();
        let (mut rests, mut faults) = ([0; 2], Vec::new());
        for (rest, first) in rests.iter_mut().zip([0, ROUNDS]) {
            if let Some(why) = self.rounds(attack, first, idle.as_ref(), &mut faults) {
                return Some(why);
            }
            let least = self.watched.rest(self.clock);
            if self.is_told() {
                return Some(interrupted(attack));
            }
            let Some(least) = least else {
                let ended = self.ended(attack);
                let unread = io::Error::other("the server's memory can not be read any more");
                return Some(stopped(attack, ended, unread));
            };
            *rest = least;
        }
        let [before, after] = rests;
        report.add_rest(Rest::of(before, after, faults));
        None
    }

    /// So many rounds of everything, this the first of them, and what does not hold in them; `Some`: the siege ends with one, and why.
    fn rounds(
        &mut self,
        attack: &Attack,
        first: u8,
        idle: Option<&Counters>,
        faults: &mut Vec<String>,
    ) -> Option<SiegeError> {
        let parts = attacks::parts(attack, self.watched.client().is_some());
        for round in first..first + ROUNDS {
            let ground = self.ground(attack, attacks::number_in_round(round));
            let times = [Duration::ZERO, self.plan.time];
            let made = self.watched.attack(&ground, self.clock, &parts, times);
            if self.is_told() {
                return Some(interrupted(attack));
            }
            let ended = self.ended(attack);
            let course = match made {
                Ok(course) => course,
                Err(error) => return Some(stopped(attack, ended, error)),
            };
            if ended.is_some() {
                return ended.map(SiegeError::Server);
            }
            let has_recovered = self.watched.settle(self.clock, idle);
            let found = verdict::faults_of_round(&course.finding(attack), has_recovered);
            faults.extend(
                found
                    .iter()
                    .map(|fault| format!("time {}: {fault}", round + 1)),
            );
        }
        None
    }

    /// Why there is no server any more.
    fn ended(&mut self, attack: &Attack) -> Option<String> {
        let end = self.watched.end();
        end.map(|end| format!("it has ended in the attack {}: {end}", attack.name))
    }

    /// What an attack from this /24 stands on.
    fn ground(&self, attack: &Attack, network: u8) -> Ground<'_> {
        let Siege { watched, plan, .. } = self;
        Ground {
            target: watched.target(),
            tls: watched.client(),
            sockets_max: self.sockets_max,
            network,
            times: plan.times.under(attack),
            manners: plan.manners,
            lobby: &plan.lobby,
            room: &plan.room,
            mint: self.mint,
            interrupted: watched.told(),
        }
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
        let network = attacks::number(attack) + number * NETWORKS_BETWEEN_TRIES;
        let ground = self.ground(attack, network);
        let Siege { watched, plan, .. } = &*self;
        let (plan, clock) = (*plan, self.clock);
        let times = [plan.time, plan.time.max(attack.time_min)];
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
        let series = &mut self.series;
        series.add(attack.name, &course.story, course.begin, course.end);
        Ok(found)
    }
}

fn interrupted(attack: &Attack) -> SiegeError {
    SiegeError::Interrupted(format!("in the attack {}", attack.name))
}

/// Why an attack was not made to its end: its server has ended, or else this.
fn stopped(attack: &Attack, ended: Option<String>, error: io::Error) -> SiegeError {
    let stopped = || SiegeError::Stopped(attack.name, error);
    ended.map_or_else(stopped, SiegeError::Server)
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
