//! A server with ten rooms and ten thousand messages, and one with ten thousand rooms and a million, nearly all in one room.

use std::time::Instant;

use crate::questions;
use crate::server::{Running, Site};
use crate::shared::failure::Failure;
use crate::table::{Row, Size};
use crate::visitors::{Visitors, join, leave, open, send};

const ROUNDS: usize = 5;
const ASKED: u64 = 100;
/// Rooms, and messages in the room with a long history.
const SIZES: [(Size, usize, u64); 2] =
    [(Size::Small, 10, 10_000), (Size::Large, 10_000, 1_000_000)];
const PEOPLE: usize = 10;
/// The room with the history.
const LOG: &str = "log";
/// Messages of a page, and of what somebody missed.
const PAGE: u64 = 100;

struct Archive {
    size: Size,
    site: Site,
    kept: u64,
}

pub fn measure() -> Result<Vec<Row>, Failure> {
    let archives = SIZES.map(|(size, rooms, kept)| {
        let others = (1..rooms).map(|room| questions::create(&format!("room-{room}"), 0..PEOPLE));
        let said = (0..kept).map(|_| questions::say(LOG));
        let questions = others.chain([questions::create(LOG, 0..PEOPLE)]);
        let site = Site::with(questions.chain(said))?;
        Ok(Archive { size, site, kept })
    });
    let archives = archives.into_iter().collect::<Result<Vec<_>, Failure>>()?;
    let mut rows = starts(&archives)?;
    rows.extend(pages(&archives)?);
    Ok(rows)
}

/// How long it takes until somebody is let in.
fn starts(archives: &[Archive]) -> Result<Vec<Row>, Failure> {
    let mut until_listening = Row::new("from the start to listening", "ms");
    let mut until_in = Row::new("from the start until somebody is in", "ms");
    let mut spent = Row::new("processor time of that", "ms");
    for _ in 0..ROUNDS {
        for archive in archives {
            let token = archive.site.token(0)?;
            let began = Instant::now();
            let running = archive.site.start()?;
            let _guest = open(running.address, &token)?;
            until_in.add(archive.size, began.elapsed().as_secs_f64() * 1e3);
            until_listening.add(archive.size, running.start_time.as_secs_f64() * 1e3);
            spent.add(archive.size, running.process.cpu()?.as_secs_f64() * 1e3);
        }
    }
    Ok(vec![until_listening, until_in, spent])
}

/// Does one thing in the archive with so many messages. The last of [`ASKING`] says more of them.
type Ask = fn(&mut Visitors, kept: u64) -> Result<(), Failure>;

const ASKING: [(&str, Ask); 5] = [
    (
        "leaving, and joining with the last 100 messages",
        |visitors, kept| {
            visitors.have(0, &leave(LOG), 0)?;
            let since = kept - PAGE;
            let join = format!(r#"{{"type":"join","room":"{LOG}","since":{since}}}"#);
            visitors.have(0, &join, PAGE)
        },
    ),
    ("the first 100 messages", |visitors, _| {
        page(visitors, r#","after":0"#)
    }),
    ("100 messages from the middle", |visitors, kept| {
        page(visitors, &format!(r#","after":{}"#, kept / 2))
    }),
    ("the last 100 messages", |visitors, _| page(visitors, "")),
    ("a message that is kept, told to one", |visitors, _| {
        visitors.have(0, &send(LOG), 1)
    }),
];

fn page(visitors: &mut Visitors, from: &str) -> Result<(), Failure> {
    let question = format!(r#"{{"type":"history","room":"{LOG}","limit":{PAGE}{from}}}"#);
    visitors.have(0, &question, 0)
}

fn pages(archives: &[Archive]) -> Result<Vec<Row>, Failure> {
    let mut running: Vec<(&Archive, Running, Visitors)> = Vec::new();
    for archive in archives {
        let server = archive.site.start()?;
        let mut visitors = Visitors::new()?;
        visitors.connect(server.address, &archive.site.token(0)?)?;
        visitors.have(0, &join(LOG), 0)?;
        running.push((archive, server, visitors));
    }
    let mut rows = Vec::new();
    for (what, ask) in ASKING {
        let mut row = Row::new(what, "µs");
        for _ in 0..ROUNDS {
            for (archive, server, visitors) in &mut running {
                let cost = server.cost(ASKED, || {
                    (0..ASKED).try_for_each(|_| ask(visitors, archive.kept))
                })?;
                row.add(archive.size, cost);
            }
        }
        rows.push(row);
    }
    Ok(rows)
}
