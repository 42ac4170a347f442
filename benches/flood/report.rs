//! What was measured, as a table for people and as JSON for programs.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use crate::attacks::Attack;
use crate::cell::Measured;
use crate::felt::{Felt, Quantiles};
use crate::servers::{Adapter, Place};
use crate::shared::machine::{cores, cpu_model, load_average, says};

#[derive(Serialize)]
pub struct Report {
    pub date: String,
    pub cpu: String,
    pub cores: usize,
    pub kernel: String,
    pub load_average_before: String,
    pub seconds: f64,
    pub servers: Vec<Versioned>,
    pub attacks: Vec<Block>,
}

#[derive(Serialize)]
pub struct Versioned {
    pub name: &'static str,
    pub version: String,
}

/// Why nothing is measured where the question does not fit.
pub const NO_TOKENS: &str = "looks at no tokens";

/// One attack on all servers.
#[derive(Serialize)]
pub struct Block {
    pub attack: &'static str,
    pub what: &'static str,
    pub cells: Vec<Cell>,
}

#[derive(Serialize)]
pub struct Cell {
    pub server: &'static str,
    pub measured: Option<Measured>,
    /// Why there is nothing.
    pub not: Option<String>,
}

impl Report {
    pub fn new(servers: &[&'static dyn Adapter], place: &Place, time: Duration) -> Self {
        let versioned = |adapter: &&'static dyn Adapter| Versioned {
            name: adapter.name(),
            version: adapter.version(place),
        };
        Report {
            date: says("date", &["-u", "+%Y-%m-%dT%H:%M:%SZ"]),
            cpu: cpu_model(),
            cores: cores(),
            kernel: says("uname", &["-sr"]),
            load_average_before: load_average(),
            seconds: time.as_secs_f64(),
            servers: servers.iter().map(versioned).collect(),
            attacks: Vec::new(),
        }
    }

    pub fn add(&mut self, block: Block) {
        self.attacks.push(block);
    }

    /// Where and with what, in a few lines.
    pub fn head(&self) -> String {
        let mut text = format!(
            "{}, {} cores, {}, {}, load average before {}, {} s of calm and {} s of each attack\n",
            self.cpu,
            self.cores,
            self.kernel,
            self.date,
            self.load_average_before,
            self.seconds,
            self.seconds
        );
        for server in &self.servers {
            let _ = writeln!(text, "{}: {}", server.name, server.version);
        }
        text
    }

    pub fn text(&self) -> String {
        let blocks: String = self.attacks.iter().map(block).collect();
        format!("{}{LEGEND}{blocks}", self.head())
    }
}

const LEGEND: &str = "
CALM, ATTACK: from saying something to hearing it oneself: median, 99 %, 99.9 % in ms; never: it did not come back
TIMES: the second 99 % by the first. FAILED: messages not back within 2 s, or not said because their speaker had been put out
LOST: deliveries to the group that never came. OUT: honest people who were put out
NEWCOMERS: who got in within 2 s, from elsewhere + from the attackers' /24; then the 99 % of their time from the first packet to hearing themselves
CPU: of the server's core, in the calm / in the attack. HONEST: of their core, in the attack; near 100 it is they who are slow
WAITED: of the attack, for which the server / the honest wanted their core while others had it
MiB: the server's memory before the attack and at most in it. ATTACKERS: their connections, what they sent, how connections ended
";

impl Block {
    pub fn new(attack: &Attack) -> Self {
        Block {
            attack: attack.name,
            what: attack.what,
            cells: Vec::new(),
        }
    }
}

impl Cell {
    pub fn of(adapter: &dyn Adapter, measured: Measured) -> Self {
        Cell {
            server: adapter.name(),
            measured: Some(measured),
            not: None,
        }
    }

    pub fn not(adapter: &dyn Adapter, why: String) -> Self {
        Cell {
            server: adapter.name(),
            measured: None,
            not: Some(why),
        }
    }
}

const HEAD: [&str; 13] = [
    "SERVER",
    "CALM ms",
    "ATTACK ms",
    "TIMES",
    "FAILED",
    "LOST",
    "OUT",
    "NEWCOMERS",
    "p99 ms",
    "CPU %",
    "HONEST %",
    "WAITED %",
    "MiB",
];
const WIDTHS: [usize; 13] = [21, 18, 20, 7, 7, 7, 3, 11, 6, 9, 8, 9, 11];

/// The lines of one attack.
pub fn block(block: &Block) -> String {
    let mut text = format!("\n{}: {}\n", block.attack, block.what);
    text.push_str(&row(&HEAD.map(str::to_owned), "ATTACKERS"));
    for cell in &block.cells {
        match (&cell.measured, &cell.not) {
            (Some(measured), _) => text.push_str(&line(cell.server, measured)),
            (None, why) => {
                let why = why.as_deref().unwrap_or_default();
                let _ = writeln!(text, "{:width$}  {why}", cell.server, width = WIDTHS[0]);
            }
        }
    }
    text
}

fn line(server: &str, measured: &Measured) -> String {
    let Measured { calm, attack, .. } = measured;
    let pair = |[first, second]: [f64; 2]| format!("{first:.0}/{second:.0}");
    let [calm_bytes, peak_bytes] = measured
        .resident
        .map(|bytes| bytes as f64 / f64::from(1 << 20));
    let cells = [
        server.to_owned(),
        quantiles(&calm.round_trip),
        quantiles(&attack.round_trip),
        times(calm, attack),
        format!("{:.1} %", attack.failed_percent()),
        format!("{:.1} %", attack.lost_percent()),
        attack.put_out.to_string(),
        format!(
            "{}/{}+{}/{}",
            attack.newcomers.got_in,
            attack.newcomers.came,
            attack.neighbours.got_in,
            attack.neighbours.came
        ),
        milliseconds(attack.arrival.p99, "-"),
        pair(measured.cpu_percent),
        format!("{:.0}", measured.honest_cpu_percent[1]),
        pair([
            measured.server_waited_percent[1],
            measured.honest_waited_percent[1],
        ]),
        format!("{calm_bytes:.1}/{peak_bytes:.1}"),
    ];
    row(&cells, &attackers(measured))
}

fn row(cells: &[String; 13], last: &str) -> String {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(WIDTHS) {
        let _ = write!(line, "{cell:width$}  ");
    }
    format!("{line}{last}\n")
}

fn attackers(measured: &Measured) -> String {
    let told = measured.attackers.iter().map(|tally| {
        let ends: Vec<String> = tally
            .ends
            .iter()
            .map(|(end, count)| format!("{end} x{count}"))
            .collect();
        format!(
            "{} sent {}: {}",
            tally.connections,
            tally.shots,
            ends.join(", ")
        )
    });
    let mut told = told.collect::<Vec<_>>().join("; ");
    if !measured.has_outlived {
        let _ = write!(told, "; THE SERVER ENDED after {:.1} s", measured.seconds);
    }
    told
}

/// How many times the calm 99 % that of the attack is.
pub fn times(calm: &Felt, attack: &Felt) -> String {
    match (calm.round_trip.p99, attack.round_trip.p99) {
        (Some(calm), Some(attack)) if calm > 0.0 && attack < calm * 10.0 => {
            format!("{:.1}x", attack / calm)
        }
        (Some(calm), Some(attack)) if calm > 0.0 => format!("{:.0}x", attack / calm),
        _ => "-".to_owned(),
    }
}

fn quantiles(of: &Quantiles) -> String {
    [of.p50, of.p99, of.p999]
        .map(|time| milliseconds(time, "never"))
        .join("/")
}

/// With as many digits as matter.
pub fn milliseconds(time: Option<f64>, otherwise: &str) -> String {
    match time {
        None => otherwise.to_owned(),
        Some(time) if time < 10.0 => format!("{time:.2}"),
        Some(time) if time < 100.0 => format!("{time:.1}"),
        Some(time) => format!("{time:.0}"),
    }
}
