//! A server with ten rooms of ten people, and one with ten thousand such rooms.

use serde_json::json;

use crate::questions;
use crate::server::{Running, Site};
use crate::shared::failure::Failure;
use crate::table::{Row, Size};
use crate::visitors::{Visitors, join, leave, open, send};

const ROUNDS: usize = 5;
const ASKED: usize = 200;
const SIZES: [(Size, usize); 2] = [(Size::Small, 10), (Size::Large, 10_000)];
/// Ten people who are together in ten rooms.
const CIRCLE: usize = 10;
/// Room and speaker of one message after the other lie so far apart.
const STRIDE: usize = 7919;

/// Who came first, and sees every room.
const OVERSEER: usize = 0;

/// One server and everybody there. Person `n` sits in room `n`, and in the others of the circle.
struct Town {
    site: Site,
    running: Running,
    visitors: Visitors,
    rooms: usize,
    rss_before: u64,
    rss_before_joins: u64,
    rss: u64,
}

pub fn measure() -> Result<Vec<Row>, Failure> {
    let towns = SIZES.map(|(size, rooms)| Town::settled(rooms).map(|town| (size, town)));
    let mut towns = towns.into_iter().collect::<Result<Vec<_>, Failure>>()?;
    let mut rows = Vec::new();
    for (what, ask) in ASKING {
        let mut row = Row::new(what, "µs");
        for _ in 0..ROUNDS {
            for (size, town) in &mut towns {
                row.add(*size, town.cost(ask)?);
            }
        }
        rows.push(row);
    }
    let [(_, small), (_, large)] = towns.as_slice() else {
        return Ok(rows);
    };
    let mut stored = Row::new("memory of a room with ten members, nobody there", "B");
    let more = (large.rooms - small.rooms) as f64;
    let grown = large.rss_before.saturating_sub(small.rss_before);
    stored.add(Size::Large, grown as f64 / more);
    let mut seated = Row::new("memory of ten people being there", "B");
    let grown = large.rss.saturating_sub(large.rss_before_joins);
    seated.add(Size::Large, grown as f64 / large.rooms as f64);
    rows.extend([stored, seated]);
    Ok(rows)
}

/// Does one thing, for the time of this number.
type Ask = fn(&mut Town, usize) -> Result<(), Failure>;

const ASKING: [(&str, Ask); 7] = [
    ("a message that is kept, told to ten", |town, time| {
        let room = town.room(time);
        town.visitors
            .have(place_of(room), &send(&name(room)), CIRCLE as u64)
    }),
    ("one of ten leaves and joins again", |town, time| {
        let room = town.room(time);
        town.visitors.have(place_of(room), &leave(&name(room)), 0)?;
        town.visitors.have(place_of(room), &join(&name(room)), 0)
    }),
    ("a list of ten rooms, the first", |town, _| {
        town.list(OVERSEER, "")
    }),
    ("a list of ten rooms, from the middle on", |town, _| {
        town.list(OVERSEER, "room-5")
    }),
    (
        "a list of rooms, most of them hidden from the asker",
        |town, _| town.list(place_of(0), ""),
    ),
    ("a description", |town, time| {
        let room = town.room(time);
        let question = format!(r#"{{"type":"describe","room":"{}"}}"#, name(room));
        town.visitors.have(place_of(room), &question, 0)
    }),
    ("somebody connects and is greeted", |town, _| {
        let token = town.site.token(0)?;
        open(town.running.address, &token).map(|_| ())
    }),
];

impl Town {
    /// A town with everybody in their rooms.
    fn settled(rooms: usize) -> Result<Self, Failure> {
        let site = Site::with((0..rooms).map(|room| {
            let first = room / CIRCLE * CIRCLE;
            questions::create(&name(room), first..first + CIRCLE)
        }))?;
        let running = site.start()?;
        let mut visitors = Visitors::new()?;
        let overseer = site.token_with("overseer", &json!(["see"]))?;
        // Nobody is let in before all rooms are loaded.
        visitors.connect(running.address, &overseer)?;
        let rss_before = running.process.rss()?;
        let tokens = (0..rooms).map(|person| site.token(person));
        visitors.connect_all(running.address, &tokens.collect::<Result<Vec<_>, _>>()?)?;
        visitors.settle()?;
        let rss_before_joins = running.process.rss()?;
        for first in (0..rooms).step_by(CIRCLE) {
            let circle = first..first + CIRCLE;
            let pairs = circle
                .clone()
                .flat_map(|person| circle.clone().map(move |room| (person, room)));
            visitors.have_all(pairs.map(|(person, room)| (place_of(person), join(&name(room)))))?;
        }
        visitors.settle()?;
        let rss = running.process.rss()?;
        Ok(Town {
            site,
            running,
            visitors,
            rooms,
            rss_before,
            rss_before_joins,
            rss,
        })
    }

    fn room(&self, time: usize) -> usize {
        time * STRIDE % self.rooms
    }

    fn list(&mut self, asker: usize, after: &str) -> Result<(), Failure> {
        let after = match after {
            "" => String::new(),
            room => format!(r#","after":"{room}""#),
        };
        let question = format!(r#"{{"type":"rooms","limit":10{after}}}"#);
        self.visitors.have(asker, &question, 0)
    }

    fn cost(&mut self, ask: Ask) -> Result<f64, Failure> {
        let before = self.running.process.cpu()?;
        for time in 0..ASKED {
            ask(self, time)?;
        }
        let spent = self.running.process.cpu()?.saturating_sub(before);
        self.visitors.catch_up()?;
        Ok(spent.as_secs_f64() * 1e6 / ASKED as f64)
    }
}

/// Where a person stands among the visitors.
fn place_of(person: usize) -> usize {
    OVERSEER + 1 + person
}

fn name(room: usize) -> String {
    format!("room-{room}")
}
