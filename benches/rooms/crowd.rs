//! One room with ten people present, and one with ten thousand, on the same server.

use std::time::Duration;

use crate::questions;
use crate::server::{Running, Site};
use crate::shared::failure::Failure;
use crate::table::{Row, Size, median};
use crate::visitors::{Visitors, join, leave, send};

const ROUNDS: usize = 5;
const FEW: usize = 10;
const CROWD: usize = 10_000;
/// Of those who join before anything is measured.
const AT_A_TIME: usize = 100;
/// Messages of a round; each goes to everybody.
const MESSAGES: [u64; 2] = [200, 10];
/// Comings, goings and questions of a round.
const ASKED: u64 = 200;
/// Longer than the server's turn takes after its reply.
const TURN: Duration = Duration::from_micros(500);

const ROOMS: [(Size, &str); 2] = [(Size::Small, "few"), (Size::Large, "crowd")];
/// Whoever comes to both and goes, and asks. The next ten are `few`, and the rest the crowd.
const VISITOR: usize = 0;

pub fn measure() -> Result<Vec<Row>, Failure> {
    let everybody = 1 + FEW + CROWD;
    let rooms = ROOMS.map(|(size, name)| match size {
        Size::Small => questions::create(name, 0..1 + FEW),
        Size::Large => questions::create(name, 0..everybody),
    });
    let site = Site::with(rooms.into_iter())?;
    let running = site.start()?;
    let mut visitors = Visitors::new()?;
    let tokens = (0..everybody).map(|user| site.token(user));
    visitors.connect_all(running.address, &tokens.collect::<Result<Vec<_>, _>>()?)?;
    visitors.have_all((1..=FEW).map(|place| (place, join("few"))))?;
    for first in (1 + FEW..everybody).step_by(AT_A_TIME) {
        let last = everybody.min(first + AT_A_TIME);
        visitors.have_all((first..last).map(|place| (place, join("crowd"))))?;
    }
    for (_, room) in ROOMS {
        visitors.have(VISITOR, &join(room), 0)?;
    }
    visitors.settle()?;
    rows(&running, &mut visitors)
}

fn rows(running: &Running, visitors: &mut Visitors) -> Result<Vec<Row>, Failure> {
    let mut delivery = Row::new("a delivery of a message that is kept", "µs");
    let mut coming = Row::new("one more joins, and is told that they did", "µs");
    let mut going = Row::new("one leaves, and is told that they did", "µs");
    let mut members = Row::new("a list of ten members", "µs");
    let mut describe = Row::new("a description", "µs");
    for _ in 0..ROUNDS {
        for ((size, room), messages) in ROOMS.into_iter().zip(MESSAGES) {
            let (people, speaker) = match size {
                Size::Small => (1 + FEW as u64, 1),
                Size::Large => (1 + CROWD as u64, 1 + FEW),
            };
            let cost = running.cost(messages * people, || {
                (0..messages).try_for_each(|_| visitors.have(speaker, &send(room), people))
            })?;
            delivery.add(size, cost);
            let (come, go) = come_and_go(running, visitors, room)?;
            coming.add(size, come);
            going.add(size, go);
            visitors.settle()?;
            for (row, word) in [(&mut members, "members"), (&mut describe, "describe")] {
                let question = format!(r#"{{"type":"{word}","room":"{room}"}}"#);
                let cost = running.cost(ASKED, || {
                    (0..ASKED).try_for_each(|_| visitors.have(VISITOR, &question, 0))
                })?;
                row.add(size, cost);
            }
        }
    }
    Ok(vec![delivery, coming, going, members, describe])
}

/// What a coming and a going cost, as a rule: now and then one of them is the one after which the crowd is told how many it is.
fn come_and_go(
    running: &Running,
    visitors: &mut Visitors,
    room: &str,
) -> Result<(f64, f64), Failure> {
    let (mut come, mut go) = (Vec::new(), Vec::new());
    let mut once = |request: String| {
        running.cost(1, || {
            visitors.have(VISITOR, &request, 0)?;
            // The kernel counts a turn when it is over, which is after the reply has come.
            std::thread::sleep(TURN);
            Ok(())
        })
    };
    for _ in 0..ASKED {
        go.push(once(leave(room))?);
        come.push(once(join(room))?);
    }
    let typical = |costs: &[f64]| median(costs).unwrap_or_default();
    Ok((typical(&come), typical(&go)))
}
