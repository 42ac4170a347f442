//! The order of a siege: for each attack a calm, the attack, and the time after it; then the report.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::ScopedJoinHandle;
use std::time::Duration;

use super::attack::{Attack, Outcome};
use super::bounds::{LOOK_EVERY, RECOVERY_TIME_MAX};
use super::clock::Clock;
use super::counters::Counters;
use super::felt::{Story, milliseconds};
use super::machine::Cores;
use super::people::People;
use super::plot::Series;
use super::report::{self, Report};
use super::server::{Figures, Server};
use super::swarm::{self, Tally};
use super::verdict::{self, Finding, Law, Memory};
use super::{Ground, Home, Mint, Plan, SiegeError, Target, Whom, attacks, machine};
use crate::time::Instant;

/// Gauges that must be what they were before anybody came.
const GAUGES: [&str; 3] = ["outbound_bytes:", "outbound_connections:", "seats:"];

/// Where the finished report may go besides the output.
pub struct Files<'a> {
    pub json: Option<&'a mut dyn Write>,
    pub plot: Option<&'a mut dyn Write>,
}

/// The server under attack, and all that can be learned about it.
struct Watched {
    target: Target,
    private: Option<std::net::SocketAddr>,
    own: Option<Server>,
    /// Ends with the server, not before.
    _home: Option<Home>,
}

/// What one attack was like, as times and looks.
struct Course {
    calm: Instant,
    begin: Instant,
    end: Instant,
    before: Option<Counters>,
    after: Option<Counters>,
    figures: [Option<Figures>; 3],
    peak: u64,
    tallies: Vec<Tally>,
    story: Story,
}

/// Makes every attack of `plan` and prints what came of it. Whether everything held.
///
/// # Errors
/// [`SiegeError`] when there is nothing to attack, the server ends, or nothing can be written.
pub fn run(
    plan: Plan,
    mint: Mint<'_>,
    output: &mut dyn Write,
    files: Files<'_>,
) -> Result<bool, SiegeError> {
    let chosen = attacks::chosen(&plan.attacks)?;
    let cores = Cores::find();
    let sockets_max = machine::sockets_max();
    let Plan {
        whom,
        time,
        unnoticed,
        lobby,
        room,
        outbound_bytes_max,
        limits,
        ..
    } = plan;
    let mut watched = Watched::begin(whom, &cores)?;
    let law = Law {
        unnoticed,
        outbound_bytes_max,
    };
    let clock = Clock::start();
    let mut report = Report::new(&watched.described(), cores.are_split(), time, limits);
    let mut series = Series::default();
    report::head(output)?;
    for attack in chosen {
        let idle = watched.counters();
        let ground = Ground {
            target: watched.target,
            sockets_max,
            network: attacks::number(attack),
            lobby: &lobby,
            room: &room,
            mint,
        };
        let course = watched.attack(&ground, clock, attack, time)?;
        series.add(attack.name, &course.story, course.begin, course.end);
        let mut finding = finding(attack, &course);
        watched.recover(clock, idle.as_ref(), &mut finding);
        let assaults = attacks::parts(attack);
        finding.faults = verdict::faults(
            attack,
            &outcomes(&assaults, &course),
            course.has_sign(attack),
            &finding,
            &law,
        );
        report::line(&finding, output)?;
        report.add(finding);
    }
    report.conclude(output)?;
    if let Some(file) = files.json {
        report.write_json(file)?;
    }
    if let Some(file) = files.plot {
        series.write_svg(file)?;
    }
    Ok(report.holds())
}

/// Waits without anything to wait for.
struct Pause(
    Receiver<()>,
    #[expect(dead_code, reason = "a channel without a sender does not wait")] Sender<()>,
);

impl Pause {
    fn new() -> Self {
        let (sender, receiver) = channel();
        Pause(receiver, sender)
    }

    fn wait(&self, time: Duration) {
        // Nobody sends: it always takes the whole time.
        let _ = self.0.recv_timeout(time);
    }
}

impl Watched {
    fn begin(whom: Whom, cores: &Cores) -> Result<Self, SiegeError> {
        Ok(match whom {
            Whom::Own { home, settings } => {
                let server = Server::start(&home, &settings, cores)?;
                Watched {
                    target: server.target,
                    private: Some(server.private),
                    own: Some(server),
                    _home: Some(home),
                }
            }
            Whom::Running { target, private } => {
                cores.move_to_others();
                Watched {
                    target,
                    private,
                    own: None,
                    _home: None,
                }
            }
        })
    }

    fn described(&self) -> String {
        let whose = if self.own.is_some() {
            "own server"
        } else {
            "running server"
        };
        format!("{whose} on {}", self.target.address())
    }

    /// `None`: it may not be asked, or does not answer.
    fn counters(&self) -> Option<Counters> {
        let counters = Counters::ask(self.private?);
        (!counters.is_empty()).then_some(counters)
    }

    fn figures(&self) -> Option<Figures> {
        Figures::of(self.own.as_ref()?.pid())
    }

    /// The calm, the attack, and the last words of the honest.
    fn attack(
        &mut self,
        ground: &Ground<'_>,
        clock: Clock,
        attack: &Attack,
        time: Duration,
    ) -> Result<Course, SiegeError> {
        let parts = attacks::parts(attack);
        let pause = Pause::new();
        let stop = AtomicBool::new(false);
        let watched = &*self;
        let course = std::thread::scope(|scope| {
            let (gathered, are_gathered) = channel();
            let (silence, is_silent) = channel();
            let people = scope.spawn(move || {
                let people = People::gather(ground, clock)?;
                // Whoever waits for it is there, or nobody is.
                let _ = gathered.send(());
                people.talk(&is_silent)
            });
            if are_gathered.recv().is_err() {
                return Err(joined(people)
                    .err()
                    .unwrap_or_else(|| io::Error::other("nobody came")));
            }
            let calm = clock.now();
            let first = watched.figures();
            pause.wait(time);
            let before = watched.counters();
            let second = watched.figures();
            let begin = clock.now();
            let attackers = scope.spawn(|| swarm::run(ground, clock, &parts, &stop));
            let mut peak = second.map_or(0, |figures| figures.resident_bytes);
            while clock.now().since(begin) < time {
                pause.wait(LOOK_EVERY);
                peak = peak.max(
                    watched
                        .figures()
                        .map_or(0, |figures| figures.resident_bytes),
                );
            }
            let third = watched.figures();
            stop.store(true, Ordering::Relaxed);
            let tallies = joined(attackers)?;
            let end = clock.now();
            let after = watched.counters();
            drop(silence);
            Ok(Course {
                calm,
                begin,
                end,
                before,
                after,
                figures: [first, second, third],
                peak,
                tallies,
                story: joined(people)?,
            })
        });
        if self.own.as_mut().is_some_and(|server| !server.lives()) {
            return Err(SiegeError::Server(format!(
                "it has ended in the attack {}",
                attack.name
            )));
        }
        Ok(course?)
    }

    /// Waits until everything is as it was when nobody was there, or for too long.
    fn recover(&self, clock: Clock, idle: Option<&Counters>, finding: &mut Finding) {
        let began = clock.now();
        let pause = Pause::new();
        let mut is_last = false;
        loop {
            let took = clock.now().since(began);
            if finding.recovered_ms.is_none() && self.is_as(idle) {
                finding.recovered_ms = Some(milliseconds(took));
            }
            let after_max = finding.memory.map(|memory| Memory::after_max(memory.calm));
            if let (Some(memory), Some(figures)) = (&mut finding.memory, self.figures()) {
                memory.after = figures.resident_bytes;
            }
            let is_small = finding
                .memory
                .is_none_or(|memory| Some(memory.after) <= after_max);
            if is_last || (is_small && finding.recovered_ms.is_some()) {
                return;
            }
            pause.wait(LOOK_EVERY);
            is_last = took > RECOVERY_TIME_MAX;
        }
    }

    /// Whether nobody is there and nothing waits. A server that may not be asked is believed.
    fn is_as(&self, idle: Option<&Counters>) -> bool {
        let Some(idle) = idle else { return true };
        let Some(now) = self.counters() else {
            return false;
        };
        let are_gone = now.connections() <= idle.connections();
        are_gone && GAUGES.iter().all(|gauge| now.get(gauge) <= idle.get(gauge))
    }
}

fn joined<T>(thread: ScopedJoinHandle<'_, io::Result<T>>) -> io::Result<T> {
    thread
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("a thread of the siege has panicked")))
}

impl Course {
    /// Whether a limit of the attack has said no, by the server's own count.
    fn has_sign(&self, attack: &Attack) -> bool {
        let (Some(before), Some(after)) = (&self.before, &self.after) else {
            return true;
        };
        attack.signs.is_empty()
            || attack
                .signs
                .iter()
                .any(|sign| after.get(sign) > before.get(sign))
    }

    fn limited(&self) -> BTreeMap<String, u64> {
        const SCOPES: [&str; 6] = ["connection", "user", "address", "room", "member", "server"];
        let (Some(before), Some(after)) = (&self.before, &self.after) else {
            return BTreeMap::new();
        };
        let rises = after.rises(before, "limited");
        let limits = rises.filter(|(label, _)| !SCOPES.contains(label));
        limits
            .map(|(label, rise)| (label.to_owned(), rise))
            .collect()
    }

    fn cpu_per_connection(&self, connections: u64) -> Option<f64> {
        let [first, second, third] = self
            .figures
            .map(|figures| figures.map(|figures| figures.cpu.as_secs_f64()));
        let calm = (second? - first?) / self.begin.since(self.calm).as_secs_f64();
        let spent = third? - second? - calm * self.end.since(self.begin).as_secs_f64();
        (connections > 0).then(|| spent.max(0.0) * 1e6 / connections as f64)
    }
}

/// How connections ended; of an attack with parts only what neither it nor the part expects.
fn outcomes(parts: &[Attack], course: &Course) -> BTreeMap<Outcome, u64> {
    let mut outcomes = BTreeMap::new();
    let are_many = parts.len() > 1;
    for (part, tally) in parts.iter().zip(&course.tallies) {
        for (outcome, count) in &tally.outcomes {
            if !(are_many && part.expect.contains(outcome)) {
                *outcomes.entry(*outcome).or_insert(0) += count;
            }
        }
    }
    outcomes
}

fn finding(attack: &Attack, course: &Course) -> Finding {
    let Course {
        calm,
        begin,
        end,
        story,
        ..
    } = course;
    let (calm, begin, end) = (*calm, *begin, *end);
    let mut outcomes = BTreeMap::new();
    let mut errors = BTreeMap::new();
    for tally in &course.tallies {
        for (outcome, count) in &tally.outcomes {
            *outcomes.entry(outcome.to_string()).or_insert(0) += count;
        }
        for (code, count) in &tally.errors {
            *errors.entry(code.clone()).or_insert(0) += count;
        }
    }
    let connections = course.tallies.iter().map(|tally| tally.connections).sum();
    let (before, under) = (
        story.round_trips(calm, begin),
        story.round_trips(begin, end),
    );
    let memory = course
        .figures
        .iter()
        .skip(1)
        .flatten()
        .next()
        .map(|figures| Memory {
            calm: figures.resident_bytes,
            peak: course.peak,
            after: course.peak,
        });
    Finding {
        attack: attack.name,
        what: attack.what,
        limits: attack.limits,
        expected: attack.expect.iter().map(Outcome::to_string).collect(),
        seconds: end.since(begin).as_secs_f64(),
        connections,
        shots: course.tallies.iter().map(|tally| tally.shots).sum(),
        outcomes,
        errors,
        limited: course.limited(),
        calm: before,
        under_attack: under,
        slowdown: if before.p99 > 0.0 {
            under.p99 / before.p99
        } else {
            0.0
        },
        said: story.said,
        lost: story.lost,
        put_out: story.put_out(calm, end),
        newcomers: story.arrived(begin, end, false),
        neighbours: story.arrived(begin, end, true),
        arrival_calm: story.arrival_times(calm, begin),
        arrival: story.arrival_times(begin, end),
        memory,
        cpu_per_connection_us: course.cpu_per_connection(connections),
        recovered_ms: None,
        faults: Vec::new(),
    }
}
