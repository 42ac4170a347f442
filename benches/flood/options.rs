//! The command line: what a person may ask for, and the hidden part that this executable plays as its own child.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::attacks::{self, Attack};
use crate::bounds::SECONDS_MAX;
use crate::servers::{self, Adapter};
use crate::shared::failure::Failure;

/// The same attacks against Wardroom and against what one might use instead: what honest people feel beside them.
#[derive(Parser)]
#[command(name = "flood")]
pub struct Options {
    /// Of the calm before each attack, and of the attack.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=SECONDS_MAX))]
    seconds: Option<u64>,
    /// Servers to attack, by id; all when not given.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    server: Vec<String>,
    /// Attacks to make, by name; all when not given.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    attack: Vec<String>,
    /// That it runs: one second, two attacks, and the two servers that need nothing but cargo.
    #[arg(long)]
    smoke: bool,
    /// Keep table, JSON and plot in docs/results, named by the date, and renew the tables of docs/flood.md and of the README.
    #[arg(long, conflicts_with_all = ["smoke", "server", "attack"])]
    pub keep: bool,
    /// Say which servers and attacks there are.
    #[arg(long)]
    pub list: bool,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    pub bench: bool,
    #[command(subcommand)]
    pub part: Option<Part>,
}

#[derive(Subcommand)]
pub enum Part {
    #[command(hide = true)]
    Leashed(LeashedOptions),
}

/// Another program, which ends when its parent does.
#[derive(Args)]
pub struct LeashedOptions {
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<OsString>,
}

const SECONDS: u64 = 4;
const SMOKE_SERVERS: [&str; 2] = ["wardroom", "tokio-tungstenite"];
const SMOKE_ATTACKS: [&str; 2] = ["message-flood", "bad-tokens"];

impl Options {
    pub fn time(&self) -> Duration {
        let usual = if self.smoke { 1 } else { SECONDS };
        Duration::from_secs(self.seconds.unwrap_or(usual))
    }

    pub fn servers(&self) -> Result<Vec<&'static dyn Adapter>, Failure> {
        let all = servers::all();
        let ids: Vec<&str> = all.iter().map(|adapter| adapter.id()).collect();
        let wanted = wanted(&self.server, self.smoke.then_some(&SMOKE_SERVERS), &ids)?;
        Ok(all
            .into_iter()
            .filter(|adapter| wanted.contains(&adapter.id()))
            .collect())
    }

    pub fn attacks(&self) -> Result<Vec<&'static Attack>, Failure> {
        let names: Vec<&str> = attacks::all().iter().map(|attack| attack.name).collect();
        let wanted = wanted(&self.attack, self.smoke.then_some(&SMOKE_ATTACKS), &names)?;
        Ok(attacks::all()
            .iter()
            .filter(|attack| wanted.contains(&attack.name))
            .collect())
    }
}

/// Those of `known` that are asked for; without a wish those of a smoke, or all.
fn wanted<'a>(
    asked: &[String],
    smoke: Option<&[&'a str]>,
    known: &[&'a str],
) -> Result<Vec<&'a str>, Failure> {
    if asked.is_empty() {
        return Ok(smoke.unwrap_or(known).to_vec());
    }
    let find = |name: &String| {
        let found = known.iter().copied().find(|known| *known == name);
        let there_are = known.join(", ");
        found.ok_or_else(|| Failure::Wrong(format!("nothing is called {name}: {there_are}")))
    };
    asked.iter().map(find).collect()
}
