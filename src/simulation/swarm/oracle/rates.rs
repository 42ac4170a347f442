//! How much is said: never more than the configured rates of one connection, one person over all their connections, and one address. A bucket of
//! the plainest kind, filled by hand.

use std::collections::{BTreeMap, BTreeSet};

use super::{Judged, Violation};
use crate::config::{Config, Rate};
use crate::simulation::swarm::client::Link;
use crate::time::{Instant, Now, Wall};

/// Beside what rounding to a nanosecond does to a burst, one part in so many of it is forgiven.
const FORGIVEN_SHARE: u128 = 512;
const NANOS_PER_MILLI: u64 = 1_000_000;

/// Whose bucket a message is taken from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Payer {
    Connection(usize),
    User(String),
    Address(String),
}

/// Messages that were taken since the server was started.
#[derive(Debug)]
pub(super) struct Rates {
    per_connection: Rate,
    per_user: Rate,
    per_address: Rate,
    /// When messages were taken, by whose they were.
    taken: BTreeMap<Payer, Vec<Instant>>,
    /// On which connection and from where each text is said.
    places: BTreeMap<String, (usize, String)>,
    /// Those of rooms that keep nothing that were counted: everybody hears of them.
    counted: BTreeSet<(String, u64)>,
    /// Both clocks whenever the date was set.
    clocks: Vec<Now>,
}

impl Rates {
    pub(super) fn new(config: &Config, now: Now) -> Self {
        Rates {
            per_connection: config.limits.messages_per_connection,
            per_user: config.limits.messages_per_user,
            per_address: config.limits.messages_per_address,
            taken: BTreeMap::new(),
            places: BTreeMap::new(),
            counted: BTreeSet::new(),
            clocks: vec![now],
        }
    }

    pub(super) fn will_say(&mut self, text: &str, link: &Link) {
        let place = (link.number, link.address.clone());
        self.places.insert(text.to_owned(), place);
    }

    pub(super) fn date_set(&mut self, now: Now) {
        self.clocks.push(now);
    }

    /// A message was taken at this date, as the server says; `room` and number of one that others may tell of too.
    pub(super) fn accepted(
        &mut self,
        (sender, text): (&str, &str),
        (room, seq): (&str, Option<u64>),
        at: Wall,
        now: Now,
    ) {
        if seq.is_some_and(|seq| !self.counted.insert((room.to_owned(), seq))) {
            return;
        }
        let Some(at) = self.instant_of(at, now) else {
            return;
        };
        let mut payers = vec![Payer::User(sender.to_owned())];
        if let Some((connection, address)) = self.places.get(text) {
            payers.push(Payer::Connection(*connection));
            payers.push(Payer::Address(address.clone()));
        }
        for payer in payers {
            self.taken.entry(payer).or_default().push(at);
        }
    }

    /// When it was this date; `None` when that was twice, or never.
    pub(super) fn instant_of(&self, at: Wall, now: Now) -> Option<Instant> {
        let ends = self.clocks.iter().skip(1).map(|set| set.instant);
        let ends = ends.chain([now.instant]);
        let mut found = self.clocks.iter().zip(ends).filter_map(|(begin, end)| {
            let passed = at.as_millis().checked_sub(begin.wall.as_millis())?;
            let nanos = begin.instant.as_nanos() + passed * NANOS_PER_MILLI;
            (nanos <= end.as_nanos()).then(|| Instant::from_nanos(nanos))
        });
        let first = found.next();
        if found.next().is_some() { None } else { first }
    }

    /// Judges what was taken so far, and forgets it: the server was started anew, with full buckets.
    pub(super) fn begin_anew(&mut self, now: Now) -> Judged {
        self.clocks = vec![now];
        self.counted.clear();
        self.places.clear();
        for (payer, mut taken) in std::mem::take(&mut self.taken) {
            taken.sort_unstable();
            let rate = match payer {
                Payer::Connection(_) => self.per_connection,
                Payer::User(_) => self.per_user,
                Payer::Address(_) => self.per_address,
            };
            if let Some(over) = over(&taken, rate) {
                let Rate { burst, per } = rate;
                let words = format!("{payer:?} has said more than {burst} in {per:?}, by {over}");
                return Err(Violation::new("never over", words));
            }
        }
        Ok(())
    }
}

/// The number of the first message that the bucket had no token for.
fn over(taken: &[Instant], rate: Rate) -> Option<usize> {
    // In parts of a token, of which there are as many as nanoseconds in `per`.
    let token = rate.per.as_nanos();
    let burst = u128::from(rate.burst);
    // Dates are told in whole milliseconds: a message may have been taken so much later.
    let forgiven = token * burst / FORGIVEN_SHARE + burst * u128::from(NANOS_PER_MILLI);
    let full = token * burst + forgiven;
    let mut level = full;
    let mut last = None;
    for (number, at) in taken.iter().enumerate() {
        let passed = last.map_or(0, |last| at.since(last).as_nanos());
        level = (level + passed * burst).min(full);
        last = Some(*at);
        level = match level.checked_sub(token) {
            Some(level) => level,
            None => return Some(number),
        };
    }
    None
}
