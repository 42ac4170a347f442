//! The order of a siege: for each attack a calm, the attack, and the time after it; then the report.

use std::io::{self, Write};

use super::attack::Attack;
use super::clock::Clock;
use super::machine::{self, Cores};
use super::plot::Series;
use super::report::{self, Conclusion, Report};
use super::verdict::{self, Finding, Law};
use super::watched::Watched;
use super::{Ground, Mint, Plan, SiegeError, Whom, attacks};

/// Where the finished report may go besides the output.
pub struct Files<'a> {
    pub json: Option<&'a mut dyn Write>,
    pub plot: Option<&'a mut dyn Write>,
}

/// Makes every attack of `plan` on `whom` and prints what came of it.
///
/// # Errors
/// [`SiegeError`] when there is nothing to attack, the server ends, or nothing can be written.
pub fn run(
    whom: Whom,
    mut plan: Plan,
    mint: Mint<'_>,
    output: &mut dyn Write,
    files: Files<'_>,
) -> Result<Conclusion, SiegeError> {
    let chosen = attacks::chosen(&plan.attacks)?;
    let cores = Cores::find();
    // One that runs already stays where it is.
    let are_split = cores.are_split() && matches!(whom, Whom::Own { .. });
    let has_tls = matches!(whom, Whom::Own { has_tls: true, .. });
    let mut watched = Watched::begin(whom, cores)?;
    let limits = std::mem::take(&mut plan.limits);
    let mut report = Report::new(
        &watched.described(),
        are_split,
        plan.time,
        limits,
        &plan.rehearsed,
    );
    let mut series = Series::default();
    let sockets_max = machine::sockets_max()?;
    let clock = Clock::start();
    report::head(plan.manners, output)?;
    let mut ended = Ok(());
    for attack in chosen {
        if let Err(why) = watched.prepare(attack, has_tls) {
            report::not_made(attack, &why, output)?;
            report.leave_out(attack, watched.is_own());
            continue;
        }
        let ground = Ground {
            target: watched.target(),
            tls: watched.client(),
            sockets_max,
            network: attacks::number(attack),
            times: plan.times.under(attack),
            manners: plan.manners,
            lobby: &plan.lobby,
            room: &plan.room,
            mint,
        };
        match one(&mut watched, &ground, clock, attack, &plan, &mut series) {
            Ok(found) => {
                report::line(&found, output)?;
                report.add(found);
            }
            // What was found until then is told all the same.
            Err(why) => {
                ended = Err(why);
                break;
            }
        }
    }
    report.conclude(output)?;
    write(&report, &series, files)?;
    ended.map(|()| report.conclusion())
}

fn write(report: &Report, series: &Series, files: Files<'_>) -> io::Result<()> {
    if let Some(file) = files.json {
        report.write_json(file)?;
    }
    if let Some(file) = files.plot {
        series.write_svg(file)?;
    }
    Ok(())
}

/// One attack from its calm to its verdict.
fn one(
    watched: &mut Watched,
    ground: &Ground<'_>,
    clock: Clock,
    attack: &Attack,
    plan: &Plan,
    series: &mut Series,
) -> Result<Finding, SiegeError> {
    let idle = watched.counters();
    let parts = attacks::parts(attack, ground.tls.is_some());
    let times = [plan.time, plan.time.max(attack.time_min)];
    let course = watched.attack(ground, clock, attack, &parts, times)?;
    series.add(attack.name, &course.story, course.begin, course.end);
    let mut found = course.finding(attack);
    watched.recover(clock, idle.as_ref(), &mut found);
    let law = Law {
        unnoticed: plan.unnoticed,
        memory: plan.memory,
    };
    let outcomes = course.outcomes(&parts);
    verdict::judge(attack, &outcomes, course.has_sign(attack), &mut found, &law);
    Ok(found)
}
