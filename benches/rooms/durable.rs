//! Messages that are kept: one sender, whose every message has a sync of its own, and many, whose messages share them.

use std::time::Duration;

use crate::senders::{SENDERS, Senders, rooms};
use crate::server::Site;
use crate::shared::failure::Failure;
use crate::syncs::Traced;
use crate::table::{Row, Size};

const ROUNDS: usize = 5;
const SPELL: Duration = Duration::from_millis(1500);
const SIZES: [(Size, usize); 2] = [(Size::Small, 1), (Size::Large, SENDERS)];

pub fn measure() -> Result<Vec<Row>, Failure> {
    let site = Site::with(rooms())?;
    let mut rate = Row::new("messages acknowledged in a second", "1/s");
    let mut cost = Row::new("processor time of one", "µs");
    let running = site.start()?;
    let mut senders = Senders::connect(&site, running.address)?;
    for _ in 0..ROUNDS {
        for (size, count) in SIZES {
            let before = running.process.cpu()?;
            let said = senders.speak(count, SPELL)?;
            let spent = running.process.cpu()?.saturating_sub(before);
            let acknowledged = said.acknowledged as f64;
            rate.add(size, acknowledged / said.time.as_secs_f64());
            cost.add(size, spent.as_secs_f64() * 1e6 / acknowledged);
        }
    }
    drop(senders);
    drop(running);
    Ok(vec![rate, cost, syncs(&site)?])
}

/// Another server on the same store, whose syncs strace counts.
fn syncs(site: &Site) -> Result<Row, Failure> {
    let mut row = Row::new("syncs for each acknowledgement, counted by strace", "");
    let traced = match Traced::start(site) {
        Ok(traced) => traced,
        Err(failure) => {
            eprintln!("syncs are not counted: {failure}");
            return Ok(row);
        }
    };
    let mut senders = Senders::connect(site, traced.address())?;
    let mut spells = Vec::new();
    for _ in 0..ROUNDS {
        for (size, count) in SIZES {
            let from = Traced::now();
            let said = senders.speak(count, SPELL)?;
            spells.push((size, from..Traced::now(), said.acknowledged));
        }
    }
    drop(senders);
    let syncs = traced.finish()?;
    for (size, spell, acknowledged) in spells {
        let count = syncs.iter().filter(|at| spell.contains(at)).count();
        row.add(size, count as f64 / acknowledged as f64);
    }
    Ok(row)
}
