//! A simulated world that looks for faults by itself: the real engine over a simulated disk and network, people honest and hostile, both clocks,
//! crashes, and somebody who judges. Everything from one seed: `docs/simulation.md` tells how to use it.
//!
//! `script` says what happens, `generate` writes scripts, `run` carries one out (`perform`, `coming`, `raw`, `asking`, `server` and `observe` are its parts; `client`,
//! `network`, `disk` and `real` what it moves), `oracle` judges, `shrink` makes a script that fails short.

mod asking;
mod client;
mod coming;
mod dice;
mod disk;
mod generate;
mod network;
mod observe;
mod oracle;
mod pace;
mod perform;
mod raw;
mod real;
mod run;
pub mod script;
mod server;
mod shrink;
mod trace;

pub use dice::Dice;
pub use generate::{generate, generate_over};
pub use oracle::Violation;
pub use run::{Counts, Report, run};
pub use shrink::shrink;
