//! Looks for faults in simulated worlds, one for each seed, and shows the first one as a short script and what happened in it.
//!
//! `cargo run --release --example simulate -- --seeds 1000`; `docs/simulation.md` has the rest.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use wardroom::simulation::swarm::script::{Backing, Script};
use wardroom::simulation::swarm::{Counts, Report, generate, generate_over, run, shrink};

/// One seed in so many is run twice, to see that it is the same world both times.
const TWICE_EVERY: u64 = 16;

struct Options {
    seeds: u64,
    from: u64,
    minutes: u64,
    /// The store of every world, unless each chooses.
    store: Option<Backing>,
    seconds_max: Option<u64>,
    /// Whether seeds that fail are named only, and whether the first of them is the last.
    only_find: bool,
    stops: bool,
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        seeds: 100,
        from: 0,
        minutes: 2,
        store: None,
        seconds_max: None,
        only_find: false,
        stops: false,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        if name == "--only-find" || name == "--stop" {
            options.only_find = true;
            options.stops |= name == "--stop";
            continue;
        }
        let value = arguments.next();
        if name == "--store" {
            options.store = Some(match value.as_deref() {
                Some("twin") => Backing::Twin,
                Some("sqlite") => Backing::Sqlite,
                _ => return Err("--store is twin or sqlite".to_owned()),
            });
            continue;
        }
        let value = value.and_then(|value| value.parse().ok());
        let value: u64 = value.ok_or(format!("{name} needs a number"))?;
        match name.as_str() {
            "--seeds" => options.seeds = value,
            "--from" => options.from = value,
            "--minutes" => options.minutes = value,
            "--seconds" => options.seconds_max = Some(value),
            _ => {
                return Err(format!(
                    "{name} is not known; there are --seeds N, --from SEED, --minutes M, --store S, --seconds S, --only-find and --stop"
                ));
            }
        }
    }
    Ok(options)
}

#[derive(Default)]
struct Sum {
    worlds: u64,
    first: u64,
    last: u64,
    /// How many of them had the real store.
    real: u64,
    virtual_time: Duration,
    counts: Counts,
}

impl Sum {
    fn add(&mut self, script: &Script, report: &Report) {
        if self.worlds == 0 {
            self.first = script.seed;
        }
        self.last = script.seed;
        self.worlds += 1;
        self.real += u64::from(script.store == Backing::Sqlite);
        self.virtual_time += report.virtual_time;
        self.counts.add(&report.counts);
    }

    fn say(&self, began: Instant) {
        let real = began.elapsed().as_secs_f64();
        let simulated = self.virtual_time.as_secs_f64();
        println!(
            "{} worlds, of the seeds {} to {}, {} of them over SQLite: {:.1} hours of virtual time in {real:.1} s: {:.0} times as fast as the clock",
            self.worlds,
            self.first,
            self.last,
            self.real,
            simulated / 3600.0,
            simulated / real.max(0.001),
        );
        println!("{:?}", self.counts);
    }
}

/// Whether a seed is a world in which everything is as it should be.
fn look_at(seed: u64, options: &Options, sum: &mut Sum) -> bool {
    let script = match options.store {
        Some(store) => generate_over(store, seed, options.minutes),
        None => generate(seed, options.minutes),
    };
    let report = run(&script, false);
    sum.add(&script, &report);
    if let Some(found) = &report.violation {
        println!(
            "seed {seed}, step {}: {}: {}",
            report.step, found.rule, found.words
        );
        if !options.only_find {
            let fails = |script: &Script| {
                let again = run(script, false).violation;
                again.is_some_and(|again| again.rule == found.rule)
            };
            let (short, runs) = shrink(&script, fails);
            println!(
                "\n{} steps instead of {}, found in {runs} runs, with {:?}:",
                short.steps.len(),
                script.steps.len(),
                short.setup
            );
            for step in &short.steps {
                let joined = if step.is_joined {
                    ", in one turn with the next"
                } else {
                    ""
                };
                println!(
                    "  {:>6} ms  {:?} {:?}{joined}",
                    step.after_ms, step.act, step.way
                );
            }
            println!("\nwhat happens in it:");
            for line in run(&short, true).lines {
                println!("{line}");
            }
        }
        return false;
    }
    if seed.is_multiple_of(TWICE_EVERY) && run(&script, false).digest != report.digest {
        println!("seed {seed} is another world the second time");
        return false;
    }
    true
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(words) => {
            eprintln!("{words}");
            return ExitCode::from(2);
        }
    };
    let began = Instant::now();
    let mut sum = Sum::default();
    let mut is_good = true;
    for seed in options.from..options.from + options.seeds {
        let is_over = |most: u64| began.elapsed().as_secs() >= most;
        if options.seconds_max.is_some_and(is_over) {
            break;
        }
        // A panic that ends the process tells of its seed before.
        std::panic::set_hook(Box::new(move |info| eprintln!("seed {seed}: {info}")));
        is_good &= look_at(seed, &options, &mut sum);
        if !is_good && (options.stops || !options.only_find) {
            break;
        }
    }
    sum.say(began);
    if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
